/**
 * A loop's body in parts: what does not need the carry, the recurrence, and what the next carry does not
 * need. Here nothing is computed or emitted; what becomes of the parts is `fission.ts`'s.
 *
 * Sums over the steps of a loop, as its body makes them: carries that only add up, which leave the loop
 * as one reduction or one matrix product, and addends of a matrix product, which are joined before they
 * meet it. What loop fission does with both is `fission.ts`'s.
 *
 * @module
 */
import {
  type Atom,
  broadcastShapes,
  bytesOf,
  type Eqn,
  hasEffect,
  isFloat,
  type Jaxpr,
  type Loop,
  shaped,
  sizeOf,
  Var,
} from "../core/mod.ts";
import { isBetterAgain } from "./hoist.ts";

/** What an operation is to sums over steps. */
function kind(
  { primitive }: Eqn,
): NonNullable<typeof primitive.passes.algebra>["kind"] | undefined {
  return primitive.passes.algebra?.kind;
}

/** A sum of cotangents: `out = in + addend`, where nothing else reads either. */
export interface Accumulator {
  /** Position among the carries. */
  readonly carry: number;
  /** The addition. */
  readonly add: Eqn;
  /** What is added in each step. */
  readonly addend: Var;
  /** Linear equations from the product to the addend, last first. */
  readonly chain: readonly Eqn[];
  /** The product at the start of the chain. */
  readonly product: Eqn | null;
}

/** Definitions and uses of what a body computes. */
class Analysis {
  readonly definition = new Map<Var, Eqn>();
  readonly uses = new Map<Atom, number>();

  constructor(readonly body: Jaxpr) {
    for (const eqn of body.eqns) {
      eqn.outputs.forEach((v) => this.definition.set(v, eqn));
      eqn.inputs.forEach((a) => this.uses.set(a, (this.uses.get(a) ?? 0) + 1));
    }
    body.outputs.forEach((a) => this.uses.set(a, (this.uses.get(a) ?? 0) + 1));
  }

  /** The equation that defines an atom read once. */
  single(a: Atom): Eqn | undefined {
    return a instanceof Var && this.uses.get(a) === 1 ? this.definition.get(a) : undefined;
  }
}

/** The sums among the first carries, of which `carries` are the inputs. */
export function accumulators(body: Jaxpr, carries: readonly Var[]): Accumulator[] {
  const info = new Analysis(body);
  const found: Accumulator[] = [];
  for (const [i, before] of carries.entries()) {
    const add = info.single(body.outputs[i]!);
    if (add === undefined || kind(add) !== "sum" || info.uses.get(before) !== 1) continue;
    const addend = add.inputs.find((a) => a !== before);
    if (!add.inputs.includes(before) || !(addend instanceof Var)) continue;
    if (sizeOf(addend.aval.shape) !== sizeOf(before.aval.shape)) continue;
    const chain: Eqn[] = [];
    let product: Eqn | null = null;
    for (let eqn = info.single(addend); eqn !== undefined; eqn = info.single(eqn.inputs[0]!)) {
      if (kind(eqn) === "product") {
        product = eqn;
        break;
      }
      if (kind(eqn) !== "rearrangement" && kind(eqn) !== "negation") break;
      chain.push(eqn);
    }
    found.push({ carry: i, add, addend, chain: product === null ? [] : chain, product });
  }
  return found;
}

/** Whether a value is a matrix product, as it is or rearranged. */
function isProduct(info: Analysis, a: Atom): boolean {
  for (let eqn = info.single(a); eqn !== undefined; eqn = info.single(eqn.inputs[0]!)) {
    if (kind(eqn) === "product") return true;
    if (kind(eqn) !== "rearrangement") return false;
  }
  return false;
}

/**
 * Addends of a matrix product that depends on the carry, joined before they meet it: `(h w + a) + b`
 * becomes `h w + (a + b)`, so that `a + b` can leave the loop. In which order a product adds up its
 * terms is the kernel's affair, and these are further terms of its sums. Other sums stay as they are.
 */
export function reassociated(body: Jaxpr, carries: readonly Var[]): Jaxpr {
  const info = new Analysis(body);
  const isSum = (eqn: Eqn | undefined): eqn is Eqn => eqn !== undefined && kind(eqn) === "sum";
  const tied = new Set<Atom>(carries);
  const replaced = new Map<Eqn, readonly Eqn[]>();
  let { numVars } = body;
  for (const eqn of body.eqns) {
    if (!eqn.inputs.some((a) => tied.has(a))) continue;
    eqn.outputs.forEach((v) => tied.add(v));
    if (!isSum(eqn) || !isFloat(eqn.outputs[0]!.aval.dtype)) continue;
    const [inner, free] = tied.has(eqn.inputs[0]!) ? eqn.inputs : [...eqn.inputs].reverse();
    if (tied.has(free!)) continue;
    const first = info.single(inner!);
    if (!isSum(first) || replaced.has(first)) continue;
    const [bound, other] = tied.has(first.inputs[0]!) ? first.inputs : [...first.inputs].reverse();
    if (tied.has(other!) || !isProduct(info, bound!)) continue;
    const shape = broadcastShapes("add", other!.aval.shape, free!.aval.shape);
    const early = new Var(shaped(shape, eqn.outputs[0]!.aval.dtype), numVars++);
    replaced.set(first, []);
    replaced.set(eqn, [
      { ...eqn, inputs: [other!, free!], outputs: [early] },
      { ...eqn, inputs: [bound!, early] },
    ]);
  }
  if (replaced.size === 0) return body;
  return { ...body, eqns: body.eqns.flatMap((eqn) => replaced.get(eqn) ?? [eqn]), numVars };
}

/** A loop over an axis. */
export type Scan = Extract<Loop, { kind: "scan" }>;

/** Some equations of a body, of which something needs every one. */
interface Part {
  /** The equations. */
  readonly eqns: readonly Eqn[];
  /** What it reads of the inputs and of earlier parts. */
  readonly reads: ReadonlySet<Atom>;
}

/** A body taken apart. */
export interface Parts {
  /** The body, in which addends may have been joined. */
  readonly body: Jaxpr;
  /** Inputs that are the same in each step. */
  readonly consts: readonly Var[];
  /** Inputs that come from the step before. */
  readonly carries: readonly Var[];
  /** Inputs of which each step has its own. */
  readonly slices: readonly Var[];
  /** Carries that stay in the loop, by position. */
  readonly kept: readonly number[];
  /** Those that only add up and do not. */
  readonly sums: readonly Accumulator[];
  /** What does not depend on the carry, for all steps at once. */
  readonly before: Part;
  /** What later parts need of it. */
  readonly early: readonly Var[];
  /** What stays in the loop. */
  readonly recurrence: Part;
  /** What is needed of it in each step, beside the carry at the end. */
  readonly stacked: readonly Var[];
  /** Carries before each step that are wanted later: they are those after the step before. */
  readonly shifted: readonly number[];
  /** What the next carry does not need, for all steps at once. */
  readonly after: Part;
  /** What comes out of it: the loop's results, then what its sums are made of. */
  readonly results: readonly Atom[];
}

/** The parts of a loop's body; `null` where all of it is recurrence, or they would take much memory. */
export function partsOf(scan: Scan): Parts | null {
  const { numConsts, numCarry } = scan;
  const inputs = (body: Jaxpr) => ({
    consts: body.inputs.slice(0, numConsts),
    carries: body.inputs.slice(numConsts, numConsts + numCarry),
    slices: body.inputs.slice(numConsts + numCarry),
  });
  const body = reassociated(scan.jaxpr, inputs(scan.jaxpr).carries);
  const { consts, carries, slices } = inputs(body);
  const sums = accumulators(body, carries.slice(0, scan.sums));
  const summed = new Set(sums.map((s) => s.carry));
  const kept = carries.map((_, i) => i).filter((i) => !summed.has(i));
  const next = kept.map((i) => body.outputs[i]!);
  const results: Atom[] = [
    ...body.outputs.slice(numCarry),
    ...sums.flatMap((s) => s.product === null ? [s.addend] : s.product.inputs),
  ];

  const homes = split(body, sums, kept.map((i) => carries[i]!), next);
  // What is better computed again is in later parts too, and liveness tells where it is needed.
  const again = (eqns: readonly Eqn[]): Eqn[] => eqns.filter(isBetterAgain);
  const loop = [...again(homes.before), ...homes.during];
  const after = needed([...again(loop), ...homes.after], results);

  const made = homes.during.flatMap((e) => e.outputs);
  const inLoop = new Set<Atom>(made);
  const readLater = new Set(after.reads);
  const shifted = kept.filter((i) => readLater.has(carries[i]!) && inLoop.has(body.outputs[i]!));
  shifted.forEach((i) => {
    readLater.delete(carries[i]!);
    readLater.add(body.outputs[i]!);
  });
  const stacked = [...made, ...kept.map((i) => carries[i]!)].filter((v) => readLater.has(v));
  const recurrence = needed(loop, [...next, ...stacked]);

  const early = homes.before.flatMap((e) => e.outputs)
    .filter((v) => recurrence.reads.has(v) || readLater.has(v));
  const before = needed(homes.before, early);
  if (before.eqns.length + after.eqns.length + sums.length === 0) return null;
  const parts = {
    body,
    consts,
    carries,
    slices,
    kept,
    sums,
    before,
    early,
    recurrence,
    stacked,
    shifted,
    after,
    results,
  };
  return takesMuch(parts, scan) ? null : parts;
}

/** The equations by where they belong; those of sums belong nowhere. */
function split(
  body: Jaxpr,
  sums: readonly Accumulator[],
  carries: readonly Var[],
  next: readonly Atom[],
): { before: Eqn[]; during: Eqn[]; after: Eqn[] } {
  const dropped = new Set(sums.flatMap(({ add, chain, product }) => [add, ...chain, product]));
  const tied = new Set<Atom>(carries);
  const before: Eqn[] = [], rest: Eqn[] = [];
  for (const eqn of body.eqns) {
    if (dropped.has(eqn)) continue;
    const stays = !isMobile(eqn) || eqn.inputs.some((a) => tied.has(a));
    if (stays) eqn.outputs.forEach((v) => tied.add(v));
    (stays ? rest : before).push(eqn);
  }
  const read = new Set<Atom>(next);
  const during: Eqn[] = [], after: Eqn[] = [];
  for (const eqn of rest.reverse()) {
    const stays = !isMobile(eqn) || eqn.outputs.some((v) => read.has(v));
    if (stays) eqn.inputs.forEach((a) => read.add(a));
    (stays ? during : after).push(eqn);
  }
  return { before, during: during.reverse(), after: after.reverse() };
}

/** Whether an equation may leave the step of a loop. */
function isMobile(eqn: Eqn): boolean {
  return eqn.primitive.passes.mobile && !hasEffect(eqn);
}

/** Those of the equations that do something or that some values need, and what they and these values read beside. */
function needed(eqns: readonly Eqn[], outputs: readonly Atom[]): Part {
  const reads = new Set<Atom>(outputs.filter((a) => a instanceof Var));
  const live: Eqn[] = [];
  for (const eqn of [...eqns].reverse()) {
    if (!eqn.outputs.some((v) => reads.has(v)) && !hasEffect(eqn)) continue;
    eqn.inputs.forEach((a) => a instanceof Var && reads.add(a));
    live.push(eqn);
  }
  for (const eqn of live) eqn.outputs.forEach((v) => reads.delete(v));
  return { eqns: live.reverse(), reads };
}

/** Whether values for all steps would take much more memory than the loop itself. */
function takesMuch({ body, slices, before, after, stacked }: Parts, scan: Scan): boolean {
  const total = (values: readonly Atom[]): number =>
    values.reduce((n, a) => n + bytesOf(a.aval) * scan.length, 0);
  const made = [...before.eqns, ...after.eqns].flatMap((e) => e.outputs);
  const own = total([...slices, ...body.outputs.slice(scan.numCarry)]);
  return total([...made, ...stacked]) > Math.max(BUDGET, GROWTH * own);
}

/** Memory that values for all steps may take, or this many times what the loop itself takes and gives. */
const BUDGET = 64 * 1024 * 1024;
const GROWTH = 4;

/**
 * Loop fission: what a scan computes in each step without the carry is computed for all steps at once,
 * before the loop where the carry needs it and after the loop where nothing but results does. Sums of
 * cotangents become one reduction, or one matrix product, after the loop. A step of a recurrent network
 * then is the recurrence alone, and the gradient of its weights one product. Sums that a user wrote
 * stay in the order in which they were written, but for addends of a matrix product.
 *
 * @module
 */
import { broadcastShapes, shaped, type ShapedArray, sizeOf } from "../core/aval.ts";
import { byteWidth, isFloat } from "../core/dtype.ts";
import { type Atom, type Eqn, type Jaxpr, type JaxprBuilder, Var } from "../core/jaxpr.ts";
import { batchJaxpr } from "../interpreters/batch.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { addP } from "../primitives/basic.ts";
import { dotGeneralP, type DotParams } from "../primitives/dot.ts";
import { reduceSumP, reshape } from "../primitives/shape.ts";
import { concatenate, slice } from "../primitives/slicing.ts";
import { scanP, type ScanParams } from "./scan.ts";

/** Adds a program's equations for these inputs; gives its outputs. */
export type AddProgram = (jaxpr: Jaxpr, inputs: readonly Atom[]) => Atom[];

/** Memory that values for all steps may take, or this many times what the scan itself takes and gives. */
const budget = 64 * 1024 * 1024;
const growth = 4;

/**
 * Programs inside programs stay where they are: for all steps at once they can cost more. So do
 * sorts and linear solves: what they need beside their results (keys and positions, the matrices
 * that are eliminated) would be needed for all steps at once, and the budget counts results alone.
 */
const immobile = new Set(["scan", "while", "cond", "solve", "sort", "custom_vjp_tangents"]);

const bytes = (aval: ShapedArray): number => sizeOf(aval.shape) * byteWidth(aval.dtype);

/** A sum of cotangents: `out = in + addend`, where nothing else reads either. */
interface Accumulator {
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

function accumulators(info: Analysis, params: ScanParams): Accumulator[] {
  const { jaxpr: body, numConsts, sums } = params;
  const found: Accumulator[] = [];
  for (let i = 0; i < sums; i++) {
    const before = body.inputs[numConsts + i]!;
    const add = info.single(body.outputs[i]!);
    if (add?.primitive !== addP as unknown || info.uses.get(before) !== 1) continue;
    const addend = add!.inputs.find((a) => a !== before);
    if (!add!.inputs.includes(before) || !(addend instanceof Var)) continue;
    if (sizeOf(addend.aval.shape) !== sizeOf(before.aval.shape)) continue;
    const chain: Eqn[] = [];
    let product: Eqn | null = null;
    for (let eqn = info.single(addend); eqn !== undefined; eqn = info.single(eqn.inputs[0]!)) {
      if (eqn.primitive === dotGeneralP as unknown) {
        product = eqn;
        break;
      }
      if (!["transpose", "reshape", "neg"].includes(eqn.primitive.name)) break;
      chain.push(eqn);
    }
    found.push({ carry: i, add: add!, addend, chain: product === null ? [] : chain, product });
  }
  return found;
}

/** Whether a value is a matrix product, as it is or rearranged. */
function isProduct(info: Analysis, a: Atom): boolean {
  for (let eqn = info.single(a); eqn !== undefined; eqn = info.single(eqn.inputs[0]!)) {
    if (eqn.primitive === dotGeneralP as unknown) return true;
    if (!["transpose", "reshape"].includes(eqn.primitive.name)) return false;
  }
  return false;
}

/**
 * Addends of a matrix product that depends on the carry, joined before they meet it: `(h w + a) + b`
 * becomes `h w + (a + b)`, so that `a + b` can leave the loop. In which order a product adds up its
 * terms is the kernel's affair, and these are further terms of its sums. Other sums stay as they are.
 */
function reassociated(body: Jaxpr, carries: readonly Var[]): Jaxpr {
  const info = new Analysis(body);
  const isSum = (eqn: Eqn | undefined): eqn is Eqn => eqn?.primitive === addP as unknown;
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

/** From a carry at the start and the carries after each step to the carries before each step. */
function previous(aval: ShapedArray, length: number, reverse: boolean): Jaxpr {
  const { shape, dtype } = aval;
  return stageClosed("scan", ([init, after]) => {
    const from = reverse ? 1 : 0;
    const rest = slice(
      after!,
      [from, ...shape.map(() => 0)],
      [from + length - 1, ...shape],
    );
    const first = reshape(init!, [1, ...shape]);
    return [concatenate(reverse ? [rest, first] : [first, rest], 0)];
  }, [aval, shaped([length, ...shape], dtype)]);
}

/** A part of a body as a program of its own. */
function part(
  body: Jaxpr,
  inputs: readonly Var[],
  eqns: readonly Eqn[],
  outputs: readonly Atom[],
): Jaxpr {
  return { inputs, eqns, outputs, numVars: body.numVars };
}

/**
 * Emits a scan in parts. `inputs` are the scan's; gives its outputs, or `null` where there is nothing
 * to gain.
 */
export function emitScan(
  builder: JaxprBuilder,
  add: AddProgram,
  params: ScanParams,
  inputs: readonly Atom[],
): Atom[] | null {
  const { numConsts, numCarry, length } = params;
  if (length < 2) return null;
  const carried = params.jaxpr.inputs.slice(numConsts, numConsts + numCarry);
  const body = reassociated(params.jaxpr, carried);
  const info = new Analysis(body);
  const sums = accumulators(info, { ...params, jaxpr: body });
  const summed = new Set(sums.map((s) => s.carry));
  const dropped = new Set(
    sums.flatMap((s) => [s.add, ...s.chain, ...(s.product ? [s.product] : [])]),
  );
  const consts = body.inputs.slice(0, numConsts);
  const carries = body.inputs.slice(numConsts, numConsts + numCarry);
  const slices = body.inputs.slice(numConsts + numCarry);
  const kept = carries.map((_, i) => i).filter((i) => !summed.has(i));

  // What does not depend on the carry comes before the loop.
  const tied = new Set<Atom>(kept.map((i) => carries[i]!));
  const before: Eqn[] = [], during: Eqn[] = [];
  for (const eqn of body.eqns) {
    if (dropped.has(eqn)) continue;
    const stays = immobile.has(eqn.primitive.name) || eqn.inputs.some((a) => tied.has(a));
    if (stays) eqn.outputs.forEach((v) => tied.add(v));
    (stays ? during : before).push(eqn);
  }

  // What the next carry does not need comes after it.
  const needed = new Set<Atom>(kept.map((i) => body.outputs[i]!));
  const loop: Eqn[] = [], after: Eqn[] = [];
  for (const eqn of [...during].reverse()) {
    const inside = immobile.has(eqn.primitive.name) || eqn.outputs.some((v) => needed.has(v));
    if (inside) eqn.inputs.forEach((a) => needed.add(a));
    (inside ? loop : after).unshift(eqn);
  }

  const results: Atom[] = [
    ...body.outputs.slice(numCarry),
    ...sums.flatMap((s) => s.product === null ? [s.addend] : s.product.inputs),
  ];
  const early = new Set<Atom>(before.flatMap((e) => e.outputs));
  const defined = new Set<Atom>(loop.flatMap((e) => e.outputs));
  const readLater = new Set<Atom>([...after.flatMap((e) => e.inputs), ...results]);
  // Carries before each step are those after the step before, where these can be kept instead.
  const shifted = kept.filter((i) => readLater.has(carries[i]!) && defined.has(body.outputs[i]!));
  shifted.forEach((i) => {
    readLater.delete(carries[i]!);
    readLater.add(body.outputs[i]!);
  });
  const fromLoop = [...defined, ...kept.map((i) => carries[i]!)]
    .filter((a): a is Var => readLater.has(a));
  const readInLoop = new Set<Atom>([
    ...loop.flatMap((e) => e.inputs),
    ...kept.map((i) => body.outputs[i]!),
  ]);
  const earlyUsed = [...early].filter((a): a is Var => readInLoop.has(a) || readLater.has(a));
  if (before.length + after.length + sums.length === 0) return null;
  const total = (values: readonly Atom[]): number =>
    values.reduce((n, a) => n + bytes(a.aval) * length, 0);
  const own = total([...slices, ...body.outputs.slice(numCarry)]);
  const made = [...before, ...after].flatMap((e) => e.outputs);
  if (total([...made, ...fromLoop]) > Math.max(budget, growth * own)) return null;

  const batched = (mask: readonly boolean[], jaxpr: Jaxpr, force: boolean) =>
    batchJaxpr(jaxpr, length, mask, force ? jaxpr.outputs.map(() => true) : []);
  const value = new Map<Atom, Atom>();
  consts.forEach((v, i) => value.set(v, inputs[i]!));
  const xs = inputs.slice(numConsts + numCarry);

  // Before the loop: all steps at once.
  const first = batched(
    [...consts.map(() => false), ...slices.map(() => true)],
    part(body, [...consts, ...slices], before, earlyUsed),
    false,
  );
  const firstOuts = add(first.jaxpr, [...inputs.slice(0, numConsts), ...xs]);
  const stacked = new Map<Atom, Atom>(slices.map((v, i) => [v, xs[i]!]));
  earlyUsed.forEach((v, i) => (first.batched[i] ? stacked : value).set(v, firstOuts[i]!));

  // The loop: the recurrence.
  const loopConsts = [...value.keys()].filter((a): a is Var => readInLoop.has(a));
  const loopXs = [...stacked.keys()].filter((a): a is Var => readInLoop.has(a));
  const keptCarries = kept.map((i) => carries[i]!);
  const loopOuts = kept.length === 0 && fromLoop.length === 0 ? [] : builder.equation(
    scanP,
    [
      ...loopConsts.map((v) => value.get(v)!),
      ...kept.map((i) => inputs[numConsts + i]!),
      ...loopXs.map((v) => stacked.get(v)!),
    ],
    {
      ...params,
      jaxpr: part(body, [...loopConsts, ...keptCarries, ...loopXs], loop, [
        ...kept.map((i) => body.outputs[i]!),
        ...fromLoop,
      ]),
      numConsts: loopConsts.length,
      numCarry: kept.length,
      sums: params.sums - sums.length,
    },
    [
      ...keptCarries.map((v) => v.aval),
      ...fromLoop.map((v) => shaped([length, ...v.aval.shape], v.aval.dtype)),
    ],
  );
  fromLoop.forEach((v, i) => stacked.set(v, loopOuts[kept.length + i]!));
  for (const i of shifted) {
    const program = previous(carries[i]!.aval, length, params.reverse);
    const stack = stacked.get(body.outputs[i]!)!;
    stacked.set(carries[i]!, add(program, [inputs[numConsts + i]!, stack])[0]!);
  }

  // After the loop: results, all steps at once.
  const lastIns = [...value.keys(), ...stacked.keys()] as Var[];
  const last = batched(
    [...[...value.keys()].map(() => false), ...[...stacked.keys()].map(() => true)],
    part(body, lastIns, after, results),
    true,
  );
  const lastOuts = add(last.jaxpr, [...value.values(), ...stacked.values()]);
  const numYs = body.outputs.length - numCarry;

  // Sums: one reduction or product each.
  const totals = new Map<number, Atom>();
  let next = numYs;
  for (const s of sums) {
    let total: Atom;
    if (s.product === null) {
      const all = lastOuts[next++]!;
      [total] = builder.equation(reduceSumP, [all], { axes: [0] }, [s.addend.aval]) as [Var];
    } else {
      const { contract, batch } = s.product.params as DotParams;
      const shift = (axes: readonly number[]): number[] => axes.map((a) => a + 1);
      const operands = [lastOuts[next++]!, lastOuts[next++]!];
      [total] = builder.equation(dotGeneralP, operands, {
        contract: [[0, ...shift(contract[0])], [0, ...shift(contract[1])]],
        batch: [shift(batch[0]), shift(batch[1])],
      }, [s.product.outputs[0]!.aval]) as [Var];
      for (const eqn of [...s.chain].reverse()) {
        [total] = builder.equation(eqn.primitive, [total], eqn.params, [
          eqn.outputs[0]!.aval,
        ]) as [Var];
      }
    }
    const [sum] = builder.equation(addP, [inputs[numConsts + s.carry]!, total], null, [
      carries[s.carry]!.aval,
    ]);
    totals.set(s.carry, sum!);
  }
  let k = 0;
  return [
    ...carries.map((_, i) => totals.get(i) ?? loopOuts[k++]!),
    ...lastOuts.slice(0, numYs),
  ];
}

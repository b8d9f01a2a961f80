/**
 * A loop's body in parts: what does not need the carry, the recurrence, and what the next carry does not
 * need. Here nothing is computed or emitted; what becomes of the parts is `fission.ts`'s.
 *
 * @module
 */
import { bytesOf } from "../core/aval.ts";
import { hasEffect } from "../core/effects.ts";
import { type Atom, type Eqn, type Jaxpr, type Loop, Var } from "../core/primitive.ts";
import { isBetterAgain } from "./cheap.ts";
import { type Accumulator, accumulators, reassociated } from "./sums.ts";

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

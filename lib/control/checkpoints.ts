/**
 * Loops that stop on a condition, differentiated backwards by checkpoints. The values at every so many steps
 * are kept; backwards, those between two of them are computed again. With the square root of the largest
 * number of steps as distance that is the number of values in memory, and each step is made once more
 * (Griewank, "Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
 * differentiation", Optimization Methods and Software 1, 1992, whose first case this is).
 *
 * All of it is loops of the same kind, with bounds of their own, so that they can be differentiated too.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { shaped, type ShapedArray } from "../core/dtype.ts";
import { scalarArray } from "../core/concrete.ts";
import { withoutDead } from "../core/dead_code.ts";
import { withoutEffects } from "../core/effects.ts";
import { evalJaxpr } from "../core/jaxpr.ts";
import { memoize } from "../core/memo.ts";
import { type Jaxpr, Var } from "../core/primitive.ts";
import { bind } from "../core/trace.ts";
import { partialEvalJaxpr } from "../interpreters/partial.ts";
import { stage, stageClosed } from "../interpreters/staging.ts";
import { transposeJaxpr } from "../interpreters/transpose.ts";
import { zeros } from "../primitives/constants/constants.ts";
import { add, minimum, mul, sub } from "../primitives/elementwise/arithmetic.ts";
import { and, ge, lt } from "../primitives/elementwise/compare.ts";
import { dynamicSlice, dynamicUpdateSlice } from "../primitives/indexing/dynamic_slice.ts";
import { expandDims, reshape } from "../primitives/shape/shape.ts";
import { count, growMask } from "./jaxprs.ts";

/** A loop that may be repeated at most so many times. */
export interface Bounded {
  readonly maxSteps: number;
  /** How many values are kept; by default the square root of the largest number of steps. */
  readonly checkpoints?: number | undefined;
}

/** Binds a loop: from constants of its programs and the carry to the last carry. */
export type BindLoop = (
  bounded: Bounded,
  inputs: readonly NDArray[],
  programs: {
    readonly cond: Jaxpr;
    readonly body: Jaxpr;
    readonly condConsts: number;
    readonly bodyConsts: number;
  },
) => NDArray[];

/** The way back through a loop, and what it has cotangents for. */
export interface Backward {
  /**
   * From the constants of the condition, known constants of the body, known carries at the start and
   * cotangents of linear carries at the end to the cotangents of linear constants and carries.
   */
  readonly jaxpr: Jaxpr;
  /** Which linear constants get a cotangent, */
  readonly consts: readonly boolean[];
  /** and which linear carries. */
  readonly carry: readonly boolean[];
}

/** Makes the rule for loops that are bound in a way. */
export function backwardBy(bindLoop: BindLoop): (
  body: Jaxpr,
  cond: Jaxpr,
  bounded: Bounded,
  constLinear: readonly boolean[],
  carryLinear: readonly boolean[],
  given: readonly boolean[],
) => Backward {
  return memoize((body, cond, bounded, constLinear, carryLinear, given) => {
    const unknown = [...constLinear, ...carryLinear];
    const { known, staged, numResiduals } = partialEvalJaxpr(body, unknown, carryLinear);
    const numKnown = known.outputs.length - numResiduals;
    const advance = withoutDead(known, known.outputs.map((_, i) => i < numKnown));
    const again = withoutEffects(known);
    // What the way back needs of a step, but for what all steps have in common.
    const source = known.outputs.slice(numKnown).map((a) =>
      a instanceof Var ? known.inputs.indexOf(a) : -1
    );
    const numConsts = count(constLinear);
    const transposed = (given: readonly boolean[]) =>
      transposeJaxpr(
        staged,
        staged.inputs.map((_, i) => i >= numResiduals),
        given,
        [...new Array(numResiduals + numConsts).fill(false), ...given],
      );
    const firstConst = numResiduals;
    const firstCarry = numResiduals + numConsts;
    const carry = growMask(given, (mask) => transposed(mask).active.slice(firstCarry));
    const back = transposed(carry);
    const consts = back.active.slice(firstConst, firstCarry);

    const numCond = cond.inputs.length - carryLinear.length;
    const test = knownPart(
      cond,
      [...new Array(numCond).fill(false), ...carryLinear],
      [false],
    );
    const quiet = withoutEffects(test);
    const { blocks, length } = layout(bounded);
    const knownIn = body.inputs.filter((_, i) => !unknown[i]).map((v) => v.aval);
    const numKnownConsts = constLinear.length - numConsts;
    const isShared = source.map((at) => at >= 0 && at < numKnownConsts);
    const ownAvals = known.outputs.slice(numKnown).filter((_, i) => !isShared[i]).map((a) =>
      a.aval
    );
    const carryAvals = body.outputs.filter((_, i) => carryLinear[i]).map((a) => a.aval);
    const constAvals = body.inputs.slice(0, constLinear.length).filter((_, i) => constLinear[i])
      .map((v) => v.aval);

    const loop = (
      maxSteps: number,
      cond: (c: NDArray[]) => NDArray,
      body: (c: NDArray[]) => NDArray[],
      init: readonly NDArray[],
    ): NDArray[] => {
      const avals = init.map((x) => x.aval);
      const test = stage("whileLoop", (c) => [cond(c)], avals);
      const step = stage("whileLoop", body, avals);
      return bindLoop({ maxSteps }, [...test.consts, ...step.consts, ...init], {
        cond: test.jaxpr,
        body: step.jaxpr,
        condConsts: test.consts.length,
        bodyConsts: step.consts.length,
      });
    };

    const jaxpr = stageClosed("whileLoop backwards", (args) => {
      const take = (n: number): NDArray[] => args.splice(0, n);
      const condArgs = take(numCond);
      const own = take(numKnownConsts);
      const init = take(knownIn.length - numKnownConsts);
      const cts = args;
      const n = init.length;
      const goesOn = (test: Jaxpr, x: readonly NDArray[]): NDArray =>
        evalJaxpr(test, [...condArgs, ...x], bind)[0]!;

      // Forwards, block by block: number of the block, steps made, values at the start of each block, carry.
      const [made, steps, ...rest] = loop(
        blocks,
        // Inside a block the condition is asked for every step.
        ([, , ...c]) => goesOn(length === 1 ? test : quiet, c.slice(n)),
        ([k, steps, ...c]) => {
          const x = c.slice(n);
          const step = ([i, ...x]: NDArray[]): NDArray[] => [
            add(i!, int(1)),
            ...evalJaxpr(advance, [...own, ...x], bind),
          ];
          const within = ([i, ...x]: NDArray[]): NDArray =>
            and(lt(i!, int(length)), goesOn(test, x));
          const first = [int(0), ...x];
          const [i, ...next] = length === 1 ? step(first) : loop(length, within, step, first);
          return [add(k!, int(1)), add(steps!, i!), ...kept(c.slice(0, n), x, k!), ...next];
        },
        [int(0), int(0), ...init.map((x) => room(x.aval, blocks)), ...init],
      ) as [NDArray, NDArray, ...NDArray[]];
      const starts = rest.slice(0, n);

      /** The values after a step, and what the way back needs of it. */
      const stepAgain = (x: readonly NDArray[]): [next: NDArray[], needed: NDArray[]] => {
        const outs = evalJaxpr(again, [...own, ...x], bind);
        return [outs.slice(0, numKnown), outs.slice(numKnown).filter((_, i) => !isShared[i])];
      };
      let next = 0;
      const end = carry.flatMap((on, i) =>
        !on ? [] : given[i] ? [cts[next++]!] : [zeros(carryAvals[i]!)]
      );
      const numCts = end.length;
      const sums = constAvals.filter((_, i) => consts[i]).map((aval) => zeros(aval));
      const stepBack = (needed: readonly NDArray[], c: readonly NDArray[]): NDArray[] => {
        let next = 0;
        const inner = source.map((at, i) => isShared[i] ? own[at]! : needed[next++]!);
        const outs = evalJaxpr(back.jaxpr, [...inner, ...c.slice(0, numCts)], bind);
        const added = c.slice(numCts).map((sum, i) => add(sum, outs[i]!));
        return [...outs.slice(added.length), ...added];
      };

      const [, ...outs] = loop(
        blocks,
        ([k]) => ge(k!, int(0)),
        ([k, ...c]) => {
          const x = starts.map((store) => at(store, k!));
          if (length === 1) return [sub(k!, int(1)), ...stepBack(stepAgain(x)[1], c)];
          const here = minimum(int(length), sub(steps, mul(k!, int(length))));
          const [, ...trail] = loop(
            length,
            ([i]) => lt(i!, here),
            ([i, ...c]) => {
              const [next, needed] = stepAgain(c.slice(ownAvals.length));
              return [add(i!, int(1)), ...kept(c.slice(0, ownAvals.length), needed, i!), ...next];
            },
            [int(0), ...ownAvals.map((aval) => room(aval, length)), ...x],
          );
          const needed = trail.slice(0, ownAvals.length);
          const [, ...before] = loop(
            length,
            ([i]) => ge(i!, int(0)),
            ([i, ...c]) => [
              sub(i!, int(1)),
              ...stepBack(needed.map((store) => at(store, i!)), c),
            ],
            [sub(here, int(1)), ...c],
          );
          return [sub(k!, int(1)), ...before];
        },
        [sub(made, int(1)), ...end, ...sums],
      );
      return [...outs.slice(numCts), ...outs.slice(0, numCts)];
    }, [
      ...cond.inputs.slice(0, numCond).map((v) => v.aval),
      ...knownIn,
      ...carryAvals.filter((_, i) => given[i]),
    ]);
    return { jaxpr, consts, carry };
  });
}

/** The part of a loop program that depends on known values alone: from those to the outputs kept. */
export function knownPart(
  jaxpr: Jaxpr,
  unknownIn: readonly boolean[],
  dropped: readonly boolean[],
): Jaxpr {
  const { known } = partialEvalJaxpr(jaxpr, unknownIn, dropped);
  const kept = dropped.filter((d) => !d).length;
  return withoutDead(known, known.outputs.map((_, i) => i < kept));
}

/** Number of blocks, and of steps in each. */
function layout({ maxSteps, checkpoints }: Bounded): { blocks: number; length: number } {
  const most = Math.max(1, maxSteps);
  const wanted = Math.min(most, checkpoints ?? Math.ceil(Math.sqrt(most)));
  const length = Math.ceil(most / wanted);
  return { blocks: Math.ceil(most / length), length };
}

const int = (value: number): NDArray => scalarArray(value, "int32");

/** Room for a value of each of so many steps. */
function room(aval: ShapedArray, steps: number): NDArray {
  return zeros(shaped([steps, ...aval.shape], aval.dtype));
}

const startsAt = (x: NDArray, i: NDArray): NDArray[] => [i, ...x.shape.map(() => int(0))];

/** The stores with the values of step `i` in them. */
function kept(stores: readonly NDArray[], xs: readonly NDArray[], i: NDArray): NDArray[] {
  return stores.map((store, k) =>
    dynamicUpdateSlice(store, expandDims(xs[k]!, [0]), startsAt(xs[k]!, i))
  );
}

/** The value of step `i`. */
function at(store: NDArray, i: NDArray): NDArray {
  const shape = store.shape.slice(1);
  return reshape(dynamicSlice(store, [i, ...shape.map(() => int(0))], [1, ...shape]), shape);
}

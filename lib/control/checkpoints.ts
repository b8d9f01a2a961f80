/**
 * Loops that stop on a condition, differentiated backwards by checkpoints. Such a loop is cut in two. What is known
 * of it runs once, and keeps the values at every so many steps. What is linear is a loop over these blocks of
 * steps: in each the values between two of those kept are computed again, and the linear part of the steps reads
 * them. With the square root of the largest number of steps as distance that is the number of values in memory,
 * and each step is made once more (Griewank, "Achieving logarithmic growth of temporal and spatial complexity in
 * reverse automatic differentiation", Optimization Methods and Software 1, 1992, whose first case this is). With
 * blocks of one step, what the linear part needs is kept itself, and nothing is made again.
 *
 * The loops of what is linear count up to a number that is known when they begin, and know nothing else that
 * changes. So their transposes are loops of the same kind, which read backwards. All of it can be differentiated
 * again.
 *
 * @module
 */
import {
  bind,
  evalJaxpr,
  type Jaxpr,
  keepInputs,
  memoize,
  type NDArray,
  scalarArray,
  shaped,
  type ShapedArray,
  sizeOf,
  usedInputs,
  Var,
  withoutDead,
  withoutEffects,
} from "../core/mod.ts";
import { partialEvalJaxpr } from "../interpreters/partial.ts";
import { stage, stageClosed } from "../interpreters/staging.ts";
import { transposeJaxpr } from "../interpreters/transpose.ts";
import {
  add,
  and,
  dynamicSlice,
  dynamicUpdateSlice,
  expandDims,
  lt,
  minimum,
  mul,
  reshape,
  sub,
  zeros,
} from "../primitives/mod.ts";
import { count, growMask } from "./jaxprs.ts";

/** A loop that may be repeated at most so many times. */
export interface Bounded {
  readonly maxSteps: number;
  /** How many values are kept; by default the square root of the largest number of steps. */
  readonly checkpoints?: number | undefined;
  /**
   * Whether the first carry counts the steps from 0 up to the one constant of the condition, and nothing else
   * decides about their number.
   */
  readonly counted?: true | undefined;
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

/** A loop in two parts. */
export interface Split {
  /**
   * From known constants of the condition and of the body and known carries at the start to known carries at
   * the end, then what the other part needs.
   */
  readonly now: Jaxpr;
  /** From that, known constants, unknown constants and unknown carries at the start to those at the end. */
  readonly later: Jaxpr;
}

/** Which inputs of a loop are not known: constants of its programs, and carries. */
export interface Unknown {
  readonly cond: readonly boolean[];
  readonly consts: readonly boolean[];
  readonly carry: readonly boolean[];
}

/** The known part of a step. */
export interface KnownStep {
  /** From known constants and carries to known carries, then residuals. */
  readonly known: Jaxpr;
  /** From residuals, unknown constants and unknown carries to unknown carries. */
  readonly staged: Jaxpr;
  /** Which known constant a residual is, -1 where it is something else. */
  readonly shared: readonly number[];
  /** The known carries that residuals depend on which are not constants. */
  readonly needed: readonly boolean[];
}

/** What is known of a step, and which carries that is for. */
export const knownStep: (body: Jaxpr, unknown: Pick<Unknown, "consts" | "carry">) => KnownStep =
  /* @__PURE__ */ memoize((body, { consts, carry }) => {
    const { known, staged, numResiduals } = partialEvalJaxpr(body, [...consts, ...carry], carry);
    const numKnown = known.outputs.length - numResiduals;
    const numConsts = consts.length - count(consts);
    const shared = known.outputs.slice(numKnown).map((a) => {
      const at = a instanceof Var ? known.inputs.indexOf(a) : -1;
      return at < numConsts ? at : -1;
    });
    const quiet = withoutEffects(known);
    const own = shared.map((at) => at < 0);
    const needed = growMask(
      new Array<boolean>(numKnown).fill(false),
      (mask) => usedInputs(withoutDead(quiet, [...mask, ...own])).slice(numConsts),
    );
    return { known, staged, shared, needed };
  });

/** Makes the rule that cuts loops in two which are bound in a way. */
export function splitBy(
  bindLoop: BindLoop,
): (body: Jaxpr, cond: Jaxpr, bounded: Bounded, unknown: Unknown) => Split {
  return memoize((body, cond, bounded, unknown) => {
    const { known, staged, shared, needed } = knownStep(body, unknown);
    const test = knownPart(cond, [...unknown.cond, ...unknown.carry], [false]);
    const numCond = test.inputs.length - needed.length;
    const numConsts = known.inputs.length - needed.length;
    const isOwn = shared.map((at) => at < 0);
    const ownAvals = known.outputs.slice(needed.length).filter((_, i) => isOwn[i])
      .map((a) => a.aval);
    const startAvals = known.inputs.slice(numConsts).filter((_, i) => needed[i])
      .map((v) => v.aval);
    // Whether what the other part needs of a step is kept, and not what it is computed from.
    const isEach = layout(bounded).length === 1;
    const isWhole = ownAvals.length === 0 ||
      isEach && elements(ownAvals) <= Math.max(few, times * elements(startAvals));
    const { blocks, length } = layout(isWhole ? { ...bounded, checkpoints: Infinity } : bounded);
    const stores = isWhole ? ownAvals : startAvals;
    // Derivatives of these loops keep something of each block, and of each step of one block; those of a loop
    // that kept so much already keep less.
    const outer: Bounded = {
      maxSteps: blocks,
      checkpoints: isWhole ? bounded.checkpoints : isEach ? undefined : blocks,
    };
    const inner: Bounded = { maxSteps: length, checkpoints: length };
    const keeps = (xs: readonly NDArray[]): NDArray[] => xs.filter((_, i) => needed[i]);
    // A step made again: from known constants and needed carries to those, then what is its own.
    const again = keepInputs(
      withoutDead(withoutEffects(known), [...needed, ...isOwn]),
      known.inputs.map((_, i) => i < numConsts || needed[i - numConsts]!),
    );

    const loop = (
      bounded: Bounded,
      cond: (c: NDArray[]) => NDArray,
      body: (c: NDArray[]) => NDArray[],
      init: readonly NDArray[],
    ): NDArray[] => {
      const avals = init.map((x) => x.aval);
      const test = stage("whileLoop", (c) => [cond(c)], avals);
      const step = stage("whileLoop", body, avals);
      return bindLoop(bounded, [...test.consts, ...step.consts, ...init], {
        cond: test.jaxpr,
        body: step.jaxpr,
        condConsts: test.consts.length,
        bodyConsts: step.consts.length,
      });
    };
    /** A loop of `n` steps, which are told their number. */
    const counted = (
      bounded: Bounded,
      n: NDArray,
      step: (i: NDArray, c: readonly NDArray[]) => NDArray[],
      init: readonly NDArray[],
    ): NDArray[] =>
      loop(
        { ...bounded, counted: true },
        ([i]) => lt(i!, n),
        ([i, ...c]) => [add(i!, int(1)), ...step(i!, c)],
        [int(0), ...init],
      ).slice(1);

    const now = stageClosed("whileLoop", (args) => {
      const take = (n: number): NDArray[] => args.splice(0, n);
      const [condArgs, own, init] = [take(numCond), take(numConsts), args];
      const goesOn = (x: readonly NDArray[]): NDArray =>
        evalJaxpr(test, [...condArgs, ...x], bind)[0]!;
      /** Whether it goes on after a step, the values then, and what is its own. */
      const step = (x: readonly NDArray[]): [NDArray, NDArray[], NDArray[]] => {
        const outs = evalJaxpr(known, [...own, ...x], bind);
        const next = outs.slice(0, needed.length);
        return [goesOn(next), next, outs.slice(needed.length).filter((_, i) => isOwn[i])];
      };
      // The condition is asked once for each value. Of a block: whether it goes on, steps made, values.
      const block = (goOn: NDArray, x: readonly NDArray[]): NDArray[] => {
        if (length === 1) {
          const [goOn, next] = step(x);
          return [goOn, int(1), ...next];
        }
        return loop(
          inner,
          ([goOn, i]) => and(lt(i!, int(length)), goOn!),
          ([, i, ...x]) => {
            const [goOn, next] = step(x);
            return [goOn, add(i!, int(1)), ...next];
          },
          [goOn, int(0), ...x],
        );
      };
      const [, made, steps, ...rest] = loop(
        outer,
        ([goOn]) => goOn!,
        ([goOn, k, steps, ...c]) => {
          const [kept, x] = [c.slice(0, stores.length), c.slice(stores.length)];
          if (isWhole) {
            const [goOn, next, own] = step(x);
            return [goOn, add(k!, int(1)), steps!, ...withStep(kept, own, k!), ...next];
          }
          const [on, i, ...next] = block(goOn!, x);
          const starts = withStep(kept, keeps(x), k!);
          return [on!, add(k!, int(1)), add(steps!, i!), ...starts, ...next];
        },
        [goesOn(init), int(0), int(0), ...stores.map((aval) => room(aval, blocks)), ...init],
      ) as [NDArray, NDArray, NDArray, ...NDArray[]];
      return [...rest.slice(stores.length), made, steps, ...rest.slice(0, stores.length)];
    }, [...test.inputs.slice(0, numCond), ...known.inputs].map((v) => v.aval));

    const unknownAvals = body.inputs.filter((_, i) => [...unknown.consts, ...unknown.carry][i])
      .map((v) => v.aval);
    const later = stageClosed("whileLoop of tangents", (args) => {
      const take = (n: number): NDArray[] => args.splice(0, n);
      const [[made, steps], kept, own] = [take(2), take(stores.length), take(numConsts)];
      // Unknown constants are carried as they are, so that backwards their cotangents are added up step by
      // step, through all blocks, as without them.
      const numUnknown = count(unknown.consts);
      /** A step of what is unknown, with what is its own. */
      const step = (needs: readonly NDArray[], c: readonly NDArray[]): NDArray[] => {
        let next = 0;
        const residuals = shared.map((k) => k < 0 ? needs[next++]! : own[k]!);
        return [...c.slice(0, numUnknown), ...evalJaxpr(staged, [...residuals, ...c], bind)];
      };
      const stepOf = (stores: readonly NDArray[]) => (i: NDArray, c: readonly NDArray[]) =>
        step(stores.map((store) => valueAt(store, i)), c);
      const block = (k: NDArray, c: readonly NDArray[]): NDArray[] => {
        const start = kept.map((store) => valueAt(store, k));
        const makeAgain = (x: readonly NDArray[]): [next: NDArray[], needs: NDArray[]] => {
          const outs = evalJaxpr(again, [...own, ...x], bind);
          return [outs.slice(0, start.length), outs.slice(start.length)];
        };
        if (length === 1) return step(makeAgain(start)[1], c);
        const here = minimum(int(length), sub(steps!, mul(k, int(length))));
        const trail = counted(inner, here, (i, c) => {
          const [next, needs] = makeAgain(c.slice(ownAvals.length));
          return [...withStep(c.slice(0, ownAvals.length), needs, i), ...next];
        }, [...ownAvals.map((aval) => room(aval, length)), ...start]);
        return counted(inner, here, stepOf(trail.slice(0, ownAvals.length)), c);
      };
      return counted(outer, made!, isWhole ? stepOf(kept) : block, args).slice(numUnknown);
    }, [
      ...[int(0), int(0)].map((x) => x.aval),
      ...stores.map((aval) => storeOf(aval, blocks)),
      ...known.inputs.slice(0, numConsts).map((v) => v.aval),
      ...unknownAvals,
    ]);
    return { now, later };
  });
}

/** The way back through a counted loop, and what it has cotangents for. */
export interface Backward {
  /** The condition of a counted loop. */
  readonly cond: Jaxpr;
  /**
   * From the number of steps and known constants, then the number of the step, cotangents of linear carries and
   * sums for linear constants, to the latter three.
   */
  readonly body: Jaxpr;
  /** Which linear constants get a cotangent, */
  readonly consts: readonly boolean[];
  /** and which linear carries. */
  readonly carry: readonly boolean[];
}

/** The loop back through one that is counted, and all of whose other carries are linear. */
export const backward: (
  body: Jaxpr,
  constLinear: readonly boolean[],
  given: readonly boolean[],
) => Backward = /* @__PURE__ */ memoize((body, constLinear, given) => {
  const linear = [false, ...given.map(() => true)];
  const { known, staged, numResiduals } = partialEvalJaxpr(
    body,
    [...constLinear, ...linear],
    linear,
  );
  // Its first output is the next number.
  const residuals = withoutDead(withoutEffects(known), known.outputs.map((_, i) => i > 0));
  const firstCarry = numResiduals + count(constLinear);
  const transposed = (given: readonly boolean[]) =>
    transposeJaxpr(
      staged,
      staged.inputs.map((_, i) => i >= numResiduals),
      given,
      [...new Array(firstCarry).fill(false), ...given],
    );
  const carry = growMask(given, (mask) => transposed(mask).active.slice(firstCarry));
  const back = transposed(carry);
  const consts = back.active.slice(numResiduals, firstCarry);
  const [numSums, numCts] = [count(consts), count(carry)];
  const number = int(0).aval;
  const c = [
    ...back.jaxpr.outputs.slice(numSums).map((a) => a.aval),
    ...back.jaxpr.outputs.slice(0, numSums).map((a) => a.aval),
  ];
  return {
    cond: stageClosed("whileLoop backwards", ([n, i]) => [lt(i!, n!)], [number, number, ...c]),
    body: stageClosed("whileLoop backwards", ([n, ...args]) => {
      const own = args.splice(0, residuals.inputs.length - 1);
      const [i, ...c] = args;
      const at = evalJaxpr(residuals, [...own, sub(sub(n!, int(1)), i!)], bind);
      const outs = evalJaxpr(back.jaxpr, [...at, ...c.slice(0, numCts)], bind);
      const sums = c.slice(numCts).map((sum, k) => add(sum, outs[k]!));
      return [add(i!, int(1)), ...outs.slice(numSums), ...sums];
    }, [number, ...residuals.inputs.slice(0, -1).map((v) => v.aval), number, ...c]),
    consts,
    carry,
  };
});

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

/** How much of a step is kept in place of its values: so many times as much, or so many numbers. */
const times = 4;
const few = 64;

function elements(avals: readonly ShapedArray[]): number {
  return avals.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

const int = (value: number): NDArray => scalarArray(value, "int32");

/** A store with a value of each of so many steps, */
function storeOf(aval: ShapedArray, steps: number): ShapedArray {
  return shaped([steps, ...aval.shape], aval.dtype);
}

/** and room for them. */
function room(aval: ShapedArray, steps: number): NDArray {
  return zeros(storeOf(aval, steps));
}

const startsAt = (x: NDArray, i: NDArray): NDArray[] => [i, ...x.shape.map(() => int(0))];

/** The stores with the values of step `i` in them. */
function withStep(stores: readonly NDArray[], xs: readonly NDArray[], i: NDArray): NDArray[] {
  return stores.map((store, k) =>
    dynamicUpdateSlice(store, expandDims(xs[k]!, [0]), startsAt(xs[k]!, i))
  );
}

/** The value of step `i`. */
function valueAt(store: NDArray, i: NDArray): NDArray {
  const shape = store.shape.slice(1);
  return reshape(dynamicSlice(store, [i, ...shape.map(() => int(0))], [1, ...shape]), shape);
}

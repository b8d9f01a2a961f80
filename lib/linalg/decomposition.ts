/**
 * What the decompositions share: each takes matrices `[..., m, n]` apart, matrix by matrix. Their
 * records state only what is their own.
 *
 * Loops for the programs of decompositions, in the field's own words: so many steps, or until done.
 *
 * The programs are what graphs are made of. They work on whole matrices, one row, column or set of
 * rotations a step, so that they are as long for any size; on the CPU there are routines instead.
 *
 * @module
 */
import { scanP } from "../control/scan.ts";
import { whileP } from "../control/while.ts";
import {
  allocate,
  bind,
  checkDType,
  definePrimitive,
  type DType,
  floating,
  formatShape,
  type HostValue,
  type KernelRule,
  type LowerRule,
  type NDArray,
  type Primitive,
  type Sample,
  shaped,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stationary,
  type Tangent,
  type TypedArray,
} from "../core/mod.ts";
import { stage, stageClosed } from "../interpreters/staging.ts";
import { emptyOutput, iota, moveAxis } from "../primitives/mod.ts";
import type { Routine } from "../routine/routine.ts";

/** What a step gives: the next carry, and what is stacked over all steps. */
export interface Step {
  /** As many arrays as the carry has, of the same types. */
  readonly carry: readonly NDArray[];
  /** Stacked along a new first axis. */
  readonly stacked?: readonly NDArray[];
}

/** What a loop of steps gives. */
export interface Stepped {
  /** The last carry. */
  readonly carry: NDArray[];
  /** What was stacked, by the number of the step. */
  readonly stacked: NDArray[];
}

/** Takes `n` steps, from step 0 to n - 1, or with `reverse` the other way. */
export function steps(
  n: number,
  start: readonly NDArray[],
  body: (i: NDArray, carry: NDArray[]) => Step,
  reverse = false,
): Stepped {
  const staged = stage("steps", (args) => {
    const carry = args.slice(0, -1);
    const { carry: next, stacked = [] } = body(args.at(-1)!, carry);
    return [...next, ...stacked];
  }, [...start.map((x) => x.aval), shaped([], "int32")]);
  const outs = bind(scanP, [...staged.consts, ...start, iota([n], 0, "int32")], {
    jaxpr: staged.jaxpr,
    numConsts: staged.consts.length,
    numCarry: start.length,
    length: n,
    reverse,
    sums: 0,
  });
  return { carry: outs.slice(0, start.length), stacked: outs.slice(start.length) };
}

/** Takes steps while `goesOn`, a bool scalar, is true. */
export function stepsWhile(
  start: readonly NDArray[],
  goesOn: (carry: NDArray[]) => NDArray,
  body: (carry: NDArray[]) => readonly NDArray[],
): NDArray[] {
  const avals = start.map((x) => x.aval);
  const cond = stage("stepsWhile", (carry) => [goesOn(carry)], avals);
  const next = stage("stepsWhile", body, avals);
  return bind(whileP, [...cond.consts, ...next.consts, ...start], {
    cond: cond.jaxpr,
    body: next.jaxpr,
    condConsts: cond.consts.length,
    bodyConsts: next.consts.length,
  });
}

/** Lowers an equation as the program that `f` is; where all outputs are empty, as these. */
export function lowerAsProgram<P>(
  f: (inputs: NDArray[], params: P) => readonly NDArray[],
): LowerRule<P> {
  return (g, inputs, params, inAvals, outAvals) => {
    const empty = outAvals.map((aval) => emptyOutput(g, aval));
    if (empty.every((v) => v !== null)) return empty;
    return g.inline(programOf(f, inAvals, params), inputs);
  };
}

/** Compiles an equation as the program that `f` is. */
export function compileAsProgram<P>(
  f: (inputs: NDArray[], params: P) => readonly NDArray[],
): KernelRule<P> {
  return (b, inputs, params, avals) => b.inline(programOf(f, avals, params), inputs);
}

/** The program that `f` is for inputs of the given types. */
export function programOf<P>(
  f: (inputs: NDArray[], params: P) => readonly NDArray[],
  avals: readonly ShapedArray[],
  params: P,
): ReturnType<typeof stageClosed> {
  return stageClosed("decomposition", (args) => f(args, params), avals);
}

/** An output of one matrix: its shape, and `"int32"` where it holds positions. */
export interface Factor {
  /** Shape for one matrix. */
  readonly shape: readonly number[];
  /** Element type; that of the matrix where left out. */
  readonly dtype?: DType;
}

/** What a decomposition states. */
export interface DecompositionRules<P> {
  /** Its name. */
  readonly name: string;
  /** Whether matrices must be square. */
  readonly square: boolean;
  /** What a matrix of `m` rows and `n` columns gives. */
  readonly factors: (m: number, n: number, params: P) => readonly Factor[];
  /**
   * Takes matrices apart on the CPU: from `[count, m, n]` to factors behind one another, given their
   * number and the scalars.
   */
  readonly routine: (params: P) => Routine;
  /** The scalars of the routine behind the number of matrices. */
  readonly scalars: (m: number, n: number, params: P) => readonly number[];
  /** The same as a program. */
  readonly program: (a: NDArray, params: P) => readonly NDArray[];
  /** Tangents of the outputs. */
  readonly tangents: (
    a: NDArray,
    da: NDArray,
    outs: readonly NDArray[],
    params: P,
  ) => readonly Tangent[];
  /** Samples. */
  readonly samples: () => readonly Sample<P>[];
}

/** Refuses what is no matrix of floats, or not square where it has to be. */
export function checkMatrix(op: string, a: ShapedArray, square: boolean): void {
  checkDType(op, "the matrix", a, floating);
  const [m, n] = a.shape.slice(-2);
  if (a.shape.length < 2) {
    throw new ShapeError(
      `${op}: takes matrices, of shape [..., m, n], but the shape is ${formatShape(a.shape)}. ` +
        "Make a vector a matrix of one column with x.reshape([-1, 1])",
    );
  }
  if (square && m !== n) {
    throw new ShapeError(
      `${op}: the matrix must be square, of shape [..., n, n], but its shape is ${
        formatShape(a.shape)
      }`,
    );
  }
}

/** Defines a decomposition. */
export function decomposition<P>(r: DecompositionRules<P>): Primitive<P> {
  const values = (a: HostValue, params: P, avals: readonly ShapedArray[]): TypedArray[] => {
    const [m, n] = a.shape.slice(-2) as [number, number];
    const outs = avals.map(({ shape, dtype }) => allocate(dtype, sizeOf(shape)));
    const count = sizeOf(a.shape.slice(0, -2));
    const scalars = r.scalars(m, n, params);
    r.routine(params).runLong(a.dtype, [a.values, ...outs], count, ...scalars);
    return outs;
  };
  const lower = lowerAsProgram<P>(([a], params) => r.program(a!, params));
  const self: Primitive<P> = definePrimitive<P>({
    name: r.name,
    abstractEval([a], params) {
      checkMatrix(r.name, a!, r.square);
      const [m, n] = a!.shape.slice(-2);
      const lead = a!.shape.slice(0, -2);
      return r.factors(m!, n!, params)
        .map(({ shape, dtype = a!.dtype }) => shaped([...lead, ...shape], dtype));
    },
    impl: ([a], params, avals) => values(a!, params, avals),
    jvp([a], [da], params) {
      const outs = bind(self, [a!], params);
      return [outs, r.tangents(a!, da!, outs, params)];
    },
    transpose: "nonlinear",
    batch([a], [dim], _, params) {
      const outs = bind(self, [moveAxis(a!, dim!, 0)], params);
      return [outs, outs.map(() => 0)];
    },
    // The matrices that are taken apart would be needed for all steps at once.
    passes: stationary,
    lower(g, inputs, params, [aval], avals) {
      if (sizeOf(aval!.shape) > 0) return lower(g, inputs, params, [aval!], avals);
      // There is nothing to take apart: the results are the same for all.
      const nothing = { ...aval!, values: allocate(aval!.dtype, 0) };
      return values(nothing, params, avals)
        .map((x, k) => g.constant(x, avals[k]!.shape, avals[k]!.dtype));
    },
    kernel(b, inputs, params, [aval], outs) {
      const [m, n] = aval!.shape.slice(-2) as [number, number];
      const count = sizeOf(aval!.shape.slice(0, -2));
      const scalars = [count, ...r.scalars(m, n, params)];
      return b.call(r.routine(params), aval!.dtype, inputs, outs, scalars);
    },
    samples: r.samples,
  });
  return self;
}

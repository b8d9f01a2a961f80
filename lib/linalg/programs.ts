/**
 * Loops for the programs of decompositions, in the field's own words: so many steps, or until done.
 *
 * The programs are what graphs are made of. They work on whole matrices, one row, column or set of
 * rotations a step, so that they are as long for any size; on the CPU there are routines instead.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { shaped, type ShapedArray } from "../core/aval.ts";
import type { KernelRule, LowerRule } from "../core/primitive.ts";
import { bind } from "../core/trace.ts";
import { scanP } from "../control/scan.ts";
import { whileP } from "../control/while.ts";
import { stage, stageClosed } from "../interpreters/staging.ts";
import { iota } from "../primitives/constants/iota.ts";
import { emptyOutput } from "../primitives/graph/nodes.ts";

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

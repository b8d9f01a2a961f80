/**
 * How the functions that a transform is given become the programs that it binds. Pure transforms
 * record them as they are. Lifted ones record them too, once, and have the programs carry what the
 * functions did to a context; all else, checks and errors included, is the same code.
 *
 * @module
 */
import type { NDArray, ShapedArray, TreeDef } from "../core/mod.ts";
import { type Staged, stageIn, StagingTrace } from "../interpreters/staging.ts";
import type { AnyFunction } from "./types.ts";
import { flatFunction, nameOf } from "./trees.ts";

/** What a recorder may want to know of a function. */
export interface RecordOptions {
  /** Arguments of the first time that the function runs, where their values are known by then. */
  readonly first?: () => readonly NDArray[];
  /** The part that it plays where a transform has several; the last one of a loop is its body. */
  readonly part?: Part;
  /** Whether it may be that it never runs. */
  readonly mayHaveNoSteps?: boolean;
  /** Makes the trace in which it is recorded, where that is a special one. */
  readonly trace?: (what: string) => StagingTrace;
}

/** `"test"`: the condition of a loop, or what else only reads. A number: a branch. */
export type Part = "body" | "test" | number;

/** A function that was recorded. */
export interface Recording {
  /** Structure of its result. */
  readonly outDef: TreeDef;
  /** Types of the leaves of its result. */
  readonly outAvals: readonly ShapedArray[];
  /**
   * Its program, to be asked for when all functions of the transform are recorded. Inputs: captured
   * values, the arguments, what is carried, slices. Outputs: the result, what is carried, slices; of a
   * test the result alone.
   */
  program(): Staged;
}

/** Records the functions of one application of a transform. */
export interface Recorder {
  /** Records a function of the list of arguments with structure `def`. */
  record(
    op: string,
    f: AnyFunction,
    def: TreeDef,
    avals: readonly ShapedArray[],
    options?: RecordOptions,
  ): Recording;
  /** Values beyond the user's that go round, or through. */
  carried(): readonly NDArray[];
  /** Values beyond the user's of which each step gets a slice of the first axis. */
  sliced(): readonly NDArray[];
  /** Takes what became of what was carried, and the slices that the steps gave. */
  finish(carried: readonly NDArray[], stacked: readonly NDArray[]): void;
}

/** Records functions as they are. */
export const plainly: Recorder = {
  record(op, f, def, avals, { trace } = {}) {
    const flat = flatFunction(op, f, def);
    const what = `${op} of ${nameOf(f)}`;
    const staged = stageIn(trace?.(what) ?? new StagingTrace(what), (xs) => flat.call(xs), avals);
    return {
      outDef: flat.outDef(),
      outAvals: staged.jaxpr.outputs.map((a) => a.aval),
      program: () => staged,
    };
  },
  carried: () => [],
  sliced: () => [],
  finish() {},
};

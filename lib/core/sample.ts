/**
 * What a primitive's record gives for its tests: inputs and parameters on which all of its rules are tried.
 *
 * @module
 */
import type { ShapedArray } from "./dtype.ts";

/** Sample inputs from which the conformance suite tests all rules of a primitive. */
export interface Sample<P> {
  /** What is special about this sample. */
  readonly name: string;
  /** The inputs; the suite makes arrays of them. */
  readonly inputs: readonly SampleInput[];
  /** The parameters. */
  readonly params: P;
  /**
   * What the suite cannot check on this sample, with the reason: e.g. `{ jvp: "kink at 0" }`. Without
   * `jvp`, elements at which there is one slope are compared all the same; without `slope`, none. With
   * `linear`, gradients are checked, and the transpose rule is not tried on sets of inputs; with
   * `zeros`, graphs may give zeros of either sign.
   */
  readonly skip?:
    | Readonly<
      Partial<
        Record<
          "jvp" | "slope" | "transpose" | "linear" | "batch" | "onnx" | "zeros" | "kernel",
          string
        >
      >
    >
    | undefined;
}

/** One input of a sample: a dtype, a shape and the elements in row-major order. */
export interface SampleInput extends ShapedArray {
  /** The elements; left out, the suite draws them at random from `range`. */
  readonly values?: readonly number[] | undefined;
  /** Interval for random elements, [-2, 2) where left out. */
  readonly range?: readonly [number, number] | undefined;
}

/**
 * The largest and the smallest element over axes: reduce_max and reduce_min. NaN wins over everything.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { type DType, isFloat, limits } from "../../core/dtype.ts";
import type { Primitive } from "../../core/primitive.ts";
import { bind1 } from "../../core/trace.ts";
import { numeric } from "../../core/checks.ts";
import { scalarLike } from "../constants/full.ts";
import { div } from "../elementwise/arithmetic.ts";
import { eq, gt, lt } from "../elementwise/compare.ts";
import { select } from "../elementwise/select.ts";
import { fromOrdered, toOrdered } from "../graph/nodes.ts";
import { expandDims } from "../shape/reshape.ts";
import { reduceSum } from "../sum/broadcast.ts";
import { defineReduction, type ReduceAxes, reduceNode } from "./reduction.ts";

function extreme(max: boolean): Primitive<ReduceAxes> {
  const suffix = max ? "Max" : "Min";
  const empty = (dtype: DType): number =>
    isFloat(dtype) ? (max ? -Infinity : Infinity) : limits(dtype)[max ? 0 : 1];
  return defineReduction({
    name: max ? "reduce_max" : "reduce_min",
    dtypes: [...numeric, "bool"],
    kernel: max ? "max" : "min",
    combine: () => max ? Math.max : Math.min,
    start: empty,
    // Ties share the gradient equally. Where NaN won, nothing is beyond it, so that every element
    // has a share, and that is NaN, forwards and backwards.
    tangent(x, out, t, axes) {
      const beyond = (max ? lt : gt)(x, expandDims(out, axes));
      const [zero, one] = [scalarLike(0, t), scalarLike(1, t)];
      const sum = reduceSum(select(beyond, zero, t), axes);
      const ties = reduceSum(select(beyond, zero, one), axes);
      return div(sum, select(eq(out, out), ties, scalarLike(NaN, t)));
    },
    lower(g, x, axes, { dtype }) {
      if (!isFloat(dtype)) {
        if (dtype === "bool") return reduceNode(g, `Reduce${suffix}`, x, axes);
        const [ordered] = toOrdered(g, x, dtype);
        return fromOrdered(g, reduceNode(g, `Reduce${suffix}`, ordered, axes), dtype);
      }
      // The kernel drops NaN, sums and elementwise Max do not. So: sum what never matters to Max,
      // or NaN, and let the elementwise Max of both decide.
      const found = reduceNode(g, `Reduce${suffix}`, x, axes);
      const nothing = g.scalar(empty(dtype), dtype);
      const marks = g.where(g.node("Equal", [x, x]), nothing, g.scalar(NaN, dtype), dtype);
      return g.node(suffix, [found, reduceNode(g, "ReduceSum", marks, axes)]);
    },
    samples: [
      {
        name: "ties",
        inputs: [{ shape: [2, 3], dtype: "float32", values: [1, 3, 3, -1, -1, -2] }],
        params: { axes: [1] },
        skip: { jvp: "kink at ties", transpose: "kink at ties" },
      },
      {
        name: "outer axes, float64",
        inputs: [{ shape: [2, 3, 4], dtype: "float64" }],
        params: { axes: [0, 2] },
      },
      {
        name: "NaN and infinities",
        inputs: [{
          shape: [4, 3],
          dtype: "float32",
          values: [1, NaN, 3, NaN, Infinity, 0, -Infinity, -Infinity, -Infinity, Infinity, 2, 1],
        }],
        params: { axes: [1] },
        skip: { jvp: "not finite", transpose: "not finite" },
      },
      { name: "scalar", inputs: [{ shape: [], dtype: "float32" }], params: { axes: [] } },
      {
        name: "of nothing",
        inputs: [{ shape: [0, 2], dtype: "float32" }],
        params: { axes: [0] },
        skip: { jvp: "infinite", transpose: "infinite" },
      },
      {
        name: "int32",
        inputs: [{ shape: [3], dtype: "int32", values: [5, -2147483648, 2147483647] }],
        params: { axes: [0] },
      },
      {
        name: "uint32 above 2^31",
        inputs: [{ shape: [2, 2], dtype: "uint32", values: [1, 4294967295, 2147483648, 0] }],
        params: { axes: [0] },
      },
      {
        name: "bool",
        inputs: [{ shape: [2, 2], dtype: "bool", values: [1, 0, 1, 1] }],
        params: { axes: [1] },
      },
    ],
  });
}

/** The largest element over axes. */
export const reduceMaxP: Primitive<ReduceAxes> = /* @__PURE__ */ extreme(true);
/** The smallest element over axes. */
export const reduceMinP: Primitive<ReduceAxes> = /* @__PURE__ */ extreme(false);

/**
 * The largest element of `x` over `axes`, ascending, which vanish; NaN where there is one. Of
 * nothing it is -Infinity (the smallest number for integers).
 */
export function reduceMax(x: NDArray, axes: readonly number[]): NDArray {
  return bind1(reduceMaxP, [x], { axes });
}

/**
 * The smallest element of `x` over `axes`, ascending, which vanish; NaN where there is one. Of
 * nothing it is Infinity (the largest number for integers).
 */
export function reduceMin(x: NDArray, axes: readonly number[]): NDArray {
  return bind1(reduceMinP, [x], { axes });
}

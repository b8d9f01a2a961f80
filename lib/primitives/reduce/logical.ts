/**
 * Whether all or any elements are true: reduce_and and reduce_or.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import type { Primitive } from "../../core/primitive.ts";
import { bind1 } from "../../core/trace.ts";
import { defineReduction, type ReduceAxes, reduceNode } from "./reduction.ts";

function logical(all: boolean): Primitive<ReduceAxes> {
  return defineReduction({
    name: all ? "reduce_and" : "reduce_or",
    dtypes: ["bool"],
    kernel: all ? "and" : "or",
    combine: () => all ? (a, b) => a & b : (a, b) => a | b,
    start: () => all ? 1 : 0,
    tangent: () => null,
    lower(g, x, axes) {
      return reduceNode(g, all ? "ReduceMin" : "ReduceMax", x, axes);
    },
    samples: [
      {
        name: "rows",
        inputs: [{ shape: [3, 2], dtype: "bool", values: [1, 1, 0, 1, 0, 0] }],
        params: { axes: [1] },
      },
      {
        name: "all axes",
        inputs: [{ shape: [2, 2], dtype: "bool", values: [1, 1, 0, 1] }],
        params: { axes: [0, 1] },
      },
      { name: "of nothing", inputs: [{ shape: [0, 2], dtype: "bool" }], params: { axes: [0] } },
    ],
  });
}

/** Whether all elements are true. */
export const reduceAndP: Primitive<ReduceAxes> = /* @__PURE__ */ logical(true);
/** Whether any element is true. */
export const reduceOrP: Primitive<ReduceAxes> = /* @__PURE__ */ logical(false);

/** Whether all of the bool array `x` are true over `axes`, ascending, which vanish. */
export function reduceAnd(x: NDArray, axes: readonly number[]): NDArray {
  return bind1(reduceAndP, [x], { axes });
}

/** Whether any of the bool array `x` is true over `axes`, ascending, which vanish. */
export function reduceOr(x: NDArray, axes: readonly number[]): NDArray {
  return bind1(reduceOrP, [x], { axes });
}

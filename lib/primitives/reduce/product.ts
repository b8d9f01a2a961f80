/**
 * The product over axes: reduce_prod.
 *
 * Whether all or any elements are true: reduce_and and reduce_or.
 *
 * @module
 */
import {
  bind1,
  type DType,
  isFloat,
  type NDArray,
  numeric,
  type Primitive,
  type ShapedArray,
  sizeOf,
} from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { otherAxes } from "../axes.ts";
import { full, scalarLike } from "../constants/constants.ts";
import { add, mul } from "../elementwise/arithmetic.ts";
import { reshape, transpose } from "../shape/shape.ts";
import { pad, slice } from "../slicing/slice.ts";
import {
  type Combine,
  defineReduction,
  type ReduceAxes,
  reduceNode,
  withoutAxes,
} from "./reduction.ts";

function product(dtype: DType): Combine {
  // Rounded at each step, so that it overflows where float32 does.
  if (dtype === "float32") return (a, b) => Math.fround(a * b);
  return dtype === "float64" ? (a, b) => a * b : Math.imul;
}

/**
 * The tangent of a product, also where there are zeros: factors and their tangents are multiplied
 * in pairs until one is left.
 */
function productTangent(x: NDArray, t: NDArray, axes: readonly number[]): NDArray {
  const kept = otherAxes(x.ndim, axes);
  const shape = kept.map((a) => x.shape[a]!);
  const rows = sizeOf(shape);
  let n = sizeOf(axes.map((a) => x.shape[a]!));
  if (n === 0) return full(shape, 0, x.dtype);
  const arrange = (y: NDArray): NDArray => reshape(transpose(y, [...axes, ...kept]), [n, rows]);
  let factors = arrange(x);
  let tangents = arrange(t);
  while (n > 1) {
    if (n % 2 === 1) {
      factors = pad(factors, scalarLike(1, x), [0, 0], [1, 0]);
      tangents = pad(tangents, scalarLike(0, x), [0, 0], [1, 0]);
      n++;
    }
    const half = (y: NDArray, k: number): NDArray =>
      slice(y, [k * n / 2, 0], [(k + 1) * n / 2, rows]);
    const [a, b] = [half(factors, 0), half(factors, 1)];
    const [da, db] = [half(tangents, 0), half(tangents, 1)];
    factors = mul(a, b);
    tangents = add(mul(da, b), mul(a, db));
    n /= 2;
  }
  return reshape(tangents, shape);
}

/** A product that wraps: the kernel saturates, so elements are multiplied in pairs. */
function lowerIntegerProduct(
  g: Lowering,
  x: Value,
  axes: readonly number[],
  { shape, dtype }: ShapedArray,
): Value {
  let value = x;
  for (const axis of axes) {
    const at = g.int64([axis]);
    const pads = shape.flatMap(() => [0, 0]).with(shape.length + axis, 1);
    for (let n = shape[axis]!; n > 1; n = Math.ceil(n / 2)) {
      if (n % 2 === 1) value = g.node("Pad", [value, g.int64(pads), g.scalar(1, dtype)]);
      const half = g.int64([Math.ceil(n / 2)]);
      const end = g.int64([2 * Math.ceil(n / 2)]);
      const first = g.node("Slice", [value, g.int64([0]), half, at]);
      value = g.node("Mul", [first, g.node("Slice", [value, half, end, at])]);
    }
  }
  return g.reshape(value, withoutAxes(shape, axes));
}

/** The product over axes. */
export const reduceProdP: Primitive<ReduceAxes> = /* @__PURE__ */ defineReduction({
  name: "reduce_prod",
  dtypes: numeric,
  kernel: "mul",
  combine: product,
  start: () => 1,
  tangent: (x, _, t, axes) => productTangent(x, t, axes),
  lower: (g, x, axes, aval) =>
    isFloat(aval.dtype)
      ? reduceNode(g, "ReduceProd", x, axes)
      : lowerIntegerProduct(g, x, axes, aval),
  samples: [
    { name: "row", inputs: [{ shape: [5], dtype: "float32" }], params: { axes: [0] } },
    {
      name: "zeros, float64",
      inputs: [{ shape: [3, 3], dtype: "float64", values: [1, 2, 3, 4, 0, 6, 0, 8, 0] }],
      params: { axes: [1] },
    },
    {
      name: "outer axes, float64",
      inputs: [{ shape: [2, 3, 2], dtype: "float64" }],
      params: { axes: [0, 2] },
    },
    {
      name: "of nothing",
      inputs: [{ shape: [2, 0], dtype: "float32" }],
      params: { axes: [1] },
    },
    { name: "scalar", inputs: [{ shape: [], dtype: "float32" }], params: { axes: [] } },
    {
      name: "int32 wraps",
      inputs: [{ shape: [4], dtype: "int32", values: [65536, 65535, -7, 3] }],
      params: { axes: [0] },
    },
    {
      name: "uint32 wraps",
      inputs: [{ shape: [2, 3], dtype: "uint32", values: [4294967295, 5, 3, 77777, 123456789, 7] }],
      params: { axes: [0, 1] },
    },
  ],
});

/** The product of `x` over `axes`, ascending, which vanish; 1 of nothing. Integers wrap. */
export function reduceProd(x: NDArray, axes: readonly number[]): NDArray {
  return bind1(reduceProdP, [x], { axes });
}

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

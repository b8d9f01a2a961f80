/**
 * The largest and the smallest element over axes: reduce_max and reduce_min. NaN wins over everything.
 *
 * Positions of extreme elements along an axis: argmax and argmin.
 *
 * The product over axes: reduce_prod.
 *
 * Whether all or any elements are true: reduce_and and reduce_or.
 *
 * @module
 */
import type { Routine } from "../../routine/routine.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import {
  allocate,
  bind1,
  definePrimitive,
  type DType,
  formatAval,
  isFloat,
  limits,
  type NDArray,
  numeric,
  ordinary,
  type Primitive,
  shaped,
  type ShapedArray,
  ShapeError,
  sizeOf,
} from "../../core/mod.ts";
import { type AxisParams, checkAxis, otherAxes, shiftAxis } from "../axes.ts";
import { full, scalarLike } from "../constants/constants.ts";
import { add, div, mul } from "../elementwise/arithmetic.ts";
import { eq, gt, lt } from "../elementwise/compare.ts";
import { select } from "../elementwise/select.ts";
import { emptyOutput, fromOrdered, toOrdered } from "../graph/nodes.ts";
import { aroundAxis } from "../loops/loops.ts";
import { expandDims, reshape, transpose } from "../shape/shape.ts";
import { pad, slice } from "../slicing/slice.ts";
import { reduceSum } from "../sum/broadcast.ts";
import {
  argmaxRoutines,
  argminRoutines,
  type Combine,
  defineReduction,
  type ReduceAxes,
  reduceNode,
  withoutAxes,
} from "./reduction.ts";

/**
 * The largest or smallest element with the sign that it has where it is 0, of which the kernel keeps that
 * of any zero: 1 / x tells zeros apart, and is beyond 0 where an element is, or is such a zero.
 */
function signed(
  g: Lowering,
  max: boolean,
  found: Value,
  x: Value,
  axes: readonly number[],
  dtype: DType,
): Value {
  const suffix = max ? "Max" : "Min";
  const inverse = reduceNode(g, `Reduce${suffix}`, g.node("Reciprocal", [x]), axes);
  const furthest = g.node(suffix, [found, inverse]);
  const zero = g.scalar(0, dtype);
  const beyond = g.node("Less", max ? [zero, furthest] : [furthest, zero]);
  const [own, other] = [g.scalar(max ? 1 : -1, dtype), g.scalar(max ? -1 : 1, dtype)];
  return g.node("Mul", [g.node("Abs", [found]), g.node("Where", [beyond, own, other])]);
}

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
      // The kernel drops NaN, sums and elementwise Min do not: absolute values add up to NaN, or to
      // what never matters.
      const found = signed(g, max, reduceNode(g, `Reduce${suffix}`, x, axes), x, axes, dtype);
      const sum = reduceNode(g, "ReduceSum", g.node("Abs", [x]), axes);
      return g.node("Sub", [found, g.node("Min", [sum, g.scalar(0, dtype)])]);
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
      ...(["float32", "float64"] as const).map((dtype) => ({
        name: `zeros of both signs, ${dtype}`,
        inputs: [{
          shape: [8, 3],
          dtype,
          values: [
            ...[-0, -0, -0, 0, -0, 0, -0, 0, -0, -1, -0, -2, 1, -0, 3],
            ...[-0, Infinity, 0, -0, -Infinity, -0, NaN, -0, 0],
          ],
        }],
        params: { axes: [1] },
        skip: { jvp: "kink at ties", transpose: "kink at ties" },
      })),
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

/** What ArgMax or ArgMin gives, as int32, without them: the first place of the largest or smallest. */
function firstPlace(
  g: Lowering,
  op: "ArgMax" | "ArgMin",
  x: Value,
  shape: readonly number[],
  axis: number,
): Value {
  const n = shape[axis]!;
  const axes = g.int64([axis]);
  const extreme = g.node(op === "ArgMax" ? "ReduceMax" : "ReduceMin", [x, axes], { keepdims: 1 });
  const along = shape.slice(axis).map((_, i) => i === 0 ? n : 1);
  const places = g.constant(Array.from({ length: n }, (_, i) => i), along, "int32");
  const found = g.where(g.node("Equal", [x, extreme]), places, g.scalar(n, "int32"), "int32");
  return g.node("ReduceMin", [found, axes], { keepdims: 0 });
}

function positionOf(max: boolean): Primitive<AxisParams> {
  const name = max ? "argmax" : "argmin";
  const op = max ? "ArgMax" as const : "ArgMin" as const;
  const routines = max ? argmaxRoutines : argminRoutines;
  // Few columns gain nothing from vectors, and bools, which are bytes, neither.
  const routineFor = (dtype: DType, inner: number): Routine =>
    inner < 8 || dtype === "bool" ? routines.each : routines.columns;
  const self: Primitive<AxisParams> = definePrimitive<AxisParams>({
    name,
    abstractEval([x], { axis }) {
      checkAxis(name, x!, axis);
      if (x!.shape[axis] === 0) {
        throw new ShapeError(
          `${name}: x, which is ${formatAval(x!)}, has no elements along axis ${axis}`,
        );
      }
      return [shaped(x!.shape.toSpliced(axis, 1), "int32")];
    },
    impl([x], { axis }, [out]) {
      const values = allocate("int32", sizeOf(out!.shape));
      const sizes = aroundAxis(x!.shape, axis);
      const isLong = x!.values.length >= 1000;
      const routine = isLong ? routineFor(x!.dtype, sizes[2]) : routines.each;
      routine.runLong(x!.dtype, [x!.values, values], ...sizes);
      return [values];
    },
    jvp: ([x], _, params) => [[bind1(self, [x!], params)], [null]],
    transpose: "nonlinear",
    batch([x], [dim], _, { axis }) {
      const at = shiftAxis(axis, dim!);
      return [[bind1(self, [x!], { axis: at })], [at < dim! ? dim! - 1 : dim!]];
    },
    passes: ordinary,
    lower(g, [x], { axis }, [aval], [out]) {
      const empty = emptyOutput(g, out!);
      if (empty !== null) return [empty];
      const { dtype } = aval!;
      const find = (of: "ArgMax" | "ArgMin", y: Value, type: DType = dtype): Value =>
        g.lacks(of, type)
          ? firstPlace(g, of, y, aval!.shape, axis)
          : g.cast(g.node(of, [y], { axis, keepdims: 0 }), "int64", "int32");
      if (!isFloat(dtype)) return [find(op, ...toOrdered(g, x!, dtype))];
      // Kernels differ on NaN: look for numbers and for NaN separately.
      const isNumber = g.node("Equal", [x!, x!]);
      const lowest = g.scalar(max ? -Infinity : Infinity, dtype);
      const number = find(op, g.node("Where", [isNumber, x!, lowest]));
      const flags = g.cast(isNumber, "bool", "int32");
      const all = g.node("ReduceMin", [flags, g.int64([axis])], { keepdims: 0 });
      return [
        g.where(g.cast(all, "int32", "bool"), number, find("ArgMin", flags, "int32"), "int32"),
      ];
    },
    kernel(b, inputs, { axis }, [aval], outs) {
      const sizes = aroundAxis(aval!.shape, axis);
      return b.call(routineFor(aval!.dtype, sizes[2]), aval!.dtype, inputs, outs, sizes);
    },
    samples: () => [
      {
        name: "ties",
        inputs: [{ shape: [2, 4], dtype: "float32", values: [1, 3, 3, 0, -1, -2, -2, -1] }],
        params: { axis: 1 },
      },
      {
        name: "first axis, float64",
        inputs: [{ shape: [3, 2, 2], dtype: "float64" }],
        params: { axis: 0 },
      },
      {
        name: "NaN and infinities",
        inputs: [{
          shape: [4, 3],
          dtype: "float32",
          values: [
            ...[Infinity, NaN, NaN],
            ...[-Infinity, -Infinity, NaN],
            ...[NaN, -Infinity, Infinity],
            ...[-Infinity, Infinity, Infinity],
          ],
        }],
        params: { axis: 1 },
      },
      {
        name: "zero size",
        inputs: [{ shape: [0, 3], dtype: "float32" }],
        params: { axis: 1 },
      },
      {
        name: "int32",
        inputs: [{ shape: [4], dtype: "int32", values: [-3, 2147483647, -2147483648, 5] }],
        params: { axis: 0 },
      },
      {
        name: "uint32 above 2^31",
        inputs: [{ shape: [3], dtype: "uint32", values: [3, 4294967295, 0] }],
        params: { axis: 0 },
      },
      {
        name: "bool",
        inputs: [{ shape: [2, 3], dtype: "bool", values: [0, 1, 1, 1, 0, 0] }],
        params: { axis: 1 },
      },
    ],
  });
  return self;
}

/** Position of the first largest element along an axis. */
export const argmaxP: Primitive<AxisParams> = /* @__PURE__ */ positionOf(true);
/** Position of the first smallest element along an axis. */
export const argminP: Primitive<AxisParams> = /* @__PURE__ */ positionOf(false);

/**
 * Position (int32) of the first largest element of `x` along `axis`, which vanishes; of the first
 * NaN where there is one.
 *
 * @throws {ShapeError} where the axis has length 0.
 */
export function argmax(x: NDArray, axis: number): NDArray {
  return bind1(argmaxP, [x], { axis });
}

/**
 * Position (int32) of the first smallest element of `x` along `axis`, which vanishes; of the first
 * NaN where there is one.
 *
 * @throws {ShapeError} where the axis has length 0.
 */
export function argmin(x: NDArray, axis: number): NDArray {
  return bind1(argminP, [x], { axis });
}

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

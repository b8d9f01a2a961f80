/**
 * Reductions other than the sum: reduce_max, reduce_min, reduce_prod, reduce_and, reduce_or. NaN wins
 * over everything in maxima and minima.
 *
 * The sum is in `shape.ts`, since every broadcast transposes to it. What works along one axis
 * (argmax, argmin, cumsum) is in `along_axis.ts` and exported from here too.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { formatAval, shaped, type ShapedArray, sizeOf } from "../core/aval.ts";
import { allocate, type DType, isFloat, limits, type TypedArray } from "../core/dtype.ts";
import { AxisError, formatShape } from "../core/errors.ts";
import type { Lowering, Value } from "../core/lowering.ts";
import {
  definePrimitive,
  type HostValue,
  ordinary,
  type Primitive,
  type Sample,
  type Tangent,
} from "../core/primitive.ts";
import { bind1 } from "../core/trace.ts";
import { add, div, mul, select } from "./arithmetic.ts";
import { eq, gt, lt } from "./compare.ts";
import { perDType } from "./kernels.ts";
import {
  checkDType,
  emptyOutput,
  filled,
  fromOrdered,
  numeric,
  otherAxes,
  shiftAxes,
  toOrdered,
} from "./rules.ts";
import { expandDims, full, reduceSum, reshape, scalarLike, transpose } from "./shape.ts";
import { pad, slice } from "./slice.ts";

export {
  argmax,
  argmaxP,
  argmin,
  argminP,
  type AxisParams,
  cumsum,
  cumsumP,
  type CumsumParams,
} from "./along_axis.ts";

/** Parameters of a reduction. */
export interface ReduceAxes {
  /** The axes reduced over, ascending. */
  readonly axes: readonly number[];
}

// ---------------------------------------------------------------- what reductions share

type Combine = (a: number, b: number) => number;

// out[p, q] = combination over k of a[p, k, q].
function loopReduce(
  combine: Combine,
  start: number,
  out: TypedArray,
  a: TypedArray,
  outer: number,
  n: number,
  inner: number,
): void {
  if (inner === 1) {
    for (let p = 0, i = 0; p < outer; p++) {
      let total = start;
      for (let k = 0; k < n; k++, i++) total = combine(total, a[i]!);
      out[p] = total;
    }
    return;
  }
  out.fill(start);
  for (let p = 0, i = 0; p < outer; p++) {
    for (let k = 0; k < n; k++) {
      for (let q = 0, o = p * inner; q < inner; q++, o++, i++) out[o] = combine(out[o]!, a[i]!);
    }
  }
}

/** Reduces over the axes one run of neighbours after the other, innermost first. */
function reduceValues(
  loop: typeof loopReduce,
  combine: Combine,
  start: number,
  x: HostValue,
  axes: readonly number[],
): TypedArray {
  let values = x.values;
  let inner = 1;
  for (let axis = x.shape.length - 1; axis >= 0;) {
    if (!axes.includes(axis)) {
      inner *= x.shape[axis--]!;
      continue;
    }
    let n = 1;
    while (axis >= 0 && axes.includes(axis)) n *= x.shape[axis--]!;
    const outer = sizeOf(x.shape.slice(0, axis + 1));
    const next = allocate(x.dtype, outer * inner);
    loop(combine, start, next, values, outer, n, inner);
    values = next;
  }
  return values;
}

function checkAxes(op: string, x: ShapedArray, axes: readonly number[]): void {
  const rank = x.shape.length;
  if (!axes.every((a, i) => Number.isInteger(a) && a > (axes[i - 1] ?? -1) && a < rank)) {
    throw new AxisError(
      `${op}: axes ${formatShape(axes)} are not ascending axes of x, which is ${formatAval(x)}`,
    );
  }
}

function withoutAxes(shape: readonly number[], axes: readonly number[]): number[] {
  return shape.filter((_, i) => !axes.includes(i));
}

/** Where the extra axis is once the reduced ones, counted with it, are gone. */
function dimAfter(dim: number, axes: readonly number[]): number {
  return dim - axes.filter((a) => a < dim).length;
}

interface Reduction {
  readonly name: string;
  readonly dtypes: readonly DType[];
  readonly combine: (dtype: DType) => Combine;
  /** The result for no elements. */
  readonly start: (dtype: DType) => number;
  readonly tangent: (x: NDArray, out: NDArray, t: NDArray, axes: readonly number[]) => Tangent;
  /** Nodes for at least one axis and one element. */
  readonly lower: (
    g: Lowering,
    x: Value,
    axes: readonly number[],
    aval: ShapedArray,
  ) => Value;
  readonly samples: readonly Sample<ReduceAxes>[];
}

function defineReduction(r: Reduction): Primitive<ReduceAxes> {
  const loops = perDType(loopReduce);
  const self: Primitive<ReduceAxes> = definePrimitive<ReduceAxes>({
    name: r.name,
    abstractEval([x], { axes }) {
      checkDType(r.name, "x", x!, r.dtypes);
      checkAxes(r.name, x!, axes);
      return [shaped(withoutAxes(x!.shape, axes), x!.dtype)];
    },
    impl([x], { axes }) {
      const { dtype } = x!;
      return [reduceValues(loops(dtype), r.combine(dtype), r.start(dtype), x!, axes)];
    },
    jvp([x], [t], params) {
      const out = bind1(self, [x!], params);
      return [[out], [r.tangent(x!, out, t!, params.axes)]];
    },
    transpose: "nonlinear",
    batch([x], [dim], _, { axes }) {
      const shifted = shiftAxes(axes, dim!);
      return [[bind1(self, [x!], { axes: shifted })], [dimAfter(dim!, shifted)]];
    },
    passes: ordinary,
    lower(g, [x], { axes }, [aval], [out]) {
      const empty = emptyOutput(g, out!);
      if (empty !== null) return [empty];
      if (axes.length === 0) return [x!];
      const { dtype } = aval!;
      if (sizeOf(aval!.shape) === 0) {
        return [filled(g, g.scalar(r.start(dtype), dtype), out!.shape)];
      }
      return [r.lower(g, x!, axes, aval!)];
    },
    samples: () => r.samples,
  });
  return self;
}

/** A reduction node; the axes vanish. */
function reduceNode(g: Lowering, op: string, x: Value, axes: readonly number[]): Value {
  return g.node(op, [x, g.int64(axes)], { keepdims: 0 });
}

// ---------------------------------------------------------------- max, min

function extreme(max: boolean): Primitive<ReduceAxes> {
  const suffix = max ? "Max" : "Min";
  const empty = (dtype: DType): number =>
    isFloat(dtype) ? (max ? -Infinity : Infinity) : limits(dtype)[max ? 0 : 1];
  return defineReduction({
    name: max ? "reduce_max" : "reduce_min",
    dtypes: [...numeric, "bool"],
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
export const reduceMaxP: Primitive<ReduceAxes> = extreme(true);
/** The smallest element over axes. */
export const reduceMinP: Primitive<ReduceAxes> = extreme(false);

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

// ---------------------------------------------------------------- prod

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
export const reduceProdP: Primitive<ReduceAxes> = defineReduction({
  name: "reduce_prod",
  dtypes: numeric,
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

// ---------------------------------------------------------------- and, or

function logical(all: boolean): Primitive<ReduceAxes> {
  return defineReduction({
    name: all ? "reduce_and" : "reduce_or",
    dtypes: ["bool"],
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
export const reduceAndP: Primitive<ReduceAxes> = logical(true);
/** Whether any element is true. */
export const reduceOrP: Primitive<ReduceAxes> = logical(false);

/** Whether all of the bool array `x` are true over `axes`, ascending, which vanish. */
export function reduceAnd(x: NDArray, axes: readonly number[]): NDArray {
  return bind1(reduceAndP, [x], { axes });
}

/** Whether any of the bool array `x` is true over `axes`, ascending, which vanish. */
export function reduceOr(x: NDArray, axes: readonly number[]): NDArray {
  return bind1(reduceOrP, [x], { axes });
}

/**
 * The largest and the smallest element of each window: reduce_window_max and reduce_window_min. NaN wins
 * over everything.
 *
 * @module
 */
import {
  allocate,
  bind1,
  checkDType,
  definePrimitive,
  type DType,
  isFloat,
  limits,
  type NDArray,
  numeric,
  ordinary,
  type Primitive,
  type ProgramLowering,
  type Sample,
  shaped,
  type ShapedArray,
  sizeOf,
  stridesOf,
} from "../../core/mod.ts";
import type { Value } from "../../core/lowering.ts";
import { iota, scalarLike } from "../constants/constants.ts";
import { eq, ne, or } from "../elementwise/compare.ts";
import { select } from "../elementwise/select.ts";
import { emptyOutput, filled, fromOrdered, toOrdered } from "../graph/nodes.ts";
import { reduceMin } from "../reduce/extremes.ts";
import { expandDims, moveAxis, reshape } from "../shape/shape.ts";
import { padded, padP } from "../slicing/slice.ts";
import { broadcastTo, reduceSum } from "../sum/broadcast.ts";
import { lowerPadding } from "./graph.ts";
import { combineStrided } from "./loops.ts";
import { countWindows, isBare, paddedLengths, paddingParams, type Places } from "./window.ts";
import { windowsOf } from "./windows.ts";

/** Parameters of reductions over windows, which run along the last axes. */
export interface WindowReduceParams extends Places {
  /** Elements of a window along each axis. */
  readonly sizes: readonly number[];
}

/** What no element is beyond. */
function nothing(max: boolean, dtype: DType): number {
  return isFloat(dtype) ? (max ? -Infinity : Infinity) : limits(dtype)[max ? 0 : 1];
}

/** The shape in front of the windows' axes, and these. */
function parts(shape: readonly number[], { sizes }: WindowReduceParams): [number[], number[]] {
  const lead = shape.length - sizes.length;
  return [shape.slice(0, lead), shape.slice(lead)];
}

/**
 * The tangent of the first element that wins in each window. With NaN in a window that is NaN, forwards and
 * backwards: the first NaN has it.
 */
function winners(
  x: NDArray,
  out: NDArray,
  t: NDArray,
  params: WindowReduceParams,
  least: number,
): NDArray {
  const n = sizeOf(params.sizes);
  const flat = (v: NDArray): NDArray => reshape(v, [...out.shape, n]);
  const elements = flat(windowsOf(x, params.sizes, params, scalarLike(least, x)));
  const best = broadcastTo(expandDims(out, [out.ndim]), elements.shape);
  const place = iota(elements.shape, out.ndim, "int32");
  const wins = or(eq(elements, best), ne(elements, elements));
  const first = reduceMin(select(wins, place, scalarLike(n, place)), [out.ndim]);
  const chosen = eq(place, broadcastTo(expandDims(first, [out.ndim]), elements.shape));
  const tangents = flat(windowsOf(t, params.sizes, params));
  return reduceSum(select(chosen, tangents, scalarLike(0, t)), [out.ndim]);
}

/**
 * Extremes of windows along one axis by extremes of two: those of 1, 2, 4, ... elements, and of two such, which
 * may overlap, those of any number.
 */
function lowerAlong(
  g: ProgramLowering,
  x: Value,
  shape: readonly number[],
  dtype: DType,
  axis: number,
  size: number,
  dilation: number,
  op: "Max" | "Min",
): Value {
  const joined = (v: Value, have: number, apart: number): Value => {
    const n = shape[axis]! - (have - 1) * dilation - apart * dilation;
    const part = (from: number): Value =>
      g.node("Slice", [v, g.int64([from]), g.int64([from + n]), g.int64([axis])]);
    return g.extremum(op, part(0), part(apart * dilation), shaped(shape.with(axis, n), dtype));
  };
  let value = x;
  let have = 1;
  for (; 2 * have <= size; have *= 2) value = joined(value, have, have);
  return have === size ? value : joined(value, have, size - have);
}

function extreme(max: boolean): Primitive<WindowReduceParams> {
  const op = max ? "Max" : "Min";
  const name = `reduce_window_${max ? "max" : "min"}`;
  const self: Primitive<WindowReduceParams> = definePrimitive<WindowReduceParams>({
    name,
    abstractEval([x], params) {
      checkDType(name, "x", x!, numeric);
      const [lead, space] = parts(x!.shape, params);
      return [shaped([...lead, ...countWindows(space, params.sizes, params)], x!.dtype)];
    },
    impl([x], params, [out]) {
      const { dtype, shape } = x!;
      const [lead, space] = parts(shape, params);
      const least = nothing(max, dtype);
      let from = [...lead, ...paddedLengths(space, params)];
      let values = isBare(space, params)
        ? x!.values
        : padded(x!, least, paddingParams(shape.length, params), from);
      // One axis after another.
      params.sizes.forEach((size, i) => {
        const axis = lead.length + i;
        const to = from.with(axis, out!.shape[axis]!);
        const next = allocate(dtype, sizeOf(to)).fill(least);
        const steps = stridesOf(from);
        combineStrided(
          max ? Math.max : Math.min,
          next,
          0,
          [...stridesOf(to), 0],
          values,
          0,
          [
            ...steps.with(axis, steps[axis]! * params.strides[i]!),
            steps[axis]! * params.windowDilation[i]!,
          ],
          [...to, size],
        );
        [values, from] = [next, to];
      });
      return [values];
    },
    jvp([x], [t], params) {
      const out = bind1(self, [x!], params);
      return [[out], [winners(x!, out, t!, params, nothing(max, x!.dtype))]];
    },
    transpose: "nonlinear",
    batch: ([x], [dim], _, params) => [[bind1(self, [moveAxis(x!, dim!, 0)], params)], [0]],
    passes: ordinary,
    lower(g, [x], params, [aval], [out]) {
      const empty = emptyOutput(g, out!);
      if (empty !== null) return [empty];
      const { dtype, shape } = aval!;
      const [lead, space] = parts(shape, params);
      const least = nothing(max, dtype);
      if (sizeOf(shape) === 0 || params.sizes.includes(0)) {
        return [filled(g, g.scalar(least, dtype), out!.shape)];
      }
      const around = lowerPadding(g, x!, g.scalar(least, dtype), aval!, params);
      let [value, own] = toOrdered(g, around, dtype);
      const lengths = [...lead, ...paddedLengths(space, params)];
      params.sizes.forEach((size, i) => {
        const axis = lead.length + i;
        const dilation = params.windowDilation[i]!;
        value = lowerAlong(g, value, lengths, own, axis, size, dilation, op);
        lengths[axis]! -= (size - 1) * dilation;
        const stride = params.strides[i]!;
        if (stride > 1) {
          const [start, end] = [g.int64([0]), g.int64([lengths[axis]!])];
          value = g.node("Slice", [value, start, end, g.int64([axis]), g.int64([stride])]);
          lengths[axis] = out!.shape[axis]!;
        }
      });
      return [fromOrdered(g, value, dtype)];
    },
    kernel(b, [x], params, [aval], [out]) {
      const { dtype, shape } = aval!;
      const [lead, space] = parts(shape, params);
      const scalar: ShapedArray = shaped([], dtype);
      const least = b.constant(nothing(max, dtype), scalar);
      if (sizeOf(shape) === 0) return [b.broadcast(least, out!.shape)];
      let around = x!;
      if (!isBare(space, params) && sizeOf(out!.shape) > 0) {
        const lengths = [...lead, ...paddedLengths(space, params)];
        const margin = paddingParams(shape.length, params);
        const avals = [aval!, scalar];
        around = padP.kernel!(b, [x!, least], margin, avals, [shaped(lengths, dtype)])[0]!;
      }
      if (sizeOf(out!.shape) === 0) return [b.constant(0, out!)];
      const { sizes, strides, windowDilation: dilation } = params;
      const windows = b.windows(around, { sizes, strides, dilation });
      // Loops run along the places.
      const at = (first: number): number[] => sizes.map((_, i) => lead.length + first + i);
      const turned = b.transpose(windows, [
        ...lead.map((_, i) => i),
        ...at(sizes.length),
        ...at(0),
      ]);
      return [b.reduce(turned, at(0), max ? "max" : "min")];
    },
    heavy: {
      work: (_, { sizes }, [out]) => sizeOf(out!.shape) * sizeOf(sizes),
      sameBits: true,
    },
    samples,
  });
  return self;
}

/** The largest element of each window. */
export const windowMaxP: Primitive<WindowReduceParams> = /* @__PURE__ */ extreme(true);
/** The smallest element of each window. */
export const windowMinP: Primitive<WindowReduceParams> = /* @__PURE__ */ extreme(false);

/** The largest element of each window along the last axes of `x`; around it there is nothing. */
export function windowMax(x: NDArray, params: WindowReduceParams): NDArray {
  return bind1(windowMaxP, [x], params);
}

/** The smallest element of each window along the last axes of `x`; around it there is nothing. */
export function windowMin(x: NDArray, params: WindowReduceParams): NDArray {
  return bind1(windowMinP, [x], params);
}

function samples(): Sample<WindowReduceParams>[] {
  const plain = (...sizes: number[]): WindowReduceParams => ({
    sizes,
    strides: sizes.map(() => 1),
    padding: sizes.map(() => [0, 0]),
    baseDilation: sizes.map(() => 1),
    windowDilation: sizes.map(() => 1),
  });
  const of = (dtype: DType, ...shape: number[]): ShapedArray => ({ shape, dtype });
  const kink = { jvp: "kink at ties", transpose: "kink at ties" };
  return [
    { name: "a line", inputs: [of("float32", 2, 9)], params: plain(3) },
    {
      name: "side by side, float64",
      inputs: [of("float64", 2, 4, 6)],
      params: { ...plain(2, 3), strides: [2, 3] },
    },
    {
      name: "strides, padding and gaps, float64",
      inputs: [of("float64", 2, 6, 5)],
      params: {
        sizes: [3, 2],
        strides: [2, 3],
        padding: [[1, 2], [0, 1]],
        baseDilation: [1, 2],
        windowDilation: [2, 1],
      },
    },
    {
      name: "long windows, negative padding",
      inputs: [of("float32", 20)],
      params: { ...plain(11), padding: [[-2, 4]] },
    },
    {
      name: "ties",
      inputs: [{ shape: [5], dtype: "float32", values: [1, 1, 0, 2, 2] }],
      params: plain(2),
      skip: kink,
    },
    {
      name: "NaN and infinities",
      inputs: [{
        shape: [7],
        dtype: "float32",
        values: [1, NaN, 3, -Infinity, -Infinity, Infinity, 0],
      }],
      params: plain(2),
      skip: { jvp: "not finite", transpose: "not finite" },
    },
    {
      name: "nothing but padding",
      inputs: [of("float32", 2)],
      params: { ...plain(2), padding: [[3, 0]] },
      skip: { jvp: "infinite", transpose: "infinite" },
    },
    { name: "none fits", inputs: [of("float32", 2)], params: plain(3) },
    { name: "no axes", inputs: [of("float32", 2)], params: plain() },
    {
      name: "int32",
      inputs: [{ shape: [4], dtype: "int32", values: [5, -2147483648, 2147483647, 0] }],
      params: { ...plain(2), padding: [[1, 1]] },
    },
    {
      name: "uint32 above 2^31",
      inputs: [{ shape: [2, 2], dtype: "uint32", values: [1, 4294967295, 2147483648, 0] }],
      params: plain(1, 2),
    },
  ];
}

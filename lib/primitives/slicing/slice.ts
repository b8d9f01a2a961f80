/**
 * Parts of arrays at fixed places, and the inverse: slice and pad, each the other's transpose.
 *
 * Slices at computed places are in `dynamic_slice.ts`; NumPy's indexing is built from both in
 * `lib/api`.
 *
 * @module
 */
import {
  allocate,
  AxisError,
  bind1,
  checkSameDType,
  definePrimitive,
  formatAval,
  formatShape,
  type HostValue,
  Linear,
  type NDArray,
  ordinary,
  type Primitive,
  sameShape,
  type SampleInput,
  shaped,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stridesOf,
  type TypedArray,
} from "../../core/mod.ts";
import { full, instantiate, scalarLike } from "../constants/constants.ts";
import { select } from "../elementwise/select.ts";
import { emptyOutput, filled } from "../graph/nodes.ts";
import { copyStrided, offsetOf } from "../loops/loops.ts";
import { counting } from "../axes.ts";
import { reshape } from "../shape/shape.ts";
import { batchAxisInFront, broadcastTo, reduceSum } from "../sum/broadcast.ts";

// ---------------------------------------------------------------- slice

/** Parameters of a slice; one number for each axis. */
export interface SliceParams {
  /** First index taken. */
  readonly starts: readonly number[];
  /** Index at which to stop. */
  readonly limits: readonly number[];
  /** Step, at least 1. */
  readonly strides: readonly number[];
}

function checkForEachAxis(op: string, x: ShapedArray, what: string, list: readonly number[]): void {
  if (list.length !== x.shape.length || !list.every((n) => Number.isInteger(n))) {
    throw new ShapeError(
      `${op}: ${what} ${formatShape(list)} must give one integer for each of the ` +
        `${x.shape.length} axes of x, which is ${formatAval(x)}`,
    );
  }
}

/** A rectangular part of an array, at static indices. */
export const sliceP: Primitive<SliceParams> = /* @__PURE__ */ definePrimitive<SliceParams>({
  name: "slice",
  abstractEval([x], { starts, limits, strides }) {
    const { shape, dtype } = x!;
    checkForEachAxis("slice", x!, "starts", starts);
    checkForEachAxis("slice", x!, "limits", limits);
    checkForEachAxis("slice", x!, "strides", strides);
    const out = shape.map((n, i) => {
      const [start, limit, stride] = [starts[i]!, limits[i]!, strides[i]!];
      if (stride < 1) {
        throw new AxisError(
          `slice: stride ${stride} on axis ${i} is not positive. Use rev to go backwards`,
        );
      }
      if (start < 0 || limit > n || start > limit) {
        throw new AxisError(
          `slice: from ${start} to ${limit} on axis ${i} does not lie within 0 to ${n}: x is ${
            formatAval(x!)
          }`,
        );
      }
      return Math.ceil((limit - start) / stride);
    });
    return [shaped(out, dtype)];
  },
  impl([x], { starts, strides }, [out]) {
    const values = allocate(out!.dtype, sizeOf(out!.shape));
    if (values.length === 0) return [values];
    const steps = stridesOf(x!.shape);
    const at = offsetOf(starts, x!.shape);
    const from = steps.map((s, i) => s * strides[i]!);
    copyStrided(x!.values, at, from, values, 0, stridesOf(out!.shape), out!.shape);
    return [values];
  },
  jvp: ([x], [t], params) => [
    [bind1(sliceP, [x!], params)],
    [bind1(sliceP, [t!], params)],
  ],
  transpose([ct], [x], { starts, strides }) {
    if (ct === null || ct === undefined) return [null];
    const { shape } = x!.aval;
    // An axis of which nothing was taken is all padding.
    const high = shape.map((n, i) => {
      const taken = ct.shape[i]!;
      return taken === 0 ? n - starts[i]! : n - starts[i]! - (taken - 1) * strides[i]! - 1;
    });
    return [pad(ct, scalarLike(0, ct), starts, high, strides.map((s) => s - 1))];
  },
  batch([x], [dim], size, { starts, limits, strides }) {
    const d = dim!;
    const put = (list: readonly number[], n: number): number[] => list.toSpliced(d, 0, n);
    const out = bind1(sliceP, [x!], {
      starts: put(starts, 0),
      limits: put(limits, size),
      strides: put(strides, 1),
    });
    return [[out], [d]];
  },
  passes: ordinary,
  lower(g, [x], { starts, limits, strides }, [aval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const { shape } = aval!;
    const axes = shape.flatMap((n, i) =>
      starts[i] === 0 && limits[i] === n && strides[i] === 1 ? [] : [i]
    );
    if (axes.length === 0) return [x!];
    const of = (list: readonly number[]): string => g.int64(axes.map((i) => list[i]!));
    return [g.node("Slice", [x!, of(starts), of(limits), g.int64(axes), of(strides)])];
  },
  kernel: (b, [x], { starts, strides }, _, [out]) => [b.slice(x!, starts, strides, out!.shape)],
  samples: () => [
    {
      name: "plain",
      inputs: [{ shape: [3, 4], dtype: "float32" }],
      params: { starts: [1, 0], limits: [3, 3], strides: [1, 1] },
    },
    {
      name: "strided, float64",
      inputs: [{ shape: [5, 7], dtype: "float64" }],
      params: { starts: [0, 1], limits: [5, 7], strides: [2, 3] },
    },
    {
      name: "nothing taken",
      inputs: [{ shape: [3, 2], dtype: "float32" }],
      params: { starts: [2, 0], limits: [2, 2], strides: [1, 1] },
    },
    {
      name: "scalar",
      inputs: [{ shape: [], dtype: "float32" }],
      params: { starts: [], limits: [], strides: [] },
    },
    {
      name: "bool",
      inputs: [{ shape: [4], dtype: "bool", values: [1, 0, 1, 1] }],
      params: { starts: [1], limits: [4], strides: [2] },
    },
    {
      name: "uint32",
      inputs: [{ shape: [2, 3], dtype: "uint32", values: [1, 2, 3, 4, 5, 4294967295] }],
      params: { starts: [0, 2], limits: [2, 3], strides: [1, 1] },
    },
  ],
});

/**
 * The elements of `x` from `starts` up to `limits` in steps of `strides` (1 where left out), as
 * `lax.slice`.
 *
 * @throws {AxisError} where a range does not lie within the array.
 */
export function slice(
  x: NDArray,
  starts: readonly number[],
  limits: readonly number[],
  strides: readonly number[] = x.shape.map(() => 1),
): NDArray {
  const whole = starts.length === x.ndim && starts.every((s) => s === 0) &&
    sameShape(limits, x.shape) && strides.length === x.ndim && strides.every((s) => s === 1);
  return whole ? x : bind1(sliceP, [x], { starts, limits, strides });
}

// ---------------------------------------------------------------- pad

/** Parameters of a padding; one number for each axis. */
export interface PadParams {
  /** Elements added in front; a negative number removes some. */
  readonly low: readonly number[];
  /** Elements added behind; a negative number removes some. */
  readonly high: readonly number[];
  /** Elements put between neighbours. */
  readonly interior: readonly number[];
}

/** Length of an axis with its interior padding, without what is added at the ends. */
function dilated(n: number, interior: number): number {
  return n + Math.max(0, n - 1) * interior;
}

/** The elements of an array with a margin, and gaps between elements, of a given value. */
export function padded(
  x: HostValue,
  value: number,
  { low, interior }: Omit<PadParams, "high">,
  shape: readonly number[],
): TypedArray {
  const values = allocate(x.dtype, sizeOf(shape)).fill(value);
  const lengths: number[] = [];
  const first: number[] = [];
  const landing: number[] = [];
  for (let i = 0; i < low.length; i++) {
    // Elements `begin` to `end` of this axis land inside the result.
    const step = interior[i]! + 1;
    const begin = Math.max(0, Math.ceil(-low[i]! / step));
    const end = Math.min(x.shape[i]!, Math.ceil((shape[i]! - low[i]!) / step));
    if (end <= begin) return values;
    lengths.push(end - begin);
    first.push(begin);
    landing.push(low[i]! + begin * step);
  }
  copyStrided(
    x.values,
    offsetOf(first, x.shape),
    stridesOf(x.shape),
    values,
    offsetOf(landing, shape),
    stridesOf(shape).map((s, i) => s * (interior[i]! + 1)),
    lengths,
  );
  return values;
}

/** An array with a margin, and gaps between elements, of a given value. */
export const padP: Primitive<PadParams> = /* @__PURE__ */ definePrimitive<PadParams>({
  name: "pad",
  abstractEval([x, value], { low, high, interior }) {
    checkSameDType("pad", x!, value!, "x and the padding value");
    if (value!.shape.length !== 0) {
      throw new ShapeError(
        `pad: the padding value must be a scalar, but its shape is ${formatShape(value!.shape)}`,
      );
    }
    checkForEachAxis("pad", x!, "low", low);
    checkForEachAxis("pad", x!, "high", high);
    checkForEachAxis("pad", x!, "interior", interior);
    const out = x!.shape.map((n, i) => {
      if (interior[i]! < 0) {
        throw new AxisError(`pad: interior padding ${interior[i]} on axis ${i} is negative`);
      }
      const length = low[i]! + dilated(n, interior[i]!) + high[i]!;
      if (length < 0) {
        throw new AxisError(
          `pad: ${low[i]} before and ${
            high[i]
          } behind remove more than there is on axis ${i} of x, ` +
            `which is ${formatAval(x!)}`,
        );
      }
      return length;
    });
    return [shaped(out, x!.dtype)];
  },
  impl: ([x, value], params, [out]) => [padded(x!, value!.values[0]!, params, out!.shape)],
  jvp: ([x, value], [dx, dvalue], params) => [
    [bind1(padP, [x!, value!], params)],
    [bind1(padP, [instantiate(dx, x!.aval), instantiate(dvalue, value!.aval)], params)],
  ],
  transpose([ct], [x, value], params) {
    if (ct === null || ct === undefined) return [null, null];
    const { shape } = x!.aval;
    const { low, high, interior } = params;
    let dx: NDArray | null = null;
    if (x instanceof Linear) {
      const cut = pad(ct, scalarLike(0, ct), low.map((n) => 0 - n), high.map((n) => 0 - n));
      dx = slice(cut, low.map(() => 0), cut.shape, interior.map((n) => n + 1));
    }
    let dvalue: NDArray | null = null;
    if (value instanceof Linear) {
      // The sum over the padding alone: the difference of two sums would lose digits.
      const padding = pad(full(shape, 0, "bool"), full([], 1, "bool"), low, high, interior);
      const kept = select(padding, ct, scalarLike(0, ct));
      dvalue = reduceSum(kept, ct.shape.map((_, i) => i));
    }
    return [dx, dvalue];
  },
  batch([x, value], [dx, dvalue], size, { low, high, interior }) {
    if (dvalue === null || dvalue === undefined) {
      const put = (list: readonly number[]): number[] => list.toSpliced(dx!, 0, 0);
      const params = { low: put(low), high: put(high), interior: put(interior) };
      return [[bind1(padP, [x!, value!], params)], [dx!]];
    }
    // A value for each lane: pad with anything, then put the values in by a mask.
    const shape = x!.shape.filter((_, i) => i !== dx);
    const padding = pad(full(shape, 0, "bool"), full([], 1, "bool"), low, high, interior);
    const lanes = batchAxisInFront(x!, dx ?? null, size);
    const put = (list: readonly number[]): number[] => [0, ...list];
    const padded = pad(lanes, scalarLike(0, lanes), put(low), put(high), put(interior));
    const fill = reshape(value!, [size, ...shape.map(() => 1)]);
    return [[select(padding, broadcastTo(fill, padded.shape), padded)], [0]];
  },
  passes: ordinary,
  lower(g, [x, value], { low, high, interior }, [aval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const shape = aval!.shape;
    const spread = shape.map((n, i) => dilated(n, interior[i]!));
    // What negative padding leaves of each axis. Kernels differ where nothing is left.
    const starts = low.map((n) => Math.max(0, -n));
    const ends = spread.map((n, i) => n + Math.min(0, high[i]!));
    if (starts.some((s, i) => s >= ends[i]!)) return [filled(g, value!, out!.shape)];
    let result = x!;
    const gaps = interior.map((n, i) => shape[i]! > 1 ? n : 0);
    if (gaps.some((n) => n > 0)) {
      // [a, b] -> [[a], [b]] -> [[a, 0], [b, 0]] -> [a, 0, b, 0]; the last gap is cut off below.
      const split = shape.flatMap((n) => [n, 1]);
      const pads = [...split.map(() => 0), ...gaps.flatMap((n) => [0, n])];
      result = g.node("Pad", [g.reshape(result, split), g.int64(pads), value!]);
      result = g.reshape(result, shape.map((n, i) => n * (gaps[i]! + 1)));
    }
    const present = shape.map((n, i) => n * (gaps[i]! + 1));
    const cut = shape.flatMap((_, i) => starts[i] === 0 && ends[i] === present[i] ? [] : [i]);
    if (cut.length > 0) {
      const of = (list: readonly number[]): string => g.int64(cut.map((i) => list[i]!));
      result = g.node("Slice", [result, of(starts), of(ends), g.int64(cut)]);
    }
    const pads = [...low, ...high].map((n) => Math.max(0, n));
    if (pads.every((n) => n === 0)) return [result];
    return [g.node("Pad", [result, g.int64(pads), value!])];
  },
  kernel(b, [x, value], { low, interior }, [aval], [out]) {
    const steps = interior.map((n) => n + 1);
    // Negative padding leaves of each axis what comes to lie within the result.
    const first = low.map((n, i) => Math.max(0, Math.ceil(-n / steps[i]!)));
    const left = aval!.shape.map((n, i) => {
      const last = Math.min(n - 1, Math.floor((out!.shape[i]! - 1 - low[i]!) / steps[i]!));
      return Math.max(0, last - first[i]! + 1);
    });
    const kept = b.slice(x!, first, steps.map(() => 1), left);
    const at = low.map((n, i) => n + first[i]! * steps[i]!);
    return [b.assemble(out!, [{ value: kept, at, steps }], value!)];
  },
  samples: () => {
    const value: SampleInput = { shape: [], dtype: "float32", values: [-9] };
    return [
      {
        name: "low, high, interior",
        inputs: [counting([5]), value],
        params: { low: [1], high: [2], interior: [1] },
      },
      {
        name: "negative padding and interior, float64",
        inputs: [{ shape: [2, 3], dtype: "float64" }, { shape: [], dtype: "float64" }],
        params: { low: [0, -1], high: [0, -1], interior: [2, 1] },
      },
      {
        name: "nothing of x is left",
        inputs: [counting([5]), value],
        params: { low: [2], high: [-6], interior: [0] },
      },
      {
        name: "zero size",
        inputs: [{ shape: [0, 2], dtype: "float32" }, value],
        params: { low: [1, 0], high: [1, 1], interior: [3, 0] },
      },
      {
        name: "scalar",
        inputs: [{ shape: [], dtype: "float32" }, value],
        params: { low: [], high: [], interior: [] },
      },
      {
        name: "bool",
        inputs: [{ shape: [2], dtype: "bool", values: [0, 1] }, {
          shape: [],
          dtype: "bool",
          values: [1],
        }],
        params: { low: [1], high: [-1], interior: [2] },
      },
      {
        name: "uint32",
        inputs: [{ shape: [2], dtype: "uint32", values: [4294967295, 7] }, {
          shape: [],
          dtype: "uint32",
          values: [4000000000],
        }],
        params: { low: [1], high: [1], interior: [0] },
      },
    ];
  },
});

/**
 * `x` with `low` elements of `value` added in front of each axis, `high` behind, and `interior`
 * between neighbours, as `lax.pad`. Negative `low` and `high` remove elements.
 *
 * @throws {AxisError} where more is removed than there is.
 */
export function pad(
  x: NDArray,
  value: NDArray,
  low: readonly number[],
  high: readonly number[],
  interior: readonly number[] = x.shape.map(() => 0),
): NDArray {
  const nothing = [low, high, interior].every((list) =>
    list.length === x.ndim && list.every((n) => n === 0)
  );
  return nothing ? x : bind1(padP, [x, value], { low, high, interior });
}

/**
 * Windows in ONNX: Conv where a kernel takes it, else the elements of all windows and a product.
 *
 * @module
 */
import {
  type DType,
  type ProgramLowering,
  shaped,
  type ShapedArray,
  sizeOf,
  stridesOf,
} from "../../core/mod.ts";
import type { KernelWindow } from "../../core/kernel.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { lowerDot } from "../dot/graph.ts";
import { padP } from "../slicing/slice.ts";
import {
  type ConvolutionShape,
  isBare,
  paddedLengths,
  paddingParams,
  type Places,
} from "./window.ts";

/** Axes for windows of which kernels of Conv take at most so many. */
const MOST_AXES = 3;
/** Most elements of windows that are put in memory at once: buffers of a GPU end at 128 MiB. */
const MOST_ELEMENTS = 2 ** 24;

/**
 * Whether Conv is right on WebGPU. Of some thousand random shapes, that of onnxruntime-web 1.30 gave wrong numbers
 * where groups have 5, 6, 7, 9, ... outputs, which it computes in fours across groups; for one group with 6, 9,
 * 15, ... features and a multiple of 4 outputs; and with zeros behind the elements alone, which it forgets where
 * the kernel is one element or as long as the array (padding of its own does not help: the runtime fuses it with
 * Conv). Groups along three axes it refuses.
 */
function isRightOnGpu(s: ConvolutionShape, { padding }: Places): boolean {
  const { groups, features, outputs, space, kernel } = s;
  if (groups > 1 && (space.length > 2 || (outputs > 4 && outputs % 4 !== 0))) return false;
  if (groups === 1 && features > 3 && features % 3 === 0 && features % 4 !== 0) return false;
  const isProduct = kernel.every((n) => n === 1) || kernel.every((n, i) => n === space[i]);
  return !isProduct || padding.some(([low]) => low > 0) || padding.every(([, high]) => high === 0);
}

/** Adds the nodes of a convolution that has elements and sums at least one product. */
export function lowerConvolution(
  g: ProgramLowering,
  x: Value,
  w: Value,
  aval: ShapedArray,
  s: ConvolutionShape,
  params: Places,
): Value {
  const { batch, groups, features, outputs, space, kernel, places } = s;
  const { dtype } = aval;
  const { padding, baseDilation, windowDilation, strides } = params;
  const rank = space.length;
  const isConv = dtype === "float32" && rank >= 1 && rank <= MOST_AXES &&
    (g.target !== "webgpu" || isRightOnGpu(s, params));
  // Conv puts zeros around its input, not between elements, and takes none away.
  const own = isConv && baseDilation.every((d, i) => d === 1 || space[i]! <= 1) &&
    padding.flat().every((n) => n >= 0);
  const around = own ? x : lowerPadding(g, x, g.scalar(0, dtype), aval, params);
  if (isConv) {
    const pads = own ? [...padding.map(([low]) => low), ...padding.map(([, high]) => high)] : null;
    return g.node("Conv", [around, w], {
      group: groups,
      kernel_shape: kernel,
      strides,
      dilations: windowDilation,
      pads: pads ?? new Array(2 * rank).fill(0),
    });
  }
  const lengths = paddedLengths(space, params);
  const [size, columns] = [sizeOf(kernel), sizeOf(places)];
  const flat = g.reshape(around, [batch, groups * features, sizeOf(lengths)]);
  const whole = batch * groups * features * size * columns <= MOST_ELEMENTS;
  // One element of the kernel after another takes less memory.
  const parts = whole ? [kernel] : new Array<null>(size).fill(null);
  const weights = g.reshape(w, [groups, outputs, features, size]);
  const products = parts.map((part, k) => {
    const first = part === null ? placeOf(k, kernel) : kernel.map(() => 0);
    const sizes = part ?? kernel.map(() => 1);
    const n = sizeOf(sizes);
    const at = { ...params, first: first.map((i, axis) => i * windowDilation[axis]!) };
    const windows = lowerWindows(g, flat, 2, lengths, sizes, places, at);
    const factor = part === null
      ? g.node("Slice", [weights, g.int64([k]), g.int64([k + 1]), g.int64([3])])
      : weights;
    return product(
      g,
      g.reshape(factor, [groups, outputs, features * n]),
      g.reshape(windows, [batch, groups, features * n, columns]),
      { batch, groups, outputs, depth: features * n, columns },
      dtype,
    );
  });
  const sum = products.reduce((a, b) => g.node("Add", [a, b]));
  return g.reshape(sum, [batch, groups * outputs, ...places]);
}

/** [groups, outputs, depth] times [batch, groups, depth, columns]. */
function product(
  g: Lowering,
  left: Value,
  right: Value,
  s: Readonly<Record<"batch" | "groups" | "outputs" | "depth" | "columns", number>>,
  dtype: DType,
): Value {
  if (!g.lacks("MatMul", dtype)) return g.node("MatMul", [left, right]);
  const { batch, groups, outputs, depth, columns } = s;
  const turned = lowerDot(
    g,
    left,
    right,
    { shape: [groups, outputs, depth], batch: [0], free: [1], contract: [2] },
    { shape: [batch, groups, depth, columns], batch: [1], free: [0, 3], contract: [2] },
    dtype,
    [groups, outputs, batch, columns],
  );
  return g.node("Transpose", [turned], { perm: [2, 0, 1, 3] });
}

/** The index along each axis of the element of a row-major array. */
function placeOf(element: number, shape: readonly number[]): number[] {
  return stridesOf(shape).map((step, i) => Math.floor(element / step) % shape[i]!);
}

/** The array with what windows find around it and between its elements. */
export function lowerPadding(
  g: ProgramLowering,
  x: Value,
  value: Value,
  { shape, dtype }: ShapedArray,
  params: Places,
): Value {
  const lead = shape.slice(0, shape.length - params.padding.length);
  const space = shape.slice(lead.length);
  if (isBare(space, params)) return x;
  const out = shaped([...lead, ...paddedLengths(space, params)], dtype);
  const avals = [shaped(shape, dtype), shaped([], dtype)];
  return padP.lower(g, [x, value], paddingParams(shape.length, params), avals, [out])[0]!;
}

/** Positions in a row-major array of `lengths` of elements `apart` along each axis. */
function positions(
  shape: readonly number[],
  apart: readonly number[],
  lengths: readonly number[],
): number[] {
  const steps = stridesOf(lengths);
  return shape.reduce<number[]>(
    (list, n, i) =>
      list.flatMap((first) =>
        Array.from({ length: n }, (_, k) => first + k * apart[i]! * steps[i]!)
      ),
    [0],
  );
}

/** The elements of all windows, [..., elements, places, ...], of an array with axis `axis` for the space. */
export function lowerWindows(
  g: Lowering,
  x: Value,
  axis: number,
  lengths: readonly number[],
  sizes: readonly number[],
  places: readonly number[],
  { strides, windowDilation, first: start = [] }:
    & Pick<Places, "strides" | "windowDilation">
    & { readonly first?: readonly number[] },
): Value {
  const steps = stridesOf(lengths);
  const from = start.reduce((sum, n, i) => sum + n * steps[i]!, 0);
  const first = positions(places, strides, lengths).map((p) => p + from);
  const index = positions(sizes, windowDilation, lengths).flatMap((k) => first.map((p) => k + p));
  const table = g.constant(Int32Array.from(index), [sizeOf(sizes), sizeOf(places)], "int32");
  return g.node("Gather", [x, table], { axis });
}

/** Sums of windows' elements, [..., places x elements], where they were taken from: [..., space]. */
export function lowerFold(
  g: Lowering,
  x: Value,
  lead: readonly number[],
  space: readonly number[],
  places: readonly number[],
  { sizes, strides, dilation }: KernelWindow,
  dtype: DType,
): Value {
  const first = positions(places, strides, space);
  const within = positions(sizes, dilation, space);
  const sources: number[][] = Array.from({ length: sizeOf(space) }, () => []);
  first.forEach((p, i) => within.forEach((k, j) => sources[p + k]!.push(i * within.length + j)));
  // What has fewer than others takes a zero that is put behind all elements.
  const most = Math.max(...sources.map((list) => list.length));
  const nothing = first.length * within.length;
  const table = sources.flatMap((list) =>
    Array.from({ length: most }, (_, i) => list[i] ?? nothing)
  );
  const own = dtype === "uint32" ? "int32" : dtype;
  const pads = [...lead.map(() => 0), 0, ...lead.map(() => 0), 1];
  const padded = g.node("Pad", [x, g.int64(pads), g.scalar(0, own)]);
  const index = g.constant(Int32Array.from(table), [sources.length, most], "int32");
  const found = g.node("Gather", [padded, index], { axis: lead.length });
  return g.node("ReduceSum", [found, g.int64([lead.length + 1])], { keepdims: 0 });
}

/**
 * Windows in ONNX: Conv where a kernel takes it, else the elements of all windows and a product.
 *
 * @module
 */
import { shaped, type ShapedArray, sizeOf, stridesOf } from "../../core/aval.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import type { ProgramLowering } from "../../core/primitive.ts";
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
  const { padding, baseDilation, windowDilation, strides } = params;
  const rank = space.length;
  const isConv = aval.dtype === "float32" && rank >= 1 && rank <= MOST_AXES;
  // Conv puts zeros around its input, not between elements, and takes none away.
  const own = isConv && baseDilation.every((d, i) => d === 1 || space[i]! <= 1) &&
    padding.flat().every((n) => n >= 0);
  const around = own ? x : lowerPadding(g, x, g.scalar(0, aval.dtype), aval, params);
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
  const windows = lowerWindows(
    g,
    g.reshape(around, [batch, groups * features, sizeOf(lengths)]),
    lengths,
    kernel,
    places,
    params,
  );
  const [depth, columns] = [sizeOf(kernel), sizeOf(places)];
  const left = [groups, outputs, features * depth];
  const right = [batch, groups, features * depth, columns];
  // [groups, outputs, depth] times [batch, groups, depth, places], with groups in common.
  const product = lowerDot(
    g,
    g.reshape(w, left),
    g.reshape(windows, right),
    { shape: left, batch: [0], free: [1], contract: [2] },
    { shape: right, batch: [1], free: [0, 3], contract: [2] },
    aval.dtype,
    [groups, outputs, batch, columns],
  );
  const turned = g.node("Transpose", [product], { perm: [2, 0, 1, 3] });
  return g.reshape(turned, [batch, groups * outputs, ...places]);
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

/** The elements of all windows, [batch, features, elements, places], of [batch, features, space]. */
function lowerWindows(
  g: Lowering,
  x: Value,
  lengths: readonly number[],
  sizes: readonly number[],
  places: readonly number[],
  { strides, windowDilation }: Places,
): Value {
  const steps = stridesOf(lengths);
  const at = (shape: readonly number[], apart: readonly number[]): number[] =>
    shape.reduce<number[]>(
      (list, n, i) =>
        list.flatMap((first) =>
          Array.from({ length: n }, (_, k) => first + k * apart[i]! * steps[i]!)
        ),
      [0],
    );
  const first = at(places, strides);
  const index = at(sizes, windowDilation).flatMap((k) => first.map((p) => k + p));
  const table = g.constant(
    Int32Array.from(index),
    [sizeOf(sizes), sizeOf(places)],
    "int32",
  );
  return g.node("Gather", [x, table], { axis: 2 });
}

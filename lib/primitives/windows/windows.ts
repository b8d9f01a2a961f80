/**
 * The elements of all windows of an array, and their sum back to where they came from: windows and
 * fold, each the other's transpose.
 *
 * @module
 */
import {
  allocate,
  bind1,
  checkDType,
  definePrimitive,
  type DType,
  formatAval,
  isFloat,
  type NDArray,
  numeric,
  ordinary,
  type Primitive,
  type Sample,
  shaped,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stridesOf,
  type TypedArray,
} from "../../core/mod.ts";
import type { KernelWindow } from "../../core/kernel.ts";
import { scalarLike } from "../constants/constants.ts";
import { emptyOutput, viaInt32 } from "../graph/nodes.ts";
import { copyStrided } from "../loops/loops.ts";
import { counting } from "../axes.ts";
import { moveAxis, reshape, transpose } from "../shape/shape.ts";
import { pad, slice } from "../slicing/slice.ts";
import { lowerFold, lowerWindows } from "./graph.ts";
import { combineStrided } from "./loops.ts";
import { countWindows, dilated, paddingParams, type Places } from "./window.ts";

/** Parameters of windows, which run along the last axes. */
export type WindowParams = KernelWindow;

/** Parameters of fold. */
export interface FoldParams extends WindowParams {
  /** Lengths of the axes that windows run along. */
  readonly space: readonly number[];
}

const bare = (w: KernelWindow): Places => ({
  strides: w.strides,
  windowDilation: w.dilation,
  padding: w.sizes.map(() => [0, 0]),
  baseDilation: w.sizes.map(() => 1),
});

/** How many windows there are along each of some axes. */
const placesOf = (space: readonly number[], w: KernelWindow): number[] =>
  countWindows(space, w.sizes, bare(w));

/** Strides at which the places of windows, and then their elements, are found in an array. */
function stridesIn(shape: readonly number[], w: KernelWindow): number[] {
  const all = stridesOf(shape);
  const lead = shape.length - w.sizes.length;
  const own = all.slice(lead);
  return [
    ...all.slice(0, lead),
    ...own.map((s, i) => s * w.strides[i]!),
    ...own.map((s, i) => s * w.dilation[i]!),
  ];
}

/** The elements of windows: places in place of the last axes, and then the axes of a window. */
export const windowsP: Primitive<WindowParams> = /* @__PURE__ */ definePrimitive<WindowParams>({
  name: "windows",
  abstractEval([x], w) {
    const { shape, dtype } = x!;
    const lead = shape.length - w.sizes.length;
    if (lead < 0) {
      throw new ShapeError(
        `windows: x is ${formatAval(x!)} and has not the ${w.sizes.length} axes of the windows`,
      );
    }
    return [
      shaped([...shape.slice(0, lead), ...placesOf(shape.slice(lead), w), ...w.sizes], dtype),
    ];
  },
  impl([x], w, [out]) {
    const { shape } = out!;
    const values = allocate(out!.dtype, sizeOf(shape));
    copyStrided(x!.values, 0, stridesIn(x!.shape, w), values, 0, stridesOf(shape), shape);
    return [values];
  },
  jvp: ([x], [t], params) => [[bind1(windowsP, [x!], params)], [bind1(windowsP, [t!], params)]],
  transpose([ct], [x], params) {
    if (ct === null || ct === undefined) return [null];
    const space = x!.aval.shape.slice(x!.aval.shape.length - params.sizes.length);
    return [bind1(foldP, [ct], { ...params, space })];
  },
  batch: ([x], [dim], _, params) => [[bind1(windowsP, [moveAxis(x!, dim!, 0)], params)], [0]],
  passes: ordinary,
  lower(g, [x], w, [aval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const lead = aval!.shape.slice(0, aval!.shape.length - w.sizes.length);
    const space = aval!.shape.slice(lead.length);
    const flat = g.reshape(x!, [...lead, sizeOf(space)]);
    const places = placesOf(space, w);
    // The table has the elements first.
    const found = lowerWindows(g, flat, lead.length, space, w.sizes, places, bare(w));
    const perm = [...lead.map((_, i) => i), lead.length + 1, lead.length];
    return [g.reshape(g.node("Transpose", [found], { perm }), out!.shape)];
  },
  kernel: (b, [x], params) => [b.windows(x!, params)],
  samples: () => windowSamples().map(({ name, x, params }) => ({ name, inputs: [x], params })),
});

/** The sum of windows' elements at the places that they were taken from. */
export const foldP: Primitive<FoldParams> = /* @__PURE__ */ definePrimitive<FoldParams>({
  name: "fold",
  abstractEval([x], params) {
    checkDType("fold", "x", x!, numeric);
    const lead = x!.shape.length - 2 * params.space.length;
    return [shaped([...x!.shape.slice(0, lead), ...params.space], x!.dtype)];
  },
  impl([x], params, [out]) {
    const { dtype, shape } = out!;
    const sums = isFloat(dtype) ? new Float64Array(sizeOf(shape)) : allocate(dtype, sizeOf(shape));
    const add = (a: number, b: number): number => a + b;
    const source: TypedArray = dtype === "float32" ? Float64Array.from(x!.values) : x!.values;
    combineStrided(
      add,
      sums,
      0,
      stridesIn(shape, params),
      source,
      0,
      stridesOf(x!.shape),
      x!.shape,
    );
    return [dtype === "float32" ? Float32Array.from(sums) : sums];
  },
  jvp: ([x], [t], params) => [[bind1(foldP, [x!], params)], [bind1(foldP, [t!], params)]],
  transpose([ct], _, { space: _space, ...params }) {
    return [ct === null || ct === undefined ? null : bind1(windowsP, [ct], params)];
  },
  batch: ([x], [dim], _, params) => [[bind1(foldP, [moveAxis(x!, dim!, 0)], params)], [0]],
  passes: ordinary,
  lower(g, [x], { space, ...w }, [aval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const { shape, dtype } = out!;
    const lead = shape.slice(0, shape.length - space.length);
    const taken = sizeOf(aval!.shape.slice(lead.length));
    if (taken === 0) return [g.node("Expand", [g.scalar(0, dtype), g.int64(shape)])];
    const flat = g.reshape(x!, [...lead, taken]);
    const sum = viaInt32(
      g,
      [flat],
      dtype,
      ([v]) => lowerFold(g, v!, lead, space, placesOf(space, w), w, dtype),
    );
    return [g.reshape(sum, shape)];
  },
  // out[s] = sum over k of x[(s - k dilation) / stride, k]: x, spread by the strides with a margin of zeros,
  // is looked at through windows of its own, and of these along the diagonal of both indices k.
  kernel(b, [x], { space, sizes, strides, dilation }, [aval], [out]) {
    const { shape, dtype } = aval!;
    if (sizeOf(out!.shape) === 0 || sizeOf(shape) === 0) return [b.constant(0, out!)];
    const rank = space.length;
    const lead = shape.slice(0, shape.length - 2 * rank);
    const at = (first: number): number[] => space.map((_, i) => lead.length + first + i);
    const turned = b.transpose(x!, [...lead.map((_, i) => i), ...at(rank), ...at(0)]);
    const from = [...lead, ...sizes, ...shape.slice(lead.length, lead.length + rank)];
    const backwards = b.slice(
      turned,
      from.map((n, i) => i >= lead.length && i < lead.length + rank ? n - 1 : 0),
      from.map((_, i) => i >= lead.length && i < lead.length + rank ? -1 : 1),
      from,
    );
    const margin = sizes.map((n, i) => (n - 1) * dilation[i]!);
    const zeros = [...lead, ...sizes].map(() => 0);
    const spread = b.assemble(
      shaped([...lead, ...sizes, ...space.map((n, i) => n + margin[i]!)], dtype),
      [{
        value: backwards,
        at: [...zeros, ...margin],
        steps: [...zeros.map(() => 1), ...strides],
      }],
      b.constant(0, shaped([], dtype)),
    );
    let view = b.windows(spread, { sizes, strides: sizes.map(() => 1), dilation });
    for (let i = 0; i < rank; i++) view = b.diagonal(view, lead.length + i, lead.length + 2 * rank);
    return [b.reduce(view, at(0), "add")];
  },
  samples: () =>
    windowSamples().filter(({ x }) => x.dtype !== "bool").map(({ name, x, params }) => {
      const space = x.shape.slice(x.shape.length - params.sizes.length);
      const lead = x.shape.slice(0, x.shape.length - space.length);
      const shape = [...lead, ...placesOf(space, params), ...params.sizes];
      return { name, inputs: [{ shape, dtype: x.dtype }], params: { ...params, space } };
    }),
});

/**
 * The elements of windows of `sizes` along the last axes of `x`: in place of these the places of windows, and
 * then the axes of a window. Around `x` and between its elements is `value`.
 */
export function windowsOf(
  x: NDArray,
  sizes: readonly number[],
  places: Places,
  value: NDArray = scalarLike(0, x),
): NDArray {
  const { low, high, interior } = paddingParams(x.ndim, places);
  const lead = x.shape.slice(0, x.ndim - sizes.length);
  const counts = countWindows(x.shape.slice(lead.length), sizes, places);
  // Taking away more than there is leaves nothing.
  const tall = x.shape.map((n, i) => Math.max(high[i]!, -low[i]! - dilated(n, interior[i]! + 1)));
  const around = pad(x, value, low, tall, interior);
  const { strides, windowDilation: dilation } = places;
  const apart = sizes.every((n, i) => strides[i] === n && dilation[i] === 1);
  if (!apart || counts.includes(0)) return bind1(windowsP, [around], { sizes, strides, dilation });
  // Windows side by side are parts of the axes.
  const whole = slice(
    around,
    around.shape.map(() => 0),
    [...lead, ...counts.map((n, i) => n * sizes[i]!)],
  );
  const split = reshape(whole, [...lead, ...counts.flatMap((n, i) => [n, sizes[i]!])]);
  const at = (second: number): number[] => sizes.map((_, i) => lead.length + 2 * i + second);
  return transpose(split, [...lead.map((_, i) => i), ...at(0), ...at(1)]);
}

interface WindowSample {
  readonly name: string;
  readonly x: Sample<WindowParams>["inputs"][number];
  readonly params: WindowParams;
}

function windowSamples(): WindowSample[] {
  const window = (sizes: number[], strides: number[], dilation: number[]): WindowParams => ({
    sizes,
    strides,
    dilation,
  });
  const of = (dtype: DType, ...shape: number[]): ShapedArray => ({ shape, dtype });
  return [
    { name: "overlapping", x: counting([2, 7]), params: window([3], [1], [1]) },
    {
      name: "two axes, strides and gaps, float64",
      x: of("float64", 2, 8, 9),
      params: window([3, 2], [2, 3], [1, 2]),
    },
    {
      name: "steps between windows and gaps in them",
      x: of("float32", 3, 11),
      params: window([3], [2], [3]),
    },
    { name: "all of it, float64", x: of("float64", 3, 4), params: window([3, 4], [1, 1], [1, 1]) },
    { name: "none fits", x: of("float32", 2, 2), params: window([3], [1], [1]) },
    { name: "none fits by far, float64", x: of("float64", 2, 3), params: window([3], [1], [4]) },
    { name: "of no axes", x: of("float32", 3), params: window([], [], []) },
    { name: "uint32", x: of("uint32", 5), params: window([2], [1], [2]) },
    { name: "bool", x: of("bool", 5), params: window([2], [1], [1]) },
  ];
}

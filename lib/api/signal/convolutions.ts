/**
 * Convolution and correlation along all axes, as in `jax.scipy.signal`.
 *
 * @module
 */
import type { Named } from "../../core/method_options.ts";
import {
  broadcastShapes,
  describeValue,
  formatShape,
  type NDArray,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../../core/mod.ts";
import { reshape, rev, slice } from "../../primitives/mod.ts";
import { mul, sub } from "../arithmetic.ts";
import { irfftn, rfftn } from "../fourier.ts";
import { convGeneralDilated } from "../lax/convolution.ts";
import { expectArray, expectAxes, floatOr32, isNamed, promote } from "../operands.ts";
import { broadcastTo } from "../shaping.ts";
import type { ConvolveMode } from "../signals.ts";

/** Options of {@linkcode convolve} and {@linkcode correlate}. */
export interface ConvolveOptions {
  /**
   * `"direct"`: sums of products; `"fft"`: by Fourier transforms, which large arrays are quicker by, and which
   * round by the largest element; `"auto"`, the default, is `"direct"`.
   */
  readonly method?: "auto" | "direct" | "fft" | undefined;
}

/** Options of {@linkcode convolve2d} and {@linkcode correlate2d}. */
export interface BoundaryOptions {
  /** What is beside the arrays: `"fill"`, the fill value; there is no other. */
  readonly boundary?: "fill" | undefined;
  /** The fill value; 0, there is no other. */
  readonly fillvalue?: number | undefined;
}

/** Options of {@linkcode fftconvolve}. */
export interface FftconvolveOptions {
  /** The axes; all where left out. Others broadcast. */
  readonly axes?: number | readonly number[] | null | undefined;
}

/** A mode, or options in which it may be. */
export type ModeOr<Options> = ConvolveMode | null | Named<Options, { mode: ConvolveMode | null }>;

const convolveOptions: OptionTable<ConvolveOptions> = { method: "string" };
const boundaryOptions: OptionTable<BoundaryOptions> = { boundary: "string", fillvalue: "operand" };
const axesOptions: OptionTable<FftconvolveOptions> = { axes: "axes" };

/** Two arrays of one number of axes, in floats. */
function pair(op: string, in1: NDArray, in2: NDArray): [NDArray, NDArray] {
  const names = ["in1", "in2"] as const;
  const [x, y] = promote(
    op,
    expectArray(op, in1, "in1"),
    expectArray(op, in2, "in2"),
    floatOr32,
    names,
  );
  const shapes = `in1 has shape ${formatShape(x.shape)} and in2 ${formatShape(y.shape)}`;
  if (x.ndim !== y.ndim) {
    throw new ShapeError(`${op}: ${shapes}, but they must have the same number of axes`);
  }
  if (x.size === 0 || y.size === 0) {
    throw new ShapeError(`${op}: ${shapes}, but neither may be empty`);
  }
  return [x, y];
}

/** Whether the second array is the larger one, along some axes; one must be along all of them. */
function isSwapped(op: string, x: NDArray, y: NDArray, axes: readonly number[]): boolean {
  if (axes.every((axis) => x.shape[axis]! >= y.shape[axis]!)) return false;
  if (axes.every((axis) => x.shape[axis]! <= y.shape[axis]!)) return true;
  throw new ShapeError(
    `${op}: in1 has shape ${formatShape(x.shape)} and in2 ${
      formatShape(y.shape)
    }, but one of them ` +
      "must be at least as long as the other along every axis",
  );
}

/** What a mode gives of the whole of axes [n] and [m], the second not longer: where it starts, and its length. */
function extent(op: string, mode: unknown, n: number, m: number, first: number): [number, number] {
  if (mode === "full") return [0, n + m - 1];
  if (mode === "same") return [Math.floor((n + m - 1 - first) / 2), first];
  if (mode === "valid") return [m - 1, n - m + 1];
  throw new TypeError(`${op}: mode must be "full", "same" or "valid", not ${describeValue(mode)}`);
}

/** The most axes that windows run along. */
const MOST_AXES = 3;

function directly(op: string, in1: NDArray, in2: NDArray, mode: ConvolveMode): NDArray {
  const [x, y] = pair(op, in1, in2);
  if (x.ndim === 0) return mul(x, y);
  if (x.ndim > MOST_AXES) return byTransforms(op, x, y, mode, null);
  const swapped = isSwapped(op, x, y, x.shape.map((_, axis) => axis));
  const [long, short] = swapped ? [y, x] : [x, y];
  const padding = long.shape.map((n, axis) => {
    const m = short.shape[axis]!;
    const [start, length] = extent(op, mode, n, m, x.shape[axis]!);
    // The whole starts m - 1 in front of the array, and each element reaches over m.
    return [m - 1 - start, start + length - n] as const;
  });
  const kernel = rev(short, short.shape.map((_, axis) => axis));
  const out = convGeneralDilated(
    reshape(long, [1, 1, ...long.shape]),
    reshape(kernel, [1, 1, ...short.shape]),
    long.shape.map(() => 1),
    padding,
  );
  return reshape(out, out.shape.slice(2));
}

function byTransforms(
  op: string,
  in1: NDArray,
  in2: NDArray,
  mode: ConvolveMode,
  along: number | readonly number[] | null,
): NDArray {
  let [x, y] = pair(op, in1, in2);
  const axes = expectAxes(op, along, x.ndim);
  const rest = (a: NDArray): number[] => a.shape.map((n, axis) => axes.includes(axis) ? 1 : n);
  const common = broadcastShapes(op, rest(x), rest(y));
  const spread = (a: NDArray): NDArray =>
    broadcastTo(a, a.shape.map((n, axis) => axes.includes(axis) ? n : common[axis]!));
  [x, y] = [spread(x), spread(y)];
  if (mode === "valid") isSwapped(op, x, y, axes);
  if (axes.length === 0) return mul(x, y);
  const s = axes.map((axis) => x.shape[axis]! + y.shape[axis]! - 1);
  const [f, g] = [rfftn(x, { s, axes }), rfftn(y, { s, axes })];
  const re = sub(mul(f.re, g.re), mul(f.im, g.im));
  const im = mul(f.re, g.im).add(mul(f.im, g.re));
  const whole = irfftn({ re, im }, { s, axes });
  const extents = x.shape.map((n, axis): [number, number] => {
    if (!axes.includes(axis)) return [0, n];
    const m = y.shape[axis]!;
    return extent(op, mode, Math.max(n, m), Math.min(n, m), n);
  });
  return slice(whole, extents.map(([a]) => a), extents.map(([a, length]) => a + length));
}

function byMethod(
  op: string,
  in1: NDArray,
  in2: NDArray,
  mode: ConvolveMode,
  { method = "auto" }: ConvolveOptions,
): NDArray {
  if (method === "fft") return byTransforms(op, in1, in2, mode, null);
  if (method === "auto" || method === "direct") return directly(op, in1, in2, mode);
  throw new TypeError(
    `${op}: method is ${describeValue(method)}, but must be "auto", "direct" or "fft"`,
  );
}

/** The second array the other way round, along all axes. */
function turned(op: string, x: NDArray): NDArray {
  const a = expectArray(op, x, "in2");
  return rev(a, a.shape.map((_, axis) => axis));
}

/** Refuses what is beside two-dimensional arrays, if it is not 0. */
function checkPlane(op: string, in1: NDArray, in2: NDArray, options: BoundaryOptions): void {
  const { boundary = "fill", fillvalue = 0 } = options;
  if (boundary !== "fill" || fillvalue !== 0) {
    throw new TypeError(
      `${op}: boundary is ${describeValue(boundary)} and fillvalue ${describeValue(fillvalue)}, ` +
        'but only "fill" with 0 is there. Pad in1 with np.pad, and take mode "valid"',
    );
  }
  for (const [name, x] of [["in1", in1], ["in2", in2]] as const) {
    if (expectArray(op, x, name).ndim !== 2) {
      throw new ShapeError(
        `${op}: ${name} has shape ${formatShape(x.shape)}, but must have two axes`,
      );
    }
  }
}

/**
 * The convolution of two arrays along all their axes, as `jax.scipy.signal.convolve`: the sums of
 * `in1[i] in2[k - i]`. Integers and bools become float32.
 *
 * @param mode `"full"`, the default: wherever both overlap; `"same"`: as large as `in1`, from the middle;
 * `"valid"`: where they overlap completely.
 * @throws {ShapeError} where the numbers of axes differ, an array is empty, or neither is the larger one
 * along every axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { convolve } from "@injax/injax/signal";
 *
 * const x = np.array([[1, 2], [3, 4]]);
 * console.log(convolve(x, np.ones([2, 2])).toArray()); // [ [ 1, 3, 2 ], [ 4, 10, 6 ], [ 3, 7, 4 ] ]
 * console.log(convolve(x, np.ones([2, 2]), "valid").toArray()); // [ [ 10 ] ]
 * ```
 */
export function convolve(
  in1: NDArray,
  in2: NDArray,
  mode?: ModeOr<ConvolveOptions>,
  options: ConvolveOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("convolve(in1, in2, mode, options)", arguments, convolveOptions, 2);
  }
  if (isNamed(mode)) return convolve(in1, in2, mode.mode, { method: mode.method });
  return byMethod("convolve", in1, in2, mode ?? "full", options);
}

/**
 * The correlation of two arrays along all their axes, as `jax.scipy.signal.correlate`: the sums of
 * `in1[i + k] in2[i]`, a convolution with `in2` the other way round.
 *
 * @param mode As in {@linkcode convolve}.
 * @throws {ShapeError} as {@linkcode convolve}.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { correlate } from "@injax/injax/signal";
 *
 * const x = np.array([1, 2, 3]);
 * console.log(correlate(x, np.array([0, 1]), "same").toArray()); // [ 1, 2, 3 ]
 * ```
 */
export function correlate(
  in1: NDArray,
  in2: NDArray,
  mode?: ModeOr<ConvolveOptions>,
  options: ConvolveOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("correlate(in1, in2, mode, options)", arguments, convolveOptions, 2);
  }
  if (isNamed(mode)) return correlate(in1, in2, mode.mode, { method: mode.method });
  return byMethod("correlate", in1, turned("correlate", in2), mode ?? "full", options);
}

/**
 * The convolution of two matrices, as `jax.scipy.signal.convolve2d`.
 *
 * @param mode As in {@linkcode convolve}.
 * @throws {ShapeError} as {@linkcode convolve}, and where there are not two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { convolve2d } from "@injax/injax/signal";
 *
 * const x = np.array([[1, 2], [3, 4]]);
 * console.log(convolve2d(x, np.array([[1, 1]]), "same").toArray()); // [ [ 1, 3 ], [ 3, 7 ] ]
 * ```
 */
export function convolve2d(
  in1: NDArray,
  in2: NDArray,
  mode?: ModeOr<BoundaryOptions>,
  options: BoundaryOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("convolve2d(in1, in2, mode, options)", arguments, boundaryOptions, 2);
  }
  if (isNamed(mode)) [mode, options] = [mode.mode, mode];
  checkPlane("convolve2d", in1, in2, options);
  return directly("convolve2d", in1, in2, mode ?? "full");
}

/**
 * The correlation of two matrices, as `jax.scipy.signal.correlate2d`.
 *
 * @param mode As in {@linkcode convolve}.
 * @throws {ShapeError} as {@linkcode convolve}, and where there are not two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { correlate2d } from "@injax/injax/signal";
 *
 * const x = np.array([[1, 2], [3, 4]]);
 * console.log(correlate2d(x, np.array([[1, 1]]), "valid").toArray()); // [ [ 3 ], [ 7 ] ]
 * ```
 */
export function correlate2d(
  in1: NDArray,
  in2: NDArray,
  mode?: ModeOr<BoundaryOptions>,
  options: BoundaryOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("correlate2d(in1, in2, mode, options)", arguments, boundaryOptions, 2);
  }
  if (isNamed(mode)) [mode, options] = [mode.mode, mode];
  checkPlane("correlate2d", in1, in2, options);
  // Of two middles SciPy takes the later one here, and the earlier one in `correlate`.
  return rev(directly("correlate2d", rev(in1, [0, 1]), in2, mode ?? "full"), [0, 1]);
}

/**
 * The convolution of two arrays by Fourier transforms, as `jax.scipy.signal.fftconvolve`: in about
 * `n log n` steps, with rounding errors of the size of those of the largest element.
 *
 * @param mode As in {@linkcode convolve}.
 * @throws {ShapeError} where the numbers of axes differ, an array is empty, axes that are not transformed
 * do not broadcast, or neither is the larger one along every axis for `"valid"`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { fftconvolve } from "@injax/injax/signal";
 *
 * console.log(fftconvolve(np.array([1, 2]), np.array([3, 4])).round().toArray()); // [ 3, 10, 8 ]
 * ```
 */
export function fftconvolve(
  in1: NDArray,
  in2: NDArray,
  mode?: ModeOr<FftconvolveOptions>,
  options: FftconvolveOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("fftconvolve(in1, in2, mode, options)", arguments, axesOptions, 2);
  }
  if (isNamed(mode)) [mode, options] = [mode.mode, mode];
  return byTransforms("fftconvolve", in1, in2, mode ?? "full", options.axes ?? null);
}

/**
 * Spectra of signals by transforms of their segments, as in `jax.scipy.signal`.
 *
 * @module
 */
import {
  describeValue,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  tableOf,
} from "../../core/mod.ts";
import { onParts } from "../../linalg/fourier.ts";
import { iota } from "../../primitives/mod.ts";
import { array } from "../array.ts";
import type { Complex } from "../complex.ts";
import { fftfreq, rfftfreq } from "../fft.ts";
import { concatenate } from "../joining.ts";
import { asFloat, expectArray, expectAxis, floatOr32, promote } from "../operands.ts";
import { pad } from "../padding.ts";
import { median } from "../statistics.ts";
import { moveaxis } from "../shaping.ts";
import {
  countOf,
  type Detrending,
  type Segments,
  segmentsOf,
  type SegmentsOptions,
  segmentsOptions,
  transformsOf,
} from "./segments.ts";

/** Options of spectra. */
export interface SpectrumOptions extends SegmentsOptions {
  /** What is taken off each segment first: `"constant"` where left out, nothing in {@linkcode stft}. */
  readonly detrend?: Detrending | undefined;
  /** Whether frequencies below 0 are left out, whose share is added to the others; true where left out. */
  readonly returnOnesided?: boolean | undefined;
  /** The axis along which the signal runs, the last one where left out. */
  readonly axis?: number | undefined;
}

/** Options of {@linkcode welch} and {@linkcode csd}. */
export interface WelchOptions extends SpectrumOptions {
  /** `"density"`, the default: power by unit of frequency; `"spectrum"`: power. */
  readonly scaling?: "density" | "spectrum" | undefined;
  /** How segments become one: their mean, the default, or their median without its bias. */
  readonly average?: "mean" | "median" | undefined;
}

/** Options of {@linkcode stft}. */
export interface StftOptions extends SpectrumOptions {
  /** What is put at both ends, half a segment: `"zeros"` where left out, `null` nothing. */
  readonly boundary?: "zeros" | "even" | "odd" | "constant" | null | undefined;
  /** Whether zeros are put behind the signal so that the last segment is whole; true where left out. */
  readonly padded?: boolean | undefined;
}

const spectrumOptions: OptionTable<SpectrumOptions> = /* @__PURE__ */ tableOf(segmentsOptions, {
  detrend: "object",
  returnOnesided: "boolean",
  axis: "number",
});
const welchOptions: OptionTable<WelchOptions> = /* @__PURE__ */ tableOf(spectrumOptions, {
  scaling: "string",
  average: "string",
});
const stftOptions: OptionTable<StftOptions> = /* @__PURE__ */ tableOf(spectrumOptions, {
  // Of this kind `null` means something.
  boundary: "axes",
  padded: "boolean",
});

/** The signal in floats with its axis last. */
function last(op: string, x: unknown, axis: number, name: string): NDArray {
  const a = asFloat(op, expectArray(op, x, name));
  if (a.ndim === 0) throw new ShapeError(`${op}: ${name} is one number, but must be a signal`);
  return moveaxis(a, expectAxis(op, axis, a.ndim), -1);
}

function frequenciesOf({ nfft }: Segments, options: SpectrumOptions, x: NDArray): NDArray {
  const { returnOnesided: onesided = true, fs = 1 } = options;
  return (onesided ? rfftfreq : fftfreq)(nfft, 1, { dtype: x.dtype }).mul(fs);
}

/** What products of transforms are multiplied by. */
function scaleOf(op: string, scaling: unknown, { window }: Segments, fs: Operand): NDArray {
  if (scaling === "density") return window.mul(window).sum().mul(fs).pow(-1);
  if (scaling === "spectrum") return window.sum().pow(-2);
  throw new TypeError(
    `${op}: scaling is ${describeValue(scaling)}, but must be "density" or "spectrum"`,
  );
}

/** Every frequency's factor of a one-sided spectrum: 2 for those that stand for one below 0 too. */
function doubled({ nfft }: Segments, x: NDArray): NDArray {
  const n = Math.floor(nfft / 2) + 1;
  const single = (k: number): boolean => k === 0 || 2 * k === nfft;
  return array(Array.from({ length: n }, (_, k) => single(k) ? 1 : 2), { dtype: x.dtype });
}

/** How much larger the median of so many spectra of noise is than their mean, by B. Allen et al. (2012). */
function medianBias(n: number): number {
  let bias = 1;
  for (let k = 2; k < n; k += 2) bias += 1 / (k + 1) - 1 / k;
  return bias;
}

/** The products of the transforms of two signals, averaged over segments: `[..., frequencies]`. */
function crossSpectrum(
  op: string,
  x: NDArray,
  y: NDArray | null,
  options: WelchOptions,
): [frequencies: NDArray, spectrum: Complex] {
  const { fs = 1, detrend = "constant", returnOnesided: onesided = true } = options;
  const { scaling = "density", average = "mean", axis = -1 } = options;
  let a = last(op, x, axis, "x");
  let b = y === null ? a : last(op, y, axis, "y");
  if (a.ndim !== b.ndim) {
    throw new ShapeError(`${op}: x has ${a.ndim} axes and y ${b.ndim}, but they must be as many`);
  }
  [a, b] = promote(op, a, b, floatOr32, ["x", "y"]);
  const length = Math.max(a.shape.at(-1)!, b.shape.at(-1)!);
  [a, b] = [a, b].map((v) => {
    const more = length - v.shape.at(-1)!;
    return more === 0 ? v : pad(v, [...v.shape.slice(1).map(() => [0, 0] as const), [0, more]]);
  }) as [NDArray, NDArray];
  const segments = segmentsOf(op, options, length, a.dtype);
  const f = transformsOf(op, a, segments, detrend, onesided);
  const g = y === null ? f : transformsOf(op, b, segments, detrend, onesided);
  const scale = scaleOf(op, scaling, segments, fs);
  const weights = onesided ? doubled(segments, a).mul(scale) : scale;
  const products = {
    re: f.re.mul(g.re).add(f.im.mul(g.im)).mul(weights),
    im: f.re.mul(g.im).sub(f.im.mul(g.re)).mul(weights),
  };
  const spectrum = onParts(products, (z) => {
    const count = z.shape.at(-2)!;
    if (average === "mean") return z.mean(-2);
    if (average === "median") return median(z, -2).div(medianBias(count));
    throw new TypeError(
      `${op}: average is ${describeValue(average)}, but must be "mean" or "median"`,
    );
  });
  return [
    frequenciesOf(segments, options, a),
    onParts(spectrum, (z) => moveaxis(z, -1, axis)),
  ];
}

/**
 * The power of a signal by frequency, as `jax.scipy.signal.welch`: squares of the transforms of its segments,
 * averaged (Welch's method).
 *
 * @param x The signal, of real numbers, along the last axis or `options.axis`.
 * @returns The frequencies `[n]`, in the unit of `fs`, and the power at each, along the axis of the signal.
 * @throws {RangeError} where segments are longer than their transforms, or overlap wholly.
 * @throws {ShapeError} where a window is not as long as a segment, or longer than the signal.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { welch } from "@injax/injax/signal";
 *
 * const x = np.cos(np.arange(64).mul(Math.PI / 4));
 * const [frequencies, power] = welch(x, { nperseg: 16, scaling: "spectrum" });
 * console.log(frequencies.at(np.argmax(power)).item()); // 0.125
 * ```
 */
export function welch(
  x: NDArray,
  options: WelchOptions = {},
): [frequencies: NDArray, power: NDArray] {
  if (arguments.length > 1) options = readOptions("welch(x, options)", arguments, welchOptions);
  const [frequencies, { re }] = crossSpectrum("welch", x, null, options);
  return [frequencies, re];
}

/**
 * What two signals have in common by frequency, as `jax.scipy.signal.csd`: conjugates of the transforms of the
 * segments of one times those of the other, averaged. The shorter signal is followed by zeros.
 *
 * @param y The other signal; `x` itself where it is `null`.
 * @returns The frequencies `[n]`, and complex numbers at each, along the axis of the signals.
 * @throws {RangeError} as {@linkcode welch}.
 * @throws {ShapeError} as {@linkcode welch}, and where the signals have different numbers of axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { csd } from "@injax/injax/signal";
 *
 * const t = np.arange(64).mul(Math.PI / 4);
 * const [, { re, im }] = csd(np.cos(t), np.sin(t), { nperseg: 16 });
 * // The second is a quarter of a period behind the first.
 * console.log(np.argmin(im).item(), np.max(np.abs(re)).less(1e-4).item()); // 2 1
 * ```
 */
export function csd(
  x: NDArray,
  y: NDArray | null,
  options: WelchOptions = {},
): [frequencies: NDArray, spectrum: Complex] {
  if (arguments.length > 2) options = readOptions("csd(x, y, options)", arguments, welchOptions);
  return crossSpectrum("csd", x, y ?? null, options);
}

/** Half a segment before and behind the last axis. */
function extended(op: string, x: NDArray, n: number, boundary: StftOptions["boundary"]): NDArray {
  const widths = x.shape.map((_, i) => i === x.ndim - 1 ? [n, n] as const : [0, 0] as const);
  switch (boundary) {
    case null:
      return x;
    case "zeros":
      return pad(x, widths);
    case "constant":
      return pad(x, widths, "edge");
    case "even":
    case "odd":
      break;
    default:
      throw new TypeError(
        `${op}: boundary is ${describeValue(boundary)}, but must be "zeros", "even", "odd", ` +
          '"constant" or null',
      );
  }
  const even = pad(x, widths, "reflect");
  if (boundary === "even" || n === 0) return even;
  // Turned by half about the ends.
  const length = x.shape.at(-1)!;
  const all = x.shape.slice(0, -1).map(() => 0);
  const piece = (y: NDArray, start: number, stop: number): NDArray =>
    y.slice([...all, start], [...y.shape.slice(0, -1), stop]);
  const [front, back] = [piece(x, 0, 1), piece(x, length - 1, length)];
  return concatenate([
    front.mul(2).sub(piece(even, 0, n)),
    x,
    back.mul(2).sub(piece(even, n + length, 2 * n + length)),
  ], -1);
}

/**
 * Transforms of the segments of a signal, as `jax.scipy.signal.stft`: by when and by how often. `istft` is the
 * inverse.
 *
 * @param x The signal, of real numbers, along the last axis or `options.axis`.
 * @returns The frequencies `[n]`, the times `[m]` of the middles of segments, and complex numbers
 * `[..., n, m]` with the frequencies where the axis of the signal was.
 * @throws {RangeError} as {@linkcode welch}.
 * @throws {ShapeError} as {@linkcode welch}.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { istft, stft } from "@injax/injax/signal";
 *
 * const x = np.array([1, 2, 3, 2, 1, 0, 1, 2]);
 * const [frequencies, times, z] = stft(x, { nperseg: 4 });
 * console.log(frequencies.toArray(), times.toArray()); // [ 0, 0.25, 0.5 ] [ 0, 2, 4, 6, 8 ]
 * console.log(istft(z)[1].round().toArray()); // [ 1, 2, 3, 2, 1, 0, 1, 2 ]
 * ```
 */
export function stft(
  x: NDArray,
  options: StftOptions = {},
): [frequencies: NDArray, times: NDArray, z: Complex] {
  const op = "stft";
  if (arguments.length > 1) options = readOptions("stft(x, options)", arguments, stftOptions);
  const { fs = 1, detrend = false, returnOnesided: onesided = true } = options;
  const { boundary = "zeros", padded = true } = options;
  const given = last(op, x, options.axis ?? -1, "x");
  const axis = expectAxis(op, options.axis ?? -1, given.ndim);
  const segments = segmentsOf(op, options, given.shape.at(-1)!, given.dtype);
  const { nperseg, step } = segments;
  let a = extended(op, given, Math.floor(nperseg / 2), boundary);
  const behind = (step - (a.shape.at(-1)! - nperseg) % step) % step;
  if (padded && behind > 0) {
    a = pad(a, [...a.shape.slice(1).map(() => [0, 0] as const), [0, behind]]);
  }
  const scale = scaleOf(op, "spectrum", segments, fs).sqrt();
  const z = onParts(
    transformsOf(op, a, segments, detrend, onesided),
    (part) => moveaxis(part.mul(scale), -1, axis),
  );
  const first = boundary === null ? nperseg / 2 : 0;
  const times = iota([countOf(segments, a.shape.at(-1)!)], 0, a.dtype).mul(step).add(first);
  return [
    frequenciesOf(segments, options, a),
    times.div(fs),
    z,
  ];
}

/**
 * Signals from the transforms of their segments, as in `jax.scipy.signal`.
 *
 * @module
 */
import {
  expectInteger,
  type NDArray,
  type OptionTable,
  readOptions,
  ShapeError,
  tableOf,
} from "../../core/mod.ts";
import { onParts } from "../../linalg/fourier.ts";
import { iota } from "../../primitives/mod.ts";
import { asComplex, type Complex } from "../complex.ts";
import { zeros } from "../creation.ts";
import { ifft, irfft } from "../fourier.ts";
import { where } from "../logic.ts";
import { expectAxis, expectOperand } from "../operands.ts";
import { updateAt } from "../set_at.ts";
import { broadcastTo, moveaxis } from "../shaping.ts";
import {
  checkSegments,
  lengthOfWindow,
  positionsOf,
  type SegmentsOptions,
  segmentsOptions,
  windowOf,
} from "./segments.ts";

/** Options of {@linkcode istft}. */
export interface IstftOptions extends SegmentsOptions {
  /** Whether frequencies below 0 are left out, as `stft` does; true where left out. */
  readonly inputOnesided?: boolean | undefined;
  /** Whether the signal was extended by half a segment at both ends; true where left out. */
  readonly boundary?: boolean | undefined;
  /** The axis of the segments, the last one where left out. */
  readonly timeAxis?: number | undefined;
  /** The axis of the frequencies, the last but one where left out. */
  readonly freqAxis?: number | undefined;
}

const istftOptions: OptionTable<IstftOptions> = /* @__PURE__ */ tableOf(segmentsOptions, {
  inputOnesided: "boolean",
  boundary: "boolean",
  timeAxis: "number",
  freqAxis: "number",
});

/** Weights of segments that add up to less than this are those of no segment. */
const NOTHING = 1e-10;

/**
 * The signal of which these are the transforms of segments, as `jax.scipy.signal.istft`: the inverse of
 * {@linkcode stft} where segments overlap enough.
 *
 * @param z Complex numbers `[..., frequencies, segments]`, or with the axes that the options name.
 * @returns The times `[n]` and the signal `[..., n]`: real numbers, or complex ones where `inputOnesided` is
 * false.
 * @throws {ShapeError} where there are not two axes, or a window is not as long as a segment.
 * @throws {RangeError} where segments are longer than their transforms, or overlap wholly.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { istft, stft } from "@injax/injax/signal";
 *
 * const [, , z] = stft(np.ones([8]), { nperseg: 4, fs: 2 });
 * const [times, x] = istft(z, { fs: 2 });
 * console.log(times.at(-1).item(), x.round().toArray()); // 3.5 [ 1, 1, 1, 1, 1, 1, 1, 1 ]
 * ```
 */
export function istft(
  z: Complex,
  options: IstftOptions & { readonly inputOnesided: false },
): [times: NDArray, x: Complex];
/** Of transforms without frequencies below 0. */
export function istft(z: Complex, options?: IstftOptions): [times: NDArray, x: NDArray];
export function istft(
  z: Complex,
  options: IstftOptions = {},
): [times: NDArray, x: NDArray | Complex] {
  const op = "istft";
  if (arguments.length > 1) options = readOptions("istft(z, options)", arguments, istftOptions);
  const { inputOnesided: onesided = true, boundary = true, fs = 1, window = "hann" } = options;
  expectOperand(op, fs, "fs");
  const given = asComplex(op, z);
  const rank = given.re.ndim;
  if (rank < 2) {
    throw new ShapeError(
      `${op}: z has ${rank} axes, but needs one of frequencies and one of segments`,
    );
  }
  const time = expectAxis(op, options.timeAxis ?? -1, rank, "timeAxis");
  const frequency = expectAxis(op, options.freqAxis ?? -2, rank, "freqAxis");
  if (time === frequency) {
    throw new ShapeError(`${op}: timeAxis and freqAxis are both ${time}, but must differ`);
  }
  const parts = onParts(given, (x) => moveaxis(x, [time, frequency], [-2, -1]));
  const [count, n] = parts.re.shape.slice(-2) as [number, number];
  const usual = onesided ? 2 * (n - 1) : n;
  const nperseg = options.nperseg ?? lengthOfWindow(window) ?? usual;
  expectInteger(op, nperseg, "nperseg", 1);
  // Of an odd length there are as many frequencies as of the even one below.
  const nfft = options.nfft ?? (onesided && nperseg === usual + 1 ? nperseg : usual);
  const noverlap = options.noverlap ?? Math.floor(nperseg / 2);
  checkSegments(op, nperseg, noverlap, nfft);
  const step = nperseg - noverlap;
  const weights = windowOf(op, window, nperseg, parts.re.dtype);
  const segments = { window: weights, nperseg, step, nfft };
  const places = positionsOf(segments, count);
  const length = nperseg + (count - 1) * step;
  // Segments [..., count, nperseg] added up where they overlap.
  const joined = (x: NDArray): NDArray =>
    updateAt(zeros([...x.shape.slice(0, -2), length], { dtype: x.dtype }), "...", places).add(x);
  const overlap = joined(broadcastTo(weights.mul(weights), [count, nperseg]));
  const cut = boundary ? Math.floor(nperseg / 2) : 0;
  const within = (x: NDArray): NDArray =>
    x.slice([...x.shape.slice(0, -1).map(() => 0), cut], [...x.shape.slice(0, -1), length - cut]);
  const factor = weights.mul(weights.sum());
  const signal = (x: NDArray): NDArray => {
    const inner = x.slice(x.shape.map(() => 0), [...x.shape.slice(0, -1), nperseg]);
    const sum = within(joined(inner.mul(factor)));
    const norm = within(overlap);
    const out = sum.div(where(norm.greater(NOTHING), norm, 1));
    return moveaxis(out, -1, frequency < time ? time - 1 : time);
  };
  const inverse = { n: nfft };
  const x = onesided ? signal(irfft(parts, inverse)) : onParts(ifft(parts, inverse), signal);
  const times = iota([length - 2 * cut], 0, parts.re.dtype);
  return [times.div(fs), x];
}

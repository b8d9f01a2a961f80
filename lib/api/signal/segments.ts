/**
 * What spectra of segments share: windows, how segments lie in a signal, and their transforms.
 *
 * @module
 */
import {
  describeValue,
  type DType,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  ShapeError,
} from "../../core/mod.ts";
import { convert, slice } from "../../primitives/mod.ts";
import { array } from "../array.ts";
import type { Complex } from "../complex.ts";
import { fft, rfft } from "../fourier.ts";
import { take } from "../indexing.ts";
import { expectArray, expectOperand } from "../operands.ts";
import { bartlett, blackman, hamming, hanning } from "../signals.ts";
import { detrend, type DetrendOptions } from "./detrend.ts";

/**
 * What segments are multiplied by: a vector as long as they are, or a window by name, of which the sample that
 * would begin the next period is left out. `"boxcar"` is 1 everywhere.
 */
export type Window = "hann" | "hamming" | "blackman" | "bartlett" | "boxcar" | NDArray;

/** Options of segments. */
export interface SegmentsOptions {
  /** The sampling frequency, whose unit the frequencies have; 1 where left out. */
  readonly fs?: Operand | undefined;
  /** What segments are multiplied by; `"hann"` where left out. */
  readonly window?: Window | undefined;
  /** The length of a segment: 256, or that of a shorter signal, or of a window, where left out. */
  readonly nperseg?: number | null | undefined;
  /** How many elements a segment shares with the next one; half where left out. */
  readonly noverlap?: number | null | undefined;
  /** The length of the transforms; zeros are put behind shorter segments. */
  readonly nfft?: number | null | undefined;
}

/** What the options hold. */
export const segmentsOptions: OptionTable<SegmentsOptions> = {
  fs: "operand",
  // By name, or an array.
  window: "object",
  nperseg: "number",
  noverlap: "number",
  nfft: "number",
};

/** What is taken off each segment: its mean, a straight line, nothing, or what a function leaves of it. */
export type Detrending = NonNullable<DetrendOptions["type"]> | false | ((x: NDArray) => NDArray);

const windows: Readonly<Record<string, (n: number, dtype: DType) => NDArray>> = {
  hann: (n, dtype) => hanning(n, { dtype }),
  hamming: (n, dtype) => hamming(n, { dtype }),
  blackman: (n, dtype) => blackman(n, { dtype }),
  bartlett: (n, dtype) => bartlett(n, { dtype }),
  boxcar: (n, dtype) => array(new Array(n).fill(1), { dtype }),
};

/** How segments lie. */
export interface Segments {
  /** What they are multiplied by, `[nperseg]`. */
  readonly window: NDArray;
  /** Their length. */
  readonly nperseg: number;
  /** From one to the next. */
  readonly step: number;
  /** The length of their transforms. */
  readonly nfft: number;
}

/** The length of segments where none is asked for. */
const USUAL = 256;

/** A window of `n` samples, or the one given. */
export function windowOf(op: string, window: unknown, n: number, dtype: DType): NDArray {
  if (typeof window === "string") {
    const make = windows[window];
    if (make !== undefined) return slice(make(n + 1, dtype), [0], [n]);
    throw new TypeError(
      `${op}: there is no window ${describeValue(window)}, but ${
        Object.keys(windows).map((name) => `"${name}"`).join(", ")
      }. Others can be given as arrays`,
    );
  }
  const given = convert(expectArray(op, window, "window"), dtype);
  if (given.ndim === 1 && given.shape[0] === n) return given;
  throw new ShapeError(
    `${op}: window has shape ${formatShape(given.shape)}, but must be a vector as long as a ` +
      `segment, which has ${n} elements`,
  );
}

/** The length that a window given as an array asks for. */
export function lengthOfWindow(window: unknown): number | undefined {
  return typeof window === "object" && window !== null && "shape" in window
    ? (window as NDArray).shape[0]
    : undefined;
}

/** Checks that transforms are not shorter than segments, which lie apart. */
export function checkSegments(op: string, nperseg: number, noverlap: number, nfft: number): void {
  expectInteger(op, nperseg, "nperseg", 1);
  expectInteger(op, noverlap, "noverlap", 0);
  expectInteger(op, nfft, "nfft", 1);
  if (nfft < nperseg) {
    throw new RangeError(
      `${op}: nfft is ${nfft}, but must be at least nperseg, which is ${nperseg}`,
    );
  }
  if (noverlap >= nperseg) {
    throw new RangeError(
      `${op}: noverlap is ${noverlap}, but must be less than nperseg, which is ${nperseg}`,
    );
  }
}

/** How segments lie in a signal of `length` elements. */
export function segmentsOf(
  op: string,
  options: SegmentsOptions,
  length: number,
  dtype: DType,
): Segments {
  const { window = "hann", fs = 1 } = options;
  expectOperand(op, fs, "fs");
  const asked = options.nperseg ?? lengthOfWindow(window);
  const nperseg = typeof window === "string" ? Math.min(asked ?? USUAL, length) : asked ?? length;
  const noverlap = options.noverlap ?? Math.floor(nperseg / 2);
  const nfft = options.nfft ?? nperseg;
  checkSegments(op, nperseg, noverlap, nfft);
  if (nperseg > length) {
    throw new ShapeError(
      `${op}: segments have ${nperseg} elements, but the signal has ${length} along the axis`,
    );
  }
  return { window: windowOf(op, window, nperseg, dtype), nperseg, step: nperseg - noverlap, nfft };
}

/** Positions `[count, nperseg]` of the elements of segments. */
export function positionsOf({ nperseg, step }: Segments, count: number): NDArray {
  return array(
    Array.from(
      { length: count },
      (_, s) => Array.from({ length: nperseg }, (_, i) => s * step + i),
    ),
    { dtype: "int32" },
  );
}

/** How many segments a signal has. */
export function countOf({ nperseg, step }: Segments, length: number): number {
  return Math.floor((length - nperseg) / step) + 1;
}

function detrended(op: string, x: NDArray, how: unknown): NDArray {
  if (how === false || how === null) return x;
  if (typeof how === "function") return expectArray(op, how(x), "what detrend gives");
  if (how === "linear" || how === "constant") return detrend(x, -1, { type: how });
  throw new TypeError(
    `${op}: detrend is ${
      describeValue(how)
    }, but must be "constant", "linear", false or a function`,
  );
}

/** The transforms `[..., segments, frequencies]` of the segments of the last axis. */
export function transformsOf(
  op: string,
  x: NDArray,
  segments: Segments,
  how: Detrending,
  onesided: boolean,
): Complex {
  const at = positionsOf(segments, countOf(segments, x.shape.at(-1)!));
  const parts = detrended(op, take(x, at, x.ndim - 1), how).mul(segments.window);
  const options = { n: segments.nfft };
  return onesided ? rfft(parts, options) : fft(parts, options);
}

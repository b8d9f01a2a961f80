/**
 * Signals: convolutions of arrays with any number of axes, trends, and spectra, as `jax.scipy.signal`.
 * Complex numbers are pairs `{ re, im }` of arrays, as in `./fft`. Windows are in `numpy`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { welch } from "@injax/injax/signal";
 *
 * // 50 oscillations in a second, measured 1,000 times.
 * const x = np.sin(np.arange(1000).mul(2 * Math.PI * 50 / 1000));
 * const [frequencies, power] = welch(x, { fs: 1000, nperseg: 200 });
 * console.log(frequencies.at(np.argmax(power)).item()); // 50
 * ```
 *
 * @module
 */
import "./methods.ts";

export type { Axes, NDArray, Operand } from "../core/array.ts";
export type { Named } from "../core/method_options.ts";
export type { Complex } from "./complex.ts";
export type { ConvolveMode } from "./signals.ts";
export * from "./signal/convolutions.ts";
export * from "./signal/detrend.ts";
export type { Detrending, SegmentsOptions, Window } from "./signal/segments.ts";
export * from "./signal/spectra.ts";
export * from "./signal/inverse.ts";

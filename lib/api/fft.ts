/**
 * Discrete Fourier transforms, as `jax.numpy.fft`. Complex numbers are pairs `{ re, im }` of arrays, since
 * there is no complex dtype; results are such pairs, and arguments may be.
 *
 * Transforms of complex numbers are in `fourier.ts`, those of real ones in `real_fourier.ts`, and
 * frequencies and shifts in `frequencies.ts`.
 *
 * @module
 */
import "./methods.ts";

export type { Named } from "../core/method_options.ts";
export type { Complex } from "./complex.ts";
export * from "./fourier.ts";
export type { FftnOptions, FftOptions, NormOptions } from "./fourier_options.ts";
export * from "./frequencies.ts";
export * from "./real_fourier.ts";

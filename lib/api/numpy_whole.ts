/**
 * The namespace `numpy` of the main module: `numpy.ts` with `linalg` and `fft` in it, as NumPy has them. The
 * fast start of `essentials.ts` is without these two.
 *
 * @module
 */
export * from "./numpy.ts";
export * as fft from "./fft.ts";
export * as linalg from "./linalg.ts";

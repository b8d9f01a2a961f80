/**
 * Discrete Fourier transforms, as `jax.numpy.fft`, and cosine transforms, as `jax.scipy.fft`. Complex numbers are
 * pairs `{ re, im }` of arrays, since there is no complex dtype; results are such pairs, and arguments may be.
 *
 * @module
 */
export * from "./fft.ts";
export * from "./cosine.ts";

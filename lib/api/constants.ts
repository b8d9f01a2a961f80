/**
 * Constants of mathematics, and names of dtypes that are read as they are in NumPy.
 *
 * @module
 */

/** The ratio of a circle's circumference to its diameter, as `jax.numpy.pi`. */
export const pi: number = Math.PI;

/** Euler's number, the base of natural logarithms, as `jax.numpy.e`. */
export const e: number = Math.E;

/** Euler's constant, the limit of harmonic numbers less logarithms, as `jax.numpy.euler_gamma`. */
export const eulerGamma: number = 0.5772156649015329;

/** Infinity, as `jax.numpy.inf`. */
export const inf: number = Infinity;

/** Not a number, as `jax.numpy.nan`. */
export const nan: number = NaN;

/** No value: where NumPy writes `np.newaxis`, `null` stands; axes are made by `np.expandDims`. */
export const newaxis: null = null;

/** The dtype `"float32"`: 32-bit floats, which is what arrays have where nothing else is said. */
export const float32 = "float32" as const;

/** The dtype `"float64"`: 64-bit floats, which are JavaScript's numbers. */
export const float64 = "float64" as const;

/** The dtype `"int32"`: integers from -2^31 to 2^31 - 1. */
export const int32 = "int32" as const;

/** The dtype `"uint32"`: integers from 0 to 2^32 - 1. */
export const uint32 = "uint32" as const;

/** The dtype `"bool"`. */
export const bool = "bool" as const;

/** The dtype `"bool"`, under the name that NumPy has long had for it. */
export const bool_ = "bool" as const;

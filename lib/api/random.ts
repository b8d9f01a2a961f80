/**
 * Random numbers, as `jax.random`: keys and bits from `keys.ts`, distributions from `distributions.ts`.
 *
 * @module
 */
export { bits, foldIn, key, split } from "./keys.ts";
export {
  bernoulli,
  categorical,
  type CategoricalOptions,
  exponential,
  gumbel,
  normal,
  permutation,
  randint,
  truncatedNormal,
  uniform,
  type UniformOptions,
} from "./distributions.ts";

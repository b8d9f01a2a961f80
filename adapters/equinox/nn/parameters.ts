/**
 * How layers make their parameters.
 *
 * @module
 */
import { describeValue } from "../../../lib/extend.ts";
import { type DType, type NDArray, random, ShapeError, StateError } from "../../../mod.ts";

/** Draws from the uniform distribution on [-limit, limit), as layers do that are not told otherwise. */
export function uniformInit(
  key: NDArray,
  shape: readonly number[],
  limit: number,
  dtype: DType,
): NDArray {
  return random.uniform(key, shape, { minval: -limit, maxval: limit, dtype: dtype as "float32" });
}

/** Splits the key that a layer was given. */
export function keysOf(op: string, key: NDArray | undefined, n: number): NDArray[] {
  if (key === undefined) {
    throw new StateError(
      `${op}: initial parameters are random, so a key is needed. Write { key: random.key(0) }`,
    );
  }
  const keys = random.split(key, n);
  return Array.from({ length: n }, (_, i) => keys.at(i));
}

/** Checks a size. */
export function checkSize(op: string, what: string, size: unknown, least = 1): void {
  if (Number.isInteger(size) && (size as number) >= least) return;
  throw new ShapeError(
    `${op}: ${what} must be an integer from ${least} on, not ${
      typeof size === "number" ? size : describeValue(size)
    }`,
  );
}

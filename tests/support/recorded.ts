/**
 * Values recorded from JAX as arrays.
 *
 * @module
 */
import type { NDArray } from "../../lib/core/array.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { type DType, epsilon, shaped } from "../../lib/core/dtype.ts";
import { difference, make, ulps } from "./arrays.ts";

/** An array as `record.py` writes it. */
export interface Recorded {
  /** Element type. */
  readonly dtype: string;
  /** Shape. */
  readonly shape: readonly number[];
  /** Elements, row by row; what JSON has no number for is a string. */
  readonly data: readonly (number | string)[];
}

/** The array. */
export function load({ dtype, shape, data }: Recorded): ConcreteArray {
  return make(shaped(shape, dtype as DType), data.map(Number));
}

/** A case of `structure.json`: what an operation gave for inputs and parameters. */
export interface StructureCase<P> {
  /** The operation, in the list. */
  readonly op: string;
  /** Its inputs by name. */
  readonly inputs: Readonly<Record<string, Recorded>>;
  /** The order of the inputs. */
  readonly order: readonly string[];
  /** What is not an array. */
  readonly params: P;
  /** What it gave. */
  readonly outputs: readonly Recorded[];
}

/** Asserts that an array is the recorded one within `count` rounding errors of its largest element. */
export function assertRecorded(
  what: string,
  actual: NDArray,
  recorded: Recorded,
  count: number,
): void {
  const expected = load(recorded);
  const problem = difference(actual, expected, ulps(expected, count));
  if (problem !== null) throw new Error(`${what}: ${problem}`);
}

/**
 * Asserts that each element is the recorded one within `count` of its own rounding errors, or within
 * `absolute`.
 */
export function assertEach(
  what: string,
  actual: NDArray,
  recorded: Recorded,
  count: number,
  absolute = 0,
): void {
  const expected = load(recorded);
  const eps = epsilon(expected.dtype);
  const problem = difference(
    actual,
    expected,
    (_, e) => Math.max(absolute, count * eps * Math.abs(e)),
  );
  if (problem !== null) throw new Error(`${what}: ${problem}`);
}

/**
 * Random words from keys: what `keys.ts` makes keys of and `draws.ts` numbers.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { formatAval, sizeOf } from "../core/aval.ts";
import { scalarArray } from "../core/concrete.ts";
import { describeValue } from "../core/errors.ts";
import { iota } from "../primitives/constants/iota.ts";
import { xor } from "../primitives/elementwise/compare.ts";
import { threefry2x32 } from "../primitives/random/threefry.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { expectRoom } from "./operands.ts";

const WORD = 2 ** 32;

/**
 * Checks that a value is a key.
 *
 * @throws {TypeError} saying what it is instead.
 */
export function expectKey(op: string, key: unknown): asserts key is NDArray {
  if (!(key instanceof NDArray)) {
    throw new TypeError(
      `${op}: the key is ${describeValue(key)}, not a key. Make one with random.key(seed)`,
    );
  }
  if (key.dtype !== "uint32" || key.ndim !== 1 || key.shape[0] !== 2) {
    const several = key.dtype === "uint32" && key.ndim > 1 && key.shape.at(-1) === 2;
    throw new TypeError(
      `${op}: the key is ${formatAval(key.aval)}, not uint32[2]. ${
        several
          ? "Take one of these keys with keys.at(i), or map over them with vmap"
          : "Make a key with random.key(seed), and further ones with random.split"
      }`,
    );
  }
}

/**
 * A key in two halves: scalars, or arrays of one shape for a key in each lane.
 */
export type Halves = readonly [NDArray, NDArray];

/**
 * The halves of a key that a user gave, as scalars.
 *
 * @throws {TypeError} where it is no key.
 */
export function halves(op: string, key: NDArray): Halves {
  expectKey(op, key);
  return [reshape(slice(key, [0], [1]), []), reshape(slice(key, [1], [2]), [])];
}

/** The first `num` keys of a key, which are those of `split` whatever number that is asked for. */
export function subkeys([k0, k1]: Halves, num: number): Halves[] {
  const zero = scalarArray(0, "uint32");
  return Array.from(
    { length: num },
    (_, i) => threefry2x32(k0, k1, zero, scalarArray(i, "uint32")),
  );
}

/** Both words of the hashes of 0, 1, ..., n - 1 under a key: 64 random bits for each. */
export function words(op: string, [k0, k1]: Halves, n: number): [NDArray, NDArray] {
  if (n > WORD) {
    throw new RangeError(`${op}: ${n} numbers are more than one key gives here, 2^32`);
  }
  expectRoom(op, [n], "uint32");
  return threefry2x32(k0, k1, scalarArray(0, "uint32"), iota([n], 0, "uint32"));
}

/** 32 random bits for each element of a shape. */
export function bits32(op: string, key: Halves, shape: readonly number[]): NDArray {
  expectRoom(op, shape, "uint32");
  const [high, low] = words(op, key, sizeOf(shape));
  return reshape(xor(high, low), shape);
}

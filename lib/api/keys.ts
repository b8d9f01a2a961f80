/**
 * Keys of the random number generator and the bits drawn from them: JAX's threefry2x32 with
 * `jax_threefry_partitionable`, bit for bit. Distributions are in `distributions.ts`.
 *
 * A key is a uint32 array of shape [2]. Nothing is stored: the same key gives the same numbers, and
 * new keys come from `split` and `foldIn`. All functions can be traced, and mapped over keys by vmap.
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  checkCall,
  ConcreteArray,
  describeValue,
  DTypeError,
  formatAval,
  integerAdvice,
  isInteger,
  NDArray,
  type Operand,
  readOptions,
  scalarArray,
  shaped,
  ShapeError,
  sizeOf,
} from "../core/mod.ts";
import { concatenate, convert, full, reshape } from "../primitives/mod.ts";
import { threefry2x32 } from "../primitives/random/threefry.ts";
import type { DTypeOptions, ShapeLike } from "./arguments.ts";
import { bits32, halves, words } from "./draws.ts";
import { dtypeOption, expectRoom, expectShape, isNamed } from "./operands.ts";
import { dtypeOptions } from "./options.ts";

/** A whole number modulo 2^32, as a uint32 scalar. */
function wordOf(op: string, what: string, value: Operand): NDArray {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(
        `${op}: ${what} must be an integer of at most 53 bits, of which the lowest 32 count, not ${value}`,
      );
    }
    return scalarArray(value >>> 0, "uint32");
  }
  if (!(value instanceof NDArray)) {
    throw new TypeError(`${op}: ${what} must be an integer, not ${describeValue(value)}`);
  }
  if (!isInteger(value.dtype)) {
    throw new DTypeError(
      `${op}: ${what} must be an integer scalar, but is ${
        formatAval(value.aval)
      }. ${integerAdvice}`,
    );
  }
  if (value.ndim !== 0) {
    throw new ShapeError(
      `${op}: ${what} must be an integer scalar, but is ${
        formatAval(value.aval)
      }. For several keys at once use vmap`,
    );
  }
  return convert(value, "uint32");
}

/**
 * The key that a seed stands for, as `jax.random.key` without 64-bit integers: a uint32 array of shape
 * [2], of which the second element is the seed modulo 2^32.
 *
 * @throws {RangeError} where the seed is not an integer of at most 53 bits.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * const keys = random.split(random.key(42));
 * console.log(random.normal(keys.at(0), [2]).shape); // [ 2 ]
 * console.log(random.key(42).toArray()); // [ 0, 42 ]
 * ```
 */
export function key(seed: Operand): NDArray {
  if (arguments.length > 1) checkCall("key(seed)", arguments);
  if (typeof seed === "number" && Number.isSafeInteger(seed)) {
    return ConcreteArray.fromHost(shaped([2], "uint32"), Uint32Array.of(0, seed >>> 0));
  }
  const low = wordOf("key", "the seed", seed);
  return concatenate([full([1], 0, "uint32"), reshape(low, [1])], 0);
}

/**
 * New keys from a key, as `jax.random.split`: `num` of them, as rows of an array of shape `[num, 2]`; with
 * a shape, of shape `[...num, 2]`. Take them out with `at`, or map over them with `vmap`. The old key
 * should not be used any more.
 *
 * @throws {TypeError} where `key` is not a key.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * const keys = random.split(random.key(0), 3);
 * console.log(keys.shape, keys.at(1).shape); // [ 3, 2 ] [ 2 ]
 * ```
 */
export function split(
  key: NDArray,
  num: ShapeLike | Named<unknown, { num: ShapeLike }> = 2,
): NDArray {
  if (arguments.length > 2 || isNamed(num)) checkCall("split(key, num)", arguments, {}, 1);
  if (isNamed(num)) return split(key, num.num);
  const shape = expectShape("split", num);
  expectRoom("split", [...shape, 2], "uint32");
  const n = sizeOf(shape);
  const pair = words("split", halves("split", key), n).map((w) => reshape(w, [n, 1]));
  return reshape(concatenate(pair, 1), [...shape, 2]);
}

/**
 * A key from a key and a number, such as the step of a loop, as `jax.random.fold_in`.
 *
 * @param data An integer, taken modulo 2^32; it may be computed.
 * @throws {TypeError} where `key` is not a key, or `data` not an integer.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.foldIn(random.key(0), 7).shape); // [ 2 ]
 * ```
 */
export function foldIn(key: NDArray, data: Operand): NDArray {
  if (arguments.length > 2) checkCall("foldIn(key, data)", arguments);
  const [k0, k1] = halves("foldIn", key);
  const low = wordOf("foldIn", "the data", data);
  return concatenate(
    threefry2x32(k0, k1, scalarArray(0, "uint32"), low).map((w) => reshape(w, [1])),
    0,
  );
}

/**
 * Random bits, as `jax.random.bits`: a uint32 array, which is the only dtype of bits here.
 *
 * @throws {TypeError} where `key` is not a key.
 * @throws {DTypeError} where another dtype is asked for.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.bits(random.key(0), [3]).dtype); // uint32
 * ```
 */
export function bits(
  key: NDArray,
  shape: ShapeLike | Named<DTypeOptions, { shape: ShapeLike }> = [],
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("bits(key, shape, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(shape)) return bits(key, shape.shape, shape);
  const dtype = dtypeOption("bits", options, "uint32");
  if (dtype !== "uint32") {
    throw new DTypeError(
      `bits: the dtype must be uint32, not ${dtype}. For other integers take randint`,
    );
  }
  return bits32("bits", halves("bits", key), expectShape("bits", shape));
}

// ---------------------------------------------------------------- keys as they are elsewhere

/** One key or several: their words along the last axis. */
function keysGiven(op: string, what: string, keys: unknown): NDArray {
  if (keys instanceof NDArray && keys.dtype === "uint32" && keys.shape.at(-1) === 2) return keys;
  throw new TypeError(
    `${op}: ${what} must be uint32 of shape [..., 2], not ${
      keys instanceof NDArray ? formatAval(keys.aval) : describeValue(keys)
    }. Make a key with random.key(seed)`,
  );
}

/**
 * The words of keys, as `jax.random.key_data`: keys are their words here, so these are the keys
 * themselves. With {@linkcode wrapKeyData} it lets programs be moved here that have both.
 *
 * @throws {TypeError} where they are no keys.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.keyData(random.key(42)).toArray()); // [ 0, 42 ]
 * ```
 */
export function keyData(keys: NDArray): NDArray {
  if (arguments.length > 1) checkCall("keyData(keys)", arguments);
  return keysGiven("keyData", "keys", keys);
}

/**
 * Keys of words, uint32 of shape `[..., 2]`, as `jax.random.wrap_key_data`.
 *
 * @throws {TypeError} where they cannot be those of keys.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * const key = random.wrapKeyData(np.array([0, 42], { dtype: "uint32" }));
 * console.log(random.bits(key).item() === random.bits(random.key(42)).item()); // true
 * ```
 */
export function wrapKeyData(words: NDArray): NDArray {
  if (arguments.length > 1) checkCall("wrapKeyData(words)", arguments);
  return keysGiven("wrapKeyData", "words", words);
}

/**
 * The same keys again, as `jax.random.clone`: says that a key is meant to be used twice.
 *
 * @throws {TypeError} where they are no keys.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * const key = random.key(7);
 * console.log(random.bits(key).item() === random.bits(random.clone(key)).item()); // true
 * ```
 */
export function clone(keys: NDArray): NDArray {
  if (arguments.length > 1) checkCall("clone(keys)", arguments);
  return keysGiven("clone", "keys", keys);
}

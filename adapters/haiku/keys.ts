/**
 * Random keys of transformed functions.
 *
 * @module
 */
import { checkCall, describeValue, expectInteger } from "../../lib/extend.ts";
import { type KeyStream, NDArray, numpy as np, random, StateError } from "../../mod.ts";
import { protocol, stream } from "./context.ts";

/**
 * A fresh random key, uint32 [2], or `null` where the context was given none.
 *
 * @throws {StateError} outside of a transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const dropout = hk.transform((x: NDArray) => {
 *   const key = hk.maybeNextRngKey();
 *   return key === null ? x : x.mul(random.bernoulli(key, 0.5, x.shape)).mul(2);
 * });
 * console.log(dropout.apply({}, null, np.ones([3])).toArray()); // [ 1, 1, 1 ]
 * console.log(dropout.apply({}, random.key(0), np.ones([3])).toArray()); // [ 0, 2, 2 ]
 * ```
 */
export function maybeNextRngKey(): NDArray | null {
  if (arguments.length > 0) checkCall("hk.maybeNextRngKey()", arguments);
  const drawn = protocol.need("hk.nextRngKey").draw(stream) as KeyStream | undefined;
  return drawn === undefined ? null : random.foldIn(drawn.key, drawn.count);
}

/**
 * A fresh random key, uint32 [2]: another at each call, and the same ones for the same key of
 * `init` or `apply`.
 *
 * @throws {StateError} where `init` or `apply` was given no key; outside of a transformed function,
 * and inside a pure transform.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const noise = hk.transform(() => random.normal(hk.nextRngKey(), [3]));
 * const draw = (seed: number) => noise.apply({}, random.key(seed));
 * console.log(np.allClose(draw(1), draw(1)).item()); // 1
 * console.log(np.allClose(draw(1), draw(2)).item()); // 0
 * ```
 */
export function nextRngKey(): NDArray {
  if (arguments.length > 0) checkCall("hk.nextRngKey()", arguments);
  const key = maybeNextRngKey();
  if (key === null) {
    throw new StateError(
      "hk.nextRngKey: no random key: pass one, random.key(seed), to init or apply instead of null",
    );
  }
  return key;
}

/**
 * Several fresh random keys, uint32 [`count`, 2].
 *
 * @throws {StateError} where `init` or `apply` was given no key; outside of a transformed function,
 * and inside a pure transform.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const keys = hk.transform(() => hk.nextRngKeys(3));
 * console.log(keys.apply({}, random.key(0)).shape); // [ 3, 2 ]
 * ```
 */
export function nextRngKeys(count: number): NDArray {
  if (arguments.length > 1) checkCall("hk.nextRngKeys(count)", arguments);
  expectInteger("hk.nextRngKeys", count, "the count", 0, 2 ** 20);
  if (count === 0) return np.zeros([0, 2], { dtype: "uint32" });
  return np.stack(Array.from({ length: count }, () => nextRngKey()));
}

/** Whether a value is a key. */
export function isKey(key: unknown): key is NDArray {
  return key instanceof NDArray && key.dtype === "uint32" && key.ndim === 1 && key.shape[0] === 2;
}

/**
 * Runs `f` with keys drawn from `key`, in place of that of `init` or `apply`, whose sequence is what it
 * was afterwards. Initial parameters are drawn by their names from the key of `init`, where it was
 * given one.
 *
 * @throws {StateError} where the key is none; outside of a transformed function, and inside a pure
 * transform.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const noise = hk.transform(() => hk.withRng(random.key(42), () => random.normal(hk.nextRngKey(), [])));
 * console.log(noise.apply({}, null).item() === noise.apply({}, random.key(7)).item()); // true
 * ```
 */
export function withRng<R>(key: NDArray, f: () => R): R {
  if (arguments.length > 2) checkCall("hk.withRng(key, f)", arguments);
  const context = protocol.need("hk.withRng");
  if (!isKey(key) || typeof f !== "function") {
    throw new StateError(
      `hk.withRng: expected random.key(seed) and a function, not ${
        describeValue(isKey(key) ? f : key)
      }`,
    );
  }
  return context.withStream(stream, { key, count: 0 }, f);
}

/** Where a sequence of keys is: the key that it is drawn from, and how many were drawn. */
export type RngSequenceState = KeyStream;

/**
 * Where the sequence of random keys is, or `null` where the context was given none. For
 * `replaceRngSequenceState`.
 *
 * @throws {StateError} outside of a transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform(() => {
 *   const before = hk.maybeGetRngSequenceState()!;
 *   const key = hk.nextRngKey();
 *   hk.replaceRngSequenceState(before);
 *   return key.equal(hk.nextRngKey());
 * });
 * console.log(model.apply({}, random.key(0)).toArray()); // [ true, true ]
 * ```
 */
export function maybeGetRngSequenceState(): RngSequenceState | null {
  if (arguments.length > 0) checkCall("hk.maybeGetRngSequenceState()", arguments);
  const context = protocol.need("hk.maybeGetRngSequenceState");
  return (context.peek(stream) as KeyStream | undefined) ?? null;
}

/**
 * Goes on with random keys from where a sequence was. Inside transforms this is an error; there `withRng`
 * does for a part of the code.
 *
 * @throws {StateError} where the state is none; outside of a transformed function, and inside a transform.
 *
 * @example See `maybeGetRngSequenceState`.
 */
export function replaceRngSequenceState(state: RngSequenceState): void {
  if (arguments.length > 1) checkCall("hk.replaceRngSequenceState(state)", arguments);
  const context = protocol.need("hk.replaceRngSequenceState");
  const { key, count } = (state ?? {}) as Partial<KeyStream>;
  if (!isKey(key) || !Number.isInteger(count)) {
    throw new StateError(
      `hk.replaceRngSequenceState: expected what hk.maybeGetRngSequenceState gave, not ${
        describeValue(state)
      }`,
    );
  }
  if (context.peek(stream) === undefined) {
    throw new StateError(
      "hk.replaceRngSequenceState: init or apply was given no key, so that there is no sequence to replace: " +
        "pass one, random.key(seed), or use hk.withRng",
    );
  }
  context.replace(stream, { key, count });
}

/**
 * A sequence of random keys by repeated splitting, to be used anywhere: an iterator without an end.
 *
 * @example
 * ```ts
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const keys = new hk.PRNGSequence(42);
 * console.log(keys.next().value.toArray()); // [ 64467757, 2916123636 ]
 * console.log(keys.take(3).length); // 3
 * ```
 */
export class PRNGSequence implements IterableIterator<NDArray, never> {
  #key: NDArray;
  readonly #subkeys: NDArray[] = [];

  /**
   * A seed, or a key.
   *
   * @throws {StateError} where it is neither.
   */
  constructor(keyOrSeed: NDArray | number) {
    checkCall("new hk.PRNGSequence(keyOrSeed)", arguments);
    const isSeed = Number.isInteger(keyOrSeed) ||
      (keyOrSeed instanceof NDArray && keyOrSeed.ndim === 0 && keyOrSeed.dtype === "int32");
    if (!isSeed && !isKey(keyOrSeed)) {
      throw new StateError(
        `hk.PRNGSequence: expected random.key(seed) or a whole number, not ${
          describeValue(keyOrSeed)
        }`,
      );
    }
    this.#key = isSeed
      ? random.key(typeof keyOrSeed === "number" ? keyOrSeed : Number(keyOrSeed.item()))
      : keyOrSeed as NDArray;
  }

  /** Splits off keys for later, all at once. */
  reserve(count: number): void {
    expectInteger("hk.PRNGSequence.reserve", count, "the count", 0);
    if (count === 0) return;
    const keys = random.split(this.#key, count + 1);
    this.#key = keys.at(0);
    for (let i = 1; i <= count; i++) this.#subkeys.push(keys.at(i));
  }

  /** The next key. */
  next(): IteratorYieldResult<NDArray> {
    if (this.#subkeys.length === 0) this.reserve(1);
    return { done: false, value: this.#subkeys.shift()! };
  }

  /** The next keys. */
  take(count: number): NDArray[] {
    expectInteger("hk.PRNGSequence.take", count, "the count", 0);
    this.reserve(Math.max(0, count - this.#subkeys.length));
    return Array.from({ length: count }, () => this.next().value);
  }

  /** The sequence itself. */
  [Symbol.iterator](): this {
    return this;
  }
}

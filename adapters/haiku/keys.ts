/**
 * Random keys of transformed functions.
 *
 * @module
 */
import { checkCall } from "../../lib/extend.ts";
import { type KeyStream, type NDArray, random, StateError } from "../../mod.ts";
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

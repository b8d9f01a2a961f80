/**
 * Several stateful systems in one computation, lifted by the one engine.
 *
 * @module
 */
import { StateError } from "../core/errors.ts";
import { pure } from "../transforms/pure.ts";
import type { LiftedTransforms } from "../transforms/lifted_types.ts";
import type { Transforms } from "../transforms/types.ts";
import { delegating } from "./delegate.ts";
import { liftAll, type Origin, originOf, registerOrigin } from "./lift.ts";

/**
 * A dictionary for functions that use several stateful systems at once. The arguments must have been
 * made by `liftTransforms` or `compose`. Systems whose context is not open take no part.
 *
 * @throws {StateError} where one of them was not.
 *
 * @example
 * ```ts
 * import { compose, fixedPoint, type NDArray, type Transforms } from "@injax/injax";
 *
 * // A solve in whose function modules of two systems meet.
 * const solve = (f: (x: NDArray) => NDArray, a: Transforms, b: Transforms) =>
 *   fixedPoint(f, 0, { transforms: compose(a, b) }).value;
 * ```
 */
export function compose(...dictionaries: readonly Transforms[]): LiftedTransforms {
  const origins = dictionaries.map((dictionary, i): Origin => {
    const origin = originOf(dictionary);
    if (origin !== undefined) return origin;
    throw new StateError(
      `compose: dictionary ${
        i + 1
      } of ${dictionaries.length} was not made by liftTransforms, so its ` +
        "state cannot be told",
    );
  });
  const systems = [...new Set(origins.flatMap((o) => o.protocols))];
  const strict = origins.some((o) => o.strict);
  const lifted = new Map<string, Transforms>();
  const pick = (): Transforms => {
    const open = systems.map((s) => s.current() !== null);
    if (!open.includes(true)) return pure;
    const key = open.join();
    let dictionary = lifted.get(key);
    if (dictionary === undefined) {
      const used = systems.filter((_, i) => open[i]);
      dictionary = liftAll(used, { strict });
      lifted.set(key, dictionary);
    }
    return dictionary;
  };
  return registerOrigin(delegating<LiftedTransforms>(pick), { protocols: systems, strict });
}

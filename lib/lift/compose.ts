/**
 * Several stateful systems in one computation, lifted by the one engine.
 *
 * @module
 */
import { StateError } from "../core/errors.ts";
import { checkDictionary } from "../transforms/members.ts";
import { pure } from "../transforms/pure.ts";
import type { LiftedTransforms } from "../transforms/lifted_types.ts";
import type { Transforms } from "../transforms/types.ts";
import { delegating } from "./delegate.ts";
import { liftAll, type Origin, originOf, registerOrigin, replacedMembers } from "./lift.ts";
import type { StateProtocol } from "./context.ts";

/**
 * A dictionary for functions that use several stateful systems at once. The arguments are dictionaries
 * made by `liftTransforms` or `compose`, `ambient`, or `pure`. Systems whose context is not open take no
 * part.
 *
 * @throws {StateError} where one was made in another way, or is a copy with members of its own.
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
  dictionaries.forEach((dictionary, i) => {
    checkDictionary("compose", dictionary);
    if (originOf(dictionary) === undefined) {
      throw unknownOrigin(`dictionary ${i + 1} of ${dictionaries.length}`, dictionary);
    }
  });
  // What `ambient` stands for is asked when it is needed.
  const origin = (): Origin => {
    const parts = dictionaries.map((dictionary) => originOf(dictionary));
    if (parts.includes(undefined)) throw unknownOrigin("what ambient stands for", dictionaries[0]!);
    const known = parts as readonly Origin[];
    return {
      protocols: [...new Set(known.flatMap((o) => o.protocols))],
      strict: known.some((o) => o.strict),
    };
  };
  const lifted: {
    readonly used: readonly StateProtocol[];
    readonly transforms: LiftedTransforms;
  }[] = [];
  const pick = (): Transforms => {
    const { protocols, strict } = origin();
    const used = protocols.filter((s) => s.current() !== null);
    if (used.length === 0) return pure;
    const known = lifted.find((l) =>
      l.used.length === used.length && l.used.every((s, i) => s === used[i])
    );
    if (known !== undefined) return known.transforms;
    const transforms = liftAll(used, { strict });
    lifted.push({ used, transforms });
    return transforms;
  };
  return registerOrigin(delegating<LiftedTransforms>(pick), origin);
}

/** The error for a dictionary of which it cannot be told whose state it threads. */
function unknownOrigin(what: string, dictionary: Transforms): StateError {
  const replaced = replacedMembers(dictionary);
  return new StateError(
    replaced === null
      ? `compose: ${what} was not made by liftTransforms, so its state cannot be told. A system's own ` +
        "transforms can be used alone; to be composed it needs a protocol (contextStack, liftTransforms)"
      : `compose: ${what} is a copy of a dictionary with members of its own (${
        replaced.join(", ") || "none"
      }), which a product would leave out. Compose the dictionary itself, and replace the members in ` +
        "what compose gives",
  );
}

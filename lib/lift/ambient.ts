/**
 * Ways to supply a dictionary without passing it: for library code that takes `transforms: ambient`,
 * callers choose the dictionary with `withTransforms`, or a module system registers when its own is
 * to be used. Explicit arguments remain the first choice, since they are visible.
 *
 * A choice holds for synchronous code alone: it never spans an `await`, during which other code runs.
 *
 * @module
 */
import { describeValue, StateError } from "../core/errors.ts";
import { pure } from "../transforms/pure.ts";
import { dropPromise } from "../transforms/trees.ts";
import { checkDictionary, type Transforms } from "../transforms/types.ts";
import { delegating } from "./delegate.ts";

const chosen: Transforms[] = [];

/** A module system that wants its dictionary used where `when()` holds. */
export interface StatefulLibrary {
  /** Whether the system's context is open. */
  readonly when: () => boolean;
  /** Its dictionary. */
  readonly transforms: Transforms;
}

const libraries: StatefulLibrary[] = [];

/** Runs `f` with `ambient` standing for `transforms`. */
function choosing<T>(transforms: Transforms, f: () => T): T {
  chosen.push(transforms);
  try {
    return f();
  } finally {
    chosen.pop();
  }
}

/**
 * Makes `ambient` use a system's dictionary where `when()` holds; gives a function that undoes it. Of
 * several whose contexts are open, the one that was registered last is used.
 *
 * @throws {StateError} where `when` is missing or is something else.
 * @throws {TypeError} where `transforms` is no dictionary.
 *
 * @example
 * ```ts
 * import { registerStatefulLibrary } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * registerStatefulLibrary({ when: hk.protocol.active, transforms: hk.transforms });
 * ```
 */
export function registerStatefulLibrary(library: StatefulLibrary): () => void {
  const { when, transforms } = (library ?? {}) as Partial<StatefulLibrary>;
  if (typeof when !== "function") {
    throw new StateError(
      `registerStatefulLibrary: when must be a function that says whether the system's context is ` +
        `open, not ${describeValue(when)}`,
    );
  }
  checkDictionary("registerStatefulLibrary", transforms);
  libraries.push(library);
  return () => {
    const at = libraries.indexOf(library);
    if (at >= 0) libraries.splice(at, 1);
  };
}

/** The dictionary that `ambient` delegates to now. */
export function currentTransforms(): Transforms {
  const top = chosen.at(-1);
  if (top !== undefined) return top;
  for (let i = libraries.length - 1; i >= 0; i--) {
    if (libraries[i]!.when()) return libraries[i]!.transforms;
  }
  return pure;
}

/**
 * Runs `f` with `ambient` standing for `transforms`.
 *
 * @throws {StateError} where `f` is asynchronous.
 * @throws {TypeError} where `transforms` is no dictionary.
 *
 * @example
 * ```ts
 * import { ambient, type NDArray, withTransforms } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const thrice = (f: (x: NDArray) => NDArray, x: NDArray) =>
 *   ambient.foriLoop(0, 3, (_, x) => f(x), x);
 * const model = hk.transform((x: NDArray) => {
 *   const layer = new hk.Linear(2);
 *   return withTransforms(hk.transforms, () => thrice((x) => layer.call(x), x));
 * });
 * ```
 */
export function withTransforms<T>(transforms: Transforms, f: () => T): T {
  checkDictionary("withTransforms", transforms);
  const result = choosing(transforms, f);
  if (!dropPromise(result)) return result;
  throw new StateError(
    "withTransforms: the function is asynchronous, but a choice of transforms cannot span an await. " +
      "Pass the dictionary as an argument instead",
  );
}

/**
 * A decorator of functions and methods: they run with `ambient` standing for `transforms`.
 *
 * @example
 * ```ts
 * import { ambient, numpy as np, overrideTransforms, pure } from "@injax/injax";
 *
 * const logged = { ...pure, isInitializing: () => (console.log("asked"), false) };
 * const f = overrideTransforms(logged)((x: np.NDArray) => ambient.isInitializing() ? x : x.add(1));
 * console.log(f(np.array(1)).item()); // asked 2
 * ```
 */
export function overrideTransforms(
  transforms: Transforms,
): <T, A extends unknown[], R>(f: (this: T, ...args: A) => R) => (this: T, ...args: A) => R {
  checkDictionary("overrideTransforms", transforms);
  return (f) =>
    function (...args) {
      return withTransforms(transforms, () => f.apply(this, args));
    };
}

/**
 * A dictionary that delegates to the innermost `withTransforms`, else to a registered system whose
 * context is open, else to `pure`. The choice is made when a transformed function is called; where
 * none is in force then, that of the time when it was made holds. Derivative rules, which may run
 * long after that, run under the dictionary that the function itself ran under.
 */
export const ambient: Transforms = delegating(currentTransforms, choosing);

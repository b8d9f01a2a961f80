/**
 * Memory of transformed programs: a jaxpr never changes, so what is made of it can be kept for as
 * long as it lives. Thanks to this a program is differentiated, batched or compiled once.
 *
 * @module
 */
import type { Jaxpr } from "../core/jaxpr.ts";

/** Remembers the results of `f` by jaxpr (weakly) and by the JSON text of its other arguments. */
export function memoize<A extends readonly unknown[], R>(
  f: (jaxpr: Jaxpr, ...rest: A) => R,
): (jaxpr: Jaxpr, ...rest: A) => R {
  const memory = new WeakMap<Jaxpr, Map<string, R>>();
  return (jaxpr, ...rest) => {
    let results = memory.get(jaxpr);
    if (results === undefined) memory.set(jaxpr, results = new Map());
    const key = JSON.stringify(rest);
    let result = results.get(key);
    if (result === undefined) results.set(key, result = f(jaxpr, ...rest));
    return result;
  };
}

/**
 * Filters: which variables are meant.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { Variable, type VariableType } from "./variable.ts";

/** Says yes to a variable at a path, such as `"layers/0/kernel"`. */
export type Predicate = (path: string, variable: Variable<unknown>) => boolean;

/**
 * Which variables are meant: those of a type and its subtypes; those of random streams with a tag, by its
 * name; all, by `true` or `"..."`; none, by `false` or `null`; those that a function says yes to; those
 * that one of several filters means, by a list.
 */
export type Filter =
  | VariableType
  | string
  | boolean
  | null
  | Predicate
  | readonly Filter[];

/** A function that says which variables a filter means. */
export function toPredicate(filter: Filter): Predicate {
  if (filter === true || filter === "...") return () => true;
  if (filter === false || filter === null) return () => false;
  if (typeof filter === "string") {
    return (_, variable) => (variable as { tag?: unknown }).tag === filter;
  }
  if (Array.isArray(filter)) return any(...filter as Filter[]);
  if (typeof filter === "function") {
    if (filter !== Variable && !(filter.prototype instanceof Variable)) return filter as Predicate;
    return (_, variable) => variable instanceof (filter as VariableType);
  }
  throw new TypeError(
    `nnx: a filter is a type of variables, a tag, true, false, a function of path and variable, or a list ` +
      `of filters, not ${describeValue(filter)}`,
  );
}

/**
 * Means what one of several filters means, `nnx.Any` of Flax.
 *
 * @example
 * ```ts
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.BatchNorm(2, { rngs: new nnx.Rngs(0) });
 * const kept = nnx.state(layer, nnx.any(nnx.BatchStat, (path) => path === "bias"));
 * console.log(Object.keys(kept)); // [ "bias", "mean", "var" ]
 * ```
 */
export function any(...filters: readonly Filter[]): Predicate {
  const all = filters.map(toPredicate);
  return (path, variable) => all.some((f) => f(path, variable));
}

/** Means what all of several filters mean, `nnx.All` of Flax. */
export function all(...filters: readonly Filter[]): Predicate {
  const own = filters.map(toPredicate);
  return (path, variable) => own.every((f) => f(path, variable));
}

/** Means what a filter does not, `nnx.Not` of Flax. */
export function not(filter: Filter): Predicate {
  const own = toPredicate(filter);
  return (path, variable) => !own(path, variable);
}

/** Means variables whose path has this name in it, `nnx.PathContains` of Flax. */
export function pathContains(name: string): Predicate {
  return (path) => path.split("/").includes(name);
}

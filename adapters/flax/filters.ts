/**
 * Filters: which collections of variables, or which random streams, are meant.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { StateError } from "../../mod.ts";

/**
 * Which collections or streams are meant: all or none, one by its name, a list of names, or all but
 * those of another filter.
 */
export type Filter = boolean | string | readonly string[] | DenyList;

/** All but what another filter means. */
export interface DenyList {
  /** What is not meant. */
  readonly deny: Filter;
}

/**
 * All but what another filter says: flax's `DenyList`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const x = np.ones([2, 3]);
 * const model = new flax.BatchNorm({ useRunningAverage: false });
 * const variables = model.init(random.key(0), x);
 * const [, changed] = model.apply(variables, x, { mutable: flax.denyList("params") });
 * console.log(Object.keys(changed)); // [ "batch_stats" ]
 * ```
 */
export function denyList(filter: Filter): DenyList {
  checkFilter("flax.denyList", "the filter", filter);
  return { deny: filter };
}

/** Whether a filter means a name. */
export function inFilter(filter: Filter, name: string): boolean {
  if (typeof filter === "boolean") return filter;
  if (typeof filter === "string") return filter === name;
  return isDenied(filter) ? !inFilter(filter.deny, name) : filter.includes(name);
}

function isDenied(
  filter: Exclude<Filter, boolean | string>,
): filter is DenyList {
  return !Array.isArray(filter);
}

/** Raises where a filter is none. */
export function checkFilter(op: string, what: string, filter: unknown): asserts filter is Filter {
  if (typeof filter === "boolean" || typeof filter === "string") return;
  if (Array.isArray(filter) && filter.every((x) => typeof x === "string")) return;
  if (typeof filter === "object" && filter !== null && Object.hasOwn(filter, "deny")) {
    return checkFilter(op, what, (filter as { deny: unknown }).deny);
  }
  throw new StateError(
    `${op}: ${what} must be true, false, a name, a list of names or denyList(names), not ${
      describeValue(filter)
    }`,
  );
}

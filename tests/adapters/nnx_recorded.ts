/**
 * What `tests/reference/record_nnx.py` recorded with Flax 0.12.8, and models with its arrays.
 *
 * @module
 */
import { type NDArray, numpy as np } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";

/** Numbers and trees of them. */
export type Json = number | boolean | readonly Json[] | { readonly [name: string]: Json };
/** Arrays by path. */
export type Entries = Readonly<Record<string, Json>>;

/** All cases. */
export const recorded = JSON.parse(
  Deno.readTextFileSync(new URL("../reference/nnx.json", import.meta.url)),
) as Record<string, Record<string, Json>>;

/** The names of the original in the style of this library. */
const camel = (path: string): string =>
  path.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());

const integer = (path: string): boolean => /(^|\/)(key|count|step|cache_index)$/.test(path);

/** Gives a model the arrays of the original. */
export function load(model: object, state: Entries): void {
  const own = new Map(nnx.variables(model));
  const paths = Object.keys(state).map(camel);
  assertEquals([...own.keys()].sort(), paths.sort(), "the model has the same variables");
  for (const [path, value] of Object.entries(state)) {
    const dtype = integer(path) ? "uint32" : "float32";
    own.get(camel(path))!.value = np.array(value as never, { dtype });
  }
}

/** Checks the arrays of a model: keys and counts to the bit. */
export function assertState(model: object, state: Entries, tolerance = 2e-5): void {
  const own = new Map(nnx.variables(model));
  for (const [path, value] of Object.entries(state)) {
    const found = own.get(camel(path))!.value as NDArray;
    if (integer(path)) assertEquals(found.toArray(), value, path);
    else assertClose(found, np.array(value as never), tolerance, path);
  }
}

/** Checks a state against arrays by path. */
export function assertTree(tree: unknown, state: Entries, tolerance = 2e-5): void {
  for (const [path, value] of Object.entries(state)) {
    let at = tree;
    for (const name of camel(path).split("/")) at = (at as Record<string, unknown>)[name];
    assertClose(at as NDArray, np.array(value as never), tolerance, path);
  }
}

/** An array of what was recorded. */
export const array = (x: unknown): NDArray => np.array(x as never);

/**
 * The operations of `reference/operations.json`: one list, from which `reference/record.py` records what
 * JAX gives and the tests take what they compare with it.
 *
 * An entry is an expression here and one in JAX, in variables that its section has in common.
 *
 * @module
 */
import {
  associativeScan,
  linalg,
  type NDArray,
  nn,
  numpy as np,
  random,
  special,
} from "../../mod.ts";
import * as fft from "../../lib/api/fft_whole.ts";
import * as lax from "../../lib/api/lax.ts";
import * as initializers from "../../lib/api/initializers.ts";
import * as stats from "../../lib/api/stats.ts";
import { rem } from "../../lib/primitives/elementwise/arithmetic.ts";
import list from "../reference/operations.json" with { type: "json" };

/** An entry of the list. */
export interface Entry {
  /** Its name, where it is not that of the function that it calls. */
  readonly name?: string;
  /** The expression here; without one, there is nothing like it. */
  readonly here?: string;
  /** The expression in JAX. */
  readonly jax: string;
  /** Why there is nothing like it here. */
  readonly why?: string;
}

/** An entry about a primitive. */
export interface PrimitiveEntry extends Entry {
  readonly name: string;
  /** The primitive that computes it, where one does. */
  readonly primitive?: string;
  /** The tables in which it is recorded. */
  readonly on: readonly string[];
}

/** Elementwise functions of `x`, or of `x` and `y`. */
export const elementwise: readonly Entry[] = list.elementwise;
/** Functions of a vector `v`. */
export const vectors: readonly Entry[] = list.vectors;
/** Functions of the arrays of `inputs`. */
export const arrays: readonly Entry[] = list.arrays;
/** Elements of the arrays, nested: numbers, whole numbers and booleans. */
export const inputs: Readonly<Record<string, readonly unknown[]>> = list.inputs;
/** What primitives compute of `x`, or of `x` and `y`. */
export const primitiveEntries: readonly PrimitiveEntry[] = list.primitives;
/** Functions of the arrays and the parameters `p` of a recorded case. */
export const structure: readonly (Entry & { readonly name: string })[] = list.structure;
/** What is drawn from a `key`. */
export const draws: readonly (Entry & { readonly name: string })[] = list.random;

/** What expressions may name besides the variables of their section. */
const scope: Readonly<Record<string, unknown>> = {
  np,
  nn,
  special,
  linalg,
  random,
  lax,
  fft,
  initializers,
  stats,
  lib: { associativeScan, rem },
  f64: { dtype: "float64" },
};

/** The name of an entry: its own, or that of the function that it calls. */
export function nameOf({ name, here }: Entry): string {
  return name ?? /^\w+\.(\w+)\(/.exec(here ?? "")![1]!;
}

/** Those of some names that an expression reads, in their order. */
export function variablesOf(expression: string, names: readonly string[]): string[] {
  const words = new Set(expression.replaceAll(/'[^']*'|\.\w+|\w+:/g, " ").match(/\w+/g));
  return names.filter((name) => words.has(name));
}

/** The namespaces, and what is called in them; distributions are objects of their functions. */
const CALLED =
  /(?<![\w.])(?:(?:np|nn|special|linalg|random|lax|fft|initializers|cluster|image|interpolate|ndimage|ops|signal|spatial)\.\w+|stats(?:\.\w+)+)/g;

/** The functions of the namespaces that an expression calls, as `np.add`. */
export function calledBy(expression: string): string[] {
  return [...expression.matchAll(CALLED)].map(([m]) => m);
}

/** An expression as a function of variables. */
export function functionOf(
  expression: string,
  variables: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): (...args: unknown[]) => NDArray {
  const names = { ...scope, ...more };
  const make = new Function(...Object.keys(names), ...variables, `return ${expression};`);
  return (...args) => make(...Object.values(names), ...args);
}

/** The arrays that an operation gives: one, a list, or those of an object. */
export function arraysOf(result: unknown): NDArray[] {
  if (Array.isArray(result)) return result;
  const isArray = typeof (result as NDArray).dataSync === "function";
  return isArray ? [result as NDArray] : Object.values(result as Record<string, NDArray>);
}

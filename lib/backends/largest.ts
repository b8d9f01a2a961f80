/**
 * What an error says about a program that does not fit into memory.
 *
 * @module
 */
import { bytesOf, formatAval, type ShapedArray } from "../core/aval.ts";
import { formatBytes } from "../core/errors.ts";
import { allPrograms } from "../core/jaxpr.ts";
import type { Jaxpr } from "../core/primitive.ts";

/** A type of array in a program. */
export interface Sized {
  /** Dtype and shape. */
  readonly type: string;
  /** Bytes of the elements. */
  readonly bytes: number;
  /** What gives such an array. */
  readonly from: string;
}

/** The largest arrays of a program, the programs in it included; the largest first. */
export function largestArrays(jaxpr: Jaxpr): Sized[] {
  const found = new Map<string, Sized>();
  const note = (aval: ShapedArray, from: string): void => {
    const type = formatAval(aval);
    if (!found.has(type)) found.set(type, { type, bytes: bytesOf(aval), from });
  };
  for (const { inputs, eqns } of allPrograms(jaxpr)) {
    for (const { aval } of inputs) note(aval, "an input");
    for (const { primitive, outputs } of eqns) {
      for (const { aval } of outputs) note(aval, `of ${primitive.name}`);
    }
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
}

/** Arrays for a message: `float32[40000,40000] (6.0 GiB, of mul)`. */
export function formatSized(arrays: readonly Sized[]): string {
  return arrays.map(({ type, bytes, from }) => `${type} (${formatBytes(bytes)}, ${from})`)
    .join(", ");
}

/** What to do instead. */
export const workOnParts = "Work on parts, for example with `map` or `scan` over blocks of rows";

const SHOWN = 3;

/**
 * What an error says about a program that does not fit into memory.
 *
 * @module
 */
import { formatAval, type ShapedArray, sizeOf } from "../core/aval.ts";
import { byteWidth } from "../core/dtype.ts";
import { type Jaxpr, subJaxprs } from "../core/jaxpr.ts";

/** A number of bytes for people: `6.4 GB`. */
export function formatBytes(bytes: number): string {
  const unit = Math.min(Math.max(Math.floor(Math.log10(bytes) / 3), 0), 4);
  return `${Number((bytes / 1000 ** unit).toPrecision(3))} ${
    ["bytes", "kB", "MB", "GB", "TB"][unit]
  }`;
}

/** Bytes of an array's elements. */
export function bytesOf(aval: ShapedArray): number {
  return sizeOf(aval.shape) * byteWidth(aval.dtype);
}

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
  const pending = [jaxpr];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const { aval } of next.inputs) note(aval, "an input");
    for (const { primitive, params, outputs } of next.eqns) {
      for (const { aval } of outputs) note(aval, `of ${primitive.name}`);
      pending.push(...subJaxprs(params));
    }
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
}

/** Arrays for a message: `float32[40000,40000] (6.4 GB, of mul)`. */
export function formatSized(arrays: readonly Sized[]): string {
  return arrays.map(({ type, bytes, from }) => `${type} (${formatBytes(bytes)}, ${from})`)
    .join(", ");
}

/** What to do instead. */
export const workOnParts = "Work on parts, for example with `map` or `scan` over blocks of rows";

const SHOWN = 3;

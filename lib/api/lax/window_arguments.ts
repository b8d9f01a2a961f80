/**
 * What functions of windows take: one number for each axis, and padding by pairs or by name.
 *
 * @module
 */
import { describeValue, formatShape, isPlain } from "../../core/mod.ts";
import { dilated, type Padding } from "../../primitives/windows/window.ts";

/**
 * What is put around an array: pairs [in front, behind], one for each axis, negative ones taking away;
 * `"VALID"` for nothing; `"SAME"` so that windows one apart give the array's lengths, the larger half behind;
 * `"SAME_LOWER"` the same with the larger half in front.
 */
export type WindowPadding =
  | "SAME"
  | "SAME_LOWER"
  | "VALID"
  | readonly (readonly [low: number, high: number])[];

/** An integer for each of `count` axes, at least `min`. */
export function expectEach(
  op: string,
  what: string,
  list: unknown,
  count: number,
  min: number,
): number[] {
  const fits = Array.isArray(list) && list.length === count &&
    list.every((n) => Number.isInteger(n) && n >= min);
  if (fits) return [...list as number[]];
  throw new TypeError(
    `${op}: ${what} must be a list of ${count} integers of at least ${min}, one for each axis that ` +
      `windows run along, not ${written(list)}${isPlain(list) ? inPlaces(op, what) : ""}`,
  );
}

/** What to write where options stand in the place of what each convolution and reduction is told. */
function inPlaces(op: string, what: string): string {
  const call = what.endsWith("trides")
    ? `${op}(..., ${what}, padding, ...)`
    : `${op}(..., ${what}, ...)`;
  return `. Write ${call}: options are what stands behind`;
}

/** As `expectEach`; 1 for each where it is left out. */
export function expectDilation(op: string, what: string, list: unknown, count: number): number[] {
  if (list === undefined || list === null) return new Array<number>(count).fill(1);
  return expectEach(op, what, list, count, 1);
}

function written(value: unknown): string {
  const isNumbers = Array.isArray(value) && value.every((n) => typeof n === "number");
  return isNumbers ? formatShape(value) : describeValue(value);
}

function isPair(x: unknown): x is Padding {
  return Array.isArray(x) && x.length === 2 && x.every((n) => Number.isInteger(n));
}

/** Padding as pairs, for an array of these lengths and windows that are so long with their gaps. */
export function expectPadding(
  op: string,
  padding: unknown,
  shape: readonly number[],
  window: readonly number[],
  strides: readonly number[],
): Padding[] {
  if (typeof padding === "string") {
    const name = padding.toUpperCase();
    if (name === "VALID") return shape.map(() => [0, 0]);
    if (name === "SAME" || name === "SAME_LOWER") {
      return shape.map((n, i) => {
        const places = Math.ceil(n / strides[i]!);
        const total = Math.max(0, (places - 1) * strides[i]! + window[i]! - n);
        const less = Math.floor(total / 2);
        return name === "SAME" ? [less, total - less] : [total - less, less];
      });
    }
  } else if (Array.isArray(padding) && padding.length === shape.length && padding.every(isPair)) {
    return padding.map(([low, high]) => [low, high]);
  }
  throw new TypeError(
    `${op}: the padding must be "SAME", "SAME_LOWER", "VALID" or a list of ${shape.length} pairs of ` +
      `integers, [in front, behind], not ${describeValue(padding)}`,
  );
}

/** How long windows are with their gaps. */
export function extents(sizes: readonly number[], dilation: readonly number[]): number[] {
  return sizes.map((n, i) => dilated(n, dilation[i]!));
}

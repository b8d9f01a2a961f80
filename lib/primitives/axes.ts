/**
 * Axes: which one an operation works along, where they are with an extra one, which are left.
 *
 * Inputs for the conformance suite that several families use.
 *
 * @module
 */
import { AxisError, formatAval, type SampleInput, type ShapedArray, sizeOf } from "../core/mod.ts";

/** A float32 sample input with elements counted from `start`. */
export function counting(shape: readonly number[], start = 1): SampleInput {
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => start + i);
  return { shape, dtype: "float32", values };
}

/** Parameters of an operation along one axis. */
export interface AxisParams {
  /** The axis, not negative. */
  readonly axis: number;
}

/** Refuses an axis that `x` does not have. */
export function checkAxis(op: string, x: ShapedArray, axis: number): void {
  if (!Number.isInteger(axis) || axis < 0 || axis >= x.shape.length) {
    throw new AxisError(`${op}: axis ${axis} is out of range: x is ${formatAval(x)}`);
  }
}

/** An axis as it is counted after a batch axis was put in at `dim`. */
export function shiftAxis(axis: number, dim: number): number {
  return axis >= dim ? axis + 1 : axis;
}

/** Axes of an array after a batch axis was put in at `dim`. */
export function shiftAxes(axes: readonly number[], dim: number): number[] {
  return axes.map((a) => shiftAxis(a, dim));
}

/** The axes of an array of `rank` axes that are in none of `groups`, ascending. */
export function otherAxes(rank: number, ...groups: readonly (readonly number[])[]): number[] {
  const out: number[] = [];
  for (let i = 0; i < rank; i++) if (!groups.some((g) => g.includes(i))) out.push(i);
  return out;
}

/** The permutation that undoes `perm`. */
export function inversePermutation(perm: readonly number[]): number[] {
  const out: number[] = new Array(perm.length);
  perm.forEach((p, i) => out[p] = i);
  return out;
}

/**
 * How elements of row-major arrays are walked: strides, merged axes, positions, the shape around an
 * axis.
 *
 * @module
 */
import { stridesOf } from "../../core/aval.ts";

/** Strides with which an array of `shape` is read as if broadcast to `target`. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const own = stridesOf(shape);
  const lead = target.length - shape.length;
  return target.map((_, k) => k < lead || shape[k - lead] === 1 ? 0 : own[k - lead]!);
}

/** Axes of an iteration, merged as far as all operands' strides allow. */
export interface Plan {
  /** Lengths; at least one axis. */
  readonly shape: number[];
  /** Strides of each operand. */
  readonly strides: number[][];
}

/** Drops axes of length 1 and merges neighbours that every operand walks as one. */
export function mergeAxes(shape: readonly number[], strides: readonly number[][]): Plan {
  const outShape: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  for (let k = 0; k < shape.length; k++) {
    const n = shape[k]!;
    if (n === 1) continue;
    const last = outShape.length - 1;
    if (last >= 0 && strides.every((s, op) => outStrides[op]![last] === s[k]! * n)) {
      outShape[last]! *= n;
      strides.forEach((s, op) => outStrides[op]![last] = s[k]!);
    } else {
      outShape.push(n);
      strides.forEach((s, op) => outStrides[op]!.push(s[k]!));
    }
  }
  if (outShape.length === 0) {
    outShape.push(1);
    outStrides.forEach((s) => s.push(0));
  }
  return { shape: outShape, strides: outStrides };
}

/** Counts through a shape, innermost axis fastest, and keeps each operand's offset. */
export class Odometer {
  /** Offsets of the operands at the current position. */
  readonly at: number[];
  readonly #index: number[];
  readonly #shape: readonly number[];
  readonly #strides: readonly (readonly number[])[];

  /** Starts at the origin. */
  constructor(shape: readonly number[], strides: readonly (readonly number[])[]) {
    this.#shape = shape;
    this.#strides = strides;
    this.#index = new Array(shape.length).fill(0);
    this.at = new Array(strides.length).fill(0);
  }

  /** Goes to the next position; after the last one it is at the origin again. */
  next(): void {
    const index = this.#index;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      const n = this.#shape[axis]!;
      const done = ++index[axis]! === n;
      for (let op = 0; op < this.at.length; op++) {
        const stride = this.#strides[op]![axis]!;
        this.at[op]! += done ? stride * (1 - n) : stride;
      }
      if (!done) return;
      index[axis] = 0;
    }
  }
}

/** Position of the element at `index` in a row-major array of `shape`. */
export function offsetOf(index: readonly number[], shape: readonly number[]): number {
  const strides = stridesOf(shape);
  let at = 0;
  for (let i = 0; i < index.length; i++) at += index[i]! * strides[i]!;
  return at;
}

/**
 * The shape around one axis: the product of the lengths before it, its length, and the product of
 * those behind it.
 */
export function aroundAxis(
  shape: readonly number[],
  axis: number,
): readonly [outer: number, n: number, inner: number] {
  let outer = 1, inner = 1;
  for (let i = 0; i < axis; i++) outer *= shape[i]!;
  for (let i = axis + 1; i < shape.length; i++) inner *= shape[i]!;
  return [outer, shape[axis]!, inner];
}

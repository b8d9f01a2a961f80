/**
 * Loops that the engine specialises: copies of a function with type feedback of their own.
 *
 * Copying blocks between row-major arrays on the CPU: what broadcasts, slices, paddings, reversals and
 * concatenations have in common.
 *
 * How elements of row-major arrays are walked: strides, merged axes, positions, the shape around an
 * axis.
 *
 * @module
 */
import { type DType, dtypeOf, stridesOf, type TypedArray } from "../../core/mod.ts";

/**
 * A copy of a loop with type feedback of its own, so that the engine specialises it to one element
 * type and inlines one scalar function; a loop shared by all is 5 to 10 times slower. `loop` must
 * not refer to anything outside itself. Where a content security policy forbids code from strings,
 * all share `loop` itself.
 */
export function fresh<F>(loop: F): F {
  try {
    return new Function(`return ${String(loop)}`)() as F;
  } catch {
    return loop;
  }
}

/** One copy of a loop for each element type, made when first needed. */
export function perDType<F>(loop: F): (dtype: DType) => F {
  const copies = new Map<DType, F>();
  return (dtype) => {
    let copy = copies.get(dtype);
    if (copy === undefined) copies.set(dtype, copy = fresh(loop));
    return copy;
  };
}

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

/** Rows at least this long are copied by the engine's own block copy. */
const BLOCK = 24;

function loopCopy(
  source: TypedArray,
  sourceAt: number,
  sourceStride: number,
  target: TypedArray,
  targetAt: number,
  targetStride: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) {
    target[targetAt] = source[sourceAt]!;
    sourceAt += sourceStride;
    targetAt += targetStride;
  }
}

const copyLoops = /* @__PURE__ */ perDType(loopCopy);

/**
 * Copies a block of `shape`: the element at index `i` goes from `sourceAt + i . sourceStrides` of
 * `source` to `targetAt + i . targetStrides` of `target`, which has the same storage class. Strides
 * may be negative or 0.
 */
export function copyStrided(
  source: TypedArray,
  sourceAt: number,
  sourceStrides: readonly number[],
  target: TypedArray,
  targetAt: number,
  targetStrides: readonly number[],
  shape: readonly number[],
): void {
  if (shape.includes(0)) return;
  const plan = mergeAxes(shape, [[...sourceStrides], [...targetStrides]]);
  const inner = plan.shape.length - 1;
  const n = plan.shape[inner]!;
  const sourceStride = plan.strides[0]![inner]!;
  const targetStride = plan.strides[1]![inner]!;
  const blocks = n >= BLOCK && sourceStride === 1 && targetStride === 1;
  const copy = copyLoops(dtypeOf(source));
  const outer = plan.shape.slice(0, inner);
  const walk = new Odometer(outer, plan.strides);
  const rows = outer.reduce((a, b) => a * b, 1);
  for (let row = 0; row < rows; row++) {
    const from = sourceAt + walk.at[0]!;
    const to = targetAt + walk.at[1]!;
    if (blocks) target.set(source.subarray(from, from + n), to);
    else copy(source, from, sourceStride, target, to, targetStride, n);
    walk.next();
  }
}

/**
 * Loops over typed arrays that elementwise CPU implementations share: maps with NumPy broadcasting,
 * selection and sums.
 *
 * Owns how elements are walked, and nothing of what an operation means; copying blocks is in
 * `strided.ts`. Inputs are row-major and never written to.
 *
 * @module
 */
import { stridesOf } from "../core/aval.ts";
import { allocate, type DType, isInteger, type TypedArray } from "../core/dtype.ts";

/** A function of one element. */
export type Scalar1 = (x: number) => number;
/** A function of two elements. */
export type Scalar2 = (x: number, y: number) => number;

/**
 * A copy of a loop with type feedback of its own, so that the engine specialises it to one element
 * type and inlines one scalar function; a loop shared by all is 5 to 10 times slower. `loop` must
 * not refer to anything outside itself. Where a content security policy forbids code from strings,
 * all share `loop` itself.
 */
function fresh<F>(loop: F): F {
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

/** Writes `f` of each element of `a` to `out`. */
export type Map1 = (out: TypedArray, a: TypedArray) => void;

/** Writes `f` of each pair of elements to `out`, broadcasting to `shape`. */
export type Map2 = (
  out: TypedArray,
  shape: readonly number[],
  a: TypedArray,
  aShape: readonly number[],
  b: TypedArray,
  bShape: readonly number[],
) => void;

function loop1(f: Scalar1, out: TypedArray, a: TypedArray): void {
  const n = out.length;
  for (let k = 0; k < n; k++) out[k] = f(a[k]!);
}

/** A loop that applies `f`, specialised to it and to the element type it first meets. */
export function map1(f: Scalar1): Map1 {
  const loop = fresh(loop1);
  return (out, a) => loop(f, out, a);
}

// Steps are 0 or 1: after axes are merged, the innermost one is contiguous or broadcast.
function loop2(
  f: Scalar2,
  out: TypedArray,
  o: number,
  n: number,
  a: TypedArray,
  i: number,
  aStep: number,
  b: TypedArray,
  j: number,
  bStep: number,
): void {
  if (aStep === 1 && bStep === 1) {
    if (o === 0 && i === 0 && j === 0) { for (let k = 0; k < n; k++) out[k] = f(a[k]!, b[k]!); }
    else for (let k = 0; k < n; k++) out[o + k] = f(a[i + k]!, b[j + k]!);
  } else if (aStep === 1) {
    const y = b[j]!;
    for (let k = 0; k < n; k++) out[o + k] = f(a[i + k]!, y);
  } else if (bStep === 1) {
    const x = a[i]!;
    for (let k = 0; k < n; k++) out[o + k] = f(x, b[j + k]!);
  } else {
    out.fill(f(a[i]!, b[j]!), o, o + n);
  }
}

/** As {@linkcode map1}, for two operands. */
export function map2(f: Scalar2): Map2 {
  const loop = fresh(loop2);
  return (out, shape, a, aShape, b, bShape) => {
    const n = out.length;
    if (n === 0) return;
    if (a.length === n && b.length === n) return loop(f, out, 0, n, a, 0, 1, b, 0, 1);
    if (b.length === 1 && a.length === n) return loop(f, out, 0, n, a, 0, 1, b, 0, 0);
    if (a.length === 1 && b.length === n) return loop(f, out, 0, n, a, 0, 0, b, 0, 1);
    const plan = mergeAxes(shape, [
      broadcastStrides(aShape, shape),
      broadcastStrides(bShape, shape),
    ]);
    const [aStrides, bStrides] = plan.strides as [number[], number[]];
    const inner = plan.shape.length - 1;
    const length = plan.shape[inner]!;
    const aStep = aStrides[inner]!;
    const bStep = bStrides[inner]!;
    const walk = new Odometer(plan.shape.slice(0, inner), plan.strides);
    for (let o = 0; o < n; o += length) {
      loop(f, out, o, length, a, walk.at[0]!, aStep, b, walk.at[1]!, bStep);
      walk.next();
    }
  };
}

function loopSelect(
  out: TypedArray,
  c: TypedArray,
  cStep: number,
  a: TypedArray,
  aStep: number,
  b: TypedArray,
  bStep: number,
): void {
  const n = out.length;
  for (let k = 0, h = 0, i = 0, j = 0; k < n; k++, h += cStep, i += aStep, j += bStep) {
    out[k] = c[h] !== 0 ? a[i]! : b[j]!;
  }
}

const selectLoops = perDType(loopSelect);

/** Writes elements of `a` where `c` is not 0, else of `b`; one of length 1 serves all elements. */
export function selectInto(
  dtype: DType,
  out: TypedArray,
  c: TypedArray,
  a: TypedArray,
  b: TypedArray,
): void {
  const step = (x: TypedArray): number => x.length === 1 ? 0 : 1;
  selectLoops(dtype)(out, c, step(c), a, step(a), b, step(b));
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

/**
 * From where on a partial sum is infinite for a dtype. Sums are computed in double precision, which has
 * the better digits, but overflow where adding one by one in the dtype would.
 */
export function overflowOf(dtype: DType): number {
  // What is halfway from the largest float32 to 2^128 is rounded up.
  return dtype === "float32" ? 2 ** 128 - 2 ** 103 : Infinity;
}

/** While all sums of blocks and levels stay below this part of it, no sum of them overflows. */
const FAR_FROM_OVERFLOW = 1 / 64;

// Sums rows: out[r] = sum of a[r * n .. (r + 1) * n), pairwise, so that the error grows with log n.
// Sums of blocks are merged like the carries of a binary counter: levels[i] holds 2^i blocks.
// `wrap` keeps sums of integers exact by reducing them modulo 2^32. Gives whether a partial sum
// reached `alarm`.
function loopSumRows(
  out: TypedArray,
  a: TypedArray,
  rows: number,
  n: number,
  _inner: number,
  wrap: boolean,
  alarm: number,
): boolean {
  const block = 128;
  let alarmed = false;
  const levels = new Float64Array(32);
  for (let r = 0; r < rows; r++) {
    const end = (r + 1) * n;
    let blocks = 0;
    for (let i = r * n; i < end; i += block) {
      const stop = Math.min(end, i + block);
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let k = i;
      for (; k + 3 < stop; k += 4) {
        s0 += a[k]!;
        s1 += a[k + 1]!;
        s2 += a[k + 2]!;
        s3 += a[k + 3]!;
        if (Math.abs(s0) >= alarm) alarmed = true;
        if (Math.abs(s1) >= alarm) alarmed = true;
        if (Math.abs(s2) >= alarm) alarmed = true;
        if (Math.abs(s3) >= alarm) alarmed = true;
      }
      for (; k < stop; k++) {
        s0 += a[k]!;
        if (Math.abs(s0) >= alarm) alarmed = true;
      }
      let sum = s0 + s1 + (s2 + s3);
      let level = 0;
      for (let b = blocks; (b & 1) !== 0; b >>= 1) sum += levels[level++]!;
      if (Math.abs(sum) >= alarm) alarmed = true;
      levels[level] = wrap ? sum | 0 : sum;
      blocks++;
    }
    let total = 0;
    for (let level = 0; blocks >> level !== 0; level++) {
      if (((blocks >> level) & 1) !== 0) total += levels[level]!;
    }
    out[r] = total;
  }
  return alarmed;
}

// out[p, q] = sum over k of a[p, k, q], in the same way with rows for numbers.
function loopSumMiddle(
  out: TypedArray,
  a: TypedArray,
  outer: number,
  n: number,
  inner: number,
  wrap: boolean,
  alarm: number,
): boolean {
  const block = 64;
  let alarmed = false;
  const levels: Float64Array[] = [];
  for (let p = 0; p < outer; p++) {
    let blocks = 0;
    for (let k0 = 0; k0 < n; k0 += block) {
      let level = 0;
      while (((blocks >> level) & 1) !== 0) level++;
      const sum = levels[level] ?? (levels[level] = new Float64Array(inner));
      sum.fill(0);
      const k1 = Math.min(n, k0 + block);
      for (let k = k0; k < k1; k++) {
        const at = (p * n + k) * inner;
        for (let q = 0; q < inner; q++) {
          const s = sum[q]! + a[at + q]!;
          if (Math.abs(s) >= alarm) alarmed = true;
          sum[q] = s;
        }
      }
      for (let i = 0; i < level; i++) {
        const carry = levels[i]!;
        for (let q = 0; q < inner; q++) {
          const s = sum[q]! + carry[q]!;
          if (Math.abs(s) >= alarm) alarmed = true;
          sum[q] = s;
        }
      }
      if (wrap) { for (let q = 0; q < inner; q++) sum[q] = sum[q]! | 0; }
      blocks++;
    }
    const to = p * inner;
    for (let q = 0; q < inner; q++) {
      let total = 0;
      for (let level = 0; level < levels.length; level++) {
        if (((blocks >> level) & 1) !== 0) total += levels[level]![q]!;
      }
      out[to + q] = total;
    }
  }
  return alarmed;
}

// The same one by one, where a partial sum that reaches `overflow` is infinite from there on.
function loopSumInOrder(
  out: TypedArray,
  a: TypedArray,
  outer: number,
  n: number,
  inner: number,
  overflow: number,
): void {
  for (let p = 0; p < outer; p++) {
    for (let q = 0; q < inner; q++) {
      let sum = 0;
      for (let k = 0, at = p * n * inner + q; k < n; k++, at += inner) {
        sum += a[at]!;
        if (Math.abs(sum) >= overflow) sum *= Infinity;
      }
      out[p * inner + q] = sum;
    }
  }
}

const sumRows = perDType(loopSumRows);
const sumMiddle = perDType(loopSumMiddle);
const sumInOrder = perDType(loopSumInOrder);

/**
 * Writes the sums of `a` over `axes` to `out`, which is zero on entry. Floats are summed in double
 * precision, and overflow as their dtype does; integers modulo 2^32.
 */
export function sumInto(
  dtype: DType,
  out: TypedArray,
  a: TypedArray,
  shape: readonly number[],
  axes: readonly number[],
): void {
  if (a.length === 0) return;
  // Neighbouring axes that are all summed or all kept become one.
  const groups: { n: number; summed: boolean }[] = [];
  for (let k = 0; k < shape.length; k++) {
    if (shape[k] === 1) continue;
    const summed = axes.includes(k);
    const last = groups.at(-1);
    if (last !== undefined && last.summed === summed) last.n *= shape[k]!;
    else groups.push({ n: shape[k]!, summed });
  }
  const wrap = isInteger(dtype);
  const overflow = overflowOf(dtype);
  let values = a;
  let inner = 1;
  let remaining = groups.filter((g) => g.summed).length;
  if (remaining === 0) out.set(a);
  // The innermost group first; what is summed in between keeps double precision.
  for (const { n, summed } of groups.reverse()) {
    if (!summed) {
      inner *= n;
      continue;
    }
    const outer = values.length / (n * inner);
    const width = values === a ? dtype : wrap ? "int32" : "float64";
    const sums = --remaining === 0 ? out : allocate(wrap ? "int32" : "float64", outer * inner);
    const sum = (inner === 1 ? sumRows : sumMiddle)(width);
    const alarm = overflow * FAR_FROM_OVERFLOW;
    const alarmed = sum(sums, values, outer, n, inner, wrap, alarm);
    if (alarmed && overflow < Infinity) {
      sumInOrder(width)(sums, values, outer, n, inner, overflow);
    }
    values = sums;
  }
}

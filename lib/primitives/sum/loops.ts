/**
 * Sums over axes on the CPU: pairwise in double precision, overflowing as their dtype does; integers
 * modulo 2^32.
 *
 * @module
 */
import { allocate, type DType, isInteger, type TypedArray } from "../../core/mod.ts";
import { perDType } from "../loops/loops.ts";

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

const sumRows = /* @__PURE__ */ perDType(loopSumRows);
const sumMiddle = /* @__PURE__ */ perDType(loopSumMiddle);
const sumInOrder = /* @__PURE__ */ perDType(loopSumInOrder);

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

/**
 * Matrix products on the CPU.
 *
 * Owns the loops: for small products straight ones, for large ones panels of four rows and four
 * columns. Products of floats are added up in double precision and overflow as their dtype does (see
 * `overflowOf`), products of integers wrap.
 *
 * @module
 */
import { type DType, isInteger, type TypedArray } from "../../core/mod.ts";
import { perDType } from "../loops/loops.ts";
import { overflowOf } from "../sum/loops.ts";

/** Rows and columns of a tile. The loops below are written out for it. */
const TILE = 4;
/** Products of fewer multiplications than this are not worth packing. */
const SMALL = 8192;

// out[i, j] = sum over k of a[i, k] b[k, j]; parts begin at the given offsets. A partial sum that
// reaches `overflow` is infinite from there on.
function loopSmall(
  overflow: number,
  out: TypedArray,
  outAt: number,
  a: TypedArray,
  aAt: number,
  b: TypedArray,
  bAt: number,
  rows: number,
  depth: number,
  columns: number,
): void {
  if (columns === 1) {
    for (let i = 0, p = aAt; i < rows; i++, p += depth) {
      let s0 = 0;
      let s1 = 0;
      let k = 0;
      let most = 0;
      for (; k + 1 < depth; k += 2) {
        s0 += a[p + k]! * b[bAt + k]!;
        s1 += a[p + k + 1]! * b[bAt + k + 1]!;
        const size = Math.abs(s0) + Math.abs(s1);
        if (size > most) most = size;
      }
      if (k < depth) s0 += a[p + k]! * b[bAt + k]!;
      if (!(2 * (most + Math.abs(s0)) < overflow)) {
        // In order: two sums do not overflow where one does.
        s0 = s1 = 0;
        for (let k = 0; k < depth; k++) {
          s0 += a[p + k]! * b[bAt + k]!;
          if (Math.abs(s0) >= overflow) s0 *= Infinity;
        }
      }
      out[outAt + i] = s0 + s1;
    }
    return;
  }
  const sums = new Float64Array(columns);
  for (let i = 0, p = aAt; i < rows; i++) {
    sums.fill(0);
    for (let k = 0, q = bAt; k < depth; k++, p++) {
      const factor = a[p]!;
      for (let j = 0; j < columns; j++, q++) {
        const s = sums[j]! + factor * b[q]!;
        sums[j] = Math.abs(s) >= overflow ? s * Infinity : s;
      }
    }
    out.set(sums, outAt + i * columns);
  }
}

function loopIntegers(
  _overflow: number,
  out: TypedArray,
  outAt: number,
  a: TypedArray,
  aAt: number,
  b: TypedArray,
  bAt: number,
  rows: number,
  depth: number,
  columns: number,
): void {
  const sums = new Int32Array(columns);
  for (let i = 0, p = aAt; i < rows; i++) {
    sums.fill(0);
    for (let k = 0, q = bAt; k < depth; k++, p++) {
      const factor = a[p]!;
      for (let j = 0; j < columns; j++, q++) {
        sums[j] = (sums[j]! + Math.imul(factor, b[q]!)) | 0;
      }
    }
    out.set(sums, outAt + i * columns);
  }
}

// Panels of four rows: panel[p][k][r] = a[4 p + r, k], zero beyond the last row.
function loopPack(
  panels: Float64Array,
  a: TypedArray,
  at: number,
  count: number,
  depth: number,
  rowStride: number,
  depthStride: number,
): void {
  for (let first = 0, to = 0; first < count; first += 4, to += 4 * depth) {
    const rows = Math.min(4, count - first);
    if (rowStride === 1 && rows === 4) {
      let from = at + first;
      for (let k = 0, o = to; k < depth; k++, o += 4, from += depthStride) {
        panels[o] = a[from]!;
        panels[o + 1] = a[from + 1]!;
        panels[o + 2] = a[from + 2]!;
        panels[o + 3] = a[from + 3]!;
      }
      continue;
    }
    for (let r = 0; r < rows; r++) {
      let from = at + (first + r) * rowStride;
      for (let k = 0, o = to + r; k < depth; k++, o += 4, from += depthStride) {
        panels[o] = a[from]!;
      }
    }
    for (let r = rows; r < 4; r++) {
      for (let k = 0, o = to + r; k < depth; k++, o += 4) panels[o] = 0;
    }
  }
}

/** One tile of the product of two panels, to `tile`. */
function multiplyPanels(
  tile: Float64Array,
  a: Float64Array,
  p: number,
  b: Float64Array,
  q: number,
  depth: number,
): void {
  let c00 = 0, c01 = 0, c02 = 0, c03 = 0;
  let c10 = 0, c11 = 0, c12 = 0, c13 = 0;
  let c20 = 0, c21 = 0, c22 = 0, c23 = 0;
  let c30 = 0, c31 = 0, c32 = 0, c33 = 0;
  for (let k = 0; k < depth; k++, p += 4, q += 4) {
    const b0 = b[q]!, b1 = b[q + 1]!, b2 = b[q + 2]!, b3 = b[q + 3]!;
    const a0 = a[p]!;
    c00 += a0 * b0, c01 += a0 * b1, c02 += a0 * b2, c03 += a0 * b3;
    const a1 = a[p + 1]!;
    c10 += a1 * b0, c11 += a1 * b1, c12 += a1 * b2, c13 += a1 * b3;
    const a2 = a[p + 2]!;
    c20 += a2 * b0, c21 += a2 * b1, c22 += a2 * b2, c23 += a2 * b3;
    const a3 = a[p + 3]!;
    c30 += a3 * b0, c31 += a3 * b1, c32 += a3 * b2, c33 += a3 * b3;
  }
  tile[0] = c00, tile[1] = c01, tile[2] = c02, tile[3] = c03;
  tile[4] = c10, tile[5] = c11, tile[6] = c12, tile[7] = c13;
  tile[8] = c20, tile[9] = c21, tile[10] = c22, tile[11] = c23;
  tile[12] = c30, tile[13] = c31, tile[14] = c32, tile[15] = c33;
}

const smallLoops = /* @__PURE__ */ perDType(loopSmall);
const integerLoops = /* @__PURE__ */ perDType(loopIntegers);
const packLoops = /* @__PURE__ */ perDType(loopPack);

function loopExceeds(a: TypedArray, bound: number): boolean {
  for (let k = 0; k < a.length; k++) if (Math.abs(a[k]!) > bound) return true;
  return false;
}

const exceedLoops = /* @__PURE__ */ perDType(loopExceeds);

/**
 * Writes products of matrices to `out`: for each of `count` pairs, `a` is `rows` x `depth` and `b` is
 * `depth` x `columns`, one behind the other.
 */
export function multiplyMatrices(
  dtype: DType,
  out: TypedArray,
  a: TypedArray,
  b: TypedArray,
  count: number,
  rows: number,
  depth: number,
  columns: number,
): void {
  const overflow = overflowOf(dtype);
  // Panels do not look for overflow: they are for what cannot, whatever the order.
  const mayOverflow = (): boolean => {
    const [exceeds, bound] = [exceedLoops(dtype), Math.sqrt(overflow / depth)];
    return exceeds(a, bound) || exceeds(b, bound);
  };
  const straight = isInteger(dtype) || rows * depth * columns <= SMALL || rows < TILE ||
    columns < TILE || mayOverflow();
  const outSize = rows * columns, aSize = rows * depth, bSize = depth * columns;
  if (straight) {
    const loop = isInteger(dtype) ? integerLoops(dtype) : smallLoops(dtype);
    for (let i = 0; i < count; i++) {
      loop(overflow, out, i * outSize, a, i * aSize, b, i * bSize, rows, depth, columns);
    }
    return;
  }
  const pack = packLoops(dtype);
  const padded = (n: number): number => Math.ceil(n / TILE) * TILE;
  const left = new Float64Array(padded(rows) * depth);
  const right = new Float64Array(padded(columns) * depth);
  const tile = new Float64Array(TILE * TILE);
  for (let i = 0; i < count; i++) {
    pack(left, a, i * aSize, rows, depth, depth, 1);
    pack(right, b, i * bSize, columns, depth, 1, columns);
    for (let column = 0; column < columns; column += TILE) {
      const width = Math.min(TILE, columns - column);
      for (let row = 0; row < rows; row += TILE) {
        multiplyPanels(tile, left, row * depth, right, column * depth, depth);
        const height = Math.min(TILE, rows - row);
        for (let r = 0; r < height; r++) {
          const to = i * outSize + (row + r) * columns + column;
          for (let c = 0; c < width; c++) out[to + c] = tile[TILE * r + c]!;
        }
      }
    }
  }
}

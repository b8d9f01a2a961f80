/**
 * Loops of elementwise operations over typed arrays, with NumPy broadcasting.
 *
 * Owns how elements are walked, and nothing of what an operation means. Inputs are row-major and never
 * written to.
 *
 * @module
 */
import type { TypedArray } from "../../core/dtype.ts";
import { fresh } from "../loops/specialise.ts";
import { broadcastStrides, mergeAxes, Odometer } from "../loops/strides.ts";

/** A function of one element. */
export type Scalar1 = (x: number) => number;
/** A function of two elements. */
export type Scalar2 = (x: number, y: number) => number;

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

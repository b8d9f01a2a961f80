/**
 * Sums of products of two arrays, in their common dtype: what `products.ts` has with options, and arrays as
 * methods.
 *
 * @module
 */
import type { NDArray, Operand } from "../core/array.ts";
import { broadcastShapes } from "../core/aval.ts";
import { formatShape, ShapeError } from "../core/errors.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { mul } from "../primitives/elementwise/arithmetic.ts";
import { moveAxis } from "../primitives/shape/transpose.ts";
import { broadcastTo } from "../primitives/sum/broadcast.ts";
import { boolToInt, expectArray, promote } from "./operands.ts";

export const NAMES: readonly [string, string] = ["x", "y"];
export const NONE: readonly [number[], number[]] = [[], []];

/** Two arrays of one dtype; numbers are refused. */
export function arrays(op: string, x: NDArray, y: NDArray): [NDArray, NDArray] {
  expectArray(op, x, "x");
  expectArray(op, y, "y");
  return promote(op, x, y, boolToInt, NAMES);
}

/** The error for lengths that must be equal and are not. */
export function misaligned(op: string, x: NDArray, i: number, y: NDArray, j: number): ShapeError {
  return new ShapeError(
    `${op}: shapes ${formatShape(x.shape)} and ${
      formatShape(y.shape)
    } do not fit: axis ${i} of the first has length ${x.shape[i]}, axis ${j} of the second ${
      y.shape[j]
    }. They are summed over together, so they must be equal`,
  );
}

/** Sums over one axis of each. */
export function contracted(op: string, x: NDArray, i: number, y: NDArray, j: number): NDArray {
  if (x.shape[i] !== y.shape[j]) throw misaligned(op, x, i, y, j);
  return dotGeneral(x, y, { contract: [[i], [j]], batch: NONE });
}

/** Matrix product, with nothing else to say about it. */
export function matmul(x: NDArray, y: NDArray): NDArray {
  const [a, b] = arrays("matmul", x, y);
  if (a.ndim === 0 || b.ndim === 0) {
    throw new ShapeError(
      `matmul: shapes ${formatShape(a.shape)} and ${
        formatShape(b.shape)
      }: a scalar has no matrix product. Use np.mul`,
    );
  }
  const i = a.ndim - 1;
  const j = Math.max(0, b.ndim - 2);
  if (b.ndim <= 2) return contracted("matmul", a, i, b, j);
  if (a.ndim <= 2) {
    // The rows of the left operand come first: they belong behind the leading axes.
    const out = contracted("matmul", a, i, b, j);
    return a.ndim === 1 ? out : moveAxis(out, 0, out.ndim - 2);
  }
  if (a.shape[i] !== b.shape[j]) throw misaligned("matmul", a, i, b, j);
  const lead = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const batch = lead.map((_, k) => k);
  const k = lead.length;
  return dotGeneral(
    broadcastTo(a, [...lead, ...a.shape.slice(-2)]),
    broadcastTo(b, [...lead, ...b.shape.slice(-2)]),
    { contract: [[k + 1], [k]], batch: [batch, batch] },
  );
}

/** The product `dot`, with nothing else to say about it. */
export function dot(x: Operand, y: Operand): NDArray {
  const [a, b] = promote("dot", x, y, boolToInt, NAMES);
  if (a.ndim === 0 || b.ndim === 0) return mul(a, b);
  return contracted("dot", a, a.ndim - 1, b, Math.max(0, b.ndim - 2));
}

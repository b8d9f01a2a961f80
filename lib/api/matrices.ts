/**
 * Checks of arguments that are matrices, for the functions of linear algebra.
 *
 * Sums of products of two arrays, in their common dtype: what `products.ts` has with options, and arrays as
 * methods.
 *
 * @module
 */
import {
  broadcastShapes,
  formatShape,
  type NDArray,
  type Operand,
  ShapeError,
} from "../core/mod.ts";
import { transposed } from "../linalg/matrices.ts";
import {
  add,
  broadcastTo,
  dotGeneral,
  moveAxis,
  mul,
  reshape,
  scalarLike,
} from "../primitives/mod.ts";
import { asFloat, expectArray, floatOr32, promote, times } from "./operands.ts";

/** Matrices of floats. */
export function matrices(op: string, a: NDArray, what = "the matrix"): NDArray {
  const x = asFloat(op, expectArray(op, a, what));
  if (x.ndim < 2) {
    throw new ShapeError(
      `${op}: ${what} must have the shape [..., m, n], but it has ${
        formatShape(x.shape)
      }. Make a ` +
        "vector a matrix of one column with x.reshape([-1, 1])",
    );
  }
  return x;
}

/** Square matrices of floats. */
export function squares(op: string, a: NDArray): NDArray {
  const x = asFloat(op, expectArray(op, a, "the matrix"));
  if (x.ndim < 2 || x.shape.at(-1) !== x.shape.at(-2)) {
    throw new ShapeError(
      `${op}: the matrix must be square, of shape [..., n, n], but has shape ${
        formatShape(x.shape)
      }`,
    );
  }
  return x;
}

/** Matrices with right-hand sides as columns. */
export interface System {
  /** `[..., m, n]` */
  readonly a: NDArray;
  /** `[..., m, k]`, with the same leading axes. */
  readonly b: NDArray;
  /** The solution in the shape that the right-hand side asks for. */
  readonly back: (x: NDArray) => NDArray;
}

/**
 * Matrices and right-hand sides of one dtype and with one list of leading axes; a vector is one column
 * for all matrices.
 */
export function system(op: string, matrix: NDArray, side: NDArray): System {
  expectArray(op, side, "the right-hand side");
  const [a, given] = promote(op, matrix, side, floatOr32);
  const [m, n] = a.shape.slice(-2) as [number, number];
  const vector = given.ndim === 1;
  const b = vector ? reshape(given, [given.size, 1]) : given;
  if (b.ndim < 2 || b.shape.at(-2) !== m) {
    throw new ShapeError(
      `${op}: a matrix of shape ${
        formatShape(a.shape)
      } takes a right-hand side of shape [${m}] or [..., ${m}, k], but b has shape ${
        formatShape(given.shape)
      }`,
    );
  }
  const lead = broadcastShapes(op, a.shape.slice(0, -2), b.shape.slice(0, -2));
  return {
    a: broadcastTo(a, [...lead, m, n]),
    b: broadcastTo(b, [...lead, m, b.shape.at(-1)!]),
    back: (x) => vector ? reshape(x, x.shape.slice(0, -1)) : x,
  };
}

/** The mean of matrices and their transposes. */
export function symmetrized(x: NDArray): NDArray {
  return mul(add(x, transposed(x)), scalarLike(0.5, x));
}

export const NAMES: readonly [string, string] = ["x", "y"];
export const NONE: readonly [number[], number[]] = [[], []];

/** Two arrays of one dtype; numbers are refused. */
export function arrays(op: string, x: NDArray, y: NDArray): [NDArray, NDArray] {
  expectArray(op, x, "x");
  expectArray(op, y, "y");
  return promote(op, x, y, undefined, NAMES);
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
  const [a, b] = promote("dot", x, y, undefined, NAMES);
  if (a.ndim === 0 || b.ndim === 0) return times(a, b);
  return contracted("dot", a, a.ndim - 1, b, Math.max(0, b.ndim - 2));
}

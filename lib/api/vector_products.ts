/**
 * Products of vectors: inner ones along an axis, of matrices and vectors in batches, cross products,
 * Kronecker's, and traces.
 *
 * @module
 */
import type { AxisOr, DiagonalOptions, Named } from "../core/method_options.ts";
import {
  broadcastShapes,
  checkCall,
  checkRoom,
  type DType,
  DTypeError,
  expectInteger,
  formatAval,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import {
  concatenate,
  convert,
  expandDims,
  moveAxis,
  mul,
  onesLike,
  reshape,
  rev,
  slice,
  sub,
} from "../primitives/mod.ts";
import { zeros } from "./creation.ts";
import type { DTypeOptions, ProductOptions } from "./arguments.ts";
import { diagonalsOf } from "./indices.ts";
import {
  asOperand,
  boolToInt,
  expectArray,
  expectAxis,
  expectPreferred,
  expectRank,
  isNamed,
  promote,
  times,
} from "./operands.ts";
import { diagonalOptions, dtypeOptions, productOptions } from "./options.ts";
import { sum } from "./reductions.ts";
import { matmul, misaligned } from "./matrices.ts";

/** Two arrays of one dtype. */
function pair(
  op: string,
  x: Operand,
  y: Operand,
  adjust?: (dtype: DType) => DType,
): [NDArray, NDArray] {
  return promote(op, asOperand(op, x), asOperand(op, y, "y"), adjust, ["x", "y"]);
}

/**
 * Inner products along `axis`, which broadcast on the others, as `jax.numpy.vecdot`.
 *
 * @throws {ShapeError} where the lengths along the axis differ, or other axes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.vecdot(np.array([[1, 2], [3, 4]]), np.array([1, 1])).toArray()); // [ 3, 7 ]
 * ```
 */
export function vecdot(
  x: NDArray,
  y: NDArray,
  axis: number | Named<ProductOptions, { axis: number }> = -1,
  options: ProductOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("vecdot(x, y, axis, options)", arguments, productOptions, 2);
  }
  if (isNamed(axis)) return vecdot(x, y, axis.axis, axis);
  const [given, other] = pair("vecdot", x, y);
  const dtype = expectPreferred("vecdot", options.preferredElementType, given.dtype);
  const [a, b] = [convert(given, dtype), convert(other, dtype)];
  expectRank("vecdot", "x", a, 1);
  expectRank("vecdot", "y", b, 1);
  const along = (z: NDArray): NDArray =>
    moveAxis(z, expectAxis("vecdot", axis, z.ndim), z.ndim - 1);
  const [u, v] = [along(a), along(b)];
  const [m, n] = [u.shape.at(-1), v.shape.at(-1)];
  if (m !== n) {
    throw new ShapeError(
      `vecdot: x has shape ${formatShape(a.shape)} and y ${
        formatShape(b.shape)
      }: along axis ${axis} one has ${m} elements, the other ${n}`,
    );
  }
  // The batched product of rows and columns.
  const out = matmul(expandDims(u, [u.ndim - 1]), expandDims(v, [v.ndim]));
  return reshape(out, out.shape.slice(0, -2));
}

/**
 * Products of matrices [..., m, n] and vectors [..., n], which broadcast, as `jax.numpy.matvec`.
 *
 * @throws {ShapeError} where lengths differ, or leading axes do not broadcast.
 */
export function matvec(x: NDArray, y: NDArray): NDArray {
  if (arguments.length > 2) checkCall("matvec(x, y)", arguments);
  const [a, b] = pair("matvec", x, y);
  expectRank("matvec", "x", a, 2);
  expectRank("matvec", "y", b, 1);
  if (a.shape.at(-1) !== b.shape.at(-1)) throw misaligned("matvec", a, a.ndim - 1, b, b.ndim - 1);
  broadcastShapes("matvec", a.shape.slice(0, -2), b.shape.slice(0, -1));
  const out = matmul(a, expandDims(b, [b.ndim]));
  return reshape(out, out.shape.slice(0, -1));
}

/**
 * Products of vectors [..., m] and matrices [..., m, n], which broadcast, as `jax.numpy.vecmat`.
 *
 * @throws {ShapeError} where lengths differ, or leading axes do not broadcast.
 */
export function vecmat(x: NDArray, y: NDArray): NDArray {
  if (arguments.length > 2) checkCall("vecmat(x, y)", arguments);
  const [a, b] = pair("vecmat", x, y);
  expectRank("vecmat", "x", a, 1);
  expectRank("vecmat", "y", b, 2);
  if (a.shape.at(-1) !== b.shape.at(-2)) throw misaligned("vecmat", a, a.ndim - 1, b, b.ndim - 2);
  broadcastShapes("vecmat", a.shape.slice(0, -1), b.shape.slice(0, -2));
  const out = matmul(expandDims(a, [a.ndim - 1]), b);
  return reshape(out, out.shape.toSpliced(-2, 1));
}

/** Options of {@linkcode cross}, which do not count where its axis is given. */
export interface CrossOptions {
  /** The axis of the vectors in `x`; the last one where left out. */
  readonly axisa?: number | undefined;
  /** The axis of the vectors in `y`; the last one where left out. */
  readonly axisb?: number | undefined;
  /** The axis of the vectors in the result; the last one where left out. */
  readonly axisc?: number | undefined;
}

const crossOptions: OptionTable<CrossOptions> = {
  axisa: "number",
  axisb: "number",
  axisc: "number",
};

/**
 * Cross products of vectors with 2 or 3 elements along `axis`, as `jax.numpy.cross`; of two with 2, the
 * third component alone.
 *
 * @throws {ShapeError} where the axis has another length, or other axes do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.cross(np.array([1, 0, 0]), np.array([0, 1, 0])).toArray()); // [ 0, 0, 1 ]
 * ```
 */
export function cross(
  x: NDArray,
  y: NDArray,
  axis: AxisOr<CrossOptions> = null,
  options: CrossOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("cross(x, y, axis, options)", arguments, crossOptions, 2);
  }
  if (isNamed(axis)) return cross(x, y, axis.axis, axis);
  const { axisa = axis ?? -1, axisb = axis ?? -1, axisc = axis ?? -1 } = axis === null
    ? options
    : {};
  const [a, b] = pair("cross", x, y, boolToInt);
  expectRank("cross", "x", a, 1);
  expectRank("cross", "y", b, 1);
  const parts = (name: string, z: NDArray, axis: number): NDArray[] => {
    const along = expectAxis("cross", axis, z.ndim);
    const n = z.shape[along]!;
    if (n !== 2 && n !== 3) {
      throw new ShapeError(
        `cross: ${name} has shape ${
          formatShape(z.shape)
        } and so ${n} elements along axis ${along}, but vectors have 2 or 3`,
      );
    }
    const last = moveAxis(z, along, z.ndim - 1);
    const lead = last.shape.slice(0, -1);
    return Array.from(
      { length: n },
      (_, i) => reshape(slice(last, [...lead.map(() => 0), i], [...lead, i + 1]), lead),
    );
  };
  const [u, v] = [parts("x", a, axisa), parts("y", b, axisb)];
  const third = sub(mul(u[0]!, v[1]!), mul(u[1]!, v[0]!));
  if (u.length === 2 && v.length === 2) return third;
  // Of one with 2, the third component is 0.
  const zero = (z: NDArray): NDArray => sub(z, z);
  const [u2, v2] = [u[2] ?? zero(onesLike(u[0]!)), v[2] ?? zero(onesLike(v[0]!))];
  const first = sub(mul(u[1]!, v2), mul(u2, v[1]!));
  const second = sub(mul(u2, v[0]!), mul(u[0]!, v2));
  const rank = third.ndim;
  const out = concatenate([first, second, third].map((z) => expandDims(z, [rank])), rank);
  return moveAxis(out, rank, expectAxis("cross", axisc, rank + 1));
}

/**
 * Kronecker's product: blocks `x[i, j] y`, as `jax.numpy.kron`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.kron(np.array([1, 10]), np.array([1, 2])).toArray()); // [ 1, 2, 10, 20 ]
 * ```
 */
export function kron(x: Operand, y: Operand): NDArray {
  if (arguments.length > 2) checkCall("kron(x, y)", arguments);
  const [a, b] = pair("kron", x, y);
  const rank = Math.max(a.ndim, b.ndim);
  const full = (z: NDArray): number[] => [
    ...new Array<number>(rank - z.ndim).fill(1),
    ...z.shape,
  ];
  const [m, n] = [full(a), full(b)];
  const product = times(
    reshape(a, m.flatMap((k) => [k, 1])),
    reshape(b, n.flatMap((k) => [1, k])),
  );
  return reshape(product, m.map((k, i) => k * n[i]!));
}

/** Options of {@linkcode vander}. */
export interface VanderOptions {
  /** Whether powers grow from left to right. */
  readonly increasing?: boolean | undefined;
}

const vanderOptions: OptionTable<VanderOptions> = { increasing: "boolean" };

/**
 * Vandermonde's matrix of a vector [m]: powers of its elements as rows [m, n], the highest first, as
 * `jax.numpy.vander`.
 *
 * @throws {ShapeError} where `x` is not a vector.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.vander(np.array([2, 3]), 3).toArray()); // [ [ 4, 2, 1 ], [ 9, 3, 1 ] ]
 * ```
 */
export function vander(
  x: NDArray,
  n?: number | null | Named<VanderOptions, { n: number | null }>,
  options: VanderOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("vander(x, n, options)", arguments, vanderOptions, 1);
  }
  if (isNamed(n)) return vander(x, n.n, n);
  const a = expectArray("vander", x);
  if (a.ndim !== 1) {
    throw new ShapeError(`vander: x has shape ${formatShape(a.shape)}, but must be a vector`);
  }
  if (a.dtype === "bool") {
    throw new DTypeError(
      `vander: x is ${formatAval(a.aval)}, and must hold numbers. Convert it with astype("int32")`,
    );
  }
  const columns = n ?? a.size;
  expectInteger("vander", columns, "n", 0);
  checkRoom("vander", { shape: [a.size, columns], dtype: a.dtype });
  if (columns === 0) return zeros([a.size, 0], { dtype: a.dtype });
  const powers: NDArray[] = [onesLike(a)];
  for (let k = 1; k < columns; k++) powers.push(mul(powers[k - 1]!, a));
  const out = concatenate(powers.map((p) => reshape(p, [a.size, 1])), 1);
  return options.increasing ? out : rev(out, [1]);
}

/** Options of {@linkcode trace}. */
export interface TraceOptions extends DiagonalOptions, DTypeOptions {}

const traceOptions: OptionTable<TraceOptions> = /* @__PURE__ */ tableOf(
  diagonalOptions,
  dtypeOptions,
);

/**
 * Sums of diagonals, as `jax.numpy.trace`: the axes are chosen as in `diagonal`.
 *
 * @throws {ShapeError} where `x` has less than two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.trace(np.array([[1, 2], [3, 4]])).item()); // 5
 * ```
 */
export function trace(
  x: NDArray,
  offset: number | null | TraceOptions = 0,
  options: Omit<TraceOptions, "offset"> = {},
): NDArray {
  if (arguments.length > 1) {
    options = readOptions("trace(x, offset, options)", arguments, traceOptions, 1);
  }
  const { dtype, ...where } = isNamed(offset) ? options : { ...options, offset: offset ?? 0 };
  const diagonals = diagonalsOf("trace", x, where);
  return sum(diagonals, -1, { dtype });
}

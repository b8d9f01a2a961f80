/**
 * Linear operators on vectors: what is stored of them and what is known of them. `operator.ts` makes of
 * them operators on trees.
 *
 * @module
 */
import { type DType, DTypeError, formatShape, type NDArray, ShapeError } from "../../core/mod.ts";
import { identity, transposed } from "../../linalg/matrices.ts";
import {
  add,
  concatenate,
  convert,
  dotGeneral,
  full,
  mul,
  pad,
  reshape,
  slice,
  stopGradient,
} from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";

/** What is known of an operator. It is held against elements, else against a product where a derivative rests on it. */
export interface LinearTags {
  /** Whether it is its own transpose. */
  readonly symmetric?: boolean | undefined;
  /** Whether it is symmetric and `x . A x > 0` for all x but 0. */
  readonly positiveDefinite?: boolean | undefined;
  /** Which triangle holds all that is not 0. */
  readonly triangular?: "lower" | "upper" | undefined;
}

/** What is stored of an operator. */
export type Stored =
  | { readonly kind: "matrix"; readonly matrix: NDArray }
  | { readonly kind: "diagonal"; readonly diagonal: NDArray }
  | {
    readonly kind: "tridiagonal";
    readonly lower: NDArray;
    readonly diagonal: NDArray;
    readonly upper: NDArray;
  }
  /** Products alone. */
  | { readonly kind: "products" };

/** What an operator is made of, so that it can be taken apart and put together as a tree. */
export interface Parts {
  /** How. */
  readonly kind: Stored["kind"] | "sum" | "scaled" | "product" | "transposed" | "made";
  /** Arrays. */
  readonly arrays: Readonly<Record<string, NDArray>>;
  /** Operators. */
  readonly of: readonly Form[];
  /** A function, which is part of the structure. */
  readonly f: ((v: NDArray) => NDArray) | null;
  /** Of operators that are made elsewhere (`within.ts`): how, and what else it takes, which compares by content. */
  readonly made?: Made | undefined;
}

/** How an operator is put together of others. */
export interface Made {
  /** One function for all of a kind, as it is compared by identity. */
  readonly build: (
    of: readonly Form[],
    arrays: Readonly<Record<string, NDArray>>,
    layout: readonly unknown[],
    tags: LinearTags,
  ) => Form;
  /** What else it takes. */
  readonly layout: readonly unknown[];
}

/** What is known of an operator without looking at an array. */
type Frame = Pick<Form, "rows" | "columns" | "dtype" | "tags">;

/** A linear operator from vectors `[columns]` to vectors `[rows]`, of one dtype. */
export interface Form {
  /** Numbers that it gives. */
  readonly rows: number;
  /** Numbers that it takes. */
  readonly columns: number;
  /** Of both. */
  readonly dtype: DType;
  /** What is known of it. */
  readonly tags: LinearTags;
  /** What is stored of it. */
  readonly stored: Stored;
  /** What it is made of. */
  readonly parts: Parts;
  /** The `LinearMethod` that makes use of that, where there is one: what is chosen by default. */
  readonly own?: object | undefined;
  /** `A v`. */
  apply(v: NDArray, transforms: Transforms): NDArray;
  /** `A^T u`. */
  pull(u: NDArray, transforms: Transforms): NDArray;
  /** The matrix, `[rows, columns]`. */
  matrix(transforms: Transforms): NDArray;
}

/** `M v`. */
export function times(m: NDArray, v: NDArray): NDArray {
  return dotGeneral(m, v, { contract: [[1], [0]], batch: [[], []] });
}

/** `M^T u`. */
export function timesTransposed(m: NDArray, u: NDArray): NDArray {
  return dotGeneral(m, u, { contract: [[0], [0]], batch: [[], []] });
}

/** A matrix `[m, n]`. */
export function matrixForm(matrix: NDArray, tags: LinearTags = {}): Form {
  const [rows, columns] = matrix.shape as [number, number];
  return ofMatrix(matrix, { rows, columns, dtype: matrix.dtype, tags });
}

function ofMatrix(matrix: NDArray, frame: Frame): Form {
  return {
    ...frame,
    stored: { kind: "matrix", matrix },
    parts: { kind: "matrix", arrays: { matrix }, of: [], f: null },
    apply: (v) => times(matrix, v),
    pull: (u) => timesTransposed(matrix, u),
    matrix: () => matrix,
  };
}

/** A diagonal `[n]`. */
export function diagonalForm(diagonal: NDArray, tags: LinearTags = {}): Form {
  const { size: n, dtype } = diagonal;
  return ofDiagonal(diagonal, { rows: n, columns: n, dtype, tags: { ...tags, symmetric: true } });
}

function ofDiagonal(diagonal: NDArray, frame: Frame): Form {
  const apply = (v: NDArray): NDArray => mul(diagonal, v);
  return {
    ...frame,
    stored: { kind: "diagonal", diagonal },
    parts: { kind: "diagonal", arrays: { diagonal }, of: [], f: null },
    apply,
    pull: apply,
    matrix: () => mul(identity(frame.rows, frame.dtype), diagonal),
  };
}

/** `v[i - 1]` in the place of `v[i]`; 0 comes first. */
export function fromBefore(v: NDArray): NDArray {
  return slice(pad(v, full([], 0, v.dtype), [1], [0]), [0], [v.size]);
}

/** `v[i + 1]` in the place of `v[i]`; 0 comes last. */
export function fromBehind(v: NDArray): NDArray {
  return slice(pad(v, full([], 0, v.dtype), [0], [1]), [1], [v.size + 1]);
}

/** `(A v)[i] = lower[i] v[i - 1] + diagonal[i] v[i] + upper[i] v[i + 1]`; all `[n]`. */
export function tridiagonalForm(
  lower: NDArray,
  diagonal: NDArray,
  upper: NDArray,
  tags: LinearTags = {},
): Form {
  const { size: n, dtype } = diagonal;
  return ofBands(lower, diagonal, upper, { rows: n, columns: n, dtype, tags });
}

function ofBands(lower: NDArray, diagonal: NDArray, upper: NDArray, frame: Frame): Form {
  const apply = (v: NDArray): NDArray =>
    add(add(mul(lower, fromBefore(v)), mul(diagonal, v)), mul(upper, fromBehind(v)));
  return {
    ...frame,
    stored: { kind: "tridiagonal", lower, diagonal, upper },
    parts: { kind: "tridiagonal", arrays: { lower, diagonal, upper }, of: [], f: null },
    apply,
    pull: (u) => add(add(fromBehind(mul(lower, u)), mul(diagonal, u)), fromBefore(mul(upper, u))),
    matrix: (transforms) => columnsOf(apply, frame.rows, frame.dtype, transforms),
  };
}

/** The matrix of a map, by its products with all unit vectors at once. */
function columnsOf(
  apply: (v: NDArray) => NDArray,
  n: number,
  dtype: DType,
  transforms: Transforms,
): NDArray {
  return transposed(transforms.vmap(apply)(identity(n, dtype)) as NDArray);
}

const products: Stored = { kind: "products" };

/** A linear function of vectors. */
export function functionForm(
  rows: number,
  columns: number,
  dtype: DType,
  f: (v: NDArray) => NDArray,
  tags: LinearTags = {},
): Form {
  return {
    rows,
    columns,
    dtype,
    tags,
    stored: products,
    parts: { kind: "products", arrays: {}, of: [], f },
    apply: (v) => f(v),
    pull(u, transforms) {
      // The derivative of a linear function is the same wherever it is taken.
      const [, pull] = transforms.vjp(f, [full([columns], 0, dtype)]);
      return pull(u)[0] as NDArray;
    },
    matrix: (transforms) => columnsOf(f, columns, dtype, transforms),
  };
}

/**
 * An operator that is applied once, now: a function that uses modules would write and draw again with each of
 * several products, and then be several functions. And what it gives at 0, which is 0 where it is linear.
 */
export function appliedOnce(
  a: Form,
  transforms: Transforms,
): { form: Form; offset: NDArray | null } {
  if (isStored(a)) return { form: a, offset: null };
  const { rows, columns, dtype, tags } = a;
  const at = full([columns], 0, dtype);
  const [offset, push] = transforms.linearize((v: NDArray) => a.apply(v, transforms), [at]);
  const form = functionForm(rows, columns, dtype, push as (v: NDArray) => NDArray, tags);
  return { form, offset: stopGradient(offset as NDArray) };
}

const both = (a: boolean | undefined, b: boolean | undefined): boolean => a === true && b === true;

/** The triangle that two operators share. */
function shared(a: Form, b: Form): LinearTags["triangular"] {
  const [s, t] = [triangleOf(a), triangleOf(b)];
  if (s === "both") return t === "both" ? undefined : t;
  return t === "both" || s === t ? s : undefined;
}

function triangleOf({ stored, tags }: Form): "lower" | "upper" | "both" | undefined {
  return stored.kind === "diagonal" ? "both" : tags.triangular;
}

/** `A + B`. */
export function sumForm(a: Form, b: Form): Form {
  const tags: LinearTags = {
    symmetric: both(isSymmetric(a.tags), isSymmetric(b.tags)),
    positiveDefinite: both(a.tags.positiveDefinite, b.tags.positiveDefinite),
    triangular: shared(a, b),
  };
  const [s, t] = [a.stored, b.stored];
  if (s.kind === "diagonal" && t.kind === "diagonal") {
    return diagonalForm(add(s.diagonal, t.diagonal), tags);
  }
  if (s.kind === "matrix" && t.kind === "matrix") return matrixForm(add(s.matrix, t.matrix), tags);
  if (s.kind === "tridiagonal" && t.kind === "diagonal") {
    return tridiagonalForm(s.lower, add(s.diagonal, t.diagonal), s.upper, tags);
  }
  if (s.kind === "diagonal" && t.kind === "tridiagonal") return sumForm(b, a);
  if (s.kind === "tridiagonal" && t.kind === "tridiagonal") {
    return tridiagonalForm(
      add(s.lower, t.lower),
      add(s.diagonal, t.diagonal),
      add(s.upper, t.upper),
      tags,
    );
  }
  return ofSum(a, b, tags);
}

function ofSum(a: Form, b: Form, tags: LinearTags): Form {
  return {
    ...a,
    own: undefined,
    tags,
    stored: products,
    parts: { kind: "sum", arrays: {}, of: [a, b], f: null },
    apply: (v, d) => add(a.apply(v, d), b.apply(v, d)),
    pull: (u, d) => add(a.pull(u, d), b.pull(u, d)),
    matrix: (d) => add(a.matrix(d), b.matrix(d)),
  };
}

/** `c A` for a scalar `c`, which is an array. */
export function scaledForm(a: Form, c: NDArray, positive: boolean): Form {
  const tags: LinearTags = { ...a.tags, positiveDefinite: a.tags.positiveDefinite && positive };
  if (isSymmetric(a.tags)) Object.assign(tags, { symmetric: true });
  const s = a.stored;
  if (s.kind === "matrix") return matrixForm(mul(s.matrix, c), tags);
  if (s.kind === "diagonal") return diagonalForm(mul(s.diagonal, c), tags);
  if (s.kind === "tridiagonal") {
    return tridiagonalForm(mul(s.lower, c), mul(s.diagonal, c), mul(s.upper, c), tags);
  }
  return ofScaled(a, c, tags);
}

function ofScaled(a: Form, c: NDArray, tags: LinearTags): Form {
  return {
    ...a,
    own: undefined,
    tags,
    parts: { kind: "scaled", arrays: { c }, of: [a], f: null },
    apply: (v, d) => mul(a.apply(v, d), c),
    pull: (u, d) => mul(a.pull(u, d), c),
    matrix: (d) => mul(a.matrix(d), c),
  };
}

/** `A B`. */
export function productForm(a: Form, b: Form): Form {
  if (a.columns !== b.rows) {
    throw new ShapeError(
      `LinearOperator: an operator on ${a.columns} numbers cannot follow one that gives ${b.rows}`,
    );
  }
  const tags: LinearTags = { triangular: shared(a, b) };
  if (a.stored.kind === "diagonal" && b.stored.kind === "diagonal") {
    return diagonalForm(mul(a.stored.diagonal, b.stored.diagonal));
  }
  return ofProduct(a, b, tags);
}

function ofProduct(a: Form, b: Form, tags: LinearTags): Form {
  return {
    rows: a.rows,
    columns: b.columns,
    dtype: a.dtype,
    tags,
    stored: products,
    parts: { kind: "product", arrays: {}, of: [a, b], f: null },
    apply: (v, d) => a.apply(b.apply(v, d), d),
    pull: (u, d) => b.pull(a.pull(u, d), d),
    matrix: (d) => dotGeneral(a.matrix(d), b.matrix(d), { contract: [[1], [0]], batch: [[], []] }),
  };
}

/** `A^T`. */
export function transposedForm(a: Form): Form {
  if (isSymmetric(a.tags)) return a;
  const { triangular } = a.tags;
  const tags: LinearTags = {
    ...a.tags,
    triangular: triangular && (triangular === "lower" ? "upper" : "lower"),
  };
  const s = a.stored;
  if (s.kind === "matrix") return matrixForm(transposed(s.matrix), tags);
  if (s.kind === "tridiagonal") {
    return tridiagonalForm(fromBefore(s.upper), s.diagonal, fromBehind(s.lower), tags);
  }
  return ofTransposed(a, tags);
}

function ofTransposed(a: Form, tags: LinearTags): Form {
  return {
    ...a,
    own: undefined,
    rows: a.columns,
    columns: a.rows,
    tags,
    parts: { kind: "transposed", arrays: {}, of: [a], f: null },
    apply: (v, d) => a.pull(v, d),
    pull: (u, d) => a.apply(u, d),
    matrix: (d) => transposed(a.matrix(d)),
  };
}

/** Whether an operator is said to be its own transpose. */
export function isSymmetric({ symmetric, positiveDefinite }: LinearTags): boolean {
  return symmetric === true || positiveDefinite === true;
}

/** Whether the elements of an operator are known, and not only its products. */
export function isStored({ stored }: Form): boolean {
  return stored.kind !== "products";
}

/** The operator, which `what` names, in another dtype: that of the system. */
export function converted(op: string, a: Form, dtype: DType, what = "an operator"): Form {
  if (a.dtype === dtype) return a;
  const s = a.stored;
  const to = (x: NDArray): NDArray => convert(x, dtype);
  if (s.kind === "matrix") return matrixForm(to(s.matrix), a.tags);
  if (s.kind === "diagonal") return diagonalForm(to(s.diagonal), a.tags);
  if (s.kind === "tridiagonal") {
    return tridiagonalForm(to(s.lower), to(s.diagonal), to(s.upper), a.tags);
  }
  throw new DTypeError(
    `${op}: the system is ${dtype}, but ${what} is a function of ${a.dtype}. Convert one of them with astype`,
  );
}

/** The operator as a constant: what is made of it for solving has no derivative. */
export function constant(a: Form, transforms: Transforms): Form {
  const s = a.stored;
  if (s.kind === "matrix") return matrixForm(stopGradient(s.matrix), a.tags);
  if (s.kind === "diagonal") return diagonalForm(stopGradient(s.diagonal), a.tags);
  if (s.kind === "tridiagonal") {
    const { lower, diagonal, upper } = s;
    return tridiagonalForm(
      stopGradient(lower),
      stopGradient(diagonal),
      stopGradient(upper),
      a.tags,
    );
  }
  return {
    ...a,
    apply: (v) => stopGradient(a.apply(v, transforms)),
    pull: (u) => stopGradient(a.pull(u, transforms)),
    matrix: () => stopGradient(a.matrix(transforms)),
  };
}

/** The arrays of an operator, as a tree, and all else: lists that compare by what is in them. */
export function takenApart({ rows, columns, dtype, tags, parts }: Form): [FormTree, unknown[]] {
  const within = parts.of.map(takenApart);
  return [
    [parts.arrays, within.map(([tree]) => tree)],
    [
      parts.kind,
      [rows, columns, dtype],
      [tags.symmetric, tags.positiveDefinite, tags.triangular],
      parts.f,
      parts.made === undefined ? null : [parts.made.build, parts.made.layout],
      within.map(([, rest]) => rest),
    ],
  ];
}

/** Arrays of an operator, and of those that it is made of. */
export type FormTree = readonly [Parts["arrays"], readonly FormTree[]];

/** The operator of these parts. The arrays may be anything: nothing is asked of them. */
export function putTogether([arrays, within]: FormTree, rest: readonly unknown[]): Form {
  const [kind, size, known, f, made, others] = rest as [
    Parts["kind"],
    readonly [number, number, DType],
    readonly [boolean | undefined, boolean | undefined, LinearTags["triangular"]],
    Parts["f"],
    readonly [Made["build"], Made["layout"]] | null,
    readonly (readonly unknown[])[],
  ];
  const [rows, columns, dtype] = size;
  const [symmetric, positiveDefinite, triangular] = known;
  const tags: LinearTags = { symmetric, positiveDefinite, triangular };
  const frame: Frame = { rows, columns, dtype, tags };
  const all = within.map((tree, i) => putTogether(tree, others[i]!));
  const [a, b] = all;
  switch (kind) {
    case "matrix":
      return ofMatrix(arrays.matrix!, frame);
    case "diagonal":
      return ofDiagonal(arrays.diagonal!, frame);
    case "tridiagonal":
      return ofBands(arrays.lower!, arrays.diagonal!, arrays.upper!, frame);
    case "products":
      return functionForm(rows, columns, dtype, f!, tags);
    case "made":
      return made![0](all, arrays, made![1], tags);
    case "sum":
      return ofSum(a!, b!, tags);
    case "scaled":
      return ofScaled(a!, arrays.c!, tags);
    case "product":
      return ofProduct(a!, b!, tags);
    case "transposed":
      return ofTransposed(a!, tags);
  }
}

/** A vector as a matrix of one column, and back. */
export function column(v: NDArray): NDArray {
  return reshape(v, [v.size, 1]);
}

/** The elements of a matrix of one column. */
export function flat(x: NDArray): NDArray {
  return reshape(x, [x.size]);
}

/** Two vectors, one after the other. */
export function joined(a: NDArray, b: NDArray): NDArray {
  return concatenate([a, b], 0);
}

/** The elements of a vector from one place up to another. */
export function part(v: NDArray, from: number, to: number): NDArray {
  return slice(v, [from], [to]);
}

/** Refuses operators that are not square. */
export function checkSquare(what: string, { rows, columns }: Form): void {
  if (rows === columns) return;
  throw new ShapeError(
    `linearSolve: ${what} solves square systems, but the operator has shape ${
      formatShape([rows, columns])
    }. Take qr(), svd() or lsmr(), which give least squares`,
  );
}

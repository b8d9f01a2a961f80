/**
 * Kinds of trees that operators take and give, and trees of a kind as vectors.
 *
 * @module
 */
import {
  DTypeError,
  formatAval,
  formatShape,
  isFloat,
  type NDArray,
  promoteDTypes,
  type ShapedArray,
  ShapeError,
  sizeOf,
  type TreeDef,
  TreeError,
  treeFlatten,
  treePaths,
  treeUnflatten,
} from "../../core/mod.ts";
import { concatenate, convert, reshape, slice, stopGradient } from "../../primitives/mod.ts";
import {
  called,
  checkSameType,
  flattenArrays,
  flattenResult,
  nameOf,
} from "../../transforms/trees.ts";
import { type Form, isStored } from "./form.ts";

/** A kind of tree, and how one is laid out as a vector. */
export interface Space {
  /** Its structure. */
  readonly def: TreeDef;
  /** Shapes and dtypes of its leaves. */
  readonly avals: readonly ShapedArray[];
  /** Number of elements of all leaves. */
  readonly size: number;
  /** The widest dtype of the leaves. */
  readonly dtype: ShapedArray["dtype"];
}

/** The kind of tree that has these leaves. */
export function spaceOf(
  op: string,
  what: string,
  avals: readonly ShapedArray[],
  def: TreeDef,
): Space {
  if (avals.length === 0) throw new TreeError(`${op}: ${what} has no arrays`);
  avals.forEach((aval, i) => {
    if (isFloat(aval.dtype)) return;
    throw new DTypeError(
      `${op}: ${what}${treePaths(def)[i]} is ${
        formatAval(aval)
      }, but must be floating-point. Convert with astype("float32")`,
    );
  });
  const size = avals.reduce((n, { shape }) => n + sizeOf(shape), 0);
  return { def, avals, size, dtype: avals.map((x) => x.dtype).reduce(promoteDTypes) };
}

/** Arrays and the kind of tree that they are in. */
export function laidOut(op: string, what: string, tree: unknown): [NDArray[], Space] {
  if (tree === undefined) {
    throw new TypeError(`${op}: ${what} must be an array or a tree of arrays, not undefined`);
  }
  const [leaves, def] = flattenArrays(op, tree, what);
  return [leaves, spaceOf(op, what, leaves.map((x) => x.aval), def)];
}

/** Leaves as a vector. */
export function ravel({ dtype }: Space, leaves: readonly NDArray[]): NDArray {
  const parts = leaves.map((x) => reshape(convert(x, dtype), [x.size]));
  return parts.length === 1 ? parts[0]! : concatenate(parts, 0);
}

/** A vector as a tree. */
export function unravel({ def, avals }: Space, v: NDArray): unknown {
  let at = 0;
  const leaves = avals.map((aval) => {
    const size = sizeOf(aval.shape);
    const own = avals.length === 1 ? v : slice(v, [at], [at += size]);
    return convert(reshape(own, aval.shape), aval.dtype);
  });
  return treeUnflatten(def, leaves);
}

/** A user's linear function on trees as one on vectors. */
export function onVectors(
  op: string,
  f: (x: never) => unknown,
  domain: Space,
  codomain: Space,
): (v: NDArray) => NDArray {
  return (v) => {
    const [ys, def] = flattenResult(op, f, called(f, [unravel(domain, v)]));
    checkSameType(
      op,
      `b and the result of ${nameOf(f)}`,
      codomain.avals,
      codomain.def,
      ys.map((y) => y.aval),
      def,
      "The function must give what b is. Where it takes another tree than it gives, say so: " +
        "LinearOperator.of(f, x)",
    );
    return ravel(codomain, ys);
  };
}

/** A kind of tree for numbers of a wider dtype than all of its leaves. */
export function widened(space: Space, dtype: Space["dtype"]): Space {
  if (promoteDTypes(space.dtype, dtype) === space.dtype) return space;
  return { ...space, avals: space.avals.map((aval) => ({ ...aval, dtype })), dtype };
}

/** Vectors like the rows or columns of a matrix. */
export function vectors(x: NDArray, n: number): Space {
  const [, def] = treeFlatten(x);
  return {
    def,
    avals: [{ shape: [n], dtype: x.dtype }],
    size: n,
    dtype: x.dtype,
  };
}

/** A kind of tree as lists that compare by what is in them. */
export type SpaceKey = readonly [
  TreeDef,
  ShapedArray["dtype"],
  number,
  readonly (readonly [ShapedArray["dtype"], readonly number[]])[],
];

/** The key of a kind of tree. */
export function spaceKey({ def, dtype, size, avals }: Space): SpaceKey {
  return [def, dtype, size, avals.map((a) => [a.dtype, a.shape] as const)];
}

/** The kind of tree of a key. */
export function spaceFrom([def, dtype, size, avals]: SpaceKey): Space {
  return { def, dtype, size, avals: avals.map(([dtype, shape]) => ({ dtype, shape })) };
}

/** The point to begin at, as a vector. */
export function startOf(
  op: string,
  x0: unknown,
  domain: Space,
  dtype: Form["dtype"],
): NDArray | null {
  if (x0 === undefined) return null;
  const [leaves, space] = laidOut(op, "x0", x0);
  checkSameType(
    op,
    "the unknowns and x0",
    domain.avals.map((a, i) => ({ ...a, dtype: space.avals[i]?.dtype ?? a.dtype })),
    domain.def,
    space.avals,
    space.def,
    "They must have the same structure and shapes",
  );
  return stopGradient(convert(ravel(space, leaves), dtype));
}

/** Refuses a right-hand side that is not what the operator gives. */
export function checkSide(
  op: string,
  wanted: Space,
  given: Space,
  form: Form,
  turned: boolean,
): void {
  const [only] = given.avals;
  if (isStored(form) && wanted.avals.length === 1 && given.avals.length === 1) {
    const [own] = wanted.avals;
    if (wanted.def === given.def && formatShape(own!.shape) !== formatShape(only!.shape)) {
      const columns = only!.shape.length === own!.shape.length + 1 &&
        only!.shape[0] === own!.shape[0];
      throw new ShapeError(
        `${op}: ${turned ? "the transpose of " : ""}an operator of shape ${
          formatShape([form.rows, form.columns])
        } takes a b of shape ${formatShape(own!.shape)}, not ${formatShape(only!.shape)}${
          columns
            ? ". For several right-hand sides as columns, map: vmap(..., { inAxes: 1, outAxes: 1 })"
            : ""
        }`,
      );
    }
  }
  checkSameType(
    op,
    "what the operator gives and b",
    wanted.avals.map((a, i) => ({ ...a, dtype: given.avals[i]?.dtype ?? a.dtype })),
    wanted.def,
    given.avals,
    given.def,
    "They must have the same structure and shapes",
  );
}

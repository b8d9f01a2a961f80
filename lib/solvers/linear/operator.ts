/**
 * Linear operators on trees.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatShape,
  NDArray,
  type OptionTable,
  promoteDTypes,
  registerPytreeNode,
  scalarArray,
  type ShapedArray,
  ShapeError,
  Shown,
  tableOf,
  treeFlatten,
  treeUnflatten,
} from "../../core/mod.ts";
import { asFloat, expectArray } from "../../api/operands.ts";
import { convert, pad, slice, zeros } from "../../primitives/mod.ts";
import { pure } from "../../transforms/pure.ts";
import type { Arrays, TreeLike } from "../../transforms/tree_types.ts";
import { checkFunction, checkSameType, nameOf } from "../../transforms/trees.ts";
import type { Transforms } from "../../transforms/types.ts";
import type { FloatTree } from "../fixed_point.ts";
import {
  converted,
  diagonalForm,
  type Form,
  type FormTree,
  functionForm,
  type LinearTags,
  matrixForm,
  productForm,
  putTogether,
  scaledForm,
  sumForm,
  takenApart,
  transposedForm,
  tridiagonalForm,
} from "./form.ts";
import {
  laidOut,
  onVectors,
  ravel,
  type Space,
  spaceFrom,
  type SpaceKey,
  spaceKey,
  spaceOf,
  unravel,
  vectors,
  widened,
} from "./space.ts";

const tagsTable: OptionTable<LinearTags> = {
  symmetric: "boolean",
  positiveDefinite: "boolean",
  triangular: "string",
};

/** Options of operators that are functions. */
export interface FunctionOptions extends LinearTags {
  /** A module system's dictionary where the function uses modules. */
  readonly transforms?: Transforms | undefined;
}

const functionTable: OptionTable<FunctionOptions> = /* @__PURE__ */ tableOf(tagsTable, {
  transforms: "object",
});

/**
 * A linear map from one kind of tree to another, of which more may be known than its products: solvers
 * make use of a diagonal, of bands, of a triangle, and of symmetry. A pytree of the arrays that are stored of
 * it, so that it may be an argument of compiled functions, a carry, or mapped over; functions, and what they
 * close over, are part of the structure.
 *
 * @example
 * ```ts
 * import { LinearOperator, linearSolve, numpy as np } from "@injax/injax";
 *
 * const second = LinearOperator.tridiagonal(np.full([3], -1), np.full([3], 2), np.full([3], -1));
 * const shifted = second.add(LinearOperator.diagonal(np.ones([3])));
 * console.log(linearSolve(shifted, np.array([2, 1, 2])).value.toArray()); // [ 1, 1, 1 ]
 * ```
 */
export class LinearOperator<X extends FloatTree = NDArray, Y extends FloatTree = X> extends Shown {
  /** For types: an operator has arrays already. */
  declare readonly "~arrays"?: LinearOperator<X, Y>;

  private constructor(
    /** For solvers. */
    readonly form: Form,
    /** What it takes. */
    readonly domain: Space,
    /** What it gives. */
    readonly codomain: Space,
  ) {
    super();
    // In JavaScript, what is private is tried.
    if (form?.stored === undefined) {
      throw new TypeError(
        `LinearOperator: it is not made with new (of ${
          describeValue(form)
        }), but by LinearOperator.matrix(a), diagonal(d), tridiagonal(lower, diagonal, upper), of(f, x) or ` +
          "jacobian(f, x)",
      );
    }
    LinearOperator.#register();
  }

  static #registered = false;

  /** With the first operator, so that pages without any do not carry this. */
  static #register(): void {
    if (LinearOperator.#registered) return;
    LinearOperator.#registered = true;
    registerPytreeNode(
      LinearOperator as never as new () => LinearOperator,
      ({ form, domain, codomain }) => {
        const [tree, rest] = takenApart(form);
        return [{ tree }, [rest, spaceKey(domain), spaceKey(codomain)]];
      },
      ({ tree }, aux) => {
        const [rest, domain, codomain] = aux as [unknown[], SpaceKey, SpaceKey];
        const form = putTogether(tree as FormTree, rest);
        return new LinearOperator(form, spaceFrom(domain), spaceFrom(codomain));
      },
    );
  }

  /** What is known of it. */
  get tags(): LinearTags {
    return this.form.tags;
  }

  /**
   * A matrix `[m, n]`, on vectors.
   *
   * @throws {ShapeError} where it has not two axes.
   */
  static matrix(a: NDArray, tags: LinearTags = {}): LinearOperator {
    const operator = LinearOperator.ofRows("LinearOperator.matrix", a, tags);
    checkTags("LinearOperator.matrix(a, options)", operator.form, arguments);
    return operator;
  }

  /** For solvers: a matrix that was given to `op`. */
  static ofRows(op: string, a: NDArray, tags: LinearTags = {}): LinearOperator {
    const x = asFloat(op, expectArray(op, a, "a"));
    if (x.ndim !== 2) {
      throw new ShapeError(
        `${op}: a must have shape [m, n], not ${formatShape(x.shape)}. ${
          x.ndim < 2
            ? "For a diagonal there is LinearOperator.diagonal(d)"
            : "Map over more with vmap"
        }`,
      );
    }
    const form = matrixForm(x, tags);
    return new LinearOperator(form, vectors(x, form.columns), vectors(x, form.rows));
  }

  /** A diagonal: a tree of what the elements of a tree are multiplied by. */
  static diagonal<X extends FloatTree = NDArray>(d: X, tags: LinearTags = {}): LinearOperator<X> {
    const [leaves, space] = laidOut("LinearOperator.diagonal", "the diagonal", d);
    const form = diagonalForm(ravel(space, leaves), tags);
    checkTags("LinearOperator.diagonal(d, options)", form, arguments);
    return new LinearOperator<X>(form, space, space);
  }

  /** The operator that gives what it takes: trees like `x`. */
  static identity<X extends FloatTree = NDArray>(x: X): LinearOperator<X> {
    const [, space] = laidOut("LinearOperator.identity", "x", x);
    const ones = zeros({ shape: [space.size], dtype: space.dtype }).add(1);
    return new LinearOperator<X>(diagonalForm(ones, { positiveDefinite: true }), space, space);
  }

  /**
   * `(A x)[i] = lower[i] x[i - 1] + diagonal[i] x[i] + upper[i] x[i + 1]`; all have shape `[n]`, and
   * neither `lower[0]` nor `upper[n - 1]` is read.
   */
  static tridiagonal(
    lower: NDArray,
    diagonal: NDArray,
    upper: NDArray,
    tags: LinearTags = {},
  ): LinearOperator {
    const op = "LinearOperator.tridiagonal";
    const names = ["lower", "diagonal", "upper"];
    const given = [lower, diagonal, upper].map((x, i) =>
      asFloat(op, expectArray(op, x, names[i]!))
    );
    const dtype = given.map((x) => x.dtype).reduce(promoteDTypes);
    const [l, d, u] = given.map((x) => convert(x, dtype)) as [NDArray, NDArray, NDArray];
    const none = scalarArray(0, dtype);
    if (d.ndim !== 1 || l.ndim !== 1 || u.ndim !== 1 || l.size !== d.size || u.size !== d.size) {
      throw new ShapeError(
        `${op}: lower, diagonal and upper must all have shape [n], not ${
          given.map((x) => formatShape(x.shape)).join(", ")
        }. The first of lower and the last of upper are not read`,
      );
    }
    const n = d.size;
    const form = tridiagonalForm(
      pad(slice(l, [Math.min(1, n)], [n]), none, [Math.min(1, n)], [0]),
      d,
      pad(slice(u, [0], [Math.max(0, n - 1)]), none, [0], [Math.min(1, n)]),
      tags,
    );
    checkTags(`${op}(lower, diagonal, upper, options)`, form, arguments);
    return new LinearOperator(form, vectors(d, d.size), vectors(d, d.size));
  }

  /** A linear function `f`, of trees like `x`. It may give another kind of tree. */
  static of<X extends FloatTree, Y extends FloatTree = X>(
    f: (x: Arrays<X>) => Y,
    x: X,
    options: FunctionOptions = {},
  ): LinearOperator<X, Y> {
    const op = "LinearOperator.of";
    checkCall(`${op}(f, x, options)`, arguments, functionTable);
    checkFunction(op, f);
    const { transforms = pure, ...tags } = options;
    const [, domain] = laidOut(op, "x", x);
    const [ys, def] = treeFlatten(transforms.evalShape(f as never, ...[x] as never));
    const codomain = spaceOf(op, `the result of ${nameOf(f)}`, ys as ShapedArray[], def);
    return LinearOperator.between(onVectors(op, f, domain, codomain), domain, codomain, tags);
  }

  /** The Jacobian of `f` at `x`, by products with it: it is never written out, unless a method asks. */
  static jacobian<X extends FloatTree, Y extends FloatTree = X>(
    f: (x: Arrays<X>) => Y,
    x: X,
    options: FunctionOptions = {},
  ): LinearOperator<X, Y> {
    const op = "LinearOperator.jacobian";
    checkCall(`${op}(f, x, options)`, arguments, functionTable);
    checkFunction(op, f);
    const { transforms = pure, ...tags } = options;
    const [leaves, domain] = laidOut(op, "x", x);
    const at = treeUnflatten(domain.def, leaves);
    const [y, push] = transforms.linearize(f as never, [at] as never);
    const [, codomain] = laidOut(op, `the result of ${nameOf(f)}`, y);
    return LinearOperator.between(
      onVectors(op, push as never, domain, codomain),
      domain,
      codomain,
      tags,
    );
  }

  /** For solvers: a linear function of vectors between kinds of trees. */
  static between<X extends FloatTree, Y extends FloatTree>(
    f: (v: NDArray) => NDArray,
    domain: Space,
    codomain: Space,
    tags: LinearTags = {},
  ): LinearOperator<X, Y> {
    const dtype = promoteDTypes(domain.dtype, codomain.dtype);
    const form = functionForm(
      codomain.size,
      domain.size,
      dtype,
      (v) => convert(f(convert(v, domain.dtype)), dtype),
      tags,
    );
    checkTags("LinearOperator.of(f, x, options)", form, [null, null, tags]);
    return new LinearOperator<X, Y>(form, domain, codomain);
  }

  /** For solvers: what is known of vectors, on kinds of trees. */
  static made<X extends FloatTree, Y extends FloatTree>(
    form: Form,
    domain: Space,
    codomain: Space,
  ): LinearOperator<X, Y> {
    return new LinearOperator<X, Y>(form, domain, codomain);
  }

  /** `A x`. */
  apply(x: TreeLike<X>, transforms: Transforms = pure): Arrays<Y> {
    const [leaves, space] = laidOut("LinearOperator.apply", "x", x);
    checkSpace("apply", this.domain, space);
    const v = convert(ravel(space, leaves), this.form.dtype);
    return unravel(this.codomain, this.form.apply(v, transforms)) as Arrays<Y>;
  }

  /** The operator with the roles of what it takes and gives exchanged. */
  transpose(): LinearOperator<Y, X> {
    return new LinearOperator<Y, X>(transposedForm(this.form), this.codomain, this.domain);
  }

  /** The sum with another operator on the same trees. */
  add(other: LinearOperator<X, Y>): LinearOperator<X, Y> {
    checkSpace("add", this.domain, other.domain);
    checkSpace("add", this.codomain, other.codomain);
    const [a, b] = alike("add", this.form, other.form);
    return new LinearOperator<X, Y>(
      sumForm(a, b),
      widened(this.domain, a.dtype),
      widened(this.codomain, a.dtype),
    );
  }

  /** The difference from another operator on the same trees. */
  sub(other: LinearOperator<X, Y>): LinearOperator<X, Y> {
    return this.add(other.scale(-1));
  }

  /** The operator times a scalar. */
  scale(by: NDArray | number): LinearOperator<X, Y> {
    if (!(by instanceof NDArray) && typeof by !== "number") {
      throw new TypeError(
        `LinearOperator.scale: by must be a number or an array of shape [], not ${
          describeValue(by)
        }`,
      );
    }
    const c = by instanceof NDArray ? by : scalarArray(by, this.form.dtype);
    if (c.ndim !== 0) {
      throw new ShapeError(
        `LinearOperator.scale: by must be a scalar, not of shape ${
          formatShape(c.shape)
        }. To scale elements, compose with LinearOperator.diagonal(by)`,
      );
    }
    const form = scaledForm(
      this.form,
      convert(c, this.form.dtype),
      typeof by === "number" && by > 0,
    );
    return new LinearOperator<X, Y>(form, this.domain, this.codomain);
  }

  /** The product: this operator after the other. */
  compose<W extends FloatTree>(other: LinearOperator<W, X>): LinearOperator<W, Y> {
    checkSpace("compose", this.domain, other.codomain);
    const [a, b] = alike("compose", this.form, other.form);
    return new LinearOperator<W, Y>(
      productForm(a, b),
      widened(other.domain, a.dtype),
      widened(this.codomain, a.dtype),
    );
  }

  /** The same operator, of which more is known. As in `LinearTags`, it may be held against the elements. */
  tagged(tags: LinearTags): LinearOperator<X, Y> {
    const form = { ...this.form, tags: { ...this.form.tags, ...tags } };
    checkTags("LinearOperator.tagged(options)", form, arguments);
    return new LinearOperator<X, Y>(form, this.domain, this.codomain);
  }

  /** Its matrix, of the elements of trees in order: `[m, n]`. */
  toMatrix(transforms: Transforms = pure): NDArray {
    return this.form.matrix(transforms);
  }

  /** What it is. */
  override toString(): string {
    const { rows, columns, dtype, stored } = this.form;
    return `LinearOperator(${stored.kind}, ${dtype}[${rows},${columns}])`;
  }
}

/** An operator in a wider dtype; its unknowns are as precise as what they are found in. */
export function inDType(
  op: string,
  { form, domain }: Pick<LinearOperator, "form" | "domain">,
  dtype: Form["dtype"],
  what?: string,
): { readonly form: Form; readonly domain: Space } {
  return {
    form: converted(op, form, dtype, what),
    domain: form.dtype === dtype ? domain : widened(domain, dtype),
  };
}

/** Two operators in the wider dtype of both. */
function alike(op: string, a: Form, b: Form): [Form, Form] {
  const dtype = promoteDTypes(a.dtype, b.dtype);
  return [a, b].map((x) => converted(`LinearOperator.${op}`, x, dtype)) as [Form, Form];
}

function checkSpace(op: string, wanted: Space, given: Space): void {
  checkSameType(
    `LinearOperator.${op}`,
    "what the operator takes and what it is given",
    wanted.avals.map((a, i) => ({ ...a, dtype: given.avals[i]?.dtype ?? a.dtype })),
    wanted.def,
    given.avals,
    given.def,
    "They must have the same structure and shapes",
  );
}

/** Checks what is said of an operator. */
function checkTags(call: string, form: Form, args: ArrayLike<unknown>): Form {
  checkCall(call, args, tagsTable);
  const { rows, columns, tags } = form;
  const { triangular, symmetric, positiveDefinite } = tags;
  const op = call.slice(0, call.indexOf("("));
  if (triangular !== undefined && triangular !== "lower" && triangular !== "upper") {
    throw new TypeError(`${op}: triangular must be "lower" or "upper", not ${triangular}`);
  }
  if (rows !== columns && (symmetric || positiveDefinite || triangular)) {
    throw new ShapeError(
      `${op}: an operator of shape [${rows}, ${columns}] is not ${
        triangular ? "triangular" : "symmetric"
      }: that is said of square ones`,
    );
  }
  return form;
}

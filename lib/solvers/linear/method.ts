/**
 * What a method of solving linear systems is. `plan.ts` runs it.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray } from "../../core/mod.ts";
import { check } from "../../api/effects.ts";
import {
  abs,
  add,
  and,
  concatenate,
  div,
  eq,
  full,
  gt,
  iota,
  isFinite,
  le,
  maximum,
  mul,
  neg,
  not,
  or,
  pad,
  reduceAnd,
  reduceMax,
  reduceMin,
  reshape,
  scalarLike,
  select,
  sin,
  slice,
  stopGradient,
  sub,
  zerosLike,
} from "../../primitives/mod.ts";
import { identity, lowerPart, matmul, transposed, upperPart } from "../../linalg/matrices.ts";
import type { Transforms } from "../../transforms/types.ts";
import { dot, norm } from "../norms.ts";
import { type Status, statusCode, statuses } from "../solution.ts";
import {
  flat,
  type Form,
  fromBefore,
  fromBehind,
  isSymmetric,
  type LinearTags,
  matrixForm,
  times,
} from "./form.ts";

/** When a method ends. */
export interface LinearLimits {
  /** Relative tolerance: the residual norm against that of the right-hand side. */
  readonly rtol: number;
  /** Absolute tolerance on the residual norm. */
  readonly atol: number;
  /** Largest number of steps. */
  readonly maxSteps: number;
}

/** How the systems are solved of which derivatives are the solutions. */
export interface DerivativeOptions {
  /** When to end. */
  readonly limits: LinearLimits;
  /** Whether that is when the solution itself ends. */
  readonly alike: boolean;
  /** Whether a failure is raised; otherwise the derivative is NaN. */
  readonly throw: boolean;
}

/**
 * The solution of a system of derivatives, where there is one: what is none is not to look like it. Where nothing
 * is asked, nothing is; of what is not finite, the derivative is NaN, so that a lane takes no other with it.
 */
export function derived(
  what: string,
  b: NDArray,
  x: NDArray,
  { status, steps }: Pick<LinearReport, "status" | "steps">,
  options: DerivativeOptions,
): NDArray {
  const size = norm(b);
  const none = size.equal(0);
  const ok = or(status.equal(statusCode("converged")), none);
  if (options.throw) {
    // Where the operator or what is asked of it is not finite, NaN says no more than they do.
    const defined = and(isFinite(size), not(status.equal(statusCode("nonfinite"))));
    check(
      or(ok, not(defined)),
      `${what} ended with status {} after {} steps, for a right-hand side of norm {}. Statuses are ` +
        `${statuses.map((s, i) => `${i} ${s}`).join(", ")}. ` +
        "adjoint: implicit({ throw: false }) gives NaN instead",
      status,
      steps,
      size,
    );
  }
  const known = x.mul(select(ok, scalarLike(1, b), scalarLike(NaN, b)));
  return select(none, zerosLike(b), known);
}

/**
 * What is said of a solution that solves nothing: where the operator is next to singular, rounding of the
 * unknowns is as large as b. The residual alone does not say so, since equations may have very different
 * units. Nor does it where elements grew in elimination, and their rounding with them; there half the digits of b are
 * asked for.
 */
export function judged(
  { growth, ...report }: LinearReport,
  residual: NDArray,
  b: NDArray,
): LinearReport {
  const { status, detail } = report;
  const eps = epsilon(b.dtype);
  const claimed = status.equal(statusCode("converged"));
  const near = detail.lessEqual(Math.sqrt(eps));
  const leaves = (share: number): NDArray => residual.greater(norm(b).mul(share));
  const nothing = and(claimed, and(near, leaves(eps ** 0.25)));
  const said = { ...report, status: select(nothing, whole(statusCode("singular")), status) };
  if (growth === undefined) return said;
  const grown = and(claimed, and(growth.greater(1 / Math.sqrt(eps)), leaves(Math.sqrt(eps))));
  return {
    ...said,
    status: select(grown, whole(statusCode("stagnated")), said.status),
    detail: select(grown, growth, detail),
  };
}

/** A solution and its status; where there is no residual, as beyond all numbers, it is NaN and nothing is claimed. */
export function ifFinite(
  x: NDArray,
  status: NDArray,
  residual: NDArray,
): { readonly x: NDArray; readonly status: NDArray } {
  const finite = isFinite(residual);
  const holds = or(finite, status.notEqual(statusCode("converged")));
  return {
    x: x.mul(select(finite, scalarLike(1, x), scalarLike(NaN, x))),
    status: select(holds, status, whole(statusCode("nonfinite"))),
  };
}

/** Whether all elements are finite. */
export function allFinite(x: NDArray): NDArray {
  return reduceAnd(isFinite(x), x.shape.map((_, i) => i));
}

/** Numbers of a matrix's pivots. */
export interface Pivots {
  /** The least share of a pivot in what it was made of; a scalar. */
  readonly share: NDArray;
}

/** The least of `pivots` over `sums`, both `[n]`; 0 over 0 is 0. */
export function leastShare(pivots: NDArray, sums: NDArray): NDArray {
  const zero = scalarLike(0, sums);
  const none = eq(sums, zero);
  const shares = select(none, zero, div(abs(pivots), select(none, scalarLike(1, sums), sums)));
  return shares.size === 0 ? scalarLike(1, sums) : reduceMin(shares, [0]);
}

/** The outcome of a direct solution whose matrix has pivots of this share; NaN where it was not finite. */
export function outcome(
  { b }: Pick<LinearProblem<unknown>, "b">,
  x: NDArray,
  share: NDArray,
  indefinite: NDArray | null = null,
): LinearOutcome {
  const code = (s: Parameters<typeof statusCode>[0]): NDArray => whole(statusCode(s));
  const lost = share.lessEqual(scalarLike(lostShare * epsilon(x.dtype), share));
  // Where the solution is not finite although all was, a pivot was next to 0.
  const found = and(not(lost), allFinite(x));
  let status = select(found, code("converged"), code("singular"));
  if (indefinite !== null) status = select(indefinite, code("breakdown"), status);
  const given = and(allFinite(b), share.equal(share));
  return {
    x,
    status: select(given, status, code("nonfinite")),
    steps: whole(0),
    products: whole(0),
    detail: share,
    rank: whole(-1),
  };
}

/**
 * Share of a pivot, in roundings, up to which it is taken for lost. Of 200 random matrices of rank n - 1 up to
 * n = 60 the least pivots kept 51 and less, half of them 2 and less; Hilbert's matrix of order 12, whose
 * condition is 2e16, keeps 471.
 */
const lostShare = 100;

/** The sizes of what is added up in each equation of `A x`, where the elements of A are known. */
export function termsOf({ stored: s }: Form, x: NDArray): NDArray | null {
  const sizes = abs(x);
  if (s.kind === "products") return null;
  if (s.kind === "matrix") return times(abs(s.matrix), sizes);
  const own = mul(abs(s.diagonal), sizes);
  if (s.kind === "diagonal") return own;
  return add(
    own,
    add(mul(abs(s.lower), fromBefore(sizes)), mul(abs(s.upper), fromBehind(sizes))),
  );
}

/** What rounding may make of sums of so large terms, one sum an equation: of either sign, by chance. */
export function roundingOf(terms: NDArray): NDArray {
  const up = gt(sin(iota(terms.shape, 0, terms.dtype)), zerosLike(terms));
  const by = scalarLike(epsilon(terms.dtype), terms);
  return mul(terms, select(up, by, neg(by)));
}

/**
 * The outcome where a step of refinement changes the solution by `change`. What that is no small share of has hardly a
 * digit that is right, however small the residual is beside the rounding of its terms.
 */
export function refined(report: LinearOutcome, change: NDArray): LinearOutcome {
  const { x, status, detail } = report;
  const [size, moved] = [norm(x), norm(change)];
  const share = div(moved, select(eq(size, scalarLike(0, size)), scalarLike(1, size), size));
  const few = le(share, scalarLike(epsilon(x.dtype) ** 0.25, share));
  const lost = and(eq(status, whole(statusCode("converged"))), not(few));
  return {
    ...report,
    status: select(lost, whole(statusCode("singular")), status),
    detail: select(lost, share, detail),
  };
}

/** What an operator is taken for that can be looked up where its elements are stored. */
export function takenFor(
  { tags }: Form,
  { symmetric }: LinearMethod<unknown>,
): "symmetric" | "lower" | "upper" | null {
  if (symmetric === true || isSymmetric(tags)) return "symmetric";
  return tags.triangular ?? null;
}

/**
 * How much an operator is something else than it is taken for: what should not be there, over its largest element,
 * where that is more than rounding; otherwise 0. `null` where its elements are not stored.
 */
export function contradiction(form: Form, method: LinearMethod<unknown>): NDArray | null {
  const what = takenFor(form, method);
  const s = form.stored;
  if (what === null || form.rows === 0 || s.kind === "products" || s.kind === "diagonal") {
    return null;
  }
  const largest = (x: NDArray): NDArray => reduceMax(abs(x), x.shape.map((_, i) => i));
  let [all, wrong]: NDArray[] = [];
  if (s.kind === "matrix") {
    const a = s.matrix;
    all = largest(a);
    wrong = largest(
      what === "symmetric"
        ? sub(a, transposed(a))
        : what === "lower"
        ? upperPart(a, 1)
        : lowerPart(a, -1),
    );
  } else {
    // Elimination by bands asks for no triangle.
    if (what !== "symmetric") return null;
    all = maximum(largest(s.diagonal), maximum(largest(s.lower), largest(s.upper)));
    wrong = largest(sub(s.lower, fromBefore(s.upper)));
  }
  const limit = all!.mul(Math.sqrt(epsilon(form.dtype)));
  const zero = scalarLike(0, all!);
  const told = wrong!.greater(limit);
  return select(told, wrong!.div(select(told, all!, scalarLike(1, zero))), zero);
}

/**
 * How much an operator that is said to be its own transpose is something else, by one product: what solves `A x = b`
 * up to `residual` is to solve `A^T x = b`, too, of which this is what is left along a vector without symmetries, as a
 * share of its terms; 0 where that is rounding.
 */
export function asymmetry(
  apply: (v: NDArray) => NDArray,
  b: NDArray,
  x: NDArray,
  residual: NDArray,
): NDArray {
  const v = sin(iota(b.shape, 0, b.dtype).mul(1.7).add(0.4)).add(0.1);
  const size = norm(x);
  const zero = scalarLike(0, size);
  const unit = select(size.greater(0), size, scalarLike(1, size));
  const product = apply(v);
  const most = norm(product);
  const miss = abs(sub(dot(v, div(b, unit)), dot(div(x, unit), product)));
  const limit = most.mul(Math.sqrt(epsilon(b.dtype))).add(norm(v).mul(div(residual, unit)));
  const told = miss.greater(limit);
  return select(told, div(miss, select(told, maximum(most, miss), scalarLike(1, zero))), zero);
}

/**
 * An operator by its matrix, of all products with unit vectors at once, and what shows that it has none: what it gives
 * at 0, or by how much it misses the matrix at another vector. A user's function is called once, as modules want it.
 */
export function writtenOut(
  { columns, dtype, tags, apply }: Form,
  transforms: Transforms,
): { readonly form: Form; readonly offset: NDArray } {
  const units = pad(identity(columns, dtype), full([], 0, dtype), [0, 0], [1, 0]);
  const other = sin(iota([1, columns], 1, dtype).add(1)).add(2);
  const products = transforms.vmap((v: NDArray) => apply(v, transforms))(
    concatenate([units, other], 0),
  ) as NDArray;
  const m = products.shape[1]!;
  const offset = slice(products, [columns, 0], [columns + 1, m]);
  const rows = slice(products, [0, 0], [columns, m]).sub(offset);
  const [seen, own] = [stopGradient(rows), stopGradient(offset)];
  const miss = stopGradient(slice(products, [columns + 1, 0], [columns + 2, m])).sub(own)
    .sub(matmul(other, seen));
  const most = norm(flat(matmul(other, abs(seen)))).mul(Math.cbrt(epsilon(dtype)));
  const bent = and(norm(flat(own)).equal(0), norm(flat(miss)).greater(most));
  return { form: matrixForm(transposed(rows), tags), offset: select(bent, miss, own) };
}

/** A report on an operator that is something else than it was taken for. */
export function denied<R extends LinearReport>(by: NDArray | null, report: R): R {
  if (by === null) return report;
  const status = select(by.greater(0), whole(statusCode("breakdown")), report.status);
  return { ...report, status, denied: by };
}

/** A system `A x = b` on vectors, where A may be the transpose of what was factored. */
export interface LinearProblem<F> {
  /** `A v`. */
  apply(v: NDArray): NDArray;
  /** `A^T u`; there is one where the method asks for it by `leastSquares`. */
  pull(u: NDArray): NDArray;
  /** An approximation of `A^-1 v`; the identity where none was given. */
  precondition(v: NDArray): NDArray;
  /** Whether a preconditioner was given. */
  readonly preconditioned: boolean;
  /** What `factor` gave. */
  readonly factors: F;
  /** What is known of what was factored. */
  readonly tags: LinearTags;
  /** Whether A is the transpose of what was factored. */
  readonly transposed: boolean;
  /** The right-hand side. */
  readonly b: NDArray;
  /** A point to begin at, where one was given. */
  readonly start: NDArray | null;
  /** Whether to keep the residual norms of the steps. */
  readonly history: boolean;
  /** The operator, whose derivatives methods of least squares take care of. */
  readonly form: Form;
  /** When to end. */
  readonly limits: LinearLimits;
  /** Of the systems of derivatives, which methods of least squares solve themselves. */
  readonly derivatives: DerivativeOptions;
  /** The dictionary, for loops. */
  readonly transforms: Transforms;
}

/** What a method says of a system: scalars. */
export interface LinearReport {
  /** Code of the status. */
  readonly status: NDArray;
  /** Steps of an iteration: int32. */
  readonly steps: NDArray;
  /** Products with the operator or its transpose: int32. */
  readonly products: NDArray;
  /**
   * A number about the failure, for the message: how much of a pivot is not rounding, the curvature that is not
   * positive. NaN where there is none.
   */
  readonly detail: NDArray;
  /** By how much elements grew in elimination, where they may. */
  readonly growth?: NDArray | undefined;
  /** Rank of the operator, where it was determined; else -1. int32. */
  readonly rank: NDArray;
  /** How much the operator is something else than it was taken for: a share of its largest element, or 0. */
  readonly denied?: NDArray | undefined;
  /** How often an iteration began afresh from a residual that was computed: int32. */
  readonly restarts?: NDArray | undefined;
  /** Applications of the preconditioner: int32. */
  readonly preconditions?: NDArray | undefined;
  /** Where it was asked for: the residual norm after each step, [maxSteps], and NaN behind. */
  readonly history?: NDArray | null | undefined;
}

/** A solution, and how it came about. */
export interface LinearOutcome extends LinearReport {
  /** The solution. */
  readonly x: NDArray;
}

/**
 * A method. `F` is what it makes of an operator once for all right-hand sides: a tree of arrays, or
 * `null`.
 */
export interface LinearMethod<F = unknown> {
  /** Name and settings, for messages. */
  readonly description: string;
  /** What it solves: square systems, or any in the sense of least squares. */
  readonly solves: "square" | "leastSquares";
  /** Whether it writes the matrix out, or works with products. */
  readonly direct: boolean;
  /** Whether it takes the operator for symmetric, whether that was said or not. */
  readonly symmetric?: boolean | undefined;
  /** Why it takes neither a preconditioner nor a start nor has a history, where it has no steps is said for it. */
  readonly refuses?: Readonly<Partial<Record<"preconditioner" | "x0", string>>> | undefined;
  /** What its failures mean and what to do, with `{}` for the detail of the report. */
  readonly explain?: Readonly<Partial<Record<Status, string>>> | undefined;
  /** Refuses operators that it is not for. */
  check?(form: Form): void;
  /** What is made of an operator once. `form` is constant: nothing here is differentiated. */
  factor(form: Form, transforms: Transforms): F;
  /**
   * Solves a system; it is traced, so it takes no branches on values. Of square systems the derivative is
   * had from the equation; a method of least squares sees values that may be differentiated.
   */
  solve(problem: LinearProblem<F>): LinearOutcome;
}

const known = new Map<string, LinearMethod<unknown>>();

/**
 * A method of the library, each once: factors that were made by `lu()` here and there have the same structure.
 * Its description says all that is chosen.
 */
export function once<F>(method: LinearMethod<F>): LinearMethod {
  const { description } = method;
  let one = known.get(description);
  if (one === undefined) known.set(description, one = method as LinearMethod<unknown>);
  return one;
}

/** An int32 scalar. */
export function whole(x: number): NDArray {
  return scalarArray(x, "int32");
}

/**
 * What a report becomes where a function is not linear. Factors have a number for that alone; to iterations it is
 * something else than it was taken for.
 */
export function ifLinear(
  offset: NDArray | null,
  direct: boolean,
  report: LinearReport,
): LinearReport {
  if (offset === null) return report;
  const size = norm(reshape(offset, [offset.size]));
  const linear = size.equal(0);
  const found = and(isFinite(size), not(linear));
  if (!direct) return denied(select(found, size, zerosLike(size)), report);
  return {
    ...report,
    status: select(found, whole(statusCode("breakdown")), report.status),
    detail: select(found, size, report.detail),
  };
}

/**
 * The linear systems of implicit derivatives, `(J - I) x = b` of fixed points and `J x = b` of other equations,
 * and their transposes: what costs least is tried first, and where nothing solves the system, that is said.
 *
 * The linear systems behind derivatives of roots and minima, solved by factorisation.
 *
 * @module
 */
import { check } from "../api/effects.ts";
import { type NDArray, scalarArray } from "../core/mod.ts";
import { identity, scaledColumns, scaledRows, transposed } from "../linalg/matrices.ts";
import { lu } from "../linalg/lu.ts";
import { solve, solveByFactors } from "../linalg/solve.ts";
import {
  abs,
  and,
  div,
  eq,
  full,
  isFinite,
  not,
  onesLike,
  or,
  reduceMax,
  scalarLike,
  select,
  stopGradient,
  zerosLike,
} from "../primitives/mod.ts";
import type { Transforms } from "../transforms/types.ts";
import { anderson } from "./fixed_point_methods.ts";
import { iterate } from "./iterate.ts";
import {
  column,
  flat,
  type Form,
  functionForm,
  type LinearTags,
  matrixForm,
  times,
} from "./linear/form.ts";
import { gmres } from "./linear/gmres.ts";
import { contradiction, denied, type LinearMethod, roundingOf } from "./linear/method.ts";
import type { Problem, Stepper } from "./method.ts";
import { norm } from "./norms.ts";
import { checkMatrixRoom } from "./options.ts";
import { statusCode } from "./solution.ts";

/**
 * The solution of `apply(v) = y` for a linear `apply` from [n] to [n], by its matrix, whose columns and rows
 * are brought to one size first, so that units do not matter.
 */
export function denseSolve(
  apply: (v: NDArray) => NDArray,
  y: NDArray,
  transforms: Transforms,
): NDArray {
  if (y.size === 1) return div(y, apply(full([1], 1, y.dtype)));
  const { matrix, byRow, byColumn } = evenMatrix(apply, y, transforms);
  return flat(solve(matrix, column(y.mul(byRow)))).mul(byColumn);
}

/** The matrix, its columns and rows brought to one size, and by what they are multiplied for that. */
function evenMatrix(
  apply: (v: NDArray) => NDArray,
  { size, dtype }: NDArray,
  transforms: Transforms,
): Readonly<Record<"matrix" | "byRow" | "byColumn", NDArray>> {
  const instead =
    "Take { adjoint: implicit({ linearSolver: gmres() }) }, and no polish: by products alone";
  checkMatrixRoom("derivative of a solution", "its matrix", [size, size], dtype, instead);
  const matrix = transposed(transforms.vmap(apply)(identity(size, dtype)) as NDArray);
  const byColumn = reciprocals(matrix, 0);
  const even = scaledColumns(matrix, byColumn);
  const byRow = reciprocals(even, 1);
  return { matrix: scaledRows(even, byRow), byRow, byColumn };
}

/** 1 over the largest element of each column (axis 0) or row (axis 1): constants. */
function reciprocals(a: NDArray, axis: number): NDArray {
  const largest = reduceMax(abs(stopGradient(a)), [axis]);
  const one = full(largest.shape, 1, a.dtype);
  return div(one, select(largest.greater(0), largest, one));
}

/** How a system is solved. */
export interface TangentOptions {
  readonly linearSolver: "auto" | "dense" | "iterative" | LinearMethod;
  readonly rtol: number;
  readonly maxSteps: number;
  readonly memory: number;
  readonly throw: boolean;
  /** What the matrix is, for messages; of a fixed point, `I - df/dx`, which is tried to be inverted by steps. */
  readonly matrix: string;
}

/** The matrix of a fixed point's systems. */
export const contraction = "I - df/dx";
/** That of a minimum's, which is symmetric but at bounds. */
export const curvature = "the Hessian";

/** A product with the matrix of the system. */
type Product = (v: NDArray) => NDArray;

/** A candidate, and whether it is the solution. */
interface Candidate {
  readonly x: NDArray;
  readonly solved: NDArray;
}

/** The solution of `product(x) = b` for x, b [n]. */
export function solveTangent(
  product: Product,
  b: NDArray,
  options: TangentOptions,
  transforms: Transforms,
): NDArray {
  const { linearSolver } = options;
  const n = b.size;
  // The right-hand side is brought to norm 1, so that tolerances mean the same for all.
  const size = norm(b);
  const zero = eq(size, scalarLike(0, size));
  const unit = div(b, select(zero, scalarLike(1, size), size));
  const none: Candidate = { x: zerosLike(b), solved: zero };
  // Plain steps are of no use where the matrix is not close to -I.
  const byProducts = linearSolver === "iterative" || (linearSolver === "auto" && n > denseFirst);
  const chosen = typeof linearSolver === "object"
    ? linearSolver
    : byProducts && options.matrix !== contraction
    ? gmres()
    : null;
  const direct = chosen?.direct ??
    (linearSolver === "dense" || (linearSolver === "auto" && n <= denseFirst));
  let found = chosen !== null
    ? byMethod(chosen, product, unit, options, transforms)
    : direct
    ? dense(product, unit, transforms)
    : iterative(product, unit, none, options, transforms);
  if (!direct && linearSolver === "auto" && n <= denseLast) {
    found = unlessSolved(found, () => dense(product, unit, transforms), transforms);
  }
  const solved = or(found.solved, zero);
  if (options.throw) {
    // Where the equation or what is asked of it is not finite, NaN says no more than they do.
    const probe = unlessSolved(
      { x: zerosLike(b), solved },
      () => ({ x: product(onesLike(b)), solved: not(zero) }),
      transforms,
    );
    const defined = and(isFinite(size), isFinite(norm(probe.x)));
    check(
      or(solved, not(defined)),
      `the linear system of the derivative of a solution, of ${n} unknowns, could not be solved: its matrix, ` +
        `${options.matrix}, is singular or nearly so` +
        (direct ? "" : `, or ${options.maxSteps} products were too few`) +
        (chosen === null || linearSolver === "auto"
          ? ""
          : `, or not one for ${chosen.description}`) +
        ". Is the solution determined by the equation there? " +
        "adjoint: implicit({ throw: false }) gives NaN instead",
    );
  }
  const x = select(zero, zerosLike(b), found.x);
  return x.mul(select(solved, size, scalarLike(NaN, size)));
}

/**
 * What is solved by `f` where it is not yet. A loop of one pass at most, which no lane pays for where none
 * needs it.
 */
function unlessSolved(start: Candidate, f: () => Candidate, transforms: Transforms): Candidate {
  const end = transforms.whileLoop(
    (c) => and(not(c.solved), c.untried),
    (c) => {
      const { x, solved } = f();
      return { x: x.add(zerosLike(c.x)), solved, untried: scalarArray(0, "bool") };
    },
    { ...start, untried: scalarArray(1, "bool") },
  );
  return { x: end.x, solved: end.solved };
}

/**
 * By the matrix, [n, n], factored. Where rounding of the terms of its equations changes the solution by more than a
 * digit, nothing of it is right, however small the residual: least squares have the square of what their Jacobian's
 * condition is.
 */
function dense(product: Product, b: NDArray, transforms: Transforms): Candidate {
  let x: NDArray;
  let determined: NDArray = scalarArray(1, "bool");
  if (b.size <= 1) x = denseSolve(product, b, transforms);
  else {
    const { matrix, byRow, byColumn } = evenMatrix(product, b, transforms);
    const { lu: factors, permutation } = lu(matrix);
    const solution = (side: NDArray): NDArray =>
      flat(solveByFactors(factors, permutation, column(side), { transposeA: false }));
    const even = solution(b.mul(byRow));
    const change = solution(roundingOf(times(abs(matrix), abs(even))));
    determined = norm(change).lessEqual(norm(even).mul(aDigit));
    x = even.mul(byColumn);
  }
  const left = norm(product(x).sub(b));
  const holds = and(isFinite(norm(x)), left.lessEqual(norm(b).mul(aDigit)));
  return { x, solved: and(holds, determined) };
}

/** By products: plain steps as long as they do well, then GMRES, or acceleration where asked for. */
function iterative(
  product: Product,
  b: NDArray,
  start: Candidate,
  options: TangentOptions,
  transforms: Transforms,
): Candidate {
  const { rtol, maxSteps, memory, linearSolver } = options;
  const n = b.size;
  const problem: Problem = {
    // The matrix is close to -I for contractions, so that this is a good step to take.
    evaluate: (v) => ({ r: product(v).sub(b), cost: null }),
    sizes: [n],
    m: n,
    displacement: true,
    hasCost: false,
  };
  const limits = { rtol: 0, atol: rtol, maxSteps, history: false };
  const run = (x: NDArray, method: Stepper<unknown>): Candidate => {
    const end = iterate(problem, x, method, limits, transforms);
    return { x: end.x, solved: end.status.equal(statusCode("converged")) };
  };
  const plain = run(start.x, plainSteps(rtol));
  if (memory === 0) return plain;
  const accelerated = linearSolver === "auto"
    ? () => byMethod(gmres(), product, b, options, transforms)
    : () => run(plain.x, anderson({ memory }));
  return unlessSolved(plain, accelerated, transforms);
}

/** By a method of `linearSolve`, on `I - J`: of symmetric contractions that is positive definite. */
function byMethod(
  method: LinearMethod,
  product: Product,
  b: NDArray,
  { rtol, maxSteps, matrix }: TangentOptions,
  transforms: Transforms,
): Candidate {
  const n = b.size;
  const apply = (v: NDArray): NDArray => product(v).neg();
  const tags: LinearTags = { symmetric: matrix === curvature };
  const products = functionForm(n, n, b.dtype, apply, tags);
  checkMatrix(method, products, matrix);
  // Rounding of a Hessian is no contradiction; what takes any matrix for symmetric is held against it.
  const form = method.direct ? matrixForm(products.matrix(transforms)) : products;
  const limits = { rtol, atol: 0, maxSteps };
  const { x, ...report } = method.solve({
    apply,
    pull: (u) => form.pull(u, transforms),
    precondition: (v) => v,
    preconditioned: false,
    factors: method.factor(form, transforms),
    tags: form.tags,
    transposed: false,
    b: b.neg(),
    start: null,
    history: false,
    form,
    limits,
    derivatives: { limits, alike: true, throw: false },
    transforms,
  });
  const { status } = denied(contradiction(form, method), report);
  return { x, solved: status.equal(statusCode("converged")) };
}

/** Refuses methods that need to know more of the matrix. */
function checkMatrix(method: LinearMethod, form: Form, matrix: string): void {
  try {
    method.check?.(form);
  } catch {
    throw new TypeError(
      `implicit: linearSolver cannot be ${method.description} for a solution that is differentiated by ${matrix}, ` +
        "of which only products are known. Take gmres(), lu() or qr()",
    );
  }
}

/**
 * Plain steps, given up where `plainBudget` of them would not do: they need fewer operations each than an
 * accelerated step, and more steps.
 */
function plainSteps(rtol: number): Stepper<null> {
  return {
    description: "plain steps",
    init: () => null,
    step: (x, r) => [x.add(r), null],
    status(_, r, __, { steps }) {
      const size = norm(r);
      const { dtype } = r;
      const code = (s: number): NDArray => scalarArray(s, "int32");
      // A residual of 1 at the beginning must have shrunk by its share of the way to rtol.
      const done = steps.astype(dtype).mul(Math.log(rtol) / plainBudget).exp();
      const behind = and(steps.greater(plainTrial), size.greater(done));
      const going = select(behind, code(statusCode("stagnated")), code(-1));
      return select(size.lessEqual(rtol), code(statusCode("converged")), going);
    },
  };
}

/** Share of a solution, or of its right-hand side, that may be wrong. */
const aDigit = 0.1;

/** Unknowns up to which the matrix is factored at once, and where products fail. */
const denseFirst = 64;
const denseLast = 1000;

/** Plain steps that are tried, and those that may be needed in all. */
const plainTrial = 4;
const plainBudget = 64;

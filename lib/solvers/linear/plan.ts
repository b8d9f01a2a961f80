/**
 * What is solved and how: options, the method and its factors, which one where the user names none; and of a method
 * what is differentiable.
 *
 * @module
 */
import {
  checkCount,
  describeValue,
  DTypeError,
  formatShape,
  NDArray,
  type OptionTable,
  promoteDTypes,
  ShapeError,
  tableOf,
} from "../../core/mod.ts";
import { convert, scalarLike, stopGradient } from "../../primitives/mod.ts";
import { checkDictionary } from "../../transforms/members.ts";
import { pure } from "../../transforms/pure.ts";
import type { Arrays, TreeLike } from "../../transforms/tree_types.ts";
import type { Transforms } from "../../transforms/types.ts";
import { type Adjoint, checkAdjoint, defaultTolerance } from "../adjoint.ts";
import type { FloatTree } from "../fixed_point.ts";
import { norm } from "../norms.ts";
import { checkMade, checkMatrixRoom, checkTolerance } from "../options.ts";
import { checkConverged } from "../solution.ts";
import { cholesky, diagonal, lu, qr, triangular, tridiagonal } from "./direct.ts";
import { appliedOnce, constant, converted, type Form, isStored, isSymmetric } from "./form.ts";
import {
  asymmetry,
  contradiction,
  denied,
  type DerivativeOptions,
  derived,
  ifFinite,
  ifLinear,
  judged,
  type LinearLimits,
  type LinearMethod,
  type LinearOutcome,
  type LinearProblem,
  type LinearReport,
  takenFor,
  whole,
  writtenOut,
} from "./method.ts";
import { inDType, LinearOperator } from "./operator.ts";
import { LinearSolution } from "./solution.ts";
import { checkSide, onVectors, ravel, type Space, startOf, unravel } from "./space.ts";
import { gmres } from "./gmres.ts";
import { lsmr } from "./lsmr.ts";
import { cg, minres } from "./short_recurrences.ts";

/** Options of `factorise`. */
export interface FactoriseOptions {
  /** The method: `lu()`, `cholesky()`, `qr()`, `svd()`, `gmres()`, ...; by default by shape and tags. */
  readonly solver?: LinearMethod | undefined;
  /** The dictionary of transforms; pass a module system's where the operator uses modules. */
  readonly transforms?: Transforms | undefined;
  /** Relative tolerance of iterations; default 6e-6 for float32 and 2e-12 for float64. */
  readonly rtol?: number | undefined;
  /** Absolute tolerance of iterations on the residual norm (default 0). */
  readonly atol?: number | undefined;
  /** Largest number of steps of an iteration; by default ten times the number of unknowns, at least 100. */
  readonly maxSteps?: number | undefined;
  /** Whether a failed solve raises (default false: look at `status`), out of compiled code too. */
  readonly throw?: boolean | undefined;
  /**
   * How derivatives are had: `implicit({ rtol, maxSteps, throw })` (the default is `implicit()`). The systems of
   * derivatives are solved by the same method; where one cannot be, that is raised (`CheckError`), or the
   * derivative is NaN with `throw: false`.
   */
  readonly adjoint?: Adjoint | undefined;
  /** Whether the solution has the residual norms of an iteration as `history` (default false). */
  readonly history?: boolean | undefined;
}

/** Options of `linearSolve`. */
export interface LinearSolveOptions<X extends FloatTree> extends FactoriseOptions {
  /**
   * An approximation of the inverse of the operator, for iterations; its transpose serves the transposed
   * system.
   */
  readonly preconditioner?: LinearOperator<X> | ((x: Arrays<X>) => TreeLike<X>) | undefined;
  /**
   * Where an iteration begins, as at an earlier solution, unless 0 is nearer to the end. It has no derivative, and
   * the systems of derivatives begin at 0.
   */
  readonly x0?: X | undefined;
}

const factoriseTable: OptionTable<FactoriseOptions> = {
  solver: "object",
  transforms: "object",
  rtol: "tolerance",
  atol: "tolerance",
  maxSteps: "count",
  throw: "boolean",
  adjoint: "object",
  history: "boolean",
};
/** What the options of `factorise` hold. */
export const factorTable: OptionTable<Omit<LinearSolveOptions<NDArray>, "x0">> =
  /* @__PURE__ */ tableOf(factoriseTable, { preconditioner: "object" });
/** What the options hold. */
export const solveTable: OptionTable<LinearSolveOptions<NDArray>> = /* @__PURE__ */ tableOf(
  factorTable,
  { x0: "object" },
);

/** What may be given as an operator. */
export type LinearMap<X extends FloatTree, Y extends FloatTree> =
  | LinearOperator<X, Y>
  | ((x: Arrays<X>) => TreeLike<Y>);

/** Everything that is settled before there is a right-hand side. */
export interface Plan {
  readonly op: string;
  readonly form: Form;
  /** Of a function that was looked at as such, what is not linear in it; 0 where it is. */
  readonly offset: NDArray | null;
  readonly domain: Space;
  readonly codomain: Space;
  readonly method: LinearMethod<unknown>;
  readonly factors: unknown;
  readonly preconditioner: Form | null;
  /** How much the operator contradicts what it is taken for. */
  readonly contradiction: NDArray | null;
  readonly options: FactoriseOptions & { readonly x0?: unknown };
  readonly transforms: Transforms;
}

/** Settles the method and makes the factors. */
export function planned(
  op: string,
  a: unknown,
  side: [NDArray[], Space] | null,
  options: LinearSolveOptions<never>,
): Plan {
  checkOptions(op, options);
  const { transforms = pure, preconditioner } = options;
  const operator = operatorOf(op, a, side?.[1] ?? null);
  const { codomain } = operator;
  const dtype = side === null
    ? operator.form.dtype
    : promoteDTypes(operator.form.dtype, side[1].dtype);
  const { form: given, domain } = inDType(op, operator, dtype, "the operator");
  const { rows, columns } = given;
  const method = options.solver ?? chosen(given);
  if (method.solves === "square" && rows !== columns) {
    throw new ShapeError(
      `${op}: ${method.description} can solve square systems alone, but the operator has shape ${
        formatShape([rows, columns])
      }. Take qr(), svd() or lsmr(), which give least squares`,
    );
  }
  method.check?.(given);
  for (const name of ["preconditioner", "x0", "history"] as const) {
    if (options[name] !== undefined && options[name] !== false) checkUse(op, name, method);
  }
  if (method.direct && !isStored(given) && method !== given.own) {
    const instead = method.solves === "square"
      ? "Take gmres(), or cg() or minres() where it is symmetric: by products alone"
      : "Take lsmr(): by products alone";
    checkMatrixRoom(
      `${op} by ${method.description}`,
      "the matrix",
      [rows, columns],
      dtype,
      instead,
    );
  }
  const { form, offset } = method === given.own
    ? { form: given, offset: null }
    : method.direct && !isStored(given)
    ? writtenOut(given, transforms)
    // Least squares take products with the transpose too, and factors serve several solves.
    : op === "factorise" || method.solves === "leastSquares"
    ? appliedOnce(given, transforms)
    : { form: given, offset: null };
  const still = constant(form, transforms);
  const factors = method.factor(still, transforms);
  return {
    op,
    form,
    offset,
    domain,
    codomain,
    method,
    factors,
    contradiction: contradiction(still, method),
    preconditioner: preconditioner === undefined
      ? null
      : preconditioning(op, preconditioner, operator, dtype),
    options,
    transforms,
  };
}

function checkOptions(op: string, options: LinearSolveOptions<never>): void {
  const { solver, transforms, rtol, atol, maxSteps } = options;
  if (solver !== undefined) {
    checkMade(
      op,
      "solver",
      solver,
      (s) => typeof s.factor === "function" && typeof s.solve === "function",
      "lu(), qr(), svd(), cholesky(), cg(), gmres(), bicgstab(), minres() or lsmr()",
    );
  }
  if (transforms !== undefined) checkDictionary(op, transforms);
  if (rtol !== undefined) checkTolerance(op, "rtol", rtol);
  if (atol !== undefined) checkTolerance(op, "atol", atol);
  if (maxSteps !== undefined) checkCount(op, "maxSteps", maxSteps);
  checkDerivatives(op, options.adjoint);
}

/** Of an operator, what does not depend on the types of its trees. */
type Mapped = Pick<LinearOperator, "form" | "domain" | "codomain">;

/** What the adjoint of a solve says of derivatives. */
function derivativeOptions(
  adjoint: Adjoint | undefined,
  limits: LinearLimits,
  apart: boolean,
): DerivativeOptions {
  const options = adjoint?.kind === "implicit" ? adjoint.options : {};
  const { rtol = limits.rtol, maxSteps = limits.maxSteps, throw: raises = true } = options;
  const alike = !apart && rtol === limits.rtol && maxSteps === limits.maxSteps;
  return { limits: { ...limits, rtol, maxSteps }, alike, throw: raises };
}

/** What was given as an operator, as one. */
function operatorOf(op: string, a: unknown, side: Space | null, what = "a"): Mapped {
  if (a instanceof LinearOperator) return a;
  if (a instanceof NDArray) return LinearOperator.ofRows(op, a);
  if (typeof a === "function" && side !== null) {
    const f = onVectors(op, a as (x: never) => unknown, side, side);
    return LinearOperator.between(f, side, side);
  }
  throw new TypeError(
    `${op}: ${what} must be a matrix, a LinearOperator${
      side === null ? "" : " or a linear function"
    }, not ${describeValue(a)}. ${
      side === null && typeof a === "function"
        ? "Say what trees the function takes: LinearOperator.of(f, x)"
        : what !== "a"
        ? "Make one of a matrix: jacobi(a)"
        : "Make a matrix of lists with np.array(...)"
    }`,
  );
}

/** The approximation of the inverse. */
function preconditioning(
  op: string,
  given: unknown,
  { domain, form }: Mapped,
  dtype: Form["dtype"],
): Form {
  const own = operatorOf(op, given, domain, "the preconditioner").form;
  if (own.rows !== form.columns || own.columns !== form.rows) {
    throw new ShapeError(
      `${op}: the preconditioner approximates the inverse of the operator, of shape ${
        formatShape([form.rows, form.columns])
      }, and so must have shape ${formatShape([form.columns, form.rows])}, not ${
        formatShape([own.rows, own.columns])
      }`,
    );
  }
  return converted(op, own, dtype, "the preconditioner");
}

/** Solves for a right-hand side, with the operator or its transpose. */
export function solved(
  plan: Plan,
  [leaves, space]: [NDArray[], Space],
  turned: boolean,
): LinearSolution<never> {
  const { op, form, method, factors, preconditioner, options, transforms } = plan;
  if (promoteDTypes(form.dtype, space.dtype) !== form.dtype) {
    throw new DTypeError(
      `${op}: b is ${space.dtype}, but the factors are ${form.dtype}. Convert one of them with astype`,
    );
  }
  const [domain, codomain] = turned ? [plan.codomain, plan.domain] : [plan.domain, plan.codomain];
  checkSide(op, codomain, space, form, turned);
  const b = convert(ravel(space, leaves), form.dtype);
  const limits: LinearLimits = {
    rtol: options.rtol ?? defaultTolerance(form.dtype),
    atol: options.atol ?? 0,
    maxSteps: options.maxSteps ?? Math.max(100, 10 * form.rows, 10 * form.columns),
  };
  const apply = (back: boolean) => (v: NDArray): NDArray =>
    back ? form.pull(v, transforms) : form.apply(v, transforms);
  const precondition = (back: boolean) => (v: NDArray): NDArray =>
    preconditioner === null
      ? v
      : back
      ? preconditioner.pull(v, transforms)
      : preconditioner.apply(v, transforms);
  const { history = false } = options;
  const from = startOf(op, options.x0, domain, form.dtype);
  const derivatives = derivativeOptions(options.adjoint, limits, from !== null || history);
  const first: Pick<LinearProblem<unknown>, "start" | "history"> = { start: from, history };
  const plain: typeof first = { start: null, history: false };
  const problem = {
    preconditioned: preconditioner !== null,
    factors,
    form,
    tags: form.tags,
    limits,
    derivatives,
    transforms,
  };
  const pull = (): NDArray => {
    throw new TypeError(`${op}: square systems are solved without the transpose`);
  };

  let x: NDArray;
  let about: About;
  if (method.solves === "square") {
    const solve =
      (back: boolean, own: LinearLimits, at: typeof first) =>
      (matvec: (v: NDArray) => NDArray, b: NDArray) => {
        const product = (v: NDArray): NDArray => matvec(v);
        const { x: found, ...report } = method.solve({
          ...problem,
          ...at,
          limits: own,
          apply: product,
          pull,
          precondition: precondition(back),
          transposed: back,
          b,
        });
        const residual = norm(b.sub(product(found)));
        const { x, status } = ifFinite(found, report.status, residual);
        const said = denied(plan.contradiction, judged({ ...report, status }, residual, b));
        return [x, { ...said, residual }] as const;
      };
    const symmetric = isSymmetric(form.tags);
    // Where elements are known they were asked; else one product of the derivative's asks.
    const believed = symmetric && !isStored(form);
    const name = (what: string): string => `${op}: ${what}: ${method.description}`;
    const { limits: own, alike } = derivatives;
    const forth: TangentSolve = (matvec, b, again) => {
      const [x, said] = alike ? again(b) : solve(turned, own, plain)(matvec, b);
      return [derived(name(forwards), b, x, said, derivatives), said];
    };
    const back: TangentSolve = (vecmat, b, again) => {
      const [x, report] = symmetric && alike
        ? again(b)
        : solve(symmetric ? turned : !turned, own, plain)(vecmat, b);
      const said = believed ? denied(asymmetry(vecmat, b, x, report.residual), report) : report;
      const what = believed ? `${backwards} ${asItself}` : backwards;
      return [derived(name(`${what} could not be solved`), b, x, said, derivatives), said];
    };
    [x, about] = transforms.customLinearSolve(
      apply(turned),
      b,
      solve(turned, limits, first) as never,
      {
        symmetric,
        tangentSolve: forth as never,
        ...symmetric && !believed ? {} : { transposeSolve: back as never },
        hasAux: true,
      },
    ) as unknown as [NDArray, About];
  } else {
    const { x: found, ...report } = method.solve({
      ...problem,
      ...first,
      apply: apply(turned),
      pull: apply(!turned),
      precondition: precondition(turned),
      transposed: turned,
      b,
    }) as LinearOutcome;
    const still = constant(form, transforms);
    const product = turned ? still.pull : still.apply;
    const residual = norm(stopGradient(b).sub(product(stopGradient(found), transforms)));
    const finite = ifFinite(found, report.status, residual);
    x = finite.x;
    about = { ...report, status: finite.status, residual };
  }
  const { residual, products, ...said } = about;
  const report = ifLinear(plan.offset, method.direct, { ...said, products });
  const solution = new LinearSolution<never>({
    ...report,
    denied: report.denied ?? scalarLike(0, report.detail),
    restarts: report.restarts ?? whole(0),
    preconditions: report.preconditions ?? whole(0),
    evaluations: { f: whole(0), jacobian: whole(0), products },
    aux: null,
    value: unravel(domain, x) as never,
    residualNorm: residual,
    valueNorm: norm(stopGradient(x)),
    description: `${op} by ${method.description}`,
  }, {
    direct: method.direct,
    leastSquares: method.solves === "leastSquares",
    explain: method.explain ?? {},
    takenFor: plan.offset !== null && !method.direct ? "linear" : takenFor(form, method),
  });
  if (options.throw) checkConverged(op, solution);
  return solution;
}

/** What a method says, and the norm of the residual. */
type About = LinearReport & { readonly residual: NDArray };

/** Solves a system of derivatives. */
type TangentSolve = (
  matvec: (v: NDArray) => NDArray,
  b: NDArray,
  again: (b: NDArray) => readonly [NDArray, About],
) => readonly [NDArray, About];

const forwards = "the system of which the derivative is the solution could not be solved";
const backwards = "the transposed system, of which the derivative backwards is the solution,";
const asItself =
  "and which is the system itself by the tag symmetric or positiveDefinite (leave it out where it does not hold),";

/**
 * The method for an operator, by its shape and by what is stored and known of it: what it costs is known
 * without looking at a value, so that compiled programs have one method in them.
 */
export function chosen(form: Form): LinearMethod {
  if (form.own !== undefined) return form.own as LinearMethod;
  const { rows, columns, stored, tags } = form;
  if (rows !== columns) {
    return isStored(form) || Math.min(rows, columns) <= denseLimit ? qr() : lsmr();
  }
  if (stored.kind === "diagonal") return diagonal();
  if (stored.kind === "tridiagonal") return tridiagonal();
  const small = isStored(form) || columns <= denseLimit;
  if (tags.triangular !== undefined && small) return triangular();
  if (small) return (tags.positiveDefinite ? cholesky() : lu());
  if (tags.positiveDefinite) return cg();
  return (isSymmetric(tags) ? minres() : gmres());
}

/** Unknowns up to which the matrix of a function is written out. */
const denseLimit = 256;

/** Refuses what a method has no use for. */
function checkUse(
  op: string,
  name: "preconditioner" | "x0" | "history",
  { description, direct, refuses = {} }: LinearMethod<unknown>,
): void {
  if (direct) {
    throw new TypeError(
      `${op}: ${description} have no steps, and so no use for ${
        name === "preconditioner" ? "a preconditioner" : name
      }. Take cg(), gmres(), bicgstab() or minres() as the solver, or leave it out`,
    );
  }
  const reason = name === "history" ? undefined : refuses[name];
  if (reason !== undefined) {
    throw new TypeError(`${op}: ${description} takes no ${name}: it ${reason}`);
  }
}

/**
 * Checks the adjoint of a linear system.
 *
 * @throws {TypeError} where it is not `implicit()`, or says what has no meaning here.
 */
function checkDerivatives(op: string, adjoint: Adjoint | undefined): void {
  checkAdjoint(op, adjoint, ["implicit"]);
  if (adjoint?.kind !== "implicit") return;
  const { linearSolver = "auto", memory } = adjoint.options;
  if (linearSolver === "auto" && memory === undefined) return;
  throw new TypeError(
    `${op}: the systems of derivatives are solved by the method of the solve, so that implicit() has no use for ` +
      `${
        memory === undefined ? "linearSolver" : "memory"
      } here. Give rtol, maxSteps or throw, or another solver`,
  );
}

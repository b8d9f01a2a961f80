/**
 * Conjugate gradients (Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49, 1952), preconditioned.
 *
 * MINRES (Paige and Saunders, SIAM J. Numer. Anal. 12, 1975), preconditioned.
 *
 * The stabilised method of biconjugate gradients (van der Vorst, SIAM J. Sci. Stat. Comput. 13, 1992),
 * preconditioned from the right.
 *
 * @module
 */
import { checkCall, epsilon } from "../../core/mod.ts";
import {
  and,
  gt,
  isFinite,
  lt,
  maximum,
  not,
  or,
  scalarLike,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import { dot, plainNorm } from "../norms.ts";
import { checkSquare, isSymmetric } from "./form.ts";
import { type Cycle, type CycleProblem, hypotenuse, inCycles, quotient } from "./gmres.ts";
import { type LinearMethod, once, whole } from "./method.ts";

/**
 * Conjugate gradients: for operators that are symmetric and positive definite, which is believed until a
 * direction shows that they are not. A preconditioner must be both too.
 *
 * @example
 * ```ts
 * import { cg, LinearOperator, linearSolve, numpy as np } from "@injax/injax";
 *
 * const a = LinearOperator.matrix(np.array([[4, 1], [1, 3]]), { positiveDefinite: true });
 * const solution = linearSolve(a, np.array([5, 4]), { solver: cg() });
 * console.log(np.round(solution.value).toArray(), solution.steps.item()); // [ 1, 1 ] 2
 * ```
 */
export function cg(): LinearMethod {
  if (arguments.length > 0) checkCall("cg()", arguments);
  return once({
    description: "conjugate gradients",
    solves: "square",
    direct: false,
    explain: {
      maxSteps: askew,
      breakdown:
        "the operator or the preconditioner is not positive definite: along a direction p of norm 1 " +
        "it has p . A p = {}. Take minres() where it is symmetric, else gmres()",
    },
    check: (form) => checkSquare("cg()", form),
    factor: () => null,
    solve: (problem) => inCycles(problem, cgCycle, { products: 1, preconditions: [1, 1] }),
  });
}

function cgCycle(problem: CycleProblem): Cycle {
  const { apply, precondition, r, size, bound, limit, norms, record, transforms } = problem;
  const z = precondition(r);
  const start = {
    d: zerosLike(r),
    r,
    p: z,
    rz: dot(r, z),
    left: size,
    steps: whole(0),
    norms,
    scale: scalarLike(0, size),
    curvature: scalarLike(NaN, size),
    broken: size.less(0),
  };
  const end = transforms.whileLoop(
    (c) => and(and(c.left.greater(bound), lt(c.steps, limit)), not(c.broken)),
    (c) => {
      const q = apply(c.p);
      const pq = dot(c.p, q);
      const pp = dot(c.p, c.p);
      // NaN is not positive either.
      const positive = and(gt(pq, scalarLike(0, pq)), gt(c.rz, scalarLike(0, pq)));
      const alpha = select(positive, quotient(c.rz, pq), scalarLike(0, pq));
      const next = c.r.sub(q.mul(alpha));
      const z = precondition(next);
      const rz = dot(next, z);
      const left = plainNorm(next);
      const p = z.add(c.p.mul(quotient(rz, c.rz)));
      return {
        d: c.d.add(c.p.mul(alpha)),
        r: next,
        p,
        rz,
        left,
        norms: record(c.norms, c.steps, left),
        steps: c.steps.add(1),
        scale: maximum(c.scale, quotient(plainNorm(q), pp.sqrt())),
        curvature: quotient(pq, pp),
        broken: not(positive),
      };
    },
    start,
  );
  return {
    d: end.d,
    steps: end.steps,
    broken: or(end.broken, end.left.notEqual(end.left)),
    detail: end.curvature,
    scale: end.scale,
    norms: end.norms,
  };
}

/**
 * MINRES: for symmetric operators, which need not be positive definite. A preconditioner must be positive
 * definite.
 *
 * @example
 * ```ts
 * import { LinearOperator, linearSolve, minres, numpy as np } from "@injax/injax";
 *
 * const a = LinearOperator.matrix(np.array([[1, 2], [2, 1]]), { symmetric: true });
 * const solution = linearSolve(a, np.array([3, 3]), { solver: minres() });
 * console.log(np.round(solution.value).toArray()); // [ 1, 1 ]
 * ```
 */
export function minres(): LinearMethod {
  if (arguments.length > 0) checkCall("minres()", arguments);
  return once({
    description: "MINRES",
    solves: "square",
    direct: false,
    explain: {
      maxSteps: askew,
      breakdown: "the preconditioner is not positive definite: r . M r = {}",
    },
    check(form) {
      checkSquare("minres()", form);
      if (isSymmetric(form.tags)) return;
      throw new TypeError(
        "linearSolve: minres() needs a symmetric operator, and to be told so: LinearOperator.matrix(a, " +
          "{ symmetric: true }), or LinearOperator.of(f, x, { symmetric: true }). Else take gmres()",
      );
    },
    factor: () => null,
    solve: (problem) => inCycles(problem, minresCycle, { products: 1, preconditions: [1, 1] }),
  });
}

function minresCycle(problem: CycleProblem): Cycle {
  const { apply, precondition, preconditioned, r, size, bound, limit, norms, record, transforms } =
    problem;
  const zero = scalarLike(0, size);
  const one = scalarLike(1, size);
  const nothing = zerosLike(r);
  const y = precondition(r);
  const square = dot(r, y);
  const first = maximum(square, zero).sqrt();
  // In the norm of the preconditioner the residual falls by as much.
  const goal = preconditioned ? quotient(bound, size).mul(first) : bound;
  const start = {
    d: nothing,
    // Residuals of the Lanczos process, and the last of them preconditioned.
    r1: r,
    r2: r,
    y,
    w: nothing,
    w1: nothing,
    beta: first,
    before: zero,
    dbar: zero,
    epsln: zero,
    phibar: first,
    cos: one.neg(),
    sin: zero,
    steps: whole(0),
    norms,
    scale: problem.scale,
    detail: square,
    broken: not(gt(square, zero)),
    done: size.less(0),
  };
  const end = transforms.whileLoop(
    (c) => and(and(c.phibar.greater(goal), lt(c.steps, limit)), not(or(c.broken, c.done))),
    (c) => {
      const v = c.y.mul(quotient(one, c.beta));
      const product = apply(v);
      const length = quotient(plainNorm(product), plainNorm(v));
      const alpha = dot(v, product);
      const r2 = product.sub(c.r1.mul(quotient(c.beta, c.before))).sub(
        c.r2.mul(quotient(alpha, c.beta)),
      );
      const y = precondition(r2);
      const square = dot(r2, y);
      const negative = square.less(0);
      const beta = maximum(square, zero).sqrt();
      const delta = c.cos.mul(c.dbar).add(c.sin.mul(alpha));
      const gbar = c.sin.mul(c.dbar).sub(c.cos.mul(alpha));
      const epsln = c.sin.mul(beta);
      const dbar = c.cos.mul(beta).neg();
      // |A r| over |r|: where it is rounding, no x makes the residual smaller.
      const root = hypotenuse(gbar, dbar);
      const gamma = maximum(hypotenuse(gbar, beta), scalarLike(epsilon(r.dtype) ** 2, size));
      const [cos, sin] = [quotient(gbar, gamma), quotient(beta, gamma)];
      const phi = cos.mul(c.phibar);
      const phibar = sin.mul(c.phibar);
      const w = v.sub(c.w1.mul(c.epsln)).sub(c.w.mul(delta)).mul(quotient(one, gamma));
      const scale = maximum(c.scale, length);
      const least = scale.mul(epsilon(r.dtype));
      const lost = root.lessEqual(least.mul(roundings));
      return {
        d: select(lost, c.d, c.d.add(w.mul(phi))),
        r1: c.r2,
        r2,
        y,
        w,
        w1: c.w,
        beta,
        before: c.beta,
        dbar,
        epsln,
        phibar,
        // With a preconditioner it is a norm of its own, in which the residual falls by as much.
        norms: record(
          c.norms,
          c.steps,
          preconditioned ? quotient(phibar, first).mul(size) : phibar,
        ),
        cos,
        sin,
        steps: c.steps.add(1),
        scale,
        detail: square,
        broken: and(negative, c.phibar.greater(goal)),
        // The Lanczos process has no further direction.
        done: or(lost, beta.lessEqual(least.mul(10))),
      };
    },
    start,
  );
  return {
    d: end.d,
    steps: end.steps,
    broken: end.broken,
    detail: end.detail,
    scale: end.scale,
    norms: end.norms,
  };
}

/**
 * BiCGStab: for square operators of any kind, in the memory of a few vectors, by two products a step. It
 * may break down where GMRES does not; then it begins afresh, and says so where that does not help.
 *
 * @example
 * ```ts
 * import { bicgstab, linearSolve, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[4, 1, 0], [-1, 3, 1], [0, 1, 5]]);
 * const solution = linearSolve(a, np.array([5, 3, 6]), { solver: bicgstab() });
 * console.log(np.round(solution.value).toArray()); // [ 1, 1, 1 ]
 * ```
 */
export function bicgstab(): LinearMethod {
  if (arguments.length > 0) checkCall("bicgstab()", arguments);
  return once({
    description: "BiCGStab",
    solves: "square",
    direct: false,
    explain: {
      breakdown:
        "directions became orthogonal to the first residual. Take gmres(), or give a preconditioner",
    },
    check: (form) => checkSquare("bicgstab()", form),
    factor: () => null,
    solve: (problem) => inCycles(problem, bicgstabCycle, { products: 2, preconditions: [2, 0] }),
  });
}

function bicgstabCycle(problem: CycleProblem): Cycle {
  const { apply, precondition, r, size, bound, limit, norms, record, transforms } = problem;
  const zero = scalarLike(0, size);
  const tiny = epsilon(r.dtype) ** 2;
  const start = {
    d: zerosLike(r),
    r,
    p: r,
    rho: dot(r, r),
    left: size,
    steps: whole(0),
    norms,
    scale: zero,
    broken: size.less(0),
  };
  const end = transforms.whileLoop(
    (c) => and(and(c.left.greater(bound), lt(c.steps, limit)), not(c.broken)),
    (c) => {
      const y = precondition(c.p);
      const v = apply(y);
      const rv = dot(r, v);
      const lengthV = plainNorm(v);
      const flatV = and(isFinite(rv), rv.abs().lessEqual(lengthV.mul(size).mul(tiny)));
      const alpha = select(flatV, zero, quotient(c.rho, rv));
      const s = c.r.sub(v.mul(alpha));
      const z = precondition(s);
      const t = apply(z);
      const omega = quotient(dot(t, s), dot(t, t));
      const next = s.sub(t.mul(omega));
      const rho = dot(r, next);
      const left = plainNorm(next);
      const beta = quotient(rho, c.rho).mul(quotient(alpha, omega));
      const ends = or(
        rho.abs().lessEqual(left.mul(size).mul(tiny)),
        or(omega.equal(0), left.notEqual(left)),
      );
      return {
        d: c.d.add(y.mul(alpha)).add(z.mul(omega)),
        r: next,
        p: next.add(c.p.sub(v.mul(omega)).mul(beta)),
        rho,
        left,
        norms: record(c.norms, c.steps, left),
        steps: c.steps.add(1),
        scale: maximum(
          c.scale,
          maximum(quotient(lengthV, plainNorm(y)), quotient(plainNorm(t), plainNorm(z))),
        ),
        broken: or(flatV, and(ends, left.greater(bound))),
      };
    },
    start,
  );
  return {
    d: end.d,
    steps: end.steps,
    broken: end.broken,
    detail: scalarLike(NaN, zero),
    scale: end.scale,
    norms: end.norms,
  };
}

/** `|A r|` over `|A| |r|`, in roundings, that is nothing but these. */
const roundings = 4;

/** Of methods that come to no end where something is not symmetric, which products do not tell. */
const askew =
  "more steps than maxSteps allows. Raise maxSteps, give a preconditioner, or loosen rtol; where the operator or its " +
  "preconditioner is not symmetric, take gmres()";

/**
 * MINRES (Paige and Saunders, SIAM J. Numer. Anal. 12, 1975), preconditioned.
 *
 * @module
 */
import { epsilon } from "../../core/dtype.ts";
import { checkCall } from "../../core/signature.ts";
import { scalarLike, zerosLike } from "../../primitives/constants/full.ts";
import { maximum } from "../../primitives/elementwise/arithmetic.ts";
import { and, gt, lt, not, or } from "../../primitives/elementwise/compare.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { dot, plainNorm } from "../norms.ts";
import { checkSquare, isSymmetric } from "./form.ts";
import { type Cycle, type CycleProblem, hypotenuse, inCycles, quotient } from "./krylov.ts";
import { type LinearMethod, once, whole } from "./method.ts";

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
    explain: { breakdown: "the preconditioner is not positive definite: r . M r = {}" },
    check(form) {
      checkSquare("minres()", form);
      if (isSymmetric(form.tags)) return;
      throw new TypeError(
        "linearSolve: minres() needs a symmetric operator, and to be told so: LinearOperator.matrix(a, " +
          "{ symmetric: true }), or LinearOperator.of(f, x, { symmetric: true }). Else take gmres()",
      );
    },
    factor: () => null,
    solve: (problem) => inCycles(problem, cycle, { products: 1, preconditions: [1, 1] }),
  });
}

function cycle(problem: CycleProblem): Cycle {
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
    scale: zero,
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
      const lost = and(root.lessEqual(least), c.steps.greater(0));
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

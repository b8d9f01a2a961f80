/**
 * Conjugate gradients (Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49, 1952), preconditioned.
 *
 * @module
 */
import { checkCall } from "../../core/signature.ts";
import { scalarLike, zerosLike } from "../../primitives/constants/full.ts";
import { maximum } from "../../primitives/elementwise/arithmetic.ts";
import { and, gt, lt, not, or } from "../../primitives/elementwise/compare.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { dot, plainNorm } from "../norms.ts";
import { checkSquare } from "./form.ts";
import { type Cycle, type CycleProblem, inCycles, quotient } from "./krylov.ts";
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
      breakdown:
        "the operator or the preconditioner is not positive definite: along a direction p of norm 1 " +
        "it has p . A p = {}. Take minres() where it is symmetric, else gmres()",
    },
    check: (form) => checkSquare("cg()", form),
    factor: () => null,
    solve: (problem) => inCycles(problem, cycle, { products: 1, preconditions: [1, 1] }),
  });
}

function cycle(problem: CycleProblem): Cycle {
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

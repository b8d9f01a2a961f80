/**
 * The stabilised method of biconjugate gradients (van der Vorst, SIAM J. Sci. Stat. Comput. 13, 1992),
 * preconditioned from the right.
 *
 * @module
 */
import { epsilon } from "../../core/dtype.ts";
import { checkCall } from "../../core/signature.ts";
import { scalarLike, zerosLike } from "../../primitives/constants/full.ts";
import { maximum } from "../../primitives/elementwise/arithmetic.ts";
import { and, lt, not, or } from "../../primitives/elementwise/compare.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { dot, plainNorm } from "../norms.ts";
import { checkSquare } from "./form.ts";
import { type Cycle, type CycleProblem, inCycles, quotient } from "./krylov.ts";
import { type LinearMethod, once, whole } from "./method.ts";

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
    solve: (problem) => inCycles(problem, cycle, { products: 2, preconditions: [2, 0] }),
  });
}

function cycle(problem: CycleProblem): Cycle {
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
      const flatV = rv.abs().lessEqual(lengthV.mul(size).mul(tiny));
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

/**
 * GMRES, restarted (Saad and Schultz, SIAM J. Sci. Stat. Comput. 7, 1986), preconditioned from the right,
 * so that the residual is that of the system itself.
 *
 * Directions are orthogonalised twice by classical Gram-Schmidt, which is two products of matrices. The
 * rotations that make the Hessenberg matrix triangular are kept multiplied out, so that a new column takes
 * one product and no loop; their first column is the residual.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { checkCount } from "../../core/checks.ts";
import { scalarArray } from "../../core/concrete.ts";
import { epsilon } from "../../core/dtype.ts";
import { checkCall, type OptionTable } from "../../core/signature.ts";
import { diagonalOf, identity } from "../../linalg/matrices.ts";
import { triangularSolve } from "../../linalg/triangular_solve.ts";
import { full, scalarLike } from "../../primitives/constants/full.ts";
import { iota } from "../../primitives/constants/iota.ts";
import { div, maximum } from "../../primitives/elementwise/arithmetic.ts";
import { and, eq, lt, not } from "../../primitives/elementwise/compare.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { dynamicSlice, dynamicUpdateSlice } from "../../primitives/indexing/dynamic_slice.ts";
import { reshape } from "../../primitives/shape/reshape.ts";
import { slice } from "../../primitives/slicing/slice.ts";
import { plainNorm } from "../norms.ts";
import { checkSquare, column, flat, part, times, timesTransposed } from "./form.ts";
import { type Cycle, type CycleProblem, fewer, hypotenuse, inCycles, quotient } from "./krylov.ts";
import { type LinearMethod, once, whole } from "./method.ts";

/** Options of `gmres`. */
export interface GmresOptions {
  /** Steps after which the directions are forgotten (default 50): so many vectors are kept. */
  readonly restart?: number | undefined;
}

const gmresOptions: OptionTable<GmresOptions> = { restart: "count" };

/**
 * GMRES: the smallest residual that products with the operator can make, for square operators of any kind.
 * Where it restarts too early it may stagnate, and says so.
 *
 * @example
 * ```ts
 * import { gmres, linearSolve, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[4, 1, 0], [-1, 3, 1], [0, 1, 5]]);
 * const solution = linearSolve(a, np.array([5, 3, 6]), { solver: gmres() });
 * console.log(np.round(solution.value).toArray(), solution.steps.item()); // [ 1, 1, 1 ] 3
 * ```
 */
export function gmres(options: GmresOptions = {}): LinearMethod {
  if (arguments.length > 0) checkCall("gmres(options)", arguments, gmresOptions);
  const { restart = 50 } = options;
  if (checkCount("gmres", "restart", restart) < 1) {
    throw new RangeError(`gmres: restart must be at least 1, not ${restart}`);
  }
  return once({
    description: `GMRES (restart ${restart})`,
    solves: "square",
    direct: false,
    explain: {
      breakdown:
        "the operator is singular, and b is not among what it gives. For least squares take " +
        "qr(), svd() or lsmr()",
    },
    check: (form) => checkSquare("gmres()", form),
    factor: () => null,
    solve: (problem) =>
      inCycles(problem, (p) => cycle(p, restart), { products: 1, preconditions: [1, 1] }),
  });
}

function cycle(problem: CycleProblem, restart: number): Cycle {
  const { apply, precondition, preconditioned, r, size, bound, norms, record, transforms } =
    problem;
  const n = r.size;
  const m = Math.min(restart, n);
  const { dtype } = r;
  const zero = scalarArray(0, dtype);
  const places = iota([m + 1], 0, "int32");
  const row = (x: NDArray): NDArray => reshape(x, [1, x.size]);
  const put = (x: NDArray, at: NDArray, values: NDArray): NDArray =>
    dynamicUpdateSlice(x, row(values), [at, whole(0)]);
  const limit = fewer(problem.limit, m);
  const start = {
    j: whole(0),
    // Orthonormal directions, one a row.
    v: put(full([m + 1, n], 0, dtype), whole(0), div(r, size)),
    // Rows are columns of the triangle.
    rt: full([m, m], 0, dtype),
    // The product of the rotations so far.
    q: identity(m + 1, dtype),
    left: size,
    norms,
    scale: zero,
    going: lt(whole(0), limit),
    broken: size.less(0),
  };
  const end = transforms.whileLoop(
    (c) => c.going,
    (c) => {
      const direction = flat(dynamicSlice(c.v, [c.j, whole(0)], [1, n]));
      const z = precondition(direction);
      const w = apply(z);
      const length = plainNorm(w);
      const h1 = times(c.v, w);
      const w1 = w.sub(timesTransposed(c.v, h1));
      const h2 = times(c.v, w1);
      const w2 = w1.sub(timesTransposed(c.v, h2));
      const rest = plainNorm(w2);
      // What is rounding is no direction: the space holds the solution.
      const closed = rest.lessEqual(length.mul(10 * epsilon(dtype)));
      const beside = select(closed, zero, rest);
      const next = c.j.add(1);
      const h = select(eq(places, next), beside, h1.add(h2));
      const turned = times(c.q, h);
      const one = (x: NDArray, at: NDArray): NDArray => reshape(dynamicSlice(x, [at], [1]), []);
      const [a, b] = [one(turned, c.j), one(turned, next)];
      const rho = hypotenuse(a, b);
      const [cos, sin] = [quotient(a, rho), quotient(b, rho)];
      const cosine = select(rho.equal(0), scalarLike(1, cos), cos);
      const at = (i: NDArray): NDArray => flat(dynamicSlice(c.q, [i, whole(0)], [1, m + 1]));
      const [first, second] = [at(c.j), at(next)];
      const q = put(
        put(c.q, c.j, first.mul(cosine).add(second.mul(sin))),
        next,
        second.mul(cosine).sub(first.mul(sin)),
      );
      const above = select(lt(places, c.j), turned, zero);
      const entry = select(eq(places, c.j), rho, above);
      const left = reshape(dynamicSlice(q, [next, whole(0)], [1, 1]), []).mul(size).abs();
      const lost = rho.lessEqual(length.mul(epsilon(dtype)));
      return {
        j: next,
        v: put(c.v, next, quotient(w2, beside)),
        rt: put(c.rt, c.j, part(entry, 0, m)),
        q,
        left,
        norms: record(c.norms, c.j, left),
        scale: maximum(c.scale, preconditioned ? quotient(length, plainNorm(z)) : length),
        going: and(and(lt(next, limit), left.greater(bound)), not(closed)),
        broken: and(closed, lost),
      };
    },
    start,
  );
  const own = part(places, 0, m);
  const triangle = end.rt;
  const diagonal = diagonalOf(triangle);
  // Steps that were not made, and a direction that the operator takes to nothing, have no part.
  const used = and(lt(own, end.j), diagonal.greater(0));
  const g = select(used, part(flat(slice(end.q, [0, 0], [m + 1, 1])), 0, m).mul(size), zero);
  const mended = select(
    and(eq(reshape(own, [m, 1]), reshape(own, [1, m])), not(reshape(used, [m, 1]))),
    scalarLike(1, zero),
    triangle,
  );
  const params = { lower: true, transposeA: true, unitDiagonal: false };
  const y = flat(triangularSolve(mended, column(g), params));
  const d = precondition(timesTransposed(slice(end.v, [0, 0], [m, n]), y));
  return {
    d,
    steps: end.j,
    broken: end.broken,
    detail: scalarLike(NaN, zero),
    scale: end.scale,
    norms: end.norms,
  };
}

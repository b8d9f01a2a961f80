/**
 * LSMR (Fong and Saunders, SIAM J. Sci. Comput. 33, 2011): least squares by products.
 *
 * A problem of least squares is a symmetric system, `r + B x = f, B^T r - damp^2 x = g`, with f the
 * right-hand side and g 0; of the shortest solution of a wide system B is the transpose, g the right-hand
 * side and f 0. As such it is differentiated: of the derivative neither f nor g is 0.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { epsilon } from "../../core/dtype.ts";
import { scalarArray } from "../../core/concrete.ts";
import { checkCall, type OptionTable } from "../../core/signature.ts";
import { full, scalarLike, zerosLike } from "../../primitives/constants/full.ts";
import { div, maximum } from "../../primitives/elementwise/arithmetic.ts";
import { and, lt, not, or } from "../../primitives/elementwise/compare.ts";
import { isFinite } from "../../primitives/elementwise/elementary.ts";
import { select } from "../../primitives/elementwise/select.ts";
import type { Transforms } from "../../transforms/types.ts";
import { norm, plainNorm } from "../norms.ts";
import { statusCode } from "../solution.ts";
import { joined, part } from "./form.ts";
import { hypotenuse, quotient, rounding } from "./krylov.ts";
import {
  derived,
  type LinearLimits,
  type LinearMethod,
  type LinearReport,
  once,
  whole,
} from "./method.ts";

/** Options of `lsmr`. */
export interface LsmrOptions {
  /** Adds `damp^2 |x|^2` to what is made small (default 0). */
  readonly damp?: number | undefined;
}

const lsmrOptions: OptionTable<LsmrOptions> = { damp: "number" };

type TangentSolve = (
  matvec: (z: NDArray) => NDArray,
  side: NDArray,
  again: (side: NDArray) => readonly [NDArray, LinearReport],
) => readonly [NDArray, LinearReport];

const unsolved =
  "the problem of least squares of which the derivative is the solution could not be solved";

/** A map by its products. */
interface Products {
  readonly rows: number;
  readonly columns: number;
  apply(v: NDArray): NDArray;
  pull(u: NDArray): NDArray;
}

/**
 * LSMR: least squares of operators of any shape by products with them and their transposes. Of several
 * solutions it finds the shortest. Derivatives with respect to the operator take its rank for the full
 * one: where it is not, use `svd()` or a `damp`.
 *
 * @throws {RangeError} where `damp` is negative.
 *
 * @example
 * ```ts
 * import { linearSolve, lsmr, numpy as np } from "@injax/injax";
 *
 * const a = np.array([[1, 1], [1, 2], [1, 3]]);
 * const line = linearSolve(a, np.array([1, 2, 4]), { solver: lsmr() });
 * console.log(np.round(line.value.mul(6)).toArray()); // [ -4, 9 ]
 * ```
 */
export function lsmr(options: LsmrOptions = {}): LinearMethod {
  if (arguments.length > 0) checkCall("lsmr(options)", arguments, lsmrOptions);
  const { damp = 0 } = options;
  if (!(damp >= 0 && damp < Infinity)) {
    throw new RangeError(`lsmr: damp must be a finite number that is not negative, not ${damp}`);
  }
  return once({
    description: damp === 0 ? "LSMR" : `LSMR (damp ${damp})`,
    solves: "leastSquares",
    direct: false,
    factor: () => null,
    solve({ apply, pull, form, transposed, b, limits, derivatives, transforms }) {
      const [rows, columns] = transposed ? [form.columns, form.rows] : [form.rows, form.columns];
      const tall = rows >= columns || damp > 0;
      const [p, q] = tall ? [rows, columns] : [columns, rows];
      const [forth, back] = tall ? [apply, pull] : [pull, apply];
      const square = scalarArray(damp * damp, b.dtype);
      const matvec = (z: NDArray): NDArray => {
        const [r, x] = [part(z, 0, p), part(z, p, p + q)];
        return joined(r.add(forth(x)), back(r).sub(x.mul(square)));
      };
      const solve = (own: LinearLimits) => (matvec: (z: NDArray) => NDArray, side: NDArray) => {
        const none = (n: number): NDArray => full([n], 0, side.dtype);
        const map: Products = {
          rows: p,
          columns: q,
          apply: (v) => part(matvec(joined(none(p), v)), 0, p),
          pull: (u) => part(matvec(joined(u, none(q))), p, p + q),
        };
        return augmented(map, damp, part(side, 0, p), part(side, p, p + q), own, transforms);
      };
      const tangentSolve: TangentSolve = (matvec, side, again) => {
        const [z, said] = derivatives.alike ? again(side) : solve(derivatives.limits)(matvec, side);
        return [derived(`linearSolve: ${unsolved}: LSMR`, side, z, said, derivatives), said];
      };
      const nothing = full([tall ? q : p], 0, b.dtype);
      const side = tall ? joined(b, nothing) : joined(nothing, b);
      const [z, report] = transforms.customLinearSolve(matvec, side, solve(limits) as never, {
        symmetric: true,
        tangentSolve: tangentSolve as never,
        hasAux: true,
      }) as unknown as [NDArray, LinearReport];
      return { ...report, x: tall ? part(z, p, p + q) : part(z, 0, p) };
    },
  });
}

/** Solves `r + B x = f, B^T r - damp^2 x = g`. */
function augmented(
  map: Products,
  damp: number,
  f: NDArray,
  g: NDArray,
  limits: LinearLimits,
  transforms: Transforms,
): readonly [NDArray, LinearReport] {
  const { rows: p, columns: q, apply, pull } = map;
  const run = (m: Products, b: NDArray, d: number) => shortest(m, b, d, limits, transforms);
  const first = run(map, f, damp);
  // y = (B^T B + damp^2)^-1 g, by way of the shortest w with B^T w = g, or B^T w + damp s = g.
  const reversed: Products = damp === 0 ? { rows: q, columns: p, apply: pull, pull: apply } : {
    rows: q,
    columns: p + q,
    apply: (v) => pull(part(v, 0, p)).add(part(v, p, p + q).mul(damp)),
    pull: (u) => joined(apply(u), u.mul(damp)),
  };
  const second = run(reversed, g, 0);
  const third = damp === 0 ? run(map, second.x, 0) : null;
  const y = third === null ? part(second.x, p, p + q).mul(1 / damp) : third.x;
  const x = first.x.sub(y);
  const by = third === null ? apply(y) : second.x;
  const r = f.sub(apply(first.x)).add(by);
  const runs = third === null ? [first, second] : [first, second, third];
  const total = (key: "steps" | "products"): NDArray =>
    runs.map((o) => o[key]).reduce((a, b) => a.add(b));
  // The runs of zeros have converged, with the smallest code.
  const status = runs.map((o) => o.status).reduce(maximum);
  const report = {
    status,
    steps: total("steps"),
    products: total("products"),
    detail: scalarLike(NaN, norm(f)),
    rank: whole(-1),
  };
  return [joined(r, x), report];
}

/** A solution by LSMR. */
interface Run {
  readonly x: NDArray;
  readonly status: NDArray;
  readonly steps: NDArray;
  readonly products: NDArray;
}

/** The shortest x that makes `|B x - b|^2 + damp^2 |x|^2` smallest, in cycles as in `krylov.ts`. */
function shortest(
  map: Products,
  b: NDArray,
  damp: number,
  { rtol, atol, maxSteps }: LinearLimits,
  transforms: Transforms,
): Run {
  const { columns, apply, pull } = map;
  const { dtype } = b;
  const code = (s: Parameters<typeof statusCode>[0]): NDArray => whole(statusCode(s));
  const length = norm(b);
  const none = length.equal(0);
  const unit = select(none, scalarLike(1, length), length);
  const right = div(b, unit);
  const bound = div(scalarArray(atol, dtype), unit).add(rtol);
  const square = scalarArray(damp * damp, dtype);
  const slopeOf = (r: NDArray, x: NDArray): NDArray => pull(r).sub(x.mul(square));
  const x0 = full([columns], 0, dtype);
  const s0 = slopeOf(right, x0);
  const start = {
    x: x0,
    r: right,
    s: s0,
    slope: norm(s0),
    scale: scalarLike(0, length),
    steps: whole(0),
    cycles: whole(0),
    status: select(
      and(isFinite(length), isFinite(norm(s0))),
      select(
        or(none, norm(s0).equal(0)),
        code("converged"),
        maxSteps < 1 ? code("maxSteps") : whole(-1),
      ),
      code("nonfinite"),
    ),
  };
  const end = transforms.whileLoop(
    (c) => c.status.equal(-1),
    (c) => {
      const found = bidiagonal(
        map,
        damp,
        c.r,
        c.x,
        bound,
        rtol,
        whole(maxSteps).sub(c.steps),
        transforms,
      );
      const next = c.x.add(found.d);
      const r = right.sub(apply(next));
      const s = slopeOf(r, next);
      const slope = norm(s);
      const better = slope.less(c.slope);
      const x = select(better, next, c.x);
      const rest = select(better, r, c.r);
      const least = select(better, slope, c.slope);
      const scale = maximum(c.scale, found.scale);
      const steps = c.steps.add(found.steps);
      const size = norm(rest);
      const floor = rounding(norm(x).mul(scale), roundings);
      const small = or(
        size.lessEqual(maximum(bound, floor)),
        least.lessEqual(scale.mul(maximum(size.mul(rtol), floor))),
      );
      const stuck = not(slope.less(c.slope.mul(0.9)));
      let status = select(steps.greaterEqual(maxSteps), code("maxSteps"), whole(-1));
      status = select(stuck, select(isFinite(slope), code("stagnated"), code("diverged")), status);
      status = select(and(small, isFinite(least)), code("converged"), status);
      return {
        x,
        r: rest,
        s: select(better, s, c.s),
        slope: least,
        scale,
        steps,
        cycles: c.cycles.add(1),
        status,
      };
    },
    start,
  );
  return {
    x: end.x.mul(unit),
    status: end.status,
    steps: end.steps,
    products: end.steps.add(end.cycles).mul(2).add(1),
  };
}

/** Steps of LSMR for `B d = r`, from d = 0. The letters are those of the paper. */
function bidiagonal(
  { apply, pull }: Products,
  damp: number,
  r: NDArray,
  x: NDArray,
  bound: NDArray,
  rtol: number,
  limit: NDArray,
  transforms: Transforms,
): { readonly d: NDArray; readonly steps: NDArray; readonly scale: NDArray } {
  // With damping the problem of the change has a part of its own below: -damp x.
  const lambda = scalarArray(damp, r.dtype);
  const top = plainNorm(r);
  const low = x.mul(damp === 0 ? 0 : -damp);
  const beta = damp === 0 ? top : hypotenuse(top, plainNorm(low));
  const one = scalarLike(1, beta);
  const zero = scalarLike(0, beta);
  const down = quotient(one, beta);
  const forth = (v: NDArray): NDArray => damp === 0 ? apply(v) : joined(apply(v), v.mul(lambda));
  const m = r.size;
  const back = (u: NDArray): NDArray =>
    damp === 0 ? pull(u) : pull(part(u, 0, m)).add(part(u, m, u.size).mul(lambda));
  const u = (damp === 0 ? r : joined(r, low)).mul(down);
  const v = back(u);
  const alpha = plainNorm(v);
  const v1 = v.mul(quotient(one, alpha));
  const start = {
    u,
    v: v1,
    h: v1,
    hbar: zerosLike(v1),
    d: zerosLike(v1),
    alpha,
    alphabar: alpha,
    zetabar: alpha.mul(beta),
    rho: one,
    rhobar: one,
    cbar: one,
    sbar: zero,
    steps: whole(0),
    scale: alpha,
    frobenius: alpha.mul(alpha),
    going: and(alpha.greater(0), lt(whole(0), limit)),
  };
  const goal = maximum(bound.mul(0.1), beta.mul(rtol * 0.1));
  const end = transforms.whileLoop(
    (c) => c.going,
    (c) => {
      const product = forth(c.v);
      const u = product.sub(c.u.mul(c.alpha));
      const beta = plainNorm(u);
      const u1 = u.mul(quotient(one, beta));
      const v = back(u1).sub(c.v.mul(beta));
      const alpha = plainNorm(v);
      const v1 = v.mul(quotient(one, alpha));
      const rho = hypotenuse(c.alphabar, beta);
      const [cos, sin] = [quotient(c.alphabar, rho), quotient(beta, rho)];
      const theta = sin.mul(alpha);
      const thetabar = c.sbar.mul(rho);
      const chi = c.cbar.mul(rho);
      const rhobar = hypotenuse(chi, theta);
      const [cbar, sbar] = [quotient(chi, rhobar), quotient(theta, rhobar)];
      const zeta = cbar.mul(c.zetabar);
      const zetabar = sbar.neg().mul(c.zetabar);
      const hbar = c.h.sub(c.hbar.mul(quotient(thetabar.mul(rho), c.rho.mul(c.rhobar))));
      const d = c.d.add(hbar.mul(quotient(zeta, rho.mul(rhobar))));
      const steps = c.steps.add(1);
      const frobenius = c.frobenius.add(beta.mul(beta)).add(alpha.mul(alpha));
      // |B^T r| against |B|; where it is rounding there is no further direction.
      const closed = zetabar.abs().lessEqual(frobenius.sqrt().mul(goal).mul(0.1));
      const ended = alpha.lessEqual(frobenius.sqrt().mul(epsilon(r.dtype)));
      return {
        u: u1,
        v: v1,
        h: v1.sub(c.h.mul(quotient(theta, rho))),
        hbar,
        d,
        alpha,
        alphabar: cos.neg().mul(alpha),
        zetabar,
        rho,
        rhobar,
        cbar,
        sbar,
        steps,
        scale: maximum(c.scale, plainNorm(product)),
        frobenius,
        going: and(and(not(closed), not(ended)), and(lt(steps, limit), zetabar.equal(zetabar))),
      };
    },
    start,
  );
  return { d: end.d, steps: end.steps, scale: end.scale };
}

/** As in `krylov.ts`; there are two products a step. */
const roundings = 10;

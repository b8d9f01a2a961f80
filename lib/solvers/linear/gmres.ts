/**
 * GMRES, restarted (Saad and Schultz, SIAM J. Sci. Stat. Comput. 7, 1986), preconditioned from the right,
 * so that the residual is that of the system itself.
 *
 * Directions are orthogonalised twice by classical Gram-Schmidt, which is two products of matrices. The
 * rotations that make the Hessenberg matrix triangular are kept multiplied out, so that a new column takes
 * one product and no loop; their first column is the residual.
 *
 * What iterations by products have in common. A method makes a cycle: so many steps for `A d = r` from
 * `d = 0`, which it believes to have solved by a residual of its own. Here the residual is computed from
 * the equation after each cycle, and that alone decides: a claim never stands on a recurrence, which
 * drifts. What is left is the right-hand side of the next cycle, so that rounding is mended too.
 *
 * The right-hand side is brought to a norm near 1 first, so that units and tiny cotangents do not matter.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  epsilon,
  type NDArray,
  type OptionTable,
  scalarArray,
} from "../../core/mod.ts";
import { diagonalOf, identity, unitsOf } from "../../linalg/matrices.ts";
import { triangularSolve } from "../../linalg/triangular_solve.ts";
import {
  and,
  div,
  dynamicSlice,
  dynamicUpdateSlice,
  eq,
  full,
  iota,
  isFinite,
  lt,
  maximum,
  minimum,
  not,
  or,
  reshape,
  scalarLike,
  select,
  slice,
  zerosLike,
} from "../../primitives/mod.ts";
import { norm, plainNorm } from "../norms.ts";
import { statusCode } from "../solution.ts";
import { checkSquare, column, flat, part, times, timesTransposed } from "./form.ts";
import {
  type LinearMethod,
  type LinearOutcome,
  type LinearProblem,
  once,
  whole,
} from "./method.ts";

/** The system of a cycle. */
export interface CycleProblem extends LinearProblem<unknown> {
  /** The right-hand side. */
  readonly r: NDArray;
  /** Its norm. */
  readonly size: NDArray;
  /** The residual norm to reach. */
  readonly bound: NDArray;
  /** The most steps: int32. */
  readonly limit: NDArray;
  /** The largest `|A v| / |v|` that was met before. */
  readonly scale: NDArray;
  /** The residual norms of the steps before, where they are kept. */
  readonly norms: NDArray | null;
  /** These, and that after one more step, which is so many behind those before this cycle: int32. */
  record(norms: NDArray | null, step: NDArray, left: NDArray): NDArray | null;
}

/** What a cycle found. */
export interface Cycle {
  /** The change of the solution. */
  readonly d: NDArray;
  /** Steps that were made: int32. */
  readonly steps: NDArray;
  /** Whether the method cannot go on. */
  readonly broken: NDArray;
  /** A number about that, or NaN. */
  readonly detail: NDArray;
  /** The largest `|A v| / |v|` that was met. */
  readonly scale: NDArray;
  /** The residual norms of all steps, where they are kept. */
  readonly norms: NDArray | null;
}

/** How often things are done: in a step, and in a cycle beside. */
export interface CycleCounts {
  /** Products in a step. */
  readonly products: number;
  /** Applications of the preconditioner in a step, and in a cycle beside. */
  readonly preconditions: readonly [number, number];
}

/** Runs cycles until the residual is small, or none makes it smaller. */
export function inCycles(
  problem: LinearProblem<unknown>,
  cycle: (problem: CycleProblem) => Cycle,
  counts: CycleCounts,
): LinearOutcome {
  const { apply, b, limits: { rtol, atol, maxSteps }, transforms, preconditioned } = problem;
  const code = (s: Parameters<typeof statusCode>[0]): NDArray => whole(statusCode(s));
  const running = whole(-1);
  const length = norm(b);
  const none = length.equal(0);
  const unit = unitOf(length);
  const right = div(b, unit);
  const size = div(length, unit);
  const bound = div(scalarArray(atol, b.dtype), unit).add(size.mul(rtol));
  const from = problem.start === null ? null : div(problem.start, unit);
  const begun = begin(from, right, size, apply);
  const start = {
    ...begun,
    norms: problem.history ? full([maxSteps], NaN, b.dtype) : null,
    scale: scalarLike(0, length),
    detail: scalarLike(NaN, length),
    steps: whole(0),
    cycles: whole(0),
    status: select(
      isFinite(length),
      select(
        from === null ? none : begun.size.lessEqual(bound),
        code("converged"),
        maxSteps < 1 ? code("maxSteps") : running,
      ),
      code("nonfinite"),
    ),
  };
  const end = transforms.whileLoop(
    (c) => c.status.equal(-1),
    (c) => {
      const limit = whole(maxSteps).sub(c.steps);
      const record: CycleProblem["record"] = (norms, step, left) =>
        recorded(norms, c.steps.add(step), left);
      const { r: rest, size: left, norms, scale: met } = c;
      const found = cycle({
        ...problem,
        r: rest,
        size: left,
        bound,
        limit,
        scale: met,
        norms,
        record,
      });
      const next = c.x.add(found.d);
      const r = right.sub(apply(next));
      const size = norm(r);
      // A residual that is not finite is no progress either.
      const better = size.less(c.size);
      const x = select(better, next, c.x);
      const least = select(better, size, c.size);
      const account = counted(c, found, least);
      const { scale, steps } = account;
      const reach = norm(x).mul(scale);
      const small = least.lessEqual(maximum(bound, rounding(reach, roundings)));
      const stuck = not(size.less(c.size.mul(leastProgress)));
      // What is left is much, and rounding of unknowns that are as large as nothing but a null space makes them.
      const eps = epsilon(b.dtype);
      const nothing = and(
        least.greater(eps ** 0.25),
        least.lessEqual(reach.mul(roundings * eps)),
      );
      const ends = steps.greaterEqual(maxSteps);
      const finite = isFinite(size);
      const failure = select(
        // Where a step to numbers gives none, these are the operator's.
        and(found.broken, or(finite, not(isFinite(norm(found.d))))),
        code("breakdown"),
        select(
          finite,
          select(
            // A cycle that was cut short may have needed its last steps.
            ends,
            code("maxSteps"),
            select(nothing, code("singular"), code("stagnated")),
          ),
          // What overflows later was finite at first.
          select(found.steps.greater(1), code("diverged"), code("nonfinite")),
        ),
      );
      let status = select(stuck, failure, select(ends, code("maxSteps"), running));
      status = select(and(small, isFinite(least)), code("converged"), status);
      return {
        x,
        r: select(better, r, c.r),
        size: least,
        detail: found.detail,
        status,
        ...account,
      };
    },
    start,
  );
  return {
    ...ended(end, unit),
    products: end.steps.mul(counts.products).add(end.cycles).add(from === null ? 0 : 1),
    detail: end.detail,
    rank: whole(-1),
    preconditions: preconditioned
      ? end.steps.mul(counts.preconditions[0]).add(end.cycles.mul(counts.preconditions[1]))
      : whole(0),
  };
}

/**
 * The unit of a right-hand side of this norm: the power of two below it, so that nothing is rounded on the way there and
 * back, and what is left in units is what is left. Where there is none in range, the norm itself; and 1 of 0.
 */
export function unitOf(length: NDArray): NDArray {
  const one = scalarLike(1, length);
  const power = div(one, unitsOf(length));
  const near = and(power.lessEqual(length), power.greaterEqual(length.mul(0.4)));
  return select(near, power, select(length.equal(0), one, length));
}

/** What is counted from cycle to cycle: steps, cycles, the norms after steps, and the size of the operator. */
type Account = Readonly<Record<"steps" | "cycles" | "scale", NDArray>> & Pick<Cycle, "norms">;

/** The account after a cycle, at whose end the residual norm is `left`. */
export function counted(
  before: Account,
  found: Pick<Cycle, "steps" | "scale" | "norms">,
  left: NDArray,
): Account {
  const steps = before.steps.add(found.steps);
  return {
    steps,
    cycles: before.cycles.add(1),
    scale: maximum(before.scale, found.scale),
    // The last is that of what is given.
    norms: recorded(found.norms, maximum(steps.sub(1), whole(0)), left),
  };
}

/** What is said after the last cycle, in units in which the right-hand side is `unit`. */
export function ended(
  { x, status, steps, cycles, norms }: Account & Readonly<Record<"x" | "status", NDArray>>,
  unit: NDArray,
): Pick<LinearOutcome, "x" | "status" | "steps"> & {
  readonly restarts: NDArray;
  readonly history: NDArray | null;
} {
  return {
    x: x.mul(unit),
    status,
    steps,
    restarts: maximum(cycles.sub(1), whole(0)),
    history: norms === null ? null : norms.mul(unit),
  };
}

/** Where to begin: at the point that was given, unless 0 is better. */
function begin(
  from: NDArray | null,
  right: NDArray,
  size: NDArray,
  apply: (v: NDArray) => NDArray,
): { readonly x: NDArray; readonly r: NDArray; readonly size: NDArray } {
  const x = zerosLike(right);
  if (from === null) return { x, r: right, size };
  const r = right.sub(apply(from));
  const own = norm(r);
  // Not where it is NaN.
  const better = own.less(size);
  return {
    x: select(better, from, x),
    r: select(better, r, right),
    size: select(better, own, size),
  };
}

/** Norms with that of a step. */
export function recorded(norms: NDArray | null, step: NDArray, left: NDArray): NDArray | null {
  return norms === null ? null : dynamicUpdateSlice(norms, reshape(left, [1]), [step]);
}

/**
 * The residual norm, of a right-hand side of norm 1 or more, at which rounding of the products leaves no room: so
 * many roundings of `reach`, which is `|A| |x|`. Where that is much there is no solution, but one that grows.
 */
export function rounding(reach: NDArray, count: number): NDArray {
  const eps = epsilon(reach.dtype);
  return minimum(reach.mul(count * eps), scalarArray(Math.sqrt(eps), reach.dtype));
}

/** `a / b`, and 0 where b is 0. */
export function quotient(a: NDArray, b: NDArray): NDArray {
  const zero = b.equal(0);
  return select(zero, scalarLike(0, a), div(a, select(zero, scalarLike(1, b), b)));
}

/** `sqrt(a^2 + b^2)`, also where squares leave the range of the dtype. */
export function hypotenuse(a: NDArray, b: NDArray): NDArray {
  const larger = maximum(a.abs(), b.abs());
  const [p, q] = [quotient(a, larger), quotient(b, larger)];
  return larger.mul(p.mul(p).add(q.mul(q)).sqrt());
}

/** The smaller of two counts. */
export function fewer(a: NDArray, b: number): NDArray {
  return minimum(a, whole(b));
}

/** Share of the residual norm that a cycle has to leave at most, not to count as stagnation. */
const leastProgress = 0.999;

/** The residual norm, in roundings of `|A| |x|`, at which it is as small as it gets. */
const roundings = 4;

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
  const m = Math.max(1, Math.min(restart, n)); // of no unknowns too
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
    scale: problem.scale,
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
      const scale = maximum(c.scale, preconditioned ? quotient(length, plainNorm(z)) : length);
      // What is rounding is no direction: the space holds the solution.
      const held = rest.lessEqual(length.mul(10 * epsilon(dtype)));
      const beside = select(held, zero, rest);
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
      const lost = rho.lessEqual((preconditioned ? length : scale).mul(epsilon(dtype)));
      const closed = or(held, lost);
      return {
        j: next,
        v: put(c.v, next, quotient(w2, beside)),
        rt: put(c.rt, c.j, part(entry, 0, m)),
        q,
        left,
        norms: record(c.norms, c.j, left),
        scale,
        going: and(and(lt(next, limit), left.greater(bound)), not(closed)),
        broken: lost,
      };
    },
    start,
  );
  const own = part(places, 0, m);
  const triangle = end.rt;
  const diagonal = diagonalOf(triangle);
  // Steps that were not made, and a direction that the operator takes to nothing, or to rounding, have no part.
  const made = select(end.broken, end.j.sub(1), end.j);
  const used = and(lt(own, made), diagonal.greater(0));
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

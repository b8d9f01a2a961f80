/**
 * What iterations by products have in common. A method makes a cycle: so many steps for `A d = r` from
 * `d = 0`, which it believes to have solved by a residual of its own. Here the residual is computed from
 * the equation after each cycle, and that alone decides: a claim never stands on a recurrence, which
 * drifts. What is left is the right-hand side of the next cycle, so that rounding is mended too.
 *
 * The right-hand side is brought to norm 1 first, so that units and tiny cotangents do not matter.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { scalarArray } from "../../core/concrete.ts";
import { epsilon } from "../../core/dtype.ts";
import { full, scalarLike, zerosLike } from "../../primitives/constants/full.ts";
import { div, maximum, minimum } from "../../primitives/elementwise/arithmetic.ts";
import { and, not } from "../../primitives/elementwise/compare.ts";
import { isFinite } from "../../primitives/elementwise/elementary.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { dynamicUpdateSlice } from "../../primitives/indexing/dynamic_slice.ts";
import { reshape } from "../../primitives/shape/reshape.ts";
import { norm } from "../norms.ts";
import { statusCode } from "../solution.ts";
import { type LinearOutcome, type LinearProblem, whole } from "./method.ts";

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
  const unit = select(none, scalarLike(1, length), length);
  const right = div(b, unit);
  const bound = div(scalarArray(atol, b.dtype), unit).add(rtol);
  const one = select(none, scalarLike(0, length), scalarLike(1, length));
  const from = problem.start === null ? null : div(problem.start, unit);
  const begun = begin(from, right, one, apply);
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
      const { norms } = c;
      const found = cycle({ ...problem, r: c.r, size: c.size, bound, limit, norms, record });
      const next = c.x.add(found.d);
      const r = right.sub(apply(next));
      const size = norm(r);
      // A residual that is not finite is no progress either.
      const better = size.less(c.size);
      const x = select(better, next, c.x);
      const least = select(better, size, c.size);
      const scale = maximum(c.scale, found.scale);
      const steps = c.steps.add(found.steps);
      const small = least.lessEqual(maximum(bound, rounding(norm(x).mul(scale), roundings)));
      const stuck = not(size.less(c.size.mul(leastProgress)));
      const ends = steps.greaterEqual(maxSteps);
      const failure = select(
        found.broken,
        code("breakdown"),
        select(
          isFinite(size),
          // A cycle that was cut short may have needed its last steps.
          select(ends, code("maxSteps"), code("stagnated")),
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
        // The last is that of what is given.
        norms: recorded(found.norms, maximum(steps.sub(1), whole(0)), least),
        scale,
        detail: found.detail,
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
    products: end.steps.mul(counts.products).add(end.cycles).add(from === null ? 0 : 1),
    detail: end.detail,
    rank: whole(-1),
    restarts: maximum(end.cycles.sub(1), whole(0)),
    preconditions: preconditioned
      ? end.steps.mul(counts.preconditions[0]).add(end.cycles.mul(counts.preconditions[1]))
      : whole(0),
    history: end.norms === null ? null : end.norms.mul(unit),
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
 * The residual norm, of a right-hand side of norm 1, at which rounding of the products leaves no room: so
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

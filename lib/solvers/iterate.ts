/**
 * The one loop. A solver says how to begin and how to go from a point and its residual to the next
 * point; the loop evaluates, tests, remembers the best point and says how it ended.
 *
 * Each pass evaluates the residual once, at the point that the next test and the result are about: so
 * a reported norm belongs to the reported value, and the user's function stands in the compiled graph
 * only once.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { type DType, smallestNormal } from "../core/dtype.ts";
import { full } from "../primitives/constants/full.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { abs, div } from "../primitives/elementwise/arithmetic.ts";
import { and, not, or } from "../primitives/elementwise/compare.ts";
import { isFinite } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { dynamicUpdateSlice } from "../primitives/indexing/dynamic_slice.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { reduceSum } from "../primitives/sum/broadcast.ts";
import type { Transforms } from "../transforms/types.ts";
import { statusCode } from "./solution.ts";

/**
 * A method: `step` goes from a point `x` with residual `r` to the next point. `S` is its memory, a
 * tree of arrays (or `null`) whose structure, shapes and dtypes stay those that `init` gave.
 *
 * The unknowns are one vector: `x` and `r` have shape [n], in the widest dtype of the leaves of
 * `x0`. For `fixedPoint` the residual is `f(x) - x`. The loop evaluates, tests for the end and
 * remembers the best point. `step` is traced, so it takes no branches on values.
 *
 * @example
 * ```ts
 * import { fixedPoint, numpy as np, type Stepper } from "@injax/injax";
 *
 * // Plain iteration that keeps a share of the step before. Its memory is that step: [n].
 * const momentum = (keep: number): Stepper<np.NDArray> => ({
 *   description: `iteration with momentum ${keep}`,
 *   init: (x) => np.zerosLike(x),
 *   step(x, r, before) {
 *     const step = before.mul(keep).add(r);
 *     return [x.add(step), step];
 *   },
 * });
 * const solve = (keep: number) =>
 *   fixedPoint((x) => x.mul(0.9).add(1), 1, { solver: momentum(keep) });
 * console.log(solve(0).steps.item(), solve(0.4).steps.item()); // 91 45
 * ```
 */
export interface Stepper<S> {
  /** Name and settings, for messages. */
  readonly description: string;
  /** The memory before the first step from `x` [n]. */
  init(x: NDArray): S;
  /** The next point and memory; `x`, `r` and the next point have shape [n]. */
  step(x: NDArray, r: NDArray, memory: S): readonly [x: NDArray, memory: S];
}

/** When to stop. */
export interface Limits {
  /** Relative tolerance: the residual norm against the norm of the point. */
  readonly rtol: number;
  /** Absolute tolerance on the residual norm. */
  readonly atol: number;
  /** Largest number of evaluations. */
  readonly maxSteps: number;
  /** Whether to keep the residual norms. */
  readonly history: boolean;
}

/** How a loop ended. */
export interface Outcome {
  /** The point that met the criterion; where none did, that with the smallest residual norm. */
  readonly x: NDArray;
  /** Its residual norm; infinite where none was finite. */
  readonly residualNorm: NDArray;
  /** Its norm. */
  readonly valueNorm: NDArray;
  /** Code of the status. */
  readonly status: NDArray;
  /** Number of evaluations. */
  readonly steps: NDArray;
  /** Residual norms by step, NaN where there was none. */
  readonly history: NDArray | null;
}

const running = -1;

/** Inner product of two vectors, a scalar. */
export function dot(a: NDArray, b: NDArray): NDArray {
  return dotGeneral(a, b, { contract: [[0], [0]], batch: [[], []] });
}

/** 2-norm of a vector whose squares are in the range of its dtype. */
export function plainNorm(x: NDArray): NDArray {
  return dot(x, x).sqrt();
}

/**
 * 2-norm of a vector, computed in units of the mean size of its elements: right wherever it is in the
 * range of the dtype, where squares would be infinite or 0.
 */
export function norm(x: NDArray): NDArray {
  const shares = abs(x).mul(1 / Math.max(1, x.size));
  const unit = reduceSum(shares, [0]).add(scalarArray(smallestNormal(x.dtype), x.dtype));
  return plainNorm(div(x, unit)).mul(unit);
}

/**
 * What a solution is multiplied by: 1, or NaN where no residual was finite, not even that of the start.
 * So derivatives are NaN as well, which a choice between the two would not give them.
 */
export function factorOf({ status, residualNorm }: Omit<Outcome, "x">, dtype: DType): NDArray {
  const never = and(status.equal(statusCode("nonfinite")), not(isFinite(residualNorm)));
  return select(never, scalarArray(NaN, dtype), scalarArray(1, dtype));
}

/** Runs a method on a residual function of a vector. */
export function iterate<S>(
  residual: (x: NDArray) => NDArray,
  x0: NDArray,
  stepper: Stepper<S>,
  limits: Limits,
  transforms: Transforms,
): Outcome {
  const { rtol, atol, maxSteps } = limits;
  const { dtype } = x0;
  const infinity = scalarArray(Infinity, dtype);
  const code = (s: number): NDArray => scalarArray(s, "int32");
  const start = {
    x: x0,
    memory: stepper.init(x0),
    best: x0,
    bestNorm: infinity,
    steps: code(0),
    status: code(maxSteps < 1 ? statusCode("maxSteps") : running),
    history: limits.history ? full([Math.max(1, maxSteps)], NaN, dtype) : null,
  };
  const end = transforms.whileLoop(
    (c) => c.status.equal(running),
    (c) => {
      const r = residual(c.x);
      const size = norm(r);
      const bound = rtol === 0 ? scalarArray(atol, dtype) : norm(c.x).mul(rtol).add(atol);
      // An infinite bound is a norm beyond the dtype's range and proves nothing.
      const converged = and(size.lessEqual(bound), isFinite(bound));
      const better = or(size.less(c.bestNorm), converged);
      const steps = c.steps.add(1);
      const [next, memory] = stepper.step(c.x, r, c.memory as S);
      let status = select(
        steps.greaterEqual(maxSteps),
        code(statusCode("maxSteps")),
        code(running),
      );
      status = select(converged, code(statusCode("converged")), status);
      status = select(isFinite(size), status, code(statusCode("nonfinite")));
      return {
        x: next,
        memory,
        best: select(better, c.x, c.best),
        bestNorm: select(better, size, c.bestNorm),
        steps,
        status,
        history: c.history === null
          ? null
          : dynamicUpdateSlice(c.history as NDArray, reshape(size, [1]), [c.steps]),
      };
    },
    start,
  );
  return {
    x: end.best,
    residualNorm: end.bestNorm,
    valueNorm: norm(end.best),
    status: end.status,
    steps: end.steps,
    history: end.history as NDArray | null,
  };
}

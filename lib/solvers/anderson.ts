/**
 * Anderson acceleration, with the residual differences orthogonalised as they come and the oldest
 * dropped (truncated Gram-Schmidt: Tang, Xu, He, Saad and Xi, "Anderson acceleration with truncated
 * Gram-Schmidt", SIAM J. Matrix Anal. Appl. 45, 2024). While memory lasts it is Anderson's method of
 * type II on the differences that pass the test of `leastSine`; on symmetric linear problems it stays
 * that with a memory of 3. No least-squares problem is solved, so its condition never gets squared.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { epsilon } from "../core/dtype.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { full, scalarLike, zerosLike } from "../primitives/constants/full.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { div, minimum } from "../primitives/elementwise/arithmetic.ts";
import { and } from "../primitives/elementwise/compare.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice } from "../primitives/slicing/slice.ts";
import { checkCount } from "../core/checks.ts";
import type { Stepper } from "./method.ts";
import { dot, norm, plainNorm } from "./norms.ts";

/** Options of `anderson`. */
export interface AndersonOptions {
  /** How many differences are remembered (default 5). 0 is plain iteration. */
  readonly memory?: number | undefined;
  /** Step along the residual that the differences leave (default 1). */
  readonly beta?: number | undefined;
}

const andersonOptions: OptionTable<AndersonOptions> = { memory: "count", beta: "number" };

/** Memory of the method. Rows of `q` are orthonormal residual differences, or zero. */
export interface AndersonMemory {
  /** Directions of the residual: [memory, n]. */
  readonly q: NDArray;
  /** What the plain step from `x` to `x + beta r` did along them: [memory, n]. */
  readonly p: NDArray;
  /** The plain step from the point before: [n]. */
  readonly y: NDArray;
  /** The residual there, in units of the leaves: [n]. */
  readonly r: NDArray;
  /** The smallest residual norm since the directions began; infinite before the first step. */
  readonly least: NDArray;
  /** 1 for the rows in use, 0 for the others: [memory]. */
  readonly active: NDArray;
}

/** `m v` for m [k, n], v [n]. */
const times = (m: NDArray, v: NDArray): NDArray =>
  dotGeneral(m, v, { contract: [[1], [0]], batch: [[], []] });
/** `m^T c` for m [k, n], c [k]. */
const combine = (c: NDArray, m: NDArray): NDArray =>
  dotGeneral(c, m, { contract: [[0], [0]], batch: [[], []] });

/** `first` in front of `m` along the first axis, without the last of `m`. */
function push(first: NDArray, m: NDArray): NDArray {
  const [k, ...rest] = m.shape;
  if (k === 1) return first;
  return concatenate([first, slice(m, m.shape.map(() => 0), [k! - 1, ...rest])], 0);
}

/**
 * Anderson acceleration: the next point minimises the residual over the span of the last differences,
 * as far as the function is linear. Converges for many maps that are not contractions.
 *
 * @example
 * ```ts
 * import { anderson, fixedPoint } from "@injax/injax";
 *
 * const { value } = fixedPoint((x) => x.cos(), 1, { solver: anderson({ memory: 2 }) });
 * console.log(value.item().toFixed(4)); // 0.7391
 * ```
 */
export function anderson(options: AndersonOptions = {}): Stepper<AndersonMemory> {
  if (arguments.length > 0) checkCall("anderson(options)", arguments, andersonOptions);
  const { memory = 5, beta = 1 } = options;
  checkCount("anderson", "memory", memory);
  if (!(beta > 0 && beta <= 2)) {
    throw new RangeError(`anderson: beta must be in (0, 2], not ${beta}`);
  }
  const plainStep = (x: NDArray, r: NDArray): NDArray => x.add(beta === 1 ? r : r.mul(beta));
  return {
    description: `Anderson acceleration (memory ${memory}${beta === 1 ? "" : `, beta ${beta}`})`,
    init(x) {
      const k = Math.min(memory, x.size);
      const none = full([k, x.size], 0, x.dtype);
      const least = full([], Infinity, x.dtype);
      return { q: none, p: none, y: x, r: zerosLike(x), least, active: full([k], 0, x.dtype) };
    },
    // What is remembered of other equations are directions, no last step.
    resume: (m) => ({ ...m, least: full([], Infinity, m.y.dtype) }),
    fallback: memory === 0 ? undefined : plainStep,
    step(x, residual, m, { scale }) {
      const y = plainStep(x, residual);
      const k = m.q.shape[0]!;
      if (k === 0) return [y, m];
      // Directions are compared in units of the leaves.
      const r = div(residual, scale);
      const size = norm(stopGradient(r));
      // A residual that has grown much says that the old directions mislead: start afresh.
      const calm = size.lessEqual(m.least.mul(restartGrowth));
      const kept = m.active.mul(calm.astype(r.dtype));
      const least = select(calm, minimum(m.least, size), size);
      const dr = r.sub(m.r);
      const first = times(m.q, dr).mul(kept);
      const part = dr.sub(combine(first, m.q));
      // Once more, since cancellation leaves a remainder along the old directions.
      const second = times(m.q, part).mul(kept);
      const w = part.sub(combine(second, m.q));
      const v = y.sub(m.y).sub(combine(first.add(second), m.p));
      const square = dot(w, w);
      const length = stopGradient(square).sqrt();
      // A direction that is hardly new holds the map's curvature, or rounding, more than its slope.
      // Where squares are infinite or 0 the comparison fails too, and nothing is remembered.
      const bound = plainNorm(stopGradient(dr)).mul(leastSine).add(size.mul(10 * epsilon(r.dtype)));
      // Before the first step there is no difference.
      const usable = and(length.greater(bound), m.least.less(Infinity));
      const active = usable.astype(r.dtype);
      const factor = div(active, select(usable, square, scalarLike(1, square)).sqrt());
      const q = push(reshape(w.mul(factor), [1, x.size]), m.q);
      const p = push(reshape(v.mul(factor), [1, x.size]), m.p);
      const inUse = push(reshape(active, [1]), kept);
      const theta = times(q, r).mul(inUse);
      return [y.sub(combine(theta, p)), { q, p, y, r, least, active: inUse }];
    },
  };
}

/** Growth of the residual norm, from the smallest, beyond which the memory is cleared. */
const restartGrowth = 4;

/**
 * Sine of the angle to the old directions that a difference must have to count as one (Pollock and
 * Rebholz, "Filtering for Anderson acceleration", SIAM J. Sci. Comput. 45, 2023). Without it, maps of
 * a few unknowns whose plain iteration converges are driven into chaos.
 */
const leastSine = 0.1;

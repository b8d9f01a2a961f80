/**
 * Anderson acceleration, with the residual differences orthogonalised as they come and the oldest
 * dropped (truncated Gram-Schmidt: Tang, Xu, He, Saad and Xi, "Anderson acceleration with truncated
 * Gram-Schmidt", SIAM J. Matrix Anal. Appl. 45, 2024). In exact arithmetic it is Anderson's method
 * of type II while memory lasts; on symmetric linear problems it stays that with a memory of 3. No
 * least-squares problem is solved, so its condition never gets squared.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { epsilon } from "../core/dtype.ts";
import { AxisError } from "../core/errors.ts";
import { div, select } from "../primitives/arithmetic.ts";
import { and } from "../primitives/compare.ts";
import { dotGeneral } from "../primitives/dot.ts";
import { full, reshape, scalarLike, zerosLike } from "../primitives/shape.ts";
import { concatenate, slice } from "../primitives/slicing.ts";
import { norm, type Stepper } from "./iterate.ts";

/** Options of `anderson`. */
export interface AndersonOptions {
  /** How many differences are remembered (default 5). 0 is plain iteration. */
  readonly memory?: number;
  /** Step along the residual that the differences leave (default 1). */
  readonly beta?: number;
}

/** Memory of the method. Rows of `q` are orthonormal residual differences, or zero. */
export interface AndersonMemory {
  /** Residual directions: [memory, n]. */
  readonly q: NDArray;
  /** The steps in `x` that caused them: [memory, n]. */
  readonly u: NDArray;
  /** The point before: [n]. */
  readonly x: NDArray;
  /** Its residual: [n]. */
  readonly r: NDArray;
  /** Its residual norm; infinite before the first step. */
  readonly size: NDArray;
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
  const { memory = 5, beta = 1 } = options;
  if (!Number.isInteger(memory) || memory < 0) {
    throw new AxisError(`anderson: memory must be a non-negative integer, not ${memory}`);
  }
  if (!(beta > 0 && beta <= 2)) {
    throw new AxisError(`anderson: beta must be in (0, 2], not ${beta}`);
  }
  return {
    description: `Anderson acceleration (memory ${memory}${beta === 1 ? "" : `, beta ${beta}`})`,
    init(x) {
      const k = Math.min(memory, x.size);
      const none = full([k, x.size], 0, x.dtype);
      const size = full([], Infinity, x.dtype);
      return { q: none, u: none, x, r: zerosLike(x), size, active: full([k], 0, x.dtype) };
    },
    step(x, r, m) {
      const size = norm(r);
      const scaled = beta === 1 ? r : r.mul(beta);
      const k = m.q.shape[0]!;
      if (k === 0) return [x.add(scaled), m];
      // A residual that has grown much says that the old directions mislead: start afresh.
      const calm = size.lessEqual(m.size.mul(restartGrowth)).astype(r.dtype);
      const kept = m.active.mul(calm);
      const dr = r.sub(m.r);
      const c = times(m.q, dr).mul(kept);
      let w = dr.sub(combine(c, m.q));
      let v = x.sub(m.x).sub(combine(c, m.u));
      // Once more, since cancellation leaves a remainder along the old directions.
      const again = times(m.q, w).mul(kept);
      w = w.sub(combine(again, m.q));
      v = v.sub(combine(again, m.u));
      const length = norm(w);
      // Before the first step there is no difference; later one may have nothing new in it.
      const usable = and(
        length.greater(norm(dr).mul(dropBelow(epsilon(r.dtype)))),
        m.size.less(Infinity),
      );
      const active = usable.astype(r.dtype);
      const factor = div(active, select(usable, length, scalarLike(1, length)));
      const q = push(reshape(w.mul(factor), [1, x.size]), m.q);
      const u = push(reshape(v.mul(factor), [1, x.size]), m.u);
      const inUse = push(reshape(active, [1]), kept);
      const theta = times(q, r).mul(inUse);
      const rest = r.sub(combine(theta, q));
      const next = x.sub(combine(theta, u)).add(beta === 1 ? rest : rest.mul(beta));
      return [next, { q, u, x, r, size, active: inUse }];
    },
  };
}

/** Growth of the residual norm in one step beyond which the memory is cleared. */
const restartGrowth = 10;

/** Share of a difference that must be new for it to count as a direction. */
function dropBelow(eps: number): number {
  return 10 * eps;
}

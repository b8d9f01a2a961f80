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
}

/** `m v` for m [k, n], v [n]. */
const times = (m: NDArray, v: NDArray): NDArray =>
  dotGeneral(m, v, { contract: [[1], [0]], batch: [[], []] });
/** `m^T c` for m [k, n], c [k]. */
const combine = (c: NDArray, m: NDArray): NDArray =>
  dotGeneral(c, m, { contract: [[0], [0]], batch: [[], []] });

/** `row` in front of the rows of `m`, without its last. */
function push(row: NDArray, m: NDArray): NDArray {
  const [k, n] = m.shape as [number, number];
  const first = reshape(row, [1, n]);
  return k === 1 ? first : concatenate([first, slice(m, [0, 0], [k - 1, n])], 0);
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
      return { q: none, u: none, x, r: zerosLike(x), size };
    },
    step(x, r, m) {
      const size = norm(r);
      const scaled = beta === 1 ? r : r.mul(beta);
      const k = m.q.shape[0]!;
      if (k === 0) return [x.add(scaled), m];
      // A residual that has grown much says that the old directions mislead: start afresh.
      const fresh = size.greater(m.size.mul(restartGrowth)).astype(r.dtype);
      const keep = fresh.neg().add(1);
      const q0 = m.q.mul(keep), u0 = m.u.mul(keep);
      const first = m.size.equal(Infinity);
      const dr = r.sub(m.r);
      const c = times(q0, dr);
      let w = dr.sub(combine(c, q0));
      let v = x.sub(m.x).sub(combine(c, u0));
      // Once more, since cancellation leaves a remainder along the old directions.
      const again = times(q0, w);
      w = w.sub(combine(again, q0));
      v = v.sub(combine(again, u0));
      const length = norm(w);
      const usable = length.greater(norm(dr).mul(dropBelow(epsilon(r.dtype))))
        .mul(first.equal(false).astype("int32")).greater(0);
      const safe = select(usable, length, scalarLike(1, length));
      const factor = div(usable.astype(r.dtype), safe);
      const q = push(w.mul(factor), q0);
      const u = push(v.mul(factor), u0);
      const theta = times(q, r);
      const rest = r.sub(combine(theta, q));
      const next = x.sub(combine(theta, u)).add(beta === 1 ? rest : rest.mul(beta));
      return [next, { q, u, x, r, size }];
    },
  };
}

/** Growth of the residual norm in one step beyond which the memory is cleared. */
const restartGrowth = 10;

/** Share of a difference that must be new for it to count as a direction. */
function dropBelow(eps: number): number {
  return 10 * eps;
}

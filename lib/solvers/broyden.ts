/**
 * Broyden's method for fixed points, with a limited memory: an approximate inverse of `I - df/dx` that each
 * step corrects by one direction ("good" update: Broyden, "A class of methods for solving nonlinear
 * simultaneous equations", 1965; kept as vectors: Kelley, "Iterative methods for linear and nonlinear
 * equations", 1995, chapter 7).
 *
 * With `g` for that inverse, `s` for a step and `y` for the change of the residual along it:
 *
 *     g' = g - (s + g y) (g^T s)^T / (s^T g y),   g = beta I + u^T v
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { checkCount } from "../core/checks.ts";
import { epsilon } from "../core/dtype.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { full, onesLike, zerosLike } from "../primitives/constants/full.ts";
import { dotGeneral } from "../primitives/dot/dot_general.ts";
import { abs, div, minimum } from "../primitives/elementwise/arithmetic.ts";
import { and } from "../primitives/elementwise/compare.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reshape } from "../primitives/shape/reshape.ts";
import { concatenate } from "../primitives/slicing/concatenate.ts";
import { slice } from "../primitives/slicing/slice.ts";
import type { Stepper } from "./method.ts";
import { dot, norm } from "./norms.ts";

/** Options of `broyden`. */
export interface BroydenOptions {
  /** How many directions are remembered (default 20); the oldest gives way. 0 is plain iteration. */
  readonly memory?: number | undefined;
  /** Step along the residual where nothing is known (default 1). */
  readonly beta?: number | undefined;
}

const broydenOptions: OptionTable<BroydenOptions> = { memory: "count", beta: "number" };

/** Memory of the method, in units of the leaves. */
export interface BroydenMemory {
  /** Corrections of the inverse are `u^T v`: [memory, n], 0 where there is none. */
  readonly u: NDArray;
  /** The other factor: [memory, n]. */
  readonly v: NDArray;
  /** The point before: [n]. */
  readonly x: NDArray;
  /** Its residual: [n]. */
  readonly r: NDArray;
  /** The smallest residual norm since the corrections began; infinite before the first step. */
  readonly least: NDArray;
}

const times = (m: NDArray, v: NDArray): NDArray =>
  dotGeneral(m, v, { contract: [[1], [0]], batch: [[], []] });
const combine = (c: NDArray, m: NDArray): NDArray =>
  dotGeneral(c, m, { contract: [[0], [0]], batch: [[], []] });

/** `first` in front of the rows of `m`, without the last of them. */
function push(first: NDArray, m: NDArray): NDArray {
  const [k, n] = m.shape as [number, number];
  const row = reshape(first, [1, n]);
  return k === 1 ? row : concatenate([row, slice(m, [0, 0], [k - 1, n])], 0);
}

/**
 * Broyden's method: steps by an approximate inverse of `I - df/dx` that is corrected as they go, by two vectors
 * for each direction that it remembers. Often fewer evaluations than `anderson` needs where the map is far from linear
 * or not symmetric, more where it is linear and symmetric.
 *
 * @throws {RangeError} where `memory` is no count or `beta` not in (0, 2].
 *
 * @example
 * ```ts
 * import { broyden, fixedPoint } from "@injax/injax";
 *
 * const { value } = fixedPoint((x) => x.cos(), 1, { solver: broyden({ memory: 5 }) });
 * console.log(value.item().toFixed(4)); // 0.7391
 * ```
 */
export function broyden(options: BroydenOptions = {}): Stepper<BroydenMemory> {
  if (arguments.length > 0) checkCall("broyden(options)", arguments, broydenOptions);
  const { memory = 20, beta = 1 } = options;
  checkCount("broyden", "memory", memory);
  if (!(beta > 0 && beta <= 2)) {
    throw new RangeError(`broyden: beta must be in (0, 2], not ${beta}`);
  }
  const plain = (r: NDArray): NDArray => beta === 1 ? r : r.mul(beta);
  return {
    description: `Broyden's method (memory ${memory}${beta === 1 ? "" : `, beta ${beta}`})`,
    init(x) {
      const none = full([memory, x.size], 0, x.dtype);
      const least = full([], Infinity, x.dtype);
      return { u: none, v: none, x: zerosLike(x), r: zerosLike(x), least };
    },
    // What is remembered of other equations are directions, no last step.
    resume: (m) => ({ ...m, least: full([], Infinity, m.x.dtype) }),
    fallback: memory === 0 ? undefined : (x, r) => x.add(plain(r)),
    step(at, residual, m, { scale }) {
      if (memory === 0) return [at.add(plain(residual)), m];
      // Directions are compared in units of the leaves.
      const [x, r] = [div(at, scale), div(residual, scale)];
      const size = norm(r);
      // A residual that has grown much says that the old corrections mislead: start afresh.
      const calm = size.lessEqual(m.least.mul(restartGrowth));
      const old = calm.astype(r.dtype);
      const [u, v] = [m.u.mul(old), m.v.mul(old)];
      const [s, y] = [x.sub(m.x), r.sub(m.r)];
      const gy = plain(y).add(combine(times(v, y), u));
      const gs = plain(s).add(combine(times(u, s), v));
      const along = dot(s, gy);
      const usable = and(
        abs(along).greater(norm(s).mul(norm(gy)).mul(16 * epsilon(r.dtype))),
        m.least.less(Infinity),
      );
      const share = div(usable.astype(r.dtype), select(usable, along, onesLike(along)));
      const none = zerosLike(s);
      const us = push(select(usable, s.add(gy).mul(share).neg(), none), u);
      const vs = push(select(usable, gs, none), v);
      const step = plain(r).add(combine(times(vs, r), us));
      const least = select(calm, minimum(m.least, size), size);
      return [at.add(step.mul(scale)), { u: us, v: vs, x, r, least }];
    },
  };
}

/** Growth of the residual norm, from the smallest, beyond which the memory is cleared. */
const restartGrowth = 4;

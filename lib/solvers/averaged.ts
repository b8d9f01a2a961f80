/**
 * Fixed points of maps that are known with noise: shorter and shorter steps, and the average of the points
 * (Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992).
 *
 * What is uncertain about the average is told by the averages of batches of points, which grow as there are more
 * (Glynn and Whitt, "Estimating the asymptotic variance with batch means", 1991), and by how one is like the next.
 *
 * @module
 */
import { checkCall, checkCount, type NDArray, type OptionTable, scalarArray } from "../core/mod.ts";
import {
  concatenate,
  div,
  full,
  iota,
  maximum,
  minimum,
  reduceSum,
  reshape,
  select,
  slice,
  stopGradient,
} from "../primitives/mod.ts";
import type { Stepper } from "./method.ts";

/** Options of `averaged`. */
export interface AveragedOptions {
  /** Evaluations before the average begins (default 50). */
  readonly warmup?: number | undefined;
  /**
   * How steps become shorter: step k is the share `(1 + k / warmup)^-decay` of the residual. In [0, 1); default 0.6.
   * With 0 they do not, which is right where the map is linear.
   */
  readonly decay?: number | undefined;
}

const averagedOptions: OptionTable<AveragedOptions> = { warmup: "count", decay: "number" };

/** Memory of `averaged`. */
export interface AveragedMemory {
  /** The last point: [n]. */
  readonly x: NDArray;
  /** Sums of the points of each batch: [batches, n]. */
  readonly sums: NDArray;
  /** Points in the batch that is being filled. */
  readonly count: NDArray;
  /** Batches that are full. */
  readonly filled: NDArray;
  /** Points in each of them. */
  readonly length: NDArray;
}

/**
 * The method for maps with noise, `x <- x + a_k (f(x) - x)` with shorter and shorter steps, whose solution is the
 * average of the points after `warmup`: where the mean of the map is the point itself. It ends where the
 * standard error of the average is small beside it (by default a hundredth): the solution's `residualNorm` is the
 * norm of that error. Give the map other noise in each evaluation by `withStep`.
 *
 * The solution's derivatives are those of a fixed point of the map with one noise, that of evaluation 0, at the average.
 * With noise that is added they are those of the mean; where noise changes the map's own derivatives they are off by as
 * much as those of one noise are off their mean, which more evaluations do not change.
 * For less let the map be a mean over k noises (`vmap`), which divides that by the square root of k.
 *
 * @throws {RangeError} where `warmup` is no count above 0 or `decay` not in [0, 1).
 *
 * @example
 * ```ts
 * import { averaged, fixedPoint, numpy as np, random } from "@injax/injax";
 *
 * const key = random.key(0);
 * const noisy = (x: np.NDArray, step: np.NDArray) =>
 *   np.cos(x).add(random.normal(random.foldIn(key, step)).mul(0.1));
 * const s = fixedPoint(noisy, 1, { solver: averaged(), withStep: true, rtol: 5e-3 });
 * console.log(s.converged, Math.abs(s.value.item() - 0.739) < 0.02); // true true
 * ```
 */
export function averaged(options: AveragedOptions = {}): Stepper<AveragedMemory> {
  if (arguments.length > 0) checkCall("averaged(options)", arguments, averagedOptions);
  const { warmup = 50, decay = 0.6 } = options;
  checkCount("averaged", "warmup", warmup);
  if (warmup < 1) throw new RangeError("averaged: warmup must be at least 1, not 0");
  if (!(decay >= 0 && decay < 1)) {
    throw new RangeError(`averaged: decay must be in [0, 1), not ${decay}`);
  }
  return {
    description: `averaged iteration (warmup ${warmup}, decay ${decay})`,
    displacement: true,
    init(x) {
      const number = (value: number): NDArray => scalarArray(value, x.dtype);
      return {
        x,
        sums: full([batches, x.size], 0, x.dtype),
        count: number(0),
        filled: number(0),
        length: number(shortest),
      };
    },
    step(x, r, m, { steps }) {
      const { dtype, size: n } = x;
      const number = (value: number): NDArray => scalarArray(value, dtype);
      const before = steps.sub(1).astype(dtype);
      const rate = before.div(warmup).add(1).pow(-decay);
      const counts = steps.greater(warmup).astype(dtype);
      const here = rows(dtype).equal(m.filled).astype(dtype).mul(counts);
      const sums = m.sums.add(here.mul(reshape(x, [1, n])));
      const count = m.count.add(counts);
      const done = count.greaterEqual(m.length);
      const filled = m.filled.add(done.astype(dtype));
      // Where all batches are full, two become one.
      const merges = filled.greaterEqual(batches);
      const half = batches / 2;
      const pairs = reduceSum(reshape(sums, [half, 2, n]), [1]);
      const merged = concatenate([pairs, full([half, n], 0, dtype)], 0);
      const memory = {
        x,
        sums: select(merges, merged, sums),
        count: select(done, number(0), count),
        filled: select(merges, number(half), filled),
        length: select(merges, m.length.mul(2), m.length),
      };
      return [x.add(r.mul(rate)), memory];
    },
    mean({ x, sums, count, filled, length }) {
      const { dtype, size: n } = x;
      const one = scalarArray(1, dtype);
      const points = filled.mul(length).add(count);
      const mean = div(reduceSum(sums, [0]), maximum(points, one));
      const known = rows(dtype).less(filled).astype(dtype);
      const off = div(sums, length).sub(reshape(mean, [1, n])).mul(known);
      const squares = reduceSum(off.mul(off), [0]);
      const [early, late] = [
        slice(off, [0, 0], [batches - 1, n]),
        slice(off, [1, 0], [batches, n]),
      ];
      const alike = div(
        reduceSum(early.mul(late), [0]),
        select(squares.greater(0), squares, squares.add(1)),
      );
      const kept = minimum(maximum(alike, scalarArray(0, dtype)), scalarArray(0.9, dtype));
      const stretch = div(kept.add(1), kept.neg().add(1));
      const degrees = maximum(filled.mul(filled.sub(1)), one);
      // A number about the solve, which has no derivative; that of a root of 0 would be infinite.
      const error = stopGradient(div(squares.mul(stretch), degrees)).sqrt();
      return {
        x: select(points.greater(0), mean, x),
        r: select(filled.greaterEqual(batches / 2), error, full([n], Infinity, dtype)),
      };
    },
  };
}

/** The numbers of the batches: [batches, 1]. */
const rows = (dtype: NDArray["dtype"]): NDArray => iota([batches, 1], 0, "int32").astype(dtype);

/**
 * Batches, of which half at least must be full to tell an error, and points in each at first. With 16 batches the
 * first error that is small by accident ended 2 of 60 solves five errors off.
 */
const batches = 32;
const shortest = 16;

/**
 * The von Mises-Fisher distribution of directions in the plane and in space.
 *
 * @module
 */
import { checkCall, describeValue, type NDArray } from "../core/mod.ts";
import * as np from "../api/numpy.ts";
import * as random from "../api/random.ts";
import * as special from "../api/special.ts";
import { whileLoop } from "../transforms/public.ts";
import type { Observed } from "./discrete.ts";
import type { ExponentialFamily } from "./family.ts";

/** What the von Mises-Fisher distribution is usually given by. */
export type MeanDirection = {
  /** The mean direction, a unit vector [d]. */
  readonly direction: NDArray;
  /** The concentration about it, 0 or more. */
  readonly concentration: NDArray;
};

/** Number of terms of the series about 0, which converges as (concentration / 2.4)^2. */
const terms = 14;

/** Below this concentration the series is summed. */
const few = 0.7;

/**
 * Coefficients of the logarithm of a power series `1 + a[1] s + a[2] s^2 + ...`, by comparing powers in
 * `s a'(s) = a(s) s (log a)'(s)`.
 */
function logSeries(a: readonly number[]): number[] {
  const c = [0];
  for (let n = 1; n < a.length; n++) {
    let rest = 0;
    for (let k = 1; k < n; k++) rest += k * c[k]! * a[n - k]!;
    c.push(a[n]! - rest / n);
  }
  return c;
}

/** What differs between the dimensions. */
interface Dimension {
  /** The logarithm of the size of the sphere: its circumference or surface. */
  readonly size: number;
  /** Coefficients of log(mean of exp(k cos)) in powers of k^2. */
  readonly series: readonly number[];
  /** log(mean of exp(k cos)) for k that are not small. */
  large(k: NDArray): NDArray;
}

const seriesOf = (ratio: (n: number) => number): readonly number[] => {
  const a = [1];
  for (let n = 1; n <= terms; n++) a.push(a[n - 1]! * ratio(n));
  return logSeries(a);
};

const dimensions: { readonly [d: number]: Dimension } = {
  2: {
    size: Math.log(2 * Math.PI),
    series: seriesOf((n) => 1 / (4 * n * n)),
    large: (k) => k.add(np.log(special.i0e(k))),
  },
  3: {
    size: Math.log(4 * Math.PI),
    series: seriesOf((n) => 1 / (2 * n * (2 * n + 1))),
    large: (k) => k.add(np.log1p(np.exp(k.mul(-2)).neg())).sub(np.log(k.mul(2))),
  },
};

/** The log-normaliser as a function of the square of the concentration, smooth at 0. */
function ofSquare({ size, series, large }: Dimension, square: NDArray): NDArray {
  const isSmall = np.less(square, few ** 2);
  const s = np.where(isSmall, square, 0);
  const small = series.reduceRight((total, c) => total.mul(s).add(c), np.zerosLike(square));
  const k = np.sqrt(np.where(isSmall, 1, square));
  return np.where(isSmall, small, large(k)).add(size);
}

const squareOf = (x: NDArray): NDArray => np.square(x).sum(-1);
const scaled = (x: NDArray, by: NDArray): NDArray => x.mul(np.expandDims(by, -1));

/**
 * The von Mises-Fisher distribution of unit vectors [d], by mean `direction` [..., d] and `concentration`. The
 * natural parameter `x` is their product; the expectation parameter is the mean vector, whose length is below 1.
 *
 * @param d The dimension: 2 (von Mises) or 3 (Fisher).
 * @throws {RangeError} for other dimensions.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { natural, toExpectation, vonMisesFisher } from "@injax/injax/expfam";
 *
 * const north = vonMisesFisher(3);
 * const eta = natural(north, { direction: np.array([0, 0, 1]), concentration: 2 });
 * console.log(toExpectation(north, eta).x.at(2).item().toFixed(4)); // 0.5373
 * ```
 */
export function vonMisesFisher(d: 2 | 3): ExponentialFamily<Observed, MeanDirection> {
  if (arguments.length > 1) checkCall("vonMisesFisher(d)", arguments);
  const dimension = dimensions[d];
  if (dimension === undefined) {
    throw new RangeError(`vonMisesFisher: d must be 2 or 3, not ${describeValue(d)}`);
  }
  return {
    name: `vonMisesFisher(${d})`,
    ranks: { x: 1 },
    rank: 1,
    usual: { direction: 1, concentration: 0 },
    natural: ({ direction, concentration }) => ({ x: scaled(direction, concentration) }),
    parameters: ({ x }) => {
      const concentration = np.sqrt(squareOf(x));
      const isZero = np.equal(concentration, 0);
      const first = np.eye(d, { dtype: x.dtype }).slice([0, 0], [1, d]).reshape([d]);
      const direction = np.where(
        np.expandDims(isZero, -1),
        first,
        x.div(np.expandDims(np.where(isZero, 1, concentration), -1)),
      );
      return { direction, concentration };
    },
    logNormaliser: ({ x }) => ofSquare(dimension, squareOf(x)),
    statistics: (x) => ({ x }),
    search: {
      // A. Banerjee and others, "Clustering on the unit hypersphere using von Mises-Fisher distributions",
      // JMLR 6, 2005, have the start: concentration over length of the mean.
      start: ({ x }) => {
        const square = squareOf(x);
        return { logRatio: np.log(square.neg().add(d).div(square.neg().add(1))) };
      },
      // The mean's length over the concentration is twice the derivative by the concentration's square.
      residual: ({ logRatio }, { x }, { grad }) => {
        const square = squareOf(x!).mul(np.exp(logRatio!.mul(2)));
        const slope = grad((s: NDArray) => ofSquare(dimension, s))(square);
        return { logRatio: np.log(slope.mul(2)).add(logRatio!) };
      },
      natural: ({ logRatio }, { x }) => ({ x: x.mul(np.exp(logRatio!)) }),
    },
    sample: (key, { x }, shape) => d === 2 ? ofCircle(key, x, shape) : ofSphere(key, x, shape),
  };
}

/** Two keys of one, traced or not. */
function twoKeys(key: NDArray): [NDArray, NDArray] {
  const keys = random.split(key);
  return [keys.at(0), keys.at(1)];
}

/** Directions in space: the cosine to the mean by its inverse distribution, the rest evenly about it. */
function ofSphere(key: NDArray, x: NDArray, shape: readonly number[]): NDArray {
  const [one, two] = twoKeys(key);
  const dtype = x.dtype as "float32";
  const concentration = np.sqrt(squareOf(x));
  const isEven = np.equal(concentration, 0);
  const k = np.where(isEven, 1, concentration);
  const u = random.uniform(one, shape, { dtype });
  // Half of 1 - cosine, whose density falls as exp(-2 k half).
  const half = np.where(isEven, u, np.log1p(u.mul(np.expm1(k.mul(-2)))).div(k.mul(-2)));
  const sine = np.sqrt(np.maximum(half.mul(half.neg().add(1)), 0)).mul(2);
  const angle = random.uniform(two, shape, { dtype, maxval: 2 * Math.PI });
  const cosine = half.mul(-2).add(1);
  return turned(np.stack([np.cos(angle).mul(sine), np.sin(angle).mul(sine), cosine], -1), x);
}

/**
 * Directions in the plane, by rejection from a wrapped Cauchy distribution: D. J. Best, N. I. Fisher, "Efficient
 * simulation of the von Mises distribution", Applied Statistics 28, 1979. Any `r` above 1 is right; theirs wastes
 * least, and for little concentration is near what stands here.
 */
function ofCircle(key: NDArray, x: NDArray, shape: readonly number[]): NDArray {
  const dtype = x.dtype as "float32";
  const k = np.broadcastTo(np.maximum(np.sqrt(squareOf(x)), 1e-6), shape);
  const wide = np.sqrt(np.square(k).mul(4).add(1)).add(1);
  const rho = wide.sub(np.sqrt(wide.mul(2))).div(k.mul(2));
  const best = np.square(rho).add(1).div(rho.mul(2));
  const r = np.where(np.less(k, 0.05), np.reciprocal(k).add(k), best);
  const [first, second] = twoKeys(key);
  const trial = (own: NDArray): { cosine: NDArray; taken: NDArray } => {
    const [a, b] = twoKeys(own);
    const z = np.cos(random.uniform(a, shape, { dtype }).mul(Math.PI));
    const cosine = r.mul(z).add(1).div(r.add(z));
    const c = k.mul(r.sub(cosine));
    const u = random.uniform(b, shape, { dtype });
    return { cosine, taken: np.log(c).sub(np.log(u)).add(1).sub(c).greaterEqual(0) };
  };
  const drawn = whileLoop(
    ({ taken }: Trial) => np.logicalNot(np.all(taken)),
    ({ key, cosine, taken }: Trial) => {
      const [next, own] = twoKeys(key);
      const now = trial(own);
      return {
        key: next,
        cosine: np.where(taken, cosine, now.cosine),
        taken: np.logicalOr(taken, now.taken),
      };
    },
    { key: first, cosine: np.zeros(shape, { dtype }), taken: np.zeros(shape, { dtype: "bool" }) },
  );
  const cosine = np.clip(drawn.cosine, -1, 1);
  const sine = np.sqrt(np.maximum(np.square(cosine).neg().add(1), 0));
  const side = np.where(random.bernoulli(second, 0.5, shape), sine, sine.neg());
  return turned(np.stack([side, cosine], -1), x);
}

/** What the rejection carries: cosines, and which of them are taken. */
interface Trial {
  readonly key: NDArray;
  readonly cosine: NDArray;
  readonly taken: NDArray;
}

/** Vectors turned as the turn that takes the last axis to the direction of `x` does: a reflection does too. */
function turned(local: NDArray, x: NDArray): NDArray {
  const length = np.expandDims(np.sqrt(squareOf(x)), -1);
  const d = x.shape[x.ndim - 1]!;
  const last = np.eye(d, { dtype: x.dtype }).slice([d - 1, 0], [d, d]).reshape([d]);
  const isZero = np.equal(length, 0);
  const direction = np.where(isZero, last, x.div(np.where(isZero, 1, length)));
  const normal = last.sub(direction);
  const size = np.expandDims(squareOf(normal), -1);
  const share = np.where(
    np.equal(size, 0),
    0,
    np.reciprocal(np.where(np.equal(size, 0), 1, size)).mul(2),
  );
  const along = np.expandDims(normal.mul(local).sum(-1), -1);
  return local.sub(normal.mul(along).mul(share));
}

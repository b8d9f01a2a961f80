/**
 * More operations for random programs: what is beyond the core in `numpy`, `lax`, `special`, `fft` and
 * `linalg`. A test counts that all primitives with derivatives are among them; see `random_programs.ts`.
 *
 * @module
 */
import {
  checkpointName,
  customJvp,
  customLinearSolve,
  customVmap,
  linalg,
  type NDArray,
  numpy as np,
  special,
  vmap,
} from "../../mod.ts";
import * as fft from "../../lib/api/fft.ts";
import * as lax from "../../lib/api/lax.ts";
import { type Maker, unary, unaryOf, vector } from "./random_programs.ts";

type F = (x: NDArray) => NDArray;

/** Between 0.5 and 1.5. */
const positive: F = (x) => np.tanh(x).mul(0.5).add(1);
/** Between 0.1 and 0.9. */
const share: F = (x) => np.tanh(x).mul(0.4).add(0.5);
const matrix = (x: NDArray): boolean => x.ndim === 2;
/** A matrix of full rank with singular values apart, from any vector or matrix. */
const square: F = (x) => {
  const n = x.shape.at(-1)!;
  const diagonal = np.arange(1, n + 1, { dtype: "float64" });
  const rows = np.tanh(x).ravel().at(np.slice(0, n));
  return np.outer(rows, rows).mul(0.3).add(np.diag(diagonal)).add(
    np.tril(np.ones([n, n]), -1).mul(0.2),
  );
};
const symmetric: F = (x) => square(x).add(square(x).T);

/** Whole numbers that follow the values, but not closely. */
const places = (x: NDArray, n: number, most: number): NDArray =>
  np.mod(
    np.floor(np.stopGradient(x).ravel().sum().mul(3).add(0.1372)).astype("int32")
      .add(np.arange(n, { dtype: "int32" }).mul(3)),
    most,
  );

/** Functions of single numbers, by where they are defined. */
const elementwise: Readonly<Record<string, F>> = {
  tan: (x) => np.tan(x.mul(0.7)),
  asin: (x) => np.asin(np.tanh(x).mul(0.8)),
  acos: (x) => np.acos(np.tanh(x).mul(0.8)).sub(1.5),
  atan: np.atan,
  sinh: (x) => np.sinh(np.tanh(x)),
  cosh: (x) => np.cosh(np.tanh(x)).sub(1),
  asinh: np.asinh,
  acosh: (x) => np.acosh(positive(x).add(1)).sub(1),
  atanh: (x) => np.atanh(np.tanh(x).mul(0.7)),
  expm1: (x) => np.expm1(np.tanh(x)).mul(0.5),
  log1p: (x) => np.log1p(share(x)),
  rsqrt: (x) => lax.rsqrt(positive(x)).sub(1),
  cbrt: (x) => lax.cbrt(positive(x)).sub(1),
  hypot: (x) => np.hypot(x, positive(x)).mul(0.5),
  "integer power": (x) => lax.integerPow(np.tanh(x), 5),
  "power of two": (x) => np.pow(positive(x), share(x)).sub(1),
  erf: special.erf,
  erfc: (x) => special.erfc(x).sub(1),
  erfcx: (x) => special.erfcx(positive(x)),
  erfInv: (x) => special.erfInv(np.tanh(x).mul(0.8)).mul(0.7),
  ndtr: (x) => special.ndtr(x).sub(0.5),
  logNdtr: (x) => special.logNdtr(x.mul(0.5)).add(0.6),
  ndtri: (x) => special.ndtri(share(x)).mul(0.7),
  gammaln: (x) => special.gammaln(positive(x).add(1.2)),
  digamma: (x) => special.digamma(positive(x).add(0.5)).mul(0.5),
  polygamma: (x) => special.polygamma(1, positive(x).add(1)).mul(0.5),
  gamma: (x) => special.gamma(positive(x).add(0.5)).mul(0.5),
  zeta: (x) => special.zeta(positive(x).add(2), positive(x).add(0.5)).mul(0.5),
  gammainc: (x) => special.gammainc(2.5, positive(x).mul(2)),
  betainc: (x) => special.betainc(positive(x), 1.5, share(x)),
  betaln: (x) => special.betaln(positive(x), positive(x.mul(0.5))).mul(0.5),
  binom: (x) => special.binom(positive(x).add(2), positive(x)).mul(0.2),
  poch: (x) => special.poch(positive(x), share(x)).sub(1),
  owensT: (x) => special.owensT(x, positive(x)).mul(4),
  entr: (x) => special.entr(share(x)),
  relEntr: (x) => special.relEntr(share(x), positive(x)),
  klDiv: (x) => special.klDiv(share(x), positive(x)),
  xlogy: (x) => special.xlogy(x, positive(x)),
  i0: (x) => np.i0(np.tanh(x)).sub(1),
  i0e: (x) => special.i0e(x).sub(0.5),
  i1e: (x) => special.i1e(x).mul(3),
  expi: (x) => special.expi(positive(x).add(0.5)).mul(0.2),
  dawsn: (x) => special.dawsn(x),
  sici: (x) => special.sici(x)[0].add(special.sici(positive(x))[1]).mul(0.5),
  fresnel: (x) => special.fresnel(x)[0].add(special.fresnel(x)[1]).mul(0.7),
  spence: (x) => special.spence(positive(x)),
  named: (x) => checkpointName(np.sin(x), "sines"),
  "own lanes": customVmap(
    (x: NDArray) => np.sin(x).mul(0.9),
    (_, [batched], x) => [np.sin(x).mul(0.9), batched],
  ),
  "own slope": customJvp(
    (x: NDArray) => np.sin(x),
    ([x]: [NDArray], [t]: [NDArray]) => [np.sin(x), np.cos(x).mul(t)],
  ),
};

/** Functions of an array along its first axis, which is not empty. */
const alongFirst: Readonly<Record<string, F>> = {
  cumprod: (x) => np.cumprod(positive(x), 0).mul(0.3),
  smallest: (x) => np.min(x, 0),
  cummax: (x) => lax.cummax(x, 0),
  cummin: (x) => lax.cummin(x, 0, { reverse: true }),
  cumlogsumexp: (x) => lax.cumlogsumexp(x, 0).sub(1),
  product: (x) => np.prod(positive(x), 0).mul(0.5),
  variance: (x) => np.var(x, 0),
  "largest few": (x) => lax.topK(x, Math.min(2, x.shape[0]!), 0)[0],
  "sort of several": (x) => lax.sort([np.floor(x.mul(4).add(0.1372)), x], { dimension: 0 })[1]!,
  median: (x) => np.median(x, 0),
  quantile: (x) => np.quantile(x, 0.3, 0),
  "windows added": (x) => lax.reduceWindow(x, 0, "add", window(x, 2)).mul(0.5),
  "windows' largest": (x) => lax.reduceWindow(x, -9, "max", window(x, 2), null, "SAME"),
  "windows' smallest": (x) => lax.reduceWindow(x, 9, "min", window(x, 2), window(x, 3)),
  "windows multiplied": (x) =>
    lax.reduceWindow(positive(x), 1, "mul", window(x, 2), null, "SAME_LOWER").sub(1),
  "windows of a function": (x) =>
    lax.reduceWindow(x, 0, (a, b) => a.add(b).add(a.mul(b).mul(0.1)), window(x, 2)).mul(0.5),
  gather: (x) =>
    lax.gather(x, places(x, 2, x.shape[0]!).reshape([2, 1]), {
      offsetDims: x.shape.slice(1).map((_, i) => i + 1),
      collapsedSliceDims: [0],
      startIndexMap: [0],
    }, [1, ...x.shape.slice(1)]),
  set: (x) => np.updateAt(x, places(x, 1, x.shape[0]!)).set(np.tanh(x.at(0))),
  "add twice": (x) => np.updateAt(x, np.array([0, 0], { dtype: "int32" })).add(x.at(-1).mul(0.3)),
  multiply: (x) => np.updateAt(x, places(x, 2, x.shape[0]!)).mul(positive(x.at(0))),
  "larger ones": (x) => np.updateAt(x, places(x, 2, x.shape[0]!)).max(np.sin(x.at(0).add(0.2))),
  "smaller ones": (x) => np.updateAt(x, places(x, 2, x.shape[0]!)).min(np.sin(x.at(0).add(0.2))),
  fft: (x) => {
    const { re, im } = fft.fft(x, { axis: 0 });
    return re.add(im.mul(0.7)).mul(0.3);
  },
  rfft: (x) => fft.irfft(fft.rfft(np.sin(x), { axis: 0 }), { axis: 0, n: x.shape[0]! + 1 }),
  convolve: (x) => np.convolve(x.ravel(), np.tanh(x.ravel()), { mode: "same" }).mul(0.4),
  interp: (x) => np.interp(x, np.array([-1, 0.1, 2], { dtype: "float64" }), np.tanh(stops(x))),
  differences: (x) => np.diff(np.concatenate([x, x.mul(0.5)], 0), 1, 0),
  "between lanes": (x) =>
    vmap((u: NDArray) => u.sub(lax.pmean(u, "lanes")).mul(lax.psum(np.sin(u), "lanes")), {
      axisName: "lanes",
    })(x).mul(0.3),
  "largest between lanes": (x) =>
    vmap((u: NDArray) => lax.allGather(u, "lanes").sum(0).sub(lax.pmax(u, "lanes")), {
      axisName: "lanes",
    })(x).mul(0.3),
  "Jacobi's step": (x) =>
    customLinearSolve((v: NDArray) => v.mul(positive(x)), x, (_, b) => b.div(positive(x)), {
      symmetric: true,
    }),
};

/** A window of some length along the first axis. */
const window = (x: NDArray, n: number): number[] =>
  x.shape.map((own, axis) => axis === 0 ? Math.min(n, own) : 1);
const stops: F = (x) => np.broadcastTo(x.ravel().at(0), [3]).mul(np.arange(3));

/** Functions of a matrix without empty axes. */
const ofMatrix: Readonly<Record<string, F>> = {
  convolution: (x) => {
    const [array, kernel] = [x.reshape([1, 1, ...x.shape]), np.tanh(x).reshape([1, 1, ...x.shape])];
    return lax.convGeneralDilated(array, kernel, [1, 1], "SAME").reshape(x.shape).mul(0.3);
  },
  "convolution of channels": (x) => {
    const out = lax.convGeneralDilated(
      x.reshape([1, ...x.shape]),
      x.reshape([x.shape[0]!, 1, -1]),
      [
        1,
      ],
      [[1, 2]],
      { featureGroupCount: x.shape[0]!, rhsDilation: [2] },
    );
    // Away from zeros, whose sign a sum of one product has or has not.
    return out.reshape([x.shape[0]!, -1]).mul(0.3).add(0.1);
  },
  "transposed convolution": (x) => {
    const out = lax.convTranspose(
      x.reshape([1, ...x.shape]),
      np.sin(x).reshape([1, -1, 1]).at(
        np.slice(null),
        np.slice(0, x.shape[1]!),
      ),
      [2],
      "SAME",
    );
    return out.reshape([-1]).mul(0.5);
  },
  eigh: (x) => {
    const { eigenvalues, eigenvectors } = linalg.eigh(symmetric(x));
    return np.log(eigenvalues.square().add(1)).add(eigenvectors.square().at(0)).mul(0.3);
  },
  svd: (x) => linalg.svdvals(square(x)).mul(0.3),
  qr: (x) => {
    const { q, r } = linalg.qr(square(x)) as { q: NDArray; r: NDArray };
    return q.square().add(r.square().mul(0.1));
  },
  lu: (x) => linalg.luSolve(linalg.luFactor(square(x)), np.ones([x.shape.at(-1)!])),
  det: (x) => linalg.det(square(x)).mul(0.1),
  slogdet: (x) => linalg.slogdet(square(x)).logabsdet.mul(0.3),
  inv: (x) => linalg.inv(square(x)),
  lstsq: (x) => linalg.lstsq(square(x), x.at(0)).x,
  eig: (x) => {
    const { re, im } = linalg.eigvals(square(x));
    // In no order: sums of powers are smooth where eigenvalues meet, too.
    return re.square().sub(im.square()).sum().mul(0.1).add(x);
  },
  sqrtm: (x) => linalg.sqrtm(square(x)).re.mul(0.3),
  sylvester: (x) => linalg.solveSylvester(square(x), square(x.mul(0.5)), square(np.sin(x))),
  expm: (x) => linalg.expm(square(x).mul(0.3)).mul(0.3),
  tridiagonal: (x) => {
    const v = x.at(0);
    return linalg.tridiagonalSolve(v.mul(0.3), positive(v).add(1), v.mul(0.2), x.T);
  },
  triangular: (x) => linalg.solveTriangular(square(x), x.at(0), { lower: true }),
};

const makersOf = (
  fs: Readonly<Record<string, F>>,
  maker: (f: F) => Maker,
): [string, Maker][] => Object.entries(fs).map(([name, f]) => [name, maker(f)]);

/** The operations by name. */
export const functions: Readonly<Record<string, Maker>> = Object.fromEntries([
  ...makersOf(elementwise, unary),
  ...makersOf(alongFirst, (f) => unaryOf((x) => vector(x) && x.size > 0, f)),
  ...makersOf(ofMatrix, (f) => unaryOf((x) => matrix(x) && x.size > 0, f)),
]);

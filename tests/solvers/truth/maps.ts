/**
 * The maps of `fixed_point_problems.ts` that need more than a line. Each is made for a dtype, in which its constants
 * then are. Random numbers come from a congruential generator, so that other languages have the same.
 *
 * @module
 */
import { type DType, linalg, type NDArray, numpy as np } from "../../../mod.ts";

/** A map of a vector [n] to one. */
export type VectorMap = (x: NDArray) => NDArray;

/** A map for each dtype. */
export type MapOf = (dtype: DType) => VectorMap;

const vector = (v: readonly number[], dtype: DType): NDArray => np.array([...v], { dtype });
const matrix = (rows: readonly (readonly number[])[], dtype: DType): NDArray =>
  np.array(rows.map((r) => [...r]), { dtype });

/** `f(0), ..., f(n - 1)`. */
export const range = (n: number, f: (i: number) => number): number[] =>
  Array.from({ length: n }, (_, i) => f(i));

/** `n` times the same number. */
export const fill = (n: number, v: number): number[] => range(n, () => v);

/** Numbers in [-0.5, 0.5): `s <- 1664525 s + 1013904223 mod 2^32`, over 2^32. */
export function random(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(1664525, s) + 1013904223) >>> 0;
    return s / 2 ** 32 - 0.5;
  };
}

function randomMatrix(n: number, seed: number): number[][] {
  const next = random(seed);
  return Array.from({ length: n }, () => range(n, next));
}

const elements = (x: NDArray): NDArray[] => range(x.size, (i) => i).map((i) => x.at(i));

/** Chandrasekhar's H-equation by the midpoint rule: `H = 1 / (1 - c mu / 2 sum H(nu) / (mu + nu) / n)`. */
export function chandrasekhar(n: number, c: number): MapOf {
  const mu = range(n, (i) => (i + 0.5) / n);
  return (dtype) => {
    const a = matrix(mu.map((m) => mu.map((v) => (c * m) / (2 * n * (m + v)))), dtype);
    return (h) => np.div(1, np.matmul(a, h).neg().add(1));
  };
}

/** Bratu's equation `u'' + lambda exp(u) = 0`, zero at both ends, by Green's matrix of n inner points. */
export function bratu(n: number, lambda: number): MapOf {
  const h = 1 / (n + 1);
  const g = range(n, (i) => (i + 1) * h).map((s) =>
    range(n, (j) => {
      const t = (j + 1) * h;
      return lambda * h * (s <= t ? s * (1 - t) : t * (1 - s));
    })
  );
  return (dtype) => {
    const green = matrix(g, dtype);
    return (u) => np.matmul(green, np.exp(u));
  };
}

/** Ranks of a random web with damping d. */
export function pageRank(n: number, d: number): MapOf {
  const next = random(7);
  const links = Array.from({ length: n }, () => range(n, () => next() > 0.35 ? 1 : 0));
  links.forEach((row, i) => row[(i + 1) % n] = 1);
  const out = links.map((row) => row.reduce((a, b) => a + b, 0));
  return (dtype) => {
    const a = matrix(links.map((_, j) => links.map((row, i) => (d * row[j]!) / out[i]!)), dtype);
    return (p) => np.matmul(a, p).add((1 - d) / n);
  };
}

/** Ranks of the web of four pages, A -> B, C; B -> C; C -> A; D -> C. */
export const pageRank4: MapOf = (dtype: DType): VectorMap => {
  const a = matrix([[0, 0, 1, 0], [0.5, 0, 0, 0], [0.5, 1, 0, 1], [0, 0, 0, 0]], dtype).mul(0.85);
  return (p) => np.matmul(a, p).add(0.15 / 4);
};

/** Values of n states under the better of two actions. */
export function decisions(n: number, discount: number): MapOf {
  const chances = (seed: number): number[][] =>
    randomMatrix(n, seed).map((row) => {
      const positive = row.map((v) => (v + 0.5) ** 4);
      const sum = positive.reduce((a, b) => a + b, 0);
      return positive.map((v) => (discount * v) / sum);
    });
  return (dtype) => {
    const [p, q] = [matrix(chances(3), dtype), matrix(chances(5), dtype)];
    const [r, s] = [vector(randomMatrix(n, 9)[0]!, dtype), vector(randomMatrix(n, 11)[0]!, dtype)];
    return (v) => np.maximum(np.matmul(p, v).add(r), np.matmul(q, v).add(s));
  };
}

/** Two states, of which the first may stay or go to the second. Anderson acceleration alone cycles here. */
export const twoStates: MapOf = (): VectorMap => (v) => {
  const [first, second] = [v.at(0).mul(0.905), v.at(1).mul(0.905)];
  return np.stack([np.maximum(first.add(2), second), second.add(3)]);
};

/** A mixture of two exponentials by expectation and maximisation: share, and both means as logarithms. */
export const exponentials: MapOf = (dtype: DType): VectorMap => {
  const data = vector(
    range(60, (i) => -Math.log(1 - (i + 0.5) / 60) * (i % 3 === 0 ? 5 : 1)),
    dtype,
  );
  return (x) => {
    const [w, a, b] = [x.at(0), np.exp(x.at(1)), np.exp(x.at(2))];
    const first = np.exp(data.div(a).neg()).div(a).mul(w);
    const second = np.exp(data.div(b).neg()).div(b).mul(w.neg().add(1));
    const share = first.div(first.add(second));
    const mean = (s: NDArray): NDArray => np.log(s.mul(data).sum().div(s.sum()));
    return np.stack([share.mean(), mean(share), mean(share.neg().add(1))]);
  };
};

/** A mixture of two normal distributions of variance 1, likewise: share, and both means. */
export const normals: MapOf = (dtype: DType): VectorMap => {
  const next = random(17);
  const noise = range(80, () => range(12, next).reduce((a, b) => a + b, 0));
  const data = vector(noise.map((v, i) => v + (i % 4 === 0 ? 2 : 0)), dtype);
  return (x) => {
    const [w, a, b] = elements(x) as [NDArray, NDArray, NDArray];
    const first = np.exp(data.sub(a).square().div(-2)).mul(w);
    const second = np.exp(data.sub(b).square().div(-2)).mul(w.neg().add(1));
    const share = first.div(first.add(second));
    const mean = (s: NDArray): NDArray => s.mul(data).sum().div(s.sum());
    return np.stack([share.mean(), mean(share), mean(share.neg().add(1))]);
  };
};

/** Prices of optimal transport with entropy, by Sinkhorn's rows and columns; their mean is kept at 0. */
export function sinkhorn(n: number, entropy: number): MapOf {
  const next = random(23);
  const [a, b] = [range(n, () => next() + 0.5), range(n, () => next() + 0.5)];
  return (dtype) => {
    const kernel = matrix(a.map((s) => b.map((t) => -((s - t) ** 2) / entropy)), dtype);
    const fit = (k: NDArray, v: NDArray): NDArray => {
      const sums = k.add(v.div(entropy));
      const most = sums.max(1, { keepDims: true });
      const log = np.log(np.exp(sums.sub(most)).sum(1)).add(most.reshape([n]));
      return log.add(Math.log(n)).mul(-entropy);
    };
    return (f) => {
      const next = fit(kernel, fit(kernel.T, f));
      return next.sub(next.mean());
    };
  };
}

/** Lorenz's slopes at [3]. */
const lorenzSlopes = (v: NDArray): NDArray => {
  const [x, y, z] = elements(v) as [NDArray, NDArray, NDArray];
  return np.stack([y.sub(x).mul(10), x.mul(z.neg().add(28)).sub(y), x.mul(y).sub(z.mul(8 / 3))]);
};

/** One step of the implicit Euler rule for Lorenz's equations. */
export const lorenz = (h: number): MapOf => (dtype) => {
  const from = vector([1, 1, 20], dtype);
  return (v) => from.add(lorenzSlopes(v).mul(h));
};

/** One step of the implicit midpoint rule for van der Pol's oscillator, mu = 5, h = 0.1, from (2, 0). */
export const vanDerPol: MapOf = (dtype: DType): VectorMap => {
  const from = vector([2, 0], dtype);
  return (y) => {
    const [x, v] = elements(y.add(from).div(2)) as [NDArray, NDArray];
    const force = x.square().neg().add(1).mul(v).mul(5).sub(x);
    return from.add(np.stack([v, force]).mul(0.1));
  };
};

/** One step of the implicit Euler rule for Robertson's kinetics from (1, 0, 0). */
export const robertson = (h: number): MapOf => (dtype) => {
  const from = vector([1, 0, 0], dtype);
  return (y) => {
    const [a, b, c] = elements(y) as [NDArray, NDArray, NDArray];
    const [slow, fast] = [a.mul(0.04).sub(b.mul(c).mul(1e4)), b.square().mul(3e7)];
    return from.add(np.stack([slow.neg(), slow.sub(fast), fast]).mul(h));
  };
};

/** The ground state of a trapped condensate (Gross and Pitaevskii) by steps in imaginary time. */
export function condensate(n: number): MapOf {
  const at = range(n, (i) => 6 * ((i + 1) / (n + 1) - 0.5));
  const d = 6 / (n + 1);
  const energy = at.map((s, i) =>
    range(n, (j) => i === j ? 1 / d ** 2 + s * s / 2 : Math.abs(i - j) === 1 ? -0.5 / d ** 2 : 0)
  );
  return (dtype) => {
    const h = matrix(energy, dtype);
    return (psi) => {
      const next = psi.sub(np.matmul(h, psi).add(psi.pow(3).mul(4)).mul(0.1));
      return next.div(linalg.norm(next));
    };
  };
}

/** The largest eigenvector of a symmetric matrix, by its powers. */
export const power: MapOf = (dtype: DType): VectorMap => {
  const w = matrix(randomMatrix(8, 31), dtype);
  const a = np.matmul(w, w.T);
  return (x) => {
    const y = np.matmul(a, x);
    return y.div(linalg.norm(y));
  };
};

/** A linear map of two whose second eigenvalue is within 1e-9 of 1: the solution is `(2 - 5e8, 5e8)`, about. */
export const nearlySingular: MapOf = (dtype: DType): VectorMap => {
  const a = matrix([[0.75 - 5e-10, -0.25 + 5e-10], [-0.25 + 5e-10, 0.75 - 5e-10]], dtype);
  const b = vector([0.5, 1.5], dtype);
  return (x) => np.matmul(a, x).add(b);
};

const shifted = (x: NDArray, by: 1 | -1): NDArray => {
  const end = np.zeros([1], { dtype: x.dtype });
  const n = x.size;
  return by === 1
    ? np.concatenate([x.slice([1], [n]), end])
    : np.concatenate([end, x.slice([0], [n - 1])]);
};

/** `x - F(x)` for Broyden's tridiagonal `F` (Moré, Garbow and Hillstrom, number 30). */
export const tridiagonal: MapOf = (): VectorMap => (x) => {
  const f = x.mul(-2).add(3).mul(x).sub(shifted(x, -1)).sub(shifted(x, 1).mul(2)).add(1);
  return x.sub(f);
};

/** `x - F(x)` for Broyden's banded `F` (number 31): five neighbours below, one above. */
export const banded = (n: number): MapOf => (dtype) => {
  const near = (i: number, j: number): boolean => i !== j && j >= i - 5 && j <= i + 1;
  const band = matrix(
    range(n, (i) => i).map((i) => range(n, (j) => near(i, j) ? 1 : 0)),
    dtype,
  );
  return (x) => {
    const own = x.square().mul(5).add(2).mul(x).add(1);
    return x.sub(own.sub(np.matmul(band, x.mul(x.add(1)))));
  };
};

/** `x - F(x)` for the discrete boundary value problem `F` (number 28). */
export const boundaryValue = (n: number): MapOf => (dtype) => {
  const h = 1 / (n + 1);
  const t = vector(range(n, (i) => (i + 1) * h + 1), dtype);
  return (x) => {
    const f = x.mul(2).sub(shifted(x, -1)).sub(shifted(x, 1)).add(x.add(t).pow(3).mul(h * h / 2));
    return x.sub(f);
  };
};

/** Numbers of the benchmark of equilibrium models: weights of norm 1, and what is added [64]. */
export function benchmark(dtype: DType): { w: NDArray; x: NDArray } {
  const next = random(12345);
  const w = matrix(Array.from({ length: 64 }, () => range(64, next)), dtype);
  return { w, x: vector(range(64, () => 2 * next()), dtype) };
}

/** Spectral norm of the benchmark's matrix, and spectral radius of its symmetric part. */
const [spectralNorm, symmetricRadius] = [4.522911865310671, 3.006394760135543];

/** A layer of 64 units, or its linear part. `"sym"`: its symmetric part, of spectral radius `size`. */
export function layer(kind: string, size: number): MapOf {
  const symmetric = kind.endsWith("-sym");
  return (dtype) => {
    const { w, x } = benchmark(dtype);
    const scaled = symmetric
      ? w.add(w.T).div(2).mul(size / symmetricRadius)
      : w.mul(size / spectralNorm);
    const linear = (z: NDArray): NDArray => np.matmul(scaled, z).add(x);
    return kind.startsWith("linear") ? linear : (z) => np.tanh(linear(z));
  };
}

/** Jacobi's iteration for `u'' = -1`, zero at both ends. The solution is a parabola. */
export const jacobi: MapOf = (): VectorMap => (u) =>
  shifted(u, 1).add(shifted(u, -1)).add(1 / (u.size + 1) ** 2).div(2);

/** Sparse regression by iterated shrinkage: 30 observations, n unknowns. */
export function shrinkage(n: number): MapOf {
  const next = random(41);
  const rows = Array.from({ length: 30 }, () => range(n, next));
  const y = rows.map((row) => 3 * row[1]! - 2 * row[4]! + 0.1 * next());
  return (dtype) => {
    const [a, b] = [matrix(rows, dtype), vector(y, dtype)];
    return (x) => {
      const z = x.sub(np.matmul(a.T, np.matmul(a, x).sub(b)).mul(0.125));
      return np.sign(z).mul(np.maximum(np.abs(z).sub(0.125 * 0.2), 0));
    };
  };
}

/** A chain of n units, each drawn to its neighbours. */
export const chain = (n: number): MapOf => (dtype) => {
  const drive = vector(range(n, (i) => Math.sin(i)), dtype);
  return (x) => np.tanh(shifted(x, 1).add(shifted(x, -1)).mul(0.45)).add(drive);
};

/** Competition of firms by quantities, price 100 - sum, cost 10: each one's best answer to the others. */
export const cournot: MapOf = (): VectorMap => (q) => q.sum().sub(q).neg().add(90).div(2);

/** The same for two firms and price 1 / sum, costs 1 and 2: not defined where a quantity is negative. */
export const isoelastic: MapOf = (dtype: DType): VectorMap => {
  const cost = vector([1, 2], dtype);
  return (q) => {
    const other = np.stack([q.at(1), q.at(0)]);
    return np.sqrt(other.div(cost)).sub(other);
  };
};

/** A rotation by an angle, times r, about another point than 0. */
export const rotation = (r: number, angle: number): MapOf => (dtype) => {
  const [c, s] = [r * Math.cos(angle), r * Math.sin(angle)];
  const a = matrix([[c, -s], [s, c]], dtype);
  return (x) => np.matmul(a, x).add(1);
};

/** Volume of a mole of carbon dioxide at 300 K and 5 MPa by van der Waals: m^3. */
export const vanDerWaals: MapOf = (): VectorMap => (v) =>
  np.div(8.314462618 * 300, np.div(0.364, v.square()).add(5e6)).add(4.267e-5);

/** `1 / sqrt(friction)` of a pipe by Colebrook and White: roughness 1e-4, Reynolds number 1e5. */
export const colebrook: MapOf = (): VectorMap => (y) =>
  np.log(y.mul(2.51 / 1e5).add(1e-4 / 3.7)).mul(-2 / Math.LN10);

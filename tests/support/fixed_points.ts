/**
 * Fixed-point problems with a solution, of many fields, in float64: what all solvers of them are tried on.
 *
 * @module
 */
import { linalg, type NDArray, numpy as np } from "../../mod.ts";

/**
 * A map, where to start, and the evaluations that Anderson acceleration took without any safeguard (where it
 * found the solution): with them it may take a fifth more.
 */
export interface FixedPointProblem {
  readonly name: string;
  readonly f: (x: NDArray) => NDArray;
  readonly x0: readonly number[];
  readonly evaluations: number;
}

const arr = (v: readonly number[]): NDArray => np.array([...v], { dtype: "float64" });
const fill = (n: number, v: number): number[] => Array.from({ length: n }, () => v);
const matrix = (rows: readonly (readonly number[])[]): NDArray =>
  np.array(rows.map((r) => [...r]), { dtype: "float64" });

function random(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(1664525, s) + 1013904223) >>> 0;
    return s / 2 ** 32 - 0.5;
  };
}

function randomMatrix(n: number, seed: number): number[][] {
  const next = random(seed);
  return Array.from({ length: n }, () => Array.from({ length: n }, next));
}

/** Chandrasekhar's H-equation by the midpoint rule: `H = 1 / (1 - c mu / 2 sum H(nu) / (mu + nu) / n)`. */
function chandrasekhar(n: number, c: number): (h: NDArray) => NDArray {
  const mu = Array.from({ length: n }, (_, i) => (i + 0.5) / n);
  const a = matrix(mu.map((m) => mu.map((v) => (c * m) / (2 * n * (m + v)))));
  return (h) => np.div(1, np.matmul(a, h).neg().add(1));
}

/** Bratu's equation `u'' + lambda exp(u) = 0` by Green's matrix. */
function bratu(n: number, lambda: number): (u: NDArray) => NDArray {
  const h = 1 / (n + 1);
  const g = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => {
      const [s, t] = [(i + 1) * h, (j + 1) * h];
      return lambda * h * (s <= t ? s * (1 - t) : t * (1 - s));
    }));
  const green = matrix(g);
  return (u) => np.matmul(green, np.exp(u));
}

/** Ranks of a random web with damping d. */
function pageRank(n: number, d: number): (p: NDArray) => NDArray {
  const next = random(7);
  const links = Array.from(
    { length: n },
    () => Array.from({ length: n }, () => next() > 0.35 ? 1 : 0),
  );
  links.forEach((row, i) => row[(i + 1) % n] = 1);
  const out = links.map((row) => row.reduce<number>((a, b) => a + b, 0));
  const a = matrix(links.map((_, j) => links.map((row, i) => (d * row[j]!) / out[i]!)));
  return (p) => np.matmul(a, p).add((1 - d) / n);
}

/** Values of a chain of states under the better of two actions. */
function decisions(n: number, discount: number): (v: NDArray) => NDArray {
  const normal = (seed: number): NDArray =>
    matrix(
      randomMatrix(n, seed).map((row) => {
        const positive = row.map((v) => (v + 0.5) ** 4);
        const sum = positive.reduce((a, b) => a + b, 0);
        return positive.map((v) => (discount * v) / sum);
      }),
    );
  const [p, q] = [normal(3), normal(5)];
  const [r, s] = [arr(randomMatrix(n, 9)[0]!), arr(randomMatrix(n, 11)[0]!)];
  return (v) => np.maximum(np.matmul(p, v).add(r), np.matmul(q, v).add(s));
}

/** A mixture of two exponentials by expectation and maximisation: share, and both means as logarithms. */
function mixture(): (x: NDArray) => NDArray {
  const data = arr(Array.from({ length: 60 }, (_, i) => {
    const u = (i + 0.5) / 60;
    return i % 3 === 0 ? -5 * Math.log(1 - u) : -Math.log(1 - u);
  }));
  return (x) => {
    const [w, a, b] = [x.at(0), np.exp(x.at(1)), np.exp(x.at(2))];
    const first = np.exp(data.div(a).neg()).div(a).mul(w);
    const second = np.exp(data.div(b).neg()).div(b).mul(w.neg().add(1));
    const share = first.div(first.add(second));
    const rest = share.neg().add(1);
    const mean = (s: NDArray): NDArray => np.log(s.mul(data).sum().div(s.sum()));
    return np.stack([share.mean(), mean(share), mean(rest)]);
  };
}

/** One step of the implicit Euler rule for Lorenz's equations. */
function lorenz(h: number): (x: NDArray) => NDArray {
  const from = arr([1, 1, 20]);
  return (v) => {
    const [x, y, z] = [v.at(0), v.at(1), v.at(2)];
    const slope = [
      y.sub(x).mul(10),
      x.mul(z.neg().add(28)).sub(y),
      x.mul(y).sub(z.mul(8 / 3)),
    ];
    return from.add(np.stack(slope).mul(h));
  };
}

/** A layer with weights whose spectral norm is close to `size`. */
function layer(n: number, size: number): (z: NDArray) => NDArray {
  const w = matrix(randomMatrix(n, 12345)).mul(size / (0.57 * Math.sqrt(n)));
  const b = arr(randomMatrix(n, 99)[0]!).mul(2);
  return (z) => np.tanh(np.matmul(w, z).add(b));
}

/** The largest eigenvector of a symmetric matrix. */
function power(): (x: NDArray) => NDArray {
  const w = matrix(randomMatrix(8, 31));
  const a = np.matmul(w, w.T);
  return (x) => {
    const y = np.matmul(a, x);
    return y.div(linalg.norm(y));
  };
}

const cournot = (q: NDArray): NDArray => q.sum().sub(q).neg().add(90).div(2);
const rotation = (r: number, angle: number): (x: NDArray) => NDArray => {
  const [c, s] = [r * Math.cos(angle), r * Math.sin(angle)];
  const a = matrix([[c, -s], [s, c]]);
  return (x) => np.matmul(a, x).add(1);
};

/** The list. */
export const fixedPointProblems: readonly FixedPointProblem[] = [
  { name: "cosine", f: (x) => np.cos(x), x0: [1], evaluations: 9 },
  { name: "cosine from afar", f: (x) => np.cos(x), x0: [1e10], evaluations: 9 },
  { name: "omega", f: (x) => np.exp(x.neg()), x0: [1], evaluations: 9 },
  { name: "Kepler, e = 0.9", f: (x) => np.sin(x).mul(0.9).add(1), x0: [1], evaluations: 9 },
  { name: "Kepler, hyperbolic", f: (x) => np.asinh(x.add(2).div(1.5)), x0: [1], evaluations: 7 },
  { name: "slope -5.7", f: (x) => x.mul(-5.7).add(1), x0: [1], evaluations: 3 },
  { name: "slope 0.999", f: (x) => x.mul(0.999).add(1), x0: [0], evaluations: 3 },
  { name: "solution at 0", f: (x) => np.sin(x).div(2), x0: [1, -2], evaluations: 12 },
  {
    name: "logarithm from outside its slope",
    f: (x) => np.log(x).add(2),
    x0: [0.5],
    evaluations: 20,
  },
  { name: "Cournot of 3", f: cournot, x0: [1, 2, 3], evaluations: 5 },
  { name: "Cournot of 5", f: cournot, x0: [1, 2, 3, 4, 5], evaluations: 5 },
  { name: "rotation that expands", f: rotation(1.5, 2), x0: [1, 0], evaluations: 4 },
  { name: "rotation, radius 0.99", f: rotation(0.99, 0.3), x0: [1, 0], evaluations: 4 },
  { name: "H-equation, c = 0.9", f: chandrasekhar(20, 0.9), x0: fill(20, 1), evaluations: 12 },
  { name: "H-equation, c = 0.99", f: chandrasekhar(20, 0.99), x0: fill(20, 1), evaluations: 26 },
  { name: "Bratu, lambda = 1", f: bratu(20, 1), x0: fill(20, 0), evaluations: 7 },
  { name: "Bratu, lambda = 3.4", f: bratu(20, 3.4), x0: fill(20, 0), evaluations: 21 },
  { name: "PageRank, d = 0.85", f: pageRank(40, 0.85), x0: fill(40, 1 / 40), evaluations: 23 },
  { name: "PageRank, d = 0.99", f: pageRank(40, 0.99), x0: fill(40, 1 / 40), evaluations: 26 },
  { name: "decisions, discount 0.9", f: decisions(6, 0.9), x0: fill(6, 0), evaluations: 34 },
  { name: "decisions, discount 0.99", f: decisions(12, 0.99), x0: fill(12, 0), evaluations: 37 },
  { name: "mixture of exponentials", f: mixture(), x0: [0.5, 1, 0], evaluations: 26 },
  { name: "Lorenz, h = 0.01", f: lorenz(0.01), x0: [1, 1, 20], evaluations: 7 },
  { name: "Lorenz, h = 0.1", f: lorenz(0.1), x0: [1, 1, 20], evaluations: 21 },
  { name: "layer, norm 0.9", f: layer(16, 0.9), x0: fill(16, 0), evaluations: 23 },
  { name: "layer, norm 2", f: layer(16, 2), x0: fill(16, 0), evaluations: 49 },
  { name: "power method", f: power(), x0: fill(8, 1), evaluations: 22 },
];

/** Maps without a fixed point: no solver may claim one. */
export const fixedPointFree: readonly Omit<FixedPointProblem, "evaluations">[] = [
  { name: "x + 1", f: (x) => x.add(1), x0: [1] },
  { name: "x + exp(-x)", f: (x) => x.add(np.exp(x.neg())), x0: [0] },
  { name: "x + 1 / x", f: (x) => x.add(np.div(1, x)), x0: [1] },
  { name: "x^2 + 1", f: (x) => x.square().add(1), x0: [0.5] },
];

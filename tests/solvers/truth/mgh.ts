/**
 * Test problems of Moré, Garbow and Hillstrom ("Testing unconstrained optimization software", ACM TOMS 7,
 * 1981): residuals, starts and minima of the sum of squares.
 *
 * @module
 */
import { type NDArray, numpy as np } from "../../../mod.ts";

/** A problem of least squares, and of roots where it has as many residuals as unknowns and a minimum of 0. */
export interface Squares {
  readonly name: string;
  /** The residuals [m] at x [n]. */
  readonly f: (x: NDArray) => NDArray;
  readonly start: readonly number[];
  /** Sums of squares that count as a solution. */
  readonly minima: readonly number[];
  /** Whether it belongs to the square systems. */
  readonly square?: boolean;
}

const data = (xs: readonly number[]): NDArray => np.array([...xs], { dtype: "float64" });
const range = (n: number, f: (i: number) => number = (i) => i): number[] =>
  Array.from({ length: n }, (_, i) => f(i));
const parts = (x: NDArray): NDArray[] => range(x.size).map((i) => x.slice([i], [i + 1]));
const join = (...xs: NDArray[]): NDArray => np.concatenate(xs);

const rosenbrock = (x: NDArray): NDArray => {
  const [a, b] = parts(x) as [NDArray, NDArray];
  return join(b.sub(a.square()).mul(10), a.sub(1));
};
const powellSingular = (x: NDArray): NDArray => {
  const [a, b, c, d] = parts(x) as [NDArray, NDArray, NDArray, NDArray];
  return join(
    a.add(b.mul(10)),
    c.sub(d).mul(Math.sqrt(5)),
    b.sub(c.mul(2)).square(),
    a.sub(d).square().mul(Math.sqrt(10)),
  );
};
const repeated = (f: (x: NDArray) => NDArray, k: number) => (x: NDArray): NDArray =>
  join(...range(x.size / k).map((i) => f(x.slice([i * k], [i * k + k]))));

const bard = data([.14, .18, .22, .25, .29, .32, .35, .39, .37, .58, .73, .96, 1.34, 2.1, 4.39]);
const gaussian = data(
  [
    .0009,
    .0044,
    .0175,
    .054,
    .1295,
    .242,
    .3521,
    .3989,
    .3521,
    .242,
    .1295,
    .054,
    .0175,
    .0044,
    .0009,
  ],
);
const meyer = data(
  [
    34780,
    28610,
    23650,
    19630,
    16370,
    13720,
    11540,
    9744,
    8261,
    7030,
    6005,
    5147,
    4427,
    3820,
    3307,
    2872,
  ],
);
const u = data(range(15, (i) => i + 1));
const v = data(range(15, (i) => 15 - i));
const w = np.minimum(u, v);
const tenths = data(range(10, (i) => (i + 1) / 10));
const fifths = data(range(20, (i) => (i + 1) / 5));

const watson = (x: NDArray): NDArray => {
  const n = x.size;
  const t = range(29, (i) => (i + 1) / 29);
  const powers = np.array(t.map((a) => range(n, (j) => a ** j)), { dtype: "float64" });
  const slopes = np.array(t.map((a) => range(n, (j) => j === 0 ? 0 : j * a ** (j - 1))), {
    dtype: "float64",
  });
  const [a, b] = parts(x) as [NDArray, NDArray];
  return join(
    slopes.matmul(x).sub(powers.matmul(x).square()).sub(1),
    a,
    b.sub(a.square()).sub(1),
  );
};
const points = (n: number): NDArray => data(range(n, (i) => (i + 1) / (n + 1)));
const shifted = (x: NDArray, by: 1 | -1): NDArray => {
  const zero = np.zeros([1], { dtype: "float64" });
  return by === 1
    ? join(zero, x.slice([0], [x.size - 1])) // x_{i-1}
    : join(x.slice([1], [x.size]), zero); // x_{i+1}
};
const boundaryValue = (x: NDArray): NDArray => {
  const h = 1 / (x.size + 1);
  return x.mul(2).sub(shifted(x, 1)).sub(shifted(x, -1))
    .add(x.add(points(x.size)).add(1).pow(3).mul(h * h / 2));
};
const integral = (x: NDArray): NDArray => {
  const n = x.size;
  const h = 1 / (n + 1);
  const t = range(n, (i) => (i + 1) * h);
  const kernel = np.array(t.map((a) => t.map((b) => b <= a ? (1 - a) * b : a * (1 - b))), {
    dtype: "float64",
  });
  return x.add(kernel.matmul(x.add(points(n)).add(1).pow(3)).mul(h / 2));
};
const banded = (x: NDArray): NDArray => {
  const n = x.size;
  const near = np.array(
    range(n).map((i) => range(n, (j) => j !== i && j >= i - 5 && j <= i + 1 ? 1 : 0)),
    { dtype: "float64" },
  );
  return x.mul(x.square().mul(5).add(2)).add(1).sub(near.matmul(x.mul(x.add(1))));
};
const chebyquad = (x: NDArray): NDArray => {
  const n = x.size;
  const y = x.mul(2).sub(1);
  let [before, t] = [y.mul(0).add(1), y];
  const rows: NDArray[] = [];
  for (let i = 1; i <= n; i++) {
    const integral = i % 2 === 0 ? -1 / (i * i - 1) : 0;
    rows.push(t.mean().sub(integral).reshape([1]));
    [before, t] = [t, y.mul(t).mul(2).sub(before)];
  }
  return join(...rows);
};
const almostLinear = (x: NDArray): NDArray => {
  const n = x.size;
  const all = x.add(x.sum()).sub(n + 1);
  return join(all.slice([0], [n - 1]), x.prod().sub(1).reshape([1]));
};
const weights = (n: number): NDArray => data(range(n, (j) => j + 1));
const variablyDimensioned = (x: NDArray): NDArray => {
  const s = weights(x.size).mul(x.sub(1)).sum().reshape([1]);
  return join(x.sub(1), s, s.square());
};
const penalty = (x: NDArray): NDArray =>
  join(x.sub(1).mul(Math.sqrt(1e-5)), x.square().sum().sub(0.25).reshape([1]));

const penaltyTwo = (x: NDArray): NDArray => {
  const n = x.size;
  const [head, tail] = [x.slice([0], [n - 1]), x.slice([1], [n])];
  const known = data(range(n - 1, (i) => Math.exp((i + 2) / 10) + Math.exp((i + 1) / 10)));
  return join(
    x.slice([0], [1]).sub(0.2),
    np.exp(tail.div(10)).add(np.exp(head.div(10))).sub(known).mul(Math.sqrt(1e-5)),
    np.exp(tail.div(10)).sub(Math.exp(-0.1)).mul(Math.sqrt(1e-5)),
    data(range(n, (j) => n - j)).mul(x.square()).sum().sub(1).reshape([1]),
  );
};
const trigonometric = (x: NDArray): NDArray =>
  np.cos(x).sub(1).mul(weights(x.size)).neg().sub(np.sin(x)).add(x.size).sub(np.cos(x).sum());

const chebyquadOf = (n: number, minima: number[], square: boolean): Squares => ({
  name: `Chebyquad ${n}`,
  f: chebyquad,
  start: range(n, (j) => (j + 1) / (n + 1)),
  minima,
  square,
});

/** All of them. */
export const squares: readonly Squares[] = [
  { name: "Rosenbrock", f: rosenbrock, start: [-1.2, 1], minima: [0], square: true },
  {
    name: "Freudenstein-Roth",
    f(x) {
      const [a, b] = parts(x) as [NDArray, NDArray];
      return join(
        b.mul(-1).add(5).mul(b).sub(2).mul(b).add(a).sub(13),
        b.add(1).mul(b).sub(14).mul(b).add(a).sub(29),
      );
    },
    start: [0.5, -2],
    minima: [0, 48.98425367924],
  },
  {
    name: "Powell badly scaled",
    f(x) {
      const [a, b] = parts(x) as [NDArray, NDArray];
      return join(a.mul(b).mul(1e4).sub(1), np.exp(a.neg()).add(np.exp(b.neg())).sub(1.0001));
    },
    start: [0, 1],
    minima: [0],
    square: true,
  },
  {
    name: "Beale",
    f(x) {
      const [a, b] = parts(x) as [NDArray, NDArray];
      return data([1.5, 2.25, 2.625]).sub(a.mul(join(b, b.pow(2), b.pow(3)).sub(1).neg()));
    },
    start: [1, 1],
    minima: [0],
  },
  {
    name: "Helical valley",
    f(x) {
      const [a, b, c] = parts(x) as [NDArray, NDArray, NDArray];
      const theta = np.atan(b.div(a)).div(2 * Math.PI).add(np.where(a.less(0), 0.5, 0));
      return join(
        c.sub(theta.mul(10)).mul(10),
        a.square().add(b.square()).sqrt().sub(1).mul(10),
        c,
      );
    },
    start: [-1, 0, 0],
    minima: [0],
    square: true,
  },
  {
    name: "Bard",
    f(x) {
      const [a, b, c] = parts(x) as [NDArray, NDArray, NDArray];
      return bard.sub(a.add(u.div(v.mul(b).add(w.mul(c)))));
    },
    start: [1, 1, 1],
    minima: [8.21487730657899e-3],
  },
  {
    name: "Gaussian",
    f(x) {
      const [a, b, c] = parts(x) as [NDArray, NDArray, NDArray];
      const t = data(range(15, (i) => (7 - i) / 2));
      return a.mul(np.exp(b.mul(t.sub(c).square()).mul(-0.5))).sub(gaussian);
    },
    start: [0.4, 1, 0],
    minima: [1.12793276961912e-8],
  },
  {
    name: "Meyer",
    f(x) {
      const [a, b, c] = parts(x) as [NDArray, NDArray, NDArray];
      const t = data(range(16, (i) => 45 + 5 * (i + 1)));
      return a.mul(np.exp(b.div(c.add(t)))).sub(meyer);
    },
    start: [0.02, 4000, 250],
    minima: [87.9458551709184],
  },
  {
    name: "Box 3-D",
    f(x) {
      const [a, b, c] = parts(x) as [NDArray, NDArray, NDArray];
      const known = np.exp(tenths.neg()).sub(np.exp(tenths.mul(-10)));
      return np.exp(tenths.mul(a).neg()).sub(np.exp(tenths.mul(b).neg())).sub(c.mul(known));
    },
    start: [0, 10, 20],
    minima: [0],
  },
  { name: "Powell singular", f: powellSingular, start: [3, -1, 0, 1], minima: [0], square: true },
  {
    name: "Wood",
    f(x) {
      const [a, b, c, d] = parts(x) as [NDArray, NDArray, NDArray, NDArray];
      return join(
        b.sub(a.square()).mul(10),
        a.sub(1),
        d.sub(c.square()).mul(Math.sqrt(90)),
        c.sub(1),
        b.add(d).sub(2).mul(Math.sqrt(10)),
        b.sub(d).div(Math.sqrt(10)),
      );
    },
    start: [-3, -1, -3, -1],
    minima: [0],
  },
  {
    name: "Brown-Dennis",
    f(x) {
      const [a, b, c, d] = parts(x) as [NDArray, NDArray, NDArray, NDArray];
      return a.add(fifths.mul(b)).sub(np.exp(fifths)).square()
        .add(c.add(d.mul(np.sin(fifths))).sub(np.cos(fifths)).square());
    },
    start: [25, 5, -5, -1],
    minima: [85822.2016263563],
  },
  ...([[6, 2.28767005355e-3], [9, 1.399760138e-6], [12, 4.722381e-10]] as const).map((
    [n, minimum],
  ): Squares => ({
    name: `Watson ${n}`,
    f: watson,
    start: range(n, () => 0),
    minima: [minimum],
  })),
  {
    name: "Extended Rosenbrock",
    f: repeated(rosenbrock, 2),
    start: range(10, (i) => i % 2 === 0 ? -1.2 : 1),
    minima: [0],
    square: true,
  },
  {
    name: "Extended Powell singular",
    f: repeated(powellSingular, 4),
    start: range(12, (i) => [3, -1, 0, 1][i % 4]!),
    minima: [0],
    square: true,
  },
  { name: "Penalty I 4", f: penalty, start: [1, 2, 3, 4], minima: [2.2499775009e-5] },
  {
    name: "Penalty I 10",
    f: penalty,
    start: range(10, (i) => i + 1),
    minima: [7.0876514671e-5],
  },
  { name: "Penalty II 4", f: penaltyTwo, start: range(4, () => 0.5), minima: [9.376293007355e-6] },
  {
    name: "Penalty II 10",
    f: penaltyTwo,
    start: range(10, () => 0.5),
    minima: [2.936605374e-4],
  },
  {
    name: "Trigonometric",
    f: trigonometric,
    start: range(10, () => 0.1),
    minima: [0, 2.795056121876e-5],
    square: true,
  },
  {
    name: "Variably dimensioned",
    f: variablyDimensioned,
    start: range(10, (i) => 1 - (i + 1) / 10),
    minima: [0],
  },
  {
    name: "Brown almost linear",
    f: almostLinear,
    start: range(10, () => 0.5),
    minima: [0, 1],
    square: true,
  },
  {
    name: "Discrete boundary value",
    f: boundaryValue,
    start: range(10, (i) => (i + 1) / 11 * ((i + 1) / 11 - 1)),
    minima: [0],
    square: true,
  },
  {
    name: "Discrete integral",
    f: integral,
    start: range(10, (i) => (i + 1) / 11 * ((i + 1) / 11 - 1)),
    minima: [0],
    square: true,
  },
  {
    name: "Broyden tridiagonal",
    f: (x) => x.mul(-2).add(3).mul(x).sub(shifted(x, 1)).sub(shifted(x, -1).mul(2)).add(1),
    start: range(10, () => -1),
    minima: [0],
    square: true,
  },
  { name: "Broyden banded", f: banded, start: range(10, () => -1), minima: [0], square: true },
  {
    name: "Linear, full rank",
    f: (x) => {
      const s = x.sum().mul(2 / 20);
      return join(x.sub(s).sub(1), np.zeros([10], { dtype: "float64" }).sub(s).sub(1));
    },
    start: range(10, () => 1),
    minima: [10],
  },
  {
    name: "Linear, rank 1",
    f: (x) => weights(20).mul(weights(10).mul(x).sum()).sub(1),
    start: range(10, () => 1),
    minima: [4.63414634146341],
  },
  {
    name: "Linear, rank 1, zero columns and rows",
    f(x) {
      const columns = data(range(10, (j) => j === 0 || j === 9 ? 0 : j + 1));
      const rows = data(range(20, (i) => i === 0 || i === 19 ? 0 : i));
      return rows.mul(columns.mul(x).sum()).sub(1);
    },
    start: range(10, () => 1),
    minima: [6.13513513513514],
  },
  chebyquadOf(5, [0], true),
  chebyquadOf(6, [0], true),
  chebyquadOf(7, [0], true),
  chebyquadOf(8, [3.51687372568e-3], false),
  chebyquadOf(9, [0], true),
  chebyquadOf(10, [6.50395480088e-3, 4.77271369637e-3], false),
];

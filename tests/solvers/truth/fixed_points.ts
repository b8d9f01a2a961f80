/**
 * Fixed points whose values, and derivatives by a parameter, are known: closed forms, or Newton's method with
 * 50 digits (mpmath 1.3), where no other source is named.
 *
 * @module
 */
import { type NDArray, numpy as np } from "../../../mod.ts";

/** A map with a parameter, and what is known of its fixed point. */
export interface KnownFixedPoint {
  readonly name: string;
  readonly f: (theta: NDArray, x: NDArray) => NDArray;
  readonly theta: number;
  readonly x0: readonly number[];
  /** What is known of the fixed point, where that is not all of it. */
  readonly read?: (x: NDArray) => NDArray;
  readonly value: readonly number[];
  /** Its derivative by the parameter. */
  readonly slope: readonly number[];
}

/** A constant in the dtype of `x`. */
const like = (values: readonly number[] | readonly (readonly number[])[], x: NDArray): NDArray =>
  np.array(values as number[], { dtype: x.dtype });

/** Chandrasekhar's H-equation by the midpoint rule, whose solution has the mean `2 (1 - sqrt(1 - c)) / c`. */
function chandrasekhar(c: number): KnownFixedPoint {
  const n = 100;
  const mu = Array.from({ length: n }, (_, i) => (i + 0.5) / n);
  const kernel = mu.map((m) => mu.map((v) => m / (2 * n * (m + v))));
  const root = Math.sqrt(1 - c);
  return {
    name: `H-equation, c = ${c}, 100 points`,
    f: (c, h) => np.div(1, np.matmul(like(kernel, h), h).mul(c).neg().add(1)),
    theta: c,
    x0: mu.map(() => 1),
    read: (h) => h.mean(),
    value: [2 * (1 - root) / c],
    slope: [1 / (c * root) - 2 * (1 - root) / (c * c)],
  };
}

/** Kepler's equation, by the eccentricity. */
function kepler(m: number, e: number, value: number, slope: number): KnownFixedPoint {
  return {
    name: `Kepler's equation, M = ${m}, e = ${e}`,
    f: (e, x) => np.sin(x).mul(e).add(m),
    theta: e,
    x0: [m],
    value: [value],
    slope: [slope],
  };
}

/** Best responses of firms that add up to a market (Cournot, 1838), by its size. */
function cournot(n: number): KnownFixedPoint {
  return {
    name: `Cournot's equilibrium of ${n} firms`,
    f: (a, q) => q.sum().sub(q).neg().add(a).sub(10).div(2),
    theta: 100,
    x0: Array.from({ length: n }, (_, i) => 10 + i),
    value: Array.from({ length: n }, () => 90 / (n + 1)),
    slope: Array.from({ length: n }, () => 1 / (n + 1)),
  };
}

/** The problems. */
export const knownFixedPoints: readonly KnownFixedPoint[] = [
  {
    name: "cos x",
    f: (a, x) => np.cos(x.mul(a)),
    theta: 1,
    x0: [1],
    value: [0.739085133215160641655312087674],
    slope: [-0.297474341509832260557940985694],
  },
  {
    name: "exp(-x)",
    f: (a, x) => np.exp(x.mul(a).neg()),
    theta: 1,
    x0: [1],
    value: [0.567143290409783872999968662210],
    slope: [-0.205247033774895171524622376047],
  },
  kepler(1, 0.1, 1.08859775239789361845493771471, 0.929060686304031717682306421357),
  kepler(1, 0.9, 1.86208668687453225493331956745, 0.761142010521491356913547931948),
  kepler(3, 0.5, 3.04715077470239443519827273743, 0.062961224735489408039555562645),
  {
    name: "an implicit Euler step of tanh",
    f: (a, y) => np.tanh(y).mul(0.1).add(a),
    theta: 1,
    x0: [1],
    value: [1.07929370305447935535099510865],
    slope: [1.03855649995741471909313371686],
  },
  {
    name: "Wien's displacement",
    f: (a, x) => np.exp(x.neg()).neg().add(1).mul(a),
    theta: 5,
    x0: [5],
    value: [4.96511423174427630369875913132],
    slope: [1.02891742105402278104673802512],
  },
  {
    name: "a square root by Heron's step",
    f: (a, x) => np.div(a, x).add(x).div(2),
    theta: 2,
    x0: [1],
    value: [1.41421356237309504880168872421],
    slope: [0.353553390593273762200422181052],
  },
  cournot(2),
  cournot(3),
  {
    name: "PageRank of four pages, by the damping",
    f: (a, r) =>
      np.matmul(like([[0, 0, 1, 0], [0.5, 0, 0, 0], [0.5, 1, 0, 1], [0, 0, 0, 0]], r), r).mul(a)
        .add(a.neg().add(1).div(4)),
    theta: 0.85,
    x0: [0.25, 0.25, 0.25, 0.25],
    value: [
      0.372526851328434143583945732052,
      0.195823911814584511023176936122,
      0.394149236856981345392877331826,
      0.0375,
    ],
    slope: [
      0.185788728114142152343561513037,
      0.0152236351127274865379865090669,
      0.0489876367731303611184519778958,
      -0.25,
    ],
  },
  {
    name: "a linear map, by the length of its constant",
    f: (a, z) => np.matmul(like([[0.5, 0.2], [0.1, 0.4]], z), z).add(like([1, 2], z).mul(a)),
    theta: 1,
    x0: [0, 0],
    value: [25 / 7, 55 / 14],
    slope: [25 / 7, 55 / 14],
  },
  chandrasekhar(0.5),
  chandrasekhar(0.9),
  chandrasekhar(0.99),
];

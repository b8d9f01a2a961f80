/**
 * Fixed-point problems of many fields: 64 with a solution and four without. Solutions are known in closed
 * form, or computed to 30 digits by `tests/reference/record_fixed_points.py`.
 *
 * @module
 */
import { type NDArray, numpy as np } from "../../../mod.ts";
import values from "../../reference/fixed_point_values.json" with { type: "json" };
import * as maps from "./maps.ts";
import type { MapOf } from "./maps.ts";

/** A map, where to start, and what is right. */
export interface FixedPointProblem {
  readonly name: string;
  readonly map: MapOf;
  readonly x0: readonly number[];
  /** All solutions [n], or of large ones the first, middle and last element and the mean. */
  readonly solutions: readonly (readonly number[])[];
  /** Largest relative change of the solution by a relative change of the map: what rounding costs. */
  readonly condition: number;
  /**
   * Evaluations that Anderson acceleration took before it had safeguards, to `rtol` 2e-12; `null` where
   * it found no solution.
   */
  readonly evaluations: number | null;
}

type Recorded = {
  readonly solutions: readonly (readonly number[])[];
  readonly condition: number;
};

/** What is compared of a solution. */
export function probe(x: readonly number[]): readonly number[] {
  if (x.length <= 20) return x;
  return [
    x[0]!,
    x[Math.floor(x.length / 2)]!,
    x[x.length - 1]!,
    x.reduce((a, b) => a + b, 0) / x.length,
  ];
}

/**
 * Distance to the nearest solution beside what may be expected: the tolerance and some rounding, times the
 * condition. As in the solver's own criterion, what small means is said by the solution or by the first evaluation.
 */
export function relativeError(problem: FixedPointProblem, x: NDArray): number {
  const { solutions, condition, map, x0 } = problem;
  const found = probe([...x.dataSync()]);
  const start = np.array([...x0], { dtype: x.dtype });
  const first = map(x.dtype)(start);
  const largest = (v: NDArray): number => Math.max(...v.abs().dataSync());
  const begun = Math.min(largest(first), largest(first.sub(start)));
  const tolerance = x.dtype === "float32" ? 2e-5 : 8e-12;
  return Math.min(...solutions.map((right) => {
    const size = Math.max(begun, ...right.map(Math.abs));
    const error = Math.max(...right.map((v, i) => Math.abs(v - found[i]!)));
    return error / size / (tolerance * Math.max(1, condition));
  }));
}

const { fill, range } = maps;
const elementwise = (f: (x: NDArray) => NDArray): MapOf => () => f;
const linear = (slope: number): MapOf => elementwise((x) => x.mul(slope).add(1));
const logistic = (r: number): MapOf => elementwise((x) => x.mul(x.neg().add(1)).mul(r));
const scaledCosine = (unit: number): MapOf => elementwise((x) => np.cos(x.div(unit)).mul(unit));
const epidemic = (r: number): MapOf => elementwise((z) => np.exp(z.mul(-r)).neg().add(1));
const sine = (n: number, height: number): number[] =>
  range(n, (i) => height * Math.sin(Math.PI * (i + 1) / (n + 1)));

/** Name, map, start, evaluations. */
const list: readonly (readonly [string, MapOf, readonly number[], number | null])[] = [
  ["cosine", elementwise(np.cos), [1], 9],
  ["cosine from afar", elementwise(np.cos), [1e10], 9],
  ["omega", elementwise((x) => np.exp(x.neg())), [1], 9],
  ["Kepler, e = 0.9", elementwise((x) => np.sin(x).mul(0.9).add(1)), [1], 9],
  ["Kepler, hyperbolic", elementwise((x) => np.asinh(x.add(2).div(1.5))), [1], 7],
  ["logarithm from 0.1", elementwise((x) => np.log(x).add(2)), [0.1], null],
  ["slope -5.7", linear(-5.7), [1], 3],
  ["slope 2", linear(2), [1], 3],
  ["slope 1 - 1e-3", linear(0.999), [0], 3],
  ["slope 1 - 1e-9", linear(1 - 1e-9), [0], 3],
  ["cosine in units of 1e-12", scaledCosine(1e-12), [1e-12], 9],
  ["cosine in units of 1e12", scaledCosine(1e12), [1e12], 9],
  ["logistic, r = 2.8", logistic(2.8), [0.3], 11],
  ["cycle of 2: logistic, r = 3.2", logistic(3.2), [0.3], 11],
  ["cycle of 4: logistic, r = 3.5", logistic(3.5), [0.3], 11],
  ["chaos: logistic, r = 3.9", logistic(3.9), [0.3], 13],
  [
    "discontinuous",
    elementwise((x) => np.where(x.greater(1), x.div(2).add(0.75), x.div(2).add(0.2))),
    [1.01],
    3,
  ],
  ["van der Waals", maps.vanDerWaals, [4.9886e-4], 9],
  ["Colebrook", maps.colebrook, [5], 7],
  ["acid", elementwise((h) => np.div(1e-14, h).add(1e-7)), [1e-7], 9],
  ["Ising", elementwise((m) => np.tanh(m.mul(1.2).add(0.1))), [0.5], 9],
  ["epidemic, R = 2", epidemic(2), [0.5], 9],
  ["epidemic, R = 1.001", epidemic(1.001), [0.5], 240],
  ["solution at 0", elementwise((x) => np.sin(x).div(2)), [1, -2], 18],
  ["Cournot of 3", maps.cournot, [1, 2, 3], 5],
  ["Cournot of 5", maps.cournot, [1, 2, 3, 4, 5], 5],
  ["Cournot, isoelastic", maps.isoelastic, [0.1, 0.1], 14],
  ["rotation that expands", maps.rotation(1.5, 2), [1, 0], 4],
  ["rotation, radius 0.99", maps.rotation(0.99, 0.3), [1, 0], 4],
  ["PageRank of 4", maps.pageRank4, fill(4, 0.25), 5],
  ["PageRank, d = 0.85", maps.pageRank(500, 0.85), fill(500, 1 / 500), 12],
  ["PageRank, d = 0.99", maps.pageRank(500, 0.99), fill(500, 1 / 500), 12],
  ["two states", maps.twoStates, [0, 0], null],
  ["decisions, discount 0.9", maps.decisions(6, 0.9), fill(6, 0), 34],
  ["decisions, discount 0.99", maps.decisions(12, 0.99), fill(12, 0), 37],
  ["Robertson, h = 1", maps.robertson(1), [1, 0, 0], null],
  ["Lorenz, h = 0.01", maps.lorenz(0.01), [1, 1, 20], 7],
  ["Lorenz, h = 0.1", maps.lorenz(0.1), [1, 1, 20], 21],
  ["van der Pol, midpoint", maps.vanDerPol, [2, 0], 7],
  ["mixture of exponentials", maps.exponentials, [0.5, 1, 0], 26],
  ["mixture of normals", maps.normals, [0.5, 1.5, -0.5], 23],
  ["Sinkhorn, entropy 0.1", maps.sinkhorn(10, 0.1), fill(10, 0), 13],
  ["Sinkhorn, entropy 0.02", maps.sinkhorn(10, 0.02), fill(10, 0), 45],
  ["condensate", maps.condensate(12), fill(12, Math.sqrt(1 / 12)), 38],
  ["power method", maps.power, fill(8, 1), 24],
  ["eigenvalue 1 - 1e-9", maps.nearlySingular, [0, 0], 5],
  ["Bratu, lambda = 1", maps.bratu(20, 1), fill(20, 0), 7],
  ["Bratu, lambda = 1, upper", maps.bratu(20, 1), sine(20, 4), 18],
  ["Bratu, lambda = 3.4", maps.bratu(20, 3.4), fill(20, 0), 21],
  ["H-equation, c = 0.9", maps.chandrasekhar(100, 0.9), fill(100, 1), 12],
  ["H-equation, c = 0.99", maps.chandrasekhar(100, 0.99), fill(100, 1), 26],
  ["Broyden tridiagonal", maps.tridiagonal, fill(10, -1), null],
  ["Broyden banded", maps.banded(10), fill(10, -1), null],
  [
    "boundary value",
    maps.boundaryValue(10),
    range(10, (i) => (i + 1) / 11).map((t) => t * (t - 1)),
    78,
  ],
  ["layer, norm 0.9", maps.layer("tanh", 0.9), fill(64, 0), 25],
  ["layer, norm 2", maps.layer("tanh", 2), fill(64, 0), 72],
  ["layer, norm 4", maps.layer("tanh", 4), fill(64, 0), null],
  ["symmetric layer, radius 0.99", maps.layer("tanh-sym", 0.99), fill(64, 0), 34],
  ["symmetric linear, radius 0.9", maps.layer("linear-sym", 0.9), fill(64, 0), 42],
  ["symmetric linear, radius 0.99", maps.layer("linear-sym", 0.99), fill(64, 0), 50],
  ["symmetric linear, radius 0.999", maps.layer("linear-sym", 0.999), fill(64, 0), 51],
  ["Jacobi", maps.jacobi, fill(15, 0), 10],
  ["shrinkage", maps.shrinkage(20), fill(20, 0), 64],
  ["chain of 5000", maps.chain(5000), fill(5000, 0), 27],
];

/** Those with a solution. */
export const fixedPointProblems: readonly FixedPointProblem[] = list.map(
  ([name, map, x0, evaluations]) => {
    const { solutions, condition } = (values.problems as Record<string, Recorded>)[name]!;
    return { name, map, x0, solutions, condition, evaluations };
  },
);

/** Maps without a fixed point: no solver may claim one. */
export const fixedPointFree: readonly Pick<FixedPointProblem, "name" | "map" | "x0">[] = [
  { name: "x + 1", map: elementwise((x) => x.add(1)), x0: [1] },
  { name: "x + exp(-x)", map: elementwise((x) => x.add(np.exp(x.neg()))), x0: [0] },
  { name: "x + 1 / x", map: elementwise((x) => x.add(np.div(1, x))), x0: [1] },
  { name: "x^2 + 1", map: elementwise((x) => x.square().add(1)), x0: [0.5] },
];

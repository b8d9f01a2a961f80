/**
 * PageRank as a fixed point, with its derivative by the implicit function theorem.
 *
 * @module
 */
import {
  fixedPoint,
  jacfwd,
  jacrev,
  jit,
  type NDArray,
  numpy as np,
  ready,
  type Tree,
} from "@injax/injax";
import { edges, size } from "./data.ts";

/** Column-stochastic matrix of the random walk: [size, size], float64. */
function walk(): NDArray {
  const degree = new Array<number>(size).fill(0);
  for (const [a, b] of edges) {
    degree[a]!++;
    degree[b]!++;
  }
  const rows = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (const [a, b] of edges) {
    rows[a]![b] = 1 / degree[b]!;
    rows[b]![a] = 1 / degree[a]!;
  }
  return np.array(rows, { dtype: "float64" });
}

const matrix = walk();

/** Ranks at a damping factor: where the random surfer is, who starts afresh now and then. */
function pageRank(damping: NDArray) {
  return fixedPoint(
    (r) => np.matmul(matrix, r).mul(damping).add(damping.neg().add(1).div(size)),
    np.full([size], 1 / size, { dtype: "float64" }),
  );
}

/** What `rankMembers` found. */
export interface Ranking {
  /** Rank of each member. */
  readonly ranks: ArrayLike<number>;
  /** Derivative of each rank with respect to the damping factor, by forward mode. */
  readonly forward: ArrayLike<number>;
  /** The same by reverse mode. */
  readonly reverse: ArrayLike<number>;
  /** The same by central differences. */
  readonly difference: ArrayLike<number>;
  /** What the solver says. */
  readonly message: string;
}

/** Ranks the members at a damping factor: eagerly, or compiled for a backend. */
export async function rankMembers(damping: number, backend: string | null): Promise<Ranking> {
  const compile = <R extends Tree>(f: (d: NDArray) => R): (d: NDArray) => R =>
    backend === null ? f : jit(f, { backend }) as (d: NDArray) => R;
  const at = (d: number): NDArray => np.array(d, { dtype: "float64" });
  const ranks = compile(pageRank);
  const value = (d: NDArray): NDArray => pageRank(d).value;
  const h = 1e-5;
  const solution = ranks(at(damping));
  const [plus, minus] = [ranks(at(damping + h)).value, ranks(at(damping - h)).value];
  const forward = compile(jacfwd(value))(at(damping));
  const reverse = compile(jacrev(value))(at(damping));
  await ready([solution, plus, minus, forward, reverse]);
  return {
    ranks: solution.value.dataSync(),
    forward: forward.dataSync(),
    reverse: reverse.dataSync(),
    difference: plus.sub(minus).div(2 * h).dataSync(),
    message: solution.message,
  };
}

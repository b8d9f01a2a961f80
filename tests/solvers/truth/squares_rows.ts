/**
 * `leastSquares` and `rootFind` on the problems of Moré, Garbow and Hillstrom.
 *
 * @module
 */
import { jit, leastSquares, type NDArray, numpy as np, rootFind } from "../../../mod.ts";
import { type Squares, squares } from "./mgh.ts";
import type { Measured, TruthRow } from "./row.ts";

const vector = (xs: readonly number[]): NDArray => np.array([...xs], { dtype: "float64" });
const systems = squares.filter((p) => p.square);

interface Root {
  readonly problem: Squares;
  readonly solved: boolean;
  readonly claimed: boolean;
  readonly message: string;
}

const roots = new Map<number, readonly Root[]>();
const programs = systems.map((problem) => ({
  problem,
  solve: jit((x: NDArray) => rootFind(problem.f, x)),
}));

/** The square systems from a multiple of their starts, solved once. */
function rootsFrom(times: number): readonly Root[] {
  const known = roots.get(times);
  if (known !== undefined) return known;
  const found = programs.map(({ problem, solve }): Root => {
    const root = solve(vector(problem.start.map((x) => times * x)));
    const largest = Math.max(...problem.f(root.value).abs().dataSync());
    return { problem, solved: largest <= 1e-8, claimed: root.converged, message: root.message };
  });
  roots.set(times, found);
  return found;
}

function solvedFrom(times: number, asked: number): Measured {
  const bad = rootsFrom(times).filter((r) => !r.solved);
  const count = systems.length - bad.length;
  return {
    found: `${count} of ${systems.length}`,
    met: count >= asked,
    short: bad.map((r) => `${r.problem.name}: ${r.message}`),
  };
}

/** The rows. */
export const squaresRows: readonly TruthRow[] = [
  {
    truth: "problems of Moré, Garbow and Hillstrom end at a minimum by leastSquares",
    bar: `${squares.length} of ${squares.length}`,
    peer: "optimistix 43 of 44",
    measure() {
      const short = squares.flatMap(({ name, f, start, minima }) => {
        const fit = jit((x: NDArray) => leastSquares(f, x))(vector(start));
        const sum = 2 * fit.cost!.item();
        const near = minima.some((m) => Math.abs(sum - m) <= 1e-8 + 1e-6 * m);
        const said = ["converged", "stagnated"].includes(fit.statusName);
        return near && said ? [] : [`${name}: ${sum}, ${fit.message}`];
      });
      return {
        found: `${squares.length - short.length} of ${squares.length}`,
        met: short.length === 0,
        short,
      };
    },
  },
  {
    truth: "square systems from the published start, to 1e-8",
    bar: "16 of 16",
    peer: "SciPy hybr 15, optimistix dogleg 16",
    measure: () => solvedFrom(1, 16),
  },
  {
    truth: "square systems from 10 times the start",
    bar: "15 of 16",
    peer: "SciPy hybr 12, optimistix dogleg 14",
    measure: () => solvedFrom(10, 15),
  },
  {
    truth: "square systems from 100 times the start",
    bar: "14 of 16 (12 were asked)",
    peer: "SciPy hybr 11, optimistix dogleg 10",
    measure: () => solvedFrom(100, 14),
  },
  {
    truth: "square systems claimed that are not solved, from any of the starts",
    bar: "0",
    measure() {
      const short = [1, 10, 100].flatMap((times) =>
        rootsFrom(times).filter((r) => r.claimed && !r.solved)
          .map((r) => `${r.problem.name} from ${times}: ${r.message}`)
      );
      return { found: String(short.length), met: short.length === 0, short };
    },
  },
];

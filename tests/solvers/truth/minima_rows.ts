/**
 * `minimise` on the sums of squares of Moré, Garbow and Hillstrom, with the default settings.
 *
 * @module
 */
import {
  bfgs,
  type DType,
  jit,
  lbfgs,
  minimise,
  type NDArray,
  numpy as np,
  type Solution,
} from "../../../mod.ts";
import { type Squares, squares } from "./mgh.ts";
import type { Measured, TruthRow } from "./row.ts";

/** What became of a problem. */
interface Minimum {
  readonly right: boolean;
  readonly claimed: boolean;
  readonly told: string;
}

type Solver = ReturnType<typeof bfgs>;

type Solve = (x: NDArray, unit: NDArray) => Solution<NDArray>;

/** A problem's sum of squares, its unknowns in some unit. The problems' data are float64. */
const sumOf = (p: Squares, x: NDArray, unit: NDArray): NDArray =>
  p.f(x.astype("float64").div(unit)).square().sum();

const programs = new Map<string, readonly Solve[]>();

/** The programs that solve the problems, for all units. In float32 all that a method sees is rounded. */
function programsOf(solver: Solver, dtype: DType): readonly Solve[] {
  const key = `${solver.description} ${dtype}`;
  const made = programs.get(key) ??
    squares.map((p) =>
      jit((x: NDArray, unit: NDArray) =>
        minimise((x) => sumOf(p, x, unit).astype(dtype), x, { solver })
      )
    );
  programs.set(key, made);
  return made;
}

/** Solves a problem with its unknowns in some unit. */
function minimumOf(p: Squares, solve: Solve, dtype: DType, size: number): Minimum {
  const unit = np.array(size, { dtype: "float64" });
  const found = solve(np.array(p.start.map((v) => v * size), { dtype }), unit);
  const sum = sumOf(p, found.value, unit).item();
  // In float32 the unknowns are rounded too, which alone moves sums by so much.
  const [absolute, relative] = dtype === "float64" ? [1e-8, 1e-6] : [1e-5, 1e-3];
  const right = p.minima.some((m) => Math.abs(sum - m) <= absolute + relative * m);
  return { right, claimed: found.converged, told: `${p.name}: ${sum}, ${found.message}` };
}

const known = new Map<string, readonly Minimum[]>();

/** What became of all problems, solved once. */
function minima(solver: Solver, dtype: DType, unit: number): readonly Minimum[] {
  const key = `${solver.description} ${dtype} ${unit}`;
  const found = known.get(key) ??
    programsOf(solver, dtype).map((solve, i) => minimumOf(squares[i]!, solve, dtype, unit));
  known.set(key, found);
  return found;
}

/** Settings by what they are called, and the share of the problems that is asked. */
const settings: readonly [name: string, dtype: DType, unit: number, share: number][] = [
  ["float64", "float64", 1, 0.95],
  ["unknowns in units of 1e-12", "float64", 1e-12, 0.95],
  ["unknowns in units of 1e6", "float64", 1e6, 0.95],
  ["float32", "float32", 1, 0.9],
];

function rowsOf(solver: Solver, peer?: string): TruthRow[] {
  const { description } = solver;
  return settings.flatMap(([name, dtype, unit, share]) => {
    const asked = Math.ceil(share * squares.length);
    return [
      {
        truth: `problems of Moré, Garbow and Hillstrom by ${description}, ${name}`,
        bar: `${asked} of ${squares.length}`,
        peer: unit === 1 && dtype === "float64" ? peer : undefined,
        measure(): Measured {
          const found = minima(solver, dtype, unit);
          const short = found.filter((m) => !m.right).map((m) => m.told);
          const count = squares.length - short.length;
          return { found: `${count} of ${squares.length}`, met: count >= asked, short };
        },
      },
      {
        truth: `minima claimed by ${description} that are none, ${name}`,
        bar: "0",
        measure(): Measured {
          const found = minima(solver, dtype, unit);
          const short = found.filter((m) => m.claimed && !m.right).map((m) => m.told);
          return { found: String(short.length), met: short.length === 0, short };
        },
      },
    ];
  });
}

/** The rows. */
export const minimaRows: readonly TruthRow[] = [
  ...rowsOf(bfgs(), "optimistix BFGS 39 of 44 (256 steps), 42 (5000), with 2 false claims"),
  ...rowsOf(lbfgs()),
];

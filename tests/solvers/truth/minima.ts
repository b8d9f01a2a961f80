/**
 * Minima of sums of squares: what a method found, beside what is known.
 *
 * @module
 */
import {
  type DType,
  jit,
  minimise,
  type Minimiser,
  type NDArray,
  numpy as np,
  type Solution,
} from "../../../mod.ts";
import { type Squares, squares } from "./mgh.ts";

/** What became of a problem. */
export interface MinimumRow {
  readonly name: string;
  readonly solution: Solution<NDArray>;
  /** The sum of squares at the solution, in float64. */
  readonly sum: number;
  /** Whether that is one of the known minima. */
  readonly right: boolean;
}

/** Solves the problems of Moré, Garbow and Hillstrom in units of one's own, with the default settings. */
export function* minimumRows(
  solver: Minimiser,
  dtype: DType = "float64",
  unit = 1,
): Generator<MinimumRow> {
  for (const problem of squares) yield minimumRow(problem, solver, dtype, unit);
}

function minimumRow(p: Squares, solver: Minimiser, dtype: DType, unit: number): MinimumRow {
  // The problems' data are float64; in float32 all that a method sees is rounded.
  const f = (x: NDArray): NDArray => p.f(x.astype("float64").div(unit)).square().sum();
  const solve = jit((x: NDArray) => minimise((x) => f(x).astype(dtype), x, { solver }));
  const solution = solve(np.array(p.start.map((v) => v * unit), { dtype }));
  const sum = f(solution.value).item();
  // In float32 the unknowns are rounded too, which alone moves sums by so much.
  const [absolute, relative] = dtype === "float64" ? [1e-8, 1e-6] : [1e-5, 1e-3];
  const right = p.minima.some((m) => Math.abs(sum - m) <= absolute + relative * m);
  return { name: p.name, solution, sum, right };
}

/**
 * `leastSquares` and `curveFit` on the regressions of NIST, in float64 and float32.
 *
 * @module
 */
import {
  curveFit,
  type DType,
  jit,
  leastSquares,
  type NDArray,
  numpy as np,
  type Solution,
} from "../../../mod.ts";
import { digits, type Regression, regressions, residualsOf } from "./nist.ts";
import { epsilon } from "../../../lib/core/mod.ts";
import type { Measured, TruthRow } from "./row.ts";

interface Solved {
  readonly problem: Regression;
  /** Which start: 0 or 1. */
  readonly start: number;
  readonly right: number;
  readonly fit: Solution<NDArray>;
}

const vector = (xs: readonly number[], dtype: DType): NDArray => np.array([...xs], { dtype });
const solved = new Map<DType, readonly Solved[]>();

/** All regressions from both starts, solved once with default settings. */
function all(dtype: DType): readonly Solved[] {
  const known = solved.get(dtype);
  if (known !== undefined) return known;
  const results = regressions.flatMap((problem) => {
    const solve = jit((b: NDArray) => leastSquares(residualsOf(problem, dtype), b));
    return problem.starts.map((start, i): Solved => {
      const fit = solve(vector(start, dtype));
      return { problem, start: i, right: digits(fit.value.dataSync(), problem.certified), fit };
    });
  });
  solved.set(dtype, results);
  return results;
}

const told = ({ problem, start, right, fit }: Solved): string =>
  `${problem.name} from start ${start + 1}: ${right.toFixed(1)} digits, ${fit.message}`;

/**
 * How many digits a fit can have. Rounding of the data moves parameters as noise of its size would, by their standard errors
 * times that over the noise that there is: of the fits of Lanczos, whose data have been made up without noise and which are
 * next to singular, that leaves 3.5 digits in float32. Rounding in the model is up to three times that.
 */
function knowable({ y, errors, rss, certified }: Regression, dtype: DType): number {
  const noise = Math.sqrt(rss / (y.length - certified.length));
  const rounding = epsilon(dtype) / 2 * Math.hypot(...y) / Math.sqrt(y.length);
  const least = Math.max(...errors.map((e, i) => e / Math.abs(certified[i]!)));
  return -Math.log10(3 * least * rounding / noise);
}

/** How many are right to so many digits that can be had, of each start; in float64 they must be claimed, too. */
function right(dtype: DType, least: number, asked: readonly [number, number]): Measured {
  const claimed = (s: Solved): boolean => dtype === "float32" || s.fit.converged;
  const bad = all(dtype).filter((s) =>
    s.right < Math.min(least, knowable(s.problem, dtype)) || !claimed(s)
  );
  const counts = [0, 1].map((i) => regressions.length - bad.filter((s) => s.start === i).length);
  return {
    found: `${counts.join(" and ")} of ${regressions.length}`,
    met: counts.every((k, i) => k >= asked[i]!),
    short: bad.map(told),
  };
}

const everything = regressions.length;

/** The rows. */
export const nistRows: readonly TruthRow[] = [
  {
    truth: "regressions of NIST in float64: claimed and right to 8 digits, from both starts",
    bar: `${everything} and ${everything} of ${everything}`,
    peer: "SciPy trf to 6 digits: 27 and 27 of 27; optimistix to 4: 24 and 25",
    measure: () => right("float64", 8, [everything, everything]),
  },
  {
    truth: "regressions of NIST in float64: mean of the digits",
    bar: ">= 9.8",
    peer: "SciPy trf 9.26, optimistix 9.75, both with tolerances made tight",
    measure() {
      const mean = all("float64").reduce((sum, s) => sum + s.right, 0) / (2 * everything);
      return { found: mean.toFixed(2), met: mean >= 9.8, short: [] };
    },
  },
  {
    truth: "regressions of NIST in float64: evaluations of the residuals",
    bar: "<= 1000, the mean <= 60",
    measure() {
      const counts = all("float64").map((s) => s.fit.evaluations.f.item());
      const most = Math.max(...counts);
      const mean = counts.reduce((a, b) => a + b) / counts.length;
      return {
        found: `at most ${most}, mean ${mean.toFixed(0)}`,
        met: most <= 1000 && mean <= 60,
        short: [],
      };
    },
  },
  {
    truth: "regressions of NIST in float64: standard errors right to 6 digits",
    bar: `${everything - 1} of ${everything - 1}: the residuals of Lanczos1 are rounding`,
    measure() {
      const bad: string[] = [];
      for (const { name, model, x, y, starts, errors, rss } of regressions) {
        if (name === "Lanczos1") continue;
        const data = { x: vector(x, "float64"), y: vector(y, "float64") };
        const fit = jit((b: NDArray) => curveFit(model, data, b))(vector(starts[1]!, "float64"));
        const found = digits(fit.standardErrors.dataSync(), errors);
        const sum = digits([fit.chiSquare.item()], [rss]);
        if (!(found >= 6 && sum >= 6)) bad.push(`${name}: ${found} digits, ${sum} of the sum`);
      }
      return {
        found: `${everything - 1 - bad.length} of ${everything - 1}`,
        met: bad.length === 0,
        short: bad,
      };
    },
  },
  {
    truth:
      "regressions of NIST in float32: right to 4 digits where rounding leaves them, from both starts",
    bar: "19 and 21 of 21",
    peer: "optimistix 13 and 17 of 27",
    measure: () => right("float32", 4, [19, 21]),
  },
  {
    truth: "regressions of NIST in float64 and float32: claimed, and wrong in the fourth digit",
    bar: "0",
    peer: "SciPy's defaults 4 of 54; optimistix in float32 21 of 54",
    measure() {
      const short = (["float64", "float32"] as const)
        .flatMap((dtype) => all(dtype).filter((s) => s.fit.converged && s.right < 4).map(told));
      return { found: String(short.length), met: short.length === 0, short };
    },
  },
];

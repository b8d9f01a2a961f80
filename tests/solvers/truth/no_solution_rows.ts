/**
 * Claims where there is no solution: none may be made, by any method, in any units, however long it goes on.
 *
 * @module
 */
import {
  aitken,
  anderson,
  bfgs,
  broyden,
  chord,
  damped,
  dogleg,
  type DType,
  first,
  fixedPoint,
  gaussNewton,
  jit,
  lbfgs,
  leastSquares,
  levenbergMarquardt,
  minimise,
  type NDArray,
  nelderMead,
  newton,
  newtonCg,
  nonlinearCg,
  numpy as np,
  rootFind,
  type Solution,
} from "../../../mod.ts";
import { adam } from "../../../lib/optim/mod.ts";
import { noFit, noFixedPoint, noMinimum, noRoot, type NoSolution } from "./no_solution.ts";
import type { TruthRow } from "./row.ts";

type Solve = (f: (x: NDArray) => NDArray, x: NDArray, maxSteps?: number) => Solution<NDArray>;

interface Method {
  readonly name: string;
  readonly solve: Solve;
  /** Units of the unknowns and of the values. */
  readonly units: readonly number[];
}

const allUnits = [1, 1e-12, 1e6];

/** The methods of a family; the first one is also given 10000 steps. */
function methodsOf<S>(
  family: (f: never, x: NDArray, options: { solver: S; maxSteps?: number }) => unknown,
  solvers: Readonly<Record<string, S>>,
): Method[] {
  return Object.entries(solvers).map(([name, solver]) => ({
    name,
    solve: (f, x, maxSteps) =>
      family(f as never, x, {
        solver,
        ...(maxSteps === undefined ? {} : { maxSteps }),
      }) as Solution<NDArray>,
    // The length of steps of a first-order method is in the units of the unknowns.
    units: name === "adam" ? [1] : allUnits,
  }));
}

/**
 * Whether what is minimised is flat to the last bit: slopes, or the value, are 0 or as good as that. To the numbers of
 * the dtype such a point is a minimum.
 */
function isFlat(s: Solution<NDArray>, dtype: DType): boolean {
  const tiny = dtype === "float32" ? 2 ** -126 : 2 ** -1022;
  return s.vanishes === "gradient" &&
    (s.gradientNorm!.item() === 0 || Math.abs(s.cost!.item()) <= tiny);
}

/** Whether it is a local solution, or one but for the rounding of terms that cancel. */
function isExcused(
  { local = [], rounding }: NoSolution,
  { value, cost, residualNorm, vanishes }: Solution<NDArray>,
  unit: number,
): boolean {
  const eps = value.dtype === "float32" ? 2 ** -23 : 2 ** -52;
  const x = [...value.dataSync()].map((v) => v / unit);
  if (local.some((at) => at.every((v, i) => Math.abs(v - x[i]!) < 1e-3))) return true;
  const size = vanishes === "gradient" ? cost! : residualNorm;
  return rounding !== undefined && Math.abs(size.item() / unit) <= rounding(x, eps);
}

function row(what: string, problems: readonly NoSolution[], methods: readonly Method[]): TruthRow {
  return {
    truth: `${what} that are claimed where there are none, ` +
      `${problems.length} problems by ${methods.map((m) => m.name).join(", ")}, in all units`,
    bar: "0",
    measure() {
      let tried = 0;
      const short: string[] = [];
      for (const problem of problems) {
        const { name, f, starts, units = allUnits } = problem;
        for (const dtype of ["float32", "float64"] as const) {
          for (const [i, method] of methods.entries()) {
            const scales = method.units.length > 1 ? units : method.units;
            for (const maxSteps of i === 0 ? [undefined, 10000] : [undefined]) {
              // The unit is an argument, so that one program serves all of them.
              const run = jit((x: NDArray, unit: NDArray) =>
                method.solve((x) => f(x.div(unit)).mul(unit), x, maxSteps)
              );
              for (const unit of maxSteps === undefined ? scales : [1]) {
                for (const start of starts) {
                  // Of zeros no unit can be known.
                  if (unit !== 1 && start.every((v) => v === 0)) continue;
                  tried++;
                  const s = run(
                    np.array(start.map((v) => v * unit), { dtype }),
                    np.array(unit, { dtype }),
                  );
                  if (!s.converged || isFlat(s, dtype) || isExcused(problem, s, unit)) continue;
                  const where = s.value.div(unit).toString();
                  short.push(`${name} from ${start}, ${dtype}, ${unit}: ${where}, ${s.message}`);
                }
              }
            }
          }
        }
      }
      return { found: `${short.length} of ${tried}`, met: short.length === 0, short };
    },
  };
}

/** The rows. */
export const noSolutionRows: readonly TruthRow[] = [
  row(
    "fixed points",
    noFixedPoint,
    methodsOf(fixedPoint as never, {
      anderson: anderson(),
      damped: damped(),
      aitken: aitken(),
      broyden: broyden(),
      newton: newton(),
    }),
  ),
  row(
    "roots",
    noRoot,
    methodsOf(rootFind as never, {
      levenbergMarquardt: levenbergMarquardt(),
      dogleg: dogleg(),
      newton: newton(),
      chord: chord(),
      broyden: dogleg({ jacobian: "broyden" }),
    }),
  ),
  row(
    "minima",
    noMinimum,
    methodsOf(minimise as never, {
      lbfgs: lbfgs(),
      bfgs: bfgs(),
      newtonCg: newtonCg(),
      nonlinearCg: nonlinearCg(),
      nelderMead: nelderMead(),
      adam: first(adam(0.1)),
    }),
  ),
  row(
    "fits",
    noFit,
    methodsOf(leastSquares as never, {
      levenbergMarquardt: levenbergMarquardt(),
      dogleg: dogleg(),
      gaussNewton: gaussNewton(),
      geodesic: levenbergMarquardt({ geodesic: true }),
    }),
  ),
];

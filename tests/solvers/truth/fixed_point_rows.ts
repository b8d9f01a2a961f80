/**
 * `fixedPoint` and its derivatives at fixed points that are known.
 *
 * @module
 */
import {
  type DType,
  fixedPoint,
  type FixedPointOptions,
  grad,
  jit,
  jvp,
  type NDArray,
  numpy as np,
} from "../../../mod.ts";
import { type KnownFixedPoint, knownFixedPoints } from "./fixed_points.ts";
import type { Measured, TruthRow } from "./row.ts";

/** The largest relative error, infinite where something is not finite. */
function error(got: NDArray, want: readonly number[]): number {
  const found = got.reshape([-1]).dataSync();
  const errors = want.map((w, i) => Math.abs(found[i]! / w - 1));
  return errors.every(Number.isFinite) ? Math.max(...errors) : Infinity;
}

const solved =
  ({ f, x0, read = (x) => x }: KnownFixedPoint, dtype: DType, options: FixedPointOptions = {}) =>
  (theta: NDArray) => {
    const start = np.array([...x0], { dtype });
    const solution = fixedPoint((x: NDArray) => f(theta, x), start, options);
    return { solution, known: read(solution.value) };
  };

/** Errors of all problems by a measure. */
function worst(most: number, measure: (p: KnownFixedPoint) => number): Measured {
  const errors = knownFixedPoints.map((p) => ({ p, error: measure(p) }));
  const short = errors.filter(({ error }) => !(error <= most));
  return {
    found: Math.max(...errors.map((e) => e.error)).toExponential(1),
    met: short.length === 0,
    short: short.map(({ p, error }) => `${p.name}: ${error.toExponential(1)}`),
  };
}

/** Derivatives in both modes, where the cotangent has a size. */
function slopes(p: KnownFixedPoint, dtype: DType, size: number): number {
  const theta = np.array(p.theta, { dtype });
  const known = (theta: NDArray): NDArray => solved(p, dtype)(theta).known.reshape([-1]);
  const [, forward] = jvp(jit(known), [theta], [np.array(1, { dtype })]);
  const backward = p.slope.map((_, i) =>
    jit(grad((theta: NDArray) => known(theta).at(i).mul(size)))(theta).item() / size
  );
  return Math.max(
    error(forward, p.slope),
    error(np.array(backward, { dtype: "float64" }), p.slope),
  );
}

/** Error of the value, infinite where it is not claimed. */
function values(p: KnownFixedPoint, dtype: DType, options: FixedPointOptions = {}): number {
  const { solution, known } = jit(solved(p, dtype, options))(np.array(p.theta, { dtype }));
  return solution.converged ? error(known, p.value) : Infinity;
}

const count = knownFixedPoints.length;

const of = (dtype: DType, most: number, derivatives: number): readonly TruthRow[] => [
  {
    truth: `values of ${count} known fixed points in ${dtype}, all claimed, after a Newton step`,
    bar: `relative error at most ${most}`,
    measure: () => worst(most, (p) => values(p, dtype, { polish: true })),
  },
  {
    truth: `their derivatives in both modes in ${dtype}`,
    bar: `relative error at most ${derivatives}`,
    measure: () => worst(derivatives, (p) => slopes(p, dtype, 1)),
  },
  {
    truth: `their derivatives with cotangents of 1e-30 in ${dtype}`,
    bar: `relative error at most ${derivatives}`,
    measure: () => worst(derivatives, (p) => slopes(p, dtype, 1e-30)),
  },
];

/** The rows. */
export const fixedPointRows: readonly TruthRow[] = [
  {
    truth: `values of ${count} known fixed points in float64, all claimed`,
    bar: "relative error at most 1e-12",
    measure: () => worst(1e-12, (p) => values(p, "float64")),
  },
  ...of("float64", 1e-12, 1e-10),
  {
    // At c = 0.99 what is left of the H-equation's residual in float32 is rounding, to Anderson's method.
    truth: `values of ${count} known fixed points in float32, all claimed`,
    bar: `relative error at most 1e-6 for ${count - 1} of them, and 1e-5 for the other`,
    measure() {
      const all = worst(1e-5, (p) => values(p, "float32"));
      const { short } = worst(1e-6, (p) => values(p, "float32"));
      return { ...all, met: all.met && short.length <= 1, short };
    },
  },
  ...of("float32", 1e-6, 1e-4),
];

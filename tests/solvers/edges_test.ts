/**
 * Starts that are solutions at 0, no unknowns at all, infinite brackets, solutions beyond all numbers, functions that are
 * not linear, and what a fit is told of its errors.
 */
import {
  anderson,
  bicgstab,
  bracketRoot,
  brent,
  cg,
  chandrupatla,
  cholesky,
  chord,
  curveFit,
  damped,
  dogleg,
  factorise,
  fixedPoint,
  gmres,
  jit,
  leastSquares,
  levenbergMarquardt,
  LinearOperator,
  linearSolve,
  lsmr,
  lu,
  minimise,
  minres,
  type NDArray,
  nelderMead,
  newton,
  numpy as np,
  qr,
  rootFind,
  svd,
  toms748,
} from "../../mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../support/assert.ts";

const f64 = (v: number | readonly number[]): NDArray =>
  np.array(v as number[], { dtype: "float64" });
const newtons = [levenbergMarquardt(), newton(), dogleg(), chord()];

Deno.test("a start where all unknowns are 0 and all equations hold is the solution", () => {
  const several = (x: NDArray): NDArray =>
    np.stack([x.at(0), np.sin(x.at(1)), np.exp(x.at(2)).sub(1)]);
  const equations: ((x: NDArray) => NDArray)[] = [
    several,
    (x) => x.mul(np.array([1e-30, 1, 1e30])),
    (x) => x.square(),
  ];
  for (const dtype of ["float32", "float64"] as const) {
    const x0 = np.zeros([3], { dtype });
    for (const equation of equations) {
      const f = (x: NDArray): NDArray => equation(x).astype(dtype);
      const solutions = [
        ...newtons.map((solver) => rootFind(f, x0, { solver })),
        fixedPoint((x) => x.sub(f(x)), x0, { solver: newton() }),
        leastSquares(f, x0),
      ];
      for (const s of solutions) {
        assertEquals([s.statusName, s.steps.item()], ["converged", 1], s.message);
      }
    }
  }
  // No slope, and no root.
  assert(!rootFind((x) => x.square().add(1), f64(0)).converged);
});

Deno.test("the mean of data about 0 is found from 0, and a maximum there is left", () => {
  for (const solver of [levenbergMarquardt(), dogleg()]) {
    const mean = leastSquares((m) => np.stack([m.sub(1), m.add(1)]), f64(0), { solver });
    assert(mean.converged, mean.message);
    assertClose(mean.value, f64(0), 1e-15);
    const both = leastSquares((x) => x.square().sub(1), f64(0), { solver });
    assert(both.converged, both.message);
    assertClose(np.abs(both.value), f64(1));
  }
  const data = { x: f64([0, 1, 2]), y: f64([0, 0, 0]) };
  const fit = curveFit(({ a, b }, x) => x.mul(a).add(b), data, { a: 0, b: 0 });
  assert(fit.converged, fit.message);
  assert(fit.report().includes("R squared undefined"), fit.report());
});

Deno.test("no unknowns are solved for at once", () => {
  const none = np.zeros([0]);
  const solutions = [
    fixedPoint((x) => x, none),
    fixedPoint((x) => x, none, { solver: damped() }),
    fixedPoint((x) => x, none, { solver: anderson() }),
    rootFind((x) => x, { a: none, b: none }),
    leastSquares(() => np.ones([3]), none),
    minimise((x) => x.sum().add(3), none),
    minimise((x) => x.sum(), none, { solver: nelderMead() }),
  ];
  for (const s of solutions) {
    assert(s.converged, s.message);
  }
});

Deno.test("an infinite end of a bracket is no point", () => {
  for (const solver of [chandrupatla(), toms748(), brent()]) {
    for (const expand of [false, true]) {
      const { statusName } = bracketRoot((x) => x.sub(5), [0, Infinity], { solver, expand });
      assertEquals(statusName, "nonfinite", `${solver.description}, expand ${expand}`);
    }
  }
});

Deno.test("a solution of a linear system that is beyond all numbers is not claimed", () => {
  const methods = [lu(), cholesky(), qr(), svd(), cg(), minres(), gmres(), bicgstab(), lsmr()];
  for (
    const [dtype, least, most] of [["float64", 1e-10, 1e300], ["float32", 1e-10, 1e35]] as const
  ) {
    const a = np.array([[4, 1], [1, 3]], { dtype });
    const b = np.array([1, 2], { dtype });
    for (const solver of methods) {
      const solve = (a: NDArray, b: NDArray) =>
        linearSolve(LinearOperator.matrix(a, { symmetric: true }), b, { solver });
      for (const f of [solve, jit(solve)]) {
        const { converged, message } = f(a.mul(least), b.mul(most));
        assert(!converged, message);
        assert(
          f(a, b.mul(most)).converged,
          `${solver.description}: a solution of this size is one`,
        );
      }
    }
  }
});

Deno.test("a function that is not 0 at 0 is no operator to iterations that look at it once", () => {
  const x = np.ones([3], { dtype: "float64" });
  const f = (v: NDArray): NDArray => v.mul(2).add(1);
  const affine = LinearOperator.of(f, x);
  for (
    const s of [
      linearSolve(f, x, { solver: lsmr() }),
      factorise(affine, { solver: gmres() }).solve(x),
    ]
  ) {
    assertEquals(s.statusName, "breakdown", s.message);
    assertMatch(s.message, /the function is not linear: at 0 it is off by a norm of 1.73/);
  }
  assert(linearSolve((v: NDArray) => v.mul(2), x, { solver: lsmr() }).converged);
});

Deno.test("the estimate of the error is no less than rounding, and known after a Newton step", () => {
  // By its contraction, rounding of the map's value is a hundred times as much of the solution.
  const slow = (x: NDArray): NDArray => x.mul(0.99).add(1 - 0.99);
  const exact = fixedPoint(slow, f64(0));
  assertEquals(exact.residualNorm.item(), 0);
  const [estimate, error] = [exact.errorEstimate!.item(), Math.abs(exact.value.item() - 1)];
  assert(error > 0 && estimate >= error && estimate < 10 * error, `${estimate} for ${error}`);
  assertEquals(fixedPoint((x) => x.mul(0.5), f64(0)).errorEstimate!.item(), 0);
  assertEquals(fixedPoint((x) => np.cos(x), f64(NaN)).errorEstimate!.item(), Infinity);
  // A start that meets the criterion half the way from the solution: nothing is known of its error, and all by a Newton step.
  const rates = f64([0.999, 0.5]);
  const two = (x: NDArray): NDArray => x.sub(1).mul(rates).add(1);
  const start = f64([0.5, 1]);
  assertEquals(fixedPoint(two, start, { rtol: 1e-3 }).errorEstimate!.item(), Infinity);
  const polished = fixedPoint(two, start, { rtol: 1e-3, polish: true });
  const after = np.linalg.norm(polished.value.sub(1)).item();
  const known = polished.errorEstimate!.item();
  assert(known >= after && known < 1e-11, `${known} for ${after}`);
});

const line = ({ a, b }: { a: NDArray; b: NDArray }, x: NDArray): NDArray => x.mul(a).add(b);

Deno.test("errors of the data are as precise as the data, and those of missing points do not matter", () => {
  const [x, y] = [f64([0, 1, 2, 3, 4]), f64([1, 2.9, 5.2, 6.8, 9.1])];
  const options = { absoluteSigma: true };
  const plain = curveFit(line, { x, y }, { a: 1, b: 0 }, { ...options, sigma: 0.1 });
  // sigma^2 / sum (x - mean)^2
  assertClose(plain.standardErrors.a, f64(0.1 / Math.sqrt(10)), 1e-12);

  const more = { x: f64([0, 1, 7, 2, 3, 4]), y: f64([1, 2.9, NaN, 5.2, 6.8, 9.1]) };
  for (const missed of [NaN, 0, -1, 1e9]) {
    const sigma = f64([0.1, 0.2, missed, 0.1, 0.2, 0.1]);
    const fit = curveFit(line, more, { a: 1, b: 0 }, { ...options, sigma, missing: "omit" });
    const known = { ...options, sigma: f64([0.1, 0.2, 0.1, 0.2, 0.1]) };
    const without = curveFit(line, { x, y }, { a: 1, b: 0 }, known);
    assertClose(fit.covariance, without.covariance, 1e-12);
    const [of, to] = [fit, without].map((f) => f.predict(f64([10])).prediction.upper);
    assertClose(of!, to!, 1e-12);
  }
  assertThrows(
    () =>
      curveFit(line, more, { a: 1, b: 0 }, { sigma: f64([1, NaN, 1, 1, 1, 1]), missing: "omit" }),
    RangeError,
    "sigma must be positive and finite, but has NaN",
  );
  assertThrows(
    () => curveFit(line, { x, y }, { a: 1, b: 0 }, { absoluteSigma: true }),
    TypeError,
    "there is no sigma",
  );
});

Deno.test("a fit leaves a bound where a parameter has no slope", () => {
  // Hyperbolas with asymptotes of two slopes: a test of SciPy's curve_fit. On the way c comes to 0, where c^2 is flat.
  type Parameters = Record<"s" | "t" | "x0" | "y0" | "c", NDArray>;
  const hyperbola = ({ s, t, x0, y0, c }: Parameters, x: NDArray): NDArray => {
    const root = np.sqrt(x.sub(x0).square().add(c.square().div(4)));
    return y0.add(t.sub(s).div(2).mul(x.sub(x0))).add(s.add(t).div(2).mul(root));
  };
  const wanted = { s: -2, t: 0.4, x0: -1, y0: -5, c: 9.5 };
  const x = f64([-32, -16, -8, 4, 4, 8, 16, 32]);
  const arrays = Object.fromEntries(Object.entries(wanted).map(([k, v]) => [k, f64(v)]));
  const fit = curveFit(
    hyperbola,
    { x, y: hyperbola(arrays as Parameters, x) },
    { s: -2.5 / 3, t: 4 / 3, x0: 1, y0: -4, c: 0.5 },
    {
      bounds: {
        lower: { s: -3, t: 0, x0: -2, y0: -10, c: 0 },
        upper: { s: 0, t: 3, x0: 3, y0: 0, c: 10 },
      },
    },
  );
  assert(fit.converged, fit.message);
  for (const [k, v] of Object.entries(wanted)) {
    assertClose(fit.value[k as keyof Parameters], f64(v), 1e-9, k);
  }
});

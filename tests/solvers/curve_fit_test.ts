/** `curveFit` against certified standard errors. */
import { curveFit, numpy as np, ShapeError } from "../../mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";

const f64 = (xs: readonly number[]): np.NDArray => np.array([...xs], { dtype: "float64" });

Deno.test("a line has the errors of the textbook, with sigma of both kinds and points left out", () => {
  const [x, y] = [[0, 1, 2, 3, 4], [1.1, 2.9, 5.2, 6.8, 9.1]];
  const line = ({ a, b }: { a: np.NDArray; b: np.NDArray }, x: np.NDArray) => x.mul(a).add(b);
  const start = { a: np.array(0, { dtype: "float64" }), b: np.array(0, { dtype: "float64" }) };
  const fit = curveFit(line, { x: f64(x), y: f64(y) }, start);
  const slope = 19.9 / 10;
  const chi = y.reduce((s, v, i) => s + (v - slope * x[i]! - (5.02 - 2 * slope)) ** 2, 0);
  assertAlmostEquals(fit.value.a.item(), slope, 1e-12);
  assertAlmostEquals(fit.standardErrors.a.item(), Math.sqrt(chi / 3 / 10), 1e-12);
  assertAlmostEquals(
    fit.predict(f64([2])).standardError.item(),
    Math.sqrt(chi / 3 / 5),
    1e-12,
  );
  const absolute = curveFit(line, { x: f64(x), y: f64(y) }, start, {
    sigma: 0.5,
    absoluteSigma: true,
  });
  assertAlmostEquals(absolute.standardErrors.a.item(), 0.5 / Math.sqrt(10), 1e-12);
  const holes = curveFit(line, { x: f64([...x, 9]), y: f64([...y, NaN]) }, start, {
    missing: "omit",
  });
  assertEquals(holes.degreesOfFreedom.item(), 3);
  assertAlmostEquals(holes.value.a.item(), slope, 1e-12);
  assertAlmostEquals(holes.standardErrors.a.item(), fit.standardErrors.a.item(), 1e-12);
  assert(fit.report().includes("±"), fit.report());
});

Deno.test("a parameter that the data do not determine has an infinite error", () => {
  const fit = curveFit(
    ({ a, b }, x) => x.mul(a.add(b)),
    { x: f64([1, 2, 3]), y: f64([2, 4.1, 5.9]) },
    { a: np.array(1, { dtype: "float64" }), b: np.array(0, { dtype: "float64" }) },
  );
  assertEquals(fit.standardErrors.a.item(), Infinity);
  assert(fit.report().includes("do not determine"), fit.report());
});

Deno.test("data that do not fit the model are refused", () => {
  const x = f64([1, 2, 3]);
  assertThrows(
    () => curveFit((p: np.NDArray, x) => x.mul(p), { x, y: f64([1, 2]) }, f64([1])),
    ShapeError,
    "y has",
  );
  assertThrows(
    () => curveFit((p: np.NDArray, x) => x.mul(p.sum()), { x, y: x }, f64([1, 2, 3, 4])),
    ShapeError,
    "3 points",
  );
});

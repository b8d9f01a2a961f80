/** `curveFit`: what it says of parameters and curves, against textbooks, mpmath and simulated data. */
import {
  CheckError,
  ConvergenceError,
  type CurveFit,
  curveFit,
  grad,
  jit,
  leastSquares,
  type NDArray,
  numpy as np,
  random,
  ShapeError,
  vmap,
} from "../../mod.ts";
import { studentQuantile } from "../../lib/solvers/curve_fit/errors.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";
import { regressions } from "./truth/nist.ts";

const f64 = (xs: readonly number[]): NDArray => np.array([...xs], { dtype: "float64" });
const one = (x: number): NDArray => np.array(x, { dtype: "float64" });

const [xs, ys] = [[0, 1, 2, 3, 4], [1.1, 2.9, 5.2, 6.8, 9.1]];
const data = { x: f64(xs), y: f64(ys) };
const line = ({ a, b }: { a: NDArray; b: NDArray }, x: NDArray) => x.mul(a).add(b);
const start = { a: one(0), b: one(0) };
// Least squares of the line by the textbook.
const slope = 1.99;
const chi = ys.reduce((s, v, i) => s + (v - slope * xs[i]! - (5.02 - 2 * slope)) ** 2, 0);

Deno.test("Student's quantiles are right to 11 digits, from Cauchy's to the normal distribution", () => {
  // Levels, degrees and quantiles by mpmath 1.3 at 40 digits: the t with betainc(v/2, 1/2, 0, v/(v+t^2)) = 1 - level.
  const known: readonly (readonly [number, number | null, number])[] = [
    [0.5, 1, 1.0],
    [0.5, 2, 0.816496580927726],
    [0.5, 3, 0.7648923284043453],
    [0.5, 7, 0.7111417780817864],
    [0.5, 30, 0.6827556933212926],
    [0.5, 1000, 0.6747351646070094],
    [0.5, null, 0.6744897501960817],
    [0.9, 1, 6.313751514675045],
    [0.9, 2, 2.919985580353726],
    [0.9, 3, 2.353363434801824],
    [0.9, 7, 1.8945786050900075],
    [0.9, 30, 1.697260886593958],
    [0.9, 1000, 1.6463788172854648],
    [0.9, null, 1.6448536269514729],
    [0.95, 1, 12.706204736174694],
    [0.95, 2, 4.302652729749462],
    [0.95, 3, 3.1824463052837086],
    [0.95, 7, 2.364624251592785],
    [0.95, 30, 2.0422724563012378],
    [0.95, 1000, 1.962339080826408],
    [0.95, null, 1.9599639845400538],
    [0.99, 1, 63.656741162871526],
    [0.99, 2, 9.92484320091829],
    [0.99, 3, 5.840909309733355],
    [0.99, 7, 3.4994832973504932],
    [0.99, 30, 2.749995653567225],
    [0.99, 1000, 2.5807546980659506],
    [0.99, null, 2.5758293035489004],
    [0.9999, 1, 6366.197671316637],
    [0.9999, 2, 99.99249984375004],
    [0.9999, 3, 28.000130010950006],
    [0.9999, 7, 7.884584262416739],
    [0.9999, 30, 4.482417175409786],
    [0.9999, 1000, 3.9063437367014084],
    [0.9999, null, 3.890591886413121],
  ];
  for (const [level, degrees, t] of known) {
    const v = degrees === null ? null : np.array(degrees, { dtype: "int32" });
    const found = studentQuantile(level, v).item();
    assert(Math.abs(found / t - 1) < 1e-11, `${level}, ${degrees}: ${found}, right ${t}`);
  }
});

Deno.test("a line has the errors and bands of the textbook, with sigma of both kinds and points left out", () => {
  const fit = curveFit(line, data, start);
  assertAlmostEquals(fit.value.a.item(), slope, 1e-12);
  assertAlmostEquals(fit.standardErrors.a.item(), Math.sqrt(chi / 3 / 10), 1e-12);
  const s = Math.sqrt(chi / 3);
  const t = 3.182446305283708; // 0.975 of Student's distribution with 3 degrees
  for (const x of [-1, 2, 3.5]) {
    const { y, standardError, confidence, prediction } = fit.predict(f64([x]));
    const spread = 1 / 5 + (x - 2) ** 2 / 10;
    assertAlmostEquals(standardError.item(), s * Math.sqrt(spread), 1e-12);
    assertAlmostEquals(confidence.lower.item(), y.item() - t * s * Math.sqrt(spread), 1e-10);
    assertAlmostEquals(prediction.upper.item(), y.item() + t * s * Math.sqrt(1 + spread), 1e-10);
  }
  const absolute = curveFit(line, data, start, { sigma: 0.5, absoluteSigma: true });
  assertAlmostEquals(absolute.standardErrors.a.item(), 0.5 / Math.sqrt(10), 1e-12);
  const { y, prediction } = absolute.predict(f64([2]), { level: 0.6826894921370859 });
  // One standard deviation of the normal distribution.
  assertAlmostEquals(prediction.upper.item() - y.item(), 0.5 * Math.sqrt(1.2), 1e-10);
  assertAlmostEquals(
    absolute.predict(f64([2]), { sigma: 2, level: 0.6826894921370859 }).prediction.upper.item(),
    y.item() + Math.sqrt(4 + 0.05),
    1e-10,
  );
  // Sigma that only compares: twice as large everywhere changes nothing.
  const relative = curveFit(line, data, start, { sigma: f64([2, 2, 2, 2, 2]) });
  assertAlmostEquals(relative.standardErrors.a.item(), fit.standardErrors.a.item(), 1e-12);
  assertAlmostEquals(
    relative.predict(f64([2])).prediction.upper.item(),
    fit.predict(f64([2])).prediction.upper.item(),
    1e-10,
  );
  const holes = curveFit(line, { x: f64([...xs, 9]), y: f64([...ys, NaN]) }, start, {
    missing: "omit",
  });
  assertEquals(holes.degreesOfFreedom.item(), 3);
  for (const name of ["a", "b"] as const) {
    assertAlmostEquals(holes.value[name].item(), fit.value[name].item(), 1e-12);
    assertAlmostEquals(holes.standardErrors[name].item(), fit.standardErrors[name].item(), 1e-12);
  }
  assertAlmostEquals(holes.rSquared.item(), fit.rSquared.item(), 1e-12);
  assertEquals(holes.notes, ["1 of 6 points left out: not finite"]);
  // A place that is missing, where the model is not defined either.
  const log = ({ a, b }: { a: NDArray; b: NDArray }, x: NDArray) => np.log(x).mul(a).add(b);
  const places = f64([1, 2, NaN, 4, 5]);
  const some = curveFit(log, { x: places, y: f64([1, 2, 3, 4, 5]) }, start, { missing: "omit" });
  const rest = curveFit(log, { x: f64([1, 2, 4, 5]), y: f64([1, 2, 4, 5]) }, start);
  assertAlmostEquals(some.value.a.item(), rest.value.a.item(), 1e-12);
  assertAlmostEquals(some.standardErrors.a.item(), rest.standardErrors.a.item(), 1e-12);
  assertThrows(
    () => curveFit(log, { x: places, y: f64([1, 2, 3, 4, 5]) }, start),
    RangeError,
    "x[2]",
  );
});

Deno.test("numbers to start with are as precise as the data", () => {
  const fit = curveFit(line, data, { a: 1, b: 1 });
  assertAlmostEquals(fit.value.a.item(), slope, 1e-13);
  const x = f64([1, 2, 3]);
  const { value } = leastSquares(({ a }) => x.mul(a).sub(f64([1, 2, 4])), { a: 1 });
  assertAlmostEquals(value.a.item(), 17 / 14, 1e-13);
  const single = leastSquares(({ a }) => np.array([1, 2]).mul(a).sub(1), { a: 1 });
  assertEquals([value.a.dtype, single.value.a.dtype], ["float64", "float32"]);
});

Deno.test("a fit that fails says so as every solution does", () => {
  const fit = curveFit(line, data, { a: NaN, b: 1 });
  assertEquals([fit.statusName, fit.status.item(), fit.converged], ["nonfinite", 2, false]);
  assertThrows(() => fit.orThrow(), ConvergenceError, fit.message);
  const failing = () => curveFit(line, data, { a: NaN, b: 1 }, { throw: true });
  assertThrows(failing, ConvergenceError, "curveFit by");
  assertThrows(() => jit(failing)(), CheckError, "curveFit with throw: true");
  assertEquals(curveFit(line, data, start).orThrow().converged, true);
});

Deno.test("measures of a fit are those of their definitions", () => {
  const fit = curveFit(line, data, start);
  const about = ys.reduce((s, y) => s + (y - 5.02) ** 2, 0);
  assertAlmostEquals(fit.chiSquare.item(), chi, 1e-12);
  assertAlmostEquals(fit.reducedChiSquare.item(), chi / 3, 1e-12);
  assertAlmostEquals(fit.rSquared.item(), 1 - chi / about, 1e-12);
  assertAlmostEquals(fit.aic.item(), 5 * Math.log(chi / 5) + 4, 1e-11);
  assertAlmostEquals(fit.bic.item(), 5 * Math.log(chi / 5) + 2 * Math.log(5), 1e-11);
  // Of a line, the means of x decide: -mean / root mean square.
  const [, r] = fit.correlations.dataSync();
  assertAlmostEquals(r!, -2 / Math.sqrt(6), 1e-12);
  assertEquals(fit.names, ["a", "b"]);
  const absolute = curveFit(line, data, start, { sigma: 0.5, absoluteSigma: true });
  assertAlmostEquals(absolute.aic.item(), chi / 0.25 + 4, 1e-11);
});

Deno.test("intervals hold as often as they say", () => {
  // 500 decays with noise of one size, each fitted; the truth and one new point of each.
  const [trials, level] = [500, 0.9];
  const x = np.arange(12, { dtype: "float64" }).mul(0.4);
  const truth = (t: NDArray): NDArray => np.exp(t.mul(-0.7)).mul(3);
  const noise = random.normal(random.key(3), [trials, 13], { dtype: "float64" }).mul(0.1);
  const at = one(1.7).reshape([1]);
  const held = jit(vmap((e: NDArray) => {
    const fit = curveFit(
      (p: NDArray, t: NDArray) => p.slice([0], [1]).mul(np.exp(p.slice([1], [2]).mul(t).neg())),
      { x, y: truth(x).add(e.slice([0], [12])) },
      f64([2, 1]),
    );
    const { confidence, prediction } = fit.predict(at, { level });
    const [curve, fresh] = [truth(at), truth(at).add(e.slice([12], [13]))];
    const inside = (v: NDArray, b: { lower: NDArray; upper: NDArray }) =>
      np.logicalAnd(v.greater(b.lower), v.less(b.upper)).astype("float64").sum();
    return np.stack([inside(curve, confidence), inside(fresh, prediction)]);
  }))(noise);
  const shares = held.mean(0).dataSync();
  // Three standard deviations of a share of 0.9 of 500 are 0.04.
  for (const share of shares) assert(Math.abs(share - level) < 0.04, `${shares}`);
});

Deno.test("fixed parameters stay, leave the covariance, and the rest is fitted as if they were constants", () => {
  const decay = (
    { a, rate: { b, c } }: { a: NDArray; rate: { b: NDArray; c: NDArray } },
    x: NDArray,
  ) => a.mul(np.exp(x.mul(b).neg())).add(c);
  const y = np.exp(data.x.mul(-0.5)).mul(2).add(0.1).add(f64([0.01, -0.02, 0.01, 0.02, -0.01]));
  const from = { a: one(1), rate: { b: one(1), c: one(0.1) } };
  const fit = curveFit(decay, { x: data.x, y }, from, { fixed: ["rate.c"] });
  const plain = curveFit(
    ({ a, b }, x) => a.mul(np.exp(x.mul(b).neg())).add(0.1),
    { x: data.x, y },
    { a: one(1), b: one(1) },
  );
  assertEquals(fit.value.rate.c.item(), 0.1);
  assertEquals(fit.names, ["a", "rate.b"]);
  assertEquals(fit.covariance.shape, [2, 2]);
  assertAlmostEquals(fit.value.rate.b.item(), plain.value.b.item(), 1e-10);
  assertAlmostEquals(fit.standardErrors.rate.b.item(), plain.standardErrors.b.item(), 1e-10);
  assertEquals(fit.standardErrors.rate.c.item(), 0);
  assertEquals(fit.degreesOfFreedom.item(), 3);
  assertAlmostEquals(
    fit.predict(f64([1.5])).confidence.upper.item(),
    plain.predict(f64([1.5])).confidence.upper.item(),
    1e-10,
  );
  // A part of the tree by its name, and bounds of all parameters beside it.
  const both = curveFit(decay, { x: data.x, y }, from, {
    fixed: [".rate"],
    bounds: { lower: { a: 0, rate: { b: 0, c: 0 } }, upper: 1.5 },
  });
  assertEquals([both.value.rate.b.item(), both.names.length], [1, 1]);
  // The fit has a derivative with respect to what was fixed.
  const at = (c: NDArray): NDArray =>
    curveFit(decay, { x: data.x, y }, { ...from, rate: { b: one(1), c } }, { fixed: ["rate.c"] })
      .value.rate.b;
  const h = 1e-5;
  const difference = (at(one(0.1 + h)).item() - at(one(0.1 - h)).item()) / (2 * h);
  assertAlmostEquals(grad(at)(one(0.1)).item(), difference, 1e-7);
  const fitWith = (fixed: never) => curveFit(decay, { x: data.x, y }, from, { fixed });
  assertThrows(() => fitWith(["d"] as never), RangeError, "There are a, rate.b, rate.c");
  assertThrows(() => fitWith(["a", "rate"] as never), RangeError, "leave one free");
  assertThrows(() => fitWith("a" as never), TypeError, "list of names");
});

Deno.test("notes say what is not to be believed", () => {
  const told = (fit: { notes: readonly string[] }, ...parts: string[]): void => {
    assertEquals(fit.notes.length, parts.length, fit.notes.join("; "));
    parts.forEach((part, i) => assert(fit.notes[i]!.includes(part), fit.notes[i]));
  };
  told(curveFit(line, data, start));
  told(
    curveFit(line, data, start, { bounds: { upper: { a: 1.5, b: 10 } } }),
    "a at its upper bound, 1.5",
  );
  const tied = curveFit(
    ({ a, b, c }, x) => x.mul(a.add(c)).add(b),
    data,
    { a: one(1), b: one(0), c: one(0) },
  );
  told(tied, "a and c not identifiable");
  assertEquals(tied.standardErrors.a.item(), Infinity);
  assertAlmostEquals(tied.standardErrors.b.item(), Math.sqrt(chi / 2 * 6 / 10), 1e-10);
  // At its bound one of them counts as known, or not, by the rounding of its slope.
  const resting = curveFit(
    ({ a, b, c }, x) => x.mul(a.add(c)).add(b),
    data,
    { a: one(1), b: one(0), c: one(0) },
    { bounds: { upper: { a: 0.5, b: 10, c: 10 } } },
  );
  assert(resting.converged, resting.message);
  told(resting, "a at its upper bound, 0.5", "a and c not identifiable");
  // The curve is known, though two parameters are not.
  assertAlmostEquals(
    tied.predict(f64([2])).standardError.item(),
    Math.sqrt(chi / 2 / 5),
    1e-10,
  );
  told(
    curveFit(({ a, b }, x) => x.mul(a).add(b.mul(0)), data, start),
    "b not identifiable: the data do not determine it",
  );
  told(
    curveFit(line, { x: f64([1000, 1001, 1002]), y: f64([1, 2.1, 2.9]) }, start),
    "a and b have correlation -1.00000",
  );
  const exact = curveFit(line, { x: f64([0, 1]), y: f64([1, 2]) }, start);
  told(exact, "2 points for 2 parameters");
  assertEquals(exact.standardErrors.a.item(), Infinity);
  told(curveFit(line, data, start, { maxSteps: 1 }), "ended as maxSteps");
});

Deno.test("a report has the parameters, their errors, the measures and the notes", () => {
  const p = regressions.find((r) => r.name === "Misra1a")!;
  const model = ({ b1, b2 }: { b1: NDArray; b2: NDArray }, x: NDArray): NDArray =>
    p.model(np.concatenate([b1.reshape([1]), b2.reshape([1])]), x);
  const fit = curveFit(model, { x: f64(p.x), y: f64(p.y) }, { b1: one(250), b2: one(5e-4) });
  const report = fit.report();
  for (
    const part of [
      "curveFit by Levenberg-Marquardt: converged",
      "b1      238.9421 ± 2.71  (1.1 %)",
      "correlation of b1 and b2: -0.999",
      "14 points, 12 degrees of freedom",
      "chi-square 0.12455",
      "AIC -62",
    ]
  ) assert(report.includes(part), `${part} in ${report}`);
  const fixed = curveFit(line, data, start, { fixed: ["b"] }).report();
  assert(fixed.includes("b       0.000000 (fixed)"), fixed);
});

Deno.test("a plot has all points, the curve and both bands, and no text that is markup", () => {
  const fit = curveFit(line, data, start);
  const svg = fit.plot({ title: "a < b & <script>", xLabel: "t / s" });
  assertEquals(svg.match(/<circle/g)?.length, 5);
  assertEquals([svg.match(/<polygon/g)?.length, svg.match(/<polyline/g)?.length], [2, 1]);
  assert(svg.includes("a &lt; b &amp; &lt;script&gt;") && !svg.includes("<script"), svg);
  assert(!/NaN|Infinity|undefined/.test(svg), svg);
  // All elements are closed.
  const open: string[] = [];
  for (const [, close, name, alone] of svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)) {
    if (close === "/") assertEquals(open.pop(), name);
    else if (alone !== "/") open.push(name!);
  }
  assertEquals(open, []);
  const two = np.array([[1, 2, 3], [4, 5, 6.5]], { dtype: "float64" });
  const flat = curveFit((a: NDArray, x) => x.mul(a), { x: two, y: two }, one(1));
  assertThrows(() => flat.plot(), TypeError, "[2,3]");
  assertThrows(() => fit.plot({ width: 3 }), RangeError, "120 pixels");
  assertThrows(() => fit.plot({ legend: true } as never), TypeError, "legend");
});

Deno.test("a fit leaves a compiled function whole, and predicts inside of one", () => {
  const solve = (y: NDArray) => curveFit(line, { x: data.x, y }, start);
  const [eager, compiled] = [solve(data.y), jit(solve)(data.y)] as CurveFit<typeof start>[];
  const told = (fit: CurveFit<typeof start>) => fit.report().split("\n").slice(1);
  assertEquals(told(compiled!), told(eager!));
  const upper = jit((y: NDArray) => solve(y).predict(f64([2])).confidence.upper)(data.y);
  assertAlmostEquals(upper.item(), eager!.predict(f64([2])).confidence.upper.item(), 1e-12);
  const lanes = vmap(solve)(np.stack([data.y, data.y.mul(2)]));
  assertEquals(lanes.correlations.shape, [2, 2, 2]);
  assertAlmostEquals(
    lanes.standardErrors.a.dataSync()[1]!,
    2 * eager!.standardErrors.a.item(),
    1e-11,
  );
  assert(lanes.report().includes("2 lanes"), lanes.report());
});

Deno.test("data that do not fit the model are refused", () => {
  const x = f64([1, 2, 3]);
  const scale = (p: NDArray, x: NDArray): NDArray => x.mul(p);
  assertThrows(() => curveFit(scale, { x, y: f64([1, 2]) }, one(1)), ShapeError, "y has");
  assertThrows(
    () => curveFit((p: NDArray, x) => x.mul(p.sum()), { x, y: x }, f64([1, 2, 3, 4])),
    ShapeError,
    "3 points",
  );
  assertThrows(
    () => curveFit(scale as never, x as never, x as never, one(1) as never),
    TypeError,
    "write curveFit(model, { x, y }, params)",
  );
  const fit = (y: NDArray, options: object) => curveFit(scale, { x, y }, one(1), options);
  assertThrows(() => fit(f64([1, NaN, 3]), {}), RangeError, "y[1] is NaN");
  assertThrows(() => fit(f64([NaN, Infinity, NaN]), { missing: "omit" }), ShapeError, "0 points");
  assertThrows(() => fit(x, { missing: "keep" }), RangeError, '"omit"');
  assertThrows(() => fit(x, { sigma: f64([1, 0, 1]) }), RangeError, "has 0");
  assertThrows(() => fit(x, { sigma: f64([1, 2]) }), ShapeError, "sigma has shape [2]");
  assertThrows(() => fit(x, { weights: x }), TypeError, "weights");
  assertThrows(() => fit(x, {}).predict(x, { level: 95 }), RangeError, "0.95");
  assertThrows(
    () => curveFit(scale, { x: [1, 2] as never, y: x }, one(1)),
    TypeError,
    "{ x, y } of arrays",
  );
  assertThrows(
    () => fit(x, { bounds: { lower: 2, upper: 1 } }),
    RangeError,
    "above the upper bound",
  );
});

Deno.test("data far from 0 are fitted as far as their rounding goes", () => {
  const y = ys.map((v) => v + 1e9);
  const far = curveFit(line, { x: data.x, y: f64(y) }, start);
  assertEquals(far.statusName, "converged", far.message);
  assertAlmostEquals(far.value.a.item(), slope, 1e-6);
  assertAlmostEquals(far.standardErrors.a.item(), Math.sqrt(chi / 3 / 10), 1e-6);
});

Deno.test("errors, correlations and criteria are in range where their squares are not", () => {
  const f32 = (xs: readonly number[]): NDArray => np.array([...xs], { dtype: "float32" });
  const at = (unit: number) =>
    curveFit(line, { x: f32(xs), y: f32(ys.map((v) => v * unit)) }, { a: 0, b: 0 });
  const plain = at(1);
  assertEquals(plain.notes, []);
  for (const unit of [1e-30, 1e30]) {
    const fit = at(unit);
    const { standardErrors: { a }, correlations, rSquared, aic } = fit;
    assertAlmostEquals(a.item() / unit, Math.sqrt(chi / 3 / 10), 1e-5);
    assertAlmostEquals(correlations.dataSync()[1]!, -2 / Math.sqrt(6), 1e-5);
    assertAlmostEquals(rSquared.item(), plain.rSquared.item(), 1e-5);
    assertAlmostEquals(aic.item(), plain.aic.item() + 10 * Math.log(unit), 1e-3);
    const [near, own] = [plain, fit].map((f) => f.predict(f32([3])));
    assertAlmostEquals(own!.standardError.item() / unit, near!.standardError.item(), 1e-5);
    const half = ({ y, prediction }: typeof own & object) => prediction.upper.item() - y.item();
    assertAlmostEquals(half(own!) / unit, half(near!), 1e-4);
    assertEquals(fit.notes.length, 1);
    assert(fit.notes[0]!.includes("out of the range of float32"), fit.notes[0]);
  }
});

Deno.test("where points are too few nothing is said of their scatter, and bands are infinite", () => {
  const two = curveFit(line, { x: f64([0, 1]), y: f64([1, 2]) }, start);
  assert(Number.isNaN(two.reducedChiSquare.item()));
  const { y, standardError, confidence, prediction } = two.predict(f64([3]));
  assertAlmostEquals(y.item(), 4, 1e-12);
  assertEquals(standardError.item(), Infinity);
  assertEquals([confidence.lower.item(), prediction.upper.item()], [-Infinity, Infinity]);
  // Which are missing is not known before the program runs.
  const some = jit((y: NDArray) => curveFit(line, { x: data.x, y }, start, { missing: "omit" }));
  const one = some(f64([1, NaN, NaN, NaN, NaN]));
  assert(Number.isNaN(one.reducedChiSquare.item()));
  assert(one.notes.at(-1)!.includes("1 point for 2 parameters: they do not determine them"));
});

Deno.test("with a loss errors are those of the fits that it makes, outliers or not", () => {
  const [trials, points] = [400, 24];
  const x = np.arange(points, { dtype: "float64" }).mul(0.25);
  const noise = random.normal(random.key(8), [trials, points], { dtype: "float64" });
  // Each eighth point has ten times the error, or none has; and some are left out, which changes nothing.
  const outliers = f64(Array.from({ length: points }, (_, i) => i % 8 === 3 ? 10 : 1));
  for (const loss of ["huber", "cauchy"] as const) {
    const options = { loss, lossScale: 0.15, missing: "omit" } as const;
    const fits = jit(vmap((e: NDArray, sizes: NDArray) => {
      const y = x.mul(2).add(1).add(e.mul(sizes).mul(0.1));
      const { value, standardErrors } = curveFit(line, { x, y }, { a: 1, b: 0 }, options);
      return [value.a, standardErrors.a] as const;
    }, { inAxes: [0, null] }));
    for (const sizes of [np.ones([points], { dtype: "float64" }), outliers]) {
      const [a, error] = fits(noise, sizes);
      const [spread, told] = [a.std().item(), error.mean().item()];
      // A standard deviation of 400 is known to 4 %.
      assert(
        Math.abs(told / spread - 1) < 0.15,
        `${loss}: ${told}, where values scatter by ${spread}`,
      );
    }
    const y = [...ys, NaN, NaN, NaN];
    const [some, all] = [
      curveFit(line, { x: f64([...xs, 5, 6, 7]), y: f64(y) }, start, options),
      curveFit(line, data, start, options),
    ];
    assertAlmostEquals(some.standardErrors.a.item(), all.standardErrors.a.item(), 1e-9);
  }
});

Deno.test("years, and seconds since 1970, are fitted: what rounding leaves is nothing beside the errors", () => {
  const ts = Array.from({ length: 60 }, (_, i) => i);
  const ys = ts.map((t) => 2 + 0.5 * t + 0.1 * Math.sin(7 * t * t));
  const mean = ts.reduce((s, t) => s + t) / 60;
  const known = ts.reduce((s, t, i) => s + (t - mean) * ys[i]!, 0) /
    ts.reduce((s, t) => s + (t - mean) ** 2, 0);
  for (const offset of [2000, 1e6, 1.7e9]) {
    const data = { x: f64(ts.map((t) => t + offset)), y: f64(ys) };
    for (const from of [0, 1]) {
      const fit = curveFit(line, data, { a: one(from), b: one(from) }, { throw: false });
      assert(fit.converged, fit.message);
      const off = Math.abs(fit.value.a.item() - known) / fit.standardErrors.a.item();
      assert(off < 1e-3, `from ${from}, offset ${offset}: off by ${off} standard errors`);
    }
  }
});

/** `leastSquares` against certified solutions, and its honesty about failure. */
import {
  ConvergenceError,
  dogleg,
  DTypeError,
  gaussNewton,
  grad,
  jit,
  leastSquares,
  levenbergMarquardt,
  type NDArray,
  numpy as np,
  rootFind,
  ShapeError,
  type Solution,
  unrolled,
  vmap,
} from "../../mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";
import { digits, regressions, residualsOf } from "./truth/nist.ts";

const f64 = (xs: readonly number[]): np.NDArray => np.array([...xs], { dtype: "float64" });

Deno.test("units of unknowns and residuals change neither status nor the number of steps", () => {
  for (const name of ["Misra1a", "Chwirut2", "Rat43", "Kirby2"]) {
    const p = regressions.find((q) => q.name === name)!;
    const f = residualsOf(p, "float64");
    // Powers of 2, so that rounding is the same.
    const solve = (unit: number, weight: number) =>
      leastSquares(
        (b: np.NDArray) => f(b.div(unit)).mul(weight),
        f64(p.starts[0]!.map((b) => b * unit)),
      );
    const plain = solve(1, 1);
    for (const [unit, weight] of [[2 ** -40, 1], [2 ** 20, 1], [1, 2 ** -40], [1, 2 ** 20]]) {
      const other = solve(unit!, weight!);
      assertEquals(other.statusName, plain.statusName, name);
      assertEquals(other.steps.item(), plain.steps.item(), `${name} ${unit} ${weight}`);
    }
  }
});

Deno.test("a solution has the derivative of the implicit function theorem, in both modes", () => {
  const x = f64([0, 1, 2, 3, 4]);
  const y = f64([2.1, 1.2, 0.8, 0.4, 0.3]);
  const rate = (y: np.NDArray): np.NDArray =>
    leastSquares(
      ({ a, b }) => a.mul(np.exp(b.mul(x).neg())).sub(y),
      { a: f64([1]), b: f64([1]) },
    ).value.b.sum();
  const slope = grad(rate)(y);
  const h = 1e-5;
  for (let i = 0; i < 5; i++) {
    const bump = f64([0, 0, 0, 0, 0].map((_, j) => j === i ? h : 0));
    const difference = (rate(y.add(bump)).item() - rate(y.sub(bump)).item()) / (2 * h);
    assertAlmostEquals(slope.dataSync()[i]!, difference, 1e-8);
  }
  const compiled = jit(grad(rate))(y);
  slope.dataSync().forEach((s, i) => assertAlmostEquals(compiled.dataSync()[i]!, s, 1e-10));
});

Deno.test("nothing is evaluated outside of the bounds, and an unknown may end at one", () => {
  const seen: number[] = [];
  const residuals = (x: np.NDArray): np.NDArray => {
    const [a, b] = [x.slice([0], [1]), x.slice([1], [2])];
    // log is undefined outside, so that a look beyond the bounds would show.
    return np.concatenate([
      b.sub(a.square()).mul(10),
      a.sub(1),
      np.log(np.array(0.5).sub(a)).mul(0),
    ]);
  };
  const fit = leastSquares(residuals, f64([-1.2, 1]), {
    bounds: { lower: f64([-2, -1]), upper: f64([0.25, 2]) },
    history: true,
  });
  seen.push(...[...fit.history!.dataSync()].slice(0, fit.steps.item()));
  assert(seen.every(Number.isFinite));
  assertEquals(fit.statusName, "converged");
  assertAlmostEquals(fit.value.dataSync()[0]!, 0.25, 1e-12);
  assertAlmostEquals(fit.value.dataSync()[1]!, 0.0625, 1e-9);
});

Deno.test("the derivative with respect to a bound is that of the solution that rests on it", () => {
  const at = (upper: np.NDArray): np.NDArray =>
    leastSquares(
      (x) => np.concatenate([x.slice([0], [1]).sub(3), x.sum().reshape([1]).sub(4)]),
      f64([0, 0]),
      {
        bounds: { lower: -10, upper: np.concatenate([upper.reshape([1]), f64([10])]) },
      },
    ).value.slice([1], [2]).sum();
  assertAlmostEquals(at(f64([2]).sum()).item(), 2, 1e-10);
  assertAlmostEquals(grad(at)(f64([2]).sum()).item(), -1, 1e-9);
});

Deno.test("losses bound the weight of outliers", () => {
  const x = f64([0, 1, 2, 3, 4, 5, 6, 7]);
  const y = f64([1, 3, 5, 7, 9, 11, 13, 90]); // 2 x + 1, and an outlier
  const fit = (loss: "squares" | "huber" | "softL1" | "cauchy" | "arctan") =>
    leastSquares(
      ({ a, b }) => x.mul(a).add(b).sub(y),
      { a: np.array(1.5, { dtype: "float64" }), b: np.array(0, { dtype: "float64" }) },
      { loss, lossScale: 0.1 },
    );
  // What is 75 too high at x = 7 moves the slope of the line by 75 * 3.5 / 42.
  assertAlmostEquals(fit("squares").value.a.item(), 8.25, 1e-9);
  // Slopes by SciPy 1.17.1, whose own gradient was below 1e-9.
  const slopes = {
    huber: 2.0142857142857142,
    softL1: 2.015948561247734,
    cauchy: 2.000019047615938,
    arctan: 2.0000000000338303,
  };
  // What a residual pulls with: the derivative of its loss.
  const pulls = {
    huber: (u: number) => Math.max(-1, Math.min(1, u)),
    softL1: (u: number) => u / Math.sqrt(1 + u * u),
    cauchy: (u: number) => u / (1 + u * u),
    arctan: (u: number) => u / (1 + u ** 4),
  };
  for (const loss of ["huber", "softL1", "cauchy", "arctan"] as const) {
    const { value, statusName } = fit(loss);
    assertEquals(statusName, "converged", loss);
    const [a, b] = [value.a.item(), value.b.item()];
    const pull = [...x.dataSync()].map((t, i) => pulls[loss]((a * t + b - y.dataSync()[i]!) / 0.1));
    assertAlmostEquals(pull.reduce((s, p) => s + p, 0), 0, 1e-9, loss);
    assertAlmostEquals(pull.reduce((s, p, i) => s + p * i, 0), 0, 1e-8, loss);
    assertAlmostEquals(a, slopes[loss], 1e-8, loss);
  }
  assertThrows(() => fit("absolute" as never), RangeError, '"huber"');
});

Deno.test("lanes are those of a batch where another lane fails", () => {
  const solve = vmap((y: np.NDArray) => {
    const x = f64([0, 1, 2, 3]);
    const { value, status } = leastSquares(
      (b: np.NDArray) => b.slice([0], [1]).mul(np.exp(b.slice([1], [2]).mul(x).neg())).sub(y),
      f64([1, 1]),
    );
    return { value, status };
  });
  const healthy = [[2, 1.2, 0.8, 0.4], [3, 1.1, 0.5, 0.1]];
  const whole = solve(np.array([healthy[0]!, healthy[1]!], { dtype: "float64" }));
  const sick = solve(np.array([healthy[0]!, [NaN, 1, 1, 1]], { dtype: "float64" }));
  assertEquals(sick.value.dataSync().slice(0, 2), whole.value.dataSync().slice(0, 2));
  assertEquals([...whole.status.dataSync()], [0, 0]);
  assertEquals(sick.status.dataSync()[1], 2);
});

Deno.test("a trial where nothing is defined is a shorter step", () => {
  const fit = leastSquares((x: np.NDArray) => np.log(x).sub(-6), f64([0.5]));
  assertEquals(fit.statusName, "converged");
  assertAlmostEquals(fit.value.item(), Math.exp(-6), 1e-12);
});

Deno.test("what cannot be solved is refused or said", () => {
  const line = (x: np.NDArray): np.NDArray => x.sub(1);
  assertThrows(() => leastSquares(line, np.array([1], { dtype: "int32" })), DTypeError);
  assertThrows(() => leastSquares(line, f64([1]), { tol: 1 } as never), TypeError, "tol");
  assertThrows(
    () => leastSquares(line, f64([1]), { bounds: { lower: 2, upper: 1 } }),
    RangeError,
    "lower bound 2 is above the upper bound 1",
  );
  assertThrows(
    () => leastSquares(line, f64([1]), { bounds: { lower: f64([1, 2]) } }),
    ShapeError,
  );
  const undefinedStart = leastSquares((x: np.NDArray) => np.log(x), f64([-1]));
  assertEquals(undefinedStart.statusName, "nonfinite");
  assert(Number.isNaN(undefinedStart.value.item()));
  assertThrows(
    () => leastSquares((x: np.NDArray) => np.exp(x.neg()), f64([0]), { maxSteps: 3, throw: true }),
    ConvergenceError,
    "maxSteps",
  );
});

Deno.test("hasAux gives what the residuals give beside themselves, at the solution, with derivatives", () => {
  const solve = (y: np.NDArray) =>
    leastSquares((m) => [y.sub(m), { total: m.mul(3), y }], f64([0]).sum(), { hasAux: true });
  const y = f64([1, 2, 4]);
  for (const fit of [solve(y), jit(solve)(y)]) {
    assertAlmostEquals(fit.aux.total.item(), 7, 1e-12);
    assertEquals([...fit.aux.y.dataSync()], [1, 2, 4]);
  }
  const slopes = grad((y: np.NDArray) => solve(y).aux.total)(y).dataSync();
  slopes.forEach((s) => assertAlmostEquals(s, 1, 1e-10));
  assertThrows(
    () => leastSquares((m: np.NDArray) => m as never, f64([0]), { hasAux: true }),
    TypeError,
    "[r, aux]",
  );
});

Deno.test("a start at a maximum or a saddle of the sum of squares is left for a minimum", () => {
  const time = np.linspace(0, 3, 20).astype("float64");
  const two = ([a, b]: readonly NDArray[]): NDArray =>
    np.exp(time.mul(a!).neg()).add(np.exp(time.mul(b!).neg()));
  const data = two([np.array(1, { dtype: "float64" }), np.array(3, { dtype: "float64" })]);
  type Solved = Solution<NDArray[]>;
  const problems: Record<string, readonly [(x: NDArray[]) => NDArray, number[], number[]]> = {
    "x^3 + 10": [([x]) => x!.pow(3).add(10), [0], [-Math.cbrt(10)]],
    "y - 1, x and 10 - x^2": [
      ([x, y]) => np.stack([y!.sub(1), x!, np.subtract(10, x!.square())]),
      [0, 3],
      [Math.sqrt(9.5), 1],
    ],
    // Equal rates stay equal by all steps that the linear model has.
    "two exponentials": [(x) => two(x).sub(data), [1.5, 1.5], [1, 3]],
  };
  for (const solver of [levenbergMarquardt(), dogleg(), gaussNewton()]) {
    for (const [name, [f, start, end]] of Object.entries(problems)) {
      const solve = jit((x: NDArray[]): Solved => leastSquares(f, x, { solver }) as Solved);
      const s = solve(start.map((x) => np.array(x, { dtype: "float64" })));
      const found = s.value.map((x) => Math.abs(x.item()));
      const near = found.every((x, i) => Math.abs(x - Math.abs(end[i]!)) < 1e-6);
      assert(s.converged && near, `${name}: ${found}, ${s.message}`);
    }
    // Where there is no minimum, none is claimed; where all points are alike, any is one.
    const bell = leastSquares((x) => np.divide(1, x.square().add(1)), np.array(0), { solver });
    assert(!bell.converged, bell.message);
    assert(leastSquares((x) => x.mul(0).add(1), np.array(0), { solver }).converged);
  }
});

Deno.test("a saddle at 0, to which steps come from any distance along its line of symmetry, is none", () => {
  // Least at (1, 1) and (-1, -1); the sum of squares falls to both from 0.
  const f = (x: np.NDArray) => {
    const [a, b] = [x.at(0), x.at(1)];
    return np.stack([a.mul(b).sub(1), a.sub(b)]);
  };
  for (const dtype of ["float64", "float32"] as const) {
    for (const solver of [levenbergMarquardt(), dogleg(), gaussNewton()]) {
      const solve = jit((x: np.NDArray) => {
        const { value, status } = leastSquares(f, x, { solver });
        return { value, status };
      });
      for (const [a, b] of [[1, -1], [2, -2], [1e-3, -1e-3], [1e-8, 1e-8], [0, 0]]) {
        const { value, status } = solve(np.array([a!, b!], { dtype }));
        const what = `${solver.description}, ${dtype}, from ${a}, ${b}: ${value}`;
        assertEquals(status.item(), 0, what);
        assert(Math.abs(Math.abs(value.at(0).item()) - 1) < 1e-3, what);
      }
    }
  }
});

Deno.test("what rounding keeps from being claimed is claimed where less is asked for, as the message says", () => {
  for (const name of ["Hahn1", "Lanczos3", "MGH10"]) {
    const problem = regressions.find((p) => p.name === name)!;
    const residuals = residualsOf(problem, "float32");
    const start = np.array([...problem.starts[1]!], { dtype: "float32" });
    const fit = (rtol?: number) => jit((x: NDArray) => leastSquares(residuals, x, { rtol }))(start);
    const own = fit();
    assert(own.converged || own.message.includes("loosen rtol"), own.message);
    const loose = fit(1e-3);
    assertEquals(loose.statusName, "converged", `${name}: ${loose.message}`);
    assert(digits(loose.value.dataSync(), problem.certified) > 2.5, `${name}: ${loose.value}`);
  }
});

Deno.test("minima where residuals bend and do not slope are claimed", () => {
  const problems: Readonly<Record<string, readonly [(x: NDArray) => NDArray, number]>> = {
    "x^2 + 1": [(x) => x.square().add(1), 0],
    "the root of x^2 + 1e-6": [(x) => x.square().add(1e-6).sqrt(), 0],
    "cosh x": [(x) => np.cosh(x), 0],
    "(x - 1)^2 + 1 and (x - 1)^2": [
      (x) => np.stack([1, 0].map((c) => x.sub(1).square().add(c))),
      1,
    ],
  };
  for (const [name, [f, least]] of Object.entries(problems)) {
    for (const solver of [levenbergMarquardt(), dogleg()]) {
      for (const dtype of ["float64", "float32"] as const) {
        const solve = jit((x: NDArray) => leastSquares(f, x, { solver }));
        for (const x of [0.3, -5, 20]) {
          const s = solve(np.array(x, { dtype }));
          const near = Math.abs(s.value.item() - least) < (dtype === "float64" ? 1e-6 : 1e-3);
          assert(s.converged && near, `${name} from ${x}, ${dtype}: ${s.value}, ${s.message}`);
        }
      }
    }
  }
});

Deno.test("points where slopes are not defined are a shorter step, and at the start there is no way from them", () => {
  const edges: Readonly<Record<string, readonly [(x: NDArray) => NDArray, number, number]>> = {
    "the root of x": [(x) => x.sqrt().sub(1e-3), 1, 1e-6],
    "a power of x": [(x) => np.pow(x, 0.3).sub(0.01), 1, 0.01 ** (1 / 0.3)],
    "the root of 1 - x": [(x) => np.subtract(1, x).sqrt().sub(0.01), 0, 1 - 1e-4],
  };
  for (const [name, [f, start, root]] of Object.entries(edges)) {
    for (const solver of [levenbergMarquardt(), dogleg()]) {
      const x = np.array(start, { dtype: "float64" });
      for (const s of [rootFind(f, x, { solver }), leastSquares(f, x, { solver })]) {
        assert(s.converged && Math.abs(s.value.item() / root - 1) < 1e-9, `${name}: ${s.message}`);
      }
    }
  }
  // The value is 0, the slope 0 / 0.
  const steep = leastSquares((x) => np.divide(1, np.exp(x).add(1)).sub(0.5), f64([1e3]));
  assertEquals(steep.statusName, "nonfinite");
  assert(steep.message.includes("or its slope") && Number.isNaN(steep.value.item()), steep.message);
});

Deno.test("the cost has the derivatives that the least sum has, of first and second order, with a loss too", () => {
  const float64 = (x: number | number[]): NDArray => np.array(x, { dtype: "float64" });
  const [t, data] = [float64([0, 1, 2, 3]), float64([1, 2.5, 3.1, 9])];
  for (const options of [{}, { loss: "cauchy" as const }, { adjoint: unrolled() }]) {
    const cost = jit((p: NDArray): NDArray =>
      leastSquares(
        (x) => np.exp(x.at(0).mul(t)).mul(x.at(1)).sub(data.mul(p)),
        float64([0.3, 1]),
        options,
      ).cost!
    );
    const differences = (f: (p: NDArray) => NDArray): number =>
      (f(float64(1.2 + 1e-5)).item() - f(float64(1.2 - 1e-5)).item()) / 2e-5;
    const slope = jit(grad(cost));
    const name = JSON.stringify(options);
    assertAlmostEquals(slope(float64(1.2)).item(), differences(cost), 1e-8, name);
    if ("adjoint" in options) continue;
    assertAlmostEquals(jit(grad(slope))(float64(1.2)).item(), differences(slope), 1e-7, name);
  }
});

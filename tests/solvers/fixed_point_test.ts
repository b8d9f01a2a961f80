/** `fixedPoint` against known solutions and derivatives, and its honesty about failure. */
import {
  anderson,
  CheckError,
  ConcretizationError,
  ConvergenceError,
  damped,
  type DType,
  DTypeError,
  fixedPoint,
  grad,
  hessian,
  implicit,
  jit,
  jvp,
  type NDArray,
  numpy as np,
  oneStep,
  rootFind,
  type Stepper,
  TreeError,
  vmap,
} from "../../mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";
import { arr } from "../support/arrays.ts";

// 30-digit values and implicit derivatives, computed with mpmath at 50 digits.
const problems: {
  name: string;
  f: (x: NDArray, theta: NDArray) => NDArray;
  theta: number;
  x0: number;
  value: number;
  slope: number;
}[] = [
  {
    name: "Dottie",
    f: (x, t) => np.cos(x.mul(t)),
    theta: 1,
    x0: 1,
    value: 0.739085133215160641655312087674,
    slope: -0.297474341509832260557940985694,
  },
  {
    name: "omega",
    f: (x, t) => np.exp(x.mul(t).neg()),
    theta: 1,
    x0: 1,
    value: 0.56714329040978387299996866221,
    slope: -0.20524703377489465152237604773,
  },
  {
    name: "Kepler, e = 0.9",
    f: (x, t) => np.sin(x).mul(0.9).add(t),
    theta: 1,
    x0: 1,
    value: 1.86208668687453225493331956745,
    slope: 0.794615924244102019674474780808,
  },
  {
    name: "implicit Euler",
    f: (x, t) => np.tanh(x).mul(0.1).add(t),
    theta: 1,
    x0: 1,
    value: 1.07929370305447935535099510865,
    slope: 1.03855649995741471909313371686,
  },
  {
    name: "square root by Newton's map",
    f: (x, t) => x.add(t.div(x)).div(2),
    theta: 2,
    x0: 1,
    value: 1.41421356237309504880168872421,
    slope: 0.353553390593273762200422181052,
  },
];

for (const { name, f, theta, x0, value, slope } of problems) {
  for (const solver of [anderson(), damped()]) {
    Deno.test(`fixedPoint() solves ${name} by ${solver.description}, with its derivative`, () => {
      const solve = (t: NDArray) => fixedPoint((x) => f(x, t), arr(x0), { solver });
      const s = solve(arr(theta));
      assertEquals(s.statusName, "converged", s.message);
      assertAlmostEquals(s.value.item(), value, 2e-11);
      const g = grad((t: NDArray) => solve(t).value);
      assertAlmostEquals(g(arr(theta)).item(), slope, 1e-10);
      const [, dot] = jvp((t: NDArray) => solve(t).value, [arr(theta)], [arr(1)]);
      assertAlmostEquals(dot.item(), slope, 1e-10);
      const compiled = jit(g)(arr(theta));
      assertAlmostEquals(compiled.item(), slope, 1e-10);
    });
  }
}

Deno.test("fixedPoint() differentiates twice", () => {
  const root = (t: NDArray) => fixedPoint((x) => np.cos(x.mul(t)), arr(1)).value;
  const h = 1e-4;
  const slope = (t: number) => grad(root)(arr(t)).item();
  const second = (slope(1 + h) - slope(1 - h)) / (2 * h);
  assertAlmostEquals(hessian(root)(arr(1)).item(), second, 1e-7);
});

Deno.test("fixedPoint() works on trees, under vmap and jit, in float32", () => {
  const solve = (t: NDArray) =>
    fixedPoint(({ a, b }) => ({ a: np.cos(b.at(0)).mul(t), b: np.stack([a, np.sin(a)]) }), {
      a: 1,
      b: np.zeros([2]),
    }).value;
  const ts = np.array([0.5, 0.8, 1]);
  const all = jit(vmap(solve))(ts);
  ts.dataSync().forEach((t, i) => {
    const one = solve(np.array(t));
    assertAlmostEquals(all.a.dataSync()[i]!, one.a.item(), 2e-5);
    assertAlmostEquals(all.b.dataSync()[2 * i + 1]!, one.b.dataSync()[1]!, 2e-5);
  });
});

Deno.test("Anderson acceleration solves what plain iteration cannot", () => {
  // Cournot competition of five firms: the best responses overshoot by a factor of two.
  const best = (q: NDArray) => q.sum().sub(q).neg().add(90).div(2);
  const x0 = arr([1, 2, 3, 4, 5]);
  const plain = fixedPoint(best, x0, { solver: damped() });
  assertEquals(plain.converged, false);
  const fast = fixedPoint(best, x0);
  assertEquals(fast.statusName, "converged", fast.message);
  fast.value.dataSync().forEach((q) => assertAlmostEquals(q, 15, 1e-9));
});

Deno.test("Anderson acceleration does no harm where plain iteration converges", () => {
  // Plain iteration takes 12 to 132 steps here. Differences of few unknowns soon depend on each other;
  // what is left of them when they do misleads.
  const total: [number, number] = [0, 0];
  for (const dtype of ["float32", "float64"] as const) {
    for (const t of [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]) {
      const f = ({ a, b }: { a: NDArray; b: NDArray }) => ({
        a: np.cos(b.at(0)).mul(t),
        b: np.stack([a, np.sin(a)]),
      });
      const x0 = { a: np.array(1, { dtype }), b: np.zeros([2], { dtype }) };
      const plain = fixedPoint(f, x0, { solver: damped(), maxSteps: 1000 });
      assertEquals(plain.statusName, "converged", plain.message);
      const fast = fixedPoint(f, x0);
      assertEquals(fast.statusName, "converged", fast.message);
      const [steps, without] = [fast.steps.item(), plain.steps.item()];
      assert(steps <= 1.25 * without, `${dtype}, t ${t}: ${steps} evaluations, ${without} without`);
      total[0] += steps;
      total[1] += without;
    }
  }
  assert(total[0] < total[1] / 2, `${total[0]} evaluations in all, ${total[1]} without`);
});

Deno.test("Anderson acceleration ends on linear maps of few unknowns that expand in all directions", () => {
  const matrix = arr([3, 1, 0, -2, 4, 1, 0, 1, -5]).reshape([3, 3]);
  const target = arr([1, -2, 3]);
  const s = fixedPoint((x) => np.matmul(matrix, x.sub(target)).add(target), np.zerosLike(target));
  assertEquals(s.statusName, "converged", s.message);
  assert(s.steps.item() <= 10, s.message);
  for (const [i, v] of target.dataSync().entries()) {
    assertAlmostEquals(s.value.dataSync()[i]!, v, 1e-9);
  }
});

// Weights from the linear congruential generator s <- 1664525 s + 1013904223 mod 2^32, seed 12345.
function benchmark(): { w: NDArray; x: NDArray } {
  const n = 64;
  let s = 12345;
  const next = (): number => {
    s = (Math.imul(1664525, s) + 1013904223) >>> 0;
    return s / 2 ** 32 - 0.5;
  };
  const w = Array.from({ length: n }, () => Array.from({ length: n }, next));
  return { w: arr(w.flat()).reshape([n, n]), x: arr(Array.from({ length: n }, () => 2 * next())) };
}

// Evaluations that regularised Anderson acceleration with memory 5 takes to a relative residual of
// 1e-8, and the sum of the solution; ours may take 10% more.
const accelerated = [
  { rho: 0.9, symmetric: false, linear: false, evaluations: 17, sum: 2.908799556445225 },
  { rho: 2, symmetric: false, linear: false, evaluations: 44, sum: 4.382195031395771 },
  { rho: 0.99, symmetric: true, linear: false, evaluations: 26, sum: null },
  { rho: 0.9, symmetric: true, linear: true, evaluations: 59, sum: null },
  { rho: 0.99, symmetric: true, linear: true, evaluations: 265, sum: null },
  { rho: 0.999, symmetric: true, linear: true, evaluations: 1418, sum: null },
];

for (const { rho, symmetric, linear, evaluations, sum } of accelerated) {
  const name = `${symmetric ? "symmetric " : ""}${linear ? "linear" : "tanh"} map, norm ${rho}`;
  Deno.test(`Anderson acceleration needs few evaluations: ${name}`, () => {
    const { w, x } = benchmark();
    // Spectral norm of the matrix, and spectral radius of its symmetric part.
    const scale = symmetric ? rho / 3.006394760135543 : rho / 4.522911865310671;
    const matrix = (symmetric ? w.add(w.T).div(2) : w).mul(scale);
    const f = (z: NDArray) => {
      const y = np.matmul(matrix, z).add(x);
      return linear ? y : np.tanh(y);
    };
    const s = fixedPoint(f, np.zeros([64], { dtype: "float64" }), {
      rtol: 1e-8,
      atol: 0,
      maxSteps: 2000,
    });
    assertEquals(s.statusName, "converged", s.message);
    assert(
      s.steps.item() <= Math.ceil(1.1 * evaluations),
      `${s.steps.item()} evaluations, expected at most 1.1 x ${evaluations}`,
    );
    if (sum !== null) assertAlmostEquals(s.value.sum().item(), sum, 1e-6);
    const error = f(s.value).sub(s.value).square().sum().sqrt().item();
    assert(error <= 1.0001e-8 * s.value.square().sum().sqrt().item(), `residual ${error}`);
  });
}

Deno.test("the iterative adjoint agrees with the dense one, whatever the size of the cotangent", () => {
  const { w, x } = benchmark();
  const matrix = w.mul(0.9 / 4.522911865310671);
  const loss = (linearSolver: "dense" | "iterative", size: number) => (x: NDArray) => {
    const { value } = fixedPoint((z) => np.tanh(np.matmul(matrix, z).add(x)), np.zerosLike(x), {
      adjoint: implicit({ linearSolver }),
    });
    return value.square().sum().mul(size);
  };
  const dense = grad(loss("dense", 1))(x).dataSync();
  for (const size of [1, 1e-13]) {
    const iterative = grad(loss("iterative", size))(x).dataSync();
    for (const [i, g] of iterative.entries()) assertAlmostEquals(g / size, dense[i]!, 1e-9);
  }
});

Deno.test("oneStep() differentiates through one evaluation", () => {
  const f = (t: NDArray) =>
    fixedPoint((x) => np.cos(x.mul(t)), arr(1), { adjoint: oneStep() }).value;
  const x = 0.7390851332151606;
  assertAlmostEquals(grad(f)(arr(1)).item(), -Math.sin(x) * x, 1e-10);
});

Deno.test("a solve that does not converge says so, with numbers", () => {
  const s = fixedPoint((x) => x.mul(2).add(1), arr(1), { solver: damped(), maxSteps: 7 });
  assertEquals([s.statusName, s.steps.item(), s.converged], ["maxSteps", 7, false]);
  assert(s.message.includes("7 evaluations"), s.message);
  assert(s.residualNorm.item() > 0);
  const none = fixedPoint((x) => x, arr(1), { maxSteps: 0 });
  assertEquals(none.statusName, "maxSteps");
  assertThrows(
    () => fixedPoint((x) => x.add(1), arr(1), { maxSteps: 3, throw: true }),
    ConvergenceError,
    "not converged",
  );
});

Deno.test("values that are not finite end a solve as such", () => {
  const s = fixedPoint((x) => np.exp(x.mul(x)).mul(3), arr(2), { solver: damped() });
  assertEquals(s.statusName, "nonfinite", s.message);
  assert(Number.isFinite(s.value.item()));
  const nan = fixedPoint((x) => np.sqrt(x.sub(10)), arr(1));
  assertEquals(nan.statusName, "nonfinite");
});

Deno.test("minimumTolerances are those with which the solve would have converged", () => {
  const f = (x: NDArray) => np.cos(x);
  const s = fixedPoint(f, arr(1), { solver: damped(), maxSteps: 10 });
  assertEquals(s.statusName, "maxSteps");
  const rtol = s.minimumTolerances.rtol.item() * (1 + 1e-12);
  const again = fixedPoint(f, arr(1), { solver: damped(), maxSteps: 10, rtol, atol: 0 });
  assertEquals(again.statusName, "converged");
});

Deno.test("history holds the residual norms", () => {
  const s = fixedPoint((x) => x.div(2), arr(1), { solver: damped(), maxSteps: 40, history: true });
  const h = s.history!.dataSync();
  assertEquals([h[0], h[1], h[2]], [0.5, 0.25, 0.125]);
  assertEquals(h.filter((r) => !Number.isNaN(r)).length, s.steps.item());
});

Deno.test("fixedPoint() explains wrong arguments", () => {
  assertThrows(
    () => fixedPoint((x) => x.sum(), arr([1, 2])),
    TreeError,
    "float64[2] and float64[] differ",
  );
  assertThrows(
    () => fixedPoint((x) => x, np.array([1, 2], { dtype: "int32" })),
    DTypeError,
    "int32[2]",
  );
  assertThrows(() => fixedPoint((x) => x, arr(1), { rtol: -1 }), RangeError, "rtol");
  assertThrows(() => anderson({ memory: -1 }), RangeError, "memory");
  assertThrows(() => damped({ damping: 1 }), RangeError, "damping");
  assertThrows(
    () =>
      jit((x: NDArray) => fixedPoint((y) => y.cos(), x, { throw: true, maxSteps: 2 }).value)(
        arr(1),
      ),
    CheckError,
    "fixedPoint with throw: true did not converge",
  );
});

Deno.test("success is claimed only where the criterion holds, at every scale", () => {
  const claims = (
    dtype: DType,
    scale: number,
    rate: number,
    rtol: number,
    solver: Stepper<unknown>,
  ) => {
    const x0 = np.array([scale, scale / 2], { dtype });
    const f = (x: NDArray) => x.mul(rate).add(x0);
    const s = fixedPoint(f, x0, { solver, rtol, atol: 0, maxSteps: 300 });
    if (s.converged) {
      // In units of the scale, so that nothing overflows here.
      const [r, x, r0, f0] = [f(s.value).sub(s.value), s.value, f(x0).sub(x0), f(x0)].map((v) =>
        Math.hypot(...[...v.dataSync()].map((e) => e / scale))
      );
      const slack = 1 + 64 * (dtype === "float32" ? 2 ** -23 : 2 ** -52);
      const beside = Math.max(x!, Math.min(r0!, f0!));
      assert(r! <= rtol * beside * slack, `${dtype} ${scale} ${rate}: ${s.message}, in truth ${r}`);
    }
    return s;
  };
  for (const solver of [damped(), anderson()]) {
    for (const rate of [0.5, 1, 1.5, -1, -3]) {
      for (const rtol of [1e-1, 1e-5]) {
        for (const scale of [1, 1e-30, 1e-19, 1e19, 1e25]) {
          claims("float32", scale, rate, rtol, solver);
        }
        for (const scale of [1e-200, 1e150, 1e200]) claims("float64", scale, rate, rtol, solver);
      }
    }
  }
  // What can be solved is solved.
  for (
    const [dtype, scale] of [["float32", 1e-25], ["float32", 1e30], ["float64", 1e-200]] as const
  ) {
    const s = claims(dtype, scale, 0.5, 1e-5, damped());
    assertEquals(s.statusName, "converged", `${scale}: ${s.message}`);
    assert(Math.abs(s.value.dataSync()[0]! / (2 * scale) - 1) < 1e-4);
  }
});

Deno.test("the point returned is the one that met the criterion", () => {
  // The residual is always 1; only the growing point would make that small enough.
  const f = (x: NDArray): NDArray => x.add(1);
  const options = { solver: damped(), rtol: 1e-2, maxSteps: 1000 };
  assertEquals(fixedPoint(f, arr([1]), options).converged, false);
  const s = fixedPoint(f, arr([1]), { ...options, atol: 1, minSteps: 100 });
  assertEquals([s.statusName, s.value.item()], ["converged", 100]);
  assertEquals([s.residualNorm.item(), s.valueNorm.item()], [1, 100]);
});

Deno.test("the adjoint is right at every scale, dense or iterative", () => {
  const f = (scale: number, n: number) => (b: NDArray) =>
    fixedPoint((z) => z.mul(0.5).add(b.mul(scale)), np.zeros([n])).value.at(0);
  for (const n of [4, 100]) {
    for (const [scale, b] of [[1e-25, 1], [1e25, 1e-25], [1, 1]] as const) {
      const [, dot] = jvp(f(scale, n), [np.array(b)], [np.array(1)]);
      assert(Math.abs(dot.item() / (2 * scale) - 1) < 1e-4, `n ${n}, scale ${scale}: ${dot}`);
      const slope = grad(f(scale, n))(np.array(b)).item();
      assert(Math.abs(slope / (2 * scale) - 1) < 1e-4, `n ${n}, scale ${scale}: ${slope}`);
    }
  }
});

Deno.test("a solution that was mapped speaks of its lanes", () => {
  const s = vmap((a: NDArray) =>
    fixedPoint((z) => z.mul(a).add(1), np.array(1), { solver: damped(), maxSteps: 50 })
  )(np.array([0.1, 0.5, 2]));
  assertEquals([...s.status.dataSync()], [0, 0, 4]);
  assertEquals([s.statusName, s.converged], ["diverged", false]);
  assert(s.message.includes("of 3 lanes, converged in 2, diverged in 1"), s.message);
  assert(String(s).includes("at most 25 evaluations"), String(s));
});

Deno.test("what a solution cannot know yet is an error, not false", () => {
  jit((x: NDArray) => {
    const s = fixedPoint((z) => np.cos(z.mul(x)), np.array(1));
    assertThrows(() => s.converged, ConcretizationError, "jit");
    assertThrows(() => s.statusName, ConcretizationError, "jit");
    assert(s.message.includes("while the function is being traced"), s.message);
    return s.value;
  })(np.array(1));
});

Deno.test("what is no option of a solver is named, with what to write", () => {
  const solve = (options: unknown) => () => fixedPoint((x) => x.cos(), 1, options as never);
  const cases: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [{ adjoint: implicit }, TypeError, "adjoint must be implicit(), oneStep()"],
    [{ adjoint: "implicit" }, TypeError, 'unrolled() or checkpointed(), not the string "implicit"'],
    [{ solver: anderson }, TypeError, "solver must be anderson(), damped() or another Stepper"],
    [{ transforms: {} }, TypeError, "transforms must be a dictionary of transforms"],
    [null, TypeError, "the options are an object, not null"],
    [
      { rtol: "1e-3" },
      RangeError,
      "rtol must be a finite number that is not negative, not the string",
    ],
    [{ rtol: Infinity }, RangeError, "rtol must be a finite number"],
    [{ atol: NaN }, RangeError, "atol must be a finite number"],
    [{ maxSteps: 1e10 }, RangeError, "maxSteps must be a non-negative integer below 2^31"],
    [{ maxSteps: 2.5 }, RangeError, "maxSteps must be a non-negative integer"],
  ];
  for (const [options, type, text] of cases) assertThrows(solve(options), type, text);
  assertThrows(() => implicit({ rtol: NaN }), RangeError, "implicit: rtol");
  assertThrows(() => implicit({ maxSteps: -3 }), RangeError, "implicit: maxSteps");
  assertThrows(() => implicit({ memory: 1.5 }), RangeError, "implicit: memory");
  assertThrows(() => anderson({ memory: -1 }), RangeError, "anderson: memory");
});

Deno.test("failures say what failed: the start, the budget, or a function that left the numbers", () => {
  const message = (f: (x: NDArray) => NDArray, x0: number, maxSteps: number) =>
    fixedPoint(f, arr(x0), { solver: damped(), maxSteps }).message;
  assert(message((x) => x.cos(), NaN, 9).includes("the start, or the function's value there"));
  assert(message((x) => x.cos(), 1, 0).includes("not tried, since maxSteps is 0"));
  assert(
    message((x) => x.square().add(1), 3, 99).includes(
      "infinite or undefined values, nearer to the best point too",
    ),
  );
});

Deno.test("tolerances go by the least precise leaf; a stepper of one's own will do", () => {
  type Pair = { a: NDArray; b: NDArray };
  const cosines = ({ a, b }: Pair): Pair => ({ a: np.cos(a), b: np.cos(b) });
  const x0 = { a: np.array(1), b: arr(1) };
  const own: Stepper<{ readonly calls: NDArray }> = {
    description: "half steps",
    init: () => ({ calls: np.array(0) }),
    step: (x, r, { calls }) => [x.add(r.mul(0.5)), { calls: calls.add(1) }],
  };
  for (const solver of [damped(), own]) {
    const s = fixedPoint(cosines, x0, { solver });
    assertEquals(s.statusName, "converged", s.message);
    assertAlmostEquals(s.value.a.item(), 0.739085, 1e-5);
  }
});

Deno.test("a solution of very many lanes can be read", () => {
  const s = vmap((a: NDArray) => fixedPoint((z) => z.mul(0).add(a), np.array(1)))(
    np.zeros([200_000]),
  );
  assertEquals([s.converged, s.statusName], [true, "converged"]);
  assert(s.message.includes("of 200000 lanes, converged in 200000"), s.message);
  const none = vmap((a: NDArray) => fixedPoint((z) => z.mul(0).add(a), np.array(1)))(np.zeros([0]));
  assertEquals([none.converged, none.status.shape], [true, [0]]);
  assert(none.message.includes("there are no lanes"), none.message);
});

Deno.test("a Newton step takes a solution to rounding, is counted, and claims nothing", () => {
  const f64 = { dtype: "float64" } as const;
  const f = (x: NDArray): NDArray => x.mul(0.999).add(np.sin(x).mul(1e-9)).add(1);
  const x0 = np.zeros([1], f64);
  const options = { solver: damped(), maxSteps: 20_000, rtol: 1e-6 };
  const [plain, polished] = [false, true].map((polish) =>
    fixedPoint(f, x0, { ...options, polish })
  );
  const root = rootFind((x: NDArray) => f(x).sub(x), np.array([1000], f64)).value.item();
  const error = (s: { value: NDArray }): number => Math.abs(s.value.item() / root - 1);
  assert(error(plain!) > 1e-5, `${error(plain!)}`);
  assert(error(polished!) < 1e-8, `${error(polished!)}`);
  assertEquals(polished!.steps.item(), plain!.steps.item());
  assertEquals(polished!.evaluations.f.item(), plain!.evaluations.f.item() + 1);
  assertEquals(polished!.evaluations.jacobian.item(), 1);
  // What was not solved is left as it is, and so is what a step would make worse.
  const failed = { maxSteps: 4, solver: damped() };
  for (const polish of [false, true]) {
    const s = fixedPoint(f, x0, { ...failed, polish });
    assertEquals([s.statusName, s.evaluations.f.item()], ["maxSteps", 4]);
  }
  const kink = (x: NDArray): NDArray =>
    np.where(x.greater(1e-9), x.mul(0.5), x.mul(0.5).add(1e-10));
  const kept = fixedPoint(kink, np.ones([1], f64), { solver: damped(), rtol: 1e-9, polish: true });
  assert(kept.converged && kept.residualNorm.item() <= 1e-9);
});

Deno.test("without a tolerance, steps are added where the error is estimated to be large for it", () => {
  const f = (x: NDArray): NDArray => x.mul(0.99).add(np.cos(x).mul(0.005)).add(1);
  const solve = (polish?: boolean) =>
    fixedPoint(f, np.zeros([2], { dtype: "float64" }), polish === undefined ? {} : { polish });
  const [own, none] = [solve(), solve(false)];
  assert(own.converged && none.converged);
  assert(own.steps.item() - none.steps.item() <= 2);
  assert(own.errorEstimate!.item() <= none.errorEstimate!.item());
  const given = fixedPoint(f, np.zeros([2], { dtype: "float64" }), { rtol: 1e-3 });
  assert(given.steps.item() < none.steps.item(), "a tolerance that is given is kept to");
});

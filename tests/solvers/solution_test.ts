/** What a solution says, how it raises, and how the next solve profits from it. */
import {
  anderson,
  CheckError,
  ConvergenceError,
  damped,
  fixedPoint,
  jit,
  leastSquares,
  levenbergMarquardt,
  linalg,
  loadBackend,
  type NDArray,
  numpy as np,
  ready,
  rootFind,
  type Stepper,
  treeLeaves,
  vmap,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

await loadBackend("onnx");

const number = (x: number): NDArray => np.array(x, { dtype: "float64" });

Deno.test("throw: true raises out of compiled and mapped code, with numbers", () => {
  const solve = (a: NDArray): NDArray =>
    fixedPoint((x) => np.cos(x.mul(a)), number(1), { throw: true, maxSteps: 5 }).value;
  const good = number(0.01);
  const ways = [
    jit(solve),
    jit(solve, { backend: "onnx" }),
    jit(solve, { backend: "interpreter" }),
  ];
  for (const run of ways) {
    assert(Math.abs(run(good).item() - 0.99995) < 1e-6);
    const error = assertThrows(() => run(number(1)).item(), CheckError, "maxSteps") as CheckError;
    assert(error.message.includes("ended with status 1 after 5 steps"), error.message);
  }
  const lanes = np.array([0.01, 1, 0.02], { dtype: "float64" });
  const error = assertThrows(
    () => vmap(solve)(lanes),
    CheckError,
    "did not converge",
  ) as CheckError;
  assertEquals(error.lane, [1]);
  assertThrows(() => solve(number(1)), ConvergenceError, "not converged after the 5 evaluations");
});

Deno.test("orThrow() is the solution, or says how the solve ended", async () => {
  const solve = jit((a: NDArray) =>
    fixedPoint((x) => np.cos(x.mul(a)), number(1), { maxSteps: 5 })
  );
  const good = await ready(solve(number(0.01)));
  assertEquals(good.orThrow(), good);
  const bad = await ready(solve(number(1)));
  assertThrows(() => bad.orThrow(), ConvergenceError, "fixedPoint by");
});

Deno.test("report() gives the numbers, and counts what was evaluated", () => {
  const s = fixedPoint((x) => np.cos(x), number(1), { solver: damped() });
  assertEquals(s.evaluations.f.item(), s.steps.item());
  assertEquals([s.evaluations.jacobian.item(), s.evaluations.products.item()], [0, 0]);
  for (const part of ["converged after", "evaluations", "residual norm", "error estimate"]) {
    assert(s.report().includes(part), s.report());
  }
  assertEquals([s.cost, s.gradientNorm, s.memory], [null, null, null]);
});

Deno.test("the error estimate is near the error, where the residual is far from it", () => {
  // The residual is 0.01 of the error.
  const s = fixedPoint((x) => x.mul(0.99).add(0.01), number(0), { solver: damped(), rtol: 1e-5 });
  const short = fixedPoint((x) => x.mul(0.99).add(0.01), number(0), {
    solver: damped(),
    maxSteps: 100,
  });
  for (const { value, errorEstimate, residualNorm } of [s, short]) {
    const error = Math.abs(1 - value.item());
    assert(Math.abs(errorEstimate!.item() / error - 1) < 1e-6, `${errorEstimate} for ${error}`);
    assert(residualNorm.item() < 0.011 * error);
  }
});

Deno.test("a warm start takes up the memory of an earlier solve", () => {
  const n = 6;
  const slopes = np.linspace(-0.9, 0.97, n).astype("float64");
  const target = np.cos(np.arange(n).astype("float64"));
  const f = (c: number) => (x: NDArray): NDArray =>
    x.mul(slopes).add(target.mul(c)).add(np.sin(x).mul(0.01));
  const solver = anderson({ memory: 6 });
  const first = fixedPoint(f(1), np.zerosLike(target), { solver, keepMemory: true, polish: false });
  assertEquals(first.statusName, "converged", first.message);
  const plain = fixedPoint(f(1), np.zerosLike(target), { solver });
  assertThrows(
    () => fixedPoint(f(1), first.value, { solver, warmStart: plain }),
    TypeError,
    "keepMemory: true",
  );
  assert(treeLeaves(first.memory).length > 0);
  // Up to the criterion, for a comparison of how they got there.
  const cold = fixedPoint(f(1.01), first.value, { solver, polish: false });
  const warm = fixedPoint(f(1.01), first.value, { solver, polish: false, warmStart: first });
  assertEquals([cold.statusName, warm.statusName], ["converged", "converged"]);
  assert(
    warm.steps.item() < cold.steps.item(),
    `${warm.steps} evaluations after a warm start, ${cold.steps} after a cold one`,
  );
});

Deno.test("fits and roots go on with what an earlier one has learnt, and say where they cannot", () => {
  const t = np.linspace(0, 3, 20).astype("float64");
  const data = (k: number) => np.exp(t.mul(-k)).mul(2).add(np.sin(t.mul(9)).mul(0.01));
  const residuals = (k: number) => ({ a, b }: { a: NDArray; b: NDArray }) =>
    np.exp(t.mul(b).neg()).mul(a).sub(data(k));
  const system = (c: number) => (x: NDArray) =>
    np.exp(x.mul(0.3)).sub(x.mul(np.arange(1, 5).astype("float64"))).sub(c);
  const start = { a: number(1), b: number(1) };
  const from = np.zeros([4], { dtype: "float64" });
  for (const jacobian of ["exact", "chord", "broyden"] as const) {
    const solver = levenbergMarquardt({ jacobian });
    const fit = jit(() => leastSquares(residuals(0.7), start, { solver, keepMemory: true }))();
    const root = jit(() => rootFind(system(1), from, { solver, keepMemory: true }))();
    const next = (warm: boolean) => [
      leastSquares(residuals(0.701), fit.value, { solver, ...(warm ? { warmStart: fit } : {}) }),
      rootFind(system(1.001), root.value, { solver, ...(warm ? { warmStart: root } : {}) }),
    ];
    const [warm, cold] = [next(true), next(false)];
    warm.forEach((w, i) => {
      const c = cold[i]!;
      assertEquals([w.statusName, c.statusName], ["converged", "converged"], w.message);
      const [a, b] = [w, c].map((s) =>
        treeLeaves(s.value).map((x) => [...(x as NDArray).dataSync()]).flat()
      );
      a!.forEach((v, k) => assert(Math.abs(v / b![k]! - 1) < 1e-9, `${v} ${b![k]}`));
      const jacobians = (s: typeof w): number => s.evaluations.jacobian.item();
      const most = jacobian === "exact" ? jacobians(c) : jacobians(c) - 1;
      assert(jacobians(w) <= most, `${jacobian}: ${jacobians(w)}, ${jacobians(c)}`);
    });
  }
  const kept = leastSquares(residuals(0.7), start, { keepMemory: true });
  const other = { a: np.zeros([2], { dtype: "float64" }), b: number(1) };
  assertThrows(
    () =>
      leastSquares(({ a, b }) => np.exp(t.mul(b).neg()).mul(a.sum()).sub(1), other, {
        warmStart: kept,
      }),
    TypeError,
    "as many unknowns",
  );
  assertThrows(
    () => leastSquares(residuals(0.7), start, { warmStart: kept.value as never }),
    TypeError,
    "keepMemory: true",
  );
});

Deno.test("a method may have a criterion, ask for Jacobians, and count what it did", () => {
  // Newton's method for x - f(x) = 0, which ends where its step is small.
  const newton: Stepper<{ readonly step: NDArray; readonly jacobians: NDArray }> = {
    description: "Newton's method",
    init: (x) => ({ step: x.mul(0).sum().add(1), jacobians: np.array(0, { dtype: "int32" }) }),
    step(x, r, { jacobians }, local) {
      const dx = linalg.solve(local.jacobian(), r.neg());
      return [x.add(dx), { step: np.abs(dx).max(), jacobians: jacobians.add(1) }];
    },
    status: (_, __, { step }) =>
      np.where(step.less(1e-13), np.array(0, { dtype: "int32" }), np.array(-1, { dtype: "int32" })),
    counts: ({ jacobians }) => ({ jacobian: jacobians }),
  };
  const solve = (a: NDArray) =>
    fixedPoint((x) => np.cos(x.mul(a)), np.array([1, 1], { dtype: "float64" }), { solver: newton });
  for (const s of [solve(number(1)), jit(solve)(number(1))]) {
    assertEquals(s.statusName, "converged", s.message);
    assert(Math.abs(s.value.dataSync()[0]! - 0.7390851332151607) < 1e-13, s.report());
    assert(s.steps.item() <= 7, s.message);
    assertEquals(s.evaluations.jacobian.item(), s.steps.item());
  }
});

Deno.test("divergence and stagnation are said to be such", () => {
  const grows = fixedPoint((x) => x.mul(3).add(1), number(1), { solver: damped() });
  assertEquals(grows.statusName, "diverged", grows.message);
  assert(grows.steps.item() < 60);
  const turns = fixedPoint((x) => x.neg().add(1), number(3), { solver: damped(), maxSteps: 1000 });
  assertEquals(turns.statusName, "stagnated", turns.message);
  assert(turns.steps.item() < 1000);
});

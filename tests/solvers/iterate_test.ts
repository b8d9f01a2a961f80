/** What the loop of all solvers reports, however a solve ends. */
import {
  aitken,
  anderson,
  broyden,
  damped,
  fixedPoint,
  jit,
  type Local,
  type NDArray,
  numpy as np,
  rootFind,
  steffensen,
} from "../../mod.ts";
import { assert, assertAlmostEquals, assertEquals } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";

Deno.test("however a solve ends, its norms are those of its value, the best point that it met", () => {
  const norm = (x: NDArray): number => Math.hypot(...x.dataSync());
  const cases: { f: (x: NDArray) => NDArray; x0: number[]; maxSteps: number; status: string }[] = [
    { f: (x) => np.cos(x), x0: [1, -2], maxSteps: 200, status: "converged" },
    // Residuals that grow from the first step, from the second, and beyond all bounds.
    { f: (x) => x.mul(-1.5).add(1), x0: [1, 3], maxSteps: 5, status: "maxSteps" },
    { f: (x) => x.square().add(0.3), x0: [-0.5, 0.6], maxSteps: 7, status: "maxSteps" },
    { f: (x) => np.exp(x.mul(x)).mul(3), x0: [2, 0], maxSteps: 200, status: "nonfinite" },
  ];
  for (const { f, x0, maxSteps, status } of cases) {
    for (const solver of [damped(), anderson({ memory: 1 })]) {
      const s = fixedPoint(f, arr(x0), { solver, maxSteps, history: true });
      const what = `from ${x0}: ${s.message}`;
      if (solver.description === damped().description) assertEquals(s.statusName, status, what);
      const slack = 16 * 2 ** -52;
      assertAlmostEquals(s.valueNorm.item(), norm(s.value), slack * norm(s.value), what);
      const residual = norm(f(s.value).sub(s.value));
      const scale = norm(s.value) + residual;
      assertAlmostEquals(s.residualNorm.item(), residual, slack * scale, what);
      const norms = [...s.history!.dataSync()].slice(0, s.steps.item()).filter(Number.isFinite);
      const best = s.converged ? norms.at(-1) : Math.min(...norms);
      assertEquals(s.residualNorm.item(), best, what);
    }
  }
});

Deno.test("a solution that is -0 is given as -0, by eager and by compiled code", () => {
  const solve = (x0: NDArray): NDArray => fixedPoint((x: NDArray) => np.sin(x), x0).value;
  for (const dtype of ["float32", "float64"] as const) {
    const x0 = np.array([-0, 0], { dtype });
    for (const g of [solve, jit(solve)]) {
      assertEquals([...g(x0).dataSync()].map((x) => Object.is(x, -0)), [true, false]);
    }
  }
});

Deno.test("a damped step keeps its share of the old point", () => {
  // x + (1 - damping) r, where r is f(x) - x.
  const [x] = damped({ damping: 0.25 }).step(arr(1), arr(4), null, {} as Local);
  assertClose(x, 4);
  assertClose(damped().step(arr(1), arr(4), null, {} as Local)[0], 5);
});

Deno.test("a solution that a look at 0 has found is given as 0, and a leaf beside it as what it is", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const start = { a: np.array([1, 0.4], { dtype }), b: np.array(2, { dtype }) };
    type Unknowns = typeof start;
    for (const solver of [damped(), anderson(), broyden(), aitken(), steffensen()]) {
      const f = ({ a, b }: Unknowns): Unknowns => ({
        a: a.square().mul(0.3),
        b: b.mul(0.1).add(1),
      });
      const { value, residualNorm } = fixedPoint(f, start, { solver, throw: true });
      assertEquals(value.a.toArray(), [0, 0], solver.description);
      assertAlmostEquals(value.b.item(), 10 / 9, dtype === "float32" ? 1e-5 : 1e-11);
      assert(residualNorm.item() < 1e-5, solver.description);
    }
    const cubes = (x: NDArray): NDArray => x.pow(3);
    const { value, residualNorm } = rootFind(cubes, start.a, { solver: broyden(), throw: true });
    assertEquals([value.toArray(), residualNorm.item()], [[0, 0], 0]);
  }
});

/** Implicit derivatives where their linear systems are hard, and what is said where they cannot be solved. */
import {
  bicgstab,
  CheckError,
  fixedPoint,
  type FixedPointOptions,
  gmres,
  grad,
  implicit,
  jit,
  jvp,
  linalg,
  loadBackend,
  lu,
  type NDArray,
  numpy as np,
  oneStep,
  phantom,
  qr,
  vmap,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

await loadBackend("onnx");

/** An unsymmetric matrix of spectral radius near 1, and a vector. */
function hard(n: number): { w: NDArray; b: NDArray } {
  let s = 11;
  const next = (): number => {
    s = (Math.imul(1664525, s) + 1013904223) >>> 0;
    return s / 2 ** 32 - 0.5;
  };
  const size = 0.99 / (0.289 * Math.sqrt(n));
  const rows = Array.from({ length: n }, () => Array.from({ length: n }, () => next() * size));
  return {
    w: np.array(rows, { dtype: "float64" }),
    b: np.array(Array.from({ length: n }, next), { dtype: "float64" }),
  };
}

/** Right derivatives are of the equation, so that a rough solution will do. */
const solution = (w: NDArray, options: FixedPointOptions = {}) => (b: NDArray): NDArray =>
  fixedPoint((x) => np.matmul(w, x).add(b), np.zerosLike(b), { maxSteps: 3, ...options }).value;

for (const n of [40, 65, 100, 200]) {
  Deno.test(`gradients are right for an unsymmetric map of ${n} unknowns near radius 1`, () => {
    const { w, b } = hard(n);
    const system = np.eye(n, { dtype: "float64" }).sub(w);
    const right = linalg.solve(system.T, np.ones([n], { dtype: "float64" })).dataSync();
    const loss = (b: NDArray): NDArray => solution(w)(b).sum();
    const scale = Math.max(...right.map(Math.abs));
    for (const run of [grad(loss), jit(grad(loss)), jit(grad(loss), { backend: "onnx" })]) {
      const g = run(b).dataSync();
      right.forEach((v, i) =>
        assert(Math.abs(g[i]! - v) < 1e-8 * scale, `${i}: ${g[i]}, right ${v}`)
      );
    }
    const [, dot] = jvp(solution(w), [b], [b]);
    const expected = linalg.solve(system, b).dataSync();
    const most = Math.max(...expected.map(Math.abs));
    expected.forEach((v, i) => assert(Math.abs(dot.dataSync()[i]! - v) < 1e-8 * most));
  });
}

Deno.test("the systems of derivatives are solved by any method of linearSolve", () => {
  const { w, b } = hard(40);
  const half = w.mul(0.3);
  const system = np.eye(40, { dtype: "float64" }).sub(half);
  const right = linalg.solve(system.T, np.ones([40], { dtype: "float64" })).dataSync();
  for (const linearSolver of [gmres(), bicgstab(), lu(), qr(), "iterative", "dense"] as const) {
    const adjoint = implicit({ linearSolver });
    const loss = (b: NDArray): NDArray => solution(half, { adjoint })(b).sum();
    for (const run of [grad(loss), jit(grad(loss))]) {
      const g = run(b).dataSync();
      right.forEach((v, i) => assert(Math.abs(g[i]! - v) < 1e-9, `${i}: ${g[i]}, right ${v}`));
    }
  }
  assertThrows(() => implicit({ linearSolver: gmres as never }), TypeError, "gmres()");
});

Deno.test("a derivative that cannot be had is an error that says so, or NaN where asked for", () => {
  const { w, b } = hard(100);
  const few = { linearSolver: "iterative", maxSteps: 5 } as const;
  const loss = (throws: boolean) => (b: NDArray): NDArray =>
    solution(w, { adjoint: implicit({ ...few, throw: throws }) })(b).sum();
  for (const run of [grad(loss(true)), jit(grad(loss(true)))]) {
    assertThrows(() => run(b).dataSync(), CheckError, "of 100 unknowns, could not be solved");
  }
  for (const run of [grad(loss(false)), jit(grad(loss(false)))]) {
    assert(run(b).dataSync().every(Number.isNaN));
  }
});

Deno.test("where the equation does not determine the solution, its derivative is an error", () => {
  // Every x solves x + 0 (x - a) = x.
  const root = (a: NDArray): NDArray =>
    fixedPoint((x) => x.add(x.sub(a).mul(0)), np.array([1, 2])).value.sum();
  for (const run of [grad(root), jit(grad(root))]) {
    assertThrows(() => run(np.array(3)).item(), CheckError, "singular");
  }
});

Deno.test("lanes whose solution is NaN have NaN derivatives, and the others theirs", () => {
  const root = (a: NDArray): NDArray =>
    fixedPoint((x) => np.log(a).add(x.mul(0.5)), np.zeros([80])).value.sum();
  const g = jit(vmap(grad(root)))(np.array([1, -1, 2]));
  const [first, second, third] = [...g.dataSync()];
  assert(Math.abs(first! - 160) < 1e-2 && Math.abs(third! - 80) < 1e-2, `${g}`);
  assert(Number.isNaN(second!));
});

Deno.test("a cotangent of 0 gives 0, whatever the matrix", () => {
  const root = (a: NDArray): NDArray =>
    fixedPoint((x) => x.add(x.sub(a).mul(0)), np.array([1, 2])).value.sum().mul(0);
  assertEquals(Math.abs(grad(root)(np.array(3)).item()), 0);
});

Deno.test("phantom() is the sum of its steps: one is oneStep(), many come to the implicit derivative", () => {
  const slope = (adjoint: FixedPointOptions["adjoint"]): number => {
    const root = (a: NDArray): NDArray =>
      fixedPoint((x) => np.cos(x.mul(a)), np.array(1, { dtype: "float64" }), { adjoint }).value;
    const at = np.array(1, { dtype: "float64" });
    const [, dot] = jvp(root, [at], [at]);
    assert(Math.abs(grad(root)(at).item() - dot.item()) < 1e-14);
    return dot.item();
  };
  assertEquals(slope(phantom(1)), slope(oneStep()));
  const x = 0.7390851332151607;
  const [j, c] = [-Math.sin(x), -x * Math.sin(x)];
  assert(Math.abs(slope(phantom(3)) - c * (1 + j + j * j)) < 1e-10);
  assert(Math.abs(slope(phantom(60, 0.5)) - c / (1 - j)) < 1e-10);
  assertThrows(() => phantom(0), RangeError, "steps must be at least 1");
  assertThrows(() => phantom(2, 0), RangeError, "tau");
});

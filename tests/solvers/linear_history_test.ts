/** Iterations of linear systems from a point that is given, and what is told of their steps. */
import {
  bicgstab,
  cg,
  gmres,
  grad,
  jit,
  linalg,
  type LinearMethod,
  LinearOperator,
  linearSolve,
  lsmr,
  lu,
  minres,
  type NDArray,
  numpy as np,
  pureCallback,
  TreeError,
  vmap,
} from "../../mod.ts";
import { jacobi } from "../../lib/solvers/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";

const n = 24;
const at = np.arange(n).astype("float64");
const definite = np.diag(at.add(1)).add(np.cos(at.reshape([n, 1]).sub(at)).mul(0.5));
const skew = definite.add(np.sin(at.reshape([n, 1]).sub(at)));
const b = np.sin(at.mul(3)).add(1);

/** Methods, operators for them, products in a step, and whether they take a preconditioner. */
const table: readonly [string, LinearMethod, NDArray, object, number, boolean][] = [
  ["cg()", cg(), definite, { positiveDefinite: true }, 1, true],
  ["minres()", minres(), definite, { symmetric: true }, 1, true],
  ["gmres()", gmres(), skew, {}, 1, true],
  ["gmres() that restarts", gmres({ restart: 6 }), skew, {}, 1, true],
  ["bicgstab()", bicgstab(), skew, {}, 2, true],
  ["lsmr()", lsmr(), skew, {}, 2, false],
  ["lsmr({ damp })", lsmr({ damp: 0.5 }), skew, {}, 2, false],
];

for (const [name, solver, m, tags, products, applies] of table) {
  const a = LinearOperator.matrix(m, tags);
  const preconditioned = applies;
  const damped = name.includes("damp");

  Deno.test(`${name}: the history has the residual norm after each step, as a shorter solve has it`, () => {
    for (const options of [{}, ...preconditioned ? [{ preconditioner: jacobi(m) }] : []]) {
      const solve = (maxSteps: number) =>
        linearSolve(a, b, { solver, maxSteps, history: true, ...options });
      const maxSteps = 120;
      const whole = solve(maxSteps);
      assertEquals(whole.statusName, "converged", whole.message);
      const norms = whole.history!.toArray() as number[];
      assertEquals(norms.length, maxSteps);
      const steps = whole.steps.item();
      assert(norms.slice(0, steps).every((x) => x >= 0), `${norms}`);
      assert(norms.slice(steps).every(Number.isNaN), `${steps}: ${norms}`);
      assertClose(norms[steps - 1]!, whole.residualNorm, 1e-14);
      // Then MINRES makes another norm small, by which the history goes.
      if (name === "minres()" && "preconditioner" in options) continue;
      for (const k of [1, 2, 3, 5, 8].filter((k) => k <= steps)) {
        const short = solve(k);
        assertEquals(short.history!.shape, [k]);
        const own = short.residualNorm.item();
        // What makes nothing better is not taken.
        if (!(own < linalg.norm(b).item())) continue;
        assertClose(norms[k - 1]!, own, 1e-6 * own + 1e-11, `${name}, ${k} steps`);
      }
      const plain = linearSolve(a, b, { solver, maxSteps, ...options });
      assertEquals(plain.history, null);
      assertEquals(plain.value.toArray(), whole.value.toArray());
    }
  });

  Deno.test(`${name}: a start near the solution saves steps, and a bad one costs none`, () => {
    const options = damped ? { solver } : { solver, rtol: 1e-10 };
    const cold = linearSolve(a, b, options);
    const near = cold.value.add(np.cos(at).mul(1e-6));
    const warm = linearSolve(a, b, { ...options, x0: near });
    assertEquals(warm.statusName, "converged", warm.message);
    assert(warm.steps.item() < cold.steps.item(), `${warm.steps.item()} and ${cold.steps.item()}`);
    assertClose(warm.value, cold.value, 1e-7);
    if (!damped) {
      const done = linearSolve(a, b, { ...options, x0: linalg.solve(m, b) });
      assertEquals([done.steps.item(), done.statusName], [0, "converged"]);
    }
    for (const bad of [near.mul(1e9), near.mul(NaN), near.mul(Infinity)]) {
      const s = linearSolve(a, b, { ...options, x0: bad });
      assertEquals(s.value.toArray(), cold.value.toArray());
      assertEquals(s.steps.item(), cold.steps.item());
    }
    // A start has no derivative, and that of the solution does not depend on it.
    const slope = (x0: NDArray | undefined) =>
      grad((m: NDArray, x0: NDArray | undefined) => {
        const a = LinearOperator.matrix(m, tags);
        return linearSolve(a, b, { ...options, x0 }).value.mul(np.cos(at)).sum();
      }, { argnums: 0 })(m, x0 as never);
    assertClose(slope(near), slope(np.zeros([n], { dtype: "float64" })), 1e-5);
    const ofStart = grad((x0: NDArray) => linearSolve(a, b, { ...options, x0 }).value.sum())(near);
    assertEquals(ofStart.abs().max().item(), 0);
    for (const backend of ["interpreter", "cpu"]) {
      const f = jit((x0: NDArray) => {
        const s = linearSolve(a, b, { ...options, x0, history: true });
        return [s.value, s.steps, s.history!];
      }, { backend });
      const [value, steps, history] = f(near) as [NDArray, NDArray, NDArray];
      assertClose(value, warm.value, 1e-9);
      assertEquals(steps.item(), warm.steps.item());
      assertEquals(np.isNaN(history).sum().item(), history.size - steps.item());
    }
    const lanes = vmap((x0: NDArray) => linearSolve(a, b, { ...options, x0 }))(
      np.stack([near, near.mul(0)]),
    );
    const [first, second] = lanes.steps.toArray() as [number, number];
    assert(Math.abs(first - warm.steps.item()) < 2 && Math.abs(second - cold.steps.item()) < 2);
  });

  Deno.test(`${name}: products and applications of the preconditioner are counted as they are made`, () => {
    let [made, used] = [0, 0];
    const counted = (m: NDArray, count: () => void) => (x: NDArray): NDArray =>
      pureCallback((y: NDArray) => (count(), m.matmul(y)), x, [x]);
    // LSMR takes products with the transpose as well, which callbacks do not have.
    if (!preconditioned) {
      const { preconditions, evaluations, steps, restarts } = linearSolve(a, b, { solver });
      assertEquals(preconditions.item(), 0);
      const least = products * (steps.item() + restarts.item() + 1);
      assert(evaluations.products.item() >= least, `${evaluations.products.item()}, ${least}`);
      return;
    }
    const diagonal = np.diag(np.diagonal(m).pow(-1));
    const s = linearSolve(LinearOperator.of(counted(m, () => made++), b, tags), b, {
      solver,
      maxSteps: 200,
      preconditioner: LinearOperator.of(counted(diagonal, () => used++), b, tags),
    });
    assert(s.converged, s.message);
    // One product more, for the residual that is told.
    assertEquals(s.evaluations.products.item(), made - 1);
    assertEquals(s.preconditions.item(), used);
    assert(s.report().includes("preconditioner applied"), s.report());
  });
}

Deno.test("GMRES that restarts says how often, and its history goes on", () => {
  const s = linearSolve(skew, b, { solver: gmres({ restart: 6 }), history: true, maxSteps: 100 });
  assertEquals(s.restarts.item(), Math.ceil(s.steps.item() / 6) - 1);
  assert(
    s.restarts.item() > 0 && s.report().includes(`restarts                ${s.restarts.item()}`),
  );
});

Deno.test("a start is a tree like the unknowns", () => {
  type Pair = { u: NDArray; v: NDArray };
  const f = ({ u, v }: Pair): Pair => ({ u: u.mul(2).add(v.sum()), v: v.mul(3) });
  const b = { u: arr([3, 4]), v: arr([3]) };
  const x0 = { u: arr([1, 1.5]), v: arr([1]) };
  const s = linearSolve(f, b, { solver: gmres(), x0 });
  assertEquals(s.steps.item(), 0, s.message);
  assertClose(s.value, x0);
  assertThrows(
    () => linearSolve(f, b, { solver: gmres(), x0: arr([1, 2, 3]) as never }),
    TreeError,
    "the unknowns and x0",
  );
  assertThrows(
    () => linearSolve(f, b, { solver: gmres(), x0: { u: arr([1]), v: arr([1]) } as never }),
    TreeError,
    "x0",
  );
});

Deno.test("methods that have no use for a start, a history or a preconditioner say so", () => {
  const wide = np.ones([2, 3], { dtype: "float64" });
  const x0 = np.ones([n], { dtype: "float64" });
  assertThrows(() => linearSolve(definite, b, { solver: lu(), x0 }), TypeError, "no use for x0");
  assertThrows(() => linearSolve(definite, b, { history: true }), TypeError, "no use for history");
  assertThrows(
    () => linearSolve(wide, arr([1, 2]), { solver: lsmr(), x0: arr([1, 1, 1]) }),
    TypeError,
    "Leave x0 out",
  );
  assertThrows(
    () => linearSolve(definite, b, { solver: lsmr(), preconditioner: jacobi(definite) }),
    TypeError,
    "a.compose(m)",
  );
});

/**
 * A solve that never saw a finite residual has no solution to give: its value is NaN and so are its
 * derivatives, wherever it runs. Otherwise a model whose parameters have become NaN would go on with
 * the start of its solve, and a finite loss.
 *
 * @module
 */
import {
  anderson,
  damped,
  fixedPoint,
  type FixedPointOptions,
  grad,
  implicit,
  jit,
  jvp,
  type NDArray,
  numpy as np,
  oneStep,
  random,
  treeLeaves,
  vmap,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

const isAllNaN = (tree: unknown): boolean =>
  (treeLeaves(tree) as NDArray[]).every((x) => x.dataSync().every(Number.isNaN));

/** Functions of an unknown and a parameter that are finite for 0.5 and not for NaN or -1. */
const functions: Readonly<Record<string, (z: NDArray, p: NDArray) => NDArray>> = {
  "a layer": (z, p) => np.tanh(z.mul(p).add(1)),
  // The slopes of these are finite where their values are not.
  "a logarithm": (z, p) => z.mul(0.5).add(np.log(p)),
  "an infinity": (z, p) => z.mul(0.5).add(np.exp(p.mul(-200))),
};

const options: Readonly<Record<string, FixedPointOptions>> = {
  "anderson, implicit": {},
  "damped, iterative": { solver: damped(), adjoint: implicit({ linearSolver: "iterative" }) },
  "plain, one step": { solver: anderson({ memory: 0 }), adjoint: oneStep() },
};

for (const [name, f] of Object.entries(functions)) {
  for (const [how, given] of Object.entries(options)) {
    Deno.test(`a solve without a finite residual gives NaN: ${name}, ${how}`, () => {
      const solve = (p: NDArray): NDArray =>
        fixedPoint((z) => f(z, p), np.zeros([2]), given).value.sum();
      for (const bad of name === "a layer" ? [NaN] : name === "a logarithm" ? [NaN, -1] : [-1]) {
        const p = np.array(bad);
        for (const run of [solve, jit(solve), jit(solve, { backend: "interpreter" })]) {
          assert(isAllNaN(run(p)), "the value");
          assert(isAllNaN(grad(run)(p)), "the gradient");
          assert(isAllNaN(jvp(run, [p], [np.array(1)])), "the tangent");
          // A lane that fails takes no other with it.
          const lanes = np.array([0.5, bad]);
          for (const each of [vmap(run)(lanes), vmap(grad(run))(lanes)]) {
            assertEquals([...each.dataSync()].map(Number.isNaN), [false, true]);
          }
        }
      }
    });
  }
}

Deno.test("leaves of all float types are NaN, and the record says what happened", () => {
  const start = { a: np.zeros([2]), b: [np.zeros([], { dtype: "float64" })], c: 1 };
  const solution = fixedPoint((z) => ({ ...z, a: z.a.mul(NaN) }), start);
  assertEquals(solution.value.b[0]!.dtype, "float64");
  assert(isAllNaN(solution.value));
  assertEquals(solution.statusName, "nonfinite");
  assert(isAllNaN(solution.valueNorm));
  assert(solution.message.includes("NaN"), solution.message);
});

Deno.test("a solve that saw a finite residual, or was not tried, keeps its point", () => {
  const grows = fixedPoint((z) => z.mul(z).mul(1e30).add(1), 1);
  assertEquals(grows.statusName, "nonfinite");
  assert(Number.isFinite(grows.value.item()));
  assertEquals(fixedPoint((z) => z.mul(NaN), 3, { maxSteps: 0 }).value.item(), 3);
});

Deno.test("a module's solve without a finite residual gives NaN", () => {
  const model = hk.transform((x: NDArray) => {
    const cell = new hk.Linear(2);
    const { value } = fixedPoint((z) => np.tanh(cell.call(z).add(x)), np.zeros([2]), {
      transforms: hk.transforms,
    });
    return value.sum();
  });
  const x = np.ones([2]);
  const params = model.init(random.key(0), x);
  const loss = (p: typeof params): NDArray => model.apply(p, null, x);
  assert(Number.isFinite(loss(params).item()));
  const broken = { linear: { ...params.linear, w: np.full([2, 2], NaN) } };
  for (const run of [loss, jit(loss)]) {
    assert(isAllNaN(run(broken)));
    assert(isAllNaN(grad(run)(broken)));
  }
});

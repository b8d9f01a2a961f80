/**
 * A solve that never saw a finite residual has no solution to give: its value is NaN and so are its
 * derivatives, wherever it runs. Otherwise a model whose parameters have become NaN would go on with
 * the start of its solve, and a finite loss.
 *
 * @module
 */
import * as I from "../../mod.ts";
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

const two = (x: NDArray): NDArray => np.zeros([2], { dtype: "float64" }).add(x);
const matrix = (p: NDArray): NDArray => np.array([[4, 1], [1, 3]], { dtype: "float64" }).mul(p);
const side = np.array([1, 2], { dtype: "float64" });
const { LinearOperator } = I;
const lower = { triangular: "lower" } as const;

type Solve = (p: NDArray) => I.Solution<NDArray>;

/** Solves that are finite for 0.5 and see nothing that is finite where p is not. */
const solves: Readonly<Record<string, readonly Solve[]>> = {
  rootFind: [(p) => I.rootFind((x) => x.add(x.pow(3)).sub(p), two(np.array(0.1)))],
  leastSquares: [(p) => I.leastSquares((x) => x.add(x.pow(3)).sub(p), two(np.array(0.1)))],
  minimise: [(p) => I.minimise((x) => np.cosh(x.sub(p)).sum(), two(np.array(0.1)))],
  minimiseScalar: [(p) => I.minimiseScalar((x) => np.cosh(x.sub(p)), [0, 1])],
  bracketRoot: [I.chandrupatla(), I.toms748(), I.brent(), I.bisection()].flatMap((solver) =>
    [false, true].map((expand) => (p: NDArray) =>
      I.bracketRoot((x) => x.pow(3).sub(p).mul(p), [np.array(0, { dtype: "float64" }), 2], {
        solver,
        expand,
      })
    )
  ),
  linearSolve: [
    ...[I.lu(), I.cholesky(), I.qr(), I.svd(), I.cg(), I.gmres(), I.bicgstab(), I.lsmr()].map((
      solver,
    ) =>
    (p: NDArray) => I.linearSolve(matrix(p), side, { solver })),
    (p) =>
      I.linearSolve(LinearOperator.matrix(matrix(p), { symmetric: true }), side, {
        solver: I.minres(),
      }),
    (p) => I.linearSolve(LinearOperator.matrix(np.tril(matrix(p)), lower), side),
    (p) => I.linearSolve(LinearOperator.diagonal(two(p)), side),
    (p) => I.linearSolve(LinearOperator.tridiagonal(two(p), two(p.mul(3)), two(p)), side),
    (p) => I.linearSolve((x: NDArray) => matrix(p).matmul(x), side, { solver: I.gmres() }),
    (p) => I.factorise(matrix(p)).solve(side),
  ],
};

for (const [family, all] of Object.entries(solves)) {
  Deno.test(`${family}: a solve that sees nothing finite is NaN, its derivatives are, and no other lane is`, () => {
    all.forEach((solve, i) => {
      const value = (p: NDArray): NDArray => solve(p).value.sum();
      // Both ends of a bracket are -Infinity: these have a sign.
      for (const bad of family === "bracketRoot" ? [NaN] : [NaN, Infinity]) {
        const solution = solve(np.array(bad, { dtype: "float64" }));
        const name = `${i}, ${bad}: ${solution.message}`;
        assertEquals(solution.statusName, "nonfinite", name);
        assert(isAllNaN(solution.value), name);
        const lanes = np.array([0.5, bad], { dtype: "float64" });
        const each = [vmap(value), vmap(grad(value)), ...i > 0 ? [] : [jit(vmap(grad(value)))]];
        for (const f of each) {
          const x = f(lanes);
          assertEquals([...x.dataSync()].map(Number.isNaN), [false, true], `${name}, ${x}`);
        }
      }
    });
  });
}

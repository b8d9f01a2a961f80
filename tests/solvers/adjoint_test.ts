/** Implicit derivatives where their linear systems are hard, and what is said where they cannot be solved. */
import {
  anderson,
  bfgs,
  bicgstab,
  bracketRoot,
  brent,
  cg,
  CheckError,
  checkpointed,
  cholesky,
  chord,
  damped,
  diagonal,
  dogleg,
  first,
  fixedPoint,
  type FixedPointOptions,
  gaussNewton,
  gmres,
  goldenSection,
  grad,
  implicit,
  jit,
  jvp,
  lbfgs,
  leastSquares,
  levenbergMarquardt,
  linalg,
  linearSolve,
  loadBackend,
  lsmr,
  lu,
  makeJaxpr,
  minimise,
  minimiseScalar,
  minres,
  type NDArray,
  nelderMead,
  newton,
  newtonCg,
  numpy as np,
  oneStep,
  phantom,
  qr,
  rootFind,
  svd,
  triangular,
  tridiagonal,
  unrolled,
  vmap,
} from "../../mod.ts";
import { sgd } from "../../lib/optim/mod.ts";
import { assertClose } from "../support/arrays.ts";
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

Deno.test("with every method of linearSolve the derivative of every family is right, or an error says why not", () => {
  type Of = (
    a: NDArray,
    options: { readonly adjoint?: Through | undefined },
  ) => { readonly value: NDArray };
  const w = np.array([[0.1, 0.5], [-0.2, 0.1]], f64);
  const x0 = np.array([0.8, 0.3], f64);
  const well = (a: NDArray) => (x: NDArray) => bowl(np.zeros([], f64))(x.sub(a));
  const families: Readonly<Record<string, Of>> = {
    fixedPoint: (a, o) => fixedPoint((x) => w.matmul(x).add(a), x0, o),
    rootFind: (a, o) => rootFind((x) => w.matmul(x).add(x.pow(3)).sub(a), x0, o),
    leastSquares: (a, o) => leastSquares((x) => decay(a.sum())({ u: x.at(0), v: x.at(1) }), x0, o),
    minimise: (a, o) => minimise(well(a), x0, o),
    "minimise at a bound": (a, o) =>
      minimise(well(a), x0, { ...o, bounds: { lower: -9, upper: 0.9 } }),
  };
  const any = [lu(), qr(), svd(), gmres(), bicgstab(), lsmr()];
  const definite = [cholesky(), cg(), minres()];
  const at = np.array([1, 0.7], f64);
  for (const [name, solve] of Object.entries(families)) {
    const slope = (adjoint?: Through) =>
      grad((a: NDArray) => solve(a, { adjoint }).value.mul(np.array([1, 2], f64)).sum())(at);
    const right = slope().toArray() as number[];
    const symmetric = name === "leastSquares" || name === "minimise";
    for (const linearSolver of symmetric ? [...any, ...definite] : any) {
      assertClose(
        slope(implicit({ linearSolver })),
        right,
        1e-8,
        `${name} by ${linearSolver.description}`,
      );
    }
    for (
      const linearSolver of [...symmetric ? [] : definite, triangular(), diagonal(), tridiagonal()]
    ) {
      assertThrows(
        () => slope(implicit({ linearSolver })),
        Error,
        linearSolver.description,
        `${name} by ${linearSolver.description}`,
      );
    }
  }
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

const f64 = { dtype: "float64" } as const;

for (const adjoint of [unrolled(), checkpointed(), checkpointed({ checkpoints: 3 })]) {
  for (const solver of [damped(), damped({ damping: 0.3 }), anderson(), anderson({ memory: 2 })]) {
    const name = `${solver.description}, ${adjoint.kind} with ${
      (adjoint as { checkpoints?: number }).checkpoints
    }`;
    const solve = (options: FixedPointOptions = {}) => (a: NDArray): NDArray =>
      fixedPoint((x) => np.cos(x.mul(a)), np.array([1, 0.3], f64), { adjoint, solver, ...options })
        .value;
    const total = (options: FixedPointOptions = {}) => (a: NDArray): NDArray =>
      solve(options)(a).sum();

    Deno.test(`derivatives through all steps come to those of the equation: ${name}`, () => {
      const at = np.array(1, f64);
      const near = (got: NDArray, want: number, most: number): void =>
        assert(Math.abs(got.item() / 2 - want) < most, `${got.item() / 2}, not ${want}`);
      for (
        const run of [grad(total()), jit(grad(total())), jit(grad(total()), { backend: "onnx" })]
      ) {
        near(run(at), -0.297474341509832, 1e-10);
      }
      near(jvp(total(), [at], [at])[1], -0.297474341509832, 1e-10);
      near(grad(total({ polish: true }))(at), -0.297474341509832, 1e-12);
      near(grad(grad(total()))(at), 0.153337891347637, 1e-6);
      const each = [0.5, 1, 1.2].map((a) => grad(total())(np.array(a, f64)).item());
      const lanes = jit(vmap(grad(total())))(np.array([0.5, 1, 1.2], f64)).dataSync();
      each.forEach((g, i) => assert(Math.abs(lanes[i]! - g) < 1e-12));
    });

    Deno.test(`derivatives through few steps are those of what these give: ${name}`, () => {
      for (const maxSteps of [1, 2, 4]) {
        const f = total({ maxSteps });
        const at = (a: number): number => f(np.array(a, f64)).item();
        const slope = (at(1 + 1e-6) - at(1 - 1e-6)) / 2e-6;
        for (const g of [grad(f), jit(grad(f))]) {
          const got = g(np.array(1, f64)).item();
          assert(Math.abs(got - slope) < 1e-8, `${got}, not ${slope}`);
        }
      }
    });
  }
}

Deno.test("through steps, the start has a derivative, and aux and trees are as for other adjoints", () => {
  const start = (adjoint: FixedPointOptions["adjoint"]) => (x0: NDArray): NDArray =>
    fixedPoint((x) => x.mul(0.5), x0, { adjoint, solver: damped(), maxSteps: 4 }).value;
  assertEquals(grad(start(unrolled()))(np.array(1, f64)).item(), 0.125);
  assertEquals(grad(start(implicit()))(np.array(1, f64)).item(), 0);
  const tree = (adjoint: FixedPointOptions["adjoint"]) => (a: NDArray): NDArray => {
    const { value, aux } = fixedPoint(
      ({ u, v }) => [{ u: np.cos(v.mul(a)), v: np.sin(u).mul(a) }, { sum: u.add(v).mul(a) }],
      { u: np.array(1, f64), v: np.array([0, 1], f64).sum() },
      { adjoint, hasAux: true },
    );
    return value.u.add(value.v).add(aux.sum);
  };
  const want = grad(tree(implicit()))(np.array(0.8, f64)).item();
  for (const adjoint of [unrolled(), checkpointed()]) {
    for (const g of [grad(tree(adjoint)), jit(grad(tree(adjoint)))]) {
      assert(Math.abs(g(np.array(0.8, f64)).item() - want) < 1e-9);
    }
  }
});

type Through = ReturnType<typeof unrolled>;

const [t, y] = [np.array([0, 1, 2, 3], f64), np.array([1, 0.5, 0.3, 0.1], f64)];
const system = (a: NDArray) => (x: NDArray): NDArray => {
  const [u, v] = [x.at(0), x.at(1)];
  return np.stack([u.square().mul(a).add(v).sub(2), u.sub(v.mul(a))]);
};
const decay = (a: NDArray) => ({ u, v }: { u: NDArray; v: NDArray }): NDArray =>
  np.exp(t.mul(v).neg()).mul(u).sub(y.mul(a));
const bowl = (a: NDArray) => (x: NDArray): NDArray =>
  np.cosh(x.sub(a)).sum().add(x.at(0).mul(x.at(1)).mul(0.3));

/** Solutions as functions of a parameter and an adjoint, by family and method. */
const families: Readonly<Record<string, (a: NDArray, adjoint: Through) => NDArray>> = {
  ...Object.fromEntries([levenbergMarquardt(), dogleg(), newton(), chord()].map((solver) => [
    `rootFind by ${solver.description}`,
    (a: NDArray, adjoint: Through) =>
      rootFind(system(a), np.array([1, 0.5], f64), { adjoint, solver }).value.sum(),
  ])),
  ...Object.fromEntries([levenbergMarquardt(), dogleg(), gaussNewton()].map((solver) => [
    `leastSquares by ${solver.description}`,
    (a: NDArray, adjoint: Through) => {
      const start = { u: np.array(0.8, f64), v: np.array(0.5, f64) };
      const { value } = leastSquares(decay(a), start, { adjoint, solver });
      return value.u.add(value.v.mul(2));
    },
  ])),
  ...Object.fromEntries([lbfgs(), bfgs(), newtonCg(), first(sgd(0.1))].map((solver) => [
    `minimise by ${solver.description}`,
    (a: NDArray, adjoint: Through) =>
      // Enough for all to converge: of points that differ by rounding alone, which is best would be chance.
      minimise(bowl(a), np.array([1, 0.5], f64), { adjoint, solver, maxSteps: 400 }).value
        .mul(np.array([1, 2], f64)).sum(),
  ])),
  "minimise within bounds, of which one is met": (a, adjoint) =>
    minimise(bowl(a), np.array([0.3, 0.1], f64), {
      adjoint,
      bounds: { lower: -1, upper: np.array([0.4, 9], f64) },
    })
      .value.mul(np.array([1, 2], f64)).sum(),
  "leastSquares within bounds, with a robust loss": (a, adjoint) =>
    leastSquares(decay(a), { u: np.array(0.8, f64), v: np.array(0.3, f64) }, {
      adjoint,
      bounds: { lower: 0, upper: { u: 9, v: 0.4 } },
      loss: "softL1",
      lossScale: 0.05,
    }).value.u,
};

for (const [name, f] of Object.entries(families)) {
  Deno.test(`derivatives through all steps come to those of the equation: ${name}`, () => {
    const at = np.array(1.3, f64);
    const right = grad((a: NDArray) => f(a, implicit()))(at).item();
    const near = (found: NDArray): void =>
      assert(Math.abs(found.item() - right) < 1e-5 * Math.abs(right), `${found}, not ${right}`);
    for (const adjoint of [unrolled(), checkpointed()]) {
      const loss = (a: NDArray): NDArray => f(a, adjoint);
      assertEquals(loss(at).item(), f(at, implicit()).item());
      for (const run of [grad(loss), jit(grad(loss))]) near(run(at));
      near(jvp(loss, [at], [np.ones([], f64)])[1]);
    }
    const each = [1.1, 1.3].map((a) =>
      grad((a: NDArray) => f(a, unrolled()))(np.array(a, f64)).item()
    );
    const lanes = jit(vmap(grad((a: NDArray) => f(a, unrolled()))))(np.array([1.1, 1.3], f64));
    each.forEach((g, i) => assert(Math.abs(lanes.dataSync()[i]! - g) < 1e-9, `${lanes}, ${each}`));
  });
}

Deno.test("few steps of an optimiser have the derivatives of what they give, by the start too", () => {
  const few = (rate: number, adjoint: Through) => (a: NDArray, x0: NDArray): NDArray =>
    minimise(bowl(a), x0, { adjoint, solver: first(sgd(rate)), maxSteps: 4 }).value.sum();
  const [a, x0] = [np.array(1.3, f64), np.array([1, 0.5], f64)];
  const f = few(0.1, unrolled());
  const slope = (f(a.add(1e-6), x0).item() - f(a.sub(1e-6), x0).item()) / 2e-6;
  const [byA, byStart] = grad(f, { argnums: [0, 1] })(a, x0) as [NDArray, NDArray];
  assert(Math.abs(byA.item() - slope) < 1e-8, `${byA}, not ${slope}`);
  const e = np.array([1e-6, 0], f64);
  const first0 = (f(a, x0.add(e)).item() - f(a, x0.sub(e)).item()) / 2e-6;
  assert(Math.abs(byStart.at(0).item() - first0) < 1e-8, `${byStart}, not ${first0}`);
});

Deno.test("checkpointed() keeps as many states as the root of the steps, in all families", () => {
  /** The most steps of which the program of a gradient keeps something. */
  const kept = (adjoint: Through, maxSteps: number, f: typeof rooted): number => {
    const text = String(
      makeJaxpr(grad((a: NDArray) => f(a, adjoint, maxSteps)))(np.array(1.3, f64)),
    );
    return Math.max(...[...text.matchAll(/\[(\d+)[,\]]/g)].map(([, n]) => Number(n)));
  };
  const rooted = (a: NDArray, adjoint: Through, maxSteps: number): NDArray =>
    rootFind(system(a), np.array([1, 0.5], f64), { adjoint, maxSteps }).value.sum();
  const fitted = (a: NDArray, adjoint: Through, maxSteps: number): NDArray =>
    leastSquares((x) => decay(a)({ u: x.at(0), v: x.at(1) }), np.array([0.8, 0.5], f64), {
      adjoint,
      maxSteps,
    }).value.sum();
  const least = (a: NDArray, adjoint: Through, maxSteps: number): NDArray =>
    minimise(bowl(a), np.array([1, 0.5], f64), { adjoint, maxSteps }).value.sum();
  for (const f of [rooted, fitted, least]) {
    assertEquals([100, 400].map((n) => kept(unrolled(), n, f)), [100, 400]);
    assertEquals([400, 1600].map((n) => kept(checkpointed(), n, f)), [20, 40]);
  }
});

Deno.test("roots, least squares, minima and linear systems say where their derivatives cannot be had", () => {
  const bad: Readonly<Record<string, readonly [f: (a: NDArray) => NDArray, says: string]>> = {
    "a double root": [
      (a) => rootFind((x) => x.sub(a).square(), np.array(1, f64)).value,
      "its matrix, df/dx, is singular",
    ],
    "a bracketed root without a slope": [
      (a) => bracketRoot((x) => x.sub(a).pow(3), [np.array(-1, f64), np.array(3, f64)]).value,
      "its matrix, df/dx, is singular",
    ],
    "parameters that only their sum matters of": [
      (y) =>
        leastSquares(({ a, b }) => a.add(b).sub(y), {
          a: np.array(1, f64),
          b: np.array(2, f64),
        }).value.a,
      "its matrix, the Hessian, is singular",
    ],
    "a valley": [
      (y) => minimise((x) => x.at(0).sub(y).square(), np.array([0, 0], f64)).value.sum(),
      "its matrix, the Hessian, is singular",
    ],
    "a matrix without an inverse": [
      (a) =>
        linearSolve(np.array([[1, 2], [2, 4]], f64), np.array([1, 2], f64).mul(a), { solver: lu() })
          .value.sum(),
      "the transposed system",
    ],
    "too few products": [
      (a) => {
        const m = np.array([[4, 1, 0], [1, 3, -1], [0, 1, 5]], f64);
        const b = np.array([1, 2, 3], f64).mul(a);
        return linearSolve((v: NDArray) => np.matmul(m, v), b, { solver: gmres(), maxSteps: 1 })
          .value.sum();
      },
      "ended with status 1 after 1 steps",
    ],
  };
  for (const [name, [f, says]] of Object.entries(bad)) {
    for (const g of [grad(f), jit(grad(f)), jit(grad(f), { backend: "onnx" })]) {
      assertThrows(() => g(np.array(1, f64)).dataSync(), CheckError, says, name);
    }
    // Where nothing is asked, nothing is missing.
    assertEquals(Math.abs(grad((a: NDArray) => f(a).mul(0))(np.array(1, f64)).item()), 0, name);
  }
  const quiet = (a: NDArray): NDArray =>
    rootFind((x) => x.sub(a).square(), np.array(1, f64), { adjoint: implicit({ throw: false }) })
      .value;
  assert(Number.isNaN(grad(quiet)(np.array(1, f64)).item()));
});

Deno.test("near to where a solution is not determined derivatives have a digit, or are an error", () => {
  // The third row is the sum of the others but for d, so that the first row times the solution is 1 whatever d is.
  const rows = (d: number) => [[1, 2, -1], [0.5, 1, 3], [1.5, 3 + d, 2]];
  for (const [dtype, bits] of [["float64", 52], ["float32", 23]] as const) {
    const [v, x0] = [np.array([1, 0, 2], { dtype }), np.zeros([3], { dtype })];
    const equation = (m: NDArray, a: NDArray) => (x: NDArray) => m.matmul(x).sub(v.mul(a));
    const roots: readonly ((m: NDArray, a: NDArray) => NDArray)[] = [
      (m, a) => rootFind(equation(m, a), x0).value,
      (m, a) => leastSquares(equation(m, a), x0).value,
    ];
    roots.forEach((root, i) => {
      const f = (m: NDArray, a: NDArray): NDArray => root(m, a).mul(m.at(0)).sum();
      const slope = jit(grad(f, { argnums: 1 }));
      const had: number[] = [];
      for (let k = 3; k < bits; k++) {
        let found: number;
        try {
          found = slope(np.array(rows(2 ** -k), { dtype }), np.array(1, { dtype })).item();
        } catch (error) {
          assert(error instanceof CheckError && /could not be solved/.test(error.message));
          continue;
        }
        had.push(k);
        assert(Math.abs(found - 1) < 0.1, `${found} by ${i} at 2^-${k} in ${dtype}`);
      }
      // Least squares have the square of the condition.
      const most = Math.max(...had);
      const last = i === 0 ? bits : bits / 2;
      assert(most > last - 8 && most < last && had.length > most - 8, `${had} by ${i} in ${dtype}`);
    });
  }
});

Deno.test("derivatives of roots of many unknowns are had by products", () => {
  const n = 200;
  const root = (a: NDArray): NDArray =>
    rootFind((x) => x.mul(x).add(x.mul(0.1)).sub(a), np.ones([n], f64)).value.sum();
  const g = jit(grad(root))(np.full([n], 4, f64)).dataSync();
  const x = (-0.1 + Math.sqrt(0.01 + 16)) / 2;
  assert(g.every((v) => Math.abs(v - 1 / (2 * x + 0.1)) < 1e-10), `${g[0]}`);
});

Deno.test("adjoints are refused where they mean nothing", () => {
  const f = (x: NDArray): NDArray => np.cos(x);
  assertThrows(() => rootFind(f, 1, { adjoint: oneStep() }), TypeError, "implicit()");
  assertThrows(() => leastSquares(f, 1, { adjoint: phantom(2) }), TypeError, "implicit()");
  assertThrows(
    () => minimise((x) => np.cosh(x), 1, { adjoint: unrolled(), solver: nelderMead() }),
    TypeError,
    "values alone",
  );
  // So do all that look at values alone, whose steps have derivatives by chance or none.
  for (const [solve, solver] of [[minimiseScalar, goldenSection()], [bracketRoot, brent()]]) {
    const run = () =>
      (solve as typeof bracketRoot)(f, [1, 4], { adjoint: unrolled(), solver } as never);
    assertThrows(run, TypeError, "adjoint must be implicit(), not unrolled() or checkpointed()");
  }
  assertThrows(() => fixedPoint(f, 1, { adjoint: unrolled as never }), TypeError, "unrolled()");
  assertThrows(() => checkpointed({ checkpoints: 0 }), RangeError, "at least 1");
  assertThrows(
    () => checkpointed({ checkpoint: 3 } as never),
    TypeError,
    "Did you mean checkpoints",
  );
});

/**
 * Derivatives of linear systems are solutions of systems too: where one of these cannot be solved, that is said,
 * forwards and backwards, eagerly and compiled.
 */
import {
  bicgstab,
  cg,
  CheckError,
  cholesky,
  factorise,
  gmres,
  grad,
  hessian,
  implicit,
  jacfwd,
  jit,
  jvp,
  linalg,
  type LinearMethod,
  LinearOperator,
  linearSolve,
  lsmr,
  lu,
  minres,
  type NDArray,
  numpy as np,
  oneStep,
  qr,
  svd,
  tridiagonal,
  vmap,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";

const n = 12;
const f64 = { dtype: "float64" } as const;
const spread = np.arange(n).astype("float64");
// Symmetric and positive definite, with many sizes in it.
const definite = np.diag(spread.add(1)).add(np.cos(spread.reshape([n, 1]).sub(spread)).mul(0.5));
const b = np.sin(spread.mul(3)).add(1);
const db = np.cos(spread);

/** Methods, and how few steps are too few. */
const iterations: readonly [string, LinearMethod, object][] = [
  ["cg()", cg(), { positiveDefinite: true }],
  ["minres()", minres(), { symmetric: true }],
  ["gmres()", gmres(), {}],
  ["bicgstab()", bicgstab(), {}],
  ["lsmr()", lsmr(), {}],
];

const backends = ["interpreter", "cpu"] as const;

for (const [name, solver, tags] of iterations) {
  Deno.test(`${name}: a derivative whose system ends before it is solved is raised, and not given`, () => {
    const solve = (options: object) => (b: NDArray) =>
      linearSolve(LinearOperator.matrix(definite, tags), b, { solver, ...options }).value;
    const short = solve({ adjoint: implicit({ maxSteps: 2 }) });
    const forwards = (f: typeof short) => (b: NDArray) => jvp(f, [b], [db])[1];
    const backwards = (f: typeof short) => grad((b: NDArray) => f(b).mul(db).sum());
    for (const way of [forwards, backwards, (f: typeof short) => jacfwd(f)]) {
      // The solution itself is found.
      assert(np.isFinite(short(b)).all().item());
      const named = name === "lsmr()" ? "LSMR ended" : "ended with status 1 after 2 steps";
      assertThrows(() => way(short)(b), CheckError, named);
      for (const backend of backends) {
        assertThrows(() => jit(way(short), { backend })(b), CheckError, named);
      }
      const silent = solve({ adjoint: implicit({ maxSteps: 2, throw: false }) });
      for (const backend of backends) {
        assert(np.isNaN(jit(way(silent), { backend })(b)).any().item());
        assertClose(
          jit(way(solve({})), { backend })(b),
          way((b) => linalg.solve(definite, b))(b),
          1e-8,
        );
      }
    }
    // With too few steps for both, too.
    assertThrows(() => forwards(solve({ maxSteps: 2 }))(b), CheckError, "could not be solved");
    assertThrows(() => backwards(solve({ maxSteps: 2 }))(b), CheckError, "could not be solved");
    // A tolerance of its own.
    const loose = forwards(solve({ adjoint: implicit({ rtol: 0.5 }) }))(b);
    const off = linalg.norm(definite.matmul(loose).sub(db)).div(linalg.norm(db)).item();
    assert(off > 1e-9 && off < 0.6, `${off}`);
  });
}

const singular = np.ones([2, 2], f64);
const factors: readonly [string, LinearMethod, LinearOperator][] = [
  ["lu()", lu(), LinearOperator.matrix(singular)],
  ["cholesky()", cholesky(), LinearOperator.matrix(arr([[1, 2], [2, 1]]))],
  ["gmres()", gmres(), LinearOperator.matrix(singular)],
  ["minres()", minres(), LinearOperator.matrix(singular, { symmetric: true })],
  [
    "tridiagonal()",
    tridiagonal(),
    LinearOperator.tridiagonal(arr([0, 0]), arr([0, 1]), arr([0, 0])),
  ],
];

for (const [name, solver, a] of factors) {
  Deno.test(`${name}: a system without a solution has no derivative in silence, forwards or backwards`, () => {
    const f = (b: NDArray) => linearSolve(a, b, { solver }).value;
    const [b, db] = [arr([1, 0.5]), arr([1, -2])];
    const ways = [
      (b: NDArray) => jvp(f, [b], [db])[1],
      grad((b: NDArray) => f(b).mul(db).sum()),
      jacfwd(f),
    ];
    for (const way of ways) {
      assertThrows(() => way(b), CheckError, "could not be solved");
      for (const backend of backends) {
        assertThrows(() => jit(way, { backend })(b), CheckError, "could not be solved");
      }
    }
    // What is not asked for is not missed.
    assertEquals(jvp((b: NDArray) => f(b.mul(0)).sum(), [b], [db.mul(0)])[1].item(), 0);
  });
}

Deno.test("of several lanes the one whose derivative fails is named, or is the only one that is NaN", () => {
  const as = np.stack([np.eye(2, f64), singular, np.eye(2, f64).mul(2)]);
  const slope = (options: object) => (a: NDArray) =>
    jvp((b: NDArray) => linearSolve(a, b, options).value, [arr([1, 1])], [arr([1, -2])])[1];
  assertThrows(() => vmap(slope({}))(as), CheckError, "in lane 1 of 3");
  const given = vmap(slope({ adjoint: implicit({ throw: false }) }))(as);
  assertEquals(given.toArray(), [[1, -2], [NaN, NaN], [0.5, -1]]);
});

Deno.test("factors carry the adjoint with them, through compiled code", () => {
  const adjoint = implicit({ throw: false });
  const f = (b: NDArray) => {
    const factors = jit((a: NDArray) => factorise(a, { adjoint }))(singular);
    return factors.solve(b).value.sum();
  };
  assertEquals(grad(f)(arr([1, 1])).toArray(), [NaN, NaN]);
  assertThrows(
    () => grad((b: NDArray) => factorise(singular).solve(b).value.sum())(arr([1, 1])),
    CheckError,
    "transposed system",
  );
});

Deno.test("an adjoint that a linear system has no use for is refused", () => {
  const solve = (adjoint: never) => linearSolve(np.eye(2), np.ones([2]), { adjoint });
  assertThrows(() => solve(oneStep() as never), TypeError, "implicit()");
  assertThrows(
    () => solve(implicit({ linearSolver: "dense" }) as never),
    TypeError,
    "no use for linearSolver here",
  );
  assertThrows(() => solve(implicit({ memory: 3 }) as never), TypeError, "no use for memory");
});

Deno.test("derivatives of least squares are those of lstsq, of any shape and rank", () => {
  const weights = arr([1, -2, 0.5, 3]);
  const full = arr([[1, 2, 0, 1], [0, 1, 1, 0], [2, 0, 1, 1]]);
  const low = arr([[1, 2, 0, 1], [2, 4, 0, 2], [0, 1, 1, 0], [1, 3, 1, 1]]);
  const b = (m: NDArray): NDArray => arr([1, -1, 2, 0.5].slice(0, m.shape[0]));
  const both = { argnums: [0, 1] };
  // Neither of these has a solution: of the last, more rows and more columns than its rank is.
  for (const m of [full, full.T, low, low.at(np.arange(3)), low.T.at(np.arange(3)).T]) {
    const w = weights.at(np.arange(m.shape[1]!));
    for (const solver of [qr(), svd(), lsmr()]) {
      const f = (a: NDArray, b: NDArray) => linearSolve(a, b, { solver }).value.mul(w).sum();
      const g = (a: NDArray, b: NDArray) => linalg.lstsq(a, b).x.mul(w).sum();
      assertClose(grad(f, both)(m, b(m)), grad(g, both)(m, b(m)), 1e-9, solver.description);
      assertClose(jit(grad(f, both))(m, b(m)), grad(g, both)(m, b(m)), 1e-9, solver.description);
      // Forwards, and of the second order.
      const slope = (h: typeof f) => (m: NDArray) => jvp((m) => h(m, b(m)), [m], [m.square()])[1];
      assertClose(slope(f)(m), slope(g)(m), 1e-9, solver.description);
    }
  }
});

Deno.test("second derivatives of least squares are right along what keeps the rank", () => {
  const low = arr([[1, 2, 0, 1], [2, 4, 0, 2], [0, 1, 1, 0]]);
  const [left, right] = [
    np.cos(spread.at(np.arange(9))).reshape([3, 3]),
    np.diag(arr([1, 2, 3, -1])),
  ];
  const [b, w] = [arr([1, -1, 2]), arr([1, -2, 0.5, 3])];
  const along = (t: NDArray) =>
    np.eye(3, f64).add(left.mul(t.at(0))).matmul(low).matmul(
      np.eye(4, f64).add(right.mul(t.at(1))),
    );
  for (const  of of[along, (t: NDArray) => along(t).T]) {
    const [side, weights] = of === along ? [b, w] : [w, b];
    const curve = (solve: (a: NDArray) => NDArray) =>
      hessian((t: NDArray) => solve(of(t)).mul(weights).sum())(arr([0.1, -0.2]));
    const found = curve((a) => linearSolve(a, side, { solver: lsmr(), rtol: 1e-14 }).value);
    assertClose(found, curve((a) => linalg.lstsq(a, side).x), 1e-8);
  }
});

/** `linearSolve`: recorded solutions, how solves fail, what is refused, and trees and module systems. */
import {
  bicgstab,
  cg,
  check,
  cholesky,
  ConvergenceError,
  diagonal,
  factorise,
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
  qr,
  random,
  ShapeError,
  svd,
  TreeError,
  triangular,
  tridiagonal,
  vmap,
} from "../../mod.ts";
import { lowRankUpdate } from "../../lib/solvers/linear/systems.ts";
import { worlds } from "../laws/worlds.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";

interface Recorded {
  readonly name: string;
  readonly solvers: readonly string[];
  readonly a: number[][];
  readonly b: number[];
  readonly x: number[];
  readonly rank: number | null;
  readonly tags: object;
  readonly condition: number | null;
}

const { cases } = JSON.parse(
  Deno.readTextFileSync(new URL("../reference/linear.json", import.meta.url)),
) as { readonly cases: readonly Recorded[] };
const methods: Readonly<Record<string, () => LinearMethod>> = {
  bicgstab,
  cg,
  cholesky,
  gmres,
  lsmr,
  lu,
  minres,
  qr,
  svd,
  triangular,
};

Deno.test("solutions are those of NumPy, SciPy and rational arithmetic", () => {
  for (const { name, solvers, a, b, x, rank, tags, condition } of cases) {
    for (const solver of [undefined, ...solvers]) {
      const s = linearSolve(LinearOperator.matrix(arr(a), tags), arr(b), {
        solver: solver === undefined ? undefined : methods[solver]!(),
        rtol: 1e-14,
      });
      if (solver === undefined && name === "deficient square") {
        assertEquals(s.statusName, "singular", s.message);
        continue;
      }
      assertEquals(s.statusName, "converged", `${name}: ${s.message}`);
      const size = Math.max(...x.map(Math.abs));
      const allowed = 50 * 2 ** -52 * Math.max(condition ?? 0, 100) * size;
      assertClose(s.value, arr(x), allowed, `${name} by ${s.description}`);
      if (rank !== null && s.rank.item() >= 0) assertEquals(s.rank.item(), rank, s.message);
    }
  }
});

const ones = (n: number): NDArray => arr(new Array(n).fill(1));

Deno.test("a solve that fails says how, with numbers, and does not claim to have converged", () => {
  const singular = arr([[1, 2], [2, 4]]);
  const shift = np.roll(np.eye(20, { dtype: "float64" }), 1, 0);
  const failures: readonly [LinearMethod | undefined, NDArray, NDArray, string, string][] = [
    [undefined, singular, arr([1, 1]), "singular", "svd() or qr()"],
    [lu(), arr([[0.1, 0.2], [0.3, 0.6]]), arr([1, 1]), "singular", "of a pivot"],
    [cholesky(), arr([[1, 2], [2, 1]]), arr([1, 1]), "breakdown", "not positive definite"],
    [cholesky(), arr([[1, 1], [1, 1]]), arr([1, 1]), "breakdown", "not positive definite"],
    [cg(), arr([[1, 2], [2, 1]]), arr([1, -1]), "breakdown", "p . A p = -1.00"],
    [gmres({ restart: 10 }), shift, shift.at(0), "stagnated", "restart later"],
    [gmres(), singular, arr([1, 1]), "breakdown", "singular"],
    [gmres(), shift, shift.at(0), "maxSteps", "maxSteps"],
    [gmres(), arr([[NaN, 1], [1, 2]]), arr([1, 1]), "nonfinite", "infinite or NaN"],
    [lu(), arr([[Infinity, 1], [1, 2]]), arr([1, 1]), "nonfinite", "infinite or NaN"],
    [svd(), arr([[NaN, 1], [1, 2]]), arr([1, 1]), "nonfinite", "infinite or NaN"],
    [qr(), arr([[1, 1], [1, NaN]]), arr([1, 1]), "nonfinite", "infinite or NaN"],
    [qr(), arr([[1, 1], [1, 2]]), arr([1, Infinity]), "nonfinite", "infinite or NaN"],
    [lsmr(), arr([[NaN, 1], [1, 2]]), arr([1, 1]), "nonfinite", "infinite or NaN"],
    [bicgstab(), singular, arr([1, NaN]), "nonfinite", "infinite or NaN"],
  ];
  for (const [solver, a, b, status, text] of failures) {
    const maxSteps = status === "maxSteps" ? 5 : 200;
    for (const wrap of [(f: () => unknown) => f, (f: () => unknown) => jit(f as () => NDArray)]) {
      const s = wrap(() => linearSolve(a, b, { solver, maxSteps }))() as ReturnType<
        typeof linearSolve
      >;
      assertEquals(s.statusName, status, s.message);
      assert(s.message.includes(text), s.message);
      assertThrows(() => s.orThrow(), ConvergenceError, text);
    }
  }
  assertThrows(
    () => linearSolve(singular, arr([1, 1]), { throw: true }),
    ConvergenceError,
    "singular",
  );
  const compiled = jit((a: NDArray) => linearSolve(a, ones(2), { throw: true }).value);
  assertClose(compiled(arr([[2, 0], [0, 4]])), arr([0.5, 0.25]));
  assertThrows(() => compiled(singular), Error, "ended with status 5");
  assertEquals(typeof check, "function");
});

Deno.test("what is said of an operator whose elements are stored is held against them", () => {
  const a = arr([[4, 1, 0], [-3, 3, 1], [2, 1, 5]]);
  const bands = [arr([0, 1, 1]), arr([4, 4, 4]), arr([2, 2, 0])] as const;
  const b = arr([1, 2, 3]);
  const untrue: readonly [LinearOperator, LinearMethod | undefined, string][] = [
    [LinearOperator.matrix(a, { symmetric: true }), undefined, "symmetric"],
    [LinearOperator.matrix(a, { symmetric: true }), minres(), "symmetric"],
    [LinearOperator.matrix(a, { positiveDefinite: true }), undefined, "symmetric"],
    [LinearOperator.matrix(a, { positiveDefinite: true }), cg(), "symmetric"],
    [LinearOperator.matrix(a), cholesky(), "symmetric"],
    [LinearOperator.matrix(a, { triangular: "lower" }), undefined, "a lower triangle"],
    [LinearOperator.matrix(a, { triangular: "upper" }), triangular(), "an upper triangle"],
    [LinearOperator.tridiagonal(...bands, { symmetric: true }), undefined, "symmetric"],
  ];
  for (const [operator, solver, what] of untrue) {
    for (const by of [1e-12, 1, 1e9]) {
      const s = linearSolve(operator.scale(by).tagged(operator.tags), b, { solver });
      assertEquals(s.statusName, "breakdown", s.message);
      assert(s.message.includes(`was taken for ${what} and is not`), s.message);
    }
    const factors = jit((a: LinearOperator) => factorise(a, { solver }))(operator);
    assertEquals(factors.solve(b).statusName, "breakdown");
    const slope = grad((b: NDArray) => linearSolve(operator, b, { solver }).value.sum());
    assertThrows(() => slope(b), Error, "could not be solved");
  }
  // What is true but for rounding is.
  const even = arr([[4, 1, 0.1], [1, 3, 0.7], [0.1, 0.7, 5]]);
  const nearly = even.add(a.mul(1e-12));
  const told = LinearOperator.matrix(nearly, { positiveDefinite: true });
  assertEquals(linearSolve(told, b).statusName, "converged");
  assertEquals(
    linearSolve(
      LinearOperator.tridiagonal(arr([7, 1, 2]), arr([4, 4, 4]), arr([1, 2, 9]), {
        symmetric: true,
      }),
      b,
    ).statusName,
    "converged",
  );
});

Deno.test("a function that is not linear is found out where its matrix is written out", () => {
  const affine = linearSolve((x: NDArray) => x.mul(2).add(1), ones(3));
  assertEquals([affine.statusName, affine.message.includes("off by a norm of 1.73")], [
    "breakdown",
    true,
  ]);
  // 0 at 0, and right at each unit vector.
  for (const n of [1, 2, 7]) {
    for (const solver of [lu(), qr(), cholesky()]) {
      const { converged } = linearSolve((x: NDArray) => x.mul(x), ones(n).mul(2), { solver });
      assertEquals(converged, false, `${n} unknowns by ${solver.description}`);
    }
  }
  const cancelling = (x: NDArray) => x.mul(1e5).add(x).sub(x.mul(1e5));
  assertEquals(linearSolve(cancelling, np.ones([3])).converged, true);
});

Deno.test("a matrix that is not finite is said to be so by every method", () => {
  const methods = [lu(), qr(), svd(), cholesky(), cg(), gmres(), bicgstab(), lsmr()];
  for (const solver of methods) {
    for (const bad of [NaN, Infinity]) {
      const { statusName } = linearSolve(arr([[bad, 1], [1, 2]]), ones(2), { solver });
      assertEquals(statusName, "nonfinite", `${bad} by ${solver.description}`);
    }
  }
});

Deno.test("columns whose length is beyond all numbers have no rank that is claimed", () => {
  const a = arr([[1, 1], [1, -1]]).mul(1.5e308);
  for (const solver of [qr(), svd()]) {
    const { value, converged } = linearSolve(a, arr([1.5e308, 0]), { solver });
    if (converged) assertClose(value, [0.5, 0.5], 1e-12);
  }
  const none = linearSolve(np.zeros([2, 2]), np.ones([2]), { solver: qr() });
  assertEquals([none.converged, none.rank.item()], [true, 0]);
});

Deno.test("a system without a solution is said to be solved in the sense of least squares", () => {
  const contradicts = arr([[1, 2], [2, 4]]);
  const said = (solver: LinearMethod) => linearSolve(contradicts, ones(2), { solver }).message;
  assertMatch(said(qr()), /solved in the sense of least squares, rank 1, residual norm 0.447/);
  assertMatch(said(lsmr()), /converged in the sense of least squares after 1 step, residual norm/);
});

Deno.test("bands and updates that are singular are found out, in whatever units, and others solved", () => {
  const systems = (n: number, dtype: "float64" | "float32", key: NDArray) => {
    const [w, d, a, z, v, b] = random.split(key, 6);
    const of = (key: NDArray | undefined, shape: number[]) => random.normal(key!, shape, { dtype });
    const ends = np.zeros([1], { dtype });
    const springs = np.concatenate([ends, np.abs(of(w, [n - 1])).add(0.1), ends]);
    const [low, high] = [springs.slice([0], [n]), springs.slice([1], [n + 1])];
    const units = np.exp(of(d, [n]).mul(dtype === "float64" ? 20 : 5));
    const bands = (extra: number, unit: NDArray) =>
      LinearOperator.tridiagonal(
        low.neg().mul(unit),
        low.add(high).add(extra).mul(unit),
        high.neg().mul(unit),
      );
    const [full, column, row] = [of(a, [n, n]), of(z, [n, 1]), of(v, [n, 1])];
    const base = LinearOperator.matrix(full);
    const right = np.abs(of(b, [n])).add(0.5);
    const one = np.ones([n], { dtype });
    // A A^-1 taken away along a direction.
    const gone = lowRankUpdate(base, full.matmul(column).neg(), row.div(row.mul(column).sum()));
    return [
      [bands(0, one), right, false],
      [bands(0, units), right.mul(units), false],
      [bands(1, one), right, true],
      [bands(1, units), right.mul(units), true],
      [gone, right, false],
      [lowRankUpdate(base, column, row), right, true],
    ] as const;
  };
  for (const dtype of ["float64", "float32"] as const) {
    for (const n of [3, 10, 40]) {
      for (let k = 0; k < 5; k++) {
        systems(n, dtype, random.key(100 * n + k)).forEach(([a, b, solvable], i) => {
          const { converged, message } = linearSolve(a, b);
          assertEquals(converged, solvable, `system ${i} of ${n} in ${dtype}: ${message}`);
        });
      }
    }
  }
  // The condition of -x'' is n^2: here float32 has no digit of the solution.
  const f = (x: number) => np.full([20000], x);
  const { statusName } = linearSolve(LinearOperator.tridiagonal(f(-1), f(2), f(-1)), f(1));
  assertEquals(statusName, "singular");
});

type Six = [NDArray, NDArray, NDArray, NDArray, NDArray, NDArray];

Deno.test("elimination is right in whatever units equations and unknowns are", () => {
  for (const dtype of ["float64", "float32"] as const) {
    const [far, near] = dtype === "float64" ? [30, 1e-8] : [8, 1e-3];
    for (let k = 0; k < 5; k++) {
      const n = 12;
      const drawn = random.normal(random.key(k), [6, n], { dtype });
      const [d, l, u, e, f, b] = [0, 1, 2, 3, 4, 5].map((i) => drawn.at(i)) as Six;
      const power = (x: NDArray) => np.ldexp(np.ones([n], { dtype }), x.mul(far).astype("int32"));
      const [along, below, above] = [np.abs(d).add(3), np.clip(l, -1, 1), np.clip(u, -1, 1)];
      const bands = (rows: NDArray, columns: NDArray) =>
        LinearOperator.tridiagonal(
          below.mul(rows).mul(np.roll(columns, 1)),
          along.mul(rows).mul(columns),
          above.mul(rows).mul(np.roll(columns, -1)),
        );
      const one = np.ones([n], { dtype });
      const [p, q] = [power(e), power(f)];
      const right = linearSolve(bands(one, one), b).value;
      for (const [rows, columns] of [[p, one], [one, q], [p, q]] as const) {
        for (const solver of [lu(), tridiagonal()]) {
          const a = bands(rows, columns);
          const what = `${solver.description} in ${dtype}, key ${k}`;
          const x = linearSolve(a, b.mul(rows), { solver });
          assert(x.converged, `${what}: ${x.message}`);
          assertClose(x.value.mul(columns), right.toArray() as number[], near);
          const back = factorise(a, { solver }).solveTransposed(b.mul(columns));
          assert(back.converged, `${what}, transposed: ${back.message}`);
          const known = factorise(bands(one, one)).solveTransposed(b).value;
          assertClose(back.value.mul(rows), known.toArray() as number[], near);
        }
      }
    }
  }
});

Deno.test("systems in even units and in units of their own are lanes of one program, compiled or not", () => {
  for (const [dtype, near] of [["float64", 1e-12], ["float32", 1e-4]] as const) {
    const n = 6;
    const drawn = random.normal(random.key(7), [n + 2, n], { dtype });
    const a = drawn.slice([0], [n]).add(np.eye(n, { dtype }).mul(4));
    const b = drawn.at(n);
    const one = np.ones([n], { dtype });
    const far = np.ldexp(one, drawn.at(n + 1).mul(9).astype("int32"));
    const x = linearSolve(a, b, { solver: lu() }).value;
    assertClose(a.matmul(x), b.toArray() as number[], near);
    const lanes = [[one, one], [far, one], [one, far], [far, far]] as const;
    const as = np.stack(lanes.map(([r, c]) => a.mul(r.reshape([n, 1])).mul(c)));
    const bs = np.stack(lanes.map(([r]) => b.mul(r)));
    const solve = (a: NDArray, b: NDArray) => linearSolve(a, b, { solver: lu() }).value;
    const each = (a: NDArray, b: NDArray) => np.stack(lanes.map((_, i) => solve(a.at(i), b.at(i))));
    for (const f of [each, jit(each), vmap(solve), jit(vmap(solve))]) {
      const found = f(as, bs);
      lanes.forEach(([, c], i) => assertClose(found.at(i).mul(c), x.toArray() as number[], near));
    }
  }
});

Deno.test("a system of no unknowns is solved by every method", () => {
  for (const solver of [lu(), qr(), svd(), cholesky(), cg(), gmres(), bicgstab(), lsmr()]) {
    assertEquals(linearSolve(np.zeros([0, 0]), np.zeros([0]), { solver }).converged, true);
  }
});

Deno.test("units do not make a matrix singular, and do not hide that it is", () => {
  const sizes = arr([1, 1e-30, 1e20, 1e-8]);
  const a = arr([[4, 1, 0, -1], [2, 5, 1, 0], [0, -1, 3, 1], [1, 0, 2, 6]]);
  for (const m of [a.mul(sizes), a.mul(sizes.reshape([4, 1])), np.diag(sizes)]) {
    assertEquals(linearSolve(m, ones(4)).statusName, "converged");
  }
  const low = arr([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
  for (const size of [1, 1e-12, 1e6]) {
    assertEquals(linearSolve(low.mul(size), arr([1, 0, 0])).statusName, "singular");
  }
});

Deno.test("no method claims to have solved a random system that has no solution", () => {
  for (let k = 0; k < 24; k++) {
    const n = 3 + k % 12;
    const dtype = k % 3 === 0 ? "float32" : "float64";
    const h = random.normal(random.key(k), [n, n - 1 - k % 2], { dtype });
    const other = random.normal(random.key(k + 50), [n - 1 - k % 2, n], { dtype });
    const b = random.normal(random.key(k + 500), [n], { dtype });
    const systems: readonly [LinearOperator, readonly LinearMethod[]][] = [
      [LinearOperator.matrix(h.matmul(other)), [lu(), gmres(), bicgstab()]],
      [LinearOperator.matrix(h.matmul(h.T), { symmetric: true }), [lu(), cg(), minres(), gmres()]],
    ];
    for (const [a, solvers] of systems) {
      for (const solver of solvers) {
        const s = linearSolve(a, b, { solver });
        assert(!s.converged, `${k}: ${s.message}`);
      }
      for (const solver of [qr(), svd(), lsmr()]) {
        assert(linearSolve(a, b, { solver }).converged, `${k}: ${solver.description}`);
      }
    }
  }
});

Deno.test("what does not fit is refused, with what to write instead", () => {
  const a = arr([[2, 1], [0, 4]]);
  const tall = arr([[1, 1], [1, 2], [1, 3]]);
  const bare = linearSolve as unknown as (...args: unknown[]) => unknown;
  const refused: readonly [() => unknown, new (...args: never[]) => Error, string][] = [
    [() => linearSolve(a, ones(3)), ShapeError, "takes a b of shape [2], not [3]"],
    [() => linearSolve(a, a), ShapeError, "vmap"],
    [() => linearSolve(tall, ones(3), { solver: lu() }), ShapeError, "qr(), svd() or lsmr()"],
    [() => linearSolve(tall, ones(3), { solver: gmres() }), ShapeError, "[3,2]"],
    [() => linearSolve(np.stack([a, a]), ones(2)), ShapeError, "vmap"],
    [() => bare([[2]], ones(1)), TypeError, "np.array"],
    [() => bare(a, ones(2), { tol: 1 }), TypeError, "no option tol"],
    [() => bare(a, ones(2), { solver: lu }), TypeError, "Call it: { solver: lu() }"],
    [() => linearSolve(a, ones(2), { rtol: -1 }), RangeError, "rtol"],
    [() => linearSolve(a, ones(2), { preconditioner: (x) => x }), TypeError, "no use"],
    [() => linearSolve(a, ones(2), { solver: minres() }), TypeError, "{ symmetric: true }"],
    [() => linearSolve(a, ones(2), { solver: triangular() }), TypeError, '{ triangular: "lower" }'],
    [() => linearSolve(a, ones(2), { solver: tridiagonal() }), TypeError, "tridiagonal(lower"],
    [() => linearSolve(a, ones(2), { solver: diagonal() }), TypeError, "LinearOperator.diagonal"],
    [() => linearSolve((x: NDArray) => x.sum(), ones(2)), TreeError, "LinearOperator.of(f, x)"],
    [() => gmres({ restart: 0 }), RangeError, "at least 1"],
    [() => lsmr({ damp: -1 }), RangeError, "damp"],
    [() => LinearOperator.matrix(tall, { symmetric: true }), ShapeError, "square"],
    [() => LinearOperator.matrix(a).add(LinearOperator.matrix(tall)), TreeError, "same structure"],
    [() => LinearOperator.tridiagonal(ones(2), ones(3), ones(3)), ShapeError, "[2], [3], [3]"],
  ];
  for (const [call, Kind, text] of refused) assertThrows(call, Kind as typeof TypeError, text);
});

Deno.test("operators: sums, products, scalings, transposes and Jacobians stand for their matrices", () => {
  const [a, c] = [arr([[4, 1, 0], [2, 5, 1], [0, -1, 3]]), arr([[1, 0, 2], [0, 1, 0], [3, 0, 1]])];
  const [A, C] = [
    LinearOperator.matrix(a),
    LinearOperator.of((v: NDArray) => c.matmul(v), ones(3)),
  ];
  const D = LinearOperator.diagonal(arr([1, 2, 3]));
  const T = LinearOperator.tridiagonal(arr([9, 1, 2]), arr([3, 4, 5]), arr([6, 7, 9]));
  const t = arr([[3, 6, 0], [1, 4, 7], [0, 2, 5]]);
  const d = arr([[1, 0, 0], [0, 2, 0], [0, 0, 3]]);
  const eye = np.eye(3, { dtype: "float64" });
  const f = (x: NDArray): NDArray => np.stack([x.at(0).square(), x.at(1).mul(x.at(2)), x.sum()]);
  const J = LinearOperator.jacobian(f, arr([2, 3, 4]));
  const table: readonly [LinearOperator, NDArray][] = [
    [A.add(C), a.add(c)],
    [A.sub(D), a.sub(d)],
    [A.compose(C).scale(-2), a.matmul(c).mul(-2)],
    [A.compose(D), a.matmul(d)],
    [D.compose(D).add(D), d.matmul(d).add(d)],
    [T, t],
    [T.transpose(), t.T],
    [T.transpose().add(D).scale(np.array(2)), t.T.add(d).mul(2)],
    [C.compose(A).transpose(), c.matmul(a).T],
    [LinearOperator.identity(ones(3)).add(T), eye.add(t)],
    [J, arr([[4, 0, 0], [0, 4, 3], [1, 1, 1]])],
    [J.transpose(), arr([[4, 0, 1], [0, 4, 1], [0, 3, 1]])],
  ];
  const [x, b] = [arr([1, -2, 0.5]), arr([1, 2, 3])];
  for (const [operator, m] of table) {
    assertClose(operator.toMatrix(), m, 1e-12, `${operator}`);
    assertClose(operator.apply(x), m.matmul(x), 1e-12, `${operator}`);
    assertClose(operator.transpose().apply(x), m.T.matmul(x), 1e-12, `${operator}`);
    assertClose(linearSolve(operator, b).value, linalg.solve(m, b), 1e-11, `${operator}`);
  }
});

Deno.test("trees: the unknowns and equations have their own structure", () => {
  type Pair = { u: NDArray; v: NDArray[] };
  const b: Pair = { u: arr([[4, 2]]), v: [arr(1)] };
  const f = ({ u, v }: Pair): Pair => ({ u: u.mul(2), v: [v[0]!.sub(u.sum())] });
  for (const solver of [undefined, gmres(), qr(), lsmr()]) {
    const { value } = linearSolve(f, b, { solver });
    assertClose(value, { u: arr([[2, 1]]), v: [arr(4)] }, 1e-10);
  }
  // Three equations for a pair, in the sense of least squares.
  const rows = arr([[1, 1], [1, 2], [1, 3]]);
  const line = LinearOperator.of(
    ({ c, s }: { c: NDArray; s: NDArray }) => rows.matmul(np.stack([c, s])),
    { c: arr(0), s: arr(0) },
  );
  for (const solver of [undefined, svd(), lsmr()]) {
    const { value } = linearSolve(line, arr([1, 2, 4]), { solver });
    assertClose(value, { c: arr(-2 / 3), s: arr(1.5) }, 1e-10);
  }
});

Deno.test("factorise(): many right-hand sides, the transpose, and derivatives", () => {
  const a = arr([[4, 1, 0], [2, 5, 1], [0, -1, 3]]);
  const [b, c] = [arr([1, 2, 3]), arr([0, -1, 1])];
  for (const solver of [lu(), qr(), svd(), gmres(), lsmr(), undefined]) {
    const total = (a: NDArray): NDArray => {
      const factors = factorise(a, { solver, rtol: 1e-14 });
      return factors.solve(b).value.mul(factors.solveTransposed(c).value).sum();
    };
    const want = (a: NDArray): NDArray => linalg.solve(a, b).mul(linalg.solve(a.T, c)).sum();
    assertClose(total(a), want(a), 1e-10);
    assertClose(grad(total)(a), grad(want)(a), 1e-10);
    assertClose(jit(grad(total))(a), grad(want)(a), 1e-10);
    const bs = np.stack([b, c]);
    const factors = factorise(a, { solver });
    assertClose(vmap((b: NDArray) => factors.solve(b).value)(bs).at(1), linalg.solve(a, c), 1e-9);
  }
});

for (const world of worlds) {
  Deno.test(`${world.name}: an operator that uses modules, by products and by factors`, () => {
    const params = { w: arr([[0.3, -0.2], [0.1, 0.4]], "float32"), b: arr([0, 0], "float32") };
    const b = arr([0.6, -0.4], "float32");
    for (const solver of [undefined, gmres()]) {
      const model = (w: NDArray, b: NDArray): NDArray => {
        let out!: NDArray;
        world.apply(world.denseEntries({ w, b: params.b }), () => {
          const { transforms } = world;
          const shifted = (x: NDArray): NDArray => x.sub(world.dense(x));
          out = linearSolve(shifted, b, { solver, transforms }).value;
        });
        return out;
      };
      const want = (w: NDArray, b: NDArray): NDArray => linalg.solve(np.eye(2).sub(w.T), b);
      const slopes = (f: typeof want) =>
        grad((w, b) => f(w, b).square().sum(), { argnums: [0, 1] });
      assertClose(model(params.w, b), want(params.w, b), 1e-4);
      assertClose(jit(model)(params.w, b), want(params.w, b), 1e-4);
      assertClose(jit(slopes(model))(params.w, b), slopes(want)(params.w, b), 1e-4);
    }
  });
}

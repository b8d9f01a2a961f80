/** `linearSolve`: every method against elimination, under every transform and on every backend. */
import {
  bicgstab,
  cg,
  cholesky,
  diagonal,
  exportOnnx,
  gmres,
  grad,
  hessian,
  jit,
  jvp,
  linalg,
  type LinearMethod,
  LinearOperator,
  linearSolve,
  loadBackend,
  lsmr,
  lu,
  minres,
  type NDArray,
  numpy as np,
  qr,
  random,
  svd,
  triangular,
  tridiagonal,
  vjp,
  vmap,
} from "../../mod.ts";
import { kronecker } from "../../lib/solvers/linear/systems.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { openFile } from "../support/files.ts";

await loadBackend("onnx");

const f64 = { dtype: "float64" } as const;
const b = arr([1, -2, 3, 0.5]);
const w = arr([0.3, 1, -1, 2]);
const general = arr([[4, 1, 0, -1], [2, 5, 1, 0], [0, -1, 3, 1], [1, 0, 2, 6]]);
const definite = arr([[4, 1, 0, -1], [1, 5, 1, 0], [0, 1, 3, 1], [-1, 0, 1, 6]]);
const indefinite = definite.sub(np.eye(4, f64).mul(4.5));

/** A method, and operators made of a matrix that it is for. */
interface Case {
  readonly name: string;
  readonly solver: LinearMethod | undefined;
  readonly matrix: NDArray;
  readonly operator: (m: NDArray) => LinearOperator | NDArray;
  /** The matrix that the operator stands for. */
  readonly meant?: (m: NDArray) => NDArray;
  readonly preconditioner?: (m: NDArray) => LinearOperator;
}

const symmetric = (m: NDArray): NDArray => m.add(m.T).mul(0.5);
const known = (m: NDArray, tags: object) => LinearOperator.matrix(symmetric(m), tags);
const inverseDiagonal = (m: NDArray) => LinearOperator.diagonal(np.diagonal(m).pow(-1));
const band = np.tri(4, 4, { ...f64, offset: 1 });
const banded = (m: NDArray) => m.mul(band).mul(band.T);
const functionOf = (m: NDArray) => LinearOperator.of((v: NDArray) => m.matmul(v), b);

const cases: readonly Case[] = [
  { name: "by default", solver: undefined, matrix: general, operator: (m) => m },
  { name: "lu()", solver: lu(), matrix: general, operator: LinearOperator.matrix },
  { name: "qr()", solver: qr(), matrix: general, operator: functionOf },
  { name: "svd()", solver: svd(), matrix: general, operator: (m) => m },
  { name: "lsmr()", solver: lsmr(), matrix: general, operator: (m) => m },
  { name: "lu() of a function", solver: lu(), matrix: general, operator: functionOf },
  {
    name: "a positive definite matrix by default",
    solver: undefined,
    matrix: definite,
    operator: (m) => known(m, { positiveDefinite: true }),
    meant: symmetric,
  },
  {
    name: "cholesky()",
    solver: cholesky(),
    matrix: definite,
    operator: symmetric,
    meant: symmetric,
  },
  {
    name: "a lower triangle",
    solver: triangular(),
    matrix: general,
    operator: (m) => LinearOperator.matrix(np.tril(m), { triangular: "lower" }),
    meant: (m) => np.tril(m),
  },
  {
    name: "an upper triangle by default",
    solver: undefined,
    matrix: general,
    operator: (m) => LinearOperator.matrix(np.triu(m), { triangular: "upper" }),
    meant: (m) => np.triu(m),
  },
  {
    name: "tridiagonal()",
    solver: tridiagonal(),
    matrix: general,
    operator: (m) =>
      LinearOperator.tridiagonal(
        np.concatenate([arr([7]), np.diagonal(m, { offset: -1 })]),
        np.diagonal(m),
        np.concatenate([np.diagonal(m, { offset: 1 }), arr([7])]),
      ),
    meant: banded,
  },
  {
    name: "diagonal()",
    solver: diagonal(),
    matrix: general,
    operator: (m) => LinearOperator.diagonal(np.diagonal(m)),
    meant: (m) => m.mul(np.eye(4, f64)),
  },
  { name: "gmres()", solver: gmres(), matrix: general, operator: (m) => m },
  {
    name: "gmres() that restarts",
    solver: gmres({ restart: 3 }),
    matrix: general,
    operator: functionOf,
  },
  {
    name: "gmres() with a preconditioner",
    solver: gmres(),
    matrix: general,
    operator: (m) => m,
    preconditioner: (m) => LinearOperator.matrix(np.tril(linalg.inv(m))),
  },
  { name: "bicgstab()", solver: bicgstab(), matrix: general, operator: (m) => m },
  {
    name: "bicgstab() with a preconditioner",
    solver: bicgstab(),
    matrix: general,
    operator: functionOf,
    preconditioner: inverseDiagonal,
  },
  { name: "cg()", solver: cg(), matrix: definite, operator: symmetric, meant: symmetric },
  {
    name: "cg() with a preconditioner",
    solver: cg(),
    matrix: definite,
    operator: (m) => known(m, { positiveDefinite: true }),
    meant: symmetric,
    preconditioner: inverseDiagonal,
  },
  {
    name: "minres()",
    solver: minres(),
    matrix: indefinite,
    operator: (m) => known(m, { symmetric: true }),
    meant: symmetric,
  },
  {
    name: "minres() with a preconditioner",
    solver: minres(),
    matrix: indefinite,
    operator: (m) => known(m, { symmetric: true }),
    meant: symmetric,
    preconditioner: (m) => LinearOperator.diagonal(np.diagonal(m).abs().add(1).pow(-1)),
  },
];

const solveBy = ({ operator, solver, preconditioner }: Case) => (m: NDArray, b: NDArray) =>
  linearSolve(operator(m) as LinearOperator, b, {
    solver,
    ...preconditioner === undefined ? {} : { preconditioner: preconditioner(m) },
    rtol: 1e-13,
  });
const wanted = ({ meant = (m) => m }: Case) => (m: NDArray, b: NDArray) =>
  linalg.solve(meant(m), b);

const tolerance = 1e-9;

for (const c of cases) {
  const solve = solveBy(c);
  const want = wanted(c);
  const value = (m: NDArray, b: NDArray): NDArray => solve(m, b).value;
  const { matrix: m } = c;

  Deno.test(`${c.name}: solves, says so, and the residual is that of the equation`, () => {
    const s = solve(m, b);
    assertEquals(s.statusName, "converged", s.message);
    assertClose(s.value, want(m, b), tolerance);
    const residual = linalg.norm(b.sub(np.matmul((c.meant ?? ((m) => m))(m), s.value))).item();
    assert(Math.abs(residual - s.residualNorm.item()) < 1e-14, `${residual}: ${s.report()}`);
    // Neither units nor tiny right-hand sides matter.
    for (const size of [1e-30, 1e12]) {
      assertClose(value(m, b.mul(size)).div(size), want(m, b), tolerance, `${size}`);
      assertClose(value(m.mul(size), b).mul(size), want(m, b), tolerance, `A times ${size}`);
      assert(solve(m.mul(size), b).converged, solve(m.mul(size), b).message);
    }
    assertEquals(value(m, b.mul(0)).abs().max().item(), 0, "of nothing");
  });

  Deno.test(`${c.name}: first and second derivatives are those of the solution`, () => {
    const loss = (f: typeof value) => (m: NDArray, b: NDArray) => f(m, b).mul(w).sum();
    const both = { argnums: [0, 1] };
    const slopes = (f: typeof value) => grad(loss(f), both)(m, b).map((x) => x.add(0));
    assertClose(slopes(value), slopes(want), tolerance);
    const dm = arr([[0.1, 0, 0.3, 1], [0, 1, 0, 0], [0, 0, -1, 2], [0.5, 0, 0, 1]]);
    assertClose(jvp(value, [m, b], [dm, w])[1], jvp(want, [m, b], [dm, w])[1], tolerance);
    const along = (f: typeof value) => (t: NDArray) => loss(f)(m.add(dm.mul(t)), b.add(w.mul(t)));
    assertClose(hessian(along(value))(arr(0)), hessian(along(want))(arr(0)), 1e-7);
    const [y, push] = [value(m, b), (t: NDArray) => jvp((b: NDArray) => value(m, b), [b], [t])[1]];
    const [pulled] = vjp((b: NDArray) => value(m, b), [b])[1](w);
    const [left, right] = [push(b).mul(w).sum().item(), pulled.mul(b).sum().item()];
    assert(Math.abs(left - right) < 1e-9 * Math.abs(left), `${left} and ${right}; ${y.shape}`);
  });

  Deno.test(`${c.name}: compiled code and files give what eager code gives, and lanes do not mix`, async () => {
    const all = (m: NDArray, b: NDArray): NDArray[] => {
      const s = solve(m, b);
      return [s.value, s.status, s.residualNorm.less(1e-11)];
    };
    const slopes = (m: NDArray, b: NDArray) =>
      grad((m: NDArray, b: NDArray) => value(m, b).mul(w).sum(), { argnums: [0, 1] })(m, b);
    for (const backend of ["cpu", "onnx", "interpreter"]) {
      assertClose(jit(all, { backend })(m, b), all(m, b), tolerance, backend);
      assertClose(jit(slopes, { backend })(m, b), slopes(m, b), tolerance, `${backend}: slopes`);
    }
    const file = await openFile(exportOnnx(all, m, b), "all");
    try {
      assertClose(await file.run([m, b]), all(m, b), tolerance, "the file");
    } finally {
      await file.release();
    }
    const bs = np.stack([b, w, b.mul(NaN)]);
    const lanes = vmap(solve, { inAxes: [null, 0] })(m, bs);
    assertClose(lanes.value.at(1), want(m, w), tolerance);
    assertEquals(lanes.status.toArray(), [0, 0, 2], lanes.message);
    const healthy = vmap(solve, { inAxes: [null, 0] })(m, np.stack([b, w, w]));
    assertEquals(healthy.value.at(0).toArray(), lanes.value.at(0).toArray());
    const ms = np.stack([m, m.mul(2)]);
    assertClose(
      jit(vmap(value, { inAxes: [0, null] }))(ms, b),
      np.stack([want(m, b), want(m.mul(2), b)]),
      tolerance,
    );
  });
}

Deno.test("what elimination loses by elements that grow is not claimed: Wilkinson's matrices", () => {
  for (const dtype of ["float64", "float32"] as const) {
    const eps = dtype === "float64" ? 2 ** -52 : 2 ** -23;
    for (const n of [5, 10, 20, 30, 40, 60]) {
      // Elements of the last column double with each row, and the matrix is well conditioned.
      const rows = Array.from(
        { length: n },
        (_, i) => Array.from({ length: n }, (_, j) => j === i || j === n - 1 ? 1 : -(+(i > j))),
      );
      const a = np.array(rows, { dtype });
      const x = np.array(rows.map((_, i) => 1 + (i * 7 % 5) / 3), { dtype });
      const whole = LinearOperator.matrix(a);
      const pair = kronecker(whole, LinearOperator.diagonal(np.ones([2], { dtype })));
      const two = np.stack([x, x], 1).reshape([2 * n]);
      for (const [operator, x0] of [[whole, x], [pair, two]] as const) {
        const b = operator.apply(x0);
        const s = linearSolve(operator, b);
        const left = linalg.norm(b.sub(operator.apply(s.value))).div(linalg.norm(b)).item();
        const grows = 2 ** n > 4 / eps;
        assert(!s.converged || left <= Math.sqrt(eps), `${dtype}, ${n}: ${s.message}`);
        assert(s.converged || left > eps, `${dtype}, ${n}: ${s.message}`);
        assert(!grows || s.message.includes("grew by a factor"), `${dtype}, ${n}: ${s.message}`);
      }
      const sure = linearSolve(a, np.matmul(a, x), { solver: qr() });
      assertClose(sure.value, x.toArray() as number[], 1000 * n * eps);
    }
  }
});

Deno.test("what LSMR claims of a system that has a solution is one, whatever its condition", () => {
  let claims = 0;
  for (const [dtype, rtol] of [["float64", 2e-12], ["float32", 6e-6]] as const) {
    const solve = jit((a: NDArray, b: NDArray) => linearSolve(a, b, { solver: lsmr() }));
    for (let k = 0; k < 48; k++) {
      const n = [4, 8, 12][k % 3]!;
      const condition = 10 ** (dtype === "float64" ? k % 8 : k % 4);
      const keys = random.split(random.key(k), 3);
      const draw = (i: number, shape: number[]) => random.normal(keys.at(i), shape, { dtype });
      const turn = (i: number) => linalg.qr(draw(i, [n, n])).q;
      const sizes = np.power(condition, np.arange(n).astype(dtype).div(1 - n));
      const a = turn(0).mul(sizes).matmul(turn(1));
      const b = a.matmul(draw(2, [n]));
      const { value, converged, message } = solve(a, b);
      if (!converged) continue;
      claims++;
      const left = linalg.norm(b.sub(a.matmul(value))).item();
      // |A| is 1.
      const floor = 20 * n * (dtype === "float64" ? 2 ** -52 : 2 ** -23);
      const most = Math.max(rtol * linalg.norm(b).item(), floor * linalg.norm(value).item());
      assert(left <= most, `key ${k}, ${n} of condition ${condition} in ${dtype}: ${message}`);
    }
  }
  assert(claims > 80, `${claims} of 96 claimed`);
});

/** Approximate inverses: what they are, that they help, and that derivatives do not know of them. */
import {
  bicgstab,
  blockJacobi,
  cg,
  DTypeError,
  gmres,
  grad,
  jacobi,
  jit,
  linalg,
  LinearOperator,
  linearSolve,
  type NDArray,
  numpy as np,
  ShapeError,
  ssor,
  vmap,
} from "../../mod.ts";
import { chebyshev, incompleteCholesky, neumann } from "../../lib/solvers/linear/systems.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const n = 12;
const f64 = (x: NDArray): NDArray => x.astype("float64");
const entries = (i: number, j: number, skew: number): number =>
  (i === j ? 4 + 3 ** (i % 6) : 0) + Math.cos(3 * i + 3 * j) + skew * Math.sin(2 * i - j);
const matrixOf = (skew: number): NDArray =>
  np.array(
    Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => entries(i, j, skew))),
    { dtype: "float64" },
  );
// Symmetric and positive definite, and neither.
const [even, skew] = [matrixOf(0), matrixOf(0.5)];
const b = f64(np.sin(np.arange(n)));
const identity = f64(np.eye(n));
const makers: Record<string, (a: NDArray | LinearOperator) => LinearOperator> = {
  jacobi: (a) => jacobi(a),
  "blockJacobi of 3": (a) => blockJacobi(a, 3),
  "blockJacobi of 5, the last of 2": (a) => blockJacobi(a, 5),
  ssor: (a) => ssor(a),
  "ssor, omega 1.3": (a) => ssor(a, { omega: 1.3 }),
  neumann: (a) => neumann(a),
  chebyshev: (a) => chebyshev(a),
  incompleteCholesky: (a) => incompleteCholesky(a),
};

Deno.test("preconditioners are what their formulas say", () => {
  for (const a of [even, skew]) {
    const d = np.diag(np.diag(a));
    const [l, u] = [np.tril(a).sub(d), np.triu(a).sub(d)];
    assertClose(jacobi(a).toMatrix(), linalg.inv(d));
    for (const w of [1, 1.3, 0.4]) {
      const [down, up] = [d.add(l.mul(w)), d.add(u.mul(w))];
      const product = down.matmul(linalg.inv(d)).matmul(up).div(w * (2 - w));
      assertClose(ssor(a, { omega: w }).toMatrix(), linalg.inv(product));
    }
    for (const size of [1, 3, 5, 12, 20]) {
      const own = Array.from(
        { length: n },
        (_, i) =>
          Array.from(
            { length: n },
            (_, j) => Math.floor(i / size) === Math.floor(j / size) ? 1 : 0,
          ),
      );
      const blocks = a.mul(np.array(own, { dtype: "float64" }));
      assertClose(blockJacobi(a, size).toMatrix(), linalg.inv(blocks));
    }
  }
});

for (const [name, make] of Object.entries(makers)) {
  Deno.test(`${name}: fewer steps to the same solution, with the same derivatives`, () => {
    for (const [a, solver] of [[even, cg()], [skew, gmres()], [skew, bicgstab()]] as const) {
      const solve = (a: NDArray, b: NDArray, helped: boolean) =>
        linearSolve(a, b, { solver, ...(helped ? { preconditioner: make(a) } : {}) });
      const [helped, plain] = [true, false].map((h) =>
        jit((a: NDArray, b: NDArray) => solve(a, b, h))(a, b)
      );
      assertEquals(
        [helped!.statusName, plain!.statusName],
        ["converged", "converged"],
        helped!.message,
      );
      assert(helped!.steps.item() <= plain!.steps.item(), `${helped!.steps} and ${plain!.steps}`);
      const right = linalg.solve(a, b);
      assertClose(helped!.value, right, 1e-9);
      const weights = f64(np.cos(np.arange(n)));
      const slopes = jit(grad((a: NDArray) => solve(a, b, true).value.mul(weights).sum()))(a);
      const dense = grad((a: NDArray) => linalg.solve(a, b).mul(weights).sum())(a);
      assertClose(slopes, dense, 1e-8);
      const lanes = vmap((b: NDArray) => solve(a, b, true).value)(np.stack([b, b.mul(-3)]));
      assertClose(lanes.at(1), right.mul(-3), 1e-9);
    }
  });

  Deno.test(`${name}: of an operator on trees that is a function`, () => {
    type Pair = { u: NDArray; v: NDArray };
    const cut = (x: NDArray): Pair => ({ u: x.slice([0], [5]), v: x.slice([5], [n]) });
    const f = ({ u, v }: Pair): Pair => cut(even.matmul(np.concatenate([u, v])));
    const a = LinearOperator.of(f, cut(b), { positiveDefinite: true });
    const preconditioner = make(a as never) as never;
    const s = linearSolve(a, cut(b), { solver: cg(), preconditioner });
    assertEquals(s.statusName, "converged", s.message);
    assertClose(np.concatenate([s.value.u, s.value.v]), linalg.solve(even, b), 1e-9);
  });
}

Deno.test("polynomials of an operator are what their formulas say, with bounds or without", () => {
  const inverse = np.diag(np.diag(even).pow(-1));
  const k = identity.sub(inverse.matmul(even));
  let sum = identity;
  for (const terms of [1, 2, 3, 4]) {
    assertClose(neumann(even, { terms }).toMatrix(), sum.matmul(inverse), 1e-12, `${terms}`);
    sum = identity.add(k.matmul(sum));
  }
  // I - A p(A) is Chebyshev's polynomial, by its recurrence, on the eigenvalues.
  const values = np.linspace(2, 9, n).astype("float64");
  const a = LinearOperator.diagonal(values, { positiveDefinite: true });
  for (const degree of [1, 2, 5]) {
    const p = np.diagonal(chebyshev(a, { degree, bounds: [2, 9] }).toMatrix());
    const t = (x: NDArray | number): NDArray => {
      let [before, now] = [np.onesLike(values), np.multiply(np.onesLike(values), x)];
      for (let i = 0; i < degree; i++) [before, now] = [now, now.mul(x).mul(2).sub(before)];
      return now;
    };
    const want = t(values.mul(-2).add(11).div(7)).div(t(11 / 7));
    assertClose(np.subtract(1, values.mul(p)), want, 1e-12, `${degree}`);
  }
  // Of an operator that is not symmetric the transpose is the polynomial of the transpose.
  const p = chebyshev(skew, { bounds: [1, 300] });
  const back = chebyshev(skew.T, { bounds: [1, 300] });
  assertClose(p.transpose().toMatrix(), back.toMatrix(), 1e-12);
  // Positive definite by bounds that are estimated, whatever the units.
  for (const size of [1e-12, 1, 1e9]) {
    const m = chebyshev(even.mul(size)).toMatrix().mul(size);
    assert(linalg.eigvalsh(m).min().item() > 0, `${size}`);
  }
});

Deno.test("incomplete factors are those of A where it has elements, and of a band they are whole", () => {
  // A grid of 4 by 3 points, whose factor fills in.
  const grid = np.array(
    Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => {
        const next = Math.abs(i - j) === 4 || (Math.abs(i - j) === 1 && Math.max(i, j) % 4 !== 0);
        return i === j ? 4 : next ? -1 : 0;
      })),
    { dtype: "float64" },
  );
  const product = linalg.inv(incompleteCholesky(grid).toMatrix());
  const held = grid.notEqual(0);
  // The product has the elements of A where A has some, and others beside.
  assertClose(np.where(held, product, 0), grid, 1e-12);
  assert(product.sub(grid).abs().max().item() > 0.1);
  const band = np.tril(np.triu(even, -1), 1);
  assertClose(incompleteCholesky(band).toMatrix(), linalg.inv(band), 1e-9);
  assertClose(incompleteCholesky(even).toMatrix(), linalg.inv(even), 1e-9);
  const narrow = incompleteCholesky(even, { bandwidth: 1 }).toMatrix();
  assertClose(narrow, incompleteCholesky(band).toMatrix(), 1e-9);
  const pattern = band.notEqual(0);
  assertClose(incompleteCholesky(even, { pattern }).toMatrix(), narrow, 1e-12);
  assertClose(
    incompleteCholesky(even, { bandwidth: 0 }).toMatrix(),
    jacobi(even).toMatrix(),
    1e-12,
  );
  // Kershaw's matrix, which has no incomplete factors, is given a larger diagonal.
  const kershaw = np.array([[3, -2, 0, 2], [-2, 3, -2, 0], [0, -2, 3, -2], [2, 0, -2, 3]], {
    dtype: "float64",
  });
  const near = incompleteCholesky(kershaw).toMatrix();
  assert(linalg.eigvalsh(near).min().item() > 0);
  for (const dtype of ["float32", "float64"] as const) {
    const a = LinearOperator.matrix(kershaw.astype(dtype), { positiveDefinite: true });
    const b = np.array([1, 2, 3, 4], { dtype });
    const s = linearSolve(a, b, { solver: cg(), preconditioner: incompleteCholesky(a) });
    assert(s.converged, s.message);
  }
});

Deno.test("what a preconditioner cannot be made of is said", () => {
  const wide = np.ones([2, 3]);
  for (const make of Object.values(makers)) {
    assertThrows(() => make(wide), ShapeError, "must be square, not of shape [2,3]");
    assertThrows(
      () => make(3 as never),
      TypeError,
      "a must be a matrix or a LinearOperator, not number 3",
    );
  }
  assertThrows(() => ssor(identity, { omega: 2 }), RangeError, "omega must be in (0, 2), not 2");
  assertThrows(() => blockJacobi(identity, 0), RangeError, "size must be at least 1");
  assertThrows(() => blockJacobi(identity, 1.5), RangeError, "blockJacobi: size");
  assertThrows(() => neumann(identity, { terms: 0 }), RangeError, "terms must be at least 1");
  assertThrows(() => chebyshev(identity, { degree: 0 }), RangeError, "degree must be at least 1");
  for (const bounds of [[2, 1], [0, 1], [1, Infinity], [1], 3]) {
    assertThrows(
      () => chebyshev(identity, { bounds: bounds as never }),
      RangeError,
      "0 < least < largest",
    );
  }
  assertThrows(
    () => incompleteCholesky(identity, { pattern: np.ones([2, 2]) }),
    ShapeError,
    "of shape [12,12], as A is, not of shape [2,2]",
  );
  assertThrows(() => incompleteCholesky(identity, { bandwidth: -1 }), RangeError, "bandwidth");
  assertThrows(
    () =>
      linearSolve(np.eye(12, { dtype: "float64" }), np.ones([12], { dtype: "float64" }), {
        solver: cg(),
        preconditioner: jacobi(np.eye(12)),
      }),
    DTypeError,
    "the system is float64, but the preconditioner is a function of float32",
  );
  // A diagonal of zeros is left as it is.
  assertEquals(jacobi(np.zeros([2, 2])).toMatrix().toArray(), [[1, 0], [0, 1]]);
});

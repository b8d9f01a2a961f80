/** Approximate inverses: what they are, that they help, and that derivatives do not know of them. */
import {
  bicgstab,
  blockJacobi,
  cg,
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
  // A diagonal of zeros is left as it is.
  assertEquals(jacobi(np.zeros([2, 2])).toMatrix().toArray(), [[1, 0], [0, 1]]);
});

/**
 * Determinants: derivatives to third order of matrices of any rank, against minors; slogdet against
 * inverses; and programs of linear algebra, which are as long for any size of the matrices.
 */
import { cofactors } from "../../lib/linalg/determinant.ts";
import {
  exportOnnx,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  linalg,
  makeJaxpr,
  type NDArray,
  numpy as np,
  vmap,
} from "../../mod.ts";
import { assertClose, make } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { Random } from "../support/random.ts";

type F = (a: NDArray) => NDArray;
type Rows = readonly (readonly number[])[];

/** By expansion along the first row. */
function expansion(rows: Rows): number {
  if (rows.length === 0) return 1;
  return rows[0]!.reduce((sum, x, j) => {
    if (x === 0) return sum;
    const minor = rows.slice(1).map((row) => row.filter((_, k) => k !== j));
    return sum + (j % 2 === 0 ? x : -x) * expansion(minor);
  }, 0);
}

/** The derivative of the determinant by some of its elements, counted row by row. */
function derivative(rows: Rows, elements: readonly number[]): number {
  const n = rows.length;
  const places = elements.map((e) => [Math.floor(e / n), e % n] as const);
  for (const side of [0, 1] as const) {
    if (new Set(places.map((p) => p[side])).size < places.length) return 0;
  }
  const replaced = rows.map((row) => [...row]);
  for (const [i, j] of places) replaced[i] = replaced[i]!.map((_, k) => k === j ? 1 : 0);
  return expansion(replaced);
}

/** All derivatives of an order, as an array of `order` axes of n^2 elements, flat. */
function derivatives(rows: Rows, order: number): number[] {
  const size = rows.length ** 2;
  return Array.from({ length: size ** order }, (_, at) => {
    const elements = Array.from({ length: order }, (_, k) => Math.floor(at / size ** k) % size);
    return derivative(rows, elements);
  });
}

/** A matrix of small whole numbers, the product of two with `rank` columns and rows. */
function ofRank(n: number, rank: number): Rows {
  const random = new Random(`determinant ${n} ${rank}`);
  const draw = (k: number, m: number): number[][] =>
    Array.from({ length: k }, () => Array.from({ length: m }, () => random.integer(-4, 5)));
  const [left, right] = [draw(n, rank), draw(rank, n)];
  return left.map((row) =>
    Array.from({ length: n }, (_, j) => row.reduce((sum, x, k) => sum + x * right[k]![j]!, 0))
  );
}

const float64 = (rows: Rows): NDArray =>
  make({ shape: [rows.length, rows.length], dtype: "float64" }, rows.flat());

/** Near to `expected`, row by row, relative to the largest. */
function assertNear(what: string, actual: NDArray, expected: readonly number[], eps: number): void {
  assertClose(actual.ravel(), expected, eps, what);
}

const orders: readonly Readonly<Record<string, F>>[] = [
  { value: linalg.det },
  { reverse: grad(linalg.det) as F, forward: jacfwd(linalg.det) as F },
  {
    "forward over reverse": hessian(linalg.det) as F,
    "reverse over forward": jacrev(jacfwd(linalg.det)) as F,
    "forward over forward": jacfwd(jacfwd(linalg.det)) as F,
    "reverse over reverse": jacrev(jacrev(linalg.det)) as F,
  },
  {
    "forward over all": jacfwd(hessian(linalg.det)) as F,
    "reverse over all": jacrev(jacrev(jacfwd(linalg.det))) as F,
  },
];

for (const n of [1, 2, 3, 4, 5]) {
  for (const rank of [n, n - 1, n - 2, n - 3].filter((r) => r >= 0)) {
    Deno.test(`det of ${n} rows and rank ${rank}: derivatives to third order are minors`, () => {
      const rows = ofRank(n, rank);
      const [a, single] = [float64(rows), float64(rows).astype("float32")];
      orders.forEach((modes, order) => {
        // The third of five rows are 15,625 minors.
        if (order === 3 && n === 5) return;
        const expected = derivatives(rows, order);
        // Errors are relative to products of elements, which are larger than their sums.
        const scale = Math.max(...rows.flat().map(Math.abs), 1) ** Math.max(0, n - order);
        for (const [mode, d] of Object.entries(modes)) {
          const what = `order ${order}, ${mode}`;
          const eps = scale / Math.max(1, ...expected.map(Math.abs));
          assertNear(what, d(a), expected, 1e-13 * eps);
          assertNear(`${what}, float32`, d(single), expected, 1e-5 * eps);
          assertNear(`${what}, compiled`, jit(d)(a), expected, 1e-13 * eps);
          assertNear(`${what}, compiled, float32`, jit(d)(single), expected, 1e-5 * eps);
        }
      });
    });
  }
}

Deno.test("det of a stack of matrices of several ranks is that of each", () => {
  const stack = [4, 3, 2, 1, 0].map((rank) => ofRank(4, rank));
  const a = np.stack(stack.map(float64));
  for (
    const [order, d] of [linalg.det, grad(linalg.det) as F, hessian(linalg.det) as F].entries()
  ) {
    const expected = stack.flatMap((rows) => derivatives(rows, order));
    assertNear(`order ${order}`, (vmap(d) as F)(a), expected, 1e-12);
    assertNear(`order ${order}, compiled`, jit(vmap(d) as F)(a), expected, 1e-12);
  }
  assertEquals(linalg.det(np.reshape(a, [5, 1, 4, 4])).shape, [5, 1]);
});

Deno.test("fourth derivatives of det are right for invertible matrices, and not finite for others", () => {
  const fourth: F = (a) => jacfwd(jacfwd(hessian(linalg.det)))(a) as NDArray;
  const rows = ofRank(4, 4);
  const along = (a: NDArray): NDArray => (fourth(a)).reshape([16 ** 4]);
  assertNear("rank 4", along(float64(rows)), derivatives(rows, 4), 1e-11);
  const singular = along(float64(ofRank(4, 3))).dataSync();
  assert(singular.some((v) => !Number.isFinite(v)), "all fourth derivatives are finite");
});

Deno.test("slogdet: signs have no slope, and logarithms have the inverse's", () => {
  const a = float64(ofRank(4, 4));
  const { sign, logabsdet } = linalg.slogdet(a);
  const det = linalg.det(a).item() as number;
  assertEquals(sign.item(), Math.sign(det));
  assertNear("logarithm", logabsdet, [Math.log(Math.abs(det))], 1e-14);
  const inverse = linalg.inv(a);
  const logarithm: F = (a) => linalg.slogdet(a).logabsdet;
  const slope = Array.from(inverse.T.dataSync());
  for (const d of [grad(logarithm), jacfwd(logarithm), jit(grad(logarithm))] as F[]) {
    assertNear("slope", d(a), slope, 1e-13);
  }
  // d inv(a)_ji / d a_kl = -inv(a)_jk inv(a)_li
  const second = np.einsum("jk,li->ijkl", inverse, inverse).mul(-1);
  for (const d of [hessian(logarithm), jacrev(jacrev(logarithm))] as F[]) {
    assertNear("second", d(a), Array.from(second.dataSync()), 1e-13);
  }
  assertEquals(
    grad((a: NDArray) => linalg.slogdet(a).sign)(a).toArray(),
    np.zerosLike(a).toArray(),
  );
});

Deno.test("slogdet of a singular matrix is 0 and -Infinity", () => {
  for (const f of [linalg.slogdet, jit(linalg.slogdet)]) {
    const { sign, logabsdet } = f(np.array([[0, 0], [0, 3]]));
    assertEquals([Math.abs(sign.item() as number), logabsdet.item()], [0, -Infinity]);
  }
});

Deno.test("det and slogdet of no rows are those of 1", () => {
  const none = np.zeros([2, 0, 0]);
  assertEquals(linalg.det(none).toArray(), [1, 1]);
  const { sign, logabsdet } = linalg.slogdet(none);
  assertEquals([sign.toArray(), logabsdet.toArray()], [[1, 1], [0, 0]]);
});

Deno.test("a NaN in a matrix is one in its determinant, and not an endless search for a pivot", () => {
  for (const place of [0, 4, 8]) {
    const a = make(
      { shape: [3, 3], dtype: "float64" },
      [1, 2, 3, 4, 5, 6, 7, 8, 10].with(place, NaN),
    );
    for (const f of [linalg.det, jit(linalg.det)]) assert(Number.isNaN(f(a).item()), `at ${place}`);
    assert(grad(linalg.det)(a).dataSync().some(Number.isNaN), `gradient, at ${place}`);
  }
});

Deno.test("changes of a matrix must have its shape", () => {
  assertThrows(
    () => cofactors(np.eye(2), np.eye(3)),
    TypeError,
    "cofactors: a change of shape [3,3] does not fit a matrix of shape [2,2]",
  );
});

Deno.test("programs of linear algebra, and of their derivatives, are as long for any size", () => {
  const ones: F = (a) => np.ones([a.shape[0]!]);
  const functions: Readonly<Record<string, F>> = {
    det: linalg.det,
    slogdet: (a) => linalg.slogdet(a).logabsdet,
    inv: (a) => linalg.inv(a).sum(),
    solve: (a) => linalg.solve(a, ones(a)).sum(),
    norm: (a) => linalg.norm(a),
  };
  for (const [name, f] of Object.entries(functions)) {
    const along: F = (a) => jacfwd((t: NDArray) => grad(f)(a.add(t)).sum())(np.ones([])) as NDArray;
    for (const [order, d] of [f, grad(f) as F, along].entries()) {
      const lines = [70, 140].map((n) => String(makeJaxpr(d)(np.eye(n))).split("\n").length);
      assertEquals(lines[1], lines[0], `${name}, order ${order}: lines of the program`);
      // Numbers in it may have another digit.
      const [small, large] = [70, 140].map((n) => exportOnnx(d, np.eye(n)).length);
      assert(large! - small! < 64, `${name}, order ${order}: ${small} and ${large} bytes`);
    }
  }
});

/**
 * Laws of the decompositions and of what is made of them: derivatives of first and second order against
 * differences, maps over batches, singular matrices, errors.
 *
 * @module
 */
import {
  grad,
  hessian,
  jit,
  jvp,
  linalg,
  loadBackend,
  type NDArray,
  numpy as np,
  vjp,
  vmap,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { Random } from "../support/random.ts";

await loadBackend("onnx");

const f64 = { dtype: "float64" } as const;
const random = new Random("laws of linalg");

function matrix(m: number, n: number): NDArray {
  return np.array(Array.from({ length: m * n }, () => random.uniform(-1, 1)), f64).reshape([m, n]);
}

function near(what: string, x: NDArray, y: NDArray, tolerance: number): void {
  assertEquals([...x.shape], [...y.shape], what);
  const [a, b] = [x.dataSync(), y.dataSync()];
  let scale = 1;
  for (const v of b) scale = Math.max(scale, Math.abs(v));
  a.forEach((v, i) =>
    assert(Math.abs(v - b[i]!) <= tolerance * scale, `${what}: element ${i}: ${v}, ${b[i]}`)
  );
}

/** A number made of all elements of results, with weights of their own. */
function weighted(...xs: readonly NDArray[]): NDArray {
  return xs.map((x) => {
    const weights = Array.from({ length: x.size }, (_, i) => Math.cos(i + 1));
    return x.ravel().mul(np.array(weights, f64)).sum();
  }).reduce((a, b) => a.add(b));
}

const symmetric = (x: NDArray): NDArray => x.add(x.T);
const positive = (x: NDArray): NDArray => np.matmul(x, x.T).add(np.eye(x.shape[0]!, f64));

/** Functions of a matrix to a number, and the matrix. */
const functions: Readonly<Record<string, readonly [f: (x: NDArray) => NDArray, x: NDArray]>> = {
  cholesky: [(x) => weighted(linalg.cholesky(positive(x))), matrix(3, 3)],
  "lu, tall": [(x) => weighted(linalg.lu(x).l, linalg.lu(x).u), matrix(4, 2)],
  "lu, wide": [(x) => weighted(linalg.lu(x).l, linalg.lu(x).u), matrix(2, 4)],
  qr: [(x) => weighted(linalg.qr(x).q, linalg.qr(x).r), matrix(3, 3)],
  "qr, tall": [(x) => weighted(linalg.qr(x).q, linalg.qr(x).r), matrix(4, 2)],
  "qr, wide": [(x) => weighted(linalg.qr(x).q, linalg.qr(x).r), matrix(2, 4)],
  eigh: [
    (x) => {
      const { eigenvalues, eigenvectors } = linalg.eigh(symmetric(x));
      return weighted(eigenvalues, eigenvectors);
    },
    matrix(3, 3),
  ],
  eigvalsh: [(x) => weighted(linalg.eigvalsh(symmetric(x))), matrix(4, 4)],
  eigvals: [
    (x) => weighted(linalg.eigvals(x).re, linalg.eigvals(x).im),
    np.array([1, 2, -1, 0.3, -2, 1, 0.5, 1, 0.25, 1, 3, 0.7, -0.2, 0.4, 1, -1], f64).reshape([
      4,
      4,
    ]),
  ],
  eig: [
    (x) => {
      const { eigenvalues: w, eigenvectors: v } = linalg.eig(x);
      return weighted(w.re, w.im, v.re, v.im);
    },
    np.array([1, 2, -1, -2, 1, 0.5, 0.25, 1, 3], f64).reshape([3, 3]),
  ],
  solveSylvester: [
    (x) => weighted(linalg.solveSylvester(positive(x), x.mul(x).add(np.eye(3, f64)), x)),
    matrix(3, 3).mul(0.5),
  ],
  sqrtm: [(x) => weighted(linalg.sqrtm(positive(x).add(x)).re), matrix(3, 3).mul(0.5)],
  "sqrtm with imaginary parts": [
    (x) => weighted(linalg.sqrtm(x).re, linalg.sqrtm(x).im),
    np.array([1, 2, -1, 0.5, -3, 1, 0.25, 1, 2], f64).reshape([3, 3]),
  ],
  svd: [
    (x) => {
      const { u, s, vh } = linalg.svd(x, { fullMatrices: false });
      return weighted(u, s, vh);
    },
    matrix(3, 2),
  ],
  "svd, wide": [
    (x) => {
      const { u, s, vh } = linalg.svd(x, { fullMatrices: false });
      return weighted(u, s, vh);
    },
    matrix(2, 3),
  ],
  svdvals: [(x) => weighted(linalg.svdvals(x)), matrix(3, 3)],
  solve: [(x) => weighted(linalg.solve(x, x.T.mul(x))), matrix(3, 3)],
  "luSolve of a transpose": [
    (x) => weighted(linalg.luSolve(linalg.luFactor(x), x.mul(x), { trans: 1 })),
    matrix(3, 3),
  ],
  choSolve: [(x) => weighted(linalg.choSolve(linalg.choFactor(positive(x)), x)), matrix(3, 3)],
  inv: [(x) => weighted(linalg.inv(x)), matrix(3, 3)],
  lstsq: [(x) => weighted(linalg.lstsq(x, x.mul(x)).x), matrix(4, 2)],
  "lstsq, wide": [(x) => weighted(linalg.lstsq(x, x.mul(x)).x), matrix(2, 4)],
  pinv: [(x) => weighted(linalg.pinv(x)), matrix(3, 2)],
  "pinv of equal singular values": [(x) => weighted(linalg.pinv(x)), np.eye(3, f64)],
  "pinv of rank 1": [
    (x) => weighted(linalg.pinv(np.outer(x.at(0), x.at(1)))),
    matrix(2, 3),
  ],
  expm: [(x) => weighted(linalg.expm(x.mul(4))), matrix(3, 3)],
  "expm of 0": [(x) => weighted(linalg.expm(x)), np.zeros([2, 2], f64)],
  "power -3": [
    (x) => weighted(linalg.matrixPower(x, -3)),
    np.eye(2, f64).add(matrix(2, 2).mul(0.3)),
  ],
  "norm 2": [(x) => linalg.norm(x, { ord: 2 }), matrix(3, 2)],
  "norm nuc": [(x) => linalg.norm(x, { ord: "nuc" }), matrix(3, 2)],
  cond: [(x) => linalg.cond(x), matrix(2, 2)],
  slogdet: [(x) => linalg.slogdet(x).logabsdet, matrix(3, 3)],
};

/** A directional derivative by central differences of fourth order. */
function slope(f: (x: NDArray) => NDArray, x: NDArray, v: NDArray): NDArray {
  const h = 2 ** -10;
  const at = (k: number): NDArray => f(x.add(v.mul(k * h)));
  return at(1).sub(at(-1)).mul(8).sub(at(2).sub(at(-2))).mul(1 / (12 * h));
}

for (const [name, [f, x]] of Object.entries(functions)) {
  Deno.test(`${name}: first and second derivatives are those of differences`, () => {
    const v = matrix(x.shape[0]!, x.shape[1]!);
    const first = grad(f)(x);
    near("gradient", first.mul(v).sum(), slope(f, x, v), 1e-7);
    near("forward", jvp(f, [x], [v])[1], slope(f, x, v), 1e-7);
    const second = jvp(grad(f), [x], [v])[1];
    near("second order", second, slope(grad(f), x, v), 1e-6);
    near("reverse over reverse", grad((y) => grad(f)(y).mul(v).sum())(x), second, 1e-9);
  });

  Deno.test(`${name}: maps and compiled programs give what single matrices do`, () => {
    const xs = np.stack([x, x.mul(0.75), x.add(x.mul(x).mul(0.1))]);
    const each = np.stack([0, 1, 2].map((i) => grad(f)(xs.at(i))));
    near("vmap of grad", vmap(grad(f))(xs), each, 1e-9);
    near("grad of vmap", grad((y: NDArray) => vmap(f)(y).sum())(xs), each, 1e-9);
    near("cpu", jit(vmap(grad(f)), { backend: "cpu" })(xs), each, 1e-9);
    near("onnx", jit(vmap(grad(f)), { backend: "onnx" })(xs), each, 1e-9);
  });
}

Deno.test("one matrix and many right-hand sides, many matrices and one side: vmap of solutions", () => {
  const [a, b] = [matrix(3, 3), matrix(5, 3)];
  const as = np.stack([a, a.T, a.add(np.eye(3, f64))]);
  near("sides", vmap((y: NDArray) => linalg.solve(a, y))(b), linalg.solve(a, b.T).T, 1e-12);
  near(
    "matrices",
    vmap((m: NDArray) => linalg.solve(m, b.at(0)))(as),
    np.stack([0, 1, 2].map((i) => linalg.solve(as.at(i), b.at(0)))),
    1e-12,
  );
});

Deno.test("what is equal within rounding has finite derivatives, right where the function allows", () => {
  const unit = np.eye(3, f64);
  // The sum of eigenvalues is the trace, whose derivatives are known.
  near("trace", grad((x: NDArray) => linalg.eigvalsh(x).sum())(unit), unit, 1e-14);
  const trace = hessian((x: NDArray) => linalg.eigvalsh(x).sum())(unit) as NDArray;
  near("its second derivative", trace, np.zeros(trace.shape, f64), 1e-14);
  // The projection on the space of two equal eigenvalues does not depend on the basis.
  const v = np.array([[1, 2, 2], [2, 1, -2], [2, -2, 1]], f64).mul(1 / 3);
  const a = np.matmul(v.mul(np.array([1, 1, 4], f64)), v.T);
  const projection = (x: NDArray): NDArray => {
    const u = linalg.eigh(x).eigenvectors.slice([0, 0], [3, 2]);
    return weighted(np.matmul(u, u.T));
  };
  const d = symmetric(matrix(3, 3));
  near("projection", jvp(projection, [a], [d])[1], slope(projection, a, d), 1e-7);
  const values = grad((x: NDArray) => linalg.svdvals(x).sum())(unit);
  near("nuclear norm", values, unit, 1e-14);
  const vectors = grad((x: NDArray) => weighted(linalg.svd(x).u))(unit);
  assert(vectors.dataSync().every(Number.isFinite), "vectors");
});

Deno.test("singular matrices give infinities or NaN as in JAX, and no exception", () => {
  const singular = np.array([[1, 2, 3], [2, 4, 6], [1, 1, 1]], f64);
  assertEquals(linalg.solve(singular, np.ones([3], f64)).toArray(), [NaN, -Infinity, Infinity]);
  assertEquals(linalg.inv(np.zeros([2, 2], f64)).toArray(), [[NaN, NaN], [NaN, Infinity]]);
  assertEquals(linalg.cholesky(np.array([[1, 2], [2, 1]], f64)).toArray(), [[NaN, 0], [NaN, NaN]]);
  assertEquals(linalg.cond(np.zeros([2, 2], f64)).item(), Infinity);
  assertEquals(linalg.matrixRank(singular).item(), 2);
  assertEquals(linalg.matrixRank(np.zeros([2, 3])).item(), 0);
});

Deno.test("empty matrices have empty decompositions", () => {
  const none = np.zeros([0, 3]);
  assertEquals([...linalg.svd(none).vh.shape], [3, 3]);
  assertEquals([...linalg.svd(none, { fullMatrices: false }).vh.shape], [0, 3]);
  assertEquals([...linalg.qr(none.T, { mode: "complete" }).q.shape], [3, 3]);
  assertEquals([...linalg.pinv(none).shape], [3, 0]);
  assertEquals([...linalg.eigvalsh(np.zeros([0, 0])).shape], [0]);
  assertEquals([...linalg.expm(np.zeros([0, 0])).shape], [0, 0]);
  assertEquals(linalg.matrixRank(none).item(), 0);
});

Deno.test("factors are used again: a pytree through jit, vjp and vmap", () => {
  const a = matrix(3, 3);
  const factors = jit((x: NDArray) => linalg.luFactor(x))(a);
  const b = matrix(3, 2);
  near("jit", linalg.luSolve(factors, b), linalg.solve(a, b), 1e-13);
  const [, back] = vjp((y: NDArray) => linalg.luSolve(factors, y), [b]);
  near("transpose", back(b)[0], linalg.solve(a.T, b), 1e-13);
});

Deno.test("what cannot be done is said: shapes, modes, bases that have no derivative", () => {
  const a = matrix(3, 2);
  assertThrows(() => linalg.cholesky(a), Error, "cholesky: the matrix must be square");
  assertThrows(() => linalg.svd(np.zeros([3])), Error, "svd: the matrix must have the shape");
  assertThrows(
    () => linalg.qr(a, { mode: "raw" as "r" }),
    TypeError,
    'mode is the string "raw", but must be "reduced", "complete" or "r"',
  );
  assertThrows(
    () => grad((x: NDArray) => linalg.svd(x).u.sum())(a),
    Error,
    "svd: the further singular vectors of a matrix of shape [3,2] have no derivative",
  );
  assertThrows(
    () => grad((x: NDArray) => linalg.qr(x, { mode: "complete" }).q.sum())(a),
    Error,
    "qr: the further columns of Q for a matrix of shape [3,2] have no derivative",
  );
  assertThrows(() => linalg.matrixPower(np.eye(2), 0.5), TypeError, "n is number 0.5");
  assertThrows(
    () => linalg.luSolve(a as unknown as linalg.LuFactorization, a),
    TypeError,
    "must be what luFactor(a) gives",
  );
  assertThrows(
    () => linalg.tridiagonalSolve(np.ones([2]), np.ones([3]), np.ones([3]), np.ones([3, 1])),
    Error,
    "tridiagonalSolve: the diagonals must have one shape",
  );
});

Deno.test("roots of numbers below 0 have imaginary parts above 0, wherever rounding would put them", () => {
  const a = positive(matrix(4, 4));
  const [root, turned] = [linalg.sqrtm(a), linalg.sqrtm(a.neg())];
  near("real parts", turned.re, np.zeros([4, 4], f64), 0);
  near("imaginary parts", turned.im, root.re, 1e-12);
  near("a real root has none", root.im, np.zeros([4, 4], f64), 0);
});

Deno.test("functions of matrices by their eigenvalues: powers, exponentials, and what f must give", () => {
  const a = matrix(4, 4);
  const exp = ({ re, im }: linalg.Complex) => ({
    re: np.exp(re).mul(np.cos(im)),
    im: np.exp(re).mul(np.sin(im)),
  });
  const square = ({ re, im }: linalg.Complex) => ({
    re: re.square().sub(im.square()),
    im: re.mul(im).mul(2),
  });
  near("exp", linalg.funm(a, exp).re, linalg.expm(a), 1e-12);
  near("exp, compiled", jit((x: NDArray) => linalg.funm(x, exp).re)(a), linalg.expm(a), 1e-12);
  near(
    "exp, onnx",
    jit((x: NDArray) => linalg.funm(x, exp).re, { backend: "onnx" })(a),
    linalg.expm(a),
    1e-12,
  );
  const many = np.stack([a, a.T, np.eye(4, f64)]);
  near("square, several", linalg.funm(many, square).re, np.matmul(many, many), 1e-12);
  near("vmap", vmap((x: NDArray) => linalg.funm(x, square).re)(many), np.matmul(many, many), 1e-12);
  assertThrows(
    () => linalg.funm(a, () => ({ re: np.zeros([3]), im: np.zeros([3]) })),
    Error,
    "funm: f gave values of shape [3] for eigenvalues of shape [4]",
  );
  assertThrows(
    () => grad((x: NDArray) => linalg.funm(x, exp).re.sum())(a),
    Error,
    "schur: it has no derivative",
  );
});

Deno.test("NaN and infinities give NaN, and no endless loop", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const a = np.array([[1, 2, 3], [bad, 1, 0], [2, 0, 1]], f64);
    const results = (x: NDArray): NDArray[] => {
      const { eigenvalues: w, eigenvectors: v } = linalg.eig(x);
      const { t, z } = linalg.schur(x);
      const root = linalg.sqrtm(x);
      return [w.re, w.im, v.re, v.im, linalg.eigvals(x).re, t, z, root.re];
    };
    for (const backend of ["interpreter", "cpu", "onnx"] as const) {
      jit(results, { backend })(a).forEach((y, i) =>
        assert(y.dataSync().every(Number.isNaN), `${bad}, ${backend}, result ${i}: ${y}`)
      );
    }
  }
});

Deno.test("Sylvester's equation: batches, shapes, and eigenvalues with sums of 0", () => {
  const [a, b] = [matrix(3, 3).add(np.eye(3, f64).mul(3)), matrix(2, 2).add(np.eye(2, f64).mul(2))];
  const c = matrix(4 * 3, 2).reshape([4, 3, 2]);
  const x = linalg.solveSylvester(a, b, c);
  near("batch", np.matmul(a, x).add(np.matmul(x, b)), c, 1e-13);
  near("vmap", vmap((y: NDArray) => linalg.solveSylvester(a, b, y))(c), x, 1e-13);
  assert(linalg.solveSylvester(a, a.neg(), a).dataSync().every(Number.isNaN), "singular");
  assertThrows(
    () => linalg.solveSylvester(a, b, c.reshape([4, 2, 3])),
    Error,
    "solveSylvester: a of shape [3,3] and b of shape [2,2] take c of shape [..., 3, 2]",
  );
  assertThrows(
    () => grad((y: NDArray) => linalg.schur(y).t.sum())(a),
    Error,
    "schur: it has no derivative",
  );
  assertThrows(
    () => grad((y: NDArray) => linalg.hessenberg(y).sum())(a),
    Error,
    "hessenberg: it has no derivative",
  );
});

/**
 * Backward errors of the decompositions, on matrices that make it hard: eager, in WebAssembly, and as
 * ONNX graphs. An error is at most 10 n units of rounding of the matrix.
 *
 * @module
 */
import { jit, linalg, loadBackend, type NDArray, numpy as np } from "../../mod.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { type TreeDef, treeFlatten, treeUnflatten } from "../../lib/core/tree.ts";
import { stageClosed } from "../../lib/interpreters/staging.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runProgram } from "../support/cpu_program.ts";
import { Random } from "../support/random.ts";

await loadBackend("onnx");

type DType = "float32" | "float64";
const epsilons = { float32: 2 ** -23, float64: 2 ** -52 } as const;

/** Elements of a matrix, from row and column. */
type Elements = (i: number, j: number) => number;

const random = new Random("matrices");
const drawn = Array.from({ length: 40 * 40 }, () => random.uniform(-1, 1));
const any: Elements = (i, j) => drawn[40 * i + j]!;

/** Matrices that make it hard, by name. */
const hard: Readonly<Record<string, Elements>> = {
  "random": any,
  "graded down": (i, j) => any(i, j) * 10 ** (-(i + j) / 3),
  "graded up": (i, j) => any(i, j) * 10 ** ((i + j - 20) / 3),
  "Hilbert": (i, j) => 1 / (i + j + 1),
  "rank 2": (i, j) => any(i, 30) * any(j, 30) + any(i, 31) * any(j, 31),
  "rows of 0": (i, j) => i % 3 === 1 ? 0 : any(i, j),
  "nothing but 0": () => 0,
  "identity": (i, j) => i === j ? 1 : 0,
  "equal singular values": (i, j) => (i + 1) % 5 === j % 5 && Math.abs(i - j) < 5 ? 2 : 0,
  // Squares of these are still numbers, which "cholesky" below takes.
  "large": (i, j) => any(i, j) * 1e15,
  "small": (i, j) => any(i, j) * 1e-15,
  // On the way float32 ends, and has numbers of few digits.
  "down to 1e-46": (i, j) => any(i, j) * 10 ** (24 * any(j, i) - 22),
  "columns down to 1e-82": (i, j) => any(i, j) * 10 ** (-5.5 * j),
  "rows down to 1e-82": (i, j) => any(i, j) * 10 ** (-5.5 * i),
  "badly scaled rows": (i, j) => any(i, j) * 10 ** (i % 2 === 0 ? 8 : -8),
  "companion": (i, j) => i === j + 1 ? 1 : j === 0 ? any(i, 0) : 0,
};

const shapes = [[0, 0], [1, 1], [2, 2], [3, 3], [7, 7], [16, 16], [5, 3], [3, 5], [12, 1], [0, 3]];

function matrixOf(f: Elements, [m, n]: readonly number[], dtype: DType): NDArray {
  const rows = Array.from({ length: m! }, (_, i) => Array.from({ length: n! }, (_, j) => f(i, j)));
  return np.array(rows.flat(), { dtype }).reshape([m!, n!]);
}

/** Ways to run a function. */
const ways: Readonly<Record<string, <F extends (...args: never[]) => unknown>(f: F) => F>> = {
  "eager": (f) => f,
  "WebAssembly": (f) => ((...args: NDArray[]) => compiled(f as never, args)) as never,
  "onnx": (f) => jit(f as never, { backend: "onnx" }) as never,
};

/** A function on arrays, compiled to a module of its own and run once, amid NaN. */
function compiled(f: (...args: readonly NDArray[]) => unknown, args: readonly NDArray[]): unknown {
  let def: TreeDef | undefined;
  const jaxpr = stageClosed("accuracy", (xs) => {
    const [leaves, structure] = treeFlatten(f(...xs));
    def = structure;
    return leaves as NDArray[];
  }, args.map((x) => x.aval));
  const inputs = args.map((x) => (x as ConcreteArray).values);
  const values = runProgram(simplify(jaxpr), inputs, { large: 1 << 16, fma: false, poison: true });
  const outs = values.map((v, i) => ConcreteArray.fromHost(jaxpr.outputs[i]!.aval, v));
  return treeUnflatten(def!, outs);
}

/** The largest absolute value; 0 of nothing. NaN is never small enough. */
function size(x: NDArray): number {
  let largest = 0;
  for (const v of x.dataSync()) largest = Math.abs(v) <= largest ? largest : Math.abs(v);
  return largest;
}

const wide = (x: NDArray): NDArray => x.astype("float64");
const product = (...xs: readonly NDArray[]): NDArray =>
  xs.map(wide).reduce((a, b) => np.matmul(a, b));

/** Asserts that two matrices agree within 10 n units of the size of one. */
function close(what: string, x: NDArray, y: NDArray, unit: number, scale: number, n: number): void {
  const error = size(wide(x).sub(wide(y)));
  const allowed = 10 * Math.max(1, n) * unit * scale;
  assert(error <= allowed, `${what}: off by ${error}, allowed ${allowed}`);
}

function orthonormal(what: string, columns: NDArray, unit: number, n: number): void {
  const k = columns.shape[1]!;
  close(what, product(columns.T, columns), np.eye(k, { dtype: "float64" }), unit, 1, n);
}

/** Tries a check on all hard matrices of some shapes. */
function onAll(
  name: string,
  wanted: (shape: readonly number[]) => boolean,
  f: (a: NDArray) => unknown,
  check: (what: string, a: NDArray, result: never, unit: number, n: number) => void,
  kinds: (kind: string) => boolean = () => true,
): void {
  for (const dtype of ["float32", "float64"] as const) {
    for (const [way, make] of Object.entries(ways)) {
      Deno.test(`${name}: backward errors, ${way}, ${dtype}`, () => {
        const run = make(f);
        for (const shape of shapes.filter(wanted)) {
          for (const [kind, elements] of Object.entries(hard)) {
            if (!kinds(kind)) continue;
            const a = matrixOf(elements, shape, dtype);
            const n = Math.max(...shape);
            check(`${kind} [${shape}]`, a, run(a) as never, epsilons[dtype], n);
          }
        }
      });
    }
  }
}

const isSquare = ([m, n]: readonly number[]): boolean => m === n;

onAll(
  "lu",
  () => true,
  (a) => linalg.lu(a),
  (what, a, { p, l, u }: linalg.LuResult, unit, n) => {
    assert(size(l) <= 1, `${what}: a factor above 1`);
    close(what, product(p, l, u), a, unit, size(a) + size(u), n);
  },
);

onAll(
  "qr",
  () => true,
  (a) => linalg.qr(a, { mode: "complete" }),
  (what, a, { q, r }: linalg.QrResult, unit, n) => {
    orthonormal(what, q, unit, n);
    close(what, product(q, r), a, unit, size(a), n);
    assertEquals(size(np.tril(r, -1)), 0);
  },
);

onAll(
  "qr with pivoting",
  () => true,
  (a) => linalg.qr(a, { pivoting: true }),
  (what, a, { q, r, p }: linalg.PivotedQrResult, unit, n) => {
    orthonormal(what, q, unit, n);
    close(what, product(q, r), np.take(a, p, 1), unit, size(a), n);
    assertEquals([...p.dataSync()].sort((x, y) => x - y), [...p.dataSync()].map((_, i) => i));
    const diagonal = Array.from(np.diagonal(r).dataSync(), Math.abs);
    diagonal.forEach((d, i) =>
      assert(i === 0 || d <= diagonal[i - 1]! * (1 + 10 * n * unit) + n * unit * size(a), what)
    );
  },
);

onAll(
  "eigh",
  isSquare,
  (a) => linalg.eigh(a.add(a.T)),
  (what, a, { eigenvalues: w, eigenvectors: v }: linalg.EighResult, unit, n) => {
    const matrix = a.add(a.T);
    orthonormal(what, v, unit, n);
    close(what, product(v, np.diag(wide(w)), v.T), matrix, unit, size(w), n);
    w.dataSync().forEach((x, i) => assert(i === 0 || x >= w.dataSync()[i - 1]!, `${what}: order`));
  },
);

onAll(
  "svd",
  () => true,
  (a) => linalg.svd(a),
  (what, a, { u, s, vh }: linalg.SvdResult, unit, n) => {
    const k = s.shape[0]!;
    orthonormal(what, u, unit, n);
    orthonormal(what, vh.T, unit, n);
    const [us, vs] = [u.slice([0, 0], [u.shape[0]!, k]), vh.slice([0, 0], [k, vh.shape[1]!])];
    close(what, product(us, np.diag(wide(s)), vs), a, unit, size(s), n);
    s.dataSync().forEach((x, i) =>
      assert(x >= 0 && (i === 0 || x <= s.dataSync()[i - 1]!), `${what}: order`)
    );
  },
);

onAll(
  "cholesky",
  isSquare,
  (a) => linalg.cholesky(positive(a)),
  (what, a, l: NDArray, unit, n) => {
    const matrix = positive(a);
    close(what, product(l, l.T), matrix, unit, size(matrix), n);
    assertEquals(size(np.triu(l, 1)), 0);
  },
);

/** A positive definite matrix. */
function positive(a: NDArray): NDArray {
  const n = a.shape[0]!;
  const square = np.matmul(a, a.T);
  return square.add(np.eye(n, { dtype: a.dtype }).mul(np.trace(square).add(1)));
}

onAll(
  "solve",
  isSquare,
  (a) => linalg.solve(dominant(a), a),
  (what, a, x: NDArray, unit, n) => {
    close(what, product(dominant(a), x), a, unit, size(dominant(a)) * size(x) * n, 1);
  },
);

/** An invertible matrix. */
function dominant(a: NDArray): NDArray {
  return a.add(np.eye(a.shape[0]!, { dtype: a.dtype }).mul(a.abs().sum().add(1)));
}

onAll(
  "hessenberg",
  isSquare,
  (a) => linalg.hessenberg(a, { calcQ: true }),
  (what, a, { h, q }: linalg.HessenbergResult, unit, n) => {
    orthonormal(what, q, unit, n);
    close(what, product(q, h, q.T), a, unit, size(a), n);
    assertEquals(size(np.tril(h, -2)), 0);
  },
);

onAll(
  "schur",
  isSquare,
  (a) => linalg.schur(a),
  (what, a, { t, z }: linalg.SchurResult, unit, n) => {
    orthonormal(what, z, unit, n);
    close(what, product(z, t, z.T), a, unit, size(a), n);
    assertEquals(size(np.tril(t, -2)), 0);
    const rows = t.toArray() as number[][];
    for (let i = 1; i < rows.length; i++) {
      if (rows[i]![i - 1] === 0) continue;
      // A block: equal elements on the diagonal, and others beside it of opposite signs.
      assertEquals(rows[i]![i], rows[i - 1]![i - 1], `${what}: row ${i}`);
      assert(rows[i]![i - 1]! * rows[i - 1]![i]! < 0, `${what}: row ${i}`);
      assert(i < 2 || rows[i - 1]![i - 2] === 0, `${what}: row ${i}`);
    }
  },
);

onAll(
  "schur, complex",
  isSquare,
  (a) => linalg.schur(a, { output: "complex" }),
  (what, a, { t, z }: linalg.ComplexSchurResult, unit, n) => {
    assertEquals(size(np.tril(t.re, -1)) + size(np.tril(t.im, -1)), 0);
    const adjoint = { re: z.re.T, im: z.im.T.neg() };
    const identity = complexProduct(adjoint, z);
    close(what, identity.re, np.eye(a.shape[0]!, { dtype: "float64" }), unit, 1, n);
    close(what, identity.im, a.mul(0), unit, 1, n);
    const whole = complexProduct(complexProduct(z, t), adjoint);
    close(what, whole.re, a, unit, size(a), n);
    close(what, whole.im, a.mul(0), unit, size(a), n);
  },
);

onAll(
  "eig",
  isSquare,
  (a) => linalg.eig(a),
  (what, a, { eigenvalues: w, eigenvectors: v }: linalg.EigResult, unit, n) => {
    const squares = wide(v.re).square().add(wide(v.im).square()).sum(0);
    close(what, squares, np.ones([a.shape[0]!], { dtype: "float64" }), unit, 1, n);
    const diagonal = { re: np.diag(wide(w.re)), im: np.diag(wide(w.im)) };
    const [left, right] = [complexProduct({ re: a, im: a.mul(0) }, v), complexProduct(v, diagonal)];
    close(what, left.re, right.re, unit, size(a), n);
    close(what, left.im, right.im, unit, size(a), n);
    // Pairs are conjugate to the last bit, and what is real is.
    const [re, im] = [w.re.dataSync(), w.im.dataSync()];
    im.forEach((x, i) => {
      if (x < 0) assert(re[i] === re[i - 1] && x === -im[i - 1]!, `${what}: no pair`);
      if (x === 0) assertEquals(size(v.im.slice([0, i], [a.shape[0]!, i + 1])), 0);
    });
  },
  // Balancing gives small eigenvalues all their digits, for residuals that are small beside the balanced
  // matrix alone; LAPACK's are as large.
  (kind) => !["badly scaled rows", "down to 1e-46", "rows down to 1e-82"].includes(kind),
);

// Eigenvalues of normal matrices are as accurate as rounding of the matrix lets them be.
onAll(
  "eigvals",
  isSquare,
  (a) => linalg.eigvals(a.sub(a.T)),
  (what, a, { re, im }: linalg.Complex, unit, n) => {
    const skew = a.sub(a.T);
    close(what, re, re.mul(0), unit, size(skew), n * n);
    // Their sizes are the singular values.
    const sizes = np.sort(np.hypot(wide(re), wide(im)));
    close(what, sizes, np.sort(linalg.svdvals(wide(skew))), unit, size(sizes), n);
  },
);

onAll(
  "solveSylvester",
  isSquare,
  (a) => linalg.solveSylvester(dominant(a), dominant(a.T), a),
  (what, a, x: NDArray, unit, n) => {
    const [left, right] = [dominant(a), dominant(a.T)];
    const whole = product(left, x).add(product(x, right));
    close(what, whole, a, unit, size(left) * size(x) * n, 1);
  },
);

onAll(
  "sqrtm",
  isSquare,
  (a) => linalg.sqrtm(dominant(a)),
  (what, a, x: linalg.Complex, unit, n) => {
    assertEquals(size(x.im), 0, `${what}: no eigenvalue is below 0`);
    close(what, product(x.re, x.re), dominant(a), unit, n * size(x.re) ** 2, n);
  },
);

onAll(
  "sqrtm of rotations and reflections",
  isSquare,
  (a) => {
    const { q } = linalg.qr(a);
    return { q, x: linalg.sqrtm(q) };
  },
  (what, a, { q, x }: { q: NDArray; x: linalg.Complex }, unit, n) => {
    const squared = complexProduct(x, x);
    close(what, squared.re, q, unit, n, n);
    close(what, squared.im, a.mul(0), unit, n, n);
  },
);

function complexProduct(x: linalg.Complex, y: linalg.Complex): linalg.Complex {
  return {
    re: product(x.re, y.re).sub(product(x.im, y.im)),
    im: product(x.re, y.im).add(product(x.im, y.re)),
  };
}

/**
 * Systems of equations and decompositions in float64, which is where they are used most.
 *
 * NumPy's times on the same machine are in the README. By hand: `OPENBLAS_NUM_THREADS=1 python3`, the
 * matrices below, the fastest of 200 calls.
 *
 * @module
 */
import { linalg, type NDArray, numpy as np } from "../../mod.ts";
import { injax, jaxJs, plain } from "../entries.ts";
import type { Case, Entry } from "../harness.ts";
import type { JaxArray, JaxJs } from "../peers.ts";
import { noise64 } from "../problems.ts";

const N = 100;
/** jax-js has float32 alone. */
const SINGLE = 1e-3;

/** A matrix with random elements whose diagonal is large enough for any use. */
const general = (n: number): Float64Array<ArrayBuffer> =>
  noise64(n * n, 61, 1).map((v, i) => i % (n + 1) === 0 ? v + Math.sqrt(n) : v);

/** `A + A^T`, with `n` added on the diagonal: symmetric and positive definite. */
function symmetric(n: number): Float64Array<ArrayBuffer> {
  const a = noise64(n * n, 62, 1);
  return a.map((v, i) => v + a[(i % n) * n + Math.floor(i / n)]! + (i % (n + 1) === 0 ? n : 0));
}

const square = (values: Float64Array, n: number): NDArray =>
  np.array(values, { dtype: "float64" }).reshape([n, n]);

const jaxSquare = ({ numpy: np }: JaxJs, values: Float64Array, n: number): JaxArray =>
  np.array(Float32Array.from(values)).reshape([n, n]);

/** Elimination with partial pivoting, on a copy. */
function solvePlain(n: number): () => () => Float64Array[] {
  return () => {
    const [matrix, right] = [general(n), noise64(n, 63, 1)];
    return () => {
      const [a, x] = [matrix.slice(), right.slice()];
      for (let k = 0; k < n; k++) {
        let p = k;
        for (let i = k + 1; i < n; i++) {
          if (Math.abs(a[i * n + k]!) > Math.abs(a[p * n + k]!)) p = i;
        }
        if (p !== k) {
          for (let j = k; j < n; j++) {
            [a[k * n + j], a[p * n + j]] = [a[p * n + j]!, a[k * n + j]!];
          }
          [x[k], x[p]] = [x[p]!, x[k]!];
        }
        for (let i = k + 1; i < n; i++) {
          const factor = a[i * n + k]! / a[k * n + k]!;
          for (let j = k + 1; j < n; j++) a[i * n + j]! -= factor * a[k * n + j]!;
          x[i]! -= factor * x[k]!;
        }
      }
      for (let i = n - 1; i >= 0; i--) {
        for (let j = i + 1; j < n; j++) x[i]! -= a[i * n + j]! * x[j]!;
        x[i]! /= a[i * n + i]!;
      }
      return [x];
    };
  };
}

const ways = ["cpu", "onnx", "eager"] as const;
const tolerance = 1e-9;

const solves: readonly Case[] = [10, 100, 300].map((n) => ({
  name: `solve-${n}`,
  title: `linalg.solve, n = ${n}, float64`,
  entries: [
    ...injax({
      args: () => [square(general(n), n), np.array(noise64(n, 63, 1), { dtype: "float64" })],
      f: (a, b) => [linalg.solve(a!, b!)],
      ...{ ways, tolerance },
    }),
    plain(solvePlain(n), tolerance),
  ],
}));

/** A decomposition of one matrix of 100 by 100. */
function decomposition(
  name: string,
  values: Float64Array,
  f: (a: NDArray) => NDArray[],
  ...others: readonly Entry[]
): Case {
  return {
    name,
    title: `linalg.${name}, n = ${N}, float64`,
    entries: [
      ...injax({ args: () => [square(values, N)], f: (a) => f(a!), ways, tolerance }),
      ...others,
    ],
  };
}

const jaxDecomposition = (
  values: Float64Array,
  f: (jax: JaxJs, a: JaxArray) => JaxArray[],
): Entry =>
  jaxJs((jax) => [jaxSquare(jax, values, N)], (jax, a) => f(jax, a!), { tolerance: SINGLE });

/** Signs of vectors are free: what is compared are magnitudes. */
const decompositions: readonly Case[] = [
  decomposition(
    "cholesky",
    symmetric(N),
    (a) => [linalg.cholesky(a)],
    jaxDecomposition(symmetric(N), ({ numpy: np }, a) => [np.linalg.cholesky(a)]),
  ),
  decomposition("qr", general(N), (a) => {
    const { q, r } = linalg.qr(a);
    return [np.abs(q), np.abs(r)];
  }),
  decomposition("eigh", symmetric(N), (a) => {
    const { eigenvalues, eigenvectors } = linalg.eigh(a);
    return [eigenvalues, np.abs(eigenvectors)];
  }),
  decomposition("svd", general(N), (a) => {
    const { u, s, vh } = linalg.svd(a);
    return [np.abs(u), s, np.abs(vh)];
  }),
];

/** All of them. */
export const linalgCases: readonly Case[] = [...solves, ...decompositions];

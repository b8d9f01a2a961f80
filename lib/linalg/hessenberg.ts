/**
 * Hessenberg matrices: `a = Q h Q^T` by reflections, with orthogonal Q, and nothing in h below the diagonal
 * beside the main one.
 *
 * @module
 */
import {
  bind,
  DifferentiationError,
  type NDArray,
  type Primitive,
  type Sample,
  sizeOf,
} from "../core/mod.ts";
import {
  add,
  broadcastTo,
  eq,
  gt,
  mul,
  reshape,
  scalarLike,
  select,
  sub,
} from "../primitives/mod.ts";
import { type Routine, routine } from "../routine/routine.ts";
import { decomposition, steps } from "./decomposition.ts";
import {
  columnNumbers,
  columnOf,
  identity,
  matmul,
  rowNumbers,
  transposed,
  upperPart,
} from "./matrices.ts";
import { productOf, reflect, reflected, reflectionOf, reflector } from "./qr.ts";
import { accumulate, reflectRows } from "./svd_routine.ts";

/** Parameters of a Hessenberg form. */
export interface HessenbergParams {
  /** Whether Q is wanted too. */
  readonly computeVectors: boolean;
}

/** Reflections on both sides: rows of v, from the element behind the diagonal on, which is 1. */
export const reduce: Routine = /* @__PURE__ */ routine(
  `
reduce(out h: T[n, n], out v: T[n, n], out taus: T[n], out sums: T[n], n) {
  for k in 0..n { taus[k] = 0 }
  for k in 0..n - 2 {
    reflector(h, v[k, 0], n, n, k + 1, k)
    reflect(v[k, 0], h, sums, n, n, k + 1, k + 1)
    taus[k] = v[k, k + 1]
    v[k, k + 1] = 1
    reflectRows(v[k, 0], taus[k], h, n, n, k + 1, 0)
  }
}`,
  { reflector, reflect, reflectRows },
);

/** Hessenberg matrices, and with \`vectors\` 1 the products of the reflections. */
const hessenbergRoutine = (vectors: 0 | 1): Routine =>
  routine(
    () => `
hessenberg(in a: T[count, n, n], out h: T[count, n, n]${
      vectors === 1 ? ", out q: T[count, n, n], scratch z: T[n, n]" : ""
    },
           scratch v: T[n, n], scratch taus: T[n], scratch sums: T[n], count, n) {
  for s in 0..count {
    for i in 0..n {
      vector j in 0..n { h[s, i, j] = a[s, i, j] }
    }
    reduce(h[s, 0, 0], v, taus, sums, n)
    // Neither signs of zeros nor NaN stay where nothing is.
    for i in 0..n {
      for j in 0..i - 1 { h[s, i, j] = 0 }
    }
    ${
      vectors === 1
        ? `accumulate(v, taus, z, n, n, n, 1)
    for i in 0..n {
      for j in 0..n { q[s, i, j] = z[j, i] }
    }`
        : ""
    }
  }
}`,
    { reduce, accumulate },
  );

const routines = /* @__PURE__ */ ([0, 1] as const).map(hessenbergRoutine);

/** Hessenberg forms of matrices `[systems, n, n]`, and Q, as a program. */
export function hessenbergProgram(a: NDArray): [h: NDArray, q: NDArray] {
  const [systems, n] = a.shape as [number, number, number];
  if (n <= 2) return [a, broadcastTo(identity(n, a.dtype), a.shape)];
  const { carry: [h], stacked: [vs, taus] } = steps(n - 2, [a], (p, [y]) => {
    const next = add(p, scalarLike(1, p));
    const { v, tau, beta } = reflectionOf(columnOf(y!, p), next);
    const rows = rowNumbers(n);
    const left = reflected({ v, tau }, y!);
    // Below the element that stays nothing is left, not even rounding.
    const column = select(eq(rows, next), beta, select(gt(rows, next), scalarLike(0, y!), left));
    const own = select(eq(columnNumbers(n), p), column, left);
    const sums = mul(tau, matmul(own, v));
    const both = sub(own, mul(sums, transposed(v)));
    return { carry: [select(eq(tau, scalarLike(0, tau)), own, both)], stacked: [v, tau] };
  });
  return [upperPart(h!, -1), broadcastTo(productOf(vs!, taus!, n), [systems, n, n])];
}

/** Hessenberg forms, and with `computeVectors` the matrices Q. */
export const hessenbergP: Primitive<HessenbergParams> = /* @__PURE__ */ decomposition<
  HessenbergParams
>(
  {
    name: "hessenberg",
    square: true,
    factors: (n, _, { computeVectors }) =>
      Array.from({ length: computeVectors ? 2 : 1 }, () => ({ shape: [n, n] })),
    routine: ({ computeVectors }) => routines[computeVectors ? 1 : 0]!,
    scalars: (n) => [n],
    program(a, { computeVectors }) {
      const n = a.shape.at(-1)!;
      const outs = hessenbergProgram(reshape(a, [sizeOf(a.shape.slice(0, -2)), n, n]));
      return outs.slice(0, computeVectors ? 2 : 1).map((x) => reshape(x, a.shape));
    },
    tangents() {
      throw new DifferentiationError(
        "hessenberg: it has no derivative here, nor in JAX. Differentiate what is made of it another way: " +
          "eigenvalues by eigvals, solutions by solve or solveSylvester; or cut it off with stopGradient",
      );
    },
    samples: hessenbergSamples,
  },
);

function hessenbergSamples(): Sample<HessenbergParams>[] {
  const none = "it has no derivative";
  const skip = { jvp: none, slope: none, transpose: none };
  const both = { computeVectors: true };
  const four = [1, 2, -1, 0.5, 2, -1, 0.5, 1, 0.25, 1, 3, -2, 4, -0.5, 1, 2];
  return [
    {
      name: "four rows",
      inputs: [{ shape: [4, 4], dtype: "float32", values: four }],
      params: both,
      skip,
    },
    {
      name: "Q is not wanted, float64",
      inputs: [{ shape: [4, 4], dtype: "float64", values: four }],
      params: { computeVectors: false },
      skip,
    },
    {
      name: "several, with columns of 0",
      inputs: [{
        shape: [2, 3, 3],
        dtype: "float64",
        values: [1, 2, 3, 0, 1, 2, 0, 3, 4, 2, -1, 0.5, -3, 1, 2, 4, 0, 1],
      }],
      params: both,
      skip,
    },
    {
      name: "two rows",
      inputs: [{ shape: [2, 2], dtype: "float32", values: [1, 2, 3, 4] }],
      params: both,
      skip,
    },
    {
      name: "one row",
      inputs: [{ shape: [1, 1], dtype: "float32", values: [-4] }],
      params: both,
      skip,
    },
    { name: "no rows", inputs: [{ shape: [0, 0], dtype: "float32" }], params: both, skip },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params: both, skip },
  ];
}

/** A Hessenberg form. */
export interface HessenbergForm {
  /** 0 below the first diagonal beside the main one. */
  readonly h: NDArray;
  /** Orthogonal, as `a = q h q^T`. */
  readonly q: NDArray;
}

/** Hessenberg forms `a = q h q^T` of matrices `[..., n, n]`. */
export function hessenberg(a: NDArray): HessenbergForm {
  const [h, q] = bind(hessenbergP, [a], { computeVectors: true });
  return { h: h!, q: q! };
}

/** The Hessenberg matrices alone. */
export function hessenbergAlone(a: NDArray): NDArray {
  return bind(hessenbergP, [a], { computeVectors: false })[0]!;
}

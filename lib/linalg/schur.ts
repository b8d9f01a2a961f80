/**
 * Schur forms of real matrices: `a = Q t Q^T` with orthogonal Q, and t triangular but for blocks of two rows
 * with complex eigenvalues; or triangular with complex elements and unitary Q.
 *
 * @module
 */
import {
  bind,
  DifferentiationError,
  type NDArray,
  type Primitive,
  type Sample,
} from "../core/mod.ts";
import type { Pair } from "./matrices.ts";
import { decomposition } from "./decomposition.ts";
import { schurProgram } from "./schur_program.ts";
import { type SchurParams, schurRoutine } from "./schur_routine.ts";

/** Schur forms, and with `computeVectors` Q. Complex ones are real and imaginary parts. */
export const schurP: Primitive<SchurParams> = /* @__PURE__ */ decomposition<SchurParams>({
  name: "schur",
  square: true,
  factors: (n, _, { computeVectors, complex }) =>
    Array.from({ length: (computeVectors ? 2 : 1) * (complex ? 2 : 1) }, () => ({ shape: [n, n] })),
  routine: schurRoutine,
  scalars: (n) => [n],
  program: schurProgram,
  tangents() {
    throw new DifferentiationError(
      "schur: it has no derivative here, nor in JAX, since where eigenvalues are equal its vectors turn " +
        "without bound. Differentiate what is made of it: eigenvalues by eigvals, matrix functions by sqrtm or " +
        "expm, equations by solveSylvester; or cut it off with stopGradient",
    );
  },
  samples: schurSamples,
});

function schurSamples(): Sample<SchurParams>[] {
  const none = "it has no derivative";
  const skip = { jvp: none, slope: none, transpose: none };
  const both = { computeVectors: true, complex: false };
  const complex = { computeVectors: true, complex: true };
  const alone = { computeVectors: false, complex: false };
  const five = [
    ...[1, 2, -1, 0.5, 3],
    ...[2, -1, 0.5, 1, -2],
    ...[0.25, 1, 3, -2, 1],
    ...[4, -0.5, 1, 2, 0.5],
    ...[1, -3, 2, 0.25, -1],
  ];
  const sample = (
    name: string,
    dtype: "float32" | "float64",
    shape: readonly number[],
    values: readonly number[],
    params: SchurParams,
    more: Partial<Sample<SchurParams>["skip"]> = {},
  ): Sample<SchurParams> => ({
    name,
    inputs: [{ shape, dtype, values }],
    params,
    skip: { ...skip, ...more },
  });
  const sweeps = { onnx: "errors of sweeps are relative to the matrix; tests/linalg tries these" };
  const rotation = [0, -1, 1, 0];
  const three = [1, 2, -1, -2, 1, 0.5, 0.25, 1, 3];
  return [
    sample("five rows", "float64", [5, 5], five, both, sweeps),
    sample("five rows, triangular", "float64", [5, 5], five, complex, sweeps),
    sample("three rows", "float32", [3, 3], three, both),
    sample("three rows, triangular", "float32", [3, 3], three, complex),
    sample("vectors are not wanted", "float64", [3, 3], three, alone),
    sample("triangular, without vectors", "float32", [2, 2], rotation, {
      ...complex,
      computeVectors: false,
    }),
    sample("several, with eigenvalues that are real, complex or equal", "float32", [4, 2, 2], [
      ...[1, 2, 3, 4],
      ...rotation,
      ...[2, 1, 0, 2],
      ...[1, 1, -1, 3],
    ], both),
    sample("nothing is left to do", "float32", [3, 3], [1, 0, 0, 2, 3, 0, 4, 5, 6], both),
    sample("large and small", "float64", [2, 2, 2], [
      ...[1e200, 2e200, -3e200, 1e200],
      ...[1e-200, 2e-200, 3e-200, 0],
    ], both),
    sample("nothing but 0", "float32", [3, 3], Array(9).fill(0), complex),
    sample("NaN among others", "float32", [2, 2, 2], [NaN, 1, 2, 3, ...rotation], complex),
    sample("one row", "float32", [1, 1], [-4], complex),
    { name: "no rows", inputs: [{ shape: [0, 0], dtype: "float32" }], params: both, skip },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params: both, skip },
  ];
}

/** A Schur form `a = q t q^T`. */
export interface SchurForm {
  /** Upper triangular but for blocks of two rows. */
  readonly t: NDArray;
  /** Orthogonal. */
  readonly q: NDArray;
}

/** Schur forms of matrices `[..., n, n]`. */
export function schur(a: NDArray): SchurForm {
  const [t, q] = bind(schurP, [a], { computeVectors: true, complex: false });
  return { t: t!, q: q! };
}

/** Schur forms with complex elements: `a = q t q^H`. */
export function complexSchur(a: NDArray): { readonly t: Pair; readonly q: Pair } {
  const [re, im, qRe, qIm] = bind(schurP, [a], { computeVectors: true, complex: true });
  return { t: { re: re!, im: im! }, q: { re: qRe!, im: qIm! } };
}

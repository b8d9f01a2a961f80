/**
 * The routine of the Cholesky decomposition: backward errors, and what is not positive definite.
 *
 * @module
 */
import { allocate, type DType, type TypedArray } from "../../lib/core/dtype.ts";
import { choleskyRoutine } from "../../lib/linalg/cholesky.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { outputs } from "../support/routines.ts";

/** `A = B B^T + I`, scaled by powers of ten from row to row where graded. */
function positive(dtype: DType, n: number, grade: number): TypedArray {
  const b = Array.from({ length: n * n }, (_, i) => Math.sin(i * i + 1));
  const out = allocate(dtype, n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let s = i === j ? 1 : 0;
      for (let k = 0; k < n; k++) s += b[i * n + k]! * b[j * n + k]!;
      out[i * n + j] = s * grade ** (i + j);
    }
  }
  return out;
}

for (const [dtype, eps] of [["float32", 2 ** -23], ["float64", 2 ** -52]] as const) {
  Deno.test(`L L^T is A within rounding: ${dtype}`, () => {
    for (const n of [0, 1, 2, 3, 4, 5, 8, 13, 40]) {
      for (const grade of [1, 0.7]) {
        const a = positive(dtype, n, grade);
        for (
          const [way, [l]] of Object.entries(
            outputs(choleskyRoutine, dtype, [a], [[dtype, n * n]], 1, n),
          )
        ) {
          for (let i = 0; i < n; i++) {
            for (let j = 0; j < n; j++) {
              let s = 0;
              for (let k = 0; k < n; k++) s += l![i * n + k]! * l![j * n + k]!;
              const size = Math.sqrt(a[i * n + i]! * a[j * n + j]!);
              assert(
                Math.abs(s - a[i * n + j]!) <= 2 * n * eps * size,
                `${way}, n = ${n}: ${i}, ${j}`,
              );
              if (j > i) assertEquals(l![i * n + j], 0);
            }
          }
        }
      }
    }
  });
}

Deno.test("a matrix that is not positive definite gives NaN, and leaves others alone", () => {
  const a = Float64Array.of(4, 9, 2, 5, 1, 0, 2, 1);
  for (
    const [l] of Object.values(outputs(choleskyRoutine, "float64", [a], [["float64", 8]], 2, 2))
  ) {
    assertEquals(l, Float64Array.of(2, 0, 1, 2, NaN, 0, NaN, NaN));
  }
});

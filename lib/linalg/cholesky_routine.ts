/**
 * The Cholesky decomposition on the CPU.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";

/**
 * L with L L^T = A from the lower triangle of each of `count` matrices, row by row, so that sums run
 * along rows. A matrix that is not positive definite gives NaN.
 */
export const choleskyRoutine: Routine = routine(`
cholesky(in a: T[count, n, n], out l: T[count, n, n], count, n) {
  for m in 0..count {
    let definite = true
    for i in 0..n {
      for j in 0..i {
        let s = a[m, i, j] - sum(k in 0..j: l[m, i, k] * l[m, j, k])
        l[m, i, j] = s / l[m, j, j]
      }
      let s = a[m, i, i] - sum(k in 0..i: l[m, i, k] * l[m, i, k])
      if not (s > 0) { definite = false }
      l[m, i, i] = sqrt(s)
      vector j in i + 1..n { l[m, i, j] = 0 }
    }
    if not definite {
      for i in 0..n {
        vector j in 0..i + 1 { l[m, i, j] = NaN }
      }
    }
  }
}`);

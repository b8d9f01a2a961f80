/**
 * The Cholesky decomposition on the CPU.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";

/**
 * L with L L^T = A from the lower triangle of each of `count` matrices, by blocks of columns. A matrix
 * that is not positive definite gives NaN.
 */
export const choleskyRoutine: Routine = routine(`
cholesky(in a: T[count, n, n], out l: T[count, n, n], scratch x: T[4, n], count, n) {
  for m in 0..count {
    let definite = true
    for i in 0..n {
      vector j in 0..i + 1 { l[m, i, j] = a[m, i, j] }
      vector j in i + 1..n { l[m, i, j] = 0 }
    }
    for k in 0..n by 4 {
      let end = min(n, k + 4)
      for i in k..end {
        for j in k..i + 1 {
          let s = l[m, i, j]
          for c in k..j { s -= l[m, i, c] * l[m, j, c] }
          if j < i { l[m, i, j] = s / l[m, j, j] }
          else {
            if not (s > 0) { definite = false }
            l[m, i, i] = sqrt(s)
          }
        }
      }
      // Only a block of four columns has rows below it. What is right of it changes once for all four.
      for i in end..n {
        let x0 = l[m, i, k] / l[m, k, k]
        let x1 = (l[m, i, k + 1] - x0 * l[m, k + 1, k]) / l[m, k + 1, k + 1]
        let x2 = l[m, i, k + 2] - x0 * l[m, k + 2, k] - x1 * l[m, k + 2, k + 1]
        x2 = x2 / l[m, k + 2, k + 2]
        let x3 = l[m, i, k + 3] - x0 * l[m, k + 3, k] - x1 * l[m, k + 3, k + 1]
        x3 = (x3 - x2 * l[m, k + 3, k + 2]) / l[m, k + 3, k + 3]
        x[0, i] = x0
        x[1, i] = x1
        x[2, i] = x2
        x[3, i] = x3
        for c in 0..4 { l[m, i, k + c] = x[c, i] }
        vector j in end..i + 1 {
          l[m, i, j] -= x0 * x[0, j] + x1 * x[1, j] + x2 * x[2, j] + x3 * x[3, j]
        }
      }
    }
    if not definite {
      for i in 0..n {
        vector j in 0..i + 1 { l[m, i, j] = NaN }
      }
    }
  }
}`);

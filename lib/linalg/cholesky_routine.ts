/**
 * The Cholesky decomposition on the CPU.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";

/**
 * L with L L^T = A from the lower triangle of each of `count` matrices. A matrix that is not positive
 * definite gives NaN.
 *
 * Four columns are made first, of which `panel` has a copy as rows, and then taken from the rest together,
 * two rows at a time.
 */
const cholesky = (element: string): Routine =>
  routine(() => `
cholesky(in a: T[count, n, n], out l: T[count, n, n], scratch panel: T[4, n], count, n) {
  for s in 0..count {
    for i in 0..n {
      ${element}
    }
    let definite = 0 == 0
    for first in 0..n by 4 {
      let last = min(first + 4, n)
      for p in first..last {
        let k = p - first
        let root = sqrt(l[s, p, p])
        if not (root > 0) { definite = 0 != 0 }
        l[s, p, p] = root
        for i in p + 1..n {
          let x = l[s, i, p] / root
          l[s, i, p] = x
          panel[k, i] = x
        }
        for c in p + 1..last {
          let factor = panel[k, c]
          for i in c..n { l[s, i, c] = l[s, i, c] - factor * panel[k, i] }
        }
      }
      let i = last
      while i + 1 < n {
        let a0 = panel[0, i]
        let a1 = panel[1, i]
        let a2 = panel[2, i]
        let a3 = panel[3, i]
        let b0 = panel[0, i + 1]
        let b1 = panel[1, i + 1]
        let b2 = panel[2, i + 1]
        let b3 = panel[3, i + 1]
        // The element above the diagonal in the first of the two rows is anything, and read by nobody.
        vector j in last..i + 2 {
          let x0 = panel[0, j]
          let x1 = panel[1, j]
          let x2 = panel[2, j]
          let x3 = panel[3, j]
          l[s, i, j] = l[s, i, j] - (a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3)
          l[s, i + 1, j] = l[s, i + 1, j] - (b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3)
        }
        i += 2
      }
      if i < n {
        let a0 = panel[0, i]
        let a1 = panel[1, i]
        let a2 = panel[2, i]
        let a3 = panel[3, i]
        vector j in last..i + 1 {
          l[s, i, j] = l[s, i, j] - (a0 * panel[0, j] + a1 * panel[1, j] + a2 * panel[2, j] +
            a3 * panel[3, j])
        }
      }
    }
    for i in 0..n {
      vector j in i + 1..n { l[s, i, j] = 0 }
    }
    if not definite {
      for i in 0..n {
        vector j in 0..i + 1 { l[s, i, j] = NaN }
      }
    }
  }
}`);

/** Of the matrices whose lower triangle is given. */
export const choleskyRoutine: Routine = /* @__PURE__ */ cholesky(
  "vector j in 0..i + 1 { l[s, i, j] = a[s, i, j] }",
);

/** Of the means of the matrices and their transposes. */
export const symmetrizedCholeskyRoutine: Routine = /* @__PURE__ */ cholesky(
  "for j in 0..i + 1 { l[s, i, j] = 0.5 * (a[s, i, j] + a[s, j, i]) }",
);

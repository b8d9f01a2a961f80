/**
 * Tridiagonal systems on the CPU.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";

/**
 * Elimination with exchanges of neighbouring rows. After step i, row i of U is kept in \`u\`: its diagonal
 * and the two elements to the right of that. What is left of row i is p, q, and its right-hand side.
 */
export const tridiagonalRoutine: Routine = /* @__PURE__ */ routine(`
tridiagonal(in lower: T[count, n], in diagonal: T[count, n], in upper: T[count, n],
            in b: T[count, n, m], out x: T[count, n, m], scratch u: T[n, 3], count, n, m) {
  for s in 0..count {
    for i in 0..n {
      vector j in 0..m { x[s, i, j] = b[s, i, j] }
    }
    let p: T = 0
    let q: T = 0
    if n > 0 { p = diagonal[s, 0] }
    if n > 1 { q = upper[s, 0] }
    for i in 0..n - 1 {
      let below = lower[s, i + 1]
      let right: T = 0
      if i + 2 < n { right = upper[s, i + 1] }
      if abs(p) >= abs(below) {
        let factor: T = 0
        if below != 0 { factor = below / p }
        u[i, 0] = p
        u[i, 1] = q
        u[i, 2] = 0
        vector j in 0..m { x[s, i + 1, j] = x[s, i + 1, j] - factor * x[s, i, j] }
        p = diagonal[s, i + 1] - factor * q
        q = right
      } else {
        let factor = p / below
        u[i, 0] = below
        u[i, 1] = diagonal[s, i + 1]
        u[i, 2] = right
        vector j in 0..m {
          let next = x[s, i + 1, j]
          x[s, i + 1, j] = x[s, i, j] - factor * next
          x[s, i, j] = next
        }
        p = q - factor * diagonal[s, i + 1]
        q = -factor * right
      }
    }
    for i in 0..n down {
      if i < n - 1 {
        p = u[i, 0]
        let near = u[i, 1]
        vector j in 0..m { x[s, i, j] = x[s, i, j] - near * x[s, i + 1, j] }
        let far = u[i, 2]
        if far != 0 {
          vector j in 0..m { x[s, i, j] = x[s, i, j] - far * x[s, i + 2, j] }
        }
      }
      let last = p
      vector j in 0..m { x[s, i, j] = x[s, i, j] / last }
    }
  }
}`);

/**
 * Elimination, and what solves with its factors, on the CPU.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";

/**
 * Elimination with partial pivoting of each of `count` matrices: L below the diagonal and U from it on,
 * the rows that were exchanged, and the order of rows that came of it. Below a pivot that is 0 there are
 * zeros only; NaN is taken for the largest pivot, so that it is not lost.
 *
 * Four columns are eliminated first, and then taken from the rest together, two rows at a time.
 */
export const luRoutine: Routine = /* @__PURE__ */ routine(`
lu(in a: T[count, m, n], out lu: T[count, m, n], out pivots: i32[count, k], out order: i32[count, m],
   count, m, n, k) {
  for s in 0..count {
    for i in 0..m {
      order[s, i] = i
      vector j in 0..n { lu[s, i, j] = a[s, i, j] }
    }
    for first in 0..k by 4 {
      let last = min(first + 4, k)
      for p in first..last {
        let pivot = p
        let best = abs(lu[s, p, p])
        for i in p + 1..m {
          let size = abs(lu[s, i, p])
          if size > best or (size != size and best == best) { best = size  pivot = i }
        }
        pivots[s, p] = pivot
        if pivot != p {
          let row = order[s, p]
          order[s, p] = order[s, pivot]
          order[s, pivot] = row
          vector j in 0..n {
            let x = lu[s, p, j]
            lu[s, p, j] = lu[s, pivot, j]
            lu[s, pivot, j] = x
          }
        }
        let diagonal = lu[s, p, p]
        for i in p + 1..m {
          if lu[s, i, p] != 0 {
            let factor = lu[s, i, p] / diagonal
            lu[s, i, p] = factor
            for j in p + 1..last { lu[s, i, j] = lu[s, i, j] - factor * lu[s, p, j] }
          }
        }
      }
      for p in first..last {
        for i in p + 1..last {
          let factor = lu[s, i, p]
          vector j in last..n { lu[s, i, j] = lu[s, i, j] - factor * lu[s, p, j] }
        }
      }
      // Beyond the last column of a short panel there is nothing, or there are no rows below.
      if last == first + 4 {
        let i = last
        while i + 1 < m {
          let a0 = lu[s, i, first]
          let a1 = lu[s, i, first + 1]
          let a2 = lu[s, i, first + 2]
          let a3 = lu[s, i, first + 3]
          let b0 = lu[s, i + 1, first]
          let b1 = lu[s, i + 1, first + 1]
          let b2 = lu[s, i + 1, first + 2]
          let b3 = lu[s, i + 1, first + 3]
          vector j in last..n {
            let x0 = lu[s, first, j]
            let x1 = lu[s, first + 1, j]
            let x2 = lu[s, first + 2, j]
            let x3 = lu[s, first + 3, j]
            lu[s, i, j] = lu[s, i, j] - (a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3)
            lu[s, i + 1, j] = lu[s, i + 1, j] - (b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3)
          }
          i += 2
        }
        if i < m {
          let a0 = lu[s, i, first]
          let a1 = lu[s, i, first + 1]
          let a2 = lu[s, i, first + 2]
          let a3 = lu[s, i, first + 3]
          vector j in last..n {
            lu[s, i, j] = lu[s, i, j] - (a0 * lu[s, first, j] + a1 * lu[s, first + 1, j] +
              a2 * lu[s, first + 2, j] + a3 * lu[s, first + 3, j])
          }
        }
      }
    }
  }
}`);

/**
 * Substitution with triangles of `count` matrices: the lower one or the upper one, with ones on its
 * diagonal where `unit` is 1. A row of the solution is what is left of that of b.
 */
const substitution = (name: string, loop: string, rest: string): Routine =>
  routine(() => `
${name}(in a: T[count, n, n], in b: T[count, n, m], out x: T[count, n, m], count, n, m, unit) {
  for s in 0..count {
    for i in 0..n ${loop} {
      if m == 1 {
        let rest = b[s * n + i] - sum(k in ${rest}: a[s, i, k] * x[s * n + k])
        if unit == 0 { rest = rest / a[s, i, i] }
        x[s * n + i] = rest
      } else {
        vector j in 0..m { x[s, i, j] = b[s, i, j] }
        for k in ${rest} {
          let factor = a[s, i, k]
          vector j in 0..m { x[s, i, j] = x[s, i, j] - factor * x[s, k, j] }
        }
        if unit == 0 {
          let diagonal = a[s, i, i]
          vector j in 0..m { x[s, i, j] = x[s, i, j] / diagonal }
        }
      }
    }
  }
}`);

/** The same with the transpose of the triangle, row by row of it: what a row of x explains leaves all others. */
const transposedSubstitution = (name: string, loop: string, rest: string): Routine =>
  routine(() => `
${name}(in a: T[count, n, n], in b: T[count, n, m], out x: T[count, n, m], count, n, m, unit) {
  for s in 0..count {
    for i in 0..n {
      vector j in 0..m { x[s, i, j] = b[s, i, j] }
    }
    for i in 0..n ${loop} {
      if unit == 0 {
        let diagonal = a[s, i, i]
        vector j in 0..m { x[s, i, j] = x[s, i, j] / diagonal }
      }
      for k in ${rest} {
        let factor = a[s, i, k]
        vector j in 0..m { x[s, k, j] = x[s, k, j] - factor * x[s, i, j] }
      }
    }
  }
}`);

/** The substitutions: with a triangle as it is, and with its transpose. */
export const substitutions: Readonly<
  Record<"lower" | "upper", { readonly plain: Routine; readonly transposed: Routine }>
> = {
  lower: {
    plain: /* @__PURE__ */ substitution("forward", "", "0..i"),
    transposed: /* @__PURE__ */ transposedSubstitution("backward_t", "down", "0..i"),
  },
  upper: {
    plain: /* @__PURE__ */ substitution("backward", "down", "i + 1..n"),
    transposed: /* @__PURE__ */ transposedSubstitution("forward_t", "", "i + 1..n"),
  },
};

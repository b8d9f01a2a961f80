/**
 * Equations with triangular matrices on both sides, and square roots of triangular matrices, all complex, on
 * the CPU. What is known of a row of the solution is taken from the rest of it as soon as it is known.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";

/** x[at] / (c + d i), for arrays of real and imaginary parts. */
const divided = (x: string, y: string, at: string): string => `
          let size = max(abs(c), abs(d))
          let p = c / size
          let q = d / size
          let square = p * p + q * q
          let a = ${x}[${at}] / size
          let b = ${y}[${at}] / size
          let u = (a * p + b * q) / square
          let w = (b * p - a * q) / square
          ${x}[${at}] = u
          ${y}[${at}] = w`;

/** \`R Y + Y S = F\` with upper triangular R and S. */
export const sylvesterRoutine: Routine = /* @__PURE__ */ routine(() => `
sylvester(in rRe: T[count, m, m], in rIm: T[count, m, m], in sRe: T[count, n, n], in sIm: T[count, n, n],
          in fRe: T[count, m, n], in fIm: T[count, m, n], out x: T[count, m, n], out y: T[count, m, n],
          count, m, n) {
  for t in 0..count {
    for i in 0..m down {
      vector j in 0..n {
        x[t, i, j] = fRe[t, i, j]
        y[t, i, j] = fIm[t, i, j]
      }
      for k in i + 1..m {
        let c = rRe[t, i, k]
        let d = rIm[t, i, k]
        vector j in 0..n {
          x[t, i, j] = x[t, i, j] - (c * x[t, k, j] - d * y[t, k, j])
          y[t, i, j] = y[t, i, j] - (c * y[t, k, j] + d * x[t, k, j])
        }
      }
      for j in 0..n {
        let c = rRe[t, i, i] + sRe[t, j, j]
        let d = rIm[t, i, i] + sIm[t, j, j]${divided("x", "y", "t, i, j")}
        vector l in j + 1..n {
          x[t, i, l] = x[t, i, l] - (u * sRe[t, j, l] - w * sIm[t, j, l])
          y[t, i, l] = y[t, i, l] - (u * sIm[t, j, l] + w * sRe[t, j, l])
        }
      }
    }
  }
}`);

/** \`R^H Y + Y S^H = F\` with upper triangular R and S. */
export const adjointSylvesterRoutine: Routine = /* @__PURE__ */ routine(() => `
adjointSylvester(in rRe: T[count, m, m], in rIm: T[count, m, m], in sRe: T[count, n, n], in sIm: T[count, n, n],
                 in fRe: T[count, m, n], in fIm: T[count, m, n], out x: T[count, m, n], out y: T[count, m, n],
                 count, m, n) {
  for t in 0..count {
    for i in 0..m {
      vector j in 0..n {
        x[t, i, j] = fRe[t, i, j]
        y[t, i, j] = fIm[t, i, j]
      }
      for k in 0..i {
        let c = rRe[t, k, i]
        let d = -rIm[t, k, i]
        vector j in 0..n {
          x[t, i, j] = x[t, i, j] - (c * x[t, k, j] - d * y[t, k, j])
          y[t, i, j] = y[t, i, j] - (c * y[t, k, j] + d * x[t, k, j])
        }
      }
      for j in 0..n down {
        x[t, i, j] = x[t, i, j] -
          sum(l in j + 1..n: x[t, i, l] * sRe[t, j, l] + y[t, i, l] * sIm[t, j, l])
        y[t, i, j] = y[t, i, j] -
          sum(l in j + 1..n: y[t, i, l] * sRe[t, j, l] - x[t, i, l] * sIm[t, j, l])
        let c = rRe[t, i, i] + sRe[t, j, j]
        let d = -rIm[t, i, i] - sIm[t, j, j]${divided("x", "y", "t, i, j")}
      }
    }
  }
}`);

/** The upper triangular principal roots: \`R R = T\`, by Björck and Hammarling (1983). */
export const rootRoutine: Routine = /* @__PURE__ */ routine(() => `
root(in re: T[count, n, n], in im: T[count, n, n], out x: T[count, n, n], out y: T[count, n, n], count, n) {
  for t in 0..count {
    for i in 0..n down {
      for j in 0..i {
        x[t, i, j] = 0
        y[t, i, j] = 0
      }
      vector j in i..n {
        x[t, i, j] = re[t, i, j]
        y[t, i, j] = im[t, i, j]
      }
      let r = re[t, i, i]
      let s = im[t, i, i]
      let length = hypot(r, s)
      let large = sqrt(0.5 * length + 0.5 * abs(r))
      let other: T = 0
      if large != 0 { other = 0.5 * abs(s) / large }
      x[t, i, i] = select(r < 0, other, large)
      y[t, i, i] = copysign(select(r < 0, large, other), s)
      if length != length {
        x[t, i, i] = length
        y[t, i, i] = length
      }
      for j in i + 1..n {
        if x[t, i, j] != 0 or y[t, i, j] != 0 {
          let c = x[t, i, i] + x[t, j, j]
          let d = y[t, i, i] + y[t, j, j]${divided("x", "y", "t, i, j")}
          vector l in j + 1..n {
            x[t, i, l] = x[t, i, l] - (u * x[t, j, l] - w * y[t, j, l])
            y[t, i, l] = y[t, i, l] - (u * y[t, j, l] + w * x[t, j, l])
          }
        }
      }
    }
  }
}`);

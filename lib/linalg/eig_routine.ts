/**
 * Eigenvalues and eigenvectors of real matrices on the CPU: the matrix is balanced, brought to its Schur
 * form, and equations with that one are solved for the vectors.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";
import { isolate, split, triangularise } from "./schur_routine.ts";

/**
 * Powers of two by which rows are divided and columns multiplied, until those of an index are about as long.
 * What the order has isolated is left alone (James, Langou and Lowery 2014: diagonal elements count, so that
 * rounding errors are not blown up).
 */
const balance: Routine = /* @__PURE__ */ routine(`
balance(in window: i32[2], out h: T[n, n], out scale: T[n], n) {
  let limit: T = 0
  if T == f64 { limit = 1e100 } else { limit = 1e12 }
  for i in 0..n { scale[i] = 1 }
  let lo = window[0]
  let hi = window[1] + 1
  let rounds = 0
  let goes = hi > lo + 1
  while goes {
    goes = false
    for i in lo..hi {
      let c: T = 0
      let r: T = 0
      for j in lo..hi {
        c += abs(h[j, i])
        r += abs(h[i, j])
      }
      if c > 0 and r > 0 {
        let f: T = 1
        let sum = c + r
        while c < r / 2 and f < limit {
          f *= 2
          c *= 4
        }
        while c >= r * 2 and f * limit > 1 {
          f *= 0.5
          c *= 0.25
        }
        let whole = scale[i] * f
        if (c + r) / f < 0.95 * sum and whole < limit and whole * limit > 1 {
          goes = true
          scale[i] = whole
          vector j in 0..n { h[i, j] = h[i, j] / f }
          for j in 0..n { h[j, i] = h[j, i] * f }
        }
      }
    }
    rounds += 1
    if rounds == 100 { goes = false }
  }
}`);

/**
 * Eigenvectors of a triangular matrix, as columns: with 1 on the diagonal, but where elements grow without
 * bound. Eigenvalues that are as good as equal are taken to be a rounding error apart.
 */
const substitute: Routine = /* @__PURE__ */ routine(`
substitute(in re: T[n, n], in im: T[n, n], out x: T[n, n], out y: T[n, n], n) {
  let largest: T = 0
  for i in 0..n {
    for j in i..n { largest = max(largest, max(abs(re[i, j]), abs(im[i, j]))) }
  }
  let least: T = 0
  if T == f64 { least = 1e-290 } else { least = 1e-30 }
  least = max(epsilon * largest, least)
  for i in 0..n down {
    vector j in 0..n {
      x[i, j] = 0
      y[i, j] = 0
    }
    x[i, i] = 1
    for k in i + 1..n {
      let p = re[i, k]
      let q = im[i, k]
      vector j in k..n {
        x[i, j] = x[i, j] - (p * x[k, j] - q * y[k, j])
        y[i, j] = y[i, j] - (p * y[k, j] + q * x[k, j])
      }
    }
    for j in i + 1..n {
      let c = re[i, i] - re[j, j]
      let d = im[i, i] - im[j, j]
      let size = max(abs(c), abs(d))
      if size < least {
        c = least
        d = 0
        size = least
      }
      c = c / size
      d = d / size
      let square = c * c + d * d
      let a = x[i, j] / size
      let b = y[i, j] / size
      let u = (a * c + b * d) / square
      let w = (b * c - a * d) / square
      x[i, j] = u
      y[i, j] = w
      let grown = max(abs(u), abs(w))
      if grown > 1e10 {
        for k in i..j + 1 {
          x[k, j] = x[k, j] / grown
          y[k, j] = y[k, j] / grown
        }
      }
    }
  }
}`);

/** The product of the Schur vectors, in rows of z, with vectors of the split form, of which x and y are made. */
const backwards: Routine = /* @__PURE__ */ routine(`
backwards(in h: T[n, n], in z: T[n, n], out x: T[n, n], out y: T[n, n], out v: T[n, n], out w: T[n, n], n) {
  for k in 0..n - 1 {
    let low = h[k + 1, k]
    if low != 0 {
      let high = h[k, k + 1]
      let r = sqrt(abs(high) + abs(low))
      let c = copysign(sqrt(abs(high)) / r, high)
      let s = sqrt(abs(low)) / r
      vector j in k..n {
        let a = x[k, j]
        let b = y[k, j]
        let d = x[k + 1, j]
        let e = y[k + 1, j]
        x[k, j] = c * a - s * e
        y[k, j] = c * b + s * d
        x[k + 1, j] = c * d - s * b
        y[k + 1, j] = c * e + s * a
      }
    }
  }
  for i in 0..n {
    vector j in 0..n {
      v[i, j] = 0
      w[i, j] = 0
    }
    for k in 0..n {
      let q = z[k, i]
      vector j in max(k - 1, 0)..n {
        v[i, j] = v[i, j] + q * x[k, j]
        w[i, j] = w[i, j] + q * y[k, j]
      }
    }
  }
}`);

const scratch = `scratch h: T[n, n], scratch z: T[n, n], scratch x: T[n, n], scratch taus: T[n],
      scratch sums: T[n], scratch start: T[3], scratch scale: T[n], scratch order: i32[n], scratch window: i32[2]`;

const schurOf = (vectors: 0 | 1): string => `
    let largest: T = 0
    for i in 0..n {
      for j in 0..n { largest = max(largest, abs(a[s, i, j])) }
    }
    let unit: T = 1
    if largest > 1e6 or (largest < 1e-6 and largest > 0) { unit = largest }
    isolate(a[s, 0, 0], order, window, n)
    for i in 0..n {
      for j in 0..n { h[i, j] = a[s, order[i], order[j]] / unit }
    }
    if largest < Infinity {
      balance(window, h, scale, n)
      triangularise(h, z, x, taus, sums, start, n, ${vectors}, ${vectors})
    } else {
      for i in 0..n {
        scale[i] = 1
        vector j in 0..n { h[i, j] = NaN }
      }
    }
    for i in 0..n {
      w[s, i] = unit * h[i, i] + 0
      u[s, i] = h[i, i] * 0
    }
    for i in 0..n - 1 {
      if h[i + 1, i] != 0 {
        let part = unit * sqrt(abs(h[i, i + 1] * h[i + 1, i]))
        u[s, i] = part
        u[s, i + 1] = -part
      }
    }`;

/**
 * Eigenvalues of \`count\` matrices in the order in which they are found, real and imaginary parts. Of a pair,
 * that with the larger imaginary part comes first.
 */
export const eigenvaluesRoutine: Routine = /* @__PURE__ */ routine(
  () => `
eigenvalues(in a: T[count, n, n], out w: T[count, n], out u: T[count, n], ${scratch}, count, n) {
  for s in 0..count {${schurOf(0)}
    for i in 0..n { u[s, i] = u[s, i] + 0 }
  }
}`,
  { isolate, balance, triangularise },
);

/**
 * Eigenvalues, and eigenvectors of length 1 as columns. Of each vector the first element of about the largest
 * size is real and above 0.
 */
export const eigRoutine: Routine = /* @__PURE__ */ routine(
  () => `
eig(in a: T[count, n, n], out w: T[count, n], out u: T[count, n], out re: T[count, n, n], out im: T[count, n, n],
    ${scratch}, scratch y: T[n, n], scratch t: T[n, n], scratch r: T[n, n], count, n) {
  for s in 0..count {${schurOf(1)}
    split(h, t, r, n)
    substitute(t, r, x, y, n)
    backwards(h, z, x, y, t, r, n)
    let j = 0
    while j < n {
      let pair = false
      if j + 1 < n { pair = h[j + 1, j] != 0 }
      let size: T = 0
      for i in 0..n {
        t[i, j] = scale[i] * t[i, j]
        r[i, j] = select(pair, scale[i] * r[i, j], h[0, 0] * 0)
        size = max(size, max(abs(t[i, j]), abs(r[i, j])))
      }
      if size == 0 { size = 1 }
      let norm: T = 0
      let widest: T = 0
      for i in 0..n {
        let p = t[i, j] / size
        let q = r[i, j] / size
        let square = p * p + q * q
        norm += square
        widest = max(widest, square)
        t[i, j] = p
        r[i, j] = q
      }
      // The first one in the order of the rows that comes near.
      let first = n
      let at = 0
      for i in 0..n {
        let square = t[i, j] * t[i, j] + r[i, j] * r[i, j]
        if square >= 0.81 * widest and order[i] < first {
          first = order[i]
          at = i
        }
      }
      let length = sqrt(t[at, j] * t[at, j] + r[at, j] * r[at, j]) * sqrt(norm)
      let c = t[at, j] / length
      let d = r[at, j] / length
      for i in 0..n {
        let row = order[i]
        let p = c * t[i, j] + d * r[i, j]
        let q = c * r[i, j] - d * t[i, j]
        if i == at { q = p * 0 }
        re[s, row, j] = p + 0
        im[s, row, j] = q + 0
        if pair {
          re[s, row, j + 1] = p + 0
          im[s, row, j + 1] = 0 - q
        }
      }
      j += 1
      if pair { j += 1 }
    }
    for i in 0..n { u[s, i] = u[s, i] + 0 }
  }
}`,
  { isolate, balance, triangularise, split, substitute, backwards },
);

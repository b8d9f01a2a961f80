/**
 * Schur forms of real matrices on the CPU: a permutation that isolates eigenvalues, reflections that leave
 * one diagonal below the main one (`hessenberg.ts`), and sweeps of reflections that make that one 0.
 *
 * The matrix of the Schur vectors is kept as its transpose z, so that what changes lies together.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";
import { reduce } from "./hessenberg.ts";
import { accumulate } from "./svd_routine.ts";

/**
 * An order of rows and columns in which eigenvalues that can be read off come first and last, and others
 * are from \`window[0]\` to \`window[1]\`: a row with nothing beside its diagonal goes to the end, a column to the start.
 */
export const isolate: Routine = /* @__PURE__ */ routine(`
isolate(in a: T[n, n], out order: i32[n], out window: i32[2], n) {
  for i in 0..n { order[i] = i }
  let lo = 0
  let hi = n - 1
  let found = hi > lo
  while found {
    found = false
    for i in lo..hi + 1 down {
      let row = order[i]
      let alone = true
      for j in lo..hi + 1 {
        if j != i {
          if a[row, order[j]] != 0 {
            alone = false
            break
          }
        }
      }
      if alone {
        order[i] = order[hi]
        order[hi] = row
        hi -= 1
        found = true
        break
      }
    }
    if not found {
      for j in lo..hi + 1 {
        let column = order[j]
        let alone = true
        for i in lo..hi + 1 {
          if i != j {
            if a[order[i], column] != 0 {
              alone = false
              break
            }
          }
        }
        if alone {
          order[j] = order[lo]
          order[lo] = column
          lo += 1
          found = true
          break
        }
      }
    }
    if hi <= lo { found = false }
  }
  window[0] = lo
  window[1] = hi
}`);

/** A reflection of rows k to k + 2, or of two, of z, and of h on both sides. */
const turned = (third: boolean): string => `
        vector j in k..to {
          let s = tau * (h[k, j] + v * h[k + 1, j]${third ? " + u * h[k + 2, j]" : ""})
          h[k, j] = h[k, j] - s
          h[k + 1, j] = h[k + 1, j] - s * v
          ${third ? "h[k + 2, j] = h[k + 2, j] - s * u" : ""}
        }
        for i in from..min(k + 4, hi + 1) {
          let s = tau * (h[i, k] + v * h[i, k + 1]${third ? " + u * h[i, k + 2]" : ""})
          h[i, k] = h[i, k] - s
          h[i, k + 1] = h[i, k + 1] - s * v
          ${third ? "h[i, k + 2] = h[i, k + 2] - s * u" : ""}
        }
        if vectors == 1 {
          vector j in 0..n {
            let s = tau * (z[k, j] + v * z[k + 1, j]${third ? " + u * z[k + 2, j]" : ""})
            z[k, j] = z[k, j] - s
            z[k + 1, j] = z[k + 1, j] - s * v
            ${third ? "z[k + 2, j] = z[k + 2, j] - s * u" : ""}
          }
        }`;

/**
 * One sweep over rows lo to hi. The first reflection is that of the vector \`start\`; each of the others
 * takes what the one before left below the second diagonal. Rows from \`from\` and columns up to \`to\` take part.
 */
const sweep: Routine = /* @__PURE__ */ routine(() => `
sweep(in start: T[3], out h: T[n, n], out z: T[n, n], n, lo, hi, from, to, vectors) {
  let x = start[0]
  let y = start[1]
  let w = start[2]
  for k in lo..hi {
    if k > lo {
      x = h[k, k - 1]
      y = h[k + 1, k - 1]
      w = 0
      if k + 2 <= hi { w = h[k + 2, k - 1] }
    }
    let below = max(abs(y), abs(w))
    if below != 0 {
      let largest = max(below, abs(x))
      let p = x / largest
      let q = y / largest
      let r = w / largest
      // All of it in units of the largest, so that small numbers keep their digits.
      let norm = sqrt(p * p + q * q + r * r)
      let beta = select(x < 0, norm, -norm)
      let tau = (beta - p) / beta
      let v = q / (p - beta)
      let u = r / (p - beta)
      if k > lo {
        h[k, k - 1] = largest * beta
        h[k + 1, k - 1] = 0
      }
      if k + 2 <= hi {
        if k > lo { h[k + 2, k - 1] = 0 }${turned(true)}
      } else {${turned(false)}
      }
    }
  }
}`);

/**
 * From a Hessenberg matrix to one with blocks of at most two rows on the diagonal, by sweeps with the
 * eigenvalues of the last two rows as shifts. With \`whole\` 0, nothing but the blocks is right. Where that takes
 * too many sweeps, which nobody has seen, all is NaN.
 */
const iterate: Routine = /* @__PURE__ */ routine(
  `
iterate(out h: T[n, n], out z: T[n, n], out start: T[3], n, whole, vectors) {
  // What is smaller is 0 beside a matrix whose largest element is not far from 1.
  let least: T = 0
  if T == f64 { least = 1e-290 } else { least = 1e-30 }
  let hi = n - 1
  let tries = 0
  let sweeps = 0
  while hi > 0 {
    let lo = hi
    while lo > 0 {
      let below = abs(h[lo, lo - 1])
      if below <= least { break }
      let p = h[lo - 1, lo - 1]
      let q = h[lo, lo]
      let scale = abs(p) + abs(q)
      if scale == 0 {
        if lo > 1 { scale += abs(h[lo - 1, lo - 2]) }
        if lo + 1 < n { scale += abs(h[lo + 1, lo]) }
      }
      if below <= epsilon * scale {
        // By Ahues and Tisseur: what it changes in eigenvalues is the product with the element above.
        let above = abs(h[lo - 1, lo])
        let gap = abs(p - q)
        let large = max(abs(q), gap)
        let sum = large + max(below, above)
        if min(below, above) * (max(below, above) / sum) <= epsilon * (min(abs(q), gap) * (large / sum)) { break }
      }
      lo -= 1
    }
    if lo > 0 { h[lo, lo - 1] = 0 }
    if lo + 1 >= hi {
      hi = lo - 1
      tries = 0
    } else if sweeps == 30 * max(n, 10) {
      for i in 0..n {
        vector j in 0..n { h[i, j] = NaN }
      }
      hi = 0
    } else {
      let a = h[hi - 1, hi - 1]
      let d = h[hi, hi]
      let high = h[hi - 1, hi]
      let low = h[hi, hi - 1]
      tries += 1
      sweeps += 1
      if tries % 10 == 0 {
        // The usual shifts went round in a circle.
        let size = abs(h[hi, hi - 1]) + abs(h[hi - 1, hi - 2])
        if tries % 20 == 0 { size = abs(h[lo + 1, lo]) + abs(h[lo + 2, lo + 1]) }
        let middle = d
        if tries % 20 == 0 { middle = h[lo, lo] }
        a = 0.75 * size + middle
        d = a
        high = -0.4375 * size
        low = size
      }
      // The first column of (h - s)(h - t), divided by the largest number in it.
      let p = h[lo, lo]
      let below = h[lo + 1, lo]
      let unit = max(max(abs(d - p), abs(a - p)), max(max(abs(high), abs(low)), abs(below)))
      let part = below / unit
      start[0] = (d - p) * ((a - p) / unit) - high * (low / unit) + h[lo, lo + 1] * part
      start[1] = (h[lo + 1, lo + 1] - p - (d - p) - (a - p)) * part
      start[2] = h[lo + 2, lo + 1] * part
      let from = lo
      let to = hi + 1
      if whole == 1 {
        from = 0
        to = n
      }
      sweep(start, h, z, n, lo, hi, from, to, vectors)
    }
  }
}`,
  { sweep },
);

/**
 * Rotations that give a block of two rows with real eigenvalues a 0 below the diagonal, and others a
 * diagonal of two equal elements.
 */
const standardise: Routine = /* @__PURE__ */ routine(`
standardise(out h: T[n, n], out z: T[n, n], n, whole, vectors) {
  for k in 0..n - 1 {
    let c = h[k + 1, k]
    if c != 0 {
      // In units of the largest, so that squares do not vanish.
      let p = 0.5 * (h[k, k] - h[k + 1, k + 1])
      let b = h[k, k + 1]
      let unit = max(abs(p), max(abs(b), abs(c)))
      p = p / unit
      b = b / unit
      c = c / unit
      let root = p * p + b * c
      let cs: T = 1
      let sn: T = 0
      let above: T = 0
      let below: T = 0
      let real = root >= 4 * epsilon
      if real {
        let x = p + copysign(sqrt(root), p)
        let r = hypot(c, x)
        cs = x / r
        sn = c / r
      } else {
        let sum = b + c
        let r = hypot(sum, 2 * p)
        // What is smaller is 0 beside the block, and might have too few digits.
        if r > 1e-30 {
          cs = sqrt(0.5 * (1 + abs(sum) / r))
          sn = -p / (r * cs) * copysign(1, sum)
        }
        // The elements beside the diagonal, which is (a + d) / 2 twice.
        above = cs * cs * b - sn * sn * c + 2 * cs * sn * -p
        below = cs * cs * c - sn * sn * b + 2 * cs * sn * -p
        if above * below >= 0 {
          let size = sqrt(abs(above + below))
          real = true
          if size != 0 {
            let x = sqrt(abs(above)) / size
            let y = sqrt(abs(below)) / size
            let t = cs * x - sn * y
            sn = cs * y + sn * x
            cs = t
          }
        }
      }
      let to = k + 2
      let from = k
      if whole == 1 {
        to = n
        from = 0
      }
      vector j in k..to {
        let x = h[k, j]
        let y = h[k + 1, j]
        h[k, j] = cs * x + sn * y
        h[k + 1, j] = cs * y - sn * x
      }
      for i in from..k + 2 {
        let x = h[i, k]
        let y = h[i, k + 1]
        h[i, k] = cs * x + sn * y
        h[i, k + 1] = cs * y - sn * x
      }
      if real { h[k + 1, k] = 0 } else {
        let middle = 0.5 * (h[k, k] + h[k + 1, k + 1])
        h[k, k] = middle
        h[k, k + 1] = unit * above
        h[k + 1, k] = unit * below
        h[k + 1, k + 1] = middle
      }
      if vectors == 1 {
        vector j in 0..n {
          let x = z[k, j]
          let y = z[k + 1, j]
          z[k, j] = cs * x + sn * y
          z[k + 1, j] = cs * y - sn * x
        }
      }
    }
  }
}`);

/** From a square matrix h without infinities to its Schur form, and z; v, taus and sums are scratch. */
export const triangularise: Routine = /* @__PURE__ */ routine(
  `
triangularise(out h: T[n, n], out z: T[n, n], out v: T[n, n], out taus: T[n], out sums: T[n], out start: T[3],
              n, whole, vectors) {
  reduce(h, v, taus, sums, n)
  if vectors == 1 { accumulate(v, taus, z, n, n, n, 1) }
  iterate(h, z, start, n, whole, vectors)
  standardise(h, z, n, whole, vectors)
}`,
  { reduce, accumulate, iterate, standardise },
);

/**
 * From a Schur form to a triangular matrix with complex elements, by unitary matrices
 * \`[[c, i s], [i s, c]]\` of each pair of eigenvalues, of which that with the larger imaginary part comes first.
 */
export const split: Routine = /* @__PURE__ */ routine(`
split(in h: T[n, n], out re: T[n, n], out im: T[n, n], n) {
  for i in 0..n {
    vector j in 0..n {
      re[i, j] = h[i, j]
      im[i, j] = 0
    }
  }
  for k in 0..n - 1 {
    let low = h[k + 1, k]
    if low != 0 {
      let high = h[k, k + 1]
      let r = sqrt(abs(high) + abs(low))
      let c = copysign(sqrt(abs(high)) / r, high)
      let s = sqrt(abs(low)) / r
      vector j in k..n {
        let x = re[k, j]
        let y = im[k, j]
        let u = re[k + 1, j]
        let w = im[k + 1, j]
        re[k, j] = c * x + s * w
        im[k, j] = c * y - s * u
        re[k + 1, j] = c * u + s * y
        im[k + 1, j] = c * w - s * x
      }
      for i in 0..k + 2 {
        let x = re[i, k]
        let y = im[i, k]
        let u = re[i, k + 1]
        let w = im[i, k + 1]
        re[i, k] = c * x - s * w
        im[i, k] = c * y + s * u
        re[i, k + 1] = c * u - s * y
        im[i, k + 1] = c * w + s * x
      }
      re[k, k] = h[k, k]
      im[k, k] = sqrt(abs(high * low))
      re[k + 1, k + 1] = re[k, k]
      im[k + 1, k + 1] = -im[k, k]
      re[k + 1, k] = 0
      im[k + 1, k] = 0
    }
  }
}`);

/** Which Schur form is wanted. */
export interface SchurParams {
  /** Whether the matrix of the Schur vectors is wanted too. */
  readonly computeVectors: boolean;
  /** Whether it is triangular, with complex elements. */
  readonly complex: boolean;
}

const scratch = `scratch z: T[n, n], scratch v: T[n, n], scratch taus: T[n], scratch sums: T[n],
      scratch start: T[3], scratch order: i32[n], scratch window: i32[2]`;

/** From a matrix to h, whose Schur form times \`unit\` is that of the matrix in \`order\`. */
const schurOf = (vectors: 0 | 1): string => `
    let largest: T = 0
    for i in 0..n {
      for j in 0..n { largest = max(largest, abs(a[s, i, j])) }
    }
    // So that squares neither overflow nor vanish; others are left as they are.
    let unit: T = 1
    if largest > 1e6 or (largest < 1e-6 and largest > 0) { unit = largest }
    isolate(a[s, 0, 0], order, window, n)
    for i in 0..n {
      for j in 0..n { h[i, j] = a[s, order[i], order[j]] / unit }
    }
    if largest < Infinity {
      triangularise(h, z, v, taus, sums, start, n, 1, ${vectors})
    } else {
      for i in 0..n {
        vector j in 0..n { h[i, j] = NaN }
      }
    }`;

/** Vectors without number: NaN is on the diagonal of h. */
const unknown = `
    if n > 0 {
      if h[0, 0] != h[0, 0] {
        for i in 0..n {
          vector j in 0..n { z[i, j] = NaN }
        }
      }
    }`;

const realSchur = (vectors: 0 | 1): string => `
schur(in a: T[count, n, n], out t: T[count, n, n]${
  vectors === 1 ? ", out q: T[count, n, n]" : ""
}, scratch h: T[n, n],
      ${scratch}, count, n) {
  for s in 0..count {${schurOf(vectors)}
    for i in 0..n {
      for j in 0..n { t[s, i, j] = unit * h[i, j] + 0 }
      for j in 0..i - 1 { t[s, i, j] = select(h[i, j] == h[i, j], 0, h[i, j]) }
    }${
  vectors === 1
    ? `${unknown}
    for i in 0..n {
      for j in 0..n { q[s, order[i], j] = z[j, i] + 0 }
    }`
    : ""
}
  }
}`;

const complexSchur = (vectors: 0 | 1): string => `
schur(in a: T[count, n, n], out t: T[count, n, n], out u: T[count, n, n]${
  vectors === 1 ? ", out q: T[count, n, n], out r: T[count, n, n]" : ""
}, scratch h: T[n, n],
      ${scratch}, count, n) {
  for s in 0..count {${schurOf(vectors)}
    split(h, t[s, 0, 0], u[s, 0, 0], n)
    for i in 0..n {
      for j in 0..n {
        t[s, i, j] = unit * t[s, i, j] + 0
        u[s, i, j] = unit * u[s, i, j] + 0
      }
      for j in 0..i {
        let zero = select(h[i, i] == h[i, i], 0, h[i, i])
        t[s, i, j] = zero
        u[s, i, j] = zero
      }
    }${
  vectors === 1
    ? `${unknown}
    for i in 0..n {
      for j in 0..n {
        q[s, order[i], j] = z[j, i] + 0
        r[s, order[i], j] = 0
      }
    }
    for k in 0..n - 1 {
      if h[k + 1, k] != 0 {
        let high = h[k, k + 1]
        let size = sqrt(abs(high) + abs(h[k + 1, k]))
        let c = copysign(sqrt(abs(high)) / size, high)
        let sn = sqrt(abs(h[k + 1, k])) / size
        for i in 0..n {
          let row = order[i]
          q[s, row, k] = c * z[k, i] + 0
          r[s, row, k] = sn * z[k + 1, i] + 0
          q[s, row, k + 1] = c * z[k + 1, i] + 0
          r[s, row, k + 1] = sn * z[k, i] + 0
        }
      }
    }`
    : ""
}
  }
}`;

const callees = { isolate, triangularise, split };
const routines = /* @__PURE__ */ [realSchur, complexSchur].map((text) =>
  ([0, 1] as const).map((vectors) => routine(() => text(vectors), callees))
);

/**
 * Schur forms of \`count\` matrices, without signs of zeros, and with \`computeVectors\` the matrices of their vectors. Complex ones are real and
 * imaginary parts.
 */
export function schurRoutine({ computeVectors, complex }: SchurParams): Routine {
  return routines[complex ? 1 : 0]![computeVectors ? 1 : 0]!;
}

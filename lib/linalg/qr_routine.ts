/**
 * Reflections and QR factors on the CPU.
 *
 * A reflection is `H = 1 - tau v v^T` where v is 0 before row p and 1 in it. It is kept as a row that
 * has tau in place p.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";

/**
 * The reflection that takes column p of y, from row p on, to a multiple of the first unit vector, which
 * replaces it. tau is 0 where all below is 0. The column is scaled, so that squares neither overflow nor
 * vanish.
 */
export const reflector: Routine = /* @__PURE__ */ routine(`
reflector(out y: T[m, n], out v: T[m], m, n, row, p) {
  let alpha = y[row, p]
  let below: T = 0
  for i in row + 1..m { below = max(below, abs(y[i, p])) }
  v[row] = 0
  if below == 0 {
    for i in row + 1..m { v[i] = 0 }
  } else {
    let largest = max(below, abs(alpha))
    let squares: T = 0
    for i in row..m {
      let x = y[i, p] / largest
      squares += x * x
    }
    // Small numbers in units of the largest, so that they keep their digits.
    let unit: T = 1
    if largest < 1e-30 { unit = largest }
    let first = alpha / unit
    let beta = -copysign(largest / unit * sqrt(squares), alpha)
    v[row] = (beta - first) / beta
    let divisor = first - beta
    for i in row + 1..m {
      v[i] = y[i, p] / unit / divisor
      y[i, p] = 0
    }
    y[row, p] = unit * beta
  }
}`);

/** Columns of y from \`from\` on become those of H y. \`sums\` holds tau v^T y. */
export const reflect: Routine = /* @__PURE__ */ routine(`
reflect(in v: T[m], out y: T[m, n], out sums: T[n], m, n, p, from) {
  let tau = v[p]
  if tau != 0 {
    vector j in from..n { sums[j] = y[p, j] }
    let i = p + 1
    while i + 3 < m {
      let s = v[i]
      let t = v[i + 1]
      let u = v[i + 2]
      let w = v[i + 3]
      vector j in from..n {
        sums[j] = sums[j] + (s * y[i, j] + t * y[i + 1, j] + u * y[i + 2, j] + w * y[i + 3, j])
      }
      i += 4
    }
    while i < m {
      let s = v[i]
      vector j in from..n { sums[j] = sums[j] + s * y[i, j] }
      i += 1
    }
    vector j in from..n {
      let s = tau * sums[j]
      sums[j] = s
      y[p, j] = y[p, j] - s
    }
    for i in p + 1..m {
      let s = v[i]
      vector j in from..n { y[i, j] = y[i, j] - s * sums[j] }
    }
  }
}`);

const take = `
    for i in 0..m {
      vector j in 0..n { y[i, j] = a[s, i, j] }
    }`;

const give = `
    for i in 0..c {
      for j in 0..min(i, n) { r[s, i, j] = 0 }
      vector j in min(i, n)..n { r[s, i, j] = y[i, j] }
    }
    for i in 0..m {
      vector j in 0..c { q[s, i, j] = 0 }
      if i < c { q[s, i, i] = 1 }
    }
    for p in 0..k down { reflect(v[p, 0], q[s, 0, 0], sums, m, c, p, p) }`;

/**
 * Q, with c columns, and R, with c rows, of each of \`count\` matrices, by k = min(m, n) reflections.
 */
export const qrRoutine: Routine = /* @__PURE__ */ routine(
  () => `
qr(in a: T[count, m, n], out q: T[count, m, c], out r: T[count, c, n],
   scratch y: T[m, n], scratch v: T[k, m], scratch sums: T[m + n], count, m, n, k, c) {
  for s in 0..count {${take}
    for p in 0..k {
      reflector(y, v[p, 0], m, n, p, p)
      reflect(v[p, 0], y, sums, m, n, p, p + 1)
    }${give}
  }
}`,
  { reflector, reflect },
);

/**
 * The same where in each step the longest of the columns that are left comes next, the first of several;
 * \`order\` says which column of the matrix each one is.
 */
export const pivotedQrRoutine: Routine = /* @__PURE__ */ routine(
  () => `
pivotedQr(in a: T[count, m, n], out q: T[count, m, c], out r: T[count, c, n], out order: i32[count, n],
   scratch y: T[m, n], scratch v: T[k, m], scratch sums: T[m + n], count, m, n, k, c) {
  for s in 0..count {${take}
    let largest: T = 0
    for i in 0..m {
      for j in 0..n { largest = max(largest, abs(y[i, j])) }
    }
    if largest == 0 { largest = 1 }
    for j in 0..n { order[s, j] = j }
    for p in 0..k {
      vector j in p..n { sums[j] = 0 }
      for i in p..m {
        vector j in p..n {
          let x = y[i, j] / largest
          sums[j] = sums[j] + x * x
        }
      }
      let longest = p
      for j in p + 1..n {
        if sums[j] > sums[longest] { longest = j }
      }
      if longest != p {
        for i in 0..m {
          let x = y[i, p]
          y[i, p] = y[i, longest]
          y[i, longest] = x
        }
        let column = order[s, p]
        order[s, p] = order[s, longest]
        order[s, longest] = column
      }
      reflector(y, v[p, 0], m, n, p, p)
      reflect(v[p, 0], y, sums, m, n, p, p + 1)
    }${give}
  }
}`,
  { reflector, reflect },
);

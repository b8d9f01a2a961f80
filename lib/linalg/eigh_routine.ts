/**
 * Eigenvalues and eigenvectors of symmetric matrices on the CPU: the matrix is made tridiagonal by
 * reflections, and that one diagonal by rotations.
 *
 * Eigenvectors are rows while they are made, so that what changes lies together.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";

/**
 * Reflections on both sides leave \`diagonal\` and \`beside\` of z, a full symmetric matrix. Reflection k
 * is row k of h, from k + 1 on, and \`taus[k]\`.
 */
const tridiagonalise: Routine = /* @__PURE__ */ routine(`
tridiagonalise(out z: T[n, n], out h: T[n, n], out taus: T[n], out diagonal: T[n], out beside: T[n],
               out p: T[n], n) {
  for k in 0..n - 1 {
    let alpha = z[k, k + 1]
    let below: T = 0
    for j in k + 2..n { below = max(below, abs(z[k, j])) }
    beside[k] = alpha
    taus[k] = 0
    if below != 0 {
      let largest = max(below, abs(alpha))
      let squares = sum(j in k + 1..n: (z[k, j] / largest) * (z[k, j] / largest))
      // Small numbers in units of the largest, so that they keep their digits.
      let size: T = 1
      if largest < 1e-30 { size = largest }
      let first = alpha / size
      let beta = -copysign(largest / size * sqrt(squares), alpha)
      let tau = (beta - first) / beta
      let divisor = first - beta
      h[k, k + 1] = 1
      vector j in k + 2..n { h[k, j] = z[k, j] / size / divisor }
      beside[k] = size * beta
      taus[k] = tau
      for i in k + 1..n { p[i] = tau * sum(j in k + 1..n: z[i, j] * h[k, j]) }
      let half = 0.5 * tau * sum(j in k + 1..n: p[j] * h[k, j])
      vector j in k + 1..n { p[j] = p[j] - half * h[k, j] }
      for i in k + 1..n {
        let x = h[k, i]
        let y = p[i]
        vector j in k + 1..n { z[i, j] = z[i, j] - (x * p[j] + y * h[k, j]) }
      }
    }
  }
  for i in 0..n { diagonal[i] = z[i, i] }
  if n > 0 { beside[n - 1] = 0 }
}`);

/** The transpose of the product of the reflections. */
const accumulate: Routine = /* @__PURE__ */ routine(`
accumulate(in h: T[n, n], in taus: T[n], out q: T[n, n], n) {
  for i in 0..n {
    vector j in 0..n { q[i, j] = 0 }
    q[i, i] = 1
  }
  for k in 0..n - 1 down {
    let tau = taus[k]
    if tau != 0 {
      for i in k + 1..n {
        let s = tau * sum(j in k + 1..n: q[i, j] * h[k, j])
        vector j in k + 1..n { q[i, j] = q[i, j] - s * h[k, j] }
      }
    }
  }
}`);

/**
 * Rows l..m of q after rotations of rows i and i + 1, for i from m - 1 down to l, two at a time.
 */
const rotate: Routine = /* @__PURE__ */ routine(`
rotate(in c: T[n], in s: T[n], out q: T[n, n], n, l, m) {
  let i = m - 1
  while i > l {
    let ci = c[i]
    let si = s[i]
    let ck = c[i - 1]
    let sk = s[i - 1]
    vector j in 0..n {
      let low = q[i + 1, j]
      let middle = q[i, j]
      let high = q[i - 1, j]
      let turned = ci * middle - si * low
      q[i + 1, j] = si * middle + ci * low
      q[i, j] = sk * high + ck * turned
      q[i - 1, j] = ck * high - sk * turned
    }
    i -= 2
  }
  if i == l {
    let ci = c[i]
    let si = s[i]
    vector j in 0..n {
      let low = q[i + 1, j]
      let high = q[i, j]
      q[i + 1, j] = si * high + ci * low
      q[i, j] = ci * high - si * low
    }
  }
}`);

/**
 * Implicit QL with the shift of the leading 2 by 2 matrix, until all of \`e\` is negligible beside d. Rows
 * of q take part where \`vectors\` is 1. Where that takes too many sweeps, which nobody has seen, d is NaN.
 */
const diagonalise: Routine = /* @__PURE__ */ routine(
  `
diagonalise(out d: T[n], out e: T[n], out q: T[n, n], out cs: T[n], out sn: T[n], n, vectors) {
  let sweeps = 0
  let l = 0
  while l < n {
    let m = l
    while m < n - 1 and abs(e[m]) > epsilon * (abs(d[m]) + abs(d[m + 1])) { m += 1 }
    if m == l {
      l += 1
    } else if sweeps > 60 * n {
      d[l] = NaN
      l += 1
    } else {
      sweeps += 1
      let g = (d[l + 1] - d[l]) / (2 * e[l])
      g = d[m] - d[l] + e[l] / (g + copysign(hypot(g, 1), g))
      let s: T = 1
      let c: T = 1
      let p: T = 0
      let first = l
      for i in l..m down {
        let f = s * e[i]
        let b = c * e[i]
        let r = hypot(f, g)
        e[i + 1] = r
        if r == 0 {
          d[i + 1] = d[i + 1] - p
          first = i + 1
          break
        }
        s = f / r
        c = g / r
        cs[i] = c
        sn[i] = s
        g = d[i + 1] - p
        let t = (d[i] - g) * s + 2 * c * b
        p = s * t
        d[i + 1] = g + p
        g = c * t - b
      }
      if vectors == 1 { rotate(cs, sn, q, n, first, m) }
      if first == l {
        d[l] = d[l] - p
        e[l] = g
      }
      e[m] = 0
    }
  }
}`,
  { rotate },
);

const scratch = `scratch z: T[n, n], scratch h: T[n, n], scratch taus: T[n], scratch e: T[n],
     scratch p: T[n], scratch d: T[n], scratch order: i32[n]`;

/** From a matrix to eigenvalues d, times \`unit\`, with rows of z as eigenvectors, in \`order\`. */
const spectrum = (vectors: 0 | 1): string => `
    let largest: T = 0
    for i in 0..n {
      for j in 0..i + 1 { largest = max(largest, abs(a[s, i, j])) }
    }
    let unit = select(largest == 0, 1, largest)
    for i in 0..n {
      for j in 0..i + 1 {
        let x = a[s, i, j] / unit
        z[i, j] = x
        z[j, i] = x
      }
    }
    if largest < Infinity {
      tridiagonalise(z, h, taus, d, e, p, n)
      ${vectors === 1 ? "accumulate(h, taus, z, n)" : ""}
      diagonalise(d, e, z, p, taus, n, ${vectors})
    } else {
      for i in 0..n {
        d[i] = NaN
        vector j in 0..n { z[i, j] = NaN }
      }
    }
    for i in 0..n {
      let at = i
      while at > 0 and d[order[max(at - 1, 0)]] > d[i] {
        order[at] = order[at - 1]
        at -= 1
      }
      order[at] = i
    }`;

const callees = { tridiagonalise, accumulate, diagonalise };

/**
 * Eigenvalues in ascending order, and eigenvectors as columns, from the lower triangles of \`count\`
 * matrices. Of each eigenvector the first element of about the largest size is above 0.
 */
export const eighRoutine: Routine = /* @__PURE__ */ routine(
  () => `
eigh(in a: T[count, n, n], out w: T[count, n], out v: T[count, n, n], ${scratch}, count, n) {
  for s in 0..count {${spectrum(1)}
    for k in 0..n {
      let row = order[k]
      w[s, k] = unit * d[row]
      let size: T = 0
      for i in 0..n { size = max(size, abs(z[row, i])) }
      let sign: T = 1
      for i in 0..n {
        if abs(z[row, i]) >= 0.9 * size {
          sign = copysign(1, z[row, i])
          break
        }
      }
      for i in 0..n { v[s, i, k] = sign * z[row, i] }
    }
  }
}`,
  callees,
);

/** Eigenvalues in ascending order, from the lower triangles of \`count\` matrices. */
export const eigenvaluesRoutine: Routine = /* @__PURE__ */ routine(
  () => `
eigenvalues(in a: T[count, n, n], out w: T[count, n], ${scratch}, count, n) {
  for s in 0..count {${spectrum(0)}
    for k in 0..n { w[s, k] = unit * d[order[k]] }
  }
}`,
  callees,
);

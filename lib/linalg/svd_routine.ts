/**
 * Singular values and vectors on the CPU: the matrix is made bidiagonal by reflections, and that one
 * diagonal by rotations.
 *
 * A matrix with more columns than rows is transposed first. Singular vectors are rows while they are
 * made, so that what changes lies together.
 *
 * @module
 */
import { type Routine, routine } from "../routine/routine.ts";
import { reflect, reflector } from "./qr.ts";

/** Rows from \`from\` on become those of y H. */
export const reflectRows: Routine = /* @__PURE__ */ routine(`
reflectRows(in v: T[n], in tau: T[1], out y: T[m, n], m, n, first, from) {
  if tau[0] != 0 {
    for i in from..m {
      let s = tau[0] * sum(j in first..n: y[i, j] * v[j])
      vector j in first..n { y[i, j] = y[i, j] - s * v[j] }
    }
  }
}`);

/**
 * Reflections on the left (rows of \`left\`) and on the right (rows of \`right\`) leave d on the diagonal of
 * y and e beside it.
 */
const bidiagonalise: Routine = /* @__PURE__ */ routine(
  `
bidiagonalise(out y: T[p, q], out left: T[q, p], out leftTaus: T[q], out right: T[q, q],
              out rightTaus: T[q], out d: T[q], out e: T[q], out sums: T[p], p, q) {
  for k in 0..q {
    reflector(y, left[k, 0], p, q, k, k)
    reflect(left[k, 0], y, sums, p, q, k, k + 1)
    leftTaus[k] = left[k, k]
    left[k, k] = 1
    d[k] = y[k, k]
    e[k] = 0
    rightTaus[k] = 0
    if k + 1 < q {
      let alpha = y[k, k + 1]
      let below: T = 0
      for j in k + 2..q { below = max(below, abs(y[k, j])) }
      e[k] = alpha
      if below != 0 {
        let largest = max(below, abs(alpha))
        let squares = sum(j in k + 1..q: (y[k, j] / largest) * (y[k, j] / largest))
        // Small numbers in units of the largest, so that they keep their digits.
        let size: T = 1
        if largest < 1e-30 { size = largest }
        let first = alpha / size
        let beta = -copysign(largest / size * sqrt(squares), alpha)
        let divisor = first - beta
        right[k, k + 1] = 1
        vector j in k + 2..q { right[k, j] = y[k, j] / size / divisor }
        rightTaus[k] = (beta - first) / beta
        e[k] = size * beta
        reflectRows(right[k, 0], rightTaus[k], y, p, q, k + 1, k + 1)
      }
    }
  }
  // What is 0 beside the largest, which is about 1, and might have too few digits for rotations.
  let least: T = 0
  if T == f64 { least = 1e-290 } else { least = 1e-30 }
  for k in 0..q {
    if abs(d[k]) < least { d[k] = 0 }
    if abs(e[k]) < least { e[k] = 0 }
  }
}`,
  { reflector, reflect, reflectRows },
);

/** The first rows of the transpose of a product of reflections, of which number k begins at k + shift. */
export const accumulate: Routine = /* @__PURE__ */ routine(
  `
accumulate(in h: T[q, p], in taus: T[q], out x: T[c, p], q, p, c, shift) {
  for i in 0..c {
    vector j in 0..p { x[i, j] = 0 }
    x[i, i] = 1
  }
  for k in 0..q - shift down { reflectRows(h[k, 0], taus[k], x, c, p, k + shift, k + shift) }
}`,
  { reflectRows },
);

/** Rows l..m of x after rotations of rows i and i + 1, for i from l up to m - 1, two at a time. */
const rotate: Routine = /* @__PURE__ */ routine(`
rotate(in c: T[q], in s: T[q], out x: T[rows, n], q, rows, n, l, m) {
  let i = l
  while i + 1 < m {
    let ci = c[i]
    let si = s[i]
    let ck = c[i + 1]
    let sk = s[i + 1]
    vector j in 0..n {
      let high = x[i, j]
      let middle = x[i + 1, j]
      let low = x[i + 2, j]
      let turned = ci * middle - si * high
      x[i, j] = ci * high + si * middle
      x[i + 1, j] = ck * turned + sk * low
      x[i + 2, j] = ck * low - sk * turned
    }
    i += 2
  }
  if i < m {
    let ci = c[i]
    let si = s[i]
    vector j in 0..n {
      let high = x[i, j]
      let low = x[i + 1, j]
      x[i, j] = ci * high + si * low
      x[i + 1, j] = ci * low - si * high
    }
  }
}`);

/** Rows i and k of x after one rotation. */
const rotatePair: Routine = /* @__PURE__ */ routine(`
rotatePair(in c: T[1], in s: T[1], out x: T[rows, n], rows, n, i, k) {
  let cosine = c[0]
  let sine = s[0]
  vector j in 0..n {
    let high = x[i, j]
    let low = x[k, j]
    x[i, j] = cosine * high + sine * low
    x[k, j] = cosine * low - sine * high
  }
}`);

/**
 * Implicit QR (Golub and Kahan) until all of e is negligible beside d. Rows of u and v take part where
 * \`vectors\` is 1. A zero on the diagonal is taken out of its row or column first. Where it takes too many
 * sweeps, which nobody has seen, d is NaN.
 */
const diagonalise: Routine = /* @__PURE__ */ routine(
  `
diagonalise(out d: T[q], out e: T[q], out u: T[c, p], out v: T[q, q], out cu: T[q], out su: T[q],
            out cv: T[q], out sv: T[q], q, p, c, vectors) {
  let norm: T = 0
  for i in 0..q { norm = max(norm, max(abs(d[i]), abs(e[i]))) }
  let nothing = epsilon * epsilon * norm
  let sweeps = 0
  let last = q - 1
  while last > 0 {
    let first = last
    while first > 0
          and abs(e[max(first - 1, 0)]) > epsilon * (abs(d[max(first - 1, 0)]) + abs(d[first])) {
      first -= 1
    }
    if first > 0 { e[first - 1] = 0 }
    let zero = -1
    for i in first..last + 1 {
      if abs(d[i]) <= nothing { zero = i }
    }
    if first == last {
      last -= 1
    } else if sweeps > 60 * q {
      d[last] = NaN
      last -= 1
    } else if zero == last {
      d[last] = 0
      let f = e[last - 1]
      e[last - 1] = 0
      for i in first..last down {
        let r = hypot(d[i], f)
        cv[0] = select(r == 0, 1, d[i] / r)
        sv[0] = select(r == 0, 0, f / r)
        d[i] = r
        if i > first {
          f = -sv[0] * e[i - 1]
          e[i - 1] = cv[0] * e[i - 1]
        }
        if vectors == 1 { rotatePair(cv[0], sv[0], v, q, q, i, last) }
      }
    } else if zero >= 0 {
      d[zero] = 0
      let f = e[zero]
      e[zero] = 0
      for i in zero + 1..last + 1 {
        let r = hypot(d[i], f)
        cu[0] = select(r == 0, 1, d[i] / r)
        su[0] = select(r == 0, 0, f / r)
        d[i] = r
        f = -su[0] * e[i]
        e[i] = cu[0] * e[i]
        if vectors == 1 { rotatePair(cu[0], su[0], u, c, p, i, zero) }
      }
    } else {
      sweeps += 1
      let scale = max(max(abs(d[last]), abs(d[last - 1])), abs(e[last - 1]))
      scale = max(scale, max(abs(d[first]), abs(e[first])))
      let a = d[last] / scale
      let b = d[last - 1] / scale
      let x = e[last - 1] / scale
      let half = ((b + a) * (b - a) + x * x) / 2
      let square = (a * x) * (a * x)
      let shift: T = 0
      if half != 0 or square != 0 {
        shift = square / (half + copysign(sqrt(half * half + square), half))
      }
      let start = d[first] / scale
      let f = (start + a) * (start - a) + shift
      let g = start * (e[first] / scale)
      for j in first..last {
        let t = hypot(f, g)
        let cosine = select(t == 0, 1, f / t)
        let sine = select(t == 0, 0, g / t)
        if j > first { e[j - 1] = t }
        f = cosine * d[j] + sine * e[j]
        e[j] = cosine * e[j] - sine * d[j]
        g = sine * d[j + 1]
        d[j + 1] = cosine * d[j + 1]
        cv[j] = cosine
        sv[j] = sine
        t = hypot(f, g)
        cosine = select(t == 0, 1, f / t)
        sine = select(t == 0, 0, g / t)
        d[j] = t
        f = cosine * e[j] + sine * d[j + 1]
        d[j + 1] = cosine * d[j + 1] - sine * e[j]
        g = sine * e[j + 1]
        e[j + 1] = cosine * e[j + 1]
        cu[j] = cosine
        su[j] = sine
      }
      e[last - 1] = f
      if vectors == 1 {
        rotate(cv, sv, v, q, q, q, first, last)
        rotate(cu, su, u, q, c, p, first, last)
      }
    }
  }
}`,
  { rotate, rotatePair },
);

const scratch =
  `scratch y: T[p, q], scratch left: T[q, p], scratch right: T[q, q], scratch x: T[c, p],
    scratch z: T[q, q], scratch d: T[q], scratch e: T[q], scratch cu: T[q], scratch su: T[q],
    scratch cv: T[q], scratch sv: T[q], scratch sums: T[p], scratch order: i32[q]`;

/** From a matrix to singular values d, times \`unit\`, with vectors as rows of x and z, in \`order\`. */
const spectrum = (vectors: 0 | 1): string => `
    let largest: T = 0
    for i in 0..m {
      for j in 0..n { largest = max(largest, abs(a[r, i, j])) }
    }
    let unit = select(largest == 0, 1, largest)
    for i in 0..m {
      for j in 0..n {
        if m >= n { y[i, j] = a[r, i, j] / unit } else { y[j, i] = a[r, i, j] / unit }
      }
    }
    if largest < Infinity {
      bidiagonalise(y, left, cu, right, cv, d, e, sums, p, q)
      ${
  vectors === 1
    ? "accumulate(left, cu, x, q, p, c, 0)\n      accumulate(right, cv, z, q, q, q, 1)"
    : ""
}
      diagonalise(d, e, x, z, cu, su, cv, sv, q, p, c, ${vectors})
    } else {
      for i in 0..q {
        d[i] = NaN
        vector j in 0..q { z[i, j] = NaN }
      }
      for i in 0..c {
        vector j in 0..p { x[i, j] = NaN }
      }
    }
    for i in 0..q {
      if d[i] < 0 {
        d[i] = -d[i]
        vector j in 0..q { z[i, j] = -z[i, j] }
      }
      let at = i
      while at > 0 and d[order[max(at - 1, 0)]] < d[i] {
        order[at] = order[at - 1]
        at -= 1
      }
      order[at] = i
    }`;

const callees = { bidiagonalise, accumulate, diagonalise };

/**
 * Singular values in descending order and singular vectors of \`count\` matrices \`[m, n]\`: columns of u and
 * rows of vt, with \`p = max(m, n)\`, \`q = min(m, n)\`, and c either p or q. Of each column of u that has a
 * singular value the first element of about the largest size is above 0.
 */
export const svdRoutine: Routine = /* @__PURE__ */ routine(
  () => `
svd(in a: T[count, m, n], out s: T[count, q], out u: T[count, m, cols], out vt: T[count, rows, n],
    ${scratch}, count, m, n, p, q, c, cols, rows) {
  for r in 0..count {${spectrum(1)}
    for k in 0..c {
      let row = k
      let sign: T = 1
      if k < q {
        row = order[k]
        s[r, k] = unit * d[row]
        let size: T = 0
        for i in 0..m { size = max(size, abs(select(m >= n, x[row, i], z[row, min(i, q - 1)]))) }
        for i in 0..m {
          let element = select(m >= n, x[row, i], z[row, min(i, q - 1)])
          if abs(element) >= 0.9 * size {
            sign = copysign(1, element)
            break
          }
        }
      }
      if m >= n {
        for i in 0..m { u[r, i, k] = sign * x[row, i] }
        if k < q {
          vector i in 0..n { vt[r, k, i] = sign * z[row, i] }
        }
      } else {
        vector i in 0..n { vt[r, k, i] = sign * x[row, i] }
        if k < q {
          for i in 0..m { u[r, i, k] = sign * z[row, i] }
        }
      }
    }
  }
}`,
  callees,
);

/** Singular values in descending order of \`count\` matrices. */
export const singularValuesRoutine: Routine = /* @__PURE__ */ routine(
  () => `
singularValues(in a: T[count, m, n], out s: T[count, q], ${scratch}, count, m, n, p, q, c) {
  for r in 0..count {${spectrum(0)}
    for k in 0..q { s[r, k] = unit * d[order[k]] }
  }
}`,
  callees,
);

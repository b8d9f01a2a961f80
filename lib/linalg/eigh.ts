/**
 * Eigenvalues and eigenvectors of symmetric matrices: `a V = V diag(w)`.
 *
 * The program is another algorithm, rotations of all pairs of
 * rows, since what takes many small steps is slow in a graph; signs are the same.
 *
 * Eigenvalues and eigenvectors of symmetric matrices on the CPU: the matrix is made tridiagonal by
 * reflections, and that one diagonal by rotations.
 *
 * Eigenvectors are rows while they are made, so that what changes lies together.
 *
 * @module
 */
import { bind, epsilon, type NDArray, type Primitive, type Sample, sizeOf } from "../core/mod.ts";
import {
  abs,
  add,
  and,
  broadcastTo,
  div,
  eq,
  expandDims,
  full,
  gt,
  lt,
  mul,
  pad,
  reduceMax,
  reduceOr,
  reduceSum,
  reshape,
  scalarLike,
  select,
  slice,
  sort,
} from "../primitives/mod.ts";
import { type Routine, routine } from "../routine/routine.ts";
import { decomposition, steps, stepsWhile } from "./decomposition.ts";
import {
  columnNumbers,
  diagonalOf,
  identity,
  matmul,
  rowNumbers,
  symmetricOf,
  takeRows,
  transposed,
} from "./matrices.ts";
import {
  halves,
  MOST_SWEEPS,
  nextRound,
  reciprocalGaps,
  rotated,
  rotationsOf,
  signsOf,
} from "./rotations.ts";

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

/** Parameters of an eigendecomposition. */
export interface EighParams {
  /** Whether eigenvectors are wanted too. */
  readonly computeVectors: boolean;
}

/** Sums of squares of matrices beside their diagonals: `[systems]`. */
function besideDiagonal(x: NDArray): NDArray {
  const n = x.shape.at(-1)!;
  const beside = select(eq(rowNumbers(n), columnNumbers(n)), scalarLike(0, x), x);
  return reduceSum(mul(beside, beside), [1, 2]);
}

/**
 * Rotations of all pairs of rows and columns, half as many in each step as there are rows, until nothing
 * is beside the diagonal. A row and a column of zeros make an odd number even, and stay apart.
 */
function eighProgram(a: NDArray, { computeVectors }: EighParams): NDArray[] {
  const lead = a.shape.slice(0, -2);
  const n = a.shape.at(-1)!;
  const systems = sizeOf(lead);
  const size = n + n % 2;
  const own = symmetricOf(reshape(a, [systems, n, n]));
  const largest = reshape(reduceMax(abs(own), [1, 2]), [systems, 1, 1]);
  const zero = scalarLike(0, own);
  const unit = select(eq(largest, zero), scalarLike(1, own), largest);
  // Infinities make NaN of all.
  const scaled = div(own, unit);
  const start = pad(scaled, zero, [0, 0, 0], [0, size - n, size - n]);
  const basis = broadcastTo(identity(size, a.dtype), [systems, size, size]);
  const tolerance = scalarLike((n * epsilon(a.dtype)) ** 2, own);
  const [, matrix, rows] = stepsWhile(
    [full([], 0, "int32"), start, basis],
    ([sweep, x]) => {
      const off = besideDiagonal(x!);
      const norm = reduceSum(mul(x!, x!), [1, 2]);
      const goesOn = reduceOr(gt(off, mul(tolerance, norm)), [0]);
      return and(goesOn, lt(sweep!, scalarLike(MOST_SWEEPS, sweep!)));
    },
    ([sweep, x, v]) => [
      add(sweep!, scalarLike(1, sweep!)),
      ...steps(Math.max(1, size - 1), [x!, v!], (_, [x, v]) => {
        const [top, bottom] = halves(x!, 1);
        const pairs = rotationsOf(
          diagonalOf(halves(top, 2)[0]),
          diagonalOf(halves(bottom, 2)[1]),
          diagonalOf(halves(top, 2)[1]),
        );
        const turned = rotated(rotated(x!, pairs, 1), pairs, 2);
        const vectors = rotated(v!, pairs, 1);
        return { carry: [nextRound(nextRound(turned, 1), 2), nextRound(vectors, 1)] };
      }).carry,
    ],
  ) as [NDArray, NDArray, NDArray];
  const values = mul(diagonalOf(matrix), reshape(unit, [systems, 1]));
  // The row that was added comes last.
  const added = size === n ? values : select(
    gt(
      reshape(slice(rows, [0, 0, n], [systems, size, size]), [systems, size]),
      scalarLike(0.5, rows),
    ),
    scalarLike(Infinity, values),
    values,
  );
  const [sorted, order] = sort(added, 1);
  const w = reshape(slice(sorted, [0, 0], [systems, n]), [...lead, n]);
  if (!computeVectors) return [w];
  const chosen = takeRows(rows, slice(order, [0, 0], [systems, n]));
  const vectors = slice(chosen, [0, 0, 0], [systems, n, n]);
  const signed = transposed(mul(vectors, expandDims(signsOf(vectors), [2])));
  const finite = lt(largest, scalarLike(Infinity, largest));
  return [w, reshape(select(finite, signed, scalarLike(NaN, signed)), a.shape)];
}

/** Eigenvalues, and eigenvectors as columns, of matrices whose lower triangle is given. */
export const eighP: Primitive<EighParams> = /* @__PURE__ */ decomposition<EighParams>({
  name: "eigh",
  square: true,
  factors: (n, _, { computeVectors }) => [
    { shape: [n] },
    ...computeVectors ? [{ shape: [n, n] }] : [],
  ],
  routine: ({ computeVectors }) => computeVectors ? eighRoutine : eigenvaluesRoutine,
  scalars: (n) => [n],
  program: eighProgram,
  // With P = V^T da V: dw is the diagonal of P, and dV = V (P_ij / (w_j - w_i)).
  tangents(a, da, [w, v], { computeVectors }) {
    if (a.size === 0) return computeVectors ? [null, null] : [null];
    const vectors = v ?? eigh(a).v;
    const p = matmul(transposed(vectors), matmul(symmetricOf(da), vectors));
    const dw = diagonalOf(p);
    if (!computeVectors) return [dw];
    const scale = reduceMax(abs(w!), [w!.ndim - 1]);
    return [dw, matmul(vectors, mul(p, reciprocalGaps(w!, w!, scale)))];
  },
  samples: eighSamples,
});

function eighSamples(): Sample<EighParams>[] {
  const both = { computeVectors: true };
  const values = { computeVectors: false };
  const three = {
    shape: [3, 3],
    dtype: "float32",
    values: [2, 9, 9, -1, 0.5, 9, 0.25, 3, -1],
  } as const;
  const several = {
    shape: [2, 2, 2],
    dtype: "float64",
    values: [2, -1, -1, 3, 1, 0.5, 0.5, -5],
  } as const;
  const four = {
    shape: [4, 4],
    dtype: "float64",
    values: [1, 0, 0, 0, 0.5, -2, 0, 0, 0.25, 1, 3, 0, -1, 0.75, 0.125, 0.5],
  } as const;
  const equal = "eigenvalues are equal";
  const relative = "errors are relative to the largest eigenvalue";
  return [
    { name: "three rows; the upper triangle is not read", inputs: [three], params: both },
    { name: "several, float64", inputs: [several], params: both },
    {
      name: "four rows",
      inputs: [four],
      params: both,
      skip: { onnx: "errors of a vector's elements are relative to its length" },
    },
    { name: "values alone", inputs: [three], params: values },
    { name: "values alone, several", inputs: [several], params: values },
    {
      name: "equal eigenvalues",
      inputs: [{
        shape: [3, 3],
        dtype: "float64",
        values: [2, 1, 1, 1, 2, 1, 1, 1, 2],
      }],
      params: values,
      skip: { jvp: equal, slope: equal, transpose: equal },
    },
    {
      name: "equal eigenvalues, with vectors",
      inputs: [{ shape: [2, 2], dtype: "float64", values: [3, 0, 0, 3] }],
      params: both,
      skip: { jvp: equal, slope: equal, transpose: equal },
    },
    {
      name: "nothing but 0",
      inputs: [{ shape: [2, 2], dtype: "float32", values: [0, 0, 0, 0] }],
      params: both,
      skip: { jvp: equal, slope: equal, transpose: equal },
    },
    {
      name: "graded",
      inputs: [{
        shape: [3, 3],
        dtype: "float64",
        values: [1e6, 0, 0, 1, 1, 0, 1e-6, 1e-3, 2e-3],
      }],
      params: values,
      skip: {
        jvp: "differences of such sizes have no digits",
        slope: "as for jvp",
        onnx: relative,
      },
    },
    {
      name: "NaN among others",
      inputs: [{
        shape: [2, 2, 2],
        dtype: "float32",
        values: [NaN, 1, 1, 2, 2, 0, 1, 1],
      }],
      params: both,
      skip: { jvp: "NaN", slope: "NaN", transpose: "NaN" },
    },
    { name: "one row", inputs: [{ shape: [1, 1], dtype: "float32", values: [-4] }], params: both },
    { name: "no rows", inputs: [{ shape: [0, 0], dtype: "float32" }], params: both },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params: both },
  ];
}

/** Eigenvalues and eigenvectors. */
export interface Eigen {
  /** Eigenvalues in ascending order. */
  readonly w: NDArray;
  /** Eigenvectors as columns. */
  readonly v: NDArray;
}

/** The eigendecomposition of symmetric matrices `[..., n, n]`, of which the lower triangle is read. */
export function eigh(a: NDArray): Eigen {
  const [w, v] = bind(eighP, [a], { computeVectors: true });
  return { w: w!, v: v! };
}

/** The eigenvalues of symmetric matrices `[..., n, n]`, of which the lower triangle is read. */
export function eigenvalues(a: NDArray): NDArray {
  return bind(eighP, [a], { computeVectors: false })[0]!;
}

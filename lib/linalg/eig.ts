/**
 * Eigenvalues and eigenvectors of real matrices: `a v = v diag(w)`, both complex, as real and imaginary parts.
 *
 * The routine is in `eig_routine.ts`; the program takes the same steps.
 *
 * @module
 */
import { bind, epsilon, type NDArray, type Primitive, type Sample, sizeOf } from "../core/mod.ts";
import {
  abs,
  add,
  and,
  argmax,
  broadcastTo,
  concatenate,
  convert,
  div,
  eq,
  expandDims,
  full,
  ge,
  gt,
  le,
  log,
  lt,
  maximum,
  mul,
  ne,
  neg,
  pad,
  pow,
  reduceMax,
  reduceSum,
  reshape,
  round,
  scalarLike,
  select,
  slice,
  sort,
  sqrt,
  sub,
  zerosLike,
} from "../primitives/mod.ts";
import {
  columnNumbers,
  columnOf,
  complexMatmul,
  diagonalOf,
  elementOf,
  identityLike,
  matmul,
  type Pair,
  quotient,
  rowNumbers,
  rowOf,
  scaledRows,
  takeColumns,
  takeRows,
  transposed,
  upperPart,
} from "./matrices.ts";
import { decomposition, steps, stepsWhile } from "./decomposition.ts";
import { eigenvaluesRoutine, eigRoutine } from "./eig_routine.ts";
import { isolated, scaled, split, triangularised } from "./schur_program.ts";
import { solve } from "./solve.ts";

/** Parameters of an eigendecomposition. */
export interface EigParams {
  /** Whether eigenvectors are wanted too. */
  readonly computeVectors: boolean;
}

const like = (value: number, x: NDArray): NDArray => scalarLike(value, x);

/** Matrices after similarity by powers of two, and these: `[systems, n]`. */
function balanced(a: NDArray, lo: NDArray, hi: NDArray): [h: NDArray, scale: NDArray] {
  const [systems, n] = a.shape as [number, number, number];
  const places = columnNumbers(n);
  const [first, last] = [lo, hi].map((x) => expandDims(x, [1])) as [NDArray, NDArray];
  const inside = and(ge(places, first), le(places, last));
  const limit = like(a.dtype === "float64" ? 1e100 : 1e12, a);
  const zero = like(0, a);
  const ones = broadcastTo(like(1, a), [systems, n]);
  const [h, scale] = stepsWhile(
    [a, ones, full([], 1, "int32"), full([], 0, "int32")],
    ([, , goes, rounds]) => and(ne(goes!, like(0, goes!)), lt(rounds!, like(100, rounds!))),
    ([h, scale, , rounds]) => {
      const out = steps(n, [h!, scale!, full([], 0, "int32")], (i, carry) => {
        const [h, scale, goes] = carry as [NDArray, NDArray, NDArray];
        const isOwn = eq(places, i);
        const lengthOf = (x: NDArray): NDArray =>
          reduceSum(select(inside, reshape(abs(x), [systems, n]), zero), [1]);
        const [c, r] = [lengthOf(columnOf(h, i)), lengthOf(rowOf(h, i))];
        const counts = and(
          and(ge(i, lo), le(i, hi)),
          and(and(gt(c, zero), gt(r, zero)), gt(hi, lo)),
        );
        const [column, row] = [c, r].map((x) => select(counts, x, like(1, x))) as [
          NDArray,
          NDArray,
        ];
        const power = round(div(log(div(row, column)), like(Math.log(4), row)));
        const f = pow(like(2, power), power);
        const after = add(mul(column, f), div(row, f));
        const own = reduceSum(select(isOwn, scale, zero), [1]);
        const whole = mul(own, f);
        const better = lt(after, mul(like(0.95, c), add(column, row)));
        const safe = and(lt(whole, limit), gt(mul(whole, limit), like(1, whole)));
        const changes = and(counts, and(better, safe));
        const factor = expandDims(select(changes, f, like(1, f)), [1]);
        const by = select(isOwn, factor, like(1, a));
        return {
          carry: [
            mul(div(h, expandDims(by, [2])), expandDims(by, [1])),
            mul(scale, by),
            add(goes, reduceMax(convert(changes, "int32"), [0])),
          ],
        };
      }).carry;
      return [...out, add(rounds!, like(1, rounds!))];
    },
  ) as [NDArray, NDArray];
  return [h, scale];
}

/** Eigenvectors of triangular matrices, as columns. */
function substituted({ re, im }: Pair): Pair {
  const [systems, n] = re.shape as [number, number, number];
  const columns = columnNumbers(n);
  const sizes = maximum(reduceMax(abs(re), [1, 2]), reduceMax(abs(im), [1, 2]));
  const tiny = like(re.dtype === "float64" ? 1e-290 : 1e-30, re);
  const least = expandDims(maximum(mul(like(epsilon(re.dtype), sizes), sizes), tiny), [1, 2]);
  const [upperRe, upperIm] = [upperPart(re, 1), upperPart(im, 1)];
  const diagonal = (x: NDArray): NDArray => expandDims(diagonalOf(x), [1]);
  const [mainRe, mainIm] = [diagonal(re), diagonal(im)];
  const unit = identityLike(re);
  const { carry: [x, y] } = steps(n, [unit, zerosLike(unit)], (i, carry) => {
    const [x, y] = carry as [NDArray, NDArray];
    const [p, q] = [rowOf(upperRe, i), rowOf(upperIm, i)];
    const sum = {
      re: sub(matmul(q, y), matmul(p, x)),
      im: neg(add(matmul(p, y), matmul(q, x))),
    };
    const [c, d] = [sub(elementOf(re, i, i), mainRe), sub(elementOf(im, i, i), mainIm)];
    const equal = lt(maximum(abs(c), abs(d)), least);
    const solved = quotient(sum, {
      re: select(equal, least, c),
      im: select(equal, like(0, d), d),
    });
    const isNew = and(eq(rowNumbers(n), i), gt(columns, i));
    const [u, w] = [select(isNew, solved.re, x), select(isNew, solved.im, y)];
    const size = maximum(abs(solved.re), abs(solved.im));
    const grows = and(gt(size, like(1e10, size)), gt(columns, i));
    const by = select(grows, size, like(1, size));
    return { carry: [div(u, by), div(w, by)] };
  }, true);
  return { re: reshape(x!, [systems, n, n]), im: reshape(y!, [systems, n, n]) };
}

/** Where the first element of about the largest size is in vectors that are columns: `[systems, n, n]`. */
function pivots({ re, im }: Pair): NDArray {
  const squares = add(mul(re, re), mul(im, im));
  const widest = expandDims(reduceMax(squares, [squares.ndim - 2]), [squares.ndim - 2]);
  const near = ge(squares, mul(like(0.81, widest), widest));
  const first = argmax(select(near, like(1, re), like(0, re)), squares.ndim - 2);
  return eq(rowNumbers(re.shape.at(-2)!), expandDims(first, [squares.ndim - 2]));
}

/** Columns of length 1 whose first element of about the largest size is real and above 0. */
function normalised({ re, im }: Pair): Pair {
  const over = (x: NDArray): NDArray => expandDims(x, [1]);
  const largest = over(reduceMax(maximum(abs(re), abs(im)), [1]));
  const size = select(eq(largest, like(0, largest)), like(1, largest), largest);
  const [p, q] = [div(re, size), div(im, size)];
  const norm = sqrt(over(reduceSum(add(mul(p, p), mul(q, q)), [1])));
  const chosen = pivots({ re: p, im: q });
  const pivot = (x: NDArray): NDArray => over(reduceSum(select(chosen, x, like(0, x)), [1]));
  const [a, b] = [pivot(p), pivot(q)];
  const length = mul(sqrt(add(mul(a, a), mul(b, b))), norm);
  const [c, d] = [div(a, length), div(b, length)];
  return {
    re: add(mul(c, p), mul(d, q)),
    im: select(chosen, like(0, q), sub(mul(c, q), mul(d, p))),
  };
}

function eigProgram(a: NDArray, { computeVectors }: EigParams): NDArray[] {
  const lead = a.shape.slice(0, -2);
  const n = a.shape.at(-1)!;
  const systems = sizeOf(lead);
  const { own, unit, finite } = scaled(reshape(a, [systems, n, n]));
  const { order, lo, hi } = isolated(own);
  const [h, scale] = balanced(takeColumns(takeRows(own, order), order), lo, hi);
  const { t, z, known } = triangularised(h);
  const { t: ts, turn } = split(t);
  const isKnown = and(known, finite);
  const zero = like(0, a);
  const values = (x: NDArray): NDArray => {
    const all = mul(diagonalOf(x), expandDims(unit, [1]));
    return reshape(
      select(expandDims(isKnown, [1]), add(all, zero), like(NaN, x)),
      [...lead, n],
    );
  };
  const w = [values(ts.re), values(ts.im)];
  if (!computeVectors) return w;
  const x = substituted(ts);
  const of = (c: NDArray, y: NDArray): NDArray => matmul(c, y);
  const [c, s] = [turn.re, turn.im];
  const q = transposed(z);
  const parts = [
    sub(of(c, x.re), of(s, x.im)),
    add(of(c, x.im), of(s, x.re)),
  ].map((y) => scaledRows(matmul(q, y), scale)) as [NDArray, NDArray];
  // Those of real eigenvalues are real, and those of conjugate ones conjugate.
  const isReal = eq(diagonalOf(ts.im), zero);
  const back = sort(order, 1)[1];
  const all = normalised({
    re: takeRows(parts[0], back),
    im: takeRows(select(expandDims(isReal, [1]), zero, parts[1]), back),
  });
  const isSecond = expandDims(lt(diagonalOf(ts.im), zero), [1]);
  const before = (y: NDArray): NDArray =>
    pad(slice(y, [0, 0, 0], [systems, n, n - 1]), zero, [0, 0, 1], [0, 0, 0]);
  const given = (y: NDArray): NDArray =>
    reshape(
      select(expandDims(isKnown, [1, 2]), add(y, zero), like(NaN, y)),
      a.shape,
    );
  return [
    ...w,
    given(select(isSecond, before(all.re), all.re)),
    given(select(isSecond, neg(before(all.im)), all.im)),
  ];
}

/** Solutions of complex equations, by real ones of twice the size. */
function complexSolve(a: Pair, b: Pair): Pair {
  const axis = a.re.ndim - 1;
  const n = a.re.shape[axis]!;
  const matrix = concatenate([
    concatenate([a.re, neg(a.im)], axis),
    concatenate([a.im, a.re], axis),
  ], axis - 1);
  const x = solve(matrix, concatenate([b.re, b.im], axis - 1));
  const lead = x.shape.slice(0, -2);
  const part = (from: number): NDArray =>
    slice(x, [...lead.map(() => 0), from, 0], [...lead, from + n, x.shape.at(-1)!]);
  return { re: part(0), im: part(n) };
}

/** Eigenvalues, and with `computeVectors` eigenvectors as columns: real and imaginary parts of each. */
export const eigP: Primitive<EigParams> = /* @__PURE__ */ decomposition<EigParams>({
  name: "eig",
  square: true,
  factors: (n, _, { computeVectors }) => [
    { shape: [n] },
    { shape: [n] },
    ...computeVectors ? [{ shape: [n, n] }, { shape: [n, n] }] : [],
  ],
  routine: ({ computeVectors }) => computeVectors ? eigRoutine : eigenvaluesRoutine,
  scalars: (n) => [n],
  program: eigProgram,
  // With P = V^-1 da V: dw is the diagonal of P, and dV = V M with M_ij = P_ij / (w_j - w_i) beside the
  // diagonal. On it is what keeps lengths, and the elements that are real.
  tangents(a, da, outs, { computeVectors }) {
    if (a.size === 0) return outs.map(() => null);
    const all = computeVectors ? outs : bind(eigP, [a], { computeVectors: true });
    const [wRe, wIm, re, im] = all as [NDArray, NDArray, NDArray, NDArray];
    const v = { re, im };
    const p = complexSolve(v, { re: matmul(da, re), im: matmul(da, im) });
    const dw = [diagonalOf(p.re), diagonalOf(p.im)];
    if (!computeVectors) return dw;
    const gap = (w: NDArray): NDArray => sub(expandDims(w, [w.ndim - 1]), expandDims(w, [w.ndim]));
    const gaps = { re: gap(wRe), im: gap(wIm) };
    const scale = reduceMax(maximum(abs(wRe), abs(wIm)), [wRe.ndim - 1]);
    const n = a.shape.at(-1)!;
    const least = expandDims(
      mul(like(n * epsilon(a.dtype), scale), scale),
      [scale.ndim, scale.ndim + 1],
    );
    const equal = le(maximum(abs(gaps.re), abs(gaps.im)), least);
    const zero = like(0, re);
    const m = quotient(
      { re: select(equal, zero, p.re), im: select(equal, zero, p.im) },
      { re: select(equal, like(1, re), gaps.re), im: select(equal, zero, gaps.im) },
    );
    const u = complexMatmul(v, m);
    const down = (x: NDArray): NDArray => expandDims(reduceSum(x, [re.ndim - 2]), [re.ndim - 2]);
    const along = neg(down(add(mul(re, u.re), mul(im, u.im))));
    const chosen = pivots(v);
    const turn = neg(div(
      down(select(chosen, u.im, zero)),
      down(select(chosen, re, zero)),
    ));
    return [
      ...dw,
      add(u.re, sub(mul(re, along), mul(im, turn))),
      add(u.im, add(mul(re, turn), mul(im, along))),
    ];
  },
  samples: eigSamples,
});

function eigSamples(): Sample<EigParams>[] {
  const both = { computeVectors: true };
  const values = { computeVectors: false };
  const three = [1, 2, -1, -2, 1, 0.5, 0.25, 1, 3];
  const sample = (
    name: string,
    dtype: "float32" | "float64",
    shape: readonly number[],
    values: readonly number[],
    params: EigParams,
    skip: Sample<EigParams>["skip"] = {},
  ): Sample<EigParams> => ({ name, inputs: [{ shape, dtype, values }], params, skip });
  const why = "eigenvalues are equal";
  const equal = { jvp: why, slope: why, transpose: why };
  const nan = { jvp: "NaN", slope: "NaN", transpose: "NaN" };
  return [
    sample("three rows, two of whose eigenvalues are conjugate", "float64", [3, 3], three, both),
    sample("three rows, float32", "float32", [3, 3], [2, 1, 0, 0.5, -1, 1, 1, 0.25, 4], both),
    sample("values alone", "float64", [3, 3], three, values),
    sample("several, values alone", "float32", [2, 2, 2], [1, 2, 3, 4, 0, -1, 1, 0], values),
    sample("several", "float64", [2, 2, 2], [1, 2, 3, 4, 0, -1, 1, 0.5], both),
    sample(
      "of triangles they can be read off",
      "float32",
      [3, 3],
      [
        ...[1, 0, 0],
        ...[2, 3, 0],
        ...[4, 5, 6],
      ],
      both,
      { jvp: "what is near has another order" },
    ),
    sample("badly scaled", "float64", [3, 3], [1, 1e6, 2e3, 1e-6, 2, 1e-3, 3e-4, 2e3, -1], values, {
      jvp: "differences of such sizes have no digits",
      slope: "as for jvp",
      onnx: "errors are relative to the largest eigenvalue",
    }),
    sample("equal eigenvalues", "float64", [2, 2], [3, 0, 0, 3], both, equal),
    sample("one vector alone", "float64", [2, 2], [3, 1, 0, 3], values, equal),
    sample("nothing but 0", "float32", [3, 3], Array(9).fill(0), both, equal),
    sample("NaN among others", "float32", [2, 2, 2], [NaN, 1, 2, 3, 0, -1, 1, 0], both, nan),
    sample("one row", "float32", [1, 1], [-4], both),
    { name: "no rows", inputs: [{ shape: [0, 0], dtype: "float32" }], params: both },
    { name: "no matrices", inputs: [{ shape: [0, 2, 2], dtype: "float32" }], params: both },
  ];
}

/** Eigenvalues and eigenvectors. */
export interface GeneralEigen {
  /** Eigenvalues, `[..., n]`. */
  readonly w: Pair;
  /** Eigenvectors as columns, `[..., n, n]`. */
  readonly v: Pair;
}

/** The eigendecomposition of matrices `[..., n, n]`. */
export function eig(a: NDArray): GeneralEigen {
  const [w, u, re, im] = bind(eigP, [a], { computeVectors: true });
  return { w: { re: w!, im: u! }, v: { re: re!, im: im! } };
}

/** The eigenvalues of matrices `[..., n, n]`. */
export function generalEigenvalues(a: NDArray): Pair {
  const [re, im] = bind(eigP, [a], { computeVectors: false });
  return { re: re!, im: im! };
}

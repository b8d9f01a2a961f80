/**
 * Schur forms as programs: the steps of `schur_routine.ts`, of all matrices at once. In a sweep each has
 * rows of its own that take part.
 *
 * @module
 */
import { epsilon, type NDArray, sizeOf } from "../core/mod.ts";
import {
  abs,
  add,
  and,
  broadcastTo,
  concatenate,
  convert,
  div,
  dynamicSlice,
  dynamicUpdateSlice,
  eq,
  expandDims,
  full,
  ge,
  gt,
  le,
  lt,
  maximum,
  minimum,
  mul,
  ne,
  neg,
  not,
  or,
  pad,
  reduceMax,
  reduceMin,
  reduceOr,
  reduceSum,
  reshape,
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
  diagonalOf,
  identityLike,
  leading,
  matmul,
  type Pair,
  rowNumbers,
  takeColumns,
  takeRows,
  transposed,
  upperPart,
} from "./matrices.ts";
import { hessenbergProgram } from "./hessenberg.ts";
import { steps, stepsWhile } from "./decomposition.ts";
import type { SchurParams } from "./schur_routine.ts";

const like = (value: number, x: NDArray): NDArray => scalarLike(value, x);
/** Numbers of matrices, `[systems]`, as `[systems, 1, 1]`. */
const each = (x: NDArray): NDArray => expandDims(x, [1, 2]);
/** Numbers of matrices, `[systems]`, as `[systems, 1]`. */
const beside = (x: NDArray): NDArray => expandDims(x, [1]);

/** Elements of vectors `[systems, k]` at a place of each, and 0 where there is no such place. */
function at(x: NDArray, place: NDArray): NDArray {
  const places = columnNumbers(x.shape[1]!);
  return reduceSum(select(eq(places, beside(place)), x, like(0, x)), [1]);
}

/** Vectors `[systems, k]` with a 0 in front, behind, or both. */
function widened(x: NDArray, front: number, back: number): NDArray {
  return pad(x, like(0, x), [0, front], [0, back]);
}

/** The diagonals of matrices: below the main one, it, and above it. */
function threeDiagonals(x: NDArray): [low: NDArray, main: NDArray, high: NDArray] {
  const [systems, n] = x.shape as [number, number, number];
  return [
    diagonalOf(slice(x, [0, 1, 0], [systems, n, n])),
    diagonalOf(x),
    diagonalOf(slice(x, [0, 0, 1], [systems, n, n])),
  ];
}

/** Matrices `[systems, n, n]` of three diagonals. */
function ofDiagonals(low: NDArray, main: NDArray, high: NDArray): NDArray {
  const n = main.shape[1]!;
  const [rows, columns] = [rowNumbers(n), columnNumbers(n)];
  const on = (k: number): NDArray => eq(sub(columns, rows), like(k, rows));
  const down = (x: NDArray): NDArray => expandDims(x, [2]);
  const upper = select(on(1), down(widened(high, 0, 1)), like(0, high));
  return select(on(0), down(main), select(on(-1), down(widened(low, 1, 0)), upper));
}

/** The order in which eigenvalues that can be read off come first and last, and the window of the others. */
export function isolated(a: NDArray): { order: NDArray; lo: NDArray; hi: NDArray } {
  const [systems, n] = a.shape as [number, number, number];
  const places = columnNumbers(n);
  const start = broadcastTo(places, [systems, n]);
  const scalar = (value: number): NDArray => full([systems], value, "int32");
  const [order, lo, hi] = stepsWhile(
    [start, scalar(0), scalar(n - 1), scalar(n > 1 ? 1 : 0)],
    ([, , , found]) => reduceOr(ne(found!, like(0, found!)), [0]),
    (carry) => {
      const [order, lo, hi] = carry as [NDArray, NDArray, NDArray];
      const matrix = takeColumns(takeRows(a, order), order);
      const inside = and(ge(places, beside(lo)), le(places, beside(hi)));
      const others = ne(rowNumbers(n), columnNumbers(n));
      const both = and(expandDims(inside, [1]), expandDims(inside, [2]));
      const filled = and(and(ne(matrix, like(0, matrix)), others), both);
      const goesOn = gt(hi, lo);
      const row = reduceMax(
        select(and(inside, not(reduceOr(filled, [2]))), places, like(-1, places)),
        [1],
      );
      const column = reduceMin(
        select(and(inside, not(reduceOr(filled, [1]))), places, like(n, places)),
        [1],
      );
      const rowFound = and(goesOn, ge(row, like(0, row)));
      const columnFound = and(and(goesOn, not(rowFound)), lt(column, like(n, column)));
      const found = or(rowFound, columnFound);
      const from = select(rowFound, row, column);
      const to = select(rowFound, hi, lo);
      const [one, other] = [eq(places, beside(from)), eq(places, beside(to))];
      const exchanged = select(
        one,
        beside(at(order, to)),
        select(other, beside(at(order, from)), order),
      );
      return [
        select(beside(found), exchanged, order),
        add(lo, convert(columnFound, "int32")),
        sub(hi, convert(rowFound, "int32")),
        convert(found, "int32"),
      ];
    },
  ) as [NDArray, NDArray, NDArray];
  return { order, lo, hi };
}

/** Where elements below the diagonal are negligible: `[systems, n - 1]`. */
function negligible(low: NDArray, main: NDArray, high: NDArray): NDArray {
  const [systems, n] = main.shape as [number, number];
  const eps = like(epsilon(main.dtype), main);
  const p = slice(main, [0, 0], [systems, n - 1]);
  const q = slice(main, [0, 1], [systems, n]);
  const [below, above] = [abs(low), abs(high)];
  const own = add(abs(p), abs(q));
  const padded = widened(below, 1, 1);
  const neighbours = add(
    slice(padded, [0, 0], [systems, n - 1]),
    slice(padded, [0, 2], [systems, n + 1]),
  );
  const scale = select(eq(own, like(0, own)), neighbours, own);
  const gap = abs(sub(p, q));
  const large = maximum(abs(q), gap);
  const sum = add(large, maximum(below, above));
  const change = mul(minimum(below, above), div(maximum(below, above), sum));
  const small = le(change, mul(eps, mul(minimum(abs(q), gap), div(large, sum))));
  const least = like(main.dtype === "float64" ? 1e-290 : 1e-30, below);
  return or(le(below, least), and(le(below, mul(eps, scale)), small));
}

/** What a sweep of all matrices needs: `[systems]` each. */
interface Sweep {
  readonly lo: NDArray;
  readonly hi: NDArray;
  readonly active: NDArray;
  readonly start: readonly [NDArray, NDArray, NDArray];
}

/** One sweep; h has two more rows and columns than there are, and z two more rows. */
function swept(h: NDArray, z: NDArray, { lo, hi, active, start }: Sweep): NDArray[] {
  const [systems, size] = h.shape as [number, number, number];
  const columns = columnNumbers(size);
  return steps(size - 3, [h, z], (k, carry) => {
    const [h, z] = carry as [NDArray, NDArray];
    const zero = like(0, k);
    const before = sub(k, like(1, k));
    const left = dynamicSlice(h, [zero, k, before], [systems, 3, 1]);
    const part = (i: number): NDArray =>
      reshape(slice(left, [0, i, 0], [systems, i + 1, 1]), [systems]);
    const isFirst = eq(k, lo);
    const hasThird = le(add(k, like(2, k)), hi);
    const x = select(isFirst, start[0], part(0));
    const y = select(isFirst, start[1], part(1));
    const w = select(hasThird, select(isFirst, start[2], part(2)), like(0, x));
    const below = maximum(abs(y), abs(w));
    const turns = and(and(active, ne(below, like(0, below))), and(ge(k, lo), lt(k, hi)));
    const largest = select(turns, maximum(below, abs(x)), like(1, x));
    const [p, q, r] = [x, y, w].map((v) => div(v, largest)) as [NDArray, NDArray, NDArray];
    const norm = sqrt(add(add(mul(p, p), mul(q, q)), mul(r, r)));
    const beta = select(turns, select(lt(x, like(0, x)), norm, neg(norm)), like(1, x));
    const tau = select(turns, div(sub(beta, p), beta), like(0, x));
    const divisor = select(turns, sub(p, beta), like(1, x));
    const rest = [q, r].map((v) => select(turns, div(v, divisor), like(0, x)));
    const v = expandDims(
      concatenate([like(1, x), ...rest].map((t) => beside(broadcastTo(t, [systems]))), 1),
      [2],
    );
    const onRows = (m: NDArray): NDArray =>
      sub(m, mul(v, mul(each(tau), expandDims(reduceSum(mul(v, m), [1]), [1]))));
    const rows = onRows(dynamicSlice(h, [zero, k, zero], [systems, 3, size]));
    const own = and(turns, not(isFirst));
    const known = concatenate([
      beside(mul(beta, largest)),
      beside(zerosLike(beta)),
      beside(select(hasThird, like(0, beta), part(2))),
    ], 1);
    const fixed = select(and(each(own), eq(columns, before)), expandDims(known, [2]), rows);
    const turned = dynamicUpdateSlice(h, fixed, [zero, k, zero]);
    const three = dynamicSlice(turned, [zero, zero, k], [systems, size, 3]);
    const across = transposed(v);
    const sums = expandDims(reduceSum(mul(three, across), [2]), [2]);
    const both = sub(three, mul(mul(each(tau), sums), across));
    const vectors = onRows(dynamicSlice(z, [zero, k, zero], [systems, 3, z.shape[2]!]));
    return {
      carry: [
        dynamicUpdateSlice(turned, both, [zero, zero, k]),
        dynamicUpdateSlice(z, vectors, [zero, k, zero]),
      ],
    };
  }).carry;
}

/** From Hessenberg matrices to ones with blocks of at most two rows on the diagonal; `known` where it ended. */
function iterated(h0: NDArray, z0: NDArray): { h: NDArray; z: NDArray; known: NDArray } {
  const [systems, n] = h0.shape as [number, number, number];
  const scalar = (value: number): NDArray => full([systems], value, "int32");
  const zero = like(0, h0);
  const most = 31 * Math.max(10, n);
  const [h, z, hi] = stepsWhile(
    [
      pad(h0, zero, [0, 0, 0], [0, 2, 2]),
      pad(z0, zero, [0, 0, 0], [0, 2, 0]),
      scalar(n - 1),
      scalar(0),
      full([], 0, "int32"),
    ],
    ([, , hi, , count]) =>
      and(reduceOr(gt(hi!, like(0, hi!)), [0]), lt(count!, like(most, count!))),
    (carry) => {
      const [before, z, hi, tried, count] = carry as [NDArray, NDArray, NDArray, NDArray, NDArray];
      const [low, main, high] = threeDiagonals(leading(before, n, n));
      const rows = add(columnNumbers(n - 1), like(1, hi));
      const found = and(negligible(low, main, high), le(rows, beside(hi)));
      const lo = reduceMax(select(found, rows, like(0, rows)), [1]);
      const isCut = and(
        and(eq(rowNumbers(n + 2), each(lo)), gt(each(lo), like(0, lo))),
        eq(columnNumbers(n + 2), sub(each(lo), like(1, lo))),
      );
      const h = select(isCut, zero, before);
      const one = like(1, hi);
      const ends = ge(add(lo, one), hi);
      const active = not(ends);
      const tries = select(ends, like(0, hi), add(tried, one));
      const last = sub(hi, one);
      const next = add(lo, one);
      const isTenth = (m: number): NDArray => {
        const quotient = div(tries, like(m, tries));
        return and(active, eq(mul(quotient, like(m, tries)), tries));
      };
      const [tenth, twentieth] = [isTenth(10), isTenth(20)];
      const size = select(
        twentieth,
        add(abs(at(low, lo)), abs(at(low, next))),
        add(abs(at(low, last)), abs(at(low, sub(last, one)))),
      );
      const first = at(main, lo);
      const middle = select(twentieth, first, at(main, hi));
      const other = add(mul(like(0.75, size), size), middle);
      const a = select(tenth, other, at(main, last));
      const d = select(tenth, other, at(main, hi));
      const up = select(tenth, mul(like(-0.4375, size), size), at(high, last));
      const down = select(tenth, size, at(low, last));
      const below = at(low, lo);
      const [da, dd] = [sub(a, first), sub(d, first)];
      const largest = [da, dd, up, down, below].map(abs).reduce(maximum);
      const unit = select(active, largest, like(1, first));
      const part = div(below, unit);
      const start = [
        add(sub(mul(dd, div(da, unit)), mul(up, div(down, unit))), mul(at(high, lo), part)),
        mul(sub(sub(sub(at(main, next), first), dd), da), part),
        mul(at(low, next), part),
      ] as const;
      const [nextH, nextZ] = swept(h, z, { lo, hi, active, start });
      return [
        nextH!,
        nextZ!,
        select(ends, sub(lo, one), hi),
        tries,
        add(count, like(1, count)),
      ];
    },
  ) as [NDArray, NDArray, NDArray];
  return {
    h: leading(h, n, n),
    z: slice(z, [0, 0, 0], [systems, n, n]),
    known: le(hi, like(0, hi)),
  };
}

/** Blocks of two rows with real eigenvalues get a 0 below the diagonal, others equal elements on it. */
function standardised(h: NDArray, z: NDArray): [t: NDArray, z: NDArray] {
  const [systems, n] = h.shape as [number, number, number];
  const [below0, main, above0] = threeDiagonals(h);
  const a = slice(main, [0, 0], [systems, n - 1]);
  const d = slice(main, [0, 1], [systems, n]);
  const [zero, one, half] = [0, 1, 0.5].map((v) => like(v, h)) as [NDArray, NDArray, NDArray];
  const isBlock = ne(below0, zero);
  const safe = (x: NDArray, where: NDArray): NDArray => select(where, x, one);
  const signed = (x: NDArray, by: NDArray): NDArray => select(lt(by, zero), neg(x), x);
  const hypot = (x: NDArray, y: NDArray): NDArray => {
    const large = maximum(abs(x), abs(y));
    const unit = select(eq(large, zero), one, large);
    const [p, q] = [div(x, unit), div(y, unit)];
    return mul(large, sqrt(add(mul(p, p), mul(q, q))));
  };
  const difference = mul(half, sub(a, d));
  const scale = safe(maximum(abs(difference), maximum(abs(above0), abs(below0))), isBlock);
  const [p, b, c] = [difference, above0, below0].map((x) => div(x, scale)) as [
    NDArray,
    NDArray,
    NDArray,
  ];
  const root = add(mul(p, p), mul(b, c));
  const isReal = ge(root, like(4 * epsilon(h.dtype), h));
  const x = add(p, signed(sqrt(select(isReal, root, zero)), p));
  const r1 = safe(hypot(c, x), and(isBlock, isReal));
  const sum = add(b, c);
  const r2 = hypot(sum, add(p, p));
  const isTurned = gt(r2, like(1e-30, r2));
  const unit = safe(r2, isTurned);
  const c2 = select(isTurned, sqrt(mul(half, add(one, div(abs(sum), unit)))), one);
  const s2 = select(isTurned, signed(div(neg(p), mul(unit, c2)), sum), zero);
  const [cc, ss, cross] = [mul(c2, c2), mul(s2, s2), mul(mul(add(c2, c2), s2), p)];
  const above = sub(sub(mul(cc, b), mul(ss, c)), cross);
  const below = sub(sub(mul(cc, c), mul(ss, b)), cross);
  const splits = and(not(isReal), ge(mul(above, below), zero));
  const size = sqrt(abs(add(above, below)));
  const isSplit = and(splits, ne(size, zero));
  const [y, w] = [above, below].map((v) => div(sqrt(abs(v)), safe(size, isSplit)));
  const turnedC = select(isSplit, sub(mul(c2, y!), mul(s2, w!)), c2);
  const turnedS = select(isSplit, add(mul(c2, w!), mul(s2, y!)), s2);
  const cs = select(isBlock, select(isReal, div(x, r1), turnedC), one);
  const sn = select(isBlock, select(isReal, div(c, r1), turnedS), zero);
  const turn = ofDiagonals(neg(sn), pairsOf(cs, isBlock), sn);
  const t = matmul(matmul(turn, h), transposed(turn));
  const isPair = and(isBlock, not(or(isReal, splits)));
  const [low, diagonal, high] = threeDiagonals(t);
  const mean = mul(
    half,
    add(
      slice(diagonal, [0, 0], [systems, n - 1]),
      slice(diagonal, [0, 1], [systems, n]),
    ),
  );
  const means = add(
    widened(select(isPair, mean, zero), 0, 1),
    widened(select(isPair, mean, zero), 1, 0),
  );
  const inPair = or(paddedBack(isPair), paddedFront(isPair));
  const known = ofDiagonals(
    select(isBlock, select(isPair, mul(scale, below), zero), low),
    select(inPair, means, diagonal),
    select(isPair, mul(scale, above), high),
  );
  return [add(known, upperPart(t, 2)), matmul(turn, z)];
}

const paddedBack = (x: NDArray): NDArray =>
  ne(widened(convert(x, "int32"), 0, 1), full([], 0, "int32"));
const paddedFront = (x: NDArray): NDArray =>
  ne(widened(convert(x, "int32"), 1, 0), full([], 0, "int32"));

/** Numbers of blocks in both of their rows, and 1 in others: `[systems, n]`. */
function pairsOf(x: NDArray, isBlock: NDArray): NDArray {
  const own = select(isBlock, x, like(0, x));
  const both = add(widened(own, 0, 1), widened(own, 1, 0));
  return select(or(paddedBack(isBlock), paddedFront(isBlock)), both, like(1, x));
}

/** From Schur forms to triangular ones with complex elements, by unitary matrices `turn`. */
export function split(t: NDArray): { t: Pair; turn: Pair } {
  if (t.shape[1]! < 2) {
    const none = zerosLike(t);
    return { t: { re: t, im: none }, turn: { re: identityLike(t), im: none } };
  }
  const [low, main, high] = threeDiagonals(t);
  const zero = like(0, t);
  const isPair = ne(low, zero);
  const [lower, upper] = [abs(low), abs(high)];
  const r = sqrt(select(isPair, add(lower, upper), like(1, t)));
  const size = div(sqrt(upper), r);
  const c = pairsOf(select(lt(high, zero), neg(size), size), isPair);
  const s = select(isPair, div(sqrt(lower), r), zero);
  const none = zerosLike(low);
  const [C, S] = [ofDiagonals(none, c, none), ofDiagonals(s, zerosLike(main), s)];
  const re = add(matmul(matmul(C, t), C), matmul(matmul(S, t), S));
  const im = sub(matmul(matmul(C, t), S), matmul(matmul(S, t), C));
  const part = select(isPair, sqrt(mul(upper, lower)), zero);
  const parts = sub(widened(part, 0, 1), widened(part, 1, 0));
  const diagonal = (x: NDArray): NDArray => ofDiagonals(none, x, none);
  return {
    t: { re: add(upperPart(re, 1), diagonal(main)), im: add(upperPart(im, 1), diagonal(parts)) },
    turn: { re: C, im: S },
  };
}

/** What is left alone where squares neither overflow nor vanish, and divided by its largest element where not. */
export function scaled(a: NDArray): { own: NDArray; unit: NDArray; finite: NDArray } {
  const largest = reduceMax(abs(a), [1, 2]);
  const wide = or(
    gt(largest, like(1e6, a)),
    and(lt(largest, like(1e-6, a)), gt(largest, like(0, a))),
  );
  const finite = lt(largest, like(Infinity, a));
  const unit = select(and(wide, finite), largest, like(1, a));
  const own = select(each(finite), div(a, each(unit)), like(0, a));
  return { own, unit, finite };
}

/** From matrices `[systems, n, n]` without infinities to Schur forms, rows of Q^T, and where these are known. */
export function triangularised(a: NDArray): { t: NDArray; z: NDArray; known: NDArray } {
  const [h, q] = hessenbergProgram(a);
  const systems = a.shape[0]!;
  if (a.shape[1]! < 2) return { t: h, z: transposed(q), known: full([systems], 1, "bool") };
  const { h: blocks, z, known } = iterated(h, transposed(q));
  const [t, turned] = standardised(blocks, z);
  return { t, z: turned, known };
}

/** Schur forms of matrices `[..., n, n]`, and with `computeVectors` Q. */
export function schurProgram(a: NDArray, { computeVectors, complex }: SchurParams): NDArray[] {
  const n = a.shape.at(-1)!;
  const { own, unit, finite } = scaled(reshape(a, [sizeOf(a.shape.slice(0, -2)), n, n]));
  const { order } = isolated(own);
  const { t, z, known } = triangularised(takeColumns(takeRows(own, order), order));
  const back = sort(order, 1)[1];
  const isKnown = each(and(known, finite));
  const given = (x: NDArray): NDArray =>
    reshape(select(isKnown, add(x, like(0, x)), like(NaN, x)), a.shape);
  const form = (x: NDArray): NDArray => given(mul(x, each(unit)));
  const vectors = (x: NDArray): NDArray => given(takeRows(transposed(x), back));
  if (!complex) return [form(t), ...computeVectors ? [vectors(z)] : []];
  const { t: ts, turn } = split(t);
  const q = computeVectors ? [turn.re, turn.im].map((x) => vectors(matmul(x, z))) : [];
  return [form(ts.re), form(ts.im), ...q];
}

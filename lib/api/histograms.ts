/**
 * How often values occur: counts of whole numbers, bins, histograms.
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  ConcreteArray,
  describeValue,
  DTypeError,
  expectInteger,
  formatShape,
  isInteger,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import {
  add,
  and,
  concatenate,
  convert,
  div,
  eq,
  full,
  ge,
  le,
  lt,
  maximum,
  mul,
  onesLike,
  reduceMax,
  reduceMin,
  reduceSum,
  reshape,
  rev,
  scalarLike,
  scatterAdd,
  select,
  slice,
  sub,
} from "../primitives/mod.ts";
import { linspace } from "./ranges.ts";
import { unknownLength } from "./indices.ts";
import { asFloat, asOperand, expectArray, isNamed, promote } from "./operands.ts";
import { searchsorted } from "./sorting.ts";

// ---------------------------------------------------------------- whole numbers

/** Options of {@linkcode bincount}. */
export interface BincountOptions {
  /** What each element adds to its count: of the shape of `x`; 1 where left out. */
  readonly weights?: NDArray | null | undefined;
  /** Length of the result at least. */
  readonly minlength?: number | undefined;
  /** Length of the result, whatever there is: needed in compiled code. Larger elements do not count. */
  readonly length?: number | undefined;
}

const bincountOptions: OptionTable<BincountOptions> = {
  weights: "operand",
  minlength: "number",
  length: "number",
};

/**
 * How often each whole number from 0 occurs in `x` [n], as `jax.numpy.bincount`: int32, or the dtype of
 * the weights. Negative elements count as 0.
 *
 * @throws {DTypeError} where `x` is not integers.
 * @throws {ShapeError} where `x` is not a vector, or its values are not known and no `length` is given.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.bincount(np.array([0, 2, 2], { dtype: "int32" })).toArray()); // [ 1, 0, 2 ]
 * ```
 */
export function bincount(x: NDArray, options: BincountOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("bincount(x, options)", arguments, bincountOptions);
  }
  const op = "bincount";
  const given = expectArray(op, x);
  const a = given.dtype === "bool" ? convert(given, "int32") : given;
  if (!isInteger(a.dtype)) {
    throw new DTypeError(
      `${op}: x must be integers, but is ${a.dtype}. Convert it with astype("int32")`,
    );
  }
  if (a.ndim !== 1) {
    throw new ShapeError(`${op}: x has shape ${formatShape(a.shape)}, but must be a vector`);
  }
  const { weights, minlength = 0, length } = options;
  expectInteger(op, minlength, "minlength", 0);
  if (weights != null && expectArray(op, weights, "weights").size !== a.size) {
    throw new ShapeError(
      `${op}: weights have shape ${formatShape(weights.shape)}, but x has ${formatShape(a.shape)}`,
    );
  }
  let n = minlength;
  if (length !== undefined) {
    expectInteger(op, length, "length", 0);
    n = length;
  } else if (a.size > 0) {
    if (!(a instanceof ConcreteArray)) throw unknownLength(op, "length");
    n = Math.max(n, Number(reduceMax(a, [0]).item()) + 1);
  }
  const each = weights ?? full([a.size], 1, "int32");
  const counts = full([n], 0, each.dtype);
  if (n === 0 || a.size === 0) return counts;
  const zero = scalarLike(0, a);
  return scatterInto(counts, convert(maximum(a, zero), "int32"), each);
}

/** Adds elements at places; those beyond the end are dropped. */
function scatterInto(counts: NDArray, places: NDArray, each: NDArray): NDArray {
  return scatterAdd(counts, reshape(places, [places.size, 1]), each);
}

/** Options of {@linkcode digitize}. */
export interface DigitizeOptions {
  /** Whether bins contain their right end and not their left one. */
  readonly right?: boolean | undefined;
}

const digitizeOptions: OptionTable<DigitizeOptions> = { right: "boolean" };

/**
 * The number (int32) of the bin that each element of `x` is in, as `jax.numpy.digitize`: 0 in front of the
 * first edge. `bins` [n] ascend, or descend.
 *
 * @throws {ShapeError} where `bins` are not a vector.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.digitize(np.array([0.5, 1, 7]), np.array([0, 1, 2])).toArray()); // [ 1, 2, 3 ]
 * ```
 */
export function digitize(x: Operand, bins: NDArray, options: DigitizeOptions = {}): NDArray {
  if (arguments.length > 2) {
    options = readOptions("digitize(x, bins, options)", arguments, digitizeOptions);
  }
  const edges = expectArray("digitize", bins, "bins");
  if (edges.ndim !== 1) {
    throw new ShapeError(
      `digitize: bins have shape ${formatShape(edges.shape)}, but must be a vector`,
    );
  }
  const n = edges.size;
  const a = asOperand("digitize", x);
  if (n === 0) return full(a.shape, 0, "int32");
  const side = options.right ? "left" : "right";
  const up = searchsorted(edges, a, { side });
  if (n === 1) return up;
  const down = sub(
    full([], n, "int32"),
    searchsorted(rev(edges, [0]), a, { side }),
  );
  const ascends = le(reshape(slice(edges, [0], [1]), []), reshape(slice(edges, [n - 1], [n]), []));
  return select(ascends, up, down);
}

// ---------------------------------------------------------------- histograms

/** Options of {@linkcode histogramBinEdges}. */
export interface BinOptions {
  /** Where the first bin begins and the last one ends; the extremes of `x` where left out. */
  readonly range?: readonly [number, number] | null | undefined;
}

/** Options of {@linkcode histogram}. */
export interface HistogramOptions extends BinOptions {
  /** What each element adds to its bin: of the shape of `x`; 1 where left out. */
  readonly weights?: NDArray | null | undefined;
  /** Whether to give a density, whose integral over all bins is 1. */
  readonly density?: boolean | undefined;
}

const binOptions: OptionTable<BinOptions> = { range: "shape" };

const histogramOptions: OptionTable<HistogramOptions> = /* @__PURE__ */ tableOf(binOptions, {
  weights: "operand",
  density: "boolean",
});

/**
 * Edges of bins, as `jax.numpy.histogram_bin_edges`: so many of equal width [bins + 1], or those that are
 * given.
 *
 * @throws {RangeError} where the number of bins is not positive.
 * @throws {ShapeError} where edges are not a vector of two or more.
 */
export function histogramBinEdges(
  x: Operand,
  bins: number | NDArray | Named<BinOptions, { bins: number | NDArray }> = 10,
  options: BinOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("histogramBinEdges(x, bins, options)", arguments, binOptions, 1);
  }
  if (isNamed(bins)) return histogramBinEdges(x, bins.bins, bins);
  return edgesOf("histogramBinEdges", x, bins, options.range);
}

function edgesOf(
  op: string,
  x: Operand,
  bins: number | NDArray,
  range: readonly [number, number] | null | undefined,
): NDArray {
  const a = asFloat(op, x);
  if (typeof bins !== "number") {
    const edges = asFloat(op, expectArray(op, bins, "bins"), "bins");
    if (edges.ndim !== 1 || edges.size < 2) {
      throw new ShapeError(
        `${op}: edges have shape ${formatShape(edges.shape)}, but must be a vector of two or more`,
      );
    }
    return edges;
  }
  expectInteger(op, bins, "the number of bins", 1);
  if (range !== undefined && (!Array.isArray(range) || range.length !== 2)) {
    throw new TypeError(`${op}: range must be a pair of numbers, not ${describeValue(range)}`);
  }
  const number = (value: number): NDArray => scalarLike(value, a);
  const flat = reshape(a, [a.size]);
  const [low, high] = range !== undefined
    ? [number(range[0]), number(range[1])]
    : a.size === 0
    ? [number(0), number(1)]
    : [reduceMin(flat, [0]), reduceMax(flat, [0])];
  // Around one value there is a bin of width 1.
  const same = eq(low, high);
  const half = number(0.5);
  return linspace(
    select(same, sub(low, half), low),
    select(same, add(high, half), high),
    bins + 1,
    { dtype: a.dtype },
  );
}

/** Number of the bin of each element of a vector; `bins` for those in none. */
function binOf(flat: NDArray, edges: NDArray): NDArray {
  const bins = edges.size - 1;
  const first = reshape(slice(edges, [0], [1]), []);
  const last = reshape(slice(edges, [bins], [bins + 1]), []);
  const place = sub(searchsorted(edges, flat, { side: "right" }), full([], 1, "int32"));
  // The last bin contains its right end.
  const within = select(eq(flat, last), full(flat.shape, bins - 1, "int32"), place);
  const inside = and(ge(flat, first), le(flat, last));
  return select(inside, within, full(flat.shape, bins, "int32"));
}

/**
 * How many elements of `x` are in each bin, and the edges of the bins, as `jax.numpy.histogram`. Bins
 * contain their left end, the last one both; the counts are floats.
 *
 * @throws {RangeError} where the number of bins is not positive.
 * @throws {ShapeError} where edges or weights have the wrong shape.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [counts, edges] = np.histogram(np.array([1, 2, 2, 5]), 2);
 * console.log(counts.toArray(), edges.toArray()); // [ 3, 1 ] [ 1, 3, 5 ]
 * ```
 */
export function histogram(
  x: Operand,
  bins: number | NDArray | Named<HistogramOptions, { bins: number | NDArray }> = 10,
  options: HistogramOptions = {},
): [counts: NDArray, edges: NDArray] {
  if (arguments.length > 2) {
    options = readOptions("histogram(x, bins, options)", arguments, histogramOptions, 1);
  }
  if (isNamed(bins)) return histogram(x, bins.bins, bins);
  const op = "histogram";
  const given = asFloat(op, x);
  const [a, edges] = promote(op, given, edgesOf(op, given, bins, options.range));
  const flat = reshape(a, [a.size]);
  const each = weightsOf(op, options.weights, a);
  const n = edges.size - 1;
  const counts = counted(binOf(flat, edges), each, n);
  if (!options.density) return [counts, edges];
  const width = sub(slice(edges, [1], [n + 1]), slice(edges, [0], [n]));
  return [div(counts, mul(reduceSum(counts, [0]), width)), edges];
}

function weightsOf(op: string, weights: NDArray | null | undefined, x: NDArray): NDArray {
  if (weights === undefined) return onesLike(reshape(x, [x.size]));
  const w = asFloat(op, expectArray(op, weights, "weights"), "weights");
  if (w.size !== x.size) {
    throw new ShapeError(
      `${op}: weights have shape ${formatShape(w.shape)}, but x has ${formatShape(x.shape)}`,
    );
  }
  return reshape(w, [w.size]);
}

/** Sums of what falls into each of `n` places; the place `n` is for the rest. */
function counted(places: NDArray, each: NDArray, n: number): NDArray {
  const counts = scatterInto(full([n + 1], 0, each.dtype), places, each);
  return slice(counts, [0], [n]);
}

/**
 * How many points are in each bin of a grid, and the edges along each axis, as `jax.numpy.histogramdd`.
 * `points` are [n, d]; `bins` a number, or one or a vector of edges for each axis.
 * Counts are int32 where there are no weights.
 *
 * @throws {ShapeError} where the points are not [n, d], or bins are not d.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [counts] = np.histogramdd(np.array([[0, 0], [1, 1], [1, 0.9]]), 2);
 * console.log(counts.toArray()); // [ [ 1, 0 ], [ 0, 2 ] ]
 * ```
 */
export function histogramdd(
  points: NDArray,
  bins:
    | number
    | readonly (number | NDArray)[]
    | Named<HistogramddOptions, { bins: number | readonly (number | NDArray)[] }> = 10,
  options: HistogramddOptions = {},
): [counts: NDArray, edges: NDArray[]] {
  if (arguments.length > 2) {
    options = readOptions("histogramdd(points, bins, options)", arguments, histogramddOptions, 1);
  }
  if (isNamed(bins)) return histogramdd(points, bins.bins, bins);
  const op = "histogramdd";
  const a = asFloat(op, expectArray(op, points, "points"), "points");
  if (a.ndim !== 2) {
    throw new ShapeError(
      `${op}: points have shape ${formatShape(a.shape)}, but must be [points, axes]`,
    );
  }
  const [n, d] = a.shape as [number, number];
  const each = typeof bins === "number" ? new Array<number>(d).fill(bins) : bins;
  if (!Array.isArray(each) || each.length !== d) {
    throw new ShapeError(
      `${op}: points have ${d} axes, but bins are ${
        Array.isArray(each) ? `given for ${each.length}` : describeValue(bins)
      }`,
    );
  }
  const columns = each.map((_, k) => reshape(slice(a, [0, k], [n, k + 1]), [n]));
  const edges = columns.map((x, k) => edgesOf(op, x, each[k]!, options.range?.[k]));
  const sizes = edges.map((e) => e.size - 1);
  const total = sizes.reduce((p, k) => p * k, 1);
  let place = full([n], 0, "int32");
  let outside = lt(place, place);
  columns.forEach((x, k) => {
    const bin = binOf(x, edges[k]!);
    const size = scalarLike(sizes[k]!, bin);
    outside = select(eq(bin, size), onesLike(outside), outside);
    place = add(mul(place, size), bin);
  });
  const w = options.weights === undefined
    ? full([n], 1, "int32")
    : weightsOf(op, options.weights, full([n], 0, a.dtype));
  const flat = counted(select(outside, full([n], total, "int32"), place), w, total);
  const counts = reshape(flat, sizes);
  if (!options.density) return [counts, edges];
  let density = div(convert(counts, a.dtype), convert(reduceSum(flat, [0]), a.dtype));
  edges.forEach((e, k) => {
    const width = sub(slice(e, [1], [e.size]), slice(e, [0], [e.size - 1]));
    density = div(density, reshape(width, sizes.map((m, i) => i === k ? m : 1)));
  });
  return [density, edges];
}

/** Options of {@linkcode histogramdd}. */
export interface HistogramddOptions {
  /** Where bins begin and end along each axis. */
  readonly range?: readonly (readonly [number, number])[] | undefined;
  /** What each point adds to its bin: [n]; 1 where left out. */
  readonly weights?: NDArray | null | undefined;
  /** Whether to give a density, whose integral over all bins is 1. */
  readonly density?: boolean | undefined;
}

const histogramddOptions: OptionTable<HistogramddOptions> = {
  range: "shape",
  weights: "operand",
  density: "boolean",
};

/**
 * How many pairs of elements of `x` and `y` are in each bin of a grid, and the edges along both axes, as
 * `jax.numpy.histogram2d`.
 *
 * @throws {ShapeError} where `x` and `y` are not vectors of one length.
 */
export function histogram2d(
  x: NDArray,
  y: NDArray,
  bins:
    | number
    | readonly [number | NDArray, number | NDArray]
    | Named<HistogramddOptions, { bins: number | readonly [number | NDArray, number | NDArray] }> =
      10,
  options: HistogramddOptions = {},
): [counts: NDArray, xEdges: NDArray, yEdges: NDArray] {
  if (arguments.length > 3) {
    options = readOptions("histogram2d(x, y, bins, options)", arguments, histogramddOptions, 2);
  }
  if (isNamed(bins)) return histogram2d(x, y, bins.bins, bins);
  const op = "histogram2d";
  const [a, b] = promote(op, asFloat(op, x), asFloat(op, y, "y"));
  if (a.ndim !== 1 || b.ndim !== 1 || a.size !== b.size) {
    throw new ShapeError(
      `${op}: x and y must be vectors of one length, but have shapes ${formatShape(a.shape)} and ${
        formatShape(b.shape)
      }`,
    );
  }
  const columns = [a, b].map((v) => reshape(v, [a.size, 1])) as [NDArray, NDArray];
  const [counts, edges] = histogramdd(concatenate(columns, 1), bins, options);
  return [counts, edges[0]!, edges[1]!];
}

/**
 * Norms of vectors that are trees laid out, as a whole and leaf by leaf.
 *
 * Pytrees as vectors: solvers work on one vector, users on trees.
 *
 * What the criterion of the loop is made of: norms, leaf by leaf, and what they are small beside. What the error is
 * estimated to be.
 *
 * An estimate of the spectral radius of a map's derivative.
 *
 * @module
 */
import {
  describeValue,
  DTypeError,
  epsilon,
  formatAval,
  isFloat,
  type NDArray,
  promoteDTypes,
  scalarArray,
  TreeError,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import { identity } from "../linalg/matrices.ts";
import {
  abs,
  and,
  broadcastTo,
  concatenate,
  convert,
  div,
  dotGeneral,
  full,
  iota,
  isFinite,
  maximum,
  not,
  onesLike,
  or,
  reduceMax,
  reduceSum,
  reshape,
  select,
  slice,
  stopGradient,
  zerosLike,
} from "../primitives/mod.ts";
import { flattenArrays } from "../transforms/trees.ts";
import type { Transforms } from "../transforms/types.ts";
import type { Evaluation, Norms } from "./method.ts";

/** Inner product of two vectors, a scalar. */
export function dot(a: NDArray, b: NDArray): NDArray {
  return dotGeneral(a, b, { contract: [[0], [0]], batch: [[], []] });
}

/** 2-norm of a vector whose squares are in the range of its dtype. */
export function plainNorm(x: NDArray): NDArray {
  return dot(x, x).sqrt();
}

/**
 * 2-norm of a vector, computed in units of the mean size of its elements: right wherever it is in the
 * range of the dtype, where squares would be infinite or 0.
 */
export function norm(x: NDArray): NDArray {
  const shares = abs(x).mul(1 / Math.max(1, x.size));
  const mean = reduceSum(shares, [0]);
  // Nothing is added instead: onnxruntime takes the smallest numbers of float64 for 0 where it shares
  // constants.
  const unit = select(mean.equal(0), scalarArray(1, x.dtype), mean);
  return plainNorm(div(x, unit)).mul(unit);
}

/** 2-norms of the leaves of a vector [n]: [leaves]. */
export function leafNorms(x: NDArray, sizes: readonly number[]): NDArray {
  if (sizes.length === 1) return reshape(norm(x), [1]);
  let at = 0;
  return concatenate(
    sizes.map((size) => {
      const leaf = slice(x, [at], [at + size]);
      at += size;
      return reshape(norm(leaf), [1]);
    }),
    0,
  );
}

/** The norm of a vector from those of its leaves, a scalar. */
export function total(norms: NDArray): NDArray {
  return norms.size === 1 ? reshape(norms, []) : norm(norms);
}

/** Numbers by leaf [leaves] as numbers by element: [n], or [] where there is one leaf. */
export function spread(values: NDArray, sizes: readonly number[]): NDArray {
  if (sizes.length === 1) return reshape(values, []);
  return concatenate(sizes.map((size, i) => broadcastTo(slice(values, [i], [i + 1]), [size])), 0);
}

/** A tree laid out as a vector. */
export interface Raveled {
  /** The elements of all leaves in order, in the widest of their dtypes: shape [n]. */
  readonly vector: NDArray;
  /** Numbers of elements of the leaves. */
  readonly sizes: readonly number[];
  /** The tree for another such vector. */
  readonly unravel: (vector: NDArray) => unknown;
  /** The vector for another such tree. */
  readonly ravel: (tree: unknown) => NDArray;
}

/**
 * Checks that what is to be solved for, or to vanish, is floating-point.
 *
 * @throws {DTypeError} naming it.
 */
export function checkFloat(op: string, x: NDArray, what: () => string): void {
  if (isFloat(x.dtype)) return;
  throw new DTypeError(
    `${op}: ${what()} is ${
      formatAval(x.aval)
    }, but must be floating-point. Convert with astype("float32")`,
  );
}

/**
 * Lays out a tree of floating-point arrays as a vector.
 *
 * @throws {DTypeError} where a leaf is not floating-point.
 * @throws {TreeError} where there are no leaves.
 */
export function ravelTree(op: string, tree: unknown, what: string): Raveled {
  const [leaves, def] = flattenArrays(op, tree, what);
  if (leaves.length === 0) {
    throw new TreeError(
      `${op}: ${what} is ${
        describeValue(tree)
      }, which has no arrays: it must be a number, an array or a tree of them`,
    );
  }
  leaves.forEach((x, i) => checkFloat(op, x, () => `${what}${treePaths(def)[i]}`));
  const dtype = leaves.map((x) => x.dtype).reduce(promoteDTypes);
  const join = (xs: readonly NDArray[]): NDArray => {
    const flat = xs.map((x) => reshape(convert(x, dtype), [x.size]));
    return flat.length === 1 ? flat[0]! : concatenate(flat, 0);
  };
  return {
    vector: join(leaves),
    sizes: leaves.map((x) => x.size),
    ravel: (other) => join(flattenArrays(op, other, what)[0]),
    unravel(vector) {
      let at = 0;
      return treeUnflatten(
        def,
        leaves.map((x) => {
          const part = leaves.length === 1 ? vector : slice(vector, [at], [at + x.size]);
          at += x.size;
          return convert(reshape(part, x.shape), x.dtype);
        }),
      );
    },
  };
}

/** Norms by leaf of a point, its residual, and where the residual leads. They have no derivative, infinite at 0. */
export function normsOf(
  { sizes, m, displacement }: {
    readonly sizes: readonly number[];
    readonly m: number;
    readonly displacement: boolean;
  },
  x: NDArray,
  r: NDArray,
): Norms {
  return {
    x: leafNorms(stopGradient(x), sizes),
    r: leafNorms(stopGradient(r), displacement ? sizes : [m]),
    f: displacement ? leafNorms(stopGradient(x.add(r)), sizes) : leafNorms(stopGradient(r), [m]),
  };
}

/** The same of what is compared. */
export function partNorms(
  { of, sizes }: { readonly of: (x: NDArray) => NDArray; readonly sizes: readonly number[] },
  x: NDArray,
  r: NDArray,
): Norms {
  const [here, there] = [of(stopGradient(x)), of(stopGradient(x.add(r)))];
  const norms = (v: NDArray): NDArray => leafNorms(v, sizes);
  return { x: norms(here), r: norms(there.sub(here)), f: norms(there) };
}

/** Which leaves of a residual are small beside what is given: bools [leaves]. */
export function small(
  norms: NDArray,
  beside: NDArray,
  { rtol, atol }: { readonly rtol: number; readonly atol: number },
): NDArray {
  // An infinite bound is a norm beyond the dtype's range and proves nothing.
  const bound = rtol === 0 ? full(norms.shape, atol, norms.dtype) : beside.mul(rtol).add(atol);
  return and(norms.lessEqual(bound), isFinite(bound));
}

/**
 * The size of each leaf of the unknowns: of its value or first step, else that of the largest leaf, else 1.
 */
export function scaleOf(xNorms: NDArray, rNorms: NDArray | null): NDArray {
  const sizes = rNorms === null ? xNorms : maximum(xNorms, rNorms);
  const largest = reduceMax(sizes, [0]);
  const one = full(sizes.shape, 1, sizes.dtype);
  const usable = (s: NDArray): NDArray => and(s.greater(0), isFinite(s));
  const rest = select(usable(largest), one.mul(largest), one);
  return select(usable(sizes), sizes, rest);
}

/**
 * What a unit of the residual is in steps, by the step [n] from the best point to this one and the change of the
 * residual. Where that is nothing but rounding, a short step says nothing, and a long one that there is no slope.
 */
export function slopeOf(
  c: { readonly slope: NDArray; readonly merit: NDArray },
  step: NDArray,
  change: NDArray,
  rounding: NDArray,
  isShort: NDArray,
): NDArray {
  const size = norm(change);
  const seen = size.greater(rounding.mul(roundings));
  const slope = select(
    seen,
    div(norm(step), select(seen, size, onesLike(size))),
    select(isShort, c.slope, scalarArray(Infinity, size.dtype)),
  );
  return select(isFinite(c.merit), slope, c.slope);
}

/**
 * The error of a point of the norm `valueNorm` whose residual has the norm `size`: what is left, by the step that a unit
 * of the residual stands for, and no less than rounding. A displacement is itself known to rounding of the point.
 */
export function errorOf(
  slope: NDArray,
  size: NDArray,
  valueNorm: NDArray,
  displacement: boolean,
): NDArray {
  const finite = isFinite(valueNorm);
  const rounding = select(finite, valueNorm, zerosLike(valueNorm)).mul(epsilon(valueNorm.dtype));
  const exact = size.equal(0);
  const left = displacement ? maximum(size, rounding) : size;
  const known = slope.greaterEqual(0);
  const per = select(known, slope, onesLike(slope).mul(Infinity));
  // Of a start that is the solution nothing is known but that.
  const none = or(left.equal(0), and(exact, not(known)));
  return maximum(select(none, left, per.mul(select(none, onesLike(left), left))), rounding);
}

/** Change of a residual, in roundings of the point, that is nothing but that. */
const roundings = 64;

/**
 * The spectral radius of `J = I + dr/dx` at a point [n]. Of few unknowns it is the limit of `|J^m|^(1 / m)`, by
 * squaring (Gelfand); of many, what products with a vector lengthen it by in the geometric mean, which comes from
 * below and slowly where eigenvalues are close.
 */
export function radiusOf(
  evaluate: (x: NDArray) => Evaluation,
  x: NDArray,
  transforms: Transforms,
): NDArray {
  const { dtype, size: n } = x;
  const number = (value: number): NDArray => scalarArray(value, dtype);
  const [, push] = transforms.linearize((x: NDArray) => evaluate(x).r, [x]);
  const product = (v: NDArray): NDArray => v.add(push(v));
  /** A unit, and its logarithm: nothing is left of powers that vanish, whose radius is 0. */
  const unitOf = (size: NDArray): readonly [NDArray, NDArray] => {
    const usable = size.greater(0);
    const unit = select(usable, size, number(1));
    return [unit, select(usable, unit.log(), number(-Infinity))];
  };
  if (n <= few) {
    // The rows are the columns of J, and powers of a matrix and of its transpose have one radius.
    const matrix = transforms.vmap(product)(identity(n, dtype)) as NDArray;
    const squared = transforms.foriLoop(0, squarings, (_: NDArray, { a, log, share }) => {
      const [unit, gain] = unitOf(norm(reshape(a, [n * n])));
      const even = div(a, unit);
      const next = dotGeneral(even, even, { contract: [[1], [0]], batch: [[], []] });
      return { a: next, log: log.add(gain.mul(share)), share: share.mul(0.5) };
    }, { a: matrix, log: number(0), share: number(1) }) as { log: NDArray };
    return squared.log.exp();
  }
  // A vector with no symmetry, which an eigenvector might be orthogonal to.
  const start = iota([n], 0, "int32").astype(dtype).mul(1.7).add(0.4).sin().add(0.1);
  const end = transforms.foriLoop(0, products, (i: NDArray, { v, log }) => {
    const next = product(v);
    const [unit, gain] = unitOf(norm(next));
    return { v: div(next, unit), log: select(i.less(products - counted), log, log.add(gain)) };
  }, { v: div(start, norm(start)), log: number(0) }) as { log: NDArray };
  return end.log.div(counted).exp();
}

/** Unknowns up to which the derivative is made as a matrix, and how often that is squared. */
const few = 64;
const squarings = 30;

/** Products with the derivative, and how many of them count. */
const products = 100;
const counted = 50;

/**
 * What a method of minimisation is told, and what all of them share: bounds, gains that rounding does not
 * hide, and functions that have no derivatives.
 *
 * @module
 */
import {
  DifferentiationError,
  type DType,
  epsilon,
  type NDArray,
  scalarArray,
} from "../../core/mod.ts";
import {
  abs,
  and,
  div,
  eq,
  full,
  iota,
  maximum,
  minimum,
  not,
  or,
  reduceMax,
  reduceMin,
  reduceSum,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import type { Transforms } from "../../transforms/types.ts";
import type { Stepper } from "../method.ts";
import { toldWhy } from "../options.ts";

/** What a method is told of the problem, beside what a step sees. */
export interface Setting {
  /** Largest relative step of a leaf at which it has converged. */
  readonly rtol: number;
  /** Gradient norm at which it has, whatever the step. */
  readonly atol: number;
  /** Epsilon of the least precise leaf of the unknowns. */
  readonly precision: number;
  /** Sizes of the leaves of the unknowns. */
  readonly sizes: readonly number[];
  /** Bounds of the unknowns [n], or `null`. No trial lies outside. */
  readonly bounds: Box | null;
  /** The tree of a vector of unknowns. */
  readonly unravel: (x: NDArray) => unknown;
  /** The vector of such a tree. */
  readonly ravel: (tree: unknown) => NDArray;
  /** The method's proximal operator, on vectors. */
  readonly prox: ((x: NDArray, step: NDArray) => NDArray) | null;
  /**
   * Whether the function has a gradient and products with the Hessian, as methods by values alone can do without; and
   * the proximal operator a derivative.
   */
  readonly smooth: boolean;
}

/** Bounds [n]. */
export interface Box {
  /** Below. */
  readonly lower: NDArray;
  /** Above. */
  readonly upper: NDArray;
}

/** A method of `minimise`, made once it is known what is solved. */
export interface Minimiser {
  /** Name and settings, for messages. */
  readonly description: string;
  /** Those of `rootFind` and `leastSquares` have it. */
  readonly trustRegion?: never;
  /** The method for one problem, whose setting solvers know. */
  readonly make: (setting: never) => Stepper<unknown>;
  /** Whether it looks at values alone. */
  readonly gradientFree?: boolean | undefined;
  /** The proximal operator of what is minimised beside the function, on trees. */
  readonly prox?: ((x: unknown, step: NDArray) => unknown) | undefined;
  /** The default of `maxSteps` for n unknowns, where that is not 1000. */
  readonly steps?: ((n: number) => number) | undefined;
}

/** `x`, or 1 where it is 0. */
export function orOne(x: NDArray): NDArray {
  return select(x.equal(0), full(x.shape, 1, x.dtype), x);
}

/** A point brought within bounds. */
export function within(x: NDArray, box: Box | null): NDArray {
  return box === null ? x : minimum(maximum(x, box.lower), box.upper);
}

/** 1 for the unknowns that are free to follow `-gradient`, 0 for those that rest at a bound: [n]. */
export function freeAt(x: NDArray, gradient: NDArray, { lower, upper }: Box): NDArray {
  const rests = or(
    and(x.lessEqual(lower), gradient.greater(0)),
    and(x.greaterEqual(upper), gradient.less(0)),
  );
  return not(rests).astype(x.dtype);
}

/** The gradient of the unknowns that do not rest at a bound. */
export function projected(x: NDArray, gradient: NDArray, box: Box | null): NDArray {
  return box === null ? gradient : gradient.mul(freeAt(x, gradient, box));
}

/** How far one can go from `x` in a direction within bounds, in its lengths: a scalar. */
export function reach(x: NDArray, direction: NDArray, box: Box | null): NDArray {
  const { dtype } = x;
  const infinity = scalarArray(Infinity, dtype);
  if (box === null) return infinity;
  const far = full(x.shape, Infinity, dtype);
  const wall = select(direction.greater(0), box.upper, box.lower);
  const length = div(wall.sub(x), orOne(direction));
  return reduceMin(select(direction.equal(0), far, length), [0]);
}

/**
 * The gain of a step: the difference of the values, or where rounding hides that, what the slopes along the step
 * at both ends say, which is exact for a parabola.
 */
export function gain(
  value: NDArray,
  before: NDArray,
  slopeBefore: NDArray,
  slope: NDArray,
  noise: NDArray,
): NDArray {
  const change = value.sub(before);
  const half = scalarArray(0.5, value.dtype);
  const seen = abs(change).greater(abs(before).mul(noise));
  return select(seen, change, slopeBefore.add(slope).mul(half));
}

/** The share of a value that is taken to be rounding, to begin with, and at most. */
export function noiseRange(dtype: DType): readonly [least: number, most: number] {
  return [64 * epsilon(dtype), epsilon(dtype) ** 0.5];
}

/** Why a function has no gradient, or no products with its Hessian; `null` where it has them. */
export function lackOfSlopes(
  value: (v: NDArray) => NDArray,
  v: NDArray,
  transforms: Transforms,
): DifferentiationError | null {
  return lackOfDerivative((v) => transforms.grad(value)(v) as NDArray, v, transforms);
}

/** Why a function has no products with its derivative; `null` where it has them. */
export function lackOfDerivative(
  f: (v: NDArray) => NDArray,
  v: NDArray,
  transforms: Transforms,
): DifferentiationError | null {
  try {
    transforms.evalShape((v: NDArray) => transforms.jvp(f, [v], [v]), v);
    return null;
  } catch (error) {
    if (error instanceof DifferentiationError) return error;
    throw error;
  }
}

/**
 * The derivative of a function of vectors along `v` [n], by central differences where it is no program that has one: over
 * a share `near` of `lengths` [n], as those that the unknowns have gone, and within bounds.
 */
export function derivativeAlong(
  f: (x: NDArray) => NDArray,
  x: NDArray,
  v: NDArray,
  { lengths, bounds, near = Math.cbrt(epsilon(x.dtype)), smooth = true }: {
    readonly lengths: NDArray;
    readonly bounds: Box | null;
    readonly near?: number;
    readonly smooth?: boolean;
  },
  transforms: Transforms,
): NDArray {
  if (smooth) {
    try {
      return transforms.jvp(f, [x], [v])[1] as NDArray;
    } catch (error) {
      if (!(error instanceof DifferentiationError)) throw error;
    }
  }
  const most = orOne(reduceMax(abs(div(v, lengths)), [0]));
  const way = div(v, most);
  const [up, down] = [way, way.neg()].map((w) =>
    minimum(reach(x, w, bounds), scalarArray(near, x.dtype))
  );
  const at = (step: NDArray): NDArray => f(within(x.add(way.mul(step)), bounds));
  const change = at(up!).sub(at(down!.neg()));
  return div(change.mul(most), orOne(up!.add(down!)));
}

/** The gradient [n] by central differences within bounds, right to two thirds of the digits of smooth functions. */
export function slopesByDifferences(
  value: (v: NDArray) => NDArray,
  x: NDArray,
  bounds: Box | null,
  transforms: Transforms,
): NDArray {
  const { dtype, size } = x;
  const length = maximum(abs(x), full([size], 1, dtype)).mul(Math.cbrt(epsilon(dtype)));
  const slope = (i: NDArray): NDArray => {
    const step = select(eq(iota([size], 0, "int32"), i), length, zerosLike(x));
    const [up, down] = [within(x.add(step), bounds), within(x.sub(step), bounds)];
    return div(value(up).sub(value(down)), orOne(reduceSum(up.sub(down), [0])));
  };
  return transforms.map(slope, iota([size], 0, "int32")) as NDArray;
}

/** What is made with the gradient of `f`, and where that has none, what to do. */
export function toldOfSlopes<T>(op: string, f: string, make: () => T): T {
  const lacking =
    `${op}: it needs the gradient of ${f}, which has none. Take { solver: nelderMead() }, which looks at ` +
    "values alone and has bounds";
  return toldWhy(lacking, make);
}

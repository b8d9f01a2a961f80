/**
 * Images of another size, as `jax.image`: each element of the result is a weighted mean of elements around
 * where it lies in the image. Along every axis that changes this is a product with a matrix of weights.
 *
 * Elements are as wide as their distance: element `i` reaches from `i` to `i + 1`, with its centre at
 * `i + 1/2`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { resize } from "@injax/injax/image";
 *
 * const image = np.array([[0, 4], [8, 12]]);
 * console.log(resize(image, [2, 4], "linear").toArray()); // [ [ 0, 1, 3, 4 ], [ 8, 9, 11, 12 ] ]
 * ```
 *
 * @module
 */
import "./methods.ts";
import type { Named } from "../core/method_options.ts";
import {
  describeValue,
  type DType,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import { convert, iota } from "../primitives/mod.ts";
import { maximum, minimum, reciprocal } from "./arithmetic.ts";
import { array } from "./array.ts";
import { zeros } from "./creation.ts";
import { take } from "./indexing.ts";
import { logicalAnd, where } from "./logic.ts";
import { asDType, asFloat, expectArray, expectAxes, expectShape, isNamed } from "./operands.ts";
import { tensordot } from "./products.ts";
import { updateAt } from "./set_at.ts";
import { moveaxis } from "./shaping.ts";

export type { Named } from "../core/method_options.ts";

/**
 * How elements are combined, by any of its names: `"nearest"` takes one, `"linear"` weights those nearer than
 * 1 by a triangle, `"cubic"` those nearer than 2 by Keys' kernel (a = -1/2), `"cubic-pytorch"` by the kernel
 * with a = -3/4 and edges repeated where nothing is smoothed, `"lanczos3"` and `"lanczos5"` those nearer than
 * 3 and 5 by a windowed sinc, `"area"` all by how much they share with the new element.
 */
export type ResizeMethod =
  | ("nearest" | "linear" | "bilinear" | "trilinear" | "triangle")
  | ("cubic" | "bicubic" | "tricubic" | "cubic-pytorch" | "bicubic-pytorch")
  | ("lanczos3" | "lanczos5" | "area");

/** Options of {@linkcode resize} and {@linkcode scaleAndTranslate}. */
export interface ResizeOptions {
  /** Whether kernels grow where an axis shrinks, so that every element has its share; true if left out. */
  readonly antialias?: boolean | undefined;
}

const resizeOptions: OptionTable<ResizeOptions> = { antialias: "boolean" };

/** Weights of elements at distances |x|, in units of the kernel. */
type Kernel = (x: NDArray) => NDArray;

/** Keys' cubic kernel: a piecewise polynomial that vanishes from 2 on and interpolates; `a` is its slope at 1. */
const keys = (a: number): Kernel => (x) => {
  const near = x.mul(a + 2).sub(a + 3).mul(x).mul(x).add(1);
  const far = x.mul(a).sub(5 * a).mul(x).add(8 * a).mul(x).sub(4 * a);
  return where(x.less(1), near, where(x.less(2), far, 0));
};

/** Lanczos' kernel: sinc(x) sinc(x / radius), nothing from the radius on. */
const lanczos = (radius: number): Kernel => (x) => {
  const angle = x.mul(Math.PI);
  const safe = where(x.greater(1e-3), angle, 1);
  const product = safe.sin().mul(safe.div(radius).sin()).mul(radius).div(safe.mul(safe));
  return where(x.greater(radius), 0, where(x.greater(1e-3), product, 1));
};

const triangle: Kernel = (x) => maximum(x.neg().add(1), 0);

/** What a method does: its kernel, `null` for shared areas, and how far edges are repeated. */
interface Way {
  readonly kernel: Kernel | null;
  /** How many elements an edge is repeated without smoothing. */
  readonly repeated?: number;
}

const cubic: Way = { kernel: keys(-0.5) };
const linear: Way = { kernel: triangle };
const pytorch: Way = { kernel: keys(-0.75), repeated: 2 };

const ways: { readonly [Method in Exclude<ResizeMethod, "nearest">]: Way } = {
  linear,
  bilinear: linear,
  trilinear: linear,
  triangle: linear,
  cubic,
  bicubic: cubic,
  tricubic: cubic,
  "cubic-pytorch": pytorch,
  "bicubic-pytorch": pytorch,
  lanczos3: { kernel: lanczos(3) },
  lanczos5: { kernel: lanczos(5) },
  area: { kernel: null },
};

function wayOf(op: string, method: unknown, antialias: boolean): Way {
  const name = typeof method === "string" ? method.toLowerCase() : "";
  if (!Object.hasOwn(ways, name)) {
    const known = [...(op === "resize" ? ["nearest"] : []), ...Object.keys(ways)];
    const nearest = name === "nearest" ? ", which takes single elements" : "";
    throw new TypeError(
      `${op}: method is ${describeValue(method)}${nearest}, but must be one of ${
        known.map((m) => `"${m}"`).join(", ")
      }`,
    );
  }
  const way = ways[name as keyof typeof ways];
  return way === pytorch && antialias ? cubic : way;
}

/** The middle of what an element is about; sums of weights below this, of kernels that reach nothing, are 0. */
const LEAST = 1000 * 2 ** -23;

/** The weights [size, length] of the elements of an axis in those of the new one. */
function weightsOf(
  [size, length]: readonly [size: number, length: number],
  scale: Operand,
  translation: Operand,
  { kernel, repeated = 0 }: Way,
  antialias: boolean,
  dtype: DType,
): NDArray {
  const row = (n: number): NDArray => iota([1, n], 1, dtype);
  const column = iota([size + 2 * repeated, 1], 0, dtype).sub(repeated);
  const one = reciprocal(asDType("resize", scale, dtype, "scale"));
  const moved = one.mul(translation);
  // Where the centres of the new elements are in the image.
  const centres = row(length).add(0.5).mul(one).sub(moved).sub(0.5);
  let weights: NDArray;
  if (kernel === null) {
    const start = row(length).mul(one).sub(moved);
    const shared = minimum(start.add(one), column.add(1)).sub(maximum(start, column));
    weights = maximum(shared, 0);
  } else {
    const width = antialias ? maximum(one, 1) : 1;
    weights = kernel(centres.sub(column).abs().div(width));
  }
  if (repeated > 0) {
    const places = Array.from(
      { length: size + 2 * repeated },
      (_, i) => Math.min(Math.max(i - repeated, 0), size - 1),
    );
    weights = updateAt(zeros([size, length], { dtype }), array(places, { dtype: "int32" }))
      .add(weights);
  }
  const sums = weights.sum(0, { keepDims: true });
  const even = where(sums.abs().greater(LEAST), weights.div(where(sums.equal(0), 1, sums)), 0);
  if (repeated > 0) return even;
  const inside = logicalAnd(centres.greaterEqual(-0.5), centres.lessEqual(size - 0.5));
  return where(inside, even, 0);
}

/** The image with an axis multiplied by a matrix of weights. */
function weighted(x: NDArray, axis: number, weights: NDArray): NDArray {
  return moveaxis(tensordot(x, weights, [[axis], [0]]), -1, axis);
}

function shapeOf(op: string, image: NDArray, shape: readonly number[]): readonly number[] {
  const asked = expectShape(op, shape);
  if (asked.length === image.ndim) return asked;
  throw new ShapeError(
    `${op}: shape is ${formatShape(asked)}, but must have as many lengths as the image, which is ` +
      `${formatShape(image.shape)}, has axes`,
  );
}

/**
 * An image of another shape, as `jax.image.resize`; axes whose length does not change stay as they are.
 *
 * @param image Any number of axes, such as `[height, width, channels]`. Integers become float32, except
 * by `"nearest"`.
 * @param shape The new length of each axis.
 * @param method How elements are combined.
 * @throws {ShapeError} where `shape` has not one length for each axis, or an axis without elements grows.
 * @throws {TypeError} where there is no such method.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { resize } from "@injax/injax/image";
 *
 * console.log(resize(np.array([1, 3, 5, 7]), [2], "area").toArray()); // [ 2, 6 ]
 * console.log(resize(np.array([1, 2]), [4], "nearest").toArray()); // [ 1, 1, 2, 2 ]
 * ```
 */
export function resize(
  image: NDArray,
  shape: readonly number[],
  method: ResizeMethod | Named<ResizeOptions, { method: ResizeMethod }>,
  options: ResizeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("resize(image, shape, method, options)", arguments, resizeOptions, 2);
  }
  if (isNamed(method)) return resize(image, shape, method.method!, { antialias: method.antialias });
  const x = expectArray("resize", image, "the image");
  const lengths = shapeOf("resize", x, shape);
  const changed = lengths.flatMap((n, axis) => n === x.shape[axis] ? [] : [axis]);
  const empty = changed.find((axis) => x.shape[axis] === 0);
  if (empty !== undefined) {
    throw new ShapeError(
      `resize: axis ${empty} of the image, which is ${formatShape(x.shape)}, has no elements, of ` +
        `which ${lengths[empty]} could be made`,
    );
  }
  if (method === "nearest") {
    return changed.reduce((y, axis) => {
      const [m, n] = [x.shape[axis]!, lengths[axis]!];
      const places = Array.from({ length: n }, (_, i) => Math.floor((i + 0.5) * m / n));
      return take(y, array(places, { dtype: "int32" }), axis);
    }, x);
  }
  const { antialias = true } = options;
  const way = wayOf("resize", method, antialias);
  return changed.reduce((y, axis) => {
    const [m, n] = [x.shape[axis]!, lengths[axis]!];
    const scale = n === 0 ? 1 : n / m;
    return weighted(y, axis, weightsOf([m, n], scale, 0, way, antialias, y.dtype));
  }, asFloat("resize", x));
}

/** Numbers, one for each of some axes. */
function perAxis(
  op: string,
  given: NDArray | readonly number[],
  name: string,
  count: number,
  dtype: DType,
): NDArray {
  const x = Array.isArray(given)
    ? array(given, { dtype })
    : convert(expectArray(op, given, name), dtype);
  if (x.ndim === 1 && x.shape[0] === count) return x;
  throw new ShapeError(
    `${op}: ${name} has shape ${formatShape(x.shape)}, but there must be one number for each of ` +
      `the ${count} axes of spatialDims`,
  );
}

/**
 * An image stretched and moved along some axes, as `jax.image.scale_and_translate`: what is at `x` in the
 * image is at `x scale + translation` in the result. What is outside of the image is 0. Has derivatives by
 * `scale` and `translation` too.
 *
 * @param shape The shape of the result.
 * @param spatialDims The axes.
 * @param scale How far each of them is stretched, a vector or list.
 * @param translation How far each is moved, in elements of the result.
 * @param method How elements are combined; not `"nearest"`.
 * @throws {ShapeError} where numbers or lengths of axes are missing.
 * @throws {AxisError} where an axis is out of range.
 * @throws {TypeError} where there is no such method.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { scaleAndTranslate } from "@injax/injax/image";
 *
 * const row = np.array([1, 2, 3, 4]);
 * console.log(scaleAndTranslate(row, [4], [0], [1], [1], "linear").toArray()); // [ 0, 1, 2, 3 ]
 * ```
 */
export function scaleAndTranslate(
  image: NDArray,
  shape: readonly number[],
  spatialDims: readonly number[],
  scale: NDArray | readonly number[],
  translation: NDArray | readonly number[],
  method: Exclude<ResizeMethod, "nearest">,
  options: ResizeOptions = {},
): NDArray {
  const op = "scaleAndTranslate";
  if (arguments.length > 6) {
    const call = `${op}(image, shape, spatialDims, scale, translation, method, options)`;
    options = readOptions(call, arguments, resizeOptions);
  }
  const { antialias = true } = options;
  const x = asFloat(op, expectArray(op, image, "the image"));
  const lengths = shapeOf(op, x, shape);
  const axes = expectAxes(op, spatialDims, x.ndim);
  const other = lengths.findIndex((n, axis) => n !== x.shape[axis] && !axes.includes(axis));
  if (other >= 0) {
    throw new ShapeError(
      `${op}: axis ${other} has ${x.shape[other]} elements in the image and ${lengths[other]} in ` +
        `shape, but is not among spatialDims, [${axes.join(", ")}]`,
    );
  }
  const way = wayOf(op, method, antialias);
  const stretch = perAxis(op, scale, "scale", axes.length, x.dtype);
  const move = perAxis(op, translation, "translation", axes.length, x.dtype);
  return axes.reduce((y, axis, k) => {
    const sizes = [x.shape[axis]!, lengths[axis]!] as const;
    return weighted(
      y,
      axis,
      weightsOf(sizes, stretch.at(k), move.at(k), way, antialias, y.dtype),
    );
  }, x);
}

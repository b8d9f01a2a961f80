/**
 * Arrays: the type that users hold.
 *
 * `NDArray` is the common face of concrete arrays and of the tracers that stand in for them while a
 * transform watches a function. Its methods reach the operations through a table that `lib/api`
 * fills, so that this layer knows no operation. Concrete arrays are in `concrete.ts`.
 *
 * @module
 */
import { bytesOf, type DType, type ShapedArray, sizeOf, type TypedArray } from "./dtype.ts";
import { showAsText } from "./display.ts";
import { formatShape, ShapeError } from "./errors.ts";
import { type GetOptions, type IndexOf, refuseByHand, refuseSubscripts } from "./indexing.ts";
import type {
  Axes,
  AxesOr,
  AxisOr,
  CumulativeOptions,
  DiagonalOptions,
  ExtremeOptions,
  MaskedOptions,
  MeanOptions,
  ReduceOptions,
  SortOptions,
  SumOptions,
  TakeOptions,
  VarianceOptions,
} from "./method_options.ts";
import { checkCall } from "./signature.ts";

/** What arithmetic accepts: an array, or a JavaScript number or boolean (weakly typed). */
export type Operand = NDArray | number | boolean;

export type { Axes } from "./method_options.ts";

/** Nested JavaScript arrays of numbers or booleans, as `toArray` gives them. */
export type Nested = number | boolean | Nested[];

/** Methods that give an array, by name: operations, or another spelling of one. */
type ArrayValued = {
  [K in keyof NDArray]: NDArray[K] extends (...args: never[]) => NDArray ? K : never;
}[keyof NDArray];

/**
 * The operations behind the methods: functions of the same names, whose first argument is the array.
 * So a method is declared and documented in the class below, and nowhere else; where `lib/api` has no
 * function that fits, installing its functions is a type error.
 */
export type ArrayMethods = {
  readonly [K in Exclude<ArrayValued, "flatten">]: (
    x: NDArray,
    ...args: Parameters<NDArray[K]>
  ) => NDArray;
};

let methods: ArrayMethods;

/** Installs the operations behind the methods; called once by `lib/api`. */
export function installMethods(table: ArrayMethods): void {
  methods = table;
}

/**
 * An n-dimensional array, concrete or traced. Immutable: every method gives a new array.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[1, 2], [3, 4]]);
 * console.log(x.shape, x.dtype, x.mul(2).sum().item()); // [ 2, 2 ] float32 20
 * ```
 */
export abstract class NDArray {
  /** For the classes of arrays: users make arrays with `np.array`, `np.zeros` and the like. */
  constructor() {
    if (new.target === NDArray) {
      throw new TypeError("NDArray is a type, of which arrays are made by np.array(...)");
    }
  }

  /** Shape and dtype. */
  abstract readonly aval: ShapedArray;

  /** Length of each axis. The list is shared by arrays of that shape, and must not be written to. */
  get shape(): readonly number[] {
    // A copy makes eager operations on small arrays 5 to 25 % slower, a frozen list 2 to 3 times.
    return this.aval.shape;
  }
  /** Element type. */
  get dtype(): DType {
    return this.aval.dtype;
  }
  /** Number of axes. */
  get ndim(): number {
    return this.aval.shape.length;
  }
  /** Number of elements. */
  get size(): number {
    return sizeOf(this.aval.shape);
  }
  /** Bytes that the elements take. */
  get nbytes(): number {
    return bytesOf(this.aval);
  }
  /** The array with its axes reversed. */
  get T(): NDArray {
    return methods.transpose(this);
  }

  /** The elements, row-major, as a fresh typed array (`Uint8Array` of 0 and 1 for bool). */
  abstract data(): Promise<TypedArray>;
  /** The elements as a fresh typed array, now. An error where they are in flight or traced. */
  abstract dataSync(): TypedArray;
  /** Frees device memory held by this array; it cannot be used afterwards. */
  abstract dispose(): void;
  /** As `dispose`, for `using` declarations. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The elements as nested JavaScript arrays (a number for a scalar, booleans for bool), now. */
  toArray(): Nested {
    if (arguments.length > 0) checkCall("x.toArray()", arguments);
    const values = this.dataSync();
    const bool = this.dtype === "bool";
    const shape = this.shape;
    let at = 0;
    const build = (axis: number): Nested => {
      if (axis === shape.length) {
        const v = values[at++]!;
        return bool ? v !== 0 : v;
      }
      const out: Nested[] = [];
      for (let i = 0; i < shape[axis]!; i++) out.push(build(axis + 1));
      return out;
    };
    return build(0);
  }

  /**
   * The only element as a number (bool gives 0 or 1), now.
   *
   * @throws {ShapeError} where the array does not have exactly one element.
   */
  item(): number {
    if (arguments.length > 0) checkCall("x.item()", arguments);
    if (this.size !== 1) {
      throw new ShapeError(
        `item: the array has ${this.size} elements (shape ${
          formatShape(this.shape)
        }), not one. Reduce or index it first, or use toArray()`,
      );
    }
    return this.dataSync()[0]!;
  }

  /** Elementwise sum. */
  add(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.add(y)", arguments);
    return methods.add(this, y);
  }
  /** Elementwise difference. */
  sub(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.sub(y)", arguments);
    return methods.sub(this, y);
  }
  /** Elementwise product. */
  mul(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.mul(y)", arguments);
    return methods.mul(this, y);
  }
  /** Elementwise quotient; integers divide to float32, as in NumPy. */
  div(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.div(y)", arguments);
    return methods.div(this, y);
  }
  /** Elementwise power. */
  pow(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.pow(y)", arguments);
    return methods.pow(this, y);
  }
  /** Elementwise remainder with the sign of the divisor. */
  mod(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.mod(y)", arguments);
    return methods.mod(this, y);
  }
  /** Elementwise larger value; NaN wins. */
  maximum(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.maximum(y)", arguments);
    return methods.maximum(this, y);
  }
  /** Elementwise smaller value; NaN wins. */
  minimum(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.minimum(y)", arguments);
    return methods.minimum(this, y);
  }
  /** Elementwise `x == y`, as bool. */
  equal(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.equal(y)", arguments);
    return methods.equal(this, y);
  }
  /** Elementwise `x != y`, as bool. */
  notEqual(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.notEqual(y)", arguments);
    return methods.notEqual(this, y);
  }
  /** Elementwise `x < y`, as bool. */
  less(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.less(y)", arguments);
    return methods.less(this, y);
  }
  /** Elementwise `x <= y`, as bool. */
  lessEqual(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.lessEqual(y)", arguments);
    return methods.lessEqual(this, y);
  }
  /** Elementwise `x > y`, as bool. */
  greater(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.greater(y)", arguments);
    return methods.greater(this, y);
  }
  /** Elementwise `x >= y`, as bool. */
  greaterEqual(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.greaterEqual(y)", arguments);
    return methods.greaterEqual(this, y);
  }

  /** Elementwise negation. */
  neg(): NDArray {
    if (arguments.length > 0) checkCall("x.neg()", arguments);
    return methods.neg(this);
  }
  /** Elementwise absolute value. */
  abs(): NDArray {
    if (arguments.length > 0) checkCall("x.abs()", arguments);
    return methods.abs(this);
  }
  /** Elementwise exponential. */
  exp(): NDArray {
    if (arguments.length > 0) checkCall("x.exp()", arguments);
    return methods.exp(this);
  }
  /** Elementwise natural logarithm. */
  log(): NDArray {
    if (arguments.length > 0) checkCall("x.log()", arguments);
    return methods.log(this);
  }
  /** Elementwise square root. */
  sqrt(): NDArray {
    if (arguments.length > 0) checkCall("x.sqrt()", arguments);
    return methods.sqrt(this);
  }
  /** Elementwise hyperbolic tangent. */
  tanh(): NDArray {
    if (arguments.length > 0) checkCall("x.tanh()", arguments);
    return methods.tanh(this);
  }
  /** Elementwise sine. */
  sin(): NDArray {
    if (arguments.length > 0) checkCall("x.sin()", arguments);
    return methods.sin(this);
  }
  /** Elementwise cosine. */
  cos(): NDArray {
    if (arguments.length > 0) checkCall("x.cos()", arguments);
    return methods.cos(this);
  }
  /** Elementwise square. */
  square(): NDArray {
    if (arguments.length > 0) checkCall("x.square()", arguments);
    return methods.square(this);
  }
  /** Elements rounded to a number of decimals (0 where left out), halves to even. */
  round(decimals?: number): NDArray {
    if (arguments.length > 1) checkCall("x.round(decimals)", arguments);
    return methods.round(this, decimals);
  }
  /** Elements brought into the range from `min` to `max`; `null` stands for no bound. */
  clip(min?: Operand | null, max?: Operand | null): NDArray {
    if (arguments.length > 2) checkCall("x.clip(min, max)", arguments);
    return methods.clip(this, min, max);
  }

  /** Sum over `axis` (all axes where left out). */
  sum(axis?: AxesOr<SumOptions<Operand>>, options?: SumOptions<Operand>): NDArray {
    if (arguments.length > 2) checkCall("x.sum(axis, options)", arguments);
    return methods.sum(this, axis, options);
  }
  /** Mean over `axis`. */
  mean(axis?: AxesOr<MeanOptions<Operand>>, options?: MeanOptions<Operand>): NDArray {
    if (arguments.length > 2) checkCall("x.mean(axis, options)", arguments);
    return methods.mean(this, axis, options);
  }
  /** Largest element over `axis`; NaN wins. */
  max(axis?: AxesOr<ExtremeOptions<Operand>>, options?: ExtremeOptions<Operand>): NDArray {
    if (arguments.length > 2) checkCall("x.max(axis, options)", arguments);
    return methods.max(this, axis, options);
  }
  /** Smallest element over `axis`; NaN wins. */
  min(axis?: AxesOr<ExtremeOptions<Operand>>, options?: ExtremeOptions<Operand>): NDArray {
    if (arguments.length > 2) checkCall("x.min(axis, options)", arguments);
    return methods.min(this, axis, options);
  }
  /** Product over `axis`. */
  prod(axis?: AxesOr<SumOptions<Operand>>, options?: SumOptions<Operand>): NDArray {
    if (arguments.length > 2) checkCall("x.prod(axis, options)", arguments);
    return methods.prod(this, axis, options);
  }
  /** Whether any element over `axis` is not 0. */
  any(axis?: AxesOr<MaskedOptions<Operand>>, options?: MaskedOptions<Operand>): NDArray {
    if (arguments.length > 2) checkCall("x.any(axis, options)", arguments);
    return methods.any(this, axis, options);
  }
  /** Whether all elements over `axis` are not 0. */
  all(axis?: AxesOr<MaskedOptions<Operand>>, options?: MaskedOptions<Operand>): NDArray {
    if (arguments.length > 2) checkCall("x.all(axis, options)", arguments);
    return methods.all(this, axis, options);
  }
  /** Variance over `axis`, divided by the number of elements less `ddof`. */
  var(axis?: AxesOr<VarianceOptions<Operand>>, options?: VarianceOptions<Operand>): NDArray {
    if (arguments.length > 2) checkCall("x.var(axis, options)", arguments);
    return methods.var(this, axis, options);
  }
  /** Standard deviation over `axis`, the root of the variance. */
  std(axis?: AxesOr<VarianceOptions<Operand>>, options?: VarianceOptions<Operand>): NDArray {
    if (arguments.length > 2) checkCall("x.std(axis, options)", arguments);
    return methods.std(this, axis, options);
  }
  /** Index of the first largest element along `axis` (of the flat array where left out). */
  argmax(axis?: AxisOr<ReduceOptions>, options?: ReduceOptions): NDArray {
    if (arguments.length > 2) checkCall("x.argmax(axis, options)", arguments);
    return methods.argmax(this, axis, options);
  }
  /** Index of the first smallest element along `axis`. */
  argmin(axis?: AxisOr<ReduceOptions>, options?: ReduceOptions): NDArray {
    if (arguments.length > 2) checkCall("x.argmin(axis, options)", arguments);
    return methods.argmin(this, axis, options);
  }
  /** Running sums along `axis` (of the flat array where left out). */
  cumsum(axis?: AxisOr<CumulativeOptions>, options?: CumulativeOptions): NDArray {
    if (arguments.length > 2) checkCall("x.cumsum(axis, options)", arguments);
    return methods.cumsum(this, axis, options);
  }
  /** Running products along `axis` (of the flat array where left out). */
  cumprod(axis?: AxisOr<CumulativeOptions>, options?: CumulativeOptions): NDArray {
    if (arguments.length > 2) checkCall("x.cumprod(axis, options)", arguments);
    return methods.cumprod(this, axis, options);
  }
  /** Elements in ascending order along `axis`, the last one where left out; a new array. */
  sort(axis?: AxisOr<SortOptions>, options?: SortOptions): NDArray {
    if (arguments.length > 2) checkCall("x.sort(axis, options)", arguments);
    return methods.sort(this, axis, options);
  }
  /** Positions of the elements in ascending order along `axis`. */
  argsort(axis?: AxisOr<SortOptions>, options?: SortOptions): NDArray {
    if (arguments.length > 2) checkCall("x.argsort(axis, options)", arguments);
    return methods.argsort(this, axis, options);
  }

  /** Matrix product, with NumPy's rules for vectors and leading axes. */
  matmul(y: NDArray): NDArray {
    if (arguments.length > 1) checkCall("x.matmul(y)", arguments);
    return methods.matmul(this, y);
  }
  /** Product over the last axis of this array and the last but one of `y`. */
  dot(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.dot(y)", arguments);
    return methods.dot(this, y);
  }
  /** The same elements in another shape; one length may be -1. */
  reshape(shape: readonly number[]): NDArray {
    if (arguments.length > 1) checkCall("x.reshape(shape)", arguments);
    return methods.reshape(this, shape);
  }
  /** The same elements along one axis. */
  ravel(): NDArray {
    if (arguments.length > 0) checkCall("x.ravel()", arguments);
    return methods.ravel(this);
  }
  /** The same elements along one axis: as `ravel`. */
  flatten(): NDArray {
    if (arguments.length > 0) checkCall("x.flatten()", arguments);
    return methods.ravel(this);
  }
  /** Without the axes of length 1, or without those given. */
  squeeze(axis?: Axes): NDArray {
    if (arguments.length > 1) checkCall("x.squeeze(axis)", arguments);
    return methods.squeeze(this, axis);
  }
  /** Axes permuted; reversed where `axes` is left out. */
  transpose(axes?: readonly number[]): NDArray {
    if (arguments.length > 1) checkCall("x.transpose(axes)", arguments);
    return methods.transpose(this, axes);
  }
  /** Two axes in each other's place. */
  swapaxes(axis1: number, axis2: number): NDArray {
    if (arguments.length > 2) checkCall("x.swapaxes(axis1, axis2)", arguments);
    return methods.swapaxes(this, axis1, axis2);
  }
  /** Elements `repeats` times along `axis` (of the flat array where left out). */
  repeat(repeats: number | readonly number[], axis?: number | null): NDArray {
    if (arguments.length > 2) checkCall("x.repeat(repeats, axis)", arguments);
    return methods.repeat(this, repeats, axis);
  }
  /** Elements converted to `dtype`. */
  astype(dtype: DType): NDArray {
    if (arguments.length > 1) checkCall("x.astype(dtype)", arguments);
    return methods.astype(this, dtype);
  }
  /** The part from `starts` up to `stops` along the leading axes; negative numbers count from the end. */
  slice(
    starts: readonly number[],
    stops: readonly number[],
    strides?: readonly number[],
  ): NDArray {
    if (arguments.length > 3) checkCall("x.slice(starts, stops, strides)", arguments);
    return methods.slice(this, starts, stops, strides);
  }
  /** What is at some indices, one for each axis, as `x[...]` in NumPy; computed ones are clamped into range. */
  at(...indices: IndexOf<NDArray>[]): NDArray {
    return methods.at(this, ...indices);
  }
  /** As `at`, with options that say what is read out of range. */
  get(...indices: (IndexOf<NDArray> | GetOptions)[]): NDArray {
    return methods.get(this, ...indices);
  }
  /** The elements or sub-arrays at `indices` along `axis` (of the flat array where left out). */
  take(indices: Operand, axis?: AxisOr<TakeOptions>, options?: TakeOptions): NDArray {
    if (arguments.length > 3) checkCall("x.take(indices, axis, options)", arguments);
    return methods.take(this, indices, axis, options);
  }
  /** A diagonal of each matrix. */
  diagonal(offset?: number | DiagonalOptions, options?: DiagonalOptions): NDArray {
    if (arguments.length > 2) checkCall("x.diagonal(offset, options)", arguments);
    return methods.diagonal(this, offset, options);
  }

  /** `Array(float32[2], [1,2])`: the type, and of concrete arrays the values. */
  abstract toString(): string;
  /** Nested arrays, for `JSON.stringify`. */
  toJSON(): Nested {
    return this.toArray();
  }
  /** Numbers from concrete scalars; an error that names the method to use for everything else. */
  [Symbol.toPrimitive](hint: string): number | string {
    if (hint === "string") return this.toString();
    if (this.ndim !== 0) {
      throw new ShapeError(
        `an array of shape ${
          formatShape(this.shape)
        } is not a number: JavaScript's operators do not work on arrays. ` +
          "Use methods, x.add(y) for x + y and x.less(y) for x < y, or item() on a scalar",
      );
    }
    return this.item();
  }
  /** The sub-arrays along the first axis. */
  *[Symbol.iterator](): Generator<NDArray> {
    if (this.ndim === 0) {
      refuseByHand(
        new ShapeError(
          "a scalar array cannot be iterated over, spread or taken apart: x.item() is its number",
        ),
      );
      return;
    }
    for (let i = 0; i < this.shape[0]!; i++) yield this.at(i);
  }
}

showAsText(NDArray);
refuseSubscripts(NDArray.prototype);

/**
 * Arrays: the type that users hold.
 *
 * `NDArray` is the common face of concrete arrays and of the tracers that stand in for them while a
 * transform watches a function. Its methods reach the operations through a table that `lib/api`
 * fills, so that this layer knows no operation. Concrete arrays are in `concrete.ts`.
 *
 * @module
 */
import { type ShapedArray, sizeOf } from "./aval.ts";
import type { DType, TypedArray } from "./dtype.ts";
import { formatShape, ShapeError } from "./errors.ts";
import { checkCall } from "./signature.ts";

/** What arithmetic accepts: an array, or a JavaScript number or boolean (weakly typed). */
export type Operand = NDArray | number | boolean;

/** Nested JavaScript arrays of numbers or booleans, as `toArray` gives them. */
export type Nested = number | boolean | Nested[];

/** The axes of a reduction: one, several, or all (`null` or left out). */
export type Axes = number | readonly number[] | null;

/** Options of the methods that reduce. */
interface KeepOptions {
  /** Whether reduced axes stay, with length 1. */
  readonly keepDims?: boolean | undefined;
}

/** The operations behind the methods of `NDArray`; `lib/api` installs them. */
export interface ArrayMethods {
  /** Elementwise, one operand. */
  unary(op: UnaryMethod, x: NDArray): NDArray;
  /** Elementwise, two operands, broadcasting. */
  binary(op: BinaryMethod, x: NDArray, y: Operand): NDArray;
  /** Reductions over axes. */
  reduce(
    op: ReduceMethod,
    x: NDArray,
    axis: Axes | undefined,
    options: KeepOptions | undefined,
  ): NDArray;
  /** Position of the extreme element. */
  arg(op: "argmax" | "argmin", x: NDArray, axis: number | undefined): NDArray;
  /** Matrix product. */
  matmul(x: NDArray, y: NDArray): NDArray;
  /** Reshape; one length may be -1. */
  reshape(x: NDArray, shape: readonly number[]): NDArray;
  /** Permutation of axes. */
  transpose(x: NDArray, axes: readonly number[] | undefined): NDArray;
  /** Conversion of the element type. */
  astype(x: NDArray, dtype: DType): NDArray;
  /** NumPy-style slice along leading axes. */
  slice(x: NDArray, starts: readonly number[], stops: readonly number[]): NDArray;
  /** Elements along the first axis. */
  at(x: NDArray, index: Operand): NDArray;
}

/** Names of the elementwise methods of one operand. */
export type UnaryMethod =
  | "neg"
  | "abs"
  | "exp"
  | "log"
  | "sqrt"
  | "tanh"
  | "sin"
  | "cos"
  | "square";
/** Names of the elementwise methods of two operands. */
export type BinaryMethod =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "pow"
  | "mod"
  | "maximum"
  | "minimum"
  | "equal"
  | "notEqual"
  | "less"
  | "lessEqual"
  | "greater"
  | "greaterEqual";
/** Names of the reductions. */
export type ReduceMethod = "sum" | "mean" | "max" | "min" | "prod" | "any" | "all";

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

  /** Length of each axis. */
  get shape(): readonly number[] {
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
  /** The array with its axes reversed. */
  get T(): NDArray {
    return methods.transpose(this, undefined);
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
    return methods.binary("add", this, y);
  }
  /** Elementwise difference. */
  sub(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.sub(y)", arguments);
    return methods.binary("sub", this, y);
  }
  /** Elementwise product. */
  mul(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.mul(y)", arguments);
    return methods.binary("mul", this, y);
  }
  /** Elementwise quotient; integers divide to float32, as in NumPy. */
  div(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.div(y)", arguments);
    return methods.binary("div", this, y);
  }
  /** Elementwise power. */
  pow(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.pow(y)", arguments);
    return methods.binary("pow", this, y);
  }
  /** Elementwise remainder with the sign of the divisor. */
  mod(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.mod(y)", arguments);
    return methods.binary("mod", this, y);
  }
  /** Elementwise larger value; NaN wins. */
  maximum(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.maximum(y)", arguments);
    return methods.binary("maximum", this, y);
  }
  /** Elementwise smaller value; NaN wins. */
  minimum(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.minimum(y)", arguments);
    return methods.binary("minimum", this, y);
  }
  /** Elementwise `x == y`, as bool. */
  equal(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.equal(y)", arguments);
    return methods.binary("equal", this, y);
  }
  /** Elementwise `x != y`, as bool. */
  notEqual(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.notEqual(y)", arguments);
    return methods.binary("notEqual", this, y);
  }
  /** Elementwise `x < y`, as bool. */
  less(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.less(y)", arguments);
    return methods.binary("less", this, y);
  }
  /** Elementwise `x <= y`, as bool. */
  lessEqual(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.lessEqual(y)", arguments);
    return methods.binary("lessEqual", this, y);
  }
  /** Elementwise `x > y`, as bool. */
  greater(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.greater(y)", arguments);
    return methods.binary("greater", this, y);
  }
  /** Elementwise `x >= y`, as bool. */
  greaterEqual(y: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.greaterEqual(y)", arguments);
    return methods.binary("greaterEqual", this, y);
  }

  /** Elementwise negation. */
  neg(): NDArray {
    if (arguments.length > 0) checkCall("x.neg()", arguments);
    return methods.unary("neg", this);
  }
  /** Elementwise absolute value. */
  abs(): NDArray {
    if (arguments.length > 0) checkCall("x.abs()", arguments);
    return methods.unary("abs", this);
  }
  /** Elementwise exponential. */
  exp(): NDArray {
    if (arguments.length > 0) checkCall("x.exp()", arguments);
    return methods.unary("exp", this);
  }
  /** Elementwise natural logarithm. */
  log(): NDArray {
    if (arguments.length > 0) checkCall("x.log()", arguments);
    return methods.unary("log", this);
  }
  /** Elementwise square root. */
  sqrt(): NDArray {
    if (arguments.length > 0) checkCall("x.sqrt()", arguments);
    return methods.unary("sqrt", this);
  }
  /** Elementwise hyperbolic tangent. */
  tanh(): NDArray {
    if (arguments.length > 0) checkCall("x.tanh()", arguments);
    return methods.unary("tanh", this);
  }
  /** Elementwise sine. */
  sin(): NDArray {
    if (arguments.length > 0) checkCall("x.sin()", arguments);
    return methods.unary("sin", this);
  }
  /** Elementwise cosine. */
  cos(): NDArray {
    if (arguments.length > 0) checkCall("x.cos()", arguments);
    return methods.unary("cos", this);
  }
  /** Elementwise square. */
  square(): NDArray {
    if (arguments.length > 0) checkCall("x.square()", arguments);
    return methods.unary("square", this);
  }

  /** Sum over `axis` (all axes where left out). */
  sum(axis?: Axes, options?: KeepOptions): NDArray {
    if (arguments.length > 2) checkCall("x.sum(axis, options)", arguments);
    return methods.reduce("sum", this, axis, options);
  }
  /** Mean over `axis`. */
  mean(axis?: Axes, options?: KeepOptions): NDArray {
    if (arguments.length > 2) checkCall("x.mean(axis, options)", arguments);
    return methods.reduce("mean", this, axis, options);
  }
  /** Largest element over `axis`; NaN wins. */
  max(axis?: Axes, options?: KeepOptions): NDArray {
    if (arguments.length > 2) checkCall("x.max(axis, options)", arguments);
    return methods.reduce("max", this, axis, options);
  }
  /** Smallest element over `axis`; NaN wins. */
  min(axis?: Axes, options?: KeepOptions): NDArray {
    if (arguments.length > 2) checkCall("x.min(axis, options)", arguments);
    return methods.reduce("min", this, axis, options);
  }
  /** Product over `axis`. */
  prod(axis?: Axes, options?: KeepOptions): NDArray {
    if (arguments.length > 2) checkCall("x.prod(axis, options)", arguments);
    return methods.reduce("prod", this, axis, options);
  }
  /** Whether any element over `axis` is not 0. */
  any(axis?: Axes, options?: KeepOptions): NDArray {
    if (arguments.length > 2) checkCall("x.any(axis, options)", arguments);
    return methods.reduce("any", this, axis, options);
  }
  /** Whether all elements over `axis` are not 0. */
  all(axis?: Axes, options?: KeepOptions): NDArray {
    if (arguments.length > 2) checkCall("x.all(axis, options)", arguments);
    return methods.reduce("all", this, axis, options);
  }
  /** Index of the first largest element along `axis` (of the flat array where left out). */
  argmax(axis?: number): NDArray {
    if (arguments.length > 1) checkCall("x.argmax(axis)", arguments);
    return methods.arg("argmax", this, axis);
  }
  /** Index of the first smallest element along `axis`. */
  argmin(axis?: number): NDArray {
    if (arguments.length > 1) checkCall("x.argmin(axis)", arguments);
    return methods.arg("argmin", this, axis);
  }

  /** Matrix product, with NumPy's rules for vectors and leading axes. */
  matmul(y: NDArray): NDArray {
    if (arguments.length > 1) checkCall("x.matmul(y)", arguments);
    return methods.matmul(this, y);
  }
  /** The same elements in another shape; one length may be -1. */
  reshape(shape: readonly number[]): NDArray {
    if (arguments.length > 1) checkCall("x.reshape(shape)", arguments);
    return methods.reshape(this, shape);
  }
  /** The same elements along one axis. */
  ravel(): NDArray {
    if (arguments.length > 0) checkCall("x.ravel()", arguments);
    return methods.reshape(this, [-1]);
  }
  /** Axes permuted; reversed where `axes` is left out. */
  transpose(axes?: readonly number[]): NDArray {
    if (arguments.length > 1) checkCall("x.transpose(axes)", arguments);
    return methods.transpose(this, axes);
  }
  /** Elements converted to `dtype`. */
  astype(dtype: DType): NDArray {
    if (arguments.length > 1) checkCall("x.astype(dtype)", arguments);
    return methods.astype(this, dtype);
  }
  /** The part from `starts` up to `stops` along the leading axes; negative numbers count from the end. */
  slice(starts: readonly number[], stops: readonly number[]): NDArray {
    if (arguments.length > 2) checkCall("x.slice(starts, stops)", arguments);
    return methods.slice(this, starts, stops);
  }
  /** The element or sub-array at `index` of the first axis; a traced index is clamped into range. */
  at(index: Operand): NDArray {
    if (arguments.length > 1) checkCall("x.at(index)", arguments);
    return methods.at(this, index);
  }

  /** `Array(float32[2,3])`, with the values of small concrete arrays. */
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
    if (this.ndim === 0) throw new ShapeError("a scalar array cannot be iterated over");
    for (let i = 0; i < this.shape[0]!; i++) yield this.at(i);
  }
}

/** Refuses what is written as of a JavaScript array, and would be undefined or without effect here. */
function refuseAccess(key: string, message: string): void {
  const refuse = (): never => {
    throw new TypeError(message);
  };
  Object.defineProperty(NDArray.prototype, key, { get: refuse, set: refuse });
}

refuseAccess(
  "length",
  "x.length: an array has a shape. Use x.shape[0] for the length of its first axis, or x.size",
);
// The indices that programs have as constants; one cannot define them all.
for (let i = 0; i < 16; i++) {
  refuseAccess(
    String(i),
    `x[${i}]: arrays have no elements as properties. Use x.at(${i}) to read, and ` +
      `np.setAt(x, ${i}, value) for a changed copy`,
  );
}

// Deno and Node print arrays by these. (A computed symbol cannot be declared inside the class.)
for (const name of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
  Object.defineProperty(NDArray.prototype, Symbol.for(name), {
    value(this: NDArray): string {
      return this.toString();
    },
  });
}

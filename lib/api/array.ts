/**
 * Nested JavaScript data read into arrays: `np.array` and `np.asarray`.
 *
 * Owns the reading of data and its errors; what is made of constants is in `creation.ts`.
 *
 * @module
 */
import {
  allocate,
  ConcreteArray,
  convertElement,
  defaultFloat,
  describeValue,
  detached,
  type DType,
  DTypeError,
  dtypeOf,
  expectInteger,
  formatShape,
  isDetached,
  isInteger,
  isTypedArray,
  NDArray,
  type OptionTable,
  promoteDTypes,
  promoteScalar,
  readOptions,
  sameShape,
  scalarArray,
  shaped,
  ShapeError,
  sizeOf,
  type TypedArray,
} from "../core/mod.ts";
import { concatenate, convert, reshape } from "../primitives/mod.ts";
import type { DTypeOptions } from "./arguments.ts";
import { badOperand, dtypeOption, storable } from "./operands.ts";
import { dtypeOptions } from "./options.ts";

/** Typed arrays with elements of a kind that arrays do not have; they are read as another. */
export type SmallTypedArray =
  | Int8Array
  | Int16Array
  | Uint16Array
  | Uint8ClampedArray;

/** What `np.array` reads: arrays, numbers, booleans, typed arrays, and JavaScript arrays of these. */
export type ArrayData =
  | NDArray
  | number
  | boolean
  | TypedArray
  | SmallTypedArray
  | readonly ArrayData[];

/** Deeper nesting is taken for an array that contains itself. */
const DEEPEST = 64;

/** A typed array in a storage class that arrays have, or null for anything else. */
function normalized(
  data: unknown,
  path: string,
  dtype: DType | null | undefined,
): TypedArray | null {
  if (!ArrayBuffer.isView(data)) return null;
  if (isDetached(data)) throw detached("array", path, data);
  if (data instanceof Uint8Array) {
    // Bytes are the storage of bool, but also what files and images are read into.
    if (dtype !== undefined && dtype !== "bool") return Int32Array.from(data);
    const at = dtype === "bool" ? -1 : data.findIndex((v) => v > 1);
    if (at < 0) return dtype === "bool" ? data.map((v) => v === 0 ? 0 : 1) : data;
    throw new DTypeError(
      `array: ${path} is a Uint8Array, which holds the 0 and 1 of bool, but element ${at} is ${
        data[at]
      }. Say what it means: np.array(bytes, { dtype: "float32" })`,
    );
  }
  if (isTypedArray(data)) return data;
  if (
    data instanceof Int8Array || data instanceof Int16Array || data instanceof Uint16Array ||
    data instanceof Uint8ClampedArray
  ) return Int32Array.from(data);
  if (Object.prototype.toString.call(data) === "[object Float16Array]") {
    // Its type is not in all versions of the language.
    return Float32Array.from(data as unknown as Iterable<number>);
  }
  throw new TypeError(
    `array: ${path} is ${describeValue(data)}, whose elements no dtype holds. ` +
      "Convert it to a Float64Array or Int32Array first",
  );
}

/** Reads nested data: its shape, its elements, and what decides the dtype. */
class Reader {
  readonly #dtype: DType | null | undefined;
  /** Length of each axis. */
  shape: number[] = [];
  /** Numbers in row-major order; NaN stands where an array of `arrays` goes. */
  values: Float64Array = new Float64Array(0);
  /** Arrays among the data, and where their elements start. */
  readonly arrays: { readonly start: number; readonly array: NDArray }[] = [];
  #next = 0;
  /** Where reading is. */
  readonly #path: number[] = [];
  /** Dtype of the arrays and typed arrays among the data. */
  #typed: DType | null = null;
  #numbers = false;
  #whole = true;
  #booleans = false;

  constructor(data: unknown, dtype: DType | null | undefined) {
    this.#dtype = dtype;
    this.shape = this.#shapeOf(data);
    this.values = new Float64Array(sizeOf(this.shape));
    this.#read(data, 0);
  }

  /** The shape as the first elements have it; all others are checked against it. */
  #shapeOf(data: unknown): number[] {
    const shape: number[] = [];
    let level: unknown = data;
    while (Array.isArray(level)) {
      if (shape.length === DEEPEST) {
        throw new ShapeError(
          `array: the data are nested more than ${DEEPEST} deep. Does an array contain itself?`,
        );
      }
      shape.push(level.length);
      level = level[0];
    }
    if (level instanceof NDArray) shape.push(...level.shape);
    else if (ArrayBuffer.isView(level) && "length" in level) shape.push(level.length as number);
    return shape;
  }

  #read(data: unknown, depth: number): void {
    if (Array.isArray(data)) {
      const rest = this.shape.length - depth;
      if (rest === 0 || data.length !== this.shape[depth]) throw this.#ragged(data);
      if (rest === 1 && this.#readFlat(data)) return;
      for (let i = 0; i < data.length; i++) {
        this.#path[depth] = i;
        this.#read(data[i], depth + 1);
      }
      this.#path.length = depth;
    } else if (typeof data === "number" || typeof data === "boolean") {
      if (depth !== this.shape.length) throw this.#ragged(data);
      this.#readFlat([data]);
    } else if (data instanceof NDArray) {
      if (!sameShape(data.shape, this.shape.slice(depth))) throw this.#ragged(data);
      this.arrays.push({ start: this.#next, array: data });
      this.values.fill(NaN, this.#next, this.#next += data.size);
      this.#meet(data.dtype);
    } else {
      const typed = normalized(data, formatPath(this.#path), this.#dtype);
      if (typed === null) throw badOperand("array", formatPath(this.#path), data);
      if (!sameShape([typed.length], this.shape.slice(depth))) throw this.#ragged(data);
      this.values.set(typed, this.#next);
      this.#next += typed.length;
      this.#meet(data instanceof Uint8Array ? "bool" : dtypeOf(typed));
    }
  }

  #meet(dtype: DType): void {
    this.#typed = this.#typed === null ? dtype : promoteDTypes(this.#typed, dtype);
  }

  /** Reads a list of numbers and booleans; false where there is something else in it. */
  #readFlat(data: readonly unknown[]): boolean {
    const start = this.#next;
    for (let i = 0; i < data.length; i++) {
      const x = data[i];
      if (typeof x === "number") {
        this.#numbers = true;
        if (this.#whole && !Number.isInteger(x)) this.#whole = false;
        this.values[this.#next++] = x;
      } else if (typeof x === "boolean") {
        this.#booleans = true;
        this.values[this.#next++] = x ? 1 : 0;
      } else {
        this.#next = start;
        return false;
      }
    }
    return true;
  }

  /** The error that compares an element with the first one at its level. */
  #ragged(data: unknown): ShapeError {
    const path = this.#path;
    const expected = this.shape.slice(path.length);
    const own = data instanceof NDArray
      ? `an array of shape ${formatShape(data.shape)}`
      : Array.isArray(data) || ArrayBuffer.isView(data)
      ? `of length ${(data as TypedArray).length}`
      : "a number";
    const first = data instanceof NDArray
      ? `of shape ${formatShape(expected)}`
      : expected.length === 0
      ? "a number"
      : `of length ${expected[0]}`;
    return new ShapeError(
      `array: the data are ragged: ${formatPath(path)} is ${own}, but ${
        formatPath(path.map(() => 0))
      } is ${first}. What is on one level must have one length`,
    );
  }

  /** The dtype of the result where none is asked for. */
  get dtype(): DType {
    if (this.#typed === null) {
      return this.#booleans && !this.#numbers ? "bool" : defaultFloat;
    }
    return this.#numbers ? promoteScalar(this.#typed, this.#whole ? 1 : 0.5) : this.#typed;
  }
}

function formatPath(path: readonly number[]): string {
  return `data${path.map((i) => `[${i}]`).join("")}`;
}

/** Numbers stored as `dtype`; those that an integer type cannot hold are an error. */
function store(values: Float64Array, dtype: DType, shape: readonly number[]): TypedArray {
  const out = allocate(dtype, values.length);
  if (isInteger(dtype)) {
    for (let i = 0; i < values.length; i++) {
      const value = Math.trunc(values[i]!);
      out[i] = value;
      if (out[i] !== value) storable("array", elementPath(i, shape), values[i]!, dtype);
    }
  } else if (dtype === "bool") {
    for (let i = 0; i < values.length; i++) out[i] = values[i] !== 0 ? 1 : 0;
  } else out.set(values);
  return out;
}

function elementPath(flat: number, shape: readonly number[]): string {
  const path: number[] = [];
  for (let k = shape.length - 1; k >= 0; k--) {
    path.unshift(flat % shape[k]!);
    flat = Math.floor(flat / shape[k]!);
  }
  return formatPath(path);
}

/** Joins arrays and the numbers between them: one concatenation of flat pieces. */
function assemble(reader: Reader, dtype: DType): NDArray {
  const pieces: NDArray[] = [];
  let at = 0;
  const numbersUpTo = (end: number): void => {
    if (end === at) return;
    const shape = [end - at];
    const values = store(reader.values.slice(at, end), dtype, shape);
    pieces.push(ConcreteArray.fromHost(shaped(shape, dtype), values));
    at = end;
  };
  for (const { start, array } of reader.arrays) {
    numbersUpTo(start);
    if (array.size > 0) pieces.push(convert(reshape(array, [array.size]), dtype));
    at = start + array.size;
  }
  numbersUpTo(reader.values.length);
  if (pieces.length === 0) return ConcreteArray.fromHost(shaped([0], dtype), allocate(dtype, 0));
  return concatenate(pieces, 0);
}

/** Options of {@linkcode array}. */
export interface ArrayOptions extends DTypeOptions {
  /** How many axes the array has at least; those of length 1 are put in front. */
  readonly ndmin?: number | undefined;
}

const arrayOptions: OptionTable<ArrayOptions> = { dtype: "dtype", ndmin: "number" };

/**
 * An array of nested data, as `jax.numpy.array`. Numbers become float32 and booleans bool; typed
 * arrays and arrays keep their dtype, with which numbers beside them are weakly typed. Traced arrays
 * among the data are stacked.
 *
 * @param data Numbers, booleans, typed arrays, arrays, and JavaScript arrays of these, all of one
 * length on each level.
 * @throws {ShapeError} where the data are ragged, with the path of the first element that differs.
 * @throws {TypeError} where something is not a number, with its path.
 * @throws {RangeError} where an integer dtype does not hold a number.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.array([[1, 2], [3, 4]]).shape); // [ 2, 2 ]
 * console.log(np.array([true, false]).dtype); // bool
 * console.log(np.array([1, 2], { dtype: "int32" }).dtype); // int32
 * console.log(np.array(new Float64Array(3)).dtype); // float64
 * ```
 */
export function array(data: ArrayData, options: ArrayOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("array(data, options)", arguments, arrayOptions);
  const { ndmin } = options;
  if (ndmin === undefined) return arrayOf(data, options);
  expectInteger("array", ndmin, "ndmin", 0, DEEPEST);
  const made = arrayOf(data, options);
  const missing = Math.max(0, ndmin - made.ndim);
  return reshape(made, [...new Array<number>(missing).fill(1), ...made.shape]);
}

function arrayOf(data: ArrayData, options: DTypeOptions): NDArray {
  const wanted = dtypeOption("array", options, defaultFloat);
  const dtype = options.dtype === undefined ? undefined : wanted;
  if (data instanceof NDArray) return convert(data, dtype ?? data.dtype);
  if (typeof data === "number") {
    const to = dtype ?? defaultFloat;
    return scalarArray(storable("array", "the number", data, to), to);
  }
  if (typeof data === "boolean") return scalarArray(data ? 1 : 0, dtype ?? "bool");
  if (ArrayBuffer.isView(data)) return fromTyped(data, dtype);
  const reader = new Reader(data, dtype);
  const to = dtype ?? reader.dtype;
  if (reader.arrays.length > 0) return reshape(assemble(reader, to), reader.shape);
  return ConcreteArray.fromHost(
    shaped(reader.shape, to),
    store(reader.values, to, reader.shape),
  );
}

/** A copy of a typed array, converted where another dtype is asked for. */
function fromTyped(data: ArrayBufferView, dtype: DType | null | undefined): NDArray {
  const values = normalized(data, "data", dtype)!;
  const from = dtypeOf(values);
  const to = dtype ?? from;
  const aval = shaped([values.length], to);
  if (to === from) return ConcreteArray.fromHost(aval, values.slice());
  const out = allocate(to, values.length);
  // To floats, what JavaScript does is the conversion, and is ten times faster.
  if (out instanceof Float32Array || out instanceof Float64Array) out.set(values);
  else for (let i = 0; i < values.length; i++) out[i] = convertElement(values[i]!, from, to);
  return ConcreteArray.fromHost(aval, out);
}

/** As {@linkcode array}, and as `jax.numpy.asarray`: an array is given back as it is. */
export function asarray(data: ArrayData, options: DTypeOptions = {}): NDArray {
  if (arguments.length > 1) {
    options = readOptions("asarray(data, options)", arguments, dtypeOptions);
  }
  return array(data, options);
}

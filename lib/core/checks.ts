/**
 * Checks that functions, operations and solvers share, with the errors that users see: of shapes, dtypes
 * and whole numbers.
 *
 * @module
 */
import { NDArray } from "./array.ts";
import {
  defaultFloat,
  type DType,
  dtypes,
  formatAval,
  isDType,
  isFloat,
  type ShapedArray,
} from "./dtype.ts";
import { describeValue, DTypeError, formatLengths, ShapeError } from "./errors.ts";

// ---------------------------------------------------------------- what users give

/**
 * A copy of a shape that a user gave: the list may change while arrays are about that have the shape.
 *
 * @throws {ShapeError} where a length is not a non-negative integer.
 */
export function checkShape(op: string, shape: unknown, hint = ""): readonly number[] {
  const copy: unknown[] | null = Array.isArray(shape) ? [...shape] : null;
  if (copy === null || !copy.every((n) => Number.isInteger(n) && (n as number) >= 0)) {
    throw new ShapeError(
      `${op}: a shape is an array of non-negative integers, not ${
        copy === null ? describeValue(shape) : formatLengths(copy)
      }${hint || (copy?.some((n) => n instanceof NDArray) ? lengthAdvice : "")}`,
    );
  }
  return copy as number[];
}

const lengthAdvice = ". Write x.item() of it, or list it in staticArgnums of jit";

/** What to do about an array that is not of integers. */
export const integerAdvice = 'Convert it with astype("int32"): jit makes numbers float32';

/**
 * Gives `x` if it is an integer in a range.
 *
 * @throws {RangeError} saying what it is instead.
 */
export function expectInteger(
  op: string,
  x: unknown,
  what: string,
  min: number = -Infinity,
  max: number = Infinity,
): number {
  if (typeof x === "number" && Number.isInteger(x) && x >= min && x <= max) return x;
  const least = min === -Infinity ? "" : `, ${min} or more`;
  const range = max === Infinity ? least : ` from ${min} to ${max}`;
  const message = `${op}: ${what} must be an integer${range}, not ${
    x instanceof NDArray ? `the array ${String(x)}` : describeValue(x)
  }`;
  throw typeof x === "number" ? new RangeError(message) : new TypeError(message);
}

/**
 * Checks a number of steps, directions and the like.
 *
 * @throws {RangeError} where it is not an integer from 0 to 2^31 - 1.
 */
export function checkCount(op: string, name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  throw new RangeError(
    `${op}: ${name} must be a non-negative integer below 2^31, not ${describeValue(value)}`,
  );
}

/**
 * Gives `dtype`, or `otherwise` where it is left out.
 *
 * @throws {DTypeError} that lists the dtypes, and says which one to write.
 */
export function expectDType(op: string, dtype: unknown, otherwise: DType): DType {
  if (dtype === undefined) return otherwise;
  if (isDType(dtype)) return dtype;
  const meant = meantDType(dtype);
  throw new DTypeError(
    `${op}: ${describeValue(dtype)} is not a dtype; the dtypes are ${
      dtypes.map((d) => JSON.stringify(d)).join(", ")
    }${meant ?? ""}`,
  );
}

/** What to write in the place of another library's name, a class of typed arrays, or options. */
function meantDType(given: unknown): string | null {
  const inside = (given as { dtype?: unknown } | null)?.dtype;
  if (isDType(inside)) return `. Write ${JSON.stringify(inside)} itself`;
  const named = typeof given === "function" ? given.name : given;
  if (typeof named !== "string") return null;
  const meant = families.find(([kind]) => kind.test(named));
  return meant === undefined ? null : `. Write ${JSON.stringify(meant[1])}`;
}

/** What dtypes are called in NumPy, JAX, PyTorch and JavaScript, and what there is of each kind. */
const families: readonly (readonly [names: RegExp, dtype: DType])[] = [
  [/^(float64|double|f64|f8)/i, "float64"],
  [/^(b?float|half|single|f\d)/i, "float32"],
  [/^(uint|unsigned|u\d)/i, "uint32"],
  [/^(int|bigint|long|short|i\d)/i, "int32"],
  [/^(bool|b1)/i, "bool"],
];

/**
 * Gives the dtype of random or other float results.
 *
 * @throws {DTypeError} where it is not a float type.
 */
export function expectFloat(op: string, dtype: unknown, otherwise: DType = defaultFloat): DType {
  const d = expectDType(op, dtype, otherwise);
  if (isFloat(d)) return d;
  throw new DTypeError(`${op}: the dtype must be float32 or float64, not ${d}`);
}

// ---------------------------------------------------------------- what operations have

/** The dtypes that numbers are calculated with. */
export const numeric: readonly DType[] = ["float32", "float64", "int32", "uint32"];

/** The floating-point dtypes. */
export const floating: readonly DType[] = ["float32", "float64"];

/** Refuses dtypes that an operation does not have, saying what to do. */
export function checkDType(
  op: string,
  what: string,
  aval: ShapedArray,
  allowed: readonly DType[],
): void {
  if (allowed.includes(aval.dtype)) return;
  const fit = allowed.includes(defaultFloat) ? defaultFloat : allowed[0];
  throw new DTypeError(
    `${op}: ${what} is ${formatAval(aval)}, but only ${
      allowed.join(", ")
    } arrays have this operation. Convert it with astype("${fit}") first`,
  );
}

/** Refuses operands of different dtypes. */
export function checkSameDType(op: string, x: ShapedArray, y: ShapedArray, names: string): void {
  if (x.dtype !== y.dtype) {
    throw new DTypeError(
      `${op}: ${names} have different dtypes, ${formatAval(x)} and ${
        formatAval(y)
      }. Convert one with astype`,
    );
  }
}

/**
 * Checks of dtypes that operations share, with the errors that users see.
 *
 * @module
 */
import { formatAval, type ShapedArray } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import { DTypeError } from "../core/errors.ts";

/** Refuses dtypes that an operation does not have, saying what to do. */
export function checkDType(
  op: string,
  what: string,
  aval: ShapedArray,
  allowed: readonly DType[],
  fix = "Convert it with astype first",
): void {
  if (!allowed.includes(aval.dtype)) {
    throw new DTypeError(
      `${op}: ${what} is ${formatAval(aval)}, but only ${
        allowed.join(", ")
      } arrays have this operation. ${fix}`,
    );
  }
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

/** The dtypes that numbers are calculated with. */
export const numeric: readonly DType[] = ["float32", "float64", "int32", "uint32"];

/** The floating-point dtypes. */
export const floating: readonly DType[] = ["float32", "float64"];

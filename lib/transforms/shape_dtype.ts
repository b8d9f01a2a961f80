/**
 * Arrays of which only shape and dtype are said.
 *
 * @module
 */
import {
  checkCall,
  checkShape,
  defaultFloat,
  type DType,
  expectDType,
  formatAval,
  Shown,
} from "../core/mod.ts";

/**
 * Shape and dtype of an array that need not exist. Stands for an argument in `evalShape`,
 * `makeJaxpr` and `exportOnnx`, and is what `evalShape` gives.
 *
 * For `exportOnnx` alone, lengths may be names, which the file leaves open: the same name, the same
 * length.
 *
 * @example
 * ```ts
 * import { evalShape, type NDArray, ShapeDtype } from "@injax/injax";
 *
 * const x = new ShapeDtype([2, 3]);
 * console.log(String(x)); // float32[2,3]
 * console.log(String(evalShape((x: NDArray) => x.sum(0), x))); // float32[3]
 * console.log(String(new ShapeDtype(["batch", 3]))); // float32[batch,3]
 * ```
 */
export interface ShapeDtype<Length extends number | string = number> {
  /** Length of each axis. */
  readonly shape: readonly Length[];
  /** Element type. */
  readonly dtype: DType;
  /** `float32[2,3]`. */
  toString(): string;
}

/** How `ShapeDtype`s are made. */
export interface ShapeDtypeConstructor {
  /**
   * Makes one, float32 where no dtype is given.
   *
   * @throws {ShapeError} where a length is not a non-negative integer.
   * @throws {DTypeError} where `dtype` is not the name of a dtype.
   */
  new (shape: readonly number[], dtype?: DType): ShapeDtype;
  /**
   * Makes one with open lengths, for `exportOnnx`.
   *
   * @throws {ShapeError} where a length is neither a non-negative integer nor a name of letters, digits
   * and underscores.
   * @throws {DTypeError} where `dtype` is not the name of a dtype.
   */
  new (shape: readonly (number | string)[], dtype?: DType): ShapeDtype<number | string>;
  /** What all have in common. */
  readonly prototype: ShapeDtype;
}

/** Whether a shape leaves lengths open: then it goes by its interface, and few take it. */
function isOpenShape(shape: unknown): boolean {
  const isName = (n: unknown): boolean => typeof n === "string" && /^[A-Za-z_]\w*$/.test(n);
  return Array.isArray(shape) && shape.some(isName) &&
    shape.every((n) => isName(n) || (Number.isInteger(n) && n >= 0));
}

const made = class ShapeDtype extends Shown {
  readonly shape: readonly number[];
  readonly dtype: DType;

  constructor(shape: readonly (number | string)[], dtype?: DType) {
    super();
    if (arguments.length > 2) checkCall("new ShapeDtype(shape, dtype)", arguments);
    this.shape = isOpenShape(shape) ? [...shape] as number[] : checkShape(
      "ShapeDtype",
      shape,
      '; one that a file leaves open has a name, as in ["batch", 4]',
    );
    this.dtype = expectDType("ShapeDtype", dtype, defaultFloat);
  }

  override toString(): string {
    return formatAval(this);
  }
};

/** See the interface of the same name. */
export const ShapeDtype: ShapeDtypeConstructor = made;

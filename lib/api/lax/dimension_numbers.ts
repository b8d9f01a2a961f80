/**
 * Which axis of a convolution's operands is which.
 *
 * @module
 */
import { checkCall, checkShape, describeValue, formatShape } from "../../core/mod.ts";

/** The axes of a convolution's operands and its result by what they are. */
export interface ConvDimensionNumbers {
  /** Of the array: the batch, the features, and those that windows run along. */
  readonly lhsSpec: readonly number[];
  /** Of the kernel: the outputs, the inputs, and those of a window. */
  readonly rhsSpec: readonly number[];
  /** Of the result: the batch, the features, and those of the places of windows. */
  readonly outSpec: readonly number[];
}

/**
 * The same as three strings, such as `["NHWC", "HWIO", "NHWC"]`: N is the batch, C the features, O and I the
 * outputs and inputs of the kernel; other letters are axes that windows run along, in the order in which the
 * second string has them.
 */
export type ConvDimensionStrings = readonly [lhs: string, rhs: string, out: string];

const OPERANDS = ["the array", "the kernel", "the result"];
const KINDS = [["N", "C"], ["O", "I"], ["N", "C"]] as const;

function fromStrings(op: string, specs: readonly string[], rank: number): ConvDimensionNumbers {
  const spaces = specs.map((spec, i) => {
    const [first, second] = KINDS[i]!;
    const letters = [...spec];
    if (letters.length !== rank || new Set(letters).size !== rank) {
      throw new TypeError(
        `${op}: dimensionNumbers[${i}] must name each of the ${rank} axes of ${
          OPERANDS[i]
        } by a letter of its own, and is ${JSON.stringify(spec)}`,
      );
    }
    if (!letters.includes(first) || !letters.includes(second)) {
      throw new TypeError(
        `${op}: dimensionNumbers[${i}] must have the letters ${first} and ${second}, and is ${
          JSON.stringify(spec)
        }`,
      );
    }
    return letters.filter((c) => c !== first && c !== second);
  });
  const space = spaces[1]!;
  if (spaces.some((s) => s.some((c) => !space.includes(c)))) {
    throw new TypeError(
      `${op}: the letters of dimensionNumbers for axes that windows run along differ: ${
        specs.map((s) => JSON.stringify(s)).join(", ")
      }`,
    );
  }
  const [lhsSpec, rhsSpec, outSpec] = specs.map((spec, i) =>
    [...KINDS[i]!, ...space].map((c) => spec.indexOf(c))
  ) as [number[], number[], number[]];
  return { lhsSpec, rhsSpec, outSpec };
}

function isPermutation(x: unknown, rank: number): x is readonly number[] {
  return Array.isArray(x) && x.length === rank &&
    Array.from({ length: rank }, (_, i) => i).every((i) => x.includes(i));
}

/** Dimension numbers as lists of axes, of operands of `rank` axes. */
export function expectDimensionNumbers(
  op: string,
  given: unknown,
  rank: number,
): ConvDimensionNumbers {
  if (given === undefined || given === null) {
    const all = Array.from({ length: rank }, (_, i) => i);
    return { lhsSpec: all, rhsSpec: all, outSpec: all };
  }
  if (Array.isArray(given) && given.length === 3 && given.every((s) => typeof s === "string")) {
    return fromStrings(op, given, rank);
  }
  const { lhsSpec, rhsSpec, outSpec } = given as Partial<ConvDimensionNumbers>;
  if ([lhsSpec, rhsSpec, outSpec].every((spec) => isPermutation(spec, rank))) {
    return { lhsSpec: [...lhsSpec!], rhsSpec: [...rhsSpec!], outSpec: [...outSpec!] };
  }
  throw new TypeError(
    `${op}: dimensionNumbers must be three strings such as ["NCHW", "OIHW", "NCHW"], or { lhsSpec, rhsSpec, ` +
      `outSpec } with each of the ${rank} axes once in each, not ${describeValue(given)}`,
  );
}

/**
 * The axes of a convolution's operands, as `lax.conv_dimension_numbers`.
 *
 * @param lhsShape The array's shape.
 * @param rhsShape The kernel's shape, of as many axes.
 * @param dimensionNumbers Three strings, or lists of axes; where left out, the batch and the outputs come
 * first, and then the features.
 * @throws {TypeError} where they do not name each axis once.
 *
 * @example
 * ```ts
 * import * as lax from "@injax/injax/lax";
 *
 * const axes = lax.convDimensionNumbers([1, 8, 8, 3], [3, 3, 3, 4], ["NHWC", "HWIO", "NHWC"]);
 * console.log(axes.rhsSpec); // [ 3, 2, 0, 1 ]
 * ```
 */
export function convDimensionNumbers(
  lhsShape: readonly number[],
  rhsShape: readonly number[],
  dimensionNumbers?: ConvDimensionStrings | ConvDimensionNumbers | null,
): ConvDimensionNumbers {
  const op = "convDimensionNumbers";
  if (arguments.length > 3) {
    checkCall(`${op}(lhsShape, rhsShape, dimensionNumbers)`, arguments);
  }
  const [lhs, rhs] = [checkShape(op, lhsShape), checkShape(op, rhsShape)];
  expectRanks(op, lhs, rhs);
  return expectDimensionNumbers(op, dimensionNumbers, lhs.length);
}

/** Refuses an array and a kernel of different numbers of axes, or of less than two. */
export function expectRanks(op: string, lhs: readonly number[], rhs: readonly number[]): void {
  if (lhs.length === rhs.length && lhs.length >= 2) return;
  throw new TypeError(
    `${op}: the array and the kernel must have the same number of axes, at least two, but have shapes ${
      formatShape(lhs)
    } and ${formatShape(rhs)}`,
  );
}

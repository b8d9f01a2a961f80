/**
 * Hyperparameters: their checks, and arithmetic with them in the dtype of what they are applied to, which
 * for a float64 leaf is float64.
 *
 * @module
 */
import {
  defaultFloat,
  describeValue,
  type DType,
  formatAval,
  isFloat,
  isPlain,
  NDArray,
  promoteDTypes,
  scalarArray,
  treeLeaves,
} from "../core/mod.ts";
import { expm1, log } from "../api/elementary.ts";
import { zerosLike } from "../primitives/mod.ts";
import type { Tree } from "../transforms/tree_types.ts";
import { type Kept, mapLeaves, type Scalar } from "./optimiser.ts";

/** What a hyperparameter may be, and how that is said. */
interface Range {
  readonly holds: (x: number) => boolean;
  readonly said: string;
}

/** The ranges of hyperparameters. */
type RangeName = "finite" | "positive" | "notNegative" | "fraction" | "share";

const ranges: Readonly<Record<RangeName, Range>> = {
  finite: { holds: (x: number): boolean => Number.isFinite(x), said: "finite" },
  positive: { holds: (x: number): boolean => x > 0 && x < Infinity, said: "positive and finite" },
  notNegative: {
    holds: (x: number): boolean => x >= 0 && x < Infinity,
    said: "finite and not negative",
  },
  fraction: { holds: (x: number): boolean => x >= 0 && x < 1, said: "in [0, 1)" },
  share: { holds: (x: number): boolean => x >= 0 && x <= 1, said: "in [0, 1]" },
};

/**
 * Checks a hyperparameter: a number in a range, or a scalar array of floats.
 *
 * @throws {RangeError} where a number is outside the range.
 * @throws {TypeError} where it is neither a number nor such an array.
 */
export function checkScalar(
  op: string,
  name: string,
  value: unknown,
  range: RangeName,
): void {
  const { holds, said } = ranges[range];
  if (typeof value === "number") {
    if (holds(value)) return;
    throw new RangeError(`${op}: ${name} must be ${said}, not ${value}`);
  }
  if (value instanceof NDArray) {
    if (value.ndim === 0 && isFloat(value.dtype)) return;
    throw new TypeError(
      `${op}: ${name} must be a number or a scalar of floats, not ${formatAval(value.aval)}`,
    );
  }
  const inside = isPlain(value) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
  const advice = typeof inside === "number" ? `. It is no option: write ${op}(${inside})` : "";
  throw new TypeError(`${op}: ${name} must be a number, not ${describeValue(value)}${advice}`);
}

/** Checks several hyperparameters of one range. */
export function checkScalars(
  op: string,
  range: RangeName,
  values: Readonly<Record<string, unknown>>,
): void {
  for (const name in values) checkScalar(op, name, values[name], range);
}

/** A hyperparameter as an operand beside `x`: it does not widen it. */
export const beside = (s: Scalar, x: NDArray): Scalar =>
  typeof s === "number" || s.dtype === x.dtype ? s : s.astype(x.dtype);

/** `s x`. */
export const scaled = (x: NDArray, s: Scalar): NDArray => x.mul(beside(s, x));

/** `1 - s`. */
export const complement = (s: Scalar): Scalar => typeof s === "number" ? 1 - s : s.neg().add(1);

/** `decay kept + (1 - decay) x`: a running mean. */
export const mixed = (kept: NDArray, x: NDArray, decay: Scalar): NDArray =>
  scaled(x, complement(decay)).add(scaled(kept, decay));

/**
 * `1 - b^count`, the weight that a running mean has gathered. By way of the logarithm, since in float32
 * `1 - 0.999^2` would have four digits.
 */
function gathered(b: Scalar, count: NDArray, dtype: DType): NDArray {
  const rate = typeof b === "number" ? Math.log(b) : log(b).astype(dtype);
  return expm1(count.astype(dtype).mul(rate)).neg();
}

/** `gathered` for leaves of several dtypes, once for each of these. */
export function gatheredBy(b: Scalar, count: NDArray): (x: NDArray) => NDArray {
  const known = new Map<DType, NDArray>();
  return ({ dtype }) => {
    const weight = known.get(dtype) ?? gathered(b, count, dtype);
    known.set(dtype, weight);
    return weight;
  };
}

/** A number of steps, one more. It stays where int32 ends. */
export const counted = (count: NDArray): NDArray => count.minimum(2 ** 31 - 2).add(1);

/** The number of steps before the first. */
export const noSteps = (): NDArray => scalarArray(0, "int32");

/** The widest dtype in a tree of floats; float32 where there are none. */
export function widest(tree: unknown): DType {
  const dtypes = treeLeaves(tree).map((x) => (x as NDArray).dtype);
  return dtypes.length === 0 ? defaultFloat : dtypes.reduce(promoteDTypes);
}

/** A number in each element of a tree like the parameters. */
export const filled = (params: Tree, value: Scalar): Kept =>
  mapLeaves(params, (x) => zerosLike(x).add(beside(value, x))) as Kept;

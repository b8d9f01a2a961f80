/**
 * What an exponential family is: densities `exp(sum of natural * statistics(x) - logNormaliser(natural) +
 * carrier(x))`, by those three functions.
 *
 * @module
 */
import {
  broadcastShapes,
  defaultFloat,
  describeValue,
  formatShape,
  isFloat,
  NDArray,
  type Operand,
  promoteDTypes,
  sameShape,
  scalarArray,
  ShapeError,
  TreeError,
} from "../core/mod.ts";
import { asFloat } from "../api/operands.ts";
import { broadcastTo } from "../api/shaping.ts";
import type { Transforms } from "../transforms/types.ts";

/** Arrays by name. Batch axes come first: one distribution for each of their entries. */
export type Parameters = Readonly<Record<string, NDArray>>;

/** What users give for {@linkcode Parameters}: arrays or numbers. */
export type Given<P extends Parameters> = { readonly [K in keyof P]: Operand };

/** How natural parameters are found from expectation parameters where no formula gives them. */
export interface Search<S extends Parameters, U extends Parameters = Parameters> {
  /** Where unconstrained unknowns start, for one distribution. */
  start(expectation: S): U;
  /** The natural parameters that the unknowns stand for. */
  natural(unknowns: U, expectation: S): S;
  /**
   * What is zero at the solution, as many numbers as unknowns; where left out, the expectation parameters of
   * `natural` less those wanted.
   */
  residual?(unknowns: U, expectation: S, transforms: Transforms): U;
}

/**
 * An exponential family. `S` are its statistics by name, the names of its natural and of its expectation
 * parameters too: of each statistic the natural parameters have the coefficient, the expectation parameters
 * the mean. `P` are the parameters that textbooks give it.
 *
 * Functions that the family holds take arrays of any batch; they may use whatever a module system offers, since
 * the functions of this module differentiate them by the transforms that they are given.
 */
export interface ExponentialFamily<
  S extends Parameters = Parameters,
  P extends Parameters = Parameters,
> {
  /** The name, for messages. */
  readonly name: string;
  /** The rank of each statistic of one observation. */
  readonly ranks: { readonly [K in keyof S]: number };
  /** The rank of one observation. */
  readonly rank: number;
  /** The names of the usual parameters, each with its rank. */
  readonly usual: { readonly [K in keyof P]: number };
  /** The natural parameters of the usual ones. */
  natural(parameters: P): S;
  /** The usual parameters of the natural ones. */
  parameters(natural: S): P;
  /** The logarithm of the integral that normalises the density, an array of the batch's shape. */
  logNormaliser(natural: S): NDArray;
  /** The statistics of observations. */
  statistics(x: NDArray): S;
  /** The logarithm of the density of the carrier measure; 0 where left out. */
  carrier?(x: NDArray): NDArray;
  /** The mean of `carrier`; needed for entropies where there is a `carrier`. */
  meanCarrier?(natural: S): NDArray;
  /** The natural parameters of expectation parameters, where a formula gives them. */
  fromExpectation?(expectation: S): S;
  /** Where none does: how they are searched. */
  readonly search?: Search<S> | undefined;
  /** The logarithm of the density, where the general formula would lose digits. */
  logDensity?(natural: S, x: NDArray): NDArray;
  /** Observations drawn from each distribution: `shape` is that of the result, before an observation's axes. */
  sample?(key: NDArray, natural: S, shape: readonly number[]): NDArray;
}

/** Parameters with one batch, and its shape. */
export interface Batched<P extends Parameters> {
  /** The parameters, all of the same batch shape and dtype. */
  readonly arrays: P;
  /** The shape of the batch. */
  readonly batch: readonly number[];
}

/**
 * Checks parameters and gives all of them the same batch shape and dtype.
 *
 * @throws {TreeError} where names are missing or unknown.
 * @throws {ShapeError} where an array has too few axes, or batches do not broadcast.
 */
export function batched<P extends Parameters>(
  op: string,
  what: string,
  ranks: { readonly [K in keyof P]: number },
  given: Given<P>,
): Batched<P> {
  const names = Object.keys(ranks);
  if (typeof given !== "object" || given === null || given instanceof NDArray) {
    throw new TreeError(
      `${op}: ${what} must be { ${names.join(", ")} }, not ${describeValue(given)}`,
    );
  }
  const missing = names.filter((name) => given[name] === undefined);
  const unknown = Object.keys(given).filter((name) => !names.includes(name));
  if (missing.length > 0 || unknown.length > 0) {
    const parts = [
      ...missing.map((name) => `${name} is missing`),
      ...unknown.map((name) => `there is no ${name}`),
    ];
    throw new TreeError(`${op}: ${what} must be { ${names.join(", ")} }: ${parts.join(", ")}`);
  }
  // Numbers adopt the dtype of the arrays beside them.
  const own = names.map((name) => given[name]!).filter((x) => x instanceof NDArray);
  const dtype = own.map((x) => isFloat(x.dtype) ? x.dtype : defaultFloat)
    .reduce(promoteDTypes, own.length === 0 ? defaultFloat : "float32");
  const arrays = names.map((name) => {
    const value = given[name]!;
    return typeof value === "number"
      ? scalarArray(value, dtype)
      : asFloat(op, value, `${what}.${name}`).astype(dtype);
  });
  let batch: readonly number[] = [];
  names.forEach((name, k) => {
    const rank = ranks[name as keyof P];
    const { shape } = arrays[k]!;
    if (shape.length < rank) {
      throw new ShapeError(
        `${op}: ${what}.${name} has ${rank} axes of its own after those of a batch, but its shape is ${
          formatShape(shape)
        }`,
      );
    }
    batch = broadcastShapes(op, batch, shape.slice(0, shape.length - rank));
  });
  const entries = names.map((name, k) => {
    const x = arrays[k]!;
    const shape = [...batch, ...x.shape.slice(x.shape.length - ranks[name as keyof P])];
    return [name, sameShape(x.shape, shape) ? x : broadcastTo(x, shape)];
  });
  return { arrays: Object.fromEntries(entries) as P, batch };
}

/**
 * What the functions of exponential families share: checks, and the means of statistics.
 *
 * @module
 */
import {
  describeValue,
  formatShape,
  type NDArray,
  type OptionTable,
  ShapeError,
} from "../core/mod.ts";
import { asFloat } from "../api/operands.ts";
import { checkDictionary } from "../transforms/members.ts";
import { pure } from "../transforms/pure.ts";
import type { Transforms } from "../transforms/types.ts";
import { batched, type ExponentialFamily, type Given, type Parameters } from "./family.ts";

/** The option that all functions of a derivative have. */
export interface MeasureOptions {
  /** The dictionary of transforms; pass a module system's where the family uses modules. */
  readonly transforms?: Transforms | undefined;
}

/** What the option that all of them have holds. */
export const measureOptions: OptionTable<MeasureOptions> = { transforms: "object" };

/** The dictionary among the options. */
export function dictionary(op: string, { transforms = pure }: MeasureOptions): Transforms {
  checkDictionary(op, transforms);
  return transforms;
}

/** Checks that something is a family. */
export function checkFamily(op: string, family: unknown): void {
  const { logNormaliser, statistics } = (family ?? {}) as Record<string, unknown>;
  if (typeof logNormaliser === "function" && typeof statistics === "function") return;
  throw new TypeError(
    `${op}: family must be an exponential family, such as normal, or an object with logNormaliser and ` +
      `statistics, not ${describeValue(family)}`,
  );
}

/** Natural parameters of a family as arrays of one batch, and its shape. */
export function naturalOf<S extends Parameters, P extends Parameters>(
  op: string,
  family: ExponentialFamily<S, P>,
  given: Given<S>,
): { natural: S; batch: readonly number[] } {
  checkFamily(op, family);
  const { arrays, batch } = batched<S>(op, "natural", family.ranks, given);
  return { natural: arrays, batch };
}

/** The names of the statistics of a family. */
export function names<S extends Parameters>(family: ExponentialFamily<S>): (keyof S & string)[] {
  return Object.keys(family.ranks);
}

/** The sum of an array's last `rank` axes. */
export function inner(x: NDArray, rank: number): NDArray {
  return rank === 0 ? x : x.sum(Array.from({ length: rank }, (_, k) => -1 - k));
}

/** The inner product of a family's parameters with statistics, or what is like them. */
export function product<S extends Parameters>(family: ExponentialFamily<S>, a: S, b: S): NDArray {
  return names(family).map((name) => inner(a[name]!.mul(b[name]!), family.ranks[name]))
    .reduce((x, y) => x.add(y));
}

/** Observations as floats, with at least the axes that one has. */
export function observations(op: string, family: ExponentialFamily, x: NDArray): NDArray {
  const array = asFloat(op, x, "x");
  if (array.ndim >= family.rank) return array;
  throw new ShapeError(
    `${op}: an observation of ${family.name} has ${family.rank} axes, but x has shape ${
      formatShape(array.shape)
    }`,
  );
}

/** The means of the statistics: the gradient of the log-normaliser. */
export function meansOf<S extends Parameters>(
  family: ExponentialFamily<S>,
  natural: S,
  { grad }: Transforms,
): S {
  const total = (eta: S): NDArray => family.logNormaliser(eta).sum();
  return grad(total as never)(natural as never) as unknown as S;
}

/** A function of one distribution on each of a batch. */
export function lanes<A extends Parameters, R>(
  f: (one: A) => R,
  all: A,
  batch: readonly number[],
  { vmap }: Transforms,
): R {
  const mapped = batch.reduce((g: (one: A) => unknown) => vmap(g as never) as never, f);
  return mapped(all) as R;
}

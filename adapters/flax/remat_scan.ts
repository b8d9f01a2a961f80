/**
 * Deep stacks of layers whose intermediate values are not all kept.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { ShapeError } from "../../mod.ts";
import type { Filter } from "./filters.ts";
import { remat, scan, type SplitRngs } from "./lifted.ts";
import { lifting, type ModuleFunction, type TargetOptions } from "./targets.ts";

/** Options of `rematScan`. */
export interface RematScanOptions extends TargetOptions {
  /** How many layers there are: the product, of a loop within a loop. */
  readonly lengths: readonly number[];
  /** Collections of which each layer has a slice, along an axis (default `{ params: 0 }`). */
  readonly variableAxes?: Readonly<Record<string, number>> | undefined;
  /** Collections that all layers share. */
  readonly variableBroadcast?: Filter | undefined;
  /** Collections that layers hand on. */
  readonly variableCarry?: Filter | undefined;
  /** Which streams are split by layer (default `{ params: true }`). */
  readonly splitRngs?: SplitRngs | undefined;
}

const rematScanOptions: OptionTable<RematScanOptions> = {
  lengths: "shape",
  variableAxes: "object",
  variableBroadcast: "object",
  variableCarry: "object",
  splitRngs: "object",
  methods: "names",
};

/**
 * Runs a module, or a function of one, `(module, x) => x`, many times over, with variables of its own each
 * time, as loops within loops. In the backward pass only what goes into the inner loops is kept, so that
 * memory grows with the sum of the lengths, and the number of layers with their product.
 *
 * @throws {ShapeError} where there are no lengths, or one is not a positive integer.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const Deep = flax.rematScan(flax.Dense, { lengths: [10, 10] }); // 100 layers
 * const model = new Deep(4);
 * const variables = model.init(random.key(0), np.ones([4]));
 * console.log(variables.params!.kernel!.shape); // [ 10, 10, 4, 4 ]
 * console.log(model.apply(variables, np.ones([4])).shape); // [ 4 ]
 * ```
 */
export function rematScan<T>(target: T, options: RematScanOptions): T {
  const op = "flax.rematScan";
  checkCall(`${op}(target, options)`, arguments, rematScanOptions);
  const { lengths, methods, ...rest } = options ?? {};
  const isLength = (n: unknown): boolean => Number.isInteger(n) && (n as number) > 0;
  if (!Array.isArray(lengths) || lengths.length === 0 || !lengths.every(isLength)) {
    throw new ShapeError(
      `${op}: lengths must be a list of positive integers, { lengths: [10, 10] }, not ${
        JSON.stringify(lengths)
      }`,
    );
  }
  const looped = (f: ModuleFunction, length: number): ModuleFunction => {
    const step: ModuleFunction = (module, x) => [f(module, x), null];
    const loop = scan(step, {
      variableAxes: { params: 0 },
      splitRngs: { params: true },
      ...rest,
      length,
    });
    return (module, x) => (loop(module, x) as [unknown, null])[0];
  };
  const nested = (f: ModuleFunction, [length, ...inner]: readonly number[]): ModuleFunction =>
    looped(inner.length === 0 ? f : remat(nested(f, inner)), length!);
  return lifting(op, "Remat_scan", target, { methods }, (f) => nested(f, lengths));
}

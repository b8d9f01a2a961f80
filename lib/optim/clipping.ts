/**
 * Parts of optimisers that limit gradients: by elements, by leaves and as a whole; and that take NaN out.
 *
 * @module
 */
import { checkCall, type NDArray, scalarArray, treeLeaves } from "../core/mod.ts";
import type { Tree } from "../transforms/tree_types.ts";
import { stopGradient } from "../api/arithmetic.ts";
import { isNaN, logicalAnd, where } from "../api/logic.ts";
import {
  floats,
  type Kept,
  mapLeaves,
  type Optimiser,
  type Scalar,
  transformation,
  withoutState,
} from "./optimiser.ts";
import { beside, checkScalar, scaled, widest } from "./scalars.ts";

/**
 * Limits each element to `[-maxDelta, maxDelta]`.
 *
 * @throws {RangeError} where `maxDelta` is not positive.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { clip } from "@injax/injax/optim";
 *
 * console.log(clip(1).update(np.array([0.5, -2]), null)[0].toArray()); // [ 0.5, -1 ]
 * ```
 */
export function clip(maxDelta: Scalar): Optimiser<null> {
  if (arguments.length > 1) checkCall("clip(maxDelta)", arguments);
  checkScalar("clip", "maxDelta", maxDelta, "positive");
  const limited = (g: NDArray): NDArray => {
    const most = beside(maxDelta, g);
    return g.clip(typeof most === "number" ? -most : most.neg(), most);
  };
  return withoutState("clip", {
    description: `clip ${maxDelta}`,
    of: (_, gradient) => mapLeaves(gradient, limited),
  });
}

/**
 * The 2-norm of all elements of a tree, as one vector.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { globalNorm } from "@injax/injax/optim";
 *
 * console.log(globalNorm({ w: np.array([3, 0]), b: 4 }).item()); // 5
 * ```
 */
export function globalNorm(tree: Tree): NDArray {
  if (arguments.length > 1) checkCall("globalNorm(tree)", arguments);
  return normOf(floats("globalNorm", tree, "the tree"));
}

/** The norm of a tree of arrays. The largest element is divided by, so that squares stay in range. */
export function normOf(tree: Tree): NDArray {
  const dtype = widest(tree);
  const leaves = (treeLeaves(tree) as NDArray[]).filter((x) => x.size > 0)
    .map((x) => x.astype(dtype));
  if (leaves.length === 0) return scalarArray(0, dtype);
  const largest = stopGradient(
    leaves.map((x) => x.abs().max()).reduce((a, b) => a.maximum(b)),
  );
  // There is no dividing by 0 or infinity.
  const unit = where(logicalAnd(largest.greater(0), largest.less(Infinity)), largest, 1);
  const squares = leaves.map((x) => x.div(unit).square().sum()).reduce((a, b) => a.add(b));
  // Nor is the slope of the root at 0 asked for.
  const zero = largest.equal(0);
  return where(zero, 0, where(zero, 1, squares).sqrt().mul(unit));
}

/**
 * Scales the whole gradient down to a norm, where its own is larger. Elements up to the largest floats do not
 * overflow.
 *
 * @throws {RangeError} where `maxNorm` is not positive.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { clipByGlobalNorm } from "@injax/injax/optim";
 *
 * const gradient = { w: np.array([30, 0]), b: np.array(40) };
 * const [{ w, b }] = clipByGlobalNorm(1).update(gradient, null);
 * console.log(w.round(2).toArray(), b.item().toFixed(2)); // [ 0.600..., 0 ] 0.80
 * ```
 */
export function clipByGlobalNorm(maxNorm: Scalar): Optimiser<null> {
  if (arguments.length > 1) checkCall("clipByGlobalNorm(maxNorm)", arguments);
  checkScalar("clipByGlobalNorm", "maxNorm", maxNorm, "positive");
  return withoutState("clipByGlobalNorm", {
    description: `global norm at most ${maxNorm}`,
    of(_, gradient) {
      const norm = normOf(gradient);
      const small = norm.less(beside(maxNorm, norm));
      return mapLeaves(
        gradient,
        (g) => where(small, g, scaled(g.div(norm.astype(g.dtype)), maxNorm)),
      );
    },
  });
}

/**
 * Scales each leaf down to a root mean square, where its own is larger.
 *
 * @throws {RangeError} where `threshold` is not positive.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { clipByBlockRms } from "@injax/injax/optim";
 *
 * const [{ w, b }] = clipByBlockRms(1).update({ w: np.array([4, -4]), b: np.array(0.5) }, null);
 * console.log(w.toArray(), b.item()); // [ 1, -1 ] 0.5
 * ```
 */
export function clipByBlockRms(threshold: Scalar): Optimiser<null> {
  if (arguments.length > 1) checkCall("clipByBlockRms(threshold)", arguments);
  checkScalar("clipByBlockRms", "threshold", threshold, "positive");
  const limited = (g: NDArray): NDArray => {
    const rms = normOf(g).div(Math.sqrt(Math.max(g.size, 1)));
    return g.div(rms.div(beside(threshold, rms)).maximum(1));
  };
  return withoutState("clipByBlockRms", { of: (_, gradient) => mapLeaves(gradient, limited) });
}

/** What `zeroNans` keeps. */
export interface ZeroNansState {
  /** For each leaf, whether the last gradient had a NaN: a tree like the parameters. */
  readonly foundNan: Kept;
}

/**
 * Puts 0 in the place of NaN, and keeps which leaves had any.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { zeroNans } from "@injax/injax/optim";
 *
 * const part = zeroNans();
 * const x = np.array([1, NaN]);
 * const [g, { foundNan }] = part.update(x, part.init(x));
 * console.log(g.toArray(), String(foundNan)); // [ 1, 0 ] Array(bool[], true)
 * ```
 */
export function zeroNans(): Optimiser<ZeroNansState> {
  if (arguments.length > 0) checkCall("zeroNans()", arguments);
  const found = (tree: Tree): Kept => mapLeaves(tree, (x) => isNaN(x).any()) as Kept;
  return transformation<ZeroNansState>("zeroNans", {
    keeps: ["foundNan"],
    init: (params) => ({ foundNan: mapLeaves(params, () => scalarArray(0, "bool")) as Kept }),
    update: (gradient) => [
      mapLeaves(gradient, (g) => where(isNaN(g), 0, g)),
      { foundNan: found(gradient) },
    ],
  });
}

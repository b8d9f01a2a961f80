/**
 * Dictionaries for functions that use modules which are not among their arguments, as library code does.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import type { LiftedTransforms } from "../../mod.ts";
import { hasNodes, type Roots, System } from "./system.ts";

const dictionaries = new WeakMap<object, LiftedTransforms>();

/**
 * The transforms for functions that use modules without having them as arguments: for library code, such
 * as solvers, which calls functions of one's own. What these write to variables is carried through.
 * Paths, for options such as `entries` and `stateAxes`, are those in the model; flags of its modules are
 * part of what compiled programs are kept by.
 *
 * With several models, paths begin with their number.
 *
 * @throws {TypeError} where one of them is no module.
 *
 * @example
 * ```ts
 * import { fixedPoint, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const cell = new nnx.Linear(2, 2, { rngs: new nnx.Rngs(0) });
 * cell.kernel.value = np.array([[0.3, 0], [0.1, 0.2]]);
 * const { value } = fixedPoint((z) => np.tanh(cell.call(z)).add(1), np.zeros([2]), {
 *   transforms: nnx.transformsFor(cell),
 * });
 * console.log(value.shape); // [ 2 ]
 * ```
 */
export function transformsFor(...models: readonly object[]): LiftedTransforms {
  for (const model of models) {
    if (typeof model === "object" && model !== null && hasNodes(model)) continue;
    throw new TypeError(
      `nnx.transformsFor: each argument must be a module, or a list of such, not ${
        describeValue(model)
      }`,
    );
  }
  const [model] = models;
  if (models.length !== 1) {
    return over("nnx.transformsFor(...models)", models.map((m, i) => [String(i), m]));
  }
  let dictionary = dictionaries.get(model!);
  if (dictionary === undefined) {
    dictionary = over("nnx.transformsFor(model)", [["", model]]);
    dictionaries.set(model!, dictionary);
  }
  return dictionary;
}

function over(name: string, roots: Roots): LiftedTransforms {
  return new System(name, () => roots).transforms;
}

/**
 * As `transformsFor`, of no model in particular: any variables that a function uses are carried through,
 * under paths that mean nothing to options. Of flags of modules, a compiled function sees those that `train`,
 * `eval` and `setAttributes` set; those that are set otherwise, it keeps as it was first called with them.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const norm = new nnx.BatchNorm(1, { momentum: 0.5, rngs: new nnx.Rngs(0) });
 * nnx.transforms.scan((x: np.NDArray) => [norm.call(x), null], np.array([[1], [3]]), null, {
 *   length: 1,
 * });
 * console.log(norm.mean.value.toArray()); // [ 1 ]
 * ```
 */
export const transforms: LiftedTransforms = over("nnx.transforms", []);

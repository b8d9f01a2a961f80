/**
 * A module system in the manner of Equinox: modules are trees, state is explicit, and transforms take
 * both as arguments. The dictionary for library code is `pure` where state comes out as a value
 * (`fixedPoint` with `hasAux`), and `transforms` inside `threadState`, by which state goes through
 * library code that knows nothing of it.
 *
 * @example
 * ```ts
 * import { fixedPoint, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const cell = new eqx.nn.Linear(4, 4, { key: random.key(0) });
 * const layer = (cell: eqx.nn.Linear, x: NDArray) =>
 *   fixedPoint((z) => np.tanh(cell.call(z).mul(0.5).add(x)), np.zeros([4])).value;
 * const slope = eqx.filterGrad((cell: eqx.nn.Linear, x: NDArray) => layer(cell, x).sum());
 * console.log(slope(cell, np.ones([4])).weight.shape); // [ 4, 4 ]
 * ```
 *
 * @module
 */
export { protocol, transforms } from "./context.ts";
export { Module } from "./module.ts";
export * as nn from "./nn/mod.ts";
export { type PrintOptions, treePformat, treePprint } from "./print.ts";
export { ClosureConverted, filterClosureConvert } from "./closures.ts";
export { filterCustomJvp, filterCustomVjp } from "./rules.ts";
export { makeWithState, State, StateIndex, threadState } from "./state.ts";
export {
  type AxisSpec,
  filterCheckpoint,
  filterEvalShape,
  filterGrad,
  filterHessian,
  filterJacfwd,
  filterJacrev,
  filterJit,
  filterJvp,
  filterMakeJaxpr,
  filterValueAndGrad,
  filterVjp,
  filterVmap,
  type FilterVmapOptions,
  type Fn,
  type GradOptions,
} from "./transforms.ts";
export {
  applyUpdates,
  combine,
  filter,
  type FilterSpec,
  isArray,
  isArrayLike,
  isInexactArray,
  mapArrays,
  partition,
  treeAt,
  treeEqual,
} from "./trees.ts";

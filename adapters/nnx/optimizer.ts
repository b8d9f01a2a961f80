/**
 * Optimisers as objects: their state is variables, so that a training step is a function of a model and
 * an optimiser, under any transform.
 *
 * @module
 */
import { checkCall, describeValue } from "../../lib/extend.ts";
import { type NDArray, numpy as np, StateError, treeMap, treeStructure } from "../../mod.ts";
import { type Filter, toPredicate } from "./filters.ts";
import { Module } from "./graph.ts";
import { type State, state, update } from "./state.ts";
import { OptState } from "./variable.ts";

/** An optimiser of pure functions, in the manner of Optax. */
export interface GradientTransformation<S = unknown> {
  /** What it keeps, for parameters like these: a tree of arrays. */
  init(params: State): S;
  /** What to add to the parameters, and what it keeps then. */
  update(gradients: State, kept: S, params: State): readonly [updates: State, kept: S];
}

/** Options of `Optimizer`. */
export interface OptimizerOptions {
  /** Which variables it updates, such as `nnx.Param`: those that gradients are taken with respect to. */
  readonly wrt: Filter;
}

/**
 * An optimiser for a model, over any pure one.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, treeMap } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const descent: nnx.GradientTransformation = {
 *   init: () => [],
 *   update: (g, kept) => [treeMap((g: NDArray) => g.mul(-0.1), g) as nnx.State, kept],
 * };
 * const model = new nnx.Linear(1, 1, { rngs: new nnx.Rngs(0) });
 * const optimizer = new nnx.Optimizer(model, descent, { wrt: nnx.Param });
 * const loss = (m: nnx.Linear) => m.call(np.ones([1])).sub(3).square().sum();
 * const train = nnx.jit((m: nnx.Linear, o: nnx.Optimizer) =>
 *   nnx.foriLoop(0, 50, (_, [m, o]) => {
 *     o.update(m, nnx.grad(loss)(m));
 *     return [m, o] as [nnx.Linear, nnx.Optimizer];
 *   }, [m, o] as [nnx.Linear, nnx.Optimizer])
 * );
 * train(model, optimizer);
 * console.log(loss(model).item() < 1e-6, optimizer.step.value.item()); // true 50
 * ```
 */
export class Optimizer<S = unknown> extends Module {
  /** How many updates there were. */
  readonly step: OptState = new OptState(np.array(0, { dtype: "uint32" }));
  /** What the optimiser keeps. */
  readonly optState: OptState<S>;
  /** The pure optimiser. */
  readonly tx: GradientTransformation<S>;
  /** Which variables it updates. */
  readonly wrt: Filter;

  /**
   * An optimiser of the variables of `model`, by `tx`.
   *
   * @throws {TypeError} where `tx` is no optimiser, and where `wrt` was left out.
   */
  constructor(
    model: object,
    tx: GradientTransformation<S>,
    options: OptimizerOptions,
  ) {
    if (arguments.length > 3) checkCall("new nnx.Optimizer(model, tx, options)", arguments);
    super();
    if (typeof tx?.init !== "function" || typeof tx.update !== "function") {
      throw new TypeError(
        `new nnx.Optimizer(model, tx): tx must have the functions init and update, not ${
          describeValue(tx)
        }`,
      );
    }
    const wrt = options?.wrt;
    if (wrt === undefined) {
      throw new TypeError(
        "new nnx.Optimizer(model, tx, options): wrt, the variables to update, was left out. Write " +
          "new nnx.Optimizer(model, tx, { wrt: nnx.Param })",
      );
    }
    toPredicate(wrt);
    // One object is one function of the pair, for compiled programs.
    this.tx = tx;
    this.wrt = wrt;
    this.optState = new OptState<S>(tx.init(state(model, wrt)));
  }

  /**
   * Updates the model, and what the optimiser keeps.
   *
   * @throws {StateError} where the gradients are not of the variables that it updates.
   */
  update(model: object, gradients: State): void {
    if (gradients === undefined) {
      throw new TypeError(
        "nnx.Optimizer.update: the gradients are missing. Write optimizer.update(model, gradients)",
      );
    }
    const params = state(model, this.wrt);
    if (treeStructure(params) !== treeStructure(gradients)) {
      throw new StateError(
        `nnx.Optimizer.update: the gradients ${
          treeStructure(gradients)
        } are not like the variables that ` +
          `are updated, ${
            treeStructure(params)
          }: the optimiser's wrt and the filter of grad must be the same`,
      );
    }
    const [updates, kept] = this.tx.update(gradients, this.optState.value, params);
    const moved = treeMap((p: NDArray, u: NDArray) => p.add(u).astype(p.dtype), params, updates);
    update(model, moved as State);
    this.optState.value = kept;
    this.step.value = this.step.value.add(1);
  }
}

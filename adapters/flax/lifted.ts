/**
 * The lifted transforms of flax: words for options of the dictionary, in terms of collections.
 *
 * @module
 */
import { type AxesOfAdapter, describeValue } from "../../lib/extend.ts";
import {
  type InAxes,
  type NDArray,
  numpy as np,
  StateError,
  treeMap,
  type WhileOptions,
} from "../../mod.ts";
import { needScope } from "./binding.ts";
import { drawsIn, type Limits, protocol, transforms, withinLimits } from "./context.ts";
import type { Filter } from "./filters.ts";
import type { Module } from "./module.ts";
import { type Fn, lifting, type ModuleFunction, type TargetOptions } from "./targets.ts";
import { isBelow } from "./view.ts";

/** The dictionary by its untyped signatures: what is lifted here has types of its own. */
export const dictionary: Readonly<Record<keyof typeof transforms, Fn>> = transforms as Readonly<
  Record<keyof typeof transforms, Fn>
>;

/** Along which axis collections are mapped; `null`: they are shared. */
export type VariableAxes = Readonly<Record<string, number | null>>;

/** Which random streams are split by lane or step; those that are not named cannot be drawn from. */
export type SplitRngs = Readonly<Record<string, boolean>>;

/** Options of `vmap`. */
export interface LiftedVmapOptions extends TargetOptions {
  /** The axes of collections; those that are not named cannot be seen inside. */
  readonly variableAxes?: VariableAxes | undefined;
  /** Which streams are split by lane. */
  readonly splitRngs?: SplitRngs | undefined;
  /** Axes of the arguments (default 0). */
  readonly inAxes?: InAxes | undefined;
  /** Axes of the results (default 0). */
  readonly outAxes?: InAxes | undefined;
  /** What the axis is called, for operations between lanes such as `psum` of `@injax/injax/lax`. */
  readonly axisName?: string | undefined;
  /** Number of lanes; needed only where no argument is mapped. */
  readonly axisSize?: number | undefined;
}

/** The axes of the variables of a module. Those of other modules are shared. */
function stateAxes(
  what: string,
  module: Module,
  axes: VariableAxes,
): AxesOfAdapter {
  const own = needScope(protocol.need(what), module, what).path;
  const axisOf = (path: string, collection: string): number | null =>
    Object.hasOwn(axes, collection) && isBelow(own, path) ? axes[collection]! : null;
  const ofLanes = (_: string, collection: string): string => `variableAxes: { ${collection}: 0 }`;
  return Object.assign(axisOf, { ofLanes });
}

/** Runs a transform where a context is open; outside there are no variables to speak of. */
function checkedRngs(op: string, splitRngs: unknown): asserts splitRngs is SplitRngs {
  const isRecord = typeof splitRngs === "object" && splitRngs !== null &&
    Object.values(splitRngs).every((x) => typeof x === "boolean");
  if (isRecord) return;
  throw new StateError(
    `${op}: splitRngs must say for each stream whether it is split, as in { params: true }, not ${
      describeValue(splitRngs)
    }`,
  );
}

/**
 * Maps a module, or a function of one, over lanes: with variables of their own where `variableAxes` says so,
 * drawn from keys of their own where `splitRngs` does.
 *
 * @throws {StateError} where inside something is not among `variableAxes` or `splitRngs`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const Ensemble = flax.vmap(flax.Dense, {
 *   variableAxes: { params: 0 },
 *   splitRngs: { params: true },
 *   inAxes: null,
 *   axisSize: 3,
 * });
 * const model = new Ensemble(2);
 * const variables = model.init(random.key(0), np.ones([4]));
 * console.log(variables.params!.kernel!.shape); // [ 3, 4, 2 ]
 * console.log(model.apply(variables, np.ones([4])).shape); // [ 3, 2 ]
 * ```
 */
export function vmap<T>(target: T, options: LiftedVmapOptions = {}): T {
  const op = "flax.vmap";
  const { variableAxes = {}, splitRngs = {}, inAxes, outAxes, axisName, axisSize } = options;
  checkedRngs(op, splitRngs);
  const limits: Limits = {
    by: op,
    visible: Object.keys(variableAxes),
    mutable: Object.keys(variableAxes),
    rngs: Object.keys(splitRngs),
  };
  return lifting(
    op,
    "Vmap",
    target,
    options,
    (f) => (module, ...args) =>
      (dictionary.vmap((...xs: unknown[]) => withinLimits(limits, () => f(module, ...xs)), {
        inAxes,
        outAxes,
        axisName,
        axisSize,
        stateAxes: stateAxes(op, module, variableAxes),
        splitRng: splitRngs,
      }) as Fn)(...args),
  );
}

/** The axis of an argument or result of `scan`: `null` for what is the same in all steps. */
export type ScanAxes = number | null | readonly (number | null)[];

/** Options of `scan`. */
export interface LiftedScanOptions extends TargetOptions {
  /** Collections of which each step has a slice, along an axis. */
  readonly variableAxes?: Readonly<Record<string, number>> | undefined;
  /** Collections that all steps share. They may be made, but not changed. */
  readonly variableBroadcast?: Filter | undefined;
  /** Collections that steps hand on. */
  readonly variableCarry?: Filter | undefined;
  /** Which streams are split by step. */
  readonly splitRngs?: SplitRngs | undefined;
  /** Axes of the arguments after the carry: one for all (default 0), or a list with one for each. */
  readonly inAxes?: ScanAxes | undefined;
  /** Axes of the result beside the carry: one for all of it (default 0), or a list. */
  readonly outAxes?: number | readonly number[] | undefined;
  /** Number of steps; needed where no argument is sliced. */
  readonly length?: number | undefined;
  /** Whether to go from the last slice to the first. */
  readonly reverse?: boolean | undefined;
  /**
   * Whether the function is run once before, as flax does to make what is shared and to check that it stays
   * the same (default true). It counts the draws of both runs, so that without it other keys are drawn.
   */
  readonly checkConstancyInvariants?: boolean | undefined;
}

function moved(tree: unknown, from: number, to: number): unknown {
  return from === to ? tree : treeMap((x: NDArray) => np.moveaxis(x, from, to), tree);
}

/**
 * Runs a module, or a function of one, for each slice of the arguments: `(module, carry, ...xs) => [carry,
 * ys]`. Its variables are sliced, shared or handed on, by collection.
 *
 * @throws {StateError} where inside a collection or stream is used that the options do not name.
 *
 * @example Layers, with stacked parameters
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Block extends flax.Module {
 *   call(x: NDArray, _: null): [NDArray, null] {
 *     return [x.add(np.tanh(new flax.Dense(3).call(x))), null];
 *   }
 * }
 * const Layers = flax.scan(Block, {
 *   variableAxes: { params: 0 },
 *   splitRngs: { params: true },
 *   length: 5,
 * });
 * const model = new Layers();
 * const variables = model.init(random.key(0), np.ones([3]), null);
 * console.log(variables.params!.Dense_0!.kernel!.shape); // [ 5, 3, 3 ]
 * console.log(model.apply(variables, np.ones([3]), null)[0].shape); // [ 3 ]
 * ```
 */
export function scan<T>(target: T, options: LiftedScanOptions = {}): T {
  const op = "flax.scan";
  const { variableAxes = {}, variableBroadcast = false, variableCarry = false } = options;
  const { splitRngs = {}, inAxes = 0, outAxes = 0, length, reverse } = options;
  const { checkConstancyInvariants = true } = options;
  checkedRngs(op, splitRngs);
  const mapped = Object.keys(variableAxes);
  const limits: Limits = {
    by: op,
    visible: [mapped, variableBroadcast, variableCarry],
    mutable: [mapped, variableCarry],
    creates: [variableBroadcast],
    rngs: [Object.keys(splitRngs)],
  };
  return lifting(op, "Scan", target, options, (f) => (module, carry, ...args) => {
    const axes = args.map((_, i) => Array.isArray(inAxes) ? inAxes[i] ?? null : inAxes);
    const sliced = args.flatMap((x, i) => {
      const axis = axes[i];
      return axis === null || axis === undefined ? [] : [moved(x, axis, 0)];
    });
    const step: Fn = (c, slices) => {
      let next = 0;
      const xs = args.map((x, i) => axes[i] === null ? x : (slices as unknown[])[next++]);
      return withinLimits(limits, () => f(module, c, ...xs));
    };
    const run = (step: Fn): unknown =>
      dictionary.scan(step, carry, sliced.length === 0 ? null : sliced, {
        length,
        reverse,
        stateAxes: stateAxes(op, module, variableAxes),
        splitRng: splitRngs,
      });
    if (checkConstancyInvariants) {
      countingDraws(op, step, (counted) => dictionary.evalShape(() => run(counted)));
    }
    const [last, ys] = countingDraws(op, step, run) as [unknown, unknown];
    return [last, outputs(op, ys, outAxes)];
  });
}

/**
 * Runs a transform of `f`. Afterwards draws are counted as in the first run of `f`, and what that created
 * outside of it is there: where it is run again, it finds that, and does not draw it.
 */
export function countingDraws(op: string, f: Fn, transform: (f: Fn) => unknown): unknown {
  const context = protocol.need(op);
  let first: (() => void) | null = null;
  const result = transform((...args) => {
    const out = f(...args);
    if (first === null) {
      const inner = protocol.need(op);
      const count = drawsIn(inner);
      const made = [...inner.account.made];
      first = () => {
        for (const [key, value] of made) context.adopt(key, value);
        count(context);
      };
    }
    return out;
  });
  (first as (() => void) | null)?.();
  return result;
}

/** Results of steps, stacked on axis 0, along the axes that are asked for. */
function outputs(op: string, ys: unknown, axes: number | readonly number[]): unknown {
  if (typeof axes === "number") return moved(ys, 0, axes);
  if (Array.isArray(ys) && ys.length === axes.length) {
    return ys.map((y, i) => moved(y, 0, axes[i]!));
  }
  throw new StateError(
    `${op}: outAxes is a list of ${axes.length}, so that the result of a step must be one too, not ${
      describeValue(ys)
    }`,
  );
}

/** Options of `whileLoop`. */
export interface LiftedWhileOptions extends WhileOptions {
  /** Collections that change in the body (default: none). */
  readonly carryVariables?: Filter | undefined;
  /** Collections that are only read (default: all). */
  readonly broadcastVariables?: Filter | undefined;
  /** Streams of which each step has a key of its own. */
  readonly splitRngs?: Readonly<Record<string, true>> | undefined;
}

/**
 * Runs `body(module, carry)` while `cond(module, carry)` holds, which sees the variables as they are then.
 *
 * @throws {StateError} where the condition changes or draws something, and the body something that
 * the options do not name.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Doubled extends flax.Module {
 *   call(x: NDArray): NDArray {
 *     const n = this.variable("state", "n", () => np.array(0));
 *     return flax.whileLoop(() => n.value.less(3), (_, c: NDArray) => {
 *       n.value = n.value.add(1);
 *       return c.mul(2);
 *     }, this, x, { carryVariables: "state" });
 *   }
 * }
 * const model = new Doubled();
 * const [y] = model.apply({ state: { n: np.array(0) } }, np.array(1), { mutable: ["state"] });
 * console.log(y.item()); // 8
 * ```
 */
export function whileLoop<M extends Module, C>(
  cond: (module: M, carry: C) => NDArray | boolean,
  body: (module: M, carry: C) => C,
  module: M,
  init: C,
  options: LiftedWhileOptions = {},
): C {
  const op = "flax.whileLoop";
  const { carryVariables = false, broadcastVariables = true, splitRngs = {}, ...bounds } = options;
  checkedRngs(op, splitRngs);
  for (const [stream, isSplit] of Object.entries(splitRngs as SplitRngs)) {
    if (isSplit) continue;
    throw new StateError(
      `${op}: the stream ${stream} would give the same key in each step. Draw it before the loop, or split it`,
    );
  }
  const limits: Limits = {
    by: op,
    visible: [carryVariables, broadcastVariables],
    mutable: [carryVariables],
    creates: [broadcastVariables],
    rngs: [Object.keys(splitRngs)],
  };
  const reading: Limits = { ...limits, mutable: [], creates: [carryVariables, broadcastVariables] };
  return dictionary.whileLoop(
    (c: unknown) => withinLimits(reading, () => cond(module, c as C)),
    (c: unknown) => withinLimits(limits, () => body(module, c as C)),
    init,
    bounds,
  ) as C;
}

/**
 * `ifTrue(module, ...operands)` where `pred` holds, else `ifFalse(...)`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Either extends flax.Module {
 *   readonly one = new flax.Dense(1);
 *   readonly other = new flax.Dense(1);
 *   call(x: NDArray): NDArray {
 *     return flax.cond(
 *       x.sum().greater(0),
 *       (m, x: NDArray) => m.one.call(x),
 *       (m, x: NDArray) => m.other.call(x),
 *       this as Either,
 *       x,
 *     );
 *   }
 * }
 * const { params } = new Either().init(random.key(0), np.ones([2]));
 * console.log(Object.keys(params!)); // [ "one", "other" ]: init makes those of both
 * ```
 */
export function cond<M extends Module, A extends unknown[], R>(
  pred: NDArray | boolean,
  ifTrue: (module: M, ...operands: A) => R,
  ifFalse: (module: M, ...operands: A) => R,
  module: M,
  ...operands: A
): R {
  // In flax the branch for true comes first, whose draws are counted first; `cond` has the other order.
  const index = typeof pred === "boolean" ? Number(!pred) : np.where(pred, 0, 1).astype("int32");
  return switchOf(index, [ifTrue, ifFalse], module, ...operands);
}

/** `branches[index](module, ...operands)`; an index out of range stands for the nearest one. */
function switchOf<M extends Module, A extends unknown[], R>(
  index: NDArray | number,
  branches: readonly ((module: M, ...operands: A) => R)[],
  module: M,
  ...operands: A
): R {
  // The same function in several places stays one, which is recorded once. Branches may be there for what
  // they do to variables, and return nothing.
  const own = new Map(
    branches.map((f): [typeof f, Fn] => [f, (...xs) => f(module, ...xs as A) ?? null]),
  );
  return dictionary.switchCase(index, branches.map((f) => own.get(f)!), ...operands) as R;
}
export { switchOf as switch };

/** Options of `jit`. */
export interface LiftedJitOptions extends TargetOptions {
  /** Where to run: `"cpu"` (the default), `"onnx"`, `"webgpu"` or `"interpreter"`. */
  readonly backend?: string | undefined;
  /** Arguments after the module that are part of the program. */
  readonly staticArgnums?: number | readonly number[] | undefined;
}

/**
 * Compiles a module, or a function of one, inside of a model. `jit(model.apply)` compiles a whole one.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const Compiled = flax.jit(flax.Dense, { backend: "interpreter" });
 * const model = new Compiled(2);
 * const variables = model.init(random.key(0), np.ones([3]));
 * console.log(model.apply(variables, np.ones([3])).shape); // [ 2 ]
 * ```
 */
export function jit<T>(target: T, options: LiftedJitOptions = {}): T {
  const op = "flax.jit";
  const { backend, staticArgnums } = options;
  const compiled = new WeakMap<Module, Map<string, Fn>>();
  return lifting(op, "Jit", target, options, (f) => (module, ...args) => {
    // A program reads the variables of a path: where the module is elsewhere it is another one.
    const { path } = needScope(protocol.need(op), module, op);
    let own = compiled.get(module);
    if (own === undefined) compiled.set(module, own = new Map());
    let program = own.get(path);
    if (program === undefined) {
      program = dictionary.jit((...xs: unknown[]) => f(module, ...xs), {
        backend,
        staticArgnums,
      }) as Fn;
      own.set(path, program);
    }
    return program(...args);
  });
}

/**
 * A module, or a function of one, whose values are computed again in the backward pass.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const Frugal = flax.remat(flax.Dense);
 * const model = new Frugal(2);
 * console.log(model.init(random.key(0), np.ones([3])).params!.bias!.shape); // [ 2 ]
 * ```
 */
export function remat<T>(target: T, options: TargetOptions = {}): T {
  return lifting(
    "flax.remat",
    "Checkpoint",
    target,
    options,
    (f: ModuleFunction) => (module, ...args) =>
      (dictionary.checkpoint((...xs: unknown[]) => f(module, ...xs)) as Fn)(...args),
  );
}

/**
 * One layer repeated with weights of its own for each time: a loop over weights that are stacked.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  expectInteger,
  formatShape,
  type OptionTable,
} from "../../lib/extend.ts";
import { NDArray, ShapeError, StateError, treeLeaves } from "../../mod.ts";
import { protocol, scopeIn } from "./context.ts";
import { nameScope, prefixIn } from "./scopes.ts";
import { transforms } from "./transform.ts";
import { layerNames, type TransparencyMap, unstacked } from "./unstacked.ts";

/** Options of `layerStack`. */
export interface LayerStackOptions {
  /** Whether the layers run from the last to the first (default false). */
  readonly reverse?: boolean | undefined;
  /** The name before those of the layers' entries. */
  readonly name?: string | undefined;
  /**
   * Whether each layer's entries are kept apart, as those of a plain loop are, and not stacked (default
   * false): those of `"linear"` under `"linear_0"`, `"linear_1"`, ...
   */
  readonly transparent?: boolean | undefined;
  /** With `transparent`: how modules of a layer are named, where that is to be otherwise. */
  readonly transparencyMap?: TransparencyMap | undefined;
}

const stackOptions: OptionTable<LayerStackOptions> = {
  reverse: "boolean",
  name: "string",
  transparent: "boolean",
  transparencyMap: "object",
};

function check(op: string, count: unknown, f: unknown, options: LayerStackOptions): void {
  expectInteger(op, count as number, "the number of layers", 1);
  const { transparent = false, transparencyMap: map, name } = options;
  if (map !== undefined) {
    if (!transparent) {
      throw new StateError(`${op}: transparencyMap is for { transparent: true }`);
    }
    for (const member of ["stackedToFlat", "flatToStacked"] as const) {
      if (typeof map?.[member] === "function") continue;
      throw new StateError(
        `${op}: transparencyMap must have the functions stackedToFlat(name, layer) and flatToStacked(name), ` +
          `but ${member} is ${describeValue(map?.[member])}`,
      );
    }
  }
  if (transparent && name !== undefined) {
    throw new StateError(
      `${op}: with { transparent: true } nothing stands before the names of the layers' entries; leave ` +
        `name, ${JSON.stringify(name)}, away`,
    );
  }
  if (typeof f === "function") return;
  throw new StateError(`${op}: expected the function of a layer, not ${describeValue(f)}`);
}

/** Runs `step` for each layer, whose entries are slices of those that are stacked below a name. */
function stacked<C, X, Y>(
  op: string,
  defaultName: string,
  count: number,
  options: LayerStackOptions,
  step: (carry: C, x: X) => readonly [C, Y],
  carry: C,
  xs: X,
): [C, Y] {
  const { name = defaultName, reverse = false, transparent = false } = options;
  const context = protocol.need(op);
  const flat = prefixIn(scopeIn(context));
  return nameScope(name, () => {
    const { module } = scopeIn(protocol.top()!);
    const isOwn = (path: string): number | null => path.startsWith(`${module}/`) ? 0 : null;
    // The trees of a carry and of what steps give are generic: the dictionary's types do not know them.
    const run = (): [C, Y] =>
      transforms.scan(step as never, carry as never, xs as never, {
        length: count,
        reverse,
        stateAxes: isOwn,
      }) as unknown as [C, Y];
    if (!transparent) return run();
    const map = options.transparencyMap ?? layerNames(count);
    return unstacked(op, context, { flat, stacked: `${module}/` }, count, map, run);
  });
}

/**
 * A function that applies `f` `count` times. Parameters and state that `f` makes are different ones in each
 * layer, and stacked along a first axis; modules that are made outside are shared. Each layer has random
 * keys of its own.
 *
 * @param f A layer. What it gives is what it takes: one value, or a list of as many as it has arguments.
 * @throws {StateError} where `f` is no function, and where it gives something else than it takes; where
 * names of `transparencyMap` clash.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) =>
 *   hk.layerStack(6, (x: NDArray) => np.tanh(new hk.Linear(4).call(x)), { name: "stack" })(x)
 * );
 * const params = model.init(random.key(0), np.ones([4]));
 * console.log(params["stack/linear"]!.w!.shape); // [ 6, 4, 4 ]
 *
 * // With the parameters of a plain loop.
 * const apart = hk.transform((x: NDArray) =>
 *   hk.layerStack(2, (x: NDArray) => new hk.Linear(4).call(x), { transparent: true })(x)
 * );
 * console.log(Object.keys(apart.init(random.key(0), np.ones([4])))); // [ "linear_0", "linear_1" ]
 * ```
 */
export function layerStack<A extends unknown[], R>(
  count: number,
  f: (...args: A) => R,
  options: LayerStackOptions = {},
): (...args: A) => R {
  checkCall("hk.layerStack(count, f, options)", arguments, stackOptions);
  const op = "hk.layerStack";
  check(op, count, f, options);
  return (...args) => {
    const step = (carry: A): readonly [A, null] => {
      const out = f(...carry);
      const list = carry.length === 1 ? [out] : out;
      if (Array.isArray(list) && list.length === carry.length) return [list as A, null];
      throw new StateError(
        `${op}: the layer takes ${carry.length} arguments and must give a list of as many, not ${
          describeValue(out)
        }`,
      );
    };
    const [last] = stacked(op, "__layer_stack_no_per_layer", count, options, step, args, null);
    return (args.length === 1 ? last[0] : last) as R;
  };
}

/**
 * As `layerStack`, where each layer has inputs of its own: slices of arrays along their first axis. Layers
 * give a value for the next one, and a result that is stacked.
 *
 * @throws {StateError} where `f` is no function, and where it does not give two.
 * @throws {ShapeError} where an array has not one slice for each layer.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray, ys: NDArray) =>
 *   hk.layerStackWithInputs(3, (x: NDArray, y: NDArray) => [x.add(y), x.mul(y)])(x, ys)
 * );
 * const [last, results] = model.apply({}, null, np.array(1), np.array([1, 2, 3])) as NDArray[];
 * console.log(last!.item(), results!.toArray()); // 7 [ 1, 4, 12 ]
 * ```
 */
export function layerStackWithInputs<C, A extends unknown[], Z>(
  count: number,
  f: (x: C, ...inputs: A) => readonly [C, Z],
  options: LayerStackOptions = {},
): (x: C, ...inputs: A) => [C, Z] {
  checkCall("hk.layerStackWithInputs(count, f, options)", arguments, stackOptions);
  const op = "hk.layerStackWithInputs";
  check(op, count, f, options);
  return (x, ...inputs) => {
    for (const leaf of treeLeaves(inputs)) {
      if (leaf instanceof NDArray && leaf.shape[0] === count) continue;
      throw new ShapeError(
        `${op}: inputs must be arrays with ${count} slices along the first axis, one for each layer, not ${
          leaf instanceof NDArray ? `shape ${formatShape(leaf.shape)}` : describeValue(leaf)
        }`,
      );
    }
    const step = (carry: C, own: A): readonly [C, Z] => {
      const out = f(carry, ...own) as unknown;
      // A list of two: what is in it is the user's promise.
      if (Array.isArray(out) && out.length === 2) return out as unknown as readonly [C, Z];
      throw new StateError(`${op}: the layer must give [x, result], not ${describeValue(out)}`);
    };
    return stacked(op, "__layer_stack_with_per_layer", count, options, step, x, inputs);
  };
}

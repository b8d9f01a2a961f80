/**
 * Explicit state: values beside a model that its layers read and replace.
 *
 * @module
 */
import {
  checkCall,
  deferred,
  describeValue,
  formatAval,
  sameAval,
  toArray,
} from "../../lib/extend.ts";
import {
  type Arrays,
  Context,
  type NDArray,
  registerPytreeNode,
  StateError,
  TreeError,
  treeFlatten,
  treeMap,
} from "../../mod.ts";
import { protocol } from "./context.ts";
import { innerOf, Module } from "./module.ts";

/**
 * Where a layer finds its state: held in a field of the layer, made with the initial value. Which entry
 * it is, is known once `makeWithState` has seen the whole model.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * class Counter extends eqx.Module {
 *   readonly calls: eqx.StateIndex<NDArray> = new eqx.StateIndex(np.array(0));
 *   call(x: NDArray, state: eqx.State): [NDArray, eqx.State] {
 *     const n = state.get(this.calls).add(1);
 *     return [x.mul(n), state.set(this.calls, n)];
 *   }
 * }
 * const [model, state] = eqx.makeWithState(Counter)();
 * const [y, after] = model.call(np.array(5), state);
 * console.log(y.item(), after.get(model.calls).item()); // 5 1
 * ```
 */
export class StateIndex<T = unknown> extends Module {
  /** Fields that are part of the structure. */
  static readonly staticFields: readonly string[] = ["path"];
  /** Where it is in the model, and the name of its entry; `null` before `makeWithState`. */
  readonly path: string | null = null;
  /** The initial value; `null` once it is in a state. */
  readonly init: Arrays<T> | null;

  /** `init` is a tree of arrays or numbers. */
  constructor(init: T) {
    super();
    if (typeof init === "function") {
      throw new TypeError(
        "eqx.StateIndex: the initial value must be a tree of arrays, not a function. Give the value itself",
      );
    }
    this.init = asArrays("new eqx.StateIndex", init) as Arrays<T>;
  }
}

function asArrays(op: string, value: unknown): unknown {
  return treeMap((leaf: unknown) => {
    const x = toArray(leaf);
    if (x !== null) return x;
    throw new TreeError(
      `${op}: state is a tree of arrays, but there is ${describeValue(leaf)} in it`,
    );
  }, value);
}

/**
 * The values of all entries of a model's state: a tree, which transforms take and give back. `set` gives
 * a new one and makes this one old: whoever uses an old one has dropped an update, and is told so.
 */
export class State {
  /** For types: a state has arrays as leaves already. */
  declare readonly "~arrays"?: State;
  #values: Readonly<Record<string, unknown>> | null;

  /** For this module: states come from `makeWithState`. */
  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** The values, unless it is old. */
  protected read(op: string): Readonly<Record<string, unknown>> {
    if (this.#values !== null) return this.#values;
    throw new StateError(
      `${op}: this state is old, since an update of it was made before. Code such as\n` +
        "  [x, state2] = layer1.call(x, state1)\n  [x, state3] = layer2.call(x, state1)\n" +
        "drops the update of layer1: pass state2. To use an old state on purpose, keep state.clone()",
    );
  }

  /**
   * The value of an entry.
   *
   * @throws {StateError} where the state is old, or has no such entry.
   */
  get<T>(index: StateIndex<T>): Arrays<T> {
    const path = pathOf("state.get", index);
    const values = this.read("state.get");
    if (Object.hasOwn(values, path)) return values[path] as Arrays<T>;
    throw noEntry("state.get", path, Object.keys(values));
  }

  /**
   * The state with another value of an entry; this one is old then.
   *
   * @throws {StateError} where the state is old, has no such entry, or the value has another structure,
   * shape or dtype than before.
   */
  set<T>(index: StateIndex<T>, value: NoInfer<Arrays<T>>): State {
    const path = pathOf("state.set", index);
    const values = this.read("state.set");
    if (!Object.hasOwn(values, path)) throw noEntry("state.set", path, Object.keys(values));
    const next = asArrays("state.set", value);
    checkSame(path, values[path], next);
    this.#values = null;
    return new State({ ...values, [path]: next });
  }

  /**
   * The entries of a part of the model alone; this state stays valid.
   *
   * @throws {StateError} where the part is not of this model.
   */
  substate(part: unknown): State {
    const values = this.read("state.substate");
    const own: Record<string, unknown> = {};
    for (const { index } of indicesIn(part)) {
      const path = pathOf("state.substate", index);
      if (!Object.hasOwn(values, path)) throw noEntry("state.substate", path, Object.keys(values));
      own[path] = values[path];
    }
    return new State(own);
  }

  /**
   * The state with all values of a part's state; this one is old then.
   *
   * @throws {StateError} where the other one has entries that this one has not.
   */
  update(substate: State): State {
    const values = this.read("state.update");
    const others = substate.read("state.update");
    for (const path of Object.keys(others)) {
      if (!Object.hasOwn(values, path)) throw noEntry("state.update", path, Object.keys(values));
      checkSame(path, values[path], others[path]);
    }
    this.#values = null;
    return new State({ ...values, ...others });
  }

  /** The same values once more, for who means to go on from here twice. */
  clone(): State {
    return new State(this.read("state.clone"));
  }

  /** The paths of its entries. */
  keys(): string[] {
    return Object.keys(this.read("state.keys"));
  }

  /** All values, by path. */
  values(): Readonly<Record<string, unknown>> {
    return this.read("state.values");
  }

  /** The paths with what is there. */
  toString(): string {
    if (this.#values === null) return "State(old)";
    return `State(${Object.entries(this.#values).map(([k, v]) => `${k}=${types(v)}`).join(", ")})`;
  }
}

registerPytreeNode(State, (state) => [state.values(), null], (values) => new State(values));

function types(value: unknown): string {
  const shown = treeFlatten(value)[0].map((x) => formatAval(x as NDArray));
  return shown.length === 1 ? shown[0]! : `[${shown.join(", ")}]`;
}

function pathOf(op: string, index: unknown): string {
  if (!(index instanceof StateIndex)) {
    throw new TypeError(`${op}: an entry is named by a StateIndex, not ${describeValue(index)}`);
  }
  if (index.path !== null) return index.path;
  throw new StateError(
    `${op}: the StateIndex belongs to no state. Make the model with eqx.makeWithState(Model)(...)`,
  );
}

function noEntry(op: string, path: string, known: readonly string[]): StateError {
  return new StateError(
    `${op}: the state has no entry ${path}; it has ${
      known.join(", ") || "none"
    }. Was it made with another ` +
      "model, or is it a substate?",
  );
}

/** Raises where a value is not like the one before. */
function checkSame(path: string, before: unknown, after: unknown): void {
  const [a, aDef] = treeFlatten(before) as [NDArray[], unknown];
  const [b, bDef] = treeFlatten(after) as [NDArray[], unknown];
  if (aDef === bDef && a.every((x, i) => sameAval(x.aval, b[i]!.aval))) return;
  throw new StateError(
    `state.set: the entry ${path} is ${types(before)} and cannot become ${
      types(after)
    }. An entry keeps its ` +
      "structure, shapes and dtypes; astype converts",
  );
}

/** All indices in a tree, with the path of each; those that are in it twice, twice. */
function indicesIn(tree: unknown): { index: StateIndex; path: string }[] {
  const out: { index: StateIndex; path: string }[] = [];
  const visit = (node: unknown, path: string): void => {
    if (node instanceof StateIndex) {
      out.push({ index: node, path });
      return;
    }
    const inner = innerOf(node);
    if (inner === null) return;
    for (const [name, child] of Object.entries(inner.children)) {
      visit(
        child,
        Array.isArray(node) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`,
      );
    }
  };
  visit(tree, "");
  return out;
}

/**
 * Makes a model and its initial state: `make` is the class of the model, or a function that makes it.
 *
 * @throws {StateError} where a part of the model was made with a state of its own.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const [norm, state] = eqx.makeWithState(eqx.nn.BatchNorm)(2, { mode: "batch" });
 * console.log(state.keys()); // [ "counter", "hidden" ]
 * const [y, after] = norm.call(np.array([[1, 2], [3, 6]]), state);
 * console.log(after.get(norm.counter).item()); // 1
 * ```
 */
export function makeWithState<A extends unknown[], M>(
  make: (new (...args: A) => M) | ((...args: A) => M),
): (...args: A) => [model: M, state: State] {
  if (arguments.length !== 1) checkCall("eqx.makeWithState(make)", arguments);
  if (typeof make !== "function") {
    throw new TypeError(
      `eqx.makeWithState: the argument must be a class or a function that makes a model, not ${
        describeValue(make)
      }. Write eqx.makeWithState(Model)(...args)`,
    );
  }
  const isClass = make.prototype instanceof Module;
  return (...args) => {
    const model = isClass
      ? new (make as new (...args: A) => M)(...args)
      : (make as (...args: A) => M)(...args);
    const paths = new Map<StateIndex, string>();
    const values: Record<string, unknown> = {};
    for (const { index, path } of indicesIn(model)) {
      if (paths.has(index)) continue;
      if (index.path !== null) {
        throw new StateError(
          `eqx.makeWithState: the StateIndex at ${path} belongs to a state already. Make the whole model with ` +
            "one makeWithState, and its parts without",
        );
      }
      paths.set(index, path);
      values[path] = index.init;
    }
    const named = (node: unknown): unknown => {
      if (node instanceof StateIndex) return placed(paths.get(node)!);
      const inner = innerOf(node);
      if (inner === null) return node;
      const children = Object.entries(inner.children).map(([name, x]) => [name, named(x)]);
      return inner.rebuild(Object.fromEntries(children));
    };
    return [paths.size === 0 ? model : named(model) as M, new State(values)];
  };
}

/** The index of an entry of a state. */
function placed(path: string): StateIndex {
  const index = Object.create(StateIndex.prototype);
  return Object.freeze(Object.assign(index, { path, init: null }));
}

/**
 * Stands for a state that is threaded by `eqx.transforms`: whoever has it reads and writes what is
 * current. It has no arrays, so that it may be passed through anything.
 */
class ThreadedState extends State {
  constructor() {
    super({});
  }

  override get<T>(index: StateIndex<T>): Arrays<T> {
    const path = pathOf("state.get", index);
    const context = protocol.need(`state.get of ${path}`);
    const value = context.get(path);
    if (value === undefined) throw noEntry("state.get", path, context.keys());
    return value as Arrays<T>;
  }

  override set<T>(index: StateIndex<T>, value: NoInfer<Arrays<T>>): State {
    const path = pathOf("state.set", index);
    const context = protocol.need(`state.set of ${path}`);
    const before = context.get(path);
    if (before === undefined) throw noEntry("state.set", path, context.keys());
    const next = asArrays("state.set", value);
    checkSame(path, before, next);
    context.set(path, next);
    return this;
  }

  override substate(): State {
    return this;
  }

  override update(): State {
    return this;
  }

  override clone(): State {
    throw new StateError(
      "state.clone: a state that is threaded has no copies. Do it outside of eqx.threadState",
    );
  }

  override keys(): string[] {
    return protocol.need("state.keys").keys();
  }

  override values(): Readonly<Record<string, unknown>> {
    const context = protocol.need("state.values");
    return Object.fromEntries(context.keys().map((key) => [key, context.get(key)]));
  }

  override toString(): string {
    return "State(threaded)";
  }
}

const threaded = new ThreadedState();
registerPytreeNode(ThreadedState, () => [{}, null], () => threaded);

/**
 * Runs a function with state that is threaded: library code that is given `eqx.transforms` carries it
 * through loops, branches, solvers and derivatives, though it knows nothing of it. Gives the result of
 * `f` and the state afterwards; the given state is old then.
 *
 * @param f Gets a state whose `set` gives the same one again; all layers work on it as on any other.
 *
 * @example
 * ```ts
 * import { fixedPoint, type NDArray, numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const [norm, state] = eqx.makeWithState(eqx.nn.BatchNorm)(1, { mode: "batch" });
 * const x = np.array([[1], [2]]);
 * const [z, after] = eqx.threadState(state, (state) =>
 *   fixedPoint((z: NDArray) => norm.call(z.mul(0.5).add(x), state)[0].mul(0.5), x, {
 *     transforms: eqx.transforms,
 *   }).value);
 * console.log(after.get(norm.counter).item()); // 1: one update, at the solution
 * ```
 */
export function threadState<R>(state: State, f: (state: State) => R): [out: R, state: State] {
  if (arguments.length !== 2) checkCall("eqx.threadState(state, f)", arguments);
  if (!(state instanceof State) || typeof f !== "function") {
    throw new TypeError(
      `eqx.threadState: the arguments must be a state and a function, not ${
        describeValue(state)
      } and ${describeValue(f)}. Write eqx.threadState(state, (state) => ...)`,
    );
  }
  if (state === threaded) return [f(threaded), threaded];
  const context = Context.open(protocol, { entries: state.values() });
  const out = protocol.run(context, () => {
    const result = f(threaded);
    const later = deferred(result);
    if (later === null) return result;
    throw new StateError(`eqx.threadState: the function returned ${later}; it must be synchronous`);
  });
  const after = new State(Object.fromEntries(context.keys().map((k) => [k, context.get(k)])));
  return [out, state.update(after)];
}

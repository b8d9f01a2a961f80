/**
 * What a Haiku-style context holds: parameters, state, a random stream and the names of modules under
 * construction; and the functions by which modules reach it. `protocol` shows all that to the lifting
 * engine, which derives the transforms from it.
 *
 * Contexts live on a stack for synchronous code; one never spans an `await`.
 *
 * @module
 */
import {
  checkCall,
  currentTrace,
  describeValue,
  formatShape,
  isDType,
  type OptionTable,
  sameShape,
  toArray,
  type Trace,
} from "../../lib/extend.ts";
import {
  type DType,
  type Entries,
  type NDArray,
  type Phase,
  random,
  type RngState,
  ShapeError,
  type StateBundle,
  StateError,
  type StateProtocol,
} from "../../mod.ts";

/** A method call in progress, or the function that was transformed at the bottom. */
export interface Scope {
  /** Full name of the module; `""` at the bottom. */
  readonly module: string;
  /** Name of the method; `"~"` while submodules are made in a constructor. */
  readonly method: string;
  /** The class whose method of that name was called, as its distance from `Module`; 0 for none. */
  readonly owner: number;
  /** How often each module name was used in this call. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Makes an array of the given shape and dtype; draws random numbers with `nextRngKey`. */
export type Initializer = (shape: readonly number[], dtype: DType) => NDArray;

/** Options of `getParameter` and `getState`. */
export interface EntryOptions {
  /** Element type, float32 where left out. */
  readonly dtype?: DType | undefined;
  /** How to make the initial value. */
  readonly init?: Initializer | undefined;
}

/** The name of the one random stream. */
export const stream = "rng";

class Frame {
  readonly params: Record<string, unknown>;
  readonly state: Record<string, unknown>;
  readonly initial: Record<string, unknown>;
  readonly phase: Phase;
  readonly trace: Trace = currentTrace();
  scopes: Scope[];
  rng: RngState | null;

  constructor(bundle: StateBundle) {
    this.params = { ...bundle.params };
    this.state = { ...bundle.state };
    this.initial = { ...bundle.initial };
    this.phase = bundle.phase;
    this.rng = bundle.rng[stream] ?? null;
    this.scopes = [...bundle.names as Scope[]];
  }

  bundle(): StateBundle {
    const { params, state, initial, rng, phase } = this;
    return {
      params: { ...params },
      state: { ...state },
      initial: { ...initial },
      rng: rng === null ? {} : { [stream]: rng },
      phase,
      names: [...this.scopes],
    };
  }
}

const frames: Frame[] = [];

/** The names at the start of a transformed function. */
export const topScopes: readonly Scope[] = [{ module: "", method: "", owner: 0, counters: {} }];

/** The innermost context, or an error that says what needs one. */
function frameFor(what: string): Frame {
  const frame = frames.at(-1);
  if (frame === undefined) {
    throw new StateError(
      `${what} must be used inside hk.transform or hk.transformWithState: wrap the function that uses ` +
        "modules, then call init and apply",
    );
  }
  if (frame.trace !== currentTrace()) {
    throw new StateError(
      `${what}: module state was reached inside ${currentTrace().what}, a pure transform applied ` +
        "to a function with state, which would leak or lose that state. Use hk.transforms instead " +
        "(hk.transforms.vmap, hk.transforms.scan, ...), or pass { transforms: hk.transforms } to the " +
        "library function that applies it",
    );
  }
  return frame;
}

/** Whether a context is open. */
export function insideTransform(): boolean {
  return frames.length > 0;
}

/**
 * Whether `init` is running.
 *
 * @throws {StateError} outside of a transformed function, and inside a pure transform: what that
 * compiles or records would hold the answer for good.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => hk.runningInit() ? x : x.mul(2));
 * model.init(null, np.array(3)); // runs the function on x itself
 * console.log(model.apply({}, null, np.array(3)).item()); // 6
 * ```
 */
export function runningInit(): boolean {
  if (arguments.length > 0) checkCall("hk.runningInit()", arguments);
  return frameFor("hk.runningInit").phase !== "apply";
}

/** Access to the names of an open context. */
export interface Names {
  /** The calls in progress, innermost last. */
  get(): Scope[];
  /** Replaces them. */
  set(scopes: Scope[]): void;
}

function namesOf(frame: Frame): Names {
  return {
    get: () => frame.scopes,
    set(scopes) {
      frame.scopes = scopes;
    },
  };
}

/**
 * The names, to take one. Inside a pure transform that is an error: a function that is recorded once
 * and run many times would take its names once.
 */
export function namesToTake(what: string): Names {
  return namesOf(frameFor(what));
}

/** The names, to enter a method and leave it as it was, which may be done anywhere. */
export function namesToEnter(what: string): Names {
  return namesOf(frames.at(-1) ?? frameFor(what));
}

function entryName(name: string, op: string): string {
  if (typeof name !== "string" || name === "" || name.includes("/") || name === "__proto__") {
    throw new StateError(
      `${op}: a name is a non-empty string without "/", not ${describeValue(name)}`,
    );
  }
  const { module } = frames.at(-1)!.scopes.at(-1)!;
  return `${module === "" ? "~" : module}/${name}`;
}

/** A name as users write it, and what stands in its place. */
function quoted(name: unknown): string {
  return typeof name === "string" ? JSON.stringify(name) : describeValue(name);
}

/** FNV-1a, to draw a key for an entry from its name. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash;
}

/** Runs an initialiser with a stream that belongs to the entry. */
function makeEntry(
  frame: Frame,
  op: string,
  path: string,
  shape: readonly number[],
  dtype: DType,
  init: Initializer,
): NDArray {
  const saved = frame.rng;
  if (saved !== null) {
    const { root } = saved;
    frame.rng = { key: random.foldIn(root, hashName(path)), count: 0, root };
  }
  try {
    const value = toArray(init(shape, dtype));
    if (value === null) {
      throw new StateError(`${op}: the initialiser of ${path} did not return an array`);
    }
    if (!sameShape(value.shape, shape)) {
      throw new ShapeError(
        `${op}: the initialiser of ${path} returned shape ${formatShape(value.shape)}, not ${
          formatShape(shape)
        }`,
      );
    }
    return value;
  } finally {
    frame.rng = saved;
  }
}

/** Checks that a shape is one. */
function checkShape(op: string, name: string, shape: unknown): void {
  if (Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && n >= 0)) return;
  const found = Array.isArray(shape) ? formatShape(shape) : describeValue(shape);
  throw new ShapeError(
    `${op}: the shape of ${
      JSON.stringify(name)
    } must be a list of lengths, [] for a scalar, not ${found}`,
  );
}

const entryOptions: OptionTable<EntryOptions> = { init: "function", dtype: "dtype" };

function checkOptions(op: string, options: EntryOptions): DType {
  const { dtype = "float32" } = options;
  if (!isDType(dtype)) throw new StateError(`${op}: ${describeValue(dtype)} is not a dtype`);
  return dtype;
}

/**
 * A parameter of the current module: created by `init` while initialising, read from the parameters
 * that `apply` was given after that. The current module is the one whose method is running. A
 * constructor is none of its methods: there, call it in `this.submodules(() => ...)`.
 *
 * @param name Name within the module, without `/`.
 * @param shape Shape; an existing parameter must have it. `[]` for a scalar.
 * @throws {StateError} where the parameter does not exist after initialisation, or nothing says how
 * to make it; where the name or the dtype is none; outside of a transformed function, and inside a
 * pure transform.
 * @throws {ShapeError} where the parameter, or what the initialiser makes, has another shape.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) =>
 *   x.mul(hk.getParameter("scale", x.shape, { init: hk.initializers.constant(2) }))
 * );
 * const params = model.init(null, np.ones([3])); // outside of modules, names are under "~"
 * console.log(params["~"]!.scale!.toArray()); // [ 2, 2, 2 ]
 * console.log(model.apply(params, null, np.array([1, 2, 3])).toArray()); // [ 2, 4, 6 ]
 * ```
 */
export function getParameter(
  name: string,
  shape: readonly number[],
  options: EntryOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("hk.getParameter(name, shape, options)", arguments, entryOptions);
  }
  const frame = frameFor(`hk.getParameter(${quoted(name)})`);
  const path = entryName(name, "hk.getParameter");
  checkShape("hk.getParameter", name, shape);
  const dtype = checkOptions("hk.getParameter", options);
  let value = frame.params[path] as NDArray | undefined;
  if (value === undefined) {
    if (frame.phase !== "init") throw missing(frame, path);
    if (options.init === undefined) {
      throw new StateError(
        `hk.getParameter: ${path} does not exist yet: give an initialiser, init`,
      );
    }
    value = makeEntry(frame, "hk.getParameter", path, shape, dtype, options.init);
    frame.params[path] = value;
  }
  if (!sameShape(value.shape, shape)) {
    throw new ShapeError(
      `hk.getParameter: ${path} has shape ${formatShape(value.shape)}, but ${
        formatShape(shape)
      } was asked for. Were the parameters made for other inputs?`,
    );
  }
  return value;
}

function missing(frame: Frame, path: string): StateError {
  return new StateError(
    frame.phase === "apply"
      ? `hk.getParameter: ${path} is not among the parameters that apply was given. All parameters must be ` +
        `created by init; the parameters are ${Object.keys(frame.params).join(", ") || "none"}`
      : `hk.getParameter: ${path} does not exist, and cannot be created any more: init runs the functions that ` +
        "are given to transforms once to create what they need, but neither their derivative rules nor " +
        "solvers. Create it before, for example with hk.transforms.initialize(f, ...args)",
  );
}

/**
 * A state entry of the current module, as it is now.
 *
 * @param name Name within the module, without `/`.
 * @param shape Shape, needed where the entry may have to be made; an existing entry must have it.
 * @throws {StateError} where the entry does not exist and nothing says how to make it; where the
 * name or the dtype is none; outside of a transformed function, and inside a pure transform.
 * @throws {ShapeError} where the entry, or what the initialiser makes, has another shape.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const total = hk.transformWithState((x: NDArray) => {
 *   const sum = hk.getState("sum", x.shape, { init: hk.initializers.constant(0) }).add(x);
 *   hk.setState("sum", sum);
 *   return sum;
 * });
 * const [params, state] = total.init(null, np.zeros([2]));
 * console.log(state["~"]!.sum!.toArray()); // [ 0, 0 ], whatever init wrote after that
 * const [, after] = total.apply(params, state, null, np.array([1, 2]));
 * console.log(total.apply(params, after, null, np.array([3, 4]))[0].toArray()); // [ 4, 6 ]
 * ```
 */
export function getState(
  name: string,
  shape?: readonly number[],
  options: EntryOptions = {},
): NDArray {
  if (arguments.length > 2) {
    checkCall("hk.getState(name, shape, options)", arguments, entryOptions);
  }
  const frame = frameFor(`hk.getState(${quoted(name)})`);
  const path = entryName(name, "hk.getState");
  if (shape !== undefined) checkShape("hk.getState", name, shape);
  const dtype = checkOptions("hk.getState", options);
  if (!(path in frame.state)) {
    if (options.init === undefined || shape === undefined) {
      throw new StateError(
        `hk.getState: ${path} has no value yet: give its shape and an initialiser, init, or set it first`,
      );
    }
    const value = makeEntry(frame, "hk.getState", path, shape, dtype, options.init);
    frame.initial[path] = value;
    frame.state[path] = value;
  }
  const value = frame.state[path] as NDArray;
  if (shape !== undefined && !sameShape(value.shape, shape)) {
    throw new ShapeError(
      `hk.getState: ${path} has shape ${formatShape(value.shape)}, but ${
        formatShape(shape)
      } was asked for. Was the state made for other inputs, or did setState give it this shape?`,
    );
  }
  return value;
}

/**
 * Sets a state entry of the current module, which is made where it does not exist: then this value
 * is also the initial one that `init` gives. A number takes the dtype of the entry that it
 * replaces; an array may have any shape and dtype, but inside transforms the entry must keep its
 * own.
 *
 * @param name Name within the module, without `/`.
 * @throws {StateError} where the name is none, or the value is not an array; outside of a
 * transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const delay = hk.transformWithState((x: NDArray) => {
 *   const before = hk.getState("last", [], { init: hk.initializers.constant(0) });
 *   hk.setState("last", x);
 *   return before;
 * });
 * const [params, state] = delay.init(null, np.array(0));
 * const [out, after] = delay.apply(params, state, null, np.array(7));
 * console.log(out.item(), after["~"]!.last!.item()); // 0 7
 * ```
 */
export function setState(name: string, value: NDArray | number | boolean): void {
  if (arguments.length > 2) checkCall("hk.setState(name, value)", arguments);
  const frame = frameFor(`hk.setState(${quoted(name)})`);
  const path = entryName(name, "hk.setState");
  const old = frame.state[path] as NDArray | undefined;
  let array = toArray(value);
  if (array === null) {
    throw new StateError(
      `hk.setState: the value of ${path} is ${describeValue(value)}, not an array`,
    );
  }
  if (old === undefined) frame.initial[path] = array;
  else if (typeof value !== "object") array = array.astype(old.dtype);
  frame.state[path] = array;
}

/**
 * A fresh random key, uint32 [2], or `null` where the context was given none.
 *
 * @throws {StateError} outside of a transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const dropout = hk.transform((x: NDArray) => {
 *   const key = hk.maybeNextRngKey();
 *   return key === null ? x : x.mul(random.bernoulli(key, 0.5, x.shape)).mul(2);
 * });
 * console.log(dropout.apply({}, null, np.ones([3])).toArray()); // [ 1, 1, 1 ]
 * console.log(dropout.apply({}, random.key(0), np.ones([3])).toArray()); // [ 0, 2, 2 ]
 * ```
 */
export function maybeNextRngKey(): NDArray | null {
  if (arguments.length > 0) checkCall("hk.maybeNextRngKey()", arguments);
  const frame = frameFor("hk.nextRngKey");
  if (frame.rng === null) return null;
  const { key, count, root } = frame.rng;
  frame.rng = { key, count: count + 1, root };
  return random.foldIn(key, count);
}

/**
 * A fresh random key, uint32 [2]: another at each call, and the same ones for the same key of
 * `init` or `apply`.
 *
 * @throws {StateError} where `init` or `apply` was given no key; outside of a transformed function,
 * and inside a pure transform.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const noise = hk.transform(() => random.normal(hk.nextRngKey(), [3]));
 * const draw = (seed: number) => noise.apply({}, random.key(seed));
 * console.log(np.allClose(draw(1), draw(1)).item()); // 1
 * console.log(np.allClose(draw(1), draw(2)).item()); // 0
 * ```
 */
export function nextRngKey(): NDArray {
  if (arguments.length > 0) checkCall("hk.nextRngKey()", arguments);
  const key = maybeNextRngKey();
  if (key === null) {
    throw new StateError(
      "hk.nextRngKey: no random key: pass one, random.key(seed), to init or apply instead of null",
    );
  }
  return key;
}

/**
 * Haiku as the lifting engine sees it: for `registerStatefulLibrary`, and for dictionaries of one's
 * own by `liftTransforms`.
 *
 * `snapshot` and `commit` raise `StateError` outside of a transformed function, and inside a pure
 * transform.
 *
 * @example
 * ```ts
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform(() => {
 *   hk.getParameter("w", [], { init: hk.initializers.constant(1) });
 *   console.log(hk.protocol.active(), Object.keys(hk.protocol.snapshot().params));
 *   return 0;
 * });
 * model.init(null);
 * console.log(hk.protocol.active());
 * // true [ "~/w" ]
 * // false
 * ```
 */
export const protocol: StateProtocol = {
  system: "Haiku",
  dictionary: "hk.transforms",
  active: insideTransform,
  snapshot: () => frameFor("hk.transforms").bundle(),
  commit(bundle) {
    const frame = frameFor("hk.transforms");
    const replace = (target: Record<string, unknown>, source: Entries): void => {
      for (const key of Object.keys(target)) if (!(key in source)) delete target[key];
      Object.assign(target, source);
    };
    replace(frame.params, bundle.params);
    replace(frame.state, bundle.state);
    replace(frame.initial, bundle.initial);
    frame.rng = bundle.rng[stream] ?? null;
    frame.scopes = [...bundle.names as Scope[]];
  },
  run<T>(bundle: StateBundle, f: () => T): [T, StateBundle] {
    const frame = new Frame(bundle);
    frames.push(frame);
    try {
      const result = f();
      return [result, frame.bundle()];
    } finally {
      frames.pop();
    }
  },
};

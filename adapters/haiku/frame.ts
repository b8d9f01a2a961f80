/**
 * What a Haiku-style context holds: parameters, state, a random stream and the names of modules under
 * construction; and the functions by which modules reach it. `protocol` shows all that to the lifting
 * engine, which derives the transforms from it.
 *
 * Contexts live on a stack for synchronous code; one never spans an `await`.
 *
 * @module
 */
import type { NDArray } from "../../lib/core/array.ts";
import { sameShape } from "../../lib/core/aval.ts";
import { type DType, isDType } from "../../lib/core/dtype.ts";
import { describeValue, formatShape, ShapeError, StateError } from "../../lib/core/errors.ts";
import { currentTrace, type Trace } from "../../lib/core/trace.ts";
import { foldIn } from "../../lib/api/random.ts";
import type { Entries, Phase, RngState, StateBundle, StateProtocol } from "../../lib/lift/mod.ts";
import { toArray } from "../../lib/transforms/trees.ts";

/** A method call in progress, or the function that was transformed at the bottom. */
export interface Scope {
  /** Full name of the module; `""` at the bottom. */
  readonly module: string;
  /** Name of the method; `"~"` while submodules are made in a constructor. */
  readonly method: string;
  /** Name of the class whose method of that name was called. */
  readonly owner: string;
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
export const topScopes: readonly Scope[] = [{ module: "", method: "", owner: "", counters: {} }];

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
 */
export function runningInit(): boolean {
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
    frame.rng = { key: foldIn(root, hashName(path)), count: 0, root };
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
  const whole = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= 0;
  if (Array.isArray(shape) && shape.every(whole)) return;
  const found = Array.isArray(shape) ? formatShape(shape) : describeValue(shape);
  throw new ShapeError(
    `${op}: the shape of ${
      JSON.stringify(name)
    } must be a list of lengths, [] for a scalar, not ${found}`,
  );
}

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
 * @param shape Shape; an existing parameter must have it.
 * @throws {StateError} where the parameter does not exist after initialisation, or nothing says how to
 * make it.
 */
export function getParameter(
  name: string,
  shape: readonly number[],
  options: EntryOptions = {},
): NDArray {
  const frame = frameFor(`hk.getParameter(${JSON.stringify(name)})`);
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
 * @throws {StateError} where the entry does not exist and nothing says how to make it.
 * @throws {ShapeError} where the entry has another shape.
 */
export function getState(
  name: string,
  shape?: readonly number[],
  options: EntryOptions = {},
): NDArray {
  const frame = frameFor(`hk.getState(${JSON.stringify(name)})`);
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

/** Sets a state entry of the current module. A number takes the dtype of the entry that it replaces. */
export function setState(name: string, value: NDArray | number | boolean): void {
  const frame = frameFor(`hk.setState(${JSON.stringify(name)})`);
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

/** A fresh random key, or `null` where the context was given none. */
export function maybeNextRngKey(): NDArray | null {
  const frame = frameFor("hk.nextRngKey");
  if (frame.rng === null) return null;
  const { key, count, root } = frame.rng;
  frame.rng = { key, count: count + 1, root };
  return foldIn(key, count);
}

/**
 * A fresh random key.
 *
 * @throws {StateError} where `init` or `apply` was given no key.
 */
export function nextRngKey(): NDArray {
  const key = maybeNextRngKey();
  if (key === null) {
    throw new StateError(
      "hk.nextRngKey: no random key: pass one, random.key(seed), to init or apply instead of null",
    );
  }
  return key;
}

/** Haiku as the lifting engine sees it. */
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

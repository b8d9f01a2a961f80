/**
 * What all lifted transforms share: initialising, running a user's function over a snapshot, keeping
 * account of what it wrote and drew, and committing that. See `lift.ts` for the idea.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { formatAval, sameAval } from "../core/aval.ts";
import { describeValue, InternalError, StateError } from "../core/errors.ts";
import { treeFlatten, treeUnflatten } from "../core/tree.ts";
import { toArray } from "../transforms/trees.ts";
import { members } from "../transforms/pure.ts";
import type { Transforms } from "../transforms/types.ts";
import type { Entries, RngState, StateBundle, StateProtocol } from "./protocol.ts";
import { folded, forked, mapStreams } from "./streams.ts";

/** Any function, by its untyped signature. */
export type Fn = (...args: unknown[]) => unknown;

/** The pure members by their untyped signatures: what is lifted has types of its own. */
export const pure: Record<keyof Transforms, Fn> = members as Record<keyof Transforms, Fn>;

/** What a run of a user's function did to its context. */
export interface Effects {
  /** The state entries that it wrote, with their new values. */
  readonly written: Entries;
  /** The random streams that it drew from. */
  readonly drawn: readonly string[];
  /** The names in force after it. */
  readonly names: unknown;
}

/** The outcome of running a user's function in a context of its own. */
export interface Outcome extends Effects {
  /** Its result. */
  readonly out: unknown;
  /** All state entries after it. */
  readonly state: Entries;
}

/** What a derivative rule needs of a context in order to run after that has been closed. */
export interface Held {
  /** What derivatives flow to. */
  readonly free: { readonly params: unknown; readonly state: unknown };
  /** The keys of the streams. */
  readonly keys: unknown;
}

/** Lifts transforms for one system. */
export class Engine {
  constructor(readonly protocol: StateProtocol, readonly strict: boolean) {}

  /** A member as users write it. */
  label(name: string): string {
    return `${this.protocol.dictionary}.${name}`;
  }

  /** Lifts a member that gives a function: outside of a context that is the pure member's. */
  member(
    name: keyof Transforms,
    lift: (f: Fn, ...options: unknown[]) => (args: unknown[]) => unknown,
  ): Fn {
    return (...params) => {
      const outside = pure[name](...params) as Fn;
      const inside = lift(...params as [Fn]);
      const lifted = (...args: unknown[]): unknown =>
        this.protocol.active() ? this.#restoring(() => inside(args)) : outside(...args);
      return Object.defineProperty(lifted, "name", { value: outside.name });
    };
  }

  /** Lifts a member that runs at once. */
  now(name: keyof Transforms, lifted: Fn): Fn {
    return (...params) =>
      this.protocol.active() ? this.#restoring(() => lifted(...params)) : pure[name](...params);
  }

  /** An exception leaves the context as it was, also what initialising had created. */
  #restoring<T>(f: () => T): T {
    const before = this.protocol.snapshot();
    try {
      return f();
    } catch (error) {
      this.protocol.commit(before);
      throw error;
    }
  }

  /**
   * Creates the entries that `f` needs, by running it once, and nothing else. `args` are made only
   * where that is to be done. Gives the names in force after it.
   */
  initialize(f: unknown, args: () => readonly unknown[], names?: unknown): unknown {
    const before = this.protocol.snapshot();
    const from = names ?? before.names;
    // What is not a function is left to the pure transform to report.
    if (before.phase !== "init" || typeof f !== "function") return from;
    const values = args();
    const [, after] = this.protocol.run(
      { ...before, rng: forked(before.rng), names: from },
      () => (f as Fn)(...values),
    );
    const created = newKeys(before.state, after.state);
    this.protocol.commit({
      ...before,
      params: after.params,
      state: { ...before.state, ...pick(after.initial, created) },
      initial: { ...before.initial, ...pick(after.initial, created) },
    });
    return after.names;
  }

  /** Begins the real run of a transform, once all entries exist. */
  begin(name: string): Application {
    return new Application(this, this.label(name));
  }

  /** Runs `f` over a bundle. It may write state entries, but neither create nor retype them. */
  execute(where: string, bundle: StateBundle, f: () => unknown): Outcome {
    const [out, after] = this.protocol.run(bundle, f);
    const written: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(after.state)) {
      if (!Object.hasOwn(bundle.state, name)) {
        throw new StateError(
          `${where}: the state entry ${name} was created inside the transform outside of initialisation. ` +
            "Create it before, or during init",
        );
      }
      if (sameEntry(value, bundle.state[name])) continue;
      checkSameTypes(where, name, bundle.state[name], value);
      written[name] = value;
    }
    return {
      out,
      state: { ...bundle.state, ...written },
      written,
      drawn: Object.keys(bundle.rng).filter((k) => bundle.rng[k]!.count !== after.rng[k]?.count),
      names: after.names,
    };
  }

  /** `transform` applied to a function with what it writes as an auxiliary output. */
  threaded(
    name: keyof Transforms,
    f: Fn,
    args: unknown[],
    transform: (call: Fn, app: Application) => [result: unknown, written: unknown],
  ): unknown {
    this.initialize(f, () => asArrays(args));
    const app = this.begin(name);
    const call = (...xs: unknown[]): [unknown, Entries] => {
      const { out, written } = app.run(() => f(...xs));
      return [out, written];
    };
    const [result, written] = transform(instead(f, call), app);
    app.commit(written);
    return result;
  }
}

/** One application of a transform: the context that its functions run over, and what they did. */
export class Application {
  readonly #outer: StateBundle;
  readonly #written = new Set<string>();
  readonly #drawn = new Set<string>();
  /** What the functions run over: all entries exist, and the streams are its own. */
  readonly inner: StateBundle;
  /** The names in force after the last run. */
  names: unknown;

  constructor(readonly engine: Engine, readonly where: string) {
    this.#outer = engine.protocol.snapshot();
    this.inner = {
      ...this.#outer,
      phase: this.#outer.phase === "init" ? "settled" : this.#outer.phase,
      rng: forked(this.#outer.rng),
    };
    this.names = this.inner.names;
  }

  /** Runs one of the functions; what it does counts. */
  run(f: () => unknown, change: Partial<StateBundle> = {}): Outcome {
    const outcome = this.engine.execute(this.where, { ...this.inner, ...change }, f);
    this.record(outcome);
    return outcome;
  }

  /** Counts what a function did. */
  record(effects: Effects): void {
    for (const name of Object.keys(effects.written)) this.#written.add(name);
    for (const name of effects.drawn) this.#drawn.add(name);
    this.names = effects.names;
  }

  /**
   * Runs a solver: what it draws counts, what it writes does not. Gives its result. Streams of
   * solvers with different numbers differ, and from those of the function itself.
   */
  solving(number: number, f: () => unknown): unknown {
    const rng = folded(this.inner.rng, number);
    const { out, drawn } = this.engine.execute(this.where, { ...this.inner, rng }, f);
    this.record({ written: {}, drawn, names: this.names });
    return out;
  }

  /** Runs a function that leaves no trace, as derivative rules do; gives its result. */
  aside(f: () => unknown, change: Partial<StateBundle> = {}): unknown {
    return this.engine.protocol.run({ ...this.inner, ...change }, f)[0];
  }

  /** Runs a function that must not write or draw; `what` is its name for messages. */
  reading(what: string, f: () => unknown, change: Partial<StateBundle> = {}): Outcome {
    const outcome = this.engine.execute(this.where, { ...this.inner, ...change }, f);
    const written = Object.keys(outcome.written);
    if (written.length > 0) {
      throw new StateError(
        `${what} may only read state, but it wrote ${
          written.join(", ")
        }. Write it in the body instead`,
      );
    }
    if (outcome.drawn.length > 0) {
      throw new StateError(
        `${what} may only read state, but it drew a random key. Draw it in the body, or before the loop`,
      );
    }
    return outcome;
  }

  /** Parameters and state entries by path. */
  entries(paths: readonly string[]): Entries {
    const { params, state } = this.inner;
    if (!Array.isArray(paths)) {
      throw new StateError(
        `${this.where}: entries must be a list of paths, not ${describeValue(paths)}`,
      );
    }
    for (const path of paths) {
      if (Object.hasOwn(params, path) || Object.hasOwn(state, path)) continue;
      const known = [...Object.keys(params), ...Object.keys(state)].sort();
      throw new StateError(
        `${this.where}: there is no parameter or state entry ${describeValue(path)}. There ${
          known.length === 0 ? "are none" : `is ${known.join(", ")}`
        }`,
      );
    }
    return pick({ ...state, ...params }, paths);
  }

  /** The change to a bundle that gives entries, parameters or state, other values. */
  withEntries(values: Entries): Partial<StateBundle> {
    const { params, state } = this.inner;
    const isParam = (path: string): boolean => Object.hasOwn(params, path);
    const paths = Object.keys(values);
    return {
      params: { ...params, ...pick(values, paths.filter(isParam)) },
      state: { ...state, ...pick(values, paths.filter((p) => !isParam(p))) },
    };
  }

  /** What is passed to derivative rules by way of arguments, since they may run late. */
  hold(): Held {
    const { params, state, rng } = this.inner;
    return { free: { params, state }, keys: mapStreams(rng, (s) => s.key) };
  }

  /**
   * The values of the entries that were written. All must be there: one run of a function may write
   * an entry that another leaves as it was, and an entry must not end up without a value.
   */
  #taken(state: Entries): Entries {
    for (const name of this.#written) {
      if (Object.hasOwn(state, name)) continue;
      throw new InternalError(
        `${this.where}: the state entry ${name} was written, but has no value`,
      );
    }
    return pick(state, [...this.#written]);
  }

  /** Puts the values of the entries that were written, taken from `state`, into the context. */
  commit(state: unknown): void {
    const outer = this.#outer;
    const advanced = (s: RngState, name: string): RngState =>
      this.#drawn.has(name) ? { ...s, count: s.count + 1 } : s;
    this.engine.protocol.commit({
      ...outer,
      state: { ...outer.state, ...this.#taken(state as Entries) },
      rng: mapStreams(outer.rng, advanced),
      names: this.names,
    });
  }
}

/** The part of a bundle that was held. */
export function release(free: unknown, keys: unknown): Partial<StateBundle> {
  const { params, state } = free as { params: Entries; state: Entries };
  return {
    params,
    state,
    rng: mapStreams(keys as Readonly<Record<string, NDArray>>, (key) => ({
      key,
      count: 0,
      root: key,
    })),
  };
}

/** Names that `after` has and `before` lacks. */
export function newKeys(before: Entries, after: Entries): string[] {
  return Object.keys(after).filter((k) => !Object.hasOwn(before, k));
}

/** Some of the entries. */
function pick(entries: Entries, keys: readonly string[]): Entries {
  return Object.fromEntries(keys.map((k) => [k, entries[k]]));
}

/** A tree whose leaves are arrays as far as they can be: what transforms hand to functions. */
export function asArrays<T>(tree: T): T {
  const [leaves, def] = treeFlatten(tree);
  return treeUnflatten(def, leaves.map((x) => toArray(x) ?? x)) as T;
}

/**
 * What to pass to a pure transform in place of a user's function: a function under the same name.
 * What is not a function is passed on, so that the pure transform reports it.
 */
export function instead(f: unknown, wrapper: Fn): Fn {
  return typeof f === "function"
    ? Object.defineProperty(wrapper, "name", { value: f.name })
    : f as Fn;
}

/** Whether two entries are the same arrays in the same structure. */
function sameEntry(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const [x, xDef] = treeFlatten(a);
  const [y, yDef] = treeFlatten(b);
  return xDef === yDef && x.every((leaf, i) => leaf === y[i]);
}

function checkSameTypes(where: string, name: string, before: unknown, after: unknown): void {
  const [a, aDef] = treeFlatten(before);
  const [b, bDef] = treeFlatten(after);
  const type = (x: unknown): string => x instanceof NDArray ? formatAval(x.aval) : typeof x;
  const same = aDef === bDef && a.every((x, i) => {
    const y = b[i];
    return x instanceof NDArray && y instanceof NDArray && sameAval(x.aval, y.aval);
  });
  if (same) return;
  const foreign = [...a, ...b].find((x) => !(x instanceof NDArray));
  if (foreign !== undefined) {
    throw new StateError(
      `${where}: the state entry ${name} holds ${
        describeValue(foreign)
      }. Entries must be arrays or trees of ` +
        "arrays inside transforms: make it one with np.array",
    );
  }
  throw new StateError(
    `${where}: the state entry ${name} changed its type from ${a.map(type).join(", ")} to ${
      b.map(type).join(", ")
    }. Inside a transform an entry keeps its shape and dtype`,
  );
}

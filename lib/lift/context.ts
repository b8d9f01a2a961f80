/**
 * What a stateful system holds while a function runs: entries, names, random streams. A context within
 * another is an overlay over it, which costs what is touched, and keeps the account of what was done.
 *
 * @module
 */
import {
  currentTrace,
  isKnownIn,
  OuterTraceError,
  StateError,
  type Trace,
  treeFlatten,
  withTrace,
} from "../core/mod.ts";
import {
  type Account,
  type ChildOptions,
  type ContextOptions,
  type EntrySource,
  keyStreams,
  type Stream,
  type StreamRules,
} from "./streams.ts";
import { Names, type Settings } from "./names.ts";

/** How to look into a stateful system. `contextStack` makes one. */
export interface StateProtocol {
  /** The system's name, for messages: `"Haiku"`. */
  readonly system: string;
  /** How users write its dictionary, for messages: `"hk.transforms"`. */
  readonly dictionary: string;
  /**
   * The innermost context, if it was made in the trace that is running; else `null`: inside of a pure
   * transform there is no state to thread.
   */
  current(): Context | null;
  /** Runs `f` with a context as the innermost one. */
  run<T>(context: Context, f: () => T): T;
  /** How its streams are split; `keyStreams` where left out. */
  readonly streams?: StreamRules | undefined;
  /** Collections that options may name where nothing is in them: `["params", "state"]`. */
  readonly collections?: readonly string[] | undefined;
  /** Names that decide what is computed. */
  readonly settings?: Settings | undefined;
  /** Where values live in objects: brings a context up to date with these, by `set` and `delete`. */
  pull?(context: Context): void;
  /** Where values live in objects: gives these the values of a context. */
  push?(context: Context): void;
}

/**
 * The context of a stateful system. A system opens one for each `init` or `apply`, and reaches it
 * through `contextStack`; transforms make those inside. An entry's key is its path, such as
 * `"linear/w"`, or a collection and a path, `"params:linear/w"`, by which options may choose it.
 *
 * @example
 * ```ts
 * import { Context, contextStack, liftTransforms, type NDArray, numpy as np } from "@injax/injax";
 *
 * const stack = contextStack("Counter", { dictionary: "counter" });
 * const counter = liftTransforms(stack);
 * const bump = () => {
 *   const context = stack.need("bump");
 *   context.set("n", (context.get("n") as NDArray).add(1));
 * };
 * const context = Context.open(stack, { entries: { n: np.array(0) } });
 * stack.run(context, () => counter.foriLoop(0, 5, (_, x) => (bump(), x), 0));
 * console.log((context.get("n") as NDArray).item()); // 5
 * ```
 */
export class Context {
  /** The trace in which it was made; it may be used in no other. */
  readonly trace: Trace = currentTrace();
  /** What decides the names of entries to come. */
  readonly names: Names;
  /** Stands for the `init` or `apply` that it is within: the same object in all of its contexts. */
  readonly root: object;
  #parent: Context | null;
  #options: ChildOptions;
  #closed: string | null = null;
  readonly #base: Readonly<Record<string, unknown>>;
  readonly #source: EntrySource | null;
  readonly #baseStreams: Readonly<Record<string, Stream>>;
  // Most contexts have few of these: `none` stands for all that are empty.
  #seen: Map<string, unknown> = none;
  /** What entries are here that were created further in, and are not here unless that succeeds. */
  #ahead: Map<string, { readonly outer: unknown; readonly value: unknown }> = none;
  #streams: Map<string, Stream> = none;
  #written: Map<string, unknown> = none;
  #born: Map<string, unknown> = none;
  #made: Map<string, unknown> = none;
  #removed: Map<string, true> = none;
  /** Streams that were drawn from, as they were before. */
  #drawnFrom: Map<string, Stream> = none;
  #replaced: Map<string, true> = none;
  #absent: Map<string, true> = none;
  #kept: Map<string, unknown> = none;
  #listed: readonly string[] | null = null;

  private constructor(
    /** The system whose context it is. */
    readonly protocol: StateProtocol,
    parent: Context | null,
    /** Plain data that decides what is computed. */
    readonly statics: unknown,
    /** Whether entries are being initialised. */
    readonly initializing: boolean,
    options: ChildOptions,
    { entries = {}, source, streams = {} }: ContextOptions,
  ) {
    this.root = parent === null ? Object.freeze({}) : parent.root;
    this.#parent = parent;
    this.#options = options;
    const around = options.early === true ? parent!.names.early() : parent?.names;
    this.names = new Names(options.names ?? around ?? null);
    this.#base = entries;
    this.#source = source ?? null;
    this.#baseStreams = streams;
  }

  /** The context of an `init` or `apply`. */
  static open(protocol: StateProtocol, options: ContextOptions = {}): Context {
    const { statics = null, initializing = false } = options;
    return new Context(protocol, null, statics, initializing, {}, options);
  }

  /** A context within this one. */
  child(options: ChildOptions = {}): Context {
    return new Context(this.protocol, this, this.statics, this.initializing, options, {});
  }

  /** The context further out; `null` also where that is out of reach, since the transform is over. */
  get parent(): Context | null {
    return this.#parent;
  }

  /** What was done to it so far. */
  get account(): Account {
    return {
      written: this.#written,
      born: this.#born,
      made: this.#made,
      removed: keysOf(this.#removed),
      drawn: keysOf(this.#drawnFrom),
      replaced: keysOf(this.#replaced),
      absent: keysOf(this.#absent),
      listed: this.#listed,
    };
  }

  /** The value of an entry, or `undefined` where there is none. */
  get(key: string): unknown {
    if (this.#kept.has(key)) return this.#kept.get(key);
    if (this.#written.has(key)) return this.#written.get(key);
    if (this.#removed.has(key)) return undefined;
    if (this.#seen.has(key)) return this.#seen.get(key);
    const outer = this.#outer(key);
    if (outer === undefined) {
      this.#absent = put(this.#absent, key, true);
      return undefined;
    }
    const value = this.#lifted(key, outer);
    this.#seen = put(this.#seen, key, value);
    return value;
  }

  #lifted(key: string, outer: unknown): unknown {
    const { lift } = this.#options;
    if (lift === undefined) return outer;
    const ahead = this.#ahead.get(key);
    return ahead !== undefined && ahead.outer === outer ? ahead.value : lift(key, outer);
  }

  /** What an entry is here that was created further in and has yet to be joined to this context. */
  #before(key: string, made: unknown): unknown {
    // Where it was removed it will be as if set, whatever there is further out.
    if (this.#closed !== null || this.#removed.has(key)) return made;
    const own = this.get(key);
    if (own !== undefined) return own;
    const outer = this.#beyond(key, made);
    const value = this.#lifted(key, outer);
    this.#ahead = put(this.#ahead, key, { outer, value });
    return value;
  }

  /** What an entry that was created here, or further in, is in the context around. */
  #beyond(key: string, made: unknown): unknown {
    return this.#parent === null || this.home(key) === this
      ? made
      : this.#parent.#before(key, made);
  }

  #outer(key: string): unknown {
    if (this.#made.has(key)) return this.#beyond(key, this.#made.get(key));
    if (this.#closed !== null) throw this.#late(`the entry ${pathOf(key)}`);
    if (this.#parent !== null) {
      return this.#options.early === true ? this.#parent.#first(key) : this.#parent.get(key);
    }
    return Object.hasOwn(this.#base, key) ? this.#base[key] : this.#source?.get(key);
  }

  /** The value of an entry before it was written or removed here; the first one, where it was born here. */
  #first(key: string): unknown {
    if (this.#born.has(key)) return this.#born.get(key);
    return this.#seen.has(key) ? this.#seen.get(key) : this.get(key);
  }

  #late(what: string): StateError {
    return new StateError(
      `${this.#closed}: ${what} is asked for when the transform is over, and was not before. Do not keep ` +
        "its context; a derivative rule that reads it only at times must read it each time, or be given it " +
        "with the residuals",
    );
  }

  /** Whether there is an entry. */
  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** The value that an entry had when this context first read it. */
  before(key: string): unknown {
    return this.#seen.get(key);
  }

  /** Sets an entry; where there is none, it comes to be, with this as its initial value. */
  set(key: string, value: unknown): void {
    if (value === undefined) {
      throw new StateError(`${this.protocol.system}: ${pathOf(key)} cannot be set to undefined`);
    }
    this.#checkTrace(`the entry ${pathOf(key)} is set`);
    if (this.#kept.has(key)) {
      this.#kept = put(this.#kept, key, value);
      return;
    }
    this.#put(key, value);
  }

  #put(key: string, value: unknown): void {
    if (!this.has(key) && !this.#removed.has(key)) this.#born = put(this.#born, key, value);
    this.#removed.delete(key);
    this.#written = put(this.#written, key, value);
  }

  /**
   * Puts in an entry that is this context's alone, such as the value of an object that is made in it. It
   * ends with it and is in no account; contexts within have it like any other.
   */
  keep(key: string, value: unknown): void {
    this.#kept = put(this.#kept, key, value);
  }

  /** Raises where a change would be made from within another transform, and so leak or be lost. */
  #checkTrace(what: string): void {
    const running = currentTrace();
    if (running === this.trace) return;
    throw new StateError(
      `${this.protocol.system}: ${what} in a context of ${this.trace.what} while ${running.what} runs. A ` +
        "context is for the trace in which it was made: ask for the one that is open there",
    );
  }

  /** Removes an entry. */
  delete(key: string): void {
    this.#checkTrace(`the entry ${pathOf(key)} is removed`);
    if (!this.has(key)) return;
    const isOwn = this.#born.has(key);
    this.#written.delete(key);
    this.#born.delete(key);
    if (!isOwn) this.#removed = put(this.#removed, key, true);
  }

  /** The keys of all entries; it costs as many steps. */
  keys(): string[] {
    if (this.#closed !== null && this.#listed === null) throw this.#late("the list of entries");
    const outer = this.#parent?.keys() ?? this.#listed ?? Object.keys(this.#base);
    this.#listed ??= outer;
    const keys = new Set(outer);
    for (const key of this.#source?.keys() ?? []) keys.add(key);
    for (const key of this.#kept.keys()) keys.add(key);
    for (const key of this.#made.keys()) keys.add(key);
    for (const key of this.#written.keys()) keys.add(key);
    for (const key of this.#removed.keys()) keys.delete(key);
    return [...keys];
  }

  /** The value that an entry had when it came to be in this context. */
  initial(key: string): unknown {
    return this.#made.get(key) ?? this.#born.get(key);
  }

  /** The context in whose trace the initial value of an entry is made. */
  home(key: string): Context {
    if (this.#parent === null || this.#options.makesHere?.(key) === true) return this;
    return this.#parent.home(key);
  }

  /**
   * Creates an entry and gives its value. `make` runs in the trace of the outermost context, with
   * streams that depend on the key alone: so the initial value does not depend on the transforms that
   * are around, nor on whether a branch is taken. Where `make` computes with values of the trace that
   * is running, it runs in that.
   */
  create(key: string, make: () => unknown): unknown {
    if (this.#closed !== null) throw this.#late(`a new entry ${pathOf(key)}`);
    if (this.has(key)) {
      throw new StateError(
        `${this.protocol.system}: the entry ${
          pathOf(key)
        } cannot be created, since it exists. Set it, or ` +
          "create it only where get gives undefined",
      );
    }
    const home = this.home(key);
    const here = (): unknown => this.#make(key, make, home, this.names);
    if (home === this) {
      this.adopt(key, here());
    } else {
      const made = this.#madeAt(home, key, make);
      if (made === null) this.set(key, here());
      else this.adopt(key, made.value);
    }
    return this.get(key);
  }

  /** An initial value made in the trace of another context; `null` where that cannot know it. */
  #madeAt(home: Context, key: string, make: () => unknown): { readonly value: unknown } | null {
    try {
      const value = withTrace(home.trace, () => home.#make(key, make, home, this.names));
      const isKnown = treeFlatten(value)[0].every((x) => isKnownIn(home.trace, x));
      return isKnown ? { value } : null;
    } catch (error) {
      if (error instanceof OuterTraceError) return null;
      throw error;
    }
  }

  /** Runs what makes an initial value, with streams of its own. */
  #make(key: string, make: () => unknown, home: Context, names: Names): unknown {
    const inner = this.child({
      names,
      stream: (s, name) =>
        withTrace(home.trace, () => this.rules.named(home.first(name) ?? s, key)),
    });
    const value = this.protocol.run(inner, make);
    const changed = [...inner.#written.keys(), ...inner.#removed.keys()];
    if (changed.length > 0) {
      throw new StateError(
        `${this.protocol.system}: what makes the initial value of ${pathOf(key)} changed ${
          changed.map(pathOf).join(", ")
        }. It may only create entries and draw; change them before or after`,
      );
    }
    for (const [other, own] of inner.#made) this.adopt(other, own);
    if (value === undefined) {
      throw new StateError(`${this.protocol.system}: nothing was made for ${pathOf(key)}`);
    }
    return value;
  }

  /** Takes an entry that was created further in, or here. */
  adopt(key: string, value: unknown): void {
    if (this.#removed.has(key) || (this.#parent !== null && this.home(key) === this)) {
      if (!this.has(key)) this.#put(key, value);
    } else if (!this.#made.has(key)) {
      this.#made = put(this.#made, key, value);
    }
  }

  /** How streams are split. */
  get rules(): StreamRules {
    return this.protocol.streams ?? keyStreams;
  }

  /** The names of the streams. */
  streamNames(): string[] {
    const outer = this.#parent === null
      ? Object.keys(this.#baseStreams)
      : this.#parent.streamNames();
    const own = [...this.#streams].filter(([, s]) => s !== undefined).map(([name]) => name);
    return [...new Set([...outer, ...own])];
  }

  /** A stream as this context was given it. */
  first(name: string): Stream {
    if (this.#parent === null) {
      return Object.hasOwn(this.#baseStreams, name) ? this.#baseStreams[name] : undefined;
    }
    if (this.#closed !== null) throw this.#late(`a key of the stream ${name}`);
    const outer = this.#options.early === true
      ? this.#parent.#drawnFrom.get(name) ?? this.#parent.peek(name)
      : this.#parent.peek(name);
    const { stream } = this.#options;
    if (outer === undefined || stream === undefined) return outer;
    // It may be asked for further in.
    return withTrace(this.trace, () => stream(outer, name));
  }

  /** A stream as it is now, or `undefined`. */
  peek(name: string): Stream {
    if (!this.#streams.has(name)) this.#streams = put(this.#streams, name, this.first(name));
    return this.#streams.get(name);
  }

  /** Takes from a stream: gives it as it was, and advances it. `undefined` where there is none. */
  draw(name: string): Stream {
    this.#checkTrace(`a key of the stream ${name} is drawn`);
    const s = this.peek(name);
    if (s === undefined) return undefined;
    if (!this.#drawnFrom.has(name)) this.#drawnFrom = put(this.#drawnFrom, name, s);
    this.#streams = put(this.#streams, name, this.rules.advance(s));
    return s;
  }

  /** Puts in a stream, or replaces one. Inside transforms that is an error when they end. */
  replace(name: string, s: Stream): void {
    this.#checkTrace(`the stream ${name} is replaced`);
    this.#streams = put(this.#streams, name, s);
    this.#replaced = put(this.#replaced, name, true);
  }

  /**
   * Runs `f` with another stream under a name. Afterwards the stream is what it was before, so that this
   * may be done inside transforms.
   */
  withStream<T>(name: string, s: Stream, f: () => T): T {
    const before = this.peek(name);
    const wasDrawn = this.#drawnFrom.has(name);
    this.#streams = put(this.#streams, name, s);
    try {
      return f();
    } finally {
      this.#streams = put(this.#streams, name, before);
      if (!wasDrawn) this.#drawnFrom.delete(name);
    }
  }

  /**
   * Ends it: what was not looked up before cannot be any more. A derivative rule that a compiled program
   * has keeps the context, and would keep all entries of the first call with what is further out.
   */
  close(where: string): void {
    this.#closed = where;
    // What was created is something else further out, and looked up there.
    if (this.#made.size > 0) return;
    this.#parent = null;
    this.#options = {};
  }
}

const none = new Map<string, never>() as Map<string, never> & Map<string, unknown>;

/** A map with one more entry: the same one, but for the empty one that all maps begin as. */
function put<T>(map: Map<string, T>, key: string, value: T): Map<string, T> {
  if (map === none) return new Map([[key, value]]);
  return map.set(key, value);
}

const nobody: ReadonlySet<string> = new Set();

function keysOf(map: ReadonlyMap<string, unknown>): ReadonlySet<string> {
  return map.size === 0 ? nobody : new Set(map.keys());
}

/** The path in an entry's key. */
export function pathOf(key: string): string {
  return key.slice(key.indexOf(":") + 1);
}

/** The collection in an entry's key; `""` where it has none. */
export function collectionOf(key: string): string {
  const at = key.indexOf(":");
  return at < 0 ? "" : key.slice(0, at);
}

/** Whether two values of an entry are the same arrays in the same structure. */
export function sameEntry(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const [x, xDef] = treeFlatten(a);
  const [y, yDef] = treeFlatten(b);
  return xDef === yDef && x.every((leaf, i) => leaf === y[i]);
}

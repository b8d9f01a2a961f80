/**
 * What all lifted transforms share: where they are the pure ones, and the application of one, whose
 * effects are joined to the contexts around it when it has succeeded. See `lift.ts` for the idea.
 *
 * @module
 */
import {
  type NDArray,
  type ShapedArray,
  StateError,
  type TreeDef,
  treeFlatten,
  treeUnflatten,
  withTrace,
} from "../core/mod.ts";
import { members } from "../transforms/pure.ts";
import { called, checkResult, toArray } from "../transforms/trees.ts";
import type { AnyFunction, Transforms } from "../transforms/types.ts";
import { type NameChange, sameData } from "./names.ts";
import type { StateProtocol } from "./context.ts";
import { record, type Recorded, type RecordingOptions } from "./record.ts";
import {
  childrenOf,
  type Effects,
  effectsOf,
  inside,
  nameIn,
  pathIn,
  placeOf,
  type Values,
  type World,
  type WorldOptions,
} from "./world.ts";

/** Any function, by its untyped signature. */
export type Fn = (...args: unknown[]) => unknown;

/** The pure members by their untyped signatures: what is lifted has types of its own. */
export const pure: Record<keyof Transforms, Fn> = members as Record<keyof Transforms, Fn>;

/** Parts that functions play in a transform. Each has streams of its own under that of the transform. */
export const roles = {
  /** The function itself, and a forward rule in its place. */
  body: 0,
  /** The condition of a loop, and the solver of an equation. */
  test: 1,
  /** The solver of a linear equation for a derivative. */
  tangent: 2,
  /** A backward rule. */
  backward: 3,
} as const;

/** Lifts transforms for some systems. */
export class Engine {
  constructor(readonly systems: readonly StateProtocol[], readonly strict: boolean) {}

  /** A member as users write it. */
  label(name: string): string {
    const names = this.systems.map((s) => s.dictionary);
    return `${names.length === 1 ? names[0] : `compose(${names.join(", ")})`}.${name}`;
  }

  /** Whether the context of a system is open in the trace that is running. */
  active(): boolean {
    return this.systems.some((s) => s.current() !== null);
  }

  /** Lifts a member that gives a function: outside of a context that is the pure member's. */
  member(name: keyof Transforms, lift: (...params: unknown[]) => Fn): Fn {
    return (...params) => {
      const outside = pure[name](...params) as Fn;
      let made: Fn | null = null;
      const lifted: Fn = (...args) =>
        this.active() ? (made ??= lift(...params))(...args) : outside(...args);
      return Object.defineProperty(lifted, "name", { value: outside.name });
    };
  }

  /** Lifts a member that runs at once. */
  now(name: keyof Transforms, lifted: Fn): Fn {
    return (...params) => this.active() ? lifted(...params) : pure[name](...params);
  }

  /** Begins an application of a transform. */
  begin(name: string): Application {
    return new Application(this, name);
  }
}

/**
 * One application of a transform. What its functions do goes to contexts of its own, which `commit`
 * joins to those around it: an exception leaves these as they were.
 */
export class Application {
  /** How users write the transform. */
  readonly where: string;
  /** The contexts around it; none when it is over. */
  outer: World;
  /** Contexts within those: what was done so far. */
  readonly world: World;

  constructor(readonly engine: Engine, readonly op: string) {
    this.where = engine.label(op);
    this.outer = engine.systems.flatMap((s) => s.current() ?? []);
    for (const context of this.outer) context.protocol.pull?.(context);
    this.world = childrenOf(this.outer, { stream: (s, { rules }) => rules.fork(s) });
  }

  /** Whether entries are being initialised. */
  get initializing(): boolean {
    return this.outer.some((context) => context.initializing);
  }

  /** Records a function within these contexts. */
  record(
    f: AnyFunction,
    def: TreeDef,
    avals: readonly ShapedArray[],
    options: RecordingOptions,
  ): Recorded {
    return record(this.where, this.op, f, def, avals, this.world, options);
  }

  /** Runs a function within these contexts, in the trace that is running. */
  run(
    role: number,
    f: Fn,
    args: readonly unknown[],
    options: WorldOptions = {},
  ): { out: unknown; effects: Effects } {
    const inner = childrenOf(this.world, {
      stream: (s, { rules }) => rules.part(s, role),
      ...options,
    });
    const out = inside(inner, () => called(f, args));
    checkResult(this.op, f, out);
    return { out, effects: effectsOf(this.where, inner) };
  }

  /** Counts what a function did besides writing: it is as if done in these contexts. */
  note({ drawn, names, removed }: Pick<Effects, "drawn" | "names" | "removed">): void {
    for (const name of drawn) {
      const [i, stream] = placeOf(name);
      const context = this.world[i]!;
      // Solvers are recorded in traces of their own.
      withTrace(context.trace, () => context.draw(stream));
    }
    names.forEach((changes, i) => this.world[i]!.names.apply(changes));
    for (const name of removed) {
      const [i, key] = placeOf(name);
      this.world[i]!.delete(key);
    }
  }

  /** Raises where a function removed entries, but it is not known whether or how often that happens. */
  refuseRemovals({ removed }: Pick<Effects, "removed">): void {
    if (removed.length === 0) return;
    throw new StateError(
      `${this.where}: the state entry ${
        removed.map(pathIn).join(", ")
      } was removed inside the transform, where it is not known whether and how often that happens. ` +
        "Remove it before or after",
    );
  }

  /** What a function changed of the names that decide what is computed, and of the others. */
  private split(effects: Pick<Effects, "names">, wanted: boolean): Effects["names"] {
    return effects.names.map((changes, i) => {
      const { settings } = this.world[i]!.protocol;
      return changes.filter(({ group }) => (group === settings?.group) === wanted);
    });
  }

  /** The names that a function put, without those that decide what is computed. */
  plainNames(effects: Pick<Effects, "names">): Effects["names"] {
    return this.split(effects, false);
  }

  /** Those that decide what is computed. */
  settings(effects: Pick<Effects, "names">): Effects["names"] {
    return this.split(effects, true);
  }

  /**
   * Raises where a function changed what decides what is computed, unless each of some branches changed
   * it alike.
   */
  refuseSettings(functions: readonly Pick<Effects, "names">[], where: string): void {
    const all = functions.map((f) => this.settings(f));
    const last = (changes: readonly NameChange[]): Map<string, unknown> =>
      new Map(changes.flatMap(({ own }) => own));
    this.world.forEach(({ protocol: { settings }, names }, i) => {
      const keys = new Set(all.flatMap((f) => [...last(f[i]!).keys()]));
      for (const key of settings === undefined ? [] : keys) {
        const before = names.get(settings!.group, key);
        const after = all.map((f) => last(f[i]!)).map((m) => m.has(key) ? m.get(key) : before);
        const differs = after.find((x) => !sameData(x, before));
        if (differs === undefined) continue;
        if (all.length > 1 && after.every((x) => sameData(x, after[0]))) continue;
        throw new StateError(
          `${this.where}: ${
            settings!.describe(before, differs)
          } ${where}. Change it before or after`,
        );
      }
    });
  }

  /** Raises where a function wrote or drew that may only read. */
  refuseEffects(what: string, { written, removed, drawn }: Effects): void {
    const changed = [...Object.keys(written), ...removed];
    if (changed.length > 0) {
      throw new StateError(
        `${what} may only read state, but it wrote ${
          changed.map(pathIn).join(", ")
        }. Write it in the body instead`,
      );
    }
    if (drawn.length > 0) {
      throw new StateError(
        `${what} may only read state, but it drew a random key. Draw it in the body, or before the loop`,
      );
    }
  }

  /** The value of an entry. */
  get(name: string): unknown {
    const [i, key] = placeOf(name);
    return this.world[i]!.get(key);
  }

  /** Sets entries. */
  set(values: Values): void {
    for (const [name, value] of Object.entries(values)) {
      const [i, key] = placeOf(name);
      this.world[i]!.set(key, value);
    }
  }

  /** The names of all entries that were created so far. */
  created(): string[] {
    return this.world.flatMap(({ account }, i) =>
      [...account.made.keys(), ...account.born.keys()].map((key) => nameIn(i, key))
    );
  }

  /** Joins what was done to the contexts around. */
  commit(): void {
    this.world.forEach((context, i) => {
      const outer = this.outer[i]!;
      const { account } = context;
      for (const [key, value] of account.made) outer.adopt(key, value);
      for (const [key, value] of account.born) if (!outer.has(key)) outer.set(key, value);
      for (const [key, value] of account.written) outer.set(key, value);
      for (const key of account.removed) outer.delete(key);
      for (const name of account.drawn) outer.draw(name);
      outer.names.apply(context.names.changes());
      context.close(this.where);
      outer.protocol.push?.(outer);
    });
    this.outer = [];
  }
}

/** The list of arguments as arrays, and its structure, for members that record a function. */
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

/** Arrays of a tree of entries, whose leaves were checked to be arrays. */
export function arraysIn(value: unknown): NDArray[] {
  return treeFlatten(value)[0] as NDArray[];
}

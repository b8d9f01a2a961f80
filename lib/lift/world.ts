/**
 * The contexts of all systems that take part in a computation, and the account of what a function did
 * to them. Entries are named by the number of their context and their key.
 *
 * @module
 */
import {
  describeValue,
  formatAval,
  NDArray,
  sameAval,
  StateError,
  treeFlatten,
} from "../core/mod.ts";
import { collectionOf, type Context, pathOf, sameEntry } from "./context.ts";
import type { NameChange, Names } from "./names.ts";
import type { Stream } from "./streams.ts";

/** The contexts of the systems that take part. */
export type World = readonly Context[];

/** Values of entries by name. */
export type Values = Record<string, unknown>;

/** The name of an entry of a context. */
export function nameIn(context: number, key: string): string {
  return `${context}|${key}`;
}

/** The number of the context, and the key, of an entry. */
export function placeOf(name: string): [context: number, key: string] {
  const at = name.indexOf("|");
  return [Number(name.slice(0, at)), name.slice(at + 1)];
}

/** An entry's path, for messages. */
export function pathIn(name: string): string {
  return pathOf(placeOf(name)[1]);
}

/** The collection that an entry is in. */
export function collectionIn(name: string): string {
  return collectionOf(placeOf(name)[1]);
}

/** The system that an entry is of. */
export function systemIn(world: World, name: string): string {
  return world[placeOf(name)[0]]!.protocol.system;
}

/** Where an entry is, for messages: `"Haiku (params)"`. */
export function homeOf(world: World, name: string): string {
  const [system, collection] = [systemIn(world, name), collectionIn(name)];
  return collection === "" ? system : `${system} (${collection})`;
}

/** Runs `f` with these contexts as the innermost ones. */
export function inside<T>(world: World, f: () => T): T {
  const from = (i: number): T => {
    const context = world[i];
    return context === undefined ? f() : context.protocol.run(context, () => from(i + 1));
  };
  return from(0);
}

/** What differs in the contexts of a transform's function from those around it. */
export interface WorldOptions {
  /** What an entry is inside. */
  readonly lift?: ((name: string, outer: unknown) => unknown) | undefined;
  /** What a stream is inside; `of` is a context that has it. */
  readonly stream?: ((s: Stream, of: Context, name: string) => Stream) | undefined;
  /** Entries that are made here. */
  readonly makesHere?: ((name: string) => boolean) | undefined;
  /** The names to begin with, where these are not those around. */
  readonly names?: readonly Names[] | undefined;
  /** Whether they see the contexts around as these were before anything was done to them. */
  readonly early?: boolean | undefined;
}

/** Contexts within these. */
export function childrenOf(world: World, options: WorldOptions): World {
  const { lift, stream, makesHere, names, early } = options;
  return world.map((context, i) =>
    context.child({
      lift: lift && ((key, outer) => lift(nameIn(i, key), outer)),
      stream: stream && ((s, name) => stream(s, context, nameIn(i, name))),
      makesHere: makesHere && ((key) => makesHere(nameIn(i, key))),
      names: names?.[i],
      early,
    })
  );
}

/** What a run of a function did, for all contexts. Values are those of the trace that it ran in. */
export interface Effects {
  /** Entries that it wrote, with their last values. */
  readonly written: Values;
  /** Those that were not there before, with their first values. */
  readonly born: Values;
  /** Entries that it removed. */
  readonly removed: readonly string[];
  /** Streams that it drew from. */
  readonly drawn: readonly string[];
  /** Names that it put, by context. */
  readonly names: readonly (readonly NameChange[])[];
}

/** Takes the account of a run. What was created goes on to the contexts further out. */
export function effectsOf(where: string, world: World): Effects {
  const written: Values = {}, born: Values = {}, removed: string[] = [], drawn: string[] = [];
  world.forEach((context, i) => {
    const account = context.account;
    for (const [key, value] of account.made) context.parent!.adopt(key, value);
    if (account.replaced.size > 0) {
      throw new StateError(
        `${where}: the random stream ${
          [...account.replaced].join(", ")
        } was put in or replaced inside the transform, which would be lost. Do it outside`,
      );
    }
    for (const [key, value] of account.born) born[nameIn(i, key)] = value;
    for (const [key, value] of account.written) {
      const before = context.before(key);
      if (before !== undefined && !account.born.has(key)) {
        if (sameEntry(before, value)) continue;
        checkSameTypes(where, key, before, value);
      }
      checkArrays(where, key, value);
      written[nameIn(i, key)] = value;
    }
    for (const key of account.removed) removed.push(nameIn(i, key));
    for (const name of account.drawn) drawn.push(nameIn(i, name));
  });
  return { written, born, removed, drawn, names: world.map((c) => c.names.changes()) };
}

/** Raises where an entry is no tree of arrays. */
function checkArrays(where: string, key: string, value: unknown): void {
  const foreign = treeFlatten(value)[0].find((x) => !(x instanceof NDArray));
  if (foreign === undefined) return;
  throw new StateError(
    `${where}: the state entry ${pathOf(key)} holds ${
      describeValue(foreign)
    }. Entries must be arrays or trees of arrays inside transforms: make it one with np.array`,
  );
}

/** Raises where an entry changed its structure, a shape or a dtype. */
function checkSameTypes(where: string, key: string, before: unknown, after: unknown): void {
  checkArrays(where, key, before);
  checkArrays(where, key, after);
  const [a, aDef] = treeFlatten(before) as [NDArray[], unknown];
  const [b, bDef] = treeFlatten(after) as [NDArray[], unknown];
  if (aDef === bDef && a.every((x, i) => sameAval(x.aval, b[i]!.aval))) return;
  const types = (xs: readonly NDArray[]): string => xs.map((x) => formatAval(x.aval)).join(", ");
  throw new StateError(
    `${where}: the state entry ${pathOf(key)} changed its type from ${types(a)} to ${
      types(b)
    }. Inside a transform an entry keeps its shape and dtype`,
  );
}

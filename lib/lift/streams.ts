/**
 * How random streams are split under transforms, so that nothing is ever drawn twice: each application
 * of a transform has streams of its own, and each role, branch, step and lane has its own of those.
 *
 * What contexts are made with, and the account that they keep of what was done to them.
 *
 * @module
 */
import { foldIn } from "../api/keys.ts";
import { NDArray, treeFlatten } from "../core/mod.ts";
import type { Names } from "./names.ts";

/** A random stream: a tree of arrays and plain data, which only its rules look into. */
export type Stream = unknown;

/**
 * How the streams of a system are split. What is drawn from a stream itself, from its forks and from
 * those for names must be in domains that cannot meet.
 */
export interface StreamRules {
  /** A stream for one application of a transform; the next one is of the stream that was advanced. */
  readonly fork: (s: Stream) => Stream;
  /** A stream under a fork, by number: role, branch, step, lane. Not drawn from where it has parts. */
  readonly part: (s: Stream, number: NDArray | number) => Stream;
  /** A stream for what bears a name, such as the initial value of an entry. */
  readonly named: (s: Stream, name: string) => Stream;
  /** The stream after one draw or one fork. */
  readonly advance: (s: Stream) => Stream;
}

/** A stream of the default kind: its keys are `foldIn(key, 0)`, `foldIn(key, 1)`, ... */
export interface KeyStream {
  /** The key, uint32 [2]. */
  readonly key: NDArray;
  /** How often it was drawn from or forked. */
  readonly count: number;
}

// Draws are numbered below 2^31. Forks have the high bit, and names the one number that is left.
const FORKS = 0x8000_0000;
const NAMES = 0xffff_ffff;

/**
 * Streams by threefry, the default: counters that are folded into a key. A system draws
 * `foldIn(key, count)` from the stream that `Context.draw` gives.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import { keyStreams } from "@injax/injax/extend";
 *
 * const stream = { key: random.key(0), count: 0 };
 * console.log(keyStreams.advance(stream)); // { key: Array(uint32[2], [0,0]), count: 1 }
 * ```
 */
export const keyStreams: StreamRules = {
  fork(s) {
    const { key, count } = s as KeyStream;
    return { key: foldIn(key, FORKS + count), count: 0 };
  },
  part: (s, number) => ({ key: foldIn((s as KeyStream).key, number), count: 0 }),
  named(s, name) {
    const base = foldIn((s as KeyStream).key, NAMES);
    return { key: foldIn(foldIn(base, hash(name, 0x811c9dc5)), hash(name, 0x9e3779b9)), count: 0 };
  },
  advance(s) {
    const { key, count } = s as KeyStream;
    return { key, count: count + 1 };
  },
};

/** FNV-1a from a given start: two of them tell names apart that one would confuse. */
function hash(name: string, start: number): number {
  let h = start;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}

/** The arrays of a stream. */
export function arraysOf(s: Stream): NDArray[] {
  return treeFlatten(s)[0].filter((x): x is NDArray => x instanceof NDArray);
}

/** What a context is opened with. */
export interface ContextOptions {
  /** Entries by key: trees of arrays. */
  readonly entries?: Readonly<Record<string, unknown>> | undefined;
  /** Entries that are kept elsewhere, beside those: each is asked for when it is first looked up. */
  readonly source?: EntrySource | undefined;
  /** Random streams by name. */
  readonly streams?: Readonly<Record<string, Stream>> | undefined;
  /** Plain data that decides what is computed, such as `{ training: true }`: part of jit's key. */
  readonly statics?: unknown;
  /** Whether entries are being initialised. */
  readonly initializing?: boolean | undefined;
}

/** Where a context finds entries. */
export interface EntrySource {
  /** The value of an entry, or `undefined` where there is none. */
  get(key: string): unknown;
  /** The keys of those that are known to be there. */
  keys(): Iterable<string>;
}

/** How a context inside a transform differs from the one around it. */
export interface ChildOptions {
  /** What an entry is inside, given what it is outside: asked at the first read. */
  readonly lift?: ((key: string, outer: unknown) => unknown) | undefined;
  /** What a stream is inside, given what it is outside: asked at the first draw. */
  readonly stream?: ((s: Stream, name: string) => Stream) | undefined;
  /** Which entries are made here and not further out: those that each lane or layer has for itself. */
  readonly makesHere?: ((key: string) => boolean) | undefined;
  /** Names to go on from, where these are others than those of the context around. */
  readonly names?: Names | undefined;
  /** Whether it sees the context around as that was before anything was done to it. */
  readonly early?: boolean | undefined;
}

/** What was done to a context since it was made. */
export interface Account {
  /** Entries that were set, and their values. */
  readonly written: ReadonlyMap<string, unknown>;
  /** Those of them that were not there: the first value of each. */
  readonly born: ReadonlyMap<string, unknown>;
  /** Entries that were created, with their initial values. */
  readonly made: ReadonlyMap<string, unknown>;
  /** Entries that were removed. */
  readonly removed: ReadonlySet<string>;
  /** Streams that were drawn from. */
  readonly drawn: ReadonlySet<string>;
  /** Streams that were put in or replaced. */
  readonly replaced: ReadonlySet<string>;
  /** Entries that were looked for, and not there. */
  readonly absent: ReadonlySet<string>;
  /** The keys of the context around, as they were when all keys were asked for; `null` if they were not. */
  readonly listed: readonly string[] | null;
}

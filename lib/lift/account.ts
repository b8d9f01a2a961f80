/**
 * What contexts are made with, and the account that they keep of what was done to them.
 *
 * @module
 */
import type { Names } from "./names.ts";
import type { Stream } from "./streams.ts";

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

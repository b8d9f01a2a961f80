/**
 * How random streams are split under transforms, so that nothing is ever drawn twice: each application
 * of a transform has streams of its own, and each role, branch, step and lane has its own of those.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { treeFlatten } from "../core/tree.ts";
import { foldIn } from "../api/keys.ts";

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
const FORKS = 2 ** 31;
const NAMES = 2 ** 32 - 1;

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

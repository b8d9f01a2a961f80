/**
 * Random streams under transforms: each application of a transform has streams of its own, and each
 * iteration, branch and lane has its own of those.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { foldIn, split } from "../api/random.ts";
import type { RngState, Streams } from "./protocol.ts";

/** Applies `f` to each entry. */
export function mapStreams<T, R>(
  streams: Readonly<Record<string, T>>,
  f: (stream: T, name: string) => R,
): Readonly<Record<string, R>> {
  return Object.fromEntries(Object.entries(streams).map(([name, s]) => [name, f(s, name)]));
}

/**
 * A stream of its own, derived from another. Its key is computed where it is asked for, so that loops
 * that draw nothing pay nothing. It is computed each time, since that may be in different traces.
 */
function derived(from: RngState, data: NDArray | number): RngState {
  return {
    get key() {
      return foldIn(from.key, data);
    },
    count: 0,
    root: from.root,
  };
}

/** Streams that do not overlap with what is drawn from these later. */
export function forked(rng: Streams): Streams {
  return mapStreams(rng, (s) => derived(s, s.count));
}

/** The streams of one iteration or branch. */
export function folded(rng: Streams, i: NDArray | number): Streams {
  return mapStreams(rng, (s) => derived(s, i));
}

/** A key for each of `size` lanes, for each stream. */
export function laneKeys(rng: Streams, size: number): Readonly<Record<string, NDArray>> {
  return mapStreams(rng, (s) => split(s.key, size));
}

/** The streams with other keys. */
export function withKeys(rng: Streams, keys: Readonly<Record<string, NDArray>>): Streams {
  return mapStreams(rng, ({ root }, name) => ({ key: keys[name]!, count: 0, root }));
}

/** Counts iterations for `folded`; `null` where there is no stream that would need it. */
export function firstTick(rng: Streams): NDArray | null {
  return Object.keys(rng).length === 0 ? null : scalarArray(0, "int32");
}

/** The next iteration. */
export function nextTick(i: NDArray | null): NDArray | null {
  return i === null ? null : i.add(1);
}

/** The streams of iteration `i` of a loop that counts with `firstTick` and `nextTick`. */
export function atTick(rng: Streams, i: NDArray | null): Streams {
  return i === null ? rng : folded(rng, i);
}

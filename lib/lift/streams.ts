/**
 * Random streams under transforms: each application of a transform has streams of its own, and each
 * iteration, branch and lane has its own of those.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { scalarArray } from "../core/concrete.ts";
import { foldIn, split } from "../api/random.ts";
import type { Streams } from "./protocol.ts";

/** Applies `f` to each entry. */
export function mapStreams<T, R>(
  streams: Readonly<Record<string, T>>,
  f: (stream: T, name: string) => R,
): Readonly<Record<string, R>> {
  return Object.fromEntries(Object.entries(streams).map(([name, s]) => [name, f(s, name)]));
}

/** Streams that do not overlap with what is drawn from these later. */
export function forked(rng: Streams): Streams {
  return mapStreams(rng, (s) => ({ ...s, key: foldIn(s.key, s.count), count: 0 }));
}

/** The streams of one iteration or branch. */
export function folded(rng: Streams, i: NDArray | number): Streams {
  const at = i instanceof NDArray ? i : scalarArray(i, "int32");
  return mapStreams(rng, (s) => ({ ...s, key: foldIn(s.key, at), count: 0 }));
}

/** A key for each of `size` lanes, for each stream. */
export function laneKeys(rng: Streams, size: number): Readonly<Record<string, NDArray>> {
  return mapStreams(rng, (s) => split(s.key, size));
}

/** The streams with other keys. */
export function withKeys(rng: Streams, keys: Readonly<Record<string, NDArray>>): Streams {
  return mapStreams(rng, (s, name) => ({ ...s, key: keys[name]!, count: 0 }));
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

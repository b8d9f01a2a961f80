/**
 * Random streams: objects that give another key each time, bit for bit those of Flax's `nnx.Rngs`.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { NDArray, numpy as np, random, StateError } from "../../mod.ts";
import { type Filter, toPredicate } from "./filters.ts";
import { graphOf, Module } from "./graph.ts";
import { cellOf, RngCount, RngKey } from "./variable.ts";
import { checkWritable } from "./cells.ts";

/** What a stream begins with: a seed, or a key of `random.key`. */
export type Seed = number | NDArray;

/** A variable of a stream, with the stream's name for filters. */
function tagged<V extends RngKey | RngCount>(variable: V, tag: string): V {
  return Object.assign(variable, { tag });
}

/**
 * A random stream: a key, and a count that is folded into it.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const stream = new nnx.RngStream(0, "noise");
 * stream.next();
 * console.log(stream.count.value.item()); // 1
 * const key = stream.next();
 * console.log(key.equal(random.foldIn(random.key(0), 1)).all().item()); // 1
 * ```
 */
export class RngStream extends Module {
  /** The key, uint32 [2]; of several streams in one, uint32 [..., 2]. */
  readonly key: RngKey;
  /** How many keys were drawn, uint32 []. */
  readonly count: RngCount;

  /** `tag` is the name by which filters find its variables. */
  constructor(seed: Seed, readonly tag: string = "default") {
    super();
    const key = seed instanceof NDArray ? seed : random.key(seed);
    if (key.dtype !== "uint32" || key.shape.at(-1) !== 2) {
      throw new TypeError(
        `new nnx.RngStream(seed): the seed must be an integer or random.key(integer), not ${
          describeValue(seed)
        }`,
      );
    }
    this.key = tagged(new RngKey(key), tag);
    this.count = tagged(new RngCount(np.zeros(key.shape.slice(0, -1), { dtype: "uint32" })), tag);
  }

  /**
   * The next key, uint32 [2].
   *
   * @throws {StateError} inside of a pure transform, where the stream was made outside.
   */
  next(): NDArray {
    if (this.key.value.ndim !== 1) {
      throw new StateError(
        `nnx.RngStream ${JSON.stringify(this.tag)}: there are ${
          this.key.value.shape.slice(0, -1).join(" x ")
        } streams in it, one for each lane or layer: draw inside of a vmap or scan that maps it`,
      );
    }
    checkWritable(cellOf(this.count));
    const key = random.foldIn(this.key.value, this.count.value);
    this.count.value = this.count.value.add(1).astype("uint32");
    return key;
  }

  /** A stream of its own, from the next key. */
  fork(): RngStream {
    return new RngStream(this.next(), this.tag);
  }

  /** As many streams in one, from the next key: for lanes of a `vmap`, layers of a `scan`. */
  split(splits: number | readonly number[]): RngStream {
    return new RngStream(random.split(this.next(), splits), this.tag);
  }
}

/**
 * Random streams by name. A name that is none stands for the stream `default`, where there is that.
 *
 * @example
 * ```ts
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const rngs = new nnx.Rngs(0, { dropout: 1 });
 * const keys = [rngs.next("params"), rngs.next("dropout"), rngs.next()];
 * console.log(rngs.names(), rngs.stream("params").count.value.item());
 * // [ "dropout", "default" ] 2
 * ```
 */
export class Rngs extends Module {
  /** The streams. */
  readonly streams: Record<string, RngStream> = {};

  /** `seed` is that of the stream `default`; those of others follow, by name. */
  constructor(
    seed?: Seed | Readonly<Record<string, Seed | RngStream>> | null,
    seeds: Readonly<Record<string, Seed | RngStream>> = {},
  ) {
    super();
    const isSeed = typeof seed === "number" || seed instanceof NDArray;
    const all = isSeed ? { ...seeds, default: seed } : { ...seed, ...seeds };
    for (const [name, own] of Object.entries(all)) {
      this.streams[name] = new RngStream(own instanceof RngStream ? own.key.value : own, name);
    }
  }

  /** The names of the streams. */
  names(): string[] {
    return Object.keys(this.streams);
  }

  /**
   * The stream of a name.
   *
   * @throws {StateError} where there is none, and no stream `default`.
   */
  stream(name = "default"): RngStream {
    const stream = this.streams[name] ?? this.streams.default;
    if (stream !== undefined) return stream;
    throw new StateError(
      `nnx.Rngs: there is no stream ${JSON.stringify(name)}, and none called "default". There is ${
        this.names().join(", ") || "none"
      }: write new nnx.Rngs({ ${name}: seed }), or new nnx.Rngs(seed)`,
    );
  }

  /** The next key of a stream, uint32 [2]. Raises as `stream`. */
  next(name = "default"): NDArray {
    return this.stream(name).next();
  }

  /** Streams of their own, from the next key of each. */
  fork(): Rngs {
    return mapStreams(this, (stream) => stream.fork());
  }

  /** As many streams in each, from the next key of each. */
  split(splits: number | readonly number[]): Rngs {
    return mapStreams(this, (stream) => stream.split(splits));
  }
}

function mapStreams({ streams }: Rngs, f: (stream: RngStream) => RngStream): Rngs {
  return new Rngs(
    Object.fromEntries(Object.entries(streams).map(([name, own]) => [name, f(own)])),
  );
}

/** Options of `splitRngs`. */
export interface SplitOptions {
  /** How many streams each becomes. */
  readonly splits: number | readonly number[];
  /** Which streams (default: all): a tag, or another filter, which must mean key and count. */
  readonly only?: Filter | undefined;
}

/**
 * Makes each random stream of a graph as many streams in one, for lanes of a `vmap` or layers of a `scan`
 * that map them. With a function, that is so while it runs; the streams then go on after the one key that
 * each has drawn. Else it gives a function that puts them back so.
 *
 * @example
 * ```ts
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const rngs = new nnx.Rngs(0);
 * const draw = nnx.vmap((rngs: nnx.Rngs) => rngs.next());
 * const keys = nnx.splitRngs(rngs, { splits: 3 }, () => draw(rngs));
 * console.log(keys.shape, rngs.stream().count.value.shape); // [ 3, 2 ] []
 * ```
 */
export function splitRngs(node: object, options: SplitOptions): () => void;
/** Runs `f` with streams that are split, and gives its result. */
export function splitRngs<R>(node: object, options: SplitOptions, f: () => R): R;
export function splitRngs<R>(
  node: object,
  { splits, only = true }: SplitOptions,
  f?: () => R,
): R | (() => void) {
  const wanted = toPredicate(only);
  const back: (() => void)[] = [];
  for (const { node: stream, path } of graphOf(node).records) {
    if (!(stream instanceof RngStream)) continue;
    const { key, count } = stream;
    const at = path === "" ? "" : `${path}/`;
    if (!wanted(`${at}key`, key) || !wanted(`${at}count`, count)) continue;
    const next = stream.next();
    const [keyBefore, countBefore] = [key.value, count.value];
    key.value = random.split(next, splits);
    count.value = np.zeros(key.value.shape.slice(0, -1), { dtype: "uint32" });
    back.push(() => {
      key.value = keyBefore;
      count.value = countBefore;
    });
  }
  const restore = (): void => back.forEach((put) => put());
  if (f === undefined) return restore;
  try {
    return f();
  } finally {
    restore();
  }
}

/**
 * A module system of a third party, in the manner of Flax: collections of variables and two random
 * streams.
 *
 * @module
 */
import {
  Context,
  type ContextStack,
  contextStack,
  type KeyStream,
  liftTransforms,
  type NDArray,
  numpy as np,
  random,
  StateError,
  type Transforms,
} from "../../mod.ts";

/** The toy as the engine sees it: all that a third party has to write. */
export const protocol: ContextStack = contextStack("Toy", {
  dictionary: "toy.transforms",
  opener: "toy.init or toy.apply",
});

/** Its dictionary. */
export const transforms: Transforms = liftTransforms(protocol);

const entry = (collection: string, name: string): string => `${collection}:${name}`;

/** A parameter, drawn from the stream `params` where it is made. */
export function param(name: string, shape: readonly number[]): NDArray {
  const context = protocol.need("toy.param");
  const key = entry("params", name);
  const value = context.get(key);
  if (value !== undefined) return value as NDArray;
  if (!context.initializing) throw new StateError(`toy: there is no variable ${name}`);
  return context.create(key, () => {
    const stream = protocol.need("toy.param").draw("params") as KeyStream;
    return random.normal(random.foldIn(stream.key, stream.count), shape).mul(0.4);
  }) as NDArray;
}

/** A statistic, zero at first. */
export function stat(name: string): NDArray {
  const context = protocol.need("toy.stat");
  const key = entry("stats", name);
  return (context.get(key) ?? context.create(key, () => np.array(0))) as NDArray;
}

/** Replaces a statistic. */
export function setStat(name: string, value: NDArray): void {
  stat(name);
  protocol.need("toy.setStat").set(entry("stats", name), value);
}

/** A key of the stream `dropout`. */
export function makeRng(): NDArray {
  const stream = protocol.need("toy.makeRng").draw("dropout") as KeyStream;
  return random.foldIn(stream.key, stream.count);
}

/** What `init` gives and `apply` takes. */
export interface Variables {
  /** Parameters. */
  readonly params: Record<string, NDArray>;
  /** Statistics. */
  readonly stats: Record<string, NDArray>;
}

function collection(
  context: Context,
  name: string,
  value: (key: string) => unknown,
): Record<string, NDArray> {
  const keys = context.keys().filter((key) => key.startsWith(entry(name, "")));
  return Object.fromEntries(
    keys.map((key) => [key.slice(name.length + 1), value(key) as NDArray]),
  );
}

function entries({ params, stats }: Variables): Record<string, NDArray> {
  const named = (name: string, values: Record<string, NDArray>): [string, NDArray][] =>
    Object.entries(values).map(([k, v]) => [entry(name, k), v]);
  return Object.fromEntries([...named("params", params), ...named("stats", stats)]);
}

/** Makes the variables of `f`. */
export function init(key: NDArray, f: () => unknown): Variables {
  const context = Context.open(protocol, {
    initializing: true,
    streams: {
      params: { key, count: 0 },
      dropout: { key: random.foldIn(key, 99), count: 0 },
    },
  });
  protocol.run(context, f);
  return {
    params: collection(context, "params", (key) => context.get(key)),
    stats: collection(context, "stats", (key) => context.initial(key)),
  };
}

/** Runs `f` with variables; gives its result and the statistics after it. */
export function apply<R>(
  variables: Variables,
  key: NDArray | null,
  f: () => R,
): [R, Record<string, NDArray>] {
  const context = Context.open(protocol, {
    entries: entries(variables),
    streams: key === null ? {} : { dropout: { key, count: 0 } },
  });
  const out = protocol.run(context, f);
  return [out, collection(context, "stats", (key) => context.get(key))];
}

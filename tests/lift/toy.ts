/**
 * A module system of a third party, in the manner of Flax: collections of variables in storage of its
 * own, two random streams, and a protocol in place of transforms.
 *
 * @module
 */
import {
  liftTransforms,
  type NDArray,
  numpy as np,
  type Phase,
  random,
  type StateBundle,
  StateError,
  type StateProtocol,
  type Streams,
  traceIdentity,
  type Transforms,
} from "../../mod.ts";

/** What a scope of the toy holds. Its storage is its own affair: a map for each collection. */
class Store {
  readonly variables: Map<string, NDArray>;
  readonly stats: Map<string, NDArray>;
  readonly firstStats: Map<string, NDArray>;
  readonly trace: object = traceIdentity();
  phase: Phase;
  streams: Streams;

  constructor(bundle: StateBundle) {
    const map = (entries: Readonly<Record<string, unknown>>) =>
      new Map(Object.entries(entries) as [string, NDArray][]);
    this.variables = map(bundle.params);
    this.stats = map(bundle.state);
    this.firstStats = map(bundle.initial);
    this.phase = bundle.phase;
    this.streams = bundle.rng;
  }
}

const stores: Store[] = [];

function top(): Store {
  const store = stores.at(-1);
  if (store === undefined) throw new StateError("toy: no scope is open");
  if (store.trace !== traceIdentity()) throw new StateError("toy: use toy.transforms");
  return store;
}

/** The toy as the engine sees it: all that a third party has to write. */
export const protocol: StateProtocol = {
  system: "Toy",
  dictionary: "toy.transforms",
  active: () => stores.length > 0,
  snapshot() {
    const { variables, stats, firstStats, phase, streams } = top();
    return {
      params: Object.fromEntries(variables),
      state: Object.fromEntries(stats),
      initial: Object.fromEntries(firstStats),
      rng: streams,
      phase,
      names: null,
    };
  },
  commit(bundle) {
    const store = new Store(bundle);
    const mine = top();
    for (const name of ["variables", "stats", "firstStats"] as const) {
      mine[name].clear();
      store[name].forEach((value, key) => mine[name].set(key, value));
    }
    mine.streams = store.streams;
  },
  run(bundle, f) {
    stores.push(new Store(bundle));
    try {
      return [f(), protocol.snapshot()];
    } finally {
      stores.pop();
    }
  },
};

/** Its dictionary. */
export const transforms: Transforms = liftTransforms(protocol);

/** A parameter, drawn from the stream `params` where it is made. */
export function param(name: string, shape: readonly number[]): NDArray {
  const store = top();
  let value = store.variables.get(name);
  if (value === undefined) {
    if (store.phase !== "init") throw new StateError(`toy: there is no variable ${name}`);
    const { root } = store.streams.params!;
    value = random.normal(random.foldIn(root, name.length), shape).mul(0.4);
    store.variables.set(name, value);
  }
  return value;
}

/** A statistic, zero at first. */
export function stat(name: string): NDArray {
  const store = top();
  if (!store.stats.has(name)) {
    store.stats.set(name, np.array(0));
    store.firstStats.set(name, np.array(0));
  }
  return store.stats.get(name)!;
}

/** Replaces a statistic. */
export function setStat(name: string, value: NDArray): void {
  stat(name);
  top().stats.set(name, value);
}

/** A key of the stream `dropout`. */
export function makeRng(): NDArray {
  const store = top();
  const { dropout } = store.streams;
  const key = random.foldIn(dropout!.key, dropout!.count);
  store.streams = { ...store.streams, dropout: { ...dropout!, count: dropout!.count + 1 } };
  return key;
}

/** What `init` gives and `apply` takes. */
export interface Variables {
  /** Parameters. */
  readonly params: Record<string, NDArray>;
  /** Statistics. */
  readonly stats: Record<string, NDArray>;
}

const stream = (key: NDArray) => ({ key, count: 0, root: key });

function bundle(phase: Phase, streams: Streams, variables: Variables): StateBundle {
  const { params, stats } = variables;
  return { params, state: stats, initial: {}, rng: streams, phase, names: null };
}

/** Makes the variables of `f`. */
export function init(key: NDArray, f: () => unknown): Variables {
  const streams = { params: stream(key), dropout: stream(random.foldIn(key, 99)) };
  const [, after] = protocol.run(bundle("init", streams, { params: {}, stats: {} }), f);
  return {
    params: after.params as Record<string, NDArray>,
    stats: after.initial as Record<string, NDArray>,
  };
}

/** Runs `f` with variables; gives its result and the statistics after it. */
export function apply<R>(
  variables: Variables,
  key: NDArray | null,
  f: () => R,
): [R, Record<string, NDArray>] {
  const streams: Streams = key === null ? {} : { dropout: stream(key) };
  const [out, after] = protocol.run(bundle("apply", streams, variables), f);
  return [out, after.state as Record<string, NDArray>];
}

/**
 * The flax adapter: entries of a root module, parameters in `params`, state in `state`.
 *
 * @module
 */
import { type NDArray, numpy as np, random } from "../../../mod.ts";
import * as flax from "../../../adapters/flax/mod.ts";
import { cellWeight, type Entries, heldIn, isParam, type World } from "../world.ts";

const first = random.key(34);

/** Initial values by name: those of flax depend on the order in which a scope draws, too. */
const weight = (name: string): NDArray =>
  random.normal(random.key([...name].reduce((n, c) => 31 * n + c.charCodeAt(0), 0)), [2, 2])
    .mul(0.4);

class Root extends flax.Module {
  readonly cell = new flax.Dense(2);
  call(f: () => void): void {
    // It stays: rules may run when this is over.
    root = this;
    f();
  }
}

/** The module whose method is running. */
let root = new Root();

class Model extends flax.Module {
  constructor(readonly f: (x: NDArray) => NDArray) {
    super();
  }
  call(x: NDArray): NDArray {
    return this.f(x);
  }
}

/** Where an entry is, if that is not in the root. */
const places: Readonly<Record<string, readonly [module: string, name: string]>> = {
  wCell: ["cell", "kernel"],
  wCellBias: ["cell", "bias"],
};

function named({ params = {}, state = {} }: flax.Variables): Entries {
  const { cell, ...own } = params;
  return {
    ...own,
    ...(cell === undefined ? {} : { wCell: cell.kernel!, wCellBias: cell.bias! }),
    ...state,
  };
}

function variables(entries: Entries): flax.GivenVariables {
  const params: Record<string, unknown> = {}, state: Record<string, NDArray> = {};
  for (const [name, value] of Object.entries(entries)) {
    const [module, own] = places[name] ?? [null, name];
    if (!isParam(name)) state[own] = value;
    else if (module === null) params[own] = value;
    else params[module] = { ...params[module] as object, [own]: value };
  }
  return { params, state };
}

const drawn = (s: unknown): NDArray => (s as { key: NDArray }).key;
const pathOf = (name: string): string => (places[name] ?? [name]).join("/");

export const flaxWorld: World = {
  name: "flax",
  transforms: flax.transforms,
  dictionary: flax.protocol.dictionary,
  phases: ["init", "apply"],
  held: () => heldIn(flax.protocol.need("laws")),
  initGives: "current",
  init: (f) => named(new Root().init(first, f)),
  apply(entries, f) {
    const given = variables(entries);
    const [, changed] = new Root().apply(given, f, {
      mutable: ["state"],
      rngs: { params: first },
    });
    return { ...named(given as flax.Variables), ...named(changed) };
  },
  param: (name) =>
    (root.getVariable("params", name) ?? root.param(name, () => weight(name))) as NDArray,
  state: (name) =>
    (root.getVariable("state", name) ??
      root.variable("state", name, () => np.array(0)).value) as NDArray,
  set: (name, value) => root.putVariable("state", name, value),
  remove: null,
  // The key of the stream itself, from which scopes draw by their path and how often they drew.
  draw: () => drawn(flax.protocol.need("laws").draw("params")),
  fresh: () => root.makeRng(),
  path: pathOf,
  read(name) {
    const collection = isParam(name) ? "params" : "state";
    return flax.protocol.need("laws").get(`${collection}:${pathOf(name)}`) as NDArray | undefined;
  },
  streams: {
    rules: flax.protocol.streams!,
    first: () => ({ key: first, forked: false }),
    drawn,
  },
  refuses: () => [],
  counted: null,
  lacks: [],
  missing: /there is no .* in the collection params/,
  guard: new RegExp(`Use ${flax.protocol.dictionary} instead`),
  unguarded: [],
  touches: {
    "a module": (x) => new flax.Dense(2).call(x),
    "a module in a field": (x) => root.cell.call(x),
    makeRng: () => root.makeRng(),
    isInitializing: () => root.isInitializing(),
    isMutableCollection: () => root.isMutableCollection("state"),
    hasVariable: () => root.hasVariable("params", "w"),
    hasRng: () => root.hasRng("params"),
    sow: (x) => root.sow("state", "sown", x),
    perturb: (x) => root.perturb("shifted", x),
  },
  modules: {
    model(f) {
      const model = new Model(f);
      return {
        init: (x) => model.init(first, x),
        apply: (given, x) => model.apply(given as flax.Variables, x),
      };
    },
    cell: (z) => new flax.Dense(2, { useBias: false, kernelInit: () => cellWeight }).call(z),
  },
  dense: (z) => root.cell.call(z),
  denseEntries: ({ w, b }) => ({ wCell: w, wCellBias: b }),
};

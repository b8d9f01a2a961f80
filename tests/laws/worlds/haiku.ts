/**
 * The Haiku adapter.
 *
 * @module
 */
import { type KeyStream, type NDArray, numpy as np, random } from "../../../mod.ts";
import * as hk from "../../../adapters/haiku/mod.ts";
import { keyStreams } from "../../../lib/extend.ts";
import { cellWeight, type Entries, heldIn, isParam, type World } from "../world.ts";

const first = random.key(32);
const wInit = hk.initializers.randomNormal(0.4);
const zeros: hk.Initializer = (shape, dtype) => np.zeros(shape, { dtype });

/** Where an entry is: outside of modules, but for those of the layer. */
const places: Readonly<Record<string, [module: string, name: string]>> = {
  "wCell": ["cell", "w"],
  "wCellBias": ["cell", "b"],
};
const place = (name: string): [string, string] => places[name] ?? ["~", name];

function named(trees: readonly hk.ModuleEntries[]): Entries {
  const all = trees.flatMap((tree) =>
    Object.entries(tree).flatMap(([module, own]) =>
      Object.entries(own).map(([name, value]): [string, string, NDArray] => [module, name, value])
    )
  );
  return Object.fromEntries(all.map(([module, name, value]) => {
    const special = Object.entries(places).find(([, [m, n]]) => m === module && n === name);
    return [special?.[0] ?? name, value];
  }));
}

function nested(entries: Entries, wanted: boolean): hk.ModuleEntries {
  const tree: Record<string, Record<string, NDArray>> = {};
  for (const [name, value] of Object.entries(entries)) {
    if (isParam(name) !== wanted) continue;
    const [module, own] = place(name);
    (tree[module] ??= {})[own] = value;
  }
  return tree;
}

export const haikuWorld: World = {
  name: "haiku",
  transforms: hk.transforms,
  dictionary: hk.protocol.dictionary,
  phases: ["init", "apply"],
  held: () => heldIn(hk.protocol.need("laws")),
  initGives: "initial",
  init(f) {
    const { init } = hk.transformWithState(() => (f(), np.array(0)));
    return named(init(first));
  },
  apply(entries, f) {
    const { apply } = hk.transformWithState(() => (f(), np.array(0)));
    const params = nested(entries, true);
    const [, state] = apply(params, nested(entries, false), first);
    return named([params, state]);
  },
  param: (name) => hk.getParameter(name, [2, 2], { init: wInit }),
  state: (name) => hk.getState(name, [], { init: zeros }),
  set: (name, value) => hk.setState(name, value),
  remove: null,
  draw: hk.nextRngKey,
  path: (name) => place(name).join("/"),
  read(name) {
    const key = `${isParam(name) ? "params" : "state"}:${place(name).join("/")}`;
    return hk.protocol.need("laws").get(key) as NDArray | undefined;
  },
  streams: {
    rules: keyStreams,
    first: () => ({ key: first, count: 0 }),
    drawn(s) {
      const { key, count } = s as KeyStream;
      return random.foldIn(key, count);
    },
  },
  lacks: [],
  refuses: () => [],
  counted: null,
  missing: /is not among the parameters that apply was given/,
  guard: new RegExp(`Use ${hk.protocol.dictionary} instead`),
  unguarded: [],
  touches: {
    "a module": (x) => new hk.Linear(2).call(x),
    maybeNextRngKey: () => hk.maybeNextRngKey(),
  },
  modules: {
    model(f) {
      const { init, apply } = hk.transform(f);
      return {
        init: (x) => init(first, x),
        apply: (params, x) => apply(params as hk.ModuleEntries, first, x),
      };
    },
    cell: (z) => new hk.Linear(2, { wInit: () => cellWeight }).call(z),
  },
  dense: (z) => new hk.Linear(2, { name: "cell" }).call(z),
  layer() {
    const cell = new hk.Linear(2, { name: "cell" });
    return (z) => cell.call(z);
  },
  denseEntries: ({ w, b }) => ({ wCell: w, wCellBias: b }),
};

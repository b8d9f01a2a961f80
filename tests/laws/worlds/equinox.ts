/**
 * The Equinox adapter: all entries are of a state that is threaded. There is no `init`: what stands for it
 * runs a function over a state in which everything is there, and gives what was reached.
 *
 * @module
 */
import { type NDArray, numpy as np, random } from "../../../mod.ts";
import * as eqx from "../../../adapters/equinox/mod.ts";
import { type Entries, heldIn, isParam, refusing, type World } from "../world.ts";

const names = ["w", "w2", "wCell", "n", "m", "c", "late"];

function initial(name: string): NDArray {
  if (!isParam(name)) return np.array(0);
  return random.normal(random.key(names.indexOf(name)), [2, 2]).mul(0.4);
}

type Model = Readonly<Record<string, eqx.StateIndex<NDArray>>>;
const make = (values: Entries): Model =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, new eqx.StateIndex<NDArray>(value)]),
  );
const everything: Entries = {
  ...Object.fromEntries(names.map((name) => [name, initial(name)])),
  wCellBias: np.zeros([2]),
};
const [model] = eqx.makeWithState(make)(everything);

/** The state that is threaded now, as anybody would get it. */
let current: eqx.State = eqx.makeWithState(make)({})[1];
let reached: Set<string> | null = null;

function run(entries: Entries, f: () => void): Entries {
  const [, state] = eqx.makeWithState(make)(entries);
  const [, after] = eqx.threadState(state, (state) => {
    current = state;
    f();
  });
  return after.values() as Entries;
}

function index(name: string): eqx.StateIndex<NDArray> {
  const own = model[name];
  if (own === undefined) throw new Error(`the world of Equinox has no index ${name}`);
  reached?.add(name);
  return own;
}

const read = (name: string): NDArray => current.get(index(name));
const linear = new eqx.nn.Linear(2, 2, { key: random.key(0) });

export const equinoxWorld: World = {
  name: "equinox",
  transforms: eqx.transforms,
  dictionary: eqx.protocol.dictionary,
  phases: ["init", "apply"],
  held: () => heldIn(eqx.protocol.need("laws")),
  initGives: "current",
  init(f) {
    const names = reached = new Set<string>();
    try {
      return Object.fromEntries(Object.entries(run(everything, f)).filter(([k]) => names.has(k)));
    } finally {
      reached = null;
    }
  },
  apply: run,
  param: read,
  state: read,
  set: (name, value) => void current.set(index(name), value),
  remove: null,
  draw: null,
  path: (name) => name,
  read: (name) =>
    reached?.has(name) === false
      ? undefined
      : eqx.protocol.need("laws").get(name) as NDArray | undefined,
  streams: null,
  refuses: refusing({ create: /has no entry m/, bear: /has no entry late/ }),
  counted: null,
  lacks: [],
  missing: /has no entry w2/,
  guard: new RegExp(`Use ${eqx.protocol.dictionary} instead`),
  unguarded: [],
  touches: {
    "all of a state": () => current.values(),
  },
  modules: null,
  dense(z) {
    const [w, b] = [read("wCell"), read("wCellBias")];
    return eqx.treeAt((m) => [m.weight, m.bias], linear, [w.transpose(), b]).call(z);
  },
  denseEntries: ({ w, b }) => ({ wCell: w, wCellBias: b }),
};

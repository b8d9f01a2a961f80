/**
 * The Trax adapter: a layer for each name, under one that runs the function.
 *
 * @module
 */
import { type KeyStream, type NDArray, numpy as np, random, type Tree } from "../../../mod.ts";
import * as tl from "../../../adapters/trax/mod.ts";
import { keyStreams } from "../../../lib/extend.ts";
import { type Entries, heldIn, isParam, refusing, type World } from "../world.ts";

const first = random.key(34);

/** State of one number. */
class Stat extends tl.Layer<readonly NDArray[], NDArray> {
  constructor(name: string) {
    super({ nIn: 0, name });
  }
  override initWeightsAndState(): void {
    this.state = np.array(0);
  }
  override forward(): NDArray {
    return this.state as NDArray;
  }
}

class Draw extends tl.Layer<readonly NDArray[], NDArray> {
  constructor() {
    super({ nIn: 0 });
  }
  override forward(): NDArray {
    return this.rng;
  }
}

/** Runs a function in place of layers. */
class Run extends tl.Layer<readonly NDArray[], readonly NDArray[]> {
  body: () => void = () => {};
  constructor(sublayers: readonly tl.AnyLayer[]) {
    super({ nIn: 0, nOut: 0, sublayers });
  }
  override initWeightsAndState(): void {
    this.body();
  }
  override forward(): readonly NDArray[] {
    this.body();
    return [];
  }
}

const names = ["w", "w2", "n", "m", "c", "late"];
const wInit = tl.RandomNormalInitializer(0.4);
const layers = names.map((name) => isParam(name) ? tl.Weights(wInit, [2, 2]) : new Stat(name));
const cell = tl.Dense(2, { kernelInitializer: wInit });
const draw = new Draw();
const root = new Run([...layers, cell, draw] as unknown as tl.AnyLayer[]);

function layer(name: string): tl.Layer<readonly NDArray[], NDArray> {
  const at = names.indexOf(name);
  if (at < 0) throw new Error(`the world of Trax has no layer ${name}`);
  return layers[at]!;
}

const isThere = (values: Tree): values is NDArray | readonly NDArray[] =>
  !(Array.isArray(values) && values.length === 0);

/** A layer whose values are there, or are made where the system makes some. */
function ready(name: string, make: boolean): tl.Layer<readonly NDArray[], NDArray> {
  const own = layer(name);
  if (make && !isThere(isParam(name) ? own.weights : own.state)) own.init([]);
  return own;
}

/** What there is, by name. */
function entriesOf(weights: Tree, state: Tree): Entries {
  const out: Record<string, NDArray> = {};
  names.forEach((name, i) => {
    const values = (isParam(name) ? weights : state) as readonly Tree[];
    if (isThere(values[i]!)) out[name] = values[i] as NDArray;
  });
  const dense = (weights as readonly Tree[])[names.length] as readonly NDArray[];
  if (dense.length > 0) [out.wCell, out.wCellBias] = dense as [NDArray, NDArray];
  return out;
}

function listsOf(entries: Entries): [weights: Tree[], state: Tree[]] {
  const list = (wanted: boolean): Tree[] =>
    names.map((name) => isParam(name) === wanted ? entries[name] ?? [] : []);
  const { wCell, wCellBias } = entries;
  return [
    [...list(true), wCell === undefined ? [] : [wCell, wCellBias!], []],
    [...list(false), [], []],
  ];
}

export const traxWorld: World = {
  name: "trax",
  transforms: tl.transforms,
  dictionary: tl.protocol.dictionary,
  phases: ["init", "apply"],
  held: () => heldIn(tl.protocol.need("laws")),
  initGives: "current",
  init(f) {
    root.body = f;
    return entriesOf(...root.init([], first));
  },
  apply(entries, f) {
    root.body = f;
    const [weights, state] = listsOf(entries);
    return entriesOf(weights, root.pureFn([], weights, state, first)[1]);
  },
  param: (name) => ready(name, tl.transforms.isInitializing()).call([]),
  state: (name) => ready(name, true).call([]),
  set(name, value) {
    layer(name).state = value;
  },
  remove: null,
  draw: () => draw.call([]),
  path: (name) => `Run/${names.indexOf(name)}_${layer(name).name}`,
  read(name) {
    const values = isParam(name) ? layer(name).weights : layer(name).state;
    return isThere(values) ? values as NDArray : undefined;
  },
  streams: {
    rules: keyStreams,
    first: () => keyStreams.named({ key: first, count: 0 }, "calls"),
    drawn(s) {
      const { key, count } = s as KeyStream;
      return random.foldIn(key, count);
    },
  },
  refuses: refusing({ create: /would be lost/ }),
  counted: null,
  lacks: [],
  missing: /has no weights yet/,
  guard: new RegExp(`Use ${tl.protocol.dictionary} instead`),
  unguarded: [],
  touches: {
    "a layer with sublayers": (x) => tl.Serial(cell as tl.AnyLayer).call(x),
  },
  // They have no names: layers are told apart by themselves.
  modules: null,
  dense(z) {
    if (tl.transforms.isInitializing()) cell.init(tl.signature(z));
    return cell.call(z);
  },
  denseEntries: ({ w, b }) => ({ wCell: w, wCellBias: b }),
};

/**
 * A system whose values live in objects, as those of NNX and Trax do, and nothing else: cells that are
 * read and written, which the protocol brings into contexts and out of them.
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
} from "../../../mod.ts";
import { keyStreams } from "../../../lib/extend.ts";
import { type Entries, heldIn, type World } from "../world.ts";

const first = random.key(33);

/** All cells that there are. */
const cells = new Map<string, NDArray>();

function replaceAll(values: ReadonlyMap<string, NDArray>): void {
  cells.clear();
  for (const [name, value] of values) cells.set(name, value);
}

const protocol: ContextStack = contextStack("Cells", {
  dictionary: "cells.transforms",
  opener: "cells.run",
  objects: {
    pull(context) {
      for (const [name, value] of cells) if (context.get(name) !== value) context.set(name, value);
      for (const name of context.keys()) if (!cells.has(name)) context.delete(name);
    },
    push(context) {
      replaceAll(new Map(context.keys().map((name) => [name, context.get(name) as NDArray])));
    },
    save() {
      const kept = new Map(cells);
      return () => replaceAll(kept);
    },
  },
});

function cell(name: string, what: string, make: () => NDArray, mayCreate: boolean): NDArray {
  const context = protocol.need(`cells.${what}(${name})`);
  const value = cells.get(name);
  if (value !== undefined) return value;
  if (!mayCreate) throw new StateError(`cells: there is no cell ${name}`);
  const made = context.create(name, make) as NDArray;
  cells.set(name, made);
  return made;
}

function run(initializing: boolean, entries: Entries, f: () => void): Entries {
  const streams = { noise: { key: first, count: 0 } };
  const context = Context.open(protocol, { initializing, entries, streams });
  protocol.run(context, f);
  return Object.fromEntries(context.keys().map((name) => [name, context.get(name) as NDArray]));
}

const draw = (): KeyStream => protocol.need("cells.draw").draw("noise") as KeyStream;
const drawn = (s: unknown): NDArray => random.foldIn((s as KeyStream).key, (s as KeyStream).count);

export const objectsWorld: World = {
  name: "objects",
  transforms: liftTransforms(protocol),
  dictionary: protocol.dictionary,
  phases: ["init", "apply"],
  held: () => heldIn(protocol.need("laws")),
  initGives: "current",
  init: (f) => run(true, {}, f),
  apply: (entries, f) => run(false, entries, f),
  param: (name) =>
    cell(name, "param", () => random.normal(drawn(draw()), [2, 2]).mul(0.4), isInitializing()),
  state: (name) => cell(name, "state", () => np.array(0), true),
  set(name, value) {
    protocol.need(`cells.set(${name})`);
    cells.set(name, value);
  },
  remove(name) {
    protocol.need(`cells.remove(${name})`);
    cells.delete(name);
  },
  draw: () => drawn(draw()),
  path: (name) => name,
  read: (name) => cells.get(name),
  streams: { rules: keyStreams, first: () => ({ key: first, count: 0 }), drawn },
  lacks: [],
  refuses: () => [],
  counted: null,
  missing: /there is no cell/,
  guard: new RegExp(`Use ${protocol.dictionary} instead`),
  unguarded: [],
  touches: {},
  modules: null,
  dense: (z) => z.matmul(objectsWorld.param("w")).add(objectsWorld.state("b")),
  denseEntries: ({ w, b }) => ({ w, b }),
};

function isInitializing(): boolean {
  return protocol.top()?.initializing === true;
}

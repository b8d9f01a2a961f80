/**
 * The toy of `tests/lift/toy.ts`: collections and streams, in the manner of Flax.
 *
 * @module
 */
import { type KeyStream, type NDArray, random } from "../../../mod.ts";
import { keyStreams } from "../../../lib/extend.ts";
import * as toy from "../../lift/toy.ts";
import { heldIn, isParam, type World } from "../world.ts";

const first = random.key(31);
const need = () => toy.protocol.need("toy.context");
const key = (name: string): string => `${isParam(name) ? "params" : "stats"}:${name}`;

function variables(entries: Readonly<Record<string, NDArray>>): toy.Variables {
  const of = (wanted: boolean) =>
    Object.fromEntries(Object.entries(entries).filter(([name]) => isParam(name) === wanted));
  return { params: of(true), stats: of(false) };
}

export const toyWorld: World = {
  name: "toy",
  transforms: toy.transforms,
  dictionary: toy.protocol.dictionary,
  phases: ["init", "apply"],
  held: () => heldIn(toy.protocol.need("laws")),
  initGives: "initial",
  init(f) {
    const { params, stats } = toy.init(first, f);
    return { ...params, ...stats };
  },
  apply(entries, f) {
    const given = variables(entries);
    const [, stats] = toy.apply(given, first, f);
    return { ...given.params, ...stats };
  },
  param: (name) => toy.param(name, [2, 2]),
  state: toy.stat,
  set: (name, value) => need().set(key(name), value),
  remove: (name) => need().delete(key(name)),
  draw: toy.makeRng,
  path: (name) => name,
  read: (name) => need().get(key(name)) as NDArray | undefined,
  streams: {
    rules: keyStreams,
    first: (phase) => ({ key: phase === "init" ? random.foldIn(first, 99) : first, count: 0 }),
    drawn(s) {
      const { key, count } = s as KeyStream;
      return random.foldIn(key, count);
    },
  },
  lacks: [],
  refuses: () => [],
  counted: null,
  missing: /there is no variable/,
  guard: new RegExp(`Use ${toy.protocol.dictionary} instead`),
  unguarded: [],
  touches: {},
  modules: null,
  dense: (z) => z.matmul(toy.param("w", [2, 2])).add(toy.stat("b")),
  denseEntries: ({ w, b }) => ({ w, b }),
};

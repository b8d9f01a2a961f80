/**
 * The NNX adapter: a model is an object, whose variables are there before anything runs. Its random
 * streams are variables too. Outside of the transforms of the model a variable may be read, as any
 * value that a function closes over.
 *
 * @module
 */
import { type NDArray, numpy as np, random, type Transforms, treeLeaves } from "../../../mod.ts";
import * as nnx from "../../../adapters/nnx/mod.ts";
import { type Entries, type Held, isParam, type World } from "../world.ts";

const root = random.key(36);

/** A model with a variable for each entry. */
class Host extends nnx.Module {
  /** Whether the count of its stream is among the entries that are compared. */
  counts = false;
  readonly entries: Record<string, nnx.Variable> = {};
  readonly rngs: nnx.Rngs = new nnx.Rngs({ noise: root });
}

let host: Host;

const variable = (name: string): nnx.Variable | undefined =>
  name === "count" ? host.rngs.stream("noise").count : host.entries[name];

function attach(name: string, value: NDArray): nnx.Variable {
  return host.entries[name] = isParam(name) ? new nnx.Param(value) : new nnx.BatchStat(value);
}

function run(entries: Entries, f: () => void): Entries {
  // It stays: rules may run when this is over.
  const own = host = new Host();
  host.counts = "count" in entries;
  for (const [name, value] of Object.entries(entries)) {
    if (name === "count") variable(name)!.value = value;
    else attach(name, value);
  }
  f();
  const names = Object.keys(own.entries);
  if (own.counts) names.push("count");
  return Object.fromEntries(names.map((name) => [name, variable(name)!.value]));
}

const get = (name: string): NDArray => (variable(name) ?? attach(name, np.array(0))).value;

const initial: Entries = Object.fromEntries(
  ["w", "w2", "n", "c", "m", "count"].map((name, i) => [
    name,
    isParam(name)
      ? random.normal(random.key(i), [2, 2]).mul(0.4)
      : name === "count"
      ? np.array(0, { dtype: "uint32" })
      : np.array(0),
  ]),
);

function held(): Held {
  const [, state] = nnx.split(host);
  return {
    // What is put back comes last.
    keys: Object.keys(host.entries).sort(),
    values: treeLeaves(state),
    streams: [],
    names: null,
  };
}

/** What a kind of effect attaches or takes off. */
const changes: Readonly<Record<string, string>> = {
  "create after init": "m",
  "set what is not there": "late",
  remove: "n",
};

/** Members whose function may run several times, or not at all. */
const unsure: readonly string[] = [
  "scan",
  "map",
  "foriLoop",
  "whileLoop",
  "associativeScan",
  "cond",
  "switchCase",
  "customJvp",
  "customVjp",
  "customRoot",
  "customLinearSolve",
  "fixedPoint",
];

export const nnxWorld: World = {
  name: "nnx",
  get transforms(): Transforms {
    return nnx.transformsFor(host);
  },
  dictionary: "nnx.transformsFor(model)",
  phases: ["apply"],
  held,
  initGives: "current",
  init: (f) => run(initial, f),
  apply: run,
  param: get,
  state: get,
  set(name, value) {
    const own = variable(name);
    if (own === undefined) attach(name, value);
    else own.value = value;
  },
  remove(name) {
    delete host.entries[name];
  },
  draw: () => host.rngs.next("noise"),
  path: (name) => name === "count" ? "rngs/streams/noise/count" : `entries/${name}`,
  read: (name) => name === "count" && !host.counts ? undefined : variable(name)?.value,
  streams: null,
  counted: root,
  lacks: ["a parameter that is not there", "draw"],
  // Objects are attached and taken off where it is known that and how often that happens.
  refuses(kind, nest) {
    const name = changes[kind];
    if (name === undefined) return [];
    const says = new RegExp(`"${name}" of entries|entries/${name}`);
    const places = kind === "remove" ? unsure.filter((m) => m !== "cond") : unsure;
    return nest.flatMap((member, at) =>
      places.some((m) => member === m || member.startsWith(`${m} `) || member.startsWith(`${m},`))
        ? [{ at, says }]
        : []
    );
  },
  missing: /none/,
  guard: /nnx\.transformsFor\(model\)/,
  // Properties of objects are set unseen; what leaks by that is an error where it is used.
  unguarded: [
    "read a parameter",
    "read state",
    "set new state",
    "create state",
    "create a parameter",
    "remove state",
  ],
  touches: {},
  modules: null,
  dense: (z) => z.matmul(get("w")).add(get("b")),
  denseEntries: ({ w, b }) => ({ w, b }),
};

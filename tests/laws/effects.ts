/**
 * Kinds of effects: for each, a function of R^2 in a module system, the same with explicit state, and
 * where the effect is refused.
 *
 * @module
 */
import { type NDArray, numpy as np, pure, random } from "../../mod.ts";
import type { Mode, Step } from "../lift/library.ts";
import type { Explicit, State } from "./purified.ts";
import type { Phase, Refusal, World } from "./world.ts";

/** A kind of effect. */
export interface Effect {
  /** The phases in which it is tried. */
  readonly phases: readonly Phase[];
  /** Whether a system has such a thing. */
  readonly has?: (world: World) => boolean;
  /** In a module system. */
  readonly step: (world: World) => Step;
  /** With explicit state. */
  readonly explicit: Explicit;
  /** What is there before `apply`, or an `init` that made it. */
  readonly entries: (phase: Phase) => readonly string[];
  /** State that is created. */
  readonly created?: string;
  /** State that comes to be by being set. */
  readonly born?: string;
  /** State that is gone afterwards. */
  readonly removed?: string;
  /** How the function can be differentiated; both ways where left out. */
  readonly modes?: readonly Mode[];
  /** Whether derivatives by the parameter are compared. */
  readonly derivative?: true;
  /** Who in a nest refuses it. */
  readonly refusals: (world: World, nest: readonly string[], phase: Phase) => readonly Refusal[];
}

const both: readonly Phase[] = ["init", "apply"];

/** What an entry is before `apply`; `init` makes state as zero. */
export const given: Readonly<Record<string, number>> = { n: 0.5, c: 2, m: 0 };

const scale = (n: NDArray): NDArray => n.mul(0.1).add(1);
const cell = (z: NDArray, w: NDArray, n: NDArray): NDArray => np.tanh(z.matmul(w)).mul(scale(n));
const like = (x: NDArray, n: NDArray): NDArray => x.astype(n.dtype);
const noise = (key: NDArray): NDArray => random.uniform(key, []).mul(0.1);

/** Members by what they do with a function. */
const readers = ["whileLoop", "associativeScan"];
const loops = ["scan", "map", "foriLoop", "whileLoop", "whileLoop, body alone"];

/** The numbers of those members of a nest. */
function placesOf(nest: readonly string[], names: readonly string[]): number[] {
  return nest.flatMap((name, i) => names.includes(name) ? [i] : []);
}

/** What only reads: conditions, and functions of which nobody knows how often they run. */
const readOnly =
  (says: (world: World) => string | RegExp) => (world: World, nest: readonly string[]): Refusal[] =>
    placesOf(nest, readers).map((at) => ({ at, says: says(world) }));

/** A `vmap` outside of a branch that its lanes choose: what the branches wrote may differ. */
function lanesChoose(world: World, nest: readonly string[], name: string): Refusal[] {
  return placesOf(nest, ["vmap", "associativeScan"])
    .filter((at) => nest.indexOf("cond", at) > at)
    .map((at) => ({ at, says: world.path(name), by: "vmap" }));
}

/** A `vmap`, whose lanes write differently. */
function lanesDiffer(world: World, nest: readonly string[], name: string): Refusal[] {
  return placesOf(nest, ["vmap"]).map((at) => ({ at, says: world.path(name) }));
}

const writes = (name: string) => (world: World, nest: readonly string[]): Refusal[] => [
  ...readOnly((w) => w.path(name))(world, nest),
  ...lanesChoose(world, nest, name),
];

const writesByLane = (name: string) => (world: World, nest: readonly string[]): Refusal[] => [
  ...readOnly((w) => w.path(name))(world, nest),
  ...lanesDiffer(world, nest, name),
  // It applies vmap itself.
  ...placesOf(nest, ["associativeScan"]).map((at) => ({
    at,
    says: world.path(name),
    by: "vmap",
  })),
];

const none = (): Refusal[] => [];
const wn = (): readonly string[] => ["w", "n"];

/** All kinds. In `init`, reading is creating. */
export const effects: Readonly<Record<string, Effect>> = {
  "read or create": {
    phases: both,
    entries: wn,
    step: (a) => (z) => cell(z, a.param("w"), a.state("n")),
    explicit: (s, _, z) => [s, cell(z, s.w!, s.n!)],
    derivative: true,
    refusals: none,
  },
  "create after init": {
    phases: ["apply"],
    entries: wn,
    created: "m",
    step: (a) => (z) => cell(z, a.param("w"), a.state("m").add(a.state("n"))),
    explicit: (s, _, z) => [s, cell(z, s.w!, s.m!.add(s.n!))],
    refusals: none,
  },
  "a parameter that is not there": {
    phases: ["apply"],
    entries: wn,
    step: (a) => (z) => cell(z, a.param("w2"), a.state("n")),
    explicit: (s, _, z) => [s, z],
    refusals: ({ missing }) => [{ at: null, says: missing }],
  },
  write: {
    phases: both,
    entries: wn,
    step: (a) => (z) => {
      const n = a.state("n").add(1);
      a.set("n", n);
      return cell(z, a.param("w"), n);
    },
    explicit: (s, _, z) => {
      const n = s.n!.add(1);
      return [{ ...s, n }, cell(z, s.w!, n)];
    },
    derivative: true,
    refusals: writes("n"),
  },
  "write what depends on x": {
    phases: both,
    entries: wn,
    step: (a) => (z) => {
      const n = a.state("n");
      const y = cell(z, a.param("w"), n);
      a.set("n", n.add(like(y.sum().mul(0.1), n)));
      return y;
    },
    explicit: (s, _, z) => {
      const y = cell(z, s.w!, s.n!);
      return [{ ...s, n: s.n!.add(like(y.sum().mul(0.1), s.n!)) }, y];
    },
    derivative: true,
    refusals: writesByLane("n"),
  },
  remove: {
    phases: ["apply"],
    has: (a) => a.remove !== null,
    entries: () => ["w", "n", "c"],
    step: (a) => (z) => {
      const y = cell(z, a.param("w"), a.state("c"));
      a.remove!("n");
      return y;
    },
    explicit: (s, _, z) => [s, cell(z, s.w!, s.c!)],
    removed: "n",
    refusals: (world, nest) => [
      ...readOnly((w) => w.path("n"))(world, nest),
      ...placesOf(nest, [...loops, "switchCase"]).map((at) => ({ at, says: world.path("n") })),
    ],
  },
  draw: {
    phases: both,
    has: (a) => a.streams !== null,
    entries: wn,
    step: (a) => (z) => {
      const first = noise(a.draw!());
      return cell(z, a.param("w"), a.state("n")).add(first).sub(noise(a.draw!()));
    },
    explicit: (s, keys, z) => {
      const first = noise(keys.draw());
      return [s, cell(z, s.w!, s.n!).add(first).sub(noise(keys.draw()))];
    },
    refusals: readOnly(() => "it drew a random key"),
  },
  "draw from a stream that is an entry": {
    phases: ["apply"],
    has: (a) => a.counted !== null,
    entries: () => ["w", "n", "count"],
    step: (a) => (z) => cell(z, a.param("w"), a.state("n")).add(noise(a.draw!())),
    explicit: (s, keys, z) => [
      { ...s, count: s.count!.add(1).astype(s.count!.dtype) },
      cell(z, s.w!, s.n!).add(noise(keys.counted(s.count!))),
    ],
    refusals: writes("count"),
  },
  "set what is not there": {
    phases: both,
    entries: wn,
    born: "late",
    step: (a) => (z) => {
      a.set("late", a.state("n").add(2));
      return cell(z, a.param("w"), a.state("n"));
    },
    explicit: (s, _, z) => [{ ...s, late: s.n!.add(2) }, cell(z, s.w!, s.n!)],
    refusals: (world, nest, phase) => [
      ...writes("late")(world, nest),
      ...(phase === "init"
        ? []
        : placesOf(nest, ["switchCase", "whileLoop, body alone"]).map((at) => ({
          at,
          says: world.path("late"),
        }))),
    ],
  },
  "create in a condition": {
    phases: both,
    entries: () => ["w", "n", "c"],
    modes: ["forward"],
    step: (a) => (x) =>
      a.transforms.whileLoop(
        ([i, z]) => np.logicalAnd(i.less(3), z.sum().less(a.state("c").add(1e3))),
        ([i, z]) => [i.add(1), cell(z, a.param("w"), a.state("n"))],
        [0, x] as [number, NDArray],
      )[1],
    explicit: (s, _, x) => [
      s,
      pure.whileLoop(
        ([i, z]) => np.logicalAnd(i.less(3), z.sum().less(s.c!.add(1e3))),
        ([i, z]) => [i.add(1), cell(z, s.w!, s.n!)],
        [np.array(0), x] as [NDArray, NDArray],
      )[1],
    ],
    refusals: none,
  },
  "create in one branch": {
    phases: both,
    entries: () => ["w", "n", "w2"],
    step: (a) => (x) =>
      a.transforms.cond(
        x.sum().greater(9),
        (z: NDArray) => cell(z, a.param("w2"), a.state("n")),
        (z: NDArray) => cell(z, a.param("w"), a.state("n")),
        x,
      ),
    explicit: (s, _, x) => [
      s,
      pure.cond(
        x.sum().greater(9),
        (z: NDArray) => cell(z, s.w2!, s.n!),
        (z: NDArray) => cell(z, s.w!, s.n!),
        x,
      ),
    ],
    derivative: true,
    refusals: none,
  },
  "write in one branch": {
    phases: both,
    entries: wn,
    step: (a) => (x) =>
      a.transforms.cond(
        x.sum().greater(0),
        (z: NDArray) => {
          const n = a.state("n").add(1);
          a.set("n", n);
          return cell(z, a.param("w"), n);
        },
        (z: NDArray) => z,
        x,
      ),
    explicit: (s, _, x) =>
      pure.cond(
        x.sum().greater(0),
        (s: State, z: NDArray): [State, NDArray] => {
          const n = s.n!.add(1);
          return [{ ...s, n }, cell(z, s.w!, n)];
        },
        (s: State, z: NDArray): [State, NDArray] => [s, z],
        s,
        x,
      ),
    refusals: writesByLane("n"),
  },
  "in a body without trips": {
    phases: both,
    entries: () => ["w", "n", "w2"],
    step: (a) => (x) => {
      const z = a.transforms.foriLoop(0, 0, (_, z) => {
        a.set("n", a.state("n").add(1));
        return cell(z, a.param("w2"), a.state("n"));
      }, x);
      return cell(z, a.param("w"), a.state("n"));
    },
    explicit: (s, _, z) => [s, cell(z, s.w!, s.n!)],
    // What is written in a body is written, however often that runs.
    refusals: writes("n"),
  },
};

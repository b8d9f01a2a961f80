/**
 * What the laws ask of a module system: a way to run a function with entries, and an accessor for each
 * kind of effect that a function may have on its context. One file of `worlds/` has one system.
 *
 * @module
 */
import {
  type Context,
  type NDArray,
  numpy as np,
  type Stream,
  type StreamRules,
  type Transforms,
} from "../../mod.ts";

/** Entries by the names that the laws give them. */
export type Entries = Readonly<Record<string, NDArray>>;

/** Whether entries are made, or given. */
export type Phase = "init" | "apply";

/**
 * A module system. Names that begin with `w` are of parameters, float32 [2, 2]; all others are of
 * state, float32 [].
 */
export interface World {
  /** What the table calls it. */
  readonly name: string;
  /** Its dictionary, where a function runs. */
  readonly transforms: Transforms;
  /** How messages call that. */
  readonly dictionary: string;
  /** The phases that it has. Where there is no `init`, entries are made before. */
  readonly phases: readonly Phase[];
  /** All that its context holds now. */
  held(): Held;
  /** What of state `init` gives: the initial values, or those that are there when it ends. */
  readonly initGives: "initial" | "current";

  /** Runs a function in the system's own `init`; gives what that gives. */
  init(f: () => void): Entries;
  /** Runs a function in the system's own `apply` with entries; gives those that are there after it. */
  apply(entries: Entries, f: () => void): Entries;

  /** A parameter: read, or made where `init` runs. */
  param(name: string): NDArray;
  /** State: read, or made where there is none, which is zero at first. */
  state(name: string): NDArray;
  /** Replaces state; where there is none, it comes to be. */
  set(name: string, value: NDArray): void;
  /** Removes state; `null` for a system where nothing can be removed. */
  readonly remove: ((name: string) => void) | null;
  /** Draws a random key; `null` for a system where functions do not draw. */
  readonly draw: (() => NDArray) | null;

  /** A key as functions get one, where `draw` gives what several of these are made from. */
  readonly fresh?: () => NDArray;

  /** How messages write an entry. */
  path(name: string): string;
  /** An entry as it is now, or `undefined`. */
  read(name: string): NDArray | undefined;
  /**
   * The stream that `draw` takes from, as a run begins with it, and what is drawn from it; `null` where keys
   * are not a matter of the engine's streams alone.
   */
  readonly streams: {
    readonly rules: StreamRules;
    first(phase: Phase): Stream;
    drawn(s: Stream): NDArray;
  } | null;

  /**
   * Where random streams are entries: `count` is how often was drawn from the key, which is folded in; `null`
   * for others.
   */
  readonly counted: NDArray | null;
  /** Kinds of effects that the system does not have. */
  readonly lacks: readonly string[];
  /** Where it refuses a kind of effect that others allow. */
  refuses(kind: string, nest: readonly string[], phase: Phase): readonly Refusal[];
  /** What is said where a parameter is not there. */
  readonly missing: RegExp;
  /** What is said inside a raw transform. */
  readonly guard: RegExp;
  /** What may be done there all the same, by its name in `guard_test.ts`. */
  readonly unguarded: readonly string[];
  /** What else reaches the context, by name: for the guards. */
  readonly touches: Readonly<Record<string, (x: NDArray) => unknown>>;

  /**
   * A model of a function that makes modules, which the system names; `null` where it has none. `cell` makes
   * one and applies it: `z` times `cellWeight`.
   */
  readonly modules: {
    model(f: (x: NDArray) => NDArray): {
      init(x: NDArray): unknown;
      apply(variables: unknown, x: NDArray): NDArray;
    };
    cell(z: NDArray): NDArray;
  } | null;

  /** A dense layer of the system's own, tanh(z w + b) without the tanh, with entries under a name. */
  dense(z: NDArray): NDArray;
  /** The same of a layer that is made once, where one that is made in each call has a name of its own. */
  readonly layer?: () => (z: NDArray) => NDArray;
  /** Those entries. */
  denseEntries(p: { readonly w: NDArray; readonly b: NDArray }): Entries;
}

/** The weight of each module that `cell` makes. */
export const cellWeight: NDArray = np.array([[0.3, -0.2], [0.1, 0.4]]);

/** Whether an entry is a parameter. */
export function isParam(name: string): boolean {
  return name.startsWith("w");
}

/** All that a context holds. */
export interface Held {
  /** The keys of entries. */
  readonly keys: readonly string[];
  /** Their values. */
  readonly values: readonly unknown[];
  /** The streams. */
  readonly streams: readonly Stream[];
  /** The names that were put. */
  readonly names: unknown;
}

/** A refusal: by which member of a nest, and what the message says beside its name. */
export interface Refusal {
  /** The number of the member in the nest; `null` where the accessor itself refuses. */
  readonly at: number | null;
  /** What the message must hold: the entry's path, or words. */
  readonly says: string | RegExp;
  /** The member of the dictionary that refuses, where the library function uses several. */
  readonly by?: string;
}

/** Refusals of a system that does not create state after `init`, or does not set what is not there. */
export function refusing(
  { create, bear }: { readonly create?: RegExp; readonly bear?: RegExp },
): World["refuses"] {
  return (kind, _, phase) => {
    const says = kind === "create after init"
      ? create
      : kind === "set what is not there" && phase === "apply"
      ? bear
      : undefined;
    return says === undefined ? [] : [{ at: null, says }];
  };
}

/** What a context holds now. */
export function heldIn(context: Context): Held {
  const keys = context.keys();
  return {
    keys,
    values: keys.map((key) => context.get(key)),
    streams: context.streamNames().map((name) => context.peek(name)),
    names: context.names.changes(),
  };
}

/**
 * What all lifted transforms share: initialising, running a user's function over a snapshot,
 * committing the outcome, and the streams of random keys. See `lift.ts` for the idea.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import { formatAval, sameAval, sizeOf } from "../core/aval.ts";
import { StateError } from "../core/errors.ts";
import { treeFlatten, treeUnflatten } from "../core/tree.ts";
import { foldIn } from "../api/random.ts";
import { moveAxis, reshape, zeros } from "../primitives/shape.ts";
import { slice } from "../primitives/slicing.ts";
import { flattenArrays } from "../transforms/trees.ts";
import { pure as pureTransforms } from "../transforms/pure.ts";
import type { AnyFunction, Transforms } from "../transforms/types.ts";
import type { Entries, RngState, StateBundle, StateProtocol } from "./protocol.ts";

/** Any function, by its untyped signature. */
export type Fn = (...args: unknown[]) => unknown;

/** The pure members by their untyped signatures: what is lifted has types of its own. */
export const pure: Record<keyof Transforms, Fn> = pureTransforms as unknown as Record<
  keyof Transforms,
  Fn
>;

/** The outcome of running a user's function in a context of its own. */
export interface Outcome {
  /** Its result. */
  readonly out: unknown;
  /** What the context holds afterwards. */
  readonly after: StateBundle;
}

/** A user's function made pure. */
export interface Purified {
  /** Runs it with the given state. */
  readonly call: (state: unknown, args: unknown[], change?: Partial<StateBundle>) => Outcome;
  /** The names in force after the last run. */
  readonly names: () => unknown;
}

/** What all lifted transforms share: running user functions over a snapshot, and committing. */
export class Engine {
  constructor(readonly protocol: StateProtocol, readonly strict: boolean) {}

  /** Runs `f` with some state and stream in place of the bundle's. */
  run(
    bundle: StateBundle,
    f: () => unknown,
    change: Partial<StateBundle> = {},
  ): Outcome {
    const [out, after] = this.protocol.run({ ...bundle, ...change }, f);
    return { out, after };
  }

  /** The bundle for the real run: all entries exist, and the stream is one of its own. */
  begin(): { readonly outer: StateBundle; readonly inner: StateBundle } {
    const outer = this.protocol.snapshot();
    return {
      outer,
      inner: {
        ...outer,
        phase: outer.phase === "init" ? "settled" : outer.phase,
        rng: forked(outer.rng),
      },
    };
  }

  /** Puts the state that a transform gave into the context. */
  commit(outer: StateBundle, state: unknown, names: unknown): void {
    const rng = outer.rng === null ? null : { ...outer.rng, count: outer.rng.count + 1 };
    this.protocol.commit({ ...outer, state: state as Entries, rng, names });
  }

  /** Creates the entries that `f` needs, and nothing else; gives the names in force after it. */
  initialize(f: () => unknown, names?: unknown): unknown {
    const before = this.protocol.snapshot();
    if (before.phase !== "init") return names ?? before.names;
    const { after } = this.run(before, f, {
      rng: forked(before.rng),
      names: names ?? before.names,
    });
    const created = newKeys(before.state, after.state);
    this.protocol.commit({
      ...before,
      params: after.params,
      state: { ...before.state, ...pick(after.initial, created) },
      initial: { ...before.initial, ...pick(after.initial, created) },
    });
    return after.names;
  }

  /** State after a run that may write but not create; names entries that changed type. */
  state(where: string, before: Entries, after: StateBundle): Entries {
    for (const [name, value] of Object.entries(after.state)) {
      if (!(name in before)) {
        throw new StateError(
          `${where}: the state entry ${name} was created inside the transform outside of initialisation. ` +
            "Create it before, or during init",
        );
      }
      checkSameTypes(where, name, before[name], value);
    }
    return after.state;
  }

  /** Checks that a function wrote nothing and drew no keys. */
  unchanged(where: string, before: StateBundle, after: StateBundle): void {
    const changed = changedKeys(before.state, after.state);
    if (changed.length > 0) {
      throw new StateError(
        `${where} may only read state, but it wrote ${
          changed.join(", ")
        }. Write it in the body instead`,
      );
    }
    if ((before.rng?.count ?? 0) !== (after.rng?.count ?? 0)) {
      throw new StateError(
        `${where} may only read state, but it drew a random key. Draw it in the body, or before the loop`,
      );
    }
  }

  /**
   * A pure function from state and arguments to result and state. `after` gives the names after the
   * last run.
   */
  purify(where: string, inner: StateBundle, f: Fn): Purified {
    let names: unknown = inner.names;
    return {
      call: (state: unknown, args: unknown[], change: Partial<StateBundle> = {}): Outcome => {
        const before = state as Entries;
        const outcome = this.run(inner, () => f(...args), { state: before, ...change });
        names = outcome.after.names;
        this.state(where, before, outcome.after);
        return outcome;
      },
      names: () => names,
    };
  }

  /** `transform` applied with the state of an open context threaded through, else the pure one. */
  threaded(
    name: keyof Transforms,
    f: AnyFunction,
    args: unknown[],
    run: (call: (...args: unknown[]) => [unknown, Entries]) => [unknown, unknown],
  ): unknown {
    this.initialize(() => (f as Fn)(...args));
    const { outer, inner } = this.begin();
    const fn = this.purify(this.label(name), inner, f as Fn);
    const [result, state] = run((...xs) => {
      const { out, after } = fn.call(inner.state, xs);
      return [out, after.state];
    });
    this.commit(outer, state, fn.names());
    return result;
  }

  /** A member as users write it. */
  label(name: string): string {
    return `${this.protocol.dictionary}.${name}`;
  }

  /** Lifts a member that gives a function: outside of a context it is the pure member's. */
  member(
    name: keyof Transforms,
    lifted: (f: AnyFunction, args: unknown[], ...rest: unknown[]) => unknown,
  ): Fn {
    return (...params: unknown[]) => {
      const outside = pure[name](...params) as Fn;
      const f = params[0] as AnyFunction;
      const wrapped = (...args: unknown[]): unknown =>
        this.protocol.active() ? lifted(f, args, ...params.slice(1)) : outside(...args);
      return Object.defineProperty(wrapped, "name", { value: outside.name });
    };
  }

  /** Lifts a member that runs at once. */
  now(name: keyof Transforms, lifted: Fn): Fn {
    return (...params) => this.protocol.active() ? lifted(...params) : pure[name](...params);
  }
}

/** A stream that does not overlap with what is drawn later. */
export function forked(rng: RngState | null): RngState | null {
  return rng === null ? null : { ...rng, key: foldIn(rng.key, rng.count), count: 0 };
}

/** The stream of one iteration or branch. */
export function folded(rng: RngState | null, i: NDArray): RngState | null {
  return rng === null ? null : { ...rng, key: foldIn(rng.key, i), count: 0 };
}

/** Names that `after` has and `before` lacks. */
export function newKeys(before: Entries, after: Entries): string[] {
  return Object.keys(after).filter((k) => !(k in before));
}

/** Names whose entries are not the same object any more. */
export function changedKeys(before: Entries, after: Entries): string[] {
  return Object.keys(after).filter((k) => after[k] !== before[k]);
}

/** Some of the entries. */
export function pick(entries: Entries, keys: readonly string[]): Entries {
  return Object.fromEntries(keys.map((k) => [k, entries[k]]));
}

/** A tree with its leaves converted to arrays. */
export function flatTree(tree: unknown): unknown {
  const [leaves, def] = flattenArrays("init", tree, "an argument");
  return treeUnflatten(def, leaves);
}

/** A step's `[carry, y]`; anything else is left to the pure scan to report. */
export function scanPair(out: unknown): [unknown, unknown] {
  if (Array.isArray(out) && out.length === 2) return out as [unknown, unknown];
  throw new StateError("scan: the function must return [carry, y]; return [carry, null] without y");
}

/** The first (or last) element along an axis, or zeros where there is none. */
export function laneZero(x: NDArray, axis: number, last = false): NDArray {
  const front = moveAxis(x, axis, 0);
  const rest = front.shape.slice(1);
  const n = front.shape[0]!;
  if (n === 0) return zeros({ shape: rest, dtype: x.dtype });
  const at = last ? n - 1 : 0;
  const lane = slice(front, [at, ...rest.map(() => 0)], [at + 1, ...rest]);
  return sizeOf(rest) === sizeOf(lane.shape) ? reshape(lane, rest) : lane;
}

function checkSameTypes(where: string, name: string, before: unknown, after: unknown): void {
  if (before === after) return;
  const [a, aDef] = treeFlatten(before);
  const [b, bDef] = treeFlatten(after);
  const type = (x: unknown): string => x instanceof NDArray ? formatAval(x.aval) : typeof x;
  const same = aDef === bDef && a.every((x, i) => {
    const y = b[i];
    return x instanceof NDArray && y instanceof NDArray && sameAval(x.aval, y.aval);
  });
  if (same) return;
  throw new StateError(
    `${where}: the state entry ${name} changed its type from ${a.map(type).join(", ")} to ${
      b.map(type).join(", ")
    }. Inside a transform an entry keeps its shape and dtype`,
  );
}

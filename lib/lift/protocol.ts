/**
 * What a stateful module system tells the lifting engine about itself. Whoever supports a new system
 * writes this, and no transform.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { checkCall } from "../core/signature.ts";
import { currentTrace } from "../core/trace.ts";

/** Named entries; the values are pytrees of arrays. Names are paths for messages, `"linear/w"`. */
export type Entries = Readonly<Record<string, unknown>>;

/** A random stream: its keys are `foldIn(key, 0)`, `foldIn(key, 1)`, ... */
export interface RngState {
  /** The key. */
  readonly key: NDArray;
  /** How many keys were drawn from it. */
  readonly count: number;
  /**
   * The key of the outermost context. Initial values of entries are drawn from it by name alone, so
   * that they do not depend on which transforms surround the place where an entry is created.
   */
  readonly root: NDArray;
}

/** The random streams of a context by name; none where it was given no key. */
export type Streams = Readonly<Record<string, RngState>>;

/**
 * - `"init"`: missing entries are created.
 * - `"settled"`: still initialising, but all entries exist; creating one is an error.
 * - `"apply"`: parameters are given; creating one is an error.
 */
export type Phase = "init" | "settled" | "apply";

/** Everything that a context holds. */
export interface StateBundle {
  /** Parameters: read, and created during initialisation, but never written. */
  readonly params: Entries;
  /** State as it is now. An entry counts as written where its arrays are other objects. */
  readonly state: Entries;
  /** State as it was when created; has the keys of those created in this context. */
  readonly initial: Entries;
  /** The random streams. */
  readonly rng: Streams;
  /** What may be done. */
  readonly phase: Phase;
  /** Anything that decides the names of entries to come (counters and such), as plain data. */
  readonly names: unknown;
}

/**
 * How to look into a stateful system. `liftTransforms` makes a dictionary of transforms from it,
 * and has an example that uses one.
 *
 * @example
 * ```ts
 * import type { StateBundle, StateProtocol } from "@injax/injax";
 *
 * // The contexts are bundles on a stack.
 * const stack: StateBundle[] = [];
 * const protocol: StateProtocol = {
 *   system: "Stack",
 *   dictionary: "stackTransforms",
 *   active: () => stack.length > 0,
 *   snapshot: () => stack.at(-1)!,
 *   commit: (bundle) => void (stack[stack.length - 1] = bundle),
 *   run(bundle, f) {
 *     stack.push(bundle);
 *     try {
 *       return [f(), stack.at(-1)!];
 *     } finally {
 *       stack.pop(); // after an exception too: the context outside is as it was
 *     }
 *   },
 * };
 *
 * const empty = { params: {}, state: {}, initial: {}, rng: {}, names: null };
 * const [open] = protocol.run({ ...empty, phase: "apply" }, () => protocol.active());
 * console.log(open, protocol.active()); // true false
 * ```
 */
export interface StateProtocol {
  /** The system's name, for messages: `"Haiku"`. */
  readonly system: string;
  /** How users write its dictionary, for messages: `"hk.transforms"`. */
  readonly dictionary: string;
  /** Whether a context is open. */
  active(): boolean;
  /**
   * What the innermost context holds. Must raise where `traceIdentity()` is not what it was when the
   * context was opened: inside a pure transform, which would leak or lose state.
   */
  snapshot(): StateBundle;
  /** Replaces what the innermost context holds. The bundle's phase is the one that it is in. */
  commit(bundle: StateBundle): void;
  /**
   * Runs `f` in a new context that holds `bundle`; gives its result and what that context then holds.
   * The context may be opened when no other is, since derivative rules run late.
   */
  run<T>(bundle: StateBundle, f: () => T): [result: T, after: StateBundle];
}

/**
 * Stands for the transform whose function is being traced, or for eager code: the same object as long
 * as that is the same. A protocol keeps the one with which a context was opened, and compares.
 *
 * @example
 * ```ts
 * import { jit, numpy as np, traceIdentity } from "@injax/injax";
 *
 * const outside = traceIdentity();
 * console.log(traceIdentity() === outside); // true
 * jit((x: np.NDArray) => {
 *   console.log(traceIdentity() === outside); // false: this is recorded, not run
 *   return x;
 * }, { backend: "interpreter" })(np.array(1));
 * ```
 */
export function traceIdentity(): object {
  if (arguments.length > 0) checkCall("traceIdentity()", arguments);
  return currentTrace();
}

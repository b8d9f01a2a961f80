/**
 * The contexts of flax modules: the protocol, the dictionary, random streams as flax derives them, and
 * which collections may be read and changed where.
 *
 * @module
 */
import {
  type Context,
  type ContextStack,
  contextStack,
  type LiftedTransforms,
  liftTransforms,
  NDArray,
  random,
  StateError,
  type Stream,
  type StreamRules,
} from "../../mod.ts";
import { type Filter, inFilter } from "./filters.ts";
import { drawnKey } from "./sha1.ts";

/** A random stream. Draws are counted by scope, in the names of the context. */
export interface FlaxStream {
  /** The key, uint32 [2]. */
  readonly key: NDArray;
  /** Whether the next part is the role of a function in a transform, and not a branch or a step. */
  readonly forked: boolean;
}

/**
 * Streams as flax has them. A transform leaves a key as it is: the path of the scope and the number of
 * the draw, which go on through transforms, tell draws apart. Steps and lanes that are told apart get the
 * keys of `random.split`, which are those of `foldIn`. Functions that flax does not know of, such as
 * solvers and backward rules, draw from keys of their own.
 */
const streams: StreamRules = {
  fork: (s) => ({ key: (s as FlaxStream).key, forked: true }),
  part(s, number) {
    const { key, forked } = s as FlaxStream;
    if (number instanceof NDArray) return { key: random.foldIn(key, number), forked: false };
    const isOwn = forked && number > 0;
    return { key: isOwn ? random.foldIn(key, roleDomain - number) : key, forked: false };
  },
  named: (s) => s,
  advance: (s) => s,
};

// Steps are counted from 0, and what flax folds in is spread over all words.
const roleDomain = 2 ** 32 - 1;

const stack = contextStack("Flax", {
  dictionary: "flax.transforms",
  opener: "model.init or model.apply",
  streams,
});

const listeners: (() => void)[] = [];

/** Has `f` called before the function of a transform runs, while names may still be given outside. */
export function beforeTransforms(f: () => void): void {
  listeners.push(f);
}

/**
 * Flax as the lifting engine sees it, to compose it with other systems, or to register it with
 * `registerStatefulLibrary`.
 *
 * @example
 * ```ts
 * import { registerStatefulLibrary } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * registerStatefulLibrary({ when: flax.protocol.active, transforms: flax.transforms });
 * console.log(flax.protocol.active()); // false: no module is running
 * ```
 */
export const protocol: ContextStack = {
  ...stack,
  run(context, f) {
    for (const listener of listeners) listener();
    return stack.run(context, f);
  },
};

/**
 * The transforms to use inside of modules, and to pass to library functions called there. Outside of
 * modules they are the pure ones.
 *
 * @example
 * ```ts
 * import { fixedPoint, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Equilibrium extends flax.Module {
 *   call(x: NDArray): NDArray {
 *     const cell = new flax.Dense(3, { kernelInit: flax.initializers.normal(0.1) });
 *     return fixedPoint((z) => np.tanh(cell.call(z).add(x)), np.zeros([3]), {
 *       transforms: flax.transforms,
 *     }).value;
 *   }
 * }
 * const model = new Equilibrium();
 * const variables = model.init(random.key(0), np.ones([3]));
 * console.log(Object.keys(variables.params!)); // [ "Dense_0" ]: one set of weights for all steps
 * ```
 */
export const transforms: LiftedTransforms = liftTransforms(protocol);

/** What is fixed for a context. */
export interface Statics {
  /** Which collections may be changed. */
  readonly mutable: Filter;
}

/** What a lifted transform lets through to its function. Of several filters each adds what it means. */
export interface Limits {
  /** What sets the limits, for messages: `"flax.scan"`. */
  readonly by: string;
  /** Which collections can be seen. */
  readonly visible: readonly Filter[];
  /** Which collections may be changed. */
  readonly mutable: readonly Filter[];
  /** Which of the others may be created all the same. */
  readonly creates?: readonly Filter[];
  /** Which random streams can be drawn from. */
  readonly rngs: readonly Filter[];
}

function meant(filters: readonly Filter[], name: string): boolean {
  return filters.some((filter) => inFilter(filter, name));
}

const limitsGroup = "limits";

function limitsIn({ names }: Context): readonly Limits[] {
  return names.get(limitsGroup, "") as readonly Limits[] | undefined ?? [];
}

/** Runs `f`, in the context that is open, within limits. */
export function withinLimits<T>(limits: Limits, f: () => T): T {
  const context = protocol.top();
  if (context === null) return f();
  const { names } = context;
  const before = limitsIn(context);
  names.set(limitsGroup, "", [...before, limits]);
  try {
    return f();
  } finally {
    names.set(limitsGroup, "", before);
  }
}

/** Whether a collection may be changed. */
export function isMutable(context: Context, collection: string): boolean {
  return inFilter((context.statics as Statics).mutable, collection) &&
    limitsIn(context).every((l) => meant(l.visible, collection) && meant(l.mutable, collection));
}

/** Whether variables may be created in a collection. */
export function mayCreate(context: Context, collection: string): boolean {
  return inFilter((context.statics as Statics).mutable, collection) &&
    limitsIn(context).every((l) =>
      meant(l.visible, collection) && meant([...l.mutable, ...l.creates ?? []], collection)
    );
}

/** Raises where a transform around does not let a collection through. */
export function checkVisible(context: Context, collection: string, what: string): void {
  const hiding = limitsIn(context).find((l) => !meant(l.visible, collection));
  if (hiding === undefined) return;
  throw new StateError(
    `${what}: ${hiding.by} does not let the collection ${collection} through to its function. Name ` +
      `${collection} among the collections that it is given`,
  );
}

const counters = "rngs";

/**
 * The next key of a stream for a scope. Where there is no such stream, that of `params` serves.
 *
 * @throws {StateError} where there is neither.
 */
export function nextKey(context: Context, name: string, path: string, what: string): NDArray {
  const limits = limitsIn(context);
  const has = (stream: string): boolean =>
    context.peek(stream) !== undefined && limits.every((l) => meant(l.rngs, stream));
  const stream = [name, "params"].find(has);
  if (stream === undefined) {
    const hiding = limits.find((l) => !meant(l.rngs, name) && context.peek(name) !== undefined);
    throw new StateError(
      hiding === undefined
        ? `${what}: there is no random stream ${name}. Give init or apply a key for it, ` +
          `{ rngs: { ${name}: random.key(0) } }`
        : `${what}: ${hiding.by} does not let the random stream ${name} through to its function. Name ` +
          `it in splitRngs, { ${name}: true }`,
    );
  }
  return drawnKey(
    (context.draw(stream) as FlaxStream).key,
    path === "" ? [] : path.split("/"),
    countDraw(context, stream, path),
  );
}

/** Counts a draw of a scope from a stream, whose first has the number 1. */
export function countDraw({ names }: Context, stream: string, path: string): number {
  const key = `${stream} ${path}`;
  const count = (names.get(counters, key) as number | undefined ?? 0) + 1;
  names.set(counters, key, count);
  return count;
}

/** How often scopes drew from streams within a transform's function, which may be made to count outside. */
export function drawsIn({ names }: Context): (outside: Context) => void {
  const counted = names.own(counters);
  return (outside) => counted.forEach(([key, count]) => outside.names.set(counters, key, count));
}

/** Whether there is a random stream. */
export function hasStream(context: Context, name: string): boolean {
  return context.peek(name) !== undefined &&
    limitsIn(context).every((l) => meant(l.rngs, name));
}

/** A stream that begins with a key. */
export function streamOf(key: NDArray): Stream {
  return { key, forked: false } satisfies FlaxStream;
}

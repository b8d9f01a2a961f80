/**
 * Dictionaries that stand for others, chosen when they are used.
 *
 * What a stateful module system tells the lifting engine about itself. Whoever supports a new system
 * writes a `StateProtocol` (see `context.ts`), mostly by one call of `contextStack`, and no transform.
 *
 * @module
 */
import {
  checkCall,
  currentTrace,
  describeValue,
  type OptionTable,
  StateError,
} from "../core/mod.ts";
import { checkedMembers, isMaker, takesRules, transformNames } from "../transforms/members.ts";
import { pure } from "../transforms/pure.ts";
import type { Transforms } from "../transforms/types.ts";
import type { Context, StateProtocol } from "./context.ts";
import type { Settings } from "./names.ts";
import type { StreamRules } from "./streams.ts";

type Fn = (...args: unknown[]) => unknown;

/** Runs a function while a dictionary is in force. */
type During = <T>(dictionary: Transforms, f: () => T) => T;

/**
 * A dictionary whose members are those of `pick()` at the time of the call. A transformed function
 * that is called where `pick()` gives `pure` is that of the dictionary with which it was made. Where
 * `pick()` depends on a choice that may be gone when derivative rules run, `during` makes it again.
 */
export function delegating<D extends Transforms = Transforms>(
  pick: () => Transforms,
  during?: During,
): D {
  const member = (dictionary: Transforms, name: keyof Transforms): Fn => dictionary[name] as Fn;
  const make = (dictionary: Transforms, name: keyof Transforms, args: unknown[]): Fn => {
    const keeping = (rule: unknown): unknown =>
      during === undefined || typeof rule !== "function"
        ? rule
        : (...xs: unknown[]) => during(dictionary, () => rule(...xs));
    const given = takesRules(name) ? args.map((f, i) => i === 0 ? f : keeping(f)) : args;
    return member(dictionary, name)(...given) as Fn;
  };
  const delegate = (name: keyof Transforms): Fn => {
    if (!isMaker(name)) return (...args) => member(pick(), name)(...args);
    return (...args) => {
      const maker = pick();
      const made = new Map([[maker, make(maker, name, args)]]);
      const call: Fn = (...xs) => {
        const now = pick();
        const chosen = now === pure ? maker : now;
        let f = made.get(chosen);
        if (f === undefined) made.set(chosen, f = make(chosen, name, args));
        return f(...xs);
      };
      return Object.defineProperty(call, "name", { value: made.get(maker)!.name });
    };
  };
  return checkedMembers<D>(
    Object.fromEntries(transformNames.map((name) => [name, delegate(name)])),
  );
}

/** A protocol whose contexts are on a stack. */
export interface ContextStack extends StateProtocol {
  /** Whether a context is open in the trace that is running. */
  active(): boolean;
  /** The innermost context, whatever trace is running. */
  top(): Context | null;
  /**
   * The innermost context.
   *
   * @param what What is being done, for messages: `"hk.getParameter"`.
   * @throws {StateError} where none is open, and inside a pure transform.
   */
  need(what: string): Context;
}

/** Options of `contextStack`. */
export interface SystemOptions {
  /** How users write its dictionary, for messages: `"hk.transforms"` (default: `"transforms"`). */
  readonly dictionary?: string | undefined;
  /** What opens a context, for messages: `"hk.transform"`. */
  readonly opener?: string | undefined;
  /** How its streams are split; `keyStreams` where left out. */
  readonly streams?: StreamRules | undefined;
  /** Collections that options may name where nothing is in them: `["params", "state"]`. */
  readonly collections?: readonly string[] | undefined;
  /** Names that decide what is computed. */
  readonly settings?: Settings | undefined;
  /** For systems whose values live in objects. */
  readonly objects?: Objects | undefined;
}

const systemOptions: OptionTable<SystemOptions> = {
  dictionary: "string",
  opener: "string",
  streams: "object",
  collections: "names",
  settings: "object",
  objects: "object",
};

/** For systems whose values live in objects: how they get in and out of contexts. */
export interface Objects {
  /** The context of the objects themselves, where no other is open. */
  root?(): Context | null;
  /** Brings a context up to date with the objects, by `set` and `delete`. */
  pull(context: Context): void;
  /** Gives the objects the values of a context. */
  push(context: Context): void;
  /** Keeps what the objects hold; gives a function that puts it back. */
  save(): () => void;
}

/**
 * The bookkeeping that all systems share: a stack of contexts, of which the innermost counts where the
 * trace is its own. `system` is its name, for messages: `"Haiku"`. With `objects`, values live in the objects of the system's users, and are put there
 * whenever a context is entered.
 *
 * @example
 * ```ts
 * import { Context, contextStack, liftTransforms, numpy as np, random } from "@injax/injax";
 *
 * // A module system in three functions.
 * const stack = contextStack("Mini", { dictionary: "mini.transforms", opener: "mini.init" });
 * const transforms = liftTransforms(stack);
 * const param = (name: string, shape: number[]) => {
 *   const context = stack.need("param");
 *   const value = context.get(name) ?? context.create(name, () => np.ones(shape));
 *   return value as np.NDArray;
 * };
 * const context = Context.open(stack, { initializing: true });
 * stack.run(context, () => transforms.foriLoop(0, 3, (_, x) => x.mul(param("w", [2])), np.ones([2])));
 * console.log(context.keys(), random.key(0).shape); // [ "w" ] [ 2 ]
 * ```
 */
export function contextStack(system: string, options: SystemOptions = {}): ContextStack {
  checkCall("contextStack(system, options)", arguments, systemOptions);
  const { dictionary = "transforms", opener, objects } = options;
  if (typeof system !== "string" || typeof dictionary !== "string") {
    throw new TypeError(
      `contextStack: the system's name must be a string, not ${describeValue(system)}. Write ` +
        'contextStack("Mine", { dictionary: "mine.transforms" })',
    );
  }
  for (const name of objects === undefined ? [] : ["pull", "push", "save"] as const) {
    if (typeof objects?.[name] === "function") continue;
    throw new TypeError(
      `contextStack: objects must have the functions pull, push and save, but ${name} is ${
        describeValue(objects?.[name])
      }`,
    );
  }
  const stack: Context[] = [];
  const root = (): Context | null => objects?.root?.() ?? null;
  const top = (): Context | null => stack.at(-1) ?? root();
  const current = (): Context | null => {
    const context = top();
    return context !== null && context.trace === currentTrace() ? context : null;
  };
  return {
    system,
    dictionary,
    streams: options.streams,
    collections: options.collections,
    settings: options.settings,
    ...(objects === undefined ? {} : { pull: objects.pull, push: objects.push }),
    top,
    current,
    active: () => current() !== null,
    need(what) {
      const context = top();
      if (context === null) {
        throw new StateError(
          `${what} must be used inside ${
            opener ?? `a context of ${system}`
          }: wrap the function that ` +
            "uses modules, then call init and apply",
        );
      }
      if (context.trace !== currentTrace()) throw outsideItsTrace(what, dictionary);
      return context;
    },
    run<T>(context: Context, f: () => T): T {
      const restore = objects?.save();
      stack.push(context);
      try {
        objects?.push(context);
        const result = f();
        objects?.pull(context);
        return result;
      } finally {
        stack.pop();
        restore?.();
      }
    },
  };
}

/** The error for module state inside of a pure transform. */
function outsideItsTrace(what: string, dictionary: string): StateError {
  return new StateError(
    `${what}: module state was reached inside ${currentTrace().what}, a pure transform applied to a ` +
      `function with state, which would leak or lose that state. Use ${dictionary} instead ` +
      `(${dictionary}.vmap, ${dictionary}.scan, ...), or pass { transforms: ${dictionary} } to the library ` +
      "function that applies it",
  );
}

/**
 * Stands for the transform whose function is being traced, or for eager code: the same object as long
 * as that is the same.
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

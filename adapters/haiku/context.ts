/**
 * The contexts of transformed functions, and the names of modules under construction in them.
 *
 * Contexts live on a stack for synchronous code; one never spans an `await`.
 *
 * @module
 */
import { checkCall } from "../../lib/extend.ts";
import { type Context, type ContextStack, contextStack, StateError } from "../../mod.ts";
import { type Handlers, noHandlers } from "./handlers.ts";

/** A method call in progress, or the function that was transformed at the bottom. Plain data. */
export interface Scope {
  /** Full name of the module; `""` at the bottom. */
  readonly module: string;
  /** Name of the method; `"~"` while submodules are made in a constructor. */
  readonly method: string;
  /** The class whose method of that name was called, as its distance from `Module`; 0 for none. */
  readonly owner: number;
  /** The method that really runs, where others of the class are named like it (`nameLike`). */
  readonly by?: string | undefined;
  /** The group of names under which it counts how often each was used. */
  readonly group: string;
  /** The functions in force that see how entries are made and used, and how methods are called. */
  readonly handlers: Handlers;
}

/** The name of the one random stream. */
export const stream = "rng";

/**
 * Haiku as the lifting engine sees it: for `registerStatefulLibrary`, and for dictionaries of one's
 * own by `liftTransforms`.
 *
 * @example
 * ```ts
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform(() => {
 *   hk.getParameter("w", [], { init: hk.initializers.constant(1) });
 *   console.log(hk.protocol.active(), hk.protocol.need("this example").keys());
 *   return 0;
 * });
 * model.init(null);
 * console.log(hk.protocol.active());
 * // true [ "params:~/w" ]
 * // false
 * ```
 */
export const protocol: ContextStack = contextStack("Haiku", {
  dictionary: "hk.transforms",
  opener: "hk.transform or hk.transformWithState",
  collections: ["params", "state"],
});

/**
 * Whether `init` is running.
 *
 * @throws {StateError} outside of a transformed function, and inside a pure transform: what that
 * compiles or records would hold the answer for good.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => hk.runningInit() ? x : x.mul(2));
 * model.init(null, np.array(3)); // runs the function on x itself
 * console.log(model.apply({}, null, np.array(3)).item()); // 6
 * ```
 */
export function runningInit(): boolean {
  if (arguments.length > 0) checkCall("hk.runningInit()", arguments);
  return protocol.need("hk.runningInit").initializing;
}

const bottom: Scope = {
  module: "",
  method: "",
  owner: 0,
  group: "modules",
  handlers: noHandlers,
};

/** What was put in force outside of transformed functions: theirs begin with it. */
export const ambientHandlers: { value: Handlers } = { value: noHandlers };

/** Prepares a context that was opened: what was put in force around it holds inside. */
export function prepare(context: Context): Context {
  const around = protocol.top();
  const handlers = around === null ? ambientHandlers.value : within(scopeIn(around).handlers);
  if (handlers !== noHandlers) context.names.set("", "scope", { ...bottom, handlers });
  return context;
}

/** What holds in a model inside of another one. */
function within(handlers: Handlers): Handlers {
  return { ...handlers, depth: (handlers.depth ?? 0) + 1 };
}

/** The scope that code runs in. */
export function scopeIn({ names }: Context): Scope {
  return names.get("", "scope") as Scope | undefined ?? bottom;
}

/**
 * Takes the name `base` in a scope, numbered where it was used: `base_1`, ... A number that the caller
 * gave is kept, and later ones go on from it.
 *
 * @throws {StateError} where a name with a number is taken.
 */
export function takeName({ names }: Context, scope: Scope, base: string): string {
  const name = freeName(names, scope, base);
  if (scope.by !== undefined) noteMaker(names, scope, scope.by, name);
  return name;
}

/** Raises where methods that are named alike make modules of one name, which would share weights. */
function noteMaker(names: Context["names"], scope: Scope, by: string, name: string): void {
  const { module, method } = scope;
  const group = `${module} ${method} by`;
  const other = names.get(group, name) as string | undefined;
  names.set(group, name, by);
  if (other === undefined || other === by) return;
  throw new StateError(
    `hk.nameLike: the methods ${other} and ${by} of ${module} both make a module ${name} under the name ` +
      `of ${method}; the two would share their weights. Give them names: new hk.Linear(n, { name: "enc" })`,
  );
}

/** The numbers that come next for a name; `free` are those that were passed over. */
interface Numbers {
  readonly next: number;
  readonly free: readonly number[];
}

/** Takes a name that was forced, unless it is taken: later modules get others. */
export function reserveName({ names }: Context, scope: Scope, name: string): void {
  const [stem, given] = stemAndNumber(name);
  const { next, free } = numbersOf(names, scope, stem);
  if (given === null ? next === 0 : isFree(names, scope, stem, given, { next, free })) {
    freeName(names, scope, name);
  }
}

/** Mostly no number was passed over, and a number says it all. */
function numbersOf(names: Context["names"], { group }: Scope, stem: string): Numbers {
  const counter = names.get(group, stem) as number | Numbers | undefined ?? 0;
  return typeof counter === "number" ? { next: counter, free: [] } : counter;
}

/** The first has no number: "linear_0" is another than "linear", and free where it was not given. */
const zeroOf = (stem: string): string => `${stem}_0 `;

function isFree(
  names: Context["names"],
  { group }: Scope,
  stem: string,
  given: number,
  { next, free }: Numbers,
): boolean {
  return given >= next || free.includes(given) ||
    (given === 0 && names.get(group, zeroOf(stem)) === undefined);
}

function freeName(names: Context["names"], scope: Scope, base: string): string {
  const { group, module } = scope;
  const [stem, given] = stemAndNumber(base);
  const { next, free } = numbersOf(names, scope, stem);
  if (given === null) {
    names.set(group, stem, free.length === 0 ? next + 1 : { next: next + 1, free });
    return next === 0 ? stem : `${stem}_${next}`;
  }
  if (!isFree(names, scope, stem, given, { next, free })) {
    throw new StateError(
      `hk.Module: the name ${base} is taken in ${
        module === "" ? "the function" : module
      }. Give each module a name of its own, or leave numbers to Haiku: ${stem}`,
    );
  }
  if (given === 0) names.set(group, zeroOf(stem), true);
  const passed = Array.from({ length: Math.max(0, given - next) }, (_, i) => next + i);
  names.set(group, stem, {
    next: Math.max(next, given + 1),
    free: [...free.filter((n) => n !== given), ...passed],
  });
  return base;
}

/** `"linear_2"` as `["linear", 2]`. */
function stemAndNumber(name: string): [stem: string, number: number | null] {
  const last = name.charCodeAt(name.length - 1);
  if (last < 48 || last > 57) return [name, null];
  const found = /^(.+)_(0|[1-9]\d*)$/.exec(name);
  return found === null ? [name, null] : [found[1]!, Number(found[2])];
}

/** Runs `f` with a scope in place of the one that is running. */
export function withScope<T>({ names }: Context, scope: Scope, f: () => T): T {
  const before = names.get("", "scope");
  names.set("", "scope", scope);
  try {
    return f();
  } finally {
    names.set("", "scope", before);
  }
}

/** Where a scope is. The handlers in it are those around. */
export interface Place {
  /** As in `Scope`. */
  readonly module: string;
  /** As in `Scope`. */
  readonly method: string;
  /** As in `Scope`. */
  readonly owner: number;
  /** As in `Scope`. */
  readonly by?: string | undefined;
}

/**
 * Runs `f` in a scope at a place, where no name is taken but those of `kept`, which is brought up to
 * date. This may be done inside of pure transforms too.
 */
export function inScope<T>(place: Place, f: () => T, kept?: Map<string, unknown>): T {
  const { module, method, owner, by } = place;
  const context = protocol.top() ?? protocol.need(`${module}.${method}`);
  const { names } = context;
  const { handlers } = scopeIn(context);
  const group = `${module} ${method} ${owner}`;
  const scope: Scope = by === undefined
    ? { module, method, owner, group, handlers }
    : { module, method, owner, by, group, handlers };
  return names.within(group, () => {
    kept?.forEach((value, name) => names.set(group, name, value));
    try {
      return withScope(context, scope, f);
    } finally {
      if (kept !== undefined) {
        for (const [name, value] of names.own(group)) kept.set(name, value);
      }
      if (waiting > 0) note(names, group);
    }
  });
}

/** Runs a function in a place of before. */
export type Later = <T>(f: () => T) => T;

/** How many places are kept for later. */
let waiting = 0;
// No name of a module has a space.
const LATER = "for later";

/**
 * The place that is running, for what is to be made in it later. Names that were taken there, before and
 * after, are not taken again.
 */
export function placeForLater(what: string): Later {
  const context = protocol.need(what);
  const scope = scopeIn(context);
  const { group } = scope;
  const taken = context.names.get(group, LATER) as Map<string, unknown> | undefined ?? new Map();
  context.names.set(group, LATER, taken);
  waiting++;
  return (f) => {
    waiting--;
    const now = protocol.need(what);
    const { handlers } = scopeIn(now);
    // The place may still be running, further out.
    return scope.module === "" || now.names.get(group, LATER) === taken
      ? withScope(now, { ...scope, handlers }, f)
      : inScope(scope, f, taken);
  };
}

/** Notes the names that were taken in a place that is kept for later. */
function note(names: Context["names"], group: string): void {
  const taken = names.get(group, LATER) as Map<string, unknown> | undefined;
  if (taken === undefined) return;
  for (const [name, value] of names.own(group)) if (name !== LATER) taken.set(name, value);
}

/** The scope that is running, wherever that is. */
export function currentScope(what: string): Scope {
  return scopeIn(protocol.top() ?? protocol.need(what));
}

/** The name of the module that is running; `"~"` outside of modules. */
export function bundleOf({ module }: Scope): string {
  return module === "" ? "~" : module;
}

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

const bottom: Scope = { module: "", method: "", owner: 0, handlers: noHandlers };

/** What was put in force outside of transformed functions: theirs begin with it. */
export const ambientHandlers: { value: Handlers } = { value: noHandlers };

/** Prepares a context that was opened: what was put in force outside holds inside. */
export function prepare(context: Context): Context {
  const handlers = ambientHandlers.value;
  if (handlers !== noHandlers) context.names.set("", "scope", { ...bottom, handlers });
  return context;
}

/** The scope that code runs in. */
export function scopeIn({ names }: Context): Scope {
  return names.get("", "scope") as Scope | undefined ?? bottom;
}

/** How often each module name was used in a scope: the group of names. */
function counters({ module, method, owner }: Scope): string {
  return `${module} ${method} ${owner}`;
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

function freeName(names: Context["names"], scope: Scope, base: string): string {
  const group = counters(scope);
  const [stem, given] = stemAndNumber(base);
  const next = names.get(group, stem) as number | undefined ?? 0;
  if (given === null) {
    names.set(group, stem, next + 1);
    return next === 0 ? stem : taken(names, group, `${stem}_${next}`);
  }
  if (given < next && names.get(group, ` ${base}`) !== undefined) {
    throw new StateError(
      `hk.Module: the name ${base} is taken in ${
        scope.module === "" ? "the function" : scope.module
      }. Give each module a name of its own, or leave numbers to Haiku: ${stem}`,
    );
  }
  names.set(group, stem, Math.max(next, given + 1));
  return taken(names, group, base);
}

/** Notes that a name with a number is taken. No name has a space. */
function taken(names: Context["names"], group: string, name: string): string {
  names.set(group, ` ${name}`, true);
  return name;
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

/** Where a scope is: all of it but the handlers, which are those around. */
export type Place = Omit<Scope, "handlers">;

/**
 * Runs `f` in a scope at a place, where no name is taken but those of `kept`, which is brought up to
 * date. This may be done inside of pure transforms too.
 */
export function inScope<T>(place: Place, f: () => T, kept?: Map<string, unknown>): T {
  const context = protocol.top() ?? protocol.need(`${place.module}.${place.method}`);
  const { names } = context;
  const scope = { ...place, handlers: scopeIn(context).handlers };
  const group = counters(scope);
  return names.within(group, () => {
    kept?.forEach((value, name) => names.set(group, name, value));
    try {
      return withScope(context, scope, f);
    } finally {
      if (kept !== undefined) {
        for (const [name, value] of names.own(group)) kept.set(name, value);
      }
    }
  });
}

/** The scope that is running, wherever that is. */
export function currentScope(what: string): Scope {
  return scopeIn(protocol.top() ?? protocol.need(what));
}

/** The name of the module that is running; `"~"` outside of modules. */
export function bundleOf({ module }: Scope): string {
  return module === "" ? "~" : module;
}

/**
 * The contexts of transformed functions, and the names of modules under construction in them.
 *
 * Contexts live on a stack for synchronous code; one never spans an `await`.
 *
 * @module
 */
import { checkCall } from "../../lib/extend.ts";
import { type Context, type ContextStack, contextStack } from "../../mod.ts";

/** A method call in progress, or the function that was transformed at the bottom. */
export interface Scope {
  /** Full name of the module; `""` at the bottom. */
  readonly module: string;
  /** Name of the method; `"~"` while submodules are made in a constructor. */
  readonly method: string;
  /** The class whose method of that name was called, as its distance from `Module`; 0 for none. */
  readonly owner: number;
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

const bottom: Scope = { module: "", method: "", owner: 0 };

/** The scope that code runs in. */
export function scopeIn({ names }: Context): Scope {
  return names.get("", "scope") as Scope | undefined ?? bottom;
}

/** How often each module name was used in a scope: the group of names. */
function counters({ module, method, owner }: Scope): string {
  return `${module} ${method} ${owner}`;
}

/** Takes the first of `base`, `base_1`, ... that is free in a scope. */
export function takeName({ names }: Context, scope: Scope, base: string): string {
  const group = counters(scope);
  const taken = (name: string): boolean => names.get(group, name) !== undefined;
  let used = names.get(group, base) as number | undefined ?? 0;
  let unique = used === 0 ? base : `${base}_${used}`;
  while (used > 0 && taken(unique)) unique = `${base}_${++used}`;
  names.set(group, unique, 1);
  names.set(group, base, used + 1);
  return unique;
}

/**
 * Runs `f` in a scope, where no name is taken but those of `kept`, which is brought up to date. This may
 * be done inside of pure transforms too.
 */
export function inScope<T>(scope: Scope, f: () => T, kept?: Map<string, unknown>): T {
  const what = `${scope.module}.${scope.method}`;
  const { names } = protocol.top() ?? protocol.need(what);
  const before = names.get("", "scope");
  const group = counters(scope);
  return names.within(group, () => {
    kept?.forEach((value, name) => names.set(group, name, value));
    names.set("", "scope", scope);
    try {
      return f();
    } finally {
      names.set("", "scope", before);
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

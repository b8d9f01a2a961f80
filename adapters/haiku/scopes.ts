/**
 * The places by which modules and entries are named, and the ways to choose another: scopes, methods
 * named like others, names that are forced.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { type Context, StateError } from "../../mod.ts";
import {
  bundleOf,
  currentScope,
  inScope,
  protocol,
  reserveName,
  type Scope,
  scopeIn,
  takeName,
} from "./context.ts";
import { mark } from "./methods.ts";
import { isModuleName } from "./naming.ts";

/** The full name of a module that is made in a scope. */
export function placed(context: Context, scope: Scope, base: string): string {
  return `${prefixIn(scope)}${takeName(context, scope, base)}`;
}

/** What stands before the names of what is made in a scope. */
export function prefixIn({ module, method }: Scope): string {
  if (module === "") return "";
  if (method === "call") return `${module}/`;
  return method === "~" ? `${module}/~/` : `${module}/~${method}/`;
}

// No name of a module has a colon.
const FORCED = "force:";

/** The name that `forceName` was given, or `null` where it was not used. */
export function forcedName(name: unknown): string | null {
  return typeof name === "string" && name.startsWith(FORCED) ? name.slice(FORCED.length) : null;
}

/** Uses a forced name: where it is one of the scope's own, later modules get others. */
export function placedAt(context: Context, scope: Scope, forced: string): string {
  const prefix = prefixIn(scope);
  const own = forced.startsWith(prefix) ? forced.slice(prefix.length) : "/";
  if (!own.includes("/")) reserveName(context, scope, own);
  return forced;
}

/**
 * A name for a module that is used as it is, wherever the module is made. Modules of one forced name
 * share their parameters.
 *
 * @param name Full name, such as `"encoder/linear"`.
 * @throws {StateError} where it is none.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => {
 *   const first = new hk.Linear(2);
 *   return new hk.Linear(2, { name: hk.forceName(first.moduleName) }).call(first.call(x));
 * });
 * console.log(Object.keys(model.init(random.key(0), np.ones([2])))); // [ "linear" ]
 * ```
 */
export function forceName(name: string): string {
  if (arguments.length > 1) checkCall("hk.forceName(name)", arguments);
  const parts = typeof name === "string" ? name.split("/") : [];
  if (
    !isModuleName(parts.at(-1)) ||
    !parts.every((p) => p === "~" || isModuleName(p.replace(/^~/, "")))
  ) {
    throw new StateError(
      `hk.forceName: ${
        describeValue(name)
      } is not the full name of a module, such as "encoder/linear"`,
    );
  }
  return FORCED + name;
}

/**
 * The full name of the module that is running; `"~"` outside of modules.
 *
 * @throws {StateError} outside of a transformed function.
 *
 * @example
 * ```ts
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * class Block extends hk.Module {
 *   call(): string {
 *     return hk.currentName();
 *   }
 * }
 * hk.transform(() => {
 *   console.log(hk.currentName(), new Block().call()); // ~ block
 *   return 0;
 * }).init(null);
 * ```
 */
export function currentName(): string {
  if (arguments.length > 0) checkCall("hk.currentName()", arguments);
  return bundleOf(currentScope("hk.currentName"));
}

/** Options of `nameScope`. */
export interface NameScopeOptions {
  /** The method that the scope is to look like (default `"call"`). */
  readonly methodName?: string | undefined;
}

const nameScopeOptions: OptionTable<NameScopeOptions> = { methodName: "string" };

/**
 * Runs `f` as if it were a method of a module of that name: modules, parameters and state that it makes
 * are named below it. A scope of a name that is used gets a number, as a module does.
 *
 * @param name A name, or several: `"outer/inner"`; or what `forceName` gave, for the place itself.
 * @throws {StateError} where it is none; outside of a transformed function, and inside a pure transform.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) =>
 *   hk.nameScope("encoder", () => new hk.Linear(2).call(x))
 * );
 * console.log(Object.keys(model.init(random.key(0), np.ones([3])))); // [ "encoder/linear" ]
 * ```
 */
export function nameScope<R>(name: string, f: () => R, options: NameScopeOptions = {}): R {
  checkCall("hk.nameScope(name, f, options)", arguments, nameScopeOptions);
  const { methodName = "call" } = options;
  const forced = forcedName(name);
  const parts = forced !== null ? [forced] : typeof name === "string" ? name.split("/") : [];
  if (forced === null && (parts.length === 0 || !parts.every(isModuleName))) {
    throw new StateError(
      `hk.nameScope: ${
        describeValue(name)
      } is not a name: use letters, digits and underscores, and "/" between names`,
    );
  }
  if (typeof f !== "function") {
    throw new StateError(`hk.nameScope: expected a function to run, not ${describeValue(f)}`);
  }
  const context = protocol.need("hk.nameScope");
  const within = (i: number): R => {
    if (i === parts.length) return f();
    const scope = scopeIn(context);
    const module = forced === null
      ? placed(context, scope, parts[i]!)
      : placedAt(context, scope, forced);
    return inScope({ module, method: methodName, owner: 0 }, () => within(i + 1));
  };
  return within(0);
}

/**
 * A decorator for a method of a module that makes things as if its caller made them.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * class Pair extends hk.Module {
 *   @hk.transparent
 *   call(x: NDArray): NDArray {
 *     return new hk.Linear(2).call(new hk.Linear(3).call(x));
 *   }
 * }
 * const model = hk.transform((x: NDArray) => new Pair().call(x));
 * const params = model.init(random.key(0), np.ones([3]));
 * console.log(Object.keys(params).sort()); // [ "linear", "linear_1" ]
 * ```
 */
export function transparent(
  method: (...args: never[]) => unknown,
  context?: ClassMethodDecoratorContext,
): void {
  if (arguments.length > 2 || (context !== undefined && context?.kind !== "method")) {
    checkCall("hk.transparent(method)", arguments);
  }
  if (typeof method !== "function") {
    throw new StateError(
      `hk.transparent: expected a method, not ${
        describeValue(method)
      }. Write @hk.transparent before it`,
    );
  }
  mark(method, null);
}

/**
 * A decorator for a method of a module that names what it makes as another method does, so that code may
 * be moved between methods while saved parameters keep their names.
 *
 * @param methodName Name of the other method, which need not exist.
 * @throws {StateError} where it is none; and where two methods that are named alike make modules of one
 * name, which would share their weights.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * class Coder extends hk.Module {
 *   @hk.nameLike("call")
 *   encode(x: NDArray): NDArray {
 *     return new hk.Linear(2, { name: "enc" }).call(x);
 *   }
 * }
 * const model = hk.transform((x: NDArray) => new Coder().encode(x));
 * console.log(Object.keys(model.init(random.key(0), np.ones([3])))); // [ "coder/enc" ]
 * ```
 */
export function nameLike(
  methodName: string,
): (method: (...args: never[]) => unknown, context?: ClassMethodDecoratorContext) => void {
  if (arguments.length > 1) checkCall("hk.nameLike(methodName)", arguments);
  if (typeof methodName !== "string" || methodName === "") {
    throw new StateError(
      `hk.nameLike: expected the name of a method, not ${describeValue(methodName)}`,
    );
  }
  return (method) => mark(method, methodName);
}

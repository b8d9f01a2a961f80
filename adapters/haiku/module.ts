/**
 * Modules: classes whose methods own parameters. A module's name is its place: the module whose
 * method made it, then its own name; it decides the names of its parameters.
 *
 * @module
 */
import { checkCall } from "../../lib/extend.ts";
import { type NDArray, StateError } from "../../mod.ts";
import { inScope, protocol, scopeIn } from "./context.ts";
import { collections } from "./collections.ts";
import { adopt, calledModules, madeAt } from "./methods.ts";
import { classModuleName, isModuleName } from "./naming.ts";
import { forcedName, placed, placedAt } from "./scopes.ts";

/** The names that a constructor's calls of `submodules` have taken. */
const submoduleNames = new WeakMap<Module, Map<string, unknown>>();

/**
 * A part of a model with parameters of its own. Subclasses define methods, usually `call`, that use
 * `getParameter` and other modules.
 *
 * A module is named after its class, in snake case. Code that is to be minified or bundled gives each
 * class a name that stays, `static moduleName = "my_block"`: saved parameters are found by it.
 *
 * Methods, property getters and setters, and functions in fields run inside their module: parameters
 * that they ask for are the module's. Modules that `call` makes belong to it, `"block/linear"`, those
 * of another method are in `"block/~method/linear"`. Those that a constructor makes
 * belong to it where they are made in `this.submodules(() => ...)`: `"block/~/linear"`. So do the
 * parameters and state that a constructor asks for: without `submodules` they belong, unlike in
 * Haiku, to whatever constructs the module, and its instances share them.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * class Scale extends hk.Module {
 *   call(x: NDArray): NDArray {
 *     return x.mul(hk.getParameter("scale", x.shape, { init: (s) => np.ones(s) }));
 *   }
 * }
 * const model = hk.transform((x: NDArray) => new Scale().call(x));
 * console.log(Object.keys(model.init(random.key(0), np.ones([3])))); // [ "scale" ]
 *
 * class Shift extends hk.Module {
 *   readonly by = this.submodules(() => hk.getParameter("by", [], { init: (s) => np.zeros(s) }));
 *   call(x: NDArray): NDArray {
 *     return x.add(this.by);
 *   }
 * }
 * const twice = hk.transform((x: NDArray) => new Shift().call(new Shift().call(x)));
 * console.log(Object.keys(twice.init(null, np.ones([3])))); // [ "shift", "shift_1" ]
 * ```
 */
export class Module {
  /** Full name, such as `"mlp/~/linear_0"`. */
  readonly moduleName: string;
  /** The last part of it, such as `"linear_0"`. */
  readonly name: string;

  /**
   * `name` stands in place of the class's `static moduleName`, and that in place of the class's name
   * in snake case. A number that it ends in is kept: `"linear_2"`.
   *
   * @throws {StateError} where the name is not an identifier, or has a number and is taken; where the
   * class's name is needed but looks as if a bundler or minifier had given it; outside of a transformed
   * function, and inside a pure transform.
   */
  constructor(name?: string) {
    if (arguments.length > 1) checkCall("new hk.Module(name)", arguments);
    const context = protocol.current() ?? protocol.need(`new ${new.target.name}()`);
    const scope = scopeIn(context);
    if (name === undefined || name === null) {
      const base = new.target === Module ? "module" : classModuleName(new.target);
      this.moduleName = placed(context, scope, base);
    } else {
      const forced = forcedName(name);
      if (forced === null && !isModuleName(name)) {
        throw new StateError(
          `hk.Module: ${JSON.stringify(name)} is not a name: use letters, digits and underscores`,
        );
      }
      this.moduleName = forced === null
        ? placed(context, scope, name)
        : placedAt(context, scope, forced);
    }
    this.name = this.moduleName.slice(this.moduleName.lastIndexOf("/") + 1);
    const made = adopt(this, Module);
    const { depth } = scope.handlers;
    if (depth !== undefined) madeAt(made, depth);
    return made;
  }

  /** Runs `build`, in a constructor; the modules, parameters and state it makes belong to this one. */
  protected submodules<T>(build: () => T): T {
    let kept = submoduleNames.get(this);
    if (kept === undefined) submoduleNames.set(this, kept = new Map());
    return inScope({ module: this.moduleName, method: "~", owner: 0 }, build, kept);
  }

  /**
   * The parameters of this module, of those in it and of those that it called, by full name:
   * `"mlp/~/linear_0/w"`.
   *
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  paramsDict(): Record<string, NDArray> {
    return ownEntries(this, "params");
  }

  /**
   * The state of this module, of those in it and of those that it called, as it is now, by full name.
   *
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  stateDict(): Record<string, NDArray> {
    return ownEntries(this, "state");
  }
}

function ownEntries(
  { moduleName }: Module,
  collection: keyof typeof collections,
): Record<string, NDArray> {
  const context = protocol.need(`${moduleName}.${collection}Dict`);
  const prefix = `${collections[collection]}:`;
  const keys = context.keys().filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
  const modules = new Set([moduleName]), entries = new Set<string>();
  const called = calledModules(context);
  // It grows while it is gone through.
  for (const module of modules) {
    for (const key of keys) {
      if (!key.startsWith(`${module}/`)) continue;
      entries.add(key);
      modules.add(key.slice(0, key.lastIndexOf("/")));
    }
    for (const other of called.get(module) ?? []) modules.add(other);
  }
  return Object.fromEntries(
    keys.filter((key) => entries.has(key)).map((
      key,
    ) => [key, context.get(prefix + key) as NDArray]),
  );
}

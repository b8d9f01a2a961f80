/**
 * Modules: classes whose methods own parameters. A module's name is its place: the module whose
 * method made it, then its own name; it decides the names of its parameters.
 *
 * @module
 */
import { checkCall, describeValue } from "../../lib/extend.ts";
import { StateError } from "../../mod.ts";
import { currentScope, inScope, protocol, type Scope, scopeIn, takeName } from "./context.ts";
import { classModuleName, isModuleName } from "./naming.ts";

const wrapped = new WeakSet<object>();

/**
 * A part of a model with parameters of its own. Subclasses define methods, usually `call`, that use
 * `getParameter` and other modules.
 *
 * A module is named after its class, in snake case. Code that is to be minified or bundled gives each
 * class a name that stays, `static moduleName = "my_block"`: saved parameters are found by it.
 *
 * Modules that a method makes belong to the module: `"block/linear"`. Those that a constructor makes
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
  /** The names that the constructor's calls of `submodules` have taken. */
  readonly #submoduleNames = new Map<string, unknown>();
  /** Full name, such as `"mlp/~/linear_0"`. */
  readonly moduleName: string;

  /**
   * `name` stands in place of the class's `static moduleName`, and that in place of the class's name
   * in snake case.
   *
   * @throws {StateError} where the name is not an identifier; where the class's name is needed but looks as
   * if a bundler or minifier had given it; outside of a transformed function, and inside a pure
   * transform.
   */
  constructor(name?: string) {
    if (arguments.length > 1) checkCall("new hk.Module(name)", arguments);
    const base = name ?? (new.target === Module ? "module" : classModuleName(new.target));
    if (!isModuleName(base)) {
      throw new StateError(
        `hk.Module: ${JSON.stringify(base)} is not a name: use letters, digits and underscores`,
      );
    }
    const context = protocol.need(`new ${new.target.name}()`);
    const scope = scopeIn(context);
    this.moduleName = `${prefix(scope)}${takeName(context, scope, base)}`;
    wrapMethods(Object.getPrototypeOf(this));
  }

  /** Runs `build`, in a constructor; the modules, parameters and state it makes belong to this one. */
  protected submodules<T>(build: () => T): T {
    const own = { module: this.moduleName, method: "~", owner: 0 };
    return inScope(own, build, this.#submoduleNames);
  }
}

function prefix({ module, method }: Scope): string {
  if (module === "") return "";
  if (method === "call") return `${module}/`;
  return method === "~" ? `${module}/~/` : `${module}/~${method}/`;
}

/** Runs a method of a module as the class at depth `owner` has it. */
function inMethod<T>({ moduleName }: Module, method: string, owner: number, f: () => T): T {
  const top = currentScope(`${moduleName}.${method}`);
  // The same method of a base class (super.call(...)) goes on counting, or the modules that both make
  // would share their weights.
  if (top.module === moduleName && top.method === method && top.owner !== owner) return f();
  return inScope({ module: moduleName, method, owner }, f);
}

/** Makes the methods of a class and its bases, up to `Module`, run in their module's scope. */
function wrapMethods(start: object): void {
  for (
    let proto = start;
    proto !== Module.prototype && !wrapped.has(proto);
    proto = Object.getPrototypeOf(proto)
  ) {
    wrapped.add(proto);
    const owner = depth(proto);
    for (const key of Object.getOwnPropertyNames(proto)) {
      const descriptor = Object.getOwnPropertyDescriptor(proto, key)!;
      const method: unknown = descriptor.value;
      if (key === "constructor" || typeof method !== "function") continue;
      Object.defineProperty(proto, key, {
        ...descriptor,
        value(this: Module, ...args: unknown[]): unknown {
          if (!(this instanceof Module)) throw unbound(proto, key, this);
          return inMethod(this, key, owner, () => method.apply(this, args));
        },
      });
    }
  }
}

/** How many classes a class is away from `Module`, which tells it from its bases. */
function depth(proto: object): number {
  let n = 0;
  for (let at = proto; at !== Module.prototype; at = Object.getPrototypeOf(at)) n++;
  return n;
}

/** The error for a method that was taken off its module. */
function unbound(proto: object, method: string, found: unknown): StateError {
  return new StateError(
    `${proto.constructor.name}.${method} was called on ${
      describeValue(found)
    }, not on a module: a method that is passed ` +
      `as a function loses its module. Pass (x) => layer.${method}(x) instead of layer.${method}`,
  );
}

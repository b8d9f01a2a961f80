/**
 * Modules: classes whose methods use variables and other modules.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { type Context, type NDArray, StateError } from "../../mod.ts";
import { ofInputs } from "../inputs.ts";
import {
  type Bindable,
  bindFields,
  type Frame,
  inFrame,
  inScope,
  modulesAre,
  needScope,
  noteMade,
  runOf,
  type Scope,
  scopeOf,
  settle,
} from "./binding.ts";
import { type BindOptions, type BoundMembers, boundModule } from "./bound.ts";
import { hasStream, isMutable, nextKey, protocol } from "./context.ts";
import {
  getVariable,
  hasVariable,
  type InitFunction,
  param,
  perturb,
  putVariable,
  sow,
  type SowOptions,
  type Variable,
  variable,
} from "./entries.ts";
import type {
  Apply,
  Init,
  InitWithOutput,
  MethodArguments,
  MethodResult,
  MethodResults,
} from "./module_types.ts";
import { applyModule, functionsRunBy, initModule, type Rngs } from "./run.ts";
import { summaryOf } from "./summary.ts";
import type { GivenVariables } from "./variables.ts";

const sowOptions: OptionTable<SowOptions<unknown>> = { init: "function", reduce: "function" };

/** A module with variables, as are those in its fields. */
export type BoundModule<M> = BoundMembers<M> & BoundFields<M>;

/** What is in the fields of a bound module. */
export type BoundFields<T> = {
  [K in keyof T]: T[K] extends Module ? BoundModule<T[K]>
    : T[K] extends readonly Module[] ? { [I in keyof T[K]]: BoundModule<T[K][I]> }
    : T[K];
};

const wrapped = new WeakSet<object>();

/**
 * A part of a model. Subclasses have methods, usually `call`, that use `this.param`, `this.variable` and
 * other modules.
 *
 * Submodules are made in the constructor, or in field initialisers, and are named after their field
 * (`encoder`, `layers_0`); or in methods, and are named after their class (`Dense_0`, `Dense_1`), in
 * the order in which they are made. Both are flax's rules for `setup` and `compact`. A method `setup`
 * runs before others: in it, fields can be given parameters. It runs again inside of each transform.
 *
 * A module's class gives its name: code that is to be minified gives each class one that stays, `static
 * moduleName = "Block"`.
 *
 * @example
 * ```ts
 * import { nn, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class Autoencoder extends flax.Module {
 *   readonly encoder = new flax.Dense(2);
 *   readonly decoder = new flax.Dense(4);
 *   call(x: NDArray): NDArray {
 *     return this.decoder.call(nn.relu(this.encoder.call(x)));
 *   }
 * }
 * class Model extends flax.Module {
 *   call(x: NDArray): NDArray {
 *     const scale = this.param("scale", flax.initializers.ones, [4]);
 *     return new flax.Dense(1).call(new Autoencoder().call(x).mul(scale));
 *   }
 * }
 * const model = new Model();
 * const variables = model.init(random.key(0), np.ones([4]));
 * console.log(Object.keys(variables.params!)); // [ "scale", "Autoencoder_0", "Dense_0" ]
 * console.log(model.apply(variables, np.ones([4])).shape); // [ 1 ]
 * ```
 */
export class Module {
  readonly #name: string | undefined;

  /** `name` stands in place of the one by field or class. */
  constructor(name?: string) {
    if (name !== undefined && typeof name !== "string") {
      throw new StateError(
        `new ${new.target.name}: the name must be a string, not ${describeValue(name)}`,
      );
    }
    this.#name = name;
    wrapMethods(Object.getPrototypeOf(this));
    noteMade(this);
  }

  /** The name that it was given, if any. */
  get givenName(): string | undefined {
    return this.#name;
  }

  /**
   * Makes the variables for arguments like these, by running `call`, or another method. It may be passed
   * on without its module.
   *
   * @throws {StateError} where a key is none.
   */
  get init(): Init<MethodArguments<this, "call">> {
    return ((rngs: Rngs, ...args: unknown[]) => initModule(this, rngs, args)[1]) as Init<
      MethodArguments<this, "call">
    >;
  }

  /** As `init`; gives the result too. */
  get initWithOutput(): InitWithOutput<MethodArguments<this, "call">, MethodResult<this, "call">> {
    return ((rngs: Rngs, ...args: unknown[]) => initModule(this, rngs, args)) as InitWithOutput<
      MethodArguments<this, "call">,
      MethodResult<this, "call">
    >;
  }

  /**
   * Runs `call`, or another method, with variables. It may be passed on without its module, as in
   * `jit(model.apply)`.
   *
   * @throws {StateError} where a variable is missing, or changes though its collection is not mutable.
   */
  get apply(): Apply<
    MethodArguments<this, "call">,
    MethodResult<this, "call">,
    MethodResults<this>
  > {
    return ((variables: GivenVariables, ...args: unknown[]) =>
      applyModule(this, variables, args)) as Apply<
        MethodArguments<this, "call">,
        MethodResult<this, "call">,
        MethodResults<this>
      >;
  }

  /**
   * The module with variables: its methods, and those of modules in its fields, are called as they are, and
   * changes stay. For trying things out; a bound module is used where it was bound, and in no transform.
   *
   * @throws {StateError} where variables are none, or change though their collection is not mutable.
   *
   * @example
   * ```ts
   * import { nn, type NDArray, numpy as np, random } from "@injax/injax";
   * import * as flax from "@injax/injax/adapters/flax";
   *
   * class Autoencoder extends flax.Module {
   *   readonly encoder = new flax.Dense(2);
   *   readonly decoder = new flax.Dense(4);
   *   call(x: NDArray): NDArray {
   *     return this.decoder.call(nn.relu(this.encoder.call(x)));
   *   }
   * }
   * const model = new Autoencoder();
   * const bound = model.bind(model.init(random.key(0), np.ones([4])));
   * console.log(bound.encoder.call(np.ones([4])).shape); // [ 2 ]
   * const [decoder, variables] = bound.decoder.unbind();
   * console.log(decoder.apply(variables, np.ones([2])).shape); // [ 4 ]
   * ```
   */
  bind(variables: GivenVariables, options?: BindOptions): BoundModule<this> {
    return boundModule(
      this,
      variables,
      options,
      (context, module, f) =>
        withSetup(module as Module, context, needScope(context, module, "bind"), f),
    ) as BoundModule<this>;
  }

  /**
   * A table of the modules that `call` runs for arguments like these: what goes in and out, and variables.
   * Nothing is computed for it.
   *
   * @throws {StateError} where a key is none.
   */
  tabulate(rngs: Rngs, ...args: unknown[]): string {
    return summaryOf(this, rngs, args);
  }

  /**
   * A parameter: made by `init` of a key and the arguments where it does not exist and `params` may
   * change; else it must exist.
   *
   * @throws {StateError} where it does not exist, or its name is taken.
   * @throws {ShapeError} where it has another shape than `init` would give.
   */
  param<A extends unknown[]>(name: string, init: InitFunction<A>, ...args: A): NDArray {
    return param(this, name, init as InitFunction<unknown[]>, args);
  }

  /**
   * A variable of a collection: made by `init` where it does not exist and the collection may change.
   *
   * @throws {StateError} where it does not exist, or its name is taken.
   */
  variable<A extends unknown[], V = NDArray>(
    collection: string,
    name: string,
    init?: (...args: A) => V,
    ...args: A
  ): Variable<V> {
    return variable(this, collection, name, init as ((...args: unknown[]) => V) | undefined, args);
  }

  /** The value of a variable, or `otherwise`. */
  getVariable(collection: string, name: string, otherwise?: unknown): unknown {
    return getVariable(this, collection, name) ?? otherwise;
  }

  /** Sets a variable. */
  putVariable(collection: string, name: string, value: unknown): void {
    putVariable(this, collection, name, value);
  }

  /** Whether there is a variable. */
  hasVariable(collection: string, name: string): boolean {
    return hasVariable(this, collection, name);
  }

  /** A random key from a stream, `params` where left out. */
  makeRng(name = "params"): NDArray {
    const what = `${this.constructor.name}.makeRng(${JSON.stringify(name)})`;
    const context = protocol.need(what);
    return nextKey(context, name, needScope(context, this, what).path, what);
  }

  /** Whether there is a random stream. */
  hasRng(name: string): boolean {
    return hasStream(protocol.need(`${this.constructor.name}.hasRng`), name);
  }

  /** Whether `init` is running. */
  isInitializing(): boolean {
    return protocol.need(`${this.constructor.name}.isInitializing`).initializing;
  }

  /** Whether a collection may change. */
  isMutableCollection(collection: string): boolean {
    return isMutable(protocol.need(`${this.constructor.name}.isMutableCollection`), collection);
  }

  /**
   * Stores an intermediate value, appended to a list, if its collection may change; says whether.
   */
  sow<V = unknown>(
    collection: string,
    name: string,
    value: NDArray,
    options: SowOptions<V> = {},
  ): boolean {
    if (arguments.length > 3) {
      checkCall("module.sow(collection, name, value, options)", arguments, sowOptions);
    }
    return sow(this, collection, name, value, options as SowOptions<unknown>);
  }

  /**
   * Adds a variable that is zero to a value: the derivative by it is that by the value.
   *
   * @throws {StateError} where the collection is given, but not this variable.
   */
  perturb(name: string, value: NDArray, collection = "perturbations"): NDArray {
    return perturb(this, name, value, collection);
  }

  /** Names from the root of the model to this module. */
  get path(): string[] {
    const { path } = needScope(
      protocol.need(`${this.constructor.name}.path`),
      this,
      `${this.constructor.name}.path`,
    );
    return path === "" ? [] : path.split("/");
  }
}

modulesAre((x): x is Bindable => x instanceof Module);
functionsRunBy((module, f, args) =>
  inMethod(module as Module, f.name || "function", false, args, () => f(module, ...args))
);

/**
 * Makes the variables of one module those of another too: the submodule's are then beside those of the
 * module itself.
 *
 * @throws {StateError} where the module has no place in the model that is running, or the submodule has
 * been used already.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * class LoRA extends flax.Module {
 *   declare child: flax.Dense;
 *   setup(): void {
 *     this.child = new flax.Dense(2);
 *     flax.shareScope(this, this.child);
 *   }
 *   call(x: NDArray): NDArray {
 *     const a = this.param("a", flax.initializers.zeros, [x.shape[0]!, 2]);
 *     return this.child.call(x).add(np.matmul(x, a));
 *   }
 * }
 * const { params } = new LoRA().init(random.key(0), np.ones([3]));
 * console.log(Object.keys(params!)); // [ "a", "kernel", "bias" ]
 * ```
 */
export function shareScope(module: Module, other: Module): void {
  const what = "flax.shareScope";
  for (const x of [module, other]) {
    if (!(x instanceof Module)) {
      throw new StateError(`${what}: both arguments must be modules, not ${describeValue(x)}`);
    }
  }
  const context = protocol.need(what);
  const scope = needScope(context, module, what);
  runOf(context).scopes.set(other, scope);
}

/** Methods that do nothing but run others in a transform, where `setup` is to run. */
const bareMethods = new WeakSet<object>();

/** Has `setup` not run before a method. */
export function runWithoutSetup(method: object): void {
  bareMethods.add(method);
}

/** Runs a method of a module. */
function inMethod(
  module: Module,
  method: string,
  isBare: boolean,
  args: readonly unknown[],
  f: () => unknown,
): unknown {
  const context = protocol.top();
  if (context === null) return f();
  const scope = scopeOf(context, module);
  const frame = frameOf(context, module, scope, method);
  if (scope === null) return inFrame(context, frame, f);
  const run = (): unknown => {
    const out = f();
    const isOutermost = scope.active === 1;
    frame.run.onCall?.({ module, scope, method, args, out, isOutermost });
    // What it made and gives away has the names that it has here.
    settle(frame, context);
    return out;
  };
  return inScope(
    context,
    scope,
    () => inFrame(context, frame, () => isBare ? run() : withSetup(module, context, scope, run)),
  );
}

function frameOf(context: Context, module: Module, scope: Scope | null, method: string): Frame {
  return { module, run: runOf(context), scope, method, pending: [], isRunning: false };
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields that modules had before `setup`. */
const bare = new WeakMap<Module, Fields>();
/** The fields that `setup` gave, by context. */
const setups = new WeakMap<Context, Map<Module, Fields>>();
/** The context whose fields a module has now. */
const installed = new WeakMap<Module, Context>();

/**
 * Runs `f` while a module has the fields that its `setup` gives it in a context. Inside of a transform
 * these are others than outside, since what `setup` declares is read there.
 */
function withSetup<T>(module: Module, context: Context, scope: Scope, f: () => T): T {
  const { setup } = module as { setup?: unknown };
  if (typeof setup !== "function" || installed.get(module) === context) return f();
  const before: Fields = { ...module };
  const around = installed.get(module);
  if (!bare.has(module)) bare.set(module, before);
  installed.set(module, context);
  replaceFields(module, bare.get(module)!);
  try {
    let own = setups.get(context);
    if (own === undefined) setups.set(context, own = new Map());
    const fields = own.get(module);
    if (fields === undefined) {
      const run = runOf(context);
      inFrame(context, frameOf(context, module, scope, "setup"), () => setup.call(module));
      bindFields(run, module, scope);
      own.set(module, { ...module });
    } else replaceFields(module, fields);
    return f();
  } finally {
    replaceFields(module, before);
    if (around === undefined) installed.delete(module);
    else installed.set(module, around);
  }
}

/** Makes the own fields of a module these. */
function replaceFields(module: Module, fields: Fields): void {
  for (const name of Object.keys(module)) {
    if (!Object.hasOwn(fields, name)) Reflect.deleteProperty(module, name);
  }
  Object.assign(module, fields);
}

/** Makes the methods of a class and its bases, up to `Module`, run as methods of their module. */
function wrapMethods(start: object): void {
  for (
    let proto = start;
    proto !== Module.prototype && !wrapped.has(proto);
    proto = Object.getPrototypeOf(proto)
  ) {
    wrapped.add(proto);
    for (const key of Object.getOwnPropertyNames(proto)) {
      const descriptor = Object.getOwnPropertyDescriptor(proto, key)!;
      const method: unknown = descriptor.value;
      if (key === "constructor" || key === "setup" || typeof method !== "function") continue;
      const isBare = bareMethods.has(method);
      Object.defineProperty(proto, key, {
        ...descriptor,
        value(this: Module, ...args: unknown[]): unknown {
          if (!(this instanceof Module)) throw unbound(proto, key, this);
          try {
            return inMethod(this, key, isBare, args, () => method.apply(this, args));
          } catch (error) {
            throw ofInputs(`${this.constructor.name}.${key}`, args, error);
          }
        },
      });
    }
  }
}

/** The error for a method that was taken off its module. */
function unbound(proto: object, method: string, found: unknown): StateError {
  return new StateError(
    `${proto.constructor.name}.${method} was called on ${
      describeValue(found)
    }, not on a module: a method that is passed as a function loses its module. Pass ` +
      `(x) => layer.${method}(x) instead of layer.${method}`,
  );
}

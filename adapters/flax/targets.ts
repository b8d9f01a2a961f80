/**
 * What lifted transforms are applied to: functions of a module, or classes of modules, of which they
 * transform the methods.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { StateError } from "../../mod.ts";
import { afresh, nameOfClass } from "./binding.ts";
import { Module, runWithoutSetup } from "./module.ts";

/** A class of modules. */
export type ModuleClass = abstract new (...args: never[]) => Module;

/** Any function, by its untyped signature. */
export type Fn = (...args: unknown[]) => unknown;

/** A function of a module and further arguments. */
export type ModuleFunction = (module: Module, ...args: unknown[]) => unknown;

/** Options that all lifted transforms have. */
export interface TargetOptions {
  /** Of a class: which methods are transformed (default: `call`). */
  readonly methods?: readonly string[] | undefined;
}

/** A class whose methods have been transformed, or a function. */
export type Lifted<T> = T;

type Constructor = new (...args: unknown[]) => Module;

/**
 * Transforms a target. `lift` gives, for a function of a module, the transformed one.
 *
 * @param prefix What stands before the class's name in the names of modules: `"Scan"`.
 */
export function lifting<T>(
  op: string,
  prefix: string,
  target: T,
  { methods = ["call"] }: TargetOptions,
  lift: (f: ModuleFunction) => ModuleFunction,
): T {
  if (typeof target !== "function") {
    throw new StateError(
      `${op}: the first argument must be a class of modules, or a function whose first argument is a ` +
        `module, not ${describeValue(target)}`,
    );
  }
  if (isClass(target)) return liftedClass(op, prefix, target, methods, lift) as T;
  const lifted = lift(target as ModuleFunction);
  const checked: ModuleFunction = (module, ...args) => {
    if (module instanceof Module) return lifted(module, ...args);
    throw new StateError(
      `${op}: the first argument of the function must be the module whose variables the transform is ` +
        `about, not ${describeValue(module)}. Write ${op}((module, x) => ..., options)(this, x)`,
    );
  };
  return Object.defineProperty(checked, "name", { value: target.name }) as T;
}

function isClass(target: object): target is Constructor {
  return target === Module ||
    Object.prototype.isPrototypeOf.call(Module, target);
}

function liftedClass(
  op: string,
  prefix: string,
  target: Constructor,
  methods: readonly string[],
  lift: (f: ModuleFunction) => ModuleFunction,
): Constructor {
  const moduleName = prefix + nameOfClass(target);
  const made = class extends target {
    static readonly moduleName: string = moduleName;
  };
  Object.defineProperty(made, "name", { value: moduleName });
  for (const name of methods) {
    const methodOf = (): unknown => (target.prototype as Record<string, unknown>)[name];
    if (typeof methodOf() !== "function") {
      throw new StateError(`${op}: ${target.name} has no method ${describeValue(name)}`);
    }
    // A transform may run a method several times, which makes the same each time. The method is looked up
    // when it runs: by then it runs as a method of its module.
    const lifted = lift((module, ...args) =>
      afresh(module, () => (methodOf() as Fn).apply(module, args))
    );
    const value = function (this: Module, ...args: unknown[]): unknown {
      return lifted(this, ...args);
    };
    runWithoutSetup(value);
    Object.defineProperty(made.prototype, name, { configurable: true, writable: true, value });
  }
  return made;
}

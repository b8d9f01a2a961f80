/**
 * Modules that are made when they are first used, and modules made of functions.
 *
 * @module
 */
import { checkCall, describeValue } from "../../lib/extend.ts";
import { StateError } from "../../mod.ts";
import { type Later, placeForLater } from "./context.ts";
import { Module } from "./module.ts";
import { functionModuleName } from "./naming.ts";

/** What has a method `call`. */
export interface Callable {
  /** Applies it. */
  call(...args: never[]): unknown;
}

/**
 * A module that is made when it is first called, in the place where this was made: for one whose sizes
 * another one knows, once it was called.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => {
 *   const encoder = new hk.Linear(2, { name: "encoder" });
 *   const decoder = new hk.Deferred(() => new hk.Linear(encoder.inputSize!, { name: "decoder" }));
 *   return decoder.call(encoder.call(x));
 * });
 * const params = model.init(random.key(0), np.ones([3]));
 * console.log(Object.keys(params), model.apply(params, null, np.ones([3])).shape);
 * // [ "encoder", "decoder" ] [ 3 ]
 * ```
 */
export class Deferred<M extends Callable> {
  #factory: (() => M) | null;
  #target: M | null = null;
  readonly #later: Later;

  /**
   * `factory` makes the module.
   *
   * @throws {StateError} where it is no function; outside of a transformed function.
   */
  constructor(factory: () => M) {
    if (arguments.length > 1) checkCall("new hk.Deferred(factory)", arguments);
    if (typeof factory !== "function") {
      throw new StateError(
        `hk.Deferred: expected a function that makes a module, not ${
          describeValue(factory)
        }. Write ` +
          "new hk.Deferred(() => new hk.Linear(n))",
      );
    }
    this.#factory = factory;
    this.#later = placeForLater("new hk.Deferred()");
  }

  /** The module, which is made where it was not before. */
  get target(): M {
    if (this.#target === null) {
      this.#target = this.#later(this.#factory!);
      this.#factory = null;
    }
    return this.#target;
  }

  /** Calls the module. */
  call(...args: Parameters<M["call"]>): ReturnType<M["call"]> {
    return this.target.call(...args) as ReturnType<M["call"]>;
  }
}

/** A class of modules, each of which applies one function. */
export interface FunctionModule<A extends unknown[], R> {
  /** A module under this name, else that of the function. */
  new (name?: string): Module & {
    /** Applies the function. */
    call(...args: A): R;
  };
}

/**
 * A class of modules that apply a function, which may use modules: each has parameters of its own.
 *
 * @throws {StateError} where `f` is no function; and where a module is made without a name, and the
 * function's name looks as if a minifier had given it.
 *
 * @example
 * ```ts
 * import { nn, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const block = (x: NDArray) => nn.relu(new hk.Linear(3).call(x));
 * const Block = hk.toModule(block);
 * const model = hk.transform((x: NDArray) => new hk.Sequential([new Block(), new Block()]).call(x));
 * console.log(Object.keys(model.init(random.key(0), np.ones([3]))));
 * // [ "block/linear", "block_1/linear" ]
 * ```
 */
export function toModule<A extends unknown[], R>(f: (...args: A) => R): FunctionModule<A, R> {
  if (arguments.length > 1) checkCall("hk.toModule(f)", arguments);
  if (typeof f !== "function") {
    throw new StateError(`hk.toModule: expected a function, not ${describeValue(f)}`);
  }
  return class ToModule extends Module {
    constructor(name?: string) {
      super(name ?? functionModuleName(f));
    }
    call(...args: A): R {
      return f(...args);
    }
  };
}

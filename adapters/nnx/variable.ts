/**
 * Variables: boxes for the arrays of a model, with a type that says what they are for.
 *
 * Where the value is while a transform runs is the matter of `cells.ts`.
 *
 * @module
 */
import { advise, describeValue, toArray } from "../../lib/extend.ts";
import type { NDArray } from "../../mod.ts";
import { Cell, peek, read, write } from "./cells.ts";

/** A class of variables. */
export type VariableType = abstract new (...args: never[]) => Variable<unknown>;

/** Where the value of a variable is. */
export let cellOf: (variable: Variable<unknown>) => Cell;

/**
 * A box for an array, or a tree of arrays, that is part of a model. Its value may be read and written
 * anywhere that the model is: eagerly, and inside the transforms of this module.
 *
 * Subclasses say what a variable is for, which filters choose by; `Param`, `BatchStat` and others are
 * such. Code that is to be minified gives its own ones a `static variableType`, a name that stays.
 *
 * @throws {StateError} at a write inside of a pure transform, of a variable that was made outside.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * class Count extends nnx.Variable {}
 * const count = new Count(np.array(0));
 * nnx.transforms.foriLoop(0, 3, (_, x) => {
 *   count.value = count.value.add(1);
 *   return x;
 * }, 0);
 * console.log(count.value.item()); // 3
 * console.log(count); // Count(Array(float32[], 3))
 * ```
 */
export class Variable<T = NDArray> {
  /** The name of the type, whatever a bundler calls the class. */
  static readonly variableType: string = "Variable";
  readonly #cell: Cell;

  /** `value` is an array, a number or a tree of arrays. */
  constructor(value: T | number | boolean) {
    const array = toArray(value);
    if (array === null && typeof value !== "object") {
      throw new TypeError(
        `new nnx.${typeName(new.target)}: the value must be an array or a tree of arrays, not ${
          describeValue(value)
        }`,
      );
    }
    this.#cell = new Cell(array ?? value, typeName(new.target));
  }

  /** The value, as it is here and now. */
  get value(): T {
    return read(this.#cell) as T;
  }

  set value(value: T) {
    write(this.#cell, value);
  }

  /** The name of its type. */
  get type(): string {
    return this.#cell.type;
  }

  /** Its type and its value. */
  toString(): string {
    return `${this.type}(${String(peek(this.#cell))})`;
  }

  static {
    cellOf = (variable) => variable.#cell;
    for (const symbol of ["Deno.customInspect", "nodejs.util.inspect.custom"]) {
      Object.defineProperty(this.prototype, Symbol.for(symbol), {
        value(this: Variable<unknown>): string {
          // Consoles that show prototypes ask these too.
          return this instanceof Variable && #cell in this ? this.toString() : "Variable {}";
        },
      });
    }
  }
}

/** What takes models and variables as arguments. */
export const passedOn: string =
  "models and variables are arguments of the transforms of nnx: write nnx.jit, nnx.grad, nnx.vmap, or take the " +
  "arrays out with nnx.split";

advise(Variable, passedOn);

/** The name of a class of variables. */
export function typeName(type: VariableType): string {
  const own = Object.getOwnPropertyDescriptor(type, "variableType")?.value as unknown;
  return typeof own === "string" ? own : type.name;
}

/** A parameter, which is learned. */
export class Param<T = NDArray> extends Variable<T> {
  /** The name of the type. */
  static override readonly variableType: string = "Param";
}

/** A running statistic, such as those of `BatchNorm`. */
export class BatchStat<T = NDArray> extends Variable<T> {
  /** The name of the type. */
  static override readonly variableType: string = "BatchStat";
}

/** What autoregressive decoding keeps. */
export class Cache<T = NDArray> extends Variable<T> {
  /** The name of the type. */
  static override readonly variableType: string = "Cache";
}

/** A value from inside a model that is to be looked at: `sow` makes them, `pop` takes them out. */
export class Intermediate<T = NDArray> extends Variable<T> {
  /** The name of the type. */
  static override readonly variableType: string = "Intermediate";
}

/** What optimisers keep: `Optimizer.optState` and `Optimizer.step`. */
export class OptState<T = NDArray> extends Variable<T> {
  /** The name of the type. */
  static override readonly variableType: string = "OptState";
}

/** The state of a random stream. */
export class RngState extends Variable {
  /** The name of the type. */
  static override readonly variableType: string = "RngState";
}

/** The key of a random stream, uint32 [2]. */
export class RngKey extends RngState {
  /** The name of the type. */
  static override readonly variableType: string = "RngKey";
}

/** How many keys were drawn from a random stream, uint32 []. */
export class RngCount extends RngState {
  /** The name of the type. */
  static override readonly variableType: string = "RngCount";
}

/**
 * What is written as of a JavaScript or NumPy array, `x[0]`, `x.length` and `x.shape = [2, 3]`: on
 * arrays here these are errors that say what to write. Otherwise `x[0] = 5` would change nothing, and
 * `x[0]` be `undefined`, in silence.
 *
 * @module
 */
import { refuseByHand } from "./stack.ts";

/**
 * Makes subscripts on instances of a class errors, by accessors on its prototype.
 *
 * These cost nothing where no subscript is used. A `Proxy` at the end of the prototype chain, which
 * would catch every number, makes `instanceof` 60 times slower where the answer is no, and tracing
 * asks that for each operand; arrays that are not extensible make eager `add` 15 % slower (V8 15.0).
 */
export function refuseSubscripts(prototype: object): void {
  const refuse = (key: PropertyKey, get: () => unknown, write: string): void => {
    Object.defineProperty(prototype, key, {
      get,
      set(): never {
        throw new TypeError(write);
      },
    });
  };
  const refuseBoth = (key: PropertyKey, read: string, write: string): void => {
    refuse(key, () => refuseByHand(new TypeError(read)), write);
  };
  const length =
    "x.length: an array has a shape. Use x.shape[0] for the length of its first axis, or x.size";
  refuseBoth("length", length, length);
  for (let i = LOWEST; i < LIMIT; i++) {
    refuseBoth(
      i,
      `x[${i}]: arrays have no elements as properties. Use x.at(${i}) for the element or row at an ` +
        "index, x.slice(starts, stops) for a part, x.take(indices, axis) for several",
      `x[${i}] = value: arrays do not change. Use np.setAt(x, ${i}, value) for a changed copy, ` +
        "np.updateAt(x, ...) for other changes, or np.where to replace elements by a condition",
    );
  }
  for (const [name, instead] of Object.entries(METHODS)) {
    const message = `x.${name}: arrays have no such method. ${instead}`;
    refuseBoth(name, message, message);
  }
  for (const [key, instead] of Object.entries(INSTEAD)) {
    const { get } = Object.getOwnPropertyDescriptor(prototype, key)!;
    refuse(key, get!, `x.${key} = value: arrays do not change. Use ${instead} for a changed copy`);
  }
}

/** Methods of lists, and of JAX's `x.at[i]`, with what does the same here. */
const METHODS = {
  map:
    "Operations work on all elements at once, vmap(f)(x) on rows, and [...x].map(f) gives a list",
  forEach: "Write for (const row of x) in eager code, and scan or map in traced code",
  filter: "Shapes do not depend on values: use np.where(condition, x, y)",
  reduce: "Use x.sum(), x.prod(), x.max() and the like, or scan with a carry",
  push: "Arrays do not change: np.concatenate([x, y]) gives a new one",
  set:
    "Arrays do not change: np.setAt(x, index, value) and np.updateAt(x, index).set(value) give a changed copy",
};

/** What NumPy's arrays let one set, and what gives the same here. */
const INSTEAD = { shape: "x.reshape(shape)", dtype: "x.astype(dtype)" };

/** The first and the last indices that someone who starts at either end may try. */
const LOWEST = -16;
const LIMIT = 256;

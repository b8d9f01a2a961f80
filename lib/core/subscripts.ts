/**
 * What is written as of a JavaScript array, `x[0]` and `x.length`: on arrays here these are errors that
 * say what to write. Otherwise `x[0] = 5` would change nothing, and `x[0]` be `undefined`, in silence.
 *
 * @module
 */

/**
 * Makes subscripts on instances of a class errors, by accessors on its prototype.
 *
 * These cost nothing where no subscript is used. A `Proxy` at the end of the prototype chain, which
 * would catch every number, makes `instanceof` 60 times slower where the answer is no, and tracing
 * asks that for each operand; arrays that are not extensible make eager `add` 15 % slower (V8 15.0).
 */
export function refuseSubscripts(prototype: object): void {
  const refuse = (key: PropertyKey, read: string, write: string): void => {
    Object.defineProperty(prototype, key, {
      get(): never {
        throw new TypeError(read);
      },
      set(): never {
        throw new TypeError(write);
      },
    });
  };
  const length =
    "x.length: an array has a shape. Use x.shape[0] for the length of its first axis, or x.size";
  refuse("length", length, length);
  for (let i = LOWEST; i < LIMIT; i++) {
    refuse(
      i,
      `x[${i}]: arrays have no elements as properties. Use x.at(${i}) for the element or row at an ` +
        "index, x.slice(starts, stops) for a part, x.take(indices, axis) for several",
      `x[${i}] = value: arrays do not change. Use np.setAt(x, ${i}, value) for a changed copy, ` +
        "np.addAt to add, or np.where to replace elements by a condition",
    );
  }
}

/** The first and the last indices that someone who starts at either end may try. */
const LOWEST = -16;
const LIMIT = 256;

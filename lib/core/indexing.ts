/**
 * What is written as of a JavaScript or NumPy array, `x[0]`, `x.length` and `x.shape = [2, 3]`: on
 * arrays here these are errors that say what to write. Otherwise `x[0] = 5` would change nothing, and
 * `x[0]` be `undefined`, in silence.
 *
 * What an error's stack says of the code that led to it: the user's line, and whether that is code of
 * a person at all.
 *
 * What stands between the brackets of `x[...]` in NumPy, as arguments, and what can be done with the place
 * that it names. `X` is what arrays are, which this file does not know: their methods take these.
 *
 * @module
 */

/** Where this library's files are, to tell its lines from the user's in a stack. */
const root = new URL("../../", import.meta.url).href;

const UNKNOWN = "an unknown place";

/** The line of user code from which an error was made, as far as it can be told. */
export function userLine(error: Error | null): string {
  return lineIn(error, []) ?? UNKNOWN;
}

/** The line of user code from which an error was made; `null` where one of our files called it by then. */
function lineIn(error: Error | null, callers: readonly string[]): string | null {
  for (const line of (error?.stack ?? "").split("\n").slice(1)) {
    const place = /\(?((?:file|https?):\/\/[^\s)]+)\)?$/.exec(line)?.[1];
    if (place === undefined) continue;
    if (callers.some((file) => place.startsWith(root + file))) return null;
    if (!place.startsWith(`${root}lib/`) && !place.startsWith(`${root}adapters/`)) return place;
  }
  return UNKNOWN;
}

/** The line of user code that is running, however deep inside the library it is asked for. */
export function runningLine(): string {
  return runningLineUpTo([])!;
}

/** The line of user code that is running; `null` where one of these files of ours has called it. */
export function runningLineUpTo(callers: readonly string[]): string | null {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  try {
    return lineIn(new Error(), callers);
  } finally {
    Error.stackTraceLimit = before;
  }
}

/**
 * Throws an error just made, unless the code that called the line that made it is a tool's. Tools ask
 * any object for a length, to tell lists from others (Lodash's `isEqual`), Node's console asks what is
 * in a `Proxy` for element 0, and matchers go through all that can be iterated over (Jest, Vitest).
 */
export function refuseByHand(error: Error): void {
  const places = (error.stack ?? "").split("\n").filter((line) => PLACE.test(line));
  const caller = places[1];
  if (caller === undefined || caller.includes(root) || !TOOL.test(caller)) throw error;
}

/** The end of a line of a stack that says where; native functions are nowhere. */
const PLACE = /:\d+:\d+\)?$/;

/** Places in runtimes, in installed packages, and in those that are loaded by a version. */
const TOOL = /\b(?:node|ext):|\/node_modules\/|[@/]\d+\.\d+\.\d+\//;

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

/** A range of an axis, as Python's `slice`; made by `np.slice`. */
export class Slice {
  /** From `start` up to `stop` in steps of `step`; `null` stands for what Python leaves out. */
  constructor(
    /** The first position; negative ones count from the end. */
    readonly start: number | null,
    /** The position in front of which it ends. */
    readonly stop: number | null,
    /** How far one position is from the next; a negative one goes backwards. */
    readonly step: number | null,
  ) {}

  /** As in brackets, `1:3`. */
  toString(): string {
    const ends = `${this.start ?? ""}:${this.stop ?? ""}`;
    return this.step === null ? ends : `${ends}:${this.step}`;
  }
}

/**
 * One index of several: a position, an array of positions or a mask, a range by `np.slice`, `null` for a
 * new axis, or `"..."` for all axes that the others leave.
 */
export type IndexOf<X> = number | X | Slice | null | "...";

/**
 * What becomes of computed positions that are out of range: `"fill"` (or `"drop"`) reads a fixed value and
 * drops updates, `"clip"` takes the nearest position, and `"promise"` says that there are none.
 */
export type IndexMode = "fill" | "drop" | "clip" | "promise";

/** Options of what is done at computed positions. */
export interface IndexOptions {
  /** What becomes of positions out of range: reading clips and updates drop where it is left out. */
  readonly mode?: IndexMode | "promise_in_bounds" | undefined;
  /** Whether positions are all different. */
  readonly uniqueIndices?: boolean | undefined;
  /** Whether positions ascend. */
  readonly indicesAreSorted?: boolean | undefined;
  /** Whether negative positions count from the end, which is the default. */
  readonly wrapNegativeIndices?: boolean | undefined;
}

/** Options of reading at computed positions. */
export interface GetOptions extends IndexOptions {
  /** What `"fill"` reads: NaN, or the limit of an integer type, where it is left out. */
  readonly fillValue?: number | boolean | undefined;
}

/** A place in an array: what it is changed to gives a new array. `X` are arrays, `V` operands. */
export interface PlaceOf<X, V> {
  /** The array with `value` there; of several values for one element the last one stays. */
  set(value: V, options?: IndexOptions): X;
  /** The array with `value` added there, several of one element one after another. */
  add(value: V, options?: IndexOptions): X;
  /** The array with `value` subtracted there. */
  sub(value: V, options?: IndexOptions): X;
  /** The array multiplied by `value` there. */
  mul(value: V, options?: IndexOptions): X;
  /** The array divided by `value` there; integers become float32. */
  div(value: V, options?: IndexOptions): X;
  /** The array with the lesser of what is there and `value`. */
  min(value: V, options?: IndexOptions): X;
  /** The array with the greater of what is there and `value`. */
  max(value: V, options?: IndexOptions): X;
  /** The array with what is there to the power of `value`. */
  power(value: V, options?: IndexOptions): X;
  /** The array with `f` of what is there: an elementwise function, applied once to each element. */
  apply(f: (x: X) => X, options?: IndexOptions): X;
  /** What is there. */
  get(options?: GetOptions): X;
}

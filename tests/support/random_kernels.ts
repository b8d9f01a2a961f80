/**
 * Random programs that are hard on a compiler: arrays of all dtypes and awkward lengths, of NaN,
 * infinities, both zeros and the limits of integers; views of every kind in front of every operation; loops
 * that swap their carries, keep parts of them and write into them; branches, and all that
 * vectorised, three deep.
 *
 * Sums are taken of numbers of few bits, so that their order makes no difference, and results can be
 * compared bit for bit.
 *
 * @module
 */
import { DTypeError, type NDArray, numpy as np } from "../../mod.ts";
import { make } from "./arrays.ts";
import {
  type Choices,
  drawn,
  dtypes,
  fits,
  type Inner,
  isFloat,
  type Operation,
  operations as ordinary,
  Skip,
} from "./kernel_operations.ts";
import { anyPrimitive } from "./kernel_primitives.ts";
import { structures } from "./kernel_structures.ts";
import { Random } from "./random.ts";

/** A value of a program under construction. */
interface Value {
  readonly x: NDArray;
  /** Whether it may be a sum of itself and something: a loop may add that up in another order. */
  readonly sum: boolean;
}

/** A random program. */
export interface KernelProgram {
  /** From arrays to arrays. Each call makes the same choices. */
  readonly f: (...inputs: NDArray[]) => NDArray[];
  /** Arguments for it. */
  readonly inputs: NDArray[];
  /** What the last call did. */
  readonly text: () => string;
}

/** How long arrays are. */
interface Sizes {
  /** Of the last axis of arguments. */
  readonly lengths: readonly number[];
  /** Larger arrays are left out. */
  readonly most: number;
}

/** Lengths around those of vectors, and of none. */
const short: Sizes = {
  lengths: [0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33],
  most: 400,
};
/** Lengths at which loops work on several vectors in turn, and add sums up in stages. */
const long: Sizes = { lengths: [63, 64, 65, 100, 127, 129, 255, 257, 511, 1030], most: 12_000 };

const operations: Readonly<Record<string, Operation>> = {
  ...ordinary,
  ...structures,
  "any primitive": anyPrimitive,
};
const names = Object.keys(operations);
/** Operations whose results are sums, or may be. */
const sums = new Set(["add", "with a number", "sum", "product"]);
const controls = ["scan", "windows of a carry", "while", "loop of numbers", "branch", "vmap"];
/** What makes arrays share memory, or could. */
const sharing = [
  "slice at a place",
  "write at a place",
  "write a part of it into it",
  "row",
  "flip",
  "transpose",
  "reshape",
];

/** A program under construction. */
class Builder implements Inner {
  readonly #values: Value[];
  /** Whether a value that was picked is a sum. */
  #touched = false;

  constructor(
    readonly random: Random,
    values: readonly Value[],
    own: readonly NDArray[],
    readonly depth: number,
    readonly log: string[],
    readonly most: number,
  ) {
    this.#values = [...values, ...own.map((x) => ({ x, sum: false }))];
  }

  #one<T>(items: readonly T[]): T {
    return items[this.random.integer(0, items.length)]!;
  }

  /** One of the values, later ones more often. */
  #pick(accepts: (x: NDArray) => boolean): Value {
    const fitting = this.#values.filter(({ x }) => accepts(x));
    if (fitting.length === 0) throw new Skip();
    const at = Math.max(this.random.next(), this.random.next(), this.random.next());
    const value = fitting[Math.floor(at * fitting.length)]!;
    this.#touched ||= value.sum;
    return value;
  }

  /** Adds so many operations. */
  steps(count: number): this {
    const { random } = this;
    const pick = (accepts: (x: NDArray) => boolean = () => true) => this.#pick(accepts).x;
    const choices: Choices = {
      random,
      one: (items) => this.#one(items),
      pick,
      mate: (x, accepts = () => true) => pick((y) => accepts(y) && fits(x, y)),
      whole: () => pick((x) => x.ndim === 0 && x.dtype === "int32"),
      axis: (x) => random.integer(0, x.ndim),
      program: (steps, finish) => {
        const name = String(random.integer(0, 2 ** 31));
        const values = [...this.#values];
        return (...own) => {
          const b = new Builder(new Random(name), values, own, this.depth - 1, this.log, this.most);
          return finish(b.steps(steps), own);
        };
      },
    };
    for (let n = 0; n < count; n++) {
      const kind = random.next();
      const name = kind < 0.3
        ? "any primitive"
        : this.#one(kind < 0.45 ? controls : kind < 0.6 ? sharing : names);
      if (controls.includes(name) && this.depth === 0) continue;
      this.#touched = false;
      const line = this.log.push("") - 1;
      try {
        const outs = [operations[name]!(choices)].flat() as NDArray[];
        const kept = outs.filter((x) => x.size <= this.most && x.ndim <= 4);
        const sum = this.#touched || sums.has(name);
        this.#values.push(...kept.map((x) => ({ x, sum: sum && isFloat(x) })));
        this.log[line] = `${"  ".repeat(DEPTH - this.depth)}${name}: ${
          outs.map((x) => `${x.dtype}[${x.shape}]`).join(" ")
        }`;
      } catch (error) {
        if (!(error instanceof Skip || error instanceof DTypeError)) throw error;
        this.log[line] = `${"  ".repeat(DEPTH - this.depth)}(${name})`;
      }
    }
    return this;
  }

  /** Some of the values. */
  some(count: number): NDArray[] {
    return Array.from({ length: count }, () => this.#pick(() => true).x);
  }

  /** The values that were computed last, and some others. */
  results(): NDArray[] {
    return [...this.#values.slice(-6).map(({ x }) => x), ...this.some(2)];
  }

  /** A value of the shape and dtype of another, which is there; or one that is made of such. */
  like(x: NDArray): NDArray {
    const { random } = this;
    const shape = String(x.shape);
    const { x: y, sum } = this.#pick((y) => y.dtype === x.dtype && String(y.shape) === shape);
    const kept = sum ? np.clip(y, -1e6, 1e6) : y;
    const smaller = (p: NDArray): boolean => p.shape.every((n, k) => n <= x.shape[k]!);
    switch (random.integer(0, 8)) {
      case 0:
      case 1: {
        const other = this.#pick((p) => p.dtype === x.dtype && p.ndim <= x.ndim && fits(x, p)).x;
        const both = this.#one([np.maximum, np.minimum, np.mul])(other, kept);
        return String(both.shape) === shape ? both : kept;
      }
      case 2:
        return x.ndim > 0 ? np.flip(kept, random.integer(0, x.ndim)) : kept;
      case 3: {
        const part = this.#pick((p) => p.dtype === x.dtype && p.ndim === x.ndim && smaller(p)).x;
        const starts = x.shape.map(() => random.integer(-2, 4));
        return x.ndim > 0 && part.size > 0 ? np.dynamicUpdateSlice(kept, part, starts) : kept;
      }
      case 4:
        return x.ndim > 1 && x.shape[0] === x.shape[1] ? np.swapaxes(kept, 0, 1) : kept;
    }
    return kept;
  }

  /** The same for several. */
  likes(list: readonly NDArray[]): NDArray[] {
    return list.map((x) => this.like(x));
  }
}

/** How deep programs are nested. */
const DEPTH = 3;

/** A program by its name, of short arrays or of long ones. */
export function randomKernel(name: string, isLong = false, steps = 6): KernelProgram {
  const { lengths, most } = isLong ? long : short;
  const random = new Random(name);
  const oneOf = <T>(items: readonly T[]): T => items[random.integer(0, items.length)]!;
  const [m, n] = [oneOf([0, 1, 2, 3, 4, 5]), oneOf(lengths)];
  const shapes = [[], [n], [m, n], oneOf([[n, m], [1, n], [m, 1], [m, n, 1], [2, m, n], [m]])];
  const kinds = [oneOf(["float32", "float64"] as const), oneOf(dtypes)];
  const inputs = shapes.map((shape) => {
    const dtype = oneOf(kinds);
    return make({ shape, dtype }, drawn(random, shape.reduce((a, b) => a * b, 1), dtype));
  });
  inputs.push(make({ shape: [], dtype: "int32" }, drawn(random, 1, "int32")));
  const log: string[] = [];
  const f = (...given: NDArray[]): NDArray[] => {
    log.length = 0;
    return new Builder(new Random(`${name} steps`), [], given, DEPTH, log, most).steps(steps)
      .results();
  };
  const types = inputs.map((x) => `${x.dtype}[${x.shape}]`).join(" ");
  return { f, inputs, text: () => `${name} of ${types}\n${log.join("\n")}` };
}

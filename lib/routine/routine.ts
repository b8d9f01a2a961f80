/**
 * A small language for algorithms on arrays that are not elementwise: sorting, searching, decomposing.
 * A routine is written once, as text, for arrays of any dtype; JavaScript and WebAssembly are made of
 * it.
 *
 * ```text
 * // Euclidean norms of rows, and the rows divided by them.
 * normalize(in x: T[rows, n], out unit: T[rows, n], out norms: T[rows], rows, n) {
 *   for r in 0..rows {
 *     let norm = sqrt(sum(i in 0..n: x[r, i] * x[r, i]))
 *     norms[r] = norm
 *     vector i in 0..n { unit[r, i] = x[r, i] / norm }
 *   }
 * }
 * ```
 *
 * Parameters are arrays that are read, arrays that are written, `scratch` arrays, and `i32` scalars,
 * which give lengths: one function serves all shapes. Arrays are row-major; with one index, an array is
 * read as flat. A first length that does not matter is `any`. Arrays do not overlap, and what is in `out` and `scratch` on entry is anything.
 *
 * Types are `i32`, `u32`, `f32`, `f64` and `bool`; `T` is that of the elements (`i32` for bools, which
 * are 0 and 1), and `Wide` is `f64` for floats, else `T`. The name of a type converts to it; integers
 * wrap, and must not be divided by 0; what is converted to one must be in range. Numbers take the type of
 * the other operand.
 * `isFloat`, and `T == f64` for any types, are known when code is made, so that a branch that they
 * exclude need not fit `T`; `epsilon` is the distance from 1 to the next `T`, and `overflow` the least `f64` that is infinite as `T`.
 * `Infinity` and `NaN` are numbers, `true` and `false` bools.
 *
 * Statements: `let x = e` or `let x: f64 = e`, `x = e`, `a[i, j] += e`, `if c {} else if d {} else {}`,
 * `while c {}`, `break`, `for i in a..b {}` with `down` or `by step` behind the range, which does not
 * contain `b`; and `name(arrays, scalars)` for another routine, where `a[k]` is `a` from there on.
 *
 * Operators are those of C, and `and`, `or`, `not`. `select(c, x, y)` computes both, and does not
 * branch. Functions: `abs sqrt floor ceil trunc nearest min max copysign hypot`, and `bits high low`
 * for the bits of an `f32` and the halves of an `f64`. `min` and `max` of floats are NaN where one is.
 *
 * `vector i in a..b {}` may do several rounds at once: all arrays in it are read and written at an
 * index plus `i`, and no round may read what an earlier one wrote. `sum(i in a..b: e)` adds up in any
 * order, and is the one place where the two codes may round differently.
 *
 * @module
 */
import type { DType, TypedArray } from "../core/dtype.ts";
import { allocate, dtypes } from "../core/dtype.ts";
import { type Value, value } from "./interpret.ts";
import { compile, compiles } from "./javascript.ts";
import { resolve } from "./resolve.ts";
import { type Cell, parse, type Run, type Source, type Typed } from "./syntax.ts";

/** An array that a routine needs beside its inputs and outputs. */
export interface Scratch {
  /** Element type. */
  readonly dtype: DType;
  /** Number of elements. */
  readonly size: number;
}

let count = 0;

/** An algorithm on arrays. */
export class Routine {
  /** Tells it from all others, which may have its name. */
  readonly id: number = ++count;
  readonly #text: string | (() => string);
  #source: Source | null = null;
  readonly #typed = new Map<DType, Typed>();
  readonly #runs = new Map<DType, Run>();
  readonly #scratch = new Map<DType, { readonly dtype: DType; readonly size: Value }[]>();

  readonly #hosted = new Map<DType, { readonly run: HostRun | null }>();
  #kept: Kept | null = null;

  /**
   * Of the text of a routine, or of what makes it, where it has parts. Nothing is done with it before the
   * routine is used.
   */
  constructor(
    text: string | (() => string),
    /** The routines that it calls, by name. */
    readonly callees: Readonly<Record<string, Routine>> = {},
  ) {
    this.#text = text;
  }

  /**
   * What the text says.
   *
   * @internal
   */
  get source(): Source {
    const text = this.#text;
    return this.#source ??= parse(typeof text === "string" ? text : text());
  }

  /** Its name. */
  get name(): string {
    return this.source.name;
  }

  /**
   * It for elements of a dtype.
   *
   * @internal
   */
  typed(dtype: DType): Typed {
    return made(this.#typed, dtype, () => resolve(this.source, dtype));
  }

  /**
   * It in JavaScript: takes arrays that are read, arrays that are written, scratch, and scalars.
   *
   * @internal
   */
  js(dtype: DType): Run {
    return made(this.#runs, dtype, () => {
      const callees = Object.entries(this.callees).map(([name, r]) => [name, r.js(dtype)]);
      return compile(this.typed(dtype), Object.fromEntries(callees));
    });
  }

  #sizes(dtype: DType): readonly { readonly dtype: DType; readonly size: Value }[] {
    return made(this.#scratch, dtype, () =>
      this.typed(dtype).arrays
        .filter(({ kind }) => kind === "scratch")
        .map(({ cell, size }) => ({ dtype: dtypeOfCell(cell), size: value(size) })));
  }

  /** The scratch arrays that it needs for these scalars. */
  scratch(dtype: DType, scalars: readonly number[]): Scratch[] {
    const frame = { arrays: [], locals: [...scalars] };
    return this.#sizes(dtype).map((s) => ({ dtype: s.dtype, size: s.size(frame) }));
  }

  /** Runs it in JavaScript, with scratch arrays that calls alike share while they are small. */
  run(dtype: DType, arrays: readonly TypedArray[], ...scalars: readonly number[]): void {
    // Closures are worth avoiding at any length.
    if (!compiles() && this.#onHost(dtype, arrays, scalars)) return;
    const run = this.js(dtype);
    if (this.#sizes(dtype).length === 0) return run(...arrays, ...scalars);
    let kept = this.#kept;
    if (kept?.dtype !== dtype || scalars.some((x, i) => x !== kept!.scalars[i])) {
      const scratch = this.scratch(dtype, scalars).map((s) => allocate(s.dtype, s.size));
      kept = { dtype, scalars, scratch };
      if (scratch.every((a) => a.length <= KEPT)) this.#kept = kept;
    }
    run(...arrays, ...kept.scratch, ...scalars);
  }

  /**
   * As {@linkcode run}, for calls that take much longer than copying their arrays: in WebAssembly, where
   * the process has it.
   */
  runLong(dtype: DType, arrays: readonly TypedArray[], ...scalars: readonly number[]): void {
    const elements = arrays.reduce((sum, a) => sum + a.length, 0);
    if (elements >= WORTH_COPYING && this.#onHost(dtype, arrays, scalars)) return;
    this.run(dtype, arrays, ...scalars);
  }

  #onHost(dtype: DType, arrays: readonly TypedArray[], scalars: readonly number[]): boolean {
    if (host === null) return false;
    const { run } = made(this.#hosted, dtype, () => ({ run: host!(this, dtype) }));
    return run !== null && run(arrays, scalars);
  }
}

/** Runs a routine on arrays that are read and written, and scalars; gives whether it could. */
export type HostRun = (arrays: readonly TypedArray[], scalars: readonly number[]) => boolean;

let host: ((routine: Routine, dtype: DType) => HostRun | null) | null = null;

/** Says how long calls of routines are to run. */
export function hostRoutines(make: (routine: Routine, dtype: DType) => HostRun | null): void {
  host = make;
}

/** Fewest elements of a long call that are worth copying. */
const WORTH_COPYING = 1000;

/** Scratch arrays of a call, for the next one. */
interface Kept {
  readonly dtype: DType;
  readonly scalars: readonly number[];
  readonly scratch: readonly TypedArray[];
}

/** Most elements of a scratch array that is kept for the next call. */
const KEPT = 4096;

/** A routine of its text; where that has parts, of a function that makes it. */
export function routine(
  text: string | (() => string),
  callees: Readonly<Record<string, Routine>> = {},
): Routine {
  return new Routine(text, callees);
}

function made<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  let value = known.get(key);
  if (value === undefined) known.set(key, value = make());
  return value;
}

const cellNames = ["u8", "u32", "i32", "f32", "f64"];

function dtypeOfCell(cell: Cell): DType {
  return dtypes[cellNames.indexOf(cell)]!;
}

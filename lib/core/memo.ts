/**
 * Memory of transformed programs: a jaxpr never changes, so what is made of it can be kept for as
 * long as it lives. Thanks to this a program is differentiated, batched or compiled once.
 *
 * @module
 */
import { InternalError } from "./errors.ts";
import { isJaxpr } from "./jaxpr.ts";
import type { Jaxpr } from "./primitive.ts";

/** What is remembered after some of the arguments. */
class Memory<R> {
  result: R | undefined;
  readonly #programs = new WeakMap<Jaxpr, Memory<R>>();
  readonly #values = new Map<string, Memory<R>>();

  /** What is remembered after one more. */
  next(argument: unknown): Memory<R> {
    if (isJaxpr(argument)) {
      let memory = this.#programs.get(argument);
      if (memory === undefined) this.#programs.set(argument, memory = new Memory());
      return memory;
    }
    const key = keyOf(argument);
    let memory = this.#values.get(key);
    if (memory === undefined) this.#values.set(key, memory = new Memory());
    return memory;
  }
}

/**
 * Remembers the results of `f`: by the identity of programs, which are held weakly, and by the value
 * of all other arguments, which are masks, numbers, strings, and lists and records of them.
 */
export function memoize<A extends readonly unknown[], R>(
  f: (jaxpr: Jaxpr, ...rest: A) => R,
): (jaxpr: Jaxpr, ...rest: A) => R {
  const start = new Memory<R>();
  return (jaxpr, ...rest) => {
    let memory = start.next(jaxpr);
    for (let i = 0; i < rest.length; i++) memory = memory.next(rest[i]);
    return memory.result ??= f(jaxpr, ...rest);
  };
}

/** A text for a value: equal for equal values alone, whatever numbers they hold. */
function keyOf(value: unknown): string {
  switch (typeof value) {
    case "boolean":
      return value ? "t" : "f";
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "string":
      return JSON.stringify(value);
    case "undefined":
      return "u";
  }
  if (value === null) return "n";
  if (Array.isArray(value)) return `[${value.map(keyOf).join(",")}]`;
  if (isJaxpr(value) || Object.getPrototypeOf(value) !== Object.prototype) {
    throw new InternalError("memoize: an argument is neither a program nor made of plain values");
  }
  const entries = Object.entries(value as object);
  return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${keyOf(v)}`).join(",")}}`;
}

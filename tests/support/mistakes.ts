/**
 * Tests of what users are told about their mistakes.
 *
 * @module
 */
import { jit, type NDArray, numpy as np } from "../../mod.ts";
import { assert } from "./assert.ts";
import { interpreter } from "./everywhere.ts";

/** The class of an error. */
export type ErrorClass = new (...args: never[]) => Error;

/** Any value in the place of a typed one, as JavaScript allows. */
// deno-lint-ignore no-explicit-any -- these tests do what types forbid
export const any = (value: unknown): any => value;

/** `f` under jit, by the name `step`. */
export function jitted(f: (x: NDArray) => unknown, at?: NDArray): () => unknown {
  return () =>
    jit(function step(x: NDArray) {
      return f(x) as NDArray;
    }, interpreter)(at ?? np.array([1, 2, 3]));
}

/** Functions by other names than "anonymous", as messages show them. */
export function named<F extends (...args: never[]) => unknown>(name: string, f: F): F {
  return Object.defineProperty(f, "name", { value: name });
}

/**
 * Defines the test that `run` throws an error of exactly this class, whose message has all the
 * `parts`, separated by ` | `, and matches the pattern.
 */
export function mistake(
  what: string,
  run: () => unknown,
  kind: ErrorClass,
  parts: string,
  pattern: RegExp = /(?:)/,
): void {
  Deno.test(`a mistake and its message: ${what}`, () => {
    let error: unknown;
    let result: unknown;
    try {
      result = run();
    } catch (e) {
      error = e;
    }
    assert(error !== undefined, `no error; the result is ${String(result)}`);
    assert(error instanceof Error, `${error} is no error`);
    const { message } = error;
    assert(error.constructor === kind, `${error.name}, not ${kind.name}: ${message}`);
    for (const part of parts.split(" | ")) {
      assert(message.includes(part), `the message lacks ${JSON.stringify(part)}: ${message}`);
    }
    assert(pattern.test(message), `the message does not match ${pattern}: ${message}`);
    // What is internal or unprintable has no place in a message.
    for (const bad of ["[object", "NaN", "Tracer", "reading '"]) {
      assert(!message.includes(bad), `the message has ${bad}: ${message}`);
    }
  });
}

/**
 * What the tests assert with: `@std/assert`, or the same on `node:assert` on a machine that cannot reach
 * JSR. Tests import from here, never from `@std/assert`. Where the two differ (0 and -0 are not equal
 * in the second), no test may depend on it.
 *
 * @module
 */
import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";

/** A class of errors, such as `RangeError`. */
// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** The error, if it is of the class and its message contains the text. */
function expected<E extends Error>(error: unknown, kind: ErrorClass<E>, text = "", msg = ""): E {
  ok(error instanceof kind, `${msg} ${error} is not of ${kind.name}`);
  ok(error.message.includes(text), `${msg} "${error.message}" does not contain "${text}"`);
  return error;
}

/** The assertions on `node:assert`. */
export const fallback = {
  /** The value is truthy. */
  assert: (value: unknown, msg?: string): asserts value => ok(value, msg),
  /** Two values are deeply equal. */
  assertEquals: <T>(actual: T, expected: T, msg?: string): void =>
    deepStrictEqual(actual, expected, msg),
  /** Two values are the same. */
  assertStrictEquals: <T>(actual: unknown, expected: T, msg?: string): asserts actual is T =>
    strictEqual(actual, expected, msg),
  /** Two numbers agree within a tolerance, by default 1e-7 of the expected one. */
  assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg = ""): void {
    const allowed = tolerance ?? 1e-7 * (Number.isFinite(expected) ? Math.abs(expected) : 1);
    const near = Object.is(actual, expected) || Math.abs(actual - expected) <= allowed;
    ok(near, `${msg} ${actual} is not within ${allowed} of ${expected}`);
  },
  /** The text matches a pattern. */
  assertMatch: (actual: string, expected: RegExp, msg?: string): void =>
    match(actual, expected, msg),
  /** The text contains another. */
  assertStringIncludes: (actual: string, expected: string, msg = ""): void =>
    ok(actual.includes(expected), `${msg} "${actual}" does not contain "${expected}"`),
  /** The function throws an error of a class, whose message contains a text. Returns the error. */
  assertThrows<E extends Error>(
    fn: () => unknown,
    kind: ErrorClass<E>,
    text?: string,
    msg?: string,
  ): E {
    let error: unknown;
    throws(() => void fn(), (thrown: unknown) => (error = thrown, true), msg);
    return expected(error, kind, text, msg);
  },
  /** The promise is rejected with an error of a class, whose message contains a text. */
  async assertRejects<E extends Error>(
    fn: () => PromiseLike<unknown>,
    kind: ErrorClass<E>,
    text?: string,
    msg?: string,
  ): Promise<E> {
    let error: unknown;
    await rejects(Promise.resolve(fn()), (thrown: unknown) => (error = thrown, true), msg);
    return expected(error, kind, text, msg);
  },
};
type Assertions = typeof fallback;

// Typed as any string, so that nothing resolves it before the program runs. A literal would be
// fetched while modules are loaded, where a failure ends the whole run instead of this import.
const SPECIFIER: string = "@std/assert";

// A registry that accepts the connection and then says nothing would otherwise hang the tests.
const PATIENCE_MS = 4000;

let timer: ReturnType<typeof setTimeout> | undefined;
const silence = new Promise<Assertions>((resolve) => {
  timer = setTimeout(() => resolve(fallback), PATIENCE_MS);
});
const chosen: Assertions = await Promise.race([import(SPECIFIER).catch(() => fallback), silence]);
clearTimeout(timer);

// The types keep `asserts` signatures usable: TypeScript wants to see them declared.
export const assert: Assertions["assert"] = chosen.assert;
export const assertEquals: Assertions["assertEquals"] = chosen.assertEquals;
export const assertStrictEquals: Assertions["assertStrictEquals"] = chosen.assertStrictEquals;
export const assertAlmostEquals: Assertions["assertAlmostEquals"] = chosen.assertAlmostEquals;
export const assertMatch: Assertions["assertMatch"] = chosen.assertMatch;
export const assertStringIncludes: Assertions["assertStringIncludes"] = chosen.assertStringIncludes;
export const assertThrows: Assertions["assertThrows"] = chosen.assertThrows;
export const assertRejects: Assertions["assertRejects"] = chosen.assertRejects;

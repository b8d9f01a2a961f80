/**
 * Stand-ins for those assertions of `@std/assert` that the tests use.
 *
 * Owns: assertions that need nothing but `node:assert`. Leaves to others: when they are used
 * (`assert.ts`). Their parameters are those of `@std/assert`, and so is what passes, save that
 * 0 and -0 differ here; tests must not depend on that.
 *
 * @module
 */
import { AssertionError, deepStrictEqual, notDeepStrictEqual } from "node:assert/strict";

/** A class of errors, such as `RangeError`. */
// deno-lint-ignore no-explicit-any
export type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

function fail(reason: string, msg: string | undefined): never {
  throw new AssertionError({ message: msg === undefined ? reason : `${reason}: ${msg}` });
}

/** The value is truthy. */
export function assert(expr: unknown, msg?: string): asserts expr {
  if (!expr) fail(`${expr} is not truthy`, msg);
}

/** Two numbers agree within a tolerance, by default 1e-7 of the expected one. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  msg?: string,
): void {
  // Covers NaN and the infinities, whose difference is no number.
  if (Object.is(actual, expected)) return;
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected) * 1e-7 : 1e-7);
  const distance = Math.abs(actual - expected);
  if (distance <= allowed) return;
  fail(`${actual} is not within ${allowed} of ${expected}`, msg);
}

/** Two values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  deepStrictEqual(actual, expected, msg);
}

/** The value is neither `null` nor `undefined`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === null || actual === undefined) fail(`there is ${actual}`, msg);
}

/** The text matches a pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) fail(`${JSON.stringify(actual)} does not match ${expected}`, msg);
}

/** Two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  notDeepStrictEqual(actual, expected, msg);
}

/** Two values are the same, as `Object.is` has it. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (!Object.is(actual, expected)) fail(`${String(actual)} is not ${String(expected)}`, msg);
}

/** The text contains another. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (actual.includes(expected)) return;
  fail(`${JSON.stringify(actual)} does not contain ${JSON.stringify(expected)}`, msg);
}

/** The function throws an error of a class, whose message contains a text. Returns the error. */
export function assertThrows<E extends Error>(
  fn: () => unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): E {
  try {
    fn();
  } catch (error) {
    return checkError(error, ErrorClass, msgIncludes, msg);
  }
  fail("nothing was thrown", msg);
}

/** The promise is rejected with an error of a class, whose message contains a text. */
export async function assertRejects<E extends Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorClass<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    fail(`thrown before there was a promise: ${error}`, msg);
  }
  try {
    await promise;
  } catch (error) {
    return checkError(error, ErrorClass, msgIncludes, msg);
  }
  fail("the promise was not rejected", msg);
}

function checkError<E extends Error>(
  error: unknown,
  ErrorClass: ErrorClass<E>,
  msgIncludes: string | undefined,
  msg: string | undefined,
): E {
  if (!(error instanceof ErrorClass)) fail(`${error} is not of ${ErrorClass.name}`, msg);
  if (msgIncludes !== undefined && !error.message.includes(msgIncludes)) {
    fail(`"${error.message}" does not contain "${msgIncludes}"`, msg);
  }
  return error;
}

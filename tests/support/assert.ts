/**
 * What the tests assert with: `@std/assert`, or its stand-ins from `assert_fallback.ts` on a
 * machine that cannot reach JSR.
 *
 * Owns: the choice between the two. Leaves to others: the assertions themselves. Tests import
 * them from here, never from `@std/assert`.
 *
 * @module
 */
import * as fallback from "./assert_fallback.ts";

type Assertions = typeof fallback;

// Typed as any string, so that nothing resolves it before the program runs. A literal would be
// fetched while modules are loaded, where a failure ends the whole run instead of this import.
const SPECIFIER: string = "@std/assert";

// A registry that accepts the connection and then says nothing would otherwise hang the tests.
const PATIENCE_MS = 4000;

async function choose(): Promise<Assertions> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const giveUp = new Promise<Assertions>((resolve) => {
    timer = setTimeout(() => resolve(fallback), PATIENCE_MS);
  });
  const std: Promise<Assertions> = import(SPECIFIER);
  try {
    return await Promise.race([std.catch(() => fallback), giveUp]);
  } finally {
    clearTimeout(timer);
  }
}

const chosen: Assertions = await choose();

// The explicit types keep `asserts` signatures usable: TypeScript wants to see them declared.

/** The value is truthy. */
export const assert: Assertions["assert"] = chosen.assert;
/** Two numbers agree within a tolerance. */
export const assertAlmostEquals: Assertions["assertAlmostEquals"] = chosen.assertAlmostEquals;
/** Two values are deeply equal. */
export const assertEquals: Assertions["assertEquals"] = chosen.assertEquals;
/** The value is neither `null` nor `undefined`. */
export const assertExists: Assertions["assertExists"] = chosen.assertExists;
/** The text matches a pattern. */
export const assertMatch: Assertions["assertMatch"] = chosen.assertMatch;
/** Two values are not deeply equal. */
export const assertNotEquals: Assertions["assertNotEquals"] = chosen.assertNotEquals;
/** The promise is rejected with an error of a class. */
export const assertRejects: Assertions["assertRejects"] = chosen.assertRejects;
/** Two values are the same. */
export const assertStrictEquals: Assertions["assertStrictEquals"] = chosen.assertStrictEquals;
/** The text contains another. */
export const assertStringIncludes: Assertions["assertStringIncludes"] = chosen.assertStringIncludes;
/** The function throws an error of a class. */
export const assertThrows: Assertions["assertThrows"] = chosen.assertThrows;

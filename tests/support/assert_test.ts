/**
 * The stand-ins for `@std/assert` pass and fail when they should.
 *
 * Owns: that proof, made with plain `throw`s, since an assertion that never fails would pass a
 * test written with itself. Leaves to others: everything about Injax.
 *
 * @module
 */
import { AssertionError } from "node:assert/strict";
import * as chosen from "./assert.ts";
import * as fallback from "./assert_fallback.ts";

type Check = () => unknown;

const throwRange = (): never => {
  throw new RangeError("out of bounds");
};
const throwText = (): never => {
  throw "out of bounds";
};
const rejectRange = (): Promise<never> => Promise.reject(new RangeError("out of bounds"));

const cases: Readonly<
  Record<keyof typeof fallback, { readonly passes: Check[]; readonly fails: Check[] }>
> = {
  assert: {
    passes: [() => fallback.assert(true), () => fallback.assert("x"), () => fallback.assert([])],
    fails: [() => fallback.assert(false), () => fallback.assert(0), () => fallback.assert(null)],
  },
  assertAlmostEquals: {
    passes: [
      () => fallback.assertAlmostEquals(1, 1 + 1e-8),
      () => fallback.assertAlmostEquals(-1000, -1000.00005),
      () => fallback.assertAlmostEquals(1, 1.5, 0.5),
      () => fallback.assertAlmostEquals(NaN, NaN),
      () => fallback.assertAlmostEquals(Infinity, Infinity),
      () => fallback.assertAlmostEquals(0, -0),
    ],
    fails: [
      () => fallback.assertAlmostEquals(1, 1 + 1e-6),
      () => fallback.assertAlmostEquals(1, 1.5, 0.4),
      () => fallback.assertAlmostEquals(NaN, 1, 10),
      () => fallback.assertAlmostEquals(1, NaN, 10),
      () => fallback.assertAlmostEquals(Infinity, -Infinity),
      () => fallback.assertAlmostEquals(1e300, Infinity),
    ],
  },
  assertEquals: {
    passes: [
      () => fallback.assertEquals({ a: [1, { b: NaN }] }, { a: [1, { b: NaN }] }),
      () => fallback.assertEquals(new Float32Array([1, 2]), new Float32Array([1, 2])),
      () => fallback.assertEquals(2n ** 63n, 2n ** 63n),
    ],
    fails: [
      () => fallback.assertEquals([1, 2], [1, 2, 3]),
      () => fallback.assertEquals({ a: 1 }, { a: 2 }),
      () => fallback.assertEquals<unknown>(1, "1"),
      () => fallback.assertEquals<unknown>(new Float32Array([1]), new Float64Array([1])),
      () => fallback.assertEquals<unknown>({ a: undefined }, {}),
    ],
  },
  assertExists: {
    passes: [() => fallback.assertExists(0), () => fallback.assertExists("")],
    fails: [() => fallback.assertExists(null), () => fallback.assertExists(undefined)],
  },
  assertMatch: {
    passes: [() => fallback.assertMatch("axis 3", /axis \d/)],
    fails: [() => fallback.assertMatch("axis", /axis \d/)],
  },
  assertNotEquals: {
    passes: [() => fallback.assertNotEquals([1, 2], [2, 1])],
    fails: [() => fallback.assertNotEquals([1, 2], [1, 2])],
  },
  assertRejects: {
    passes: [
      () => fallback.assertRejects(rejectRange, RangeError),
      () => fallback.assertRejects(rejectRange, Error, "bounds"),
    ],
    fails: [
      () => fallback.assertRejects(() => Promise.resolve(1), Error),
      () => fallback.assertRejects(rejectRange, TypeError),
      () => fallback.assertRejects(rejectRange, RangeError, "axis"),
      () => fallback.assertRejects(() => Promise.reject("out of bounds"), Error),
      () => fallback.assertRejects(throwRange, RangeError),
    ],
  },
  assertStrictEquals: {
    passes: [
      () => fallback.assertStrictEquals(cases, cases),
      () => fallback.assertStrictEquals(NaN, NaN),
    ],
    fails: [
      () => fallback.assertStrictEquals({}, {}),
      () => fallback.assertStrictEquals(1, "1"),
      () => fallback.assertStrictEquals(Symbol("a"), Symbol("a")),
    ],
  },
  assertStringIncludes: {
    passes: [() => fallback.assertStringIncludes("axis 3", "3")],
    fails: [() => fallback.assertStringIncludes("axis 3", "4")],
  },
  assertThrows: {
    passes: [
      () => fallback.assertThrows(throwRange, RangeError),
      () => fallback.assertThrows(throwRange, Error, "bounds"),
    ],
    fails: [
      () => fallback.assertThrows(() => 1, Error),
      () => fallback.assertThrows(throwRange, TypeError),
      () => fallback.assertThrows(throwRange, RangeError, "axis"),
      () => fallback.assertThrows(throwText, Error),
    ],
  },
};

for (const [name, { passes, fails }] of Object.entries(cases)) {
  Deno.test(`fallback ${name} passes when it should`, async () => {
    for (const check of passes) await check();
  });

  Deno.test(`fallback ${name} fails when it should`, async () => {
    for (const check of fails) {
      let failure: unknown = "none";
      try {
        await check();
      } catch (error) {
        failure = error;
      }
      if (!(failure instanceof AssertionError)) {
        throw new Error(`${check} ended with ${failure} instead of an AssertionError`);
      }
    }
  });
}

Deno.test("fallback assertions put the caller's message in the error", () => {
  for (
    const check of [
      () => fallback.assert(false, "why"),
      () => fallback.assertAlmostEquals(1, 2, 0, "why"),
      () => fallback.assertEquals(1, 2, "why"),
      () => fallback.assertNotEquals(1, 1, "why"),
      () => fallback.assertStrictEquals(1, 2, "why"),
      () => fallback.assertThrows(() => 1, Error, "", "why"),
    ]
  ) {
    let message = "";
    try {
      check();
    } catch (error) {
      message = String(error);
    }
    if (!message.includes("why")) throw new Error(`${check}: "${message}"`);
  }
});

Deno.test("fallback assertThrows and assertRejects return the error", async () => {
  const thrown = fallback.assertThrows(throwRange, RangeError);
  const rejected = await fallback.assertRejects(rejectRange, RangeError);
  if (thrown.message !== "out of bounds" || rejected.message !== "out of bounds") {
    throw new Error("another error came back");
  }
});

Deno.test("every fallback assertion is handed on, and nothing else", () => {
  const handedOn = Object.keys(chosen).sort().join();
  const written = Object.keys(fallback).sort().join();
  if (handedOn !== written) throw new Error(`${handedOn} instead of ${written}`);
  for (const [name, assertion] of Object.entries(chosen)) {
    if (typeof assertion !== "function") throw new Error(`${name} is ${typeof assertion}`);
  }
});

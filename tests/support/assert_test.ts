/**
 * The assertions, whichever are used here, pass and fail when they should: proved with plain `throw`s,
 * since an assertion that never fails would pass a test written with itself.
 *
 * @module
 */
import { AssertionError } from "node:assert/strict";
import * as chosen from "./assert.ts";

const throwRange = (): never => {
  throw new RangeError("out of bounds");
};
const rejectRange = (): Promise<never> => Promise.reject(new RangeError("out of bounds"));

type Arguments = readonly (readonly unknown[])[];

/** Arguments with which each passes, and with which it fails. */
const cases: Readonly<Record<keyof typeof chosen.fallback, readonly [Arguments, Arguments]>> = {
  assert: [[[true], ["x"], [[]]], [[false], [0], [null]]],
  assertEquals: [
    [[{ a: [1, { b: NaN }] }, { a: [1, { b: NaN }] }], [new Int8Array([1]), new Int8Array([1])]],
    [[[1, 2], [1, 2, 3]], [{ a: 1 }, { a: 2 }], [1, "1"], [new Int8Array([1]), [1]]],
  ],
  assertStrictEquals: [[[throwRange, throwRange], [NaN, NaN]], [[{}, {}], [1, "1"]]],
  assertAlmostEquals: [
    [[1, 1 + 1e-8], [1, 1.5, 0.5], [NaN, NaN], [Infinity, Infinity], [0, -0]],
    [[1, 1 + 1e-6], [1, 1.5, 0.4], [NaN, 1, 10], [1, NaN, 10], [Infinity, -Infinity], [
      1,
      Infinity,
    ]],
  ],
  assertMatch: [[["axis 3", /axis \d/]], [["axis", /axis \d/]]],
  assertStringIncludes: [[["axis 3", "3"]], [["axis 3", "4"]]],
  assertThrows: [
    [[throwRange, RangeError], [throwRange, Error, "bounds"]],
    [[() => 1, Error], [throwRange, TypeError], [throwRange, RangeError, "axis"]],
  ],
  assertRejects: [
    [[rejectRange, RangeError], [rejectRange, Error, "bounds"]],
    [
      [() => Promise.resolve(1), Error],
      [rejectRange, TypeError],
      [rejectRange, RangeError, "axis"],
      [() => Promise.reject("out of bounds"), Error],
    ],
  ],
};

for (const [which, assertions] of Object.entries({ chosen, fallback: chosen.fallback })) {
  for (const [name, [passes, fails]] of Object.entries(cases)) {
    const assertion = assertions[name as keyof typeof cases] as (...args: unknown[]) => unknown;

    Deno.test(`${which}: ${name} passes and fails when it should`, async () => {
      for (const args of passes) await assertion(...args);
      for (const args of fails) {
        const failure = await (async () => await assertion(...args))().then(() => null, (e) => e);
        const { name } = failure ?? {};
        if (failure instanceof AssertionError || name === "AssertionError") continue;
        throw new Error(`${String(args[0])} ended with ${failure} instead of an AssertionError`);
      }
    });
  }
}

Deno.test("assertions of errors give the error", async () => {
  const errors = [chosen.assertThrows(throwRange, RangeError)];
  errors.push(await chosen.assertRejects(rejectRange, RangeError));
  if (errors.some((e) => e.message !== "out of bounds")) throw new Error("another error came back");
});

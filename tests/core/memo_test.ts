/**
 * What transformed programs are remembered by.
 *
 * @module
 */
import { makeJaxpr, type NDArray, ShapeDtype } from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import type { Jaxpr } from "../../lib/core/primitive.ts";
import { InternalError } from "../../lib/core/errors.ts";
import { memoize } from "../../lib/core/memo.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const program = (): Jaxpr =>
  openJaxpr(makeJaxpr((x: NDArray) => x.mul(2))(new ShapeDtype([3]))).jaxpr;

Deno.test("programs are told apart by identity, other arguments by value", () => {
  let calls = 0;
  const f = memoize((_: Jaxpr, ...rest: readonly unknown[]) => [++calls, rest]);
  const [a, b] = [program(), program()];
  const distinct = [
    [],
    [undefined],
    [null],
    [0],
    [-0],
    [1],
    ["1"],
    [Infinity],
    [-Infinity],
    [NaN],
    [true],
    [[true, false]],
    [[true], [false]],
    [[]],
    [{ from: 1 }],
    [{ from: 1, to: undefined }],
    ["t"],
    [a],
    [b],
    [a, [1]],
  ];
  const seen = new Set<unknown>();
  for (const first of [a, b]) {
    for (const rest of distinct) {
      const result = f(first, ...rest);
      assert(!seen.has(result), `${rest} was taken for another`);
      seen.add(result);
      assert(f(first, ...copies(rest)) === result);
    }
  }
  assertEquals(calls, 2 * distinct.length);
});

/** The same values in other lists and records. */
function copies(values: readonly unknown[]): unknown[] {
  return values.map((v) => typeof v !== "object" || isProgram(v) ? v : structuredClone(v));
}

function isProgram(v: object | null): boolean {
  return v !== null && "eqns" in v;
}

Deno.test("arguments that have no value to compare by are refused", () => {
  const f = memoize((_: Jaxpr, __: unknown) => 1);
  assertThrows(() => f(program(), new Map()), InternalError, "memoize");
  assertThrows(() => f(program(), [program()]), InternalError, "memoize");
});

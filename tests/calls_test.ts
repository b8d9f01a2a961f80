/**
 * No function takes what it does not know: options that do not exist, values in the place of options,
 * arguments too many. Found by walking all exports, methods and dictionaries.
 *
 * @module
 */
import { type NDArray, numpy as np, registerPytreeNode, treeMap } from "../mod.ts";
import { assert, assertEquals, assertThrows } from "./support/assert.ts";
import { type Callable, callables, unknown, unused } from "./support/calls.ts";

const functions = await callables();

/** The error of a call, also of one that is awaited. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** What is wrong with the errors of a function. */
type Law = (f: Callable) => Promise<string | null>;

async function holds(law: Law): Promise<void> {
  const wrong: string[] = [];
  for (const f of functions) {
    const complaint = await law(f);
    if (complaint !== null) wrong.push(`${f.path}: ${complaint}`);
  }
  assertEquals(wrong, []);
}

Deno.test("every exported function has arguments to be called with, and every entry a function", () => {
  assertEquals(unknown, []);
  assertEquals(unused(functions.map(({ path }) => path)), []);
  assert(functions.length > 300, `only ${functions.length} functions were found`);
});

Deno.test("an option that does not exist is refused, wherever options can stand", () =>
  holds(async ({ call }) => {
    const named: string[] = [];
    for (let left = 0; left < 6; left++) {
      const missing = new Array<undefined>(left).fill(undefined);
      const error = await errorOf(() => call(...missing, { noSuchOption: 1 }));
      if (error === undefined) return `takes { noSuchOption: 1 } after ${left} arguments left out`;
      if (!(error instanceof TypeError)) return `${error}, no TypeError`;
      if (/noSuchOption.* Write /.test(error.message)) named.push(error.message);
    }
    return named.length > 0 ? null : "no message names the option and shows the call";
  }));

Deno.test("arguments too many are refused", () =>
  holds(async ({ call }) => {
    const error = await errorOf(() => call(...new Array(8).fill(undefined), "one too many"));
    if (error === undefined) return "takes an argument too many";
    if (!(error instanceof TypeError)) return `${error}, no TypeError`;
    return /one too many.* Write /.test(error.message) ? null : `teaches nothing: ${error.message}`;
  }));

Deno.test("options that are left out, and arguments that are, are as if they were not there", () => {
  const x = np.array([[1, 2], [3, 4]]);
  const more = np.sum as (...args: unknown[]) => NDArray;
  assertEquals(more(x, 0, { keepDims: undefined, noSuchOption: undefined }).toArray(), [4, 6]);
  assertEquals(more(x, 0, undefined, undefined, undefined).toArray(), [4, 6]);
  assertEquals(more(x, 0, Object.create(null)).toArray(), [4, 6]);
});

Deno.test("functions are callbacks of map, reduce and treeMap, whose indices and lists they pass over", () => {
  const xs = [np.array(1), np.array(4)];
  assertEquals(xs.map(np.sqrt).map((x) => x.item()), [1, 2]);
  assertEquals(xs.reduce(np.add).item(), 5);
  assertEquals(treeMap(np.square, { a: xs }).a.map((x) => x.item()), [1, 16]);
  // Where the index would be taken for another argument, the right callback is shown.
  const list = xs as unknown as { map(f: unknown): unknown };
  assertThrows(() => list.map(np.zerosLike), TypeError, "(x) => zerosLike(x)");
  assertThrows(() => list.map(np.round), TypeError, "(x) => round(x)");
});

Deno.test("registerPytreeNode takes no options", () => {
  class Pair {
    constructor(readonly a: unknown) {}
  }
  const register = registerPytreeNode as (...args: unknown[]) => void;
  assertThrows(
    () => register(Pair, (p: Pair) => [{ a: p.a }, null], () => new Pair(0), { name: "pair" }),
    TypeError,
    "Write registerPytreeNode(ctor, flatten, unflatten)",
  );
});

/**
 * No function takes what it does not know: options that do not exist, values in the place of options,
 * arguments too many. Found by walking all exports, methods and dictionaries.
 *
 * @module
 */
import { type NDArray, numpy as np, registerPytreeNode, treeMap } from "../mod.ts";
import { assert, assertEquals, assertThrows } from "./support/assert.ts";
import { type Callable, callables, junk, odd, unknown, unused } from "./support/calls.ts";

const functions = await callables();
const closed = functions.filter(({ open }) => !open);

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

async function holds(law: Law, among: readonly Callable[]): Promise<void> {
  const wrong: string[] = [];
  for (const f of among) {
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
      if (await errorOf(() => call(...missing, new Map())) === undefined) {
        return `takes a map after ${left} arguments left out`;
      }
      const error = await errorOf(() => call(...missing, { noSuchOption: 1 }));
      if (error === undefined) return `takes { noSuchOption: 1 } after ${left} arguments left out`;
      if (!(error instanceof TypeError)) return `${error}, no TypeError`;
      if (/noSuchOption.* Write /.test(error.message)) named.push(error.message);
    }
    return named.length > 0 ? null : "no message names the option and shows the call";
  }, closed));

Deno.test("arguments too many are refused", () =>
  holds(async ({ call }) => {
    const error = await errorOf(() => call(...new Array(8).fill(undefined), "one too many"));
    if (error === undefined) return "takes an argument too many";
    if (!(error instanceof TypeError)) return `${error}, no TypeError`;
    return /one too many.* Write /.test(error.message) ? null : `teaches nothing: ${error.message}`;
  }, closed));

/** How the engine complains about code that has not looked at what it was given. */
const ofEngine = new RegExp([
  "Cannot (read|convert|destructure|set|assign|mix|access|perform)",
  "is not (a function|iterable|a constructor|defined|extensible)",
  "Spread syntax|Do not know how|Invalid (array|typed|time)|Reduce of|Maximum call|out of bounds",
  "\\[object |undefined leaves|undefined were given",
].join("|"));

/** Whether a function is one of arrays, which calls nothing that a user wrote. */
const ofArrays = ({ path, good }: Callable): boolean =>
  /^(numpy|lax|linalg|nn|random|special|fft|stats|initializers)\./.test(path) &&
  !good.flat().some((value) => typeof value === "function");

/** What an error says of another function than the one that was called. */
function misnamed({ path, names }: Callable, message: string): boolean {
  if (path === "numpy.asarray") return false; // what it reads is explained at `array`
  const called = [
    path,
    ...path.split(".").map((_, i, parts) => parts.slice(i).join(".")),
    ...names,
  ];
  return !called.some((name) =>
    message.startsWith(name) && /^[:( ]/.test(message.slice(name.length))
  );
}

Deno.test("what has no place among the arguments is refused by a message of ours that names the function, or has a meaning", () =>
  holds(async (f) => {
    const { good, run } = f;
    for (let i = 0; i < good.length; i++) {
      for (const value of ofArrays(f) ? [...junk, ...odd] : junk) {
        const error = await errorOf(() => run(...good.with(i, value)));
        if (error === undefined) continue;
        const what = `argument ${i} that is ${Deno.inspect(value)}`;
        if (!(error instanceof Error)) return `${what}: ${String(error)}, no error`;
        if (error.name === "InternalError" || ofEngine.test(error.message)) {
          return `${what}: ${error.name}: ${error.message}`;
        }
        if (ofArrays(f) && misnamed(f, error.message)) {
          return `${what} is an error of another function: ${error.message}`;
        }
      }
    }
    return null;
  }, functions));

/** The names of a function's options, and in which place they stand, as its own message has them. */
async function optionsOf({ call }: Callable): Promise<[left: number, names: string[]]> {
  for (let left = 0; left < 6; left++) {
    const missing = new Array<undefined>(left).fill(undefined);
    const error = await errorOf(() => call(...missing, { noSuchOption: 1 }));
    const found = /no option noSuchOption; there (?:is|are) ([\w, ]+)\. Write/.exec(String(error));
    if (found !== null) return [left, found[1]!.split(", ")];
  }
  return [0, []];
}

Deno.test("what an option cannot hold is refused by a message of ours, or has a meaning", () =>
  holds(async (f) => {
    const [left, names] = await optionsOf(f);
    for (const name of names) {
      for (const value of junk) {
        const missing = new Array<undefined>(left).fill(undefined);
        const error = await errorOf(async () => {
          const result = await f.call(...missing, { [name]: value });
          // Makers may look at their options when the function is called that they made.
          if (typeof result === "function") await result(np.array([1, 2]));
        });
        if (error === undefined) continue;
        const what = `${name}: ${Deno.inspect(value)}`;
        if (!(error instanceof Error)) return `${what}: ${String(error)}, no error`;
        if (ofEngine.test(error.message)) return `${what}: ${error.name}: ${error.message}`;
      }
    }
    return null;
  }, closed));

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

/**
 * The table of JAX's names is that of the exports.
 *
 * @module
 */
import { assert, assertEquals } from "../support/assert.ts";
import { compatibility, counted, options, rows } from "./table.ts";
import { never as neverOptions, otherNames } from "./option_reasons.ts";
import { callables } from "../support/calls.ts";
import { nameOf } from "./options.ts";
import { never } from "./reasons.ts";

Deno.test("COMPATIBILITY.md is what deno task compatibility writes", async () => {
  const file = new URL("../../COMPATIBILITY.md", import.meta.url);
  assertEquals(await Deno.readTextFile(file), compatibility());
});

Deno.test("every reason is that of a name, and no reason stands for what is there", () => {
  const used = new Set(rows.flatMap(({ reason }) => reason ?? []));
  assertEquals(never.filter(({ reason }) => !used.has(reason)).map(({ reason }) => reason), []);
});

Deno.test("most names that apply are there", () => {
  const { present, applicable } = counted(rows);
  assert(present >= 0.85 * applicable, `${present} of ${applicable}`);
});

Deno.test("every reason for an option is that of an option, and no reason stands for what is there", () => {
  const unused = neverOptions.filter((r) =>
    !options.some((o) =>
      o.reason === r.reason && r.options.test(o.option) && (r.functions?.test(nameOf(o)) ?? true)
    )
  );
  assertEquals(unused, []);
});

Deno.test("every other name of an option is that of one that is there", () => {
  const unused = otherNames.filter((r) =>
    !options.some((o) => r.functions.test(nameOf(o)) && o.option === r.option && o.here === r.here)
  );
  assertEquals(unused, []);
});

Deno.test("what functions take is found, through types that others name", () => {
  const found = (module: string, name: string): readonly (string | undefined)[] =>
    options.filter((o) => o.module === module && o.name === name).map(({ here }) => here);
  assert(found("jax.numpy", "std").includes("keepDims"));
  assert(found("jax", "vmap").includes("axisName"));
  assert(found("jax.random", "normal").includes("dtype"));
});

Deno.test("most options that apply are there", () => {
  const { present, applicable } = counted(options);
  assert(present >= 0.85 * applicable, `${present} of ${applicable}`);
});

/** Options that may not be `null`, though they may be None in JAX. */
const positions: readonly string[] = ["jit.staticArgnums", "jit.donateArgnums"];

Deno.test("what may be None in JAX, and is there in options, may be null: it counts as left out", async () => {
  const functions = await callables();
  const none = options.filter(({ none, here }) => none && here !== undefined);
  const wrong: string[] = [];
  let tried = 0;
  for (const option of none) {
    const { here } = rows.find((r) => r.module === option.module && r.name === option.name)!;
    const path = [here!, here!.replace(/^lax\./, "")].find((p) =>
      functions.some((f) => f.path === p)
    );
    const f = functions.find((g) => g.path === path);
    const name = `${here}.${option.here}`;
    if (f === undefined || positions.includes(name)) continue;
    const given = async (value: null | undefined) => {
      const results = await f.run(...f.good, { [option.here!]: value });
      return typeof results === "function" ? "a function" : Deno.inspect(results);
    };
    const leftOut = await given(undefined).catch(() => null);
    if (leftOut === null) continue; // an argument, and no option
    tried++;
    const asNull = await given(null).catch((error: Error) => error.message);
    if (asNull !== leftOut) wrong.push(`${name}: ${asNull}`);
  }
  assertEquals(wrong, []);
  assert(tried > 400, `only ${tried} were tried`);
});

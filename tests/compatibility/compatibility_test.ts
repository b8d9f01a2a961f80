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

/** Options that are not what they are in JAX where they are left out, and why. */
const apart: Readonly<Record<string, string>> = {
  "jit.staticArgnums": "positions are never null",
  "jit.donateArgnums": "positions are never null",
  "lax.round.roundingMethod": "a number in JAX",
  "numpy.choose.mode": "JAX knows no errors for values: what it does is clip",
  "numpy.ravelMultiIndex.mode": "JAX knows no errors for values: what it does is clip",
  "linalg.eigh.uplo": "a flag in SciPy",
  "minimise.rtol": "a number; the dtype says which where it is left out",
  "minimise.options": "a dictionary in JAX of what are options here",
};

Deno.test("what options are in JAX where they are left out, None among it, is what they are here", async () => {
  const functions = await callables();
  const wrong: string[] = [];
  let tried = 0;
  for (const option of options) {
    const { here = "" } = rows.find((r) => r.module === option.module && r.name === option.name)!;
    const name = `${here}.${option.here}`;
    const f = functions.find(({ path }) => path === here || path === here.replace(/^lax\./, ""));
    if (option.here === undefined || option.otherwise === undefined) continue;
    if (f === undefined || Object.hasOwn(apart, name)) continue;
    const given = async (value: unknown) => {
      const results = await f.run(...f.good, { [option.here!]: value });
      return typeof results === "function" ? "a function" : Deno.inspect(results);
    };
    const leftOut = await given(undefined).catch(() => null);
    if (leftOut === null) continue; // an argument, and no option
    tried++;
    const said = await given(option.otherwise).catch((error: Error) => error.message);
    if (said !== leftOut && !said.includes("is given twice")) {
      wrong.push(`${name} that is ${option.otherwise}: ${said}`);
    }
  }
  assertEquals(wrong, []);
  assert(tried > 700, `only ${tried} were tried`);
});

Deno.test("names that are not JAX's in camel case stand in the guide for those who know JAX", async () => {
  const guide = await Deno.readTextFile(
    new URL("../../examples/guide/from_jax.md", import.meta.url),
  );
  const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());
  const last = (path: string): string => path.split(".").at(-1)!;
  const others = rows.flatMap(({ name, here }) => {
    const short = camel(last(name).replace(/^tree_/, "")); // of `tree_util`, as `tree.map`
    return here === undefined || [camel(last(name)), short].includes(last(here))
      ? []
      : [last(here)];
  });
  assert(others.includes("isNaN"));
  assertEquals(others.filter((name) => !new RegExp(`\\b${name}\\b`).test(guide)), []);
});

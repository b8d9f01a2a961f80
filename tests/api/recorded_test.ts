/**
 * Every operation that users can call has values recorded from JAX, and derivatives where it has any:
 * those of the list (`reference/operations.json`) on its arrays are compared here, the others in the
 * tests of limits, special points, structure and random numbers. A new operation fails until it has a
 * line in the list.
 *
 * @module
 */
import { linalg, NDArray, nn, numpy as np, random, special } from "../../mod.ts";
import * as fft from "../../lib/api/fft_whole.ts";
import * as lax from "../../lib/api/lax.ts";
import * as initializers from "../../lib/api/initializers.ts";
import * as stats from "../../lib/api/stats.ts";
import { isFloat } from "../../lib/core/dtype.ts";
import * as transforms from "../../lib/transforms/public.ts";
import recorded from "../reference/arrays.json" with { type: "json" };
import limits from "../reference/limits.json" with { type: "json" };
import points from "../reference/special_points.json" with { type: "json" };
import { assert, assertEquals } from "../support/assert.ts";
import {
  arrays,
  calledBy,
  draws,
  elementwise,
  type Entry,
  inputs,
  nameOf,
  structure,
  variablesOf,
  vectors,
} from "../support/operations.ts";
import { placeModules } from "../support/place_calls.ts";
import {
  familyNames,
  inputsOf,
  loadFamily,
  type RecordedTable,
  testRecorded,
} from "../support/families.ts";

const tables = recorded as unknown as {
  readonly float32: RecordedTable;
  readonly float64: RecordedTable;
};

for (const dtype of ["float32", "float64"] as const) {
  testRecorded(dtype, tables[dtype], inputsOf(inputs, dtype));
}

const families = await Promise.all(familyNames().map(loadFamily));

Deno.test("every entry of the list is recorded", () => {
  const missing = [
    ...arrays.filter(({ here }) => !(here! in tables.float32)),
    ...vectors.filter((entry) => !(nameOf(entry) in points.lanes)),
    ...elementwise.filter((entry) => !isRecorded(entry)),
  ];
  assertEquals(missing, []);
});

/** Whether an elementwise function is recorded on the limits of a dtype, or at special points. */
function isRecorded(entry: Entry): boolean {
  const tables = Object.values(limits.limits).flatMap(({ unary, binary }) => [unary, binary]);
  return [...tables, points.unary, points.binary].some((table) => nameOf(entry) in table);
}

/** Whether an expression takes or gives no floats. */
function isWithoutFloats(
  expression: string,
  inputs: Readonly<Record<string, unknown>>,
  table: RecordedTable,
): boolean {
  const arrays = inputsOf(inputs, "float64");
  const names = variablesOf(expression, Object.keys(arrays));
  return names.every((name) => !isFloat(arrays[name]!.dtype)) ||
    table[expression]!.outputs.every(({ dtype }) => !dtype.startsWith("float"));
}

// ---------------------------------------------------------------- nothing is left out

const { testing: _, ...placed } = placeModules;
const namespaces = { np, nn, special, linalg, random, lax, fft, initializers, stats, ...placed };

/** Public functions whose values are not in the list, and why. */
const elsewhere: Readonly<Record<string, string>> = {
  "np.broadcastShapes": "it gives a shape, and is tried in breadth_test.ts",
  "lax.broadcastShapes": "it gives a shape, and is tried in breadth_test.ts",
  "lax.convDimensionNumbers": "it gives lists of axes, and is tried in lax/convolution_test.ts",
  "np.finfo": "it gives numbers about a dtype, and is tried in breadth_test.ts",
  "np.shape": "it gives what the array says, and is tried in breadth_test.ts",
  "np.ndim": "it gives what the array says, and is tried in breadth_test.ts",
  "np.size": "it gives what the array says, and is tried in breadth_test.ts",
  "np.trimZeros": "its shape depends on values; it is tried in trim_zeros_test.ts",
  "stats.GaussianKde": "it is made by gaussianKde, whose values are in the list",
  "np.fromfunction": "it calls a function, and is tried in breadth_test.ts",
  "np.isScalar": "it gives what the value is, and is tried in breadth_test.ts",
  "np.promoteTypes": "it gives a dtype, and is tried in breadth_test.ts",
  "np.resultType": "it gives a dtype, and is tried in breadth_test.ts",
  "np.iinfo": "it gives numbers about a dtype, and is tried in breadth_test.ts",
};

/** The functions that expressions call, by name; those of two names under both. */
function functionsIn(entries: readonly Entry[]): Set<unknown> {
  const names = entries.flatMap(({ here }) => here === undefined ? [] : calledBy(here));
  return new Set(names.map((name) => {
    const f = name.split(".").reduce<unknown>((group, part) => Object(group)[part], namespaces);
    assert(typeof f === "function", `the list calls ${name}, which there is not`);
    return f;
  }));
}

/** Functions of functions, which have tests of their own. */
const ofFunctions = new Set<unknown>(Object.values(transforms));

/** The functions below a path, those of objects too. */
function functionsBelow(group: object, path: string): (readonly [name: string, f: unknown])[] {
  return Object.entries(group).flatMap(([name, f]) =>
    typeof f === "function"
      ? [[`${path}.${name}`, f] as const]
      : path === "stats"
      ? functionsBelow(f, `${path}.${name}`)
      : []
  );
}

/** All public functions, as `np.add`. */
const members: readonly (readonly [name: string, f: unknown])[] = Object.entries(namespaces)
  .flatMap(([space, functions]) => functionsBelow(functions, space))
  .filter(([, f]) => !ofFunctions.has(f));

Deno.test("every function of the namespaces has values recorded from JAX", () => {
  const inFamilies = families.flatMap(({ family }) => family.programs);
  const known = functionsIn([
    ...[...elementwise, ...vectors, ...arrays, ...structure, ...draws],
    ...inFamilies,
  ]);
  const missing = members.filter(([name, f]) => !known.has(f) && !(name in elsewhere));
  assertEquals(missing.map(([name]) => name), []);
  const idle = members.filter(([name, f]) => known.has(f) && name in elsewhere);
  assertEquals(idle.map(([name]) => name), [], "in the list and excused from it");
});

Deno.test("every differentiable function of the namespaces has derivatives recorded from JAX", () => {
  const differentiated = functionsIn([
    ...elementwise.filter((e) => nameOf(e) in points.unary || nameOf(e) in points.binary),
    ...vectors,
    ...arrays.filter(({ here }) => tables.float64[here!]?.gradients !== undefined),
    ...families.flatMap(({ family, values }) =>
      family.programs.filter(({ here }) => values.float64[here]?.gradients !== undefined)
    ),
  ]);
  // Without a float to differentiate, or one that is differentiated, there is nothing to record.
  const without = functionsIn([
    ...elementwise.filter((entry) => nameOf(entry) in limits.limits.int32.binary),
    ...elementwise.filter((entry) => nameOf(entry) in limits.limits.int32.unary),
    ...arrays.filter(({ here }) => isWithoutFloats(here!, inputs, tables.float32)),
    ...draws,
    ...families.flatMap(({ family, values }) =>
      family.programs.filter(({ here, noGradients, single }) =>
        noGradients !== undefined || single || isWithoutFloats(here, family.inputs, values.float32)
      )
    ),
  ]);
  const missing = members.filter(([name, f]) =>
    !differentiated.has(f) && !without.has(f) && !(name in elsewhere)
  );
  assertEquals(missing.map(([name]) => name), []);
});

/** Methods of arrays that are no functions of `np`, by reason. */
const methods: Readonly<Record<string, string>> = {
  "toArray item toJSON": "they give what is there as JavaScript has it",
  "flatten": "it is ravel by another name, as api/methods_test.ts has it",
  "map forEach filter reduce push set": "they are errors that say what to write",
};

Deno.test("every method of arrays is a function of np, or is not for a reason", () => {
  const excused = new Set(Object.keys(methods).flatMap((names) => names.split(" ")));
  const all = Object.entries(Object.getOwnPropertyDescriptors(NDArray.prototype))
    .filter(([name, { value }]) => typeof value === "function" && name !== "constructor")
    .map(([name]) => name);
  // That they give the same is asserted in `methods_test.ts`.
  assertEquals(all.filter((name) => !(name in np) && !excused.has(name)), []);
});

/**
 * Families of operations: a list of programs here and in JAX in `reference/families/NAME.json`, with inputs
 * of its own, and beside it what `reference/record_families.py NAME` recorded of them. Each family has a
 * test file of its own that calls {@linkcode testFamily}.
 *
 * @module
 */
import { grad, jit, loadBackend, type NDArray } from "../../mod.ts";
import { defaultBackend } from "../../lib/core/backend.ts";
import { epsilon, isFloat } from "../../lib/core/dtype.ts";
import { arr, difference, make, type Numbers, ulps } from "./arrays.ts";
import { assertEquals } from "./assert.ts";
import { testOn } from "./everywhere.ts";
import { arraysOf, functionOf, variablesOf } from "./operations.ts";
import { assertEach, assertRecorded, load, type Recorded } from "./recorded.ts";

/** What JAX gave for a program. */
export interface RecordedProgram {
  /** The results. */
  readonly outputs: readonly Recorded[];
  /** By input, the gradient of the sum of the results times 1, 1/2, 1/3, ... */
  readonly gradients?: Readonly<Record<string, Recorded>>;
}

/** What JAX gave, by program. */
export type RecordedTable = Readonly<Record<string, RecordedProgram>>;

/** A program of a family. */
export interface Program {
  /** The expression here. */
  readonly here: string;
  /** The expression in JAX. */
  readonly jax: string;
  /** Whether JAX computes it in float32 only. */
  readonly single?: boolean;
  /** Why its gradients are not recorded, where they are not. */
  readonly noGradients?: string;
  /**
   * Rounding errors that each element may be off; without it, `ROUNDING` of the largest element of the
   * result. A reason stands in `why`.
   */
  readonly ulps?: number;
  /** As `ulps`, of gradients, where they are less accurate than values. */
  readonly gradientUlps?: number;
  /** Why "onnx" gives other numbers, where it does: the program is not tried where that is the default. */
  readonly notOnnx?: string;
  /** Why a GPU gives other numbers or none, where it does. */
  readonly notGpu?: string;
  /** Why a program is as it is. */
  readonly why?: string;
  /** Why signs of zeros are not compared, where they are not. */
  readonly anyZero?: string;
}

/** A list of programs. */
export interface Family {
  /** Arrays by name, nested; whole numbers are int32, booleans bool, others of the dtype that is tried. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The programs. */
  readonly programs: readonly Program[];
  /** Why signs of zeros are not compared, where they are not. */
  readonly anyZero?: string;
}

/** Rounding errors of the largest element: sums and products are taken in another order. */
export const ROUNDING = 32;

/** Arrays of a list, floats of a dtype. */
export function inputsOf(
  inputs: Readonly<Record<string, unknown>>,
  dtype: "float32" | "float64",
): Readonly<Record<string, NDArray>> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, values]) => {
      const flat = ([values] as unknown[]).flat(Infinity);
      const isBool = typeof flat[0] === "boolean";
      const isWhole = flat.length > 0 && flat.every((v) => Number.isInteger(v));
      return [name, arr(values as Numbers, isBool ? "bool" : isWhole ? "int32" : dtype)];
    }),
  );
}

/** The sum of what an operation gives, times 1, 1/2, 1/3, ... */
function weighted(results: readonly NDArray[]): NDArray {
  const terms = results.filter((y) => isFloat(y.dtype)).map((y) => {
    const weights = Array.from({ length: y.size }, (_, i) => 1 / (i + 1));
    return y.ravel().mul(make({ shape: [y.size], dtype: y.dtype }, weights)).sum();
  });
  return terms.reduce((a, b) => a.add(b));
}

/** How what a program gives is compared with what is recorded. */
export interface Checked extends Partial<Omit<Program, "anyZero">> {
  /** Whether signs of zeros do not matter. */
  readonly anyZero?: boolean;
}

/**
 * Holds a program against what JAX gave: values and gradients, eager and compiled. Throws what is wrong.
 *
 * @param own The arrays that it may read, by name.
 * @param more What it may name besides the namespaces of the library's main module.
 */
export function checkRecorded(
  expression: string,
  { outputs, gradients }: RecordedProgram,
  own: Readonly<Record<string, NDArray>>,
  more: Readonly<Record<string, unknown>> = {},
  { ulps, gradientUlps = ulps, anyZero = false }: Checked = {},
): void {
  const compare = (what: string, given: NDArray, recorded: Recorded, count = ulps) => {
    // -0 + 0 is 0.
    const actual = anyZero && isFloat(given.dtype) ? given.add(0) : given;
    const data = recorded.data.map((v) => typeof v === "number" ? v + 0 : v);
    const want = anyZero ? { ...recorded, data } : recorded;
    return count === undefined
      ? assertRecorded(what, actual, want, ROUNDING)
      : assertEach(what, actual, want, count);
  };
  const names = variablesOf(expression, Object.keys(own));
  const call = functionOf(expression, names, more);
  const f = (...args: NDArray[]): readonly NDArray[] => arraysOf(call(...args));
  const args = names.map((name) => own[name]!);
  const compiled = names.length === 0 ? f : jit(f as never) as typeof f;
  for (const [how, g] of [["eager", f], ["compiled", compiled]] as const) {
    const results = g(...args);
    assertEquals(results.length, outputs.length, how);
    outputs.forEach((y, k) => compare(`${how}, result ${k}`, results[k]!, y));
  }
  for (const [name, want] of Object.entries(gradients ?? {})) {
    const at = names.indexOf(name);
    const slope = grad((...args: NDArray[]) => weighted(f(...args)), { argnums: at });
    for (const [how, d] of [["eager", slope], ["compiled", jit(slope as never)]] as const) {
      const g = (d as (...args: NDArray[]) => NDArray)(...args);
      compare(`${how} gradient by ${name}`, g, want, gradientUlps);
    }
  }
}

/** Rounding errors of a GPU, whose exponentials and tangents have thousands, of the largest element or of 1. */
const GPU_ROUNDING = 10_000;

/**
 * Holds a program, compiled for a GPU, against what JAX gave, but for signs of zeros: values and gradients. A GPU
 * that was given up after a failure is started again.
 */
async function checkOnGpu(
  expression: string,
  { outputs, gradients }: RecordedProgram,
  own: Readonly<Record<string, NDArray>>,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  await loadBackend("webgpu");
  const names = variablesOf(expression, Object.keys(own));
  const call = functionOf(expression, names, more);
  const f = (...args: NDArray[]): NDArray[] => [...arraysOf(call(...args))];
  type Slope = (...args: NDArray[]) => NDArray;
  const args = names.map((name) => own[name]!);
  const compare = async (what: string, y: NDArray, recorded: Recorded): Promise<void> => {
    await y.data();
    const actual = isFloat(y.dtype) ? y.add(0) : y;
    const want = load({ ...recorded, data: recorded.data.map((v) => v === "-0" ? 0 : v) });
    const scale = Math.max(1, ulps(want, 1) / (epsilon(want.dtype) || 1));
    const allowed = isFloat(want.dtype) ? GPU_ROUNDING * epsilon(want.dtype) * scale : 0;
    const found = difference(actual, want, allowed, { anyZero: true });
    if (found !== null) throw new Error(`${what}: ${found}`);
  };
  const results = names.length === 0 ? f() : jit(f)(...args);
  assertEquals(results.length, outputs.length);
  for (const [k, y] of outputs.entries()) await compare(`result ${k}`, results[k]!, y);
  for (const [name, want] of Object.entries(gradients ?? {})) {
    const slope = grad((...args: NDArray[]) => weighted(f(...args)), {
      argnums: names.indexOf(name),
    });
    await compare(`gradient by ${name}`, (jit(slope as never) as Slope)(...args), want);
  }
}

/** Defines the tests of a table of one dtype: values and gradients, eager and compiled. */
export function testRecorded(
  dtype: "float32" | "float64",
  table: RecordedTable,
  own: Readonly<Record<string, NDArray>>,
  more: Readonly<Record<string, unknown>> = {},
  programs: readonly Program[] = [],
  anyZero = false,
): void {
  const byHere = new Map(programs.map((program) => [program.here, program]));
  for (const [expression, recorded] of Object.entries(table)) {
    const program = byHere.get(expression);
    if (defaultBackend === "webgpu") {
      const reason = program?.notOnnx ?? program?.notGpu;
      const ignore = reason !== undefined;
      if (dtype === "float64") continue;
      Deno.test({
        name: `on a GPU: what JAX gives: ${expression}${ignore ? ` (not there: ${reason})` : ""}`,
        ignore,
        fn: () => checkOnGpu(expression, recorded, own, more),
      });
      continue;
    }
    const on = ["cpu", "interpreter", ...program?.notOnnx === undefined ? ["onnx"] : []];
    testOn(on, program?.notOnnx ?? "", `${dtype}: what JAX gives: ${expression}`, () => {
      const signless = anyZero || program?.anyZero !== undefined;
      checkRecorded(expression, recorded, own, more, { ...program, anyZero: signless });
    });
  }
}

/** The programs of a family, and the values recorded of it. */
export async function loadFamily(
  name: string,
): Promise<{ family: Family; values: { float32: RecordedTable; float64: RecordedTable } }> {
  const read = async (file: string) =>
    JSON.parse(
      await Deno.readTextFile(new URL(`../reference/families/${file}.json`, import.meta.url)),
    );
  return { family: await read(name), values: await read(`${name}.values`) };
}

/** The names of all families. */
export function familyNames(): string[] {
  const directory = new URL("../reference/families/", import.meta.url);
  return [...Deno.readDirSync(directory)].map(({ name }) => name)
    .filter((name) => name.endsWith(".json") && !name.endsWith(".values.json"))
    .map((name) => name.slice(0, -".json".length)).sort();
}

/**
 * Defines the tests of a family: what JAX gave for each of its programs, in both dtypes, eager and
 * compiled, with the gradients.
 *
 * @param name The family's file in `reference/families`.
 * @param modules What its programs may name besides the namespaces of the library's main module.
 */
export async function testFamily(
  name: string,
  modules: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const { family, values } = await loadFamily(name);
  Deno.test(`${name}: every program is recorded`, () => {
    const missing = family.programs.filter(({ here }) => !(here in values.float32));
    assertEquals(missing.map(({ here }) => here), []);
  });
  for (const dtype of ["float32", "float64"] as const) {
    const own = inputsOf(family.inputs, dtype);
    const anyZero = family.anyZero !== undefined;
    testRecorded(dtype, values[dtype], own, modules, family.programs, anyZero);
  }
}

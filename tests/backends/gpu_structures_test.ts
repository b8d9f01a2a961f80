/**
 * What moves elements about by rules with many numbers is the same on a GPU as in eager code: windows, lookups
 * and writes with their axes, orders, running results, bits, Fourier transforms and lanes, with arguments drawn
 * at random as for the compiler (`support/kernel_structures.ts`).
 *
 * `INJAX_STRUCTURES` sets how many of each are tried, `INJAX_SEED` which.
 *
 * @module
 */
import { interpreter } from "../../lib/backends/mod.ts";
import { webgpu } from "../../lib/backends/webgpu.ts";
import type { NDArray } from "../../lib/core/array.ts";
import { sizeOf } from "../../lib/core/dtype.ts";
import { DTypeError } from "../../lib/core/errors.ts";
import { allPrograms } from "../../lib/core/jaxpr.ts";
import type { Jaxpr } from "../../lib/core/primitive.ts";
import { difference, make } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";
import { staged } from "../support/compiled.ts";
import { gpuTest } from "../support/gpu.ts";
import { type Choices, drawn, fits, type Operation, Skip } from "../support/kernel_operations.ts";
import { structures } from "../support/kernel_structures.ts";
import { Random, seedNote } from "../support/random.ts";

const TRIES = Number(Deno.env.get("INJAX_STRUCTURES") ?? 2);

const shapes = [[3], [2, 3], [4, 4], [5], [2, 1, 3], [], [7]];

function inputsOf(random: Random): NDArray[] {
  return (["float32", "int32", "uint32", "bool"] as const).flatMap((dtype) =>
    shapes.map((shape) => {
      const n = sizeOf(shape);
      const floats = dtype === "float32" ? random.list(n).map((v) => 3 * v) : null;
      return make({ shape, dtype }, floats ?? drawn(random, n, dtype));
    })
  );
}

/** What an operation may ask for, of some values. */
function choicesOf(random: Random, values: readonly NDArray[]): Choices {
  const one = <T>(items: readonly T[]): T => items[random.integer(0, items.length)]!;
  const pick = (accepts: (x: NDArray) => boolean = () => true): NDArray => {
    const fitting = values.filter(accepts);
    if (fitting.length === 0) throw new Skip();
    return one(fitting);
  };
  return {
    random,
    one,
    pick,
    mate: (x, accepts = () => true) => pick((y) => accepts(y) && fits(x, y)),
    whole: () => pick((x) => x.ndim === 0 && x.dtype === "int32"),
    axis: (x) => random.integer(0, x.ndim),
    program: () => {
      throw new Skip();
    },
  };
}

const hasFloat64 = (jaxpr: Jaxpr): boolean =>
  [...allPrograms(jaxpr)].some(({ eqns }) =>
    eqns.some(({ outputs }) => outputs.some(({ aval }) => aval.dtype === "float64"))
  );

/** What is wrong with the `n`th try of an operation on the GPU; `null` where nothing is. */
async function wrong(name: string, operation: Operation, n: number): Promise<string | null> {
  const inputs = inputsOf(new Random(`${name} ${n}`));
  let program;
  try {
    program = staged(
      (...xs: NDArray[]) => operation(choicesOf(new Random(`${name} ${n} choices`), xs)),
      inputs,
    );
  } catch (error) {
    if (error instanceof Skip || error instanceof DTypeError) return null;
    throw error;
  }
  const { jaxpr, args } = program;
  if (hasFloat64(jaxpr)) return null;
  const expected = interpreter.compile(jaxpr, name).run(args);
  const compiled = webgpu.compile(jaxpr, name);
  const outs = compiled.run(args);
  const found: (string | null)[] = [];
  for (const [k, out] of outs.entries()) {
    const got = make(out.aval, [...await out.data()].map(Number));
    const allowed = (_: number, v: number): number => 1e-3 * Math.abs(v) + 1e-3;
    found.push(difference(got, expected[k]!, allowed, { anyZero: true }));
  }
  compiled.release();
  return found.find((text) => text !== null) ?? null;
}

for (const [name, operation] of Object.entries(structures)) {
  gpuTest(`a GPU gives what eager code gives: ${name} (${seedNote})`, async () => {
    for (let n = 0; n < TRIES; n++) {
      const found = await wrong(name, operation, n);
      assert(found === null, `try ${n}: ${found}`);
    }
  });
}

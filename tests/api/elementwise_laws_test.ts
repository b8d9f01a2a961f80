/**
 * Every elementwise function that users can call, on both zeros, infinities, NaN and the limits of each
 * dtype, and on all pairs of them: the program that it is, evaluated by the interpreter, gives the same
 * bits, and compiled for WebAssembly the same numbers to rounding, with the sign of zeros.
 *
 * Nothing is listed here: what gives each element from the same element of its arguments alone is found
 * by trying, so that a new function joins by being exported.
 *
 * @module
 */
import { loadBackend, NDArray, nn, numpy as np, special } from "../../mod.ts";
import { dtypes, isFloat, limits, smallestNormal } from "../../lib/core/dtype.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import type { DType } from "../../lib/core/dtype.ts";
import { evalJaxpr } from "../../lib/core/jaxpr.ts";
import { bind } from "../../lib/core/trace.ts";
import { stageClosed } from "../../lib/interpreters/staging.ts";
import { difference, make } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";
import { differenceOnOnnx } from "../support/conformance_onnx.ts";
import { Random } from "../support/random.ts";

await loadBackend("onnx");

type F = (...args: NDArray[]) => NDArray;

/** Elements to try. */
function elements(dtype: DType): number[] {
  if (dtype === "bool") return [1, 0, 1];
  const [min, max] = limits(dtype);
  if (dtype === "int32") return [0, 1, -1, 2, -3, 7, 46341, min, max];
  if (dtype === "uint32") return [2, 0, 1, 7, 2 ** 31, max];
  const subnormal = dtype === "float32" ? 2 ** -149 : Number.MIN_VALUE;
  const sizes = [0, subnormal, smallestNormal(dtype), 1e-4, 0.3, 0.5, 1, 1.5, 2.5, 7.25, 90, max];
  return [...sizes, Infinity].flatMap((x) => [x, -x]).concat(NaN);
}

function vector(values: readonly number[], dtype: DType): ConcreteArray {
  return make({ shape: [values.length], dtype }, values);
}

/** The arguments of functions of one or two arrays: all elements, or all pairs. */
function argumentsOf(dtype: DType, count: number): ConcreteArray[] {
  const all = elements(dtype);
  if (count === 1) return [vector(all, dtype)];
  return [
    vector(all.flatMap((x) => all.map(() => x)), dtype),
    vector(all.flatMap(() => all), dtype),
  ];
}

/** Whether a function gives each element from the same element of its arguments alone. */
function isElementwise(f: F, args: readonly ConcreteArray[]): boolean {
  try {
    const whole = f(...args);
    const n = args[0]!.size;
    if (!(whole instanceof NDArray) || whole.ndim !== 1 || whole.size !== n) return false;
    const values = whole.dataSync();
    for (let i = 0; i < n; i += Math.ceil(n / 60)) {
      const one = f(...args.map((x) => vector([x.values[i]!], x.dtype)));
      if (one.size !== 1 || !Object.is(one.dataSync()[0], values[i])) return false;
    }
    return true;
  } catch {
    return false; // It wants other arguments, or does not take the dtype or the length.
  }
}

const namespaces = { np, nn, special };
const found = new Map<string, string[]>();

/** Functions that give floats and take integers alone as their second argument. */
const takesIntegers: ReadonlySet<string> = new Set(["np.ldexp", "special.polygamma"]);

/** Functions that do not say which zero they give where they give one. */
const signlessZeros: ReadonlySet<string> = new Set([
  "special.gammaincc",
  "special.igammaGradA",
  "special.poch",
]);

/** Differences of terms that are larger than they are: rounding errors on onnxruntime, of which others have 32. */
const cancelling: Readonly<Record<string, number>> = {
  "special.beta": 512,
  "special.betaln": 128,
};

for (const [space, functions] of Object.entries(namespaces)) {
  for (const [name, plain] of Object.entries(functions)) {
    if (typeof plain !== "function") continue;
    // -0 + 0 is 0.
    const f: F = signlessZeros.has(`${space}.${name}`)
      ? (...args) => (plain as F)(...args).add(0)
      : plain as F;
    Deno.test(`compiled, ${space}.${name} gives what eager code gives, if it is elementwise`, () => {
      for (const count of [1, 2]) {
        for (const dtype of dtypes) {
          const args = argumentsOf(dtype, count);
          if (!isElementwise(f, args)) continue;
          const key = `${space}.${name}`;
          found.set(key, [...found.get(key) ?? [], `${dtype} x ${count}`]);
          const eager = f(...args);
          const program = stageClosed(name, (xs) => [f(...xs)], args.map((x) => x.aval));
          const interpreted = evalJaxpr(program, args, bind)[0]!;
          const what = `${key} of ${count} ${dtype}: `;
          const exact = difference(interpreted, eager, 0);
          assert(exact === null, `${what}interpreted, ${exact}`);
          if (!isFloat(dtype) && isFloat(eager.dtype) && !takesIntegers.has(key)) {
            const floats = args.map((x) => x.astype(eager.dtype));
            const same = difference(eager, f(...floats), 0);
            assert(same === null, `${what}not calculated with as ${eager.dtype}: ${same}`);
            continue;
          }
          const compiled = differenceOnOnnx(program, args, new Random(what), {
            rounding: isFloat(eager.dtype) ? cancelling[key] ?? 32 : 0,
          });
          assert(compiled === null, what + compiled);
        }
      }
    });
  }
}

Deno.test("the elementwise functions are found", () => {
  const all = [...found.keys()];
  assert(all.length > 90, `only ${all.length}: ${all.join(", ")}`);
  for (const name of ["np.atan2", "np.floorDivide", "nn.elu", "special.erfc", "np.isNaN"]) {
    assert(found.has(name), name);
  }
  const dtypesOf = (name: string): string => found.get(name)!.join();
  assert(dtypesOf("np.add").includes("bool x 2") && dtypesOf("np.add").includes("float64 x 2"));
});

/**
 * Random routines do the same in JavaScript, as closures and in WebAssembly.
 *
 * @module
 */
import { allocate, type DType, dtypes, isFloat } from "../../lib/core/dtype.ts";
import { routine } from "../../lib/routine/routine.ts";
import { assert } from "../support/assert.ts";
import { Random, seedNote } from "../support/random.ts";
import { randomRoutine } from "../support/random_routines.ts";
import { outputs } from "../support/routines.ts";

/** Number of routines for each dtype. */
const COUNT = Number(Deno.env.get("INJAX_RANDOM_ROUTINES") ?? 60);

const wide = (dtype: DType): DType =>
  isFloat(dtype) ? "float64" : dtype === "bool" ? "int32" : dtype;

for (const dtype of dtypes) {
  Deno.test(`random routines are the same however they run: ${dtype} (${seedNote})`, () => {
    for (let k = 0; k < COUNT; k++) {
      const random = new Random(`routine ${dtype} ${k}`);
      const text = randomRoutine(random, dtype);
      const r = routine(text);
      for (const n of [0, 1, 2, random.integer(3, 8), random.integer(8, 24)]) {
        const inputs = [0, 1].map(() => {
          return allocate(dtype, n).map(() =>
            dtype === "bool"
              ? random.integer(0, 2)
              : random.next() < 0.1
              ? [NaN, -0, Infinity, 0][random.integer(0, 4)]!
              : random.integer(-9, 9) * (isFloat(dtype) ? 0.37 : 1)
          );
        });
        const outs = [[dtype, n], [wide(dtype), n]] as const;
        const results = outputs(r, dtype, inputs, outs, n);
        for (const [way, arrays] of Object.entries(results)) {
          arrays.forEach((a, i) => {
            const expected = results.closures![i]!;
            const at = a.findIndex((v, j) => !Object.is(v, expected[j]));
            assert(
              at < 0,
              `${way}, n = ${n}: output ${i}[${at}] is ${a[at]}, not ${expected[at]}, of\n${text}`,
            );
          });
        }
      }
    }
  });
}

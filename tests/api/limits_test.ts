/**
 * Elementwise functions on both zeros, infinities, NaN and the largest numbers, and on all pairs of them,
 * as JAX has them: eager and compiled, with the sign of zeros.
 *
 * Subnormal numbers are left out: XLA flushes them on the CPU, which is not done here.
 */
import { jit, type NDArray } from "../../mod.ts";
import type { DType } from "../../lib/core/dtype.ts";
import { epsilon, smallestNormal } from "../../lib/core/dtype.ts";
import recorded from "../reference/limits.json" with { type: "json" };
import { difference } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";
import { elementwise, functionOf, nameOf, variablesOf } from "../support/operations.ts";
import { load, type Recorded } from "../support/recorded.ts";

type F = (...args: NDArray[]) => NDArray;
interface Table {
  readonly x: Recorded;
  readonly unary: Readonly<Record<string, Recorded>>;
  readonly binary: Readonly<Record<string, Recorded>>;
}

const functions = new Map(elementwise.map((entry) => [
  nameOf(entry),
  functionOf(entry.here!, variablesOf(entry.here!, ["x", "y"])),
]));

/** What is not meant to be as in JAX, for a reason. */
const left: Readonly<Record<string, string>> = {
  "leftShift bool": "bits are those of integers",
  "rightShift bool": "bits are those of integers",
};

/** Units in the last place: XLA's approximations, and the kernels', are off by a few. */
const ROUNDING = 16;

for (const [dtype, table] of Object.entries(recorded.limits as unknown as Record<DType, Table>)) {
  for (const kind of ["unary", "binary"] as const) {
    Deno.test(`limits: ${kind} functions of ${dtype} as JAX has them`, () => {
      const x = load(table.x);
      const values = Array.from(x.dataSync());
      const all = (f: (a: number, b: number) => number): Recorded => ({
        dtype,
        shape: [values.length ** 2],
        data: values.flatMap((a) => values.map((b) => f(a, b))),
      });
      const args = kind === "unary" ? [x] : [load(all((a) => a)), load(all((_, b) => b))];
      for (const [name, wanted] of Object.entries(table[kind])) {
        if (left[`${name} ${dtype}`] !== undefined) continue;
        const want = load(wanted);
        const f = functions.get(name) as F;
        assert(f !== undefined, `${name} is not in the list`);
        for (const [how, g] of [["eager", f], ["compiled", jit(f)]] as const) {
          const unit = ROUNDING * epsilon(want.dtype), tiny = smallestNormal(want.dtype);
          const allowed = (_: number, y: number): number => Math.max(unit * Math.abs(y), tiny);
          const found = difference(g(...args), want, allowed);
          assert(found === null, `${name} of ${dtype}, ${how}: ${found}`);
        }
      }
    });
  }
}

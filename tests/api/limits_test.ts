/**
 * Elementwise functions on both zeros, infinities, NaN and the largest numbers, and on all pairs of them,
 * as JAX has them: eager and compiled, with the sign of zeros.
 *
 * Subnormal numbers are left out: XLA flushes them on the CPU, which is not done here.
 */
import { jit, loadBackend, type NDArray, nn, numpy as np, special } from "../../mod.ts";
import type { DType } from "../../lib/core/dtype.ts";
import { epsilon, smallestNormal } from "../../lib/core/dtype.ts";
import recorded from "../reference/limits.json" with { type: "json" };
import { difference } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";
import { load, type Recorded } from "./recorded.ts";

await loadBackend("wasm");

type F = (...args: NDArray[]) => NDArray;
interface Table {
  readonly x: Recorded;
  readonly unary: Readonly<Record<string, Recorded>>;
  readonly binary: Readonly<Record<string, Recorded>>;
}

/** What has another name here than JAX's in camelCase. */
const renamed: Readonly<Record<string, F>> = {
  isfinite: np.isFinite,
  isinf: np.isInf,
  isnan: np.isNaN,
  isclose: (x, y) => np.isClose(x!, y!),
  negative: np.neg,
  round: (x) => np.round(x!),
  erfinv: special.erfInv,
  gelu_exact: (x) => nn.gelu(x!, { approximate: false }),
  subtract: np.sub,
  multiply: np.mul,
  divide: np.div,
  power: np.pow,
};

function named(name: string): F {
  const camel = name.replace(/_(.)/g, (_, c: string) => c.toUpperCase());
  const all = { ...special, ...nn, ...np } as unknown as Record<string, F>;
  const f = renamed[name] ?? all[camel];
  assert(f !== undefined, `no function for ${name}`);
  return (...args) => f(...args);
}

/** What is not meant to be as in JAX, for a reason. */
const left: Readonly<Record<string, string>> = {
  "left_shift bool": "bits are those of integers",
  "right_shift bool": "bits are those of integers",
  "maximum compiled": "of 0 and -0, the kernels of Max and Min give either",
  "minimum compiled": "of 0 and -0, the kernels of Max and Min give either",
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
        const f = named(name);
        for (const [how, g] of [["eager", f], ["compiled", jit(f)]] as const) {
          const unit = ROUNDING * epsilon(want.dtype), tiny = smallestNormal(want.dtype);
          const allowed = (_: number, y: number): number => Math.max(unit * Math.abs(y), tiny);
          const anyZero = left[`${name} ${how}`] !== undefined;
          const found = difference(g(...args), want, allowed, { anyZero });
          assert(found === null, `${name} of ${dtype}, ${how}: ${found}`);
        }
      }
    });
  }
}

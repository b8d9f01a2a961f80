/**
 * Compiled to WebAssembly, each primitive gives what it gives eagerly, on all samples of its record: alone,
 * in a loop, vectorised, and with its gradient; with and without relaxed vector instructions. All
 * that is on memory in which everything else is NaN, and nothing is written to that is not the program's.
 *
 * @module
 */
import "../../lib/backends/mod.ts";
import { grad, type NDArray, numpy as np, scan, vmap } from "../../mod.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { isFloat } from "../../lib/core/dtype.ts";
import { primitives } from "../../lib/core/primitive.ts";
import { make, ulps } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";
import { compiledDifference, type Staged, staged } from "../support/compiled.ts";
import {
  type AnyPrimitive,
  type Case,
  casesOf,
  drawValues,
  hasNoValue,
  programOf,
} from "../support/conformance.ts";
import { seedNote } from "../support/random.ts";
import { filesBelow } from "../support/sources.ts";

for (const folder of ["lib/primitives", "lib/control", "lib/linalg"]) {
  for (const path of filesBelow(folder)) await import(`../../${path}`);
}

/** Rounding errors, relative to the largest element, of sums in another order. */
const ROUNDING = 64;

/** What is tried; a program for a case, or `null` where there is none. */
const ways: Readonly<Record<string, (c: Case) => Staged | null>> = {
  alone(c) {
    const recorded = programOf(c);
    return { recorded, jaxpr: simplify(recorded), args: c.inputs };
  },

  "in a loop of two steps": (c) => {
    const rows = twice(c);
    if (rows.length === 0) return null;
    return staged(
      (...xs) => scan((_: null, row: NDArray[]) => [null, c.apply(row)], null, xs),
      rows,
    );
  },

  vectorised: (c) => {
    if (c.inputs.length === 0 || c.sample.skip?.batch !== undefined) return null;
    return staged(vmap((...xs: NDArray[]) => c.apply(xs)), twice(c));
  },

  "with its gradient": (c) => {
    const { skip } = c.sample;
    if (skip?.jvp !== undefined || skip?.slope !== undefined || skip?.transpose !== undefined) {
      return null;
    }
    const isVariable = c.inputs.map((x) => isFloat(x.dtype));
    if (!isVariable.some((v) => v)) return null;
    if (!programOf(c).outputs.some((v) => isFloat(v.aval.dtype))) return null;
    const loss = (variables: NDArray[]): NDArray => {
      let k = 0;
      const outs = c.apply(c.inputs.map((x, i) => isVariable[i] ? variables[k++]! : x));
      return outs.filter((y) => isFloat(y.dtype))
        .reduce((sum, y) => sum.add(y.sum().astype("float64")), np.zeros([], { dtype: "float64" }));
    };
    return staged((...xs) => grad(loss)(xs), c.inputs.filter((_, i) => isVariable[i]));
  },
};

/** The inputs of a case, and others like them, one behind the other. */
function twice(c: Case): NDArray[] {
  return c.inputs.map((x, i) => {
    const input = c.sample.inputs[i]!;
    const shape = [2, ...x.shape];
    return make({ shape, dtype: x.dtype }, [...x.values, ...drawValues(input, c.random)]);
  });
}

for (const [name, primitive] of primitives()) {
  Deno.test(`${name} is the same compiled (${seedNote})`, () => {
    for (const c of casesOf(primitive as unknown as AnyPrimitive)) {
      if (hasNoValue(c) || c.sample.skip?.kernel !== undefined) continue;
      for (const [way, programFor] of Object.entries(ways)) {
        const program = programFor(c);
        if (program === null) continue;
        for (const [large, fma] of [[0, false], [1 << 16, true]] as const) {
          const found = compiledDifference(program, {
            allowed: (want) => ulps(want, ROUNDING),
            large,
            fma,
          });
          assert(found === null, `${c.sample.name} ${way}: ${found}`);
        }
      }
    }
  });
}

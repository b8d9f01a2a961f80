/**
 * Reductions, sorting, indexing, products, padding and linear algebra as users call them, against
 * values recorded from JAX. What JAX has and Injax does not is listed there, with the reason.
 */
import type { NDArray } from "../../lib/core/array.ts";
import { numpy as np } from "../../mod.ts";
import type { TakeMode } from "../../lib/core/method_options.ts";
import recorded from "../reference/structure.json" with { type: "json" };
import { assert, assertEquals } from "../support/assert.ts";
import { arraysOf, functionOf, structure } from "../support/operations.ts";
import { assertRecorded, load, type StructureCase } from "../support/recorded.ts";

interface Params {
  readonly axis?: number;
  readonly keepdims?: boolean;
  readonly reverse?: boolean;
  readonly descending?: boolean;
  readonly ddof?: number;
  readonly mode?: TakeMode;
  readonly side?: "left" | "right";
  readonly sizes?: readonly number[];
  readonly start?: readonly number[];
  readonly limit?: readonly number[];
  readonly strides?: readonly number[];
  readonly config?: readonly (readonly [number, number, number])[];
  readonly eq?: string;
  readonly num?: number;
  readonly num_segments?: number;
}

/** Options of what reduces, sorts and pads, in our words. */
const words = {
  reduction: ({ keepdims = false, ddof = 0 }: Params) => ({
    keepDims: keepdims,
    ...ddof !== 0 && { ddof },
  }),
  order: ({ descending = false }: Params) => ({ descending }),
  /** Pads only as NumPy does: no gaps, nothing removed. */
  pad: (x: NDArray, value: NDArray, { config }: Params) =>
    config!.some(([low, high, gap]) => low < 0 || high < 0 || gap > 0)
      ? null
      : np.pad(x, config!.map(([low, high]) => [low, high]), { value }),
};

/** Elimination decides what comes of singular matrices; variances of constants are 0 here, not near it. */
const exempt = /^(solve_singular|var_constant|std_constant)/;

const allowed: Record<string, number> = { inv: 64, solve: 64, det: 32, slogdet: 32 };

const cases = Object.entries(recorded.cases as unknown as Record<string, StructureCase<Params>>);

Deno.test("structure: every recorded operation is in the list, and has a word or a reason", () => {
  const names = new Set(structure.map((entry) => entry.name));
  for (const [name, { op }] of cases) assert(names.has(op), `${name}: ${op}`);
  for (const { name, here, why } of structure) assert((here ?? why) !== undefined, name);
});

for (const { name: op, here } of structure) {
  if (here === undefined) continue;
  Deno.test(`structure: ${op} as JAX has it`, () => {
    const own = cases.filter(([, c]) => c.op === op);
    assert(own.length > 0, "nothing was recorded");
    for (const [name, { inputs, order, params, outputs }] of own) {
      if (exempt.test(name)) continue;
      const call = functionOf(here, [...order, "p"], words);
      const found = call(...order.map((k) => load(inputs[k]!)), params);
      if (found === null) continue;
      const list = arraysOf(found);
      assertEquals(list.length, outputs.length, name);
      outputs.forEach((o, i) => assertRecorded(name, list[i]!, o, allowed[op] ?? 4));
    }
  });
}

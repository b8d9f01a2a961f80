/**
 * Values and derivatives against those recorded from JAX (`reference/derivatives.json`), eagerly,
 * jitted on the interpreter, and as one graph on onnx.
 *
 * @module
 */
import type { ConcreteArray } from "../../lib/core/concrete.ts";

import { grad, jit, loadBackend, type NDArray, vmap } from "../../mod.ts";
import { load, type Recorded } from "../support/recorded.ts";
import { functionOf, primitiveEntries } from "../support/operations.ts";
import reference from "../reference/derivatives.json" with { type: "json" };
import { difference, ulps } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { formulas, type Named, notExpressible } from "../support/derivative_cases.ts";

await loadBackend("onnx");

interface Recording {
  readonly formula: string;
  readonly inputs: Readonly<Record<string, Recorded>>;
  readonly outputs: Readonly<Record<string, Recorded>>;
}

const recordings = reference.cases as unknown as Readonly<Record<string, Recording>>;

const decodeAll = (arrays: Readonly<Record<string, Recorded>>): Named =>
  Object.fromEntries(Object.entries(arrays).map(([k, v]) => [k, load(v)]));

/**
 * Rounding errors of float64, relative to the largest element, that the results may be off by: JAX
 * adds, and takes products, in another order.
 */
const ROUNDING = 32;

/** Cases that need more, and why. */
const looser: Readonly<Record<string, number>> = {
  // A fifth derivative is a sum of products of many intermediate results.
  sin_exp_orders: 256,
  // Zeros that are differences of elements of size 1: JAX's own are at 1e-17.
  var: 64,
};

/** Elements that are meant to differ from JAX's, and what they are. */
const deviations: Readonly<Record<string, { readonly at: number; readonly is: number }>> = {
  // The slope of x^0 is 0 everywhere. JAX has NaN at x = 0 for an exponent that is an array, though
  // it has 0 too for a constant exponent (integer_pow_0).
  "pow.grad_x": { at: 4, is: 0 },
};

function expectedOf(name: string): Named {
  const recorded = recordings[name]!.outputs;
  return Object.fromEntries(
    Object.entries(recorded).map(([key, array]) => {
      const other = deviations[`${name}.${key}`];
      if (other === undefined) return [key, load(array)];
      return [key, load({ ...array, data: array.data.with(other.at, other.is) })];
    }),
  );
}

function compare(name: string, actual: Named, how: string): void {
  const expected = expectedOf(name);
  for (const [key, want] of Object.entries(expected)) {
    const got = actual[key];
    assert(got !== undefined, `${name} (${how}): no ${key}`);
    const allowed = Math.max(ulps(want, looser[name] ?? ROUNDING), 1e-15);
    const found = difference(got, want, want.dtype === "int32" ? 0 : allowed);
    assert(found === null, `${name} (${how}), ${key}: ${recordings[name]!.formula}: ${found}`);
  }
}

Deno.test("every recorded case is written, or left out for a reason", () => {
  const missing = Object.keys(recordings).filter((n) =>
    formulas[n] === undefined && notExpressible[n] === undefined
  );
  assertEquals(missing, []);
  assertEquals(Object.keys(formulas).filter((n) => recordings[n] === undefined), []);
});

for (const [name, f] of Object.entries(formulas)) {
  Deno.test(`derivatives like JAX's: ${name}`, () => {
    const inputs = decodeAll(recordings[name]!.inputs);
    compare(name, f(inputs), "eager");
    compare(name, jit(f, { backend: "interpreter" })(inputs), "jit on the interpreter");
    compare(name, jit(f)(inputs), "jit on onnx");
  });
}

/** Functions of the table of first and second derivatives. */
const unary = primitiveEntries.flatMap(({ name, here }) =>
  here !== undefined && name in reference.unary
    ? [[name, functionOf(here, ["x"]) as (x: NDArray) => NDArray] as const]
    : []
);

interface Table {
  readonly x: readonly (number | string)[];
  readonly d0: readonly (number | string)[];
  readonly d1: readonly (number | string)[];
  readonly d2: readonly (number | string)[];
}

for (const [name, f] of unary) {
  Deno.test(`first and second derivatives like JAX's: ${name}`, () => {
    const table = (reference.unary as unknown as Record<string, Table>)[name]!;
    const at = (data: readonly (number | string)[]): ConcreteArray =>
      load({ dtype: "float64", shape: [data.length], data });
    const x = at(table.x);
    const first = vmap(grad(f)) as (x: NDArray) => NDArray;
    const second = vmap(grad(grad(f))) as (x: NDArray) => NDArray;
    for (const [order, d] of [f, first, second].entries()) {
      const want = at([table.d0, table.d1, table.d2][order]!);
      for (const [how, g] of [["eager", d], ["onnx", jit(d)]] as const) {
        // 64 rounding errors of each element; derivatives (and gelu, by 1 + tanh) may also be nearly
        // 0 as differences of terms that are not, and then JAX's digits are as random as ours.
        const lost = order === 0 && name !== "gelu_tanh" ? 0 : ulps(want, 128);
        const allowed = (_: number, y: number): number => 2 ** -46 * Math.abs(y) + lost;
        // In derivatives, a zero that is the sum of terms has the sign of their order.
        const found = difference(g(x), want, allowed, { anyZero: order > 0 });
        assert(found === null, `${name}, order ${order}, ${how}: ${found}`);
      }
    }
  });
}

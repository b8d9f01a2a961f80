/**
 * Random loops give the same when compiled, where what can leave them does, as when interpreted step
 * by step; so do their gradients and lanes.
 *
 * `INJAX_LOOPS` sets how many are tried, `INJAX_SEED` which.
 *
 * @module
 */
import {
  grad,
  jit,
  jvp,
  loadBackend,
  makeJaxpr,
  type NDArray,
  numpy as np,
  type Tree,
  vmap,
} from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { checkJaxpr, evalJaxpr, formatJaxpr } from "../../lib/core/jaxpr.ts";
import { bind } from "../../lib/core/trace.ts";
import { treeLeaves } from "../../lib/core/tree.ts";
import { difference, ulps } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";
import { seedNote } from "../support/random.ts";
import { type Inputs, randomLoop } from "../support/random_loops.ts";

await loadBackend("onnx");

const LOOPS = Number(Deno.env.get("INJAX_LOOPS") ?? 40);
/**
 * Rounding errors, relative to the largest element: sums are taken in another order. A recurrence of
 * five steps multiplies them in its value, and again in its gradient; a wrong gradient is off by
 * many orders more.
 */
const ROUNDING = 1e4;
const ROUNDING_OF_GRADIENT = 1e6;

function compare(what: string, actual: unknown, expected: unknown, program?: () => string): void {
  const [got, want] = [treeLeaves(actual) as NDArray[], treeLeaves(expected) as NDArray[]];
  assert(got.length === want.length, `${what}: ${got.length} results`);
  want.forEach((w, k) => {
    const count = what.includes("gradient") ? ROUNDING_OF_GRADIENT : ROUNDING;
    const found = difference(got[k]!, w, Math.max(ulps(w, count), 1e-12));
    assert(found === null, `${what}, result ${k} ${found}\n${program?.() ?? ""}`);
  });
}

/** Simplifies a function's program, checks it, and compares it with the original. */
function simplified(what: string, f: (x: Inputs) => Tree, inputs: Inputs): void {
  const { jaxpr } = openJaxpr(makeJaxpr(f)(inputs));
  const simple = simplify(jaxpr, (pass, program) => {
    try {
      checkJaxpr(program);
    } catch (e) {
      const { message } = e as Error;
      throw new Error(
        `${what}: ${pass}: ${message}\n${formatJaxpr(jaxpr)}\n${formatJaxpr(program)}`,
      );
    }
  });
  const show = (): string => `${formatJaxpr(jaxpr)}\nbecame\n${formatJaxpr(simple)}`;
  const args = treeLeaves(inputs) as NDArray[];
  compare(what, evalJaxpr(simple, args, bind), evalJaxpr(jaxpr, args, bind), show);
}

for (let n = 0; n < LOOPS; n++) {
  Deno.test(`a random loop gives the same compiled: ${n}`, () => {
    const { f, watched, inputs, text } = randomLoop(`loop ${n}`);
    // A scalar that every result moves.
    const loss = (x: Inputs): NDArray =>
      f(x).reduce((sum, y) => sum.add(np.sin(y).sum()), np.zeros([], { dtype: "float64" }));
    const lanes = (x: Inputs): NDArray[] =>
      vmap((c: NDArray[]) => f({ ...x, carry: c }))(x.carry.map((c) => np.stack([c, c.mul(0.5)])));
    // Some results alone: the others are not read.
    const some = (x: Inputs): NDArray[] => f(x).filter((_, k) => (k + n) % 2 === 0);
    const g = grad(loss) as (x: Inputs) => Inputs;
    try {
      const all: readonly (readonly [string, (x: Inputs) => Tree])[] = [
        ["the loop", f],
        ["some results", some],
        ["its gradient", g],
        ["its lanes", lanes],
      ];
      for (const [what, h] of all) {
        simplified(what, h, inputs);
        compare(`${what} on onnx`, jit(h)(inputs), h(inputs));
      }
      const seen = grad((x: Inputs): NDArray =>
        watched(x).reduce((sum, y) => sum.add(np.sin(y).sum()), np.zeros([], { dtype: "float64" }))
      ) as (x: Inputs) => Inputs;
      compare("its gradient beside what nothing reads", seen(inputs), g(inputs));
      compare("the same gradient on onnx", jit(seen)(inputs), g(inputs));
      const [, dot] = jvp(loss, [inputs], [inputs]);
      const want = treeLeaves(g(inputs)).reduce<number>(
        (sum, d, i) => sum + (d as NDArray).mul(treeLeaves(inputs)[i] as NDArray).sum().item(),
        0,
      );
      assert(
        Math.abs(dot.item() - want) <= 1e-10 * (1 + Math.abs(want)),
        `jvp ${dot}, vjp ${want}`,
      );
    } catch (e) {
      const { message, stack } = e as Error;
      throw new Error(
        `${message}\nof ${text}\n(${seedNote})\n${stack?.split("\n").slice(1, 6).join("\n")}`,
      );
    }
  });
}

/**
 * What is told of a model without running it: the calls of its modules, and a table of them.
 *
 * @module
 */
import { type NDArray, numpy as np, StateError } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const x = np.ones([2, 3]);

class Block extends hk.Module {
  call(x: NDArray, { scale }: { scale: NDArray }): NDArray {
    const y = new hk.Linear(4).call(x);
    return this.shift(y).mul(scale);
  }
  shift(x: NDArray): NDArray {
    return x.add(hk.getParameter("by", [], { init: hk.initializers.constant(1) }));
  }
}

const model = (x: NDArray): NDArray => new Block().call(x, { scale: np.array(2) });

Deno.test("a summary has each call, with types, depth and parameters, and computes nothing", () => {
  const expected = [
    ["block", "Block", "call", ["float32[2,3]", "float32[]"], ["float32[2,4]"], 17, 68, 0],
    ["block/linear", "Linear", "call", ["float32[2,3]"], ["float32[2,4]"], 16, 64, 1],
    ["block", "Block", "shift", ["float32[2,4]"], ["float32[2,4]"], 17, 68, 1],
  ];
  for (const f of [model, hk.transform(model), hk.transformWithState(model)]) {
    const calls = hk.evalSummary(f as typeof model)(x);
    assertEquals(
      calls.map((c) => [
        c.moduleName,
        c.className,
        c.methodName,
        c.inputs,
        c.outputs,
        c.paramsSize,
        c.paramsBytes,
        c.depth,
      ]),
      expected,
    );
    assertEquals(calls[0]!.params, { by: "float32[]" });
  }
  const stateful = hk.evalSummary((x: NDArray, isTraining: boolean) =>
    new hk.BatchNorm(0.9).call(x, isTraining)
  )(x, true);
  assertEquals(stateful.map((c) => c.moduleName), [
    "batch_norm",
    "batch_norm/~/mean_ema",
    "batch_norm/~/var_ema",
  ]);
  assertThrows(
    () => hk.evalSummary(3 as never),
    StateError,
    "expected a function, or what hk.transform gave",
  );
});

Deno.test("a table has the columns that are asked for", () => {
  const lines = hk.tabulate(model)(x).split("\n");
  assertEquals(lines.length, 4);
  assert(/^module +params +input +output +paramsSize +paramsBytes$/.test(lines[0]!), lines[0]);
  assert(
    /^ {2}block\/linear \(Linear\.call\) +w float32\[3,4\], b float32\[4\] /.test(lines[2]!),
    lines[2],
  );
  const bare = hk.tabulate(
    (x: NDArray) =>
      new hk.LayerNorm(-1, { createScale: false, createOffset: false }).call(model(x)),
    {
      columns: ["module"],
      onlyWithParams: true,
    },
  )(x);
  assert(!bare.includes("layer_norm"), bare);
  assertThrows(
    () => hk.tabulate(model, { columns: ["size" as never] }),
    StateError,
    'there is no column "size"',
  );
});

/**
 * The backend `"onnx"`: arrays in and out, what stays on its heap, and what it says of mistakes. Its limits
 * are in `onnx_limits_test.ts`.
 *
 * @module
 */
import { interpreter, loadBackend, ready } from "../../lib/backends/mod.ts";
import { onnx } from "../../lib/backends/onnx.ts";
import { dtypes, shaped } from "../../lib/core/dtype.ts";
import { getBackend } from "../../lib/core/backend.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { BackendError } from "../../lib/core/errors.ts";
import { lowerJaxpr } from "../../lib/onnx/export.ts";
import { formatModel } from "../../lib/onnx/model.ts";
import { add, mul } from "../../lib/primitives/elementwise/arithmetic.ts";
import { not } from "../../lib/primitives/elementwise/compare.ts";
import { select } from "../../lib/primitives/elementwise/select.ts";
import { gather } from "../../lib/primitives/indexing/gather.ts";
import { broadcastTo, reduceSum } from "../../lib/primitives/sum/broadcast.ts";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertThrows,
} from "../support/assert.ts";
import { array, chain, elements, f32, loop, loops, program } from "../support/programs.ts";

await loadBackend("onnx");

const LARGE = 100_000;

Deno.test("backends are known by name; an unknown name lists them", async () => {
  assertEquals(getBackend("onnx").ready, onnx.ready);
  const error = await assertRejects(() => loadBackend("cuda"), BackendError);
  assert(error.message.includes('"webgpu"') && error.message.includes('"interpreter"'));
});

Deno.test("small programs run at once, and results are not overwritten", () => {
  const add4 = onnx.compile(program((x, y) => [add(x, y)], f32(4), f32(4)), "add");
  const x = array([1, 2, 3, 4], [4]);
  const first = add4.run([x, x])[0]!;
  const second = add4.run([first, x])[0]!;
  assertEquals(first.toArray(), [2, 4, 6, 8]);
  assertEquals(second.toArray(), [3, 6, 9, 12]);
  add4.release();
  add4.release();
  assertThrows(() => add4.run([x, x]), BackendError, "released");
});

Deno.test("every dtype goes in and comes out, also without elements or axes", async () => {
  for (const dtype of dtypes) {
    for (const shape of [[], [2], [0, 3], [70_000]]) {
      const aval = shaped(shape, dtype);
      const jaxpr = program((c, x, y) => [select(c, x, y), x, y], shaped([], "bool"), aval, aval);
      const program_ = onnx.compile(jaxpr, "pass");
      const args = [array([1], [], "bool"), array(1, shape, dtype), array(0, shape, dtype)];
      const outs = program_.run(args);
      assertEquals(outs.map((o) => o.aval), [aval, aval, aval]);
      assertEquals(await elements(outs), await elements([args[1]!, args[1]!, args[2]!]));
      program_.release();
    }
  }
});

Deno.test("constants and inputs as outputs, in memory of their own", async () => {
  const constant = array(7, [LARGE]);
  const jaxpr = program((x) => [x, x, constant, array([5], [], "int32")], f32(LARGE));
  const pass = onnx.compile(jaxpr, "pass");
  const x = array(3, [LARGE]);
  for (let i = 0; i < 2; i++) {
    const outs = pass.run([x]);
    assertEquals((await elements(outs)).map((v) => v[v.length - 1]), [3, 3, 7, 5]);
    for (const out of outs) out.dispose();
  }
  assertEquals(x.values[0], 3);
});

Deno.test("large results stay on the heap until they are read, and feed the next program", () => {
  const before = onnx.memoryInUse;
  const twice = onnx.compile(program((x) => [add(x, x)], f32(LARGE)), "twice");
  const x = array(1, [LARGE]);
  let y = twice.run([x])[0]!;
  const bytes = 4 * LARGE;
  assertEquals(onnx.memoryInUse - before, 2 * bytes);
  for (let i = 0; i < 5; i++) {
    const next = twice.run([y])[0]!;
    y.dispose();
    y = next;
  }
  assertEquals(onnx.memoryInUse - before, 2 * bytes);
  assertEquals(y.device?.backend, "onnx");
  assertEquals(y.values[LARGE - 1], 64);
  y.dispose();
  y.dispose();
  assertEquals(onnx.memoryInUse - before, bytes);
  assertThrows(() => twice.run([y]), TypeError, "dispose");
});

Deno.test("a large input is copied once", () => {
  const before = onnx.memoryInUse;
  const sum = onnx.compile(program((x) => [reduceSum(x, [0])], f32(LARGE)), "sum");
  const x = array(1, [LARGE]);
  for (let i = 0; i < 3; i++) assertEquals(sum.run([x])[0]!.item(), LARGE);
  assertEquals(onnx.memoryInUse - before, 4 * LARGE);
});

Deno.test("over budget, results come to the host and copies of inputs go", () => {
  const budget = onnx.memoryBudget;
  const held: ConcreteArray[] = [];
  const plus = onnx.compile(program((x, y) => [add(x, y)], f32(LARGE), f32(LARGE)), "plus");
  onnx.memoryBudget = onnx.memoryInUse + 6 * 4 * LARGE;
  const limit = onnx.memoryBudget;
  try {
    let y = array(0, [LARGE]);
    for (let i = 1; i <= 20; i++) {
      y = plus.run([y, array(i, [LARGE])])[0]!;
      held.push(y);
      assert(onnx.memoryInUse <= limit);
    }
    assert(held[0]!.device !== null && held[19]!.device === null);
    assertEquals(held.map((h) => h.values[5]), held.map((_, i) => (i + 1) * (i + 2) / 2));
  } finally {
    onnx.memoryBudget = budget;
    held.forEach((h) => h.dispose());
  }
});

Deno.test("a run that needs more inputs than the budget still works", () => {
  const budget = onnx.memoryBudget;
  onnx.memoryBudget = 0;
  try {
    const sums = onnx.compile(
      program((x, y, z) => [reduceSum(add(add(x, y), z), [0])], ...[1, 2, 3].map(() => f32(LARGE))),
      "sums",
    );
    for (let i = 0; i < 2; i++) {
      const [out] = sums.run([1, 2, 3].map((v) => array(v, [LARGE])));
      assertEquals(out!.item(), 6 * LARGE);
    }
  } finally {
    onnx.memoryBudget = budget;
  }
});

Deno.test("inputs in flight delay a run; failed ones fail it", async () => {
  const twice = onnx.compile(program((x) => [add(x, x)], f32(2)), "twice");
  const late = ConcreteArray.inFlight(
    f32(2),
    new Promise((resolve) => setTimeout(() => resolve(Float32Array.of(1, 2)), 5)),
  );
  const [out] = twice.run([late]);
  assert(!out!.ready);
  await ready({ nested: [out, 3, null] });
  assertEquals(out!.toArray(), [2, 4]);
  const failed = ConcreteArray.inFlight(f32(2), Promise.reject(new Error("lost")));
  const [never] = twice.run([failed]);
  await assertRejects(() => ready([never]), Error, "lost");
});

Deno.test("control flow gives the interpreter's results", async () => {
  const x = array([1, -2, 0.5], [3]);
  for (const jaxpr of [loops(f32(3)), loop(20, f32(3)), chain(50, f32(3))]) {
    const expected = await elements(interpreter.compile(jaxpr, "p").run([x]));
    const got = await elements(onnx.compile(jaxpr, "p").run([x]));
    got.flat().forEach((v, i) => assertAlmostEquals(v, expected.flat()[i]!, 1e-5));
  }
});

Deno.test("bool masks and gathers of large arrays", async () => {
  const mask = shaped([LARGE], "bool");
  const jaxpr = program(
    (m, x, i) => [not(m), gather(x, i), broadcastTo(reduceSum(x, [0]), [3])],
    mask,
    f32(LARGE),
    shaped([2, 1], "int32"),
  );
  const x = array(Array.from({ length: LARGE }, (_, i) => i % 7), [LARGE]);
  const outs = onnx.compile(jaxpr, "mask").run([
    array(1, [LARGE], "bool"),
    x,
    array([8, 99_999], [2, 1], "int32"),
  ]);
  const [flags, picked] = await elements(outs);
  assertEquals(flags!.every((v) => v === 0), true);
  assertEquals(picked, [1, 99_999 % 7]);
});

Deno.test("a wrong number of arguments and programs that cannot compile are errors", () => {
  const twice = onnx.compile(program((x) => [add(x, x)], f32(2)), "twice");
  assertThrows(() => twice.run([]), BackendError, "twice takes 1 inputs");
  const jaxpr = program((x) => [mul(x, x)], f32(2));
  const broken = {
    ...jaxpr,
    eqns: jaxpr.eqns.map((e) => ({
      ...e,
      primitive: {
        ...e.primitive,
        lower: (g: { node(op: string, x: []): string }) => [g.node("Nonsense", [])],
      },
    })),
  };
  assertThrows(() => onnx.compile(broken, "broken"), BackendError, "program broken");
});

Deno.test("a loop of 1000 steps is as long a model as a loop of 10", () => {
  const text = (steps: number): string =>
    formatModel(lowerJaxpr(loop(steps, f32(4)), { target: "onnx" }));
  assert(/Loop|Scan/.test(text(10)), text(10));
  assertEquals(text(1000), text(10));
});

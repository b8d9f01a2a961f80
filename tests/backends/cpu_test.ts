/**
 * The backend `"cpu"`: arrays in and out, what stays on its heap and for how long, and what it says of
 * mistakes. Programs come from a small compiler of the tests' own, freed and fresh memory is poisoned.
 *
 * @module
 */
import { ready } from "../../lib/backends/mod.ts";
import { onnx } from "../../lib/backends/onnx.ts";
import { isRelaxed, lacking, ownEngine } from "../../lib/backends/cpu_host.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import { BackendError } from "../../lib/core/errors.ts";
import type { Jaxpr } from "../../lib/core/primitive.ts";
import { add, mul } from "../../lib/primitives/elementwise/arithmetic.ts";
import { loadBackend, numpy as np } from "../../mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { sumsBackend } from "../support/cpu_modules.ts";
import { array, elements, f32, program } from "../support/programs.ts";

const LARGE = 100_000;
const BYTES = 4 * LARGE;

const twice = (...shape: number[]): Jaxpr => program((x) => [add(x, x)], f32(...shape));

Deno.test("small programs run at once, and results are not overwritten", () => {
  const cpu = sumsBackend();
  const add4 = cpu.compile(program((x, y) => [add(x, y)], f32(4), f32(4)), "add");
  const x = array([1, 2, 3, 4], [4]);
  const first = add4.run([x, x])[0]!;
  const second = add4.run([first, x])[0]!;
  assertEquals(first.toArray(), [2, 4, 6, 8]);
  assertEquals(second.toArray(), [3, 6, 9, 12]);
  add4.release();
  add4.release();
  assertThrows(() => add4.run([x, x]), BackendError, "released");
});

Deno.test("arrays of all sizes go in and come out, also without elements or axes", async () => {
  const cpu = sumsBackend();
  for (const shape of [[], [2], [0, 3], [33], [16_384], [16_385], [70_000]]) {
    const jaxpr = program((x, y) => [add(x, y), x, y], f32(...shape), f32(...shape));
    const outs = cpu.compile(jaxpr, "pass").run([array(1, shape), array(2, shape)]);
    assertEquals(outs.map((o) => o.shape), [shape, shape, shape]);
    const [sum, x, y] = await elements(outs);
    assert(sum!.every((v) => v === 3) && x!.every((v) => v === 1) && y!.every((v) => v === 2));
  }
});

Deno.test("constants and inputs as outputs, in memory of their own", async () => {
  const cpu = sumsBackend();
  const jaxpr = program((x) => [x, x, array(7, [LARGE]), array(5, [2])], f32(LARGE));
  const pass = cpu.compile(jaxpr, "pass");
  const x = array(3, [LARGE]);
  for (let i = 0; i < 2; i++) {
    const outs = pass.run([x]);
    assertEquals((await elements(outs)).map((v) => v[v.length - 1]), [3, 3, 7, 5]);
    for (const out of outs) out.dispose();
  }
  assertEquals(x.values[0], 3);
});

Deno.test("large results stay on the heap until they are read, and feed the next program", () => {
  const cpu = sumsBackend();
  const double = cpu.compile(twice(LARGE), "twice");
  let y = double.run([array(1, [LARGE])])[0]!;
  assertEquals(cpu.memoryInUse, 2 * BYTES);
  for (let i = 0; i < 5; i++) {
    const next = double.run([y])[0]!;
    y.dispose();
    y = next;
  }
  assertEquals(cpu.memoryInUse, 2 * BYTES);
  assertEquals(y.device?.backend, "cpu");
  assertEquals(y.values[LARGE - 1], 64);
  y.dispose();
  y.dispose();
  assertEquals(cpu.memoryInUse, BYTES);
  assertThrows(() => double.run([y]), TypeError, "dispose");
});

Deno.test("a large input is copied once", () => {
  const cpu = sumsBackend();
  const double = cpu.compile(twice(LARGE), "twice");
  const x = array(1, [LARGE]);
  for (let i = 0; i < 3; i++) double.run([x])[0]!.dispose();
  assertEquals(cpu.memoryInUse, BYTES);
  x.dispose();
  assertThrows(() => double.run([x]), TypeError, "dispose");
});

Deno.test("over budget, results come to the host and copies of inputs go", () => {
  const cpu = sumsBackend();
  const held: ConcreteArray[] = [];
  const plus = cpu.compile(program((x, y) => [add(x, y)], f32(LARGE), f32(LARGE)), "plus");
  cpu.memoryBudget = 6 * BYTES;
  let y = array(0, [LARGE]);
  for (let i = 1; i <= 20; i++) {
    y = plus.run([y, array(i, [LARGE])])[0]!;
    held.push(y);
    assert(cpu.memoryInUse <= cpu.memoryBudget);
  }
  assert(held[0]!.device !== null && held[19]!.device === null);
  assertEquals(held.map((h) => h.values[5]), held.map((_, i) => (i + 1) * (i + 2) / 2));
  assert(cpu.heapBytes < 16 * BYTES, `${cpu.heapBytes} bytes`);
});

Deno.test("a run that needs more inputs than the budget still works", () => {
  const cpu = sumsBackend();
  cpu.memoryBudget = 0;
  const sums = cpu.compile(
    program((x, y, z) => [add(add(x, y), z)], ...[1, 2, 3].map(() => f32(LARGE))),
    "sums",
  );
  for (let i = 0; i < 2; i++) {
    const [out] = sums.run([1, 2, 3].map((v) => array(v, [LARGE])));
    assert(out!.device === null && out!.values.every((v) => v === 6));
  }
});

Deno.test("a budget is a number of bytes that is not negative", () => {
  const cpu = sumsBackend();
  for (const bytes of [-1, NaN, "1 MB"]) {
    assertThrows(() => cpu.memoryBudget = bytes as number, RangeError, `not ${bytes}`);
  }
});

Deno.test("inputs in flight delay a run, of small and of large arrays; failed ones fail it", async () => {
  const cpu = sumsBackend();
  for (const n of [2, LARGE]) {
    const double = cpu.compile(twice(n), "twice");
    const late = ConcreteArray.inFlight(
      f32(n),
      new Promise((resolve) => setTimeout(() => resolve(new Float32Array(n).fill(2)), 5)),
    );
    const [out] = double.run([late]);
    assert(!out!.ready);
    await ready({ nested: [out, 3, null] });
    assertEquals(out!.values[n - 1], 4);
    const failed = ConcreteArray.inFlight(f32(n), Promise.reject(new Error("lost")));
    const [never] = double.run([failed]);
    await assertRejects(() => ready([never]), Error, "lost");
  }
});

Deno.test("arrays on other backends go in, and results on this one go out to them", async () => {
  await loadBackend("onnx");
  const cpu = sumsBackend();
  const onOnnx = onnx.compile(twice(LARGE), "twice");
  const here = cpu.compile(twice(LARGE), "twice");
  const there = onOnnx.run([array(1, [LARGE])])[0]!;
  assertEquals(there.device?.backend, "onnx");
  const back = here.run([there])[0]!;
  assertEquals(back.device?.backend, "cpu");
  assertEquals(onOnnx.run([back])[0]!.values[7], 8);
  assertEquals(np.add(back, 1).sum().item(), 5 * LARGE);
  // Another heap is another memory, though the backend's name is the same.
  const second = sumsBackend().compile(twice(LARGE), "twice");
  assertEquals(second.run([back])[0]!.values[7], 8);
});

Deno.test("a wrong number of arguments is an error with the name of the function", () => {
  const double = sumsBackend().compile(twice(2), "double");
  assertThrows(() => double.run([]), BackendError, "double takes 1 inputs, 0 were given");
});

Deno.test("100,000 calls leave the memory as it was", () => {
  const cpu = sumsBackend();
  cpu.memory.heap.poison = false;
  const small = cpu.compile(twice(4), "small");
  const large = cpu.compile(twice(20_000), "large");
  const [x, y] = [array(1, [4]), array(1, [20_000])];
  small.run([x]);
  large.run([y]);
  const { used } = cpu.memory.heap;
  const before = cpu.heapBytes;
  for (let i = 0; i < 100_000; i++) small.run([x]);
  for (let i = 0; i < 10_000; i++) large.run([y])[0]!.dispose();
  assertEquals([cpu.memory.heap.used, cpu.heapBytes], [used, before]);
});

Deno.test("large scratch memory is given back after each run", () => {
  const cpu = sumsBackend();
  const n = 5_000_000;
  const jaxpr = program((x) => [add(mul(x, x), x)], f32(n));
  const out = cpu.compile(jaxpr, "f").run([array(2, [n])])[0]!;
  assertEquals(out.values[n - 1], 6);
  out.dispose();
  assert(cpu.memory.heap.used < cpu.memoryInUse + 1024, `${cpu.memory.heap.used} bytes`);
});

Deno.test("results that nothing refers to are freed by the garbage collector", async () => {
  const cpu = sumsBackend();
  const double = cpu.compile(twice(LARGE), "twice");
  const x = array(1, [LARGE]);
  for (let i = 0; i < 50; i++) double.run([x]);
  const before = cpu.memoryInUse;
  for (let i = 0; i < 100 && cpu.memoryInUse >= before; i++) {
    new Float64Array(2 ** 22).fill(i);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert(cpu.memoryInUse < before, "nothing was freed");
});

Deno.test("functions that are compiled and dropped without a pause do not fill the memory", () => {
  const cpu = sumsBackend();
  cpu.memory.heap.poison = false;
  const n = 2 ** 19;
  const make = (value: number) => {
    const constant = array(value, [n]);
    return cpu.compile(program((x) => [add(x, constant)], f32(n)), "plus");
  };
  const x = array(1, [n]);
  const last = (executable: ReturnType<typeof make>): number => {
    const y = executable.run([x])[0]!;
    const value = y.values[n - 1]!;
    y.dispose();
    return value;
  };
  const [first, busy] = [make(1), make(2)];
  assertEquals(last(first), 2);
  for (let i = 0; i < 350; i++) {
    assertEquals(last(make(i)), i + 1);
    assertEquals(last(busy), 3);
  }
  assert(cpu.heapBytes < 0.6e9, `the heap has grown to ${cpu.heapBytes} bytes`);
  // It has lost its constants, and gets them again.
  assertEquals(last(first), 2);
});

Deno.test("the engine of this process runs programs", async () => {
  assertEquals(lacking(ownEngine()), null);
  assertEquals(isRelaxed(ownEngine()!), true);
  await sumsBackend().load();
});

Deno.test("the product of a constant and an input is that of eager code", () => {
  const cpu = sumsBackend();
  const constant = array([1.5, -0, Infinity], [3]);
  const jaxpr = program((x) => [mul(x, constant), mul(constant, constant)], f32(3));
  const outs = cpu.compile(jaxpr, "scale").run([array([2, 3, -1], [3])]);
  assertEquals(outs.map((o) => o.toArray()), [[3, -0, -Infinity], [2.25, 0, Infinity]]);
});

/**
 * The limits of WebAssembly's memory: what an error says, that the backend goes on after it, and that
 * functions which are compiled and dropped do not fill it.
 *
 * @module
 */
import { loadOrt } from "../../lib/backends/ort_direct.ts";
import { onnx } from "../../lib/backends/onnx.ts";
import { setDefaultBackend } from "../../lib/core/backend.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { BackendError, jit, loadBackend, type NDArray, numpy as np } from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

setDefaultBackend("onnx");
await loadBackend("onnx");

/** Of some length n: three arrays of [n, n] at once. */
function crowd(x: NDArray): NDArray {
  const y = np.outer(x, x);
  return np.tanh(y).add(np.sin(y)).max();
}

Deno.test("arrays beyond what WebAssembly can address are named, with function and bytes", () => {
  for (const f of [(x: NDArray) => np.outer(x, x), (x: NDArray) => np.outer(x, x).sum()]) {
    const squares = jit(Object.defineProperty(f, "name", { value: "squares" }));
    const error = assertThrows(() => squares(np.ones([40_000])), BackendError) as Error;
    assert(error.message.startsWith("onnx: program squares failed: out of memory."), error.message);
    assert(error.message.includes("float32[40000,40000] (6.0 GiB, of mul)"), error.message);
  }
});

Deno.test("after memory has run out, the next program runs, and so does the same with more room", async () => {
  await loadBackend("onnx");
  const before = jit((x: NDArray) => x.mul(2))(np.ones([100_000]));
  assertEquals((before as ConcreteArray).device?.backend, "onnx");
  // Most of the address space, which costs nothing as long as it is not written to.
  const ort = await loadOrt();
  ort.tensor("float32", [1_000_000_000]);
  const f = jit(crowd);
  const error = assertThrows(() => f(np.ones([5_500])), BackendError) as Error;
  assert(error.message.includes("float32[5500,5500] (115.4 MiB, of mul)"), error.message);
  const small = jit((x: NDArray) => x.add(1));
  assertEquals(small(np.array([1, 2])).toArray(), [2, 3]);
  assert(f(np.ones([10])).item() > 1.6);
  await loadBackend("onnx");
  assert((await loadOrt()) !== ort);
  assert(f(np.ones([5_500])).item() > 1.6);
  // What was on the old heap is still there.
  assertEquals(small(before).sum().item(), 300_000);
  assertEquals((await before.data()).length, 100_000);
});

Deno.test("a module that has broken down must be loaded again, and then works", async () => {
  await loadBackend("onnx");
  const double = jit((x: NDArray) => x.mul(2));
  const held = double(np.ones([100_000]));
  const ort = await loadOrt();
  const { module } = ort as unknown as { module: { _OrtRun: () => number } };
  const run = module._OrtRun;
  module._OrtRun = () => {
    throw new WebAssembly.RuntimeError("memory access out of bounds");
  };
  try {
    assertThrows(() => double(held), BackendError, "The backend must be loaded again");
  } finally {
    module._OrtRun = run;
  }
  assert(!onnx.ready);
  // Without loading, results are in flight until it has loaded itself.
  const late = double(np.array([1, 2]));
  assertEquals([...await late.data()], [2, 4]);
  await loadBackend("onnx");
  assertEquals(double(held).sum().item(), 400_000);
});

Deno.test("functions that are compiled and dropped without a pause do not fill the memory", async () => {
  const make = (i: number) =>
    jit((x: NDArray) => np.arange(2 ** 19).astype("float32").add(x).mul(i));
  const first = make(1);
  const last = (f: (x: NDArray) => NDArray): number => {
    const y = f(np.array(3));
    const value = y.at(2 ** 19 - 1).item();
    y.dispose();
    return value as number;
  };
  assertEquals(last(first), 2 ** 19 + 2);
  const ort = await loadOrt();
  const { createSession } = ort;
  let opened = 0;
  ort.createSession = function (...args) {
    opened++;
    return createSession.apply(this, args);
  };
  try {
    const busy = make(2);
    for (let i = 0; i < 350; i++) {
      last(make(i));
      last(busy);
    }
  } finally {
    ort.createSession = createSession;
  }
  assertEquals(opened, 351, "what is in use keeps its session");
  assert(onnx.heapBytes < 1.1e9, `the heap has grown to ${onnx.heapBytes} bytes`);
  // It has lost its session, and gets another.
  assertEquals(last(first), 2 ** 19 + 2);
});

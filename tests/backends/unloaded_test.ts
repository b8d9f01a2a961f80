/**
 * What is asked of a backend before it is loaded: programs are refused, results of `jit` come later, of
 * the values as they were.
 *
 * @module
 */
import { BackendError, jit, loadBackend, numpy as np } from "../../mod.ts";
import { cpu } from "../../lib/backends/cpu.ts";
import { onnx } from "../../lib/backends/onnx.ts";
import { getBackend } from "../../lib/core/backend.ts";
import { assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { testOn } from "../support/everywhere.ts";
import { f32, program } from "../support/programs.ts";

const reason = "onnxruntime is loaded before the tests";

// Before the test that loads one.
for (
  const [name, on] of [
    ["onnx", ["cpu", "interpreter"]],
    ["webgpu", ["cpu", "interpreter", "onnx"]],
  ] as const
) {
  testOn(on, reason, `a program for ${name} is refused while ${name} is not loaded`, () => {
    const backend = getBackend(name);
    assertEquals(backend.ready, false);
    assertThrows(
      () => backend.compile(program((x) => [x], f32(1)), "f"),
      BackendError,
      `the backend "${name}" is not loaded: \`await loadBackend("${name}")\` first`,
    );
  });
}

const disposed = "arguments may be disposed of as soon as a call has been made, loaded or not";
testOn(["cpu", "interpreter"], reason, disposed, async () => {
  const double = jit((x: np.NDArray) => x.mul(2), { backend: "onnx" });
  const call = (): np.NDArray => {
    const x = np.array([1, 2]);
    const y = double(x);
    x.dispose();
    assertThrows(() => double(x), TypeError, "dispose");
    return y;
  };
  const early = call();
  assertThrows(() => early.toArray(), Error, "in flight");
  // An operation that waits for it, and for an array that is gone by then.
  const other = np.array([10, 20]);
  const sum = early.add(other);
  other.dispose();
  assertEquals([...await early.data()], [2, 4]);
  assertEquals([...await sum.data()], [12, 24]);
  await loadBackend("onnx");
  assertEquals(call().toArray(), [2, 4]);
});

Deno.test("a budget of memory holds whether it is set before or while loading", async () => {
  const usual = onnx.memoryBudget;
  assertEquals(usual, 512 * 2 ** 20);
  await loadBackend("onnx", { memoryBudget: 2 ** 20 });
  assertEquals(onnx.memoryBudget, 2 ** 20);
  await loadBackend("onnx", { memoryBudget: usual });
  await loadBackend("cpu", { memoryBudget: 2 ** 20 });
  assertEquals(cpu.memoryBudget, 2 ** 20);
  await loadBackend("cpu", { memoryBudget: usual });
  for (const name of ["cpu", "onnx"]) {
    await assertRejects(() => loadBackend(name, { memoryBudget: -1 }), RangeError, "not negative");
  }
  await assertRejects(
    () => loadBackend("interpreter", { memoryBudget: 1 }),
    RangeError,
    'memoryBudget is for "cpu" and "onnx"; "interpreter" has none',
  );
});

/**
 * Eager operations on large arrays are computed by kernels, and nobody can tell but by the clock.
 *
 * @module
 */
import { jit, loadBackend, type NDArray, numpy as np, random } from "../../mod.ts";
import { cpu } from "../../lib/backends/mod.ts";
import { CpuBackend } from "../../lib/backends/cpu.ts";
import { kernelsOf } from "../../lib/backends/eager.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { eagerKernels } from "../../lib/core/trace.ts";
import { assert, assertEquals } from "../support/assert.ts";

const LARGE = 300_000;
const some = (dtype: "float32" | "float64" = "float32"): NDArray =>
  random.normal(random.key(3), [LARGE]).mul(9).astype(dtype);

/** What a function gives in loops alone. */
function inLoops<T>(f: () => T): T {
  eagerKernels(null);
  try {
    return f();
  } finally {
    eagerKernels(kernelsOf(cpu));
  }
}

const onHeap = (x: NDArray): boolean => (x as ConcreteArray).device !== null;

Deno.test("elementwise work has the bits of loops, whichever computes it", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const x = some(dtype);
    const y = x.add(0.5);
    const functions: Readonly<Record<string, () => NDArray>> = {
      add: () => x.add(y),
      number: () => x.mul(3),
      row: () => x.reshape([1000, 300]).sub(y.reshape([1000, 300]).slice([0], [1])),
      exp: () => np.exp(x),
      sin: () => np.sin(x.mul(1e4)),
      pow: () => np.power(np.abs(x), y),
      where: () => np.where(x.greater(y), x, 0),
      convert: () => x.astype("int32"),
      twice: () => x.mul(x),
      transposed: () => x.reshape([1000, 300]).T,
      counted: () => x.greater(y).astype("int32").sum(),
      most: () => x.reshape([1000, 300]).max(1),
    };
    for (const [name, f] of Object.entries(functions)) {
      const expected = inLoops(f).dataSync();
      for (let call = 0; call < 3; call++) {
        assertEquals(f().dataSync(), expected, `${name} of ${dtype}, call ${call}`);
      }
    }
  }
});

Deno.test("the second time, large results are on the heap, and small ones never", () => {
  const [x, few] = [some(), np.arange(100)];
  for (let call = 0; call < 3; call++) {
    const y = x.sub(2.5);
    assertEquals(onHeap(y), call > 0);
    y.dispose();
    assert(!onHeap(few.sub(2.5)));
  }
});

Deno.test("sums and products of matrices are the same bits each time, and near those of loops", () => {
  const x = some().reshape([500, 600]);
  for (const f of [() => x.sum(), () => x.sum(0), () => x.mean(1), () => np.matmul(x, x.T)]) {
    const [first, second] = [f().dataSync(), f().dataSync()];
    assertEquals(first, second);
    const exact = [...inLoops(f).dataSync()];
    const scale = exact.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    assert(first.every((v, i) => Math.abs(v - exact[i]!) <= 1e-5 * scale));
  }
});

Deno.test("results beyond a size of the heap leave it, and none is lost", () => {
  let x = np.zeros([LARGE]);
  const all: NDArray[] = [];
  for (let i = 0; i < 200; i++) all.push(x = x.add(1));
  all.forEach((y, i) => assertEquals(y.at(7).item(), i + 1));
  assert(!onHeap(all.at(-1)!));
  assert(cpu.memoryInUse < 2 ** 28, `${cpu.memoryInUse}`);
  for (const y of all) y.dispose();
});

Deno.test("where nothing can be compiled, loops compute", () => {
  const none = new CpuBackend({
    compiler: () => assert(false) as never,
    uncompilable: () => null,
    other: cpu,
    engine: null,
  });
  eagerKernels(kernelsOf(none));
  try {
    const x = some();
    for (let call = 0; call < 3; call++) assert(!onHeap(x.sub(0.25)));
  } finally {
    eagerKernels(kernelsOf(cpu));
  }
});

Deno.test("arrays of onnxruntime, and in flight, are computed with", async () => {
  await loadBackend("onnx");
  const x = some();
  const doubled = jit((x: NDArray) => x.mul(2), { backend: "onnx" })(x);
  for (let call = 0; call < 3; call++) {
    assertEquals(await doubled.add(x).data(), await x.mul(3).data());
  }
});

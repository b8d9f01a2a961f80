/**
 * The loss of the GPU: everything that was on it says so, and functions run again once the backend has
 * been loaded again.
 *
 * @module
 */
import { loadGpu } from "../../lib/backends/gpu_device.ts";
import {
  BackendError,
  fixedPoint,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  ready,
} from "../../mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { gpuTest } from "../support/gpu.ts";

const backend = "webgpu";
const LARGE = 100_000;

gpuTest("after the device is lost everything says so, and loading again mends it", async () => {
  await loadBackend(backend);
  const double = jit((x: NDArray) => x.mul(2), { backend });
  const root = jit(
    (a: NDArray) => fixedPoint((x) => np.cos(x.mul(a)), np.ones([2])).value,
    { backend },
  );
  const close = async (x: NDArray): Promise<boolean> =>
    Math.abs((await x.data())[0]! - 0.739085) < 1e-3;
  assert(await close(root(np.array(1))));
  const host = np.ones([LARGE]);
  const kept = await double(host);
  const read = await ready(double(np.ones([3])));
  await (kept as unknown as { settled(): Promise<void> }).settled();
  const first = await loadGpu();
  const pending = [root(np.array(0.9)), double(double(kept))];
  first.device.destroy();
  const lost = "the GPU device was lost";
  for (const x of pending) {
    const error = await assertRejects(() => x.data(), BackendError, lost);
    assert((error as Error).message.includes('await loadBackend("webgpu")'));
  }
  await assertRejects(() => kept.data(), BackendError, `float32[${LARGE}] array: webgpu: ${lost}`);
  const named = jit(function tripled(x: NDArray): NDArray {
    return x.mul(3);
  }, { backend });
  assertThrows(() => named(host), BackendError, `program tripled cannot run: webgpu: ${lost}`);
  assertThrows(() => double(host), BackendError, lost);
  assertEquals(read.toArray(), [2, 2, 2]);

  await loadBackend(backend);
  assert((await loadGpu()) !== first);
  assertEquals([...await double(read).data()], [4, 4, 4]);
  assertEquals((await double(host).data())[LARGE - 1], 2);
  assertEquals((await named(host).data())[0], 3);
  assert(await close(root(np.array(1))));
  assertThrows(() => double(kept), BackendError, `float32[${LARGE}] array: webgpu: ${lost}`);
});

gpuTest("arrays that the GPU cannot hold are named, with function and bytes", async () => {
  await loadBackend(backend);
  const { device } = await loadGpu();
  const n = Math.ceil(Math.sqrt(device.limits.maxBufferSize / 4)) + 1;
  const squares = jit(function squares(x: NDArray): NDArray {
    return np.outer(x, x).sum();
  }, { backend });
  const error = assertThrows(() => squares(np.ones([n])), BackendError) as Error;
  assert(error.message.startsWith("webgpu: program squares has arrays beyond"), error.message);
  assert(error.message.includes(`float32[${n},${n}] (`), error.message);
  assertEquals((await squares(np.ones([10])).data())[0], 100);
});

/** The demo's model: exported, run elsewhere, and run on a GPU. */
import { InferenceSession, Tensor } from "onnxruntime-web";
import { jit, loadBackend, type NDArray, ready } from "../../mod.ts";
import { factions, size } from "../../examples/karate/data.ts";
import {
  exportNetwork,
  features,
  type Output,
  plainNetwork,
  train,
} from "../../examples/karate/model.ts";
import { draw } from "../../examples/karate/svg.ts";
import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { gpuTest } from "../support/gpu.ts";

await loadBackend("onnx");
const trained = await train(0, 40, () => {});

function largestGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assertEquals(a.length, b.length);
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
}

function scores(backend: string): Output {
  return jit(plainNetwork, { backend })(trained.params, features) as Output;
}

Deno.test("training puts most members on their side", () => {
  assert(trained.correct >= 30, `${trained.correct} of ${size}`);
  assertEquals(trained.predicted.length, factions.length);
});

Deno.test("the exported network gives the same through the public InferenceSession", async () => {
  const session = await InferenceSession.create(exportNetwork(trained.params));
  assertEquals(session.inputNames, ["features"]);
  assertEquals(session.outputNames, ["out"]);
  const input = new Tensor("float32", features.dataSync() as Float32Array, [size, size]);
  const { out } = await session.run({ features: input });
  assertEquals(out!.dims, [size, 2]);
  const ours: NDArray = scores("onnx").logits;
  assert(largestGap(out!.data as Float32Array, ours.dataSync()) <= 1e-5);
  await session.release();
});

gpuTest("the network on a GPU agrees with WebAssembly", async () => {
  const onGpu = scores("webgpu");
  await ready(onGpu);
  assertEquals(onGpu.solution.statusName, "converged", onGpu.solution.message);
  const gap = largestGap(onGpu.logits.dataSync(), scores("onnx").logits.dataSync());
  assert(gap <= 1e-4, `largest difference ${gap}`);
});

Deno.test("the picture shows every member and friendship", () => {
  const svg = draw(trained.predicted, [1, 0.1, 0.01]);
  assertEquals(svg.match(/<circle [^>]*stroke=/g)!.length, size);
  assertEquals(svg.match(/<line x1="[\d.]+" y1="[\d.]+" x2="[\d.]+" y2="[\d.]+"\/>/g)!.length, 78);
  assertStringIncludes(svg, `${trained.correct} of ${size} right`);
});

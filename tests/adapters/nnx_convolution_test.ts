/**
 * Convolution layers and pooling of the NNX adapter against those of Flax's NNX, initial values included.
 *
 * @module
 */
import { jit, type NDArray, numpy as np, ShapeError } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import {
  array,
  assertState,
  assertTree,
  type Entries,
  type Json,
  recorded,
} from "./nnx_recorded.ts";

type Case = Record<"x" | "y" | "dx", Json> & { state: Entries; grads: Entries };
const { pools, ...cases } = recorded.convolutions as unknown as Record<string, Case>;
const rngs = (seed: number): nnx.Rngs => new nnx.Rngs(seed);

Deno.test("convolutions have the initial values, results and gradients of the original", () => {
  const mask = np.tril(np.ones([2, 3, 2]));
  const layers: Record<string, nnx.Module & { call(x: NDArray): NDArray }> = {
    conv: new nnx.Conv(2, 3, [3, 2], { rngs: rngs(1) }),
    causal: new nnx.Conv(3, 2, 3, {
      strides: 2,
      padding: "CAUSAL",
      kernelDilation: 2,
      rngs: rngs(2),
    }),
    groups: new nnx.Conv(2, 4, [3, 3], {
      strides: [2, 1],
      padding: "CIRCULAR",
      featureGroupCount: 2,
      useBias: false,
      rngs: rngs(3),
    }),
    pairs: new nnx.Conv(2, 3, [2, 3], { padding: [1, [0, 2]], inputDilation: 2, rngs: rngs(4) }),
    masked: new nnx.Conv(3, 2, 2, { mask, rngs: rngs(5) }),
    transpose: new nnx.ConvTranspose(2, 3, [3, 2], { strides: [2, 1], rngs: rngs(6) }),
    round: new nnx.ConvTranspose(2, 3, [3, 4], {
      strides: 2,
      padding: "CIRCULAR",
      transposeKernel: true,
      biasInit: nnx.initializers.normal(0.5),
      rngs: rngs(7),
    }),
    causalTranspose: new nnx.ConvTranspose(3, 2, 3, {
      padding: [[2, 0]],
      kernelDilation: 2,
      rngs: rngs(8),
    }),
    instance: new nnx.InstanceNorm(2, {
      scaleInit: nnx.initializers.normal(1),
      rngs: rngs(9),
    }),
  };
  assertEquals(Object.keys(cases).sort(), Object.keys(layers).sort());
  for (const [name, m] of Object.entries(layers)) {
    const r = cases[name]!;
    const x = array(r.x);
    assertState(m, r.state, 1e-6);
    assertClose(m.call(x), array(r.y), 5e-6, name);
    assertClose(jit((x: NDArray) => m.call(x))(x), array(r.y), 5e-6, `${name}, compiled`);
    const slopes = nnx.grad((m: typeof layers.conv, x: NDArray) => np.sin(m!.call(x)).sum(), {
      argnums: [0, 1],
    });
    const [grads, dx] = slopes(m, x) as unknown as [unknown, NDArray];
    assertTree(grads, r.grads, 5e-5);
    assertClose(dx, array(r.dx), 2e-5, `${name}: by the input`);
  }
});

Deno.test("pooling is that of the original", () => {
  const { x: given, ...wanted } = pools as unknown as Record<string, Json>;
  const x = array(given);
  const own: Record<string, NDArray> = {
    avg: nnx.avgPool(x, [2, 2], { strides: [2, 1] }),
    max: nnx.maxPool(x, [3, 2], { padding: "SAME" }),
    min: nnx.minPool(x, [2, 3], { padding: [[1, 0], [0, 1]] }),
    inside: nnx.avgPool(x, [3, 3], { padding: "SAME", countIncludePad: false }),
  };
  assertEquals(Object.keys(wanted).sort(), Object.keys(own).sort());
  for (const [name, y] of Object.entries(own)) assertClose(y, array(wanted[name]), 1e-6, name);
});

Deno.test("what convolutions cannot take is refused", () => {
  const conv = new nnx.Conv(3, 2, [3, 3], { rngs: rngs(0) });
  assertThrows(() => conv.call(np.ones([4, 3])), ShapeError, "nnx.Conv: the input must have axes");
  assertThrows(() => conv.call(np.ones([4, 4, 2])), ShapeError, "must have 3 elements");
  assertThrows(() => new nnx.Conv(3, 2, 3, {} as never), TypeError, "rngs must be random streams");
  assertThrows(
    () => new nnx.Conv(3, 2, 3, { featureGroupCount: 2, rngs: rngs(0) }),
    ShapeError,
    "3 channels of the input do not make 2 groups",
  );
  assertThrows(
    () => new nnx.ConvTranspose(3, 2, 3, { mask: np.ones([3]), rngs: rngs(0) }),
    ShapeError,
    "the mask must have the shape of the weights",
  );
});

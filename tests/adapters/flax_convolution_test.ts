/**
 * Convolution and pooling layers against those of flax, and what they say about wrong arguments.
 *
 * @module
 */
import {
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  random,
  ShapeError,
  vmap,
} from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { assertAsFlax, recorded } from "./flax_recorded.ts";

await loadBackend("onnx");

const { Conv, ConvLocal, ConvTranspose } = flax;
const { normal } = flax.initializers;

Deno.test("convolutions have the initial values, results and gradients of flax", () => {
  assertAsFlax("conv", new Conv(4, [3, 3]));
  assertAsFlax(
    "conv_one_axis",
    new Conv(4, 3, { strides: 2, padding: "CAUSAL", kernelDilation: 2 }),
  );
  assertAsFlax(
    "conv_valid",
    new Conv(4, [3, 2], { strides: [2, 1], padding: "VALID", useBias: false }),
  );
  assertAsFlax(
    "conv_circular",
    new Conv(3, [4, 3], { padding: "CIRCULAR", kernelDilation: [1, 2] }),
  );
  assertAsFlax("conv_reflect", new Conv(3, [3, 4], { padding: "REFLECT", strides: 2 }));
  assertAsFlax(
    "conv_pairs",
    new Conv(3, [3, 2], { padding: [1, [0, 2]], inputDilation: [2, 1], biasInit: normal(0.5) }),
  );
  assertAsFlax("conv_groups", new Conv(6, [3], { featureGroupCount: 2 }));
  assertAsFlax("conv_no_batch", new Conv(2, [2, 2, 3], { padding: 1 }));
  assertAsFlax("conv_masked", new Conv(4, [3], { mask: recorded("conv_mask").mask as NDArray }));
});

Deno.test("convolutions with weights at each place are those of flax", () => {
  assertAsFlax("conv_local", new ConvLocal(3, [3, 2], { strides: [2, 1] }));
  assertAsFlax("conv_local_valid", new ConvLocal(3, [3], { padding: "VALID", kernelDilation: 2 }));
  assertAsFlax(
    "conv_local_pairs",
    new ConvLocal(3, 3, { padding: [[1, 2]], inputDilation: 2, strides: 3 }),
  );
});

Deno.test("transposed convolutions are those of flax, round ones too", () => {
  assertAsFlax("conv_transpose", new ConvTranspose(4, [3, 3], { strides: [2, 2] }));
  assertAsFlax("conv_transpose_valid", new ConvTranspose(3, 4, { strides: [2], padding: "VALID" }));
  assertAsFlax(
    "conv_transpose_kernel",
    new ConvTranspose(3, [4, 3], {
      strides: [2, 1],
      transposeKernel: true,
      kernelDilation: [1, 2],
    }),
  );
  assertAsFlax(
    "conv_transpose_pairs",
    new ConvTranspose(3, [3], { padding: [[1, 2]], useBias: false }),
  );
  assertAsFlax(
    "conv_transpose_round",
    new ConvTranspose(3, [4, 3], { strides: 2, padding: "CIRCULAR" }),
  );
  assertAsFlax(
    "conv_transpose_round_kernel",
    new ConvTranspose(3, [5, 2], { strides: [2, 3], padding: "CIRCULAR", transposeKernel: true }),
  );
});

Deno.test("pooling is that of flax", () => {
  class Pooled extends flax.Module {
    constructor(readonly pool: (x: NDArray) => NDArray) {
      super();
    }
    call(x: NDArray): NDArray {
      return this.pool(x);
    }
  }
  const same = { strides: [2, 1], padding: "SAME" as const };
  const pools: Record<string, (x: NDArray) => NDArray> = {
    avg: (x) => flax.avgPool(x, [2, 2], { strides: [2, 2] }),
    avg_same: (x) => flax.avgPool(x, [3, 2], same),
    avg_inside: (x) => flax.avgPool(x, [3, 2], { ...same, countIncludePad: false }),
    avg_pairs: (x) => flax.avgPool(x, [3], { padding: [[1, 2]], countIncludePad: false }),
    max: (x) => flax.maxPool(x, [3, 2], { strides: [2, 2], padding: "SAME" }),
    max_one: (x) => flax.maxPool(x, [2, 2]),
    min: (x) => flax.minPool(x, [3], { padding: [[1, 0]] }),
  };
  for (const [name, pool] of Object.entries(pools)) {
    assertAsFlax(`pool_${name}`, new Pooled(pool));
  }
  const x = np.array([[1], [2], [3]]);
  assertEquals(flax.pool(x, 10, "mul", [2]).toArray(), [[20], [60]]);
  assertEquals(flax.pool(x, 0, (a, b) => a.add(b), [2], { strides: [2] }).toArray(), [[3]]);
});

Deno.test("any axes of batches are as one, and as lanes", () => {
  const layer = new Conv(2, [3, 2], { strides: 2 });
  const x = random.normal(random.key(0), [2, 3, 5, 4, 2]);
  const variables = layer.init(random.key(1), x);
  const y = layer.apply(variables, x);
  assertEquals(y.shape, [2, 3, 3, 2, 2]);
  const one = (x: NDArray): NDArray => layer.apply(variables, x);
  assertClose(vmap(vmap(one))(x), y, 1e-5);
  assertClose(jit(vmap(one))(x), y, 1e-5);
  assertClose(flax.maxPool(x, [2, 2]), vmap((x: NDArray) => flax.maxPool(x, [2, 2]))(x), 0);
});

Deno.test("what windows cannot be is said in the words of the layer", () => {
  const init = (layer: flax.Module & { call(x: NDArray): NDArray }, shape: number[]) => () =>
    layer.init(random.key(0), np.ones(shape));
  assertThrows(() => new Conv(0, 3), ShapeError, "new flax.Conv: features");
  assertThrows(() => new Conv(2, []), ShapeError, "new flax.Conv: kernelSize must be");
  assertThrows(
    () => new Conv(2, [3, 3], { strides: [1] }),
    ShapeError,
    "strides must be an integer of at least 1, or a list of 2 such, not [1]",
  );
  assertThrows(
    init(new Conv(2, [3, 3]), [4, 3]),
    ShapeError,
    "flax.Conv: the input must have axes",
  );
  assertThrows(
    init(new Conv(2, 3, { featureGroupCount: 2 }), [1, 4, 3]),
    ShapeError,
    "3 channels of the input do not make 2 groups",
  );
  assertThrows(
    init(new Conv(2, 3, { padding: "same-ish" as never }), [1, 4, 3]),
    TypeError,
    'flax.Conv: the padding must be "SAME", "VALID", "CIRCULAR", "REFLECT", "CAUSAL"',
  );
  assertThrows(
    init(new Conv(2, [3, 3], { padding: "CAUSAL" }), [1, 4, 4, 3]),
    ShapeError,
    '"CAUSAL" padding is for kernels of one axis, not [3,3]',
  );
  assertThrows(
    init(new Conv(2, 3, { inputDilation: 2 }), [1, 4, 3]),
    TypeError,
    'with inputDilation the padding must be an integer or pairs, not "SAME"',
  );
  assertThrows(
    init(new Conv(2, 3, { mask: np.ones([3]) }), [1, 4, 3]),
    ShapeError,
    "the mask must have the shape of the weights, [3,3,2], but has shape [3]",
  );
  assertThrows(
    init(new ConvTranspose(2, 3, { padding: "CAUSAL" as never }), [1, 4, 3]),
    TypeError,
    "flax.ConvTranspose: the padding",
  );
  assertThrows(() => flax.avgPool(np.ones([4, 3]), [2, 2]), ShapeError, "avgPool: windows");
  assertThrows(() => flax.maxPool(np.ones([4, 3]), [2], { strides: [0] }), ShapeError, "strides");
  assertThrows(() => flax.minPool(1 as never, [2]), TypeError, "minPool: the input must be");
  assertThrows(() => flax.minPool(np.ones([4, 3]), [2], { step: 1 } as never), TypeError, "step");
});

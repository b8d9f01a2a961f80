/**
 * What initialisers of the module systems draw against what those of the originals drew
 * (tests/reference/record_haiku.py, record_trax.py; those of flax are in flax_test.ts).
 *
 * @module
 */
import { type DType, type NDArray, numpy as np, random, treeLeaves } from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import haiku from "../reference/haiku.json" with { type: "json" };
import trax from "../reference/trax.json" with { type: "json" };
import { difference, ulps } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";
import { load, type Recorded } from "../support/recorded.ts";

const key = random.key(5);

/** Asserts that arrays are within some rounding errors: 2, and more where a matrix is factorised. */
function assertDrawn(drawn: Record<string, NDArray>, recorded: Record<string, NDArray>): void {
  assertEquals(Object.keys(drawn).sort(), Object.keys(recorded).sort());
  for (const [name, own] of Object.entries(drawn)) {
    const wanted = recorded[name]!;
    assertEquals([own.shape, own.dtype], [wanted.shape, wanted.dtype], name);
    const problem = difference(own, wanted, ulps(wanted, name.startsWith("orthogonal") ? 8 : 2));
    if (problem !== null) throw new Error(`${name}: ${problem}`);
  }
}

Deno.test("initialisers draw what those of Haiku draw", () => {
  const h = hk.initializers;
  const drawn = (make: (shape: readonly number[], dtype: DType) => NDArray, shape: number[]) =>
    hk.transform(() => make(shape, "float32")).apply({}, key);
  const cases = haiku.cases.initializers as Record<string, unknown>;
  assertDrawn(
    {
      // Keys go their own way here, so that the originals were given this one.
      key: random.keyData(hk.transform(() => hk.nextRngKey()).apply({}, key)),
      constant: drawn(h.constant([1, 2, 3]), [2, 3]),
      identity: drawn(h.identity(2), [2, 3, 4]),
      orthogonal: drawn(h.orthogonal(2), [3, 5]),
      orthogonal_tall: drawn(h.orthogonal(), [5, 3]),
      orthogonal_square: drawn(h.orthogonal(), [4, 4]),
      orthogonal_axis: drawn(h.orthogonal(1, 1), [2, 3, 2]),
      random_normal: drawn(h.randomNormal(0.3, 1), [3, 4]),
      random_uniform: drawn(h.randomUniform(-1, 2), [3, 4]),
      truncated_normal: drawn(h.truncatedNormal(0.3, 1), [3, 4]),
      truncated_normal_bounds: drawn(h.truncatedNormal(1, 0, -1, 0.5), [7]),
      uniform_scaling: drawn(h.uniformScaling(0.5), [2, 3, 4]),
      variance_scaling: drawn(h.varianceScaling(), [3, 4]),
      variance_scaling_kernel: drawn(h.varianceScaling(2, "fanOut", "normal"), [3, 2, 4]),
      variance_scaling_axes: drawn(h.varianceScaling(2, "fanAvg", "uniform", [0]), [3, 2, 4]),
      variance_scaling_list: drawn(h.varianceScaling(2, "fanAvg", "uniform"), [3]),
    },
    Object.fromEntries(Object.entries(cases).map(([name, x]) => [name, load(x as Recorded)])),
  );
});

Deno.test("initialisers draw what those of Trax draw", () => {
  assertDrawn(
    {
      normal: tl.RandomNormalInitializer(0.3)([3, 4], key),
      uniform: tl.RandomUniformInitializer(0.3)([3, 4], key),
      glorotNormal: tl.GlorotNormalInitializer()([3, 4], key),
      glorotNormalKernel: tl.GlorotNormalInitializer(0, 1, 2)([3, 2, 4], key),
      glorotUniform: tl.GlorotUniformInitializer()([2, 3, 4], key),
      leCunNormal: tl.LeCunNormalInitializer()([3, 4], key),
      leCunUniform: tl.LeCunUniformInitializer()([3, 4], key),
      kaimingNormal: tl.KaimingNormalInitializer(-1, -2, 0.5)([3, 4], key),
      kaimingUniform: tl.KaimingUniformInitializer()([3, 4], key),
      orthogonal: tl.OrthogonalInitializer(2)([2, 2, 3], key),
      orthogonalWide: tl.OrthogonalInitializer()([3, 5], key),
      atari: tl.AtariConvInit([3, 2, 2, 3], key),
    },
    Object.fromEntries(
      Object.entries(trax.initializers).map(([name, { shape, data }]) => [
        name,
        np.array(data).reshape(shape),
      ]),
    ),
  );
});

Deno.test("initialisers of NNX are those of Flax, with makers of zeros and ones", () => {
  const shape = [3, 2];
  for (const { initializers: i } of [flax, nnx]) {
    assertEquals([i.zerosInit(), i.onesInit()], [i.zeros, i.ones]);
    assertEquals(i.ones(key, shape).toArray(), [[1, 1], [1, 1], [1, 1]]);
  }
  const names = (all: object) => Object.keys(all).sort();
  assertEquals(names(nnx.initializers), names(flax.initializers));
  const layer = new nnx.Linear(3, 2, {
    kernelInit: nnx.initializers.constant(2),
    biasInit: nnx.initializers.ones,
    rngs: new nnx.Rngs(0),
  });
  assertEquals(treeLeaves(layer.call(np.ones([3]))).map((x) => (x as NDArray).toArray()), [[7, 7]]);
});

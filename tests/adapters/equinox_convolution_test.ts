/**
 * Convolution and pooling layers of the Equinox adapter against Equinox's own numbers, initial parameters
 * included; eager, and as one compiled program.
 *
 * @module
 */
import { jit, type NDArray, numpy as np, random, ShapeError, StateError } from "../../mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import recorded from "../reference/equinox.json" with { type: "json" };
import { assertClose } from "../support/arrays.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const arr = ({ shape, data }: Recorded): NDArray => np.array([...data]).reshape([...shape]);
const key = random.key(0);
const { nn } = eqx;

Deno.test("convolutions have Equinox's initial values, results and gradients", () => {
  const models: Record<string, eqx.nn.Conv | eqx.nn.ConvTranspose> = {
    conv1d: new nn.Conv1d(4, 2, 3, { stride: 2, padding: 1, key }),
    conv2d: new nn.Conv2d(2, 4, [3, 2], {
      padding: [[1, 2], [0, 1]],
      dilation: [1, 2],
      groups: 2,
      key,
    }),
    conv2dSame: new nn.Conv2d(2, 3, 3, { stride: 2, padding: "SAME", useBias: false, key }),
    conv2dReflect: new nn.Conv2d(2, 2, 3, { padding: [1, 2], paddingMode: "REFLECT", key }),
    conv2dReplicate: new nn.Conv2d(2, 2, 2, {
      padding: "SAME_LOWER",
      paddingMode: "REPLICATE",
      key,
    }),
    conv2dRound: new nn.Conv2d(2, 2, 3, { padding: "SAME", paddingMode: "CIRCULAR", key }),
    conv3d: new nn.Conv3d(2, 2, 2, { key }),
    convTranspose1d: new nn.ConvTranspose1d(4, 2, 3, {
      stride: 2,
      padding: 1,
      outputPadding: 1,
      key,
    }),
    convTranspose2d: new nn.ConvTranspose2d(2, 2, [3, 2], {
      stride: [2, 3],
      dilation: [2, 1],
      groups: 2,
      key,
    }),
    convTranspose2dSame: new nn.ConvTranspose2d(2, 3, 4, { stride: 2, padding: "SAME", key }),
    convTranspose2dRound: new nn.ConvTranspose2d(2, 2, 3, {
      padding: "SAME_LOWER",
      paddingMode: "CIRCULAR",
      key,
    }),
    convTranspose3d: new nn.ConvTranspose3d(2, 1, 2, { stride: 2, useBias: false, key }),
  };
  const cases: Record<string, Record<string, Recorded>> = recorded.convolutions;
  assertEquals(Object.keys(models).sort(), Object.keys(cases).sort());
  for (const [name, layer] of Object.entries(models)) {
    const r = cases[name]!;
    const x = arr(r.x!);
    assertClose(layer.weight, arr(r.weight!), 1e-7, `${name}: weight`);
    if (layer.bias === null) assertEquals(r.bias, undefined);
    else assertClose(layer.bias, arr(r.bias!), 1e-7, `${name}: bias`);
    type Model = typeof layer;
    const loss = (m: Model, x: NDArray): NDArray => np.sin(m.call(x)).sum();
    const all = (m: Model, x: NDArray): [NDArray, Model, NDArray] => [
      m.call(x),
      eqx.filterGrad((m: Model) => loss(m, x))(m),
      eqx.filterGrad((x: NDArray) => loss(m, x))(x),
    ];
    for (const [how, run] of [["eager", all], ["compiled", jit(all)]] as const) {
      const [y, slopes, dx] = run(layer, x);
      assertClose(y, arr(r.y!), 5e-6, `${name}, ${how}: y`);
      assertClose(slopes.weight, arr(r.dweight!), 2e-5, `${name}, ${how}: slope by the weight`);
      if (slopes.bias) {
        assertClose(slopes.bias, arr(r.dbias!), 2e-5, `${name}, ${how}: by the bias`);
      }
      assertClose(dx, arr(r.dx!), 5e-6, `${name}, ${how}: by the input`);
    }
  }
});

Deno.test("pooling has Equinox's results and gradients", () => {
  const models: Record<string, { call(x: NDArray): NDArray }> = {
    avgPool1d: new nn.AvgPool1d(3, { stride: 2, padding: 1 }),
    avgPool2d: new nn.AvgPool2d([2, 3], {
      stride: [2, 1],
      padding: [[1, 0], [0, 2]],
      useCeil: true,
    }),
    avgPool3d: new nn.AvgPool3d(2),
    maxPool1d: new nn.MaxPool1d(2, { stride: 2 }),
    maxPool2d: new nn.MaxPool2d(3, { stride: 2, padding: 1, useCeil: true }),
    maxPool3d: new nn.MaxPool3d(2),
    adaptiveAvgPool1d: new nn.AdaptiveAvgPool1d(3),
    adaptiveAvgPool2d: new nn.AdaptiveAvgPool2d([3, 2]),
    adaptiveAvgPool3d: new nn.AdaptiveAvgPool3d(1),
    adaptiveMaxPool1d: new nn.AdaptiveMaxPool1d(2),
    adaptiveMaxPool2d: new nn.AdaptiveMaxPool2d(2),
    adaptiveMaxPool3d: new nn.AdaptiveMaxPool3d([2, 1, 2]),
  };
  const cases: Record<string, Record<string, Recorded>> = recorded.pools;
  assertEquals(Object.keys(models).sort(), Object.keys(cases).sort());
  for (const [name, layer] of Object.entries(models)) {
    const r = cases[name]!;
    const both = (x: NDArray): [NDArray, NDArray] => [
      layer.call(x),
      eqx.filterGrad((x: NDArray) => np.sin(layer.call(x)).sum())(x),
    ];
    for (const [how, run] of [["eager", both], ["compiled", jit(both)]] as const) {
      const [y, dx] = run(arr(r.x!));
      assertClose(y, arr(r.y!), 2e-6, `${name}, ${how}: y`);
      assertClose(dx, arr(r.dx!), 2e-6, `${name}, ${how}: by the input`);
    }
  }
});

Deno.test("a batch is mapped over, and what layers cannot take is refused", () => {
  const conv = new nn.Conv2d(2, 3, 3, { key });
  const xs = random.normal(key, [4, 2, 5, 5]);
  assertEquals(eqx.filterVmap((x: NDArray) => conv.call(x))(xs).shape, [4, 3, 3, 3]);
  assertThrows(() => conv.call(xs), ShapeError, "For a batch, use eqx.filterVmap");
  assertThrows(() => new nn.Conv2d(2, 3, 3), StateError, "a key is needed");
  assertThrows(() => new nn.Conv2d(2, 3, [3], { key }), ShapeError, "a list of 2 such, not [3]");
  assertThrows(
    () => new nn.Conv1d(3, 2, 3, { groups: 2, key }),
    ShapeError,
    "do not make 2 groups",
  );
  assertThrows(
    () => new nn.Conv1d(3, 2, 3, { paddingMode: "ROUND" as never, key }),
    TypeError,
    'paddingMode must be ZEROS, REFLECT, REPLICATE, CIRCULAR, not "ROUND"',
  );
  assertThrows(
    () => new nn.ConvTranspose1d(3, 2, 3, { outputPadding: 1, key }),
    ShapeError,
    "must be below the stride",
  );
  assertThrows(
    () => new nn.ConvTranspose1d(3, 2, 3, { paddingMode: "CIRCULAR", key }),
    TypeError,
    'or "CIRCULAR" with padding "SAME"',
  );
  assertThrows(
    () => new nn.MaxPool1d(2, { padding: 3 }).call(xs.at(0).at(0)),
    ShapeError,
    "longer",
  );
  assertThrows(() => new nn.MaxPool2d(2).call(xs), ShapeError, "[channels, 2 axes");
  assertThrows(
    () => new nn.AdaptiveMaxPool1d(9).call(xs.at(0).at(0)),
    ShapeError,
    "at least [9] elements",
  );
});

/** The layers of the Trax adapter against Trax's own numbers, initial weights included. */
import { jit, type NDArray, numpy as np, random, treeLeaves } from "../../mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import recorded from "../reference/trax.json" with { type: "json" };
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const isArray = (x: unknown): x is Recorded => typeof x === "object" && x !== null && "data" in x;

/** Arrays of what was recorded: whole numbers as int32 where that is said. */
function arrays(x: unknown, dtype: "float32" | "int32" = "float32"): tl.Values {
  if (isArray(x)) return np.array([...x.data], { dtype }).reshape([...x.shape]);
  if (Array.isArray(x)) return x.map((y) => arrays(y, dtype));
  return tl.shared;
}

/** Compares leaf by leaf; zeros may have either sign, and counters are whole. */
function close(actual: tl.Values, expected: unknown, tolerance: number, what: string): void {
  const found = treeLeaves(actual) as NDArray[];
  const wanted = treeLeaves(arrays(expected)) as NDArray[];
  assertEquals(found.map((x) => x.shape), wanted.map((x) => x.shape), what);
  found.forEach((x, i) =>
    assertClose(x.astype("float32"), wanted[i]!.toArray(), tolerance, `${what}, array ${i}`)
  );
}

const key = random.key(0), run = random.key(7);
const norm = (): tl.Layer => tl.Serial(tl.Dense(3), tl.BatchNorm({ axis: 0 }));
const larger = tl.Fn("Larger", (x) => x.sum().greater(0));
const cond = (): tl.AnyLayer =>
  tl.Cond(larger as tl.AnyLayer, norm() as tl.AnyLayer, norm() as tl.AnyLayer);
const shared = tl.Dense(3);
const step = tl.Serial<readonly NDArray[], readonly NDArray[]>(
  ...[tl.Add(), tl.Dropout(0.5), tl.BatchNorm({ axis: 0, momentum: 0.5 }), tl.Dup()],
);

const models: Readonly<
  Record<string, tl.Layer | tl.AnyLayer | tl.Layer<readonly NDArray[], readonly NDArray[]>>
> = {
  dense: tl.Dense(2),
  denseNoBias: tl.Dense(2, { useBias: false }),
  mlp: tl.Serial(tl.Dense(4), tl.Tanh(), tl.Serial(tl.Dense(5), tl.Dense(2))),
  shared: tl.Serial(shared, tl.Tanh(), tl.Dense(3), shared),
  branch: tl.Serial(
    tl.Branch(tl.Dense(2), null, [tl.Dense(4), tl.Dense(2)]) as tl.Layer<tl.Tensors, tl.Tensors>,
    tl.Parallel(null, tl.Dense(2)) as tl.Layer<tl.Tensors, tl.Tensors>,
    ...[tl.Add(), tl.Multiply()],
  ),
  residual: tl.Residual(tl.Dense(3), tl.Tanh(), { shortcut: tl.Dense(3) }),
  layerNorm: tl.Serial(tl.Dense(3), tl.LayerNorm()),
  batchNorm: tl.Serial(tl.Dense(3), tl.BatchNorm({ axis: [0], momentum: 0.9 })),
  batchNormImages: tl.BatchNorm(),
  dropout: tl.Serial(tl.Dense(3), tl.Dropout(0.4), tl.Dropout(0.2)),
  embedding: tl.Embedding(6, 4),
  lstmCell: tl.LSTMCell(4),
  gruCell: tl.GRUCell(4),
  lstm: tl.LSTM(3),
  gru: tl.GRU(3),
  conv: tl.Conv(3, [3, 2]),
  convSame: tl.Conv(3, [3, 2], { strides: [2, 1], padding: "SAME", useBias: false }),
  convFirst: tl.Conv(3, [2, 2], { dimensionNumbers: ["NCHW", "OIHW", "NCHW"] }),
  convBatches: tl.Conv(2, [2, 2]),
  conv1d: tl.Conv1d(4, 3, { stride: 2, padding: "SAME" }),
  causalConv: tl.CausalConv(2, 3),
  causalDepthwiseConv: tl.CausalDepthwiseConv(3),
  maxPool: tl.MaxPool(),
  sumPool: tl.SumPool([3, 2], { strides: [2, 1], padding: "SAME" }),
  avgPool: tl.AvgPool([3, 2], { padding: "SAME" }),
  scan: tl.Scan(step as unknown as tl.AnyLayer),
  cond: cond(),
  condFalse: cond(),
};

Deno.test("there is a model for each one that was recorded", () => {
  const { activations, initializers: _, ...rest } = recorded;
  assertEquals(Object.keys(models).sort(), Object.keys(rest).sort());
  assert(Object.keys(activations).length > 10);
});

for (const [name, model] of Object.entries(models)) {
  Deno.test(`Trax's numbers: ${name}`, () => {
    const r = (recorded as unknown as Record<string, Record<string, unknown>>)[name]!;
    const layer = model as tl.AnyLayer;
    const x = arrays(r.x, name === "embedding" ? "int32" : "float32") as tl.Tensors;
    const [weights, state] = layer.init(tl.signature(x), key);
    close(weights, r.weights, 1e-6, "weights");
    // Dropout keeps its rate in the state there.
    const hasRates = name === "dropout" || name === "scan";
    const ofState = (r.state as Recorded[]).filter((s) =>
      !hasRates || s.shape.length > 0 || Number.isInteger(s.data[0])
    );
    const [y, after] = layer.pureFn(x, weights, state, run);
    close(y as tl.Values, r.y, 2e-5, "y");
    close(after, ofState, 2e-5, "state");
    const loss = (w: tl.Values): NDArray =>
      [layer.pureFn(x, w, state, run)[0]].flat().map((y) => np.sin(y).sum()).reduce((a, b) =>
        a.add(b)
      );
    if (treeLeaves(weights).length === 0) return;
    const slopes = tl.transforms.grad(loss);
    close(slopes(weights) as tl.Values, r.slopes, 5e-5, "slopes");
    close(jit(slopes)(weights) as tl.Values, r.slopes, 5e-5, "compiled slopes");
  });
}

Deno.test("Trax's numbers: activations", () => {
  const x = arrays(recorded.dense.x) as NDArray;
  for (const [name, y] of Object.entries(recorded.activations)) {
    const make = (tl as unknown as Record<string, () => tl.Layer>)[name]!;
    assertClose(make().call(x), (arrays(y) as NDArray).toArray(), 2e-6, name);
  }
});

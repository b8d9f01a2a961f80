/** One deep equilibrium model in all worlds: pure, and in each adapter, from the same parameters. */
import {
  exportOnnx,
  fixedPoint,
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  random,
  type ShapeDtype,
  vmap,
} from "../../mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { openFile } from "../support/files.ts";

await loadBackend("onnx");

type Model = (w: NDArray, b: NDArray, x: NDArray) => NDArray;

const options = { rtol: 1e-7, atol: 1e-7 };
const key = random.key(5);
const [w, b, x] = [
  random.normal(key, [3, 3]).mul(0.4),
  np.array([0.1, -0.2, 0.3]),
  np.array([[0.5, -1, 2], [0.3, 0.2, -0.1]]),
];

/** 0.8 tanh of the cell's output and the input. */
const step = (cell: (z: NDArray) => NDArray, x: NDArray) => (z: NDArray): NDArray =>
  np.tanh(cell(z).add(x)).mul(0.8);

class FlaxModel extends flax.Module {
  readonly cell = new flax.Dense(3);
  call(x: NDArray): NDArray {
    const { transforms } = flax;
    return fixedPoint(step((z) => this.cell.call(z), x), np.zerosLike(x), {
      ...options,
      transforms,
    }).value;
  }
}

class TraxModel extends tl.Layer {
  readonly cell: tl.Layer;
  constructor() {
    const cell = tl.Dense(3);
    super({ sublayers: [cell as tl.AnyLayer] });
    this.cell = cell;
  }
  override initWeightsAndState(x: ShapeDtype): void {
    this.cell.init(x);
  }
  override forward(x: NDArray): NDArray {
    const { transforms } = tl;
    return fixedPoint(step((z) => this.cell.call(z), x), np.zerosLike(x), {
      ...options,
      transforms,
    }).value;
  }
}

const haikuModel = hk.transform((x: NDArray) => {
  const cell = new hk.Linear(3, { name: "cell" });
  const { transforms } = hk;
  return fixedPoint(step((z) => cell.call(z), x), np.zerosLike(x), { ...options, transforms })
    .value;
});
const linear = new eqx.nn.Linear(3, 3, { key });

const worlds: Readonly<Record<string, Model>> = {
  pure: (w, b, x) => fixedPoint(step((z) => z.matmul(w).add(b), x), np.zerosLike(x), options).value,
  haiku: (w, b, x) => haikuModel.apply({ cell: { w, b } }, null, x),
  flax: (w, b, x) =>
    new FlaxModel().apply({ params: { cell: { kernel: w, bias: b } } }, x) as NDArray,
  nnx(w, b, x) {
    const cell = new nnx.Linear(3, 3, { rngs: new nnx.Rngs(0) });
    cell.kernel.value = w;
    cell.bias!.value = b;
    const transforms = nnx.transformsFor(cell);
    return fixedPoint(step((z) => cell.call(z), x), np.zerosLike(x), { ...options, transforms })
      .value;
  },
  trax: (w, b, x) => new TraxModel().pureFn(x, [[w, b]], [[]])[0],
  equinox(w, b, x) {
    const cell = eqx.treeAt((m) => [m.weight, m.bias], linear, [w.transpose(), b]);
    return fixedPoint(step((z) => cell.call(z), x), np.zerosLike(x), options).value;
  },
};

const loss = (model: Model): Model => (w, b, x) => model(w, b, x).square().sum();
const slopes = (model: Model) => (w: NDArray, b: NDArray, x: NDArray): readonly NDArray[] =>
  grad(loss(model), { argnums: [0, 1, 2] })(w, b, x);
const value = worlds.pure!(w, b, x);
const gradient = [...slopes(worlds.pure!)(w, b, x)];

for (const [name, model] of Object.entries(worlds)) {
  Deno.test(`one equilibrium model: ${name} gives the pure one's value and gradient, eager, compiled, mapped and exported`, async () => {
    const all = (
      f: Model,
      g: (w: NDArray, b: NDArray, x: NDArray) => readonly NDArray[],
      what: string,
    ): void => {
      assertClose(f(w, b, x), value, 1e-6, `${what}: value`);
      assertClose([...g(w, b, x)], gradient, 1e-6, `${what}: gradient`);
    };
    all(model, slopes(model), "eager");
    for (const backend of ["onnx", "interpreter"]) {
      all(jit(model, { backend }), jit(slopes(model), { backend }) as never, backend);
    }
    const rows = vmap((x: NDArray) => model(w, b, x))(np.stack([x, x]));
    assertClose(rows.at(1), value, 1e-6, "mapped");
    for (const [f, wanted] of [[model, [value]], [slopes(model), gradient]] as const) {
      const file = await openFile(await exportOnnx(f as Model, w, b, x));
      assertClose(await file.run([w, b, x]), [...wanted], 1e-6, "exported");
      await file.release();
    }
  });
}

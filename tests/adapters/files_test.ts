/**
 * Models of each system in files: with running statistics, dropout and a solve in them, as they are used
 * and as they learn, they give as ONNX files and as modules of WebAssembly what the calls give.
 *
 * @module
 */
import {
  exportOnnx,
  exportWasm,
  fixedPoint,
  type NDArray,
  numpy as np,
  random,
  type Transforms,
  treeLeaves,
  valueAndGrad,
} from "../../mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import { assertClose, make } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";
import { openFile } from "../support/files.ts";
import { loadModule } from "../support/wasm_files.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

const x = np.array([[0.5, -1, 0.25], [1, 0.125, -0.75]]);
const key = random.key(0);

/** A solve around a layer, by the dictionary of a system. */
function solved(layer: (z: NDArray) => NDArray, x: NDArray, transforms?: Transforms): NDArray {
  const step = (z: NDArray): NDArray => np.tanh(layer(z).mul(0.3).add(x));
  return fixedPoint(step, np.zerosLike(x), { transforms, throw: true }).value;
}

/** A model of each system: what gives its result and its state, for parameters and `x`. */
const models: Record<string, (train: boolean) => [f: (p: Any, x: NDArray) => Any, params: Any]> = {
  haiku(train) {
    const model = hk.transformWithState((x: NDArray) => {
      const layer = new hk.Linear(3);
      const h = new hk.BatchNorm(0.9).call(x, train);
      const kept = train ? hk.dropout(hk.nextRngKey(), 0.25, h) : h;
      return solved((z) => layer.call(z), kept, hk.transforms);
    });
    const [params, state] = model.init(key, x);
    return [(p, x) => model.apply(p, state, random.key(7), x), params];
  },
  flax(train) {
    class Model extends flax.Module {
      call(x: NDArray): NDArray {
        const layer = new flax.Dense(3);
        const h = new flax.BatchNorm({ useRunningAverage: !train }).call(x);
        const kept = new flax.Dropout(0.25, { deterministic: !train }).call(h);
        return solved((z) => layer.call(z), kept, flax.transforms);
      }
    }
    const model = new Model();
    const { params, ...state } = model.init({ params: key, dropout: key }, x);
    const options = { mutable: ["batch_stats"], rngs: { dropout: random.key(3) } };
    return [(params, x) => model.apply({ params, ...state }, x, options), params];
  },
  nnx(train) {
    class Model extends nnx.Module {
      readonly layer = new nnx.Linear(3, 3, { rngs: new nnx.Rngs(0) });
      readonly norm = new nnx.BatchNorm(3, { rngs: new nnx.Rngs(1) });
      readonly drop = new nnx.Dropout(0.25, { rngs: new nnx.Rngs(2) });
      call(x: NDArray): NDArray {
        const kept = this.drop.call(this.norm.call(x));
        return solved((z) => this.layer.call(z), kept, nnx.transforms);
      }
    }
    const made = new Model();
    if (train) made.train();
    else made.eval();
    const [graphdef, params, rest] = nnx.split(made, nnx.Param, true);
    return [(params, x) => {
      const model = nnx.merge(graphdef, params, rest!);
      const y = model.call(x);
      return [y, nnx.state(model, nnx.not(nnx.Param))];
    }, params];
  },
  trax(train) {
    const mode = train ? "train" : "eval";
    const dense = tl.Dense(3);
    const model = tl.Serial(
      tl.BatchNorm({ mode, axis: 0 }),
      tl.Dropout(0.25, { mode }),
      tl.Fn("solve", (x: NDArray) => solved((z) => np.tanh(z), x, tl.transforms)),
      dense,
    ) as Any;
    const [weights, state] = model.init(tl.signature(x), key);
    return [(w, x) => model.pureFn(x, w, state, random.key(5)), weights];
  },
  equinox(train) {
    class Model extends eqx.Module {
      readonly layer = new eqx.nn.Linear(3, 3, { key });
      readonly drop = new eqx.nn.Dropout(0.25, { inference: !train });
      call(x: NDArray, key: NDArray): NDArray {
        return solved((z) => this.layer.call(z), this.drop.call(x, { key }));
      }
    }
    const [params, rest] = eqx.partition(new Model(), eqx.isArray);
    const keys = random.split(random.key(1), 2);
    return [(params, x) => {
      const model = eqx.combine(params, rest) as Model;
      return [eqx.filterVmap((x: NDArray, k: NDArray) => model.call(x, k))(x, keys), {}];
    }, params];
  },
};

for (const [system, model] of Object.entries(models)) {
  Deno.test(`a model of ${system} with a solve in it gives from files what calls give`, async () => {
    const [learnt, params] = model(true);
    // What learns is the value with its slopes, and the state beside them.
    const step = valueAndGrad((params: Any, x: NDArray) => {
      const [y, state] = learnt(params, x);
      return [np.sin(y).sum(), [y, state]];
    }, { hasAux: true });
    const inputs = treeLeaves([params, x]) as NDArray[];
    const expected = treeLeaves(step(params, x)) as NDArray[];
    const file = await openFile(exportOnnx(step as Any, params, x), "disabled");
    const found = await file.run(inputs);
    await file.release();
    // Whether the solve has converged is the last one.
    assertEquals([file.outputs.at(-1), found.pop()?.item()], ["check", 0]);
    assertClose(found, expected, 2e-6, "ONNX");
    const [used] = model(false);
    for (const [run, wanted] of [[step, expected], [used, treeLeaves(used(params, x))]] as Any[]) {
      const module = await loadModule(exportWasm(run, params, x));
      const given = file.inputs.map((name, i) => [name, inputs[i]!.dataSync()]);
      const { check, ...results } = module(Object.fromEntries(given));
      assertEquals([Object.keys(results).length, check![0]], [wanted.length, 0]);
      const made = Object.values(results).map((values, i) => make(wanted[i], values));
      assertClose(made, wanted, 2e-6, "WebAssembly");
    }
  });
}

/**
 * Optimisers inside module systems, and their states in files: they need no transforms of their own, so a loop of a
 * system's dictionary carries them like any tree.
 *
 * @module
 */
import {
  exportOnnx,
  exportWasm,
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  pure,
  random,
  type Transforms,
  treeLeaves,
  treeMap,
} from "../../mod.ts";
import * as optim from "../../lib/optim/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { openFile } from "../support/files.ts";
import { worlds } from "../laws/worlds.ts";
import { loss as networkLoss, startOf, stepOf } from "./cases.ts";

await loadBackend("onnx");

interface Dense {
  readonly w: NDArray;
  readonly b: NDArray;
}

const params: Dense = { w: np.array([[0.3, -0.2], [0.1, 0.4]]), b: np.array([0.05, -0.1]) };
const target = np.array([0.6, -0.4]);

const optimiser = optim.chain(
  optim.clipByGlobalNorm(1),
  optim.adam(optim.cosineDecaySchedule(0.2, 10)),
);

/** The input for which a layer is near a target: ten steps of an optimiser, in a loop of the dictionary. */
function invert(dense: (z: NDArray) => NDArray, y: NDArray, transforms: Transforms): NDArray {
  const energy = (z: NDArray): NDArray => np.tanh(dense(z)).sub(y).square().sum();
  const start = np.zerosLike(y);
  const [[z]] = transforms.scan(
    ([z, state]: [NDArray, ReturnType<typeof optimiser.init>]) => {
      const [updates, next] = optimiser.update(transforms.grad(energy)(z), state, z);
      return [[optim.applyUpdates(z, updates), next], null];
    },
    [start, optimiser.init(start)] as [NDArray, ReturnType<typeof optimiser.init>],
    null,
    { length: 10 },
  );
  return z as NDArray;
}

const explicit = ({ w, b }: Dense, y: NDArray): NDArray =>
  invert((z) => z.matmul(w).add(b), y, pure);

for (const world of worlds) {
  const model = (p: Dense, y: NDArray): NDArray => {
    let out!: NDArray;
    world.apply(world.denseEntries(p), () => {
      out = invert((z) => world.dense(z), y, world.transforms);
    });
    return out;
  };
  Deno.test(`${world.name}: training within a model, and its derivatives, are those of the pure program`, () => {
    const wanted = explicit(params, target);
    assertClose(model(params, target), wanted, 1e-6, "eager");
    for (const backend of ["cpu", "interpreter", "onnx"] as const) {
      assertClose(jit(model, { backend })(params, target), wanted, 1e-5, backend);
    }
    const total = (f: typeof model) => (p: Dense, y: NDArray): NDArray => f(p, y).square().sum();
    const gradients = (f: typeof model) => grad(total(f), { argnums: [0, 1] })(params, target);
    assertClose(gradients(model), gradients(explicit), 1e-5, "derivatives through all steps");
  });
}

Deno.test("a model of Haiku is trained: its parameters are a tree like any", () => {
  const model = hk.transform((x: NDArray) => new hk.MLP([8, 1]).call(x));
  const x = random.normal(random.key(1), [16, 2]);
  const y = x.square().sum(1, { keepDims: true });
  const loss = (p: hk.ModuleEntries): NDArray => model.apply(p, null, x).sub(y).square().mean();
  let p = model.init(random.key(0), x);
  const adamw = optim.adamw(0.03, {
    mask: (p) => treeMap((w: NDArray) => w.ndim > 1, p) as optim.Mask as never,
  });
  let state = adamw.init(p);
  const step = jit((p: hk.ModuleEntries, s: optim.AdamWState) => {
    const [updates, next] = adamw.update(grad(loss)(p), s, p);
    return [optim.applyUpdates(p, updates), next] as const;
  });
  const before = loss(p).item();
  for (let i = 0; i < 150; i++) [p, state] = step(p, state);
  assert(loss(p).item() < 0.05 * before, `${before} became ${loss(p).item()}`);
  assertEquals(state[0].count.item(), 150);
});

Deno.test("a module of Equinox is trained: the updates are a module too", () => {
  const module = new eqx.nn.Linear(2, 1, { key: random.key(0) });
  const x = np.array([1, 2]);
  const loss = (m: typeof module): NDArray => m.call(x).sub(3).square().sum();
  const sgd = optim.sgd(0.05);
  const [updates] = sgd.update(grad(loss)(module), sgd.init(module), module);
  const moved = optim.applyUpdates(module, updates);
  assert(moved instanceof eqx.nn.Linear);
  assert(loss(moved as typeof module).item() < loss(module).item());
});

class Net extends eqx.Module {
  readonly linear: eqx.nn.Linear = new eqx.nn.Linear(2, 1, { key: random.key(0) });
  readonly size: NDArray = np.array(3, { dtype: "int32" });
  readonly activation: (x: NDArray) => NDArray = (x) => np.tanh(x);

  call(x: NDArray): NDArray {
    return this.activation(this.linear.call(x));
  }
}

Deno.test("of a module of Equinox with functions and integers, the arrays that it is filtered for are trained", () => {
  const loss = (m: Net, x: NDArray): NDArray => m.call(x).sub(0.5).square().sum();
  const adamw = optim.adamw(0.05);
  const floats = (m: Net): Net => eqx.filter(m, eqx.isInexactArray) as Net;
  const step = eqx.filterJit((m: Net, s: optim.AdamWState, x: NDArray): [Net, optim.AdamWState] => {
    const gradient = eqx.filterGrad(loss)(m, x) as Net;
    const [updates, next] = adamw.update(gradient, s, floats(m));
    return [eqx.applyUpdates(m, updates) as Net, next];
  });
  let net = new Net();
  let state = adamw.init(floats(net));
  const x = np.array([1, 2]);
  const before = loss(net, x).item();
  for (let i = 0; i < 60; i++) [net, state] = step(net, state, x) as [Net, optim.AdamWState];
  assert(loss(net, x).item() < 0.05 * before, `${before} became ${loss(net, x).item()}`);
  assertEquals(net.size.item(), 3);
});

Deno.test("nnx.Optimizer takes an optimiser, and shows its learning rate", () => {
  const model = new nnx.Linear(2, 1, { rngs: new nnx.Rngs(0) });
  const x = np.array([1, 2]);
  const loss = (m: nnx.Linear): NDArray => m.call(x).sub(3).square().sum();
  const adam = optim.adam(optim.linearSchedule(0.5, 0.1, 20));
  const optimizer = new nnx.Optimizer(model, adam, { wrt: nnx.Param });
  const before = loss(model).item();
  const train = nnx.jit((m: nnx.Linear, o: typeof optimizer) => o.update(m, nnx.grad(loss)(m)));
  for (let i = 0; i < 30; i++) train(model, optimizer);
  assert(loss(model).item() < 0.01 * before);
  const rate = optim.learningRateOf(optimizer.optState.value).item();
  assert(Math.abs(rate - 0.1) < 1e-6, `${rate}`);
});

Deno.test("a step of training is a file of either kind, with the state as its inputs and outputs", async () => {
  const adam = optim.adam(0.05);
  const start = startOf("float32");
  const step = stepOf(adam);
  const state = adam.init(start);
  const wanted = treeLeaves(step(start, state)) as NDArray[];
  const file = await openFile(exportOnnx(step, start, state));
  const outputs = await file.run(treeLeaves([start, state]) as NDArray[]);
  wanted.forEach((x, i) => assertClose(outputs[i]!, x, 1e-6, `output ${i}`));
  assert(exportWasm(step, start, state).wasm.length > 1000);
  assert(networkLoss(step(start, state)[0]).item() < networkLoss(start).item());
});

/**
 * Stacked layers whose entries are kept apart: the parameters of a plain loop, for a loop that is one
 * program.
 *
 * @module
 */
import {
  checkpoint,
  grad,
  jit,
  type NDArray,
  numpy as np,
  random,
  StateError,
  vmap,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";

const key = random.key(2);
const x = random.normal(random.key(9), [3]);
const count = 3;

/** A layer of several modules, one of them with modules of its own. */
const layer = (name: string) => (x: NDArray): NDArray =>
  np.tanh(
    new hk.MLP([4, 3], { name, activation: np.tanh }).call(x).add(
      new hk.Bias({ name: `${name}_bias` }).call(
        x.reshape([1, 3]),
      ).reshape([3]),
    ),
  );

const looped = hk.transform((x: NDArray) => {
  let h = x;
  for (let i = 0; i < count; i++) h = layer(`block_${i}`)(h);
  return h;
});

/** As the names of the loop say: the number is in the first part of the name. */
const map: hk.TransparencyMap = {
  stackedToFlat: (name, i) => name.replace(/^block/, `block_${i}`),
  flatToStacked(name) {
    const found = /^block_(\d+)(.*)$/.exec(name);
    return found === null ? null : [`block${found[2]}`, Number(found[1])];
  },
};

const stacked = (options: hk.LayerStackOptions = {}) =>
  hk.transform((x: NDArray) =>
    hk.layerStack(count, layer("block"), { transparent: true, transparencyMap: map, ...options })(x)
  );

Deno.test("transparent stacks have the parameters of a loop, and do what it does with them", () => {
  const model = stacked();
  const params = looped.init(key, x);
  assertEquals(
    Object.keys(model.init(key, x)).sort(),
    Object.keys(params).sort(),
  );
  const loss = (m: typeof looped) => (p: hk.ModuleEntries, x: NDArray) =>
    m.apply(p, null, x).square().sum();
  const [a, b] = [loss(model), loss(looped)];
  assertClose(a(params, x), b(params, x), 1e-6);
  assertClose(grad(a)(params, x), grad(b)(params, x), 1e-6);
  assertClose(jit(grad(a))(params, x), grad(b)(params, x), 1e-5);
  const xs = np.stack([x, x.mul(2)]);
  assertClose(
    vmap((x: NDArray) => checkpoint(a)(params, x))(xs),
    vmap((x: NDArray) => b(params, x))(xs),
    1e-6,
  );
  const reversed = hk.transform((x: NDArray) => {
    let h = x;
    for (const i of [2, 1, 0]) h = layer(`block_${i}`)(h);
    return h;
  });
  assertClose(
    stacked({ reverse: true }).apply(params, null, x),
    reversed.apply(params, null, x),
    1e-6,
  );
});

Deno.test("layers get initial values of their own, and names that do not depend on what is around", () => {
  const params = stacked().init(key, x);
  const [w0, w1] = [0, 1].map((i) => plain(params[`block_${i}/~/linear_0`]!.w!));
  assertEquals(JSON.stringify(w0) === JSON.stringify(w1), false);
  const inGrad = hk.transform((x: NDArray) =>
    hk.transforms.grad((x: NDArray) =>
      hk.layerStack(count, layer("block"), { transparent: true, transparencyMap: map })(x).sum()
    )(x)
  );
  assertEquals(Object.keys(inGrad.init(key, x)).sort(), Object.keys(params).sort());
  const inJit = hk.transform((x: NDArray) =>
    hk.transforms.jit(hk.layerStack(count, layer("block"), {
      transparent: true,
      transparencyMap: map,
    }))(x)
  );
  assertEquals(Object.keys(inJit.init(key, x)).sort(), Object.keys(params).sort());
});

Deno.test("without a map, layers are numbered in the first part of names", () => {
  class Net extends hk.Module {
    readonly outside = this.submodules(() => new hk.Linear(3, { name: "outside" }));
    call(x: NDArray): NDArray {
      const twice = hk.layerStack(2, (x: NDArray) => {
        const y = new hk.Linear(3).call(new hk.Linear(3).call(x));
        return this.outside.call(y).mul(hk.getParameter("scale", [], { init: () => np.ones([]) }));
      }, { transparent: true });
      return new hk.Linear(1, { name: "last_0" }).call(twice(x));
    }
  }
  const model = hk.transform((x: NDArray) => new Net().call(x));
  const params = model.init(key, x);
  assertEquals(Object.keys(params).sort(), [
    "net/last_0",
    "net/linear_0",
    "net/linear_1",
    "net/linear_1_0",
    "net/linear_1_1",
    "net/~/outside",
    "net/~_0",
    "net/~_1",
  ]);
  const out = model.apply(params, null, x);
  const other = { ...params, "net/linear_1": { ...params["net/linear_0"]! } };
  assertEquals(plain(out) === plain(model.apply(other, null, x)), false);
});

Deno.test("state of layers is kept apart, with the values of before the first run", () => {
  const model = hk.transformWithState((x: NDArray) =>
    hk.layerStack(count, (x: NDArray) => {
      const n = hk.getState("n", [], { init: (s) => np.zeros(s) });
      hk.setState("n", n.add(x.sum()));
      hk.setState("last", x);
      return x.add(1);
    }, { transparent: true })(x)
  );
  const start = np.array([1]);
  const [params, state] = model.init(null, start);
  assertEquals(plain(state), {
    "~_0": { n: 0, last: [1] },
    "~_1": { n: 0, last: [2] },
    "~_2": { n: 0, last: [3] },
  });
  const run = (state: hk.ModuleEntries) => model.apply(params, state, null, start)[1];
  const after = run(run(state));
  assertEquals(Object.values(after).map(({ n }) => n!.item()), [2, 4, 6]);
  assertEquals(plain(jit(run)(run(state))), plain(after));
});

Deno.test("a stack that is used twice has one set of layers; two stacks have names of their own", () => {
  class Tower extends hk.Module {
    call(x: NDArray): NDArray {
      return hk.layerStack(2, (x: NDArray) => new hk.Linear(3).call(x), { transparent: true })(x);
    }
  }
  const shared = hk.transform((x: NDArray) => {
    const tower = new Tower();
    return tower.call(tower.call(x));
  });
  const params = shared.init(key, x);
  assertEquals(Object.keys(params), ["tower/linear_0", "tower/linear_1"]);
  const pass = hk.transform((x: NDArray) => new Tower().call(x));
  assertClose(
    shared.apply(params, null, x),
    pass.apply(params, null, pass.apply(params, null, x)),
    1e-6,
  );
  const apart = hk.transform((x: NDArray) => new Tower().call(new Tower().call(x)));
  assertEquals(Object.keys(apart.init(key, x)).length, 4);
});

Deno.test("each layer has inputs of its own in transparent stacks too", () => {
  const model = hk.transform((x: NDArray, ys: NDArray) =>
    hk.layerStackWithInputs(
      2,
      (x: NDArray, y: NDArray) => [new hk.Linear(3).call(x).mul(y), x.sum()],
      { transparent: true },
    )(x, ys)
  );
  const ys = np.array([1, 2]);
  const params = model.init(key, x, ys);
  assertEquals(Object.keys(params), ["linear_0", "linear_1"]);
  assertEquals(model.apply(params, null, x, ys).map((y: NDArray) => y.shape), [[3], [2]]);
});

Deno.test("maps that clash or give nothing are refused, and nothing is left of the stack", () => {
  const wrong = (transparencyMap: unknown) => () =>
    stacked({ transparencyMap: transparencyMap as never }).init(key, x);
  assertThrows(
    wrong({ ...map, stackedToFlat: () => "same" }),
    StateError,
    "one name, same/",
  );
  assertThrows(wrong({ ...map, stackedToFlat: () => 3 }), StateError, "must give a name");
  assertThrows(
    wrong({ stackedToFlat: map.stackedToFlat }),
    StateError,
    "flatToStacked is undefined",
  );
  const params = looped.init(key, x);
  const applied = (transparencyMap: hk.TransparencyMap) => () =>
    stacked({ transparencyMap }).apply(params, null, x);
  assertThrows(
    applied({ ...map, flatToStacked: () => ["block", 9] }),
    StateError,
    "a layer from 0 to 2",
  );
  assertThrows(
    applied({ ...map, flatToStacked: () => ["block", 0] }),
    StateError,
    "says of two modules that they are block in layer 0",
  );
  assertThrows(() => stacked({ transparent: false }).init(key, x), StateError, "transparent: true");
  assertThrows(() => stacked({ name: "tower" }).init(key, x), StateError, '"tower"');

  const { "block_1/~/linear_0": _, ...incomplete } = params;
  assertThrows(
    () => stacked().apply(incomplete, null, x),
    StateError,
    "is not among the parameters that apply was given",
  );
});

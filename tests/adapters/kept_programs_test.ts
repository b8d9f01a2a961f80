/**
 * Programs that are kept while objects change: a pure `jit` over modules that it closes over gives what
 * they hold now, flags included, and compiles again only where that changed.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np, random, StateError, TreeError } from "../../mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const x = np.array([[1], [3]]);

/** A layer that counts how often it is called, with ways to compile calls of it. */
function counted(): {
  model: nnx.BatchNorm;
  calls: () => number;
  ways: Record<string, (x: NDArray) => NDArray>;
} {
  const model = new nnx.BatchNorm(1, { useRunningAverage: true, rngs: new nnx.Rngs(0) });
  let calls = 0;
  const call = (x: NDArray): NDArray => (calls++, model.call(x));
  const own = nnx.jit((m: nnx.BatchNorm, x: NDArray) => (calls++, m.call(x)));
  const inner = jit(call);
  const ways = {
    jit: jit(call),
    "jit in jit": jit((x: NDArray) => inner(x)),
    "grad in jit": jit((x: NDArray) => grad((x: NDArray) => call(x).square().sum())(x)),
    "nnx.jit in jit": jit((x: NDArray) => own(model, x)),
    "split in jit": jit((x: NDArray) => {
      const [def, state] = nnx.split(model);
      calls++;
      return nnx.merge(def, state!).call(x);
    }),
    "nnx.jit": (x: NDArray) => own(model, x),
    "nnx.jit of a closure": nnx.jit(call),
    "nnx.transforms.jit": nnx.transforms.jit(call),
    "nnx.transformsFor(model).jit": nnx.transformsFor(model).jit(call),
  };
  return { model, calls: () => calls, ways };
}

Deno.test("a compiled function sees values and flags of modules that it closes over", () => {
  for (const way of Object.keys(counted().ways)) {
    const { model, calls, ways } = counted();
    const f = ways[way]!;
    const expected = (): NDArray =>
      way === "grad in jit"
        ? grad((x: NDArray) => nnx.clone(model).call(x).square().sum())(x)
        : nnx.clone(model).call(x);
    const check = (what: string): void => assertClose(f(x), expected(), 1e-6, `${way}: ${what}`);
    check("first");
    const once = calls();
    check("again");
    assertEquals(calls(), once, `${way}: nothing changed, and nothing is compiled again`);
    model.mean.value = np.array([5]);
    check("another mean");
    model.scale!.value = np.array([2]);
    check("another scale");
    model.mean.value = np.array([0]);
    check("the first values");
    model.train();
    // Statistics are written then, which a pure transform refuses; what split in jit writes is its own.
    if (!way.startsWith("nnx") && way !== "split in jit" || way === "nnx.jit in jit") {
      assertThrows(() => f(x), StateError, "a pure transform");
    } else check("in training");
    model.eval();
    check("as at first");
  }
});

Deno.test("a compiled function sees weights that layers of Trax hold, and their state", () => {
  const layer = tl.Dense(1);
  layer.init(tl.signature(x), random.key(0));
  let calls = 0;
  const f = jit((x: NDArray) => (calls++, layer.call(x) as NDArray));
  const inside = jit((x: NDArray) => tl.withLayers(layer as tl.AnyLayer, () => layer.call(x)));
  for (const [w, b] of [[1, 0], [2, 0], [2, 3]]) {
    layer.weights = [np.array([[w!]]), np.array([b!])];
    for (const g of [f, f, inside]) assertClose(g(x) as NDArray, x.mul(w!).add(b!), 1e-6);
  }
  assertEquals(calls, 3);
});

Deno.test("a function that is compiled again and again for other values is told of, once", () => {
  const { warn } = console;
  const said: string[] = [];
  console.warn = (text: string) => said.push(text);
  try {
    const scale = new nnx.Param(np.array(0));
    const f = jit(function scaled(x: NDArray) {
      return x.mul(scale.value);
    });
    for (let i = 0; i < 40; i++) {
      scale.value = np.array(i);
      assertEquals(f(np.array(2)).item(), 2 * i);
    }
  } finally {
    console.warn = warn;
  }
  assertEquals(said.length, 1);
  assert(/scaled has been compiled again 16 times.*jit of the module system/.test(said[0]!));
});

Deno.test("models and variables that are passed to a pure transform are refused by what to write", () => {
  const model = new nnx.Linear(1, 1, { rngs: new nnx.Rngs(0) });
  const sum = (m: unknown): NDArray => (m as nnx.Linear).call(x).sum();
  const says = "arguments of the transforms of nnx: write nnx.jit";
  for (const f of [jit(sum as never), grad(sum as never)] as ((x: unknown) => unknown)[]) {
    assertThrows(() => f(model), TreeError, says);
    assertThrows(() => f([model.kernel]), TreeError, says);
  }
});

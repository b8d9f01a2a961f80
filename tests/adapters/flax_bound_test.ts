/**
 * Modules with variables: `bind` and `unbind`.
 *
 * @module
 */
import { jit, type NDArray, numpy as np, random, StateError } from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";

const key = random.key(3);
const x = np.ones([3]);

class Net extends flax.Module {
  readonly layers = [new flax.Dense(4), new flax.Dense(3)] as const;
  declare head: flax.Dense;
  setup(): void {
    this.head = new flax.Dense(2);
  }
  call(x: NDArray): NDArray {
    return this.head.call(this.body(x));
  }
  body(x: NDArray): NDArray {
    return this.layers.reduce((h, layer) => np.tanh(layer.call(h)), x);
  }
}

Deno.test("a bound module is called as it is, and so are those in its fields", () => {
  const net = new Net();
  const variables = net.init(key, x);
  const bound = net.bind(variables);
  assertClose(bound.call(x), net.apply(variables, x), 0);
  assertClose(bound.call(x), net.apply(variables, x), 0);
  assertClose(bound.body(x), net.apply(variables, x, { method: "body" }), 0);
  assertClose(
    bound.layers[0].call(x),
    new flax.Dense(4).apply({ params: variables.params!.layers_0 as never }, x),
    0,
  );
  // What setup made is there, too.
  assertClose(bound.head.call(bound.body(x)), bound.call(x), 0);
  assertEquals(plain(bound.variables), plain(variables));
  assert(bound.layers[0] === bound.layers[0], "one stand-in");
});

Deno.test("a bound module is taken apart to the module and its own variables", () => {
  const net = new Net();
  const variables = net.init(key, x);
  const [again, all] = net.bind(variables).unbind();
  assert(again === net, "the module itself");
  assertEquals(plain(all), plain(variables));
  const [head, own] = net.bind(variables).head.unbind();
  assertEquals(plain(own), { params: plain(variables.params!.head) });
  assertEquals(head.apply(own, np.ones([3])).shape, [2]);
  const compiled = jit(head.apply, { backend: "interpreter" });
  assertClose(compiled(own, np.ones([3])), head.apply(own, np.ones([3])), 1e-6);
});

class Counter extends flax.Module {
  readonly inner = new flax.BatchNorm({ momentum: 0.5 });
  call(x: NDArray): NDArray {
    const n = this.variable("counts", "n", () => np.array(0));
    n.value = n.value.add(1);
    return this.inner.call(x, { useRunningAverage: false });
  }
  noise(): NDArray {
    return random.normal(this.makeRng("noise"), [2]);
  }
}

Deno.test("changes to a bound module stay with it, and draws go on", () => {
  const model = new Counter();
  const xs = np.array([[1], [3]]);
  const variables = model.init(key, xs);
  const mutable = ["counts", "batch_stats"];
  const bound = model.bind(variables, { mutable, rngs: { noise: key } });
  bound.call(xs);
  bound.call(xs);
  assertEquals(plain(bound.variables.counts), {
    n: plain(variables.counts!.n as NDArray) as number + 2,
  });
  assertEquals(plain(bound.inner.variables.batch_stats), { mean: [1.5], var: [1] });
  // What was given stays what it was.
  assertEquals(plain(variables.batch_stats), { inner: { mean: [0], var: [1] } });
  const [a, b] = [bound.noise(), bound.noise()];
  assertEquals(plain(a) === plain(b), false);
  assertThrows(() => model.bind(variables).call(xs), StateError, "counts");
  assertThrows(() => model.bind(3 as never), StateError, "variables must be");
  assertThrows(() => model.bind(variables, { mutabel: true } as never), TypeError, "mutabel");
});

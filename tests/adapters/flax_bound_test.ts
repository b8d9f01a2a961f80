/**
 * Modules with variables: `bind` and `unbind`; functions in place of methods, and what methods give.
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

Deno.test("a function may stand in the place of a method, in init and apply", () => {
  const net = new Net();
  const variables = net.init(key, x);
  const tail = (net: Net, x: NDArray): NDArray => net.head.call(net.layers[1].call(x));
  const y = np.ones([4]);
  const out = net.apply(variables, y, { method: tail });
  const bound = net.bind(variables);
  assertClose(out, bound.head.call(bound.layers[1].call(y)), 0);
  const made = net.init(key, y, { method: tail });
  assertEquals(Object.keys(made.params!).sort(), ["head", "layers_1"]);
  assertClose(made.params!.head, variables.params!.head, 0);
  // It may make modules, as a method may.
  const own = (_: Net, x: NDArray): NDArray => new flax.Dense(1).call(x);
  const inner = net.init(key, x, { method: own });
  assertEquals(Object.keys(inner.params!), ["Dense_0"]);
  const [found, changed] = new Counter().apply(
    { counts: { n: np.array(4) } },
    {
      method: (m: Counter) => {
        const n = m.variable("counts", "n");
        n.value = n.value.mul(2);
        return n.value;
      },
      mutable: ["counts"],
    },
  );
  assertEquals([found.item(), plain(changed)], [8, { counts: { n: 8 } }]);
});

Deno.test("what modules give is stored, by place, if that is asked for", () => {
  const net = new Net();
  const variables = net.init(key, x);
  const run = (captureIntermediates: boolean | ((m: object, method: string) => boolean)) =>
    net.apply(variables, x, { captureIntermediates, mutable: ["intermediates"] });
  const [out, stored] = run(true);
  const bound = net.bind(variables);
  const first = bound.layers[0].call(x);
  const second = bound.layers[1].call(np.tanh(first));
  assertClose(out, net.apply(variables, x), 0);
  assertEquals(plain(stored), {
    intermediates: {
      call: [plain(out)],
      head: { call: [plain(out)] },
      layers_0: { call: [plain(first)] },
      layers_1: { call: [plain(second)] },
    },
  });
  const [, some] = run((module, method) => module === net && method === "body");
  assertEquals(plain(some), { intermediates: { body: [plain(np.tanh(second))] } });
  assertEquals(run(false)[1], {});
  // A module that is called twice has two.
  class Twice extends flax.Module {
    readonly layer = new flax.Dense(3);
    call(x: NDArray): NDArray {
      return this.layer.call(this.layer.call(x));
    }
  }
  const twice = new Twice();
  const options = { captureIntermediates: true, mutable: ["intermediates"] };
  const [, both] = twice.apply(twice.init(key, x), x, options);
  const { layer } = both.intermediates as unknown as { layer: { call: NDArray[] } };
  assertEquals(layer.call.length, 2);
  assertThrows(() => run("all" as never), StateError, "captureIntermediates must be true");
});

Deno.test("options of sow that there are not are refused", () => {
  class Sower extends flax.Module {
    call(x: NDArray): NDArray {
      this.sow("losses", "h", x, { reduceFn: () => 0 } as never);
      return x;
    }
  }
  assertThrows(() => new Sower().apply({}, x, { mutable: ["losses"] }), TypeError, "reduceFn");
});

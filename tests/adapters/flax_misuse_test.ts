/**
 * The flax adapter where it is used in ways that would silently share, lose or confuse something; and what
 * it does that flax leaves open.
 *
 * @module
 */
import {
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  pure,
  random,
  StateError,
} from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";

await loadBackend("onnx");

const key = random.key(0), x = np.ones([3]);
const { ones } = flax.initializers;

class Model extends flax.Module {
  constructor(readonly f: (self: flax.Module, x: NDArray) => NDArray) {
    super();
  }
  call(x: NDArray): NDArray {
    return this.f(this, x);
  }
}

const made = (f: (self: flax.Module, x: NDArray) => NDArray): Model => new Model(f);
const dense = new flax.Dense(2);
const variables = dense.init(key, x);

class Hidden extends flax.Module {
  readonly #dense = new flax.Dense(2);
  call(x: NDArray): NDArray {
    return this.#dense.call(x);
  }
}

class Two extends flax.Module {
  encode(x: NDArray): NDArray {
    return new flax.Dense(3).call(x);
  }
  decode(x: NDArray): NDArray {
    return new flax.Dense(3).call(x);
  }
  call(x: NDArray): NDArray {
    return this.decode(this.encode(x));
  }
}

const two = new Two();
const ofTwo = two.init(key, x);

class Late extends flax.Module {
  async call(x: NDArray): Promise<NDArray> {
    return await x;
  }
}

/** What is done, and what is said. */
const mistakes: Readonly<Record<string, [() => unknown, RegExp]>> = {
  "a module from outside": [
    () => made((_, x) => dense.call(x)).init(key, x),
    /this Dense is not a part of the model that is running/,
  ],
  "a module in a private field": [
    () => new Hidden().init(key, x),
    /keeps it in a field \(not a #private one\)/,
  ],
  "a parameter declared twice": [
    () => {
      const w = (m: flax.Module): NDArray => m.param("w", ones, [3]);
      made((m, x) => x.add(w(m)).add(w(m))).init(key, x);
    },
    /Could not create param "w" in Model: the name is in use/,
  ],
  "a name given twice": [
    () => {
      const a = (x: NDArray): NDArray => new flax.Dense(3, { name: "a" }).call(x);
      made((_, x) => a(a(x))).init(key, x);
    },
    /Could not create submodule "a" in Model: the name is in use/,
  ],
  "a name with a slash": [
    () => made((m, x) => m.param("a/b", ones, [3]).add(x)).init(key, x),
    /"a\/b"/,
  ],
  "two methods that make the same": [
    () => two.apply(ofTwo, x, { method: "decode" }),
    /both Two.encode and Two.decode make one/,
  ],
  "an immutable collection": [
    () => made((m, x) => (m.putVariable("state", "n", x), x)).apply({}, x),
    /the collection state is immutable here\. Give apply \{ mutable: \["state"\] \}/,
  ],
  "no variables": [
    () => dense.apply({}, x),
    /The collection is empty: give apply what init returned/,
  ],
  "a missing variable": [
    () => dense.apply({ params: { kernel: variables.params!.kernel! } }, x),
    /there is no bias in the collection params.* It has kernel/,
  ],
  "variables within variables": [
    () => dense.apply({ params: { params: variables.params! } }, x),
    /\{ params: \{ params: \.\.\. \} \}/,
  ],
  "variables without their collection": [
    () => dense.apply(variables.params! as unknown as flax.Variables, x),
    /Variables are given with their collection: \{ params \}/,
  ],
  "no stream": [
    () => new flax.Dropout(0.5, { deterministic: false }).apply({}, x),
    /there is no random stream dropout.*\{ rngs: \{ dropout: random\.key\(0\) \} \}/,
  ],
  "a key that is none": [
    () => dense.init({ params: 3 } as unknown as flax.Rngs, x),
    /the key of the stream params must be random\.key\(seed\), not number 3/,
  ],
  "a pure transform": [
    () => made((_, x) => pure.vmap((r: NDArray) => new flax.Dense(2).call(r))(x)).init(key, x),
    /new Dense\(\): module state was reached inside vmap.*Use flax\.transforms instead/,
  ],
  "statistics of which it is not said which": [
    () => new flax.BatchNorm().init(key, x),
    /say useRunningAverage \(true or false\)/,
  ],
  "a collection that scan does not let through": [
    () => {
      const step = (
        _: flax.Module,
        c: NDArray,
      ): [NDArray, null] => [new flax.Dense(3).call(c), null];
      made((m, x) => flax.scan(step, { length: 2 })(m, x)[0]).init(key, x);
    },
    /flax\.scan does not let the collection params through/,
  ],
  "a stream that scan does not let through": [
    () => {
      const step = (m: flax.Module, c: NDArray): [NDArray, NDArray] => [c, m.makeRng("noise")];
      const model = made((m, x) => flax.scan(step, { length: 2 })(m, x)[0]);
      model.apply({}, x, { rngs: { noise: key } });
    },
    /flax\.scan does not let the random stream noise through.*\{ noise: true \}/,
  ],
  "a shared collection that is changed in scan": [
    () => {
      const step = (m: flax.Module, c: NDArray): [NDArray, null] => {
        m.putVariable("state", "n", c);
        return [c, null];
      };
      const options = { length: 2, variableBroadcast: "state" };
      const model = made((m, x) => flax.scan(step, options)(m, x)[0]);
      model.apply({ state: { n: x } }, x, { mutable: ["state"] });
    },
    /cannot change n.*name it among the collections that the transform carries/,
  ],
  "an option that there is not": [
    () => dense.apply(variables, x, { mutable: ["params"], rng: key } as { mutable: string[] }),
    /has the option mutable, and rng, which is none/,
  ],
  "a method that there is not": [
    () => dense.apply(variables, x, { method: "nope" as "call" }),
    /Dense has no method nope/,
  ],
  "an asynchronous method": [() => new Late().init(key, x), /call returned a promise/],
};

for (const [what, [f, message]] of Object.entries(mistakes)) {
  Deno.test(`${what} is refused, and the error says what to do`, () => {
    const error = assertThrows(f, StateError);
    if (!message.test(error.message)) throw new Error(error.message);
  });
}

class Declared extends flax.Module {
  declare w: NDArray;
  setup(): void {
    this.w = this.param("w", ones, [3]);
  }
  call(x: NDArray): NDArray {
    return x.mul(this.w).sum();
  }
}

Deno.test("what setup declares is that of the transform that a method runs in", () => {
  class Slope extends flax.Module {
    readonly of = new Declared();
    call(x: NDArray): NDArray {
      const [, pull] = flax.vjp((m, x: NDArray) => m.call(x), this.of, [x]);
      return pull(np.array(1))[0].params!.w!;
    }
  }
  const slope = new Slope();
  const at = np.array([1, 2, 3]);
  assertEquals(plain(slope.apply(slope.init(key, at), at)), [1, 2, 3]);
  const Members = flax.vmap(Declared, {
    variableAxes: { params: 0 },
    splitRngs: { params: true },
    inAxes: null,
    axisSize: 2,
  });
  const members = new Members();
  assertEquals(members.init(key, x).params!.w!.shape, [2, 3]);
  const w = np.array([[1, 2, 3], [4, 5, 6]]);
  assertEquals(plain(members.apply({ params: { w } }, x)), [6, 15]);
  assertEquals(members.w, undefined);
  // What lanes write to a collection that they share is told in the words of flax.
  class Counter extends flax.Module {
    call(x: NDArray): NDArray {
      const count = this.variable("stats", "count", () => np.array(0));
      count.value = count.value.add(x);
      return x;
    }
  }
  const Shared = flax.vmap(Counter, { variableAxes: { stats: null } });
  assertThrows(
    () => new Shared().init(key, np.array([1, 2])),
    StateError,
    "different value in each lane. Give each lane its own, variableAxes: { stats: 0 }, or return it",
  );
});

Deno.test("a model within a model has variables of its own, and a failure leaves modules as they were", () => {
  const inner = new Declared();
  let fails = false;
  class Outer extends flax.Module {
    readonly part = inner;
    call(x: NDArray): NDArray {
      const before = this.part.call(x);
      const other = inner.apply({ params: { w: np.full([3], 9) } }, x);
      if (fails) throw new Error("midway");
      return np.stack([before, other, this.part.call(x)]);
    }
  }
  const outer = new Outer();
  const given = outer.init(key, x);
  fails = true;
  assertThrows(() => outer.apply(given, x), Error, "midway");
  assertEquals(Object.keys(inner), []);
  fails = false;
  assertEquals(plain(outer.apply(given, x)), [3, 27, 3]);
});

Deno.test("a variable may be a tree: in loops, compiled, and given back", () => {
  const model = made((m, x) => {
    const s = m.variable("opt", "s", () => ({ sum: np.zeros([3]), n: np.array(0) }));
    return flax.transforms.scan(
      (c: NDArray) => {
        s.value = { sum: s.value.sum.add(c), n: s.value.n.add(1) };
        return [c, null];
      },
      x,
      null,
      { length: 4 },
    )[0];
  });
  const first = model.init(key, x);
  const run = (v: flax.Variables): flax.Variables => model.apply(v, x, { mutable: ["opt"] })[1];
  const compiled = jit(run as never, { backend: "onnx" }) as unknown as typeof run;
  assertEquals(plain(run(first)), { opt: { s: { sum: [8, 8, 8], n: 8 } } });
  assertEquals(plain(compiled(run(first))), { opt: { s: { sum: [12, 12, 12], n: 12 } } });
});

Deno.test("a compiled part draws anew in each call of a run, and the same in each run", () => {
  class Noise extends flax.Module {
    readonly dropout = new flax.Dropout(0.5, { deterministic: false });
    call(x: NDArray): NDArray {
      const f = flax.transforms.jit((x: NDArray) => this.dropout.call(x));
      return np.stack([f(x), f(x)]);
    }
  }
  const run = (): unknown[] =>
    plain(new Noise().apply({}, np.ones([16]), { rngs: { dropout: key } })) as unknown[];
  const [a, b] = run();
  if (JSON.stringify(a) === JSON.stringify(b)) throw new Error("one mask for two calls");
  assertEquals(run(), [a, b]);
});

Deno.test("apply is a function of its own: compiled, differentiated, mapped over variables", () => {
  const { apply, init } = dense;
  const loss = (v: flax.Variables): NDArray => apply(v, x).sum();
  assertClose(jit(apply)(variables, x), apply(variables, x), 1e-6);
  assertEquals(grad(loss)(variables).params!.bias!.shape, [2]);
  const many = pure.vmap((k: NDArray) => init(k, x))(random.split(key, 3));
  assertEquals(pure.vmap((v: flax.Variables) => apply(v, x))(many as flax.Variables).shape, [3, 2]);
});

Deno.test("variables that a file gave as lists are refused by a message that says what to write", () => {
  const read = JSON.parse(JSON.stringify(variables));
  assertThrows(
    () => dense.apply(read, x),
    StateError,
    "params/kernel must be an array or a tree of arrays, not a JavaScript array of length 3 with number",
  );
});

Deno.test("branches may be there for what they do to variables alone", () => {
  const model = made((self, x) => {
    const count = self.variable("state", "n", () => np.zeros([]));
    flax.cond(
      x.sum().greater(0),
      () => {
        count.value = count.value.add(1);
      },
      () => {},
      self,
    );
    return count.value;
  });
  const [, after] = model.apply({ state: { n: np.array(0) } }, x, { mutable: ["state"] });
  assertEquals(plain(after), { state: { n: 1 } });
});

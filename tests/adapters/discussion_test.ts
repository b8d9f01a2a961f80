/**
 * The programs of the discussion that this project answers: library transforms inside a stateful
 * module system, at initialisation and after.
 */
import {
  ambient,
  grad,
  jit,
  LeakedTracerError,
  type NDArray,
  numpy as np,
  pure,
  random,
  scan,
  StateChangedError,
  StateError,
  type Transforms,
  vmap,
  withTransforms,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "../support/assert.ts";

const key = random.key(42);

function close(a: NDArray, b: NDArray, tolerance = 1e-6): void {
  assertEquals(a.shape, b.shape);
  const [x, y] = [a.dataSync(), b.dataSync()];
  x.forEach((v, i) => {
    const bound = tolerance * Math.max(1, Math.abs(y[i]!));
    assert(Math.abs(v - y[i]!) <= bound, `element ${i}: ${v} and ${y[i]}`);
  });
}

/** A library function: applies a step to a sequence, with whatever scan it is given. */
function unroll(
  step: (h: NDArray, x: NDArray) => NDArray,
  h0: NDArray,
  xs: NDArray,
  transforms: Transforms = pure,
): NDArray {
  const [h] = transforms.scan((h: NDArray, x: NDArray) => [step(h, x), null], h0, xs);
  return h;
}

Deno.test("a Linear inside scan, run twice: one set of weights, the right logits", () => {
  const xs = np.array([[1, 2], [3, 4], [5, 6]]);
  const model = hk.transform((xs: NDArray) => {
    const cell = new hk.Linear(2);
    const step = (h: NDArray, x: NDArray) => np.tanh(cell.call(h).add(x));
    const once = unroll(step, np.zeros([2]), xs, hk.transforms);
    const twice = unroll(step, once, xs, hk.transforms);
    return new hk.Linear(3).call(twice);
  });
  const params = model.init(key, xs);
  assertEquals(Object.keys(params).sort(), ["linear", "linear_1"]);
  const logits = model.apply(params, null, xs);

  const { w, b } = params.linear as { w: NDArray; b: NDArray };
  let h: NDArray = np.zeros([2]);
  for (let run = 0; run < 2; run++) {
    for (let t = 0; t < 3; t++) h = np.tanh(np.matmul(h, w).add(b).add(xs.at(t)));
  }
  close(logits, np.matmul(h, params.linear_1!.w!).add(params.linear_1!.b!));
  close(jit(model.apply)(params, null, xs), logits);
});

Deno.test("a whileLoop whose condition and body both create parameters needs no dance", () => {
  let initOutput: NDArray | undefined;
  const model = hk.transform((x: NDArray) => {
    const out = hk.transforms.whileLoop(
      (x) => np.abs(new hk.Linear(1, { name: "test" }).call(x)).add(x).sum().less(50),
      (x) => np.abs(new hk.Linear(2, { name: "step" }).call(x)).add(x).add(1),
      x,
    );
    if (hk.runningInit()) initOutput = out;
    return out;
  });
  const x = np.ones([2]);
  const params = model.init(random.key(3), x);
  assertEquals(Object.keys(params).sort(), ["step", "test"]);
  const out = model.apply(params, null, x);
  assert(out.sum().item() > 4);
  close(initOutput!, out, 0);
});

Deno.test("init's output equals apply's, for every loop and branch", () => {
  const t = hk.transforms;
  const programs: Record<string, (x: NDArray) => NDArray> = {
    whileLoop: (x) =>
      t.whileLoop(
        (x) => x.sum().less(20),
        (x) => np.abs(new hk.Linear(2).call(x)).add(x).add(1),
        x,
      ),
    foriLoop: (x) => t.foriLoop(0, 3, (_, x) => new hk.Linear(2).call(x), x),
    scan: (x) =>
      t.scan((c: NDArray) => [new hk.Linear(2).call(c), null], x, null, { length: 3 })[0],
    map: (x) => t.map((row) => new hk.Linear(3).call(row), np.stack([x, x])),
    vmap: (x) => t.vmap((row: NDArray) => new hk.Linear(3).call(row))(np.stack([x, x])),
    cond: (x) =>
      t.cond(
        x.sum().greater(100),
        (x) => new hk.Linear(2).call(x),
        (x) => new hk.Linear(2, { withBias: false }).call(x),
        x,
      ),
    switchCase: (x) =>
      t.switchCase(1, [(x) => x, (x) => new hk.Linear(2).call(x), (x) => x.neg()], x),
    jit: (x) => t.jit((x: NDArray) => new hk.Linear(2).call(x))(x),
    grad: (x) => t.grad((x: NDArray) => new hk.Linear(1).call(x).sum())(x),
    nested: (x) =>
      t.scan(
        (c: NDArray) => [
          t.foriLoop(0, 2, (_, c) =>
            t.cond(
              c.sum().less(0),
              (c) => c,
              (c) => new hk.Linear(2).call(c),
              c,
            ), c),
          null,
        ],
        x,
        null,
        { length: 2 },
      )[0],
  };
  for (const [name, f] of Object.entries(programs)) {
    let first: NDArray | undefined;
    const model = hk.transform((x: NDArray) => {
      const out = f(x);
      if (hk.runningInit()) first = out;
      return out;
    });
    const x = np.array([0.5, -1]);
    const params = model.init(key, x);
    assert(Object.keys(params).length > 0, `${name}: no parameters`);
    close(first!, model.apply(params, null, x), 1e-5);
  }
});

Deno.test("initial parameters do not depend on the transforms around them", () => {
  const x = np.ones([2]);
  const plain = hk.transform((x: NDArray) => new hk.Linear(2).call(x)).init(key, x);
  const inside = hk.transform((x: NDArray) =>
    hk.transforms.scan((c: NDArray) => [new hk.Linear(2).call(c), null], x, null, { length: 2 })[0]
  ).init(key, x);
  close(inside.linear!.w!, plain.linear!.w!, 0);
});

Deno.test("hk.transforms outside of a context behaves as pure", () => {
  const f = (x: NDArray) => x.mul(x).sum();
  const x = np.array([1, 2, 3]);
  const t = hk.transforms;
  assertEquals(t.grad(f)(x).toArray(), [2, 4, 6]);
  assertEquals(t.vmap((x: NDArray) => x.mul(2))(x).toArray(), [2, 4, 6]);
  assertEquals(t.scan((c: NDArray, x: NDArray) => [c.add(x), c], np.array(0), x)[1].toArray(), [
    0,
    1,
    3,
  ]);
  assertEquals(t.whileLoop((x) => x.less(10), (x) => x.mul(2), 1).item(), 16);
  assertEquals(t.cond(true, (x) => x, (x) => x.neg(), x).toArray(), [1, 2, 3]);
  assertEquals(t.jit(f)(x).item(), 14);
  assertEquals(t.isInitializing(), false);
});

Deno.test("a pure transform over a stateful function names the dictionary to pass", () => {
  const uses: Record<string, (x: NDArray) => NDArray> = {
    scan: (x) => scan((c: NDArray) => [new hk.Linear(2).call(c), null], x, null, { length: 2 })[0],
    vmap: (x) => vmap((x: NDArray) => new hk.Linear(2).call(x))(np.stack([x, x])),
    grad: (x) => grad((x: NDArray) => new hk.Linear(1).call(x).sum())(x),
    jit: (x) => jit((x: NDArray) => new hk.Linear(2).call(x))(x),
    library: (x) => unroll((h, x) => new hk.Linear(2).call(h).add(x), x, np.stack([x, x])),
  };
  for (const [name, f] of Object.entries(uses)) {
    const model = hk.transform(f);
    const error = assertThrows(() => model.init(key, np.ones([2])), StateError, "hk.transforms");
    assertStringIncludes(error.message, "transforms: hk.transforms");
    assertStringIncludes(error.message, name === "library" ? "scan" : name);
  }
});

Deno.test("state that exists may be updated in a loop body", () => {
  const counter = hk.transformWithState((n: number) => {
    hk.getState("count", [], { init: (s) => np.zeros(s) });
    const bump = () => hk.setState("count", hk.getState("count").add(1));
    const [x] = hk.transforms.scan(
      (c: NDArray) => {
        bump();
        return [c.add(hk.getState("count")), null];
      },
      np.array(0),
      null,
      { length: n },
    );
    return hk.transforms.whileLoop((x) => x.less(100), (x) => {
      bump();
      return x.mul(2);
    }, x);
  });
  const [params, state] = counter.init(null, 3);
  assertEquals(state["~"]!.count!.item(), 0);
  const [out, after] = counter.apply(params, state, null, 3);
  // 1 + 2 + 3 = 6, doubled until 100: 192 after five more updates.
  assertEquals([out.item(), after["~"]!.count!.item()], [192, 8]);
});

Deno.test("a loop body that raises leaves state, parameters and keys untouched", () => {
  const model = hk.transformWithState(() => {
    hk.getState("count", [], { init: (s) => np.zeros(s) });
    const before = hk.maybeNextRngKey()!;
    try {
      hk.transforms.foriLoop(0, 3, (_, x) => {
        hk.setState("count", hk.getState("count").add(1));
        hk.nextRngKey();
        if (!hk.runningInit()) throw new RangeError("stop");
        return x;
      }, np.array(0));
    } catch (error) {
      assert(error instanceof RangeError);
    }
    return [hk.getState("count"), before, hk.nextRngKey()];
  });
  const [params, state] = model.init(key);
  const [[count, , next], after] = model.apply(params, state, key);
  assertEquals(count!.item(), 0);
  assertEquals(after["~"]!.count!.item(), 0);
  const reference = hk.transformWithState(() => [hk.nextRngKey(), hk.nextRngKey()]);
  const [[, second]] = reference.apply({}, {}, key);
  assertEquals(next!.toArray(), second!.toArray());
});

Deno.test("strict dictionaries refuse loops that would create entries, and name them", () => {
  const model = hk.transform((x: NDArray) =>
    hk.strictTransforms.whileLoop((x) => x.sum().less(9), (x) => new hk.Linear(2).call(x), x)
  );
  assertThrows(() => model.init(key, np.ones([2])), StateChangedError, "linear/w");
});

Deno.test("a condition may read state but not write it or draw keys", () => {
  const write = hk.transformWithState((x: NDArray) => {
    hk.getState("n", [], { init: (s) => np.zeros(s) });
    return hk.transforms.whileLoop(
      (x) => {
        hk.setState("n", hk.getState("n").add(1));
        return x.less(10);
      },
      (x) => x.mul(2),
      x,
    );
  });
  assertThrows(() => write.init(key, np.array(1)), StateError, "~/n");
  const draw = hk.transform((x: NDArray) =>
    hk.transforms.whileLoop(
      (x) => random.uniform(hk.nextRngKey(), []).add(x).less(10),
      (x) => x.mul(2),
      x,
    )
  );
  assertThrows(() => draw.init(key, np.array(1)), StateError, "random key");
  const read = hk.transformWithState((x: NDArray) => {
    hk.getState("n", [], { init: (s) => np.zeros(s) });
    return hk.transforms.whileLoop(() => hk.getState("n").less(4), (x) => {
      hk.setState("n", hk.getState("n").add(1));
      return x.mul(2);
    }, x);
  });
  const [params, state] = read.init(key, np.array(1));
  assertEquals(read.apply(params, state, null, np.array(1))[0].item(), 16);
});

Deno.test("iterations, branches and lanes draw keys of their own", () => {
  const t = hk.transforms;
  const draw = (): NDArray => random.uniform(hk.nextRngKey(), []);
  const model = hk.transform(() => {
    const [, ys] = t.scan((c: null) => [c, draw()], null, null, { length: 3 });
    const lanes = t.vmap(() => draw(), { axisSize: 3, inAxes: null, splitRng: true })();
    const shared = t.vmap((x: NDArray) => draw().add(x.mul(0)))(np.zeros([2]));
    return { ys, lanes, shared, after: draw() };
  });
  const { ys, lanes, shared, after } = model.apply({}, key);
  const values = [...ys.dataSync(), ...lanes.dataSync(), after.item(), shared.dataSync()[0]!];
  assertEquals(new Set(values).size, values.length);
  assertEquals(shared.dataSync()[0], shared.dataSync()[1]);
});

Deno.test("a write that differs between lanes is an error that names the entry", () => {
  const model = hk.transformWithState((xs: NDArray) => {
    hk.getState("last", [], { init: (s) => np.zeros(s) });
    return hk.transforms.vmap((x: NDArray) => {
      hk.setState("last", x);
      return x;
    })(xs);
  });
  assertThrows(() => model.init(key, np.ones([3])), StateError, "~/last");
});

Deno.test("the backward rule of customVjp may call modules and sees the parameters", () => {
  const model = hk.transform((x: NDArray) => {
    const layer = new hk.Linear(2, { withBias: false });
    const f = hk.transforms.customVjp(
      (x: NDArray) => layer.call(x),
      (x: NDArray): [NDArray, NDArray] => [layer.call(x), x],
      (_, ct) => [layer.call(ct).mul(10)],
    );
    return f(x).sum();
  });
  const x = np.array([1, 2]);
  const params = model.init(key, x);
  const w = params.linear!.w!;
  const [byParams, byX] = grad(
    (p: typeof params, x: NDArray) => model.apply(p, null, x),
    { argnums: [0, 1] },
  )(params, x);
  close(byX, np.matmul(np.ones([2]), w).mul(10));
  close(byParams.linear!.w!, np.stack([np.full([2], 1), np.full([2], 2)]));
});

Deno.test("ambient stands for the dictionary that was chosen, and for pure otherwise", () => {
  const model = hk.transform((xs: NDArray) => {
    const cell = new hk.Linear(2);
    return withTransforms(
      hk.transforms,
      () => unroll((h, x) => cell.call(h).add(x), np.zeros([2]), xs, ambient),
    );
  });
  const xs = np.ones([3, 2]);
  const params = model.init(key, xs);
  assertEquals(Object.keys(params), ["linear"]);
  assertEquals(ambient.grad((x: NDArray) => x.mul(x))(np.array(3)).item(), 6);
});

Deno.test("a traced value that escapes says where it was made", () => {
  let kept: NDArray | undefined;
  jit((x: NDArray) => {
    kept = x.add(1);
    return kept;
  })(np.ones([2]));
  const error = assertThrows(() => kept!.add(1), LeakedTracerError, "discussion_test.ts");
  assertStringIncludes(error.message, "jit of");
});

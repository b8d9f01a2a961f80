/**
 * Mixed precision: dtypes of parameters, computation and results by class of module.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np, random, StateError } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const { setPolicy, getPolicy, clearPolicy, currentPolicy, pushPolicy } = hk.mixedPrecision;
const key = random.key(3);

/** Notes what a module sees. */
const seen: Record<string, string[]> = {};
const note = (module: hk.Module, ...xs: NDArray[]): void => {
  seen[module.moduleName] = [...xs.map((x) => x.dtype), currentPolicy()?.compute ?? "none"];
};

class Inner extends hk.Module {
  call(x: NDArray): NDArray {
    const w = hk.getParameter("w", [], { init: (s, dtype) => np.ones(s, { dtype }) });
    const n = hk.getParameter("n", [], {
      dtype: "int32",
      init: (s, dtype) => np.ones(s, { dtype }),
    });
    const m = hk.getState("m", [], { init: (s, dtype) => np.zeros(s, { dtype }) });
    note(this, x, w, n, m);
    return x.mul(w);
  }
}

class Outer extends hk.Module {
  call(x: NDArray): NDArray {
    const w = hk.getParameter("w", [], { init: (s, dtype) => np.ones(s, { dtype }) });
    const y = new Inner().call(x);
    note(this, x, w, y);
    return y;
  }
}

const model = hk.transformWithState((x: NDArray) => new Outer().call(x));
const x = np.array([1, 2]);
const types = (entries: hk.ModuleEntries) =>
  Object.fromEntries(
    Object.entries(entries).flatMap(([module, own]) =>
      Object.entries(own).map(([name, value]) => [`${module}/${name}`, value.dtype])
    ),
  );

Deno.test("a policy holds for a class and for modules inside that have none of their own", () => {
  pushPolicy(Outer, { params: "float64", compute: "float32", output: "float64" }, () => {
    const [params, state] = model.init(key, x);
    assertEquals(types(params), {
      "outer/w": "float64",
      "outer/inner/w": "float64",
      "outer/inner/n": "int32",
    });
    // State is made as it was asked for, and read as is computed.
    assertEquals(types(state), { "outer/inner/m": "float32" });
    const [out] = model.apply(params, state, null, x);
    assertEquals(out.dtype, "float64");
    assertEquals(seen, {
      outer: ["float32", "float32", "float32", "float32"],
      "outer/inner": ["float32", "float32", "int32", "float32", "float32"],
    });
  });
});

Deno.test("a module inside has its own policy, and after it that of the one around holds again", () => {
  pushPolicy(
    Outer,
    { params: "float32", compute: "float64", output: "float32" },
    () =>
      pushPolicy(Inner, { params: "float64", compute: "float32", output: "float32" }, () => {
        const [params, state] = model.init(key, x);
        assertEquals(types(params), {
          "outer/w": "float32",
          "outer/inner/w": "float64",
          "outer/inner/n": "int32",
        });
        model.apply(params, state, null, x);
        assertEquals(seen.outer, ["float64", "float64", "float32", "float64"]);
        assertEquals(seen["outer/inner"], ["float32", "float32", "int32", "float32", "float32"]);
      }),
  );
});

Deno.test("policies are set, read, replaced for a part, and taken away; subclasses are other classes", () => {
  class Other extends Inner {}
  assertEquals(getPolicy(Inner), null);
  setPolicy(Inner, { compute: "float64" });
  const policy = { params: "float32", compute: "float64", output: "float32" } as const;
  assertEquals([getPolicy(Inner), getPolicy(Other)], [policy, null]);
  pushPolicy(Inner, { output: "float64" }, () => {
    assertEquals(getPolicy(Inner)!.output, "float64");
  });
  assertEquals(getPolicy(Inner), policy);
  assertThrows(
    () =>
      pushPolicy(Inner, { output: "float64" }, () => {
        throw new RangeError("mine");
      }),
    RangeError,
    "mine",
  );
  assertEquals(getPolicy(Inner), policy);
  clearPolicy(Inner);
  assertEquals(getPolicy(Inner), null);
  model.init(key, x);
  assertEquals(seen["outer/inner"], ["float32", "float32", "int32", "float32", "none"]);
});

Deno.test("inside of a function a policy is for a part of it, transforms included", () => {
  const part = hk.transform((x: NDArray) => {
    const layer = new hk.Linear(2);
    const low = layer.call(x);
    const wide = pushPolicy(
      hk.Linear,
      { compute: "float64", output: "float64" },
      () => hk.transforms.vmap((r: NDArray) => layer.call(r))(np.stack([x, x])),
    );
    assertThrows(() => setPolicy(hk.Linear, {}), StateError, "pushPolicy");
    return [low, wide];
  });
  const params = part.init(key, x);
  const [low, wide] = part.apply(params, null, x);
  assertEquals([low!.dtype, wide!.dtype, params.linear!.w!.dtype], [
    "float32",
    "float64",
    "float32",
  ]);
});

Deno.test("a compiled part is compiled anew under another policy", () => {
  const step = (x: NDArray): NDArray => new hk.Linear(2, { name: "one" }).call(x);
  const twice = hk.transform((x: NDArray) => {
    const compiled = hk.transforms.jit(step, { backend: "interpreter" });
    const first = compiled(x);
    return [
      first,
      pushPolicy(hk.Linear, { output: "float64" }, () => compiled(x)),
      compiled(x),
    ];
  });
  const params = twice.init(key, x);
  assertEquals(
    twice.apply(params, null, x).map((y: NDArray) => y.dtype),
    ["float32", "float64", "float32"],
  );
});

Deno.test("derivatives have the dtypes of the parameters, compiled or not", () => {
  const mlp = hk.transform((x: NDArray) => new hk.MLP([3, 1]).call(x));
  pushPolicy(hk.MLP, { params: "float64" }, () => {
    const params = mlp.init(key, x);
    const loss = (p: hk.ModuleEntries) => mlp.apply(p, null, x).square().sum();
    const compiled = jit(grad(loss), { backend: "interpreter" });
    for (const g of [grad(loss)(params), compiled(params)]) {
      assertEquals(new Set(Object.values(types(g))), new Set(["float64"]));
    }
  });
});

Deno.test("creators and interceptors run beside a policy, each at its place", () => {
  const asked: string[] = [];
  const creator: hk.Creator = (next, shape, dtype, init) => {
    asked.push(dtype);
    return next(shape, dtype, init);
  };
  const methods: string[] = [];
  hk.interceptMethods((next, args, { module, methodName }) => {
    methods.push(`${module.name}.${methodName} ${(args[0] as NDArray).dtype}`);
    return next(...args);
  }, () =>
    pushPolicy(Outer, { params: "float64", compute: "float64" }, () => {
      const inside = hk.transformWithState((x: NDArray) =>
        hk.customCreator(creator, () => new Outer().call(x))
      );
      inside.init(key, x);
    }));
  // What was put in force further out is asked first, for what the module asked.
  assertEquals(asked, ["float32", "float32", "int32"]);
  assertEquals(methods, ["outer.call float64", "inner.call float64"]);
});

Deno.test("what is no policy is refused", () => {
  assertThrows(() => setPolicy(Inner, { params: "int32" }), StateError, 'params must be "float32"');
  assertThrows(() => setPolicy(Inner, { parms: "float64" } as never), TypeError, "parms");
  assertThrows(() => setPolicy(null as never, {}), StateError, "a class of modules");
  assertThrows(() => setPolicy(Inner, null as never), StateError, "clearPolicy takes one away");
  assertThrows(() => pushPolicy(Inner, {}, null as never), StateError, "a function to run");
  assertThrows(currentPolicy, StateError, "hk.transform");
});

/**
 * What the keys of options name: entries by path before those of a collection, of one system; a key that
 * names nothing, or entries of two systems, is refused.
 *
 * @module
 */
import {
  compose,
  Context,
  contextStack,
  type EntryAxes,
  jit,
  liftTransforms,
  type NDArray,
  numpy as np,
  random,
  StateError,
  type VmapOptions,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { plain } from "../support/arrays.ts";

const t = hk.transforms;
const key = random.key(5);

/** A model whose lanes have entries of their own. */
function lanes(options: VmapOptions): Record<string, Record<string, readonly number[]>> {
  const params = hk.transform((xs: NDArray) =>
    t.vmap((x: NDArray) => new hk.Linear(2).call(x), options)(xs)
  ).init(key, np.ones([3, 4]));
  const shapes = (own: Record<string, NDArray>) =>
    Object.fromEntries(Object.entries(own).map(([name, x]) => [name, x.shape]));
  return Object.fromEntries(Object.entries(params).map(([name, own]) => [name, shapes(own)]));
}

Deno.test("what is said of a path goes before what is said of its collection, null too", () => {
  assertEquals(lanes({ stateAxes: { params: 0, "linear/b": null } }), {
    linear: { w: [3, 4, 2], b: [2] },
  });
  assertEquals(lanes({ stateAxes: { params: null, "linear/b": 0 } }), {
    linear: { w: [4, 2], b: [3, 2] },
  });
});

Deno.test("a key of stateAxes that names nothing is refused with what there is", () => {
  const wrong = (stateAxes: EntryAxes) => () => lanes({ stateAxes });
  assertThrows(
    wrong({ "linear/weights": 0 }),
    StateError,
    'stateAxes says something of "linear/weights", which is neither the path of an entry nor a collection. ' +
      "The entries are linear/b, linear/w; the collections are params, state",
  );
  assertThrows(wrong({ params: 0, parameters: 0 }), StateError, '"parameters"');
  // A model without state may say what would become of it.
  assertEquals(lanes({ stateAxes: { params: 0, state: 0 } }).linear!.w, [3, 4, 2]);

  const layers = (stateAxes: EntryAxes) => () =>
    hk.transform((x: NDArray) =>
      t.scan((h: NDArray) => [new hk.Linear(4).call(h), null], x, null, { length: 3, stateAxes })[0]
    ).init(key, np.ones([4]));
  assertEquals(layers({ params: 0 })().linear!.w!.shape, [3, 4, 4]);
  assertThrows(layers({ "lin/w": 0 }), StateError, "hk.transforms.scan: stateAxes says something");
});

Deno.test("a key names an entry that the function does not use, compiled or not", () => {
  const model = hk.transform((xs: NDArray) => {
    const scale = hk.getParameter("scale", [], { init: hk.initializers.constant(2) });
    const inner = (x: NDArray) => new hk.Linear(1, { name: "own" }).call(x).mul(scale);
    return t.vmap(inner, { stateAxes: { "own/w": 0, "~/scale": null } })(xs);
  });
  const xs = np.ones([3, 2]);
  const params = model.init(key, xs);
  const eager = model.apply(params, null, xs);
  const compiled = jit(model.apply, { backend: "interpreter" })(params, null, xs);
  assertEquals([eager.shape, plain(compiled)], [[3, 1], plain(eager)]);
});

Deno.test("a key of reduceState that names nothing is refused; it may be a collection", () => {
  const run = (reduceState: VmapOptions["reduceState"]) => {
    const model = hk.transformWithState((xs: NDArray) =>
      t.vmap((x: NDArray) => {
        hk.getState("m", [], { init: (s) => np.zeros(s) });
        hk.setState("m", x);
        return x;
      }, { reduceState })(xs)
    );
    const xs = np.array([1, 2, 6]);
    const [params, state] = model.init(key, xs);
    return plain(model.apply(params, state, null, xs)[1]);
  };
  assertEquals(run({ state: "max" }), { "~": { m: 6 } });
  assertEquals(run({ state: "max", "~/m": "sum" }), { "~": { m: 9 } });
  assertThrows(
    () => run({ state: "max", m: "sum" }),
    StateError,
    'reduceState says something of "m"',
  );
});

// ---------------------------------------------------------------- two systems

const [left, right] = ["Left", "Right"].map((name) => contextStack(name, { dictionary: name }));
const both = compose(liftTransforms(left!), liftTransforms(right!));

/** Runs `f` where each of two systems has an entry `w` with a slice for each of two lanes. */
function inBoth<T>(f: () => T): [T, unknown, unknown] {
  const entries = { "params:w": np.array([1, 2]) };
  const [a, b] = [left!, right!].map((stack) => Context.open(stack, { entries }));
  const out = left!.run(a!, () => right!.run(b!, f));
  return [out, plain(a!.get("params:w")), plain(b!.get("params:w"))];
}

const at = (stack: typeof left): NDArray => stack!.need("at").get("params:w") as NDArray;

Deno.test("a path that two systems have is refused in options, with both", () => {
  const mapped = (options: VmapOptions) => () =>
    inBoth(() =>
      both.vmap((x: NDArray) => {
        for (const stack of [left!, right!]) {
          stack.need("step").set("params:w", at(stack).mul(x));
        }
        return x;
      }, options)(np.array([3, 4]))
    );
  assertEquals(mapped({ stateAxes: { params: 0 } })().slice(1), [[3, 8], [3, 8]]);
  const two = "w is in Left (params) and in Right (params)";
  assertThrows(mapped({ stateAxes: { w: 0 } }), StateError, `stateAxes: ${two}`);
  assertThrows(
    mapped({ reduceState: { w: "sum" } }),
    StateError,
    `reduceState: ${two}`,
  );
  // A function tells them apart.
  const [, own, shared] = mapped({
    stateAxes: (_path, _collection, system) => system === "Left" ? 0 : null,
    reduceState: { w: (x) => x.sum(0) },
  })();
  assertEquals([own, shared], [[3, 8], [7, 14]]);

  const steps = (stateAxes: EntryAxes) => () =>
    inBoth(() =>
      both.scan((x: NDArray) => [x.add(at(left)).add(at(right).sum()), null], np.array(0), null, {
        length: 2,
        stateAxes,
      })[0]
    );
  assertThrows(steps({ w: 0 }), StateError, `stateAxes: ${two}`);
  assertEquals(plain(steps((_p, _c, system) => system === "Left" ? 0 : null)()[0]), 9);
});

Deno.test("a path that two systems have, where only one of them is reached, is that one's", () => {
  const [out] = inBoth(() =>
    both.vmap((x: NDArray) => x.mul(at(right)), { stateAxes: { w: 0 } })(np.array([3, 4]))
  );
  assertEquals(plain(out), [3, 8]);
});

Deno.test("derivatives by entries tell two systems apart by a function", () => {
  const f = (x: NDArray) => x.mul(at(left)).mul(at(right).mul(2)).sum();
  const by = (entries: Parameters<typeof both.grad>[1]) => () =>
    inBoth(() => both.grad(f, entries)(np.array(3)))[0];
  assertThrows(by({ entries: ["w"] } as never), StateError, "Left (params) and in Right (params)");
  const own = by(
    {
      entries: (_path: string, _collection: string, system: string) => system === "Right",
      argnums: [],
    } as never,
  )();
  assertEquals(plain(own), [[], { w: [6, 12] }]);
});

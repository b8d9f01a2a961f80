/**
 * What stateful dictionaries do on request: reduced writes of lanes, derivatives by entries.
 *
 * @module
 */
import { jit, type NDArray, numpy as np, random, StateError, type VmapOptions } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";

const t = hk.transforms;
const key = random.key(11);

const counter = (): NDArray =>
  hk.getState("n", [], { init: (s) => np.zeros(s, { dtype: "int32" }) });

/** Adds one to an integer entry. */
function count(): void {
  hk.setState("n", counter().add(1));
}

Deno.test("lanes that write different values: reduced as declared, for all entries or by path", () => {
  // A running statistic, and a counter that all lanes write alike.
  const stat = (): NDArray => hk.getState("m", [], { init: (s) => np.zeros(s) });
  const step = (x: NDArray): NDArray => {
    hk.setState("m", stat().add(x));
    count();
    return x.mul(stat());
  };
  const xs = np.array([1, 2, 6]);
  const run = (reduceState: VmapOptions["reduceState"], input = xs) => {
    const model = hk.transformWithState((xs: NDArray) => {
      stat();
      counter();
      return t.vmap(step, { reduceState })(xs);
    });
    const [params, state] = model.init(key, input);
    assertEquals(plain(state), { "~": { m: 0, n: 0 } }, "init keeps initial values");
    const start = { "~": { ...state["~"], m: np.array(10) } };
    const eager = model.apply(params, start, null, input);
    const compiled = jit((xs: NDArray) => model.apply(params, start, null, xs))(input);
    assertEquals(plain(compiled), plain(eager));
    return plain(eager) as [number[], { "~": { m: number; n: number } }];
  };
  for (const [how, m] of [["mean", 13], ["sum", 39], ["max", 16], ["min", 11]] as const) {
    // Within a lane, the lane's own value is read.
    assertEquals(run(how), [[11, 24, 96], { "~": { m, n: 1 } }], how);
    assertEquals(run({ "~/m": how })[1], { "~": { m, n: 1 } }, `${how} by path`);
  }
  assertEquals(run((lanes) => lanes.at(-1))[1], { "~": { m: 16, n: 1 } });
  assertEquals(
    run("mean", np.zeros([0]))[1],
    { "~": { m: 10, n: 1 } },
    "no lanes, none has written",
  );
  assertThrows(() => run(undefined), StateError, 'reduceState: { "~/m": "mean" }');
  assertThrows(() => run({ "~/n": "mean" }), StateError, "state entry ~/m");
  assertThrows(
    () => run("median" as never),
    StateError,
    '"mean", "sum", "max", "min" or a function',
  );
  assertThrows(() => run((x) => x), StateError, "made float32[3] of lanes that are float32[3]");
});

Deno.test("reduced writes nest, and differentiate like what else is written: not at all", () => {
  const model = hk.transformWithState((x: NDArray) => {
    const stat = () => hk.getState("m", [], { init: (s) => np.zeros(s) });
    const row = (x: NDArray): NDArray =>
      t.vmap((y: NDArray) => {
        hk.setState("m", stat().add(y));
        return y.mul(2);
      }, { reduceState: "max" })(x).sum();
    return t.grad((x: NDArray) => t.vmap(row, { reduceState: "sum" })(x).sum())(x);
  });
  const x = np.array([[1, 5], [2, 3]]);
  const [params, state] = model.init(key, x);
  const [g, after] = model.apply(params, state, null, x);
  assertEquals([plain(g), plain(after)], [[[2, 2], [2, 2]], { "~": { m: 8 } }]);
});

Deno.test("derivatives by chosen parameters and state entries, beside arguments", () => {
  /** Scales what a layer gives, and counts the scale up. */
  const scaled = (): (x: NDArray) => NDArray => {
    const layer = new hk.Linear(1, { withBias: false, name: "layer" });
    return (x) => {
      const scale = hk.getState("scale", [], { init: (s) => np.ones(s).mul(3) });
      hk.setState("scale", scale.add(1));
      return layer.call(x).sum().mul(scale);
    };
  };
  const entries = ["layer/w", "~/scale"];
  const x = np.array([2, 5]);
  const model = hk.transformWithState((x: NDArray) => {
    const options = { entries };
    const f = scaled();
    return {
      both: t.grad(f, options)(x),
      alone: t.grad(f, { entries: ["~/scale"], argnums: [] })(x),
      value: t.valueAndGrad((x) => [f(x), x.mul(7)], { ...options, hasAux: true })(x),
      forward: t.jacfwd(f, options)(x),
      reverse: t.jacrev(f, { ...options, argnums: [0] })(x),
      second: t.hessian(f, { entries: ["~/scale"] })(x),
    };
  });
  const [{ layer }, state] = model.init(key, x);
  const w = layer!.w!;
  const [out, after] = model.apply({ layer: layer! }, state, null, x);
  // Each derivative is one run of f: the scale goes from 3 to 8.
  assertEquals(plain(after), { "~": { scale: 9 } });
  const y = np.matmul(x, w).item();
  const expected = (scale: number) => [
    w.mul(scale).reshape([2]),
    { "layer/w": x.mul(scale).reshape([2, 1]), "~/scale": np.array(y) },
  ];
  assertClose(out.both, expected(3), 1e-6);
  assertClose(out.alone, [[], { "~/scale": np.array(y) }], 1e-6);
  assertClose(out.value, [[y * 5, x.mul(7)], expected(5)], 1e-6);
  assertClose(out.forward, expected(6), 1e-6);
  assertClose(out.reverse, [[expected(7)[0]], expected(7)[1]], 1e-6);
  const [[byXX, byXs], byScale] = out.second;
  assertClose([byXX, byXs["~/scale"]], [np.zeros([2, 2]), w.reshape([2])], 1e-6);
  assertClose(byScale["~/scale"], [w.reshape([2]), { "~/scale": np.array(0) }], 1e-6);

  const wrong = (entries: string[]) =>
    hk.transform((x: NDArray) => t.grad(scaled(), { entries })(x));
  assertThrows(
    () => wrong(["layer/b"]).init(key, x),
    StateError,
    'no parameter or state entry the string "layer/b". There is layer/w, ~/scale',
  );
  assertThrows(
    () => t.grad((x: NDArray) => x, { entries })(np.array(1)),
    StateError,
    "here is none",
  );
});

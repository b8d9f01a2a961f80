/** Modules of several systems in one solve: the state of each is threaded, once. */
import {
  compose,
  fixedPoint,
  grad,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  random,
  type ShapeDtype,
  treeLeaves,
} from "../../mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as tl from "../../adapters/trax/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";

await loadBackend("onnx");

const key = random.key(0);
const x = np.array([[0.3, -0.2], [0.4, 1], [2, 0.1]]);
const all = compose(hk.transforms, eqx.transforms, tl.transforms);

/** A Trax layer whose solve has a layer of each system in it. */
class Solve extends tl.Layer {
  readonly own: tl.Layer;
  constructor(readonly others: (z: NDArray) => NDArray) {
    const own = tl.BatchNorm({ axis: 0, momentum: 0.5 });
    super({ sublayers: [own as tl.AnyLayer] });
    this.own = own;
  }
  override initWeightsAndState(x: ShapeDtype): void {
    this.own.init(x);
  }
  override forward(x: NDArray): NDArray {
    const step = (z: NDArray): NDArray =>
      np.tanh(this.own.call(this.others(z).mul(0.1).add(x)).mul(0.3));
    return fixedPoint(step, np.zerosLike(x), { transforms: all, rtol: 1e-6, atol: 1e-6 }).value;
  }
}

Deno.test("layers of Trax, Equinox and Haiku in one solve: each has its state updated once, and its gradient", () => {
  const [norm, state] = eqx.makeWithState(eqx.nn.BatchNorm)(2, { mode: "batch", momentum: 0.5 });
  const model = hk.transformWithState((weights: tl.Values, own: tl.Values, state: eqx.State) => {
    const linear = new hk.Linear(2, { wInit: hk.initializers.constant(0.3) });
    return eqx.threadState(state, (state) => {
      const layer = new Solve((z) => {
        const n = hk.getState("n", [], { init: hk.initializers.constant(0) });
        hk.setState("n", n.add(1));
        return norm.call(linear.call(z).add(x), state)[0];
      });
      return layer.pureFn(x, weights, own);
    });
  });
  const [weights, own] = new Solve((z) => z).init(tl.signature(x));
  const [params, counts] = model.init(key, weights, own, state.clone());
  assertEquals(Object.keys(params), ["linear"]);
  type Result = [NDArray, NDArray[]];
  const run = (params: hk.ModuleEntries, weights: tl.Values): Result => {
    const [[[z, after], moved], n] = model.apply(
      params,
      counts,
      null,
      weights,
      own,
      state.clone(),
    ) as never as [
      [[NDArray, tl.Values], eqx.State],
      hk.ModuleEntries,
    ];
    return [z.square().sum(), [
      n["~"]!.n!,
      moved.get(norm.counter),
      ...treeLeaves(after) as NDArray[],
    ]];
  };
  const [value, [n, m, ...rest]] = run(params, weights);
  assertEquals([n!.item(), m!.item(), rest[2]!.item()], [1, 1, 1]);
  const slopes = (p: hk.ModuleEntries, w: tl.Values) =>
    grad(run, { argnums: [0, 1], hasAux: true })(p, w);
  const [[byParams, byWeights]] = slopes(params, weights) as never as [
    [hk.ModuleEntries, [NDArray[]]],
    unknown,
  ];
  const h = 1e-2;
  const at = (d: number): number => {
    const w = params.linear!.w!;
    return run({ linear: { ...params.linear!, w: w.add(np.full([2, 2], d)) } }, weights)[0].item();
  };
  assertClose(byParams.linear!.w!.sum(), (at(h) - at(-h)) / (2 * h), 1e-3);
  for (const backend of ["cpu", "onnx", "interpreter"]) {
    const [v, moved] = jit(run, { backend })(params, weights) as Result;
    assertClose([v, ...moved], [value, n, m, ...rest], 1e-5);
    const [[p, w]] = jit(slopes, { backend })(params, weights) as never as [
      [hk.ModuleEntries, unknown],
      unknown,
    ];
    assertClose([p, w], [byParams, byWeights], 1e-5);
  }
});

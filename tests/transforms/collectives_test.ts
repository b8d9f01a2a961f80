/**
 * Operations between the lanes of a `vmap` whose axis has a name, as far as JAX's values do not say it (those
 * are in `api/families/collectives_test.ts`): what is compiled for which axes, on all backends, functions with
 * rules of their own, module systems, and mistakes.
 *
 * @module
 */
import {
  AxisError,
  checkpoint,
  customJvp,
  customVjp,
  exportOnnx,
  grad,
  jacfwd,
  jacrev,
  jit,
  loadBackend,
  makeJaxpr,
  type NDArray,
  numpy as np,
  random,
  ShapeError,
  vmap,
} from "../../mod.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import * as lax from "../../lib/api/lax.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { everywhere } from "../support/everywhere.ts";
import { any, mistake } from "../support/mistakes.ts";

await loadBackend("onnx");

const lanes = { axisName: "i" } as const;
const x = arr([0.5, -1.25, 2]);

Deno.test("operations between lanes run eagerly and on all backends, outside and inside of jit", () => {
  const f = (x: NDArray): NDArray => lax.psum(x.sin(), "i").mul(x).add(lax.axisIndex("i"));
  const sum = Math.sin(0.5) + Math.sin(-1.25) + Math.sin(2);
  everywhere(vmap(f, lanes), [x], [sum * 0.5, sum * -1.25 + 1, sum * 2 + 2]);
  everywhere(vmap(jit(f), lanes), [x], [sum * 0.5, sum * -1.25 + 1, sum * 2 + 2]);
});

Deno.test("a jitted function is compiled once for an axis, and again for one of another length", () => {
  let traced = 0;
  const share = jit((x: NDArray) => {
    traced++;
    return x.div(lax.psum(1, "i")).add(lax.axisSize("i"));
  });
  assertClose(vmap(share, lanes)(arr([2, 4])), [3, 4]);
  assertClose(vmap(share, lanes)(arr([6, 8])), [5, 6]);
  assertEquals(traced, 1);
  assertClose(vmap(share, lanes)(arr([3, 6, 9])), [4, 5, 6]);
  assertEquals(traced, 2);
  assertClose(vmap(share, lanes)(arr([2, 4])), [3, 4]);
  assertEquals(traced, 2);
  // One that calls it depends on what it depends on.
  const outer = jit((x: NDArray) => share(x).mul(2));
  assertClose(vmap(outer, lanes)(arr([2, 4])), [6, 8]);
  assertClose(vmap(outer, lanes)(arr([3, 6, 9])), [8, 10, 12]);
});

Deno.test("the program of a vmap has no operations between lanes left in it", async () => {
  const f = vmap((x: NDArray) => x.sub(lax.pmean(x, "i")), lanes);
  const { primitives } = makeJaxpr(f)(x);
  assert(primitives.includes("reduce_sum") && !primitives.includes("psum"), String(primitives));
  assert((await exportOnnx(f, x)).length > 0);
});

Deno.test("values that are the same in all lanes stay so, and may leave without an axis", () => {
  const total = vmap((x: NDArray) => lax.psum(x, "i"), { ...lanes, outAxes: null });
  assertClose(total(x), 1.25);
  const all = vmap((x: NDArray) => lax.allGather(x.mul(2), "i"), { ...lanes, outAxes: null });
  assertClose(all(x), [1, -2.5, 4]);
});

Deno.test("operands that no lane has for itself count once for each lane", () => {
  const w = arr([1, 2, 3]);
  const run = (f: (w: NDArray) => NDArray): NDArray =>
    vmap((_: NDArray, w: NDArray) => f(w), { ...lanes, inAxes: [0, null] })(x, w);
  assertClose(run((w) => lax.psum(w, "i")), [[3, 6, 9], [3, 6, 9], [3, 6, 9]]);
  assertClose(run((w) => lax.psumScatter(w, "i")), [3, 6, 9]);
  assertClose(run((w) => lax.allToAll(w, "i", 0, 0)), [[1, 1, 1], [2, 2, 2], [3, 3, 3]]);
  assertClose(run((w) => lax.pmax(w, "i").sum()), [6, 6, 6]);
  assertClose(run((w) => lax.ppermute(w.sum(), "i", [[0, 1]])), [0, 6, 0]);
});

Deno.test("ppermute() gives zeros to lanes that none sends to, and derivatives go back", () => {
  const f = vmap((x: NDArray) => lax.ppermute(x.mul(x), "i", [[0, 2], [2, 1]]), lanes);
  assertClose(f(x), [0, 4, 0.25]);
  assertClose(jacfwd(f)(x), [[0, 0, 0], [0, 0, 4], [1, 0, 0]]);
  assertClose(jacrev(f)(x), [[0, 0, 0], [0, 0, 4], [1, 0, 0]]);
  const inside = vmap(
    grad((x: NDArray) => lax.ppermute(x.mul(x), "i", [[0, 2], [2, 1]]).mul(10)),
    lanes,
  );
  assertClose(inside(x), [10, 0, 40]);
});

Deno.test("pmax() and pmin() have derivatives, which go to the lanes that have the value", () => {
  assertClose(jacrev(vmap((x: NDArray) => lax.pmax(x, "i").mul(x), lanes))(x), [
    [2, 0, 0.5],
    [0, 2, -1.25],
    [0, 0, 4],
  ]);
  assertClose(vmap(grad((x: NDArray) => lax.pmin(x, "i")), lanes)(x), [0, 3, 0]);
  assertEquals(
    vmap((b: NDArray) => lax.pmax(b, "i"), lanes)(np.array([true, false])).toArray(),
    [true, true],
  );
});

Deno.test("rules of one's own may work between lanes, inside and outside of derivatives", () => {
  const plain = (x: NDArray): NDArray => lax.psum(x.sin(), "i");
  const forward = customJvp(plain, ([x], [t]) => [
    lax.psum(x.sin(), "i"),
    lax.psum(x.cos().mul(t), "i").mul(10),
  ]);
  const backward = customVjp(
    plain,
    (x: NDArray): [NDArray, NDArray] => [plain(x), x],
    (x, ct) => [lax.psum(ct, "i").mul(x.cos()).mul(10)],
  );
  for (const f of [forward, backward]) {
    const loss = (f: (x: NDArray) => NDArray) => (x: NDArray) => f(x).mul(3);
    const want = vmap(grad(loss(plain)), lanes)(x).mul(10);
    assertClose(vmap(grad(loss(f)), lanes)(x), want.toArray());
    assertClose(vmap(jit(grad(loss(f))), lanes)(x), want.toArray());
    const total = (x: NDArray): NDArray => vmap(loss(f), lanes)(x).sum();
    assertClose(grad(total)(x), want.toArray());
    assertClose(jit(grad(total))(x), want.toArray());
    assertClose(vmap(grad(checkpoint(loss(f))), lanes)(x), want.toArray());
  }
});

Deno.test("an inner axis of the same name hides the outer one; others are reached from within", () => {
  const m = arr([[1, 2], [3, 4], [5, 6]]);
  const both = vmap(vmap((x: NDArray) => lax.psum(x, "i"), lanes), lanes);
  assertClose(both(m), [[3, 3], [7, 7], [11, 11]]);
  const outer = vmap(vmap((x: NDArray) => lax.psum(x, "o"), lanes), { axisName: "o" });
  assertClose(outer(m), [[9, 12], [9, 12], [9, 12]]);
});

Deno.test("lanes of a module system's vmap know of each other, and of state that each has", () => {
  const model = hk.transform((xs: NDArray) =>
    hk.transforms.vmap((x: NDArray) => {
      const w = hk.getParameter("w", [], { init: (s) => np.ones(s).mul(2) });
      return x.mul(w).sub(lax.pmean(x.mul(w), "batch"));
    }, { axisName: "batch" })(xs)
  );
  const xs = np.array([1, 2, 6]);
  const params = model.init(null, xs);
  assertClose(model.apply(params, null, xs), [-4, -2, 6]);
  assertClose(jit((p: typeof params, xs: NDArray) => model.apply(p, null, xs))(params, xs), [
    -4,
    -2,
    6,
  ]);
});

Deno.test("batch normalisation over lanes is that of the whole batch", () => {
  const xs = np.array([[[1, 2], [3, 7]], [[5, -2], [0, 4]], [[2, 2], [9, 1]]]);
  const whole = xs.reshape([6, 2]);
  const make = (options: { crossReplicaAxis?: string }) =>
    hk.transformWithState((x: NDArray) => {
      const norm = new hk.BatchNorm(0.9, { ...options, createScale: true, createOffset: true });
      const one = (x: NDArray): NDArray => norm.call(x, true);
      return x.ndim === 3 ? hk.transforms.vmap(one, { axisName: "r" })(x) : one(x);
    });
  const [params, state] = make({}).init(null, whole);
  const [want, after] = make({}).apply(params, state, null, whole);
  const [got, next] = make({ crossReplicaAxis: "r" }).apply(params, state, null, xs);
  assertClose(got.reshape([6, 2]), want, 1e-5);
  assertClose(
    next["batch_norm/~/mean_ema"]!.average!,
    after["batch_norm/~/mean_ema"]!.average!,
    1e-5,
  );

  const norm = (axisName?: string) =>
    new flax.BatchNorm({ useRunningAverage: false, ...axisName !== undefined && { axisName } });
  const variables = norm().init(random.key(0), whole);
  const mutable = { mutable: ["batch_stats"] };
  const [all, stats] = norm().apply(variables, whole, {}, mutable);
  const lane = (x: NDArray) => norm("r").apply(variables, x, {}, mutable);
  const [byLane, ofLanes] = vmap(lane as never, { axisName: "r" })(xs) as unknown as [
    NDArray,
    typeof stats,
  ];
  assertClose(byLane.reshape([6, 2]), all, 1e-5);
  assertClose(
    ofLanes.batch_stats!.mean!.slice([0, 0], [1, 2]).ravel(),
    stats.batch_stats!.mean!,
    1e-5,
  );
});

mistake(
  "an axis that no vmap around has",
  () => lax.psum(x, "batch"),
  AxisError,
  'psum: there is no axis "batch" | no vmap around has an axisName | axisName: "batch"',
);
mistake(
  "an axis of another name than those around",
  () => vmap(vmap((x: NDArray) => lax.pmean(x, "k"), { axisName: "j" }), lanes)(np.ones([2, 2])),
  AxisError,
  'pmean: there is no axis "k" | "j", "i"',
);
mistake(
  "a jitted function that worked inside of vmap, called outside of it",
  () => {
    const f = jit((x: NDArray) => lax.psum(x, "i"));
    vmap(f, lanes)(x);
    f(x);
  },
  AxisError,
  'psum: there is no axis "i"',
);
mistake(
  "an axis name that is none",
  () => vmap((x: NDArray) => lax.psum(x, any(0)), lanes)(x),
  TypeError,
  "psum: axisName must be the name of an axis | 0",
);
mistake(
  "an axis named twice",
  () => vmap((x: NDArray) => lax.psum(x, ["i", "i"]), lanes)(x),
  AxisError,
  'psum | "i" is named twice',
);
mistake(
  "an axis name for vmap that is no string",
  () => vmap((x: NDArray) => x, any({ axisName: 0 })),
  TypeError,
  "vmap | axisName | a string",
);
mistake(
  "parts of an axis that is not as long as there are lanes",
  () => vmap((x: NDArray) => lax.psumScatter(x, "i"), lanes)(np.ones([2, 3])),
  ShapeError,
  "psumScatter: axis 0 | [3] | 2 lanes",
);
mistake(
  "blocks of an axis whose length is no multiple of the number of lanes",
  () => vmap((x: NDArray) => lax.allToAll(x, "i", 0, 0, { tiled: true }), lanes)(np.ones([2, 3])),
  ShapeError,
  "allToAll: axis 0 | [3] | 2 lanes | multiple",
);
mistake(
  "a lane that there is not",
  () => vmap((x: NDArray) => lax.ppermute(x, "i", [[0, 3]]), lanes)(x),
  AxisError,
  "ppermute | 0 to 2 | 3",
);
mistake(
  "a lane that gets two values",
  () => vmap((x: NDArray) => lax.ppermute(x, "i", [[0, 1], [2, 1]]), lanes)(x),
  AxisError,
  "ppermute: lane 1 gets two values",
);
mistake(
  "a permutation that is none",
  () => vmap((x: NDArray) => lax.pshuffle(x, "i", [0, 0, 1]), lanes)(x),
  AxisError,
  "pshuffle | each of the 3 lanes once | [0, 0, 1]",
);
mistake(
  "several axes where one is meant",
  () => vmap((x: NDArray) => lax.pshuffle(x, ["i"].concat("j"), [0, 1, 2]), { axisName: "i" })(x),
  AxisError,
  'pshuffle: there is no axis "j"',
);

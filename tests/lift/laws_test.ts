/**
 * The laws of stateful dictionaries, for the Haiku adapter: library functions inside a transformed
 * function do what they do to the purified program, at any depth of nesting; a module in a loop has
 * one set of weights; and `init` works wherever `apply` does, whatever transforms are used. More of
 * it, deeper and compiled, is in `laws_deep_test.ts`.
 *
 * @module
 */
import { type NDArray, numpy as np, treeMap } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { transformNames } from "../../lib/transforms/members.ts";
import { assertEquals } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { library, type Step } from "./library.ts";
import { bInit, check, key, point, wInit } from "./model.ts";

Deno.test("the table of library functions uses every member of the dictionary", () => {
  const missing = transformNames.filter((name) => !(name in library));
  assertEquals(missing, []);
});

const names = Object.keys(library);

for (const outer of names) {
  Deno.test(`${outer}: the purified program, alone and around another library function`, () => {
    check([outer]);
    for (const inner of names) check([outer, inner]);
  });
}

// What calls a function in two places, each of which makes a module of its own.
const twice = new Set(["cond", "switchCase", "whileLoop"]);

Deno.test("modules made inside: one set of weights, the same in init and apply", () => {
  for (const name of names) {
    let first: NDArray | undefined;
    const { init, apply } = hk.transform((x: NDArray) => {
      const f: Step = (z) => np.tanh(new hk.Linear(2, { wInit, bInit }).call(z));
      const out = library[name]!.use(f, x, hk.transforms);
      if (hk.runningInit()) first = out;
      return out;
    });
    const params = init(key, point);
    assertClose(first, apply(params, null, point), 1e-12, `${name}: init and apply`);
    const found = Object.keys(params).sort();
    assertEquals(found, twice.has(name) ? ["linear", "linear_1"] : ["linear"], name);
    // A sequel keeps its own weights, whatever names were used inside.
    const sequel = hk.transform((x: NDArray) => {
      const f: Step = (z) => np.tanh(new hk.Linear(2, { wInit, bInit }).call(z));
      return new hk.Linear(5).call(library[name]!.use(f, x, hk.transforms));
    });
    const all = sequel.init(key, point);
    assertEquals(Object.keys(all).length, found.length + 1, name);
    assertEquals(sequel.apply(all, null, point).shape, [5], name);
  }
});

Deno.test("a module in a loop, made outside, has one set of weights", () => {
  const { init, apply } = hk.transform((x: NDArray) => {
    const linear = new hk.Linear(2, { wInit });
    const t = hk.transforms;
    const step: Step = (z) => np.tanh(linear.call(z));
    const a = t.scan((c: NDArray) => [step(c), null], x, null, { length: 2 })[0];
    const b = t.foriLoop(0, 2, (_, c) => step(c), a);
    return t.whileLoop(([i]) => i.less(2), ([i, c]) => [i.add(1), step(c)], [0, b] as [
      number,
      NDArray,
    ])[1];
  });
  const params = init(key, point);
  assertEquals(Object.keys(params), ["linear"]);
  let z = point;
  const { w, b } = params.linear as { w: NDArray; b: NDArray };
  for (let i = 0; i < 6; i++) z = np.tanh(np.matmul(z, w).add(b));
  assertClose(apply(params, null, point), z, 1e-12);
});

Deno.test("init takes what apply takes: numbers, empty arrays, no trips", () => {
  const t = hk.transforms;
  const square = (x: NDArray): NDArray => x.mul(x);
  // Numbers and typed arrays are taken for arrays, though the types of pure functions say arrays.
  const three = 3;
  const empty = np.zeros([0, 2]);
  const programs: Record<string, () => unknown> = {
    jit: () => t.jit(square, { backend: "interpreter" })(three),
    grad: () => t.grad(square)(three),
    jvp: () => t.jvp(square, [three], [three]),
    vjp: () => t.vjp(square, [three])[0],
    linearize: () => t.linearize(square, [three])[0],
    checkpoint: () => t.checkpoint(square)(three),
    customJvp: () => t.customJvp(square, ([x], [dx]) => [square(x), dx])(three),
    customVjp: () => t.customVjp(square, (x) => [square(x), x], (_, ct) => [ct])(three),
    customRoot: () => t.customRoot((x) => x.sub(2), 1, (_, x) => x.add(1), (_, y) => y),
    customLinearSolve: () => t.customLinearSolve((x) => x.mul(2), 1, (_, b) => b.div(2)),
    scan: () => t.scan((c, x) => [c.add(x), c], 0, new Float32Array([1, 2])),
    "scan without trips": () => t.scan((c, x) => [c, x.add(1)], 0, empty),
    map: () => t.map(square, new Float32Array([1, 2])),
    "map without trips": () => t.map(square, empty),
    whileLoop: () => t.whileLoop((x) => x.less(9), square, 2),
    foriLoop: () => t.foriLoop(0, 3, (i, x) => x.add(i), 1),
    "foriLoop without trips": () => t.foriLoop(3, 0, (i, x) => x.add(i), 1),
    cond: () => t.cond(1, square, (x) => x.neg(), 3),
    switchCase: () => t.switchCase(7, [square, (x) => x.neg()], 3),
    associativeScan: () => t.associativeScan((a, b) => a.mul(b), new Float32Array([1, 2, 3])),
    "associativeScan of nothing": () => t.associativeScan((a, b) => a.mul(b), empty),
    vmap: () => t.vmap(square)(new Float32Array([1, 2])),
    "vmap of no lanes": () => t.vmap(square)(empty),
    evalShape: () => [t.evalShape(square, 3).dtype === "float32"],
    initialize: () => {
      t.initialize(square, 3);
      return 0;
    },
  };
  for (const [name, program] of Object.entries(programs)) {
    const { init, apply } = hk.transform(() => np.array(0).add(0) && program());
    init(key);
    assertClose(apply({}, null), treeMap((x) => x, program()), 0, name);
  }
});

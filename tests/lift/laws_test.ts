/**
 * The laws of stateful dictionaries, for the Haiku adapter: library functions inside a transformed
 * function do what they do to the purified program, at any depth of nesting; a module in a loop has
 * one set of weights; and `init` works wherever `apply` does, whatever transforms are used.
 *
 * @module
 */
import { grad, jit, loadBackend, type NDArray, numpy as np, random, treeMap } from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { transformNames } from "../../lib/transforms/types.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { Random, seedNote } from "../support/random.ts";
import {
  derivative,
  library,
  modesOf,
  nest,
  nestExplicit,
  type Params,
  type Step,
} from "./library.ts";

await loadBackend("wasm");

const key = random.key(7);
const wInit = hk.initializers.randomNormal(0.4);
const bInit = hk.initializers.randomNormal(0.3);
const scale = 0.75;
const point = np.array([0.6, -0.4], { dtype: "float64" });

/** A function of R^2 that uses a module, and reads but never writes state. */
function cell(): Step {
  const linear = new hk.Linear(2, { wInit, bInit });
  const read = (z: NDArray): NDArray =>
    hk.getState("scale", [], { dtype: z.dtype, init: (s, dtype) => np.full(s, scale, { dtype }) });
  hk.getState("steps", [], { init: (s) => np.zeros(s, { dtype: "int32" }) });
  return (z) => np.tanh(linear.call(z)).mul(read(z));
}

/** The same with its parameters for arguments. */
const pureCell = ({ w, b }: Params): Step => (z) => np.tanh(np.matmul(z, w!).add(b!)).mul(scale);

const model = (names: readonly string[]) =>
  hk.transformWithState((x: NDArray) => nest(names, cell(), hk.transforms)(x));

const plain = hk.transformWithState((x: NDArray) => cell()(x));

const [plainParams, plainState] = plain.init(key, point);

type ModelParams = { linear: Params };

/** Checks the laws for one nest. */
function check(names: readonly string[], tolerance = 1e-9): void {
  const what = names.join(" over ");
  const modes = modesOf(names);
  if (modes === null) return;
  const { init, apply } = model(names);
  const [params, state] = init(key, point);
  assertClose(params, plainParams, 0, `${what}: initial parameters`);
  assertClose(state, plainState, 0, `${what}: initial state`);
  const expected = nestExplicit(names, pureCell)(params.linear!)(point);
  for (const k of names.length === 1 ? [null, key] : [key]) {
    const [out, after] = apply(params, state, k, point);
    assertClose(out, expected, tolerance, what);
    assert([...out.dataSync()].every(Number.isFinite), `${what}: not finite`);
    assertClose(after, state, 0, `${what}: state afterwards`);
  }
  const wanted = derivative(modes, (p) => nestExplicit(names, pureCell)(p)(point), params.linear!);
  const found = derivative(
    modes,
    (linear) => apply({ linear }, state, key, point)[0],
    params.linear!,
  );
  assertClose(found, wanted, 100 * tolerance, `${what}: derivative`);
}

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

Deno.test("three library functions deep, the purified program", () => {
  // All members take part: each is outermost, in the middle and innermost with others drawn by lot.
  const draw = new Random("laws, depth 3");
  const other = (): string => names[draw.integer(0, names.length)]!;
  for (const name of names) {
    for (const place of [0, 1, 2]) {
      let nested: string[];
      do nested = [0, 1, 2].map((i) => i === place ? name : other()); while (!modesOf(nested));
      try {
        check(nested);
      } catch (error) {
        throw new Error(`${nested.join(" over ")} (${seedNote})`, { cause: error });
      }
    }
  }
  check(["scan", "cond", "whileLoop"]);
  check(["fixedPoint by anderson", "scan", "customVjp"]);
  check(["hessian", "scan", "fixedPoint by damped"]);
  check(["vmap", "whileLoop", "cond"]);
  check(["foriLoop", "fixedPoint, iterative adjoint", "vmap"]);
});

Deno.test("compiled by wasm: apply, its gradient, and the gradient of what was compiled", () => {
  const x = point.astype("float32");
  const nests = [
    ...names.map((name) => [name]),
    ["scan", "fixedPoint by anderson"],
    ["vmap", "cond"],
    ["foriLoop", "customVjp"],
    ["checkpoint", "scan", "switchCase"],
    ["jit", "customRoot"],
  ];
  for (const nested of nests) {
    const what = `${nested.join(" over ")}, compiled`;
    const modes = modesOf(nested)!;
    const { init, apply } = model(nested);
    const [params, state] = init(key, x);
    const run = (p: unknown, k: NDArray): NDArray => apply(p as ModelParams, state, k, x)[0];
    const expected = run(params, key);
    assertClose(jit(run)(params, key), expected, 2e-5, what);
    if (!modes.includes("reverse")) continue;
    const loss = (p: unknown, k: NDArray): NDArray => run(p, k).sum();
    const gradient = grad(loss)(params, key);
    assertClose(jit(grad(loss))(params, key), gradient, 2e-4, `jit(grad) of ${what}`);
    assertClose(grad(jit(loss))(params, key), gradient, 2e-4, `grad(jit) of ${what}`);
  }
});

Deno.test("init may be compiled, and vectorised over keys", () => {
  for (const name of ["scan", "whileLoop", "vmap", "fixedPoint by anderson", "customVjp"]) {
    const { init } = model([name]);
    const x = point.astype("float32");
    assertClose(jit(init)(key, x), init(key, x), 1e-6, name);
  }
  const keys = random.split(key, 3);
  const { init } = model(["scan"]);
  const [many] = hk.transforms.vmap((k: NDArray) => init(k, point))(keys);
  const [single] = init(keys.at(1), point);
  assertClose(treeMap((a: NDArray) => a.at(1), many), single, 0);
});

// What calls a function in two places, each of which makes a module of its own.
const twice = new Set(["cond", "switchCase", "whileLoop", "fixedPoint, one step"]);

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
  let z = point as NDArray;
  const { w, b } = params.linear as { w: NDArray; b: NDArray };
  for (let i = 0; i < 6; i++) z = np.tanh(np.matmul(z, w).add(b));
  assertClose(apply(params, null, point), z, 1e-12);
});

Deno.test("init takes what apply takes: numbers, empty arrays, no trips", () => {
  const t = hk.transforms;
  const square = (x: NDArray): NDArray => x.mul(x);
  // Numbers and typed arrays are taken for arrays, though the types of pure functions say arrays.
  const three = 3 as unknown as NDArray;
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
    vmap: () => t.vmap(square)(new Float32Array([1, 2]) as unknown as NDArray),
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

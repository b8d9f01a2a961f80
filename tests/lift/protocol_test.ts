/**
 * A third party's module system, which is a `StateProtocol` and nothing more (`toy.ts`), alone and
 * together with Haiku's; and the ways to supply a dictionary without passing it.
 *
 * @module
 */
import {
  ambient,
  compose,
  currentTransforms,
  fixedPoint,
  grad,
  initSafe,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  overrideTransforms,
  pure,
  random,
  registerStatefulLibrary,
  StateChangedError,
  StateError,
  type Transforms,
  withTransforms,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { assertClose, plain } from "../support/arrays.ts";
import {
  derivative,
  library,
  modesOf,
  nest,
  nestExplicit,
  type Params,
  type Step,
} from "./library.ts";
import * as toy from "./toy.ts";

await loadBackend("wasm");

const key = random.key(17);
const x = np.array([0.6, -0.4]);
const names = Object.keys(library);

const dense: Step = (z) => np.tanh(np.matmul(z, toy.param("w", [2, 2])));
const pureDense = ({ w }: Params): Step => (z) => np.tanh(np.matmul(z, w!));

const nests = [
  ...names.map((name) => [name]),
  ["scan", "cond", "foriLoop"],
  ["vmap", "fixedPoint by anderson"],
  ["customVjp", "scan"],
  ["hessian", "checkpoint"],
  ["whileLoop", "jit", "customJvp"],
];

Deno.test("a system that is a protocol alone obeys the laws", () => {
  for (const nested of nests) {
    const what = nested.join(" over ");
    const f = () => nest(nested, dense, toy.transforms)(x);
    const variables = toy.init(key, f);
    assertClose(variables, toy.init(key, () => dense(x)), 0, what);
    const expected = nestExplicit(nested, pureDense)(variables.params)(x);
    for (const k of [null, key]) assertClose(toy.apply(variables, k, f)[0], expected, 1e-5, what);
    const modes = modesOf(nested)!;
    assertClose(
      derivative(modes, (params) => toy.apply({ params, stats: {} }, key, f)[0], variables.params),
      derivative(modes, (p) => nestExplicit(nested, pureDense)(p)(x), variables.params),
      1e-4,
      what,
    );
  }
});

Deno.test("statistics and streams of a third party's system go through transforms", () => {
  const t = toy.transforms;
  const step = (z: NDArray): NDArray => {
    toy.setStat("n", toy.stat("n").add(1));
    return np.tanh(z);
  };
  for (const name of ["scan", "foriLoop", "vmap", "cond", "jit", "customVjp", "customRoot"]) {
    const f = () => library[name]!.use(step, x, t);
    const variables = toy.init(key, f);
    assertEquals(plain(variables.stats), { n: 0 }, name);
    const trips = ["scan", "foriLoop"].includes(name) ? 3 : 1;
    assertEquals(plain(toy.apply(variables, null, f)[1]), { n: trips }, name);
    const [, stats] = jit((x: NDArray) => toy.apply(variables, null, () => nest([name], step, t)(x)))(
      x,
    );
    assertEquals(plain(stats), { n: trips }, name);
  }
  const draw = (): NDArray => random.bits(toy.makeRng(), []);
  const [drawn] = toy.apply({ params: {}, stats: {} }, key, () => [
    draw(),
    ...t.scan((c: null) => [c, draw()], null, null, { length: 3 })[1].dataSync(),
    ...t.vmap(draw, { axisSize: 2, splitRng: true })().dataSync(),
    draw(),
  ].map(Number));
  assertEquals(new Set(drawn).size, 7);
  assertThrows(
    () =>
      toy.apply({ params: {}, stats: { n: np.array(0) } }, null, () =>
        t.vmap((z: NDArray) => {
          toy.setStat("n", z);
          return z;
        })(x)),
    StateError,
    "toy.transforms.vmap: the state entry n",
  );
  assertEquals(t.grad((x: NDArray) => x.mul(x))(np.array(3)).item(), 6, "outside of a scope");
});

/** A step through modules of both systems. */
function mixed(): Step {
  const linear = new hk.Linear(2);
  return (z) => {
    hk.setState("n", hk.getState("n", [], { init: (s) => np.zeros(s) }).add(1));
    toy.setStat("m", toy.stat("m").add(2));
    return dense(np.tanh(linear.call(z)));
  };
}

const both = compose(hk.transforms, toy.transforms);

Deno.test("compose threads the state of two systems, whichever context is the inner one", () => {
  const { linear } = hk.transform((x: NDArray) => new hk.Linear(2).call(x)).init(key, x);
  const { params: { w } } = toy.init(key, () => dense(x));
  const pureStep = ({ w, lw, lb }: Params): Step => (z) =>
    pureDense({ w: w! })(np.tanh(np.matmul(z, lw!).add(lb!)));
  const explicit: Params = { w: w!, lw: linear!.w!, lb: linear!.b! };
  for (const nested of nests) {
    const what = nested.join(" over ");
    if (nested.includes("associativeScan")) continue; // its function may not write
    const writes = nested.includes("whileLoop"); // nor may a condition
    const model = hk.transformWithState((x: NDArray, variables: toy.Variables | null) => {
      const linear = new hk.Linear(2);
      const reading: Step = (z) => dense(np.tanh(linear.call(z)));
      const f = () => nest(nested, writes ? reading : mixed(), both)(x);
      if (variables === null) {
        const made = toy.init(key, f);
        return [made, made] as never;
      }
      return toy.apply(variables, key, f) as unknown as [NDArray, Record<string, NDArray>];
    });
    // init of the one inside init of the other, then apply inside apply.
    let made: toy.Variables | undefined;
    const [params, state] = hk.transformWithState((x: NDArray) => {
      const linear = new hk.Linear(2);
      const reading: Step = (z) => dense(np.tanh(linear.call(z)));
      made = toy.init(key, () => nest(nested, writes ? reading : mixed(), both)(x));
      return x;
    }).init(key, x);
    assertClose(made!.params.w, w, 0, what);
    const [[out, stats], after] = model.apply(params, state, key, x, made!);
    assertClose(out, nestExplicit(nested, pureStep)(withNames(params, made!))(x), 1e-5, what);
    assertEquals(
      (stats.m?.item() ?? 0) / 2,
      after["~"]?.n?.item() ?? 0,
      `${what}: both systems saw the same evaluations`,
    );
    void explicit;
  }
  function withNames(params: hk.ModuleEntries, made: toy.Variables): Params {
    const own = params.linear_1 ?? params.linear!;
    return { w: made.params.w!, lw: own.w!, lb: own.b! };
  }
});

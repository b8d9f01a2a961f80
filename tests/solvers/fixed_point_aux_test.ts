/** What the function of a fixed point gives beside its value: explicit state and diagnostics. */
import {
  customRoot,
  damped,
  fixedPoint,
  grad,
  initSafe,
  jit,
  jvp,
  loadBackend,
  type NDArray,
  numpy as np,
  oneStep,
  pure,
  random,
  type Transforms,
  TreeError,
  vmap,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";

await loadBackend("onnx");

const f64 = (x: number): NDArray => np.array(x, { dtype: "float64" });
const tight = { rtol: 1e-12, atol: 1e-12 };

/** x = cos(t x), with aux t x^2. */
const solve = (t: NDArray, options = {}) =>
  fixedPoint(
    (
      x,
    ) => [np.cos(x.mul(t)), { energy: x.square().mul(t), count: np.array(3, { dtype: "int32" }) }],
    f64(1),
    {
      hasAux: true,
      ...tight,
      ...options,
    },
  );

Deno.test("the solution carries what the function gives beside its value there", () => {
  const { value, aux } = solve(f64(1));
  assertAlmostEquals(aux.energy.item(), value.item() ** 2, 1e-12);
  assertEquals(aux.count.item(), 3);
  assertEquals(aux.count.dtype, "int32");
  assertEquals(fixedPoint((x) => np.cos(x), 1).aux, null);
});

Deno.test("it is the same compiled, as part of a solution that leaves jit", () => {
  for (const backend of ["cpu", "onnx", "interpreter"]) {
    const { value, aux } = jit((t: NDArray) => solve(t), { backend })(f64(0.8));
    assertAlmostEquals(aux.energy.item(), 0.8 * value.item() ** 2, 1e-12);
  }
});

Deno.test("its derivative goes through the solution and through what the function closes over", () => {
  const energy = (t: NDArray): NDArray => solve(t).aux.energy;
  const h = 1e-5;
  const difference = (energy(f64(0.8 + h)).item() - energy(f64(0.8 - h)).item()) / (2 * h);
  for (
    const g of [grad(energy), jit(grad(energy)), jit(grad(energy), { backend: "interpreter" })]
  ) {
    assertAlmostEquals(g(f64(0.8)).item(), difference, 1e-8);
  }
  assertAlmostEquals(jvp(energy, [f64(0.8)], [f64(1)])[1].item(), difference, 1e-8);
  // At second order too, by the difference of first derivatives.
  const second = (grad(energy)(f64(0.8 + h)).item() - grad(energy)(f64(0.8 - h)).item()) / (2 * h);
  assertAlmostEquals(grad(grad(energy))(f64(0.8)).item(), second, 1e-7);
  const lanes = vmap(grad(energy))(np.array([0.8, 0.3], { dtype: "float64" }));
  assertAlmostEquals(lanes.at(0).item(), difference, 1e-8);
});

Deno.test("the way to differentiate and the method make no difference to its value", () => {
  const expected = solve(f64(0.8)).aux.energy.item();
  for (const options of [{ adjoint: oneStep() }, { solver: damped(), maxSteps: 500 }]) {
    assertAlmostEquals(solve(f64(0.8), options).aux.energy.item(), expected, 1e-10);
  }
});

Deno.test("a function that gives no pair is told so, and so is one that gives a pair unasked", () => {
  const wrong = (result: unknown) => () =>
    fixedPoint(() => result as [number, number], 1, { hasAux: true });
  assertThrows(
    wrong(1),
    TreeError,
    "with hasAux, an anonymous function must return [x, aux], not number 1",
  );
  assertThrows(wrong([1, 2, 3]), TreeError, "not a list of 3");
  assertThrows(wrong([1, "x"]), TreeError);
  assertThrows(
    () => fixedPoint(((x: NDArray) => [x, 1]) as never, 1),
    TreeError,
    "the structures differ",
  );
  const root = (result: unknown) => () =>
    customRoot(() => result as [number, number], 0, (_, x) => x, (_, y) => y, {
      functionHasAux: true,
    });
  assertThrows(root(1), TreeError, "customRoot: the function must return [result, aux]");
});

Deno.test("the function of a root gives an aux beside that of its solver, and without one", () => {
  const f = (a: NDArray) => (x: NDArray): [NDArray, NDArray] => [x.square().sub(a), x.mul(a)];
  const newton = (g: (x: NDArray) => NDArray, x: NDArray): NDArray =>
    pure.whileLoop((x) => g(x).abs().greater(1e-6), (x) => x.sub(g(x).div(x.mul(2))), x);
  const linear = (g: (x: NDArray) => NDArray, y: NDArray): NDArray => y.div(g(np.onesLike(y)));
  const both = (t: Transforms) => (a: NDArray) =>
    t.customRoot(f(a), np.array(1), (g, x) => [newton(g, x), { n: 7 }], linear, {
      hasAux: true,
      functionHasAux: true,
    });
  const [x, { n }, aux] = both(pure)(np.array(4));
  assertClose([x.item(), n.item(), aux.item()], [2, 7, 8], 1e-5);
  const alone = (a: NDArray) =>
    customRoot(f(a), np.array(1), newton, linear, { functionHasAux: true })[1];
  assertAlmostEquals(grad(alone)(np.array(4)).item(), 3, 1e-4); // a^(3/2)
  const safe = initSafe({ ...pure, isInitializing: () => true });
  assertEquals(both(safe)(np.array(4)).length, 3);
});

Deno.test("in a module system, state that the function writes is written once, and its aux belongs to that", () => {
  const model = hk.transformWithState((x: NDArray) => {
    const cell = new hk.Linear(2, { wInit: hk.initializers.constant(0.1) });
    const { value, aux } = fixedPoint(
      (z) => {
        const count = hk.getState("count", [], { init: hk.initializers.constant(0) });
        hk.setState("count", count.add(1));
        const noise = random.normal(hk.nextRngKey(), [2]).mul(0.1);
        return [np.tanh(cell.call(z)).add(x).add(noise), { noise, count, h: cell.call(z) }];
      },
      np.zeros([2]),
      { hasAux: true, transforms: hk.transforms },
    );
    return { value, ...aux };
  });
  const key = random.key(3);
  const x = np.array([0.3, -0.2]);
  const [params, state] = model.init(key, x);
  for (
    const apply of [model.apply, jit(model.apply), jit(model.apply, { backend: "interpreter" })]
  ) {
    const [out, after] = apply(params, state, key, x);
    assertEquals(after["~"]!.count!.item(), 1);
    assertEquals(out.count.item(), 0);
    // The noise of the aux is that of the equation which was solved.
    assertClose(out.value, np.tanh(out.h).add(x).add(out.noise), 1e-5);
    assert(np.abs(out.noise).sum().item() > 0);
  }
});

/** Loops with a largest number of steps, which have derivatives in both modes. */
import {
  DifferentiationError,
  exportOnnx,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  loadBackend,
  makeJaxpr,
  type NDArray,
  numpy as np,
  scan,
  ShapeDtype,
  TreeError,
  valueAndGrad,
  vmap,
  whileLoop,
  type WhileOptions,
} from "../../mod.ts";
import { allPrograms } from "../../lib/core/jaxpr.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { InferenceSession, Tensor } from "onnxruntime-web";
import * as flax from "../../adapters/flax/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { everywhere } from "../support/everywhere.ts";

await loadBackend("onnx");

const w = arr([[0.5, -0.3], [0.2, 0.9]]);
const x0 = arr([1, 2]);
const step = (w: NDArray, y: NDArray): NDArray => np.sin(np.matmul(w, y)).add(0.1);

/** `n` steps, or as many as the options allow. */
const looped = (n: number, options: WhileOptions) => (w: NDArray, x: NDArray): NDArray =>
  whileLoop(
    ([i]) => i.less(n),
    ([i, y]) => [i.add(1), step(w, y)],
    [np.array(0), x],
    options,
  )[1];

const unrolled = (n: number) => (w: NDArray, x: NDArray): NDArray => {
  for (let i = 0; i < n; i++) x = step(w, x);
  return x;
};

const bounds: readonly WhileOptions[] = [
  { maxSteps: 9 },
  { maxSteps: 9, checkpoints: 1 },
  { maxSteps: 9, checkpoints: 4 },
  { maxSteps: 9, checkpoints: 9 },
  { maxSteps: 9, checkpoints: 100 },
  { maxSteps: 1000 },
];

for (const options of bounds) {
  Deno.test(`values and derivatives are those of the unrolled loop: ${JSON.stringify(options)}`, () => {
    for (const n of [0, 1, 2, 3, 8, 9, 10]) {
      const steps = Math.min(n, options.maxSteps!);
      const [loop, plain] = [looped(n, options), unrolled(steps)];
      const square = (f: typeof loop) => (w: NDArray, x: NDArray): NDArray =>
        f(w, x).square().sum();
      const both = { argnums: [0, 1] } as const;
      everywhere(loop, [w, x0], plain(w, x0));
      everywhere(grad(square(loop), both), [w, x0], grad(square(plain), both)(w, x0));
      everywhere(
        (x) => jvp((x) => loop(w, x), [x], [arr([1, -1])]),
        [x0],
        jvp((x) => plain(w, x), [x0], [arr([1, -1])]),
      );
    }
  });
}

Deno.test("second and third derivatives are those of the unrolled loop", () => {
  for (const options of [{ maxSteps: 7 }, { maxSteps: 7, checkpoints: 7 }]) {
    const along = (f: (w: NDArray, x: NDArray) => NDArray) => (t: NDArray): NDArray =>
      f(w.mul(t), x0.add(t)).square().sum();
    const [loop, plain] = [along(looped(6, options)), along(unrolled(6))];
    const t = arr(0.7);
    everywhere(grad(grad(loop)), [t], grad(grad(plain))(t));
    everywhere(jacfwd(grad(loop)), [t], grad(grad(plain))(t));
    everywhere(jacrev(jacfwd(loop)), [t], grad(grad(plain))(t));
    const f = (loop: (w: NDArray, x: NDArray) => NDArray) => (x: NDArray) =>
      loop(w, x).square().sum();
    everywhere(hessian(f(looped(6, options))), [x0], hessian(f(unrolled(6)))(x0));
    assertClose(grad(grad(grad(loop)))(t), grad(grad(grad(plain)))(t), 1e-9);
  }
});

Deno.test("lanes that end at different steps have the derivatives of their own steps", () => {
  const options = { maxSteps: 12 };
  const f = (x: NDArray): NDArray =>
    whileLoop((y) => y.less(5), (y) => y.mul(1.5).add(np.sin(y)), x, options);
  const lanes = arr([0.1, 4, 7, 1]);
  const slopes = [...lanes.dataSync()].map((v) => grad(f)(arr(v)).item());
  assertEquals(slopes[2], 1);
  everywhere(vmap(grad(f)), [lanes], arr(slopes));
  everywhere(grad((x) => vmap(f)(x).sum()), [lanes], arr(slopes));
  const curved = [...lanes.dataSync()].map((v) => grad(grad(f))(arr(v)).item());
  everywhere(vmap(grad(grad(f))), [lanes], arr(curved));
});

Deno.test("the loop stops after maxSteps, whatever the condition says", () => {
  const endless = (x: NDArray): NDArray =>
    whileLoop((x) => x.greater(0), (x) => x.mul(2), x, { maxSteps: 5 });
  everywhere(endless, [arr(3)], arr(96));
  everywhere(grad(endless), [arr(3)], arr(32));
  everywhere(vmap(endless), [arr([1, -1])], arr([32, -1]));
  everywhere(
    (x) => whileLoop((x) => x.greater(0), (x) => x.mul(2), x, { maxSteps: 0 }),
    [arr(3)],
    arr(3),
  );
});

Deno.test("loops in loops, in scans and under linearize are differentiated", () => {
  const inner = (y: NDArray): NDArray =>
    whileLoop((y) => y.square().sum().less(3), (y) => y.mul(1.2).add(0.1), y, { maxSteps: 10 });
  const nested = (x: NDArray): NDArray =>
    whileLoop(
      ([i]) => i.less(3),
      ([i, y]) => [i.add(1), inner(y).mul(0.5)],
      [np.array(0), x],
      { maxSteps: 4 },
    )[1].square().sum();
  const plain = (x: NDArray): NDArray => {
    for (let i = 0; i < 3; i++) {
      while (x.square().sum().item() < 3) x = x.mul(1.2).add(0.1);
      x = x.mul(0.5);
    }
    return x.square().sum();
  };
  const x = arr([0.3, 0.5]);
  const difference = (k: number): number => {
    const h = arr([k === 0 ? 1e-6 : 0, k === 1 ? 1e-6 : 0]);
    return (plain(x.add(h)).item() - plain(x.sub(h)).item()) / 2e-6;
  };
  const g = grad(nested)(x);
  assertClose(g, arr([difference(0), difference(1)]), 1e-8);
  everywhere(grad(nested), [x], g);
  const scanned = (x: NDArray): NDArray =>
    scan((c: NDArray, u: NDArray) => [inner(c.mul(u)), c.sum()], x, arr([0.5, 0.3]))[0].sum();
  const [, push] = linearize(scanned, [x]);
  const slopes = [push(arr([1, 0])).item(), push(arr([0, 1])).item()];
  everywhere(grad(scanned), [x], arr(slopes));
});

Deno.test("memory for the way back grows as the square root of the largest number of steps", () => {
  const n = 50;
  const slope = (f: (x: NDArray) => NDArray) => (x: NDArray): NDArray => grad(f)(x).sum();
  // Values kept for first, second and third derivatives.
  for (const [maxSteps, ...most] of [[100, 10, 10, 40], [10_000, 100, 100, 1000]] as const) {
    let f = (x: NDArray): NDArray =>
      whileLoop((x) => x.sum().less(1), (x) => np.sin(x), x, { maxSteps }).sum();
    for (const values of most) {
      f = slope(f);
      const { jaxpr } = openJaxpr(makeJaxpr(f)(np.ones([n])));
      const sizes = [...allPrograms(jaxpr)].flatMap(({ eqns }) =>
        eqns.flatMap((e) => e.outputs.map((v) => v.aval.shape.reduce((a, b) => a * b, 1)))
      );
      assertEquals(Math.max(...sizes), values * n);
    }
  }
});

Deno.test("what is not done takes no time: a large bound costs no steps", () => {
  const f = (maxSteps: number) => (x: NDArray): NDArray =>
    whileLoop((x) => x.less(100), (x) => x.mul(2), x, { maxSteps });
  const time = (maxSteps: number): number => {
    const g = jit(valueAndGrad(f(maxSteps)));
    g(arr(1));
    let least = Infinity;
    for (let k = 0; k < 30; k++) {
      const start = performance.now();
      g(arr(1));
      least = Math.min(least, performance.now() - start);
    }
    return least;
  };
  // Room for 3,200 numbers in place of 8, and the same 7 steps.
  assert(time(10_000_000) < 20 * time(16) + 1);
});

Deno.test("a gradient through a loop is a file that onnxruntime runs", async () => {
  const f = (x: NDArray): NDArray =>
    whileLoop((x) => x.square().sum().less(9), (x) => np.sin(x).add(x), x, { maxSteps: 20 }).sum();
  const x = np.array([0.3, 0.4]);
  const model = exportOnnx(grad(f), new ShapeDtype([2]));
  const session = await InferenceSession.create(model);
  const [input, output] = [session.inputNames[0]!, session.outputNames[0]!];
  const fed = new Tensor("float32", x.dataSync() as Float32Array, [2]);
  const found = (await session.run({ [input]: fed }))[output]!;
  assertClose(np.array([...found.data as Float32Array]), grad(f)(x), 1e-6);
});

Deno.test("without a bound the error says how to give one, and wrong ones are refused", () => {
  const f = (options?: WhileOptions) => (x: NDArray): NDArray =>
    whileLoop((x) => x.less(9), (x) => x.mul(2), x, options);
  assertThrows(
    () => grad(f())(arr(1)),
    DifferentiationError,
    "whileLoop(cond, body, init, { maxSteps })",
  );
  assertThrows(() => f({ maxSteps: -1 })(arr(1)), RangeError, "maxSteps");
  assertThrows(() => f({ maxSteps: 2.5 })(arr(1)), RangeError, "2.5");
  assertThrows(() => f({ maxSteps: 5, checkpoints: 0 })(arr(1)), RangeError, "at least 1");
  assertThrows(() => f({ checkpoints: 3 })(arr(1)), TypeError, "maxSteps");
  assertThrows(() => f({ maxStep: 3 } as never)(arr(1)), TypeError, "Did you mean maxSteps");
  assertThrows(
    () => whileLoop((x) => x as never, (x) => x, arr(1), { maxSteps: 3 }),
    TreeError,
    "must return a bool scalar",
  );
  assertThrows(
    () => whileLoop((x) => x.less(3), (x) => x.astype("float32"), arr(1), { maxSteps: 3 }),
    TreeError,
    "what the body returned",
  );
});

Deno.test("a loop in forward mode alone, with traced bounds, stays as it was", () => {
  const f = (n: NDArray): NDArray => foriLoop(0, n, (_, x) => x.mul(2), arr(1));
  assertEquals(jit(f)(np.array(5, { dtype: "int32" })).item(), 32);
});

Deno.test("modules in a bounded loop are trained through it", () => {
  class Model extends nnx.Module {
    layer = new nnx.Linear(2, 2, { rngs: new nnx.Rngs(0) });
  }
  const [model, x] = [new Model(), np.array([0.3, -0.5])];
  const loss = (run: (m: Model, x: NDArray) => NDArray) => (m: Model): NDArray =>
    run(m, x).square().sum();
  const loop = nnx.grad(loss((m, x) =>
    nnx.whileLoop(
      ([, i]: [Model, NDArray, NDArray]) => i.less(3),
      ([m, i, x]): [Model, NDArray, NDArray] => [m, i.add(1), np.tanh(m.layer.call(x))],
      [m, np.array(0), x],
      { maxSteps: 5 },
    )[2]
  ))(model);
  const plain = nnx.grad(loss((m, x) => {
    for (let i = 0; i < 3; i++) x = np.tanh(m.layer.call(x));
    return x;
  }))(model);
  assertClose(loop, plain, 1e-6);

  class Doubled extends flax.Module {
    call(x: NDArray): NDArray {
      const w = this.param("w", () => np.array(1.5));
      return flax.whileLoop(
        (_, c: NDArray) => c.less(9),
        (_, c: NDArray) => c.mul(w),
        this,
        x,
        { maxSteps: 8 },
      );
    }
  }
  const cubed = (w: NDArray): NDArray =>
    new Doubled().apply({ params: { w } }, np.array(3)) as NDArray;
  assertClose(grad(cubed)(np.array(1.5)), np.array(3 * 3 * 1.5 ** 2), 1e-6);
});

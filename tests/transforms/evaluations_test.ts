/**
 * How often functions are evaluated for their derivatives: what a step or a function asks of the host is counted.
 * Backwards nothing is computed again but what is said to be, between checkpoints of loops and in `checkpoint`.
 */
import {
  type Adjoint,
  bfgs,
  checkpoint,
  checkpointed,
  cond,
  customJvp,
  customVjp,
  damped,
  debug,
  fixedPoint,
  foriLoop,
  grad,
  jit,
  lbfgs,
  linearize,
  linearSolve,
  loadBackend,
  makeJaxpr,
  minimise,
  type NDArray,
  newtonCg,
  nonlinearCg,
  numpy as np,
  pureCallback,
  random,
  scan,
  type Tree,
  unrolled,
  valueAndGrad,
  vjp,
  vmap,
  whileLoop,
  type WhileOptions,
} from "../../mod.ts";
import { allPrograms } from "../../lib/core/jaxpr.ts";
import { openJaxpr } from "../../lib/extend.ts";
import * as flax from "../../adapters/flax/mod.ts";
import * as nnx from "../../adapters/nnx/mod.ts";
import { arr } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { cpu, everywhere, interpreter } from "../support/everywhere.ts";

await loadBackend("onnx");

let evaluations = 0;

/** `x`, asked of the host, so that it is known how often; values and derivatives need it. */
function asked(x: NDArray): NDArray {
  const one = (x: NDArray): NDArray => {
    evaluations++;
    return np.ones(x.shape, { dtype: x.dtype });
  };
  const options = { vmapMethod: "broadcastAll" } as const;
  return x.mul(pureCallback(one, x, [np.stopGradient(x)], options));
}

function countOf(f: () => unknown): number {
  evaluations = 0;
  f();
  return evaluations;
}

const step = (x: NDArray): NDArray => np.sin(asked(x)).mul(1.1);
const x = arr([0.3, 0.5]);
const steps = 12;

/** `steps` steps, of at most so many. */
const loop = (options: WhileOptions) => (x: NDArray): NDArray =>
  whileLoop(
    ([i]) => i.less(steps),
    ([i, y]) => [i.add(1), step(y)],
    [np.array(0), x],
    options,
  )[1].sum();

const always = (): NDArray => np.array(true);
const four = (x: NDArray): NDArray => whileLoop(always, step, x, { maxSteps: 4 });

/** Functions, and evaluations for the value and for value and gradient. */
const functions: readonly (readonly [
  name: string,
  f: (x: NDArray) => NDArray,
  value: number,
  gradient: number,
])[] = [
  [
    "scan",
    (x) => scan((c: NDArray) => [step(c), null], x, null, { length: steps })[0].sum(),
    12,
    12,
  ],
  ["foriLoop", (x) => foriLoop(0, steps, (_, c: NDArray) => step(c), x).sum(), 12, 12],
  // Each step once, and once more from the value at the start of its block.
  ["whileLoop", loop({ maxSteps: 16 }), 12, 24],
  ["whileLoop with a large bound", loop({ maxSteps: 1000 }), 12, 24],
  ["whileLoop with one checkpoint", loop({ maxSteps: 16, checkpoints: 1 }), 12, 24],
  ["whileLoop with a checkpoint for each step", loop({ maxSteps: 16, checkpoints: 16 }), 12, 12],
  ["whileLoop that stops at its bound", loop({ maxSteps: 9 }), 9, 18],
  ["whileLoop of no steps", loop({ maxSteps: 0 }), 0, 0],
  ["whileLoop in jit", jit(loop({ maxSteps: 16 }), interpreter), 12, 24],
  [
    "whileLoop in scan",
    (x) => scan((c: NDArray) => [four(c), null], x, null, { length: 5 })[0].sum(),
    20,
    40,
  ],
  ["whileLoop in whileLoop", (x) => whileLoop(always, four, x, { maxSteps: 4 }).sum(), 16, 48],
];

const ownJvp = customJvp(step, ([x], [t]) => [step(x), t.mul(np.cos(x))]);
const ownVjp = customVjp(step, (x) => [step(x), np.cos(x)], (slope, ct) => [ct.mul(slope)]);
const two = np.ones([2], { dtype: "float64" });
const settled = (adjoint?: Adjoint) => (a: NDArray): NDArray =>
  fixedPoint((y: NDArray) => np.cos(asked(y).mul(a)), two, { adjoint, solver: damped() }).value
    .sum();

/** The same where there is no loop, or one in which nothing is kept by blocks. */
const others: typeof functions = [
  [
    "cond: its predicate",
    (x) => cond(step(x).sum().less(9), () => x.sum(), () => x.mul(2).sum()),
    1,
    1,
  ],
  [
    "cond: the branch that is taken",
    (x) =>
      scan(
        (
          c: NDArray,
          i: NDArray,
        ) => [cond(i.equal(1), step, (c: NDArray) => step(step(step(c))), c), null],
        x,
        np.arange(2),
      )[0].sum(),
    4,
    4,
  ],
  ["customJvp", (x) => ownJvp(x).sum(), 1, 1],
  ["customVjp", (x) => ownVjp(x).sum(), 1, 1],
  ["checkpoint", (x) => checkpoint((x: NDArray) => step(step(x)))(x).sum(), 2, 4],
  [
    "checkpoint in scan",
    (x) => scan((c: NDArray) => [checkpoint(step)(c), null], x, null, { length: 5 })[0].sum(),
    5,
    10,
  ],
  [
    "linearSolve",
    (a) => linearSolve((y: NDArray) => asked(y).mul(a).add(y), two).value.sum(),
    1,
    1,
  ],
];

const ways: readonly (readonly [string, (f: (x: NDArray) => NDArray) => unknown])[] = [
  ["eager", (f) => valueAndGrad(f)(x)],
  ["vjp", (f) => vjp(f, [x])[1](arr(1))],
  ["jit on cpu", (f) => jit(valueAndGrad(f), cpu)(x)],
  ["jit on the interpreter", (f) => jit(valueAndGrad(f), interpreter)(x)],
  ["lanes", (f) => vmap(valueAndGrad(f))(np.stack([x, x.mul(2)]))],
  ["lanes, jitted", (f) => jit(vmap(valueAndGrad(f)), cpu)(np.stack([x, x.mul(2)]))],
];

for (const [name, f, value, gradient] of [...functions, ...others]) {
  Deno.test(`${name}: ${value} evaluations give the value, ${gradient} that and the gradient`, () => {
    assertEquals(countOf(() => f(x)), value);
    assertEquals(countOf(() => jit(f, cpu)(x)), value);
    for (const [way, run] of ways) assertEquals(countOf(() => run(f)), gradient, way);
  });
}

for (const [name, f, value, gradient] of functions) {
  Deno.test(`${name}: a linear map makes no more than what was not kept`, () => {
    const [, push] = linearize(f, [x]);
    assert(countOf(() => push(x)) <= gradient - value);
  });
}

Deno.test("a gradient of a solution solves once, by whichever adjoint", () => {
  const value = countOf(() => settled()(x));
  // The derivatives of the function at the solution: by the parameters, and by the unknowns.
  assertEquals(countOf(() => valueAndGrad(settled())(x)), value + 2);
  assertEquals(countOf(() => valueAndGrad(settled(unrolled()))(x)), value);
  assertEquals(countOf(() => valueAndGrad(settled(checkpointed()))(x)), 2 * value);
});

Deno.test("a compiled minimiser evaluates as often as an eager one: what it does not ask for costs nothing", () => {
  const start = arr([-1.2, 1]);
  const valley = (x: NDArray): NDArray => {
    const y = asked(x);
    return y.at(1).sub(y.at(0).square()).square().mul(100).add(y.at(0).sub(1).square());
  };
  for (const solver of [lbfgs(), bfgs(), nonlinearCg(), newtonCg()]) {
    const f = (x: NDArray): NDArray =>
      minimise(valley, x, { solver, maxSteps: 20, throw: false }).value;
    const eager = countOf(() => f(start));
    assertEquals(countOf(() => jit(f, cpu)(start)), eager);
  }
});

Deno.test("loops of modules make as many steps as those of functions", () => {
  class Model extends nnx.Module {
    layer = new nnx.Linear(2, 2, { rngs: new nnx.Rngs(0) });
  }
  const loss = (m: Model): NDArray =>
    nnx.whileLoop(
      ([, i]: [Model, NDArray, NDArray]) => i.less(5),
      ([m, i, x]): [Model, NDArray, NDArray] => [m, i.add(1), np.tanh(m.layer.call(asked(x)))],
      [m, np.array(0), np.array([0.3, 0.5])],
      { maxSteps: 9 },
    )[2].sum();
  const model = new Model();
  assertEquals(countOf(() => loss(model)), 5);
  assertEquals(countOf(() => nnx.valueAndGrad(loss)(model)), 10);
  assertEquals(countOf(() => nnx.jit(nnx.valueAndGrad(loss), cpu)(model)), 10);

  class Doubled extends flax.Module {
    call(x: NDArray): NDArray {
      const w = this.param("w", () => np.array(1.5));
      const body = (_: unknown, c: NDArray): NDArray => asked(c).mul(w);
      return flax.whileLoop((_, c: NDArray) => c.less(9), body, this, x, { maxSteps: 8 });
    }
  }
  const f = (w: NDArray): NDArray => new Doubled().apply({ params: { w } }, np.array(3)) as NDArray;
  const w = np.array(1.5);
  assertEquals(countOf(() => f(w)), 3);
  for (const g of [valueAndGrad(f), jit(valueAndGrad(f), cpu)]) {
    assertEquals(countOf(() => g(w)), 6);
  }
});

Deno.test("second derivatives of a loop make each step three times, where checkpoints are few", () => {
  const twice = (f: (x: NDArray) => NDArray) => grad((x: NDArray) => grad(f)(x).sum());
  for (const run of [(f: typeof step) => f, (f: typeof step) => jit(f, cpu)]) {
    assertEquals(countOf(() => run(twice(loop({ maxSteps: 16 })))(x)), 36);
    assertEquals(countOf(() => run(twice(loop({ maxSteps: 16, checkpoints: 16 })))(x)), 12);
  }
});

Deno.test("condition and body do what they do once for each value, also under a gradient", () => {
  const log: string[] = [];
  const note = (what: string) => (i: NDArray): void => void log.push(`${what} ${i.item()}`);
  const f = (options: WhileOptions) => (x: NDArray): NDArray =>
    whileLoop(
      ([i]) => {
        debug.callback(note("test"), i);
        return i.less(5);
      },
      ([i, y]) => {
        debug.callback(note("step"), i);
        return [i.add(1), np.sin(y)];
      },
      [np.array(0), x],
      options,
    )[1].sum();
  const want = [0, 1, 2, 3, 4].flatMap((i) => [`test ${i}`, `step ${i}`]).concat("test 5");
  for (const options of [{ maxSteps: 7 }, { maxSteps: 7, checkpoints: 7 }, { maxSteps: 30 }]) {
    for (const wrap of [(f: typeof step) => f, (f: typeof step) => jit(f, cpu)]) {
      for (const run of [f(options), grad(f(options))]) {
        log.length = 0;
        wrap(run)(x);
        assertEquals(log, want);
      }
    }
  }
});

Deno.test("gradients of a loop are those of the unrolled loop to the last bit", () => {
  const w = arr([[0.5, -0.3], [0.2, 0.9]]);
  const bodies: readonly ((w: NDArray, y: NDArray) => NDArray)[] = [
    (w, y) => np.sin(np.matmul(w, y)).add(0.1),
    (w, y) => np.sin(np.matmul(w, y)).add(np.matmul(w, np.cos(y))),
    (w, y) => np.matmul(w, np.tanh(np.matmul(w, y.mul(w.sum())))),
  ];
  const both = { argnums: [0, 1] } as const;
  const bits = (t: Tree): Tree => JSON.parse(JSON.stringify(t, (_, v) => v?.toArray?.() ?? v));
  for (const body of bodies) {
    const plain = (w: NDArray, x: NDArray): NDArray => {
      for (let i = 0; i < 7; i++) x = body(w, x);
      return x.square().sum();
    };
    const want = bits(valueAndGrad(plain, both)(w, x));
    for (const checkpoints of [undefined, 1, 4, 20]) {
      const f = (w: NDArray, x: NDArray): NDArray =>
        whileLoop(
          ([i]) => i.less(7),
          ([i, y]) => [i.add(1), body(w, y)],
          [np.array(0), x],
          { maxSteps: 20, checkpoints },
        )[1].square().sum();
      assertEquals(bits(valueAndGrad(f, both)(w, x)), want);
      assertEquals(bits(jit(valueAndGrad(f, both), cpu)(w, x)), want);
    }
  }
});

Deno.test("keys, integers and bools in a loop are what they were on the way back", () => {
  type Carry = [key: NDArray, n: NDArray, on: NDArray, y: NDArray];
  const body = (...[key, n, on, y]: Carry): Carry => {
    const [next, own] = random.split(key);
    const noise = random.normal(own!, [2], { dtype: "float64" });
    return [next!, n.mul(3).mod(7), np.logicalNot(on), np.where(on, y.mul(noise), y.mul(n).sin())];
  };
  const start = [random.key(3), np.array(1), np.array(true)] as const;
  const plain = (x: NDArray): NDArray => {
    let c: Carry = [...start, x];
    for (let i = 0; i < 5; i++) c = body(...c);
    return c[3].square().sum();
  };
  for (const checkpoints of [undefined, 1, 9]) {
    const f = (x: NDArray): NDArray =>
      whileLoop(
        ([i]) => i.less(5),
        ([i, ...c]) => [i.add(1), ...body(...c)],
        [np.array(0), ...start, x],
        { maxSteps: 9, checkpoints },
      )[4].square().sum();
    everywhere(valueAndGrad(f), [x], valueAndGrad(plain)(x));
  }
});

Deno.test("with a checkpoint for each step, what is much larger than the values is made again", () => {
  // The derivative of a step needs a matrix; kept for 50 steps it would be 20 times all the values.
  const f = (x: NDArray): NDArray =>
    whileLoop(
      (y) => y.sum().less(1),
      (y) => np.sin(np.outer(y, y)).sum(0),
      x,
      { maxSteps: 50, checkpoints: 50 },
    ).sum();
  const { jaxpr } = openJaxpr(makeJaxpr(grad(f))(np.ones([20])));
  const sizes = [...allPrograms(jaxpr)].flatMap(({ eqns }) =>
    eqns.flatMap((e) => e.outputs.map((v) => v.aval.shape.reduce((a, b) => a * b, 1)))
  );
  assertEquals(Math.max(...sizes), 50 * 20);
});

/**
 * Long programs: nothing recurses over the length of a program, and nothing takes quadratic time.
 *
 * The times are printed with `INJAX_TIMES=1`. The limits are an order of magnitude above what a slow
 * machine of two busy cores needs, so that they catch quadratic behaviour and nothing else.
 *
 * @module
 */
import type { NDArray } from "../lib/core/array.ts";
import { checkJaxpr, formatJaxpr } from "../lib/core/jaxpr.ts";
import { loadBackend } from "../lib/backends/mod.ts";
import { add, mul } from "../lib/primitives/elementwise/arithmetic.ts";
import { scalarLike } from "../lib/primitives/constants/constants.ts";
import { sin } from "../lib/primitives/elementwise/elementary.ts";
import { makeJaxpr, openJaxpr } from "../lib/transforms/inspect.ts";
import { pure } from "../lib/transforms/pure.ts";
import { assert, assertEquals } from "./support/assert.ts";
import { arr, assertClose } from "./support/arrays.ts";
import { interpreter } from "./support/everywhere.ts";

await loadBackend("onnx");

/** Three equations a step, over 20,000 in all. */
const STEPS = 6_667;
/** As many steps as make a gradient program of 20,000 equations. */
const GRADIENT_STEPS = 2_858;
const FACTOR = 0.9;
const showTimes = Deno.env.get("INJAX_TIMES") !== undefined;

/** `y -> 0.9 sin(y) + x`, again and again from `x`: a chain of equations, none equal to another. */
function chain(x: NDArray, steps = STEPS): NDArray {
  const c = scalarLike(FACTOR, x);
  let y = x;
  for (let i = 0; i < steps; i++) y = add(mul(sin(y), c), x);
  return y;
}

/** The same in JavaScript, with its derivative. */
function reference(x: number, steps = STEPS): [value: number, slope: number] {
  let y = x, slope = 1;
  for (let i = 0; i < steps; i++) {
    slope = FACTOR * Math.cos(y) * slope + 1;
    y = FACTOR * Math.sin(y) + x;
  }
  return [y, slope];
}

/** Runs `f`, and fails where it takes longer than `limit` seconds. */
function timed<T>(what: string, limit: number, f: () => T): T {
  const start = performance.now();
  const result = f();
  const seconds = (performance.now() - start) / 1000;
  if (showTimes) console.log(`    ${what}: ${seconds.toFixed(2)} s`);
  assert(seconds < limit, `${what} took ${seconds.toFixed(1)} s, more than ${limit} s`);
  return result;
}

const x = arr(0.1);
const [value, slope] = reference(0.1);

Deno.test("20,000 equations: makeJaxpr, printing and checking", () => {
  const { jaxpr } = timed("makeJaxpr", 10, () => openJaxpr(makeJaxpr(chain)(x)));
  assertEquals(jaxpr.eqns.length, 3 * STEPS);
  const text = timed("printing", 10, () => formatJaxpr(jaxpr));
  assertEquals(text.split("\n").length, 3 * STEPS + 2);
  timed("checking", 10, () => checkJaxpr(jaxpr));
});

Deno.test("20,000 equations: jit on the interpreter", () => {
  const f = pure.jit((x: NDArray) => chain(x), interpreter);
  assertClose(timed("jit on the interpreter, first call", 20, () => f(x)), value);
  assertClose(timed("jit on the interpreter, second call", 10, () => f(x)), value);
});

Deno.test("20,000 equations: jit on onnx", () => {
  const f = pure.jit((x: NDArray) => chain(x));
  assertClose(timed("jit on onnx, first call", 90, () => f(x)), value);
  assertClose(timed("jit on onnx, second call", 5, () => f(x)), value);
});

Deno.test("20,000 equations: grad, jvp, vjp and linearize", () => {
  const f = (x: NDArray): NDArray => chain(x);
  assertClose(timed("grad", 20, () => pure.grad(f)(x)), slope);
  assertClose(timed("jvp", 20, () => pure.jvp(f, [x], [arr(2)]))[1], 2 * slope);
  const [, pull] = timed("vjp", 20, () => pure.vjp(f, [x]));
  assertClose(timed("pulling back", 20, () => pull(arr(1))), [slope]);
  const [, push] = timed("linearize", 20, () => pure.linearize(f, [x]));
  assertClose(timed("pushing forward", 20, () => push(arr(1))), slope);
});

Deno.test("20,000 equations: second derivative, and checkpoint", () => {
  const f = (x: NDArray): NDArray => chain(x);
  const second = timed("grad of grad", 60, () => pure.grad(pure.grad(f))(x));
  const by = 1e-5;
  const near = (reference(0.1 + by)[1] - reference(0.1 - by)[1]) / (2 * by);
  assertClose(second, near, 1e-8);
  const g = timed("grad of checkpoint", 30, () => pure.grad(pure.checkpoint(f))(x));
  assertClose(g, slope);
});

Deno.test("20,000 equations: grad of jit and jit of grad on the interpreter", () => {
  const f = (x: NDArray): NDArray => chain(x);
  const outer = pure.jit(pure.grad(f), interpreter);
  const inner = pure.grad(pure.jit(f, interpreter));
  assertClose(timed("jit of grad on the interpreter", 30, () => outer(x)), slope);
  assertClose(timed("grad of jit on the interpreter", 30, () => inner(x)), slope);
});

Deno.test("20,000 equations: jit of grad on onnx", () => {
  const g = pure.grad((x: NDArray) => chain(x, GRADIENT_STEPS));
  const { jaxpr } = openJaxpr(makeJaxpr(g)(x));
  assert(jaxpr.eqns.length >= 20_000, `the program has ${jaxpr.eqns.length} equations only`);
  const f = pure.jit(g);
  const [, want] = reference(0.1, GRADIENT_STEPS);
  assertClose(timed("jit of grad on onnx, first call", 120, () => f(x)), want);
  assertClose(timed("jit of grad on onnx, second call", 5, () => f(x)), want);
});

Deno.test("20,000 equations: vmap, and vmap of grad", () => {
  const f = (x: NDArray): NDArray => chain(x);
  const lanes = arr([0.1, -0.2, 0.05]);
  const want = [0.1, -0.2, 0.05].map((v) => reference(v));
  assertClose(timed("vmap", 20, () => pure.vmap(f)(lanes)), want.map(([v]) => v));
  const g = timed("vmap of grad", 30, () => pure.vmap(pure.grad(f))(lanes));
  assertClose(g, want.map(([, d]) => d));
});

Deno.test("200 calls of jit inside one another", () => {
  let f = (x: NDArray): NDArray => mul(sin(x), scalarLike(FACTOR, x));
  for (let i = 0; i < 200; i++) {
    const inner = f;
    f = pure.jit((x: NDArray) => inner(x), interpreter);
  }
  const [y, g] = timed("200 nested calls, gradient", 20, () => pure.valueAndGrad(f)(x));
  assertClose(y, FACTOR * Math.sin(0.1));
  assertClose(g, FACTOR * Math.cos(0.1));
});

Deno.test("a value used 20,000 times: its cotangents are summed without recursion", () => {
  const wide = (x: NDArray): NDArray => {
    let sum = x;
    for (let i = 0; i < 10_000; i++) sum = add(sum, mul(x, x));
    return sum;
  };
  const g = timed("grad of a wide program", 20, () => pure.grad(wide)(arr(3)));
  assertClose(g, 1 + 2 * 3 * 10_000);
});

Deno.test("a scan of 20,000 steps and its gradient on onnx", () => {
  const steps = 20_000;
  const loop = (x: NDArray): NDArray => {
    const c = scalarLike(FACTOR, x);
    return pure.foriLoop(0, steps, (_, y) => add(mul(sin(y), c), x), x);
  };
  const f = pure.jit(pure.valueAndGrad(loop));
  const [y, g] = timed("gradient of a loop of 20,000 steps, first call", 30, () => f(x));
  const [want, dot] = reference(0.1, steps);
  assertClose(y, want);
  assertClose(g, dot);
});

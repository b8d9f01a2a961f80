/**
 * Tries of random programs with derivatives: eagerly, on the interpreter, as one graph and vectorised, with
 * gradients that agree with finite differences, and with second derivatives in all orders of the modes.
 * `tests/programs_test.ts` makes some, `tests/kernel/fuzz.ts` as many as one has patience for.
 *
 * The backend "onnx" must have been loaded.
 *
 * @module
 */
import { grad, jit, jvp, makeJaxpr, type NDArray, numpy as np, scan, vmap } from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { checkJaxpr } from "../../lib/core/jaxpr.ts";
import { difference, ulps } from "./arrays.ts";
import { assert } from "./assert.ts";
import { Random, seedNote } from "./random.ts";
import { functions } from "./random_functions.ts";
import { drawInputs, randomProgram } from "./random_programs.ts";

/** Operations of a program. */
const LENGTH = 12;
/** Rounding errors, relative to the largest element, that 12 operations may add up to. */
const ROUNDING = 2000;

function compare(what: string, actual: readonly NDArray[], expected: readonly NDArray[]): void {
  assert(actual.length === expected.length, `${what}: ${actual.length} results`);
  expected.forEach((want, k) => {
    const found = difference(actual[k]!, want, Math.max(ulps(want, ROUNDING), 1e-15 * ROUNDING));
    assert(found === null, `${what}, result ${k} ${found}`);
  });
}

const cpu = { backend: "cpu" } as const;
const onnx = { backend: "onnx" } as const;

/** Tries the `n`th program. Throws what is wrong with it, with the program. */
export function tryProgram(n: number): void {
  const { f, steps, inputs } = randomProgram(
    `program ${n}`,
    LENGTH,
    n % 2 === 0 ? {} : functions,
  );
  const random = new Random(`inputs ${n}`);
  try {
    const expected = f(inputs);
    checkJaxpr(openJaxpr(makeJaxpr(f)(inputs)).jaxpr);
    compare("jit on the interpreter", jit(f, { backend: "interpreter" })(inputs), expected);
    compare("jit on onnx", jit(f, onnx)(inputs), expected);
    // The runtime optimises programs with loops further, by fusing nodes to others.
    const looped = (inputs: NDArray[]): NDArray[] =>
      scan(() => [null, f(inputs)], null, null, { length: 1 })[1].map((y) => y.at(0));
    compare("jit on cpu", jit(f, cpu)(inputs), expected);
    compare("in a loop on onnx", jit(looped, onnx)(inputs), expected);

    const others = drawInputs(random);
    const stacked = inputs.map((x, i) => np.stack([x, others[i]!]));
    const lanes = vmap(f)(stacked);
    compare("lane 0 of vmap", lanes.map((y) => y.at(0)), expected);
    compare("lane 1 of vmap", lanes.map((y) => y.at(1)), f(others));
    compare("vmap on onnx", jit(vmap(f), onnx)(stacked), lanes);

    const loss = (inputs: NDArray[]): NDArray => f(inputs)[0]!;
    const g = grad(loss)(inputs);
    checkJaxpr(openJaxpr(makeJaxpr(grad(loss))(inputs)).jaxpr);
    compare("gradient on onnx", jit(grad(loss), onnx)(inputs), g);
    compare("gradient on cpu", jit(grad(loss), cpu)(inputs), g);
    compare("gradient of jit on onnx", grad(jit(loss, onnx))(inputs), g);
    compare(
      "lane 0 of vmap of gradient",
      vmap(grad(loss))(stacked).map((y) => y.at(0)),
      g,
    );

    const t = drawInputs(random);
    const [, slope] = jvp(loss, [inputs], [t]);
    const dot = g.reduce((sum, d, i) => sum + d.mul(t[i]!).sum().item(), 0);
    const near = directional(loss, inputs, t);
    const scale = 1 + Math.abs(dot);
    compareSecondOrder(loss, inputs, t);
    assert(Math.abs(slope.item() - dot) < 1e-11 * scale, `jvp ${slope.item()}, vjp ${dot}`);
    assert(
      near.some((d) => Math.abs(d - dot) < 1e-6 * scale),
      `gradient ${dot}, finite differences ${near}`,
    );
  } catch (e) {
    const { message, stack } = e as Error;
    throw new Error(`${message}\nof the program ${steps.join(" ")}\n(${seedNote})\n${stack}`);
  }
}

/** The Hessian times `t`, in all orders of forward and reverse mode. */
function compareSecondOrder(
  loss: (x: NDArray[]) => NDArray,
  x: NDArray[],
  t: NDArray[],
): void {
  const slope = (x: NDArray[]): NDArray => jvp(loss, [x], [t])[1];
  const product = (x: NDArray[]): NDArray =>
    grad(loss)(x).reduce((sum: NDArray, d, i) => sum.add(d.mul(t[i]!).sum()), np.zeros([]));
  const expected = jvp(grad(loss), [x], [t])[1];
  for (const h of expected) assert(np.all(np.isFinite(h)).item() !== 0, "a Hessian is not finite");
  compare("gradient of jvp", grad(slope)(x), expected);
  compare("gradient of gradient", grad(product)(x), expected);
  compare("gradient of gradient on onnx", jit(grad(product), onnx)(x), expected);
}

/** Derivatives along `t` by central differences with several steps: one may straddle a kink. */
function directional(
  loss: (x: NDArray[]) => NDArray,
  x: readonly NDArray[],
  t: readonly NDArray[],
): number[] {
  return [2 ** -10, 2 ** -14, 2 ** -18].map((h) => {
    const at = (k: number): number => loss(x.map((v, i) => v.add(t[i]!.mul(k * h)))).item();
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
  });
}

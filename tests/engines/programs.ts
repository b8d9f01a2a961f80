/**
 * What is tried in every engine: random programs and their gradients, what they do not have, and
 * effects, compiled and interpreted. The bundle of this file runs in pages, in workers and on servers, and
 * says as JSON what went wrong.
 *
 * @module
 */
import {
  check,
  debug,
  grad,
  jit,
  linalg,
  type NDArray,
  nn,
  numpy as np,
  random,
  scan,
  special,
  vmap,
} from "../../mod.ts";
import { ulps } from "../support/arrays.ts";
import { randomProgram } from "../support/random_programs.ts";

/** What an engine says of itself. */
export interface Outcome {
  /** Number of programs that were compared. */
  readonly compared: number;
  /** What was wrong, in words. */
  readonly failures: readonly string[];
}

type F = (...args: NDArray[]) => NDArray | NDArray[];

const PROGRAMS = 12;
/** Rounding errors, relative to the largest element, that some operations in another order add up to. */
const ROUNDING = 2000;

const x = random.normal(random.key(0), [37, 5]);
const square = random.normal(random.key(1), [9, 9], { dtype: "float64" });
const many = random.uniform(random.key(2), [5000], { minval: -50, maxval: 50 });

const cases: Readonly<Record<string, [F, ...NDArray[]]>> = {
  "functions": [
    (
      x,
    ) => [
      np.exp(x.div(8)),
      np.log(np.abs(x)),
      np.sin(x.mul(1e5)),
      np.tanh(x),
      np.atan2(x, x.add(1)),
    ],
    many,
  ],
  "functions of doubles": [(x) => [np.exp(x), np.sin(x.mul(1e9)), np.power(np.abs(x), x)], square],
  "sums": [(x) => [x.sum(), x.sum(0), x.sum(1), x.max(0), np.cumsum(x, 0)], x],
  "softmax and its gradient": [grad((x: NDArray) => nn.softmax(x).square().sum()) as F, x],
  // Loops whose body is longer than any other: engines have limits of their own.
  "derivatives of long functions": [
    (x) => {
      const zeta = (x: NDArray, q: NDArray): NDArray => special.zeta(x, q).sum();
      const drawn = (a: NDArray, x: NDArray): NDArray => special.randomGammaGrad(a, x).sum();
      const [s, q] = [np.abs(x).add(1.5), np.abs(x).add(0.5)];
      return [zeta, drawn].flatMap((f) => grad(f, { argnums: [0, 1] })(s, q));
    },
    many.slice([0], [16]).div(20),
  ],
  "sorting": [(x) => [np.sort(x), np.argsort(x)], many],
  "matrices": [(a) => [linalg.solve(a, a.transpose()), linalg.det(a), np.matmul(a, a)], square],
  "large matrices": [(a) => np.matmul(a.reshape([50, 100]), a.reshape([100, 50])), many],
  "random numbers": [
    (x) =>
      [random.normal(random.key(7), [100]), random.bits(random.key(8), [9])].map((r) =>
        r.add(x.sum().mul(0).astype(r.dtype))
      ),
    x,
  ],
  "a batch": [vmap((x: NDArray) => np.matmul(x.reshape([5, 1]), x.reshape([1, 5]))) as F, x],
  "a scan": [
    (x) => scan((c, row: NDArray) => [np.tanh(c.add(row)), c.sum()], np.zeros([5]), x)[1],
    x,
  ],
};

function difference(actual: NDArray, expected: NDArray): string | null {
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  const allowed = ulps(expected, ROUNDING);
  for (let i = 0; i < b.length; i++) {
    if (Object.is(a[i], b[i]) || Math.abs(a[i]! - b[i]!) <= allowed) continue;
    return `element ${i} is ${a[i]}, interpreted ${b[i]}`;
  }
  return null;
}

/** Runs everything. */
export function runAll(): Outcome {
  const failures: string[] = [];
  let compared = 0;
  const compare = (name: string, f: F, ...args: NDArray[]): void => {
    compared++;
    try {
      const list = (y: NDArray | NDArray[]): NDArray[] => y instanceof Array ? y : [y];
      const expected = list(jit(f, { backend: "interpreter" })(...args));
      const actual = list(jit(f)(...args));
      for (const [i, y] of expected.entries()) {
        const found = difference(actual[i]!, y);
        if (found !== null) return void failures.push(`${name}: result ${i}, ${found}`);
      }
    } catch (error) {
      failures.push(`${name}: ${error}`);
    }
  };
  for (const [name, [f, ...args]] of Object.entries(cases)) compare(name, f, ...args);
  for (let n = 0; n < PROGRAMS; n++) {
    const { f, inputs } = randomProgram(`program ${n}`, 12);
    const flat: F = (...args) => f(args);
    compare(`random program ${n}`, flat, ...inputs);
    const loss = (...args: NDArray[]): NDArray => f(args)[0]!;
    compare(
      `gradient of random program ${n}`,
      grad(loss, { argnums: [0, 1, 2] }) as unknown as F,
      ...inputs,
    );
  }
  effects(failures);
  return { compared: compared + 2, failures };
}

/** Effects come out of compiled code at once, and leave it usable. */
function effects(failures: string[]): void {
  const seen: number[] = [];
  const f = jit((x: NDArray) => {
    debug.callback((v: NDArray) => void seen.push(v.item()), x);
    check(np.greater(x, 0), "x is {}", x);
    return x.add(1);
  });
  f(np.array(1));
  let message = "";
  try {
    f(np.array(-2));
  } catch (error) {
    message = String(error);
  }
  const after = f(np.array(3)).item();
  if (seen.join() !== "1,-2,3") failures.push(`callbacks saw ${seen}`);
  if (!message.includes("x is -2") || after !== 4) {
    failures.push(`a check said "${message}", then ${after}`);
  }
}

/**
 * Tries of random programs on the compiler: each is recorded, compiled and compared with the interpreter.
 * `tests/kernel/random_test.ts` makes some thousands, `tests/kernel/fuzz.ts` as many as one has
 * patience for.
 *
 * @module
 */
import { grad, type NDArray, numpy as np, scan, vmap } from "../../mod.ts";
import type { ConcreteArray } from "../../lib/core/concrete.ts";
import { isFloat } from "../../lib/core/dtype.ts";
import { evalJaxpr, formatJaxpr } from "../../lib/core/jaxpr.ts";
import { bind } from "../../lib/core/trace.ts";
import { difference, ulps } from "./arrays.ts";
import { type Comparison, compiledDifference, type Staged, staged } from "./compiled.ts";
import { firstWrongEquation } from "./prefixes.ts";
import { functions } from "./random_functions.ts";
import { randomKernel } from "./random_kernels.ts";
import { randomLoop } from "./random_loops.ts";
import { randomProgram } from "./random_programs.ts";

type Arrays = (...inputs: NDArray[]) => NDArray[];

/** Ways to use a program of arrays once more; arguments come twice, one behind the other. */
const within: readonly ((f: Arrays) => Arrays)[] = [
  (f) => (...xs) => scan((_: null, rows: NDArray[]) => [null, f(...rows)], null, xs)[1],
  (f) => vmap(f),
];

/** One of so many programs is one with derivatives. */
const SMOOTH = 16;

/** Programs whose results have the same bits, and those of them in loops and vectorised. */
export function exactTrial(n: number): [Staged, () => string] {
  const { f, inputs, text } = randomKernel(`kernel ${n}`, n % 32 === 5);
  const way = within[n % 8];
  if (way === undefined) return [staged(f, inputs), text];
  return [staged(way(f), inputs.map((x) => np.stack([x, x]))), text];
}

/** Programs with derivatives, whose sums may be in another order. */
function smoothTrial(n: number): [Staged, () => string] {
  const kind = Math.floor(n / SMOOTH) % 3;
  if (kind < 2) {
    const { f, steps, inputs } = randomProgram(`program ${n}`, 8, kind === 0 ? {} : functions);
    const slope = grad((xs: NDArray[]) => f(xs)[0]!);
    return [staged((...xs) => slope(xs), inputs), () => steps.join("\n")];
  }
  const { f, inputs, text } = randomLoop(`loop ${n}`);
  const sizes = [inputs.consts.length, inputs.carry.length];
  const split = (xs: NDArray[]) => ({
    consts: xs.slice(0, sizes[0]),
    carry: xs.slice(sizes[0], sizes[0]! + sizes[1]!),
    xs: xs.slice(sizes[0]! + sizes[1]!),
  });
  const loss = (xs: NDArray[]): NDArray =>
    f(split(xs)).reduce((sum, y) => sum.add(np.tanh(y).sum()), np.zeros([], { dtype: "float64" }));
  const all = [...inputs.consts, ...inputs.carry, ...inputs.xs];
  return [staged((...xs) => [f(split(xs)), grad(loss)(xs)], all), () => text];
}

/** Rounding errors that loops with steep slopes may make of one: what is wrong is far off. */
const AMPLIFIED = 1_000_000;

/** How results of the two kinds may differ. */
const exact: Comparison = { allowed: () => 0 };
const smooth: Comparison = { allowed: (want) => Math.max(ulps(want, AMPLIFIED), 2e-12) };

/**
 * Whether a program makes such differences of the last bits of its own arguments: some loops are chaotic,
 * and nothing can be said of their results.
 */
function amplifies({ recorded, args }: Staged): boolean {
  const run = (xs: readonly ConcreteArray[]): NDArray[] => evalJaxpr(recorded, xs, bind);
  const nudged = (factor: number): ConcreteArray[] =>
    args.map((x) => isFloat(x.dtype) ? x.mul(factor) as ConcreteArray : x);
  const expected = run(args);
  return [1 + 2 ** -50, 1 - 2 ** -50].some((factor) =>
    run(nudged(factor)).some((y, k) =>
      difference(y, expected[k]!, smooth.allowed!(expected[k]!, k)) !== null
    )
  );
}

/**
 * Tries the `n`th program, in memory from `start` on. What is wrong with it, with the program's text and the first wrong equation;
 * `null` where nothing is.
 */
export function wrongKernel(n: number, start?: number): string | null {
  const isSmooth = n % SMOOTH === SMOOTH - 1;
  let trial: readonly [Staged, () => string];
  try {
    trial = isSmooth ? smoothTrial(n) : exactTrial(n);
  } catch (error) {
    return `program ${n} cannot be recorded: ${(error as Error).stack}`;
  }
  const [program, text] = trial;
  const { jaxpr, args } = program;
  const options = { large: [0, 64, Infinity][n % 3]!, fma: isSmooth && n % 5 < 3, start };
  let found: string | null;
  try {
    // The passes have tests of their own, and may add up in another order.
    const simplified = isSmooth ? program : { ...program, recorded: jaxpr };
    found = compiledDifference(simplified, { ...(isSmooth ? smooth : exact), ...options });
  } catch (error) {
    found = String((error as Error).stack);
  }
  if (found === null || (isSmooth && amplifies(program))) return null;
  let first: string;
  try {
    first = String(firstWrongEquation(jaxpr, args, isSmooth ? AMPLIFIED : 0));
  } catch (error) {
    first = String(error);
  }
  return `program ${n}: ${found}\nfirst wrong: ${first}\n${text()}\n${formatJaxpr(jaxpr)}`;
}

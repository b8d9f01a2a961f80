/**
 * Derivatives held against differences of values, as `jax.test_util`: tests for functions with rules of one's own.
 *
 * @example
 * ```ts
 * import { customVjp, type NDArray, numpy as np } from "@injax/injax";
 * import { checkGrads } from "@injax/injax/testing";
 *
 * // log(1 + e^x), whose derivative is finite where e^x is not.
 * const softplus = customVjp(
 *   (x: NDArray) => np.log1p(np.exp(x)),
 *   (x: NDArray) => [np.log1p(np.exp(x)), x],
 *   (x, dy) => [dy.div(np.exp(x.neg()).add(1))],
 * );
 * checkGrads(softplus, [np.array([-1, 0.5, 2])], { modes: ["rev"] });
 * ```
 *
 * @module
 */
import "../api/methods.ts";
import { array } from "../api/array.ts";
import { zerosLike } from "../api/creation.ts";
import { foldIn, key } from "../api/keys.ts";
import { where } from "../api/logic.ts";
import { isNamed } from "../api/operands.ts";
import { normal } from "../api/random.ts";
import {
  describeValue,
  DifferentiationError,
  expectInteger,
  isFloat,
  NDArray,
  type OptionTable,
  readOptions,
  tableOf,
  treeFlatten,
  treeLeaves,
  treeMap,
  treeUnflatten,
} from "../core/mod.ts";
import { checkList, jvp, vjp } from "../transforms/autodiff.ts";
import { checkFunction } from "../transforms/trees.ts";
import type { AnyFunction } from "../transforms/types.ts";

/** How far derivatives may be from differences. */
export interface CheckDerivativeOptions {
  /** The absolute error that may be, times the number of elements: 2e-3 in float32 and 1e-5 in float64. */
  readonly atol?: number | undefined;
  /** The relative error that may be, times the number of elements: as `atol`. */
  readonly rtol?: number | undefined;
  /** Half the distance of the points of differences: 2^-11 in float32, and 2^-17 where all is float64. */
  readonly eps?: number | undefined;
}

/** Options of {@linkcode checkGrads}. */
export interface CheckGradsOptions extends CheckDerivativeOptions {
  /** Up to which order derivatives are checked; 1 where left out. */
  readonly order?: number | undefined;
  /** Forward and reverse mode, or one of them; both where left out. */
  readonly modes?: readonly ("fwd" | "rev")[] | undefined;
}

const derivativeOptions: OptionTable<CheckDerivativeOptions> = {
  atol: "tolerance",
  rtol: "tolerance",
  eps: "number",
};
const gradsOptions: OptionTable<CheckGradsOptions> = /* @__PURE__ */ tableOf(derivativeOptions, {
  order: "order",
  modes: "names",
});

type F = (...args: unknown[]) => unknown;

const floats = (tree: unknown): NDArray[] =>
  treeLeaves(tree).filter((x): x is NDArray => x instanceof NDArray && isFloat(x.dtype));

/** Whether all floats of a tree are of 64 bits. */
const isDouble = (tree: unknown): boolean => floats(tree).every((x) => x.dtype === "float64");

/** A random direction for each array; integers and bools stay where they are. */
function direction(tree: unknown, seed: number): unknown {
  const [leaves, def] = treeFlatten(tree);
  const steps = leaves.map((x, i) =>
    x instanceof NDArray && isFloat(x.dtype)
      ? normal(foldIn(key(seed), i), x.shape, { dtype: x.dtype })
      : x instanceof NDArray
      ? zerosLike(x)
      : 0
  );
  return treeUnflatten(def, steps);
}

/** What values differ by along a direction, per step. */
function differences(
  f: F,
  args: readonly unknown[],
  along: readonly unknown[],
  eps: number,
): unknown {
  const at = (step: number): unknown =>
    f(...args.map((arg, i) =>
      treeMap(
        (x: unknown, d: unknown) =>
          x instanceof NDArray && isFloat(x.dtype) ? x.add((d as NDArray).mul(step)) : x,
        arg as never,
        along[i] as never,
      )
    ));
  const slope = (above: unknown, below: unknown): unknown => {
    if (!(above instanceof NDArray) || !isFloat(above.dtype)) return above;
    // Infinities on both sides are no difference.
    const apart = where(above.equal(below as NDArray), 0, above.sub(below as NDArray));
    return apart.mul(0.5 / eps);
  };
  return treeMap(slope as never, at(eps) as never, at(-eps) as never);
}

/** Compares the leaves of two trees; throws where they differ. */
function compare(
  op: string,
  what: string,
  given: unknown,
  expected: unknown,
  by: string,
  { atol, rtol }: CheckDerivativeOptions,
): void {
  const [got, want] = [treeLeaves(given), treeLeaves(expected)] as [NDArray[], NDArray[]];
  if (got.length !== want.length) {
    throw new DifferentiationError(
      `${op}: ${what} has ${got.length} arrays, but ${want.length} by ${by}`,
    );
  }
  got.forEach((x, leaf) => {
    const y = want[leaf]!;
    if (x.size !== y.size) {
      throw new DifferentiationError(
        `${op}: array ${leaf} of ${what} has shape [${x.shape}], but [${y.shape}] by ${by}`,
      );
    }
    if (!isFloat(x.dtype)) return;
    const usual = x.dtype === "float64" && y.dtype === "float64" ? 1e-5 : 2e-3;
    const [values, others] = [x.dataSync(), y.dataSync()];
    for (let i = 0; i < values.length; i++) {
      const [a, b] = [Number(values[i]), Number(others[i])];
      const allowed = ((atol ?? usual) + (rtol ?? usual) * Math.abs(b)) * x.size;
      if (Object.is(a, b) || Math.abs(a - b) <= allowed) continue;
      throw new DifferentiationError(
        `${op}: ${what} is ${a} at element ${i} of array ${leaf}, but ${b} by ${by}, which may ` +
          `differ by ${allowed}`,
      );
    }
  });
}

const stepOf = (args: unknown, out: unknown, { eps }: CheckDerivativeOptions): number =>
  eps ?? (isDouble([args, out]) ? 2 ** -17 : 2 ** -11);

/** Checks that options are numbers from 0 on. */
function checkOptions(op: string, options: CheckDerivativeOptions): void {
  for (const name of ["atol", "rtol", "eps"] as const) {
    const value = options[name];
    if (value === undefined || (typeof value === "number" && value >= 0)) continue;
    throw new RangeError(
      `${op}: ${name} is ${describeValue(value)}, but must be a number from 0 on`,
    );
  }
}

/** The two results of a function that gives a value and something of its derivative. */
function pairOf(op: string, name: string, result: unknown): readonly [unknown, unknown] {
  if (Array.isArray(result) && result.length === 2) return result as [unknown, unknown];
  throw new TypeError(
    `${op}: ${name} gives ${describeValue(result)}, but must give a list of two, as ` +
      `${name === "fJvp" ? "jvp" : "vjp"} does`,
  );
}

function forward(
  op: string,
  f: F,
  pushed: AnyFunction,
  args: readonly unknown[],
  options: CheckDerivativeOptions,
): void {
  const along = direction(args, 0) as unknown[];
  checkOptions(op, options);
  const [out, slope] = pairOf(op, "fJvp", (pushed as unknown as F)(args, along));
  const value = f(...args);
  compare(op, "the value of jvp", out, value, "the function itself", options);
  const eps = stepOf(args, value, options);
  const rate = differences(f, args, along, eps);
  compare(op, "the derivative along a direction by jvp", slope, rate, "differences", options);
}

/** The sum of products of the elements of two trees. */
function inner(x: unknown, y: unknown): number {
  const [a, b] = [floats(x), floats(y)];
  let sum = 0;
  a.forEach((v, i) => {
    const [p, q] = [v.dataSync(), b[i]!.dataSync()];
    for (let k = 0; k < p.length; k++) sum += Number(p[k]) * Number(q[k]);
  });
  return sum;
}

function backward(
  op: string,
  f: F,
  pulled: AnyFunction,
  args: readonly unknown[],
  options: CheckDerivativeOptions,
): void {
  checkOptions(op, options);
  const [out, pull] = pairOf(op, "fVjp", (pulled as unknown as F)(args)) as [unknown, F];
  checkFunction(op, pull, "what fVjp gives second");
  const value = f(...args);
  compare(op, "the value of vjp", out, value, "the function itself", options);
  const along = direction(args, 0) as unknown[];
  const weights = direction(value, 1);
  const rate = differences(f, args, along, stepOf(args, value, options));
  const [given, expected] = [inner(along, pull(weights)), inner(rate, weights)];
  const usual = isDouble([args, value]) ? 1e-5 : 2e-3;
  const { atol = usual, rtol = usual } = options;
  const allowed = atol + rtol * Math.abs(expected);
  if (Object.is(given, expected) || Math.abs(given - expected) <= allowed) return;
  throw new DifferentiationError(
    `${op}: the derivative along a direction of results is ${given} by vjp, but ${expected} by ` +
      `differences, which may differ by ${allowed}`,
  );
}

/** The arguments with arrays in the place of numbers, as derivatives take them. */
function argumentsOf(op: string, f: unknown, args: unknown): unknown[] {
  checkFunction(op, f);
  checkList(op, "the arguments", args);
  const primals = inArrays(args) as unknown[];
  if (floats(primals).length > 0) return primals;
  throw new DifferentiationError(
    `${op}: no argument has floats, so that there is no derivative to check. Arrays of integers and ` +
      'bools stay as they are: convert them with astype("float32")',
  );
}

/** A tree with arrays in the place of numbers. */
function inArrays(tree: unknown): unknown {
  return treeMap((x: unknown) => typeof x === "number" ? array(x) : x, tree as never);
}

/** A function that gives arrays where it gives numbers. */
const ofArrays = (f: AnyFunction): F => (...args) => inArrays((f as unknown as F)(...args));

/**
 * Holds derivatives of a function against differences of its values, along one random direction, as
 * `jax.test_util.check_grads`: a test for `customJvp`, `customVjp` and `customRoot`.
 *
 * @param args The arguments, arrays or trees of them; integers and bools stay as they are.
 * @param order Up to which order derivatives are checked.
 * @throws {DifferentiationError} where they differ, with both numbers.
 * @throws {RangeError} where `order` is below 1.
 *
 * @example
 * ```ts
 * import { customJvp, type NDArray, numpy as np } from "@injax/injax";
 * import { checkGrads } from "@injax/injax/testing";
 *
 * checkGrads((x: NDArray) => np.sin(x).mul(x), [np.array([1, 2])], 2);
 * const sin = (x: NDArray) => np.sin(x);
 * const wrong = customJvp(sin, ([x], [dx]) => [np.sin(x), np.sin(x).mul(dx)]);
 * try {
 *   checkGrads(wrong, [np.array([1, 2])]);
 * } catch (error) {
 *   console.log((error as Error).name); // DifferentiationError
 * }
 * ```
 */
export function checkGrads(
  f: AnyFunction,
  args: readonly unknown[],
  order: number | CheckGradsOptions = 1,
  options: Omit<CheckGradsOptions, "order"> = {},
): void {
  const op = "checkGrads";
  if (arguments.length > 2) {
    options = readOptions(`${op}(f, args, order, options)`, arguments, gradsOptions, 2);
  }
  const primals = argumentsOf(op, f, args);
  const highest = isNamed(order) ? order.order ?? 1 : order;
  const modes: readonly unknown[] = options.modes === undefined
    ? ["fwd", "rev"]
    : Array.isArray(options.modes)
    ? options.modes
    : [options.modes];
  expectInteger(op, highest, "order", 1);
  for (const mode of modes) {
    if (mode !== "fwd" && mode !== "rev") {
      throw new TypeError(`${op}: modes has ${describeValue(mode)}, but may have "fwd" and "rev"`);
    }
  }
  const check = (g: F, at: readonly unknown[], left: number): void => {
    if (modes.includes("fwd")) {
      const push: F = (xs, dxs) => jvp(g as AnyFunction, xs, dxs);
      forward(op, g, push as AnyFunction, at, options);
      if (left > 1) check(push, [at, direction(at, 2)], left - 1);
    }
    if (modes.includes("rev")) {
      backward(op, g, ((xs: unknown) => vjp(g as AnyFunction, xs)) as AnyFunction, at, options);
      const pull: F = (...xs) => {
        const [out, back] = vjp(g as AnyFunction, xs) as [unknown, F];
        return back(treeMap((x: NDArray) => isFloat(x.dtype) ? x : zerosLike(x), out as never));
      };
      if (left > 1) check(pull, at, left - 1);
    }
  };
  check(ofArrays(f), primals, highest);
}

/**
 * Holds a function that gives values and derivatives, as `jvp` does, against differences of the values of
 * another, as `jax.test_util.check_jvp`.
 *
 * @param fJvp Called with lists of arguments and of tangents, it gives a value and a tangent.
 * @throws {DifferentiationError} where they differ, with both numbers.
 *
 * @example
 * ```ts
 * import { jvp, type NDArray, numpy as np } from "@injax/injax";
 * import { checkJvp } from "@injax/injax/testing";
 *
 * const f = (x: NDArray) => np.exp(x);
 * checkJvp(f, (xs: [NDArray], dxs: [NDArray]) => jvp(f, xs, dxs), [np.array(0.5)]);
 * ```
 */
export function checkJvp(
  f: AnyFunction,
  fJvp: AnyFunction,
  args: readonly unknown[],
  options: CheckDerivativeOptions = {},
): void {
  const op = "checkJvp";
  if (arguments.length > 3) {
    options = readOptions(`${op}(f, fJvp, args, options)`, arguments, derivativeOptions);
  }
  checkFunction(op, fJvp);
  forward(op, ofArrays(f), fJvp, argumentsOf(op, f, args), options);
}

/**
 * Holds a function that gives values and pulls cotangents back, as `vjp` does, against differences of the
 * values of another, as `jax.test_util.check_vjp`.
 *
 * @param fVjp Called with a list of arguments, it gives a value and a function from cotangents of the value
 * to those of the arguments.
 * @throws {DifferentiationError} where they differ, with both numbers.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vjp } from "@injax/injax";
 * import { checkVjp } from "@injax/injax/testing";
 *
 * const f = (x: NDArray) => np.exp(x);
 * checkVjp(f, (xs: [NDArray]) => vjp(f, xs), [np.array(0.5)]);
 * ```
 */
export function checkVjp(
  f: AnyFunction,
  fVjp: AnyFunction,
  args: readonly unknown[],
  options: CheckDerivativeOptions = {},
): void {
  const op = "checkVjp";
  if (arguments.length > 3) {
    options = readOptions(`${op}(f, fVjp, args, options)`, arguments, derivativeOptions);
  }
  checkFunction(op, fVjp);
  backward(op, ofArrays(f), fVjp, argumentsOf(op, f, args), options);
}

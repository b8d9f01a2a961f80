/**
 * Random choices among things that are there: categories, elements of an array, orders. From the bits of a
 * key as JAX makes them, the same elements.
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  describeValue,
  expectInteger,
  formatShape,
  NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  scalarArray,
  ShapeError,
  sizeOf,
  tableOf,
} from "../core/mod.ts";
import {
  add,
  argmax,
  cumsum,
  expandDims,
  iota,
  log,
  moveAxis,
  mul,
  neg,
  reshape,
  slice,
  sort,
  sub,
  zeros,
} from "../primitives/mod.ts";
import type { ModeOptions, ShapeLike } from "./arguments.ts";
import { randint } from "./distributions.ts";
import { bits32, expectMode, fractions, gumbels, type Halves, halves, subkeys } from "./draws.ts";
import { takeAlongAxis } from "./indexing.ts";
import { takeInRange } from "./indices.ts";
import { asFloat, expectAxis, expectShape, isNamed } from "./operands.ts";
import { modeOptions } from "./options.ts";
import { searchsorted } from "./sorting.ts";

/** Options of {@linkcode categorical}. */
export interface CategoricalOptions extends ModeOptions {
  /** The axis of `logits` that runs over categories; the last one where left out. */
  readonly axis?: number | undefined;
  /** The shape of the result, which ends in that of `logits` without its axis. */
  readonly shape?: ShapeLike | undefined;
  /**
   * Whether a category may be drawn more than once (default true). Without, what `shape` has in front of
   * the shape of `logits` counts the draws that are all different.
   */
  readonly replace?: boolean | undefined;
}

const categoricalOptions: OptionTable<CategoricalOptions> = /* @__PURE__ */ tableOf(modeOptions, {
  axis: "number",
  shape: "shape",
  replace: "boolean",
});

/** Options of {@linkcode permutation}. */
export interface PermutationOptions {
  /** The axis along which is shuffled; the first one where left out. */
  readonly axis?: number | undefined;
  /** Whether each row along the axis is shuffled by itself (default false). */
  readonly independent?: boolean | undefined;
}

const permutationOptions: OptionTable<PermutationOptions> = {
  axis: "number",
  independent: "boolean",
};

/** Options of {@linkcode choice}. */
export interface ChoiceOptions extends ModeOptions {
  /** Whether an element may be drawn more than once (default true). */
  readonly replace?: boolean | undefined;
  /** How likely each element is, in proportion; all alike where left out. */
  readonly p?: NDArray | null | undefined;
  /** The axis along which elements are chosen; the first one where left out. */
  readonly axis?: number | undefined;
}

const choiceOptions: OptionTable<ChoiceOptions> = /* @__PURE__ */ tableOf(modeOptions, {
  replace: "boolean",
  p: "object",
  axis: "number",
});

/** The first `k` elements along the last axis. */
function first(x: NDArray, k: number): NDArray {
  return slice(x, x.shape.map(() => 0), x.shape.with(-1, k));
}

/** The positions of the `k` largest elements along the last axis, the largest first. */
function largest(x: NDArray, k: number): NDArray {
  return first(sort(neg(x), x.ndim - 1)[1], k);
}

/**
 * Indices (int32) of categories, with probabilities proportional to `exp(logits)`, as
 * `jax.random.categorical`.
 *
 * @throws {ShapeError} where the shape asked for does not end in that of `logits` without its axis.
 * @throws {RangeError} where more different categories are asked for than there are.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * console.log(random.categorical(random.key(0), np.array([-Infinity, 0])).item()); // 1
 * ```
 */
export function categorical(
  key: NDArray,
  logits: NDArray,
  options: CategoricalOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("categorical(key, logits, options)", arguments, categoricalOptions);
  }
  const op = "categorical";
  const from = halves(op, key);
  const scores = asFloat(op, logits, "logits");
  const axis = expectAxis(op, options.axis ?? -1, scores.ndim);
  const mode = expectMode(op, options.mode);
  const batch = scores.shape.toSpliced(axis, 1);
  const shape = (options.shape ?? null) === null ? batch : expectShape(op, options.shape);
  const extra = shape.length - batch.length;
  const tail = shape.slice(Math.max(0, extra));
  if (extra < 0 || batch.some((m, k) => m !== 1 && m !== tail[k])) {
    throw new ShapeError(
      `${op}: the shape ${formatShape(shape)} must end in ${formatShape(batch)}, that of logits ${
        formatShape(scores.shape)
      } without axis ${axis}`,
    );
  }
  const n = scores.shape[axis]!;
  if (n === 0) {
    throw new ShapeError(
      `${op}: logits have shape ${formatShape(scores.shape)} and so no categories`,
    );
  }
  if (options.replace ?? true) {
    const all = [...shape.slice(0, extra), ...tail.toSpliced(axis, 0, n)];
    const noise = gumbels(op, from, all, scores.dtype, mode);
    const lead = Array.from({ length: extra }, (_, i) => i);
    return argmax(add(noise, expandDims(scores, lead)), axis + extra);
  }
  const k = sizeOf(shape.slice(0, extra));
  checkEnough(op, k, n, "categories");
  if (batch.some((m, i) => m !== tail[i])) {
    throw new ShapeError(
      `${op}: without replacement, the shape ${formatShape(shape)} must end in ${
        formatShape(batch)
      } itself`,
    );
  }
  const noisy = add(scores, gumbels(op, from, scores.shape, scores.dtype, mode));
  const chosen = largest(moveAxis(noisy, axis, scores.ndim - 1), k);
  return reshape(moveAxis(chosen, chosen.ndim - 1, 0), shape);
}

/** Refuses to draw more different things than there are. */
function checkEnough(op: string, draws: number, n: number, what: string): void {
  if (draws <= n) return;
  throw new RangeError(
    `${op}: ${draws} different ones of ${n} ${what} cannot be drawn. Leave out replace: false, or ask for fewer`,
  );
}

// ---------------------------------------------------------------- orders

/** How often so many elements are shuffled, so that equal sort keys do not matter. */
function rounds(size: number): number {
  return Math.ceil(3 * Math.log(Math.max(1, size)) / Math.log(2 ** 32 - 1));
}

/** Elements along an axis in random order, each row by itself. */
function shuffled(op: string, key: Halves, x: NDArray, axis: number): NDArray {
  let [out, current] = [x, key];
  for (let i = rounds(x.size); i > 0; i--) {
    const [next, own] = subkeys(current, 2);
    const [, positions] = sort(bits32(op, own!, x.shape), axis);
    out = x.ndim === 1 ? takeInRange(out, positions, 0) : takeAlongAxis(out, positions, axis);
    current = next!;
  }
  return out;
}

/** The numbers below `n` in random order. */
function order(op: string, key: Halves, n: number): NDArray {
  return shuffled(op, key, iota([n], 0, "int32"), 0);
}

/**
 * The numbers below `x` in random order, or the rows of an array `x`, as `jax.random.permutation`.
 *
 * @throws {TypeError} where `x` is neither a non-negative integer nor an array with an axis.
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { random } from "@injax/injax";
 *
 * console.log(random.permutation(random.key(0), 5).shape); // [ 5 ]
 * ```
 */
export function permutation(
  key: NDArray,
  x: number | NDArray,
  options: PermutationOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("permutation(key, x, options)", arguments, permutationOptions);
  }
  const op = "permutation";
  const from = halves(op, key);
  const of = population(op, "the second argument", x);
  const axis = expectAxis(op, options.axis ?? 0, typeof of === "number" ? 1 : of.ndim);
  if (typeof of === "number") return order(op, from, of);
  if (options.independent ?? false) return shuffled(op, from, of, axis);
  return takeInRange(of, order(op, from, of.shape[axis]!), axis);
}

/** A number of things, or an array of them. */
function population(op: string, what: string, x: unknown): number | NDArray {
  if (typeof x === "number") return expectInteger(op, x, "the number of elements", 0, 2 ** 31 - 1);
  if (x instanceof NDArray && x.ndim > 0) return x;
  throw new TypeError(
    `${op}: ${what} must be a number or an array with at least one axis, not ${
      x instanceof NDArray ? `a scalar array` : describeValue(x)
    }`,
  );
}

// ---------------------------------------------------------------- choices

/**
 * Elements of `a` along an axis, or numbers below `a`, as `jax.random.choice`: `shape` of them, which
 * takes the place of the axis.
 *
 * @param shape How many; one, without an axis, where left out.
 * @throws {RangeError} where there is nothing to choose from, or not enough for elements that differ.
 * @throws {ShapeError} where `p` does not have a number for each element.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 *
 * const p = np.array([0, 1, 0]);
 * console.log(random.choice(random.key(0), np.array([10, 20, 30]), [2], { p }).toArray()); // [ 20, 20 ]
 * const three = random.choice(random.key(0), 3, [3], { replace: false });
 * console.log(three.sort().toArray()); // [ 0, 1, 2 ]
 * ```
 */
export function choice(
  key: NDArray,
  a: number | NDArray,
  shape: ShapeLike | Named<ChoiceOptions, { shape: ShapeLike }> = [],
  options: ChoiceOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("choice(key, a, shape, options)", arguments, choiceOptions, 2);
  }
  if (isNamed(shape)) return choice(key, a, shape.shape, shape);
  const op = "choice";
  const from = halves(op, key);
  const of = population(op, "a", a);
  const to = expectShape(op, shape);
  const mode = expectMode(op, options.mode);
  const axis = expectAxis(op, options.axis ?? 0, typeof of === "number" ? 1 : of.ndim);
  const n = typeof of === "number" ? of : of.shape[axis]!;
  const draws = sizeOf(to);
  const replace = options.replace ?? true;
  const p = options.p === undefined ? null : asFloat(op, options.p as Operand, "p");
  if (p !== null && (p.ndim !== 1 || p.shape[0] !== n)) {
    throw new ShapeError(
      `${op}: p must have a number for each of the ${n} elements, shape [${n}], but has shape ${
        formatShape(p.shape)
      }`,
    );
  }
  if (!replace) checkEnough(op, draws, n, "elements");
  const whole = typeof of === "number" ? to : of.shape.toSpliced(axis, 1, ...to);
  if (draws === 0) {
    return zeros({ shape: whole, dtype: typeof of === "number" ? "int32" : of.dtype });
  }
  if (n === 0) throw new RangeError(`${op}: there is nothing to choose from`);
  const which = p === null
    ? replace ? randint(key, to, 0, n) : first(order(op, from, n), draws)
    : replace
    ? drawn(op, from, to, p)
    : largest(add(gumbels(op, from, [n], p.dtype, mode), log(p)), draws);
  return reshape(typeof of === "number" ? which : takeInRange(of, which, axis), whole);
}

/** Indices with probabilities proportional to `p`: where the sum so far reaches a part of the whole. */
function drawn(op: string, key: Halves, shape: readonly number[], p: NDArray): NDArray {
  const sums = cumsum(p, 0);
  const whole = reshape(slice(sums, [p.size - 1], [p.size]), []);
  const one = scalarArray(1, p.dtype);
  return searchsorted(sums, mul(whole, sub(one, fractions(op, key, shape, p.dtype))));
}

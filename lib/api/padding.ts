/**
 * Arrays with elements added at their borders.
 *
 * @module
 */
import {
  describeValue,
  formatShape,
  isFloat,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import {
  broadcastTo,
  concatenate,
  convert,
  reshape,
  rev,
  round,
  scalarLike,
  sub,
} from "../primitives/mod.ts";
import * as s from "../primitives/slicing/slice.ts";
import { linspace } from "./ranges.ts";
import { takeConstant } from "./indices.ts";
import { asDType, expectArray, expectRoom, isNamed } from "./operands.ts";
import { nameIn } from "./options.ts";
import { max, mean, min } from "./reductions.ts";
import { median } from "./statistics.ts";

/** How `pad` fills what it adds. */
export type PadMode =
  | ("constant" | "edge" | "reflect" | "symmetric" | "wrap")
  | ("linearRamp" | "linear_ramp" | "maximum" | "minimum" | "mean" | "median" | "empty");

/** For all borders, `[before, after]` of each axis, or such a pair for each axis. */
export type PadValues<T> = T | readonly T[] | readonly (readonly T[])[];

/** Options of {@linkcode pad}. */
export interface PadOptions {
  /** Where new elements come from; `"constant"` where left out. */
  readonly mode?: PadMode | undefined;
  /** The value of new elements for `"constant"`; 0 where left out. */
  readonly value?: Operand | undefined;
  /** The same as `value`, where it is not one for all borders. */
  readonly constantValues?: PadValues<Operand> | undefined;
  /** The outermost elements for `"linearRamp"`; 0 where left out. */
  readonly endValues?: PadValues<Operand> | undefined;
  /** How many elements next to a border `"maximum"`, `"mean"` and their like are of; all where left out. */
  readonly statLength?: PadValues<number> | null | undefined;
  /** Whether `"reflect"` and `"symmetric"` turn elements at the one at the border, `"odd"`; or `"even"`. */
  readonly reflectType?: "even" | "odd" | undefined;
}

const padOptions: OptionTable<Omit<PadOptions, "mode">> = {
  value: "operand",
  constantValues: "object",
  endValues: "object",
  statLength: "object",
  reflectType: "string",
};

/** A pair for each axis, from what may be one for several. */
function pairsOf<T>(
  what: string,
  given: unknown,
  rank: number,
  item: (value: unknown) => T,
): [before: T, after: T][] {
  const pair = (w: unknown): [T, T] => {
    if (!Array.isArray(w) || w.length < 1 || w.length > 2) {
      throw new TypeError(
        `pad: ${what} are one for all borders, [before, after], or such a pair for each axis, not ${
          describeValue(given)
        }`,
      );
    }
    return [item(w[0]), item(w.at(-1))];
  };
  if (!Array.isArray(given)) return new Array(rank).fill(pair([given]));
  if (given.length > 0 && !given.some(Array.isArray)) return new Array(rank).fill(pair(given));
  if (given.length !== rank && given.length !== 1) {
    throw new ShapeError(`pad: there are ${what} for ${given.length} axes, but x has ${rank}`);
  }
  const pairs = given.map(pair);
  return Array.from({ length: rank }, (_, i) => pairs[pairs.length === 1 ? 0 : i]!);
}

/** Numbers of elements, for each border. */
function countsOf(
  what: string,
  given: unknown,
  rank: number,
  least: number,
): [before: number, after: number][] {
  return pairsOf(what, given, rank, (n) => {
    if (Number.isInteger(n) && n as number >= least) return n as number;
    throw new TypeError(
      `pad: ${what} are a number, [before, after], or such a pair for each axis, of ` +
        `${least === 0 ? "non-negative" : "positive"} integers, not ${describeValue(n)}`,
    );
  });
}

/** Scalars of the dtype of `x`, for each border. */
function scalarsOf(what: string, given: unknown, x: NDArray): [before: NDArray, after: NDArray][] {
  return pairsOf(what, given, x.ndim, (value) => {
    const scalar = asDType("pad", value, x.dtype, what === "values" ? "the value" : what);
    if (scalar.ndim === 0) return scalar;
    throw new ShapeError(
      `pad: ${
        what === "values" ? "the value must be a scalar" : `${what} must be scalars`
      }, but has shape ${formatShape(scalar.shape)}`,
    );
  });
}

/** The elements of `x` along an axis from one place up to another. */
function part(x: NDArray, axis: number, from: number, to: number): NDArray {
  return s.slice(x, x.shape.map((_, k) => k === axis ? from : 0), x.shape.with(axis, to));
}

/** For each element along a padded axis, the element that it repeats. */
function paddedIndices(n: number, before: number, after: number, mode: PadMode): number[] {
  const reflect = mode === "reflect";
  const period = reflect ? Math.max(1, 2 * (n - 1)) : mode === "symmetric" ? 2 * n : n;
  return Array.from({ length: before + n + after }, (_, k) => {
    const i = k - before;
    if (mode === "edge") return Math.min(n - 1, Math.max(0, i));
    const place = ((i % period) + period) % period;
    return place < n ? place : period - place - (reflect ? 0 : 1);
  });
}

/** What is added behind `x`, elements turned both in order and at the one at the border. */
function turned(x: NDArray, axis: number, count: number, mode: PadMode): NDArray {
  const n = x.shape[axis]!;
  const skip = mode === "reflect" && n > 1 ? 1 : 0;
  let out = x;
  for (let left = count; left > 0;) {
    const length = out.shape[axis]!;
    const next = Math.min(left, n - skip);
    const edge = part(out, axis, length - 1, length);
    const mirrored = rev(part(out, axis, length - skip - next, length - skip), [axis]);
    const twice = broadcastTo(edge, mirrored.shape);
    // 2 edge - x, where the difference is what is exact.
    out = concatenate([out, sub(twice, sub(mirrored, twice))], axis);
    left -= next;
  }
  return part(out, axis, n, n + count);
}

/** What `"maximum"` and its like repeat at a border. */
const statistics: { readonly [M in PadMode]?: (x: NDArray, axis: number) => NDArray } = {
  maximum: (x, axis) => max(x, axis, { keepDims: true }),
  minimum: (x, axis) => min(x, axis, { keepDims: true }),
  mean: (x, axis) => mean(x, axis, { keepDims: true }),
  median: (x, axis) => median(x, axis, { keepDims: true }),
};

type Borders = readonly [before: number, after: number];

/** What is added to an axis, before and after. */
type Filler = (x: NDArray, axis: number, borders: Borders) => readonly [NDArray, NDArray];

function fillerOf(x: NDArray, mode: PadMode, options: PadOptions): Filler {
  const statistic = statistics[mode];
  if (statistic !== undefined) {
    const { statLength = null } = options;
    const lengths = statLength === null ? null : countsOf("statLength", statLength, x.ndim, 1);
    return (a, axis, borders) => {
      const n = a.shape[axis]!;
      const [first, last] = (lengths?.[axis] ?? [n, n]).map((length) => Math.min(length, n));
      const whole = (value: NDArray): NDArray =>
        convert(isFloat(x.dtype) || !isFloat(value.dtype) ? value : round(value), x.dtype);
      const border = (from: number, to: number, width: number): NDArray =>
        broadcastTo(
          whole(statistic(part(a, axis, from, to), axis)),
          a.shape.with(axis, width),
        );
      return [border(0, first!, borders[0]!), border(n - last!, n, borders[1]!)];
    };
  }
  if (mode === "linearRamp") {
    const ends = scalarsOf("endValues", options.endValues ?? 0, x);
    return (a, axis, borders) => {
      const n = a.shape[axis]!;
      const [start, stop] = [part(a, axis, 0, 1), part(a, axis, n - 1, n)].map((edge) =>
        reshape(edge, a.shape.toSpliced(axis, 1))
      );
      const ramp = (from: NDArray, to: NDArray, count: number): NDArray =>
        linspace(from, to, count, { endpoint: false, dtype: a.dtype, axis });
      const [before, after] = ends[axis]!;
      return [ramp(before, start!, borders[0]), rev(ramp(after, stop!, borders[1]), [axis])];
    };
  }
  return (a, axis, borders) => [
    rev(turned(rev(a, [axis]), axis, borders[0], mode), [axis]),
    turned(a, axis, borders[1], mode),
  ];
}

/** `x` with constants at its borders. */
function withConstants(
  x: NDArray,
  pairs: readonly Borders[],
  { value = 0, constantValues = value }: PadOptions,
): NDArray {
  const values = scalarsOf("values", constantValues, x);
  const side = (i: 0 | 1): number[] => pairs.map((pair) => pair[i]);
  if (!Array.isArray(constantValues)) {
    return s.pad(x, values[0]?.[0] ?? scalarLike(0, x), side(0), side(1));
  }
  const none = pairs.map(() => 0);
  return values.reduce(
    (out, [before, after], k) =>
      s.pad(
        s.pad(out, before, none.with(k, pairs[k]![0]), none),
        after,
        none,
        none.with(k, pairs[k]![1]),
      ),
    x,
  );
}

const modes: readonly PadMode[] = [
  ...["constant", "edge", "reflect", "symmetric", "wrap", "linearRamp"] as const,
  ...["maximum", "minimum", "mean", "median", "empty"] as const,
];

const lengths = ["statLength"];
const reflects = ["reflectType"];

/** The options that a mode looks at. */
const optionsOf: { readonly [M in PadMode]?: readonly string[] } = {
  constant: ["value", "constantValues"],
  reflect: reflects,
  symmetric: reflects,
  linearRamp: ["endValues"],
  maximum: lengths,
  minimum: lengths,
  mean: lengths,
  median: lengths,
};

/**
 * `x` with elements added at its borders, as `jax.numpy.pad`.
 *
 * @param widths How many on all sides, `[before, after]` for all axes, or such a pair for each axis.
 * @throws {TypeError} where the widths are not such numbers.
 * @throws {ShapeError} where there is no element to repeat.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.pad(np.array([1, 2]), [1, 2]).toArray()); // [ 0, 1, 2, 0, 0 ]
 * console.log(np.pad(np.array([1, 2]), 1, "edge").toArray()); // [ 1, 1, 2, 2 ]
 * console.log(np.pad(np.array([4, 8]), 1, { mode: "mean", statLength: 2 }).toArray()); // [ 6, 4, 8, 6 ]
 * ```
 */
export function pad(
  x: NDArray,
  widths: number | readonly number[] | readonly (readonly number[])[],
  mode?: PadMode | PadOptions | null,
  options: Omit<PadOptions, "mode"> = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("pad(x, widths, mode, options)", arguments, padOptions, 2);
  }
  const a = expectArray("pad", x);
  const { reflectType = "even" } = options;
  if (isNamed(mode)) return pad(x, widths, mode.mode, options);
  const kind = nameIn(mode ?? "constant");
  if (!modes.includes(kind)) {
    throw new TypeError(
      `pad: mode must be ${modes.map((m) => `"${m}"`).join(", ")}, not ${describeValue(kind)}`,
    );
  }
  if (reflectType !== "even" && reflectType !== "odd") {
    throw new TypeError(
      `pad: reflectType must be "even" or "odd", not ${describeValue(reflectType)}`,
    );
  }
  const own = optionsOf[kind] ?? [];
  for (const [name, value] of Object.entries({ ...options, mode: undefined })) {
    if (value == null || own.includes(name)) continue;
    const having = modes.filter((m) => optionsOf[m]?.includes(name)).map((m) => `"${m}"`);
    throw new TypeError(
      `pad: the mode "${kind}" has no option ${name}, which is of ${having.join(", ")}`,
    );
  }
  const pairs = countsOf("widths", widths, a.ndim, 0);
  expectRoom("pad", a.shape.map((n, k) => n + pairs[k]![0] + pairs[k]![1]), a.dtype);
  if (kind === "constant" || kind === "empty") {
    return withConstants(a, pairs, kind === "empty" ? {} : options);
  }
  const repeats = kind === "edge" || kind === "wrap" ||
    (reflectType === "even" && (kind === "reflect" || kind === "symmetric"));
  const filler = repeats ? null : fillerOf(a, kind, options);
  return pairs.reduce((out, borders, k) => {
    const [before, after] = borders;
    const n = a.shape[k]!;
    if (before + after === 0) return out;
    if (n === 0) {
      throw new ShapeError(
        `pad: x has shape ${formatShape(a.shape)} and no element to repeat along axis ${k}`,
      );
    }
    if (filler === null) return takeConstant(out, paddedIndices(n, before, after, kind), k);
    const [first, last] = filler(out, k, borders);
    return concatenate([first, out, last], k);
  }, a);
}

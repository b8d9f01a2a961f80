/**
 * Functions of samples along an axis: differences, derivatives and integrals of sampled functions,
 * interpolation.
 *
 * @module
 */
import type { AxesOr, Named } from "../core/method_options.ts";
import {
  type Axes,
  checkCall,
  expectInteger,
  formatShape,
  NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import {
  add,
  and,
  broadcastTo,
  concatenate,
  convert,
  cumsum as sums,
  div,
  eq,
  ge,
  gt,
  lt,
  moveAxis,
  mul,
  ne,
  reduceSum,
  reshape,
  scalarLike,
  select,
  slice,
  sort,
  sub,
} from "../primitives/mod.ts";
import { abs, maximum, minimum, mod } from "./arithmetic.ts";
import { takeInRange } from "./indices.ts";
import { concatenate as joined } from "./joining.ts";
import {
  asFloat,
  asOperand,
  expectArray,
  expectAxis,
  isNamed,
  promote,
  promoteAll,
} from "./operands.ts";
import { searchsorted } from "./sorting.ts";

// ---------------------------------------------------------------- differences

/** The elements from `start` to `stop` along an axis. */
function part(x: NDArray, axis: number, start: number, stop: number): NDArray {
  return slice(x, x.shape.map((_, i) => i === axis ? start : 0), x.shape.with(axis, stop));
}

/** Options of {@linkcode diff}. */
export interface DiffOptions {
  /** Put in front along the axis first: an array, or a number for one element. */
  readonly prepend?: Operand | null | undefined;
  /** Put behind along the axis first: an array, or a number for one element. */
  readonly append?: Operand | null | undefined;
}

const diffOptions: OptionTable<DiffOptions> = { prepend: "operand", append: "operand" };

/**
 * Differences of neighbours along `axis`, `n` times, as `jax.numpy.diff`; of bools, whether they differ.
 *
 * @throws {AxisError} where the axis is out of range.
 * @throws {RangeError} where `n` is negative.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.diff(np.array([1, 4, 9, 16])).toArray()); // [ 3, 5, 7 ]
 * console.log(np.diff(np.array([1, 4, 9, 16]), 2).toArray()); // [ 2, 2 ]
 * ```
 */
export function diff(
  x: NDArray,
  n: number | Named<DiffOptions, { n: number; axis: number }> = 1,
  axis: number | Named<DiffOptions, { axis: number }> = -1,
  options: DiffOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("diff(x, n, axis, options)", arguments, diffOptions, 1);
  }
  if (isNamed(n)) return diff(x, n.n, n.axis, n);
  if (isNamed(axis)) return diff(x, n, axis.axis, axis);
  const a = expectArray("diff", x);
  expectInteger("diff", n, "n", 0);
  const along = expectAxis("diff", axis, a.ndim);
  if (n === 0) return a;
  const edges = ({ prepend, append }: DiffOptions): Operand[] =>
    [prepend, a, append].filter((y) => y != null);
  const parts = promoteAll("diff", edges(options)).map((b) =>
    b.ndim === 0 ? broadcastTo(b, a.shape.with(along, 1)) : b
  );
  let out = parts.length === 1 ? a : joined(parts, along);
  for (let i = 0; i < n; i++) {
    const length = out.shape[along]!;
    const [low, high] = [
      part(out, along, 0, Math.max(0, length - 1)),
      part(out, along, Math.min(1, length), length),
    ];
    out = out.dtype === "bool" ? ne(high, low) : sub(high, low);
  }
  return out;
}

/** Options of {@linkcode ediff1d}. */
export interface Ediff1dOptions {
  /** Put behind the differences. */
  readonly toEnd?: Operand | null | undefined;
  /** Put in front of the differences. */
  readonly toBegin?: Operand | null | undefined;
}

const ediff1dOptions: OptionTable<Ediff1dOptions> = { toEnd: "operand", toBegin: "operand" };

/**
 * Differences of neighbours of the flat array, as `jax.numpy.ediff1d`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.ediff1d(np.array([1, 4, 9]), { toEnd: 0 }).toArray()); // [ 3, 5, 0 ]
 * ```
 */
export function ediff1d(x: Operand, options: Ediff1dOptions = {}): NDArray {
  if (arguments.length > 1) options = readOptions("ediff1d(x, options)", arguments, ediff1dOptions);
  const a = asOperand("ediff1d", x);
  const out = diff(reshape(a, [a.size]));
  const flat = (y: Operand | null | undefined): NDArray[] => {
    if (y === undefined) return [];
    const b = asOperand("ediff1d", y);
    return [convert(reshape(b, [b.size]), out.dtype)];
  };
  return concatenate([...flat(options.toBegin), out, ...flat(options.toEnd)], 0);
}

/**
 * Derivatives of a sampled function along each axis, as `jax.numpy.gradient`: central differences, one
 * sided ones at both ends. `spacing` is the distance of samples, or for one axis their places [n].
 * A list with an array of the shape of `x` for each axis.
 *
 * @throws {AxisError} where an axis is out of range.
 * @throws {ShapeError} where an axis has fewer than two samples, or places of another number.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [slope] = np.gradient(np.array([1, 2, 4, 8]));
 * console.log(slope!.toArray()); // [ 1, 1.5, 3, 4 ]
 * ```
 */
export function gradient(
  x: NDArray,
  spacing:
    | Operand
    | readonly Operand[]
    | Named<unknown, { spacing: Operand | readonly Operand[]; axis: Axes }> = 1,
  axis: AxesOr<unknown> = null,
): NDArray[] {
  if (arguments.length > 3 || isNamed(spacing) || isNamed(axis)) {
    checkCall("gradient(x, spacing, axis)", arguments, {}, 1);
  }
  if (isNamed(spacing)) return gradient(x, spacing.spacing, spacing.axis);
  if (isNamed(axis)) return gradient(x, spacing, axis.axis);
  if (axis instanceof NDArray) {
    throw new TypeError(
      "gradient: the axis is an array. The spacing of several axes is a list: gradient(x, [dx, dy])",
    );
  }
  const a = asFloat("gradient", expectArray("gradient", x));
  const axes = axis === null
    ? a.shape.map((_, i) => i)
    : (Array.isArray(axis) ? axis : [axis]).map((k) => expectAxis("gradient", k, a.ndim));
  const steps = Array.isArray(spacing) ? spacing : axes.map(() => spacing);
  if (steps.length !== axes.length) {
    throw new ShapeError(
      `gradient: there are ${axes.length} axes, but the spacing of ${steps.length}`,
    );
  }
  return axes.map((along, k) => {
    const n = a.shape[along]!;
    if (n < 2) {
      throw new ShapeError(
        `gradient: x has shape ${
          formatShape(a.shape)
        }, but needs two samples or more along axis ${along}`,
      );
    }
    const step = asFloat("gradient", steps[k], "the spacing");
    const rise = (from: number, to: number, length: number): NDArray =>
      sub(part(a, along, to, to + length), part(a, along, from, from + length));
    if (step.ndim === 0) {
      const h = convert(step, a.dtype);
      const twice = mul(h, scalarLike(2, h));
      return concatenate([
        div(rise(0, 1, 1), h),
        div(rise(0, 2, n - 2), twice),
        div(rise(n - 2, n - 1, 1), h),
      ], along);
    }
    if (step.ndim !== 1 || step.size !== n) {
      throw new ShapeError(
        `gradient: the spacing along axis ${along} has shape ${
          formatShape(step.shape)
        }: it is a number, or the places of its ${n} samples`,
      );
    }
    const h = diff(convert(step, a.dtype));
    const lane = (v: NDArray): NDArray =>
      reshape(v, a.shape.map((_, i) => i === along ? v.size : 1));
    const [before, behind] = [lane(part(h, 0, 0, n - 2)), lane(part(h, 0, 1, n - 1))];
    const both = add(before, behind);
    const left = div(rise(0, 1, n - 2), before);
    const right = div(rise(1, 2, n - 2), behind);
    return concatenate([
      div(rise(0, 1, 1), lane(part(h, 0, 0, 1))),
      div(add(mul(left, behind), mul(right, before)), both),
      div(rise(n - 2, n - 1, 1), lane(part(h, 0, n - 2, n - 1))),
    ], along);
  });
}

/** Options of {@linkcode trapezoid}. */
export interface TrapezoidOptions {
  /** Distance of samples where no places are given; 1 where left out. */
  readonly dx?: Operand | undefined;
  /** The axis, the last one where left out. */
  readonly axis?: number | undefined;
  /** Places of the samples, where they do not stand in front of the options. */
  readonly x?: NDArray | null | undefined;
}

const trapezoidOptions: OptionTable<TrapezoidOptions> = {
  dx: "operand",
  axis: "number",
  x: "operand",
};

/**
 * Integral of a sampled function along an axis by the trapezoidal rule, as `jax.numpy.trapezoid`.
 *
 * @param x Places of the samples: [n], or of the shape of `y`. A number is the axis.
 * @throws {AxisError} where the axis is out of range.
 * @throws {ShapeError} where there are not as many places as samples.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.trapezoid(np.array([1, 2, 3]), { dx: 2 }).item()); // 8
 * console.log(np.trapezoid(np.array([1, 2, 3]), np.array([0, 1, 4])).item()); // 9
 * ```
 */
export function trapezoid(
  y: NDArray,
  x?: NDArray | number | null | TrapezoidOptions,
  options: TrapezoidOptions = {},
): NDArray {
  if (arguments.length > 2 || isNamed(x)) {
    options = readOptions("trapezoid(y, x, options)", arguments, trapezoidOptions, 1);
  }
  if (isNamed(x)) return integral(y, x.x, x);
  return typeof x === "number"
    ? integral(y, options.x, { ...options, axis: x })
    : integral(y, x, options);
}

function integral(
  y: NDArray,
  x: NDArray | null | undefined,
  options: TrapezoidOptions,
): NDArray {
  const given = asFloat("trapezoid", expectArray("trapezoid", y, "y"), "y");
  const along = expectAxis("trapezoid", options.axis ?? -1, given.ndim);
  const last = given.ndim - 1;
  let a = moveAxis(given, along, last);
  const n = a.shape[last]!;
  let width: NDArray;
  if (x === undefined || x === null) {
    const dx = asFloat("trapezoid", options.dx ?? scalarLike(1, a), "dx");
    const full = [...new Array<number>(Math.max(0, given.ndim - dx.ndim)).fill(1), ...dx.shape];
    width = dx.ndim === 0 || dx.ndim > given.ndim ? dx : moveAxis(reshape(dx, full), along, last);
  } else {
    const places = asFloat("trapezoid", expectArray("trapezoid", x, "x"), "x");
    const lanes = places.ndim === given.ndim && places.ndim > 1
      ? moveAxis(places, along, last)
      : places;
    if (lanes.ndim === 0 || lanes.shape[lanes.ndim - 1] !== n) {
      throw new ShapeError(
        `trapezoid: y has shape ${formatShape(given.shape)} and so ${n} samples, but x has shape ${
          formatShape(places.shape)
        }`,
      );
    }
    width = diff(lanes);
  }
  [a, width] = promote("trapezoid", a, width);
  const heights = add(part(a, last, Math.min(1, n), n), part(a, last, 0, Math.max(0, n - 1)));
  const areas = mul(heights, width);
  return mul(reduceSum(areas, [areas.ndim - 1]), scalarLike(0.5, areas));
}

// ---------------------------------------------------------------- interpolation

/** Options of {@linkcode interp}. */
export interface InterpOptions {
  /**
   * Value in front of the first place; that of the first sample where left out, or on the line through the
   * first two with `"extrapolate"`.
   */
  readonly left?: Operand | "extrapolate" | undefined;
  /** Value behind the last place, likewise. */
  readonly right?: Operand | "extrapolate" | undefined;
  /** Period of the places, in which case they need no order and there are no ends. */
  readonly period?: number | undefined;
}

const interpOptions: OptionTable<InterpOptions> = {
  left: "operand",
  right: "operand",
  period: "number",
};

/**
 * Values at `x` of the function that is linear between samples `fp` at ascending places `xp`, both [n], as
 * `jax.numpy.interp`.
 *
 * @throws {ShapeError} where `xp` and `fp` are not vectors of one length, or are empty.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.interp(1.5, np.array([1, 2]), np.array([10, 20])).item()); // 15
 * ```
 */
export function interp(x: Operand, xp: NDArray, fp: NDArray, options: InterpOptions = {}): NDArray {
  if (arguments.length > 3) {
    options = readOptions("interp(x, xp, fp, options)", arguments, interpOptions);
  }
  const op = "interp";
  const [px, fx] = promote(op, asFloat(op, xp, "xp"), asFloat(op, fp, "fp"));
  const [a] = promote(op, asFloat(op, x), px);
  let [places, values] = [convert(px, a.dtype), convert(fx, a.dtype)];
  let at = a;
  if (places.ndim !== 1 || values.ndim !== 1 || places.size !== values.size || places.size === 0) {
    throw new ShapeError(
      `${op}: xp and fp must be vectors of one length, not empty, but have shapes ${
        formatShape(places.shape)
      } and ${formatShape(values.shape)}`,
    );
  }
  const { period } = options;
  if (period !== undefined) {
    if (period === 0) throw new RangeError(`${op}: period is 0, but must not be`);
    const length = scalarLike(Math.abs(period), a);
    at = mod(at, length);
    places = mod(places, length);
    const [sorted, order] = sortPair(places, values);
    const n = places.size;
    places = concatenate([
      sub(part(sorted, 0, n - 1, n), length),
      sorted,
      add(part(sorted, 0, 0, 1), length),
    ], 0);
    values = concatenate([part(order, 0, n - 1, n), order, part(order, 0, 0, 1)], 0);
  }
  const n = places.size;
  const first = scalarLike(0, at);
  const end = (v: NDArray, i: number): NDArray => reshape(part(v, 0, i, i + 1), []);
  let out: NDArray;
  if (n === 1) {
    out = broadcastTo(end(values, 0), at.shape);
  } else {
    const index = searchsorted(places, at, { side: "right" });
    const i = minimum(maximum(index, 1), n - 1);
    const lookUp = (v: NDArray, k: NDArray): NDArray => takeInRange(v, k, 0);
    const before = sub(i, scalarLike(1, i));
    const [x0, x1] = [lookUp(places, before), lookUp(places, i)];
    const [f0, f1] = [lookUp(values, before), lookUp(values, i)];
    const width = sub(x1, x0);
    // Where two places are one, there is a step.
    const none = eq(width, first);
    const slope = div(sub(f1, f0), select(none, scalarLike(1, width), width));
    out = select(none, f0, add(f0, mul(sub(at, x0), slope)));
  }
  if (period === undefined) {
    const beyond = (outside: NDArray, v: InterpOptions["left"], i: number): void => {
      if (v === "extrapolate") return;
      const bound = v === undefined ? end(values, i) : asFloat(op, v, "a bound");
      out = select(outside, convert(bound, at.dtype), out);
    };
    beyond(lt(at, end(places, 0)), options.left, 0);
    beyond(gt(at, end(places, n - 1)), options.right, n - 1);
  }
  return out;
}

/** Places in ascending order, and the values that belong to them. */
function sortPair(places: NDArray, values: NDArray): [NDArray, NDArray] {
  const [sorted, order] = sort(places, 0);
  return [sorted, takeInRange(values, order, 0)];
}

/** Options of {@linkcode unwrap}. */
export interface UnwrapOptions {
  /** Smallest jump that is taken for a wrap; half a period where left out. */
  readonly discont?: number | undefined;
  /** Size of the range in which values wrap; 2 pi where left out. */
  readonly period?: number | undefined;
}

const unwrapOptions: OptionTable<UnwrapOptions> = { discont: "number", period: "number" };

/**
 * Values whose jumps along `axis` are taken back by multiples of the period, as `jax.numpy.unwrap`.
 *
 * @throws {AxisError} where the axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.unwrap(np.array([0, 1, 2, -1, 0]), -1, { period: 4 }).toArray()); // [ 0, 1, 2, 3, 4 ]
 * ```
 */
export function unwrap(
  x: NDArray,
  axis: number | Named<UnwrapOptions, { axis: number }> = -1,
  options: UnwrapOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("unwrap(x, axis, options)", arguments, unwrapOptions, 1);
  }
  if (isNamed(axis)) return unwrap(x, axis.axis, axis);
  const a = asFloat("unwrap", expectArray("unwrap", x));
  const along = expectAxis("unwrap", axis, a.ndim);
  const { period = 2 * Math.PI, discont = period / 2 } = options;
  const n = a.shape[along]!;
  if (n === 0) return a;
  const number = (value: number): NDArray => scalarLike(value, a);
  const jump = diff(a, 1, along);
  const half = period / 2;
  let small = sub(mod(add(jump, number(half)), number(period)), number(half));
  // A jump of half a period keeps its direction.
  small = select(
    and(eq(small, number(-half)), gt(jump, number(0))),
    broadcastTo(number(half), small.shape),
    small,
  );
  const fix = select(
    ge(abs(jump), number(discont)),
    sub(small, jump),
    broadcastTo(number(0), jump.shape),
  );
  return concatenate([
    part(a, along, 0, 1),
    add(part(a, along, 1, n), sums(fix, along, false)),
  ], along);
}

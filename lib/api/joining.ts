/**
 * Arrays joined, divided, repeated and turned round. They are padded in `padding.ts`.
 *
 * @module
 */
import type { AxesOr, AxisOr, Named } from "../core/method_options.ts";
import {
  checkCall,
  ConcreteArray,
  expectInteger,
  formatShape,
  NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  sameShape,
  ShapeError,
} from "../core/mod.ts";
import {
  add,
  broadcastTo,
  concatenate as joined,
  convert,
  cumsum,
  expandDims,
  int32Constant,
  iota,
  le,
  lt,
  minimum,
  reduceSum,
  rem,
  reshape,
  rev,
  scalarLike,
  select,
  sub,
} from "../primitives/mod.ts";
import * as s from "../primitives/slicing/slice.ts";
import type { DTypeOptions } from "./arguments.ts";
import { repeated, splitAlong, takeInRange, unknownLength } from "./indices.ts";
import {
  asIndex,
  asOperand,
  expectArray,
  expectAxes,
  expectAxis,
  expectRoom,
  isNamed,
  promoteAll,
} from "./operands.ts";
import { dtypeOptions } from "./options.ts";

// ---------------------------------------------------------------- joining

/**
 * Arrays one behind the other along `axis`, as `jax.numpy.concatenate`; with `axis` null, flat. They are
 * brought to a common dtype, or to that of the options. An array stands for the list of its rows.
 *
 * @throws {ShapeError} where the list is empty, or the arrays differ on another axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.concatenate([np.zeros([2]), np.ones([1])]).toArray()); // [ 0, 0, 1 ]
 * ```
 */
export function concatenate(
  arrays: readonly Operand[] | NDArray,
  axis: AxisOr<DTypeOptions> = 0,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("concatenate(arrays, axis, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(axis)) return concatenate(arrays, axis.axis, axis);
  const list = promoteAll("concatenate", arrays, options);
  if (axis === null) return joined(list.map((x) => reshape(x, [x.size])), 0);
  list.forEach((x, i) => {
    if (x.ndim === 0) {
      throw new ShapeError(
        `concatenate: array ${i} is a scalar and has no axis. Use np.stack for scalars`,
      );
    }
  });
  return joined(list, expectAxis("concatenate", axis, list[0]!.ndim));
}

/**
 * Arrays of one shape side by side along a new axis, as `jax.numpy.stack`. They are brought to a common
 * dtype, or to that of the options.
 *
 * @throws {ShapeError} where the list is empty or the shapes differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.stack([np.array([1, 2]), np.array([3, 4])]).toArray()); // [ [ 1, 2 ], [ 3, 4 ] ]
 * ```
 */
export function stack(
  arrays: readonly Operand[] | NDArray,
  axis: number | Named<DTypeOptions, { axis: number }> = 0,
  options: DTypeOptions = {},
): NDArray {
  if (arguments.length > 2) {
    options = readOptions("stack(arrays, axis, options)", arguments, dtypeOptions, 1);
  }
  if (isNamed(axis)) return stack(arrays, axis.axis, axis);
  const list = promoteAll("stack", arrays, options);
  const { shape } = list[0]!;
  list.forEach((x, i) => {
    if (!sameShape(x.shape, shape)) {
      throw new ShapeError(
        `stack: all arrays must have one shape, but array 0 has ${
          formatShape(shape)
        } and array ${i} ${formatShape(x.shape)}`,
      );
    }
  });
  const along = expectAxis("stack", axis, shape.length + 1);
  return joined(list.map((x) => expandDims(x, [along])), along);
}

// ---------------------------------------------------------------- dividing

/**
 * The parts of `x` along `axis`, as `jax.numpy.split`: so many of equal length, or those between the
 * positions in a list.
 *
 * @throws {ShapeError} where the axis cannot be divided equally.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const [a, b] = np.split(np.arange(5), [2]);
 * console.log(a!.toArray(), b!.toArray()); // [ 0, 1 ] [ 2, 3, 4 ]
 * ```
 */
export function split(
  x: NDArray,
  sections: number | readonly number[],
  axis: number | Named<unknown, { axis: number }> = 0,
): NDArray[] {
  if (arguments.length > 3 || isNamed(axis)) {
    checkCall("split(x, sections, axis)", arguments, {}, 2);
  }
  if (isNamed(axis)) return split(x, sections, axis.axis);
  const a = expectArray("split", x);
  return splitAlong("split", a, sections, expectAxis("split", axis, a.ndim));
}

// ---------------------------------------------------------------- repeating

/**
 * `x` repeated as a whole, as `jax.numpy.tile`: so often along each of the last axes.
 *
 * @throws {RangeError} where a number is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.tile(np.array([1, 2]), 2).toArray()); // [ 1, 2, 1, 2 ]
 * ```
 */
export function tile(x: Operand, repeats: number | readonly number[]): NDArray {
  if (arguments.length > 2) checkCall("tile(x, repeats)", arguments);
  const a = asOperand("tile", x);
  const given = typeof repeats === "number" ? [repeats] : repeats;
  if (!Array.isArray(given)) expectInteger("tile", given, "the number of repeats", 0);
  given.forEach((r) => expectInteger("tile", r, "the number of repeats", 0));
  const rank = Math.max(a.ndim, given.length);
  const lead = <T>(list: readonly T[], one: T): T[] => [
    ...new Array<T>(rank - list.length).fill(one),
    ...list,
  ];
  const shape = lead(a.shape, 1);
  const times = lead(given, 1);
  expectRoom("tile", shape.map((n, k) => n * times[k]!), a.dtype);
  const apart = reshape(a, shape.flatMap((n) => [1, n]));
  const all = broadcastTo(apart, shape.flatMap((n, k) => [times[k]!, n]));
  return reshape(all, shape.map((n, k) => n * times[k]!));
}

/** Options of {@linkcode repeat}. */
export interface RepeatOptions {
  /** How many elements the result has: needed where `repeats` are computed. The last one fills. */
  readonly totalRepeatLength?: number | undefined;
}

const repeatOptions: OptionTable<RepeatOptions> = { totalRepeatLength: "number" };

/**
 * Each element of `x` along `axis` repeated, as `jax.numpy.repeat`; of the flat array where no axis is
 * given.
 *
 * @param repeats How often: one number, or one for each element, which may be computed.
 * @throws {ShapeError} where a list does not have a number for each element.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.repeat(np.array([1, 2]), 2).toArray()); // [ 1, 1, 2, 2 ]
 * ```
 */
export function repeat(
  x: Operand,
  repeats: number | readonly number[] | NDArray,
  axis?: AxisOr<RepeatOptions>,
  options: RepeatOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("repeat(x, repeats, axis, options)", arguments, repeatOptions, 2);
  }
  if (isNamed(axis)) return repeat(x, repeats, axis.axis, axis);
  const total = options.totalRepeatLength;
  if (total === undefined && !(repeats instanceof NDArray)) return repeated(x, repeats, axis);
  const op = "repeat";
  const given = asOperand(op, x);
  const flat = axis === undefined || axis === null;
  const a = flat ? reshape(given, [given.size]) : given;
  const along = flat ? 0 : expectAxis(op, axis, a.ndim);
  const n = a.shape[along]!;
  const often = asIndex(op, Array.isArray(repeats) ? int32Constant(repeats) : repeats, "repeats");
  if (often.ndim > 1 || (often.ndim === 1 && often.size !== n && often.size !== 1)) {
    throw new ShapeError(
      `repeat: repeats have shape ${
        formatShape(often.shape)
      }, but there must be one number, or one for each of the ${n} elements along axis ${along}`,
    );
  }
  const ends = cumsum(broadcastTo(often, [n]), 0, false);
  const length = total === undefined
    ? n === 0 ? 0 : lengthThere(reshape(s.slice(ends, [n - 1], [n]), []))
    : expectInteger(op, total, "totalRepeatLength", 0);
  expectRoom(op, a.shape.with(along, length), a.dtype);
  if (n === 0 && length > 0) {
    throw new ShapeError(`repeat: there is no element along axis ${along} to repeat`);
  }
  // An element is at a place if so many ends are in front of it; the last one is behind all ends.
  const place = broadcastTo(iota([length, 1], 0, "int32"), [length, n]);
  const behind = reduceSum(convert(le(broadcastTo(ends, [length, n]), place), "int32"), [1]);
  return takeInRange(a, minimum(behind, scalarLike(Math.max(0, n - 1), behind)), along);
}

/** A length that values say. */
function lengthThere(value: NDArray): number {
  if (!(value instanceof ConcreteArray)) throw unknownLength("repeat", "totalRepeatLength");
  return Number(value.item());
}

// ---------------------------------------------------------------- turning round

/**
 * `x` with the order along `axis` reversed, along all axes where it is left out, as `jax.numpy.flip`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.flip(np.array([1, 2, 3])).toArray()); // [ 3, 2, 1 ]
 * ```
 */
export function flip(x: NDArray, axis?: AxesOr<unknown>): NDArray {
  if (arguments.length > 2 || isNamed(axis)) checkCall("flip(x, axis)", arguments, {}, 1);
  if (isNamed(axis)) return flip(x, axis.axis);
  const a = expectArray("flip", x);
  return rev(a, expectAxes("flip", axis, a.ndim));
}

/**
 * `x` with elements moved `shift` places along `axis`; what leaves at the end comes in at the start, as
 * `jax.numpy.roll`. Where no axis is given, the flat array is rolled.
 *
 * @param shift A number, which may be computed, or a list with one for each axis.
 * @throws {AxisError} where an axis is out of range.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.roll(np.array([1, 2, 3]), 1).toArray()); // [ 3, 1, 2 ]
 * ```
 */
export function roll(
  x: NDArray,
  shift: Operand | readonly Operand[],
  axis?: AxesOr<unknown>,
): NDArray {
  if (arguments.length > 3 || isNamed(axis)) checkCall("roll(x, shift, axis)", arguments, {}, 2);
  if (isNamed(axis)) return roll(x, shift, axis.axis);
  const a = expectArray("roll", x);
  if (axis === undefined || axis === null) {
    if (Array.isArray(shift)) {
      throw new TypeError("roll: several shifts need as many axes: np.roll(x, [1, 2], [0, 1])");
    }
    return reshape(rolled(reshape(a, [a.size]), shift as Operand, 0), a.shape);
  }
  const axes: readonly number[] = Array.isArray(axis) ? axis : [axis];
  // An array of shifts is one for each axis.
  const apart = shift instanceof NDArray && shift.ndim === 1;
  const shifts = apart
    ? promoteAll("roll", shift)
    : Array.isArray(shift)
    ? shift
    : axes.map(() => shift);
  if (shifts.length !== axes.length) {
    throw new ShapeError(`roll: there are ${shifts.length} shifts for ${axes.length} axes`);
  }
  let out = a;
  axes.forEach((k, i) => {
    out = rolled(out, shifts[i] as Operand, expectAxis("roll", k, a.ndim));
  });
  return out;
}

function rolled(x: NDArray, shift: Operand, axis: number): NDArray {
  const n = x.shape[axis]!;
  if (n === 0) return x;
  if (typeof shift === "number") {
    expectInteger("roll", shift, "the shift");
    const by = ((shift % n) + n) % n;
    if (by === 0) return x;
    const from = (k: number): number[] => x.shape.map((_, i) => i === axis ? k : 0);
    const head = s.slice(x, from(0), x.shape.with(axis, n - by));
    return joined([s.slice(x, from(n - by), x.shape), head], axis);
  }
  const by = asIndex("roll", shift, "the shift");
  if (by.ndim !== 0) {
    throw new ShapeError(
      `roll: the shift must be a scalar, but has shape ${formatShape(by.shape)}`,
    );
  }
  const length = scalarLike(n, by);
  const at = rem(sub(iota([n], 0, "int32"), rem(by, length)), length);
  return takeInRange(x, select(lt(at, scalarLike(0, at)), add(at, length), at), axis);
}

// ---------------------------------------------------------------- NumPy's other names

/** {@linkcode concatenate} under another name of NumPy's. */
export const concat: typeof concatenate = concatenate;

/**
 * Numbers at equal distances or ratios, and grids of them.
 *
 * @module
 */
import type { Named } from "../core/method_options.ts";
import {
  broadcastShapes,
  checkCall,
  defaultFloat,
  describeValue,
  type DType,
  expectInteger,
  formatShape,
  isInteger,
  NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  scalarArray,
  ShapeError,
  tableOf,
} from "../core/mod.ts";
import {
  add,
  broadcastTo,
  concatenate,
  convert,
  div,
  expandDims,
  floor,
  iota,
  moveAxis,
  mul,
  reshape,
  slice,
  sub,
} from "../primitives/mod.ts";
import type { DTypeOptions } from "./arguments.ts";
import { abs, neg, pow } from "./arithmetic.ts";
import { zeros } from "./creation.ts";
import { exp, log } from "./elementary.ts";
import { where } from "./logic.ts";
import {
  asFloat,
  dtypeOption,
  expectArray,
  expectAxis,
  expectRoom,
  isNamed,
  promote,
} from "./operands.ts";
import { dtypeOptions } from "./options.ts";

/** Options of {@linkcode geomspace}. */
export interface SpacedOptions extends DTypeOptions {
  /** Whether the last element is `stop`, which is the default. */
  readonly endpoint?: boolean | undefined;
  /** The new axis of the result of arrays, the first one where left out. */
  readonly axis?: number | undefined;
}

/** Options of {@linkcode linspace}. */
export interface LinspaceOptions extends SpacedOptions {
  /** Whether to give the distance too. */
  readonly retstep?: boolean | undefined;
}

const spacedOptions: OptionTable<SpacedOptions> = /* @__PURE__ */ tableOf(dtypeOptions, {
  endpoint: "boolean",
  axis: "number",
});

const linspaceOptions: OptionTable<LinspaceOptions> = /* @__PURE__ */ tableOf(spacedOptions, {
  retstep: "boolean",
});

/**
 * `num` numbers at equal distances from `start` to `stop`, as `jax.numpy.linspace`; with arrays, along a
 * new axis. float32 where neither an operand nor the options say otherwise.
 *
 * @param num How many, at least 0; default 50.
 * @throws {RangeError} where `num` is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.linspace(0, 1, 5).toArray()); // [ 0, 0.25, 0.5, 0.75, 1 ]
 * ```
 */
export function linspace(
  start: Operand,
  stop: Operand,
  num?:
    | number
    | Named<LinspaceOptions & { readonly retstep?: false | undefined }, { num: number }>,
  options?: LinspaceOptions & { readonly retstep?: false | undefined },
): NDArray;
/** The numbers and their distance, which is NaN where there is none. */
export function linspace(
  start: Operand,
  stop: Operand,
  num: number | Named<LinspaceOptions, { num: number }> | undefined,
  options?: LinspaceOptions,
): [samples: NDArray, step: NDArray];
export function linspace(
  start: Operand,
  stop: Operand,
  num: number | Named<LinspaceOptions, { num: number }> = 50,
  options: LinspaceOptions = {},
): NDArray | NDArray[] {
  if (arguments.length > 3) {
    options = readOptions("linspace(start, stop, num, options)", arguments, linspaceOptions, 2);
  }
  if (isNamed(num)) return linspace(start, stop, num.num, num);
  return spaced("linspace", start, stop, num, options);
}

function spaced(
  op: string,
  start: Operand,
  stop: Operand,
  num: number,
  options: LinspaceOptions & { readonly retstep?: false | undefined },
): NDArray;
function spaced(
  op: string,
  start: Operand,
  stop: Operand,
  num: number,
  options: LinspaceOptions,
): NDArray | NDArray[];
function spaced(
  op: string,
  start: Operand,
  stop: Operand,
  num: number,
  options: LinspaceOptions,
): NDArray | NDArray[] {
  expectInteger(op, num, "num", 0);
  const { endpoint = true, axis = 0, retstep = false } = options;
  let first = asFloat(op, start, "start");
  let last = asFloat(op, stop, "stop");
  const wanted = dtypeOption(op, options, defaultFloat);
  const anyArray = start instanceof NDArray || stop instanceof NDArray;
  const wide = first.dtype === "float64" || last.dtype === "float64" ||
    (wanted === "float64" && !anyArray);
  const dtype: DType = wide ? "float64" : "float32";
  // Numbers are rounded once, to the dtype of the calculation.
  first = typeof start === "number" ? scalarArray(start, dtype) : convert(first, dtype);
  last = typeof stop === "number" ? scalarArray(stop, dtype) : convert(last, dtype);
  const to = options.dtype === undefined ? dtype : wanted;
  const shape = broadcastShapes(op, first.shape, last.shape);
  expectRoom(op, [num, ...shape], dtype);
  const along = expectAxis(op, axis, shape.length + 1);
  const steps = endpoint ? num - 1 : num;
  const whole = (samples: NDArray): NDArray | NDArray[] =>
    retstep
      ? [
        samples,
        steps > 0 ? div(sub(last, first), scalarArray(steps, dtype)) : scalarArray(NaN, dtype),
      ]
      : samples;
  if (num === 0) return whole(zeros(shape.toSpliced(along, 0, 0), { dtype: to }));
  const from = expandDims(broadcastTo(first, shape), [0]);
  const until = expandDims(broadcastTo(last, shape), [0]);
  const rounded = (x: NDArray): NDArray =>
    moveAxis(convert(isInteger(to) ? floor(x) : x, to), 0, along);
  if (steps === 0) return whole(rounded(from));
  // As JAX does it: exact at both ends.
  const column = [steps, ...shape.map(() => 1)];
  const part = div(iota(column, 0, dtype), scalarArray(steps, dtype));
  const lower = mul(from, sub(scalarArray(1, dtype), part));
  const inner = add(lower, mul(until, part));
  return whole(rounded(endpoint ? concatenate([inner, until], 0) : inner));
}

/** Options of {@linkcode logspace}. */
export interface LogspaceOptions extends SpacedOptions {
  /** What is raised to the powers; 10 where left out. */
  readonly base?: Operand | undefined;
}

const logspaceOptions: OptionTable<LogspaceOptions> = /* @__PURE__ */ tableOf(spacedOptions, {
  base: "operand",
});

/**
 * `num` numbers from `base^start` to `base^stop` at equal ratios, as `jax.numpy.logspace`; with arrays, along
 * a new axis.
 *
 * @param num How many, at least 0; default 50.
 * @throws {RangeError} where `num` is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.logspace(0, 2, 3).toArray()); // [ 1, 10, 100 ]
 * ```
 */
export function logspace(
  start: Operand,
  stop: Operand,
  num: number | Named<LogspaceOptions, { num: number }> = 50,
  options: LogspaceOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("logspace(start, stop, num, options)", arguments, logspaceOptions, 2);
  }
  if (isNamed(num)) return logspace(start, stop, num.num, num);
  const { base = 10, endpoint } = options;
  const powers = spaced("logspace", start, stop, num, {
    endpoint,
    axis: options.axis,
    dtype: options.dtype === "float64" ? "float64" : undefined,
  });
  const out = pow(base, powers);
  return convert(out, dtypeOption("logspace", options, out.dtype));
}

/**
 * `num` numbers from `start` to `stop` at equal ratios, as `jax.numpy.geomspace`: both negative, or both
 * positive; with arrays, along a new first axis.
 *
 * @param num How many, at least 0; default 50.
 * @throws {RangeError} where `num` is not a non-negative integer.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.round(np.geomspace(1, 8, 4), 3).toArray()); // [ 1, 2, 4, 8 ]
 * ```
 */
export function geomspace(
  start: Operand,
  stop: Operand,
  num: number | Named<SpacedOptions, { num: number }> = 50,
  options: SpacedOptions = {},
): NDArray {
  if (arguments.length > 3) {
    options = readOptions("geomspace(start, stop, num, options)", arguments, spacedOptions, 2);
  }
  if (isNamed(num)) return geomspace(start, stop, num.num, num);
  const op = "geomspace";
  const wide = options.dtype === "float64" ? "float64" : defaultFloat;
  // Numbers are rounded once, to the dtype of the calculation.
  const end = (x: Operand, what: string): NDArray =>
    typeof x === "number" ? scalarArray(x, wide) : asFloat(op, x, what);
  const [a, b] = promote(op, end(start, "start"), end(stop, "stop"));
  const { endpoint = true } = options;
  const sizes = exp(spaced(op, log(abs(a)), log(abs(b)), num, { endpoint }));
  const signed = where(a.less(0), neg(sizes), sizes);
  const to = dtypeOption(op, options, signed.dtype);
  const along = expectAxis(op, options.axis ?? 0, signed.ndim);
  const moved = (x: NDArray): NDArray => moveAxis(convert(x, to), 0, along);
  if (num === 0) return moved(signed);
  // Exact at the ends, which rounding of the logarithm would move.
  const rest = signed.shape.slice(1);
  const edge = (x: NDArray): NDArray => expandDims(broadcastTo(x, rest), [0]);
  const inner = (from: number, until: number): NDArray =>
    slice(signed, [from, ...rest.map(() => 0)], [until, ...rest]);
  const parts = num === 1
    ? [edge(a)]
    : endpoint
    ? [edge(a), inner(1, num - 1), edge(b)]
    : [edge(a), inner(1, num)];
  return moved(concatenate(parts, 0));
}

// ---------------------------------------------------------------- grids

/** Options of {@linkcode meshgrid}. */
export interface MeshgridOptions {
  /** Whether the first two axes change places, `"xy"`, which is the default, or not, `"ij"`. */
  readonly indexing?: "xy" | "ij" | undefined;
  /** Whether arrays have length 1 on the axes of the others, to broadcast with them. */
  readonly sparse?: boolean | undefined;
}

const meshgridOptions: OptionTable<MeshgridOptions> = { indexing: "string", sparse: "boolean" };

/**
 * Grids of coordinates from vectors, as `jax.numpy.meshgrid`: one array for each vector, all of one
 * shape. With `indexing: "xy"` (the default, as in NumPy) the first two axes change places.
 *
 * @throws {ShapeError} where an argument has more than one axis.
 */
export function meshgrid(
  vectors: readonly NDArray[],
  options?: MeshgridOptions,
): NDArray[];
/** The same, with the vectors one by one. */
export function meshgrid(...vectors: NDArray[]): NDArray[];
/** The same, with options behind them. */
export function meshgrid(
  ...vectorsAndOptions: readonly [...vectors: NDArray[], options: MeshgridOptions]
): NDArray[];
export function meshgrid(...given: readonly unknown[]): NDArray[] {
  const count = given.findIndex((v) => !(v instanceof NDArray));
  if (count !== 0) {
    const vectors = (count < 0 ? given : given.slice(0, count)) as NDArray[];
    const rest = given.slice(vectors.length) as [MeshgridOptions?];
    return meshgrid(vectors, ...rest);
  }
  const [vectors, options = {}] = given as [readonly NDArray[], MeshgridOptions?];
  if (arguments.length > 1) checkCall("meshgrid(vectors, options)", arguments, meshgridOptions);
  if (!Array.isArray(vectors)) {
    throw new TypeError(
      "meshgrid: the vectors are arrays: np.meshgrid(x, y), or np.meshgrid([x, y])",
    );
  }
  const { indexing = "xy", sparse = false } = options;
  if (indexing !== "xy" && indexing !== "ij") {
    throw new TypeError(`meshgrid: indexing must be "xy" or "ij", not ${describeValue(indexing)}`);
  }
  const n = vectors.length;
  const flat = (vectors as readonly NDArray[]).map((v, i) => {
    const x = expectArray("meshgrid", v, `vector ${i}`);
    if (x.ndim > 1) {
      throw new ShapeError(`meshgrid: vector ${i} has shape ${formatShape(x.shape)}, not one axis`);
    }
    return reshape(x, [x.size]);
  });
  const swap = (i: number): number => indexing === "xy" && n > 1 && i < 2 ? 1 - i : i;
  const shape = flat.map((_, i) => flat[swap(i)]!.size);
  return flat.map((x, i) => {
    const own = shape.map((_, k) => k === swap(i) ? x.size : 1);
    return sparse ? reshape(x, own) : broadcastTo(reshape(x, own), shape);
  });
}

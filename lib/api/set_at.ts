/**
 * Arrays with what is at a place replaced, added to or changed in other ways: what `x.at[...].set(v)` and the
 * like are in JAX. How indices are read is in `index_plan.ts`.
 *
 * A number that is out of range is an error; computed positions are dropped there.
 *
 * What is at a place of an array: NumPy's `x[...]` with indices of any kind, as functions. How indices are
 * read is in `index_plan.ts`; looking up along one axis, and blocks of fixed size, are in `indexing.ts`.
 *
 * @module
 */
import {
  broadcastShapes,
  checkCall,
  defaultFloat,
  describeValue,
  DTypeError,
  formatAval,
  formatShape,
  type GetOptions,
  type IndexOptions,
  isFloat,
  isPlain,
  type NDArray,
  type Operand,
  type PlaceOf,
  readOptions,
  sameShape,
  scalarArray,
  ShapeError,
} from "../core/mod.ts";
import {
  broadcastTo,
  convert,
  full,
  gather,
  inversePermutation,
  onesLike,
  pad,
  reshape,
  rev,
  scalarLike,
  scatterAdd,
  select,
  slice as sliceOf,
  transpose,
} from "../primitives/mod.ts";
import * as a from "../primitives/elementwise/arithmetic.ts";
import * as d from "../primitives/indexing/dynamic_slice.ts";
import * as s from "../primitives/scatter/scatter.ts";
import { div, pow } from "./arithmetic.ts";
import {
  ascending,
  axesOfMasked,
  axesOfResult,
  cutOut,
  frontFirst,
  getFrom,
  getOptions,
  type Index,
  indexOptions,
  type Lookup,
  type Masked,
  modeOf,
  orderOf,
  type Places,
  placesOf,
  type Plan,
  planOf,
  shapeOf,
  withPositions,
} from "./index_plan.ts";
import { staticIndex } from "./indices.ts";
import { asDType, expectArray } from "./operands.ts";

/**
 * What is at some indices, as `x[...]` in NumPy: an integer takes a position of an axis (negative ones count
 * from the end), `np.slice(start, stop, step)` a range, an integer array several positions, a bool array
 * those where it is true, `null` makes a new axis, and `"..."` stands for all axes that the others leave.
 * Arrays broadcast against each other; the axes that they give stand where the arrays are if these are side
 * by side, else first. Computed positions are clamped into range.
 *
 * @throws {AxisError} where a number is out of range.
 * @throws {DTypeError} where positions are not integers.
 * @throws {ShapeError} where there are more indices than axes, arrays do not broadcast, or a mask is not known
 * while a function is traced.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[1, 2, 3], [4, 5, 6]]);
 * console.log(np.at(x, -1).toArray()); // [ 4, 5, 6 ]
 * console.log(np.at(x, 0, np.slice(null, null, -1)).toArray()); // [ 3, 2, 1 ]
 * console.log(np.at(x, "...", np.array([0, 2], { dtype: "int32" })).toArray()); // [ [ 1, 3 ], [ 4, 6 ] ]
 * console.log(np.at(x, x.greater(4)).toArray()); // [ 5, 6 ]
 * ```
 */
export function at(x: NDArray, ...indices: readonly Index[]): NDArray {
  const a = expectArray("at", x);
  if (indices.length === 1 && typeof indices[0] === "number" && a.ndim > 0) {
    const i = staticIndex("at", indices[0], a.shape[0]!, 0, a);
    const row = sliceOf(a, a.shape.map((_, k) => k === 0 ? i : 0), a.shape.with(0, i + 1));
    return reshape(row, a.shape.slice(1));
  }
  return getFrom("at", a, indices, {});
}

/**
 * As {@linkcode at}, and as `x.at[...].get(...)` in JAX: the options, which come last, say what is read where
 * computed positions are out of range. With a mode, numbers may be out of range too.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([1, 2, 3]);
 * const places = np.array([2, 3], { dtype: "int32" });
 * console.log(np.get(x, places, { mode: "fill", fillValue: 0 }).toArray()); // [ 3, 0 ]
 * ```
 */
export function get(x: NDArray, ...indices: readonly (Index | GetOptions)[]): NDArray {
  const a = expectArray("get", x);
  const last = indices.at(-1);
  if (!isPlain(last)) return getFrom("get", a, indices, {});
  const options = readOptions<GetOptions>("get(index, options)", [0, last], getOptions);
  return getFrom("get", a, indices.slice(0, -1), options);
}

/** A place in an array, by {@linkcode updateAt}: what it is changed to gives a new array. */
export type Place = PlaceOf<NDArray, Operand>;

/** What an update does with what is there. */
type How = "set" | "add" | "sub" | "mul" | "div" | "min" | "max" | "power";

const done: Readonly<Record<How, string>> = {
  set: "replaced",
  add: "added up",
  sub: "subtracted",
  mul: "multiplied",
  div: "divided",
  min: "compared",
  max: "compared",
  power: "raised to powers",
};

/**
 * `x` with `value` at `index`, as `x.at[index].set(value)` in JAX: one index as of {@linkcode at}, or a list of
 * them, one for each axis. Of equal positions the last one counts. Computed positions that are out of
 * range are dropped.
 *
 * @throws {AxisError} where a number is out of range.
 * @throws {DTypeError} where the value's dtype does not fit that of `x`.
 * @throws {ShapeError} where the value does not broadcast to what the indices pick.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.setAt(np.zeros([3]), -1, 5).toArray()); // [ 0, 0, 5 ]
 * console.log(np.setAt(np.zeros([2, 2]), ["...", 0], 1).toArray()); // [ [ 1, 0 ], [ 1, 0 ] ]
 * ```
 */
export function setAt(x: NDArray, index: Index | readonly Index[], value: Operand): NDArray {
  if (arguments.length > 3) checkCall("setAt(x, index, value)", arguments);
  return updated("setAt", expectArray("setAt", x), listOf(index), "set", value, {});
}

/**
 * `x` with `updates` added at `index`, as `x.at[index].add(updates)` in JAX: what falls on the same place
 * adds up. Computed positions that are out of range are dropped.
 *
 * @throws {AxisError} where a number is out of range.
 * @throws {DTypeError} where the updates' dtype does not fit that of `x`, or `x` is bool.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const rows = np.array([1, 1, 0], { dtype: "int32" });
 * console.log(np.addAt(np.zeros([3]), rows, np.array([1, 2, 4])).toArray()); // [ 4, 3, 0 ]
 * ```
 */
export function addAt(x: NDArray, index: Index | readonly Index[], updates: Operand): NDArray {
  if (arguments.length > 3) checkCall("addAt(x, index, updates)", arguments);
  return updated("addAt", expectArray("addAt", x), listOf(index), "add", updates, {});
}

function listOf(index: unknown): readonly unknown[] {
  return Array.isArray(index) ? index : [index];
}

/**
 * A place in `x` that is going to be changed, with indices as of {@linkcode at}: JAX's `x.at[...]`. It has
 * `set`, `add`, `sub`, `mul`, `div`, `min`, `max`, `power`, which take a value and options, `apply`, which takes
 * a function, and `get`. Each gives a new array.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * const x = np.array([[1, 2, 3], [4, 5, 6]]);
 * console.log(np.updateAt(x, 0, np.slice(1, 3)).mul(10).toArray()); // [ [ 1, 20, 30 ], [ 4, 5, 6 ] ]
 * console.log(np.updateAt(x, x.greater(4)).set(0).toArray()); // [ [ 1, 2, 3 ], [ 4, 0, 0 ] ]
 * ```
 */
export function updateAt(x: NDArray, ...indices: readonly Index[]): Place {
  return new PlaceIn(expectArray("updateAt", x), indices);
}

class PlaceIn implements Place {
  readonly #x: NDArray;
  readonly #indices: readonly Index[];

  constructor(x: NDArray, indices: readonly Index[]) {
    this.#x = x;
    this.#indices = indices;
  }

  #update(how: How, value: Operand, options: IndexOptions | undefined): NDArray {
    return updated(how, this.#x, this.#indices, how, value, options ?? {});
  }

  set(value: Operand, options?: IndexOptions): NDArray {
    if (arguments.length > 1) options = readOptions("set(value, options)", arguments, indexOptions);
    return this.#update("set", value, options);
  }
  add(value: Operand, options?: IndexOptions): NDArray {
    if (arguments.length > 1) options = readOptions("add(value, options)", arguments, indexOptions);
    return this.#update("add", value, options);
  }
  sub(value: Operand, options?: IndexOptions): NDArray {
    if (arguments.length > 1) options = readOptions("sub(value, options)", arguments, indexOptions);
    return this.#update("sub", value, options);
  }
  mul(value: Operand, options?: IndexOptions): NDArray {
    if (arguments.length > 1) options = readOptions("mul(value, options)", arguments, indexOptions);
    return this.#update("mul", value, options);
  }
  div(value: Operand, options?: IndexOptions): NDArray {
    if (arguments.length > 1) options = readOptions("div(value, options)", arguments, indexOptions);
    return this.#update("div", value, options);
  }
  min(value: Operand, options?: IndexOptions): NDArray {
    if (arguments.length > 1) options = readOptions("min(value, options)", arguments, indexOptions);
    return this.#update("min", value, options);
  }
  max(value: Operand, options?: IndexOptions): NDArray {
    if (arguments.length > 1) options = readOptions("max(value, options)", arguments, indexOptions);
    return this.#update("max", value, options);
  }
  power(value: Operand, options?: IndexOptions): NDArray {
    if (arguments.length > 1) {
      options = readOptions("power(value, options)", arguments, indexOptions);
    }
    return this.#update("power", value, options);
  }
  apply(f: (x: NDArray) => NDArray, options?: IndexOptions): NDArray {
    if (arguments.length > 1) options = readOptions("apply(f, options)", arguments, indexOptions);
    return applied(this.#x, this.#indices, f, options ?? {});
  }
  get(options?: GetOptions): NDArray {
    if (arguments.length > 0) options = readOptions("get(options)", arguments, getOptions);
    return getFrom("get", this.#x, this.#indices, options ?? {});
  }
}

// ---------------------------------------------------------------- what is there, changed

function updated(
  op: string,
  x: NDArray,
  indices: readonly unknown[],
  how: How,
  value: Operand,
  options: IndexOptions,
): NDArray {
  if (x.dtype === "bool" && how !== "set") {
    throw new DTypeError(
      `${op}: bools cannot be ${done[how]}. Convert x with astype("int32") first`,
    );
  }
  if (how === "div" && !isFloat(x.dtype)) {
    return updated(op, convert(x, defaultFloat), indices, how, value, options);
  }
  const mode = modeOf(op, options);
  const given = planOf(op, x, indices, mode !== undefined, true);
  const v = asDType(op, value, x.dtype, "the update");
  if (given.masked !== null) {
    const wide = forMask(given, given.masked, v);
    if (wide !== null) return whereMasked(x, given, given.masked, how, wide);
  }
  const plan = withPositions(given);
  const shape = shapeOf(plan);
  if (v.ndim > shape.length) {
    throw new ShapeError(
      `${op}: the update has shape ${
        formatShape(v.shape)
      }, but the indices (${plan.text}) into x, which is ${formatAval(x.aval)}, take ${
        formatShape(shape)
      }`,
    );
  }
  broadcastShapes(op, v.shape, shape);
  const region = cutOut(x, plan);
  const { lookup } = plan;
  const blocks = lanesFirst(broadcastTo(v, shape), plan);
  if (lookup === null) return putBack(x, plan, combined(how, region, blocks));
  // Of no elements, all places are out of range.
  if (blocks.size === 0 || x.size === 0) return x;
  const places = placesOf(lookup, region.shape, options);
  if (how === "set" && lookup.shape.length === 0) {
    const clips = mode === "clip" || mode === "promise";
    return putBack(x, plan, setOne(region, lookup, places, blocks, clips));
  }
  const at = mode === "clip" ? places.clamped() : places.indices;
  const order = orderOf(lookup.axes, region.ndim);
  const changed = scattered(how, transpose(region, order), at, blocks);
  return putBack(x, plan, transpose(changed, inversePermutation(order)));
}

/** What is there, combined with a value for each element. */
function combined(how: How, x: NDArray, v: NDArray): NDArray {
  switch (how) {
    case "set":
      return v;
    case "add":
      return a.add(x, v);
    case "sub":
      return a.sub(x, v);
    case "mul":
      return a.mul(x, v);
    case "div":
      return div(x, v);
    case "min":
      return a.minimum(x, v);
    case "max":
      return a.maximum(x, v);
    case "power":
      return pow(x, v);
  }
}

/** What is there, combined with blocks at computed positions of the first axes. */
function scattered(how: How, x: NDArray, at: NDArray, blocks: NDArray): NDArray {
  switch (how) {
    case "set":
      return s.scatter(x, at, blocks);
    case "add":
      return scatterAdd(x, at, blocks);
    case "sub":
      return scatterAdd(x, at, a.neg(blocks));
    case "mul":
      return s.scatterMul(x, at, blocks);
    case "min":
      return s.scatterMin(x, at, blocks);
    case "max":
      return s.scatterMax(x, at, blocks);
    case "div":
    case "power":
      return combined(how, x, s.scatterMul(onesLike(x), at, blocks));
  }
}

/** A block at one computed position, in place where that is possible. */
function setOne(
  x: NDArray,
  { axes }: Lookup,
  places: Places,
  block: NDArray,
  clips: boolean,
): NDArray {
  const sizes = x.shape.map((n, k) => axes.includes(k) ? 1 : n);
  const column = (k: number): NDArray =>
    reshape(
      axes.length === 1 ? places.indices : d.dynamicSlice(places.indices, [
        scalarArray(k, "int32"),
      ], [1]),
      [],
    );
  const starts = sizes.map((_, axis) =>
    axes.includes(axis) ? column(axes.indexOf(axis)) : scalarArray(0, "int32")
  );
  let update = reshape(block, sizes);
  // The block is clamped into range: out of range, it replaces what is there by itself.
  if (!clips) update = select(places.inside(), update, d.dynamicSlice(x, starts, sizes));
  return d.dynamicUpdateSlice(x, update, starts);
}

function applied(
  x: NDArray,
  indices: readonly unknown[],
  f: (x: NDArray) => NDArray,
  options: IndexOptions,
): NDArray {
  const op = "apply";
  if (typeof f !== "function") {
    throw new TypeError(`${op}: f is ${describeValue(f)}, and must be a function of an array`);
  }
  const mode = modeOf(op, options);
  const plan = withPositions(planOf(op, x, indices, mode !== undefined));
  const of = (part: NDArray): NDArray => {
    const y = expectArray(op, f(part), "what f gives");
    if (y.dtype === x.dtype && sameShape(y.shape, part.shape)) return y;
    throw new ShapeError(
      `${op}: f gave ${formatAval(y.aval)} for ${
        formatAval(part.aval)
      }, and must give the same type`,
    );
  };
  const region = cutOut(x, plan);
  const { lookup } = plan;
  if (lookup === null) return putBack(x, plan, of(region));
  const places = placesOf(lookup, region.shape, options);
  const at = mode === "clip" ? places.clamped() : places.indices;
  const front = frontFirst(region, lookup.axes);
  const changed = s.scatter(front, at, of(gather(front, at)));
  const order = orderOf(lookup.axes, region.ndim);
  return putBack(x, plan, transpose(changed, inversePermutation(order)));
}

// ---------------------------------------------------------------- masks

/**
 * A value as it meets the axes that are kept, where it is the same for all elements that a mask picks; else
 * `null`.
 */
function forMask(plan: Plan, { axis, mask }: Masked, v: NDArray): NDArray | null {
  const { layout } = plan;
  const missing = layout.length - v.ndim;
  const lanes = layout.indexOf("lanes");
  if (missing < 0 || (lanes >= missing && v.shape[lanes - missing] !== 1)) return null;
  const whole = reshape(v, [...new Array<number>(missing).fill(1), ...v.shape]);
  if (layout.some((a, k) => a === "new" && whole.shape[k] !== 1)) return null;
  const turned = lanesFirst(whole, plan, 1);
  const shape = turned.shape.slice(1).toSpliced(axis, 0, ...mask.shape.map(() => 1));
  return reshape(turned, shape);
}

/** Where a mask holds, what is there combined with a value that broadcasts to it. */
function whereMasked(
  x: NDArray,
  plan: Plan,
  { axis, mask }: Masked,
  how: How,
  v: NDArray,
): NDArray {
  const region = cutOut(x, plan);
  broadcastShapes(plan.op, v.shape, region.shape);
  const behind = region.ndim - axis - mask.ndim;
  const held = reshape(mask, [
    ...new Array<number>(axis).fill(1),
    ...mask.shape,
    ...new Array<number>(behind).fill(1),
  ]);
  // Where the mask does not hold, what would be infinite there must not reach derivatives.
  const harmless = how === "mul" || how === "div" || how === "power";
  const one = scalarLike(1, v);
  const value = harmless && isFloat(x.dtype) ? select(held, v, one) : v;
  const changed = combined(how, region, broadcastTo(value, region.shape));
  return putBack(x, plan, select(held, changed, region));
}

// ---------------------------------------------------------------- axes of the result, undone

/** A value for each element of the result, with the axes of positions first and without new ones. */
function lanesFirst(v: NDArray, plan: Plan, lanes = plan.lookup?.shape.length ?? 0): NDArray {
  let axis = 0;
  const shape = plan.layout.flatMap((a) => {
    const n = a === "lanes" ? lanes : 1;
    const lengths = v.shape.slice(axis, axis += n);
    return a === "new" ? [] : lengths;
  });
  const looked = plan.masked === null ? axesOfResult(plan, lanes) : axesOfMasked(plan, lanes);
  return transpose(reshape(v, shape), inversePermutation(looked));
}

/** An array with another part in the place of that which fixed indices take. */
function putBack(x: NDArray, { cuts }: Plan, part: NDArray): NDArray {
  const block = rev(
    reshape(part, cuts.map(({ count }) => count)),
    cuts.flatMap(({ step }, axis) => step < 0 ? [axis] : []),
  );
  if (block.size === 0) return x;
  if (sameShape(block.shape, x.shape)) return block;
  const up = cuts.map(ascending).map((c) => c.count === 1 ? { ...c, step: 1 } : c);
  if (up.every(({ step }) => step === 1)) {
    return d.dynamicUpdateSlice(x, block, up.map(({ start }) => scalarArray(start, "int32")));
  }
  const spread = (y: NDArray, fill: NDArray): NDArray =>
    pad(
      y,
      fill,
      up.map(({ start }) => start),
      up.map(({ start, step, count }, axis) => x.shape[axis]! - 1 - start - step * (count - 1)),
      up.map(({ step }) => step - 1),
    );
  const covered = spread(full(block.shape, 1, "bool"), full([], 0, "bool"));
  return select(covered, spread(block, scalarLike(0, block)), x);
}

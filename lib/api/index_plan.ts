/**
 * Indices as NumPy has them between brackets, read once for everything that takes them: which part of the
 * array they cut out at fixed places, which of its axes are then looked up at computed ones, and how the
 * axes of the result follow each other. Reading and changing are in `set_at.ts`.
 *
 * Parts of arrays as indices that were read name them: cut out at fixed places, looked up at
 * computed ones, and with the axes of the result in their order.
 *
 * @module
 */
import {
  AxisError,
  broadcastShapes,
  ConcreteArray,
  describeValue,
  type DType,
  formatAval,
  formatShape,
  type GetOptions,
  type IndexMode,
  type IndexOf,
  type IndexOptions,
  isFloat,
  NDArray,
  type Operand,
  type OptionTable,
  ShapeError,
  Slice,
  tableOf,
} from "../core/mod.ts";
import {
  and,
  broadcastTo,
  concatenate,
  gather,
  int32Constant,
  maximum,
  minimum,
  reshape,
  rev,
  scalarLike,
  select,
  slice as sliceOf,
  transpose,
} from "../primitives/mod.ts";
import { forBlocks, inside, staticIndex, wrapped } from "./indices.ts";
import { asDType, asIndex } from "./operands.ts";

/** One index of several: see `np.at`. */
export type Index = IndexOf<NDArray>;

/** Positions along an axis: `count` of them from `start` on, `step` apart. */
export interface Cut {
  /** The first one. */
  readonly start: number;
  /** How far one is from the next; negative backwards. */
  readonly step: number;
  /** How many there are. */
  readonly count: number;
}

/** Axes that are looked up at computed positions. */
export interface Lookup {
  /** Which ones, among those that `kept` lists, ascending. */
  readonly axes: readonly number[];
  /** Their positions, which broadcast to `shape`; not yet brought into range. */
  readonly columns: readonly NDArray[];
  /** The shape of the axes that they give. */
  readonly shape: readonly number[];
}

/** A mask in place of positions. */
export interface Masked {
  /** The first of its axes among those that `kept` lists. */
  readonly axis: number;
  /** The mask. */
  readonly mask: NDArray;
}

/** An axis of the result: one of `kept`, a new one, or all those that positions give. */
export type ResultAxis = number | "new" | "lanes";

/** Indices of an array, understood. */
export interface Plan {
  /** The operation, for messages. */
  readonly op: string;
  /** How the indices are written. */
  readonly text: string;
  /** What is taken of each axis of the array at fixed places. */
  readonly cuts: readonly Cut[];
  /** The axes of the array that are left after that: those with a single fixed position are not. */
  readonly kept: readonly number[];
  /** Axes that are then looked up. */
  readonly lookup: Lookup | null;
  /** The only positions, where they are a mask; its elements may be unknown. */
  readonly masked: Masked | null;
  /** The axes of the result. */
  readonly layout: readonly ResultAxis[];
}

/** What the options of updates hold. */
export const indexOptions: OptionTable<IndexOptions> = {
  mode: "string",
  uniqueIndices: "boolean",
  indicesAreSorted: "boolean",
  wrapNegativeIndices: "boolean",
};

/** What the options of reading hold. */
export const getOptions: OptionTable<GetOptions> = /* @__PURE__ */ tableOf(indexOptions, {
  fillValue: "operand",
});

/** The mode that options ask for. */
export function modeOf(op: string, options: IndexOptions): IndexMode | undefined {
  const { mode } = options;
  if (mode === "promise_in_bounds") return "promise";
  if (
    mode === undefined || mode === "fill" || mode === "drop" || mode === "clip" ||
    mode === "promise"
  ) return mode;
  throw new TypeError(
    `${op}: mode must be "fill", "drop", "clip" or "promise", not ${describeValue(mode)}`,
  );
}

/** Whether an index is positions or a mask. */
const isArray = (index: Index): index is NDArray => index instanceof NDArray;

/** How many axes an index takes. */
function axesOf(index: Index): number {
  if (index === null || index === "...") return 0;
  return isArray(index) && index.dtype === "bool" ? index.ndim : 1;
}

/** Indices as one may write them. */
function written(indices: readonly unknown[]): string {
  return indices.map((i) =>
    i instanceof Slice
      ? String(i)
      : i instanceof NDArray
      ? formatAval(i.aval)
      : typeof i === "string"
      ? JSON.stringify(i)
      : String(i)
  ).join(", ");
}

/** Refuses what is no index. */
function checkKinds(op: string, indices: readonly unknown[]): asserts indices is readonly Index[] {
  if (indices.length === 0) {
    throw new TypeError(`${op}: an index is missing, as in x.at(0)`);
  }
  indices.forEach((index, i) => {
    if (
      typeof index === "number" || index === null || index === "..." || index instanceof Slice ||
      index instanceof NDArray
    ) return;
    const fix = Array.isArray(index)
      ? 'For several positions write np.array([...], { dtype: "int32" }), for a range np.slice(start, stop)'
      : index === undefined
      ? "Was an argument left out? A new axis is null"
      : typeof index === "boolean"
      ? "A mask is a bool array"
      : "A range is np.slice(start, stop)";
    throw new TypeError(
      `${op}: ${indices.length === 1 ? "the index" : `index ${i}`} is ${describeValue(index)}, ` +
        `and must be an integer, an integer or bool array, a slice, null or "...". ${fix}`,
    );
  });
}

/** The indices with slices for all axes in the place of `"..."`, or at the end. */
function spelledOut(op: string, x: NDArray, indices: readonly Index[], text: string): Index[] {
  const taken = indices.reduce<number>((n, index) => n + axesOf(index), 0);
  const left = x.ndim - taken;
  if (left < 0) {
    throw new ShapeError(
      x.ndim === 0
        ? `${op}: x is a scalar and has no axis to index`
        : `${op}: the indices (${text}) are of ${taken} axes, but x has shape ${
          formatShape(x.shape)
        }`,
    );
  }
  const first = indices.indexOf("...");
  if (indices.lastIndexOf("...") !== first) {
    throw new TypeError(`${op}: "..." can stand once among the indices, not as in (${text})`);
  }
  const all = new Array<Index>(left).fill(new Slice(null, null, null));
  return first < 0 ? [...indices, ...all] : indices.toSpliced(first, 1, ...all);
}

/** The positions that a range takes of an axis, as in Python. */
export function cutOf({ start, stop, step }: Slice, n: number): Cut {
  const by = step ?? 1;
  const [low, high] = by > 0 ? [0, n] : [-1, n - 1];
  const within = (at: number | null, missing: number): number =>
    at === null ? missing : Math.max(low, Math.min(high, at < 0 ? at + n : at));
  const from = within(start, by > 0 ? low : high);
  const to = within(stop, by > 0 ? high : low);
  const count = Math.max(0, Math.ceil((to - from) / by));
  return count === 0 ? { start: 0, step: 1, count } : { start: from, step: by, count };
}

/** The elements of a mask, for positions; an error where they are not known. */
function positionsOf(op: string, mask: NDArray, text: string): NDArray[] {
  if (!(mask instanceof ConcreteArray)) {
    throw new ShapeError(
      `${op}: the mask among the indices (${text}) is not known while a function is traced, and so neither ` +
        "is the shape of what it picks. Use np.where(mask, x, y), or np.nonzero(mask, { size }) for positions",
    );
  }
  const values = mask.dataSync();
  const flat: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) flat.push(i);
  let stride = mask.size;
  return mask.shape.map((n) => {
    stride = n === 0 ? 1 : stride / n;
    return int32Constant(flat.map((i) => Math.floor(i / stride) % n));
  });
}

function checkMask(op: string, x: NDArray, mask: NDArray, axis: number): void {
  if (mask.ndim === 0) {
    throw new ShapeError(`${op}: a mask must have an axis, but is a scalar. Use np.where`);
  }
  const shape = x.shape.slice(axis, axis + mask.ndim);
  if (mask.shape.every((n, i) => n === shape[i])) return;
  throw new ShapeError(
    `${op}: the mask has shape ${
      formatShape(mask.shape)
    }, but the axes from ${axis} on of x, of shape ${formatShape(x.shape)}, have ${
      formatShape(shape)
    }`,
  );
}

/**
 * Reads the indices of an array.
 *
 * @param lenient Whether numbers out of range are taken for computed positions, since a mode says what
 * becomes of those.
 */
export function planOf(
  op: string,
  x: NDArray,
  given: readonly unknown[],
  lenient = false,
  writes = false,
): Plan {
  const text = written(given);
  checkKinds(op, given);
  const indices = spelledOut(op, x, given, text);
  const arrays = indices.filter(isArray);
  const several = arrays.length > 1;
  const isRow = arrays.some((index) => index.ndim > 0);
  const cuts: Cut[] = [];
  const kept: number[] = [];
  const axes: number[] = [];
  const columns: NDArray[] = [];
  const layout: ResultAxis[] = [];
  let masked: Masked | null = null;
  // Fixed positions count among computed ones in the order of the axes, wherever there are any.
  const places: number[] = [];
  let first: number | null = null;
  const whole = (axis: number): Cut => ({ start: 0, step: 1, count: x.shape[axis]! });
  const lookUp = (column: NDArray): void => {
    axes.push(kept.length);
    columns.push(column);
    kept.push(cuts.length);
    cuts.push(whole(cuts.length));
  };
  indices.forEach((index, i) => {
    const axis = cuts.length;
    if (index === null) layout.push("new");
    else if (index instanceof Slice) {
      layout.push(kept.length);
      kept.push(axis);
      cuts.push(cutOf(index, x.shape[axis]!));
    } else if (typeof index === "number" || isArray(index)) {
      places.push(i);
      first ??= layout.length;
      const n = x.shape[axis]!;
      if (typeof index === "number") {
        const beyond = Number.isInteger(index) && (index < -n || index >= n);
        if (lenient && beyond && n > 0) lookUp(asIndex(op, index));
        else cuts.push({ start: staticIndex(op, index, n, axis, x), step: 1, count: 1 });
      } else if (index.dtype !== "bool") {
        if (n === 0 && index.size > 0 && !(writes && isRow)) {
          throw new AxisError(
            `${op}: x has shape ${
              formatShape(x.shape)
            }, so no index along axis ${axis} is in range`,
          );
        }
        lookUp(asIndex(op, index));
      } else {
        checkMask(op, x, index, axis);
        if (several) positionsOf(op, index, text).forEach(lookUp);
        else {
          masked = { axis: kept.length, mask: index };
          for (const _ of index.shape) {
            kept.push(cuts.length);
            cuts.push(whole(cuts.length));
          }
        }
      }
    }
  });
  const isLookup = columns.length > 0 || masked !== null;
  if (isLookup) {
    // Side by side, what they give takes their place; else it comes first.
    const together = places.at(-1)! - places[0]! === places.length - 1;
    layout.splice(together ? first! : 0, 0, "lanes");
  }
  const lookup = columns.length === 0
    ? null
    : { axes, columns, shape: broadcastShapes(op, ...columns.map((c) => c.shape)) };
  return { op, text, cuts, kept, lookup, masked, layout };
}

/** The same with the positions that a mask holds, which must be known. */
export function withPositions(plan: Plan): Plan {
  const { op, text, masked } = plan;
  if (masked === null) return plan;
  const columns = positionsOf(op, masked.mask, text);
  const axes = columns.map((_, i) => masked.axis + i);
  return { ...plan, masked: null, lookup: { axes, columns, shape: columns[0]!.shape } };
}

/** The shape of what the indices pick. */
export function shapeOf({ layout, kept, cuts, lookup }: Plan): number[] {
  return layout.flatMap((axis) =>
    axis === "new" ? [1] : axis === "lanes" ? lookup!.shape : [cuts[kept[axis]!]!.count]
  );
}

/** What is at some indices, for functions of other names. */
export function getFrom(
  op: string,
  x: NDArray,
  indices: readonly unknown[],
  options: GetOptions,
): NDArray {
  const mode = modeOf(op, options);
  const lenient = mode !== undefined || options.fillValue !== undefined;
  return read(x, planOf(op, x, indices, lenient), options);
}

function read(x: NDArray, given: Plan, options: GetOptions): NDArray {
  const plan = withPositions(given);
  const region = cutOut(x, plan);
  const { lookup } = plan;
  if (lookup === null) return arranged(region, plan, 0);
  const { mode = options.fillValue === undefined ? "clip" : "fill", fillValue } = options;
  const places = placesOf(lookup, region.shape, options);
  const source = frontFirst(region, lookup.axes);
  const found = gather(source, places.indices);
  if (mode !== "fill" && mode !== "drop") return arranged(found, plan, lookup.shape.length);
  const fill = fillValue === undefined
    ? scalarLike(fillOf(found.dtype), found)
    : asDType(plan.op, fillValue as Operand, found.dtype, "fillValue");
  const filled = select(forBlocks(places.inside(), found.ndim), found, fill);
  return arranged(filled, plan, lookup.shape.length);
}

/** What JAX gives for an index out of range. */
export function fillOf(dtype: DType): number {
  if (isFloat(dtype)) return NaN;
  return dtype === "int32" ? -2147483648 : dtype === "uint32" ? 4294967295 : 1;
}

// ---------------------------------------------------------------- fixed places

/** Which positions a cut takes, ascending. */
export function ascending({ start, step, count }: Cut): Cut {
  return step > 0 ? { start, step, count } : {
    start: start + step * (count - 1),
    step: -step,
    count,
  };
}

/** The part of an array that fixed indices take, without the axes of single positions. */
export function cutOut(x: NDArray, { cuts, kept }: Plan): NDArray {
  const up = cuts.map(ascending);
  const part = sliceOf(
    x,
    up.map(({ start }) => start),
    up.map(({ start, step, count }) => count === 0 ? start : start + step * (count - 1) + 1),
    up.map(({ step }) => step),
  );
  const turned = rev(part, cuts.flatMap(({ step }, axis) => step < 0 ? [axis] : []));
  return reshape(turned, kept.map((axis) => turned.shape[axis]!));
}

// ---------------------------------------------------------------- computed places

/** Computed positions as gather and the scatters take them. */
export interface Places {
  /** An int32 array of shape `[..., k]`, negative positions counted from the end. */
  readonly indices: NDArray;
  /** Whether all positions of a place are in range. */
  readonly inside: () => NDArray;
  /** The positions moved into range. */
  readonly clamped: () => NDArray;
}

/** The positions of a lookup in an array with the axes that are kept. */
export function placesOf(
  { axes, columns, shape }: Lookup,
  lengths: readonly number[],
  { wrapNegativeIndices = true }: IndexOptions,
): Places {
  const ends = axes.map((axis) => lengths[axis]!);
  const ofStart = columns.map((c, k) => wrapNegativeIndices ? wrapped(c, ends[k]!) : c);
  const stacked = (list: readonly NDArray[]): NDArray => {
    const each = list.map((c) => reshape(broadcastTo(c, shape), [...shape, 1]));
    return each.length === 1 ? each[0]! : concatenate(each, shape.length);
  };
  return {
    indices: stacked(ofStart),
    inside: () => broadcastTo(ofStart.map((c, k) => inside(c, ends[k]!)).reduce(and), shape),
    clamped: () =>
      stacked(ofStart.map((c, k) => {
        const low = maximum(c, scalarLike(0, c));
        return minimum(low, scalarLike(Math.max(0, ends[k]! - 1), c));
      })),
  };
}

/** An array with some axes in front of the others. */
export function frontFirst(x: NDArray, axes: readonly number[]): NDArray {
  return transpose(x, orderOf(axes, x.ndim));
}

/** Axes, and behind them the others. */
export function orderOf(axes: readonly number[], rank: number): number[] {
  const others = Array.from({ length: rank }, (_, k) => k).filter((k) => !axes.includes(k));
  return [...axes, ...others];
}

/** How the result's axes follow each other, of an array with those of positions first. */
export function axesOfResult({ layout, lookup }: Plan, lanes: number): number[] {
  const looked = lookup?.axes ?? [];
  let rest = lanes;
  return layout.flatMap((axis) => {
    if (axis === "new") return [];
    if (axis === "lanes") return Array.from({ length: lanes }, (_, k) => k);
    return looked.includes(axis) ? [] : [rest++];
  });
}

/** The result, from an array with the axes of positions first. */
function arranged(found: NDArray, plan: Plan, lanes: number): NDArray {
  const order = axesOfResult(plan, lanes);
  const turned = transpose(found, order);
  let axis = 0;
  const shape = plan.layout.flatMap((a) => {
    if (a === "new") return [1];
    const n = a === "lanes" ? lanes : 1;
    return turned.shape.slice(axis, axis += n);
  });
  return reshape(turned, shape);
}

/** As `axesOfResult`, where the positions are those of a mask. */
export function axesOfMasked(plan: Plan, lanes: number): number[] {
  const { axis, mask } = plan.masked!;
  const axes = mask.shape.map((_, k) => axis + k);
  return axesOfResult({ ...plan, lookup: { axes, columns: [], shape: [] } }, lanes);
}

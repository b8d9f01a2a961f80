/**
 * Parts of arrays at computed places: dynamic_slice and dynamic_update_slice, each the other's
 * transpose.
 *
 * Starts are clamped so that the block lies within the array. (That negative starts count from the
 * end, as in `jax.lax`, is the business of `lib/api`.)
 *
 * @module
 */
import {
  allocate,
  AxisError,
  bind1,
  checkSameDType,
  definePrimitive,
  DTypeError,
  formatAval,
  formatShape,
  type HostValue,
  Linear,
  type NDArray,
  ordinary,
  type Primitive,
  type SampleInput,
  shaped,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stridesOf,
} from "../../core/mod.ts";
import { full, instantiate, iota, scalarLike, zeros } from "../constants/constants.ts";
import { add, sub } from "../elementwise/arithmetic.ts";
import { and, ge, lt } from "../elementwise/compare.ts";
import { select } from "../elementwise/select.ts";
import { emptyOutput } from "../graph/nodes.ts";
import { copyStrided, offsetOf } from "../loops/loops.ts";
import { counting } from "../axes.ts";
import { moveAxis, reshape } from "../shape/shape.ts";
import { batchAxisInFront } from "../sum/broadcast.ts";
import { gather } from "./gather.ts";
import {
  axesBack,
  axesFirst,
  insertedIn,
  laneStarts,
  overlaidIn,
  stacked,
  startsIn,
  within,
} from "./places.ts";

function checkStarts(op: string, x: ShapedArray, starts: readonly ShapedArray[]): void {
  if (starts.length !== x.shape.length) {
    throw new ShapeError(
      `${op}: ${starts.length} starts were given for x, which is ${
        formatAval(x)
      }. Give one for each axis`,
    );
  }
  starts.forEach((s, i) => {
    if (s.dtype !== "int32" || s.shape.length !== 0) {
      throw new DTypeError(
        `${op}: start ${i} must be an int32 scalar, but is ${
          formatAval(s)
        }. Convert it with astype("int32")`,
      );
    }
  });
}

/** Where the block begins, brought into the range in which it fits. */
function clampedStarts(
  starts: readonly HostValue[],
  shape: readonly number[],
  sizes: readonly number[],
): number[] {
  return starts.map((s, i) => Math.max(0, Math.min(s.values[0]!, shape[i]! - sizes[i]!)));
}

/** Axes along which a block is smaller than the array. */
function partialAxes(shape: readonly number[], sizes: readonly number[]): number[] {
  return shape.flatMap((n, i) => sizes[i]! < n ? [i] : []);
}

const at = (value: number): SampleInput => ({ shape: [], dtype: "int32", values: [value] });

// ---------------------------------------------------------------- dynamic_slice

/** Blocks up to this long along the one axis that they are part of are read by Gather. */
const GATHER_LIMIT = 64;

/** A block of given size at computed starts. Inputs: the array, then an int32 scalar per axis. */
export const dynamicSliceP: Primitive<{ readonly sizes: readonly number[] }> =
  /* @__PURE__ */ definePrimitive<
    { readonly sizes: readonly number[] }
  >({
    name: "dynamic_slice",
    abstractEval([x, ...starts], { sizes }) {
      checkStarts("dynamic_slice", x!, starts);
      if (
        sizes.length !== x!.shape.length ||
        sizes.some((n, i) => !Number.isInteger(n) || n < 0 || n > x!.shape[i]!)
      ) {
        throw new AxisError(
          `dynamic_slice: sizes ${formatShape(sizes)} do not fit into x, which is ${
            formatAval(x!)
          }. Give a size from 0 to the axis' length for each axis`,
        );
      }
      return [shaped(sizes, x!.dtype)];
    },
    impl([x, ...starts], { sizes }, [out]) {
      const values = allocate(out!.dtype, sizeOf(sizes));
      if (values.length === 0) return [values];
      const from = offsetOf(clampedStarts(starts, x!.shape, sizes), x!.shape);
      copyStrided(x!.values, from, stridesOf(x!.shape), values, 0, stridesOf(sizes), sizes);
      return [values];
    },
    jvp([x, ...starts], [dx], params) {
      return [
        [bind1(dynamicSliceP, [x!, ...starts], params)],
        [bind1(dynamicSliceP, [dx!, ...starts], params)],
      ];
    },
    transpose([ct], [x, ...starts]) {
      const none = starts.map(() => null);
      if (ct === null || ct === undefined || !(x instanceof Linear)) return [null, ...none];
      return [dynamicUpdateSlice(zeros(x.aval), ct, starts as readonly NDArray[]), ...none];
    },
    batch([x, ...starts], [dim, ...startDims], size, { sizes }) {
      const lanes = dim !== null && dim !== undefined;
      if (startDims.every((d) => d === null)) {
        const d = dim!;
        const first = full([], 0, "int32");
        const out = dynamicSlice(x!, starts.toSpliced(d, 0, first), sizes.toSpliced(d, 0, size));
        return [[out], [d]];
      }
      const shape = x!.shape.filter((_, i) => i !== dim);
      const axes = partialAxes(shape, sizes);
      if (axes.length === 0) return [[x!], [dim ?? null]];
      // Other starts in each lane: look up the positions along the axes that are cut.
      const extent = [size, ...axes.map((a) => sizes[a]!)];
      const columns = axes.map((a, i) =>
        add(
          iota(extent, i + 1, "int32"),
          laneStarts(starts[a]!, shape[a]! - sizes[a]!, extent.length),
        )
      );
      if (lanes) columns.unshift(iota(extent, 0, "int32"));
      const source = axesFirst(lanes ? moveAxis(x!, dim, 0) : x!, lanes, axes);
      return [[axesBack(gather(source, stacked(columns)), axes)], [0]];
    },
    passes: ordinary,
    lower(g, [x, ...starts], { sizes }, [aval], [out]) {
      const empty = emptyOutput(g, out!);
      if (empty !== null) return [empty];
      const { shape } = aval!;
      const axes = partialAxes(shape, sizes);
      if (axes.length === 0) return [x!];
      // Gather takes its indices where they are; Slice wants its starts in host memory. So on a GPU
      // it is a Gather for each axis, and elsewhere one for short blocks.
      if (g.lacks("Add", "int64") || (axes.length === 1 && sizes[axes[0]!]! <= GATHER_LIMIT)) {
        const result = axes.reduce((part, axis) => {
          const n = sizes[axis]!;
          const start = within(g, starts[axis]!, shape[axis]! - n);
          const positions = Array.from({ length: n }, (_, i) => i);
          const indices = n === 1
            ? g.reshape(start, [1])
            : g.node("Add", [start, g.constant(positions, [n], "int32")]);
          return g.node("Gather", [part, indices], { axis });
        }, x!);
        return [result];
      }
      const first = startsIn(
        g,
        axes.map((a) => starts[a]!),
        axes.map((a) => shape[a]! - sizes[a]!),
      );
      const end = g.node("Add", [first, g.int64(axes.map((a) => sizes[a]!))]);
      return [g.node("Slice", [x!, first, end, g.int64(axes)])];
    },
    kernel: (b, [x, ...starts], { sizes }) => [b.dynamicSlice(x!, starts, sizes)],
    samples: () => [
      {
        name: "start too large on one axis",
        inputs: [counting([3, 4]), at(1), at(9)],
        params: { sizes: [2, 2] },
      },
      {
        name: "negative start, float64",
        inputs: [{ shape: [3, 4], dtype: "float64" }, at(-5), at(1)],
        params: { sizes: [3, 1] },
      },
      {
        name: "long block",
        inputs: [{ shape: [100, 2], dtype: "float32" }, at(20), at(0)],
        params: { sizes: [70, 2] },
      },
      {
        name: "nothing taken",
        inputs: [counting([3]), at(1)],
        params: { sizes: [0] },
      },
      { name: "scalar", inputs: [{ shape: [], dtype: "float32" }], params: { sizes: [] } },
      {
        name: "bool",
        inputs: [{ shape: [3], dtype: "bool", values: [1, 0, 1] }, at(2)],
        params: { sizes: [2] },
      },
      {
        name: "uint32",
        inputs: [
          { shape: [2, 2, 2], dtype: "uint32", values: [1, 2, 3, 4, 5, 6, 7, 4294967295] },
          at(1),
          at(0),
          at(1),
        ],
        params: { sizes: [1, 2, 1] },
      },
    ],
  });

/**
 * The block of `x` of size `sizes` that begins at `starts` (an int32 scalar for each axis), moved
 * so far that it lies within `x`.
 *
 * @throws {AxisError} where a size exceeds the axis' length.
 */
export function dynamicSlice(
  x: NDArray,
  starts: readonly NDArray[],
  sizes: readonly number[],
): NDArray {
  return bind1(dynamicSliceP, [x, ...starts], { sizes });
}

// ---------------------------------------------------------------- dynamic_update_slice

/** Updates of up to this many separate positions are written by ScatterND. */
const SCATTER_LIMIT = 4096;

/** An array with a block replaced. Inputs: the array, the block, an int32 scalar per axis. */
export const dynamicUpdateSliceP: Primitive<Record<never, never>> = /* @__PURE__ */ definePrimitive<
  Record<never, never>
>({
  name: "dynamic_update_slice",
  abstractEval([x, update, ...starts]) {
    checkStarts("dynamic_update_slice", x!, starts);
    checkSameDType("dynamic_update_slice", x!, update!, "x and update");
    if (
      update!.shape.length !== x!.shape.length || update!.shape.some((n, i) => n > x!.shape[i]!)
    ) {
      throw new ShapeError(
        `dynamic_update_slice: update of shape ${
          formatShape(update!.shape)
        } does not fit into x of shape ${formatShape(x!.shape)}`,
      );
    }
    return [x!];
  },
  impl([x, update, ...starts]) {
    const values = x!.values.slice();
    const { shape } = update!;
    const to = offsetOf(clampedStarts(starts, x!.shape, shape), x!.shape);
    copyStrided(update!.values, 0, stridesOf(shape), values, to, stridesOf(x!.shape), shape);
    return [values];
  },
  jvp([x, update, ...starts], [dx, dupdate]) {
    return [
      [dynamicUpdateSlice(x!, update!, starts)],
      [dynamicUpdateSlice(
        instantiate(dx, x!.aval),
        instantiate(dupdate, update!.aval),
        starts,
      )],
    ];
  },
  transpose([ct], [x, update, ...starts]) {
    const none = starts.map(() => null);
    if (ct === null || ct === undefined) return [null, null, ...none];
    const known = starts as readonly NDArray[];
    const aval = update!.aval;
    return [
      x instanceof Linear ? dynamicUpdateSlice(ct, zeros(aval), known) : null,
      update instanceof Linear ? dynamicSlice(ct, known, aval.shape) : null,
      ...none,
    ];
  },
  batch([x, update, ...starts], [dim, updateDim, ...startDims], size) {
    if (startDims.every((d) => d === null)) {
      const out = dynamicUpdateSlice(
        batchAxisInFront(x!, dim ?? null, size),
        batchAxisInFront(update!, updateDim ?? null, size),
        [full([], 0, "int32"), ...starts],
      );
      return [[out], [0]];
    }
    const lanes = dim !== null && dim !== undefined;
    const updateLanes = updateDim !== null && updateDim !== undefined;
    const shape = x!.shape.filter((_, i) => i !== dim);
    const sizes = update!.shape.filter((_, i) => i !== updateDim);
    const axes = partialAxes(shape, sizes);
    if (axes.length === 0) return [[update!], [updateDim ?? null]];
    if (update!.size === 0) return [[x!], [dim ?? null]];
    // Other starts in each lane: for each position in x, look up the position in update that comes
    // to lie there, if any.
    const extent = [size, ...axes.map((a) => shape[a]!)];
    const rank = extent.length;
    const columns: NDArray[] = [];
    let inside: NDArray | null = null;
    axes.forEach((a, i) => {
      const start = laneStarts(starts[a]!, shape[a]! - sizes[a]!, rank);
      const position = sub(iota(extent, i + 1, "int32"), start);
      const here = and(
        ge(position, scalarLike(0, position)),
        lt(position, scalarLike(sizes[a]!, position)),
      );
      inside = inside === null ? here : and(inside, here);
      columns.push(position);
    });
    if (updateLanes) columns.unshift(iota(extent, 0, "int32"));
    const source = axesFirst(
      updateLanes ? moveAxis(update!, updateDim, 0) : update!,
      updateLanes,
      axes,
    );
    const shifted = gather(source, stacked(columns));
    const old = axesFirst(batchAxisInFront(x!, lanes ? dim : null, size), true, axes);
    const mask = reshape(inside!, [...extent, ...old.shape.slice(rank).map(() => 1)]);
    return [[axesBack(select(mask, shifted, old), axes)], [0]];
  },
  passes: ordinary,
  lower(g, [x, update, ...starts], _, [aval, updateAval]) {
    const sizes = updateAval!.shape;
    const axes = partialAxes(aval!.shape, sizes);
    if (axes.length === 0) return [update!];
    if (sizeOf(sizes) === 0) return [x!];
    if (g.lacks("Add", "int64")) {
      return [overlaidIn(g, x!, update!, starts, aval!, sizes, axes)];
    }
    // ScatterND writes blocks at positions of leading axes: those up to the last one that is cut.
    const depth = axes.at(-1)! + 1;
    const leading = sizes.slice(0, depth);
    if (sizeOf(leading) > SCATTER_LIMIT) {
      return [insertedIn(g, x!, update!, starts, aval!.shape, sizes, axes)];
    }
    const limits = leading.map((n, i) => aval!.shape[i]! - n);
    const first = startsIn(
      g,
      limits.map((limit, i) => limit === 0 ? null : starts[i]!),
      limits,
    );
    const shape = [...leading, depth];
    const indices = sizeOf(leading) === 1
      ? g.reshape(first, shape)
      : g.node("Add", [first, g.constant(grid(leading), shape, "int64")]);
    return [g.node("ScatterND", [x!, indices, update!])];
  },
  kernel: (b, [x, update, ...starts]) => [b.dynamicUpdate(x!, update!, starts)],
  samples: () => [
    {
      name: "start too large on one axis",
      inputs: [counting([3, 4]), counting([2, 2], 50), at(1), at(9)],
      params: {},
    },
    {
      name: "negative start, one axis whole, float64",
      inputs: [
        { shape: [3, 2, 4], dtype: "float64" },
        { shape: [1, 2, 3], dtype: "float64" },
        at(-7),
        at(1),
        at(1),
      ],
      params: {},
    },
    {
      name: "large block",
      inputs: [
        { shape: [2, 50, 90], dtype: "float32" },
        { shape: [1, 50, 85], dtype: "float32" },
        at(1),
        at(4),
        at(-3),
      ],
      params: {},
      // Only the nodes depend on the size.
      skip: { jvp: "slow for so many elements", batch: "slow for so many elements" },
    },
    {
      name: "whole array",
      inputs: [counting([2]), counting([2], 8), at(1)],
      params: {},
    },
    {
      name: "empty update",
      inputs: [counting([2, 2]), counting([0, 2]), at(1), at(0)],
      params: {},
    },
    {
      name: "bool",
      inputs: [
        { shape: [3], dtype: "bool", values: [1, 0, 1] },
        { shape: [1], dtype: "bool", values: [0] },
        at(2),
      ],
      params: {},
    },
    {
      name: "uint32",
      inputs: [
        { shape: [2, 2], dtype: "uint32", values: [1, 2, 3, 4] },
        { shape: [1, 2], dtype: "uint32", values: [4294967295, 4000000000] },
        at(1),
        at(0),
      ],
      params: {},
    },
  ],
});

/** All positions of an array, one after the other. */
function grid(shape: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const out: number[] = [];
  for (let i = 0; i < sizeOf(shape); i++) {
    for (let k = 0; k < shape.length; k++) out.push(Math.floor(i / strides[k]!) % shape[k]!);
  }
  return out;
}

/**
 * `x` with the block that begins at `starts` (an int32 scalar for each axis) replaced by `update`,
 * moved so far that it lies within `x`.
 *
 * @throws {ShapeError} where the update is larger than `x` along an axis.
 */
export function dynamicUpdateSlice(
  x: NDArray,
  update: NDArray,
  starts: readonly NDArray[],
): NDArray {
  return bind1(dynamicUpdateSliceP, [x, update, ...starts], {});
}

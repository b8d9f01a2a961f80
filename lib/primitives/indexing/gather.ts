/**
 * Looking up and adding at computed positions: gather and scatter_add, each the other's transpose.
 *
 * Indices are an int32 array whose last axis runs over the leading axes of the operand that are
 * indexed. Gather clamps them into range; scatter_add drops updates that are out of range. NumPy's
 * indexing, negative indices among it, is built from these in `lib/api`.
 *
 * @module
 */
import {
  allocate,
  AxisError,
  bind1,
  checkDType,
  definePrimitive,
  formatAval,
  Linear,
  type NDArray,
  numeric,
  ordinary,
  type Primitive,
  shaped,
  sizeOf,
} from "../../core/mod.ts";
import { instantiate, scalarLike, zeros } from "../constants/constants.ts";
import { select } from "../elementwise/select.ts";
import { emptyOutput } from "../graph/nodes.ts";
import { counting } from "../axes.ts";
import { moveAxis } from "../shape/shape.ts";
import { batchAxisInFront, broadcastTo } from "../sum/broadcast.ts";
import {
  blocksOf,
  checkUpdates,
  clamped,
  gatherRoutine,
  inRange,
  lowerColumns,
  lowerInside,
  lowerMerged,
  lowerPositions,
  ofBlocks,
  pickedShape,
  scatterAddRoutine,
  withLane,
} from "./places.ts";

type NoParams = Record<never, never>;

// ---------------------------------------------------------------- gather

/** Blocks of an array at computed positions. Inputs: operand, indices. */
export const gatherP: Primitive<NoParams> = /* @__PURE__ */ definePrimitive<NoParams>({
  name: "gather",
  abstractEval([operand, indices]) {
    const shape = pickedShape("gather", operand!, indices!);
    const lengths = operand!.shape.slice(0, indices!.shape.at(-1));
    if (lengths.includes(0) && sizeOf(shape) > 0) {
      throw new AxisError(
        `gather: the operand, which is ${
          formatAval(operand!)
        }, has no elements along an indexed axis, so no index is in range`,
      );
    }
    return [shaped(shape, operand!.dtype)];
  },
  impl([operand, indices], _, [out]) {
    const values = allocate(out!.dtype, sizeOf(out!.shape));
    if (values.length === 0) return [values];
    const arrays = [operand!.values, indices!.values, values];
    gatherRoutine(indices!.shape.at(-1)!).run(out!.dtype, arrays, ...blocksOf(operand!, indices!));
    return [values];
  },
  jvp: ([operand, indices], [t]) => [
    [gather(operand!, indices!)],
    [t === null || t === undefined ? null : gather(t, indices!)],
  ],
  transpose([ct], [operand, indices]) {
    if (ct === null || ct === undefined || !(operand instanceof Linear)) return [null, null];
    const { aval } = operand;
    return [scatterAdd(zeros(aval), clamped(indices as NDArray, aval.shape), ct), null];
  },
  batch([operand, indices], [dim, indexDim], size) {
    const lanes = dim !== null && dim !== undefined;
    if (indexDim === null || indexDim === undefined) {
      const depth = indices!.shape.at(-1)!;
      return [[gather(moveAxis(operand!, dim!, depth), indices!)], [indices!.ndim - 1]];
    }
    const each = moveAxis(indices!, indexDim, 0);
    if (!lanes) return [[gather(operand!, each)], [0]];
    return [[
      gather(
        moveAxis(operand!, dim, 0),
        withLane(broadcastTo(each, [size, ...each.shape.slice(1)])),
      ),
    ], [0]];
  },
  passes: ordinary,
  lower(g, [operand, indices], _, [aval, indexAval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const lengths = aval!.shape.slice(0, indexAval!.shape.at(-1));
    // Out of range is an error of the kernel.
    const inside = lowerColumns(g, indices!, indexAval!).map((column, k) => {
      const low = g.node("Max", [column, g.scalar(0, "int32")]);
      return g.node("Min", [low, g.scalar(lengths[k]! - 1, "int32")]);
    });
    const blocks = lowerMerged(g, operand!, aval!, lengths);
    return [g.node("Gather", [blocks, lowerPositions(g, inside, lengths)], { axis: 0 })];
  },
  kernel(b, inputs, _, [aval, indexAval], outs) {
    const routine = gatherRoutine(indexAval!.shape.at(-1)!);
    return b.call(routine, aval!.dtype, inputs, outs, blocksOf(aval!, indexAval!));
  },
  samples: () => [
    {
      name: "rows, out of range and repeated",
      inputs: [counting([3, 2]), { shape: [5, 1], dtype: "int32", values: [2, 0, -1, 7, 2] }],
      params: {},
    },
    {
      name: "elements, float64",
      inputs: [
        { shape: [3, 4], dtype: "float64" },
        { shape: [2, 2, 2], dtype: "int32", values: [0, 0, 2, 3, 1, 9, -4, 2] },
      ],
      params: {},
    },
    {
      name: "one index of all axes",
      inputs: [counting([3, 2]), { shape: [2], dtype: "int32", values: [2, 1] }],
      params: {},
    },
    {
      name: "no indices",
      inputs: [counting([0, 2]), { shape: [0, 1], dtype: "int32", values: [] }],
      params: {},
    },
    {
      name: "bool",
      inputs: [
        { shape: [3], dtype: "bool", values: [1, 0, 1] },
        { shape: [2, 1], dtype: "int32", values: [1, 2] },
      ],
      params: {},
    },
    {
      name: "uint32",
      inputs: [
        { shape: [2, 2], dtype: "uint32", values: [1, 2, 3, 4294967295] },
        { shape: [2, 2], dtype: "int32", values: [1, 1, 0, 0] },
      ],
      params: {},
    },
  ],
});

/**
 * Blocks of `operand` at `indices`, an int32 array of shape `[..., k]` that indexes the first `k`
 * axes; indices are clamped into range. The result has shape `[..., ...operand.shape.slice(k)]`.
 */
export function gather(operand: NDArray, indices: NDArray): NDArray {
  return bind1(gatherP, [operand, indices], {});
}

// ---------------------------------------------------------------- scatter_add

/** An array with blocks added at computed positions. Inputs: operand, indices, updates. */
export const scatterAddP: Primitive<NoParams> = /* @__PURE__ */ definePrimitive<NoParams>({
  name: "scatter_add",
  abstractEval([operand, indices, updates]) {
    checkDType("scatter_add", "the operand", operand!, numeric);
    checkUpdates("scatter_add", operand!, indices!, updates!);
    return [operand!];
  },
  impl([operand, indices, updates]) {
    if (updates!.values.length === 0) return [operand!.values];
    const values = allocate(operand!.dtype, operand!.values.length);
    const arrays = [operand!.values, indices!.values, updates!.values, values];
    const scalars = [values.length, ...blocksOf(operand!, indices!)];
    scatterAddRoutine(indices!.shape.at(-1)!).run(operand!.dtype, arrays, ...scalars);
    return [values];
  },
  jvp: ([operand, indices, updates], [dOperand, , dUpdates]) => [
    [scatterAdd(operand!, indices!, updates!)],
    [scatterAdd(
      instantiate(dOperand, operand!.aval),
      indices!,
      instantiate(dUpdates, updates!.aval),
    )],
  ],
  transpose([ct], [operand, indices, updates]) {
    if (ct === null || ct === undefined) return [null, null, null];
    let dUpdates: NDArray | null = null;
    const aval = updates!.aval;
    if (updates instanceof Linear && sizeOf(aval.shape) > 0 && ct.size > 0) {
      const at = indices as NDArray;
      const mask = ofBlocks(inRange(at, ct.shape), aval.shape.length);
      dUpdates = select(mask, gather(ct, at), scalarLike(0, ct));
    }
    return [operand instanceof Linear ? ct : null, null, dUpdates];
  },
  batch([operand, indices, updates], [dim, indexDim, updateDim], size) {
    if (indexDim === null || indexDim === undefined) {
      // Lanes ride along behind the axes that are indexed.
      const depth = indices!.shape.at(-1)!;
      const lanes = moveAxis(batchAxisInFront(operand!, dim ?? null, size), 0, depth);
      const each = moveAxis(
        batchAxisInFront(updates!, updateDim ?? null, size),
        0,
        indices!.ndim - 1,
      );
      return [[scatterAdd(lanes, indices!, each)], [depth]];
    }
    const out = scatterAdd(
      batchAxisInFront(operand!, dim ?? null, size),
      withLane(moveAxis(indices!, indexDim, 0)),
      batchAxisInFront(updates!, updateDim ?? null, size),
    );
    return [[out], [0]];
  },
  passes: ordinary,
  lower(g, [operand, indices, updates], _, [aval, indexAval, updateAval]) {
    const lengths = aval!.shape.slice(0, indexAval!.shape.at(-1));
    if (sizeOf(updateAval!.shape) === 0 || lengths.includes(0)) return [operand!];
    const rows = indexAval!.shape.slice(0, -1);
    const block = aval!.shape.slice(lengths.length);
    const zero = g.scalar(0, "int32");
    const columns = lowerColumns(g, indices!, indexAval!);
    const inside = lowerInside(g, columns, lengths);
    const kept = g.where(
      g.reshape(inside, [...rows, ...block.map(() => 1)]),
      updates!,
      g.scalar(0, aval!.dtype),
      aval!.dtype,
    );
    const position = g.where(inside, lowerPositions(g, columns, lengths), zero, "int32");
    const flat = lowerMerged(g, operand!, aval!, lengths);
    const add = { reduction: "add" };
    // Of single elements, ScatterElements is the faster one, and takes int32.
    const elements = block.length === 0 && rows.length > 0;
    const out = elements
      ? g.node(
        "ScatterElements",
        [flat, ...[position, kept].map((v) => g.reshape(v, [sizeOf(rows)]))],
        { axis: 0, ...add },
      )
      : g.node(
        "ScatterND",
        [flat, g.cast(g.reshape(position, [...rows, 1]), "int32", "int64"), kept],
        add,
      );
    return [lengths.length === 1 ? out : g.reshape(out, aval!.shape)];
  },
  kernel(b, inputs, _, [aval, indexAval], outs) {
    const routine = scatterAddRoutine(indexAval!.shape.at(-1)!);
    const scalars = [sizeOf(aval!.shape), ...blocksOf(aval!, indexAval!)];
    return b.call(routine, aval!.dtype, inputs, outs, scalars);
  },
  samples: () => [
    {
      name: "rows, out of range and repeated",
      inputs: [
        counting([3, 2]),
        { shape: [4, 1], dtype: "int32", values: [2, 2, -1, 3] },
        counting([4, 2], 10),
      ],
      params: {},
    },
    {
      name: "elements, float64",
      inputs: [
        { shape: [2, 3], dtype: "float64" },
        { shape: [2, 2, 2], dtype: "int32", values: [0, 0, 1, 2, 1, 3, 1, 2] },
        { shape: [2, 2], dtype: "float64" },
      ],
      params: {},
    },
    {
      name: "one index of all axes",
      inputs: [
        counting([2, 2]),
        { shape: [2], dtype: "int32", values: [1, 0] },
        { shape: [], dtype: "float32", values: [5] },
      ],
      params: {},
    },
    {
      name: "no updates",
      inputs: [counting([2]), { shape: [0, 1], dtype: "int32", values: [] }, counting([0])],
      params: {},
    },
    {
      name: "int32, wrapping",
      inputs: [
        { shape: [2], dtype: "int32", values: [2147483647, 0] },
        { shape: [3, 1], dtype: "int32", values: [0, 1, 0] },
        { shape: [3], dtype: "int32", values: [1, -5, 1] },
      ],
      params: {},
    },
    {
      name: "uint32, wrapping",
      inputs: [
        { shape: [2], dtype: "uint32", values: [4294967295, 1] },
        { shape: [2, 1], dtype: "int32", values: [0, 5] },
        { shape: [2], dtype: "uint32", values: [2, 3] },
      ],
      params: {},
    },
  ],
});

/**
 * `operand` with `updates` added at `indices`, an int32 array of shape `[..., k]` that indexes the
 * first `k` axes; updates has shape `[..., ...operand.shape.slice(k)]`. What is out of range is
 * dropped, and what falls on the same place adds up.
 */
export function scatterAdd(operand: NDArray, indices: NDArray, updates: NDArray): NDArray {
  return bind1(scatterAddP, [operand, indices, updates], {});
}

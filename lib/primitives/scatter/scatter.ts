/**
 * Updates put to computed positions in other ways than by adding: scatter, which replaces what is there, and
 * scatter_mul, scatter_min and scatter_max.
 *
 * Indices are as for gather (`../indexing/gather.ts`). Updates that are out of range are dropped; those of
 * one place follow each other in their order, so that of replaced elements the last one stays.
 *
 * Products of updates that fall on the same place, each without itself: what the derivative of scatter_mul
 * is made of. It takes no quotient, so that zeros do no harm, to derivatives of any order neither.
 *
 * What the scatters are tried on, alike for all ways of combining.
 *
 * @module
 */
import {
  allocate,
  bind1,
  checkDType,
  definePrimitive,
  type DType,
  dtypes,
  type JvpResult,
  Linear,
  type NDArray,
  numeric,
  ordinary,
  type Primitive,
  type Sample,
  sizeOf,
  stridesOf,
  type Tangent,
} from "../../core/mod.ts";
import { counting } from "../axes.ts";
import {
  full,
  instantiate,
  int32Constant,
  iota,
  onesLike,
  scalarLike,
  zeros,
  zerosLike,
} from "../constants/constants.ts";
import { div, mul } from "../elementwise/arithmetic.ts";
import { and, eq, gt, lt, not } from "../elementwise/compare.ts";
import { select } from "../elementwise/select.ts";
import { gather, scatterAdd } from "../indexing/gather.ts";
import {
  blocksOf,
  checkUpdates,
  type Combining,
  inRange,
  ofBlocks,
  scatterRoutines,
  withLane,
} from "../indexing/places.ts";
import { moveAxis, reshape } from "../shape/shape.ts";
import { pad } from "../slicing/slice.ts";
import { sort } from "../sort/sort.ts";
import { batchAxisInFront, reduceSum } from "../sum/broadcast.ts";
import { lowerScatter } from "./graph.ts";

/** For each update, the product of the others at its place. */
export function productOfOthers(
  indices: NDArray,
  updates: NDArray,
  shape: readonly number[],
): NDArray {
  const depth = indices.shape.at(-1)!;
  const rows = sizeOf(indices.shape.slice(0, -1));
  if (rows < 2) return onesLike(updates);
  const strides = int32Constant(stridesOf(shape.slice(0, depth)));
  const place = reduceSum(mul(indices, strides), [indices.ndim - 1]);
  const known = select(inRange(indices, shape), place, scalarLike(-1, place));
  // Updates of one place become neighbours.
  const [keys, order] = sort(reshape(known, [rows]), 0);
  const [, back] = sort(order, 0);
  const column = (at: NDArray): NDArray => reshape(at, [rows, 1]);
  const factors = gather(reshape(updates, [rows, updates.size / rows]), column(order));
  const product = mul(before(factors, keys, 1), before(factors, keys, -1));
  return reshape(gather(product, column(back)), updates.shape);
}

/** The product of the rows with the same key in front of each row, or behind it with `sign` -1. */
function before(factors: NDArray, keys: NDArray, sign: 1 | -1): NDArray {
  const n = keys.size;
  const one = scalarLike(1, factors);
  const moved = (x: NDArray, fill: NDArray, by: number): NDArray => {
    const rest = x.shape.slice(1).map(() => 0);
    return pad(x, fill, [sign * by, ...rest], [-sign * by, ...rest]);
  };
  // What lies `by` rows away, where that has the same key; else 1. No key is -2.
  const away = (x: NDArray, by: number): NDArray => {
    const same = eq(keys, moved(keys, scalarLike(-2, keys), by));
    return select(ofBlocks(same, x.ndim), moved(x, one, by), one);
  };
  let product = away(factors, 1);
  for (let by = 1; by < n; by *= 2) product = mul(product, away(product, by));
  return product;
}

type Scatter = Sample<Record<never, never>>;

const TIES = "kinks at ties";

/** Samples for updates that are put in one way, to arrays of some dtypes. */
export function samplesOf(how: "set" | "mul" | "min" | "max", on: readonly DType[]): Scatter[] {
  const extreme = how === "min" || how === "max";
  const samples: Scatter[] = [
    {
      name: "rows, out of range and repeated",
      inputs: [
        { shape: [3, 2], dtype: "float32", values: [1, -2, 3, 4, -5, 6] },
        { shape: [5, 1], dtype: "int32", values: [2, 2, -1, 3, 0] },
        {
          shape: [5, 2],
          dtype: "float32",
          values: [1.5, -2.5, 0.5, 7, 9, 9, 8, 8, -0.25, 2.25],
        },
      ],
      params: {},
    },
    {
      name: "elements, float64, three at one place",
      inputs: [
        { shape: [2, 3], dtype: "float64" },
        { shape: [2, 3, 2], dtype: "int32", values: [0, 0, 1, 2, 1, 3, 1, 2, 0, 1, 1, 2] },
        { shape: [2, 3], dtype: "float64" },
      ],
      params: {},
    },
    {
      name: "with zeros",
      inputs: [
        { shape: [3], dtype: "float64", values: [2, 0, 3] },
        { shape: [6, 1], dtype: "int32", values: [0, 1, 0, 0, 2, 2] },
        { shape: [6], dtype: "float64", values: [0, 3, 5, -1, 0, 0] },
      ],
      params: {},
      ...(extreme ? { skip: { jvp: TIES, transpose: TIES } } : {}),
    },
    {
      name: "what is not finite",
      inputs: [
        { shape: [6], dtype: "float32", values: [NaN, 1, 2, Infinity, -Infinity, 3] },
        { shape: [8, 1], dtype: "int32", values: [0, 1, 2, 2, 3, 4, 5, 9] },
        {
          shape: [8],
          dtype: "float32",
          values: [1, NaN, Infinity, -Infinity, 2, 5, -Infinity, NaN],
        },
      ],
      params: {},
      skip: { jvp: "not finite", transpose: "not finite" },
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
      name: "int32 and its limits",
      inputs: [
        { shape: [3], dtype: "int32", values: [2147483647, -2147483648, 7] },
        { shape: [4, 1], dtype: "int32", values: [0, 1, 0, 2] },
        { shape: [4], dtype: "int32", values: [-3, 65537, 46341, 2147483647] },
      ],
      params: {},
    },
    {
      name: "uint32 above 2^31",
      inputs: [
        { shape: [2, 2], dtype: "uint32", values: [4294967295, 1, 5, 2147483648] },
        { shape: [3, 1], dtype: "int32", values: [0, 5, 1] },
        { shape: [3, 2], dtype: "uint32", values: [3, 4000000000, 1, 1, 4294967291, 9] },
      ],
      params: {},
    },
  ];
  if (on.includes("bool")) {
    samples.push({
      name: "bool",
      inputs: [
        { shape: [4], dtype: "bool", values: [1, 0, 1, 0] },
        { shape: [3, 1], dtype: "int32", values: [0, 3, 0] },
        { shape: [3], dtype: "bool", values: [1, 1, 0] },
      ],
      params: {},
    });
  }
  return samples;
}

type NoParams = Record<never, never>;

/** What is particular to one way of combining. */
interface Rules {
  /** Its name. */
  readonly name: string;
  /** How an update is put to what is there. */
  readonly how: Exclude<Combining, "add">;
  /** Element types that it takes. */
  readonly dtypes: readonly DType[];
  /** The tangent of the result `y`. */
  readonly tangent: (
    inputs: readonly NDArray[],
    tangents: readonly Tangent[],
    y: NDArray,
  ) => NDArray;
  /** Cotangents of operand and updates; left out where it is not linear. */
  readonly transpose?: (
    ct: NDArray,
    operand: NDArray | Linear,
    indices: NDArray,
    updates: NDArray | Linear,
  ) => readonly [Tangent, Tangent];
  /** Further samples. */
  readonly samples?: readonly Sample<NoParams>[];
}

function define(rules: Rules): Primitive<NoParams> {
  const { name, how, transpose } = rules;
  const self: Primitive<NoParams> = definePrimitive<NoParams>({
    name,
    abstractEval([operand, indices, updates]) {
      checkDType(name, "the operand", operand!, rules.dtypes);
      checkUpdates(name, operand!, indices!, updates!);
      return [operand!];
    },
    impl([operand, indices, updates]) {
      if (updates!.values.length === 0) return [operand!.values];
      const values = allocate(operand!.dtype, operand!.values.length);
      const arrays = [operand!.values, indices!.values, updates!.values, values];
      const scalars = [values.length, ...blocksOf(operand!, indices!)];
      scatterRoutines[how](indices!.shape.at(-1)!).run(operand!.dtype, arrays, ...scalars);
      return [values];
    },
    jvp([operand, indices, updates], [dOperand, , dUpdates]): JvpResult {
      const y = bind1(self, [operand!, indices!, updates!], {});
      const tangents = [dOperand ?? null, null, dUpdates ?? null];
      return [[y], [rules.tangent([operand!, indices!, updates!], tangents, y)]];
    },
    transpose: transpose === undefined ? "nonlinear" : ([ct], [operand, indices, updates]) => {
      if (!ct) return [null, null, null];
      const [dOperand, dUpdates] = transpose(ct, operand!, indices as NDArray, updates!);
      return [dOperand, null, dUpdates];
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
        return [[bind1(self, [lanes, indices!, each], {})], [depth]];
      }
      const out = bind1(self, [
        batchAxisInFront(operand!, dim ?? null, size),
        withLane(moveAxis(indices!, indexDim, 0)),
        batchAxisInFront(updates!, updateDim ?? null, size),
      ], {});
      return [[out], [0]];
    },
    passes: ordinary,
    lower: (g, [operand, indices, updates], _, [aval, indexAval, updateAval]) => [
      lowerScatter(g, how, [operand!, aval!], [indices!, indexAval!], [updates!, updateAval!]),
    ],
    kernel(b, inputs, _, [aval, indexAval], outs) {
      const routine = scatterRoutines[how](indexAval!.shape.at(-1)!);
      const scalars = [sizeOf(aval!.shape), ...blocksOf(aval!, indexAval!)];
      return b.call(routine, aval!.dtype, inputs, outs, scalars);
    },
    samples: () => [...samplesOf(how, rules.dtypes), ...rules.samples ?? []],
  });
  return self;
}

// ---------------------------------------------------------------- replacing

/** Which updates are those that stay: the last ones of their places. One axis less than the indices. */
function staying(indices: NDArray, shape: readonly number[]): NDArray {
  const places = shape.slice(0, indices.shape.at(-1)!);
  const rows = indices.shape.slice(0, -1);
  const number = reshape(iota([sizeOf(rows)], 0, "int32"), rows);
  const last = scatter(full(places, -1, "int32"), indices, number);
  return and(eq(gather(last, indices), number), inRange(indices, shape));
}

/** An array with blocks replaced at computed positions. Inputs: operand, indices, updates. */
export const scatterP: Primitive<NoParams> = /* @__PURE__ */ define({
  name: "scatter",
  how: "set",
  dtypes,
  // Linear in operand and updates, of which the same ones stay.
  tangent: ([operand, indices, updates], [dOperand, , dUpdates]) =>
    scatter(
      instantiate(dOperand, operand!.aval),
      indices!,
      instantiate(dUpdates, updates!.aval),
    ),
  transpose(ct, operand, indices, updates) {
    const { aval } = updates;
    const dOperand = operand instanceof Linear ? scatter(ct, indices, zeros(aval)) : null;
    if (!(updates instanceof Linear) || sizeOf(aval.shape) === 0 || ct.size === 0) {
      return [dOperand, null];
    }
    const mask = ofBlocks(staying(indices, ct.shape), aval.shape.length);
    return [dOperand, select(mask, gather(ct, indices), scalarLike(0, ct))];
  },
});

/**
 * `operand` with `updates` in place of what is at `indices`, an int32 array of shape `[..., k]` that
 * indexes the first `k` axes; updates has shape `[..., ...operand.shape.slice(k)]`. What is out of range is
 * dropped, and of several updates of one place the last one stays.
 */
export function scatter(operand: NDArray, indices: NDArray, updates: NDArray): NDArray {
  return bind1(scatterP, [operand, indices, updates], {});
}

// ---------------------------------------------------------------- multiplying

/** An array with blocks multiplied at computed positions. Inputs: operand, indices, updates. */
export const scatterMulP: Primitive<NoParams> = /* @__PURE__ */ define({
  name: "scatter_mul",
  how: "mul",
  dtypes: numeric,
  tangent([operand, indices, updates], [dOperand, , dUpdates]) {
    let tangent: NDArray | null = null;
    if (dOperand) {
      tangent = mul(dOperand, scatterMul(onesLike(operand!), indices!, updates!));
    }
    if (dUpdates && updates!.size > 0 && operand!.size > 0) {
      const others = mul(
        gather(operand!, indices!),
        productOfOthers(indices!, updates!, operand!.shape),
      );
      tangent = scatterAdd(tangent ?? zerosLike(operand!), indices!, mul(dUpdates, others));
    }
    return tangent ?? zerosLike(operand!);
  },
});

/** As {@linkcode scatter}, with what is there multiplied by all updates of a place. */
export function scatterMul(operand: NDArray, indices: NDArray, updates: NDArray): NDArray {
  return bind1(scatterMulP, [operand, indices, updates], {});
}

// ---------------------------------------------------------------- extremes

function extreme(how: "min" | "max"): Primitive<NoParams> {
  return define({
    name: `scatter_${how}`,
    how,
    dtypes: numeric,
    // Ties share the derivative equally. Where NaN won, all have a share, and that is NaN.
    tangent([operand, indices, updates], [dOperand, , dUpdates], y) {
      const isBeyond = how === "max" ? lt : gt;
      const zero = scalarLike(0, y);
      const own = isBeyond(operand!, y);
      let sum = dOperand ? select(own, zero, dOperand) : zerosLike(y);
      let ties = select(own, zero, onesLike(y));
      if (updates!.size > 0 && y.size > 0) {
        const won = not(isBeyond(updates!, gather(y, indices!)));
        if (dUpdates) sum = scatterAdd(sum, indices!, select(won, dUpdates, zero));
        ties = scatterAdd(ties, indices!, select(won, onesLike(updates!), zero));
      }
      return div(sum, select(eq(y, y), ties, scalarLike(NaN, y)));
    },
  });
}

/** An array with the least of blocks at computed positions. Inputs: operand, indices, updates. */
export const scatterMinP: Primitive<NoParams> = /* @__PURE__ */ extreme("min");
/** An array with the greatest of blocks at computed positions. Inputs: operand, indices, updates. */
export const scatterMaxP: Primitive<NoParams> = /* @__PURE__ */ extreme("max");

/** As {@linkcode scatter}, with the least of what is there and all updates of a place; NaN wins. */
export function scatterMin(operand: NDArray, indices: NDArray, updates: NDArray): NDArray {
  return bind1(scatterMinP, [operand, indices, updates], {});
}

/** As {@linkcode scatter}, with the greatest of what is there and all updates of a place; NaN wins. */
export function scatterMax(operand: NDArray, indices: NDArray, updates: NDArray): NDArray {
  return bind1(scatterMaxP, [operand, indices, updates], {});
}

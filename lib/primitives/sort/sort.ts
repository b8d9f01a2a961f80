/**
 * Sorting along an axis.
 *
 * Sorting on the CPU: short rows by insertion, others by the digits of words that are ordered as the
 * elements are. Both are stable, with -0 equal to 0 and NaN last.
 *
 * @module
 */
import {
  allocate,
  AxisError,
  bind,
  definePrimitive,
  formatAval,
  isFloat,
  type NDArray,
  ordinary,
  type Primitive,
  shaped,
  type ShapedArray,
  sizeOf,
} from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { type Routine, routine } from "../../routine/routine.ts";
import { type AxisParams, shiftAxes } from "../axes.ts";
import { iota } from "../constants/constants.ts";
import { emptyOutput, fromOrdered, toOrdered } from "../graph/nodes.ts";
import { gather } from "../indexing/gather.ts";
import { aroundAxis } from "../loops/loops.ts";
import { expandDims, moveAxis, reshape } from "../shape/shape.ts";
import { concatenate } from "../slicing/concatenate.ts";

/** Moves words and their places in the order of one digit: `bits` bits from `shift` on. */
const byDigit: Routine = /* @__PURE__ */ routine(`
byDigit(in words: u32[n], in places: i32[n], out toWords: u32[n], out toPlaces: i32[n],
        scratch counts: i32[1 << bits], n, shift, bits) {
  let mask = u32((1 << bits) - 1)
  if shift >= 32 { mask = 0 }
  let by = u32(shift & 31)
  vector d in 0..1 << bits { counts[d] = 0 }
  for i in 0..n { counts[i32((words[i] >> by) & mask)] += 1 }
  if n > 0 and counts[i32((words[0] >> by) & mask)] == n {
    // One digit, so that they stay where they are.
    vector i in 0..n {
      toWords[i] = words[i]
      toPlaces[i] = places[i]
    }
  } else {
    let before = 0
    for d in 0..1 << bits {
      let count = counts[d]
      counts[d] = before
      before += count
    }
    for i in 0..n {
      let word = words[i]
      let digit = i32((word >> by) & mask)
      let to = counts[digit]
      counts[digit] = to + 1
      toWords[to] = word
      toPlaces[to] = places[i]
    }
  }
}`);

/** Orders places by their words, of equal words as they come; an even number of times to and fro. */
const byWord: Routine = /* @__PURE__ */ routine(
  `
byWord(in words: u32[n], in places: i32[n], out toWords: u32[n], out toPlaces: i32[n],
       scratch counts: i32[1 << bits], n, bits) {
  for shift in 0..32 by 2 * bits {
    byDigit(words, places, toWords, toPlaces, counts, n, shift, bits)
    byDigit(toWords, toPlaces, words, places, counts, n, shift + bits, bits)
  }
}`,
  { byDigit },
);

/** Bits of a digit: the more there are, the fewer times words are moved, and the more is counted. */
const digitBits = "select(n < 2000, 8, select(n < 200000, 11, 16))";

/** Elements along the middle axis in ascending order, and where they were. */
export const sortRoutine: Routine = /* @__PURE__ */ routine(
  `
sort(in x: T[outer, n, inner], out sorted: T[outer, n, inner], out places: i32[outer, n, inner],
     scratch words: u32[n], scratch at: i32[n], scratch nextWords: u32[n], scratch nextAt: i32[n],
     scratch counts: i32[1 << ${digitBits}], outer, n, inner) {
  let digit = ${digitBits}
  for p in 0..outer {
    for q in 0..inner {
      if n <= 64 {
        for i in 0..n {
          let key = x[p, i, q]
          let j = i
          while j > 0 {
            let other = sorted[p, j - 1, q]
            if other <= key or key != key { break }
            sorted[p, j, q] = other
            places[p, j, q] = places[p, j - 1, q]
            j -= 1
          }
          sorted[p, j, q] = key
          places[p, j, q] = i
        }
      } else {
        // The upper words of doubles nearly always say enough; else the lower ones go first.
        let lower = false
        let ordered = false
        while not ordered {
          ordered = true
          for i in 0..n { at[i] = i }
          if T == f64 and lower {
            for i in 0..n {
              let key = x[p, i, q] + 0
              let word = u32(low(key) ^ (high(key) >> 31))
              words[i] = select(key == key, word, 4294967295)
            }
            byWord(words, at, nextWords, nextAt, counts, n, digit)
          }
          for i in 0..n {
            let key = x[p, at[i], q]
            let word = 0
            // -0 becomes 0; negative numbers go down with their bits.
            if T == f64 { word = high(key + 0) }
            else if T == f32 { word = bits(key + 0) }
            else { word = i32(key) }
            if isFloat { word = select(key == key, word ^ ((word >> 31) & 2147483647), 2147483647) }
            if T == u32 { words[i] = u32(word) } else { words[i] = u32(word ^ -2147483648) }
          }
          byWord(words, at, nextWords, nextAt, counts, n, digit)
          if T == f64 and not lower {
            let equal = 0
            for i in 1..n {
              equal = select(words[i] == words[i - 1], equal + 1, 0)
              if equal > 30 {
                lower = true
                ordered = false
                break
              }
            }
          }
        }
        for i in 0..n {
          sorted[p, i, q] = x[p, at[i], q]
          places[p, i, q] = at[i]
        }
        if T == f64 and not lower {
          for i in 1..n {
            let key = sorted[p, i, q]
            let place = places[p, i, q]
            let j = i
            while j > 0 and sorted[p, j - 1, q] > key {
              sorted[p, j, q] = sorted[p, j - 1, q]
              places[p, j, q] = places[p, j - 1, q]
              j -= 1
            }
            if j < i {
              sorted[p, j, q] = key
              places[p, j, q] = place
            }
          }
        }
      }
    }
  }
}`,
  { byWord },
);

/** Elements of `x` at positions `indices` along an axis, lane by lane. */
function takeAlong(x: NDArray, indices: NDArray, axis: number): NDArray {
  const last = x.ndim - 1;
  const moved = moveAxis(x, axis, last);
  const at = moveAxis(indices, axis, last);
  const n = x.shape[axis]!;
  const rows = x.size / Math.max(n, 1);
  if (rows === 1) return reshape(gather(reshape(moved, [n]), reshape(at, [n, 1])), x.shape);
  const flat = [rows, n];
  const pairs = concatenate(
    [expandDims(iota(flat, 0, "int32"), [2]), expandDims(reshape(at, flat), [2])],
    2,
  );
  return moveAxis(reshape(gather(reshape(moved, flat), pairs), moved.shape), last, axis);
}

/** The smallest elements first; gives elements and int64 positions. */
function topK(g: Lowering, x: Value, axis: number, n: number): Value[] {
  return g.nodes("TopK", [x, g.int64([n])], 2, { axis, largest: 0, sorted: 1 });
}

/**
 * Sorted floats and their int64 positions. TopK is stable, but what it does with NaN is not
 * defined. So NaN is sorted as Infinity; then numbers, Infinity among them, are moved in front of
 * NaN by counting.
 */
function lowerFloats(
  g: Lowering,
  x: Value,
  axis: number,
  { shape, dtype }: ShapedArray,
): [Value, Value] {
  const n = shape[axis]!;
  const along = shape.slice(axis).map((_, i) => i === 0 ? n : 1);
  const isNumber = g.node("Equal", [x, x]);
  let keys = g.node("Where", [isNumber, x, g.scalar(Infinity, dtype)]);
  // The kernel of the GPU mistakes infinity for its own padding.
  if (g.lacks("TopK", dtype)) keys = g.node("Min", [keys, g.scalar(LARGEST_FLOAT32, dtype)]);
  const order = topK(g, keys, axis, n)[1]!;

  const flags = g.cast(isNumber, "bool", "int32");
  const numbers = g.node("GatherElements", [flags, order], { axis });
  const before = g.node("CumSum", [numbers, g.scalar(axis, "int64")], {
    exclusive: 1,
    reverse: 0,
  });
  const count = g.node("ReduceSum", [numbers, g.int64([axis])], { keepdims: 1 });
  const position = g.constant(Array.from({ length: n }, (_, i) => i), along, "int32");
  const behind = g.node("Add", [count, g.node("Sub", [position, before])]);
  const target = g.where(g.cast(numbers, "int32", "bool"), before, behind, "int32");
  const repaired = g.node("ScatterElements", [order, target, order], { axis });
  return [g.node("GatherElements", [x, repaired], { axis }), repaired];
}

const LARGEST_FLOAT32 = 3.4028234663852886e38;

/** Most pairs of elements that are compared to sort on a GPU. */
const PAIR_LIMIT = 2 ** 24;

/**
 * Elements and int32 positions by counting: an element goes behind all that are smaller, and behind
 * equal ones that come before it. NaN is larger than numbers, and equal to NaN.
 */
function lowerByCounting(
  g: Lowering,
  x: Value,
  axis: number,
  { shape, dtype }: ShapedArray,
): [Value, Value] {
  const n = shape[axis]!;
  const [keys, keyType] = toOrdered(g, x, dtype);
  const ofSelf = (v: Value): Value => g.reshape(v, shape.toSpliced(axis + 1, 0, 1));
  const ofOther = (v: Value): Value => g.reshape(v, shape.toSpliced(axis, 0, 1));
  const pair = [ofOther(keys), ofSelf(keys)];
  let less = g.node("Less", pair);
  let lessOrEqual = g.node("LessOrEqual", pair);
  if (isFloat(keyType)) {
    const isNumber = g.node("Equal", [keys, keys]);
    const isLast = g.node("Not", [ofSelf(isNumber)]);
    less = g.node("Or", [less, g.node("And", [isLast, ofOther(isNumber)])]);
    lessOrEqual = g.node("Or", [lessOrEqual, isLast]);
  }
  const earlier = Array.from({ length: n * n }, (_, k) => k % n < Math.floor(k / n) ? 1 : 0);
  const rest = shape.slice(axis + 1).map(() => 1);
  const isEarlier = g.constant(earlier, [n, n, ...rest], "bool");
  const before = g.where(isEarlier, lessOrEqual, less, "bool");
  const place = g.node("ReduceSum", [g.cast(before, "bool", "int32"), g.int64([axis + 1])], {
    keepdims: 0,
  });
  const counted = g.constant(Array.from({ length: n }, (_, i) => i), [n, ...rest], "int32");
  const positions = g.node("Expand", [counted, g.int64(shape)]);
  return [
    g.node("ScatterElements", [x, place, x], { axis }),
    g.node("ScatterElements", [positions, place, positions], { axis }),
  ];
}

/** Elements in ascending order, and where they were. */
export const sortP: Primitive<AxisParams> = /* @__PURE__ */ definePrimitive<AxisParams>({
  name: "sort",
  abstractEval([x], { axis }) {
    if (!Number.isInteger(axis) || axis < 0 || axis >= x!.shape.length) {
      throw new AxisError(`sort: axis ${axis} is out of range: x is ${formatAval(x!)}`);
    }
    return [x!, shaped(x!.shape, "int32")];
  },
  impl([x], { axis }) {
    const { shape, dtype, values } = x!;
    const sorted = allocate(dtype, values.length);
    const indices = new Int32Array(values.length);
    sortRoutine.runLong(dtype, [values, sorted, indices], ...aroundAxis(shape, axis));
    return [sorted, indices];
  },
  jvp([x], [t], params) {
    const outs = bind(sortP, [x!], params);
    return [outs, [takeAlong(t!, outs[1]!, params.axis), null]];
  },
  transpose: "nonlinear",
  batch([x], [dim], _, { axis }) {
    const [shifted] = shiftAxes([axis], dim!);
    return [bind(sortP, [x!], { axis: shifted! }), [dim!, dim!]];
  },
  // What it needs beside its results, keys and positions, would be needed for all steps at once.
  passes: { ...ordinary, mobile: false },
  lower(g, [x], { axis }, [aval], [out, positions]) {
    if (sizeOf(out!.shape) === 0) return [emptyOutput(g, out!)!, emptyOutput(g, positions!)!];
    const { shape, dtype } = aval!;
    if (g.lacks("TopK", dtype) && sizeOf(shape) * shape[axis]! <= PAIR_LIMIT) {
      return lowerByCounting(g, x!, axis, aval!);
    }
    if (isFloat(dtype)) {
      const [values, order] = lowerFloats(g, x!, axis, aval!);
      return [values, g.cast(order, "int64", "int32")];
    }
    const [values, order] = topK(g, toOrdered(g, x!, dtype)[0], axis, shape[axis]!);
    return [fromOrdered(g, values!, dtype), g.cast(order!, "int64", "int32")];
  },
  kernel: (b, inputs, { axis }, [aval], outs) =>
    b.call(sortRoutine, aval!.dtype, inputs, outs, aroundAxis(aval!.shape, axis)),
  samples: () => [
    { name: "row", inputs: [{ shape: [9], dtype: "float32" }], params: { axis: 0 } },
    {
      name: "middle axis, float64",
      inputs: [{ shape: [2, 20, 3], dtype: "float64" }],
      params: { axis: 1 },
    },
    {
      name: "ties, NaN, infinities and both zeros",
      inputs: [{
        shape: [2, 11],
        dtype: "float32",
        values: [
          ...[NaN, 0, -0, Infinity, -Infinity, 1, -1, NaN, Infinity, 0, -0],
          ...[2, 1, 2, 1, 0, 2, 1, NaN, 0, Infinity, NaN],
        ],
      }],
      params: { axis: 1 },
      skip: { jvp: "not finite", transpose: "not finite" },
    },
    { name: "zero size", inputs: [{ shape: [0, 2], dtype: "float32" }], params: { axis: 0 } },
    {
      name: "int32",
      inputs: [{ shape: [5], dtype: "int32", values: [3, -2147483648, -1, 2147483647, -1] }],
      params: { axis: 0 },
    },
    {
      name: "uint32",
      inputs: [{ shape: [5], dtype: "uint32", values: [3, 4294967295, 1, 2147483648, 3] }],
      params: { axis: 0 },
    },
    {
      name: "bool",
      inputs: [{ shape: [4], dtype: "bool", values: [1, 0, 1, 0] }],
      params: { axis: 0 },
    },
  ],
});

/**
 * The elements of `x` in ascending order along `axis`, and their positions (int32). Stable, with NaN
 * last and -0 equal to 0, as `jax.numpy.sort` and `argsort`.
 */
export function sort(x: NDArray, axis: number): [sorted: NDArray, indices: NDArray] {
  const [sorted, indices] = bind(sortP, [x], { axis });
  return [sorted!, indices!];
}

/**
 * The structural primitives on the CPU (slices, indexing, reductions, dot_general, sort, threefry,
 * solve) against values recorded from JAX. What JAX's user functions add on top, such as negative
 * indices, is done here by hand, as `lib/api` does it.
 */
import type { NDArray } from "../../lib/core/array.ts";
import { isFloat, shaped, sizeOf } from "../../lib/core/dtype.ts";
import { zeros } from "../../lib/primitives/constants/constants.ts";
import { dotGeneral } from "../../lib/primitives/dot/dot_general.ts";
import { select } from "../../lib/primitives/elementwise/select.ts";
import { dynamicSlice, dynamicUpdateSlice } from "../../lib/primitives/indexing/dynamic_slice.ts";
import { gather, scatterAdd } from "../../lib/primitives/indexing/gather.ts";
import { solve } from "../../lib/linalg/solve.ts";
import { threefry2x32 } from "../../lib/primitives/random/threefry.ts";
import {
  argmax,
  argmin,
  reduceAnd,
  reduceMax,
  reduceMin,
  reduceOr,
  reduceProd,
} from "../../lib/primitives/reduce/extremes.ts";
import { cumsum } from "../../lib/primitives/reduce/cumsum.ts";
import { expandDims, moveAxis, reshape } from "../../lib/primitives/shape/shape.ts";
import { concatenate } from "../../lib/primitives/slicing/concatenate.ts";
import { pad, slice } from "../../lib/primitives/slicing/slice.ts";
import { sort } from "../../lib/primitives/sort/sort.ts";
import recordedRandom from "../reference/random.json" with { type: "json" };
import recorded from "../reference/structure.json" with { type: "json" };
import { difference, make, ulps } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { Random } from "../support/random.ts";
import { load, type StructureCase } from "../support/recorded.ts";

interface Params {
  readonly axis?: number;
  readonly keepdims?: boolean;
  readonly reverse?: boolean;
  readonly descending?: boolean;
  readonly mode?: string;
  readonly sizes?: readonly number[];
  readonly start?: readonly number[];
  readonly limit?: readonly number[];
  readonly strides?: readonly number[];
  readonly contract?: readonly number[][];
  readonly batch?: readonly number[][];
  readonly config?: readonly (readonly number[])[];
  readonly num_segments?: number;
}

const cases = recorded.cases as unknown as Readonly<Record<string, StructureCase<Params>>>;

/** Python's meaning of negative indices along an axis of length `n`. */
function wrapped(indices: NDArray, n: number): NDArray {
  const values = indices.dataSync();
  return make(indices.aval, Array.from(values, (i) => i < 0 ? i + n : i));
}

/** A vector of starts as scalars, the negative ones counted from the end. */
function startsOf(x: NDArray, start: NDArray): NDArray[] {
  return Array.from(
    start.dataSync(),
    (s, i) => make(shaped([], "int32"), [s < 0 ? s + x.shape[i]! : s]),
  );
}

/** One index vector for each axis, side by side. */
function pairs(...columns: NDArray[]): NDArray {
  return concatenate(columns.map((c) => expandDims(c, [c.ndim])), columns[0]!.ndim);
}

/** A reduction over all axes or one, with or without keeping them. */
function reduction(f: (x: NDArray, axes: readonly number[]) => NDArray) {
  return ([x]: NDArray[], { axis, keepdims }: Params): NDArray[] => {
    const axes = axis === undefined ? x!.shape.map((_, i) => i) : [axis];
    const y = f(x!, axes);
    return [keepdims === true ? expandDims(y, axes) : y];
  };
}

function position(f: (x: NDArray, axis: number) => NDArray) {
  return ([x]: NDArray[], { axis }: Params): NDArray[] => [
    axis === undefined ? f(reshape(x!, [x!.size]), 0) : f(x!, axis),
  ];
}

type Run = (inputs: NDArray[], params: Params) => NDArray[] | null;

/** How to run each recorded operation; `null` for what is not built from these primitives alone. */
const runs: Readonly<Record<string, Run>> = {
  argmax: position(argmax),
  argmin: position(argmin),
  max: reduction(reduceMax),
  min: reduction(reduceMin),
  prod: reduction(reduceProd),
  all: reduction(reduceAnd),
  any: reduction(reduceOr),
  cumsum: ([x], { axis, reverse }) => [cumsum(x!, axis!, reverse)],
  sort: ([x], { axis, descending }) =>
    descending === true ? null : [sort(x!, axis ?? x!.ndim - 1)[0]],
  argsort: ([x], { descending }) => descending === true ? null : [sort(x!, 0)[1]],
  slice: ([x], { start, limit, strides }) => [slice(x!, start!, limit!, strides)],
  pad: ([x, value], { config }) => [
    pad(
      x!,
      value!,
      config!.map((c) => c[0]!),
      config!.map((c) => c[1]!),
      config!.map((c) => c[2]!),
    ),
  ],
  dynamic_slice: (
    [x, start],
    { sizes },
  ) => [dynamicSlice(x!, startsOf(x!, start!), sizes!)],
  dynamic_update_slice: ([x, update, start]) => [
    dynamicUpdateSlice(x!, update!, startsOf(x!, start!)),
  ],
  take([x, indices], { mode, axis }) {
    if (mode !== "clip") return null;
    // JAX's clip mode clamps negative indices too.
    const at = axis ?? 0;
    const picked = gather(moveAxis(x!, at, 0), expandDims(indices!, [indices!.ndim]));
    let y = picked;
    for (let i = 0; i < at; i++) y = moveAxis(y, indices!.ndim + at - 1, 0);
    return [y];
  },
  take_along_axis([x, indices]) {
    const rows = make(
      indices!.aval,
      Array.from({ length: indices!.size }, (_, i) => Math.floor(i / indices!.shape[1]!)),
    );
    return [gather(x!, pairs(rows, indices!))];
  },
  at_add: ([x, i, v]) => [scatterAdd(x!, expandDims(wrapped(i!, x!.shape[0]!), [1]), v!)],
  at_add_2d: ([x, i, j, v]) => [
    scatterAdd(x!, pairs(wrapped(i!, x!.shape[0]!), wrapped(j!, x!.shape[1]!)), v!),
  ],
  segment_sum: ([v, ids], { num_segments }) => [
    scatterAdd(zeros(shaped([num_segments!], v!.dtype)), expandDims(ids!, [1]), v!),
  ],
  dot_general: ([a, b], { contract, batch }) => [
    dotGeneral(a!, b!, {
      contract: [contract![0]!, contract![1]!],
      batch: [batch![0]!, batch![1]!],
    }),
  ],
  matmul([a, b]) {
    const y = Math.max(0, b!.ndim - 2);
    return [dotGeneral(a!, b!, { contract: [[a!.ndim - 1], [y]], batch: [[], []] })];
  },
  einsum([a, b], params) {
    const equation = (params as { eq: string }).eq;
    if (equation === "bij,bji->b") {
      return [dotGeneral(a!, b!, { contract: [[1, 2], [2, 1]], batch: [[0], [0]] })];
    }
    assertEquals(equation, "bik,bij->kj");
    return [dotGeneral(a!, b!, { contract: [[0, 1], [0, 1]], batch: [[], []] })];
  },
  solve([a, b]) {
    if (b!.ndim === a!.ndim) return [solve(a!, b!)];
    return [reshape(solve(a!, expandDims(b!, [b!.ndim])), b!.shape)];
  },
  where: ([c, x, y]) => [select(c!, x!, y!)],
};

/** Tolerance in units of rounding, relative to the largest element. */
const tolerance: Readonly<Record<string, number>> = {
  prod: 4,
  cumsum: 4,
  dot_general: 8,
  matmul: 8,
  einsum: 16,
  solve: 400,
};

Deno.test("structural primitives give JAX's values", () => {
  const done = new Map<string, number>();
  for (const [name, { op, order, inputs, params, outputs }] of Object.entries(cases)) {
    const args = order.map((k) => load(inputs[k]!));
    const results = runs[op]?.(args, params) ?? null;
    if (results === null) continue;
    done.set(op, (done.get(op) ?? 0) + 1);
    outputs.forEach((expected, i) => {
      const want = load(expected);
      const found = difference(results[i]!, want, ulps(want, tolerance[op] ?? 0));
      assertEquals(found, null, name);
    });
  }
  assert([...done.values()].reduce((a, b) => a + b, 0) > 170, "most cases were left out");
  for (const op of Object.keys(runs)) assert(done.has(op), `no case of ${op}`);
});

Deno.test("zeros keep the sign that JAX gives them", () => {
  for (const [reduce, want] of [[reduceMax, 0], [reduceMin, -0]] as const) {
    const x = make(shaped([3], "float32"), reduce === reduceMax ? [-0, 0, -0] : [0, -0, 0]);
    assert(Object.is(reduce(x, [0]).item(), want), reduce.name);
  }
  const { inputs, outputs } = cases["sort_special_f32"]!;
  const sorted = sort(load(inputs["x"]!), 0)[0].dataSync();
  outputs[0]!.data.forEach((v, i) => assert(Object.is(sorted[i], Number(v)), `element ${i}`));
});

Deno.test("threefry2x32 gives JAX's bits", () => {
  const word = (value: number): NDArray => make(shaped([], "uint32"), [value]);
  for (const { key, count, hash } of recordedRandom.threefry2x32) {
    const [k0, k1, x0, x1] = [...key, ...count].map(word);
    const out = threefry2x32(k0!, k1!, x0!, x1!);
    assertEquals(out.map((y) => y.item()), hash);
  }
});

Deno.test("threefry2x32 gives JAX's random bits for keys made from seeds", () => {
  const zero = make(shaped([], "uint32"), [0]);
  for (const [seed, streams] of Object.entries(recordedRandom.seeds)) {
    const key = make(shaped([], "uint32"), [Number(seed)]);
    assertEquals(streams.key.data, [0, Number(seed)]);
    const counts = make(shaped([7], "uint32"), [0, 1, 2, 3, 4, 5, 6]);
    const [a, b] = threefry2x32(zero, key, zero, counts);
    const bits = Array.from(a.dataSync(), (x, i) => (x ^ b.dataSync()[i]!) >>> 0);
    assertEquals(bits, streams.bits_7.data, `seed ${seed}`);
  }
});

/** Numbers that look random. */
function pseudo(n: number, seed: number): number[] {
  return Array.from({ length: n }, (_, i) => Math.sin(seed + 12.9898 * (i + 1)) * 2);
}

Deno.test("matrix products are right at sizes around the tiles", () => {
  for (
    const [m, k, n] of [[1, 1, 1], [4, 600, 4], [21, 23, 25], [33, 40, 35], [5, 0, 6]] as const
  ) {
    for (const dtype of ["float32", "float64", "int32"] as const) {
      const values = (size: number, seed: number): number[] =>
        pseudo(size, seed).map((v) => isFloat(dtype) ? Math.fround(v) : Math.round(5 * v));
      const a = make(shaped([m, k], dtype), values(m * k, 1));
      const b = make(shaped([k, n], dtype), values(k * n, 2));
      const out = dotGeneral(a, b, { contract: [[1], [0]], batch: [[], []] });
      const want = Array.from({ length: m * n }, (_, i) => {
        let sum = 0;
        for (let d = 0; d < k; d++) {
          sum += a.values[Math.floor(i / n) * k + d]! * b.values[d * n + i % n]!;
        }
        return sum;
      });
      const expected = make(shaped([m, n], dtype), want);
      assertEquals(difference(out, expected, ulps(expected, 4)), null, `${dtype} ${m} ${k} ${n}`);
    }
  }
});

Deno.test("sort is stable and complete on long rows with ties and NaN", () => {
  const n = 1000;
  const values = pseudo(2 * n, 3).map((v, i) => i % 17 === 0 ? NaN : Math.round(4 * v));
  const x = make(shaped([2, n], "float64"), values);
  const [sorted, indices] = sort(x, 1);
  for (let row = 0; row < 2; row++) {
    const own = values.slice(row * n, (row + 1) * n);
    const rank = (v: number): number => Number.isNaN(v) ? Infinity : v;
    const order = own.map((_, i) => i).sort((i, j) => {
      const [a, b] = [rank(own[i]!), rank(own[j]!)];
      return a === b ? i - j : a - b;
    });
    assertEquals(Array.from(indices.dataSync().slice(row * n, (row + 1) * n)), order);
    assertEquals(
      Array.from(sorted.dataSync().slice(row * n, (row + 1) * n)),
      order.map((i) => own[i]!),
    );
  }
});

Deno.test("solve is as accurate as elimination with partial pivoting can be", () => {
  for (const dtype of ["float32", "float64"] as const) {
    for (const n of [1, 2, 5, 20, 60]) {
      // Elements without a pattern: sines of equal steps make matrices of rank 2.
      const random = new Random(`solve ${n}`);
      const shape = [3, n, n];
      const a = make(
        shaped(shape, dtype),
        Array.from({ length: sizeOf(shape) }, () => 2 * random.next() - 1),
      );
      const x = make(shaped([3, n, 2], dtype), pseudo(6 * n, n + 1));
      const multiply = { contract: [[2], [1]], batch: [[0], [0]] } as const;
      const b = dotGeneral(a, x, multiply);
      const residual = dotGeneral(a, solve(a, b), multiply);
      assertEquals(difference(residual, b, ulps(b, 8 * n)), null, `${dtype} ${n}`);
    }
  }
});

Deno.test("a singular system gives what is not finite", () => {
  const a = make(shaped([2, 2], "float64"), [1, 2, 2, 4]);
  const b = make(shaped([2, 1], "float64"), [1, 1]);
  assertEquals(Array.from(solve(a, b).dataSync()), [-Infinity, Infinity]);
});

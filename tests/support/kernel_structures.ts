/**
 * Operations of random programs for the compiler that move elements about by rules with many numbers: windows
 * and convolutions, lookups and writes at computed places with their axes, orders of several arrays,
 * running results, bits, Fourier transforms and what goes between lanes. As in `kernel_operations.ts`,
 * what adds up floats does so with numbers of few bits.
 *
 * @module
 */
import { type NDArray, numpy as np, vmap } from "../../mod.ts";
import * as fft from "../../lib/api/fft.ts";
import * as lax from "../../lib/api/lax.ts";
import { type DType, sizeOf } from "../../lib/core/dtype.ts";
import {
  along,
  type Choices,
  coarse,
  isBool,
  isFloat,
  isWhole,
  type Operation,
  ranked,
  shuffled,
  unsigned,
} from "./kernel_operations.ts";

/** Numbers of a value of the program, again and again, in a shape. */
function shapedFrom({ pick }: Choices, dtype: DType, shape: readonly number[]): NDArray {
  const n = sizeOf(shape);
  const x = pick((x) => x.dtype === dtype && (x.size > 0 || n === 0));
  const places = np.mod(np.arange(n, { dtype: "int32" }), Math.max(x.size, 1));
  return np.take(x.ravel(), places).reshape(shape);
}

/** Whole numbers from `low` to below `high`, one for each axis. */
const each = ({ random }: Choices, count: number, low: number, high: number): number[] =>
  Array.from({ length: count }, () => random.integer(low, high));

/** Padding of each axis, or its name. */
const padding = (c: Choices, count: number) =>
  c.one([
    "SAME" as const,
    "SAME_LOWER" as const,
    "VALID" as const,
    Array.from({ length: count }, () => [c.random.integer(-1, 3), c.random.integer(0, 3)] as const),
  ]);

/** Values of 1, -1 and 0: products of any number of them are exact. */
const signs = (x: NDArray): NDArray =>
  isFloat(x) ? np.sign(np.where(np.isNaN(x), np.zerosLike(x), x)) : x;

/** How a computation treats what goes into it, so that its order makes no difference. */
const prepared = (name: string, x: NDArray): NDArray =>
  name === "add" ? coarse(x) : name === "mul" ? signs(x) : x;

/** Windows of an operand for a gather or scatter, with the roles of its axes. */
function windows(c: Choices, x: NDArray) {
  const { random, one } = c;
  const sizes = x.shape.map((n) => one([1, 1, random.integer(1, n + 1), n]));
  const dropped = sizes.flatMap((n, axis) => n === 1 && random.next() < 0.6 ? [axis] : []);
  const map = shuffled(random, x.ndim).slice(0, random.integer(1, x.ndim + 1));
  const places = one<number[]>([[], [3], [2, 2], [1]]);
  const at = shapedFrom(c, one(["int32", "uint32"] as const), [...places, map.length]);
  // Some far outside, most about the array.
  const starts = random.next() < 0.3 ? at : np.mod(at, 6).astype("int32").sub(1);
  const windowCount = x.ndim - dropped.length;
  const rank = places.length + windowCount;
  const windowDims = shuffled(random, rank).slice(0, windowCount).sort((a, b) => a - b);
  const result: number[] = [];
  const [inPlaces, inWindows] = [[...places], sizes.filter((_, axis) => !dropped.includes(axis))];
  for (let k = 0; k < rank; k++) {
    result.push(windowDims.includes(k) ? inWindows.shift()! : inPlaces.shift()!);
  }
  return { sizes, dropped, map, starts, windowDims, result };
}

/** Writes at computed places with a function of some kind. */
const writing = (kind: string, write: typeof lax.scatter): Operation => (c) => {
  const x = c.pick((x) => along(x) && !(isBool(x) && kind !== ""));
  const { dropped, map, starts, windowDims, result } = windows(c, x);
  const updates = shapedFrom(c, x.dtype, result);
  const numbers = {
    updateWindowDims: windowDims,
    insertedWindowDims: dropped,
    scatterDimsToOperandDims: map,
  };
  const mode = c.one(["clip", "drop", "fill"] as const);
  return write(prepared(kind, x), starts, prepared(kind, updates), numbers, { mode });
};

/** A function of lanes that know of each other. */
const betweenLanes: Operation = (c) => {
  const x = c.pick((x) => x.ndim > 1 && x.shape[0]! > 0 && x.shape[0]! < 10 && !isBool(x));
  const [n, m] = x.shape as [number, number];
  const axisName = "lanes";
  const outAxes = c.one([0, x.ndim - 1]);
  const numbers = Array.from({ length: n }, (_, i) => i);
  const f = c.one<(y: NDArray) => NDArray>([
    (y) => lax.psum(coarse(y), axisName),
    (y) => lax.pmax(y, axisName),
    (y) => lax.pmin(y, axisName).add(1),
    (y) => y.mul(lax.axisIndex(axisName).astype(y.dtype)),
    (y) => lax.pshuffle(y, axisName, shuffled(c.random, n)),
    (y) => lax.ppermute(y, axisName, numbers.map((i) => [i, (i + 1) % n] as const)),
    (y) => lax.ppermute(y, axisName, numbers.slice(1).map((i) => [i, i - 1] as const)),
    (y) => {
      const axis = c.random.integer(0, y.ndim + 1);
      return lax.allGather(y, axisName, { axis }).max(axis);
    },
    (y) => lax.allGather(y, axisName, { axis: c.random.integer(0, y.ndim), tiled: true }),
    (y) => lax.pbroadcast(y, axisName, c.random.integer(0, n)),
  ]);
  const whole = c.one<(y: NDArray) => NDArray>([
    (y) => unsigned(lax.psumScatter(coarse(y), axisName, { tiled: m % n === 0 && m !== n })),
    (y) => lax.allToAll(y, axisName, 0, 0, { tiled: true }),
  ]);
  const divides = m > 0 && m % n === 0 && c.random.next() < 0.3;
  return vmap(divides ? whole : f, { axisName, outAxes: divides ? 0 : Math.min(outAxes, 1) })(x);
};

/** The operations by name. */
export const structures: Readonly<Record<string, Operation>> = {
  // ------------------------------------------------------------ windows
  convolution: (c) => {
    const { one, random } = c;
    const dtype = c.pick((x) => !isBool(x)).dtype;
    const count = one([1, 1, 2]);
    const [features, batches] = one([[1, 1], [1, 2], [2, 1], [3, 1]] as const);
    const kernel = each(c, count, 1, 4);
    const perGroup = random.integer(1, 3);
    const outputs = features * batches * random.integer(1, 3);
    const lhs = shapedFrom(c, dtype, [
      batches * random.integer(1, 3),
      features * perGroup,
      ...each(c, count, 1, 7),
    ]);
    const rhs = shapedFrom(c, dtype, [outputs, perGroup, ...kernel]);
    const around = padding(c, count);
    const out = lax.convGeneralDilated(
      coarse(lhs),
      coarse(rhs),
      each(c, count, 1, 3),
      around,
      {
        lhsDilation: typeof around === "string" ? undefined : each(c, count, 1, 3),
        rhsDilation: each(c, count, 1, 3),
        featureGroupCount: features,
        batchGroupCount: batches,
      },
    );
    return unsigned(out);
  },
  "transposed convolution": (c) => {
    const count = c.one([1, 2]);
    const dtype = c.pick(isFloat).dtype;
    const lhs = shapedFrom(c, dtype, [2, ...each(c, count, 1, 5), 2]);
    const rhs = shapedFrom(c, dtype, [...each(c, count, 1, 4), 2, 3]);
    const how = c.one(["SAME", "VALID"] as const);
    return unsigned(lax.convTranspose(coarse(lhs), coarse(rhs), each(c, count, 1, 3), how));
  },
  "results of windows": (c) => {
    const name = c.one(["add", "mul", "max", "min"] as const);
    const x = c.pick((x) => ranked(x) && !isBool(x));
    const init = { add: 0, mul: 1, max: x.dtype === "uint32" ? 0 : -7, min: 7 }[name];
    const options = {
      baseDilation: each(c, x.ndim, 1, 3),
      windowDilation: each(c, x.ndim, 1, 3),
    };
    const sizes = each(c, x.ndim, 1, 4);
    const strides = each(c, x.ndim, 1, 3);
    const out = lax.reduceWindow(
      prepared(name, x),
      init,
      name,
      sizes,
      strides,
      padding(c, x.ndim),
      c.random.next() < 0.5 ? {} : options,
    );
    return name === "add" || name === "mul" ? unsigned(out) : out;
  },
  "function of windows": (c) => {
    const x = c.pick((x) => ranked(x) && !isBool(x));
    const f = (a: NDArray, b: NDArray): NDArray => np.where(a.abs().greater(b.abs()), a, b);
    return lax.reduceWindow(x, 0, f, each(c, x.ndim, 1, 4), each(c, x.ndim, 1, 3), "SAME");
  },
  patches: (c) => {
    const x = shapedFrom(c, c.pick(isFloat).dtype, [1, 2, ...each(c, 2, 1, 5)]);
    return lax.convGeneralDilatedPatches(coarse(x), each(c, 2, 1, 3), each(c, 2, 1, 3), "SAME");
  },

  // ------------------------------------------------------------ places, with axes
  "gather of windows": (c) => {
    const x = c.pick(along);
    const { sizes, dropped, map, starts, windowDims } = windows(c, x);
    const numbers = { offsetDims: windowDims, collapsedSliceDims: dropped, startIndexMap: map };
    return lax.gather(x, starts, numbers, sizes, { mode: c.one(["clip", "fill"] as const) });
  },
  "gather along axes": (c) => {
    const x = c.pick((x) => along(x) && x.ndim > 1);
    const numbers = {
      offsetDims: x.shape.slice(2).map((_, i) => i + 1),
      collapsedSliceDims: [1],
      startIndexMap: [1],
      operandBatchingDims: [0],
      startIndicesBatchingDims: [0],
    };
    const starts = np.mod(shapedFrom(c, "int32", [x.shape[0]!, 1]), 7).sub(1);
    return lax.gather(x, starts, numbers, [1, 1, ...x.shape.slice(2)]);
  },
  "scatter of windows": writing("", lax.scatter),
  "scatter of windows, added": writing("add", lax.scatterAdd),
  "scatter of windows, multiplied": (c) => unsigned(writing("mul", lax.scatterMul)(c) as NDArray),
  "scatter of windows, largest": (c) =>
    c.one([writing("max", lax.scatterMax), writing("min", lax.scatterMin)])(c),
  "look up": (c) => {
    const x = c.pick(along);
    const i = c.pick((i) => isWhole(i) && i.ndim === 1);
    const mode = c.one(["clip", "drop", "fill"] as const);
    return np.get(x, i.astype("int32"), { mode });
  },
  "look up along an axis": (c) => {
    const x = c.pick(along);
    const axis = c.axis(x);
    const places = np.mod(shapedFrom(c, "int32", x.shape.with(axis, c.random.integer(0, 4))), 5);
    return np.takeAlongAxis(x, places, axis, { mode: c.one(["clip", "fill"] as const) });
  },
  "change at places": (c) => {
    const x = c.pick((x) => along(x) && !isBool(x));
    const i = np.mod(shapedFrom(c, "int32", [c.random.integer(0, 4)]), 7).sub(2);
    const v = shapedFrom(c, x.dtype, [i.size, ...x.shape.slice(1)]);
    const options = { mode: c.one(["clip", "drop", "fill"] as const) };
    return c.one<() => NDArray>([
      () => np.updateAt(x, i).set(v, options),
      () => np.updateAt(coarse(x), i).add(coarse(v), options),
      () => unsigned(np.updateAt(signs(x), i).mul(signs(v), options)),
      () => np.updateAt(x, i).max(v, options),
      () => np.updateAt(x, i).min(v, options),
    ])();
  },
  "change behind an axis": (c) => {
    const x = c.pick((x) => along(x) && x.ndim > 1);
    const i = np.mod(c.whole(), x.shape[1]!).astype("int32");
    const y = shapedFrom(c, x.dtype, []);
    return np.updateAt(x, np.slice(null, null, c.one([1, 2, -1])), i).set(y);
  },

  // ------------------------------------------------------------ orders and running results
  "sort several": (c) => {
    const x = c.pick(along);
    const y = c.pick((y) => String(y.shape) === String(x.shape));
    return lax.sort([x, y, x], { dimension: c.axis(x), numKeys: c.random.integer(1, 4) });
  },
  "largest few": (c) => {
    const x = c.pick((x) => along(x) && !isBool(x));
    const axis = c.axis(x);
    return lax.topK(x, c.random.integer(0, x.shape[axis]! + 1), axis);
  },
  "place in order": (c) => {
    const sorted = np.sort(c.pick((x) => x.ndim === 1 && !isBool(x)));
    const x = c.pick((x) => x.dtype === sorted.dtype);
    return np.searchsorted(sorted, x, { side: c.one(["left", "right"] as const) });
  },
  running: (c) => {
    const x = c.pick((x) => ranked(x) && !isBool(x));
    const axis = c.axis(x);
    const options = { reverse: c.one([true, false]) };
    return c.one<() => NDArray>([
      () => lax.cummax(x, axis, options),
      () => lax.cummin(x, axis, options),
      () => unsigned(lax.cumprod(signs(x), axis, options)),
      () => lax.cumsum(coarse(x), axis, options),
    ])();
  },
  "counts and sets": (c) => {
    const x = c.pick((x) => along(x));
    return c.one<() => NDArray>([
      () => np.unique(x, { size: 4 }),
      () => np.flatnonzero(x, { size: 5 }),
      () => np.bincount(np.mod(shapedFrom(c, "int32", [6]), 4), { length: 4 }),
      () => np.isin(x, shapedFrom(c, x.dtype, [3])),
    ])();
  },

  // ------------------------------------------------------------ numbers
  "bits of numbers": (c) => {
    const x = c.pick(isWhole);
    const other = x.dtype === "int32" ? "uint32" : "int32";
    const y = c.mate(x, (y) => y.dtype === x.dtype);
    return c.one<() => NDArray>([
      () => lax.populationCount(x),
      () => lax.clz(x),
      () => lax.bitcastConvertType(x, c.one([other, "float32"])),
      () => lax.mulhi(x, y),
      () => lax.shiftRightArithmetic(x, np.bitwiseAnd(y, 31)),
      () => lax.shiftRightLogical(x, np.bitwiseAnd(y, 31)),
      () => lax.div(x, np.where(y.equal(0), np.onesLike(y), y)),
      () => lax.rem(x, np.where(y.equal(0), np.onesLike(y), y)),
      () => np.gcd(x, y),
      () => np.pow(x, c.random.integer(0, 4)),
    ])();
  },
  "bits of floats": (c) => {
    const x = c.pick(isFloat);
    return c.one<() => NDArray>([
      () => lax.bitcastConvertType(x.astype("float32"), c.one(["int32", "uint32"] as const)),
      () => lax.nextafter(x, c.mate(x, (y) => y.dtype === x.dtype)),
      () => lax.reducePrecision(x, 5, 10),
      () => np.signbit(x),
      () => np.copysign(x, c.mate(x, (y) => y.dtype === x.dtype)),
    ])();
  },
  "one of several": (c) => {
    const x = c.pick();
    const y = c.pick((y) => y.dtype === x.dtype && String(y.shape) === String(x.shape));
    const which = np.mod(shapedFrom(c, "int32", x.shape), 3);
    return lax.selectN(which, x, y, x);
  },
  "Fourier transform": (c) => {
    const x = c.pick((x) => along(x) && isFloat(x));
    const axis = c.axis(x);
    const n = c.one([x.shape[axis]!, c.random.integer(1, 20)]);
    const options = { n, axis };
    return c.one<() => NDArray[]>([
      () => Object.values(fft.fft(x, options)),
      () => Object.values(fft.ifft({ re: x, im: np.flip(x, axis) }, options)),
      () => Object.values(fft.rfft(x, options)),
      () => [fft.irfft({ re: x, im: x.mul(0.5) }, options)],
    ])();
  },
  "between lanes": betweenLanes,
};

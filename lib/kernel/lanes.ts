/**
 * Vectors of 128 bits by dtype: how wide they are, which instructions work on them, and moves between
 * them and memory that is not in order. Whoever writes loops by hand (`dot.ts`) builds on these.
 *
 * @module
 */
import { type Fn, V128 } from "./encoder.ts";

/** What the lanes of a vector are. */
export type LaneType = "float32" | "float64" | "int32" | "uint32";

/** Sizes and instructions of vectors of a dtype. */
export interface VectorType {
  /** Bytes of a lane. */
  readonly size: number;
  /** Lanes of a vector. */
  readonly count: number;
  /** `add`. */
  readonly add: number;
  /** `mul`. */
  readonly mul: number;
  /** `relaxed_madd`, for floats. */
  readonly madd: number | null;
  /** `load32_splat` or `load64_splat`. */
  readonly splat: number;
  /** `load32_zero` or `load64_zero`. */
  readonly first: number;
  /** `load32_lane` or `load64_lane`. */
  readonly loadLane: number;
  /** `store32_lane` or `store64_lane`. */
  readonly storeLane: number;
}

/** Bytes of a vector. */
export const VECTOR = 16;
/** `v128.load`. */
export const LOAD = 0;
/** `v128.store`. */
export const STORE = 11;

const words = { size: 4, count: 4, splat: 9, first: 92, loadLane: 86, storeLane: 90 };
const integers: VectorType = { ...words, add: 0xae, mul: 0xb5, madd: null };

/** The vectors of each dtype. */
export const LANES: Readonly<Record<LaneType, VectorType>> = {
  float32: { ...words, add: 0xe4, mul: 0xe6, madd: 0x105 },
  float64: {
    size: 8,
    count: 2,
    add: 0xf0,
    mul: 0xf2,
    madd: 0x107,
    splat: 10,
    first: 93,
    loadLane: 87,
    storeLane: 91,
  },
  int32: integers,
  uint32: integers,
};

/**
 * Puts an address on the stack and gives the offset that belongs into the instruction. Offsets of
 * instructions are not negative.
 */
export function address(f: Fn, pointer: number, bytes: number): number {
  f.get(pointer);
  if (bytes >= 0) return bytes;
  f.plus(bytes);
  return 0;
}

/** Whether elements at these byte offsets lie one after another. */
function inOrder(at: readonly number[], size: number): boolean {
  return at.every((bytes, i) => bytes === at[0]! + i * size);
}

/**
 * Sets a vector to the elements at byte offsets from a pointer, one for each lane. Where there are
 * fewer offsets than lanes, the other lanes are anything, and what follows in memory may be read.
 */
export function gather(
  f: Fn,
  type: VectorType,
  pointer: number,
  at: readonly number[],
  to: number,
): void {
  if (at.every((bytes) => bytes === at[0])) {
    f.memory(type.splat, address(f, pointer, at[0]!)).set(to);
  } else if (inOrder(at, type.size)) {
    f.memory(LOAD, address(f, pointer, at[0]!)).set(to);
  } else {
    f.memory(type.first, address(f, pointer, at[0]!)).set(to);
    for (let lane = 1; lane < at.length; lane++) {
      const offset = address(f, pointer, at[lane]!);
      f.get(to).memory(type.loadLane, offset, lane).set(to);
    }
  }
}

/** Stores the lanes of a vector at byte offsets from a pointer, and nothing else. */
export function scatter(
  f: Fn,
  type: VectorType,
  pointer: number,
  at: readonly number[],
  from: number,
): void {
  if (at.length === type.count && inOrder(at, type.size)) {
    const offset = address(f, pointer, at[0]!);
    f.get(from).memory(STORE, offset);
    return;
  }
  for (let lane = 0; lane < at.length; lane++) {
    const pair = type.size === 4 && lane % 2 === 0 && at[lane + 1] === at[lane]! + 4;
    const offset = address(f, pointer, at[lane]!);
    f.get(from).memory(
      pair ? LANES.float64.storeLane : type.storeLane,
      offset,
      pair ? lane++ / 2 : lane,
    );
  }
}

/** Sets a vector to zeros. */
export function clear(f: Fn, vector: number): void {
  f.v128(new Array(VECTOR).fill(0)).set(vector);
}

/** Zeros the lanes from the `used`th on of the vector on the stack. */
export function maskTail(f: Fn, type: VectorType, used: number): void {
  f.v128(Array.from({ length: VECTOR }, (_, byte) => byte < used * type.size ? 255 : 0)).simd(78);
}

/** Puts a vector of chosen elements of two on the stack: below `count` of `a`, above of `b`. */
export function shuffle(
  f: Fn,
  type: VectorType,
  a: number,
  b: number,
  elements: readonly number[],
): void {
  f.get(a).get(b).simd(13);
  for (const e of elements) {
    for (let byte = 0; byte < type.size; byte++) f.op(e * type.size + byte);
  }
}

/**
 * Replaces vectors by one with the sums of their lanes, in order; it is the first's local. There are
 * at most as many vectors as a vector has lanes; the lanes behind are anything.
 */
export function fold(f: Fn, type: VectorType, vectors: readonly number[]): number {
  const to = vectors[0]!;
  const nth = (i: number): number => vectors[i] ?? to;
  if (type.count === 2) {
    const b = nth(1);
    shuffle(f, type, to, b, [0, 2]);
    shuffle(f, type, to, b, [1, 3]);
    f.simd(type.add).set(to);
    return to;
  }
  // [a0 + a2, b0 + b2, a1 + a3, b1 + b3], then the same halves of both pairs.
  const pair = (a: number, b: number, sum: number): void => {
    shuffle(f, type, a, b, [0, 4, 1, 5]);
    shuffle(f, type, a, b, [2, 6, 3, 7]);
    f.simd(type.add).set(sum);
  };
  const low = f.local(V128);
  const high = f.local(V128);
  pair(to, nth(1), low);
  if (vectors.length > 2) pair(nth(2), nth(3), high);
  else f.get(low).set(high);
  shuffle(f, type, low, high, [0, 1, 4, 5]);
  shuffle(f, type, low, high, [2, 3, 6, 7]);
  f.simd(type.add).set(to);
  f.release(low);
  f.release(high);
  return to;
}

/** Transposes as many vectors as a vector has lanes, in place. */
export function transpose(f: Fn, type: VectorType, vectors: readonly number[]): void {
  if (type.count === 2) {
    const [a, b] = vectors as [number, number];
    const low = f.local(V128);
    shuffle(f, type, a, b, [0, 2]);
    f.set(low);
    shuffle(f, type, a, b, [1, 3]);
    f.set(b).get(low).set(a);
    f.release(low);
    return;
  }
  const [a, b, c, d] = vectors as [number, number, number, number];
  const parts = [a, b, c, d].map(() => f.local(V128)) as [number, number, number, number];
  const [ab0, ab1, cd0, cd1] = parts;
  shuffle(f, type, a, b, [0, 4, 1, 5]);
  f.set(ab0);
  shuffle(f, type, a, b, [2, 6, 3, 7]);
  f.set(ab1);
  shuffle(f, type, c, d, [0, 4, 1, 5]);
  f.set(cd0);
  shuffle(f, type, c, d, [2, 6, 3, 7]);
  f.set(cd1);
  shuffle(f, type, ab0, cd0, [0, 1, 4, 5]);
  f.set(a);
  shuffle(f, type, ab0, cd0, [2, 3, 6, 7]);
  f.set(b);
  shuffle(f, type, ab1, cd1, [0, 1, 4, 5]);
  f.set(c);
  shuffle(f, type, ab1, cd1, [2, 3, 6, 7]);
  f.set(d);
  parts.forEach((p) => f.release(p));
}

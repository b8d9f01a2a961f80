/**
 * Vectors of 128 bits by dtype: how wide they are, which instructions work on them, and moves between
 * them and memory that is not in order. Whoever writes loops by hand (`dot.ts`) builds on these.
 *
 * Accumulators of reductions: one for each vector that is worked on in turn. Those of sums of floats
 * have stages: what is added up is added to the next stage from time to time, so that errors grow with
 * the logarithm of the length rather than with the length. Those of extremes of floats have parts: the extreme,
 * where there was NaN, and signs, each by an instruction of the machine's, where the one for all is eight.
 *
 * @module
 */
import type { DType } from "../core/mod.ts";
import type { Reducer } from "../core/kernel.ts";
import type { Expr, Ty } from "../scalar/expr.ts";
import { type Fn, I32, V128 } from "./encoder.ts";
import { identityOf } from "./space.ts";
import { instruction, splat, type VectorCode } from "./vector.ts";

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
const AND = 78;
const OR = 80;
/** `bitselect`. */
const CHOOSE = 82;

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
  f.v128(Array.from({ length: VECTOR }, (_, byte) => byte < used * type.size ? 255 : 0)).simd(AND);
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

/** From so many vectors on extremes have parts. */
const PARTS = 3;
/** Rounds of a loop after which sums move to the next stage. */
const STAGE = 64;

/** The accumulators of one reduction. */
export class Staged {
  readonly #identity: number;
  readonly #code: number;
  /** Whether it is a sum of floats. */
  readonly staged: boolean;
  /** Type of what is combined. */
  readonly ty: Ty;
  /** Width of a mask. */
  readonly mask: 32 | 64;
  /** Whether accumulators have parts. */
  readonly parted: boolean;
  /** Beside accumulators in parts: where there was NaN, and signs. */
  readonly #parts = new Map<number, readonly [nan: number, signs: number]>();
  readonly #total: number;
  #accs: number[] = [];
  #stages: number[][] = [];

  /** Accumulators for an expression, of so many vectors each; `dtype` is that of the result. */
  constructor(
    readonly f: Fn,
    readonly op: Reducer,
    readonly code: VectorCode,
    expr: Expr,
    readonly dtype: DType,
    vectors: number,
  ) {
    this.ty = expr.ty;
    this.mask = expr.ty === "bool" ? code.maskOf(expr) : 32;
    this.#identity = identityOf(op, dtype);
    this.#code = instruction(op, expr.ty)!;
    this.staged = op === "add" && (expr.ty === "f32" || expr.ty === "f64");
    this.parted = (op === "max" || op === "min") && vectors >= PARTS &&
      (expr.ty === "f32" || expr.ty === "f64");
    this.#total = this.#local();
  }

  #local(): number {
    const { f } = this;
    const local = f.local(V128);
    if (this.parted) this.#parts.set(local, [f.local(V128), f.local(V128)]);
    return local;
  }
  #release(local: number): void {
    for (const l of [local, ...this.#parts.get(local) ?? []]) this.f.release(l);
    this.#parts.delete(local);
  }
  #clear(local: number): void {
    const { f } = this;
    splat(f, this.#identity, this.ty);
    f.set(local);
    const parts = this.#parts.get(local);
    if (parts === undefined) return;
    clear(f, parts[0]);
    f.get(local).set(parts[1]);
  }
  #merge(into: number, from: number): void {
    const { f } = this;
    const [parts, others] = [this.#parts.get(into), this.#parts.get(from)];
    if (parts === undefined) f.get(into).get(from).simd(this.#code).set(into);
    else this.#mergeParts(into, from, () => f.get(others![0]), others![1]);
  }
  /** Merges what is `from`, and what is pushed of NaN, into an accumulator in parts. */
  #mergeParts(into: number, from: number, pushNaN: () => void, signs: number): void {
    const { f } = this;
    const [nan, own] = this.#parts.get(into)!;
    // The less or the greater, the second where there is none, whose register is used again.
    f.get(from).get(into).simd((this.ty === "f64" ? 246 : 234) + Number(this.op === "max"));
    f.set(into).get(nan);
    pushNaN();
    f.simd(OR).set(nan);
    // A largest zero is -0 where all signs are set, a smallest one where any is.
    f.get(own).get(signs).simd(this.op === "max" ? AND : OR).set(own);
  }
  /** Puts parts together. */
  #decide(local: number): void {
    const parts = this.#parts.get(local);
    if (parts === undefined) return;
    const { f, ty } = this;
    f.get(parts[1]);
    splat(f, -0, ty);
    f.simd(AND).get(local).get(local);
    splat(f, 0, ty);
    f.simd(instruction("eq", ty)!).simd(CHOOSE).get(parts[0]).simd(OR).set(local);
  }

  /** Starts a result. */
  begin(): void {
    this.#clear(this.#total);
    this.#accs = [this.#total];
  }

  /** Starts a loop over `copies` vectors in turn. */
  open(copies: number): void {
    this.#accs = Array.from({ length: copies }, () => this.#local());
    for (const a of this.#accs) this.#clear(a);
  }

  /** Adds a vector, of which `lanes` elements count. */
  add(copy: number, push: () => void, lanes: number): void {
    const { f } = this;
    const acc = this.#accs[copy]!;
    if (!this.parted) f.get(acc);
    push();
    if (lanes < this.code.lanes) {
      splat(f, this.#identity, this.ty);
      const wide = this.ty === "f64" || (this.ty === "bool" && this.mask === 64);
      const size = wide ? 8 : 4;
      f.v128(Array.from({ length: 16 }, (_, b) => Math.floor(b / size) < lanes ? 255 : 0));
      f.simd(CHOOSE);
    }
    if (!this.parted) {
      f.simd(this.#code).set(acc);
      return;
    }
    const x = f.local(V128);
    f.set(x);
    this.#mergeParts(acc, x, () => f.get(x).get(x).simd(instruction("ne", this.ty)!), x);
    f.release(x);
  }

  /** Adds all that was added up to the result; later vectors are added to that. */
  join(): void {
    for (const stage of [...this.#stages, this.#accs]) {
      // In pairs, as all else.
      for (let step = 1; step < stage.length; step *= 2) {
        for (let i = 0; i + step < stage.length; i += 2 * step) {
          this.#merge(stage[i]!, stage[i + step]!);
        }
      }
      this.#merge(this.#total, stage[0]!);
      for (const l of stage) this.#release(l);
    }
    this.#stages = [];
    this.#accs = [this.#total];
  }

  /** Combines the lanes and stores the result. */
  finish(pointer: number): void {
    const { f, dtype } = this;
    const ty = this.ty === "bool" && this.mask === 64 ? "f64" : this.ty;
    this.#decide(this.#total);
    this.code.horizontal(this.#total, this.#code, ty);
    f.get(pointer);
    if (dtype === "bool") {
      f.get(this.#total).simd(27).op(0).i32(1).op(0x71).scalar(0x3a, 0);
    } else f.get(this.#total).memory(dtype === "float64" ? 91 : 90, 0, 0);
  }

  /** Hands over the results of each vector, where lanes are results of their own. */
  store(store: (copy: number, vector: number) => void): void {
    this.#accs.forEach((acc, copy) => {
      this.#decide(acc);
      store(copy, acc);
    });
    for (const acc of this.#accs) if (acc !== this.#total) this.#release(acc);
    this.#accs = [];
  }

  #nextStage(): void {
    this.#stages.push(this.#accs.map(() => {
      const l = this.f.local(V128);
      this.#clear(l);
      return l;
    }));
  }
  /** Moves what there is to the last stage, where little is added to it. */
  #putAside(): void {
    this.#stages.at(-1)!.forEach((l, i) => {
      this.f.get(this.#accs[i]!).set(l);
      this.#clear(this.#accs[i]!);
    });
  }
  /** Moves what stage `k` holds to the next one; stage 0 is what is added to. */
  #flush(k: number): void {
    const from = k === 0 ? this.#accs : this.#stages[k - 1]!;
    from.forEach((l, i) => {
      this.#merge(this.#stages[k]![i]!, l);
      this.#clear(l);
    });
  }

  /** Adds the stages up, so that each vector has its own sum. */
  #settle(): void {
    for (const stage of this.#stages) {
      stage.forEach((l, i) => {
        this.#merge(this.#accs[i]!, l);
        this.f.release(l);
      });
    }
    this.#stages = [];
  }

  /**
   * A loop of `rounds` rounds of `body` that may be within others: what was added up before is put
   * aside, and each vector has its own sum behind it.
   */
  static column(f: Fn, sums: readonly Staged[], rounds: number, body: () => void): void {
    if (rounds <= STAGE || !sums.some((s) => s.staged)) {
      f.repeat(rounds, body);
      return;
    }
    const outer = sums.map((s) => s.#stages);
    for (const s of sums) s.#stages = [];
    const counter = f.local(I32);
    f.i32(0).set(counter);
    Staged.loop(f, sums, counter, rounds, 1, () => {
      body();
      f.get(counter).plus(1).set(counter);
    });
    f.release(counter);
    sums.forEach((s, i) => {
      s.#settle();
      s.#stages = outer[i]!;
    });
  }

  /**
   * A loop of `rounds` rounds, in each of which `body` moves `counter`, which begins at 0, by `step`.
   */
  static loop(
    f: Fn,
    sums: readonly Staged[],
    counter: number,
    rounds: number,
    step: number,
    body: () => void,
  ): void {
    const staged = sums.filter((s) => s.staged);
    let depth = 0;
    if (staged.length > 0) { for (let n = rounds; n > STAGE && depth < 3; n /= STAGE) depth++; }
    for (let k = 0; k < depth; k++) for (const s of staged) s.#nextStage();
    if (depth > 0) { for (const s of staged) s.#putAside(); }
    const limits = Array.from({ length: depth }, () => f.local(I32));
    /** The loops up to `limit` at depth `k`, of which 0 is innermost. */
    const run = (k: number, pushLimit: () => void): void => {
      f.block("loop");
      if (k === 0) body();
      else {
        const limit = limits[k - 1]!;
        f.get(counter).plus(step * STAGE ** k).set(limit);
        f.get(limit);
        pushLimit();
        f.get(limit);
        pushLimit();
        f.op(0x49, 0x1b).set(limit);
        run(k - 1, () => f.get(limit));
        for (const s of staged) s.#flush(k - 1);
      }
      f.get(counter);
      pushLimit();
      f.op(0x49).branch(0, true).end();
    };
    run(depth, () => f.i32(rounds * step));
    for (const l of limits) f.release(l);
  }
}

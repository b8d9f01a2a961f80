/**
 * Accumulators of reductions: one for each vector that is worked on in turn. Those of sums of floats
 * have stages: what is added up is added to the next stage from time to time, so that errors grow with
 * the logarithm of the length rather than with the length.
 *
 * @module
 */
import type { DType } from "../core/dtype.ts";
import type { Reducer } from "../core/kernel.ts";
import type { Expr, Ty } from "../scalar/expr.ts";
import { type Fn, I32, V128 } from "./encoder.ts";
import { instruction, splat, type VectorCode } from "./vector.ts";

/** Rounds of a loop after which sums move to the next stage. */
const STAGE = 64;

/** What a reduction of nothing gives. */
export function identityOf(op: Reducer, dtype: DType): number {
  switch (op) {
    case "add":
      return 0;
    case "mul":
      return 1;
    case "and":
      return dtype === "bool" ? 1 : -1;
    case "or":
      return 0;
  }
  const sign = op === "max" ? -1 : 1;
  if (dtype === "bool") return op === "max" ? 0 : 1;
  if (dtype === "int32") return op === "max" ? -2147483648 : 2147483647;
  if (dtype === "uint32") return op === "max" ? 0 : 4294967295;
  return sign * Infinity;
}

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
  readonly #total: number;
  #accs: number[] = [];
  #stages: number[][] = [];

  /** Accumulators for an expression; `dtype` is that of the result. */
  constructor(
    readonly f: Fn,
    op: Reducer,
    readonly code: VectorCode,
    expr: Expr,
    readonly dtype: DType,
  ) {
    this.ty = expr.ty;
    this.mask = expr.ty === "bool" ? code.maskOf(expr) : 32;
    this.#identity = identityOf(op, dtype);
    this.#code = instruction(op, expr.ty)!;
    this.staged = op === "add" && (expr.ty === "f32" || expr.ty === "f64");
    this.#total = f.local(V128);
  }

  #clear(local: number): void {
    splat(this.f, this.#identity, this.ty);
    this.f.set(local);
  }
  #merge(into: number, from: number): void {
    this.f.get(into).get(from).simd(this.#code).set(into);
  }

  /** Starts a result. */
  begin(): void {
    this.#clear(this.#total);
    this.#accs = [this.#total];
  }

  /** Starts a loop over `copies` vectors in turn. */
  open(copies: number): void {
    this.#accs = Array.from({ length: copies }, () => this.f.local(V128));
    for (const a of this.#accs) this.#clear(a);
  }

  /** Adds a vector, of which `lanes` elements count. */
  add(copy: number, push: () => void, lanes: number): void {
    const { f } = this;
    const acc = this.#accs[copy]!;
    f.get(acc);
    push();
    if (lanes < this.code.lanes) {
      splat(f, this.#identity, this.ty);
      const wide = this.ty === "f64" || (this.ty === "bool" && this.mask === 64);
      const size = wide ? 8 : 4;
      f.v128(Array.from({ length: 16 }, (_, b) => Math.floor(b / size) < lanes ? 255 : 0));
      f.simd(82);
    }
    f.simd(this.#code).set(acc);
  }

  /** Adds all that was added up to the result; later vectors are added to that. */
  join(): void {
    const { f } = this;
    for (const stage of [...this.#stages, this.#accs]) {
      // In pairs, as all else.
      for (let step = 1; step < stage.length; step *= 2) {
        for (let i = 0; i + step < stage.length; i += 2 * step) {
          this.#merge(stage[i]!, stage[i + step]!);
        }
      }
      this.#merge(this.#total, stage[0]!);
      for (const l of stage) f.release(l);
    }
    this.#stages = [];
    this.#accs = [this.#total];
  }

  /** Combines the lanes and stores the result. */
  finish(pointer: number): void {
    const { f, dtype } = this;
    const ty = this.ty === "bool" && this.mask === 64 ? "f64" : this.ty;
    this.code.horizontal(this.#total, this.#code, ty);
    f.get(pointer);
    if (dtype === "bool") {
      f.get(this.#total).simd(27).op(0).i32(1).op(0x71).scalar(0x3a, 0);
    } else f.get(this.#total).memory(dtype === "float64" ? 91 : 90, 0, 0);
  }

  /** Hands over the results of each vector, where lanes are results of their own. */
  store(store: (copy: number, vector: number) => void): void {
    this.#accs.forEach((acc, copy) => store(copy, acc));
    for (const acc of this.#accs) if (acc !== this.#total) this.f.release(acc);
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

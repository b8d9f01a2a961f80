/**
 * Nests of loops over arrays: what is computed of each element, what is stored of it, and what is summed
 * up along some axes. Each nest is a function of its own, so that engines optimise it while it
 * runs, with the addresses of its arrays as parameters, so that equal nests share it.
 *
 * The innermost loop works on vectors. Where it ends within a vector, the rest of it is computed as
 * well: memory behind an array may be read, and written too where it belongs to nobody.
 *
 * @module
 */
import type { DType } from "../core/dtype.ts";
import type { Reducer } from "../core/kernel.ts";
import { type Expr, type Exprs, reachable, type Ty } from "../scalar/expr.ts";
import { Fn, I32, type Module, V128 } from "./encoder.ts";
import { type Elements, loadVector, storeLanes, storeVector } from "./access.ts";
import { Staged } from "./staged.ts";
import { type Lanes, type Pool, splat, VectorCode } from "./vector.ts";

/** How a nest walks through an array. */
export interface Slot {
  /** Element type. */
  readonly dtype: DType;
  /** Element at which it begins. */
  readonly offset: number;
  /** Elements from one step to the next, for each loop. */
  readonly strides: readonly number[];
  /** Whether memory behind the elements written is somebody else's. */
  readonly exact: boolean;
}

/** What a nest does. */
export interface Nest {
  /** Length of each loop, at least 1. */
  readonly dims: readonly number[];
  /** Which loops the reductions run over. */
  readonly reduced: readonly boolean[];
  /** Its expressions. */
  readonly exprs: Exprs;
  /** What `input` stands for, by number; `null` for what is not read after all. */
  readonly loads: readonly (Slot | null)[];
  /** What is stored of each element. */
  readonly stores: readonly { readonly slot: Slot; readonly expr: Expr }[];
  /** What is reduced; the strides of reduced loops do not count. */
  readonly reductions: readonly {
    readonly slot: Slot;
    readonly expr: Expr;
    readonly op: Reducer;
  }[];
}

/** Expressions of more nodes than this wait for their own results: two vectors are worked on in turn. */
const LONG = 24;
/** Reductions of fewer nodes than this wait for the sum: four vectors are worked on in turn. */
const SHORT = 16;
/** How deep expressions are nested on the stack. */
const DEEP = 24;

/** Bytes of an element. */
export const bytesPerElement: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  int32: 4,
  uint32: 4,
  bool: 1,
};

/** The key under which equal nests are shared. */
function keyOf(nest: Nest, order: readonly Expr[]): string {
  const number = new Map(order.map((n, i) => [n, i]));
  const slot = (s: Slot | null): string =>
    s === null ? "-" : `${s.dtype}${s.offset},${s.strides}${s.exact ? "!" : ""}`;
  const nodes = order.map((n) =>
    `${n.op}${n.ty}${Object.is(n.imm, -0) ? "-0" : n.imm},${n.args.map((a) => number.get(a))}${
      n.table === null ? "" : `[${n.table}]`
    }`
  );
  return [
    "nest",
    nest.dims,
    nest.reduced.map(Number),
    nodes.join(";"),
    nest.loads.map(slot).join(";"),
    nest.stores.map((s) => `${slot(s.slot)}=${number.get(s.expr)}`).join(";"),
    nest.reductions.map((r) => `${slot(r.slot)}${r.op}${number.get(r.expr)}`).join(";"),
  ].join("|");
}

/** Joins neighbouring loops of one kind where all arrays allow it; drops those of one step. */
function collapse(
  dims: readonly number[],
  reduced: readonly boolean[],
  slots: readonly (readonly number[])[],
): { dims: number[]; reduced: boolean[]; strides: number[][] } {
  const out: number[] = [];
  const kinds: boolean[] = [];
  const strides: number[][] = slots.map(() => []);
  dims.forEach((n, i) => {
    if (n === 1) return;
    const k = out.length - 1;
    const joins = k >= 0 && kinds[k] === reduced[i]! &&
      slots.every((s, j) => strides[j]![k] === s[i]! * n);
    if (joins) {
      out[k]! *= n;
      slots.forEach((s, j) => strides[j]![k] = s[i]!);
    } else {
      out.push(n);
      kinds.push(reduced[i]!);
      slots.forEach((s, j) => strides[j]!.push(s[i]!));
    }
  });
  return { dims: out, reduced: kinds, strides };
}

/**
 * The function of a nest: its parameters are the addresses of what it loads, what it stores and
 * what it reduces to.
 */
export function nestFn(module: Module, nest: Nest, pool: Pool): Fn {
  const order = reachable(nest.exprs, [
    ...nest.stores.map((s) => s.expr),
    ...nest.reductions.map((r) => r.expr),
  ]);
  return module.shared(
    keyOf(nest, order),
    () => new NestCode(module, nest, order, pool).build(),
  );
}

/** A slot as the function walks it: strides of the loops that are left, and its pointer. */
interface Walk extends Elements {
  readonly strides: number[];
  /** The pointer, which outer loops move. */
  readonly pointer: number;
}

class NestCode {
  readonly #f: Fn;
  readonly #code: VectorCode;
  readonly #lanes: Lanes;
  readonly #order: readonly Expr[];
  readonly #uses = new Map<Expr, number>();
  readonly #depth = new Map<Expr, number>();
  readonly #loads: Walk[];
  readonly #stores: Walk[];
  readonly #results: Walk[];
  readonly #dims: number[];
  readonly #reduced: boolean[];
  /** The loop that vectors run along. */
  readonly #along: number;
  /** Reductions whose results are vectors of neighbouring elements. */
  readonly #columns: boolean;
  /** Values that do not change in the innermost loop, or in none. */
  readonly #fixed = new Map<Expr, number>();
  /** How far the innermost loop has come, in bytes for elements of each size. */
  readonly #counters = new Map<number, number>();
  /** The number of the first element of the row. */
  readonly #row: number;
  readonly #rowStrides: readonly number[];
  readonly #walks: readonly Walk[];
  readonly #sums: Staged[];

  constructor(module: Module, readonly nest: Nest, order: readonly Expr[], pool: Pool) {
    const { stores, reductions } = nest;
    const loads = nest.loads.filter((s) => s !== null);
    const roots = [...stores.map((s) => s.expr), ...reductions.map((r) => r.expr)];
    this.#order = order;
    const count = loads.length + stores.length + reductions.length;
    const f = this.#f = new Fn(new Array(count).fill(I32));
    const slots: Slot[] = [
      ...loads,
      ...stores.map((s) => s.slot),
      ...reductions.map((r) => r.slot),
    ];
    const wide = this.#order.some((n) => n.ty === "f64") ||
      slots.some((s) => s.dtype === "float64");
    this.#lanes = wide ? 2 : 4;
    this.#code = new VectorCode(f, this.#lanes, module, pool);
    for (const n of this.#order) {
      this.#depth.set(n, 1 + Math.max(0, ...n.args.map((a) => this.#depth.get(a)!)));
      for (const a of n.args) this.#uses.set(a, (this.#uses.get(a) ?? 0) + 1);
    }
    for (const n of roots) this.#uses.set(n, (this.#uses.get(n) ?? 0) + 1);

    // Loops over what is kept go outside.
    const loops = [...nest.dims.keys()].sort((a, b) =>
      Number(nest.reduced[a]) - Number(nest.reduced[b]) || a - b
    );
    const inOrder = loops.every((a, i) => a === i);
    const last = nest.dims.findLastIndex((n) => n !== 1);
    const indexed = this.#order.some((n) => n.op === "index");
    const joined = collapse(
      loops.map((i) => nest.dims[i]!),
      loops.map((i) => nest.reduced[i]!),
      [
        ...slots.map((s, i) =>
          loops.map((a) =>
            i >= slots.length - reductions.length && nest.reduced[a] ? 0 : s.strides[a]!
          )
        ),
        // The number of an element has strides as well.
        ...(indexed ? [rowMajor(nest.dims, loops)] : []),
      ],
    );
    this.#columns = last >= 0 && !nest.reduced[last]! &&
      nest.reduced.some((r, i) => r && nest.dims[i]! > 1);
    if (joined.dims.length === 0) {
      joined.dims.push(1);
      joined.reduced.push(reductions.length > 0);
      joined.strides.forEach((s) => s.push(0));
    }
    this.#dims = joined.dims;
    this.#reduced = joined.reduced;
    this.#along = this.#columns ? joined.reduced.lastIndexOf(false) : joined.dims.length - 1;
    const walks = slots.map((s, i): Walk => ({
      dtype: s.dtype,
      size: bytesPerElement[s.dtype],
      offset: s.offset * bytesPerElement[s.dtype],
      // In another order than that of memory, what is written behind a row may be there already.
      exact: s.exact || !inOrder,
      strides: joined.strides[i]!,
      step: joined.strides[i]![this.#along]!,
      pointer: i,
    }));
    let used = 0;
    this.#loads = nest.loads.map((s) => s === null ? walks[0]! : walks[used++]!);
    this.#stores = walks.slice(loads.length, loads.length + stores.length);
    this.#results = walks.slice(loads.length + stores.length);
    this.#row = indexed ? f.local(I32) : -1;
    this.#sums = reductions.map((r, i) =>
      new Staged(f, r.op, this.#code, r.expr, slots.at(i - reductions.length)!.dtype)
    );
    this.#rowStrides = indexed ? joined.strides.at(-1)! : [];
    this.#walks = walks;
  }

  build(): Fn {
    const f = this.#f;
    const sizes = new Set<number>();
    for (const w of this.#walks) {
      if (w.step === 1) sizes.add(w.size);
      else if (w.step !== 0) sizes.add(1);
    }
    if (this.#row >= 0 || sizes.size === 0) sizes.add(1);
    for (const size of sizes) this.#counters.set(size, f.local(I32));
    for (const n of this.#order) {
      const load = n.op === "input" ? this.#loads[n.imm]! : null;
      if (n.op !== "const" && !(load !== null && load.strides.every((s) => s === 0))) continue;
      const v = f.local(V128);
      if (load === null) splat(f, n.imm, n.ty);
      else this.#load(load, 0);
      f.set(v);
      this.#fixed.set(n, v);
    }
    if (this.#row >= 0) f.i32(0).set(this.#row);
    this.#level(0);
    return f;
  }

  /** The loops from level `l` on. */
  #level(l: number): void {
    const f = this.#f;
    const first = this.#columns ? this.#along : this.#reduced.indexOf(true);
    const starts = l === (first < 0 ? this.#dims.length - 1 : first);
    if (starts && !this.#columns) {
      for (const s of this.#sums) s.begin();
    }
    if (l === this.#along) {
      if (this.#columns) this.#columnLoop();
      else this.#vectorLoop();
    } else {
      f.repeat(this.#dims[l]!, () => {
        this.#level(l + 1);
        this.#move(l);
      });
      this.#back(l);
    }
    if (starts && !this.#columns) {
      this.#sums.forEach((s, i) => s.finish(this.#results[i]!.pointer, this.#results[i]!.offset));
    }
  }

  /** Moves pointers on by one step of loop `l`. */
  #move(l: number): void {
    const f = this.#f;
    for (const w of this.#walks) {
      const step = w.strides[l]! * w.size;
      if (step !== 0) f.get(w.pointer).plus(step).set(w.pointer);
    }
    const row = this.#rowStrides[l] ?? 0;
    if (this.#row >= 0 && row !== 0) f.get(this.#row).plus(row).set(this.#row);
  }

  /** Moves pointers back to where loop `l` began. */
  #back(l: number): void {
    if (l === 0) return;
    const f = this.#f;
    for (const w of this.#walks) {
      const all = w.strides[l]! * w.size * this.#dims[l]!;
      if (all !== 0) f.get(w.pointer).plus(-all).set(w.pointer);
    }
    const row = (this.#rowStrides[l] ?? 0) * this.#dims[l]!;
    if (this.#row >= 0 && row !== 0) f.get(this.#row).plus(-row).set(this.#row);
  }

  // ---------------------------------------------------------------- the innermost loop

  #vectorLoop(): void {
    const f = this.#f;
    const n = this.#dims[this.#along]!;
    const w = this.#lanes;
    this.#resetCounters();
    this.#loadRow();
    const sums = this.#sums;
    const exact = sums.length > 0 || this.#stores.some((s) => s.exact);
    const whole = exact ? Math.floor(n / w) : Math.ceil(n / w);
    const nodes = this.#order.length;
    const rare = this.#order.some((n) => n.op === "rare");
    let copies = 1;
    if (sums.length > 0 && nodes < SHORT) copies = 4;
    else if (nodes > LONG && !rare) copies = 2;
    while (copies > 1 && whole < copies * 2) copies >>= 1;
    const rounds = Math.floor(whole / copies);
    for (const s of sums) s.open(copies);
    if (rounds === 1) this.#block(copies, w);
    else if (rounds > 1) {
      const [size, counter] = [...this.#counters][0]!;
      const step = size * w * copies;
      Staged.loop(f, sums, counter, rounds, step, () => {
        this.#block(copies, w);
        this.#advance(w * copies);
      });
    }
    if (rounds === 1) this.#advance(w * copies);
    for (const s of sums) s.join();
    const rest = whole - rounds * copies;
    if (rest > 0) {
      for (let i = 0; i < rest; i++) {
        this.#block(1, w);
        if (i + 1 < rest || n % w > 0) this.#advance(w);
      }
    }
    if (exact && n % w > 0) this.#block(1, n % w);
  }

  /** Vectors along a loop that is kept, and sums over the loops inside of it. */
  #columnLoop(): void {
    const f = this.#f;
    const n = this.#dims[this.#along]!;
    const w = this.#lanes;
    this.#resetCounters();
    const whole = Math.floor(n / w);
    const column = (copies: number, lanes: number): void => {
      for (const s of this.#sums) {
        s.begin();
        s.open(copies);
      }
      this.#columnBody(this.#along + 1, copies, lanes);
      this.#sums.forEach((s, i) => {
        const out = this.#results[i]!;
        s.store((k, v) => {
          const part = Math.min(w, lanes - k * w);
          this.#store({ ...out, exact: out.exact || part < w }, v, s.ty, s.mask, k, part);
        });
      });
    };
    let copies = this.#order.length < SHORT ? 4 : 1;
    while (copies > 1 && whole < copies) copies >>= 1;
    const rounds = Math.floor(whole / copies);
    f.repeat(rounds, () => {
      column(copies, w * copies);
      this.#advance(w * copies);
    });
    const rest = whole - rounds * copies;
    f.repeat(rest, () => {
      column(1, w);
      this.#advance(w);
    });
    if (n % w > 0) column(1, n % w);
  }

  #columnBody(l: number, copies: number, lanes: number): void {
    if (l === this.#dims.length) {
      this.#loadRow();
      this.#block(copies, Math.min(lanes, this.#lanes));
      return;
    }
    this.#f.repeat(this.#dims[l]!, () => {
      this.#columnBody(l + 1, copies, lanes);
      this.#move(l);
    });
    this.#back(l);
  }

  #resetCounters(): void {
    for (const c of this.#counters.values()) this.#f.i32(0).set(c);
  }

  #advance(elements: number): void {
    for (const [size, c] of this.#counters) this.#f.get(c).plus(size * elements).set(c);
  }

  /** Loads what all elements of the innermost loop share. */
  #loadRow(): void {
    for (const n of this.#order) {
      if (n.op !== "input") continue;
      const load = this.#loads[n.imm]!;
      if (load.step !== 0 || load.strides.every((s) => s === 0)) continue;
      const v = this.#fixed.get(n) ?? this.#f.local(V128);
      this.#load(load, 0);
      this.#f.set(v);
      this.#fixed.set(n, v);
    }
  }

  #load(w: Walk, copy: number): void {
    loadVector(this.#f, this.#lanes, w, w.pointer, this.#counters, copy);
  }

  #store(w: Walk, v: number, ty: Ty, mask: 32 | 64, copy: number, lanes: number): void {
    const f = this.#f;
    const scattered = w.step !== 1 && (lanes > 1 || w.step !== 0);
    if (scattered || (lanes < this.#lanes && w.exact)) {
      storeLanes(f, this.#lanes, w, w.pointer, this.#counters, copy, v, ty, mask, lanes);
    } else storeVector(f, this.#lanes, w, w.pointer, this.#counters, copy, v, ty, mask);
  }

  // ---------------------------------------------------------------- one block of vectors

  /** Computes, stores and adds up `copies` vectors; of the last one `lanes` elements count. */
  #block(copies: number, lanes: number): void {
    const f = this.#f;
    const values = Array.from({ length: copies }, () => new Map<Expr, number>());
    const left = values.map(() => new Map(this.#uses));
    const pushed = (x: Expr, copy: number): void => {
      const fixed = this.#fixed.get(x);
      if (fixed !== undefined) return void f.get(fixed);
      const local = values[copy]!.get(x);
      if (local === undefined) return compute(x, copy);
      f.get(local);
      const rest = left[copy]!.get(x)! - 1;
      left[copy]!.set(x, rest);
      if (rest === 0) {
        f.release(local);
        values[copy]!.delete(x);
      }
    };
    const compute = (x: Expr, copy: number): void => {
      if (x.op === "input") return this.#load(this.#loads[x.imm]!, copy);
      if (x.op === "index") return this.#index(copy);
      if (x.op === "rare") return this.#rare(x, (a) => pushed(a, copy), keep, copy, own.get(x)!);
      this.#code.emit(x, (a) => pushed(a, copy));
    };
    const keep = (x: Expr, copy: number): void => {
      compute(x, copy);
      const v = f.local(V128);
      f.set(v);
      values[copy]!.set(x, v);
    };
    const own = this.#owned();
    const inRare = new Set([...own.values()].flat());
    for (const x of this.#order) {
      if (this.#fixed.has(x) || inRare.has(x)) continue;
      const nested = copies === 1 && this.#uses.get(x) === 1 && this.#depth.get(x)! % DEEP !== 0;
      if (nested) continue;
      for (let c = 0; c < copies; c++) keep(x, c);
    }
    this.#sums.forEach((s, i) => {
      const { expr } = this.nest.reductions[i]!;
      for (let c = 0; c < copies; c++) {
        s.add(c, () => pushed(expr, c), this.#columns || c < copies - 1 ? this.#lanes : lanes);
      }
    });
    // All is read before anything is written: results may lie where operands do.
    const ready: { w: Walk; v: number; x: Expr; c: number }[] = [];
    for (let c = 0; c < copies; c++) {
      this.#stores.forEach((w, i) => {
        const x = this.nest.stores[i]!.expr;
        const v = f.local(V128);
        pushed(x, c);
        f.set(v);
        ready.push({ w, v, x, c });
      });
    }
    for (const { w, v, x, c } of ready) {
      const part = c < copies - 1 ? this.#lanes : lanes;
      this.#store(w, v, x.ty, x.ty === "bool" ? this.#code.maskOf(x) : 32, c, part);
      f.release(v);
    }
    for (const map of values) for (const v of map.values()) f.release(v);
  }

  /** The number of each element. */
  #index(copy: number): void {
    const f = this.#f;
    const step = this.#rowStrides[this.#along]!;
    f.get(this.#counters.get(1)!);
    if (step !== 1) f.i32(step).op(0x6c);
    f.get(this.#row).op(0x6a).plus(copy * this.#lanes * step).simd(17);
    f.v128([0, 1, 2, 3].flatMap((l) => {
      const n = l * step;
      return [n & 255, n >> 8 & 255, n >> 16 & 255, n >> 24 & 255];
    })).simd(174);
  }

  /** For each rare choice, what only its first side needs. */
  #owned(): Map<Expr, Expr[]> {
    const owned = new Map<Expr, Expr[]>();
    for (const x of this.#order.toReversed()) {
      if (x.op !== "rare") continue;
      const inside = new Set<Expr>();
      for (const n of this.#order.toReversed()) {
        if (this.#fixed.has(n) || n === x) continue;
        let uses = n === x.args[1] ? 1 : 0;
        for (const m of inside) uses += m.args.filter((a) => a === n).length;
        if (uses > 0 && uses === this.#uses.get(n)) inside.add(n);
      }
      owned.set(x, this.#order.filter((n) => inside.has(n)));
    }
    return owned;
  }

  #rare(
    x: Expr,
    push: (a: Expr) => void,
    keep: (a: Expr, copy: number) => void,
    copy: number,
    own: readonly Expr[],
  ): void {
    const f = this.#f;
    const [condition, seldom, mostly] = x.args as [Expr, Expr, Expr];
    const mask = f.local(V128);
    const out = f.local(V128);
    push(mostly);
    f.set(out);
    push(condition);
    f.set(mask);
    f.get(mask).simd(83).block("if");
    const nested = this.#owned();
    const inner = new Set(own.filter((n) => n.op === "rare").flatMap((n) => nested.get(n)!));
    for (const n of own) if (!inner.has(n) && this.#uses.get(n)! > 1) keep(n, copy);
    push(seldom);
    f.get(out).get(mask);
    if (x.ty === "f64" && this.#code.maskOf(condition) === 32) f.simd(199);
    else if (x.ty !== "f64" && this.#code.maskOf(condition) === 64) {
      f.get(mask).simd(13).op(0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11);
    }
    f.simd(82).set(out).end();
    f.get(out);
    f.release(mask);
    f.release(out);
  }
}

/** Strides of the numbers of elements, in the order of loops. */
function rowMajor(dims: readonly number[], order: readonly number[]): number[] {
  const strides = new Array<number>(dims.length);
  for (let i = dims.length - 1, s = 1; i >= 0; i--) {
    strides[i] = s;
    s *= dims[i]!;
  }
  return order.map((a) => strides[a]!);
}

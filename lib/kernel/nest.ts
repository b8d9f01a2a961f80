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
import { type Expr, reachable } from "../scalar/expr.ts";
import { Fn, I32, type Module, V128 } from "./encoder.ts";
import { type Elements, loadVector, storeLanes, storeVector } from "./values.ts";
import { Evaluation, exactFn, type Graph, graphOf, isRare, lanesOf, leavesOf } from "./evaluate.ts";
import {
  bytesPerElement,
  collapse,
  cutIntoTiles,
  keyOf,
  type Listing,
  listingOf,
  type Nest,
  rowMajor,
  type Slot,
} from "./space.ts";
import { Staged } from "./lanes.ts";
import { type Lanes, type Pool, splat, VectorCode } from "./vector.ts";

/** Expressions of more nodes than this wait for their own results: two vectors are worked on in turn. */
const LONG = 24;
/**
 * Most nodes that the copies of a block have together, about 12 bytes of code each. Derivatives of special functions
 * have 10,000 nodes and more in one: in 400 kB without a branch V8 was slower than in fewer copies, compiling and
 * running, and JavaScriptCore (Bun 1.3.3) aborted the process.
 */
const MOST_NODES = 20_000;
/**
 * Reductions of fewer nodes than this wait for the sum: four vectors are worked on in turn. Of extremes in parts
 * two, whose accumulators are as many as there are registers for, where there are enough of them to pay for
 * putting them together.
 */
const SHORT = 16;
const PARTED = 2;
const FEW = 16;
/**
 * Rows of at most so many elements are reduced several at a time, where there are at least `MANY`: extremes
 * take 0.4 to 0.7 of the time so. Sums gain nothing, since their vectors are combined faster. Where much is
 * computed of each element, rows of more than two vectors keep the machine as busy as they are.
 */
const SHORT_ROW = 16;
const MANY = 16;
/**
 * The function of a nest: its parameters are the addresses of the first elements of what it loads,
 * what it stores and what it reduces to. `listing` has the nodes of all that.
 */
export function nestFn(
  module: Module,
  nest: Nest,
  pool: Pool,
  listing: Listing = listingOf(reachable(nest.exprs, [
    ...nest.stores.map((s) => s.expr),
    ...nest.reductions.map((r) => r.expr),
  ])),
): Fn {
  return module.shared(
    keyOf(nest, listing),
    () => new NestCode(module, nest, listing.order, pool).build(),
  );
}

/** A slot as the function walks it: strides of the loops that are left, and its pointer. */
interface Walk extends Elements {
  readonly strides: number[];
  /** The pointer, which outer loops move. */
  readonly pointer: number;
}

/**
 * Whether elements lie in order along the last loop that is kept, and not along the last one, which is
 * reduced: as in sums over rows of a transposed matrix. Or whether rows are so short that putting neighbours
 * together from several of them costs less than a vector for each.
 */
function isTurned(
  nest: Nest,
  loads: readonly Slot[],
  last: number,
  [nodes, lanes]: readonly [nodes: number, lanes: Lanes],
): boolean {
  const { dims, reduced, stores, reductions } = nest;
  const kept = dims.findLastIndex((n, i) => n !== 1 && !reduced[i]!);
  if (kept < 0 || stores.length > 0) return false;
  const row = dims.reduce((n, d, i) => reduced[i] ? n * d : n, 1);
  const extremes = reductions.every((r) => r.op === "max" || r.op === "min");
  const short = nodes < SHORT ? SHORT_ROW : 2 * lanes;
  if (extremes && row <= short && dims[kept]! >= MANY) return true;
  const step = (s: Slot, axis: number): number => Math.abs(s.strides[axis]!);
  return loads.every((s) => step(s, kept) <= 1) && loads.some((s) => step(s, last) > 1);
}

class NestCode {
  readonly #f: Fn;
  readonly #code: VectorCode;
  readonly #lanes: Lanes;
  readonly #order: readonly Expr[];
  readonly #graph: Graph;
  readonly #roots: readonly Expr[];
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
  /** The last vector of those that are worked on in turn, and how many of its elements count. */
  #end = { copy: -1, lanes: 0 };
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
    this.#roots = [...new Set(roots)];
    this.#graph = graphOf(order, roots);
    this.#lanes = lanesOf(this.#graph.nodes, roots);
    this.#code = new VectorCode(f, this.#lanes, module, pool);
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
    // Long expressions want long loops, and wait for themselves more than for memory.
    if (order.length < SHORT) cutIntoTiles(joined, loads);
    this.#columns = last >= 0 && nest.reduced.some((r, i) => r && nest.dims[i]! > 1) &&
      (!nest.reduced[last]! ||
        isTurned(nest, loads, last, [this.#graph.nodes.length, this.#lanes]));
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
    const vectors = joined.dims.reduce(
      (n, d, i) =>
        !joined.reduced[i] ? n : n * (i === this.#along ? Math.ceil(d / this.#lanes) : d),
      1,
    );
    this.#sums = reductions.map((r, i) =>
      new Staged(f, r.op, this.#code, r.expr, slots.at(i - reductions.length)!.dtype, vectors)
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
      if (!this.#graph.uses.has(n)) continue;
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
      this.#sums.forEach((s, i) => s.finish(this.#results[i]!.pointer));
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
    const exact = sums.length > 0 || this.#stores.some((s) => s.exact) ||
      this.#loads.some((s) => s.step !== 0 && s.step !== 1);
    const whole = exact ? Math.floor(n / w) : Math.ceil(n / w);
    const nodes = this.#graph.nodes.length;
    let copies = 1;
    const parted = sums.some((s) => s.parted);
    if (sums.length > 0 && nodes < SHORT) copies = parted ? PARTED : 4;
    else if (nodes > LONG) copies = 4;
    while (copies > 1 && (whole < copies * (parted ? FEW : 2) || nodes * copies > MOST_NODES)) {
      copies >>= 1;
    }
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
          this.#store({ ...out, exact: out.exact || part < w }, v, s.mask, k, part);
        });
      });
    };
    let copies = this.#graph.nodes.length < SHORT ? 4 : 1;
    if (this.#sums.some((s) => s.parted)) copies = Math.min(copies, PARTED);
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
    Staged.column(this.#f, this.#sums, this.#dims[l]!, () => {
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
    const used = copy === this.#end.copy ? this.#end.lanes : this.#lanes;
    loadVector(this.#f, this.#lanes, w, w.pointer, this.#counters, copy, used);
  }

  #store(w: Walk, v: number, mask: 32 | 64, copy: number, lanes: number): void {
    const f = this.#f;
    const scattered = w.step !== 1 && (lanes > 1 || w.step !== 0);
    if (scattered || (lanes < this.#lanes && w.exact)) {
      storeLanes(f, this.#lanes, w, w.pointer, this.#counters, copy, v, mask, lanes);
    } else storeVector(f, this.#lanes, w, w.pointer, this.#counters, copy, v, mask);
  }

  // ---------------------------------------------------------------- one block of vectors

  /** Computes, stores and adds up `copies` vectors; of the last one `lanes` elements count. */
  #block(copies: number, lanes: number): void {
    const f = this.#f;
    this.#end = { copy: copies - 1, lanes };
    const doubt = this.#graph.nodes.some(isRare) ? f.local(V128) : null;
    if (doubt !== null) f.v128(new Array<number>(16).fill(0)).set(doubt);
    const values = new Evaluation(
      this.#code,
      this.#graph,
      this.#fixed,
      this.#leaf,
      copies,
      doubt,
    );
    values.run();
    const certain = doubt === null ? null : this.#settle(values, doubt);
    const push = (x: Expr, copy: number): void =>
      certain === null ? values.push(x, copy) : void f.get(certain[copy]!.get(x)!);
    this.#sums.forEach((s, i) => {
      const { expr } = this.nest.reductions[i]!;
      for (let c = 0; c < copies; c++) {
        const whole = this.#columns || c < copies - 1;
        s.add(c, () => push(expr, c), whole ? this.#lanes : lanes);
      }
    });
    // All is read before anything is written: results may lie where operands do.
    const ready: { w: Walk; v: number; x: Expr; c: number }[] = [];
    for (let c = 0; c < copies; c++) {
      this.#stores.forEach((w, i) => {
        const x = this.nest.stores[i]!.expr;
        const v = f.local(V128);
        push(x, c);
        f.set(v);
        ready.push({ w, v, x, c });
      });
    }
    for (const { w, v, x, c } of ready) {
      const part = c < copies - 1 ? this.#lanes : lanes;
      this.#store(w, v, x.ty === "bool" ? this.#code.maskOf(x) : 32, c, part);
      f.release(v);
    }
    values.end();
    for (const map of certain ?? []) for (const v of map.values()) f.release(v);
    if (doubt !== null) f.release(doubt);
  }

  /** The results of each vector in locals, computed again where a choice was not as it mostly is. */
  #settle(values: Evaluation, doubt: number): Map<Expr, number>[] {
    const f = this.#f;
    const roots = this.#roots;
    const locals = Array.from(
      { length: values.copies },
      (_, c) =>
        new Map(roots.map((x): [Expr, number] => {
          const v = f.local(V128);
          values.push(x, c);
          f.set(v);
          return [x, v];
        })),
    );
    const exact = exactFn(this.#code, this.#order, roots);
    f.get(doubt).simd(83).block("if");
    locals.forEach((map, c) => {
      for (const x of leavesOf(this.#order)) {
        const fixed = this.#fixed.get(x);
        if (fixed === undefined) this.#leaf(x, c);
        else f.get(fixed);
      }
      f.call(exact);
      for (const x of roots.toReversed()) f.set(map.get(x)!);
    });
    f.end();
    return locals;
  }

  /** Pushes what is no operation. */
  readonly #leaf = (x: Expr, copy: number): void => {
    if (x.op === "input") this.#load(this.#loads[x.imm]!, copy);
    else this.#index(copy);
  };

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
}

/**
 * Vector loops and sums of routines, where all they compute has types of four or eight bytes: several
 * vectors in a round, then single ones, then the scalar code for what is left.
 *
 * @module
 */
import { InternalError } from "../core/mod.ts";
import type { ArrayRef, Cell, Expr, Local, Loop, Stmt, Sum, Ty } from "../routine/syntax.ts";
import { type Fn, I32, V128 } from "./encoder.ts";

/** What vector code needs of the scalar code around it. */
export interface ScalarCode {
  /** The function. */
  readonly fn: Fn;
  /** Whether sums may multiply and add in one step of relaxed SIMD. */
  readonly fma: boolean;
  /** The local that holds the address of an array. */
  address(array: ArrayRef): number;
  /** The local of the function for a local of the routine. */
  local(local: Local): number;
  /** Pushes a value. */
  value(e: Expr): void;
  /** The rounds of a loop from where the counter is up to a local. */
  rest(counter: Local, limit: number, body: readonly Stmt[]): void;
}

/** Bytes of an element, as a power of two. */
export const logWidth: Readonly<Record<Cell, number>> = { u8: 0, i32: 2, u32: 2, f32: 2, f64: 3 };

/** `total += value`. */
export function added(total: Local, value: Expr): Stmt {
  const now: Expr = { op: "get", ty: total.ty, local: total };
  return { op: "set", local: total, value: { op: "+", ty: total.ty, args: [now, value] } };
}

/** Vectors that a round of a loop does, and a round of a sum, which waits for each addition. */
const UNROLL = 2;
const UNROLL_SUM = 4;

/** Instructions for i32, u32, f32, f64. */
const instructions: Readonly<Record<string, readonly (number | null)[]>> = {
  "+": [174, 174, 228, 240],
  "-": [177, 177, 229, 241],
  "*": [181, 181, 230, 242],
  "/": [null, null, 231, 243],
  "&": [78, 78],
  "|": [80, 80],
  "^": [81, 81],
  abs: [160, null, 224, 236],
  neg: [161, 161, 225, 237],
  sqrt: [null, null, 227, 239],
  ceil: [null, null, 0x67, 0x74],
  floor: [null, null, 0x68, 0x75],
  trunc: [null, null, 0x69, 0x7a],
  nearest: [null, null, 0x6a, 0x94],
  min: [182, 183, 232, 244],
  max: [184, 185, 233, 245],
  "==": [55, 55, 65, 71],
  "!=": [56, 56, 66, 72],
  "<": [57, 58, 67, 73],
  ">": [59, 60, 68, 74],
  "<=": [61, 62, 69, 75],
  ">=": [63, 64, 70, 76],
};
const comparisons = { "==": 0, "!=": 0, "<": 0, ">": 0, "<=": 0, ">=": 0 };
const columns: readonly Ty[] = ["i32", "u32", "f32", "f64"];
const splats: Readonly<Record<Ty, number>> = { i32: 17, u32: 17, bool: 17, f32: 19, f64: 20 };
const extracts: Readonly<Record<Ty, number>> = { i32: 27, u32: 27, bool: 27, f32: 31, f64: 33 };
const adds: Readonly<Record<Ty, number>> = {
  i32: 0x6a,
  u32: 0x6a,
  bool: 0x6a,
  f32: 0x92,
  f64: 0xa0,
};
/** `a * b + c` in one rounding. */
const fused: Readonly<Partial<Record<Ty, number>>> = { f32: 0x105, f64: 0x107 };
const SELECT = 82, AND = 78, OR = 80, NOT = 77;
const LOAD = 0, STORE = 11, LOAD_HALF = 93, STORE_HALF = 0x5b, PROMOTE = 95, DEMOTE = 94;

/** A vector loop; gives whether it can be one. */
export function emitVector(code: ScalarCode, s: Loop): boolean {
  const vectors = new Vectors(code, s.counter, "loop");
  for (const t of s.body) {
    if (t.op === "set") vectors.define(t.local, t.value);
    else if (t.op === "store") vectors.store(t.array, t.index, t.value);
    else return false;
  }
  return vectors.emit(
    s.from,
    s.to,
    UNROLL,
    (k) => {
      for (const t of s.body) {
        if (t.op === "set") vectors.setLane(t.local, t.value, k);
        else if (t.op === "store") vectors.put(t.array, t.index, t.value, k);
      }
    },
    () => {},
    s.body,
  );
}

/** A sum; gives whether it can be one of vectors. */
export function emitSum(code: ScalarCode, s: Sum): boolean {
  const { fn } = code;
  const { ty } = s.value;
  const vectors = new Vectors(code, s.counter, "sum");
  vectors.check(s.value);
  if (!vectors.possible()) return false;
  const total = code.local(s.total);
  code.value({ op: "const", ty, value: 0 });
  fn.set(total);
  const totals = Array.from({ length: UNROLL_SUM }, () => fn.local(V128));
  for (const t of totals) fn.v128(new Array(16).fill(0)).set(t);
  vectors.emit(s.from, s.to, UNROLL_SUM, (k) => {
    const multiply = code.fma ? fused[ty] : undefined;
    if (multiply !== undefined && s.value.op === "*") {
      for (const a of s.value.args) vectors.value(a, k);
      fn.get(totals[k]!).simd(multiply);
    } else {
      fn.get(totals[k]!);
      vectors.value(s.value, k);
      fn.simd(instructions["+"]![columns.indexOf(ty)]!);
    }
    fn.set(totals[k]!);
  }, () => {
    const plus = instructions["+"]![columns.indexOf(ty)]!;
    const [a, b, c, d] = totals as [number, number, number, number];
    fn.get(a).get(b).simd(plus).get(c).get(d).simd(plus).simd(plus).set(a);
    for (let lane = 0; lane < vectors.lanes; lane++) {
      fn.get(a).simd(extracts[ty]).op(lane);
      if (lane % 2 === 1) fn.op(adds[ty]);
    }
    if (vectors.lanes === 4) fn.op(adds[ty]);
    fn.set(total);
  }, [added(s.total, s.value)]);
  totals.forEach((t) => fn.release(t));
  return true;
}

/** An array read or written at a place that moves with the counter. */
interface Reference {
  readonly array: ArrayRef;
  readonly index: Expr;
  /** Local with the address of the element of the round. */
  pointer: number;
}

class Vectors {
  /** Elements of a vector. */
  lanes = 4;
  #impossible = false;
  /** Types that vectors hold, and those that are compared or chosen from. */
  readonly #types = new Set<Ty>();
  readonly #compared = new Set<Ty>();
  readonly #references = new Map<string, Reference>();
  /** Locals of the body, for each copy of it. */
  readonly #own = new Map<string, number>();
  readonly #defined = new Set<number>();
  /** Vectors of values that are the same in all rounds. */
  readonly #same = new Map<string, { local: number; readonly value: Expr }>();

  constructor(
    readonly code: ScalarCode,
    readonly counter: Local,
    readonly kind: "loop" | "sum",
  ) {}

  // -------------------------------------------------------------- what the body needs

  /** Whether vectors can do it: where they have two lanes, these are of floats, and conditions wide. */
  possible(): boolean {
    const narrow = this.#types.has("i32") || this.#types.has("u32") || this.#compared.has("f32");
    return !this.#impossible && !(this.lanes === 2 && narrow);
  }

  define(local: Local, value: Expr): void {
    this.check(value);
    this.#defined.add(local.id);
  }

  store(array: ArrayRef, index: Expr, value: Expr): void {
    this.#refer(array, index);
    this.check(value);
  }

  check(e: Expr): void {
    if (e.ty === "f64") this.lanes = 2;
    this.#types.add(e.ty);
    if (this.#invariant(e)) {
      if (e.ty === "bool") this.#impossible = true;
      this.#same.set(keyOf(e), { local: -1, value: e });
    } else if (e.op === "load") this.#refer(e.array, e.index);
    else if (e.op === "get") {
      if (e.local.id === this.counter.id) this.#impossible = true;
    } else if (e.op !== "const") {
      const { ty } = e.args[0]!;
      if (e.op in comparisons) this.#compared.add(ty);
      if (e.op === "select") this.#compared.add(e.ty);
      const simple = (instructions[e.op]?.[columns.indexOf(ty)] ?? null) !== null;
      const floats = e.op === "convert" && isFloat(e.ty) && isFloat(ty);
      if (!simple && !floats && !["select", "and", "or", "not"].includes(e.op)) {
        this.#impossible = true;
      }
      e.args.forEach((a) => this.check(a));
    }
  }

  #refer(array: ArrayRef, index: Expr): void {
    if (slope(index, this.counter, this.#defined) !== 1) {
      if (this.kind === "sum") {
        this.#impossible = true;
        return;
      }
      throw new InternalError(`${array.name} moves by other steps than a vector loop`);
    }
    if (array.cell === "u8") this.#impossible = true;
    else this.#types.add(array.cell);
    if (array.cell === "f64") this.lanes = 2;
    const key = `${array.id} ${keyOf(index)}`;
    this.#references.set(key, { array, index, pointer: -1 });
  }

  /** Whether a value is the same in all rounds. */
  #invariant(e: Expr): boolean {
    if (e.op === "const") return true;
    if (e.op === "get") return e.local.id !== this.counter.id && !this.#defined.has(e.local.id);
    // Nothing is stored in a sum.
    if (e.op === "load") return this.kind === "sum" && this.#invariant(e.index);
    return e.args.every((a) => this.#invariant(a));
  }

  // -------------------------------------------------------------- code

  /** The loop: `body` for each of the vectors of a round, `after` them, then single elements. */
  emit(
    from: Expr,
    to: Expr,
    unroll: number,
    body: (k: number) => void,
    after: () => void,
    rest: readonly Stmt[],
  ): boolean {
    if (!this.possible()) return false;
    const { code, lanes } = this;
    const { fn } = code;
    const references = [...this.#references.values()];
    const same = [...this.#same.values()];
    const i = code.local(this.counter);
    const [limit, last] = [fn.local(I32), fn.local(I32)];
    code.value(to);
    fn.set(limit);
    code.value(from);
    fn.set(i);
    // Nothing is prepared for a range that is too short for vectors.
    fn.get(limit).get(i).op(0x6b).i32(lanes).op(0x4e).block("if");
    for (const s of same) {
      code.value(s.value);
      fn.simd(splats[s.value.ty]).set(s.local = fn.local(V128));
    }
    for (const r of references) {
      fn.get(code.address(r.array));
      code.value(r.index);
      fn.i32(logWidth[r.array.cell]).op(0x74, 0x6a).set(r.pointer = fn.local(I32));
    }
    for (const vectors of [unroll, 1]) {
      const step = vectors * lanes;
      fn.get(limit).plus(-step).set(last);
      fn.get(i).get(last).op(0x4c).block("if").block("loop");
      for (let k = 0; k < vectors; k++) body(k);
      for (const { array, pointer } of references) {
        fn.get(pointer).plus(step << logWidth[array.cell]).set(pointer);
      }
      fn.get(i).plus(step).tee(i).get(last).op(0x4c).branch(0, true).end().end();
    }
    after();
    fn.end();
    code.rest(this.counter, limit, rest);
    const pointers = references.map((r) => r.pointer);
    const vectors = [...same.map((s) => s.local), ...this.#own.values()];
    for (const l of [...pointers, ...vectors, limit, last]) fn.release(l);
    return true;
  }

  /** Sets a local of the body, in its `k`th copy. */
  setLane(local: Local, value: Expr, k: number): void {
    this.value(value, k);
    const key = `${local.id} ${k}`;
    let own = this.#own.get(key);
    if (own === undefined) this.#own.set(key, own = this.code.fn.local(V128));
    this.code.fn.set(own);
  }

  /** Stores a vector. */
  put(array: ArrayRef, index: Expr, value: Expr, k: number): void {
    const { fn } = this.code;
    fn.get(this.#reference(array, index).pointer);
    this.value(value, k);
    const half = this.lanes === 2 && array.cell === "f32";
    const offset = (k * this.lanes) << logWidth[array.cell];
    fn.memory(half ? STORE_HALF : STORE, offset, half ? 0 : -1);
  }

  #reference(array: ArrayRef, index: Expr): Reference {
    return this.#references.get(`${array.id} ${keyOf(index)}`)!;
  }

  /** Pushes a vector of values, those of the `k`th vector of a round. */
  value(e: Expr, k: number): void {
    const { fn } = this.code;
    if (this.#invariant(e)) return void fn.get(this.#same.get(keyOf(e))!.local);
    switch (e.op) {
      case "const":
        return;
      case "get":
        fn.get(this.#own.get(`${e.local.id} ${k}`)!);
        return;
      case "load": {
        const half = this.lanes === 2 && e.array.cell === "f32";
        fn.get(this.#reference(e.array, e.index).pointer);
        fn.memory(half ? LOAD_HALF : LOAD, (k * this.lanes) << logWidth[e.array.cell]);
        return;
      }
      case "select":
        for (const a of [1, 2, 0]) this.value(e.args[a]!, k);
        fn.simd(SELECT);
        return;
    }
    for (const a of e.args) this.value(a, k);
    if (e.op === "and" || e.op === "or") fn.simd(e.op === "and" ? AND : OR);
    else if (e.op === "not") fn.simd(NOT);
    else if (e.op === "convert") fn.simd(e.ty === "f64" ? PROMOTE : DEMOTE);
    else fn.simd(instructions[e.op]![columns.indexOf(e.args[0]!.ty)]!);
  }
}

const isFloat = (ty: Ty): boolean => ty === "f32" || ty === "f64";

/**
 * By how much an index grows with the counter; `null` where that is not known, as where it depends on
 * what the body declares.
 */
function slope(e: Expr, counter: Local, declared: ReadonlySet<number>): number | null {
  switch (e.op) {
    case "const":
      return 0;
    case "get":
      return e.local.id === counter.id ? 1 : declared.has(e.local.id) ? null : 0;
    case "load":
      return slope(e.index, counter, declared) === 0 ? 0 : null;
  }
  const slopes = e.args.map((a) => slope(a, counter, declared));
  if (slopes.includes(null)) return null;
  if (slopes.every((s) => s === 0)) return 0;
  const [a, b] = slopes as [number, number];
  return e.op === "+" ? a + b : e.op === "-" ? a - b : null;
}

/** What an expression is, as text: equal ones have the same. */
function keyOf(e: Expr): string {
  switch (e.op) {
    case "const":
      return `${e.ty} ${Object.is(e.value, -0) ? "-0" : e.value}`;
    case "get":
      return `local ${e.local.id}`;
    case "load":
      return `${e.array.id}[${keyOf(e.index)}]`;
    default:
      return `${e.ty} ${e.op}(${e.args.map(keyOf)})`;
  }
}

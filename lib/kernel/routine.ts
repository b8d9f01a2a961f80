/**
 * Routines as functions of a WebAssembly module: scalar code, and vectors of 16 bytes for its `vector`
 * loops and sums. The language is described in `lib/routine/routine.ts`.
 *
 * @module
 */
import { type DType, InternalError } from "../core/mod.ts";
import type { Routine } from "../routine/routine.ts";
import type { ArrayRef, Cell, Expr, Local, Loop, Stmt, Ty, Typed } from "../routine/syntax.ts";
import { F32, F64, Fn, I32, type Module } from "./encoder.ts";
import { added, emitSum, emitVector, logWidth, type ScalarCode } from "./routine_vector.ts";

/** How code for a routine may be. */
export interface RoutineOptions {
  /** Whether sums may multiply and add in one step of relaxed SIMD. */
  readonly fma: boolean;
}

/**
 * The function of a routine in a module, made when first asked for. It takes addresses of the arrays
 * that are read, of those that are written and of scratch, and then the scalars, all `i32`.
 */
export function routineFn(
  module: Module,
  routine: Routine,
  dtype: DType,
  options: RoutineOptions,
): Fn {
  return module.shared(`routine ${routine.id} ${dtype}`, () => {
    const callees = new Map(
      Object.entries(routine.callees).map(([name, r]) => [
        name,
        routineFn(module, r, dtype, options),
      ]),
    );
    return new RoutineCode(routine.typed(dtype), callees, options.fma).fn;
  });
}

const valueTypes: Readonly<Record<Ty, number>> = {
  i32: I32,
  u32: I32,
  bool: I32,
  f32: F32,
  f64: F64,
};
const loads: Readonly<Record<Cell, number>> = {
  u8: 0x2d,
  i32: 0x28,
  u32: 0x28,
  f32: 0x2a,
  f64: 0x2b,
};
const stores: Readonly<Record<Cell, number>> = {
  u8: 0x3a,
  i32: 0x36,
  u32: 0x36,
  f32: 0x38,
  f64: 0x39,
};

/** Instructions of two operands for i32, u32, f32, f64. */
const binary: Readonly<Record<string, readonly number[]>> = {
  "+": [0x6a, 0x6a, 0x92, 0xa0],
  "-": [0x6b, 0x6b, 0x93, 0xa1],
  "*": [0x6c, 0x6c, 0x94, 0xa2],
  "/": [0x6d, 0x6e, 0x95, 0xa3],
  "%": [0x6f, 0x70],
  "&": [0x71, 0x71],
  "|": [0x72, 0x72],
  "^": [0x73, 0x73],
  "<<": [0x74, 0x74],
  ">>": [0x75, 0x76],
  "==": [0x46, 0x46, 0x5b, 0x61],
  "!=": [0x47, 0x47, 0x5c, 0x62],
  "<": [0x48, 0x49, 0x5d, 0x63],
  ">": [0x4a, 0x4b, 0x5e, 0x64],
  "<=": [0x4c, 0x4d, 0x5f, 0x65],
  ">=": [0x4e, 0x4f, 0x60, 0x66],
};

/** Instructions of floats, for f32 and f64. */
const floats: Readonly<Record<string, readonly [number, number]>> = {
  abs: [0x8b, 0x99],
  neg: [0x8c, 0x9a],
  ceil: [0x8d, 0x9b],
  floor: [0x8e, 0x9c],
  trunc: [0x8f, 0x9d],
  nearest: [0x90, 0x9e],
  sqrt: [0x91, 0x9f],
  min: [0x96, 0xa4],
  max: [0x97, 0xa5],
  copysign: [0x98, 0xa6],
};

const conversions: Readonly<Record<string, readonly number[]>> = {
  "f32 i32": [0xfc, 0],
  "f32 u32": [0xfc, 1],
  "f64 i32": [0xfc, 2],
  "f64 u32": [0xfc, 3],
  "i32 f32": [0xb2],
  "u32 f32": [0xb3],
  "bool f32": [0xb2],
  "f64 f32": [0xb6],
  "i32 f64": [0xb7],
  "u32 f64": [0xb8],
  "bool f64": [0xb7],
  "f32 f64": [0xbb],
};

/** Code of a routine under construction. */
class RoutineCode implements ScalarCode {
  /** The function. */
  readonly fn: Fn;
  readonly #arrays: number;
  readonly #scalars: number;
  readonly #locals = new Map<number, number>();
  /** How many blocks are open in the loop around a statement. */
  #depth = 0;

  /** Makes the code of a routine. */
  constructor(
    routine: Typed,
    readonly callees: ReadonlyMap<string, Fn>,
    readonly fma: boolean,
  ) {
    this.#arrays = routine.arrays.length;
    this.#scalars = routine.scalars;
    this.fn = new Fn(new Array(this.#arrays + this.#scalars).fill(I32));
    this.block(routine.body);
  }

  /** The local of the function that holds the address of an array. */
  address(array: ArrayRef): number {
    return array.id;
  }

  /** The local of the function for a local of the routine. */
  local({ id, ty }: Local): number {
    if (id < this.#scalars) return this.#arrays + id;
    let local = this.#locals.get(id);
    if (local === undefined) this.#locals.set(id, local = this.fn.local(valueTypes[ty]));
    return local;
  }

  /** Statements in turn. */
  block(body: readonly Stmt[]): void {
    for (const s of body) this.#statement(s);
  }

  #statement(s: Stmt): void {
    const { fn } = this;
    switch (s.op) {
      case "set":
        this.value(s.value);
        fn.set(this.local(s.local));
        return;
      case "store":
        this.#element(s.array, s.index);
        this.value(s.value);
        fn.scalar(stores[s.array.cell], 0);
        return;
      case "for":
        this.#loop(s);
        return;
      case "vector":
        if (!emitVector(this, s)) this.#loop(s);
        return;
      case "sum": {
        const total = this.local(s.total);
        if (emitSum(this, s)) return;
        this.value({ op: "const", ty: s.total.ty, value: 0 });
        fn.set(total);
        this.#loop({ ...s, ...upwards, body: [added(s.total, s.value)] });
        return;
      }
      case "while":
        this.#round(
          () => {
            this.value(s.test);
            fn.op(0x45).branch(1, true);
          },
          s.body,
          () => {},
        );
        return;
      case "if":
        this.value(s.test);
        fn.block("if");
        this.#depth++;
        this.block(s.body);
        if (s.otherwise.length > 0) {
          fn.otherwise();
          this.block(s.otherwise);
        }
        this.#depth--;
        fn.end();
        return;
      case "break":
        fn.branch(this.#depth + 1);
        return;
      case "call": {
        for (const { array, from } of s.arrays) this.#element(array, from);
        for (const x of s.scalars) this.value(x);
        const callee = this.callees.get(s.name);
        if (callee === undefined) throw new InternalError(`no routine ${s.name} to call`);
        fn.call(callee);
      }
    }
  }

  /** A loop: a test that may leave it by a branch to block 1, what it does, and the step. */
  #round(test: () => void, body: readonly Stmt[], step: () => void): void {
    const { fn } = this;
    const outer = this.#depth;
    fn.block("block").block("loop");
    test();
    this.#depth = 0;
    this.block(body);
    this.#depth = outer;
    step();
    fn.branch(0).end().end();
  }

  #loop({ counter, from, to, down, by, body }: Loop): void {
    const { fn } = this;
    const i = this.local(counter);
    const [limit, step] = [fn.local(I32), fn.local(I32)];
    this.value(down ? from : to);
    fn.set(limit);
    this.value(down ? to : from);
    fn.set(i);
    if (down) fn.get(i).plus(-1).set(i);
    this.value(by);
    fn.set(step);
    // Leaves at i >= limit, or i < limit.
    const test = (): void => void fn.get(i).get(limit).op(down ? 0x48 : 0x4e).branch(1, true);
    this.#round(test, body, () => {
      if (by.op === "const") fn.get(i).plus(down ? -by.value : by.value).set(i);
      else fn.get(i).get(step).op(down ? 0x6b : 0x6a).set(i);
    });
    fn.release(limit);
    fn.release(step);
  }

  /** The rounds of a vector loop or sum from where the counter is. */
  rest(counter: Local, limit: number, body: readonly Stmt[]): void {
    const { fn } = this;
    const i = this.local(counter);
    const test = (): void => void fn.get(i).get(limit).op(0x4e).branch(1, true);
    this.#round(test, body, () => void fn.get(i).plus(1).set(i));
  }

  /** Pushes the address of an element. */
  #element(array: ArrayRef, index: Expr): void {
    this.fn.get(this.address(array));
    if (index.op === "const" && index.value === 0) return;
    this.value(index);
    const shift = logWidth[array.cell];
    if (shift > 0) this.fn.i32(shift).op(0x74);
    this.fn.op(0x6a);
  }

  /** Pushes a value. */
  value(e: Expr): void {
    const { fn } = this;
    switch (e.op) {
      case "const":
        if (e.ty === "f64") fn.f64(e.value);
        else if (e.ty === "f32") fn.f32(e.value);
        else fn.i32(e.value);
        return;
      case "get":
        fn.get(this.local(e.local));
        return;
      case "load":
        this.#element(e.array, e.index);
        fn.scalar(loads[e.array.cell], 0);
        return;
      case "and":
      case "or":
        this.value(e.args[0]!);
        fn.op(0x04, I32);
        if (e.op === "and") this.value(e.args[1]!);
        else fn.i32(1);
        fn.otherwise();
        if (e.op === "or") this.value(e.args[1]!);
        else fn.i32(0);
        fn.end();
        return;
      case "select":
        for (const k of [1, 2, 0]) this.value(e.args[k]!);
        fn.op(0x1b);
        return;
    }
    const column = ["i32", "u32", "f32", "f64"].indexOf(e.args[0]!.ty);
    const float = floats[e.op]?.[column - 2];
    if (e.op === "min" || e.op === "max" || e.op === "abs" || e.op === "neg") {
      if (float === undefined) return this.#ofIntegers(e);
    }
    for (const a of e.args) this.value(a);
    if (float !== undefined) return void fn.op(float);
    switch (e.op) {
      case "not":
        fn.op(0x45);
        return;
      case "convert":
        fn.op(...conversions[`${e.args[0]!.ty} ${e.ty}`] ?? []);
        return;
      case "bits":
        fn.op(0xbc);
        return;
      case "high":
        // The upper half of the integer with the same bits.
        fn.op(0xbd, 0x42, 32, 0x88, 0xa7);
        return;
      case "low":
        fn.op(0xbd, 0xa7);
        return;
    }
    const instruction = binary[e.op]?.[Math.max(column, 0)];
    if (instruction === undefined) throw new InternalError(`${e.op} of ${e.args[0]!.ty}`);
    fn.op(instruction);
  }

  /** Functions of integers that are no instruction. */
  #ofIntegers(e: Expr & { readonly args: readonly Expr[] }): void {
    const { fn } = this;
    const [x, y] = e.args as [Expr, Expr];
    const zero: Expr = { op: "const", ty: x.ty, value: 0 };
    if (e.op === "neg") return this.value({ op: "-", ty: x.ty, args: [zero, x] });
    const [a, b] = [fn.local(I32), fn.local(I32)];
    this.value(x);
    fn.set(a);
    if (e.op === "abs") fn.i32(0).get(a).op(0x6b).set(b);
    else {
      this.value(y);
      fn.set(b);
    }
    const less = x.ty === "u32" && e.op !== "abs" ? 0x49 : 0x48;
    const [first, second] = e.op === "min" ? [a, b] : [b, a];
    fn.get(first).get(second).get(a).get(b).op(less, 0x1b);
    fn.release(a);
    fn.release(b);
  }
}

/** What a loop over all rounds of a sum adds to the sum's own range. */
const upwards = { op: "for", down: false, by: { op: "const", ty: "i32", value: 1 } } as const;

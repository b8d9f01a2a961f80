/**
 * Scalar expressions as instructions on vectors of 128 bits: two or four elements at a time.
 *
 * With four lanes, all values are 32 bits wide. With two, `f64` values are 64 bits wide and all others
 * lie in the two lower lanes of 32 bits. A bool is a mask of the width of what it was computed from.
 *
 * The remainder of two floats, for which there is no instruction.
 *
 * @module
 */
import { InternalError } from "../core/mod.ts";
import type { Expr, Op, Ty } from "../scalar/expr.ts";
import { F64, Fn, I32, type Module, V128 } from "./encoder.ts";

/**
 * A function of two `f64`: the remainder of the division that rounds towards zero, with the sign of the
 * first. By subtracting multiples of the divisor by powers of two, all of which is exact.
 */
export function remainderFn(module: Module): Fn {
  return module.shared("remainder", () => {
    const f = new Fn([F64, F64], [F64]);
    const [x, y] = [0, 1];
    const rest = f.local(F64);
    const step = f.local(F64);
    // |x| < infinity and |y| > 0, or else there is no remainder: NaN.
    f.get(x).op(0x99).tee(rest).f64(Infinity).op(0x63);
    f.get(y).op(0x99).tee(y).f64(0).op(0x64).op(0x71, 0x45);
    f.block("if").f64(NaN).op(0x0f).end();
    f.get(y).set(step);
    f.block("block").block("loop");
    f.get(step).get(step).op(0xa0).get(rest).op(0x65, 0x45).branch(1, true);
    f.get(step).get(step).op(0xa0).set(step).branch(0).end().end();
    f.block("block").block("loop");
    f.get(rest).get(step).op(0x66).block("if");
    f.get(rest).get(step).op(0xa1).set(rest).end();
    // An infinite divisor is left at once, and so is one that is greater than x.
    f.get(step).get(y).op(0x61).branch(1, true);
    f.get(step).f64(0.5).op(0xa2).set(step).branch(0).end().end();
    f.get(rest).get(x).op(0xa6);
    return f;
  });
}

/** Elements in a vector. */
export type Lanes = 2 | 4;

/** Puts constants where a program finds them: an address relative to the constants' own. */
export type Pool = (values: readonly number[], ty: Ty) => number;

/** Numbers of instructions on `f32x4` and `f64x2`. */
const FLOAT: Readonly<Partial<Record<Op, readonly [f32: number, f64: number]>>> = {
  neg: [225, 237],
  abs: [224, 236],
  sqrt: [227, 239],
  nearest: [106, 148],
  ceil: [103, 116],
  floor: [104, 117],
  trunc: [105, 122],
  add: [228, 240],
  sub: [229, 241],
  mul: [230, 242],
  div: [231, 243],
  min: [232, 244],
  max: [233, 245],
  eq: [65, 71],
  ne: [66, 72],
  lt: [67, 73],
  gt: [68, 74],
  le: [69, 75],
  ge: [70, 76],
};

/** Numbers of instructions on `i32x4`, signed and unsigned. */
const INTEGER: Readonly<Partial<Record<Op, readonly [signed: number, unsigned: number]>>> = {
  neg: [161, 161],
  abs: [160, 160],
  add: [174, 174],
  sub: [177, 177],
  mul: [181, 181],
  min: [182, 183],
  max: [184, 185],
  eq: [55, 55],
  ne: [56, 56],
  lt: [57, 58],
  gt: [59, 60],
  le: [61, 62],
  ge: [63, 64],
  and: [78, 78],
  or: [80, 80],
  xor: [81, 81],
  not: [77, 77],
};

/** Numbers of instructions on masks. */
const MASK: Readonly<Partial<Record<Op, number>>> = {
  and: 78,
  min: 78,
  or: 80,
  max: 80,
  xor: 81,
  ne: 81,
  not: 77,
};

const AND = 78;
const AND_NOT = 79;
const BITSELECT = 82;
const SHUFFLE = 13;

/** The number of an instruction with operands of a type; `undefined` where there is none. */
export function instruction(op: Op, ty: Ty): number | undefined {
  if (ty === "bool") return MASK[op];
  if (ty === "f32" || ty === "f64") return FLOAT[op]?.[ty === "f64" ? 1 : 0];
  return INTEGER[op]?.[ty === "u32" ? 1 : 0];
}

/** Pushes a vector of one number in all lanes. */
export function splat(f: Fn, value: number, ty: Ty): void {
  if (ty === "f32") f.f32(value).simd(19);
  else if (ty === "f64") f.f64(value).simd(20);
  else f.i32(ty === "bool" ? (value ? -1 : 0) : value).simd(17);
}

/** A shuffle of two vectors by words of 32 bits: 0 to 3 of the first, 4 to 7 of the second. */
export function words(f: Fn, ...order: readonly number[]): void {
  f.simd(SHUFFLE);
  for (const w of order) f.op(4 * w, 4 * w + 1, 4 * w + 2, 4 * w + 3);
}

/** Turns the mask of 32-bit lanes on the stack into one of 64-bit lanes, or back. */
function widen(f: Fn, from: number, to: number): void {
  if (from === to) return;
  if (to === 64) {
    f.simd(199);
    return;
  }
  const x = f.local(V128);
  f.tee(x).get(x);
  words(f, 0, 2, 0, 2);
  f.release(x);
}

/** Emits the instructions of expressions into one function. */
export class VectorCode {
  readonly #masks = new Map<Expr, 32 | 64>();

  /** Code for a function that works on this many elements at a time. */
  constructor(
    readonly f: Fn,
    readonly lanes: Lanes,
    readonly module: Module,
    readonly pool: Pool,
  ) {}

  /** The width of a bool's mask, as {@linkcode emit} leaves it. */
  maskOf(x: Expr): 32 | 64 {
    if (this.lanes === 4) return 32;
    let width = this.#masks.get(x);
    if (width === undefined) {
      const narrow = x.args.length === 0 ||
        x.args.some((a) => a.ty === "bool" ? this.maskOf(a) === 32 : a.ty !== "f64");
      width = narrow ? 32 : 64;
      this.#masks.set(x, width);
    }
    return width;
  }

  /**
   * Pushes the value of a node that is no input, index or rare choice. `push` pushes an operand.
   */
  emit(x: Expr, push: (a: Expr) => void): void {
    const { f } = this;
    const { op, ty } = x;
    const [a, b] = x.args as [Expr, Expr];
    const pushMask = (m: Expr, width: number): void => {
      push(m);
      if (m.op !== "const") widen(f, this.maskOf(m), width);
    };
    switch (op) {
      case "const":
        return splat(f, x.imm, ty);
      case "select": {
        if (this.#extreme(x, push)) return;
        const width = ty === "bool" ? this.maskOf(x) : ty === "f64" ? 64 : 32;
        for (const side of [x.args[1]!, x.args[2]!]) {
          if (ty === "bool") pushMask(side, width);
          else push(side);
        }
        pushMask(a, width);
        this.choose(width);
        return;
      }
      case "convert":
        return this.#convert(x, push, pushMask);
      case "bits":
      case "fromBits":
        return push(a);
      case "high":
      case "low": {
        const v = f.local(V128);
        push(a);
        f.tee(v).get(v);
        if (op === "high") words(f, 1, 3, 1, 3);
        else words(f, 0, 2, 0, 2);
        f.release(v);
        return;
      }
      case "fromWords":
        push(b);
        push(a);
        words(f, 0, 4, 1, 5);
        return;
      case "shl":
      case "shr":
        if (b.op === "const") {
          push(a);
          f.i32(b.imm).simd(op === "shl" ? 171 : ty === "u32" ? 173 : 172);
          return;
        }
        return this.#lanewise(x, push, (p, q) => {
          f.get(p).get(q).op(op === "shl" ? 0x74 : ty === "u32" ? 0x76 : 0x75);
        });
      case "table":
        return this.#table(x, push);
      case "rem":
        if (ty === "f32" || ty === "f64") return this.#remainder(x, push);
        return this.#divide(x, push);
      case "div":
        if (ty === "i32" || ty === "u32") return this.#divide(x, push);
    }
    if (a.ty === "bool") {
      const width = this.maskOf(x);
      const both = (first: Expr, second: Expr, code: number): void => {
        pushMask(first, width);
        pushMask(second, width);
        f.simd(code);
      };
      switch (op) {
        case "eq":
          both(a, b, MASK.xor!);
          f.simd(MASK.not!);
          return;
        // `x` and not `y` is `x > y`.
        case "gt":
          return both(a, b, AND_NOT);
        case "lt":
          return both(b, a, AND_NOT);
        case "le":
          both(a, b, AND_NOT);
          f.simd(MASK.not!);
          return;
        case "ge":
          both(b, a, AND_NOT);
          f.simd(MASK.not!);
          return;
      }
    }
    const code = instruction(op, a.ty);
    if (code === undefined) throw new InternalError(`no instruction for ${op} of ${a.ty}`);
    for (const arg of x.args) {
      if (a.ty === "bool") pushMask(arg, this.maskOf(x));
      else push(arg);
    }
    f.simd(code);
  }

  /**
   * Chooses lanes of two vectors by a mask, all on the stack. The relaxed instruction looks at the sign of
   * a lane alone, and is one instruction of the machine instead of three.
   */
  choose(width: 32 | 64): void {
    this.f.simd(this.module.relaxed ? (width === 64 ? 0x10c : 0x10b) : BITSELECT);
  }

  /** Pushes a choice of the greater or the less of two floats, if it is one, which is an instruction. */
  #extreme(x: Expr, push: (a: Expr) => void): boolean {
    const [condition, yes, no] = x.args as [Expr, Expr, Expr];
    if ((x.ty !== "f32" && x.ty !== "f64") || condition.op !== "lt") return false;
    const [p, q] = condition.args as [Expr, Expr];
    const wide = x.ty === "f64";
    if (yes === q && no === p) {
      // p < q ? q : p
      push(p);
      push(q);
      this.f.simd(wide ? 247 : 235);
      return true;
    }
    if (yes !== p || no !== q) return false;
    // p < q ? p : q
    push(q);
    push(p);
    this.f.simd(wide ? 246 : 234);
    return true;
  }

  #convert(
    x: Expr,
    push: (a: Expr) => void,
    pushMask: (m: Expr, width: number) => void,
  ): void {
    const { f } = this;
    const a = x.args[0]!;
    if (a.ty === "bool") {
      pushMask(a, x.ty === "f64" ? 64 : 32);
      splat(f, 1, x.ty);
      f.simd(AND);
      return;
    }
    push(a);
    const key = `${a.ty} ${x.ty}`;
    const codes: Readonly<Record<string, number>> = {
      "f64 f32": 94,
      "f32 f64": 95,
      "f32 i32": 248,
      "f32 u32": 249,
      "i32 f32": 250,
      "u32 f32": 251,
      "f64 i32": 252,
      "f64 u32": 253,
      "i32 f64": 254,
      "u32 f64": 255,
    };
    const code = codes[key];
    // Between the types of integers, bits stay.
    if (code !== undefined) f.simd(code);
  }

  /** One lane after the other, for what there is no instruction for: `scalar` pushes an `i32`. */
  #lanewise(x: Expr, push: (a: Expr) => void, scalar: (p: number, q: number) => void): void {
    const { f, lanes } = this;
    const vectors = x.args.map((a) => {
      const v = f.local(V128);
      push(a);
      f.set(v);
      return v;
    });
    const parts = vectors.map(() => f.local(I32));
    const out = f.local(V128);
    for (let l = 0; l < lanes; l++) {
      vectors.forEach((v, i) => f.get(v).simd(27).op(l).set(parts[i]!));
      if (l > 0) f.get(out);
      scalar(parts[0]!, parts[1] ?? -1);
      if (l === 0) f.simd(17);
      else f.simd(28).op(l);
      f.set(out);
    }
    f.get(out);
    for (const l of [...vectors, ...parts, out]) f.release(l);
  }

  /** Division of integers; see `Exprs.div` for what has no quotient. */
  #divide(x: Expr, push: (a: Expr) => void): void {
    const { f } = this;
    const rest = x.op === "rem";
    const signed = x.ty === "i32";
    this.#lanewise(x, push, (p, q) => {
      // A divisor of 0 or -1 is taken for 1, so that nothing traps.
      f.get(p).i32(1).get(q);
      if (signed) f.get(q).i32(1).op(0x6a).i32(2).op(0x49);
      else f.get(q).op(0x45);
      f.op(0x1b);
      f.op(rest ? (signed ? 0x6f : 0x70) : signed ? 0x6d : 0x6e);
      const r = f.local(I32);
      f.set(r);
      if (rest) f.get(p).get(r).get(q).op(0x45).op(0x1b);
      else {
        f.i32(-1);
        if (signed) {
          f.i32(0).get(p).op(0x6b).get(r).get(q).i32(-1).op(0x46).op(0x1b);
        } else f.get(r);
        f.get(q).op(0x45).op(0x1b);
      }
      f.release(r);
    });
  }

  /** The remainder of floats, by a function. */
  #remainder(x: Expr, push: (a: Expr) => void): void {
    const { f, lanes } = this;
    const wide = x.ty === "f64";
    const remainder = remainderFn(this.module);
    const vectors = x.args.map((a) => {
      const v = f.local(V128);
      push(a);
      f.set(v);
      return v;
    });
    const out = f.local(V128);
    for (let l = 0; l < lanes; l++) {
      if (l > 0) f.get(out);
      for (const v of vectors) {
        f.get(v).simd(wide ? 33 : 31).op(l);
        if (!wide) f.op(0xbb);
      }
      f.call(remainder);
      if (!wide) f.op(0xb6);
      if (l === 0) f.simd(wide ? 20 : 19);
      else f.simd(wide ? 34 : 32).op(l);
      f.set(out);
    }
    f.get(out);
    for (const l of [...vectors, out]) f.release(l);
  }

  #table(x: Expr, push: (a: Expr) => void): void {
    const { f, lanes } = this;
    const values = x.table!;
    const at = this.pool(values, x.ty);
    const index = f.local(V128);
    push(x.args[0]!);
    // Lanes that hold no element may hold anything.
    f.i32(values.length - 1).simd(17).simd(183).set(index);
    const out = f.local(V128);
    const size = x.ty === "f64" ? 8 : 4;
    for (let l = 0; l < lanes; l++) {
      f.getGlobal(0).get(index).simd(27).op(l).i32(size === 8 ? 3 : 2).op(0x74, 0x6a);
      if (l === 0) f.memory(size === 8 ? 10 : 9, at);
      else f.get(out).memory(size === 8 ? 87 : 86, at, l);
      f.set(out);
    }
    f.get(out);
    f.release(index);
    f.release(out);
  }

  /** Brings the mask of a bool on the stack to another width. */
  widen(x: Expr, width: 32 | 64): void {
    if (x.op !== "const") widen(this.f, this.maskOf(x), width);
  }

  /** Says that a bool, whatever it was computed from, is a mask of 32-bit lanes. */
  isNarrow(x: Expr): void {
    this.#masks.set(x, 32);
  }

  /** Combines the lanes of a vector by an instruction, so that the first one has the result. */
  horizontal(vector: number, code: number, ty: Ty): void {
    const { f, lanes } = this;
    const step = (...order: readonly number[]): void => {
      f.get(vector).get(vector).get(vector);
      words(f, ...order);
      f.simd(code).set(vector);
    };
    if (ty === "f64") return step(2, 3, 2, 3);
    // Neighbours first, so that short rows are added up one by one.
    step(1, 0, 3, 2);
    if (lanes === 4) step(2, 3, 0, 1);
  }
}

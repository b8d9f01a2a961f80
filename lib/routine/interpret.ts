/**
 * Routines where code from strings is forbidden: closures, which give the same results slowly, and find
 * elements outside of arrays.
 *
 * Scalar functions of routines that JavaScript does not have.
 *
 * @module
 */
import type { TypedArray } from "../core/dtype.ts";
import { InternalError } from "../core/errors.ts";
import type { Expr, Run, Stmt, Ty, Typed } from "./syntax.ts";

const f64 = /* @__PURE__ */ new Float64Array(1);
const f32 = /* @__PURE__ */ new Float32Array(f64.buffer);
const i32 = /* @__PURE__ */ new Int32Array(f64.buffer);

/** The nearest integer, the even one of two. */
export function nearest(x: number): number {
  const whole = Math.round(x);
  const even = Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : whole;
  return even === 0 ? copysign(0, x) : even;
}

/** The first number with the sign of the second one. */
export function copysign(x: number, y: number): number {
  const negative = y < 0 || Object.is(y, -0);
  return negative ? -Math.abs(x) : Math.abs(x);
}

/** Bits of a float32, as an int32. */
export function bits(x: number): number {
  f32[0] = x;
  return i32[0]!;
}

/** Upper half of the bits of a float64. */
export function high(x: number): number {
  f64[0] = x;
  return i32[1]!;
}

/** Lower half of the bits of a float64. */
export function low(x: number): number {
  f64[0] = x;
  return i32[0]!;
}

/** What a routine works on. */
export interface Frame {
  /** The arrays among its parameters. */
  readonly arrays: readonly TypedArray[];
  /** Its locals, scalar parameters first. */
  readonly locals: number[];
}

/** A value. */
export type Value = (f: Frame) => number;
/** Gives whether the loop around it ends. */
type Effect = (f: Frame) => boolean;

const rounding: Readonly<Record<Ty, (x: number) => number>> = {
  f32: Math.fround,
  f64: (x) => x,
  i32: (x) => x | 0,
  u32: (x) => x >>> 0,
  bool: (x) => x,
};

const functions: Readonly<Record<string, (x: number, y: number) => number>> = {
  "+": (x, y) => x + y,
  "-": (x, y) => x - y,
  "/": (x, y) => x / y,
  "%": (x, y) => x % y,
  "&": (x, y) => x & y,
  "|": (x, y) => x | y,
  "^": (x, y) => x ^ y,
  "<<": (x, y) => x << y,
  "==": (x, y) => +(x === y),
  "!=": (x, y) => +(x !== y),
  "<": (x, y) => +(x < y),
  "<=": (x, y) => +(x <= y),
  ">": (x, y) => +(x > y),
  ">=": (x, y) => +(x >= y),
  min: Math.min,
  max: Math.max,
  copysign,
  neg: (x) => -x,
  not: (x) => +(x === 0),
  abs: Math.abs,
  sqrt: Math.sqrt,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  nearest,
  bits,
  high,
  low,
  convert: (x) => x,
};

/** Makes a function of a routine; `callees` are those that it may call. */
export function interpret(routine: Typed, callees: Readonly<Record<string, Run>>): Run {
  const body = block(routine.body, callees);
  const count = routine.arrays.length;
  return (...args) => {
    const locals: number[] = new Array(routine.locals.length).fill(0);
    for (let i = 0; i < routine.scalars; i++) locals[i] = args[count + i] as number;
    body({ arrays: args.slice(0, count) as TypedArray[], locals });
  };
}

function block(body: readonly Stmt[], callees: Readonly<Record<string, Run>>): Effect {
  const effects = body.map((s) => effect(s, callees));
  return (f) => effects.some((e) => e(f));
}

function effect(s: Stmt, callees: Readonly<Record<string, Run>>): Effect {
  switch (s.op) {
    case "set": {
      const [to, x] = [s.local.id, value(s.value)];
      return (f) => (f.locals[to] = x(f), false);
    }
    case "store": {
      const { id, name } = s.array;
      const [index, x] = [value(s.index), value(s.value)];
      return (f) => {
        const at = index(f);
        f.arrays[id]![inside(name, f.arrays[id]!, at)] = x(f);
        return false;
      };
    }
    case "for":
    case "vector": {
      const [i, body] = [s.counter.id, block(s.body, callees)];
      const [from, to, by] = [value(s.from), value(s.to), value(s.by)];
      return (f) => {
        const [start, end, step] = [from(f), to(f), by(f)];
        const [first, next] = s.down ? [end - 1, -step] : [start, step];
        for (let k = first; k >= start && k < end; k += next) {
          f.locals[i] = k;
          if (body(f)) break;
        }
        return false;
      };
    }
    case "sum": {
      const [i, total, x] = [s.counter.id, s.total.id, value(s.value)];
      const [from, to, round] = [value(s.from), value(s.to), rounding[s.value.ty]];
      return (f) => {
        let sum = 0;
        for (let k = from(f), end = to(f); k < end; k++) {
          f.locals[i] = k;
          sum = round(sum + x(f));
        }
        f.locals[total] = sum;
        return false;
      };
    }
    case "while": {
      const [test, body] = [value(s.test), block(s.body, callees)];
      return (f) => {
        while (test(f) !== 0 && !body(f));
        return false;
      };
    }
    case "if": {
      const [test, body, otherwise] = [
        value(s.test),
        block(s.body, callees),
        block(s.otherwise, callees),
      ];
      return (f) => test(f) !== 0 ? body(f) : otherwise(f);
    }
    case "break":
      return () => true;
    case "call": {
      const from = s.arrays.map((a) => value(a.from));
      const scalars = s.scalars.map(value);
      return (f) => {
        const arrays = s.arrays.map(({ array }, k) => f.arrays[array.id]!.subarray(from[k]!(f)));
        callees[s.name]!(...arrays, ...scalars.map((x) => x(f)));
        return false;
      };
    }
  }
}

function inside(name: string, array: TypedArray, at: number): number {
  if (at >= 0 && at < array.length) return at;
  throw new InternalError(`a routine touches ${name}[${at}] of ${array.length} elements`);
}

/** The value of an expression, as a function of arrays and locals. */
export function value(e: Expr): Value {
  switch (e.op) {
    case "const":
      return () => e.value;
    case "get":
      return (f) => f.locals[e.local.id]!;
    case "load": {
      const { id, name } = e.array;
      const index = value(e.index);
      return (f) => f.arrays[id]![inside(name, f.arrays[id]!, index(f))]!;
    }
  }
  const [x, y, z] = e.args.map(value) as [Value, Value, Value];
  const round = rounding[e.ty];
  switch (e.op) {
    case "and":
      return (f) => x(f) === 0 ? 0 : y(f);
    case "or":
      return (f) => x(f) !== 0 ? 1 : y(f);
    case "select":
      return (f) => x(f) !== 0 ? y(f) : z(f);
    case "*":
      if (e.ty === "i32" || e.ty === "u32") return (f) => round(Math.imul(x(f), y(f)));
      return (f) => round(x(f) * y(f));
    case ">>":
      return e.ty === "u32" ? (f) => x(f) >>> y(f) : (f) => x(f) >> y(f);
  }
  const apply = functions[e.op]!;
  return y === undefined ? (f) => round(apply(x(f), 0)) : (f) => round(apply(x(f), y(f)));
}

/**
 * Routines as JavaScript functions on typed arrays.
 *
 * @module
 */
import { interpret } from "./interpret.ts";
import * as scalars from "./interpret.ts";
import type { ArrayRef, Expr, Local, Run, Stmt, Typed } from "./syntax.ts";

let allowed: boolean | null = null;

/** Whether code may be made from strings: a content security policy may forbid it. */
export function compiles(): boolean {
  if (allowed !== null) return allowed;
  try {
    return allowed = new Function("return true")() as boolean;
  } catch {
    return allowed = false;
  }
}

/** Makes a function of a routine; `callees` are those that it may call. */
export function compile(routine: Typed, callees: Readonly<Record<string, Run>>): Run {
  if (!compiles()) return interpret(routine, callees);
  const names = [
    ...routine.arrays.map(array),
    ...routine.locals.slice(0, routine.scalars).map(local),
  ];
  const make = new Function(
    "callees",
    ...Object.keys(scalars),
    `return function (${names}) {\n${text(routine)}};`,
  );
  return make(callees, ...Object.values(scalars)) as Run;
}

/** The body of the function. */
export function text(routine: Typed): string {
  const own = routine.locals.slice(routine.scalars);
  const zeros = own.map((l) => `${local(l)} = ${l.ty === "bool" ? "false" : 0}`);
  const declared = own.length > 0 ? `let ${zeros.join(", ")};\n` : "";
  return declared + block(routine.body);
}

const array = (a: ArrayRef): string => `$${a.name}`;
const local = (l: Local): string => `${l.name}$${l.id}`;

function block(body: readonly Stmt[]): string {
  return body.map(statement).join("");
}

function statement(s: Stmt): string {
  switch (s.op) {
    case "set":
      return `${local(s.local)} = ${value(s.value)};\n`;
    case "store":
      return `${array(s.array)}[${value(s.index)}] = ${value(s.value)};\n`;
    case "for":
    case "vector": {
      const i = local(s.counter);
      const [from, to, by] = [value(s.from), value(s.to), value(s.by)];
      const head = s.down
        ? `${i} = end$ - 1 | 0; ${i} >= from$; ${i} = ${i} - by$ | 0`
        : `${i} = from$; ${i} < end$; ${i} = ${i} + by$ | 0`;
      return `{ const from$ = ${from}, end$ = ${to}, by$ = ${by};\n` +
        `for (${head}) {\n${block(s.body)}} }\n`;
    }
    case "sum": {
      const i = local(s.counter);
      const add = (total: string, at: string): string =>
        `{ const ${i} = ${at}; ${total} = ${
          round(s.value.ty, `${total} + ${value(s.value)}`)
        }; }\n`;
      const four = [0, 1, 2, 3].map((k) => add(`s${k}$`, `i$ + ${k}`)).join("");
      const pairs = [round(s.value.ty, "s0$ + s1$"), round(s.value.ty, "s2$ + s3$")];
      return `{ let s0$ = 0, s1$ = 0, s2$ = 0, s3$ = 0, i$ = ${value(s.from)};\n` +
        `const e$ = ${value(s.to)};\n` +
        `for (; i$ + 3 < e$; i$ += 4) {\n${four}}\n` +
        `for (; i$ < e$; i$++) ${add("s0$", "i$")}` +
        `${local(s.total)} = ${round(s.value.ty, pairs.join(" + "))}; }\n`;
    }
    case "while":
      return `while (${value(s.test)}) {\n${block(s.body)}}\n`;
    case "if": {
      const otherwise = s.otherwise.length > 0 ? ` else {\n${block(s.otherwise)}}` : "";
      return `if (${value(s.test)}) {\n${block(s.body)}}${otherwise}\n`;
    }
    case "break":
      return "break;\n";
    case "call": {
      const arrays = s.arrays.map(({ array: a, from }) =>
        from.op === "const" && from.value === 0 ? array(a) : `${array(a)}.subarray(${value(from)})`
      );
      return `callees.${s.name}(${[...arrays, ...s.scalars.map(value)]});\n`;
    }
  }
}

/** Rounds what double precision gives to a type. */
function round(ty: Expr["ty"], x: string): string {
  switch (ty) {
    case "f32":
      return `Math.fround(${x})`;
    case "i32":
      return `(${x} | 0)`;
    case "u32":
      return `((${x}) >>> 0)`;
    default:
      return `(${x})`;
  }
}

function value(e: Expr): string {
  switch (e.op) {
    case "const":
      return e.ty === "bool" ? String(e.value !== 0) : Object.is(e.value, -0) ? "-0" : `${e.value}`;
    case "get":
      return local(e.local);
    case "load":
      return `${array(e.array)}[${value(e.index)}]`;
  }
  const [x, y, z] = e.args.map(value) as [string, string, string];
  const from = e.args[0]!.ty;
  switch (e.op) {
    case "==":
    case "!=":
      return `(${x} ${e.op}= ${y})`;
    case "<":
    case "<=":
    case ">":
    case ">=":
      return `(${x} ${e.op} ${y})`;
    case "and":
      return `(${x} && ${y})`;
    case "or":
      return `(${x} || ${y})`;
    case "not":
      return `!${x}`;
    case "select":
      return `(${x} ? ${y} : ${z})`;
    case "*":
      if (e.ty === "i32" || e.ty === "u32") return round(e.ty, `Math.imul(${x}, ${y})`);
      return round(e.ty, `${x} * ${y}`);
    case ">>":
      return e.ty === "u32" ? `(${x} >>> ${y})` : `(${x} >> ${y})`;
    case "neg":
      return round(e.ty, `-${x}`);
    case "abs":
      return round(e.ty, `Math.abs(${x})`);
    case "sqrt":
      return round(e.ty, `Math.sqrt(${x})`);
    case "floor":
    case "ceil":
    case "trunc":
    case "min":
    case "max":
      return `Math.${e.op}(${y === undefined ? x : `${x}, ${y}`})`;
    case "nearest":
      return `nearest(${x})`;
    case "copysign":
      return `copysign(${x}, ${y})`;
    case "bits":
    case "high":
    case "low":
      return `${e.op}(${x})`;
    case "convert":
      if (from === "bool") return `(${x} ? 1 : 0)`;
      return e.ty === "f64" ? x : round(e.ty, x);
    default:
      return round(e.ty, `${x} ${e.op} ${y}`);
  }
}

/**
 * The text of a routine, read into a tree: names and types are resolved later, in `resolve.ts`, once
 * for each element type. The language is described in `routine.ts`.
 *
 * A routine for one element type, in which all names and types are known: `resolve.ts` makes it, and code
 * is made of it, in `javascript.ts` and `lib/kernel/routine.ts`.
 *
 * @module
 */
import type { TypedArray } from "../core/dtype.ts";
import { InternalError } from "../core/errors.ts";

/** An expression as written. */
export interface Term {
  /** `number`, `name`, `index`, `call`, `sum`, `neg`, `not`, or an infix operator. */
  readonly op: string;
  /** Its operands; of an `index`, the indices; of a `sum`: from, to and what is added up. */
  readonly args: readonly Term[];
  /** The name, the array, the function or the counter. */
  readonly name: string;
  /** The value of a number. */
  readonly value: number;
  /** Whether a number is written as an integer. */
  readonly integer: boolean;
  /** Line of the text. */
  readonly line: number;
}

/** A statement as written. */
export type Statement =
  & { readonly line: number }
  & (
    | { readonly op: "let"; readonly name: string; readonly type: string; readonly value: Term }
    | {
      readonly op: "set";
      readonly target: Term;
      /** The operator of `+=` and the like; empty for `=`. */
      readonly operator: string;
      readonly value: Term;
    }
    | {
      readonly op: "for" | "vector";
      readonly name: string;
      readonly from: Term;
      readonly to: Term;
      readonly down: boolean;
      readonly by: Term | null;
      readonly body: readonly Statement[];
    }
    | { readonly op: "while"; readonly test: Term; readonly body: readonly Statement[] }
    | {
      readonly op: "if";
      readonly test: Term;
      readonly body: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
    | { readonly op: "break" }
    | { readonly op: "call"; readonly name: string; readonly args: readonly Term[] }
  );

/** What is between the parentheses behind the name. */
export interface Parameter {
  /** Its name. */
  readonly name: string;
  /** An array that is read, written or scratch, or an `i32`. */
  readonly kind: "in" | "out" | "scratch" | "scalar";
  /** Element type as written. */
  readonly type: string;
  /** Lengths of the axes of an array. */
  readonly lengths: readonly Term[];
}

/** A routine as written. */
export interface Source {
  /** Its name. */
  readonly name: string;
  /** Its parameters: arrays that are read, arrays that are written, scratch, scalars. */
  readonly parameters: readonly Parameter[];
  /** What it does. */
  readonly body: readonly Statement[];
}

const TOKEN =
  /\/\/.*|(\d+(?:\.\d+)?(?:e[+-]?\d+)?)|([A-Za-z]\w*)|(<<|>>|<=|>=|==|!=|\.\.|[-+*/%&|^]=|[-+*/%&|^<>=()[\]{},:])|(\n)|[ \t]+|(.)/g;

interface Token {
  readonly kind: "number" | "name" | "sign";
  readonly text: string;
  readonly line: number;
}

function tokens(text: string): Token[] {
  const out: Token[] = [];
  let line = 1;
  for (const [, number, name, sign, newline, other] of text.matchAll(TOKEN)) {
    if (newline !== undefined) line++;
    else if (other !== undefined) throw new InternalError(`routine, line ${line}: ${other}`);
    else if (number !== undefined) out.push({ kind: "number", text: number, line });
    else if (name !== undefined) out.push({ kind: "name", text: name, line });
    else if (sign !== undefined) out.push({ kind: "sign", text: sign, line });
  }
  return out;
}

/** How tightly infix operators bind. */
const binding: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "|": 4,
  "^": 4,
  "&": 5,
  "<<": 6,
  ">>": 6,
  "+": 7,
  "-": 7,
  "*": 8,
  "/": 8,
  "%": 8,
};

/** Reads the text of one routine. */
export function parse(text: string): Source {
  const list = tokens(text);
  let at = 0;
  const line = (): number => list[Math.min(at, list.length - 1)]?.line ?? 1;
  const fail = (expected: string): never => {
    const found = list[at]?.text ?? "the end";
    throw new InternalError(`routine, line ${line()}: ${expected} expected, not ${found}`);
  };
  const sees = (sign: string): boolean => list[at]?.text === sign;
  const takes = (sign: string): boolean => sees(sign) && ++at > 0;
  const expect = (sign: string): void => {
    if (!takes(sign)) fail(sign);
  };
  const name = (): string => list[at]?.kind === "name" ? list[at++]!.text : fail("a name");

  const term = (op: string, args: readonly Term[], name = "", value = 0, integer = false): Term => {
    return { op, args, name, value, integer, line: line() };
  };
  const separated = (end: string): Term[] => {
    const items: Term[] = [];
    while (!takes(end)) {
      items.push(expression());
      if (!sees(end)) expect(",");
    }
    return items;
  };
  const range = (): [Term, Term] => {
    const from = expression();
    expect("..");
    return [from, expression()];
  };
  const operand = (): Term => {
    if (takes("(")) {
      const inner = expression();
      expect(")");
      return inner;
    }
    if (takes("-")) return term("neg", [operand()]);
    if (takes("not")) return term("not", [operand()]);
    if (list[at]?.kind === "number") {
      const digits = list[at++]!.text;
      return term("number", [], "", Number(digits), /^\d+$/.test(digits));
    }
    const called = name();
    if (takes("[")) return term("index", separated("]"), called);
    if (!takes("(")) return term("name", [], called);
    if (called !== "sum") return term("call", separated(")"), called);
    const counter = name();
    expect("in");
    const [from, to] = range();
    expect(":");
    const value = expression();
    expect(")");
    return term("sum", [from, to, value], counter);
  };
  const expression = (least = 1): Term => {
    let left = operand();
    for (;;) {
      const operator = list[at]?.text ?? "";
      const strength = binding[operator] ?? 0;
      if (strength < least) return left;
      at++;
      left = term(operator, [left, expression(strength + 1)]);
    }
  };

  const block = (): Statement[] => {
    const body: Statement[] = [];
    expect("{");
    while (!takes("}")) body.push(statement());
    return body;
  };
  const choice = (start: number): Statement => {
    const test = expression();
    const body = block();
    const otherwise = !takes("else") ? [] : takes("if") ? [choice(line())] : block();
    return { op: "if", line: start, test, body, otherwise };
  };
  const statement = (): Statement => {
    const start = line();
    if (takes("let")) {
      const declared = name();
      const type = takes(":") ? name() : "";
      expect("=");
      return { op: "let", line: start, name: declared, type, value: expression() };
    }
    if (sees("for") || sees("vector")) {
      const op = name() as "for" | "vector";
      const counter = name();
      expect("in");
      const [from, to] = range();
      const down = takes("down");
      const by = takes("by") ? expression() : null;
      return { op, line: start, name: counter, from, to, down, by, body: block() };
    }
    if (takes("while")) return { op: "while", line: start, test: expression(), body: block() };
    if (takes("if")) return choice(start);
    if (takes("break")) return { op: "break", line: start };
    const target = operand();
    if (target.op === "call") {
      return { op: "call", line: start, name: target.name, args: target.args };
    }
    const sign = list[at]?.text ?? "";
    if (!/^[-+*/%&|^]?=$/.test(sign)) fail("an assignment");
    at++;
    return { op: "set", line: start, target, operator: sign.slice(0, -1), value: expression() };
  };

  const title = name();
  const parameters: Parameter[] = [];
  expect("(");
  while (!takes(")")) {
    const kind = takes("in")
      ? "in"
      : takes("out")
      ? "out"
      : takes("scratch")
      ? "scratch"
      : "scalar";
    const own = name();
    let type = "i32";
    let lengths: Term[] = [];
    if (kind !== "scalar") {
      expect(":");
      type = name();
      expect("[");
      lengths = separated("]");
    }
    parameters.push({ name: own, kind, type, lengths });
    if (!sees(")")) expect(",");
  }
  const body = block();
  if (at < list.length) fail("the end");
  const kinds = ["in", "out", "scratch", "scalar"];
  const order = parameters.map(({ kind }) => kinds.indexOf(kind));
  if (order.some((k, i) => i > 0 && k < order[i - 1]!)) {
    throw new InternalError(`routine ${title}: parameters go in, out, scratch, scalars`);
  }
  return { name: title, parameters, body };
}

/** Type of a value. */
export type Ty = "i32" | "u32" | "f32" | "f64" | "bool";

/** Type of an element in memory: that of its value, or a byte that is 0 or 1, read as `i32`. */
export type Cell = Exclude<Ty, "bool"> | "u8";

/** A local variable; the first ones are the scalar parameters. */
export interface Local {
  /** Its number. */
  readonly id: number;
  /** Its name, which others may have too. */
  readonly name: string;
  /** Its type. */
  readonly ty: Ty;
}

/** An array among the parameters. */
export interface ArrayRef {
  /** Its number among them. */
  readonly id: number;
  /** Its name. */
  readonly name: string;
  /** What it is for. */
  readonly kind: "in" | "out" | "scratch";
  /** Type of its elements. */
  readonly cell: Cell;
  /** How many there are, of the scalar parameters. */
  readonly size: Expr;
}

/** Infix operators that give a value of the type of their operands. */
export type Arithmetic = "+" | "-" | "*" | "/" | "%" | "&" | "|" | "^" | "<<" | ">>";
/** Comparisons. */
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";
/** Functions of operands of the type of the result. */
export type Function1 = "neg" | "abs" | "sqrt" | "floor" | "ceil" | "trunc" | "nearest";
/** Functions of two operands of the type of the result. */
export type Function2 = "min" | "max" | "copysign";

/** A value: free of effects. */
export type Expr =
  | { readonly op: "const"; readonly ty: Ty; readonly value: number }
  | { readonly op: "get"; readonly ty: Ty; readonly local: Local }
  | { readonly op: "load"; readonly ty: Ty; readonly array: ArrayRef; readonly index: Expr }
  | {
    readonly op:
      | Arithmetic
      | Comparison
      | Function1
      | Function2
      /** The second operand is computed where the first one does not decide. */
      | "and"
      | "or"
      | "not"
      /** Both are computed. */
      | "select"
      | "convert"
      /** Bits of an `f32`; upper and lower half of those of an `f64`. */
      | "bits"
      | "high"
      | "low";
    readonly ty: Ty;
    readonly args: readonly Expr[];
  };

/** A counted loop; a `vector` loop may do several rounds at once, and goes up by one. */
export interface Loop {
  readonly op: "for" | "vector";
  readonly counter: Local;
  readonly from: Expr;
  readonly to: Expr;
  readonly down: boolean;
  readonly by: Expr;
  readonly body: readonly Stmt[];
}

/** Sets `total` to a sum, added up in any order. */
export interface Sum {
  readonly op: "sum";
  readonly counter: Local;
  readonly from: Expr;
  readonly to: Expr;
  readonly value: Expr;
  readonly total: Local;
}

/** What is done. */
export type Stmt =
  | { readonly op: "set"; readonly local: Local; readonly value: Expr }
  | { readonly op: "store"; readonly array: ArrayRef; readonly index: Expr; readonly value: Expr }
  | Loop
  | Sum
  | { readonly op: "while"; readonly test: Expr; readonly body: readonly Stmt[] }
  | {
    readonly op: "if";
    readonly test: Expr;
    readonly body: readonly Stmt[];
    readonly otherwise: readonly Stmt[];
  }
  | { readonly op: "break" }
  | {
    readonly op: "call";
    /** Which of the routines that this one may call. */
    readonly name: string;
    /** Arrays, each from an element on. */
    readonly arrays: readonly { readonly array: ArrayRef; readonly from: Expr }[];
    readonly scalars: readonly Expr[];
  };

/** A routine for one element type. */
export interface Typed {
  /** Its name. */
  readonly name: string;
  /** Arrays, in order. */
  readonly arrays: readonly ArrayRef[];
  /** Number of the locals that are parameters. */
  readonly scalars: number;
  /** All locals. */
  readonly locals: readonly Local[];
  /** What it does. */
  readonly body: readonly Stmt[];
}

/** The function of a routine: takes arrays and then scalars, in the order of its parameters. */
export type Run = (...args: (TypedArray | number)[]) => void;

/** An `i32` constant. */
export function int(value: number): Expr {
  return { op: "const", ty: "i32", value };
}

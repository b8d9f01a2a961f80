/**
 * The text of a routine, read into a tree: names and types are resolved later, in `resolve.ts`, once
 * for each element type. The language is described in `routine.ts`.
 *
 * @module
 */
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

/**
 * Names and types of a routine: from its text as a tree to what it is for one element type. Choices
 * between types are made here.
 *
 * @module
 */
import type { DType } from "../core/dtype.ts";
import { InternalError } from "../core/errors.ts";
import {
  type Arithmetic,
  type ArrayRef,
  type Cell,
  type Comparison,
  type Expr,
  type Function1,
  type Function2,
  int,
  type Local,
  type Source,
  type Statement,
  type Stmt,
  type Term,
  type Ty,
  type Typed,
} from "./syntax.ts";

const cells: Readonly<Record<DType, Cell>> = {
  float32: "f32",
  float64: "f64",
  int32: "i32",
  uint32: "u32",
  bool: "u8",
};

const isFloat = (ty: Ty): boolean => ty === "f32" || ty === "f64";
const types = ["T", "Wide", "i32", "u32", "f32", "f64", "bool"];
const limits: Readonly<Record<string, number>> = { Infinity: Infinity, NaN: NaN };
const comparisons = ["==", "!=", "<", "<=", ">", ">="];
const functions1 = ["abs", "sqrt", "floor", "ceil", "trunc", "nearest"];
const functions2 = ["min", "max", "copysign"];
const ofFloats = ["sqrt", "floor", "ceil", "trunc", "nearest", "copysign"];
const ofIntegers = ["%", "&", "|", "^", "<<", ">>"];

/** An array with the lengths of its axes. */
interface Shaped {
  readonly array: ArrayRef;
  readonly lengths: readonly Expr[];
}

/** What names stand for. */
type Scope = ReadonlyMap<string, Local>;

/** Resolves a routine for arrays of a dtype. */
export function resolve(source: Source, dtype: DType): Typed {
  return new Resolver(source, cells[dtype]).run();
}

class Resolver {
  readonly #locals: Local[] = [];
  readonly #arrays = new Map<string, Shaped>();
  /** Statements that the expression at hand needs before it; `null` where it must need none. */
  #before: Stmt[] | null = null;
  #line = 1;

  constructor(readonly source: Source, readonly element: Cell) {}

  run(): Typed {
    const { name, parameters, body } = this.source;
    const scope = new Map<string, Local>();
    for (const p of parameters) {
      if (p.kind === "scalar") scope.set(p.name, this.#local(p.name, "i32"));
    }
    const scalars = this.#locals.length;
    for (const p of parameters) {
      if (p.kind === "scalar") continue;
      const lengths = p.lengths.map((n) =>
        n.name === "any" ? int(0) : this.#value(n, scope, "i32")
      );
      const size = lengths.reduce((a, b) => ({ op: "*", ty: "i32", args: [a, b] }), int(1));
      const cell = p.type === "T" ? this.element : this.#type(p.type) as Cell;
      const array = { id: this.#arrays.size, name: p.name, kind: p.kind, cell, size };
      this.#arrays.set(p.name, { array, lengths });
    }
    const statements = this.#block(body, scope);
    const arrays = [...this.#arrays.values()].map(({ array }) => array);
    return { name, arrays, scalars, locals: this.#locals, body: statements };
  }

  #fail(message: string): never {
    throw new InternalError(`routine ${this.source.name}, line ${this.#line}: ${message}`);
  }

  #local(name: string, ty: Ty): Local {
    const local = { id: this.#locals.length, name, ty };
    this.#locals.push(local);
    return local;
  }

  #type(name: string): Ty {
    const element = this.element === "u8" ? "i32" : this.element;
    if (name === "T") return element;
    if (name === "Wide") return isFloat(element) ? "f64" : element;
    if (types.includes(name)) return name as Ty;
    return this.#fail(`no type ${name}`);
  }

  // -------------------------------------------------------------- statements

  #block(body: readonly Statement[], outer: Scope): Stmt[] {
    const scope = new Map(outer);
    return body.flatMap((s) => this.#statement(s, scope));
  }

  /** Statements, behind those that their expressions need. */
  #statement(s: Statement, scope: Map<string, Local>): Stmt[] {
    this.#line = s.line;
    const before: Stmt[] = this.#before = [];
    const after = this.#effect(s, scope);
    return [...before, ...after];
  }

  #effect(s: Statement, scope: Map<string, Local>): readonly Stmt[] {
    switch (s.op) {
      case "let": {
        const value = this.#value(s.value, scope, s.type === "" ? null : this.#type(s.type));
        const local = this.#local(s.name, value.ty);
        scope.set(s.name, local);
        return [{ op: "set", local, value }];
      }
      case "set": {
        const now = this.#value(s.target, scope, null);
        if (now.op !== "get" && now.op !== "load") return this.#fail("this cannot be assigned to");
        const term = s.operator === ""
          ? s.value
          : { ...s.value, op: s.operator, args: [s.target, s.value] };
        const value = this.#value(term, scope, now.ty);
        return now.op === "get"
          ? [{ op: "set", local: now.local, value }]
          : [{ op: "store", array: now.array, index: now.index, value }];
      }
      case "for":
      case "vector": {
        const from = this.#value(s.from, scope, "i32");
        const to = this.#value(s.to, scope, "i32");
        const by = s.by === null ? int(1) : this.#value(s.by, scope, "i32");
        const counter = this.#local(s.name, "i32");
        if (s.op === "vector") this.#checkVector(s);
        const body = this.#block(s.body, new Map([...scope, [s.name, counter]]));
        return [{ op: s.op, counter, from, to, by, down: s.down, body }];
      }
      case "while": {
        this.#before = null;
        const test = this.#value(s.test, scope, "bool");
        return [{ op: "while", test, body: this.#block(s.body, scope) }];
      }
      case "if": {
        const test = this.#value(s.test, scope, "bool");
        if (test.op === "const") return this.#block(test.value ? s.body : s.otherwise, scope);
        const body = this.#block(s.body, scope);
        return [{ op: "if", test, body, otherwise: this.#block(s.otherwise, scope) }];
      }
      case "break":
        return [s];
      case "call":
        return [this.#call(s.name, s.args, scope)];
    }
  }

  #checkVector({ down, by, body }: Extract<Statement, { readonly op: "for" | "vector" }>): void {
    if (down || by !== null) this.#fail("a vector loop goes up by one");
    for (const s of body) {
      if (s.op === "let" || (s.op === "set" && s.target.op === "index")) continue;
      this.#fail("a vector loop declares values and stores elements");
    }
  }

  /** Arguments are arrays, or an element of one for the array from there on, and then scalars. */
  #call(name: string, args: readonly Term[], scope: Scope): Stmt {
    const arrays: { array: ArrayRef; from: Expr }[] = [];
    const scalars: Expr[] = [];
    for (const arg of args) {
      const known = this.#arrays.get(arg.name);
      if (known === undefined || scalars.length > 0) scalars.push(this.#value(arg, scope, "i32"));
      else if (arg.op === "name") arrays.push({ array: known.array, from: int(0) });
      else arrays.push({ array: known.array, from: this.#index(known, arg.args, scope) });
    }
    return { op: "call", name, arrays, scalars };
  }

  // -------------------------------------------------------------- expressions

  /** An expression of a type, which numbers take; any type for `null`. */
  #value(t: Term, scope: Scope, wanted: Ty | null): Expr {
    this.#line = t.line;
    const e = this.#resolve(t, scope, wanted);
    if (wanted !== null && e.ty !== wanted) this.#fail(`${e.ty} where ${wanted} is needed`);
    return e;
  }

  #resolve(t: Term, scope: Scope, wanted: Ty | null): Expr {
    const { op, args, name } = t;
    switch (op) {
      case "number":
        return this.#number(t, wanted);
      case "name": {
        if (name === "true" || name === "false") return this.#truth(name === "true");
        if (name === "isFloat") {
          return this.#truth(this.element === "f32" || this.element === "f64");
        }
        if (name in limits) return this.#number({ ...t, value: limits[name]! }, wanted);
        if (name === "epsilon") {
          const value = this.element === "f32" ? 2 ** -23 : 2 ** -52;
          return { op: "const", ty: this.#type("T"), value };
        }
        if (name === "overflow") {
          // What is halfway from the largest float32 to 2^128 is rounded up.
          const value = this.element === "f32" ? 2 ** 128 - 2 ** 103 : Infinity;
          return { op: "const", ty: "f64", value };
        }
        const local = scope.get(name);
        if (local === undefined) return this.#fail(`no variable ${name}`);
        return { op: "get", ty: local.ty, local };
      }
      case "index": {
        const known = this.#arrays.get(name);
        if (known === undefined) return this.#fail(`no array ${name}`);
        const { array } = known;
        const ty = array.cell === "u8" ? "i32" : array.cell;
        return { op: "load", ty, array, index: this.#index(known, args, scope) };
      }
      case "sum":
        return this.#sum(t, scope, wanted);
      case "neg": {
        const x = this.#value(args[0]!, scope, wanted);
        return x.op === "const" ? { ...x, value: -x.value } : { op: "neg", ty: x.ty, args: [x] };
      }
      case "not": {
        const x = this.#value(args[0]!, scope, "bool");
        return x.op === "const" ? this.#truth(x.value === 0) : { op, ty: "bool", args: [x] };
      }
      case "and":
      case "or": {
        // What is known of the type of elements decides here; the rest need not fit it.
        const x = this.#value(args[0]!, scope, "bool");
        if (x.op === "const" && (x.value === 0) === (op === "and")) return x;
        const y = this.#value(args[1]!, scope, "bool");
        return x.op === "const" ? y : { op, ty: "bool", args: [x, y] };
      }
      case "call":
        return this.#apply(t, scope, wanted);
    }
    if (op === "==" && args.every((a) => a.op === "name" && types.includes(a.name))) {
      return this.#truth(this.#type(args[0]!.name) === this.#type(args[1]!.name));
    }
    if (comparisons.includes(op)) {
      return { op: op as Comparison, ty: "bool", args: this.#pair(args, scope, null) };
    }
    const pair = this.#pair(args, scope, wanted);
    return this.#operation(op as Arithmetic, pair);
  }

  #truth(value: boolean): Expr {
    return { op: "const", ty: "bool", value: value ? 1 : 0 };
  }

  #number({ value, integer }: Term, wanted: Ty | null): Expr {
    const ty = wanted ?? (integer ? "i32" : this.#fail(`of which type is ${value}?`));
    if (ty === "bool" || (!isFloat(ty) && !integer)) this.#fail(`${value} where ${ty} is needed`);
    return { op: "const", ty, value: ty === "f32" ? Math.fround(value) : value };
  }

  /** Two operands of one type: a number takes that of the other one. */
  #pair(args: readonly Term[], scope: Scope, wanted: Ty | null): [Expr, Expr] {
    const [s, t] = args as [Term, Term];
    const plain = (u: Term): boolean =>
      u.op === "number" || u.name in limits || (u.op === "neg" && plain(u.args[0]!));
    if (plain(s) && !plain(t)) {
      const y = this.#value(t, scope, wanted);
      return [this.#value(s, scope, y.ty), y];
    }
    const x = this.#value(s, scope, wanted);
    return [x, this.#value(t, scope, x.ty)];
  }

  #operation(op: Arithmetic | Function1 | Function2, args: readonly Expr[]): Expr {
    const { ty } = args[0]!;
    if (ofIntegers.includes(op) ? isFloat(ty) : ofFloats.includes(op) && !isFloat(ty)) {
      this.#fail(`${op} of ${ty}`);
    }
    if (ty === "bool") this.#fail(`${op} of ${ty}`);
    return { op, ty, args };
  }

  #apply(t: Term, scope: Scope, wanted: Ty | null): Expr {
    const { name, args } = t;
    if (functions1.includes(name)) {
      return this.#operation(name as Function1, [this.#value(args[0]!, scope, wanted)]);
    }
    if (functions2.includes(name)) {
      return this.#operation(name as Function2, this.#pair(args, scope, wanted));
    }
    if (name === "hypot") return this.#hypot(this.#pair(args, scope, wanted));
    if (name === "select") {
      const test = this.#value(args[0]!, scope, "bool");
      if (test.op === "const") return this.#value(args[test.value ? 1 : 2]!, scope, wanted);
      const [x, y] = this.#pair(args.slice(1), scope, wanted);
      return { op: "select", ty: x.ty, args: [test, x, y] };
    }
    if (name === "bits" || name === "high" || name === "low") {
      const x = this.#value(args[0]!, scope, name === "bits" ? "f32" : "f64");
      return { op: name, ty: "i32", args: [x] };
    }
    const ty = this.#type(name);
    const [arg] = args as [Term];
    if (arg.op === "number") return this.#number(arg, ty);
    const x = this.#value(arg, scope, null);
    if (x.ty === ty) return x;
    if (ty === "bool") this.#fail("compare instead");
    return x.op === "const" && x.ty === "i32" ? { ...x, ty } : { op: "convert", ty, args: [x] };
  }

  #index({ array, lengths }: Shaped, args: readonly Term[], scope: Scope): Expr {
    const at = args.map((a) => this.#value(a, scope, "i32"));
    if (at.length !== 1 && at.length !== lengths.length) {
      this.#fail(`${array.name} takes ${lengths.length} indices`);
    }
    return at.reduce((sum, i, k) => {
      const rows: Expr = { op: "*", ty: "i32", args: [sum, lengths[k]!] };
      return { op: "+", ty: "i32", args: [rows, i] };
    });
  }

  /** Makes a statement that sets a new local, and reads that. */
  #first(make: (total: Local) => Stmt, name: string, ty: Ty): Expr {
    if (this.#before === null) return this.#fail(`no ${name} in the condition of a loop`);
    const local = this.#local(name, ty);
    this.#before.push(make(local));
    return { op: "get", ty, local };
  }

  #sum({ name, args }: Term, scope: Scope, wanted: Ty | null): Expr {
    const from = this.#value(args[0]!, scope, "i32");
    const to = this.#value(args[1]!, scope, "i32");
    const counter = this.#local(name, "i32");
    const before = this.#before;
    this.#before = null;
    const value = this.#value(args[2]!, new Map([...scope, [name, counter]]), wanted);
    this.#before = before;
    return this.#first(
      (total) => ({ op: "sum", counter, from, to, value, total }),
      "sum",
      value.ty,
    );
  }

  /** The root of x^2 + y^2, where squares may overflow. */
  #hypot([x, y]: readonly [Expr, Expr]): Expr {
    const { ty } = x;
    const abs = [x, y].map((v): Expr => ({ op: "abs", ty, args: [v] }));
    const named = (value: Expr): Expr =>
      this.#first((local) => ({ op: "set", local, value }), "hypot", ty);
    const large = named({ op: "max", ty, args: abs });
    const one: Expr = { op: "const", ty, value: 1 };
    const small: Expr = { op: "min", ty, args: abs };
    const ratio = named({ op: "/", ty, args: [small, large] });
    const square: Expr = { op: "*", ty, args: [ratio, ratio] };
    const root: Expr = { op: "sqrt", ty, args: [{ op: "+", ty, args: [one, square] }] };
    const scaled: Expr = { op: "*", ty, args: [large, root] };
    const zero: Expr = { op: "const", ty, value: 0 };
    const infinity: Expr = { op: "const", ty, value: Infinity };
    const simple: Expr = {
      op: "or",
      ty: "bool",
      args: [
        { op: "==", ty: "bool", args: [large, zero] },
        { op: "==", ty: "bool", args: [large, infinity] },
      ],
    };
    return { op: "select", ty, args: [simple, large, scaled] };
  }
}

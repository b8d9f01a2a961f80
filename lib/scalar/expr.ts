/**
 * Scalar functions as expressions: what an elementwise operation computes of one element, written
 * once. Loops in JavaScript and vector code are derived from the same expression, so that they give
 * the same bits; nothing here knows either.
 *
 * An expression is a graph: equal parts are one node. Arithmetic is that of IEEE 754 in the type of
 * its operands, rounded after each operation (there is no fused multiply-add); integers wrap
 * around.
 *
 * Elementwise operations as scalar expressions, and the loops that are made of them.
 *
 * @module
 */
import type { DType, TypedArray } from "../core/dtype.ts";
import { InternalError } from "../core/errors.ts";

/** Type of a scalar. */
export type Ty = "f32" | "f64" | "i32" | "u32" | "bool";

/** What a node computes; see the method of the same name in {@linkcode Exprs}. */
export type Op =
  | "input"
  | "const"
  | "index"
  | "table"
  | "neg"
  | "abs"
  | "sqrt"
  | "nearest"
  | "ceil"
  | "floor"
  | "trunc"
  | "not"
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "rem"
  | "min"
  | "max"
  | "and"
  | "or"
  | "xor"
  | "shl"
  | "shr"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "select"
  | "rare"
  | "convert"
  | "bits"
  | "fromBits"
  | "high"
  | "low"
  | "fromWords";

/** One node of an expression. */
export interface Expr {
  /** Number in its graph; arguments have lower ones. */
  readonly id: number;
  /** What it computes. */
  readonly op: Op;
  /** Type of the result. */
  readonly ty: Ty;
  /** Operands. */
  readonly args: readonly Expr[];
  /** The value of a `const`, the number of an `input`. */
  readonly imm: number;
  /** The values of a `table`. */
  readonly table: readonly number[] | null;
  /** The function of a `rare` choice. */
  readonly apart: Apart | null;
}

/** A function with its graph: what it computes of its operands. */
export interface Graph {
  /** The nodes. */
  readonly e: Exprs;
  /** Types of the operands. */
  readonly inputs: readonly Ty[];
  /** The results. */
  readonly results: readonly Expr[];
}

let functionsApart = 0;

/**
 * A function, of one or several results, that is computed apart from what reads it: it is needed so
 * seldom that no loop should make room for it. Operands and results are numbers, not bools.
 */
export class Apart {
  /** Tells functions apart in keys. */
  readonly id: number = functionsApart++;
  readonly #graphs = new Map<string, Graph>();

  /** A function, which is asked for its nodes once for each choice of types. */
  constructor(readonly f: (e: Exprs, ...args: Expr[]) => readonly Expr[]) {}

  /** Its graph for operands of these types. */
  graph(inputs: readonly Ty[]): Graph {
    const key = inputs.join();
    let graph = this.#graphs.get(key);
    if (graph === undefined) {
      const e = new Exprs();
      const results = this.f(e, ...inputs.map((ty, i) => e.input(i, ty)));
      this.#graphs.set(key, graph = { e, inputs, results });
    }
    return graph;
  }
}

/** An operand: an expression, or a number that takes the type of the other operand. */
export type Operand = Expr | number;

/** The type of a scalar of an array. */
export const scalarType: Readonly<Record<DType, Ty>> = {
  float32: "f32",
  float64: "f64",
  int32: "i32",
  uint32: "u32",
  bool: "bool",
};

/** Whether a type is one of floats. */
export function isFloatTy(ty: Ty): boolean {
  return ty === "f32" || ty === "f64";
}

/** Builds expressions; equal ones are shared. */
export class Exprs {
  /** All nodes, operands before what reads them. */
  readonly nodes: Expr[] = [];
  /**
   * Where an equal node is looked for: among those whose last made operand is the same one, or among
   * those without operands, each list the latest first. Programs have many short expressions: maps took
   * longer to make, and to collect, than these lists take to search.
   */
  readonly #latest: number[] = [];
  readonly #before: number[] = [];
  #latestLeaf = -1;
  readonly #tables = new Map<readonly number[], number>();

  /** The first `length` nodes, to go on from them otherwise. */
  upTo(length: number): Exprs {
    const e = new Exprs();
    const within = (i: number): number => {
      while (i >= length) i = this.#before[i]!;
      return i;
    };
    for (let i = 0; i < length; i++) {
      e.nodes.push(this.nodes[i]!);
      e.#latest.push(within(this.#latest[i]!));
      e.#before.push(this.#before[i]!);
    }
    e.#latestLeaf = within(this.#latestLeaf);
    for (const [values, number] of this.#tables) e.#tables.set(values, number);
    return e;
  }

  #node(
    op: Op,
    ty: Ty,
    args: readonly Expr[],
    imm = 0,
    table: readonly number[] | null = null,
    apart: Apart | null = null,
  ): Expr {
    const { nodes } = this;
    let made = -1;
    for (let k = 0; k < args.length; k++) made = Math.max(made, args[k]!.id);
    const latest = made < 0 ? this.#latestLeaf : this.#latest[made]!;
    for (let i = latest; i >= 0; i = this.#before[i]!) {
      const n = nodes[i]!;
      if (n.op !== op || n.ty !== ty || !Object.is(n.imm, imm)) continue;
      let same = n.apart === apart && n.args.length === args.length;
      for (let k = 0; k < args.length; k++) same &&= n.args[k] === args[k];
      if (same) return n;
    }
    const node: Expr = { id: nodes.length, op, ty, args, imm, table, apart };
    nodes.push(node);
    this.#latest.push(-1);
    this.#before.push(latest);
    if (made < 0) this.#latestLeaf = node.id;
    else this.#latest[made] = node.id;
    return node;
  }

  /** The `number`th operand of the operation. */
  input(number: number, ty: Ty): Expr {
    return this.#node("input", ty, [], number);
  }

  /** A constant; of `f32`, the nearest one. */
  constant(value: number, ty: Ty): Expr {
    const rounded = ty === "f32"
      ? Math.fround(value)
      : ty === "i32"
      ? value | 0
      : ty === "u32"
      ? value >>> 0
      : ty === "bool"
      ? (value ? 1 : 0)
      : value;
    return this.#node("const", ty, [], rounded);
  }

  /** The number of the element in row-major order of the result, as `i32`. */
  index(): Expr {
    return this.#node("index", "i32", []);
  }

  /** `values[i]` for an `i32` in range. One list of values is one table. */
  table(values: readonly number[], ty: Ty, i: Expr): Expr {
    let number = this.#tables.get(values);
    if (number === undefined) this.#tables.set(values, number = this.#tables.size);
    return this.#node("table", ty, [i], number, values);
  }

  #unary(op: Op, x: Expr): Expr {
    return this.#node(op, x.ty, [x]);
  }

  #pair(op: Op, x: Operand, y: Operand): [Expr, Expr] {
    if (typeof x === "number") {
      if (typeof y === "number") throw new InternalError(`${op} of two numbers`);
      return [this.constant(x, y.ty), y];
    }
    if (typeof y === "number") return [x, this.constant(y, x.ty)];
    if (x.ty !== y.ty) throw new InternalError(`${op} of ${x.ty} and ${y.ty}`);
    return [x, y];
  }

  #binary(op: Op, x: Operand, y: Operand): Expr {
    const pair = this.#pair(op, x, y);
    return this.#node(op, pair[0].ty, pair);
  }

  #compare(op: Op, x: Operand, y: Operand): Expr {
    return this.#node(op, "bool", this.#pair(op, x, y));
  }

  /** `-x`: the sign is turned, of zeros and NaN too. */
  neg(x: Expr): Expr {
    return x.op === "neg" ? x.args[0]! : this.#unary("neg", x);
  }
  /** `|x|`. */
  abs(x: Expr): Expr {
    return x.ty === "u32" ? x : this.#unary("abs", x);
  }
  /** The square root of a float. */
  sqrt(x: Expr): Expr {
    return this.#unary("sqrt", x);
  }
  /** The nearest integer to a float, the even one of two. */
  nearest(x: Expr): Expr {
    return this.#unary("nearest", x);
  }
  /** The least integer that is not below a float. */
  ceil(x: Expr): Expr {
    return this.#unary("ceil", x);
  }
  /** The greatest integer that is not above a float. */
  floor(x: Expr): Expr {
    return this.#unary("floor", x);
  }
  /** A float without its fraction. */
  trunc(x: Expr): Expr {
    return this.#unary("trunc", x);
  }
  /** All bits of an integer turned, or logical not. */
  not(x: Expr): Expr {
    return this.#unary("not", x);
  }
  /** `x + y`. */
  add(x: Operand, y: Operand): Expr {
    // To add `-y` is to subtract `y`, to the last bit.
    const less = negated(y) ?? negated(x);
    if (less === null) return this.#binary("add", x, y);
    return this.#binary("sub", less === negated(y) ? x : y, less);
  }
  /** `x - y`. */
  sub(x: Operand, y: Operand): Expr {
    const more = negated(y);
    return more === null ? this.#binary("sub", x, y) : this.#binary("add", x, more);
  }
  /** `x * y`. */
  mul(x: Operand, y: Operand): Expr {
    return this.#binary("mul", x, y);
  }
  /**
   * `x / y`. Of integers: rounded towards zero; -1 (all bits set) where `y` is 0, and `x` for the least
   * integer divided by -1.
   */
  div(x: Operand, y: Operand): Expr {
    return this.#binary("div", x, y);
  }
  /**
   * The remainder of the division that rounds towards zero, with the sign of `x`. Of integers: `x`
   * where `y` is 0. Of floats it is exact.
   */
  rem(x: Operand, y: Operand): Expr {
    return this.#binary("rem", x, y);
  }
  /** The lesser: NaN where one is NaN; -0 is less than 0. Of bool: and. */
  min(x: Operand, y: Operand): Expr {
    return this.#binary("min", x, y);
  }
  /** The greater: NaN where one is NaN; -0 is less than 0. Of bool: or. */
  max(x: Operand, y: Operand): Expr {
    return this.#binary("max", x, y);
  }
  /** And, of bits or bools. */
  and(x: Operand, y: Operand): Expr {
    return this.#binary("and", x, y);
  }
  /** Or, of bits or bools. */
  or(x: Operand, y: Operand): Expr {
    return this.#binary("or", x, y);
  }
  /** Exclusive or, of bits or bools. */
  xor(x: Operand, y: Operand): Expr {
    return this.#binary("xor", x, y);
  }
  /** An integer shifted to the left by `y` bits, 0 <= y < 32. */
  shl(x: Expr, y: Operand): Expr {
    return this.#binary("shl", x, y);
  }
  /** An integer shifted to the right by `y` bits, 0 <= y < 32, with its sign where it has one. */
  shr(x: Expr, y: Operand): Expr {
    return this.#binary("shr", x, y);
  }
  /** `x === y`. */
  eq(x: Operand, y: Operand): Expr {
    return this.#compare("eq", x, y);
  }
  /** `x !== y`: true of NaN. */
  ne(x: Operand, y: Operand): Expr {
    return this.#compare("ne", x, y);
  }
  /** `x < y`. */
  lt(x: Operand, y: Operand): Expr {
    return this.#compare("lt", x, y);
  }
  /** `x <= y`. */
  le(x: Operand, y: Operand): Expr {
    return this.#compare("le", x, y);
  }
  /** `x > y`. */
  gt(x: Operand, y: Operand): Expr {
    return this.#compare("gt", x, y);
  }
  /** `x >= y`. */
  ge(x: Operand, y: Operand): Expr {
    return this.#compare("ge", x, y);
  }

  /** `condition ? x : y`; both are computed. */
  select(condition: Expr, x: Operand, y: Operand): Expr {
    const [a, b] = this.#pair("select", x, y);
    return a === b ? a : this.#node("select", a.ty, [condition, a, b]);
  }

  /** `x`, or `bound` where it is below that; NaN stays. */
  atLeast(x: Expr, bound: Operand): Expr {
    return this.select(this.lt(x, bound), bound, x);
  }

  /** `x`, or `bound` where it is above that; NaN stays. */
  atMost(x: Expr, bound: Operand): Expr {
    return this.select(this.lt(bound, x), bound, x);
  }

  /**
   * The results of `apart` of some operands where `condition` holds, which is seldom, and what `usual`
   * says elsewhere.
   */
  rare(
    condition: Expr,
    apart: Apart,
    operands: readonly Expr[],
    usual: readonly Expr[],
  ): Expr[] {
    const { results } = apart.graph(operands.map(({ ty }) => ty));
    return usual.map((y, i) => {
      if (results[i]?.ty !== y.ty) throw new InternalError(`rare of ${results[i]?.ty} and ${y.ty}`);
      return this.#node("rare", y.ty, [condition, y, ...operands], i, null, apart);
    });
  }

  /**
   * `x` in another type: floats are rounded to nearest; to integers towards zero, to the limits beyond
   * them, and 0 for NaN; bools are 0 and 1; anything but 0 is true. Between `i32` and `u32` bits
   * stay.
   */
  convert(x: Expr, ty: Ty): Expr {
    if (x.ty === ty) return x;
    if (ty === "bool") return this.ne(x, 0);
    return this.#node("convert", ty, [x]);
  }

  /** The bits of an `f32` as `i32`. */
  bits(x: Expr): Expr {
    return this.#node("bits", "i32", [x]);
  }
  /** The `f32` with the bits of an `i32`. */
  fromBits(x: Expr): Expr {
    return this.#node("fromBits", "f32", [x]);
  }
  /** The upper 32 bits of an `f64` as `i32`: sign, exponent and 20 bits of the mantissa. */
  high(x: Expr): Expr {
    return this.#node("high", "i32", [x]);
  }
  /** The lower 32 bits of an `f64` as `i32`. */
  low(x: Expr): Expr {
    return this.#node("low", "i32", [x]);
  }
  /** The `f64` with these upper and lower bits, both `i32`. */
  fromWords(high: Expr, low: Expr): Expr {
    return this.#node("fromWords", "f64", [high, low]);
  }
}

/** What an operand is the negative of. */
function negated(x: Operand): Expr | null {
  return typeof x !== "number" && x.op === "neg" ? x.args[0]! : null;
}

/** A scalar function of one operand. */
export type Scalar1 = (e: Exprs, x: Expr) => Expr;
/** A scalar function of two operands. */
export type Scalar2 = (e: Exprs, x: Expr, y: Expr) => Expr;

/** The nodes that `roots` are made of, operands first. */
export function reachable(e: Exprs, roots: readonly Expr[]): Expr[] {
  const { nodes } = e;
  const live = new Uint8Array(nodes.length);
  for (const r of roots) live[r.id] = 1;
  // Operands have lower numbers than what reads them.
  for (let i = nodes.length - 1; i >= 0; i--) {
    if (live[i] === 0) continue;
    const { args } = nodes[i]!;
    for (let k = 0; k < args.length; k++) live[args[k]!.id] = 1;
  }
  return nodes.filter((n) => live[n.id] === 1);
}

/** What an elementwise operation computes of one element of each operand: one result or several. */
export type Elementwise = (e: Exprs, ...args: Expr[]) => Expr | readonly Expr[];

/**
 * Computes `n` elements: first where they begin in the results and their number, then the results,
 * and of each operand the elements, where they begin and the step between them, 0 or 1.
 */
export type Loop = (o: number, n: number, ...arrays: (TypedArray | number)[]) => void;

/** Builds the nodes of an operation for operands of these element types. */
export function scalarOf(f: Elementwise, operands: readonly DType[]): Graph {
  const e = new Exprs();
  const inputs = operands.map((dtype) => scalarType[dtype]);
  const made = f(e, ...inputs.map((ty, i) => e.input(i, ty)));
  return { e, inputs, results: made instanceof Array ? made : [made as Expr] };
}

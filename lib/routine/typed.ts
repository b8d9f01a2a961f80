/**
 * A routine for one element type, in which all names and types are known: `resolve.ts` makes it, and code
 * is made of it, in `javascript.ts` and `lib/kernel/routine.ts`.
 *
 * @module
 */
import type { TypedArray } from "../core/dtype.ts";

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

/**
 * Elementwise operations as scalar expressions, and the loops that are made of them.
 *
 * @module
 */
import type { DType, TypedArray } from "../core/dtype.ts";
import { type Expr, Exprs, scalarType, type Ty } from "./expr.ts";

/** What an elementwise operation computes of one element of each operand: one result or several. */
export type Elementwise = (e: Exprs, ...args: Expr[]) => Expr | readonly Expr[];

/**
 * Computes `n` elements: first where they begin in the results and their number, then the results,
 * and of each operand the elements, where they begin and the step between them, 0 or 1.
 */
export type Loop = (o: number, n: number, ...arrays: (TypedArray | number)[]) => void;

/** The nodes of an operation on operands of some types, and what its results are. */
export interface Scalar {
  /** The graph. */
  readonly e: Exprs;
  /** Types of the operands. */
  readonly inputs: readonly Ty[];
  /** The results. */
  readonly results: readonly Expr[];
}

/** Builds the nodes of an operation for operands of these element types. */
export function scalarOf(f: Elementwise, operands: readonly DType[]): Scalar {
  const e = new Exprs();
  const inputs = operands.map((dtype) => scalarType[dtype]);
  const made = f(e, ...inputs.map((ty, i) => e.input(i, ty)));
  return { e, inputs, results: made instanceof Array ? made : [made as Expr] };
}

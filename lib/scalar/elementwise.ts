/**
 * Elementwise operations as scalar expressions, and the loops that are made of them.
 *
 * @module
 */
import type { DType, TypedArray } from "../core/dtype.ts";
import { type Expr, Exprs, type Graph, scalarType } from "./expr.ts";

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

/**
 * Factories for elementwise primitives on floats whose computation is a formula of
 * `scalar/arithmetic.ts`: its loops, vector code and graph all come of the formula.
 *
 * @module
 */
import type { Primitive } from "../../core/primitive.ts";
import { type Formula, scalarOfFormula } from "../../scalar/arithmetic.ts";
import { lowerFormula } from "../graph/arithmetic.ts";
import { binary, type BinaryRules, floats, unary, type UnaryRules } from "./factory.ts";

/** What a primitive of one operand states. */
export interface Formula1Rules extends Pick<UnaryRules, "name" | "jvp" | "domain"> {
  /** What it computes of an element. */
  readonly formula: Formula;
}

/** Defines an elementwise primitive of one float. */
export function formula1({ formula, ...rules }: Formula1Rules): Primitive<null> {
  const lower = lowerFormula(formula);
  return unary({
    ...rules,
    expr: floats(scalarOfFormula(formula)),
    lower: (g, x, dtype) => lower(g, [x], dtype),
  });
}

/** What a primitive of two operands states. */
export interface Formula2Rules extends Pick<BinaryRules, "name" | "jvp" | "domain"> {
  /** What it computes of a pair of elements. */
  readonly formula: Formula;
}

/** Defines an elementwise primitive of two floats, which broadcast. */
export function formula2({ formula, ...rules }: Formula2Rules): Primitive<null> {
  const lower = lowerFormula(formula);
  return binary({
    ...rules,
    expr: floats(scalarOfFormula(formula)),
    lower: (g, x, y, dtype) => lower(g, [x, y], dtype),
  });
}

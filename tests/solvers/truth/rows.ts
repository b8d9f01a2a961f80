/**
 * All rows of the truth tables, by family.
 *
 * @module
 */
import { fieldRows } from "./field_rows.ts";
import { fixedPointRows } from "./fixed_point_rows.ts";
import { minimaRows } from "./minima_rows.ts";
import { nistRows } from "./nist_rows.ts";
import { noSolutionRows } from "./no_solution_rows.ts";
import type { TruthRow } from "./row.ts";
import { squaresRows } from "./squares_rows.ts";

/** Rows by what is solved. */
export const truthRows: Readonly<Record<string, readonly TruthRow[]>> = {
  "fixed points": [...fixedPointRows, ...fieldRows],
  "least squares and curve fits": nistRows,
  "sums of squares and square systems": squaresRows,
  "minima": minimaRows,
  "problems without a solution": noSolutionRows,
};

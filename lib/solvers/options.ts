/**
 * Checks of the options that solvers share.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { sameAval } from "../core/aval.ts";
import { type TreeDef, treeFlatten } from "../core/tree.ts";
import type { OptionKind } from "../core/signature.ts";
import { describeValue, TreeError } from "../core/errors.ts";
import { nameOf } from "../transforms/trees.ts";

/**
 * Checks a tolerance.
 *
 * @throws {RangeError} where it is not a finite number that is not negative.
 */
export function checkTolerance(op: string, name: string, value: number): number {
  if (typeof value === "number" && value >= 0 && value < Infinity) return value;
  throw new RangeError(
    `${op}: ${name} must be a finite number that is not negative, not ${describeValue(value)}`,
  );
}

/**
 * Checks that an option holds what a function of that name makes.
 *
 * @throws {TypeError} showing what to write.
 */
export function checkMade(
  op: string,
  name: string,
  value: unknown,
  has: (value: Record<string, unknown>) => boolean,
  examples: string,
): void {
  if (typeof value === "object" && value !== null && has(value as Record<string, unknown>)) return;
  // The function that makes it in its place is the usual mistake.
  const uncalled = typeof value === "function" && examples.includes(`${value.name}()`)
    ? `. Call it: { ${name}: ${value.name}() }`
    : "";
  throw new TypeError(`${op}: ${name} must be ${examples}, not ${describeValue(value)}${uncalled}`);
}

type Shared =
  | "maxSteps"
  | "rtol"
  | "atol"
  | "solver"
  | "transforms"
  | "throw"
  | "history"
  | "bounds"
  | "adjoint"
  | "leg";

/** What the options hold that all methods in a trust region have. */
export const trustRegionOptions: Readonly<Record<Shared, OptionKind>> = {
  maxSteps: "count",
  rtol: "tolerance",
  atol: "tolerance",
  solver: "object",
  transforms: "object",
  throw: "boolean",
  history: "boolean",
  bounds: "object",
  adjoint: "object",
  leg: "object",
};

/** Checks the option `leg` of a solver, if it is there. */
export function checkLeg(op: string, leg: unknown): void {
  if (leg === undefined) return;
  checkMade(op, "leg", leg, (l) => typeof l.take === "function", "what start() gives");
}

/** Checks the option `warmStart` of a solver, if it is there. */
export function checkWarmStart(op: string, warmStart: unknown): void {
  if (warmStart === undefined) return;
  const made = "a solution of the same solver that was made with keepMemory: true";
  checkMade(op, "warmStart", warmStart, (s) => Boolean(s.memory), made);
}

/**
 * Checks that the memory of an earlier solve is one that a method can go on with, such as `like`.
 *
 * @throws {TypeError} where it is that of another method, or of other unknowns.
 */
export function checkMemory(description: string, memory: unknown, like: unknown): void {
  const [given, own] = [memory, like].map((tree) => treeFlatten(tree) as [NDArray[], TreeDef]) as [
    [NDArray[], TreeDef],
    [NDArray[], TreeDef],
  ];
  const fits = given[1] === own[1] && given[0].every((x, i) => sameAval(x.aval, own[0][i]!.aval));
  if (fits) return;
  throw new TypeError(
    `warmStart: what an earlier solve has kept does not fit ${description} here. It must be of the same solver with the ` +
      "same settings, and of as many unknowns and residuals of the same dtypes",
  );
}

/**
 * What a function with an auxiliary output returned, `[what, aux]`.
 *
 * @throws {TreeError} where that is no list of two.
 */
export function withAux(
  op: string,
  f: unknown,
  result: unknown,
  what: string,
): readonly [unknown, unknown] {
  if (Array.isArray(result) && result.length === 2) return result as [unknown, unknown];
  throw new TreeError(
    `${op}: with hasAux, ${nameOf(f)} must return [${what}, aux], not ${
      Array.isArray(result) ? `a list of ${result.length}` : describeValue(result)
    }`,
  );
}

/**
 * How accurate the hypergeometric functions are: what their documentation states.
 *
 * @module
 */
import { grad, jit, type NDArray, special } from "../../../mod.ts";
import type { Bound, Bounds } from "../../support/accuracy.ts";

type F = (...args: NDArray[]) => NDArray;
const { hyp1f1, hyp2f1 } = special as unknown as Readonly<Record<"hyp1f1" | "hyp2f1", F>>;

/** The bound of all. */
function of(f: F): Bound {
  return { f: jit(f), units: [Infinity, 1], more: (y) => 64 + 4 * Math.abs(Math.log(Math.abs(y))) };
}

/** The derivative by an operand. */
function by(f: F, argnum: number): Bound {
  return of(grad((...args: NDArray[]) => f(...args).sum(), { argnums: argnum }) as F);
}

/** Bounds by what was recorded. */
export const hypergeometric: Bounds = {
  "hyp1f1": of(hyp1f1),
  "hyp1f1 of negative numbers": of(hyp1f1),
  "hyp1f1 by a": by(hyp1f1, 0),
  "hyp1f1 by b": by(hyp1f1, 1),
  "hyp1f1 by x": by(hyp1f1, 2),
  "hyp2f1": of(hyp2f1),
  "hyp2f1 of negative numbers": of(hyp2f1),
  "hyp2f1 by a": by(hyp2f1, 0),
  "hyp2f1 by c": by(hyp2f1, 2),
  "hyp2f1 by x": by(hyp2f1, 3),
};

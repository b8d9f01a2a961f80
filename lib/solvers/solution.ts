/**
 * The record that every solver returns, and the codes for how a solve can end.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { ConcreteArray } from "../core/concrete.ts";
import { ConvergenceError, TreeError } from "../core/errors.ts";
import { registerPytreeNode } from "../core/tree.ts";
import type { Arrays } from "../transforms/trees.ts";

/** How a solve can end. `"converged"` is claimed only where the criterion was met. */
export type Status = "converged" | "maxSteps" | "nonfinite";

/** The number by which a program stands for a status: its position here. */
export const statuses: readonly Status[] = ["converged", "maxSteps", "nonfinite"];

/** The number of a status. */
export function statusCode(status: Status): number {
  return statuses.indexOf(status);
}

/** What a solver found, and how it ended. A pytree, so it may leave a jitted function. */
export class Solution<T> {
  /** Made by solvers. */
  constructor(
    /** The solution; where the solve failed, the best iterate. */
    readonly value: Arrays<T>,
    /** How the solve ended: int32, a position in `statuses` (0 is `"converged"`). */
    readonly status: NDArray,
    /** Evaluations of the user's function: int32. */
    readonly steps: NDArray,
    /** 2-norm of the residual at `value`. */
    readonly residualNorm: NDArray,
    /** 2-norm of `value`. */
    readonly valueNorm: NDArray,
    /** Residual norms of the first steps, NaN beyond; `null` unless asked for. */
    readonly history: NDArray | null,
    /** The solver's name and settings, for messages. */
    readonly description: string,
  ) {}

  /** The status as text. */
  get statusName(): Status {
    return statuses[this.status.item()]!;
  }

  /** Whether the criterion was met: bool. */
  get converged(): NDArray {
    return this.status.equal(0);
  }

  /** What happened, with numbers. Where they are not known yet, that is said instead. */
  get message(): string {
    const parts = [this.status, this.steps, this.residualNorm];
    if (!parts.every((x) => x instanceof ConcreteArray)) {
      return `${this.description}: the outcome is not known while the function is being traced`;
    }
    if (!parts.every((x) => x.peek() !== null)) {
      return `${this.description}: the outcome is in flight; await ready(solution)`;
    }
    const steps = this.steps.item();
    const residual = this.residualNorm.item().toPrecision(3);
    const evaluations = `${steps} evaluation${steps === 1 ? "" : "s"}`;
    switch (this.statusName) {
      case "converged":
        return `${this.description}: converged after ${evaluations}, residual norm ${residual}`;
      case "maxSteps":
        return `${this.description}: not converged after the ${evaluations} that maxSteps allows; the best ` +
          `residual norm is ${residual}. Raise maxSteps, loosen rtol and atol, or try another solver`;
      default:
        return `${this.description}: the function gave infinite or undefined values after ${evaluations}; the ` +
          `best residual norm before that is ${residual}. Try another start, or more damping`;
    }
  }

  /** The tolerances with which the solve would have converged at `value`: one with the other 0. */
  get minimumTolerances(): { readonly atol: NDArray; readonly rtol: NDArray } {
    return { atol: this.residualNorm, rtol: this.residualNorm.div(this.valueNorm) };
  }

  /** The message. */
  toString(): string {
    return `Solution(${this.message})`;
  }
}

registerPytreeNode(
  Solution,
  (s) => {
    const { value, status, steps, residualNorm, valueNorm, history, description } = s;
    return [{ value, status, steps, residualNorm, valueNorm, history }, description];
  },
  (c, description) =>
    new Solution(
      c.value as never,
      c.status as NDArray,
      c.steps as NDArray,
      c.residualNorm as NDArray,
      c.valueNorm as NDArray,
      c.history as NDArray | null,
      description as string,
    ),
);

/**
 * Raises where a solve failed.
 *
 * @throws {ConvergenceError} with the solution's message.
 * @throws {TreeError} where the outcome is not known, inside `jit` and loops.
 */
export function checkConverged(solution: Solution<never>): void {
  const { status } = solution;
  if (!(status instanceof ConcreteArray)) {
    throw new TreeError(
      "throw: true needs to know how the solve ended, which it does not inside jit, vmap and loops. " +
        "Return the solution and look at its status outside",
    );
  }
  if (status.item() !== 0) throw new ConvergenceError(solution.message, solution.statusName);
}

/**
 * The record that every solver returns, and the codes for how a solve can end.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { ConcreteArray } from "../core/concrete.ts";
import { formatCurve, type MediaBundle, showAsText } from "../core/display.ts";
import type { TypedArray } from "../core/dtype.ts";
import { ConvergenceError, InFlightError, TreeError } from "../core/errors.ts";
import { registerPytreeNode } from "../core/tree.ts";
import type { Arrays } from "../transforms/trees.ts";

/** How a solve can end. `"converged"` is claimed only where the criterion was met. */
export type Status = "converged" | "maxSteps" | "nonfinite";

/**
 * The number by which a program stands for a status: its position here.
 *
 * @example
 * ```ts
 * import { fixedPoint, numpy as np, statuses } from "@injax/injax";
 *
 * const { status } = fixedPoint((x) => np.cos(x), 1, { maxSteps: 3 });
 * console.log(status.item(), statuses[status.item()]); // 1 maxSteps
 * ```
 */
export const statuses: readonly Status[] = ["converged", "maxSteps", "nonfinite"];

/** The number of a status. */
export function statusCode(status: Status): number {
  return statuses.indexOf(status);
}

/**
 * What a solver found, and how it ended. A pytree, so it may leave a jitted function.
 *
 * `value` is a tree like the start. `status`, `steps`, `residualNorm` and `valueNorm` are scalars,
 * or [lanes] of a solve that was mapped; the norms are in the units of `value`. Inside transforms
 * they are traced: there `status` may be used as an array, while `statusName` and `converged`
 * raise.
 *
 * @example
 * ```ts
 * import { fixedPoint, numpy as np } from "@injax/injax";
 *
 * const solution = fixedPoint((x) => np.cos(x), 1);
 * console.log(solution.value.item().toFixed(4), solution.converged); // 0.7391 true
 *
 * const short = fixedPoint((x) => np.cos(x), 1, { maxSteps: 3 });
 * console.log(short.statusName, short.steps.item()); // maxSteps 3
 * ```
 */
export class Solution<T, Aux = null> {
  /** For types: a solution has arrays as leaves already. */
  declare readonly "~arrays"?: Solution<T, Aux>;

  /** Made by solvers. */
  constructor(
    /** The solution; where the solve failed, the best iterate, or NaN where no residual was finite. */
    readonly value: Arrays<T>,
    /** How the solve ended: int32, a position in `statuses` (0 is `"converged"`). */
    readonly status: NDArray,
    /** Evaluations of the user's function: int32. */
    readonly steps: NDArray,
    /** 2-norm of the residual at `value`. Like all numbers about the solve it has no derivative. */
    readonly residualNorm: NDArray,
    /** 2-norm of `value`. */
    readonly valueNorm: NDArray,
    /** Residual norms by step [maxSteps], NaN after the last; `null` unless asked for. */
    readonly history: NDArray | null,
    /** The solver's name and settings, for messages. */
    readonly description: string,
    /**
     * With `hasAux`, what the function gave beside its value at the solution; else `null`. It has
     * derivatives, by way of the solution too.
     */
    readonly aux: Arrays<Aux>,
  ) {}

  /**
   * The status as text; of a solve that was mapped over lanes, the worst of theirs.
   *
   * @throws {ConcretizationError} where it is not known, inside transforms: use `status` there.
   * @throws {InFlightError} where it is still being computed.
   */
  get statusName(): Status {
    // Of no lanes, none has failed.
    return statuses[largest(this.status.dataSync())]!;
  }

  /** Whether the criterion was met, by all lanes where there are several. Raises as `statusName`. */
  get converged(): boolean {
    return this.statusName === "converged";
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
    return `${this.description}: ${this.status.ndim === 0 ? outcome(this) : outcomes(this)}`;
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

showAsText(Solution<unknown, unknown>, ({ history }): MediaBundle => {
  const known = history instanceof ConcreteArray && history.ndim === 1;
  const norms = known ? history.shown : null;
  const curve = norms === null ? null : formatCurve(norms, "residual norm");
  return curve === null ? {} : { "image/svg+xml": curve };
});

type Outcome = Pick<Solution<unknown, unknown>, "status" | "steps" | "residualNorm">;

/** How one solve ended. */
function outcome(s: Outcome): string {
  const steps = s.steps.item();
  const norm = s.residualNorm.item();
  const residual = norm.toPrecision(3);
  const evaluations = `${steps} evaluation${steps === 1 ? "" : "s"}`;
  switch (statuses[s.status.item()]) {
    case "converged":
      return `converged after ${evaluations}, residual norm ${residual}`;
    case "maxSteps":
      if (steps === 0) return "not tried, since maxSteps is 0";
      return `not converged after the ${evaluations} that maxSteps allows; the best residual norm is ` +
        `${residual}. Raise maxSteps, loosen rtol and atol, or try another solver`;
    default:
      if (norm === Infinity) {
        return "the start, or the function's value there, is infinite or undefined, and so the value is " +
          "NaN. Are the parameters finite? Otherwise try another start";
      }
      return `the function gave infinite or undefined values after ${evaluations}; the best residual ` +
        `norm before that is ${residual}. Try another start, or more damping`;
  }
}

/** The largest of numbers that are not negative, 0 of none. There may be more than a call takes. */
function largest(values: TypedArray): number {
  let most = 0;
  for (const v of values) if (!(v <= most)) most = v;
  return most;
}

/** How the solves of several lanes ended. */
function outcomes(s: Outcome): string {
  const codes = [...s.status.dataSync()];
  if (codes.length === 0) return "there are no lanes";
  const counts = statuses.flatMap((name, i) => {
    const n = codes.filter((c) => c === i).length;
    return n === 0 ? [] : [`${name} in ${n}`];
  });
  const steps = largest(s.steps.dataSync());
  const norm = largest(s.residualNorm.dataSync());
  return `of ${codes.length} lanes, ${counts.join(", ")}; at most ${steps} evaluations, largest ` +
    `residual norm ${norm.toPrecision(3)}`;
}

registerPytreeNode(
  Solution,
  (s) => {
    const { value, status, steps, residualNorm, valueNorm, history, description, aux } = s;
    return [{ value, status, steps, residualNorm, valueNorm, history, aux }, description];
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
      c.aux as never,
    ),
);

type Known = Outcome & Pick<Solution<unknown, unknown>, "converged" | "message" | "statusName">;

/**
 * Raises where a solve failed.
 *
 * @throws {ConvergenceError} with the solution's message.
 * @throws {TreeError} where the outcome is not known, inside transforms.
 * @throws {InFlightError} where it is still being computed.
 */
export function checkConverged(op: string, solution: Known): void {
  const { status } = solution;
  if (!(status instanceof ConcreteArray)) {
    throw new TreeError(
      `${op}: throw: true needs to know how the solve ended, which it does not inside jit, vmap and loops. ` +
        "Return the solution and look at its status outside",
    );
  }
  if (status.peek() === null) {
    throw new InFlightError(
      `${op}: throw: true needs to know how the solve ended, but its arguments are in flight. ` +
        "`await ready(...)` them first, or look at the status of the solution later",
    );
  }
  if (!solution.converged) throw new ConvergenceError(solution.message, solution.statusName);
}

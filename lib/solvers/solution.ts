/**
 * The record that every solver returns, and the codes for how a solve can end.
 *
 * @module
 */
import {
  ConcreteArray,
  ConvergenceError,
  formatCurve,
  InFlightError,
  type MediaBundle,
  type NDArray,
  registerPytreeNode,
  showAsText,
  TreeError,
  type TypedArray,
} from "../core/mod.ts";
import { or } from "../primitives/mod.ts";
import { check } from "../api/effects.ts";
import type { Arrays } from "../transforms/trees.ts";
import type { Counts } from "./method.ts";

/**
 * How a solve can end. `"converged"` is claimed only where the criterion was met; `"paused"` is said of a long
 * solve (`start`) that has not ended.
 */
export type Status =
  | "converged"
  | "maxSteps"
  | "nonfinite"
  | "stagnated"
  | "diverged"
  | "singular"
  | "breakdown"
  | "paused";

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
export const statuses: readonly Status[] = [
  "converged",
  "maxSteps",
  "nonfinite",
  "stagnated",
  "diverged",
  "singular",
  "breakdown",
  "paused",
];

/** The number of a status. */
export function statusCode(status: Status): number {
  return statuses.indexOf(status);
}

/** What a solver says of a solution. What it leaves out is `null`. */
export interface SolutionFields<T, Aux = null> {
  /** The solution, or the best iterate. */
  readonly value: Arrays<T>;
  /** How the solve ended: a position in `statuses`. */
  readonly status: NDArray;
  /** Steps of the method. */
  readonly steps: NDArray;
  /** Evaluations, by kind. */
  readonly evaluations: Counts;
  /** 2-norm of the residual at `value`. */
  readonly residualNorm: NDArray;
  /** 2-norm of `value`. */
  readonly valueNorm: NDArray;
  /** What was to become small, where that is not the residual. */
  readonly cost?: NDArray | null | undefined;
  /** 2-norm of its gradient. */
  readonly gradientNorm?: NDArray | null | undefined;
  /** Estimate of the distance from the solution. */
  readonly errorEstimate?: NDArray | null | undefined;
  /** Residual norms by step. */
  readonly history?: NDArray | null | undefined;
  /** Points by step. */
  readonly trajectory?: Arrays<T> | null | undefined;
  /** Estimate of the spectral radius of the map's derivative. */
  readonly spectralRadius?: NDArray | null | undefined;
  /** What the function gave beside its value. */
  readonly aux: Arrays<Aux>;
  /** What the method knew at the end. */
  readonly memory?: unknown;
  /** The solver's name and settings. */
  readonly description: string;
  /** What is to vanish (default `"residual"`): its norm is `residualNorm`. */
  readonly vanishes?: "residual" | "gradient" | undefined;
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

  /** The solution; where the solve failed, the best iterate, or NaN where no residual was finite. */
  readonly value: Arrays<T>;
  /** How the solve ended: int32, a position in `statuses` (0 is `"converged"`). */
  readonly status: NDArray;
  /** Steps of the method, each with an evaluation of the user's function: int32. */
  readonly steps: NDArray;
  /** All evaluations of the function, Jacobians and products with Jacobians: int32. */
  readonly evaluations: Counts;
  /** 2-norm of the residual at `value`. Like all numbers about the solve it has no derivative. */
  readonly residualNorm: NDArray;
  /** 2-norm of `value`. */
  readonly valueNorm: NDArray;
  /**
   * What was to become small at `value`, where that is not the residual: else `null`. Of `minimise` it has derivatives, as
   * the function has; of `leastSquares` it has none.
   */
  readonly cost: NDArray | null;
  /** 2-norm of the gradient of `cost` there, or `null`. */
  readonly gradientNorm: NDArray | null;
  /**
   * Estimate of the distance of `value` from the solution, by what a unit of the residual was in the last step, and
   * no less than rounding: of a fixed point by plain iteration, the residual over 1 less the contraction. Infinite
   * where there were too few steps, `null` where the family has none. No bound: the last step says nothing of
   * directions in which it did not go.
   */
  readonly errorEstimate: NDArray | null;
  /** Residual norms by step [maxSteps], NaN after the last; `null` unless asked for. */
  readonly history: NDArray | null;
  /** Points by step, each leaf with an axis of maxSteps in front, NaN after the last; `null` unless asked for. */
  readonly trajectory: Arrays<T> | null;
  /**
   * Of `fixedPoint`, where asked for: an estimate of the spectral radius of the derivative of the map at `value`.
   * Plain iteration comes to the solution where it is below 1, by this factor in each step, and leaves it where
   * it is above 1: such a solution is unstable, and there may be others. Else `null`.
   */
  readonly spectralRadius: NDArray | null;
  /**
   * With `hasAux`, what the function gave beside its value at the solution; else `null`. It has
   * derivatives, by way of the solution too.
   */
  readonly aux: Arrays<Aux>;
  /** What the method knew at the end, for `warmStart`; `null` unless asked for by `keepMemory`. */
  readonly memory: unknown;
  /** The solver's name and settings, for messages. */
  readonly description: string;
  /** What is to vanish: its norm is `residualNorm`. */
  readonly vanishes: "residual" | "gradient";

  /** Made by solvers. */
  constructor(fields: SolutionFields<T, Aux>) {
    registerSolutions();
    this.value = fields.value;
    this.status = fields.status;
    this.steps = fields.steps;
    this.evaluations = fields.evaluations;
    this.residualNorm = fields.residualNorm;
    this.valueNorm = fields.valueNorm;
    this.cost = fields.cost ?? null;
    this.gradientNorm = fields.gradientNorm ?? null;
    this.errorEstimate = fields.errorEstimate ?? null;
    this.history = fields.history ?? null;
    this.trajectory = fields.trajectory ?? null;
    this.spectralRadius = fields.spectralRadius ?? null;
    this.aux = fields.aux;
    this.memory = fields.memory ?? null;
    this.description = fields.description;
    this.vanishes = fields.vanishes ?? "residual";
  }

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

  /**
   * The solution itself where it converged. So what came out of a compiled function is checked.
   *
   * @throws {ConvergenceError} where it did not, with the message.
   * @throws {TreeError} where the outcome is not known, inside transforms.
   * @throws {InFlightError} where it is still being computed.
   *
   * @example
   * ```ts
   * import { fixedPoint, jit, numpy as np } from "@injax/injax";
   *
   * const solve = jit((a: np.NDArray) => fixedPoint((x) => np.cos(x.mul(a)), 1));
   * console.log(solve(np.array(1)).orThrow().value.item().toFixed(4)); // 0.7391
   * ```
   */
  orThrow(): this {
    raiseUnlessConverged("orThrow()", this);
    return this;
  }

  /** The message and the numbers of the solve, a line each. */
  report(): string {
    const known = (x: NDArray | null): x is NDArray =>
      x instanceof ConcreteArray && x.peek() !== null;
    const shown = (x: NDArray): string =>
      x.ndim > 0 ? `at most ${largest(x.dataSync()).toPrecision(3)}` : x.item().toPrecision(3);
    const counted = (x: NDArray): string =>
      x.ndim > 0 ? `at most ${largest(x.dataSync())}` : String(x.item());
    const { f, jacobian, products } = this.evaluations;
    const rows: readonly (readonly [string, NDArray | null, (x: NDArray) => string])[] = [
      ["steps", this.steps, counted],
      ["evaluations", f, counted],
      ["Jacobians", jacobian, counted],
      ["products with Jacobians", products, counted],
      ...this.vanishes === "residual" ? [["residual norm", this.residualNorm, shown] as const] : [],
      ["value norm", this.valueNorm, shown],
      ["cost", this.cost, shown],
      ["gradient norm", this.gradientNorm, shown],
      ["error estimate", this.errorEstimate, shown],
      ["spectral radius", this.spectralRadius, shown],
    ];
    const lines = rows.flatMap(([name, x, show]) =>
      known(x) ? [`  ${name.padEnd(24)}${show(x)}`] : []
    );
    return [this.message, ...lines].join("\n");
  }

  /** The message. */
  toString(): string {
    return `Solution(${this.message})`;
  }
}

let registered = false;

/** Makes solutions trees and pictures, when the first one is made: pages without any do not load what it takes. */
function registerSolutions(): void {
  if (registered) return;
  registered = true;
  registerPytreeNode(
    Solution,
    ({ description, vanishes, ...fields }) => [fields as never, [description, vanishes]],
    (fields, known) => {
      const [description, vanishes] = known as [string, "residual" | "gradient"];
      return new Solution({
        ...fields as never as SolutionFields<unknown>,
        description,
        vanishes,
      });
    },
  );
  showAsText(Solution<unknown, unknown>, ({ history, vanishes }): MediaBundle => {
    const known = history instanceof ConcreteArray && history.ndim === 1;
    const norms = known ? history.shown : null;
    const curve = norms === null ? null : formatCurve(norms, `${vanishes} norm`);
    return curve === null ? {} : { "image/svg+xml": curve };
  });
}

type Outcome = Pick<
  Solution<unknown, unknown>,
  "status" | "steps" | "residualNorm" | "vanishes"
>;

/** How one solve ended. */
function outcome(s: Outcome): string {
  const steps = s.steps.item();
  const norm = s.residualNorm.item();
  const size = norm.toPrecision(3);
  // A gradient is not the smallest one: that of the point with the smallest value.
  const best = s.vanishes === "gradient"
    ? "the gradient norm at the best point"
    : "the best residual norm";
  const evaluations = `${steps} evaluation${steps === 1 ? "" : "s"}`;
  switch (statuses[s.status.item()]) {
    case "converged":
      return `converged after ${evaluations}, ${s.vanishes} norm ${size}`;
    case "maxSteps":
      if (steps === 0) return "not tried, since maxSteps is 0";
      return `not converged after the ${evaluations} that maxSteps allows; ${best} is ` +
        `${size}. Raise maxSteps, loosen rtol and atol, or try another solver`;
    case "paused":
      return `paused after ${evaluations}; ${best} is ${size}`;
    case "stagnated":
      return `stagnated: ${best}, ${size}, was not improved on for long, and ${evaluations} ` +
        "were made. Where that is rounding, loosen rtol; otherwise try another start or solver";
    case "diverged":
      if (s.vanishes === "gradient") {
        return `diverged: in ${evaluations} the function fell along a line as far as one could go; ${best} is ` +
          `${size}. Has it a minimum? Otherwise try bounds, or another start`;
      }
      return `diverged: the residual grew beyond all bounds in ${evaluations}; ${best} is ` +
        `${size}. Try another start, or a solver that needs no contraction`;
    case "singular":
      return `stopped at a singular system after ${evaluations}; ${best} is ${size}. ` +
        "Is each unknown determined by the equations? Otherwise try another start";
    case "breakdown":
      return `the method broke down after ${evaluations}; ${best} is ${size}. Try another one`;
    default:
      if (norm === Infinity) {
        return "the start, or the function's value there or its slope, is infinite or undefined, and so the value is " +
          "NaN. Are the parameters finite, and lower bounds below upper ones? Otherwise try another start";
      }
      return `the function gave infinite or undefined values, nearer to the best point too, and ${evaluations} were made; ` +
        `${best} is ${size}. Try another start, or a form of the equation that is ` +
        "defined more widely";
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
    `${s.vanishes} norm ${norm.toPrecision(3)}`;
}

type Known =
  & Outcome
  & Pick<Solution<unknown, unknown>, "converged" | "message" | "statusName" | "description">;

/**
 * Raises where a solve failed, which one that is paused has not: at once where that is known, inside transforms and where arguments are in
 * flight when the program runs.
 *
 * @throws {ConvergenceError} with the solution's message.
 * @throws {CheckError} inside transforms.
 */
export function checkConverged(op: string, solution: Known): void {
  const { status, steps, residualNorm, vanishes, description } = solution;
  if (status instanceof ConcreteArray && status.peek() !== null) {
    if (solution.statusName === "paused") return;
    return raiseUnlessConverged(op, solution);
  }
  check(
    or(status.equal(statusCode("converged")), status.equal(statusCode("paused"))),
    `${op} with throw: true did not converge: ${description} ended with status {} after {} steps, ` +
      `${vanishes} norm {}. Statuses are ${statuses.map((s, i) => `${i} ${s}`).join(", ")}`,
    status,
    steps,
    residualNorm,
  );
}

/** Raises where a solve failed, which is to be known. */
function raiseUnlessConverged(op: string, solution: Known): void {
  const { status } = solution;
  if (!(status instanceof ConcreteArray)) {
    throw new TreeError(
      `${op}: how the solve ended is not known inside jit, vmap and loops. Return the solution and call ` +
        "orThrow() outside, or give the solver throw: true",
    );
  }
  if (status.peek() === null) {
    throw new InFlightError(
      `${op}: how the solve ended is not known yet, since it is in flight. \`await ready(solution)\` first`,
    );
  }
  if (!solution.converged) throw new ConvergenceError(solution.message, solution.statusName);
}

/**
 * The record of a linear system that was solved, and how it ended.
 *
 * @module
 */
import { ConcreteArray, type NDArray, registerPytreeNode } from "../../core/mod.ts";
import { Solution, type SolutionFields, type Status, statuses } from "../solution.ts";

/** What a solution of a linear system has to say. */
export interface LinearFields<X> extends SolutionFields<X> {
  /** The number that the message quotes, where the method has one; else NaN. */
  readonly detail: NDArray;
  /** Rank of the operator where the method finds it, as `qr()` and `svd()` do; else -1. int32. */
  readonly rank: NDArray;
  /** How much the operator is something else than it was taken for, or 0. */
  readonly denied: NDArray;
  /** How often an iteration began afresh. int32. */
  readonly restarts: NDArray;
  /** Applications of the preconditioner. int32. */
  readonly preconditions: NDArray;
}

/** What a method's failures mean, for messages. */
export interface Explanation {
  /** Whether it has no steps. */
  readonly direct: boolean;
  /** Whether it solves in the sense of least squares. */
  readonly leastSquares: boolean;
  /** By status, with `{}` for the detail. */
  readonly explain: Readonly<Partial<Record<Status, string>>>;
  /** What the operator was taken for. */
  readonly takenFor: "linear" | "symmetric" | "lower" | "upper" | null;
}

/**
 * What `linearSolve` found, and how it ended. A pytree, so it may leave a jitted function. `steps` are
 * those of an iteration, 0 of factors; `evaluations.products` counts products with the operator or its
 * transpose; `residualNorm` is that of `b - A x`; `history` has its norm after each step where that is asked for.
 *
 * @example
 * ```ts
 * import { linearSolve, numpy as np } from "@injax/injax";
 *
 * const solution = linearSolve(np.array([[1, 2], [2, 4]]), np.array([1, 1]));
 * console.log(solution.statusName, solution.converged); // singular false
 * ```
 */
export class LinearSolution<X> extends Solution<X> {
  /** For types: a solution has arrays as leaves already. */
  declare readonly "~arrays"?: LinearSolution<X>;

  /** The number that the message quotes, where the method has one; else NaN. */
  readonly detail: NDArray;
  /** Rank of the operator where the method finds it, as `qr()` and `svd()` do; else -1. int32. */
  readonly rank: NDArray;
  /**
   * How much the operator is something else than it was taken for, as a share of its largest element, or, where an
   * iteration solves by a function that is not linear, the norm of what it gives at 0; else 0.
   */
  readonly denied: NDArray;
  /** How often an iteration began afresh from a residual that was computed, as restarted GMRES does. int32. */
  readonly restarts: NDArray;
  /** Applications of the preconditioner. int32. */
  readonly preconditions: NDArray;

  /** Made by `linearSolve`. */
  constructor(
    fields: LinearFields<X>,
    /** What the method's failures mean. */
    readonly explanation: Explanation,
  ) {
    super(fields);
    registerLinearSolutions();
    this.detail = fields.detail;
    this.rank = fields.rank;
    this.denied = fields.denied;
    this.restarts = fields.restarts;
    this.preconditions = fields.preconditions;
  }

  /** What happened, with numbers. Where they are not known yet, that is said instead. */
  override get message(): string {
    const { status, steps, residualNorm, detail, description } = this;
    const known = [status, steps, residualNorm, detail].every((x) =>
      x instanceof ConcreteArray && x.peek() !== null
    );
    if (!known) return super.message;
    if (status.ndim === 0) return `${description}: ${this.#outcome(0)}`;
    const codes = Array.from(status.dataSync());
    if (codes.length === 0) return `${description}: there are no lanes`;
    const counts = statuses.flatMap((name, i) => {
      const n = codes.filter((c) => c === i).length;
      return n === 0 ? [] : [`${name} in ${n}`];
    });
    const failed = codes.findIndex((c) => c > 0);
    const first = failed < 0 ? "" : `; lane ${failed}: ${this.#outcome(failed)}`;
    return `${description}: of ${codes.length} lanes, ${counts.join(", ")}${first}`;
  }

  /** How the solve of a lane ended. */
  #outcome(lane: number): string {
    const at = (x: NDArray): number => x.dataSync()[x.size === 1 ? 0 : lane]!;
    const { direct, leastSquares, explain, takenFor } = this.explanation;
    const name = statuses[at(this.status)]!;
    const steps = at(this.steps);
    const after = direct ? "" : ` after ${steps} step${steps === 1 ? "" : "s"}`;
    const residual = `residual norm ${at(this.residualNorm).toPrecision(3)}`;
    if (name === "converged") {
      const rank = at(this.rank);
      const sense = leastSquares
        ? ` in the sense of least squares${rank < 0 ? "" : `, rank ${rank}`}`
        : "";
      return `${direct ? "solved" : name}${sense}${after}, ${residual}`;
    }
    if (name === "breakdown" && at(this.denied) > 0) {
      const off = at(this.denied).toPrecision(3);
      if (takenFor === "linear") {
        return `${name}${after}, ${residual}: the function is not linear: at 0 it is off by a norm of ${off}. ` +
          "Take away from it and from b what it gives at 0";
      }
      const what = takenFor === "symmetric"
        ? "symmetric"
        : `${takenFor === "upper" ? "an" : "a"} ${takenFor} triangle`;
      return `${name}${after}, ${residual}: the operator was taken for ${what} and is not: elements are off by ${off} of the largest one. Leave out the tag, or take lu() or gmres()`;
    }
    const why = explain[name] ?? reasons[name];
    return `${name}${after}, ${residual}: ${why.replace("{}", at(this.detail).toPrecision(3))}`;
  }

  /** The message and the numbers of the solve, a line each. */
  override report(): string {
    const rows: readonly (readonly [string, NDArray, number])[] = [
      ["rank", this.rank, 0],
      ["restarts", this.restarts, 1],
      ["preconditioner applied", this.preconditions, 1],
    ];
    const lines = rows.flatMap(([name, x, least]) => {
      const known = x instanceof ConcreteArray && x.peek() !== null && x.ndim === 0;
      return known && x.item() >= least ? [`  ${name.padEnd(24)}${x.item()}`] : [];
    });
    return [super.report(), ...lines].join("\n");
  }

  /** The message. */
  override toString(): string {
    return `LinearSolution(${this.message})`;
  }
}

/** What a failure means, where the method does not say more. */
const reasons: Readonly<Record<Status, string>> = {
  converged: "",
  maxSteps:
    "more steps than maxSteps allows. Raise maxSteps, give a preconditioner, or loosen rtol",
  nonfinite:
    "the operator, its preconditioner, b or the solution has elements that are infinite or NaN",
  stagnated:
    "the residual no longer falls. Give a preconditioner, let gmres() restart later, or take a " +
    "direct method such as lu(), which tells, too, where a function is not linear; where the system has no " +
    "solution, qr(), svd() or lsmr() give least squares",
  diverged: "the residual grew. Give a preconditioner, or take a direct method such as lu()",
  singular: "the operator is singular. For a solution of least squares take svd() or qr()",
  breakdown: "the method broke down. Take gmres(), or a direct method such as lu()",
  paused: "",
};

let registered = false;

/** Makes them trees, when the first one is made: pages without any do not load what it takes. */
function registerLinearSolutions(): void {
  if (registered) return;
  registered = true;
  registerPytreeNode(
    LinearSolution<never>,
    ({ explanation, description, vanishes: _residual, ...fields }) => [
      fields as unknown as Record<string, unknown>,
      JSON.stringify({ explanation, description }),
    ],
    (fields, text) => {
      const { explanation, description } = JSON.parse(text as string);
      return new LinearSolution(
        { ...fields as never as LinearFields<never>, description },
        explanation,
      );
    },
  );
}

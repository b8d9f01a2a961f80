/**
 * Long solves (`run.ts`) as something to watch: an iteration over their parts, and a line on a terminal.
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  type ConcreteArray,
  describeValue,
  type OptionTable,
} from "../core/mod.ts";
import { advance, checkRun, maxStepsOf, type Run, stateOf } from "./run.ts";

/** Options of `progress`. */
export interface ProgressOptions {
  /** Evaluations from one part to the next (default 10). */
  readonly every?: number | undefined;
  /** Ends the iteration with its reason when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Whether to show a line on the terminal, if there is one (default false). */
  readonly bar?: boolean | undefined;
}

const progressOptions: OptionTable<ProgressOptions> = {
  every: "count",
  bar: "boolean",
  signal: "object",
};

/**
 * The run after each part of it, until it ends. Leaving the loop stops it; the last run can be saved, or gone
 * on with. Between parts, whatever else the program waits for has its turn.
 *
 * @throws {unknown} the signal's reason, where that is aborted.
 * @throws {RangeError} where `every` is no number of evaluations.
 *
 * @example
 * ```ts
 * import { finish, fixedPoint, numpy as np, progress, start } from "@injax/injax";
 *
 * let run = start((options) => fixedPoint((x) => np.cos(x), 1, options));
 * for await (run of progress(run, { every: 4 })) {
 *   console.log(run.solution.steps.item(), run.solution.statusName); // 4 paused
 *   if (run.solution.residualNorm.item() < 0.1) break;
 * }
 * console.log(finish(run).statusName); // converged
 * ```
 */
export function progress<S>(
  run: Run<S>,
  options: ProgressOptions = {},
): AsyncGenerator<Run<S>, void> {
  if (arguments.length > 1) checkCall("progress(run, options)", arguments, progressOptions);
  checkRun("progress", run);
  const { every = 10, signal, bar = false } = options;
  checkCount("progress", "every", every);
  if (every < 1) throw new RangeError("progress: every must be at least 1, not 0");
  if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
    throw new TypeError(`progress: signal must be an AbortSignal, not ${describeValue(signal)}`);
  }
  return parts(run, every, signal, bar ? lineOf(maxStepsOf(run)) : null);
}

async function* parts<S>(
  first: Run<S>,
  every: number,
  signal: AbortSignal | undefined,
  line: Line | null,
): AsyncGenerator<Run<S>, void> {
  try {
    for (let run = first; !await ended(run);) {
      await turn();
      signal?.throwIfAborted();
      run = advance(run, every);
      await ended(run);
      line?.show(run);
      yield run;
    }
  } finally {
    line?.end();
  }
}

async function ended(run: Run<unknown>): Promise<boolean> {
  const { status, steps, bestNorm } = stateOf(run);
  await Promise.all([status, steps, bestNorm].map((x) => (x as ConcreteArray).load()));
  return run.done;
}

/** Lets timers, events and drawing have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A line that is written over. */
interface Line {
  show(run: Run<unknown>): void;
  end(): void;
}

/** What Node, Deno and Bun have for errors and progress. */
interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** The line on the terminal, `null` where there is none, as in pages and where output goes to a file. */
function lineOf(maxSteps: number): Line | null {
  const { process } = globalThis as { process?: { readonly stderr?: Terminal } };
  const terminal = process?.stderr;
  if (terminal?.isTTY !== true) return null;
  let shown = false;
  return {
    show(run) {
      terminal.write(`\r${lineFor(run, maxSteps)}\x1b[K`);
      shown = true;
    },
    end() {
      if (shown) terminal.write("\n");
    },
  };
}

/** How far a run is: a bar for the evaluations that it may make, and the residual norm. */
export function lineFor(run: Run<unknown>, maxSteps: number): string {
  const { steps, bestNorm } = stateOf(run);
  const done = steps.item();
  const filled = Math.round(width * Math.min(1, done / Math.max(1, maxSteps)));
  const bar = "#".repeat(filled).padEnd(width, ".");
  const norm = bestNorm.item().toExponential(2);
  return `[${bar}] ${done} of at most ${maxSteps} evaluations, residual norm ${norm}`;
}

const width = 24;

/**
 * Long solves, driven from the host: one compiled program makes a number of evaluations, and between two
 * calls of it the host shows progress, stops, saves or goes on. The loop is that of all solvers
 * (`iterate.ts`), and so are its numbers, to the bit.
 *
 * @module
 */
import {
  allocate,
  checkCall,
  checkCount,
  checkShape,
  ConcreteArray,
  currentTrace,
  describeValue,
  formatAval,
  isDType,
  type NDArray,
  type OptionTable,
  sameAval,
  scalarArray,
  shaped,
  ShapeError,
  sizeOf,
  Tracer,
  type TreeDef,
  treeFlatten,
  treeLeaves,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import { checkDictionary } from "../transforms/members.ts";
import { pure } from "../transforms/pure.ts";
import { checkFunction, checkResult, flattenArrays, nameOf } from "../transforms/trees.ts";
import type { Transforms } from "../transforms/types.ts";
import type { Leg, State } from "./method.ts";

/** What `start` gives the function that solves, to be spread into the solver's options. */
export interface LegOptions {
  /** The part of the solve to do now. */
  readonly leg: Leg;
  /** The dictionary that `start` was given. */
  readonly transforms?: Transforms;
}

/** Options of `start`. */
export interface StartOptions {
  /** The dictionary of transforms; pass a module system's where the functions use modules. */
  readonly transforms?: Transforms | undefined;
  /** Where the program runs, as for `jit`. */
  readonly backend?: string | undefined;
  /** A run of the same solve, what `JSON.stringify` made of one, or its `state`: where to go on. */
  readonly from?: Run<unknown> | SavedRun | RunState | undefined;
}

const startOptions: OptionTable<StartOptions> = {
  backend: "string",
  transforms: "object",
  from: "object",
};

/** All that a loop knows between two evaluations: a tree of arrays, whose structure is the solver's affair. */
export type RunState = { readonly [name: string]: unknown };

/** A run as plain data, for JSON. */
export interface SavedRun {
  /** The arrays of its state, in order. */
  readonly arrays: readonly SavedArray[];
}

/** An array as plain data: the elements in order, those that JSON does not have as text. */
export interface SavedArray {
  /** The dtype's name. */
  readonly dtype: string;
  /** The lengths of the axes. */
  readonly shape: readonly number[];
  /** The elements. */
  readonly data: readonly (number | "NaN" | "Infinity" | "-Infinity" | "-0")[];
}

/** What all runs of one solve share. */
interface Program<S> {
  readonly solve: (options: LegOptions) => S;
  readonly transforms: Transforms | undefined;
  /** Makes a number of evaluations, as one compiled program. */
  readonly advance: (state: State, steps: NDArray) => Stand<S>;
  readonly maxSteps: number;
}

/** How far a solve has come, and what it gives there. */
interface Stand<S> {
  readonly state: State;
  readonly solution: S;
}

/**
 * A long solve, as far as it has come. Runs do not change: `advance` gives another one.
 *
 * @example
 * ```ts
 * import { advance, fixedPoint, numpy as np, start } from "@injax/injax";
 *
 * const run = advance(start((options) => fixedPoint((x) => np.cos(x), 1, options)), 3);
 * console.log(run.done, run.solution.message);
 * // false fixedPoint by Anderson acceleration (memory 5): paused after 3 evaluations; the best
 * // residual norm is 0.0185
 * ```
 */
export class Run<S> {
  /** For types: a run is no tree. */
  declare readonly "~run"?: S;
  readonly #program: Program<S>;

  /** What the function that solves gives for the best point so far; its status is `"paused"` until it ends. */
  readonly solution: S;
  /**
   * All that the loop knows, as a tree of arrays: to be saved by whatever saves arrays, and given to `start` as
   * `from` by a later program. `JSON.stringify(run)` is a way to do so.
   */
  readonly state: RunState;

  /** Made by `start` and `advance`. */
  constructor(program: unknown, { state, solution }: { state: unknown; solution: S }) {
    this.#program = program as Program<S>;
    this.state = state as RunState;
    this.solution = solution;
  }

  /** Whether it has ended. Raises `InFlightError` where that is still being computed. */
  get done(): boolean {
    return stateOf(this).status.item() !== -1;
  }

  /** The state as plain data, for `JSON.stringify`. */
  toJSON(): SavedRun {
    return { arrays: (treeLeaves(this.state) as NDArray[]).map(saved) };
  }

  /** The program of a run, for the functions of this module. */
  static programOf<S>(run: Run<S>): Program<S> {
    return run.#program;
  }
}

/** The state of a run by its own type. */
export function stateOf(run: Run<unknown>): State {
  return run.state as unknown as State;
}

/** Largest number of evaluations of a run. */
export function maxStepsOf(run: Run<unknown>): number {
  return Run.programOf(run).maxSteps;
}

/**
 * Begins a long solve: `solve` calls a solver that has a `leg` among its options, hands it the options that
 * it is given, and returns what is wanted of the solution. It is compiled once. What the functions in it write
 * to modules is written by `finish` alone; what they draw is drawn anew for each part, so that it is better
 * drawn outside of them.
 *
 * @param solve Gives the solution, or a tree with it.
 * @throws {TypeError} where the options do not reach one solver, or `from` is no run.
 * @throws {ShapeError} where `from` is a run of another solve.
 *
 * @example
 * ```ts
 * import { advance, finish, fixedPoint, numpy as np, start } from "@injax/injax";
 *
 * const f = (x: np.NDArray) => np.cos(x);
 * const solve = (options: object) => fixedPoint(f, 1, { ...options, rtol: 1e-5 });
 * const paused = advance(start(solve), 3);
 * const text = JSON.stringify(paused); // to be kept in a file
 * const solution = finish(start(solve, { from: JSON.parse(text) }));
 * console.log(solution.statusName, solution.value.item() === solve({}).value.item()); // converged true
 * ```
 */
export function start<S>(solve: (options: LegOptions) => S, options: StartOptions = {}): Run<S> {
  if (arguments.length > 1) checkCall("start(solve, options)", arguments, startOptions);
  checkFunction("start", solve);
  const { transforms, backend, from } = options;
  if (transforms !== undefined) checkDictionary("start", transforms);
  const begun = standAt(solve, transforms, null);
  const part = (state: State, steps: NDArray): Stand<S> => {
    const { state: next, solution } = standAt(solve, transforms, { from: state, pause: steps });
    return { state: next, solution };
  };
  Object.defineProperty(part, "name", { value: solve.name });
  const program: Program<S> = {
    solve,
    transforms,
    advance: (transforms ?? pure).jit(
      part as never,
      backend === undefined ? {} : { backend },
    ) as never,
    maxSteps: begun.maxSteps,
  };
  const run = runOf(program, solve, begun);
  return from === undefined ? run : after(program, stateFrom(from, begun.state), 0);
}

/**
 * The run after so many more evaluations, or as many as it takes to end. All of one solve are made by one
 * program.
 *
 * @param steps How many, at least 1.
 * @throws {RangeError} where that is no such number.
 *
 * @example
 * ```ts
 * import { advance, fixedPoint, numpy as np, start } from "@injax/injax";
 *
 * let run = start((options) => fixedPoint((x) => np.cos(x), 1, options));
 * while (!run.done) run = advance(run, 4);
 * console.log(run.solution.statusName, run.solution.value.item().toFixed(4)); // converged 0.7391
 * ```
 */
export function advance<S>(run: Run<S>, steps: number): Run<S> {
  checkCall("advance(run, steps)", arguments);
  checkRun("advance", run);
  checkCount("advance", "steps", steps);
  if (steps < 1) throw new RangeError("advance: steps must be at least 1, not 0");
  return after(Run.programOf(run), stateOf(run), steps);
}

/**
 * Goes on to the end and gives what the solve in one go, compiled by `jit`, would have given, to the bit. What the functions in
 * it write to modules is written now, once.
 *
 * @throws {ConvergenceError} where the solver was told to throw and failed.
 *
 * @example
 * ```ts
 * import { finish, numpy as np, rootFind, start } from "@injax/injax";
 *
 * const run = start((options) => rootFind((x) => x.square().sub(2), np.array(1), options));
 * console.log(finish(run).value.item().toFixed(4)); // 1.4142
 * ```
 */
export function finish<S>(run: Run<S>): S {
  checkCall("finish(run)", arguments);
  checkRun("finish", run);
  const program = Run.programOf(run);
  const end = after(program, stateOf(run), 2 ** 31 - 1);
  const { solve, transforms } = program;
  if (transforms !== undefined) {
    solve({ leg: { from: stateOf(end), pause: 0, take() {} }, transforms });
  }
  return end.solution;
}

/** Raises where a value is no run. */
export function checkRun(op: string, run: unknown): void {
  if (run instanceof Run) return;
  throw new TypeError(`${op}: run must be what start() gives, not ${describeValue(run)}`);
}

/** What is known after a part, while nothing stays that the functions write to modules. */
function standAt<S>(
  solve: (options: LegOptions) => S,
  transforms: Transforms | undefined,
  part: Pick<Leg, "from" | "pause"> | null,
): Stand<S> & { readonly maxSteps: number } {
  const name = nameOf(solve);
  let maxSteps = 0;
  const stand = (): Stand<S> => {
    const trace = currentTrace();
    const told: State[] = [];
    const leg: Leg = {
      from: part?.from ?? null,
      pause: part?.pause ?? 0,
      take(state, most, own) {
        if (currentTrace() !== trace) {
          throw new TypeError(
            `start: ${name} calls the solver inside of another transform. Only calls of its own can be ` +
              "driven from the host; for lanes, solve for all of them as one array",
          );
        }
        if (own !== (transforms ?? pure)) {
          throw new TypeError(
            `start: ${name} uses a dictionary of transforms that start does not know. Give it here: ` +
              "start(solve, { transforms })",
          );
        }
        maxSteps = most;
        told.push(state as State);
      },
    };
    const solution = solve(transforms === undefined ? { leg } : { leg, transforms });
    checkResult("start", solve, solution);
    if (told.length === 1) return { state: told[0]!, solution };
    throw new TypeError(
      told.length === 0
        ? `start: ${name} did not hand its options to a solver. Write ` +
          "start((options) => fixedPoint(f, x0, { ...options, rtol: 1e-9 }))"
        : `start: ${name} calls ${told.length} solvers with the options. Each needs a run of its own`,
    );
  };
  if (transforms === undefined) return { ...stand(), maxSteps };
  // What the solver of an equation writes does not count; the equation is that nothing changes.
  const nothing = scalarArray(0, "float32");
  const [, found] = transforms.customRoot(
    (x: NDArray) => x,
    nothing,
    () => [nothing, stand() as never],
    (_, y) => y,
    { hasAux: true },
  );
  return { ...found as unknown as Stand<S>, maxSteps };
}

function runOf<S>(program: Program<S>, solve: unknown, stand: Stand<S>): Run<S> {
  const [leaves] = flattenArrays("start", stand, `the result of ${nameOf(solve)}`);
  if (leaves.some((x) => x instanceof Tracer)) {
    throw new TypeError(
      `start: ${
        nameOf(solve)
      } uses a value that is traced. A long solve is driven from the host: call start ` +
        "outside of jit, grad, vmap and loops",
    );
  }
  return new Run(program, stand);
}

function after<S>(program: Program<S>, state: State, steps: number): Run<S> {
  return runOf(program, program.solve, program.advance(state, scalarArray(steps, "int32")));
}

// ---------------------------------------------------------------- saving

function saved(x: NDArray): SavedArray {
  const text = (v: number): SavedArray["data"][number] =>
    Number.isFinite(v) ? Object.is(v, -0) ? "-0" : v : String(v) as "NaN";
  return { dtype: x.dtype, shape: x.shape, data: Array.from(x.dataSync(), text) };
}

/** A state that was saved, which must be like this one. */
function stateFrom(from: unknown, like: State): State {
  const [own, def] = treeFlatten(like) as [NDArray[], TreeDef];
  const given = from instanceof Run ? treeLeaves(from.state) as NDArray[] : arraysIn(from);
  if (given.length !== own.length) {
    throw new TypeError(
      `start: from is of another solve: its state has ${given.length} arrays, that of this one ${own.length}`,
    );
  }
  const paths = treePaths(def);
  given.forEach((x, i) => {
    const { aval } = own[i]!;
    if (sameAval(x.aval, aval)) return;
    throw new ShapeError(
      `start: from is of another solve: state${paths[i]} is ${
        formatAval(x.aval)
      }, in this one it is ${formatAval(aval)}`,
    );
  });
  return treeUnflatten(def, given) as unknown as State;
}

function arraysIn(from: unknown): readonly NDArray[] {
  const list = (from as Partial<SavedRun> | null)?.arrays;
  if (!Array.isArray(list)) {
    if (typeof from !== "object" || from === null) {
      throw new TypeError(
        `start: from must be a run, what JSON.parse makes of one, or its state, not ${
          describeValue(from)
        }`,
      );
    }
    return flattenArrays("start", from, "from")[0];
  }
  return list.map((entry: Partial<SavedArray>, i) => {
    const { dtype, shape, data } = entry ?? {};
    if (
      !isDType(dtype) || !Array.isArray(data) || data.length !== sizeOf(checkShape("start", shape))
    ) {
      throw new TypeError(
        `start: array ${i} of from must be { dtype, shape, data } with an element for each place`,
      );
    }
    const values = allocate(dtype, data.length);
    data.forEach((v, k) => values[k] = Number(v));
    return ConcreteArray.fromHost(shaped(shape as number[], dtype), values);
  });
}

/**
 * Programs as text, at each stage from the trace to the graph that a backend runs.
 *
 * Where a backend and eager code part: each operation of a function is run both ways, on the values
 * that eager code has there.
 *
 * @module
 */
import { simplify } from "../compile/pipeline.ts";
import {
  type Backend,
  bind,
  checkCall,
  ConcreteArray,
  currentTrace,
  defaultBackend,
  describeValue,
  type DType,
  evalJaxpr,
  evalTrace,
  type Executable,
  formatAval,
  formatJaxpr,
  formatNumber,
  getBackend,
  isFloat,
  type NDArray,
  type OptionTable,
  type Primitive,
  runningLine,
  Shown,
  Trace,
  treeLeaves,
  withoutEffects,
  withTrace,
} from "../core/mod.ts";
import { stageClosed } from "../interpreters/staging.ts";
import { lowerJaxpr } from "../onnx/export.ts";
import { formatModel } from "../onnx/model.ts";
import { makeJaxpr, openJaxpr } from "../transforms/inspect.ts";
import { jit } from "../transforms/jit.ts";
import type { Tree } from "../transforms/tree_types.ts";
import { checkFunction, flattenArrays, flattenResult, nameOf } from "../transforms/trees.ts";
import type { AnyFunction } from "../transforms/types.ts";

/** Stages of a program. */
export type Stage = "traced" | "simplified" | "onnx";

/** Options of `program`. */
export interface ProgramOptions {
  /**
   * `"traced"` (default): what was recorded, calls as calls. `"simplified"`: with calls inlined, loops
   * taken apart and dead code gone, as every backend gets it. `"onnx"`: the graph for onnxruntime.
   */
  readonly stage?: Stage | undefined;
  /** For `"onnx"`: the backend that it is for, `"onnx"` (default) or `"webgpu"`. */
  readonly backend?: "onnx" | "webgpu" | undefined;
}

const programOptions: OptionTable<ProgramOptions> = { stage: "string", backend: "string" };

/**
 * The program of a function for arguments like `args`, as text.
 *
 * @param f The function.
 * @param args Example arguments: arrays, numbers or `ShapeDtype`s in any tree.
 * @throws {TypeError} where there is no such `stage` or `backend`.
 *
 * @example
 * ```ts
 * import { debug, foriLoop, jit, type NDArray, numpy as np } from "@injax/injax";
 *
 * const f = (x: NDArray) => jit((v: NDArray) => np.sin(v).mul(2))(x);
 * console.log(debug.program(f, [np.ones([3])], { stage: "simplified" }));
 * // { lambda a:float32[3] ; let
 * //   b:float32[3] = sin a
 * //   c:float32[3] = mul b 2:float32[]
 * // in (c) }
 * ```
 */
export function program(
  f: AnyFunction,
  args: readonly unknown[],
  options: ProgramOptions = {},
): string {
  checkCall("debug.program(f, args, options)", arguments, programOptions);
  const { stage = "traced", backend = "onnx" } = options;
  if (!Array.isArray(args)) {
    throw new TypeError(
      `debug.program: args must be the list of arguments, as in program(f, [x]), not ${
        describeValue(args)
      }`,
    );
  }
  if (backend !== "onnx" && backend !== "webgpu") {
    throw new TypeError(
      `debug.program: graphs are for "onnx" and "webgpu", not ${describeValue(backend)}`,
    );
  }
  const { jaxpr } = openJaxpr(makeJaxpr(f as (...args: never[]) => Tree)(...args as never[]));
  switch (stage) {
    case "traced":
      return formatJaxpr(jaxpr);
    case "simplified":
      return formatJaxpr(simplify(jaxpr));
    case "onnx":
      return formatModel(lowerJaxpr(jaxpr, { target: backend }));
    default:
      throw new TypeError(
        `debug.program: stage must be "traced", "simplified" or "onnx", not ${
          describeValue(stage)
        }`,
      );
  }
}

/** An operation, or a whole function, that gives something else on a backend. */
export interface Difference {
  /** The operation's name with the types of its operands, or the function's. */
  readonly what: string;
  /** The line of user code that applied it. */
  readonly where: string;
  /** Position of the element that differs most, in the flat result. */
  readonly position: number;
  /** What eager code gives there. */
  readonly eager: number;
  /** What the backend gives there. */
  readonly compiled: number;
  /**
   * How far apart they are, in units of the last place of the eager value; infinite where one is NaN,
   * infinite or a zero of the other sign.
   */
  readonly ulps: number;
}

/** What `whereJitDiffers` found. */
export class Differences extends Shown {
  /** Made by `whereJitDiffers`. */
  constructor(
    /** The backend. */
    readonly backend: string,
    /** The operations that differ, in the order in which they are first applied. */
    readonly operations: readonly Difference[],
    /** The whole function, compiled as one program; `null` where its results are the same. */
    readonly whole: Difference | null,
    /** How many operations were compared. */
    readonly compared: number,
  ) {
    super();
  }

  /** A line for each difference. */
  override toString(): string {
    const shown = (v: number): string => formatNumber(v, "float64"); // which tells -0 from 0
    const line = (d: Difference): string =>
      `${d.what}[${d.position}]: eager ${shown(d.eager)}, ${this.backend} ${shown(d.compiled)} (${
        Number.isFinite(d.ulps) ? `${Number(d.ulps.toPrecision(3))} ulp` : "no rounding"
      }) at ${d.where}`;
    const count = `${this.compared} operations compared with ${this.backend}`;
    if (this.operations.length === 0 && this.whole === null) return `${count}: no difference`;
    const lines = [`${count}; these differ:`, ...this.operations.map((d) => `  ${line(d)}`)];
    if (this.operations.length === 0) lines[0] = `${count}: none differs by itself`;
    if (this.whole !== null) lines.push(`  as one program, ${line(this.whole)}`);
    return lines.join("\n");
  }
}

/** Options of `whereJitDiffersWith`. */
export interface DifferenceOptions {
  /** The backend to compare eager code with; default `"cpu"`. */
  readonly backend?: string | undefined;
  /** Differences up to this many units of the last place are rounding; default 2. */
  readonly ulps?: number | undefined;
}

const differenceOptions: OptionTable<DifferenceOptions> = { backend: "string", ulps: "count" };

/**
 * Why a jitted function gives something else than the function itself: runs it once in eager code, and
 * each operation in it on the backend `"cpu"` too, with the same operands. Loops are followed step by
 * step. Names the operations whose results differ by more than rounding (2 ulp), and whether the
 * function compiled as a whole differs: sums are taken in another order there, for example.
 *
 * @param f The function; it is not differentiated or vectorised by this, but may be a derivative itself.
 * @param args Its arguments.
 * @throws {BackendError} where the backend cannot be loaded.
 *
 * @example
 * ```ts
 * import { debug, type NDArray, numpy as np } from "@injax/injax";
 *
 * const found = await debug.whereJitDiffers((x: NDArray) => x.mul(2).sum(), np.ones([3]));
 * console.log(String(found)); // 2 operations compared with cpu: no difference
 * ```
 */
export function whereJitDiffers(f: AnyFunction, ...args: unknown[]): Promise<Differences> {
  return whereJitDiffersWith({}, f, ...args);
}

/**
 * `whereJitDiffers` with options first.
 *
 * @throws {BackendError} where there is no such backend, or it cannot be loaded.
 *
 * @example
 * ```ts
 * import { debug, type NDArray, numpy as np } from "@injax/injax";
 *
 * const f = (x: NDArray) => np.exp(x).sum();
 * const found = await debug.whereJitDiffersWith({ backend: "interpreter" }, f, np.ones([3]));
 * console.log(found.operations.length); // 0
 * ```
 */
export async function whereJitDiffersWith(
  options: DifferenceOptions,
  f: AnyFunction,
  ...args: unknown[]
): Promise<Differences> {
  checkCall("debug.whereJitDiffersWith(options, f, ...args)", arguments, differenceOptions);
  checkFunction("whereJitDiffers", f);
  const { backend: name = defaultBackend, ulps = 2 } = options;
  const backend = getBackend(name);
  await backend.load();
  const [leaves] = flattenArrays("whereJitDiffers", args, `an argument of ${nameOf(f)}`);
  for (const x of leaves) if (x instanceof ConcreteArray) await x.load();
  const trace = new ComparingTrace(backend);
  const result = withTrace(trace, () => (f as AnyCall)(...args));
  const eager = flattenResult("whereJitDiffers", f, result)[0] as ConcreteArray[];
  const operations: Difference[] = [];
  for (const { what, where, outs, compiled } of trace.applied) {
    const found = await largest(what, where, outs, compiled, ulps);
    if (found !== null) operations.push(found);
  }
  // What it does beside giving results has been done, and not every backend can do it.
  const quiet = (...args: unknown[]): unknown =>
    withTrace(new QuietTrace(currentTrace()), () => (f as AnyCall)(...args));
  const compiled = treeLeaves(
    (jit(quiet, { backend: name }) as AnyCall)(...args),
  ) as ConcreteArray[];
  const whole = await largest(nameOf(f), "the whole", eager, compiled, ulps);
  return new Differences(name, merged(operations), whole, trace.applied.length);
}

type AnyCall = (...args: unknown[]) => unknown;

/** One application of an operation. */
interface Applied {
  readonly what: string;
  readonly where: string;
  readonly outs: readonly ConcreteArray[];
  readonly compiled: readonly ConcreteArray[];
}

/** Evaluates eagerly, entering programs, and runs each operation on a backend beside. */
class ComparingTrace extends Trace {
  readonly applied: Applied[] = [];
  readonly #executables = new Map<string, Executable>();

  constructor(readonly backend: Backend) {
    super("whereJitDiffers", false);
  }

  process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    const call = primitive.passes.programs?.inline(params, args, () => null) ?? null;
    if (call !== null) return evalJaxpr(call.jaxpr, call.inputs, bind);
    const outs = evalTrace.process(primitive, args, params);
    // What contains programs has had their operations compared while it was evaluated.
    if (typeof primitive.impl !== "function") return outs;
    const avals = args.map((x) => x.aval);
    const what = `${primitive.name}(${avals.map(formatAval).join(", ")})`;
    const key = `${what} ${JSON.stringify(params)}`;
    let executable = this.#executables.get(key);
    if (executable === undefined) {
      const one = withTrace(
        evalTrace,
        () => stageClosed(primitive.name, (xs) => bind(primitive, xs, params), avals),
      );
      this.#executables.set(key, executable = this.backend.compile(one, primitive.name));
    }
    this.applied.push({
      what,
      where: runningLine(),
      outs: outs as ConcreteArray[],
      compiled: executable.run(args as readonly ConcreteArray[]),
    });
    return outs;
  }
}

/** Leaves operations to its parent, but for what they do beside giving results. */
class QuietTrace extends Trace {
  constructor(readonly parent: Trace) {
    super("whereJitDiffers", false);
  }

  process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    const { effect, programs } = primitive.passes;
    if (effect !== null) return [];
    const own = programs === null
      ? params
      : programs.replace(params, programs.list(params).map((c) => withoutEffects(c.jaxpr)));
    return withTrace(this.parent, () => bind(primitive, args, own));
  }
}

/** The element that differs most, where it differs by more than `allowed` units. */
async function largest(
  what: string,
  where: string,
  eager: readonly ConcreteArray[],
  compiled: readonly ConcreteArray[],
  allowed: number,
): Promise<Difference | null> {
  let found: Difference | null = null;
  for (const [k, x] of eager.entries()) {
    const [a, b] = [await x.data(), await compiled[k]!.data()];
    for (let i = 0; i < a.length; i++) {
      const ulps = distance(a[i]!, b[i]!, x.dtype);
      if (ulps <= (isFloat(x.dtype) ? allowed : 0) || ulps <= (found?.ulps ?? 0)) continue;
      const shown = (v: number): number => Number(formatNumber(v, x.dtype));
      found = { what, where, position: i, eager: shown(a[i]!), compiled: shown(b[i]!), ulps };
    }
  }
  return found;
}

/** Units of the last place between two elements; integers count in ones. */
function distance(a: number, b: number, dtype: DType): number {
  if (Object.is(a, b)) return 0;
  if (!isFloat(dtype)) return Math.abs(a - b);
  if (a === b || !Number.isFinite(a) || !Number.isFinite(b)) return Infinity;
  const exponent = Math.floor(Math.log2(Math.max(Math.abs(a), Number.MIN_VALUE)));
  const [mantissa, smallest] = dtype === "float32" ? [23, -126] : [52, -1022];
  return Math.abs(a - b) / 2 ** (Math.max(exponent, smallest) - mantissa);
}

/** One difference for each operation and place: the largest. */
function merged(all: readonly Difference[]): Difference[] {
  const byPlace = new Map<string, Difference>();
  for (const d of all) {
    const key = `${d.what} ${d.where}`;
    const before = byPlace.get(key);
    if (before === undefined || before.ulps < d.ulps) byPlace.set(key, d);
  }
  return [...byPlace.values()];
}

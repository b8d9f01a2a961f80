/**
 * Tracing without a stack: one current interpreter, saved and restored around rules. A traced value
 * carries the interpreter that made it; an interpreter takes values that are not its own for
 * constants and leaves them to its parent.
 *
 * Owns the current interpreter, the evaluator at the bottom, and the errors for tracers that are
 * used as numbers or after their time. The other interpreters are in `lib/interpreters`.
 *
 * @module
 */
import { NDArray, type Nested } from "./array.ts";
import { ConcreteArray, retained } from "./concrete.ts";
import { bytesOf, checkRoom, formatAval, type ShapedArray, type TypedArray } from "./dtype.ts";
import {
  ConcretizationError,
  DifferentiationError,
  LeakedTracerError,
  OuterTraceError,
} from "./errors.ts";
import { Linear, type Primitive } from "./primitive.ts";
import { userLine } from "./indexing.ts";

/** Whether traces note where they were started, which takes as long as several equations. */
let notesSites = true;

function withSites<R>(notes: boolean, f: () => R): R {
  const before = notesSites;
  notesSites = notes;
  try {
    return f();
  } finally {
    notesSites = before;
  }
}

/** Calls a function of programs, not of users: where traces start in it is nobody's question. */
export function unsited<R>(f: () => R): R {
  return withSites(false, f);
}

/** A user's function that such a function may call, such as a custom rule: traces in it note where they start. */
export function sited(f: (...args: never[]) => unknown): (...args: unknown[]) => unknown {
  return (...args) => withSites(true, () => f(...args as never[]));
}

/** An interpreter of primitives. */
export abstract class Trace {
  /** False once the function that it watched has returned. */
  alive = true;
  readonly #site: Error | null;

  /** `what` describes the transform and function for messages: "grad of `loss`". */
  constructor(readonly what: string, recordSite = true) {
    this.#site = recordSite && notesSites ? new Error() : null;
  }

  /** Interprets one application of a primitive. */
  abstract process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[];

  /** The line of user code that started this trace, as far as it can be told. */
  get site(): string {
    return userLine(this.#site);
  }
}

/** A stand-in for an array while a transform watches a function. */
export abstract class Tracer extends NDArray {
  /** The interpreter that made it. */
  abstract readonly trace: Trace;

  #concretization(use: string, fix: string): ConcretizationError {
    if (!this.trace.alive) return leaked(this) as ConcretizationError;
    return new ConcretizationError(
      `${use} of a traced ${
        formatAval(this.aval)
      } value is not known inside ${this.trace.what}: there only its shape and dtype are. ${fix}`,
    );
  }

  override data(): Promise<TypedArray> {
    return Promise.reject(
      this.#concretization("data()", "Return the value from the function and read it outside"),
    );
  }
  override dataSync(): TypedArray {
    throw this.#concretization(
      "reading the elements",
      "Return the value from the function and read it outside",
    );
  }
  override toArray(): Nested {
    throw this.#concretization("toArray()", "Return the value and read it outside");
  }
  override item(): number {
    throw this.#concretization(
      "item()",
      "Return the value and read it outside; to choose by it, use cond or np.where; to repeat, whileLoop",
    );
  }
  override toJSON(): Nested {
    throw this.#concretization("JSON", "Return the value and convert it outside");
  }
  override [Symbol.toPrimitive](hint: string): number | string {
    if (hint === "string") return this.toString();
    throw this.#concretization(
      "the numeric value",
      "Use np.where or cond instead of if, whileLoop or foriLoop instead of while and for, " +
        "and methods such as x.add(y) instead of operators; without jit, x.greater(0).item() is known",
    );
  }
  override dispose(): void {}
  override toString(): string {
    return `Traced(${formatAval(this.aval)})`;
  }
}

/** The error for a value that an interpreter cannot know: of a trace that is over, or yet to come. */
export function leaked(x: Tracer | Linear): LeakedTracerError | DifferentiationError {
  if (x instanceof Linear) {
    return new DifferentiationError(
      "reverse-mode differentiation reached an operation that is not linear in the tangents. If it comes " +
        "from a custom derivative rule, the rule must be linear in them",
    );
  }
  if (x.trace.alive) {
    return new OuterTraceError(
      `a custom derivative rule uses a ${
        formatAval(x.aval)
      } value from outside that is itself being transformed by ${x.trace.what}. Pass it to the function as ` +
        "an argument, so that the rule is given it",
    );
  }
  return new LeakedTracerError(
    `a traced ${
      formatAval(x.aval)
    } value escaped from ${x.trace.what} (started at ${x.trace.site}) and was used after it had finished. ` +
      "Return it from the function instead of storing it outside; if module state stored it, call the " +
      "library function with that module system's dictionary (`{ transforms: hk.transforms }`)",
  );
}

/** Whether a value may be used in a trace: it is of that one, or of one around it. */
export function isKnownIn(trace: Trace, x: unknown): boolean {
  if (!(x instanceof Tracer)) return true;
  type Inner = Trace & { readonly parent?: Inner };
  for (let t: Inner | undefined = trace; t !== undefined; t = t.parent) {
    if (t === x.trace) return true;
  }
  return false;
}

/**
 * Computes an operation on large arrays by its kernel; null where that does not pay, or where there is
 * none.
 */
export type KernelRunner = <P>(
  primitive: Primitive<P>,
  inputs: readonly ConcreteArray[],
  params: P,
  outs: readonly ShapedArray[],
) => ConcreteArray[] | null;

/** Bytes of a result, or of the first operand, from which on one is asked; the rest is theirs to say. */
const LARGE = 8192;

let runKernel: KernelRunner | null = null;

/** Says who has kernels for eager evaluation; null for nobody. */
export function eagerKernels(run: KernelRunner | null): void {
  runKernel = run;
}

/** Runs primitives at once, on the CPU. */
class EvalTrace extends Trace {
  process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    const { impl } = primitive;
    const avals: ShapedArray[] = new Array(args.length);
    for (let i = 0; i < args.length; i++) {
      const x = args[i]!;
      if (!(x instanceof ConcreteArray)) throw leaked(x as Tracer);
      avals[i] = x.aval;
    }
    if (typeof impl !== "function") return impl.evaluate(args, params);
    const inputs = args as readonly ConcreteArray[];
    const outs = primitive.abstractEval(avals, params);
    let bytes = 0;
    for (let i = 0; i < outs.length; i++) bytes += checkRoom(primitive.name, outs[i]!);
    if (
      runKernel !== null && primitive.heavy !== undefined &&
      (bytes >= LARGE || (avals[0] !== outs[0] && bytesOf(avals[0]!) >= LARGE))
    ) {
      const done = runKernel(primitive, inputs, params, outs);
      if (done !== null) return done;
    }
    let ready = true;
    for (let i = 0; i < inputs.length; i++) if (inputs[i]!.peek() === null) ready = false;
    if (ready) {
      const values = impl(inputs, params, outs);
      if (values.length === 1) return [ConcreteArray.fromHost(outs[0]!, values[0]!)];
      return values.map((v, i) => ConcreteArray.fromHost(outs[i]!, v));
    }
    // Some inputs are in flight: the operation is queued behind them.
    const held = inputs.map(retained);
    const done = Promise.all(held.map((x) => x.load())).then(() => impl(held, params, outs));
    return outs.map((aval, i) => ConcreteArray.inFlight(aval, done.then((values) => values[i]!)));
  }
}

/** The evaluator at the bottom. */
export const evalTrace: Trace = new EvalTrace("eager evaluation", false);

let current: Trace = evalTrace;

/** The current interpreter. */
export function currentTrace(): Trace {
  return current;
}

/** Runs `f` with `trace` as the current interpreter. */
export function withTrace<T>(trace: Trace, f: () => T): T {
  const saved = current;
  current = trace;
  try {
    return f();
  } finally {
    current = saved;
  }
}

/** Applies a primitive in the current interpreter. */
export function bind<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
  return current.process(primitive, args, params);
}

/** Applies a primitive of one output in the current interpreter. */
export function bind1<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray {
  return current.process(primitive, args, params)[0]!;
}

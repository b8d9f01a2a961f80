/**
 * The interpreter that records: running a function under it gives a jaxpr. All operations are
 * recorded, those on constants too. Arrays that the function captured become literals. Tracers of
 * enclosing transforms that it captured become leading inputs, and so do arrays in flight, whose
 * elements are not there to be written down, and with `hoistArrays` all arrays but scalars.
 *
 * @module
 */
import {
  type Atom,
  ConcreteArray,
  currentTrace,
  evaluatedEquation,
  type Jaxpr,
  JaxprBuilder,
  leaked,
  Literal,
  type NDArray,
  type Primitive,
  runningLine,
  runningLineUpTo,
  type ShapedArray,
  Trace,
  Tracer,
  unsited,
  type Var,
  withTrace,
} from "../core/mod.ts";

/** A trace that may run inside another. */
type Inner = Trace & { readonly parent?: Inner };

/** A value in a program being recorded. */
export class StagedTracer extends Tracer {
  /** Makes the stand-in for a variable. */
  constructor(readonly trace: StagingTrace, readonly variable: Var) {
    super();
  }
  /** Shape and dtype. */
  get aval(): ShapedArray {
    return this.variable.aval;
  }
}

/** A recorded program, and the values for its leading inputs. */
export interface Staged {
  /** Inputs are those of `consts`, then the function's arguments. */
  readonly jaxpr: Jaxpr;
  /** Values that the function captured. */
  readonly consts: readonly NDArray[];
}

/** Records operations into a jaxpr. */
export class StagingTrace extends Trace {
  readonly #builder = new JaxprBuilder();
  readonly #captured = new Map<NDArray, Var>();
  readonly #literals = new Map<ConcreteArray, Literal>();

  /**
   * With `hoistArrays`, captured arrays other than scalars become inputs like captured tracers: for
   * programs that are run once, with other arrays each time they are recorded. `parent` is the
   * interpreter around it.
   */
  constructor(
    what: string,
    readonly hoistArrays: boolean = false,
    readonly parent: Trace = currentTrace(),
  ) {
    super(what);
  }

  /** Adds an input. */
  input(aval: ShapedArray): StagedTracer {
    return new StagedTracer(this, this.#builder.input(aval));
  }

  /** Whether a value was recorded here. */
  owns(x: NDArray): x is StagedTracer {
    return x instanceof StagedTracer && x.trace === this;
  }

  /** How equations refer to a value. */
  atom(x: NDArray): Atom {
    if (x instanceof StagedTracer && x.trace === this) return x.variable;
    if (x instanceof ConcreteArray) {
      if ((!this.hoistArrays || x.ndim === 0) && x.peek() !== null) {
        let literal = this.#literals.get(x);
        if (literal === undefined) this.#literals.set(x, literal = new Literal(x));
        return literal;
      }
    } else if (x instanceof Tracer && !x.trace.alive) {
      throw leaked(x);
    }
    let variable = this.#captured.get(x);
    if (variable === undefined) {
      // A value of a trace inside this one cannot be known here; only custom rules can bring it in.
      for (let t = (x as Tracer).trace as Inner | undefined; t !== undefined; t = t.parent) {
        if (t.parent === this) throw leaked(x as Tracer);
      }
      this.#captured.set(x, variable = this.#builder.variable(x.aval));
    }
    return variable;
  }

  /** Records an equation. */
  stage<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    const inputs = args.map((x) => this.atom(x));
    const avals = primitive.abstractEval(inputs.map((a) => a.aval), params);
    const outputs = this.#builder.equation(primitive, inputs, params, avals);
    if (notingPlaces > 0 && outputs.length > 0) notePlace(outputs);
    return outputs.map((v) => new StagedTracer(this, v));
  }

  override process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    return this.stage(primitive, args, params);
  }

  /** Ends the recording. */
  finish(outputs: readonly NDArray[]): Staged {
    const atoms = outputs.map((x) => this.atom(x));
    const inputs = [...this.#captured.values(), ...this.#builder.inputs];
    return { jaxpr: this.#builder.build(atoms, inputs), consts: [...this.#captured.keys()] };
  }
}

/** Lines of user code that recorded variables, noted while somebody wants to know. */
const places = new WeakMap<Var, string>();
let notingPlaces = 0;

function notePlace(outputs: readonly Var[]): void {
  const place = currentPlace();
  for (const v of outputs) places.set(v, place);
}

/** Runs `f`, and notes which lines of user code record what it records. It takes its time. */
export function withPlaces<T>(f: () => T): T {
  notingPlaces++;
  try {
    return f();
  } finally {
    notingPlaces--;
  }
}

/** Where the loops over equations are. */
const LOOPS = ["lib/core/jaxpr.ts", "lib/interpreters/transpose.ts"];

/**
 * The line of user code to which what is running belongs. Where a transform makes a program from another
 * one, that is the line that recorded the equation that it is at, unless a rule of the user's is asked.
 */
export function currentPlace(): string {
  const output = evaluatedEquation()?.outputs[0];
  const recorded = output === undefined ? null : placeOf(output);
  return recorded === null ? runningLine() : runningLineUpTo(LOOPS) ?? recorded;
}

/** The line of user code that recorded a variable; `null` where it was not noted. */
export function placeOf(v: Var): string | null {
  return places.get(v) ?? null;
}

/** Records `f` for inputs of the given types. */
export function stage(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  avals: readonly ShapedArray[],
): Staged {
  return stageIn(new StagingTrace(what), f, avals);
}

/** Records `f` for inputs of the given types in a trace made for it. */
export function stageIn(
  trace: StagingTrace,
  f: (args: NDArray[]) => readonly NDArray[],
  avals: readonly ShapedArray[],
): Staged {
  try {
    const inputs = avals.map((aval) => trace.input(aval));
    return trace.finish(withTrace(trace, () => f(inputs)));
  } finally {
    trace.alive = false;
  }
}

/** Records a function that captures nothing, as programs made from closed programs are. */
export function stageClosed(
  what: string,
  f: (args: NDArray[]) => readonly NDArray[],
  avals: readonly ShapedArray[],
): Jaxpr {
  const { jaxpr, consts } = unsited(() => stage(what, f, avals));
  if (consts.length > 0) throw leaked(consts[0] as Tracer);
  return jaxpr;
}

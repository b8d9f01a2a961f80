/**
 * The record that a primitive is: ONE object with ALL its rules. Every rule is required, so a missing
 * one is a type error and not a surprise at run time; `definePrimitive` is the only way in.
 *
 * Here too are the types of programs, which are made of primitives and contained in some. What is done
 * with programs is in `jaxpr.ts`.
 *
 * @module
 */
import type { NDArray } from "./array.ts";
import type { ShapedArray, TypedArray } from "./dtype.ts";
import type { ConcreteArray } from "./concrete.ts";
import { InternalError } from "./errors.ts";
import type { Heavy, KernelBuilder, KernelValue } from "./kernel.ts";
import type { Lowering, Subgraph, SubgraphInput, Value } from "./lowering.ts";
import type { Sample } from "./sample.ts";

export type { Sample, SampleInput } from "./sample.ts";

// ---------------------------------------------------------------- programs

/** A value computed by an equation or given as an input; belongs to one jaxpr. */
export class Var {
  /** Makes a variable; `id` numbers the variables of a jaxpr from 0. */
  constructor(
    /** Shape and dtype. */
    readonly aval: ShapedArray,
    /** Number in its jaxpr. */
    readonly id: number,
  ) {}
}

/** A constant array. */
export class Literal {
  /** Wraps an array. */
  constructor(
    /** The array. */
    readonly value: ConcreteArray,
  ) {}
  /** Shape and dtype. */
  get aval(): ShapedArray {
    return this.value.aval;
  }
}

/** What an equation reads. */
export type Atom = Var | Literal;

/** One application of a primitive. */
export interface Eqn {
  /** The primitive. */
  readonly primitive: Primitive<unknown>;
  /** What it reads. */
  readonly inputs: readonly Atom[];
  /** Static parameters. */
  readonly params: unknown;
  /** The variables that it defines. */
  readonly outputs: readonly Var[];
}

/** A closed program. */
export interface Jaxpr {
  /** Input variables. */
  readonly inputs: readonly Var[];
  /** Equations, in order of evaluation. */
  readonly eqns: readonly Eqn[];
  /** What it gives. */
  readonly outputs: readonly Atom[];
  /** Number of variables. */
  readonly numVars: number;
}

// ---------------------------------------------------------------- what rules take and give

/** A concrete input of a CPU implementation: row-major elements with shape and dtype. */
export interface HostValue extends ShapedArray {
  /** The elements. Never written to. */
  readonly values: TypedArray;
}

/** A linear input during transposition: its value is not known, only its type. */
export class Linear {
  /** Makes the placeholder. */
  constructor(
    /** Shape and dtype of the input. */
    readonly aval: ShapedArray,
  ) {}
}

/** The tangent or cotangent of a value; `null` is a zero that was never materialised. */
export type Tangent = NDArray | null;

/** Outputs and their tangents, as a jvp rule gives them. */
export type JvpResult = readonly [outs: readonly NDArray[], tangents: readonly Tangent[]];

/** Outputs and the axis along which each is mapped (`null`: not mapped). */
export type BatchResult = readonly [outs: readonly NDArray[], dims: readonly (number | null)[]];

/** What partial evaluation offers to a rule: see `lib/interpreters/partial.ts`. */
export interface PartialContext {
  /** Whether a value is unknown in this partial evaluation. */
  isUnknown(x: NDArray): boolean;
  /** Evaluates an equation whose inputs are all known. */
  known<Q>(primitive: Primitive<Q>, args: readonly NDArray[], params: Q): NDArray[];
  /** Records an equation for later; known inputs become residuals. */
  stage<Q>(primitive: Primitive<Q>, args: readonly NDArray[], params: Q): NDArray[];
}

// ---------------------------------------------------------------- what passes must know

/**
 * What passes over programs (`lib/compile`, the plans of backends, partial evaluation) must know of a
 * primitive. They know none by name, so that a new one is treated like the others from its first day.
 */
export interface Passes<P> {
  /** Whether it may leave the step of a loop, to be computed for all steps at once. */
  readonly mobile: boolean;
  /** Whether computing it again is cheaper than keeping what it gave. */
  readonly cheap: boolean;
  /**
   * What it does beside giving results; `null` for nothing. It is run as often as the user's program says,
   * in that order, whether or not anything reads what it gives. What contains such an operation does
   * something too; this is of the operation itself.
   */
  readonly effect: Effect<P> | null;
  /** What it is to a sum over the steps of a loop; `null` for nothing in particular. */
  readonly algebra: Algebra<P> | null;
  /** The programs that it contains; `null` for an operation that contains none. */
  readonly programs: Programs<P> | null;
}

/** What an operation says of what it does beside giving results. */
export interface Effect<P> {
  /** The parameters where a further first input, a bool without axes, says whether it is done at all. */
  readonly guarded: (params: P) => P;
  /** The condition that it raises by, where it does nothing else; `null` for what is done at once or never. */
  readonly check: Check<P> | null;
}

/** A condition that an operation raises by, for programs that can do so at their end alone. */
export interface Check<P> {
  /** What is wrong where it fails, in short. */
  readonly message: (params: P) => string;
  /** Whether it fails: a bool without axes. */
  readonly fails: (inputs: readonly NDArray[], params: P) => NDArray;
  /** Raises what it raises for inputs for which it fails. */
  readonly raise: (inputs: readonly ConcreteArray[], params: P) => void;
}

/** Operations by which sums over the steps of a loop can leave it. */
export type Algebra<P> =
  /** `a + b`. */
  | { readonly kind: "sum" }
  /** A linear function of one operand: its elements in another order, or negated. */
  | { readonly kind: "rearrangement" | "negation" }
  /** A product of two operands; `summed` are the parameters that sum it over a further first axis. */
  | { readonly kind: "product"; readonly summed: (params: P) => P };

/** What an operation without programs says that can be moved, kept and computed again as any other. */
export const ordinary: {
  readonly mobile: true;
  readonly cheap: false;
  readonly effect: null;
  readonly algebra: null;
  readonly programs: null;
} = {
  mobile: true,
  cheap: false,
  effect: null,
  algebra: null,
  programs: null,
};

/** The same, of one whose operands for all steps of a loop at once would be large. */
export const stationary: {
  readonly mobile: false;
  readonly cheap: false;
  readonly effect: null;
  readonly algebra: null;
  readonly programs: null;
} = {
  mobile: false,
  cheap: false,
  effect: null,
  algebra: null,
  programs: null,
};

/** A program inside of an equation. */
export interface Contained {
  /** What it is: run once, run if chosen, run in each step, or asked in each step. */
  readonly role: "call" | "branch" | "step" | "test";
  /** The program. */
  readonly jaxpr: Jaxpr;
  /**
   * Where its first inputs, of a step or test those that are the same in all steps, are among the
   * equation's; further ones go behind them.
   */
  readonly consts: { readonly first: number; readonly count: number };
}

/** A program, and what it is applied to. */
export interface Application<T> {
  /** The program. */
  readonly jaxpr: Jaxpr;
  /** What for its inputs. */
  readonly inputs: readonly T[];
}

/** What is left of an equation of which only some results are read. */
export interface Narrowed<P> {
  /** Its parameters. */
  readonly params: P;
  /** Which inputs it still has. */
  readonly inputs: readonly boolean[];
  /** Which outputs it still has: at least those that are read. */
  readonly outputs: readonly boolean[];
}

/** A loop, for those who drive loops themselves or take them apart. */
export type Loop =
  | {
    readonly kind: "scan";
    /** From constants, carry and slices to carry and slices. */
    readonly jaxpr: Jaxpr;
    /** Number of constants. */
    readonly numConsts: number;
    /** Number of carries. */
    readonly numCarry: number;
    /** Number of steps. */
    readonly length: number;
    /** Whether to go from the last slice to the first. */
    readonly reverse: boolean;
    /** Number of leading carries that add up cotangents: nobody has a say in the order of these sums. */
    readonly sums: number;
  }
  | {
    readonly kind: "while";
    /** From its constants and the carry to a bool scalar. */
    readonly cond: Jaxpr;
    /** From its constants and the carry to the next carry. */
    readonly body: Jaxpr;
    /** Number of constants of `cond`, which come first. */
    readonly condConsts: number;
    /** Number of constants of `body`. */
    readonly bodyConsts: number;
  };

/** The rules of a primitive that contains programs. */
export interface Programs<P> {
  /** The programs that run. */
  readonly list: (params: P) => readonly Contained[];

  /** The programs that only its derivative rules use. */
  readonly forRules: (params: P) => readonly Jaxpr[];

  /** The parameters with other programs in their places, with inputs and outputs of the same types. */
  readonly replace: (params: P, programs: readonly Jaxpr[]) => P;

  /**
   * The parameters where program `k` has got `count` further constants behind its own; it is given.
   * Programs that share their inputs with it are given the same, without reading them.
   */
  readonly extend: (params: P, k: number, jaxpr: Jaxpr, count: number) => P;

  /**
   * The program that an application amounts to, or `null` where it has to stay. `known` gives the
   * value of an input that is a constant.
   */
  readonly inline: <T>(
    params: P,
    inputs: readonly T[],
    known: (input: T) => ConcreteArray | null,
  ) => Application<T> | null;

  /** What is left where only the outputs of `used` are read: none, where it stays for its effects. */
  readonly narrow: (params: P, used: readonly boolean[]) => Narrowed<P>;

  /**
   * Splits an equation with some unknown inputs into what can be computed now and what is recorded;
   * `null` records it whole.
   */
  readonly partial:
    | null
    | ((context: PartialContext, args: readonly NDArray[], params: P) => NDArray[]);

  /** The loop that it is, and the parameters of another one of the kind; `null` for no loop. */
  readonly loop:
    | null
    | { readonly of: (params: P) => Loop; readonly with: (params: P, loop: Loop) => P };

  /** Whether it may run for ever, whatever its programs are. */
  readonly mayNotEnd: boolean;

  /**
   * The parameters with the note that it runs in a function with derivative rules of this name, for
   * messages; `null` where that concerns the programs in it and not itself.
   */
  readonly within: null | ((params: P, name: string) => P);
}

/** The graph under construction, for primitives that contain programs. */
export interface ProgramLowering extends Lowering {
  /**
   * Adds the equations of a program, with `inputs` for its inputs, and gives its outputs. This is
   * how primitives that contain programs lower them, in place or inside a body.
   */
  inline(jaxpr: Jaxpr, inputs: readonly Value[]): Value[];

  /** As in `Lowering`; programs can be added to the body too. */
  subgraph(
    name: string,
    inputs: readonly SubgraphInput[],
    build: (body: ProgramLowering, inputs: Value[]) => Value[],
    outputs: readonly SubgraphInput[],
  ): Subgraph;
}

/**
 * Lowers one equation to nodes. Gives the names of the outputs; an output may be an input's name.
 */
export type LowerRule<P> = (
  g: ProgramLowering,
  inputs: readonly Value[],
  params: P,
  inAvals: readonly ShapedArray[],
  outAvals: readonly ShapedArray[],
) => Value[];

/** A loop over slices, as the primitive `scan` has it. */
export interface KernelScan {
  /** From constants, carry and slices to carry and slices. */
  readonly jaxpr: Jaxpr;
  /** The same in all steps. */
  readonly consts: readonly KernelValue[];
  /** The carry before the first step. */
  readonly init: readonly KernelValue[];
  /** Arrays whose slices the steps get. */
  readonly xs: readonly KernelValue[];
  /** Number of steps. */
  readonly length: number;
  /** Whether to go from the last slice to the first. */
  readonly reverse: boolean;
}

/** A loop as long as a condition holds, as the primitive `while` has it. */
export interface KernelWhile {
  /** From its constants and the carry to a bool scalar. */
  readonly cond: Jaxpr;
  /** From its constants and the carry to the next carry. */
  readonly body: Jaxpr;
  /** Constants of `cond`. */
  readonly condConsts: readonly KernelValue[];
  /** Constants of `body`. */
  readonly bodyConsts: readonly KernelValue[];
  /** The carry before the first step. */
  readonly init: readonly KernelValue[];
}

/** The module under construction, for primitives that contain programs. */
export interface ProgramKernelBuilder extends KernelBuilder {
  /** Adds the equations of a program, with `inputs` for its inputs, and gives its outputs. */
  inline(jaxpr: Jaxpr, inputs: readonly KernelValue[]): KernelValue[];
  /** A loop over slices: carries, then stacked slices. */
  scan(loop: KernelScan): KernelValue[];
  /** A loop as long as a condition holds: the last carry. */
  while(loop: KernelWhile): KernelValue[];
  /** The outputs of the branch that an `int32` scalar names; beyond the last one, of the nearest. */
  choose(
    index: KernelValue,
    branches: readonly Jaxpr[],
    inputs: readonly KernelValue[],
  ): KernelValue[];
}

/** Compiles one equation. Gives its outputs. */
export type KernelRule<P> = (
  b: ProgramKernelBuilder,
  inputs: readonly KernelValue[],
  params: P,
  inAvals: readonly ShapedArray[],
  outAvals: readonly ShapedArray[],
) => readonly KernelValue[];

// ---------------------------------------------------------------- the record

/** A primitive operation and all its rules. `P` is the type of its static parameters. */
export interface Primitive<P> {
  /** Lower-case name with underscores; unique. */
  readonly name: string;

  /** Shapes and dtypes of the outputs. Throws the user's error where the inputs do not fit. */
  readonly abstractEval: (inputs: readonly ShapedArray[], params: P) => readonly ShapedArray[];

  /**
   * Computes the outputs' elements on the CPU; must not write to, but may return, inputs' values. A
   * primitive that contains programs gives `{ evaluate }` instead, which works on whole arrays.
   */
  readonly impl:
    | ((
      inputs: readonly HostValue[],
      params: P,
      outAvals: readonly ShapedArray[],
    ) => readonly TypedArray[])
    | { readonly evaluate: (inputs: readonly NDArray[], params: P) => NDArray[] };

  /**
   * Outputs and their tangents. Called with at least one tangent that is not `null`; integer and
   * bool inputs always have `null`.
   */
  readonly jvp: (
    primals: readonly NDArray[],
    tangents: readonly Tangent[],
    params: P,
  ) => JvpResult;

  /**
   * Cotangents of the inputs that are `Linear` (`null` for the others, and for zeros), or
   * `"nonlinear"` for a primitive that no jvp rule applies to tangents.
   */
  readonly transpose:
    | "nonlinear"
    | ((
      cotangents: readonly Tangent[],
      inputs: readonly (NDArray | Linear)[],
      params: P,
    ) => readonly Tangent[]);

  /**
   * Outputs for inputs of which some carry a batch axis of length `size`, at `dims[i]`. `axisName` is
   * what the axis is called, if anything: rules of what contains programs hand it on to them.
   */
  readonly batch: (
    args: readonly NDArray[],
    dims: readonly (number | null)[],
    size: number,
    params: P,
    axisName?: string | null,
  ) => BatchResult;

  /** Whether what it gives comes from a function of the user's, for which files and graphs have nobody to ask. */
  readonly asksHost?: true;

  /**
   * The name of the batch axis that it is over, for an operation between lanes: the rule `batch` of that
   * axis is asked whether or not an input is mapped. Left out where lanes do not know of each other.
   */
  readonly over?: (params: P) => string;

  /** What passes over programs must know of it: `ordinary` for most operations. */
  readonly passes: Passes<P>;

  /** Adds the ONNX nodes. */
  readonly lower: LowerRule<P>;

  /** Compiles it to WebAssembly; `null` where functions with it are to run on `"onnx"`. */
  readonly kernel: KernelRule<P> | null;

  /** Where eager evaluation may take the kernel for large arrays; left out, `impl` is always used. */
  readonly heavy?: Heavy<P>;

  /** The samples for the conformance suite. A primitive without samples fails it. */
  readonly samples: () => readonly Sample<P>[];
}

const registry = new Map<string, Primitive<never>>();

/** Registers a primitive and returns it. */
export function definePrimitive<P>(record: Primitive<P>): Primitive<P> {
  if (registry.has(record.name)) {
    throw new InternalError(`primitive ${record.name} is defined twice`);
  }
  // Whoever looks a record up by its name has the parameters from where the name stood.
  registry.set(record.name, record as unknown as Primitive<never>);
  return record;
}

/** All primitives defined so far, by name. */
export function primitives(): ReadonlyMap<string, Primitive<never>> {
  return registry;
}

/**
 * The record that a primitive is: ONE object with ALL its rules. Every key is required, so a missing
 * rule is a type error and not a surprise at run time; `definePrimitive` is the only way in.
 *
 * @module
 */
import type { NDArray } from "./array.ts";
import type { ShapedArray } from "./aval.ts";
import type { TypedArray } from "./dtype.ts";
import { InternalError } from "./errors.ts";
import type { LowerRule } from "./lowering.ts";

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

/** Sample inputs from which the conformance suite tests all rules of a primitive. */
export interface Sample<P> {
  /** What is special about this sample. */
  readonly name: string;
  /** The inputs; the suite makes arrays of them. */
  readonly inputs: readonly SampleInput[];
  /** The parameters. */
  readonly params: P;
  /**
   * What the suite cannot check on this sample, with the reason: e.g. `{ jvp: "kink at 0" }`. With
   * `zeros`, graphs may give zeros of either sign.
   */
  readonly skip?:
    | Readonly<Partial<Record<"jvp" | "transpose" | "batch" | "onnx" | "zeros", string>>>
    | undefined;
}

/** One input of a sample: a dtype, a shape and the elements in row-major order. */
export interface SampleInput extends ShapedArray {
  /** The elements; left out, the suite draws them at random from `range`. */
  readonly values?: readonly number[] | undefined;
  /** Interval for random elements, [-2, 2) where left out. */
  readonly range?: readonly [number, number] | undefined;
}

/** What partial evaluation offers to a rule: see `lib/interpreters/partial.ts`. */
export interface PartialContext {
  /** Whether a value is unknown in this partial evaluation. */
  isUnknown(x: NDArray): boolean;
  /** Evaluates an equation whose inputs are all known. */
  known<Q>(primitive: Primitive<Q>, args: readonly NDArray[], params: Q): NDArray[];
  /** Records an equation for later; known inputs become residuals. */
  stage<Q>(primitive: Primitive<Q>, args: readonly NDArray[], params: Q): NDArray[];
}

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

  /** Outputs for inputs of which some carry an extra axis of length `size`, at `dims[i]`. */
  readonly batch: (
    args: readonly NDArray[],
    dims: readonly (number | null)[],
    size: number,
    params: P,
  ) => BatchResult;

  /**
   * Splits an equation with some unknown inputs into what can be computed now and what is recorded;
   * `null` records it whole, which is right for all first-order primitives.
   */
  readonly partial:
    | null
    | ((context: PartialContext, args: readonly NDArray[], params: P) => NDArray[]);

  /** Adds the ONNX nodes. */
  readonly lower: LowerRule<P>;

  /** The samples for the conformance suite. A primitive without samples fails it. */
  readonly samples: () => readonly Sample<P>[];
}

const registry = new Map<string, Primitive<never>>();

/** Registers a primitive and returns it. */
export function definePrimitive<P>(record: Primitive<P>): Primitive<P> {
  if (registry.has(record.name)) {
    throw new InternalError(`primitive ${record.name} is defined twice`);
  }
  registry.set(record.name, record as unknown as Primitive<never>);
  return record;
}

/** All primitives defined so far, by name. */
export function primitives(): ReadonlyMap<string, Primitive<never>> {
  return registry;
}

/**
 * What a primitive's lowering rule sees of the ONNX graph under construction. The builder behind it
 * lives in `lib/onnx`; rules know this interface alone.
 *
 * Values are the names of ONNX values. Names are unique in the whole model, subgraphs included, as
 * ONNX asks of them.
 *
 * @module
 */
import type { DType, ShapedArray, TypedArray } from "./dtype.ts";

/** ONNX element types that lowerings use; `int64` serves shapes and indices, `uint8` masks. */
export type OnnxDType = DType | "int64" | "uint8";

/** The name of a value in the graph. */
export type Value = string;

/** A finished body for Loop, Scan or If; made by `subgraph`. */
export interface Subgraph {
  /** Tells a subgraph from the other attributes. */
  readonly subgraph: unknown;
}

/** An ONNX attribute: integer, integers, string, `{ float }` or a body. */
export type LowerAttribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | Subgraph;

/** An input of a subgraph. */
export interface SubgraphInput {
  /** Element type. */
  readonly dtype: OnnxDType;
  /** Shape. */
  readonly shape: readonly number[];
}

/** The graph under construction. */
export interface Lowering {
  /** Where the graph is going to run; `"portable"` for export. */
  readonly target: "onnx" | "webgpu" | "portable";

  /**
   * Whether a length stands for any, in a file that leaves it open. How many nodes there are must not
   * depend on such a length.
   */
  isOpen(length: number): boolean;

  /**
   * Adds a node with one output and gives its name. Optional inputs left out are `""`. An operator
   * outside the standard set is written with its domain: `"com.microsoft.Inverse"`. Equal nodes are
   * shared, and nodes that nothing reads are dropped.
   */
  node(
    op: string,
    inputs: readonly Value[],
    attributes?: Readonly<Record<string, LowerAttribute>>,
  ): Value;

  /**
   * Whether the target has no kernel of its own for an operator on a dtype (`lib/onnx/kernels.ts`).
   * `node` sees to most of these by itself; asked by what is better written in another way then.
   */
  lacks(op: string, dtype: OnnxDType): boolean;

  /** The shape of a value, where it is known: of what equations read and give, constants and what was reshaped. */
  shapeOf(value: Value): readonly number[] | undefined;

  /** The elements of a constant; undefined where a value is none, or of int64. */
  elementsOf(value: Value): TypedArray | undefined;

  /** Adds a node with `outputs` outputs and gives their names. */
  nodes(
    op: string,
    inputs: readonly Value[],
    outputs: number,
    attributes?: Readonly<Record<string, LowerAttribute>>,
  ): Value[];

  /** A constant scalar (rank 0); equal ones are shared. */
  scalar(value: number, dtype: OnnxDType): Value;

  /** A constant tensor; `data` may be plain numbers. Small equal ones are shared. */
  constant(data: TypedArray | readonly number[], shape: readonly number[], dtype: OnnxDType): Value;

  /** A constant one-dimensional int64 tensor, for shapes, axes and the like. */
  int64(values: readonly number[]): Value;

  /** Casts; gives `x` itself where nothing changes. */
  cast(x: Value, from: OnnxDType, to: OnnxDType): Value;

  /** Reshapes to a known shape. */
  reshape(x: Value, shape: readonly number[]): Value;

  /**
   * Elementwise `condition ? a : b` with broadcasting, also for dtypes for which ONNX has no Where, and
   * with the sign of zeros, which Where on a CPU loses.
   */
  where(condition: Value, a: Value, b: Value, dtype: OnnxDType): Value;

  /**
   * The larger or the smaller of two values, elementwise with broadcasting to `out`; NaN where either
   * is. Of 0 and -0 the larger is 0, which the kernels do not know on a CPU.
   */
  extremum(op: "Max" | "Min", x: Value, y: Value, out: ShapedArray): Value;

  /**
   * Builds a body. `build` gets its own `Lowering` and the names of the body's inputs, and gives the
   * names of the body's outputs; values of the enclosing graph may be used freely inside.
   */
  subgraph(
    name: string,
    inputs: readonly SubgraphInput[],
    build: (body: Lowering, inputs: Value[]) => Value[],
    outputs: readonly SubgraphInput[],
  ): Subgraph;
}

/**
 * What a primitive's kernel rule sees of the WebAssembly module under construction. The builder behind
 * it is in `lib/kernel`; rules know this interface alone, and no rule sees an address.
 *
 * Values are arrays whose shapes are known. Views cost nothing; which operations share a loop, and where
 * arrays lie in memory, is the builder's business.
 *
 * @module
 */
import type { DType, ShapedArray } from "./dtype.ts";
import type { ConcreteArray } from "./concrete.ts";
import type { Routine } from "../routine/routine.ts";
import type { Expr, Exprs } from "../scalar/expr.ts";

/** An array in the program under construction. */
export interface KernelValue {
  /** Its shape. */
  readonly shape: readonly number[];
  /** Its element type. */
  readonly dtype: DType;
}

/** How a reduction combines elements. */
export type Reducer = "add" | "mul" | "max" | "min" | "and" | "or";

/** A part of an array that is put together. */
export interface Part {
  /** Its elements. */
  readonly value: KernelValue;
  /** Where the first of them goes. */
  readonly at: readonly number[];
  /** How far apart they go; next to each other where left out. */
  readonly steps?: readonly number[];
}

/** Windows of the last axes of an array; one number for each axis. */
export interface KernelWindow {
  /** Elements of each. */
  readonly sizes: readonly number[];
  /** From one to the next. */
  readonly strides: readonly number[];
  /** From one element to the next. */
  readonly dilation: readonly number[];
}

/** The module under construction. */
export interface KernelBuilder {
  /** An array of one number. */
  constant(value: number, aval: ShapedArray): KernelValue;

  /**
   * Computes each element of a result from those of `inputs`, which broadcast to its shape.
   * `e.index()` is the number of the element in the result. Where `of` is given, `f` depends on that alone,
   * and what it adds is made once where a long program has it many times.
   */
  map(
    inputs: readonly KernelValue[],
    out: ShapedArray,
    f: (e: Exprs, args: Expr[]) => Expr,
    of?: object | null,
  ): KernelValue;

  /** As {@linkcode map}, for several results of one shape. */
  mapMany(
    inputs: readonly KernelValue[],
    shape: readonly number[],
    dtypes: readonly DType[],
    f: (e: Exprs, args: Expr[]) => readonly Expr[],
    of?: object | null,
  ): KernelValue[];

  /** A view of axes in another order. */
  transpose(x: KernelValue, perm: readonly number[]): KernelValue;

  /** The same elements in row-major order in another shape; a view where that is possible. */
  reshape(x: KernelValue, shape: readonly number[]): KernelValue;

  /** A view broadcast to a shape, as NumPy has it. */
  broadcast(x: KernelValue, shape: readonly number[]): KernelValue;

  /** A view of the elements at `starts + i * steps`; steps may be negative. */
  slice(
    x: KernelValue,
    starts: readonly number[],
    steps: readonly number[],
    shape: readonly number[],
  ): KernelValue;

  /**
   * A view of the windows of the last axes: in place of these, the places where windows begin, `strides`
   * apart, and then the elements of each, `dilation` apart. Windows may overlap.
   */
  windows(x: KernelValue, window: KernelWindow): KernelValue;

  /** A view of the elements whose indices along two axes are equal; the second axis is dropped. */
  diagonal(x: KernelValue, first: number, second: number): KernelValue;

  /**
   * A view of the block of a shape that begins at `starts`, `int32` scalars; they are moved to where the
   * block lies within `x`.
   */
  dynamicSlice(
    x: KernelValue,
    starts: readonly KernelValue[],
    shape: readonly number[],
  ): KernelValue;

  /** `x` with the block that begins at `starts` replaced, in place where `x` is not read again. */
  dynamicUpdate(
    x: KernelValue,
    block: KernelValue,
    starts: readonly KernelValue[],
  ): KernelValue;

  /** An array put together of parts; what no part covers is `fill`, a scalar. */
  assemble(out: ShapedArray, parts: readonly Part[], fill?: KernelValue): KernelValue;

  /** Elements combined along some axes, which are dropped. */
  reduce(x: KernelValue, axes: readonly number[], combine: Reducer): KernelValue;

  /** Sums of products over the axes `contract`, for each element of the axes `batch`. */
  dot(
    x: KernelValue,
    y: KernelValue,
    axes: {
      readonly contract: readonly [readonly number[], readonly number[]];
      readonly batch: readonly [readonly number[], readonly number[]];
    },
  ): KernelValue;

  /**
   * Runs a routine for elements of `dtype` on arrays, of which it needs the elements one after another,
   * and numbers. Gives the arrays that it writes.
   */
  call(
    routine: Routine,
    dtype: DType,
    inputs: readonly KernelValue[],
    outs: readonly ShapedArray[],
    scalars: readonly number[],
  ): KernelValue[];

  /**
   * Hands arrays to the host in the middle of the program, in the order of such calls; with `when`, a
   * bool scalar, only where that holds. What `run` throws ends the program.
   */
  effect(
    inputs: readonly KernelValue[],
    run: (values: readonly ConcreteArray[]) => void,
    when?: KernelValue,
  ): void;

  /** Asks the host for arrays of these types, made of others. What `run` throws ends the program. */
  ask(
    inputs: readonly KernelValue[],
    outs: readonly ShapedArray[],
    run: (values: readonly ConcreteArray[]) => readonly ConcreteArray[],
  ): KernelValue[];
}

/**
 * What is to be known of an operation whose kernel computes large arrays faster than its `impl`. Its
 * parameters are `null`, or have nothing but numbers, strings and lists of them.
 */
export interface Heavy<P> {
  /** How much it does, in elements that are read, written or multiplied. */
  readonly work: (
    inputs: readonly ShapedArray[],
    params: P,
    outs: readonly ShapedArray[],
  ) => number;
  /** Whether kernel and `impl` give the same bits, so that either may be taken at any time. */
  readonly sameBits: boolean;
}

/**
 * What a schedule is made of, and what its parts see of the builder that puts it in order and of the
 * emitter that turns it into code.
 *
 * @module
 */
import type { ConcreteArray, Jaxpr, Literal, ShapedArray } from "../core/mod.ts";
import type { KernelBuilder, Reducer } from "../core/kernel.ts";
import type { Expr, Exprs } from "../scalar/expr.ts";
import type { Fn, Module } from "./encoder.ts";
import type { Alike, Arena, Grown } from "./space.ts";
import type { Buffer, Place, Target, Val, View } from "./values.ts";
import type { Pool } from "./vector.ts";

/** Where constant arrays are kept; gives a buffer that has its place. */
export type Constants = (value: Literal) => Buffer;

/** A function of the host's that a program calls. */
export interface Callback {
  /** The types of the arrays that it is given, by address. */
  readonly avals: readonly ShapedArray[];
  /** The types of the arrays that it gives, to addresses behind those. */
  readonly outs: readonly ShapedArray[];
  /** What is done with them. */
  readonly call: (values: readonly ConcreteArray[]) => readonly ConcreteArray[];
}

/** What all parts of a program share. */
export interface Unit {
  /** The module. */
  readonly module: Module;
  /** What its loops begin with. */
  readonly alike: Alike;
  /** The function that calls all others; the whole control flow is in it. */
  readonly main: Fn;
  /** Memory of a run. */
  readonly arena: Arena;
  /** Where constant arrays are kept. */
  readonly constants: Constants;
  /** Where tables of expressions are kept. */
  readonly pool: Pool;
  /** Whether there is an instruction that multiplies and adds with one rounding. */
  readonly fma: boolean;
  /** Whether memory is filled with NaN when it is given back, to show who reads it all the same. */
  readonly poison: boolean;
  /** What the host is called for, in the order of `env.callback0`, `env.callback1`, ... */
  readonly callbacks: Callback[];
}

/** Where a copy goes. */
export interface Destination {
  /** Memory. */
  readonly place: Place;
  /** The first element. */
  readonly offset: number;
  /** Elements from one to the next, for each axis. */
  readonly strides: readonly number[];
}

/** Work that shares a nest of loops. */
export interface LoopStep {
  /** Tells it from other steps. */
  readonly kind: "loop";
  /** Its number. */
  readonly index: number;
  /** Number of elements. */
  readonly size: number;
  /** Lengths of the loops without those of one step; `null` as long as one loop will do. */
  dims: readonly number[] | null;
  /** Whether it has to stay one loop. */
  flat: boolean;
  /** Which loops its reductions run over; `null` where it has none. */
  reduced: readonly boolean[] | "all" | null;
  /** What it computes. */
  exprs: Exprs;
  /** The same as long as it is what other loops may compute as well; else `null`. */
  grown: Grown | null;
  /** What it reads. */
  readonly loads: { readonly view: View; readonly flat: boolean }[];
  /** What it may store. */
  readonly stores: Buffer[];
  /** What it reduces. */
  readonly reductions: { readonly buffer: Buffer; readonly expr: Expr; readonly op: Reducer }[];
}

/** Anything else. */
export interface ActStep {
  /** Tells it from other steps. */
  readonly kind: "act";
  /** Its number. */
  readonly index: number;
  /** What it computes. */
  readonly outs: readonly Buffer[];
  /** Emits it. */
  readonly act: (emitter: Emission, step: ActStep) => void;
}

/** One thing after another. */
export type Step = LoopStep | ActStep;

/** A program put in order. */
export interface Schedule {
  /** What to do. */
  readonly steps: readonly Step[];
  /** Its outputs. */
  readonly outs: readonly Val[];
}

/** The builder, as seen by those who add steps. */
export interface StepBuilder extends KernelBuilder {
  /**
   * Adds a step with results of these types that reads `inputs`. With `root`, the result is a part of
   * that buffer's memory.
   */
  act(
    inputs: readonly Val[],
    outs: readonly ShapedArray[],
    act: ActStep["act"],
    root?: Buffer | null,
  ): Val[];

  /** The elements in memory of their own, one after another. */
  dense(v: Val): View;
}

/** What an inner program computed, until its memory is given back. */
export interface Emitted {
  /** Its outputs. */
  readonly outs: readonly Val[];
  /** Gives its memory back. */
  readonly release: () => void;
}

/** The emitter, as steps see it. */
export interface Emission {
  /** The main function. */
  readonly f: Fn;
  /** What all parts of the program share. */
  readonly unit: Unit;
  /** Emits an inner program. `targets`: where its outputs should lie. */
  run(jaxpr: Jaxpr, inputs: readonly Val[], targets: readonly (Target | null)[]): Emitted;
  /** Finds memory for what step `step` computes. */
  place(b: Buffer, step: number): Place;
  /** Lets `out` take over the memory of `x`, whose last reader step `step` is; says whether it can. */
  takeOver(out: Buffer, x: View, step: number): boolean;
  /** Memory until the end of the step. */
  temporary(bytes: number): Place;
  /** Pushes an address. */
  address(place: Place): void;
  /** Pushes an `int32` or bool scalar. */
  scalar(v: Val): void;
  /** Copies a value of a shape. */
  copy(v: Val, to: Destination): void;
  /** Copies a value to where it lies one element after another. */
  copyTo(v: Val, place: Place): void;
  /** The value in memory, one element after another; in temporary memory where it is not yet. */
  inMemory(v: Val): View;
  /** A new local for an address. */
  pointer(): number;
}

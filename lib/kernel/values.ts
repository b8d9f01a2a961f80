/**
 * Arrays during compilation: buffers in memory, views of them, and numbers that need no memory.
 *
 * @module
 */
import { type ShapedArray, sizeOf, stridesOf } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import type { KernelValue, KernelWindow } from "../core/kernel.ts";
import type { Expr } from "../scalar/expr.ts";
import type { Block } from "./memory.ts";
import { bytesPerElement } from "./space.ts";

/** Where a buffer lies: bytes from the address in a local of the main function. */
export interface Place {
  /** The local. */
  readonly base: number;
  /** Bytes from there. */
  readonly offset: number;
  /** Whether memory behind it is somebody else's. */
  readonly exact: boolean;
  /** What to give back to the arena. */
  readonly block: Block | null;
}

/** Memory that a buffer may take over, where it has to end up. */
export interface Target {
  /** Where. */
  readonly place: Place;
  /** Whose memory that is as long as it is read. */
  readonly carry: Buffer | null;
  /** Whether a buffer has taken it. */
  taken: boolean;
}

/** An array in memory, or one that exists only within the loop that computes it. */
export class Buffer {
  /** Where it lies, once that is decided. */
  place: Place | null = null;
  /** Its value in the loop of its step. */
  expr: Expr | null = null;
  /** Whether anything reads it from memory. */
  stored = false;
  /** The last step that reads it. */
  lastUse = -1;
  /** Whether its memory may be written to once it is dead. */
  mutable = false;
  /** Where it should lie. */
  target: Target | null = null;

  /** A buffer of row-major elements. */
  constructor(
    /** Element type. */
    readonly dtype: DType,
    /** Number of elements. */
    readonly size: number,
    /** The step that computes it; -1 for what is there from the beginning. */
    readonly step: number,
    /** The buffer whose memory it is a part of; that is no part itself. */
    readonly root: Buffer | null = null,
  ) {}

  /** Bytes of its elements. */
  get bytes(): number {
    return this.size * bytesPerElement[this.dtype];
  }
}

/** Elements of a buffer. */
export interface View extends KernelValue {
  /** Tells it from a number. */
  readonly kind: "view";
  /** The buffer. */
  readonly buffer: Buffer;
  /** Elements from one to the next, for each axis. */
  readonly strides: readonly number[];
  /** The first element. */
  readonly offset: number;
}

/** An array of one number, or of no elements. */
export interface Constant extends KernelValue {
  /** Tells it from a view. */
  readonly kind: "constant";
  /** The number. */
  readonly value: number;
}

/** An array in the program under construction. */
export type Val = View | Constant;

/** An array of one number. */
export function constant(value: number, { shape, dtype }: ShapedArray): Constant {
  return { kind: "constant", value, shape, dtype };
}

/** All of a buffer. */
export function whole(buffer: Buffer, shape: readonly number[]): View {
  const { dtype } = buffer;
  return { kind: "view", buffer, shape, dtype, strides: stridesOf(shape), offset: 0 };
}

/** Whether a view is next to each other in row-major order, though perhaps not all of its buffer. */
export function isDense(v: View): boolean {
  const dense = stridesOf(v.shape);
  return v.shape.every((n, i) => n === 1 || v.strides[i] === dense[i]);
}

/** Whether a view is all of its buffer in row-major order. */
export function isFlat(v: View): boolean {
  return v.offset === 0 && sizeOf(v.shape) === v.buffer.size && isDense(v);
}

/** Whether all elements of a view are one. */
export function isSplat(v: View): boolean {
  return v.strides.every((s, i) => s === 0 || v.shape[i] === 1);
}

/** A view broadcast to a shape. */
export function broadcastVal(v: Val, shape: readonly number[]): Val {
  if (v.kind === "constant") return { ...v, shape };
  const lead = shape.length - v.shape.length;
  const strides = shape.map((n, i) =>
    i < lead || (v.shape[i - lead] === 1 && n !== 1) ? 0 : v.strides[i - lead]!
  );
  return { ...v, shape, strides };
}

/** A value's windows, as `KernelBuilder.windows` has them. */
export function windowsOf(v: Val, { sizes, strides, dilation }: KernelWindow): Val {
  const lead = v.shape.length - sizes.length;
  const places = sizes.map((n, i) =>
    Math.max(0, Math.floor((v.shape[lead + i]! - (n - 1) * dilation[i]! - 1) / strides[i]!) + 1)
  );
  const shape = [...v.shape.slice(0, lead), ...places, ...sizes];
  if (v.kind === "constant" || sizeOf(shape) === 0) {
    return constant(v.kind === "constant" ? v.value : 0, { shape, dtype: v.dtype });
  }
  const own = v.strides.slice(lead);
  return {
    ...v,
    shape,
    strides: [
      ...v.strides.slice(0, lead),
      ...own.map((s, i) => s * strides[i]!),
      ...own.map((s, i) => s * dilation[i]!),
    ],
  };
}

/**
 * A view's elements in another shape, or `null` where that is no view: axes are split and joined
 * where their elements are equally far apart.
 */
export function reshapeView(v: View, shape: readonly number[]): View | null {
  if (isDense(v)) return { ...v, shape, strides: stridesOf(shape) };
  const from = v.shape.flatMap((n, i) => n === 1 ? [] : [{ n, step: v.strides[i]! }]);
  const strides = new Array<number>(shape.length).fill(0);
  let at = from.length - 1;
  let left = at < 0 ? 1 : from[at]!.n;
  let step = at < 0 ? 0 : from[at]!.step;
  for (let i = shape.length - 1; i >= 0; i--) {
    let n = shape[i]!;
    if (n === 1) continue;
    if (left === 1) {
      at--;
      left = from[at]!.n;
      step = from[at]!.step;
    }
    strides[i] = step;
    // As many source axes as this one covers have to follow each other evenly.
    while (n > left) {
      if (n % left !== 0) return null;
      n /= left;
      const outer = from[at - 1];
      if (outer === undefined || outer.step !== step * left) return null;
      step = outer.step;
      left = outer.n;
      at--;
    }
    if (left % n !== 0) return null;
    left /= n;
    step *= n;
  }
  return { ...v, shape, strides };
}

/** A value as an inner program reads it: its uses there are no concern of the outer one. */
export function seenFromInside(v: Val): Val {
  if (v.kind === "constant") return v;
  const inner = new Buffer(v.buffer.dtype, v.buffer.size, -1);
  inner.place = v.buffer.place;
  inner.stored = true;
  return { ...v, buffer: inner };
}

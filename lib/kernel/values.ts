/**
 * Arrays during compilation: buffers in memory, views of them, and numbers that need no memory.
 *
 * Loads and stores of vectors: neighbouring elements, one element for all lanes, or elements apart.
 *
 * @module
 */
import { type DType, type ShapedArray, sizeOf, stridesOf } from "../core/mod.ts";
import type { KernelValue, KernelWindow } from "../core/kernel.ts";
import type { Expr } from "../scalar/expr.ts";
import { type Fn, I32, V128 } from "./encoder.ts";
import { type Block, bytesPerElement } from "./space.ts";
import type { Lanes } from "./vector.ts";

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

/** Elements along the innermost loop. */
export interface Elements {
  /** Element type. */
  readonly dtype: DType;
  /** Bytes of an element. */
  readonly size: number;
  /** Elements from one to the next. */
  readonly step: number;
  /** Whether memory behind the elements written is somebody else's. */
  readonly exact: boolean;
}

/** How far the innermost loop has come, in bytes for elements of each size; of size 1: in elements. */
export type Counters = ReadonlyMap<number, number>;

/** Pushes an address, and gives the offset that goes with it. */
function address(
  f: Fn,
  e: Elements,
  pointer: number,
  counters: Counters,
  elements: number,
): number {
  f.get(pointer);
  if (e.step === 0) return 0;
  if (e.step === 1) f.get(counters.get(e.size)!).op(0x6a);
  else f.get(counters.get(1)!).i32(e.step * e.size).op(0x6c, 0x6a);
  const offset = elements * e.step * e.size;
  if (offset >= 0) return offset;
  f.plus(offset);
  return 0;
}

/** Pushes the address of a lane that is `apart` bytes from an address, and gives the offset that goes with it. */
function lane(f: Fn, at: number, offset: number, apart: number): number {
  f.get(at);
  if (offset + apart >= 0) return offset + apart;
  f.plus(apart);
  return offset;
}

/** Turns bytes of 0 and 1 in the lower part of the vector on the stack into a mask. */
function maskFromBytes(f: Fn): void {
  f.simd(137).simd(169).simd(161);
}

/**
 * Pushes the `copy`th vector from where the loop is. Its first `used` lanes count: elements that are
 * apart may be far outside of any memory behind the last one, and are not read there.
 */
export function loadVector(
  f: Fn,
  lanes: Lanes,
  e: Elements,
  pointer: number,
  counters: Counters,
  copy: number,
  used: number,
): void {
  const { size, step } = e;
  const wide = size === 8;
  if (step === 0) {
    const offset = address(f, e, pointer, counters, 0);
    if (size === 1) f.scalar(0x2d, offset).simd(17).simd(161);
    else f.memory(wide ? 10 : 9, offset);
    return;
  }
  if (step === 1) {
    const offset = address(f, e, pointer, counters, copy * lanes);
    if (size === 1) {
      f.memory(lanes === 4 ? 9 : 8, offset);
      maskFromBytes(f);
    } else f.memory(lanes === 2 && !wide ? 93 : 0, offset);
    return;
  }
  if (step === -1 && size !== 1 && (wide || lanes === 4) && used === lanes) {
    const offset = address(f, e, pointer, counters, copy * lanes + lanes - 1);
    const v = f.local(V128);
    f.memory(0, offset).tee(v).get(v).simd(13);
    for (let l = lanes - 1; l >= 0; l--) for (let b = 0; b < size; b++) f.op(l * size + b);
    f.release(v);
    return;
  }
  const offset = address(f, e, pointer, counters, copy * lanes);
  const at = f.local(I32);
  const v = f.local(V128);
  f.set(at);
  for (let l = 0; l < used; l++) {
    const place = lane(f, at, offset, l * step * size);
    if (size === 1) {
      f.scalar(0x2d, place);
      if (l === 0) f.simd(17);
      else {
        const byte = f.local(I32);
        f.set(byte).get(v).get(byte).simd(28).op(l);
        f.release(byte);
      }
    } else if (l === 0) f.memory(wide ? 93 : 92, place);
    else f.get(v).memory(wide ? 87 : 86, place, l);
    f.set(v);
  }
  f.get(v);
  if (size === 1) f.simd(161);
  f.release(at);
  f.release(v);
}

/** Narrows a mask to one of 32-bit lanes. */
function narrow(f: Fn, v: number, mask: 32 | 64): void {
  f.get(v);
  if (mask === 64) f.get(v).simd(13).op(0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11);
}

/** Stores a vector to neighbouring elements; with fewer lanes than fit, past the last of them too. */
export function storeVector(
  f: Fn,
  lanes: Lanes,
  e: Elements,
  pointer: number,
  counters: Counters,
  copy: number,
  v: number,
  mask: 32 | 64,
): void {
  if (e.step === 0) return storeLanes(f, lanes, e, pointer, counters, copy, v, mask, 1);
  const offset = address(f, e, pointer, counters, copy * lanes);
  if (e.size === 1) {
    const m = f.local(V128);
    narrow(f, v, mask);
    f.tee(m).get(m).simd(133).tee(m).get(m).simd(101).i32(1).simd(15).simd(78);
    f.memory(lanes === 4 ? 90 : 89, offset, 0);
    f.release(m);
  } else {
    f.get(v);
    if (lanes === 2 && e.size === 4) f.memory(91, offset, 0);
    else f.memory(11, offset);
  }
}

/** Stores the first `count` lanes, one by one. */
export function storeLanes(
  f: Fn,
  lanes: Lanes,
  e: Elements,
  pointer: number,
  counters: Counters,
  copy: number,
  v: number,
  mask: 32 | 64,
  count: number,
): void {
  const offset = address(f, e, pointer, counters, copy * lanes);
  const at = f.local(I32);
  f.set(at);
  let from = v;
  if (e.size === 1) {
    from = f.local(V128);
    narrow(f, v, mask);
    f.i32(1).simd(17).simd(78).set(from);
  }
  for (let l = 0; l < count; l++) {
    const place = lane(f, at, offset, l * e.step * e.size);
    f.get(from);
    if (e.size === 1) f.memory(88, place, 4 * l);
    else f.memory(e.size === 8 ? 91 : 90, place, l);
  }
  if (e.size === 1) f.release(from);
  f.release(at);
}

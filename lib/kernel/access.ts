/**
 * Loads and stores of vectors: neighbouring elements, one element for all lanes, or elements apart.
 *
 * @module
 */
import type { DType } from "../core/dtype.ts";
import { InternalError } from "../core/errors.ts";
import type { Ty } from "../scalar/expr.ts";
import { type Fn, I32, V128 } from "./encoder.ts";
import type { Lanes } from "./vector.ts";

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
    const apart = l * step * size;
    f.get(at);
    const far = offset + apart;
    if (far < 0) f.plus(apart);
    const place = far < 0 ? offset : far;
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
  ty: Ty,
  mask: 32 | 64,
): void {
  if (e.step === 0) return storeLanes(f, lanes, e, pointer, counters, copy, v, ty, mask, 1);
  if (e.step !== 1) throw new InternalError("elements apart, stored as neighbours");
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
  _ty: Ty,
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
    const apart = l * e.step * e.size;
    const far = offset + apart;
    f.get(at);
    if (far < 0) f.plus(apart);
    const place = far < 0 ? offset : far;
    f.get(from);
    if (e.size === 1) f.memory(88, place, 4 * l);
    else f.memory(e.size === 8 ? 91 : 90, place, l);
  }
  if (e.size === 1) f.release(from);
  f.release(at);
}

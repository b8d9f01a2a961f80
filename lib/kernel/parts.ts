/**
 * Arrays put together of parts, and parts of arrays at computed places.
 *
 * @module
 */
import { type ShapedArray, sizeOf, stridesOf } from "../core/mod.ts";
import type { Part } from "../core/kernel.ts";
import { bytesPerElement } from "./space.ts";
import type { Emission, StepBuilder } from "./steps.ts";
import { broadcastVal, type Buffer, constant, type Place, type Val, type View } from "./values.ts";

/** See `KernelBuilder.assemble`. */
export function assembleStep(
  b: StepBuilder,
  out: ShapedArray,
  parts: readonly Part[],
  fill: Val | null,
): Val {
  if (sizeOf(out.shape) === 0) return constant(0, out);
  const own = parts.filter((p) => sizeOf(p.value.shape) > 0);
  const inputs = own.map((p) => p.value as Val);
  return b.act(fill === null ? inputs : [...inputs, fill], [out], (emitter, step) => {
    const buffer = step.outs[0]!;
    const place = emitter.place(buffer, step.index);
    const strides = stridesOf(out.shape);
    if (fill !== null) emitter.copyTo(broadcastVal(fill, out.shape), place);
    for (const { value, at, steps } of own) {
      emitter.copy(value as Val, {
        place: { ...place, exact: true },
        offset: at.reduce((sum, n, i) => sum + n * strides[i]!, 0),
        strides: steps === undefined ? strides : strides.map((s, i) => s * steps[i]!),
      });
    }
  })[0]!;
}

/** Sets a local to the address of the block that begins at `starts`, moved to where it lies within. */
function blockPointer(
  emitter: Emission,
  base: Place,
  shape: readonly number[],
  strides: readonly number[],
  bytes: number,
  block: readonly number[],
  starts: readonly Val[],
): number {
  const { f } = emitter;
  const pointer = emitter.pointer();
  f.get(base.base);
  shape.forEach((n, i) => {
    const limit = n - block[i]!;
    if (limit === 0) return;
    const start = emitter.pointer();
    emitter.scalar(starts[i]!);
    f.set(start);
    // At least 0 and at most the limit.
    f.i32(0).get(start).get(start).i32(0).op(0x48, 0x1b).set(start);
    f.i32(limit).get(start).get(start).i32(limit).op(0x4a, 0x1b);
    f.i32(strides[i]! * bytes).op(0x6c, 0x6a);
    f.release(start);
  });
  f.set(pointer);
  return pointer;
}

/** See `KernelBuilder.dynamicSlice`. */
export function sliceStep(
  b: StepBuilder,
  x: Val,
  starts: readonly Val[],
  shape: readonly number[],
): Val {
  if (x.kind === "constant" || sizeOf(shape) === 0) {
    return constant(x.kind === "constant" ? x.value : 0, { shape, dtype: x.dtype });
  }
  const { buffer } = x;
  const alias = b.act(
    [x, ...starts],
    [{ shape: [buffer.size], dtype: x.dtype }],
    (emitter, step) => {
      const { place } = buffer;
      const base = blockPointer(
        emitter,
        place!,
        x.shape,
        x.strides,
        bytesPerElement[x.dtype],
        shape,
        starts,
      );
      step.outs[0]!.place = { ...place!, base, block: null };
    },
    buffer.root ?? buffer,
  )[0] as View;
  return { ...x, buffer: alias.buffer, shape };
}

/** See `KernelBuilder.dynamicUpdate`. */
export function updateStep(b: StepBuilder, x: Val, block: Val, starts: readonly Val[]): Val {
  if (sizeOf(x.shape) === 0) return x;
  if (sizeOf(block.shape) === 0) return x;
  return b.act([x, block, ...starts], [x], (emitter, step) => {
    const out = step.outs[0]!;
    const others = [block, ...starts];
    const isRead = (buffer: Buffer): boolean =>
      others.some((v) => v.kind === "view" && (v.buffer === buffer || v.buffer.root === buffer));
    const inPlace = x.kind === "view" && !isRead(x.buffer) &&
      emitter.takeOver(out, x, step.index);
    const place = inPlace ? out.place! : emitter.place(out, step.index);
    if (!inPlace) emitter.copyTo(x, place);
    const strides = stridesOf(x.shape);
    const base = blockPointer(
      emitter,
      place,
      x.shape,
      strides,
      bytesPerElement[x.dtype],
      block.shape,
      starts,
    );
    emitter.copy(block, {
      place: { base, offset: place.offset, exact: true, block: null },
      offset: 0,
      strides,
    });
    emitter.f.release(base);
  })[0]!;
}

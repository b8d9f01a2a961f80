/**
 * Control flow: loops and branches are what they are in WebAssembly. Carries stay where they are, and
 * bodies compute the next ones in place where nothing reads the old ones any more.
 *
 * Calls of routines and of the host, which does something or gives arrays.
 *
 * Of routines: their arrays are in memory one element after another, and their scratch arrays are
 * free again behind the call.
 *
 * @module
 */
import {
  type ConcreteArray,
  type DType,
  type Jaxpr,
  type KernelScan,
  type KernelWhile,
  type ShapedArray,
  sizeOf,
} from "../core/mod.ts";
import type { Routine } from "../routine/routine.ts";
import { I32 } from "./encoder.ts";
import { routineFn } from "./routine.ts";
import { bytesPerElement } from "./space.ts";
import type { Emission, StepBuilder } from "./steps.ts";
import {
  Buffer,
  constant,
  isFlat,
  type Place,
  seenFromInside,
  type Target,
  type Val,
  type View,
  whole,
} from "./values.ts";

/** See `KernelBuilder.call`. */
export function callStep(
  b: StepBuilder,
  routine: Routine,
  dtype: DType,
  inputs: readonly Val[],
  outs: readonly ShapedArray[],
  scalars: readonly number[],
): Val[] {
  if (outs.every((o) => sizeOf(o.shape) === 0)) return outs.map((o) => constant(0, o));
  const dense = inputs.map((v) => sizeOf(v.shape) === 0 ? v : b.dense(v));
  return b.act(dense, outs, (emitter, step) => {
    const { f, unit } = emitter;
    const places = step.outs.map((o) => emitter.place(o, step.index));
    const scratch = routine.scratch(dtype, scalars).map((s) =>
      emitter.temporary(s.size * bytesPerElement[s.dtype])
    );
    for (const v of dense) {
      if (v.kind === "view") emitter.address(v.buffer.place!);
      else f.i32(0); // of no elements
    }
    for (const p of [...places, ...scratch]) emitter.address(p);
    for (const n of scalars) f.i32(n);
    f.call(routineFn(unit.module, routine, dtype, { fma: unit.fma }));
  });
}

/** See `KernelBuilder.effect`. */
export function effectStep(
  b: StepBuilder,
  inputs: readonly Val[],
  call: (values: readonly ConcreteArray[]) => void,
  when: Val | null,
): void {
  const dense = inputs.map((v) => sizeOf(v.shape) === 0 ? v : b.dense(v));
  b.act(when === null ? dense : [...dense, when], [], (emitter) => {
    const { f, unit } = emitter;
    const avals = inputs.map(({ shape, dtype }) => ({ shape, dtype }));
    const fn = unit.module.import(avals.map(() => I32));
    unit.callbacks.push({
      avals,
      outs: [],
      call(values) {
        call(values);
        return [];
      },
    });
    if (when !== null) {
      emitter.scalar(when);
      f.block("if");
    }
    for (const v of dense) {
      if (v.kind === "view") emitter.address(v.buffer.place!);
      else f.i32(0); // of no elements
    }
    f.call(fn);
    if (when !== null) f.end();
  });
}

/** See `KernelBuilder.ask`. */
export function askStep(
  b: StepBuilder,
  inputs: readonly Val[],
  outs: readonly ShapedArray[],
  call: (values: readonly ConcreteArray[]) => readonly ConcreteArray[],
): Val[] {
  const dense = inputs.map((v) => sizeOf(v.shape) === 0 ? v : b.dense(v));
  return b.act(dense, outs, (emitter, step) => {
    const { f, unit } = emitter;
    const avals = inputs.map(({ shape, dtype }) => ({ shape, dtype }));
    const fn = unit.module.import([...avals, ...outs].map(() => I32));
    unit.callbacks.push({ avals, outs, call });
    const places = step.outs.map((o) => emitter.place(o, step.index));
    for (const v of dense) {
      if (v.kind === "view") emitter.address(v.buffer.place!);
      else f.i32(0); // of no elements
    }
    for (const p of places) emitter.address(p);
    f.call(fn);
  });
}

const typeOf = (v: Val): ShapedArray => ({ shape: v.shape, dtype: v.dtype });

/** The carries of a loop, in memory. */
interface Carries {
  /** What the body reads. */
  readonly values: readonly View[];
  /** Where the next ones should lie. */
  readonly targets: readonly Target[];
  /** Puts the next ones where the old ones are. */
  readonly advance: (next: readonly Val[]) => void;
}

function carriesOf(
  emitter: Emission,
  init: readonly Val[],
  outs: readonly Buffer[],
  step: number,
): Carries {
  const buffers = init.map((v, i) => {
    const place = emitter.place(outs[i]!, step);
    emitter.copyTo(v, place);
    const b = new Buffer(v.dtype, sizeOf(v.shape), -1);
    b.place = place;
    b.stored = b.mutable = true;
    return b;
  });
  const advance = (next: readonly Val[]): void => {
    // What lies in another carry's memory is saved before that is written to.
    const saved = next.map((v, i) => {
      if (v.kind === "constant") return v;
      const at = v.buffer.place!;
      const inWay = buffers.some((b, j) =>
        overlaps(at, v.buffer.root ?? v.buffer, b) &&
        (j !== i || !isFlat(v) || at.base !== b.place!.base)
      );
      if (!inWay) return v;
      const place = emitter.temporary(sizeOf(v.shape) * bytesPerElement[v.dtype]);
      emitter.copyTo(v, place);
      const copy = new Buffer(v.dtype, sizeOf(v.shape), -1);
      copy.place = place;
      return whole(copy, v.shape);
    });
    saved.forEach((v, i) => {
      const at = buffers[i]!.place!;
      if (v.kind === "view" && v.buffer.place === at && isFlat(v)) return;
      emitter.copyTo(v, at);
    });
  };
  return {
    values: buffers.map((b, i) => whole(b, init[i]!.shape)),
    targets: buffers.map((carry) => ({ place: carry.place!, carry, taken: false })),
    advance,
  };
}

/** Whether a value lies in the memory of a carry, or in a part of it. */
function overlaps(at: Place, buffer: Buffer, carry: Buffer): boolean {
  return buffer === carry || buffer.place === carry.place || at === carry.place;
}

/** See `KernelBuilder.while`. */
export function whileStep(b: StepBuilder, loop: KernelWhile): Val[] {
  const { cond, body } = loop;
  const condConsts = loop.condConsts as readonly Val[];
  const bodyConsts = loop.bodyConsts as readonly Val[];
  const init = loop.init as readonly Val[];
  return b.act([...condConsts, ...bodyConsts, ...init], init.map(typeOf), (emitter, step) => {
    const { f } = emitter;
    const { values, targets, advance } = carriesOf(emitter, init, step.outs, step.index);
    f.block("block").block("loop");
    const test = emitter.run(cond, [...condConsts.map(seenFromInside), ...values], []);
    emitter.scalar(test.outs[0]!);
    f.op(0x45).branch(1, true);
    test.release();
    for (const { buffer } of values) buffer.lastUse = -1;
    const inputs = [...bodyConsts.map(seenFromInside), ...values];
    const { outs, release } = emitter.run(body, inputs, targets);
    advance(outs);
    release();
    f.branch(0).end().end();
  });
}

/** See `KernelBuilder.scan`. */
export function scanStep(b: StepBuilder, loop: KernelScan): Val[] {
  const { jaxpr, length, reverse } = loop;
  const consts = loop.consts as readonly Val[];
  const init = loop.init as readonly Val[];
  const xs = loop.xs as readonly Val[];
  const slices = jaxpr.outputs.slice(init.length).map((v) => v.aval);
  const stacked = slices.map(({ shape, dtype }) => ({ shape: [length, ...shape], dtype }));
  return b.act([...consts, ...init, ...xs], [...init.map(typeOf), ...stacked], (emitter, step) => {
    const { f } = emitter;
    const { values, targets, advance } = carriesOf(
      emitter,
      init,
      step.outs.slice(0, init.length),
      step.index,
    );
    const ys = step.outs.slice(init.length);
    const places = ys.map((y) => emitter.place(y, step.index));
    if (length === 0) return;
    // Pointers to the slices of this step, and how far they move.
    const moving: { pointer: number; bytes: number }[] = [];
    const slice = (place: Place, bytes: number): Place => {
      const pointer = emitter.pointer();
      f.get(place.base).plus(reverse ? (length - 1) * bytes : 0).set(pointer);
      moving.push({ pointer, bytes });
      return { base: pointer, offset: place.offset, exact: true, block: null };
    };
    const inputs = xs.map((v): Val => {
      const shape = v.shape.slice(1);
      if (v.kind === "constant") return { ...v, shape };
      const { buffer, dtype } = v;
      const strides = v.strides.slice(1);
      const part = new Buffer(dtype, sliceSize(v, shape, strides), -1);
      part.place = slice(buffer.place!, v.strides[0]! * bytesPerElement[dtype]);
      part.stored = true;
      return { ...v, buffer: part, shape, strides };
    });
    const rows = ys.map((y, i): Target => ({
      place: slice(places[i]!, sizeOf(slices[i]!.shape) * bytesPerElement[y.dtype]),
      carry: null,
      taken: false,
    }));
    f.repeat(length, () => {
      const { outs, release } = emitter.run(
        jaxpr,
        [...consts.map(seenFromInside), ...values, ...inputs],
        [...targets, ...rows],
      );
      outs.slice(init.length).forEach((v, i) => {
        const { place } = rows[i]!;
        if (v.kind === "view" && v.buffer.place === place && isFlat(v)) return;
        emitter.copyTo(v, place);
      });
      advance(outs.slice(0, init.length));
      release();
      for (const { pointer, bytes } of moving) {
        f.get(pointer).plus(reverse ? -bytes : bytes).set(pointer);
      }
    });
    for (const { pointer } of moving) f.release(pointer);
  });
}

/** Number of elements of the buffer that a slice is taken for: its own where it is all of one. */
function sliceSize(v: View, shape: readonly number[], strides: readonly number[]): number {
  const part = { ...v, shape, strides, offset: 0 };
  const size = sizeOf(shape);
  const flat = v.offset === 0 && isFlat({ ...part, buffer: new Buffer(v.dtype, size, -1) });
  return flat ? size : v.buffer.size;
}

/** See `KernelBuilder.choose`. */
export function chooseStep(
  b: StepBuilder,
  index: Val,
  branches: readonly Jaxpr[],
  inputs: readonly Val[],
): Val[] {
  const types = branches[0]!.outputs.map((v) => v.aval);
  return b.act([index, ...inputs], types, (emitter, step) => {
    const { f } = emitter;
    const places = step.outs.map((o) => emitter.place(o, step.index));
    const run = (branch: Jaxpr): void => {
      const targets = places.map((place): Target => ({ place, carry: null, taken: false }));
      const { outs, release } = emitter.run(branch, inputs.map(seenFromInside), targets);
      outs.forEach((v, i) => {
        if (v.kind === "view" && v.buffer.place === places[i] && isFlat(v)) return;
        emitter.copyTo(v, places[i]!);
      });
      release();
    };
    const last = branches.length - 1;
    for (let k = 0; k < last; k++) {
      emitter.scalar(index);
      f.i32(k).op(k === 0 ? 0x4c : 0x46).block("if");
      run(branches[k]!);
      f.otherwise();
    }
    run(branches[last]!);
    for (let k = 0; k < last; k++) f.end();
  });
}

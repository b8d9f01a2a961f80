/**
 * Calls of routines and of the host, which does something or gives arrays.
 *
 * Of routines: their arrays are in memory one element after another, and their scratch arrays are
 * free again behind the call.
 *
 * @module
 */
import { type ShapedArray, sizeOf } from "../core/aval.ts";
import type { ConcreteArray } from "../core/concrete.ts";
import type { DType } from "../core/dtype.ts";
import type { Routine } from "../routine/routine.ts";
import { I32 } from "./encoder.ts";
import { routineFn } from "./routine.ts";
import { bytesPerElement } from "./space.ts";
import type { StepBuilder } from "./steps.ts";
import { constant, type Val } from "./values.ts";

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

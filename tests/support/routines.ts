/**
 * Running routines as WebAssembly and as closures, to compare them with JavaScript.
 *
 * @module
 */
import { allocate, type DType, type TypedArray } from "../../lib/core/dtype.ts";
import { Module } from "../../lib/kernel/encoder.ts";
import { routineFn, type RoutineOptions } from "../../lib/kernel/routine.ts";
import { interpret } from "../../lib/routine/interpret.ts";
import type { Routine } from "../../lib/routine/routine.ts";
import type { Run } from "../../lib/routine/syntax.ts";

/** The exported function of a routine alone in a module, and its memory. */
export function instantiate(
  routine: Routine,
  dtype: DType,
  memory: WebAssembly.Memory,
  options: RoutineOptions,
): (...args: number[]) => void {
  const module = new Module();
  const fn = routineFn(module, routine, dtype, options);
  const compiled = new WebAssembly.Module(module.encode({ run: fn }));
  const constants = new WebAssembly.Global({ value: "i32", mutable: false }, 0);
  const instance = new WebAssembly.Instance(compiled, { env: { memory, constants } });
  return instance.exports.run as (...args: number[]) => void;
}

/** A routine in WebAssembly, on copies of arrays that are surrounded by odd bytes. */
export function inWasm(routine: Routine, dtype: DType, fma: boolean): Run {
  const memory = new WebAssembly.Memory({ initial: 16 });
  const run = instantiate(routine, dtype, memory, { fma });
  return (...args) => {
    const arrays = args.filter((a) => typeof a !== "number");
    let end = 64;
    const at = arrays.map((a) => {
      const start = end;
      end += Math.ceil(a.byteLength / 16) * 16 + 64;
      return start;
    });
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    new Uint8Array(memory.buffer).fill(0xa5);
    const views = arrays.map((a, i) => {
      const Type = a.constructor as new (b: ArrayBufferLike, at: number, n: number) => TypedArray;
      const view = new Type(memory.buffer, at[i]!, a.length);
      view.set(a);
      return view;
    });
    run(...at, ...args.filter((a) => typeof a === "number"));
    const bytes = new Uint8Array(memory.buffer);
    arrays.forEach((a, i) => {
      a.set(views[i]!);
      const behind = bytes.subarray(at[i]! + a.byteLength, at[i + 1] ?? end);
      if (behind.some((b) => b !== 0xa5)) throw new Error(`bytes behind array ${i} have changed`);
    });
  };
}

/** A routine as closures, which find what is out of range. */
export function asClosures(routine: Routine, dtype: DType): Run {
  const callees = Object.entries(routine.callees).map(([name, r]) => [name, asClosures(r, dtype)]);
  return interpret(routine.typed(dtype), Object.fromEntries(callees));
}

/** The ways to run a routine. */
export const ways: Readonly<Record<string, (routine: Routine, dtype: DType) => Run>> = {
  "JavaScript": (routine, dtype) => routine.js(dtype),
  "closures": asClosures,
  "WebAssembly": (routine, dtype) => inWasm(routine, dtype, false),
};

/** What a routine writes, by each of the ways: outputs of these dtypes and sizes. */
export function outputs(
  routine: Routine,
  dtype: DType,
  inputs: readonly TypedArray[],
  outs: readonly (readonly [DType, number])[],
  ...scalars: readonly number[]
): Record<string, TypedArray[]> {
  const results: Record<string, TypedArray[]> = {};
  for (const [name, make] of Object.entries(ways)) {
    const dirty = (d: DType, n: number): TypedArray => allocate(d, n).fill(d === "bool" ? 1 : 77);
    const written = outs.map(([d, n]) => dirty(d, n));
    const scratch = routine.scratch(dtype, scalars).map((s) => dirty(s.dtype, s.size));
    make(routine, dtype)(...inputs.map((a) => a.slice()), ...written, ...scratch, ...scalars);
    results[name] = written;
  }
  return results;
}

/**
 * Routines in WebAssembly for eager code: each is a module of its own, and all share one memory, into
 * which the arrays of a call are copied.
 *
 * @module
 */
import type { DType, TypedArray } from "../core/dtype.ts";
import { Module } from "../kernel/encoder.ts";
import { routineFn } from "../kernel/routine.ts";
import { bytesPerElement } from "../kernel/space.ts";
import type { HostRun, Routine } from "../routine/routine.ts";
import { isRelaxed, lacking, ownEngine } from "./cpu_host.ts";

/** Most bytes of the arrays of a call: the memory never shrinks. */
const MOST = 2 ** 27;
const PAGE = 65536;

let memory: WebAssembly.Memory | null = null;
const constants = (): WebAssembly.Global => new WebAssembly.Global({ value: "i32" }, 0);

/** A routine in WebAssembly; `null` where the process cannot run it. */
export function wasmRoutine(routine: Routine, dtype: DType): HostRun | null {
  const engine = ownEngine();
  if (engine === null || lacking(engine) !== null) return null;
  const shared = memory ??= new engine.Memory({ initial: 1 });
  const module = new Module();
  const fn = routineFn(module, routine, dtype, { fma: isRelaxed(engine) });
  let run: (...args: number[]) => void;
  try {
    const compiled = new engine.Module(module.encode({ run: fn }));
    const env = { memory: shared, constants: constants() };
    run = new engine.Instance(compiled, { env }).exports.run as typeof run;
  } catch {
    // Chrome before version 114 compiles no more than 4 KiB at once on the main thread of a page.
    return null;
  }
  const kinds = routine.typed(dtype).arrays.map(({ kind }) => kind);
  return (arrays, scalars) => {
    let end = 16;
    const take = (bytes: number): number => {
      const at = end;
      end += 16 * Math.ceil(bytes / 16);
      return at;
    };
    const places = arrays.map((a) => take(a.byteLength));
    for (const s of routine.scratch(dtype, scalars)) {
      places.push(take(s.size * bytesPerElement[s.dtype]));
    }
    if (end > MOST) return false;
    const missing = end - shared.buffer.byteLength;
    if (missing > 0) {
      try {
        shared.grow(Math.ceil(missing / PAGE));
      } catch {
        return false;
      }
    }
    arrays.forEach((a, i) => kinds[i] === "in" && viewAt(shared, a, places[i]!).set(a));
    run(...places, ...scalars);
    arrays.forEach((a, i) => kinds[i] === "out" && a.set(viewAt(shared, a, places[i]!)));
    return true;
  };
}

/** The memory from an address on as an array like `a`. */
function viewAt({ buffer }: WebAssembly.Memory, a: TypedArray, at: number): TypedArray {
  const View = a.constructor as new (b: ArrayBufferLike, at: number, n: number) => TypedArray;
  return new View(buffer, at, a.length);
}

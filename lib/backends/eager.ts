/**
 * Eager operations on large arrays, by the kernels that compiled functions have: each is a program of
 * one equation. Its results stay on the heap, where the next operation finds them.
 *
 * An operation whose kernel rounds as its loops do is compiled when it is met again with the same types;
 * until then loops do the same. Others, such as products of matrices, are compiled from a size on at which that pays
 * at once: the same call gives the same bits each time.
 *
 * Routines in WebAssembly for eager code: each is a module of its own, and all share one memory, into
 * which the arrays of a call are copied.
 *
 * @module
 */
import {
  BackendError,
  ConcreteArray,
  type DType,
  type Executable,
  type KernelRunner,
  type Primitive,
  type ShapedArray,
  type TypedArray,
  Var,
} from "../core/mod.ts";
import { Module } from "../kernel/encoder.ts";
import { routineFn } from "../kernel/routine.ts";
import { bytesPerElement } from "../kernel/space.ts";
import type { HostRun, Routine } from "../routine/routine.ts";
import type { CpuBackend } from "./cpu.ts";
import { isRelaxed, lacking, ownEngine } from "./cpu_host.ts";
import { CpuExecutable } from "./cpu_program.ts";

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

/** From how much work on calling a kernel is worth it. */
const WORTH_CALLING = 8192;
/** From how much work on compiling one is worth it for a single call. */
const WORTH_COMPILING = 2 ** 18;
/** How many operations are known at most; then all are forgotten. */
const MOST_KERNELS = 512;
/**
 * Bytes on the heap beyond which results leave it. Loops of eager operations drop one array after
 * another, and what is dropped on the heap stays there for as long as nothing is awaited.
 */
const KEPT = 64 * 1024 * 1024;

/** The kernels of a backend for eager evaluation. */
export function kernelsOf(cpu: CpuBackend): KernelRunner {
  /** By key; null where it was met once. */
  const known = new Map<string, Executable | null>();
  return (primitive, inputs, params, outs) => {
    const { heavy, kernel } = primitive;
    if (heavy === undefined || kernel === null) return null;
    const avals = inputs.map(({ aval }) => aval);
    const work = heavy.work(avals, params, outs);
    if (work < WORTH_CALLING || (!heavy.sameBits && work < WORTH_COMPILING)) return null;
    if (!cpu.compiles) return null;
    const key = keyOf(primitive, avals, params);
    let executable = known.get(key);
    if (executable === undefined) {
      if (known.size >= MOST_KERNELS) {
        for (const e of known.values()) e?.release();
        known.clear();
      }
      known.set(key, null);
      if (heavy.sameBits) return null;
      executable = null;
    }
    if (executable === null) {
      executable = compile(cpu, primitive, avals, params, outs);
      // A page may compile large modules only in its own time.
      if (!(executable instanceof CpuExecutable)) return null;
      known.set(key, executable);
    }
    try {
      const results = executable.run(inputs);
      return cpu.memoryInUse > KEPT ? results.map(toHost) : results;
    } catch (error) {
      // No room on the heap: loops have the host's memory.
      if (error instanceof BackendError) return null;
      throw error;
    }
  };
}

function toHost(x: ConcreteArray): ConcreteArray {
  if (x.device === null) return x;
  const values = x.peek()!;
  x.dispose();
  return ConcreteArray.fromHost(x.aval, values);
}

function keyOf<P>(primitive: Primitive<P>, avals: readonly ShapedArray[], params: P): string {
  let key = primitive.name;
  for (const { dtype, shape } of avals) key += `|${dtype}${shape}`;
  return params === null ? key : `${key}|${JSON.stringify(params)}`;
}

function compile<P>(
  cpu: CpuBackend,
  primitive: Primitive<P>,
  avals: readonly ShapedArray[],
  params: P,
  outs: readonly ShapedArray[],
): Executable {
  const inputs = avals.map((aval, i) => new Var(aval, i));
  const outputs = outs.map((aval, i) => new Var(aval, avals.length + i));
  // Programs do not know the parameters of their primitives.
  const eqn = { primitive: primitive as unknown as Primitive<unknown>, inputs, params, outputs };
  const numVars = inputs.length + outputs.length;
  return cpu.compile({ inputs, eqns: [eqn], outputs, numVars }, primitive.name);
}

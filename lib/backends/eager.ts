/**
 * Eager operations on large arrays, by the kernels that compiled functions have: each is a program of
 * one equation. Its results stay on the heap, where the next operation finds them.
 *
 * An operation whose kernel rounds as its loops do is compiled when it is met again with the same types;
 * until then loops do the same. Others, such as products of matrices, are compiled from a size on at which that pays
 * at once: the same call gives the same bits each time.
 *
 * @module
 */
import type { Executable } from "../core/backend.ts";
import type { ShapedArray } from "../core/aval.ts";
import { ConcreteArray } from "../core/concrete.ts";
import { BackendError } from "../core/errors.ts";
import { type Primitive, Var } from "../core/primitive.ts";
import type { KernelRunner } from "../core/trace.ts";
import type { CpuBackend } from "./cpu.ts";
import { CpuExecutable } from "./cpu_program.ts";

/** From how much work on calling a kernel is worth it. */
const WORTH_CALLING = 8192;
/** From how much work on compiling one is worth it for a single call. */
const WORTH_COMPILING = 2 ** 18;
/** How many operations are known at most; then all are forgotten. */
const MOST = 512;
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
      if (known.size >= MOST) {
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

/**
 * What the cpu backend needs of its host: WebAssembly with vectors of 128 bits, and leave to compile.
 *
 * How much memory arrays may take on a backend's heap.
 *
 * What an error says about a program that does not fit into memory.
 *
 * @module
 */
import {
  allPrograms,
  bytesOf,
  formatAval,
  formatBytes,
  type Jaxpr,
  messageOf,
  type ShapedArray,
} from "../core/mod.ts";

/** Bytes that results and copies of arguments may take where nothing else is said: 512 MiB. */
export const DEFAULT_BUDGET: number = 512 * 1024 * 1024;

/** A budget that was given for a backend, checked. */
export function checkBudget(backend: string, bytes: number): number {
  if (!(typeof bytes === "number" && bytes >= 0)) {
    throw new RangeError(
      `${backend}.memoryBudget must be a number of bytes that is not negative, not ${bytes}`,
    );
  }
  return bytes;
}

/** A type of array in a program. */
export interface Sized {
  /** Dtype and shape. */
  readonly type: string;
  /** Bytes of the elements. */
  readonly bytes: number;
  /** What gives such an array. */
  readonly from: string;
}

/** The largest arrays of a program, the programs in it included; the largest first. */
export function largestArrays(jaxpr: Jaxpr): Sized[] {
  const found = new Map<string, Sized>();
  const note = (aval: ShapedArray, from: string): void => {
    const type = formatAval(aval);
    if (!found.has(type)) found.set(type, { type, bytes: bytesOf(aval), from });
  };
  for (const { inputs, eqns } of allPrograms(jaxpr)) {
    for (const { aval } of inputs) note(aval, "an input");
    for (const { primitive, outputs } of eqns) {
      for (const { aval } of outputs) note(aval, `of ${primitive.name}`);
    }
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
}

/** Arrays for a message: `float32[40000,40000] (6.0 GiB, of mul)`. */
export function formatSized(arrays: readonly Sized[]): string {
  return arrays.map(({ type, bytes, from }) => `${type} (${formatBytes(bytes)}, ${from})`)
    .join(", ");
}

/** What to do instead. */
export const workOnParts = "Work on parts, for example with `map` or `scan` over blocks of rows";

const SHOWN = 3;

/** The part of the `WebAssembly` namespace that is asked. */
export type Engine = Pick<typeof WebAssembly, "validate" | "Module" | "Instance" | "Memory">;

/** The engine of this process; null where there is none. */
export function ownEngine(): Engine | null {
  return typeof WebAssembly === "object" ? WebAssembly : null;
}

/** What an engine lacks, for a sentence that ends with it; null where it runs programs. */
export function lacking(engine: Engine | null): string | null {
  if (engine === null) return "this host has no WebAssembly";
  if (!engine.validate(probe)) return "this host's WebAssembly has no SIMD instructions";
  let module: WebAssembly.Module;
  try {
    module = new engine.Module(probe);
  } catch (cause) {
    return "compiling WebAssembly is forbidden here (the policy of a page must have " +
      `script-src 'wasm-unsafe-eval'): ${messageOf(cause)}`;
  }
  try {
    const memory = new engine.Memory({ initial: 1 });
    const { run } = new engine.Instance(module, { env: { memory } }).exports as { run(): void };
    run();
    const found = new Float32Array(memory.buffer)[0];
    return found === -3 ? null : `a trial module gave ${found} and not -3`;
  } catch (cause) {
    return `a trial module cannot run: ${messageOf(cause)}`;
  }
}

/** Whether there are relaxed vector instructions, of which products use the fused multiply-add. */
export function isRelaxed(engine: Engine): boolean {
  return engine.validate(relaxedProbe);
}

/** A module that stores a vector, four times -3, at address 0 of `env.memory`. */
const probe = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
  ...[1, 4, 1, 0x60, 0, 0], // type: () -> ()
  ...[2, 15, 1, 3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 0, 1], // env.memory
  ...[3, 2, 1, 0], // one function
  ...[7, 7, 1, 3, 0x72, 0x75, 0x6e, 0, 0], // export "run"
  ...[10, 20, 1, 18, 0, 0x41, 0, 0x43, 0, 0, 0x40, 0x40, 0xfd, 0x13], // 0, splat(3)
  ...[0xfd, 0xe1, 1, 0xfd, 0x0b, 0, 0, 0x0b], // neg, store
]);

/** A module with `f32x4.relaxed_madd`. */
const relaxedProbe = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version
  ...[1, 5, 1, 0x60, 1, 0x7b, 0], // type: (v128) -> ()
  ...[3, 2, 1, 0], // one function
  ...[10, 14, 1, 12, 0, 0x20, 0, 0x20, 0, 0x20, 0], // the vector, three times
  ...[0xfd, 0x85, 2, 0x1a, 0x0b], // madd, drop
]);

/**
 * Runs compiled programs on a memory of their own, in which everything that a program must not read
 * is NaN, and says where anything was written that is not the program's.
 *
 * @module
 */
import {
  bytesOf,
  type DType,
  type ShapedArray,
  sizeOf,
  type TypedArray,
} from "../../lib/core/dtype.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import type { Jaxpr } from "../../lib/core/primitive.ts";
import { type CompileOptions, compileProgram } from "../../lib/kernel/program.ts";

const views = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

/** Memory between arrays that nobody may write to. */
const GUARD = 256;
/** What vectors may touch behind an array. */
const SLACK = 64;

/** Programs run one after another, and memories are dear: one for all. */
const shared = new WebAssembly.Memory({ initial: 1 });

/** Runs a program once, from arrays to arrays; the memory that it uses begins at `start`. */
export function runProgram(
  jaxpr: Jaxpr,
  args: readonly TypedArray[],
  options: CompileOptions = { large: 64, fma: false, poison: true },
  start = 1024,
): TypedArray[] {
  const program = compileProgram(jaxpr, options);
  let top = start;
  const take = (bytes: number): number => {
    const at = top;
    top = Math.ceil((at + bytes + SLACK + GUARD) / 64) * 64;
    return at;
  };
  const constants = take(program.constantBytes);
  const arena = take(program.arenaBytes);
  const place = (
    where: readonly { readonly kind: string; readonly offset?: number }[],
    bytes: readonly number[],
  ): number[] => where.map((w, i) => w.kind === "arena" ? arena + w.offset! : take(bytes[i]!));
  const inBytes = jaxpr.inputs.map((v) => bytesOf(v.aval));
  const outBytes = jaxpr.outputs.map((v) => bytesOf(v.aval));
  const ins = place(program.inputs, inBytes);
  const outs = place(program.outputs, outBytes);
  const pages = Math.ceil((top + 65536) / 65536);
  const present = shared.buffer.byteLength / 65536;
  if (present < pages) shared.grow(pages - present);
  const memory = shared;
  const all = new Uint8Array(memory.buffer);
  all.fill(255, start - GUARD, top + GUARD);
  const write = (at: number, values: TypedArray): void => {
    all.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  };
  for (const { offset, values } of program.constants) write(constants + offset, values);
  ins.forEach((at, i) => write(at, args[i]!));
  const callbacks = program.callbacks.map(({ avals, call }) => (...addresses: number[]): void => {
    const given = call(
      avals.map((aval, i) => ConcreteArray.fromHost(aval, read(memory, addresses[i]!, aval))),
    );
    given.forEach((x, i) => write(addresses[avals.length + i]!, x.values));
  });
  const { instance } = instantiate(program.bytes, memory, constants, callbacks);
  const pointers = [
    ...ins.filter((_, i) => program.inputs[i]!.kind === "pointer"),
    ...outs.filter((_, i) => program.outputs[i]!.kind === "pointer"),
  ];
  (instance.exports["run"] as (...args: number[]) => void)(arena, ...pointers);
  const guards: [number, number][] = [
    [constants, program.constantBytes],
    [arena, program.arenaBytes],
    ...ins.flatMap((at, i): [number, number][] =>
      program.inputs[i]!.kind === "pointer" ? [[at, inBytes[i]!]] : []
    ),
    ...outs.flatMap((at, i): [number, number][] =>
      program.outputs[i]!.kind === "pointer" ? [[at, outBytes[i]!]] : []
    ),
  ];
  for (const [at, bytes] of guards) {
    const end = at + bytes + SLACK;
    if (all.subarray(end, end + GUARD - SLACK).some((b) => b !== 255)) {
      throw new Error(`something was written behind ${bytes} bytes at ${at}`);
    }
    if (all.subarray(at - 64, at).some((b) => b !== 255) && at > start) {
      throw new Error(`something was written in front of ${bytes} bytes at ${at}`);
    }
  }
  ins.forEach((at, i) => {
    if (program.inputs[i]!.kind !== "pointer") return;
    const now = all.subarray(at, at + inBytes[i]!);
    const before = new Uint8Array(args[i]!.buffer, args[i]!.byteOffset, args[i]!.byteLength);
    if (now.some((b, k) => b !== before[k])) throw new Error(`argument ${i} was written to`);
  });
  return jaxpr.outputs.map((v, i) => read(memory, outs[i]!, v.aval));
}

/** A copy of an array in memory. */
function read(memory: WebAssembly.Memory, address: number, aval: ShapedArray): TypedArray {
  const end = address + bytesOf(aval);
  const copy = (memory.buffer as ArrayBuffer).slice(address, end);
  return new views[aval.dtype as DType](copy, 0, sizeOf(aval.shape)) as TypedArray;
}

function instantiate(
  bytes: Uint8Array<ArrayBuffer>,
  memory: WebAssembly.Memory,
  constants: number,
  callbacks: readonly ((...addresses: number[]) => void)[],
): { instance: WebAssembly.Instance } {
  const base = new WebAssembly.Global({ value: "i32", mutable: false }, constants);
  // Where it is not valid, the engine's message says where.
  const module = new WebAssembly.Module(bytes);
  return {
    instance: new WebAssembly.Instance(module, {
      env: {
        memory,
        constants: base,
        ...Object.fromEntries(callbacks.map((f, i) => [`callback${i}`, f])),
      },
    }),
  };
}

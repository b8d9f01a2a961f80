/**
 * What the cpu backend needs of its host: WebAssembly with vectors of 128 bits, and leave to compile.
 *
 * @module
 */
import { messageOf } from "../core/errors.ts";

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

/**
 * Functions in files of WebAssembly, as their users run them.
 *
 * @module
 */
import type { WasmFiles } from "../../mod.ts";

/** A function on typed arrays, by the names of its arguments and results. */
export type Run = (given: Record<string, ArrayLike<number>>) => Record<string, ArrayLike<number>>;

/** The function in the files. */
export async function loadModule({ wasm, typescript }: WasmFiles): Promise<Run> {
  const url = `data:application/typescript;base64,${btoa(typescript)}`;
  const { instantiate } = await import(url) as { instantiate: (wasm: Uint8Array) => Run };
  return instantiate(wasm);
}

/**
 * Tests that need a GPU: skipped with a reason where there is none, required in CI.
 *
 * @module
 */
import { BackendError, loadBackend } from "../../mod.ts";

async function missing(): Promise<string> {
  try {
    await loadBackend("webgpu");
    return "";
  } catch (error) {
    if (!(error instanceof BackendError) || Deno.env.has("CI")) throw error;
    return error.message;
  }
}

const reason = await missing();
if (reason !== "") console.log(`webgpu tests skipped: ${reason}`);

/** Registers a test that runs where there is a GPU. */
export function gpuTest(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, ignore: reason !== "", fn });
}

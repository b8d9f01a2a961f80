/**
 * Tests that need a GPU: skipped with a reason where there is none, required in CI. They name their backend, so
 * that they are the same whatever functions run on by default, and are left out where that is another.
 *
 * @module
 */
import { loadGpu } from "../../lib/backends/gpu_device.ts";
import { BackendError, loadBackend } from "../../mod.ts";

async function missing(): Promise<string> {
  const other = Deno.env.get("INJAX_BACKEND");
  if (other !== undefined) {
    return `functions run on ${other} by default, on which they do not depend`;
  }
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

/**
 * Runs a task while the runtime refuses programs of which it would run a part on the CPU: their
 * compilation fails then, with `onCpu` in the message.
 */
export async function withoutCpu<T>(task: () => Promise<T>): Promise<T> {
  const gpu = await loadGpu();
  const { createSession } = gpu;
  const strict: typeof createSession = (model) =>
    createSession.call(gpu, model, { extra: { session: { disable_cpu_ep_fallback: "1" } } });
  Object.assign(gpu, { createSession: strict });
  try {
    return await task();
  } finally {
    Object.assign(gpu, { createSession: createSession.bind(gpu) });
  }
}

/** What the runtime says of a program that `withoutCpu` refuses. */
export const onCpu = "contains graph nodes that are assigned to the default CPU EP";

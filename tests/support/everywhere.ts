/**
 * Checks that hold for eager code and on all backends of the CPU, and tests that are about one of them
 * although they name none.
 *
 * @module
 */
import { jit, type Tree } from "../../mod.ts";
import { defaultBackend } from "../../lib/core/backend.ts";
import { assertClose } from "./arrays.ts";

/** For jit, in tests of what not every backend does. */
export const cpu = { backend: "cpu" } as const;

/** For jit. */
export const interpreter = { backend: "interpreter" } as const;

/** The backends that give results at once; `onnx` must have been loaded. */
export const backends: readonly { readonly backend: string }[] = [
  cpu,
  interpreter,
  { backend: "onnx" },
];

/** Checks `f` at `args` eagerly and jitted. */
export function everywhere<A extends unknown[]>(
  f: (...args: A) => Tree,
  args: A,
  want: unknown,
): void {
  assertClose(f(...args), want, 1e-12, "eager");
  for (const backend of backends) {
    assertClose(
      jit(f as (...args: unknown[]) => Tree, backend)(...args),
      want,
      1e-12,
      `jit on ${backend.backend}`,
    );
  }
}

/**
 * Defines a test that makes sense only where `jit` runs functions on one of some backends by itself: where
 * all tests are run on another (`on_backend.ts`), it is shown as ignored, with the reason.
 */
export function testOn(
  backends: readonly string[],
  reason: string,
  name: string,
  fn: () => void | Promise<void>,
): void {
  const ignore = !backends.includes(defaultBackend);
  Deno.test({ name: ignore ? `${name} (not on ${defaultBackend}: ${reason})` : name, ignore, fn });
}

/**
 * Checks that hold for eager code and on all backends of the CPU.
 *
 * @module
 */
import { jit, type Tree } from "../../mod.ts";
import { assertClose } from "./arrays.ts";

/** For jit. */
export const interpreter = { backend: "interpreter" } as const;

/** The backends that give results at once; `onnx` must have been loaded. */
export const backends: readonly { readonly backend: string }[] = [
  { backend: "cpu" },
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

/**
 * The backend `"cpu"` for tests, with the compiler of the library; what it cannot compile goes to `"onnx"`.
 *
 * @module
 */
import { CpuBackend } from "../../lib/backends/cpu.ts";
import { onnx } from "../../lib/backends/onnx.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { registerBackend } from "../../lib/core/backend.ts";
import { Uncompilable } from "../../lib/kernel/errors.ts";
import { compileProgram } from "../../lib/kernel/program.ts";

registerBackend(
  new CpuBackend({
    compiler: (jaxpr, options) => compileProgram(simplify(jaxpr), options),
    uncompilable: (error) => error instanceof Uncompilable ? error.primitive : null,
    other: onnx,
  }),
);

/** For jit. */
export const cpu = { backend: "cpu" } as const;

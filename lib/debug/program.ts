/**
 * Programs as text, at each stage from the trace to the graph that a backend runs.
 *
 * @module
 */
import { describeValue } from "../core/errors.ts";
import { formatJaxpr } from "../core/jaxpr.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { simplify } from "../compile/pipeline.ts";
import { lowerJaxpr } from "../onnx/lower.ts";
import { formatModel } from "../onnx/print.ts";
import { makeJaxpr, openJaxpr } from "../transforms/inspect.ts";
import type { Tree } from "../transforms/tree_types.ts";
import type { AnyFunction } from "../transforms/types.ts";

/** Stages of a program. */
export type Stage = "traced" | "simplified" | "onnx";

/** Options of `program`. */
export interface ProgramOptions {
  /**
   * `"traced"` (default): what was recorded, calls as calls. `"simplified"`: with calls inlined, loops
   * taken apart and dead code gone, as every backend gets it. `"onnx"`: the graph for onnxruntime.
   */
  readonly stage?: Stage | undefined;
  /** For `"onnx"`: the backend that it is for, `"onnx"` (default) or `"webgpu"`. */
  readonly backend?: "onnx" | "webgpu" | undefined;
}

const programOptions: OptionTable<ProgramOptions> = { stage: "string", backend: "string" };

/**
 * The program of a function for arguments like `args`, as text.
 *
 * @param f The function.
 * @param args Example arguments: arrays, numbers or `ShapeDtype`s in any tree.
 * @throws {TypeError} where there is no such `stage` or `backend`.
 *
 * @example
 * ```ts
 * import { debug, foriLoop, jit, type NDArray, numpy as np } from "@injax/injax";
 *
 * const f = (x: NDArray) => jit((v: NDArray) => np.sin(v).mul(2))(x);
 * console.log(debug.program(f, [np.ones([3])], { stage: "simplified" }));
 * // { lambda a:float32[3] ; let
 * //   b:float32[3] = sin a
 * //   c:float32[3] = mul b 2:float32[]
 * // in (c) }
 * ```
 */
export function program(
  f: AnyFunction,
  args: readonly unknown[],
  options: ProgramOptions = {},
): string {
  checkCall("debug.program(f, args, options)", arguments, programOptions);
  const { stage = "traced", backend = "onnx" } = options;
  if (!Array.isArray(args)) {
    throw new TypeError(
      `debug.program: args must be the list of arguments, as in program(f, [x]), not ${
        describeValue(args)
      }`,
    );
  }
  if (backend !== "onnx" && backend !== "webgpu") {
    throw new TypeError(
      `debug.program: graphs are for "onnx" and "webgpu", not ${describeValue(backend)}`,
    );
  }
  const { jaxpr } = openJaxpr(makeJaxpr(f as (...args: never[]) => Tree)(...args as never[]));
  switch (stage) {
    case "traced":
      return formatJaxpr(jaxpr);
    case "simplified":
      return formatJaxpr(simplify(jaxpr));
    case "onnx":
      return formatModel(lowerJaxpr(jaxpr, { target: backend }));
    default:
      throw new TypeError(
        `debug.program: stage must be "traced", "simplified" or "onnx", not ${
          describeValue(stage)
        }`,
      );
  }
}

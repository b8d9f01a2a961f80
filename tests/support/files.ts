/**
 * Exported files in ONNX Runtime's documented interface, as their users run them.
 *
 * @module
 */
import { InferenceSession, Tensor } from "onnxruntime-web";
import type { DType, NDArray, TypedArray } from "../../mod.ts";
import { make } from "./arrays.ts";

/** A file that can be run. */
export interface File {
  /** Names of its inputs. */
  readonly inputs: readonly string[];
  /** Names of its outputs. */
  readonly outputs: readonly string[];
  /** Shapes of its outputs, as the file has them. */
  readonly outputShapes: readonly (readonly (number | string)[])[];
  /** Runs it. */
  readonly run: (inputs: readonly NDArray[]) => Promise<NDArray[]>;
  /** Frees it. */
  readonly release: () => Promise<void>;
}

/**
 * Opens a file. At level `"all"`, which is that of users who say nothing, the runtime computes some
 * things in float32 where the file says float64. At `"disabled"` large graphs open fastest.
 */
export async function openFile(
  bytes: Uint8Array,
  level: "disabled" | "basic" | "all" = "basic",
): Promise<File> {
  const session = await InferenceSession.create(bytes, {
    executionProviders: ["wasm"],
    graphOptimizationLevel: level,
  });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    outputShapes: session.outputMetadata.map((m) => m.isTensor ? [...m.shape] : []),
    async run(inputs) {
      const feeds = Object.fromEntries(session.inputNames.map((name, i) => {
        const x = inputs[i]!;
        const data = x.dataSync() as never;
        return [name, new Tensor(x.dtype as "float32", data, [...x.shape])];
      }));
      const results = await session.run(feeds);
      return session.outputNames.map((name) => {
        const { type, dims, data } = results[name]!;
        return make({ shape: dims, dtype: type as DType }, data as TypedArray);
      });
    },
    release: () => session.release(),
  };
}

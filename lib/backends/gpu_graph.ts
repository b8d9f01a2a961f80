/**
 * Programs on the GPU in terms of the runtime's tensors, and those among them that are one session.
 *
 * @module
 */
import type * as Ort from "onnxruntime-web";
import { BackendError, messageOf, type ProgramLowering, type ShapedArray } from "../core/mod.ts";
import type { Value } from "../core/lowering.ts";
import { buildModel } from "../onnx/builder.ts";
import { encodeModel } from "../onnx/model.ts";
import type { Gpu } from "./gpu_device.ts";

/** Something that computes tensors from tensors. */
export interface Program {
  /** Computes. The outputs are the caller's to dispose of, the inputs remain so. */
  run(inputs: readonly Ort.Tensor[]): Promise<Ort.Tensor[]>;
  /** Frees what it holds, once runs that have begun are over. */
  release(): void;
}

/** Disposes of tensors in the queue's turn: not while the runtime is in the middle of a run. */
export function dispose(gpu: Gpu, tensors: readonly Ort.Tensor[]): void {
  if (tensors.length === 0) return;
  gpu.enqueue(() => tensors.forEach((tensor) => tensor.dispose())).catch(() => {});
}

/** A program that is one session. */
export class GraphProgram implements Program {
  readonly #gpu: Gpu;
  readonly #name: string;
  readonly #inputs: readonly string[];
  readonly #outputs: readonly string[];
  readonly #session: Promise<Ort.InferenceSession>;
  #released = false;

  /** Compiles the graph that `build` makes. Failures show when it runs. */
  constructor(
    gpu: Gpu,
    name: string,
    inputs: readonly ShapedArray[],
    outputs: readonly ShapedArray[],
    build: (g: ProgramLowering, inputs: Value[]) => Value[],
  ) {
    this.#gpu = gpu;
    this.#name = name;
    const model = buildModel({ target: "webgpu", name, inputs, outputs, build });
    this.#inputs = model.graph.inputs.map((port) => port.name);
    this.#outputs = model.graph.outputs.map((port) => port.name);
    const bytes = encodeModel(model);
    this.#session = gpu.enqueue(() => gpu.createSession(bytes)).catch(async (cause) => {
      throw await gpu.failure(
        new BackendError(
          `webgpu: program ${name} does not compile: ${messageOf(cause)}. ` +
            "This is a fault of the library: please report it with the program that jit was given",
          { cause },
        ),
      );
    });
    this.#session.catch(() => {});
  }

  /** Runs the session in its turn. */
  async run(inputs: readonly Ort.Tensor[]): Promise<Ort.Tensor[]> {
    const session = await this.#session;
    const feeds: Record<string, Ort.Tensor> = {};
    inputs.forEach((tensor, i) => feeds[this.#inputs[i]!] = tensor);
    try {
      const results = await this.#gpu.enqueue(() => session.run(feeds));
      return this.#outputs.map((name) => results[name] as Ort.Tensor);
    } catch (cause) {
      const message = `webgpu: program ${this.#name} failed: ${messageOf(cause)}`;
      throw await this.#gpu.failure(new BackendError(message, { cause }));
    }
  }

  /**
   * Releases the session in its turn. The runtime knows sessions by addresses, which it gives again: to
   * release one twice could take another program's.
   */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    // A session that never came was reported by its runs, and one of a lost device is gone.
    this.#session.then((s) => this.#gpu.enqueue(() => s.release())).catch(() => {});
  }
}

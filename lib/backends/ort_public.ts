/**
 * Programs on ONNX Runtime's documented interface, for the case that the module that `ort_direct.ts`
 * drives is not the one it knows. Everything is asynchronous there: results are in flight.
 *
 * @module
 */
import type * as Ort from "onnxruntime-web";
import {
  BackendError,
  ConcreteArray,
  type Executable,
  messageOf,
  retained,
  type ShapedArray,
  type TypedArray,
} from "../core/mod.ts";
import type { Model } from "../onnx/model.ts";
import { encodeModel } from "../onnx/model.ts";
import type { Place } from "./ort_files.ts";
import { importPart } from "./ort_package.ts";
import { THREADS, WRONG_OPTIMIZERS } from "./ort_module.ts";
import { trial, trialInput, trialOutput } from "./trial.ts";

/** Makes programs of models; `outAvals` are the types of the outputs. */
export type PublicCompiler = (
  model: Model,
  name: string,
  outAvals: readonly ShapedArray[],
  level: "basic" | "all",
) => Executable;

/** Loads the package by its main entry point, and tries it out. */
export async function loadPublicOrt(place: Place): Promise<PublicCompiler> {
  const { wasm } = place;
  const ort = await importPart<typeof Ort>("main", place);
  ort.env.wasm.numThreads = THREADS;
  ort.env.logLevel = "fatal";
  if (wasm !== null) ort.env.wasm.wasmPaths = { wasm };
  const session = await ort.InferenceSession.create(trial, { executionProviders: ["wasm"] });
  const { y } = await session.run({ x: new ort.Tensor("float32", trialInput, [1]) });
  if (y!.data[0] !== trialOutput) throw new Error(`a trial program gave ${y!.data[0]}`);
  await session.release();
  return (model, name, outAvals, level) => new PublicExecutable(ort, model, name, outAvals, level);
}

const finalizer = new FinalizationRegistry<Promise<Ort.InferenceSession>>((session) =>
  void session.then((s) => s.release(), () => {})
);

class PublicExecutable implements Executable {
  readonly #session: Promise<Ort.InferenceSession>;
  readonly #inputs: readonly string[];
  readonly #outputs: readonly string[];
  #released = false;

  constructor(
    readonly ort: typeof Ort,
    model: Model,
    readonly name: string,
    readonly outAvals: readonly ShapedArray[],
    level: "basic" | "all",
  ) {
    this.#inputs = model.graph.inputs.map((v) => v.name);
    this.#outputs = model.graph.outputs.map((v) => v.name);
    this.#session = ort.InferenceSession.create(encodeModel(model), {
      executionProviders: ["wasm"],
      graphOptimizationLevel: level,
      extra: { optimization: { disable_specified_optimizers: WRONG_OPTIMIZERS } },
    });
    this.#session.catch(() => {}); // reported by the results of each run
    finalizer.register(this, this.#session, this);
  }

  run(args: readonly ConcreteArray[]): ConcreteArray[] {
    if (this.#released) throw new BackendError(`onnx: program ${this.name} has been released`);
    if (args.length !== this.#inputs.length) {
      throw new BackendError(
        `onnx: program ${this.name} takes ${this.#inputs.length} inputs, ${args.length} were given`,
      );
    }
    const results = this.#results(args.map(retained));
    return this.outAvals.map((aval, i) => ConcreteArray.inFlight(aval, results.then((r) => r[i]!)));
  }

  async #results(args: readonly ConcreteArray[]): Promise<TypedArray[]> {
    try {
      const feeds: Record<string, Ort.Tensor> = {};
      for (const [i, x] of args.entries()) {
        await x.load();
        feeds[this.#inputs[i]!] = new this.ort.Tensor(x.dtype, x.values as never, x.shape);
      }
      const results = await (await this.#session).run(feeds, this.#outputs);
      return this.#outputs.map((name) => results[name]!.data as TypedArray);
    } catch (cause) {
      throw new BackendError(`onnx: program ${this.name} failed: ${messageOf(cause)}`, { cause });
    }
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    finalizer.unregister(this);
    void this.#session.then((s) => s.release(), () => {});
  }
}

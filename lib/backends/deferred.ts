/**
 * Backends that are imported when they are first loaded: programs and pages that compile for the CPU
 * have none of their code to read.
 *
 * The backend `"interpreter"`: programs run on the CPU interpreter, one equation after another, as
 * eager operations do. It compiles nothing, needs nothing loaded, and serves as the reference that
 * the other backends are tested against.
 *
 * @module
 */
import {
  type Backend,
  BackendError,
  bind,
  type ConcreteArray,
  deferUntilReady,
  evalJaxpr,
  evalTrace,
  type Executable,
  hasEffects,
  type Jaxpr,
  messageOf,
  type NDArray,
  notLoaded,
  type Primitive,
  Trace,
  withTrace,
} from "../core/mod.ts";
import { checkBudget, DEFAULT_BUDGET } from "./cpu_host.ts";

/** Eager evaluation that enters calls instead of handing them to their backends. */
class Interpreter extends Trace {
  process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    // What branch a choice takes is left to its evaluation, which waits for arrays in flight.
    const call = primitive.passes.programs?.inline(params, args, () => null) ?? null;
    if (call !== null) return evalJaxpr(call.jaxpr, call.inputs, bind);
    return evalTrace.process(primitive, args, params);
  }
}

const trace = new Interpreter("the interpreter backend", false);

/** The backend that interprets. */
export const interpreter: Backend = {
  name: "interpreter",
  ready: true,
  load: () => Promise.resolve(),
  compile(jaxpr: Jaxpr): Executable {
    const evaluate = (args: readonly NDArray[]): NDArray[] =>
      withTrace(trace, () => evalJaxpr(jaxpr, args, bind));
    const avals = jaxpr.outputs.map((a) => a.aval);
    // Operations on arrays in flight are queued by the evaluator itself. What effects raise must reach the
    // results, so these wait for what is in flight as a whole.
    const run = hasEffects(jaxpr)
      ? (args: readonly NDArray[]) => deferUntilReady(args, avals, evaluate)
      : evaluate;
    return { run: (args) => run(args) as ConcreteArray[], release: () => {} };
  },
};

/** A backend in a module of its own. What it is told before that is there, it hears then. */
export class DeferredBackend implements Backend {
  readonly name: string;
  readonly #module: () => Promise<Backend>;
  #backend: Backend | null = null;
  #place: string | URL | null = null;
  #budget: number | undefined;

  /**
   * @param name Its name.
   * @param module Imports it.
   * @param budget Its memory budget at first, where it has one.
   */
  constructor(name: string, module: () => Promise<Backend>, budget?: number) {
    this.name = name;
    this.#module = module;
    this.#budget = budget;
  }

  get ready(): boolean {
    return this.#backend !== null && this.#backend.ready;
  }

  get memoryBudget(): number | undefined {
    return this.#budget;
  }
  set memoryBudget(bytes: number) {
    this.#budget = checkBudget(this.name, bytes);
    if (this.#backend !== null) this.#backend.memoryBudget = bytes;
  }

  locate(url: string | URL): void {
    if (this.#backend === null) this.#place = url;
    else this.#backend.locate!(url);
  }

  async load(): Promise<void> {
    await (this.#backend ?? await this.#import()).load();
  }

  async #import(): Promise<Backend> {
    let backend: Backend;
    try {
      backend = await this.#module();
    } catch (cause) {
      throw new BackendError(
        `the backend "${this.name}" cannot be loaded: its code is a file of its own, which is not ` +
          `there: ${messageOf(cause)}`,
        { cause },
      );
    }
    // Two calls may have waited for the module.
    if (this.#backend === null) {
      this.#backend = backend;
      if (this.#budget !== undefined) backend.memoryBudget = this.#budget;
    }
    const place = this.#place;
    this.#place = null;
    if (place !== null) backend.locate!(place);
    return backend;
  }

  compile(jaxpr: Jaxpr, name: string): Executable {
    if (this.#backend === null) throw notLoaded(this.name);
    return this.#backend.compile(jaxpr, name);
  }
}

/** ONNX Runtime's WebAssembly build: `onnx.ts`. */
export const onnx: Backend = new DeferredBackend(
  "onnx",
  async () => (await import("./onnx.ts")).onnx,
  DEFAULT_BUDGET,
);

/** The GPU: `webgpu.ts`. */
export const webgpu: Backend = new DeferredBackend(
  "webgpu",
  async () => (await import("./webgpu.ts")).webgpu,
);

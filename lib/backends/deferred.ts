/**
 * Backends that are imported when they are first loaded: programs and pages that compile for the CPU
 * have none of their code to read.
 *
 * @module
 */
import { type Backend, type Executable, notLoaded } from "../core/backend.ts";
import { BackendError, messageOf } from "../core/errors.ts";
import type { Jaxpr } from "../core/primitive.ts";
import { checkBudget, DEFAULT_BUDGET } from "./budget.ts";

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

/**
 * The backend `"cpu"`: a program becomes one WebAssembly module, which runs at once and needs nothing
 * loaded.
 *
 * Owns compiling for it, and where programs go that it cannot run: to the backend `"onnx"` where a
 * primitive cannot be compiled, to the interpreter where the host cannot run modules. The compiler is
 * `lib/kernel`'s, running `cpu_program.ts`'s.
 *
 * @module
 */
import {
  type Backend,
  BackendError,
  type ConcreteArray,
  deferUntilReady,
  type Executable,
  type Jaxpr,
  messageOf,
  needsHost,
} from "../core/mod.ts";
import { simplify } from "../compile/pipeline.ts";
import { Uncompilable } from "../kernel/errors.ts";
import { compileProgram } from "../kernel/program.ts";
import {
  checkBudget,
  DEFAULT_BUDGET,
  type Engine,
  isRelaxed,
  lacking,
  ownEngine,
} from "./cpu_host.ts";
import { Heap } from "./cpu_heap.ts";
import { CpuMemory } from "./cpu_memory.ts";
import { CpuExecutable, type CpuProgram } from "./cpu_program.ts";
import { interpreter, onnx } from "./deferred.ts";

/**
 * Makes a program of a jaxpr. Arrays of more than `large` bytes are to be passed by address; `fma` says
 * that there are relaxed vector instructions.
 */
export type Compiler = (
  jaxpr: Jaxpr,
  options: { readonly large: number; readonly fma: boolean },
) => CpuProgram;

/** What a backend is made of. */
export interface CpuParts {
  /** The compiler. */
  readonly compiler: Compiler;
  /** The primitive that an error of the compiler's is about, where it is about one; else null. */
  readonly uncompilable: (error: unknown) => string | null;
  /** Where programs go that have such a primitive. */
  readonly other: Backend;
  /** The WebAssembly that it runs on. */
  readonly engine?: Engine | null;
}

/** See the top of the file; tests make others than the one there is. */
export class CpuBackend implements Backend {
  readonly name = "cpu";
  readonly ready = true;
  readonly #parts: CpuParts;
  readonly #engine: Engine | null;
  #memory: CpuMemory | null = null;
  #budget = DEFAULT_BUDGET;
  /** What the host lacks; undefined where that has not been asked. */
  #lacks: string | null | undefined;
  #fma: boolean | undefined;
  readonly #said = new Set<string>();

  constructor(parts: CpuParts) {
    this.#parts = parts;
    this.#engine = parts.engine === undefined ? ownEngine() : parts.engine;
  }

  /**
   * Bytes that results and copies of arguments may take on the heap, 512 MiB where not set. Beyond it,
   * results are copied to arrays of their own at once.
   */
  get memoryBudget(): number {
    return this.#budget;
  }
  set memoryBudget(bytes: number) {
    this.#budget = checkBudget("cpu", bytes);
    if (this.#memory !== null) this.#memory.budget = bytes;
  }

  /** The books of the heap, made when first asked for. */
  get memory(): CpuMemory {
    return this.#memory ??= new CpuMemory(new Heap(), this.#budget);
  }
  /** Bytes that results and copies of arguments take now. */
  get memoryInUse(): number {
    return this.#memory?.used ?? 0;
  }
  /** Bytes of the whole heap, which grows as needed and never shrinks. */
  get heapBytes(): number {
    return this.#memory?.heap.bytes ?? 0;
  }

  /** Says what is missing, where programs cannot run here as this backend runs them. */
  load(): Promise<void> {
    const lacks = this.#missing();
    return lacks === null ? Promise.resolve() : Promise.reject(
      new BackendError(
        `the backend "cpu" cannot be loaded: ${lacks}. Use "interpreter", which is slower`,
      ),
    );
  }

  /** Whether programs run here as this backend runs them. */
  get compiles(): boolean {
    return this.#missing() === null;
  }

  #missing(): string | null {
    return this.#lacks === undefined ? this.#lacks = lacking(this.#engine) : this.#lacks;
  }

  compile(jaxpr: Jaxpr, name: string): Executable {
    const lacks = this.#missing();
    if (lacks !== null) {
      this.#say(
        lacks,
        `injax: "cpu" interprets functions instead of compiling them, which is slower: ${lacks}`,
      );
      return interpreter.compile(jaxpr, name);
    }
    let program: CpuProgram;
    try {
      this.#fma ??= isRelaxed(this.#engine!);
      program = this.#parts.compiler(jaxpr, { large: LARGE, fma: this.#fma });
    } catch (error) {
      const primitive = this.#parts.uncompilable(error);
      if (primitive === null) throw error;
      // A graph runs as a whole: what a program does in its middle, the interpreter does.
      const other = needsHost(jaxpr) ? interpreter : this.#parts.other;
      this.#say(
        primitive,
        `injax: "cpu" cannot compile the primitive ${primitive}, so functions with it run on ` +
          `"${other.name}"`,
      );
      return new Elsewhere(other, jaxpr, name);
    }
    const executable = (module: WebAssembly.Module): Executable =>
      new CpuExecutable(this.memory, jaxpr, name, program, module);
    try {
      return executable(new this.#engine!.Module(program.bytes));
    } catch (cause) {
      // Chrome before version 114 compiles no more than 4 KiB at once on the main thread of a page.
      if (cause instanceof RangeError && cause.message.includes("main thread")) {
        return new Compiling(WebAssembly.compile(program.bytes).then(executable), jaxpr);
      }
      throw new BackendError(
        `cpu: program ${name} does not compile: ${messageOf(cause)}. ` +
          "This is a fault of the library: please report it with the program that jit was given",
        { cause },
      );
    }
  }

  /** Warns, once for each `about`. */
  #say(about: string, message: string): void {
    if (this.#said.has(about)) return;
    this.#said.add(about);
    console.warn(message);
  }
}

/** The backend that compiles by itself. */
export const cpu: CpuBackend = new CpuBackend({
  compiler: (jaxpr, options) => compileProgram(simplify(jaxpr), options),
  uncompilable: (error) => error instanceof Uncompilable ? error.primitive : null,
  other: onnx,
});

/** A program on another backend, with results in flight until that is loaded. */
class Elsewhere implements Executable {
  #executable: Executable | null = null;

  constructor(
    readonly backend: Backend,
    readonly jaxpr: Jaxpr,
    readonly name: string,
  ) {}

  run(args: readonly ConcreteArray[]): ConcreteArray[] {
    const { backend, jaxpr, name } = this;
    if (backend.ready) {
      return (this.#executable ??= backend.compile(jaxpr, name)).run(args);
    }
    return later(args, jaxpr, (held) => this.run(held), backend.load());
  }

  release(): void {
    this.#executable?.release();
  }
}

/** A program that is being compiled. */
class Compiling implements Executable {
  #executable: Executable | null = null;
  readonly #compiled: Promise<Executable>;

  constructor(compiled: Promise<Executable>, readonly jaxpr: Jaxpr) {
    this.#compiled = compiled.then((executable) => this.#executable = executable);
    // Whoever awaits a result hears of it.
    this.#compiled.catch(() => {});
  }

  run(args: readonly ConcreteArray[]): ConcreteArray[] {
    if (this.#executable !== null) return this.#executable.run(args);
    return later(args, this.jaxpr, (held) => this.#executable!.run(held), this.#compiled);
  }

  release(): void {
    this.#compiled.then((executable) => executable.release(), () => {});
  }
}

function later(
  args: readonly ConcreteArray[],
  jaxpr: Jaxpr,
  run: (held: readonly ConcreteArray[]) => ConcreteArray[],
  before: Promise<unknown>,
): ConcreteArray[] {
  return deferUntilReady(
    args,
    jaxpr.outputs.map((out) => out.aval),
    run,
    before,
  ) as ConcreteArray[];
}

/** Arrays up to this size are copied on each run; a copy costs less than keeping books. */
const LARGE = 64 * 1024;

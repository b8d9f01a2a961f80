/**
 * The interface between `jit` and what runs compiled programs, and the table of backends. The
 * backends themselves are in `lib/backends`, the only place that knows onnxruntime.
 *
 * @module
 */
import type { ConcreteArray } from "./concrete.ts";
import { BackendError, describeValue } from "./errors.ts";
import type { Jaxpr } from "./primitive.ts";
import { nearest } from "./signature.ts";

/** A compiled program. */
export interface Executable {
  /** Runs the program, once inputs in flight have arrived. Outputs may be in flight. */
  run(args: readonly ConcreteArray[]): ConcreteArray[];
  /** Frees what the program holds on the backend. */
  release(): void;
}

/** Something that compiles and runs jaxprs. */
export interface Backend {
  /** The name users give: `"cpu"`, `"webgpu"`, ... */
  readonly name: string;
  /** Whether `compile` can be called now. */
  readonly ready: boolean;
  /** Loads what the backend needs. May be called again after a failure. */
  load(): Promise<void>;
  /** Says where to load it from: a folder or a file. A backend that loads nothing has no such method. */
  locate?(url: string | URL): void;
  /** Bytes that arrays may take in its memory; a backend without such a bound has no such property. */
  memoryBudget?: number | undefined;
  /** Compiles a program; the arrays in it become constants. */
  compile(jaxpr: Jaxpr, name: string): Executable;
}

/** The error of compiling for a backend that has not been loaded. */
export function notLoaded(name: string): BackendError {
  return new BackendError(
    `the backend "${name}" is not loaded: \`await loadBackend("${name}")\` first`,
  );
}

/** Where functions run for which nothing else is said. */
export let defaultBackend = "cpu";

/** Changes that, so that all tests can be run on another backend. */
export function setDefaultBackend(name: string): void {
  defaultBackend = name;
}

const backends = new Map<string, Backend>();
const former = new Map<string, string>();

/** Adds a backend to the table. */
export function registerBackend(backend: Backend): void {
  backends.set(backend.name, backend);
}

/** Makes the error for a name that a backend had say what it is called now. */
export function renamedBackend(name: string, now: string): void {
  former.set(name, now);
}

/**
 * The backend with a name.
 *
 * @throws {BackendError} that lists the names there are, or says the new name of a backend.
 */
export function getBackend(name: string): Backend {
  const backend = backends.get(name);
  if (backend === undefined) {
    const now = former.get(name);
    if (now !== undefined) {
      throw new BackendError(
        `the backend "${name}" is called "${now}" now: write "${now}", or nothing at all for ` +
          `"${defaultBackend}", which compiles by itself and needs nothing loaded`,
      );
    }
    const names = [...backends.keys()];
    const [meant] = typeof name === "string" ? nearest(name, names) : [];
    throw new BackendError(
      `there is no backend ${
        typeof name === "string" ? JSON.stringify(name) : describeValue(name)
      }; the backends are ${names.map((n) => JSON.stringify(n)).join(", ")}` +
        (meant === undefined ? "" : `. Did you mean "${meant}"?`),
    );
  }
  return backend;
}

/**
 * The files of onnxruntime-web: where they are, and reading them.
 *
 * The runtime reads its own files where nothing else is said, but it writes to the terminal where it
 * cannot, keeps quiet about the cause, and its documented interface never tries again after that. So
 * where files can be read beforehand, they are read here, and errors say what is missing.
 *
 * @module
 */
import { BackendError, messageOf } from "../core/mod.ts";

/** Where the runtime's files are, if somebody said. */
export interface Place {
  /** The JavaScript module; null for that of the package. */
  readonly module: string | null;
  /** The WebAssembly file; null likewise. */
  readonly wasm: string | null;
}

/** Where the package is. */
export const inPackage: Place = { module: null, wasm: null };

/**
 * The files at a URL: of a `.wasm` file, or of a folder that has the module `name.mjs` as well.
 *
 * @throws {TypeError} where it is not a URL, not even relative to the page.
 */
export function placeAt(url: string | URL, name: string): Place {
  let base: URL;
  try {
    base = new URL(url, (globalThis as { location?: { href?: string } }).location?.href);
  } catch {
    throw new TypeError(
      `loadBackend: url must be the URL of a folder or of a .wasm file, not ${
        JSON.stringify(String(url))
      }; for a path, write new URL(path, import.meta.url)`,
    );
  }
  if (base.pathname.endsWith(".wasm")) return { module: null, wasm: base.href };
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  // Where there are files, the module works from one alone.
  const usable = fileSystem() === null || base.protocol === "file:";
  return {
    module: usable ? new URL(`${name}.mjs`, base).href : null,
    wasm: new URL(`${name}.wasm`, base).href,
  };
}

interface FileSystem {
  readonly promises: { readFile(path: string | URL): Promise<Uint8Array<ArrayBuffer>> };
}

/** Files of the host: of Node and of what behaves like it, such as Deno; null in a browser. */
export function fileSystem(): FileSystem | null {
  // Not an import: bundlers for browsers would look for it.
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown };
  };
  return process?.getBuiltinModule?.("node:fs") as FileSystem | undefined ?? null;
}

/**
 * The bytes of a WebAssembly file, by its URL or, where there are files, its path.
 *
 * @throws {BackendError} that says what is missing.
 */
export async function readWasm(place: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await readFile(place);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new BackendError(`${place} is not a WebAssembly module${REMEDY}`);
  }
  return bytes;
}

/** How a WebAssembly module begins. */
const MAGIC = [0, 0x61, 0x73, 0x6d];

async function readFile(place: string): Promise<Uint8Array<ArrayBuffer>> {
  const remote = /^(https?|blob|data):/.test(place);
  const files = fileSystem();
  try {
    if (!remote && files !== null) {
      return await files.promises.readFile(place.startsWith("file:") ? new URL(place) : place);
    }
    const response = await fetch(place);
    if (!response.ok) {
      throw new BackendError(`${place} answers with status ${response.status}${REMEDY}`);
    }
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw cause instanceof BackendError ? cause : explained(place, cause);
  }
}

const REMEDY = "; say where the file is with loadBackend(name, { url })";

/** What an attempt to read a file failed of, in terms of what the user can do about it. */
function explained(place: string, cause: unknown): BackendError {
  const { name, code } = cause as { name?: string; code?: string };
  const message = messageOf(cause);
  const because = { cause };
  if (["NotCapable", "PermissionDenied"].includes(name!) || code === "ERR_ACCESS_DENIED") {
    const flag = /--allow-[a-z]+/.exec(message)?.[0] ?? "--allow-read";
    return new BackendError(
      `there is no permission to read ${place}: run the program with ${flag}`,
      because,
    );
  }
  if (name === "NotFound" || code === "ENOENT") {
    return new BackendError(`there is no file ${place}${REMEDY}`, because);
  }
  return new BackendError(`${place} cannot be read: ${message}${REMEDY}`, because);
}

/** The URL of a file of the package, where the host says it; undefined for others. */
export function resolved(file: string): string | undefined {
  try {
    const url = import.meta.resolve(`onnxruntime-web/${file}`);
    return /^(file|https?):/.test(url) ? url : undefined;
  } catch {
    // The host does not offer it, or does not know the package by this name.
    return undefined;
  }
}

/** The first of some files that can be read. */
export async function readFirst(
  places: readonly (string | undefined)[],
): Promise<Uint8Array<ArrayBuffer>> {
  let failure: unknown;
  for (const place of places) {
    if (place === undefined) continue;
    try {
      return await readWasm(place);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** How the lines begin that the runtime's module writes where it cannot be loaded. */
const COMPLAINT = /^(wasm streaming compile failed|falling back to|failed to asynchron|Aborted\()/;

/** Runs a task without such lines on the console, which are in the error if the task fails. */
export async function withoutComplaints<T>(task: () => Promise<T>): Promise<T> {
  const { error } = console;
  const lines: string[] = [];
  const filtered = (...data: unknown[]): void => {
    if (typeof data[0] === "string" && COMPLAINT.test(data[0])) lines.push(data[0]);
    else error.apply(console, data);
  };
  console.error = filtered;
  try {
    return await task();
  } catch (cause) {
    throw lines.length === 0 ? cause : new BackendError(lines[0]!, { cause });
  } finally {
    if (console.error === filtered) console.error = error;
  }
}

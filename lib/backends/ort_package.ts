/**
 * Importing onnxruntime-web. The specifiers are not literals, so that no bundler takes the package along:
 * a page that never compiles should not carry it, and its WebAssembly files have to be served as files
 * anyway. So the package is asked for by its name, where the host knows packages, and by URL otherwise.
 *
 * @module
 */
import { BackendError, messageOf } from "../core/mod.ts";
import { fileSystem, type Place } from "./ort_files.ts";

/** The version whose undocumented functions are called. */
export const VERSION = "1.30.0";

/** Parts of the package: how it exports them, and the files that a folder has of them. */
const parts = {
  /** The documented interface. */
  main: { entry: "", file: "ort.wasm.min.mjs" },
  /** The documented interface, with WebGPU. */
  webgpu: { entry: "/webgpu", file: "ort.webgpu.min.mjs" },
  /** The module that both drive. */
  module: { entry: "/ort-wasm-simd-threaded.mjs", file: "ort-wasm-simd-threaded.mjs" },
} as const;

/**
 * A part of the package: from the folder that somebody named, or the package itself, or the folder of
 * this script.
 *
 * @throws {BackendError} where neither is there; for other reasons whatever the import throws.
 */
export async function importPart<T>(part: keyof typeof parts, place: Place): Promise<T> {
  const { entry, file } = parts[part];
  if (place.module !== null) return await import(new URL(file, place.module).href);
  const [name, other] = namesOf(entry);
  try {
    if (other === undefined) return await import(name);
    return await import(name).catch(() => import(other));
  } catch (cause) {
    if (fileSystem() !== null) throw notInstalled(cause) ?? cause;
    // No import map: the files may lie beside the script, or beside the WebAssembly file.
    const url = new URL(file, place.wasm ?? import.meta.url).href;
    try {
      return await import(url);
    } catch (error) {
      throw new BackendError(
        `${url} cannot be imported (${
          messageOf(error)
        }). Bundles do not carry onnxruntime-web: serve ` +
          `the files of node_modules/onnxruntime-web/dist, and say where they are with ` +
          `loadBackend(name, { url: "/their/folder/" }), or map "${name}" to ${file} there`,
        { cause: error },
      );
    }
  }
}

/**
 * The error for a package that is not there, under Node and Bun: nothing of this library imports it by
 * a literal name, so installing the library does not install it. `null` for other causes.
 */
export function notInstalled(cause: unknown): BackendError | null {
  const { code, message } = cause as { code?: string; message?: string };
  if (code !== "ERR_MODULE_NOT_FOUND" || !message?.includes("package 'onnxruntime-web'")) {
    return null;
  }
  return new BackendError(
    `the package onnxruntime-web, which runs compiled programs, is not installed: run ` +
      `"npm install onnxruntime-web@${VERSION}"`,
    { cause },
  );
}

/**
 * What the host knows the package by: Deno by a version, unless a project that has this file in a
 * folder maps the plain name.
 */
function namesOf(entry: string): readonly [string, string?] {
  const plain = `onnxruntime-web${entry}`;
  if (!("Deno" in globalThis)) return [plain];
  const exact = `npm:onnxruntime-web@${VERSION}${entry}`;
  return import.meta.url.startsWith("file:") ? [plain, exact] : [exact];
}

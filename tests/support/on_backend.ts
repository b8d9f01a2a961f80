/**
 * Loaded before a test file, makes the backend that `INJAX_BACKEND` names the default of `jit`, so that all
 * tests can be run on another one: `deno task test:onnx`, `deno task test:interpreter`.
 *
 * @module
 */
import { setDefaultBackend } from "../../lib/core/backend.ts";
import { loadBackend } from "../../mod.ts";

const name = Deno.env.get("INJAX_BACKEND");
if (name !== undefined) {
  setDefaultBackend(name);
  await loadBackend(name);
}

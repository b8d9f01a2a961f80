/**
 * Jaxprs as the bytes of `.onnx` files that any runtime reads. Tracing the user's function is left
 * to `mod.ts`.
 *
 * @module
 */
import { ConcretizationError } from "../core/errors.ts";
import type { Jaxpr } from "../core/primitive.ts";
import { DifferentModels, generalize, type Symbol } from "./generalize.ts";
import { lowerJaxpr, type LowerOptions } from "./lower.ts";
import { encodeModel, type Model } from "./model.ts";
import { ATTEMPTS, isOpenAt, nearbySizes, type OpenProgram, recordAt } from "./open.ts";
import { type Storage, storedAs } from "./storage.ts";

/** What can be chosen when exporting. */
export interface ExportOptions extends Omit<LowerOptions, "target" | "isOpen"> {
  /** How the large constants are kept. */
  readonly storage?: Storage | undefined;
}

/**
 * The bytes of a `.onnx` file with one graph that computes what the jaxpr computes.
 *
 * Names of inputs and outputs may be any strings; an empty one is replaced, and one that occurs
 * twice gets a number.
 *
 * @throws {RangeError} where the file would have 2 GiB or more, and where a constant is beyond the range
 * of the storage.
 */
export function exportJaxpr(
  jaxpr: Jaxpr,
  { storage = "float32", ...options }: ExportOptions = {},
): Uint8Array<ArrayBuffer> {
  return encodeModel(storedAs(lowerJaxpr(jaxpr, { ...options, target: "portable" }), storage));
}

/**
 * The bytes of a file that computes a program at any sizes of its symbols. The options are asked for
 * once the program has been recorded.
 *
 * @throws {ConcretizationError} where it needs the sizes in a way that a file cannot express.
 * @throws {RangeError} as `exportJaxpr`.
 */
export function exportOpen(
  program: Omit<OpenProgram, "symbols"> & { readonly symbols: readonly Symbol[] },
  options: () => ExportOptions,
): Uint8Array<ArrayBuffer> {
  const symbols = program.symbols.map((s) => s.name);
  let first: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const model = openModel({ ...program, symbols }, program.symbols, options, attempt);
      return encodeModel(storedAs(model, options().storage ?? "float32"));
    } catch (error) {
      // A length of the program's own may have been taken for an open one.
      if (!(error instanceof DifferentModels || error instanceof ConcretizationError)) throw error;
      first ??= error;
    }
  }
  if (!(first instanceof DifferentModels)) throw first;
  throw new ConcretizationError(`exportOnnx of ${program.name}: ${first.message}`);
}

function openModel(
  program: OpenProgram,
  symbols: readonly Symbol[],
  options: () => ExportOptions,
  attempt: number,
): Model {
  const sizes = nearbySizes(symbols.length, attempt);
  const jaxprs = recordAt(program, sizes);
  const { storage: _, ...chosen } = options();
  const models = jaxprs.map((jaxpr, i) =>
    lowerJaxpr(jaxpr, { ...chosen, target: "portable", isOpen: isOpenAt(sizes[i]!) })
  );
  return generalize(models, sizes, symbols);
}

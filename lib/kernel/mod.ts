/**
 * Functions as WebAssembly files.
 *
 * @module
 */
import { BackendError, checkCall, type NDArray, needsHost, type OptionTable } from "../core/mod.ts";
import { type FileChecks, fileProgram } from "../compile/checks.ts";
import { simplify } from "../compile/pipeline.ts";
import {
  argumentTypes,
  checkNames,
  inputNamesOf,
  outputNamesOf,
  recordFile,
} from "../transforms/inspect.ts";
import type { Tree } from "../transforms/tree_types.ts";
import { checkFunction, nameOf } from "../transforms/trees.ts";
import type { Examples } from "../transforms/types.ts";
import { Uncompilable } from "./errors.ts";
import { standalone, type WasmFiles } from "./program.ts";

export type { WasmFiles };

/** Options of `exportWasmWith`. */
export interface WasmOptions {
  /** Name of the function in the text; by default its own. */
  readonly name?: string | undefined;
  /** Names of the arguments, in place of `arg0`, `arg1`, ... */
  readonly argumentNames?: readonly string[] | undefined;
  /**
   * Whether matrix products may use relaxed vector instructions, which are a third faster and which some
   * engines do not have (Node 20): false where left out.
   */
  readonly relaxedSimd?: boolean | undefined;
  /**
   * What becomes of calls of `check` in the function. `"output"`, the default: a further output `check`, which
   * is 0 where all conditions held, and otherwise the number of the first one that did not; the text says what
   * they are. `"none"`: they are left out.
   */
  readonly checks?: FileChecks | undefined;
}

const wasmOptions: OptionTable<WasmOptions> = {
  name: "string",
  argumentNames: "names",
  relaxedSimd: "boolean",
  checks: "string",
};

/**
 * A function as files that depend on nothing: a WebAssembly module that computes `f`, loops and
 * derivatives included, for arguments like those given, and an ES module that runs it on typed
 * arrays. A model with its parameters or a step of training is a few kilobytes, a solver with all that it looks at
 * before it claims anything 10 to 60, a third of that after gzip. They run in any engine that has vectors of 128 bits.
 *
 * Inputs and outputs are named as in `exportOnnx`: `arg0.linear.w`, `out.loss`. Captured arrays are in
 * the module.
 *
 * @param f The function.
 * @param args Example arguments; arrays, numbers or `ShapeDtype`s in any tree.
 * @throws {TreeError} where `f` uses traced values of an enclosing transform or arrays in flight,
 * where it returns no arrays, and where an argument or the result is not a tree of arrays.
 * @throws {ConcretizationError} where `f` needs the value of an argument, as for a branch.
 * @throws {BackendError} where it prints or calls back, for which a file has nobody to ask, and
 * where an operation of a third party has no kernel rule.
 * @throws {TypeError} where `f` is not a function.
 *
 * @example
 * ```ts
 * import { exportWasm, type NDArray, numpy as np } from "@injax/injax";
 *
 * const { wasm, typescript } = exportWasm((x: NDArray) => np.tanh(x).sum(), np.ones([3]));
 * console.log(WebAssembly.validate(wasm)); // true
 * console.log(typescript.includes("export function instantiate")); // true
 * // Deno.writeFileSync("f.wasm", wasm) and Deno.writeTextFileSync("f.ts", typescript); then elsewhere:
 * // const f = instantiate(Deno.readFileSync("f.wasm")); f({ arg0: [1, 2, 3] }).out
 * ```
 */
export function exportWasm<A extends unknown[] = NDArray[]>(
  f: (...args: A) => Tree,
  ...args: NoInfer<Examples<A>>
): WasmFiles {
  return exportWasmWith({}, f, ...args);
}

/**
 * As `exportWasm`, with names of one's own. Names that occur twice get a number.
 *
 * @throws {TreeError} as `exportWasm`, and where there are more names than arguments.
 * @throws {ConcretizationError} as `exportWasm`.
 * @throws {BackendError} as `exportWasm`.
 * @throws {TypeError} where `f` is not a function, or a name is not a string without control
 * characters.
 *
 * @example
 * ```ts
 * import { exportWasmWith, type NDArray, numpy as np } from "@injax/injax";
 *
 * const scale = (x: NDArray, p: { w: NDArray }) => x.mul(p.w);
 * const options = { argumentNames: ["x", "params"] };
 * const { typescript } = exportWasmWith(options, scale, np.ones([3]), { w: np.array(2) });
 * console.log(["scale", '"x"', '"params.w"', '"out"'].every((s) => typescript.includes(s))); // true
 * ```
 */
export function exportWasmWith<A extends unknown[] = NDArray[]>(
  options: WasmOptions,
  f: (...args: A) => Tree,
  ...args: NoInfer<Examples<A>>
): WasmFiles {
  checkCall("exportWasmWith(options, f, ...args)", arguments, wasmOptions);
  checkFunction("exportWasm", f);
  const { argumentNames, name = f.name || "function", relaxedSimd = false, checks = "output" } =
    options;
  const names = checkNames("exportWasm", argumentNames, args.length);
  const [avals, def] = argumentTypes("exportWasm", f, args);
  const { jaxpr: recorded, outDef } = recordFile("exportWasm", f, def, avals);
  const { jaxpr, messages } = fileProgram("exportWasm", recorded, checks);
  if (needsHost(jaxpr)) {
    throw new BackendError(
      `exportWasm: ${
        nameOf(f)
      } prints, calls back or asks a function of its own, for which a file has nobody to ask. Leave that out, or ` +
        "return what it looks at",
    );
  }
  try {
    const described = {
      name,
      inputNames: inputNamesOf(def, names),
      outputNames: [...outputNamesOf(outDef), ...messages.length > 0 ? ["check"] : []],
      messages,
    };
    return standalone(simplify(jaxpr), described, relaxedSimd);
  } catch (cause) {
    if (!(cause instanceof Uncompilable)) throw cause;
    throw new BackendError(`exportWasm: ${nameOf(f)} uses ${cause.message}`, { cause });
  }
}

/**
 * Functions as `.onnx` files.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { describeValue, TreeError } from "../core/errors.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { treePaths } from "../core/tree.ts";
import { argumentTypes } from "../transforms/inspect.ts";
import { checkFunction, flatFunction, nameOf } from "../transforms/trees.ts";
import type { Tree } from "../transforms/tree_types.ts";
import type { Examples } from "../transforms/types.ts";
import { stage } from "../interpreters/staging.ts";
import { exportJaxpr } from "./export.ts";

/** Options of `exportOnnxWith`. */
export interface ExportOptions {
  /** Name of the graph; by default the function's. */
  readonly name?: string | undefined;
  /** Names of the arguments in the file, in place of `arg0`, `arg1`, ... */
  readonly argumentNames?: readonly string[] | undefined;
}

const exportOptions: OptionTable<ExportOptions> = { name: "string", argumentNames: "list" };

/**
 * The bytes of an ONNX file that computes `f`, loops and derivatives included, for arguments like
 * those given. Uses the standard operators alone (opset 21), so any ONNX runtime can run it.
 *
 * Inputs are named by the argument and the path of the leaf in it (`arg0.linear.w`), outputs by the
 * path in the result (`out`, `out.loss`, `out[1]`). Captured arrays become constants of the file.
 *
 * In float64, run the file with onnxruntime's optimisation level "basic": higher ones fuse a product and
 * a factor into an operator that keeps the factor in float32, which costs half of the digits.
 *
 * @param f The function.
 * @param args Example arguments; arrays, numbers or `ShapeDtype`s in any tree.
 * @throws {TreeError} where `f` uses traced values of an enclosing transform or arrays in flight,
 * where it returns no arrays, and where an argument or the result is not a tree of arrays.
 * @throws {ConcretizationError} where `f` needs the value of an argument, as for a branch.
 * @throws {TypeError} where `f` is not a function.
 *
 * @example
 * ```ts
 * import { exportOnnx, numpy as np } from "@injax/injax";
 *
 * const bytes = exportOnnx((x: np.NDArray) => np.tanh(x).sum(), np.ones([3]));
 * console.log(bytes instanceof Uint8Array); // true; write it with Deno.writeFile("f.onnx", bytes)
 * ```
 */
export function exportOnnx<A extends unknown[] = NDArray[]>(
  f: (...args: A) => Tree,
  ...args: NoInfer<Examples<A>>
): Uint8Array<ArrayBuffer> {
  return exportOnnxWith({}, f, ...args);
}

/**
 * As `exportOnnx`, with names of one's own. Names that occur twice get a number.
 *
 * @throws {TreeError} as `exportOnnx`, and where there are more names than arguments.
 * @throws {ConcretizationError} as `exportOnnx`.
 * @throws {TypeError} where `f` is not a function, or a name is not a string without control
 * characters.
 *
 * @example
 * ```ts
 * import { exportOnnxWith, type NDArray, ShapeDtype } from "@injax/injax";
 *
 * const scale = (x: NDArray, p: { w: NDArray }) => x.mul(p.w);
 * const options = { argumentNames: ["x", "params"] };
 * const bytes = exportOnnxWith(options, scale, new ShapeDtype([3]), { w: 2 });
 * const text = new TextDecoder().decode(bytes);
 * console.log(["scale", "x", "params.w", "out"].every((name) => text.includes(name))); // true
 * ```
 */
export function exportOnnxWith<A extends unknown[] = NDArray[]>(
  options: ExportOptions,
  f: (...args: A) => Tree,
  ...args: NoInfer<Examples<A>>
): Uint8Array<ArrayBuffer> {
  checkCall("exportOnnxWith(options, f, ...args)", arguments, exportOptions);
  checkFunction("exportOnnx", f);
  const [avals, def] = argumentTypes("exportOnnx", f, args);
  const flat = flatFunction("exportOnnx", f, def);
  const { jaxpr, consts } = stage(`exportOnnx of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
  if (consts.length > 0) {
    throw new TreeError(
      `exportOnnx: ${
        nameOf(f)
      } uses a value that is being traced by an enclosing transform or is still in ` +
        "flight. Export outside of transforms, and await ready(...) first",
    );
  }
  if (jaxpr.outputs.length === 0) {
    throw new TreeError(
      `exportOnnx: ${nameOf(f)} returned no arrays, and a file without outputs is none that runs`,
    );
  }
  const names = options.argumentNames ?? [];
  if (names.length > args.length) {
    throw new TreeError(
      `exportOnnx: argumentNames has ${names.length} names, but there are ${args.length} example arguments`,
    );
  }
  names.forEach((name, i) => {
    // deno-lint-ignore no-control-regex -- runtimes take names for C strings
    if (typeof name === "string" && name.isWellFormed() && !/[\0-\x1f]/.test(name)) return;
    throw new TypeError(
      `exportOnnx: argumentNames[${i}] must be a string without control characters, not ${
        describeValue(name)
      }`,
    );
  });
  return exportJaxpr(jaxpr, {
    name: options.name ?? (f.name || "function"),
    inputNames: treePaths(def).map((path) =>
      path.replace(/^\[(\d+)\]/, (_, i) => names[Number(i)] ?? `arg${i}`)
    ),
    outputNames: treePaths(flat.outDef()).map((path) => `out${path}`),
  });
}

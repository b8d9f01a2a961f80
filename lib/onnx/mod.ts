/**
 * Functions as `.onnx` files.
 *
 * @module
 */
import {
  AxisError,
  checkCall,
  describeValue,
  type Jaxpr,
  type NDArray,
  type OptionTable,
  type ShapedArray,
  ShapeError,
  type TreeDef,
} from "../core/mod.ts";
import { type FileChecks, type FileProgram, fileProgram } from "../compile/checks.ts";
import {
  checkNames,
  inputNamesOf,
  openArgumentTypes,
  type OpenType,
  outputNamesOf,
  recordFile,
} from "../transforms/inspect.ts";
import { checkFunction, nameOf } from "../transforms/trees.ts";
import type { Tree } from "../transforms/tree_types.ts";
import type { Examples } from "../transforms/types.ts";
import { exportJaxpr, exportOpen, type Storage, STORAGES } from "./export.ts";
import type { Symbol } from "./generalize.ts";
import { describeSizes, quoted } from "./open.ts";

/** Options of `exportOnnxWith`. */
export interface ExportOptions {
  /** Name of the graph; by default the function's. */
  readonly name?: string | undefined;
  /** Names of the arguments in the file, in place of `arg0`, `arg1`, ... */
  readonly argumentNames?: readonly string[] | undefined;
  /** Notes to keep in the file, by key: a version, what the classes are called. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /**
   * What becomes of calls of `check` in the function. `"output"`, the default: a further output `check`, an
   * int32 that is 0 where all conditions held, and otherwise the number of the first one that did not;
   * the metadata of the file have its message as `check.1`, `check.2`, ... `"none"`: they are left out.
   */
  readonly checks?: FileChecks | undefined;
  /**
   * How the file keeps captured float32 arrays of 256 elements or more. `"float32"`, the default: as they
   * are. `"float16"` or `"bfloat16"`: in two bytes an element, so that a file of weights has half the
   * size. The runtime makes float32 of them, and everything is computed in float32. A weight of float16
   * is off by a relative 4.9e-4 at most where its magnitude is from 6.1e-5 to 65504, and by 3e-8 below;
   * one of bfloat16 by a relative 3.9e-3.
   */
  readonly storage?: Storage | undefined;
}

const exportOptions: OptionTable<ExportOptions> = {
  name: "string",
  argumentNames: "names",
  metadata: "object",
  checks: "string",
  storage: "string",
};

/**
 * The bytes of an ONNX file that computes `f`, loops and derivatives included, for arguments like
 * those given. Uses the standard operators alone (opset 21), so any ONNX runtime can run it.
 *
 * Inputs are named by the argument and the path of the leaf in it (`arg0.linear.w`), outputs by the
 * path in the result (`out`, `out.loss`, `out[1]`). Captured arrays become constants of the file.
 *
 * A length that is a name, as in `new ShapeDtype(["batch", 3])`, is left open: the file runs with any
 * length from 1 on, the same one wherever the name is the same. `f` is called with several lengths
 * then; where it does something else for other lengths, as by a branch on `x.shape[0]`, it cannot be
 * one file, and that is an error. Sums over an open length are added up by the runtime one by one,
 * which in float32 costs digits beyond 100,000 elements or so.
 *
 * In float64, run the file with onnxruntime's optimisation level "basic": higher ones fuse a product and
 * a factor into an operator that keeps the factor in float32, which costs half of the digits.
 *
 * Where `f` calls `check`, there is a further output `check`; see `ExportOptions`.
 *
 * @param f The function.
 * @param args Example arguments; arrays, numbers or `ShapeDtype`s in any tree.
 * @throws {BackendError} where `f` calls `debug.print` or `debug.callback`, which no file can.
 * @throws {TreeError} where `f` uses traced values of an enclosing transform or arrays in flight,
 * where it returns no arrays, and where an argument or the result is not a tree of arrays.
 * @throws {ConcretizationError} where `f` needs the value of an argument, as for a branch, or the number
 * that an open length stands for; the message names the operation.
 * @throws {RangeError} where the file would have 2 GiB or more, which no runtime reads.
 * @throws {TypeError} where `f` is not a function.
 *
 * @example
 * ```ts
 * import { exportOnnx, type NDArray, numpy as np, ShapeDtype } from "@injax/injax";
 *
 * const bytes = exportOnnx((x: NDArray) => np.tanh(x).sum(), np.ones([3]));
 * console.log(bytes instanceof Uint8Array); // true; write it with Deno.writeFile("f.onnx", bytes)
 *
 * const centred = (x: NDArray) => x.sub(x.mean(0));
 * const open = exportOnnx(centred, new ShapeDtype(["batch", 3]));
 * console.log(new TextDecoder().decode(open).includes("batch")); // true: an axis of that name
 * ```
 */
export function exportOnnx<A extends unknown[] = NDArray[]>(
  f: (...args: A) => Tree,
  ...args: NoInfer<Examples<A, number | string>>
): Uint8Array<ArrayBuffer> {
  return exportOnnxWith({}, f, ...args);
}

/**
 * As `exportOnnx`, with names of one's own, and notes to keep in the file. Names that occur twice get
 * a number.
 *
 * @throws {TreeError} as `exportOnnx`, and where there are more names than arguments.
 * @throws {ConcretizationError} as `exportOnnx`.
 * @throws {RangeError} as `exportOnnx`, and where a constant has an element beyond the range of `storage`.
 * @throws {TypeError} where `f` is not a function, a name is not a string without control characters, a
 * note is not a string, or `storage` or `checks` is something else.
 *
 * @example
 * ```ts
 * import { exportOnnxWith, type NDArray, ShapeDtype } from "@injax/injax";
 *
 * const scale = (x: NDArray, p: { w: NDArray }) => x.mul(p.w);
 * const options = { argumentNames: ["x", "params"], metadata: { version: "7" } };
 * const bytes = exportOnnxWith(options, scale, new ShapeDtype([3]), { w: 2 });
 * const text = new TextDecoder().decode(bytes);
 * console.log(["scale", "x", "params.w", "out", "7"].every((name) => text.includes(name))); // true
 * ```
 */
export function exportOnnxWith<A extends unknown[] = NDArray[]>(
  options: ExportOptions,
  f: (...args: A) => Tree,
  ...args: NoInfer<Examples<A, number | string>>
): Uint8Array<ArrayBuffer> {
  checkCall("exportOnnxWith(options, f, ...args)", arguments, exportOptions);
  checkFunction("exportOnnx", f);
  const { argumentNames, metadata: notes, name = f.name || "function", checks = "output" } =
    options;
  const { storage = "float32" } = options;
  const names = checkNames("exportOnnx", argumentNames, args.length);
  const metadata = checkMetadata(notes);
  if (!STORAGES.includes(storage)) {
    throw new TypeError(
      `exportOnnx: storage is ${describeValue(storage)}, not one of ${
        STORAGES.map((name) => `"${name}"`).join(", ")
      }`,
    );
  }
  const [types, def] = openArgumentTypes("exportOnnx", f, args);
  const inputNames = inputNamesOf(def, names);
  const described = ({ outDef, messages }: Recorded) => ({
    name,
    storage,
    inputNames,
    outputNames: [...outputNamesOf(outDef), ...messages.length > 0 ? ["check"] : []],
    metadata: messages.length === 0 ? metadata : {
      ...Object.fromEntries(messages.map((message, i) => [`check.${i + 1}`, message])),
      ...metadata,
    },
  });
  const record = (avals: readonly ShapedArray[]): Recorded => {
    const { jaxpr, outDef } = recordFile("exportOnnx", f, def, avals);
    return { ...fileProgram("exportOnnx", jaxpr, checks), outDef };
  };
  const symbols = symbolsOf(types);
  if (symbols.length === 0) {
    const recorded = record(types as ShapedArray[]);
    return exportJaxpr(recorded.jaxpr, described(recorded));
  }
  // The structure of the result is the same for all sizes: where not, the programs are others too.
  let first: Recorded | undefined;
  const at = (sizes: readonly number[]): Jaxpr => {
    const lengths = new Map(symbols.map((s, k) => [s.name, sizes[k]!]));
    const avals = types.map(({ shape, dtype }) => ({
      shape: shape.map((n) => typeof n === "string" ? lengths.get(n)! : n),
      dtype,
    }));
    const recorded = explained(
      symbols.map((s) => s.name),
      sizes,
      () => record(avals),
    );
    first ??= recorded;
    return recorded.jaxpr;
  };
  return exportOpen({ name: nameOf(f), symbols, at }, () => described(first!));
}

/** What a file is made of. */
type Recorded = FileProgram & { readonly outDef: TreeDef };

/** The names of open lengths, and where an input has one of each. */
function symbolsOf(types: readonly OpenType[]): Symbol[] {
  const symbols = new Map<string, Symbol>();
  types.forEach(({ shape }, input) =>
    shape.forEach((name, axis) => {
      if (typeof name === "string" && !symbols.has(name)) symbols.set(name, { name, input, axis });
    })
  );
  return [...symbols.values()];
}

/** Runs `run`, whose errors about shapes show numbers that the user has not seen before. */
function explained<T>(names: readonly string[], sizes: readonly number[], run: () => T): T {
  try {
    return run();
  } catch (error) {
    const kind = [ShapeError, AxisError].find((kind) => error instanceof kind);
    if (kind === undefined) throw error;
    throw new kind(
      `exportOnnx, where ${describeSizes(names, sizes)} (${quoted(names)} may be any length): ${
        (error as Error).message
      }`,
      { cause: error },
    );
  }
}

function checkMetadata(metadata: unknown): ExportOptions["metadata"] {
  if (metadata === undefined) return undefined;
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    throw new TypeError(
      `exportOnnx: metadata is ${describeValue(metadata)}, not an object of strings`,
    );
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value === "string") continue;
    throw new TypeError(
      `exportOnnx: metadata has ${describeValue(value)} for ${
        JSON.stringify(key)
      }, not a string. Write String(value), or JSON.stringify(value)`,
    );
  }
  return metadata as ExportOptions["metadata"];
}

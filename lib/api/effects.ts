/**
 * Conditions that raise out of a function, compiled or not.
 *
 * Values from functions that are no programs.
 *
 * @module
 */
import {
  allocate,
  bind,
  ConcreteArray,
  describeTreeDifference,
  describeValue,
  DTypeError,
  formatAval,
  NDArray,
  type OptionTable,
  readOptions,
  sameAval,
  type ShapedArray,
  sizeOf,
  TreeError,
  treeFlatten,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import { doEffect, placesIn, pureCallbackP, type VmapMethod } from "../primitives/mod.ts";
import { ShapeDtype } from "../transforms/shape_dtype.ts";
import type { Arrays } from "../transforms/tree_types.ts";
import { checkFunction, deferred, flattenArrays, nameOf, toArray } from "../transforms/trees.ts";

/**
 * Raises a `CheckError` where a condition does not hold when the function runs: eagerly, in a jitted
 * function, in a step of a loop, in the branch that is taken, in a lane of `vmap`. A check stays where it
 * is, whether or not anything comes of what is around it. Under derivatives it is of the values, and is
 * made once, in the forward pass.
 *
 * Eager code and the interpreter raise at once, `"onnx"` and `"webgpu"` after the run: the call
 * throws, or, where its results are in flight, they reject. A loop by `whileLoop` ends at the first check
 * that fails. A file of `exportOnnx` has a further output `check`, which is 0 where all is well.
 *
 * @param condition A bool; of an array, all elements must be true.
 * @param message What is wrong, with `{}` for each of `values`.
 * @param values Arrays or trees of them, or anything else, as text.
 * @throws {CheckError} where the condition does not hold. `lane` says in which lane, `values` the values.
 * @throws {DTypeError} where the condition is not bool.
 * @throws {TypeError} where the message is no string, or has not as many `{}` as there are values.
 *
 * @example
 * ```ts
 * import { check, CheckError, jit, type NDArray, numpy as np, vmap } from "@injax/injax";
 *
 * const root = (x: NDArray) => {
 *   check(x.greaterEqual(0), "x must not be negative, but is {}", x);
 *   return np.sqrt(x);
 * };
 * console.log(jit(root, { backend: "interpreter" })(np.array(9)).item()); // 3
 * try {
 *   vmap(root)(np.array([4, -1, 1]));
 * } catch (error) {
 *   console.log((error as CheckError).message);
 *   // x must not be negative, but is -1 (in lane 1 of 3)
 * }
 * ```
 */
export function check(condition: NDArray | boolean, message: string, ...values: unknown[]): void {
  const ok = toArray(condition);
  if (ok === null) {
    throw new TypeError(
      `check: condition is ${describeValue(condition)}, and must be a bool array or a boolean`,
    );
  }
  if (ok.dtype !== "bool") {
    throw new DTypeError(
      `check: condition is ${formatAval(ok.aval)}, and must be bool: compare, as in x.greater(0)`,
    );
  }
  checkText("check", "message", message, values);
  doEffect("check", message, values, { condition: ok });
}

/** Refuses a text that is none, or has not one `{}` for each value. */
export function checkText(
  op: string,
  name: string,
  text: unknown,
  values: readonly unknown[],
): void {
  if (typeof text !== "string") {
    throw new TypeError(
      `${op}: ${name} is ${
        describeValue(text)
      }, and must be a string with {} for each value, as in ` +
        `${op}(${op === "check" ? "ok, " : ""}"x is {}", x)`,
    );
  }
  const places = placesIn(text);
  if (places !== values.length) {
    throw new TypeError(
      `${op}: ${name} ${JSON.stringify(text)} has ${places} {} for ${values.length} value${
        values.length === 1 ? "" : "s"
      }; write one for each${
        /\{\w+\}/.test(text) ? ", without names: values stand in their order" : ""
      }`,
    );
  }
}

/** Options of {@linkcode pureCallback}. */
export interface PureCallbackOptions {
  /**
   * What becomes of the lanes of a `vmap`: `"sequential"` (the default) calls the function once for each;
   * `"expandDims"` once for all, with the lanes along a first axis, of length 1 where an argument is the same in
   * all; `"broadcastAll"` likewise, with arguments that are the same repeated.
   */
  readonly vmapMethod?: "sequential" | "expandDims" | "broadcastAll" | undefined;
}

const callbackOptions: OptionTable<PureCallbackOptions> = { vmapMethod: "string" };
const methods: readonly VmapMethod[] = ["sequential", "expandDims", "broadcastAll"];

/** What `pureCallback` gives for types `T`: a tree like it of arrays. */
export type CallbackResult<T> = T extends ShapeDtype ? NDArray
  : T extends NDArray ? NDArray
  : T extends null | undefined ? T
  : { [K in keyof T]: CallbackResult<T[K]> };

/**
 * Calls a function when the program runs, compiled or not, and gives what it returns, as `jax.pure_callback`:
 * for what cannot be written with arrays, such as a table in a file or a function of another library. The
 * function must be pure: it is called as often as it suits, and not at all where nothing reads what it gives.
 * It must be synchronous.
 *
 * It has no derivatives: give it some with `customJvp` or `customVjp`. Graphs for `"onnx"`, `"webgpu"` and files
 * cannot call it.
 *
 * @param f Called with `args`, as arrays whose elements are there. Gives a tree like `result`, of arrays and
 * numbers.
 * @param result The types of what it gives: a tree of `ShapeDtype`s, or of arrays like them.
 * @param args Its arguments, a list of trees of arrays.
 * @throws {TreeError} where the function gives something else than it said, or a promise.
 * @throws {DifferentiationError} where it is differentiated.
 *
 * @example
 * ```ts
 * import { jit, type NDArray, numpy as np, pureCallback, ShapeDtype } from "@injax/injax";
 *
 * const sorted = (x: NDArray) => np.array([...x.dataSync()].sort((a, b) => b - a));
 * const f = jit((x: NDArray) => pureCallback(sorted, new ShapeDtype([3]), [x.mul(2)]).add(1));
 * console.log(f(np.array([1, 3, 2])).toArray()); // [ 7, 5, 3 ]
 * ```
 */
export function pureCallback<A extends readonly unknown[], T>(
  f: (...args: { [K in keyof A]: Arrays<A[K]> }) => unknown,
  result: T,
  args: readonly [...A],
  options: PureCallbackOptions = {},
): CallbackResult<T> {
  const op = "pureCallback";
  if (arguments.length > 3) {
    options = readOptions(`${op}(f, result, args, options)`, arguments, callbackOptions);
  }
  checkFunction(op, f);
  const { vmapMethod: method = "sequential" } = options;
  if (!methods.includes(method)) {
    throw new TypeError(
      `${op}: vmapMethod must be ${methods.map((m) => JSON.stringify(m)).join(" or ")}, not ${
        describeValue(method)
      }`,
    );
  }
  if (!Array.isArray(args)) {
    throw new TypeError(
      `${op}: the arguments must be a list, as in ${op}(f, result, [x]), not ${
        describeValue(args)
      }`,
    );
  }
  const [inputs, def] = flattenArrays(op, args, `an argument of ${nameOf(f)}`);
  const [types, outDef] = treeFlatten(result);
  const paths = treePaths(outDef);
  const outs = types.map((type, i): ShapedArray => {
    if (type instanceof ShapeDtype || type instanceof NDArray) {
      return { shape: type.shape, dtype: type.dtype };
    }
    throw new TreeError(
      `${op}: result${paths[i]} must be a ShapeDtype, or an array like what ${
        nameOf(f)
      } gives, not ${describeValue(type)}`,
    );
  });
  const ask = (
    arrays: readonly ConcreteArray[],
    wanted: readonly ShapedArray[],
  ): readonly ConcreteArray[] => {
    // The structure is that of the arguments given, whatever their types are.
    const call = f as unknown as (...args: unknown[]) => unknown;
    const given = call(...treeUnflatten(def, arrays) as unknown[]);
    const later = deferred(given);
    if (later !== null) {
      throw new TreeError(`${op}: ${nameOf(f)} returned ${later}, and a program does not wait`);
    }
    const [leaves, own] = treeFlatten(given);
    if (own !== outDef) {
      throw new TreeError(
        `${op}: what ${nameOf(f)} returned differs from what it was to give ${
          describeTreeDifference(outDef, own)
        }`,
      );
    }
    return leaves.map((leaf, i) => concrete(leaf, wanted[i]!, `${op}: ${nameOf(f)}`, paths[i]!));
  };
  const mapped = inputs.map(() => []);
  const params = { ask, outs, name: nameOf(f), method, lanes: [], mapped };
  return treeUnflatten(outDef, bind(pureCallbackP, inputs, params)) as CallbackResult<T>;
}

/** What a function gave, as an array of the type that it was to give. */
function concrete(leaf: unknown, wanted: ShapedArray, who: string, path: string): ConcreteArray {
  const isNumber = typeof leaf === "number" || typeof leaf === "boolean";
  if (isNumber && wanted.shape.length === 0) {
    const values = allocate(wanted.dtype, 1);
    values[0] = Number(leaf);
    return ConcreteArray.fromHost(wanted, values);
  }
  const what = path === "" ? "" : ` at ${path}`;
  if (leaf instanceof ConcreteArray && sameAval(leaf.aval, wanted)) {
    if (leaf.peek() !== null) return leaf;
    throw new TreeError(
      `${who} returned an array${what} that is in flight, and a program does not wait`,
    );
  }
  throw new TreeError(
    `${who} returned ${
      leaf instanceof NDArray ? formatAval(leaf.aval) : describeValue(leaf)
    }${what}, but it was to give ${formatAval(wanted)}` +
      (leaf instanceof NDArray && sizeOf(leaf.shape) === sizeOf(wanted.shape)
        ? ". Convert it with astype and reshape"
        : ""),
  );
}

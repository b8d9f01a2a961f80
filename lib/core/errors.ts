/**
 * The errors that users meet. Each message says which operation, which argument, the user's own
 * shapes or path, and what to do. Wrong shapes, dtypes, trees and traced values are `TypeError`s;
 * values out of range are `RangeError`s.
 *
 * @module
 */

/** What an error says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Shapes that do not fit an operation.
 *
 * @example Fails
 * ```ts ignore
 * import { numpy as np } from "@injax/injax";
 *
 * np.ones([2, 3]).add(np.ones([2]));
 * // ShapeError: add: shapes [2,3] and [2] do not broadcast: axis -1 has lengths 3 and 2. Lengths
 * // must be equal or 1; reshape or slice one argument
 * ```
 *
 * @example Works
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * // One number for each row: the axis of the columns gets length 1.
 * const x = np.ones([2, 3]).add(np.ones([2]).reshape([2, 1]));
 * console.log(x.shape); // [ 2, 3 ]
 * ```
 */
export class ShapeError extends TypeError {
  /** The name of the class. */
  override name = "ShapeError";
}

/**
 * Element types that do not fit an operation.
 *
 * @example Fails
 * ```ts ignore
 * import { grad, type NDArray, numpy as np } from "@injax/injax";
 *
 * grad((x: NDArray) => x.mul(x).sum())(np.arange(3));
 * // DTypeError: grad: argument 0 of an anonymous function is int32[3], and only floating-point
 * // values have derivatives. Convert it with astype("float32"), or differentiate with respect to
 * // other arguments (argnums)
 * ```
 *
 * @example Works
 * ```ts
 * import { grad, type NDArray, numpy as np } from "@injax/injax";
 *
 * const slope = grad((x: NDArray) => x.mul(x).sum());
 * console.log(slope(np.arange(3).astype("float32")).toArray()); // [ 0, 2, 4 ]
 * ```
 */
export class DTypeError extends TypeError {
  /** The name of the class. */
  override name = "DTypeError";
}

/**
 * A pytree whose structure or leaves do not fit.
 *
 * @example Fails
 * ```ts ignore
 * import { cond, type NDArray, numpy as np } from "@injax/injax";
 *
 * const x = np.array(2);
 * cond(x.less(0), (x: NDArray) => [x, x.neg()], (x) => [x], x);
 * // TreeError: cond: the results of ifFalse and ifTrue: the structures differ at the top: arrays
 * // of length 1 and 2. All branches must return the same structure, shapes and dtypes
 * ```
 *
 * @example Works
 * ```ts
 * import { cond, type NDArray, numpy as np } from "@injax/injax";
 *
 * const x = np.array(2);
 * const [, y] = cond(x.less(0), (x: NDArray) => [x, x.neg()], (x) => [x, x], x);
 * console.log(y!.item()); // 2
 * ```
 */
export class TreeError extends TypeError {
  /** The name of the class. */
  override name = "TreeError";
}

/**
 * An axis, index or argument number outside its range.
 *
 * @example Fails
 * ```ts ignore
 * import { numpy as np } from "@injax/injax";
 *
 * np.sum(np.ones([2, 3]), 2);
 * // AxisError: sum: axis 2 is out of range for an array of 2 axes (-2 to 1)
 * ```
 *
 * @example Works
 * ```ts
 * import { numpy as np } from "@injax/injax";
 *
 * console.log(np.sum(np.ones([2, 3]), -1).toArray()); // [ 3, 3 ]
 * ```
 */
export class AxisError extends RangeError {
  /** The name of the class. */
  override name = "AxisError";
}

/**
 * A traced value used where only a concrete number, boolean or array will do.
 *
 * @example Fails
 * ```ts ignore
 * import { jit, type NDArray, numpy as np } from "@injax/injax";
 *
 * jit((x: NDArray) => x.item() > 0 ? x : x.neg())(np.array(-1));
 * // ConcretizationError: item() of a traced float32[] value is not known inside jit of an
 * // anonymous function: there only its shape and dtype are. Return the value and read it outside;
 * // to choose by it, use cond or np.where; to repeat, whileLoop
 * ```
 *
 * @example Works
 * ```ts
 * import { cond, jit, type NDArray, numpy as np } from "@injax/injax";
 *
 * const size = jit(
 *   (x: NDArray) => cond(x.greater(0), (x) => x, (x) => x.neg(), x),
 *   { backend: "interpreter" },
 * );
 * console.log(size(np.array(-1)).item()); // 1
 * ```
 */
export class ConcretizationError extends TypeError {
  /** The name of the class. */
  override name = "ConcretizationError";
}

/**
 * A traced value used after the transform that made it has finished.
 *
 * @example Fails
 * ```ts ignore
 * import { grad, type NDArray, numpy as np } from "@injax/injax";
 *
 * const seen: NDArray[] = [];
 * grad((x: NDArray) => {
 *   seen.push(x.square());
 *   return x.square().sum();
 * })(np.ones([2]));
 * seen[0]!.sum();
 * // LeakedTracerError: a traced float32[2] value escaped from grad of an anonymous function
 * // (started at ...) and was used after it had finished. Return it from the function
 * // instead of storing it outside; if module state stored it, call the library function with that
 * // module system's dictionary (`{ transforms: hk.transforms }`)
 * ```
 *
 * @example Works
 * ```ts
 * import { grad, type NDArray, numpy as np } from "@injax/injax";
 *
 * // What is to be seen is returned.
 * const slope = grad((x: NDArray) => [x.square().sum(), x.square()] as const, { hasAux: true });
 * const [gradient, seen] = slope(np.ones([2]));
 * console.log(gradient.toArray(), seen.toArray()); // [ 2, 2 ] [ 1, 1 ]
 * ```
 */
export class LeakedTracerError extends TypeError {
  /** The name of the class. */
  override name = "LeakedTracerError";
}

/**
 * A synchronous read of an array whose value is still being computed.
 *
 * @example Fails
 * ```ts ignore
 * import { jit, type NDArray, numpy as np } from "@injax/injax";
 *
 * // Before that backend is loaded:
 * jit((x: NDArray) => x.sum(), { backend: "onnx" })(np.ones([3])).item();
 * // InFlightError: the values of this float32[] array are still in flight and cannot be read
 * // synchronously: use `await x.data()`, or `await ready(tree)` first
 * ```
 *
 * @example Works
 * ```ts
 * import { jit, type NDArray, numpy as np } from "@injax/injax";
 *
 * const total = jit((x: NDArray) => x.sum(), { backend: "onnx" });
 * console.log(await total(np.ones([3])).data()); // Float32Array(1) [ 3 ]
 * // Or `await loadBackend("onnx")` once at the start: then results can be read at once.
 * ```
 */
export class InFlightError extends Error {
  /** The name of the class. */
  override name = "InFlightError";
}

/**
 * A derivative that is not defined or not supported for an operation.
 *
 * @example Fails
 * ```ts ignore
 * import { grad, type NDArray, numpy as np, whileLoop } from "@injax/injax";
 *
 * const f = (x: NDArray) => whileLoop((v: NDArray) => v.less(10), (v) => v.mul(2), x);
 * grad(f)(np.array(3));
 * // DifferentiationError: reverse-mode differentiation of whileLoop is not possible, since its
 * // number of steps is not known beforehand: say how many it may be, whileLoop(cond, body, init,
 * // { maxSteps }), or use foriLoop with constant bounds or scan, or forward mode (jvp, jacfwd), or
 * // differentiate the solution implicitly (customRoot, fixedPoint)
 * ```
 *
 * @example Works
 * ```ts
 * import { grad, jvp, type NDArray, numpy as np, whileLoop } from "@injax/injax";
 *
 * // Forward mode goes through any loop, reverse mode through one whose length has a bound.
 * const f = (x: NDArray) => whileLoop((v: NDArray) => v.less(10), (v) => v.mul(2), x);
 * const g = (x: NDArray) => whileLoop((v: NDArray) => v.less(10), (v) => v.mul(2), x, { maxSteps: 9 });
 * console.log(jvp(f, [np.array(3)], [np.array(1)])[1].item(), grad(g)(np.array(3)).item()); // 4 4
 * ```
 */
export class DifferentiationError extends TypeError {
  /** The name of the class. */
  override name = "DifferentiationError";
}

/**
 * A backend that is unknown, cannot be loaded, or cannot run a program.
 *
 * @example Fails
 * ```ts ignore
 * import { loadBackend } from "@injax/injax";
 *
 * await loadBackend("cuda");
 * // BackendError: there is no backend "cuda"; the backends are "cpu", "onnx", "webgpu",
 * // "interpreter"
 * ```
 *
 * @example Works
 * ```ts
 * import { jit, loadBackend, type NDArray, numpy as np } from "@injax/injax";
 *
 * await loadBackend("onnx");
 * const double = jit((x: NDArray) => x.mul(2), { backend: "onnx" });
 * console.log(double(np.array(3)).item()); // 6
 * ```
 */
export class BackendError extends Error {
  /** The name of the class. */
  override name = "BackendError";
}

/**
 * Use of module state in a way that would leak or lose it.
 *
 * @example Fails
 * ```ts ignore
 * import { foriLoop, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => foriLoop(0, 3, (_, h) => new hk.Linear(2).call(h), x));
 * model.init(random.key(0), np.ones([2]));
 * // StateError: new Linear(): module state was reached inside scan of an anonymous function, a
 * // pure transform applied to a function with state, which would leak or lose that state. Use
 * // hk.transforms instead (hk.transforms.vmap, hk.transforms.scan, ...), or pass { transforms:
 * // hk.transforms } to the library function that applies it
 * ```
 *
 * @example Works
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) =>
 *   hk.transforms.foriLoop(0, 3, (_, h) => new hk.Linear(2).call(h), x)
 * );
 * console.log(Object.keys(model.init(random.key(0), np.ones([2])))); // [ "linear" ]
 * ```
 */
export class StateError extends Error {
  /** The name of the class. */
  override name = "StateError";
}

/**
 * State created or changed where the caller asked for strictness; the message names the entry.
 *
 * @example Fails
 * ```ts ignore
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) =>
 *   hk.strictTransforms.whileLoop((x) => x.sum().less(5), (x) => new hk.Linear(1).call(x), x)
 * );
 * model.init(random.key(0), np.ones([1]));
 * // StateChangedError: hk.transforms.whileLoop: initialising the loop creates linear/w, linear/b,
 * // which strict: true forbids. Create it before the loop, for example with initialize
 * ```
 *
 * @example Works
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => {
 *   const layer = new hk.Linear(1, { wInit: hk.initializers.constant(2) });
 *   hk.strictTransforms.initialize(() => layer.call(x));
 *   return hk.strictTransforms.whileLoop((x) => x.sum().less(5), (x) => layer.call(x), x);
 * });
 * const params = model.init(random.key(0), np.ones([1]));
 * console.log(model.apply(params, null, np.ones([1])).toArray()); // [ 8 ]
 * ```
 */
export class StateChangedError extends StateError {
  /** The name of the class. */
  override name = "StateChangedError";
}

/**
 * A solver that failed and was asked to throw; carries the status code.
 *
 * @example Fails
 * ```ts ignore
 * import { damped, fixedPoint, numpy as np } from "@injax/injax";
 *
 * fixedPoint((x) => np.cos(x), 1, { solver: damped(), maxSteps: 5, throw: true });
 * // ConvergenceError: fixedPoint by plain iteration: not converged after the 5 evaluations that
 * // maxSteps allows; the best residual norm is 0.0921. Raise maxSteps, loosen rtol and atol, or
 * // try another solver
 * ```
 *
 * @example Works
 * ```ts
 * import { fixedPoint, numpy as np } from "@injax/injax";
 *
 * const { value, statusName } = fixedPoint((x) => np.cos(x), 1, { maxSteps: 50 });
 * console.log(value.item().toFixed(4), statusName); // 0.7391 converged
 * ```
 */
export class ConvergenceError extends Error {
  /** The name of the class. */
  override name = "ConvergenceError";
  /** The solver's status code. */
  readonly status: string;
  /** Makes the error from the solver's message and status code. */
  constructor(message: string, status: string) {
    super(message);
    this.status = status;
  }
}

/** An internal inconsistency: a bug in this library, not in the caller's program. */
export class InternalError extends Error {
  /** The name of the class. */
  override name = "InternalError";
}

/** Formats a shape for a message: `[2,3]`. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(",")}]`;
}

/** As `formatShape`, of a list that should be a shape: what is no number is shown as what it is. */
export function formatLengths(list: readonly unknown[]): string {
  const item = (v: unknown): string => typeof v === "number" ? String(v) : describeValue(v);
  return `[${Array.from(list, item).join(",")}]`;
}

/** The error for a typed array whose memory was given away. */
export function detached(op: string, what: string, value: ArrayBufferView): TypeError {
  return new TypeError(
    `${op}: ${what} is ${
      describeValue(value)
    } without elements: its buffer was transferred, to a worker ` +
      "or by structuredClone. Copy it before, with slice()",
  );
}

/** Formats a number of bytes for a message: `37.3 GiB`, in the units in which memories are measured. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), 3);
  return `${(bytes / 1024 ** power).toFixed(1)} ${["KiB", "MiB", "GiB"][power - 1]}`;
}

/** A short description of any value for a message. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function") return `a function (${value.name || "anonymous"})`;
  if (typeof value === "string") return `the string ${JSON.stringify(value)}`;
  if (Array.isArray(value)) return `a JavaScript array of length ${value.length}`;
  if (typeof value === "object") {
    const name = value.constructor?.name;
    // The class of arrays is not known here, but what an array has is.
    const { dtype, shape } = (value as { aval?: Record<string, unknown> }).aval ?? {};
    if (typeof dtype === "string" && Array.isArray(shape)) {
      return name === "Object"
        ? "what structuredClone or postMessage left of an array (send x.dataSync() and x.shape)"
        : `an array ${dtype}${formatShape(shape)}`;
    }
    return name && name !== "Object" ? `an instance of ${name}` : "a plain object";
  }
  return `${typeof value} ${String(value)}`;
}

/** Where an object that is no array may have one: a variable, a solution, a model, a tree. */
export function arrayOfObject(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof Promise) return "Await it first";
  if ("value" in value) return "The array is its .value: pass x.value instead of x";
  const takes = ["call", "apply"].find((name) => name in value);
  if (takes !== undefined) return `Pass what it gives, as in x.${takes}(...)`;
  if (value.constructor === Object) return "Pass an array of it, or apply it to each with treeMap";
}

/**
 * A value of a transform further in, used in the trace of one further out, which cannot know it. Users
 * meet it as the error that it is a kind of.
 */
export class OuterTraceError extends DifferentiationError {}

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

/** Shapes that do not fit an operation. */
export class ShapeError extends TypeError {
  /** The name of the class. */
  override name = "ShapeError";
}

/** Element types that do not fit an operation. */
export class DTypeError extends TypeError {
  /** The name of the class. */
  override name = "DTypeError";
}

/** A pytree whose structure or leaves do not fit. */
export class TreeError extends TypeError {
  /** The name of the class. */
  override name = "TreeError";
}

/** An axis, index or argument number outside its range. */
export class AxisError extends RangeError {
  /** The name of the class. */
  override name = "AxisError";
}

/** A traced value used where only a concrete number, boolean or array will do. */
export class ConcretizationError extends TypeError {
  /** The name of the class. */
  override name = "ConcretizationError";
}

/** A traced value used after the transform that made it has finished. */
export class LeakedTracerError extends TypeError {
  /** The name of the class. */
  override name = "LeakedTracerError";
}

/** A synchronous read of an array whose value is still being computed. */
export class InFlightError extends Error {
  /** The name of the class. */
  override name = "InFlightError";
}

/** A derivative that is not defined or not supported for an operation. */
export class DifferentiationError extends TypeError {
  /** The name of the class. */
  override name = "DifferentiationError";
}

/** A backend that is unknown, cannot be loaded, or cannot run a program. */
export class BackendError extends Error {
  /** The name of the class. */
  override name = "BackendError";
}

/** Use of module state in a way that would leak or lose it. */
export class StateError extends Error {
  /** The name of the class. */
  override name = "StateError";
}

/** State created or changed where the caller asked for strictness; the message names the entry. */
export class StateChangedError extends StateError {
  /** The name of the class. */
  override name = "StateChangedError";
}

/** A solver that failed and was asked to throw; carries the status code. */
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

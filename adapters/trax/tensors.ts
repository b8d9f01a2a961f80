/**
 * The data stack: what layers take from it and put onto it.
 *
 * @module
 */
import { badOperand, describeValue, formatAval } from "../../lib/extend.ts";
import { NDArray, ShapeDtype } from "../../mod.ts";

/** What a layer takes or gives: one array as it is, several as a list, none as an empty list. */
export type Tensors = NDArray | readonly NDArray[];

/** Shapes and dtypes of what a layer takes or gives. */
export type Signature = ShapeDtype | readonly ShapeDtype[];

/** Arrays, or what stands for them, as a list. */
export function listOf<T>(xs: T | readonly T[]): readonly T[] {
  return Array.isArray(xs) ? xs as readonly T[] : [xs as T];
}

/** A list as layers take it: one item is the item itself. */
export function packaged<T>(xs: readonly T[]): T | readonly T[] {
  return xs.length === 1 ? xs[0]! : xs;
}

/**
 * Shapes and dtypes of arrays, as `init` takes them.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * console.log(String(tl.signature(np.ones([2, 3])))); // float32[2,3]
 * ```
 */
export function signature(xs: Tensors): Signature {
  const one = (x: NDArray): ShapeDtype => {
    if (x instanceof NDArray) return new ShapeDtype(x.shape, x.dtype);
    throw badOperand("tl.signature", "the input", x, "an array, or a list of arrays");
  };
  return Array.isArray(xs) ? xs.map(one) : one(xs as NDArray);
}

/** Arrays or shapes as text, for messages. */
export function shown(xs: unknown): string {
  const one = (x: unknown): string =>
    x instanceof NDArray
      ? formatAval(x.aval)
      : x instanceof ShapeDtype
      ? String(x)
      : describeValue(x);
  return Array.isArray(xs) ? `[${xs.map(one).join(", ")}]` : one(xs);
}

/**
 * Checks that `init` was given shapes.
 *
 * @throws {TypeError} saying what to write.
 */
export function checkSignature(name: string, signature: unknown): void {
  const isOne = (x: unknown): boolean => x instanceof ShapeDtype;
  if (isOne(signature) || (Array.isArray(signature) && signature.every(isOne))) return;
  throw new TypeError(
    `${name}.init: the signature must be a ShapeDtype, or a list of them for several inputs, not ${
      Array.isArray(signature) ? shown(signature) : describeValue(signature)
    }. Write layer.init(tl.signature(x), random.key(0))`,
  );
}

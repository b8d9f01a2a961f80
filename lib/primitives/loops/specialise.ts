/**
 * Loops that the engine specialises: copies of a function with type feedback of their own.
 *
 * @module
 */
import type { DType } from "../../core/dtype.ts";

/**
 * A copy of a loop with type feedback of its own, so that the engine specialises it to one element
 * type and inlines one scalar function; a loop shared by all is 5 to 10 times slower. `loop` must
 * not refer to anything outside itself. Where a content security policy forbids code from strings,
 * all share `loop` itself.
 */
export function fresh<F>(loop: F): F {
  try {
    return new Function(`return ${String(loop)}`)() as F;
  } catch {
    return loop;
  }
}

/** One copy of a loop for each element type, made when first needed. */
export function perDType<F>(loop: F): (dtype: DType) => F {
  const copies = new Map<DType, F>();
  return (dtype) => {
    let copy = copies.get(dtype);
    if (copy === undefined) copies.set(dtype, copy = fresh(loop));
    return copy;
  };
}

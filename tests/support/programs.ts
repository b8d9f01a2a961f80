/**
 * Small programs for the tests of lowering and backends, recorded from functions.
 *
 * @module
 */
import type { NDArray } from "../../lib/core/array.ts";
import { allocate, type DType, shaped, type ShapedArray, sizeOf } from "../../lib/core/dtype.ts";
import { ConcreteArray } from "../../lib/core/concrete.ts";
import type { Jaxpr } from "../../lib/core/primitive.ts";
import { stageClosed } from "../../lib/interpreters/staging.ts";
import { scalarLike } from "../../lib/primitives/constants/constants.ts";
import { add, mul, neg } from "../../lib/primitives/elementwise/arithmetic.ts";
import { lt } from "../../lib/primitives/elementwise/compare.ts";
import { cos, sin } from "../../lib/primitives/elementwise/elementary.ts";
import { reduceSum } from "../../lib/primitives/sum/broadcast.ts";
import { foriLoop, scan, whileLoop } from "../../lib/transforms/loops.ts";

/** The program that `f` records on inputs of the given types. */
export function program(
  f: (...xs: NDArray[]) => readonly NDArray[],
  ...avals: readonly ShapedArray[]
): Jaxpr {
  return stageClosed("test", (xs) => f(...xs), avals);
}

/** The type of float32 arrays of a shape. */
export function f32(...shape: number[]): ShapedArray {
  return shaped(shape, "float32");
}

/** A concrete array; with a number for `values`, all elements are that. */
export function array(
  values: readonly number[] | number,
  shape: readonly number[],
  dtype: DType = "float32",
): ConcreteArray {
  const elements = allocate(dtype, sizeOf(shape));
  if (typeof values === "number") elements.fill(values);
  else elements.set(values);
  return ConcreteArray.fromHost(shaped(shape, dtype), elements);
}

/** The elements of arrays, wherever they are. */
export function elements(arrays: readonly NDArray[]): Promise<number[][]> {
  return Promise.all(arrays.map(async (x) => Array.from(await x.data())));
}

/** `n` steps, alternately `sin x` and `x + x`, as so many equations. */
export function chain(n: number, aval: ShapedArray): Jaxpr {
  return program((x) => {
    for (let i = 0; i < n; i++) x = i % 2 === 0 ? sin(x) : add(x, x);
    return [x];
  }, aval);
}

/** A loop of `n` steps over a vector with a body of ten operations. */
export function loop(n: number, aval: ShapedArray): Jaxpr {
  return program((x) => {
    const out = foriLoop(0, n, (_: NDArray, y: NDArray) => {
      for (let k = 0; k < 5; k++) y = mul(scalarLike(0.5 + k / 10, y), add(y, cos(x)));
      return y;
    }, x);
    return [out as NDArray];
  }, aval);
}

/** Control flow of all kinds: the outputs for a float32 vector. */
export function loops(aval: ShapedArray): Jaxpr {
  return program((x) => {
    const zero = reduceSum(mul(x, scalarLike(0, x)), [0]);
    const [steps, y] = whileLoop(
      ([n]: [NDArray, NDArray]) => lt(n, scalarLike(7, n)),
      ([n, y]: [NDArray, NDArray]) => [add(n, scalarLike(1, n)), neg(add(y, x))],
      [zero, x],
    ) as [NDArray, NDArray];
    const [total, sums] = scan(
      ((carry: NDArray, v: NDArray) => [add(carry, v), mul(carry, v)]) as never,
      zero,
      x,
    ) as [NDArray, NDArray];
    const [, backwards] = scan(
      ((carry: NDArray, v: NDArray) => [add(carry, v), carry]) as never,
      zero,
      x,
      { reverse: true },
    ) as [NDArray, NDArray];
    return [steps, y, total, sums, backwards];
  }, aval);
}

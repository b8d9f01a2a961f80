/**
 * Doing something with values while a function runs, compiled or not.
 *
 * @module
 */
import { checkText } from "../api/check.ts";
import { doEffect } from "../primitives/effects/effect.ts";
import { checkFunction, nameOf } from "../transforms/trees.ts";

/**
 * Prints values when the function runs, not when it is traced: in a jitted function, in each step of a
 * loop, in the branch that is taken, once for each lane of `vmap` that the values differ in. As
 * `jax.debug.print`.
 *
 * Prints come in the order in which the function makes them. None is dropped because nothing reads its
 * values, and none is repeated: under derivatives they are made in the forward pass, and not again where
 * a backward pass computes something again (`checkpoint`). A function with a rule of its own prints what
 * its rule prints when it is differentiated.
 *
 * The values that arrays in flight have are printed when they arrive. A graph for `"onnx"` or
 * `"webgpu"` cannot print, which is an error when it is compiled: use the backend `"interpreter"`.
 *
 * @param format What to print, with `{}` for each value.
 * @param values Arrays or trees of them, or anything else, as text.
 * @throws {TypeError} where the format is no string, or has not as many `{}` as there are values.
 *
 * @example
 * ```ts
 * import { debug, jit, type NDArray, numpy as np, scan } from "@injax/injax";
 *
 * const f = (xs: NDArray) =>
 *   scan((c: NDArray, x: NDArray) => {
 *     debug.print("c = {}, x = {}", c, x);
 *     return [c.add(x), null];
 *   }, np.array(0), xs)[0];
 * console.log(jit(f, { backend: "interpreter" })(np.array([1, 2])).item());
 * // c = 0, x = 1
 * // c = 1, x = 2
 * // 3
 * ```
 */
export function print(format: string, ...values: unknown[]): void {
  checkText("debug.print", "format", format, values);
  doEffect("print", format, values);
}

/**
 * Calls a function with values when the program runs, as `debug.print` prints them: to plot, to collect,
 * to stop in a debugger. As `jax.debug.callback`. What it returns is ignored; what it throws leaves the
 * call. It may call jitted functions itself.
 *
 * @param f Called with `values`, where arrays that were traced are concrete ones.
 * @param values Arrays, trees of them, and anything else.
 * @throws {TypeError} where `f` is not a function.
 *
 * @example
 * ```ts
 * import { debug, jit, type NDArray, numpy as np, vmap } from "@injax/injax";
 *
 * const seen: number[] = [];
 * const f = (x: NDArray) => {
 *   debug.callback((x: NDArray) => seen.push(x.item()), x);
 *   return x.mul(2);
 * };
 * jit(vmap(f), { backend: "interpreter" })(np.array([1, 2, 3]));
 * console.log(seen); // [ 1, 2, 3 ]
 * ```
 */
export function callback<V extends unknown[]>(f: (...values: V) => unknown, ...values: V): void {
  checkFunction("debug.callback", f);
  doEffect("callback", nameOf(f), values, { call: f as (...values: never[]) => unknown });
}

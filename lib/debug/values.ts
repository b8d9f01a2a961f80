/**
 * Doing something with values while a function runs, compiled or not.
 *
 * Where NaNs come from.
 *
 * @module
 */
import { checkText } from "../api/effects.ts";
import {
  bind,
  checkCall,
  ConcreteArray,
  currentTrace,
  type Eqn,
  evalJaxpr,
  formatAval,
  isFloat,
  isReadable,
  type Jaxpr,
  memoize,
  NanError,
  type NDArray,
  type Primitive,
  type ShapedArray,
  Trace,
  withTrace,
} from "../core/mod.ts";
import { currentPlace, placeOf, stageClosed, withPlaces } from "../interpreters/staging.ts";
import { doEffect, eq, reduceAnd } from "../primitives/mod.ts";
import { checkFunction, nameOf, withName } from "../transforms/trees.ts";
import type { AnyFunction } from "../transforms/types.ts";

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

/**
 * The function, watched: it raises a `NanError` where an operation gives a NaN, in eager code and inside of
 * jitted functions and loops, which are compiled anew for this. The message names the operation and the
 * line that applied it, or whose derivative it is part of; of a function that was jitted and called before,
 * the operation alone.
 *
 * What is computed in `f` is watched: to watch derivatives too, put it outermost, as in
 * `debug.nans(grad(f))`. Operations whose NaNs are not used, as in the branch of `np.where` that is not
 * chosen, raise like any other. It costs time: take it away when the NaN is found.
 *
 * @param f The function.
 * @throws {TypeError} where `f` is not a function.
 *
 * @example
 * ```ts
 * import { debug, NanError, type NDArray, numpy as np } from "@injax/injax";
 *
 * const f = (x: NDArray) => np.sqrt(x.sub(1)).mul(2);
 * console.log(debug.nans(f)(np.array(5)).item()); // 4
 * try {
 *   debug.nans(f)(np.array(0));
 * } catch (error) {
 *   console.log((error as NanError).message.split(", at ")[0]); // sqrt gave NaN as float32[]
 * }
 * ```
 */
export function nans<F extends AnyFunction>(f: F): F {
  if (arguments.length > 1) checkCall("debug.nans(f)", arguments);
  checkFunction("debug.nans", f);
  const watching = (...args: unknown[]): unknown => {
    const trace = new NansTrace(currentTrace());
    try {
      return withPlaces(() =>
        withTrace(trace, () => (f as unknown as (...args: unknown[]) => unknown)(...args))
      );
    } finally {
      trace.alive = false;
    }
  };
  return withName("debug.nans", f, watching as unknown as F);
}

/** Leaves operations to its parent, and looks at what they give. */
class NansTrace extends Trace {
  constructor(readonly parent: Trace) {
    super("debug.nans", false);
  }

  process<P>(primitive: Primitive<P>, args: readonly NDArray[], params: P): NDArray[] {
    const { programs, effect } = primitive.passes;
    const own = programs === null
      ? params
      : programs.replace(params, programs.list(params).map((c) => watched(c.jaxpr)));
    return withTrace(this.parent, () => {
      const outs = bind(primitive, args, own);
      if (programs === null && effect === null) outs.forEach((x) => lookAt(primitive.name, x));
      return outs;
    });
  }
}

/** Raises for a NaN in the result of an operation, now or when the program runs. */
function lookAt(name: string, x: NDArray): void {
  if (!isFloat(x.dtype)) return;
  if (!(x instanceof ConcreteArray) || !isReadable(x)) return raiseLater(name, x, currentPlace());
  const { values } = x;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) {
      throw new NanError(saying(name, x.aval, currentPlace()), { lane: [] });
    }
  }
}

/** Has the program raise for a NaN when it runs. */
function raiseLater(name: string, x: NDArray, place: string | null): void {
  const whole = reduceAnd(eq(x, x), x.shape.map((_, axis) => axis));
  doEffect("nan", saying(name, x.aval, place), [], { condition: whole });
}

function saying(name: string, aval: ShapedArray, place: string | null): string {
  return `${name} gave NaN as ${formatAval(aval)}${place === null ? "" : `, at ${place}`}`;
}

/** A program that raises where one of its operations gives a NaN. */
const watched: (jaxpr: Jaxpr) => Jaxpr = /* @__PURE__ */ memoize((jaxpr: Jaxpr): Jaxpr => {
  const eqns = jaxpr.eqns.map((eqn): Eqn => {
    const { programs } = eqn.primitive.passes;
    if (programs === null) return eqn;
    const inner = programs.list(eqn.params).map((c) => watched(c.jaxpr));
    return { ...eqn, params: programs.replace(eqn.params, inner) };
  });
  let next = 0;
  return stageClosed(
    "debug.nans",
    (args) =>
      evalJaxpr({ ...jaxpr, eqns }, args, (primitive, args, params) => {
        const outs = bind(primitive, args, params);
        const eqn = eqns[next++]!;
        const { programs, effect } = primitive.passes;
        if (programs !== null || effect !== null) return outs;
        outs.forEach((x, i) => {
          if (isFloat(x.dtype)) raiseLater(primitive.name, x, placeOf(eqn.outputs[i]!));
        });
        return outs;
      }),
    jaxpr.inputs.map((v) => v.aval),
  );
});

/**
 * Lifted derivatives. Written state leaves as an auxiliary output.
 *
 * @module
 */
import type { AnyFunction, DiffOptions } from "../transforms/types.ts";
import { Engine, type Fn, pure } from "./engine.ts";

export function derivative(
  e: Engine,
  name: "grad" | "valueAndGrad" | "jacfwd" | "jacrev" | "hessian",
): Fn {
  return e.member(name, (f, args, options = {}) => {
    const { hasAux = false, ...rest } = options as DiffOptions;
    return e.threaded(name, f, args, (call) => {
      const withState = (...xs: unknown[]): unknown => {
        const [out, state] = call(...xs);
        const [value, aux] = hasAux ? out as [unknown, unknown] : [out, null];
        return [value, [aux, state]];
      };
      Object.defineProperty(withState, "name", { value: f.name });
      const result = (pure[name](withState, { ...rest, hasAux: true }) as Fn)(...args);
      if (name === "valueAndGrad") {
        const [[value, [aux, state]], g] = result as [[unknown, [unknown, unknown]], unknown];
        return [[hasAux ? [value, aux] : value, g], state];
      }
      const [derivative, [aux, state]] = result as [unknown, [unknown, unknown]];
      return [hasAux ? [derivative, aux] : derivative, state];
    });
  });
}

export const jvp = (e: Engine): Fn => (f, primals, tangents) =>
  e.threaded("jvp", f as AnyFunction, primals as unknown[], (call) => {
    const [[out, state], [dot]] = pure.jvp(call, primals, tangents) as [
      [unknown, unknown],
      [unknown],
    ];
    return [[out, dot], state];
  });

export const linearize = (e: Engine): Fn => (f, primals) =>
  e.threaded("linearize", f as AnyFunction, primals as unknown[], (call) => {
    const [[out, state], push] = pure.linearize(call, primals) as [[unknown, unknown], Fn];
    return [[out, (...dots: unknown[]) => (push(...dots) as unknown[])[0]], state];
  });

export const vjp = (e: Engine): Fn => (f, primals, options = {}) =>
  e.threaded("vjp", f as AnyFunction, primals as unknown[], (call) => {
    const { hasAux } = options as { hasAux?: boolean };
    const withState = (...xs: unknown[]): unknown => {
      const [out, state] = call(...xs);
      const [value, aux] = hasAux ? out as [unknown, unknown] : [out, null];
      return [value, [aux, state]];
    };
    const [value, pull, [aux, state]] = pure.vjp(withState, primals, { hasAux: true }) as [
      unknown,
      Fn,
      [unknown, unknown],
    ];
    return [hasAux ? [value, pull, aux] : [value, pull], state];
  });

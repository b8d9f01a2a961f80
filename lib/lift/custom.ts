/**
 * Lifted custom derivatives and implicit functions.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { treeMap } from "../core/tree.ts";
import { zeros } from "../primitives/shape.ts";
import type { AnyFunction } from "../transforms/types.ts";
import type { Entries } from "./protocol.ts";
import { Engine, flatTree, type Fn, pure } from "./engine.ts";

// Custom derivatives: the rule governs the arguments, parameters differentiate as usual.

export function customJvp(e: Engine): Fn {
  return e.member("customJvp", (f, args, rule) => {
    e.initialize(() => (f as Fn)(...args));
    const { outer, inner } = e.begin();
    const fn = e.purify(e.label("customJvp"), inner, f as Fn);
    const call = (params: unknown, state: unknown, xs: unknown[]): unknown[] => {
      const { out, after } = fn.call(state, xs, { params: params as Entries });
      return [out, after.state];
    };
    const ruled = pure.customJvp(
      (params: unknown, state: unknown, xs: unknown) => call(params, state, xs as unknown[]),
      (primals: unknown, tangents: unknown) => {
        const [params, state, xs] = primals as [Entries, Entries, unknown[]];
        const [paramDots, , dots] = tangents as [Entries, Entries, unknown[]];
        const { out: pair } = e.run(inner, () => (rule as Fn)(xs, dots), { params, state });
        const [out, dot] = pair as [unknown, unknown];
        const [, [viaParams]] = pure.jvp(
          (p: unknown) => call(p, state, xs),
          [params],
          [paramDots],
        ) as [unknown, [unknown]];
        const [, next] = call(params, state, xs);
        const sum = treeMap((a: NDArray, b: NDArray) => a.add(b), dot, viaParams);
        const still = treeMap((x: NDArray) => zeros(x.aval), next);
        return [[out, next], [sum, still]];
      },
    ) as Fn;
    const [out, state] = ruled(inner.params, inner.state, args) as [unknown, unknown];
    e.commit(outer, state, fn.names());
    return out;
  });
}

export function customVjp(e: Engine): Fn {
  return e.member("customVjp", (f, args, fwd, bwd) => {
    e.initialize(() => (f as Fn)(...args));
    const { outer, inner } = e.begin();
    const fn = e.purify(e.label("customVjp"), inner, f as Fn);
    const call = (params: unknown, state: unknown, xs: unknown[]): unknown[] => {
      const { out, after } = fn.call(state, xs, { params: params as Entries });
      return [out, after.state];
    };
    const ruled = pure.customVjp(
      (params: unknown, state: unknown, xs: unknown) => call(params, state, xs as unknown[]),
      (params: unknown, state: unknown, xs: unknown) => {
        const { out: pair, after } = e.run(inner, () => (fwd as Fn)(...xs as unknown[]), {
          params: params as Entries,
          state: state as Entries,
        });
        const [out, residuals] = pair as [unknown, unknown];
        return [[out, after.state], [residuals, params, state, xs]];
      },
      (kept: unknown, cts: unknown) => {
        const [residuals, params, state, xs] = kept as [unknown, Entries, Entries, unknown[]];
        const [ct] = cts as [unknown];
        // The backward rule sees the parameters that the forward pass saw, and may call modules.
        const { out: argCts } = e.run(inner, () => (bwd as Fn)(residuals, ct), {
          params,
          state,
        });
        const [, pull] = pure.vjp((p: unknown) => call(p, state, xs)[0], [params]) as [
          unknown,
          Fn,
        ];
        const filled = (argCts as unknown[]).map((c, i) =>
          c ?? treeMap((x: NDArray) => zeros(x.aval), flatTree(xs[i]))
        );
        return [(pull(ct) as unknown[])[0], null, filled];
      },
    ) as Fn;
    const [out, state] = ruled(inner.params, inner.state, args) as [unknown, unknown];
    e.commit(outer, state, fn.names());
    return out;
  });
}

// Implicit functions: the steps of the solver leave no trace, one evaluation at the root does.

export const customRoot = (e: Engine): Fn => (f, guess, solve, tangentSolve, options = {}) => {
  e.initialize(() => (f as Fn)(guess));
  const { outer, inner } = e.begin();
  const fn = e.purify(e.label("customRoot"), inner, f as Fn);
  const inside = (g: Fn): Fn => (...xs) => e.run(inner, () => g(...xs)).out;
  const call = (x: unknown): unknown => fn.call(inner.state, [x]).out;
  Object.defineProperty(call, "name", { value: (f as AnyFunction).name });
  const result = pure.customRoot(
    call,
    guess,
    inside(solve as Fn),
    inside(tangentSolve as Fn),
    options,
  );
  let state: unknown = inner.state;
  if (Object.keys(inner.state).length > 0) {
    const root = (options as { hasAux?: boolean }).hasAux ? (result as unknown[])[0] : result;
    state = fn.call(inner.state, [root]).after.state;
  }
  e.commit(outer, state, fn.names());
  return result;
};

export const customLinearSolve = (e: Engine): Fn => (matvec, b, solve, options = {}) => {
  e.initialize(() => (matvec as Fn)(b));
  const { outer, inner } = e.begin();
  const fn = e.purify(e.label("customLinearSolve"), inner, matvec as Fn);
  const inside = (g: Fn): Fn => (...xs) => e.run(inner, () => g(...xs)).out;
  const { transposeSolve, ...rest } = options as { transposeSolve?: Fn };
  const out = pure.customLinearSolve(
    (x: unknown) => fn.call(inner.state, [x]).out,
    b,
    inside(solve as Fn),
    transposeSolve === undefined ? rest : { ...rest, transposeSolve: inside(transposeSolve) },
  );
  e.commit(outer, inner.state, fn.names());
  return out;
};

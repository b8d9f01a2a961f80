/**
 * Lifted custom derivatives and implicit functions.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { isFloat } from "../core/dtype.ts";
import { TreeError } from "../core/errors.ts";
import { Tracer } from "../core/trace.ts";
import { treeFlatten, treeMap } from "../core/tree.ts";
import { stopGradient } from "../primitives/shape.ts";
import { nameOf } from "../transforms/trees.ts";
import {
  type Application,
  asArrays,
  type Engine,
  type Fn,
  instead,
  pure,
  release,
} from "./engine.ts";
import type { StateBundle } from "./protocol.ts";

// Custom derivatives: the rule governs the arguments, parameters and state differentiate as usual.
// Rules may run when the context is closed and its trace has ended (a compiled function that is
// differentiated later), so what they need of the context is passed to them by way of arguments.

/** Arguments of the function with rules beyond the user's: parameters and state, keys. */
const hidden = 2;

/** The user's arguments, and the part of the bundle that was passed along. */
function separate(all: readonly unknown[]): [args: unknown[], held: Partial<StateBundle>] {
  const [free, keys] = all.slice(-hidden);
  return [all.slice(0, -hidden), release(free, keys)];
}

/** The value of the first argument, and the derivatives of both. */
const attach = pure.customJvp(
  ((value: unknown) => value) as Fn,
  ((primals: unknown, tangents: unknown) => {
    const [value] = primals as [NDArray, NDArray];
    const [dot, other] = tangents as [NDArray, NDArray];
    return [value, dot.add(other)];
  }) as Fn,
) as Fn;

/** Applies a function with rules, made from the user's with the hidden arguments. */
function ruled(
  e: Engine,
  name: "customJvp" | "customVjp",
  f: Fn,
  args: unknown[],
  rules: (app: Application) => Fn[],
): unknown {
  e.initialize(f, () => asArrays(args));
  const app = e.begin(name);
  let wrote = false;
  const value: Fn = (...all) => {
    const [xs, held] = separate(all);
    const { out, written } = app.run(() => f(...xs), held);
    wrote = Object.keys(written).length > 0;
    return out;
  };
  const { free, keys } = app.hold();
  const out = (pure[name](instead(f, value), ...rules(app)) as Fn)(...args, free, keys);
  const traced = treeFlatten(free)[0].some((x) => x instanceof Tracer);
  if (!wrote && !traced) {
    app.commit({});
    return out;
  }
  // Once more without rules, for what it writes and the derivatives by parameters and state.
  const xs = treeMap((x: NDArray) => stopGradient(x), asArrays(args));
  const again = app.run(() => f(...xs));
  app.commit(treeMap((x: NDArray) => stopGradient(x), again.written));
  return treeMap(
    (x: NDArray, y: NDArray) => isFloat(x.dtype) ? attach(x, y) as NDArray : x,
    out,
    asArrays(again.out),
  );
}

export function customJvp(e: Engine): Fn {
  return e.member("customJvp", (f, rule) => (args) =>
    ruled(e, "customJvp", f, args, (app) => [
      (primals, tangents) => {
        const [xs, held] = separate(primals as unknown[]);
        const [dots] = separate(tangents as unknown[]);
        return app.aside(() => (rule as Fn)(xs, dots), held);
      },
    ]));
}

export function customVjp(e: Engine): Fn {
  return e.member("customVjp", (f, fwd, bwd) => (args) =>
    ruled(e, "customVjp", f, args, (app) => [
      (...all) => {
        const [xs, held] = separate(all);
        const pair = app.aside(() => (fwd as Fn)(...xs), held);
        // What is not a pair is left to the pure transform to report.
        return Array.isArray(pair) && pair.length === 2
          ? [pair[0], [pair[1], ...all.slice(-hidden)]]
          : pair;
      },
      (kept, ct) => {
        const [[residuals], held] = separate(kept as unknown[]);
        const cts = app.aside(() => (bwd as Fn)(residuals, ct), held);
        if (Array.isArray(cts) && cts.length === args.length) return [...cts, null, null];
        throw new TreeError(
          `customVjp: the backward rule of ${nameOf(f)} must return an array of ${args.length} ` +
            `cotangents, one for each argument, not ${
              Array.isArray(cts) ? `${cts.length}` : typeof cts
            }`,
        );
      },
    ]));
}

// Implicit functions: the steps of the solver leave no trace, one evaluation at the root does.

/** The solvers that are given to a lifted transform, with their numbers. */
function solver(app: Application, number: 1 | 2, solve: unknown): unknown {
  return instead(solve, (...xs) => app.solving(number, () => (solve as Fn)(...xs)));
}

export const customRoot = (e: Engine): Fn => (f, guess, solve, tangentSolve, options = {}) => {
  e.initialize(f, () => [asArrays(guess)]);
  const app = e.begin("customRoot");
  let wrote = false;
  const call = (x: unknown): unknown => {
    const { out, written } = app.run(() => (f as Fn)(x));
    wrote = Object.keys(written).length > 0;
    return out;
  };
  const result = pure.customRoot(
    instead(f, call as Fn),
    guess,
    solver(app, 1, solve),
    solver(app, 2, tangentSolve),
    options,
  );
  const root = (options as { hasAux?: boolean }).hasAux ? (result as unknown[])[0] : result;
  app.commit(wrote ? app.run(() => (f as Fn)(root)).written : {});
  return result;
};

export const customLinearSolve = (e: Engine): Fn => (matvec, b, solve, options = {}) => {
  e.initialize(matvec, () => [asArrays(b)]);
  const app = e.begin("customLinearSolve");
  let wrote = false;
  const apply = (x: unknown): unknown => {
    const { out, written } = app.run(() => (matvec as Fn)(x));
    wrote = Object.keys(written).length > 0;
    return out;
  };
  const { transposeSolve, ...rest } = options as { transposeSolve?: unknown };
  const out = pure.customLinearSolve(
    instead(matvec, apply as Fn),
    b,
    solver(app, 1, solve),
    transposeSolve === undefined
      ? rest
      : { ...rest, transposeSolve: solver(app, 2, transposeSolve) },
  );
  app.commit(wrote ? app.run(() => (matvec as Fn)(out)).written : {});
  return out;
};

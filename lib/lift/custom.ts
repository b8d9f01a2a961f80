/**
 * Lifted custom derivatives and implicit functions.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { TreeError } from "../core/errors.ts";
import { treeFlatten, treeMap, treeStructure } from "../core/tree.ts";
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
  untraced,
} from "./engine.ts";

// Custom derivatives: the rule governs the arguments, parameters and state differentiate as usual.
// Rules may run when the context is closed and its trace has ended (a compiled function that is
// differentiated later), so what they need of the context is passed to them by way of arguments.

/** What `f` writes, without derivatives: they are the rules' affair, which are about its result. */
function commitWritten(app: Application, f: Fn, args: unknown[], wrote: boolean): void {
  if (!wrote) return app.commit({});
  const { free, keys } = app.hold();
  const [xs, held] = treeMap((x: NDArray) => stopGradient(x), asArrays([args, free]));
  app.commit(app.run(() => f(...xs as unknown[]), release(held, keys)).written);
}

function hasLeaves(tree: unknown): boolean {
  return treeFlatten(tree)[0].length > 0;
}

export function customJvp(e: Engine): Fn {
  return e.member("customJvp", (f, rule) => (args) => {
    e.initialize(f, () => asArrays(args));
    const app = e.begin("customJvp");
    let wrote = false;
    const value = (...all: unknown[]): unknown => {
      const [free, keys] = all.slice(-2);
      const outcome = app.run(() => f(...all.slice(0, -2)), release(free, keys));
      wrote = Object.keys(outcome.written).length > 0;
      return outcome.out;
    };
    const ruled = (primals: unknown, tangents: unknown): unknown => {
      const xs = (primals as unknown[]).slice(0, -2), dots = (tangents as unknown[]).slice(0, -2);
      const [free, keys] = (primals as unknown[]).slice(-2);
      const [freeDot] = (tangents as unknown[]).slice(-2);
      const pair = app.aside(() => (rule as Fn)(xs, dots), release(free, keys));
      // What is not as it should be is left to the pure transform to report.
      if (!Array.isArray(pair) || pair.length !== 2 || !hasLeaves(free)) return pair;
      const [, [via]] = pure.jvp(
        (free: unknown) => [app.aside(() => f(...xs), release(free, keys))],
        [free],
        [freeDot],
      ) as [unknown, [unknown]];
      const [out, dot] = asArrays(pair) as unknown[];
      if (treeStructure(dot) !== treeStructure(via)) return pair;
      return [out, treeMap((a: NDArray, b: NDArray) => a.add(b), dot, via)];
    };
    const { free, keys } = app.hold();
    const out = (pure.customJvp(instead(f, value), ruled) as Fn)(...args, free, keys);
    commitWritten(app, f, args, wrote);
    return out;
  });
}

export function customVjp(e: Engine): Fn {
  return e.member("customVjp", (f, fwd, bwd) => (args) => {
    e.initialize(f, () => asArrays(args));
    const app = e.begin("customVjp");
    let wrote = false;
    const value = (...all: unknown[]): unknown => {
      const [free, keys] = all.slice(-2);
      const outcome = app.run(() => f(...all.slice(0, -2)), release(free, keys));
      wrote = Object.keys(outcome.written).length > 0;
      return outcome.out;
    };
    const forward = (...all: unknown[]): unknown => {
      const xs = all.slice(0, -2);
      const [free, keys] = all.slice(-2);
      const pair = app.aside(() => (fwd as Fn)(...xs), release(free, keys));
      if (!Array.isArray(pair) || pair.length !== 2) return pair;
      return [pair[0], [pair[1], xs, free, keys]];
    };
    const backward = (kept: unknown, ct: unknown): unknown => {
      const [residuals, xs, free, keys] = kept as [unknown, unknown[], unknown, unknown];
      const cts = app.aside(() => (bwd as Fn)(residuals, ct), release(free, keys));
      if (!Array.isArray(cts) || cts.length !== xs.length) {
        throw new TreeError(
          `customVjp: the backward rule of ${nameOf(f)} must return an array of ${xs.length} ` +
            `cotangents, one for each argument, not ${
              Array.isArray(cts) ? `${cts.length}` : typeof cts
            }`,
        );
      }
      if (!hasLeaves(free)) return [...cts, null, null];
      const [, pull] = pure.vjp(
        (free: unknown) => app.aside(() => f(...xs), release(free, keys)),
        [free],
      ) as [unknown, Fn];
      return [...cts, (pull(ct) as unknown[])[0], null];
    };
    const { free, keys } = app.hold();
    const out = (pure.customVjp(instead(f, value), forward, backward) as Fn)(...args, free, keys);
    commitWritten(app, f, args, wrote);
    return out;
  });
}

// Implicit functions: the steps of the solver leave no trace, one evaluation at the root does.

/** A solver that is given to a lifted transform. */
function solver(app: Application, solve: unknown): unknown {
  return instead(solve, (...xs) => app.solving(() => (solve as Fn)(...xs)));
}

export const customRoot = (e: Engine): Fn => (f, guess, solve, tangentSolve, options = {}) => {
  e.initialize(f, () => [asArrays(guess)]);
  const app = e.begin("customRoot");
  const apart = app.apart();
  let wrote = false;
  const call = (x: unknown): unknown => {
    const { out, written } = app.run(() => (f as Fn)(x));
    wrote = Object.keys(written).length > 0;
    return out;
  };
  // Runs in the traces of whoever wants a derivative, where those of this context are not valid.
  const late = (...xs: unknown[]): unknown =>
    app.aside(() => (tangentSolve as Fn)(...xs), untraced({ ...app.inner, ...apart }));
  const result = pure.customRoot(
    instead(f, call as Fn),
    guess,
    solver(app, solve),
    instead(tangentSolve, late),
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
    solver(app, solve),
    transposeSolve === undefined ? rest : { ...rest, transposeSolve: solver(app, transposeSolve) },
  );
  app.commit(wrote ? app.run(() => (matvec as Fn)(out)).written : {});
  return out;
};

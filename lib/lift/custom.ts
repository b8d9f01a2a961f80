/**
 * Lifted custom derivatives and implicit functions.
 *
 * @module
 */
import {
  type BeyondRules,
  customJvp as pureCustomJvp,
  customVjp as pureCustomVjp,
} from "../transforms/custom.ts";
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
// The function is recorded once, as a program of all that, which serves for its value, for what it
// writes and for derivatives by parameters: functions with rules inside of others cost no more.

/** Arguments of the function with rules beyond the user's: parameters and state, keys. */
const hidden = 2;

/** What rules do not know of: those arguments, and what the function writes. */
const beyond: BeyondRules = { numThrough: hidden, hasAux: true };

/** The user's arguments, and the part of the bundle that was passed along. */
function separate(all: readonly unknown[]): [args: unknown[], held: Partial<StateBundle>] {
  const [free, keys] = all.slice(-hidden);
  return [all.slice(0, -hidden), release(free, keys)];
}

/** Applies a function with rules, made from the user's with the hidden arguments. */
function ruled(
  e: Engine,
  name: "customJvp" | "customVjp",
  f: Fn,
  args: unknown[],
  attach: (value: Fn, app: Application) => Fn,
): unknown {
  e.initialize(f, () => asArrays(args));
  const app = e.begin(name);
  const value: Fn = (...all) => {
    const [xs, held] = separate(all);
    const { out, written } = app.run(() => f(...xs), held);
    return [out, written];
  };
  const { free, keys } = app.hold();
  const [out, written] = attach(instead(f, value), app)(...args, free, keys) as [unknown, unknown];
  app.commit(written);
  return out;
}

export function customJvp(e: Engine): Fn {
  return e.member(
    "customJvp",
    (f, rule) => (args) =>
      ruled(e, "customJvp", f, args, (value, app) => {
        const held: Fn = (primals, tangents) => {
          const [xs, held] = separate(primals as unknown[]);
          return app.aside(() => (rule as Fn)(xs, tangents), held);
        };
        return pureCustomJvp(value, held, beyond) as Fn;
      }),
  );
}

export function customVjp(e: Engine): Fn {
  return e.member(
    "customVjp",
    (f, fwd, bwd) => (args) =>
      ruled(e, "customVjp", f, args, (value, app) => {
        const forward: Fn = (...all) => {
          const [xs, held] = separate(all);
          const pair = app.aside(() => (fwd as Fn)(...xs), held);
          // What is not a pair is left to the pure transform to report.
          return Array.isArray(pair) && pair.length === 2
            ? [pair[0], [pair[1], ...all.slice(-hidden)]]
            : pair;
        };
        const backward: Fn = (kept, ct) => {
          const [[residuals], held] = separate(kept as unknown[]);
          return app.aside(() => (bwd as Fn)(residuals, ct), held);
        };
        return pureCustomVjp(value, forward, backward, beyond) as Fn;
      }),
  );
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
  app.commit(wrote ? app.run(() => (f as Fn)(root)).state : {});
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
  app.commit(wrote ? app.run(() => (matvec as Fn)(out)).state : {});
  return out;
};

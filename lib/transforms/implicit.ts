/**
 * Solutions of equations, differentiated by the implicit function theorem and not through the steps
 * of whatever found them. User functions are closure-converted first, so that derivatives flow to
 * the traced values that they close over.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { evalJaxpr, type Jaxpr } from "../core/jaxpr.ts";
import { bind } from "../core/trace.ts";
import { type TreeDef, treeUnflatten } from "../core/tree.ts";
import { customJvpP, type JvpRule } from "../control/custom.ts";
import { linearSolveP, type WithConsts } from "../control/linear_solve.ts";
import { jvpFlat } from "../interpreters/jvp.ts";
import { linearizeFlat } from "../interpreters/partial.ts";
import { stage } from "../interpreters/staging.ts";
import { transposeJaxpr } from "../interpreters/transpose.ts";
import { neg } from "../primitives/arithmetic.ts";
import { stopGradient, zeros } from "../primitives/shape.ts";
import { TreeError } from "../core/errors.ts";
import { checkFunction, checkSameType, flattenArrays, flattenResult, nameOf } from "./trees.ts";
import type { AnyFunction } from "./types.ts";

type UserFunction = (...args: unknown[]) => unknown;

/** A user's function of one tree as a program, with what it closed over. */
interface Converted {
  readonly jaxpr: Jaxpr;
  readonly consts: readonly NDArray[];
}

/** Records a function from a tree to a tree of the same type. */
function convertEndo(
  op: string,
  f: AnyFunction,
  what: string,
  xs: readonly NDArray[],
  def: TreeDef,
): Converted {
  const avals = xs.map((x) => x.aval);
  return stage(`${op} of ${nameOf(f)}`, (args) => {
    const [outs, outDef] = flattenResult(op, f, (f as UserFunction)(treeUnflatten(def, args)));
    checkSameType(
      op,
      `the argument and the result of ${what}`,
      avals,
      def,
      outs.map((x) => x.aval),
      outDef,
      "They must have the same structure, shapes and dtypes",
    );
    return outs;
  }, avals);
}

/** A program as a function on trees. */
function asFunction(program: (xs: readonly NDArray[]) => readonly NDArray[], def: TreeDef) {
  return (tree: unknown): unknown => {
    const [xs] = flattenArrays("customRoot", tree, "an argument");
    return treeUnflatten(def, program(xs));
  };
}

/** See `Transforms.customRoot`. */
export function customRoot(
  f: AnyFunction,
  initialGuess: unknown,
  solve: AnyFunction,
  tangentSolve: AnyFunction,
  options: { readonly hasAux?: boolean } = {},
): unknown {
  checkFunction("customRoot", f);
  checkFunction("customRoot", solve, "solve");
  checkFunction("customRoot", tangentSolve, "tangentSolve");
  const [guess, def] = flattenArrays("customRoot", initialGuess, "the initial guess");
  const n = guess.length;
  const avals = guess.map((x) => x.aval);
  const { jaxpr, consts } = convertEndo("customRoot", f, "the function", guess, def);
  const numConsts = consts.length;

  // The solver sees f as a function of what it closed over, so that its program is closed too.
  let auxDef: TreeDef | null = null;
  const solver = stage(`customRoot of ${nameOf(f)}`, (args) => {
    const captured = args.slice(0, numConsts);
    const closed = asFunction((xs) => evalJaxpr(jaxpr, [...captured, ...xs], bind), def);
    const result = (solve as UserFunction)(closed, treeUnflatten(def, args.slice(numConsts)));
    let root = result;
    let aux: NDArray[] = [];
    if (options.hasAux) {
      if (!Array.isArray(result) || result.length !== 2) {
        throw new TreeError("customRoot: with hasAux, solve must return [root, aux]");
      }
      root = result[0];
      [aux, auxDef] = flattenArrays("customRoot", result[1], "the aux output of solve");
    }
    const [xs, rootDef] = flattenResult("customRoot", solve, root);
    checkSameType(
      "customRoot",
      "the initial guess and the root that solve returned",
      avals,
      def,
      xs.map((x) => x.aval),
      rootDef,
      "They must have the same structure, shapes and dtypes",
    );
    return [...xs, ...aux];
  }, [...consts.map((c) => c.aval), ...avals]);

  const extra = solver.consts.length;
  const params = {
    jaxpr: solver.jaxpr,
    numConsts: 0,
    name: nameOf(f),
    rule: ((primals, tangents) => {
      const outs = bind(customJvpP, primals, params);
      const root = outs.slice(0, n);
      const captured = primals.slice(extra, extra + numConsts);
      const dots = tangents.slice(extra, extra + numConsts);
      const [, change] = jvpFlat(
        "customRoot",
        (args) => evalJaxpr(jaxpr, args, bind),
        [...captured, ...root],
        [...dots, ...root.map(() => null)],
      );
      const { jaxpr: linear, consts: residuals, activeOut } = linearizeFlat(
        "customRoot",
        (xs) => evalJaxpr(jaxpr, [...captured, ...xs], bind),
        root,
      );
      const jacobian = asFunction((xs) => {
        const ys = evalJaxpr(linear, [...residuals, ...xs], bind);
        let next = 0;
        return root.map((x, i) => activeOut[i] ? ys[next++]! : zeros(x.aval));
      }, def);
      // f(x(c), c) = 0, so (df/dx) dx = -(df/dc) dc.
      const rhs = treeUnflatten(def, change.map((d, i) => d === null ? zeros(avals[i]!) : neg(d)));
      const [dx, dxDef] = flattenResult(
        "customRoot",
        tangentSolve,
        (tangentSolve as UserFunction)(jacobian, rhs),
      );
      checkSameType(
        "customRoot",
        "the root and the result of tangentSolve",
        avals,
        def,
        dx.map((x) => x.aval),
        dxDef,
        "They must have the same structure, shapes and dtypes",
      );
      return [outs, [...dx, ...outs.slice(n).map(() => null)]];
    }) as JvpRule,
  };
  // Neither the initial guess nor the solver's own settings move the root.
  const outs = bind(customJvpP, [
    ...solver.consts.map(stopGradient),
    ...consts,
    ...guess.map(stopGradient),
  ], params);
  const root = treeUnflatten(def, outs.slice(0, n));
  return options.hasAux ? [root, treeUnflatten(auxDef!, outs.slice(n))] : root;
}

/** Options of `customLinearSolve`. */
export interface LinearSolveOptions {
  /** Solves the transposed system. */
  readonly transposeSolve?: AnyFunction;
  /** Whether the system is its own transpose. */
  readonly symmetric?: boolean;
}

/** See `Transforms.customLinearSolve`. */
export function customLinearSolve(
  matvec: AnyFunction,
  b: unknown,
  solve: AnyFunction,
  options: LinearSolveOptions = {},
): unknown {
  checkFunction("customLinearSolve", matvec);
  checkFunction("customLinearSolve", solve, "solve");
  const [bs, def] = flattenArrays("customLinearSolve", b, "b");
  const avals = bs.map((x) => x.aval);
  const forward = convertEndo("customLinearSolve", matvec, "matvec", bs, def);
  const numConsts = forward.consts.length;
  const transposed = (): Jaxpr => {
    // From [constants, x] to [constants, cotangent]: the adjoint map.
    return transposeJaxpr(forward.jaxpr, forward.jaxpr.inputs.map((_, i) => i >= numConsts));
  };
  const record = (user: AnyFunction, what: string, program: Jaxpr): WithConsts & Converted => {
    const { jaxpr, consts } = stage(`customLinearSolve`, (args) => {
      const captured = args.slice(0, numConsts);
      const apply = asFunction((xs) => evalJaxpr(program, [...captured, ...xs], bind), def);
      const result = (user as UserFunction)(apply, treeUnflatten(def, args.slice(numConsts)));
      const [xs, xDef] = flattenResult("customLinearSolve", user, result);
      checkSameType(
        "customLinearSolve",
        `b and the result of ${what}`,
        avals,
        def,
        xs.map((x) => x.aval),
        xDef,
        "They must have the same structure, shapes and dtypes",
      );
      return xs;
    }, [...forward.consts.map((c) => c.aval), ...avals]);
    // What the solver captured itself comes first, then what matvec closed over.
    return { jaxpr, numConsts: consts.length + numConsts, consts: [...consts, ...forward.consts] };
  };
  const solver = record(solve, "solve", forward.jaxpr);
  const needsTranspose = options.symmetric || options.transposeSolve !== undefined;
  const vecmat = !needsTranspose ? null : options.symmetric ? forward.jaxpr : transposed();
  const transposeSolver = !needsTranspose
    ? null
    : options.transposeSolve === undefined
    ? solver
    : record(options.transposeSolve, "transposeSolve", vecmat!);
  const matrix = { jaxpr: forward.jaxpr, numConsts };
  const outs = bind(linearSolveP, [
    ...forward.consts,
    ...(vecmat === null ? [] : forward.consts),
    ...solver.consts,
    ...(transposeSolver?.consts ?? []),
    ...bs,
  ], {
    matvec: matrix,
    vecmat: vecmat === null ? null : { jaxpr: vecmat, numConsts },
    solve: { jaxpr: solver.jaxpr, numConsts: solver.numConsts },
    transposeSolve: transposeSolver === null
      ? null
      : { jaxpr: transposeSolver.jaxpr, numConsts: transposeSolver.numConsts },
  });
  return treeUnflatten(def, outs);
}

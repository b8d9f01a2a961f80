/**
 * Solutions of equations, differentiated by the implicit function theorem and not through the steps
 * of whatever found them. User functions are closure-converted first, so that derivatives flow to
 * the traced values that they close over.
 *
 * @module
 */
import {
  bind,
  describeValue,
  DifferentiationError,
  evalJaxpr,
  type Jaxpr,
  type NDArray,
  neededFor,
  type ShapedArray,
  type TreeDef,
  TreeError,
  treeFlatten,
  treeUnflatten,
  withoutEffects,
} from "../core/mod.ts";
import { customJvpP, type CustomJvpParams } from "../control/custom.ts";
import { linearSolveP, type WithConsts } from "../control/linear_solve.ts";
import { jvpFlat } from "../interpreters/jvp.ts";
import { linearizeFlat, pruned } from "../interpreters/partial.ts";
import { stage } from "../interpreters/staging.ts";
import { transposeJaxpr } from "../interpreters/transpose.ts";
import { neg, stopGradient, zeros } from "../primitives/mod.ts";
import { traceBeforeDerivative } from "./closed_rules.ts";
import { plainly, type Recorder } from "./recorder.ts";
import type { LinearSolveOptions, RootOptions } from "./options.ts";
import { checkFunction, checkSameType, flattenArrays, flattenResult, nameOf } from "./trees.ts";
import type { AnyFunction } from "./types.ts";

type UserFunction = (...args: unknown[]) => unknown;

/** A user's function of one tree as a program, with what it closed over. */
interface Converted {
  readonly jaxpr: Jaxpr;
  readonly consts: readonly NDArray[];
}

/** The leaves of what a function returned, checked to be a tree of the given type. */
function like(op: string, avals: readonly ShapedArray[], def: TreeDef) {
  return (what: string, f: AnyFunction, result: unknown): NDArray[] => {
    const [xs, own] = flattenResult(op, f, result, { def, avals });
    checkSameType(
      op,
      what,
      avals,
      def,
      xs.map((x) => x.aval),
      own,
      "They must have the same structure, shapes and dtypes",
    );
    return xs;
  };
}

/** A function of one tree, and what it gives beside its result. */
interface WithAux extends Converted {
  /** The program of that alone, of the same inputs, and its structure; `null` where there is none. */
  readonly aux: { readonly jaxpr: Jaxpr; readonly def: TreeDef } | null;
}

/** Records a function from a tree to a tree of the same type, which may have an auxiliary output. */
function convertEndo(
  recorder: Recorder,
  op: string,
  f: AnyFunction,
  what: string,
  xs: readonly NDArray[],
  def: TreeDef,
  hasAux = false,
): WithAux {
  const avals = xs.map((x) => x.aval);
  const check = like(op, avals, def);
  const call = (x: unknown): unknown => {
    const result = (f as UserFunction)(x);
    const [out] = hasAux ? pairOf(op, what, result) : [result];
    check(`the argument and the result of ${what}`, f, out);
    return result;
  };
  Object.defineProperty(call, "name", { value: f.name });
  const [, list] = treeFlatten([treeUnflatten(def, xs)]);
  const options = { first: () => xs, trace: traceBeforeDerivative };
  const recording = recorder.record(op, call, list, avals, options);
  const { jaxpr, consts } = recording.program();
  if (!hasAux) return { jaxpr, consts, aux: null };
  const outputs = jaxpr.outputs.slice(0, xs.length);
  const aux = jaxpr.outputs.slice(xs.length, recording.outDef.numLeaves);
  return {
    jaxpr: { ...jaxpr, eqns: neededFor(jaxpr, outputs, true).eqns, outputs },
    consts,
    // What the function does beside is done with its result.
    aux: {
      jaxpr: withoutEffects({ ...jaxpr, eqns: neededFor(jaxpr, aux, false).eqns, outputs: aux }),
      def: recording.outDef.children[1]!,
    },
  };
}

/** What a function with an auxiliary output returned. */
function pairOf(op: string, what: string, result: unknown): readonly [unknown, unknown] {
  if (Array.isArray(result) && result.length === 2) return result as [unknown, unknown];
  const found = Array.isArray(result) ? `a list of ${result.length}` : describeValue(result);
  throw new TreeError(
    `${op}: ${what} must return [result, aux], as its aux is asked for, not ${found}`,
  );
}

/** A program as a function on trees. */
function asFunction(program: (xs: readonly NDArray[]) => readonly NDArray[], def: TreeDef) {
  return (tree: unknown): unknown => {
    const [xs] = flattenArrays("customRoot", tree, "an argument");
    return treeUnflatten(def, program(xs));
  };
}

/** What is recorded of derivatives, or why there are none, which is raised where they are asked for. */
function unlessWithout<T>(record: () => T): T | DifferentiationError {
  try {
    return record();
  } catch (error) {
    if (error instanceof DifferentiationError) return error;
    throw error;
  }
}

/** See `Transforms.customRoot`. */
export function customRoot(
  f: AnyFunction,
  initialGuess: unknown,
  solve: AnyFunction,
  tangentSolve: AnyFunction,
  options: RootOptions = {},
): unknown {
  return customRootBy(plainly, f, initialGuess, solve, tangentSolve, options);
}

/** `customRoot` with a recorder of `f`, which is told the root. */
export function customRootBy(
  recorder: Recorder,
  f: AnyFunction,
  initialGuess: unknown,
  solve: AnyFunction,
  tangentSolve: AnyFunction,
  options: RootOptions = {},
): unknown {
  checkFunction("customRoot", f);
  checkFunction("customRoot", solve, "solve");
  checkFunction("customRoot", tangentSolve, "tangentSolve");
  const [guess, def] = flattenArrays("customRoot", initialGuess, "the initial guess");
  const n = guess.length;
  const avals = guess.map((x) => x.aval);
  const flattenLike = like("customRoot", avals, def);
  const { hasAux = false, functionHasAux = false } = options;
  const { jaxpr, consts, aux: beside } = convertEndo(
    recorder,
    "customRoot",
    f,
    "the function",
    guess,
    def,
    functionHasAux,
  );
  const numConsts = consts.length;

  // Both solvers see f as a function of what it closed over, and are recorded here, where what they
  // close over themselves is valid, so that their programs are closed too.
  const tangent = unlessWithout(() =>
    stage(`tangentSolve of customRoot`, (args) => {
      const captured = args.slice(0, numConsts);
      const root = args.slice(numConsts, numConsts + n);
      const { jaxpr: linear, consts: residuals, activeIn, activeOut } = linearizeFlat(
        "customRoot",
        (xs) => evalJaxpr(jaxpr, [...captured, ...xs], bind),
        root,
      );
      const jacobian = asFunction((xs) => {
        const ys = evalJaxpr(linear, [...residuals, ...xs.filter((_, i) => activeIn[i])], bind);
        let next = 0;
        return avals.map((aval, i) => activeOut[i] ? ys[next++]! : zeros(aval));
      }, def);
      const y = treeUnflatten(def, args.slice(numConsts + n));
      const dx = (tangentSolve as UserFunction)(jacobian, y);
      return flattenLike("the root and the result of tangentSolve", tangentSolve, dx);
    }, [...consts.map((c) => c.aval), ...avals, ...avals])
  );
  const held = tangent instanceof DifferentiationError ? [] : tangent.consts;

  const skip = held.length;
  let auxDef: TreeDef | null = null;
  const solver = stage(`customRoot of ${nameOf(f)}`, (args) => {
    // The tangent solver's captured values are of no use here; they are inputs of the rule.
    const [captured, start] = [args.slice(skip, skip + numConsts), args.slice(skip + numConsts)];
    const closed = asFunction((xs) => evalJaxpr(jaxpr, [...captured, ...xs], bind), def);
    const result = (solve as UserFunction)(closed, treeUnflatten(def, start));
    let root = result;
    let aux: NDArray[] = [];
    if (hasAux) {
      let other: unknown;
      [root, other] = pairOf("customRoot", "solve", result);
      [aux, auxDef] = flattenArrays("customRoot", other, "the aux output of solve");
    }
    return [
      ...flattenLike("the initial guess and the root that solve returned", solve, root),
      ...aux,
    ];
  }, [...[...held, ...consts].map((c) => c.aval), ...avals]);

  // Inputs: what solve captured, what tangentSolve captured, what f captured, the guess.
  const settings = [...solver.consts, ...held];
  const params: CustomJvpParams = {
    jaxpr: solver.jaxpr,
    numHeld: 0,
    numConsts: 0,
    numThrough: 0,
    open: false,
    numAux: 0,
    name: nameOf(f),
    rule: (primals, tangents) => {
      const outs = bind(customJvpP, primals, params);
      const root = outs.slice(0, n);
      const own = primals.slice(solver.consts.length, settings.length);
      const captured = primals.slice(settings.length, settings.length + numConsts);
      const dots = tangents.slice(settings.length, settings.length + numConsts);
      if (tangent instanceof DifferentiationError) {
        if (dots.some((d) => d !== null)) throw tangent;
        return [outs, outs.map(() => null)];
      }
      const [, change] = jvpFlat(
        "customRoot",
        (args) => evalJaxpr(jaxpr, args, bind),
        [...captured, ...root],
        [...dots, ...root.map(() => null)],
      );
      const rest = outs.slice(n).map(() => null);
      if (change.every((d) => d === null)) return [outs, [...root.map(() => null), ...rest]];
      // f(x(c), c) = 0, so (df/dx) dx = -(df/dc) dc.
      const rhs = change.map((d, i) => d === null ? zeros(avals[i]!) : neg(d));
      const dx = evalJaxpr(tangent.jaxpr, [...own, ...captured, ...root, ...rhs], bind);
      return [outs, [...dx, ...rest]];
    },
  };
  // Neither the initial guess nor the solvers' own settings move the root.
  const outs = bind(customJvpP, [
    ...settings.map(stopGradient),
    ...consts,
    ...guess.map(stopGradient),
  ], params);
  recorder.finish(outs.slice(0, n), []);
  const root = treeUnflatten(def, outs.slice(0, n));
  if (!hasAux && beside === null) return root;
  const all = [root];
  if (hasAux) all.push(treeUnflatten(auxDef!, outs.slice(n)));
  // Evaluated here once, so that derivatives flow to it through the root and through what f closed over.
  if (beside !== null) {
    const values = evalJaxpr(beside.jaxpr, [...consts, ...outs.slice(0, n)], bind);
    all.push(treeUnflatten(beside.def, values));
  }
  return all;
}

/** See `Transforms.customLinearSolve`. */
export function customLinearSolve(
  matvec: AnyFunction,
  b: unknown,
  solve: AnyFunction,
  options: LinearSolveOptions = {},
): unknown {
  return customLinearSolveBy(plainly, matvec, b, solve, options);
}

/** `customLinearSolve` with a recorder of `matvec`, which is told the solution. */
export function customLinearSolveBy(
  recorder: Recorder,
  matvec: AnyFunction,
  b: unknown,
  solve: AnyFunction,
  options: LinearSolveOptions = {},
): unknown {
  checkFunction("customLinearSolve", matvec);
  checkFunction("customLinearSolve", solve, "solve");
  const [bs, def] = flattenArrays("customLinearSolve", b, "b");
  const avals = bs.map((x) => x.aval);
  const flattenLike = like("customLinearSolve", avals, def);
  const forward = convertEndo(recorder, "customLinearSolve", matvec, "matvec", bs, def);
  const numConsts = forward.consts.length;
  const { transposeSolve, tangentSolve, symmetric = false, hasAux = false } = options;
  const record = (
    user: AnyFunction,
    what: string,
    program: Jaxpr,
    first: Solver | null = null,
  ): Solver => {
    let auxDef: TreeDef | null = null;
    const { jaxpr, consts } = stage(`customLinearSolve`, (args) => {
      const captured = args.slice(0, numConsts);
      const apply = asFunction((xs) => evalJaxpr(program, [...captured, ...xs], bind), def);
      // `solve` as it was recorded: nothing is traced twice.
      const again = (y: unknown): unknown => {
        const [ys] = flattenArrays("customLinearSolve", y, `what solve of ${what} is given`);
        const own = [...first!.consts.slice(0, first!.consts.length - numConsts), ...captured];
        const outs = evalJaxpr(first!.jaxpr, [...own, ...ys], bind);
        const x = treeUnflatten(def, outs.slice(0, ys.length));
        return hasAux ? [x, treeUnflatten(first!.auxDef!, outs.slice(ys.length))] : x;
      };
      const result = (user as UserFunction)(
        apply,
        treeUnflatten(def, args.slice(numConsts)),
        ...first === null ? [] : [again],
      );
      const [x, other] = hasAux ? pairOf("customLinearSolve", what, result) : [result];
      const xs = flattenLike(`b and the result of ${what}`, user, x);
      if (!hasAux) return xs;
      const [aux, own] = flattenArrays("customLinearSolve", other, `the aux output of ${what}`);
      auxDef = own;
      return [...xs, ...aux];
    }, [...forward.consts.map((c) => c.aval), ...avals]);
    // What the solver captured itself comes first, then what matvec closed over.
    const all = [...consts, ...forward.consts];
    return { jaxpr, numConsts: all.length, consts: all, auxDef };
  };
  const solver = record(solve, "solve", forward.jaxpr);
  const tangentSolver = tangentSolve === undefined
    ? null
    : record(tangentSolve, "tangentSolve", forward.jaxpr, solver);
  const wanted = symmetric || transposeSolve !== undefined;
  const adjoint = !wanted ? null : symmetric ? forward.jaxpr : adjointOf(forward.jaxpr, numConsts);
  const vecmat = adjoint instanceof DifferentiationError ? null : adjoint;
  const transposeSolver = vecmat === null
    ? null
    : transposeSolve === undefined
    ? tangentSolver ?? solver
    : record(transposeSolve, "transposeSolve", vecmat, symmetric ? solver : null);
  const matrix = { jaxpr: forward.jaxpr, numConsts };
  const outs = bind(linearSolveP, [
    ...forward.consts,
    ...(vecmat === null ? [] : forward.consts),
    ...solver.consts,
    ...(transposeSolver?.consts ?? []),
    ...(tangentSolver?.consts ?? []),
    ...bs,
  ], {
    matvec: matrix,
    vecmat: vecmat === null ? null : { jaxpr: vecmat, numConsts },
    solve: { jaxpr: solver.jaxpr, numConsts: solver.numConsts },
    transposeSolve: programOf(transposeSolver),
    tangentSolve: programOf(tangentSolver),
    noTranspose: adjoint instanceof DifferentiationError ? adjoint : null,
  });
  const x = outs.slice(0, bs.length);
  recorder.finish(x, []);
  const solution = treeUnflatten(def, x);
  return hasAux ? [solution, treeUnflatten(solver.auxDef!, outs.slice(bs.length))] : solution;
}

/**
 * A function of vectors as recorded at `x` [n], without what its result does not need: which would be recorded again in
 * each place that calls it, and differentiated with it.
 */
export function alone(f: (x: NDArray) => NDArray, x: NDArray): (x: NDArray) => NDArray {
  const { jaxpr, consts } = pruned(stage("a part of an equation", ([x]) => [f(x!)], [x.aval]));
  return (x) => evalJaxpr(jaxpr, [...consts, x], bind)[0]!;
}

/** A recorded solver, and the structure of what it says about a solution. */
type Solver = WithConsts & Converted & { readonly auxDef: TreeDef | null };

function programOf(solver: Solver | null): WithConsts | null {
  return solver === null ? null : { jaxpr: solver.jaxpr, numConsts: solver.numConsts };
}

/**
 * From constants and `x` to constants and cotangent: the adjoint of a linear map. Where it has none,
 * as one that repeats a step until a condition holds, the reason: that matters to reverse mode alone.
 */
function adjointOf(jaxpr: Jaxpr, numConsts: number): Jaxpr | DifferentiationError {
  const linear = jaxpr.inputs.map((_, i) => i >= numConsts);
  return unlessWithout(() =>
    transposeJaxpr(jaxpr, linear, jaxpr.outputs.map(() => true), linear).jaxpr
  );
}

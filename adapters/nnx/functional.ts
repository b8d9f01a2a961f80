/**
 * `jvp`, `vjp` and derivative rules for functions that have modules among their arguments, and
 * `evalShape`. While such a function runs, the variables that a derivative is by are arguments of the
 * transform; all others are entries, as everywhere.
 *
 * @module
 */
import { called, describeValue, toArray } from "../../lib/extend.ts";
import { type NDArray, numpy as np, StateError, treeLeaves, treeMap } from "../../mod.ts";
import { Calls, type Fn, named, variablesIn } from "./arguments.ts";
import { type Filter, toPredicate } from "./filters.ts";
import { build, Graph, Numbering, type Structure, structureOf } from "./graph.ts";
import { nest, refuseOthers, state, valueAt } from "./state.ts";
import { hasNodes, onlyNodes, withNodes, withoutNodes } from "./system.ts";
import { type Auxiliary, type GradientOf, plain } from "./transforms.ts";
import { Param, Variable } from "./variable.ts";

/** A cotangent or tangent for each argument: for modules a `State`; `null` for zero. */
export type GradientsOf<A extends unknown[]> = { readonly [K in keyof A]: GradientOf<A[K]> | null };

/** Options of `jvp` and `vjp`. */
export interface PullOptions {
  /** Whether the function gives `[value, aux]`. */
  readonly hasAux?: boolean | undefined;
  /** By which variables of the modules (default `Param`). */
  readonly wrt?: Filter | undefined;
}

/** What of the arguments a derivative is by, beside their arrays. */
class Targets {
  /** Of each argument with modules: its variables with their paths; `null` for others. */
  readonly #byArgument: readonly (readonly (readonly [Variable<unknown>, string])[] | null)[];
  /** All of them. A variable that several arguments share is that of the first one. */
  readonly variables: readonly Variable<unknown>[];

  constructor(readonly op: string, readonly args: readonly unknown[], wrt: Filter) {
    const means = toPredicate(wrt);
    const seen = new Set<Variable<unknown>>();
    this.#byArgument = args.map((arg, i) => {
      if (!hasNodes(arg)) return null;
      if (treeLeaves(withoutNodes(arg)).length > 0) {
        throw new StateError(
          `nnx.${op}: argument ${i} has both modules and arrays: pass them as arguments of their own`,
        );
      }
      return [...variablesIn(arg)].filter(([variable, path]) => {
        if (!means(path, variable) || seen.has(variable)) return false;
        seen.add(variable);
        return true;
      });
    });
    this.variables = [...seen];
  }

  /** Their values now. */
  values(): unknown[] {
    return this.variables.map((variable) => variable.value);
  }

  /** The function with values for them. */
  run(f: Fn, arrays: unknown, values: unknown): unknown {
    return having(
      this.variables,
      values as unknown[],
      () => called(f, withNodes<readonly unknown[]>(this.args, arrays)),
    );
  }

  /** What is by arrays and by variables, argument by argument. */
  joined(byArrays: readonly unknown[], byVariables: readonly unknown[]): unknown[] {
    const values = new Map(this.variables.map((variable, i) => [variable, byVariables[i]]));
    return this.#byArgument.map((found, i) =>
      found === null
        ? byArrays[i]
        : this.args[i] instanceof Variable
        ? values.get(this.args[i])
        : nest(found.map(([variable, path]) => [path, values.get(variable)]))
    );
  }

  /** Takes what was given by argument apart, with zeros where nothing was given. */
  apart(what: string, given: unknown): [byArrays: unknown[], byVariables: unknown[]] {
    if (!Array.isArray(given) || given.length !== this.args.length) {
      throw new StateError(
        `nnx.${this.op}: ${what} must be a list of ${this.args.length}, one for each argument, not ${
          Array.isArray(given) ? `one of ${given.length}` : describeValue(given)
        }`,
      );
    }
    const byVariables = new Map<Variable<unknown>, unknown>();
    const byArrays = this.#byArgument.map((found, i): unknown => {
      const own: unknown = given[i];
      if (found === null) return own ?? zeros(withoutNodes(this.args[i]));
      if (own === null || own === undefined) return null;
      if (this.args[i] instanceof Variable) {
        byVariables.set(this.args[i], own instanceof Variable ? own.value : own);
        return null;
      }
      // A module that holds derivatives in the place of its variables says the same.
      const values = hasNodes(own) ? state(own) : own;
      if (values === own) {
        refuseOthers(this.op, own, new Set(found.map(([, path]) => path)), "");
      }
      for (const [variable, path] of found) {
        const value = valueAt(values, path);
        if (value !== undefined) byVariables.set(variable, value);
      }
      return null;
    });
    return [byArrays, this.variables.map((v) => byVariables.get(v) ?? zeros(v.value))];
  }
}

/** Zeros like a tree, of which only types are looked at: a rule may run when its values are over. */
function zeros(tree: unknown): unknown {
  return treeMap((x) => {
    const { shape, dtype } = toArray(x)!;
    return np.zeros(shape, { dtype });
  }, tree as NDArray);
}

/** Runs `f` with variables that have these values; what it does not write is then what it was. */
function having<T>(
  variables: readonly Variable<unknown>[],
  values: readonly unknown[],
  f: () => T,
): T {
  const before = variables.map((variable) => variable.value);
  variables.forEach((variable, i) => variable.value = values[i]);
  const out = f();
  variables.forEach((variable, i) => {
    if (variable.value === values[i]) variable.value = before[i];
  });
  return out;
}

function checkPrimals(op: string, primals: unknown): void {
  if (Array.isArray(primals)) return;
  throw new TypeError(
    `nnx.${op}: the arguments of the function must be a list, as in nnx.${op}(f, [model, x]), not ${
      describeValue(primals)
    }`,
  );
}

/** The value and what is beside it. */
function apartFromAux(op: string, out: unknown, hasAux: boolean): [unknown, unknown] {
  if (!hasAux) return [plain(op, out), null];
  if (!Array.isArray(out) || out.length !== 2) {
    throw new StateError(
      `nnx.${op}: with hasAux the function must return [value, aux], not ${describeValue(out)}`,
    );
  }
  return [plain(op, out[0]), plain(op, out[1])];
}

/**
 * The value of a function and its derivative in a direction: `[value, tangent]`, with `hasAux`
 * `[value, tangent, aux]`. Tangents of modules are `State`s, which need not have all variables.
 *
 * @throws {StateError} where a tangent is for a variable that `wrt` does not mean, or that there is not.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Linear(2, 1, { rngs: new nnx.Rngs(0) });
 * const call = (m: nnx.Linear, x: NDArray) => m.call(x);
 * const direction = { bias: np.array([3]) };
 * const [, tangent] = nnx.jvp(call, [layer, np.ones([2])], [direction, null]);
 * console.log(tangent.toArray()); // [ 3 ]
 * ```
 */
export function jvp<A extends unknown[], R, const O extends PullOptions>(
  f: (...args: A) => R,
  primals: readonly [...A],
  tangents: GradientsOf<A>,
  options?: O,
): O extends { readonly hasAux: true }
  ? R extends readonly [infer V, unknown] ? [V, V, Auxiliary<R>] : never
  : [R, R] {
  const { hasAux = false, wrt = Param } = options ?? {} as PullOptions;
  checkPrimals("jvp", primals);
  return new Calls("jvp").over(primals, ({ system }) => {
    const targets = new Targets("jvp", primals, wrt);
    const body: Fn = (arrays, values) =>
      apartFromAux("jvp", targets.run(f as Fn, arrays, values), hasAux);
    const arrays = withoutNodes<readonly unknown[]>(primals);
    const [byArrays, byVariables] = targets.apart("the tangents", tangents);
    const [[value, aux], [tangent]] = system.transforms.jvp(
      named(f, body) as never,
      [arrays, targets.values()] as never,
      [byArrays, byVariables] as never,
    ) as [[unknown, unknown], [unknown]];
    return (hasAux ? [value, tangent, aux] : [value, tangent]) as never;
  });
}

/**
 * The value of a function, and what takes a cotangent of it to those of the arguments: `[value, pull]`,
 * with `hasAux` `[value, pull, aux]`. For modules the cotangents are `State`s of the variables that `wrt`
 * means; one that several arguments share is in that of the first.
 *
 * @throws {StateError} where an argument has both modules and arrays.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Linear(2, 1, { rngs: new nnx.Rngs(0) });
 * const call = (m: nnx.Linear, x: NDArray) => m.call(x);
 * const [, pull] = nnx.vjp(call, [layer, np.array([2, 3])]);
 * const [slopes] = pull(np.ones([1]));
 * console.log((slopes!.kernel as NDArray).toArray()); // [ [ 2 ], [ 3 ] ]
 * ```
 */
export function vjp<A extends unknown[], R, const O extends PullOptions>(
  f: (...args: A) => R,
  primals: readonly [...A],
  options?: O,
): O extends { readonly hasAux: true }
  ? R extends readonly [infer V, unknown]
    ? [value: V, pull: (cotangent: V) => GradientsOf<A>, aux: Auxiliary<R>]
  : never
  : [value: R, pull: (cotangent: R) => GradientsOf<A>] {
  const { hasAux = false, wrt = Param } = options ?? {} as PullOptions;
  checkPrimals("vjp", primals);
  return new Calls("vjp").over(primals, ({ system }) => {
    const targets = new Targets("vjp", primals, wrt);
    const body: Fn = (arrays, values) =>
      apartFromAux("vjp", targets.run(f as Fn, arrays, values), hasAux);
    // With hasAux there are three; the dictionary's overloads cannot be chosen without types.
    // Types of functions named by their list of arguments are the caller's, who has checked them.
    const [value, pull, aux] = system.transforms.vjp(
      named(f, body) as never,
      [withoutNodes<readonly unknown[]>(primals), targets.values()] as never,
      { hasAux: true } as never,
    ) as unknown as [unknown, (ct: unknown) => [unknown[], unknown[]], unknown];
    const back = (cotangent: unknown): unknown[] => targets.joined(...pull(cotangent));
    return (hasAux ? [value, back, aux] : [value, back]) as never;
  });
}

/**
 * A function with a derivative rule of its own. `fwd` gives `[value, residuals]`, and `bwd`, from the
 * residuals and a cotangent, a list with a cotangent for each argument: for a module a `State` of its
 * `Param`s, or a module that holds derivatives in their place; what is left out is zero. Residuals may
 * hold the modules of the arguments. By other variables the function is differentiated as usual.
 *
 * @throws {StateError} where what `bwd` gives does not fit the arguments.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * class Scale extends nnx.Module {
 *   readonly factor = new nnx.Param(np.array(2));
 * }
 * // A gradient that is clipped on its way back.
 * const scaled = nnx.customVjp(
 *   (m: Scale, x: NDArray) => x.mul(m.factor.value),
 *   (m, x) => [x.mul(m.factor.value), { m, x }],
 *   ({ m, x }, ct) => {
 *     const clipped = np.clip(ct, -1, 1);
 *     return [{ factor: clipped.mul(x) }, clipped.mul(m.factor.value)];
 *   },
 * );
 * const loss = (m: Scale, x: NDArray) => scaled(m, x).mul(100);
 * console.log(nnx.grad(loss)(new Scale(), np.array(3)).factor!.toString()); // Array(float32[], 3)
 * ```
 */
export function customVjp<A extends unknown[], R, S>(
  f: (...args: A) => R,
  fwd: (...args: A) => readonly [R, S],
  bwd: (residuals: S, cotangent: R) => GradientsOf<A>,
): (...args: A) => R {
  const calls = new Calls("customVjp");
  return (...args) =>
    calls.over(args, ({ system }) => {
      const targets = new Targets("customVjp", args, Param);
      const body: Fn = (arrays, values) => plain("customVjp", targets.run(f as Fn, arrays, values));
      let nodes: unknown = null;
      let kept: readonly Variable<unknown>[] = [];
      const forward: Fn = (arrays, values) =>
        targets.run(
          (...xs) => {
            const out = (fwd as Fn)(...xs);
            if (!Array.isArray(out) || out.length !== 2) {
              throw new StateError(
                `nnx.customVjp: the forward rule must return [value, residuals], not ${
                  describeValue(out)
                }`,
              );
            }
            nodes = onlyNodes(out[1]);
            kept = [...variablesIn(nodes).keys()];
            return [
              plain("customVjp", out[0]),
              [withoutNodes<unknown>(out[1]), kept.map((variable) => variable.value)],
            ];
          },
          arrays,
          values,
        );
      const backward: Fn = (residuals, cotangent) => {
        const [arrays, values] = residuals as [unknown, unknown[]];
        const given = having(
          kept,
          values,
          () => (bwd as Fn)(withNodes(nodes, arrays), cotangent),
        );
        return targets.apart("what the backward rule returns", given);
      };
      const ruled = system.transforms.customVjp(
        named(f, body) as never,
        named(fwd, forward) as never,
        named(bwd, backward) as never,
      ) as Fn;
      return ruled(withoutNodes<readonly unknown[]>(args), targets.values()) as R;
    });
}

/**
 * What a function gives, with shapes and dtypes (`ShapeDtype`s) in the place of arrays, without computing
 * it: modules too, whose variables then hold those. Nothing that it does to its arguments happens.
 *
 * @example
 * ```ts
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const shapes = nnx.evalShape(() => new nnx.Linear(1000, 2000, { rngs: new nnx.Rngs(0) }));
 * console.log(shapes.kernel.value.shape); // [ 1000, 2000 ]
 * ```
 */
export function evalShape<A extends unknown[], R>(f: (...args: A) => R, ...args: A): R {
  return new Calls("evalShape").over(args, ({ system }) => {
    let structure: Structure | null = null;
    const body: Fn = (...arrays) => {
      const out = called(f, withNodes<unknown[]>(args, arrays));
      const graph = new Graph([["", onlyNodes(out)]]);
      structure = structureOf(graph, new Numbering());
      const values = [...graph.variables].map(([variable, path]) => [path, variable.value]);
      return [withoutNodes(out), Object.fromEntries(values) as unknown];
    };
    const [arrays, values] = system.transforms.evalShape(
      named(f, body) as never,
      ...withoutNodes<unknown[]>(args) as never[],
    ) as [unknown, Record<string, unknown>];
    const [made] = build(structure!, new Numbering(), ({ path }) => values[path]);
    return withNodes(made, arrays) as R;
  });
}

/**
 * Transforms of functions that have modules among their arguments: `jit`, derivatives, `remat`, branches
 * and loops. What a function does to its modules is done to them when the transform is over.
 *
 * `vmap` and `scan`, with axes for variables, are in `mapped.ts`.
 *
 * @module
 */
import { called, describeValue } from "../../lib/extend.ts";
import {
  type JitOptions,
  type LiftedTransforms,
  type NDArray,
  StateError,
  type WhileOptions,
} from "../../mod.ts";
import { Calls, checkSameNodes, type Fn, named, variablesIn } from "./arguments.ts";
import { type Filter, toPredicate } from "./filters.ts";
import { nest, type State } from "./state.ts";
import { hasNodes, keyOf, type System, withNodes, withoutNodes } from "./system.ts";
import { Param, Variable } from "./variable.ts";

/**
 * Compiles a function. Programs are kept by the structure of the modules in the arguments, flags and
 * sharing included, beside the shapes and dtypes of all arrays, so that another model of the same
 * structure runs the same program. Modules may be made in the function and returned.
 *
 * @throws {StateError} where the function writes a variable that is not reachable in its trace.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const norm = new nnx.BatchNorm(1, { momentum: 0.5, rngs: new nnx.Rngs(0) });
 * const forward = nnx.jit((m: nnx.BatchNorm, x: NDArray) => m.call(x));
 * forward(norm, np.array([[1], [3]]));
 * console.log(norm.mean.value.toArray()); // [ 1 ]
 * norm.eval();
 * console.log(forward(norm, np.array([[1]])).toArray()); // [ [ 0 ] ]
 * ```
 */
export function jit<A extends unknown[], R>(
  f: (...args: A) => R,
  options: JitOptions = {},
): (...args: A) => R {
  const calls = new Calls("jit");
  const compiled = new WeakMap<object, Fn>();
  return (...args) =>
    calls.over(args, (call) => {
      const { system } = call;
      let fn = compiled.get(system);
      if (fn === undefined) {
        const body: Fn = (...arrays) =>
          system.give(called(f, withNodes(call.args, arrays))) as never;
        compiled.set(system, fn = system.transforms.jit(named(f, body) as never, options) as Fn);
      }
      return system.receive(fn(...withoutNodes(args)) as never) as R;
    });
}

/** A function whose intermediate values are computed again in the backward pass, to save memory. */
export function remat<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R {
  const calls = new Calls("remat");
  return (...args) =>
    calls.over(args, ({ system }) => {
      const body: Fn = (...arrays) =>
        system.give(called(f, withNodes<readonly unknown[]>(args, arrays))) as never;
      const fn = system.transforms.checkpoint(named(f, body) as never) as Fn;
      return system.receive(fn(...withoutNodes(args) as unknown[]) as never) as R;
    });
}

/** Which variables of an argument a derivative is by. */
export class DiffState {
  /** `argnum` is the argument, `filter` which of its variables. */
  constructor(readonly argnum: number, readonly filter: Filter) {}
}

/** Options of `grad` and `valueAndGrad`. */
export interface GradOptions {
  /**
   * By which arguments: a position, or a list of such. For a module, its `Param`s are meant; a `DiffState`
   * says which variables else. Default 0.
   */
  readonly argnums?: number | DiffState | readonly (number | DiffState)[] | undefined;
  /** Whether the function gives `[value, aux]`. */
  readonly hasAux?: boolean | undefined;
}

/** The derivative by an argument: like it, or the `State` of the variables meant where it has modules. */
export type GradientOf<T> = T extends NDArray ? NDArray
  : T extends Variable<infer V> ? V
  : T extends readonly unknown[] ? { [K in keyof T]: GradientOf<T[K]> }
  : T extends { readonly [name: string]: NDArray } ? T
  : State;

/** The argument that options name alone. */
export type ArgumentAt<A extends unknown[], N> = N extends { readonly argnums: number }
  ? A[N["argnums"]]
  : A[0];

/** The derivative by what options say. */
export type Gradients<A extends unknown[], O> = O extends
  { readonly argnums: readonly unknown[] | DiffState } ? O["argnums"] extends DiffState ? State
  : (State | NDArray)[]
  : GradientOf<ArgumentAt<A, O>>;

/** What a function gives, with what options say is beside the value. */
export type Auxiliary<R> = R extends readonly [unknown, infer X] ? X : never;

/**
 * Value and gradient of a scalar function, by its parameters or other arguments.
 *
 * @throws {StateError} where an argument mixes modules and arrays.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Linear(2, 1, { rngs: new nnx.Rngs(0) });
 * const loss = (m: nnx.Linear, x: NDArray) => m.call(x).sum();
 * const [, slopes] = nnx.valueAndGrad(loss)(layer, np.array([2, 3]));
 * console.log((slopes.kernel as NDArray).toArray()); // [ [ 2 ], [ 3 ] ]
 * ```
 */
export function valueAndGrad<A extends unknown[], R, const O extends GradOptions>(
  f: (...args: A) => R,
  options?: O,
): (
  ...args: A
) => [O extends { readonly hasAux: true } ? [NDArray, Auxiliary<R>] : NDArray, Gradients<A, O>] {
  return derivative(
    "valueAndGrad",
    f as Fn,
    options ?? {},
    (value, g) => [value, g],
  ) as never;
}

/**
 * The gradient of a scalar function, by its parameters or other arguments; with `hasAux`, `[gradient,
 * aux]`. Raises as `valueAndGrad`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Linear(2, 1, { rngs: new nnx.Rngs(0) });
 * const byBias = nnx.grad((m: nnx.Linear) => m.call(np.ones([2])).sum(), {
 *   argnums: new nnx.DiffState(0, (path) => path === "bias"),
 * });
 * console.log(Object.keys(byBias(layer))); // [ "bias" ]
 * ```
 */
export function grad<A extends unknown[], R, const O extends GradOptions>(
  f: (...args: A) => R,
  options?: O,
): (
  ...args: A
) => O extends { readonly hasAux: true } ? [Gradients<A, O>, Auxiliary<R>] : Gradients<A, O> {
  const hasAux = options?.hasAux === true;
  return derivative(
    "grad",
    f as Fn,
    options ?? {},
    (value, g) => hasAux ? [g, (value as unknown[])[1]] : g,
  ) as never;
}

function derivative(
  op: "grad" | "valueAndGrad",
  f: Fn,
  { argnums = 0, hasAux = false }: GradOptions,
  shape: (value: unknown, gradient: unknown) => unknown,
): Fn {
  const calls = new Calls(op);
  const list = Array.isArray(argnums) ? argnums as (number | DiffState)[] : [argnums as number];
  return (...args) =>
    calls.over(args, ({ system, roots }) => {
      const all = system.variables(roots);
      const targets = list.map((given) => target(op, args, given, all));
      const entries = new Set(targets.flatMap((t) => t.entries?.map(([, key]) => key) ?? []));
      const positions = targets.flatMap((t) => t.entries === null ? [t.argnum] : []);
      const body: Fn = (...arrays) => {
        const out = called(f, withNodes<readonly unknown[]>(args, arrays));
        if (!hasAux) return [out, system.give(null)];
        if (!Array.isArray(out) || out.length !== 2) return out;
        return [out[0], system.give(out[1])];
      };
      const transform = system.transforms[op] as LiftedTransforms["valueAndGrad"];
      const fn = transform(named(f, body) as never, {
        argnums: positions,
        entries: (path, collection) => entries.has(`${collection}:${path}`),
        hasAux: true,
      }) as Fn;
      const out = fn(...withoutNodes(args)) as [unknown, unknown];
      const [[value, aux], [byArgs, byEntries]] =
        (op === "grad" ? [[null, out[1]], out[0]] : out) as [
          [unknown, never],
          [unknown[], Record<string, unknown>],
        ];
      const received = system.receive(aux);
      let next = 0;
      const gradients = targets.map((t, i) => {
        if (t.entries === null) return byArgs[next++];
        const own = t.entries.map(([path, key]): [string, unknown] => [
          path,
          byEntries[key.slice(key.indexOf(":") + 1)],
        ]);
        return args[targets[i]!.argnum] instanceof Variable ? own[0]![1] : nest(own);
      });
      return shape(
        hasAux ? [value, received] : value,
        Array.isArray(argnums) ? gradients : gradients[0],
      );
    });
}

interface Target {
  readonly argnum: number;
  /** The paths in the argument, with the entries, of the variables meant; `null` for arrays. */
  readonly entries: readonly (readonly [path: string, key: string])[] | null;
}

function target(
  op: string,
  args: readonly unknown[],
  given: number | DiffState,
  all: ReadonlyMap<Variable<unknown>, string>,
): Target {
  const isState = given instanceof DiffState;
  const n = isState ? given.argnum : given;
  const argnum = n < 0 ? n + args.length : n;
  if (!Number.isInteger(argnum) || argnum < 0 || argnum >= args.length) {
    throw new RangeError(
      `nnx.${op}: argnums names argument ${describeValue(n)}, but there are ${args.length}`,
    );
  }
  const arg = args[argnum];
  if (!hasNodes(arg)) {
    if (!isState) return { argnum, entries: null };
    throw new StateError(`nnx.${op}: DiffState names argument ${n}, which has no modules`);
  }
  const means = toPredicate(isState ? given.filter : Param);
  const found = [...variablesIn(arg)].filter(([v, path]) => means(path, v));
  if (found.length === 0) {
    throw new StateError(
      `nnx.${op}: the filter means no variable of argument ${n}; there are ${
        [...variablesIn(arg)].map(([v, path]) => `${path} (${v.type})`).join(", ")
      }`,
    );
  }
  return { argnum, entries: found.map(([v, path]) => [path, keyOf(v, all.get(v)!)]) };
}

const branching = new Calls("cond");

/** A result without modules: branches and loops have those that they were given. */
export function plain(op: string, out: unknown): unknown {
  if (!hasNodes(out)) return out;
  throw new StateError(
    `nnx.${op}: the function returned a module: return arrays. What is in the variables of the modules ` +
      "that it was given is carried by itself",
  );
}

/**
 * Chooses between branches over operands with modules. A branch may be there for what it does to these, and
 * return nothing. What is sown has to be so in all of them.
 */
function chosen<R>(
  op: "cond" | "switchCase",
  operands: readonly unknown[],
  choose: (system: System, branch: (f: unknown) => Fn) => unknown,
): R {
  return branching.over(operands, ({ system }) => {
    let first: string | undefined;
    const branch = (f: unknown): Fn =>
      named(f, (...xs) => {
        const out = plain(op, called(f, withNodes<readonly unknown[]>(operands, xs)) ?? null);
        const [arrays, values, sown] = system.give(out);
        const what = Object.entries(sown).map(([key, list]) => `${key} ${list.length}`).join();
        if ((first ??= what) !== what) {
          throw new StateError(
            `nnx.${op}: values are sown in some of the branches only, or more often than in others. Sow as ` +
              "many in each, under the same names",
          );
        }
        return [arrays, values, sown];
      });
    return system.receive(choose(system, branch) as never) as R;
  });
}

/**
 * `pred ? ifTrue(...operands) : ifFalse(...operands)`, with modules among the operands. A branch that is
 * not taken changes nothing; flags must be changed by both alike. Branches return trees of arrays, or
 * nothing.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const norm = new nnx.BatchNorm(1, { momentum: 0, rngs: new nnx.Rngs(0) });
 * const step = (m: nnx.BatchNorm, x: NDArray) => m.call(x).sum();
 * nnx.cond(np.array(0), step, (_, x) => x.sum(), norm, np.array([[5]]));
 * console.log(norm.mean.value.toArray()); // [ 0 ]
 * ```
 */
export function cond<A extends unknown[], R>(
  pred: NDArray | boolean,
  ifTrue: (...operands: A) => R,
  ifFalse: (...operands: NoInfer<A>) => NoInfer<R>,
  ...operands: A
): R {
  return chosen("cond", operands, (system, branch) =>
    system.transforms.cond(
      pred,
      branch(ifTrue) as never,
      branch(ifFalse) as never,
      ...withoutNodes<unknown[]>(operands) as never[],
    ));
}

/** `branches[index](...operands)`, `nnx.switch` of Flax, with modules among the operands; as `cond`. */
export function switchCase<A extends unknown[], R>(
  index: number | NDArray,
  branches: readonly ((...operands: A) => R)[],
  ...operands: A
): R {
  return chosen("switchCase", operands, (system, branch) => {
    // One function in several branches stays one.
    const bodies = new Map(branches.map((f) => [f, branch(f)]));
    return system.transforms.switchCase(
      index,
      branches.map((f) => bodies.get(f)!) as never,
      ...withoutNodes<unknown[]>(operands) as never[],
    );
  });
}

/** A body of a loop over a value with modules. */
function looped(op: string, init: unknown, f: unknown, at: number): Fn {
  return named(f, (...xs) => {
    const value = withNodes(init, xs[at]);
    const out = called(f, [...xs.slice(0, at), value]);
    checkSameNodes(op, "the value of the loop", init, out);
    return withoutNodes(out);
  });
}

/**
 * Repeats `value = body(value)` while `cond(value)`; modules may be in the value, and stay the same. With
 * `maxSteps` it stops after so many steps, and has derivatives in both modes.
 *
 * @throws {StateError} where the body returns other modules, or the condition writes or draws.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * type Value = [nnx.Variable, NDArray];
 * const total = new nnx.Variable(np.array(0));
 * nnx.whileLoop(([, i]: Value) => i.less(4), ([total, i]: Value): Value => {
 *   total.value = total.value.add(i);
 *   return [total, i.add(1)];
 * }, [total, np.array(0)]);
 * console.log(total.value.item()); // 6
 * ```
 */
export function whileLoop<X>(
  cond: (value: X) => NDArray | boolean,
  body: (value: X) => X,
  init: X,
  options: WhileOptions = {},
): X {
  return branching.over([init], ({ system }) => {
    const test = named(cond, (x) => (cond as Fn)(withNodes(init, x)));
    const out = system.transforms.whileLoop(
      test as never,
      looped("whileLoop", init, body, 0) as never,
      withoutNodes(init) as never,
      options,
    );
    return withNodes(init, out);
  });
}

/** `for (i = lower; i < upper; i++) value = body(i, value)`; as `whileLoop`. */
export function foriLoop<X>(
  lower: number | NDArray,
  upper: number | NDArray,
  body: (i: NDArray, value: X) => X,
  init: X,
): X {
  return branching.over([init], ({ system }) => {
    const out = system.transforms.foriLoop(
      lower,
      upper,
      looped("foriLoop", init, body, 1) as never,
      withoutNodes(init) as never,
    );
    return withNodes(init, out);
  });
}

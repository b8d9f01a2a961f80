/**
 * Transforms of functions whose arguments and results have leaves that are no arrays: each parts the
 * trees, applies the transform to the arrays, and puts them together again.
 *
 * @module
 */
import { called, checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import {
  type ClosedJaxpr,
  type JitOptions,
  makeJaxpr,
  NDArray,
  type TreeDef,
  TreeError,
  treeFlatten,
  treeUnflatten,
  type VmapOptions,
} from "../../mod.ts";
import { transforms } from "./context.ts";
import { pack, type Packed } from "./packed.ts";
import { isInexactArray, spread } from "./trees.ts";

/** A function of arguments `A` with result `R`. */
export type Fn<A extends unknown[], R> = (...args: A) => R;

/** A function of packed arguments whose result is packed, under the name of the user's. */
function packing<A extends unknown[], R>(op: string, f: Fn<A, R>): (args: Packed) => Packed {
  if (typeof f !== "function") {
    throw new TypeError(
      `${op}: the first argument must be a function, not ${describeValue(f)}. Of a module, pass ` +
        "(m, x) => m.call(x), with the module as an argument",
    );
  }
  const packed = (args: Packed): Packed => pack(called(f, args.unpack() as A));
  return Object.defineProperty(packed, "name", { value: f.name });
}

const jitOptions: OptionTable<Pick<JitOptions, "backend">> = { backend: "string" };

/**
 * Compiles a function to one program. Arrays of its arguments are inputs of the program; all other leaves,
 * numbers among them, are part of it, and another value of one compiles anew.
 *
 * @example
 * ```ts
 * import { nn, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const mlp = new eqx.nn.MLP(2, 1, 8, 2, { key: random.key(0), activation: nn.gelu });
 * const run = eqx.filterJit((m: eqx.nn.MLP, x: NDArray) => m.call(x), { backend: "interpreter" });
 * console.log(run(mlp, np.ones([2])).shape); // [ 1 ]
 * ```
 */
export function filterJit<A extends unknown[], R>(
  f: Fn<A, R>,
  options: Pick<JitOptions, "backend"> = {},
): Fn<A, R> {
  if (arguments.length > 1) checkCall("eqx.filterJit(f, options)", arguments, jitOptions);
  const compiled = transforms.jit(packing("eqx.filterJit", f), options);
  return (...args) => compiled(pack(args)).unpack() as R;
}

/** Options of derivatives. */
export interface GradOptions<Aux extends boolean = boolean> {
  /** Whether the function returns `[value, aux]`. */
  readonly hasAux?: Aux | undefined;
}

const gradOptions: OptionTable<GradOptions> = { hasAux: "boolean" };

/** The floating-point arrays of a tree, and how to make the tree with others. */
function differentiable(op: string, tree: unknown) {
  const [leaves, def] = treeFlatten(tree);
  const arrays = leaves.filter(isInexactArray);
  if (arrays.length === 0) {
    throw new TreeError(
      `${op}: the first argument has no floating-point arrays to differentiate by. What is differentiated ` +
        "comes first; put several things in a list",
    );
  }
  const fill = (xs: readonly unknown[], others: (leaf: unknown) => unknown): unknown => {
    let next = 0;
    return treeUnflatten(def, leaves.map((x) => isInexactArray(x) ? xs[next++] : others(x)));
  };
  return {
    arrays,
    /** The tree with other arrays. */
    withArrays: (xs: readonly NDArray[]): unknown => fill(xs, (leaf) => leaf),
    /** A tree of derivatives, `null` where a leaf has none. */
    derivatives: (xs: readonly unknown[]): unknown => fill(xs, () => null),
  };
}

/** Value, auxiliary output (a packed tree) and gradient. */
function differentiate<X, A extends unknown[]>(
  op: string,
  f: Fn<[X, ...A], unknown>,
  hasAux: boolean,
  x: X,
  args: A,
): { value: NDArray; aux: unknown; gradient: X } {
  const { arrays, withArrays, derivatives } = differentiable(op, x);
  const scalar = (xs: NDArray[]): [NDArray, Packed] => {
    const out = called(f, [withArrays(xs), ...args]);
    if (!hasAux) return [out as NDArray, pack(null)];
    if (!Array.isArray(out) || out.length !== 2) {
      throw new TreeError(`${op}: with hasAux, the function must return [value, aux]`);
    }
    return [out[0], pack(out[1])];
  };
  Object.defineProperty(scalar, "name", { value: f.name });
  const [[value, aux], gradient] = transforms.valueAndGrad(scalar, { hasAux: true })(arrays);
  return { value, aux: aux.unpack(), gradient: derivatives(gradient) as X };
}

/**
 * The gradient of a scalar function by all floating-point arrays of its first argument: a tree like that,
 * with `null` in the place of all other leaves. With `hasAux`, `[gradient, aux]`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const layer = new eqx.nn.Linear(2, 1, { key: random.key(0) });
 * const slope = eqx.filterGrad((m: eqx.nn.Linear, x: NDArray) => m.call(x).sum());
 * console.log(slope(layer, np.array([2, 3])).weight.toArray()); // [ [ 2, 3 ] ]
 * ```
 */
export function filterGrad<X, A extends unknown[], Aux>(
  f: Fn<[X, ...A], readonly [NDArray, Aux]>,
  options: { readonly hasAux: true },
): Fn<[X, ...A], [gradient: X, aux: Aux]>;
/** Without auxiliary output. */
export function filterGrad<X, A extends unknown[]>(
  f: Fn<[X, ...A], NDArray>,
  options?: GradOptions<false>,
): Fn<[X, ...A], X>;
export function filterGrad<X, A extends unknown[]>(
  f: Fn<[X, ...A], unknown>,
  options: GradOptions = {},
): Fn<[X, ...A], unknown> {
  if (arguments.length > 1) checkCall("eqx.filterGrad(f, options)", arguments, gradOptions);
  const { hasAux = false } = options;
  return (x, ...args) => {
    const { gradient, aux } = differentiate("eqx.filterGrad", f, hasAux, x, args);
    return hasAux ? [gradient, aux] : gradient;
  };
}

/**
 * `[value, gradient]` of a scalar function, by all floating-point arrays of its first argument. With
 * `hasAux`, `[[value, aux], gradient]`.
 *
 * @example A step of gradient descent, with state
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const [norm, state] = eqx.makeWithState(eqx.nn.BatchNorm)(2, { mode: "batch" });
 * const loss = (m: eqx.nn.BatchNorm, x: NDArray, state: eqx.State): [NDArray, eqx.State] => {
 *   const [y, after] = m.call(x, state);
 *   return [y.sub(1).square().mean(), after];
 * };
 * const x = np.array([[1, 2], [3, 4]]);
 * const [[value, after], slope] = eqx.filterValueAndGrad(loss, { hasAux: true })(norm, x, state);
 * const moved = eqx.applyUpdates(norm, eqx.mapArrays((g) => g.mul(-0.5), slope));
 * console.log(loss(moved, x, after)[0].item() < value.item()); // true
 * ```
 */
export function filterValueAndGrad<X, A extends unknown[], Aux>(
  f: Fn<[X, ...A], readonly [NDArray, Aux]>,
  options: { readonly hasAux: true },
): Fn<[X, ...A], [result: [value: NDArray, aux: Aux], gradient: X]>;
/** Without auxiliary output. */
export function filterValueAndGrad<X, A extends unknown[]>(
  f: Fn<[X, ...A], NDArray>,
  options?: GradOptions<false>,
): Fn<[X, ...A], [value: NDArray, gradient: X]>;
export function filterValueAndGrad<X, A extends unknown[]>(
  f: Fn<[X, ...A], unknown>,
  options: GradOptions = {},
): Fn<[X, ...A], unknown> {
  if (arguments.length > 1) checkCall("eqx.filterValueAndGrad(f, options)", arguments, gradOptions);
  const { hasAux = false } = options;
  return (x, ...args) => {
    const op = "eqx.filterValueAndGrad";
    const { value, gradient, aux } = differentiate(op, f, hasAux, x, args);
    return [hasAux ? [value, aux] : value, gradient];
  };
}

/** Blocks of a derivative: for each array of the result, one for each array of the argument. */
type Derivative = (xs: NDArray[]) => unknown[][];

/** Jacobians by the floating-point arrays of the first argument. */
function jacobian(name: "jacfwd" | "jacrev" | "hessian") {
  return <X, A extends unknown[]>(f: Fn<[X, ...A], unknown>): Fn<[X, ...A], unknown> =>
  (x, ...args) => {
    const op = `eqx.filter${name[0]!.toUpperCase()}${name.slice(1)}`;
    const { arrays, withArrays, derivatives } = differentiable(op, x);
    let out: readonly unknown[] = [];
    let def: TreeDef | null = null;
    const flat = (xs: NDArray[]): NDArray[] => {
      [out, def] = treeFlatten(f(withArrays(xs) as X, ...args));
      return out.filter(isInexactArray);
    };
    const differentiated = transforms[name] as (f: (xs: NDArray[]) => NDArray[]) => Derivative;
    const rows = differentiated(flat)(arrays);
    let next = 0;
    const each = (row: unknown[]): unknown =>
      name === "hessian"
        ? derivatives(row.map((block) => derivatives(block as unknown[])))
        : derivatives(row);
    return treeUnflatten(
      def!,
      out.map((leaf) => isInexactArray(leaf) ? each(rows[next++]!) : null),
    );
  };
}

/**
 * The Jacobian by forward mode, by the floating-point arrays of the first argument: the tree of the
 * result, with a tree like the argument in the place of each array.
 */
export const filterJacfwd: <X, A extends unknown[]>(
  f: Fn<[X, ...A], unknown>,
) => Fn<[X, ...A], unknown> = jacobian("jacfwd");

/** The Jacobian by reverse mode, as `filterJacfwd` gives it. */
export const filterJacrev: <X, A extends unknown[]>(
  f: Fn<[X, ...A], unknown>,
) => Fn<[X, ...A], unknown> = jacobian("jacrev");

/** Second derivatives: as `filterJacfwd`, and once more a tree like the argument in the place of each array. */
export const filterHessian: <X, A extends unknown[]>(
  f: Fn<[X, ...A], unknown>,
) => Fn<[X, ...A], unknown> = jacobian("hessian");

/**
 * `[f(...primals), derivative along tangents]`, forward mode. A tangent is `null` where a leaf is no
 * floating-point array, or does not move; the derivative is `null` where a leaf of the result is no
 * floating-point array.
 *
 * @throws {TreeError} where there is a tangent for a leaf that can have none.
 */
export function filterJvp<A extends unknown[], R>(
  f: Fn<A, R>,
  primals: A,
  tangents: { readonly [K in keyof A]: A[K] | null },
): [out: R, tangent: R] {
  if (arguments.length > 3) checkCall("eqx.filterJvp(f, primals, tangents)", arguments);
  const op = "eqx.filterJvp";
  const { arrays, withArrays } = differentiable(op, primals);
  const given = spread(op, "the tangents", tangents, primals);
  const directions = treeFlatten(primals)[0].flatMap((x, i) => {
    const t = given[i];
    if (isInexactArray(x)) return [t === null ? x.mul(0) : t as NDArray];
    if (t === null) return [];
    throw new TreeError(
      `${op}: there is a tangent for ${
        describeValue(x)
      }, which can have none. Give null there, as ` +
        "filterGrad does",
    );
  });
  let def: TreeDef | null = null;
  let moves: boolean[] = [];
  const parted = (...xs: NDArray[]): { floats: NDArray[]; rest: Packed } => {
    const [leaves, own] = treeFlatten(called(f, withArrays(xs) as A));
    def = own;
    moves = leaves.map(isInexactArray);
    return {
      floats: leaves.filter(isInexactArray),
      rest: pack(leaves.filter((x) => !isInexactArray(x))),
    };
  };
  Object.defineProperty(parted, "name", { value: f.name });
  const [out, tangent] = transforms.jvp(parted, arrays, directions);
  const joined = (floats: readonly NDArray[], rest: readonly unknown[]): R => {
    let at = 0, other = 0;
    return treeUnflatten(def!, moves.map((m) => m ? floats[at++] : rest[other++])) as R;
  };
  const rest = out.rest.unpack() as unknown[];
  return [joined(out.floats, rest), joined(tangent.floats, rest.map(() => null))];
}

/**
 * `[f(...primals), pull]`, reverse mode: `pull(cotangent)` gives a tree for each argument, `null` where a
 * leaf is no floating-point array. The result's leaves must be floating-point arrays. With `hasAux`, `f`
 * gives `[value, aux]`, and this `[value, pull, aux]`.
 */
export function filterVjp<A extends unknown[], R, Aux>(
  f: Fn<A, readonly [R, Aux]>,
  primals: A,
  options: { readonly hasAux: true },
): [out: R, pull: (cotangent: R) => A, aux: Aux];
/** Without auxiliary output. */
export function filterVjp<A extends unknown[], R>(
  f: Fn<A, R>,
  primals: A,
  options?: GradOptions<false>,
): [out: R, pull: (cotangent: R) => A];
export function filterVjp<A extends unknown[]>(
  f: Fn<A, unknown>,
  primals: A,
  options: GradOptions = {},
): [unknown, (cotangent: unknown) => A, ...unknown[]] {
  if (arguments.length > 2) checkCall("eqx.filterVjp(f, primals, options)", arguments, gradOptions);
  const { arrays, withArrays, derivatives } = differentiable("eqx.filterVjp", primals);
  const { hasAux = false } = options;
  const [out, pull, aux] = transforms.vjp(
    (...xs: NDArray[]): [Packed, Packed] => {
      const result = called(f, withArrays(xs) as A);
      const [value, aux] = hasAux ? result as [unknown, unknown] : [result, null];
      return [pack(value), pack(aux)];
    },
    arrays,
    { hasAux: true },
  );
  const back = (cotangent: unknown): A =>
    derivatives(pull(pack(cotangent) as never) as readonly NDArray[]) as A;
  return hasAux ? [out.unpack(), back, aux.unpack()] : [out.unpack(), back];
}

/** An axis for each array of a tree: a number, `null` for none, or a prefix of the tree of these. */
export type AxisSpec = number | null | readonly AxisSpec[] | { readonly [name: string]: AxisSpec };

/** Options of `filterVmap`: those of `vmap`, with axes by leaf. */
export interface FilterVmapOptions extends Omit<VmapOptions, "inAxes" | "outAxes"> {
  /** Axes of the arguments: one for all arrays (default 0), or a list with one entry an argument. */
  readonly inAxes?: AxisSpec | undefined;
  /** Axes of the result's arrays (default 0). `null`: the value is the same in all lanes. */
  readonly outAxes?: AxisSpec | undefined;
}

const vmapOptions: OptionTable<FilterVmapOptions> = {
  inAxes: "axes",
  outAxes: "axes",
  axisName: "string",
  axisSize: "count",
  splitRng: "object",
  stateAxes: "object",
  reduceState: "object",
};

/** The axis of each array in a tree. */
function axesOf(what: string, spec: AxisSpec, tree: unknown): (number | null)[] {
  const own = spread("eqx.filterVmap", what, spec, tree);
  return treeFlatten(tree)[0].flatMap((leaf, i) =>
    leaf instanceof NDArray ? [own[i] as number | null] : []
  );
}

/** All axes that a specification names. */
function axesIn(spec: AxisSpec): (number | null)[] {
  if (spec === null || typeof spec === "number") return [spec];
  return [...new Set(Object.values(spec).flatMap(axesIn))];
}

/**
 * Maps a function over an axis of the arrays of its arguments. All other leaves are the same in each
 * lane. So `filterVmap((key) => new Model(key))(keys)` makes an ensemble, whose parameters are stacked.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const make = (key: NDArray) => new eqx.nn.Linear(2, 3, { key });
 * const ensemble = eqx.filterVmap(make)(random.split(random.key(0), 5));
 * console.log(ensemble.weight.shape); // [ 5, 3, 2 ]
 * const apply = eqx.filterVmap((m: eqx.nn.Linear, x: NDArray) => m.call(x), { inAxes: [0, null] });
 * console.log(apply(ensemble, np.ones([2])).shape); // [ 5, 3 ]
 * ```
 */
export function filterVmap<A extends unknown[], R>(
  f: Fn<A, R>,
  options: FilterVmapOptions = {},
): Fn<A, R> {
  if (arguments.length > 1) checkCall("eqx.filterVmap(f, options)", arguments, vmapOptions);
  const packed = packing("eqx.filterVmap", f);
  const { inAxes = 0, outAxes = 0, ...rest } = options;
  return (...args) => {
    const given = pack(args);
    const axes = axesOf("inAxes", inAxes, given.unpack());
    // What the result is, is known when the function has run: its arrays leave in groups, by axis.
    const groups = axesIn(outAxes);
    let out: Packed | null = null;
    let places: (number | null)[] = [];
    const run = (arrays: NDArray[]): NDArray[][] => {
      const result = out = packed(given.withArrays(arrays));
      places = axesOf("outAxes", outAxes, result.unpack());
      return groups.map((axis) => result.arrays.filter((_, i) => places[i] === axis) as NDArray[]);
    };
    Object.defineProperty(run, "name", { value: f.name });
    const mapped = transforms.vmap(run, { ...rest, inAxes: [axes], outAxes: groups })(
      given.arrays as NDArray[],
    );
    const next = groups.map(() => 0);
    const arrays = places.map((axis) => {
      const k = groups.indexOf(axis);
      return mapped[k]![next[k]!++]!;
    });
    return out!.withArrays(arrays).unpack() as R;
  };
}

/** A function whose intermediate values are computed again in the backward pass, to save memory. */
export function filterCheckpoint<A extends unknown[], R>(f: Fn<A, R>): Fn<A, R> {
  if (arguments.length !== 1) checkCall("eqx.filterCheckpoint(f)", arguments);
  const kept = transforms.checkpoint(packing("eqx.filterCheckpoint", f));
  return (...args) => kept(pack(args)).unpack() as R;
}

/**
 * What a function gives, with shapes and dtypes in place of arrays and without computing. All other
 * leaves are as the function gives them. `ShapeDtype`s may stand for arrays of the arguments.
 */
export function filterEvalShape<A extends unknown[], R>(f: Fn<A, R>, ...args: A): R {
  const shapes = transforms.evalShape<[Packed], Packed>(
    packing("eqx.filterEvalShape", f),
    pack(args),
  );
  // A pack with shapes in it, whose type says arrays only.
  return (shapes as unknown as Packed).unpack() as R;
}

/** The program of a function, whose inputs are the arrays of its arguments. */
export function filterMakeJaxpr<A extends unknown[], R>(f: Fn<A, R>): Fn<A, ClosedJaxpr> {
  if (arguments.length !== 1) checkCall("eqx.filterMakeJaxpr(f)", arguments);
  const program = makeJaxpr(packing("eqx.filterMakeJaxpr", f));
  return (...args) => program(pack(args) as never);
}

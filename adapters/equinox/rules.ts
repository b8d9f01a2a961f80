/**
 * Functions of trees with leaves that are no arrays, and with derivative rules of their own.
 *
 * @module
 */
import { checkCall, describeValue } from "../../lib/extend.ts";
import { NDArray, numpy as np, TreeError, treeFlatten, treeUnflatten } from "../../mod.ts";
import { transforms } from "./context.ts";
import { pack, type Packed } from "./packed.ts";
import type { Fn } from "./transforms.ts";
import { isInexactArray, spread } from "./trees.ts";

/** A tree in two parts: its floating-point arrays, and all other leaves. */
interface Parted {
  readonly floats: readonly NDArray[];
  readonly rest: Packed;
}

const float = Symbol("floating-point array");

function part(tree: unknown): Parted {
  const [leaves, def] = treeFlatten(tree);
  const floats = leaves.filter(isInexactArray);
  const rest = pack(treeUnflatten(def, leaves.map((x) => isInexactArray(x) ? float : x)));
  return { floats, rest };
}

function join({ floats, rest }: Parted): unknown {
  return filled(rest, floats, (leaf) => leaf);
}

/** A tree with these in the place of its floating-point arrays. */
function filled(
  rest: Packed,
  floats: readonly unknown[],
  others: (leaf: unknown) => unknown,
): unknown {
  const [leaves, def] = treeFlatten(rest.unpack());
  let next = 0;
  return treeUnflatten(def, leaves.map((x) => x === float ? floats[next++] : others(x)));
}

/** Derivatives as users see them: `null` where a leaf has none. */
const derivatives = (rest: Packed, floats: readonly unknown[]): unknown =>
  filled(rest, floats, () => null);

/** What a rule gave as derivatives of a tree: one for each floating-point array, zero for `null`. */
function given(op: string, what: string, tree: unknown, like: Parted): NDArray[] {
  const own = like.rest.unpack();
  const derivatives = spread(op, what, tree, own);
  let next = 0;
  return treeFlatten(own)[0].flatMap((leaf, i) => {
    const t = derivatives[i] ?? null;
    if (leaf === float) {
      const { shape, dtype } = like.floats[next++]!;
      return [t === null ? np.zeros(shape, { dtype }) : t as NDArray];
    }
    if (!(t instanceof NDArray)) return [];
    throw new TreeError(`${op}: ${what} has an array where there is no floating-point array`);
  });
}

function pair(op: string, rule: string, out: unknown, names: string): [unknown, unknown] {
  if (Array.isArray(out) && out.length === 2) return out as [unknown, unknown];
  throw new TreeError(`${op}: the ${rule} must return ${names}, not ${describeValue(out)}`);
}

function checkFunctions(op: string, functions: readonly unknown[]): void {
  for (const f of functions) {
    if (typeof f === "function") continue;
    throw new TypeError(
      `${op}: the function and its rules must be functions, not ${describeValue(f)}`,
    );
  }
}

/**
 * A function with a rule for its derivative along tangents: `rule(primals, tangents)` gives
 * `[result, tangent]`. Tangents are trees like the arguments and the result, `null` where a leaf is no
 * floating-point array.
 *
 * @throws {TreeError} where the rule gives a tangent that is not like the result.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * const call = eqx.filterCustomJvp(
 *   (f: (x: NDArray) => NDArray, x: NDArray) => f(x),
 *   ([f, x], [, dx]) => [f(x), dx!.mul(100)],
 * );
 * const [, slope] = eqx.filterJvp((x) => call(np.sin, x), [np.array(1)], [np.array(2)]);
 * console.log(slope.item()); // 200
 * ```
 */
export function filterCustomJvp<A extends unknown[], R>(
  f: Fn<A, R>,
  rule: (
    primals: A,
    tangents: { readonly [K in keyof A]: A[K] | null },
  ) => readonly [out: R, tangent: R | null],
): Fn<A, R> {
  const op = "eqx.filterCustomJvp";
  if (arguments.length !== 2) checkCall("eqx.filterCustomJvp(f, rule)", arguments);
  checkFunctions(op, [f, rule]);
  const body = (floats: NDArray[], rest: Packed): Parted => part(f(...join({ floats, rest }) as A));
  Object.defineProperty(body, "name", { value: f.name });
  const ruled = transforms.customJvp(
    body as never,
    (([floats, rest]: [NDArray[], Packed], [dots]: [NDArray[], Packed]): [Parted, Parted] => {
      const primals = join({ floats, rest }) as A;
      const tangents = derivatives(rest, dots) as A;
      const [out, tangent] = pair(op, "rule", rule(primals, tangents), "[result, tangent]");
      const result = part(out);
      const still = result.rest.arrays.map((x) => np.zerosLike(x as NDArray));
      return [
        result,
        { floats: given(op, "the tangent", tangent, result), rest: result.rest.withArrays(still) },
      ];
    }) as never,
  ) as (floats: readonly NDArray[], rest: Packed) => Parted;
  return (...args) => {
    const { floats, rest } = part(args);
    return join(ruled(floats, rest)) as R;
  };
}

/**
 * A function with a rule for its derivative by the first argument. `fwd` gives `[result, residuals]` from
 * the arguments; `bwd`, from the residuals, a cotangent of the result and the arguments, a cotangent of
 * the first one. Cotangents are trees with `null` where a leaf is no floating-point array. Residuals may
 * be any tree.
 *
 * @throws {DifferentiationError} at a derivative by another argument, or by what the function closes over.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as eqx from "@injax/injax/adapters/equinox";
 *
 * // A layer whose gradient is clipped.
 * const clipped = eqx.filterCustomVjp(
 *   (layer: eqx.nn.Linear, x: NDArray) => layer.call(x),
 *   (layer, x) => [layer.call(x), null],
 *   (_, ct, layer, x) =>
 *     eqx.treeAt((l) => [l.weight, l.bias!], eqx.mapArrays(np.zerosLike, layer), [
 *       np.clip(np.outer(ct, x), -1, 1),
 *       np.clip(ct, -1, 1),
 *     ]),
 * );
 * const layer = new eqx.nn.Linear(2, 1, { key: random.key(0) });
 * const slope = eqx.filterGrad((l: eqx.nn.Linear) => clipped(l, np.array([0.5, 3])).sum())(layer);
 * console.log(slope.weight.toArray()); // [ [ 0.5, 1 ] ]
 * ```
 */
export function filterCustomVjp<X, A extends unknown[], R, S>(
  f: (x: X, ...args: A) => R,
  fwd: (x: X, ...args: A) => readonly [out: R, residuals: S],
  bwd: (residuals: S, cotangent: R, x: X, ...args: A) => X | null,
): (x: X, ...args: A) => R {
  const op = "eqx.filterCustomVjp";
  if (arguments.length !== 3) checkCall("eqx.filterCustomVjp(f, fwd, bwd)", arguments);
  checkFunctions(op, [f, fwd, bwd]);
  return (x, ...args) => {
    const { floats, rest } = part(x);
    const whole = (floats: readonly NDArray[]): X => join({ floats, rest }) as X;
    // The other arguments are captured: by what is captured there is no derivative, and that is said.
    const body = (floats: NDArray[]): Parted => part(f(whole(floats), ...args));
    Object.defineProperty(body, "name", {
      value: `${f.name || "the function"} (whose rule is by the first argument)`,
    });
    const ruled = transforms.customVjp(
      body as never,
      ((floats: NDArray[]): [Parted, [readonly NDArray[], Packed]] => {
        const [out, residuals] = pair(
          op,
          "forward rule",
          fwd(whole(floats), ...args),
          "[result, residuals]",
        );
        return [part(out), [floats, pack(residuals)]];
      }) as never,
      (([floats, residuals]: [NDArray[], Packed], ct: Parted): [NDArray[]] => {
        const cotangent = derivatives(ct.rest, ct.floats) as R;
        const own = bwd(residuals.unpack() as S, cotangent, whole(floats), ...args);
        return [given(op, "the cotangent of the first argument", own, { floats, rest })];
      }) as never,
    ) as (floats: readonly NDArray[]) => Parted;
    return join(ruled(floats)) as R;
  };
}

/**
 * Programs and shapes of functions, without running them.
 *
 * @module
 */
import { NDArray } from "../core/array.ts";
import type { ShapedArray } from "../core/aval.ts";
import { showAsText } from "../core/display.ts";
import { formatJaxpr, type Jaxpr } from "../core/jaxpr.ts";
import { ShapeError } from "../core/errors.ts";
import type { DType } from "../core/dtype.ts";
import { checkCall } from "../core/signature.ts";
import { type TreeDef, treeFlatten, treePaths, treeUnflatten } from "../core/tree.ts";
import { stage } from "../interpreters/staging.ts";
import {
  checkFunction,
  flatFunction,
  flattenArrays,
  nameOf,
  ShapeDtype,
  withName,
} from "./trees.ts";
import type { Tree } from "./tree_types.ts";
import type { AnyFunction, Examples } from "./types.ts";

/**
 * A function's program, with the values that it captured. Captured arrays are literals of the
 * program; only what has no elements yet is in `consts`.
 *
 * @example
 * ```ts
 * import { makeJaxpr, type NDArray, numpy as np, ShapeDtype } from "@injax/injax";
 *
 * const program = makeJaxpr((x: NDArray) => np.sin(x).mul(2))(new ShapeDtype([3]));
 * console.log(program.jaxpr.eqns.map((eqn) => eqn.primitive.name)); // [ "sin", "mul" ]
 * console.log(String(program));
 * // { lambda a:float32[3] ; let
 * //   b:float32[3] = sin a
 * //   c:float32[3] = mul b 2:float32[]
 * // in (c) }
 * ```
 */
export class ClosedJaxpr {
  /** Made by `makeJaxpr`. */
  constructor(
    /** The program; its inputs are those of `consts`, then the leaves of the arguments. */
    readonly jaxpr: Jaxpr,
    /** What the function captured: values of enclosing transforms, and arrays in flight. */
    readonly consts: readonly NDArray[],
    /** Structure of the result. */
    readonly outDef: TreeDef,
  ) {}
  /** The program in JAX's notation. */
  toString(): string {
    return formatJaxpr(this.jaxpr);
  }
}

showAsText(ClosedJaxpr);

/**
 * Types of the leaves of arguments of which some may be `ShapeDtype`s. Only `exportOnnx` takes `open`
 * lengths.
 *
 * @throws {ShapeError} where a length is open.
 * @throws {TypeError} where the function takes arguments and there are none.
 */
export function argumentTypes(
  op: string,
  f: AnyFunction,
  args: readonly unknown[],
): [ShapedArray[], TreeDef] {
  const [types, def] = openArgumentTypes(op, f, args);
  types.forEach(({ shape }, i) => {
    const open = shape.find((n) => typeof n === "string");
    if (open === undefined) return;
    throw new ShapeError(
      `${op}: the shape of arguments${treePaths(def)[i]} has the open length ${
        JSON.stringify(open)
      }, which only exportOnnx knows what to do with. Put a number there`,
    );
  });
  return [types as ShapedArray[], def];
}

/** The same, with open lengths as their names. */
export function openArgumentTypes(
  op: string,
  f: AnyFunction,
  args: readonly unknown[],
): [OpenType[], TreeDef] {
  if (args.length === 0 && f.length > 0) {
    throw new TypeError(
      `${op}: ${nameOf(f)} takes ${f.length} argument${
        f.length === 1 ? "" : "s"
      }, but there is no ` +
        "example. Give arrays or ShapeDtypes like its arguments",
    );
  }
  const [leaves, def] = treeFlatten(args);
  const given = (x: unknown): x is NDArray | ShapeDtype<number | string> =>
    x instanceof NDArray || x instanceof ShapeDtype;
  const typeOf = ({ shape, dtype }: OpenType): OpenType => ({ shape, dtype });
  if (leaves.every(given)) return [leaves.map(typeOf), def];
  const real = leaves.map((x) => x instanceof ShapeDtype ? 0 : x);
  const [arrays] = flattenArrays(op, treeUnflatten(def, real), `an argument of ${nameOf(f)}`);
  return [
    arrays.map((x, i) => {
      const leaf = leaves[i];
      return typeOf(given(leaf) ? leaf : x);
    }),
    def,
  ];
}

/** A type of an array in which lengths may be open. */
export interface OpenType {
  /** Length of each axis, or its name. */
  readonly shape: readonly (number | string)[];
  /** Element type. */
  readonly dtype: DType;
}

/**
 * The program that `f` amounts to, for arguments (or `ShapeDtype`s) like those given.
 *
 * @example
 * ```ts
 * import { makeJaxpr, numpy as np } from "@injax/injax";
 *
 * console.log(String(makeJaxpr((x) => np.sin(x).mul(2))(np.ones([3]))));
 * // { lambda a:float32[3] ; let
 * //   b:float32[3] = sin a
 * //   c:float32[3] = mul b 2:float32[]
 * // in (c) }
 * ```
 */
export function makeJaxpr<A extends unknown[] = NDArray[]>(
  f: (...args: A) => Tree,
): (...args: Examples<A>) => ClosedJaxpr {
  if (arguments.length > 1) checkCall("makeJaxpr(f)", arguments);
  checkFunction("makeJaxpr", f);
  return withName("makeJaxpr", f, (...args: Examples<A>) => {
    const [avals, def] = argumentTypes("makeJaxpr", f, args);
    const flat = flatFunction("makeJaxpr", f, def);
    const { jaxpr, consts } = stage(`makeJaxpr of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
    return new ClosedJaxpr(jaxpr, consts, flat.outDef());
  });
}

/** See `Transforms.evalShape`. */
export function evalShape(f: AnyFunction, ...args: unknown[]): unknown {
  checkFunction("evalShape", f);
  const [avals, def] = argumentTypes("evalShape", f, args);
  const flat = flatFunction("evalShape", f, def);
  const { jaxpr } = stage(`evalShape of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
  return treeUnflatten(
    flat.outDef(),
    jaxpr.outputs.map((a) => new ShapeDtype(a.aval.shape, a.aval.dtype)),
  );
}

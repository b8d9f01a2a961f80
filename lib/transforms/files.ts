/**
 * Functions that go to files: they are recorded once, capture nothing that is not known yet, and their
 * inputs and outputs have names.
 *
 * @module
 */
import type { ShapedArray } from "../core/aval.ts";
import { describeValue, TreeError } from "../core/errors.ts";
import type { Jaxpr } from "../core/primitive.ts";
import { type TreeDef, treePaths } from "../core/tree.ts";
import { stage } from "../interpreters/staging.ts";
import { flatFunction, nameOf } from "./trees.ts";
import type { AnyFunction } from "./types.ts";

/** A recorded function. */
export interface Recorded {
  /** Its program. */
  readonly jaxpr: Jaxpr;
  /** The structure of its result. */
  readonly outDef: TreeDef;
}

/** The program of `f`, which must capture nothing that is not known yet. */
export function recordFile(
  op: string,
  f: AnyFunction,
  def: TreeDef,
  avals: readonly ShapedArray[],
): Recorded {
  const flat = flatFunction(op, f, def);
  const { jaxpr, consts } = stage(`${op} of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
  if (consts.length > 0) {
    throw new TreeError(
      `${op}: ${
        nameOf(f)
      } uses a value that is being traced by an enclosing transform or is still in ` +
        "flight. Export outside of transforms, and await ready(...) first",
    );
  }
  if (jaxpr.outputs.length === 0) {
    throw new TreeError(
      `${op}: ${nameOf(f)} returned no arrays, and a file without outputs is none that runs`,
    );
  }
  return { jaxpr, outDef: flat.outDef() };
}

/** Names of inputs: the argument's own or its number, and the path in it. */
export function inputNamesOf(def: TreeDef, names: readonly string[]): string[] {
  return treePaths(def).map((path) =>
    path.replace(/^\[(\d+)\]/, (_, i) => names[Number(i)] ?? `arg${i}`)
  );
}

/** Names of outputs: the path in the result. */
export function outputNamesOf(def: TreeDef): string[] {
  return treePaths(def).map((path) => `out${path}`);
}

/** Checks names for arguments. */
export function checkNames(
  op: string,
  argumentNames: readonly string[] | undefined,
  args: number,
): readonly string[] {
  if (argumentNames === undefined) return [];
  if (argumentNames.length > args) {
    throw new TreeError(
      `${op}: argumentNames has ${argumentNames.length} names, but there are ${args} example arguments`,
    );
  }
  argumentNames.forEach((name, i) => {
    // deno-lint-ignore no-control-regex -- runtimes take names for C strings
    if (typeof name === "string" && name.isWellFormed() && !/[\0-\x1f]/.test(name)) return;
    throw new TypeError(
      `${op}: argumentNames[${i}] must be a string without control characters, not ${
        describeValue(name)
      }`,
    );
  });
  return argumentNames;
}

/**
 * Functions on pytrees with derivative rules of the user's own.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { TreeError } from "../core/errors.ts";
import { bind } from "../core/trace.ts";
import { type TreeDef, treeUnflatten } from "../core/tree.ts";
import { customJvpP, customVjpP } from "../control/custom.ts";
import { stage } from "../interpreters/staging.ts";
import {
  checkFunction,
  checkSameType,
  flatFunction,
  flattenArrays,
  nameOf,
  withName,
} from "./trees.ts";
import type { AnyFunction } from "./types.ts";

const sameType = "A derivative rule must give what the function gives";

/** Splits what a rule returned. */
function pair(op: string, rule: string, f: AnyFunction, result: unknown, names: string): unknown[] {
  if (!Array.isArray(result) || result.length !== 2) {
    throw new TreeError(`${op}: the ${rule} rule of ${nameOf(f)} must return ${names}`);
  }
  return result;
}

/** See `Transforms.customJvp`. */
export function customJvp(f: AnyFunction, rule: AnyFunction): AnyFunction {
  checkFunction("customJvp", f);
  checkFunction("customJvp", rule, "the rule");
  return withName("customJvp", f, (...args: unknown[]) => {
    const [xs, def] = flattenArrays("customJvp", args, `an argument of ${nameOf(f)}`);
    const flat = flatFunction("customJvp", f, def);
    const { jaxpr, consts } = stage(
      `customJvp of ${nameOf(f)}`,
      (a) => flat.call(a),
      xs.map((x) => x.aval),
    );
    const outDef = flat.outDef();
    const flatRule = (primals: readonly NDArray[], tangents: readonly NDArray[]) => {
      const result = (rule as (p: unknown, t: unknown) => unknown)(
        treeUnflatten(def, primals),
        treeUnflatten(def, tangents),
      );
      const [out, dot] = pair("customJvp", "jvp", f, result, "[out, tangent]");
      const parts = [out, dot].map((tree, i) => {
        const what = i === 0 ? "primal output" : "tangent";
        const [leaves, leafDef] = flattenArrays("customJvp", tree, `the ${what} of the rule`);
        checkSameType(
          "customJvp",
          `the result of ${nameOf(f)} and the ${what} of its rule`,
          jaxpr.outputs.map((a) => a.aval),
          outDef,
          leaves.map((x) => x.aval),
          leafDef,
          sameType,
        );
        return leaves;
      });
      return [parts[0]!, parts[1]!] as const;
    };
    const outs = bind(customJvpP, [...consts, ...xs], {
      jaxpr,
      numConsts: consts.length,
      rule: flatRule,
      name: nameOf(f),
    });
    return treeUnflatten(outDef, outs);
  });
}

/** See `Transforms.customVjp`. */
export function customVjp(f: AnyFunction, fwd: AnyFunction, bwd: AnyFunction): AnyFunction {
  checkFunction("customVjp", f);
  checkFunction("customVjp", fwd, "the forward rule");
  checkFunction("customVjp", bwd, "the backward rule");
  return withName("customVjp", f, (...args: unknown[]) => {
    const [xs, def] = flattenArrays("customVjp", args, `an argument of ${nameOf(f)}`);
    const flat = flatFunction("customVjp", f, def);
    const { jaxpr, consts } = stage(
      `customVjp of ${nameOf(f)}`,
      (a) => flat.call(a),
      xs.map((x) => x.aval),
    );
    const outDef = flat.outDef();
    let residualDef: TreeDef | undefined;
    const flatFwd = (primals: readonly NDArray[]) => {
      const result = (fwd as (...args: unknown[]) => unknown)(
        ...treeUnflatten(def, primals) as unknown[],
      );
      const [out, residuals] = pair("customVjp", "forward", f, result, "[out, residuals]");
      const [outs, leafDef] = flattenArrays("customVjp", out, "the output of the forward rule");
      checkSameType(
        "customVjp",
        `the results of ${nameOf(f)} and of its forward rule`,
        jaxpr.outputs.map((a) => a.aval),
        outDef,
        outs.map((x) => x.aval),
        leafDef,
        sameType,
      );
      const [kept, keptDef] = flattenArrays("customVjp", residuals, "a residual");
      residualDef = keptDef;
      return [outs, kept] as const;
    };
    const flatBwd = (residuals: readonly NDArray[], cotangents: readonly NDArray[]) => {
      const result = (bwd as (r: unknown, ct: unknown) => unknown)(
        treeUnflatten(residualDef!, residuals),
        treeUnflatten(outDef, cotangents),
      );
      return checkCotangents(f, result, def, xs);
    };
    const outs = bind(customVjpP, [...consts, ...xs], {
      jaxpr,
      numConsts: consts.length,
      fwd: flatFwd,
      bwd: flatBwd,
      name: nameOf(f),
    });
    return treeUnflatten(outDef, outs);
  });
}

/** A cotangent for each leaf of the arguments, from what a backward rule returned. */
function checkCotangents(
  f: AnyFunction,
  result: unknown,
  def: TreeDef,
  args: readonly NDArray[],
): (NDArray | null)[] {
  if (!Array.isArray(result) || result.length !== def.children.length) {
    throw new TreeError(
      `customVjp: the backward rule of ${
        nameOf(f)
      } must return an array of ${def.children.length} ` +
        `cotangents, one for each argument, not ${
          Array.isArray(result) ? `${result.length}` : typeof result
        }`,
    );
  }
  return def.children.flatMap((child, i) => {
    if (result[i] === null || result[i] === undefined) {
      return new Array<null>(child.numLeaves).fill(null);
    }
    const [cts, ctDef] = flattenArrays("customVjp", result[i], `cotangent ${i}`);
    const before = def.children.slice(0, i).reduce((n, c) => n + c.numLeaves, 0);
    const own = args.slice(before, before + child.numLeaves);
    checkSameType(
      "customVjp",
      `argument ${i} of ${nameOf(f)} and the cotangent that its backward rule gave`,
      own.map((x) => x.aval),
      child,
      cts.map((x) => x.aval),
      ctDef,
      "A cotangent has the shape and dtype of the argument",
    );
    return cts;
  });
}

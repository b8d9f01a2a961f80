/**
 * Choices between functions on pytrees.
 *
 * @module
 */
import {
  AxisError,
  bind,
  describeValue,
  DTypeError,
  formatAval,
  formatShape,
  isInteger,
  NDArray,
  type Operand,
  scalarArray,
  ShapeError,
  treeUnflatten,
  Var,
} from "../core/mod.ts";
import { condP } from "../control/cond.ts";
import type { Staged } from "../interpreters/staging.ts";
import { convert, ne, scalarLike } from "../primitives/mod.ts";
import { plainly, type Recorder } from "./recorder.ts";
import { checkFunction, checkSameType, flattenArrays, toArray } from "./trees.ts";
import type { AnyFunction } from "./types.ts";

/** See `Transforms.cond`. */
export function cond(
  pred: Operand,
  ifTrue: AnyFunction,
  ifFalse: AnyFunction,
  ...operands: unknown[]
): unknown {
  return condBy(plainly, pred, ifTrue, ifFalse, operands);
}

/** `cond` with a recorder. */
export function condBy(
  recorder: Recorder,
  pred: Operand,
  ifTrue: AnyFunction,
  ifFalse: AnyFunction,
  operands: readonly unknown[],
): unknown {
  checkFunction("cond", ifTrue, "the second argument");
  checkFunction("cond", ifFalse, "the third argument");
  const p = toArray(pred);
  if (p === null) {
    throw new TypeError(
      `cond: the predicate must be a boolean, a number or a scalar array, not ${
        describeValue(pred)
      }. Compare first: cond(x.greater(0), ...), or cond(mode === "train", ...)`,
    );
  }
  if (p.ndim !== 0) {
    throw new ShapeError(
      `cond: the predicate must be a scalar, not an array of shape ${
        formatShape(p.shape)
      }. Reduce it (any, all), or use np.where to choose elementwise`,
    );
  }
  const index = convert(p.dtype === "bool" ? p : ne(p, scalarLike(0, p)), "int32");
  return choose(recorder, "cond", index, [ifFalse, ifTrue], operands);
}

/** See `Transforms.switchCase`. */
export function switchCase(
  index: number | NDArray,
  branches: readonly AnyFunction[],
  ...operands: unknown[]
): unknown {
  return switchBy(plainly, index, branches, operands);
}

/** `switchCase` with a recorder. */
export function switchBy(
  recorder: Recorder,
  index: number | NDArray,
  branches: readonly AnyFunction[],
  operands: readonly unknown[],
): unknown {
  if (!Array.isArray(branches) || branches.length === 0) {
    throw new TypeError("switchCase: the branches must be an array of at least one function");
  }
  branches.forEach((b, i) => checkFunction("switchCase", b, `branch ${i}`));
  if (typeof index === "number" && !Number.isInteger(index)) {
    throw new AxisError(`switchCase: the index must be an integer, not ${index}`);
  }
  const i = typeof index === "number" ? scalarArray(index, "int32") : index;
  if (!(i instanceof NDArray) || i.ndim !== 0 || !isInteger(i.dtype)) {
    throw new DTypeError(
      `switchCase: the index must be an integer scalar, not ${
        i instanceof NDArray ? formatAval(i.aval) : describeValue(index)
      }`,
    );
  }
  return choose(recorder, "switchCase", convert(i, "int32"), branches, operands);
}

function choose(
  recorder: Recorder,
  op: string,
  index: NDArray,
  branches: readonly AnyFunction[],
  operands: readonly unknown[],
): unknown {
  const [args, def] = flattenArrays(op, operands, "an operand");
  const avals = args.map((x) => x.aval);
  const recorded = branches.map((f, part) =>
    recorder.record(op, f, def, avals, { first: () => args, part })
  );
  const first = recorded[0]!;
  recorded.forEach((r, i) =>
    checkSameType(
      op,
      `the results of ${op === "cond" ? "ifFalse and ifTrue" : `branches 0 and ${i}`}`,
      first.outAvals,
      first.outDef,
      r.outAvals,
      r.outDef,
      "All branches must return the same structure, shapes and dtypes",
    )
  );
  const programs = recorded.map((r) => r.program());
  const more = recorder.carried();
  // Each branch takes what any of them captured; the jaxprs ignore what is not theirs.
  const captured: NDArray[] = [];
  for (const { consts } of programs) {
    const free = [...captured];
    for (const c of consts) {
      // One value may be captured twice, as two entries of a context.
      const at = free.indexOf(c);
      if (at < 0) captured.push(c);
      else free.splice(at, 1);
    }
  }
  const outs = bind(condP, [index, ...captured, ...args, ...more], {
    branches: programs.map((r) => withUnused(r, captured)),
  });
  const numOuts = first.outDef.numLeaves;
  recorder.finish(outs.slice(numOuts), []);
  return treeUnflatten(first.outDef, outs.slice(0, numOuts));
}

/** A recorded program with inputs for all of `captured` in front, not for its own captures alone. */
function withUnused({ jaxpr, consts }: Staged, captured: readonly NDArray[]): Staged["jaxpr"] {
  let { numVars } = jaxpr;
  const left = consts.map((value, i) => ({ value, variable: jaxpr.inputs[i]! }));
  const inputs = captured.map((c) => {
    const own = left.findIndex(({ value }) => value === c);
    return own >= 0 ? left.splice(own, 1)[0]!.variable : new Var(c.aval, numVars++);
  });
  return { ...jaxpr, inputs: [...inputs, ...jaxpr.inputs.slice(consts.length)], numVars };
}

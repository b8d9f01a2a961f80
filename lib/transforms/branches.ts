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
  integerAdvice,
  isInteger,
  Literal,
  NDArray,
  type Operand,
  sameAval,
  scalarArray,
  type ShapedArray,
  ShapeError,
  treeFlatten,
  treeUnflatten,
  Var,
} from "../core/mod.ts";
import { condP } from "../control/cond.ts";
import type { Staged } from "../interpreters/staging.ts";
import { convert, ne, scalarLike } from "../primitives/mod.ts";
import { plainly, type Recorder, type Recording } from "./recorder.ts";
import {
  called,
  checkFunction,
  checkSameType,
  flattenArrays,
  mayBecome,
  toArray,
} from "./trees.ts";
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
        i instanceof NDArray ? `${formatAval(i.aval)}. ${integerAdvice}` : describeValue(index)
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
  // One function in several branches stays one.
  const noting = new Map(branches.map((f) => [f, new Noting(f)]));
  const recorded = branches.map((f, part) => {
    const { call } = noting.get(f)!;
    return recorder.record(op, call, def, avals, { first: () => args, part });
  });
  const numbers = branches.map((f) => noting.get(f)!.numbers);
  const types = settled(recorded.map((r, i) => ({ ...r, numbers: numbers[i]! })));
  const first = recorded[0]!;
  recorded.forEach((r, i) =>
    checkSameType(
      op,
      `the results of ${op === "cond" ? "ifFalse and ifTrue" : `branches 0 and ${i}`}`,
      types[0]!,
      first.outDef,
      types[i]!,
      r.outDef,
      "All branches must return the same structure, shapes and dtypes",
    )
  );
  const programs = recorded.map((r, i) => retyped(r.program(), types[i]!, numbers[i]!));
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

/** A branch, and the plain numbers among the leaves of its last result. */
class Noting {
  /** Nothing where none was one. */
  numbers: readonly (number | null)[] = [];
  /** The branch. */
  readonly call: AnyFunction;

  constructor(f: AnyFunction) {
    const call = (...args: unknown[]): unknown => {
      const result = called(f, args);
      const numbers = treeFlatten(result)[0].map((x) => typeof x === "number" ? x : null);
      this.numbers = numbers.some((x) => x !== null) ? numbers : [];
      return result;
    };
    this.call = Object.defineProperty(call, "name", { value: f.name });
  }
}

/**
 * The types of the results of branches, where plain numbers have the dtype that the other branches give in
 * their place.
 */
function settled(
  branches: readonly (Pick<Recording, "outDef" | "outAvals"> & {
    readonly numbers: readonly (number | null)[];
  })[],
): (readonly ShapedArray[])[] {
  const { outDef } = branches[0]!;
  return branches.map(({ outDef: def, outAvals, numbers }) => {
    if (def !== outDef || numbers.length === 0) return outAvals;
    return outAvals.map((aval, k) => {
      const x = numbers[k] ?? null;
      const isDue = (b: typeof branches[0]): boolean =>
        b.outDef === outDef && (b.numbers[k] ?? null) === null;
      const due = x === null ? undefined : branches.find(isDue)?.outAvals[k];
      return due !== undefined && mayBecome(x!, due) ? due : aval;
    });
  });
}

/** A recorded program whose first results are of these types: those that are not yet are plain numbers. */
function retyped(
  recorded: Staged,
  avals: readonly ShapedArray[],
  numbers: readonly (number | null)[],
): Staged {
  const { jaxpr } = recorded;
  if (avals.every((aval, k) => sameAval(aval, jaxpr.outputs[k]!.aval))) return recorded;
  const outputs = jaxpr.outputs.map((atom, k) => {
    const aval = avals[k];
    if (aval === undefined || sameAval(aval, atom.aval)) return atom;
    return new Literal(scalarArray(numbers[k]!, aval.dtype));
  });
  return { ...recorded, jaxpr: { ...jaxpr, outputs } };
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

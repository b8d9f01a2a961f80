/**
 * Structured control flow on pytrees.
 *
 * @module
 */
import { condP } from "../control/cond.ts";
import { scanP } from "../control/scan.ts";
import { whileP } from "../control/while.ts";
import { NDArray, type Operand } from "../core/array.ts";
import { formatAval, normalizeAxis, shaped, type ShapedArray } from "../core/aval.ts";
import { ConcreteArray, scalarArray } from "../core/concrete.ts";
import { isInteger } from "../core/dtype.ts";
import {
  AxisError,
  describeValue,
  DTypeError,
  formatShape,
  ShapeError,
  TreeError,
} from "../core/errors.ts";
import { evalJaxpr, Var } from "../core/jaxpr.ts";
import { bind } from "../core/trace.ts";
import { type TreeDef, treeFlatten, treePaths, treeUnflatten } from "../core/tree.ts";
import { stage, type Staged } from "../interpreters/staging.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { add } from "../primitives/elementwise/arithmetic.ts";
import { lt, ne } from "../primitives/elementwise/compare.ts";
import { convert } from "../primitives/elementwise/convert.ts";
import { concatenate, rev } from "../primitives/slicing/concatenate.ts";
import { pad, slice } from "../primitives/slicing/slice.ts";
import {
  checkFunction,
  checkSameType,
  flatFunction,
  flattenArrays,
  flattenResult,
  nameOf,
  toArray,
} from "./trees.ts";
import type { AnyFunction, ScanOptions } from "./types.ts";

const avalsOf = (xs: readonly NDArray[]): ShapedArray[] => xs.map((x) => x.aval);

/** Records a function on trees. */
function record(
  op: string,
  f: AnyFunction,
  def: TreeDef,
  avals: readonly ShapedArray[],
): Staged & { readonly outDef: TreeDef } {
  const flat = flatFunction(op, f, def);
  const staged = stage(`${op} of ${nameOf(f)}`, (xs) => flat.call(xs), avals);
  return { ...staged, outDef: flat.outDef() };
}

/** See `Transforms.scan`. */
export function scan(
  f: AnyFunction,
  init: unknown,
  xs: unknown,
  options: ScanOptions = {},
): [unknown, unknown] {
  checkFunction("scan", f);
  const [carry, carryDef] = flattenArrays("scan", init, "init");
  const [slices, xsDef] = flattenArrays("scan", xs, "xs");
  const length = scanLength(slices, xsDef, options.length);
  const [, def] = treeFlatten([
    treeUnflatten(carryDef, carry),
    treeUnflatten(xsDef, slices),
  ]);
  const avals = [
    ...avalsOf(carry),
    ...slices.map((x) => shaped(x.shape.slice(1), x.dtype)),
  ];
  const { jaxpr, consts, outDef } = record("scan", f, def, avals);
  if (outDef.kind !== "array" || outDef.children.length !== 2) {
    throw new TreeError(
      `scan: ${nameOf(f)} must return [carry, y], but it returned ${
        outDef.kind === "leaf" ? formatAval(jaxpr.outputs[0]!.aval) : outDef
      }. Return [carry, null] without y`,
    );
  }
  const [newDef, ysDef] = outDef.children as [TreeDef, TreeDef];
  checkSameType(
    "scan",
    `init and the carry that ${nameOf(f)} returned`,
    avalsOf(carry),
    carryDef,
    jaxpr.outputs.slice(0, newDef.numLeaves).map((a) => a.aval),
    newDef,
    "The carry must keep its structure, shapes and dtypes in every step; convert init or the result",
  );
  const outs = bind(scanP, [...consts, ...carry, ...slices], {
    jaxpr,
    numConsts: consts.length,
    numCarry: carry.length,
    sums: 0,
    length,
    reverse: options.reverse ?? false,
  });
  return [
    treeUnflatten(carryDef, outs.slice(0, carry.length)),
    treeUnflatten(ysDef, outs.slice(carry.length)),
  ];
}

/** The number of steps of a scan. */
export function scanLength(
  xs: readonly NDArray[],
  def: TreeDef,
  length?: number,
  op = "scan",
): number {
  const paths = treePaths(def);
  const at = (i: number): string => paths[i] === "" ? "xs" : `xs${paths[i]}`;
  let from = "length";
  xs.forEach((x, i) => {
    if (x.ndim === 0) {
      throw new ShapeError(
        `${op}: ${
          at(i)
        } is a scalar and has no axis to loop over. A list is a tree of arrays: make ` +
          "one array of it with np.array(...), or np.stack([...])",
      );
    }
    if (length !== undefined && x.shape[0] !== length) {
      throw new ShapeError(
        `${op}: ${at(i)} has shape ${formatShape(x.shape)}, so ${
          x.shape[0]
        } steps, but ${from} says ${length}`,
      );
    }
    if (length === undefined) {
      length = x.shape[0]!;
      from = at(i);
    }
  });
  if (length === undefined) {
    const fix = op === "scan" ? "give length" : "pass arrays";
    throw new TreeError(`${op}: xs has no arrays, so the number of steps is unknown: ${fix}`);
  }
  if (!Number.isInteger(length) || length < 0) {
    throw new AxisError(`scan: length must be a non-negative integer, not ${length}`);
  }
  return length;
}

/** See `Transforms.map`. */
export function map(f: AnyFunction, xs: unknown): unknown {
  checkFunction("map", f);
  scanLength(...flattenArrays("map", xs, "xs"), undefined, "map"); // its own name in errors
  const step = (_: unknown, x: unknown): unknown => {
    const [ys, def] = flattenResult("map", f, (f as (x: unknown) => unknown)(x));
    return [null, treeUnflatten(def, ys)];
  };
  Object.defineProperty(step, "name", { value: f.name });
  return scan(step, null, xs)[1];
}

/** See `Transforms.whileLoop`. */
export function whileLoop(cond: AnyFunction, body: AnyFunction, init: unknown): unknown {
  checkFunction("whileLoop", cond, "the condition");
  checkFunction("whileLoop", body, "the body");
  const [carry, carryDef] = flattenArrays("whileLoop", init, "init");
  const [, def] = treeFlatten([treeUnflatten(carryDef, carry)]);
  const avals = avalsOf(carry);
  const test = record("whileLoop", cond, def, avals);
  const flag = test.jaxpr.outputs[0]?.aval;
  if (test.outDef.kind !== "leaf" || flag!.shape.length !== 0 || flag!.dtype !== "bool") {
    throw new TreeError(
      `whileLoop: the condition must return a bool scalar, not ${
        test.outDef.kind === "leaf" ? formatAval(flag!) : test.outDef
      }. Compare (x.less(1)) and reduce (any, all)`,
    );
  }
  const step = record("whileLoop", body, def, avals);
  checkSameType(
    "whileLoop",
    "init and what the body returned",
    avals,
    carryDef,
    step.jaxpr.outputs.map((a) => a.aval),
    step.outDef,
    "The carry must keep its structure, shapes and dtypes in every step; convert init or the result",
  );
  const outs = bind(whileP, [...test.consts, ...step.consts, ...carry], {
    cond: test.jaxpr,
    body: step.jaxpr,
    condConsts: test.consts.length,
    bodyConsts: step.consts.length,
  });
  return treeUnflatten(carryDef, outs);
}

/** A loop bound as an int32 scalar, and as a number where it is known now. */
function bound(what: string, value: unknown): { array: NDArray; known: number | null } {
  const x = typeof value === "number" ? scalarArray(value, "int32") : toArray(value);
  if (x === null || x.ndim !== 0 || !isInteger(x.dtype)) {
    throw new DTypeError(
      `foriLoop: the ${what} bound must be an integer scalar, not ${
        x === null ? describeValue(value) : formatAval(x.aval)
      }`,
    );
  }
  if (typeof value === "number" && !Number.isInteger(value)) {
    throw new AxisError(`foriLoop: the ${what} bound must be an integer, not ${value}`);
  }
  const known = x instanceof ConcreteArray && x.peek() !== null ? x.item() : null;
  return { array: convert(x, "int32"), known };
}

/** See `Transforms.foriLoop`. */
export function foriLoop(
  lower: unknown,
  upper: unknown,
  body: AnyFunction,
  init: unknown,
): unknown {
  checkFunction("foriLoop", body, "the body");
  const from = bound("lower", lower);
  const to = bound("upper", upper);
  const [carry, carryDef] = flattenArrays("foriLoop", init, "init");
  // Checked here, before it is paired with the counter, so that errors speak of what the user wrote.
  const step = (i: NDArray, x: unknown): unknown => {
    const result = (body as (i: NDArray, x: unknown) => unknown)(i, x);
    const [outs, def] = flattenResult("foriLoop", body, result);
    checkSameType(
      "foriLoop",
      `init and what ${nameOf(body)} returned`,
      avalsOf(carry),
      carryDef,
      avalsOf(outs),
      def,
      "It must keep its structure, shapes and dtypes in every step; convert init or the result",
    );
    return treeUnflatten(def, outs);
  };
  const named = <F extends AnyFunction>(f: F): F =>
    Object.defineProperty(f, "name", { value: body.name });
  const next = (i: NDArray): NDArray => add(i, scalarLike(1, i));
  if (from.known !== null && to.known !== null) {
    // A known number of steps makes it a scan, which reverse mode can differentiate.
    const f = named(([i, x]: [NDArray, unknown]) => [[next(i), step(i, x)], null]);
    const [[, out]] = scan(f, [scalarArray(from.known, "int32"), init], null, {
      length: Math.max(0, to.known - from.known),
    }) as [[unknown, unknown], null];
    return out;
  }
  const [, out] = whileLoop(
    named(([i]: [NDArray]) => lt(i, to.array)),
    named(([i, x]: [NDArray, unknown]) => [next(i), step(i, x)]),
    [from.array, init],
  ) as [unknown, unknown];
  return out;
}

/** See `Transforms.cond`. */
export function cond(
  pred: Operand,
  ifTrue: AnyFunction,
  ifFalse: AnyFunction,
  ...operands: unknown[]
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
  return choose("cond", index, [ifFalse, ifTrue], operands);
}

/** See `Transforms.switchCase`. */
export function switchCase(
  index: number | NDArray,
  branches: readonly AnyFunction[],
  ...operands: unknown[]
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
  return choose("switchCase", convert(i, "int32"), branches, operands);
}

function choose(
  op: string,
  index: NDArray,
  branches: readonly AnyFunction[],
  operands: readonly unknown[],
): unknown {
  const [args, def] = flattenArrays(op, operands, "an operand");
  const avals = avalsOf(args);
  const recorded = branches.map((f) => record(op, f, def, avals));
  const first = recorded[0]!;
  recorded.forEach((r, i) =>
    checkSameType(
      op,
      `the results of ${op === "cond" ? "ifFalse and ifTrue" : `branches 0 and ${i}`}`,
      first.jaxpr.outputs.map((a) => a.aval),
      first.outDef,
      r.jaxpr.outputs.map((a) => a.aval),
      r.outDef,
      "All branches must return the same structure, shapes and dtypes",
    )
  );
  // Each branch takes what any of them captured; the jaxprs ignore what is not theirs.
  const captured = [...new Set(recorded.flatMap((r) => r.consts))];
  const outs = bind(condP, [index, ...captured, ...args], {
    branches: recorded.map((r) => withUnused(r, captured)),
  });
  return treeUnflatten(first.outDef, outs);
}

/** A recorded program with inputs for all of `captured` in front, not for its own captures alone. */
function withUnused({ jaxpr, consts }: Staged, captured: readonly NDArray[]): Staged["jaxpr"] {
  let { numVars } = jaxpr;
  const inputs = captured.map((c) => {
    const own = consts.indexOf(c);
    return own >= 0 ? jaxpr.inputs[own]! : new Var(c.aval, numVars++);
  });
  return { ...jaxpr, inputs: [...inputs, ...jaxpr.inputs.slice(consts.length)], numVars };
}

/** See `Transforms.associativeScan`. */
export function associativeScan(
  f: AnyFunction,
  elems: unknown,
  options: { readonly reverse?: boolean; readonly axis?: number } = {},
): unknown {
  checkFunction("associativeScan", f);
  const [leaves, def] = flattenArrays("associativeScan", elems, "elems");
  if (leaves.length === 0) throw new TreeError("associativeScan: elems has no arrays");
  const axes = leaves.map((x) => normalizeAxis("associativeScan", options.axis ?? 0, x.ndim));
  const n = leaves[0]!.shape[axes[0]!]!;
  leaves.forEach((x, i) => {
    if (x.shape[axes[i]!] !== n) {
      throw new ShapeError(
        `associativeScan: the arrays have lengths ${n} and ${x.shape[axes[i]!]} along axis ${
          axes[i]
        }; they must agree`,
      );
    }
  });
  // Recorded once for each length that occurs, since the levels differ in that alone.
  const programs = new Map<number, Staged>();
  const pairDef = treeFlatten([treeUnflatten(def, leaves), treeUnflatten(def, leaves)])[1];
  const combine = (a: readonly NDArray[], b: readonly NDArray[]): NDArray[] => {
    const length = a[0]!.shape[axes[0]!]!;
    let program = programs.get(length);
    if (program === undefined) {
      const avals = avalsOf(a);
      const recorded = record("associativeScan", f, pairDef, [...avals, ...avals]);
      checkSameType(
        "associativeScan",
        `an element and the result of ${nameOf(f)}`,
        avals,
        def,
        recorded.jaxpr.outputs.map((x) => x.aval),
        recorded.outDef,
        "Combining two elements must give an element",
      );
      programs.set(length, program = recorded);
    }
    return evalJaxpr(program.jaxpr, [...program.consts, ...a, ...b], bind);
  };
  const part = (xs: readonly NDArray[], start: number, stop: number, step = 1): NDArray[] =>
    xs.map((x, i) => {
      const lo = x.shape.map(() => 0), hi = [...x.shape], by = x.shape.map(() => 1);
      lo[axes[i]!] = start;
      hi[axes[i]!] = stop;
      by[axes[i]!] = step;
      return slice(x, lo, hi, by);
    });
  // Pairs are combined, the half-length problem solved, and the odd places filled in.
  const solve = (xs: NDArray[]): NDArray[] => {
    const length = xs[0]!.shape[axes[0]!]!;
    if (length < 2) return xs;
    const even = length - length % 2;
    const odd = solve(combine(part(xs, 0, even, 2), part(xs, 1, even, 2)));
    const numOdd = even / 2;
    const rest = length > 2
      ? combine(part(odd, 0, Math.ceil(length / 2) - 1), part(xs, 2, length, 2))
      : [];
    const first = part(xs, 0, 1);
    return xs.map((_, i) => {
      const evens = rest.length === 0 ? first[i]! : concatenate([first[i]!, rest[i]!], axes[i]!);
      return interleaved(evens, odd[i]!, axes[i]!, length, numOdd);
    });
  };
  const flip = (xs: NDArray[]): NDArray[] => xs.map((x, i) => rev(x, [axes[i]!]));
  const reverse = options.reverse ?? false;
  const outs = reverse ? flip(solve(flip(leaves))) : solve(leaves);
  return treeUnflatten(def, outs);
}

/** `a0 b0 a1 b1 ...` along an axis, by dilating both with zeros and adding. */
function interleaved(
  a: NDArray,
  b: NDArray,
  axis: number,
  length: number,
  numB: number,
): NDArray {
  const dilate = (x: NDArray, count: number, offset: number): NDArray => {
    const low = x.shape.map(() => 0), high = x.shape.map(() => 0), gap = x.shape.map(() => 0);
    low[axis] = offset;
    high[axis] = length - offset - (2 * count - 1);
    gap[axis] = 1;
    return pad(x, scalarLike(0, x), low, high, gap);
  };
  if (a.dtype === "bool") {
    const whole = (x: NDArray): NDArray => convert(x, "int32");
    return convert(interleaved(whole(a), whole(b), axis, length, numB), "bool");
  }
  return add(dilate(a, a.shape[axis]!, 0), dilate(b, numB, 1));
}

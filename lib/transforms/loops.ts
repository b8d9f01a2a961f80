/**
 * Structured control flow on pytrees.
 *
 * @module
 */
import {
  AxisError,
  bind,
  checkCount,
  ConcreteArray,
  describeValue,
  DTypeError,
  formatAval,
  integerAdvice,
  isInteger,
  type Jaxpr,
  type NDArray,
  scalarArray,
  shaped,
  type ShapedArray,
  sizeOf,
  type TreeDef,
  TreeError,
  treeFlatten,
  treeUnflatten,
} from "../core/mod.ts";
import { merge, partition } from "../control/call.ts";
import { range, reorder } from "../control/jaxprs.ts";
import { whileP, type WhileParams } from "../control/while.ts";
import {
  add,
  and,
  convert,
  lt,
  moveAxis,
  reshape,
  scalarLike,
  slice,
  zeros,
} from "../primitives/mod.ts";
import {
  called,
  checkFunction,
  checkSameType,
  flattenArrays,
  flattenResult,
  mayBecome,
  nameOf,
  toArray,
  type TreeType,
} from "./trees.ts";
import { mapInBatches, vmap } from "./vmap.ts";
import { scanInTurns, scanLength, stepsInOne } from "./unroll.ts";
import { plainly, type Recorder } from "./recorder.ts";
import type { AnyFunction, ForiOptions, MapOptions, ScanOptions, WhileOptions } from "./types.ts";

const avalsOf = (xs: readonly NDArray[]): ShapedArray[] => xs.map((x) => x.aval);

/** See `Transforms.scan`. */
export function scan(
  f: AnyFunction,
  init: unknown,
  xs: unknown,
  options: ScanOptions = {},
): [unknown, unknown] {
  return scanBy(plainly, f, init, xs, options);
}

/** `scan` with a recorder. */
export function scanBy(
  recorder: Recorder,
  f: AnyFunction,
  init: unknown,
  xs: unknown,
  options: ScanOptions = {},
): [unknown, unknown] {
  return begun(init, (init) => scanFrom(recorder, f, init, xs, options));
}

function scanFrom(
  recorder: Recorder,
  f: AnyFunction,
  init: unknown,
  xs: unknown,
  options: ScanOptions,
): [unknown, unknown] {
  checkFunction("scan", f);
  const [carry, carryDef] = flattenArrays("scan", init, "init");
  const carryType = { def: carryDef, avals: avalsOf(carry) };
  const [slices, xsDef] = flattenArrays("scan", xs, "xs");
  const length = scanLength(slices, xsDef, options.length);
  const reverse = options.reverse ?? false;
  const unroll = stepsInOne("scan", options.unroll, length);
  const [, def] = treeFlatten([
    treeUnflatten(carryDef, carry),
    treeUnflatten(xsDef, slices),
  ]);
  const avals = [
    ...avalsOf(carry),
    ...slices.map((x) => shaped(x.shape.slice(1), x.dtype)),
  ];
  const next = named(f, (c: unknown, x: unknown): unknown => {
    const result = called(f, [c, x]);
    if (!Array.isArray(result) || result.length !== 2) return result;
    return [likeCarry("scan", result[0], carryType), result[1]];
  });
  const step = recorder.record("scan", next, def, avals, {
    first: () => [...carry, ...slices.map((x) => sliceAlong(x, 0, reverse))],
    mayHaveNoSteps: length === 0,
  });
  const { outDef } = step;
  if (outDef.kind !== "array" || outDef.children.length !== 2) {
    throw new TreeError(
      `scan: ${nameOf(f)} must return [carry, y], but it returned ${
        outDef.kind === "leaf" ? formatAval(step.outAvals[0]!) : outDef
      }. Return [carry, null] without y`,
    );
  }
  const [newDef, ysDef] = outDef.children as [TreeDef, TreeDef];
  checkNext(
    recorder,
    init,
    "scan",
    `init and the carry that ${nameOf(f)} returned`,
    carryType,
    { avals: step.outAvals.slice(0, newDef.numLeaves), def: newDef },
    "The carry must keep its structure, shapes and dtypes in every step; convert init or the result",
  );
  const { jaxpr, consts } = step.program();
  const [more, stacks] = [recorder.carried(), recorder.sliced()];
  const numCarry = carry.length + more.length;
  const outs = scanInTurns([...consts, ...carry, ...more, ...slices, ...stacks], {
    jaxpr: more.length === 0 ? jaxpr : carriedTogether(jaxpr, {
      consts: consts.length,
      carry: carry.length,
      slices: slices.length,
      ys: ysDef.numLeaves,
      more: more.length,
    }),
    numConsts: consts.length,
    numCarry,
    sums: 0,
    length,
    reverse,
  }, unroll);
  const numYs = ysDef.numLeaves;
  recorder.finish(outs.slice(carry.length, numCarry), outs.slice(numCarry + numYs));
  return [
    treeUnflatten(carryDef, outs.slice(0, carry.length)),
    treeUnflatten(ysDef, outs.slice(numCarry, numCarry + numYs)),
  ];
}

/** The program of a step with what is carried beyond the user's next to the user's carry. */
function carriedTogether(
  jaxpr: Jaxpr,
  n: { consts: number; carry: number; slices: number; ys: number; more: number },
): Jaxpr {
  const swapped = <T>(items: readonly T[], at: number, count: number): T[] => [
    ...items.slice(0, at),
    ...items.slice(at + count, at + count + n.more),
    ...items.slice(at, at + count),
    ...items.slice(at + count + n.more),
  ];
  return {
    ...jaxpr,
    inputs: swapped(jaxpr.inputs, n.consts + n.carry, n.slices),
    outputs: swapped(jaxpr.outputs, n.carry, n.ys),
  };
}

/** The first (or last) element along an axis, or zeros where there is none. */
export function sliceAlong(x: NDArray, axis: number, last = false): NDArray {
  const front = moveAxis(x, axis, 0);
  const rest = front.shape.slice(1);
  const n = front.shape[0]!;
  if (n === 0 || sizeOf(rest) === 0) return zeros({ shape: rest, dtype: x.dtype });
  const at = last ? n - 1 : 0;
  return reshape(slice(front, [at, ...rest.map(() => 0)], [at + 1, ...rest]), rest);
}

/** See `Transforms.map`. */
export function map(f: AnyFunction, xs: unknown, options: MapOptions = {}): unknown {
  const { batchSize } = options;
  if (batchSize === undefined) return mapBy(plainly, f, xs);
  return mapInBatches({ map, vmap }, f, xs, batchSize);
}

/** `map` with a recorder. */
export function mapBy(recorder: Recorder, f: AnyFunction, xs: unknown): unknown {
  checkFunction("map", f);
  scanLength(...flattenArrays("map", xs, "xs"), undefined, "map"); // its own name in errors
  const step = (_: unknown, x: unknown): unknown => {
    const [ys, def] = flattenResult("map", f, called(f, [x]));
    return [null, treeUnflatten(def, ys)];
  };
  Object.defineProperty(step, "name", { value: f.name });
  return scanBy(recorder, step, null, xs)[1];
}

/** See `Transforms.whileLoop`. */
export function whileLoop(
  cond: AnyFunction,
  body: AnyFunction,
  init: unknown,
  options: WhileOptions = {},
): unknown {
  return whileBy(plainly, cond, body, init, options);
}

/** `whileLoop` with a recorder. */
export function whileBy(
  recorder: Recorder,
  cond: AnyFunction,
  body: AnyFunction,
  init: unknown,
  options: WhileOptions = {},
): unknown {
  return begun(init, (init) => whileFrom(recorder, cond, body, init, options));
}

function whileFrom(
  recorder: Recorder,
  cond: AnyFunction,
  body: AnyFunction,
  init: unknown,
  options: WhileOptions,
): unknown {
  checkFunction("whileLoop", cond, "the condition");
  checkFunction("whileLoop", body, "the body");
  const { maxSteps, checkpoints } = options;
  const test = named(cond, (x: unknown) => testOf(cond, called(cond, [x])));
  if (maxSteps === undefined) {
    if (checkpoints === undefined) return looped(recorder, test, body, init);
    throw new TypeError("whileLoop: checkpoints are of a loop with maxSteps: give that too");
  }
  checkCount("whileLoop", "maxSteps", maxSteps);
  if (checkpoints !== undefined) checkCount("whileLoop", "checkpoints", checkpoints);
  if (checkpoints === 0) throw new RangeError("whileLoop: checkpoints must be at least 1, not 0");
  const [carry, carryDef] = flattenArrays("whileLoop", init, "init");
  const most = scalarArray(maxSteps, "int32");
  const goesOn = named(cond, ([i, x]: [NDArray, unknown]) => and(lt(i, most), test(x)));
  const due = { def: carryDef, avals: avalsOf(carry) };
  const step = named(body, ([i, x]: [NDArray, unknown]) => {
    const result = called(body, [x]);
    const [outs, def] = flattenResult("whileLoop", body, result, due);
    checkCarry(recorder, init, due, { avals: avalsOf(outs), def });
    return [add(i, scalarLike(1, i)), treeUnflatten(def, outs)];
  });
  const start = [scalarArray(0, "int32"), treeUnflatten(carryDef, carry)];
  const bounded = { maxSteps, checkpoints };
  return (looped(recorder, goesOn, step, start, bounded) as [unknown, unknown])[1];
}

/** `f` under the name of the user's function that it stands for. */
function named<F extends AnyFunction>(user: AnyFunction, f: F): F {
  return Object.defineProperty(f, "name", { value: user.name });
}

/** What a step gave, with numbers of the dtypes that the carry has, where it is one. */
function likeCarry(op: string, result: unknown, due: TreeType): unknown {
  const [leaves, def] = treeFlatten(result);
  if (def !== due.def || leaves.every((x) => typeof x !== "number")) return result;
  return treeUnflatten(def, flattenArrays(op, result, "the carry", due)[0]);
}

/** Raised where a loop has to begin with numbers of other dtypes than they have by themselves. */
class Restart {
  constructor(readonly from: unknown, readonly init: unknown) {}
}

/**
 * A loop that begins with `init`. Plain numbers in it take the dtypes that steps give in their places, for
 * which it is recorded again.
 */
function begun<T>(init: unknown, loop: (init: unknown) => T): T {
  try {
    return loop(init);
  } catch (error) {
    if (!(error instanceof Restart) || !Object.is(error.from, init)) throw error;
    return begun(error.init, loop);
  }
}

/** Checks that a step gives what it was given. */
function checkNext(
  recorder: Recorder,
  init: unknown,
  op: string,
  what: string,
  due: TreeType,
  next: TreeType,
  fix: string,
): void {
  // What else a recorder takes note of cannot be undone.
  if (recorder === plainly && due.def === next.def) {
    const [leaves, def] = treeFlatten(init);
    const wanted = leaves.map((x, i) => {
      const aval = next.avals[i]!;
      const isToChange = typeof x === "number" && aval.dtype !== due.avals[i]!.dtype;
      return isToChange && mayBecome(x, aval) ? scalarArray(x, aval.dtype) : x;
    });
    if (wanted.some((x, i) => !Object.is(x, leaves[i]))) {
      throw new Restart(init, treeUnflatten(def, wanted));
    }
  }
  checkSameType(op, what, due.avals, due.def, next.avals, next.def, fix);
}

/** What a condition gave, which must be a bool scalar. */
function testOf(cond: AnyFunction, result: unknown): NDArray {
  const [[flag, ...more], def] = flattenResult("whileLoop", cond, result);
  if (def.kind === "leaf" && more.length === 0 && flag!.ndim === 0 && flag!.dtype === "bool") {
    return flag!;
  }
  throw new TreeError(
    `whileLoop: the condition must return a bool scalar, not ${
      def.kind === "leaf" ? formatAval(flag!.aval) : def
    }. Compare (x.less(1)) and reduce (any, all)`,
  );
}

function checkCarry(recorder: Recorder, init: unknown, due: TreeType, next: TreeType): void {
  checkNext(
    recorder,
    init,
    "whileLoop",
    "init and what the body returned",
    due,
    next,
    "The carry must keep its structure, shapes and dtypes in every step; convert init or the result",
  );
}

/** The loop itself, whose condition keeps to the bound where there is one. */
function looped(
  recorder: Recorder,
  cond: AnyFunction,
  body: AnyFunction,
  init: unknown,
  bounded?: WhileParams["bounded"],
): unknown {
  const [carry, carryDef] = flattenArrays("whileLoop", init, "init");
  const [, def] = treeFlatten([treeUnflatten(carryDef, carry)]);
  const avals = avalsOf(carry);
  const first = (): NDArray[] => carry;
  const test = recorder.record("whileLoop", cond, def, avals, { first, part: "test" });
  const due = { def: carryDef, avals };
  const next = named(body, (x: unknown) => likeCarry("whileLoop", called(body, [x]), due));
  const step = recorder.record("whileLoop", next, def, avals, { first, mayHaveNoSteps: true });
  checkCarry(recorder, init, due, { avals: step.outAvals, def: step.outDef });
  const [goOn, turn] = [test.program(), step.program()];
  const more = recorder.carried();
  const outs = bindWhile([...goOn.consts, ...turn.consts, ...carry, ...more], {
    cond: goOn.jaxpr,
    body: turn.jaxpr,
    condConsts: goOn.consts.length,
    bodyConsts: turn.consts.length,
    ...bounded !== undefined && { bounded },
  });
  recorder.finish(outs.slice(carry.length), []);
  return treeUnflatten(carryDef, outs.slice(0, carry.length));
}

/**
 * Binds a loop. What all steps pass on as it is goes into it as a constant: so it has derivatives both ways,
 * and lanes that end at different times share it.
 */
function bindWhile(args: readonly NDArray[], params: WhileParams): NDArray[] {
  const { cond, body, condConsts, bodyConsts } = params;
  const isSame = body.outputs.map((a, k) => a === body.inputs[bodyConsts + k]);
  const [changing, same] = partition(range(0, isSame.length), isSame);
  // A loop is told by what it changes.
  if (same.length === 0 || changing.length === 0) return bind(whileP, args, params);
  const condArgs = args.slice(0, condConsts);
  const bodyArgs = args.slice(condConsts, condConsts + bodyConsts);
  const init = args.slice(condConsts + bodyConsts);
  const [start, fixed] = partition(init, isSame);
  const order = (consts: number): number[] => [
    ...range(0, consts),
    ...[...same, ...changing].map((k) => consts + k),
  ];
  const outs = bind(whileP, [...condArgs, ...fixed, ...bodyArgs, ...fixed, ...start], {
    ...params,
    cond: reorder(cond, order(condConsts), [0]),
    body: reorder(body, order(bodyConsts), changing),
    condConsts: condConsts + fixed.length,
    bodyConsts: bodyConsts + fixed.length,
  });
  return merge(isSame, outs, fixed);
}

/** A loop bound as an int32 scalar, and as a number where it is known now. */
function bound(what: string, value: unknown): { array: NDArray; known: number | null } {
  const x = typeof value === "number" ? scalarArray(value, "int32") : toArray(value);
  if (x === null || x.ndim !== 0 || !isInteger(x.dtype)) {
    throw new DTypeError(
      `foriLoop: the ${what} bound must be an integer scalar, not ${
        x === null ? describeValue(value) : `${formatAval(x.aval)}. ${integerAdvice}`
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
  options: ForiOptions = {},
): unknown {
  return foriBy(plainly, lower, upper, body, init, options);
}

/** `foriLoop` with a recorder. */
export function foriBy(
  recorder: Recorder,
  lower: unknown,
  upper: unknown,
  body: AnyFunction,
  init: unknown,
  options: ForiOptions = {},
): unknown {
  return begun(init, (init) => foriFrom(recorder, lower, upper, body, init, options));
}

function foriFrom(
  recorder: Recorder,
  lower: unknown,
  upper: unknown,
  body: AnyFunction,
  init: unknown,
  { unroll }: ForiOptions,
): unknown {
  checkFunction("foriLoop", body, "the body");
  const from = bound("lower", lower);
  const to = bound("upper", upper);
  const [carry, carryDef] = flattenArrays("foriLoop", init, "init");
  const due = { def: carryDef, avals: avalsOf(carry) };
  // Checked here, before it is paired with the counter, so that errors speak of what the user wrote.
  const step = (i: NDArray, x: unknown): unknown => {
    const result = called(body, [i, x]);
    const [outs, def] = flattenResult("foriLoop", body, result, due);
    checkNext(
      recorder,
      init,
      "foriLoop",
      `init and what ${nameOf(body)} returned`,
      due,
      { avals: avalsOf(outs), def },
      "It must keep its structure, shapes and dtypes in every step; convert init or the result",
    );
    return treeUnflatten(def, outs);
  };
  const next = (i: NDArray): NDArray => add(i, scalarLike(1, i));
  const isKnown = from.known !== null && to.known !== null;
  const steps = isKnown ? Math.max(0, to.known! - from.known!) : Infinity;
  const turn = stepsInOne("foriLoop", unroll, steps);
  if (!isKnown && turn !== 1) {
    throw new TypeError(
      "foriLoop: unroll is for loops whose number of steps is known, with bounds that are numbers",
    );
  }
  if (from.known !== null && to.known !== null) {
    // A known number of steps makes it a scan, which reverse mode can differentiate.
    const f = named(body, ([i, x]: [NDArray, unknown]) => [[next(i), step(i, x)], null]);
    const [[, out]] = scanBy(recorder, f, [scalarArray(from.known, "int32"), init], null, {
      length: steps,
      unroll: turn,
    }) as [[unknown, unknown], null];
    return out;
  }
  const [, out] = whileBy(
    recorder,
    named(body, ([i]: [NDArray]) => lt(i, to.array)),
    named(body, ([i, x]: [NDArray, unknown]) => [next(i), step(i, x)]),
    [from.array, init],
  ) as [unknown, unknown];
  return out;
}

/**
 * The boundary between users' pytrees and flat lists of arrays: conversion of leaves, checks, and
 * the wrapping of users' functions. All transforms go through here, so that bad leaves, missing
 * returns and promises are reported alike everywhere.
 *
 * @module
 */
import {
  ConcreteArray,
  defaultFloat,
  describeTreeDifference,
  describeValue,
  detached,
  dtypeOf,
  formatAval,
  isDetached,
  isFloat,
  isTypedArray,
  limits,
  NDArray,
  sameAval,
  scalarArray,
  shaped,
  type ShapedArray,
  type TreeDef,
  TreeError,
  treeFlatten,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import { callOf } from "./members.ts";

export type { Arrays, Leaf } from "./tree_types.ts";

/** Converts a leaf, or gives `null` where it cannot be one. */
export function toArray(leaf: unknown): NDArray | null {
  if (leaf instanceof NDArray) return leaf;
  if (typeof leaf === "number") return scalarArray(leaf, defaultFloat);
  if (typeof leaf === "boolean") return scalarArray(leaf ? 1 : 0, "bool");
  if (isTypedArray(leaf)) {
    return ConcreteArray.fromHost(shaped([leaf.length], dtypeOf(leaf)), leaf.slice());
  }
  return null;
}

/**
 * What a function gave that has not happened yet, where it must be synchronous: `"a promise"` (or anything
 * that can be awaited), `"a generator"`; else `null`. The outcome of a promise is of no interest then: a
 * failure is not to end the process as one that nobody handles.
 */
export function deferred(result: unknown): "a promise" | "a generator" | null {
  if (typeof result !== "object" && typeof result !== "function" || result === null) return null;
  const { then, next } = result as { then?: unknown; next?: unknown };
  if (typeof then === "function") {
    const ignore = (): void => {};
    then.call(result, ignore, ignore);
    return "a promise";
  }
  const iterates = Symbol.iterator in result || Symbol.asyncIterator in result;
  return typeof next === "function" && iterates ? "a generator" : null;
}

/** A function's name for messages. */
export function nameOf(f: unknown): string {
  return typeof f === "function" && f.name !== "" ? f.name : "an anonymous function";
}

/** Names a transformed function after the function and the transform. */
export function withName<F extends (...args: never[]) => unknown>(
  op: string,
  f: { readonly name: string },
  transformed: F,
): F {
  return Object.defineProperty(transformed, "name", { value: `${op}(${f.name || "anonymous"})` });
}

/**
 * Checks that `f` is a function.
 *
 * @throws {TypeError} naming the operation and what was given.
 */
export function checkFunction(op: string, f: unknown, what = "the first argument"): void {
  if (typeof f !== "function") {
    const call = callOf(op);
    throw new TypeError(
      `${op}: ${what} must be a function, not ${describeValue(f)}${call && `. Write ${call}`}`,
    );
  }
}

/** What a tree of arrays is to be: its structure, and the types of its leaves. */
export interface TreeType {
  readonly def: TreeDef;
  readonly avals: readonly ShapedArray[];
}

/**
 * The leaves of a tree as arrays, and its structure. Where the type that the tree is to have is known, a
 * number in it takes the dtype that is due, if that holds it.
 *
 * @throws {TreeError} naming the path of a leaf that cannot be an array.
 * @throws {RangeError} where a number is a whole one that an integer type holds, but not float32.
 */
export function flattenArrays(
  op: string,
  tree: unknown,
  what: string,
  due?: TreeType,
): [NDArray[], TreeDef] {
  const [leaves, def] = treeFlatten(tree);
  const avals = def === due?.def ? due.avals : null;
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    if (leaf instanceof NDArray) continue;
    if (avals !== null && typeof leaf === "number" && mayBecome(leaf, avals[i]!)) {
      leaves[i] = scalarArray(leaf, avals[i]!.dtype);
      continue;
    }
    const array = arrayOf(op, leaf, def, i, what);
    if (array === null) throw badLeaf(op, leaf, def, i, what, tree);
    leaves[i] = array;
  }
  return [leaves as NDArray[], def];
}

/**
 * The leaves of a tree of which only a part has to be arrays: what is neither one nor meant to be stays
 * what it is. Strings do, and unless there are `stringsOnly` functions and objects too.
 *
 * @throws as `flattenArrays` does.
 */
export function flattenMixed(
  op: string,
  tree: unknown,
  what: string,
  stringsOnly = false,
): [unknown[], TreeDef] {
  const [leaves, def] = treeFlatten(tree);
  leaves.forEach((leaf, i) => {
    const array = arrayOf(op, leaf, def, i, what);
    if (array !== null) leaves[i] = array;
    else if (typeof leaf !== "string" && (stringsOnly || isMistaken(leaf))) {
      throw badLeaf(op, leaf, def, i, what, tree);
    }
  });
  return [leaves, def];
}

/** A leaf as an array; `null` where it cannot be one. */
function arrayOf(
  op: string,
  leaf: unknown,
  def: TreeDef,
  i: number,
  what: string,
): NDArray | null {
  if (typeof leaf === "number" && !roundsTo(leaf)) throw inexact(op, leaf, def, i, what);
  if (isTypedArray(leaf) && isDetached(leaf)) throw detached(op, placeOf(what, def, i), leaf);
  return toArray(leaf);
}

/** Whether a plain number may stand where a value of a type is due. */
export function mayBecome(x: number, { shape, dtype }: ShapedArray): boolean {
  if (shape.length > 0 || dtype === "bool") return false;
  if (isFloat(dtype)) return roundsTo(x) || dtype === "float64";
  const [least, most] = limits(dtype);
  return Number.isInteger(x) && x >= least && x <= most;
}

/** Whether what cannot be an array was surely meant to be one, or a tree of them. */
function isMistaken(leaf: unknown): boolean {
  return leaf instanceof Promise || ArrayBuffer.isView(leaf) ||
    typeof leaf === "object" && adviceOf(leaf) !== undefined;
}

/** Where a leaf is, for a message. */
function placeOf(what: string, def: TreeDef, i: number): string {
  const path = treePaths(def)[i]!;
  return path === "" ? what : `${what} at ${path}`;
}

/**
 * Whether a number may become float32. A whole number that an integer type holds and float32 does not
 * was hardly meant to change; all others are rounded, as 0.1 is.
 */
function roundsTo(x: number): boolean {
  return Math.fround(x) === x || !Number.isInteger(x) || Math.abs(x) >= 2 ** 32;
}

function inexact(op: string, x: number, def: TreeDef, i: number, what: string): RangeError {
  const dtype = x > limits("int32")[1] ? "uint32" : "int32";
  return new RangeError(
    `${op}: ${placeOf(what, def, i)} is ${x}, but numbers become float32, which holds ${
      Math.fround(x)
    } instead. Write np.array(${x}, { dtype: "${dtype}" }) to keep it, np.array(${x}) to round it`,
  );
}

const advice: unique symbol = Symbol("advice");

/** What was advised of an object's class, or of that of an object in a list. */
export function adviceOf(x: unknown): string | undefined {
  if (Array.isArray(x)) return x.map(adviceOf).find((text) => text !== undefined);
  return (x as { readonly [advice]?: string } | null | undefined)?.[advice];
}

/**
 * Says, for a class, what to write instead of passing its objects to transforms; of one that is a tree,
 * where leaves in it are none that a transform takes.
 */
export function advise(type: abstract new (...args: never[]) => object, text: string): void {
  Object.defineProperty(type.prototype, advice, { value: text });
}

function badLeaf(
  op: string,
  leaf: unknown,
  def: TreeDef,
  i: number,
  what: string,
  tree: unknown,
): TreeError {
  let hint = "Leaves are arrays, numbers, booleans and typed arrays";
  const own = adviceOf(leaf) ?? adviceOf(tree);
  if (own !== undefined && !(leaf instanceof Promise)) hint += `; ${own}`;
  else if (typeof leaf === "function") {
    hint += "; pass functions in a closure or as static arguments";
  } else if (leaf instanceof Promise) hint += "; await the promise first";
  else if (typeof leaf === "string") hint += "; pass strings in a closure or as static arguments";
  else if (ArrayBuffer.isView(leaf)) hint += "; make an array of it with np.array(...)";
  else if (typeof leaf === "object") hint += "; make a class a tree with registerPytreeNode";
  return new TreeError(`${op}: ${placeOf(what, def, i)} is ${describeValue(leaf)}. ${hint}`);
}

/**
 * The leaves of what a user's function returned.
 *
 * @throws {TreeError} where it returned nothing, a promise, or something that is not a tree of arrays.
 */
export function flattenResult(
  op: string,
  f: unknown,
  result: unknown,
  due?: TreeType,
): [NDArray[], TreeDef] {
  checkResult(op, f, result);
  return flattenArrays(op, result, `the result of ${nameOf(f)}`, due);
}

/**
 * Checks that a user's function returned something, and that it is there already.
 *
 * @throws {TreeError} where it returned nothing or a promise.
 */
export function checkResult(op: string, f: unknown, result: unknown): void {
  if (result === undefined) {
    throw new TreeError(`${op}: ${nameOf(f)} returned undefined. Did you forget a return?`);
  }
  const later = deferred(result);
  if (later !== null) {
    throw new TreeError(
      `${op}: ${nameOf(f)} returned ${later}. Functions that are transformed must be synchronous`,
    );
  }
}

/**
 * What a user's function gives.
 *
 * @throws {TypeError} what it raises, or, where it is a method that was taken from its object, what to
 * pass instead.
 */
export function called(f: unknown, args: readonly unknown[]): unknown {
  try {
    return (f as (...args: unknown[]) => unknown)(...args);
  } catch (error) {
    throw lacksObject(f, error) ? takenFromObject(nameOf(f), error) : error;
  }
}

/** Whether an error came of `this` being undefined: of functions, methods alone begin with their names. */
function lacksObject(f: unknown, error: unknown): boolean {
  return error instanceof TypeError && error.constructor === TypeError &&
    /undefined/.test(error.message) && !Object.hasOwn(f as object, "prototype") &&
    /^(?!function\b|async\b)[\w$#]+\s*\([^]*\bthis\b/.test(String(f));
}

function takenFromObject(name: string, cause: unknown): TypeError {
  return new TypeError(
    `${name} is a method that was taken from its object, so that \`this\` is undefined in it. Pass ` +
      `(x) => object.${name}(x) instead of object.${name}`,
    { cause },
  );
}

/** A flat version of a user's function, which remembers the structure of its last result. */
export interface FlatFunction {
  /** Calls the function on flat arguments. */
  readonly call: (args: readonly unknown[]) => NDArray[];
  /** Structure of the last result. */
  readonly outDef: () => TreeDef;
}

/** Wraps a function of `(...args)`, where `def` is the structure of the list of arguments. */
export function flatFunction(
  op: string,
  f: (...args: never[]) => unknown,
  def: TreeDef,
): FlatFunction {
  let outDef: TreeDef | undefined;
  return {
    call(args) {
      const result = called(f, treeUnflatten(def, args) as unknown[]);
      const [leaves, resultDef] = flattenResult(op, f, result);
      outDef = resultDef;
      return leaves;
    },
    outDef: () => outDef!,
  };
}

/**
 * Checks that two trees of arrays have the same structure, shapes and dtypes.
 *
 * @throws {TreeError} naming the first place where they differ.
 */
export function checkSameType(
  op: string,
  what: string,
  expected: readonly ShapedArray[],
  expectedDef: TreeDef,
  actual: readonly ShapedArray[],
  actualDef: TreeDef,
  fix: string,
): void {
  if (expectedDef !== actualDef) {
    throw new TreeError(
      `${op}: ${what}: the structures differ ${
        describeTreeDifference(expectedDef, actualDef)
      }. ${fix}`,
    );
  }
  expected.forEach((e, i) => {
    if (sameAval(e, actual[i]!)) return;
    const path = treePaths(expectedDef)[i]!;
    throw new TreeError(
      `${op}: ${what}${path === "" ? "" : ` at ${path}`}: ${formatAval(e)} and ${
        formatAval(actual[i]!)
      } differ. ${fix}`,
    );
  });
}

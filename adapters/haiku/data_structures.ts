/**
 * Parameters and state taken apart and put together, by module and name.
 *
 * @module
 */
import { checkCall, describeValue, formatAval, sameAval } from "../../lib/extend.ts";
import { NDArray, StateError, treeLeaves } from "../../mod.ts";

/** Values by module and name: parameters, state, gradients, or what was made of them. */
export type Structure<T = NDArray> = { readonly [module: string]: { readonly [name: string]: T } };

/** Values by module and name, to be changed. */
export type MutableStructure<T> = { [module: string]: { [name: string]: T } };

function check(op: string, structure: unknown, f?: unknown): void {
  const isObject = (x: unknown): boolean =>
    typeof x === "object" && x !== null && !(x instanceof NDArray);
  if (!isObject(structure) || !Object.values(structure as object).every(isObject)) {
    throw new StateError(
      `${op}: expected { module: { name: value } }, not ${describeValue(structure)}`,
    );
  }
  if (f !== undefined && typeof f !== "function") {
    throw new StateError(
      `${op}: expected a function of module, name and value, not ${describeValue(f)}`,
    );
  }
}

/** All values with their names, sorted by these. */
export function traverse<T>(structure: Structure<T>): [module: string, name: string, value: T][] {
  if (arguments.length > 1) checkCall("hk.dataStructures.traverse(structure)", arguments);
  check("hk.dataStructures.traverse", structure);
  return Object.keys(structure).sort().flatMap((module) => {
    const own = structure[module]!;
    return Object.keys(own).sort().map((name): [string, string, T] => [module, name, own[name]!]);
  });
}

function put<T>(out: MutableStructure<T>, module: string, name: string, value: T): void {
  if (!Object.hasOwn(out, module)) out[module] = {};
  out[module]![name] = value;
}

/** A structure in `count` parts, each value in the one whose number `f` gives. */
export function partitionN<T>(
  f: (module: string, name: string, value: T) => number,
  structure: Structure<T>,
  count: number,
): MutableStructure<T>[] {
  const op = "hk.dataStructures.partitionN";
  if (arguments.length > 3) checkCall(`${op}(f, structure, count)`, arguments);
  check(op, structure, f);
  if (!Number.isInteger(count) || count < 0 || count > 2 ** 20) {
    throw new RangeError(
      `${op}: the count must be an integer from 0 on, not ${describeValue(count)}`,
    );
  }
  const out = Array.from({ length: count }, (): MutableStructure<T> => ({}));
  for (const [module, name, value] of traverse(structure)) {
    const i = f(module, name, value);
    if (!(i in out)) {
      throw new RangeError(
        `${op}: ${module}/${name} is for part ${describeValue(i)}, and there are ${count}`,
      );
    }
    put(out[i]!, module, name, value);
  }
  return out;
}

/** A structure in two parts: the values for which `predicate` holds, and the others. */
export function partition<T>(
  predicate: (module: string, name: string, value: T) => unknown,
  structure: Structure<T>,
): [those: MutableStructure<T>, others: MutableStructure<T>] {
  const op = "hk.dataStructures.partition";
  if (arguments.length > 2) checkCall(`${op}(predicate, structure)`, arguments);
  check(op, structure, predicate);
  return partitionN((m, n, v) => predicate(m, n, v) ? 0 : 1, structure, 2) as [
    MutableStructure<T>,
    MutableStructure<T>,
  ];
}

/** The values for which `predicate` holds. */
export function filter<T>(
  predicate: (module: string, name: string, value: T) => unknown,
  structure: Structure<T>,
): MutableStructure<T> {
  const op = "hk.dataStructures.filter";
  if (arguments.length > 2) checkCall(`${op}(predicate, structure)`, arguments);
  check(op, structure, predicate);
  return partition(predicate, structure)[0];
}

/** What `f` gives for each value. */
export function map<T, U>(
  f: (module: string, name: string, value: T) => U,
  structure: Structure<T>,
): MutableStructure<U> {
  const op = "hk.dataStructures.map";
  if (arguments.length > 2) checkCall(`${op}(f, structure)`, arguments);
  check(op, structure, f);
  const out: MutableStructure<U> = {};
  for (const [module, name, value] of traverse(structure)) {
    put(out, module, name, f(module, name, value));
  }
  return out;
}

/** The values of all structures; of a name that several have, that of the last. */
export function merge<T>(...structures: Structure<T>[]): MutableStructure<T> {
  return merged("hk.dataStructures.merge", structures, false);
}

/**
 * As `merge`, where arrays of one name must be of one shape and dtype.
 *
 * @throws {StateError} where they are not.
 */
export function mergeChecked<T>(...structures: Structure<T>[]): MutableStructure<T> {
  return merged("hk.dataStructures.mergeChecked", structures, true);
}

function merged<T>(
  op: string,
  structures: Structure<T>[],
  isChecked: boolean,
): MutableStructure<T> {
  const out: MutableStructure<T> = {};
  for (const structure of structures) {
    check(op, structure);
    for (const [module, name, value] of traverse(structure)) {
      const before = Object.hasOwn(out, module) ? out[module]![name] : undefined;
      if (isChecked && before !== undefined && !isAlike(before, value)) {
        throw new StateError(
          `${op}: there are two of ${module}/${name}: ${typeOf(before)} and ${typeOf(value)}`,
        );
      }
      put(out, module, name, value);
    }
  }
  return out;
}

/** Whether two values of one name are arrays of one type, or neither is an array. */
function isAlike(a: unknown, b: unknown): boolean {
  const [isA, isB] = [a instanceof NDArray, b instanceof NDArray];
  return isA && isB ? sameAval((a as NDArray).aval, (b as NDArray).aval) : isA === isB;
}

function typeOf(x: unknown): string {
  return x instanceof NDArray ? formatAval(x.aval) : describeValue(x);
}

/** Whether all names of one structure are in the other. */
export function isSubset(subset: Structure<unknown>, superset: Structure<unknown>): boolean {
  const op = "hk.dataStructures.isSubset";
  if (arguments.length > 2) checkCall(`${op}(subset, superset)`, arguments);
  check(op, subset);
  check(op, superset);
  return traverse(subset).every(([module, name]) =>
    Object.hasOwn(superset, module) && Object.hasOwn(superset[module]!, name)
  );
}

/** How many numbers there are in all arrays. */
export function treeSize(structure: Structure<unknown>): number {
  const op = "hk.dataStructures.treeSize";
  if (arguments.length > 1) checkCall(`${op}(structure)`, arguments);
  check(op, structure);
  return arrays(structure).reduce((sum, x) => sum + x.size, 0);
}

/** How many bytes all arrays take. */
export function treeBytes(structure: Structure<unknown>): number {
  const op = "hk.dataStructures.treeBytes";
  if (arguments.length > 1) checkCall(`${op}(structure)`, arguments);
  check(op, structure);
  const width: Readonly<Record<string, number>> = { float64: 8, bool: 1 };
  return arrays(structure).reduce((sum, x) => sum + x.size * (width[x.dtype] ?? 4), 0);
}

function arrays(structure: Structure<unknown>): NDArray[] {
  return treeLeaves(structure as never).filter((x): x is NDArray =>
    (x as unknown) instanceof NDArray
  );
}

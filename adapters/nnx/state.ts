/**
 * Taking models apart into structure and arrays, and putting them together.
 *
 * @module
 */
import { describeValue, formatAval, sameShape, toArray } from "../../lib/extend.ts";
import { NDArray, ShapeError, StateError } from "../../mod.ts";
import { checkWritable } from "./cells.ts";
import { type Filter, toPredicate } from "./filters.ts";
import {
  build,
  type Graph,
  graphOf,
  Numbering,
  setEntries,
  type Structure,
  structureOf,
} from "./graph.ts";
import { cellOf, type Variable } from "./variable.ts";

/** Arrays by the names in the paths of their variables: a tree for any function of trees. */
export type State = { [name: string]: State | NDArray };

let structureIn: (graphdef: GraphDef) => Structure;

/** The structure of a model, without its arrays. `split` makes them, for `merge`. */
export class GraphDef<M extends object = object> {
  /** The type of the model; there is no such value. */
  declare readonly model: M;
  readonly #structure: Structure;

  /** For this module alone. */
  constructor(structure: unknown) {
    this.#structure = structure as Structure;
  }

  static {
    structureIn = (graphdef) => graphdef.#structure;
  }
}

/** One root. */
function whole(op: string, node: unknown): Graph {
  if (typeof node !== "object" || node === null) {
    throw new TypeError(`nnx.${op}: the model must be a module, not ${describeValue(node)}`);
  }
  return graphOf(node);
}

/** Values by path as nested objects. */
export function nest(values: Iterable<readonly [path: string, value: unknown]>): State {
  const out: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const names = path.split("/");
    const last = names.pop()!;
    let at = out;
    for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return out as State;
}

/** The value at a path of nested objects. */
export function valueAt(state: unknown, path: string): unknown {
  let at = state;
  for (const name of path.split("/")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

type Found = [variable: Variable<unknown>, path: string];

/** The variables that each of some filters means: those that none before it does. */
function chosen(graph: Graph, filters: readonly Filter[]): { groups: Found[][]; rest: Found[] } {
  const predicates = filters.map(toPredicate);
  const groups = predicates.map((): Found[] => []);
  const rest: Found[] = [];
  for (const [variable, path] of graph.variables) {
    const at = predicates.findIndex((f) => f(path, variable));
    (at < 0 ? rest : groups[at]!).push([variable, path]);
  }
  return { groups, rest };
}

const values = (found: readonly Found[]): State =>
  nest(found.map(([variable, path]) => [path, variable.value]));

/**
 * The arrays of a model; with a filter, those of the variables that it means; with several filters, a
 * list of such.
 *
 * @example
 * ```ts
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Linear(2, 3, { rngs: new nnx.Rngs(0) });
 * const { kernel, bias } = nnx.state(layer, nnx.Param);
 * console.log(kernel!.shape, bias!.shape); // [ 2, 3 ] [ 3 ]
 * ```
 */
export function state(node: object): State;
/** The arrays of the variables that a filter means. */
export function state(node: object, filter: Filter): State;
/** The arrays of those that each filter means, and none before it. */
export function state(node: object, ...filters: readonly Filter[]): State[];
export function state(node: object, ...filters: readonly Filter[]): State | State[] {
  const graph = whole("state", node);
  const { groups } = chosen(graph, filters.length === 0 ? [true] : filters);
  const states = groups.map(values);
  return filters.length < 2 ? states[0]! : states;
}

/**
 * Takes a model apart: its structure, and its arrays in one tree, or one for each filter.
 *
 * @throws {StateError} where there are variables that no filter means.
 *
 * @example
 * ```ts
 * import { grad, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.BatchNorm(2, { rngs: new nnx.Rngs(0), useRunningAverage: true });
 * const [graphdef, params, rest] = nnx.split(layer, nnx.Param, true);
 * const x = np.array([[1, 2]]);
 * const slopes = grad((p: nnx.State) => nnx.merge(graphdef, p, rest!).call(x).sum())(params!);
 * console.log(String(slopes.bias)); // Array(float32[2], [1,1])
 * ```
 */
export function split<M extends object>(
  node: M,
  ...filters: readonly Filter[]
): [graphdef: GraphDef<M>, ...states: State[]] {
  const graph = whole("split", node);
  const { groups, rest } = chosen(graph, filters.length === 0 ? [true] : filters);
  if (rest.length > 0) {
    throw new StateError(
      `nnx.split: no filter means ${
        rest.map(([v, path]) => `${path} (${v.type})`).join(", ")
      }. Add true as the last filter, for the rest`,
    );
  }
  return [new GraphDef<M>(structureOf(graph, new Numbering())), ...groups.map(values)];
}

/**
 * Puts a model together: new objects of a structure, with arrays from one or several trees.
 *
 * @throws {StateError} where the trees lack an array of the structure, or have others.
 */
export function merge<M extends object>(
  graphdef: GraphDef<M>,
  ...states: readonly State[]
): M {
  if (!(graphdef instanceof GraphDef)) {
    throw new TypeError(
      `nnx.merge: the first argument must be what nnx.split gave first, not ${
        describeValue(graphdef)
      }`,
    );
  }
  const known = new Set<string>();
  const [node] = build(structureIn(graphdef), new Numbering(), ({ path }) => {
    known.add(path);
    for (const own of states) {
      const value = valueAt(own, path);
      if (value !== undefined) return value;
    }
    throw new StateError(`nnx.merge: there is no array for ${path}. The states must have them all`);
  });
  for (const own of states) refuseOthers("merge", own, known, "");
  return node as M;
}

/** Raises where a state has something where no variable is. */
export function refuseOthers(
  op: string,
  own: unknown,
  known: ReadonlySet<string>,
  path: string,
): void {
  if (known.has(path)) return;
  if (typeof own !== "object" || own === null || toArray(own) !== null) {
    throw new StateError(
      `nnx.${op}: the state has ${
        path === "" ? describeValue(own) : path
      }, but there is no variable. There is ${[...known].sort().join(", ") || "none"}`,
    );
  }
  for (const [name, inner] of Object.entries(own)) {
    refuseOthers(op, inner, known, path === "" ? name : `${path}/${name}`);
  }
}

/**
 * Sets the variables of a model to arrays from trees, which need not have them all. Where one is wrong,
 * none is set.
 *
 * @throws {StateError} where a tree has an array and the model no variable; inside of a pure transform.
 * @throws {ShapeError} where an array has another shape than the one before.
 *
 * @example
 * ```ts
 * import { numpy as np, treeMap } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.Linear(2, 2, { rngs: new nnx.Rngs(0) });
 * nnx.update(layer, treeMap(np.zerosLike, nnx.state(layer)));
 * console.log(layer.kernel.value.toArray()); // [ [ 0, 0 ], [ 0, 0 ] ]
 * ```
 */
export function update(node: object, ...states: readonly State[]): void {
  const graph = whole("update", node);
  const known = new Set(graph.variables.values());
  for (const own of states) refuseOthers("update", own, known, "");
  const given = [...graph.variables].flatMap(([variable, path]) => {
    const value = states.map((own) => valueAt(own, path)).findLast((x) => x !== undefined);
    if (value === undefined) return [];
    const given = toArray(value) ?? value;
    checkShape(path, variable, given);
    return [{ variable, value: given }];
  });
  for (const { variable } of given) checkWritable(cellOf(variable));
  for (const { variable, value } of given) variable.value = value;
}

/** Raises where an array would be of another shape: the layer was made for that one. */
function checkShape(path: string, { type, value }: Variable<unknown>, given: unknown): void {
  if (!(value instanceof NDArray && given instanceof NDArray)) return;
  if (sameShape(value.shape, given.shape)) return;
  throw new ShapeError(
    `nnx.update: the state has ${formatAval(given.aval)} for the ${type} ${path}, which is ${
      formatAval(value.aval)
    }. Is it the state of another model? To change the shape, set the value of the variable`,
  );
}

/**
 * Takes variables out of a model, wherever it refers to them, and gives their arrays.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * class Model extends nnx.Module {
 *   call(x: np.NDArray): np.NDArray {
 *     nnx.sow(this, "inputs", x);
 *     return x.mul(2);
 *   }
 * }
 * const model = new Model();
 * model.call(np.array(1));
 * console.log(Object.keys(nnx.pop(model, nnx.Intermediate)), Object.keys(model));
 * // [ "inputs" ] []
 * ```
 */
export function pop(node: object, filter: Filter): State {
  const graph = whole("pop", node);
  const found = chosen(graph, [filter]).groups[0]!;
  const out = values(found);
  const gone = new Set<unknown>(found.map(([variable]) => variable));
  if (gone.has(node)) throw new StateError("nnx.pop: the model is itself a variable that is meant");
  for (const { node, entries } of graph.records) {
    const left = entries.filter(([, value]) => !gone.has(value));
    if (left.length === entries.length) continue;
    setEntries(node, Array.isArray(node) ? left.map(([, value], i) => [String(i), value]) : left);
  }
  return out;
}

/** A copy of a model, with variables of its own. */
export function clone<M extends object>(node: M): M {
  const [graphdef, own] = split(node);
  return merge(graphdef, own!);
}

/** The variables of a model with their paths, each once. */
export function variables(node: object): [path: string, variable: Variable<unknown>][] {
  return [...whole("variables", node).variables].map(([variable, path]) => [path, variable]);
}

/**
 * Values from inside of models that are to be looked at. Where a transform runs a function, those that
 * were sown in it leave it as a result, and are sown outside: stacked, where there is one for each lane
 * or step.
 *
 * @module
 */
import { describeValue } from "../../lib/extend.ts";
import { type NDArray, numpy as np, StateError } from "../../mod.ts";
import { depth } from "./cells.ts";
import { type Graph, Module, type Numbering } from "./graph.ts";
import { Intermediate, typeName, Variable } from "./variable.ts";

/** A class of variables that lists are kept in. */
export type SownType = new (value: NDArray[]) => Variable<NDArray[]>;

/** Variables that were sown to in a transform. */
const grown = new WeakSet<Variable<unknown>>();

/**
 * Keeps a value from inside a model, to be looked at after the call: it is put at the end of the list in
 * the variable of that name, which is made where there is none. Of lanes and steps of `vmap` and `scan`
 * the values are stacked, along the axis that is said for variables of that type.
 *
 * @throws {TypeError} where the arguments are in the order of Flax's method, `module.sow(type, name, value)`.
 * @throws {StateError} where the module has something else under that name, or a variable of another type.
 */
export function sow(
  module: object,
  name: string,
  value: NDArray,
  type: SownType = Intermediate,
): void {
  if (typeof name !== "string" || typeof type !== "function") {
    throw new TypeError(
      `nnx.sow: the name must be a string and the type a class, not ${describeValue(name)} and ${
        describeValue(type)
      }. Write nnx.sow(module, name, value, nnx.Intermediate)`,
    );
  }
  const holder = module as Record<string, unknown>;
  const own = holder[name];
  if (own === undefined) {
    noted(holder[name] = new type([value]));
  } else if (own instanceof Variable && own.constructor === type && Array.isArray(own.value)) {
    noted(own).value = [...own.value as NDArray[], value];
  } else {
    throw new StateError(
      `nnx.sow: ${module.constructor.name} has ${describeValue(own)} under the name ${
        JSON.stringify(name)
      }, not a variable that values were sown to as ${typeName(type)}`,
    );
  }
}

function noted<V extends Variable<unknown>>(variable: V): V {
  if (depth() > 0) grown.add(variable);
  return variable;
}

/** What leaves a function, by the module, the type, the axis and the name that it was sown under. */
export type Sown = Readonly<Record<string, NDArray[]>>;

/**
 * Along which axis values of lanes or steps are stacked; `null` where they are none of the lanes' own, and
 * stay where they are.
 */
export type SownAxis = (module: Module, name: string, type: SownType) => number | null;

/** Of what runs once, values leave as they are. */
export const once: SownAxis = (): number => 0;

/** Types that were sown as, which what leaves a function names by number: it is plain data. */
const types: SownType[] = [];

/**
 * Takes what was sown in a function out of its modules, which `before` has as they were when it began;
 * `outside` gives the list that a variable holds outside.
 */
export function takeSown(
  before: Graph,
  numbering: Numbering,
  outside: (variable: Variable<unknown>) => unknown,
  axisOf: SownAxis,
): Sown {
  const sown: Record<string, NDArray[]> = {};
  for (const { node, entries } of before.records) {
    if (!(node instanceof Module)) continue;
    for (const [name, variable] of Object.entries(node)) {
      if (!(variable instanceof Variable) || !grown.has(variable)) continue;
      const was = entries.find(([other]) => other === name)?.[1];
      if (was !== undefined && was !== variable) continue;
      const type = variable.constructor as SownType;
      const axis = axisOf(node, name, type);
      if (axis === null) continue;
      const list = variable.value as NDArray[];
      const kept = was === undefined ? [] : outside(variable) as NDArray[];
      if (was === undefined) delete (node as unknown as Record<string, unknown>)[name];
      else variable.value = list.slice(0, kept.length);
      if (!types.includes(type)) types.push(type);
      const key = [numbering.idOf(node), types.indexOf(type), axis, name].join(":");
      sown[key] = list.slice(kept.length);
    }
  }
  return sown;
}

/** Sows outside what left a function. */
export function sowAgain(sown: Sown, numbering: Numbering): void {
  for (const [key, values] of Object.entries(sown)) {
    const [id, type, axis, ...name] = key.split(":");
    const module = numbering.objectOf(Number(id))!;
    for (const value of values) {
      const own = axis === "0" ? value : np.moveaxis(value, 0, Number(axis));
      sow(module, name.join(":"), own, types[Number(type)]);
    }
  }
}

/**
 * What the transforms of functions with modules among their arguments share: each call is one
 * application of the lifted transform over the objects in the arguments.
 *
 * @module
 */
import { type AxesOfAdapter, describeValue } from "../../lib/extend.ts";
import { StateError } from "../../mod.ts";
import { type Filter, toPredicate } from "./filters.ts";
import { graphOf, isNode } from "./graph.ts";
import { keyOf, onlyNodes, type Roots, System } from "./system.ts";
import type { Variable } from "./variable.ts";

/** Any function, by its untyped signature. */
export type Fn = (...args: unknown[]) => unknown;

/** Calls over the objects of arguments. */
export class Calls {
  readonly #systems: { readonly system: System; args: readonly unknown[]; roots: Roots }[] = [];
  #depth = 0;

  /** `name` is that of the transform, for messages. */
  constructor(readonly name: string) {}

  /** Runs `body` for one call. A call within a call has a system of its own. */
  over<T>(args: readonly unknown[], body: (call: Call) => T): T {
    let own = this.#systems[this.#depth];
    if (own === undefined) {
      const holder: { args: readonly unknown[]; roots: Roots } = { args, roots: [] };
      own = Object.assign(holder, { system: new System("nnx", () => holder.roots) });
      this.#systems.push(own);
    }
    own.args = args;
    own.roots = args.map((x, i) => [String(i), onlyNodes(x)]);
    this.#depth++;
    try {
      return body(own);
    } finally {
      own.args = own.roots = [];
      this.#depth--;
    }
  }
}

/** One call. */
export interface Call {
  /** Its system. */
  readonly system: System;
  /** Its arguments. */
  readonly args: readonly unknown[];
  /** The modules in these. */
  readonly roots: Roots;
}

/** A function under the name of another, for messages. */
export function named(f: unknown, wrapper: Fn): Fn {
  return typeof f === "function"
    ? Object.defineProperty(wrapper, "name", { value: f.name })
    : f as Fn;
}

/** Raises where a tree has other objects than another, or has them elsewhere. */
export function checkSameNodes(op: string, what: string, before: unknown, after: unknown): void {
  if (isNode(before) || isNode(after)) {
    if (before === after) return;
    const told = (x: unknown): string => isNode(x) ? x.constructor.name : describeValue(x);
    throw new StateError(
      `nnx.${op}: ${what} must have the same modules as it began with, but there is ${
        told(after)
      } where there was ${
        told(before)
      }. Return the module that was passed in: what is in its variables is carried by itself`,
    );
  }
  if (typeof before !== "object" || before === null) return;
  for (const [name, inner] of Object.entries(before)) {
    checkSameNodes(op, what, inner, (after as Record<string, unknown> | null)?.[name]);
  }
}

/**
 * Axes for variables by filter: the first filter that means a variable counts.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * // Lanes that have parameters of their own, and share what else there is.
 * const create = nnx.vmap((rngs: nnx.Rngs) => new nnx.Linear(2, 3, { rngs }));
 * const layers = create(new nnx.Rngs(0).split(4));
 * const axes = new nnx.StateAxes([[nnx.Param, 0], [true, null]]);
 * const forward = nnx.vmap((m: nnx.Linear, x: np.NDArray) => m.call(x), { inAxes: [axes, null] });
 * console.log(forward(layers, np.ones([2])).shape); // [ 4, 3 ]
 * ```
 */
export class StateAxes {
  /** What `axes` says of a variable; `undefined` where no filter means it. */
  readonly axisOf: (path: string, variable: Variable<unknown>) => Axis | undefined;

  /** `axes` are pairs: a filter, and an axis, `null` for shared, or `Carry` (in `scan`). */
  constructor(axes: readonly (readonly [filter: Filter, axis: Axis])[]) {
    const own = axes.map(([filter, axis]) => [toPredicate(filter), axis] as const);
    this.axisOf = (path, variable) => own.find(([means]) => means(path, variable))?.[1];
  }
}

/** Marks what goes from step to step of a `scan`. */
export class CarryMark {
  /** For messages. */
  readonly name: "Carry" = "Carry";
}

/** Marks, in `inAxes` and `outAxes` of `scan`, what goes from step to step. */
export const Carry: CarryMark = new CarryMark();

/** An axis, `null` for shared, or `Carry`. */
export type Axis = number | null | CarryMark;

/** The axes of variables by entry, and how many lanes or steps these say there are. */
export interface VariableAxes {
  /** The axis of an entry. */
  readonly axisOf: AxesOfAdapter;
  /** The number of lanes or steps, where a variable has an axis for them. */
  readonly size: number | null;
}

/** The variables of an argument. */
export function variablesIn(arg: unknown): ReadonlyMap<Variable<unknown>, string> {
  return typeof arg === "object" && arg !== null ? graphOf(arg).variables : new Map();
}

/** The axes of variables by those of arguments. */
export function variableAxes(
  op: string,
  { system, args, roots }: Call,
  axes: readonly (Axis | StateAxes)[],
): VariableAxes {
  const found = new Map<Variable<unknown>, number | null>();
  const keys = new Map<string, number | null>();
  const all = system.variables(roots);
  let size: number | null = null;
  args.forEach((arg, i) => {
    const given = axes[i] ?? null;
    for (const [variable, path] of variablesIn(arg)) {
      const own = given instanceof StateAxes ? given.axisOf(path, variable) : given;
      if (own === undefined) {
        throw new StateError(
          `nnx.${op}: no filter of the StateAxes for argument ${i} means ${path} (${variable.type}). Add ` +
            "[true, null], which shares the rest",
        );
      }
      const axis = typeof own === "number" ? own : null;
      if (found.has(variable) && found.get(variable) !== axis) {
        throw new StateError(
          `nnx.${op}: ${path} of argument ${i} is shared with another argument, and has axis ${axis} here ` +
            `but ${found.get(variable)} there: give both the same`,
        );
      }
      found.set(variable, axis);
      keys.set(keyOf(variable, all.get(variable)!), axis);
      const shape = (variable.value as { shape?: readonly number[] }).shape;
      if (axis !== null) size ??= shape?.[axis] ?? null;
    }
  });
  const axisOf = (path: string, collection: string): number | null =>
    keys.get(`${collection}:${path}`) ?? null;
  const ofLanes = (_: string, collection: string): string =>
    `in inAxes, new nnx.StateAxes([[nnx.${collection}, 0], [true, null]]) for the module`;
  return { size, axisOf: Object.assign(axisOf, { ofLanes }) };
}

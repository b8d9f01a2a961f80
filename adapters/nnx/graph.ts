/**
 * Graphs of objects: modules, lists and plain objects, with variables and static data at their ends.
 * A graph is walked in a fixed order, each object once, however often and from wherever it is referred
 * to. Its structure is plain data, from which another such graph can be built.
 *
 * @module
 */
import { advise, describeValue } from "../../lib/extend.ts";
import { NDArray, StateError } from "../../mod.ts";
import { watchInputs } from "../inputs.ts";
import { checkAlive, noteFlag } from "./cells.ts";
import { cellOf, passedOn, Variable, type VariableType } from "./variable.ts";

/**
 * A part of a model: an object whose properties are variables, other modules, lists and plain objects of
 * these, and plain data. Properties may be shared between modules, and may form cycles.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * class Scale extends nnx.Module {
 *   readonly factor = new nnx.Param(np.array(2));
 *   call(x: NDArray): NDArray {
 *     return x.mul(this.factor.value);
 *   }
 * }
 * console.log(new Scale().call(np.array(3)).item()); // 6
 * ```
 */
export abstract class Module {
  /** Has what is wrong with the inputs of `call` said. */
  constructor() {
    watchInputs(new.target, Module.prototype);
  }

  /**
   * Sets flags for training: `deterministic` and `useRunningAverage`, wherever a module of this graph has
   * them, become false; and `attributes` are set where they exist.
   */
  train(attributes: Readonly<Record<string, unknown>> = {}): void {
    setAttributes(this, { deterministic: false, useRunningAverage: false, ...attributes });
  }

  /** As `train`, but the flags become true. */
  eval(attributes: Readonly<Record<string, unknown>> = {}): void {
    setAttributes(this, { deterministic: true, useRunningAverage: true, ...attributes });
  }

  /**
   * Sets properties wherever a module of this graph has them.
   *
   * @throws {StateError} where no module has one of them; then none is set.
   */
  setAttributes(attributes: Readonly<Record<string, unknown>>): void {
    const modules = graphOf(this).records.map(({ node }) => node).filter((x) =>
      x instanceof Module
    );
    for (const name of Object.keys(attributes)) {
      if (modules.some((module) => Object.hasOwn(module, name))) continue;
      throw new StateError(
        `nnx: setAttributes names ${
          JSON.stringify(name)
        }, but no module of ${this.constructor.name} has that property`,
      );
    }
    setAttributes(this, attributes);
  }
}

advise(Module, passedOn);

function setAttributes(root: Module, attributes: Readonly<Record<string, unknown>>): void {
  for (const { node } of graphOf(root).records) {
    if (!(node instanceof Module)) continue;
    for (const [name, value] of Object.entries(attributes)) {
      if (!Object.hasOwn(node, name) || Object.is(Reflect.get(node, name), value)) continue;
      noteFlag();
      Reflect.set(node, name, value);
    }
  }
}

/** An object that holds others. */
export type Holder = Module | unknown[] | Record<string, unknown>;

/** A holder in a graph. */
export interface HolderRecord {
  /** The object. */
  readonly node: Holder;
  /** Where it was found first. */
  readonly path: string;
  /** Its properties. */
  readonly entries: readonly (readonly [name: string, value: unknown])[];
}

/** Whether a value is a part of a graph that may be shared and changed. */
export function isNode(value: unknown): value is Module | Variable<unknown> {
  return value instanceof Module || value instanceof Variable;
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Module || Array.isArray(value)) return true;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A graph as it is now. */
export class Graph {
  /** Its modules, lists and plain objects. */
  readonly records: HolderRecord[] = [];
  /** Its variables, with the paths where they were found first. */
  readonly variables: Map<Variable<unknown>, string> = new Map();

  /** Walks what is reached from some roots, whose names are put before the paths. */
  constructor(readonly roots: readonly (readonly [name: string, value: unknown])[]) {
    const seen = new Set<object>();
    // A stack of one's own: models may be deep.
    const pending: [path: string, value: unknown][] = [...roots].reverse().map(([n, v]) => [n, v]);
    while (pending.length > 0) {
      const [path, value] = pending.pop()!;
      if (value instanceof Variable) {
        if (this.variables.has(value)) continue;
        // An object cannot see what is attached to it. So it is seen here, at the first look after that.
        checkAlive(cellOf(value), "found in the model", path === "" ? undefined : path);
        this.variables.set(value, path);
      } else if (isHolder(value) && !seen.has(value)) {
        seen.add(value);
        const entries = Object.keys(value).map((name): [string, unknown] => [
          name,
          (value as Record<string, unknown>)[name],
        ]);
        this.records.push({ node: value, path, entries });
        for (let i = entries.length - 1; i >= 0; i--) {
          const [name, inner] = entries[i]!;
          if (name.includes("/")) throw badName(path, name);
          pending.push([path === "" ? name : `${path}/${name}`, inner]);
        }
      }
    }
  }

  /** Whether another one has the same objects with the same properties. */
  equals(other: Graph): boolean {
    if (this === other) return true;
    if (this.records.length !== other.records.length) return false;
    return this.records.every(({ node, entries }, i) => {
      const o = other.records[i]!;
      return node === o.node && entries.length === o.entries.length &&
        entries.every(([name, value], j) =>
          name === o.entries[j]![0] && Object.is(value, o.entries[j]![1])
        );
    }) && this.isOver(other.roots);
  }

  /** Whether its objects have the same properties still. */
  get isCurrent(): boolean {
    // Each application of a transform asks for this: plain loops, no new objects.
    for (let i = 0; i < this.records.length; i++) {
      const { node, entries } = this.records[i]!;
      const names = Object.keys(node);
      if (names.length !== entries.length) return false;
      for (let j = 0; j < names.length; j++) {
        const [name, value] = entries[j]!;
        if (names[j] !== name || !Object.is((node as Record<string, unknown>)[name], value)) {
          return false;
        }
      }
    }
    return true;
  }

  /** The graph as it is now: this one, where nothing changed. */
  now(): Graph {
    return this.isCurrent ? this : new Graph(this.roots);
  }

  /** Whether it is over the same roots. */
  isOver(roots: Graph["roots"]): boolean {
    return roots.length === this.roots.length &&
      roots.every(([, value], i) => Object.is(value, this.roots[i]![1]));
  }

  /** Gives its objects back the properties that they had. */
  restore(): void {
    for (const { node, entries } of this.records) setEntries(node, entries);
  }
}

function badName(path: string, name: string): StateError {
  return new StateError(
    `nnx: ${JSON.stringify(name)}${
      path === "" ? "" : ` of ${path}`
    } has a slash in its name, which ` +
      "separates the names in a path: rename it",
  );
}

const graphs = new WeakMap<object, Graph>();

/** The graph of one object, whose paths begin in it. */
export function graphOf(node: object): Graph {
  const graph = graphs.get(node)?.now() ?? new Graph([["", node]]);
  graphs.set(node, graph);
  return graph;
}

/** Makes the properties of an object these. */
export function setEntries(
  node: Holder,
  entries: readonly (readonly [name: string, value: unknown])[],
): void {
  const names = Object.keys(node);
  const object = node as Record<string, unknown>;
  const same = names.length === entries.length &&
    entries.every(([name, value], i) => names[i] === name && Object.is(object[name], value));
  if (same) return;
  if (Array.isArray(node)) node.length = entries.length;
  // The order of properties is the order in which a graph is walked.
  const kept = names.filter((name, i) => entries[i]?.[0] === name);
  const inOrder = kept.every((name, i) => names[i] === name);
  for (const name of names) if (!inOrder || !kept.includes(name)) delete object[name];
  for (const [name, value] of entries) {
    if (!Object.hasOwn(object, name) || !Object.is(object[name], value)) object[name] = value;
  }
}

/** A property: a reference to an object of the graph by number, or plain data. */
export type Property = readonly [name: string, ref: number | null, plain: unknown];

/** The structure of one object. */
export interface Shape {
  /** Its number. */
  readonly id: number;
  /** Its class; for lists and plain objects `"list"` and `"object"`. */
  readonly type: VariableType | (abstract new () => Module) | "list" | "object";
  /** Where it was found first. */
  readonly path: string;
  /** Its properties; of a variable what it has beside its value. */
  readonly properties: readonly Property[];
}

/** The structure of a graph: plain data, by which graphs are compared and built. */
export interface Structure {
  /** Its roots. */
  readonly roots: readonly Property[];
  /** Its objects. */
  readonly shapes: readonly Shape[];
}

/** Numbers of objects. */
export class Numbering {
  readonly #ids = new Map<object, number>();
  readonly #objects = new Map<number, object>();
  #next = 0;

  /** The number of an object, a new one where it has none. */
  idOf(object: object): number {
    let id = this.#ids.get(object);
    if (id === undefined) this.set(id = this.#next, object);
    return id;
  }

  /** The object of a number. */
  objectOf(id: number): object | undefined {
    return this.#objects.get(id);
  }

  /** The number that the next object gets. */
  get next(): number {
    return this.#next;
  }

  /** Forgets some objects from a number on: they are over, but what is built in their place has it. */
  forget(from: number, isOver: (object: object) => boolean): void {
    for (let id = from; id < this.#next; id++) {
      const object = this.#objects.get(id);
      if (object === undefined || !isOver(object)) continue;
      this.#ids.delete(object);
      this.#objects.delete(id);
    }
  }

  /** Gives an object a number. */
  set(id: number, object: object): void {
    this.#next = Math.max(this.#next, id + 1);
    this.#ids.set(object, id);
    this.#objects.set(id, object);
  }
}

/** The structure of a graph. */
export function structureOf(graph: Graph, numbering: Numbering): Structure {
  const property = (name: string, value: unknown): Property =>
    value instanceof Variable || isHolder(value)
      ? [name, numbering.idOf(value), null]
      : [name, null, value];
  const roots = graph.roots.map(([name, value]) => property(name, value));
  const holders = graph.records.map(({ node, path, entries }): Shape => ({
    id: numbering.idOf(node),
    type: node instanceof Module
      ? node.constructor as abstract new () => Module
      : Array.isArray(node)
      ? "list"
      : "object",
    path,
    properties: entries.map(([name, value]) => property(name, value)),
  }));
  const variables = [...graph.variables].map(([variable, path]): Shape => ({
    id: numbering.idOf(variable),
    type: variable.constructor as VariableType,
    path,
    properties: Object.entries(variable).map(([name, value]): Property => [name, null, value]),
  }));
  return { roots, shapes: [...holders, ...variables] };
}

/**
 * Makes objects have a structure: those that a numbering knows are changed, others are made. Gives the
 * values of the roots.
 */
export function build(
  { roots, shapes }: Structure,
  numbering: Numbering,
  valueOf: (shape: Shape) => unknown,
): unknown[] {
  for (const shape of shapes) {
    const { id, properties } = shape;
    if (numbering.objectOf(id) !== undefined) continue;
    const made = instance(shape, valueOf);
    numbering.set(id, made);
    if (made instanceof Variable) {
      Object.assign(made, Object.fromEntries(properties.map(([name, , value]) => [name, value])));
    }
  }
  const value = ([, ref, plain]: Property): unknown =>
    ref === null ? plain : numbering.objectOf(ref);
  for (const { id, properties } of shapes) {
    const node = numbering.objectOf(id)!;
    if (node instanceof Variable) continue;
    setEntries(node as Holder, properties.map((p) => [p[0], value(p)]));
  }
  return roots.map(value);
}

function instance(shape: Shape, valueOf: (shape: Shape) => unknown): object {
  const { type } = shape;
  if (type === "list") return [];
  if (type === "object") return {};
  if (type.prototype instanceof Variable || type === Variable) {
    // The constructor of the base class alone: that of a subclass may want other arguments.
    return Reflect.construct(Variable, [valueOf(shape)], type);
  }
  return Object.create(type.prototype as object) as object;
}

/** What differs between two structures, for messages. */
export function difference(before: Structure, after: Structure): string {
  const shapes = new Map(before.shapes.map((s) => [s.id, s]));
  for (const { id, type, path, properties } of after.shapes) {
    const old = shapes.get(id);
    const what = path === "" ? "the model" : path;
    if (old === undefined) {
      const name = typeof type === "string" ? `a new ${type}` : `a new ${type.name}`;
      return `${name} was attached at ${what}`;
    }
    const own = new Map(old.properties.map((p) => [p[0], p]));
    for (const [name, ref, plain] of properties) {
      const was = own.get(name);
      own.delete(name);
      if (was !== undefined && was[1] === ref && Object.is(was[2], plain)) continue;
      const now = ref === null ? ` to ${describeValue(plain)}` : "";
      return `${JSON.stringify(name)} of ${what} was ${
        was === undefined ? "set" : "changed"
      }${now}`;
    }
    const gone = own.keys().next();
    if (!gone.done) return `${JSON.stringify(gone.value)} of ${what} was removed`;
  }
  return "the model was changed";
}

/** Raises where a graph has arrays that are not in variables, and that changed. */
export function checkPlain(before: Graph, after: Graph): void {
  const old = new Map(before.records.map((r) => [r.node, new Map(r.entries)]));
  for (const { node, path, entries } of after.records) {
    for (const [name, value] of entries) {
      if (!(value instanceof NDArray) || old.get(node)?.get(name) === value) continue;
      throw new StateError(
        `nnx: ${JSON.stringify(name)} of ${
          path === "" ? "the model" : path
        } was set to an array inside a ` +
          "transform, which would leak or lose it: keep arrays that change in variables, new nnx.Variable(x)",
      );
    }
  }
}

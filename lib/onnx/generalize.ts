/**
 * One model of the models that a program has at several sizes: nodes that are the same in all stay,
 * and constants that differ are computed in the file from the lengths of its inputs.
 *
 * At which sizes the models are is `open.ts`'s business, what their numbers have in common `lengths.ts`'s.
 *
 * @module
 */
import { InternalError, sizeOf, stridesOf } from "../core/mod.ts";
import {
  fit,
  formatPolynomial,
  type Polynomial,
  type Quantity,
  quantity,
  type Sizes,
} from "./lengths.ts";
import {
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type OnnxType,
  onnxTypeCode,
  type Tensor,
  type ValueInfo,
} from "./model.ts";
import { describeSizes, INSTEAD, quoted } from "./open.ts";

/** A symbol, and where a file finds what it stands for. */
export interface Symbol {
  /** Its name. */
  readonly name: string;
  /** Number of the input that has an axis of this length. */
  readonly input: number;
  /** That axis. */
  readonly axis: number;
}

/** Why no single model can stand for several. */
export class DifferentModels extends Error {
  /** The name of the class. */
  override name = "DifferentModels";
}

/**
 * The model that is each of `models` at its sizes.
 *
 * @throws {DifferentModels} where the graphs differ in more than constants, or a constant comes from the
 * sizes in no way that a file can compute.
 */
export function generalize(
  models: readonly Model[],
  sizes: readonly Sizes[],
  symbols: readonly Symbol[],
): Model {
  return new Generalizer(models, sizes, symbols).model();
}

class Generalizer {
  readonly #tensors: readonly ReadonlyMap<string, Tensor>[];
  /** For each model, names in it to names in the first. */
  readonly #names: readonly Map<string, string>[];
  /** Names of the constants that are one in the result, by their names in all models. */
  readonly #constants = new Map<string, string>();
  readonly #prelude: Prelude;

  constructor(
    readonly models: readonly Model[],
    readonly sizes: readonly Sizes[],
    readonly symbols: readonly Symbol[],
  ) {
    this.#tensors = models.map((m) => new Map(m.graph.initializers.map((t) => [t.name, t])));
    this.#names = models.map(() => new Map<string, string>());
    const { graph } = models[0]!;
    this.#prelude = new Prelude(namesIn(graph), symbols, graph.inputs.map((v) => v.name));
  }

  model(): Model {
    const [first] = this.models;
    const graph = this.#graph(this.models.map((m) => m.graph), "");
    return {
      ...first!,
      graph: {
        ...graph,
        nodes: [...this.#prelude.nodes, ...graph.nodes],
        initializers: this.#prelude.initializers,
      },
    };
  }

  /** The graph or body that all these are. */
  #graph(graphs: readonly Graph[], operation: string): Graph {
    const ports = (list: readonly (readonly ValueInfo[])[], define: boolean): ValueInfo[] => {
      this.#alike(list.map((ports) => ports.length), operation);
      return list[0]!.map((port, k) => {
        const all = list.map((ports) => ports[k]!);
        this.#alike(all.map((p) => `${p.type} ${p.shape?.length}`), operation);
        if (define) this.#define(all.map((p) => p.name));
        const shape = port.shape?.map((_, axis) => this.#length(all.map((p) => p.shape![axis]!)));
        return { ...port, ...(shape !== undefined && { shape }) };
      });
    };
    const inputs = ports(graphs.map((g) => g.inputs), true);
    this.#alike(graphs.map((g) => g.nodes.length), firstDifference(graphs) ?? operation);
    const nodes = graphs[0]!.nodes.map((_, k) => this.#node(graphs.map((g) => g.nodes[k]!)));
    const outputs = ports(graphs.map((g) => g.outputs), false);
    for (const [k] of outputs.entries()) {
      this.#value(graphs.map((g) => g.outputs[k]!.name), operation);
    }
    return { ...graphs[0]!, inputs, nodes, outputs };
  }

  #node(nodes: readonly Node[]): Node {
    const [first] = nodes;
    const { operation = "" } = first!;
    this.#alike(nodes.map((n) => `${n.domain}.${n.op}/${n.outputs.length}`), operation);
    this.#alike(nodes.map((n) => n.inputs.length), operation);
    const inputs = first!.inputs.map((_, k) =>
      this.#value(nodes.map((n) => n.inputs[k]!), operation)
    );
    const attributes = Object.fromEntries(
      Object.keys(first!.attributes ?? {}).map((key): [string, Attribute] => {
        const all = nodes.map((n) => n.attributes?.[key]);
        if (all.every((a) => a !== undefined && "graph" in a)) {
          return [key, { graph: this.#graph(all.map((a) => a.graph), operation) }];
        }
        this.#alike(all.map((a) => JSON.stringify(a)), operation);
        return [key, all[0]!];
      }),
    );
    first!.outputs.forEach((_, k) => this.#define(nodes.map((n) => n.outputs[k]!)));
    return { ...first!, inputs, ...(first!.attributes !== undefined && { attributes }) };
  }

  #define(names: readonly string[]): void {
    names.forEach((name, i) => this.#names[i]!.set(name, names[0]!));
  }

  /** The name of what has these names in the models. */
  #value(names: readonly string[], operation: string): string {
    const tensors = names.map((name, i) => this.#tensors[i]!.get(name));
    if (tensors.every((t) => t !== undefined)) return this.#constant(names, tensors, operation);
    this.#alike(
      names.map((name, i) => this.#names[i]!.get(name) ?? `constant or "${name}"`),
      operation,
    );
    return names[0]!;
  }

  #constant(names: readonly string[], tensors: readonly Tensor[], operation: string): string {
    const key = names.join("\0");
    let name = this.#constants.get(key);
    if (name === undefined) {
      this.#constants.set(key, name = this.#makeConstant(tensors, operation));
    }
    return name;
  }

  #makeConstant(tensors: readonly Tensor[], operation: string): string {
    const [first] = tensors;
    this.#alike(tensors.map((t) => `${t.type} ${t.shape.length}`), operation);
    if (tensors.every((t) => sameTensor(t, first!))) return this.#prelude.constant(first!);
    const { type } = first!;
    const sameShape = tensors.every((t) => t.shape.every((n, i) => n === first!.shape[i]));
    if (sameShape && sizeOf(first!.shape) <= MOST_ELEMENTS) {
      const elements = tensors.map(numbers);
      const values = elements[0]!.map((_, k) =>
        this.#quantity(elements.map((e) => e[k]!), type, operation)
      );
      return this.#prelude.vector(values, type, first!.shape);
    }
    return this.#grid(tensors, operation);
  }

  /** An array whose size is open: it can be computed where its elements are all the same, or count. */
  #grid(tensors: readonly Tensor[], operation: string): string {
    const [first] = tensors;
    const { type } = first!;
    const of = (values: readonly number[], type: OnnxType) =>
      this.#quantity(values, type, operation);
    const shape = first!.shape.map((_, axis) => of(tensors.map((t) => t.shape[axis]!), "int64"));
    const size = this.#prelude.vector(shape, "int64", [shape.length]);
    const grids = tensors.map((t) => counts(numbers(t), t.shape));
    const axis = grids[0]?.axis;
    if (!grids.every((g) => g !== null && g.axis === axis)) {
      throw this.#needs(operation, "an array of constants", tensors.map((t) => `[${t.shape}]`));
    }
    const start = this.#prelude.vector([of(grids.map((g) => g!.start), type)], type, []);
    if (axis === -1) return this.#prelude.expand(start, size);
    const step = this.#prelude.vector([of(grids.map((g) => g!.step), type)], type, []);
    const length = this.#prelude.vector([shape[axis!]!], "int64", []);
    const column = shape.map((n, i) => i === axis ? n : 1);
    return this.#prelude.expand(
      this.#prelude.range(
        start,
        step,
        length,
        type,
        this.#prelude.vector(column, "int64", [column.length]),
      ),
      size,
    );
  }

  #quantity(values: readonly number[], type: OnnxType, operation: string): number | Quantity {
    if (values.every((v) => Object.is(v, values[0]))) return values[0]!;
    if (type === "float32" || type === "float64") {
      const q = quantity(this.sizes, values, type === "float32" ? Math.fround : (v) => v);
      if (q !== null) return q;
    } else if (type !== "bool" && type !== "uint8") {
      const polynomial = fit(this.sizes, values);
      if (polynomial !== null) return { polynomial, form: "quotient", factor: 1 };
    }
    throw this.#needs(operation, "a number", values.map(String));
  }

  /** A length of an input, output or body's value, as the file has it. */
  #length(lengths: readonly (number | string)[]): number | string {
    if (lengths.every((n) => n === lengths[0])) return lengths[0]!;
    const polynomial = fit(this.sizes, lengths as number[]);
    return polynomial === null ? -1 : formatPolynomial(polynomial, this.symbols.map((s) => s.name));
  }

  #alike(items: readonly unknown[], operation: string): void {
    if (items.every((item) => item === items[0])) return;
    const names = this.symbols.map((s) => s.name);
    throw new DifferentModels(
      `${operation || "the result"} takes other steps for other values of ${
        quoted(names)
      }, and a file has ` +
        `one graph for all. ${INSTEAD}`,
    );
  }

  #needs(operation: string, what: string, found: readonly string[]): DifferentModels {
    const names = this.symbols.map((s) => s.name);
    const other = found.findIndex((f) => f !== found[0]);
    return new DifferentModels(
      `${operation || "the result"} needs the number that ${
        quoted(names)
      } stands for, for ${what} that a ` +
        `file cannot compute from it: ${found[0]} where ${describeSizes(names, this.sizes[0]!)}, ${
          found[other]
        } where ${describeSizes(names, this.sizes[other]!)}. ${INSTEAD}`,
    );
  }
}

/** The nodes that compute constants from the lengths of inputs, and the constants that need no nodes. */
class Prelude {
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  readonly #known = new Map<string, string>();

  constructor(
    readonly taken: Set<string>,
    readonly symbols: readonly Symbol[],
    readonly inputs: readonly string[],
  ) {}

  /** Keeps a constant. */
  constant(tensor: Tensor): string {
    const name = this.#name(tensor.name);
    this.initializers.push({ ...tensor, name });
    return name;
  }

  /** Numbers as a tensor of this shape. */
  vector(
    values: readonly (number | Quantity)[],
    type: OnnxType,
    shape: readonly number[],
  ): string {
    const parts: string[] = [];
    for (let i = 0; i < values.length;) {
      const value = values[i]!;
      let end = i + 1;
      if (typeof value !== "number") parts.push(this.#quantity(value, type));
      else {
        while (end < values.length && typeof values[end] === "number") end++;
        parts.push(this.#numbers(values.slice(i, end) as number[], type));
      }
      i = end;
    }
    const joined = parts.length === 1
      ? parts[0]!
      : this.#node("Concat", parts, { axis: { int: 0 } });
    if (shape.length === 1) return joined;
    return this.#node("Reshape", [joined, this.#numbers(shape, "int64")]);
  }

  expand(value: string, shape: string): string {
    return this.#node("Expand", [value, shape]);
  }

  /** `start`, `start + step`, ... in a shape. */
  range(start: string, step: string, length: string, type: OnnxType, shape: string): string {
    const scalar = (n: number): string => this.vector([n], "int64", []);
    const index = this.#node("Range", [scalar(0), length, scalar(1)]);
    const cast = this.#node("Cast", [index], { to: { int: onnxTypeCode[type] } });
    const values = this.#node("Add", [this.#node("Mul", [cast, step]), start]);
    return this.#node("Reshape", [values, shape]);
  }

  /** One number, as a vector of one element. */
  #quantity({ polynomial, form, factor }: Quantity, type: OnnxType): string {
    const whole = this.#polynomial(polynomial);
    const p = type === "int64"
      ? whole
      : this.#node("Cast", [whole], { to: { int: onnxTypeCode[type] } });
    const c = (): string => this.#numbers([factor], type);
    switch (form) {
      case "quotient":
        return factor === 1 ? p : this.#node("Div", [p, c()]);
      case "reciprocal":
        return this.#node("Div", [c(), p]);
      case "root":
        return this.#node("Sqrt", [p]);
      case "inverse root":
        return this.#node("Div", [c(), this.#node("Sqrt", [p])]);
      case "logarithm":
        return this.#node("Log", [p]);
    }
  }

  #polynomial({ terms, divisor }: Polynomial): string {
    const sum = terms.map(({ factor, powers }) => {
      const names = powers.flatMap((power, k) => new Array<string>(power).fill(this.#symbol(k)));
      if (names.length === 0 || factor !== 1n) names.push(this.#numbers([Number(factor)], "int64"));
      return names.reduce((a, b) => this.#node("Mul", [a, b]));
    }).reduce((a, b) => this.#node("Add", [a, b]));
    return divisor === 1n
      ? sum
      : this.#node("Div", [sum, this.#numbers([Number(divisor)], "int64")]);
  }

  #symbol(k: number): string {
    const { name, input, axis } = this.symbols[k]!;
    const attributes = { start: { int: axis }, end: { int: axis + 1 } };
    return this.#node("Shape", [this.inputs[input]!], attributes, name);
  }

  #numbers(values: readonly number[], type: OnnxType): string {
    const key = `${type}[${values.map((v) => Object.is(v, -0) ? "-0" : v)}]`;
    let name = this.#known.get(key);
    if (name === undefined) {
      name = this.#name("const");
      this.#known.set(key, name);
      this.initializers.push({
        name,
        type,
        shape: [values.length],
        data: elementsOf(values, type),
      });
    }
    return name;
  }

  #node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    stem = op.toLowerCase(),
  ): string {
    const key = JSON.stringify([op, inputs, attributes]);
    let name = this.#known.get(key);
    if (name === undefined) {
      name = this.#name(stem);
      this.#known.set(key, name);
      this.nodes.push({ op, inputs, outputs: [name], attributes });
    }
    return name;
  }

  #name(stem: string): string {
    let name = stem;
    for (let n = 1; this.taken.has(name); n++) name = `${stem}_size_${n}`;
    this.taken.add(name);
    return name;
  }
}

/** Names of all values of a graph and its bodies but the constants. */
function namesIn(graph: Graph): Set<string> {
  const names = new Set([...graph.inputs, ...graph.outputs].map((v) => v.name));
  for (const node of graph.nodes) {
    for (const name of node.outputs) names.add(name);
    for (const attribute of Object.values(node.attributes ?? {})) {
      if ("graph" in attribute) { for (const name of namesIn(attribute.graph)) names.add(name); }
    }
  }
  return names;
}

/** The operation of the first node that is another in another graph. */
function firstDifference(graphs: readonly Graph[]): string | undefined {
  for (const [k, node] of graphs[0]!.nodes.entries()) {
    if (graphs.some((g) => g.nodes[k]?.op !== node.op)) return node.operation;
  }
  return undefined;
}

function sameTensor(a: Tensor, b: Tensor): boolean {
  if (a.data === b.data) return true;
  if (a.shape.some((n, i) => n !== b.shape[i]) || a.data.byteLength !== b.data.byteLength) {
    return false;
  }
  const [x, y] = [a.data, b.data].map((d) => new Uint8Array(d.buffer, d.byteOffset, d.byteLength));
  return x!.every((byte, i) => byte === y![i]);
}

/** The elements as numbers; integers of 64 bits are lengths and indices, and so exact. */
function numbers({ data }: Tensor): number[] {
  if (data instanceof DataView) throw new InternalError("a constant without a type of elements");
  return Array.from(data as unknown as Iterable<number | bigint>, Number);
}

/**
 * How elements count along one axis: `start + step * index`, with axis -1 and step 0 where all are the
 * same; `null` where they do neither, or there are too few to tell.
 */
function counts(
  values: readonly number[],
  shape: readonly number[],
): { axis: number; start: number; step: number } | null {
  const start = values[0];
  if (start === undefined) return null;
  if (values.every((v) => Object.is(v, start))) return { axis: -1, start, step: 0 };
  const strides = stridesOf(shape);
  for (const [axis, stride] of strides.entries()) {
    if (shape[axis]! < 2) continue;
    const step = values[stride]! - start;
    const index = (i: number): number => Math.floor(i / stride) % shape[axis]!;
    if (values.every((v, i) => v === start + step * index(i))) return { axis, start, step };
  }
  return null;
}

function elementsOf(values: readonly number[], type: OnnxType): ArrayBufferView {
  switch (type) {
    case "int64":
      return BigInt64Array.from(values, BigInt);
    case "int32":
      return Int32Array.from(values);
    case "uint32":
      return Uint32Array.from(values);
    case "float32":
      return Float32Array.from(values);
    case "float64":
      return Float64Array.from(values);
    case "bool":
    case "uint8":
      return Uint8Array.from(values);
  }
}

/** Elements of a constant that are computed one by one. */
const MOST_ELEMENTS = 64;

/**
 * ONNX models as plain data, and their protobuf bytes. The numbers of the format are in `wire.ts`.
 *
 * Leaves to others: what the operators mean, whether a graph is
 * well formed (the runtime checks that when it makes a session), and how graphs are built.
 *
 * ONNX models as text, one node a line.
 *
 * @module
 */
import { formatBytes, formatShape } from "../core/mod.ts";
import {
  ATTRIBUTE,
  DEFAULT_IR_VERSION,
  DIM,
  elementBytes,
  ENTRY,
  EXTRA_DOMAIN_VERSION,
  GRAPH,
  KIND,
  MODEL,
  NODE,
  type OnnxType,
  onnxTypeCode,
  OPSET,
  ProtoWriter,
  SHAPE,
  type StoredType,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  VALUE,
} from "./wire.ts";

export { type OnnxType, onnxTypeCode } from "./wire.ts";

/**
 * Value of an operator attribute; the one key present says its kind.
 *
 * `int` is a 64-bit integer: a `bigint` is needed only beyond 2^53.
 */
export type Attribute =
  | { readonly int: number | bigint }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly tensor: Tensor }
  | { readonly graph: Graph };

/** One application of an operator. */
export interface Node {
  /** Operator type, such as `"Add"`. */
  readonly op: string;
  /** Names of the values read; `""` leaves an optional input out. */
  readonly inputs: readonly string[];
  /** Names of the values defined; `""` leaves an optional output out. */
  readonly outputs: readonly string[];
  /** Attributes by name. */
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Operator set the operator belongs to; left out for the standard one. */
  readonly domain?: string;
  /** Name of the node, which the runtime puts in its messages. */
  readonly name?: string;
  /** The operation of the program that the node is part of; not written into files. */
  readonly operation?: string;
}

/** A constant tensor: an initializer, or the value of an attribute. */
export interface Tensor<T extends StoredType = OnnxType> {
  /** Name by which nodes refer to it; `""` for the value of an attribute. */
  readonly name: string;
  /** Element type. */
  readonly type: T;
  /** Sizes of the axes; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Elements in row-major order, little-endian; one byte per element for `bool`. */
  readonly data: ArrayBufferView;
}

/** Name and type of an input or output of a graph. */
export interface ValueInfo {
  /** Name of the value. */
  readonly name: string;
  /** Element type. */
  readonly type: OnnxType;
  /**
   * Sizes of the axes: -1 where a size is unknown, a text where it is open, the same for the same
   * size. Left out: the rank is unknown too.
   */
  readonly shape?: readonly (number | string)[];
}

/** Nodes in topological order, and the values that enter and leave. */
export interface Graph<T extends StoredType = OnnxType> {
  /** Name of the graph. */
  readonly name: string;
  /** Nodes, each after those whose outputs it reads. */
  readonly nodes: readonly Node[];
  /** Constants. */
  readonly initializers: readonly Tensor<T>[];
  /** Values fed from outside. */
  readonly inputs: readonly ValueInfo[];
  /** Values handed out. */
  readonly outputs: readonly ValueInfo[];
}

/** A graph, and what is needed to interpret it. `T` are the types in which constants are kept. */
export interface Model<T extends StoredType = OnnxType> {
  /** The main graph. */
  readonly graph: Graph<T>;
  /** Version of the standard operator set. */
  readonly opset: number;
  /** Version of the file format; 10 where left out. */
  readonly irVersion?: number;
  /** Name of the program that made the model. */
  readonly producer?: string;
  /** Further operator sets used, each at version 1, such as `"com.microsoft"`. */
  readonly domains?: readonly string[];
  /** Free-form notes. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Bytes of a model, ready for a runtime or a `.onnx` file.
 *
 * @throws {RangeError} where they would be more than a file can have.
 */
export function encodeModel(model: Model<StoredType>): Uint8Array<ArrayBuffer> {
  checkSize(model);
  const writer = new ProtoWriter();
  writer.int(MODEL.irVersion, model.irVersion ?? DEFAULT_IR_VERSION);
  if (model.producer !== undefined) writer.text(MODEL.producer, model.producer);
  writeGraph(writer, MODEL.graph, model.graph);
  writeOpset(writer, "", model.opset);
  for (const domain of model.domains ?? []) writeOpset(writer, domain, EXTRA_DOMAIN_VERSION);
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    writer.open(MODEL.metadata);
    writer.text(ENTRY.key, key);
    writer.text(ENTRY.value, value);
    writer.close();
  }
  const bytes = writer.finish();
  if (bytes.length > LONGEST_FILE) {
    throw new RangeError(
      `the ONNX file of ${model.graph.name} would have ${bytes.length} bytes, and one holds less than ` +
        "2 GiB. Pass large arrays as arguments instead of capturing them: then they are inputs",
    );
  }
  return bytes;
}

/** What is left for nodes and names: a program of 100,000 equations takes a tenth of it. */
const ROOM_FOR_NODES = 2 ** 26;

/** Lengths in protobuf are 32-bit integers with a sign, and readers refuse what is longer. */
const LONGEST_FILE = 2 ** 31 - 1;

/** Refuses a model that is too large, by its constants: the rest is small, and writing takes memory. */
function checkSize({ graph }: Model<StoredType>): void {
  const bytes = graph.initializers.reduce((sum, t) => sum + t.data.byteLength, 0);
  if (bytes <= LONGEST_FILE - ROOM_FOR_NODES) return;
  const largest = graph.initializers.reduce((a, b) =>
    b.data.byteLength > a.data.byteLength ? b : a
  );
  throw new RangeError(
    `the ONNX file of ${graph.name} would have ${
      formatBytes(bytes)
    } (${bytes} bytes) of constants, and one ` +
      `holds less than 2 GiB, its nodes included. The largest of the ${graph.initializers.length} ` +
      `constants is ${largest.type}${formatShape(largest.shape)}, ${
        formatBytes(largest.data.byteLength)
      }. ` +
      "Pass large arrays as arguments instead of capturing them: then they are inputs",
  );
}

function writePackedInts(writer: ProtoWriter, field: number, values: readonly number[]): void {
  writer.open(field);
  for (let i = 0; i < values.length; i++) writer.varint(values[i]!);
  writer.close();
}

function writeOpset(writer: ProtoWriter, domain: string, version: number): void {
  writer.open(MODEL.opset);
  writer.text(OPSET.domain, domain);
  writer.int(OPSET.version, version);
  writer.close();
}

function writeGraph(writer: ProtoWriter, field: number, graph: Graph<StoredType>): void {
  writer.open(field);
  for (const node of graph.nodes) writeNode(writer, node);
  writer.text(GRAPH.name, graph.name);
  for (const tensor of graph.initializers) writeTensor(writer, GRAPH.initializer, tensor);
  for (const value of graph.inputs) writeValueInfo(writer, GRAPH.input, value);
  for (const value of graph.outputs) writeValueInfo(writer, GRAPH.output, value);
  writer.close();
}

function writeNode(writer: ProtoWriter, node: Node): void {
  writer.open(GRAPH.node);
  for (let i = 0; i < node.inputs.length; i++) writer.text(NODE.input, node.inputs[i]!);
  for (let i = 0; i < node.outputs.length; i++) writer.text(NODE.output, node.outputs[i]!);
  if (node.name !== undefined) writer.text(NODE.name, node.name);
  writer.text(NODE.op, node.op);
  if (node.attributes !== undefined) {
    for (const name of Object.keys(node.attributes)) {
      writeAttribute(writer, name, node.attributes[name]!);
    }
  }
  if (node.domain !== undefined) writer.text(NODE.domain, node.domain);
  writer.close();
}

function writeAttribute(writer: ProtoWriter, name: string, attribute: Attribute): void {
  writer.open(NODE.attribute);
  writer.text(ATTRIBUTE.name, name);
  let kind: number;
  if ("int" in attribute) {
    kind = KIND.int;
    writer.int(ATTRIBUTE.int, attribute.int);
  } else if ("ints" in attribute) {
    kind = KIND.ints;
    writePackedInts(writer, ATTRIBUTE.ints, attribute.ints);
  } else if ("float" in attribute) {
    kind = KIND.float;
    writer.float(ATTRIBUTE.float, attribute.float);
  } else if ("floats" in attribute) {
    kind = KIND.floats;
    writer.open(ATTRIBUTE.floats);
    for (const value of attribute.floats) writer.fixed(value);
    writer.close();
  } else if ("string" in attribute) {
    kind = KIND.string;
    writer.text(ATTRIBUTE.string, attribute.string);
  } else if ("tensor" in attribute) {
    kind = KIND.tensor;
    writeTensor(writer, ATTRIBUTE.tensor, attribute.tensor);
  } else {
    kind = KIND.graph;
    writeGraph(writer, ATTRIBUTE.graph, attribute.graph);
  }
  writer.int(ATTRIBUTE.kind, kind);
  writer.close();
}

function writeTensor(writer: ProtoWriter, field: number, tensor: Tensor<StoredType>): void {
  const { data, shape, type } = tensor;
  let bytes = elementBytes[type];
  for (const size of shape) bytes *= size;
  if (data.byteLength !== bytes) {
    throw new RangeError(
      `tensor "${tensor.name}": ${type}[${shape}] takes ${bytes} bytes, data has ${data.byteLength}`,
    );
  }
  writer.open(field);
  writePackedInts(writer, TENSOR.dims, shape);
  writer.int(TENSOR.type, onnxTypeCode[type]);
  writer.text(TENSOR.name, tensor.name);
  writer.bytes(TENSOR.raw, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  writer.close();
}

function writeValueInfo(writer: ProtoWriter, field: number, value: ValueInfo): void {
  writer.open(field);
  writer.text(VALUE.name, value.name);
  writer.open(VALUE.type);
  writer.open(TYPE.tensor);
  writer.int(TENSOR_TYPE.element, onnxTypeCode[value.type]);
  // A shape without axes is a scalar; only the absence of a shape leaves the rank open.
  if (value.shape !== undefined) {
    writer.open(TENSOR_TYPE.shape);
    for (const size of value.shape) {
      writer.open(SHAPE.dim);
      if (typeof size === "string") writer.text(DIM.symbol, size);
      else if (size >= 0) writer.int(DIM.size, size);
      writer.close();
    }
    writer.close();
  }
  writer.close().close().close();
}

/** The graph of a model: inputs, constants by name and type, nodes in order, outputs. */
export function formatModel({ graph, opset, domains = [] }: Model): string {
  const sets = [`opset ${opset}`, ...domains].join(", ");
  return `${formatGraph(graph, "")} (${sets})`;
}

function formatGraph(graph: Graph, indent: string): string {
  const inner = `${indent}  `;
  const constants = graph.initializers.map(({ name, type, shape }) =>
    `${inner}${name}: ${type}[${shape}] constant`
  );
  const nodes = graph.nodes.map((node) => `${inner}${formatNode(node, inner)}`);
  return [
    `graph ${graph.name}(${graph.inputs.map(formatValue).join(", ")}) {`,
    ...constants,
    ...nodes,
    `${inner}return ${graph.outputs.map(formatValue).join(", ")}`,
    `${indent}}`,
  ].join("\n");
}

function formatValue({ name, type, shape }: ValueInfo): string {
  return `${name}: ${type}${shape === undefined ? "" : `[${shape}]`}`;
}

function formatNode(node: Node, indent: string): string {
  const attributes = Object.entries(node.attributes ?? {})
    .map(([key, value]) => `${key}=${formatAttribute(value, indent)}`);
  const given = [...node.inputs.map((name) => name === "" ? "_" : name), ...attributes];
  return `${node.outputs.join(", ")} = ${node.op}(${given.join(", ")})`;
}

function formatAttribute(value: Attribute, indent: string): string {
  if ("graph" in value) return formatGraph(value.graph, indent);
  if ("tensor" in value) return `${value.tensor.type}[${value.tensor.shape}]`;
  if ("string" in value) return JSON.stringify(value.string);
  return String(Object.values(value)[0]);
}

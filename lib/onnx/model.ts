/**
 * ONNX models as plain data, and their protobuf bytes.
 *
 * Owns: the field numbers and type codes of `onnx.proto`, for the part of the format that Injax
 * writes, in both directions. Leaves to others: what the operators mean, whether a graph is
 * well formed (the runtime checks that when it makes a session), and how graphs are built.
 *
 * @module
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Element type of a tensor, by its usual name. */
export type OnnxType = "float32" | "float64" | "int32" | "int64" | "uint32" | "bool" | "uint8";

/** Code of each element type, as in `TensorProto.DataType`. */
export const onnxTypeCode: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
  uint32: 12,
};

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
}

/** A constant tensor: an initializer, or the value of an attribute. */
export interface Tensor {
  /** Name by which nodes refer to it; `""` for the value of an attribute. */
  readonly name: string;
  /** Element type. */
  readonly type: OnnxType;
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
  /** Sizes of the axes, -1 where a size is unknown. Left out: the rank is unknown too. */
  readonly shape?: readonly number[];
}

/** Nodes in topological order, and the values that enter and leave. */
export interface Graph {
  /** Name of the graph. */
  readonly name: string;
  /** Nodes, each after those whose outputs it reads. */
  readonly nodes: readonly Node[];
  /** Constants. */
  readonly initializers: readonly Tensor[];
  /** Values fed from outside. */
  readonly inputs: readonly ValueInfo[];
  /** Values handed out. */
  readonly outputs: readonly ValueInfo[];
}

/** A graph, and what is needed to interpret it. */
export interface Model {
  /** The main graph. */
  readonly graph: Graph;
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

const DEFAULT_IR_VERSION = 10;
const EXTRA_DOMAIN_VERSION = 1;

const elementBytes: Readonly<Record<OnnxType, number>> = {
  float32: 4,
  uint8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float64: 8,
  uint32: 4,
};

const typeOfCode: ReadonlyMap<number, OnnxType> = new Map(
  (Object.keys(onnxTypeCode) as OnnxType[]).map((type) => [onnxTypeCode[type], type]),
);

// Field numbers of onnx.proto, one group per message.
const MODEL = { irVersion: 1, producer: 2, graph: 7, opset: 8, metadata: 14, functions: 25 };
const OPSET = { domain: 1, version: 2 };
const ENTRY = { key: 1, value: 2 };
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, sparse: 15 };
const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 };
const ATTRIBUTE = {
  name: 1,
  float: 2,
  int: 3,
  string: 4,
  tensor: 5,
  graph: 6,
  floats: 7,
  ints: 8,
  kind: 20,
};
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9, location: 14 };
const VALUE = { name: 1, type: 2 };
const TYPE = { tensor: 1 };
const TENSOR_TYPE = { element: 1, shape: 2 };
const SHAPE = { dim: 1 };
const DIM = { size: 1 };

// AttributeProto.AttributeType. Readers go by this code, not by which field is filled.
const KIND = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7 };

/** Bytes of a model, ready for a runtime or a `.onnx` file. */
export function encodeModel(model: Model): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter();
  writeInt(writer, MODEL.irVersion, model.irVersion ?? DEFAULT_IR_VERSION);
  if (model.producer !== undefined) writeString(writer, MODEL.producer, model.producer);
  writeGraph(writer, MODEL.graph, model.graph);
  writeOpset(writer, "", model.opset);
  for (const domain of model.domains ?? []) writeOpset(writer, domain, EXTRA_DOMAIN_VERSION);
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    open(writer, MODEL.metadata);
    writeString(writer, ENTRY.key, key);
    writeString(writer, ENTRY.value, value);
    writer.join();
  }
  return writer.finish();
}

function open(writer: BinaryWriter, field: number): void {
  writer.uint32((field << 3) | WireType.LengthDelimited).fork();
}

function writeString(writer: BinaryWriter, field: number, text: string): void {
  writer.uint32((field << 3) | WireType.LengthDelimited).string(text);
}

function writeInt(writer: BinaryWriter, field: number, value: number | bigint): void {
  writer.uint32((field << 3) | WireType.Varint);
  writeVarint(writer, value);
}

function writeVarint(writer: BinaryWriter, value: number | bigint): void {
  // Small natural numbers, which is nearly all of them, have the same bytes either way, and
  // int64 takes every value through BigInt.
  if (typeof value === "number" && value >= 0 && value <= 0x7fffffff) writer.uint32(value);
  else writer.int64(value);
}

function writePackedInts(writer: BinaryWriter, field: number, values: readonly number[]): void {
  open(writer, field);
  for (let i = 0; i < values.length; i++) writeVarint(writer, values[i]!);
  writer.join();
}

function writeOpset(writer: BinaryWriter, domain: string, version: number): void {
  open(writer, MODEL.opset);
  writeString(writer, OPSET.domain, domain);
  writeInt(writer, OPSET.version, version);
  writer.join();
}

function writeGraph(writer: BinaryWriter, field: number, graph: Graph): void {
  open(writer, field);
  for (const node of graph.nodes) writeNode(writer, node);
  writeString(writer, GRAPH.name, graph.name);
  for (const tensor of graph.initializers) writeTensor(writer, GRAPH.initializer, tensor);
  for (const value of graph.inputs) writeValueInfo(writer, GRAPH.input, value);
  for (const value of graph.outputs) writeValueInfo(writer, GRAPH.output, value);
  writer.join();
}

function writeNode(writer: BinaryWriter, node: Node): void {
  open(writer, GRAPH.node);
  for (let i = 0; i < node.inputs.length; i++) writeString(writer, NODE.input, node.inputs[i]!);
  for (let i = 0; i < node.outputs.length; i++) writeString(writer, NODE.output, node.outputs[i]!);
  if (node.name !== undefined) writeString(writer, NODE.name, node.name);
  writeString(writer, NODE.op, node.op);
  if (node.attributes !== undefined) {
    for (const name of Object.keys(node.attributes)) {
      writeAttribute(writer, name, node.attributes[name]!);
    }
  }
  if (node.domain !== undefined) writeString(writer, NODE.domain, node.domain);
  writer.join();
}

function writeAttribute(writer: BinaryWriter, name: string, attribute: Attribute): void {
  open(writer, NODE.attribute);
  writeString(writer, ATTRIBUTE.name, name);
  let kind: number;
  if ("int" in attribute) {
    kind = KIND.int;
    writeInt(writer, ATTRIBUTE.int, attribute.int);
  } else if ("ints" in attribute) {
    kind = KIND.ints;
    writePackedInts(writer, ATTRIBUTE.ints, attribute.ints);
  } else if ("float" in attribute) {
    kind = KIND.float;
    writer.uint32((ATTRIBUTE.float << 3) | WireType.Bit32).float(attribute.float);
  } else if ("floats" in attribute) {
    kind = KIND.floats;
    open(writer, ATTRIBUTE.floats);
    for (const value of attribute.floats) writer.float(value);
    writer.join();
  } else if ("string" in attribute) {
    kind = KIND.string;
    writeString(writer, ATTRIBUTE.string, attribute.string);
  } else if ("tensor" in attribute) {
    kind = KIND.tensor;
    writeTensor(writer, ATTRIBUTE.tensor, attribute.tensor);
  } else {
    kind = KIND.graph;
    writeGraph(writer, ATTRIBUTE.graph, attribute.graph);
  }
  writeInt(writer, ATTRIBUTE.kind, kind);
  writer.join();
}

function writeTensor(writer: BinaryWriter, field: number, tensor: Tensor): void {
  const { data, shape, type } = tensor;
  let bytes = elementBytes[type];
  for (const size of shape) bytes *= size;
  if (data.byteLength !== bytes) {
    throw new RangeError(
      `tensor "${tensor.name}": ${type}[${shape}] takes ${bytes} bytes, data has ${data.byteLength}`,
    );
  }
  open(writer, field);
  writePackedInts(writer, TENSOR.dims, shape);
  writeInt(writer, TENSOR.type, onnxTypeCode[type]);
  writeString(writer, TENSOR.name, tensor.name);
  writer.uint32((TENSOR.raw << 3) | WireType.LengthDelimited)
    .bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  writer.join();
}

function writeValueInfo(writer: BinaryWriter, field: number, value: ValueInfo): void {
  open(writer, field);
  writeString(writer, VALUE.name, value.name);
  open(writer, VALUE.type);
  open(writer, TYPE.tensor);
  writeInt(writer, TENSOR_TYPE.element, onnxTypeCode[value.type]);
  // A shape without axes is a scalar; only the absence of a shape leaves the rank open.
  if (value.shape !== undefined) {
    open(writer, TENSOR_TYPE.shape);
    for (const size of value.shape) {
      open(writer, SHAPE.dim);
      if (size >= 0) writeInt(writer, DIM.size, size);
      writer.join();
    }
    writer.join();
  }
  writer.join().join().join();
}

/**
 * The model in some bytes, for tests and inspection.
 *
 * Inverse of {@linkcode encodeModel}, except that an absent `irVersion` comes back as its default
 * and an integer attribute as a `number` wherever that is exact. Documentation strings and shapes
 * of intermediate values are passed over; whatever else {@linkcode Model} cannot hold is an error.
 */
export function decodeModel(bytes: Uint8Array): Model {
  const reader = new BinaryReader(bytes);
  let irVersion = 0;
  let producer = "";
  let graph: Graph | undefined;
  let opset: number | undefined;
  const domains: string[] = [];
  const metadata: [string, string][] = [];
  readFields(reader, bytes.length, "model", (field) => {
    switch (field) {
      case MODEL.irVersion:
        irVersion = readInt(reader);
        return true;
      case MODEL.producer:
        producer = reader.string();
        return true;
      case MODEL.graph:
        graph = readGraph(reader);
        return true;
      case MODEL.opset: {
        const [domain, version] = readOpset(reader);
        if (domain === "" || domain === "ai.onnx") opset = version;
        else domains.push(domain);
        return true;
      }
      case MODEL.metadata:
        metadata.push(readEntry(reader));
        return true;
      case MODEL.functions:
        throw new Error("model: local functions are not supported");
    }
    return false;
  });
  if (graph === undefined) throw new Error("model: no graph");
  if (opset === undefined) throw new Error("model: no version of the standard operator set");
  return {
    graph,
    opset,
    irVersion,
    ...(producer !== "" && { producer }),
    ...(domains.length > 0 && { domains }),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }),
  };
}

/** Reads fields up to `end`, skipping those that `visit` does not consume. */
function readFields(
  reader: BinaryReader,
  end: number,
  what: string,
  visit: (field: number, wire: WireType) => boolean,
): void {
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (!visit(field, wire)) reader.skip(wire, field);
  }
  if (reader.pos !== end) throw new Error(`${what}: a field runs past the end`);
}

function readMessage(
  reader: BinaryReader,
  what: string,
  visit: (field: number, wire: WireType) => boolean,
): void {
  const length = reader.uint32();
  readFields(reader, reader.pos + length, what, visit);
}

/** A 64-bit integer; a `number` wherever that is exact. */
function readInt64(reader: BinaryReader): number | bigint {
  const exact = BigInt(reader.int64());
  const rounded = Number(exact);
  return Number.isSafeInteger(rounded) ? rounded : exact;
}

function readInt(reader: BinaryReader): number {
  const value = readInt64(reader);
  if (typeof value === "bigint") throw new RangeError(`the integer ${value} is beyond 2^53`);
  return value;
}

/** Appends the values of a repeated field, which may come packed or one by one. */
function readRepeated<T>(
  reader: BinaryReader,
  wire: WireType,
  into: T[],
  read: (reader: BinaryReader) => T,
): void {
  if (wire !== WireType.LengthDelimited) {
    into.push(read(reader));
    return;
  }
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) into.push(read(reader));
}

function readOpset(reader: BinaryReader): [domain: string, version: number] {
  let domain = "";
  let version = 0;
  readMessage(reader, "operator set", (field) => {
    if (field === OPSET.domain) domain = reader.string();
    else if (field === OPSET.version) version = readInt(reader);
    else return false;
    return true;
  });
  return [domain, version];
}

function readEntry(reader: BinaryReader): [key: string, value: string] {
  let key = "";
  let value = "";
  readMessage(reader, "metadata", (field) => {
    if (field === ENTRY.key) key = reader.string();
    else if (field === ENTRY.value) value = reader.string();
    else return false;
    return true;
  });
  return [key, value];
}

function readGraph(reader: BinaryReader): Graph {
  let name = "";
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  readMessage(reader, "graph", (field) => {
    switch (field) {
      case GRAPH.node:
        nodes.push(readNode(reader));
        return true;
      case GRAPH.name:
        name = reader.string();
        return true;
      case GRAPH.initializer:
        initializers.push(readTensor(reader));
        return true;
      case GRAPH.input:
        inputs.push(readValueInfo(reader));
        return true;
      case GRAPH.output:
        outputs.push(readValueInfo(reader));
        return true;
      case GRAPH.sparse:
        throw new Error("graph: sparse initializers are not supported");
    }
    return false;
  });
  return { name, nodes, initializers, inputs, outputs };
}

function readNode(reader: BinaryReader): Node {
  let op = "";
  let name = "";
  let domain = "";
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: [string, Attribute][] = [];
  readMessage(reader, "node", (field) => {
    switch (field) {
      case NODE.input:
        inputs.push(reader.string());
        return true;
      case NODE.output:
        outputs.push(reader.string());
        return true;
      case NODE.name:
        name = reader.string();
        return true;
      case NODE.op:
        op = reader.string();
        return true;
      case NODE.attribute:
        attributes.push(readAttribute(reader));
        return true;
      case NODE.domain:
        domain = reader.string();
        return true;
    }
    return false;
  });
  return {
    op,
    inputs,
    outputs,
    ...(attributes.length > 0 && { attributes: Object.fromEntries(attributes) }),
    ...(domain !== "" && { domain }),
    ...(name !== "" && { name }),
  };
}

function readAttribute(reader: BinaryReader): [name: string, attribute: Attribute] {
  let name = "";
  let kind = 0;
  let int: number | bigint = 0;
  let float = 0;
  let string = "";
  let tensor: Tensor | undefined;
  let graph: Graph | undefined;
  const ints: number[] = [];
  const floats: number[] = [];
  readMessage(reader, "attribute", (field, wire) => {
    switch (field) {
      case ATTRIBUTE.name:
        name = reader.string();
        return true;
      case ATTRIBUTE.float:
        float = reader.float();
        return true;
      case ATTRIBUTE.int:
        int = readInt64(reader);
        return true;
      case ATTRIBUTE.string:
        string = reader.string();
        return true;
      case ATTRIBUTE.tensor:
        tensor = readTensor(reader);
        return true;
      case ATTRIBUTE.graph:
        graph = readGraph(reader);
        return true;
      case ATTRIBUTE.floats:
        readRepeated(reader, wire, floats, (from) => from.float());
        return true;
      case ATTRIBUTE.ints:
        readRepeated(reader, wire, ints, readInt);
        return true;
      case ATTRIBUTE.kind:
        kind = reader.int32();
        return true;
    }
    return false;
  });
  switch (kind) {
    case KIND.int:
      return [name, { int }];
    case KIND.ints:
      return [name, { ints }];
    case KIND.float:
      return [name, { float }];
    case KIND.floats:
      return [name, { floats }];
    case KIND.string:
      return [name, { string }];
    case KIND.tensor:
      if (tensor) return [name, { tensor }];
      break;
    case KIND.graph:
      if (graph) return [name, { graph }];
      break;
  }
  throw new Error(`attribute "${name}": kind ${kind} is not supported, or has no value`);
}

function readTensor(reader: BinaryReader): Tensor {
  let name = "";
  let code = 0;
  let raw: Uint8Array | undefined;
  let elsewhere = false;
  const shape: number[] = [];
  readMessage(reader, "tensor", (field, wire) => {
    switch (field) {
      case TENSOR.dims:
        readRepeated(reader, wire, shape, readInt);
        return true;
      case TENSOR.type:
        code = reader.int32();
        return true;
      case TENSOR.name:
        name = reader.string();
        return true;
      case TENSOR.raw:
        raw = reader.bytes();
        return true;
      case TENSOR.location:
        elsewhere = reader.int32() !== 0;
        return true;
    }
    return false;
  });
  const type = toType(code, name);
  const count = shape.reduce((a, b) => a * b, 1);
  const length = raw?.byteLength ?? 0;
  if (elsewhere || length !== count * elementBytes[type]) {
    throw new Error(
      `tensor "${name}": ${type}[${shape}] with ${length} bytes of raw data is not supported`,
    );
  }
  return { name, type, shape, data: toElements(type, raw ?? new Uint8Array(0)) };
}

function toType(code: number, name: string): OnnxType {
  const type = typeOfCode.get(code);
  if (type === undefined) throw new Error(`"${name}": element type ${code} is not supported`);
  return type;
}

function toElements(type: OnnxType, raw: Uint8Array): ArrayBufferView {
  // The elements lie at any offset in the model's bytes; a copy is aligned.
  const { buffer } = new Uint8Array(raw);
  switch (type) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "bool":
    case "uint8":
      return new Uint8Array(buffer);
  }
}

function readValueInfo(reader: BinaryReader): ValueInfo {
  let name = "";
  let code = 0;
  let shape: number[] | undefined;
  readMessage(reader, "value", (field) => {
    if (field === VALUE.name) {
      name = reader.string();
      return true;
    }
    if (field !== VALUE.type) return false;
    readMessage(reader, "type", (kind) => {
      // Sequences, maps and optional values have other numbers; they leave `code` at 0.
      if (kind !== TYPE.tensor) return false;
      readMessage(reader, "tensor type", (part) => {
        if (part === TENSOR_TYPE.element) code = reader.int32();
        else if (part === TENSOR_TYPE.shape) shape = readShape(reader);
        else return false;
        return true;
      });
      return true;
    });
    return true;
  });
  const type = toType(code, name);
  return shape === undefined ? { name, type } : { name, type, shape };
}

function readShape(reader: BinaryReader): number[] {
  const shape: number[] = [];
  readMessage(reader, "shape", (field) => {
    if (field !== SHAPE.dim) return false;
    let size = -1;
    readMessage(reader, "axis", (part) => {
      if (part !== DIM.size) return false;
      size = readInt(reader);
      return true;
    });
    shape.push(size);
    return true;
  });
  return shape;
}

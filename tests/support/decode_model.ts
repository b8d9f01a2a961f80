/**
 * ONNX models from their bytes, for tests that look into what was written.
 *
 * @module
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { Attribute, Graph, Model, Node, Tensor, ValueInfo } from "../../lib/onnx/model.ts";
import {
  ATTRIBUTE,
  DIM,
  elementBytes,
  ENTRY,
  GRAPH,
  KIND,
  MODEL,
  NODE,
  type OnnxType,
  OPSET,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
  typeOfCode,
  VALUE,
} from "../../lib/onnx/wire.ts";

/**
 * The model in some bytes, for tests and inspection.
 *
 * Inverse of `encodeModel`, except that an absent `irVersion` comes back as its default
 * and an integer attribute as a `number` wherever that is exact. Documentation strings and shapes
 * of intermediate values are passed over; whatever else `Model` cannot hold is an error.
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
  let shape: (number | string)[] | undefined;
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

function readShape(reader: BinaryReader): (number | string)[] {
  const shape: (number | string)[] = [];
  readMessage(reader, "shape", (field) => {
    if (field !== SHAPE.dim) return false;
    let size: number | string = -1;
    readMessage(reader, "axis", (part) => {
      if (part === DIM.size) size = readInt(reader);
      else if (part === DIM.symbol) size = reader.string();
      else return false;
      return true;
    });
    shape.push(size);
    return true;
  });
  return shape;
}

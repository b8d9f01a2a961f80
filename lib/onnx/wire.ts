/**
 * The wire format of ONNX models: codes of element types and field numbers of `onnx.proto`, for the
 * part of the format that Injax writes.
 *
 * @module
 */

/** Element type of a tensor, by its usual name. */
export type OnnxType = "float32" | "float64" | "int32" | "int64" | "uint32" | "bool" | "uint8";

/** Types of two bytes, in which files can keep large constants. */
export type HalfType = "float16" | "bfloat16";

/** Element type of what a file holds. */
export type StoredType = OnnxType | HalfType;

/** Code of each element type, as in `TensorProto.DataType`. */
export const onnxTypeCode: Readonly<Record<StoredType, number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  bfloat16: 16,
};

/** Version of the format where a model names none. */
export const DEFAULT_IR_VERSION = 10;
/** Version of further operator sets. */
export const EXTRA_DOMAIN_VERSION = 1;

/** Bytes of an element. */
export const elementBytes: Readonly<Record<StoredType, number>> = {
  float32: 4,
  uint8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
  float64: 8,
  uint32: 4,
  float16: 2,
  bfloat16: 2,
};

/** Element types by code. */
export const typeOfCode: ReadonlyMap<number, OnnxType> = new Map(
  (Object.keys(onnxTypeCode) as StoredType[]).flatMap((type) =>
    type === "float16" || type === "bfloat16" ? [] : [[onnxTypeCode[type], type]]
  ),
);

/** Field numbers of the model message. */
export const MODEL = {
  irVersion: 1,
  producer: 2,
  graph: 7,
  opset: 8,
  metadata: 14,
  functions: 25,
} as const;
/** Field numbers of the opset message. */
export const OPSET = { domain: 1, version: 2 } as const;
/** Field numbers of the entry message. */
export const ENTRY = { key: 1, value: 2 } as const;
/** Field numbers of the graph message. */
export const GRAPH = {
  node: 1,
  name: 2,
  initializer: 5,
  input: 11,
  output: 12,
  sparse: 15,
} as const;
/** Field numbers of the node message. */
export const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 } as const;
/** Field numbers of the attribute message. */
export const ATTRIBUTE = {
  name: 1,
  float: 2,
  int: 3,
  string: 4,
  tensor: 5,
  graph: 6,
  floats: 7,
  ints: 8,
  kind: 20,
} as const;
/** Field numbers of the tensor message. */
export const TENSOR = { dims: 1, type: 2, name: 8, raw: 9, location: 14 } as const;
/** Field numbers of the value message. */
export const VALUE = { name: 1, type: 2 } as const;
/** Field numbers of the type message. */
export const TYPE = { tensor: 1 } as const;
/** Field numbers of the tensor type message. */
export const TENSOR_TYPE = { element: 1, shape: 2 } as const;
/** Field numbers of the shape message. */
export const SHAPE = { dim: 1 } as const;
/** Field numbers of the dim message. */
export const DIM = { size: 1, symbol: 2 } as const;

/** Codes of `AttributeProto.AttributeType`. Readers go by these, not by which field is filled. */
export const KIND = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
} as const;

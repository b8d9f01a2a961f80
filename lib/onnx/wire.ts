/**
 * The wire format of ONNX models: codes of element types and field numbers of `onnx.proto`, for the
 * part of the format that Injax writes.
 *
 * The wire format of protobuf, as far as models need it: fields with varints, text, bytes and floats, and
 * messages in messages. What the fields mean is `model.ts`'s.
 *
 * @module
 */

/** Writes messages field by field. A field of a message is opened, written, and closed. */
export class ProtoWriter {
  /** What is written and not yet in `#chunks`. */
  #bytes: number[] = [];
  /** Of the message that is open, in order. */
  #chunks: Uint8Array[] = [];
  /** Of the messages around it, from the outermost. */
  readonly #around: Uint8Array[][] = [];

  /** Opens a field that is a message, or numbers one behind the other. */
  open(field: number): this {
    this.#tag(field, DELIMITED).#flush();
    this.#around.push(this.#chunks);
    this.#chunks = [];
    return this;
  }

  /** Closes the field that was opened last. */
  close(): this {
    this.#flush();
    const inside = this.#chunks;
    this.#chunks = this.#around.pop()!;
    this.varint(total(inside));
    for (const chunk of inside) this.#append(chunk);
    return this;
  }

  /** A field with an integer; 64 bits, so that negative ones have ten bytes. */
  int(field: number, value: number | bigint): this {
    return this.#tag(field, VARINT).varint(value);
  }

  /** A field with a float32. */
  float(field: number, value: number): this {
    return this.#tag(field, FIXED).fixed(value);
  }

  /** A field with text. */
  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  /** A field with bytes, which are not copied before the end. */
  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, DELIMITED).varint(value.length).#append(value);
    return this;
  }

  /** An integer without a field around it. */
  varint(value: number | bigint): this {
    const bytes = this.#bytes;
    if (typeof value === "number" && value >= 0 && value <= LARGEST) {
      let rest = value;
      for (; rest > 127; rest >>>= 7) bytes.push(rest & 127 | 128);
      bytes.push(rest);
    } else {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
      bytes.push(Number(rest));
    }
    return this;
  }

  /** A float32 without a field around it. */
  fixed(value: number): this {
    const four = new DataView(new ArrayBuffer(4));
    four.setFloat32(0, value, true);
    for (let i = 0; i < 4; i++) this.#bytes.push(four.getUint8(i));
    return this;
  }

  /** All that was written. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#flush();
    const bytes = new Uint8Array(total(this.#chunks));
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  #tag(field: number, type: number): this {
    return this.varint(field << 3 | type);
  }

  #append(chunk: Uint8Array): void {
    if (chunk.length <= SHORT) {
      for (let i = 0; i < chunk.length; i++) this.#bytes.push(chunk[i]!);
    } else {
      this.#flush();
      this.#chunks.push(chunk);
    }
  }

  #flush(): void {
    if (this.#bytes.length === 0) return;
    this.#chunks.push(new Uint8Array(this.#bytes));
    this.#bytes = [];
  }
}

function total(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

const encoder: TextEncoder = /* @__PURE__ */ new TextEncoder();

/** How the value of a field is written: an integer, 32 bits, or a length and as many bytes. */
const VARINT = 0;
const FIXED = 5;
const DELIMITED = 2;

/** Integers up to this are computed with as such. */
const LARGEST = 0x7fffffff;

/** Bytes up to this many are kept among others: a chunk of their own would cost more. */
const SHORT = 64;

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

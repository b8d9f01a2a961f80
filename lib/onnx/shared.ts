/**
 * What all graphs of one ONNX model share while it is built: names, constants, and what is known of
 * values. The graphs themselves are `builder.ts`'s.
 *
 * @module
 */
import {
  allocate,
  dtypeOf,
  InternalError,
  isTypedArray,
  type ShapedArray,
  type TypedArray,
} from "../core/mod.ts";
import type { OnnxDType, Value } from "../core/lowering.ts";
import type { Target } from "./kernels.ts";
import type { Tensor } from "./model.ts";
import { Zeros } from "./zeros.ts";

/** Constants up to this size are compared by content, larger ones by identity. */
const SHARED_BYTES = 256;

/** What all graphs of one model share. */
export class Shared {
  /** Constants by name. */
  readonly tensors: Map<Value, Tensor> = new Map();
  /** Types of the values that equations read and give. */
  readonly avals: Map<Value, ShapedArray> = new Map();
  /** What is known of signs of zeros. */
  readonly zeros: Zeros = new Zeros((value) => this.avals.get(value)?.shape.length);
  /** Of what was reshaped: the value as it was at first, and its shape now. */
  readonly reshaped: Map<
    Value,
    { readonly source: Value; readonly shape: readonly number[] }
  > = new Map();
  /** Dtypes of all values, as far as they are known. */
  readonly types: Map<Value, OnnxDType> = new Map();
  /** Domains of operators beside the standard one. */
  readonly domains: Set<string> = new Set();
  readonly #taken = new Set<string>();
  readonly #byContent = new Map<string, Value>();
  readonly #byIdentity = new Map<ArrayBufferView, Map<string, Value>>();
  readonly #scalars = new Map<string, Value>();
  /** Name of the operation that is being lowered. */
  operation = "";
  #count = 0;

  /** For a model that runs on `target`; `isOpen` as in `Lowering`. */
  constructor(readonly target: Target, readonly isOpen: (length: number) => boolean) {}

  /** A new name. Exported graphs get names that tell the operator. */
  fresh(op: string): string {
    const stem = this.target === "portable" ? op.toLowerCase() + "_" : "v";
    let name = stem + this.#count++;
    while (this.#taken.has(name)) name = stem + this.#count++;
    return name;
  }

  /** A name that the user chose, or one made from it where it is taken. */
  reserve(wanted: string | undefined, fallback: string): string {
    const stem = wanted === undefined || wanted === "" ? fallback : wanted;
    let name = stem;
    for (let n = 2; this.#taken.has(name); n++) name = `${stem}_${n}`;
    this.#taken.add(name);
    return name;
  }

  /** See `Lowering.scalar`. */
  scalar(value: number, dtype: OnnxDType): Value {
    const key = Object.is(value, -0) ? `${dtype}-0` : dtype + value;
    let name = this.#scalars.get(key);
    if (name === undefined) {
      this.#scalars.set(key, name = this.constant([value], [], dtype));
    }
    return name;
  }

  /** See `Lowering.constant`. */
  constant(
    data: TypedArray | readonly number[],
    shape: readonly number[],
    dtype: OnnxDType,
  ): Value {
    const elements = toElements(data, dtype);
    const size = shape.reduce((a, b) => a * b, 1);
    if (elements.length !== size) {
      throw new InternalError(
        `lowering: a constant of shape [${shape}] has ${elements.length} elements`,
      );
    }
    const type = `${dtype}[${shape}]`;
    let table: Map<string, Value>;
    let key = type;
    if (elements.byteLength <= SHARED_BYTES) {
      table = this.#byContent;
      const { buffer, byteOffset, byteLength } = elements;
      key += String.fromCharCode(...new Uint8Array(buffer, byteOffset, byteLength));
    } else {
      const known = this.#byIdentity.get(elements);
      table = known ?? new Map();
      if (known === undefined) this.#byIdentity.set(elements, table);
    }
    let name = table.get(key);
    if (name === undefined) {
      table.set(key, name = this.fresh("const"));
      this.tensors.set(name, { name, type: dtype, shape, data: elements });
      this.types.set(name, dtype);
      if (isFloatType(dtype)) this.zeros.constant(name, elements);
    }
    return name;
  }
}

/** The elements as the storage class of an ONNX type; not copied where they are that already. */
function toElements(
  data: TypedArray | readonly number[],
  dtype: OnnxDType,
): TypedArray | BigInt64Array {
  if (dtype === "int64") return BigInt64Array.from(Array.from(data, BigInt));
  const storage = dtype === "uint8" ? "bool" : dtype;
  if (isTypedArray(data) && dtypeOf(data) === storage) return data;
  const elements = allocate(storage, data.length);
  for (let i = 0; i < data.length; i++) {
    elements[i] = dtype === "bool" ? (data[i] === 0 ? 0 : 1) : data[i]!;
  }
  return elements;
}

/** Whether it is one of the types of floats. */
export function isFloatType(type: OnnxDType): boolean {
  return type === "float32" || type === "float64";
}

/**
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

/**
 * The binary format of WebAssembly: functions as instructions put one after another, and the module
 * around them. Names of instructions are those of the specification, shortened; nothing here knows
 * arrays or programs.
 *
 * Source: WebAssembly Core Specification 3.0, section 5 (binary format).
 *
 * @module
 */
import { InternalError } from "../core/mod.ts";

/** Types of locals, parameters and results. */
export const I32 = 0x7f;
/** 64-bit integer. */
export const I64 = 0x7e;
/** 32-bit float. */
export const F32 = 0x7d;
/** 64-bit float. */
export const F64 = 0x7c;
/** 128-bit vector. */
export const V128 = 0x7b;

const scratch = new DataView(new ArrayBuffer(8));

/** Bytes that grow. */
export class Bytes {
  #data = new Uint8Array(64);
  /** How many there are. */
  length = 0;

  #room(count: number): void {
    if (this.length + count <= this.#data.length) return;
    const grown = new Uint8Array(Math.max(this.#data.length * 2, this.length + count));
    grown.set(this.#data);
    this.#data = grown;
  }
  /** Appends one byte. */
  byte(b: number): void {
    if (this.length === this.#data.length) this.#room(1);
    this.#data[this.length++] = b;
  }
  /** Appends bytes. */
  append(bytes: ArrayLike<number>): void {
    this.#room(bytes.length);
    this.#data.set(bytes, this.length);
    this.length += bytes.length;
  }
  /** Appends an unsigned number in LEB128. */
  unsigned(n: number): void {
    n >>>= 0;
    while (n >= 128) {
      this.byte(n & 127 | 128);
      n >>>= 7;
    }
    this.byte(n);
  }
  /** Appends a signed 32-bit number in LEB128. */
  signed(n: number): void {
    n |= 0;
    for (;;) {
      const b = n & 127;
      n >>= 7;
      if ((n === 0 && (b & 64) === 0) || (n === -1 && (b & 64) !== 0)) return this.byte(b);
      this.byte(b | 128);
    }
  }
  /** Appends a string in UTF-8 with its length. */
  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.unsigned(bytes.length);
    this.append(bytes);
  }
  /** The bytes so far; a view that appending may make stale. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#data.subarray(0, this.length);
  }
}

/** A function under construction, or an imported one. Parameters are its first locals. */
export class Fn {
  /** Its instructions. */
  readonly code: Bytes = new Bytes();
  readonly #locals: number[] = [];
  readonly #free = new Map<number, number[]>();
  /** Its number in the module, once it is added. */
  index = -1;

  /** A function of these types. */
  constructor(
    /** Types of the parameters. */
    readonly params: readonly number[] = [],
    /** Types of the results. */
    readonly results: readonly number[] = [],
  ) {}

  /** A new local of a type, or one that was given back; its value is anything. */
  local(type: number): number {
    const free = this.#free.get(type)?.pop();
    if (free !== undefined) return free;
    this.#locals.push(type);
    return this.params.length + this.#locals.length - 1;
  }
  /** Gives a local back. */
  release(local: number): void {
    const type = this.#locals[local - this.params.length]!;
    const list = this.#free.get(type);
    if (list === undefined) this.#free.set(type, [local]);
    else list.push(local);
  }

  /** Appends bytes of instructions. */
  op(...bytes: number[]): this {
    for (const b of bytes) this.code.byte(b);
    return this;
  }
  /** Appends an unsigned immediate. */
  u(n: number): this {
    this.code.unsigned(n);
    return this;
  }
  /** `i32.const`. */
  i32(n: number): this {
    this.code.byte(0x41);
    this.code.signed(n);
    return this;
  }
  /** `f64.const`. */
  f64(x: number): this {
    this.code.byte(0x44);
    scratch.setFloat64(0, x, true);
    for (let i = 0; i < 8; i++) this.code.byte(scratch.getUint8(i));
    return this;
  }
  /** `f32.const`. */
  f32(x: number): this {
    this.code.byte(0x43);
    scratch.setFloat32(0, x, true);
    for (let i = 0; i < 4; i++) this.code.byte(scratch.getUint8(i));
    return this;
  }
  /** `v128.const` of 16 bytes. */
  v128(bytes: readonly number[]): this {
    this.simd(12);
    this.code.append(bytes);
    return this;
  }
  /** `local.get`. */
  get(local: number): this {
    return this.op(0x20).u(local);
  }
  /** `local.set`. */
  set(local: number): this {
    return this.op(0x21).u(local);
  }
  /** `local.tee`. */
  tee(local: number): this {
    return this.op(0x22).u(local);
  }
  /** `global.get`. */
  getGlobal(global: number): this {
    return this.op(0x23).u(global);
  }
  /** `global.set`. */
  setGlobal(global: number): this {
    return this.op(0x24).u(global);
  }
  /** A vector instruction by its number. */
  simd(op: number): this {
    this.code.byte(0xfd);
    this.code.unsigned(op);
    return this;
  }
  /** A vector load or store; addresses are taken to be unaligned. `lane` for those of one lane. */
  memory(op: number, offset: number, lane = -1): this {
    this.simd(op).op(0).u(offset);
    if (lane >= 0) this.op(lane);
    return this;
  }
  /** A scalar load or store. */
  scalar(op: number, offset: number): this {
    return this.op(op, 0).u(offset);
  }
  /** `i32.add` of a constant, or nothing for 0. */
  plus(n: number): this {
    return n === 0 ? this : this.i32(n).op(0x6a);
  }
  /** `call`. The function has been added to the module. */
  call(f: Fn): this {
    return this.op(0x10).u(f.index);
  }
  /** `block`, `loop` or `if` without results; ends with {@linkcode end}. */
  block(kind: "block" | "loop" | "if"): this {
    return this.op(kind === "block" ? 0x02 : kind === "loop" ? 0x03 : 0x04, 0x40);
  }
  /** `else`. */
  otherwise(): this {
    return this.op(0x05);
  }
  /** `end`. */
  end(): this {
    return this.op(0x0b);
  }
  /** `br`, or `br_if`: to the `depth`th block from inside. */
  branch(depth: number, conditional = false): this {
    return this.op(conditional ? 0x0d : 0x0c).u(depth);
  }
  /** A loop of a known number of rounds; nothing for none. */
  repeat(count: number, body: () => void): this {
    if (count <= 0) return this;
    if (count === 1) {
      body();
      return this;
    }
    const left = this.local(I32);
    this.i32(count).set(left).block("loop");
    body();
    this.get(left).i32(-1).op(0x6a).tee(left).branch(0, true).end();
    this.release(left);
    return this;
  }

  /** Its entry of the code section. */
  encode(): Bytes {
    const out = new Bytes();
    const runs: [count: number, type: number][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    out.unsigned(runs.length);
    for (const [count, type] of runs) {
      out.unsigned(count);
      out.byte(type);
    }
    out.append(this.code.view());
    out.byte(0x0b);
    return out;
  }
}

/** The memory of a module that brings its own, which it exports as `memory`. */
export interface OwnMemory {
  /** Its size. */
  readonly pages: number;
  /** Where its constants are. */
  readonly constants: number;
  /** What it holds at the beginning, by address. */
  readonly data: readonly { readonly address: number; readonly bytes: Uint8Array }[];
}

/** A module under construction. Its memory is `env.memory`, if it does not bring its own. */
export class Module {
  readonly #imports: Fn[] = [];
  readonly #functions: Fn[] = [];
  readonly #shared = new Map<string, Fn>();
  #globals = 0;

  /**
   * A module that may import so many functions, which come before its own; `relaxed` says that there
   * are relaxed vector instructions.
   */
  constructor(readonly room: number = 0, readonly relaxed: boolean = false) {}

  /** A function that the host gives as `env.callback0`, `env.callback1`, ... */
  import(params: readonly number[]): Fn {
    const fn = new Fn(params);
    fn.index = this.#imports.length;
    if (fn.index === this.room) throw new InternalError("more callbacks than were counted");
    this.#imports.push(fn);
    return fn;
  }
  /** Adds a function; it can be called from then on. */
  add(fn: Fn): Fn {
    fn.index = this.room + this.#functions.length;
    this.#functions.push(fn);
    return fn;
  }
  /** The function of a key, made when first asked for: equal kernels are one function. */
  shared(key: string, make: () => Fn): Fn {
    let fn = this.#shared.get(key);
    if (fn === undefined) {
      fn = make();
      if (fn.index < 0) this.add(fn);
      this.#shared.set(key, fn);
    }
    return fn;
  }
  /** A new 32-bit variable of the module. Number 0 is imported: where the constants are. */
  global(): number {
    return ++this.#globals;
  }
  /** Number of own functions. */
  get size(): number {
    return this.#functions.length;
  }

  /** The module, with these functions exported. */
  encode(
    exports: Readonly<Record<string, Fn>>,
    own: OwnMemory | null = null,
  ): Uint8Array<ArrayBuffer> {
    const out = new Bytes();
    out.append([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
    const section = (id: number, fill: (b: Bytes) => void): void => {
      const body = new Bytes();
      fill(body);
      out.byte(id);
      out.unsigned(body.length);
      out.append(body.view());
    };
    const types: Fn[] = [];
    const known = new Map<string, number>();
    const typeOf = (fn: Fn): number => {
      const key = `${fn.params}:${fn.results}`;
      let type = known.get(key);
      if (type === undefined) known.set(key, type = types.push(fn) - 1);
      return type;
    };
    // There may have been fewer than there is room for.
    const imported = Array.from(
      { length: this.room },
      (_, i) => typeOf(this.#imports[i] ?? new Fn()),
    );
    const functions = this.#functions.map(typeOf);
    section(1, (b) => {
      b.unsigned(types.length);
      for (const { params, results } of types) {
        b.byte(0x60);
        for (const list of [params, results]) {
          b.unsigned(list.length);
          b.append(list);
        }
      }
    });
    section(2, (b) => {
      b.unsigned((own === null ? 2 : 0) + imported.length);
      if (own === null) {
        b.name("env");
        b.name("memory");
        b.append([2, 0, 1]);
        b.name("env");
        b.name("constants");
        b.append([3, I32, 0]);
      }
      imported.forEach((type, i) => {
        b.name("env");
        b.name(`callback${i}`);
        b.byte(0);
        b.unsigned(type);
      });
    });
    section(3, (b) => {
      b.unsigned(functions.length);
      for (const type of functions) b.unsigned(type);
    });
    if (own !== null) {
      section(5, (b) => {
        b.append([1, 0]);
        b.unsigned(own.pages);
      });
    }
    section(6, (b) => {
      b.unsigned(this.#globals + (own === null ? 0 : 1));
      if (own !== null) {
        b.append([I32, 0, 0x41]);
        b.signed(own.constants);
        b.byte(0x0b);
      }
      for (let i = 0; i < this.#globals; i++) b.append([I32, 1, 0x41, 0, 0x0b]);
    });
    section(7, (b) => {
      const names = Object.entries(exports);
      b.unsigned(names.length + (own === null ? 0 : 1));
      if (own !== null) {
        b.name("memory");
        b.append([2, 0]);
      }
      for (const [name, fn] of names) {
        b.name(name);
        b.byte(0);
        b.unsigned(fn.index);
      }
    });
    section(10, (b) => {
      b.unsigned(this.#functions.length);
      for (const fn of this.#functions) {
        const body = fn.encode();
        b.unsigned(body.length);
        b.append(body.view());
      }
    });
    if (own !== null) {
      section(11, (b) => {
        b.unsigned(own.data.length);
        for (const { address, bytes } of own.data) {
          b.append([0, 0x41]);
          b.signed(address);
          b.byte(0x0b);
          b.unsigned(bytes.length);
          b.append(bytes);
        }
      });
    }
    return out.view();
  }
}

/**
 * A program as one WebAssembly module. Its memory is given from outside: an arena for what a run
 * computes, a block for its constants, and addresses of large arrays.
 *
 * A program as a module that needs nothing from outside, and the text of an ES module that runs it.
 *
 * @module
 */
import {
  bytesOf,
  type DType,
  formatAval,
  type Jaxpr,
  type ShapedArray,
  sizeOf,
  type TypedArray,
} from "../core/mod.ts";
import { emit } from "./emitter.ts";
import { Fn, I32, Module } from "./encoder.ts";
import { Alike, Arena, distinct } from "./space.ts";
import type { Callback } from "./steps.ts";
import { Buffer, isFlat, type Place, type Target, whole } from "./values.ts";
import type { Pool } from "./vector.ts";

/** Where an argument or result of a run lies. */
export type Where =
  /** In the arena, at this offset. */
  | { readonly kind: "arena"; readonly offset: number }
  /** At an address that is handed over. */
  | { readonly kind: "pointer" };

/** A compiled program. */
export interface CpuProgram {
  /**
   * The module. It imports `env.memory`, and `env.constants`, the address of its constants; its `run`
   * takes the address of the arena, then those of large arguments and large results in order.
   */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of the arena of a run, in which nothing outlives it. */
  readonly arenaBytes: number;
  /** Arrays to be put into the block of constants, by offset in bytes. */
  readonly constants: readonly { readonly offset: number; readonly values: TypedArray }[];
  /** Bytes of the block of constants. */
  readonly constantBytes: number;
  /** Where the arguments have to be. */
  readonly inputs: readonly Where[];
  /** Where the results are. */
  readonly outputs: readonly Where[];
  /** What the host is called for, as `env.callback0`, `env.callback1`, ..., with addresses. */
  readonly callbacks: readonly Callback[];
  /** Number of kernels. */
  readonly kernels: number;
}

/** How to compile. */
export interface CompileOptions {
  /** Arrays of more bytes are handed over by address: the largest ones where there are very many. */
  readonly large: number;
  /** Whether there are relaxed vector instructions. */
  readonly fma: boolean;
  /** Whether memory is filled with NaN when it is free again, for tests. */
  readonly poison?: boolean;
}

/**
 * Compiles a simplified program.
 *
 * @throws {Uncompilable} where an operation has no kernel.
 */
export function compileProgram(jaxpr: Jaxpr, options: CompileOptions): CpuProgram {
  const { module, main, ...program } = buildProgram(jaxpr, options);
  return { ...program, bytes: module.encode({ run: main }) };
}

/** A program before it is written as a module. */
export interface BuiltProgram extends Omit<CpuProgram, "bytes"> {
  /** The functions. */
  readonly module: Module;
  /** What runs the program. */
  readonly main: Fn;
}

/** As `compileProgram`, short of the bytes. */
export function buildProgram(jaxpr: Jaxpr, options: CompileOptions): BuiltProgram {
  const { large, fma, poison = false } = options;
  const effects = countEffects(jaxpr);
  const module = new Module(effects, fma);
  const callbacks: Callback[] = [];
  const arena = new Arena();
  const constants: { offset: number; values: TypedArray }[] = [];
  let constantBytes = 0;
  const keep = (values: TypedArray): number => {
    const offset = constantBytes;
    constants.push({ offset, values });
    constantBytes = Math.ceil((offset + values.byteLength + 16) / 16) * 16;
    return offset;
  };
  const tables = new Map<string, number>();
  const pool: Pool = (values, ty) => {
    const key = `${ty}:${values.map(distinct)}`;
    let offset = tables.get(key);
    if (offset === undefined) {
      const typed = ty === "f64"
        ? new Float64Array(values)
        : ty === "f32"
        ? new Float32Array(values)
        : ty === "u32"
        ? new Uint32Array(values)
        : new Int32Array(values);
      tables.set(key, offset = keep(typed));
    }
    return offset;
  };

  const far = Math.max(large, sizeOfNth([...jaxpr.inputs, ...jaxpr.outputs], MOST_ADDRESSES));
  let parameters = 1;
  const place = (aval: ShapedArray): Place => {
    if (bytesOf(aval) > far) {
      return { base: parameters++, offset: 0, exact: false, block: null };
    }
    const block = arena.take(bytesOf(aval));
    return { base: 0, offset: block.offset, exact: false, block };
  };
  const ins = jaxpr.inputs.map((v) => place(v.aval));
  const results = jaxpr.outputs.map((v) => place(v.aval));
  const main = new Fn(new Array(parameters).fill(I32));
  const constantsBase = main.local(I32);
  main.getGlobal(0).set(constantsBase);

  const values = ins.map((p, i) => {
    const { shape, dtype } = jaxpr.inputs[i]!.aval;
    const b = new Buffer(dtype, sizeOf(shape), -1);
    b.place = p;
    b.stored = true;
    return whole(b, shape);
  });
  const targets = results.map((p): Target => ({ place: p, carry: null, taken: false }));
  const unit = {
    module,
    alike: new Alike(),
    main,
    arena,
    pool,
    fma,
    poison,
    callbacks,
    constants: ({ value }: { value: { values: TypedArray; dtype: Buffer["dtype"] } }): Buffer => {
      const b = new Buffer(value.dtype, value.values.length, -1);
      b.place = { base: constantsBase, offset: keep(value.values), exact: true, block: null };
      b.stored = true;
      return b;
    },
  };
  const { outs, emitter } = emit(unit, jaxpr, values, targets);
  outs.forEach((v, i) => {
    if (v.kind === "view" && v.buffer.place === results[i] && isFlat(v)) return;
    emitter.copyTo(v, results[i]!);
  });
  module.add(main);
  const where = (p: Place): Where =>
    p.block === null ? { kind: "pointer" } : { kind: "arena", offset: p.offset };
  return {
    module,
    main,
    arenaBytes: arena.bytes,
    constants,
    constantBytes,
    inputs: ins.map(where),
    outputs: results.map(where),
    callbacks: [...callbacks, ...new Array(effects - callbacks.length).fill(NOTHING)],
    kernels: module.size - 1,
  };
}

/** Engines take functions of a thousand parameters; one is for the arena. */
const MOST_ADDRESSES = 900;

/** So many bytes that no more than `n` arrays have more. */
function sizeOfNth(arrays: Jaxpr["outputs"], n: number): number {
  if (arrays.length <= n) return 0;
  return arrays.map((v) => bytesOf(v.aval)).sort((a, b) => b - a)[n]!;
}

/** What stands for a call that was found not to happen. */
const NOTHING: Callback = { avals: [], outs: [], call: () => [] };

/** How often a program calls the host, the programs in it included. */
function countEffects(jaxpr: Jaxpr): number {
  return jaxpr.eqns.reduce((n, { primitive, params }) => {
    const { asksHost, passes: { effect, programs } } = primitive;
    const inner = programs === null ? [] : programs.list(params);
    return inner.reduce((m, c) => m + countEffects(c.jaxpr), n + (effect || asksHost ? 1 : 0));
  }, 0);
}

/** What a file is called, and what is in it. */
export interface Described {
  /** Name of the function. */
  readonly name: string;
  /** Names of its inputs. */
  readonly inputNames: readonly string[];
  /** Names of its outputs. */
  readonly outputNames: readonly string[];
  /** What the conditions of the output `check` are called, the first of number 1; none where there is no such output. */
  readonly messages: readonly string[];
}

/** A compiled function in files. */
export interface WasmFiles {
  /** The WebAssembly module. */
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** The ES module in TypeScript: write it beside the other file. */
  readonly typescript: string;
}

const PAGE = 65536;
/** Where the constants begin: address 0 is nobody's. */
const FIRST = 64;
/** Room for vectors behind the last array. */
const SLACK = 64;

/** Compiles a simplified program to files. */
export function standalone(jaxpr: Jaxpr, described: Described, fma: boolean): WasmFiles {
  const program = buildProgram(jaxpr, { large: Infinity, fma });
  const arena = (FIRST + program.constantBytes + 63) & -64;
  const run = program.module.add(new Fn());
  run.i32(arena).call(program.main);
  const wasm = program.module.encode({ run }, {
    pages: Math.ceil((arena + program.arenaBytes + SLACK) / PAGE),
    constants: FIRST,
    data: program.constants.map(({ offset, values }) => ({
      address: FIRST + offset,
      bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    })),
  });
  const port = (names: readonly string[]) => (where: Where, i: number): Port => ({
    name: names[i]!,
    at: where.kind === "arena" ? arena + where.offset : -1,
  });
  const inputs = program.inputs.map(port(described.inputNames));
  const outputs = program.outputs.map(port(described.outputNames));
  return { wasm, typescript: moduleText(jaxpr, described, inputs, outputs) };
}

interface Port {
  readonly name: string;
  readonly at: number;
}

const arrays: Readonly<Record<DType, string>> = {
  float32: "Float32Array",
  float64: "Float64Array",
  int32: "Int32Array",
  uint32: "Uint32Array",
  bool: "Uint8Array",
};

function moduleText(
  jaxpr: Jaxpr,
  { name, messages }: Described,
  inputs: readonly Port[],
  outputs: readonly Port[],
): string {
  const avals = (list: Jaxpr["inputs"] | Jaxpr["outputs"]) => list.map((v) => v.aval);
  const [ins, outs] = [avals(jaxpr.inputs), avals(jaxpr.outputs)];
  const quoted = JSON.stringify;
  const checked = messages.length === 0 ? -1 : outputs.length - 1;
  const fields = (
    ports: readonly Port[],
    types: typeof ins,
    of: (dtype: DType) => string,
    checkAt = -1,
  ) =>
    ports.map((p, i) =>
      `  /** ${formatAval(types[i]!)}, row by row.${
        i === checkAt ? conditions(messages) : ""
      } */\n  readonly ${quoted(p.name)}: ${of(types[i]!.dtype)};`
    ).join("\n");
  const table = (ports: readonly Port[], types: typeof ins) =>
    ports.map((p, i) => {
      const { dtype, shape } = types[i]!;
      return `  { name: ${quoted(p.name)}, type: "${formatAval(types[i]!)}", array: ${
        arrays[dtype]
      }, at: ${p.at}, length: ${sizeOf(shape)} },`;
    }).join("\n");
  return `// ${name.replaceAll(/\s+/g, " ")}, compiled by Injax.

/** What the function takes. Of bools, any number but 0 is true. */
export interface Inputs {
${fields(inputs, ins, () => "ArrayLike<number>")}
}

/** What it gives, in new arrays. */
export interface Outputs {
${fields(outputs, outs, (dtype) => arrays[dtype], checked)}
}

interface Port {
  readonly name: string;
  readonly type: string;
  readonly array:
    | typeof Float32Array
    | typeof Float64Array
    | typeof Int32Array
    | typeof Uint32Array
    | typeof Uint8Array;
  readonly at: number;
  readonly length: number;
}

const inputs: readonly Port[] = [
${table(inputs, ins)}
];
const outputs: readonly Port[] = [
${table(outputs, outs)}
];

/**
 * The function of the module in the bytes of the file beside this one. It throws a RangeError where an input is
 * missing, has another length or holds what does not fit into its type, and a TypeError where it is no list of numbers.
 */
export function instantiate(
  wasm: ArrayBuffer | Uint8Array<ArrayBuffer> | WebAssembly.Module,
): (given: Inputs) => Outputs {
  const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm);
  const instance = new WebAssembly.Instance(module, {});
  const { memory, run } = instance.exports as { memory: WebAssembly.Memory; run: () => void };
  const buffer = memory.buffer as ArrayBuffer;
  return (given) => {
    for (const input of inputs) {
      const values = numbersOf(input, given);
      const isBool = input.type.startsWith("bool");
      new input.array(buffer, input.at, input.length)
        .set(isBool ? Array.from(values, (v) => Number(v) === 0 ? 0 : 1) : values);
    }
    run();
    const result: Record<string, unknown> = {};
    for (const { name, array, at, length } of outputs) {
      result[name] = new array(buffer, at, length).slice();
    }
    return result as unknown as Outputs;
  };
}

/** What was given for an input. */
function numbersOf({ name, type, array, length }: Port, given: unknown): ArrayLike<number> {
  if (typeof given !== "object" || given === null) {
    const names = inputs.slice(0, 8).map(({ name }) => JSON.stringify(name) + ": [...]");
    throw new TypeError(
      \`an object with the inputs is needed, { \${names.join(", ")} }, not \${shown(given)}\`,
    );
  }
  const values = (given as Readonly<Record<string, unknown>>)[name];
  const needed = \`\${name}: \${length} number\${length === 1 ? " is" : "s are"} needed\`;
  const where = \` (\${type}, row by row in one list)\`;
  if (values === undefined || values === null) {
    const names = Object.keys(given).slice(0, 8).map((name) => JSON.stringify(name));
    throw new RangeError(
      \`\${needed}, not nothing\${where}. What was given has \${names.join(", ") || "no inputs"}\`,
    );
  }
  if (typeof values !== "object" || typeof (values as ArrayLike<unknown>).length !== "number") {
    const hint = typeof values === "number" && length === 1 ? \`. Write [\${values}]\` : "";
    throw new TypeError(\`\${needed}, not \${shown(values)}\${where}\${hint}\`);
  }
  const list = values as ArrayLike<unknown>;
  const hint = Array.isArray(list[0]) ? ". Write x.flat(Infinity) for nested lists x" : "";
  if (list.length !== length) {
    throw new RangeError(\`\${needed}, not \${list.length}\${where}\${hint}\`);
  }
  if (list instanceof array) return list;
  const isWhole = type.startsWith("int32") || type.startsWith("uint32");
  const least = type.startsWith("int32") ? -2147483648 : 0;
  for (let i = 0; i < length; i++) {
    const value = list[i];
    if (typeof value !== "number" && typeof value !== "boolean") {
      throw new TypeError(\`\${needed}, and [\${i}] is \${shown(value)}\${where}\${hint}\`);
    }
    const whole = Math.trunc(Number(value));
    if (isWhole && !(whole >= least && whole <= least + 4294967295)) {
      throw new RangeError(\`\${name}: [\${i}] is \${value}, which does not fit into \${type}\`);
    }
  }
  return list as ArrayLike<number>;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === "string") return \`the string \${JSON.stringify(value.slice(0, 20))}\`;
  if (typeof value === "object") return Array.isArray(value) ? "a list" : "an object";
  return typeof value === "function" ? "a function" : \`the \${typeof value} \${String(value)}\`;
}
`;
}

/** What the numbers of the output `check` mean, in a comment. */
function conditions(messages: readonly string[]): string {
  const lines = messages.map((message, i) =>
    `\n   * ${i + 1}: ${message.replaceAll(/\s+/g, " ").replaceAll("*/", "* /")}`
  );
  return ` It is 0 where all conditions held, and otherwise the number of the first one that did not:${
    lines.join("")
  }\n  `;
}

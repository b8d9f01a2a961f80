/**
 * A program as a module that needs nothing from outside, and the text of an ES module that runs it.
 *
 * @module
 */
import { formatAval, sizeOf } from "../core/aval.ts";
import type { DType } from "../core/dtype.ts";
import type { Jaxpr } from "../core/primitive.ts";
import { Fn } from "./encoder.ts";
import { buildProgram, type Where } from "./program.ts";

/** What a file is called, and what is in it. */
export interface Described {
  /** Name of the function. */
  readonly name: string;
  /** Names of its inputs. */
  readonly inputNames: readonly string[];
  /** Names of its outputs. */
  readonly outputNames: readonly string[];
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
  return { wasm, typescript: moduleText(jaxpr, described.name, inputs, outputs) };
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
  name: string,
  inputs: readonly Port[],
  outputs: readonly Port[],
): string {
  const avals = (list: Jaxpr["inputs"] | Jaxpr["outputs"]) => list.map((v) => v.aval);
  const [ins, outs] = [avals(jaxpr.inputs), avals(jaxpr.outputs)];
  const quoted = JSON.stringify;
  const fields = (ports: readonly Port[], types: typeof ins, of: (dtype: DType) => string) =>
    ports.map((p, i) =>
      `  /** ${formatAval(types[i]!)}, row by row. */\n  readonly ${quoted(p.name)}: ${
        of(types[i]!.dtype)
      };`
    ).join("\n");
  const table = (ports: readonly Port[], types: typeof ins) =>
    ports.map((p, i) => {
      const { dtype, shape } = types[i]!;
      return `  { name: ${quoted(p.name)}, array: ${arrays[dtype]}, at: ${p.at}, length: ${
        sizeOf(shape)
      } },`;
    }).join("\n");
  return `// ${name.replaceAll(/\s+/g, " ")}, compiled by Injax.

/** What the function takes. Of bools, any number but 0 is true. */
export interface Inputs {
${fields(inputs, ins, () => "ArrayLike<number>")}
}

/** What it gives, in new arrays. */
export interface Outputs {
${fields(outputs, outs, (dtype) => arrays[dtype])}
}

const inputs = [
${table(inputs, ins)}
] as const;
const outputs = [
${table(outputs, outs)}
] as const;

/** The function of the module in the bytes of the file beside this one. */
export function instantiate(
  wasm: ArrayBuffer | Uint8Array<ArrayBuffer> | WebAssembly.Module,
): (given: Inputs) => Outputs {
  const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm);
  const instance = new WebAssembly.Instance(module, {});
  const { memory, run } = instance.exports as { memory: WebAssembly.Memory; run: () => void };
  return (given) => {
    for (const { name, array, at, length } of inputs) {
      const values = given[name];
      if (values?.length !== length) {
        throw new RangeError(
          \`\${name}: \${length} numbers are needed, not \${values?.length ?? "nothing"}\`,
        );
      }
      const isBool = array as unknown === Uint8Array;
      new array(memory.buffer as ArrayBuffer, at, length)
        .set(isBool ? Array.from(values, (v) => v ? 1 : 0) : values);
    }
    run();
    const result: Record<string, unknown> = {};
    for (const { name, array, at, length } of outputs) {
      result[name] = new array(memory.buffer as ArrayBuffer, at, length).slice();
    }
    return result as unknown as Outputs;
  };
}
`;
}

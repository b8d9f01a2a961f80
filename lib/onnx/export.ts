/**
 * Jaxprs as the bytes of `.onnx` files that any runtime reads. Tracing the user's function is left
 * to `mod.ts`.
 *
 * From a jaxpr to an ONNX model. The nodes come from the primitives' lowering rules, the graph from
 * `builder.ts`; here the two meet.
 *
 * Large constants of a file in two bytes each: the file has half the size, and the runtime makes
 * float32 of them before it computes. What is computed with stays float32.
 *
 * float16 has 11 significant bits and reaches from 6.1e-5 to 65504, below which it loses bits;
 * bfloat16 has 8 significant bits and the range of float32 (IEEE 754-2019 §3.6; the upper half of a
 * float32). Both are rounded to nearest, ties to even.
 *
 * @module
 */
import { checksAsOutputs } from "../compile/checks.ts";
import { simplify } from "../compile/pipeline.ts";
import { ConcretizationError, formatShape, type Jaxpr, type ProgramLowering } from "../core/mod.ts";
import type { Value } from "../core/lowering.ts";
import { buildModel } from "./builder.ts";
import { DifferentModels, generalize, type Symbol } from "./generalize.ts";
import type { Target } from "./kernels.ts";
import { encodeModel, type Graph, type Model, type Node, type Tensor } from "./model.ts";
import { attempts, isOpenAt, nearbySizes, type OpenProgram, recordAt } from "./open.ts";
import { type HalfType, onnxTypeCode, type StoredType } from "./wire.ts";

/** What is chosen when a jaxpr becomes a model. */
export interface LowerOptions {
  /** Where the model is going to run; `"portable"` for any ONNX runtime. */
  readonly target: Target;
  /** Names of the inputs, in order; made up where absent or empty, changed where taken. */
  readonly inputNames?: readonly string[] | undefined;
  /** Names of the outputs, likewise. */
  readonly outputNames?: readonly string[] | undefined;
  /** Name of the program, for messages and viewers. */
  readonly name?: string | undefined;
  /** Free-form notes to store in the model. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** Which lengths stand for any, in a model that is to be made of several; see `open.ts`. */
  readonly isOpen?: ((length: number) => boolean) | undefined;
}

/**
 * The ONNX model that computes what a jaxpr computes. Inputs and outputs are in the jaxpr's order;
 * arrays in it become initializers. Behind the results comes what its checks say, if it has any.
 */
export function lowerJaxpr(jaxpr: Jaxpr, options: LowerOptions): Model {
  const { inputNames, outputNames } = options;
  const { jaxpr: program } = checksAsOutputs(simplify(jaxpr));
  return buildModel({
    target: options.target,
    name: options.name ?? "program",
    metadata: options.metadata,
    isOpen: options.isOpen,
    inputs: jaxpr.inputs.map(({ aval }, i) => ({ ...aval, name: inputNames?.[i] })),
    outputs: program.outputs.map(({ aval }, i) => ({ ...aval, name: outputNames?.[i] })),
    build: (g, inputs) => lowerEqns(g, program, inputs),
  });
}

/** Adds a jaxpr's equations to a graph and gives the values of its outputs. */
export function lowerEqns(g: ProgramLowering, jaxpr: Jaxpr, inputs: readonly Value[]): Value[] {
  return g.inline(jaxpr, inputs);
}

/** How a file keeps its large constants. */
export type Storage = "float32" | HalfType;

/** All that can be chosen. */
export const STORAGES: readonly Storage[] = ["float32", "float16", "bfloat16"];

/** Constants of fewer elements stay as they are: coefficients are among them, and little is gained. */
const LARGE = 256;

/**
 * The model with its large float32 constants kept in a type of two bytes.
 *
 * @throws {RangeError} where a constant has a finite element that the type has not.
 */
export function storedAs(model: Model, storage: Storage): Model<StoredType> {
  if (storage === "float32") return model;
  const { graph } = model;
  const taken = namesOf(graph);
  const casts: Node[] = [];
  const initializers = graph.initializers.map((tensor): Tensor<StoredType> => {
    if (tensor.type !== "float32" || tensor.data.byteLength < 4 * LARGE) return tensor;
    let name = `${tensor.name}.${storage}`;
    while (taken.has(name)) name += "_";
    taken.add(name);
    casts.push({
      op: "Cast",
      inputs: [name],
      outputs: [tensor.name],
      attributes: { to: { int: onnxTypeCode.float32 } },
    });
    return { ...tensor, name, type: storage, data: halves(tensor, storage) };
  });
  return { ...model, graph: { ...graph, initializers, nodes: [...casts, ...graph.nodes] } };
}

/** All names that values of the main graph have. Those of bodies may be the same as ours: they hide. */
function namesOf({ inputs, initializers, nodes }: Graph): Set<string> {
  return new Set([
    ...inputs.map((value) => value.name),
    ...initializers.map((tensor) => tensor.name),
    ...nodes.flatMap((node) => node.outputs),
  ]);
}

function halves({ data, shape }: Tensor, storage: HalfType): Uint16Array<ArrayBuffer> {
  const count = data.byteLength / 4;
  // Constants may lie at any offset of a larger buffer.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const values = new Float32Array(bytes.buffer);
  const bits = new Uint32Array(bytes.buffer);
  const stored = new Uint16Array(count);
  const convert = storage === "float16" ? float16Bits : bfloat16Bits;
  const infinite = storage === "float16" ? 0x7c00 : 0x7f80;
  for (let i = 0; i < count; i++) {
    stored[i] = convert(bits[i]!);
    if ((stored[i]! & 0x7fff) === infinite && Number.isFinite(values[i])) {
      throw new RangeError(
        `exportOnnx: ${values[i]} in a constant of shape ${
          formatShape(shape)
        } is beyond ${storage}. ` +
          (storage === "float16"
            ? 'Scale the array, or use storage: "bfloat16", which has the range of float32'
            : "Scale the array, or leave out storage"),
      );
    }
  }
  return stored;
}

/** The upper half, rounded. A NaN stays one, whichever of its bits are set. */
function bfloat16Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function float16Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  const exponent = (magnitude >>> 23) - 127;
  if (exponent > 15) return sign | 0x7c00;
  // 24 significant bits, of which those below the last one that float16 has at this exponent go.
  const significand = (magnitude & 0x7fffff) | 0x800000;
  const dropped = exponent >= -14 ? 13 : Math.min(13 - 14 - exponent, 25);
  const kept = significand >>> dropped;
  const rest = significand & (2 ** dropped - 1);
  const half = 2 ** (dropped - 1);
  const up = rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0;
  // A carry out of the significand is the next exponent, up to infinity.
  const base = exponent >= -14 ? ((exponent + 14) << 10) : 0;
  return sign | (base + kept + up);
}

/** What can be chosen when exporting. */
export interface ExportOptions extends Omit<LowerOptions, "target" | "isOpen"> {
  /** How the large constants are kept. */
  readonly storage?: Storage | undefined;
}

/**
 * The bytes of a `.onnx` file with one graph that computes what the jaxpr computes.
 *
 * Names of inputs and outputs may be any strings; an empty one is replaced, and one that occurs
 * twice gets a number.
 *
 * @throws {RangeError} where the file would have 2 GiB or more, and where a constant is beyond the range
 * of the storage.
 */
export function exportJaxpr(
  jaxpr: Jaxpr,
  { storage = "float32", ...options }: ExportOptions = {},
): Uint8Array<ArrayBuffer> {
  return encodeModel(storedAs(lowerJaxpr(jaxpr, { ...options, target: "portable" }), storage));
}

/**
 * The bytes of a file that computes a program at any sizes of its symbols. The options are asked for
 * once the program has been recorded.
 *
 * @throws {ConcretizationError} where it needs the sizes in a way that a file cannot express.
 * @throws {RangeError} as `exportJaxpr`.
 */
export function exportOpen(
  program: Omit<OpenProgram, "symbols"> & { readonly symbols: readonly Symbol[] },
  options: () => ExportOptions,
): Uint8Array<ArrayBuffer> {
  const symbols = program.symbols.map((s) => s.name);
  let first: unknown;
  for (let attempt = 0; attempt < attempts(); attempt++) {
    try {
      const model = openModel({ ...program, symbols }, program.symbols, options, attempt);
      return encodeModel(storedAs(model, options().storage ?? "float32"));
    } catch (error) {
      // A length of the program's own may have been taken for an open one.
      if (!(error instanceof DifferentModels || error instanceof ConcretizationError)) throw error;
      first ??= error;
    }
  }
  if (!(first instanceof DifferentModels)) throw first;
  throw new ConcretizationError(`exportOnnx of ${program.name}: ${first.message}`);
}

function openModel(
  program: OpenProgram,
  symbols: readonly Symbol[],
  options: () => ExportOptions,
  attempt: number,
): Model {
  const sizes = nearbySizes(symbols.length, attempt);
  const jaxprs = recordAt(program, sizes);
  const { storage: _, ...chosen } = options();
  const models = jaxprs.map((jaxpr, i) =>
    lowerJaxpr(jaxpr, { ...chosen, target: "portable", isOpen: isOpenAt(sizes[i]!) })
  );
  return generalize(models, sizes, symbols);
}

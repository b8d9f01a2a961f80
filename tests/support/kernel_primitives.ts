/**
 * Every primitive there is as an operation of random programs: the shapes, dtypes and parameters of a sample
 * in its record, or the shape of a value of the program where the record takes it, and for inputs what the
 * program has computed.
 *
 * So a new primitive is tried with all others without another line of test code. What is left out says why.
 *
 * @module
 */
import { type NDArray, numpy as np } from "../../mod.ts";
import { type DType, isFloat, shaped, sizeOf } from "../../lib/core/dtype.ts";
import { primitives, type Sample, type SampleInput } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { make } from "./arrays.ts";
import { type AnyPrimitive, drawValues } from "./conformance.ts";
import { type Choices, coarse, unsigned } from "./kernel_operations.ts";
import { Random } from "./random.ts";
import { filesBelow } from "./sources.ts";

for (const folder of ["lib/primitives", "lib/control", "lib/linalg"]) {
  for (const path of filesBelow(folder)) await import(`../../${path}`);
}

/** What is made of several products and quotients, which compiled are taken in another order. */
const rounded = "its last bit depends on the order of products; smooth programs compare it";

const between = "vmap replaces it; the operation `between lanes` has all of its kind";

/** Primitives that are in no program by their samples, and why. */
export const leftOut: Readonly<Record<string, string>> = {
  debug_print: "writes to the console; tests/effects compares what is printed",
  debug_callback: "calls back; tests/effects compares the calls",
  check: "raises where it does not hold; tests/effects",
  nan_check: "raises where there is NaN; tests/debug",
  pure_callback: "asks the host; tests/effects",
  custom_vjp_tangents: "has no value: it is a linear map known by its transpose",
  psum: between,
  all_gather: between,
  psum_scatter: between,
  all_to_all: between,
  ppermute: between,
  axis_index: between,
  least_squares: rounded,
  det: rounded,
  slogdet: rounded,
  cofactors: rounded,
};

/** What adds up floats: in which order is not laid down, so the elements are numbers of few bits. */
const sums = new Set([
  "reduce_sum",
  "reduce_prod",
  "dot_general",
  "conv_general_dilated",
  "fold",
  "linear_solve",
]);

/** A primitive and those of its samples that programs take. */
export interface Sampled {
  /** The primitive. */
  readonly primitive: AnyPrimitive;
  /** The samples. */
  readonly samples: readonly Sample<unknown>[];
}

/** Elements of the inputs of a sample that is used. */
const MOST = 400;

/** The primitives with samples that have a value of their own. */
export const sampled: readonly Sampled[] = [...primitives().values()].map((record) => {
  const primitive = record as unknown as AnyPrimitive;
  const samples = primitive.samples().filter(({ skip, inputs }) =>
    skip?.kernel === undefined && !(skip?.jvp !== undefined && skip.onnx === skip.jvp) &&
    inputs.every(({ shape }) => sizeOf(shape) <= MOST)
  );
  return { primitive, samples };
}).filter(({ primitive, samples }) => !(primitive.name in leftOut) && samples.length > 0);

/** The kinds of dtypes that may stand for each other. */
const kindOf = (dtype: DType): string => isFloat(dtype) ? "float" : dtype;

/** Values of the program in an input's shape and dtype, and in its range where it has one. */
function filled({ pick, one }: Choices, input: SampleInput, shape: readonly number[]): NDArray {
  const { dtype, range } = input;
  const n = sizeOf(shape);
  const x = pick((x) => kindOf(x.dtype) === kindOf(dtype) && (x.size > 0 || n === 0));
  const places = np.mod(np.arange(n, { dtype: "int32" }), Math.max(x.size, 1));
  const own = String(x.shape) === String(shape)
    ? x.astype(dtype)
    : np.take(x.astype(dtype).ravel(), places).reshape(shape);
  if (dtype === "bool" || (range === undefined && one([true, false]))) return own;
  const [low, high] = range ?? (dtype === "uint32" ? [0, 4] : [-2, 2]);
  const scalar = (v: number): NDArray => make({ shape: [], dtype }, [v]);
  if (!isFloat(dtype)) return np.mod(own, scalar(high - low)).add(scalar(low));
  const inside = np.mod(np.where(np.isFinite(own), own, 0.3), 1).mul(high - low).add(low);
  return np.clip(inside, low, high).astype(dtype);
}

/** Whether it goes element by element: it takes arrays of any shape, and gives such. */
function isElementwise({ primitive, samples }: Sampled): boolean {
  const [sample] = samples;
  if (sample === undefined || sample.inputs.length === 0 || primitive.passes.programs !== null) {
    return false;
  }
  return [[], [2, 0], [2, 3, 4]].every((shape) => {
    try {
      const avals = sample.inputs.map(({ dtype }) => shaped(shape, dtype));
      return primitive.abstractEval(avals, sample.params)
        .every((out) => String(out.shape) === String(shape));
    } catch {
      return false;
    }
  });
}

/** Uses one of the primitives on values of the program. */
export function anyPrimitive(c: Choices): readonly NDArray[] {
  return usedOnValues(c, c.one(sampled));
}

/** Uses a primitive as one of its samples does, on values of the program. */
export function usedOnValues(c: Choices, of: Sampled): readonly NDArray[] {
  const { one, pick, random } = c;
  const { primitive } = of;
  const sample = one(of.samples);
  const shape = isElementwise(of) && one([true, false]) ? pick().shape : null;
  const isSum = sums.has(primitive.name);
  const inputs = sample.inputs.map((input) => {
    const x = shape === null && (input.values !== undefined || random.next() < 0.2)
      ? make(input, drawValues(input, new Random(String(random.integer(0, 2 ** 31)))))
      : filled(c, input, shape ?? input.shape);
    return isSum ? coarse(x) : x;
  });
  const outs = bind(primitive, inputs, sample.params);
  return isSum ? outs.map(unsigned) : outs;
}

/**
 * What the convolution layers have in common: options, sizes, initial values and padding.
 *
 * @module
 */
import { formatAval, type OptionTable } from "../../../lib/extend.ts";
import { type NDArray, ShapeError } from "../../../mod.ts";
import {
  checkAxes,
  type EachAxis,
  eachAxis,
  inputsOf,
  namedOrPairs,
  type PaddingNumbers,
  type Pairs,
} from "../../convolution.ts";
import type { LayerOptions } from "./linear.ts";
import { checkSize, keysOf, uniformInit } from "./parameters.ts";

/** Padding by name, or by numbers or pairs, for all axes or for each. */
export type ConvPadding = "SAME" | "SAME_LOWER" | "VALID" | PaddingNumbers;

/** What is put around an input. */
export type PaddingMode = "ZEROS" | "REFLECT" | "REPLICATE" | "CIRCULAR";

/** Options of convolution layers. */
export interface ConvOptions extends LayerOptions {
  /** From one window to the next (default 1). */
  readonly stride?: EachAxis | undefined;
  /** How much is put around the input (default 0). */
  readonly padding?: ConvPadding | undefined;
  /** From one element of the kernel to the next (default 1). */
  readonly dilation?: EachAxis | undefined;
  /** Into how many groups the channels fall, each with weights of its own (default 1). */
  readonly groups?: number | undefined;
  /** Whether to add a bias (default true). */
  readonly useBias?: boolean | undefined;
  /** What is put around the input (default `"ZEROS"`). */
  readonly paddingMode?: PaddingMode | undefined;
}

/** What the options hold. */
export const convOptions: OptionTable<ConvOptions> = {
  key: "object",
  stride: "shape",
  padding: "names",
  dilation: "shape",
  groups: "count",
  useBias: "boolean",
  paddingMode: "string",
  dtype: "dtype",
};

/** Fields of layers that are part of the structure. */
export const staticFields: readonly string[] = [
  "numSpatialDims",
  "inChannels",
  "outChannels",
  "kernelSize",
  "stride",
  "padding",
  "outputPadding",
  "dilation",
  "groups",
  "useBias",
  "paddingMode",
];

/** What they are for `np.pad`. */
export const modes = {
  ZEROS: null,
  REFLECT: "reflect",
  REPLICATE: "edge",
  CIRCULAR: "wrap",
} as const;

function modeOf(op: string, given: PaddingMode = "ZEROS"): PaddingMode {
  const mode = String(given).toUpperCase();
  if (Object.hasOwn(modes, mode)) return mode as PaddingMode;
  throw new TypeError(
    `${op}: paddingMode must be ${Object.keys(modes).join(", ")}, not ${JSON.stringify(given)}`,
  );
}

/** What a convolution and a transposed one have. */
export interface Made {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: "SAME" | "SAME_LOWER" | "VALID" | Pairs;
  readonly paddingMode: PaddingMode;
  readonly groups: number;
  readonly useBias: boolean;
  readonly weight: NDArray;
  readonly bias: NDArray | null;
}

/** Checks sizes, and makes what convolutions and transposed ones have in common. */
export function made(
  op: string,
  [count, inChannels, outChannels]: readonly [number, number, number],
  kernelSize: EachAxis,
  options: ConvOptions,
): Made {
  checkAxes(op, count);
  checkSize(op, "inChannels", inChannels);
  checkSize(op, "outChannels", outChannels);
  const { groups = 1, useBias = true, dtype = "float32" } = options;
  const lengths = eachAxis(op, "kernelSize", kernelSize, count);
  const inputs = inputsOf(op, "number of groups", inChannels, groups);
  const limit = 1 / Math.sqrt(lengths.reduce((a, b) => a * b, inputs));
  const [forWeight, forBias] = keysOf(op, options.key, 2);
  const ones = lengths.map(() => 1);
  return {
    kernelSize: lengths,
    stride: eachAxis(op, "stride", options.stride, count),
    dilation: eachAxis(op, "dilation", options.dilation, count),
    padding: namedOrPairs<"SAME" | "SAME_LOWER" | "VALID">(
      op,
      options.padding ?? 0,
      count,
      ["SAME", "SAME_LOWER", "VALID"],
    ),
    paddingMode: modeOf(op, options.paddingMode),
    groups,
    useBias,
    weight: uniformInit(forWeight!, [outChannels, inputs, ...lengths], limit, dtype),
    bias: useBias ? uniformInit(forBias!, [outChannels, ...ones], limit, dtype) : null,
  };
}

/** Refuses an input with other axes or channels. */
export function checkInput(op: string, x: NDArray, count: number, channels: number): void {
  if (x.ndim === count + 1 && x.shape[0] === channels) return;
  throw new ShapeError(
    `${op}: the input must be [${channels} channels, ${count} axes that windows run along], not ${
      formatAval(x.aval)
    }. For a batch, use eqx.filterVmap`,
  );
}

/** Padding by name as pairs. */
export function pairsOf(
  padding: "SAME" | "SAME_LOWER" | "VALID" | Pairs,
  lengths: readonly number[],
  window: readonly number[],
  stride: readonly number[],
): Pairs {
  if (typeof padding !== "string") return padding;
  return lengths.map((n, i): [number, number] => {
    if (padding === "VALID") return [0, 0];
    const places = Math.ceil(n / stride[i]!);
    const total = Math.max(0, (places - 1) * stride[i]! + window[i]! - n);
    const less = total >> 1;
    return padding === "SAME" ? [less, total - less] : [total - less, less];
  });
}

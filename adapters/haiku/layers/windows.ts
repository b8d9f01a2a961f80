/**
 * What the convolution layers have in common: their options, where channels are, padding, and inputs with or
 * without a batch axis.
 *
 * @module
 */
import {
  describeValue,
  formatAval,
  formatShape,
  isFloat,
  type OptionTable,
} from "../../../lib/extend.ts";
import type { ConvDimensionNumbers } from "../../../lib/api/lax.ts";
import { type NDArray, numpy as np, ShapeError } from "../../../mod.ts";
import { type EachAxis, eachAxis, extent, namedOrPairs, type Pairs } from "../../convolution.ts";
import { getParameter } from "../entries.ts";
import type { Initializer } from "../handlers.ts";
import { constant, truncatedNormal } from "./initializers.ts";
import type { PadFn } from "./pad.ts";

/** Where channels are: `"channelsLast"`, `"channelsFirst"`, or letters such as `"NHWC"` and `"NC..."`. */
export type ConvFormat =
  | ("channelsLast" | "channelsFirst" | "N...C" | "NC...")
  | ("NWC" | "NCW" | "NHWC" | "NCHW" | "NDHWC" | "NCDHW");

/** Padding by name, of one pair [in front, behind] for all axes or for each, or by functions. */
export type ConvPadding =
  | "SAME"
  | "VALID"
  | readonly [low: number, high: number]
  | Pairs
  | PadFn
  | readonly PadFn[];

/** Options that all convolution layers have. */
export interface CommonConvOptions {
  /** From one window to the next, for all axes or for each (default 1). */
  readonly stride?: EachAxis | undefined;
  /** Whether to add a bias (default true). */
  readonly withBias?: boolean | undefined;
  /** Initialiser of the weights `w`; default truncated normal, 1 / sqrt(inputs of a unit). */
  readonly wInit?: Initializer | undefined;
  /** Initialiser of the bias `b`; default zeros. */
  readonly bInit?: Initializer | undefined;
  /** Where channels are (default last). */
  readonly dataFormat?: ConvFormat | undefined;
  /** Name in place of that of the class. */
  readonly name?: string | undefined;
}

/** What the options hold. */
export const commonConvOptions: OptionTable<CommonConvOptions> = {
  name: "string",
  stride: "shape",
  withBias: "boolean",
  wInit: "function",
  bInit: "function",
  dataFormat: "string",
};

/** Whether channels come last. */
export function isLast(op: string, format: ConvFormat = "channelsLast"): boolean {
  if (format === "channelsLast" || /^N[^C]*C$/.test(format)) return true;
  if (format === "channelsFirst" || /^NC[^C]*$/.test(format)) return false;
  throw new TypeError(
    `${op}: dataFormat must be "channelsLast", "channelsFirst", or letters such as "NHWC" and "NC...", ` +
      `not ${JSON.stringify(format) ?? describeValue(format)}`,
  );
}

/** The axes of arrays, and of kernels [..., inputs, outputs], or turned, [..., outputs, inputs]. */
export function dimensionNumbers(
  count: number,
  last: boolean,
  turned: boolean,
): ConvDimensionNumbers {
  const space = Array.from({ length: count }, (_, i) => i);
  const array = last
    ? [0, count + 1, ...space.map((i) => i + 1)]
    : [0, 1, ...space.map((i) => i + 2)];
  const ends = turned ? [count, count + 1] : [count + 1, count];
  return { lhsSpec: array, rhsSpec: [...ends, ...space], outSpec: array };
}

/** One value for all axes, or one for each; a list of one is for all. */
export function replicated(
  op: string,
  what: string,
  given: EachAxis | undefined,
  count: number,
): readonly number[] {
  const list = Array.isArray(given) && given.length === 1 ? given[0] as number : given;
  return eachAxis(op, what, list, count);
}

/** Padding as `lax` takes it. */
export function paddingFor(
  op: string,
  padding: ConvPadding,
  kernelShape: readonly number[],
  rate: readonly number[],
): "SAME" | "VALID" | Pairs {
  const count = kernelShape.length;
  const list: unknown = Array.isArray(padding) ? padding : [padding];
  const functions = list as readonly PadFn[];
  if (typeof functions[0] === "function") {
    const each = functions.length === 1 ? new Array<PadFn>(count).fill(functions[0]) : functions;
    if (each.length === count && each.every((f) => typeof f === "function")) {
      return each.map((f, i) => f(extent(kernelShape[i]!, rate[i]!)));
    }
    throw new TypeError(
      `${op}: the padding must be one function, or ${count}, one for each axis that windows run along`,
    );
  }
  const isNumbers = Array.isArray(padding) && padding.every((n) => typeof n === "number");
  const pairs = isNumbers ? [padding as [number, number]] : padding as "SAME" | Pairs;
  const each = Array.isArray(pairs) && pairs.length === 1
    ? new Array<readonly [number, number]>(count).fill(pairs[0]!)
    : pairs;
  return namedOrPairs<"SAME" | "VALID">(op, each, count, ["SAME", "VALID"]) as "SAME" | Pairs;
}

/** Applies a convolution to an array with a batch axis or without one. */
export function batched(
  op: string,
  x: NDArray,
  count: number,
  f: (x: NDArray) => NDArray,
): NDArray {
  const array = np.asarray(x);
  if (array.ndim === count + 1) return np.squeeze(f(np.expandDims(array, 0)), 0);
  if (array.ndim === count + 2) return f(array);
  throw new ShapeError(
    `${op}: the input must have ${count + 1} axes, or ${count + 2} with a batch axis, not be ${
      formatAval(array.aval)
    }`,
  );
}

/** Masked weights, for so many inputs of a unit. */
export function weightsFor(
  op: string,
  x: NDArray,
  shape: readonly number[],
  inputs: number,
  wInit: Initializer | undefined,
  mask?: NDArray,
): NDArray {
  if (mask !== undefined && formatShape(mask.shape) !== formatShape(shape)) {
    throw new ShapeError(
      `${op}: the mask must have the shape of the weights, ${formatShape(shape)}, but has shape ${
        formatShape(mask.shape)
      }`,
    );
  }
  const dtype = isFloat(x.dtype) ? x.dtype : "float32";
  const init = wInit ?? truncatedNormal(1 / Math.sqrt(inputs));
  const w = getParameter("w", shape, { dtype, init });
  return mask === undefined ? w : w.mul(mask);
}

/** The result with the bias of each channel, if there is one. */
export function withBias(
  y: NDArray,
  x: NDArray,
  channels: number,
  last: boolean,
  options: CommonConvOptions,
): NDArray {
  if (options.withBias === false) return y;
  const shape = last ? [channels] : [channels, ...new Array<number>(y.ndim - 2).fill(1)];
  const dtype = isFloat(x.dtype) ? x.dtype : "float32";
  return y.add(getParameter("b", shape, { dtype, init: options.bInit ?? constant(0) }));
}

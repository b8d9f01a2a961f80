/**
 * How windows lie on axes: padding, gaps between elements, and how many places there are for them.
 *
 * @module
 */

import type { ShapedArray } from "../../core/mod.ts";

/** Elements in front of an axis and behind it; a negative number takes some away. */
export type Padding = readonly [low: number, high: number];

/** Where windows go. One number, or pair, for each axis that they run along. */
export interface Places {
  /** From one window to the next. */
  readonly strides: readonly number[];
  /** What is put in front of each axis and behind it. */
  readonly padding: readonly Padding[];
  /** From one element of the array to the next, in places for windows' elements. */
  readonly baseDilation: readonly number[];
  /** From one element of a window to the next. */
  readonly windowDilation: readonly number[];
}

/** The length of an axis whose elements are `dilation` apart. */
export function dilated(n: number, dilation: number): number {
  return n === 0 ? 0 : (n - 1) * dilation + 1;
}

/** The length of each axis with its gaps and what is put around it. */
export function paddedLengths(
  shape: readonly number[],
  { padding, baseDilation }: Places,
): number[] {
  return shape.map((n, i) =>
    Math.max(0, padding[i]![0] + dilated(n, baseDilation[i]!) + padding[i]![1])
  );
}

/** How many windows of some sizes there are along each axis. */
export function countWindows(
  shape: readonly number[],
  sizes: readonly number[],
  places: Places,
): number[] {
  const { strides, windowDilation } = places;
  return paddedLengths(shape, places).map((n, i) => {
    const room = n - dilated(sizes[i]!, windowDilation[i]!);
    return room < 0 ? 0 : Math.floor(room / strides[i]!) + 1;
  });
}

/** Whether nothing is put around an axis or between its elements. */
export function isBare(shape: readonly number[], { padding, baseDilation }: Places): boolean {
  return padding.every(([low, high]) => low === 0 && high === 0) &&
    baseDilation.every((d, i) => d === 1 || shape[i]! <= 1);
}

/**
 * The parameters of `pad` that put around the last axes of an array of `rank` axes, and between their
 * elements, what windows find there.
 */
export function paddingParams(
  rank: number,
  { padding, baseDilation }: Places,
): { readonly low: number[]; readonly high: number[]; readonly interior: number[] } {
  const lead = new Array<number>(rank - padding.length).fill(0);
  return {
    low: [...lead, ...padding.map(([low]) => low)],
    high: [...lead, ...padding.map(([, high]) => high)],
    interior: [...lead, ...baseDilation.map((d) => d - 1)],
  };
}

// ---------------------------------------------------------------- convolutions

/** Parameters of conv_general_dilated. */
export interface ConvolutionParams extends Places {
  /** How many parts there are of the features, and of the outputs; each part of these has its own. */
  readonly groups: number;
}

/** The lengths of axes by what they are. */
export interface ConvolutionShape {
  readonly batch: number;
  readonly groups: number;
  /** Features of a group. */
  readonly features: number;
  /** Outputs of a group. */
  readonly outputs: number;
  /** Of the array. */
  readonly space: readonly number[];
  /** Of the kernel. */
  readonly kernel: readonly number[];
  /** Of the result. */
  readonly places: readonly number[];
}

/** The lengths of axes of operands that fit. */
export function convolutionShape(
  x: ShapedArray,
  w: ShapedArray,
  params: ConvolutionParams,
): ConvolutionShape {
  const [space, kernel] = [x.shape.slice(2), w.shape.slice(2)];
  return {
    batch: x.shape[0]!,
    groups: params.groups,
    features: w.shape[1]!,
    outputs: w.shape[0]! / params.groups,
    space,
    kernel,
    places: countWindows(space, kernel, params),
  };
}

/**
 * What layers that normalise share: options, axes, scale and offset.
 *
 * @module
 */
import { describeValue, formatAval, isFloat, type OptionTable } from "../../../lib/extend.ts";
import { DTypeError, type NDArray, numpy as np, ShapeError, StateError } from "../../../mod.ts";
import { getParameter } from "../entries.ts";
import type { Initializer } from "../handlers.ts";
import { constant } from "./initializers.ts";
import type { NamedOptions } from "./simple.ts";

/** Where the channels are: on the last axis, or on axis 1. */
export type DataFormat = "channelsLast" | "channelsFirst";

/** What normalising layers share. */
export interface NormOptions extends NamedOptions {
  /** Whether to multiply by a parameter `scale` (default true). */
  readonly createScale?: boolean | undefined;
  /** Whether to add a parameter `offset` (default true). */
  readonly createOffset?: boolean | undefined;
  /** Added to the variance (default 1e-5). */
  readonly eps?: number | undefined;
  /** Initialiser of the scale; default ones. */
  readonly scaleInit?: Initializer | undefined;
  /** Initialiser of the offset; default zeros. */
  readonly offsetInit?: Initializer | undefined;
}

/** What they hold. */
export const normOptions: OptionTable<NormOptions> = {
  createScale: "boolean",
  createOffset: "boolean",
  eps: "number",
  scaleInit: "function",
  offsetInit: "function",
  name: "string",
};

/** A scale and an offset given in a call, where the module has none of its own. */
export interface AffineOptions {
  /** What the result is multiplied by. */
  readonly scale?: NDArray | undefined;
  /** What is added after that. */
  readonly offset?: NDArray | undefined;
}

/** What they hold. */
export const affineOptions: OptionTable<AffineOptions> = { scale: "operand", offset: "operand" };

/** Raises where what there is not is to be initialised. */
export function checkNorm(
  op: string,
  { createScale = true, createOffset = true, ...o }: NormOptions,
): void {
  const useless = (own: boolean, init: unknown, what: string): void => {
    if (own || init === undefined) return;
    throw new StateError(`${op}: there is no ${what} to initialise: leave ${what}Init out`);
  };
  useless(createScale, o.scaleInit, "scale");
  useless(createOffset, o.offsetInit, "offset");
}

/** The scale or the offset: a parameter, or what the call was given. */
export function affine(
  op: string,
  what: "scale" | "offset",
  x: NDArray,
  shape: readonly number[],
  own: boolean,
  init: Initializer,
  given: NDArray | undefined,
): NDArray | undefined {
  if (!own) return given;
  if (given !== undefined) {
    throw new StateError(
      `${op}: the module has a ${what} of its own, and the call gives one. Make the module with ` +
        `{ create${what === "scale" ? "Scale" : "Offset"}: false }`,
    );
  }
  return getParameter(what, shape, { dtype: x.dtype, init });
}

/** The scale and the offset. */
export function affines(
  op: string,
  x: NDArray,
  shape: readonly number[],
  options: NormOptions,
  given: AffineOptions,
): [scale: NDArray | undefined, offset: NDArray | undefined] {
  const { createScale = true, createOffset = true } = options;
  const { scaleInit = constant(1), offsetInit = constant(0) } = options;
  return [
    affine(op, "scale", x, shape, createScale, scaleInit, given.scale),
    affine(op, "offset", x, shape, createOffset, offsetInit, given.offset),
  ];
}

/** `(x - mean) / sqrt(variance + eps) scale + offset`. */
export function normalized(
  x: NDArray,
  mean: NDArray,
  variance: NDArray,
  eps: number,
  [scale, offset]: readonly [NDArray | undefined, NDArray | undefined],
): NDArray {
  const inverse = np.rsqrt(variance.add(eps));
  const y = x.sub(mean).mul(scale === undefined ? inverse : inverse.mul(scale));
  return offset === undefined ? y : y.add(offset);
}

/** The input as an array of a floating dtype. */
export function input(op: string, x: NDArray): NDArray {
  const array = np.asarray(x);
  if (isFloat(array.dtype)) return array;
  throw new DTypeError(`${op}: the input must be float32 or float64: ${formatAval(array.aval)}`);
}

const formats: readonly string[] = ["channelsLast", "channelsFirst"];

/** The axis of the channels. */
export function channelAxis(op: string, x: NDArray, format: DataFormat = "channelsLast"): number {
  const axis = format === "channelsLast" ? x.ndim - 1 : 1;
  if (x.ndim === 0 || axis >= x.ndim) {
    throw new ShapeError(`${op}: the input has no axis of channels: ${formatAval(x.aval)}`);
  }
  return axis;
}

/** Checks where the channels are said to be. */
export function checkFormat(op: string, format: unknown): void {
  if (format === undefined || formats.includes(format as string)) return;
  throw new TypeError(
    `${op}: dataFormat must be ${formats.join(" or ")}, not ${describeValue(format)}`,
  );
}

/** Axes: one, several, or all from `start` on up to, but not including, `stop`. */
export type NormAxis = number | readonly number[] | {
  readonly start: number;
  readonly stop?: number | undefined;
};

/** The axes, from 0 on and sorted. */
export function absolute(op: string, axis: NormAxis, x: NDArray): number[] {
  const all = x.shape.map((_, i) => i);
  if (typeof axis === "object" && "start" in axis) return all.slice(axis.start, axis.stop);
  const list = typeof axis === "number" ? [axis] : axis;
  const found = list.map((a) => a < 0 ? a + x.ndim : a);
  const wrong = found.findIndex((a) => !(a in all));
  if (wrong >= 0) {
    throw new ShapeError(`${op}: there is no axis ${list[wrong]} in ${formatAval(x.aval)}`);
  }
  return all.filter((a) => found.includes(a));
}

/** Checks axes that a user gave. */
export function checkAxis(op: string, axis: unknown): void {
  const isAxis = (a: unknown): boolean => Number.isInteger(a);
  if (isAxis(axis) || (Array.isArray(axis) && axis.every(isAxis))) return;
  const range = axis as { start?: unknown; stop?: unknown } | null | undefined;
  if (
    typeof range === "object" && isAxis(range?.start) &&
    (range?.stop === undefined || isAxis(range.stop))
  ) return;
  throw new TypeError(
    `${op}: the axis must be a number, a list of such, or { start, stop }, not ${
      describeValue(axis)
    }`,
  );
}

/**
 * Windows on the CPU: convolutions as products of matrices, one for each batch and group.
 *
 * @module
 */
import { sizeOf, stridesOf } from "../../core/aval.ts";
import { allocate, type TypedArray } from "../../core/dtype.ts";
import type { HostValue } from "../../core/primitive.ts";
import { multiplyMatrices } from "../dot/loops.ts";
import { copyStrided } from "../loops/copy.ts";
import { padded } from "../slicing/slice.ts";
import {
  type ConvolutionShape,
  isBare,
  paddedLengths,
  paddingParams,
  type Places,
} from "./window.ts";

/** The elements of a convolution. */
export function convolve(
  x: HostValue,
  w: HostValue,
  s: ConvolutionShape,
  params: Places,
): TypedArray {
  const { batch, groups, features, outputs, kernel } = s;
  const [columns, depth] = [sizeOf(s.places), features * sizeOf(kernel)];
  const out = allocate(x.dtype, batch * groups * outputs * columns);
  if (out.length === 0 || depth === 0) return out;
  const lengths = paddedLengths(s.space, params);
  const around = isBare(s.space, params)
    ? x.values
    : padded(x, 0, paddingParams(x.shape.length, params), [batch, groups * features, ...lengths]);
  const strides = stridesOf([features, ...lengths]);
  const along = strides.slice(1);
  const shape = [features, ...kernel, ...s.places];
  // [features x kernel, places]: what each element of the kernel is multiplied with.
  const block = allocate(x.dtype, depth * columns);
  const from = [
    strides[0]!,
    ...along.map((n, i) => n * params.windowDilation[i]!),
    ...along.map((n, i) => n * params.strides[i]!),
  ];
  for (let n = 0; n < batch * groups; n++) {
    copyStrided(
      around,
      n * features * sizeOf(lengths),
      from,
      block,
      0,
      stridesOf(shape),
      shape,
    );
    const group = n % groups;
    multiplyMatrices(
      x.dtype,
      out.subarray(n * outputs * columns, (n + 1) * outputs * columns),
      w.values.subarray(group * outputs * depth, (group + 1) * outputs * depth),
      block,
      1,
      outputs,
      depth,
      columns,
    );
  }
  return out;
}

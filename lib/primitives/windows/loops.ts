/**
 * Windows on the CPU: convolutions as products of matrices, one for each batch and group.
 *
 * @module
 */
import {
  allocate,
  dtypeOf,
  type HostValue,
  sizeOf,
  stridesOf,
  type TypedArray,
} from "../../core/mod.ts";
import { multiplyMatrices } from "../dot/loops.ts";
import { copyStrided, mergeAxes, Odometer, perDType } from "../loops/loops.ts";
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

/** Two elements put together. */
export type Combine = (a: number, b: number) => number;

function loopCombine(
  combine: Combine,
  target: TypedArray,
  targetAt: number,
  targetStride: number,
  source: TypedArray,
  sourceAt: number,
  sourceStride: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) {
    target[targetAt] = combine(target[targetAt]!, source[sourceAt]!);
    targetAt += targetStride;
    sourceAt += sourceStride;
  }
}

const combineLoops = /* @__PURE__ */ perDType(loopCombine);

/** As `copyStrided`, but elements are combined with what is there; places of the target may coincide. */
export function combineStrided(
  combine: Combine,
  target: TypedArray,
  targetAt: number,
  targetStrides: readonly number[],
  source: TypedArray,
  sourceAt: number,
  sourceStrides: readonly number[],
  shape: readonly number[],
): void {
  if (shape.includes(0)) return;
  const plan = mergeAxes(shape, [[...targetStrides], [...sourceStrides]]);
  const inner = plan.shape.length - 1;
  const [targetStride, sourceStride] = plan.strides.map((s) => s[inner]!) as [number, number];
  const outer = plan.shape.slice(0, inner);
  const walk = new Odometer(outer, plan.strides);
  const loop = combineLoops(dtypeOf(source));
  for (let row = outer.reduce((a, b) => a * b, 1); row > 0; row--) {
    const [to, from] = walk.at as [number, number];
    loop(
      combine,
      target,
      targetAt + to,
      targetStride,
      source,
      sourceAt + from,
      sourceStride,
      plan.shape[inner]!,
    );
    walk.next();
  }
}

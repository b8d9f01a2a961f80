/**
 * conv_general_dilated: sums of products over windows, for arrays [batch, groups x features, ...] and
 * kernels [groups x outputs, features, ...]. Other orders of axes, and groups of batches, are
 * rearrangements before and behind it (`lib/api/lax`).
 *
 * Owns the rules. The loops are in `loops.ts`, the choice of ONNX operators is in `graph.ts`.
 *
 * @module
 */
import {
  bind1,
  checkDType,
  checkSameDType,
  definePrimitive,
  formatAval,
  Linear,
  type NDArray,
  numeric,
  ordinary,
  type Primitive,
  type Sample,
  shaped,
  ShapeError,
  sizeOf,
  type Tangent,
} from "../../core/mod.ts";
import { add } from "../elementwise/arithmetic.ts";
import { ofBoolsToo } from "../elementwise/convert.ts";
import { emptyOutput, filled } from "../graph/nodes.ts";
import { moveAxis, reshape, transpose } from "../shape/shape.ts";
import { rev } from "../slicing/concatenate.ts";
import { padP } from "../slicing/slice.ts";
import { lowerConvolution } from "./graph.ts";
import { convolve } from "./loops.ts";
import {
  type ConvolutionParams,
  type ConvolutionShape,
  convolutionShape,
  dilated,
  isBare,
  paddedLengths,
  paddingParams,
} from "./window.ts";

/** The convolution of which the kernel's places are the places of this one's windows. */
function forArray(s: ConvolutionShape, p: ConvolutionParams): ConvolutionParams {
  return {
    groups: p.groups,
    strides: p.baseDilation,
    baseDilation: p.strides,
    windowDilation: p.windowDilation,
    padding: s.space.map((n, i) => {
      const [low] = p.padding[i]!;
      const [own, kernel] = [
        dilated(n, p.baseDilation[i]!),
        dilated(s.kernel[i]!, p.windowDilation[i]!),
      ];
      const first = kernel - 1 - low;
      return [first, own + kernel - 1 - dilated(s.places[i]!, p.strides[i]!) - first];
    }),
  };
}

/** The convolution of the array with a cotangent, which gives that of the kernel. */
function forKernel(s: ConvolutionShape, p: ConvolutionParams): ConvolutionParams {
  return {
    groups: p.groups,
    strides: p.windowDilation,
    baseDilation: p.baseDilation,
    windowDilation: p.strides,
    padding: s.kernel.map((n, i) => {
      const [low] = p.padding[i]!;
      const places = dilated(s.places[i]!, p.strides[i]!);
      const own = dilated(s.space[i]!, p.baseDilation[i]!);
      return [low, dilated(n, p.windowDilation[i]!) - 1 + places - own - low];
    }),
  };
}

/** [a x b, c, ...] as [a x c, b, ...], and back with `a` in front of the second axis. */
function exchanged(x: NDArray, groups: number): NDArray {
  const [first, second, ...rest] = x.shape as [number, number, ...number[]];
  const split = reshape(x, [groups, first / groups, second, ...rest]);
  return reshape(moveAxis(split, 1, 2), [groups * second, first / groups, ...rest]);
}

/** [a, groups x b, ...] as [b, groups x a, ...]. */
function turned(x: NDArray, groups: number): NDArray {
  const [first, second, ...rest] = x.shape as [number, number, ...number[]];
  const split = reshape(x, [first, groups, second / groups, ...rest]);
  const perm = [2, 1, 0, ...rest.map((_, i) => i + 3)];
  return reshape(transpose(split, perm), [second / groups, groups * first, ...rest]);
}

/** Sums of products over windows. Inputs: an array and a kernel. */
export const convolutionP: Primitive<ConvolutionParams> = /* @__PURE__ */ definePrimitive<
  ConvolutionParams
>({
  name: "conv_general_dilated",
  abstractEval([x, w], params) {
    checkDType("conv_general_dilated", "the array", x!, numeric);
    checkSameDType("conv_general_dilated", x!, w!, "the array and the kernel");
    const { groups } = params;
    const [rank, features] = [x!.shape.length, w!.shape[1]! * groups];
    if (rank < 2 || w!.shape.length !== rank || params.strides.length !== rank - 2) {
      throw new ShapeError(
        `conv_general_dilated: the array, ${formatAval(x!)}, and the kernel, ${
          formatAval(w!)
        }, must have two axes and those that windows run along, of which there are ${params.strides.length}`,
      );
    }
    if (x!.shape[1] !== features || w!.shape[0]! % groups !== 0) {
      throw new ShapeError(
        `conv_general_dilated: the kernel, ${
          formatAval(w!)
        }, takes ${features} features in ${groups} ` +
          `groups, and each group gives the same number of outputs, but the array is ${
            formatAval(x!)
          }`,
      );
    }
    const { places } = convolutionShape(x!, w!, params);
    return [shaped([x!.shape[0]!, w!.shape[0]!, ...places], x!.dtype)];
  },
  impl: ([x, w], params) => [convolve(x!, w!, convolutionShape(x!, w!, params), params)],
  jvp([x, w], [dx, dw], params) {
    const left: Tangent = dx === null || dx === undefined ? null : convolution(dx, w!, params);
    const right: Tangent = dw === null || dw === undefined ? null : convolution(x!, dw, params);
    return [
      [convolution(x!, w!, params)],
      [left === null ? right : right === null ? left : add(left, right)],
    ];
  },
  transpose([ct], [x, w], params) {
    if (ct === null || ct === undefined) return [null, null];
    const s = convolutionShape(x!.aval, w!.aval, params);
    if (x instanceof Linear) {
      // dx[n, c] = sum over o of dy[n, o], spread, with the kernel w[o, c] from behind.
      const along = s.kernel.map((_, i) => i + 2);
      const kernel = rev(exchanged(w as NDArray, s.groups), along);
      return [convolution(ct, kernel, forArray(s, params)), null];
    }
    // dw[o, c] = sum over n of x[n, c], with the kernel dy[n, o].
    const kernel = moveAxis(ct, 0, 1);
    return [null, moveAxis(convolution(turned(x!, s.groups), kernel, forKernel(s, params)), 0, 1)];
  },
  batch([x, w], [dx, dw], size, params) {
    const { groups } = params;
    const isMapped = (d: number | null | undefined): d is number => d !== null && d !== undefined;
    if (!isMapped(dw)) {
      const lanes = moveAxis(x!, dx!, 0);
      const [, batch, ...rest] = lanes.shape as [number, number, ...number[]];
      const out = convolution(reshape(lanes, [size * batch, ...rest]), w!, params);
      return [[reshape(out, [size, batch, ...out.shape.slice(1)])], [0]];
    }
    const kernels = moveAxis(w!, dw, 0);
    const [, outputs, ...window] = kernels.shape as [number, number, ...number[]];
    if (isMapped(dx)) {
      // Each lane is groups of its own.
      const lanes = moveAxis(x!, dx, 1);
      const [batch, , features, ...rest] = lanes.shape as [number, number, number, ...number[]];
      const out = convolution(
        reshape(lanes, [batch, size * features, ...rest]),
        reshape(kernels, [size * outputs, ...window]),
        { ...params, groups: size * groups },
      );
      return [[reshape(out, [batch, size, outputs, ...out.shape.slice(2)])], [1]];
    }
    // More outputs of each group.
    const each = outputs / groups;
    const split = moveAxis(reshape(kernels, [size, groups, each, ...window]), 0, 1);
    const out = convolution(x!, reshape(split, [groups * size * each, ...window]), params);
    const [batch, , ...places] = out.shape as [number, number, ...number[]];
    const parts = moveAxis(reshape(out, [batch, groups, size, each, ...places]), 2, 0);
    return [[reshape(parts, [size, batch, outputs, ...places])], [0]];
  },
  passes: ordinary,
  lower(g, [x, w], params, [xAval, wAval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    if (sizeOf(wAval!.shape) === 0) return [filled(g, g.scalar(0, out!.dtype), out!.shape)];
    return [lowerConvolution(g, x!, w!, xAval!, convolutionShape(xAval!, wAval!, params), params)];
  },
  kernel(b, [x, w], params, [xAval, wAval], [out]) {
    const s = convolutionShape(xAval!, wAval!, params);
    if (sizeOf(out!.shape) === 0 || sizeOf(wAval!.shape) === 0) return [b.constant(0, out!)];
    const { dtype, shape } = xAval!;
    let around = x!;
    if (!isBare(s.space, params)) {
      const lengths = [shape[0]!, shape[1]!, ...paddedLengths(s.space, params)];
      const zero = shaped([], dtype);
      const margin = paddingParams(shape.length, params);
      around = padP.kernel!(
        b,
        [x!, b.constant(0, zero)],
        margin,
        [xAval!, zero],
        [shaped(lengths, dtype)],
      )[0]!;
    }
    const { batch, groups, features, outputs, kernel, places } = s;
    const windows = b.reshape(
      b.windows(around, {
        sizes: kernel,
        strides: params.strides,
        dilation: params.windowDilation,
      }),
      [batch, groups, features, ...places, ...kernel],
    );
    const kernels = b.broadcast(
      b.reshape(w!, [groups, outputs, features, ...kernel]),
      [batch, groups, outputs, features, ...kernel],
    );
    const sums = b.dot(kernels, windows, {
      contract: [
        [3, ...kernel.map((_, i) => 4 + i)],
        [2, ...kernel.map((_, i) => 3 + places.length + i)],
      ],
      batch: [[0, 1], [0, 1]],
    });
    return [b.reshape(sums, out!.shape)];
  },
  heavy: {
    work: ([, w], _, [out]) => sizeOf(out!.shape) * sizeOf(w!.shape.slice(1)),
    sameBits: false,
  },
  samples,
});

/**
 * The convolution of `x`, [batch, groups x features, ...], with the kernel `w`, [groups x outputs,
 * features, ...]: for each place of a window the sum of products with what is in it; of bools, whether
 * any product is true.
 *
 * @throws {ShapeError} where features or numbers of axes differ.
 */
export function convolution(x: NDArray, w: NDArray, params: ConvolutionParams): NDArray {
  return ofBoolsToo((a, b) => bind1(convolutionP, [a, b], params), x, w);
}

function samples(): Sample<ConvolutionParams>[] {
  const plain = (rank: number): ConvolutionParams => ({
    strides: new Array(rank).fill(1),
    padding: new Array(rank).fill([0, 0]),
    baseDilation: new Array(rank).fill(1),
    windowDilation: new Array(rank).fill(1),
    groups: 1,
  });
  const f64 = (...shape: number[]) => ({ shape, dtype: "float64" as const });
  const f32 = (...shape: number[]) => ({ shape, dtype: "float32" as const });
  return [
    { name: "a line", inputs: [f32(2, 2, 7), f32(3, 2, 3)], params: plain(1) },
    {
      name: "strides, padding and gaps, float64",
      inputs: [f64(2, 2, 5, 6), f64(3, 2, 3, 2)],
      params: {
        strides: [2, 3],
        padding: [[1, 2], [0, 3]],
        baseDilation: [1, 2],
        windowDilation: [2, 1],
        groups: 1,
      },
    },
    {
      name: "strides, padding and gaps",
      inputs: [f32(1, 2, 6, 5), f32(2, 2, 2, 3)],
      params: {
        strides: [3, 2],
        padding: [[2, 1], [3, 0]],
        baseDilation: [2, 1],
        windowDilation: [1, 2],
        groups: 1,
      },
    },
    {
      name: "groups, float64",
      inputs: [f64(2, 4, 5), f64(6, 2, 2)],
      params: { ...plain(1), padding: [[1, 1]], groups: 2 },
    },
    {
      name: "one feature in each group",
      inputs: [f32(2, 3, 4, 4), f32(3, 1, 2, 2)],
      params: { ...plain(2), groups: 3 },
    },
    {
      name: "three axes, float64",
      inputs: [f64(1, 2, 3, 4, 3), f64(2, 2, 2, 2, 2)],
      params: { ...plain(3), padding: [[0, 1], [1, 0], [0, 0]] },
    },
    {
      name: "four axes",
      inputs: [f32(1, 1, 2, 3, 2, 3), f32(2, 1, 2, 2, 1, 2)],
      params: plain(4),
    },
    { name: "no axes for windows, float64", inputs: [f64(3, 2), f64(4, 2)], params: plain(0) },
    {
      name: "negative padding, float64",
      inputs: [f64(1, 2, 6), f64(1, 2, 2)],
      params: { ...plain(1), padding: [[-1, -2]] },
    },
    {
      name: "negative padding and positive",
      inputs: [f32(1, 1, 6, 4), f32(2, 1, 2, 2)],
      params: { ...plain(2), padding: [[-1, 2], [1, -1]] },
    },
    {
      name: "windows of zeros alone, float64",
      inputs: [f64(1, 1, 2), f64(1, 1, 2)],
      params: { ...plain(1), padding: [[3, 3]], strides: [2] },
    },
    {
      name: "no room for a window",
      inputs: [f32(1, 1, 2), f32(1, 1, 3)],
      params: plain(1),
    },
    { name: "no features", inputs: [f32(1, 0, 3), f32(2, 0, 2)], params: plain(1) },
    { name: "no batches", inputs: [f32(0, 2, 3), f32(2, 2, 2)], params: plain(1) },
    {
      name: "large enough for tiles",
      inputs: [f32(2, 3, 12, 11), f32(8, 3, 3, 3)],
      params: { ...plain(2), padding: [[1, 1], [1, 1]] },
    },
    {
      name: "int32 wraps",
      inputs: [
        { shape: [1, 1, 3], dtype: "int32", values: [65536, -3, 7] },
        { shape: [1, 1, 2], dtype: "int32", values: [65537, 5] },
      ],
      params: plain(1),
    },
    {
      name: "uint32 wraps",
      inputs: [
        { shape: [1, 1, 3], dtype: "uint32", values: [4294967295, 3, 7] },
        { shape: [2, 1, 2], dtype: "uint32", values: [2, 4000000000, 1, 5] },
      ],
      params: { ...plain(1), padding: [[1, 0]] },
    },
  ];
}

/**
 * Arrays put together and turned round: concatenate and rev.
 *
 * @module
 */
import {
  allocate,
  AxisError,
  bind1,
  checkSameDType,
  definePrimitive,
  formatAval,
  formatShape,
  Linear,
  type NDArray,
  ordinary,
  type Primitive,
  shaped,
  ShapeError,
  sizeOf,
  stridesOf,
} from "../../core/mod.ts";
import { counting, shiftAxes } from "../axes.ts";
import { instantiate } from "../constants/constants.ts";
import { emptyOutput } from "../graph/nodes.ts";
import { aroundAxis, copyStrided, offsetOf } from "../loops/loops.ts";
import { batchAxisInFront } from "../sum/broadcast.ts";
import { slice } from "./slice.ts";

// ---------------------------------------------------------------- concatenate

/** Arrays one behind the other along an axis. */
export const concatenateP: Primitive<{ readonly axis: number }> = /* @__PURE__ */ definePrimitive<
  { readonly axis: number }
>({
  name: "concatenate",
  abstractEval(inputs, { axis }) {
    const first = inputs[0];
    if (first === undefined) {
      throw new ShapeError("concatenate: there are no arrays to concatenate");
    }
    const rank = first.shape.length;
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank) {
      throw new AxisError(
        `concatenate: axis ${axis} is out of range: the arrays are like ${formatAval(first)}`,
      );
    }
    let length = 0;
    inputs.forEach((x, i) => {
      checkSameDType("concatenate", first, x, `arrays 0 and ${i}`);
      if (x.shape.length !== rank || x.shape.some((n, k) => k !== axis && n !== first.shape[k])) {
        throw new ShapeError(
          `concatenate: arrays 0 and ${i} have shapes ${formatShape(first.shape)} and ${
            formatShape(x.shape)
          }, which differ on other axes than axis ${axis}`,
        );
      }
      length += x.shape[axis]!;
    });
    return [shaped(first.shape.with(axis, length), first.dtype)];
  },
  impl(inputs, { axis }, [out]) {
    const values = allocate(out!.dtype, sizeOf(out!.shape));
    const row = aroundAxis(out!.shape, axis);
    let at = 0;
    for (const x of inputs) {
      const [outer, n, inner] = aroundAxis(x.shape, axis);
      copyStrided(x.values, 0, [n * inner, 1], values, at, [row[1] * inner, 1], [outer, n * inner]);
      at += n * inner;
    }
    return [values];
  },
  jvp: (xs, ts, params) => [
    [bind1(concatenateP, xs, params)],
    [bind1(concatenateP, xs.map((x, i) => instantiate(ts[i], x.aval)), params)],
  ],
  transpose([ct], xs, { axis }) {
    if (ct === null || ct === undefined) return xs.map(() => null);
    let at = 0;
    return xs.map((x) => {
      const { shape } = x.aval;
      const starts = shape.map((_, i) => i === axis ? at : 0);
      at += shape[axis]!;
      return x instanceof Linear ? slice(ct, starts, ct.shape.with(axis, at)) : null;
    });
  },
  batch(xs, dims, size, { axis }) {
    const lanes = xs.map((x, i) => batchAxisInFront(x, dims[i] ?? null, size));
    return [[bind1(concatenateP, lanes, { axis: axis + 1 })], [0]];
  },
  passes: ordinary,
  lower(g, inputs, { axis }, avals, [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const parts = inputs.filter((_, i) => avals[i]!.shape[axis] !== 0);
    return [parts.length === 1 ? parts[0]! : g.node("Concat", parts, { axis })];
  },
  kernel(b, inputs, { axis }, _, [out]) {
    let from = 0;
    const parts = inputs.map((value) => {
      const at = out!.shape.map((_, i) => i === axis ? from : 0);
      from += value.shape[axis]!;
      return { value, at };
    });
    return [b.assemble(out!, parts)];
  },
  samples: () => [
    {
      name: "three arrays, one of them empty",
      inputs: [counting([2, 2]), counting([2, 0]), counting([2, 3], 7)],
      params: { axis: 1 },
    },
    {
      name: "first axis, float64",
      inputs: [{ shape: [2, 3], dtype: "float64" }, { shape: [1, 3], dtype: "float64" }],
      params: { axis: 0 },
    },
    {
      name: "all empty",
      inputs: [counting([0]), counting([0])],
      params: { axis: 0 },
    },
    {
      name: "bool",
      inputs: [
        { shape: [1], dtype: "bool", values: [1] },
        { shape: [2], dtype: "bool", values: [0, 1] },
      ],
      params: { axis: 0 },
    },
    {
      name: "uint32",
      inputs: [
        { shape: [1, 2, 1], dtype: "uint32", values: [1, 4294967295] },
        { shape: [1, 1, 1], dtype: "uint32", values: [3] },
      ],
      params: { axis: 1 },
    },
  ],
});

/**
 * Arrays of equal dtype one behind the other along `axis` (not negative), as `lax.concatenate`.
 *
 * @throws {ShapeError} where the arrays differ on another axis.
 */
export function concatenate(xs: readonly NDArray[], axis: number): NDArray {
  return xs.length === 1 ? xs[0]! : bind1(concatenateP, xs, { axis });
}

// ---------------------------------------------------------------- rev

/** Axes in reverse order. */
export const revP: Primitive<{ readonly axes: readonly number[] }> =
  /* @__PURE__ */ definePrimitive<
    { readonly axes: readonly number[] }
  >({
    name: "rev",
    abstractEval([x], { axes }) {
      const rank = x!.shape.length;
      if (
        axes.some((a, i) => !Number.isInteger(a) || a < 0 || a >= rank || axes.indexOf(a) !== i)
      ) {
        throw new AxisError(
          `rev: axes ${formatShape(axes)} must be different axes of x, which is ${formatAval(x!)}`,
        );
      }
      return [x!];
    },
    impl([x], { axes }) {
      const { shape, dtype } = x!;
      const values = allocate(dtype, sizeOf(shape));
      if (values.length === 0) return [values];
      const steps = stridesOf(shape);
      const last = shape.map((n, i) => axes.includes(i) ? n - 1 : 0);
      const from = steps.map((s, i) => axes.includes(i) ? -s : s);
      copyStrided(x!.values, offsetOf(last, shape), from, values, 0, steps, shape);
      return [values];
    },
    jvp: ([x], [t], params) => [[bind1(revP, [x!], params)], [bind1(revP, [t!], params)]],
    transpose: ([ct], _, { axes }) => [ct === null || ct === undefined ? null : rev(ct, axes)],
    batch: ([x], [dim], _, { axes }) => [[rev(x!, shiftAxes(axes, dim!))], [dim!]],
    passes: ordinary,
    lower(g, [x], { axes }, [aval], [out]) {
      const empty = emptyOutput(g, out!);
      if (empty !== null) return [empty];
      const ends = axes.map((a) => -aval!.shape[a]! - 1);
      const minus = g.int64(axes.map(() => -1));
      return [g.node("Slice", [x!, minus, g.int64(ends), g.int64(axes), minus])];
    },
    kernel(b, [x], { axes }, [aval]) {
      const { shape } = aval!;
      const starts = shape.map((n, i) => axes.includes(i) ? n - 1 : 0);
      return [b.slice(x!, starts, shape.map((_, i) => axes.includes(i) ? -1 : 1), shape)];
    },
    samples: () => [
      { name: "one axis", inputs: [counting([2, 3])], params: { axes: [1] } },
      {
        name: "two axes, float64",
        inputs: [{ shape: [2, 3, 2], dtype: "float64" }],
        params: { axes: [2, 0] },
      },
      {
        name: "zero size",
        inputs: [{ shape: [0, 2], dtype: "float32" }],
        params: { axes: [0, 1] },
      },
      {
        name: "bool",
        inputs: [{ shape: [3], dtype: "bool", values: [1, 0, 0] }],
        params: { axes: [0] },
      },
      {
        name: "int32",
        inputs: [{ shape: [3], dtype: "int32", values: [1, -2, 3] }],
        params: { axes: [0] },
      },
      {
        name: "uint32",
        inputs: [{ shape: [2, 1], dtype: "uint32", values: [1, 4294967295] }],
        params: { axes: [0, 1] },
      },
    ],
  });

/**
 * `x` with the order along `axes` reversed, as `lax.rev`.
 *
 * @throws {AxisError} where an axis is out of range or given twice.
 */
export function rev(x: NDArray, axes: readonly number[]): NDArray {
  return axes.length === 0 ? x : bind1(revP, [x], { axes });
}

/**
 * Positions of extreme elements along an axis: argmax and argmin.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { formatAval, shaped, sizeOf } from "../../core/aval.ts";
import { allocate, type DType, isFloat } from "../../core/dtype.ts";
import { ShapeError } from "../../core/errors.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { definePrimitive, ordinary, type Primitive } from "../../core/primitive.ts";
import { bind1 } from "../../core/trace.ts";
import { type AxisParams, checkAxis, shiftAxis } from "../axes.ts";
import { emptyOutput, toOrdered } from "../graph/nodes.ts";
import { aroundAxis } from "../loops/strides.ts";
import { argmaxRoutine, argminRoutine } from "./routines.ts";

/** What ArgMax or ArgMin gives, as int32, without them: the first place of the largest or smallest. */
function firstPlace(
  g: Lowering,
  op: "ArgMax" | "ArgMin",
  x: Value,
  shape: readonly number[],
  axis: number,
): Value {
  const n = shape[axis]!;
  const axes = g.int64([axis]);
  const extreme = g.node(op === "ArgMax" ? "ReduceMax" : "ReduceMin", [x, axes], { keepdims: 1 });
  const along = shape.slice(axis).map((_, i) => i === 0 ? n : 1);
  const places = g.constant(Array.from({ length: n }, (_, i) => i), along, "int32");
  const found = g.where(g.node("Equal", [x, extreme]), places, g.scalar(n, "int32"), "int32");
  return g.node("ReduceMin", [found, axes], { keepdims: 0 });
}

function positionOf(max: boolean): Primitive<AxisParams> {
  const name = max ? "argmax" : "argmin";
  const op = max ? "ArgMax" as const : "ArgMin" as const;
  const routine = max ? argmaxRoutine : argminRoutine;
  const self: Primitive<AxisParams> = definePrimitive<AxisParams>({
    name,
    abstractEval([x], { axis }) {
      checkAxis(name, x!, axis);
      if (x!.shape[axis] === 0) {
        throw new ShapeError(
          `${name}: x, which is ${formatAval(x!)}, has no elements along axis ${axis}`,
        );
      }
      return [shaped(x!.shape.toSpliced(axis, 1), "int32")];
    },
    impl([x], { axis }, [out]) {
      const values = allocate("int32", sizeOf(out!.shape));
      routine.run(x!.dtype, [x!.values, values], ...aroundAxis(x!.shape, axis));
      return [values];
    },
    jvp: ([x], _, params) => [[bind1(self, [x!], params)], [null]],
    transpose: "nonlinear",
    batch([x], [dim], _, { axis }) {
      const at = shiftAxis(axis, dim!);
      return [[bind1(self, [x!], { axis: at })], [at < dim! ? dim! - 1 : dim!]];
    },
    passes: ordinary,
    lower(g, [x], { axis }, [aval], [out]) {
      const empty = emptyOutput(g, out!);
      if (empty !== null) return [empty];
      const { dtype } = aval!;
      const find = (of: "ArgMax" | "ArgMin", y: Value, type: DType = dtype): Value =>
        g.lacks(of, type)
          ? firstPlace(g, of, y, aval!.shape, axis)
          : g.cast(g.node(of, [y], { axis, keepdims: 0 }), "int64", "int32");
      if (!isFloat(dtype)) return [find(op, ...toOrdered(g, x!, dtype))];
      // Kernels differ on NaN: look for numbers and for NaN separately.
      const isNumber = g.node("Equal", [x!, x!]);
      const lowest = g.scalar(max ? -Infinity : Infinity, dtype);
      const number = find(op, g.node("Where", [isNumber, x!, lowest]));
      const flags = g.cast(isNumber, "bool", "int32");
      const all = g.node("ReduceMin", [flags, g.int64([axis])], { keepdims: 0 });
      return [
        g.where(g.cast(all, "int32", "bool"), number, find("ArgMin", flags, "int32"), "int32"),
      ];
    },
    kernel: (b, inputs, { axis }, [aval], outs) =>
      b.call(routine, aval!.dtype, inputs, outs, aroundAxis(aval!.shape, axis)),
    samples: () => [
      {
        name: "ties",
        inputs: [{ shape: [2, 4], dtype: "float32", values: [1, 3, 3, 0, -1, -2, -2, -1] }],
        params: { axis: 1 },
      },
      {
        name: "first axis, float64",
        inputs: [{ shape: [3, 2, 2], dtype: "float64" }],
        params: { axis: 0 },
      },
      {
        name: "NaN and infinities",
        inputs: [{
          shape: [4, 3],
          dtype: "float32",
          values: [
            ...[Infinity, NaN, NaN],
            ...[-Infinity, -Infinity, NaN],
            ...[NaN, -Infinity, Infinity],
            ...[-Infinity, Infinity, Infinity],
          ],
        }],
        params: { axis: 1 },
      },
      {
        name: "zero size",
        inputs: [{ shape: [0, 3], dtype: "float32" }],
        params: { axis: 1 },
      },
      {
        name: "int32",
        inputs: [{ shape: [4], dtype: "int32", values: [-3, 2147483647, -2147483648, 5] }],
        params: { axis: 0 },
      },
      {
        name: "uint32 above 2^31",
        inputs: [{ shape: [3], dtype: "uint32", values: [3, 4294967295, 0] }],
        params: { axis: 0 },
      },
      {
        name: "bool",
        inputs: [{ shape: [2, 3], dtype: "bool", values: [0, 1, 1, 1, 0, 0] }],
        params: { axis: 1 },
      },
    ],
  });
  return self;
}

/** Position of the first largest element along an axis. */
export const argmaxP: Primitive<AxisParams> = /* @__PURE__ */ positionOf(true);
/** Position of the first smallest element along an axis. */
export const argminP: Primitive<AxisParams> = /* @__PURE__ */ positionOf(false);

/**
 * Position (int32) of the first largest element of `x` along `axis`, which vanishes; of the first
 * NaN where there is one.
 *
 * @throws {ShapeError} where the axis has length 0.
 */
export function argmax(x: NDArray, axis: number): NDArray {
  return bind1(argmaxP, [x], { axis });
}

/**
 * Position (int32) of the first smallest element of `x` along `axis`, which vanishes; of the first
 * NaN where there is one.
 *
 * @throws {ShapeError} where the axis has length 0.
 */
export function argmin(x: NDArray, axis: number): NDArray {
  return bind1(argminP, [x], { axis });
}

/**
 * Running sums along an axis: cumsum.
 *
 * @module
 */
import {
  allocate,
  bind1,
  checkDType,
  definePrimitive,
  isFloat,
  type NDArray,
  numeric,
  ordinary,
  type Primitive,
  type ShapedArray,
} from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import { type AxisParams, checkAxis, shiftAxis } from "../axes.ts";
import { emptyOutput, viaInt32 } from "../graph/nodes.ts";
import { aroundAxis } from "../loops/loops.ts";
import { cumsumRoutine } from "./reduction.ts";

/** Parameters of a running sum. */
export interface CumsumParams extends AxisParams {
  /** Whether to sum from the end. */
  readonly reverse: boolean;
}

/** Longest run that a kernel may sum up in the array's own precision. */
const LONGEST_RUN = 4096;

/** Running sums in the graph: long float ones in two stages, so that rounding does not pile up. */
function lowerCumsum(
  g: Lowering,
  x: Value,
  { axis, reverse }: CumsumParams,
  { shape, dtype }: ShapedArray,
): Value {
  const [outer, n, inner] = aroundAxis(shape, axis);
  const direction = { reverse: reverse ? 1 : 0 };
  const along = (y: Value, at: number, exclusive: number): Value =>
    g.node("CumSum", [y, g.scalar(at, "int64")], { exclusive, ...direction });
  if (!isFloat(dtype)) return along(x, axis, 0);
  // A sum begins at 0, and 0 + -0 is 0; the kernel begins at the first element.
  if (n <= LONGEST_RUN) return g.node("Add", [along(x, axis, 1), x]);
  const run = Math.ceil(Math.sqrt(n));
  const rows = Math.ceil(n / run);
  let value = g.reshape(x, [outer, n, inner]);
  if (rows * run > n) {
    const pads = g.int64([0, 0, 0, 0, rows * run - n, 0]);
    value = g.node("Pad", [value, pads, g.scalar(0, dtype)]);
  }
  const within = along(g.reshape(value, [outer, rows, run, inner]), 2, 0);
  const last = reverse ? 0 : run - 1;
  const totals = g.node("Slice", [within, g.int64([last]), g.int64([last + 1]), g.int64([2])]);
  value = g.node("Add", [within, along(totals, 1, 1)]);
  value = g.reshape(value, [outer, rows * run, inner]);
  if (rows * run > n) value = g.node("Slice", [value, g.int64([0]), g.int64([n]), g.int64([1])]);
  return g.reshape(value, shape);
}

/** Running sums along an axis. */
export const cumsumP: Primitive<CumsumParams> = /* @__PURE__ */ definePrimitive<CumsumParams>({
  name: "cumsum",
  abstractEval([x], { axis }) {
    checkDType("cumsum", "x", x!, numeric);
    checkAxis("cumsum", x!, axis);
    return [x!];
  },
  impl([x], { axis, reverse }) {
    const { dtype } = x!;
    const values = allocate(dtype, x!.values.length);
    cumsumRoutine.run(dtype, [x!.values, values], ...aroundAxis(x!.shape, axis), reverse ? 1 : 0);
    return [values];
  },
  jvp: ([x], [t], { axis, reverse }) => [
    [cumsum(x!, axis, reverse)],
    [cumsum(t!, axis, reverse)],
  ],
  transpose: ([ct], _, { axis, reverse }) => [ct ? cumsum(ct, axis, !reverse) : null],
  batch: ([x], [dim], _, { axis, reverse }) => [
    [cumsum(x!, shiftAxis(axis, dim!), reverse)],
    [dim!],
  ],
  passes: ordinary,
  lower(g, [x], params, [aval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const { dtype } = aval!;
    return [viaInt32(g, [x!], dtype, ([y]) => lowerCumsum(g, y!, params, aval!))];
  },
  kernel: (b, inputs, { axis, reverse }, [aval], outs) =>
    b.call(cumsumRoutine, aval!.dtype, inputs, outs, [
      ...aroundAxis(aval!.shape, axis),
      reverse ? 1 : 0,
    ]),
  samples: () => [
    {
      name: "forward",
      inputs: [{ shape: [5], dtype: "float32" }],
      params: { axis: 0, reverse: false },
    },
    {
      name: "reverse, middle axis, float64",
      inputs: [{ shape: [2, 3, 2], dtype: "float64" }],
      params: { axis: 1, reverse: true },
    },
    {
      name: "long: in stages",
      inputs: [{ shape: [5003, 2], dtype: "float32", range: [0, 1] }],
      params: { axis: 0, reverse: false },
      skip: { jvp: "sums of thousands of elements leave finite differences no digits" },
    },
    {
      name: "long, reverse",
      inputs: [{ shape: [1, 4099], dtype: "float32", range: [0, 1] }],
      params: { axis: 1, reverse: true },
      skip: { jvp: "sums of thousands of elements leave finite differences no digits" },
    },
    {
      name: "zero size",
      inputs: [{ shape: [2, 0], dtype: "float32" }],
      params: { axis: 1, reverse: false },
    },
    {
      name: "overflow on the way",
      inputs: [{ shape: [4], dtype: "float32", values: [3e38, 3e38, -3e38, 1] }],
      params: { axis: 0, reverse: false },
      skip: { jvp: "it overflows" },
    },
    {
      name: "zeros of both signs",
      inputs: [{ shape: [5], dtype: "float32", values: [-0, -0, 0, 1, -0] }],
      params: { axis: 0, reverse: true },
    },
    {
      name: "int32 wraps",
      inputs: [{ shape: [3], dtype: "int32", values: [2147483647, 1, -5] }],
      params: { axis: 0, reverse: false },
    },
    {
      name: "uint32 wraps",
      inputs: [{ shape: [3], dtype: "uint32", values: [4294967295, 3, 4000000000] }],
      params: { axis: 0, reverse: true },
    },
  ],
});

/** Sums of the elements of `x` up to each one along `axis`; from the end where `reverse`. */
export function cumsum(x: NDArray, axis: number, reverse = false): NDArray {
  return bind1(cumsumP, [x], { axis, reverse });
}

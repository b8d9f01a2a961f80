/**
 * `x y + z` with one rounding. Random numbers between bounds are computed so, as XLA fuses the two on a
 * CPU: the same bits need the same rounding.
 *
 * @module
 */
import { NDArray } from "../../core/array.ts";
import { broadcastShapes, formatAval, sameShape, type ShapedArray } from "../../core/aval.ts";
import { allocate, isFloat } from "../../core/dtype.ts";
import { DTypeError, ShapeError } from "../../core/errors.ts";
import type { Value } from "../../core/lowering.ts";
import { definePrimitive, ordinary, type Primitive, type Sample } from "../../core/primitive.ts";
import { bind1 } from "../../core/trace.ts";
import * as scalar from "../../scalar/functions.ts";
import { Formula } from "../graph/formula.ts";
import { broadcastTo } from "../sum/broadcast.ts";
import { add, mul } from "./arithmetic.ts";
import { elementwise, elementwiseBatch, perOperands } from "./factory.ts";

/** 2^27 + 1, which splits a double into two halves whose products are exact (Veltkamp). */
const SPLIT = 134217729;

const loopOf = /* @__PURE__ */ perOperands(scalar.mulAdd, 3);

/**
 * In double precision: the rounding errors of product and sum are exact (Dekker, Knuth), and added
 * at last.
 */
function exactly(f: Formula, a: Value, b: Value, c: Value): Value {
  const product = f.mul(a, b), sum = f.add(product, c);
  const upper = (v: Value): Value => {
    const scaled = f.mul(v, SPLIT);
    return f.sub(scaled, f.sub(scaled, v));
  };
  const a1 = upper(a), b1 = upper(b);
  const a2 = f.sub(a, a1), b2 = f.sub(b, b1);
  let lost1 = f.add(f.sub(f.mul(a1, b1), product), f.mul(a1, b2));
  lost1 = f.add(f.add(lost1, f.mul(a2, b1)), f.mul(a2, b2));
  const part = f.sub(sum, product);
  const lost2 = f.add(f.sub(product, f.sub(sum, part)), f.sub(c, part));
  const lost = f.add(lost1, lost2);
  return f.choose(f.less(0, f.op("Abs", lost)), f.add(sum, lost), sum);
}

function checkOperand(x: ShapedArray, y: ShapedArray): void {
  if (x.dtype !== y.dtype || !isFloat(x.dtype)) {
    throw new DTypeError(
      `mul_add: ${formatAval(x)} and ${formatAval(y)} are not floats of one dtype`,
    );
  }
  if (y.shape.length > 0 && !sameShape(x.shape, y.shape)) {
    throw new ShapeError(`mul_add: ${formatAval(y)} is neither a scalar nor like ${formatAval(x)}`);
  }
}

/** `x y + z` with one rounding. Inputs: x, and y and z that are like it or scalars. */
export const mulAddP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "mul_add",
  abstractEval([x, y, z]) {
    checkOperand(x!, y!);
    checkOperand(x!, z!);
    return [x!];
  },
  impl([x, y, z]) {
    const { dtype, values } = x!;
    const out = allocate(dtype, values.length);
    const step = (v: { readonly shape: readonly number[] }): number =>
      v.shape.length === 0 && x!.shape.length > 0 ? 0 : 1;
    const loop = loopOf(dtype);
    loop(0, out.length, out, values, 0, 1, y!.values, 0, step(y!), z!.values, 0, step(z!));
    return [out];
  },
  jvp([x, y, z], [tx, ty, tz]) {
    const terms = [tx && mul(tx, y!), ty && mul(x!, ty), tz].filter((t) => t instanceof NDArray);
    const t = terms.reduce((a, b) => add(a, b));
    return [[bind1(mulAddP, [x!, y!, z!], null)], [broadcastTo(t, x!.shape)]];
  },
  transpose: "nonlinear",
  batch: (args, dims) => elementwiseBatch(args, dims, ([x, y, z]) => mulAdd(x!, y!, z!)),
  passes: ordinary,
  lower(g, [x, y, z], _, [aval]) {
    const { dtype } = aval!;
    if (g.target === "webgpu") return [g.node("Add", [g.node("Mul", [x!, y!]), z!])];
    if (dtype === "float64") return [exactly(new Formula(g, dtype), x!, y!, z!)];
    const [a, b, c] = [x!, y!, z!].map((v) => g.cast(v, dtype, "float64")) as [Value, Value, Value];
    return [g.cast(g.node("Add", [g.node("Mul", [a, b]), c]), "float64", dtype)];
  },
  heavy: elementwise,
  kernel: (b, inputs, _, __, [out]) => [
    b.map(inputs, out!, (e, [x, y, z]) => scalar.mulAdd(e, x!, y!, z!)),
  ],
  samples() {
    const kink = "what is lost in rounding is noise to finite differences";
    return (["float32", "float64"] as const).flatMap((dtype): Sample<null>[] => {
      const vector = { shape: [7], dtype };
      const scalar = { shape: [], dtype };
      const at = (values: readonly number[]) => ({ shape: [values.length], dtype, values });
      const third = dtype === "float32" ? Math.fround(1 / 3) : 1 / 3;
      return [
        { name: `${dtype} vectors`, inputs: [vector, vector, vector], params: null },
        { name: `${dtype} scalars beside`, inputs: [vector, scalar, scalar], params: null },
        { name: `${dtype} scalars`, inputs: [scalar, scalar, scalar], params: null },
        {
          name: `${dtype} matrix and scalar`,
          inputs: [{ shape: [2, 3], dtype }, scalar, { shape: [2, 3], dtype }],
          params: null,
        },
        { name: `${dtype} zero size`, inputs: [at([]), scalar, at([])], params: null },
        {
          name: `${dtype} what two roundings would lose`,
          inputs: [at([third, third, 1 + 1e-7]), at([3, third, 1 + 1e-7]), at([-1, -1 / 9, -1])],
          params: null,
          skip: { jvp: kink, transpose: kink },
        },
        {
          name: `${dtype} limits`,
          inputs: [
            at([0, -0, -0, Infinity, NaN, 1e38, -1, 1]),
            at([1, 1, 0, 0, 1, 10, Infinity, 0]),
            at([-0, -0, -0, 1, 1, 1e38, 1, -0]),
          ],
          params: null,
          skip: { jvp: kink, transpose: kink },
        },
      ];
    });
  },
});

/** `x y + z` with one rounding, elementwise, of floats; `y` and `z` broadcast. */
export function mulAdd(x: NDArray, y: NDArray, z: NDArray): NDArray {
  const shape = broadcastShapes("mul_add", x.shape, y.shape, z.shape);
  const like = (v: NDArray): NDArray => v.ndim === 0 ? v : broadcastTo(v, shape);
  return bind1(mulAddP, [broadcastTo(x, shape), like(y), like(z)], null);
}

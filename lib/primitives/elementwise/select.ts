/**
 * A choice between two arrays, element by element: select.
 *
 * @module
 */
import {
  allocate,
  bind1,
  broadcastShapes,
  definePrimitive,
  type DType,
  DTypeError,
  type HostValue,
  Linear,
  type NDArray,
  ordinary,
  type Primitive,
  sameShape,
  shaped,
  sizeOf,
  stridesOf,
  type TypedArray,
} from "../../core/mod.ts";
import type { Expr, Exprs, Loop } from "../../scalar/expr.ts";
import { elementwiseLoop } from "../../scalar/javascript.ts";
import { scalarLike } from "../constants/constants.ts";
import { broadcastStrides, copyStrided } from "../loops/loops.ts";
import { broadcastTo, unbroadcast } from "../sum/broadcast.ts";
import { elementwise, elementwiseBatch, lowerElementwise } from "./factory.ts";

/** What it computes of an element. */
export function selectExpr(e: Exprs, c: Expr, x: Expr, y: Expr): Expr {
  return e.select(c, x, y);
}

const loopOf = new Map<DType, Loop>();

/** Writes elements of `a` where `c` is not 0, else of `b`; one of length 1 serves all elements. */
function selectInto(
  dtype: DType,
  out: TypedArray,
  c: TypedArray,
  a: TypedArray,
  b: TypedArray,
): void {
  let loop = loopOf.get(dtype);
  if (loop === undefined) {
    loopOf.set(dtype, loop = elementwiseLoop(selectExpr, ["bool", dtype, dtype]));
  }
  const step = (x: TypedArray): number => x.length === 1 ? 0 : 1;
  loop(0, out.length, out, c, 0, step(c), a, 0, step(a), b, 0, step(b));
}

const selectP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "select",
  abstractEval(inputs) {
    const [c, x, y] = inputs;
    if (c!.dtype !== "bool") {
      throw new DTypeError(
        `select: the condition has dtype ${c!.dtype}, not bool: compare it with 0 first`,
      );
    }
    if (x!.dtype !== y!.dtype) {
      throw new DTypeError(
        `select: dtypes ${x!.dtype} and ${y!.dtype} differ: convert one with astype`,
      );
    }
    if (sameShape(x!.shape, y!.shape) && sameShape(c!.shape, x!.shape)) return [x!];
    return [shaped(broadcastShapes("select", c!.shape, x!.shape, y!.shape), x!.dtype)];
  },
  impl(inputs, _, [out]) {
    const { shape, dtype } = out!;
    const z = allocate(dtype, sizeOf(shape));
    const [c, x, y] = inputs.map((v) => spread(v, shape)) as [TypedArray, TypedArray, TypedArray];
    selectInto(dtype, z, c, x, y);
    return [z];
  },
  jvp([c, x, y], [, tx, ty]) {
    const z = select(c!, x!, y!);
    const zero = scalarLike(0, z);
    return [[z], [broadcastTo(select(c!, tx ?? zero, ty ?? zero), z.shape)]];
  },
  transpose([ct], [c, x, y]) {
    if (!ct) return [null, null, null];
    const condition = c as NDArray;
    const zero = scalarLike(0, ct);
    const dx = x instanceof Linear ? unbroadcast(select(condition, ct, zero), x.aval.shape) : null;
    const dy = y instanceof Linear ? unbroadcast(select(condition, zero, ct), y.aval.shape) : null;
    return [null, dx, dy];
  },
  batch: (args, dims) => elementwiseBatch(args, dims, ([c, x, y]) => select(c!, x!, y!)),
  passes: ordinary,
  lower: (g, inputs, _, avals, [out]) => [
    lowerElementwise(g, inputs, avals, out!, ([c, x, y]) => g.where(c!, x!, y!, out!.dtype)),
  ],
  heavy: elementwise,
  kernel: (b, inputs, _, __, [out]) => [
    b.map(inputs, out!, (e, [c, x, y]) => selectExpr(e, c!, x!, y!), selectExpr),
  ],
  samples: () => {
    const c = { shape: [4], dtype: "bool" as const, values: [1, 0, 0, 1] };
    return [
      {
        name: "vectors",
        inputs: [c, { shape: [4], dtype: "float32" }, { shape: [4], dtype: "float32" }],
        params: null,
      },
      {
        name: "zeros of either sign in both branches",
        inputs: [
          c,
          { shape: [4], dtype: "float32", values: [-0, -0, 0, 0] },
          { shape: [4], dtype: "float32", values: [0, -0, 0, -0] },
        ],
        params: null,
      },
      {
        name: "a scalar -0, float64",
        inputs: [
          { shape: [], dtype: "bool", values: [1] },
          { shape: [], dtype: "float64", values: [-0] },
          { shape: [3], dtype: "float64" },
        ],
        params: null,
      },
      {
        name: "scalar condition, float64",
        inputs: [
          { shape: [], dtype: "bool", values: [0] },
          { shape: [2, 3], dtype: "float64" },
          { shape: [3], dtype: "float64" },
        ],
        params: null,
      },
      {
        name: "scalar operand",
        inputs: [c, { shape: [], dtype: "float32" }, { shape: [3, 4], dtype: "float32" }],
        params: null,
      },
      {
        name: "long columns",
        inputs: [
          { shape: [300, 1], dtype: "bool" },
          { shape: [1], dtype: "float32" },
          { shape: [2, 300, 1], dtype: "float32" },
        ],
        params: null,
      },
      {
        name: "NaN in the branch not taken",
        inputs: [c, { shape: [4], dtype: "float32", values: [1, NaN, NaN, 2] }, {
          shape: [],
          dtype: "float32",
          values: [3],
        }],
        params: null,
        skip: { jvp: "NaN", transpose: "NaN" },
      },
      {
        name: "zero size",
        inputs: [
          { shape: [0], dtype: "bool" },
          { shape: [1], dtype: "float32" },
          { shape: [0], dtype: "float32" },
        ],
        params: null,
      },
      {
        name: "int32",
        inputs: [c, { shape: [4], dtype: "int32" }, { shape: [], dtype: "int32" }],
        params: null,
      },
      {
        name: "uint32",
        inputs: [c, { shape: [4], dtype: "uint32", values: [1, 2, 3, 4294967295] }, {
          shape: [],
          dtype: "uint32",
          values: [4000000000],
        }],
        params: null,
      },
      {
        name: "bool",
        inputs: [c, { shape: [], dtype: "bool", values: [1] }, {
          shape: [4],
          dtype: "bool",
          values: [0, 0, 1, 1],
        }],
        params: null,
      },
    ];
  },
});

/** An operand's elements as `selectInto` reads them: one for all, or one for each of the result. */
function spread(x: HostValue, shape: readonly number[]): TypedArray {
  const n = sizeOf(shape);
  if (x.values.length === n || x.values.length === 1) return x.values;
  const out = allocate(x.dtype, n);
  copyStrided(x.values, 0, broadcastStrides(x.shape, shape), out, 0, stridesOf(shape), shape);
  return out;
}

/**
 * `x` where `condition` is true, else `y`; all three broadcast. The branch not taken has no
 * influence, on derivatives neither, but for what its own derivative makes of a zero.
 *
 * @throws {DTypeError} where the condition is not bool or the branches' dtypes differ.
 */
export function select(condition: NDArray, x: NDArray, y: NDArray): NDArray {
  return bind1(selectP, [condition, x, y], null);
}

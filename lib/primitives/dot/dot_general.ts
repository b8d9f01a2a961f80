/**
 * dot_general: sums of products over any axes of two arrays, with any axes in common. Every matrix
 * product and einsum is one.
 *
 * Owns the rules. The loops are in `loops.ts`, the choice of ONNX operators is in `graph.ts`.
 *
 * @module
 */
import {
  allocate,
  AxisError,
  bind1,
  checkDType,
  checkSameDType,
  definePrimitive,
  formatAval,
  formatShape,
  type HostValue,
  Linear,
  type NDArray,
  numeric,
  ordinary,
  type Primitive,
  shaped,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stridesOf,
  type Tangent,
  type TypedArray,
} from "../../core/mod.ts";
import { inversePermutation, otherAxes, shiftAxes } from "../axes.ts";
import { add } from "../elementwise/arithmetic.ts";
import { ofBoolsToo } from "../elementwise/convert.ts";
import { emptyOutput, filled } from "../graph/nodes.ts";
import { copyStrided } from "../loops/loops.ts";
import { transpose } from "../shape/shape.ts";
import { inOrder, lengths, lowerDot, type Roles } from "./graph.ts";
import { multiplyMatrices } from "./loops.ts";

/** Axes of the first operand, and the axes of the second one that they are paired with. */
export type AxisPairs = readonly [x: readonly number[], y: readonly number[]];

/** Parameters of dot_general, as `dimension_numbers` of `lax.dot_general`. */
export interface DotParams {
  /** Axes summed over. */
  readonly contract: AxisPairs;
  /** Axes in common, which the result has once, in front. */
  readonly batch: AxisPairs;
}

function rolesOf(aval: ShapedArray, { contract, batch }: DotParams, side: 0 | 1): Roles {
  return {
    shape: aval.shape,
    batch: batch[side],
    free: otherAxes(aval.shape.length, batch[side], contract[side]),
    contract: contract[side],
  };
}

function checkPairs(what: string, x: ShapedArray, y: ShapedArray, pairs: AxisPairs): void {
  const [xs, ys] = pairs;
  if (xs.length !== ys.length) {
    throw new AxisError(
      `dot_general: ${what} axes ${formatShape(xs)} of x and ${
        formatShape(ys)
      } of y do not pair up: give as many for each`,
    );
  }
  xs.forEach((a, i) => {
    const b = ys[i]!;
    if (x.shape[a] === undefined || y.shape[b] === undefined) {
      throw new AxisError(
        `dot_general: ${what} axes ${a} of x and ${b} of y are out of range: x is ${
          formatAval(x)
        } and y is ${formatAval(y)}`,
      );
    }
    if (x.shape[a] !== y.shape[b]) {
      throw new ShapeError(
        `dot_general: ${what} axes ${a} of x and ${b} of y have lengths ${x.shape[a]} and ${
          y.shape[b]
        }: x is ${formatAval(x)} and y is ${formatAval(y)}`,
      );
    }
  });
}

/** The operand with batch axes in front, then the axes of `second`, then those of `third`. */
function arranged(
  x: HostValue,
  batch: readonly number[],
  second: readonly number[],
  third: readonly number[],
): TypedArray {
  const perm = [...batch, ...second, ...third];
  if (inOrder(x.shape, perm)) return x.values;
  const out = allocate(x.dtype, x.values.length);
  const strides = stridesOf(x.shape);
  const shape = lengths(x.shape, perm);
  copyStrided(x.values, 0, lengths(strides, perm), out, 0, stridesOf(shape), shape);
  return out;
}

/** The product of operands with a further first axis, which is summed over. */
function overFirstAxis({ contract, batch }: DotParams): DotParams {
  const shift = (axes: readonly number[]): number[] => axes.map((a) => a + 1);
  return {
    contract: [[0, ...shift(contract[0])], [0, ...shift(contract[1])]],
    batch: [shift(batch[0]), shift(batch[1])],
  };
}

/** Sums of products. Inputs: two arrays. */
export const dotGeneralP: Primitive<DotParams> = /* @__PURE__ */ definePrimitive<DotParams>({
  name: "dot_general",
  abstractEval([x, y], params) {
    checkDType("dot_general", "x", x!, numeric);
    checkSameDType("dot_general", x!, y!, "x and y");
    checkPairs("contracted", x!, y!, params.contract);
    checkPairs("batch", x!, y!, params.batch);
    for (const side of [0, 1] as const) {
      const used = [...params.contract[side], ...params.batch[side]];
      if (used.some((a, i) => used.indexOf(a) !== i)) {
        throw new AxisError(
          `dot_general: an axis of ${side === 0 ? "x" : "y"} is used twice: contracted ${
            formatShape(params.contract[side])
          }, batch ${formatShape(params.batch[side])}`,
        );
      }
    }
    const a = rolesOf(x!, params, 0);
    const b = rolesOf(y!, params, 1);
    const shape = [
      ...lengths(a.shape, a.batch),
      ...lengths(a.shape, a.free),
      ...lengths(b.shape, b.free),
    ];
    return [shaped(shape, x!.dtype)];
  },
  impl([x, y], params, [out]) {
    const a = rolesOf(x!, params, 0);
    const b = rolesOf(y!, params, 1);
    const values = allocate(out!.dtype, sizeOf(out!.shape));
    if (values.length === 0) return [values];
    multiplyMatrices(
      out!.dtype,
      values,
      arranged(x!, a.batch, a.free, a.contract),
      arranged(y!, b.batch, b.contract, b.free),
      sizeOf(lengths(a.shape, a.batch)),
      sizeOf(lengths(a.shape, a.free)),
      sizeOf(lengths(a.shape, a.contract)),
      sizeOf(lengths(b.shape, b.free)),
    );
    return [values];
  },
  jvp([x, y], [dx, dy], params) {
    const dot = (a: NDArray, b: NDArray): NDArray => bind1(dotGeneralP, [a, b], params);
    const left: Tangent = dx === null || dx === undefined ? null : dot(dx, y!);
    const right: Tangent = dy === null || dy === undefined ? null : dot(x!, dy);
    return [[dot(x!, y!)], [left === null ? right : right === null ? left : add(left, right)]];
  },
  transpose([ct], [x, y], params) {
    if (ct === null || ct === undefined) return [null, null];
    const a = rolesOf(x!.aval, params, 0);
    const b = rolesOf(y!.aval, params, 1);
    const batch = a.batch.map((_, i) => i);
    const ctX = a.free.map((_, i) => batch.length + i);
    const ctY = b.free.map((_, i) => batch.length + ctX.length + i);
    if (x instanceof Linear) {
      // Sum over what only y has; then the axes are: batch, x's free ones, x's contracted ones in
      // the order that y has them.
      const product = dotGeneral(ct, y as NDArray, {
        contract: [ctY, b.free],
        batch: [batch, b.batch],
      });
      const order = sortedBy(a.contract, b.contract);
      return [transpose(product, inversePermutation([...a.batch, ...a.free, ...order])), null];
    }
    const product = dotGeneral(x!, ct, { contract: [a.free, ctX], batch: [a.batch, batch] });
    const order = sortedBy(b.contract, a.contract);
    return [null, transpose(product, inversePermutation([...b.batch, ...order, ...b.free]))];
  },
  batch([x, y], [dx, dy], _, { contract, batch }) {
    const at = (axes: readonly number[], dim: number | null | undefined): readonly number[] =>
      dim === null || dim === undefined ? axes : shiftAxes(axes, dim);
    const pairs: AxisPairs = [at(batch[0], dx), at(batch[1], dy)];
    const shifted: DotParams = {
      contract: [at(contract[0], dx), at(contract[1], dy)],
      batch: pairs,
    };
    if (dx !== null && dx !== undefined && dy !== null && dy !== undefined) {
      const out = dotGeneral(x!, y!, {
        ...shifted,
        batch: [[dx, ...pairs[0]], [dy, ...pairs[1]]],
      });
      return [[out], [0]];
    }
    // Mapped on one side only: the batch axis is one more free axis of that operand.
    const out = dotGeneral(x!, y!, shifted);
    const xFree = rolesOf(x!, shifted, 0).free;
    if (dx !== null && dx !== undefined) return [[out], [batch[0].length + xFree.indexOf(dx)]];
    const yFree = rolesOf(y!, shifted, 1).free;
    return [[out], [batch[0].length + xFree.length + yFree.indexOf(dy!)]];
  },
  passes: { ...ordinary, algebra: { kind: "product", summed: overFirstAxis } },
  lower(g, [x, y], params, [xAval, yAval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const { dtype, shape } = out!;
    if (sizeOf(xAval!.shape) === 0) return [filled(g, g.scalar(0, dtype), shape)];
    const a = rolesOf(xAval!, params, 0);
    const b = rolesOf(yAval!, params, 1);
    return [lowerDot(g, x!, y!, a, b, dtype, shape)];
  },
  kernel: (b, [x, y], params) => [b.dot(x!, y!, params)],
  heavy: {
    work: ([x], { contract: [axes] }, [out]) =>
      sizeOf(out!.shape) * sizeOf(lengths(x!.shape, axes)),
    sameBits: false,
  },
  samples: () => {
    const none: AxisPairs = [[], []];
    const f64 = (...shape: number[]) => ({ shape, dtype: "float64" as const });
    return [
      {
        name: "matrices",
        inputs: [{ shape: [3, 4], dtype: "float32" }, { shape: [4, 2], dtype: "float32" }],
        params: { contract: [[1], [0]], batch: none },
      },
      {
        name: "both factors transposed, float64",
        inputs: [f64(4, 3), f64(2, 4)],
        params: { contract: [[0], [1]], batch: none },
      },
      {
        name: "matrix and vector",
        inputs: [{ shape: [3, 4], dtype: "float32" }, { shape: [4], dtype: "float32" }],
        params: { contract: [[1], [0]], batch: none },
      },
      {
        name: "vector and transposed matrix",
        inputs: [{ shape: [4], dtype: "float32" }, { shape: [3, 4], dtype: "float32" }],
        params: { contract: [[0], [1]], batch: none },
      },
      {
        name: "vectors",
        inputs: [{ shape: [5], dtype: "float32" }, { shape: [5], dtype: "float32" }],
        params: { contract: [[0], [0]], batch: none },
      },
      {
        name: "batch axes in odd places, float64",
        inputs: [f64(2, 3, 4), f64(4, 5, 2)],
        params: { contract: [[2], [0]], batch: [[0], [2]] },
      },
      {
        name: "two contracted axes in another order, float64",
        inputs: [f64(2, 3, 4), f64(4, 3, 5)],
        params: { contract: [[1, 2], [1, 0]], batch: none },
      },
      {
        name: "batch axes only, float64",
        inputs: [f64(2, 3), f64(3, 2)],
        params: { contract: none, batch: [[0, 1], [1, 0]] },
      },
      {
        name: "outer product",
        inputs: [{ shape: [3], dtype: "float32" }, { shape: [2], dtype: "float32" }],
        params: { contract: none, batch: none },
      },
      {
        name: "batched outer product, float64",
        inputs: [f64(2, 3), f64(2, 2, 2)],
        params: { contract: none, batch: [[0], [0]] },
      },
      {
        name: "lane by lane, float64",
        inputs: [f64(3, 2), f64(2, 3)],
        params: { contract: [[0], [1]], batch: [[1], [0]] },
      },
      {
        name: "scalars",
        inputs: [{ shape: [], dtype: "float32" }, { shape: [], dtype: "float32" }],
        params: { contract: none, batch: none },
      },
      {
        name: "sum of nothing",
        inputs: [{ shape: [2, 0], dtype: "float32" }, { shape: [0, 3], dtype: "float32" }],
        params: { contract: [[1], [0]], batch: none },
      },
      {
        name: "large enough for tiles",
        inputs: [{ shape: [21, 30], dtype: "float32" }, { shape: [30, 22], dtype: "float32" }],
        params: { contract: [[1], [0]], batch: none },
      },
      {
        name: "long vectors",
        inputs: [
          { shape: [5003], dtype: "float32", range: [0, 1] },
          { shape: [5003], dtype: "float32", range: [0, 1] },
        ],
        params: { contract: [[0], [0]], batch: none },
        skip: { jvp: "the sum of 5003 products leaves finite differences no digits" },
      },
      ...[[3, 1], [3, 3], [32, 32]].map(([depth, columns]) => ({
        name: `overflow on the way, ${depth} products in ${columns} columns`,
        inputs: [
          {
            shape: [32, depth!],
            dtype: "float32" as const,
            values: Array.from({ length: 32 * depth! }, (_, i) => {
              const k = i % depth!;
              return k === 0 || k === 1 ? 3e38 : k === 2 ? -3e38 : 1;
            }),
          },
          { shape: [depth!, columns!], dtype: "float32" as const, range: [1, 1] as const },
        ],
        params: { contract: [[1], [0]] as AxisPairs, batch: none },
        skip: { jvp: "it overflows", transpose: "it overflows" },
      })),
      {
        name: "int32 wraps",
        inputs: [
          { shape: [2, 2], dtype: "int32", values: [65536, 2, -3, 4] },
          { shape: [2, 2], dtype: "int32", values: [65537, 5, 6, 7] },
        ],
        params: { contract: [[1], [1]], batch: none },
      },
      {
        name: "uint32 wraps",
        inputs: [
          { shape: [2], dtype: "uint32", values: [4294967295, 3] },
          { shape: [2, 2], dtype: "uint32", values: [2, 5, 6, 4000000000] },
        ],
        params: { contract: [[0], [0]], batch: none },
      },
    ];
  },
});

/** Elements of `list` in ascending order of their partners in `keys`. */
function sortedBy(list: readonly number[], keys: readonly number[]): number[] {
  return list.map((_, i) => i).sort((i, j) => keys[i]! - keys[j]!).map((i) => list[i]!);
}

/**
 * Sums of products of `x` and `y` over pairs of contracted axes, for each index of the batch axes, as
 * `lax.dot_general`. The result has the batch axes, then the other axes of `x`, then those of `y`.
 * Floats are added up in double precision, integers wrap; of bools, whether any product is true.
 *
 * @throws {ShapeError} where paired axes differ in length.
 */
export function dotGeneral(x: NDArray, y: NDArray, params: DotParams): NDArray {
  return ofBoolsToo((a, b) => bind1(dotGeneralP, [a, b], params), x, y);
}

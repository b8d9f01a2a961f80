/**
 * Square roots of matrices by Schur forms. Derivatives are solutions of `X dX + dX X = dA`.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { sizeOf } from "../core/aval.ts";
import { allocate } from "../core/dtype.ts";
import {
  definePrimitive,
  type Primitive,
  type SampleInput,
  stationary,
} from "../core/primitive.ts";
import { bind } from "../core/trace.ts";
import { scalarLike } from "../primitives/constants/full.ts";
import { add, sub } from "../primitives/elementwise/arithmetic.ts";
import { and, eq, gt, ne, or } from "../primitives/elementwise/compare.ts";
import { select } from "../primitives/elementwise/select.ts";
import { reduceAnd } from "../primitives/reduce/logical.ts";
import { expandDims, reshape } from "../primitives/shape/reshape.ts";
import {
  adjoint,
  both,
  complexMatmul,
  complexSqrt,
  difference,
  type Pair,
  pairs,
  parts,
  quotient,
  realPair,
  sum,
  tangentOf,
} from "./complex_pairs.ts";
import { columnNumbers, diagonalOf, identity, rowNumbers, upperPart } from "./matrices.ts";
import { compileAsProgram, lowerAsProgram, steps } from "./programs.ts";
import {
  checkSquares,
  constantForm,
  lanesInFront,
  sylvester,
  triangularSylvester,
} from "./sylvester.ts";
import { rootRoutine } from "./sylvester_routine.ts";

/** Elements of the root along a diagonal in each step. */
function rootProgram(inputs: readonly NDArray[]): NDArray[] {
  const { shape } = inputs[0]!;
  const n = shape.at(-1)!;
  const systems = sizeOf(shape.slice(0, -2));
  const t = both((x) => reshape(x, [systems, n, n]), { re: inputs[0]!, im: inputs[1]! });
  const unit = identity(n, t.re.dtype);
  const main = complexSqrt(both(diagonalOf, t));
  const zero = scalarLike(0, t.re);
  const isMain = ne(unit, zero);
  const start = both((x) => select(isMain, expandDims(x, [2]), zero), main);
  const divisor = sum(
    both((x) => expandDims(x, [2]), main),
    both((x) => expandDims(x, [1]), main),
  );
  const number = sub(columnNumbers(n), rowNumbers(n));
  const { carry } = steps(Math.max(0, n - 1), parts(start), (i, known) => {
    const [r] = pairs(known) as [Pair];
    const rest = difference(t, complexMatmul(r, r));
    const isNone = and(eq(rest.re, zero), eq(rest.im, zero));
    const next = quotient(rest, divisor);
    const isNext = eq(number, add(i, scalarLike(1, i)));
    const chosen = (x: NDArray, y: NDArray): NDArray => select(isNext, select(isNone, zero, x), y);
    return { carry: [chosen(next.re, r.re), chosen(next.im, r.im)] };
  });
  return carry.map((x) => reshape(x, shape));
}

/** Upper triangular principal roots of upper triangular matrices, both given by their parts. */
export const triangularRootP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "triangular_root",
  abstractEval(inputs) {
    checkSquares("triangular_root", inputs);
    return [...inputs];
  },
  impl(inputs, _, avals) {
    const outs = avals.map(({ shape, dtype }) => allocate(dtype, sizeOf(shape)));
    const { shape, dtype } = avals[0]!;
    const arrays = [...inputs.map((x) => x.values), ...outs];
    rootRoutine.runLong(dtype, arrays, sizeOf(shape.slice(0, -2)), shape.at(-1)!);
    return outs;
  },
  jvp(inputs, tangents) {
    // R R = T, so R dR + dR R = dT.
    const r = pairs(bind(triangularRootP, [...inputs], null))[0]!;
    const dt = tangentOf(pairs(inputs)[0]!, tangents);
    if (dt === null) return [parts(r), [null, null]];
    const side = both((x) => upperPart(x), dt);
    return [parts(r), parts(triangularSylvester(r, r, side, { adjoint: false }))];
  },
  transpose: "nonlinear",
  batch: (inputs, dims, size, params) => lanesInFront(triangularRootP, inputs, dims, size, params),
  passes: stationary,
  lower: /* @__PURE__ */ lowerAsProgram(rootProgram),
  kernel(b, inputs, _, [aval], outs) {
    const { shape, dtype } = aval!;
    const scalars = [sizeOf(shape.slice(0, -2)), shape.at(-1)!];
    return b.call(rootRoutine, dtype, inputs, outs, scalars);
  },
  samples() {
    const input = (
      shape: readonly number[],
      values: readonly number[],
      dtype: "float32" | "float64",
    ): SampleInput => ({ shape, values, dtype });
    const t = [2, 1, -1, 0, -1, 0.5, 0, 0, 3];
    const im = [1, 0.5, 2, 0, -1, 1, 0, 0, 0];
    const singular = "it has no derivative where an eigenvalue is 0";
    return [
      {
        name: "three rows",
        inputs: [input([3, 3], t, "float64"), input([3, 3], im, "float64")],
        params: null,
      },
      {
        name: "several",
        inputs: [
          input([2, 2, 2], [1, 2, 0, 3, 4, 1, 0, 2], "float32"),
          input([2, 2, 2], [1, -1, 0, 2, 0, 0.5, 0, 0], "float32"),
        ],
        params: null,
      },
      {
        name: "0 on the diagonal",
        inputs: [
          input([2, 2], [0, 2, 0, 4], "float32"),
          input([2, 2], [0, 0, 0, 0], "float32"),
        ],
        params: null,
        skip: { jvp: singular, slope: singular, transpose: singular },
      },
      {
        name: "no rows",
        inputs: [{ shape: [0, 0], dtype: "float32" }, { shape: [0, 0], dtype: "float32" }],
        params: null,
      },
    ];
  },
});

/** Where all roots of eigenvalues are those of numbers that are not below 0, so that the root is real. */
function isRealRoot(r: Pair): NDArray {
  const { re, im } = both(diagonalOf, r);
  const zero = scalarLike(0, re);
  const holds = or(gt(re, zero), and(eq(re, zero), eq(im, zero)));
  return expandDims(reduceAnd(holds, [re.ndim - 1]), [re.ndim - 1, re.ndim]);
}

function rootByForms(inputs: readonly NDArray[]): NDArray[] {
  const [r, q] = pairs(inputs.slice(1)) as [Pair, Pair];
  const x = complexMatmul(complexMatmul(q, r), adjoint(q));
  return [x.re, select(isRealRoot(r), scalarLike(0, x.im), x.im)];
}

/**
 * Principal roots of real matrices. Inputs: the matrix, and parts of R and Q of its root `Q R Q^H`. It is a
 * function of the matrix alone.
 */
export const matrixRootP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "matrix_root",
  abstractEval(inputs) {
    checkSquares("matrix_root", inputs);
    return inputs.slice(1, 3);
  },
  impl: { evaluate: rootByForms },
  jvp(inputs, [da]) {
    // X X = A, so X dX + dX X = dA.
    const x = pairs(bind(matrixRootP, [...inputs], null))[0]!;
    if (!da) return [parts(x), [null, null]];
    const [t, q] = pairs(inputs.slice(1)) as [Pair, Pair];
    const dx = sylvester(x, x, { t, q }, { t, q }, realPair(da));
    return [parts(x), [dx.re, select(isRealRoot(t), scalarLike(0, dx.im), dx.im)]];
  },
  transpose: "nonlinear",
  batch: (inputs, dims, size, params) => lanesInFront(matrixRootP, inputs, dims, size, params),
  passes: stationary,
  lower: /* @__PURE__ */ lowerAsProgram(rootByForms),
  kernel: /* @__PURE__ */ compileAsProgram(rootByForms),
  samples() {
    const own = "its inputs must agree with each other; the laws test sqrtm";
    const f64 = (values: readonly number[]): SampleInput => ({
      shape: [2, 2],
      dtype: "float64",
      values,
    });
    const [zero, unit] = [f64([0, 0, 0, 0]), f64([1, 0, 0, 1])];
    return [{
      name: "by its form",
      inputs: [f64([4, 5, 0, 9]), f64([2, 1, 0, 3]), zero, unit, zero],
      params: null,
      skip: { jvp: own, slope: own, transpose: own },
    }];
  },
});

/** Principal square roots of real matrices `[..., n, n]`. */
export function matrixRoot(a: NDArray): Pair {
  const { t, q } = constantForm(a);
  const r = pairs(bind(triangularRootP, parts(t), null))[0]!;
  return pairs(bind(matrixRootP, [a, ...parts(r), ...parts(q)], null))[0]!;
}

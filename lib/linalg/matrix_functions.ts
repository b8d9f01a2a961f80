/**
 * Square roots of matrices by Schur forms. Derivatives are solutions of `X dX + dX X = dA`.
 *
 * The exponential of a matrix, by scaling and squaring.
 *
 * @module
 */
import {
  allocate,
  bind,
  definePrimitive,
  type NDArray,
  type Primitive,
  type SampleInput,
  sizeOf,
  stationary,
} from "../core/mod.ts";
import {
  abs,
  add,
  and,
  ceil,
  convert,
  div,
  eq,
  expandDims,
  gt,
  le,
  log,
  lt,
  maximum,
  mul,
  ne,
  or,
  pow,
  reduceAnd,
  reduceMax,
  reduceSum,
  reshape,
  scalarLike,
  select,
  stopGradient,
  sub,
} from "../primitives/mod.ts";
import { compileAsProgram, lowerAsProgram, steps } from "./decomposition.ts";
import {
  adjoint,
  both,
  columnNumbers,
  complexMatmul,
  complexSqrt,
  diagonalOf,
  difference,
  identity,
  identityLike,
  matmul,
  type Pair,
  pairs,
  parts,
  quotient,
  realPair,
  rowNumbers,
  sum,
  tangentOf,
  upperPart,
} from "./matrices.ts";
import { solve } from "./solve.ts";
import {
  checkSquares,
  constantForm,
  lanesInFront,
  rootRoutine,
  sylvester,
  triangularSylvester,
} from "./sylvester.ts";

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

/** A diagonal Padé approximant of exp: its coefficients, and the norm up to which it is exact. */
interface Pade {
  readonly coefficients: readonly number[];
  readonly reach: number;
}

/** Coefficients `(2q - k)! / (k! (q - k)!)` of the numerator, up to a common factor. */
function pade(degree: number, reach: number): Pade {
  const coefficients = [1];
  for (let k = degree; k > 0; k--) {
    coefficients.unshift(coefficients[0]! * k * (2 * degree - k + 1) / (degree - k + 1));
  }
  return { coefficients, reach };
}

/** Norms by Higham, "The scaling and squaring method for the matrix exponential revisited" (2005). */
const approximants = {
  float32: /* @__PURE__ */ pade(7, 3.925724783138660),
  float64: /* @__PURE__ */ pade(13, 5.371920351148152),
} as const;

/** Exponentials of matrices `[..., n, n]`; NaN where that takes more than `most` squarings. */
export function exponential(a: NDArray, most: number): NDArray {
  const n = a.shape.at(-1)!;
  if (a.size === 0) return a;
  const { coefficients, reach } = approximants[a.dtype as "float32" | "float64"];
  const norm = reduceMax(reduceSum(abs(stopGradient(a)), [a.ndim - 2]), [a.ndim - 2]);
  const times = div(log(div(norm, scalarLike(reach, norm))), scalarLike(Math.LN2, norm));
  const squarings = ceil(maximum(times, scalarLike(0, times)));
  const ofEach = (x: NDArray): NDArray => expandDims(x, [x.ndim, x.ndim + 1]);
  const scaled = div(a, ofEach(pow(scalarLike(2, squarings), squarings)));
  // Odd powers are `x` times even ones: the denominator is the numerator of -x.
  const square = matmul(scaled, scaled);
  const terms = (first: 0 | 1): NDArray => {
    const own = coefficients.filter((_, k) => k % 2 === first);
    const unit = identityLike(a);
    const of = (c: number): NDArray => mul(unit, scalarLike(c / coefficients[0]!, unit));
    return own.reduceRight<NDArray | null>(
      (sum, c) => sum === null ? of(c) : add(matmul(square, sum), of(c)),
      null,
    )!;
  };
  const [even, odd] = [terms(0), matmul(scaled, terms(1))];
  const start = solve(sub(even, odd), add(even, odd));
  const count = ofEach(squarings);
  const { carry: [result] } = steps(most, [start], (i, [x]) => {
    const goesOn = lt(convert(i, count.dtype), count);
    // What is not squared must not overflow, for the sake of its derivative.
    const own = select(goesOn, x!, scalarLike(0, x!));
    return { carry: [select(goesOn, matmul(own, own), x!)] };
  });
  const enough = le(count, scalarLike(most, count));
  return n === 0 ? a : select(enough, result!, scalarLike(NaN, a));
}

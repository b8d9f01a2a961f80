/**
 * Determinants: det, slogdet, and cofactors, which are the derivatives of a determinant.
 *
 * Determinants are products of the pivots of `lu.ts`. How cofactors are
 * computed, on the CPU and in the graph, is in `cofactors.ts`.
 *
 * @module
 */
import {
  allocate,
  bind,
  bind1,
  checkDType,
  checkSameDType,
  definePrimitive,
  floating,
  formatShape,
  type HostValue,
  Linear,
  type NDArray,
  type Primitive,
  sameShape,
  type Sample,
  type SampleInput,
  shaped,
  type ShapedArray,
  ShapeError,
  sizeOf,
  stationary,
  type Tangent,
} from "../core/mod.ts";
import {
  abs,
  add,
  batchAxisInFront,
  broadcastTo,
  emptyOutput,
  eq,
  expandDims,
  iota,
  log,
  moveAxis,
  mul,
  neg,
  reduceProd,
  reduceSum,
  scalarLike,
  select,
  sign as signOf,
  sub,
  zeros,
} from "../primitives/mod.ts";
import { cofactorRoutines, lowerCofactors, type Matrices } from "./cofactors.ts";
import { lu, type Pivots, pivotsOf } from "./lu.ts";
import { diagonalOf, identityLike, matmul, transposed } from "./matrices.ts";
import { compileAsProgram, lowerAsProgram } from "./decomposition.ts";
import { solve } from "./solve.ts";

function checkSquare(op: string, a: ShapedArray): void {
  checkDType(op, "the matrix", a, floating);
  const n = a.shape.at(-1);
  if (a.shape.length < 2 || n !== a.shape.at(-2) || n === 0) {
    throw new ShapeError(
      `${op}: the matrix must be square, of shape [..., n, n] with n above 0, but its shape is ${
        formatShape(a.shape)
      }`,
    );
  }
}

function matricesIn({ shape, dtype }: ShapedArray): Matrices {
  return { systems: sizeOf(shape.slice(0, -2)), n: shape.at(-1)!, dtype };
}

/** The elements of one matrix. */
function matrix(x: HostValue, i: number, n: number): Float64Array {
  return Float64Array.from(x.values.subarray(i * n * n, (i + 1) * n * n));
}

/** Sums of products of elements, over the last two axes. */
function inner(x: NDArray, y: NDArray): NDArray {
  return reduceSum(mul(x, y), [x.ndim - 2, x.ndim - 1]);
}

// ---------------------------------------------------------------- samples

const SINGULAR = [1, 2, -1, 0.5, 2, 4, -2, 1, 0, 1, 3, -1, 1, 0, 1, 2];

/** Matrices that the rules are tried on: with and without an inverse, one and several. */
function matrixSamples(skip?: Sample<null>["skip"]): Sample<null>[] {
  const of = (name: string, input: SampleInput, own?: Sample<null>["skip"]): Sample<null> =>
    own === undefined
      ? { name, inputs: [input], params: null }
      : { name, inputs: [input], params: null, skip: own };
  return [
    of("needs pivoting", { shape: [3, 3], dtype: "float32", values: [0, 2, 1, 1, 0, 0, 3, 0, 1] }),
    of("several matrices, float64", {
      shape: [2, 3, 3],
      dtype: "float64",
      values: [4, 1, -1, 0, 3, 1, 1, -2, 5, -1, 3, 0, 2, 0.5, 1, 0, 1, -4],
    }),
    of("five rows", { shape: [5, 5], dtype: "float64" }),
    of("rank n - 1", { shape: [4, 4], dtype: "float64", values: SINGULAR }, skip),
    of("rank n - 2", {
      shape: [3, 3],
      dtype: "float32",
      values: [1, 2, 3, -2, -4, -6, 0.5, 1, 1.5],
    }, skip),
    of("nothing but 0", { shape: [2, 2], dtype: "float32", values: [0, 0, 0, 0] }, skip),
    of("one row", { shape: [1, 1], dtype: "float32", values: [-4] }),
    of("no matrices", { shape: [0, 2, 2], dtype: "float32" }),
  ];
}

// ---------------------------------------------------------------- det, slogdet

/** What det and slogdet state. */
interface PivotRules {
  readonly name: string;
  readonly results: number;
  /** The results of one matrix. */
  readonly values: (pivots: Pivots) => readonly number[];
  /** Their tangents. */
  readonly tangents: (a: NDArray, da: NDArray) => readonly Tangent[];
  /** The results of all matrices, from pivots `[..., n]` and signs `[...]`. */
  readonly program: (pivots: NDArray, sign: NDArray) => readonly NDArray[];
  readonly samples: () => readonly Sample<null>[];
}

/** Defines an operation whose results are numbers for each matrix, made from its pivots. */
function ofPivots(r: PivotRules): Primitive<null> {
  const program = ([a]: readonly NDArray[]): readonly NDArray[] => {
    const { lu: factors, pivots: exchanges } = lu(a!);
    const rows = broadcastTo(iota([a!.shape.at(-1)!], 0, "int32"), exchanges.shape);
    const one = scalarLike(1, a!);
    const signs = select(eq(exchanges, rows), one, neg(one));
    return r.program(diagonalOf(factors), reduceProd(signs, [signs.ndim - 1]));
  };
  const self: Primitive<null> = definePrimitive<null>({
    name: r.name,
    abstractEval([a]) {
      checkSquare(r.name, a!);
      return Array.from({ length: r.results }, () => shaped(a!.shape.slice(0, -2), a!.dtype));
    },
    impl([a], _, outs) {
      const { systems, n } = matricesIn(a!);
      const values = outs.map(({ dtype }) => allocate(dtype, systems));
      for (let i = 0; i < systems; i++) {
        r.values(pivotsOf(matrix(a!, i, n), n)).forEach((v, k) => values[k]![i] = v);
      }
      return values;
    },
    jvp: ([a], [da]) => [bind(self, [a!], null), r.tangents(a!, da!)],
    transpose: "nonlinear",
    batch([a], [dim]) {
      const outs = bind(self, [moveAxis(a!, dim!, 0)], null);
      return [outs, outs.map(() => 0)];
    },
    // The matrices that are eliminated would be needed for all steps at once.
    passes: stationary,
    lower: lowerAsProgram(program),
    kernel: compileAsProgram(program),
    samples: r.samples,
  });
  return self;
}

/** Determinants of matrices. */
export const detP: Primitive<null> = /* @__PURE__ */ ofPivots({
  name: "det",
  results: 1,
  // Zeros have no sign: that of exchanges would be by chance.
  values: ({ pivots, sign }) => [pivots.reduce((product, pivot) => product * pivot, sign) + 0],
  tangents: (a, da) => [inner(cofactors(a), da)],
  program: (pivots, sign) => {
    const product = mul(sign, reduceProd(pivots, [pivots.ndim - 1]));
    return [add(product, scalarLike(0, product))];
  },
  samples: () => matrixSamples(),
});

/** Signs of determinants, and logarithms of their absolute values. */
export const slogdetP: Primitive<null> = /* @__PURE__ */ ofPivots({
  name: "slogdet",
  results: 2,
  values: ({ pivots, sign }) => [
    pivots.reduce((product, pivot) => product * Math.sign(pivot), sign),
    pivots.reduce((sum, pivot) => sum + Math.log(Math.abs(pivot)), 0),
  ],
  tangents: (a, da) => [null, inner(transposed(solve(a, identityLike(a))), da)],
  program: (pivots, sign) => [
    mul(sign, reduceProd(signOf(pivots), [pivots.ndim - 1])),
    reduceSum(log(abs(pivots)), [pivots.ndim - 1]),
  ],
  samples: () =>
    matrixSamples({
      jvp: "the logarithm of 0 has no slope",
      transpose: "the logarithm of 0 has no slope",
    }),
});

/** The determinants of matrices `[..., n, n]` with n above 0. */
export function det(a: NDArray): NDArray {
  return bind1(detP, [a], null);
}

/** Signs of the determinants of matrices `[..., n, n]`, and logarithms of their absolute values. */
export function slogdet(a: NDArray): readonly [sign: NDArray, logarithm: NDArray] {
  const [sign, logarithm] = bind(slogdetP, [a], null);
  return [sign!, logarithm!];
}

// ---------------------------------------------------------------- cofactors

const INVERSE = "fourth derivatives of det need an inverse";

/** Derivatives of cofactors up to this order are computed whatever the rank of the matrix. */
const ANY_RANK = 2;

/**
 * The matrix of cofactors of `a`, `det(a) inv(a)^T` where there is an inverse, for no further inputs;
 * for matrices E1, ..., Ek its k-th derivative along them, which is linear and symmetric in them.
 *
 * By elimination of rows and columns with complete pivoting `R a C = D` is diagonal, with det(R) and
 * det(C) 1 or -1, so that `cof(a + E) = det(R) det(C) R^T cof(D + R E C) C^T`, and derivatives of
 * the cofactors of D are sums of products of its elements but one, two or three:
 *
 *     cof(D)_ii = prod(D but i)
 *     cof'(D; M)_ii = sum over j of M_jj prod(D but i, j),  cof'(D; M)_ij = -M_ji prod(D but i, j)
 *
 * and so on. Nothing is divided by, so a matrix may be singular.
 */
export const cofactorsP: Primitive<null> = /* @__PURE__ */ definePrimitive<null>({
  name: "cofactors",
  abstractEval([a, ...changes]) {
    checkSquare("cofactors", a!);
    for (const e of changes) {
      checkSameDType("cofactors", a!, e, "the matrix and its change");
      if (!sameShape(a!.shape, e.shape)) {
        throw new ShapeError(
          `cofactors: a change of shape ${formatShape(e.shape)} does not fit a matrix of shape ${
            formatShape(a!.shape)
          }`,
        );
      }
    }
    return [a!];
  },
  impl(inputs) {
    const { systems, n, dtype } = matricesIn(inputs[0]!);
    const out = allocate(dtype, inputs[0]!.values.length);
    cofactorRoutines[inputs.length - 1]!
      .runLong(dtype, [...inputs.map((x) => x.values), out], systems, n);
    return [out];
  },
  jvp([a, ...changes], [da, ...dchanges]) {
    const parts = dchanges.flatMap((d, i) => d ? [cofactors(a!, ...changes.with(i, d))] : []);
    if (da) parts.push(...changedBy(a!, changes, da));
    return [[cofactors(a!, ...changes)], [parts.length === 0 ? null : parts.reduce(add)]];
  },
  // <ct, cof'(a; E, F)> is the derivative of det along ct, E and F, in whatever order; a is linear where
  // it takes part once, and then it is one of them.
  transpose([ct], inputs) {
    const known = inputs.map((x) => x instanceof Linear ? zeros(x.aval) : x);
    return inputs.map((x, i) => {
      if (!ct || !(x instanceof Linear) || (i === 0 && isConstant(x.aval, inputs.length - 1))) {
        return null;
      }
      const [a, ...changes] = known.with(i, ct);
      return cofactors(a!, ...changes);
    });
  },
  batch: (inputs, dims, size) => [
    [bind1(cofactorsP, inputs.map((x, i) => batchAxisInFront(x, dims[i]!, size)), null)],
    [0],
  ],
  // The matrices that are eliminated would be needed for all steps at once.
  passes: stationary,
  lower(g, [a, ...changes], _, [aval], [out]) {
    const empty = emptyOutput(g, out!);
    if (empty !== null) return [empty];
    const at = matricesIn(aval!);
    const [x, ...es] = [a!, ...changes].map((v) => g.reshape(v, [at.systems, at.n, at.n]));
    return [g.reshape(lowerCofactors(g, x!, es, at), out!.shape)];
  },
  kernel(b, inputs, _, [aval], outs) {
    const { systems, n, dtype } = matricesIn(aval!);
    return b.call(cofactorRoutines[inputs.length - 1]!, dtype, inputs, outs, [systems, n]);
  },
  samples: () =>
    [0, 1, 2].flatMap((order) =>
      matrixSamples().map(({ name, inputs: [a] }) => {
        const changes = Array.from({ length: order }, () => ({ shape: a!.shape, dtype: a!.dtype }));
        const sample = { name: `${name}, order ${order}`, inputs: [a!, ...changes], params: null };
        return order === 0 || name !== "rank n - 1"
          ? sample
          : { ...sample, skip: { jvp: INVERSE, slope: INVERSE, transpose: INVERSE } };
      })
    ),
});

/** Whether derivatives of this order no longer depend on the matrix: its cofactors have degree n - 1. */
function isConstant(a: ShapedArray, order: number): boolean {
  return order >= a.shape.at(-1)! - 1;
}

/** The derivative of `cofactors(a, ...changes)` along a change of `a`; none where it is 0. */
function changedBy(a: NDArray, changes: readonly NDArray[], da: NDArray): NDArray[] {
  if (isConstant(a, changes.length)) return [];
  if (changes.length < ANY_RANK) return [cofactors(a, ...changes, da)];
  // Of an invertible matrix, from derivatives of a cof(a)^T = det(a) 1.
  const all = [...changes, da];
  const volume = expandDims(inner(cofactors(a, ...changes), da), [a.ndim - 2, a.ndim - 1]);
  const side = all.reduce(
    (rest, e, i) => sub(rest, matmul(e, transposed(cofactors(a, ...all.toSpliced(i, 1))))),
    mul(volume, identityLike(a)),
  );
  return [transposed(solve(a, side))];
}

/**
 * The cofactors of matrices `[..., n, n]` with n above 0, or their derivatives along up to two
 * changes of the matrices, of the same shape.
 */
export function cofactors(a: NDArray, ...changes: readonly NDArray[]): NDArray {
  return bind1(cofactorsP, [a, ...changes], null);
}

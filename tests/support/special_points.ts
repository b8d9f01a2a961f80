/**
 * The functions of the cases in `reference/special_points.json`: every elementwise operation and every
 * reduction of the user namespaces, each under its name and what is special about the case.
 *
 * Owns the functions, and the reasons for those that are not there. What is asked of their derivatives
 * is in `api/special_points_test.ts`.
 *
 * @module
 */
import { rem } from "../../lib/primitives/elementwise/arithmetic.ts";
import { associativeScan, linalg, type NDArray, nn, numpy as np, special } from "../../mod.ts";

/** A function of a scalar. */
type Unary = (x: NDArray) => NDArray;
/** A function of two scalars. */
type Binary = (x: NDArray, y: NDArray) => NDArray;

/** A result that is no float as one, so that it can be asked for a derivative. */
const float = (x: NDArray): NDArray => x.astype("float64");

const named = <T>(names: string, of: (name: string) => T): Record<string, T> =>
  Object.fromEntries(names.split(" ").map((name) => [name, of(name)]));
const powers = [-2, -1, 0, 0.5, 1, 2, 2.5, 3, 9];
const norms = [0, 0.5, 1, 2, 3, Infinity, -Infinity];
const matrixNorms = [1, -1, Infinity, -Infinity, "fro"] as const;
/** How the recorder writes a number. */
const inPython = (x: number | string): string =>
  x === Infinity ? "inf" : x === -Infinity ? "-inf" : String(x);

/** Elementwise operations of one operand. */
export const unary: Readonly<Record<string, Unary>> = {
  ...named(
    "abs acos acosh asin asinh atan atanh ceil cos cosh exp exp2 expm1 floor log log10 log1p log2 " +
      "nanToNum neg reciprocal round rsqrt sign sin sinh sqrt square tan tanh trunc",
    (name) => (x: NDArray) => np[name as "abs"](x),
  ),
  ...named(
    "elu gelu leakyRelu logSigmoid relu relu6 sigmoid silu softplus",
    (name) => (x: NDArray) => nn[name as "relu"](x),
  ),
  erf: special.erf,
  erfc: special.erfc,
  erfInv: special.erfInv,
  logit: special.logit,
  "round to tenths": (x) => np.round(x, 1),
  "clip to [-1, 1]": (x) => np.clip(x, -1, 1),
  "clip to [0, oo)": (x) => np.clip(x, 0),
  "astype int32": (x) => float(x.astype("int32")),
  "astype bool": (x) => float(x.astype("bool")),
  "greater than 1/2": (x) => float(np.greater(x, 0.5)),
  isFinite: (x) => float(np.isFinite(x)),
  "floorDivide by 2": (x) => np.floorDivide(x, 2),
  "mod -3/4": (x) => np.mod(x, -0.75),
  "gelu, exact": (x) => nn.gelu(x, { approximate: false }),
  ...Object.fromEntries(powers.map((p) => [`pow ${p}`, (x: NDArray) => np.pow(x, p)])),
};

/** Elementwise operations of two operands. */
export const binary: Readonly<Record<string, Binary>> = {
  ...named(
    "add sub mul div floorDivide mod pow maximum minimum hypot logaddexp atan2",
    (name) => np[name as "add"],
  ),
  rem,
  xlogy: special.xlogy,
  "where the first is larger": (x, y) => np.where(x.greater(y), x, y.mul(3)),
};

const summed = (f: Unary): Unary => (x) =>
  f(x).mul(np.array([1, -2, 0.5], { dtype: "float64" })).sum();
const matrix: Unary = (x) => np.outer(x, x).add(np.diag(x));

/** Functions of three numbers: reductions, and weighted sums of what runs along an axis. */
export const lanes: Readonly<Record<string, Unary>> = {
  ...named(
    "sum prod max min mean variance std median",
    (name) => (x: NDArray) => np[name as "sum"](x),
  ),
  logsumexp: (x) => nn.logsumexp(x),
  softmax: summed((x) => nn.softmax(x)),
  logSoftmax: summed((x) => nn.logSoftmax(x)),
  cumsum: summed((x) => np.cumsum(x)),
  cumprod: summed((x) => np.cumprod(x)),
  sort: summed((x) => np.sort(x)),
  ...named(
    "argmax argmin any all countNonzero",
    (name) => (x: NDArray) => float(np[name as "argmax"](x)),
  ),
  argsort: summed((x) => float(np.argsort(x))),
  searchsorted: (x) => float(np.searchsorted(np.ones([3], { dtype: "float64" }), x.at(0))),
  dot: (x) => np.dot(x, x),
  "maximum, running": summed((x) => associativeScan(np.maximum, x)),
  norm: (x) => linalg.norm(x),
  ...Object.fromEntries(
    norms.map((ord) => [`norm ${inPython(ord)}`, (x: NDArray) => linalg.norm(x, { ord })]),
  ),
  ...Object.fromEntries(
    matrixNorms.map((ord) => [
      `norm of a matrix, ${inPython(ord)}`,
      (x: NDArray) => linalg.norm(matrix(x), { ord, axis: [0, 1] }),
    ]),
  ),
};

const MOVES = "it moves or repeats elements: their slopes go with them";
const MADE = "it makes arrays, or an array's shape is all that it asks of it";
const PRODUCT = "it is sums of products, which dot stands for";
const STEPS = "it gives bools or whole numbers, as greater and isFinite do";
const WHOLE = "it is for whole numbers or bools";
const ALIAS = "it is sigmoid by its name in SciPy";
const SYSTEM = "it is asked for derivatives at singular matrices in api/determinant_test.ts";

/** What of the namespaces is not tried here, by reason. */
export const notTried: Readonly<Record<string, string>> = {
  [MOVES]: "addAt at broadcastArrays broadcastTo concatenate diag diagonal dynamicSlice " +
    "dynamicUpdateSlice expandDims flip moveaxis pad ravel repeat reshape roll setAt slice split " +
    "squeeze stack swapaxes take takeAlongAxis tile transpose tril triu",
  [MADE]:
    "arange array asarray empty emptyLike eye full fullLike identity linspace meshgrid ones onesLike tri zeros " +
    "zerosLike stopGradient",
  [PRODUCT]: "einsum inner matmul outer tensordot trace vdot",
  [STEPS]: "allClose arrayEqual equal greaterEqual isClose isInf isNaN less lessEqual logicalAnd " +
    "logicalNot logicalOr logicalXor notEqual oneHot",
  [WHOLE]: "bitwiseAnd bitwiseNot bitwiseOr bitwiseXor leftShift rightShift",
  [ALIAS]: "expit",
  [SYSTEM]: "det inv slogdet solve",
};

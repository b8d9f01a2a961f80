/**
 * Functions to be exported with open lengths, and those of which no file can be made.
 *
 * @module
 */
import {
  cond,
  foriLoop,
  grad,
  jit,
  linalg,
  type NDArray,
  nn,
  numpy as np,
  random,
  scan,
  ShapeDtype,
  type Tree,
  vmap,
  whileLoop,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";

/** A function and the types of its arguments. */
export interface OpenCase {
  /** What it is. */
  readonly name: string;
  /** The function. */
  readonly f: (...args: NDArray[]) => Tree;
  /** Types of the arguments. */
  readonly types: readonly ShapeDtype<number | string>[];
  /** The shapes of the outputs in the file, where they are of interest. */
  readonly shapes?: readonly (readonly (number | string)[])[];
}

const key = random.key(5);
const draw = (n: number, shape: readonly number[]): NDArray => random.normal(random.key(n), shape);
const w = draw(3, [4, 8]);
const square = draw(4, [4, 4]);
const embeddings = draw(7, [11, 4]);

const mlp = hk.transform((x: NDArray) => nn.softmax(new hk.MLP([16, 3]).call(x)));
const mlpParams = mlp.init(key, np.ones([1, 4]));

function layerNorm(x: NDArray): NDArray {
  const centred = x.sub(x.mean(-1, { keepDims: true }));
  return centred.div(np.sqrt(centred.square().mean(-1, { keepDims: true }).add(1e-5)));
}

function attention(x: NDArray, causal: boolean): NDArray {
  const q = np.matmul(x, w);
  const k = np.matmul(np.tanh(x), w);
  let scores = np.matmul(q, np.swapaxes(k, -1, -2)).div(Math.sqrt(8));
  const t = x.shape[1]!;
  if (causal) scores = np.where(np.tril(np.ones([t, t])).greater(0.5), scores, -1e9);
  return np.matmul(nn.softmax(scores, -1), x);
}

function recurrent(xs: NDArray): Tree {
  const step = (h: NDArray, x: NDArray) => {
    const next = np.tanh(np.matmul(h, square).mul(0.3).add(x));
    return [next, next.sum(-1)] as const;
  };
  return scan(step, np.zeros([xs.shape[1]!, 4]), xs);
}

const rows = new ShapeDtype(["batch", 4]);
const one = (name: string, f: (x: NDArray) => Tree, ...shapes: OpenCase["shapes"] & unknown[]) => ({
  name,
  f: f as OpenCase["f"],
  types: [rows],
  ...(shapes.length > 0 && { shapes }),
});
const integers = (shape: readonly (number | string)[]) => new ShapeDtype(shape, "int32");

/** Functions that are the same program at all lengths from 1 on. */
export const openCases: readonly OpenCase[] = [
  one("a classifier", (x) => mlp.apply(mlpParams, null, x), ["batch", 3]),
  one("a jitted classifier", (x) => jit(mlp.apply)(mlpParams, null, x), ["batch", 3]),
  one("a mean over the batch", (x) => x.mean(0), [4]),
  one("a mean over everything", (x) => x.mean(), []),
  one(
    "variance and deviation",
    (x) => [np.variance(x, 0), np.std(x), np.variance(x, 0, { ddof: 1 })],
  ),
  one("a sum of squares of all", (x) => x.square().sum()),
  one("largest, least, product", (x) => [x.max(0), x.min(), np.prod(np.tanh(x), 0)]),
  one("where the largest is", (x) => [np.argmax(x, 0), np.argmax(x, 1)]),
  one("a reshape that splits", (x) => x.reshape([x.shape[0]! * 2, 2]), ["2*batch", 2]),
  one("a reshape to a vector", (x) => x.ravel().mul(2), ["4*batch"]),
  one(
    "another row, and another column",
    (x) => [
      np.concatenate([x, np.ones([1, 4])], 0),
      np.concatenate([np.zeros([x.shape[0]!, 1]), x], 1),
    ],
    ["batch + 1", 4],
    ["batch", 5],
  ),
  one("twice the rows", (x) => np.concatenate([x, x.neg()]), ["2*batch", 4]),
  one("padding", (x) => np.pad(x, [[1, 2], [0, 0]]), ["batch + 3", 4]),
  one("counting rows", (x) => x.mul(np.arange(x.shape[0]!).reshape([-1, 1]))),
  one("numbers from the length", (x) => x.mul(3 / x.shape[0]!).add(Math.sqrt(x.shape[0]!))),
  one("the logarithm of a mean", (x) => nn.logsumexp(x, 0).sub(Math.log(x.shape[0]!))),
  one("broadcasting", (x) => np.broadcastTo(np.arange(4, { dtype: "float32" }), x.shape).add(x)),
  one("a vmapped function", (x) => vmap((r: NDArray) => nn.softmax(np.matmul(r, w)))(x)),
  one("products of rows", (x) => [np.matmul(x, x.T), np.einsum("bi,bj->ij", x, x)], [
    "batch",
    "batch",
  ], [4, 4]),
  one("diagonals", (x) => [np.diag(np.matmul(x, x.T)), np.trace(np.matmul(x, x.T))], ["batch"], []),
  one("a triangle", (x) => np.tril(np.matmul(x, x.T)).add(np.eye(x.shape[0]!))),
  one("layer norm, batch norm", (x) => [layerNorm(x), x.sub(x.mean(0)).div(np.std(x, 0).add(1))]),
  one("a running sum, sorting", (x) => [np.cumsum(x, 0), np.sort(x, 0), np.sort(x, 1)]),
  one("turned and rolled rows", (x) => [np.flip(x, 0), np.roll(x, 1, 0)]),
  one(
    "the gradient of a mean",
    (x) => grad((v: NDArray) => np.tanh(np.matmul(x, v)).mean())(w),
    [4, 8],
  ),
  one(
    "least squares",
    (x) => linalg.solve(np.matmul(x.T, x).add(np.eye(4)), np.matmul(x.T, x.sum(1))),
  ),
  one("a loop of as many steps", (x) => foriLoop(0, x.shape[0]!, (_, c) => c.mul(0.9).add(1), x)),
  one("a loop that tests", (x) =>
    whileLoop(
      ([i]: [NDArray, NDArray]) => i.less(3),
      ([i, y]: [NDArray, NDArray]): [NDArray, NDArray] => [i.add(1), np.tanh(y)],
      [np.array(0), x],
    )),
  one(
    "a branch on values",
    (x) => cond(x.sum().greater(0), (y: NDArray) => y.mul(2), (y: NDArray) => y.neg(), x),
  ),
  one("random numbers of the batch's shape", (x) => x.add(random.uniform(key, x.shape))),
  { name: "lookup", f: (i) => np.take(embeddings, i!, 0), types: [integers(["batch", 5])] },
  { name: "one hot", f: (i) => nn.oneHot(i!, 7), types: [integers(["batch"])] },
  { name: "integer sums", f: (i) => [i!.sum(), i!.sum(0)], types: [integers(["batch", 3])] },
  {
    name: "a recurrent network, open batch",
    f: (xs) => recurrent(xs!),
    types: [new ShapeDtype([5, "batch", 4])],
    shapes: [["batch", 4], [5, "batch"]],
  },
  {
    name: "a recurrent network, open batch and time",
    f: (xs) => recurrent(xs!),
    types: [new ShapeDtype(["time", "batch", 4])],
    shapes: [["batch", 4], ["time", "batch"]],
  },
  ...[false, true].map((causal): OpenCase => ({
    name: causal ? "causal attention" : "attention",
    f: (x) => attention(x!, causal),
    types: [new ShapeDtype(["batch", "time", 4])],
    shapes: [["batch", "time", 4]],
  })),
  {
    name: "one length twice",
    f: (a, b) => np.matmul(a!, b!),
    types: [new ShapeDtype(["n", "n"]), new ShapeDtype(["n", 3])],
    shapes: [["n", 3]],
  },
  {
    name: "two lengths in one",
    f: (a, b) => [a!.reshape([-1, 1]).mul(b!).ravel(), b!.sum().add(a!.mean())],
    types: [new ShapeDtype(["n"]), new ShapeDtype(["m"])],
    shapes: [["n*m"], []],
  },
  {
    name: "a float64 mean",
    f: (x) => x!.mean(0).add(np.array(x!.shape[0]!, { dtype: "float64" })),
    types: [new ShapeDtype(["batch", 4], "float64")],
  },
];

/** Functions that are other programs at other lengths, and what the error names. */
export const notOpen: readonly (OpenCase & { readonly told: string })[] = [
  { ...one("a branch at 50", (x) => x.shape[0]! > 50 ? x.mul(2) : x), told: "mul" },
  { ...one("a branch at 500", (x) => x.shape[0]! > 500 ? x.mul(2) : x), told: "mul" },
  { ...one("a branch at 3", (x) => x.shape[0] === 3 ? x : np.sin(x)), told: "sin" },
  { ...one("a number with a floor", (x) => x.mul(Math.max(x.shape[0]!, 50))), told: "mul" },
  { ...one("a number by parity", (x) => x.add(x.shape[0]! % 2)), told: "add" },
  { ...one("a number of no kind", (x) => x.mul(Math.sin(x.shape[0]!))), told: "mul" },
  { ...one("squeezing what may be 1", (x) => np.squeeze(x.sum(1)).mul(2)), told: "mul" },
  { ...one("a middle that depends on parity", (x) => np.median(x, 0)), told: "batch" },
  { ...one("an array made outside", (x) => x.mul(np.array(primes(x.shape[0]!)))), told: "mul" },
  {
    ...one("a loop in JavaScript", (x) => {
      let y = x;
      for (let i = 0; i < x.shape[0]!; i += 20) y = np.sin(y);
      return y;
    }),
    told: "sin",
  },
];

function primes(n: number): number[][] {
  const found: number[][] = [];
  for (let p = 2; found.length < n; p++) if (found.every(([q]) => p % q! !== 0)) found.push([p]);
  return found;
}

/**
 * Random programs give on a GPU what they give elsewhere; and elementwise operations do so where shapes differ,
 * which kernels for four elements at a time have to see.
 *
 * @module
 */
import { jit, type NDArray, numpy as np } from "../../mod.ts";
import { isFloat } from "../../lib/core/dtype.ts";
import { difference, make } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { gpuTest } from "../support/gpu.ts";
import { wrongOnGpu } from "../support/gpu_trials.ts";
import { Random } from "../support/random.ts";

const PROGRAMS = 60;

gpuTest("random programs and their slopes, in float32 and on all dtypes", async () => {
  const wrong: string[] = [];
  let tried = 0;
  for (let n = 0; n < PROGRAMS; n++) {
    const found = await wrongOnGpu(n);
    if (found === undefined) continue;
    tried++;
    if (found !== null) wrong.push(found);
  }
  assertEquals(wrong, []);
  assert(tried > PROGRAMS / 3, `only ${tried} programs have no float64`);
});

type Operation = (x: NDArray, y: NDArray) => NDArray;

const positive = (x: NDArray): NDArray => np.greater(x, 0);
const whole = (x: NDArray): NDArray => np.floor(x.mul(2)).astype("int32");

/** Of each dtype that a kernel reads or gives. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  add: (x, y) => x.add(y),
  divide: (x, y) => x.div(y),
  mod: (x, y) => np.mod(x, np.abs(y).add(1)),
  power: (x, y) => np.power(np.abs(x), y),
  maximum: np.maximum,
  arctan2: np.arctan2,
  less: (x, y) => np.less(x, y),
  equal: (x, y) => np.equal(x, y),
  "less, of int32": (x, y) => np.less(whole(x), whole(y)),
  "multiply, of int32": (x, y) => whole(x).mul(whole(y)),
  "equal, of bool": (x, y) => np.equal(positive(x), positive(y)),
  and: (x, y) => np.logicalAnd(positive(x), positive(y)),
  or: (x, y) => np.logicalOr(positive(x), positive(y)),
  xor: (x, y) => np.logicalXor(positive(x), positive(y)),
  where: (x, y) => np.where(positive(y), x, y),
  "where, of bool": (x, y) => np.where(positive(x), positive(y), np.less(x, y)),
  "where, of int32": (x, y) => np.where(positive(x), whole(y), 0),
  // Comparisons of all pairs, joined by logic.
  sort: (x, y) => np.sort(x.add(y)),
};

const SHAPES: readonly (readonly [x: readonly number[], y: readonly number[]])[] = [
  [[4], []],
  [[4], [1]],
  [[1, 4], [4, 1]],
  [[4, 1], [4, 4]],
  [[4, 4], [4]],
  [[3, 1], [1, 3]],
  [[3, 4], [3, 1]],
  [[8], [3, 1]],
  [[1, 8], [3, 8]],
  [[2, 4], [1, 1]],
  [[4, 3], [3]],
  [[2, 3, 4], [2, 1, 4]],
  [[2, 4, 1], [2, 1, 4]],
  [[2, 1, 5], [1, 3, 1]],
];

/** Halves, so that some are equal and some are 0. */
function drawn(random: Random, shape: readonly number[]): NDArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: size }, () => random.integer(-3, 4) / 2);
  return make({ shape, dtype: "float32" }, values);
}

gpuTest("elementwise operations of shapes that differ", async () => {
  const random = new Random("shapes that differ");
  const wrong: string[] = [];
  for (const [name, f] of Object.entries(OPERATIONS)) {
    for (const [p, q] of SHAPES.flatMap(([p, q]) => [[p, q], [q, p]] as const)) {
      const [x, y] = [drawn(random, p), drawn(random, q)];
      const want = f(x, y).add(0);
      const got = jit((x: NDArray, y: NDArray) => f(x, y), { backend: "webgpu" })(x, y);
      await got.data();
      const allowed = (_: number, v: number): number =>
        isFloat(want.dtype) ? 1e-3 * Math.abs(v) + 1e-4 : 0;
      const found = difference(got.add(0), want, allowed, { anyZero: true });
      if (found !== null) wrong.push(`${name} of [${p}] and [${q}]: ${found}`);
    }
  }
  assertEquals(wrong, []);
});

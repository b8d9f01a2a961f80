/**
 * Arrays that are too large are refused before anything is allocated, and zeros cost nothing.
 *
 * @module
 */
import { linalg, type NDArray, nn, numpy as np, random, scan, vmap } from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const vector = np.ones([100_000]);
const key = random.key(0);

/** Calls whose results do not fit, and the type and bytes of these. */
const tooLarge: Readonly<Record<string, readonly [call: () => unknown, result: string]>> = {
  zeros: [() => np.zeros([2e9]), "float32[2000000000], takes 7.5 GiB"],
  ones: [() => np.ones([2 ** 31, 2]), "float32[2147483648,2], takes 16.0 GiB"],
  full: [() => np.full([1e6, 1e6], 7, { dtype: "int32" }), "int32[1000000,1000000]"],
  empty: [() => np.empty([2 ** 32 + 1], { dtype: "bool" }), "bool[4294967297], takes 4.0 GiB"],
  eye: [() => np.eye(60000), "float32[60000,60000], takes 13.4 GiB"],
  tri: [() => np.tri(60000), "float32[60000,60000]"],
  arange: [() => np.arange(0, 2e9), "int32[2000000000], takes 7.5 GiB"],
  linspace: [() => np.linspace(0, 1, 1e10), "float32[10000000000]"],
  outer: [() => np.outer(vector, vector), "float32[100000,100000], takes 37.3 GiB"],
  tile: [() => np.tile(vector, 1e9), "float32[100000000000000]"],
  repeat: [() => np.repeat(vector, 1e9), "float32[100000000000000]"],
  "repeat by list": [() => np.repeat(np.ones([2]), [1e10, 1]), "float32[10000000001]"],
  pad: [() => np.pad(vector, 1e10), "float32[20000100000], takes 74.5 GiB"],
  broadcastTo: [() => np.broadcastTo(vector, [1e5, 1e5]), "float32[100000,100000]"],
  oneHot: [() => nn.oneHot(np.zeros([9], { dtype: "int32" }), 1e9), "float32[9,1000000000]"],
  "random.split": [() => random.split(key, 1e10), "uint32[10000000000,2], takes 74.5 GiB"],
  "random.normal": [() => random.normal(key, [4, 1e9]), "[4,1000000000]"],
  "random.permutation": [() => random.permutation(key, 2e9), "[2000000000]"],
  "scan with a result in each step": [
    () => scan((c) => [c, np.ones([1000])], np.array(0), null, { length: 5_000_000 }),
    "float32[5000000,1000], takes 18.6 GiB",
  ],
  // What no function foresees, the evaluator sees.
  add: [() => vector.add(vector.reshape([-1, 1])), "float32[100000,100000]"],
  matmul: [() => vector.reshape([-1, 1]).matmul(vector.reshape([1, -1])), "float32[100000,100000]"],
  vmap: [
    () => vmap((x: NDArray) => x.mul(vector.reshape([1000, 100])))(vector),
    "float32[100000,1000,100]",
  ],
};

for (const [name, [call, result]] of Object.entries(tooLarge)) {
  Deno.test(`what is too large is refused: ${name}`, () => {
    assertThrows(call, RangeError, `the result, ${result.startsWith("[") ? "" : result}`);
    assertThrows(call, RangeError, result);
  });
}

/** How often `f` fills memory. Times would say the same, but not on a machine that is busy. */
function fills(f: () => unknown): number {
  const typed = Object.getPrototypeOf(Float32Array.prototype) as { fill: unknown };
  const { fill } = typed;
  let count = 0;
  typed.fill = function (this: unknown, ...args: unknown[]): unknown {
    count++;
    return Reflect.apply(fill as () => unknown, this, args);
  };
  try {
    f();
  } finally {
    typed.fill = fill;
  }
  return count;
}

Deno.test("zeros cost what memory costs: they are not written", () => {
  const shape = [1000];
  const like = np.zeros(shape);
  assertEquals(fills(() => np.ones(shape)), 1);
  assertEquals(fills(() => np.zeros(shape)), 0);
  assertEquals(fills(() => np.full(shape, 0)), 0);
  assertEquals(fills(() => np.empty(shape)), 0);
  assertEquals(fills(() => np.zerosLike(like)), 0);
  assertEquals(fills(() => np.emptyLike(like)), 0);
  assertEquals(np.full([2], -0).toArray(), [-0, -0]);
});

Deno.test("what fits is not refused", () => {
  assertEquals(np.zeros([0, 2 ** 40]).size, 0);
  assertEquals(linalg.norm(np.zeros([1000, 1000])).item(), 0);
});

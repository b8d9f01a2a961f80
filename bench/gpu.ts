/**
 * Compiled programs on a GPU beside the CPU: minima of some rounds, in milliseconds, reading a result included.
 *
 *     deno run -A bench/gpu.ts
 *
 * A GPU's results are within 1e-3 of the CPU's, relative to the largest, or the exit status is 1.
 *
 * @module
 */
import { fixedPoint, grad, jit, loadBackend, nn, numpy as np, random } from "../mod.ts";
import type { NDArray } from "../mod.ts";

await loadBackend("webgpu");

const normal = (seed: number, ...shape: number[]): NDArray =>
  random.normal(random.key(seed), shape);

/** A layer's weights, of which products keep the size of what they are given. */
const weights = (seed: number, n: number, m: number): NDArray =>
  normal(seed, n, m).div(Math.sqrt(n));

const square = (n: number): readonly NDArray[] => [weights(1, n, n), weights(2, n, n)];
const hidden = [weights(3, 784, 512), weights(4, 512, 512), weights(5, 512, 10)] as const;
const loss = (a: NDArray, b: NDArray, c: NDArray, x: NDArray): NDArray =>
  np.square(nn.relu(nn.relu(x.matmul(a)).matmul(b)).matmul(c)).mean();
const step = (a: NDArray, b: NDArray, c: NDArray, x: NDArray): NDArray[] =>
  grad(loss, { argnums: [0, 1, 2] })(a, b, c, x).map((g, k) => [a, b, c][k]!.sub(g.mul(0.1)));

const CASES: Readonly<
  Record<string, readonly [f: (...xs: NDArray[]) => NDArray | NDArray[], args: readonly NDArray[]]>
> = {
  "sum of [4]": [(x) => x.sum(), [normal(9, 4)]],
  "product of 1024 x 1024": [(a, b) => a.matmul(b), square(1024)],
  "product of 2048 x 2048": [(a, b) => a.matmul(b), square(2048)],
  "ten products of 2048 x 2048, one number read": [(a, b) => {
    let x = a;
    for (let i = 0; i < 10; i++) x = x.matmul(b);
    return x.sum();
  }, square(2048)],
  "30 cheap operations on 1e7, one number read": [(x) => {
    let y = x;
    for (let i = 0; i < 15; i++) y = y.mul(0.9).add(0.1);
    return y.mean();
  }, [normal(6, 10_000_000)]],
  "softmax of 4096 x 4096, one number read": [
    (x) => nn.softmax(x).max(),
    [normal(7, 4096, 4096)],
  ],
  "a training step, 256 rows of 784-512-512-10": [
    step as (...xs: NDArray[]) => NDArray[],
    [...hidden, normal(8, 256, 784)],
  ],
  "fixedPoint of 64 x 512": [
    (a, x) => fixedPoint((z: NDArray) => np.tanh(z.matmul(a).mul(0.5).add(x)), x).value,
    [weights(10, 512, 512), normal(11, 64, 512)],
  ],
};

const ROUNDS = 7;

/** Time of a run with its results read, in milliseconds, and the results. */
async function timed(run: () => NDArray | NDArray[]): Promise<[number, NDArray[]]> {
  let least = Infinity;
  let results: NDArray[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    results = [run()].flat();
    for (const y of results) await y.data();
    if (round > 0) least = Math.min(least, performance.now() - start);
  }
  return [least, results];
}

let apart = false;
console.log(`${"".padEnd(48)} ${"cpu".padStart(9)} ${"webgpu".padStart(9)} ${"apart".padStart(9)}`);
for (const [name, [f, args]] of Object.entries(CASES)) {
  const found: NDArray[][] = [];
  const times: number[] = [];
  for (const backend of ["cpu", "webgpu"]) {
    const run = jit((...xs: NDArray[]) => f(...xs), { backend });
    const [time, results] = await timed(() => run(...args));
    times.push(time);
    found.push(results);
  }
  const off = Math.max(...found[0]!.map((y, k) => {
    const scale = np.abs(y).max().item();
    return np.abs(np.array(found[1]![k]!.dataSync()).reshape(y.shape).sub(y)).max().item() / scale;
  }));
  apart ||= !(off <= 1e-3);
  console.log(
    `${name.padEnd(48)} ${times.map((t) => t.toFixed(2).padStart(9)).join(" ")} ${
      off.toExponential(1).padStart(9)
    }`,
  );
}
Deno.exit(apart ? 1 : 0);

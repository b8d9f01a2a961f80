/**
 * Matrix products large enough that only the kernel should count, and the first one. Results stay where
 * the library keeps them.
 *
 * @module
 */
import { type NDArray, numpy as np } from "../../mod.ts";
import { injax, type Work } from "../entries.ts";
import type { Case } from "../harness.ts";
import { matmulModel } from "../onnx_graphs.ts";
import { byHand, floats, loadJaxJs, loadTf } from "../peers.ts";
import { fingerprint, noise } from "../problems.ts";

const sizes = [256, 512, 1024] as const;

function work(n: number): Work {
  const square = (seed: number): NDArray => np.array(noise(n * n, seed, 2)).reshape([n, n]);
  return { args: () => [square(1), square(2)], f: (x, y) => [x!.matmul(y!)], keep: true };
}

/** Products of two matrices of float32. */
const products: readonly Case[] = sizes.map((n) => ({
  name: `matmul-${n}`,
  title: `matrix product, ${n} x ${n}, float32`,
  entries: [
    ...injax(work(n)),
    {
      library: "onnx by hand",
      async prepare() {
        const data = { a: noise(n * n, 1, 2), b: noise(n * n, 2, 2) };
        const { session, feeds, outputs } = await byHand(matmulModel(n), data);
        return {
          run(count) {
            for (let i = 0; i < count; i++) session.run(feeds, outputs);
          },
          check: () => fingerprint(floats(outputs[0]!)),
        };
      },
    },
    {
      library: "jax-js",
      async prepare() {
        const jax = await loadJaxJs();
        const np = jax.numpy;
        type A = ReturnType<typeof np.array>;
        const product = jax.jit((x: A, y: A) => np.matmul(x, y));
        const square = (seed: number): A => np.array(noise(n * n, seed, 2)).reshape([n, n]);
        const [x, y] = [square(1), square(2)];
        return {
          async run(count) {
            for (let i = 0; i < count; i++) {
              (await product(x.ref, y.ref).blockUntilReady()).dispose();
            }
          },
          check: () => fingerprint(product(x.ref, y.ref).dataSync()),
        };
      },
    },
    {
      library: "tfjs wasm",
      async prepare() {
        const tf = await loadTf();
        await tf.setBackend("wasm");
        const [x, y] = [
          tf.tensor(noise(n * n, 1, 2), [n, n]),
          tf.tensor(noise(n * n, 2, 2), [n, n]),
        ];
        return {
          enter: async () => void await tf.setBackend("wasm"),
          run(count) {
            for (let i = 0; i < count; i++) x.matMul(y).dispose();
          },
          check: () => fingerprint(x.matMul(y).dataSync()),
        };
      },
    },
  ],
}));

/** What compiling adds, in a process that has compiled others. */
const firstProduct: Case = {
  name: "matmul-first",
  title: "matrix product, 1024 x 1024, float32: new jit, first call",
  entries: injax({ ...work(1024), fresh: true }),
};

/** All of them. */
export const matmulCases: readonly Case[] = [...products, firstProduct];

/**
 * A matrix product large enough that only the kernel should count. Results stay where the library
 * keeps them.
 *
 * @module
 */
import { jit, type NDArray, numpy as np } from "../../mod.ts";
import type { Case } from "../harness.ts";
import { matmulModel } from "../onnx_graphs.ts";
import { byHand, floats, loadJaxJs, loadTf } from "../peers.ts";
import { fingerprint, matmul } from "../problems.ts";

const { n, a, b } = matmul;

/** A product of two matrices of float32, 512 by 512. */
export const matmul512: Case = {
  name: "matmul-512",
  title: "matrix product, 512 x 512, float32",
  entries: [
    {
      library: "injax",
      prepare() {
        const product = jit((x: NDArray, y: NDArray) => x.matmul(y));
        const [x, y] = [np.array(a).reshape([n, n]), np.array(b).reshape([n, n])];
        return {
          run(count) {
            for (let i = 0; i < count; i++) product(x, y).dispose();
          },
          check: () => fingerprint(product(x, y).dataSync()),
        };
      },
    },
    {
      library: "onnx by hand",
      async prepare() {
        const { session, feeds, outputs } = await byHand(matmulModel(n), { a, b });
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
        const [x, y] = [np.array(a).reshape([n, n]), np.array(b).reshape([n, n])];
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
        const [x, y] = [tf.tensor(a, [n, n]), tf.tensor(b, [n, n])];
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
};

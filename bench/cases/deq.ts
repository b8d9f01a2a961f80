/**
 * A deep equilibrium layer: a fixed point by iteration, with the stopping test that real solvers
 * make on every iteration, and gradients through the iteration.
 *
 * @module
 */
import {
  type Adjoint,
  damped,
  fixedPoint,
  foriLoop,
  grad,
  implicit,
  jit,
  type NDArray,
  numpy as np,
  whileLoop,
} from "../../mod.ts";
import { injax as onBackends, lines } from "../entries.ts";
import type { Case, Entry } from "../harness.ts";
import { deqGradientModel, deqModel } from "../onnx_graphs.ts";
import { byHand, floats, type JaxArray, loadJaxJs, loadTf, type TfTensor } from "../peers.ts";
import { deq, fingerprint, noise } from "../problems.ts";

const { batch, d, maxSteps, tolerance } = deq;
const data = { w: deq.w, u: deq.u, b: deq.b, x: deq.x };
const bound = tolerance ** 2;

/** Where the same solution is stopped by another test, it is another approximation of it. */
const OTHER_TEST = 1e-3;

/** Weights and inputs as arrays. */
function arrays(): [NDArray, NDArray, NDArray, NDArray] {
  return [
    np.array(deq.w).reshape([d, d]),
    np.array(deq.u).reshape([d, d]),
    np.array(deq.b),
    np.array(deq.x).reshape([batch, d]),
  ];
}

/** Our entry: a function of weights and inputs whose results are read after each call. */
function injax(
  library: string,
  f: (w: NDArray, u: NDArray, b: NDArray, x: NDArray) => NDArray[],
  { tolerance, backend = "cpu" }: { tolerance?: number; backend?: "cpu" | "onnx" } = {},
): Entry {
  return {
    library,
    ...(tolerance !== undefined && { tolerance }),
    prepare() {
      const solve = jit(f, { backend });
      const args = arrays();
      const read = (): ArrayLike<number>[] => solve(...args).map((y) => y.dataSync());
      return {
        run(n) {
          for (let i = 0; i < n; i++) read();
        },
        check: () => fingerprint(...read()),
      };
    },
  };
}

async function jaxJsArrays(): Promise<[JaxArray, JaxArray, JaxArray, JaxArray]> {
  const { numpy: np } = await loadJaxJs();
  return [
    np.array(deq.w).reshape([d, d]),
    np.array(deq.u).reshape([d, d]),
    np.array(deq.b),
    np.array(deq.x).reshape([batch, d]),
  ];
}

/** TensorFlow.js's entry, with everything in one tidy. */
function tfjs(f: (w: TfTensor, u: TfTensor, b: TfTensor, x: TfTensor) => TfTensor[]): Entry {
  return {
    library: "tfjs wasm",
    async prepare() {
      const tf = await loadTf();
      await tf.setBackend("wasm");
      const args = [
        tf.tensor(deq.w, [d, d]),
        tf.tensor(deq.u, [d, d]),
        tf.tensor(deq.b, [d]),
        tf.tensor(deq.x, [batch, d]),
      ] as const;
      const read = (): Float32Array[] => tf.tidy(() => f(...args).map((y) => y.dataSync()));
      return {
        enter: async () => void await tf.setBackend("wasm"),
        run(n) {
          for (let i = 0; i < n; i++) read();
        },
        check: () => fingerprint(...read()),
      };
    },
  };
}

/** `z = tanh(z W + c)` until it stands still. */
function iterated(w: NDArray, c: NDArray): NDArray {
  const [z] = whileLoop(
    ([, change, k]) => np.logicalAnd(change.greater(bound), k.less(maxSteps)),
    ([z, , k]) => {
      const next = np.tanh(z.matmul(w).add(c));
      return [next, next.sub(z).square().sum(), k.add(1)];
    },
    [np.zeros(c.shape), np.array(Infinity), np.array(0, { dtype: "int32" })] as [
      NDArray,
      NDArray,
      NDArray,
    ],
  );
  return z;
}

/** The fixed point, with a test on every iteration. */
export const deqWhile: Case = {
  name: "deq-while",
  title: "DEQ d 64, batch 32: z = tanh(zW + xU + b) until it stands still, 30 steps",
  entries: [
    injax(lines.cpu, (w, u, b, x) => [iterated(w, x.matmul(u).add(b))]),
    injax(lines.onnx, (w, u, b, x) => [iterated(w, x.matmul(u).add(b))], { backend: "onnx" }),
    injax("injax fixedPoint", (w, u, b, x) => {
      const c = x.matmul(u).add(b);
      const options = { solver: damped(), rtol: 0, atol: tolerance, maxSteps: maxSteps + 1 };
      return [fixedPoint((z) => np.tanh(z.matmul(w).add(c)), np.zeros([batch, d]), options).value];
    }, { tolerance: OTHER_TEST }),
    {
      library: "onnx by hand",
      async prepare() {
        const { session, feeds, outputs } = await byHand(deqModel(), data);
        const read = (): Float32Array => floats(session.run(feeds, outputs)[0]!);
        return {
          run(n) {
            for (let i = 0; i < n; i++) read();
          },
          check: () => fingerprint(read()),
        };
      },
    },
    {
      library: "jax-js",
      async prepare() {
        const jax = await loadJaxJs();
        const np = jax.numpy;
        const [w, u, b, x] = await jaxJsArrays();
        const project = jax.jit((x: JaxArray, u: JaxArray, b: JaxArray) => np.matmul(x, u).add(b));
        const cell = jax.jit((z: JaxArray, w: JaxArray, c: JaxArray) => {
          const next = np.tanh(np.matmul(z.ref, w).add(c));
          return [next.ref, np.square(next.sub(z)).sum()] as const;
        });
        const solve = (): Float32Array => {
          const c = project(x.ref, u.ref, b.ref);
          let z = np.zeros([batch, d]);
          for (let k = 0; k < maxSteps; k++) {
            const [next, change] = cell(z, w.ref, c.ref);
            z = next;
            if (!(change.dataSync()[0]! > bound)) break;
          }
          c.dispose();
          return z.dataSync();
        };
        return {
          run(n) {
            for (let i = 0; i < n; i++) solve();
          },
          check: () => fingerprint(solve()),
        };
      },
    },
    tfjs((w, u, b, x) => {
      const c = x.matMul(u).add(b);
      let z = c.tanh();
      for (let k = 1; k < maxSteps; k++) {
        const next = z.matMul(w).add(c).tanh();
        const change = next.sub(z).square().sum().dataSync()[0]!;
        z = next;
        if (!(change > bound)) break;
      }
      return [z];
    }),
  ],
};

const [WIDE, WIDE_BATCH] = [512, 64];

/** The same with wide layers, where the product is most of the work. */
export const deqWide: Case = {
  name: "deq-wide",
  title: `DEQ d ${WIDE}, batch ${WIDE_BATCH}: z = tanh(zW + c) until it stands still`,
  entries: onBackends({
    args: () => [
      np.array(noise(WIDE * WIDE, 4, 0.1)).reshape([WIDE, WIDE]),
      np.array(noise(WIDE_BATCH * WIDE, 5, 1)).reshape([WIDE_BATCH, WIDE]),
    ],
    f: (w, c) => [iterated(w!, c!)],
  }),
};

/** The gradient of sum(z^2) by the implicit function theorem. */
function implicitGradient(adjoint: Adjoint) {
  return (w: NDArray, u: NDArray, b: NDArray, x: NDArray): NDArray[] => {
    const loss = (w: NDArray, u: NDArray, b: NDArray): NDArray => {
      const c = x.matmul(u).add(b);
      const stop = { rtol: 0, atol: tolerance, maxSteps: maxSteps + 1 };
      const f = (z: NDArray): NDArray => np.tanh(z.matmul(w).add(c));
      return fixedPoint(f, np.zeros([batch, d]), { solver: damped(), adjoint, ...stop }).value
        .square().sum();
    };
    return grad(loss, { argnums: [0, 1, 2] })(w, u, b);
  };
}

/** The gradient of the sum of squares after 30 steps, with respect to the weights. */
export const deqGradient: Case = {
  name: "deq-gradient",
  title: "DEQ d 64, batch 32: gradient of sum(z^2) after 30 steps, by W, U and b",
  entries: [
    ...(["cpu", "onnx"] as const).map((backend) =>
      injax(lines[backend], (w, u, b, x) => {
        const loss = (w: NDArray, u: NDArray, b: NDArray): NDArray => {
          const c = x.matmul(u).add(b);
          const z = foriLoop(
            0,
            maxSteps,
            (_, z) => np.tanh(z.matmul(w).add(c)),
            np.zeros([batch, d]),
          );
          return z.square().sum();
        };
        return grad(loss, { argnums: [0, 1, 2] })(w, u, b);
      }, { backend })
    ),
    // By default the adjoint system is solved with acceleration; this map contracts well enough without.
    injax("injax implicit", implicitGradient(implicit()), { tolerance: 10 * OTHER_TEST }),
    injax("injax implicit, memory 0", implicitGradient(implicit({ memory: 0 })), {
      tolerance: 10 * OTHER_TEST,
    }),
    {
      library: "onnx by hand",
      async prepare() {
        const { session, feeds, outputs } = await byHand(deqGradientModel(), data);
        const read = (): Float32Array[] => session.run(feeds, outputs).slice(1).map(floats);
        return {
          run(n) {
            for (let i = 0; i < n; i++) read();
          },
          check: () => fingerprint(...read()),
        };
      },
    },
    {
      library: "jax-js",
      async prepare() {
        const jax = await loadJaxJs();
        const np = jax.numpy;
        const args = await jaxJsArrays();
        const loss = (w: JaxArray, u: JaxArray, b: JaxArray, x: JaxArray): JaxArray => {
          const c = np.matmul(x, u).add(b);
          let z = np.tanh(c.ref);
          for (let k = 1; k < maxSteps; k++) z = np.tanh(np.matmul(z, w.ref).add(c.ref));
          w.dispose();
          c.dispose();
          return np.square(z).sum();
        };
        const gradient = jax.jit(jax.grad(loss, { argnums: [0, 1, 2] }));
        const read = (): Float32Array[] =>
          gradient(...args.map((a) => a.ref)).map((g) => g.dataSync());
        return {
          run(n) {
            for (let i = 0; i < n; i++) read();
          },
          check: () => fingerprint(...read()),
        };
      },
    },
    {
      library: "tfjs wasm",
      async prepare() {
        const tf = await loadTf();
        const entry = tfjs((w, u, b, x) =>
          tf.grads((w, u, b) => {
            const c = x.matMul(u!).add(b!);
            let z = c.tanh();
            for (let k = 1; k < maxSteps; k++) z = z.matMul(w!).add(c).tanh();
            return z.square().sum();
          })([w, u, b])
        );
        return await entry.prepare();
      },
    },
  ],
};

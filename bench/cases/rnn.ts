/**
 * A recurrent network over a long sequence: what a step of a compiled loop costs, forwards and in
 * the gradient.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np, scan } from "../../mod.ts";
import { lines } from "../entries.ts";
import type { Case, Entry } from "../harness.ts";
import { rnnGradientModel, rnnModel } from "../onnx_graphs.ts";
import { byHand, floats, type JaxArray, loadJaxJs, loadTf, type TfTensor } from "../peers.ts";
import { fingerprint, rnn } from "../problems.ts";

const { hidden, inputs, steps } = rnn;
const data = { w: rnn.w, u: rnn.u, b: rnn.b, x: rnn.x };

type Weights = [w: NDArray, u: NDArray, b: NDArray];

/** All states; the inputs are projected at once, before the loop. */
function states([w, u, b]: Weights, x: NDArray): NDArray {
  const projected = x.matmul(u).add(b).reshape([steps, 1, hidden]);
  const step = (h: NDArray, x: NDArray): [NDArray, NDArray] => {
    const next = np.tanh(h.matmul(w).add(x));
    return [next, next];
  };
  return scan(step, np.zeros([1, hidden]), projected)[1];
}

/** The last state, likewise. */
function lastState([w, u, b]: Weights, x: NDArray): NDArray {
  const projected = x.matmul(u).add(b).reshape([steps, 1, hidden]);
  return scan(
    (h: NDArray, x: NDArray) => [np.tanh(h.matmul(w).add(x)), null],
    np.zeros([1, hidden]),
    projected,
  )[0];
}

/** The last state, written the usual way: the whole cell in the loop. */
function lastStateByCell([w, u, b]: Weights, x: NDArray): NDArray {
  return scan(
    (h: NDArray, x: NDArray) => [np.tanh(x.matmul(u).add(h.matmul(w)).add(b)), null],
    np.zeros([1, hidden]),
    x.reshape([steps, 1, inputs]),
  )[0];
}

function loss(all: NDArray): NDArray {
  return all.square().sum().mul(1 / steps);
}

function injax(
  library: string,
  f: (weights: Weights, x: NDArray) => NDArray[],
  backend: "cpu" | "onnx" = "cpu",
): Entry {
  return {
    library,
    prepare() {
      const compiled = jit(f, { backend });
      const weights: Weights = [
        np.array(rnn.w).reshape([hidden, hidden]),
        np.array(rnn.u).reshape([inputs, hidden]),
        np.array(rnn.b),
      ];
      const x = np.array(rnn.x).reshape([steps, inputs]);
      const read = (): ArrayLike<number>[] => compiled(weights, x).map((y) => y.dataSync());
      return {
        run(n) {
          for (let i = 0; i < n; i++) read();
        },
        check: () => fingerprint(...read()),
      };
    },
  };
}

/** TensorFlow.js's entries, on both of its CPU backends: for work this small, plain is faster. */
function tfjs(
  backend: string,
  f: (w: TfTensor, u: TfTensor, b: TfTensor, rows: TfTensor[], h: TfTensor) => TfTensor[],
): Entry {
  return {
    library: `tfjs ${backend}`,
    async prepare() {
      const tf = await loadTf();
      await tf.setBackend(backend);
      const [w, u] = [tf.tensor(rnn.w, [hidden, hidden]), tf.tensor(rnn.u, [inputs, hidden])];
      const b = tf.tensor(rnn.b, [hidden]);
      const rows = Array.from(
        { length: steps },
        (_, t) => tf.tensor(rnn.x.slice(t * inputs, (t + 1) * inputs), [1, inputs]),
      );
      const h = tf.zeros([1, hidden]);
      const read = (): Float32Array[] =>
        tf.tidy(() => f(w, u, b, rows, h).map((y) => y.dataSync()));
      return {
        enter: async () => void await tf.setBackend(backend),
        run(n) {
          for (let i = 0; i < n; i++) read();
        },
        check: () => fingerprint(...read()),
      };
    },
  };
}

function tfjsForward(backend: string): Entry {
  return tfjs(backend, (w, u, b, rows, h) => {
    for (const x of rows) h = x.matMul(u).add(h.matMul(w)).add(b).tanh();
    return [h];
  });
}

function tfjsGradient(backend: string): Entry {
  return {
    library: `tfjs ${backend}`,
    async prepare() {
      const tf = await loadTf();
      const entry = tfjs(backend, (w, u, b, rows, h0) =>
        tf.grads((w, u, b) => {
          let h = h0;
          const all = rows.map((x) => h = x.matMul(u!).add(h.matMul(w!)).add(b!).tanh());
          return tf.stack(all).square().sum().mul(1 / steps);
        })([w, u, b]));
      return await entry.prepare();
    },
  };
}

/** The arguments of jax-js: the weights, the inputs, and the inputs' rows. */
async function jaxJsArrays(): Promise<{ weights: JaxArray[]; rows: JaxArray[] }> {
  const { numpy: np } = await loadJaxJs();
  return {
    weights: [
      np.array(rnn.w).reshape([hidden, hidden]),
      np.array(rnn.u).reshape([inputs, hidden]),
      np.array(rnn.b),
    ],
    rows: Array.from(
      { length: steps },
      (_, t) => np.array(rnn.x.slice(t * inputs, (t + 1) * inputs)).reshape([1, inputs]),
    ),
  };
}

const jaxJsForward: Entry = {
  library: "jax-js",
  async prepare() {
    const jax = await loadJaxJs();
    const np = jax.numpy;
    const { weights, rows } = await jaxJsArrays();
    const cell = jax.jit((h: JaxArray, x: JaxArray, w: JaxArray, u: JaxArray, b: JaxArray) =>
      np.tanh(np.matmul(x, u).add(np.matmul(h, w)).add(b))
    );
    const [w, u, b] = weights as [JaxArray, JaxArray, JaxArray];
    const read = (): Float32Array => {
      let h = np.zeros([1, hidden]);
      for (const x of rows) h = cell(h, x.ref, w.ref, u.ref, b.ref);
      return h.dataSync();
    };
    return {
      run(n) {
        for (let i = 0; i < n; i++) read();
      },
      check: () => fingerprint(read()),
    };
  },
};

/**
 * jax-js with the loop inside of jit, where it is unrolled. Its gradient overflows the usual stack; to
 * see it: `ulimit -s unlimited; deno run -A --v8-flags=--stack-size=16000 bench/main.ts --slow`.
 */
function jaxJsUnrolled(gradient: boolean): Entry {
  return {
    library: "jax-js unrolled",
    async prepare() {
      const jax = await loadJaxJs();
      const np = jax.numpy;
      const { weights, rows } = await jaxJsArrays();
      const last = (
        w: JaxArray,
        u: JaxArray,
        b: JaxArray,
        rows: JaxArray[],
        each: (h: JaxArray) => void,
      ): JaxArray => {
        let h = np.zeros([1, hidden]);
        for (const x of rows) {
          h = np.tanh(np.matmul(x, u.ref).add(np.matmul(h, w.ref)).add(b.ref));
          each(h);
        }
        [w, u, b].forEach((a) => a.dispose());
        return h;
      };
      const loss = (w: JaxArray, u: JaxArray, b: JaxArray, ...rows: JaxArray[]): JaxArray => {
        const all: JaxArray[] = [];
        last(w, u, b, rows, (h) => all.push(h.ref)).dispose();
        return np.square(np.concatenate(all)).sum().mul(1 / steps);
      };
      const f = gradient
        ? jax.jit(jax.grad(loss, { argnums: [0, 1, 2] }))
        : jax.jit((...[w, u, b, ...rows]: JaxArray[]) => [last(w!, u!, b!, rows, () => {})]);
      const read = (): Float32Array[] =>
        f(...[...weights, ...rows].map((a) => a.ref)).map((y) => y.dataSync());
      return {
        run(n) {
          for (let i = 0; i < n; i++) read();
        },
        check: () => fingerprint(...read()),
      };
    },
  };
}

/** The last state. `slow` adds what takes minutes to compile. */
export function rnnForward(slow: boolean): Case {
  return {
    name: "rnn-forward",
    title: "RNN, 1000 steps, hidden 32, batch 1: last state",
    entries: [
      injax(lines.cpu, (weights, x) => [lastState(weights, x)]),
      injax(lines.onnx, (weights, x) => [lastState(weights, x)], "onnx"),
      injax("injax, cell in the loop", (weights, x) => [lastStateByCell(weights, x)]),
      {
        library: "onnx by hand",
        async prepare() {
          const { session, feeds, outputs } = await byHand(rnnModel(), data);
          const read = (): Float32Array => floats(session.run(feeds, outputs)[0]!);
          return {
            run(n) {
              for (let i = 0; i < n; i++) read();
            },
            check: () => fingerprint(read()),
          };
        },
      },
      jaxJsForward,
      ...(slow ? [jaxJsUnrolled(false)] : []),
      tfjsForward("wasm"),
      tfjsForward("cpu"),
    ],
  };
}

/** The gradient with respect to the weights. `slow` adds what takes minutes to compile. */
export function rnnGradient(slow: boolean): Case {
  return {
    name: "rnn-gradient",
    title: "RNN, 1000 steps, hidden 32, batch 1: gradient of mean(h^2) by W, U and b",
    entries: [
      injax(lines.cpu, (weights, x) => grad((p: Weights) => loss(states(p, x)))(weights)),
      injax(lines.onnx, (weights, x) => grad((p: Weights) => loss(states(p, x)))(weights), "onnx"),
      {
        library: "onnx by hand",
        async prepare() {
          const { session, feeds, outputs } = await byHand(rnnGradientModel(), data);
          const read = (): Float32Array[] => session.run(feeds, outputs).slice(1).map(floats);
          return {
            run(n) {
              for (let i = 0; i < n; i++) read();
            },
            check: () => fingerprint(...read()),
          };
        },
      },
      ...(slow ? [jaxJsUnrolled(true)] : []),
      tfjsGradient("wasm"),
      tfjsGradient("cpu"),
    ],
  };
}

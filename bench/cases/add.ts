/**
 * The cost of one operation on next to nothing: dispatch alone. A chain of a hundred additions of
 * four numbers, each to the result of the one before, and then the result is read.
 *
 * @module
 */
import { jit, type NDArray, numpy as np } from "../../mod.ts";
import { lines } from "../entries.ts";
import type { Case, Contender, Entry } from "../harness.ts";
import { addModel } from "../onnx_graphs.ts";
import { byHand, floats, loadJaxJs, loadOrtPublic, loadTf } from "../peers.ts";
import { fingerprint } from "../problems.ts";

const CHAIN = 100;
/** Work this small is timed by the thousand. */
const MICRO_BATCH_MS = 20;
const VALUES = Float32Array.of(0.001, 0.002, -0.003, 0.004);

/** A contender from a chain of `n` additions that gives the elements of the result. */
function chains(chain: (n: number) => ArrayLike<number>): Contender {
  return {
    run(n) {
      for (; n > CHAIN; n -= CHAIN) chain(CHAIN);
      chain(n);
    },
    check: () => fingerprint(chain(5)),
  };
}

function injaxChain(add: (x: NDArray, y: NDArray) => NDArray): Contender {
  const x = np.array(VALUES);
  return chains((n) => {
    let y = x;
    for (let i = 0; i < n; i++) y = add(y, x);
    return y.dataSync();
  });
}

async function jaxJsChain(jitted: boolean): Promise<Contender> {
  const jax = await loadJaxJs();
  type A = ReturnType<typeof jax.numpy.array>;
  const plain = (x: A, y: A): A => x.add(y);
  const add = jitted ? jax.jit(plain) : plain;
  const x = jax.numpy.array(VALUES);
  return chains((n) => {
    let y = x.ref;
    for (let i = 0; i < n; i++) y = add(y, x.ref);
    return y.dataSync();
  });
}

function tfjsChain(backend: string): Entry {
  return {
    library: `tfjs ${backend}`,
    async prepare() {
      const tf = await loadTf();
      await tf.setBackend(backend);
      const x = tf.tensor(VALUES, [4]);
      const contender = chains((n) =>
        tf.tidy(() => {
          let y = x;
          for (let i = 0; i < n; i++) y = y.add(x);
          return y.dataSync();
        })
      );
      return { ...contender, enter: async () => void await tf.setBackend(backend) };
    },
  };
}

/** One operation, at once. */
export const eagerAdd: Case = {
  name: "eager-add",
  minBatchMs: MICRO_BATCH_MS,
  title: "eager x.add(y) on [4], per operation",
  entries: [
    { library: "injax", prepare: () => injaxChain((x, y) => x.add(y)) },
    { library: "jax-js", prepare: () => jaxJsChain(false) },
    tfjsChain("wasm"),
    tfjsChain("cpu"),
  ],
};

/** One call of a compiled function. */
export const jittedAdd: Case = {
  name: "jit-add",
  minBatchMs: MICRO_BATCH_MS,
  title: "jit(add) on [4], per call",
  entries: [
    ...(["cpu", "onnx"] as const).map((backend) => ({
      library: lines[backend],
      prepare: () => injaxChain(jit((x: NDArray, y: NDArray) => x.add(y), { backend })),
    })),
    {
      library: "onnx by hand",
      async prepare() {
        const { session, feeds, outputs } = await byHand(addModel(), { a: VALUES, b: VALUES });
        const [x, b] = [feeds[0]!, feeds[1]!];
        const results = [outputs, session.run(feeds)];
        return chains((n) => {
          let y = x;
          for (let i = 0; i < n; i++) y = session.run([y, b], results[i & 1]!)[0]!;
          return floats(y);
        });
      },
    },
    {
      library: "onnxruntime-web",
      async prepare() {
        const ort = await loadOrtPublic();
        const session = await ort.InferenceSession.create(addModel().bytes);
        const name = session.outputNames[0]!;
        const x = new ort.Tensor("float32", VALUES, [4]);
        const chain = async (n: number): Promise<Float32Array> => {
          let y = x;
          for (let i = 0; i < n; i++) y = (await session.run({ a: y, b: x }))[name]!;
          return y.data;
        };
        return {
          async run(n) {
            for (; n > CHAIN; n -= CHAIN) await chain(CHAIN);
            await chain(n);
          },
          check: async () => fingerprint(await chain(5)),
        };
      },
    },
    { library: "jax-js", prepare: () => jaxJsChain(true) },
  ],
};

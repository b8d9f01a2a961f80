/**
 * Training a small classifier: one step is the forward pass, the gradient, the update of all
 * parameters, and reading the loss.
 *
 * @module
 */
import { jit, type NDArray, nn, numpy as np, treeMap, valueAndGrad } from "../../mod.ts";
import { lines } from "../entries.ts";
import type { Case, Contender } from "../harness.ts";
import { mlpModel, mlpShapes } from "../onnx_graphs.ts";
import { byHand, floats, type JaxArray, loadJaxJs, loadTf, type TfTensor } from "../peers.ts";
import { fingerprint, mlp } from "../problems.ts";

const { batch, rate, sizes } = mlp;
const shapes = mlpShapes();
const initial = shapes.map((_, i) => (i % 2 === 0 ? mlp.weights : mlp.biases)[i >> 1]!);

/** A contender from a step that gives the loss, and a way back to the first parameters. */
function training(reset: () => void, step: () => number): Contender {
  return {
    enter: reset,
    run(n) {
      for (let i = 0; i < n; i++) step();
    },
    check: () => fingerprint([step(), step(), step(), step(), step()]),
  };
}

/** Forward, gradient and update. */
export const mlpStep: Case = {
  name: "mlp-step",
  title: "MLP 64-256-256-10, batch 64: forward, gradient, SGD, loss read",
  entries: [
    ...(["cpu", "onnx"] as const).map((backend) => ({
      library: lines[backend],
      prepare() {
        const loss = (params: NDArray[], x: NDArray, y: NDArray): NDArray => {
          let h = x;
          for (let i = 0; i < params.length; i += 2) {
            h = h.matmul(params[i]!).add(params[i + 1]!);
            if (i + 2 < params.length) h = nn.relu(h);
          }
          return nn.logSoftmax(h).mul(y).sum().mul(-1 / batch);
        };
        const step = jit((params: NDArray[], x: NDArray, y: NDArray): [NDArray[], NDArray] => {
          const [value, grads] = valueAndGrad(loss)(params, x, y);
          return [treeMap((p, g) => p.sub(g.mul(rate)), params, grads), value];
        }, { backend });
        const first = shapes.map(([, shape], i) => np.array(initial[i]!).reshape(shape));
        const x = np.array(mlp.x).reshape([batch, sizes[0]]);
        const y = np.array(mlp.y).reshape([batch, sizes[3]]);
        let params = first;
        return training(() => params = first, () => {
          const [next, value] = step(params, x, y);
          params = next;
          return value.item();
        });
      },
    })),
    {
      library: "onnx by hand",
      async prepare() {
        const parameters = Object.fromEntries(shapes.map(([name], i) => [name, initial[i]!]));
        const { session, feeds, outputs } = await byHand(mlpModel(), {
          ...parameters,
          x: mlp.x,
          y: mlp.y,
        });
        // Steps write to two sets of outputs in turn, each of which is the next step's input.
        const first = feeds.slice(0, 6);
        const data = feeds.slice(6);
        const results = [outputs, session.run(feeds)];
        let params = first;
        let turn = 0;
        return training(() => params = first, () => {
          turn ^= 1;
          const out = session.run([...params, ...data], results[turn]!);
          params = out.slice(0, 6);
          return floats(out[6]!)[0]!;
        });
      },
    },
    {
      library: "jax-js",
      async prepare() {
        const jax = await loadJaxJs();
        const np = jax.numpy;
        const loss = (params: JaxArray[], x: JaxArray, y: JaxArray): JaxArray => {
          let h = x;
          for (let i = 0; i < params.length; i += 2) {
            h = np.matmul(h, params[i]!).add(params[i + 1]!);
            if (i + 2 < params.length) h = jax.nn.relu(h);
          }
          return jax.nn.logSoftmax(h).mul(y).sum().mul(-1 / batch);
        };
        const step = jax.jit((params: JaxArray[], x: JaxArray, y: JaxArray) => {
          const [value, grads] = jax.valueAndGrad((p: JaxArray[]) => loss(p, x, y))(
            params.map((p) => p.ref),
          );
          return [params.map((p, i) => p.sub(grads[i]!.mul(rate))), value] as const;
        });
        const first = shapes.map(([, shape], i) => np.array(initial[i]!).reshape(shape));
        const x = np.array(mlp.x).reshape([batch, sizes[0]]);
        const y = np.array(mlp.y).reshape([batch, sizes[3]]);
        let params = first.map((p) => p.ref);
        return training(() => {
          params.forEach((p) => p.dispose());
          params = first.map((p) => p.ref);
        }, () => {
          const [next, value] = step(params, x.ref, y.ref);
          params = next;
          return value.dataSync()[0]!;
        });
      },
    },
    {
      library: "tfjs wasm",
      async prepare() {
        const tf = await loadTf();
        await tf.setBackend("wasm");
        const first = shapes.map(([, shape], i) => tf.tensor(initial[i]!, shape));
        const params = first.map((p) => tf.variable(p));
        const x = tf.tensor(mlp.x, [batch, sizes[0]]);
        const y = tf.tensor(mlp.y, [batch, sizes[3]]);
        const loss = (): TfTensor => {
          let h = x;
          for (let i = 0; i < params.length; i += 2) {
            h = h.matMul(params[i]!).add(params[i + 1]!);
            if (i + 2 < params.length) h = h.relu();
          }
          return tf.logSoftmax(h).mul(y).sum().mul(-1 / batch);
        };
        const optimizer = tf.train.sgd(rate);
        const contender = training(
          () => {},
          () => tf.tidy(() => optimizer.minimize(loss, true).dataSync()[0]!),
        );
        return {
          ...contender,
          async enter() {
            await tf.setBackend("wasm");
            params.forEach((p, i) => p.assign(first[i]!));
          },
        };
      },
    },
  ],
};

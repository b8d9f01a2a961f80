/**
 * Convolutions and pooling of images: one of many features, one that takes each feature by itself, and the
 * largest of each window. Results stay where the library keeps them.
 *
 * @module
 */
import { type NDArray, numpy as np } from "../../mod.ts";
import * as lax from "../../lib/api/lax.ts";
import { injax, jaxJs } from "../entries.ts";
import type { Case, Entry } from "../harness.ts";
import { convolutionModel, type HandModel, poolingModel } from "../onnx_graphs.ts";
import { byHand, floats, loadTf, type Tf, type TfTensor } from "../peers.ts";
import { fingerprint, noise } from "../problems.ts";

/** [batch, features, height, width]. */
const image = [1, 32, 32, 32] as const;
const [, FEATURES, HEIGHT, WIDTH] = image;
const SIZE = 3;

type Floats = Float32Array<ArrayBuffer>;
const pixels = (): Floats => noise(FEATURES * HEIGHT * WIDTH, 81, 2);
const weights = (features: number): Floats => noise(FEATURES * features * SIZE * SIZE, 82, 1);
const kernelShape = (features: number): number[] => [FEATURES, features, SIZE, SIZE];

function onnxByHand(model: HandModel, data: () => Readonly<Record<string, Floats>>): Entry {
  return {
    library: "onnx by hand",
    async prepare() {
      const { session, feeds, outputs } = await byHand(model, data());
      return {
        run(count) {
          for (let i = 0; i < count; i++) session.run(feeds, outputs);
        },
        check: () => fingerprint(floats(outputs[0]!)),
      };
    },
  };
}

/** TensorFlow.js, which has features last; the axes are turned before and, to compare, behind. */
function tfjs(
  args: (tf: Tf) => TfTensor[],
  f: (tf: Tf, ...args: TfTensor[]) => TfTensor,
): Entry {
  return {
    library: "tfjs wasm",
    async prepare() {
      const tf = await loadTf();
      await tf.setBackend("wasm");
      const values = args(tf);
      return {
        enter: async () => void await tf.setBackend("wasm"),
        run(n) {
          for (let i = 0; i < n; i++) tf.tidy(() => void f(tf, ...values));
        },
        check: () =>
          tf.tidy(() => fingerprint(tf.transpose(f(tf, ...values), [0, 3, 1, 2]).dataSync())),
      };
    },
  };
}
const turned = (tf: Tf): TfTensor => tf.transpose(tf.tensor(pixels(), image), [0, 2, 3, 1]);

function convolution(name: string, title: string, features: number): Case {
  const groups = FEATURES / features;
  const options = { featureGroupCount: groups };
  const shape = kernelShape(features);
  return {
    name,
    title,
    entries: [
      ...injax({
        args: () => [np.array(pixels()).reshape(image), np.array(weights(features)).reshape(shape)],
        f: (x, w) => [lax.convGeneralDilated(x!, w!, [1, 1], "SAME", options)],
        keep: true,
      }),
      onnxByHand(convolutionModel(image, shape, groups), () => ({
        x: pixels(),
        w: weights(features),
      })),
      jaxJs(
        ({ numpy: np }) => [
          np.array(pixels()).reshape(image),
          np.array(weights(features)).reshape(shape),
        ],
        ({ lax }, x, w) => [lax.convGeneralDilated(x!, w!, [1, 1], "SAME", options)],
        { keep: true },
      ),
      tfjs(
        (tf) => [
          turned(tf),
          tf.transpose(
            tf.tensor(weights(features), shape),
            groups === 1 ? [2, 3, 1, 0] : [2, 3, 0, 1],
          ),
        ],
        (tf, x, w) =>
          groups === 1 ? tf.conv2d(x!, w!, 1, "same") : tf.depthwiseConv2d(x!, w!, 1, "same"),
      ),
    ],
  };
}

const largest = (x: NDArray): NDArray =>
  lax.reduceWindow(x, -Infinity, "max", [1, 1, 2, 2], [1, 1, 2, 2]);

/** All of them. */
export const windowCases: readonly Case[] = [
  convolution("convolution", "3 x 3 convolution, 32 to 32 features of 32 x 32, float32", FEATURES),
  convolution("depthwise", "3 x 3 convolution of each of 32 features of 32 x 32, float32", 1),
  {
    name: "max-pool",
    title: "largest of 2 x 2, 32 features of 32 x 32, float32",
    entries: [
      ...injax({
        args: () => [np.array(pixels()).reshape(image)],
        f: (x) => [largest(x!)],
        keep: true,
      }),
      onnxByHand(poolingModel(image), () => ({ x: pixels() })),
      tfjs((tf) => [turned(tf)], (tf, x) => tf.maxPool(x!, 2, 2, "valid")),
    ],
  },
];

/**
 * A block of a transformer, forwards: products, softmax and normalisation as they follow each other in
 * practice.
 *
 * @module
 */
import { type NDArray, nn, numpy as np } from "../../mod.ts";
import { injax } from "../entries.ts";
import type { Case } from "../harness.ts";
import { noise } from "../problems.ts";

const [TOKENS, WIDTH, HEADS, HIDDEN] = [128, 128, 4, 512];
const DEPTH = WIDTH / HEADS;
const EPSILON = 1e-5;

const shapes = [
  [TOKENS, WIDTH],
  [WIDTH, 3 * WIDTH],
  [WIDTH, WIDTH],
  [WIDTH, HIDDEN],
  [HIDDEN],
  [HIDDEN, WIDTH],
  [WIDTH],
] as const;

function normalised(x: NDArray): NDArray {
  const centred = x.sub(x.mean(-1, { keepDims: true }));
  return centred.mul(np.rsqrt(centred.square().mean(-1, { keepDims: true }).add(EPSILON)));
}

/** `[tokens, width]` as `[heads, tokens, depth]` */
const byHead = (x: NDArray): NDArray => x.reshape([TOKENS, HEADS, DEPTH]).transpose([1, 0, 2]);

function attention(x: NDArray, projections: NDArray, out: NDArray): NDArray {
  const all = x.matmul(projections);
  const [q, k, v] = [0, 1, 2].map((i) =>
    byHead(all.slice([0, i * WIDTH], [TOKENS, (i + 1) * WIDTH]))
  ) as [NDArray, NDArray, NDArray];
  const weights = nn.softmax(q.matmul(k.transpose([0, 2, 1])).mul(DEPTH ** -0.5));
  return weights.matmul(v).transpose([1, 0, 2]).reshape([TOKENS, WIDTH]).matmul(out);
}

/** Attention, then two layers, each on normalised rows and added to what there was. */
export const transformerBlock: Case = {
  name: "transformer",
  title:
    `transformer block, ${TOKENS} tokens of ${WIDTH}, ${HEADS} heads, ${HIDDEN} hidden: forward`,
  entries: injax({
    args: () =>
      shapes.map((shape, i) =>
        np.array(noise(shape.reduce<number>((n, k) => n * k, 1), 51 + i, i === 0 ? 2 : 0.2))
          .reshape(shape)
      ),
    f: (x, projections, out, w1, b1, w2, b2) => {
      const attended = x!.add(attention(normalised(x!), projections!, out!));
      const hidden = nn.gelu(normalised(attended).matmul(w1!).add(b1!));
      return [attended.add(hidden.matmul(w2!).add(b2!))];
    },
  }),
};

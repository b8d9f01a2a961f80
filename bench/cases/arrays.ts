/**
 * Single operations and short chains on large arrays: what passes over memory costs, and sorting, random
 * numbers, looking up and adding up by index. Results stay where the library keeps them.
 *
 * @module
 */
import { type NDArray, nn, numpy as np, random } from "../../mod.ts";
import { injax, jaxJs, plain, tfjs, type Work } from "../entries.ts";
import type { Case } from "../harness.ts";
import type { JaxArray, TfTensor } from "../peers.ts";
import { noise } from "../problems.ts";

const COUNT = 1e6;
const ROUNDS = 10;

type Floats = Float32Array<ArrayBuffer>;
const first = (): Floats => noise(COUNT, 41, 1);
const second = (): Floats => noise(COUNT, 42, 1);
/** Places among a million, in no order and not all different. */
const places = (): Int32Array<ArrayBuffer> =>
  Int32Array.from(noise(COUNT, 43, 1), (v) => Math.min(COUNT - 1, Math.floor((v + 0.5) * COUNT)));

const onFirst = (): NDArray[] => [np.array(first())];

// ---------------------------------------------------------------- elementwise and rows

const chain: Work["f"] = (x, y) => {
  let z = x!;
  for (let i = 0; i < ROUNDS; i++) z = z.mul(y!).add(0.1 * i).sub(x!);
  return [z];
};

const [ROWS, COLUMNS] = [64, 256];
const EPSILON = 1e-5;
const table = (): Floats => noise(ROWS * COLUMNS, 44, 6);
const rows = (): NDArray[] => [np.array(table()).reshape([ROWS, COLUMNS])];

function normalised(x: NDArray): NDArray {
  const centred = x.sub(x.mean(-1, { keepDims: true }));
  return centred.mul(np.rsqrt(centred.square().mean(-1, { keepDims: true }).add(EPSILON)));
}

/** A loop over rows, from what to do with one. */
function byRow(f: (x: Floats, out: Floats) => void): () => () => Floats[] {
  return () => {
    const [x, out] = [table(), new Float32Array(ROWS * COLUMNS)];
    const views = Array.from({ length: ROWS }, (_, i) => {
      const [from, to] = [i * COLUMNS, (i + 1) * COLUMNS];
      return [x.subarray(from, to), out.subarray(from, to)] as const;
    });
    return () => {
      for (const [row, result] of views) f(row, result);
      return [out];
    };
  };
}

const elementwise: readonly Case[] = [
  {
    name: "chain-30",
    title: "30 cheap operations on 1e6 elements, float32",
    entries: [
      ...injax({ args: () => [first(), second()].map((x) => np.array(x)), f: chain, keep: true }),
      jaxJs(({ numpy: np }) => [np.array(first()), np.array(second())], (_, x, y) => {
        let z = x!.ref;
        for (let i = 0; i < ROUNDS; i++) z = z.mul(y!.ref).add(0.1 * i).sub(x!.ref);
        x!.dispose();
        y!.dispose();
        return [z];
      }, { keep: true }),
      tfjs((tf) => [tf.tensor(first(), [COUNT]), tf.tensor(second(), [COUNT])], (_, x, y) => {
        let z = x!;
        for (let i = 0; i < ROUNDS; i++) z = z.mul(y!).add(0.1 * i).sub(x!);
        return [z];
      }, true),
      plain(() => {
        const [x, y, out] = [first(), second(), new Float32Array(COUNT)];
        return () => {
          for (let k = 0; k < COUNT; k++) {
            let z = x[k]!;
            for (let i = 0; i < ROUNDS; i++) z = z * y[k]! + 0.1 * i - x[k]!;
            out[k] = z;
          }
          return [out];
        };
      }),
    ],
  },
  {
    name: "softmax",
    title: `softmax of the rows of [${ROWS},${COLUMNS}], float32`,
    entries: [
      ...injax({ args: rows, f: (x) => [nn.softmax(x!)], keep: true }),
      jaxJs(
        ({ numpy: np }) => [np.array(table()).reshape([ROWS, COLUMNS])],
        ({ nn }, x) => [nn.softmax(x!)],
        { keep: true },
      ),
      tfjs(
        (tf) => [tf.tensor(table(), [ROWS, COLUMNS])],
        (tf, x) => [tf.softmax(x!)],
        true,
      ),
      plain(byRow((x, out) => {
        let [most, total] = [-Infinity, 0];
        for (let j = 0; j < COLUMNS; j++) most = Math.max(most, x[j]!);
        for (let j = 0; j < COLUMNS; j++) total += out[j] = Math.exp(x[j]! - most);
        for (let j = 0; j < COLUMNS; j++) out[j]! /= total;
      })),
    ],
  },
  {
    name: "layer-norm",
    title: `normalising the rows of [${ROWS},${COLUMNS}], float32`,
    entries: [
      ...injax({ args: rows, f: (x) => [normalised(x!)], keep: true }),
      plain(byRow((x, out) => {
        let [sum, squares] = [0, 0];
        for (let j = 0; j < COLUMNS; j++) sum += x[j]!;
        const mean = sum / COLUMNS;
        for (let j = 0; j < COLUMNS; j++) squares += (x[j]! - mean) ** 2;
        const scale = 1 / Math.sqrt(squares / COLUMNS + EPSILON);
        for (let j = 0; j < COLUMNS; j++) out[j] = (x[j]! - mean) * scale;
      })),
    ],
  },
];

// ---------------------------------------------------------------- order, chance and places

const jaxPair = (values: JaxArray, indices: JaxArray): JaxArray[] => [values, indices];
const tfPair = (values: TfTensor, indices: TfTensor): TfTensor[] => [values, indices];

const others: readonly Case[] = [
  {
    name: "sort",
    title: "sorting 1e6 elements, float32",
    entries: [
      ...injax({ args: onFirst, f: (x) => [np.sort(x!)], keep: true }),
      jaxJs(({ numpy: np }) => [np.array(first())], ({ numpy: np }, x) => [np.sort(x!)], {
        keep: true,
      }),
      plain(() => {
        const x = first();
        return () => [x.slice().sort()];
      }),
    ],
  },
  {
    name: "random-normal",
    title: "random.normal of 1e6 elements, float32",
    entries: [
      ...injax({ args: () => [random.key(7)], f: (k) => [random.normal(k!, [COUNT])], keep: true }),
      jaxJs(({ random }) => [random.key(7)], ({ random }, k) => [random.normal(k!, [COUNT])], {
        keep: true,
        // Other bits of the same distribution, if it draws otherwise.
        tolerance: 1e-2,
      }),
    ],
  },
  {
    name: "take",
    title: "looking up 1e6 of 1e6 elements, float32",
    entries: [
      ...injax({
        args: () => [np.array(first()), np.array(places(), { dtype: "int32" })],
        f: (x, at) => [np.take(x!, at!)],
        keep: true,
      }),
      jaxJs(
        ({ numpy: np }) => jaxPair(np.array(first()), np.array(places())),
        ({ numpy: np }, x, at) => [np.take(x!, at!)],
        { keep: true },
      ),
      tfjs(
        (tf) => tfPair(tf.tensor(first(), [COUNT]), tf.tensor(places(), [COUNT], "int32")),
        (tf, x, at) => [tf.gather(x!, at!)],
        true,
      ),
      plain(() => {
        const [x, at, out] = [first(), places(), new Float32Array(COUNT)];
        return () => {
          for (let i = 0; i < COUNT; i++) out[i] = x[at[i]!]!;
          return [out];
        };
      }),
    ],
  },
  {
    name: "add-at",
    title: "adding 1e6 numbers at places of 1e6, float32",
    entries: [
      ...injax({
        args: () => [
          np.array(first()),
          np.array(places(), { dtype: "int32" }),
          np.array(second()),
        ],
        f: (x, at, y) => [np.addAt(x!, at!, y!)],
        keep: true,
      }),
      plain(() => {
        const [x, at, y] = [first(), places(), second()];
        return () => {
          const out = x.slice();
          for (let i = 0; i < COUNT; i++) out[at[i]!]! += y[i]!;
          return [out];
        };
      }),
    ],
  },
];

/** All of them. */
export const arrayCases: readonly Case[] = [...elementwise, ...others];

/**
 * The problems that all libraries solve: their sizes and their data, which is the same everywhere
 * and in every run.
 *
 * @module
 */

type Floats = Float32Array<ArrayBuffer>;
/** Sizes and numbers by name. */
type Sizes<K extends string> = Readonly<Record<K, number>>;
/** Data by name. */
type Data<K extends string> = Readonly<Record<K, Floats>>;

/** Numbers in [-0.5, 0.5) times `scale` from a linear congruential generator. */
export function noise64(
  count: number,
  seed: number,
  scale: number,
): Float64Array<ArrayBuffer> {
  const values = new Float64Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    values[i] = scale * (state / 2 ** 32 - 0.5);
  }
  return values;
}

/** The same in single precision. */
export function noise(count: number, seed: number, scale: number): Floats {
  return Float32Array.from(noise64(count, seed, scale));
}

/** A classifier with two hidden layers, trained by gradient descent on one batch. */
export const mlp: Sizes<"batch" | "rate"> & Data<"x" | "y"> & {
  readonly sizes: readonly [number, number, number, number];
  readonly weights: readonly Floats[];
  readonly biases: readonly Floats[];
} = {
  sizes: [64, 256, 256, 10],
  batch: 64,
  rate: 0.1,
  weights: [noise(64 * 256, 3, 0.3), noise(256 * 256, 4, 0.15), noise(256 * 10, 5, 0.15)],
  biases: [new Float32Array(256), new Float32Array(256), new Float32Array(10)],
  x: noise(64 * 64, 6, 2),
  /** Classes, one-hot. */
  y: oneHot(64, 10),
};

function oneHot(rows: number, classes: number): Floats {
  const values = new Float32Array(rows * classes);
  const draws = noise(rows, 7, 1);
  for (let i = 0; i < rows; i++) values[i * classes + Math.floor((draws[i]! + 0.5) * classes)] = 1;
  return values;
}

/**
 * A deep equilibrium layer: `z = tanh(z W + x U + b)` by iteration from 0, until the 2-norm of the
 * change is at most `tolerance`, at most `maxSteps` times. With this data that takes 30 steps.
 */
export const deq: Sizes<"batch" | "d" | "maxSteps" | "tolerance"> & Data<"w" | "u" | "b" | "x"> = {
  batch: 32,
  d: 64,
  maxSteps: 30,
  tolerance: 1e-4,
  w: noise(64 * 64, 8, 0.306),
  u: noise(64 * 64, 9, 0.2),
  b: noise(64, 10, 0.5),
  x: noise(32 * 64, 11, 2),
};

/** A recurrent network, `h = tanh(x U + h W + b)`, from 0. */
export const rnn: Sizes<"steps" | "inputs" | "hidden"> & Data<"w" | "u" | "b" | "x"> = {
  steps: 1000,
  inputs: 32,
  hidden: 32,
  w: noise(32 * 32, 12, 0.5),
  u: noise(32 * 32, 13, 0.5),
  b: noise(32, 14, 0.2),
  x: noise(1000 * 32, 15, 2),
};

/** A loop whose compilation is timed: `z = tanh(z W + b)`, 1000 times. */
export const loop: Sizes<"n" | "steps"> & Data<"w" | "b" | "z"> = {
  n: 16,
  steps: 1000,
  w: noise(16 * 16, 16, 0.5),
  b: noise(16, 17, 0.5),
  z: noise(16 * 16, 18, 1),
};

/**
 * A number that tells arrays apart and does not suffer from cancellation: a sum of values weighted
 * by position and sign.
 */
export function fingerprint(...arrays: readonly ArrayLike<number>[]): number {
  let total = 0;
  let at = 0;
  for (const values of arrays) {
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!;
      total += (1 + (at++ % 7) / 7) * (Math.abs(v) + v / 2);
    }
  }
  return total;
}

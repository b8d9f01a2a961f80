/**
 * Layers that do the work: with weights of their own, or functions.
 *
 * @module
 */
import { checkCall, describeValue, formatAval, type OptionTable } from "../../lib/extend.ts";
import {
  NDArray,
  nn,
  numpy as np,
  random,
  type ShapeDtype,
  ShapeError,
  special,
  StateError,
} from "../../mod.ts";
import {
  GlorotUniformInitializer,
  type Initializer,
  RandomNormalInitializer,
  ScaledInitializer,
} from "./initializers.ts";
import { Layer } from "./layer.ts";
import { listOf, type Signature, type Tensors } from "./tensors.ts";

/** Checks a size. */
export function checkSize(op: string, what: string, size: unknown): void {
  if (Number.isInteger(size) && (size as number) >= 1) return;
  throw new ShapeError(`${op}: ${what} must be a positive integer, not ${describeValue(size)}`);
}

/**
 * The weights of a layer, of these names: a list, and of one name the array itself.
 *
 * @throws {StateError} where there are none yet, or others.
 */
export function weightsOf<W = NDArray>(
  { name, weights }: { readonly name: string; readonly weights: unknown },
  ...names: readonly string[]
): readonly W[] {
  if (Array.isArray(weights) && weights.length === 0) {
    throw new StateError(
      `${name} has no weights yet. Call init(tl.signature(x), random.key(0)) on the model before`,
    );
  }
  const list = Array.isArray(weights) ? weights as W[] : [weights as W];
  if (list.length === names.length && Array.isArray(weights) === names.length > 1) return list;
  const [only] = list;
  const found = Array.isArray(weights)
    ? `a list of ${list.length}`
    : only instanceof NDArray
    ? `an array ${formatAval(only.aval)}`
    : describeValue(only);
  throw new StateError(
    `${name}: its weights must be ${
      names.length === 1 ? names[0] : `[${names.join(", ")}]`
    }, not ${found}. Were they made for another model, or with other options?`,
  );
}

class Pure<I extends Tensors, O extends Tensors> extends Layer<I, O> {
  constructor(readonly f: (...xs: NDArray[]) => O, nIn: number, nOut: number, name: string) {
    super({ nIn, nOut, name });
  }

  override forward(inputs: I): O {
    return this.f(...listOf(inputs as Tensors) as NDArray[]);
  }
}

/**
 * A layer that applies a function, of as many arrays as it has parameters. `nOut` is how many it gives: one
 * as it is, several as a list, none as `[]`.
 *
 * @throws {TypeError} where parameters of the function are optional, or take the rest.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const layer = tl.Fn("SumAndMax", (x: NDArray, y: NDArray) => [x.add(y), np.maximum(x, y)], 2);
 * console.log(layer.nIn, layer.call([np.array(1), np.array(2)])[0]!.item()); // 2 3
 * ```
 */
export function Fn(name: string, f: (x: NDArray) => NDArray): Layer<NDArray, NDArray>;
/** Of another number of arrays. */
export function Fn<O extends Tensors>(
  name: string,
  f: (...xs: NDArray[]) => O,
  nOut?: number,
): Layer<readonly NDArray[], O>;
export function Fn(
  name: string,
  f: (...xs: NDArray[]) => Tensors,
  nOut = 1,
): Layer<Tensors, Tensors> {
  if (arguments.length > 3) checkCall("tl.Fn(name, f, nOut)", arguments);
  if (typeof f !== "function") {
    throw new TypeError(
      `tl.Fn: f must be a function, not ${describeValue(f)}. Write tl.Fn("Name", (x) => ...)`,
    );
  }
  // Parameters that are optional, or take the rest, do not count in a function's length.
  const text = String(f).replace(/=>[\s\S]*$/, "").replace(/\{[\s\S]*$/, "");
  if (/\.\.\.|=/.test(text)) {
    throw new TypeError(
      `tl.Fn: the parameters of ${name} say how many arrays it takes, so none may be optional or take the rest`,
    );
  }
  return new Pure<Tensors, Tensors>(f, f.length, nOut, name);
}

/** As `Fn`, of a number of arrays that is given. */
export function fnOf(
  name: string,
  f: (...xs: NDArray[]) => Tensors,
  nIn: number,
  nOut: number,
): Layer<Tensors, Tensors> {
  return new Pure<Tensors, Tensors>(f, nIn, nOut, name);
}

/** Options of `Dense`. */
export interface DenseOptions {
  /** Of the weights [inputs, units] (default `GlorotUniformInitializer()`). */
  readonly kernelInitializer?: Initializer | undefined;
  /** Of the bias [units] (default `RandomNormalInitializer(1e-6)`). */
  readonly biasInitializer?: Initializer | undefined;
  /** Whether to add a bias (default true). */
  readonly useBias?: boolean | undefined;
}

const denseOptions: OptionTable<DenseOptions> = {
  useBias: "boolean",
  kernelInitializer: "function",
  biasInitializer: "function",
};

class DenseLayer extends Layer<NDArray, NDArray> {
  constructor(readonly nUnits: number, readonly options: DenseOptions) {
    super({ name: `Dense_${nUnits}` });
  }

  override initWeightsAndState(x: ShapeDtype): void {
    const { kernelInitializer, biasInitializer, useBias = true } = this.options;
    const inputs = x.shape.at(-1);
    if (inputs === undefined) {
      throw new ShapeError(`${this.name}: the input must have at least one axis, not be ${x}`);
    }
    const keys = random.split(this.rng, 2);
    const w = (kernelInitializer ?? GlorotUniformInitializer())([inputs, this.nUnits], keys.at(0));
    const b = (biasInitializer ?? RandomNormalInitializer(1e-6))([this.nUnits], keys.at(1));
    this.weights = useBias ? [w, b] : w;
  }

  override forward(x: NDArray): NDArray {
    const [w, b] = weightsOf(this, "w", ...(this.options.useBias ?? true) ? ["b"] : []);
    const out = np.matmul(x, w!);
    return b === undefined ? out : out.add(b);
  }
}

/**
 * `x w + b` over the last axis. Weights `[w, b]`, of shapes [inputs, units] and [units]; without bias `w`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const x = np.ones([5, 3]);
 * const layer = tl.Dense(2);
 * layer.init(tl.signature(x), random.key(0));
 * console.log(layer.call(x).shape); // [ 5, 2 ]
 * ```
 */
export function Dense(nUnits: number, options: DenseOptions = {}): Layer<NDArray, NDArray> {
  checkCall("tl.Dense(nUnits, options)", arguments, denseOptions);
  checkSize("tl.Dense", "nUnits", nUnits);
  return new DenseLayer(nUnits, options);
}

/** Options of `Embedding`. */
export interface EmbeddingOptions {
  /** Of the vectors [number, features]. */
  readonly kernelInitializer?: Initializer | undefined;
}

const embeddingOptions: OptionTable<EmbeddingOptions> = { kernelInitializer: "function" };

class EmbeddingLayer extends Layer<NDArray, NDArray> {
  constructor(readonly shape: readonly [number, number], readonly options: EmbeddingOptions) {
    super({ name: `Embedding_${shape[0]}_${shape[1]}` });
  }

  override initWeightsAndState(): void {
    const make = this.options.kernelInitializer ?? ScaledInitializer({ mode: "fan_out" });
    this.weights = make(this.shape, this.rng);
  }

  override forward(x: NDArray): NDArray {
    const [table] = weightsOf(this, "table");
    return np.take(table!, x.clip(0, this.shape[0] - 1), 0);
  }
}

/** A vector for each whole number below `vocabSize`; what is out of range counts as the nearest in it. */
export function Embedding(
  vocabSize: number,
  dFeature: number,
  options: EmbeddingOptions = {},
): Layer<NDArray, NDArray> {
  checkCall("tl.Embedding(vocabSize, dFeature, options)", arguments, embeddingOptions);
  checkSize("tl.Embedding", "vocabSize", vocabSize);
  checkSize("tl.Embedding", "dFeature", dFeature);
  return new EmbeddingLayer([vocabSize, dFeature], options);
}

/** What a layer is for: training, or using it. */
export type Mode = "train" | "eval" | "predict";

/** Options of `Dropout`. */
export interface DropoutOptions {
  /** Axes along which the same elements are dropped. */
  readonly sharedAxes?: readonly number[] | undefined;
  /** Nothing is dropped unless it is `"train"` (the default). */
  readonly mode?: Mode | undefined;
}

const dropoutOptions: OptionTable<DropoutOptions> = { mode: "string", sharedAxes: "shape" };

class DropoutLayer extends Layer<NDArray, NDArray> {
  constructor(readonly rate: number, readonly options: DropoutOptions) {
    super({ name: "Dropout" });
  }

  override forward(x: NDArray): NDArray {
    const { sharedAxes = [], mode = "train" } = this.options;
    if (mode !== "train" || this.rate === 0) return x;
    const shape = [...x.shape];
    for (const axis of sharedAxes) shape[axis < 0 ? axis + shape.length : axis] = 1;
    const keep = 1 - this.rate;
    const mask = random.bernoulli(this.rng, keep, shape).astype(x.dtype).div(keep);
    return x.mul(mask);
  }
}

/** Replaces elements by 0, each with probability `rate`, and divides the others by `1 - rate`. */
export function Dropout(rate = 0, options: DropoutOptions = {}): Layer<NDArray, NDArray> {
  checkCall("tl.Dropout(rate, options)", arguments, dropoutOptions);
  if (!(typeof rate === "number" && rate >= 0 && rate < 1)) {
    throw new RangeError(
      `tl.Dropout: rate must be a number from 0 to below 1, not ${describeValue(rate)}`,
    );
  }
  return new DropoutLayer(rate, options);
}

class WeightsLayer extends Layer<readonly NDArray[], NDArray> {
  constructor(readonly initializer: Initializer, readonly shape: readonly number[]) {
    super({ nIn: 0, name: `Weights_${shape.join("_")}` });
  }

  override initWeightsAndState(_: Signature): void {
    this.weights = this.initializer(this.shape, this.rng);
  }

  override forward(): NDArray {
    return weightsOf(this, "w")[0]!;
  }
}

/** Weights as they are: takes nothing and puts them onto the stack. */
export function Weights(
  initializer: Initializer,
  shape: readonly number[] = [],
): Layer<readonly NDArray[], NDArray> {
  if (arguments.length > 2) checkCall("tl.Weights(initializer, shape)", arguments);
  return new WeightsLayer(initializer, shape);
}

type Unary = Layer<NDArray, NDArray>;

/** The larger of `x` and 0. */
export const Relu = (): Unary => Fn("Relu", (x) => np.where(x.lessEqual(0), np.zerosLike(x), x));
/** `x`, and `a x` below 0. */
export const LeakyRelu = (a = 0.01): Unary =>
  Fn("LeakyRelu", (x) => np.where(x.greaterEqual(0), x, x.mul(a)));
/** `x`, and `a (exp(x) - 1)` below 0. */
export const Elu = (a = 1): Unary => Fn("Elu", (x) => nn.elu(x, a));
/** `x` times the probability that a normal number is below it. */
export const Gelu = (): Unary =>
  Fn("Gelu", (x) => x.mul(0.5).mul(special.erf(x.div(Math.SQRT2)).add(1)));
/** `Gelu`, approximated by `tanh`. */
export const FastGelu = (): Unary => Fn("FastGelu", (x) => nn.gelu(x, { approximate: true }));
/** `1 / (1 + exp(-x))`. */
export const Sigmoid = (): Unary => Fn("Sigmoid", (x) => nn.sigmoid(x));
/** The hyperbolic tangent. */
export const Tanh = (): Unary => Fn("Tanh", (x) => np.tanh(x));
/** `log(1 + exp(x))`. */
export const Softplus = (): Unary => Fn("Softplus", (x) => nn.softplus(x));
/** `x` times its sigmoid. */
export const Swish = (): Unary => Fn("Swish", (x) => x.mul(nn.sigmoid(x)));
/** The exponential. */
export const Exp = (): Unary => Fn("Exp", (x) => np.exp(x));
/** The logarithm. */
export const Log = (): Unary => Fn("Log", (x) => np.log(x));
/** `-x`. */
export const Negate = (): Unary => Fn("Negate", (x) => x.neg());
/** Shares that add up to 1 along an axis. */
export const Softmax = (axis = -1): Unary => Fn("Softmax", (x) => nn.softmax(x, axis));
/** The logarithm of `Softmax`. */
export const LogSoftmax = (axis = -1): Unary => Fn("LogSoftmax", (x) => nn.logSoftmax(x, axis));
/** The mean along an axis. */
export const Mean = (axis = -1, keepDims = false): Unary =>
  Fn("Mean", (x) => x.mean(axis, { keepDims }));
/** The sum along an axis; `null`: of all. */
export const Sum = (axis: number | null = null, keepDims = false): Unary =>
  Fn("Sum", (x) => x.sum(axis ?? undefined, { keepDims }));

/** Makes one axis of all but the first ones. */
export function Flatten(nAxesToKeep = 1): Layer<NDArray, NDArray> {
  if (arguments.length > 1) checkCall("tl.Flatten(nAxesToKeep)", arguments);
  return Fn(`Flatten_keep${nAxesToKeep}`, (x) => {
    if (x.ndim <= nAxesToKeep) {
      throw new ShapeError(
        `tl.Flatten: the input must have more than ${nAxesToKeep} axes, but it is ${
          formatAval(x.aval)
        }`,
      );
    }
    return x.reshape([...x.shape.slice(0, nAxesToKeep), -1]);
  });
}

/**
 * Layers that most models have: linear ones and chains of them, biases, embeddings, dropout.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatAval,
  isFloat,
  type OptionTable,
} from "../../../lib/extend.ts";
import { type NDArray, nn, numpy as np, random, ShapeError, StateError } from "../../../mod.ts";
import { getParameter } from "../entries.ts";
import type { Initializer } from "../handlers.ts";
import { constant, truncatedNormal } from "./initializers.ts";
import { isKey, PRNGSequence } from "../keys.ts";
import { Module } from "../module.ts";

/** Options of `Linear`. */
export interface LinearOptions {
  /** Whether to add a bias (default true). */
  readonly withBias?: boolean | undefined;
  /** Initialiser of the weights `w` [inputs, outputs]; default truncated normal, 1 / sqrt(inputs). */
  readonly wInit?: Initializer | undefined;
  /** Initialiser of the bias `b` [outputs]; default zeros. */
  readonly bInit?: Initializer | undefined;
  /** Name in place of `"linear"`. */
  readonly name?: string | undefined;
}

const linearOptions: OptionTable<LinearOptions> = {
  name: "string",
  withBias: "boolean",
  wInit: "function",
  bInit: "function",
};

/** Checks the size of a layer. */
export function checkSize(op: string, what: string, size: unknown): void {
  if (Number.isInteger(size) && (size as number) >= 1) return;
  throw new ShapeError(
    `${op}: ${what} must be a positive integer, not ${
      typeof size === "number" ? size : describeValue(size)
    }`,
  );
}

/**
 * `x w + b` over the last axis of `x`. Parameters `w` [inputs, outputs] and `b` [outputs] have the
 * dtype of `x`, float32 for integers and bools.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.Linear(2).call(x));
 * const params = model.init(random.key(0), np.ones([5, 3]));
 * console.log(params.linear!.w!.shape, params.linear!.b!.shape); // [ 3, 2 ] [ 2 ]
 * console.log(model.apply(params, null, np.ones([5, 3])).shape); // [ 5, 2 ]
 * ```
 */
export class Linear extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "linear";
  /** Length of the last axis of the inputs; `undefined` until it was called. */
  inputSize: number | undefined = undefined;

  /**
   * `outputSize` is the length of the last axis of the result.
   *
   * @throws {ShapeError} where it is not a positive integer.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(readonly outputSize: number, readonly options: LinearOptions = {}) {
    checkCall("new hk.Linear(outputSize, options)", arguments, linearOptions);
    super(options.name);
    checkSize("hk.Linear", "the output size", outputSize);
  }

  /**
   * Applies the layer to `x` [..., inputs]; gives [..., outputs].
   *
   * @throws {ShapeError} where `x` is a scalar, or the weights were made for another number of
   * inputs.
   * @throws {StateError} where the parameters do not exist, or `init` was given no key to draw
   * them.
   */
  call(x: NDArray): NDArray {
    const inputSize = x.shape.at(-1);
    if (inputSize === undefined) {
      throw new ShapeError(
        `hk.Linear: the input must have at least one axis, not be a scalar ${formatAval(x.aval)}`,
      );
    }
    this.inputSize = inputSize;
    const { withBias = true, wInit, bInit } = this.options;
    const dtype = isFloat(x.dtype) ? x.dtype : "float32";
    const w = getParameter("w", [inputSize, this.outputSize], {
      dtype,
      init: wInit ?? truncatedNormal(1 / Math.sqrt(Math.max(1, inputSize))),
    });
    const out = np.matmul(x, w);
    if (!withBias) return out;
    return out.add(getParameter("b", [this.outputSize], { dtype, init: bInit ?? constant(0) }));
  }
}

/** Options of `MLP`. */
export interface MLPOptions extends LinearOptions {
  /** Nonlinearity between the layers (default `nn.relu`). */
  readonly activation?: ((x: NDArray) => NDArray) | undefined;
  /** Whether to apply it after the last layer too. */
  readonly activateFinal?: boolean | undefined;
}

const mlpOptions: OptionTable<MLPOptions> = {
  activation: "function",
  activateFinal: "boolean",
  ...linearOptions,
};

/**
 * Linear layers with a nonlinearity between them. Their parameters are those of `Linear`, under the
 * names `"mlp/~/linear_0"`, `"mlp/~/linear_1"`, ...
 *
 * @example
 * ```ts
 * import { nn, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.MLP([8, 1], { activation: nn.gelu }).call(x));
 * const params = model.init(random.key(0), np.ones([5, 3]));
 * console.log(Object.keys(params)); // [ "mlp/~/linear_0", "mlp/~/linear_1" ]
 * console.log(model.apply(params, null, np.ones([5, 3])).shape); // [ 5, 1 ]
 * ```
 */
export class MLP extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "mlp";
  /** The layers. */
  readonly layers: readonly Linear[];
  /** Length of the last axis of the result; `undefined` without layers. */
  readonly outputSize: number | undefined;

  /**
   * `outputSizes` are the sizes of the layers.
   *
   * @throws {ShapeError} where one is not a positive integer.
   * @throws {StateError} where an initialiser of the bias is given, and none is wanted.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(outputSizes: readonly number[], readonly options: MLPOptions = {}) {
    checkCall("new hk.MLP(outputSizes, options)", arguments, mlpOptions);
    super(options.name);
    if (!Array.isArray(outputSizes)) {
      throw new ShapeError(
        `hk.MLP: the output sizes must be a list, one for each layer, not ${
          describeValue(outputSizes)
        }. Write new hk.MLP([8, 1])`,
      );
    }
    outputSizes.forEach((size, i) => checkSize("hk.MLP", `output size ${i}`, size));
    if (options.withBias === false && options.bInit !== undefined) {
      throw new StateError("hk.MLP: with { withBias: false } there is no bias for bInit to make");
    }
    this.outputSize = outputSizes.at(-1);
    const { activation: _, activateFinal: __, name: ___, ...rest } = options;
    this.layers = this.submodules(() =>
      outputSizes.map((size, i) => new Linear(size, { ...rest, name: `linear_${i}` }))
    );
  }

  /**
   * Applies the layers to `x` [..., inputs]; gives [..., the last of the sizes]. Raises as
   * `Linear.call`.
   *
   * @throws {StateError} where a rate of dropout is given, but no key, or the other way round.
   */
  call(x: NDArray, options: MLPCallOptions = {}): NDArray {
    checkCall("mlp.call(x, options)", arguments, mlpCallOptions);
    const { activation = nn.relu, activateFinal = false } = this.options;
    const { dropoutRate, rng } = options;
    if (dropoutRate !== undefined && rng === undefined) {
      throw new StateError("hk.MLP: with dropoutRate, give a key: { rng: hk.nextRngKey() }");
    }
    if (dropoutRate === undefined && rng !== undefined) {
      throw new StateError("hk.MLP: a key, rng, is for dropout: give its rate, dropoutRate, too");
    }
    const keys = rng === undefined ? null : new PRNGSequence(rng);
    const last = this.layers.length - 1;
    return this.layers.reduce((h, layer, i) => {
      const out = layer.call(h);
      if (i === last && !activateFinal) return out;
      const kept = dropoutRate === undefined ? out : dropout(keys!.next().value, dropoutRate, out);
      return activation(kept);
    }, x);
  }

  /**
   * Another such module whose layers have the sizes of this one's inputs, the last first: from this one's
   * outputs to its inputs. It has weights of its own.
   *
   * @throws {StateError} where this one was not called yet, so that the sizes are not known.
   *
   * @example
   * ```ts
   * import { type NDArray, numpy as np, random } from "@injax/injax";
   * import * as hk from "@injax/injax/adapters/haiku";
   *
   * const model = hk.transform((x: NDArray) => {
   *   const encoder = new hk.MLP([8, 2]);
   *   const code = encoder.call(x);
   *   return encoder.reverse().call(code);
   * });
   * const params = model.init(random.key(0), np.ones([5, 3]));
   * console.log(model.apply(params, null, np.ones([5, 3])).shape); // [ 5, 3 ]
   * ```
   */
  reverse(options: MLPReverseOptions = {}): MLP {
    checkCall("mlp.reverse(options)", arguments, mlpReverseOptions);
    const sizes = this.layers.map((layer) => layer.inputSize).reverse();
    if (sizes.includes(undefined)) {
      throw new StateError(
        `hk.MLP: ${this.moduleName} cannot be reversed before it was called: the sizes of its inputs are not known`,
      );
    }
    return new MLP(sizes as number[], {
      ...this.options,
      activateFinal: options.activateFinal ?? this.options.activateFinal,
      name: options.name ?? `${this.name}_reversed`,
    });
  }
}

/** Options of `MLP.reverse`: those of the module itself where left out. */
export interface MLPReverseOptions {
  /** Whether to apply the nonlinearity after the last layer too. */
  readonly activateFinal?: boolean | undefined;
  /** Name in place of that of the module with `"_reversed"` behind. */
  readonly name?: string | undefined;
}

const mlpReverseOptions: OptionTable<MLPReverseOptions> = {
  activateFinal: "boolean",
  name: "string",
};

/** Options of a call of `MLP`. */
export interface MLPCallOptions {
  /** The rate of dropout before each activation (default: none). */
  readonly dropoutRate?: number | undefined;
  /** The key that it draws from. */
  readonly rng?: NDArray | undefined;
}

const mlpCallOptions: OptionTable<MLPCallOptions> = { dropoutRate: "number", rng: "operand" };

/**
 * Drops elements of `x` at random, each with probability `rate`; the others are divided by `1 - rate`.
 * Along the axes of `broadcastDims` all are dropped together.
 *
 * @throws {RangeError} where the rate is not in [0, 1).
 * @throws {ShapeError} where an axis is none of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: np.NDArray) => hk.dropout(hk.nextRngKey(), 0.5, x));
 * console.log(model.apply({}, random.key(0), np.ones([4])).toArray()); // [ 0, 2, 2, 2 ]
 * ```
 */
export function dropout(
  rng: NDArray,
  rate: number,
  x: NDArray,
  options: DropoutOptions = {},
): NDArray {
  checkCall("hk.dropout(rng, rate, x, options)", arguments, dropoutOptions);
  if (!isKey(rng)) {
    throw new StateError(
      `hk.dropout: the first argument must be a key, hk.nextRngKey(), not ${describeValue(rng)}`,
    );
  }
  if (!(typeof rate === "number" && rate >= 0 && rate < 1)) {
    throw new RangeError(`hk.dropout: the rate must be in [0, 1), not ${describeValue(rate)}`);
  }
  const array = np.asarray(x);
  if (rate === 0) return array;
  const shape = [...array.shape];
  const { broadcastDims = [] } = options;
  if (!Array.isArray(broadcastDims)) {
    throw new TypeError(
      `hk.dropout: broadcastDims must be a list of axes, not ${describeValue(broadcastDims)}`,
    );
  }
  for (const dim of broadcastDims as readonly number[]) {
    const at = dim < 0 ? dim + shape.length : dim;
    if (!(at in shape)) {
      throw new ShapeError(`hk.dropout: there is no axis ${dim} in ${formatAval(array.aval)}`);
    }
    shape[at] = 1;
  }
  const keep = random.bernoulli(rng, 1 - rate, shape);
  return np.where(keep, array.div(1 - rate), 0);
}

/** Options of `dropout`. */
export interface DropoutOptions {
  /** Axes along which all elements are dropped together. */
  readonly broadcastDims?: readonly number[] | undefined;
}

const dropoutOptions: OptionTable<DropoutOptions> = { broadcastDims: "axes" };

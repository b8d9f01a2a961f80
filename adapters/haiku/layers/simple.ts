/**
 * Small layers: chains of layers, biases, embeddings.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatAval,
  formatShape,
  isInteger,
  type OptionTable,
} from "../../../lib/extend.ts";
import { DTypeError, type NDArray, nn, numpy as np, ShapeError, StateError } from "../../../mod.ts";
import { checkSize } from "./basic.ts";
import { getParameter } from "../entries.ts";
import type { Initializer } from "../handlers.ts";
import { constant, truncatedNormal } from "./initializers.ts";
import { Module } from "../module.ts";

/** The one option that all layers have. */
export interface NamedOptions {
  /** Name in place of that of the class. */
  readonly name?: string | undefined;
}

/** A function, or a module whose method `call` is meant. */
export type Layer =
  | ((x: NDArray, ...rest: never[]) => NDArray)
  | { call(x: NDArray, ...rest: never[]): NDArray };

/**
 * Layers one after another. Further arguments go to the first.
 *
 * @example
 * ```ts
 * import { nn, type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) =>
 *   new hk.Sequential([new hk.Linear(8), nn.relu, new hk.Linear(1)]).call(x)
 * );
 * const params = model.init(random.key(0), np.ones([5, 3]));
 * console.log(Object.keys(params)); // [ "linear", "linear_1" ]
 * ```
 */
export class Sequential extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "sequential";

  /**
   * Functions and modules.
   *
   * @throws {StateError} where one is neither; outside of a transformed function, and inside a pure
   * transform.
   */
  constructor(readonly layers: readonly Layer[], options: NamedOptions = {}) {
    checkCall("new hk.Sequential(layers, options)", arguments, { name: "string" });
    super(options.name);
    const isLayer = (x: unknown): boolean =>
      typeof x === "function" || typeof (x as { call?: unknown } | null)?.call === "function";
    if (!Array.isArray(layers) || !layers.every(isLayer)) {
      const wrong = Array.isArray(layers) ? layers.find((x) => !isLayer(x)) : layers;
      throw new StateError(
        `hk.Sequential: the layers must be a list of functions and modules, not ${
          Array.isArray(layers) ? "with " : ""
        }${describeValue(wrong)}`,
      );
    }
  }

  /** Applies the layers. */
  call(x: NDArray, ...rest: unknown[]): NDArray {
    return this.layers.reduce<NDArray>((y, layer, i) => {
      const args = i === 0 ? rest as never[] : [];
      return typeof layer === "function" ? layer(y, ...args) : layer.call(y, ...args);
    }, x);
  }
}

/** Options of `Bias`. */
export interface BiasOptions extends NamedOptions {
  /** Shape of the inputs without the batch axis, checked where given. */
  readonly outputSize?: readonly number[] | undefined;
  /** The axes that the bias has; all but the first where left out, and `[]` for a scalar. */
  readonly biasDims?: readonly number[] | undefined;
  /** Initialiser of the bias `b`; default zeros. */
  readonly bInit?: Initializer | undefined;
}

const biasOptions: OptionTable<BiasOptions> = {
  name: "string",
  biasDims: "axes",
  outputSize: "shape",
  bInit: "function",
};

/** Options of a call of `Bias`. */
export interface BiasCallOptions {
  /** What the bias is multiplied by. */
  readonly multiplier?: NDArray | number | undefined;
}

/**
 * Adds a bias `b`, which the batch shares.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.Bias({ biasDims: [-1] }).call(x));
 * console.log(model.init(null, np.ones([5, 3, 2])).bias!.b!.shape); // [ 2 ]
 * ```
 */
export class Bias extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "bias";

  /**
   * A layer with these options.
   *
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(readonly options: BiasOptions = {}) {
    checkCall("new hk.Bias(options)", arguments, biasOptions);
    super(options.name);
  }

  /**
   * Adds the bias to `x` [batch, ...].
   *
   * @throws {ShapeError} where `x` has less than two axes, or not the shape that was given, or not an axis
   * of the bias; where the bias would have the batch axis.
   */
  call(x: NDArray, options: BiasCallOptions = {}): NDArray {
    checkCall("bias.call(x, options)", arguments, { multiplier: "operand" });
    const { outputSize, biasDims, bInit = constant(0) } = this.options;
    if (x.ndim < 2) {
      throw new ShapeError(`hk.Bias: the input must have two axes or more: ${formatAval(x.aval)}`);
    }
    if (outputSize !== undefined && formatShape(outputSize) !== formatShape(x.shape.slice(1))) {
      throw new ShapeError(
        `hk.Bias: the input must have shape [batch, ${outputSize.join(", ")}]: ${
          formatAval(x.aval)
        }`,
      );
    }
    const b = getParameter("b", biasShape(x, biasDims), { dtype: x.dtype, init: bInit });
    const { multiplier } = options;
    return x.add(multiplier === undefined ? b : np.mul(b, multiplier));
  }
}

/** The shape of a bias: lengths of its axes, ones in between, from its first axis on. */
function biasShape(x: NDArray, dims: readonly number[] | undefined): number[] {
  const { shape } = x;
  if (dims === undefined) return shape.slice(1);
  const own = new Set(dims.map((dim) => {
    const at = dim < 0 ? dim + shape.length : dim;
    if (at === 0) throw new ShapeError("hk.Bias: the bias cannot have the batch axis, 0");
    if (!(at in shape)) {
      throw new ShapeError(`hk.Bias: there is no axis ${dim} in ${formatAval(x.aval)}`);
    }
    return at;
  }));
  const all = shape.map((n, i) => own.has(i) ? n : 1);
  const first = all.findIndex((n, i) => i > 0 && n !== 1);
  return first < 0 ? [] : all.slice(first);
}

/** How `Embed` looks vectors up: by index, or by a product with one-hot vectors. */
export type EmbedLookupStyle = "arrayIndex" | "oneHot";

/** Options of `Embed`. */
export interface EmbedOptions extends NamedOptions {
  /** The initial vectors [vocabSize, embedDim]. */
  readonly embeddingMatrix?: NDArray | undefined;
  /** Initialiser of the vectors; default truncated normal. */
  readonly wInit?: Initializer | undefined;
  /** How they are looked up (default `"arrayIndex"`). */
  readonly lookupStyle?: EmbedLookupStyle | undefined;
}

const embedOptions: OptionTable<EmbedOptions> = {
  embeddingMatrix: "operand",
  wInit: "function",
  lookupStyle: "string",
  name: "string",
};

/** Options of a call of `Embed`. */
export interface EmbedCallOptions {
  /** How vectors are looked up, in place of what the module was given. */
  readonly lookupStyle?: EmbedLookupStyle | undefined;
}

/**
 * A vector for each number from 0 to `vocabSize - 1`: parameter `embeddings` [vocabSize, embedDim].
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((ids: NDArray) => new hk.Embed(9, 4).call(ids));
 * const ids = np.array([[1, 2, 8]], { dtype: "int32" });
 * console.log(model.apply(model.init(random.key(0), ids), null, ids).shape); // [ 1, 3, 4 ]
 * ```
 */
export class Embed extends Module {
  /** The name of its modules in parameters, whatever a bundler calls the class. */
  static readonly moduleName: string = "embed";
  /** How many vectors there are. */
  readonly vocabSize: number;
  /** Length of a vector. */
  readonly embedDim: number;
  readonly #init: Initializer;

  /**
   * How many vectors there are, and the length of each; `null` where they are given.
   *
   * @throws {ShapeError} where sizes are missing, are no positive integers, or are not those of the
   * initial vectors.
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(
    givenSize: number | null = null,
    givenDim: number | null = null,
    readonly options: EmbedOptions = {},
  ) {
    checkCall("new hk.Embed(vocabSize, embedDim, options)", arguments, embedOptions);
    super(options.name);
    const { embeddingMatrix: given, wInit = truncatedNormal() } = options;
    const matrix = given === undefined ? null : np.asarray(given);
    const vocabSize = givenSize ?? matrix?.shape[0];
    const embedDim = givenDim ?? matrix?.shape[1];
    if (vocabSize === undefined || embedDim === undefined) {
      throw new ShapeError(
        "hk.Embed: give vocabSize and embedDim, or an embeddingMatrix [vocabSize, embedDim]: " +
          "new hk.Embed(null, null, { embeddingMatrix })",
      );
    }
    checkSize("hk.Embed", "vocabSize", vocabSize);
    checkSize("hk.Embed", "embedDim", embedDim);
    if (matrix !== null && formatShape(matrix.shape) !== formatShape([vocabSize, embedDim])) {
      throw new ShapeError(
        `hk.Embed: the embeddingMatrix must have shape ${
          formatShape([vocabSize, embedDim])
        }, but is ${formatAval(matrix.aval)}`,
      );
    }
    checkStyle(options.lookupStyle);
    this.vocabSize = vocabSize;
    this.embedDim = embedDim;
    this.#init = matrix === null ? wInit : () => matrix;
  }

  /** The vectors. */
  get embeddings(): NDArray {
    return getParameter("embeddings", [this.vocabSize, this.embedDim], { init: this.#init });
  }

  /**
   * Looks up the vectors of `ids` [...]; gives [..., embedDim]. Numbers that are too large count as the
   * last one by `"arrayIndex"`, and give zeros by `"oneHot"`.
   *
   * @throws {DTypeError} where these are no integers.
   */
  call(ids: NDArray, options: EmbedCallOptions = {}): NDArray {
    checkCall("embed.call(ids, options)", arguments, { lookupStyle: "string" });
    const indices = np.asarray(ids);
    if (!isInteger(indices.dtype)) {
      throw new DTypeError(`hk.Embed: the ids must be integers: ${formatAval(indices.aval)}`);
    }
    const style = checkStyle(options.lookupStyle) ?? this.options.lookupStyle ?? "arrayIndex";
    return style === "arrayIndex"
      ? np.at(this.embeddings, indices)
      : np.matmul(nn.oneHot(indices, this.vocabSize), this.embeddings);
  }
}

function checkStyle(style: EmbedLookupStyle | undefined): EmbedLookupStyle | undefined {
  if (style === undefined || style === "arrayIndex" || style === "oneHot") return style;
  throw new TypeError(
    `hk.Embed: lookupStyle must be "arrayIndex" or "oneHot", not ${JSON.stringify(style)}`,
  );
}

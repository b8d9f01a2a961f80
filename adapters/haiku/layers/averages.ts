/**
 * State that follows values: moving averages, and weights divided by their largest singular values.
 *
 * @module
 */
import { checkCall, describeValue, formatAval, type OptionTable } from "../../../lib/extend.ts";
import { type DType, NDArray, numpy as np, ShapeError, StateError } from "../../../mod.ts";
import { largestSingular } from "../../normalization.ts";
import type { ModuleEntries } from "../collections.ts";
import { protocol } from "../context.ts";
import { getState, setState } from "../entries.ts";
import { constant, randomNormal } from "./initializers.ts";
import { Module } from "../module.ts";
import type { NamedOptions } from "./simple.ts";

/** Options of `ExponentialMovingAverage`. */
export interface ExponentialMovingAverageOptions extends NamedOptions {
  /** Whether to correct for beginning at zero, as Adam does (default true). */
  readonly zeroDebias?: boolean | undefined;
  /** For how many steps the average is the last value (default 0). */
  readonly warmupLength?: number | undefined;
}

const averageOptions: OptionTable<ExponentialMovingAverageOptions> = {
  zeroDebias: "boolean",
  warmupLength: "count",
  name: "string",
};

/** Options of a call of what keeps statistics. */
export interface UpdateOptions {
  /** Whether to store the new statistics (default true). */
  readonly updateStats?: boolean | undefined;
}

/** Checks how much of an average stays. */
export function checkDecay(op: string, decay: unknown): void {
  if (typeof decay === "number" && decay >= 0 && decay <= 1) return;
  throw new RangeError(`${op}: the decay must be a number in [0, 1], not ${describeValue(decay)}`);
}

function checkAverage(op: string, decay: number, options: ExponentialMovingAverageOptions): void {
  checkDecay(op, decay);
  const { zeroDebias = true, warmupLength = 0 } = options;
  if (!zeroDebias || warmupLength === 0) return;
  throw new StateError(
    `${op}: an average that begins with a value is not biased to zero: with warmupLength, write ` +
      "{ zeroDebias: false }",
  );
}

/**
 * A moving average of values, by state: `hidden = decay hidden + (1 - decay) value`, and `average`, which
 * is `hidden / (1 - decay^counter)` where it is corrected for beginning at zero.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transformWithState((x: NDArray) =>
 *   new hk.ExponentialMovingAverage(0.5).call(x)
 * );
 * const [params, state] = model.init(null, np.array(0));
 * const [first, next] = model.apply(params, state, null, np.array(2));
 * const [second] = model.apply(params, next, null, np.array(5));
 * console.log(first.item(), second.item()); // 2 4
 * ```
 */
export class ExponentialMovingAverage extends Module {
  /** The name of its modules in state, whatever a bundler calls the class. */
  static readonly moduleName: string = "exponential_moving_average";

  /**
   * `decay` is how much of the average stays at a step.
   *
   * @throws {RangeError} where it is not in [0, 1].
   * @throws {StateError} where it is to warm up and to be corrected; outside of a transformed function,
   * and inside a pure transform.
   */
  constructor(readonly decay: number, readonly options: ExponentialMovingAverageOptions = {}) {
    checkCall("new hk.ExponentialMovingAverage(decay, options)", arguments, averageOptions);
    super(options.name);
    checkAverage("hk.ExponentialMovingAverage", decay, options);
  }

  /** Makes the average zeros of a shape, or like an array, where it is not there. */
  initialize(like: readonly number[] | NDArray, given?: DType): void {
    if (arguments.length > 2) checkCall("ema.initialize(like, dtype)", arguments);
    const isArray = like instanceof NDArray;
    const shape = isArray ? like.shape : like;
    const dtype = given ?? (isArray ? like.dtype : "float32");
    getState("hidden", shape, { dtype, init: constant(0) });
    getState("average", shape, { dtype, init: constant(0) });
  }

  /** Takes in a value and gives the average. */
  call(value: NDArray | number, options: UpdateOptions = {}): NDArray {
    checkCall("ema.call(value, options)", arguments, { updateStats: "boolean" });
    const { zeroDebias = true, warmupLength = 0 } = this.options;
    const x = np.asarray(value);
    const counter = getState("counter", [], { dtype: "int32", init: constant(-warmupLength) }).add(
      1,
    );
    const given = np.full([], this.decay, { dtype: x.dtype });
    const decay = warmupLength > 0
      ? np.where(counter.lessEqual(0), 0, given).astype(x.dtype)
      : given;
    const before = getState("hidden", x.shape, { dtype: x.dtype, init: constant(0) });
    const hidden = before.mul(decay).add(x.mul(decay.neg().add(1)));
    const average = zeroDebias
      ? hidden.div(np.power(decay, counter.astype(x.dtype)).neg().add(1))
      : hidden;
    if (options.updateStats ?? true) {
      setState("counter", counter);
      setState("hidden", hidden);
      setState("average", average);
    }
    return average;
  }

  /**
   * The average as it is.
   *
   * @throws {StateError} where there is none yet.
   */
  get average(): NDArray {
    return getState("average");
  }
}

/** Options of `EMAParamsTree`. */
export interface EMAParamsTreeOptions extends ExponentialMovingAverageOptions {
  /** Parameters whose full names, such as `"mlp/~/linear_0/b"`, begin with a match are left as they are. */
  readonly ignoreRegex?: RegExp | undefined;
}

const emaTreeOptions: OptionTable<EMAParamsTreeOptions> = {
  ignoreRegex: "object",
  ...averageOptions,
};

/** Applies `f` to all parameters whose names do not begin with a match. */
function mapParams(
  op: string,
  tree: ModuleEntries,
  ignore: RegExp | undefined,
  f: (name: string, value: NDArray) => NDArray,
): ModuleEntries {
  protocol.need(op);
  if (typeof tree !== "object" || tree === null) {
    throw new StateError(
      `${op}: expected parameters, { module: { name: array } }, not ${describeValue(tree)}`,
    );
  }
  if (ignore !== undefined && !(ignore instanceof RegExp)) {
    throw new StateError(`${op}: ignoreRegex must be a RegExp, not ${describeValue(ignore)}`);
  }
  const pattern = ignore && new RegExp(`^(?:${ignore.source})`, ignore.flags.replace(/[gy]/g, ""));
  const out: ModuleEntries = {};
  for (const [module, own] of Object.entries(tree)) {
    out[module] = {};
    for (const [name, value] of Object.entries(own)) {
      const full = `${module}/${name}`;
      out[module][name] = pattern?.test(full) ? value : f(full, value);
    }
  }
  return out;
}

/**
 * Moving averages of all parameters of a model: takes parameters, gives their averages.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transform((x: NDArray) => new hk.Linear(1).call(x));
 * const params = model.init(random.key(0), np.ones([2]));
 * const ema = hk.transformWithState((p: hk.ModuleEntries) => new hk.EMAParamsTree(0.9).call(p));
 * const [, state] = ema.init(null, params);
 * const [averages, next] = ema.apply({}, state, null, params);
 * console.log(Object.keys(averages.linear!)); // [ "w", "b" ]
 * console.log(Object.keys(next)); // [ "ema_params_tree/linear__w", "ema_params_tree/linear__b" ]
 * ```
 */
export class EMAParamsTree extends Module {
  /** The name of its modules in state, whatever a bundler calls the class. */
  static readonly moduleName: string = "ema_params_tree";

  /**
   * `decay` is how much of an average stays at a step. Raises as `ExponentialMovingAverage`.
   */
  constructor(readonly decay: number, readonly options: EMAParamsTreeOptions = {}) {
    checkCall("new hk.EMAParamsTree(decay, options)", arguments, emaTreeOptions);
    super(options.name);
    checkAverage("hk.EMAParamsTree", decay, options);
  }

  /** Takes in parameters and gives their averages. */
  call(params: ModuleEntries, options: UpdateOptions = {}): ModuleEntries {
    checkCall("emaParamsTree.call(params, options)", arguments, { updateStats: "boolean" });
    const { ignoreRegex, name: _, ...rest } = this.options;
    return mapParams("hk.EMAParamsTree", params, ignoreRegex, (full, value) => {
      const name = full.replaceAll("/", "__").replaceAll("~", "_tilde_");
      return new ExponentialMovingAverage(this.decay, { ...rest, name }).call(value, options);
    });
  }
}

/** Options of `SpectralNorm`. */
export interface SpectralNormOptions extends NamedOptions {
  /** Added to the square of a length before dividing by it (default 1e-4). */
  readonly eps?: number | undefined;
  /** How many steps of the power method a call takes (default 1). */
  readonly nSteps?: number | undefined;
}

const spectralOptions: OptionTable<SpectralNormOptions> = {
  eps: "number",
  nSteps: "count",
  name: "string",
};

/** Options of a call of `SpectralNorm`. */
export interface SpectralNormCallOptions extends UpdateOptions {
  /** Whether arrays with more than two axes are errors (default false: all but the last count as one). */
  readonly errorOnNonMatrix?: boolean | undefined;
}

/**
 * Divides a matrix by its largest singular value, as the power method finds it from call to call. State:
 * the vector `u0` [1, columns] and the value `sigma`.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transformWithState((w: NDArray) => new hk.SpectralNorm({ nSteps: 30 }).call(w));
 * const w = np.array([[4, 0], [0, 1]]);
 * const [params, state] = model.init(random.key(0), w);
 * const [out] = model.apply(params, state, null, w);
 * console.log(np.allClose(out, np.array([[1, 0], [0, 0.25]]), { rtol: 1e-3 }).item()); // 1
 * ```
 */
export class SpectralNorm extends Module {
  /** The name of its modules in state, whatever a bundler calls the class. */
  static readonly moduleName: string = "spectral_norm";

  /**
   * A layer with these options.
   *
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(readonly options: SpectralNormOptions = {}) {
    checkCall("new hk.SpectralNorm(options)", arguments, spectralOptions);
    super(options.name);
    if (options.nSteps === 0) throw new RangeError("hk.SpectralNorm: nSteps must be 1 or more");
  }

  /**
   * Gives `value / sigma`.
   *
   * @throws {ShapeError} where `value` has less than two axes, or more where that is an error.
   */
  call(value: NDArray, options: SpectralNormCallOptions = {}): NDArray {
    checkCall("spectralNorm.call(value, options)", arguments, {
      updateStats: "boolean",
      errorOnNonMatrix: "boolean",
    });
    const { eps = 1e-4, nSteps = 1 } = this.options;
    const given = np.asarray(value);
    if (given.ndim < 2 || (given.ndim > 2 && options.errorOnNonMatrix === true)) {
      throw new ShapeError(
        `hk.SpectralNorm: the value must be a matrix, not ${formatAval(given.aval)}`,
      );
    }
    const columns = given.shape.at(-1)!;
    const u0 = getState("u0", [1, columns], { dtype: given.dtype, init: randomNormal() });
    const { sigma, u } = largestSingular(given, u0, nSteps, eps);
    if (options.updateStats ?? true) {
      setState("u0", u);
      setState("sigma", sigma);
    }
    return given.div(sigma);
  }

  /** The vector of the power method. */
  get u0(): NDArray {
    return getState("u0");
  }

  /** The largest singular value, as it was found last; 1 before that. */
  get sigma(): NDArray {
    return getState("sigma", [], { init: constant(1) });
  }
}

/** Options of `SNParamsTree`. */
export interface SNParamsTreeOptions extends SpectralNormOptions {
  /** Parameters whose full names, such as `"linear/b"`, begin with a match are left as they are. */
  readonly ignoreRegex?: RegExp | undefined;
}

const snTreeOptions: OptionTable<SNParamsTreeOptions> = {
  ignoreRegex: "object",
  ...spectralOptions,
};

/**
 * All parameters of a model divided by their largest singular values: takes parameters, gives such. Those
 * with less than two axes, as biases are, have to be left out.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as hk from "@injax/injax/adapters/haiku";
 *
 * const model = hk.transformWithState((p: hk.ModuleEntries) =>
 *   new hk.SNParamsTree({ ignoreRegex: /.*b$/ }).call(p)
 * );
 * const params = { linear: { w: np.ones([2, 2]), b: np.ones([2]) } };
 * const [, state] = model.init(random.key(0), params);
 * console.log(Object.keys(state)); // [ "sn_params_tree/linear__w" ]
 * ```
 */
export class SNParamsTree extends Module {
  /** The name of its modules in state, whatever a bundler calls the class. */
  static readonly moduleName: string = "sn_params_tree";

  /**
   * A layer with these options.
   *
   * @throws {StateError} outside of a transformed function, and inside a pure transform.
   */
  constructor(readonly options: SNParamsTreeOptions = {}) {
    checkCall("new hk.SNParamsTree(options)", arguments, snTreeOptions);
    super(options.name);
  }

  /** Takes parameters and gives them divided. Raises as `SpectralNorm.call`. */
  call(params: ModuleEntries, options: UpdateOptions = {}): ModuleEntries {
    checkCall("snParamsTree.call(params, options)", arguments, { updateStats: "boolean" });
    const { ignoreRegex, name: _, ...rest } = this.options;
    return mapParams("hk.SNParamsTree", params, ignoreRegex, (full, value) => {
      const name = full.replaceAll("/", "__").replaceAll("~", "_tilde");
      return new SpectralNorm({ ...rest, name }).call(value, options);
    });
  }
}

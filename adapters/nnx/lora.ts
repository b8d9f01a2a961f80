/**
 * Low-rank additions to layers.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import type { NDArray } from "../../mod.ts";
import { Module } from "./graph.ts";
import { heUniform, type Initializer, zeros } from "./initializers.ts";
import {
  checkFeatures,
  checkRngs,
  checkSize,
  type LayerOptions,
  Linear,
  type LinearOptions,
} from "./layers.ts";
import { Param, type Variable } from "./variable.ts";

/** A parameter of `LoRA`: a filter, so that nothing else is learned. */
export class LoRAParam<T = NDArray> extends Param<T> {
  /** The name of the type. */
  static override readonly variableType: string = "LoRAParam";
}

/** A layer that something is added to. */
export type BaseModule = Module & { call(x: NDArray): NDArray };

/** Options of the low-rank part. */
export interface LoRAOptions extends LayerOptions {
  /** The layer that it is added to. */
  readonly baseModule?: BaseModule | undefined;
  /** Initialiser of the first factor (default `heUniform()`). */
  readonly aInitializer?: Initializer | undefined;
  /** Initialiser of the second factor (default `zeros`). */
  readonly bInitializer?: Initializer | undefined;
  /** The type of the parameters (default `LoRAParam`). */
  readonly loraParamType?: (new (value: NDArray) => Variable) | undefined;
}

const loraOptions: OptionTable<LoRAOptions> = {
  rngs: "object",
  paramDtype: "dtype",
  baseModule: "object",
  aInitializer: "function",
  bInitializer: "function",
  loraParamType: "function",
};

/**
 * `x loraA loraB`, and what another layer gives (Hu et al., 2021).
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const rngs = new nnx.Rngs(0);
 * const layer = new nnx.LoRA(3, 2, 4, { baseModule: new nnx.Linear(3, 4, { rngs }), rngs });
 * const loss = (m: nnx.LoRA) => m.call(np.ones([3])).square().sum();
 * const by = new nnx.DiffState(0, nnx.LoRAParam);
 * console.log(Object.keys(nnx.grad(loss, { argnums: by })(layer))); // [ "loraA", "loraB" ]
 * ```
 */
export class LoRA extends Module {
  /** The first factor, [inputs, rank]. */
  readonly loraA: Variable;
  /** The second factor, [rank, outputs]. */
  readonly loraB: Variable;
  /** The layer that it is added to. */
  readonly baseModule: BaseModule | null;

  /**
   * Makes the layer; its parameters take keys of the stream `params`.
   *
   * @throws {ShapeError} where a size is not a positive integer.
   */
  constructor(
    readonly inFeatures: number,
    readonly loraRank: number,
    readonly outFeatures: number,
    options: LoRAOptions,
  ) {
    checkCall("new nnx.LoRA(inFeatures, loraRank, outFeatures, options)", arguments, loraOptions);
    super();
    checkSize("nnx.LoRA", "the number of inputs", inFeatures);
    checkSize("nnx.LoRA", "the rank", loraRank);
    checkSize("nnx.LoRA", "the number of outputs", outFeatures);
    checkRngs("nnx.LoRA", options);
    const { rngs, paramDtype = "float32", baseModule = null } = options;
    const { aInitializer = heUniform(), bInitializer = zeros } = options;
    const { loraParamType: Type = LoRAParam } = options;
    this.baseModule = baseModule;
    this.loraA = new Type(aInitializer(rngs.next("params"), [inFeatures, loraRank], paramDtype));
    this.loraB = new Type(bInitializer(rngs.next("params"), [loraRank, outFeatures], paramDtype));
  }

  /** Applies the layer to `x` [..., inputs]; gives [..., outputs]. */
  call(x: NDArray): NDArray {
    checkFeatures("nnx.LoRA", x, this.inFeatures);
    const y = x.matmul(this.loraA.value).matmul(this.loraB.value);
    return this.baseModule === null ? y : y.add(this.baseModule.call(x));
  }
}

/** Options of `LoRALinear`. */
export interface LoRALinearOptions extends LinearOptions, Omit<LoRAOptions, "baseModule"> {
  /** The rank of what is added. */
  readonly loraRank: number;
}

const { baseModule: _baseModule, ...factorOptions } = loraOptions;
const loraLinearOptions: OptionTable<LoRALinearOptions> = {
  ...factorOptions,
  loraRank: "count",
  useBias: "boolean",
  kernelInit: "function",
  biasInit: "function",
};

/**
 * A linear layer with a low-rank addition, `lora`. Its other parameters are those of `Linear`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as nnx from "@injax/injax/adapters/nnx";
 *
 * const layer = new nnx.LoRALinear(3, 4, { loraRank: 2, rngs: new nnx.Rngs(0) });
 * const { kernel, lora } = nnx.state(layer, nnx.Param);
 * console.log(kernel!.shape, Object.keys(lora!)); // [ 3, 4 ] [ "loraA", "loraB" ]
 * ```
 */
export class LoRALinear extends Linear {
  /** What is added. */
  readonly lora: LoRA;

  /** Makes the layer; its parameters take keys of the stream `params`. Raises as `LoRA`. */
  constructor(inFeatures: number, outFeatures: number, options: LoRALinearOptions) {
    checkCall(
      "new nnx.LoRALinear(inFeatures, outFeatures, options)",
      arguments,
      loraLinearOptions,
    );
    const { loraRank, aInitializer, bInitializer, loraParamType, ...linear } = options ?? {};
    super(inFeatures, outFeatures, linear);
    const { rngs, paramDtype } = linear;
    const own = { aInitializer, bInitializer, loraParamType, paramDtype, rngs };
    this.lora = new LoRA(inFeatures, loraRank, outFeatures, own);
  }

  /** Applies the layer to `x` [..., inputs]; gives [..., outputs]. */
  override call(x: NDArray): NDArray {
    return super.call(x).add(this.lora.call(x));
  }
}

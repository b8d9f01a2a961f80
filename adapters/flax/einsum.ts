/**
 * A linear layer by an equation.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, numpy as np, StateError } from "../../mod.ts";
import { biasShapes, checkEquation } from "../einsum.ts";
import { lecunNormal, zeros } from "./initializers.ts";
import { checkSize, type DenseOptions, promoted } from "./linear.ts";
import { Module } from "./module.ts";

const einsumOptions: OptionTable<DenseOptions> = {
  name: "string",
  useBias: "boolean",
  kernelInit: "function",
  biasInit: "function",
  dtype: "dtype",
  paramDtype: "dtype",
};

/**
 * The product of an input and weights by an equation, and a bias over the axes of the weights that the
 * result has.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as flax from "@injax/injax/adapters/flax";
 *
 * const layer = new flax.Einsum([5, 6, 7], "abc,cde->abde");
 * const { params } = layer.init(random.key(0), np.ones([3, 4, 5]));
 * console.log(params!.kernel!.shape, params!.bias!.shape); // [ 5, 6, 7 ] [ 6, 7 ]
 * console.log(layer.apply({ params: params! }, np.ones([3, 4, 5])).shape); // [ 3, 4, 6, 7 ]
 * ```
 */
export class Einsum extends Module {
  /** The name of its modules, whatever a bundler calls the class. */
  static readonly moduleName: string = "Einsum";
  /** What it is made with. */
  readonly options: DenseOptions;
  /** Its equation; `null` where calls give it. */
  readonly einsumStr: string | null;

  /**
   * `shape` is that of the weights; the equation names the input and the weights, `"...a,ab->...b"`, here or
   * in the call.
   *
   * @throws {ShapeError} where a length is not a positive integer, or the equation is not of two operands.
   */
  constructor(
    readonly shape: readonly number[],
    einsumStr: string | null = null,
    options: DenseOptions = {},
  ) {
    checkCall("new flax.Einsum(shape, einsumStr, options)", arguments, einsumOptions);
    super(options.name);
    for (const n of shape) checkSize("new flax.Einsum", "each length of the shape", n);
    this.einsumStr = einsumStr === null ? null : checkEquation("new flax.Einsum", einsumStr);
    this.options = options;
  }

  /**
   * Applies the layer.
   *
   * @throws {StateError} where the constructor has an equation too.
   * @throws {ShapeError} where the equation does not fit the weights.
   */
  call(x: NDArray, einsumStr?: string): NDArray {
    if (einsumStr !== undefined && this.einsumStr !== null) {
      throw new StateError(
        "flax.Einsum: the equation is given to the constructor and to call. Leave one of them out",
      );
    }
    const equation = checkEquation("flax.Einsum", this.einsumStr ?? einsumStr);
    const { useBias = true, kernelInit = lecunNormal(), biasInit = zeros, dtype } = this.options;
    const { paramDtype = "float32" } = this.options;
    const kernel = this.param("kernel", kernelInit, this.shape, paramDtype);
    const bias = biasShapes("flax.Einsum", equation, x.ndim, this.shape);
    const out = np.einsum(equation, promoted(dtype, x), promoted(dtype, kernel));
    if (!useBias) return out;
    const own = promoted(dtype, this.param("bias", biasInit, bias.own, paramDtype));
    return out.add(np.reshape(own, bias.broadcast));
  }
}

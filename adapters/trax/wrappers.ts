/**
 * Layers around another one: with more axes of batches, and from both ends of a sequence.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, numpy as np, ShapeDtype, ShapeError } from "../../mod.ts";
import { Branch, Concatenate, Serial } from "./combinators.ts";
import { fnOf } from "./core.ts";
import { type AnyLayer, Layer } from "./layer.ts";
import { listOf, packaged, shown, type Signature, type Tensors } from "./tensors.ts";

class LeadingAxes extends Layer<Tensors, NDArray> {
  constructor(readonly layer: AnyLayer, readonly kept: number) {
    super({ nIn: layer.nIn, nOut: 1, name: "BatchLeadingAxes", sublayers: [layer] });
  }

  /** The shape in two parts: what is batch, and what the layer gets. */
  #parts(x: { readonly shape: readonly number[] }): [readonly number[], readonly number[]] {
    const at = x.shape.length - this.kept;
    if (at >= 0) return [x.shape.slice(0, at), x.shape.slice(at)];
    throw new ShapeError(
      `tl.BatchLeadingAxes: ${this.layer.name} is to get the last ${this.kept} axes, but the input is ${
        shown(x)
      }`,
    );
  }

  override initWeightsAndState(signature: Signature): void {
    this.layer.init(packaged(
      listOf(signature).map((x) => {
        const [batch, rest] = this.#parts(x);
        return new ShapeDtype([batch.reduce((a, b) => a * b, 1), ...rest], x.dtype);
      }),
    ));
  }

  override forward(inputs: Tensors): NDArray {
    let axes: readonly number[] = [];
    const flat = listOf(inputs).map((x) => {
      const [batch, rest] = this.#parts(x);
      axes = batch;
      return x.reshape([batch.reduce((a, b) => a * b, 1), ...rest]);
    });
    const y = this.layer.run(packaged(flat), () => this.rng) as NDArray;
    return y.reshape([...axes, ...y.shape.slice(1)]);
  }
}

/**
 * Applies a layer with all but the last axes of its inputs, of which it gets `nLastAxesToKeep`, as one
 * axis of a batch.
 *
 * @throws {ShapeError} where the layer does not give one array.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const rows = tl.Fn("Rows", (x: NDArray) => x.add(x.shape[0]!)); // it is given [ 6, 4 ]
 * const out = tl.BatchLeadingAxes(rows).call(np.ones([2, 3, 4]));
 * console.log(out.shape, out.max().item()); // [ 2, 3, 4 ] 7
 * ```
 */
export function BatchLeadingAxes(layer: AnyLayer, nLastAxesToKeep = 1): Layer<Tensors, NDArray> {
  if (arguments.length > 2) checkCall("tl.BatchLeadingAxes(layer, nLastAxesToKeep)", arguments);
  if (!(layer instanceof Layer)) {
    throw new TypeError(
      `tl.BatchLeadingAxes: the first argument must be a layer, not ${shown(layer)}`,
    );
  }
  if (layer.nOut !== 1) {
    throw new ShapeError(
      `tl.BatchLeadingAxes: ${layer.name} must give one array, but gives ${layer.nOut}`,
    );
  }
  return new LeadingAxes(layer, nLastAxesToKeep);
}

/** Options of `Bidirectional`. */
export interface BidirectionalOptions {
  /** The axis of time (default 1). */
  readonly axis?: number | undefined;
  /** What makes one output of the two (default `Concatenate()`). */
  readonly mergeLayer?: Layer<readonly NDArray[], NDArray> | undefined;
}

const bidirectionalOptions: OptionTable<BidirectionalOptions> = {
  axis: "number",
  mergeLayer: "object",
};

/**
 * Applies a layer to sequences from the start, and another such one from the end. `make` makes them:
 * it is called twice, since each has weights of its own.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const layer = tl.Bidirectional(() => tl.GRU(4));
 * const x = np.ones([2, 3, 4]);
 * layer.init(tl.signature(x), random.key(0));
 * console.log(layer.call(x).shape); // [ 2, 3, 8 ]
 * ```
 */
export function Bidirectional(
  make: () => Layer<NDArray, NDArray>,
  options: BidirectionalOptions = {},
): Layer<NDArray, NDArray> {
  checkCall("tl.Bidirectional(make, options)", arguments, bidirectionalOptions);
  if (typeof make !== "function") {
    throw new TypeError(
      `tl.Bidirectional: the first argument must be a function that makes a layer, not ${
        describeValue(make)
      }. Write tl.Bidirectional(() => tl.GRU(4))`,
    );
  }
  const { axis = 1, mergeLayer = Concatenate() } = options;
  const flip = (): AnyLayer => fnOf("FlipAlongTimeAxis", (x) => np.flip(x, axis), 1, 1);
  const [forward, backward] = [make(), make()];
  if ((forward as unknown) === backward) {
    throw new TypeError(
      "tl.Bidirectional: the function must make another layer each time, since each direction has " +
        "weights of its own",
    );
  }
  return Serial(
    Branch(
      forward as AnyLayer,
      Serial(flip(), backward as AnyLayer, flip()) as AnyLayer,
    ) as AnyLayer,
    mergeLayer as AnyLayer,
  );
}

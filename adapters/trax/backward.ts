/**
 * Layers whose gradient is their own.
 *
 * @module
 */
import type { NDArray } from "../../mod.ts";
import { transforms } from "./context.ts";
import { type Frame, running } from "./frames.ts";
import type { Tensors } from "./tensors.ts";
import type { Values } from "./values.ts";

/** What `backward` gets. */
export interface BackwardArguments<I extends Tensors = NDArray, O extends Tensors = NDArray> {
  /** What the layer was given. */
  readonly inputs: I;
  /** What it gave. */
  readonly output: O;
  /** The gradient by that. */
  readonly grad: O;
  /** Its weights. */
  readonly weights: Values;
  /** Its state before. */
  readonly state: Values;
  /** Its state after. */
  readonly newState: Values;
}

/** A layer, as far as its gradient is concerned. */
interface Custom<I extends Tensors, O extends Tensors> {
  readonly weights: Values;
  readonly state: Values;
  forward(inputs: I): O;
  backward(args: BackwardArguments<I, O>): readonly [inputs: I, weights: Values];
}

/** Runs a layer whose gradient is its own. */
export function withBackward<I extends Tensors, O extends Tensors>(
  layer: Custom<I, O>,
  inputs: I,
  frame: Frame,
): O {
  const forward = (xs: I, weights: Values): O =>
    running({ ...frame, weights }, () => layer.forward(xs));
  const residuals = (inputs: I, weights: Values): [O, Omit<BackwardArguments<I, O>, "grad">] => {
    const { state } = layer;
    const output = forward(inputs, weights);
    return [output, { inputs, weights, output, state, newState: layer.state }];
  };
  const backward = (rest: Omit<BackwardArguments<I, O>, "grad">, grad: O): readonly [I, Values] =>
    layer.backward({ ...rest, grad });
  // Types of the dictionary know of no generic trees.
  const custom = transforms.customVjp as (...rules: unknown[]) => typeof forward;
  const f = custom(forward, residuals, backward);
  return f(inputs, layer.weights);
}

/**
 * Layers made of layers: one after the other, side by side, in branches. They share a stack of arrays, from
 * whose top each takes what it needs and onto which it puts what it gives.
 *
 * @module
 */
import { checkCall, describeValue, type OptionTable } from "../../lib/extend.ts";
import { type NDArray, numpy as np, type ShapeDtype, ShapeError } from "../../mod.ts";
import { Fn, fnOf } from "./core.ts";
import { partsOf } from "./frames.ts";
import { type AnyLayer, Layer } from "./layer.ts";
import { listOf, packaged, shown, type Signature, type Tensors } from "./tensors.ts";

/** Layers, in lists or not; `null` and an empty list leave one array as it is. */
export type Layers = AnyLayer | null | readonly Layers[];

function flat(op: string, layers: readonly Layers[]): AnyLayer[] {
  return layers.flatMap((layer, i): AnyLayer[] => {
    if (layer === null) return [];
    if (Array.isArray(layer)) return flat(op, layer);
    if (layer instanceof Layer) return [layer as AnyLayer];
    const uncalled = typeof layer === "function"
      ? `. Call it: tl.${(layer as { name: string }).name}(...)`
      : "";
    throw new TypeError(`${op}: item ${i} must be a layer, not ${describeValue(layer)}${uncalled}`);
  });
}

/** Options of combinators. */
export interface NameOptions {
  /** Name, for places and messages. */
  readonly name?: string | undefined;
}

const nameOptions: OptionTable<NameOptions> = { name: "string" };

/** The last argument of a combinator, where it is no layer. */
function named(op: string, args: readonly (Layers | NameOptions)[]): [Layers[], NameOptions] {
  const last = args.at(-1);
  const isOptions = typeof last === "object" && last !== null && !Array.isArray(last) &&
    !(last instanceof Layer);
  if (!isOptions) return [args as Layers[], {}];
  for (const key of Object.keys(last)) {
    if (key in nameOptions) continue;
    throw new TypeError(`${op}: there is no option ${key}; the last argument may be { name }`);
  }
  return [args.slice(0, -1) as Layers[], last as NameOptions];
}

/** Number of inputs and outputs of layers on one stack. */
function sizes(layers: readonly AnyLayer[]): [nIn: number, nOut: number] {
  let [most, total] = [0, 0];
  for (const layer of layers) {
    total += layer.nIn;
    most = Math.max(most, total);
    total -= layer.nOut;
  }
  return layers.length === 0 ? [1, 1] : [most, most - total];
}

class SerialLayer extends Layer<Tensors, Tensors> {
  constructor(sublayers: readonly AnyLayer[], name: string) {
    const [nIn, nOut] = sizes(sublayers);
    super({ nIn, nOut, name, sublayers });
  }

  override initWeightsAndState(signature: Signature): void {
    let stack = listOf(signature);
    for (const layer of this.sublayers) {
      const inputs = packaged(stack.slice(0, layer.nIn));
      layer.init(inputs);
      stack = [...listOf(layer.outputSignature(inputs)), ...stack.slice(layer.nIn)];
    }
  }

  override forward(inputs: Tensors): Tensors {
    let stack = listOf(inputs);
    const key = partsOf(() => this.rng, this.sublayers.length);
    this.sublayers.forEach((layer, i) => {
      const outputs = layer.run(packaged(stack.slice(0, layer.nIn)), key(i));
      stack = [...listOf(outputs), ...stack.slice(layer.nIn)];
    });
    return packaged(stack);
  }
}

/**
 * Layers one after the other. Of no layers: gives what it takes.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, random } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const model = tl.Serial(tl.Dense(8), tl.Relu(), tl.Dense(1));
 * const x = np.ones([4, 3]);
 * const [weights, state] = model.init(tl.signature(x), random.key(0));
 * console.log(model.pureFn(x, weights, state)[0].shape); // [ 4, 1 ]
 * ```
 */
export function Serial<I extends Tensors = NDArray, O extends Tensors = NDArray>(
  ...layers: readonly (Layers | NameOptions)[]
): Layer<I, O> {
  const [given, { name = "Serial" }] = named("tl.Serial", layers);
  return new SerialLayer(flat("tl.Serial", given), name) as Layer<Tensors, Tensors> as Layer<I, O>;
}

class ParallelLayer extends Layer<readonly NDArray[], Tensors> {
  constructor(sublayers: readonly AnyLayer[], name: string) {
    const sum = (what: "nIn" | "nOut"): number => sublayers.reduce((n, l) => n + l[what], 0);
    super({ nIn: sum("nIn"), nOut: sum("nOut"), name, sublayers });
  }

  #spans<T>(inputs: readonly T[]): (T | readonly T[])[] {
    let at = 0;
    return this.sublayers.map(({ nIn }) => packaged(inputs.slice(at, at += nIn)));
  }

  override initWeightsAndState(signature: Signature): void {
    const spans = this.#spans(listOf(signature));
    this.sublayers.forEach((layer, i) => void layer.init(spans[i]!));
  }

  override forward(inputs: readonly NDArray[]): Tensors {
    const key = partsOf(() => this.rng, this.sublayers.length);
    const outs = this.#spans(listOf(inputs)).flatMap((xs, i) =>
      listOf(this.sublayers[i]!.run(xs, key(i)))
    );
    return packaged(outs);
  }
}

/** A layer in the place of a list, or of none. */
function oneOf(op: string, layer: Layers): AnyLayer {
  const all = flat(op, [layer]);
  return all.length === 1 ? all[0]! : new SerialLayer(all, "Serial") as AnyLayer;
}

/**
 * Layers side by side, each on the next arrays of the stack; what they give is put together. `null` leaves
 * one array as it is.
 *
 * @throws {ShapeError} of fewer than two layers, and of one that takes nothing.
 */
export function Parallel<
  I extends readonly NDArray[] = readonly NDArray[],
  O extends Tensors = readonly NDArray[],
>(
  ...layers: readonly (Layers | NameOptions)[]
): Layer<I, O> {
  const [given, { name = "Parallel" }] = named("tl.Parallel", layers);
  const all = given.map((layer) => oneOf("tl.Parallel", layer));
  if (all.length < 2) {
    throw new ShapeError(`tl.Parallel: there must be at least two layers, not ${all.length}`);
  }
  all.forEach((layer, i) => {
    if (layer.nIn > 0) return;
    throw new ShapeError(`tl.Parallel: item ${i} (${layer.name}) takes nothing from the stack`);
  });
  return new ParallelLayer(all, name) as Layer<Tensors, Tensors> as Layer<I, O>;
}

/**
 * Layers side by side on copies of the same arrays, from the top of the stack. `null` passes on one array.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const layer = tl.Serial(tl.Branch(null, tl.Tanh(), tl.Negate()), tl.Add(), tl.Add());
 * console.log(layer.call(np.array(0.5)).item().toFixed(4)); // 0.4621, of x + tanh(x) - x
 * ```
 */
export function Branch<I extends Tensors = NDArray, O extends Tensors = readonly NDArray[]>(
  ...layers: readonly (Layers | NameOptions)[]
): Layer<I, O> {
  const [given, { name = "Branch" }] = named("tl.Branch", layers);
  if (given.length === 1) {
    return oneOf("tl.Branch", given[0]!) as Layer<Tensors, Tensors> as Layer<I, O>;
  }
  const parallel = Parallel(...given) as Layer<Tensors, Tensors>;
  const indices = parallel.sublayers.flatMap(({ nIn }) => Array.from({ length: nIn }, (_, i) => i));
  return new SerialLayer([Select(indices), parallel], name) as Layer<Tensors, Tensors> as Layer<
    I,
    O
  >;
}

/**
 * The sum of what comes in and what the layers make of it.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * console.log(tl.Residual(tl.Negate()).call(np.array([1, 2])).toArray()); // [ 0, 0 ]
 * ```
 */
export function Residual(
  ...layers: readonly (Layers | ResidualOptions)[]
): Layer<NDArray, NDArray> {
  const last = layers.at(-1);
  const isOptions = typeof last === "object" && last !== null && "shortcut" in last;
  const { shortcut = null } = isOptions ? last as ResidualOptions : {};
  const all = flat("tl.Residual", (isOptions ? layers.slice(0, -1) : layers) as Layers[]);
  return Serial(Branch(shortcut, oneOf("tl.Residual", all)) as Layer<Tensors, Tensors>, Add());
}

/** Options of `Residual`. */
export interface ResidualOptions {
  /** What is applied to the inputs before they are added (default nothing). */
  readonly shortcut: Layers;
}

/**
 * Copies, reorders or drops arrays of the stack, by their positions from its top. `nIn` are taken off
 * (default: as far as the positions go).
 */
export function Select(indices: readonly number[], nIn?: number): Layer<Tensors, Tensors> {
  if (arguments.length > 2) checkCall("tl.Select(indices, nIn)", arguments);
  const n = nIn ?? Math.max(-1, ...indices) + 1;
  if (!Array.isArray(indices) || !indices.every((i) => Number.isInteger(i) && i >= 0 && i < n)) {
    throw new ShapeError(
      `tl.Select: the positions must be whole numbers below nIn = ${n}, not ${
        describeValue(indices)
      }`,
    );
  }
  const pick = (...xs: NDArray[]): Tensors => packaged(indices.map((i) => xs[i]!));
  return fnOf(`Select[${indices}]`, pick, n, indices.length);
}

/** Takes the top of the stack off. */
export const Drop = (): Layer<NDArray, readonly NDArray[]> =>
  fnOf("Drop", () => [], 1, 0) as Layer<NDArray, readonly NDArray[]>;
/** Puts the top of the stack onto it once more. */
export const Dup = (): Layer<NDArray, readonly NDArray[]> =>
  fnOf("Dup", (x) => [x!, x!], 1, 2) as Layer<NDArray, readonly NDArray[]>;
/** Exchanges the two arrays at the top. */
export const Swap = (): Layer<readonly NDArray[], readonly NDArray[]> =>
  Fn("Swap", (x, y) => [y!, x!], 2);
/** The sum of the two arrays at the top. */
export const Add = (): Layer<readonly NDArray[], NDArray> => Fn("Add", (x, y) => x!.add(y!), 1);
/** The second array less the top one. */
export const SubtractTop = (): Layer<readonly NDArray[], NDArray> =>
  Fn("SubtractTop", (x, y) => y!.sub(x!), 1);
/** The product of the two arrays at the top. */
export const Multiply = (): Layer<readonly NDArray[], NDArray> =>
  Fn("Multiply", (x, y) => x!.mul(y!), 1);
/** Of memory, gate and candidate: the memory where the gate is 1, the candidate where it is 0. */
export const Gate = (): Layer<readonly NDArray[], NDArray> =>
  Fn("Gate", (m, g, c) => g!.mul(m!).add(np.sub(1, g!).mul(c!)), 1);

/** Makes one array of several, along an axis. */
export function Concatenate(nItems = 2, axis = -1): Layer<readonly NDArray[], NDArray> {
  if (arguments.length > 2) checkCall("tl.Concatenate(nItems, axis)", arguments);
  const join = (...xs: NDArray[]): NDArray => np.concatenate(xs, axis);
  return fnOf("Concatenate", join, nItems, 1) as Layer<readonly NDArray[], NDArray>;
}

/** Makes several arrays of one, along an axis. */
export function Split(nItems = 2, axis = -1): Layer<NDArray, readonly NDArray[]> {
  if (arguments.length > 2) checkCall("tl.Split(nItems, axis)", arguments);
  const cut = (x: NDArray): readonly NDArray[] => np.split(x, nItems, axis);
  return fnOf("Split", cut as (...xs: NDArray[]) => Tensors, 1, nItems) as Layer<
    NDArray,
    readonly NDArray[]
  >;
}

/**
 * Layers of which each puts side outputs onto the stack, which are gathered below what goes on:
 * `nSideOutputs` of each, or a number for each.
 */
export function SerialWithSideOutputs(
  layers: readonly AnyLayer[],
  nSideOutputs: number | readonly number[] = 1,
): Layer<Tensors, Tensors> {
  if (arguments.length > 2) checkCall("tl.SerialWithSideOutputs(layers, nSideOutputs)", arguments);
  const sides = layers.map((_, i) =>
    typeof nSideOutputs === "number" ? nSideOutputs : nSideOutputs[i]!
  );
  let [most, total] = [0, 0];
  layers.forEach((layer, i) => {
    total += layer.nIn;
    most = Math.max(most, total);
    total -= layer.nOut - sides[i]!;
  });
  let size = most;
  const range = (n: number, from: number): number[] =>
    Array.from({ length: Math.max(0, n) }, (_, i) => i + from);
  const all = layers.flatMap((layer, i) => {
    size += layer.nOut - layer.nIn;
    const goesOn = layer.nOut - sides[i]!;
    return [
      layer,
      Select([
        ...range(goesOn, 0),
        ...range(size - layer.nOut, layer.nOut),
        ...range(sides[i]!, goesOn),
      ]),
    ];
  });
  return new SerialLayer(all, "SerialWithSideOutputs") as Layer<Tensors, Tensors>;
}

/** The signature without an axis. */
export function withoutAxis(x: ShapeDtype, axis: number): readonly number[] {
  if (axis < x.shape.length) return x.shape.filter((_, i) => i !== axis);
  throw new ShapeError(`tl.Scan: axis ${axis} is to be looped over, but there is ${shown(x)}`);
}

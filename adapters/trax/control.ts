/**
 * Layers in loops and branches.
 *
 * @module
 */
import { checkCall, type OptionTable } from "../../lib/extend.ts";
import { NDArray, numpy as np, random, ShapeDtype, ShapeError, StateError } from "../../mod.ts";
import { Serial, withoutAxis } from "./combinators.ts";
import { transforms } from "./context.ts";
import { fnOf } from "./core.ts";
import { partsOf } from "./frames.ts";
import { type AnyLayer, Layer } from "./layer.ts";
import { listOf, packaged, shown, type Signature, type Tensors } from "./tensors.ts";

/** Options of `Scan`. */
export interface ScanOptions {
  /** The axis that is looped over (default 0). */
  readonly axis?: number | undefined;
  /** How many of the inputs, from the last one, go round (default 1). */
  readonly nCarry?: number | undefined;
  /** Whether to compute the steps again in the backward pass, to save memory (default false). */
  readonly remat?: boolean | undefined;
}

const scanOptions: OptionTable<ScanOptions> = { axis: "number", nCarry: "count", remat: "boolean" };

class ScanLayer extends Layer<Tensors, Tensors> {
  constructor(readonly layer: AnyLayer, readonly options: ScanOptions) {
    super({ nIn: layer.nIn, nOut: layer.nOut, name: "Scan", sublayers: [layer] });
  }

  override initWeightsAndState(signature: Signature): void {
    const { axis = 0, nCarry = 1 } = this.options;
    const all = listOf(signature);
    const xs = all.slice(0, all.length - nCarry).map((x) =>
      new ShapeDtype(withoutAxis(x, axis), x.dtype)
    );
    this.layer.init(packaged([...xs, ...all.slice(all.length - nCarry)]));
  }

  override forward(inputs: Tensors): Tensors {
    const { axis = 0, nCarry = 1, remat = false } = this.options;
    const all = listOf(inputs);
    const n = all.length - nCarry;
    const xs = all.slice(0, n).map((x) => np.moveaxis(x, axis, 0));
    const steps = xs[0]!.shape[0]!;
    const once = (
      carry: readonly NDArray[],
      xs: readonly NDArray[],
      i: NDArray,
    ): readonly NDArray[] =>
      listOf(this.layer.run(packaged([...xs, ...carry]), () => random.foldIn(this.rng, i)));
    const step = remat ? transforms.checkpoint(once as never) as typeof once : once;
    const kept = this.nOut - nCarry;
    const [carry, ys] = transforms.scan(
      (carry: NDArray[], { xs, i }: { xs: NDArray[]; i: NDArray }) => {
        const out = step(carry, xs, i);
        return [[...out.slice(kept)], [...out.slice(0, kept)]];
      },
      all.slice(n) as NDArray[],
      { xs: xs as NDArray[], i: np.arange(steps, { dtype: "int32" }) },
    );
    return packaged([
      ...(ys as NDArray[]).map((y) => np.moveaxis(y, 0, axis)),
      ...carry as NDArray[],
    ]);
  }
}

/**
 * Applies a layer to each slice along an axis. Of its inputs, the last `nCarry` go round and are the last of
 * its outputs; the others are slices, and so are the other outputs. State goes from step to step.
 *
 * @throws {ShapeError} where the layer does not take a slice, or does not give what goes round.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const add = tl.Fn("add", (x: NDArray, sum: NDArray) => [x.add(sum), x.add(sum)], 2);
 * const [sums, last] = tl.Scan(add).call([np.array([1, 2, 3]), np.array(0)]) as NDArray[];
 * console.log(sums!.toArray(), last!.item()); // [ 1, 3, 6 ] 6
 * ```
 */
export function Scan(layer: AnyLayer, options: ScanOptions = {}): Layer<Tensors, Tensors> {
  checkCall("tl.Scan(layer, options)", arguments, scanOptions);
  if (!(layer instanceof Layer)) {
    throw new TypeError(`tl.Scan: the first argument must be a layer, not ${shown(layer)}`);
  }
  const { nCarry = 1 } = options;
  if (layer.nIn <= nCarry || layer.nOut < nCarry) {
    throw new ShapeError(
      `tl.Scan: ${layer.name} takes ${layer.nIn} arrays and gives ${layer.nOut}; with nCarry = ${nCarry} it must ` +
        `take at least ${nCarry + 1} and give at least ${nCarry}`,
    );
  }
  return new ScanLayer(layer, options) as Layer<Tensors, Tensors>;
}

/** Applies a layer to `chunkSize` rows at a time, to save memory. */
export function Chunk(layer: AnyLayer, chunkSize: number): Layer<Tensors, Tensors> {
  if (arguments.length > 2) checkCall("tl.Chunk(layer, chunkSize)", arguments);
  const each = (f: (x: NDArray) => NDArray) => (...xs: NDArray[]): Tensors => packaged(xs.map(f));
  const cut = each((x) => {
    const rows = x.shape[0] ?? 0;
    if (rows % chunkSize === 0) {
      return x.reshape([rows / chunkSize, chunkSize, ...x.shape.slice(1)]);
    }
    throw new ShapeError(
      `tl.Chunk: chunkSize ${chunkSize} does not divide the ${rows} rows of ${shown(x)}`,
    );
  });
  const join = each((x) => x.reshape([x.shape[0]! * x.shape[1]!, ...x.shape.slice(2)]));
  return Serial<Tensors, Tensors>(
    fnOf("ReshapeToChunks", cut, layer.nIn, layer.nIn),
    Scan(layer, { nCarry: 0, remat: true }),
    fnOf("ReshapeFromChunks", join, layer.nOut, layer.nOut),
  );
}

class CondLayer extends Layer<Tensors, Tensors> {
  constructor(readonly cond: AnyLayer, readonly yes: AnyLayer, readonly no: AnyLayer) {
    super({ nIn: cond.nIn + yes.nIn, nOut: yes.nOut, name: "Cond", sublayers: [cond, yes, no] });
  }

  override initWeightsAndState(signature: Signature): void {
    const all = listOf(signature);
    this.cond.init(packaged(all.slice(0, this.cond.nIn)));
    for (const layer of [this.yes, this.no]) layer.init(packaged(all.slice(this.cond.nIn)));
  }

  override forward(inputs: Tensors): Tensors {
    const all = listOf(inputs);
    const key = partsOf(() => this.rng, 3);
    const chosen = this.cond.run(packaged(all.slice(0, this.cond.nIn)), key(0));
    if (!(chosen instanceof NDArray) || chosen.ndim > 0) {
      throw new StateError(
        `tl.Cond: ${this.cond.name} must give one truth value, not ${shown(chosen)}`,
      );
    }
    const branch = (layer: AnyLayer, i: number) => (...xs: NDArray[]): NDArray[] => [
      ...listOf(layer.run(packaged(xs), key(i))),
    ];
    const rest = all.slice(this.cond.nIn) as NDArray[];
    return packaged(
      transforms.cond(chosen, branch(this.yes, 1), branch(this.no, 2), ...rest) as NDArray[],
    );
  }
}

/**
 * One of two layers, by a truth value that `cond` makes of the first arrays of the stack; the chosen one
 * works on the others. Both are initialised; only the state of the chosen one moves.
 *
 * @param no Gives what it takes, where left out.
 * @throws {ShapeError} where `cond` gives more than one array, or the two take or give different numbers.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np } from "@injax/injax";
 * import * as tl from "@injax/injax/adapters/trax";
 *
 * const isLarge = tl.Fn("IsLarge", (x) => x.sum().greater(10));
 * const layer = tl.Serial(tl.Dup(), tl.Cond(isLarge, tl.Fn("Half", (x) => x.mul(0.5))));
 * console.log(layer.call(np.array([8, 4])).toArray(), layer.call(np.array([1, 2])).toArray()); // [ 4, 2 ] [ 1, 2 ]
 * ```
 */
export function Cond(
  cond: AnyLayer,
  yes: AnyLayer,
  no: AnyLayer = Serial() as AnyLayer,
): Layer<Tensors, Tensors> {
  if (arguments.length > 3) checkCall("tl.Cond(cond, yes, no)", arguments);
  if (cond.nOut !== 1) {
    throw new ShapeError(`tl.Cond: ${cond.name} must give one array, not ${cond.nOut}`);
  }
  for (const what of ["nIn", "nOut"] as const) {
    if (yes[what] === no[what]) continue;
    throw new ShapeError(
      `tl.Cond: both layers must have the same ${what}, but ${yes.name} has ${
        yes[what]
      } and ${no.name} ${no[what]}`,
    );
  }
  return new CondLayer(cond, yes, no) as Layer<Tensors, Tensors>;
}

/**
 * Exchanges of values between the lanes of a `vmap` that was given an `axisName`. Sums and extremes are in
 * `collectives.ts`.
 *
 * @module
 */
import {
  AxisError,
  checkCall,
  describeValue,
  formatShape,
  type NDArray,
  normalizeAxis,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import * as lanes from "../primitives/lanes/collective.ts";
import { moveAxis, reshape, slice } from "../primitives/mod.ts";
import type { Arrays, Tree } from "../transforms/tree_types.ts";
import { axesOf, type AxisName, axisOf, gathered, lengthOf, onLeaves } from "./named_axes.ts";
import { expectNumbers } from "./operands.ts";

/** Options of {@linkcode allGather}. */
export interface AllGatherOptions {
  /** Where the axis of the lanes is in the result (default 0). */
  readonly axis?: number | undefined;
  /** Whether the lanes' values are put one behind the other along that axis, in the place of a new one. */
  readonly tiled?: boolean | undefined;
}

/** Options of {@linkcode psumScatter}. */
export interface PsumScatterOptions {
  /** The axis of which each lane gets a part (default 0). */
  readonly scatterDimension?: number | undefined;
  /** Whether the axis stays, shorter by the number of lanes. */
  readonly tiled?: boolean | undefined;
}

/** Options of {@linkcode allToAll}. */
export interface AllToAllOptions {
  /** Whether both axes stay: the one shorter and the other longer by the number of lanes. */
  readonly tiled?: boolean | undefined;
}

const allGatherOptions: OptionTable<AllGatherOptions> = { axis: "number", tiled: "boolean" };
const psumScatterOptions: OptionTable<PsumScatterOptions> = {
  scatterDimension: "number",
  tiled: "boolean",
};
const allToAllOptions: OptionTable<AllToAllOptions> = { tiled: "boolean" };

/** The shape with `lengths` in the place of axis `at`. */
function withAxis(x: NDArray, at: number, lengths: readonly number[]): number[] {
  return [...x.shape.slice(0, at), ...lengths, ...x.shape.slice(at + 1)];
}

/** Axis 0 put in front of axis `at` of the others, and joined to it. */
function joinedAt(x: NDArray, at: number): NDArray {
  const [n, m] = [x.shape[0]!, x.shape[at + 1]!];
  const moved = moveAxis(x, 0, at);
  return reshape(moved, [...moved.shape.slice(0, at), n * m, ...moved.shape.slice(at + 2)]);
}

/** An axis of which each of `count` lanes gets a part: the number of the part goes in front. */
function partsInFront(
  op: string,
  x: NDArray,
  axis: number,
  count: number,
  tiled: boolean,
): NDArray {
  const length = x.shape[axis]!;
  if (tiled ? length % count === 0 : length === count) {
    const parted = tiled ? reshape(x, withAxis(x, axis, [count, length / count])) : x;
    return moveAxis(parted, axis, 0);
  }
  throw new ShapeError(
    `${op}: axis ${axis} of the shape ${
      formatShape(x.shape)
    } has length ${length}, and there are ` +
      `${count} lanes: with tiled, it must be a multiple of that; without, ${count}`,
  );
}

/**
 * The values of all lanes, in each of them, as `jax.lax.all_gather`: along a new axis, or one behind the
 * other along one that is there with `tiled`.
 *
 * @throws {AxisError} where no `vmap` around has an axis of that name, or `axis` is out of range.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { allGather } from "@injax/injax/lax";
 *
 * const rank = vmap((x: NDArray) => allGather(x, "all").less(x).sum(), { axisName: "all" });
 * console.log(rank(np.array([3, 7, 5])).toArray()); // [ 0, 2, 1 ]
 * ```
 */
export function allGather<X extends Tree>(
  x: X,
  axisName: AxisName,
  options: AllGatherOptions = {},
): Arrays<X> {
  if (arguments.length > 2) {
    options = readOptions("allGather(x, axisName, options)", arguments, allGatherOptions);
  }
  const axes = axesOf("allGather", axisName);
  const { axis = 0, tiled = false } = options;
  return onLeaves("allGather", x, (leaf) => {
    const all = gathered(leaf, axes);
    if (tiled) return joinedAt(all, normalizeAxis("allGather", axis, leaf.ndim));
    return moveAxis(all, 0, normalizeAxis("allGather", axis, all.ndim));
  });
}

/**
 * Of the sum over all lanes a part for each, as `jax.lax.psum_scatter`: the slice of its number along an axis
 * as long as there are lanes, or with `tiled` the block.
 *
 * @throws {AxisError} where no `vmap` around has an axis of that name, or `scatterDimension` is out of range.
 * @throws {ShapeError} where the axis has another length than there are lanes, or with `tiled` no multiple.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { psumScatter } from "@injax/injax/lax";
 *
 * const f = vmap((x: NDArray) => psumScatter(x, "i"), { axisName: "i" });
 * console.log(f(np.array([[1, 2], [10, 20]])).toArray()); // [ 11, 22 ]
 * ```
 */
export function psumScatter<X extends Tree>(
  x: X,
  axisName: AxisName,
  options: PsumScatterOptions = {},
): Arrays<X> {
  if (arguments.length > 2) {
    options = readOptions("psumScatter(x, axisName, options)", arguments, psumScatterOptions);
  }
  const axes = axesOf("psumScatter", axisName);
  const { scatterDimension = 0, tiled = false } = options;
  return onLeaves("psumScatter", x, (leaf) => {
    expectNumbers("psumScatter", leaf, "a leaf of x");
    const at = normalizeAxis("psumScatter", scatterDimension, leaf.ndim, "scatterDimension");
    const parts = partsInFront("psumScatter", leaf, at, lengthOf(axes), tiled);
    const split = reshape(parts, [...axes.map((a) => a.size), ...parts.shape.slice(1)]);
    return axes.reduce((sum, axis) => lanes.psumScatter(sum, axis), split);
  });
}

/**
 * Exchanges parts between all lanes, as `jax.lax.all_to_all`: part `j` of lane `i` along `splitAxis` becomes
 * part `i` of lane `j` along `concatAxis`. Without `tiled`, `splitAxis` is as long as there are lanes and goes,
 * and `concatAxis` is a new one; with it both stay, shorter and longer.
 *
 * @throws {AxisError} where no `vmap` around has an axis of that name, or an axis is out of range.
 * @throws {ShapeError} where the axis has another length than there are lanes, or with `tiled` no multiple.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { allToAll } from "@injax/injax/lax";
 *
 * const f = vmap((x: NDArray) => allToAll(x, "i", 0, 0), { axisName: "i" });
 * console.log(f(np.array([[1, 2], [3, 4]])).toArray()); // [ [ 1, 3 ], [ 2, 4 ] ]
 * ```
 */
export function allToAll<X extends Tree>(
  x: X,
  axisName: AxisName,
  splitAxis: number,
  concatAxis: number,
  options: AllToAllOptions = {},
): Arrays<X> {
  if (arguments.length > 4) {
    options = readOptions(
      "allToAll(x, axisName, splitAxis, concatAxis, options)",
      arguments,
      allToAllOptions,
    );
  }
  return exchanged("allToAll", x, axisName, splitAxis, concatAxis, options.tiled ?? false);
}

function exchanged<X extends Tree>(
  op: string,
  x: X,
  axisName: AxisName,
  splitAxis: number,
  concatAxis: number,
  tiled: boolean,
): Arrays<X> {
  const axes = axesOf(op, axisName);
  return onLeaves(op, x, (leaf) => {
    const from = normalizeAxis(op, splitAxis, leaf.ndim, "splitAxis");
    const to = normalizeAxis(op, concatAxis, leaf.ndim, "concatAxis");
    const parts = partsInFront(op, leaf, from, lengthOf(axes), tiled);
    // Each of several axes is exchanged in its turn, and goes behind the others.
    const split = reshape(parts, [...axes.map((a) => a.size), ...parts.shape.slice(1)]);
    const last = axes.length - 1;
    const done = axes.reduce((y, axis) => moveAxis(lanes.allToAll(y, axis), 0, last), split);
    const got = reshape(done, parts.shape);
    return tiled ? joinedAt(got, to) : moveAxis(got, 0, to);
  });
}

/**
 * Exchanges an axis as long as there are lanes with the axis of the lanes, as `jax.lax.pswapaxes`.
 *
 * @throws {AxisError} where no `vmap` around has an axis of that name, or `axis` is out of range.
 * @throws {ShapeError} where the axis has another length than there are lanes.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { pswapaxes } from "@injax/injax/lax";
 *
 * const f = vmap((x: NDArray) => pswapaxes(x, "i", 0), { axisName: "i" });
 * console.log(f(np.array([[1, 2], [3, 4]])).toArray()); // [ [ 1, 3 ], [ 2, 4 ] ]
 * ```
 */
export function pswapaxes<X extends Tree>(x: X, axisName: AxisName, axis: number): Arrays<X> {
  if (arguments.length > 3) checkCall("pswapaxes(x, axisName, axis)", arguments);
  return exchanged("pswapaxes", x, axisName, axis, axis, false);
}

/** The numbers of lanes in a list, which must be some of those that there are. */
function checkLane(op: string, what: string, lane: unknown, size: number): asserts lane is number {
  if (Number.isInteger(lane) && (lane as number) >= 0 && (lane as number) < size) return;
  throw new AxisError(
    `${op}: ${what} must be a lane, a whole number from 0 to ${size - 1}, not ${
      describeValue(lane)
    }`,
  );
}

/**
 * Sends values from lane to lane, as `jax.lax.ppermute`: for each pair `[from, to]`, lane `to` gets the value
 * of lane `from`. A lane that none sends to gets zeros.
 *
 * @throws {AxisError} where no `vmap` around has an axis of that name, a number is no lane, or a lane gives or
 * gets twice.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { ppermute } from "@injax/injax/lax";
 *
 * const shifted = vmap((x: NDArray) => ppermute(x, "i", [[0, 1], [1, 2]]), { axisName: "i" });
 * console.log(shifted(np.array([5, 6, 7])).toArray()); // [ 0, 5, 6 ]
 * ```
 */
export function ppermute<X extends Tree>(
  x: X,
  axisName: AxisName,
  perm: readonly (readonly [from: number, to: number])[],
): Arrays<X> {
  if (arguments.length > 3) checkCall("ppermute(x, axisName, perm)", arguments);
  const axis = axisOf("ppermute", axisName);
  if (!Array.isArray(perm) || perm.some((p) => !Array.isArray(p) || p.length !== 2)) {
    throw new TypeError(
      `ppermute: perm must be a list of pairs [from, to], as in [[0, 1], [1, 0]], not ${
        describeValue(perm)
      }`,
    );
  }
  const sources: number[] = new Array(axis.size).fill(-1);
  for (const [from, to] of perm as readonly (readonly [unknown, unknown])[]) {
    checkLane("ppermute", "where a value is from", from, axis.size);
    checkLane("ppermute", "where a value goes to", to, axis.size);
    if (sources.includes(from)) {
      throw new AxisError(
        `ppermute: lane ${from} gives its value twice; use pbroadcast or allGather`,
      );
    }
    if (sources[to] !== -1) throw new AxisError(`ppermute: lane ${to} gets two values`);
    sources[to] = from;
  }
  return onLeaves("ppermute", x, (leaf) => lanes.ppermute(leaf, { ...axis, sources }));
}

/**
 * Gives each lane `i` the value of lane `perm[i]`, as `jax.lax.pshuffle`.
 *
 * @throws {AxisError} where no `vmap` around has an axis of that name, or `perm` is no permutation of its lanes.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { pshuffle } from "@injax/injax/lax";
 *
 * const f = vmap((x: NDArray) => pshuffle(x, "i", [2, 0, 1]), { axisName: "i" });
 * console.log(f(np.array([5, 6, 7])).toArray()); // [ 7, 5, 6 ]
 * ```
 */
export function pshuffle<X extends Tree>(
  x: X,
  axisName: AxisName,
  perm: readonly number[],
): Arrays<X> {
  if (arguments.length > 3) checkCall("pshuffle(x, axisName, perm)", arguments);
  const axis = axisOf("pshuffle", axisName);
  const numbers = Array.isArray(perm) ? [...perm].sort((a, b) => a - b) : [];
  if (numbers.length !== axis.size || numbers.some((n, i) => n !== i)) {
    throw new AxisError(
      `pshuffle: perm must have each of the ${axis.size} lanes once, not ${
        Array.isArray(perm) ? `[${perm.join(", ")}]` : describeValue(perm)
      }`,
    );
  }
  return onLeaves("pshuffle", x, (leaf) => lanes.ppermute(leaf, { ...axis, sources: perm }));
}

/**
 * Gives all lanes the value of one, as `jax.lax.pbroadcast`.
 *
 * @throws {AxisError} where no `vmap` around has an axis of that name, or `source` is none of its lanes.
 *
 * @example
 * ```ts
 * import { type NDArray, numpy as np, vmap } from "@injax/injax";
 * import { pbroadcast } from "@injax/injax/lax";
 *
 * const f = vmap((x: NDArray) => pbroadcast(x, "i", 1), { axisName: "i" });
 * console.log(f(np.array([5, 6, 7])).toArray()); // [ 6, 6, 6 ]
 * ```
 */
export function pbroadcast<X extends Tree>(x: X, axisName: AxisName, source: number): Arrays<X> {
  if (arguments.length > 3) checkCall("pbroadcast(x, axisName, source)", arguments);
  const axis = axisOf("pbroadcast", axisName);
  checkLane("pbroadcast", "source", source, axis.size);
  return onLeaves("pbroadcast", x, (leaf) => {
    const all = lanes.allGather(leaf, axis);
    const rest = leaf.shape.map(() => 0);
    return reshape(slice(all, [source, ...rest], [source + 1, ...leaf.shape]), leaf.shape);
  });
}

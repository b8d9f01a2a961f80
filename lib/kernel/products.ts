/**
 * Products of arrays: small ones are computed in the loops of what they are made of, others by a kernel.
 *
 * @module
 */
import { shaped, sizeOf, stridesOf } from "../core/mod.ts";
import { type Contraction, contractionOf } from "./contraction.ts";
import { type DotKernel, dotKernel } from "./dot.ts";
import type { Module } from "./encoder.ts";
import type { LaneType } from "./lanes.ts";
import { bytesPerElement } from "./space.ts";
import type { Emission, StepBuilder, Unit } from "./steps.ts";
import { constant, type Place, type Val, type View } from "./values.ts";

/** Axes that are summed over, and axes in common. */
interface Axes {
  readonly contract: readonly [readonly number[], readonly number[]];
  readonly batch: readonly [readonly number[], readonly number[]];
}

/** Up to how many products of two numbers a loop that others may join is faster than a kernel. */
const SMALL = 512;

/** See `KernelBuilder.dot`. */
export function dotStep(b: StepBuilder, x: Val, y: Val, axes: Axes): Val {
  const { contract, batch } = axes;
  const free = (v: Val, side: 0 | 1): number[] =>
    v.shape.map((_, i) => i).filter((i) => !contract[side].includes(i) && !batch[side].includes(i));
  const lengths = (v: Val, list: readonly number[]): number[] => list.map((a) => v.shape[a]!);
  const [fx, fy] = [free(x, 0), free(y, 1)];
  const out = shaped([...lengths(x, batch[0]), ...lengths(x, fx), ...lengths(y, fy)], x.dtype);
  const depth = sizeOf(lengths(x, contract[0]));
  if (sizeOf(out.shape) === 0 || depth === 0) return constant(0, out);
  if (sizeOf(out.shape) * depth <= SMALL) return pairs(b, x, y, axes, fx, fy);
  const views = [x, y].map((v) => v.kind === "view" ? v : b.dense(v));
  return b.act(views, [out], (emitter, step) => {
    const { f, unit } = emitter;
    const [vx, vy] = views as [View, View];
    const dtype = out.dtype as LaneType;
    const { copyX, copyY, kernel } = kernelFor(unit, dtype, vx, vy, axes);
    const place = emitter.place(step.outs[0]!, step.index);
    const px = inOrder(emitter, vx, copyX);
    const py = inOrder(emitter, vy, copyY);
    const scratch = emitter.temporary(kernel.scratchBytes);
    for (const p of [px, py, place, scratch]) emitter.address(p);
    f.call(kernel.fn);
  })[0]!;
}

/** A kernel, and in which orders of axes it takes copies. */
interface Arranged extends Pick<Contraction, "copyX" | "copyY"> {
  readonly kernel: DotKernel;
}

/** What has been arranged for a module: programs have the same product many times. */
const arranged = new WeakMap<Module, Map<string, Arranged>>();

function kernelFor(unit: Unit, dtype: LaneType, x: View, y: View, axes: Axes): Arranged {
  const { module, fma } = unit;
  let known = arranged.get(module);
  if (known === undefined) arranged.set(module, known = new Map());
  const key = [
    ...[dtype, x.shape, x.strides, x.offset, y.shape, y.strides, y.offset],
    ...[...axes.contract, ...axes.batch],
  ].join("|");
  let found = known.get(key);
  if (found === undefined) {
    const { product, copyX, copyY } = contractionOf(dtype, x, y, axes);
    known.set(key, found = { copyX, copyY, kernel: dotKernel(module, product, { fma }) });
  }
  return found;
}

/** The memory of a view, or of a copy with its axes in another order. */
function inOrder(emitter: Emission, v: View, order: readonly number[] | null): Place {
  if (order === null) return v.buffer.place!;
  const shape = order.map((a) => v.shape[a]!);
  const place = emitter.temporary(sizeOf(shape) * bytesPerElement[v.dtype]);
  emitter.copy({ ...v, shape, strides: order.map((a) => v.strides[a]!) }, {
    place,
    offset: 0,
    strides: stridesOf(shape),
  });
  return place;
}

/** Products of all pairs, summed up while they are computed. */
function pairs(
  b: StepBuilder,
  x: Val,
  y: Val,
  { contract, batch }: Axes,
  fx: readonly number[],
  fy: readonly number[],
): Val {
  const lengths = (v: Val, list: readonly number[]): number[] => list.map((a) => v.shape[a]!);
  const ones = (list: readonly number[]): number[] => list.map(() => 1);
  const [sb, sx] = [lengths(x, batch[0]), lengths(x, fx)];
  const [sy, sk] = [lengths(y, fy), lengths(x, contract[0])];
  // Vectors run along the axis whose elements are neighbours.
  const inner = isContiguous(y, fy);
  const after = (k: readonly number[], n: readonly number[]): number[] =>
    inner ? [...k, ...n] : [...n, ...k];
  const vx = b.reshape(
    b.transpose(x, [...batch[0], ...fx, ...contract[0]]),
    [...sb, ...sx, ...after(sk, ones(fy))],
  );
  const vy = b.reshape(
    b.transpose(y, [...batch[1], ...after(contract[1], fy)]),
    [...sb, ...ones(fx), ...after(sk, sy)],
  );
  const space = shaped([...sb, ...sx, ...after(sk, sy)], x.dtype);
  const product = b.map([vx, vy], space, (e, [p, q]) => e.mul(p!, q!));
  const first = sb.length + sx.length + (inner ? 0 : sy.length);
  return b.reduce(product, sk.map((_, i) => first + i), "add") as Val;
}

/** Whether the last of some axes that is longer than 1 has its elements next to each other. */
function isContiguous(v: Val, axes: readonly number[]): boolean {
  const last = axes.findLast((a) => v.shape[a] !== 1);
  return v.kind === "view" && last !== undefined && v.strides[last] === 1;
}

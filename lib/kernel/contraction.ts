/**
 * Sums of products over any axes of two arrays as a batch of matrix products: axes of a kind become
 * one where their strides go on like those of one axis. Which arrays have to be copied before that.
 *
 * @module
 */
import type { LaneType } from "./lanes.ts";
import type { MatrixView, OuterAxis, Product } from "./product.ts";

/** Where the elements of an array are. */
export interface StridedView {
  readonly shape: readonly number[];
  /** From one element to the next along each axis, in elements. */
  readonly strides: readonly number[];
  /** Of the first element, from the pointer. */
  readonly offset: number;
}

/** Axes of the first array, and those of the second one that they are paired with. */
export type AxisPairs = readonly [x: readonly number[], y: readonly number[]];

/** A batch of products, and what it takes to get there. */
export interface Contraction {
  /** The product; `out` is dense: the axes in common, those of `x` alone, those of `y` alone. */
  readonly product: Product;
  /** If not null, `x` of the product is a dense copy of `x` with its axes in this order. */
  readonly copyX: readonly number[] | null;
  /** The same for `y`. */
  readonly copyY: readonly number[] | null;
}

/** The product for sums over the axes `contract` for each element of the axes `batch`. */
export function contractionOf(
  dtype: LaneType,
  x: StridedView,
  y: StridedView,
  { contract, batch }: { readonly contract: AxisPairs; readonly batch: AxisPairs },
): Contraction {
  // The order of the axes that are summed over is free: that of either array may need no copy.
  const orders = [contract, sorted(contract, x, 0), sorted(contract, y, 1)];
  const found = orders.map((pairs) => arrange(dtype, x, y, pairs, batch));
  const copies = (c: Contraction): number =>
    (c.copyX === null ? 0 : elements(x)) + (c.copyY === null ? 0 : elements(y));
  return found.reduce((best, c) => copies(c) < copies(best) ? c : best);
}

/** Axes in common as runs that both arrays have; the last one first. */
interface CommonRun {
  n: number;
  readonly x: number;
  readonly y: number;
}

function commonRuns(x: StridedView, y: StridedView, [xs, ys]: AxisPairs): readonly CommonRun[] {
  const runs: CommonRun[] = [];
  for (let i = xs.length - 1; i >= 0; i--) {
    const n = x.shape[xs[i]!]!;
    if (n === 1) continue;
    const run = { n, x: x.strides[xs[i]!]!, y: y.strides[ys[i]!]! };
    const inner = runs.at(-1);
    if (inner !== undefined && run.x === inner.n * inner.x && run.y === inner.n * inner.y) {
      inner.n *= n;
    } else runs.push(run);
  }
  return runs;
}

/** A run of axes that is like one. */
interface Run {
  readonly n: number;
  readonly stride: number;
}

function elements({ shape }: StridedView): number {
  return shape.reduce((n, d) => n * d, 1);
}

function sorted([xs, ys]: AxisPairs, view: StridedView, side: 0 | 1): AxisPairs {
  const stride = (i: number): number => Math.abs(view.strides[(side === 0 ? xs : ys)[i]!]!);
  const order = xs.map((_, i) => i).sort((a, b) => stride(b) - stride(a));
  return [order.map((i) => xs[i]!), order.map((i) => ys[i]!)];
}

/** Axes as runs, the outermost first; none for a single element. */
function runsOf({ shape, strides }: StridedView, axes: readonly number[]): readonly Run[] {
  const runs: Run[] = [];
  for (const axis of axes) {
    const [n, stride] = [shape[axis]!, strides[axis]!];
    const last = runs.at(-1);
    if (n === 1) continue;
    if (last !== undefined && last.stride === n * stride) {
      runs[runs.length - 1] = { n: last.n * n, stride };
    } else runs.push({ n, stride });
  }
  return runs;
}

function arrange(
  dtype: LaneType,
  x: StridedView,
  y: StridedView,
  contract: AxisPairs,
  batch: AxisPairs,
): Contraction {
  const free = (v: StridedView, side: 0 | 1): number[] =>
    v.shape.map((_, i) => i).filter((i) => !contract[side].includes(i) && !batch[side].includes(i));
  const [xFree, yFree] = [free(x, 0), free(y, 1)];
  const length = (v: StridedView, axes: readonly number[]): number =>
    axes.reduce((n, a) => n * v.shape[a]!, 1);
  const [members, m, n, k] = [
    length(x, batch[0]),
    length(x, xFree),
    length(y, yFree),
    length(x, contract[0]),
  ];
  const [xAxes, yAxes] = [[batch[0], xFree, contract[0]], [batch[1], contract[1], yFree]];
  const [xRuns, yRuns] = [xAxes.map((a) => runsOf(x, a)), yAxes.map((a) => runsOf(y, a))];
  const single = (runs: readonly (readonly Run[])[]): boolean => runs.every((r) => r.length <= 1);
  const strideOf = (runs: readonly Run[]): number => runs.at(-1)?.stride ?? 0;
  const view = (v: StridedView, runs: readonly (readonly Run[])[]): MatrixView => ({
    offset: v.offset,
    batch: strideOf(runs[0]!),
    row: strideOf(runs[1]!),
    column: strideOf(runs[2]!),
  });
  const shape = { dtype, batch: members, m, n, k };
  const out = { offset: 0, batch: m * n, row: n, column: 1 };
  // Two runs of rows or columns are a batch of products with the same other factor.
  if (members === 1) {
    const [, [outer, inner, ...more], xContract] = xRuns as [Run[], Run[], Run[]];
    if (inner !== undefined && more.length === 0 && xContract.length <= 1 && single(yRuns)) {
      return {
        product: {
          ...shape,
          batch: outer!.n,
          m: inner.n,
          x: view(x, [[outer!], [inner], xContract]),
          y: view(y, yRuns),
          out: { ...out, batch: inner.n * n },
        },
        copyX: null,
        copyY: null,
      };
    }
    const [, yContract, [left, right, ...rest]] = yRuns as [Run[], Run[], Run[]];
    if (right !== undefined && rest.length === 0 && yContract.length <= 1 && single(xRuns)) {
      return {
        product: {
          ...shape,
          batch: left!.n,
          n: right.n,
          x: view(x, xRuns),
          y: view(y, [[left!], yContract, [right]]),
          out: { ...out, batch: right.n },
        },
        copyX: null,
        copyY: null,
      };
    }
  }
  // Axes in common are walked through one within another.
  const copyX = single(xRuns.slice(1)) ? null : xAxes.flat();
  const copyY = single(yRuns.slice(1)) ? null : yAxes.flat();
  const [fromX, fromY] = [inOrder(x, copyX), inOrder(y, copyY)];
  const [inner, ...outer] = commonRuns(fromX, fromY, batch);
  let apart = (inner?.n ?? 1) * m * n;
  const axes = outer.map((run): OuterAxis => {
    const axis = { n: run.n, x: run.x, y: run.y, targets: [apart] };
    apart *= run.n;
    return axis;
  });
  const place = (v: StridedView, axes: readonly (readonly number[])[]): MatrixView =>
    view(v, axes.map((a) => runsOf(v, a)));
  return {
    product: {
      ...shape,
      batch: inner?.n ?? 1,
      ...(axes.length > 0 && { outer: axes.reverse() }),
      x: { ...place(fromX, xAxes), batch: inner?.x ?? 0 },
      y: { ...place(fromY, yAxes), batch: inner?.y ?? 0 },
      out,
    },
    copyX,
    copyY,
  };
}

/** A dense copy of an array with its axes in an order, seen with its axes where they were. */
function inOrder(v: StridedView, order: readonly number[] | null): StridedView {
  if (order === null) return v;
  const strides = v.shape.map(() => 1);
  order.reduceRight((stride, axis) => {
    strides[axis] = stride;
    return stride * v.shape[axis]!;
  }, 1);
  return { shape: v.shape, strides, offset: 0 };
}

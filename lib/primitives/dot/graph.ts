/**
 * dot_general in ONNX: which operators compute it with the fewest rearrangements.
 *
 * @module
 */
import { type DType, isFloat, sizeOf } from "../../core/mod.ts";
import type { Lowering, Value } from "../../core/lowering.ts";

/** How one operand's axes are used. */
export interface Roles {
  /** Length of each axis. */
  readonly shape: readonly number[];
  /** Axes in common with the other operand. */
  readonly batch: readonly number[];
  /** Axes of this operand alone. */
  readonly free: readonly number[];
  /** Axes summed over. */
  readonly contract: readonly number[];
}

/** Lengths of some axes. */
export function lengths(shape: readonly number[], axes: readonly number[]): number[] {
  return axes.map((a) => shape[a]!);
}

/** Whether axes taken in the order of `perm` leave the elements where they are. */
export function inOrder(shape: readonly number[], perm: readonly number[]): boolean {
  let last = -1;
  for (const axis of perm) {
    if (shape[axis] === 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

/** An operand in the graph, and the order in which its axes are to be read. */
interface Reading {
  readonly value: Value;
  readonly shape: readonly number[];
  readonly perm: readonly number[];
}

/** The operand with its axes in the order asked for and reshaped. */
function read(g: Lowering, { value, shape, perm }: Reading, target: readonly number[]): Value {
  if (inOrder(shape, perm)) return reshaped(g, value, shape, target);
  const moved = g.node("Transpose", [value], { perm });
  return reshaped(g, moved, lengths(shape, perm), target);
}

function reshaped(
  g: Lowering,
  value: Value,
  from: readonly number[],
  to: readonly number[],
): Value {
  return from.length === to.length && from.every((n, i) => n === to[i])
    ? value
    : g.reshape(value, to);
}

/** A product without summation, by broadcasting. */
function lowerOuter(
  g: Lowering,
  x: Reading,
  y: Reading,
  batch: readonly number[],
  xFree: readonly number[],
  yFree: readonly number[],
): Value {
  // Without batch axes, broadcasting puts the axes of x in front of y's by itself.
  const middle = batch.length === 0 ? [] : xFree.map(() => 1);
  return g.node("Mul", [
    read(g, x, [...batch, ...xFree, ...yFree.map(() => 1)]),
    read(g, y, [...batch, ...middle, ...yFree]),
  ]);
}

/** MatMul, or products and their sum where there is no kernel of it; these wrap as it does. */
function matMul(
  g: Lowering,
  x: Value,
  y: Value,
  xShape: readonly number[],
  yShape: readonly number[],
  dtype: DType,
): Value {
  if (!g.lacks("MatMul", dtype)) return g.node("MatMul", [x, y]);
  // [..., rows, depth, 1] and [..., 1, depth, columns], with depth in the place that is summed.
  const left = [...xShape, 1];
  const right = yShape.length === 1 ? [...yShape, 1] : yShape.toSpliced(-2, 0, 1);
  const products = g.node("Mul", [
    g.cast(g.reshape(x, left), dtype, "int32"),
    g.cast(g.reshape(y, right), dtype, "int32"),
  ]);
  const rank = Math.max(left.length, right.length);
  const sum = g.node("ReduceSum", [products, g.int64([rank - 2])], { keepdims: 0 });
  const out = yShape.length === 1 ? xShape.slice(0, -1) : [...xShape.slice(0, -1), yShape.at(-1)!];
  return g.cast(g.reshape(sum, out), "int32", dtype);
}

/** Longest float32 scalar product that a kernel may add up in one go. */
const LONGEST_RUN = 4096;

/** A long scalar product in two stages, so that rounding does not pile up. */
function lowerLongDot(g: Lowering, x: Value, y: Value, n: number, dtype: "float32"): Value {
  const run = Math.ceil(Math.sqrt(n));
  const rows = Math.ceil(n / run);
  const pads = g.int64([0, rows * run - n]);
  const part = (v: Value, shape: readonly number[]): Value => {
    const vector = g.reshape(v, [n]);
    const whole = rows * run === n ? vector : g.node("Pad", [vector, pads, g.scalar(0, dtype)]);
    return g.reshape(whole, shape);
  };
  const parts = g.node("MatMul", [part(x, [rows, 1, run]), part(y, [rows, run, 1])]);
  return g.node("ReduceSum", [parts, g.int64([0, 1, 2])], { keepdims: 0 });
}

/** Most elements that a long product with a vector may have for a GPU to be better off with sums. */
const FEW = 512;
/** Shortest sum that one thread of a GPU should not add up alone. */
const SHARED_RUN = 512;

/**
 * A long product with a vector, as products and their sums. Kernels of MatMul on WebGPU have one thread
 * for each element of the result, while many share the sums of ReduceSum: on an H200, [5, 32768] times a
 * vector took 18 ms and takes less than can be seen beside reading the result, and a `fixedPoint` of
 * 32768 unknowns 890 ms and takes 200, its gradient 4100 ms and 400.
 */
function lowerThin(
  g: Lowering,
  x: Reading,
  y: Reading,
  batch: readonly number[],
  rows: number,
  columns: number,
  depth: number,
): Value {
  const products = g.node("Mul", [
    read(g, x, [...batch, rows, 1, depth]),
    read(g, y, [...batch, 1, columns, depth]),
  ]);
  return g.node("ReduceSum", [products, g.int64([batch.length + 2])], { keepdims: 0 });
}

/** Adds the nodes for a product that has at least one element and sums at least one term. */
export function lowerDot(
  g: Lowering,
  xValue: Value,
  yValue: Value,
  x: Roles,
  y: Roles,
  dtype: DType,
  outShape: readonly number[],
): Value {
  const batch = lengths(x.shape, x.batch);
  const xFree = lengths(x.shape, x.free);
  const yFree = lengths(y.shape, y.free);
  const of = (value: Value, { shape }: Roles, ...perm: (readonly number[])[]): Reading => ({
    value,
    shape,
    perm: perm.flat(),
  });
  if (x.contract.length === 0) {
    return lowerOuter(
      g,
      of(xValue, x, x.batch, x.free),
      of(yValue, y, y.batch, y.free),
      batch,
      xFree,
      yFree,
    );
  }
  const depth = sizeOf(lengths(x.shape, x.contract));
  const rows = sizeOf(xFree);
  const columns = sizeOf(yFree);

  // Summed axes may be taken in any order: try that of x and that of y, in which the fewest
  // operands have to be rearranged.
  const ascending = (axes: readonly number[]): number[] =>
    axes.map((_, i) => i).sort((i, j) => axes[i]! - axes[j]!);
  const orders = [ascending(x.contract), ascending(y.contract)];
  const choices = orders.flatMap((order) => {
    const xc = order.map((i) => x.contract[i]!);
    const yc = order.map((i) => y.contract[i]!);
    const straight = {
      left: of(xValue, x, x.batch, x.free, xc),
      right: of(yValue, y, y.batch, yc, y.free),
      leftTurned: of(xValue, x, x.batch, xc, x.free),
      rightTurned: of(yValue, y, y.batch, y.free, yc),
      swapped: false,
    };
    // With a vector the factors can be exchanged: x Y = Y' x.
    const swapped = {
      left: straight.rightTurned,
      right: straight.leftTurned,
      leftTurned: straight.right,
      rightTurned: straight.left,
      swapped: true,
    };
    return x.free.length === 0 || y.free.length === 0 ? [straight, swapped] : [straight];
  });
  const moves = (r: Reading): number => inOrder(r.shape, r.perm) ? 0 : 1;
  const cost = (c: typeof choices[number]): number => moves(c.left) + moves(c.right);
  const best = choices.reduce((a, b) => cost(b) < cost(a) ? b : a);

  const elements = sizeOf(batch) * rows * columns;
  const isThin = Math.min(rows, columns) === 1 && elements <= FEW && depth >= SHARED_RUN;
  if (g.target === "webgpu" && isThin && isFloat(dtype)) {
    const { left, rightTurned } = choices[0]!;
    const product = lowerThin(g, left, rightTurned, batch, rows, columns, depth);
    return reshaped(g, product, [...batch, rows, columns], outShape);
  }
  if (batch.length === 0) {
    const long = depth > LONGEST_RUN && !g.isOpen(depth);
    if (dtype === "float32" && rows * columns === 1 && long && cost(best) === 0) {
      return reshaped(
        g,
        lowerLongDot(g, best.left.value, best.right.value, depth, dtype),
        [],
        outShape,
      );
    }
    if (isFloat(dtype) && cost(best) > 0) {
      // Gemm reads its operands in either order.
      const gemm = choices.find((c) =>
        !c.swapped && moves(c.left) * moves(c.leftTurned) === 0 &&
        moves(c.right) * moves(c.rightTurned) === 0
      );
      if (gemm !== undefined) {
        const transA = moves(gemm.left);
        const transB = moves(gemm.right);
        const a = transA === 1
          ? read(g, gemm.leftTurned, [depth, rows])
          : read(g, gemm.left, [rows, depth]);
        const b = transB === 1
          ? read(g, gemm.rightTurned, [columns, depth])
          : read(g, gemm.right, [depth, columns]);
        const product = g.node("Gemm", [a, b], { transA, transB });
        return reshaped(g, product, [rows, columns], outShape);
      }
    }
  }
  const [leftFree, rightFree] = best.swapped ? [yFree, xFree] : [xFree, yFree];
  // MatMul takes vectors and leading axes as they are, but there must be one matrix axis each where
  // there are batch axes.
  const batched = batch.length > 0;
  const one = x.contract.length === 1;
  // Beside a vector, the runtime's fusion of a product with a transposition forgets the latter (level
  // "extended" of onnxruntime 1.30, which files are run at if nothing is said; it finds transpositions
  // that are nodes away). Backend onnx switches it off.
  const asColumn = g.target !== "onnx" && leftFree.length > 0;
  const leftShape = batched || !one || leftFree.length === 0
    ? [...batch, ...(leftFree.length === 0 && !batched ? [] : [sizeOf(leftFree)]), depth]
    : [...leftFree, depth];
  const rightShape = [
    ...batch,
    depth,
    ...(rightFree.length === 0 && !batched && !asColumn ? [] : [sizeOf(rightFree)]),
  ];
  const product = matMul(
    g,
    read(g, best.left, leftShape),
    read(g, best.right, rightShape),
    leftShape,
    rightShape,
    dtype,
  );
  return reshaped(
    g,
    product,
    [...leftShape.slice(0, -1), ...rightShape.slice(batch.length + 1)],
    outShape,
  );
}

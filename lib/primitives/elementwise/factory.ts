/**
 * Factories for elementwise primitives: what all of them share (dtype and shape checks, loops,
 * batching by NumPy broadcasting, samples), so that an operation states only its own rules.
 *
 * Elementwise primitives broadcast their operands; all operands of numbers have one dtype.
 *
 * Loops of elementwise operations over typed arrays, with NumPy broadcasting.
 *
 * Owns how elements are walked, and nothing of what an operation means. Inputs are row-major and never
 * written to.
 *
 * @module
 */
import {
  type Algebra,
  allocate,
  type BatchResult,
  bind1,
  broadcastShapes,
  checkDType,
  definePrimitive,
  type DType,
  DTypeError,
  formatAval,
  isFloat,
  limits,
  type Linear,
  type NDArray,
  ordinary,
  type Primitive,
  sameShape,
  type Sample,
  type SampleInput,
  shaped,
  type ShapedArray,
  sizeOf,
  smallestNormal,
  type Tangent,
  type TypedArray,
} from "../../core/mod.ts";
import type { Heavy } from "../../core/kernel.ts";
import type { Lowering, Value } from "../../core/lowering.ts";
import type { Elementwise, Loop, Scalar1, Scalar2 } from "../../scalar/expr.ts";
import { elementwiseLoop } from "../../scalar/javascript.ts";
import { broadcastStrides, mergeAxes, Odometer } from "../loops/loops.ts";
import { expandDims, moveAxis, reshape } from "../shape/shape.ts";
import { broadcastTo, unbroadcast } from "../sum/broadcast.ts";

/** Writes what an operation computes of each element of `a` to `out`. */
export type Map1 = (out: TypedArray, a: TypedArray) => void;

/** Writes what an operation computes of each pair of elements to `out`, broadcasting to `shape`. */
export type Map2 = (
  out: TypedArray,
  shape: readonly number[],
  a: TypedArray,
  aShape: readonly number[],
  b: TypedArray,
  bShape: readonly number[],
) => void;

/** All elements by a loop of one operand. */
export function map1(loop: Loop): Map1 {
  return (out, a) => loop(0, out.length, out, a, 0, 1);
}

/** As {@linkcode map1}, for two operands. */
export function map2(loop: Loop): Map2 {
  return (out, shape, a, aShape, b, bShape) => {
    const n = out.length;
    if (n === 0) return;
    if (a.length === n && b.length === n) return loop(0, n, out, a, 0, 1, b, 0, 1);
    if (b.length === 1 && a.length === n) return loop(0, n, out, a, 0, 1, b, 0, 0);
    if (a.length === 1 && b.length === n) return loop(0, n, out, a, 0, 0, b, 0, 1);
    const plan = mergeAxes(shape, [
      broadcastStrides(aShape, shape),
      broadcastStrides(bShape, shape),
    ]);
    const [aStrides, bStrides] = plan.strides as [number[], number[]];
    const inner = plan.shape.length - 1;
    const length = plan.shape[inner]!;
    const aStep = aStrides[inner]!;
    const bStep = bStrides[inner]!;
    const walk = new Odometer(plan.shape.slice(0, inner), plan.strides);
    for (let o = 0; o < n; o += length) {
      loop(o, length, out, a, walk.at[0]!, aStep, b, walk.at[1]!, bStep);
      walk.next();
    }
  };
}

/** What an operation computes, for each dtype that it knows. */
export type ByDType<F> = Readonly<Partial<Record<DType, F>>>;

/** One function for both float types. */
export function floats<F>(f: F): ByDType<F> {
  return { float32: f, float64: f };
}

/** One function for all types of numbers. */
export function numbers<F>(f: F): ByDType<F> {
  return { float32: f, float64: f, int32: f, uint32: f };
}

/** Elementwise work is by elements of the result, and has the same bits wherever it is done. */
export const elementwise: Heavy<unknown> = {
  work: (_, __, [out]) => sizeOf(out!.shape),
  sameBits: true,
};

/** Things made when first needed, one a dtype. */
export function once<L>(make: (dtype: DType) => L): (dtype: DType) => L {
  const made = new Map<DType, L>();
  return (dtype) => {
    let it = made.get(dtype);
    if (it === undefined) made.set(dtype, it = make(dtype));
    return it;
  };
}

/** Loops of an operation on operands of one dtype, made when first needed. */
export function perOperands(expr: Elementwise, operands: number): (dtype: DType) => Loop {
  return once((dtype) => elementwiseLoop(expr, new Array<DType>(operands).fill(dtype)));
}

// ---------------------------------------------------------------- abstract evaluation

/**
 * The type of the result of an elementwise operation on operands of one dtype; an operand's own
 * where the shapes allow, so that nothing is allocated.
 *
 * @throws {DTypeError} where dtypes differ.
 * @throws {ShapeError} where shapes do not broadcast.
 */
export function broadcastAvals(name: string, x: ShapedArray, y: ShapedArray): ShapedArray {
  if (x === y) return x;
  if (x.dtype !== y.dtype) {
    throw new DTypeError(
      `${name}: dtypes ${x.dtype} and ${y.dtype} differ (operands ${formatAval(x)} and ${
        formatAval(y)
      }): convert one with astype`,
    );
  }
  if (y.shape.length === 0 || sameShape(x.shape, y.shape)) return x;
  if (x.shape.length === 0) return y;
  const shape = broadcastShapes(name, x.shape, y.shape);
  return sameShape(shape, x.shape) ? x : sameShape(shape, y.shape) ? y : shaped(shape, x.dtype);
}

// ---------------------------------------------------------------- batching

/**
 * Applies an elementwise operation to operands with batch axes: they are brought to the place where
 * the batch axis of the first operand of full rank is, so that broadcasting lines up.
 */
export function elementwiseBatch(
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  apply: (args: NDArray[]) => NDArray,
): BatchResult {
  const ranks = args.map((x, i) => x.ndim - (dims[i] === null ? 0 : 1));
  const rank = Math.max(...ranks);
  const lead = args.findIndex((_, i) => dims[i] !== null && ranks[i] === rank);
  const at = lead < 0 ? 0 : dims[lead]!;
  const aligned = args.map((x, i) => {
    const missing = rank - ranks[i]!;
    const dim = dims[i];
    if (dim === null || dim === undefined) {
      return at > missing ? expandDims(x, [at - missing]) : x;
    }
    const own = Math.max(0, at - missing);
    const moved = moveAxis(x, dim, own);
    if (missing === 0 || at >= missing) return moved;
    const ones = new Array<number>(missing - at).fill(1);
    return reshape(moved, [moved.shape[0]!, ...ones, ...moved.shape.slice(1)]);
  });
  return [[apply(aligned)], [at]];
}

// ---------------------------------------------------------------- lowering

/** Results of fewer elements than this gain less than it costs to reshape them. */
const LONG_COLUMN = 256;

/**
 * Nodes of an elementwise operation. Beside an axis of length 1 at the end, the CPU's expr take ten
 * times as long for a number or a shorter shape, as each element is a span of its own (measured
 * with onnxruntime-web 1.30, [300000, 1] against [300000]: 12 and 1 ms for a product with a number,
 * 50 and 1 for four such operations). So such axes are taken off and put back, which moves nothing.
 * Files are left as they are, whose lengths may be open.
 */
export function lowerElementwise(
  g: Lowering,
  inputs: readonly Value[],
  avals: readonly ShapedArray[],
  out: ShapedArray,
  lower: (inputs: readonly Value[], out: ShapedArray) => Value,
): Value {
  const ones = out.shape.length - 1 - out.shape.findLastIndex((n) => n !== 1);
  if (g.target !== "onnx" || ones === 0 || sizeOf(out.shape) < LONG_COLUMN) {
    return lower(inputs, out);
  }
  const without = (shape: readonly number[]): readonly number[] =>
    shape.slice(0, Math.max(0, shape.length - ones));
  const shorter = inputs.map((x, i) =>
    avals[i]!.shape.length === 0 ? x : g.reshape(x, without(avals[i]!.shape))
  );
  return g.reshape(lower(shorter, shaped(without(out.shape), out.dtype)), out.shape);
}

// ---------------------------------------------------------------- samples

/** What to test an elementwise operation on. */
export interface Domain {
  /** Interval for random elements of floats; [-2, 2) where left out. */
  readonly range?: readonly [number, number];
  /** Float elements on which only values are compared: limits, NaN, jumps. */
  readonly special?: readonly number[];
  /** The second operand's, for operations of two. */
  readonly range2?: readonly [number, number];
  /** The second operand's elements that go with `special`, one for one. */
  readonly special2?: readonly number[];
  /** What cannot be checked on floats, and why. */
  readonly skip?: Sample<null>["skip"];
}

/** No float32 is the same. */
const UNEVEN: readonly number[] = [123456789, 16777217];

const INTEGERS: Readonly<Partial<Record<DType, readonly [readonly number[], readonly number[]]>>> =
  {
    int32: [
      [0, 1, -1, 7, -7, -2147483648, 2147483647, 46341, 5, -5, -2147483648, ...UNEVEN],
      [3, 2, 2, 3, 2, -1, 2, 46341, 0, 0, 0, 2, -987654321],
    ],
    uint32: [
      [0, 1, 7, 4294967295, 4294967295, 2147483648, 5, ...UNEVEN],
      [3, 2, 3, 1, 4294967295, 2, 0, 2, 4111222333],
    ],
    bool: [[0, 0, 1, 1], [0, 1, 0, 1]],
  };

const KINK = "limits, jumps and values that are not finite";

/**
 * What every operation on floats is tried on: both zeros, limits, halves, and what is not finite.
 */
function nasty(dtype: DType): number[] {
  const subnormal = dtype === "float32" ? 2 ** -149 : Number.MIN_VALUE;
  const sizes = [
    0,
    subnormal,
    smallestNormal(dtype),
    0.5,
    1,
    1.5,
    2.5,
    3,
    limits(dtype)[1],
    Infinity,
  ];
  return [...sizes.flatMap((x) => [x, -x]), NaN];
}

/** Samples of an operation of one or two operands on the dtypes that it knows. */
export function elementwiseSamples(
  supported: readonly DType[],
  operands: 1 | 2,
  domain: Domain,
): Sample<null>[] {
  const { skip, range = [-2, 2], range2 = range } = domain;
  const samples: Sample<null>[] = [];
  const add = (name: string, inputs: SampleInput[], skips: Sample<null>["skip"] = skip): void => {
    const sample = { name, inputs: inputs.slice(0, operands), params: null };
    samples.push(skips === undefined ? sample : { ...sample, skip: skips });
  };
  for (const dtype of supported) {
    if (!isFloat(dtype)) {
      const [x, y] = INTEGERS[dtype]!;
      const at = (values: readonly number[]): SampleInput => ({ shape: [x.length], dtype, values });
      add(`${dtype} and its limits`, [at(x), at(y)], {});
      add(`${dtype} scalars`, [
        { shape: [], dtype, values: [x[1]!] },
        { shape: [], dtype, values: [y[1]!] },
      ], {});
      continue;
    }
    const pair = (a: readonly number[], b: readonly number[] = a): SampleInput[] => [
      { shape: a, dtype, range },
      { shape: b, dtype, range: range2 },
    ];
    add(`${dtype} scalar`, pair([]));
    add(`${dtype} vector`, pair([7]));
    if (operands === 2) {
      add(`${dtype} matrix and vector`, pair([2, 3], [3]));
      add(`${dtype} outer`, pair([2, 1, 2], [3, 1]));
      add(`${dtype} scalar and matrix`, pair([], [2, 2]));
    } else add(`${dtype} matrix`, pair([3, 4]));
    if (dtype === "float32") add(`${dtype} long column`, pair([LONG_COLUMN, 1], [1]));
    add(`${dtype} zero size`, pair([0, 3], operands === 2 ? [1, 3] : [0, 3]));
    const { special, special2 = special } = domain;
    const at = (values: readonly number[]): SampleInput => ({
      shape: [values.length],
      dtype,
      values,
    });
    const skips = { ...skip, jvp: KINK, transpose: KINK };
    if (special !== undefined) add(`${dtype} special`, [at(special), at(special2!)], skips);
    const limiting = nasty(dtype);
    if (operands === 1) add(`${dtype} limits`, [at(limiting)], skips);
    else {
      // All pairs.
      const first = limiting.flatMap((x) => limiting.map(() => x));
      add(`${dtype} limits`, [at(first), at(limiting.flatMap(() => limiting))], skips);
    }
  }
  return samples;
}

function supportedBy<F>(table: ByDType<F>): DType[] {
  // The default dtype first: it is the one that examples and messages show.
  const order: readonly DType[] = ["float32", "float64", "int32", "uint32", "bool"];
  return order.filter((d) => table[d] !== undefined);
}

// ---------------------------------------------------------------- one operand

/** What an elementwise operation of one operand states. */
export interface UnaryRules {
  /** Name of the primitive. */
  readonly name: string;
  /**
   * What it computes of an element, for each dtype that it knows. Loops in JavaScript and vector
   * code are made of it.
   */
  readonly expr: ByDType<Scalar1>;
  /** The element type of the result, where it is not the operand's. */
  readonly result?: DType;
  /** Tangent of the result for tangent `t` of `x`, where `y` is the result; `null`: it is zero. */
  readonly jvp: null | ((t: NDArray, x: NDArray, y: NDArray) => NDArray);
  /** For a linear operation: the operand's cotangent. */
  readonly transpose?: (ct: NDArray) => NDArray;
  /** The nodes. */
  readonly lower: (g: Lowering, x: Value, dtype: DType) => Value;
  /** What it is to a sum over the steps of a loop, where it is something. */
  readonly algebra?: Algebra<null>;
  /** What to test on. */
  readonly domain?: Domain;
}

/** Defines an elementwise primitive of one operand. */
export function unary(rules: UnaryRules): Primitive<null> {
  const { name, expr, result } = rules;
  const loop = once((dtype) => map1(elementwiseLoop(expr[dtype]!, [dtype])));
  const { jvp, transpose, lower } = rules;
  const self: Primitive<null> = definePrimitive<null>({
    name,
    abstractEval(inputs) {
      const x = inputs[0]!;
      if (expr[x.dtype] === undefined) checkDType(name, "x", x, supportedBy(expr));
      return result === undefined ? inputs : [shaped(x.shape, result)];
    },
    impl([x], _, [out]) {
      const { values, dtype } = x!;
      const y = allocate(out!.dtype, values.length);
      loop(dtype)(y, values);
      return [y];
    },
    jvp([x], [t]) {
      const y = bind1(self, [x!], null);
      return [[y], [jvp === null ? null : jvp(t!, x!, y)]];
    },
    transpose: transpose === undefined ? "nonlinear" : ([ct]) => [ct ? transpose(ct) : null],
    batch: ([x], [dim]) => [[bind1(self, [x!], null)], [dim!]],
    passes: { ...ordinary, algebra: rules.algebra ?? null },
    lower: (g, inputs, _, avals, [out]) => [
      lowerElementwise(g, inputs, avals, out!, ([x]) => lower(g, x!, avals[0]!.dtype)),
    ],
    kernel(b, inputs, _, [x], [out]) {
      const f = expr[x!.dtype]!;
      return [b.map(inputs, out!, (e, [a]) => f(e, a!), f)];
    },
    heavy: elementwise,
    samples: () => elementwiseSamples(supportedBy(expr), 1, rules.domain ?? {}),
  });
  return self;
}

// ---------------------------------------------------------------- two operands

/** What an elementwise operation of two operands states. */
export interface BinaryRules {
  /** Name of the primitive. */
  readonly name: string;
  /** What it computes of a pair of elements, for each dtype that it knows. */
  readonly expr: ByDType<Scalar2>;
  /** The element type of the result, where it is not the operands'. */
  readonly result?: DType;
  /**
   * Tangent of the result `z`, of which at least one operand's is not `null`; its shape may be that
   * of any operand broadcast with others. `null`: the tangent is zero.
   */
  readonly jvp:
    | null
    | ((tx: Tangent, ty: Tangent, x: NDArray, y: NDArray, z: NDArray) => NDArray);
  /** For an operation that is linear in an operand: cotangents of the shape of the result. */
  readonly transpose?: (
    ct: NDArray,
    x: NDArray | Linear,
    y: NDArray | Linear,
  ) => readonly [Tangent, Tangent];
  /** The nodes. */
  readonly lower: (g: Lowering, x: Value, y: Value, dtype: DType, out: ShapedArray) => Value;
  /** What it is to a sum over the steps of a loop, where it is something. */
  readonly algebra?: Algebra<null>;
  /** What to test on. */
  readonly domain?: Domain;
}

/** Defines an elementwise primitive of two operands, which broadcast. */
export function binary(rules: BinaryRules): Primitive<null> {
  const { name, expr, result, jvp, transpose, lower } = rules;
  const loop = once((dtype) => map2(elementwiseLoop(expr[dtype]!, [dtype, dtype])));
  const self: Primitive<null> = definePrimitive<null>({
    name,
    abstractEval(inputs) {
      const x = inputs[0]!;
      const aval = broadcastAvals(name, x, inputs[1]!);
      if (expr[x.dtype] === undefined) checkDType(name, "x", x, supportedBy(expr));
      return [result === undefined ? aval : shaped(aval.shape, result)];
    },
    impl(inputs, _, outs) {
      const x = inputs[0]!;
      const y = inputs[1]!;
      const { shape, dtype } = outs[0]!;
      const z = allocate(dtype, sizeOf(shape));
      loop(x.dtype)(z, shape, x.values, x.shape, y.values, y.shape);
      return [z];
    },
    jvp([x, y], [tx, ty]) {
      const z = bind1(self, [x!, y!], null);
      if (jvp === null) return [[z], [null]];
      return [[z], [broadcastTo(jvp(tx ?? null, ty ?? null, x!, y!, z), z.shape)]];
    },
    transpose: transpose === undefined ? "nonlinear" : ([ct], [x, y]) => {
      if (!ct) return [null, null];
      const [dx, dy] = transpose(ct, x!, y!);
      return [dx && unbroadcast(dx, x!.aval.shape), dy && unbroadcast(dy, y!.aval.shape)];
    },
    batch: (args, dims) => elementwiseBatch(args, dims, (aligned) => bind1(self, aligned, null)),
    passes: { ...ordinary, algebra: rules.algebra ?? null },
    heavy: elementwise,
    kernel(b, inputs, _, [x], [out]) {
      const f = expr[x!.dtype]!;
      return [b.map(inputs, out!, (e, [a, c]) => f(e, a!, c!), f)];
    },
    lower: (g, inputs, _, avals, [out]) => [
      lowerElementwise(
        g,
        inputs,
        avals,
        out!,
        ([x, y], aval) => lower(g, x!, y!, avals[0]!.dtype, aval),
      ),
    ],
    samples: () => elementwiseSamples(supportedBy(expr), 2, rules.domain ?? {}),
  });
  return self;
}

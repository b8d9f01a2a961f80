/**
 * Records that keep their promises, with some rules replaced: what mistakes are planted in.
 *
 * @module
 */
import { allocate } from "../../lib/core/dtype.ts";
import { ordinary, type Primitive, type Programs, type Sample } from "../../lib/core/primitive.ts";
import { bind1 } from "../../lib/core/trace.ts";
import { add, div, mul, neg, sub } from "../../lib/primitives/elementwise/arithmetic.ts";
import { exp } from "../../lib/primitives/elementwise/elementary.ts";
import {
  binary,
  type BinaryRules,
  floats,
  numbers,
  unary,
  type UnaryRules,
} from "../../lib/primitives/elementwise/factory.ts";
import { Formula } from "../../lib/primitives/graph/nodes.ts";
import { exp as expOf, log1p } from "../../lib/scalar/functions.ts";
import { scalarLike } from "../../lib/primitives/constants/constants.ts";
import { broadcastTo } from "../../lib/primitives/sum/broadcast.ts";

let count = 0;
const unique = (): string => `planted_${count++}`;

/** `x^2`, with some rules replaced. */
export const square = (changes: Partial<UnaryRules>): Primitive<null> =>
  unary({
    name: unique(),
    expr: floats((e, x) => e.mul(x, x)),
    jvp: (t, x) => mul(t, add(x, x)),
    lower: (g, x) => g.node("Mul", [x, x]),
    ...changes,
  });

/** `-x`, likewise. */
export const minus = (changes: Partial<UnaryRules>): Primitive<null> =>
  unary({
    name: unique(),
    expr: floats((e, x) => e.neg(x)),
    jvp: (t) => neg(t),
    transpose: neg,
    lower: (g, x) => g.node("Neg", [x]),
    algebra: { kind: "negation" },
    ...changes,
  });

/** `log(1 + e^x)`, likewise. */
export const softplus = (changes: Partial<UnaryRules>): Primitive<null> =>
  unary({
    name: unique(),
    expr: floats((e, x) => e.add(e.max(x, 0), log1p(e, expOf(e, e.neg(e.abs(x)))))),
    jvp: (t, x) => div(t, add(exp(neg(x)), scalarLike(1, x))),
    // max(x, 0) + log(1 + e^-|x|), where NaN is greater than nothing.
    lower(g, x, dtype) {
      const f = new Formula(g, dtype);
      const tail = f.op("Log", f.add(f.op("Exp", f.op("Neg", f.op("Abs", x))), 1));
      return f.add(f.where(f.less(x, 0), 0, x), tail);
    },
    ...changes,
  });

/** The larger of two, NaN before everything, likewise. */
export const larger = (changes: Partial<BinaryRules>): Primitive<null> =>
  binary({
    name: unique(),
    expr: numbers((e, x, y) => e.max(x, y)),
    jvp: null,
    lower: (g, x, y) => g.node("Max", [x, y]),
    domain: { skip: { ...zeros, jvp: "it has no derivative here", slope: "nor any slope" } },
    ...changes,
  });
const zeros = { zeros: "of 0 and -0, the kernels of Max and Min give either" };

/** `x - y`, likewise. */
export const difference = (changes: Partial<BinaryRules>): Primitive<null> =>
  binary({
    name: unique(),
    expr: floats((e, x, y) => e.sub(x, y)),
    jvp: (tx, ty, _x, _y, z) => {
      if (tx === null) return neg(ty!);
      return ty === null ? broadcastTo(tx, z.shape) : sub(tx, ty);
    },
    transpose: (ct) => [ct, neg(ct)],
    lower: (g, x, y) => g.node("Sub", [x, y]),
    ...changes,
  });

/** Parameters of {@linkcode turn}. */
export interface Turn {
  /** The axis. */
  readonly axis: number;
  /** By how many places. */
  readonly by: number;
}

/** Elements moved round an axis, likewise: an operation with parameters and rules of its own. */
export function turn(
  changes: (self: () => Primitive<Turn>) => Partial<Primitive<Turn>>,
): Primitive<Turn> {
  const name = unique();
  const samples: Sample<Turn>[] = (["float32", "float64"] as const).flatMap((dtype) => [
    { name: `${dtype} columns`, inputs: [{ shape: [2, 4], dtype }], params: { axis: 1, by: 1 } },
    { name: `${dtype} rows`, inputs: [{ shape: [3, 2], dtype }], params: { axis: 0, by: 2 } },
  ]);
  const self: Primitive<Turn> = {
    name,
    abstractEval: ([x]) => [x!],
    impl([x], { axis, by }) {
      const { shape, dtype, values } = x!;
      const out = allocate(dtype, values.length);
      const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      const n = shape[axis]!;
      values.forEach((v, i) => {
        const k = Math.floor(i / inner) % n;
        out[i + ((k + by) % n - k) * inner] = v;
      });
      return [out];
    },
    jvp: ([x], [t], params) => [[bind1(self, [x!], params)], [bind1(self, [t!], params)]],
    transpose: ([ct], [x], { axis, by }) => [
      ct ? bind1(self, [ct], { axis, by: (x as { aval: Shape }).aval.shape[axis]! - by }) : null,
    ],
    batch: ([x], [dim], _, { axis, by }) => [
      [bind1(self, [x!], { axis: axis < dim! ? axis : axis + 1, by })],
      [dim!],
    ],
    passes: { ...ordinary, algebra: { kind: "rearrangement" } },
    lower(g, [x], { axis, by }) {
      const cut = (from: number, to: number): string =>
        g.node("Slice", [x!, g.int64([from]), g.int64([to]), g.int64([axis])]);
      return [g.node("Concat", [cut(-by, 2 ** 31), cut(0, -by)], { axis })];
    },
    kernel(b, [x], { axis, by }, [aval]) {
      const { shape } = x!;
      const along = (other: readonly number[], value: number): number[] =>
        other.toSpliced(axis, 1, value);
      const zeros = shape.map(() => 0), ones = shape.map(() => 1);
      const part = (from: number, count: number, to: number) => ({
        value: b.slice(x!, along(zeros, from), ones, along(shape, count)),
        at: along(zeros, to),
      });
      const stay = shape[axis]! - by;
      return [b.assemble(aval!, [part(0, stay, by), part(stay, by, 0)])];
    },
    samples: () => samples,
  };
  return Object.assign(self, changes(() => self));
}
interface Shape {
  readonly shape: readonly number[];
}

/** A primitive with programs, with some of what it says of them replaced. */
export function holding<P>(primitive: Primitive<P>, changes: Partial<Programs<P>>): Primitive<P> {
  const { passes } = primitive;
  return { ...primitive, passes: { ...passes, programs: { ...passes.programs!, ...changes } } };
}

/** `x > 0`, likewise. */
export const truth = (changes: Partial<UnaryRules>): Primitive<null> =>
  unary({
    name: unique(),
    expr: floats((e, x) => e.gt(x, 0)),
    result: "bool",
    jvp: null,
    lower: (g, x, dtype) => g.node("Greater", [x, g.scalar(0, dtype)]),
    ...changes,
  });

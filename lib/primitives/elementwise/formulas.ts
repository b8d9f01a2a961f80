/**
 * Factories for elementwise primitives on floats whose computation is a formula of
 * `scalar/arithmetic.ts`: its loops, vector code and graph all come of the formula.
 *
 * @module
 */
import {
  allocate,
  bind1,
  broadcastShapes,
  checkDType,
  definePrimitive,
  type DType,
  InternalError,
  isFloat,
  type NDArray,
  ordinary,
  type Primitive,
  sameShape,
  type Sample,
  type SampleInput,
} from "../../core/mod.ts";
import { type Formula, scalarOfFormula } from "../../scalar/arithmetic.ts";
import type { Elementwise } from "../../scalar/expr.ts";
import { elementwiseLoop } from "../../scalar/javascript.ts";
import { expandDims, moveAxis } from "../shape/shape.ts";
import { broadcastTo } from "../sum/broadcast.ts";
import { add, mul } from "./arithmetic.ts";
import {
  binary,
  type BinaryRules,
  elementwise,
  floats,
  lowerElementwise,
  once,
  unary,
  type UnaryRules,
} from "./factory.ts";
import { lowerFormula } from "./formula_graph.ts";

/** What a primitive of one operand states. */
export interface Formula1Rules extends Pick<UnaryRules, "name" | "jvp" | "domain"> {
  /** What it computes of an element. */
  readonly formula: Formula;
}

/** Defines an elementwise primitive of one float. */
export function formula1({ formula, ...rules }: Formula1Rules): Primitive<null> {
  const lower = lowerFormula(formula);
  return unary({
    ...rules,
    expr: floats(scalarOfFormula(formula)),
    lower: (g, x, dtype) => lower(g, [x], dtype),
  });
}

/** What a primitive of two operands states. */
export interface Formula2Rules extends Pick<BinaryRules, "name" | "jvp" | "domain"> {
  /** What it computes of a pair of elements. */
  readonly formula: Formula;
}

/** Defines an elementwise primitive of two floats, which broadcast. */
export function formula2({ formula, ...rules }: Formula2Rules): Primitive<null> {
  const lower = lowerFormula(formula);
  return binary({
    ...rules,
    expr: floats(scalarOfFormula(formula)),
    lower: (g, x, y, dtype) => lower(g, [x, y], dtype),
  });
}

// ---------------------------------------------------------------- families

/** Types that formulas are for. */
const floatTypes = ["float32", "float64"] as const;

/** What a family of primitives states: a formula for each value of its parameters. */
export interface FamilyRules<P extends object> {
  /** Name of the primitive. */
  readonly name: string;
  /** Tells members apart. */
  readonly key: (params: P) => string;
  /** What a member computes of an element of each operand. */
  readonly formula: (params: P) => Formula;
  /** The derivatives by each operand. */
  readonly slopes: readonly ((params: P, args: readonly NDArray[]) => NDArray)[];
  /** What members are tried on: see {@linkcode familySamples}. */
  readonly samples: () => Sample<P>[];
}

interface Member {
  readonly expr: Elementwise;
  readonly loop: (dtype: DType) => ReturnType<typeof elementwiseLoop>;
  readonly lower: ReturnType<typeof lowerFormula>;
}

/**
 * Defines a family of elementwise primitives with parameters, on any number of floats, all of one
 * shape.
 */
export function formulaFamily<P extends object>(rules: FamilyRules<P>): Primitive<P> {
  const { name, key, formula, slopes } = rules;
  const members = new Map<string, Member>();
  const member = (params: P): Member => {
    const k = key(params);
    let made = members.get(k);
    if (made === undefined) {
      const own = formula(params);
      const expr = scalarOfFormula(own);
      members.set(
        k,
        made = {
          expr,
          loop: once((dtype) => elementwiseLoop(expr, slopes.map(() => dtype))),
          lower: lowerFormula(own),
        },
      );
    }
    return made;
  };
  const self: Primitive<P> = definePrimitive<P>({
    name,
    abstractEval(inputs) {
      const x = inputs[0]!;
      if (!isFloat(x.dtype)) checkDType(name, "x", x, floatTypes);
      if (inputs.some((y) => y.dtype !== x.dtype || !sameShape(y.shape, x.shape))) {
        throw new InternalError(`${name} of operands that differ in type`);
      }
      return [x];
    },
    impl(inputs, params) {
      const { values, dtype } = inputs[0]!;
      const y = allocate(dtype, values.length);
      member(params).loop(dtype)(0, y.length, y, ...inputs.flatMap((x) => [x.values, 0, 1]));
      return [y];
    },
    jvp(args, tangents, params) {
      const terms = tangents.flatMap((t, i) => t ? [mul(t, slopes[i]!(params, args))] : []);
      return [[bind1(self, args, params)], [terms.reduce((a, b) => add(a, b))]];
    },
    transpose: "nonlinear",
    batch(args, dims, size, params) {
      const rank = Math.max(...args.map((x, i) => x.ndim - (dims[i] === null ? 0 : 1)));
      const aligned = args.map((x, i) => {
        const dim = dims[i];
        const moved = dim === null || dim === undefined ? expandDims(x, [0]) : moveAxis(x, dim, 0);
        return broadcastTo(moved, [size, ...moved.shape.slice(1)]);
      });
      if (aligned.some((x) => x.ndim !== rank + 1)) throw new InternalError(`${name}: ranks`);
      return [[bind1(self, aligned, params)], [0]];
    },
    passes: ordinary,
    lower: (g, inputs, params, avals, [out]) => [
      lowerElementwise(
        g,
        inputs,
        avals,
        out!,
        (xs) => member(params).lower(g, xs, avals[0]!.dtype),
      ),
    ],
    kernel: (b, inputs, params, _, [out]) => [
      b.map(inputs, out!, (e, xs) => member(params).expr(e, ...xs) as ReturnType<typeof e.neg>),
    ],
    heavy: elementwise,
    samples: rules.samples,
  });
  return self;
}

/**
 * Binds a member of a family on operands that broadcast.
 *
 * @throws {ShapeError} where the shapes do not.
 */
export function bindFamily<P extends object>(
  primitive: Primitive<P>,
  args: readonly NDArray[],
  params: P,
): NDArray {
  let shape = args[0]!.shape;
  for (const { shape: other } of args) {
    if (!sameShape(shape, other)) shape = broadcastShapes(primitive.name, shape, other);
  }
  return bind1(primitive, args.map((x) => broadcastTo(x, shape)), params);
}

const KINK = "limits, jumps and values that are not finite";

/**
 * Samples of a member: each operand's range, and elements of all operands on which values alone count. What
 * is done with shapes is the same in both dtypes, and graphs of members are long: it is tried in one.
 */
export function familySamples<P>(
  params: P,
  ranges: readonly (readonly [number, number])[],
  special: readonly (readonly number[])[],
): Sample<P>[] {
  const what = JSON.stringify(params);
  return floatTypes.flatMap((dtype): Sample<P>[] => {
    const drawn = (shape: readonly number[]): SampleInput[] =>
      ranges.map((range) => ({ shape, dtype, range }));
    const given = ranges.map((_, i): SampleInput => ({
      shape: [special.length],
      dtype,
      values: special.map((row) => row[i]!),
    }));
    const shapes: Readonly<Record<string, readonly number[]>> = dtype === floatTypes[0]
      ? { scalar: [], matrix: [2, 3], "zero size": [0, 3] }
      : { matrix: [2, 3] };
    return [
      ...Object.entries(shapes).map(([shape, lengths]): Sample<P> => ({
        name: `${dtype} ${shape} ${what}`,
        inputs: drawn(lengths),
        params,
      })),
      {
        name: `${dtype} special ${what}`,
        inputs: given,
        params,
        skip: { jvp: KINK, transpose: KINK },
      },
    ];
  });
}

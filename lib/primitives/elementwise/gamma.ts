/**
 * The logarithm of the gamma function and its derivatives: lgamma, digamma, polygamma.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { checkDType } from "../../core/checks.ts";
import { allocate, type DType, isFloat } from "../../core/dtype.ts";
import { definePrimitive, ordinary, type Primitive } from "../../core/primitive.ts";
import { bind1 } from "../../core/trace.ts";
import { scalarOfFormula } from "../../scalar/arithmetic.ts";
import * as scalar from "../../scalar/gamma.ts";
import { elementwiseLoop } from "../../scalar/javascript.ts";
import { lowerFormula } from "../graph/arithmetic.ts";
import { mul } from "./arithmetic.ts";
import { elementwise, elementwiseSamples, lowerElementwise, once } from "./factory.ts";
import { formula1 } from "./formulas.ts";
import { map1 } from "./loops.ts";

// Around where the approximations meet, poles, and where results leave the range of floats.
const SPECIAL = [
  ...[0, -0, 1e-30, -1e-8, 0.2, 0.75, 1, 1.25, 1.4616321449683622, 1.75, 2, 2.5, 2.8, 6.5, 7.8, 8],
  ...[33.3, 1e10, 3e38, -0.25, -0.3, -1, -1.5, -2.457, -9.75, -100.5, Infinity, -Infinity, NaN],
];

const lgammaP = /* @__PURE__ */ formula1({
  name: "lgamma",
  formula: scalar.lgamma,
  jvp: (t, x) => mul(t, digamma(x)),
  domain: { range: [0.2, 9], special: SPECIAL },
});

/** The logarithm of the size of the gamma function, elementwise. */
export function lgamma(x: NDArray): NDArray {
  return bind1(lgammaP, [x], null);
}

const digammaP = /* @__PURE__ */ formula1({
  name: "digamma",
  formula: scalar.digamma,
  jvp: (t, x) => mul(t, polygamma(1, x)),
  domain: { range: [0.2, 9], special: SPECIAL },
});

/** The derivative of `lgamma`, elementwise. */
export function digamma(x: NDArray): NDArray {
  return bind1(digammaP, [x], null);
}

// ---------------------------------------------------------------- polygamma

/** Of `polygamma`. */
export interface PolygammaParams {
  /** The order of the derivative, 1 or more. */
  readonly n: number;
}

const floatTypes = ["float32", "float64"] as const;

const polygammaLoops = new Map<number, ReturnType<typeof loopsOf>>();

function loopsOf(n: number): (dtype: DType) => ReturnType<typeof map1> {
  const expr = scalarOfFormula(scalar.polygamma(n));
  return once((dtype) => map1(elementwiseLoop(expr, [dtype])));
}

const polygammaP: Primitive<PolygammaParams> = /* @__PURE__ */ definePrimitive<PolygammaParams>({
  name: "polygamma",
  abstractEval(inputs) {
    const x = inputs[0]!;
    if (!isFloat(x.dtype)) checkDType("polygamma", "x", x, floatTypes);
    return inputs;
  },
  impl([x], { n }) {
    const { values, dtype } = x!;
    let loops = polygammaLoops.get(n);
    if (loops === undefined) polygammaLoops.set(n, loops = loopsOf(n));
    const y = allocate(dtype, values.length);
    loops(dtype)(y, values);
    return [y];
  },
  jvp: ([x], [t], { n }) => [
    [polygamma(n, x!)],
    [mul(t!, polygamma(n + 1, x!))],
  ],
  transpose: "nonlinear",
  batch: ([x], [dim], _, { n }) => [[polygamma(n, x!)], [dim!]],
  passes: ordinary,
  lower: (g, inputs, { n }, avals, [out]) => [
    lowerElementwise(
      g,
      inputs,
      avals,
      out!,
      (xs) => lowerFormula(scalar.polygamma(n))(g, xs, avals[0]!.dtype),
    ),
  ],
  kernel(b, inputs, { n }, _, [out]) {
    const expr = scalarOfFormula(scalar.polygamma(n));
    return [b.map(inputs, out!, (e, [x]) => expr(e, x!))];
  },
  heavy: elementwise,
  samples: () =>
    [1, 2].flatMap((n) =>
      elementwiseSamples(floatTypes, 1, { range: [0.2, 9], special: SPECIAL }).map((sample) => ({
        ...sample,
        name: `${sample.name} of order ${n}`,
        params: { n },
      }))
    ),
});

/** The `n`th derivative of `digamma`, elementwise; itself for `n` = 0. */
export function polygamma(n: number, x: NDArray): NDArray {
  return n === 0 ? digamma(x) : bind1(polygammaP, [x], { n });
}

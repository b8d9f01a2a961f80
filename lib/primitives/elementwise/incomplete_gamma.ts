/**
 * The incomplete gamma functions and all their derivatives, by both operands.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import type { Primitive } from "../../core/primitive.ts";
import type { Formula } from "../../scalar/arithmetic.ts";
import { derivativeOfOrder } from "../../scalar/dual.ts";
import * as scalar from "../../scalar/incomplete_gamma.ts";
import { neg } from "./arithmetic.ts";
import { bindFamily, familySamples, formulaFamily } from "./formulas.ts";

/** Of `incomplete_gamma`. */
export interface IncompleteGammaParams {
  /** The lower function, or how a sample moves with `a`. */
  readonly kind: "lower" | "upper" | "sample";
  /** How often it is differentiated by `a`, and by `x`. */
  readonly byA: number;
  readonly byX: number;
}

function formulaOf({ kind, byA, byX }: IncompleteGammaParams): Formula {
  if (kind === "sample") {
    return derivativeOfOrder(derivativeOfOrder(scalar.sampleSlope, 1, byX), 0, byA);
  }
  if (byX > 0) {
    return derivativeOfOrder(derivativeOfOrder(scalar.igammaDensity, 1, byX - 1), 0, byA);
  }
  return derivativeOfOrder(kind === "lower" ? scalar.igamma : scalar.igammac, 0, byA);
}

const gammaP: Primitive<IncompleteGammaParams> = /* @__PURE__ */ formulaFamily<
  IncompleteGammaParams
>({
  name: "incomplete_gamma",
  key: ({ kind, byA, byX }) => `${kind} ${byA} ${byX}`,
  formula: formulaOf,
  slopes: [
    (params, args) => bound(args, { ...params, byA: params.byA + 1 }),
    (params, args) => bound(args, { ...params, byX: params.byX + 1 }),
  ],
  samples: () => {
    const ranges = [[0.3, 20], [0.5, 20]] as const;
    const special = [
      [0, 1],
      [1, 0],
      [0, 0],
      [2, Infinity],
      [2, NaN],
      [NaN, 2],
      [-1, 2],
      [2, -1],
      [0.1, 1.5],
      [1, 1],
      [16, 16],
      [40, 38],
    ];
    return (["lower", "upper"] as const).flatMap((kind) =>
      familySamples({ kind, byA: 0, byX: 0 }, ranges, special)
    );
  },
});

function bound(args: readonly NDArray[], params: IncompleteGammaParams): NDArray {
  // Derivatives of the upper function are those of the lower one, negated.
  if (params.kind === "upper" && params.byA + params.byX > 0) {
    return neg(bound(args, { ...params, kind: "lower" }));
  }
  return bindFamily(gammaP, args, params);
}

/** P(a, x), the lower function over Gamma(a), elementwise. */
export function igamma(a: NDArray, x: NDArray): NDArray {
  return bound([a, x], { kind: "lower", byA: 0, byX: 0 });
}

/** Q(a, x) = 1 - P(a, x), elementwise. */
export function igammac(a: NDArray, x: NDArray): NDArray {
  return bound([a, x], { kind: "upper", byA: 0, byX: 0 });
}

/** The derivative of `igamma` by `a`, elementwise. */
export function igammaGradA(a: NDArray, x: NDArray): NDArray {
  return bound([a, x], { kind: "lower", byA: 1, byX: 0 });
}

/** The derivative by `a` of samples `x` of the distribution, elementwise. */
export function randomGammaGrad(a: NDArray, x: NDArray): NDArray {
  return bound([a, x], { kind: "sample", byA: 0, byX: 0 });
}

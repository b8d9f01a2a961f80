/**
 * The curve through the mobilities, a cubic over a cubic, and its fit.
 *
 * @module
 */
import { type CurveFit, curveFit, type NDArray, numpy as np } from "@injax/injax";
import { measured } from "./data.ts";

/** The parameters: coefficients of the numerator by power, and of the denominator, which begins with 1. */
export interface Params<N = NDArray> {
  readonly b1: N;
  readonly b2: N;
  readonly b3: N;
  readonly b4: N;
  readonly b5: N;
  readonly b6: N;
  readonly b7: N;
}

/** `(b1 + b2 x + b3 x^2 + b4 x^3) / (1 + b5 x + b6 x^2 + b7 x^3)`. */
export function cubics({ b1, b2, b3, b4, b5, b6, b7 }: Params, x: NDArray): NDArray {
  const top = b4.mul(x).add(b3).mul(x).add(b2).mul(x).add(b1);
  const bottom = b7.mul(x).add(b6).mul(x).add(b5).mul(x).add(1);
  return top.div(bottom);
}

const column = (k: 0 | 1): NDArray =>
  np.array(measured.map((point) => point[k]), { dtype: "float64" });

/** The points. */
export const data: { readonly x: NDArray; readonly y: NDArray } = { x: column(0), y: column(1) };

/** The start that NIST puts far away. */
export const start: Params<number> = {
  b1: 1000,
  b2: 1000,
  b3: 400,
  b4: 40,
  b5: 0.7,
  b6: 0.3,
  b7: 0.03,
};

/** The fit, from a start, in float64. */
export function fitted(from: Params<number> = start): CurveFit<Params> {
  const one = (v: number): NDArray => np.array(v, { dtype: "float64" });
  const { b1, b2, b3, b4, b5, b6, b7 } = from;
  return curveFit(cubics, data, {
    b1: one(b1),
    b2: one(b2),
    b3: one(b3),
    b4: one(b4),
    b5: one(b5),
    b6: one(b6),
    b7: one(b7),
  });
}

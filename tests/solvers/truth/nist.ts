/**
 * Statistical reference problems of NIST (StRD, nonlinear regression, https://www.itl.nist.gov/div898/strd):
 * data, starts, certified parameters and standard deviations; MGH17's data are those of Osborne 1.
 *
 * @module
 */
import { type DType, type NDArray, numpy as np } from "../../../mod.ts";
import problems from "./nist.json" with { type: "json" };

type Model = (b: readonly NDArray[], x: NDArray) => NDArray;

const poly = (x: NDArray, ...b: readonly (NDArray | number)[]): NDArray =>
  b.slice(0, -1).reduceRight<NDArray>(
    (sum, c) => sum.mul(x).add(c),
    x.mul(0).add(b[b.length - 1]!),
  );
const decays: Model = (b, x) =>
  [0, 2, 4].map((i) => b[i]!.mul(np.exp(b[i + 1]!.mul(x).neg()))).reduce((s, t) => s.add(t));
const peak = (x: NDArray, height: NDArray, at: NDArray, width: NDArray): NDArray =>
  height.mul(np.exp(x.sub(at).div(width).square().neg()));
const gauss: Model = (b, x) =>
  b[0]!.mul(np.exp(b[1]!.mul(x).neg()))
    .add(peak(x, b[2]!, b[3]!, b[4]!)).add(peak(x, b[5]!, b[6]!, b[7]!));
const wave = (x: NDArray, c: NDArray, s: NDArray, period: NDArray | number): NDArray => {
  const angle = x.mul(2 * Math.PI).div(period);
  return c.mul(np.cos(angle)).add(s.mul(np.sin(angle)));
};
const cubics: Model = (b, x) =>
  poly(x, b[0]!, b[1]!, b[2]!, b[3]!).div(poly(x, 1, b[4]!, b[5]!, b[6]!));
const logistic = (b: readonly NDArray[], x: NDArray): NDArray =>
  np.exp(b[1]!.sub(b[2]!.mul(x))).add(1);

const models: Readonly<Record<keyof typeof problems, Model>> = {
  Misra1a: (b, x) => b[0]!.mul(np.exp(b[1]!.mul(x).neg()).sub(1).neg()),
  Misra1b: (b, x) =>
    b[0]!.mul(np.array(1, { dtype: x.dtype }).sub(b[1]!.mul(x).div(2).add(1).pow(-2))),
  Misra1c: (b, x) =>
    b[0]!.mul(np.array(1, { dtype: x.dtype }).sub(b[1]!.mul(x).mul(2).add(1).pow(-0.5))),
  Misra1d: (b, x) => b[0]!.mul(b[1]!).mul(x).div(b[1]!.mul(x).add(1)),
  Chwirut2: (b, x) => np.exp(b[0]!.mul(x).neg()).div(b[1]!.add(b[2]!.mul(x))),
  DanWood: (b, x) => b[0]!.mul(x.pow(b[1]!)),
  ENSO: (b, x) =>
    b[0]!.add(wave(x, b[1]!, b[2]!, 12)).add(wave(x, b[4]!, b[5]!, b[3]!))
      .add(wave(x, b[7]!, b[8]!, b[6]!)),
  Eckerle4: (b, x) => b[0]!.div(b[1]!).mul(np.exp(x.sub(b[2]!).div(b[1]!).square().mul(-0.5))),
  Gauss1: gauss,
  Gauss2: gauss,
  Hahn1: cubics,
  Thurber: cubics,
  Kirby2: (b, x) => poly(x, b[0]!, b[1]!, b[2]!).div(poly(x, 1, b[3]!, b[4]!)),
  Lanczos1: decays,
  Lanczos3: decays,
  MGH09: (b, x) =>
    b[0]!.mul(x.square().add(x.mul(b[1]!))).div(x.square().add(x.mul(b[2]!)).add(b[3]!)),
  MGH10: (b, x) => b[0]!.mul(np.exp(b[1]!.div(x.add(b[2]!)))),
  MGH17: (b, x) =>
    b[0]!.add(b[1]!.mul(np.exp(x.mul(b[3]!).neg()))).add(b[2]!.mul(np.exp(x.mul(b[4]!).neg()))),
  Rat42: (b, x) => b[0]!.div(logistic(b, x)),
  Rat43: (b, x) => b[0]!.div(logistic(b, x).pow(np.divide(1, b[3]!))),
  BoxBOD: (b, x) => b[0]!.mul(np.exp(b[1]!.mul(x).neg()).sub(1).neg()),
};

/** A problem of nonlinear regression with what is certified of its solution. */
export interface Regression {
  readonly name: string;
  /** The model at `x`; parameters are a vector. */
  readonly model: (b: NDArray, x: NDArray) => NDArray;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly starts: readonly (readonly number[])[];
  readonly certified: readonly number[];
  /** Certified standard deviations of the parameters. */
  readonly errors: readonly number[];
  /** Certified residual sum of squares. */
  readonly rss: number;
}

/** All of them. */
export const regressions: readonly Regression[] = Object.entries(problems).map(([name, p]) => ({
  name,
  model: (b, x) =>
    models[name as keyof typeof models](p.certified.map((_, i) => b.slice([i], [i + 1])), x),
  x: p.x,
  y: p.y,
  starts: [p.start1, p.start2],
  certified: p.certified,
  errors: p.errors,
  rss: p.rss,
}));

/** The residuals of a problem in one dtype. */
export function residualsOf({ model, x, y }: Regression, dtype: DType): (b: NDArray) => NDArray {
  const [xs, ys] = [np.array([...x], { dtype }), np.array([...y], { dtype })];
  return (b) => model(b, xs).sub(ys);
}

/** Digits to which all values are right (log relative error), at most 11. */
export function digits(values: Iterable<number>, certified: readonly number[]): number {
  const errors = [...values].map((v, i) => Math.abs(v - certified[i]!) / Math.abs(certified[i]!));
  const worst = errors.reduce((a, e) => e <= a ? a : e, 0);
  return Number.isNaN(worst) ? 0 : Math.max(0, Math.min(11, -Math.log10(worst)));
}

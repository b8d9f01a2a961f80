/**
 * Problems without a solution: what they approach lies at infinity, or they approach nothing. No method may claim
 * one, in any units and either precision, however long it goes on.
 *
 * @module
 */
import { type NDArray, numpy as np } from "../../../mod.ts";

/** A function, and where to start. */
export interface NoSolution {
  readonly name: string;
  readonly f: (x: NDArray) => NDArray;
  readonly starts: readonly (readonly number[])[];
  /** Where it has local solutions nevertheless, which may be claimed. */
  readonly local?: readonly (readonly number[])[];
  /**
   * How much rounding alone makes of values at `x`, by the epsilon of the dtype, where terms cancel. What is no more is
   * solved to the numbers of the dtype.
   */
  readonly rounding?: (x: readonly number[], eps: number) => number;
  /** Units to try, where those of all problems round what matters away. */
  readonly units?: readonly number[];
}

const parts = (x: NDArray): [NDArray, NDArray] => [x.slice([0], [1]), x.slice([1], [2])];
const join = (...xs: NDArray[]): NDArray => np.concatenate(xs);
const like = (v: readonly number[], x: NDArray): NDArray => np.array([...v], { dtype: x.dtype });
const sigmoid = (x: NDArray): NDArray => np.div(1, np.exp(x.neg()).add(1));
const one: readonly (readonly number[])[] = [[0.1], [1], [-2], [0]];
const two: readonly (readonly number[])[] = [[0.1, 0.2], [1, -1], [3, 2]];

/** Maps that leave no point where it is. */
export const noFixedPoint: readonly NoSolution[] = [
  { name: "x + 1", f: (x) => x.add(1), starts: one },
  { name: "x - 0.001", f: (x) => x.sub(0.001), starts: one },
  { name: "x + exp(-x)", f: (x) => x.add(np.exp(x.neg())), starts: one },
  { name: "x + 1 / x", f: (x) => x.add(np.div(1, x)), starts: [[0.1], [1], [3]] },
  { name: "x + 1 / x^4", f: (x) => x.add(np.div(1, x.square().square())), starts: [[1], [3]] },
  { name: "x^2 + 1", f: (x) => x.square().add(1), starts: one },
  { name: "exp(x)", f: (x) => np.exp(x), starts: one },
  { name: "log(1 + exp(x))", f: (x) => np.log1p(np.exp(x)), starts: one },
  { name: "sqrt(x^2 + 1)", f: (x) => np.sqrt(x.square().add(1)), starts: one },
  { name: "cosh(x)", f: (x) => np.cosh(x), starts: one },
  { name: "x + 1 / (1 + x^2)", f: (x) => x.add(np.div(1, x.square().add(1))), starts: one },
  { name: "x + tanh(x) + 2", f: (x) => x.add(np.tanh(x)).add(2), starts: one },
  { name: "x + sigmoid(x)", f: (x) => x.add(sigmoid(x)), starts: one },
  {
    name: "logistic growth r = 5 and harvest",
    f: (x) => x.mul(x.neg().add(1)).mul(5).sub(1),
    starts: [[0.5], [0.2]],
  },
  { name: "a step each, two unknowns", f: (x) => x.add(like([1, -2], x)), starts: two },
  {
    name: "a shear and a step",
    f: (x) => {
      const [a, b] = parts(x);
      return join(a.add(b), b.add(0.5));
    },
    starts: two,
  },
  {
    name: "one unknown settles, the other walks",
    f: (x) => {
      const [a, b] = parts(x);
      return join(np.cos(a), b.add(1));
    },
    starts: two,
  },
  {
    name: "a walk that slows down, two unknowns",
    f: (x) => {
      const [a, b] = parts(x);
      return join(a.add(np.exp(b.neg())), b.add(np.exp(a.neg())));
    },
    starts: two,
  },
  {
    name: "log of the sum, plus 1",
    f: (x) => x.mul(0).add(np.log(np.exp(x).sum()).add(1)),
    starts: two,
  },
  {
    name: "value iteration without a discount",
    f: (x) => {
      const [a, b] = parts(x);
      return join(
        np.maximum(a.add(1), b),
        np.maximum(b.add(0.5), a.mul(0.5).add(b.mul(0.5)).add(0.25)),
      );
    },
    starts: two,
  },
];

/** Beyond 1e8, or 1e4 in float32, it is 0 to the last bit, since its terms cancel. */
const cancelling: Pick<NoSolution, "f" | "name" | "rounding"> = {
  name: "x + sqrt(x^2 + 1)",
  f: (x) => x.add(np.sqrt(x.square().add(1))),
  rounding: ([x], eps) => 2 * Math.abs(x!) * eps,
};

/** Functions without a root. */
export const noRoot: readonly NoSolution[] = [
  { ...cancelling, starts: one },
  { name: "exp(x)", f: (x) => np.exp(x), starts: one },
  { name: "x^2 + 1", f: (x) => x.square().add(1), starts: one },
  { name: "x^4 + 0.001", f: (x) => x.square().square().add(0.001), starts: one },
  { name: "1 / x", f: (x) => np.div(1, x), starts: [[0.1], [1], [-2]] },
  { name: "1 / x^2", f: (x) => np.div(1, x.square()), starts: [[0.1], [1], [-2]] },
  { name: "1 / (1 + x^2)", f: (x) => np.div(1, x.square().add(1)), starts: one },
  { name: "exp(-x^2)", f: (x) => np.exp(x.square().neg()), starts: one },
  { name: "sigmoid(x)", f: sigmoid, starts: one },
  { name: "log(1 + exp(x))", f: (x) => np.log1p(np.exp(x)), starts: one },
  { name: "atan(x) - 2", f: (x) => np.atan(x).sub(2), starts: one },
  { name: "log(1 + x^2) + 1", f: (x) => np.log1p(x.square()).add(1), starts: one },
  { name: "cosh(x)", f: (x) => np.cosh(x), starts: one },
  { name: "2 + sin(x)", f: (x) => np.sin(x).add(2), starts: one },
  { name: "|x| + 1", f: (x) => np.abs(x).add(1), starts: one },
  {
    name: "parallel lines",
    f: (x) => {
      const [a, b] = parts(x);
      return join(a.sub(b).sub(1), a.sub(b).add(1));
    },
    starts: two,
  },
  {
    name: "circles apart",
    f: (x) => {
      const [a, b] = parts(x);
      return join(a.square().add(b.square()).sub(1), a.sub(4).square().add(b.square()).sub(1));
    },
    starts: two,
  },
  {
    name: "exponentials of two unknowns",
    f: (x) => {
      const [a, b] = parts(x);
      return join(np.exp(a), np.exp(b).add(np.exp(a)));
    },
    starts: two,
  },
  {
    name: "a hyperbola and its asymptote",
    f: (x) => {
      const [a, b] = parts(x);
      return join(a.mul(b).sub(1), a.mul(b.square()));
    },
    starts: two,
  },
  {
    name: "one solved, one not",
    f: (x) => {
      const [a, b] = parts(x);
      return join(a.square().sub(2), np.exp(b));
    },
    starts: two,
  },
  {
    name: "one solved by an equation that is far larger, the other not",
    f: (x) => {
      const [a, b] = parts(x);
      return join(a.sub(1).mul(1e12), np.exp(b));
    },
    starts: two,
  },
  {
    name: "equations of one sum that contradict each other, of sizes far apart",
    f: (x) => {
      const [a, b] = parts(x);
      return join(a.add(b).sub(1), a.add(b).sub(1.5).mul(1e-12));
    },
    starts: two,
  },
];

/** Functions that fall for ever, or to a value that no point has. */
export const noMinimum: readonly NoSolution[] = [
  { ...cancelling, f: (x) => cancelling.f(x).sum(), starts: one },
  { name: "x^3", f: (x) => x.square().mul(x).sum(), starts: [[0.1], [1], [-2], [3]] },
  {
    name: "x^5 + y^2",
    f: (x) => {
      const [a, b] = parts(x);
      return a.square().square().mul(a).add(b.square()).sum();
    },
    starts: two,
  },
  {
    name: "a saddle for three legs",
    f: (x) => {
      const [a, b] = parts(x);
      return a.square().mul(a).sub(a.mul(b.square()).mul(3)).sum();
    },
    starts: two,
  },
  {
    name: "a valley that goes down for ever, (x y - 1)^2 + y^2",
    f: (x) => {
      const [a, b] = parts(x);
      return a.mul(b).sub(1).square().add(b.square()).sum();
    },
    starts: two,
  },
  {
    name: "a mixture of two normal laws, one of which collapses onto an observation",
    f: (x) => {
      const [mean, log] = parts(x);
      const data = like([-1, 0, 1, 3], x);
      const wide = data.square().mul(-0.5);
      const narrow = data.sub(mean).div(np.exp(log)).square().mul(-0.5).sub(log);
      const top = np.maximum(wide, narrow);
      return top.add(np.log(np.exp(wide.sub(top)).add(np.exp(narrow.sub(top))))).sum().neg();
    },
    starts: [[0.1, 0.2], [1, -1], [3, -1], [2.5, -0.5]],
    // Both laws are wide there.
    local: [[1.763822, 0.332671]],
    // The mean has to be an observation to the last bit.
    units: [1, 2 ** -40, 2 ** 20],
  },
  { name: "exp(x)", f: (x) => np.exp(x).sum(), starts: one },
  { name: "-x", f: (x) => x.neg().sum(), starts: one },
  { name: "-log(1 + x^2)", f: (x) => np.log1p(x.square()).neg().sum(), starts: [[0.1], [1], [-2]] },
  { name: "-x^2", f: (x) => x.square().neg().sum(), starts: one },
  {
    name: "1 / (1 + x^2)",
    f: (x) => np.div(1, x.square().add(1)).sum(),
    starts: [[0.1], [1], [-2]],
  },
  { name: "1 / x", f: (x) => np.div(1, x).sum(), starts: [[0.1], [1]] },
  { name: "exp(-x^2)", f: (x) => np.exp(x.square().neg()).sum(), starts: [[0.1], [1], [-2]] },
  { name: "log(1 + exp(x))", f: (x) => np.log1p(np.exp(x)).sum(), starts: one },
  { name: "sigmoid(x)", f: (x) => sigmoid(x).sum(), starts: one },
  { name: "atan(x)", f: (x) => np.atan(x).sum(), starts: one },
  { name: "exp(x) + exp(2 y)", f: (x) => np.exp(x.mul(like([1, 2], x))).sum(), starts: two },
  {
    name: "a likelihood of classes that are separable",
    f: (x) => {
      const z = like([-2, -1, 1, 2], x).mul(x.at(0)).add(x.at(1));
      const y = like([-1, -1, 1, 1], x);
      return np.log1p(np.exp(z.mul(y).neg())).sum();
    },
    starts: two,
  },
  {
    name: "a bowl in one unknown, a slope in the other",
    f: (x) => {
      const [a, b] = parts(x);
      return a.sub(1).square().add(np.exp(b)).sum();
    },
    starts: two,
    // The slope is soon below what the bowl is in the next numbers beside 1.
    rounding: (_, eps) => (4 * eps) ** 2,
  },
  { name: "exp(x / 1000)", f: (x) => np.exp(x.div(1000)).sum(), starts: one },
  {
    name: "-log x",
    f: (x) => np.log(x).neg().sum(),
    starts: [[0.1], [1]],
  },
  { name: "a saddle", f: (x) => x.square().mul(like([1, -1], x)).sum(), starts: two },
];

/** Residuals whose sum of squares has no smallest value. */
export const noFit: readonly NoSolution[] = [
  { name: "exp(x)", f: (x) => np.exp(x), starts: one },
  { name: "1 / x", f: (x) => np.div(1, x), starts: [[0.1], [1], [-2]] },
  { name: "1 / (1 + x^2)", f: (x) => np.div(1, x.square().add(1)), starts: one },
  { name: "exp(-x^2)", f: (x) => np.exp(x.square().neg()), starts: one },
  { name: "atan(x) - 2", f: (x) => np.atan(x).sub(2), starts: one },
  { name: "log(1 + exp(x))", f: (x) => np.log1p(np.exp(x)), starts: one },
  { name: "sigmoid(x) and exp(x)", f: (x) => join(sigmoid(x), np.exp(x)), starts: one },
  { name: "exponentials of two unknowns", f: (x) => np.exp(x), starts: two },
  {
    name: "a hyperbola and its asymptote",
    f: (x) => {
      const [a, b] = parts(x);
      return join(a.mul(b).sub(1), b);
    },
    starts: two,
  },
  {
    name: "a decay to data that are 0 after the first",
    f: (x) => np.exp(like([0, 1, 2, 3], x).mul(x).neg()).sub(like([1, 0, 0, 0], x)),
    starts: [[0.1], [1], [2]],
  },
  {
    name: "a decay from data that are 0, with an amplitude",
    f: (x) => {
      const [a, b] = parts(x);
      return np.exp(like([1, 2, 3], x).mul(b).neg()).mul(np.exp(a));
    },
    starts: two,
  },
  {
    name: "a logistic curve to a step",
    f: (x) => sigmoid(like([-2, -1, 1, 2], x).mul(x)).sub(like([0, 0, 1, 1], x)),
    starts: [[0.1], [1], [2]],
  },
  {
    name: "saturation to a straight line",
    f: (x) => {
      const [v, k] = parts(x);
      const s = like([1, 2, 3, 4], x);
      return s.mul(v).div(s.add(k)).sub(s);
    },
    starts: [[5, 1], [10, 10]],
  },
  {
    name: "a power of the unknown to data that are 0",
    f: (x) => {
      const t = like([0.2, 0.5, 0.7], x);
      return np.exp(np.log(t).mul(x));
    },
    starts: [[0.1], [1], [3]],
  },
  {
    name: "a hyperbolic tangent to signs, with an offset",
    f: (x) => {
      const [a, b] = parts(x);
      return np.tanh(like([-2, -1, 1, 2], x).mul(a).add(b)).sub(like([-1, -1, 1, 1], x));
    },
    starts: [[0.1, 0.2], [1, 0.1]],
  },
];

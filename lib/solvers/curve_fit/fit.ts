/**
 * A fitted curve: what is known of its parameters and of itself.
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  epsilon,
  type MediaBundle,
  type NDArray,
  type OptionTable,
  registerPytreeNode,
  scalarArray,
  showAsText,
} from "../../core/mod.ts";
import { matmul, scaledColumns, transposed } from "../../linalg/matrices.ts";
import {
  broadcastTo,
  concatenate,
  div,
  full,
  isFinite,
  log,
  onesLike,
  reduceSum,
  reshape,
  select,
  stopGradient,
} from "../../primitives/mod.ts";
import type { Arrays } from "../../transforms/tree_types.ts";
import { toArray } from "../../transforms/trees.ts";
import { inPrecisionOf } from "../options.ts";
import type { Solution, Status } from "../solution.ts";
import { columnNorms } from "../trust_region/model.ts";
import { checkSigma, jacobianOf, studentQuantile } from "./errors.ts";
import type {
  Band,
  FitArrays,
  FitPlotOptions,
  FitSettings,
  Prediction,
  PredictOptions,
} from "./parts.ts";
import { drawFit, notesOf, reportOf, whyNoPlot } from "./report.ts";

const predictTable: OptionTable<PredictOptions> = { level: "number", sigma: "operand" };
const plotTable: OptionTable<FitPlotOptions> = {
  title: "string",
  xLabel: "string",
  yLabel: "string",
  level: "number",
  width: "number",
  height: "number",
};

/**
 * A fitted curve. A pytree, so it may leave a jitted function. Of the parameters only `value` has
 * derivatives; the numbers about the fit are constants.
 */
export class CurveFit<T> {
  /** For types: a fit has arrays as leaves already. */
  declare readonly "~arrays"?: CurveFit<T>;
  /** How the fit came about. */
  readonly solution: Solution<T>;
  /**
   * Standard errors of the parameters, a tree like them, by the linear model at the solution: infinite where
   * the data do not determine one, 0 of those that were fixed.
   */
  readonly standardErrors: Arrays<T>;
  /** Covariance of the parameters that were free, in the order of `names`: [n, n]. */
  readonly covariance: NDArray;
  /** Sum of squared residuals over `sigma`. */
  readonly chiSquare: NDArray;
  /** Number of points of the fit: int32. */
  readonly points: NDArray;
  readonly #arrays: FitArrays<T>;
  readonly #settings: FitSettings;

  /** Made by `curveFit`. */
  constructor(arrays: unknown, settings: unknown) {
    const known = arrays as FitArrays<T>;
    this.#arrays = known;
    this.#settings = settings as FitSettings;
    this.solution = known.solution;
    this.standardErrors = known.standardErrors;
    this.covariance = known.covariance;
    this.chiSquare = known.chiSquare;
    this.points = known.points;
  }

  /** The parameters. */
  get value(): Arrays<T> {
    return this.solution.value;
  }

  /** Whether the fit converged. Raises inside transforms, as `solution.converged` does. */
  get converged(): boolean {
    return this.solution.converged;
  }

  /** How the fit ended: a position in `statuses` (0 is `"converged"`). */
  get status(): NDArray {
    return this.solution.status;
  }

  /** The same as text. Raises as `converged`. */
  get statusName(): Status {
    return this.solution.statusName;
  }

  /** How the fit went, with numbers: the first line of the report. */
  get message(): string {
    return this.solution.message;
  }

  /**
   * The fit itself where it converged.
   *
   * @throws {ConvergenceError} where it did not, with the message.
   */
  orThrow(): this {
    this.solution.orThrow();
    return this;
  }

  /** Names of the parameters that were free, by element: rows of `covariance`. */
  get names(): readonly string[] {
    return this.#settings.names;
  }

  /** Number of points less number of parameters that were free: int32. */
  get degreesOfFreedom(): NDArray {
    return this.points.sub(this.#settings.names.length);
  }

  /** Chi-square over the degrees of freedom; NaN where there are none. */
  get reducedChiSquare(): NDArray {
    const { dtype } = this.chiSquare;
    const degrees = this.degreesOfFreedom.astype(dtype);
    const some = degrees.greater(0);
    const none = full(degrees.shape, NaN, dtype);
    return select(some, div(this.chiSquare, select(some, degrees, onesLike(degrees))), none);
  }

  /** Covariances over the standard errors: [n, n], NaN of what the data do not determine. */
  get correlations(): NDArray {
    return this.#arrays.correlations;
  }

  /** The share of the squares about the mean that the curve explains: 1 less what it leaves of them. */
  get rSquared(): NDArray {
    const { size, aboutMean } = this.#arrays;
    const share = div(size, aboutMean);
    return share.mul(share).neg().add(1);
  }

  /**
   * Akaike's information criterion, less what is the same for all models of the data: `N ln(chi^2 / N) + 2 n` of
   * N points and n parameters where the size of the errors is unknown (Burnham and Anderson, "Model
   * selection and multimodel inference", 2002), and `chi^2 + 2 n` with `absoluteSigma`. Of two models of the
   * same data the one with the smaller number is the better.
   */
  get aic(): NDArray {
    return this.#misfit().add(2 * this.#settings.names.length);
  }

  /** The Bayesian information criterion (Schwarz 1978): as `aic`, with `n ln N` in place of `2 n`. */
  get bic(): NDArray {
    const count = log(this.points.astype(this.chiSquare.dtype));
    return this.#misfit().add(count.mul(this.#settings.names.length));
  }

  /** Minus twice the largest logarithm of the likelihood, but for a constant. */
  #misfit(): NDArray {
    if (this.#settings.absoluteSigma) return this.chiSquare;
    const count = this.points.astype(this.chiSquare.dtype);
    return log(this.#arrays.size).mul(2).sub(log(count)).mul(count);
  }

  /**
   * What there is to know before the numbers are believed: parameters at bounds, parameters that the data do not
   * determine or determine together only, points that were left out. Empty where all is well, and where
   * values are not known, inside transforms.
   */
  get notes(): readonly string[] {
    return notesOf(this, this.#arrays, this.#settings);
  }

  /**
   * The curve at `x`, with the standard error that it has from those of the parameters, and the bands about it
   * of Student's distribution (with `absoluteSigma`, of the normal one): each point of the curve, or a new
   * measurement there, lies within with probability `level`.
   *
   * Source: Seber and Wild, "Nonlinear Regression", 1989, section 5.1: linear models at the solution.
   *
   * @throws {TypeError} where `x` is neither an array nor a number, and of a fit that was mapped.
   * @throws {RangeError} where `level` is not between 0 and 1, or `sigma` not positive.
   *
   * @example
   * ```ts
   * import { curveFit, numpy as np } from "@injax/injax";
   *
   * const data = { x: np.array([0, 1, 2, 3, 4]), y: np.array([1.1, 2.9, 5.2, 6.8, 9.1]) };
   * const fit = curveFit(({ a, b }, x) => x.mul(a).add(b), data, { a: 1, b: 0 });
   * const { y, confidence, prediction } = fit.predict(np.array([2]));
   * console.log(y.item().toFixed(2)); // 5.02
   * console.log(confidence.lower.item().toFixed(2), confidence.upper.item().toFixed(2)); // 4.75 5.29
   * console.log(prediction.lower.item().toFixed(2), prediction.upper.item().toFixed(2)); // 4.36 5.68
   * ```
   */
  predict(x: NDArray | number, options: PredictOptions = {}): Prediction {
    if (arguments.length > 1) checkCall("predict(x, options)", arguments, predictTable);
    const { level = 0.95 } = options;
    if (!(level > 0 && level < 1)) {
      throw new RangeError(
        `predict: level must be between 0 and 1, such as 0.95, not ${describeValue(level)}`,
      );
    }
    const { curve, transforms, absoluteSigma } = this.#settings;
    const { free, uncertainty, sigma } = this.#arrays;
    // A number is as precise as the data.
    const places = toArray(inPrecisionOf(this.#arrays.y.dtype, x));
    if (places === null) {
      throw new TypeError(
        `predict: x must be an array like the data's, not ${describeValue(x)}${
          Array.isArray(x) ? ". Make an array of a list with np.array(...)" : ""
        }`,
      );
    }
    if (free.ndim > 1) {
      throw new TypeError(
        "predict: the fit is of several lanes, as vmap gives them. Predict within the function that is mapped, and " +
          "return that",
      );
    }
    const y = curve(free, places);
    const { dtype } = y;
    const at = (v: NDArray): NDArray => curve(v, places).reshape([y.size]).astype(v.dtype);
    const jacobian = stopGradient(jacobianOf(at, free, transforms));
    const { root, scatter, undetermined, lengths } = uncertainty;
    const errors = columnNorms(matmul(root, transposed(jacobian))).mul(scatter);
    // A direction that the data do not determine matters where the curve changes along it.
    const scaled = scaledColumns(jacobian, div(full(lengths.shape, 1, lengths.dtype), lengths));
    const lost = reduceSum(matmul(scaled, undetermined).mul(scaled), [1]);
    const whole = reduceSum(scaled.mul(scaled), [1]);
    const known = lost.lessEqual(whole.mul(epsilon(lost.dtype) ** 0.5));
    const infinite = full(errors.shape, Infinity, errors.dtype);
    const standardError = select(known, errors, infinite).reshape(y.shape).astype(dtype);
    const given = toArray(options.sigma);
    if (given !== null) checkSigma("predict", given, null);
    const size = options.sigma ?? (sigma === null ? 1 : sigma.mul(sigma).mean().sqrt());
    const own = typeof size === "number" ? scalarArray(size, dtype) : size.astype(dtype);
    const spread = broadcastTo(own.mul(stopGradient(scatter.astype(dtype))), y.shape);
    const both = concatenate([standardError, spread].map((v) => reshape(v, [1, y.size])), 0);
    const endless = full(y.shape, Infinity, dtype);
    const finite = isFinite(standardError.add(spread));
    const ofNew = select(finite, reshape(columnNorms(both), y.shape), endless);
    const t = studentQuantile(level, absoluteSigma ? null : this.degreesOfFreedom).astype(dtype);
    const about = (error: NDArray): Band => {
      const half = error.mul(t);
      return { lower: y.sub(half), upper: y.add(half) };
    };
    return { y, standardError, confidence: about(standardError), prediction: about(ofNew) };
  }

  /**
   * How the fit went, the parameters with their standard errors, correlations, measures of the fit and notes, a
   * line each.
   *
   * @example
   * ```ts
   * import { curveFit, numpy as np } from "@injax/injax";
   *
   * const data = { x: np.array([0, 1, 2, 3, 4]), y: np.array([1.1, 2.9, 5.2, 6.8, 9.1]) };
   * const fit = curveFit(({ a, b }, x) => x.mul(a).add(b), data, { a: 1, b: 0 });
   * console.log(fit.report().split("\n")[1]); //   a       1.990000 ± 0.0597  (3.0 %)
   * ```
   */
  report(): string {
    return reportOf(this, this.#settings);
  }

  /**
   * The points, the curve and the bands of `predict` as the text of an SVG image, for data of one `x`. The bands
   * are at `level` for each point by itself.
   *
   * @throws {TypeError} where values are not known, inside transforms, or `x` is not like `y`.
   *
   * @example
   * ```ts
   * import { curveFit, numpy as np } from "@injax/injax";
   *
   * const data = { x: np.array([0, 1, 2, 3, 4]), y: np.array([1.1, 2.9, 5.2, 6.8, 9.1]) };
   * const fit = curveFit(({ a, b }, x) => x.mul(a).add(b), data, { a: 1, b: 0 });
   * console.log(fit.plot({ title: "A line" }).startsWith("<svg")); // true
   * ```
   */
  plot(options: FitPlotOptions = {}): string {
    if (arguments.length > 0) checkCall("plot(options)", arguments, plotTable);
    return drawFit(this, this.#arrays, options);
  }

  /** How the fit went. */
  toString(): string {
    return `CurveFit(${this.solution.message})`;
  }

  /** The arrays and settings of a fit, for the registration as a tree. */
  static parts(fit: CurveFit<unknown>): readonly [unknown, unknown] {
    return [fit.#arrays, fit.#settings];
  }
}

let registered = false;

/** Makes fits trees and pictures, when the first one is made: pages without any do not load what it takes. */
export function registerFits(): void {
  if (registered) return;
  registered = true;
  registerPytreeNode(
    CurveFit as never as new (...args: never[]) => CurveFit<unknown>,
    (fit) => CurveFit.parts(fit) as [never, unknown],
    (arrays, settings) => new CurveFit(arrays, settings),
  );
  showAsText(CurveFit<unknown>, (fit): MediaBundle => {
    const [arrays] = CurveFit.parts(fit);
    return whyNoPlot(arrays as FitArrays<unknown>) === null ? { "image/svg+xml": fit.plot() } : {};
  });
}

/**
 * Curves fitted to data: least squares, and what statistics says of the parameters.
 *
 * @module
 */
import type { NDArray } from "../core/array.ts";
import { ConcreteArray, scalarArray } from "../core/concrete.ts";
import { epsilon } from "../core/dtype.ts";
import { formatShape, ShapeError, TreeError } from "../core/errors.ts";
import { checkCall, type OptionTable } from "../core/signature.ts";
import { registerPytreeNode, treeFlatten, treeLeaves, treePaths } from "../core/tree.ts";
import { matmul, scaledColumns, transposed } from "../linalg/matrices.ts";
import { svd } from "../linalg/svd.ts";
import { full } from "../primitives/constants/full.ts";
import { div } from "../primitives/elementwise/arithmetic.ts";
import { isFinite } from "../primitives/elementwise/elementary.ts";
import { select } from "../primitives/elementwise/select.ts";
import { stopGradient } from "../primitives/elementwise/stop_gradient.ts";
import { reduceMax } from "../primitives/reduce/extremes.ts";
import { reduceSum } from "../primitives/sum/broadcast.ts";
import { pure } from "../transforms/pure.ts";
import type { Arrays } from "../transforms/tree_types.ts";
import { checkFunction, flattenArrays, flattenResult, toArray } from "../transforms/trees.ts";
import type { Transforms } from "../transforms/types.ts";
import type { FloatTree } from "./fixed_point.ts";
import { leastSquares, type LeastSquaresOptions, leastSquaresOptions } from "./least_squares.ts";
import { localAt } from "./local.ts";
import { ravelTree } from "./ravel.ts";
import type { Solution } from "./solution.ts";

/** Options of `curveFit`. */
export interface CurveFitOptions extends LeastSquaresOptions {
  /** Standard deviations of the data: a number, or an array like `y`. Without them all count alike. */
  readonly sigma?: number | NDArray | undefined;
  /**
   * Whether `sigma` is in the units of `y`. Otherwise (the default) it only says how points compare, and the
   * scatter about the curve says how large it is.
   */
  readonly absoluteSigma?: boolean | undefined;
  /** Whether points whose `y` is NaN or infinite are left out (`"omit"`) or spoil the fit (default). */
  readonly missing?: "keep" | "omit" | undefined;
}

const optionTable: OptionTable<CurveFitOptions> = {
  ...leastSquaresOptions,
  sigma: "operand",
  absoluteSigma: "boolean",
  missing: "string",
};

type Model = (params: unknown, x: NDArray) => NDArray;

/** Fields of a fit that are arrays. */
interface FitArrays<T> {
  readonly solution: Solution<T>;
  readonly standardErrors: Arrays<T>;
  readonly covariance: NDArray;
  readonly chiSquare: NDArray;
  readonly degreesOfFreedom: NDArray;
}

/**
 * A fitted curve. A pytree, so it may leave a jitted function. Of the parameters only `value` has
 * derivatives; the numbers about the fit are constants.
 */
export class CurveFit<T> {
  /** For types: a fit has arrays as leaves already. */
  declare readonly "~arrays"?: CurveFit<T>;
  /** How the fit came about. */
  readonly solution: Solution<T>;
  /** Standard errors of the parameters, a tree like them: infinite where the data do not determine one. */
  readonly standardErrors: Arrays<T>;
  /** Covariance of the parameters in the order of their leaves: [n, n]. */
  readonly covariance: NDArray;
  /** Sum of squared residuals over `sigma`. */
  readonly chiSquare: NDArray;
  /** Number of points less number of parameters: int32. */
  readonly degreesOfFreedom: NDArray;
  readonly #model: Model;
  readonly #transforms: Transforms;

  /** Made by `curveFit`. */
  constructor(arrays: FitArrays<T>, model: unknown, transforms: Transforms) {
    this.solution = arrays.solution;
    this.standardErrors = arrays.standardErrors;
    this.covariance = arrays.covariance;
    this.chiSquare = arrays.chiSquare;
    this.degreesOfFreedom = arrays.degreesOfFreedom;
    this.#model = model as Model;
    this.#transforms = transforms;
  }

  /** The parameters. */
  get value(): Arrays<T> {
    return this.solution.value;
  }

  /** Whether the fit converged. Raises inside transforms, as `solution.converged` does. */
  get converged(): boolean {
    return this.solution.converged;
  }

  /** Chi-square over the degrees of freedom. */
  get reducedChiSquare(): NDArray {
    return div(this.chiSquare, this.degreesOfFreedom.astype(this.chiSquare.dtype));
  }

  /** The curve at `x`, with the standard error that it has from those of the parameters. */
  predict(x: NDArray): { readonly y: NDArray; readonly standardError: NDArray } {
    const { vector, unravel } = ravelTree("predict", this.value, "the parameters");
    const at = (v: NDArray): NDArray => this.#model(unravel(v), x);
    const y = at(vector);
    const jacobian = jacobianOf((v) => at(v).reshape([y.size]), vector, this.#transforms);
    const spread = matmul(jacobian, this.covariance).mul(jacobian);
    return { y, standardError: reduceSum(spread, [1]).sqrt().reshape(y.shape) };
  }

  /** The parameters with their standard errors and correlations, a line each. */
  report(): string {
    const [errors, def] = treeFlatten(this.standardErrors);
    const values = treeLeaves(this.value) as NDArray[];
    if (![...values, ...errors as NDArray[]].every((x) => x instanceof ConcreteArray)) {
      return this.solution.message;
    }
    const paths = treePaths(def);
    const rows = values.flatMap((v, i) => {
      const e = (errors[i] as NDArray).dataSync();
      return [...v.dataSync()].map((value, k) => {
        const name = `${paths[i] || "parameter"}${v.ndim === 0 ? "" : ` [${k}]`}`;
        return `  ${name.padEnd(24)}${value.toPrecision(7)} ± ${e[k]!.toPrecision(3)}` +
          (e[k] === Infinity ? "  (the data do not determine it)" : "");
      });
    });
    const reduced = this.reducedChiSquare.item().toPrecision(4);
    return [
      this.solution.message,
      ...rows,
      `  chi-square ${this.chiSquare.item().toPrecision(5)} for ${this.degreesOfFreedom.item()} ` +
      `degrees of freedom (reduced ${reduced})`,
    ].join("\n");
  }
}

registerPytreeNode(
  CurveFit as never as new (...args: never[]) => CurveFit<unknown>,
  (fit) => {
    const { solution, standardErrors, covariance, chiSquare, degreesOfFreedom } = fit;
    const settings = settingsOf.get(fit)!;
    return [
      { solution, standardErrors, covariance, chiSquare, degreesOfFreedom } as never,
      settings,
    ];
  },
  (arrays, settings) => made(arrays as never, settings as Settings),
);

interface Settings {
  readonly model: unknown;
  readonly transforms: Transforms;
}
const settingsOf = new WeakMap<object, Settings>();

function made<T>(arrays: FitArrays<T>, settings: Settings): CurveFit<T> {
  const fit = new CurveFit<T>(arrays, settings.model, settings.transforms);
  settingsOf.set(fit, settings);
  return fit;
}

function jacobianOf(f: (v: NDArray) => NDArray, x: NDArray, transforms: Transforms): NDArray {
  const evaluate = (v: NDArray) => ({ r: f(v), cost: null });
  const one = scalarArray(1, x.dtype);
  return localAt(evaluate, x, { cost: null, scale: one, steps: one, transforms }).jacobian();
}

/**
 * Fits `model(params, x)` to `y` by least squares from `params`, with standard errors by the linear model at
 * the solution.
 *
 * @param model The curve: an array like `y` for parameters like `params`.
 * @param data The points: `x` is handed to the model as it is.
 * @param params Where to start: a tree of numbers or arrays. Names are used in the report.
 * @throws {ShapeError} where the model gives another shape than `y` has, or there are too few points.
 *
 * @example
 * ```ts
 * import { curveFit, numpy as np } from "@injax/injax";
 *
 * const x = np.array([0, 1, 2, 3, 4]);
 * const y = np.array([2.1, 1.2, 0.8, 0.4, 0.3]);
 * const decay = ({ a, b }: { a: np.NDArray; b: np.NDArray }, x: np.NDArray) =>
 *   a.mul(np.exp(b.mul(x).neg()));
 * const fit = curveFit(decay, { x, y }, { a: 1, b: 1 });
 * console.log(fit.value.b.item().toFixed(2), fit.standardErrors.b.item().toFixed(2)); // 0.52 0.02
 * ```
 */
export function curveFit<T extends FloatTree>(
  model: (params: Arrays<T>, x: NDArray) => NDArray,
  data: { readonly x: NDArray; readonly y: NDArray },
  params: T,
  options: CurveFitOptions = {},
): CurveFit<T> {
  if (arguments.length > 3) {
    checkCall("curveFit(model, data, params, options)", arguments, optionTable);
  }
  checkFunction("curveFit", model);
  const { sigma, absoluteSigma = false, missing = "keep", ...rest } = options;
  const [x, y] = [toArray(data?.x), toArray(data?.y)];
  if (x === null || y === null) {
    throw new TypeError("curveFit: the data must be { x, y } of arrays");
  }
  const transforms = options.transforms ?? pure;
  const [starts] = flattenArrays("curveFit", params, "params");
  const count = starts.reduce((sum, leaf) => sum + leaf.size, 0);
  if (y.size < count) {
    throw new ShapeError(`curveFit: ${y.size} points do not determine ${count} parameters`);
  }
  const known = missing === "omit" ? isFinite(y) : null;
  const weigh = (r: NDArray): NDArray => {
    const weighed = sigma === undefined ? r : r.div(sigma);
    return known === null ? weighed : select(known, weighed, full(y.shape, 0, weighed.dtype));
  };
  const target = known === null ? y : select(known, y, full(y.shape, 0, y.dtype));
  const residuals = (p: Arrays<T>): NDArray => {
    const [leaves] = flattenResult("curveFit", model, model(p, x));
    const curve = leaves[0];
    if (leaves.length !== 1 || curve === undefined) {
      throw new TreeError(`curveFit: the model must give one array, not ${leaves.length}`);
    }
    if (formatShape(curve.shape) !== formatShape(y.shape)) {
      throw new ShapeError(
        `curveFit: the model gives ${formatShape(curve.shape)} for x of shape ${
          formatShape(x.shape)
        }, but y has ${formatShape(y.shape)}`,
      );
    }
    return weigh(curve.sub(target));
  };
  const solution = leastSquares(residuals, params, rest);

  const { vector, unravel } = ravelTree("curveFit", solution.value, "params");
  const at = stopGradient(vector);
  const flat = (v: NDArray): NDArray =>
    stopGradient(residuals(unravel(v) as Arrays<T>)).reshape([y.size]).astype(v.dtype);
  const plain = (v: NDArray): NDArray =>
    residuals(unravel(v) as Arrays<T>).reshape([y.size]).astype(v.dtype);
  const r = flat(at);
  const chiSquare = reduceSum(r.mul(r), [0]);
  const points = known === null
    ? scalarArray(y.size, "int32")
    : reduceSum(known.astype("int32").reshape([y.size]), [0]);
  const degreesOfFreedom = points.sub(count);
  const free = degreesOfFreedom.astype(at.dtype);
  const jacobian = stopGradient(jacobianOf(plain, at, transforms));
  const columns = reduceSum(jacobian.mul(jacobian), [0]).sqrt();
  const one = full(columns.shape, 1, at.dtype);
  const lengths = select(columns.greater(0), columns, one);
  const { s, vt } = svd(scaledColumns(jacobian, div(one, lengths)), false);
  const least = reduceMax(s, [0]).mul(y.size * epsilon(at.dtype));
  const inverse = div(one, select(s.greater(least), s, full(s.shape, 0, at.dtype)));
  const root = scaledColumns(transposed(vt), inverse);
  const ones = scalarArray(1, at.dtype);
  const variance = absoluteSigma ? ones : div(chiSquare, free);
  const byLength = div(one, lengths);
  const half = scaledColumns(transposed(root), byLength);
  const covariance = matmul(transposed(half), half).mul(variance);
  const errors = reduceSum(half.mul(half), [0]).mul(variance).sqrt();
  return made<T>({
    solution,
    standardErrors: unravel(errors) as Arrays<T>,
    covariance,
    chiSquare,
    degreesOfFreedom,
  }, { model, transforms });
}

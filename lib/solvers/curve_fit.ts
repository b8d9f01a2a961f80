/**
 * Curves fitted to data: least squares, and what statistics says of the parameters (`curve_fit/`).
 *
 * @module
 */
import {
  checkCall,
  describeValue,
  formatShape,
  isFloat,
  type NDArray,
  type OptionTable,
  scalarArray,
  ShapeError,
  tableOf,
  TreeError,
  treeLeaves,
  treePaths,
  treeUnflatten,
} from "../core/mod.ts";
import {
  and,
  argmax,
  broadcastTo,
  div,
  dynamicSlice,
  full,
  isFinite,
  reduceAnd,
  reduceSum,
  select,
  stopGradient,
} from "../primitives/mod.ts";
import { pure } from "../transforms/pure.ts";
import type { Arrays } from "../transforms/tree_types.ts";
import { called, checkFunction, flattenResult, nameOf, toArray } from "../transforms/trees.ts";
import { boundTrees, inPrecisionOf, named, oneLeaf, orNaN, startOf } from "./options.ts";
import { checkSigma, errorsOf, hostNumbers, uncertaintyOf } from "./curve_fit/errors.ts";
import { CurveFit, registerFits } from "./curve_fit/fit.ts";
import type { FitArrays, FitSettings } from "./curve_fit/parts.ts";
import { elementNames } from "./curve_fit/report.ts";
import type { FloatTree } from "./fixed_point.ts";
import {
  type LeastSquaresOptions,
  leastSquaresOptions,
  type Loss,
  robust,
  solveLeastSquares,
} from "./least_squares.ts";
import { checkFloat, norm, ravelTree } from "./norms.ts";
import { checkConverged, Solution } from "./solution.ts";

/** Options of `curveFit`. */
export interface CurveFitOptions extends Omit<LeastSquaresOptions, "keepMemory" | "warmStart"> {
  /** Standard deviations of the data: a number, or an array like `y`. Without them all count alike. */
  readonly sigma?: number | NDArray | undefined;
  /**
   * Whether `sigma` is in the units of `y`. Otherwise (the default) it only says how points compare, and the
   * scatter about the curve says how large it is; with a `loss`, what that makes of it. It goes with `sigma`.
   */
  readonly absoluteSigma?: boolean | undefined;
  /**
   * Names of parameters that stay as they are given, such as `["a", "layer.w"]`; the name of a part of the tree
   * stands for all in it. They leave the covariance.
   */
  readonly fixed?: readonly string[] | undefined;
  /**
   * Whether points whose `y`, or element or row of `x`, has NaN or infinities are refused (`"raise"`, the default) or
   * left out (`"omit"`).
   */
  readonly missing?: "raise" | "omit" | undefined;
}

const optionTable: OptionTable<CurveFitOptions> = /* @__PURE__ */ tableOf(leastSquaresOptions, {
  sigma: "operand",
  absoluteSigma: "boolean",
  fixed: "names",
  missing: "string",
});

const op = "curveFit";

/**
 * Fits `model(params, x)` to `y` by least squares from `params`, with standard errors by the linear model at
 * the solution (as SciPy's `curve_fit`; Seber and Wild, "Nonlinear Regression", 1989).
 *
 * @param model The curve: an array like `y` for parameters like `params`.
 * @param data The points: `x` is handed to the model as it is.
 * @param params Where to start: a tree of numbers or arrays; numbers are as precise as `y`. Names are used in the report.
 * @throws {TreeError} where the model gives no array.
 * @throws {ShapeError} where it gives another shape than `y` has, or there are too few points.
 * @throws {RangeError} where `x` or `y` is not finite and `missing` is `"raise"`, where `sigma` is not positive, where
 * `fixed` has a name that is none or leaves no parameter, where a bound is out of order.
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
 * const known = curveFit(decay, { x, y }, { a: 2, b: 1 }, { fixed: ["a"] });
 * console.log(known.names, known.value.a.item()); // [ "b" ] 2
 * ```
 */
export function curveFit<T extends FloatTree>(
  model: (params: Arrays<T>, x: NDArray) => NDArray,
  data: { readonly x: NDArray; readonly y: NDArray },
  params: T,
  options: CurveFitOptions = {},
): CurveFit<T> {
  // As SciPy has them.
  if (toArray(data) !== null) {
    throw new TypeError(
      `${op}: the data must be { x, y } of arrays, not ${describeValue(data)}: write ` +
        "curveFit(model, { x, y }, params)",
    );
  }
  if (arguments.length > 3) {
    checkCall("curveFit(model, data, params, options)", arguments, optionTable);
  }
  checkFunction(op, model);
  registerFits();
  const { absoluteSigma = false, missing = "raise", fixed = [], sigma: _, ...rest } = options;
  if (missing !== "raise" && missing !== "omit") {
    throw new RangeError(
      `${op}: missing must be "raise" or "omit", not ${describeValue(missing)}`,
    );
  }
  const [x, y] = [toArray(data?.x), toArray(data?.y)];
  if (x === null || y === null) {
    const lists = Array.isArray(data?.x) || Array.isArray(data?.y);
    throw new TypeError(
      `${op}: the data must be { x, y } of arrays, not { x: ${describeValue(data?.x)}, ` +
        `y: ${describeValue(data?.y)} }${lists ? ". Make arrays of lists with np.array(...)" : ""}`,
    );
  }
  const other = Object.keys(data).find((key) => key !== "x" && key !== "y");
  if (other !== undefined) {
    throw new TypeError(
      `${op}: the data are { x, y } and have no ${other}${
        other in optionTable
          ? `, which is an option: curveFit(model, { x, y }, params, { ${other} })`
          : ""
      }`,
    );
  }
  const transforms = options.transforms ?? pure;
  const [starts, def] = startOf(op, inPrecisionOf(y.dtype, params), "params");
  if (starts.length === 0) {
    throw new TreeError(
      `${op}: params must hold the parameters, as { a: 1, b: 0 }, but is ${describeValue(params)}`,
    );
  }
  const paths = treePaths(def);
  const elements = elementNames(paths, starts);
  const stays = fixedLeaves(fixed, paths);
  const moves = starts.flatMap((_, i) => stays[i] ? [] : [i]);
  if (moves.length === 0) throw new RangeError(`${op}: all parameters are fixed; leave one free`);
  for (const i of moves) checkFloat(op, starts[i]!, () => `params${paths[i]}`);
  const names = moves.flatMap((i) => elements[i]!);
  const count = names.length;
  const omits = missing === "omit";
  const known = and(areKnown(y, y), areKnown(x, y));
  const some = hostNumbers(known);
  const present = some === null || !omits ? y.size : some.reduce((sum, k) => sum + k, 0);
  if (!omits) refuseMissing(x, y);
  if (present < count) {
    throw new ShapeError(
      `${op}: ${present} points do not determine ${count} parameters, ${names.join(", ")}`,
    );
  }
  const sigma = sigmaLike(options.sigma, y, omits ? known : null);
  if (absoluteSigma && sigma === null) {
    throw new TypeError(
      `${op}: absoluteSigma says that sigma is in the units of y, but there is no sigma. Give it too, ` +
        "{ sigma: 0.1, absoluteSigma: true }",
    );
  }

  const zero = (like: NDArray): NDArray => full(like.shape, 0, like.dtype);
  const weigh = (r: NDArray): NDArray => {
    const weighed = sigma === null ? r : div(r, sigma.astype(r.dtype));
    return omits ? select(known, weighed, zero(weighed)) : weighed;
  };
  const target = omits ? select(known, y, zero(y)) : y;
  const places = omits ? withoutMissing(x, known) : x;
  /** All parameters, from those that are free. */
  const whole = (free: readonly NDArray[]): Arrays<T> => {
    const all = [...starts];
    moves.forEach((i, k) => all[i] = free[k]!);
    return treeUnflatten(def, all) as Arrays<T>;
  };
  const curveOf = (p: Arrays<T>, x: NDArray): NDArray => {
    const [leaves, def] = flattenResult(op, model, called(model, [p, x]));
    if (def !== oneLeaf) {
      throw new TreeError(
        `${op}: ${
          nameOf(model)
        } must return an array like y, but it returned the tree ${def}. Return the array ` +
          "itself; several curves are an array too, by np.stack",
      );
    }
    return leaves[0]!;
  };
  const residuals = (free: readonly NDArray[]): NDArray => {
    const curve = curveOf(whole(free), places);
    if (formatShape(curve.shape) !== formatShape(y.shape)) {
      throw new ShapeError(
        `${op}: the model gives ${formatShape(curve.shape)} for x of shape ${
          formatShape(x.shape)
        }, but y has ${formatShape(y.shape)}. They must have an element for each point`,
      );
    }
    return weigh(curve.sub(target));
  };
  const bounds = options.bounds === undefined ? undefined : boundsOf(options.bounds);
  function boundsOf(given: NonNullable<CurveFitOptions["bounds"]>) {
    const { lower, upper } = boundTrees(op, given, starts, def);
    const some = (tree: unknown): NDArray[] => {
      const leaves = treeLeaves(tree) as NDArray[];
      return moves.map((i) => leaves[i]!);
    };
    return { lower: some(lower), upper: some(upper) };
  }
  named(op, model, residuals);
  const [found, { r, jacobian }] = solveLeastSquares<NDArray[]>(
    op,
    residuals,
    moves.map((i) => starts[i]!),
    { ...rest, bounds, throw: false },
    true,
  );
  const solution = new Solution<T>({
    ...found,
    value: whole(found.value),
    trajectory: null,
    aux: null as never,
  });

  if (options.throw) checkConverged(op, solution);

  const { vector, ravel, unravel } = ravelTree(op, found.value, "params");
  const free = stopGradient(vector);
  const size = norm(r);
  const chiSquare = size.mul(size);
  const points = omits
    ? reduceSum(known.astype("int32").reshape([y.size]), [0])
    : scalarArray(y.size, "int32");
  const surplus = points.sub(count).astype(free.dtype);
  const one = scalarArray(1, free.dtype);
  const several = surplus.greater(0);
  // By the norm, whose square may be out of the dtype's range.
  const { loss = "squares", lossScale = 1 } = options;
  const counted = loss === "squares" ? size : sizeByLoss(stopGradient(r), points, loss, lossScale);
  const scatter = absoluteSigma
    ? one
    : select(several, div(counted, select(several, surplus, one).sqrt()), one.mul(Infinity));
  const uncertainty = uncertaintyOf(jacobian, scatter);
  const { covariance, errors, correlations } = errorsOf(uncertainty);
  const byLeaf = unravel(errors) as NDArray[];
  const standardErrors = treeUnflatten(
    def,
    starts.map((leaf, i) => stays[i] ? zero(leaf) : byLeaf[moves.indexOf(i)]!),
  ) as Arrays<T>;
  const atBounds = bounds === undefined ? full([count], 0, "int32") : select(
    free.lessEqual(ravel(bounds.lower)),
    full([count], -1, "int32"),
    free.greaterEqual(ravel(bounds.upper)).astype("int32"),
  );
  const arrays: FitArrays<T> = {
    solution,
    standardErrors,
    covariance,
    correlations,
    chiSquare,
    size,
    points,
    aboutMean: stopGradient(normAboutMean(weigh, target, free.dtype)),
    free: vector,
    uncertainty,
    atBounds,
    x: places,
    // What is left out is no point.
    y: omits && isFloat(y.dtype) ? select(known, y, full(y.shape, NaN, y.dtype)) : y,
    sigma,
  };
  const settings: FitSettings = {
    curve: (v, x) => curveOf(whole(unravel(v) as NDArray[]), x),
    transforms,
    absoluteSigma,
    names,
    fixed: elements.flatMap((of, i) => stays[i] ? of : []),
  };
  return new CurveFit<T>(arrays, settings);
}

/**
 * The norm of residuals [m] of least squares that would say as much of the size of errors as these do by a loss: that of
 * what each pulls with, over how much stiffer a square is in the mean (Huber, "Robust Statistics", 1981, section 7.6).
 */
function sizeByLoss(r: NDArray, points: NDArray, loss: Loss, scale: number): NDArray {
  const cost = (r: NDArray): NDArray => {
    const weighed = robust(op, r, loss, scale);
    return reduceSum(weighed.mul(weighed), [0]).mul(0.5);
  };
  const [pulls, stiffness] = pure.jvp(pure.grad(cost), [r], [full(r.shape, 1, r.dtype)]) as [
    NDArray,
    NDArray,
  ];
  // Points that are left out pull with nothing, and are as stiff as a square.
  const count = points.astype(r.dtype);
  const mean = div(reduceSum(stiffness, [0]).sub(count.neg().add(r.size)), count);
  const holds = mean.greater(0);
  const one = full([], 1, r.dtype);
  return select(holds, div(norm(pulls), select(holds, mean, one)), one.mul(Infinity));
}

/** Norm of what the best constant leaves of the target, as the residuals are weighed. */
function normAboutMean(
  weigh: (r: NDArray) => NDArray,
  target: NDArray,
  dtype: NDArray["dtype"],
): NDArray {
  const flat = (v: NDArray): NDArray => weigh(v).astype(dtype).reshape([target.size]);
  const [units, values] = [flat(full(target.shape, 1, dtype)), flat(target.astype(dtype))];
  const mean = div(reduceSum(units.mul(values), [0]), reduceSum(units.mul(units), [0]));
  return norm(values.sub(units.mul(mean)));
}

/** Which leaves stay, by names of them or of parts of the tree. */
function fixedLeaves(fixed: readonly string[], paths: readonly string[]): boolean[] {
  if (!Array.isArray(fixed)) {
    throw new TypeError(`${op}: fixed must be a list of names, not ${describeValue(fixed)}`);
  }
  const plain = (path: unknown): string => String(path).replace(/^\./, "");
  const within = (path: string, name: string): boolean =>
    path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`);
  const stays = paths.map(() => false);
  for (const name of fixed) {
    const which = paths.flatMap((path, i) => within(plain(path), plain(name)) ? [i] : []);
    if (which.length === 0) {
      throw new RangeError(
        `${op}: fixed has ${describeValue(name)}, which is no parameter. There are ${
          paths.map(plain).join(", ")
        }`,
      );
    }
    for (const i of which) stays[i] = true;
  }
  return stays;
}

/** Raises where a point is not finite and that is known. */
function refuseMissing(x: NDArray, y: NDArray): void {
  for (const [name, data] of [["y", y], ["x", x]] as const) {
    const known = hostNumbers(areKnown(data, y)) ?? [];
    const at = known.indexOf(0);
    if (at < 0) continue;
    const values = data.reshape([y.size, -1]).dataSync();
    const of = values.subarray(at * values.length / y.size).find((v) => !Number.isFinite(v));
    throw new RangeError(
      `${op}: ${name}[${at}] is ${of}` +
        `${known.filter((k) => k === 0).length > 1 ? ", and others are not finite" : ""}. ` +
        'Give missing: "omit" to leave such points out',
    );
  }
}

/** Which points are finite, like `y`, of data that have an element or a row for each of them. */
function areKnown(data: NDArray, y: NDArray): NDArray {
  const rows = formatShape(data.shape.slice(0, y.ndim)) === formatShape(y.shape);
  if (!isFloat(data.dtype) || !rows) return full(y.shape, 1, "bool");
  return reduceAnd(isFinite(data), data.shape.map((_, i) => i).slice(y.ndim));
}

/** `x` with that of a point that is known in the place of those that are not: the model is defined there. */
function withoutMissing(x: NDArray, known: NDArray): NDArray {
  if (formatShape(x.shape.slice(0, known.ndim)) !== formatShape(known.shape)) return x;
  const rows = x.reshape([known.size, -1]);
  const which = known.reshape([known.size, 1]);
  const first = argmax(which.astype("int32"), 0).reshape([]);
  const some = dynamicSlice(rows, [first, scalarArray(0, "int32")], [1, rows.shape[1]!]);
  return select(broadcastTo(which, rows.shape), rows, broadcastTo(some, rows.shape)).reshape(
    x.shape,
  );
}

/** Standard deviations as an array like `y`; of points that are not known, which have no part, the mean of the others. */
function sigmaLike(given: unknown, y: NDArray, known: NDArray | null): NDArray | null {
  if (given === undefined) return null;
  // A number is as precise as the data.
  const sigma = toArray(inPrecisionOf(y.dtype, given));
  if (sigma === null) {
    throw new TypeError(`${op}: sigma must be a number or an array, not ${describeValue(given)}`);
  }
  if (sigma.ndim > 0 && formatShape(sigma.shape) !== formatShape(y.shape)) {
    throw new ShapeError(
      `${op}: sigma has shape ${formatShape(sigma.shape)}, but y has ${formatShape(y.shape)}`,
    );
  }
  const some = sigma.ndim === 0 || known === null ? null : known;
  checkSigma(op, sigma, some === null ? null : hostNumbers(some) ?? []);
  const own = isFloat(sigma.dtype) ? sigma : sigma.astype("float32");
  // What is computed and no deviation leaves no residual that is a number.
  const float = hostNumbers(sigma) === null ? orNaN(and(own.greater(0), isFinite(own)), own) : own;
  if (some === null) return broadcastTo(float, y.shape);
  const axes = y.shape.map((_, i) => i);
  const squares = select(some, float.mul(float), full(y.shape, 0, float.dtype));
  const mean = div(reduceSum(squares, axes), reduceSum(some.astype(float.dtype), axes));
  return select(some, float, broadcastTo(mean.sqrt(), y.shape));
}

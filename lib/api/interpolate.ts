/**
 * Values between those on a grid, as `jax.scipy.interpolate`. Along one axis there is `numpy.interp`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { regularGridInterpolator } from "@injax/injax/interpolate";
 *
 * const grid = [np.array([1, 2, 4]), np.array([0, 1])];
 * const f = regularGridInterpolator(grid, np.array([[0, 1], [10, 11], [20, 21]]));
 * console.log(f(np.array([[1.5, 0.5], [3, 0]])).toArray()); // [ 5.5, 15 ]
 * ```
 *
 * @module
 */
import "./methods.ts";
import {
  describeValue,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import { asFloat, asOperand, expectArray, expectOperand } from "./operands.ts";
import { take } from "./indexing.ts";
import { stack } from "./joining.ts";
import { logicalOr, where } from "./logic.ts";
import { at } from "./set_at.ts";
import { broadcastArrays } from "./shaping.ts";
import { searchsorted } from "./sorting.ts";

export type { Operand } from "../core/array.ts";

/** How values between those of a grid come about. */
export type GridMethod = "linear" | "nearest";

/** Options of {@linkcode regularGridInterpolator}. */
export interface GridOptions {
  /** `"linear"`, the default: between the corners of a cell; `"nearest"`: the value of the nearest corner. */
  readonly method?: GridMethod | undefined;
  /** What is outside of the grid: NaN where left out; `null` goes on from the outermost cells. */
  readonly fillValue?: Operand | null | undefined;
}

const gridOptions: OptionTable<GridOptions> = {
  method: "string",
  // Of this kind `null` means something.
  fillValue: "axes",
};

/**
 * A function between the values on a grid.
 *
 * @param xi Points `[..., d]`, or the coordinates of points in a list of d arrays; of a grid with one axis
 * `[...]` too.
 * @param options The method, where it is not that of the function.
 * @returns `[..., ...rest]`.
 */
export type GridFunction = (
  xi: NDArray | readonly Operand[],
  options?: { readonly method?: GridMethod | undefined },
) => NDArray;

/**
 * A function that gives values between those on a grid, as `jax.scipy.interpolate.RegularGridInterpolator`.
 * It has derivatives by the values, and by points and grid where it is linear.
 *
 * @param points For each axis of the grid a vector of at least two coordinates, ascending.
 * @param values `[n1, ..., nd, ...rest]`: what is at the points of the grid.
 * @throws {ShapeError} where vectors and values do not belong together.
 * @throws {TypeError} where there is no such method.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { regularGridInterpolator } from "@injax/injax/interpolate";
 *
 * const squares = regularGridInterpolator([np.array([0, 1, 2])], np.array([0, 1, 4]));
 * console.log(squares(np.array([0.5, 1.5, 3])).toArray()); // [ 0.5, 2.5, NaN ]
 * ```
 */
export function regularGridInterpolator(
  points: readonly NDArray[],
  values: NDArray,
  options: GridOptions = {},
): GridFunction {
  const op = "regularGridInterpolator";
  if (arguments.length > 2) {
    options = readOptions(`${op}(points, values, options)`, arguments, gridOptions);
  }
  const data = asFloat(op, expectArray(op, values, "values"));
  if (!Array.isArray(points)) {
    throw new TypeError(
      `${op}: points is ${describeValue(points)}, but must be a list with a vector for each axis ` +
        "of the grid",
    );
  }
  const grid = points.map((p, axis) => asFloat(op, expectArray(op, p, `points[${axis}]`)));
  grid.forEach((p, axis) => {
    const n = data.shape[axis];
    if (p.ndim === 1 && n !== undefined && p.shape[0] === n && n >= 2) return;
    throw new ShapeError(
      `${op}: points[${axis}] has shape ${formatShape(p.shape)} and values ${
        formatShape(data.shape)
      }, but there must be a vector as long as axis ${axis}, with at least two coordinates`,
    );
  });
  const usual = expectMethod(op, options.method ?? "linear");
  const fill = options.fillValue === undefined ? NaN : options.fillValue;
  return function interpolate(xi, settings = {}) {
    if (arguments.length > 1) {
      settings = readOptions("interpolate(xi, options)", arguments, { method: "string" });
    }
    const method = expectMethod(op, settings?.method ?? usual);
    return valuesAt(op, pointsOf(op, xi, grid.length), grid, data, method, fill);
  };
}

function expectMethod(op: string, method: unknown): GridMethod {
  if (method === "linear" || method === "nearest") return method;
  throw new TypeError(
    `${op}: method is ${describeValue(method)}, but must be "linear" or "nearest"`,
  );
}

/** Points `[..., d]`. */
function pointsOf(op: string, xi: unknown, d: number): NDArray {
  const x = Array.isArray(xi)
    ? stack(broadcastArrays(...xi.map((c, k) => asOperand(op, c, `xi[${k}]`))), -1)
    : expectArray(op, xi, "xi");
  if (x.ndim > 0 && x.shape.at(-1) === d && !(d === 1 && x.ndim === 1)) return asFloat(op, x);
  if (d === 1) return asFloat(op, x.reshape([...x.shape, 1]));
  throw new ShapeError(
    `${op}: points have shape ${formatShape(x.shape)}, but must end with the ${d} coordinates of ` +
      "the grid",
  );
}

function valuesAt(
  op: string,
  xi: NDArray,
  grid: readonly NDArray[],
  values: NDArray,
  method: GridMethod,
  fill: Operand | null,
): NDArray {
  const rest = values.ndim - grid.length;
  /** With axes of length 1 for what the values have behind those of the grid. */
  const wide = (x: NDArray): NDArray => x.reshape([...x.shape, ...new Array(rest).fill(1)]);
  let corners: { readonly places: NDArray[]; readonly weight: NDArray | number }[] = [
    { places: [], weight: 1 },
  ];
  let outside: NDArray | null = null;
  grid.forEach((g, axis) => {
    const x = take(xi, axis, -1);
    const n = g.shape[0]!;
    const i = searchsorted(g, x).sub(1).clip(0, n - 2);
    const [low, high] = [take(g, i), take(g, i.add(1))];
    const share = x.sub(low).div(high.sub(low));
    const beside = logicalOr(x.less(g.at(0)), x.greater(g.at(-1)));
    outside = outside === null ? beside : logicalOr(outside, beside);
    const along = method === "nearest"
      ? [{ place: where(share.lessEqual(0.5), i, i.add(1)), weight: 1 }]
      : [{ place: i, weight: share.neg().add(1) }, { place: i.add(1), weight: share }];
    corners = corners.flatMap(({ places, weight }) =>
      along.map((to) => ({
        places: [...places, to.place],
        weight: typeof to.weight === "number" ? weight : to.weight.mul(weight),
      }))
    );
  });
  const parts = corners.map(({ places, weight }) => {
    const value = at(values, ...places);
    return typeof weight === "number" ? value : value.mul(wide(weight));
  });
  const result = parts.reduce((a, b) => a.add(b));
  if (fill === null || outside === null) return result;
  expectOperand(op, fill, "fillValue");
  return where(wide(outside), fill, result);
}

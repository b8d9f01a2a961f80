/**
 * Arrays read between their elements, as `jax.scipy.ndimage`.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { mapCoordinates } from "@injax/injax/ndimage";
 *
 * // Each row of an image moved to the left by half an element more than the one above.
 * const image = np.array([[0, 2, 4], [6, 8, 10]]);
 * const [rows, columns] = [np.array([[0], [1]]), np.array([[0, 1, 2], [0.5, 1.5, 2.5]])];
 * const moved = mapCoordinates(image, [rows, columns], 1, { mode: "nearest" });
 * console.log(moved.toArray()); // [ [ 0, 2, 4 ], [ 7, 9, 10 ] ]
 * ```
 *
 * @module
 */
import "./methods.ts";
import type { Named } from "../core/method_options.ts";
import {
  describeValue,
  formatShape,
  isFloat,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  ShapeError,
} from "../core/mod.ts";
import { convert } from "../primitives/mod.ts";
import { floor, floorDivide, mod } from "./arithmetic.ts";
import { round } from "./lax/elementwise.ts";
import { logicalAnd, where } from "./logic.ts";
import { asDType, asOperand, expectArray, isNamed } from "./operands.ts";
import { at } from "./set_at.ts";
import { broadcastArrays } from "./shaping.ts";

export type { Named } from "../core/method_options.ts";
export type { Operand } from "../core/array.ts";

/** Options of {@linkcode mapCoordinates}. */
export interface MapCoordinatesOptions {
  /**
   * What is beside the array: `"constant"`, the default, a value; `"nearest"` the element at the edge;
   * `"wrap"` the other side; `"mirror"` what is as far inside of the middle of the edge's element, and
   * `"reflect"` of the edge itself.
   */
  readonly mode?: "constant" | "nearest" | "wrap" | "mirror" | "reflect" | undefined;
  /** The value beside the array for `"constant"`; 0 where left out. */
  readonly cval?: Operand | undefined;
}

const options: OptionTable<MapCoordinatesOptions> = { mode: "string", cval: "operand" };

/** A position in a row of `size` elements and its mirror images, which begin again after `2 (size - 1)`. */
function mirrored(i: NDArray, size: number): NDArray {
  const s = size - 1;
  return s === 0 ? i.mul(0) : mod(i.add(s), 2 * s).sub(s).abs();
}

const inside: {
  readonly [Mode in NonNullable<MapCoordinatesOptions["mode"]>]: (i: NDArray, n: number) => NDArray;
} = {
  // The value takes the place of what is read.
  constant: (i, n) => i.clip(0, n - 1),
  nearest: (i, n) => i.clip(0, n - 1),
  wrap: (i, n) => mod(i, n),
  mirror: mirrored,
  reflect: (i, n) => floorDivide(mirrored(i.mul(2).add(1), 2 * n + 1).sub(1), 2),
};

/** An element that has a share in what is read, along one axis. */
interface Share {
  readonly place: NDArray;
  readonly valid: NDArray | null;
  readonly weight: NDArray | null;
}

/**
 * What is at `coordinates` in an array, read between its elements, as `jax.scipy.ndimage.map_coordinates`.
 * Has derivatives by the array and, of order 1, by the coordinates.
 *
 * @param input Any number of axes; the dtype of the result. Integers are rounded.
 * @param coordinates For each axis where to read, in elements; arrays that broadcast against each other.
 * @param order 0: the nearest element; 1: linear between neighbours.
 * @returns The shape of the coordinates.
 * @throws {ShapeError} where there are not as many coordinates as axes.
 * @throws {TypeError} where the order is another.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { mapCoordinates } from "@injax/injax/ndimage";
 *
 * const x = np.array([0, 10, 20]);
 * console.log(mapCoordinates(x, [np.array([0.5, 1.25, 3])], 1).toArray()); // [ 5, 12.5, 0 ]
 * ```
 */
export function mapCoordinates(
  input: NDArray,
  coordinates: readonly NDArray[] | NDArray,
  order: 0 | 1 | Named<MapCoordinatesOptions, { order: 0 | 1 }>,
  settings: MapCoordinatesOptions = {},
): NDArray {
  const op = "mapCoordinates";
  if (arguments.length > 2) {
    const call = `${op}(input, coordinates, order, options)`;
    settings = readOptions(call, arguments, options, 2);
  }
  if (isNamed(order)) {
    return mapCoordinates(input, coordinates, order.order!, { mode: order.mode, cval: order.cval });
  }
  const x = expectArray(op, input, "input");
  const { mode = "constant", cval = 0 } = settings;
  if (!Object.hasOwn(inside, mode)) {
    throw new TypeError(
      `${op}: mode is ${describeValue(mode)}, but must be one of ${
        Object.keys(inside).map((m) => `"${m}"`).join(", ")
      }`,
    );
  }
  if (order !== 0 && order !== 1) {
    throw new TypeError(
      `${op}: order is ${describeValue(order)}, but must be 0, the nearest element, or 1, linear`,
    );
  }
  const given = Array.isArray(coordinates)
    ? coordinates
    : [...expectArray(op, coordinates, "coordinates") as Iterable<NDArray>];
  if (given.length !== x.ndim) {
    throw new ShapeError(
      `${op}: there are ${given.length} coordinates, but input, which is ${
        formatShape(x.shape)
      }, has ${x.ndim} axes. There must be an array of coordinates for each`,
    );
  }
  const along = broadcastArrays(...given.map((c, axis) => asOperand(op, c, `coordinate ${axis}`)));
  if (x.ndim === 0) return x;
  const shares = along.map((c, axis): Share[] => {
    const n = x.shape[axis]!;
    const share = (i: NDArray, weight: NDArray | null): Share => {
      const place = convert(i, "int32");
      const valid = mode !== "constant" ? null : logicalAnd(place.greaterEqual(0), place.less(n));
      return { place: inside[mode](place, n), valid, weight };
    };
    if (order === 0 || !isFloat(c.dtype)) {
      return [share(isFloat(c.dtype) ? round(c) : c, null)];
    }
    const lower = floor(c);
    const upper = c.sub(lower);
    return [share(lower, upper.neg().add(1)), share(lower.add(1), upper)];
  });
  const beside = asDType(op, cval, x.dtype, "cval");
  let corners: Share[][] = [[]];
  for (const one of shares) corners = corners.flatMap((c) => one.map((s) => [...c, s]));
  const parts = corners.map((corner) => {
    const read = at(x, ...corner.map(({ place }) => place));
    const valid = corner.flatMap((s) => s.valid ?? []);
    const value = valid.length === 0 ? read : where(valid.reduce(logicalAnd), read, beside);
    return corner.reduce((y, { weight }) => weight === null ? y : y.mul(weight), value);
  });
  const result = parts.reduce((a, b) => a.add(b));
  return convert(isFloat(x.dtype) || !isFloat(result.dtype) ? result : round(result), x.dtype);
}

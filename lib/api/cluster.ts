/**
 * Vectors and the nearest of a code book, as `jax.scipy.cluster.vq`.
 *
 * @module
 */
import "./methods.ts";
import { checkCall, formatShape, type NDArray, ShapeError } from "../core/mod.ts";
import { takeAlongAxis } from "./indexing.ts";
import { expectArray, floatOr32, promote } from "./operands.ts";
import { argmin } from "./reductions.ts";

/**
 * The nearest code of each vector, and how far it is, as `jax.scipy.cluster.vq.vq`.
 *
 * @param obs Vectors `[n, d]`, or numbers `[n]`.
 * @param codeBook Codes `[k, d]`, or numbers `[k]`.
 * @returns The positions `[n]` of the nearest codes, of several the first, and the Euclidean distances `[n]`.
 * @throws {ShapeError} where vectors and codes have different lengths, or there are no codes.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { vq } from "@injax/injax/cluster";
 *
 * const [codes, distances] = vq(np.array([[0, 1], [3, 4]]), np.array([[0, 0], [3, 3]]));
 * console.log(codes.toArray(), distances.toArray()); // [ 0, 1 ] [ 1, 1 ]
 * ```
 */
export function vq(
  obs: NDArray,
  codeBook: NDArray,
): [codes: NDArray, distances: NDArray] {
  if (arguments.length > 2) checkCall("vq(obs, codeBook)", arguments);
  const names = ["obs", "codeBook"] as const;
  const [x, codes] = promote(
    "vq",
    expectArray("vq", obs, "obs"),
    expectArray("vq", codeBook, "codeBook"),
    floatOr32,
    names,
  );
  const isFitting = x.ndim === codes.ndim && (x.ndim === 1 || x.ndim === 2) &&
    (x.ndim === 1 || x.shape[1] === codes.shape[1]) && codes.shape[0]! > 0;
  if (!isFitting) {
    throw new ShapeError(
      `vq: obs has shape ${formatShape(x.shape)} and codeBook ${
        formatShape(codes.shape)
      }, but must ` +
        "be [n, d] and [k, d], or [n] and [k], with at least one code",
    );
  }
  const d = x.shape[1] ?? 1;
  const apart = x.reshape([x.shape[0]!, 1, d]).sub(codes.reshape([1, codes.shape[0]!, d]));
  const distances = apart.mul(apart).sum(-1).sqrt();
  const nearest = argmin(distances, 1);
  return [nearest, takeAlongAxis(distances, nearest.reshape([-1, 1]), 1).reshape([-1])];
}

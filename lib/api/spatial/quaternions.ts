/**
 * Quaternions `[..., 4]` with the real part last, and what stands for rotations besides: sequences of axes and
 * angles.
 *
 * @module
 */
import { describeValue, formatShape, type NDArray, ShapeError } from "../../core/mod.ts";
import { mod } from "../arithmetic.ts";
import { array } from "../array.ts";
import { take } from "../indexing.ts";
import { stack } from "../joining.ts";
import { where } from "../logic.ts";
import { asFloat, expectArray } from "../operands.ts";

/** Options of rotations by angles. */
export interface AngleOptions {
  /** Whether angles are degrees; radians where left out. */
  readonly degrees?: boolean | undefined;
}

/** The place of the real part. */
const REAL = /* @__PURE__ */ array([3], { dtype: "int32" });

/** Degrees in one radian. */
export const DEGREES: number = 180 / Math.PI;

/** The part `k` of the last axis. */
export const component = (x: NDArray, k: number): NDArray => take(x, k, -1);

/** The last axis from its parts. */
export const joined = (parts: readonly NDArray[]): NDArray => stack(parts, -1);

/** Lengths of vectors along the last axis, which stays, with a derivative of 0 at 0. */
export function lengths(v: NDArray): NDArray {
  const squares = v.mul(v).sum(-1, { keepDims: true });
  const isZero = squares.equal(0);
  return where(isZero, 0, where(isZero, 1, squares).sqrt());
}

/** Rows of `size` numbers, `[size]` or `[n, size]`. */
export function rows(op: string, x: unknown, name: string, ...size: readonly number[]): NDArray {
  const a = asFloat(op, expectArray(op, x, name), name);
  const last = a.shape.slice(-size.length);
  const fits = a.ndim >= size.length && size.every((n, i) => last[i] === n);
  if (fits && a.ndim <= size.length + 1) return a;
  throw new ShapeError(
    `${op}: ${name} has shape ${formatShape(a.shape)}, but must be [${size.join(", ")}] of one ` +
      `rotation, or [n, ${size.join(", ")}] of several`,
  );
}

/** The parts of quaternions, the real one last. */
export function partsOf(q: NDArray): [x: NDArray, y: NDArray, z: NDArray, w: NDArray] {
  return [component(q, 0), component(q, 1), component(q, 2), component(q, 3)];
}

/** The imaginary parts `[..., 3]` and the real one `[..., 1]`. */
export function halvesOf(q: NDArray): [v: NDArray, w: NDArray] {
  return [take(q, array([0, 1, 2], { dtype: "int32" }), -1), take(q, REAL, -1)];
}

/** Products of quaternions: the rotation by `q`, and then that by `p`. */
export function product(p: NDArray, q: NDArray): NDArray {
  const [[a, b, c, d], [e, f, g, h]] = [partsOf(p), partsOf(q)];
  return joined([
    d.mul(e).add(h.mul(a)).add(b.mul(g)).sub(c.mul(f)),
    d.mul(f).add(h.mul(b)).add(c.mul(e)).sub(a.mul(g)),
    d.mul(g).add(h.mul(c)).add(a.mul(f)).sub(b.mul(e)),
    d.mul(h).sub(a.mul(e)).sub(b.mul(f)).sub(c.mul(g)),
  ]);
}

/** The axes of a sequence such as `"zyx"`, and whether they are those of what turns. */
export function axesOf(
  op: string,
  seq: unknown,
  least: number,
): { axes: number[]; intrinsic: boolean } {
  const isSequence = typeof seq === "string" && /^([xyz]{1,3}|[XYZ]{1,3})$/.test(seq) &&
    !/(.)\1/.test(seq) && seq.length >= least;
  if (!isSequence) {
    throw new TypeError(
      `${op}: seq is ${describeValue(seq)}, but must be ${
        least === 3 ? "three" : "up to three"
      } of "x", "y", "z", about axes that stay, or of "X", "Y", "Z", about axes that turn along, no ` +
        "two neighbours the same",
    );
  }
  return {
    axes: [...seq.toLowerCase()].map((axis) => "xyz".indexOf(axis)),
    intrinsic: seq !== seq.toLowerCase(),
  };
}

/** Angles from -pi to pi. */
export function wrapped(x: NDArray): NDArray {
  const turned = mod(x.add(Math.PI), 2 * Math.PI).sub(Math.PI);
  return where(x.abs().greater(Math.PI), turned, x);
}

/** Whether angles are degrees, by a flag or by options. */
export function isDegrees(degrees: boolean | AngleOptions): boolean {
  return typeof degrees === "object" ? degrees?.degrees === true : degrees;
}

/** Of the two quaternions of a rotation the one with a real part from 0 on. */
export function canonicalOf(q: NDArray): NDArray {
  return where(take(q, REAL, -1).less(0), q.neg(), q);
}

/**
 * Rotations in three dimensions.
 *
 * @module
 */
import type { Named } from "../../core/method_options.ts";
import {
  checkCall,
  describeValue,
  type DType,
  expectFloat,
  expectInteger,
  formatShape,
  type NDArray,
  type Operand,
  type OptionTable,
  readOptions,
  registerPytreeNode,
  ShapeError,
} from "../../core/mod.ts";
import { hypot } from "../arithmetic.ts";
import { array } from "../array.ts";
import { eigh } from "../decompositions.ts";
import { atan2, cos, sin } from "../elementary.ts";
import { take } from "../indexing.ts";
import { concatenate, stack } from "../joining.ts";
import { logicalNot, logicalOr, where } from "../logic.ts";
import { asFloat, isNamed } from "../operands.ts";
import { normal } from "../random.ts";
import {
  type AngleOptions,
  axesOf,
  canonicalOf,
  component,
  DEGREES,
  halvesOf,
  isDegrees,
  joined,
  lengths,
  partsOf,
  product,
  rows,
  wrapped,
} from "./quaternions.ts";

/** Options of `asQuat`. */
export interface QuatOptions {
  /** Whether of the two quaternions of a rotation the one with a real part from 0 on is given. */
  readonly canonical?: boolean | undefined;
  /** Whether the real part is first; it is last where left out. */
  readonly scalarFirst?: boolean | undefined;
}

/** Options of `identity`. */
export interface IdentityOptions {
  /** The element type, float32 where left out. */
  readonly dtype?: DType | undefined;
}

const angleOptions: OptionTable<AngleOptions> = { degrees: "boolean" };
const quatOptions: OptionTable<QuatOptions> = { canonical: "boolean", scalarFirst: "boolean" };
const identityOptions: OptionTable<IdentityOptions> = { dtype: "dtype" };

/** Below this angle, in radians, sines are their series. */
const SMALL = 1e-3;

/**
 * Nearer than this to 0 or half a turn, in float32 and float64, the angle about the second of three axes leaves
 * one of the others open.
 */
const LOCKED = { float32: 1e-6, float64: 1e-7 };

/**
 * One rotation, or `n` of them. A tree of one array, the unit quaternions, `[4]` or `[n, 4]` with the real part last.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@injax/injax";
 * import { Rotation } from "@injax/injax/spatial";
 *
 * const half = Rotation.fromRotvec(np.array([0, 0, Math.PI]));
 * console.log(half.mul(half.inv()).magnitude().item()); // 0
 * console.log(half.asMatrix().round().abs().toArray()); // [ [ 1, 0, 0 ], [ 0, 1, 0 ], [ 0, 0, 1 ] ]
 * ```
 */
export class Rotation {
  /** Unit quaternions, `[4]` or `[n, 4]`, with the real part last. */
  readonly quat: NDArray;

  /** A rotation by unit quaternions; `Rotation.fromQuat` makes them of length 1. */
  constructor(quat: NDArray) {
    if (arguments.length > 1) checkCall("Rotation(quat)", arguments, {});
    this.quat = quat;
  }

  /** Rotations by quaternions `[4]` or `[n, 4]` of any length but 0, with the real part last. */
  static fromQuat(quat: NDArray): Rotation {
    if (arguments.length > 1) checkCall("Rotation.fromQuat(quat)", arguments);
    const q = rows("Rotation.fromQuat", quat, "quat", 4);
    return new Rotation(q.div(lengths(q)));
  }

  /** Rotations by matrices `[3, 3]` or `[n, 3, 3]`, which must be orthogonal with a determinant of 1. */
  static fromMatrix(matrix: NDArray): Rotation {
    if (arguments.length > 1) checkCall("Rotation.fromMatrix(matrix)", arguments);
    const m = rows("Rotation.fromMatrix", matrix, "matrix", 3, 3);
    const at = (i: number, j: number): NDArray => component(take(m, i, -2), j);
    const [a, b, c] = [at(0, 0), at(1, 1), at(2, 2)];
    const trace = a.add(b).add(c);
    const [x, y, z] = [at(2, 1).sub(at(1, 2)), at(0, 2).sub(at(2, 0)), at(1, 0).sub(at(0, 1))];
    const [xy, xz, yz] = [at(0, 1).add(at(1, 0)), at(0, 2).add(at(2, 0)), at(1, 2).add(at(2, 1))];
    // Four times each of the products of the largest component with all: nothing small is divided by.
    const rest = (v: NDArray): NDArray => v.mul(2).add(1).sub(trace);
    const choices = [
      [rest(a), xy, xz, x],
      [xy, rest(b), yz, y],
      [xz, yz, rest(c), z],
      [x, y, z, trace.add(1)],
    ].map(joined);
    const sizes = [a, b, c, trace];
    let [best, size] = [choices[3]!, trace];
    for (const k of [2, 1, 0]) {
      const isLarger = sizes[k]!.greaterEqual(size);
      best = where(isLarger.reshape([...isLarger.shape, 1]), choices[k]!, best);
      size = where(isLarger, sizes[k]!, size);
    }
    return new Rotation(best.div(lengths(best)));
  }

  /** Rotations about axes `[3]` or `[n, 3]` by angles that are their lengths. */
  static fromRotvec(
    rotvec: NDArray,
    degrees: boolean | AngleOptions = {},
  ): Rotation {
    const op = "Rotation.fromRotvec";
    if (arguments.length > 1) {
      readOptions(`${op}(rotvec, degrees, options)`, arguments, angleOptions, 1);
    }
    const given = rows(op, rotvec, "rotvec", 3);
    const v = isDegrees(degrees) ? given.div(DEGREES) : given;
    const angle = lengths(v);
    const square = angle.mul(angle);
    const isSmall = angle.lessEqual(SMALL);
    const safe = where(isSmall, 1, angle);
    const series = square.mul(square).div(3840).sub(square.div(48)).add(0.5);
    const scale = where(isSmall, series, sin(safe.div(2)).div(safe));
    return new Rotation(concatenate([v.mul(scale), cos(angle.div(2))], -1));
  }

  /** Rotations by modified Rodrigues parameters `[3]` or `[n, 3]`: axes times the tangent of a quarter of angles. */
  static fromMrp(mrp: NDArray): Rotation {
    if (arguments.length > 1) checkCall("Rotation.fromMrp(mrp)", arguments);
    const v = rows("Rotation.fromMrp", mrp, "mrp", 3);
    const square = v.mul(v).sum(-1, { keepDims: true });
    return new Rotation(
      concatenate([v.mul(2), square.neg().add(1)], -1).div(square.add(1)),
    );
  }

  /**
   * Rotations one after another about axes, such as `"zyx"`; about those of what turns where letters are
   * large.
   *
   * @param angles One for each axis, `[k]` or `[n, k]`; of one axis a number or `[n]` too.
   */
  static fromEuler(
    seq: string,
    angles: Operand,
    degrees: boolean | AngleOptions = {},
  ): Rotation {
    const op = "Rotation.fromEuler";
    if (arguments.length > 2) {
      readOptions(`${op}(seq, angles, degrees, options)`, arguments, angleOptions, 2);
    }
    const { axes, intrinsic } = axesOf(op, seq, 1);
    let a = asFloat(op, angles, "angles");
    if (axes.length === 1 && (a.ndim === 0 || a.shape.at(-1) !== 1)) a = a.reshape([...a.shape, 1]);
    a = rows(op, a, "angles", axes.length);
    const half = a.div(isDegrees(degrees) ? 2 * DEGREES : 2);
    const zero = component(half, 0).mul(0);
    const turns = axes.map((axis, k) => {
      const h = component(half, k);
      return joined([0, 1, 2].map((i) => i === axis ? sin(h) : zero).concat(cos(h)));
    });
    return new Rotation(turns.reduce((q, turn) => intrinsic ? product(q, turn) : product(turn, q)));
  }

  /** The rotation by nothing; `num` of them where that is given. */
  static identity(
    num?: number | null | Named<IdentityOptions, { num: number | null }>,
    options: IdentityOptions = {},
  ): Rotation {
    const op = "Rotation.identity";
    if (arguments.length > 0) {
      options = readOptions(`${op}(num, options)`, arguments, identityOptions, 0);
    }
    if (isNamed(num)) return Rotation.identity(num.num, { dtype: num.dtype });
    const dtype = expectFloat(op, options.dtype);
    const one = array([0, 0, 0, 1], { dtype });
    if (num === null || num === undefined) return new Rotation(one);
    expectInteger(op, num, "num", 0);
    return new Rotation(one.mul(array(new Array(num).fill([1]), { dtype }).reshape([num, 1])));
  }

  /** A random rotation, all equally likely; `num` of them where that is given. */
  static random(key: NDArray, num?: number | null): Rotation {
    if (arguments.length > 2) checkCall("Rotation.random(key, num)", arguments);
    if (num != null) expectInteger("Rotation.random", num, "num", 0);
    return Rotation.fromQuat(normal(key, num == null ? [4] : [num, 4]));
  }

  /** Several rotations as one. */
  static concatenate(rotations: readonly Rotation[]): Rotation {
    if (arguments.length > 1) checkCall("Rotation.concatenate(rotations)", arguments);
    if (!Array.isArray(rotations) || rotations.some((r) => !(r instanceof Rotation))) {
      throw new TypeError("Rotation.concatenate: takes a list of rotations");
    }
    return new Rotation(concatenate(rotations.map(({ quat }) => quat.reshape([-1, 4])), 0));
  }

  /** Whether it is one rotation. */
  get single(): boolean {
    return this.quat.ndim === 1;
  }

  /** How many rotations it has. */
  get length(): number {
    return this.quat.shape[0] === undefined || this.single ? 1 : this.quat.shape[0];
  }

  /** Some of its rotations, as `np.at` of an array. */
  at(index: number | NDArray): Rotation {
    if (arguments.length > 1) checkCall("at(index)", arguments);
    if (this.single) throw new ShapeError("at: this is one rotation, and has no others");
    return new Rotation(this.quat.at(index));
  }

  /** The unit quaternions, `[4]` or `[n, 4]`. */
  asQuat(options: QuatOptions = {}): NDArray {
    if (arguments.length > 0) options = readOptions("asQuat(options)", arguments, quatOptions);
    const { canonical = false, scalarFirst = false } = options;
    const q = canonical ? canonicalOf(this.quat) : this.quat;
    return scalarFirst ? joined([3, 0, 1, 2].map((k) => component(q, k))) : q;
  }

  /** The matrices, `[3, 3]` or `[n, 3, 3]`. */
  asMatrix(): NDArray {
    if (arguments.length > 0) checkCall("asMatrix()", arguments);
    const [x, y, z, w] = partsOf(this.quat);
    const [xx, yy, zz, ww] = [x.mul(x), y.mul(y), z.mul(z), w.mul(w)];
    const twice = (a: NDArray): NDArray => a.mul(2);
    const [xy, zw, xz, yw, yz, xw] = [
      x.mul(y),
      z.mul(w),
      x.mul(z),
      y.mul(w),
      y.mul(z),
      x.mul(w),
    ];
    return stack([
      joined([xx.sub(yy).sub(zz).add(ww), twice(xy.sub(zw)), twice(xz.add(yw))]),
      joined([twice(xy.add(zw)), yy.sub(xx).sub(zz).add(ww), twice(yz.sub(xw))]),
      joined([twice(xz.sub(yw)), twice(yz.add(xw)), zz.sub(xx).sub(yy).add(ww)]),
    ], -2);
  }

  /** The axes, `[3]` or `[n, 3]`, with the angles, up to half a turn, as lengths. */
  asRotvec(degrees: boolean | AngleOptions = {}): NDArray {
    if (arguments.length > 0) {
      readOptions("asRotvec(degrees, options)", arguments, angleOptions, 0);
    }
    const [v, w] = halvesOf(canonicalOf(this.quat));
    const angle = atan2(lengths(v), w).mul(2);
    const square = angle.mul(angle);
    const isSmall = angle.lessEqual(SMALL);
    const safe = where(isSmall, 1, angle);
    const series = square.mul(square).mul(7 / 2880).add(square.div(12)).add(2);
    const rotvec = v.mul(where(isSmall, series, safe.div(sin(safe.div(2)))));
    return isDegrees(degrees) ? rotvec.mul(DEGREES) : rotvec;
  }

  /** Modified Rodrigues parameters, `[3]` or `[n, 3]`. */
  asMrp(): NDArray {
    if (arguments.length > 0) checkCall("asMrp()", arguments);
    const [v, w] = halvesOf(canonicalOf(this.quat));
    return v.div(w.add(1));
  }

  /**
   * Angles about three axes one after another, `[3]` or `[n, 3]`, by E. Bernardes and S. Viollet (2022). Where the
   * second leaves the others open, the third is 0.
   *
   * @param seq The axes, as in `fromEuler`.
   */
  asEuler(seq: string, degrees: boolean | AngleOptions = {}): NDArray {
    if (arguments.length > 1) {
      readOptions("asEuler(seq, degrees, options)", arguments, angleOptions, 1);
    }
    const { axes, intrinsic } = axesOf("asEuler", seq, 3);
    const [i, j, last] = (intrinsic ? axes.toReversed() : axes) as [number, number, number];
    const isProper = i === last;
    const k = isProper ? 3 - i - j : last;
    const sign = (i - j) * (j - k) * (k - i) / 2;
    const q = (n: number): NDArray => component(this.quat, n);
    const [a, b, c, d] = isProper ? [q(3), q(i), q(j), q(k).mul(sign)] : [
      q(3).sub(q(j)),
      q(i).add(q(k).mul(sign)),
      q(j).add(q(3)),
      q(k).mul(sign).sub(q(i)),
    ];
    const second = atan2(hypot(c, d), hypot(a, b)).mul(2);
    const [sum, difference] = [atan2(b, a), atan2(d, c)];
    const near = LOCKED[this.quat.dtype as keyof typeof LOCKED];
    const isNone = second.abs().lessEqual(near);
    const isHalf = second.sub(Math.PI).abs().lessEqual(near);
    const isFree = logicalNot(logicalOr(isNone, isHalf));
    const alone = where(isNone, sum.mul(2), difference.mul(intrinsic ? 2 : -2));
    const own = sum.sub(difference);
    const other = sum.add(difference).mul(isProper ? 1 : sign);
    // The angles of the first and the last of the axes that stay.
    const [front, back] = intrinsic ? [other, own] : [own, other];
    const angles = [
      where(isFree, front, intrinsic ? alone.mul(isProper ? 1 : sign) : alone),
      isProper ? second : second.sub(Math.PI / 2),
      where(isFree, back, 0),
    ];
    const out = joined(angles.map(wrapped));
    return isDegrees(degrees) ? out.mul(DEGREES) : out;
  }

  /** Vectors `[3]` or `[n, 3]` turned, or turned back where `inverse` is true. */
  apply(
    vectors: NDArray,
    inverse: boolean | { readonly inverse?: boolean | undefined } = false,
  ): NDArray {
    if (arguments.length > 1) {
      readOptions("apply(vectors, inverse, options)", arguments, { inverse: "boolean" }, 1);
    }
    const v = rows("apply", vectors, "vectors", 3);
    const back = typeof inverse === "object" ? inverse.inverse === true : inverse;
    const m = this.asMatrix();
    const own = back ? m.swapaxes(-1, -2) : m;
    return own.mul(v.reshape([...v.shape.slice(0, -1), 1, 3])).sum(-1);
  }

  /** The rotation by `other`, and then this one. */
  mul(other: Rotation): Rotation {
    if (arguments.length > 1) checkCall("mul(other)", arguments);
    if (!(other instanceof Rotation)) {
      throw new TypeError(
        `mul: other is ${
          describeValue(other)
        }, but must be a rotation. Vectors are turned by apply`,
      );
    }
    const q = product(this.quat, other.quat);
    return new Rotation(q.div(lengths(q)));
  }

  /** The rotations back. */
  inv(): Rotation {
    if (arguments.length > 0) checkCall("inv()", arguments);
    const { dtype } = this.quat;
    return new Rotation(this.quat.mul(array([-1, -1, -1, 1], { dtype })));
  }

  /** The angles, from 0 to half a turn, in radians. */
  magnitude(): NDArray {
    if (arguments.length > 0) checkCall("magnitude()", arguments);
    const [v, w] = halvesOf(this.quat);
    return component(atan2(lengths(v), w.abs()).mul(2), 0);
  }

  /** The mean of several rotations, by weights where they are given: that from which they differ least in squares. */
  mean(weights?: NDArray | null): Rotation {
    if (arguments.length > 1) checkCall("mean(weights)", arguments);
    const q = this.quat.reshape([-1, 4]);
    const w = weights == null ? q.mul(0).sum(-1).add(1) : asFloat("mean", weights, "weights");
    if (w.ndim !== 1 || w.shape[0] !== q.shape[0]) {
      throw new ShapeError(
        `mean: weights has shape ${formatShape(w.shape)}, but there must be one for each of the ` +
          `${q.shape[0]} rotations`,
      );
    }
    const { eigenvectors } = eigh(q.mul(w.reshape([-1, 1])).transpose().matmul(q));
    return new Rotation(component(eigenvectors, 3));
  }
}

registerPytreeNode(
  Rotation,
  ({ quat }) => [{ quat }, null],
  // In transforms the part may be anything that stands for an array.
  (parts) => new Rotation((parts as { readonly quat: NDArray }).quat),
);

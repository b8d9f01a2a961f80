/**
 * Plain iteration with damping.
 *
 * Extrapolation of plain iteration by Aitken's delta-squared formula: element by element (`steffensen`), and with
 * one factor for all (`aitken`).
 *
 * Anderson acceleration, with the residual differences orthogonalised as they come and the oldest
 * dropped (truncated Gram-Schmidt: Tang, Xu, He, Saad and Xi, "Anderson acceleration with truncated
 * Gram-Schmidt", SIAM J. Matrix Anal. Appl. 45, 2024). While memory lasts it is Anderson's method of
 * type II on the differences that pass the test of `leastSine`; on symmetric linear problems it stays
 * that with a memory of 3. No least-squares problem is solved, so its condition never gets squared.
 *
 * Broyden's method for fixed points, with a limited memory: an approximate inverse of `I - df/dx` that each
 * step corrects by one direction ("good" update: Broyden, "A class of methods for solving nonlinear
 * simultaneous equations", 1965; kept as vectors: Kelley, "Iterative methods for linear and nonlinear
 * equations", 1995, chapter 7).
 *
 * With `g` for that inverse, `s` for a step and `y` for the change of the residual along it:
 *
 *     g' = g - (s + g y) (g^T s)^T / (s^T g y),   g = beta I + u^T v
 *
 * @module
 */
import {
  checkCall,
  checkCount,
  epsilon,
  type NDArray,
  type OptionTable,
  scalarArray,
} from "../core/mod.ts";
import {
  abs,
  and,
  concatenate,
  div,
  dotGeneral,
  full,
  isFinite,
  minimum,
  not,
  onesLike,
  reshape,
  scalarLike,
  select,
  slice,
  stopGradient,
  zerosLike,
} from "../primitives/mod.ts";
import type { Stepper } from "./method.ts";
import { dot, norm, plainNorm } from "./norms.ts";

/** Options of `damped`. */
export interface DampedOptions {
  /** Share of the old point that is kept, in [0, 1). 0 (the default) is plain iteration. */
  readonly damping?: number | undefined;
}

const dampedOptions: OptionTable<DampedOptions> = { damping: "number" };

/**
 * `x <- damping x + (1 - damping) f(x)`: converges where that map is a contraction, by its factor in
 * each step.
 *
 * @example
 * ```ts
 * import { damped, fixedPoint } from "@injax/injax";
 *
 * const { value } = fixedPoint((x) => x.cos(), 1, { solver: damped({ damping: 0.2 }) });
 * console.log(value.item().toFixed(4)); // 0.7391
 * ```
 */
export function damped(options: DampedOptions = {}): Stepper<null> {
  if (arguments.length > 0) checkCall("damped(options)", arguments, dampedOptions);
  const { damping = 0 } = options;
  if (!(damping >= 0 && damping < 1)) {
    throw new RangeError(`damped: damping must be in [0, 1), not ${damping}`);
  }
  return {
    description: damping === 0 ? "plain iteration" : `damped iteration (damping ${damping})`,
    displacement: true,
    init: () => null,
    step: (x, r) => [x.add(damping === 0 ? r : r.mul(1 - damping)), null],
  };
}

/** Memory of `steffensen`. */
export interface SteffensenMemory {
  /** The point before: [n]. */
  readonly x: NDArray;
  /** Its residual: [n]. */
  readonly r: NDArray;
  /** Whether the next step extrapolates: a bool. */
  readonly second: NDArray;
}

const plainStep = (x: NDArray, r: NDArray): NDArray => x.add(r);

/**
 * Steffensen's method for scalars, and arrays whose elements depend on themselves alone: a plain step, then
 * Aitken's extrapolation from it, each element by itself. It converges quadratically, also where plain iteration
 * does not converge (SciPy's `fixed_point` with `method="del2"`). For coupled unknowns take `anderson`.
 *
 * @example
 * ```ts
 * import { fixedPoint, numpy as np, steffensen } from "@injax/injax";
 *
 * // Many independent equations, x = exp(-a x).
 * const a = np.array([0.5, 1, 2]);
 * const { value } = fixedPoint((x) => np.exp(x.mul(a).neg()), np.ones([3]), { solver: steffensen() });
 * console.log([...value.dataSync()].map((x) => x.toFixed(4)).join(" ")); // 0.7035 0.5671 0.4263
 * ```
 */
export function steffensen(): Stepper<SteffensenMemory> {
  if (arguments.length > 0) checkCall("steffensen()", arguments);
  return {
    description: "Steffensen's method",
    displacement: true,
    init: (x) => ({ x: zerosLike(x), r: zerosLike(x), second: scalarArray(0, "bool") }),
    resume: (m) => ({ ...m, second: scalarArray(0, "bool") }),
    fallback: plainStep,
    step(x, r, m) {
      const plain = plainStep(x, r);
      const change = r.sub(m.r);
      const usable = not(change.equal(0));
      const far = m.x.sub(
        div(m.r, select(usable, change, onesLike(change))).mul(x.sub(m.x)),
      );
      const good = and(and(usable, isFinite(far)), m.second);
      return [select(good, far, plain), { x, r, second: not(m.second) }];
    },
  };
}

/** Options of `aitken`. */
export interface AitkenOptions {
  /** The factor of the first step, in (0, 2] (default 1, a plain step). */
  readonly first?: number | undefined;
}

const aitkenOptions: OptionTable<AitkenOptions> = { first: "number" };

/** Memory of `aitken`. */
export interface AitkenMemory {
  /** The point before, in units of the leaves: [n]. */
  readonly x: NDArray;
  /** Its residual, likewise. */
  readonly r: NDArray;
  /** The factor of its step. */
  readonly factor: NDArray;
  /** Whether there was a step: a bool. */
  readonly begun: NDArray;
}

/**
 * Aitken's dynamic relaxation: `x <- x + w r`, where the factor `w` is the one that the last two residuals suggest
 * (Irons and Tuck, "A version of the Aitken accelerator for computer iteration", 1969). For a scalar it is the
 * secant method. It remembers two vectors only.
 *
 * @throws {RangeError} where `first` is not in (0, 2].
 *
 * @example
 * ```ts
 * import { aitken, damped, fixedPoint } from "@injax/injax";
 *
 * const steps = [aitken(), damped()].map((solver) =>
 *   fixedPoint((x) => x.cos(), 1, { solver }).steps.item()
 * );
 * console.log(steps[0]! < steps[1]! / 3); // true
 * ```
 */
export function aitken(options: AitkenOptions = {}): Stepper<AitkenMemory> {
  if (arguments.length > 0) checkCall("aitken(options)", arguments, aitkenOptions);
  const { first = 1 } = options;
  if (!(first > 0 && first <= 2)) {
    throw new RangeError(`aitken: first must be in (0, 2], not ${first}`);
  }
  return {
    description: `Aitken's relaxation${first === 1 ? "" : ` (first ${first})`}`,
    displacement: true,
    init: (x) => ({
      x: zerosLike(x),
      r: zerosLike(x),
      factor: full([], first, x.dtype),
      begun: scalarArray(0, "bool"),
    }),
    resume: (m) => ({ ...m, begun: scalarArray(0, "bool") }),
    fallback: (x, r) => x.add(r.mul(first)),
    step(at, residual, m, { scale }) {
      const [x, r] = [div(at, scale), div(residual, scale)];
      // In units of the change, whose square might leave the range of the dtype.
      const change = r.sub(m.r);
      const size = norm(change);
      const usable = and(m.begun, and(size.greater(0), isFinite(size)));
      const unit = select(usable, size, onesLike(size));
      const ratio = dot(div(x.sub(m.x), unit), div(change, unit)).neg();
      const factor = select(and(usable, isFinite(ratio)), ratio, m.factor);
      return [
        at.add(residual.mul(factor)),
        { x, r, factor, begun: scalarArray(1, "bool") },
      ];
    },
  };
}

/** Options of `anderson`. */
export interface AndersonOptions {
  /** How many differences are remembered (default 5). 0 is plain iteration. */
  readonly memory?: number | undefined;
  /** Step along the residual that the differences leave (default 1). */
  readonly beta?: number | undefined;
}

const andersonOptions: OptionTable<AndersonOptions> = { memory: "count", beta: "number" };

/** Memory of the method. Rows of `q` are orthonormal residual differences, or zero. */
export interface AndersonMemory {
  /** Directions of the residual: [memory, n]. */
  readonly q: NDArray;
  /** What the plain step from `x` to `x + beta r` did along them: [memory, n]. */
  readonly p: NDArray;
  /** The plain step from the point before: [n]. */
  readonly y: NDArray;
  /** The residual there, in units of the leaves: [n]. */
  readonly r: NDArray;
  /** The smallest residual norm since the directions began; infinite before the first step. */
  readonly least: NDArray;
  /** 1 for the rows in use, 0 for the others: [memory]. */
  readonly active: NDArray;
}

/** `m v` for m [k, n], v [n]. */
const times = (m: NDArray, v: NDArray): NDArray =>
  dotGeneral(m, v, { contract: [[1], [0]], batch: [[], []] });
/** `m^T c` for m [k, n], c [k]. */
const combine = (c: NDArray, m: NDArray): NDArray =>
  dotGeneral(c, m, { contract: [[0], [0]], batch: [[], []] });

/** `first` in front of `m` along the first axis, without the last of `m`. */
function push(first: NDArray, m: NDArray): NDArray {
  const [k, ...rest] = m.shape;
  if (k === 1) return first;
  return concatenate([first, slice(m, m.shape.map(() => 0), [k! - 1, ...rest])], 0);
}

/**
 * Anderson acceleration: the next point minimises the residual over the span of the last differences,
 * as far as the function is linear. Converges for many maps that are not contractions.
 *
 * @example
 * ```ts
 * import { anderson, fixedPoint } from "@injax/injax";
 *
 * const { value } = fixedPoint((x) => x.cos(), 1, { solver: anderson({ memory: 2 }) });
 * console.log(value.item().toFixed(4)); // 0.7391
 * ```
 */
export function anderson(options: AndersonOptions = {}): Stepper<AndersonMemory> {
  if (arguments.length > 0) checkCall("anderson(options)", arguments, andersonOptions);
  const { memory = 5, beta = 1 } = options;
  checkCount("anderson", "memory", memory);
  if (!(beta > 0 && beta <= 2)) {
    throw new RangeError(`anderson: beta must be in (0, 2], not ${beta}`);
  }
  const plainStep = (x: NDArray, r: NDArray): NDArray => x.add(beta === 1 ? r : r.mul(beta));
  return {
    description: `Anderson acceleration (memory ${memory}${beta === 1 ? "" : `, beta ${beta}`})`,
    displacement: true,
    init(x) {
      const k = Math.min(memory, x.size);
      const none = full([k, x.size], 0, x.dtype);
      const least = full([], Infinity, x.dtype);
      return { q: none, p: none, y: x, r: zerosLike(x), least, active: full([k], 0, x.dtype) };
    },
    // What is remembered of other equations are directions, no last step.
    resume: (m) => ({ ...m, least: full([], Infinity, m.y.dtype) }),
    fallback: memory === 0 ? undefined : plainStep,
    step(x, residual, m, { scale }) {
      const y = plainStep(x, residual);
      const k = m.q.shape[0]!;
      if (k === 0) return [y, m];
      // Directions are compared in units of the leaves.
      const r = div(residual, scale);
      const size = norm(stopGradient(r));
      // A residual that has grown much says that the old directions mislead: start afresh.
      const calm = size.lessEqual(m.least.mul(restartGrowth));
      const kept = m.active.mul(calm.astype(r.dtype));
      const least = select(calm, minimum(m.least, size), size);
      const dr = r.sub(m.r);
      const first = times(m.q, dr).mul(kept);
      const part = dr.sub(combine(first, m.q));
      // Once more, since cancellation leaves a remainder along the old directions.
      const second = times(m.q, part).mul(kept);
      const w = part.sub(combine(second, m.q));
      const v = y.sub(m.y).sub(combine(first.add(second), m.p));
      const square = dot(w, w);
      const length = stopGradient(square).sqrt();
      // A direction that is hardly new holds the map's curvature, or rounding, more than its slope.
      // Where squares are infinite or 0 the comparison fails too, and nothing is remembered.
      const bound = plainNorm(stopGradient(dr)).mul(leastSine).add(size.mul(10 * epsilon(r.dtype)));
      // Before the first step there is no difference.
      const usable = and(length.greater(bound), m.least.less(Infinity));
      const active = usable.astype(r.dtype);
      const factor = div(active, select(usable, square, scalarLike(1, square)).sqrt());
      const q = push(reshape(w.mul(factor), [1, x.size]), m.q);
      const p = push(reshape(v.mul(factor), [1, x.size]), m.p);
      const inUse = push(reshape(active, [1]), kept);
      const theta = times(q, r).mul(inUse);
      return [y.sub(combine(theta, p)), { q, p, y, r, least, active: inUse }];
    },
  };
}

/** Growth of the residual norm, from the smallest, beyond which the memory is cleared. */
const restartGrowth = 4;

/**
 * Sine of the angle to the old directions that a difference must have to count as one (Pollock and
 * Rebholz, "Filtering for Anderson acceleration", SIAM J. Sci. Comput. 45, 2023). Without it, maps of
 * a few unknowns whose plain iteration converges are driven into chaos.
 */
const leastSine = 0.1;

/** Options of `broyden`. */
export interface BroydenOptions {
  /** How many directions are remembered (default 20); the oldest gives way. 0 is plain iteration. */
  readonly memory?: number | undefined;
  /** Step along the residual where nothing is known (default 1). */
  readonly beta?: number | undefined;
}

const broydenOptions: OptionTable<BroydenOptions> = { memory: "count", beta: "number" };

/** Memory of the method, in units of the leaves. */
export interface BroydenMemory {
  /** Corrections of the inverse are `u^T v`: [memory, n], 0 where there is none. */
  readonly u: NDArray;
  /** The other factor: [memory, n]. */
  readonly v: NDArray;
  /** The point before: [n]. */
  readonly x: NDArray;
  /** Its residual: [n]. */
  readonly r: NDArray;
  /** The smallest residual norm since the corrections began; infinite before the first step. */
  readonly least: NDArray;
}

/**
 * Broyden's method: steps by an approximate inverse of `I - df/dx` that is corrected as they go, by two vectors
 * for each direction that it remembers. Often fewer evaluations than `anderson` needs where the map is far from linear
 * or not symmetric, more where it is linear and symmetric.
 *
 * @throws {RangeError} where `memory` is no count or `beta` not in (0, 2].
 *
 * @example
 * ```ts
 * import { broyden, fixedPoint } from "@injax/injax";
 *
 * const { value } = fixedPoint((x) => x.cos(), 1, { solver: broyden({ memory: 5 }) });
 * console.log(value.item().toFixed(4)); // 0.7391
 * ```
 */
export function broyden(options: BroydenOptions = {}): Stepper<BroydenMemory> {
  if (arguments.length > 0) checkCall("broyden(options)", arguments, broydenOptions);
  const { memory = 20, beta = 1 } = options;
  checkCount("broyden", "memory", memory);
  if (!(beta > 0 && beta <= 2)) {
    throw new RangeError(`broyden: beta must be in (0, 2], not ${beta}`);
  }
  const plain = (r: NDArray): NDArray => beta === 1 ? r : r.mul(beta);
  return {
    description: `Broyden's method (memory ${memory}${beta === 1 ? "" : `, beta ${beta}`})`,
    displacement: true,
    init(x) {
      const none = full([memory, x.size], 0, x.dtype);
      const least = full([], Infinity, x.dtype);
      return { u: none, v: none, x: zerosLike(x), r: zerosLike(x), least };
    },
    // What is remembered of other equations are directions, no last step.
    resume: (m) => ({ ...m, least: full([], Infinity, m.x.dtype) }),
    fallback: memory === 0 ? undefined : (x, r) => x.add(plain(r)),
    step(at, residual, m, { scale }) {
      if (memory === 0) return [at.add(plain(residual)), m];
      // Directions are compared in units of the leaves.
      const [x, r] = [div(at, scale), div(residual, scale)];
      const size = norm(r);
      // A residual that has grown much says that the old corrections mislead: start afresh.
      const calm = size.lessEqual(m.least.mul(restartGrowth));
      const old = calm.astype(r.dtype);
      const [u, v] = [m.u.mul(old), m.v.mul(old)];
      const [s, y] = [x.sub(m.x), r.sub(m.r)];
      const gy = plain(y).add(combine(times(v, y), u));
      const gs = plain(s).add(combine(times(u, s), v));
      const along = dot(s, gy);
      const usable = and(
        abs(along).greater(norm(s).mul(norm(gy)).mul(16 * epsilon(r.dtype))),
        m.least.less(Infinity),
      );
      const share = div(usable.astype(r.dtype), select(usable, along, onesLike(along)));
      const none = zerosLike(s), row = (a: NDArray): NDArray => reshape(a, [1, a.size]);
      const us = push(row(select(usable, s.add(gy).mul(share).neg(), none)), u);
      const vs = push(row(select(usable, gs, none)), v);
      const step = plain(r).add(combine(times(vs, r), us));
      const least = select(calm, minimum(m.least, size), size);
      return [at.add(step.mul(scale)), { u: us, v: vs, x, r, least }];
    },
  };
}

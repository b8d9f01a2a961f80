/**
 * Where to look next between two points of opposite signs: the methods of `bracketRoot`, which is their loop.
 *
 * @module
 */
import { checkCall, type NDArray, scalarArray } from "../core/mod.ts";
import { abs, and, div, isFinite, maximum, minimum, select } from "../primitives/mod.ts";

/** What is known of a function of one number around its root: scalars. */
export interface Bracket {
  /** The last point. */
  readonly a: NDArray;
  /** The end that has the other sign. */
  readonly b: NDArray;
  /** The end that the last point has replaced. */
  readonly c: NDArray;
  /** The one that was replaced before. */
  readonly d: NDArray;
  /** The function at `a`. */
  readonly fa: NDArray;
  /** The function at `b`. */
  readonly fb: NDArray;
  /** The function at `c`. */
  readonly fc: NDArray;
  /** The function at `d`. */
  readonly fd: NDArray;
  /** Points so far that lie between the first ends: int32. */
  readonly inside: NDArray;
  /** Width that is small enough. */
  readonly enough: NDArray;
}

/** A method of `bracketRoot`. */
export interface BracketMethod {
  /** Its name, for messages. */
  readonly description: string;
  /** What it remembers, of scalars, for the first bracket. */
  readonly init: (bracket: Bracket) => readonly NDArray[];
  /** The next point, and what it remembers. The loop brings the point between the ends. */
  readonly next: (
    bracket: Bracket,
    memory: readonly NDArray[],
  ) => readonly [x: NDArray, memory: readonly NDArray[]];
}

const middle = ({ a, b }: Bracket): NDArray => a.add(b.sub(a).mul(0.5));

/**
 * Halving: as many evaluations as digits of the result, whatever the function.
 *
 * @example
 * ```ts
 * import { bisection, bracketRoot } from "@injax/injax";
 *
 * const { value } = bracketRoot((x) => x.square().sub(2), [0, 2], { solver: bisection() });
 * console.log(value.item().toFixed(4)); // 1.4142
 * ```
 */
export function bisection(): BracketMethod {
  if (arguments.length > 0) checkCall("bisection()", arguments);
  return { description: "bisection", init: () => [], next: (bracket) => [middle(bracket), []] };
}

/**
 * Inverse quadratic interpolation where that is safe and halving elsewhere (Chandrupatla, "A new hybrid
 * quadratic/bisection algorithm", Advances in Engineering Software 28, 1997). The default of `bracketRoot`.
 *
 * @example
 * ```ts
 * import { bracketRoot, chandrupatla } from "@injax/injax";
 *
 * const { value } = bracketRoot((x) => x.square().sub(2), [0, 2], { solver: chandrupatla() });
 * console.log(value.item().toFixed(4)); // 1.4142
 * ```
 */
export function chandrupatla(): BracketMethod {
  if (arguments.length > 0) checkCall("chandrupatla()", arguments);
  return {
    description: "Chandrupatla's method",
    init: () => [],
    next(bracket) {
      const { a, b, c, fa, fb, fc, inside } = bracket;
      const one = scalarArray(1, a.dtype);
      const xi = div(a.sub(b), c.sub(b));
      const phi = div(fa.sub(fb), fc.sub(fb));
      const [over, under] = [one.sub(phi), one.sub(xi)];
      const safe = and(phi.mul(phi).less(xi), over.mul(over).less(under));
      const t = div(fa, fb.sub(fa)).mul(div(fc, fb.sub(fc))).add(
        div(c.sub(a), b.sub(a)).mul(div(fa, fc.sub(fa))).mul(div(fb, fc.sub(fb))),
      );
      const usable = and(and(and(safe, isFinite(t)), areFinite(fa, fb, fc)), inside.greater(0));
      return [select(usable, a.add(t.mul(b.sub(a))), middle(bracket)), []];
    },
  };
}

/**
 * Brent's method: secants and inverse quadratic interpolation, halving where they do not shrink fast enough
 * ("Algorithms for minimization without derivatives", 1973, chapter 4).
 *
 * @example
 * ```ts
 * import { bracketRoot, brent } from "@injax/injax";
 *
 * const { value } = bracketRoot((x) => x.square().sub(2), [0, 2], { solver: brent() });
 * console.log(value.item().toFixed(4)); // 1.4142
 * ```
 */
export function brent(): BracketMethod {
  if (arguments.length > 0) checkCall("brent()", arguments);
  return {
    description: "Brent's method",
    // The best point so far and its value, and the last two steps.
    init({ a, b, fb }) {
      const width = a.sub(b);
      return [b, fb, width, width];
    },
    next({ a, b, fa, fb, enough }, memory) {
      const [best, fBest, d, e] = memory as [NDArray, NDArray, NDArray, NDArray];
      // Where the other end is the best point, the root has been stepped over: that is a new beginning.
      const over = b.equal(best);
      const [last, second] = [select(over, a.sub(best), d), select(over, a.sub(best), e)];
      const swaps = abs(fb).less(abs(fa));
      const [x, fx] = [select(swaps, b, a), select(swaps, fb, fa)];
      const [c, fc] = [select(swaps, a, b), select(swaps, fa, fb)];
      const [y, fy] = [select(swaps, a, best), select(swaps, fa, fBest)];
      const one = scalarArray(1, a.dtype);
      const half = c.sub(x).mul(0.5);
      // The step is p / q: by a secant, or by a parabola through three points.
      const [s, t, r] = [div(fx, fy), div(fy, fc), div(fx, fc)];
      const p3 = s.mul(half.mul(2).mul(t).mul(t.sub(r)).sub(x.sub(y).mul(r.sub(one))));
      const q3 = t.sub(one).mul(r.sub(one)).mul(s.sub(one));
      const linear = y.equal(c);
      const p = select(linear, half.mul(2).mul(s), p3);
      const q = select(linear, one.sub(s), q3).neg();
      const step = div(p, q);
      const short = minimum(
        abs(half).mul(1.5).sub(enough.mul(0.25)),
        abs(second).mul(0.5),
      );
      const inward = step.greater(0).equal(half.greater(0));
      const worth = and(abs(second).greaterEqual(enough.mul(0.5)), abs(fy).greater(abs(fx)));
      const fits = and(abs(step).less(short), areFinite(step, fy, fc));
      const usable = and(and(worth, inward), fits);
      return [
        x.add(select(usable, step, half)),
        [x, fx, select(usable, step, half), select(usable, last, half)],
      ];
    },
  };
}

/**
 * TOMS 748: rounds of an inverse cubic interpolation and a long secant, and halving where that has not halved the
 * bracket (Alefeld, Potra and Shi, "Algorithm 748: enclosing zeros of continuous functions", ACM
 * TOMS 21, 1995, with one interpolation a round).
 *
 * @example
 * ```ts
 * import { bracketRoot, toms748 } from "@injax/injax";
 *
 * const { value } = bracketRoot((x) => x.square().sub(2), [0, 2], { solver: toms748() });
 * console.log(value.item().toFixed(4)); // 1.4142
 * ```
 */
export function toms748(): BracketMethod {
  if (arguments.length > 0) checkCall("toms748()", arguments);
  return {
    description: "TOMS 748",
    // The place in the round (interpolation, long secant, halving), and the width at its beginning.
    init: ({ a, b }) => [scalarArray(0, "int32"), abs(b.sub(a))],
    next(bracket, memory) {
      const { a, b, fa, fb, inside } = bracket;
      const [place, begun] = memory as [NDArray, NDArray];
      const width = abs(b.sub(a));
      // What is left of a round that has halved the bracket is not needed.
      const int = (k: number): NDArray => scalarArray(k, "int32");
      const halved = and(place.equal(2), width.lessEqual(begun.mul(0.5)));
      const at = select(halved, int(0), place);
      const start = select(at.equal(0), width, begun);

      const secant = a.sub(fa.mul(div(b.sub(a), fb.sub(fa))));
      const nearer = abs(fb).less(abs(fa));
      const [u, fu] = [select(nearer, b, a), select(nearer, fb, fa)];
      const long = u.sub(fu.mul(2).mul(div(b.sub(a), fb.sub(fa))));
      const near = and(abs(long.sub(u)).lessEqual(width.mul(0.5)), areFinite(long, fa, fb));
      const doubled = select(near, long, middle(bracket));
      const curved = select(inside.greater(1), cubic(bracket), quadratic(bracket));
      const wanted = select(inside.equal(0), secant, curved);
      const inner = select(between(wanted, a, b), wanted, middle(bracket));
      const x = select(at.equal(2), middle(bracket), select(at.equal(1), doubled, inner));
      // The first two points are before the first round.
      const after = select(at.equal(2), int(0), at.add(1));
      const next = select(inside.less(2), int(0), after);
      return [x, [next, start]];
    },
  };
}

/** The root of the parabola through the ends and `c`, by two steps of Newton's method. */
function quadratic({ a, b, c, fa, fb, fc }: Bracket): NDArray {
  const slope = div(fb.sub(fa), b.sub(a));
  const bend = div(div(fc.sub(fb), c.sub(b)).sub(slope), c.sub(a));
  const secant = a.sub(div(fa, slope));
  const value = (x: NDArray): NDArray => fa.add(slope.add(bend.mul(x.sub(b))).mul(x.sub(a)));
  const newton = (x: NDArray): NDArray =>
    x.sub(div(value(x), slope.add(bend.mul(x.mul(2).sub(a).sub(b)))));
  const x = newton(newton(select(bend.mul(fa).greater(0), a, b)));
  return select(between(x, a, b), x, secant);
}

/** The cubic through all four points as a function of their values, at 0. */
function cubic(bracket: Bracket): NDArray {
  const { a, b, c, d, fa, fb, fc, fd } = bracket;
  // Neville's scheme, in the order of the paper: d, c, b, a.
  const q11 = c.sub(d).mul(div(fc, fd.sub(fc)));
  const q21 = b.sub(c).mul(div(fb, fc.sub(fb)));
  const q31 = a.sub(b).mul(div(fa, fb.sub(fa)));
  const d21 = b.sub(c).mul(div(fc, fc.sub(fb)));
  const d31 = a.sub(b).mul(div(fb, fb.sub(fa)));
  const q22 = d21.sub(q11).mul(div(fb, fd.sub(fb)));
  const q32 = d31.sub(q21).mul(div(fa, fc.sub(fa)));
  const d32 = d31.sub(q21).mul(div(fc, fc.sub(fa)));
  const q33 = d32.sub(q22).mul(div(fa, fd.sub(fa)));
  const x = a.add(q31).add(q32).add(q33);
  return select(between(x, a, b), x, quadratic(bracket));
}

const areFinite = (...values: readonly NDArray[]): NDArray => values.map(isFinite).reduce(and);

const between = (x: NDArray, a: NDArray, b: NDArray): NDArray =>
  and(x.greater(minimum(a, b)), x.less(maximum(a, b)));

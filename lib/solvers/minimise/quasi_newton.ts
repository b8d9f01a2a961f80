/**
 * Minimisation by search along directions `-H g`, where `H` is what a method makes of the curvature that it
 * has met: the loop body of BFGS, L-BFGS and nonlinear conjugate gradients.
 *
 * All vectors here are in units of the leaves (`Local.scale`): steps are divided by them, gradients multiplied.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { scalarArray } from "../../core/concrete.ts";
import { epsilon } from "../../core/dtype.ts";
import { treeMap } from "../../core/tree.ts";
import { zerosLike } from "../../primitives/constants/full.ts";
import { abs, div, minimum } from "../../primitives/elementwise/arithmetic.ts";
import { and, not, or } from "../../primitives/elementwise/compare.ts";
import { isFinite } from "../../primitives/elementwise/elementary.ts";
import { select } from "../../primitives/elementwise/select.ts";
import { stopGradient } from "../../primitives/elementwise/stop_gradient.ts";
import type { Transforms } from "../../transforms/types.ts";
import { heldWithin } from "../bounds.ts";
import type { Stepper } from "../method.ts";
import { dot, norm, plainNorm } from "../norms.ts";
import { statusCode } from "../solution.ts";
import { ending, type Point, type Standing, standingAtFirst } from "./ending.ts";
import { begun, judged, type Search } from "./line_search.ts";
import {
  type Box,
  freeAt,
  gain,
  noiseRange,
  orOne,
  reach,
  type Setting,
  within,
} from "./method.ts";

/** What is known of the curvature. `C` is a tree of arrays. */
export interface Curvature<C> {
  /** Nothing yet, for n unknowns. */
  init(x: NDArray): C;
  /** With a step [n] and the change of the gradient [n] that it made, where `useful`. */
  update(c: C, step: NDArray, change: NDArray, useful: NDArray): C;
  /**
   * `H g`, where unknowns are held for which `free` [n] is 0: H is the inverse of the Hessian of the others.
   */
  times(c: C, g: NDArray, free: NDArray | null, transforms: Transforms): NDArray;
  /** Slope that is flat enough for the end of a search, as a share of that at its beginning. */
  readonly flatness: number;
}

/** What a method remembers. */
export interface QuasiNewtonMemory<C> {
  /** Where the last step ended that was taken. */
  readonly at: Point;
  /** The norm of the first gradient, by which values and gradients are divided; 0 before it is known. */
  readonly unit: NDArray;
  /** The direction, and the search along it. */
  readonly direction: NDArray;
  readonly search: Search;
  readonly curvature: C;
  /** Steps that the curvature was learnt from: int32. */
  readonly learnt: NDArray;
  /** The inverse of the curvature along the last step. */
  readonly gamma: NDArray;
  /** The share of a value that is taken to be rounding. */
  readonly noise: NDArray;
  readonly standing: Standing;
  readonly accepted: NDArray;
  readonly status: NDArray;
}

const int = (k: number): NDArray => scalarArray(k, "int32");
const bool = (b: boolean): NDArray => scalarArray(b ? 1 : 0, "bool");

/** A method that searches along `-H g`. */
export function quasiNewton<C>(
  description: string,
  curvature: Curvature<C>,
  setting: Setting,
): Stepper<QuasiNewtonMemory<C>> {
  const choose = <T>(which: NDArray, a: T, b: T): T =>
    treeMap((p: NDArray, q: NDArray) => select(which, p, q), a as never, b as never) as T;
  const { bounds } = setting;

  return {
    description,
    goesBack: true,
    patience: 60,
    init(x) {
      const number = (v: number): NDArray => scalarArray(v, x.dtype);
      return {
        at: { x, value: number(Infinity), g: zerosLike(x) },
        unit: number(0),
        direction: zerosLike(x),
        search: begun(number(-1), number(1), number(Infinity)),
        curvature: curvature.init(x),
        learnt: int(0),
        gamma: number(1),
        noise: number(noiseRange(x.dtype)[0]),
        standing: standingAtFirst(x.dtype),
        accepted: bool(false),
        status: int(-1),
      };
    },
    // What was learnt is kept; the search begins anew.
    resume(m, x) {
      const { curvature, learnt, gamma, unit } = m;
      return { ...this.init(x, null as never), curvature, learnt, gamma, unit };
    },
    status: (_x, _r, m) => m.status,
    accepts: (_x, _r, m) => m.accepted,
    counts: (m) => ({ f: m.standing.looks, products: m.standing.products }),
    // The line's direction by the gradient, at the length that the search is at.
    replay(x, r, m, { scale, transforms }) {
      const g = div(r.mul(scale), m.unit);
      const free = bounds === null ? null : freeAt(x, stopGradient(g), bounds);
      const g1 = free === null ? g : g.mul(free);
      const known = curvature.times(m.curvature, g1, free, transforms);
      const descent = select(m.learnt.greater(0), known, g1.mul(m.gamma));
      return heldWithin(x, descent.mul(m.search.t).mul(scale).neg(), bounds);
    },
    step(x, r, m, local) {
      const { cost, scale, transforms } = local;
      const { dtype } = x;
      const eps = epsilon(dtype);
      const [, mostNoise] = noiseRange(dtype);
      const number = (v: number): NDArray => scalarArray(v, dtype);
      const first = m.at.value.equal(Infinity);
      const raw = r.mul(scale);
      const rawSize = norm(raw);
      const finite = and(isFinite(cost!), isFinite(rawSize));
      const unit = select(m.unit.greater(0), m.unit, orOne(rawSize));
      const [value, g] = [div(cost!, unit), div(raw, unit)];
      const slope = dot(g, m.direction);
      const { t } = m.search;
      const trial = {
        value: gain(value, m.at.value, t.mul(m.search.slope), t.mul(slope), m.noise),
        slope,
        finite,
      };
      const verdict = judged(m.search, trial, sufficient, curvature.flatness);
      const accepted = and(finite, or(first, verdict.accepted));

      // What the step says of the curvature.
      const at = choose(accepted, { x, value, g }, m.at);
      const free = bounds === null ? null : freeAt(at.x, at.g, bounds);
      const step = div(x.sub(m.at.x), scale);
      const change = g.sub(m.at.g);
      const along = dot(step, change);
      const bends = along.greater(plainNorm(step).mul(plainNorm(change)).mul(eps));
      const useful = and(and(accepted, not(first)), bends);
      // Where a search has failed, what was learnt is forgotten; where nothing was learnt, it is the end.
      const fails = and(verdict.failed, not(or(accepted, first)));
      const doubts = and(fails, m.noise.less(mostNoise));
      const noise = select(doubts, minimum(m.noise.mul(64), number(mostNoise)), m.noise);
      const failed = and(fails, not(doubts));
      const forgets = and(failed, m.learnt.greater(0));
      const learnt = select(forgets, int(0), m.learnt.add(useful.astype("int32")));
      const updated = curvature.update(m.curvature, step, change, useful);
      const known = choose(forgets, curvature.init(x), updated);

      // The next direction.
      const g1 = free === null ? at.g : at.g.mul(free);
      const size = plainNorm(g1);
      const extent = plainNorm(div(at.x, scale));
      // Before anything is known: a share of the unknowns, or as far as the slope promises to bring the value to 0.
      const promise = div(abs(at.value), orOne(size));
      const short = select(
        extent.greater(0),
        extent.mul(firstStep),
        select(promise.greater(0), promise, number(1)),
      );
      const informed = learnt.greater(0);
      const fresh = div(short, orOne(size));
      const gamma = select(
        informed,
        select(useful, div(along, orOne(dot(change, change))), m.gamma),
        fresh,
      );
      const newton = (g: NDArray, free: NDArray | null): NDArray =>
        select(informed, curvature.times(known, g, free, transforms), g.mul(fresh));
      const descent = bounds === null
        ? newton(g1, null)
        : descentWithin(bounds, at.x, g1, gamma, scale, newton);
      const over = ending(setting, local, m.standing, unit, {
        at,
        before: m.at.value,
        noise: m.noise,
        free,
        g: g1,
        size,
        first,
        accepted,
        // A search that goes on and on downhill is no standstill.
        counts: or(or(accepted, fails), verdict.search.bracketed),
        failed: and(failed, not(forgets)),
        step: descent,
        informed,
      });
      const { certificate, refuted } = over;
      // A line that goes down for ever.
      const endless = and(verdict.search.settles, not(verdict.search.bracketed));
      const status = select(endless, int(statusCode("diverged")), over.status);

      const away = div(certificate.step, scale);
      const direction = select(
        refuted,
        bounds === null ? away : div(at.x.sub(within(at.x.sub(away.mul(scale)), bounds)), scale),
        descent,
      ).neg();
      const down = minimum(dot(direction, g1), certificate.slope);
      const most = reach(at.x, direction.mul(scale), bounds);
      const renews = or(or(accepted, doubts), or(forgets, refuted));
      const search = choose(renews, begun(down, number(1), most), verdict.search);
      const line = select(renews, direction, m.direction);

      const next = within(at.x.add(line.mul(search.t).mul(scale)), bounds);
      return [next, {
        at,
        unit,
        direction: line,
        search,
        curvature: known,
        learnt,
        gamma,
        noise,
        standing: over.standing,
        accepted,
        status,
      }];
    },
  };
}

/**
 * A descent within bounds: unknowns that a step along the gradient would bring to a bound go there, the others
 * follow `-H g` as far as their bounds. Where that is no descent, the step along the gradient is.
 */
function descentWithin(
  bounds: Box,
  x: NDArray,
  g: NDArray,
  gamma: NDArray,
  scale: NDArray,
  newton: (g: NDArray, free: NDArray) => NDArray,
): NDArray {
  const to = (descent: NDArray): NDArray =>
    div(x.sub(within(x.sub(descent.mul(scale)), bounds)), scale);
  const plain = g.mul(gamma);
  const aim = x.sub(plain.mul(scale));
  const held = or(aim.lessEqual(bounds.lower), aim.greaterEqual(bounds.upper));
  const free = not(held).astype(x.dtype);
  const descent = to(select(held, plain, newton(g.mul(free), free)));
  const falls = dot(descent, g).greater(plainNorm(descent).mul(plainNorm(g)).mul(1e-8));
  return select(falls, descent, to(plain));
}

/** Share of the gain that the slope promises, with which a search is content. */
const sufficient = 1e-4;

/** Length of the first step, in that of the unknowns. */
const firstStep = 0.1;

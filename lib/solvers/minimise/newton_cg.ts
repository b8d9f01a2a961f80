/**
 * Newton's method in a trust region, whose system is solved by conjugate gradients with products alone
 * (Steihaug, "The conjugate gradient method and trust regions in large scale optimization", 1983): follows
 * negative curvature, and needs the fewest steps where products are cheap.
 *
 * @module
 */
import {
  DifferentiationError,
  epsilon,
  type NDArray,
  scalarArray,
  smallestNormal,
  treeMap,
} from "../../core/mod.ts";
import {
  abs,
  and,
  div,
  isFinite,
  maximum,
  minimum,
  not,
  or,
  select,
  stopGradient,
  zerosLike,
} from "../../primitives/mod.ts";
import { heldWithin } from "../options.ts";
import type { Local, Stepper } from "../method.ts";
import { dot, norm, plainNorm } from "../norms.ts";
import { denseSolve } from "../tangent.ts";
import { lengthsOf } from "./around.ts";
import { steihaug } from "./curvature.ts";
import { ending, type Point, type Standing, standingAtFirst } from "./ending.ts";
import {
  derivativeAlong,
  freeAt,
  gain,
  noiseRange,
  orOne,
  type Setting,
  within,
} from "./method.ts";

/** What the method remembers. */
export interface NewtonMemory {
  /** Where the last step ended that was taken. */
  readonly at: Point;
  /** The norm of the first gradient, by which values and gradients are divided; 0 before it is known. */
  readonly unit: NDArray;
  /** Radius of the region, and the gain that the model promises of the step that is tried. */
  readonly radius: NDArray;
  readonly promised: NDArray;
  readonly noise: NDArray;
  readonly products: NDArray;
  readonly standing: Standing;
  readonly accepted: NDArray;
  readonly status: NDArray;
}

const int = (k: number): NDArray => scalarArray(k, "int32");

/** The method. */
export function newtonTrustRegion(
  description: string,
  setting: Setting,
): Stepper<NewtonMemory> {
  const { bounds } = setting;
  return {
    description,
    goesBack: true,
    patience: 100,
    init(x) {
      const number = (v: number): NDArray => scalarArray(v, x.dtype);
      return {
        at: { x, value: number(Infinity), g: zerosLike(x) },
        unit: number(0),
        radius: number(Infinity),
        promised: number(0),
        noise: number(noiseRange(x.dtype)[0]),
        products: int(0),
        standing: standingAtFirst(x),
        accepted: scalarArray(0, "bool"),
        status: int(-1),
      };
    },
    status: (_x, _r, m) => m.status,
    accepts: (_x, _r, m) => m.accepted,
    counts: (m) => ({
      f: m.standing.looks,
      products: m.products.add(m.standing.products),
    }),
    // Newton's step, to which conjugate gradients come.
    replay(x, r, _, { evaluate, transforms }) {
      const at = stopGradient(x);
      const [, push] = transforms.linearize((x: NDArray) => evaluate(x).r, [at]);
      const free = bounds === null ? null : freeAt(at, stopGradient(r), bounds);
      const only = (v: NDArray): NDArray => free === null ? v : v.mul(free);
      const held = (v: NDArray): NDArray => free === null ? zerosLike(v) : v.mul(free.neg().add(1));
      const product = (v: NDArray): NDArray =>
        stopGradient(only(push(only(v)) as NDArray)).add(held(v));
      return heldWithin(x, denseSolve(product, only(r), transforms).neg(), bounds);
    },
    step(x, r, m, local) {
      const { cost, scale, transforms } = local;
      const { dtype } = x;
      const eps = epsilon(dtype);
      const number = (v: number): NDArray => scalarArray(v, dtype);
      const first = m.at.value.equal(Infinity);
      const raw = r.mul(scale);
      const rawSize = norm(raw);
      const finite = and(isFinite(cost!), isFinite(rawSize));
      const unit = select(m.unit.greater(0), m.unit, orOne(rawSize));
      const [value, g] = [div(cost!, unit), div(raw, unit)];

      // What came of the step, beside what was promised.
      const step = div(x.sub(m.at.x), scale);
      const length = plainNorm(step);
      const gained = gain(value, m.at.value, dot(m.at.g, step), dot(g, step), m.noise);
      const tiny = number(-smallestNormal(dtype));
      const ratio = div(gained, minimum(m.promised, tiny));
      const good = and(finite, ratio.greater(1e-4));
      const accepted = and(finite, or(first, good));
      const at = treeMap(
        (a: NDArray, b: NDArray) => select(accepted, a, b),
        { x, value, g } as never,
        m.at as never,
      ) as unknown as Point;
      const free = bounds === null ? null : freeAt(at.x, at.g, bounds);
      const g1 = free === null ? at.g : at.g.mul(free);
      const size = plainNorm(g1);
      const extent = plainNorm(div(at.x, scale));
      const promise = div(abs(at.value), orOne(size));
      const begin = select(
        extent.greater(0),
        extent,
        select(promise.greater(0), promise, number(1)),
      );
      let radius = select(
        and(ratio.greater(0.75), length.greater(m.radius.mul(0.8))),
        m.radius.mul(2),
        m.radius,
      );
      radius = select(and(finite, ratio.greaterEqual(0.25)), radius, length.mul(0.25));
      radius = select(first, begin, radius);
      const collapsed = radius.lessEqual(extent.mul(eps));
      const [, mostNoise] = noiseRange(dtype);
      const noise = select(
        and(collapsed, m.noise.less(mostNoise)),
        minimum(m.noise.mul(64), number(mostNoise)),
        m.noise,
      );

      const tolerance = size.mul(minimum(number(0.1), size.sqrt()));
      const push = productsAt(local, setting, at.x);
      const product = (v: NDArray): NDArray => {
        const hv = div(push(v.mul(scale)).mul(scale), unit);
        return free === null ? hv : hv.mul(free);
      };
      const inner = steihaug(product, { g: g1, radius, tolerance, most: 200 }, transforms);
      const over = ending(setting, local, m.standing, unit, {
        at,
        before: m.at.value,
        noise: m.noise,
        free,
        g: g1,
        size,
        first,
        accepted,
        counts: not(first),
        failed: and(collapsed, m.noise.greaterEqual(mostNoise)),
        step: inner.step,
        informed: not(inner.edge),
      });
      const { certificate, refuted } = over;
      // Directions of negative curvature are followed within the region; where something lower was seen, one goes there.
      const away = certificate.step.neg();
      radius = select(over.found, maximum(radius, plainNorm(div(away, scale))), radius);
      const shorter = minimum(number(1), div(radius, orOne(plainNorm(div(away, scale)))));
      const turns = and(refuted, certificate.slope.less(0));
      let trial = at.x.add(select(turns, away.mul(shorter), inner.step.mul(scale)));
      let promised = select(turns, certificate.slope.mul(0.5), inner.promised);
      let products = m.products.add(inner.products);
      if (bounds !== null) {
        // The better of the step, brought within the bounds, and one along the gradient.
        const model = (to: NDArray): NDArray => {
          const s = div(to.sub(at.x), scale);
          const hs = div(push(s.mul(scale)).mul(scale), unit);
          return dot(at.g, s).add(dot(s, hs).mul(0.5));
        };
        const clipped = within(trial, bounds);
        const bend = dot(g1, product(g1));
        const whole = div(radius, orOne(size));
        const best = select(
          bend.greater(0),
          minimum(whole, div(size.mul(size), orOne(bend))),
          whole,
        );
        const plain = within(at.x.sub(g1.mul(best).mul(scale)), bounds);
        const [a, b] = [model(clipped), model(plain)];
        trial = select(a.lessEqual(b), clipped, plain);
        promised = minimum(a, b);
        products = products.add(3);
      }
      return [trial, {
        at,
        unit,
        radius,
        promised,
        noise,
        products,
        standing: over.standing,
        accepted,
        status: over.status,
      }];
    },
  };
}

/** Products with the Jacobian of the gradient at a point, linearised once where it has one. */
function productsAt(
  { evaluate, reached, transforms }: Local,
  { sizes, bounds }: Setting,
  x: NDArray,
): (v: NDArray) => NDArray {
  const gradient = (x: NDArray): NDArray => evaluate(x).r;
  try {
    return transforms.linearize(gradient, [x])[1] as (v: NDArray) => NDArray;
  } catch (error) {
    if (!(error instanceof DifferentiationError)) throw error;
    const by = { lengths: lengthsOf(reached, sizes, x), bounds, smooth: false };
    return (v) => derivativeAlong(gradient, x, v, by, transforms);
  }
}

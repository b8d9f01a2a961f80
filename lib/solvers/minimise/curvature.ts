/**
 * What methods make of the curvature that they have met: a matrix, a few pairs of steps and changes of the
 * gradient, or the last pair alone; and the step to the minimum of a model within a region.
 *
 * @module
 */
import { epsilon, InternalError, type NDArray, scalarArray } from "../../core/mod.ts";
import { identity } from "../../linalg/matrices.ts";
import { solve } from "../../linalg/solve.ts";
import {
  and,
  div,
  dotGeneral,
  dynamicSlice,
  dynamicUpdateSlice,
  expandDims,
  full,
  maximum,
  not,
  or,
  rem,
  reshape,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import { dot, norm, plainNorm } from "../norms.ts";
import type { Transforms } from "../../transforms/types.ts";
import { checkMatrixRoom } from "../options.ts";
import { orOne } from "./method.ts";

const int = (k: number): NDArray => scalarArray(k, "int32");

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

/** The inverse Hessian as a matrix, by the formula of Broyden, Fletcher, Goldfarb and Shanno. */
export interface Matrix {
  readonly h: NDArray;
  readonly empty: NDArray;
}

/** The matrix [n, n] to begin with. */
function unitOf({ size, dtype }: NDArray): NDArray {
  const instead = "Take lbfgs(), which keeps no matrix";
  checkMatrixRoom("BFGS", "its matrix", [size, size], dtype, instead);
  return identity(size, dtype);
}

/** `H` [n, n]. */
export function matrix(): Curvature<Matrix> {
  return {
    flatness: 0.9,
    init: (x) => ({ h: unitOf(x), empty: scalarArray(1, "bool") }),
    update({ h, empty }, s, y, useful) {
      const sy = orOne(select(useful, dot(s, y), full([], 1, s.dtype)));
      const yy = orOne(dot(y, y));
      // The first pair says of which size the Hessian is.
      const base = select(and(empty, useful), h.mul(div(sy, yy)), h);
      const hy = dotGeneral(base, y, { contract: [[1], [0]], batch: [[], []] });
      const rho = div(full([], 1, s.dtype), sy);
      const outer = (a: NDArray, b: NDArray): NDArray => expandDims(a, [1]).mul(expandDims(b, [0]));
      // H + rho (1 + rho y H y) s s^T - rho (H y s^T + s y^T H) = H + s u^T + u s^T
      const u = s.mul(rho.mul(dot(y, hy)).add(1).mul(rho).mul(0.5)).sub(hy.mul(rho));
      const next = base.add(outer(s, u)).add(outer(u, s));
      return { h: select(useful, next, base), empty: and(empty, not(useful)) };
    },
    times: ({ h }, g) => dotGeneral(h, g, { contract: [[1], [0]], batch: [[], []] }),
  };
}

/** The Hessian itself by the same formula, for unknowns of which some are held. */
export function matrixWithin(): Curvature<Matrix> {
  const times = (h: NDArray, v: NDArray): NDArray =>
    dotGeneral(h, v, { contract: [[1], [0]], batch: [[], []] });
  const outer = (a: NDArray, b: NDArray): NDArray => expandDims(a, [1]).mul(expandDims(b, [0]));
  return {
    flatness: 0.9,
    init: (x) => ({ h: unitOf(x), empty: scalarArray(1, "bool") }),
    update({ h, empty }, s, y, useful) {
      const sy = orOne(select(useful, dot(s, y), full([], 1, s.dtype)));
      const base = select(and(empty, useful), h.mul(div(dot(y, y), sy)), h);
      // B + y y^T / s^T y - B s s^T B / s^T B s
      const bs = times(base, s);
      const next = base.add(div(outer(y, y), sy)).sub(div(outer(bs, bs), orOne(dot(s, bs))));
      return { h: select(useful, next, base), empty: and(empty, not(useful)) };
    },
    times({ h }, g, free) {
      if (free === null) throw new InternalError("a matrix for bounds without bounds");
      const held = not(free.greater(0)).astype(g.dtype);
      const reduced = h.mul(outer(free, free)).add(identity(g.size, g.dtype).mul(held));
      return reshape(solve(reduced, expandDims(g, [1])), [g.size]);
    },
  };
}

/** The last steps and changes of the gradient [memory, n], in a ring. */
export interface Pairs {
  readonly s: NDArray;
  readonly y: NDArray;
  /** How many there were so far: int32. */
  readonly count: NDArray;
  /** `1 / s^T y` of each [memory]; 0 where there is none. */
  readonly rho: NDArray;
  /** `s^T y / y^T y` of the last. */
  readonly gamma: NDArray;
}

/** The last `memory` pairs, by the two loops of Nocedal. */
export function pairs(memory: number): Curvature<Pairs> {
  const row = (m: NDArray, i: NDArray): NDArray =>
    reshape(dynamicSlice(m, [i, int(0)], [1, m.shape[1]!]), [m.shape[1]!]);
  const element = (v: NDArray, i: NDArray): NDArray => reshape(dynamicSlice(v, [i], [1]), []);
  return {
    flatness: 0.9,
    init(x) {
      const none = full([memory, x.size], 0, x.dtype);
      return {
        s: none,
        y: none,
        count: int(0),
        rho: full([memory], 0, x.dtype),
        gamma: full([], 1, x.dtype),
      };
    },
    update({ s, y, count, rho, gamma }, step, change, useful) {
      const at = rem(count, int(memory));
      const n = step.size;
      const put = (m: NDArray, v: NDArray): NDArray => {
        const old = row(m, at);
        return dynamicUpdateSlice(m, reshape(select(useful, v, old), [1, n]), [at, int(0)]);
      };
      const along = select(useful, dot(step, change), full([], 1, step.dtype));
      const inverse = div(full([], 1, step.dtype), along);
      return {
        s: put(s, step),
        y: put(y, change),
        count: count.add(useful.astype("int32")),
        rho: dynamicUpdateSlice(
          rho,
          reshape(select(useful, inverse, element(rho, at)), [1]),
          [at],
        ),
        gamma: select(useful, div(along, orOne(dot(change, change))), gamma),
      };
    },
    times({ s, y, count, rho, gamma }, g, free, transforms) {
      const only = (v: NDArray): NDArray => free === null ? v : v.mul(free);
      const weight = (i: NDArray, si: NDArray, yi: NDArray): NDArray => {
        const own = element(rho, i);
        if (free === null) return own;
        // Among the free unknowns alone.
        const along = dot(only(si), yi);
        const usable = and(own.greater(0), along.mul(own).greater(1e-8));
        return select(usable, div(scalarArray(1, g.dtype), orOne(along)), zerosLike(along));
      };
      const newest = (j: NDArray): NDArray =>
        rem(count.sub(j).add(memory - 1 + memory), int(memory));
      const [q, alphas] = transforms.foriLoop(
        0,
        memory,
        (j, [q, alphas]) => {
          const i = newest(j);
          const [si, yi] = [row(s, i), row(y, i)];
          const alpha = dot(si, q).mul(weight(i, si, yi));
          return [
            q.sub(only(yi.mul(alpha))),
            dynamicUpdateSlice(alphas, reshape(alpha, [1]), [j]),
          ];
        },
        [g, full([memory], 0, g.dtype)] as [NDArray, NDArray],
      ) as [NDArray, NDArray];
      return transforms.foriLoop(
        0,
        memory,
        (k, p) => {
          const j = int(memory - 1).sub(k);
          const i = newest(j);
          const [si, yi] = [row(s, i), row(y, i)];
          const beta = dot(yi, p).mul(weight(i, si, yi));
          return p.add(only(si.mul(element(alphas, j).sub(beta))));
        },
        q.mul(gamma),
      ) as NDArray;
    },
  };
}

/** The last step and change of the gradient. */
export interface Pair {
  readonly s: NDArray;
  readonly y: NDArray;
}

/** Conjugate gradients with the formula of Hager and Zhang ("CG_DESCENT", 2006), in the size of the last pair. */
export function conjugate(): Curvature<Pair> {
  return {
    flatness: 0.1,
    init: (x) => ({ s: zerosLike(x), y: zerosLike(x) }),
    update: (c, s, y, useful) => ({ s: select(useful, s, c.s), y: select(useful, y, c.y) }),
    times({ s, y }, g, free) {
      const [s1, y1] = free === null ? [s, y] : [s.mul(free), y.mul(free)];
      const [sy, yy] = [orOne(dot(s1, y1)), orOne(dot(y1, y1))];
      const gamma = div(sy, yy);
      // p = g - beta s, with beta = (y - 2 s y^T y / s^T y)^T g / s^T y, bounded below.
      const beta = div(dot(y1, g).sub(dot(s1, g).mul(div(yy, sy)).mul(2)), sy);
      const lower = div(dot(s1, g.sub(y1)).mul(0.4), orOne(dot(s1, s1)));
      return g.sub(s1.mul(maximum(beta, lower))).mul(gamma);
    },
  };
}

/** A model of a function in a region. */
export interface Region {
  /** The gradient [n]. */
  readonly g: NDArray;
  /** How long a step may be. */
  readonly radius: NDArray;
  /** How small the gradient of the model is to become, and by how many products at most. */
  readonly tolerance: NDArray;
  readonly most: number;
}

/** A step within the region. */
export interface Inner {
  readonly step: NDArray;
  readonly promised: NDArray;
  readonly products: NDArray;
  /** Whether it ends at the edge. */
  readonly edge: NDArray;
}

/**
 * Conjugate gradients on the model until its gradient is small, the edge is met, or the model falls for ever
 * (Steihaug, "The conjugate gradient method and trust regions in large scale optimization", 1983).
 */
export function steihaug(
  product: (v: NDArray) => NDArray,
  { g, radius, tolerance, most: limit }: Region,
  transforms: Transforms,
): Inner {
  const { dtype } = g;
  const number = (v: number): NDArray => scalarArray(v, dtype);
  interface State {
    readonly p: NDArray;
    readonly hp: NDArray;
    readonly r: NDArray;
    readonly d: NDArray;
    readonly k: NDArray;
    readonly edge: NDArray;
    readonly open: NDArray;
  }
  const most = Math.min(2 * g.size, limit);
  const end = transforms.whileLoop(
    (s) => (s as unknown as State).open,
    (s) => {
      const { p, hp, r, d, k } = s as unknown as State;
      const hd = product(d);
      const bend = dot(d, hd);
      const rr = dot(r, r);
      const falls = not(bend.greater(0));
      const alpha = div(rr, select(falls, number(1), bend));
      const out = or(falls, plainNorm(p.add(d.mul(alpha))).greaterEqual(radius));
      // Where p + tau d meets the edge.
      const [dd, pd, pp] = [dot(d, d), dot(p, d), dot(p, p)];
      const inside = maximum(radius.mul(radius).sub(pp), number(0));
      const root = pd.mul(pd).add(dd.mul(inside)).sqrt();
      const tau = div(inside, orOne(root.add(pd)));
      const along = select(out, tau, alpha);
      const r1 = r.add(hd.mul(along));
      const rr1 = dot(r1, r1);
      const count = k.add(1);
      const solved = rr1.sqrt().lessEqual(tolerance);
      return {
        p: p.add(d.mul(along)),
        hp: hp.add(hd.mul(along)),
        r: r1,
        d: d.mul(div(rr1, orOne(rr))).sub(r1),
        k: count,
        edge: out,
        open: and(not(or(out, solved)), count.less(most)),
      } as never;
    },
    {
      p: zerosLike(g),
      hp: zerosLike(g),
      r: g,
      d: g.neg(),
      k: int(0),
      edge: scalarArray(0, "bool"),
      open: plainNorm(g).greater(0),
    } as never,
  ) as unknown as State;
  return {
    step: end.p,
    promised: dot(g, end.p).add(dot(end.p, end.hp).mul(0.5)),
    products: end.k,
    edge: end.edge,
  };
}

/** The direction [n] of length 1 that the Hessian holds least, as far as the inverse times some vector shows it. */
export function loosest(
  product: (p: NDArray) => NDArray,
  probe: NDArray,
  asked: NDArray,
  transforms: Transforms,
): { readonly direction: NDArray; readonly products: NDArray } {
  const { size, dtype } = probe;
  const number = (v: number): NDArray => scalarArray(v, dtype);
  const end = transforms.whileLoop(
    (c) => c.open,
    ({ q, res, p, most, count }) => {
      const hp = product(p);
      const [along, square, rr] = [dot(p, hp), dot(p, p), dot(res, res)];
      const stiffest = maximum(most, div(plainNorm(hp), orOne(plainNorm(p))));
      const least = square.mul(stiffest).mul(resolved * epsilon(dtype));
      const lost = not(along.greater(least));
      const alpha = div(rr, orOne(maximum(along, least)));
      const res1 = res.sub(hp.mul(alpha));
      const rr1 = dot(res1, res1);
      return {
        q: q.add(p.mul(alpha)),
        res: res1,
        p: res1.add(p.mul(div(rr1, orOne(rr)))),
        most: stiffest,
        count: count.add(1),
        open: and(not(or(lost, rr1.equal(0))), count.less(Math.min(size, mostProbing) - 1)),
      };
    },
    {
      q: zerosLike(probe),
      res: probe,
      p: probe,
      most: number(0),
      count: int(0),
      open: asked,
    },
  );
  return { direction: div(end.q, orOne(norm(end.q))), products: end.count };
}

/** Products for that. */
const mostProbing = 8;

/** Curvature below so many epsilons of the largest one is not known. */
export const resolved = 64;

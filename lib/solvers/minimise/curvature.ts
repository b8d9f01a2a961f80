/**
 * What methods make of the curvature that they have met: a matrix, a few pairs of steps and changes of the
 * gradient, or the last pair alone.
 *
 * @module
 */
import { InternalError, type NDArray, scalarArray } from "../../core/mod.ts";
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
  rem,
  reshape,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import { dot } from "../norms.ts";
import { orOne } from "./method.ts";
import type { Curvature } from "./quasi_newton.ts";

const int = (k: number): NDArray => scalarArray(k, "int32");

/** The inverse Hessian as a matrix, by the formula of Broyden, Fletcher, Goldfarb and Shanno. */
export interface Matrix {
  readonly h: NDArray;
  readonly empty: NDArray;
}

/** `H` [n, n]. */
export function matrix(): Curvature<Matrix> {
  return {
    flatness: 0.9,
    init: (x) => ({ h: identity(x.size, x.dtype), empty: scalarArray(1, "bool") }),
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
    init: (x) => ({ h: identity(x.size, x.dtype), empty: scalarArray(1, "bool") }),
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

/**
 * The simplex method of Nelder and Mead, which looks at values alone, with the coefficients of Gao and Han
 * ("Implementing the Nelder-Mead simplex algorithm with adaptive parameters", 2012). A simplex that has
 * collapsed proves nothing: so it is made anew around the best vertex, larger the further that has come, and a minimum is
 * claimed where that finds nothing better, nor a look to both sides along each axis and along the simplex, nor one to
 * where derivatives point (`around.ts`), and where a rounding of the point changes little of the value.
 *
 * @module
 */
import { epsilon, type NDArray, scalarArray } from "../../core/mod.ts";
import {
  abs,
  and,
  broadcastTo,
  concatenate,
  div,
  eq,
  expandDims,
  full,
  iota,
  isFinite,
  maximum,
  not,
  or,
  reduceAnd,
  reduceMax,
  reduceMin,
  reduceSum,
  rem,
  select,
  zerosLike,
} from "../../primitives/mod.ts";
import { identity } from "../../linalg/matrices.ts";
import type { Local, Stepper } from "../method.ts";
import { leafNorms, norm, spread } from "../norms.ts";
import { checkMatrixRoom } from "../options.ts";
import { isSettledBy } from "../reach.ts";
import { statusCode } from "../solution.ts";
import type { Way } from "./certify.ts";
import { type Look, lookDownhill, ulps } from "./ending.ts";
import { orOne, type Setting, within } from "./method.ts";

/** What the method remembers. */
export interface SimplexMemory {
  /** The vertices [n + 1, n] and their values [n + 1], infinite where they are not defined. */
  readonly vertices: NDArray;
  readonly values: NDArray;
  /** What the trial is; of vertices that are evaluated in order, which one, and the one that is known: int32. */
  readonly phase: NDArray;
  readonly index: NDArray;
  readonly fixed: NDArray;
  /** The reflected point and its value. */
  readonly reflected: NDArray;
  readonly reflectedValue: NDArray;
  /** The first point, and the largest value of the first simplex. */
  readonly start: NDArray;
  readonly top: NDArray;
  /** The best point where the simplex was last made, its value, and how often it was: int32. */
  readonly center: NDArray;
  readonly before: NDArray;
  readonly made: NDArray;
  /** The best point, and its value, before the last one that gained much beside rounding. */
  readonly way: Omit<Way, "g">;
  /** Evaluations around vertices, and products with the Hessian there: int32. */
  readonly looks: NDArray;
  readonly products: NDArray;
  readonly accepted: NDArray;
  readonly status: NDArray;
}

/** What is asked of a point. */
interface Poll extends Look {
  /** Edges of a simplex there [n], and what is beside the point. */
  readonly edges: NDArray;
  readonly near: NDArray;
  /** What the simplex was flattened to, as long as the way so far: [n]. */
  readonly along: NDArray;
  /** What is nothing beside the range. */
  readonly nothing: NDArray;
  /** Whether the point has gone to 0, beside how far it has been. */
  readonly vanishes: NDArray;
}

/** What a trial is. */
const vertexOf = 0;
const reflectionOf = 1;
const expansionOf = 2;
const outsideOf = 3;
const insideOf = 4;
const phases = [vertexOf, reflectionOf, expansionOf, outsideOf, insideOf];
type Five = [NDArray, NDArray, NDArray, NDArray, NDArray];

const int = (k: number): NDArray => scalarArray(k, "int32");

/** The method. */
export function simplex(description: string, setting: Setting): Stepper<SimplexMemory> {
  const { rtol, sizes, bounds } = setting;

  /** Lengths of edges at a point: a share of each unknown, or of its leaf. */
  function edgesAt(center: NDArray, scale: NDArray): NDArray {
    const leaves = meansOf(center);
    const typical = select(leaves.greater(0), leaves, scale);
    return maximum(abs(center), broadcastTo(typical, [center.size])).mul(edge);
  }

  /** The same, or a share of how far it has come: near 0 a share of the unknowns says nothing of what is beyond. */
  function largeEdgesAt(center: NDArray, scale: NDArray, start: NDArray): NDArray {
    return maximum(edgesAt(center, scale), meansOf(center.sub(start)).mul(edge * edge));
  }

  /** For each unknown the root mean square of its leaf, if that is of the size of all: [n]. */
  function meansOf(v: NDArray): NDArray {
    return spread(leafNorms(v, sizes), sizes).mul(1 / Math.sqrt(Math.max(1, v.size)));
  }

  /** A simplex around a point, its first vertex. */
  function around(center: NDArray, far: NDArray): NDArray {
    const { dtype, size: n } = center;
    const steps = bounds === null
      ? far
      : select(center.add(far).lessEqual(bounds.upper), far, far.neg());
    const spokes = identity(n, dtype).mul(expandDims(steps, [0]));
    const all = concatenate([full([1, n], 0, dtype), spokes], 0);
    const rows = broadcastTo(expandDims(center, [0]), [n + 1, n]).add(all);
    if (bounds === null) return rows;
    const wide = (wall: NDArray): NDArray => broadcastTo(expandDims(wall, [0]), [n + 1, n]);
    return within(rows, { lower: wide(bounds.lower), upper: wide(bounds.upper) });
  }

  /**
   * Whether there is something lower than a point, and where: a tenth of an edge away along an axis, farther where no
   * value differs, along what the simplex was flattened to, or at 0. Whether there is nothing that is defined beside it, and
   * whether a rounding of the point changes the value by much. Looks only where asked.
   */
  function poll(
    { edges, near, along, range, nothing, isFar, vanishes, asked, ...best }: Poll,
    { evaluate, transforms }: Local,
  ) {
    const { size: n, dtype } = edges;
    const axis = iota([n], 0, "int32");
    const never = scalarArray(0, "bool");
    const none = zerosLike(edges);
    const signs = rem(axis, int(2)).astype(dtype).mul(2).sub(1);
    const [short, tenth] = [scalarArray(1, dtype), scalarArray(0.1, dtype)];
    const [beyondAxes, atLast] = [2 * n + 4, 3 * n + 4];
    return transforms.whileLoop(
      (c) => c.open,
      ({ center, value, looks, wall, k, share, same }) => {
        const noise = abs(value).mul(ulps * epsilon(dtype));
        const rounding = center.mul(signs).mul(4 * epsilon(dtype));
        const own = eq(axis, div(k, int(2))).astype(dtype);
        const side = rem(k, int(2)).astype(dtype).mul(2).sub(1);
        const isLast = k.equal(atLast);
        const onAxis = k.less(2 * n);
        // Along the simplex a tenth of the way is looked at, and all of it.
        const reach = select(onAxis, share, select(k.less(2 * n + 2), tenth, short));
        const far = select(onAxis, edges.mul(own), along).mul(side).mul(reach);
        // Where all is a plateau, lower is what is at 0: in all unknowns, or in one. What comes to 0 is looked at from there.
        const atNought = k.less(0);
        const toNought = or(atNought, k.greaterEqual(beyondAxes));
        const noughts = or(atNought, eq(axis, k.sub(beyondAxes)));
        const nought = select(noughts, center.neg(), none);
        const away = select(isLast, rounding, select(toNought, nought, far));
        const x = within(center.add(away), bounds);
        const there = evaluate(x).cost!;
        const step = x.sub(center);
        // A gain that is nothing beside what was gained is none, if it is not far to there.
        const least = maximum(noise, select(isFar(step), zerosLike(nothing), nothing));
        const becomes = and(and(atNought, vanishes), there.lessEqual(value));
        const lower = and(not(or(isLast, becomes)), there.less(value.sub(least)));
        const beside = reduceAnd(abs(step).lessEqual(near.mul(0.11)), [0]);
        // Where no value differs nothing is known yet.
        const stays = and(same, or(toNought, abs(there.sub(value)).lessEqual(noise)));
        const again = and(and(stays, k.equal(beyondAxes - 1)), share.less(farthest));
        return {
          center: select(becomes, x, center),
          value: select(becomes, there, value),
          x: select(lower, x, none),
          lower,
          wall: or(wall, and(beside, not(isFinite(there)))),
          hidden: and(isLast, abs(there.sub(value)).greater(range.mul(1e-3))),
          looks: looks.add(1),
          k: select(again, int(0), k.add(1)),
          share: select(again, share.mul(10), share),
          same: stays,
          open: and(not(lower), k.less(atLast)),
        };
      },
      {
        center: best.center,
        value: best.value,
        x: none,
        lower: never,
        wall: never,
        hidden: never,
        looks: int(0),
        k: int(-1),
        share: tenth,
        same: scalarArray(1, "bool"),
        open: asked,
      },
    );
  }

  return {
    description,
    goesBack: true,
    patience: 100000,
    init(x) {
      const n = x.size;
      const instead = "Take lbfgs(), which keeps no simplex";
      checkMatrixRoom(description, "its simplex", [n + 1, n], x.dtype, instead);
      const infinity = scalarArray(Infinity, x.dtype);
      return {
        vertices: broadcastTo(expandDims(x, [0]), [n + 1, n]),
        values: full([n + 1], Infinity, x.dtype),
        phase: int(vertexOf),
        index: int(0),
        fixed: int(0),
        reflected: x,
        reflectedValue: infinity,
        start: x,
        top: infinity.neg(),
        center: x,
        before: infinity,
        made: int(0),
        way: { x, value: infinity },
        looks: int(0),
        products: int(0),
        accepted: scalarArray(0, "bool"),
        status: int(-1),
      };
    },
    status: (_x, _r, m) => m.status,
    accepts: (_x, _r, m) => m.accepted,
    counts: (m) => ({ f: m.looks, products: m.products }),
    step(x, _r, m, local) {
      const { cost, scale, marches } = local;
      const { dtype, size: n } = x;
      const [grow, contract, shrink] = n < 2
        ? [2, 0.5, 0.5]
        : [1 + 2 / n, 0.75 - 0.5 / n, 1 - 1 / n];
      const infinity = scalarArray(Infinity, dtype);
      const value = select(isFinite(cost!), cost!, infinity);
      const index = iota([n + 1], 0, "int32");
      const everywhere = full([n + 1], Infinity, dtype);
      const first = (mask: NDArray): NDArray =>
        reduceMin(select(mask, index, full([n + 1], n, "int32")), [0]);
      const table = (v: NDArray): NDArray => broadcastTo(expandDims(v, [0]), [n + 1, n]);
      const rowsOf = (mask: NDArray): NDArray => broadcastTo(expandDims(mask, [1]), [n + 1, n]);
      const row = (rows: NDArray, which: NDArray): NDArray =>
        reduceSum(select(rowsOf(eq(index, which)), rows, full([n + 1, n], 0, dtype)), [0]);

      // What becomes of the trial.
      const start = m.made.equal(0);
      const are = phases.map((phase) => eq(m.phase, int(phase))) as Five;
      const [vertex, reflection, expansion, outside, inside] = are;
      const worstValue = reduceMax(m.values, [0]);
      const worst = first(eq(m.values, worstValue));
      const least = reduceMin(m.values, [0]);
      const second = reduceMax(select(eq(index, worst), everywhere.neg(), m.values), [0]);
      const expands = and(reflection, value.less(least));
      const middling = and(reflection, and(not(expands), value.less(second)));
      const contracts = and(reflection, not(or(expands, middling)));
      const outwards = and(contracts, value.less(worstValue));
      const contracted = or(
        and(outside, value.lessEqual(m.reflectedValue)),
        and(inside, value.less(worstValue)),
      );
      const shrinks = and(or(outside, inside), not(contracted));
      const returns = and(expansion, not(value.less(m.reflectedValue)));
      const replaces = or(or(middling, expansion), contracted);
      const here = and(eq(index, select(vertex, m.index, worst)), or(vertex, replaces));
      const newest = select(returns, m.reflectedValue, value);
      const values = select(here, broadcastTo(newest, [n + 1]), m.values);
      const vertices = select(
        rowsOf(here),
        table(select(returns, m.reflected, x)),
        m.vertices,
      );

      // Whether it is as small as it is to be.
      const bestValue = reduceMin(values, [0]);
      const best = first(eq(values, bestValue));
      const bestRow = row(vertices, best);
      const widths = reduceMax(abs(vertices.sub(table(bestRow))), [0]);
      const share = Math.max(rtol, epsilon(dtype) ** 0.5);
      const [wide, own] = [leafNorms(widths, sizes), leafNorms(bestRow, sizes)];
      const highest = reduceMax(values, [0]);
      const even = highest.equal(bestValue);
      const beside = own.mul(share);
      const units = leafNorms(broadcastTo(scale, [n]), sizes).mul(share * share);
      const top = select(
        and(and(m.made.lessEqual(1), vertex), isFinite(cost!)),
        maximum(m.top, value),
        m.top,
      );
      const done = maximum(top.sub(bestValue), scalarArray(0, dtype));
      const much = done.mul(Math.sqrt(epsilon(dtype)));
      const leads = and(isFinite(least), least.sub(bestValue).greater(much));
      const way = {
        x: select(leads, row(m.vertices, first(eq(m.values, least))), m.way.x),
        value: select(leads, least, m.way.value),
      };
      // A step as small as the tolerance promises its square; in float32 that is rounding of the unknowns.
      const nothing = done.mul(
        Math.max(rtol ** 2 * epsilon(dtype) ** 0.25, epsilon(dtype) ** 2),
      );
      // Beside the unknowns, too, which what was gained from far away says nothing of; or both have gone to 0.
      const simple = Math.max(Math.sqrt(rtol), epsilon(dtype) ** 0.6);
      const settledBy = (norms: NDArray, gone: number): NDArray =>
        isSettledBy(norms, own, local.reached, { share: simple, gone }).all();
      const hardly = Math.min(share, 2 ** -23);
      const settled = settledBy(wide, hardly);
      const isFar = (step: NDArray): NDArray =>
        not(settledBy(leafNorms(step, sizes), epsilon(dtype) ** 2));
      const level = and(highest.sub(bestValue).lessEqual(nothing), settled);
      const narrow = reduceAnd(wide.lessEqual(select(even, maximum(beside, units), beside)), [0]);
      const collapsed = or(narrow, level);
      const skip = (i: NDArray): NDArray => select(eq(i, m.fixed), i.add(1), i);
      const following = skip(m.index.add(1));
      const last = following.greater(n);
      const ends = and(and(collapsed, isFinite(bestValue)), or(and(vertex, last), replaces));
      const noise = abs(bestValue).mul(16 * epsilon(dtype));
      const moves = not(settledBy(leafNorms(bestRow.sub(m.center), sizes), hardly));
      const gained = m.before.sub(bestValue).greater(
        maximum(noise, select(moves, zerosLike(nothing), nothing)),
      );
      // The simplex may have become flat, or lie at a wall, and then a collapse proves nothing either.
      const settles = and(and(ends, not(marches)), and(m.made.greater(1), not(gained)));
      const inUnits = (v: NDArray): NDArray => div(v, broadcastTo(scale, [n]));
      const spokes = vertices.sub(table(bestRow));
      const lengths = reduceSum(div(spokes, table(broadcastTo(scale, [n]))).square(), [1]);
      const longest = row(spokes, first(eq(lengths, reduceMax(lengths, [0]))));
      const gone = norm(inUnits(bestRow.sub(m.start)));
      const look: Poll = {
        center: bestRow,
        value: bestValue,
        edges: largeEdgesAt(bestRow, scale, m.start),
        near: edgesAt(bestRow, scale),
        along: longest.mul(div(gone, orOne(norm(inUnits(longest))))),
        way,
        range: maximum(abs(bestValue), done),
        nothing,
        isFar,
        vanishes: own.lessEqual(local.reached.mul(hardly)).all(),
        asked: settles,
      };
      const polled = poll(look, local);
      const unsure = or(polled.wall, polled.hidden);
      const sure = and(settles, not(or(polled.lower, unsure)));
      const below = lookDownhill(
        { ...look, center: polled.center, value: polled.value, asked: sure },
        setting,
        local,
      );
      const lower = or(polled.lower, below.lower);
      const lowest = select(below.lower, below.x, polled.x);
      const refused = or(unsure, below.tail);
      const proven = and(settles, not(or(lower, refused)));

      // A new simplex, a smaller one, or the next trial of this one.
      const makes = or(start, and(ends, not(proven)));
      const none = int(n + 1);
      const fixed = select(
        makes,
        select(lower, none, int(0)),
        select(shrinks, best, m.fixed),
      );
      const known = broadcastTo(select(start, value, bestValue), [n + 1]);
      const anew = or(makes, shrinks);
      const kept = select(anew, select(eq(index, fixed), known, everywhere), values);
      const towards = table(bestRow).add(vertices.sub(table(bestRow)).mul(shrink));
      const center = select(start, x, select(lower, lowest, bestRow));
      const rows = select(
        makes,
        around(center, largeEdgesAt(center, scale, m.start)),
        select(shrinks, towards, vertices),
      );
      const next = select(anew, select(eq(fixed, int(0)), int(1), int(0)), following);
      const evaluates = or(anew, and(vertex, not(last)));
      const bottom = first(eq(kept, reduceMax(kept, [0])));
      const bottomRow = row(rows, bottom);
      const centroid = reduceSum(rows, [0]).sub(bottomRow).mul(1 / n);
      const away = centroid.sub(bottomRow);
      const choose = <T>(a: T, b: T, c: T, d: T, e: T): T =>
        select(
          evaluates,
          a as never,
          select(
            expands,
            b as never,
            select(outwards, c as never, select(contracts, d as never, e as never)),
          ),
        ) as T;
      const trial = choose(
        row(rows, next),
        centroid.add(away.mul(grow)),
        centroid.add(away.mul(contract)),
        centroid.sub(away.mul(contract)),
        centroid.add(away),
      );
      return [within(trial, bounds), {
        vertices: rows,
        values: kept,
        phase: choose(
          ...[vertexOf, expansionOf, outsideOf, insideOf, reflectionOf].map(int) as Five,
        ),
        index: next,
        fixed,
        reflected: select(reflection, x, m.reflected),
        reflectedValue: select(reflection, value, m.reflectedValue),
        start: m.start,
        top,
        center: select(makes, select(start, x, bestRow), m.center),
        before: select(makes, select(start, value, bestValue), m.before),
        made: m.made.add(makes.astype("int32")),
        way,
        looks: m.looks.add(polled.looks).add(below.looks),
        products: m.products.add(below.products),
        // What is expanded is beyond the reflected point, which is the best so far.
        accepted: and(
          isFinite(cost!),
          or(start, value.less(select(expansion, m.reflectedValue, least))),
        ),
        status: select(
          cost!.equal(-Infinity),
          int(statusCode("diverged")),
          select(
            proven,
            int(statusCode("converged")),
            select(and(refused, not(lower)), int(statusCode("stagnated")), int(-1)),
          ),
        ),
      }];
    },
  };
}

/** Length of the edges of a new simplex, in that of the unknowns. */
const edge = 0.1;

/** How far to look where no value differs: in edges. */
const farthest = 100;

/** The methods of least squares and roots by trust regions: each on all problems, and within bounds. */
import {
  chord,
  dogleg,
  gaussNewton,
  jit,
  leastSquares,
  levenbergMarquardt,
  type NDArray,
  newton,
  numpy as np,
  rootFind,
  type Solution,
  type TrustRegionMethod,
  vmap,
} from "../../mod.ts";
import { defaultBackend } from "../../lib/core/backend.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";
import { squares } from "./truth/mgh.ts";

const f64 = (xs: readonly number[]): NDArray => np.array([...xs], { dtype: "float64" });
const systems = squares.filter((p) => p.square);

/** All methods, with the problems of `squares` and, from three starts each, of `systems` that they solve. */
const methods: readonly (readonly [TrustRegionMethod, number, number])[] = [
  [levenbergMarquardt(), 37, 45],
  [levenbergMarquardt({ geodesic: true }), 37, 45],
  [levenbergMarquardt({ jacobian: "broyden" }), 37, 44],
  [dogleg(), 37, 42],
  [dogleg({ jacobian: "broyden" }), 37, 41],
  [gaussNewton(), 32, 36],
  [newton({ jacobian: "broyden" }), 32, 36],
  [chord(), 32, 35],
];

const fits = new Map<string, readonly Solution<NDArray>[]>();

/** The problems' sums of squares, minimised by a method; once. */
function fitsBy(solver: TrustRegionMethod): readonly Solution<NDArray>[] {
  const known = fits.get(solver.description) ??
    squares.map(({ f, start }) => jit((x: NDArray) => leastSquares(f, x, { solver }))(f64(start)));
  fits.set(solver.description, known);
  return known;
}

for (const [solver, minima, roots] of methods) {
  Deno.test(`${solver.description} solves what it can, and claims nothing else`, () => {
    let solved = 0;
    const missed: string[] = [];
    for (const [i, { name, minima }] of squares.entries()) {
      const fit = fitsBy(solver)[i]!;
      const sum = 2 * fit.cost!.item();
      if (minima.some((m) => Math.abs(sum - m) <= 1e-8 + 1e-6 * m)) solved++;
      else {
        missed.push(name);
        assert(!fit.converged, `${name}: ${sum}, ${fit.message}`);
      }
    }
    assert(solved >= minima, `${solved} minima, not of ${missed}`);
    let found = 0;
    for (const { name, f, start } of systems) {
      const solve = jit((x: NDArray) => rootFind(f, x, { solver }));
      for (const times of [1, 10, 100]) {
        const root = solve(f64(start.map((x) => times * x)));
        const largest = Math.max(...f(root.value).abs().dataSync());
        if (largest <= 1e-8) found++;
        else assert(!root.converged, `${name} from ${times}: ${largest}, ${root.message}`);
      }
    }
    // Without safeguards, where a far start leads to hangs on last places, which another runtime rounds otherwise.
    const spare = defaultBackend === "onnx" ? 1 : 0;
    assert(found >= roots - spare, `${found} roots`);
  });
}

Deno.test("methods differ in price: curvature saves evaluations, kept Jacobians save Jacobians", () => {
  const cost = (solver: TrustRegionMethod) => {
    let [f, jacobians] = [0, 0];
    for (const { evaluations } of fitsBy(solver)) {
      f += evaluations.f.item();
      jacobians += evaluations.jacobian.item();
    }
    return { f, jacobians };
  };
  const plain = cost(levenbergMarquardt());
  assert(cost(levenbergMarquardt({ geodesic: true })).f < 0.85 * plain.f);
  // A root near which the Jacobian hardly changes.
  const price = (solver: TrustRegionMethod) =>
    rootFind((x) => np.cos(x).sub(x), f64([0.7, 0.75, 0.8]), { solver }).orThrow().evaluations;
  for (const solver of [newton({ jacobian: "broyden" }), chord()]) {
    assertEquals(price(solver).jacobian.item(), 2, solver.description);
    assert(price(solver).f.item() <= 10, solver.description);
  }
});

Deno.test("no method evaluates outside of the bounds, wherever it starts", () => {
  // Exponential decay, NaN outside. Bounds of many kinds: resting, free, one-sided, of one point.
  const t = f64([0, 1, 2, 3, 4, 5]);
  const y = np.exp(t.mul(-0.4)).mul(2.5);
  const boxes: readonly (readonly [readonly number[], readonly number[]])[] = [
    [[0, 0], [10, 10]],
    [[0, 0], [2, 10]],
    [[3, -Infinity], [Infinity, Infinity]],
    [[2.5, 0.5], [2.5, 1]],
    [[-1, 0.1], [1, 0.2]],
  ];
  const starts = [[1, 1], [-5, 3], [1e3, -2], [2.5, 0.4]];
  for (const [solver] of methods) {
    const solve = jit((start: NDArray, lower: NDArray, upper: NDArray) =>
      leastSquares(
        (p) => {
          const inside = np.logicalAnd(p.greaterEqual(lower).all(), p.lessEqual(upper).all());
          const [a, b] = [p.slice([0], [1]), p.slice([1], [2])];
          return np.where(inside, a.mul(np.exp(b.mul(t).neg())).sub(y), NaN);
        },
        start,
        { solver, bounds: { lower, upper }, history: true },
      )
    );
    for (const [lower, upper] of boxes) {
      for (const start of starts) {
        const told = `${solver.description} from ${start} in ${lower} to ${upper}`;
        const fit = solve(f64(start), f64(lower), f64(upper));
        const seen = [...fit.history!.dataSync()].slice(0, fit.steps.item());
        assert(seen.every(Number.isFinite), `${told}: ${seen}`);
        if (!fit.converged) continue;
        // The gradient points out of the box, or is 0.
        const [a, b] = fit.value.dataSync() as Float64Array;
        const r = [0, 1, 2, 3, 4, 5].map((t, i) => a! * Math.exp(-b! * t) - y.dataSync()[i]!);
        const g = [0, 1].map((k) =>
          r.reduce((s, ri, t) => s + ri * Math.exp(-b! * t) * (k === 0 ? 1 : -a! * t), 0)
        );
        [a!, b!].forEach((v, k) => {
          const outward = v === lower[k] ? -g[k]! : v === upper[k] ? g[k]! : Math.abs(g[k]!);
          const pinned = lower[k] === upper[k];
          assert(pinned || outward <= 1e-9, `${told}: gradient ${g} at ${a}, ${b}`);
        });
      }
    }
  }
});

Deno.test("methods work in lanes, one of which fails", () => {
  for (const [solver] of methods) {
    const solve = (a: NDArray) => rootFind((x: NDArray) => x.square().sub(a), f64([3]), { solver });
    const { value, status } = vmap(solve)(f64([2, -1, 9]));
    const both = vmap(solve)(f64([2, 4, 9]));
    assertEquals([...status.dataSync()].map((s) => s === 0), [true, false, true]);
    assertAlmostEquals(value.dataSync()[0]!, Math.SQRT2, 4e-12);
    assertEquals(value.dataSync()[2], both.value.dataSync()[2]);
  }
});

Deno.test("settings that no method has are refused with those that it has", () => {
  assertThrows(() => dogleg({ jacobian: "newton" as never }), RangeError, '"broyden"');
  assertThrows(() => levenbergMarquardt({ curved: true } as never), TypeError, "geodesic");
  assertThrows(
    () => leastSquares((x) => x, f64([1]), { solver: gaussNewton as never }),
    TypeError,
    "gaussNewton()",
  );
});

/** Methods of `fixedPoint` beside the default, and what may be asked of a solve beside its solution. */
import {
  aitken,
  anderson,
  averaged,
  broyden,
  damped,
  dogleg,
  fixedPoint,
  type FixedPointOptions,
  grad,
  jit,
  levenbergMarquardt,
  type NDArray,
  newton,
  numpy as np,
  steffensen,
  TreeError,
  unrolled,
  vmap,
} from "../../mod.ts";
import { arr } from "../support/arrays.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";
import { fixedPointProblems, relativeError } from "./truth/fixed_point_problems.ts";

/** Maps of several solutions, of which one is recorded: a layer far from linear, and those of eigenvectors. */
const several = ["layer, norm 4", "power method", "condensate"];

/** Problems solved, of those with at most so many unknowns, and the evaluations on those. */
function tally(options: FixedPointOptions, most: number): { solved: number; evaluations: number } {
  let [solved, evaluations] = [0, 0];
  for (const problem of fixedPointProblems) {
    if (problem.x0.length > most) continue;
    const f = problem.map("float64");
    const s = fixedPoint(f, arr(problem.x0), { maxSteps: 1000, ...options });
    const right = relativeError(problem, s.value) <= 1 || several.includes(problem.name);
    if (s.converged) assert(right, `${problem.name}: ${s.message}`);
    if (!s.converged) continue;
    solved++;
    evaluations += s.steps.item();
  }
  return { solved, evaluations };
}

Deno.test("broyden() solves what Anderson acceleration solves", () => {
  const { solved } = tally({ solver: broyden() }, Infinity);
  assert(solved >= 63, `${solved}`);
});

Deno.test("broyden() takes few evaluations where maps are far from linear", () => {
  for (const [name, most] of [["H-equation, c = 0.99", 13], ["Bratu, lambda = 3.4", 13]] as const) {
    const { map, x0 } = fixedPointProblems.find((p) => p.name === name)!;
    const s = fixedPoint(map("float64"), arr(x0), { solver: broyden() });
    assert(s.converged && s.steps.item() <= most, s.message);
  }
});

Deno.test("steffensen() and aitken() solve equations of one unknown in fewer evaluations than plain steps", () => {
  const plain = tally({ solver: damped() }, 1);
  for (const solver of [steffensen(), aitken()]) {
    const { solved, evaluations } = tally({ solver }, 1);
    assertEquals(solved, 23);
    assert(evaluations < plain.evaluations, `${evaluations}`);
  }
});

Deno.test("steffensen() treats each element by itself", () => {
  const a = arr([0.5, 1.5, 2, -5, 30]);
  const f = (x: NDArray): NDArray => x.mul(a).sub(np.sin(x)).add(1);
  const s = fixedPoint(f, np.zerosLike(a), { solver: steffensen() });
  assertEquals(s.statusName, "converged", s.message);
  const alone = [...a.dataSync()].map((v) =>
    fixedPoint((x) => x.mul(v).sub(np.sin(x)).add(1), arr(0), { solver: steffensen() }).steps.item()
  );
  assert(s.steps.item() <= Math.max(...alone) + 2, `${s.message} ${alone}`);
});

for (const solver of [newton(), dogleg(), levenbergMarquardt()]) {
  Deno.test(`fixed points by Jacobians, where steps of the map do not come near: ${solver.description}`, () => {
    const { solved } = tally({ solver }, 20);
    assert(solved >= 42, `${solved}`);
    const f = (a: NDArray) => fixedPoint((x) => np.cos(x.mul(a)), arr(1), { solver }).value;
    for (const g of [grad(f), jit(grad(f))]) {
      assertAlmostEquals(g(arr(1)).item(), -0.297474341509832260557940985694, 1e-10);
    }
  });
}

for (const solver of [broyden(), steffensen(), aitken(), averaged()]) {
  Deno.test(`derivatives through the steps of what these give, few or all: ${solver.description}`, () => {
    for (const maxSteps of [1, 2, 4, 600]) {
      const f = (a: NDArray): NDArray =>
        fixedPoint((x) => np.cos(x.mul(a)), arr([1, 0.3]), {
          solver,
          adjoint: unrolled(),
          maxSteps,
        })
          .value.sum();
      const [above, below] = [1 + 1e-6, 1 - 1e-6].map((a) => f(arr(a)).item()) as [number, number];
      for (const g of [grad(f), jit(grad(f))]) {
        assertAlmostEquals(g(arr(1)).item(), (above - below) / 2e-6, 1e-8);
      }
    }
  });
}

Deno.test("all methods work in float32, in compiled code and in lanes, at all scales", () => {
  for (const solver of [broyden(), steffensen(), aitken(), newton()]) {
    const results = [1, 2 ** -40, 2 ** 20].map((unit) => {
      const solve = jit(
        vmap((a: NDArray) =>
          fixedPoint((x) => np.cos(x.div(unit).mul(a)).mul(unit), np.array(unit), { solver })
        ),
      );
      const s = solve(np.array([1, 0.5, NaN]));
      assertEquals([...s.status.dataSync()], [0, 0, 2], s.message);
      return [...s.value.div(unit).dataSync(), ...s.steps.dataSync()];
    });
    assertEquals(results[1], results[0]);
    assertEquals(results[2], results[0]);
    assertAlmostEquals(results[0]![0]!, 0.739085, 1e-5);
    assertAlmostEquals(results[0]![1]!, 0.900367, 1e-5);
  }
});

Deno.test("what one step along a falling displacement leads to is claimed only where the map keeps it", () => {
  // There is no fixed point but 0: elsewhere the displacement is `x exp(-|x|)` and more, and dies out.
  const map = (x: NDArray): NDArray => x.mul(np.exp(np.exp(np.abs(x).neg())));
  const starts = Array.from({ length: 60 }, (_, i) => 0.05 + 0.05 * i);
  for (const solver of [anderson(), broyden(), aitken(), steffensen()]) {
    for (const dtype of ["float32", "float64"] as const) {
      const solve = vmap((x: NDArray) => {
        const { value, status } = fixedPoint(map, x, { solver });
        return [value, status] as const;
      });
      const [values, status] = jit(solve)(np.array(starts, { dtype }));
      const most = dtype === "float32" ? 2 ** -23 : 2 ** -52;
      values.dataSync().forEach((x, i) => {
        if (status.dataSync()[i] !== 0) return;
        const off = Math.abs(x) * Math.expm1(Math.exp(-Math.abs(x)));
        // To 0 within what the claim allows of where it has been.
        const allowed = Math.max(Math.abs(x) * most, starts[i]! * Math.cbrt(most) ** 2);
        assert(off <= allowed, `${solver.description}, ${dtype}, ${starts[i]}: ${x} is off ${off}`);
      });
    }
  }
});

Deno.test("minSteps: no solution is claimed before so many evaluations", () => {
  const f = (x: NDArray): NDArray => x.mul(0.5);
  for (const run of [f, jit(f)]) {
    assertEquals(fixedPoint(run, arr([0]), { minSteps: 7 }).steps.item(), 7);
  }
  const long = fixedPoint((x) => x, arr([3]), { minSteps: 400, maxSteps: 500 });
  assertEquals([long.statusName, long.steps.item()], ["converged", 400]);
  // A coarse criterion is met at once; more steps make the value better.
  const coarse = (minSteps: number): number =>
    fixedPoint(np.cos, arr(1), { minSteps, rtol: 0.9 }).value.item() - 0.7390851332151607;
  assert(Math.abs(coarse(6)) < 1e-3 * Math.abs(coarse(0)), `${coarse(6)} ${coarse(0)}`);
  assertThrows(() => fixedPoint(f, arr(1), { minSteps: 300 }), RangeError, "at most maxSteps, 200");
});

Deno.test("comparand: a solve ends where what is compared no longer changes", () => {
  // The phase goes round for ever; the radius comes to 1.
  const f = ({ phase, radius }: { phase: NDArray; radius: NDArray }) => ({
    phase: phase.add(1),
    radius: np.sqrt(radius),
  });
  const x0 = { phase: arr(0), radius: arr(9) };
  const solver = damped();
  assertEquals(fixedPoint(f, x0, { solver, rtol: 1e-9 }).converged, false);
  const run = (x0: { phase: NDArray; radius: NDArray }) =>
    fixedPoint(f, x0, { solver, comparand: ({ radius }: typeof x0) => [radius] });
  for (const solve of [run, jit(run)]) {
    const s = solve(x0);
    assertEquals(s.statusName, "converged", s.message);
    assertAlmostEquals(s.value.radius.item(), 1, 1e-11);
    assertAlmostEquals(s.valueNorm.item(), 1, 1e-11);
    assertEquals(s.value.phase.item(), s.steps.item() - 1);
  }
  // Of several leaves none hides another, whatever their units.
  const many = fixedPoint(
    ({ a, b }) => ({ a: a.mul(0).add(1e8), b: b.mul(0.9).add(0.1) }),
    { a: arr(1e8), b: arr(0) },
    { solver, maxSteps: 1000, comparand: ({ a, b }: { a: NDArray; b: NDArray }) => ({ b, a }) },
  );
  assertAlmostEquals(many.value.b.item(), 1, 1e-10);
  assertThrows(() => fixedPoint(f, x0, { comparand: 3 as never }), TypeError, "comparand");
  assertThrows(
    () => fixedPoint(f, x0, { comparand: () => [] }),
    TreeError,
    "what comparand returns",
  );
});

Deno.test("trajectory: all points, leaf by leaf, NaN after the last", () => {
  const run = (x0: NDArray) =>
    fixedPoint(
      ({ a, b }) => ({ a: a.div(2), b: b.mul(0) }),
      { a: x0, b: np.ones([2]) },
      { solver: damped(), maxSteps: 5, trajectory: true, rtol: 1e-9 },
    );
  for (const solve of [run, jit(run)]) {
    const s = solve(arr(8));
    assertEquals([...s.trajectory!.a.dataSync()], [8, 4, 2, 1, 0.5]);
    assertEquals([s.trajectory!.b.shape, s.trajectory!.b.dtype], [[5, 2], "float32"]);
    assertEquals([...s.trajectory!.b.dataSync()].slice(0, 4), [1, 1, 0, 0]);
  }
  const short = fixedPoint((x) => x.mul(0), arr(1), { maxSteps: 4, trajectory: true });
  assertEquals([...short.trajectory!.dataSync()].map(Number.isNaN), [false, false, true, true]);
  assertEquals(fixedPoint(np.cos, 1).trajectory, null);
  const lanes = vmap(run)(arr([8, 16]));
  assertEquals(lanes.trajectory!.a.shape, [2, 5]);
});

Deno.test("the spectral radius says whether plain iteration leaves the solution", () => {
  const radius = (f: (x: NDArray) => NDArray, x0: number[]): number =>
    fixedPoint(f, arr(x0), { spectralRadius: true }).spectralRadius!.item();
  assertAlmostEquals(radius(np.cos, [1]), Math.sin(0.7390851332151607), 1e-10);
  assertAlmostEquals(radius((x) => x.mul(2).add(1), [1]), 2, 1e-10);
  assertEquals(radius((x) => x.mul(0).add(1), [1, 2]), 0);
  for (const r of [0.7, 1.5]) {
    const [c, s] = [r * Math.cos(2), r * Math.sin(2)];
    const turn = arr([c, -s, s, c]).reshape([2, 2]);
    assertAlmostEquals(radius((x) => np.matmul(turn, x).add(1), [1, 0]), r, 1e-8);
  }
  // Those of the symmetric matrices of the benchmark are known.
  for (const size of [0.9, 0.99, 0.999]) {
    const { map, x0 } = fixedPointProblems.find((p) =>
      p.name === `symmetric linear, radius ${size}`
    )!;
    assertAlmostEquals(radius(map("float64"), [...x0]), size, 1e-7);
  }
  // Of many unknowns it is estimated by products.
  const slope = fixedPoint((x) => np.cos(x), np.ones([100]), { spectralRadius: true });
  assertAlmostEquals(slope.spectralRadius!.item(), 0.6736, 1e-3);
  const s = jit(() => fixedPoint(np.cos, arr(1), { spectralRadius: true }))();
  assert(s.report().includes("spectral radius"), s.report());
});

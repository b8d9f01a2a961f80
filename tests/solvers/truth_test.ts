/** Fixed points of many fields: solved at all scales alike, at no higher price, and never claimed in vain. */
import {
  anderson,
  damped,
  type DType,
  fixedPoint,
  jit,
  type NDArray,
  numpy as np,
  type Solution,
  vmap,
} from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { fixedPointFree, fixedPointProblems, relativeError } from "./truth/fixed_point_problems.ts";

const vector = (v: readonly number[], dtype: DType = "float64"): NDArray =>
  np.array([...v], { dtype });
const told = (s: { statusName: string; steps: NDArray }): string =>
  `${s.statusName} after ${s.steps.item()}`;

for (const problem of fixedPointProblems) {
  const { name, map, x0, evaluations } = problem;
  const f = map("float64");
  Deno.test(`fixedPoint() solves ${name}, in the units of nobody`, () => {
    const solve = (unit: number): Solution<NDArray> =>
      fixedPoint((x: NDArray) => f(x.div(unit)).mul(unit), vector(x0).mul(unit));
    const own = solve(1);
    if (evaluations !== null) {
      assertEquals(own.statusName, "converged", own.message);
      // Two more may bring the value nearer than was asked.
      const most = Math.max(Math.floor(1.2 * evaluations), evaluations + 2);
      assert(own.steps.item() <= most, own.message);
    }
    if (own.converged) {
      assert(relativeError(problem, own.value) <= 1, `${relativeError(problem, own.value)}`);
    }
    // Powers of 2 close to 1e-12 and 1e6: the same numbers to the last bit, but for their unit.
    for (const unit of [2 ** -40, 2 ** 20]) {
      const other = solve(unit);
      assertEquals(told(other), told(own));
      assertEquals([...other.value.div(unit).dataSync()], [...own.value.dataSync()]);
    }
    // Others round otherwise.
    for (const unit of [1e-12, 1e6]) assertEquals(solve(unit).statusName, own.statusName);
  });

  Deno.test(`${name} in float32: the same in all units, and no false claim`, () => {
    const single = map("float32");
    const solve = (unit: number): Solution<NDArray> =>
      fixedPoint((x: NDArray) => single(x.div(unit)).mul(unit), vector(x0, "float32").mul(unit));
    const own = solve(1);
    if (own.converged) {
      assert(relativeError(problem, own.value) <= 1, `${relativeError(problem, own.value)}`);
    }
    for (const unit of [2 ** -40, 2 ** 20]) {
      const other = solve(unit);
      assertEquals(told(other), told(own));
      assertEquals([...other.value.div(unit).dataSync()], [...own.value.dataSync()]);
    }
  });

  Deno.test(`the units of one leaf do not matter: ${name} beside another problem`, () => {
    const solve = (unit: number) =>
      fixedPoint(
        ({ a, b }) => ({ a: f(a), b: np.exp(b.div(unit).neg()).mul(unit) }),
        { a: vector(x0), b: vector([unit]) },
        { maxSteps: 400 },
      );
    const own = solve(1);
    for (const unit of [2 ** -40, 2 ** 20]) {
      const other = solve(unit);
      assertEquals(told(other), told(own));
      const omega = other.value.b.div(unit).item();
      if (own.converged) assert(Math.abs(omega - 0.567143290409783873) < 1e-10, `${omega}`);
    }
  });

  Deno.test(`a lane of ${name} that fails changes no bit of another`, () => {
    const solve = jit(vmap((x: NDArray) => fixedPoint(f, x, { maxSteps: 100 })));
    const lanes = (last: number): Solution<NDArray> =>
      solve(np.stack([vector(x0), vector(x0).mul(1 + 2 ** -10), vector(x0).mul(last)]));
    const [healthy, broken] = [lanes(1 - 2 ** -10), lanes(NaN)];
    const own = (s: Solution<NDArray>) => [
      [...s.value.dataSync()].slice(0, 2 * x0.length),
      [...s.status.dataSync()].slice(0, 2),
      [...s.steps.dataSync()].slice(0, 2),
    ];
    assertEquals(own(broken), own(healthy));
    assertEquals([...broken.steps.dataSync()].at(-1), 1);
  });
}

for (const { name, map, x0 } of fixedPointFree) {
  Deno.test(`no solution of ${name} is claimed`, () => {
    for (const dtype of ["float64", "float32"] as const) {
      const f = map(dtype);
      for (const solver of [anderson(), damped(), damped({ damping: 0.5 })]) {
        for (const unit of [1, 2 ** -40, 2 ** 20]) {
          const start = vector(x0, dtype).mul(unit);
          const s = fixedPoint((x) => f(x.div(unit)).mul(unit), start, { solver });
          assertEquals(s.converged, false, s.message);
        }
      }
    }
  });
}

Deno.test("small unknowns are not taken for solved, in float32 and float64", () => {
  // The acid of 1e-7 mol/l: h = Kw / h + C.
  const acid = fixedPoint((h) => np.div(1e-14, h).add(1e-7), np.array(1e-7));
  assertEquals(acid.statusName, "converged");
  assert(Math.abs(acid.value.item() / 1.618033988749895e-7 - 1) < 1e-5);
  for (const dtype of ["float32", "float64"] as const satisfies readonly DType[]) {
    const p = np.array(1e-12, { dtype });
    const s = fixedPoint((x) => x.div(p).cos().mul(p), p);
    assertEquals(s.statusName, "converged");
    assert(Math.abs(s.value.item() / 7.390851332151607e-13 - 1) < 1e-5, s.message);
  }
});

Deno.test("a large leaf does not hide another, and a leaf of zeros is solved", () => {
  const s = fixedPoint(
    ({ a, b, c }) => ({ a: a.mul(0).add(1e8), b: b.mul(0.9).add(0.1), c }),
    { a: vector([1e8]), b: vector([0]), c: vector([0, 0]) },
    { solver: damped(), maxSteps: 1000 },
  );
  assertEquals(s.statusName, "converged", s.message);
  assert(Math.abs(s.value.b.item() - 1) < 2e-11);
});

Deno.test("a step to where nothing is defined is taken back halfway", () => {
  const f = (x: NDArray): NDArray => np.log(x).add(2);
  for (const run of [f, jit(f)]) {
    const s = fixedPoint(run, vector([0.1]));
    assertEquals(s.statusName, "converged", s.message);
    assert(s.steps.item() <= 20, s.message);
    assert(Math.abs(s.value.item() - 0.158594339563039) < 1e-11);
  }
});

Deno.test("equations of two states in which acceleration cycles are solved, by burst of plain steps", () => {
  const grid: [number, number, number][] = [];
  for (let k = 0; k < 34; k++) {
    for (const [a, b] of [[1, 2], [1, 3], [2, 3], [1, 1.5], [0.5, 2]] as const) {
      grid.push([0.8 + 0.005 * k, a, b]);
    }
  }
  const solve = (g: NDArray, a: NDArray, b: NDArray): Solution<NDArray> =>
    fixedPoint(
      (v) => {
        const [first, second] = [v.at(0), v.at(1)];
        return np.stack([np.maximum(first.mul(g).add(a), second.mul(g)), second.mul(g).add(b)]);
      },
      vector([0, 0]),
      { maxSteps: 1000 },
    );
  const column = (i: number): NDArray => vector(grid.map((row) => row[i]!));
  const all = jit(vmap(solve))(column(0), column(1), column(2));
  assertEquals(all.orThrow().converged, true, all.message);
  grid.forEach(([g, a, b], i) => {
    const right = [Math.max((g * b) / (1 - g), a / (1 - g)), b / (1 - g)];
    right.forEach((v, j) => {
      const found = all.value.dataSync()[2 * i + j]!;
      assert(Math.abs(found / v - 1) < 1e-9, `${g}, ${a}, ${b}: ${found}, right ${v}`);
    });
  });
});

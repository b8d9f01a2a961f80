/** Starts that are far away, and solutions at 0: what residuals, steps and gains are small beside. */
import {
  aitken,
  anderson,
  bfgs,
  broyden,
  damped,
  dogleg,
  fixedPoint,
  gaussNewton,
  jit,
  lbfgs,
  leastSquares,
  levenbergMarquardt,
  minimise,
  type NDArray,
  nelderMead,
  newtonCg,
  nn,
  nonlinearCg,
  numpy as np,
  proximalGradient,
  rootFind,
  type Solution,
} from "../../mod.ts";
import { assert } from "../support/assert.ts";

Deno.test("a start that is far away does not make a residual small", () => {
  const maps: readonly [f: (x: NDArray) => NDArray, solution: number][] = [
    [(x) => x.mul(0.5).add(0.5), 1],
    [(x) => x.add(np.div(2, x)).mul(0.5), Math.SQRT2],
    [(x) => x.mul(0.3).add(1e-3), 1e-3 / 0.7],
    [(x) => x.mul(0.5), 0],
    [(x) => np.sin(x).mul(-0.5), 0],
  ];
  const methods = [anderson(), broyden(), damped()];
  for (const dtype of ["float32", "float64"] as const) {
    const error = dtype === "float32" ? 1e-4 : 1e-9;
    for (const [at, [f, solution]] of maps.entries()) {
      for (const solver of methods) {
        const solve = jit((x: NDArray) => fixedPoint(f, x, { solver, maxSteps: 400 }));
        for (const start of [3, 1e4, 1e6, 1e9, 1e12]) {
          const s = solve(np.array([start, -0.7 * start], { dtype }));
          const name = `map ${at} from ${start} in ${dtype}, ${s.message}`;
          // From afar these methods may not get here; plain steps of a contraction do.
          if (solver === methods[2]) assert(s.converged, name);
          if (!s.converged) continue;
          const allowed = error * (solution === 0 ? start : solution);
          for (const x of s.value.dataSync()) {
            const off = at === 1 ? Math.abs(x) - solution : x - solution;
            assert(Math.abs(off) <= allowed, `${name}: ${x}`);
          }
        }
      }
    }
  }
});

Deno.test("a leaf that is 0 at the solution ends, beside one that is not", () => {
  const f = ({ a, b }: { a: NDArray; b: NDArray }) => ({
    a: np.cos(a),
    b: b.mul(0.5).add(a.sub(np.cos(a)).sum().mul(0.1)),
  });
  for (const dtype of ["float32", "float64"] as const) {
    for (const solver of [anderson(), damped(), broyden()]) {
      const x0 = { a: np.array([1, 0.5], { dtype }), b: np.array([1e3], { dtype }) };
      const s = fixedPoint(f, x0, { solver });
      assert(s.converged, `${dtype}, ${s.message}`);
      const allowed = dtype === "float32" ? 1e-2 : 1e-8;
      assert(Math.abs(s.value.b.item()) <= allowed, `${dtype}, ${s.message}: ${s.value.b}`);
    }
  }
});

/** Equations, and the absolute values of their roots. */
const equations: readonly [f: (x: NDArray) => NDArray, root: number][] = [
  [(x) => x.sub(1), 1],
  [(x) => x.square().sub(2), Math.SQRT2],
  [(x) => x.mul(x).mul(x).add(x).sub(2), 1],
  [(x) => x.mul(0.7).sub(1e-3), 1e-3 / 0.7],
  [(x) => x.mul(3), 0],
];

type Solve = (f: (x: NDArray) => NDArray) => (x: NDArray) => Solution<NDArray>;

const families: Readonly<Record<string, Solve>> = {
  ...Object.fromEntries(
    [levenbergMarquardt(), dogleg(), gaussNewton()].map((solver): [string, Solve] => [
      `leastSquares by ${solver.description}`,
      (f) => (x) => leastSquares(f, x, { solver }),
    ]),
  ),
  ...Object.fromEntries(
    [lbfgs(), bfgs(), newtonCg(), nonlinearCg(), nelderMead()].map((solver): [string, Solve] => [
      `minimise by ${solver.description}`,
      (f) => (x) => minimise((x: NDArray) => f(x).square().sum(), x, { solver }),
    ]),
  ),
  ...Object.fromEntries(
    // The second holds points that are none, next to a saddle and on a slope.
    ([["", (x) => x], [" above a bound", (x) => np.maximum(x, 1e-6)]] as [
      string,
      (x: NDArray) => NDArray,
    ][]).map(([set, prox]): [string, Solve] => [
      `minimise by proximal gradients${set}`,
      (f) => (x) =>
        minimise((x: NDArray) => f(x).square().sum(), x, { solver: proximalGradient(prox) }),
    ]),
  ),
};

Deno.test("a start that is far away does not make the residual of a root small, of which methods see values alone", () => {
  // Double roots are known to half the digits.
  const maps: readonly [f: (x: NDArray) => NDArray, root: number, digits?: number][] = [
    ...equations,
    [(x) => np.exp(x).sub(2), Math.LN2],
    [(x) => x.square().add(x).sub(1e-3), (Math.sqrt(1.004) - 1) / 2],
    [(x) => x.sub(1).square(), 1, 0.5],
    [(x) => x.square(), 0, 0.5],
  ];
  const methods = [
    broyden(),
    broyden({ memory: 1 }),
    anderson(),
    aitken(),
    damped({ damping: 0.1 }),
  ];
  let [claimed, near] = [0, 0];
  for (const [at, [f, root, digits = 1]] of maps.entries()) {
    for (const solver of methods) {
      const solve = jit((x: NDArray) => rootFind(f, x, { solver }));
      for (const dtype of ["float32", "float64"] as const) {
        const error = (dtype === "float32" ? 1e-4 : 1e-9) ** digits;
        for (const start of [2, 10, 1e3, 1e5]) {
          const s = solve(np.array(start, { dtype }));
          if (start === 2 && s.converged) near++;
          if (!s.converged) continue;
          claimed++;
          const x = s.value.item();
          const off = at === 1 ? Math.abs(x) - root : x - root;
          const where = `equation ${at} from ${start} in ${dtype}`;
          const allowed = error * (root === 0 ? start : root);
          // The other root of a quadratic equation.
          if (at === 6 && Math.abs(x + 1 + root) < error) continue;
          assert(Math.abs(off) <= allowed, `${where}, ${s.message}: ${x}`);
        }
      }
    }
  }
  // Who claims nothing is never wrong.
  const tried = maps.length * methods.length * 2;
  assert(near > 0.6 * tried, `${near} of ${tried} are claimed from near, ${claimed} in all`);
});

for (const [name, family] of Object.entries(families)) {
  Deno.test(`what was gained from a start far away makes no step small: ${name}`, () => {
    let [claimed, tried] = [0, 0];
    for (const [at, [f, root]] of equations.entries()) {
      const solve = jit(family(f));
      for (const dtype of ["float32", "float64"] as const) {
        // Values of minima are known to half the digits.
        const error = dtype === "float32" ? 2e-2 : 1e-4;
        for (const start of [3, 100, 1e4, dtype === "float32" ? 1e5 : 1e6]) {
          const s = solve(np.array([start, -0.7 * start], { dtype }));
          tried++;
          if (!s.converged) continue;
          claimed++;
          const allowed = error * (root === 0 ? start : root);
          for (const x of s.value.dataSync()) {
            const off = at === 1 ? Math.abs(x) - root : x - root;
            const where = `equation ${at} from ${start} in ${dtype}`;
            assert(Math.abs(off) <= allowed, `${where}, ${s.message}: ${x}`);
          }
        }
      }
      const near = solve(np.array([3, -2], { dtype: "float64" }));
      assert(near.converged, `equation ${at}, ${near.message}`);
    }
    // Who claims nothing is never wrong.
    assert(claimed > 0.7 * tried, `${claimed} of ${tried} are claimed`);
  });
}

/** Functions of many unknowns, of leaves that hang together, within bounds, and of infinite slopes: with their minima. */
interface Tree {
  readonly a: NDArray;
  readonly b: NDArray;
}
const many: readonly {
  readonly name: string;
  readonly f: (x: Tree) => NDArray;
  readonly a: readonly number[];
  readonly b: number;
  readonly lower?: number;
}[] = [
  {
    name: "one leaf follows the other",
    f: ({ a, b }) => a.sub(b.mul(2)).square().sum().add(b.sub(1).square()),
    a: [2, 2, 2, 2, 2],
    b: 1,
  },
  {
    name: "all within bounds",
    f: ({ a, b }) => a.sub(1e-3).square().sum().add(b.sub(2).square().mul(3)),
    a: [1e-3, 1e-3],
    b: 2,
    lower: 0,
  },
  {
    name: "one at its bound",
    f: ({ a, b }) => a.add(b).sub(1).square().sum().add(b.add(3).square()),
    a: [1, 1],
    b: 0,
    lower: 0,
  },
  {
    name: "slopes that are infinite at the bound",
    f: ({ a, b }) => a.sub(np.sqrt(a).mul(2)).sum().add(b.sub(np.sqrt(b))),
    a: [1, 1, 1, 1, 1],
    b: 0.25,
    lower: 0,
  },
];

for (const solver of [lbfgs(), newtonCg(), nonlinearCg(), nelderMead()]) {
  Deno.test(`starts that are far away, of trees and within bounds: ${solver.description}`, () => {
    let [claimed, tried] = [0, 0];
    for (const { name, f, a, b, lower } of many) {
      const bounds = lower === undefined ? undefined : { lower };
      const solve = jit((x: Tree) => minimise(f, x, { solver, bounds }));
      for (const dtype of ["float32", "float64"] as const) {
        const error = dtype === "float32" ? 2e-2 : 1e-4;
        for (const start of [3, 1e4, 1e6]) {
          const s = solve({
            a: np.array(a.map((_, i) => start * (1 - 0.15 * i)), { dtype }),
            b: np.array(0.3 * start, { dtype }),
          });
          tried++;
          if (!s.converged) continue;
          claimed++;
          const off = [...s.value.a.dataSync()].map((x, i) => Math.abs(x - a[i]!));
          const where = `${name} from ${start} in ${dtype}, ${s.message}: ${s.value.a}`;
          assert(Math.max(...off) <= error * Math.max(...a), where);
          assert(Math.abs(s.value.b.item() - b) <= error * (b === 0 ? 1 : b), where);
        }
      }
    }
    assert(claimed > 0.7 * tried, `${claimed} of ${tried} are claimed`);
  });
}

Deno.test("a plateau is no minimum where something is lower on the way to 0", () => {
  const [one, other] = [1, 1.7];
  // Flat from afar: what rounds to 1, what underflows, and what saturates.
  const plateaus: readonly ((d: NDArray) => NDArray)[] = [
    (d) => np.abs(d).div(np.abs(d).add(1)).sum(),
    (d) => d.square().div(d.square().add(1)).sum(),
    (d) => np.exp(d.square().sum().neg()).neg(),
    (d) => nn.sigmoid(d).sub(0.5).square().sum(),
    (d) => np.tanh(d).square().sum(),
  ];
  let [claimed, tried] = [0, 0];
  for (const [at, f] of plateaus.entries()) {
    for (const solver of [lbfgs(), newtonCg()]) {
      const solve = jit((x: NDArray) =>
        minimise((x) => f(x.sub(np.array([one, other], { dtype: x.dtype }))), x, { solver })
      );
      for (const dtype of ["float32", "float64"] as const) {
        for (const start of [100, 1e4, 1e9]) {
          const s = solve(np.array([start, -0.7 * start], { dtype }));
          tried++;
          if (!s.converged) continue;
          claimed++;
          const [x, y] = s.value.dataSync() as unknown as [number, number];
          const off = Math.abs(x - one) + Math.abs(y - other);
          const where = `plateau ${at} from ${start} in ${dtype}`;
          assert(off <= 1e-2, `${where}, ${s.message}: ${s.value}`);
        }
      }
    }
  }
  assert(claimed > 0.6 * tried, `${claimed} of ${tried} are claimed`);
  // What is the same everywhere has its minimum where it is.
  for (const dtype of ["float32", "float64"] as const) {
    const s = minimise((x: NDArray) => x.mul(0).sum().add(3), np.array([5, 7], { dtype }));
    assert(s.converged && s.value.at(0).item() === 5, s.message);
  }
});

Deno.test("a start that is the minimum is one, also where nothing is gained and the value is 0", () => {
  const minima: readonly [f: (x: NDArray) => NDArray, at: number[]][] = [
    [(x) => x.sub(1).square().sum(), [1]],
    [(x) => x.sub(np.array([1, 2], { dtype: x.dtype })).square().sum(), [1, 2]],
    [
      (x) => x.at(1).sub(x.at(0).square()).square().mul(100).add(x.at(0).sub(1).square()),
      [1, 1],
    ],
    [(x) => np.cosh(x.sub(1)).sum(), [1]],
  ];
  for (const [f, at] of minima) {
    for (const solver of [lbfgs(), bfgs(), newtonCg(), nonlinearCg()]) {
      for (const dtype of ["float32", "float64"] as const) {
        const s = minimise(f, np.array(at, { dtype }), { solver });
        assert(s.converged && s.steps.item() === 1, `${f}, ${dtype}: ${s.message}`);
      }
    }
  }
});

/** Functions whose gradients and Jacobians come from elsewhere, which have no derivatives of their own. */
import {
  bfgs,
  customJvp,
  customVjp,
  DifferentiationError,
  dogleg,
  fixedPoint,
  gaussNewton,
  jit,
  lbfgs,
  leastSquares,
  levenbergMarquardt,
  minimise,
  type NDArray,
  newton,
  newtonCg,
  nonlinearCg,
  numpy as np,
  pureCallback,
  rootFind,
  unrolled,
} from "../../mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { cpu } from "../support/everywhere.ts";

type Vector = readonly number[];

/** A value with its gradient, in plain numbers, and where it is least. */
interface Problem {
  readonly value: (x: Vector) => number;
  readonly slope: (x: Vector) => Vector;
  readonly from: Vector;
  readonly least: Vector | null;
}

const problems: Readonly<Record<string, Problem>> = {
  "H. H. Rosenbrock's valley": {
    value: ([a, b]) => (1 - a!) ** 2 + 100 * (b! - a! * a!) ** 2,
    slope: ([a, b]) => [-2 * (1 - a!) - 400 * a! * (b! - a! * a!), 200 * (b! - a! * a!)],
    from: [-1.2, 1],
    least: [1, 1],
  },
  "the same in other units": {
    value: ([a, b]) => (1 - 1e6 * a!) ** 2 + 100 * (1e6 * b! - 1e12 * a! * a!) ** 2,
    slope: ([a, b]) => {
      const off = 1e6 * b! - 1e12 * a! * a!;
      return [-2e6 * (1 - 1e6 * a!) - 4e14 * a! * off, 2e8 * off];
    },
    from: [-1.2e-6, 1e-6],
    least: [1e-6, 1e-6],
  },
  // The way down leads over a saddle at (0, 0) at first.
  "a saddle between two minima": {
    value: ([a, b]) => a! * a! - b! * b! + b! ** 4,
    slope: ([a, b]) => [2 * a!, -2 * b! + 4 * b! ** 3],
    from: [1, 1e-9],
    least: [0, Math.SQRT1_2],
  },
  "a slope without an end": {
    value: ([a, b]) => Math.exp(-a!) + b! * b!,
    slope: ([a, b]) => [-Math.exp(-a!), 2 * b!],
    from: [1, 1],
    least: null,
  },
};

/** The function as one that the host computes, with what it asked for. */
function outside({ value, slope }: Problem, asked: Vector[] = []): (x: NDArray) => NDArray {
  const numbers = (x: NDArray): Vector => {
    const v = x.toArray() as number[];
    asked.push(v);
    return v;
  };
  const f = (x: NDArray): NDArray =>
    pureCallback(
      (x: NDArray) => np.array(value(numbers(x)), { dtype: x.dtype }),
      np.zeros([], { dtype: x.dtype }),
      [x],
    );
  const g = (x: NDArray): NDArray =>
    pureCallback((x: NDArray) => np.array([...slope(numbers(x))], { dtype: x.dtype }), x, [x]);
  return customVjp(f, (x: NDArray) => [f(x), x], (x: NDArray, y: NDArray) => [g(x).mul(y)]);
}

const methods = { bfgs, lbfgs, newtonCg, nonlinearCg };

for (const [name, problem] of Object.entries(problems)) {
  Deno.test(`a minimum by gradients from elsewhere: ${name}`, () => {
    for (const dtype of ["float64", "float32"] as const) {
      for (const [by, make] of Object.entries(methods)) {
        const f = outside(problem);
        const solve = (x: NDArray) => minimise(f, x, { solver: make() });
        const from = np.array([...problem.from], { dtype });
        const compiled = jit((x: NDArray) => {
          const { value, status } = solve(x);
          return { value, status };
        }, cpu)(from);
        const found = dtype === "float64" && make === lbfgs ? solve(from) : null;
        for (const { value, status } of found === null ? [compiled] : [compiled, found]) {
          const what = `${by}, ${dtype}: [${value.toArray()}]`;
          if (problem.least === null) {
            assert(status.item() !== 0, `${what} is claimed`);
            continue;
          }
          assertEquals(status.item(), 0, what);
          const scale = Math.max(...problem.least.map(Math.abs));
          const want = np.array([...problem.least], { dtype });
          // The valley is a hundred times flatter than it is steep: half the digits, less two.
          const tolerance = dtype === "float64" ? 1e-6 : 1e-2;
          assertClose(np.abs(value).div(scale), want.div(scale), tolerance, what);
        }
      }
    }
  });
}

Deno.test("what is made up by differences stays within bounds", () => {
  for (const [by, make] of Object.entries({ bfgs, lbfgs, newtonCg })) {
    const asked: Vector[] = [];
    const f = outside(problems["H. H. Rosenbrock's valley"]!, asked);
    const [lower, upper] = [[-2, -0.5], [0.5, 0.2]];
    const f64 = (v: Vector): NDArray => np.array([...v], { dtype: "float64" });
    const bounds = { lower: f64(lower), upper: f64(upper) };
    const found = minimise(f, f64([-1.2, 0]), { solver: make(), bounds });
    assert(found.converged, `${by}: ${found.message}`);
    // b is held at 0.2, and (1 - a)^2 + 100 (0.2 - a^2)^2 is least at the root of its slope that is the lower one.
    const a = (found.value.toArray() as number[])[0]!;
    assertClose(f64([-2 * (1 - a) - 400 * a * (0.2 - a * a)]), f64([0]), 1e-5, by);
    const outer = asked.filter((v) => v.some((e, i) => e < lower[i]! || e > upper[i]!));
    assertEquals(outer, [], by);
  }
});

/** Squares less two numbers, of which the host computes values and slopes. */
const squares = (() => {
  const value = (x: NDArray): NDArray =>
    pureCallback((v: NDArray) => np.square(v).sub(np.array([2, 3], { dtype: v.dtype })), x, [x]);
  const slope = (x: NDArray): NDArray => pureCallback((v: NDArray) => v.mul(2), x, [x]);
  const f = customJvp(value, ([x], [t]) => [value(x!), slope(x!).mul(t!)]);
  return f as unknown as (x: NDArray) => NDArray;
})();

Deno.test("equations and fits by Jacobians from elsewhere", () => {
  const from = np.array([3, 4], { dtype: "float64" });
  const truth = np.array([Math.SQRT2, Math.sqrt(3)], { dtype: "float64" });
  for (const make of [levenbergMarquardt, newton, dogleg]) {
    const solve = (x: NDArray): NDArray => rootFind(squares, x, { solver: make() }).value;
    for (const run of [solve, jit(solve, cpu)]) assertClose(run(from), truth, 1e-12, make.name);
  }
  for (const make of [levenbergMarquardt, gaussNewton, dogleg]) {
    const solve = (x: NDArray): NDArray =>
      leastSquares(squares, x, { solver: make(), adjoint: unrolled() }).value;
    for (const run of [solve, jit(solve, cpu)]) assertClose(run(from), truth, 1e-12, make.name);
  }
});

Deno.test("where derivatives are lacking, messages say of what, and what to do", () => {
  const x = np.array([3, 4]);
  const values = (x: NDArray): NDArray => pureCallback((v: NDArray) => np.cos(v), x, [x]);
  const cases: readonly (readonly [run: () => unknown, message: string])[] = [
    [
      () => rootFind(values, x),
      "rootFind by Levenberg-Marquardt: it needs the Jacobian of values, which has none. Take { solver: broyden() }",
    ],
    [
      () => leastSquares(values, x),
      "leastSquares by Levenberg-Marquardt: it needs the Jacobian of values and, but for { adjoint: unrolled() }, " +
      "derivatives of that",
    ],
    [
      () =>
        leastSquares(squares, x, {
          solver: levenbergMarquardt({ geodesic: true }),
          adjoint: unrolled(),
        }),
      "nothing is known of derivatives",
    ],
    [
      () => fixedPoint(values, x, { solver: newton() }),
      "fixedPoint by Newton's method: it needs the derivative of values, which has none. Take { solver: anderson() }",
    ],
  ];
  for (const [run, message] of cases) assertThrows(run, DifferentiationError, message);
});

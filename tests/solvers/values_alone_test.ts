/** Functions of which nothing is known but their values, and those that have no derivatives backwards. */
import {
  anderson,
  bisection,
  bracketRoot,
  broyden,
  chandrupatla,
  damped,
  DifferentiationError,
  fixedPoint,
  goldenSection,
  grad,
  jit,
  minimise,
  minimiseScalar,
  type NDArray,
  nelderMead,
  newton,
  numpy as np,
  projectNonNegative,
  proximalGradient,
  pureCallback,
  rootFind,
  ShapeDtype,
  steffensen,
  toms748,
  vmap,
  whileLoop,
} from "../../mod.ts";
import * as hk from "../../adapters/haiku/mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { cpu } from "../support/everywhere.ts";

const f64 = (v: number | readonly number[]): NDArray =>
  np.array(v as number[], { dtype: "float64" });

/** A function of a number that is no program. */
const outside = (h: (x: number) => number) => (x: NDArray): NDArray =>
  pureCallback((v: NDArray) => f64(h(v.item())), new ShapeDtype([], "float64"), [x], {
    vmapMethod: "sequential",
  });
const cosine = outside(Math.cos);
const square = outside((x) => x * x - 2);
const cube = outside((x) => x ** 3 - 2);
const bowl = outside((x) => Math.cosh(x - 1));

/** Of each method that needs values alone what it finds of such a function, and the truth. */
const cases: Readonly<Record<string, readonly [solve: (from: NDArray) => NDArray, truth: number]>> =
  {
    ...Object.fromEntries(
      Object.entries({ anderson, broyden, damped, steffensen }).map(([name, make]) => [
        `fixedPoint by ${name}`,
        [(x0: NDArray) => fixedPoint(cosine, x0, { solver: make() }).value, 0.7390851332151607],
      ]),
    ),
    ...Object.fromEntries(
      Object.entries({ bisection, chandrupatla, toms748 }).map(([name, make]) => [
        `bracketRoot by ${name}`,
        [
          (x0: NDArray) => bracketRoot(square, [x0, 2], { solver: make() }).value,
          Math.SQRT2,
        ],
      ]),
    ),
    "rootFind by broyden": [(x0) => rootFind(cube, x0, { solver: broyden() }).value, Math.cbrt(2)],
    "minimiseScalar by brentMinimum": [(x0) => minimiseScalar(bowl, [x0, 3]).value, 1],
    "minimiseScalar by goldenSection": [
      (x0) => minimiseScalar(bowl, [x0, 3], { solver: goldenSection() }).value,
      1,
    ],
    "minimise by nelderMead": [(x0) => minimise(bowl, x0, { solver: nelderMead() }).value, 1],
  };

Deno.test("functions without derivatives are solved by what needs values alone, eagerly, compiled and in lanes", () => {
  for (const [name, [solve, truth]] of Object.entries(cases)) {
    const tolerance = name.startsWith("minimise") ? 1e-7 : 1e-10;
    assertClose(solve(f64(0.5)), f64(truth), tolerance, name);
    assertClose(jit(solve, cpu)(f64(0.5)), f64(truth), tolerance, name);
    assertClose(vmap(solve)(f64([0.5, 0.6])), f64([truth, truth]), tolerance, name);
  }
});

Deno.test("that they have none is said where the derivative of the solution is asked for", () => {
  const solutions: Readonly<Record<string, (a: NDArray) => NDArray>> = {
    fixedPoint: (a) => fixedPoint((x) => cosine(x).mul(a), f64(1)).value,
    rootFind: (a) => rootFind((x) => square(x).sub(a), f64(1), { solver: broyden() }).value,
    bracketRoot: (a) => bracketRoot((x) => square(x).sub(a), [0, 2]).value,
    minimiseScalar: (a) => minimiseScalar((x) => bowl(x).add(a.mul(x)), [-3, 3]).value,
    minimise: (a) => minimise((x) => bowl(x).add(a.mul(x)), f64(0), { solver: nelderMead() }).value,
  };
  for (const [name, solution] of Object.entries(solutions)) {
    assert(Number.isFinite(solution(f64(0.9)).item()), name);
    assertThrows(() => grad(solution)(f64(0.9)), DifferentiationError, "derivatives", name);
    assertThrows(() => jit(grad(solution))(f64(0.9)), DifferentiationError, "derivatives", name);
    // What does not depend on the solution has its derivative.
    const beside = (a: NDArray): NDArray => solution(f64(0.9)).mul(a);
    assertClose(grad(beside)(f64(2)), solution(f64(0.9)), 1e-15, name);
  }
});

Deno.test("methods by derivatives refuse them at once", () => {
  assertThrows(() => rootFind(square, f64(1), { solver: newton() }), DifferentiationError);
  // Those of minima say what does without.
  for (const solver of [undefined, proximalGradient(projectNonNegative)]) {
    assertThrows(
      () => minimise(bowl, f64(0), { ...solver && { solver } }),
      DifferentiationError,
      "it needs the gradient of an anonymous function, which has none. Take { solver: nelderMead() }",
    );
  }
});

Deno.test("a proximal operator that is no program is enough for the minimum, but not for its derivative", () => {
  const project = (x: NDArray): NDArray =>
    pureCallback((v: NDArray) => np.clip(v, -1, 1), new ShapeDtype(x.shape, x.dtype), [x]);
  const solver = proximalGradient(project);
  const saddle = (x: NDArray, to: NDArray): NDArray =>
    x.at(0).sub(to).square().sub(x.at(1).square());
  const solve = (to: NDArray) =>
    minimise((x: NDArray) => saddle(x, to), np.zeros([2], { dtype: to.dtype }), { solver });
  for (const dtype of ["float32", "float64"] as const) {
    const s = solve(np.array(0.5, { dtype }));
    assert(s.converged, `${dtype}: ${s.message}`);
    assertClose(np.abs(s.value), np.array([0.5, 1], { dtype }), dtype === "float32" ? 1e-4 : 1e-7);
  }
  const compiled = jit((to: NDArray) => solve(to).value, cpu)(f64(2));
  assertClose(np.abs(compiled), f64([1, 1]), 1e-7);
  assertThrows(
    () => grad((to: NDArray) => solve(to).value.sum())(f64(0.5)),
    DifferentiationError,
    "project has no derivatives, so that the minimum has no derivative",
  );
});

Deno.test("a simplex needs no derivatives backwards, stays within bounds and tells the slope by differences", () => {
  // A loop of a number of steps that is not known has derivatives forwards alone.
  const iterated = (x: NDArray): NDArray =>
    whileLoop(
      ({ i }) => i.less(3),
      ({ i, y }) => ({ i: i.add(1), y: y.sub(1).square() }),
      { i: np.array(0, { dtype: "int32" }), y: x },
    ).y;
  const found = minimise(iterated, f64(0.3), { solver: nelderMead() });
  assert(found.converged, found.message);
  assertClose(iterated(found.value), f64(0), 1e-7);

  const valley = (x: NDArray): NDArray =>
    pureCallback(
      (v: NDArray) => {
        const [a, b] = v.toArray() as number[];
        assert(a! <= 0.5 && b! >= -1, `${a}, ${b} is out of bounds`);
        return f64((a! - 1) ** 2 + 10 * (b! + 2) ** 2);
      },
      new ShapeDtype([], "float64"),
      [x],
    );
  const bounds = { lower: f64([-3, -1]), upper: f64([0.5, 3]) };
  const held = minimise(valley, f64([0, 0]), { solver: nelderMead(), bounds });
  assert(held.converged, held.message);
  assertClose(held.value, f64([0.5, -1]), 1e-12);
  const free = minimise(
    (x: NDArray) => outside((v) => (v - 3) ** 4)(x.at(0)).add(x.at(1).square()),
    f64([0, 1]),
    { solver: nelderMead(), maxSteps: 3 },
  );
  assertEquals(free.statusName, "maxSteps");
  const [a, b] = free.value.toArray() as number[];
  assertClose(free.gradientNorm!, f64(Math.hypot(4 * (a! - 3) ** 3, 2 * b!)), 1e-6);
});

Deno.test("a model with weights and a function without derivatives are solved inside a module system", () => {
  const model = hk.transform((x: NDArray) => {
    const layer = new hk.Linear(1, { wInit: hk.initializers.constant(0.5) });
    const step = (z: NDArray): NDArray =>
      cosine(layer.call(z.reshape([1])).astype("float64").reshape([]).add(x));
    return fixedPoint(step, f64(0), { transforms: hk.transforms }).value;
  });
  const params = model.init(null, f64(0.1));
  const value = model.apply(params, null, f64(0.1));
  assertClose(np.cos(value.mul(0.5).add(0.1)), value, 1e-6);
});

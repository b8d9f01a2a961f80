/** `rootFind` against known roots and derivatives, and its honesty about failure. */
import {
  broyden,
  chord,
  dogleg,
  grad,
  hessian,
  jit,
  levenbergMarquardt,
  newton,
  numpy as np,
  rootFind,
  type Stepper,
  TreeError,
  vmap,
} from "../../mod.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "../support/assert.ts";

const f64 = (xs: number | readonly number[]): np.NDArray =>
  np.array(typeof xs === "number" ? xs : [...xs], { dtype: "float64" });

Deno.test("a root has derivatives of both orders, compiled too", () => {
  const root = (a: np.NDArray): np.NDArray =>
    rootFind((x) => x.pow(3).sub(x).sub(a), np.array(1.5, { dtype: "float64" })).value;
  // x^3 - x = 2, by mpmath.
  const x = 1.52137970680456756960408083225;
  const two = np.array(2, { dtype: "float64" });
  const slope = 1 / (3 * x * x - 1);
  assertAlmostEquals(root(two).item(), x, 1e-14);
  assertAlmostEquals(grad(root)(two).item(), slope, 1e-13);
  assertAlmostEquals(jit(grad(root))(two).item(), slope, 1e-13);
  assertAlmostEquals(hessian(root)(two).item(), -6 * x * slope ** 3, 1e-11);
});

Deno.test("unknowns are a tree, in lanes too", () => {
  const solve = (s: np.NDArray) =>
    rootFind(({ x, y }) => ({ x: x.add(y).sub(s), y: x.mul(y).sub(2) }), {
      x: np.array(3, { dtype: "float64" }),
      y: np.array(0.5, { dtype: "float64" }),
    }).value;
  const { x, y } = vmap(solve)(f64([3, 4, 5]));
  [3, 4, 5].forEach((s, i) => {
    assertAlmostEquals(x.dataSync()[i]!, (s + Math.sqrt(s * s - 8)) / 2, 1e-12);
    assertAlmostEquals(y.dataSync()[i]!, (s - Math.sqrt(s * s - 8)) / 2, 1e-12);
  });
});

Deno.test("a minimum of the residual that is no root is not claimed", () => {
  const none = rootFind((x) => x.square().add(1), np.array(3, { dtype: "float64" }));
  assert(!none.converged, none.message);
  const flat = rootFind((x) => np.exp(x), np.array(0, { dtype: "float64" }), { maxSteps: 30 });
  assert(!flat.converged || flat.residualNorm.item() === 0, flat.message);
});

Deno.test("a start at the root, at a singular Jacobian, and units", () => {
  assertEquals(rootFind((x) => x.sub(1), f64([1])).statusName, "converged");
  const singular = rootFind((x) => x.square().sub(4), f64([0]));
  assert(singular.converged || singular.statusName === "stagnated", singular.message);
  for (const unit of [1e-12, 1, 1e6]) {
    const root = rootFind((x) => x.div(unit).square().sub(2), f64([unit]));
    assertEquals(root.statusName, "converged");
    assertAlmostEquals(root.value.item() / unit, Math.SQRT2, 1e-12);
  }
});

Deno.test("bounds choose among roots", () => {
  const root = (lower: number, upper: number): number =>
    rootFind((x) => x.square().sub(2), f64([0.5 * (lower + upper)]), { bounds: { lower, upper } })
      .value.item();
  assertAlmostEquals(root(-5, -0.5), -Math.SQRT2, 1e-12);
  assertAlmostEquals(root(0.5, 5), Math.SQRT2, 1e-12);
});

Deno.test("several equations are in a list, a record or an array of their own, in all that solves them", () => {
  const unknowns = { x: f64(1), y: f64([2, 3]) };
  type Unknowns = typeof unknowns;
  // x^2 = s, x y0 = 2, y0 + y1 = 5.
  const equations = (s: np.NDArray) => ({ x, y }: Unknowns): np.NDArray[] => [
    x.square().sub(s),
    x.mul(y.at(0)).sub(2),
    y.sum().sub(5),
  ];
  type Laid = np.NDArray | np.NDArray[] | Record<string, np.NDArray>;
  const layouts: Record<string, (all: np.NDArray[]) => Laid> = {
    "a list": (all) => all,
    "an array": (all) => np.stack(all),
    "a matrix": (all) => np.stack(all).reshape([3, 1]),
    "a record": ([a, b, c]) => ({ a: a!, rest: np.stack([b!, c!]) }),
  };
  const two = f64(2);
  const right = [Math.SQRT2, Math.SQRT2, 5 - Math.SQRT2];
  for (const [what, laid] of Object.entries(layouts)) {
    for (const solver of [levenbergMarquardt(), dogleg(), newton(), chord(), broyden()]) {
      const solve = (s: np.NDArray) => rootFind((v) => laid(equations(s)(v)), unknowns, { solver });
      const name = `${what}, ${solver.description}`;
      for (const { value, converged, message } of [solve(two), jit(solve)(two)]) {
        assert(converged, `${name}: ${message}`);
        const found = [value.x.item(), ...value.y.dataSync()];
        right.forEach((v, i) => assertAlmostEquals(found[i]!, v, 1e-9, name));
      }
      const slope = grad((s: np.NDArray) => solve(s).value.y.at(1))(two).item();
      assertAlmostEquals(slope, 0.5 / Math.SQRT2, 1e-9, name);
    }
    const bounded = rootFind((v) => laid(equations(two)(v)), { ...unknowns, x: f64(-1) }, {
      bounds: { upper: { x: 0 } },
    });
    assertAlmostEquals(bounded.value.x.item(), -Math.SQRT2, 1e-9, what);
    const aux = rootFind((v) => [laid(equations(two)(v)), v.x.mul(2)] as const, unknowns, {
      hasAux: true,
    });
    assertAlmostEquals(aux.aux.item(), 2 * Math.SQRT2, 1e-9, what);
  }
  const lanes = vmap((s: np.NDArray) =>
    rootFind((v) => [v.at(0).mul(v.at(1)).sub(s), v.at(0).sub(1)], f64([2, 2])).value
  )(f64([3, 4]));
  assertEquals(
    [...lanes.dataSync()].map((v) => v.toFixed(9)),
    [1, 3, 1, 4].map((v) => v.toFixed(9)),
  );
});

Deno.test("another number of equations than unknowns is refused, and another dtype", () => {
  const several =
    "as many equations as unknowns, 2, not 1; for other numbers of equations there is leastSquares";
  const cases: readonly (readonly [() => unknown, string])[] = [
    [() => rootFind((x: np.NDArray) => x.sum().reshape([1]), f64([1, 2])), several],
    [() => rootFind(({ a, b }) => [a.add(b)], { a: f64(1), b: f64(2) }), several],
    [
      () => rootFind((x: np.NDArray) => [x.at(0), x.at(1).astype("float32")], f64([1, 2])),
      "Equations are of the unknowns' dtype, and one is given as its unknown is",
    ],
    [
      () => rootFind((x: np.NDArray) => [x], f64(1)),
      "Equations are of the unknowns' dtype, and one is given as its unknown is",
    ],
  ];
  for (const [wrong, text] of cases) assertThrows(wrong, TreeError, text);
});

Deno.test("hasAux gives what f gives beside its value, at the root, with derivatives", () => {
  const solve = (a: np.NDArray) =>
    rootFind((x) => [x.square().sub(a), { cube: x.pow(3) }], np.array(1, { dtype: "float64" }), {
      hasAux: true,
    });
  const four = np.array(4, { dtype: "float64" });
  for (const root of [solve(four), jit(solve)(four)]) {
    assertAlmostEquals(root.aux.cube.item(), 8, 1e-12);
  }
  // The cube of the root is a^(3/2).
  assertAlmostEquals(grad((a: np.NDArray) => solve(a).aux.cube)(four).item(), 3, 1e-11);
});

Deno.test("a start so far off that the root is rounding beside it leads to the root all the same", () => {
  for (const solver of [levenbergMarquardt(), newton(), dogleg(), chord()]) {
    for (const [scale, from] of [[1, 1e12], [1, 1e20], [1e8, 1e8]]) {
      const start = np.array(from!, { dtype: "float32" });
      const root = rootFind((x) => x.mul(scale!).sub(1), start, { solver });
      assertEquals(root.statusName, "converged", root.message);
      assertAlmostEquals(root.value.item() * scale!, 1, 1e-6);
    }
  }
});

Deno.test("a method of one's own finds roots, by derivatives that it asks for, and keeps no bounds", () => {
  const own: Stepper<null> = {
    description: "Newton's method with damping",
    init: () => null,
    step: (x, r, _, local) => {
      const slope = local.push(np.onesLike(x));
      return [x.sub(r.div(slope).mul(0.9)), null];
    },
  };
  const root = rootFind((x) => x.square().sub(2), f64([1]), { solver: own });
  assertEquals(root.statusName, "converged", root.message);
  assertAlmostEquals(root.value.item(), Math.SQRT2, 1e-11);
  assertThrows(
    () => rootFind((x) => x, f64([1]), { solver: own, bounds: { lower: 0 } }),
    TypeError,
    "does not keep bounds",
  );
});

/** `rootFind` against known roots and derivatives, and its honesty about failure. */
import {
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

const f64 = (xs: readonly number[]): np.NDArray => np.array([...xs], { dtype: "float64" });

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

Deno.test("another number of equations than unknowns is refused", () => {
  assertThrows(
    () => rootFind((x: np.NDArray) => x.sum().reshape([1]), f64([1, 2])),
    TreeError,
    "leastSquares",
  );
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

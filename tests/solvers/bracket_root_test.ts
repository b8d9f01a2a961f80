/** `bracketRoot` against known roots and derivatives. */
import { bracketRoot, grad, jit, numpy as np, vmap } from "../../mod.ts";
import { assert, assertAlmostEquals, assertEquals } from "../support/assert.ts";

const f64 = (x: number): np.NDArray => np.array(x, { dtype: "float64" });

Deno.test("the cubic is solved to the last digit in 12 evaluations, and has its derivative", () => {
  // x^3 - x = 2, by mpmath.
  const known = 1.52137970680456756960408083225;
  const solve = (a: np.NDArray) => bracketRoot((x) => x.pow(3).sub(x).sub(a), [f64(1), f64(2)]);
  const { value, steps, statusName } = solve(f64(2));
  assertEquals(statusName, "converged");
  assertAlmostEquals(value.item(), known, 1e-15);
  assert(steps.item() <= 12, `${steps.item()} evaluations`);
  const slope = 1 / (3 * known ** 2 - 1);
  assertAlmostEquals(grad((a) => solve(a).value)(f64(2)).item(), slope, 1e-13);
  assertAlmostEquals(jit(grad((a) => solve(a).value))(f64(2)).item(), slope, 1e-13);
  const lanes = vmap((a: np.NDArray) => solve(a).value)(np.array([1, 2, 3], { dtype: "float64" }));
  assertAlmostEquals(lanes.dataSync()[1]!, known, 1e-15);
});

Deno.test("steep, flat and multiple roots, and ends that are roots", () => {
  const root = (f: (x: np.NDArray) => np.NDArray, a: number, b: number): number => {
    const { value, statusName } = bracketRoot(f, [f64(a), f64(b)]);
    assertEquals(statusName, "converged");
    return value.item();
  };
  assertAlmostEquals(root((x) => x.sub(1).pow(3), 0, 3), 1, 1e-4);
  assertAlmostEquals(root((x) => np.exp(x.mul(50)).sub(1e10), -5, 5), Math.log(1e10) / 50, 1e-13);
  assertAlmostEquals(root((x) => np.atan(x.sub(0.3)), 100, -90), 0.3, 1e-14);
  assertEquals(root((x) => x.sub(2), 2, 3), 2);
  assertEquals(root((x) => x.sub(3), 2, 3), 3);
});

Deno.test("no change of sign, and values that are not finite, are said", () => {
  assertEquals(bracketRoot((x) => x.square().add(1), [-1, 1]).statusName, "breakdown");
  assertEquals(bracketRoot((x) => np.log(x), [-1, 2]).statusName, "nonfinite");
  assertEquals(bracketRoot((x) => x.sub(0.3), [-1, 2], { maxSteps: 2 }).converged, false);
});

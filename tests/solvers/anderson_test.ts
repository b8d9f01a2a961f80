/** Anderson acceleration where rounding counts; what it solves and how fast is in `fixed_point_test.ts`. */
import {
  anderson,
  type DType,
  fixedPoint,
  type Local,
  type NDArray,
  numpy as np,
  pure,
} from "../../mod.ts";
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";

Deno.test("Anderson acceleration with a long memory needs no more evaluations in float32", () => {
  // Differences of a linear map whose condition is 300 come close to depending on each other, and
  // with each the rounding of the ones before it counts more.
  const n = 60;
  const slopes = Array.from({ length: n }, (_, i) => 1 - 10 ** (-2.5 * i / (n - 1)));
  for (let k = 0; k < 3; k++) {
    const target = slopes.map((_, i) => Math.cos((3 + k) * i * i + 1 + k));
    const evaluations = (dtype: DType): number => {
      const [d, b] = [np.array(slopes, { dtype }), np.array(target, { dtype })];
      const s = fixedPoint((x) => x.mul(d).add(b), np.zerosLike(b), {
        solver: anderson({ memory: n }),
        rtol: 1e-5,
        atol: 0,
      });
      assertEquals(s.statusName, "converged", s.message);
      return s.steps.item();
    };
    const [single, double] = [evaluations("float32"), evaluations("float64")];
    assert(single <= 1.2 * double, `${single} evaluations in float32, ${double} in float64`);
  }
});

Deno.test("after the residual has grown much, the next step knows the last difference alone", () => {
  const stepper = anderson({ memory: 3 });
  const points = [[0.3, -0.2, 0.5], [0.1, 0.4, -0.3], [-0.2, 0.1, 0.2], [0.4, 0.3, -0.1]];
  const residuals = [[1, 0.2, -0.3], [0.4, -0.5, 0.1], [0.2, 0.3, 0.4], [20, -9, 14]];
  const local = { scale: np.array(1) } as Local;
  const run = (from: number): NDArray => {
    let memory = stepper.init(np.array(points[from]!), { m: 3, transforms: pure });
    let next!: NDArray;
    for (let i = from; i < points.length; i++) {
      [next, memory] = stepper.step(np.array(points[i]!), np.array(residuals[i]!), memory, local);
    }
    return next;
  };
  // A method that was started one step before has no other differences.
  assertClose(run(0), run(2), 1e-5);
});

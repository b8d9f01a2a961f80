/** What the methods of `minimise` may not claim: minima that are none, and worse points than they have met. */
import {
  bfgs,
  first,
  jit,
  lbfgs,
  minimise,
  type NDArray,
  nelderMead,
  newtonCg,
  nonlinearCg,
  numpy as np,
} from "../../mod.ts";
import { adam } from "../../lib/optim/mod.ts";
import { assert } from "../support/assert.ts";
import { squares } from "./truth/mgh.ts";
import { type Point, randomProblem } from "./truth/random_problems.ts";

Deno.test("conjugate gradients claim no minima that are none", () => {
  for (const dtype of ["float64", "float32"] as const) {
    for (const { name, f, start: x0, minima } of squares) {
      const sum = (x: NDArray): NDArray => f(x.astype("float64")).square().sum();
      const solve = jit((x: NDArray) =>
        minimise((x) => sum(x).astype(dtype), x, { solver: nonlinearCg() })
      );
      const found = solve(np.array([...x0], { dtype }));
      const least = sum(found.value).item();
      const [absolute, relative] = dtype === "float64" ? [1e-8, 1e-6] : [1e-5, 1e-3];
      const right = minima.some((m) => Math.abs(least - m) <= absolute + relative * m);
      assert(right || !found.converged, `${name}: ${least}, ${found.message}`);
    }
  }
});

Deno.test("a simplex gives the best point that it has met, where an expansion goes too far", () => {
  const well = (x: np.NDArray) => np.exp(x.square().neg()).neg();
  const { value, converged } = minimise(well, np.array(3, { dtype: "float64" }), {
    solver: nelderMead(),
  });
  assert(converged && Math.abs(value.item()) < 1e-6, `${value.item()}`);
});

Deno.test("nothing is claimed where all that is left is rounding of unknowns that have run away", () => {
  for (const [seed, dtype] of [[62, "float64"], [292, "float32"], [26, "float64"]] as const) {
    const p = randomProblem(seed, false, dtype);
    for (const solver of [lbfgs(), bfgs(), newtonCg()]) {
      const s = jit((x: Point) => minimise(p.scalar, x, { solver }))(p.start);
      assert(!s.converged, `${p.name}: ${s.message}`);
    }
  }
});

Deno.test("a saddle that steps come to along its line of symmetry is none, by an optimiser too", () => {
  const saddle = (x: np.NDArray) => {
    const [a, b] = [x.at(0), x.at(1)];
    return a.square().sub(b.square()).add(b.square().square());
  };
  for (const dtype of ["float64", "float32"] as const) {
    const solver = first(adam(0.05));
    const s = jit((x: np.NDArray) => minimise(saddle, x, { solver }))(np.array([1, 0], { dtype }));
    assert(!s.converged || Math.abs(s.value.at(1).item()) > 0.5, s.message);
  }
});

/** Fixed points from starts that are far away, and solutions at 0: what a residual is small beside. */
import {
  anderson,
  broyden,
  damped,
  fixedPoint,
  jit,
  type NDArray,
  numpy as np,
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

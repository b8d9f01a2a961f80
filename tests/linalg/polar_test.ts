/**
 * Polar forms where singular values are equal, at which singular vectors have no derivatives and polar
 * forms have.
 *
 * @module
 */
import { grad, jacfwd, jit, linalg, type NDArray, numpy as np, random } from "../../mod.ts";
import { assert } from "../support/assert.ts";

const weights = (shape: readonly number[]): NDArray =>
  random.normal(random.key(shape.length), shape, { dtype: "float64" });

/** Matrices with equal singular values, and some with other ones; more rows, as many, and more columns. */
const cases: Readonly<Record<string, NDArray>> = {
  identity: np.eye(3, { dtype: "float64" }),
  rotation: np.array([[0.6, -0.8], [0.8, 0.6]], { dtype: "float64" }),
  tall: np.array([[2, 0], [0, 2], [0, 0]], { dtype: "float64" }),
  wide: np.array([[1.5, 0, 0.5], [0, 1, 0]], { dtype: "float64" }),
};

for (const [name, a] of Object.entries(cases)) {
  for (const side of ["right", "left"] as const) {
    Deno.test(`the polar form of a matrix has derivatives: ${name}, ${side}`, () => {
      const f = (x: NDArray): NDArray => {
        const { u, p } = linalg.polar(x, { side });
        return u.mul(weights(u.shape)).sum().add(p.square().mul(weights(p.shape)).sum());
      };
      const step = 1e-5;
      const found = grad(f)(a).dataSync();
      const compiled = jit(grad(f))(a).dataSync();
      for (let k = 0; k < a.size; k++) {
        const e = np.eye(a.size, { dtype: "float64" }).at(k).mul(step).reshape(a.shape);
        const slope = (f(a.add(e)).item() - f(a.sub(e)).item()) / (2 * step);
        assert(Math.abs(found[k]! - slope) < 1e-7, `element ${k}: ${found[k]} and not ${slope}`);
        assert(Math.abs(compiled[k]! - found[k]!) < 1e-12, `compiled, element ${k}`);
      }
    });
  }
}

Deno.test("polar forms have second derivatives where singular values are equal", () => {
  const a = np.eye(2, { dtype: "float64" });
  const slope = grad((x: NDArray): NDArray => linalg.polar(x).u.mul(weights([2, 2])).sum());
  const found = jacfwd(slope)(a).reshape([4, 4]);
  const step = 1e-5;
  for (let k = 0; k < 4; k++) {
    const e = np.eye(4, { dtype: "float64" }).at(k).mul(step).reshape([2, 2]);
    const want = slope(a.add(e)).sub(slope(a.sub(e))).div(2 * step).reshape([4]);
    const column = found.transpose().at(k);
    assert(np.allClose(column, want, { atol: 1e-7 }).item(), `${column} and not ${want}`);
  }
});

/** Linear solves by a function of the user's, whose derivatives are solved for in another way. */
import {
  customLinearSolve,
  grad,
  jacfwd,
  jit,
  jvp,
  linalg,
  type NDArray,
  numpy as np,
  vmap,
} from "../../mod.ts";
import { arr, assertClose } from "../support/arrays.ts";

const A = arr([[4, 1, 0], [2, 5, 1], [0, -1, 3]]);
const direct = (M: NDArray) => (_: unknown, b: NDArray): NDArray => linalg.solve(M, b);

Deno.test("customLinearSolve(): tangentSolve solves the systems of derivatives, and may ask solve to", () => {
  const half = arr(0.5);
  const ways: readonly ((_: unknown, b: NDArray, solve: (b: NDArray) => NDArray) => NDArray)[] = [
    (_, b, solve) => solve(b).mul(2),
    (_, b) => linalg.solve(A, b).mul(2),
    (matvec, b, solve) => solve((matvec as typeof solve)(solve(b))).div(half),
  ];
  for (const tangentSolve of ways) {
    const f = (M: NDArray, b: NDArray): NDArray =>
      customLinearSolve((x: NDArray) => np.matmul(M, x), b, direct(A), {
        tangentSolve: tangentSolve as never,
        transposeSolve: direct(A.T),
      });
    const [b, w] = [arr([1, 2, 3]), arr([1, -1, 0.5])];
    const want = (M: NDArray, b: NDArray) => linalg.solve(M, b);
    // Twice the derivative forwards, the derivative itself backwards, under every transform.
    const forth = (g: typeof f) => (b: NDArray) => jvp(g, [A, b], [A.T, w])[1];
    assertClose(forth(f)(b), forth(want)(b).mul(2));
    assertClose(jit(forth(f))(b), forth(want)(b).mul(2));
    assertClose(jvp(jit(f), [A, b], [A.T, w])[1], forth(want)(b).mul(2));
    const bs = np.stack([b, w]);
    assertClose(vmap(forth(f))(bs), vmap(forth(want))(bs).mul(2));
    assertClose(jacfwd((b: NDArray) => f(A, b))(b), linalg.inv(A).mul(2));
    const slope = (g: typeof f) => grad((M: NDArray) => g(M, b).mul(w).sum());
    assertClose(slope(f)(A), slope(want)(A));
  }
});

/**
 * Exported files as their users run them: at the level of optimisation that the runtime has where
 * nothing is said, whose fusions must not find what they get wrong.
 *
 * @module
 */
import {
  exportOnnx,
  grad,
  loadBackend,
  type NDArray,
  numpy as np,
  random,
  ready,
} from "../../mod.ts";
import { difference, ulps } from "../support/arrays.ts";
import { assert } from "../support/assert.ts";
import { openFile } from "../support/files.ts";
import { any } from "../support/mistakes.ts";
import { randomProgram } from "../support/random_programs.ts";

await loadBackend("onnx"); // for what is jitted inside

/** Compares a function's file with the function at both ends of optimisation. */
async function compare(
  f: (...args: NDArray[]) => NDArray[],
  args: readonly NDArray[],
  rounding: number,
): Promise<void> {
  const expected = await ready(f(...args));
  const bytes = exportOnnx(any(f), ...any(args));
  for (const level of ["all", "basic"] as const) {
    const file = await openFile(bytes, level);
    try {
      const found = await file.run(args);
      expected.forEach((want, k) => {
        const wrong = difference(found[k]!, want, Math.max(ulps(want, rounding), 1e-7 * rounding));
        assert(wrong === null, `at level ${level}, output ${k} ${wrong}`);
      });
    } finally {
      await file.release();
    }
  }
}

const PROGRAMS = Number(Deno.env.get("INJAX_PROGRAMS") ?? 24);

for (let n = 0; n < PROGRAMS; n++) {
  Deno.test(`files of a random program and its gradient are right at every level of optimisation: ${n}`, async () => {
    const { f, steps, inputs } = randomProgram(`file ${n}`, 10);
    try {
      const args = inputs.map((x) => x.astype("float32"));
      await compare((...xs) => f(xs), args, 2000);
      const gradients = grad((...xs: NDArray[]) => f(xs)[0]!, { argnums: [1, 2] });
      await compare((...xs) => any(gradients)(...xs), args, 5000);
    } catch (error) {
      throw new Error(`${steps.join(" ")}: ${(error as Error).message}`, { cause: error });
    }
  });
}

Deno.test("products of transposed matrices and vectors are right at every level of optimisation", async () => {
  const turn = (x: NDArray): NDArray => np.swapaxes(x, -1, -2);
  const draw = (n: number, ...shape: number[]): NDArray => random.normal(random.key(n), shape);
  const [v3, v4, v5] = [draw(1, 3), draw(2, 4), draw(3, 5)];
  const products: readonly ((x: NDArray) => NDArray)[] = [
    (x) => np.matmul(turn(x), v5),
    (x) => np.matmul(v4, turn(x)),
    (x) => np.matmul(turn(np.tanh(x)), v5),
    (x) => np.matmul(turn(x.astype("int32")).astype("float32"), v5),
    (x) => np.matmul(turn(x), v5).add(np.matmul(turn(x), v5.mul(2))).add(turn(x).sum(-1)),
    (x) => np.matmul(v5, np.matmul(x, turn(x))),
    (x) => np.einsum("...ij,i->...j", x, v5),
    // The runtime moves the transposition through the steps between.
    (x) => np.matmul(np.tanh(turn(x)), v5),
    (x) => np.matmul(turn(x).mul(2).add(1), v5.mul(2)),
  ];
  const cubes: readonly ((x: NDArray) => NDArray)[] = [
    (x) => np.matmul(np.transpose(x, [1, 2, 0]), v3),
    (x) => np.matmul(np.transpose(x, [2, 0, 1]), v5),
    (x) => np.matmul(np.transpose(x, [1, 0, 2]), v4),
    (x) => np.matmul(v3, np.transpose(x, [1, 0, 2])),
    (x) => np.matmul(v5, np.transpose(x, [2, 1, 0])),
    (x) => np.matmul(np.transpose(x, [2, 1, 0]), v3),
  ];
  for (const f of products) {
    await compare((x) => [f(x)], [draw(4, 5, 4)], 40);
    await compare((x) => [f(x)], [draw(5, 3, 5, 4)], 40);
  }
  for (const f of cubes) await compare((x) => [f(x)], [draw(6, 3, 5, 4)], 40);
});

/** Fixed points of maps with noise: what is claimed of them, by how far it is off. */
import {
  averaged,
  fixedPoint,
  grad,
  jit,
  type NDArray,
  numpy as np,
  random,
  vmap,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const noisy = (key: NDArray, spread: number) => (x: NDArray, step: NDArray): NDArray =>
  np.cos(x.add(random.normal(random.foldIn(key, step), x.shape, { dtype: "float64" }).mul(spread)));

Deno.test("the mean of a map with noise is solved, and the error is what is said, for almost all noises", () => {
  // E cos(x + s e) = cos(x) exp(-s^2 / 2) for normal e.
  const s = 0.5;
  const right = fixedPoint(
    (x) => np.cos(x).mul(Math.exp(-s * s / 2)),
    np.array([1], { dtype: "float64" }),
  )
    .value.item();
  const solve = jit(
    vmap((key: NDArray) =>
      fixedPoint(noisy(key, s), np.ones([1], { dtype: "float64" }), {
        solver: averaged(),
        withStep: true,
        rtol: 5e-3,
        maxSteps: 20_000,
      })
    ),
  );
  const found = solve(random.split(random.key(7), 60));
  found.orThrow();
  const [values, errors] = [found.value.dataSync(), found.residualNorm.dataSync()];
  const off = [...values].map((v, i) => Math.abs(v - right) / errors[i]!);
  // Of normal errors 95 % are within two; errors are themselves estimated.
  const within = off.filter((z) => z <= 2).length;
  assert(within >= 50, `${within} of 60 within two standard errors`);
  assert(Math.max(...off) < 5, `${off}`);
  const mean = [...values].reduce((a, b) => a + b, 0) / 60;
  assert(Math.abs(mean - right) < 2e-3, `${mean}, right ${right}`);
});

Deno.test("a smaller tolerance takes more evaluations, and a map without noise is soon known", () => {
  const solve = (rtol: number, spread = 0.5): number =>
    fixedPoint(noisy(random.key(3), spread), np.ones([1], { dtype: "float64" }), {
      solver: averaged(),
      withStep: true,
      rtol,
      throw: true,
    }).steps.item();
  assert(solve(4e-3) > 2 * solve(2e-2));
  assert(solve(1e-2, 0) < 400);
});

Deno.test("with noise that is added, derivatives are those of the mean", () => {
  const root = (b: NDArray): NDArray =>
    fixedPoint(
      (x, step) => {
        const noise = random.normal(random.foldIn(random.key(1), step), [2], { dtype: "float64" });
        return x.mul(0.5).add(b).add(noise.mul(0.1));
      },
      np.zeros([2], { dtype: "float64" }),
      { solver: averaged({ decay: 0.2 }), withStep: true },
    ).value.sum();
  for (const g of [grad(root), jit(grad(root))]) {
    const slope = g(np.array(1, { dtype: "float64" })).item();
    assert(Math.abs(slope - 4) < 1e-9, `${slope}`);
  }
});

Deno.test("with other noise, derivatives are those of the map with the noise of 0, and nearer for a mean over noises", () => {
  const f64 = (v: number): NDArray => np.array(v, { dtype: "float64" });
  /** E cos(a x + s e) = cos(a x) exp(-s^2 / 2). */
  const s = 0.5;
  const draws = (many: number) => (step: NDArray): NDArray =>
    random.normal(random.foldIn(random.key(5), step), [many], { dtype: "float64" }).mul(s);
  const solve = (many: number) => (a: NDArray): NDArray =>
    fixedPoint((x, step) => np.cos(x.mul(a).add(draws(many)(step))).mean(), f64(1), {
      solver: averaged(),
      withStep: true,
      rtol: 5e-3,
    }).value;
  const right = grad((a: NDArray) =>
    fixedPoint((x) => np.cos(x.mul(a)).mul(Math.exp(-s * s / 2)), f64(1)).value
  )(f64(1)).item();
  const off = [1, 1024].map((many) => {
    const [value, slope] = [solve(many)(f64(1)), grad(solve(many))(f64(1)).item()];
    const sine = np.sin(value.add(draws(many)(np.array(0, { dtype: "int32" })))).mean().item();
    assert(Math.abs(slope + sine * value.item() / (1 + sine)) < 1e-9, `${slope}`);
    return Math.abs(slope - right);
  });
  assert(off[1]! < 0.01 && off[0]! > 2 * off[1]!, `${off}`);
});

Deno.test("withStep: evaluations are numbered from 0, eagerly and compiled", () => {
  const run = (x0: NDArray) =>
    fixedPoint((_, step) => step.astype("float64"), x0, {
      withStep: true,
      maxSteps: 4,
      trajectory: true,
    });
  for (const solve of [run, jit(run)]) {
    const { trajectory } = solve(np.array(-5, { dtype: "float64" }));
    assertEquals([...trajectory!.dataSync()].slice(0, 2), [-5, 0]);
  }
});

Deno.test("averaged() says what is wrong, and noise beyond numbers is no solution", () => {
  assertThrows(() => averaged({ warmup: 0 }), RangeError, "warmup must be at least 1");
  assertThrows(() => averaged({ decay: 1 }), RangeError, "decay must be in [0, 1), not 1");
  const s = fixedPoint((x) => x.mul(NaN), np.ones([2]), { solver: averaged() });
  assertEquals(s.statusName, "nonfinite");
  const short = fixedPoint(np.cos, 1, { solver: averaged(), maxSteps: 60 });
  assertEquals([short.statusName, short.steps.item()], ["maxSteps", 60]);
});

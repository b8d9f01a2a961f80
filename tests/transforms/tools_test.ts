/**
 * Tools beside the transforms: linear functions transposed, closures made arguments, functions that give their
 * own derivative, reverse mode in two.
 *
 * @module
 */
import {
  checkpoint,
  closureConvert,
  customGradient,
  customJvp,
  DifferentiationError,
  fwdAndBwd,
  grad,
  hessian,
  jacobian,
  jacrev,
  jit,
  linearTranspose,
  type NDArray,
  numpy as np,
  remat,
  scan,
  ShapeDtype,
  TreeError,
  treeLeaves,
  vjp,
  vmap,
} from "../../mod.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";
import { any, mistake, named } from "../support/mistakes.ts";

const x = arr([0.5, -1.25, 2]);

Deno.test("linearTranspose() is the transpose, without running the function", () => {
  const a = arr([[1, 2, 3], [4, 5, 6]]);
  const back = linearTranspose((v: NDArray) => np.matmul(a, v), new ShapeDtype([3], "float64"));
  assertClose(back(arr([1, 10]))[0], [41, 52, 63]);
  assertClose(jit((ct: NDArray) => back(ct)[0])(arr([1, 10])), [41, 52, 63]);
  assertClose(vmap((ct: NDArray) => back(ct)[0])(arr([[1, 0], [0, 1]])), a);
});

Deno.test("linearTranspose() of a function with a jvp rule transposes the function, whatever its rule", () => {
  const scaled = customJvp(
    (x: NDArray, y: NDArray) => x.mul(np.sin(y)),
    ([x, y], [dx]) => [x.mul(np.sin(y)), dx.mul(7)],
  );
  const f = (x: NDArray) => scaled(x, arr(2)).add(x);
  for (const g of [f, jit(f), (x: NDArray) => vmap(f)(x)]) {
    const [back] = linearTranspose(g, arr([1, 2]))(arr([1, 10]));
    assertClose(back, arr([1, 10]).mul(1 + Math.sin(2)));
  }
});

Deno.test("linearTranspose() on trees, several arguments, unused ones and loops", () => {
  const f = (p: { a: NDArray; b: NDArray }, y: NDArray, _: NDArray) => ({
    s: p.a.mul(3).sub(y.sum()),
    t: p.b,
  });
  const back = linearTranspose(f, { a: arr(0), b: x }, x, x);
  assertEquals(plain(back({ s: arr(2), t: arr([1, 2, 3]) })), [
    { a: 6, b: [1, 2, 3] },
    [-2, -2, -2],
    [0, 0, 0],
  ]);
  const sums = (v: NDArray): NDArray => scan((c, u) => [c.add(u), c], arr(0), v)[1];
  assertClose(linearTranspose(sums, x)(arr([1, 10, 100]))[0], [110, 100, 0]);
  // Differentiable by what it closes over.
  const slope = grad((k: NDArray) =>
    linearTranspose((v: NDArray) => v.mul(k), x)(arr([1, 2, 3]))[0]!.sum()
  );
  assertClose(slope(arr(7)), 6);
});

Deno.test("closureConvert() makes arguments of traced values, and of no others", () => {
  const fixed = arr(10);
  const slope = grad((a: NDArray) => {
    const [f, consts] = closureConvert((v: NDArray) => v.mul(a).add(fixed), arr(0));
    assertEquals(consts.length, 1);
    // Without its constant nothing is known of a.
    return f(arr(2), consts[0]!.mul(a));
  });
  assertClose(slope(arr(3)), 12);
  const [f, none] = closureConvert((v: NDArray) => v.mul(fixed), arr(0));
  assertEquals(none, []);
  assertClose(f(arr(2)), 20);
});

Deno.test("customGradient() takes the derivative that the function gives, under all transforms", () => {
  const f = customGradient((v: NDArray) => [v.sin(), (ct: NDArray) => ct.mul(v.cos()).mul(10)]);
  const want = [0.5, -1.25, 2].map((v) => 10 * Math.cos(v));
  assertClose(f(x), x.sin());
  const total = (v: NDArray): NDArray => f(v).sum();
  assertClose(grad(total)(x), want, 1e-12);
  assertClose(jit(grad(total))(x), want, 1e-12);
  assertClose(grad(jit(total))(x), want, 1e-12);
  assertClose(vmap(grad(f))(x), want, 1e-12);
  assertClose(grad((v: NDArray) => vmap(f)(v).sum())(x), want, 1e-12);
  assertClose(grad(checkpoint(total))(x), want, 1e-12);
  // Second derivatives go through what it gave.
  assertClose(hessian(f)(arr(0.5)), -10 * Math.sin(0.5), 1e-12);
  assertClose(
    grad((v: NDArray) => scan((c, u) => [c.add(f(u)), null], arr(0), v)[0])(x),
    want,
    1e-12,
  );
});

Deno.test("customGradient() of several arguments and trees gives a list", () => {
  const f = customGradient((p: { w: NDArray }, v: NDArray) => [
    p.w.mul(v),
    (ct: NDArray) => [{ w: ct.mul(v).mul(2) }, ct.mul(p.w).mul(3)],
  ]);
  const [dp, dv] = grad(f as (p: { w: NDArray }, v: NDArray) => NDArray, { argnums: [0, 1] })(
    { w: arr(5) },
    arr(7),
  );
  assertClose(dp.w, 14);
  assertClose(dv, 15);
  const one = customGradient((v: NDArray) => [v, (ct: NDArray) => [ct.mul(2)]]);
  assertClose(grad(one)(arr(1)), 2);
});

Deno.test("fwdAndBwd() is vjp in two, whose residuals go through compiled functions", () => {
  const f = (w: NDArray, v: NDArray) => ({ y: w.mul(v).sin(), n: v.sum() });
  const ct = { y: arr([1, 2, 3]), n: arr(4) };
  const w = arr([2, 3, 4]);
  const want = vjp(f, [w, x])[1](ct);
  for (const jitted of [true, false]) {
    const [forward, backward] = fwdAndBwd(f, [0, 1], { jitted });
    const [value, residuals] = forward(w, x);
    assertClose(value.y, w.mul(x).sin());
    assertClose(backward(residuals, ct)[0], want[0]);
    assertClose(backward(residuals, ct)[1], want[1]);
    const single = fwdAndBwd(f, 1, { jitted });
    assertClose(single[1](single[0](w, x)[1], ct), want[1]);
  }
  const [forward, backward] = fwdAndBwd(f, -1);
  const step = jit((w: NDArray, v: NDArray) => backward(forward(w, v)[1], ct));
  assertClose(step(w, x), want[1]);
  assertEquals(treeLeaves(forward(w, x)[1]).every((leaf) => any(leaf).dtype === "float64"), true);
});

Deno.test("fwdAndBwd() compiles each function once, and hands on auxiliary outputs", () => {
  let traced = 0;
  const f = (v: NDArray): [NDArray, { half: NDArray }] => {
    traced++;
    return [v.exp().sum(), { half: v.div(2) }];
  };
  const [forward, backward] = fwdAndBwd(f, 0, { hasAux: true });
  for (let i = 0; i < 3; i++) {
    const [value, residuals, aux] = forward(x.add(i));
    assertClose(value, x.add(i).exp().sum());
    assertClose(aux.half, x.add(i).div(2));
    assertClose(backward(residuals, arr(2)), x.add(i).exp().mul(2));
  }
  assertEquals(traced, 1);
});

Deno.test("jacobian is jacrev, and remat is checkpoint", () => {
  const f = (v: NDArray): NDArray => v.mul(v.sum());
  assertClose(jacobian(f)(x), jacrev(f)(x));
  assertClose(grad(remat((v: NDArray) => f(v).sum()))(x), grad((v: NDArray) => f(v).sum())(x));
});

mistake(
  "the transpose of a function that is not linear",
  () => linearTranspose(named("square", (v: NDArray) => v.mul(v)), x)(x),
  DifferentiationError,
  "linearTranspose: square is not linear",
);
mistake(
  "the transpose of a function that is affine",
  () => linearTranspose((v: NDArray) => v.sin(), x)(x),
  DifferentiationError,
  "linearTranspose | not linear | sin",
);
mistake(
  "a cotangent that is not like the result",
  () => linearTranspose((v: NDArray) => v.sum(), x)(x as never),
  TreeError,
  "linearTranspose: the cotangent and the result of | float64[] and float64[3] differ",
);
mistake(
  "a function with its own gradient that gives none",
  () => customGradient(named("f", (v: NDArray) => v) as never)(x as never),
  TreeError,
  "customGradient: f must return [value, pull]",
);
mistake(
  "a gradient of its own that is not like the argument",
  () =>
    grad(customGradient(named("f", (v: NDArray) => [v.sum(), () => ({ a: 1 })] as never)) as never)(
      x as never,
    ),
  TreeError,
  "customGradient: the cotangent of the argument of f differs from it at the top",
);
mistake(
  "residuals that are none",
  () => fwdAndBwd((v: NDArray) => v, 0)[1](any([x]), x),
  TreeError,
  "fwdAndBwd | residuals that the forward function gave",
);

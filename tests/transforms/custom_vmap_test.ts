/**
 * Functions with rules of their own for the lanes of a `vmap`.
 *
 * @module
 */
import {
  cond,
  customVmap,
  grad,
  jacfwd,
  jit,
  jvp,
  loadBackend,
  type NDArray,
  numpy as np,
  scan,
  sequentialVmap,
  TreeError,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";
import { everywhere } from "../support/everywhere.ts";
import { any, mistake, named } from "../support/mistakes.ts";

await loadBackend("onnx");

const m = arr([[1, 2], [3, 4], [5, 6]]);

/** `x y`, whose rule gives ten times that. */
function times(seen: unknown[] = []) {
  return customVmap(
    (x: NDArray, y: NDArray) => x.mul(y),
    (size, batched, x, y) => {
      seen.push([size, batched, x.shape, y.shape]);
      return [x.mul(y).mul(10), true];
    },
  );
}

Deno.test("customVmap() is the function itself, and in lanes what its rule gives", () => {
  const seen: unknown[] = [];
  const f = times(seen);
  assertClose(f(arr(2), arr(3)), 6);
  assertClose(jit(f)(arr(2), arr(3)), 6);
  everywhere(vmap(f, { inAxes: [1, 0] }), [m, m.T], [[10, 90, 250], [40, 160, 360]]);
  assertEquals(seen[0], [2, [true, true], [2, 3], [2, 3]]);
  seen.length = 0;
  assertClose(vmap(f, { inAxes: [0, null] })(m, arr([1, 2])), [[10, 40], [30, 80], [50, 120]]);
  assertEquals(seen, [[3, [true, false], [3, 2], [2]]]);
});

Deno.test("customVmap() with trees, and results that are the same in all lanes", () => {
  const f = customVmap(
    (p: { a: NDArray; b: NDArray }) => ({ s: p.a.add(p.b), t: p.b }),
    (size, [batched], { a, b }) => [
      { s: a.add(b).mul(size), t: b.add(1) },
      { s: batched.a || batched.b, t: batched.b },
    ],
  );
  const run = vmap(f, { inAxes: [{ a: 0, b: null }], outAxes: { s: 0, t: null } });
  assertEquals(plain(run({ a: arr([1, 2]), b: arr(5) })), { s: [12, 14], t: 6 });
});

Deno.test("customVmap() in loops, branches and compiled functions inside of vmap", () => {
  const f = times();
  const one = arr(1);
  const inScan = (x: NDArray): NDArray => scan((c, u) => [f(c, u), null], one, x)[0];
  assertClose(vmap(inScan)(m), [200, 1200, 3000]);
  assertClose(vmap(jit(inScan))(m), [200, 1200, 3000]);
  const inCond = (x: NDArray): NDArray => cond(x.sum().greater(4), (x) => f(x, x), (x) => x, x);
  assertClose(vmap(inCond)(m), [[1, 2], [90, 160], [250, 360]]);
});

Deno.test("derivatives of customVmap(): of the rule outside of vmap, and forward ones inside too", () => {
  const f = times();
  const outside = (x: NDArray): NDArray => vmap(f, { inAxes: [0, null] })(x, arr([1, 2])).sum();
  assertClose(grad(outside)(m), [[10, 20], [10, 20], [10, 20]]);
  assertClose(jit(grad(outside))(m), [[10, 20], [10, 20], [10, 20]]);
  const push = vmap((x: NDArray, t: NDArray) => jvp((x: NDArray) => f(x, x), [x], [t])[1]);
  assertClose(push(m, np.onesLike(m)), m.mul(20));
  const fixed = vmap((x: NDArray) => jvp((x: NDArray) => f(x, arr([1, 2])), [x], [x])[1]);
  assertClose(fixed(m), [[10, 40], [30, 80], [50, 120]]);
  assertClose(jacfwd((x: NDArray) => vmap(f)(x, x).sum())(m), m.mul(20));
  // Without lanes it has the derivatives of the function.
  assertClose(grad((x: NDArray) => f(x, x).sum())(m), m.mul(2));
  // Tangents have no rule in reverse mode.
  assertClose(vmap(grad((x: NDArray) => f(x, x).sum()))(m), m.mul(2));
});

Deno.test("nested lanes: the inner vmap asks for the rule, the outer one vectorises it", () => {
  const seen: unknown[] = [];
  const f = times(seen);
  assertClose(vmap(vmap(f))(m, m), m.mul(m).mul(10));
  assertEquals(seen, [[2, [true, true], [2], [2]]]);
});

Deno.test("sequentialVmap() computes lanes one after the other", () => {
  const steps = (x: NDArray): NDArray => whileLoop((y) => y.less(100), (y) => y.mul(3), x);
  const f = sequentialVmap((x: NDArray, y: NDArray) => steps(x).add(y));
  everywhere(vmap(f, { inAxes: [0, null] }), [arr([1, 2, 50]), arr(1)], [244, 163, 151]);
  assertClose(f(arr(2), arr(0)), 162);
  const tree = sequentialVmap((p: { x: NDArray; k: NDArray }) => ({ s: p.x.sum().mul(p.k) }));
  assertEquals(plain(vmap(tree, { inAxes: [{ x: 0, k: null }] })({ x: m, k: arr(2) })), {
    s: [6, 14, 22],
  });
});

mistake(
  "a rule for lanes that gives no pair",
  () =>
    vmap(customVmap(named("f", (x: NDArray) => x), any((_: number, __: unknown, x: NDArray) => x)))(
      m,
    ),
  TreeError,
  "customVmap: the rule of f must return [out, outBatched]",
);
mistake(
  "a rule for lanes that gives another structure",
  () =>
    vmap(
      customVmap(
        named("f", (x: NDArray) => x),
        any((_: number, __: unknown, x: NDArray) => [[x], true]),
      ),
    )(m),
  TreeError,
  "customVmap: what the rule gives and the result of f differ at the top",
);
mistake(
  "a rule for lanes that does not say which results differ",
  () =>
    vmap(
      customVmap(
        named("f", (x: NDArray) => x),
        any((_: number, __: unknown, x: NDArray) => [x, { a: true, b: 1 }]),
      ),
    )(m),
  TreeError,
  "customVmap: outBatched, of booleans, and the result of f differ",
);
mistake(
  "a rule for lanes that forgets the lanes",
  () => vmap(customVmap(named("f", (x: NDArray) => x), (_, __, x) => [x.sum(0), true]))(m),
  TreeError,
  "customVmap: the rule of f gives float64[2] for 3 lanes, and should give float64[3,2]",
);
mistake(
  "a function with a rule for lanes that closes over one of them",
  () =>
    vmap((x: NDArray) =>
      customVmap(named("f", (y: NDArray) => y.mul(x)), (_, __, y) => [y, true])(x)
    )(m),
  TypeError,
  "customVmap: f uses a value from outside that differs by lane | argument",
);

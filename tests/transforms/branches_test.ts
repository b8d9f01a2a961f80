/**
 * Branches that lanes choose for themselves: all run for all lanes, and yet what a lane does not take
 * neither runs for ever nor disturbs its derivatives.
 *
 * @module
 */
import {
  AxisError,
  cond,
  customJvp,
  customLinearSolve,
  fixedPoint,
  grad,
  jit,
  jvp,
  loadBackend,
  makeJaxpr,
  type NDArray,
  numpy as np,
  scan,
  switchCase,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { everywhere } from "../support/everywhere.ts";
import { limited } from "../support/limited.ts";

await loadBackend("onnx");

const int = (v: number | number[]): NDArray => arr(v, "int32");

Deno.test("a loop in a branch that some lanes do not take ends, and no lane takes it: it does not run", () => {
  // Doubling a number below 0 never comes to 100: lanes that do not take the branch must not try.
  const doubled = (x: NDArray): NDArray =>
    cond(
      x.greater(0),
      (x: NDArray) => whileLoop((c: NDArray) => c.less(100), (c: NDArray) => limited(c.mul(2)), x),
      (x: NDArray) => x.mul(3),
      x,
    );
  everywhere(vmap(doubled), [arr([1, -1, 3, -2])], [128, -3, 192, -6]);
  everywhere(vmap(doubled), [arr([-1, -2])], [-3, -6]);
  everywhere(vmap(doubled), [arr([50, 60])], [100, 120]);
  everywhere(vmap(vmap(doubled)), [arr([[1, -1], [-2, 3]])], [[128, -3], [-6, 192]]);
  everywhere(
    (x) => jvp(vmap(doubled), [x], [np.onesLike(x)]),
    [arr([1, -1, 3])],
    [[128, -3, 192], [128, 3, 64]],
  );
  const chosen = (i: NDArray, x: NDArray): NDArray =>
    switchCase(i, [
      (x: NDArray) => x,
      (x: NDArray) => whileLoop((c: NDArray) => c.less(100), (c: NDArray) => limited(c.mul(2)), x),
      (x: NDArray) => x.neg(),
    ], x);
  everywhere(
    vmap(chosen),
    [int([-1, 0, 1, 2, 5]), arr([-1, -2, 3, 4, 5])],
    [-1, -2, 192, -4, -5],
  );
});

Deno.test("a branch that a lane does not take leaves its derivatives alone", () => {
  // The root of what is below 0, or its slope at 0, is not to be had, nor asked for.
  const root = (x: NDArray, w: NDArray): NDArray =>
    cond(x.greater(0), (x: NDArray) => np.sqrt(x.mul(w)), (x: NDArray) => x.mul(0), x);
  const total = (xs: NDArray, w: NDArray): NDArray =>
    vmap(root, { inAxes: [0, null] })(xs, w).sum();
  const both = { argnums: [0, 1] };
  for (
    const wrap of [(f: typeof total) => grad(f, both), (f: typeof total) => jit(grad(f, both))]
  ) {
    assertClose(wrap(total)(arr([0, 4, -1]), arr(1)), [[0, 0.25, 0], 1]);
    assertClose(wrap(total)(arr([0, -4, -1]), arr(1)), [[0, 0, 0], 0]);
    assertClose(wrap(total)(arr([1, 4]), arr(1)), [[0.5, 0.25], 1.5]);
  }
  const chosen = (i: NDArray, x: NDArray): NDArray =>
    switchCase(i, [np.log, (x: NDArray) => np.array(1).div(x).astype(x.dtype), np.sqrt], x);
  const slopes = grad((x: NDArray) => vmap(chosen)(int([0, 1, 2, 1]), x).sum());
  assertClose(slopes(arr([2, -1, 4, 0.5])), [0.5, -1, 0.25, -4]);
});

Deno.test("switchCase() of many branches compiles, and takes the right one", () => {
  const many = (i: NDArray, x: NDArray): NDArray =>
    switchCase(i, Array.from({ length: 70 }, (_, k) => (x: NDArray) => x.mul(k)), x);
  for (const i of [-3, 0, 1, 34, 35, 68, 69, 100]) {
    everywhere(many, [int(i), arr(2)], 2 * Math.max(0, Math.min(69, i)));
  }
  const each = (is: NDArray): NDArray =>
    scan((c: NDArray, i: NDArray) => [c, many(i, c)], arr(1), is)[1];
  everywhere(each, [int([3, 69, 12])], [3, 69, 12]);
  // Lanes choose alike whatever is out of range, of one branch too.
  for (const n of [1, 2, 3]) {
    const few = (i: NDArray, x: NDArray): NDArray =>
      switchCase(i, Array.from({ length: n }, (_, k) => (x: NDArray) => x.mul(k + 1)), x);
    const taken = [-3, 0, 1, 5].map((i) => Math.max(0, Math.min(n - 1, i)) + 1);
    const [is, xs] = [int([-3, 0, 1, 5]), arr([1, 2, 3, 4])];
    everywhere(vmap(few), [is, xs], taken.map((t, k) => t * (k + 1)));
    everywhere(vmap(few, { inAxes: [0, null] }), [is, arr(2)], taken.map((t) => t * 2));
    everywhere(grad((x: NDArray) => vmap(few)(is, x).sum()), [xs], taken);
  }
  assertThrows(() => switchCase(0.5, [() => 1, () => 2]), AxisError, "must be an integer, not 0.5");
});

Deno.test("a loop in a branch ends where it is hidden in a linear solve", () => {
  const doubled = (b: NDArray): NDArray => whileLoop((v) => v.less(1), (v) => v.mul(2), b);
  const f = (x: NDArray): NDArray =>
    cond(
      x.greater(0),
      (x) => customLinearSolve((v) => v.mul(2), x, (_, b) => doubled(b)),
      (x) => x,
      x,
    );
  const xs = arr([-1, 0.3, -2]);
  // For a lane below 0 doubling would go on for ever, so that it must be in a branch still.
  assert(String(makeJaxpr(vmap(f))(xs)).includes("cond[branches="), "the loop runs for all lanes");
  everywhere(vmap(f), [xs], [-1, 1.2, -2]);
});

Deno.test("branches chosen by lane inside functions with rules: reverse mode, and no lanes", () => {
  const root = (a: NDArray): NDArray =>
    fixedPoint(
      (z) =>
        cond(
          a.greater(0),
          (z: NDArray) => z.mul(0.5).add(a),
          (z: NDArray) => z.mul(0.25).sub(a),
          z,
        ),
      arr(0),
    ).value;
  const rule = customJvp(
    (x: NDArray) => x.mul(3),
    (
      [x],
      [t],
    ) => [x.mul(3), cond(x.greater(0), (t: NDArray) => t.mul(3), (t: NDArray) => t.mul(3), t)],
  );
  for (const [f, slopes] of [[root, [2, -4 / 3, 2]], [rule, [3, 3, 3]]] as const) {
    const xs = arr([1, -1, 2]);
    assertClose(vmap(grad(f))(xs), slopes);
    for (
      const wrap of [(g: (x: NDArray) => NDArray) => g, (g: (x: NDArray) => NDArray) => jit(g)]
    ) {
      assertClose(wrap(grad((xs: NDArray) => vmap(f)(xs).sum()))(xs), slopes);
      assertEquals(wrap((xs: NDArray) => vmap(f)(xs))(np.zeros([0])).shape, [0]);
    }
  }
  const many = vmap((i: NDArray) =>
    switchCase(i, [(x: NDArray) => x, (x: NDArray) => x.neg()], arr(1))
  );
  everywhere(many, [np.zeros([0], { dtype: "int32" })], []);
});

Deno.test("of no lanes, a loop that would not end does not run either", () => {
  const f = (x: NDArray): NDArray =>
    cond(
      x.greater(0),
      // Depends on no lane: never below 100 in a branch that nobody takes.
      () => whileLoop((c: NDArray) => c.less(100), (c: NDArray) => limited(c.mul(2)), arr(-1)),
      (x: NDArray) => x,
      x,
    );
  everywhere(vmap(f), [arr([])], []);
  everywhere(vmap(f), [arr([-1, -2])], [-1, -2]);
});

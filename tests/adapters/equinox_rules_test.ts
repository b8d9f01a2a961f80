/**
 * Equinox: functions of trees with derivative rules of their own. The behaviours are those that the
 * original's tests of these ask for.
 *
 * @module
 */
import {
  DifferentiationError,
  grad,
  jit,
  jvp,
  type NDArray,
  numpy as np,
  pure,
  random,
  TreeError,
  vmap,
} from "../../mod.ts";
import * as eqx from "../../adapters/equinox/mod.ts";
import { assertClose, plain } from "../support/arrays.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const key = random.key(0);

Deno.test("filterCustomJvp: the rule gets null for what has no tangent, functions among the arguments", () => {
  const seen: unknown[] = [];
  const call = eqx.filterCustomJvp(
    (f: (x: NDArray) => NDArray, x: NDArray, n: number): NDArray => f(x).mul(n),
    ([f, x, n], [df, dx, dn]) => {
      seen.push(df, dn);
      return [f(x).mul(n), dx!.square()];
    },
  );
  const f = (a: NDArray): NDArray => a.square().add(1);
  assertEquals(call(f, np.array(1), 2).item(), 4);
  assertEquals(call(f, np.array([1, 2], { dtype: "int32" }), 1).toArray(), [2, 5]);
  assertEquals(seen, []);
  const along = (x: NDArray, dx: NDArray): NDArray[] =>
    jvp((x: NDArray) => call(f, x, 1), [x], [dx]);
  assertEquals(plain(along(np.array(2), np.array(3))), [5, 9]);
  assert(seen.length > 0 && seen.every((t) => t === null));
  assertEquals(plain(jit(along)(np.array(2), np.array(3))), [5, 9]);
  const lanes = vmap((x: NDArray) => along(x, np.array(2))[1]!);
  assertEquals(lanes(np.array([1, 2])).toArray(), [4, 4]);
});

Deno.test("filterCustomJvp: results with leaves that are no arrays, and tangents that are left out", () => {
  const parts = eqx.filterCustomJvp(
    (x: NDArray, i: NDArray) => ({ y: x.mul(i), i, name: "product" }),
    ([x, i], [dx]) => [
      { y: x.mul(i), i, name: "product" },
      { y: dx!.mul(7), i: null, name: null } as never,
    ],
  );
  const i = np.array(3, { dtype: "int32" });
  const [out, tangent] = eqx.filterJvp(parts, [np.array(2), i], [np.array(1), null]);
  assertEquals(plain(out), { y: 6, i: 3, name: "product" });
  assertEquals(plain(tangent), { y: 7, i: null, name: null });
  const still = eqx.filterCustomJvp((x: NDArray) => x.mul(2), ([x]) => [x.mul(2), null]);
  assertEquals(grad((x: NDArray) => still(x))(np.array(1)).item(), 0);
  const wrong = eqx.filterCustomJvp((x: NDArray) => x, ([x]) => [x, [x]] as never);
  assertThrows(() => grad(wrong)(np.array(1)), TreeError, "the tangent has the children 0");
  const single = eqx.filterCustomJvp((x: NDArray) => x, ([x]) => x as never);
  assertThrows(() => grad(single)(np.array(1)), TreeError, "must return [result, tangent]");
});

/** A layer and a function whose rule gives ten times the gradient by the layer. */
const layer = new eqx.nn.Linear(2, 1, { key });
const x = np.array([1, 2]);
type Layer = eqx.nn.Linear;
const tenfold = eqx.filterCustomVjp(
  (l: Layer, x: NDArray) => l.call(x),
  (l, x) => [l.call(x), { token: new Map([["kept", 10]]), x }],
  ({ token, x }, ct, l) =>
    eqx.mapArrays((a) => (a.ndim === 2 ? np.outer(ct, x) : ct).mul(token.get("kept")!), l),
);
const expected = { weight: [[10, 20]], bias: [10] };

Deno.test("filterCustomVjp: the rule gives the gradient of a module, eager, compiled and mapped", () => {
  const loss = (l: Layer, x: NDArray): NDArray => tenfold(l, x).sum();
  const check = (g: Layer, factor = 1): void => {
    assertClose(g.weight, np.array(expected.weight).mul(factor), 1e-6);
    assertClose(g.bias!, np.array(expected.bias).mul(factor), 1e-6);
  };
  assertClose(tenfold(layer, x), layer.call(x), 0);
  check(eqx.filterGrad(loss)(layer, x));
  check(eqx.filterJit(eqx.filterGrad(loss))(layer, x));
  check(eqx.filterGrad(eqx.filterJit(loss))(layer, x));
  check(eqx.filterGrad(eqx.filterCheckpoint(loss))(layer, x));
  const mapped = eqx.filterVmap(tenfold, { inAxes: [null, 0] });
  check(eqx.filterGrad((l: Layer) => mapped(l, np.stack([x, x])).sum())(layer), 2);
  const steps = (l: Layer): NDArray =>
    pure.scan((c: NDArray) => [c.add(tenfold(l, x)), null], np.zeros([1]), null, { length: 3 })[0]
      .sum();
  check(eqx.filterGrad(steps)(layer), 3);
});

Deno.test("filterCustomVjp: by other arguments and captured values there is no derivative, which is said", () => {
  const add = eqx.filterCustomVjp(
    (x: NDArray, y: NDArray) => x.add(y),
    (x, y) => [x.add(y), null],
    (_, ct) => ct,
  );
  const one = np.array(1);
  assertEquals(grad((x: NDArray) => add(x, one))(one).item(), 1);
  for (const f of [(x: NDArray) => add(x, x), (x: NDArray) => add(one, x)]) {
    assertThrows(() => grad(f)(one), DifferentiationError, "whose rule is by the first argument");
  }
  const outer = (y: NDArray): NDArray =>
    eqx.filterCustomVjp((x: NDArray) => x.mul(y), (x) => [x.mul(y), null], (_, ct) => ct)(one);
  assertThrows(() => grad(outer)(one), DifferentiationError);
  // What is not differentiated may be captured.
  assertEquals(jit((y: NDArray) => grad((x: NDArray) => add(x, y))(one))(one).item(), 1);
});

Deno.test("filterCustomVjp: cotangents have null where the result has no float, and so may the rule's", () => {
  let got: unknown;
  const f = eqx.filterCustomVjp(
    (x: readonly [NDArray, NDArray, string]) => [x[0].add(1), x[1], x[0].mul(2), x[2]] as const,
    (x) => [[x[0].add(1), x[1], x[0].mul(2), x[2]] as const, null],
    (_, ct) => {
      got = plain(ct);
      return [ct[0].add(ct[2]), null, null] as never;
    },
  );
  const count = np.array(4, { dtype: "int32" });
  const total = (x: NDArray): NDArray => {
    const [a, , b] = f([x, count, "name"]);
    return a.add(b.mul(5));
  };
  assertEquals(grad(total)(np.array(1)).item(), 6);
  assertEquals(got, [1, null, 5, null]);
  const none = eqx.filterCustomVjp((x: NDArray) => x, (x) => [x, null], () => null);
  assertEquals(grad(none)(np.array(1)).item(), 0);
  const wrong = eqx.filterCustomVjp((x: NDArray) => x, (x) => x as never, () => null);
  assertThrows(() => grad(wrong)(np.array(1)), TreeError, "must return [result, residuals]");
  assertThrows(
    () => eqx.filterCustomVjp((x: NDArray) => x, null as never, null as never),
    TypeError,
    "must be functions, not null",
  );
});

Deno.test("a rule may give part of what the usual derivative gives", () => {
  const halved = eqx.filterCustomVjp(
    (l: Layer, z: NDArray) => l.call(z).mul(0.1),
    (l, z) => [l.call(z).mul(0.1), z],
    (z, ct, l) => eqx.mapArrays((a) => (a.ndim === 2 ? np.outer(ct, z) : ct).mul(0.05), l),
  );
  const usual = (l: Layer, z: NDArray): NDArray => l.call(z).mul(0.05);
  const slope = (f: (l: Layer, z: NDArray) => NDArray): Layer =>
    eqx.filterGrad((l: Layer) => f(l, x).sum())(layer);
  assertClose(slope(halved).weight, slope(usual).weight, 1e-6);
  assert(slope(halved) instanceof eqx.nn.Linear);
});

Deno.test("filterClosureConvert: what a function captured of transforms around is in its tree", () => {
  const g = grad((x: NDArray, y: NDArray) => {
    const z = x.mul(y);
    const inner = eqx.filterClosureConvert(
      (a: NDArray, f: (x: NDArray) => NDArray) => ({
        y: f(z.add(a)),
        name: "sum",
      }),
      np.array(1),
      np.sin,
    );
    assert(inner.consts.length === 1 && inner.consts[0] === z);
    assertEquals(inner.call(np.array(2), np.sin).name, "sum");
    // By its arrays, as any module.
    const byCaptured = eqx.filterGrad((c: typeof inner) => c.call(np.array(0), np.sin).y)(inner);
    return byCaptured.consts[0]!.add(inner.call(np.array(0), np.sin).y);
  });
  // d/dx (cos(xy) + sin(xy))
  const xy = 0.5 * 3;
  assertClose(g(np.array(0.5), np.array(3)), 3 * (Math.cos(xy) - Math.sin(xy)), 1e-5);
  const plus = eqx.filterClosureConvert((a: NDArray) => a.add(1), np.array(1));
  assertEquals([plus.call(np.array(2)).item(), plus.consts.length], [3, 0]);
  assertThrows(() => plus.call(np.ones([2])), TreeError, "is called with [*] and float32[2]");
});

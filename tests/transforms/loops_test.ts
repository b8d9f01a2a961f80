/**
 * Structured control flow by itself and under transforms: carries and slices that are trees, loops
 * backwards and of no steps, captured values, and branches.
 *
 * @module
 */
import {
  associativeScan,
  AxisError,
  cond,
  DifferentiationError,
  foriLoop,
  grad,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  loadBackend,
  makeJaxpr,
  map,
  type NDArray,
  numpy as np,
  scan,
  switchCase,
  type Tree,
  TreeError,
  vjp,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";
import { backends, everywhere } from "../support/everywhere.ts";
import { limited } from "../support/limited.ts";

await loadBackend("onnx");

const int = (v: number | number[]): NDArray => arr(v, "int32");

Deno.test("numbers that a loop begins with take the dtype that its steps give", () => {
  const xs = arr([0.1, 0.2]);
  const loops: Readonly<Record<string, (start: number) => NDArray>> = {
    scan: (s) => scan((c: NDArray, x: NDArray) => [c.add(x), null], s, xs)[0] as NDArray,
    "scan of trees": (s) =>
      scan(
        (c: { n: NDArray; s: NDArray }, x: NDArray) => [{ n: c.n, s: c.s.add(x) }, null],
        { n: 5, s },
        xs,
      )[0].s,
    foriLoop: (s) => foriLoop(0, 2, (i, c: NDArray) => c.add(xs.at(i)), s),
    "foriLoop of so many steps": (s) =>
      foriLoop(int(0), int(2), (i, c: NDArray) => c.add(xs.at(i)), s),
    whileLoop: (s) => whileLoop((c: NDArray) => c.less(s + 0.25), (c) => c.add(xs.at(0)), s),
    "bounded whileLoop": (s) =>
      whileLoop((c: NDArray) => c.less(s + 9), (c) => c.add(xs.at(0)), s, { maxSteps: 3 }),
    "loops in a loop": (s) => {
      const inner = (): NDArray => foriLoop(0, 1, (_, d) => d.add(xs.sum()), 0) as NDArray;
      return scan((c) => [inner().add(c), null], s, null, { length: 1 })[0] as NDArray;
    },
  };
  for (const [name, loop] of Object.entries(loops)) {
    for (const run of [loop, (s: number) => jit((_: NDArray) => loop(s))(xs)]) {
      const y = run(0.7);
      assertEquals([name, y.dtype], [name, "float64"]);
      assertClose(y, 1);
    }
  }
  const last = foriLoop(0, 3, (i) => i, -1) as NDArray;
  assertEquals([last.dtype, last.item()], ["int32", 2]);
  assertThrows(
    () => foriLoop(0, 3, (i) => i, 0.5),
    TreeError,
    "float32[] and int32[] differ",
  );
  const from = (init: number, step: NDArray) =>
    foriLoop(0, 2, (_, x: NDArray) => x.add(step), init);
  assertEquals(from(NaN, arr(1)).dtype, "float64");
  assertEquals(from(NaN, arr(1)).item(), NaN);
  // Beside one that changes, NaN that stays as it is.
  const two = foriLoop(
    0,
    2,
    (_, [x, y]: NDArray[]) => [x!, y!.add(arr(1))],
    [NaN, 0] as unknown as NDArray[],
  );
  assertEquals(two.map((x) => [x.dtype, x.item()]), [["float32", NaN], ["float64", 2]]);
});

Deno.test("whileLoop(): what all steps pass on is a constant of the loop", () => {
  type Carry = { i: NDArray; w: NDArray; last: NDArray; next: NDArray };
  const run = (x: NDArray, n: NDArray, options = {}): Carry =>
    whileLoop(
      // Tested, read and passed on: `w`. Passed on and not read: `last`.
      (c: Carry) => np.logicalAnd(c.i.less(n), c.w.less(10)),
      (c: Carry) => ({ ...c, i: c.i.add(c.w.greater(0).astype("int32")), next: c.i }),
      { i: int(0), w: x, last: x.mul(2), next: int(-1) },
      options,
    );
  const f = (x: NDArray, n: NDArray): NDArray => {
    const { i, w, last, next } = run(x, n);
    return w.mul(last).add(i.astype("float64")).add(next.astype("float64"));
  };
  assertEquals(plain(run(arr(3), int(4))), { i: 4, w: 3, last: 6, next: 3 });
  // 2 x^2 has reverse derivatives of all orders though the number of steps is not known.
  for (const g of [grad(f), jit(grad(f)), (x: NDArray, n: NDArray) => jacfwd(f)(x, n)]) {
    assertClose(g(arr(3), int(4)), 12);
    assertClose(vmap(g)(arr([3, 5, 20]), int([4, 0, 2])), [12, 20, 80]);
  }
  assertClose(grad((x: NDArray, n: NDArray) => vmap(f)(x, n).sum())(arr([3, 5]), int([4, 1])), [
    12,
    20,
  ]);
  assertClose(grad(grad(f))(arr(3), int(4)), 4);
  assertEquals(plain(run(arr(3), int(4), { maxSteps: 2 })), { i: 2, w: 3, last: 6, next: 1 });
});

Deno.test("scan() with trees as carry, slices and results", () => {
  const f = (init: NDArray, xs: NDArray): Tree =>
    scan(
      (c: { sum: NDArray; n: [NDArray] }, x: { v: NDArray; k: NDArray[] }) => [
        { sum: c.sum.add(x.v.mul(x.k[0]!)), n: [c.n[0].add(1)] },
        [c.sum, { n: c.n[0] }],
      ],
      { sum: init, n: [np.zeros([], { dtype: "int32" })] },
      { v: xs, k: [xs.mul(2)] },
    );
  everywhere(f, [arr(1), arr([1, 2, 3])], [
    { sum: 29, n: [3] },
    [[1, 3, 11], { n: [0, 1, 2] }],
  ]);
});

Deno.test("scan() in reverse: slices and results keep their places", () => {
  const f = (xs: NDArray): Tree =>
    scan((c: NDArray, x: NDArray) => [c.add(x), c.mul(10).add(x)], arr(0), xs, { reverse: true });
  everywhere(f, [arr([1, 2, 3])], [6, [51, 32, 3]]);
});

Deno.test("scan() without slices, without results, without carry", () => {
  const count = (): Tree =>
    scan((c: NDArray, _: null) => [c.add(1), c], arr(0), null, { length: 3 });
  everywhere(count, [], [3, [0, 1, 2]]);
  const silent = (xs: NDArray): Tree =>
    scan((c: NDArray, x: NDArray) => [c.add(x), null], arr(0), xs);
  everywhere(silent, [arr([1, 2])], [3, null]);
  const carryless = (xs: NDArray): Tree =>
    scan((_: null, x: NDArray) => [null, x.mul(2)], null, xs);
  everywhere(carryless, [arr([1, 2])], [null, [2, 4]]);
  const backwards = (): Tree =>
    scan((c: NDArray, _: null) => [c.add(1), c], arr(0), null, { length: 3, reverse: true });
  everywhere(backwards, [], [3, [2, 1, 0]]);
});

Deno.test("scan() of no steps: the carry as it came, results without rows, derivatives", () => {
  const f = (c: NDArray, xs: NDArray): Tree =>
    scan((c: NDArray, x: NDArray) => [np.sin(c).add(x.sum()), { y: c.mul(x) }], c, xs);
  const xs = np.zeros([0, 2], { dtype: "float64" });
  everywhere(f, [arr(3), xs], [3, { y: np.zeros([0, 2], { dtype: "float64" }) }]);
  const g = (c: NDArray, xs: NDArray): NDArray => (f(c, xs) as [NDArray, unknown])[0];
  assertClose(grad(g, { argnums: [0, 1] })(arr(3), xs), [1, xs]);
  for (const b of backends) {
    assertClose(jit(grad(g, { argnums: [0, 1] }), b)(arr(3), xs), [1, xs]);
  }
  assertClose(jvp(g, [arr(3), xs], [arr(2), xs])[1], 2);
  assertClose(vmap((c: NDArray) => g(c, xs))(arr([1, 2])), [1, 2]);
  assertClose(
    scan(() => [arr(1), arr([5])], arr(1), null, { length: 0 })[1],
    np.zeros([0, 1], { dtype: "float64" }),
  );
});

Deno.test("scan() captures traced values of every enclosing transform", () => {
  const f = (w: NDArray, v: NDArray): NDArray =>
    scan((c: NDArray, x: NDArray) => [c.mul(w).add(x.mul(v)), null], arr(1), arr([1, 2]))[0];
  // c = ((w + v) w + 2 v)
  const [w, v] = [3, 5];
  assertClose(grad(f, { argnums: [0, 1] })(arr(w), arr(v)), [2 * w + v, w + 2]);
  const mixed = grad((w: NDArray) => vmap((v: NDArray) => f(w, v))(arr([5, 7])).sum());
  assertClose(mixed(arr(w)), 4 * w + 12);
  const nested = jacfwd(grad(f), { argnums: 1 })(arr(w), arr(v));
  assertClose(nested, 1);
  for (const b of backends) assertClose(jit(mixed, b)(arr(w)), 4 * w + 12);
});

Deno.test("scan() inside scan(), differentiated, with the inner carry from the outer", () => {
  const f = (x: NDArray): NDArray =>
    scan(
      (c: NDArray, k: NDArray) => {
        const inner = scan(
          (d: NDArray, j: NDArray) => [np.sin(d).mul(j).add(c), d],
          c.mul(k),
          arr([0.5, 2]),
        );
        return [inner[0].mul(x), inner[1].sum()];
      },
      x,
      arr([1, -1, 0.5]),
    )[0];
  const byHand = (x: number): number => {
    let c = x;
    for (const k of [1, -1, 0.5]) {
      let d = c * k;
      for (const j of [0.5, 2]) d = Math.sin(d) * j + c;
      c = d * x;
    }
    return c;
  };
  const slope = (byHand(0.7 + 1e-5) - byHand(0.7 - 1e-5)) / 2e-5;
  everywhere(f, [arr(0.7)], byHand(0.7));
  assertClose(grad(f)(arr(0.7)), slope, 1e-8);
  assertClose(jacfwd(f)(arr(0.7)), grad(f)(arr(0.7)));
  for (const b of backends) assertClose(jit(grad(f), b)(arr(0.7)), grad(f)(arr(0.7)));
});

Deno.test("the gradient of a scan keeps what its backward loop needs and no more", () => {
  const f = (w: NDArray): NDArray =>
    scan((c: NDArray, _: null) => [np.sin(c).mul(w), null], w, null, { length: 7 })[0];
  const { jaxpr } = openJaxpr(makeJaxpr(grad(f))(arr(0.5)));
  const scans = jaxpr.eqns.filter((e) => e.primitive.name === "scan");
  assertEquals(scans.length, 2, "one loop forward and one backward");
  // Forward: the carry, and two stacked residuals (cos c, sin c); w is constant and is not stacked.
  const stackedW = scans[0]!.outputs.filter((v) => v.aval.shape.length === 1);
  assert(stackedW.length <= 3, `${stackedW.length} residuals are stacked`);
});

Deno.test("map() applies a function to slices, one after the other", () => {
  const f = (xs: NDArray): Tree => map((x: NDArray) => ({ s: x.sum(), t: x.mul(2) }), xs);
  everywhere(f, [arr([[1, 2], [3, 4]])], { s: [3, 7], t: [[2, 4], [6, 8]] });
  const g = grad((xs: NDArray) => map((x: NDArray) => np.sin(x), xs).sum());
  assertClose(g(arr([0, 1])), [1, Math.cos(1)]);
});

Deno.test("whileLoop() with a tree, and with values captured by condition and body", () => {
  const f = (limit: NDArray, factor: NDArray): Tree =>
    whileLoop(
      (s: { x: NDArray; log: NDArray[] }) => s.x.less(limit),
      (s: { x: NDArray; log: NDArray[] }) => ({ x: s.x.mul(factor), log: [s.log[0]!.add(s.x)] }),
      { x: arr(1), log: [arr(0)] },
    );
  everywhere(f, [arr(20), arr(3)], { x: 27, log: [13] });
  everywhere(f, [arr(1), arr(3)], { x: 1, log: [0] });
  const last = (limit: NDArray, factor: NDArray): NDArray => (f(limit, factor) as { x: NDArray }).x;
  assertClose(jvp(last, [arr(20), arr(3)], [arr(1), arr(1)])[1], 27);
  assertClose(linearize(last, [arr(20), arr(3)])[1](arr(0), arr(2)), 54);
  assertClose(jacfwd(last, { argnums: 1 })(arr(20), arr(3)), 27);
  for (const b of backends) {
    assertClose(jit(jacfwd(last, { argnums: 1 }), b)(arr(20), arr(3)), 27);
  }
  assertClose(vmap(last)(arr([20, 5, 0]), arr([3, 2, 2])), [27, 8, 1]);
});

Deno.test("whileLoop() under reverse mode: allowed where the loop does not depend on it", () => {
  const steps = (limit: NDArray): NDArray =>
    whileLoop((n: NDArray) => n.mul(n).less(limit), (n: NDArray) => n.add(1), arr(0));
  const f = (x: NDArray): NDArray => x.mul(steps(arr(10)));
  assertClose(grad(f)(arr(2)), 4);
  const stopped = (x: NDArray): NDArray => x.mul(steps(np.stopGradient(x)));
  assertClose(grad(stopped)(arr(10)), 4);
  const e = assertThrows(
    () =>
      grad((x: NDArray) => whileLoop((y: NDArray) => y.less(9), (y: NDArray) => y.mul(x), x))(
        arr(2),
      ),
    DifferentiationError,
  );
  for (const part of ["whileLoop", "foriLoop", "scan", "jacfwd", "customRoot"]) {
    assert(e.message.includes(part), `${e.message} does not name ${part}`);
  }
});

Deno.test("foriLoop(): bounds that are numbers, arrays and traced; no steps; reverse mode", () => {
  const f = (n: NDArray | number, x: NDArray): NDArray =>
    foriLoop(1, n, (i, v) => v.mul(i).add(x), x);
  assertClose(f(4, arr(2)), ((2 * 1 + 2) * 2 + 2) * 3 + 2);
  assertClose(f(int(4), arr(2)), 32);
  for (const b of backends) {
    assertClose(jit(f, b)(int(4), arr(2)), 32);
    assertClose(jit((x: NDArray) => f(4, x), b)(arr(2)), 32);
    assertClose(jit(f, b)(int(-3), arr(2)), 2);
  }
  assertClose(f(1, arr(2)), 2);
  assertClose(f(-5, arr(2)), 2);
  assertClose(grad((x: NDArray) => f(4, x))(arr(2)), 16);
  assertClose(jvp((x: NDArray) => f(int(4), x), [arr(2)], [arr(1)])[1], 16);
  assertEquals(foriLoop(0, 3, (i, v) => v.add(i), int(0)).dtype, "int32");
  assertClose(vmap((n: NDArray, x: NDArray) => f(n, x))(int([1, 4]), arr([5, 2])), [5, 32]);
  assertThrows(() => foriLoop(0, 1.5, (_, v) => v, arr(0)), AxisError, "1.5");
});

Deno.test("cond() takes one branch, with operands and without, on bools and numbers", () => {
  const f = (p: NDArray, x: NDArray): NDArray =>
    cond(p, (x: NDArray) => x.mul(2), (x: NDArray) => x.sub(1), x);
  for (const [p, want] of [[true, 10], [false, 4]] as const) {
    everywhere(f, [np.array(p), arr(5)], want);
  }
  assertClose(cond(true, () => arr(1), () => arr(2)), 1);
  assertClose(cond(0, () => arr(1), () => arr(2)), 2);
  assertClose(cond(int(-3), () => arr(1), () => arr(2)), 1);
  // Only the branch taken runs, even eagerly: the other would loop for ever.
  const forever = (x: NDArray): NDArray => whileLoop(() => np.array(true), limited, x);
  assertClose(cond(false, forever, (x: NDArray) => x, arr(3)), 3);
});

Deno.test("cond() whose branches capture different traced values, under every mode", () => {
  const f = (a: NDArray, b: NDArray, c: NDArray): NDArray =>
    cond(a.greater(0), () => a.mul(b).add(1), (x: NDArray) => c.mul(c).mul(x), a);
  const all = { argnums: [0, 1, 2] };
  for (const [a, want, d] of [[2, 7, [3, 2, 0]], [-2, -32, [16, 0, -16]]] as const) {
    const args: [NDArray, NDArray, NDArray] = [arr(a), arr(3), arr(4)];
    everywhere(f, args, want);
    everywhere(grad(f, all), args, d);
    everywhere(jacfwd(f, all), args, d);
  }
  const lanes = vmap(grad(f, all))(arr([2, -2]), arr([3, 3]), arr([4, 4]));
  assertClose(lanes, [[3, 16], [2, 0], [0, -16]]);
  const second = jacrev(grad(f, { argnums: 2 }), { argnums: 2 });
  assertClose(second(arr(-2), arr(3), arr(4)), -4);
  assertClose(second(arr(2), arr(3), arr(4)), 0);
});

Deno.test("cond() with branches of which one is constant or passes its operand through", () => {
  const f = (x: NDArray): NDArray => cond(x.less(1), (x: NDArray) => x, (_: NDArray) => arr(10), x);
  for (const [x, d] of [[0.5, 1], [3, 0]] as const) {
    everywhere(grad(f), [arr(x)], d);
    assertClose(vjp(f, [arr(x)])[1](arr(2)), [2 * d]);
  }
  assertClose(vmap(grad(f))(arr([0.5, 3])), [1, 0]);
});

Deno.test("switchCase() clamps its index and differentiates the branch taken", () => {
  const f = (i: NDArray | number, x: NDArray): NDArray =>
    switchCase(i, [(x: NDArray) => x, (x: NDArray) => x.mul(x), (x: NDArray) => np.exp(x)], x);
  for (
    const [i, want, d] of [[-4, 3, 1], [0, 3, 1], [1, 9, 6], [2, Math.exp(3), Math.exp(3)], [
      9,
      Math.exp(3),
      Math.exp(3),
    ]] as const
  ) {
    everywhere((i: NDArray, x: NDArray) => f(i, x), [int(i), arr(3)], want);
    everywhere(grad(f, { argnums: 1 }), [int(i), arr(3)], d);
    assertClose(f(i, arr(3)), want);
  }
  assertClose(vmap(f)(int([0, 1, 2]), arr([3, 3, 0])), [3, 9, 1]);
  assertClose(switchCase(5, [() => arr(7)]), 7);
});

Deno.test("branches and steps may return numbers; integers stay integers", () => {
  assertEquals(cond(true, () => 1, () => 2).item(), 1);
  assertEquals(switchCase(1, [() => int(1), () => int(5)]).dtype, "int32");
  assertEquals(
    scan((c: NDArray, x: NDArray) => [c.add(x), c], int(0), int([1, 2, 3]))[1].dtype,
    "int32",
  );
});

Deno.test("associativeScan(): all lengths, axes, reverse, trees, and derivatives", () => {
  for (let n = 1; n <= 9; n++) {
    const xs = Array.from({ length: n }, (_, i) => i + 1);
    const sums = xs.map((_, i) => (i + 1) * (i + 2) / 2);
    assertClose(associativeScan((a: NDArray, b: NDArray) => a.add(b), arr(xs)), sums);
    const back = associativeScan((a: NDArray, b: NDArray) => a.add(b), arr(xs), { reverse: true });
    assertClose(back, xs.map((_, i) => n * (n + 1) / 2 - i * (i + 1) / 2));
  }
  // An operation that does not commute: composition of x -> a x + b.
  type Affine = { a: NDArray; b: NDArray };
  const compose = (f: Affine, g: Affine): Affine => ({ a: f.a.mul(g.a), b: g.a.mul(f.b).add(g.b) });
  const a = [2, 3, -1, 0.5, 4], b = [1, -2, 5, 3, 0.5];
  let state = [1, 0];
  const want = a.map((_, i) => state = [state[0]! * a[i]!, a[i]! * state[1]! + b[i]!]);
  const out = associativeScan(compose, { a: arr(a), b: arr(b) });
  assertClose(out, { a: want.map((s) => s[0]!), b: want.map((s) => s[1]!) });
  const rows = associativeScan((x: NDArray, y: NDArray) => x.mul(y), arr([[1, 2, 3], [4, 5, 6]]), {
    axis: 1,
  });
  assertClose(rows, [[1, 2, 6], [4, 20, 120]]);
  const g = grad((x: NDArray) => associativeScan((p: NDArray, q: NDArray) => p.mul(q), x).sum());
  assertClose(g(arr([1, 2, 3])), [1 + 2 + 6, 1 + 3, 2]);
  const flags = associativeScan(
    (p: NDArray, q: NDArray) => np.logicalOr(p, q),
    np.array([false, true, false]),
  );
  assertEquals(plain(flags), [false, true, true]);
});

Deno.test("associativeScan(): the function is recorded once for each shape, with what it captures", () => {
  const shapes: string[] = [];
  const scanned = (c: NDArray, xs: NDArray): NDArray =>
    associativeScan((a: NDArray, b: NDArray) => {
      shapes.push(String(a.shape));
      return a.mul(b).mul(c);
    }, xs);
  const xs = arr([1.5, -2, 0.5, 3, 1.25, 0.75, -1, 2]);
  const c = arr(0.8);
  const looped = (c: NDArray, xs: NDArray): NDArray => {
    let last = xs.at(0);
    const all = [last];
    for (let i = 1; i < 8; i++) all.push(last = last.mul(xs.at(i)).mul(c));
    return np.stack(all);
  };
  assertClose(scanned(c, xs), looped(c, xs));
  assertEquals([...shapes].sort(), [...new Set(shapes)].sort());
  const gradOf = (f: typeof scanned) =>
    grad((c: NDArray, xs: NDArray) => f(c, xs).square().sum(), { argnums: [0, 1] })(c, xs);
  assertClose(gradOf(scanned), gradOf(looped));
  const both = np.stack([c, c.mul(2)]);
  assertClose(
    vmap((c: NDArray) => scanned(c, xs))(both),
    np.stack([looped(c, xs), looped(c.mul(2), xs)]),
  );
  assertThrows(
    () => associativeScan(() => undefined as never, xs),
    TreeError,
    "returned undefined. Did you forget a return?",
  );
});

Deno.test("loops name what does not fit", () => {
  const bad = (): Tree =>
    scan((c: NDArray, x: NDArray) => [c.add(x).astype("float32"), c], arr(0), arr([1]));
  assertThrows(bad, TreeError, "float64[] and float32[]");
  assertThrows(
    () => scan((c: NDArray) => c as never, arr(0), null, { length: 1 }),
    TreeError,
    "[carry, y]",
  );
  assertThrows(() => scan(() => [null, null], null, null), TreeError, "length");
  assertThrows(
    () => scan(() => [null, null], null, { a: arr([1, 2]), b: [arr([1])] }),
    TypeError,
    "xs.b[0] has shape [1]",
  );
  assertThrows(
    () => whileLoop((x: NDArray) => x, (x: NDArray) => x, arr(1)),
    TreeError,
    "bool scalar",
  );
  assertThrows(
    () => whileLoop((x: NDArray) => x.less(3), (x: NDArray) => np.stack([x, x]), arr(1)),
    TreeError,
    "float64[] and float64[2]",
  );
  assertThrows(() => cond(true, () => arr(1), () => arr([1])), TreeError, "ifFalse and ifTrue");
  assertThrows(() => cond(arr([1, 2]), () => arr(1), () => arr(1)), TypeError, "[2]");
  assertThrows(() => switchCase(0, []), TypeError, "at least one");
  assertThrows(
    () => switchCase(0, [() => arr(1), () => ({ a: arr(1) }) as never]),
    TreeError,
    "branches 0 and 1",
  );
});

Deno.test("whileLoop() under jacfwd, with programs in its body", () => {
  const bodies: Record<string, (v: NDArray) => NDArray> = {
    jit: jit((v: NDArray) => v.mul(2), { backend: "interpreter" }),
    foriLoop: (v) => foriLoop(0, 1, (_, v: NDArray) => v.mul(2), v),
    cond: (v) => cond(v.greater(-1), (v) => v.mul(2), (v) => v, v),
  };
  for (const [name, body] of Object.entries(bodies)) {
    const f = (x: NDArray) => whileLoop((v: NDArray) => v.less(9), body, x);
    assertClose(jacfwd(f)(arr(1.5)), 8, 1e-12, name);
  }
});

Deno.test("a loop that replaces a carry differentiates: what comes in is lost", () => {
  const last = (x: NDArray, end: (q: NDArray) => NDArray): NDArray =>
    whileLoop(
      ([i]: [NDArray, NDArray]) => i.less(3),
      ([i, q]: [NDArray, NDArray]) => [i.add(1), end(q)] as [NDArray, NDArray],
      [int(0), x] as [NDArray, NDArray],
    )[1].mul(x);
  for (const end of [() => arr(5), (q: NDArray) => np.sign(q).mul(5)]) {
    const f = (x: NDArray): NDArray => last(x, end);
    assertClose(linearize(f, [arr(2)])[1](arr(1)), 5);
    assertClose(jvp(f, [arr(2)], [arr(1)])[1], 5);
    assertThrows(() => grad(f)(arr(2)), DifferentiationError, "whileLoop");
  }
});

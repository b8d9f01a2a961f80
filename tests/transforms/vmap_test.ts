/**
 * Vectorisation: axes of arguments and results, trees, what is not mapped, nesting, and lanes of
 * loops that end at different times.
 *
 * @module
 */
import {
  AxisError,
  cond,
  grad,
  jacfwd,
  jit,
  jvp,
  type NDArray,
  numpy as np,
  random,
  scan,
  ShapeError,
  TreeError,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";
import { interpreter } from "../support/everywhere.ts";

const m = arr([[1, 2, 3], [4, 5, 6]]);

Deno.test("vmap() maps the first axis of every argument", () => {
  assertClose(vmap((x: NDArray, y: NDArray) => x.mul(y).sum())(m, m), [14, 77]);
  assertClose(vmap((x: NDArray) => x.mul(2))(arr([1, 2])), [2, 4]);
});

Deno.test("vmap() with inAxes: numbers, null, negative, trees that are prefixes", () => {
  const f = (x: NDArray, y: NDArray): NDArray => x.mul(y).sum();
  assertClose(vmap(f, { inAxes: 1 })(m, m), [17, 29, 45]);
  assertClose(vmap(f, { inAxes: -1 })(m, m), [17, 29, 45]);
  assertClose(vmap(f, { inAxes: [0, null] })(m, arr([1, 10, 100])), [321, 654]);
  assertClose(vmap(f, { inAxes: [null, 0] })(arr([1, 10, 100]), m), [321, 654]);
  assertClose(vmap(f, { inAxes: [0, 1] })(m, m.T), [14, 77]);
  const g = (p: { a: NDArray; b: NDArray[] }): NDArray => p.a.add(p.b[0]!).add(p.b[1]!);
  const p = { a: arr([1, 2]), b: [arr([10, 20]), arr(100)] };
  assertClose(vmap(g, { inAxes: [{ a: 0, b: [0, null] }] })(p), [111, 122]);
  assertClose(vmap(g, { inAxes: [{ a: 0, b: null }] })({ ...p, b: [arr(5), arr(7)] }), [13, 14]);
});

Deno.test("vmap(): what is not mapped may be anything", () => {
  const f = (x: NDArray, p: { how: string; f: (x: NDArray) => NDArray; y: NDArray }): NDArray =>
    p.how === "sum" ? p.f(x).sum().add(p.y) : x;
  const p = { how: "sum", f: np.square, y: arr([1, 2]) };
  assertClose(vmap(f, { inAxes: [0, { how: null, f: null, y: 0 }] })(m, p), [15, 79]);
  assertClose(vmap(f, { inAxes: [0, null] })(m, { ...p, y: arr(1) }), [15, 78]);
  assertThrows(() => vmap(f)(m, p), TreeError, "a function (square)");
});

Deno.test("vmap() with outAxes: positions, null, trees, results that are the same in all lanes", () => {
  const f = (x: NDArray): NDArray => np.stack([x, x.mul(10)]);
  const v = arr([1, 2, 3]);
  assertClose(vmap(f)(v), [[1, 10], [2, 20], [3, 30]]);
  assertClose(vmap(f, { outAxes: 1 })(v), [[1, 2, 3], [10, 20, 30]]);
  assertClose(vmap(f, { outAxes: -1 })(v), [[1, 2, 3], [10, 20, 30]]);
  const both = vmap((x: NDArray) => ({ a: x, c: arr([7, 8]) }), { outAxes: { a: 0, c: null } });
  assertEquals(plain(both(v)), { a: [1, 2, 3], c: [7, 8] });
  const constant = vmap((_: NDArray) => arr([7, 8]));
  assertEquals(plain(constant(v)), [[7, 8], [7, 8], [7, 8]]);
  assertEquals(plain(vmap((_: NDArray) => arr([7, 8]), { outAxes: 1 })(v)), [[7, 7, 7], [8, 8, 8]]);
});

Deno.test("vmap() with axisSize and nothing mapped", () => {
  const f = vmap((x: NDArray) => x.mul(2), { inAxes: null, axisSize: 3 });
  assertClose(f(arr([1, 2])), [[2, 4], [2, 4], [2, 4]]);
  assertClose(vmap(() => arr(1), { axisSize: 2 })(), [1, 1]);
});

Deno.test("vmap() of vmap(): matrix product, and either axis", () => {
  const dot = (x: NDArray, y: NDArray): NDArray => x.mul(y).sum();
  const matmul = vmap(vmap(dot, { inAxes: [null, 1] }), { inAxes: [0, null] });
  assertClose(matmul(m, m.T), np.matmul(m, m.T));
  const outer = vmap((x: NDArray) => vmap((y: NDArray) => x.mul(y))(arr([1, 2])))(arr([3, 4, 5]));
  assertClose(outer, [[3, 6], [4, 8], [5, 10]]);
});

Deno.test("vmap() over no lanes and over one", () => {
  assertEquals(vmap((x: NDArray) => x.sum())(arr([[1, 2]])).shape, [1]);
  const none = vmap((x: NDArray) => np.sin(x).mul(2))(np.zeros([0, 3]));
  assertEquals(none.shape, [0, 3]);
  const sums = vmap((x: NDArray) => np.matmul(x, x).add(x.max()))(np.zeros([0, 3]));
  assertEquals(sums.shape, [0]);
});

Deno.test("vmap() of closures: captured arrays and traced values are not mapped", () => {
  const f = (w: NDArray): NDArray => vmap((x: NDArray) => x.mul(w).sum())(m).sum();
  assertClose(grad(f)(arr([1, 2, 3])), [5, 7, 9]);
  assertClose(jit(f, interpreter)(arr([1, 2, 3])), 14 + 32);
  assertClose(vmap(f)(arr([[1, 2, 3], [0, 0, 1]])), [46, 9]);
});

Deno.test("grad() of vmap() and vmap() of grad(), with shared parameters", () => {
  const loss = (w: NDArray, x: NDArray): NDArray => np.tanh(w.mul(x).sum());
  const w = arr([0.1, -0.2, 0.3]);
  const each = vmap(grad(loss), { inAxes: [null, 0] })(w, m);
  const total = grad((w: NDArray) => vmap(loss, { inAxes: [null, 0] })(w, m).sum())(w);
  assertClose(each.sum(0), total);
  assertClose(vmap(jacfwd(loss), { inAxes: [null, 0] })(w, m), each);
  const [, dots] = jvp((w: NDArray) => vmap(loss, { inAxes: [null, 0] })(w, m), [w], [w]);
  assertClose(dots, np.matmul(each, w));
});

Deno.test("vmap() of whileLoop(): lanes stop at different steps and then stand still", () => {
  const steps = (x: NDArray): { x: NDArray; n: NDArray } =>
    whileLoop(
      (s: { x: NDArray; n: NDArray }) => s.x.less(100),
      (s: { x: NDArray; n: NDArray }) => ({ x: s.x.mul(s.x), n: s.n.add(1) }),
      { x, n: np.zeros([], { dtype: "int32" }) },
    );
  const starts = [2, 1.5, 200, 10, 1.01];
  const want = starts.map((v) => {
    let n = 0;
    for (; v < 100; n++) v *= v;
    return [v, n] as const;
  });
  const expected = { x: want.map(([v]) => v), n: want.map(([, n]) => n) };
  const out = vmap(steps)(arr(starts));
  assertClose(out.x, expected.x);
  assertEquals(plain(out.n), expected.n);
  const compiled = jit(vmap(steps), interpreter)(arr(starts));
  assertClose(compiled.x, expected.x);
  // The derivative of a lane that stands still stays what it was: 2^n x^(2^n - 1).
  const [, dots] = jvp((x: NDArray) => vmap(steps)(x).x, [arr(starts)], [arr([1, 1, 1, 1, 1])]);
  assertClose(dots, starts.map((v, i) => 2 ** want[i]![1] * v ** (2 ** want[i]![1] - 1)), 1e-11);
});

Deno.test("vmap() of whileLoop(): an infinite or NaN step of a finished lane does no harm", () => {
  const shrink = (x: NDArray): NDArray =>
    whileLoop((v: NDArray) => v.greater(1), (v: NDArray) => np.log(v), x);
  // A finished lane would go on to log of a negative number.
  const starts = [1e10, 0.5, 3, 1];
  const want = starts.map((v) => {
    while (v > 1) v = Math.log(v);
    return v;
  });
  assertClose(vmap(shrink)(arr(starts)), want);
});

Deno.test("vmap() of whileLoop() with the same condition in all lanes stays one plain loop", () => {
  const power = (x: NDArray): NDArray =>
    whileLoop(
      (s: [NDArray, NDArray]) => s[0].less(3),
      (s: [NDArray, NDArray]): [NDArray, NDArray] => [s[0].add(1), s[1].mul(x)],
      [np.zeros([], { dtype: "int32" }), x],
    )[1];
  assertClose(vmap(power)(arr([1, 2, 3])), [1, 16, 81]);
});

Deno.test("vmap() of whileLoop() whose bound is mapped and whose carry is not", () => {
  const count = (limit: NDArray): NDArray =>
    whileLoop((n: NDArray) => n.less(limit), (n: NDArray) => n.add(1), np.zeros([]));
  assertEquals(plain(vmap(count)(np.array([3, 0, 5]))), [3, 0, 5]);
});

Deno.test("vmap() of cond(): a shared predicate keeps the choice, a mapped one selects", () => {
  const f = (p: NDArray, x: NDArray): NDArray =>
    cond(p, (x: NDArray) => np.sqrt(x), (x: NDArray) => x.mul(-1), x);
  const x = arr([4, 9]);
  const shared = vmap(f, { inAxes: [null, 0] });
  assertClose(shared(np.array(true), x), [2, 3]);
  assertClose(shared(np.array(false), x), [-4, -9]);
  assertClose(vmap(f)(np.array([true, false]), x), [2, -9]);
  assertClose(vmap(f, { inAxes: [0, null] })(np.array([true, false]), arr(4)), [2, -4]);
  // The branch not taken is evaluated too, and its NaN must not reach the result.
  assertClose(vmap(f)(np.array([false, true]), arr([-1, 4])), [1, 2]);
});

Deno.test("vmap() of scan(): mapped carry, mapped slices, mapped constants, any of them", () => {
  const f = (c: NDArray, xs: NDArray, w: NDArray): NDArray[] => {
    const [last, ys] = scan((c: NDArray, x: NDArray) => [c.mul(w).add(x), c], c, xs);
    return [last, ys];
  };
  const run = (c: number, xs: number[], w: number): [number, number[]] => {
    const ys: number[] = [];
    for (const x of xs) {
      ys.push(c);
      c = c * w + x;
    }
    return [c, ys];
  };
  const cs = [1, 2], xss = [[1, 2, 3], [4, 5, 6]], ws = [0.5, -1];
  for (let bits = 1; bits < 8; bits++) {
    const on = [0, 1, 2].map((k) => (bits & (1 << k)) !== 0);
    const args = [on[0] ? cs : cs[0]!, on[1] ? xss : xss[0]!, on[2] ? ws : ws[0]!] as const;
    const inAxes = on.map((o) => o ? 0 : null);
    const want = [0, 1].map((lane) =>
      run(on[0] ? cs[lane]! : cs[0]!, on[1] ? xss[lane]! : xss[0]!, on[2] ? ws[lane]! : ws[0]!)
    );
    const [last, ys] = vmap(f, { inAxes })(arr(args[0]), arr(args[1]), arr(args[2]));
    assertClose(last, want.map(([c]) => c), 1e-12, `mapped ${on}`);
    assertClose(ys, want.map(([, y]) => y), 1e-12, `mapped ${on}`);
  }
});

Deno.test("vmap() of random numbers draws as each lane would alone", () => {
  const keys = random.split(random.key(3), 4);
  const draw = (key: NDArray): NDArray => random.normal(key, [2]);
  const lanes = vmap(draw)(keys);
  for (let i = 0; i < 4; i++) assertEquals(plain(lanes.at(i)), plain(draw(keys.at(i))));
});

Deno.test("vmap() names what does not fit", () => {
  const f = (x: NDArray, y: NDArray): NDArray => x.add(y);
  const sizes = assertThrows(() => vmap(f)(arr([1, 2]), arr([1, 2, 3])), ShapeError, "argument 0");
  for (const part of ["[2]", "[3]", "argument 1", "inAxes"]) {
    assertEquals(sizes.message.includes(part), true, sizes.message);
  }
  assertThrows(() => vmap(f, { inAxes: [0] })(arr([1]), arr([1])), TreeError, "inAxes");
  assertThrows(() => vmap(f, { inAxes: null })(arr([1]), arr([1])), TreeError, "axisSize");
  const [p, inAxes] = [{ a: arr([1]) }, [{ a: 0, b: 0 }]];
  assertThrows(() => vmap((p: { a: NDArray }) => p.a, { inAxes })(p), TreeError, 'an entry "b"');
  assertThrows(
    () => vmap((_: NDArray) => p, { outAxes: { a: 0, b: 0 } })(arr([1])),
    TreeError,
    '"b"',
  );
  assertThrows(() => vmap(f)(arr(1), arr([1])), AxisError, "scalar");
  assertThrows(() => vmap(f, { inAxes: 2 })(m, m), AxisError, "2");
  assertThrows(() => vmap((x: NDArray) => x, { outAxes: null })(m), TreeError, "outAxes");
  assertThrows(() => vmap((x: NDArray) => x.sum(), { outAxes: 1 })(m), AxisError, "outAxes");
});

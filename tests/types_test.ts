/**
 * What the types accept and infer, and what they reject. The natural programs also run.
 *
 * @module
 */
import {
  type Arguments,
  type Arrays,
  associativeScan,
  checkpoint,
  cond,
  customJvp,
  customLinearSolve,
  customRoot,
  customVjp,
  type DiffOptions,
  evalShape,
  exportOnnx,
  fixedPoint,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jit,
  jvp,
  linearize,
  makeJaxpr,
  map,
  NDArray,
  numpy as np,
  pure,
  registerPytreeNode,
  scan,
  ShapeDtype,
  type Solution,
  type Stepper,
  switchCase,
  type Transforms,
  type Tree,
  type TreeLike,
  treeMap,
  valueAndGrad,
  vjp,
  vmap,
  whileLoop,
} from "../mod.ts";
import { assert, assertEquals } from "./support/assert.ts";
import { arr, plain } from "./support/arrays.ts";
import { interpreter } from "./support/everywhere.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Fails to compile where `value` is not of type `T` exactly; checks its value too. */
function expectType<T>() {
  return <U>(value: U, same: Equal<T, U>, expected: unknown): void => {
    assert(same);
    assertEquals(plain(value instanceof Point ? value.toJSON() : value), plain(expected));
  };
}

const x = arr([1, 2]);

interface Params {
  readonly w: NDArray;
  readonly layers: readonly { readonly b: NDArray }[];
  readonly none: null;
}
const params: Params = { w: arr(3), layers: [{ b: arr(1) }], none: null };

class Point {
  declare readonly "~arrays"?: Point;
  constructor(readonly x: NDArray, private readonly y: NDArray) {}
  sum(): NDArray {
    return this.x.add(this.y);
  }
  static {
    registerPytreeNode(
      Point,
      (p) => [{ x: p.x, y: p.y }, null],
      ({ x, y }) => new Point(x as NDArray, y as NDArray),
    );
  }
  toJSON(): unknown {
    return { x: this.x.item(), y: this.y.item() };
  }
}

Deno.test("types of gradients follow argnums and hasAux", () => {
  const f = (p: Params, x: NDArray): NDArray => p.w.mul(x).sum().add(p.layers[0]!.b);
  const dp = { w: 3, layers: [{ b: 1 }], none: null };
  expectType<Arrays<Params>>()(grad(f)(params, x), true, dp);
  expectType<NDArray>()(grad(f, { argnums: 1 })(params, x), true, [3, 3]);
  expectType<NDArray>()(grad(f, { argnums: -1 })(params, x), true, [3, 3]);
  expectType<[NDArray, Arrays<Params>]>()(
    grad(f, { argnums: [1, 0] })(params, x),
    true,
    [[3, 3], dp],
  );
  const back: Params = grad(f)(params, x);
  assertEquals(plain(back), dp);
  const aux = (x: NDArray) => [x.sum(), { doubled: x.mul(2), pair: [x, 1] }];
  // @ts-expect-error -- an array of a union, not a pair: write the function in place, or its type
  assertEquals(grad(aux, { hasAux: true })(x).length, 2);
  const [g, a] = grad((x: NDArray) => [x.sum(), { doubled: x.mul(2), pair: [x, 1] }], {
    hasAux: true,
  })(x);
  expectType<NDArray>()(g, true, [1, 1]);
  expectType<{ doubled: NDArray; pair: [NDArray, NDArray] }>()(
    a,
    true,
    { doubled: [2, 4], pair: [[1, 2], 1] },
  );
  expectType<[NDArray, NDArray]>()(
    valueAndGrad((x) => x.square().sum())(x),
    true,
    [5, [2, 4]],
  );
  expectType<[[NDArray, NDArray], [NDArray]]>()(
    valueAndGrad((x: NDArray) => [x.sum(), x], { hasAux: true, argnums: [0] })(x),
    true,
    [[3, [1, 2]], [[1, 1]]],
  );
  const options: DiffOptions = { argnums: 1 };
  const either = grad(f, options)(params, x);
  assert(either instanceof NDArray);
  // Numbers and typed arrays may be given for arrays.
  expectType<NDArray>()(grad((x: NDArray) => x.mul(x))(3), true, 6);
  expectType<{ a: NDArray }>()(
    grad((t: { a: NDArray }) => t.a.sum())({ a: new Float64Array(2) }),
    true,
    { a: [1, 1] },
  );
  expectType<Point>()(grad((p: Point) => p.sum())(new Point(arr(1), arr(2))), true, { x: 1, y: 1 });
  // Where types do not tell whether there is an auxiliary output, either.
  const told: boolean = Math.random() < 2;
  expectType<NDArray | [NDArray, { x: NDArray }]>()(
    grad((x: NDArray) => [x.sum(), { x }], { hasAux: told })(x),
    true,
    [[1, 1], { x: [1, 2] }],
  );
  // One signature: its parameters and result can be asked for.
  expectType<DiffOptions<0, false> | undefined>()(
    undefined as Parameters<typeof grad<[NDArray], NDArray>>[1],
    true,
    undefined,
  );
  // @ts-expect-error -- not a scalar
  assert(() => grad((x: NDArray) => ({ x })));
  // @ts-expect-error -- a pair, and nothing says that the second is not a value
  assert(() => grad((x: NDArray) => [x.sum(), x]));
  // @ts-expect-error -- a misspelt option beside a right one
  assert(() => grad((x: NDArray) => x.sum(), { argnums: 0, hasAxu: true }));
  // @ts-expect-error -- pure functions have no entries
  assert(() => grad((x: NDArray) => x.sum(), { entries: ["w"] }));
  // @ts-expect-error -- a promise
  assert(() => grad(async (x: NDArray) => await Promise.resolve(x)));
  // @ts-expect-error -- no such member
  assert(() => grad((x: NDArray) => x.sum())(x).foo.bar);
  // @ts-expect-error -- hasAux needs a pair
  assert(() => grad((x: NDArray) => x.sum(), { hasAux: true }));
  // @ts-expect-error -- a missing argument
  assert(() => grad(f)(params));
  // @ts-expect-error -- text is no array
  assert(() => grad((x: NDArray) => x.sum())("a"));
});

Deno.test("types of Jacobians are trees of trees", () => {
  const f = (x: NDArray, p: { w: NDArray }) => ({ a: x.mul(p.w), s: [x.sum()] });
  const J = jacfwd(f, { argnums: [0, 1] })(x, { w: 2 });
  expectType<[NDArray, { w: NDArray }]>()(J.a, true, [[[2, 0], [0, 2]], { w: [1, 2] }]);
  expectType<NDArray>()(jacrev(f)(x, { w: 2 }).a, true, [[2, 0], [0, 2]]);
  expectType<NDArray>()(hessian((x) => x.pow(3).sum())(x), true, [[6, 0], [0, 12]]);
  const H = hessian((p: { w: NDArray; b: NDArray }) => p.w.mul(p.b))({ w: 2, b: 3 });
  expectType<{ w: NDArray; b: NDArray }>()(H.w, true, { w: 0, b: 1 });
  const [j, a] = jacrev((x: NDArray) => [x.mul(2), { x }], { hasAux: true })(arr(1));
  expectType<NDArray>()(j, true, 2);
  expectType<{ x: NDArray }>()(a, true, { x: 1 });
  const told: boolean = Math.random() < 2;
  const unsure: [NDArray, { x: NDArray }] = jacfwd(
    (x: NDArray) => [x.mul(2), { x }],
    { hasAux: told },
  )(arr(1));
  assertEquals(plain(unsure), [2, { x: 1 }]);
  for (const jac of [jacfwd, jacrev]) assertEquals(plain(jac((x) => x.mul(2))(arr(1))), 2);
  // @ts-expect-error -- a tree, not an array
  assert(() => jacfwd(f)(x, { w: 2 }).sum());
});

Deno.test("carries: inferred from what is given at first, tuples included", () => {
  const [n, y] = whileLoop(([i]) => i.less(3), ([i, x]) => [i.add(1), x.mul(2)], [0, x]);
  expectType<NDArray>()(n, true, 3);
  expectType<NDArray>()(y, true, [8, 16]);
  expectType<{ i: NDArray; p: [NDArray, { q: NDArray }]; h: null }>()(
    whileLoop(
      (c) => c.i.less(2),
      (c) => ({ ...c, i: c.i.add(1), p: [c.p[1].q, { q: 7 }] }),
      { i: 0, p: [1, { q: 2 }], h: null },
    ),
    true,
    { i: 2, p: [7, { q: 7 }], h: null },
  );
  expectType<NDArray[]>()(
    foriLoop(0, 2, (i, c) => c.map((y) => y.add(i)), [arr(1), arr(2)] as NDArray[]),
    true,
    [2, 3],
  );
  const again: Params = foriLoop(0, 2, (_, p) => ({ ...p, w: p.w.mul(2) }), params);
  assertEquals(plain(again.w), 12);
  expectType<Point>()(
    foriLoop(0, 1, (_, p) => new Point(p.sum(), p.x), new Point(arr(1), arr(2))),
    true,
    { x: 3, y: 1 },
  );
  const fixed: readonly [NDArray, NDArray] = [arr(1), arr(2)];
  const swapped: readonly [NDArray, NDArray] = foriLoop(0, 1, (_, [a, b]) => [b, a], fixed);
  assertEquals(plain(swapped), [2, 1]);
  expectType<[[NDArray, NDArray], { y: [NDArray, NDArray] }]>()(
    scan(([a, b], x) => [[b, a.add(x)], { y: [a, b] }], [0, 1], arr([1, 2], "float32")),
    true,
    [[1, 3], { y: [[0, 1], [1, 1]] }],
  );
  expectType<[NDArray, null]>()(
    scan((c, v) => [c.add(v.a), null], 0, { a: arr([1, 2], "float32") }),
    true,
    [3, null],
  );
  expectType<[NDArray, NDArray]>()(map((v) => [v, v.mul(2)], x), true, [[1, 2], [2, 4]]);
  expectType<[NDArray, NDArray]>()(
    associativeScan(([a, b], [c, d]) => [a.mul(c), b.mul(c).add(d)], [x, x]),
    true,
    [[1, 2], [1, 4]],
  );
  // @ts-expect-error -- text
  assert(() => whileLoop((x) => x.less(1), () => "text", 0));
  // @ts-expect-error -- a forgotten return
  assert(() => whileLoop((x) => x.less(1), (x) => void x.mul(2), 0));
  // @ts-expect-error -- another structure
  assert(() => whileLoop((x) => x.less(1), (x) => [x], 0));
  // @ts-expect-error -- a shorter tuple
  assert(() => whileLoop(([i]) => i.less(1), ([i]) => [i], [0, 1]));
  // @ts-expect-error -- a missing member
  assert(() => whileLoop((c) => c.i.less(1), (c) => ({ i: c.i }), { i: 0, j: 0 }));
  // @ts-expect-error -- text as init
  assert(() => foriLoop(0, 1, () => "text", "text"));
  // @ts-expect-error -- a condition that is a tree
  assert(() => whileLoop((x) => [x], (x) => x, 0));
  // @ts-expect-error -- text in the body
  assert(() => foriLoop(0, 1, (_i, _x) => "text", 0));
  // @ts-expect-error -- a carry without results: [carry, null] is meant
  assert(() => scan((c: NDArray, x: NDArray) => c.add(x), 0, x));
  // @ts-expect-error -- a function as result
  assert(() => map((x) => () => x, x));
  // @ts-expect-error -- a combination that is no element
  assert(() => associativeScan((a, b) => [a, b], x));
});

Deno.test("branches have one structure", () => {
  expectType<NDArray>()(cond(true, (x) => x.neg(), (x) => x, x), true, [-1, -2]);
  expectType<[NDArray, { b: NDArray }]>()(
    cond(arr(0), (a, t) => [a, t], (a) => [2, { b: a }], arr(1, "float32"), { b: 3 }),
    true,
    [2, { b: 1 }],
  );
  expectType<NDArray>()(switchCase(1, [(x) => x, () => 5], arr(3, "float32")), true, 5);
  const branches = [1, 2].map((k) => (x: NDArray) => x.mul(k));
  expectType<NDArray>()(switchCase(1, branches, arr(3)), true, 6);
  // @ts-expect-error -- an array and an object
  assert(() => cond(true, (x) => x, (x) => ({ x }), x));
  // @ts-expect-error -- nothing
  assert(() => cond(true, (x) => x, () => {}, x));
  // @ts-expect-error -- an array and text
  assert(() => switchCase(0, [(x: NDArray) => x, () => "text"], x));
});

Deno.test("custom rules and solves", () => {
  const log = customJvp((x: NDArray) => x.log(), ([x], [dx]) => [x.log(), dx.div(x)]);
  expectType<NDArray>()(grad(log)(2), true, 0.5);
  const pair = customVjp(
    (x: NDArray, p: { w: NDArray }) => x.mul(p.w),
    (x, p) => [x.mul(p.w), [x, p]],
    ([x, p], ct) => [ct.mul(p.w), { w: ct.mul(x) }],
  );
  expectType<[NDArray, { w: NDArray }]>()(
    grad(pair, { argnums: [0, 1] })(2, { w: 3 }),
    true,
    [3, { w: 2 }],
  );
  expectType<[NDArray, { steps: NDArray }]>()(
    customRoot(
      (x) => x.sub(2),
      0,
      (f, x) => [x.sub(f(x)), { steps: 1 }],
      (g, y) => y.div(g(np.onesLike(y))),
      { hasAux: true },
    ),
    true,
    [2, { steps: 1 }],
  );
  expectType<NDArray>()(
    customLinearSolve((x) => x.mul(2), arr(4), (_, b) => b.div(2), { symmetric: undefined }),
    true,
    2,
  );
  // @ts-expect-error -- the tangent is missing
  assert(() => customJvp((x: NDArray) => x, ([x]) => [x]));
  // @ts-expect-error -- two cotangents for one argument
  assert(() => customVjp((x: NDArray) => x, (x) => [x, null], (_, ct) => [ct, ct]));
  // @ts-expect-error -- a root of another structure
  assert(() => customRoot((x) => x, 0, () => [1], (_, y) => y));
  // @ts-expect-error -- text
  assert(() => customLinearSolve(() => "text", x, (_, b) => b));
});

Deno.test("fixed points", () => {
  const { value } = fixedPoint((x) => x.mul(0.5).add(1), 0);
  assertEquals(value.item(), 2);
  const both = fixedPoint(({ a, b }) => ({ a: 3, b: [b[1], a] }), { a: 0, b: [0, 0] }, {
    rtol: undefined,
    maxSteps: 20,
  });
  const named: { a: NDArray; b: [NDArray, NDArray] } = both.value;
  assertEquals(plain(named), { a: 3, b: [3, 3] });
  const solution: Solution<NDArray> = fixedPoint((x) => x, x);
  assert(solution.converged);
  const own: Stepper<{ n: NDArray }> = {
    description: "own",
    init: () => ({ n: arr(0) }),
    step: (x, r, m) => [x.add(r), { n: m.n.add(1) }],
  };
  assert(fixedPoint((x) => x.mul(0).add(1), 0, { solver: own }).converged);
  // @ts-expect-error -- text
  assert(() => fixedPoint((_x) => "text", 1));
  // @ts-expect-error -- a forgotten return
  assert(() => fixedPoint((x) => void x.mul(2), x));
  // @ts-expect-error -- another structure
  assert(() => fixedPoint((x) => [x], x));
  // @ts-expect-error -- not floating-point
  assert(() => fixedPoint((x) => x, true));
  // @ts-expect-error -- text
  assert(() => fixedPoint((x) => x, "text"));
});

Deno.test("treeMap: leaves in, results out", () => {
  const grads = grad((p: Params) => p.w.square().add(p.layers[0]!.b))(params);
  const next = treeMap((a, b) => a.sub(b.mul(0.5)), params, grads);
  const same: Params = next;
  assertEquals(plain(same), { w: 0, layers: [{ b: 0.5 }], none: null });
  expectType<{ a: number; b: number[] }>()(
    treeMap((a) => a.size, { a: x, b: [x] }),
    true,
    { a: 2, b: [2] },
  );
  expectType<{ a: string }>()(
    treeMap((s) => String(s), { a: new ShapeDtype([2]) }),
    true,
    { a: "float32[2]" },
  );
  expectType<Point>()(treeMap((v) => v.mul(2), new Point(arr(1), arr(2))), true, { x: 2, y: 4 });
  expectType<{ f: NDArray }>()(
    treeMap((init) => init([2]), { f: (s: number[]) => np.ones(s) }),
    true,
    { f: [1, 1] },
  );
  const some: unknown = { a: arr(1) };
  assertEquals(plain(treeMap((v: NDArray) => v.add(1), some)), { a: 2 });
  // @ts-expect-error -- the results are numbers
  const wrong: { a: NDArray } = treeMap((v: NDArray) => v.size, { a: x });
  assertEquals(wrong.a as unknown, 2);
  // @ts-expect-error -- the leaves are no text
  assert(() => treeMap((s: string) => s, params));
  // @ts-expect-error -- another structure
  assert(() => treeMap((a, b) => a.add(b), params, { w: x }));
});

Deno.test("functions of trees: jit, vmap, vjp, linearize, checkpoint", () => {
  const f = jit((x: NDArray, p: { w: NDArray }) => [x.mul(p.w), { p }], interpreter);
  expectType<[NDArray, { p: { w: NDArray } }]>()(f(2, { w: 3 }), true, [6, { p: { w: 3 } }]);
  const mode = jit((x: NDArray, mode: "neg" | "abs", n: number) => x[mode]().mul(n), {
    ...interpreter,
    staticArgnums: [1, 2],
  });
  expectType<NDArray>()(mode(arr(2), "neg", 3), true, -6);
  expectType<NDArray>()(vmap((a, b) => a.add(b), { inAxes: [0, null] })(x, 1), true, [2, 3]);
  const [y, pull] = vjp((x: NDArray) => [x.mul(2), x.sum()], [x]);
  expectType<[NDArray, NDArray]>()(y, true, [[2, 4], 3]);
  expectType<[NDArray]>()(pull([x, arr(1)]), true, [[3, 5]]);
  expectType<[NDArray, NDArray]>()(jvp((x) => x.square(), [x], [x]), true, [[1, 4], [2, 8]]);
  expectType<[NDArray, NDArray]>()(jvp((x: NDArray) => x.square(), [3], [1]), true, [9, 6]);
  const [, push] = linearize((p: Params) => p.w.square(), [params]);
  expectType<NDArray>()(push(params), true, 18);
  expectType<NDArray>()(checkpoint((x) => x.mul(2))(1), true, 2);
  // @ts-expect-error -- a promise
  assert(() => jit(async (x: NDArray) => await Promise.resolve(x)));
  // @ts-expect-error -- a promise
  assert(() => vmap(async (x: NDArray) => await Promise.resolve(x)));
  // @ts-expect-error -- a forgotten return
  assert(() => jit((x: NDArray) => void x.add(1)));
  // @ts-expect-error -- a function
  assert(() => jit((x: NDArray) => () => x));
  // @ts-expect-error -- another mode
  assert(() => mode(x, "sqr", 3));
  // @ts-expect-error -- a cotangent of another structure
  assert(() => pull(x));
});

Deno.test("examples stand for arguments", () => {
  const f = (x: NDArray, p: { w: NDArray }) => ({ y: x.mul(p.w) });
  const shape = new ShapeDtype([2], "float64");
  expectType<{ y: ShapeDtype }>()(
    evalShape(f, shape, { w: 3 }),
    true,
    evalShape(f, x, { w: arr(3) }),
  );
  expectType<ShapeDtype>()(evalShape((x) => x.sum(), shape), true, new ShapeDtype([], "float64"));
  assert(String(makeJaxpr(f)(shape, { w: shape })).includes("mul"));
  const open = new ShapeDtype(["batch", 2]);
  expectType<ShapeDtype<number | string>>()(open, true, open);
  assert(exportOnnx((x) => x.mul(2), open) instanceof Uint8Array);
  // @ts-expect-error: open lengths are for files
  assert(() => evalShape((x) => x.sum(), open));
  assert(exportOnnx((x) => x.mul(2), shape) instanceof Uint8Array);
  // @ts-expect-error -- an example is missing
  assert(() => exportOnnx(f, x));
  // @ts-expect-error -- an example of another structure
  assert(() => exportOnnx(f, x, x));
  // @ts-expect-error -- an example is missing
  assert(() => makeJaxpr(f)(x));
  // @ts-expect-error -- an example is missing
  assert(() => evalShape(f, x));
});

Deno.test("generic library code", () => {
  function power<T extends Tree>(
    f: (x: Arrays<T>) => TreeLike<T>,
    x: T,
    n: number,
    t: Transforms = pure,
  ): Arrays<T> {
    return t.foriLoop(0, n, (_, x) => f(x), x);
  }
  expectType<[NDArray, NDArray]>()(power(([a, b]) => [b, a], [1, 2], 3), true, [2, 1]);
  function compiled<A extends unknown[], R extends Tree>(f: (...args: A) => R, t = pure) {
    const g = t.jit(f, interpreter);
    return (...args: Arguments<A>): Arrays<R> => g(...args);
  }
  expectType<NDArray>()(compiled((x: NDArray) => x.mul(2))(x), true, [2, 4]);
  function sizeOf<A extends unknown[]>(f: (...args: A) => NDArray, ...args: A): readonly number[] {
    return pure.evalShape(f, ...args).shape;
  }
  assertEquals(sizeOf((x: NDArray) => x.mul(2), x), [2]);
  function slope<A extends unknown[]>(f: (...args: A) => NDArray, t: Transforms) {
    return t.grad(f);
  }
  expectType<{ a: NDArray }>()(
    slope((t: { a: NDArray }) => t.a.square(), pure)({ a: 3 }),
    true,
    { a: 6 },
  );
  function settings(length?: number, reverse?: boolean): NDArray {
    return scan((c) => [c.add(1), c], 0, null, { length, reverse })[0];
  }
  assertEquals(settings(3).item(), 3);
});

/**
 * Derivatives: arguments and trees, auxiliary outputs, Jacobians of functions that are not square,
 * nesting, integers among the arguments, and zeros.
 *
 * @module
 */
import {
  AxisError,
  checkpoint,
  DTypeError,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  makeJaxpr,
  type NDArray,
  numpy as np,
  ShapeError,
  TreeError,
  valueAndGrad,
  vjp,
  vmap,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr, assertClose, plain } from "../support/arrays.ts";

const i32 = (v: number | number[]): NDArray => arr(v, "int32");

Deno.test("grad() with argnums: one, several, negative, a list of one", () => {
  const f = (x: NDArray, y: NDArray, z: NDArray): NDArray => x.mul(y.square()).add(z.mul(3)).sum();
  const [x, y, z] = [arr([1, 2]), arr([3, 4]), arr(5)];
  assertClose(grad(f)(x, y, z), [9, 16]);
  assertClose(grad(f, { argnums: 1 })(x, y, z), [6, 16]);
  assertClose(grad(f, { argnums: -1 })(x, y, z), 6);
  assertClose(grad(f, { argnums: -3 })(x, y, z), [9, 16]);
  assertClose(grad(f, { argnums: [2, 0] })(x, y, z), [6, [9, 16]]);
  assertClose(grad(f, { argnums: [1] })(x, y, z), [[6, 16]]);
  assertClose(grad(f, { argnums: [0, -1] })(x, y, z), [[9, 16], 6]);
});

Deno.test("grad() of an argument used more than once; argnums name each argument once", () => {
  const f = (x: NDArray, y: NDArray): NDArray => x.mul(y).sum();
  const x = arr([1, 2]);
  assertClose(grad(f)(x, x), [1, 2]);
  assertClose(grad((x: NDArray) => f(x, x))(x), [2, 4]);
  for (const argnums of [[0, 0], [1, 0, -1]]) {
    for (const derive of [grad, valueAndGrad, jacfwd, jacrev]) {
      assertThrows(() => (derive as typeof grad)(f, { argnums })(x, x), AxisError, "twice");
    }
  }
});

Deno.test("arguments that are not differentiated may be anything", () => {
  class Settings {
    readonly scale = 3;
  }
  const f = (x: NDArray, how: string, p: { f: (x: NDArray) => NDArray; settings: Settings }) =>
    how === "sum" ? p.f(x).sum().mul(p.settings.scale) : x.sum();
  const rest = ["sum", { f: np.square, settings: new Settings() }] as const;
  const x = arr([1, 2]);
  assertClose(grad(f)(x, ...rest), [6, 12]);
  assertClose(valueAndGrad(f)(x, ...rest)[1], [6, 12]);
  assertClose(jacfwd(f)(x, ...rest), [6, 12]);
  assertClose(jacrev(f)(x, ...rest), [6, 12]);
  assertClose(hessian(f)(x, ...rest), [[6, 0], [0, 6]]);
  assertThrows(
    () => grad(f, { argnums: 1 })(x, ...rest),
    TreeError,
    'argument 1 of f is the string "sum"',
  );
  const late = Promise.resolve(x) as never;
  assertThrows(() => grad((x: NDArray, _: NDArray) => x)(1, late), TreeError, "await the promise");
});

Deno.test("auxiliary outputs may hold strings", () => {
  const f = (x: NDArray) => [x.square().sum(), { name: "squares", x, none: null }] as const;
  const x = arr([1, 2]);
  const aux = { name: "squares", x: [1, 2], none: null };
  const hasAux = { hasAux: true } as const;
  for (const derive of [grad, jacfwd, jacrev]) {
    assertEquals(plain((derive as typeof grad)(f, hasAux)(x)), [[2, 4], aux]);
  }
  assertEquals(plain(hessian(f, hasAux)(x)), [[[2, 0], [0, 2]], aux]);
  assertEquals(plain(valueAndGrad(f, hasAux)(x)), [[5, aux], [2, 4]]);
  assertEquals(plain(jvp(f, [x], [x], hasAux)), [5, 10, aux]);
  assertEquals(plain(vjp(f, [x], hasAux)[2]), aux);
  assertEquals(plain(linearize(f, [x], hasAux)[2]), aux);
  const closed = (x: NDArray) => [x.sum(), () => x] as const;
  assertThrows(() => grad(closed as never, hasAux)(x), TreeError, "the aux output of closed");
});

Deno.test("grad() of trees keeps their structure; arguments not chosen may be integers", () => {
  const f = (p: { w: NDArray[]; b: NDArray | null }, n: NDArray): NDArray =>
    p.w[0]!.mul(p.w[1]!).sum().mul(n.astype("float64"));
  const g = grad(f)({ w: [arr([1, 2]), arr([3, 4])], b: null }, i32(2));
  assertEquals(plain(g), { w: [[6, 8], [2, 4]], b: null });
});

Deno.test("grad() converts numbers and typed arrays, and gives zeros for what is not used", () => {
  assertClose(grad((x: NDArray) => x.mul(x))(3), arr(6, "float32"));
  const g = grad((x: { a: NDArray; b: NDArray }) => x.a.sum())({
    a: new Float64Array([1, 2]),
    b: arr([[1, 2], [3, 4]]),
  });
  assertEquals(plain(g), { a: [1, 1], b: [[0, 0], [0, 0]] });
  assertEquals(plain(grad((_: NDArray) => arr(3))(arr([1, 2]))), [0, 0]);
});

Deno.test("valueAndGrad() and grad() with auxiliary outputs, which may depend on the arguments", () => {
  const f = (x: NDArray): [NDArray, { doubled: NDArray; count: NDArray; nothing: null }] => [
    x.square().sum(),
    { doubled: x.mul(2), count: i32(7), nothing: null },
  ];
  const options = { hasAux: true } as const;
  const aux = { doubled: [2, 4], count: 7, nothing: null };
  assertEquals(plain(grad(f, options)(arr([1, 2]))), [[2, 4], aux]);
  assertEquals(plain(valueAndGrad(f, options)(arr([1, 2]))), [[5, aux], [2, 4]]);
  assertEquals(plain(jacrev(f, options)(arr([1, 2]))), [[2, 4], aux]);
  assertEquals(plain(jacfwd(f, options)(arr([1, 2]))), [[2, 4], aux]);
  assertEquals(plain(hessian(f, options)(arr([1, 2]))), [[[2, 0], [0, 2]], aux]);
  // The auxiliary output of an inner derivative is differentiable by an outer one.
  const outer = grad((x: NDArray) => {
    const [g, a] = grad(f, options)(x);
    return g.sum().add(a.doubled.square().sum());
  });
  assertClose(outer(arr([1, 2])), [2 + 8, 2 + 16]);
});

Deno.test("vjp() with auxiliary outputs", () => {
  const [value, pull, aux] = vjp(
    (x: NDArray) => [x.square(), { half: x.mul(0.5) }] as const,
    [arr([1, 2])],
    { hasAux: true },
  );
  assertEquals(plain([value, aux]), [[1, 4], { half: [0.5, 1] }]);
  assertEquals(plain(pull(arr([1, 10]))), [[2, 40]]);
});

Deno.test("jacfwd() and jacrev() of functions that are not square", () => {
  const f = (x: NDArray): NDArray => np.stack([x.at(0).mul(x.at(1)), np.sin(x.at(2))]);
  const want = [[2, 1, 0], [0, 0, Math.cos(3)]];
  assertClose(jacfwd(f)(arr([1, 2, 3])), want);
  assertClose(jacrev(f)(arr([1, 2, 3])), want);
  const wide = (x: NDArray): NDArray => np.stack([x.at(0), x.at(1).square(), x.sum()]);
  assertClose(jacfwd(wide)(arr([1, 2])), [[1, 0], [0, 4], [1, 1]]);
  assertClose(jacrev(wide)(arr([1, 2])), [[1, 0], [0, 4], [1, 1]]);
});

Deno.test("jacobians of trees: the output's structure outside, the argument's inside", () => {
  const f = (p: { a: NDArray; b: NDArray }): { out: NDArray[]; s: NDArray } => ({
    out: [p.a.mul(p.b.sum()), p.b],
    s: p.a.sum(),
  });
  const p = { a: arr([1, 2]), b: arr([[3, 4, 5]]) };
  const want = {
    out: [
      { a: [[12, 0], [0, 12]], b: [[[1, 1, 1]], [[2, 2, 2]]] },
      { a: [[[0, 0], [0, 0], [0, 0]]], b: [[[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]]] },
    ],
    s: { a: [1, 1], b: [[0, 0, 0]] },
  };
  assertEquals(plain(jacfwd(f)(p)), want);
  assertEquals(plain(jacrev(f)(p)), want);
});

Deno.test("jacobians with several argnums, and of a matrix", () => {
  const f = (A: NDArray, x: NDArray): NDArray => np.matmul(A, x);
  const [A, x] = [arr([[1, 2, 3], [4, 5, 6]]), arr([1, -1, 2])];
  for (const jac of [jacfwd, jacrev]) {
    const [dA, dx] = jac(f, { argnums: [0, 1] })(A, x);
    assertClose(dx, [[1, 2, 3], [4, 5, 6]]);
    assertClose(dA, [[[1, -1, 2], [0, 0, 0]], [[0, 0, 0], [1, -1, 2]]]);
    assertEquals(dA!.shape, [2, 2, 3]);
  }
});

Deno.test("jacobians where an output has no elements, and of constant outputs", () => {
  const empty = (x: NDArray): NDArray => x.slice([0], [0]);
  assertEquals(jacfwd(empty)(arr([1, 2])).shape, [0, 2]);
  assertEquals(jacrev(empty)(arr([1, 2])).shape, [0, 2]);
  assertEquals(jacrev((x: NDArray) => x.mul(2))(arr([])).shape, [0, 0]);
  assertEquals(plain(jacfwd((_: NDArray) => arr([1, 2, 3]))(arr([1, 2]))), [[0, 0], [0, 0], [
    0,
    0,
  ]]);
});

Deno.test("hessian() of a tree of several arguments", () => {
  const f = (p: { a: NDArray; b: NDArray }): NDArray => p.a.square().mul(p.b).sum();
  const h = hessian(f)({ a: arr([1, 2]), b: arr(3) });
  assertEquals(plain(h), {
    a: { a: [[6, 0], [0, 6]], b: [2, 4] },
    b: { a: [2, 4], b: 0 },
  });
});

Deno.test("third derivatives: jacfwd of hessian, and grad three times", () => {
  const f = (x: NDArray): NDArray => x.mul(x).mul(x).sum();
  const third = plain(jacfwd(hessian(f))(arr([1, 2]))) as number[][][];
  assertEquals(third, [[[6, 0], [0, 0]], [[0, 0], [0, 6]]]);
  const sine = (x: NDArray): NDArray => np.sin(x);
  assertClose(grad(grad(grad(sine)))(arr(0.3)), -Math.cos(0.3));
});

Deno.test("perturbations are not confused", () => {
  // d/dx (x d/dy (x + y))  = 1 and not 2
  const f = (x: NDArray): NDArray => x.mul(grad((y: NDArray) => x.add(y))(arr(1)));
  assertClose(grad(f)(arr(5)), 1);
  const [, dot] = jvp(
    (x: NDArray) => x.mul(jvp((y: NDArray) => x.add(y), [arr(1)], [arr(1)])[1]),
    [arr(5)],
    [arr(1)],
  );
  assertClose(dot, 1);
  // d/dx d/dy (x y) with x captured = 1, through every mixture of modes.
  const ds = [
    (f: (x: NDArray) => NDArray) => grad(f) as (x: NDArray) => NDArray,
    (f: (x: NDArray) => NDArray) => (x: NDArray) => jvp(f, [x], [np.onesLike(x)])[1],
    (f: (x: NDArray) => NDArray) => (x: NDArray) => linearize(f, [x])[1](np.onesLike(x)),
  ];
  for (const outer of ds) {
    for (const inner of ds) {
      const g = outer((x: NDArray) => inner((y: NDArray) => x.mul(y).mul(y))(x));
      assertClose(g(arr(3)), 4 * 3);
      const lanes = vmap(outer((x: NDArray) => inner((y: NDArray) => x.mul(y).mul(y))(x)));
      assertClose(lanes(arr([1, 3])), [4, 12]);
    }
  }
});

Deno.test("jvp() of vjp(), and of its pull", () => {
  const f = (x: NDArray): NDArray => np.sin(x).mul(x);
  const x = arr([0.5, -1.2]);
  const pulled = (x: NDArray): NDArray => vjp(f, [x])[1](np.onesLike(x))[0];
  const [first, second] = jvp(pulled, [x], [arr([1, 1])]);
  assertClose(first, [0.5, -1.2].map((v) => Math.cos(v) * v + Math.sin(v)));
  assertClose(second, [0.5, -1.2].map((v) => 2 * Math.cos(v) - v * Math.sin(v)));
  // The pull is linear in the cotangent.
  const [, pull] = vjp(f, [x]);
  const [value, dot] = jvp((ct: NDArray) => pull(ct)[0], [arr([1, 2])], [arr([3, 4])]);
  assertClose(value, pull(arr([1, 2]))[0]);
  assertClose(dot, pull(arr([3, 4]))[0]);
});

Deno.test("a pull and a push can be applied again, and under other transforms", () => {
  const [, pull] = vjp((x: NDArray, y: NDArray) => x.mul(y), [arr([1, 2]), arr([3, 4])]);
  assertEquals(plain(pull(arr([1, 1]))), [[3, 4], [1, 2]]);
  assertEquals(plain(pull(arr([2, 0]))), [[6, 0], [2, 0]]);
  assertEquals(plain(vmap((ct: NDArray) => pull(ct)[1])(arr([[1, 0], [0, 1]]))), [[1, 0], [0, 2]]);
  const [value, push] = linearize((x: NDArray) => np.exp(x), [arr([0, 1])]);
  assertClose(value, [1, Math.E]);
  assertClose(push(arr([1, 0])), [1, 0]);
  assertClose(vmap(push)(arr([[1, 0], [0, 1]])), [[1, 0], [0, Math.E]]);
  assertClose(grad((t: NDArray) => push(t).sum())(arr([5, 5])), [1, Math.E]);
});

Deno.test("jvp(), linearize() and vjp() of several outputs and of integer arguments", () => {
  const f = (x: NDArray, n: NDArray): { y: NDArray; n: NDArray; c: NDArray } => ({
    y: x.mul(n.astype("float64")),
    n: n.add(1),
    c: arr([1, 2]),
  });
  const args: [NDArray, NDArray] = [arr([1, 2]), i32([3, 4])];
  const [out, dot] = jvp(f, args, [arr([1, 10]), i32([0, 0])]);
  assertEquals(plain(out), { y: [3, 8], n: [4, 5], c: [1, 2] });
  assertEquals(plain(dot), { y: [3, 40], n: [0, 0], c: [0, 0] });
  const [, push] = linearize(f, args);
  assertEquals(plain(push(arr([1, 10]), i32([0, 0]))), { y: [3, 40], n: [0, 0], c: [0, 0] });
  const [, pull] = vjp(f, args);
  const cts = pull({ y: arr([1, 1]), n: i32([0, 0]), c: arr([9, 9]) });
  assertEquals(plain(cts), [[3, 4], [0, 0]]);
  // What integers change by has no derivative that could be given: it is not dropped in silence.
  for (
    const [run, says] of [
      [() => jvp(f, args, [arr([1, 10]), i32([0, 2])]), "jvp: the tangent at [1]"],
      [() => push(arr([1, 10]), i32([1, 0])), "linearize: the tangent at [1]"],
      [() => pull({ y: arr([1, 1]), n: i32([1, 0]), c: arr([9, 9]) }), "vjp: the cotangent at .n"],
    ] as const
  ) {
    assertThrows(run as () => unknown, DTypeError, `${says} is not 0, but the value is int32[2]`);
  }
});

Deno.test("trace-time control flow on concrete values works under grad and vjp", () => {
  const f = (x: NDArray, n: number): NDArray => {
    let y = x;
    for (let i = 0; i < n; i++) y = i % 2 === 0 ? np.sin(y) : y.mul(x);
    return y.sum();
  };
  const want = (v: number): number => Math.cos(v) * v + Math.sin(v);
  assertClose(grad((x: NDArray) => f(x, 2))(arr([0.5, 1])), [want(0.5), want(1)]);
});

Deno.test("checkpoint() computes again instead of keeping", () => {
  const body = (x: NDArray): NDArray => np.sin(np.sin(np.sin(x))).sum();
  const kept = linearize(body, [arr([1, 2])]);
  assertClose(grad(checkpoint(body))(arr([1, 2])), grad(body)(arr([1, 2])));
  assertClose(hessian(checkpoint(body))(arr([1, 2])), hessian(body)(arr([1, 2])));
  assert(kept.length === 2);
  // The backward program has the sines of the forward one again.
  const text = String(makeJaxpr(grad(checkpoint(body)))(arr([1, 2])));
  assert((text.match(/= sin /g) ?? []).length >= 4, text);
});

Deno.test("zeros are not materialised: an unused argument costs no equation", () => {
  const f = (x: NDArray, y: NDArray): NDArray => np.sin(x).sum().add(y.sum().mul(0));
  const { primitives: names } = makeJaxpr((x: NDArray) => grad(f)(x, arr([1, 2])))(arr([1, 2]));
  assertEquals(names.filter((n) => n === "cos").length, 1);
  assert(names.length < 15, names.join(" "));
});

Deno.test("mistakes are reported before anything is computed", () => {
  const f = (x: NDArray): NDArray => x.sum();
  assertThrows(() => grad(f, { argnums: 1 })(arr([1])), AxisError, "argnums 1");
  assertThrows(() => grad(f, { argnums: -2 })(arr([1])), AxisError, "argnums -2");
  assertThrows(() => grad(f)(i32([1])), DTypeError, "int32[1]");
  assertThrows(() => grad((x: NDArray) => x)(arr([1, 2])), ShapeError, "float64[2]");
  assertThrows(() => grad((x: NDArray) => x.astype("int32").sum())(arr([1])), DTypeError, "int32");
  assertThrows(() => jvp(f, [arr([1, 2])], [arr([1])]), ShapeError, "float64[1]");
  assertThrows(() => jvp(f, [arr([1, 2])], [] as unknown as [NDArray]), TreeError, "structure");
  assertThrows(() => vjp(f, [arr([1, 2])])[1](arr([1, 2])), ShapeError, "cotangent");
  assertThrows(() => grad(f as never, { hasAux: true })(arr([1])), TreeError, "[value, aux]");
  assertThrows(() => jvp(f, arr([1]) as unknown as [NDArray], [arr([1])]), TreeError, "array with");
});

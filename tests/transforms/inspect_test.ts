/**
 * Programs as text, and shapes without computing.
 *
 * @module
 */
import {
  cond,
  evalShape,
  grad,
  jit,
  jvp,
  makeJaxpr,
  type NDArray,
  numpy as np,
  scan,
  ShapeDtype,
  ShapeError,
  type Tree,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { checkJaxpr } from "../../lib/core/jaxpr.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { arr } from "../support/arrays.ts";

/** The text of a program, which has to be well formed. */
function textOf(f: (...args: NDArray[]) => Tree, ...args: (NDArray | ShapeDtype)[]): string {
  const closed = makeJaxpr(f)(...args);
  checkJaxpr(openJaxpr(closed).jaxpr);
  return String(closed);
}

const x3 = new ShapeDtype([3], "float32");

Deno.test("makeJaxpr() of elementwise operations, with literals", () => {
  assertEquals(
    textOf((x) => np.sin(x!).mul(2).add(x!), x3),
    `{ lambda a:float32[3] ; let
  b:float32[3] = sin a
  c:float32[3] = mul b 2:float32[]
  d:float32[3] = add c a
in (d) }`,
  );
});

Deno.test("makeJaxpr() of several inputs and outputs, unused and passed through", () => {
  assertEquals(
    textOf((x, y) => ({ b: y, a: x }), x3, arr(1)),
    "{ lambda a:float32[3] b:float64[] ; let in (a, b) }",
  );
  assertEquals(textOf(() => [], arr(1)), "{ lambda a:float64[] ; let in () }");
});

Deno.test("makeJaxpr() of captured arrays: scalars by value, others by type", () => {
  const w = arr([1, 2, 3], "float32");
  assertEquals(
    textOf((x) => x!.mul(w).add(arr(4, "float32")), x3),
    `{ lambda a:float32[3] ; let
  b:float32[3] = mul a const:float32[3]
  c:float32[3] = add b 4:float32[]
in (c) }`,
  );
});

Deno.test("makeJaxpr() of reductions and reshapes shows static parameters", () => {
  assertEquals(
    textOf((x) => x!.reshape([3, 2]).sum(1, { keepDims: true }), new ShapeDtype([2, 3])),
    `{ lambda a:float32[2,3] ; let
  b:float32[3,2] = reshape[shape=[3,2]] a
  c:float32[3] = reduce_sum[axes=[1]] b
  d:float32[3,1] = reshape[shape=[3,1]] c
in (d) }`,
  );
});

Deno.test("makeJaxpr() of loops shows their bodies", () => {
  const scanned = textOf(
    (c, xs) => scan((c: NDArray, x: NDArray) => [c.add(x), c], c!, xs!),
    arr(0),
    arr([1, 2]),
  );
  assertEquals(
    scanned,
    `{ lambda a:float64[] b:float64[2] ; let
  c:float64[] d:float64[2] = scan[jaxpr={ lambda a:float64[] b:float64[] ; let
    c:float64[] = add a b
  in (c, a) } numConsts=0 numCarry=1 sums=0 length=2 reverse=false] a b
in (c, d) }`,
  );
  const looped = textOf(
    (x, y) => whileLoop((v: NDArray) => v.less(y!), (v: NDArray) => v.mul(2), x!),
    arr(1),
    arr(9),
  );
  assertEquals(
    looped,
    `{ lambda a:float64[] b:float64[] ; let
  c:float64[] = while[cond={ lambda a:float64[] b:float64[] ; let
    c:bool[] = lt b a
  in (c) } body={ lambda a:float64[] ; let
    b:float64[] = mul a 2:float64[]
  in (b) } condConsts=1 bodyConsts=0] b a
in (c) }`,
  );
  const chosen = textOf(
    (p, x) => cond(p!, (x: NDArray) => np.sin(x), (x: NDArray) => x, x!),
    new ShapeDtype([], "bool"),
    arr(1),
  );
  assertEquals(
    chosen,
    `{ lambda a:bool[] b:float64[] ; let
  c:int32[] = convert[dtype=int32] a
  d:float64[] = cond[branches=({ lambda a:float64[] ; let in (a) }, { lambda a:float64[] ; let
    b:float64[] = sin a
  in (b) })] c b
in (d) }`,
  );
});

Deno.test("makeJaxpr() of transforms shows what they become", () => {
  const f = (x: NDArray): NDArray => np.sin(x).sum();
  assertEquals(
    textOf((x, t) => jvp(f, [x!], [t!])[1], x3, x3),
    `{ lambda a:float32[3] b:float32[3] ; let
  c:float32[3] = sin a
  d:float32[3] = cos a
  e:float32[3] = mul b d
  f:float32[] = reduce_sum[axes=[0]] c
  g:float32[] = reduce_sum[axes=[0]] e
in (g) }`,
  );
  const gradient = textOf((x) => grad(f)(x!), x3);
  assertEquals(
    gradient,
    `{ lambda a:float32[3] ; let
  b:float32[3] = sin a
  c:float32[3] = cos a
  d:float32[] = reduce_sum[axes=[0]] b
  e:float32[1] = reshape[shape=[1]] 1:float32[]
  f:float32[3] = broadcast[shape=[3]] e
  g:float32[3] = mul f c
in (g) }`,
  );
  assertEquals(
    textOf((x) => vmap(f)(x!), new ShapeDtype([2, 3], "float64")),
    `{ lambda a:float64[2,3] ; let
  b:float64[2,3] = sin a
  c:float64[2] = reduce_sum[axes=[1]] b
in (c) }`,
  );
  const named = textOf((x) =>
    jit(function area(y: NDArray) {
      return y.mul(y);
    }, { backend: "interpreter" })(x!), x3);
  assertEquals(
    named,
    `{ lambda a:float32[3] ; let
  b:float32[3] = jit[jaxpr={ lambda a:float32[3] ; let
    b:float32[3] = mul a a
  in (b) } name=area backend=interpreter] a
in (b) }`,
  );
});

Deno.test("makeJaxpr() names variables past z as spreadsheets do", () => {
  const text = textOf((x) => {
    let y = x!;
    for (let i = 0; i < 800; i++) y = np.sin(y);
    return y;
  }, x3);
  for (const name of ["z", "aa", "az", "ba", "zz", "aaa"]) {
    assert(text.includes(`  ${name}:float32[3]`), name);
  }
});

Deno.test("makeJaxpr() keeps the values captured from enclosing transforms apart", () => {
  let consts = 0;
  grad((x: NDArray) => {
    const closed = makeJaxpr((y: NDArray) => y.mul(x))(arr(1));
    const open = openJaxpr(closed);
    consts = open.consts.length;
    assertEquals(open.jaxpr.inputs.length, 2);
    assertEquals(closed.inputs.length, 1);
    return x;
  })(arr(2));
  assertEquals(consts, 1);
});

Deno.test("evalShape() gives shapes and dtypes of trees without computing", () => {
  let runs = 0;
  const f = (p: { w: NDArray; b: NDArray }, x: NDArray) => {
    runs++;
    const y = np.matmul(x, p.w).add(p.b);
    return { y, parts: [y.sum(0), y.argmax(1), y.greater(0)], none: null };
  };
  const out = evalShape(
    f,
    { w: new ShapeDtype([1000, 2000]), b: np.zeros([2000]) },
    new ShapeDtype([500, 1000], "float32"),
  );
  assertEquals(String(out.y), "float32[500,2000]");
  assertEquals(out.parts.map(String), ["float32[2000]", "int32[500]", "bool[500,2000]"]);
  assertEquals(out.none, null);
  assertEquals(runs, 1);
  assertEquals(String(evalShape((x: NDArray) => x.mul(2), 3)), "float32[]");
  assertEquals(
    String(
      evalShape((x: NDArray) => whileLoop(() => np.array(true), (v: NDArray) => v, x), arr([1])),
    ),
    "float64[1]",
  );
});

Deno.test("evalShape() reports what the function would report", () => {
  const bad = (x: NDArray): NDArray => np.matmul(x, x);
  const e = assertThrows(() => evalShape(bad, new ShapeDtype([2, 3])), ShapeError, "matmul");
  assert(e.message.includes("[2,3]"), e.message);
  assertThrows(() => new ShapeDtype([2], "float16" as never), TypeError, "float16");
});

/**
 * What simplification does to programs: what it moves out of loops, what it drops, and what it must
 * leave alone. That results stay the same is left to `random_loops_test.ts`.
 *
 * @module
 */
import {
  checkpoint,
  cond,
  customJvp,
  foriLoop,
  grad,
  jit,
  makeJaxpr,
  type NDArray,
  numpy as np,
  scan,
  ShapeDtype,
  switchCase,
  type Tree,
  whileLoop,
} from "../../mod.ts";
import { scanP } from "../../lib/control/scan.ts";
import { openJaxpr } from "../../lib/extend.ts";
import { simplify } from "../../lib/compile/pipeline.ts";
import { checkJaxpr, evalJaxpr, programsIn } from "../../lib/core/jaxpr.ts";
import type { Eqn, Jaxpr } from "../../lib/core/primitive.ts";
import { bind } from "../../lib/core/trace.ts";
import { sizeOf } from "../../lib/core/dtype.ts";
import { stageClosed } from "../../lib/interpreters/staging.ts";
import { treeLeaves } from "../../lib/core/tree.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { arr, assertClose } from "../support/arrays.ts";

const f32 = (x: number | number[]): NDArray => arr(x, "float32");

/** The simplified program of a function, checked, and compared with the original at `args`. */
function simple(f: (...args: NDArray[]) => Tree, ...args: NDArray[]): Jaxpr {
  const { jaxpr } = openJaxpr(makeJaxpr(f)(...args));
  const result = simplify(jaxpr, (_, program) => checkJaxpr(program));
  assertClose(evalJaxpr(result, args, bind), treeLeaves(f(...args)) as NDArray[]);
  return result;
}

const names = (jaxpr: Jaxpr): string[] => jaxpr.eqns.map((e) => e.primitive.name);
const find = (jaxpr: Jaxpr, name: string): Eqn | undefined =>
  jaxpr.eqns.find((e) => e.primitive.name === name);

Deno.test("calls are inlined: jit, checkpoint and custom functions, inside loops too", () => {
  const custom = customJvp(np.sin, ([x]: [NDArray], [t]: [NDArray]) => [np.sin(x), t]);
  const f = jit((x: NDArray) => custom(checkpoint((v: NDArray) => v.mul(2))(x)), {
    backend: "interpreter",
  });
  assertEquals(names(simple(f, arr(1))), ["mul", "sin"]);
  const looped = simple(
    (x) => whileLoop((v: NDArray) => v.less(5), (v: NDArray) => f(v).add(2).add(v), x!),
    arr(1),
  );
  assertEquals(names(programsIn(find(looped, "while")!)[1]!), ["mul", "sin", "add", "add"]);
});

Deno.test("what small constants give is computed, and a choice by one is its branch", () => {
  const one = np.array(1, { dtype: "int32" });
  const nested = (x: NDArray): NDArray =>
    switchCase(one.add(one).sub(1), [
      (v: NDArray) => v.neg(),
      (v: NDArray) => cond(v.sum().greater(0), np.sin, np.cos, v).mul(np.array(3).div(2)),
      (v: NDArray) => v,
    ], x);
  assertEquals(
    names(simple(nested, arr([0.5, 1]))),
    ["reduce_sum", "gt", "convert", "cond", "mul"],
  );
  const x = arr([0.5, 1]);
  const slope = (x: NDArray): NDArray => grad((x: NDArray) => nested(x).sum())(x);
  assertClose(jit(slope)(x), slope(x));
});

Deno.test("what nothing reads is dropped, also carries and results of loops", () => {
  const f = (x: NDArray): NDArray => {
    np.exp(x);
    const [c] = scan(
      (
        c: { a: NDArray; b: NDArray },
        u: NDArray,
      ) => [{ a: np.sin(c.a.mul(u)), b: c.b.mul(2) }, np.cos(c.b)],
      { a: x, b: x },
      arr([1, 2, 3]),
    );
    return c.a;
  };
  const jaxpr = simple((x) => f(x!), arr(1));
  assertEquals(names(jaxpr), ["scan"]);
  assertEquals(find(jaxpr, "scan")!.outputs.length, 1);
});

Deno.test("what does not change from step to step leaves the loop", () => {
  const f = (n: NDArray, w: NDArray): NDArray =>
    whileLoop(
      (s: { i: NDArray; v: NDArray }) => s.i.less(n),
      (s: { i: NDArray; v: NDArray }) => ({ i: s.i.add(1), v: s.v.mul(np.exp(np.sin(w))) }),
      { i: arr(0), v: arr(1) },
    ).v;
  const jaxpr = simple((n, w) => f(n!, w!), arr(3), arr(0.5));
  assertEquals(names(jaxpr), ["sin", "exp", "while"]);
});

Deno.test("what is cheap leaves a loop with what is made of it alone, and else stays", () => {
  const f = (w: NDArray): NDArray =>
    whileLoop(
      (v: NDArray) => v.sum().less(9),
      (v: NDArray) => v.add(np.exp(w.reshape([1, -1]))).mul(np.broadcastTo(w, [2, 2])),
      np.zeros([2, 2], { dtype: "float64" }),
    );
  const jaxpr = simple((w) => f(w!), arr([1, 2]));
  assertEquals(names(jaxpr), ["reshape", "exp", "while"]);
  const step = programsIn(find(jaxpr, "while")!)[1]!;
  assertEquals(names(step), ["add", "broadcast", "mul"]);
});

Deno.test("a loop that may not end does not leave a loop that may not run", () => {
  // Moved out, the inner loop would run for n = 0 too, and for ever if w = 0.
  const inner = (w: NDArray): NDArray =>
    whileLoop((v: NDArray) => v.less(9), (v: NDArray) => v.mul(2), w);
  const f = (n: NDArray, w: NDArray): NDArray =>
    whileLoop(
      (s: [NDArray, NDArray]) => s[0].less(n),
      (s: [NDArray, NDArray]): [NDArray, NDArray] => [s[0].add(1), s[1].add(inner(w))],
      [arr(0), arr(0)] as [NDArray, NDArray],
    )[1];
  const jaxpr = simple((n, w) => f(n!, w!), arr(2), arr(1));
  assertEquals(names(jaxpr).filter((n) => n === "while").length, 1, String(names(jaxpr)));
  const none = (w: NDArray): NDArray =>
    scan(
      (c: NDArray, x: NDArray) => [c.mul(x).add(inner(w)), null],
      arr(1),
      np.zeros([0], { dtype: "float64" }),
    )[0];
  assert(!names(simple((w) => none(w!), arr(1))).includes("while"), "of a scan of no steps");
  const guarded = (n: NDArray, w: NDArray): NDArray =>
    whileLoop(
      (s: [NDArray, NDArray]) => s[0].less(n),
      (s: [NDArray, NDArray]): [NDArray, NDArray] => [
        s[0].add(1),
        s[1].add(cond(w.greater(0), () => inner(w), () => w)),
      ],
      [arr(0), arr(0)] as [NDArray, NDArray],
    )[1];
  const kept = simple((n, w) => guarded(n!, w!), arr(2), arr(1));
  assertEquals(names(kept).filter((n) => n === "while").length, 1);
});

Deno.test("what only a loop of at most one step needs is computed where it makes the step", () => {
  /** `f()` where it is asked, by a loop: a choice would compute it in all lanes. */
  const where = (asked: NDArray, f: () => NDArray, other: NDArray): NDArray =>
    whileLoop(
      ([open]: [NDArray, NDArray]) => open,
      (): [NDArray, NDArray] => [np.array(false), f()],
      [asked, other] as [NDArray, NDArray],
    )[1];
  const f = (n: NDArray, w: NDArray, v: NDArray): NDArray => {
    const seen = np.exp(v);
    const outside = np.cos(seen);
    const inner = (x: NDArray): NDArray =>
      where(x.less(2), () => where(v.less(x), () => np.sin(outside).mul(w), w.neg()), w);
    return whileLoop(
      ([i]: [NDArray, NDArray]) => i.less(n),
      ([i, x]: [NDArray, NDArray]): [NDArray, NDArray] => [i.add(1), x.add(inner(x))],
      [arr(0), seen] as [NDArray, NDArray],
    )[1];
  };
  const jaxpr = simple((n, w, v) => f(n!, w!, v!), arr(3), arr(0.5), arr(0.25));
  // The outer loop may make many steps: what does not change in them is computed once.
  assertEquals(names(jaxpr), ["exp", "cos", "neg", "sin", "mul", "while"]);
  const once = simple(
    (n, w, v) => where(n!.less(1), () => np.sin(np.cos(v!).add(w!)), w!).add(np.exp(w!)),
    ...[arr(3), arr(0.5), arr(0.25)],
  );
  assertEquals(names(once), ["lt", "while", "exp", "add"]);
  assertEquals(names(programsIn(find(once, "while")!)[1]!), ["cos", "add", "sin"]);
  const nested = simple(
    (n, w, v) => where(n!.less(1), () => where(v!.less(1), () => np.sin(w!), w!), w!),
    ...[arr(0), arr(0.5), arr(0.25)],
  );
  const step = programsIn(find(nested, "while")!)[1]!;
  assertEquals([names(nested), names(step)], [["lt", "while"], ["lt", "while"]]);
  assertEquals(names(programsIn(find(step, "while")!)[1]!), ["sin"]);
});

Deno.test("what a scan computes without its carry is computed for all steps at once", () => {
  const f = (W: NDArray, U: NDArray, h: NDArray, xs: NDArray): NDArray =>
    scan(
      (h: NDArray, x: NDArray) => {
        const next = np.tanh(np.matmul(W, h).add(np.matmul(U, x)));
        return [next, next];
      },
      h,
      xs,
    )[1];
  const [W, U, h, xs] = [np.ones([2, 2]), np.ones([2, 3]), np.ones([2]), np.ones([4, 3])]
    .map((x) => x.astype("float64").mul(0.3)) as [NDArray, NDArray, NDArray, NDArray];
  const jaxpr = simple((...a) => f(a[0]!, a[1]!, a[2]!, a[3]!), W, U, h, xs);
  const body = programsIn(find(jaxpr, "scan")!)[0]!;
  assertEquals(names(body).filter((n) => n === "dot_general").length, 1, String(names(body)));
  assert(names(jaxpr).includes("dot_general"));
});

Deno.test("what is better computed again than kept is not kept for all steps", () => {
  const f = (xs: NDArray): NDArray[] => {
    const [end, [wide, ys]] = scan(
      (c: NDArray, x: NDArray) => {
        const spread = np.broadcastTo(x.reshape([1, 2]), [50, 2]);
        const next = np.tanh(c.add(spread));
        return [next, [np.broadcastTo(np.sin(next), [2, 50, 2]), spread.sum([0])]];
      },
      np.zeros([50, 2], { dtype: "float64" }),
      xs,
    );
    return [end, wide!, ys!];
  };
  const jaxpr = simple((x) => f(x!), arr([1, 2, 3, 4, 5, 6]).reshape([3, 2]));
  const step = programsIn(find(jaxpr, "scan")!)[0]!;
  assertEquals(names(step), ["broadcast", "add", "tanh"]);
  // Of slices, the rows alone, and of results what they are made of.
  const given = step.inputs.map((v) => v.aval.shape);
  assertEquals(given, [[50, 2], [1, 2]]);
  assertEquals(step.outputs.map((a) => a.aval.shape), [[50, 2], [50, 2]]);
});

Deno.test("sums that a user wrote keep their order", () => {
  // In any other order the large numbers would swallow the small one, or overflow.
  const total = (f: (c: NDArray, x: NDArray) => NDArray) => (c: NDArray, xs: NDArray): NDArray =>
    scan((c: NDArray, x: NDArray) => [f(c, x), null], c, xs)[0];
  const cases: [string, (c: NDArray, x: NDArray) => NDArray, NDArray, NDArray][] = [
    ["there and back", (c, x) => c.add(x).add(x.neg()), arr(1), arr([1e20, 1e20])],
    ["rounding", (c, x) => c.add(x).add(12582912).add(-12582912), f32(0.25), f32([0.5, 1.25])],
    ["from below", (c, x) => c.add(x).add(x), f32(-3e38), f32([3e38, -3e38])],
    ["from infinity", (c, x) => c.add(x), f32(Infinity), f32([-3e38, -3e38])],
  ];
  for (const [name, f, c, xs] of cases) {
    const eager = total(f)(c, xs).item();
    assertEquals(jit(total(f))(c, xs).item(), eager, name);
  }
});

Deno.test("what would take much memory for all steps at once stays in the loop", () => {
  const f = (xs: NDArray): NDArray =>
    scan(
      (c: NDArray, x: NDArray) => [np.sin(c).add(np.tanh(np.outer(x, x)).sum()), null],
      arr(0.5),
      xs,
    )[0];
  const { jaxpr } = openJaxpr(makeJaxpr(f)(new ShapeDtype([1500, 1000])));
  const sizes = simplify(jaxpr).eqns.flatMap((e) => e.outputs).map((v) => sizeOf(v.aval.shape));
  assert(Math.max(...sizes) <= 1500 * 1000, `an array of ${Math.max(...sizes)} elements`);
});

Deno.test("sums over steps become one product after the loop", () => {
  const loss = (W: NDArray, xs: NDArray): NDArray =>
    scan((h: NDArray, x: NDArray) => [np.tanh(np.matmul(W, h).add(x)), null], xs.at(0), xs)[0]
      .sum();
  const W = arr([[0.3, 0.1], [-0.2, 0.5]]);
  const xs = arr([[1, 2], [0.5, -1], [0.2, 0.1]]);
  const jaxpr = simple((W, xs) => grad(loss)(W!, xs!), W, xs);
  const bodies = jaxpr.eqns.filter((e) => e.primitive.name === "scan")
    .map((e) => programsIn(e)[0]!);
  assertEquals(bodies.length, 2, names(jaxpr).join(" "));
  assert(names(jaxpr).includes("dot_general"), names(jaxpr).join(" "));
  // The outer products of the gradient are in no loop.
  for (const body of bodies) {
    for (const eqn of body.eqns) {
      const square = eqn.outputs.some((v) => v.aval.shape.length === 2);
      assert(!square, `${eqn.primitive.name} makes a matrix in each step`);
    }
  }
});

Deno.test("a sum of cotangents that something else reads too stays in the loop", () => {
  const aval = { shape: [2], dtype: "float64" } as const;
  const body = stageClosed("body", ([sum, x]) => [sum!.add(x!), sum!.mul(2)], [aval, aval]);
  const params = { jaxpr: body, numConsts: 0, numCarry: 1, length: 3, reverse: false, sums: 1 };
  const program = stageClosed(
    "program",
    ([start, xs]) => bind(scanP, [start!, xs!], params),
    [aval, { shape: [3, 2], dtype: "float64" }],
  );
  const args = [arr([1, 2]), arr([[1, 2], [3, 4], [5, 6]])];
  const result = simplify(program, (_, p) => checkJaxpr(p));
  assertClose(evalJaxpr(result, args, bind), [[10, 14], [[2, 4], [4, 8], [10, 16]]]);
});

Deno.test("integers, short loops and counters stay right", () => {
  const count = (n: NDArray): NDArray => foriLoop(0, 5, (i, c) => c.add(i).add(n), n);
  const jaxpr = simple((n) => count(n!), arr(2147483640, "int32"));
  checkJaxpr(jaxpr);
  for (const length of [0, 1, 2]) {
    const f = (x: NDArray): Tree =>
      scan((c: NDArray) => [c.add(x).add(1), c.mul(x)], x, null, { length });
    simple((x) => f(x!), arr(3));
  }
});

Deno.test("simplification keeps inputs and outputs, used or not", () => {
  const { jaxpr } = openJaxpr(
    makeJaxpr((x: NDArray, y: NDArray) => [y, x.mul(0), y, 3])(
      new ShapeDtype([2]),
      new ShapeDtype([]),
    ),
  );
  const result = simplify(jaxpr);
  assertEquals(result.inputs.length, 2);
  assertEquals(result.outputs.map((a) => a.aval.shape), [[], [2], [], []]);
});

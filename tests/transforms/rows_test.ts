/**
 * Arrays are taken apart along their first axis under every transform as outside of it: by a pattern, by
 * spreading, and by `for ... of`.
 *
 * @module
 */
import {
  cond,
  grad,
  jacfwd,
  jit,
  LeakedTracerError,
  makeJaxpr,
  map,
  type NDArray,
  numpy as np,
  random,
  scan,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const x = np.array([[1, 2], [3, 4], [5, 6]], { dtype: "float64" });

/** Ways to take apart, which all give the same. */
const WAYS: Readonly<Record<string, (x: NDArray) => NDArray>> = {
  "a pattern": (x) => {
    const [a, b, c] = x;
    return a!.mul(b!).add(c!.sin());
  },
  "spreading": (x) => {
    const rows = [...x];
    return rows[0]!.mul(rows[1]!).add(rows[2]!.sin());
  },
  "a loop": (x) => {
    const rows: NDArray[] = [];
    for (const row of x) rows.push(row);
    return rows[0]!.mul(rows[1]!).add(rows[2]!.sin());
  },
  "positions": (x) => x.at(0).mul(x.at(1)).add(x.at(2).sin()),
};

/** What is compared of each. */
const TRANSFORMS: Readonly<Record<string, (f: (x: NDArray) => NDArray) => unknown>> = {
  eager: (f) => f(x),
  jit: (f) => jit(f)(x),
  grad: (f) => grad((v: NDArray) => f(v).sum())(x),
  "jit of grad": (f) => jit(grad((v: NDArray) => f(v).sum()))(x),
  jacfwd: (f) => jacfwd(f)(x),
  vmap: (f) => vmap(f)(np.stack([x, x.mul(2)])),
  "vmap of grad over lanes at the end": (f) =>
    vmap(grad((v: NDArray) => f(v).sum()), { inAxes: 2 })(np.stack([x, x.mul(2)], 2)),
  map: (f) => map(f, np.stack([x, x.mul(2)])),
  scan: (f) => scan((c: NDArray, v: NDArray) => [c.add(f(v)), c], x.at(0), np.stack([x, x])),
  cond: (f) => cond(x.at(0, 0).greater(0), f, (v: NDArray) => v.at(0), x),
};

for (const [name, transform] of Object.entries(TRANSFORMS)) {
  Deno.test(`an array is taken apart alike in every way under ${name}`, () => {
    const want = transform(WAYS["positions"]!);
    for (const [how, f] of Object.entries(WAYS)) assertEquals(transform(f), want, how);
  });
}

Deno.test("a loop that splits its key draws what the same steps draw outside", () => {
  const step = ([key, sum]: [NDArray, NDArray]): [NDArray, NDArray] => {
    const [next, here] = random.split(key);
    return [next!, sum.add(random.normal(here!, []))];
  };
  let carry: [NDArray, NDArray] = [random.key(3), np.array(0)];
  for (let i = 0; i < 4; i++) carry = step(carry);
  const [[key, sum]] = scan(
    (c: [NDArray, NDArray]) => [step(c), null],
    [random.key(3), np.array(0)],
    null,
    {
      length: 4,
    },
  );
  assertEquals(key, carry[0]);
  assertEquals(sum, carry[1]);
  const [, , count] = whileLoop(
    ([, , i]: [NDArray, NDArray, NDArray]) => i.less(4),
    (
      [k, s, i]: [NDArray, NDArray, NDArray],
    ): [NDArray, NDArray, NDArray] => [...step([k, s]), i.add(1)],
    [random.key(3), np.array(0), np.array(0)],
  );
  assertEquals(count.item(), 4);
});

Deno.test("a pattern takes the rows that it names and no others", () => {
  const first = makeJaxpr((x: NDArray) => {
    const [row] = x;
    return row!;
  })(np.ones([1000, 2]));
  assert(first.toString().split("\n").length < 10, first.toString());
});

Deno.test("rows of an array that escaped from a transform are an error that says so", () => {
  let kept: NDArray | undefined;
  jit((v: NDArray) => {
    kept = v;
    return v;
  })(x);
  assertThrows(() => [...kept!], LeakedTracerError);
});

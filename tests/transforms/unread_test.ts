/**
 * What nothing reads changes nothing: results, carries, slices, operands and dead code of infinite
 * slope leave derivatives of first and second order as they are.
 *
 * @module
 */
import {
  cond,
  customVjp,
  grad,
  hessian,
  jit,
  jvp,
  type NDArray,
  numpy as np,
  scan,
  vmap,
  whileLoop,
} from "../../mod.ts";
import { partialEvalJaxpr } from "../../lib/interpreters/partial.ts";
import { stageClosed } from "../../lib/interpreters/staging.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { assertEquals } from "../support/assert.ts";
import { allUnread } from "../support/random_unread.ts";

const x = arr([0.3, -0.2]);
const t = arr([0.7, 0.4]);

for (const { name, f, plain } of allUnread) {
  Deno.test(`unread ${name}`, () => {
    const loss = (v: NDArray): NDArray => f(v).sum();
    const same = (v: NDArray): NDArray => plain(v).sum();
    const g = grad(same)(x);
    assertClose(grad(loss)(x), g);
    assertClose(jit(grad(loss))(x), g);
    assertClose(grad(jit(loss))(x), g);
    assertClose(vmap(grad(loss))(np.stack([x, x])).at(1), g);
    const h = hessian(same)(x);
    assertClose(hessian(loss)(x), h);
    assertClose(jit(hessian(loss))(x), h);
    const ht = np.matmul(h, t);
    assertClose(jvp(grad(loss), [x], [t])[1], ht);
    assertClose(grad((v: NDArray) => jvp(loss, [v], [t])[1])(x), ht);
    assertClose(grad((v: NDArray) => grad(loss)(v).mul(t).sum())(x), ht);
  });
}

/** Programs that are written around an operation, and double their argument without it. */
const around: Readonly<Record<string, (op: (v: NDArray) => NDArray, v: NDArray) => NDArray>> = {
  "a jitted function": (op, v) => jit((v: NDArray) => (op(v), v.mul(2)))(v),
  "a scan": (op, v) => scan((c: NDArray) => (op(c), [c.mul(2), null]), v, null, { length: 1 })[0],
  "a branch": (op, v) => cond(true, (v: NDArray) => (op(v), v.mul(2)), (v: NDArray) => v, v),
  "a while loop": (op, v) =>
    whileLoop(
      ([n]: [NDArray, NDArray]) => n.less(1),
      ([n, c]: [NDArray, NDArray]): [NDArray, NDArray] => (op(c), [n.add(1), c.mul(2)]),
      [np.array(0), v],
    )[1],
};

for (const [name, f] of Object.entries(around)) {
  Deno.test(`what nothing reads need not be differentiable: in ${name}`, () => {
    const backwardOnly = customVjp(
      (v: NDArray) => np.sin(v),
      (v: NDArray): [NDArray, NDArray] => [np.sin(v), v],
      (v: NDArray, ct: NDArray): [NDArray] => [ct.mul(np.cos(v))],
    );
    assertClose(jvp((v: NDArray) => f(backwardOnly, v), [x], [t])[1], t.mul(2));
  });
}

Deno.test("a program cut in two keeps nothing for what nothing reads", () => {
  const aval = { shape: [2], dtype: "float64" } as const;
  const program = stageClosed("program", ([known, later]) => {
    np.exp(known!).mul(later!);
    return [np.sin(known!).mul(later!)];
  }, [aval, aval]);
  const { known, staged, numResiduals } = partialEvalJaxpr(program, [false, true]);
  assertEquals(staged.eqns.map((e) => e.primitive.name), ["mul"]);
  assertEquals([numResiduals, known.outputs.length, staged.inputs.length], [1, 1, 2]);
});

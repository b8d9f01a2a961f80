/**
 * What nothing reads changes nothing: results, carries, slices, operands and dead code of infinite
 * slope leave derivatives of first and second order as they are.
 *
 * @module
 */
import {
  grad,
  hessian,
  jit,
  jvp,
  loadBackend,
  type NDArray,
  numpy as np,
  vmap,
} from "../../mod.ts";
import { arr, assertClose } from "../support/arrays.ts";
import { allUnread } from "../support/random_unread.ts";

await loadBackend("wasm");

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

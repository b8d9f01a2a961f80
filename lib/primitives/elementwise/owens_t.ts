/**
 * Owen's T function.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import type { Value } from "../../core/lowering.ts";
import { bind1 } from "../../core/trace.ts";
import { ExprArithmetic } from "../../scalar/arithmetic.ts";
import type { Expr } from "../../scalar/expr.ts";
import { ndtr as scalarNdtr } from "../../scalar/normal.ts";
import { owensT as scalarOwensT } from "../../scalar/owens_t.ts";
import { scalarLike } from "../constants/full.ts";
import { GraphArithmetic } from "./formula_graph.ts";
import { Formula } from "../graph/formula.ts";
import { add, div, mul } from "./arithmetic.ts";
import { exp } from "./elementary.ts";
import { erf } from "./erf.ts";
import { binary, floats } from "./factory.ts";
import { ndtrIn } from "./normal.ts";

const owensTP = /* @__PURE__ */ binary({
  name: "owens_t",
  expr: /* @__PURE__ */ floats((e, h, a) => {
    const [x, y] = [e.convert(h, "f64"), e.convert(a, "f64")];
    const ndtr = (z: Expr): Expr => scalarNdtr(e, z);
    return e.convert(scalarOwensT<Expr>(new ExprArithmetic(e, "f64"), x, y, ndtr), h.ty);
  }),
  // -phi(h) erf(a h / sqrt(2)) / 2 and e^(-h^2 (1 + a^2) / 2) / (2 pi (1 + a^2))
  jvp(th, ta, h, a) {
    const c = (value: number): NDArray => scalarLike(value, h);
    const below = add(mul(a, a), c(1));
    const power = (x: NDArray): NDArray => exp(mul(c(-0.5), x));
    const square = mul(h, h);
    const dh = th && mul(
      th,
      mul(
        mul(c(-0.5 / Math.sqrt(2 * Math.PI)), power(square)),
        erf(mul(mul(a, h), c(Math.SQRT1_2))),
      ),
    );
    const da = ta && mul(ta, div(mul(c(0.5 / Math.PI), power(mul(square, below))), below));
    return dh === null ? da! : da === null ? dh : add(dh, da);
  },
  lower: (g, h, a, dtype) =>
    scalarOwensT<Value>(
      new GraphArithmetic(g, dtype),
      h,
      a,
      (z) => ndtrIn(new Formula(g, dtype), z),
    ),
  domain: {
    range: [0.2, 2],
    special: [0, -0, 0, 1, -1, 2, 30, 0, Infinity, 3, 0, NaN, 1, 12, 0.5],
    special2: [1, -1, Infinity, 0, 2, 1, 0.5, -3, 1, -Infinity, 0, 1, NaN, 0.9, 1e10],
  },
});

/** Owen's T function of `h` and `a`, elementwise. */
export function owensT(h: NDArray, a: NDArray): NDArray {
  return bind1(owensTP, [h, a], null);
}

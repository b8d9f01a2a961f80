/**
 * Terms of entropies and divergences.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { bind1 } from "../../core/trace.ts";
import * as scalar from "../../scalar/entropy.ts";
import { scalarLike, zerosLike } from "../constants/full.ts";
import { add, div, mul, neg, sub } from "./arithmetic.ts";
import { and, gt, lt } from "./compare.ts";
import { log } from "./elementary.ts";
import { formula1, formula2 } from "./formulas.ts";
import { select } from "./select.ts";

function number(value: number, x: NDArray): NDArray {
  return scalarLike(value, x);
}

const entrP = /* @__PURE__ */ formula1({
  name: "entr",
  formula: scalar.entr,
  jvp(t, x) {
    const slope = neg(add(log(x), number(1, x)));
    return select(lt(x, number(0, x)), zerosLike(x), mul(t, slope));
  },
  domain: { range: [0.1, 3], special: [0, -0, 1, -1, 1e-30, 1e30, Infinity, -Infinity, NaN] },
});

/** `-x log(x)`, 0 at 0, and minus infinity below, elementwise. */
export function entr(x: NDArray): NDArray {
  return bind1(entrP, [x], null);
}

const PAIRS = {
  range: [0.1, 1.3],
  range2: [1.5, 3],
  special: [0, 0, 1, 1, -1, 0, 1, 1.001, 3, 1e-30, NaN, 0, Infinity],
  special2: [0, 2, 0, -1, 1, -1, 1, 1, 1, 1e30, 1, NaN, 1],
} as const;

/** What both have in common: the slopes where both operands are positive, and those elsewhere, as in JAX. */
function divergence(
  tp: NDArray | null,
  tq: NDArray | null,
  p: NDArray,
  q: NDArray,
  slopes: (p: NDArray, q: NDArray) => readonly [NDArray, NDArray],
  elsewhere: number,
): NDArray {
  const positive = and(gt(p, number(0, p)), gt(q, number(0, q)));
  const safe = (x: NDArray): NDArray => select(positive, x, number(1, x));
  const [dp, dq] = slopes(safe(p), safe(q));
  const x = tp && mul(tp, select(positive, dp, number(0 - elsewhere, p)));
  const y = tq && mul(tq, select(positive, dq, number(elsewhere, q)));
  return x === null ? y! : y === null ? x : add(x, y);
}

const relEntrP = /* @__PURE__ */ formula2({
  name: "rel_entr",
  formula: scalar.relEntr,
  jvp: (tp, tq, p, q) =>
    divergence(tp, tq, p, q, (p, q) => {
      const ratio = div(p, q);
      return [add(log(ratio), number(1, p)), neg(ratio)];
    }, 0),
  domain: PAIRS,
});

/** `p log(p / q)`, 0 where `p` is 0, and infinity where one is negative, elementwise. */
export function relEntr(p: NDArray, q: NDArray): NDArray {
  return bind1(relEntrP, [p, q], null);
}

const klDivP = /* @__PURE__ */ formula2({
  name: "kl_div",
  formula: scalar.klDiv,
  jvp: (tp, tq, p, q) =>
    divergence(tp, tq, p, q, (p, q) => {
      const ratio = div(p, q);
      return [log(ratio), sub(number(1, q), ratio)];
    }, 1),
  domain: PAIRS,
});

/** `p log(p / q) - p + q`, `q` where `p` is 0, and infinity where one is negative, elementwise. */
export function klDiv(p: NDArray, q: NDArray): NDArray {
  return bind1(klDivP, [p, q], null);
}

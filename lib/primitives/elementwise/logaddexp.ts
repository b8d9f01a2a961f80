/**
 * Sums of exponentials: logaddexp.
 *
 * @module
 */
import type { NDArray } from "../../core/array.ts";
import { bind1 } from "../../core/trace.ts";
import * as scalar from "../../scalar/functions.ts";
import { Formula } from "../graph/formula.ts";
import { log1pIn } from "./accurate.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { logistic } from "./elementary.ts";
import { binary, floats } from "./factory.ts";

const logaddexpP = /* @__PURE__ */ binary({
  name: "logaddexp",
  expr: floats(scalar.logaddexp),
  // Of orders beyond too, the slopes are those of a function that is smooth where x = y.
  jvp(tx, ty, x, y) {
    const dx = tx && mul(tx, logistic(sub(x, y)));
    const dy = ty && mul(ty, logistic(sub(y, x)));
    return dx === null ? dy! : dy === null ? dx : add(dx, dy);
  },
  lower(g, x, y, dtype) {
    const f = new Formula(g, dtype);
    const apart = f.sub(x, y);
    const sum = f.add(f.op("Max", x, y), log1pIn(f, f.op("Exp", f.op("Neg", f.op("Abs", apart)))));
    return f.choose(f.equal(apart, apart), sum, f.add(x, y));
  },
  domain: {
    // Where it is not 0, as a difference of terms that are not.
    range: [0, 3],
    special: [0, 1000, -1000, Infinity, Infinity, -Infinity, -Infinity, NaN, NaN, 0.5, 3e38],
    special2: [0, -1000, -1000, Infinity, -Infinity, -Infinity, 2, 1, Infinity, -40, 3e38],
  },
});

/** `log(e^x + e^y)` without overflow, elementwise. */
export function logaddexp(x: NDArray, y: NDArray): NDArray {
  return bind1(logaddexpP, [x, y], null);
}

/**
 * `checkGrads` and its kin: right derivatives pass, wrong ones of either mode and of second order do
 * not, and neither do wrong values.
 *
 * @module
 */
import { checkGrads, checkJvp, checkVjp } from "../../lib/debug/testing.ts";
import { customJvp, customVjp, jvp, type NDArray, numpy as np, vjp } from "../../mod.ts";
import { assertThrows } from "../support/assert.ts";

const sin = (x: NDArray): NDArray => np.sin(x);
const at = (): NDArray => np.array([0.3, 1.2]);

/** A sine whose derivative is `slope`. */
const withSlope = (slope: (x: NDArray) => NDArray) =>
  customJvp(sin, ([x], [dx]) => [np.sin(x!), slope(x!).mul(dx!)]);

Deno.test("right derivatives pass, of numbers, float64, trees, integers and bools among them", () => {
  checkGrads(sin, [0.7], 3);
  checkGrads(() => 3, [0.7], 2);
  checkGrads(sin, [at().astype("float64")], { order: 3 });
  const f = ({ a, n, on }: { a: NDArray; n: NDArray; on: NDArray }) => ({
    y: np.where(on, a.mul(n), a.sum()),
    n,
  });
  const args = { a: at(), n: np.array(2, { dtype: "int32" }), on: np.array([true, false]) };
  checkGrads(f, [args], 2);
  checkGrads((x: NDArray) => np.where(x.greater(1), np.inf, x), [at()]);
});

Deno.test("wrong derivatives are found, in both modes", () => {
  const wrong = withSlope((x) => np.cos(x).mul(1.01));
  for (const modes of [["fwd"], ["rev"], ["fwd", "rev"]] as const) {
    assertThrows(() => checkGrads(wrong, [at()], { modes }), Error, "by differences");
  }
  const backward = customVjp(sin, (x) => [np.sin(x!), x], (x, dy) => [np.cos(x).mul(dy).neg()]);
  assertThrows(() => checkGrads(backward, [at()], { modes: ["rev"] }), Error, "by vjp");
});

Deno.test("derivatives of second order are looked at where that is asked for", () => {
  const cosine = customJvp((x: NDArray) => np.cos(x), ([x], [dx]) => [
    np.cos(x!),
    np.sin(x!).mul(dx!),
  ]);
  const wrong = withSlope((x) => cosine(x));
  checkGrads(wrong, [at()]);
  assertThrows(() => checkGrads(wrong, [at()], 2), Error, "by differences");
});

Deno.test("functions that give derivatives are held against another function", () => {
  checkJvp(sin, (xs: [NDArray], dxs: [NDArray]) => jvp(sin, xs, dxs), [at()]);
  checkVjp(sin, (xs: [NDArray]) => vjp(sin, xs), [at()]);
  const other = (x: NDArray): NDArray => np.sin(x).add(0.5);
  assertThrows(
    () => checkJvp(sin, (xs: [NDArray], dxs: [NDArray]) => jvp(other, xs, dxs), [at()]),
    Error,
    "the value of jvp",
  );
  assertThrows(
    () => checkVjp(sin, (xs: [NDArray]) => vjp(other, xs), [at()]),
    Error,
    "the value of vjp",
  );
});

Deno.test("arguments that are no list, and orders and modes that there are not, are refused", () => {
  const call = checkGrads as (...args: unknown[]) => void;
  assertThrows(() => call(sin, at()), Error, "one entry for each argument");
  assertThrows(() => call(sin, [at()], 0), RangeError, "order");
  assertThrows(() => call(sin, [np.array(1, { dtype: "int32" })]), Error, "no argument has floats");
  assertThrows(() => call(sin, [at()], 1, { modes: ["reverse"] }), TypeError, "reverse");
  assertThrows(() => call("sin", [at()]), TypeError, "checkGrads");
});

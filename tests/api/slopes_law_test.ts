/**
 * Every function of the namespaces that acts on each element alone, on numbers of all sizes: where the
 * value is finite, neither the derivative nor the second derivative is NaN, but for reasons that are
 * listed. A side that is not chosen and overflows, and a quotient whose parts underflow, make such.
 *
 * @module
 */
import { grad, NDArray, nn, numpy as np, special } from "../../mod.ts";
import * as lax from "../../lib/api/lax.ts";
import { make } from "../support/arrays.ts";
import { assert, assertAlmostEquals, assertEquals } from "../support/assert.ts";

type F = (...args: NDArray[]) => NDArray;

const SIZES = [
  1e-30,
  1e-8,
  1e-3,
  0.1,
  0.5,
  1,
  1.5,
  2,
  3,
  10,
  20,
  50,
  89,
  200,
  710,
  1e5,
  1e10,
  1e20,
];

/** Numbers to try. */
function points(dtype: "float32" | "float64"): number[] {
  const more = dtype === "float32" ? [1e30, 3e38] : [1e30, 1e100, 1e300];
  return [0, ...[...SIZES, ...more].flatMap((x) => [x, -x])];
}

/** The ways to make a function of one array of an export. */
const FORMS: Readonly<Record<string, (f: F, x: NDArray) => NDArray>> = {
  "f(x)": (f, x) => f(x),
  "f(x, 2)": (f, x) => f(x, make({ shape: [], dtype: x.dtype }, [2])),
  "f(0.5, x)": (f, x) => f(make({ shape: [], dtype: x.dtype }, [0.5]), x),
};

/** Why derivatives are NaN at some of the numbers. */
const NOT_THERE: Readonly<Record<string, string>> = {
  "nn.mish": "the second derivative is a difference of infinities at the largest numbers",
  "special.beta": "the value is 0 by a pole of a divisor",
  "special.binom": "by the falling factorial, whose terms have poles",
  "special.boxcox": "the power is taken by the logarithm",
  "special.boxcox1p": "the power is taken by the logarithm",
  "special.expn": "the order is no whole number",
  "special.factorial": "0 at poles of the gamma function",
  "special.igammaGradA": "the value is continued to negative numbers by 0",
  "special.poch": "by the falling factorial, whose terms have poles",
  "lax.igammaGradA": "the value is continued to negative numbers by 0",
  "nn.standardize": "not of each element alone",
  "np.cumprod": "not of each element alone",
  "np.cumulativeProd": "not of each element alone",
  "np.nancumprod": "not of each element alone",
  "lax.cumprod": "not of each element alone",
};

/** Where a function has a finite value and a derivative that is NaN; null where it is not elementwise. */
function faultsOf(f: F, dtype: "float32" | "float64", apply: (f: F, x: NDArray) => NDArray) {
  const numbers = points(dtype);
  const x = make({ shape: [numbers.length], dtype }, numbers);
  const slope = grad((v: NDArray) => apply(f, v).sum());
  let results: ArrayLike<number>[];
  try {
    const y = apply(f, x);
    if (!(y instanceof NDArray) || y.dtype !== dtype || y.shape.join() !== x.shape.join()) {
      return null;
    }
    results = [y, slope(x), grad((v: NDArray) => slope(v).sum())(x)].map((a) => a.dataSync());
  } catch {
    return null; // It wants other arguments, or has no derivative.
  }
  return numbers.flatMap((v, i) => {
    const order = results.findIndex((data) => !Number.isFinite(data[i]));
    return order > 0 && Number.isNaN(results[order]![i])
      ? [`${dtype} at ${v}, order ${order}`]
      : [];
  });
}

for (const [space, functions] of Object.entries({ np, nn, special, lax })) {
  Deno.test(`slopes of elementwise functions of ${space} are numbers where values are`, () => {
    const wrong: string[] = [];
    let tried = 0;
    for (const [name, f] of Object.entries(functions)) {
      if (typeof f !== "function") continue;
      const key = `${space}.${name}`;
      const faults = Object.entries(FORMS).flatMap(([form, apply]) =>
        (["float32", "float64"] as const).flatMap((dtype) => {
          const found = faultsOf(f as F, dtype, apply);
          if (found !== null) tried++;
          return (found ?? []).map((fault) => `${key} as ${form}: ${fault}`);
        })
      );
      if (!(key in NOT_THERE)) wrong.push(...faults);
      else if (faults.length === 0) wrong.push(`${key} has no NaN any more: take it off the list`);
    }
    assertEquals(wrong, []);
    assert(tried > 30, `only ${tried} were found`);
  });
}

Deno.test("slopes at edges and far away are their limits", () => {
  const at = (x: number): NDArray => make({ shape: [], dtype: "float64" }, [x]);
  const gammas = [0.5, 1, 1.5, 2].map((a) =>
    grad((x: NDArray) => special.gammainc(at(a), x))(at(0)).item()
  );
  assertEquals(gammas, [Infinity, 1, 0, 0]);
  // As in JAX 0.10.2, with the second derivatives.
  const edges = [0, -0, Infinity, -Infinity, NaN, -8];
  const roots = [1, 2].map((order) =>
    edges.map((x) => (order === 1 ? grad(np.cbrt) : grad(grad(np.cbrt)))(at(x)).item())
  );
  assertEquals(roots[0]!.slice(0, 5), [Infinity, Infinity, 0, 0, NaN]);
  assertEquals(roots[1]!.slice(0, 2), [-Infinity, Infinity]);
  assertAlmostEquals(roots[0]![5]!, 1 / 12, 1e-15);
  assertAlmostEquals(roots[1]![5]!, 1 / 144, 1e-15);
  const far = 1e5 + 0.25;
  const slope = Math.cos(Math.PI * 0.25) / far - Math.sin(Math.PI * 0.25) / (Math.PI * far * far);
  assertAlmostEquals(grad(np.sinc)(at(far)).item(), slope, 1e-14);
  for (const x of [8, 12, 26, 30]) {
    const density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    const bend = grad(grad(special.logNdtr))(at(x)).item();
    assertAlmostEquals(bend / (-density * (x + density)), 1, 1e-12);
  }
});

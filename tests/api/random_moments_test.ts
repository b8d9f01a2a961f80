/**
 * The distributions of `random` as such: their means and variances are those of the books, whatever JAX
 * draws. The same draws in compiled code, on each backend, in files, and for each key of several.
 */
import {
  exportOnnx,
  jit,
  loadBackend,
  type NDArray,
  numpy as np,
  random,
  vmap,
} from "../../mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { assertClose } from "../support/arrays.ts";
import { openFile } from "../support/files.ts";

const f64 = { dtype: "float64" } as const;
const N = 20_000;

/** A distribution: how `n` numbers are drawn, their mean and variance. */
interface Distribution {
  readonly draw: (key: NDArray, n: number) => NDArray;
  readonly mean: number;
  readonly variance: number;
}

const EULER = 0.5772156649015329;
const { PI } = Math;
const of = (
  mean: number,
  variance: number,
  draw: (key: NDArray, n: number) => NDArray,
): Distribution => ({ draw, mean, variance });

const distributions: Readonly<Record<string, Distribution>> = {
  uniform: of(0.5, 1 / 12, (k, n) => random.uniform(k, [n])),
  "uniform of float64": of(0.5, 1 / 12, (k, n) => random.uniform(k, [n], f64)),
  normal: of(0, 1, (k, n) => random.normal(k, [n])),
  exponential: of(1, 1, (k, n) => random.exponential(k, [n])),
  gumbel: of(EULER, PI ** 2 / 6, (k, n) => random.gumbel(k, [n])),
  "gumbel, high": of(EULER, PI ** 2 / 6, (k, n) => random.gumbel(k, [n], { mode: "high" })),
  laplace: of(0, 2, (k, n) => random.laplace(k, [n])),
  logistic: of(0, PI ** 2 / 3, (k, n) => random.logistic(k, [n])),
  maxwell: of(2 * Math.sqrt(2 / PI), 3 - 8 / PI, (k, n) => random.maxwell(k, [n])),
  doubleSidedMaxwell: of(1, 4 * 3, (k, n) => random.doubleSidedMaxwell(k, 1, 2, [n])),
  lognormal: of(
    Math.exp(1 / 8),
    (Math.exp(1 / 4) - 1) * Math.exp(1 / 4),
    (k, n) => random.lognormal(k, 0.5, [n]),
  ),
  pareto: of(10 / 9, 10 / (81 * 8), (k, n) => random.pareto(k, 10, [n])),
  rayleigh: of(
    2 * Math.sqrt(PI / 2),
    4 * (2 - PI / 2),
    (k, n) => random.rayleigh(k, 2, [n]),
  ),
  triangular: of(
    (0 + 1 + 4) / 3,
    (1 + 16 - 4) / 18,
    (k, n) => random.triangular(k, 0, 1, 4, [n]),
  ),
  wald: of(2, 8, (k, n) => random.wald(k, 2, [n])),
  weibullMin: of(
    3 * Math.sqrt(PI) / 2,
    9 * (1 - PI / 4),
    (k, n) => random.weibullMin(k, 3, 2, [n]),
  ),
  // The logarithm of the size of a Cauchy number has a mean and a variance.
  cauchy: of(0, PI ** 2 / 4, (k, n) => random.cauchy(k, [n]).abs().log()),
  rademacher: of(0, 1, (k, n) => random.rademacher(k, [n], { dtype: "float32" })),
  bernoulli: of(0.3, 0.21, (k, n) => random.bernoulli(k, 0.3, [n]).astype("float32")),
  "bernoulli, high": of(
    0.001,
    0.000999,
    (k, n) => random.bernoulli(k, 0.001, [n], { mode: "high" }).astype("float32"),
  ),
  randint: of(4.5, 8.25, (k, n) => random.randint(k, [n], 0, 10).astype("float32")),
  geometric: of(4, 12, (k, n) => random.geometric(k, 0.25, [n]).astype("float32")),
  "poisson of 3": of(3, 3, (k, n) => random.poisson(k, 3, [n]).astype("float32")),
  "poisson of 30": of(30, 30, (k, n) => random.poisson(k, 30, [n]).astype("float32")),
  "poisson of 10^7": of(
    0,
    1,
    (k, n) => random.poisson(k, 1e7, [n]).astype("float64").sub(1e7).div(Math.sqrt(1e7)),
  ),
  "binomial of few": of(3, 2.1, (k, n) => random.binomial(k, 10, 0.3, [n])),
  "binomial of many": of(700, 210, (k, n) => random.binomial(k, 1000, 0.7, [n])),
  multinomial: of(30, 21, (k, n) => {
    const p = np.array([0.2, 0.3, 0.5]);
    return random.multinomial(k, 100, p, { shape: [n, 3] }).take(1, 1);
  }),
  "choice of chances": of(0.7, 0.21, (k, n) => {
    const p = np.array([0.3, 0.7]);
    return random.choice(k, 2, [n], { p }).astype("float32");
  }),
  choice: of(2, 2, (k, n) => random.choice(k, np.arange(5), [n]).astype("float32")),
  categorical: of(
    0.5,
    0.25,
    (k, n) => random.categorical(k, np.zeros([2]), { shape: [n] }).astype("float32"),
  ),
  multivariateNormal: of(5, 2, (k, n) => {
    const cov = np.array([[2, 1], [1, 3]]);
    return random.multivariateNormal(k, np.array([5, 0]), cov, [n]).take(0, 1);
  }),
  orthogonal: of(0, 1 / 3, (k, n) => random.orthogonal(k, 3, [n / 100]).ravel()),
  truncatedNormal: of(
    0,
    1 - 2 * Math.exp(-1 / 2) / Math.sqrt(2 * PI) / 0.6826894921370859,
    (k, n) => random.truncatedNormal(k, -1, 1, [n]),
  ),
};

for (const [name, { draw, mean, variance }] of Object.entries(distributions)) {
  Deno.test(`${name}: mean and variance are within five standard errors`, () => {
    const x = np.array(draw(random.key(17), N).astype("float64").dataSync(), f64);
    const off = x.sub(mean);
    const found = off.mean().item();
    const error = Math.sqrt(variance / x.size);
    assert(Math.abs(found) < 5 * error, `mean ${mean + found}, not ${mean} (+- ${error})`);
    // The variance's own error, from the fourth moment of what was drawn.
    const second = off.square();
    const spread = second.std().item() / Math.sqrt(x.size) + 1e-12;
    const v = second.mean().item();
    assert(Math.abs(v - variance) < 5 * spread, `variance ${v}, not ${variance} (+- ${spread})`);
  });
}

Deno.test("poisson: an invalid rate is told by -1", () => {
  assertEquals(random.poisson(random.key(0), np.array([-1, NaN])).toArray(), [-1, -1]);
});

Deno.test("binomial: a count without end is drawn at once", () => {
  for (const p of [0, 0.3, 0.5, 1]) {
    assertEquals(random.binomial(random.key(0), Infinity, p).item(), Infinity, String(p));
  }
  assertEquals(random.binomial(random.key(0), Infinity, 2).item(), NaN);
});

// ---------------------------------------------------------------- other ways to run

const small = 40;

for (const backend of ["cpu", "onnx"] as const) {
  Deno.test(`${backend}: compiled draws are the eager ones, for one key and for each of several`, async () => {
    await loadBackend(backend);
    const keys = random.split(random.key(3), 3);
    for (const [name, { draw }] of Object.entries(distributions)) {
      if (backend === "onnx" && /float64|10\^7/.test(name)) continue;
      const one = (key: NDArray): NDArray => draw(key, name === "orthogonal" ? 200 : small);
      const eager = [0, 1, 2].map((i) => one(keys.at(i)));
      const compiled = jit(one, { backend })(keys.at(1));
      await compiled.data();
      assertClose(compiled, eager[1]!, 1e-5);
      const lanes = jit(vmap(one), { backend })(keys);
      await lanes.data();
      assertClose(lanes, np.stack(eager), 1e-5);
    }
  });
}

Deno.test("draws by rejection are in exported files, with their loops", async () => {
  const draws = (key: NDArray): NDArray => random.binomial(key, 100, 0.4, [50]);
  const file = await openFile(exportOnnx(draws, random.key(0)), "all");
  try {
    const key = random.key(8);
    const [found] = await file.run([key]);
    assertEquals(found!.toArray(), draws(key).toArray());
  } finally {
    await file.release();
  }
});

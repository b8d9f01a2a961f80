/**
 * Exponential families beside closed forms and quadrature (`reference/record_expfam.py`): densities, entropies,
 * divergences, means and information; there and back between parameters; likelihoods; draws.
 *
 * @module
 */
import { grad, jit, type NDArray, numpy as np, random, vmap } from "../../mod.ts";
import * as expfam from "../../lib/expfam/mod.ts";
import recorded from "../reference/expfam.json" with { type: "json" };
import { assertClose } from "../support/arrays.ts";
import { assert, assertEquals } from "../support/assert.ts";

type Family = expfam.ExponentialFamily;
type Numbers = Readonly<Record<string, number>>;

interface Case {
  readonly parameters: Numbers;
  readonly other: Numbers;
  readonly x: readonly number[];
  readonly logDensity: readonly number[];
  readonly entropy: number;
  readonly divergence: number;
  readonly means: Numbers;
  readonly covariance: Readonly<Record<string, Numbers>>;
}

const scalarFamilies: Readonly<Record<string, Family>> = {
  normal: expfam.normal as unknown as Family,
  bernoulli: expfam.bernoulli as unknown as Family,
  poisson: expfam.poisson as unknown as Family,
  exponential: expfam.exponential as unknown as Family,
  gamma: expfam.gamma as unknown as Family,
  beta: expfam.beta as unknown as Family,
};

/** Of some cases, one array for each name. */
function stacked(all: readonly Numbers[], dtype: "float32" | "float64"): expfam.Parameters {
  const names = Object.keys(all[0]!);
  return Object.fromEntries(names.map((n) => [n, np.array(all.map((p) => p[n]!), { dtype })]));
}

const tolerances = { float32: 3e-5, float64: 1e-12 };

for (const [name, family] of Object.entries(scalarFamilies)) {
  const cases: readonly Case[] = recorded.scalar[name as keyof typeof recorded.scalar];
  for (const dtype of ["float32", "float64"] as const) {
    const tolerance = tolerances[dtype];
    const p = expfam.natural(family, stacked(cases.map((c) => c.parameters), dtype));
    const q = expfam.natural(family, stacked(cases.map((c) => c.other), dtype));
    const close = (actual: NDArray, expected: unknown, what: string) => {
      assertEquals(actual.dtype, dtype, what);
      assertClose(actual, np.array(expected as number[], { dtype }), tolerance, what);
    };
    Deno.test(`${name}, ${dtype}: densities, entropies, divergences, means and information`, () => {
      const x = np.array(cases.map((c) => c.x), { dtype });
      close(
        expfam.logDensity(family, p, x.T).T,
        cases.map((c) => c.logDensity),
        "log density",
      );
      close(expfam.entropy(family, p), cases.map((c) => c.entropy), "entropy");
      close(expfam.klDivergence(family, p, q), cases.map((c) => c.divergence), "divergence");
      close(
        expfam.crossEntropy(family, p, q),
        cases.map((c) => c.divergence + c.entropy),
        "cross entropy",
      );
      const means = expfam.toExpectation(family, p);
      const information = expfam.fisherInformation(family, p);
      for (const n of Object.keys(family.ranks)) {
        close(means[n]!, cases.map((c) => c.means[n]), `mean of ${n}`);
        for (const m of Object.keys(family.ranks)) {
          close(information[n]![m]!, cases.map((c) => c.covariance[n]![m]), `${n}, ${m}`);
        }
      }
    });

    Deno.test(`${name}, ${dtype}: parameters there and back, compiled too`, () => {
      const usual = expfam.parameters(family, p);
      const given = stacked(cases.map((c) => c.parameters), dtype);
      for (const n of Object.keys(usual)) assertClose(usual[n]!, given[n]!, tolerance, n);
      const back = (eta: expfam.Parameters) =>
        expfam.toNatural(family, expfam.toExpectation(family, eta));
      // The means determine the parameters less well than the other way round.
      const loose = dtype === "float32" ? 3e-3 : 1e-9;
      for (const f of [back, jit(back)]) {
        const found = f(p) as expfam.Parameters;
        for (const n of Object.keys(p)) assertClose(found[n]!, p[n]!, loose, n);
      }
    });
  }

  Deno.test(`${name}: natural parameters have derivatives by the means, the inverse information`, () => {
    const dtype = "float64";
    const p = expfam.natural(family, stacked([cases[0]!.parameters], dtype));
    const means = expfam.toExpectation(family, p);
    const names = Object.keys(p);
    const information = expfam.fisherInformation(family, p);
    const rows = names.map((n) => {
      const of = (e: expfam.Parameters) => expfam.toNatural(family, e)[n]!.sum();
      const slope = grad(of as never)(means as never) as unknown as expfam.Parameters;
      return names.map((m) => slope[m]!.item() as number);
    });
    for (const [i] of names.entries()) {
      for (const [j, m] of names.entries()) {
        const product = names.reduce(
          (total, n, k) => total + rows[i]![k]! * (information[n]![m]!.item() as number),
          0,
        );
        assert(Math.abs(product - (i === j ? 1 : 0)) < 1e-7, `${i}, ${j}: ${product}`);
      }
    }
  });

  Deno.test(`${name}: draws have the means of the statistics, and the likelihood finds the parameters`, () => {
    const p = expfam.natural(family, stacked(cases.map((c) => c.parameters), "float32"));
    const count = 20_000;
    const x = expfam.sample(random.key(7), family, p, [count]);
    assertEquals(x.shape, [count, cases.length]);
    const statistics = family.statistics(x.astype("float32"));
    const means = expfam.toExpectation(family, p);
    const information = expfam.fisherInformation(family, p);
    for (const n of Object.keys(p)) {
      const error = np.sqrt(information[n]![n]!.div(count));
      const off = statistics[n]!.mean(0).sub(means[n]!).abs().div(error);
      assert(off.max().item() < 5, `the mean of ${n} is ${off} standard errors off`);
    }
    const likeliest = expfam.maximumLikelihood(family, x.astype("float32"));
    const wanted = expfam.toNatural(
      family,
      Object.fromEntries(Object.entries(statistics).map(([n, s]) => [n, s.mean(0)])),
    );
    for (const n of Object.keys(p)) assertClose(likeliest[n]!, wanted[n]!, 1e-4, n);
  });
}

Deno.test("multivariateNormal: densities, entropy, divergence, means and information", () => {
  const F = { dtype: "float64" } as const;
  const r = recorded.multivariateNormal;
  const of = (c: { mean: number[]; covariance: number[][] }) =>
    expfam.natural(expfam.multivariateNormal, {
      mean: np.array(c.mean, F),
      covariance: np.array(c.covariance, F),
    });
  const [p, q] = [of(r), of(r.other)];
  const family = expfam.multivariateNormal;
  const close = (a: NDArray, b: unknown) => assertClose(a, np.array(b as number[], F), 1e-12);
  close(expfam.logDensity(family, p, np.array(r.x, F)), r.logDensity);
  close(expfam.entropy(family, p), r.entropy);
  close(expfam.klDivergence(family, p, q), r.divergence);
  const means = expfam.toExpectation(family, p);
  const mean = np.array(r.mean, F);
  close(means.x, r.mean);
  close(means.outer, np.outer(mean, mean).add(np.array(r.covariance, F)).toArray());
  const back = expfam.toNatural(family, means);
  close(back.x, p.x.toArray());
  close(back.outer, p.outer.toArray());
  close(expfam.fisherInformation(family, p).x.x, r.covariance);
  // The density by the general formula is that of the special one.
  const general = { ...family, logDensity: undefined } as unknown as typeof family;
  close(expfam.logDensity(general, p, np.array(r.x, F)), r.logDensity);
  const x = expfam.sample(random.key(3), family, p, [20_000]);
  assertClose(np.cov(x.T), np.array(r.covariance, F), 0.06);
});

Deno.test("diagonalNormal: as the normal distribution of each coordinate", () => {
  const given = { mean: np.array([[0.5, 2]]), variance: np.array([[1, 2], [3, 0.5]]) };
  const p = expfam.natural(expfam.diagonalNormal, given);
  const each = expfam.natural(expfam.normal, given);
  const x = np.array([0.25, -1]);
  assertClose(
    expfam.logDensity(expfam.diagonalNormal, p, x),
    expfam.logDensity(expfam.normal, each, x).sum(-1),
    1e-6,
  );
  assertClose(
    expfam.entropy(expfam.diagonalNormal, p),
    expfam.entropy(expfam.normal, each).sum(-1),
    1e-6,
  );
  const information = expfam.fisherInformation(expfam.diagonalNormal, p);
  assertEquals(information.x.xSquared.shape, [2, 2, 2]);
  assertEquals(expfam.sample(random.key(0), expfam.diagonalNormal, p, [5]).shape, [5, 2, 2]);
});

Deno.test("dirichlet: densities, entropy, means and information", () => {
  const F = { dtype: "float64" } as const;
  for (const r of recorded.dirichlet) {
    const p = expfam.natural(expfam.dirichlet, { alpha: np.array(r.alpha, F) });
    const close = (a: NDArray, b: unknown) => assertClose(a, np.array(b as number[], F), 1e-12);
    close(expfam.logDensity(expfam.dirichlet, p, np.array(r.x, F)), r.logDensity);
    close(expfam.entropy(expfam.dirichlet, p), r.entropy);
    const means = expfam.toExpectation(expfam.dirichlet, p);
    close(means.logX, r.means);
    close(expfam.fisherInformation(expfam.dirichlet, p).logX.logX, r.covariance);
    assertClose(expfam.toNatural(expfam.dirichlet, means).logX, p.logX, 1e-9);
    const x = expfam.sample(random.key(5), expfam.dirichlet, p, [5000]);
    assertClose(np.log(x).mean(0), means.logX, 0.1);
  }
});

for (const d of [2, 3] as const) {
  Deno.test(`vonMisesFisher(${d}): normaliser, means, information and entropy, at 0 too`, () => {
    const family = expfam.vonMisesFisher(d);
    const cases = recorded.vonMisesFisher[d === 2 ? "2" : "3"];
    for (const dtype of ["float32", "float64"] as const) {
      const tolerance = dtype === "float32" ? 1e-5 : 1e-12;
      const direction = np.eye(d, { dtype }).at(d - 1);
      const k = np.array(cases.map((c) => c.concentration), { dtype });
      const p = expfam.natural(family, { direction, concentration: k });
      const close = (a: NDArray, b: readonly number[]) =>
        assertClose(a, np.array(b, { dtype }), tolerance);
      close(family.logNormaliser(p), cases.map((c) => c.logNormaliser));
      close(expfam.entropy(family, p), cases.map((c) => c.entropy));
      const means = expfam.toExpectation(family, p);
      close(means.x.slice([0, d - 1], [cases.length, d]).ravel(), cases.map((c) => c.mean));
      const information = expfam.fisherInformation(family, p).x.x;
      const last = vmap((m: NDArray) => m.at(d - 1).at(d - 1))(information);
      close(last, cases.map((c) => c.variance));
      // Short means say little about long parameters.
      const back = expfam.parameters(family, expfam.toNatural(family, means)).concentration;
      assertClose(back.div(k), np.onesLike(k), dtype === "float32" ? 2e-2 : 1e-9);
      const even = { x: np.zeros([d], { dtype }) };
      assertClose(expfam.toExpectation(family, even).x, even.x, 0);
      assertClose(
        expfam.fisherInformation(family, even).x.x,
        np.eye(d, { dtype }).div(d),
        tolerance,
      );
      assertClose(expfam.toNatural(family, even).x, even.x, 0);
    }
  });

  Deno.test(`vonMisesFisher(${d}): draws are unit vectors about their direction`, () => {
    const family = expfam.vonMisesFisher(d);
    const direction = d === 2 ? [[0.6, 0.8]] : [[0.6, 0, -0.8]];
    const p = expfam.natural(family, {
      direction: np.array(direction),
      concentration: np.array([0, 0.02, 1.5, 40]),
    });
    const x = expfam.sample(random.key(2), family, p, [8000]);
    assertClose(np.square(x).sum(-1), np.ones([8000, 4]), 1e-5);
    assertClose(x.mean(0), expfam.toExpectation(family, p).x, 0.05);
  });
}

Deno.test("categorical: probabilities, whatever their scale, and draws", () => {
  const family = expfam.categorical(3);
  const p = expfam.natural(family, { probabilities: np.array([[2, 3, 5], [1, 1, 1]]) });
  assertClose(
    expfam.parameters(family, p).probabilities,
    np.array([[0.2, 0.3, 0.5], [1 / 3, 1 / 3, 1 / 3]]),
    1e-6,
  );
  const classes = np.array([[0], [1], [2]], { dtype: "int32" });
  assertClose(
    np.exp(expfam.logDensity(family, p, classes)),
    np.array([[0.2, 1 / 3], [0.3, 1 / 3], [0.5, 1 / 3]]),
    1e-6,
  );
  assertClose(expfam.entropy(family, p), np.array([1.0296530140645737, Math.log(3)]), 1e-6);
  const information = expfam.fisherInformation(family, p).oneHot.oneHot;
  assertClose(information.at(0), np.array([[0.16, -0.06], [-0.06, 0.21]]), 1e-6);
  const x = expfam.sample(random.key(1), family, p, [4000]);
  const found = expfam.parameters(family, expfam.maximumLikelihood(family, x)).probabilities;
  assertClose(found, expfam.parameters(family, p).probabilities, 0.03);
});

Deno.test("weights count observations as often as they say", () => {
  const x = np.array([1, 2, 6]);
  const weighted = expfam.maximumLikelihood(expfam.normal, x, { weights: np.array([2, 1, 1]) });
  const repeated = expfam.maximumLikelihood(expfam.normal, np.array([1, 1, 2, 6]));
  assertClose(weighted.x, repeated.x, 1e-6);
  assertClose(weighted.xSquared, repeated.xSquared, 1e-6);
});

"""Recorder of expfam.json: what is known of exponential families in closed form, by SciPy and mpmath.

    python -m pip install numpy scipy mpmath
    python tests/reference/record_expfam.py

Of each family: usual parameters, observations with the logarithms of their densities, the entropy, the means and
covariances of its statistics, and the divergence to another member, by sums or quadrature to 30 digits.
"""

import json
import os

import mpmath as mp
import numpy as np
from scipy import stats

mp.mp.dps = 30


def integrate(f, support):
    if support[0] == "counts":
        total, k = mp.mpf(0), 0
        while True:
            term = f(mp.mpf(k))
            total += term
            k += 1
            if k > support[1]:
                return total
    return mp.quad(f, support[1])


def scalar_family(density, statistics, support):
    """A log density of mpmath numbers, and entropy, means and covariances of statistics, and divergence from it."""

    def of(params, other):
        log_p = lambda x: density(x, params)
        log_q = lambda x: density(x, other)
        area = support(params)
        mean = lambda g: integrate(lambda x: mp.exp(log_p(x)) * g(x), area)
        names = list(statistics)
        means = {n: mean(statistics[n]) for n in names}
        covariance = {
            n: {m: float(mean(lambda x: statistics[n](x) * statistics[m](x)) - means[n] * means[m]) for m in names}
            for n in names
        }
        return {
            "entropy": float(mean(lambda x: -log_p(x))),
            "divergence": float(mean(lambda x: log_p(x) - log_q(x))),
            "means": {n: float(v) for n, v in means.items()},
            "covariance": covariance,
        }

    return density, of


def beta_family():
    """As `scalar_family`, by formulas: quadrature does not resolve both ends."""

    def density(x, p):
        return (p["alpha"] - 1) * mp.log(x) + (p["beta"] - 1) * mp.log1p(-x) - log_beta(p)

    def log_beta(p):
        return mp.log(mp.beta(p["alpha"], p["beta"]))

    def of(p, q):
        total = mp.mpf(p["alpha"]) + p["beta"]
        means = {"logX": mp.digamma(p["alpha"]) - mp.digamma(total), "logRest": mp.digamma(p["beta"]) - mp.digamma(total)}
        both = -mp.psi(1, total)
        cross = lambda o: log_beta(o) - (o["alpha"] - 1) * means["logX"] - (o["beta"] - 1) * means["logRest"]
        return {
            "entropy": float(cross(p)),
            "divergence": float(cross(q) - cross(p)),
            "means": {n: float(v) for n, v in means.items()},
            "covariance": {
                "logX": {"logX": float(mp.psi(1, p["alpha"]) + both), "logRest": float(both)},
                "logRest": {"logX": float(both), "logRest": float(mp.psi(1, p["beta"]) + both)},
            },
        }

    return density, of


x_only = {"x": lambda x: x}
FAMILIES = {
    "normal": (
        scalar_family(
            lambda x, p: -((x - p["mean"]) ** 2) / (2 * p["variance"]) - mp.log(2 * mp.pi * p["variance"]) / 2,
            {"x": lambda x: x, "xSquared": lambda x: x * x},
            lambda p: ("line", [p["mean"] + s * mp.sqrt(p["variance"]) for s in range(-14, 15, 2)]),
        ),
        [{"mean": 1.5, "variance": 0.25}, {"mean": -0.5, "variance": 2.0}],
        [-1.0, 0.5, 1.5, 4.0],
    ),
    "bernoulli": (
        scalar_family(
            lambda x, p: mp.log(p["probability"] if x == 1 else 1 - p["probability"]),
            x_only,
            lambda p: ("counts", 1),
        ),
        [{"probability": 0.25}, {"probability": 0.9}],
        [0.0, 1.0],
    ),
    "poisson": (
        scalar_family(
            lambda x, p: x * mp.log(p["rate"]) - p["rate"] - mp.loggamma(x + 1),
            x_only,
            lambda p: ("counts", int(p["rate"] + 30 * np.sqrt(p["rate"]) + 60)),
        ),
        [{"rate": 0.3}, {"rate": 4.5}, {"rate": 60.0}, {"rate": 250.0}],
        [0.0, 1.0, 7.0, 200.0],
    ),
    "exponential": (
        scalar_family(
            lambda x, p: mp.log(p["rate"]) - p["rate"] * x,
            x_only,
            lambda p: ("line", [0, 1 / p["rate"], 5 / p["rate"], 20 / p["rate"], 90 / p["rate"]]),
        ),
        [{"rate": 2.5}, {"rate": 0.1}],
        [0.0, 0.3, 5.0],
    ),
    "gamma": (
        scalar_family(
            lambda x, p: p["shape"] * mp.log(p["rate"]) - mp.loggamma(p["shape"]) + (p["shape"] - 1) * mp.log(x)
            - p["rate"] * x,
            {"x": lambda x: x, "logX": mp.log},
            lambda p: ("line", [0, *[s / p["rate"] for s in (1e-6, 1e-3, 0.1, 1, 3, 8, 20, 50, 120)]]),
        ),
        [{"shape": 3.5, "rate": 2.0}, {"shape": 0.7, "rate": 0.5}, {"shape": 12.0, "rate": 1.5}],
        [0.01, 0.8, 6.0],
    ),
    "beta": (
        beta_family(),
        [{"alpha": 2.0, "beta": 3.5}, {"alpha": 0.8, "beta": 1.5}, {"alpha": 9.0, "beta": 4.0}],
        [0.05, 0.5, 0.93],
    ),
}


def directional(d, concentration):
    """The mean of the cosine and its variance, for directions in d dimensions."""
    k = mp.mpf(concentration)
    if d == 2:
        log_size = mp.log(2 * mp.pi * mp.besseli(0, k))
        mean = mp.besseli(1, k) / mp.besseli(0, k)
        second = (1 + mp.besseli(2, k) / mp.besseli(0, k)) / 2
    else:
        log_size = mp.log(4 * mp.pi * mp.sinh(k) / k)
        mean = mp.coth(k) - 1 / k
        second = 1 - 2 * mean / k
    return {
        "concentration": concentration,
        "logNormaliser": float(log_size),
        "mean": float(mean),
        "variance": float(second - mean * mean),
        "entropy": float(log_size - k * mean),
    }


def dirichlet(alpha):
    alpha = np.array(alpha)
    total = mp.mpf(float(alpha.sum()))
    xs = np.array([[0.2, 0.3, 0.5], [0.05, 0.9, 0.05]])
    return {
        "alpha": alpha.tolist(),
        "x": xs.tolist(),
        "logDensity": [float(stats.dirichlet(alpha).logpdf(x)) for x in xs],
        "entropy": float(stats.dirichlet(alpha).entropy()),
        "means": [float(mp.digamma(mp.mpf(float(a))) - mp.digamma(total)) for a in alpha],
        "covariance": [
            [float((mp.psi(1, mp.mpf(float(a))) if i == j else 0) - mp.psi(1, total)) for j in range(len(alpha))]
            for i, a in enumerate(alpha)
        ],
    }


def vectors():
    mean = np.array([0.5, -1.0, 2.0])
    covariance = np.array([[2.0, 0.4, -0.3], [0.4, 1.5, 0.2], [-0.3, 0.2, 0.8]])
    other_mean, other = np.array([0.0, 0.5, 1.0]), np.diag([1.0, 2.0, 0.5])
    xs = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 3.0]])
    inverse = np.linalg.inv(other)
    change = other_mean - mean
    divergence = 0.5 * (
        np.trace(inverse @ covariance) + change @ inverse @ change - 3
        + np.linalg.slogdet(other)[1] - np.linalg.slogdet(covariance)[1]
    )
    p = stats.multivariate_normal(mean, covariance)
    return {
        "mean": mean.tolist(), "covariance": covariance.tolist(),
        "other": {"mean": other_mean.tolist(), "covariance": other.tolist()},
        "x": xs.tolist(), "logDensity": p.logpdf(xs).tolist(), "entropy": float(p.entropy()),
        "divergence": float(divergence),
    }


def main():
    out = {"scalar": {}, "multivariateNormal": vectors()}
    for name, ((density, known), params, xs) in FAMILIES.items():
        cases = []
        for k, p in enumerate(params):
            other = params[(k + 1) % len(params)]
            at = [float(density(mp.mpf(x), p)) for x in xs]
            cases.append({"parameters": p, "other": other, "x": xs, "logDensity": at, **known(p, other)})
        out["scalar"][name] = cases
    out["vonMisesFisher"] = {
        str(d): [directional(d, k) for k in (1e-3, 0.3, 0.69, 0.71, 2.0, 15.0, 300.0)] for d in (2, 3)
    }
    out["dirichlet"] = [dirichlet(a) for a in ([1.5, 2.0, 0.7], [10.0, 3.0, 5.0])]
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "expfam.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(out, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()

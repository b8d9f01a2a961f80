"""Relatives of the gamma function, for record_special.py."""

import mpmath as mp

from recorders.special_points import graded, near, pairs, rng, uniform


def gammaln(x):
    return mp.re(mp.loggamma(x))


def negative(points):
    return [-x for x in points]


POSITIVE = [*uniform(0, 3, 60), *uniform(3, 12), *graded(-120, -1), *graded(2, 120), *near([1, 1.25, 1.75, 2, 8])]
HUGE = [*graded(-1000, -120, 10), *graded(120, 1000, 10)]
LEFT = [*negative(uniform(0, 12, 60)), *negative(uniform(12, 300, 20)), *near([-1, -2, -10], lo=-20)]

FUNCTIONS = {
    "gammaln": (gammaln, [*POSITIVE, *negative(uniform(0, 2)), *negative(graded(-120, -2))]),
    "gammaln of what float64 alone has": (gammaln, HUGE),
    "gammaln left of -2": (gammaln, [x for x in LEFT if x < -2]),
    "digamma": (mp.digamma, [*POSITIVE, *near([1.4616321449683622])]),
    "digamma on the left": (mp.digamma, LEFT),
}


def polygamma(n):
    return lambda x: mp.polygamma(n, x)


for n in (1, 2, 3, 10, 40):
    size = 100 / (n + 2)
    points = [*uniform(0, 3), *uniform(3, 60), *graded(-size, size)]
    FUNCTIONS[f"polygamma of order {n}"] = (polygamma(n), points)
FUNCTIONS["polygamma of order 1 on the left"] = (polygamma(1), LEFT)


def betaln(a, b):
    return mp.re(mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b))


MIXED = [*uniform(0, 12), *graded(-30, 60), *uniform(6, 100)]
SHUFFLED = rng.permutation(MIXED).tolist()
TOTALS = [*uniform(0, 100), *uniform(100, 1000, 20)]
WHOLE = rng.integers(0, 60, 40).tolist()

FUNCTIONS.update({
    "gamma": (mp.gamma, [*uniform(0, 3), *uniform(3, 34), *graded(-120, -1), *negative(uniform(0, 30))]),
    "gamma of what float64 alone has": (mp.gamma, [*uniform(34, 171), *negative(uniform(30, 170))]),
    "factorial": (mp.factorial, range(0, 34)),
    "betaln": (betaln, pairs(MIXED, SHUFFLED)),
    "beta": (mp.beta, pairs([*uniform(0, 8), *graded(-10, 3)], [*uniform(0, 8), *graded(-10, 3)])),
    "comb": (mp.binomial, pairs(WHOLE, [int(n * r) for n, r in zip(WHOLE, uniform(0, 1, 40))])),
    "binom": (mp.binomial, pairs(TOTALS, [n * r for n, r in zip(TOTALS, uniform(0, 1, 50))])),
    "poch": (mp.rf, pairs([*uniform(0.1, 10), *uniform(10, 60, 20)], [*uniform(0, 10), *uniform(0, 60, 20)])),
    "zeta": (
        mp.zeta,
        [
            *pairs(uniform(1, 10), uniform(0, 10)),
            *pairs(uniform(1, 60, 20), uniform(0, 60, 20)),
            *pairs([2, 3, 4, 5, 6] * 4, graded(-20, 100, 20)),
        ],
    ),
    "zeta of negative numbers": (mp.zeta, pairs([2, 3, 4, 5] * 5, negative(uniform(0, 12, 20)))),
    "bernoulli": (mp.bernoulli, range(0, 64)),
})

"""The incomplete gamma functions, for record_special.py."""

import mpmath as mp

from recorders.special_points import graded, pairs, rng, uniform


def lower(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def upper(a, x):
    return mp.gammainc(a, x, mp.inf, regularized=True)


def by_a(a, x):
    """A central difference of 60 digits, whose error is of the size of its step squared."""
    h = mp.mpf(10) ** -18
    with mp.workdps(60):
        return (lower(a + h, x) - lower(a - h, x)) / (2 * h)


A = [*uniform(0.01, 3, 40), *uniform(0.3, 20, 60), *uniform(16, 100, 40)]
X = [a * r for a, r in zip(A, [*uniform(0, 3, 100), *rng.normal(1, 0.1, 40).tolist()])]
BIG = graded(6, 13, 20)
POINTS = [*pairs(A, X), *pairs(BIG, [a * r for a, r in zip(BIG, rng.normal(1, 0.02, 20))])]

FUNCTIONS = {
    "gammainc": (lower, POINTS),
    "gammaincc": (upper, POINTS),
    "igammaGradA": (by_a, POINTS[0:140:3]),
}

"""The incomplete beta function, for record_special.py."""

import mpmath as mp
from scipy import stats

from recorders.special_points import graded, pairs, rng, uniform


def fraction(a, b, x, terms):
    """The even part of the continued fraction 8.17.22 of the NIST library."""
    side = a * (1 - x) - b * x

    def below(n):
        if n == 0:
            return a * (side + 1) / (a + 1)
        return n + n * (b - n) * x / (a + 2 * n - 1) + (a + n) * (side + 1 + n * (2 - x)) / (a + 2 * n + 1)

    value = below(terms)
    for n in range(terms, 0, -1):
        above = (a + n - 1) * (a + b + n - 1) * n * (b - n) * x * x / (a + 2 * n - 1) ** 2
        value = below(n - 1) + above / value
    return 1 / value


def below(a, b, x):
    if x > (a + 1) / (a + b + 2):
        return 1 - below(b, a, 1 - x)
    logarithm = a * mp.log(x) + b * mp.log1p(-x) - (mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b))
    terms = 100
    value = fraction(a, b, x, terms)
    while True:
        terms *= 2
        last, value = value, fraction(a, b, x, terms)
        if abs(value - last) < mp.mpf(10) ** -45 * abs(value):
            return mp.exp(logarithm) * value


def betainc(a, b, x):
    with mp.workdps(80):
        value = below(a, b, x)
        if max(a, b) < 50:
            other = mp.betainc(a, b, 0, x, regularized=True)
            assert abs(value - other) < mp.mpf(10) ** -40 * abs(value), (a, b, x)
        return value


def density(a, b, x):
    with mp.workdps(80):
        return mp.exp((a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x)) / mp.beta(a, b)


def by(which):
    """A central difference, whose error is of the size of its step squared."""

    def slope(a, b, x):
        h = mp.mpf(10) ** -18
        with mp.workdps(80):
            up = betainc(a + h, b, x) if which == 0 else betainc(a, b + h, x)
            down = betainc(a - h, b, x) if which == 0 else betainc(a, b - h, x)
            return (up - down) / (2 * h)

    return slope


def quantiles(A, B, least=-30):
    """Where the probability is anything, or tiny."""
    q = [10 ** p if i % 2 else u for i, (p, u) in enumerate(zip(uniform(least, 0, len(A)), uniform(0, 1, len(A))))]
    x = [float(stats.beta.ppf(v, a, b)) for v, a, b in zip(q, A, B)]
    return [v if 1e-30 < v < 1 else float(rng.uniform()) for v in x]


def shapes(*ranges):
    A = [v for low, high, n in ranges for v in graded(low, high, n)]
    B = [v for low, high, n in ranges for v in graded(low, high, n)]
    return A, B


A, B = shapes((0, 6, 60), (4, 8, 30), (6, 17, 60))
# One of them large, the other one small.
A += [*graded(0, 6, 20), *graded(6, 30, 20)]
B += [*graded(6, 30, 20), *graded(0, 6, 20)]
A += graded(-10, 0, 20)
B += graded(0, 10, 20)
POINTS = pairs(A, B, quantiles(A, B))


def is_beyond(a, b, x):
    shift = 3 if a < 1 else 1
    return x > (a + shift) / (a + b + shift + 3)


FEW, FEW_B = shapes((-10, 0, 40))
FEW += graded(0, 10, 30)
FEW_B += graded(-10, 0, 30)
SMALL = pairs(FEW, FEW_B, quantiles(FEW, FEW_B))

FUNCTIONS = {
    "betainc": (betainc, POINTS),
    "betainc of shapes below 1": (betainc, [p for p in SMALL if not is_beyond(*p)]),
    "betainc of shapes below 1, beyond": (betainc, [p for p in SMALL if is_beyond(*p)]),
    "betainc by a": (by(0), POINTS[::6]),
    "betainc by b": (by(1), POINTS[::6]),
    "betainc by x": (density, POINTS[::3]),
}

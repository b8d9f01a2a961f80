"""Relatives of the gamma function, for record_special.py."""

import mpmath as mp

from recorders.special_points import graded, near, uniform


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

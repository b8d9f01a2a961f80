"""Hypergeometric functions, for record_special.py."""

import mpmath as mp

from recorders.special_points import graded, pairs, rng, uniform


def by(f, which):
    """A central difference, whose error is of the size of its step squared."""

    def slope(*args):
        h = mp.mpf(10) ** -30
        with mp.workdps(90):
            sides = [f(*(x + s * h if i == which else x for i, x in enumerate(args))) for s in (1, -1)]
            return (sides[0] - sides[1]) / (2 * h)

    return slope


def hyp1f1(a, b, x):
    return mp.hyp1f1(a, b, x)


def hyp2f1(a, b, c, x):
    return mp.hyp2f1(a, b, c, x)


A = [*uniform(0.05, 3, 40), *uniform(0.05, 20, 60)]
B = [*uniform(0.05, 3, 40), *uniform(0.05, 20, 60)]
X = [[rng.uniform(0, 1), rng.uniform(0, 30), rng.uniform(30, 80), rng.uniform(80, 600)][i % 4] for i in range(100)]
RIGHT = pairs(A, B, X)
# With a below b.
LEFT = [(min(a, b), max(a, b), -x) for a, b, x in RIGHT]

P = [*pairs(*(uniform(0.05, 2, 30) for _ in range(3))), *pairs(*(uniform(0.05, 10, 60) for _ in range(3)))]
Y = [*uniform(0, 1, 60), *(1 - v for v in graded(-22, -3, 30))]
INSIDE = [(*p, y) for p, y in zip(P, rng.permutation(Y).tolist())]
Z = [-v for v in graded(-6, 20, 90)]
# With the smallest of the three first.
NEGATIVE = [(min(p), max(p), sorted(p)[1], z) for p, z in zip(P, Z)]

FUNCTIONS = {
    "hyp1f1": (hyp1f1, RIGHT),
    "hyp1f1 of negative numbers": (hyp1f1, LEFT),
    "hyp1f1 by a": (by(hyp1f1, 0), [*RIGHT[::5], *LEFT[::10]]),
    "hyp1f1 by b": (by(hyp1f1, 1), [*RIGHT[::5], *LEFT[::10]]),
    "hyp1f1 by x": (by(hyp1f1, 2), RIGHT[::5]),
    "hyp2f1": (hyp2f1, INSIDE),
    "hyp2f1 of negative numbers": (hyp2f1, NEGATIVE),
    "hyp2f1 by a": (by(hyp2f1, 0), INSIDE[::5]),
    "hyp2f1 by c": (by(hyp2f1, 2), INSIDE[::5]),
    "hyp2f1 by x": (by(hyp2f1, 3), INSIDE[::5]),
}

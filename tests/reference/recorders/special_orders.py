"""Functions of whole orders, and the inverse of the error function, for record_special.py."""

import mpmath as mp

from recorders.special_points import graded, uniform

X = [*graded(-20, 0, 30), *uniform(0.9, 1.1, 10), *uniform(1, 20, 30), *graded(4, 8, 10)]
Z = [*uniform(0.1, 10, 40), *uniform(10, 20, 20)]
HALF = [*uniform(-1, 1, 40), *graded(-30, -1, 20), *(1 - v for v in graded(-20, -1, 20))]


def order(n):
    """From that of the first order upwards, with digits to lose."""

    def integral(x):
        with mp.workdps(200):
            value = mp.e1(x)
            for k in range(1, n):
                value = (mp.exp(-x) - x * value) / k
            return value

    return integral


FUNCTIONS = {
    **{f"expn of order {n}": (order(n), X) for n in (1, 2, 3, 10, 40)},
    **{f"besselJn of order {n}": (lambda x, n=n: mp.besselj(n, x), Z) for n in (0, 1, 5)},
    "erfInv": (mp.erfinv, HALF),
    "erfInv to 1 / 2": (mp.erfinv, [x / 2 for x in HALF]),
}

"""The normal distribution, entropies, Bessel functions and integrals, for record_special.py."""

import mpmath as mp

from recorders.special_points import graded, near, pairs, uniform

def wide(f, digits=400):
    """With so many digits that differences from 1, and cancelling tails, keep theirs."""

    def g(*x):
        with mp.workdps(digits):
            return f(*x)

    return g


def quantile(p):
    if p > mp.mpf("0.4"):
        with mp.workdps(400):
            return mp.sqrt(2) * mp.erfinv(2 * p - 1)
    log = mp.log(p)
    x = -mp.sqrt(-2 * log)
    for _ in range(100):
        value = mp.erfc(-x / mp.sqrt(2)) / 2
        step = (mp.log(value) - log) * value * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)
        x -= step
        if abs(step) < abs(x) * mp.mpf(10) ** -45:
            break
    return x


def spence(x):
    return mp.polylog(2, 1 - x) if x <= 2 else -mp.log(x) ** 2 / 2 - mp.polylog(2, 1 - 1 / x)


def owens_t(h, a):
    ends = [0, *(a * k / 8 for k in range(1, 9))]
    return mp.quad(lambda t: mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t), ends) / (2 * mp.pi)


def negative(points):
    return [-x for x in points]


SMALL = [*uniform(0, 3, 20), *uniform(3, 12, 20), *graded(-100, -1, 10)]
BOTH = [*SMALL, *negative(SMALL)]
RATIOS = pairs(graded(-40, 40, 60), graded(-40, 40, 60))
CLOSE = [(1.5 * p, 1.5) for p in near([1], 30)]
PROBABILITIES = [*uniform(0, 1, 60), *graded(-120, -2, 40), *near([0.2, 0.8, 0.075, 0.925], 6, -30)]

FUNCTIONS = {
    "erfcx": (wide(lambda x: mp.exp(x * x) * mp.erfc(x)), [*SMALL, *uniform(12, 1000), *negative(uniform(0, 9))]),
    "ndtr": (wide(lambda x: mp.erfc(-x / mp.sqrt(2)) / 2), [*BOTH, *negative(uniform(12, 13.5))]),
    "ndtr of what float64 alone has": (lambda x: mp.erfc(-x / mp.sqrt(2)) / 2, negative(uniform(13.5, 37.5))),
    "logNdtr": (wide(lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)), [*BOTH, *negative(uniform(12, 200))]),
    "ndtri": (quantile, PROBABILITIES),
    "ndtri of what float64 alone has": (quantile, graded(-1020, -120)),
    "owensT": (owens_t, pairs(uniform(0, 6, 40), uniform(0, 1, 40))),
    "owensT of a steep slope": (owens_t, pairs(uniform(0, 3, 30), uniform(1, 6, 30))),
    "entr": (lambda x: -x * mp.log(x), [*SMALL, *graded(2, 100), *near([1])]),
    "relEntr": (lambda p, q: p * mp.log(p / q), [*RATIOS, *CLOSE]),
    "klDiv": (lambda p, q: p * mp.log(p / q) - p + q, [*RATIOS, *CLOSE]),
    "i0": (lambda x: mp.besseli(0, x), [*BOTH, *uniform(12, 80)]),
    "i1": (lambda x: mp.besseli(1, x), [*BOTH, *uniform(12, 80)]),
    "i0e": (lambda x: mp.besseli(0, x) * mp.exp(-abs(x)), [*BOTH, *graded(4, 10), *near([8])]),
    "i1e": (lambda x: mp.besseli(1, x) * mp.exp(-abs(x)), [*BOTH, *graded(4, 10), *near([8])]),
    "expi": (mp.ei, [*BOTH, *uniform(12, 85), *negative(uniform(12, 80)), *near([0.3725074107813666, -1, -2])]),
    "exp1": (mp.e1, [*SMALL, *uniform(12, 80)]),
    "expi of what float64 alone has": (mp.ei, [*uniform(90, 715), *negative(uniform(90, 690))]),
    "si": (mp.si, [*BOTH, *graded(4, 40)]),
    "ci to 3 / 2": (mp.ci, [*uniform(0, 1.5, 40), *graded(-100, -1, 20), *near([0.6165054856207163])]),
    "ci": (mp.ci, [*uniform(1.5, 30, 60)]),
    "s": (mp.fresnels, [*BOTH, *graded(3, 12)]),
    "c": (mp.fresnelc, [*BOTH, *graded(3, 12)]),
    "dawsn": (wide(lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)), [*BOTH, *uniform(12, 25)]),
    "spence": (spence, [*SMALL, *graded(2, 100), *near([1, 0.5, 1.5, 2])]),
}

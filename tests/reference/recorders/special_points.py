"""Points at which special functions are recorded: uniform, or spread over the exponents."""

import numpy as np

rng = np.random.default_rng(20261127)


def uniform(lo, hi, n=30):
    return rng.uniform(lo, hi, n).tolist()


def graded(lo, hi, n=30):
    """Positive numbers with exponents between the limits."""
    return (2.0 ** rng.uniform(lo, hi, n)).tolist()


def pairs(*columns):
    return list(zip(*columns))


def near(points, n=4, lo=-30, hi=-4):
    """Numbers around each point, at all distances."""
    return [float(p + s * d) for p in points for s, d in zip(rng.choice([-1, 1], n), graded(lo, hi, n))]

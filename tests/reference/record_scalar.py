"""Recorder of scalar.json: elementary functions to more digits than a double has, for tests of lib/scalar.

    python -m pip install mpmath
    python tests/reference/record_scalar.py [OUT_DIR]

The file in the repository was recorded with mpmath 1.3.0. Each function has rows of its operands, the
nearest double to the value, and what is left of the value in units in the last place of that double.
Operands are uniform around where formulas change, spread over all exponents, near where the function is 0,
and near multiples of pi / 2, where most digits of an angle cancel.
"""

import json
import math
import os
import sys

import mpmath as mp
import numpy as np

rng = np.random.default_rng(20261126)
N = 40


def uniform(lo, hi, n=N):
    return rng.uniform(lo, hi, n)


def graded(lo, hi, n=N):
    """Numbers of either sign with exponents between the limits."""
    return 2.0 ** rng.uniform(lo, hi, n) * rng.choice([-1, 1], n)


def positive(lo, hi, n=N):
    return np.abs(graded(lo, hi, n))


def angles():
    quarters = np.concatenate([np.arange(1, 12), np.round(positive(0, 20)), np.round(positive(20, 52))])
    # The double nearest to a multiple of pi / 2, of all.
    worst = [6381956970095103.0 * 2.0**797]
    return [uniform(-4, 4), uniform(-1e6, 1e6), graded(-1074, 1023, 2 * N), quarters * np.pi / 2, worst]


UNARY = {
    "exp": (mp.exp, lambda: [uniform(-745, 709), uniform(-1, 1), graded(-60, 9)]),
    "expm1": (mp.expm1, lambda: [uniform(-50, 709), uniform(-3, 3), graded(-1074, 9), uniform(-0.4, 0.4)]),
    "log": (mp.log, lambda: [uniform(0.5, 2), positive(-1074, 1023), 1 + graded(-50, -3)]),
    "log1p": (mp.log1p, lambda: [uniform(-1, 3), graded(-1074, -1), positive(-1, 1023)]),
    "sin": (mp.sin, angles),
    "cos": (mp.cos, angles),
    "tan": (mp.tan, angles),
    "asin": (mp.asin, lambda: [uniform(-1, 1), graded(-1074, -0.01), 1 - positive(-52, -1)]),
    "acos": (mp.acos, lambda: [uniform(-1, 1), graded(-60, -0.01), 1 - positive(-52, -1), positive(-52, -1) - 1]),
    "atan": (mp.atan, lambda: [uniform(-4, 4), graded(-1074, 1023)]),
    "sinh": (mp.sinh, lambda: [uniform(-710, 710), uniform(-3, 3), graded(-1074, 9)]),
    "cosh": (mp.cosh, lambda: [uniform(-710, 710), uniform(-3, 3), graded(-60, 9)]),
    "tanh": (mp.tanh, lambda: [uniform(-3, 3), uniform(-25, 25), graded(-1074, 5)]),
    "asinh": (mp.asinh, lambda: [uniform(-5, 5), graded(-1074, 1023), uniform(-1, 1)]),
    "acosh": (mp.acosh, lambda: [uniform(1, 3), positive(0, 1023), 1 + positive(-52, 0)]),
    "atanh": (mp.atanh, lambda: [uniform(-1, 1), graded(-1074, -0.01), 1 - positive(-52, -1)]),
    "logistic": (lambda x: 1 / (1 + mp.exp(-x)), lambda: [uniform(-740, 40), uniform(-3, 3), graded(-60, 5)]),
    "erf": (mp.erf, lambda: [uniform(-6.5, 6.5), graded(-1074, 2), uniform(-1.3, 1.3)]),
    "erfc": (mp.erfc, lambda: [uniform(-6.5, 26), uniform(-1, 3), graded(-60, 4)]),
    "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), lambda: [uniform(-26, 26), uniform(-1, 3), graded(-60, 4)]),
    "erfInv": (mp.erfinv, lambda: [uniform(-1, 1), graded(-1074, -0.01), 1 - positive(-52, -1)]),
}


def powers():
    x = np.concatenate([positive(-20, 20), uniform(0.5, 2), positive(-1074, 1023), 1 + graded(-40, -3)])
    y = rng.uniform(-1, 1, len(x)) * np.minimum(700 / np.abs(np.log(x)), 1e300)
    y[::4] = np.trunc(np.clip(y[::4], -30, 30))
    return x, y


def points():
    return [np.concatenate([graded(-20, 20), graded(-1074, 1023), uniform(-1, 1)]) for _ in range(2)]


BINARY = {
    "pow": (mp.power, powers),
    "atan2": (mp.atan2, points),
}


def row(f, *operands):
    value = f(*(mp.mpf(float(x)) for x in operands))
    nearest = float(value)
    rest = (value - mp.mpf(nearest)) / mp.mpf(math.ulp(nearest))
    return [*map(float, operands), nearest, round(float(rest), 4)]


def main(folder):
    # Angles up to 2^1024 have 1,100 bits in front of those that count.
    mp.mp.prec = 2400
    out = {}
    for name, (f, operands) in UNARY.items():
        out[name] = [row(f, x) for part in operands() for x in part]
    for name, (f, operands) in BINARY.items():
        out[name] = [row(f, *xs) for xs in zip(*operands())]
    with open(os.path.join(folder, "scalar.json"), "w") as file:
        lines = ",\n".join(f'"{k}": {json.dumps(v, separators=(",", ":"))}' for k, v in out.items())
        file.write("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))

"""Recorder of accuracy/NAME.json: special functions to 50 digits, over their whole range.

    python -m pip install mpmath
    python tests/reference/record_special.py NAME [NAME ...]     (then deno fmt)

The files in the repository were recorded with mpmath 1.3.0.  recorders/special_NAME.py says what to record:
FUNCTIONS has by name a function of mpmath's numbers and points, each a number or a tuple of operands.
Each function has rows for both types of floats, the operands rounded to that type: the operands, the nearest
double to the value (infinities and NaN as strings), and what is left of the value in units in the last place
of that double.  How many units are allowed stands in tests/api/accuracy/NAME.ts.
"""

import importlib
import json
import math
import os
import sys

import mpmath as mp
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def num(v):
    if math.isnan(v):
        return "NaN"
    if math.isinf(v):
        return "Infinity" if v > 0 else "-Infinity"
    return v


def keeps(x, dtype):
    """Whether a number stays finite in a type, not 0, and where it is negative no integer: no pole is hit."""
    y = float(dtype(x))
    return y == x or (math.isfinite(y) and y != 0 and (y > 0 or y % 1 != 0))


def row(f, operands, dtype):
    xs = [float(dtype(x)) for x in operands]
    value = f(*(mp.mpf(x) for x in xs))
    value = mp.re(value)
    nearest = float(value)
    rest = 0.0
    if math.isfinite(nearest):
        rest = round(float((value - mp.mpf(nearest)) / mp.mpf(math.ulp(nearest))), 3)
    return [*map(num, xs), num(nearest), rest]


def main():
    for name in sys.argv[1:]:
        family = importlib.import_module(f"recorders.special_{name}")
        out = {}
        for function, (f, points) in family.FUNCTIONS.items():
            points = [p if isinstance(p, tuple) else (p,) for p in points]
            mp.mp.dps = 50
            with np.errstate(over="ignore"):
                out[function] = {
                    dtype.__name__: [row(f, p, dtype) for p in points if all(keeps(float(x), dtype) for x in p)]
                    for dtype in (np.float64, np.float32)
                }
        lines = ",\n".join(
            f'"{k}": {json.dumps(v, separators=(",", ":"), allow_nan=False)}' for k, v in out.items()
        )
        with open(os.path.join(HERE, "accuracy", f"{name}.json"), "w", encoding="utf-8") as file:
            file.write("{\n" + lines + "\n}\n")
        print(name, sum(len(p) for _, p in family.FUNCTIONS.values()))


if __name__ == "__main__":
    main()

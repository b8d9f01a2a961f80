"""Elementwise operations: values over their domains, and on the limits of every dtype."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import (
    BOOL, F32, F64, I32, I32_MAX, I32_MIN, INF, NAN, OPERATIONS, U32, U32_MAX, arr, flat, function,
    name_of, variables, x64,
)

WIDE = [
    0.0, -0.0, 1e-8, -1e-8, 1e-30, -1e-30, 1e-3, -0.1, 0.25, 0.5, -0.5, 1.0, -1.0,
    1.5, 2.0, -2.5, 3.7, -9.0, 20.0, 50.0, -88.0, 100.0, -120.0, 1e5, -1e10, INF, -INF, NAN,
]
POSITIVE = [
    0.0, -0.0, 1e-30, 1e-8, 1e-4, 0.1, 0.25, 0.5, 0.75, 0.999, 1.0, 1.001, 1.5, 2.0, 2.5,
    4.0, 7.3, 10.0, 100.0, 1234.5, 1e5, 1e10, 1e30, INF, -INF, NAN, -1.0,
]
UNIT = [
    0.0, -0.0, 1e-30, -1e-30, 1e-8, -1e-8, 1e-4, -0.01, 0.1, -0.25, 0.3, 0.4999, 0.5, -0.5,
    0.6, -0.75, 0.8, 0.9, -0.95, 0.99, 0.999, -0.99999, 1.0, -1.0, 1.5, INF, NAN,
]
ABOVE_MINUS_1 = [
    0.0, -0.0, 1e-30, -1e-30, 1e-8, -1e-8, 1e-4, -1e-4, 0.01, -0.1, 0.25, -0.5, 0.5, -0.75,
    -0.9, -0.999, 1.0, 2.0, 5.0, 10.0, 100.0, 1e5, 1e10, 1e30, -1.0, -2.0, INF, NAN,
]
ABOVE_1 = [
    1.0, 1.0001, 1.001, 1.01, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0, 20.0,
    50.0, 100.0, 1000.0, 1e5, 1e8, 1e10, 1e30, INF, 0.5, -1.0, NAN,
]
ROUNDING = [
    0.0, -0.0, 1e-8, -1e-8, 1e-30, -1e-30, 0.25, -0.25, 0.49999997, 0.5, -0.5, 0.75, -0.75,
    1.0, 1.5, -1.5, 2.5, -2.5, 3.5, 4.5, -4.5, 7.999, 8388607.5, 8388609.0, 1e10, -1e30, INF,
    -INF, NAN,
]
PAIRS = [
    (1.5, 2.5), (-1.5, 2.5), (5.5, -2.0), (-5.5, 2.0), (-5.5, -2.0), (7.0, 3.0), (-7.0, 3.0),
    (7.0, -3.0), (-6.0, 3.0), (6.0, -3.0), (0.3, 0.1), (1.0, 3.0), (1e10, 3.0), (1e-30, 1e-30),
    (1e30, 1e30), (2.0, 10.0), (2.0, -1.5), (-2.0, 3.0), (-2.0, 0.5), (-2.0, -3.0), (1.0, 0.0),
    (-1.0, 0.0), (1.0, -0.0), (0.0, 0.0), (0.0, -0.0), (-0.0, 0.0), (-0.0, -0.0), (0.0, 2.0),
    (0.0, -1.0), (-0.0, -1.0), (-0.0, -2.0), (-0.0, 3.0), (INF, 1.0), (1.0, INF), (-1.0, INF),
    (-INF, 3.0), (-INF, 2.0), (0.5, INF), (0.5, -INF), (-1.0, -INF), (INF, INF), (INF, -INF),
    (-INF, -INF), (INF, 0.0), (0.0, INF), (0.0, -INF), (NAN, 1.0), (1.0, NAN), (NAN, 0.0),
    (NAN, NAN), (INF, NAN),
]
I32_PAIRS = [
    (7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3), (-6, 3), (6, -3), (0, 3), (0, -3), (1, 7),
    (-1, 7), (5, 0), (-5, 0), (0, 0), (I32_MIN, 0), (I32_MIN, -1), (I32_MIN, 1), (I32_MIN, 2),
    (I32_MAX, 2), (I32_MAX, -1), (1, I32_MIN), (-1, I32_MAX), (I32_MAX, I32_MAX),
    (I32_MIN, I32_MIN), (123456, 789), (46341, 46341),
]
I32_POW = [
    (2, 10), (-3, 3), (0, 0), (0, 5), (5, 0), (1, 63), (-1, 63), (2, 30), (2, 31), (2, 32),
    (2, 63), (3, 20), (3, 21), (-2, 31), (10, 10), (7, 13), (I32_MIN, 2), (3, 64), (3, 65),
    (2, -1), (1, -1), (-1, -3), (0, -1), (3, -1), (-2, -2),
]
U32_PAIRS = [
    (0, 0), (1, 2), (7, 3), (U32_MAX, 1), (U32_MAX, U32_MAX), (2**31, 2), (2**31, 2**31),
    (65537, 65537), (0xDEADBEEF, 0x12345678), (0xF0F0F0F0, 0x0FF00FF0), (3, 5), (5, 0), (0, 7),
    (123456789, 987654321), (U32_MAX, 0),
]
SHIFTS = [
    (1, 0), (1, 1), (1, 31), (1, 32), (1, 33), (1, 64), (U32_MAX, 4), (U32_MAX, 31),
    (U32_MAX, 32), (U32_MAX, 40), (0x80000001, 1), (0x80000001, 31), (0xDEADBEEF, 13),
    (0xDEADBEEF, 16), (5, U32_MAX), (0, 5),
]
I32_SHIFTS = [
    (1, 0), (1, 31), (1, 32), (-1, 1), (-1, 31), (-1, 32), (-8, 1), (-8, 2), (-8, 40), (8, 2),
    (I32_MIN, 1), (I32_MIN, 31), (I32_MAX, 1), (I32_MAX, 33), (5, -1), (-5, -1),
]
F_CAST = [
    0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 2.5, 2.999, -2.999, 100.7, 2147483520.0, 2147483648.0, 3e9,
    -3e9, -2147483648.0, 4294967040.0, 4294967296.0, 1e20, -1e20, 1e-30, -1.0, INF, -INF, NAN,
]
I_CAST = [0, 1, -1, 2, -5, 2**24, 2**24 + 1, 2**24 + 3, -(2**24) - 1, 123456789, I32_MAX, I32_MIN]
U_CAST = [0, 1, 2, 2**24 + 1, 2**31 - 1, 2**31, 2**31 + 1, 3 * 10**9, U32_MAX - 1, U32_MAX]
F64_ONLY = [0.1, 1e-46, 1e-40, 3.4028235677973366e38, 3.5e38, 16777217.0, 1 / 3, -1e300, 1e-300]


DOMAINS = {
    "WIDE": WIDE, "POSITIVE": POSITIVE, "UNIT": UNIT, "ABOVE_MINUS_1": ABOVE_MINUS_1,
    "ABOVE_1": ABOVE_1, "ROUNDING": ROUNDING,
}


def chosen(table, count):
    """The operations of `count` operands that the list has for a table, by name."""
    out = {}
    for entry in OPERATIONS["primitives"]:
        names = variables(entry, ["x", "y"])
        if table in entry["on"] and len(names) == count:
            assert entry["name"] not in out, entry
            out[entry["name"]] = (function(entry, names), DOMAINS.get(entry.get("domain")))
    return out


def one(table, dtype, values=None):
    """Operations of one operand, on the values of their domains, or on `values`."""
    out = {}
    for name, (f, domain) in chosen(table, 1).items():
        x = jnp.array(values or domain, dtype)
        y = f(x)
        assert y.dtype == (BOOL if name == "is_finite" else dtype), (name, y.dtype)
        out[name] = {"x": flat(x), "y": flat(y)}
    return out


def two(table, pairs, dtype):
    a = jnp.array([p[0] for p in pairs], dtype)
    b = jnp.array([p[1] for p in pairs], dtype)
    out = {"a": flat(a), "b": flat(b), "y": {}}
    for name, (f, _) in chosen(table, 2).items():
        y = f(a, b)
        assert y.dtype in (dtype, BOOL), (name, y.dtype)
        out["y"][name] = flat(y)
    return out


def casts(spec):
    out = {}
    for src, dsts, values in spec:
        x = jnp.array(values, src)
        for dst in dsts:
            y = lax.convert_element_type(x, dst)
            name = f"{np.dtype(src).name}->{np.dtype(dst).name}"
            out[name] = {"x": flat(x), "y": flat(y)}
    return out


def record_elementwise():
    out = {"float": {}}
    for dtype, on in ((F32, False), (F64, True)):
        with x64(on):
            out["float"][np.dtype(dtype).name] = {
                "unary": one("float", dtype),
                "binary": two("float", PAIRS, dtype),
            }
    with x64(False):
        out["int32"] = {
            "binary": two("int32", I32_PAIRS, I32),
            "pow": two("int32 powers", I32_POW, I32),
            "shift": two("int32 shifts", I32_SHIFTS, I32),
            "unary": one("int32", I32, I_CAST),
        }
        out["uint32"] = {
            "binary": two("uint32", U32_PAIRS, U32),
            "shift": two("uint32 shifts", SHIFTS, U32),
            "unary": one("uint32", U32, U_CAST),
        }
        cast = casts([
            (F32, (I32, U32, BOOL), F_CAST),
            (I32, (F32, U32, BOOL), I_CAST),
            (U32, (F32, I32, BOOL), U_CAST),
            (BOOL, (F32, I32, U32), [False, True]),
        ])
        bits = jnp.array([0.0, -0.0, 1.0, -2.5, INF, -INF, 1e-30], F32)
        bitcast = {
            "x": flat(bits),
            "uint32": flat(lax.bitcast_convert_type(bits, U32)),
            "int32": flat(lax.bitcast_convert_type(bits, I32)),
        }
    with x64(True):
        cast.update(casts([
            (F64, (F32, I32, U32, BOOL), F_CAST + F64_ONLY),
            (F32, (F64,), F_CAST),
            (I32, (F64,), I_CAST),
            (U32, (F64,), U_CAST),
            (BOOL, (F64,), [False, True]),
        ]))
    out["cast"] = cast
    out["bitcast_float32"] = bitcast
    return out


# ---------------------------------------------------------------- limits


def limit_values(dtype):
    # No subnormal numbers: XLA flushes them on the CPU.
    if dtype == BOOL:
        return [True, False]
    if dtype == I32:
        return [0, 1, -1, 2, -3, 7, 46341, I32_MIN, I32_MAX]
    if dtype == U32:
        return [2, 0, 1, 7, 2**31, U32_MAX]
    sizes = [0.0, 0.5, 1.0, 2.5, float(jnp.finfo(dtype).max), INF]
    return [v for x in sizes for v in (x, -x)] + [NAN]


def record_limits():
    """Elementwise functions on both zeros, infinities, NaN and the largest numbers, and on all pairs."""
    out = {}
    for dtype in (F32, F64, I32, U32, BOOL):
        x = np.array(limit_values(dtype), dtype)
        pairs = (np.repeat(x, len(x)), np.tile(x, len(x)))
        table = {"x": arr(x), "unary": {}, "binary": {}}
        for entry in OPERATIONS["elementwise"]:
            names = variables(entry, ["x", "y"])
            # Functions of floats choose their own type for what is not.
            whole = entry["jax"].startswith("jnp.") and "name" not in entry
            if "limits" in entry or (dtype not in (F32, F64) and len(names) == 1 and not whole):
                continue
            kind, args = ("unary", (x,)) if len(names) == 1 else ("binary", pairs)
            with x64(dtype == F64):
                try:
                    y = function(entry, names)(*map(jnp.asarray, args))
                except (TypeError, ValueError):
                    continue
                table[kind][name_of(entry)] = arr(y)
        out[np.dtype(dtype).name] = table
    return out

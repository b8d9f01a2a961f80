"""Recorder of the JAX reference values in this directory.

The tests read only the JSON files next to this script; neither Python nor JAX
is needed to run them.  Run this script only to regenerate those files:

    python3 -m venv jaxenv
    jaxenv/bin/python -m pip install jax==0.10.2 jaxlib==0.10.2 numpy scipy
    jaxenv/bin/python tests/reference/record.py [OUT_DIR]

OUT_DIR defaults to this script's directory.  The files in the repository were
recorded with jax 0.10.2 on the CPU backend.  Two runs on one machine give
identical bytes; another CPU or jaxlib may move transcendental results by an
ulp or so.

Everything is computed in JAX's default configuration (x64 off), except what
involves float64, which is computed with jax_enable_x64 on.  Every dtype is
explicit, and record_random checks that the 32-bit random streams do not depend
on that flag.

Encoding
  array   {"dtype", "shape", "data"}: data is flat, row-major; bool data are 0/1;
          uint64 data are decimal strings; scalars have shape [].
  number  a float32 is written as the exact double it equals, so JSON.parse gives
          the float32 value itself; a float64 as its shortest round-trip form.
          -0.0 is written as such; non-finite values are the strings "NaN",
          "Infinity", "-Infinity".  A derivative on which JAX's own forward and
          reverse modes disagree is null.
"""

import contextlib
import json
import math
import os
import sys

import jax

jax.config.update("jax_platforms", "cpu")

import jax.extend
import jax.numpy as jnp
import numpy as np
from jax import lax

F32, F64, I32, U32, BOOL = jnp.float32, jnp.float64, jnp.int32, jnp.uint32, jnp.bool_
INF, NAN = math.inf, math.nan
I32_MIN, I32_MAX = -(2**31), 2**31 - 1
U32_MAX = 2**32 - 1


@contextlib.contextmanager
def x64(on):
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", on)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


# ---------------------------------------------------------------- encoding


def num(v):
    if isinstance(v, (bool, np.bool_)):
        return int(v)
    if isinstance(v, (int, np.integer)):
        return int(v)
    v = float(v)
    if math.isnan(v):
        return "NaN"
    if math.isinf(v):
        return "Infinity" if v > 0 else "-Infinity"
    return v


def flat(a):
    a = np.asarray(a)
    if a.dtype == np.uint64:
        return [str(v) for v in a.ravel().tolist()]
    return [num(v) for v in a.ravel().tolist()]


def arr(a):
    a = np.asarray(a)
    return {"dtype": str(a.dtype), "shape": list(a.shape), "data": flat(a)}


def arrs(d):
    return {k: arr(v) for k, v in d.items()}


def params(d):
    """Static parameters: plain JSON values, non-finite numbers as strings."""
    if isinstance(d, dict):
        return {k: params(v) for k, v in d.items()}
    if isinstance(d, (list, tuple)):
        return [params(v) for v in d]
    if d is None or isinstance(d, (bool, str, int)):
        return d
    return num(d)


def pseudo(seed, shape, scale=1.0, digits=3):
    """Input data: fixed numbers with few decimals (never a JAX stream)."""
    r = np.random.RandomState(seed)
    return np.round(r.standard_normal(shape) * scale, digits) + 0.0


# ------------------------------------------------------------------ random

SEEDS = [0, 1, 42, 2**31 - 1, 123456789]
LOGITS_1D = [0.1, -1.0, 2.0, 0.5, -0.3]
LOGITS_2D = [[0.0, 1.0, 2.0], [2.0, 0.0, -2.0], [-1.0, -INF, 0.5], [5.0, 5.0, 5.0]]


def random_32(seed):
    r = jax.random
    key = r.key(seed)
    data = r.key_data
    l1 = jnp.array(LOGITS_1D, F32)
    l2 = jnp.array(LOGITS_2D, F32)
    out = {
        "key": data(key),
        "split": data(r.split(key)),
        "split_5": data(r.split(key, 5)),
        "split_2x3": data(r.split(key, (2, 3))),
        "fold_in_7": data(r.fold_in(key, 7)),
        "fold_in_2147483653": data(r.fold_in(key, 2**31 + 5)),
        "bits_7": r.bits(key, (7,), jnp.uint32),
        "bits_3x4": r.bits(key, (3, 4), jnp.uint32),
        "bits_scalar": r.bits(key, (), jnp.uint32),
        "uniform_f32_6": r.uniform(key, (6,), F32),
        "uniform_f32_6_minus2_3": r.uniform(key, (6,), F32, minval=-2.0, maxval=3.0),
        "normal_f32_8": r.normal(key, (8,), F32),
        "normal_f32_3x5": r.normal(key, (3, 5), F32),
        "bernoulli_p0.3_10": r.bernoulli(key, jnp.float32(0.3), (10,)),
        "randint_0_100_10": r.randint(key, (10,), 0, 100, I32),
        "randint_minus5_17_10": r.randint(key, (10,), -5, 17, I32),
        "randint_full_int32_5": r.randint(key, (5,), I32_MIN, I32_MAX, I32),
        "permutation_10": r.permutation(key, jnp.arange(10, dtype=I32)),
        "permutation_2000_first_20": r.permutation(key, jnp.arange(2000, dtype=I32))[:20],
        "permutation_rows_4x2": r.permutation(key, jnp.arange(8, dtype=I32).reshape(4, 2)),
        "categorical_1d_shape_8": r.categorical(key, l1, shape=(8,)).astype(I32),
        "categorical_1d_scalar": r.categorical(key, l1).astype(I32),
        "categorical_2d_axis_last": r.categorical(key, l2).astype(I32),
        "categorical_2d_axis_0": r.categorical(key, l2, axis=0).astype(I32),
        "truncated_normal_f32_minus2_2_8": r.truncated_normal(
            key, jnp.float32(-2.0), jnp.float32(2.0), (8,), F32
        ),
        "gumbel_f32_6": r.gumbel(key, (6,), F32),
        "exponential_f32_6": r.exponential(key, (6,), F32),
        "chain": chain(key),
    }
    return arrs(out)


def chain(key):
    """key, sub = split(key), three times; each sub gives one uniform float32."""
    us = []
    for _ in range(3):
        key, sub = jax.random.split(key)
        us.append(jax.random.uniform(sub, (), F32))
    return jnp.stack(us)


def random_64(seed):
    r = jax.random
    key = r.key(seed)
    return arrs({
        "bits_u64_4": r.bits(key, (4,), jnp.uint64),
        "uniform_f64_6": r.uniform(key, (6,), F64),
        "uniform_f64_6_minus2_3": r.uniform(key, (6,), F64, minval=-2.0, maxval=3.0),
        "normal_f64_8": r.normal(key, (8,), F64),
        "normal_f64_3x5": r.normal(key, (3, 5), F64),
        "truncated_normal_f64_minus2_2_8": r.truncated_normal(
            key, jnp.float64(-2.0), jnp.float64(2.0), (8,), F64
        ),
    })


def record_random():
    seeds = {}
    for s in SEEDS:
        with x64(False):
            a = random_32(s)
        with x64(True):
            b = random_32(s)
            c = random_64(s)
        # NaN-free, so plain equality is exact (and arrays carry their dtypes).
        assert a == b, f"32-bit streams depend on jax_enable_x64 (seed {s})"
        seeds[str(s)] = {**a, **c}
    odd = [-1, -5, I32_MIN, 2**31, 2**32 - 1, 2**32 + 5]
    with x64(False):
        off = {str(s): arr(jax.random.key_data(jax.random.key(s))) for s in odd}
        minus1 = random_32(-1)
        batch = jax.random.split(jax.random.key(42), 3)
        vmapped = arr(jax.vmap(lambda k: jax.random.uniform(k, (4,), F32))(batch))
        key = jax.random.key(0)
        boundary = arrs({
            "split_1": jax.random.key_data(jax.random.split(key, 1)),
            "bits_1": jax.random.bits(key, (1,), jnp.uint32),
            "bits_0": jax.random.bits(key, (0,), jnp.uint32),
            "bits_2x3x2": jax.random.bits(key, (2, 3, 2), jnp.uint32),
        })
        hashes = []
        for kd, ctr in [
            ((0, 0), (0, 0)),
            ((U32_MAX, U32_MAX), (U32_MAX, U32_MAX)),
            ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3)),
            ((0, 42), (0, 1)),
        ]:
            # threefry_2x32 hashes the pair (count[0], count[1]) of a length-2 count.
            h = jax.extend.random.threefry_2x32(
                jnp.array(kd, jnp.uint32), jnp.array(ctr, jnp.uint32)
            )
            hashes.append({"key": list(kd), "count": list(ctr), "hash": flat(h)})
    with x64(True):
        on = {str(s): arr(jax.random.key_data(jax.random.key(s))) for s in odd}
    return {
        "jax_threefry_partitionable": bool(jax.config.jax_threefry_partitionable),
        "logits_1d": arr(np.array(LOGITS_1D, np.float32)),
        "logits_2d": arr(np.array(LOGITS_2D, np.float32)),
        "seeds": seeds,
        "seed_minus_1": minus1,
        "odd_seed_keys": {"x64_off": off, "x64_on": on},
        "vmap_uniform_over_split_42_3": vmapped,
        "key_0_more": boundary,
        "threefry2x32": hashes,
    }


# ------------------------------------------------------------- elementwise

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
UNARY = {
    "neg": (lax.neg, WIDE),
    "abs": (lax.abs, WIDE),
    "sign": (lax.sign, WIDE),
    "exp": (lax.exp, WIDE),
    "log": (lax.log, POSITIVE),
    "expm1": (lax.expm1, WIDE),
    "log1p": (lax.log1p, ABOVE_MINUS_1),
    "sqrt": (lax.sqrt, POSITIVE),
    "rsqrt": (lax.rsqrt, POSITIVE),
    "cbrt": (lax.cbrt, WIDE),
    "sin": (lax.sin, WIDE),
    "cos": (lax.cos, WIDE),
    "tan": (lax.tan, WIDE),
    "asin": (lax.asin, UNIT),
    "acos": (lax.acos, UNIT),
    "atan": (lax.atan, WIDE),
    "sinh": (lax.sinh, WIDE),
    "cosh": (lax.cosh, WIDE),
    "asinh": (lax.asinh, WIDE),
    "acosh": (lax.acosh, ABOVE_1),
    "atanh": (lax.atanh, UNIT),
    "tanh": (lax.tanh, WIDE),
    "logistic": (lax.logistic, WIDE),
    "erf": (lax.erf, WIDE),
    "erfc": (lax.erfc, WIDE),
    "erf_inv": (lax.erf_inv, UNIT),
    "floor": (lax.floor, ROUNDING),
    "ceil": (lax.ceil, ROUNDING),
    "round": (lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), ROUNDING),
    "square": (lax.square, WIDE),
    "reciprocal": (lambda x: lax.div(jnp.ones_like(x), x), WIDE),
    "is_finite": (lax.is_finite, WIDE),
    "softplus": (jax.nn.softplus, WIDE),
    "log_sigmoid": (jax.nn.log_sigmoid, WIDE),
}
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
BINARY = {
    "add": lax.add,
    "sub": lax.sub,
    "mul": lax.mul,
    "div": lax.div,
    "pow": lax.pow,
    "max": lax.max,
    "min": lax.min,
    "rem": lax.rem,
    "mod": jnp.mod,
    "floor_divide": jnp.floor_divide,
    "atan2": lax.atan2,
    "logaddexp": jnp.logaddexp,
    "nextafter": lax.nextafter,
    "eq": lax.eq,
    "ne": lax.ne,
    "lt": lax.lt,
    "le": lax.le,
    "gt": lax.gt,
    "ge": lax.ge,
}
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


def two(fs, pairs, dtype):
    a = jnp.array([p[0] for p in pairs], dtype)
    b = jnp.array([p[1] for p in pairs], dtype)
    out = {"a": flat(a), "b": flat(b), "y": {}}
    for name, f in fs.items():
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
            unary = {}
            for name, (f, xs) in UNARY.items():
                x = jnp.array(xs, dtype)
                y = f(x)
                assert y.dtype == (BOOL if name == "is_finite" else dtype), (name, y.dtype)
                unary[name] = {"x": flat(x), "y": flat(y)}
            out["float"][np.dtype(dtype).name] = {"unary": unary, "binary": two(BINARY, PAIRS, dtype)}
    with x64(False):
        out["int32"] = {
            "binary": two({
                "add": lax.add, "sub": lax.sub, "mul": lax.mul, "div": lax.div, "rem": lax.rem,
                "floor_divide": jnp.floor_divide, "mod": jnp.mod, "max": lax.max, "min": lax.min,
                "and": lax.bitwise_and, "or": lax.bitwise_or, "xor": lax.bitwise_xor, "lt": lax.lt,
            }, I32_PAIRS, I32),
            "pow": two({"pow": jnp.power}, I32_POW, I32),
            "shift": two({
                "shift_left": lax.shift_left,
                "shift_right_logical": lax.shift_right_logical,
                "shift_right_arithmetic": lax.shift_right_arithmetic,
            }, I32_SHIFTS, I32),
            "unary": {
                name: {"x": flat(jnp.array(I_CAST, I32)), "y": flat(f(jnp.array(I_CAST, I32)))}
                for name, f in {
                    "neg": lax.neg, "abs": lax.abs, "sign": lax.sign, "not": lax.bitwise_not,
                    "population_count": lax.population_count, "clz": lax.clz,
                }.items()
            },
        }
        out["uint32"] = {
            "binary": two({
                "add": lax.add, "sub": lax.sub, "mul": lax.mul, "div": lax.div, "rem": lax.rem,
                "floor_divide": jnp.floor_divide, "mod": jnp.mod, "max": lax.max, "min": lax.min,
                "and": lax.bitwise_and, "or": lax.bitwise_or, "xor": lax.bitwise_xor, "lt": lax.lt,
            }, U32_PAIRS, U32),
            "shift": two({
                "shift_left": lax.shift_left,
                "shift_right_logical": lax.shift_right_logical,
                "shift_right_arithmetic": lax.shift_right_arithmetic,
            }, SHIFTS, U32),
            "unary": {
                name: {"x": flat(jnp.array(U_CAST, U32)), "y": flat(f(jnp.array(U_CAST, U32)))}
                for name, f in {
                    "neg": lax.neg, "sign": lax.sign, "not": lax.bitwise_not,
                    "population_count": lax.population_count, "clz": lax.clz,
                }.items()
            },
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


# --------------------------------------------------------------- structure


class Cases:
    def __init__(self):
        self.cases = {}

    def add(self, name, f, inputs, **static):
        """inputs: dict of arrays; f(*inputs, **static) gives one array or a tuple."""
        assert name not in self.cases, name
        op, fn = f
        ins = {k: jnp.asarray(v) for k, v in inputs.items()}
        y = fn(*ins.values(), **static)
        ys = list(y) if isinstance(y, (tuple, list)) else [y]
        self.cases[name] = {
            "op": op,
            "inputs": arrs(ins),
            "order": list(ins),
            "params": params(static),
            "outputs": [arr(v) for v in ys],
        }


def i32_out(f):
    return lambda *a, **k: f(*a, **k).astype(I32)


def structure(dtype, cases):
    t = {"float32": "f32", "float64": "f64"}[np.dtype(dtype).name]
    A = lambda v: np.array(v, np.dtype(dtype))

    def add(name, f, inputs, **static):
        cases.add(f"{name}_{t}", f, inputs, **static)

    def add_int(name, f, inputs, **static):
        # No float64 involved: recorded once, in the default configuration.
        if dtype == F32:
            cases.add(name, f, inputs, **static)

    # argmax, argmin
    for nm, fn in (("argmax", jnp.argmax), ("argmin", jnp.argmin)):
        f = (nm, i32_out(fn))
        add(f"{nm}_ties", f, {"x": A([1, 3, 3, 0, 0])})
        add(f"{nm}_nan", f, {"x": A([1, 5, NAN, 7, NAN, -INF])})
        add(f"{nm}_inf", f, {"x": A([-INF, INF, INF, -INF])})
        add(f"{nm}_signed_zero", f, {"x": A([0.0, -0.0, 0.0, -0.0])})
        add(f"{nm}_2d_flat", f, {"x": A([[1, 4, 4], [4, 0, 0]])})
        add(f"{nm}_2d_axis0", f, {"x": A([[1, 4, NAN], [4, 0, 0], [4, 0, NAN]])}, axis=0)
        add(f"{nm}_2d_axis1", f, {"x": A([[1, 4, NAN], [4, 0, 0], [4, 0, NAN]])}, axis=1)
        add_int(f"{nm}_int32", f, {"x": np.array([3, -2, 3, -2], np.int32)})

    # reductions
    red = {"max": jnp.max, "min": jnp.min, "sum": jnp.sum, "prod": jnp.prod, "mean": jnp.mean}
    m = A([[1.5, -2, 4], [0.25, 3, -1]])
    for nm, fn in red.items():
        f = (nm, fn)
        add(f"{nm}_2d_all", f, {"x": m})
        add(f"{nm}_2d_axis0", f, {"x": m}, axis=0)
        add(f"{nm}_2d_axis1_keepdims", f, {"x": m}, axis=1, keepdims=True)
        add(f"{nm}_nan", f, {"x": A([1, NAN, 3])})
        add(f"{nm}_nan_inf_axis1", f, {"x": A([[1, NAN, INF], [-INF, 2, 3], [INF, -INF, 0]])}, axis=1)
    add("reduce_max_signed_zero", ("max", jnp.max), {"x": A([-0.0, 0.0, -0.0])})
    add("reduce_min_signed_zero", ("min", jnp.min), {"x": A([0.0, -0.0, 0.0])})
    add("sum_empty", ("sum", jnp.sum), {"x": A([])})
    add("prod_empty", ("prod", jnp.prod), {"x": A([])})
    add("mean_empty", ("mean", jnp.mean), {"x": A([])})
    add("sum_empty_axis0", ("sum", jnp.sum), {"x": np.zeros((0, 3), np.dtype(dtype))}, axis=0)
    add_int("sum_int32_wrap", ("sum", lambda x: jnp.sum(x, dtype=I32)),
            {"x": np.array([I32_MAX, 1, 5], np.int32)})
    add_int("prod_int32_wrap", ("prod", lambda x: jnp.prod(x, dtype=I32)),
            {"x": np.array([65536, 65536, 3], np.int32)})
    add_int("sum_bool", ("sum", lambda x: jnp.sum(x, dtype=I32)), {"x": np.array([1, 0, 1, 1], bool)})
    add_int("mean_int32", ("mean", lambda x: jnp.mean(x)), {"x": np.array([1, 2, 4], np.int32)})
    add_int("all", ("all", jnp.all), {"x": np.array([[1, 1, 0], [1, 1, 1]], bool)}, axis=1)
    add_int("any", ("any", jnp.any), {"x": np.array([[0, 1, 0], [0, 0, 0]], bool)}, axis=1)

    # cumulative
    cum = {"cumsum": lax.cumsum, "cumprod": lax.cumprod, "cummax": lax.cummax, "cummin": lax.cummin,
           "cumlogsumexp": lax.cumlogsumexp}
    c1 = A([1, 2.5, -3, 0.5, 4])
    c2 = A([[1, 2, 3], [-4, 5, 0.5]])
    for nm, fn in cum.items():
        f = (nm, fn)
        add(f"{nm}_1d", f, {"x": c1}, axis=0, reverse=False)
        add(f"{nm}_1d_reverse", f, {"x": c1}, axis=0, reverse=True)
        add(f"{nm}_2d_axis0", f, {"x": c2}, axis=0, reverse=False)
        add(f"{nm}_2d_axis1_reverse", f, {"x": c2}, axis=1, reverse=True)
        add(f"{nm}_nan", f, {"x": A([1, 3, NAN, 2])}, axis=0, reverse=False)

    # sorting
    s = A([NAN, 0.0, -0.0, INF, -INF, 1, -1, NAN, 2, 0.0, -0.0])
    add("sort_special", ("sort", jnp.sort), {"x": s})
    add("sort_special_descending", ("sort", lambda x, descending: jnp.sort(x, descending=descending)),
        {"x": s}, descending=True)
    add("argsort_special", ("argsort", i32_out(jnp.argsort)), {"x": s})
    add("argsort_special_descending",
        ("argsort", i32_out(lambda x, descending: jnp.argsort(x, descending=descending))),
        {"x": s}, descending=True)
    add("argsort_stable_ties", ("argsort", i32_out(jnp.argsort)), {"x": A([2, 1, 2, 1, 0, 2, 1])})
    add("argsort_stable_ties_descending",
        ("argsort", i32_out(lambda x, descending: jnp.argsort(x, descending=descending))),
        {"x": A([2, 1, 2, 1, 0, 2, 1])}, descending=True)
    add("sort_2d_axis0", ("sort", jnp.sort), {"x": A([[3, -1, NAN], [1, 5, 0], [2, 0, -0.0]])}, axis=0)
    add("sort_2d_axis1", ("sort", jnp.sort), {"x": A([[3, -1, NAN], [1, 5, 0], [2, 0, -0.0]])}, axis=1)
    add("sort_key_val", ("sort_key_val", lambda k, v, dimension: lax.sort_key_val(k, v, dimension)),
        {"keys": A([3, 1, 2, 1]), "values": np.array([10, 20, 30, 40], np.int32)}, dimension=0)
    add("sort_two_keys", ("lax_sort", lambda a, b, c, num_keys: lax.sort((a, b, c), num_keys=num_keys)),
        {"a": A([1, 0, 1, 0]), "b": A([5, 2, 3, 2]), "c": np.array([0, 1, 2, 3], np.int32)}, num_keys=2)
    add("top_k", ("top_k", lambda x, k: lax.top_k(x, k)), {"x": A([[3, 1, 3, 2], [NAN, 0, -1, 5]])}, k=3)
    add_int("sort_int32", ("sort", jnp.sort), {"x": np.array([3, I32_MIN, -1, I32_MAX, 0], np.int32)})
    add_int("sort_uint32", ("sort", jnp.sort), {"x": np.array([3, U32_MAX, 1, 2**31, 0], np.uint32)})
    add_int("sort_bool", ("sort", jnp.sort), {"x": np.array([1, 0, 1, 0], bool)})
    ss = A([1, 2, 2, 3, 5])
    for side in ("left", "right"):
        add(f"searchsorted_{side}", ("searchsorted", i32_out(
            lambda a, v, side: jnp.searchsorted(a, v, side=side))),
            {"a": ss, "v": A([0, 1, 2, 2.5, 5, 6, NAN, INF, -INF])}, side=side)

    # dynamic slices
    x34 = A(np.arange(12).reshape(3, 4) + 1)
    ds = ("dynamic_slice", lambda x, start, sizes: lax.dynamic_slice(x, tuple(start), sizes))
    dus = ("dynamic_update_slice",
           lambda x, update, start: lax.dynamic_update_slice(x, update, tuple(start)))
    starts = {"inside": [1, 2], "too_large": [2, 3], "huge": [100, 100], "minus_1": [-1, -1],
              "minus_3": [-3, -3], "very_negative": [-100, 1]}
    for nm, st in starts.items():
        add(f"dynamic_slice_{nm}", ds, {"x": x34, "start": np.array(st, np.int32)}, sizes=(2, 2))
        add(f"dynamic_update_slice_{nm}", dus,
            {"x": x34, "update": A([[-1, -2], [-3, -4]]), "start": np.array(st, np.int32)})
    add("dynamic_slice_jit_minus_1", ("dynamic_slice", lambda x, start, sizes: jax.jit(
        lambda x, s: lax.dynamic_slice(x, tuple(s), sizes))(x, start)),
        {"x": x34, "start": np.array([-1, -1], np.int32)}, sizes=(2, 2))
    add("slice_strided", ("slice", lambda x, start, limit, strides: lax.slice(x, start, limit, strides)),
        {"x": x34}, start=(0, 1), limit=(3, 4), strides=(2, 2))

    # take
    v5 = A([10, 20, 30, 40, 50])
    idx = np.array([0, 4, 5, 100, -1, -5, -6, -100, 2], np.int32)
    take = ("take", lambda x, i, mode, axis=None: jnp.take(x, i, axis=axis, mode=mode))
    for mode in ("clip", "wrap", "fill"):
        add(f"take_{mode}_1d", take, {"x": v5, "indices": idx}, mode=mode)
        add(f"take_{mode}_2d_axis0", take, {"x": x34, "indices": np.array([[2, 0], [3, -1]], np.int32)},
            mode=mode, axis=0)
        add(f"take_{mode}_2d_axis1", take, {"x": x34, "indices": np.array([3, 9, -9], np.int32)},
            mode=mode, axis=1)
    add("index_default_1d", ("getitem", lambda x, i: x[i]), {"x": v5, "indices": idx})
    add("take_along_axis_1", ("take_along_axis", lambda x, i, axis: jnp.take_along_axis(x, i, axis=axis)),
        {"x": x34, "indices": np.array([[0, 3], [1, 1], [2, 0]], np.int32)}, axis=1)

    # scatter through .at (negative indices wrap once, the rest out of range is dropped)
    sidx = np.array([1, 1, 4, 0, 5, 7, -1, -6, 1], np.int32)
    sval = A([1, 2, 4, 8, 16, 32, 64, 128, 256])
    for nm, fn in {
        "add": lambda x, i, v: x.at[i].add(v),
        "mul": lambda x, i, v: x.at[i].mul(v),
        "min": lambda x, i, v: x.at[i].min(v),
        "max": lambda x, i, v: x.at[i].max(v),
    }.items():
        add(f"scatter_{nm}_1d", (f"at_{nm}", fn), {"x": v5, "indices": sidx, "v": sval})
    add("scatter_set_1d", ("at_set", lambda x, i, v: x.at[i].set(v)),
        {"x": v5, "indices": np.array([3, 0, 9, -1], np.int32), "v": A([-1, -2, -3, -4])})
    add("scatter_add_rows", ("at_add", lambda x, i, v: x.at[i].add(v)),
        {"x": x34, "indices": np.array([2, 2, 0, 3], np.int32),
         "v": A([[1, 1, 1, 1], [10, 20, 30, 40], [0.5, 0.5, 0.5, 0.5], [99, 99, 99, 99]])})
    add("scatter_add_pairs", ("at_add_2d", lambda x, i, j, v: x.at[i, j].add(v)),
        {"x": x34, "i": np.array([0, 0, 2, 5, 1], np.int32), "j": np.array([1, 1, 3, 0, -1], np.int32),
         "v": A([1, 2, 3, 4, 5])})
    add("scatter_add_clip", ("at_add_clip", lambda x, i, v: x.at[i].add(v, mode="clip")),
        {"x": v5, "indices": sidx, "v": sval})
    add("segment_sum", ("segment_sum",
                        lambda v, i, num_segments: jax.ops.segment_sum(v, i, num_segments)),
        {"v": A([1, 2, 3, 4, 5]), "segment_ids": np.array([0, 2, 0, 3, 1], np.int32)}, num_segments=3)

    # dot_general, einsum, matmul
    dg = ("dot_general", lambda a, b, contract, batch: lax.dot_general(
        a, b, (contract, batch), precision=lax.Precision.HIGHEST))
    a234, b243, b235 = A(pseudo(1, (2, 3, 4), digits=2)), A(pseudo(2, (2, 4, 3), digits=2)), A(pseudo(3, (2, 3, 5), digits=2))
    add("dot_general_batched", dg, {"a": a234, "b": b243}, contract=((2,), (1,)), batch=((0,), (0,)))
    add("dot_general_batched_mid", dg, {"a": a234, "b": A(pseudo(4, (3, 5, 2), digits=2))},
        contract=((1,), (0,)), batch=((0,), (2,)))
    add("dot_general_two_contract", dg, {"a": a234, "b": b243}, contract=((1, 2), (2, 1)), batch=((0,), (0,)))
    add("dot_general_outer", dg, {"a": A([1, 2, 3]), "b": A([4, 5])}, contract=((), ()), batch=((), ()))
    add("dot_general_batch_only", dg, {"a": a234, "b": b235}, contract=((), ()), batch=((0, 1), (0, 1)))
    add("dot_general_empty_contract_dim", dg, {"a": np.zeros((2, 0), np.dtype(dtype)), "b": np.zeros((0, 3), np.dtype(dtype))},
        contract=((1,), (0,)), batch=((), ()))
    add("matmul_2d", ("matmul", lambda a, b: jnp.matmul(a, b)),
        {"a": A(pseudo(5, (3, 4), digits=2)), "b": A(pseudo(6, (4, 2), digits=2))})
    add("matmul_broadcast", ("matmul", lambda a, b: jnp.matmul(a, b)), {"a": a234, "b": A(pseudo(7, (4, 3), digits=2))})
    add("matmul_vec", ("matmul", lambda a, b: jnp.matmul(a, b)), {"a": a234, "b": A([1, -1, 2, 0.5])})
    add("einsum_trace_like", ("einsum", lambda a, b, eq: jnp.einsum(eq, a, b)), {"a": a234, "b": b243}, eq="bij,bji->b")
    add("einsum_outer", ("einsum", lambda a, b, eq: jnp.einsum(eq, a, b)), {"a": a234, "b": b235}, eq="bik,bij->kj")

    # pad
    pad = ("pad", lambda x, value, config: lax.pad(x, value, config))
    one = A(-9)
    p5, p23 = A([1, 2, 3, 4, 5]), A([[1, 2, 3], [4, 5, 6]])
    for nm, x, cfg in [
        ("plain", p5, ((2, 1, 0),)),
        ("interior", p5, ((0, 0, 2),)),
        ("low_high_interior", p5, ((1, 2, 1),)),
        ("negative_low", p5, ((-2, 0, 0),)),
        ("negative_high", p5, ((0, -3, 0),)),
        ("negative_interior", p5, ((-1, 2, 1),)),
        ("negative_both_interior", p5, ((-2, -3, 2),)),
        ("all_removed", p5, ((-3, -2, 0),)),
        ("2d", p23, ((1, 0, 1), (-1, 2, 0))),
        ("2d_interior", p23, ((0, 0, 2), (-1, -1, 1))),
        ("empty_interior", A([]), ((1, 1, 3),)),
    ]:
        add(f"pad_{nm}", pad, {"x": x, "value": one}, config=cfg)

    # linear algebra
    solve = ("solve", jnp.linalg.solve)
    m4 = A(pseudo(11, (4, 4)) + 2 * np.eye(4))
    pivot = A([[0, 2, 1, 0], [1, 0, 0, 3], [0, 0, 0, 1], [2, 1, 3, 0]])
    add("solve_4x4_vec", solve, {"a": m4, "b": A(pseudo(12, (4,)))})
    add("solve_4x4_mat", solve, {"a": m4, "b": A(pseudo(13, (4, 3)))})
    add("solve_4x4_pivot", solve, {"a": pivot, "b": A([1, 2, 3, 4])})
    add("solve_batched", solve, {"a": A(pseudo(14, (3, 4, 4)) + 3 * np.eye(4)), "b": A(pseudo(15, (3, 4, 2)))})
    add("solve_1x1", solve, {"a": A([[4]]), "b": A([2])})
    add("solve_singular", solve, {"a": A([[1, 2], [2, 4]]), "b": A([1, 1])})
    add("inv_4x4", ("inv", jnp.linalg.inv), {"a": m4})
    add("det_4x4", ("det", jnp.linalg.det), {"a": m4})
    add("det_4x4_pivot", ("det", jnp.linalg.det), {"a": pivot})
    add("slogdet_4x4", ("slogdet", lambda a: tuple(jnp.linalg.slogdet(a))), {"a": m4})
    r4 = pseudo(16, (4, 4), digits=2)
    spd = A(np.round(r4 @ r4.T + np.eye(4), 4))
    add("cholesky_4x4", ("cholesky", jnp.linalg.cholesky), {"a": spd})
    add("cholesky_not_pd", ("cholesky", jnp.linalg.cholesky), {"a": A([[1, 2], [2, 1]])})
    tri = ("solve_triangular", lambda a, b, lower, trans: jax.scipy.linalg.solve_triangular(a, b, trans=trans, lower=lower))
    for lower in (True, False):
        for trans in (0, 1):
            add(f"solve_triangular_{'lower' if lower else 'upper'}_t{trans}", tri,
                {"a": m4, "b": A(pseudo(17, (4, 2)))}, lower=lower, trans=trans)

    # logsumexp, softmax
    lse = ("logsumexp", jax.scipy.special.logsumexp)
    for nm, x in {
        "plain": [1, 2, 3], "large": [1000, 1000.5, 999], "small": [-1000, -1000.5], "one_neg_inf": [-INF, 0, 1],
        "all_neg_inf": [-INF, -INF], "pos_inf": [INF, 0, 1], "both_inf": [INF, -INF], "two_pos_inf": [INF, INF], "nan": [NAN, 0],
    }.items():
        add(f"logsumexp_{nm}", lse, {"x": A(x)})
    add("logsumexp_axis1", lse, {"x": A([[1, 2, -INF], [-INF, -INF, -INF], [100, 200, 300]])}, axis=1)
    add("logsumexp_axis0_keepdims", lse, {"x": A([[1, 2, -INF], [-INF, -INF, -INF], [100, 200, 300]])}, axis=0, keepdims=True)
    for nm, fn in (("softmax", jax.nn.softmax), ("log_softmax", jax.nn.log_softmax)):
        for cn, x in {
            "plain": [1, 2, 3], "extreme": [1000, 0, -1000], "one_neg_inf": [-INF, 0, 1], "all_neg_inf": [-INF, -INF],
            "pos_inf": [INF, 0], "nan": [NAN, 0], "equal_large": [1e30, 1e30, -1e30],
        }.items():
            add(f"{nm}_{cn}", (nm, fn), {"x": A(x)})
        add(f"{nm}_axis0", (nm, fn), {"x": A([[1, -50, 3], [4, 50, 0]])}, axis=0)

    # variance
    for nm, fn in (("var", jnp.var), ("std", jnp.std)):
        f = (nm, fn)
        add(f"{nm}_1d", f, {"x": A([1, 2, 4, 8.5])})
        add(f"{nm}_1d_ddof1", f, {"x": A([1, 2, 4, 8.5])}, ddof=1)
        add(f"{nm}_single_ddof1", f, {"x": A([3])}, ddof=1)
        add(f"{nm}_constant", f, {"x": A([0.1, 0.1, 0.1])})
        add(f"{nm}_offset", f, {"x": A([10001, 10002, 10004])})
        add(f"{nm}_2d_axis0", f, {"x": m}, axis=0)
        add(f"{nm}_2d_axis1_keepdims", f, {"x": m}, axis=1, keepdims=True)
        add(f"{nm}_nan", f, {"x": A([1, NAN])})

    # odds and ends
    add("clip_bounds", ("clip", lambda x, lo, hi: jnp.clip(x, lo, hi)),
        {"x": A([-5, 0, 1, 2, 5, NAN, INF, -INF]), "lo": A(-1), "hi": A(2)})
    add("clip_lo_above_hi", ("clip", lambda x, lo, hi: jnp.clip(x, lo, hi)), {"x": A([-5, 0, 5]), "lo": A(2), "hi": A(-1)})
    add("norm_2", ("norm", lambda x: jnp.linalg.norm(x)), {"x": A([3, -4, 12])})
    add("linspace", ("linspace", lambda a, b, num: jnp.linspace(a, b, num, dtype=dtype)), {"a": A(-1), "b": A(2)}, num=7)
    add("where_broadcast", ("where", jnp.where),
        {"c": np.array([[1], [0]], bool), "x": A([1, 2, 3]), "y": A(-1)})


def record_structure():
    cases = Cases()
    with x64(False):
        structure(F32, cases)
    with x64(True):
        structure(F64, cases)
    return {"cases": cases.cases}


# ------------------------------------------------------------- derivatives


def d_case(out, name, formula, inputs, outputs):
    assert name not in out, name
    out[name] = {"formula": formula, "inputs": arrs(inputs), "outputs": arrs(outputs)}


def record_derivatives():
    out = {}

    def case(name, formula, inputs, outputs):
        outs = {k: jnp.asarray(v) for k, v in outputs.items()}
        for k, v in outs.items():
            assert v.dtype in (F64, I32), (name, k, v.dtype)
        d_case(out, name, formula, inputs, outs)

    P = lambda seed, shape, scale=1.0: jnp.asarray(pseudo(seed, shape, scale, 2), F64)
    V = lambda v: jnp.asarray(np.array(v, np.float64))

    # dense layer
    def dense(W, b, x):
        return jnp.sum(jnp.tanh(W @ x + b) ** 2)

    W, b, x = P(21, (4, 3)), P(22, (4,)), P(23, (3,))
    gW, gb, gx = jax.grad(dense, (0, 1, 2))(W, b, x)
    tW, tb, tx = P(24, (4, 3)), P(25, (4,)), P(26, (3,))
    jv, jt = jax.jvp(dense, (W, b, x), (tW, tb, tx))
    case("dense", "f(W,b,x) = sum(tanh(W @ x + b)^2); jvp tangents tW,tb,tx; hess_x = hessian wrt x; "
         "hvp_x = hess_x @ tx; jac_W_of_grad_x = jacobian wrt W of grad_x, shape [3,4,3]",
         dict(W=W, b=b, x=x, tW=tW, tb=tb, tx=tx),
         dict(value=dense(W, b, x), grad_W=gW, grad_b=gb, grad_x=gx, jvp=jt,
              hess_x=jax.hessian(dense, 2)(W, b, x),
              hvp_x=jax.jvp(lambda q: jax.grad(dense, 2)(W, b, q), (x,), (tx,))[1],
              jac_W_of_grad_x=jax.jacrev(jax.grad(dense, 2), 0)(W, b, x)))

    # two-layer network, batch, cross entropy
    def mlp(W1, b1, W2, b2, X, y):
        h = jax.nn.relu(X @ W1 + b1)
        logp = jax.nn.log_softmax(h @ W2 + b2)
        return -jnp.mean(jnp.take_along_axis(logp, y[:, None], 1))

    W1, b1, W2, b2, X = P(31, (3, 5)), P(32, (5,)), P(33, (5, 4)), P(34, (4,)), P(35, (6, 3))
    y = jnp.array([0, 3, 1, 2, 2, 0], I32)
    g = jax.grad(mlp, (0, 1, 2, 3))(W1, b1, W2, b2, X, y)
    case("mlp_cross_entropy",
         "h = relu(X @ W1 + b1); logp = log_softmax(h @ W2 + b2, last axis); f = -mean_i logp[i, y[i]]",
         dict(W1=W1, b1=b1, W2=W2, b2=b2, X=X, y=y),
         dict(value=mlp(W1, b1, W2, b2, X, y), grad_W1=g[0], grad_b1=g[1], grad_W2=g[2], grad_b2=g[3]))

    # logsumexp, softmax
    z = V([0.5, -1.2, 2.0, 0.3])
    lse = jax.scipy.special.logsumexp
    case("logsumexp", "f(x) = logsumexp(x); third = jacfwd(hessian), shape [4,4,4]", dict(x=z),
         dict(value=lse(z), grad=jax.grad(lse)(z), hess=jax.hessian(lse)(z),
              third=jax.jacfwd(jax.hessian(lse))(z)))
    zi = V([0.5, -INF, 1.0])
    case("logsumexp_neg_inf", "grad of logsumexp with one -inf entry", dict(x=zi), dict(value=lse(zi), grad=jax.grad(lse)(zi)))
    zt = V([1000.0, 0.0, 999.0])
    case("logsumexp_large", "grad and hessian of logsumexp of large entries", dict(x=zt),
         dict(value=lse(zt), grad=jax.grad(lse)(zt), hess=jax.hessian(lse)(zt)))
    case("softmax_jacobian", "J = d softmax(x) / dx; logJ = d log_softmax(x) / dx", dict(x=z),
         dict(value=jax.nn.softmax(z), J=jax.jacrev(jax.nn.softmax)(z), logJ=jax.jacfwd(jax.nn.log_softmax)(z)))

    # scan
    def rnn(W, U, h0, xs):
        def step(h, x):
            h = jnp.tanh(W @ h + U @ x)
            return h, h
        hT, hs = lax.scan(step, h0, xs)
        return jnp.sum(hs**2) + jnp.sum(hT), (hT, hs)

    W, U, h0, xs = P(41, (4, 4), 0.5), P(42, (4, 3), 0.7), P(43, (4,), 0.5), P(44, (5, 3))
    (val, (hT, hs)), g = jax.value_and_grad(rnn, (0, 1, 2, 3), has_aux=True)(W, U, h0, xs)
    tW = P(45, (4, 4))
    f0 = lambda W, U, h0, xs: rnn(W, U, h0, xs)[0]
    case("scan_rnn",
         "scan over t=0..4 of h <- tanh(W @ h + U @ xs[t]) from h0, each h also stacked into hs [5,4]; "
         "f = sum(hs^2) + sum(hT), hT = last h; jvp_W = jvp of f in W along tW; hvp_W = jvp of grad_W along tW; "
         "hess_h0 = hessian wrt h0",
         dict(W=W, U=U, h0=h0, xs=xs, tW=tW),
         dict(value=val, hT=hT, hs=hs, grad_W=g[0], grad_U=g[1], grad_h0=g[2], grad_xs=g[3],
              jvp_W=jax.jvp(lambda w: f0(w, U, h0, xs), (W,), (tW,))[1],
              hvp_W=jax.jvp(lambda w: jax.grad(f0)(w, U, h0, xs), (W,), (tW,))[1],
              hess_h0=jax.hessian(f0, 2)(W, U, h0, xs)))

    def rev(c0, xs):
        def step(c, x):
            c = jnp.sin(c) * x + c
            return c, c * x
        c, ys = lax.scan(step, c0, xs, reverse=True)
        return c * jnp.sum(ys)

    c0, s = V(0.7), V([0.5, -1.0, 1.5, 2.0])
    g = jax.grad(rev, (0, 1))(c0, s)
    case("scan_reverse", "scan with reverse=True of c <- sin(c)*x + c, y = c_new*x; f = c_final * sum(ys)",
         dict(c0=c0, xs=s), dict(value=rev(c0, s), grad_c0=g[0], grad_xs=g[1]))

    # while loop
    def newton(a):
        def cond(s):
            return jnp.abs(s[0] * s[0] - a) > 1e-9 * a
        def body(s):
            return 0.5 * (s[0] + a / s[0]), s[1] + 1
        return lax.while_loop(cond, body, (a, jnp.zeros((), I32)))

    def newton_case(name, a, fn, note):
        n = fn(a)[1]
        v, t = jax.jvp(lambda q: fn(q)[0], (a,), (jnp.ones_like(a),))
        case(name, note, dict(a=a), dict(value=v, tangent=t, iterations=n))

    note = ("while |x*x - a| > 1e-9*a: x <- 0.5*(x + a/x), n <- n+1, from x=a, n=0; value = x, iterations = n, "
            "tangent = jvp along 1 (differentiates the loop)")
    newton_case("while_newton_sqrt", V(2.0), newton, note)
    newton_case("while_newton_sqrt_vmap", V([0.01, 0.5, 1.0, 2.0, 10.0, 12345.0]), jax.vmap(newton), note + "; vmapped over a")

    def fori(x, n):
        return lax.fori_loop(0, n, lambda i, v: v * jnp.cos(v) + i.astype(F64) * x, x)

    case("fori_loop", "v=x; for i in 0..3: v <- v*cos(v) + i*x; grad (reverse), second = second derivative",
         dict(x=V(0.6)), dict(value=fori(V(0.6), 4), grad=jax.grad(fori)(V(0.6), 4),
                              second=jax.grad(jax.grad(fori))(V(0.6), 4)))

    # cond
    def branch(x, y):
        return lax.cond(x > 0, lambda x, y: jnp.sin(x) * y, lambda x, y: x**2 * jnp.exp(y), x, y)

    fm = "f(x,y) = cond(x > 0, sin(x)*y, x^2*exp(y))"
    for nm, xv in (("true", 0.8), ("false", -0.8), ("zero", 0.0)):
        a, b_ = V(xv), V(1.3)
        g = jax.grad(branch, (0, 1))(a, b_)
        case(f"cond_{nm}", fm, dict(x=a, y=b_), dict(value=branch(a, b_), grad_x=g[0], grad_y=g[1]))
    xb, yb = V([-1.0, 0.0, 0.5, 2.0]), V([0.1, 0.2, 0.3, 0.4])
    g = jax.vmap(jax.grad(branch, (0, 1)))(xb, yb)
    case("cond_vmap", fm + "; vmap of f and of grad f over both", dict(x=xb, y=yb),
         dict(value=jax.vmap(branch)(xb, yb), grad_x=g[0], grad_y=g[1]))

    def sw(i, x):
        return lax.switch(i, [lambda x: x**2, lambda x: jnp.exp(x), lambda x: -3.0 * x], x)

    i = jnp.array([-1, 0, 1, 2, 7], I32)
    case("switch", "switch(i, [x^2, exp(x), -3x]) at x for each i (index clamped); grad wrt x", dict(i=i, x=V(0.4)),
         dict(value=jax.vmap(sw, (0, None))(i, V(0.4)), grad=jax.vmap(jax.grad(sw, 1), (0, None))(i, V(0.4))))

    # cumulative, sort, max
    w = V([1.0, -2.0, 3.0, 0.5, 4.0])
    q = V([0.3, -1.5, 2.2, 0.9, -0.4])
    for nm, fn in {"cumsum": lax.cumsum, "cumprod": lax.cumprod, "cummax": lax.cummax, "cumlogsumexp": lax.cumlogsumexp}.items():
        for r in (False, True):
            fr = lambda x, fn=fn, r=r: jnp.sum(w * fn(x, axis=0, reverse=r))
            case(f"{nm}{'_reverse' if r else ''}", f"f(x) = sum(w * {nm}(x, reverse={'true' if r else 'false'}))",
                 dict(x=q, w=w), dict(value=fr(q), grad=jax.grad(fr)(q)))
    z0 = V([2.0, 0.0, 3.0, 0.0, 5.0])
    case("cumprod_zero", "f(x) = sum(w * cumprod(x)) with zeros in x", dict(x=z0, w=w),
         dict(value=jnp.sum(w * jnp.cumprod(z0)), grad=jax.grad(lambda x: jnp.sum(w * jnp.cumprod(x)))(z0)))
    fs = lambda x: jnp.sum(w * jnp.sort(x))
    case("sort", "f(x) = sum(w * sort(x))", dict(x=q, w=w), dict(value=fs(q), grad=jax.grad(fs)(q)))
    qt = V([1.0, 0.0, 1.0, 0.0, 1.0])
    case("sort_ties", "f(x) = sum(w * sort(x)) with ties", dict(x=qt, w=w), dict(value=fs(qt), grad=jax.grad(fs)(qt)))
    for nm, fn in {"max": jnp.max, "min": jnp.min}.items():
        case(nm, f"{nm}(x)", dict(x=q), dict(value=fn(q), grad=jax.grad(fn)(q)))
        t3 = V([1.0, 3.0, 3.0, 1.0, 3.0])
        case(f"{nm}_ties", f"{nm}(x) with ties", dict(x=t3), dict(value=fn(t3), grad=jax.grad(fn)(t3)))
    t2 = V([[1.0, 4.0, 4.0], [2.0, 0.0, 2.0]])
    wm = V([10.0, 100.0])
    case("max_axis1_ties", "f(x) = sum(w * max(x, axis=1))", dict(x=t2, w=wm),
         dict(value=jnp.sum(wm * jnp.max(t2, 1)), grad=jax.grad(lambda x: jnp.sum(wm * jnp.max(x, 1)))(t2)))
    for nm, fn in {"maximum": jnp.maximum, "minimum": jnp.minimum}.items():
        a, b_ = V([1.0, 2.0, 0.0, -3.0]), V([2.0, 2.0, 0.0, -5.0])
        g = jax.grad(lambda a, b: jnp.sum(fn(a, b)), (0, 1))(a, b_)
        case(f"{nm}_ties", f"f(a,b) = sum({nm}(a,b))", dict(a=a, b=b_), dict(value=jnp.sum(fn(a, b_)), grad_a=g[0], grad_b=g[1]))
    cx = V([-2.0, -1.0, 0.0, 1.0, 2.0])
    case("clip_at_bounds", "f(x) = sum(clip(x, -1, 1)), elementwise grad", dict(x=cx),
         dict(value=jnp.sum(jnp.clip(cx, -1.0, 1.0)), grad=jax.grad(lambda x: jnp.sum(jnp.clip(x, -1.0, 1.0)))(cx)))
    for nm, px in {"prod": V([2.0, -3.0, 0.5, 4.0]), "prod_one_zero": V([2.0, 0.0, 0.5, 4.0]), "prod_two_zeros": V([2.0, 0.0, 0.0, 4.0])}.items():
        case(nm, "f(x) = prod(x); hess = hessian", dict(x=px),
             dict(value=jnp.prod(px), grad=jax.grad(jnp.prod)(px), hess=jax.hessian(jnp.prod)(px)))
    case("var", "f(x) = var(x) (ddof 0); std likewise", dict(x=q),
         dict(var=jnp.var(q), grad_var=jax.grad(jnp.var)(q), std=jnp.std(q), grad_std=jax.grad(jnp.std)(q), hess_var=jax.hessian(jnp.var)(q)))
    case("std_constant", "grad of std at a constant vector", dict(x=V([2.0, 2.0, 2.0])),
         dict(value=jnp.std(V([2.0, 2.0, 2.0])), grad=jax.grad(jnp.std)(V([2.0, 2.0, 2.0]))))
    case("norm", "f(x) = linalg.norm(x)", dict(x=q), dict(value=jnp.linalg.norm(q), grad=jax.grad(jnp.linalg.norm)(q)))
    case("norm_zero", "grad of linalg.norm at 0", dict(x=V([0.0, 0.0])),
         dict(value=jnp.linalg.norm(V([0.0, 0.0])), grad=jax.grad(jnp.linalg.norm)(V([0.0, 0.0]))))

    # jacobians
    def r3r2(x):
        return jnp.stack([x[0] * x[1] + jnp.sin(x[2]), jnp.exp(x[0]) * x[2] ** 2 - x[1]])

    p3 = V([0.5, -1.5, 2.0])
    t3 = V([1.0, 0.5, -2.0])
    ct = V([2.0, -1.0])
    case("jacobian_r3_r2", "f(x) = [x0*x1 + sin(x2), exp(x0)*x2^2 - x1]; hess has shape [2,3,3]; jvp along t, vjp with ct",
         dict(x=p3, t=t3, ct=ct),
         dict(value=r3r2(p3), jacfwd=jax.jacfwd(r3r2)(p3), jacrev=jax.jacrev(r3r2)(p3), hess=jax.hessian(r3r2)(p3),
              jvp=jax.jvp(r3r2, (p3,), (t3,))[1], vjp=jax.vjp(r3r2, p3)[1](ct)[0]))

    def matf(A):
        return jnp.stack([jnp.sum(A[0] * A[1]), jnp.sum(jnp.sin(A))])

    A23 = P(51, (2, 3))
    case("jacobian_matrix_input", "f(A) = [sum(A[0]*A[1]), sum(sin(A))], A 2x3; J has shape [2,2,3]; hess [2,2,3,2,3]",
         dict(A=A23), dict(value=matf(A23), J=jax.jacrev(matf)(A23), J_fwd=jax.jacfwd(matf)(A23), hess=jax.hessian(matf)(A23)))
    Ai = P(52, (3, 3)) + 2.0 * jnp.eye(3, dtype=F64)
    case("jacobian_matrix_output", "f(x) = outer(x, sin(x)); J has shape [3,3,3]", dict(x=p3),
         dict(value=jnp.outer(p3, jnp.sin(p3)), J=jax.jacfwd(lambda x: jnp.outer(x, jnp.sin(x)))(p3)))

    def rosen(x):
        return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    for nm, r in {"rosenbrock_2": V([-1.2, 1.0]), "rosenbrock_4": V([0.5, -1.0, 1.5, 2.0])}.items():
        case(nm, "f(x) = sum(100*(x[1:] - x[:-1]^2)^2 + (1 - x[:-1])^2)", dict(x=r),
             dict(value=rosen(r), grad=jax.grad(rosen)(r), hess=jax.hessian(rosen)(r)))

    # higher order
    sx = lambda x: jnp.sin(x) * jnp.exp(x)
    d = [sx]
    for _ in range(5):
        d.append(jax.grad(d[-1]))
    case("sin_exp_orders", "f(x) = sin(x)*exp(x); d0..d5 derivatives (nested grad)", dict(x=V(0.7)),
         {f"d{k}": f(V(0.7)) for k, f in enumerate(d)})
    th = [jnp.tanh]
    for _ in range(4):
        th.append(jax.grad(th[-1]))
    case("tanh_orders", "f(x) = tanh(x); d0..d4 derivatives", dict(x=V(0.3)), {f"d{k}": f(V(0.3)) for k, f in enumerate(th)})
    pert = lambda x: x * jax.grad(lambda y: x + y * y * x)(1.5)
    case("perturbation_confusion", "f(x) = x * d/dy(x + y*y*x)|y=1.5 = 3x^2; derivative", dict(x=V(2.0)),
         dict(value=pert(V(2.0)), grad=jax.grad(pert)(V(2.0)),
              jvp=jax.jvp(lambda x: x * jax.jvp(lambda y: x + y * y * x, (V(1.5),), (V(1.0),))[1], (V(2.0),), (V(1.0),))[1]))
    case("jvp_of_grad_mixed", "f(x,y) = x^3*y^2 + sin(x*y); dxdy = d/dy(df/dx), dydx likewise", dict(x=V(1.2), y=V(-0.7)),
         (lambda f: dict(value=f(V(1.2), V(-0.7)), dxdy=jax.grad(jax.grad(f, 0), 1)(V(1.2), V(-0.7)),
                         dydx=jax.grad(jax.grad(f, 1), 0)(V(1.2), V(-0.7))))(lambda x, y: x**3 * y**2 + jnp.sin(x * y)))

    # pow
    px = V([2.0, 0.5, 3.0, 0.0, 0.0, 0.0, -2.0, -2.0, 1.0, 0.0, -1.0])
    py = V([3.0, 2.5, -1.5, 2.0, 0.0, 1.0, 3.0, 2.0, 0.0, 0.5, 0.5])
    gp = jax.vmap(jax.grad(lax.pow, (0, 1)))(px, py)
    case("pow", "elementwise pow(x,y), both float; grad_x and grad_y elementwise", dict(x=px, y=py),
         dict(value=lax.pow(px, py), grad_x=gp[0], grad_y=gp[1]))
    for n in (0, 1, 2, 3, -1, -2):
        xi = V([2.0, -1.5, 0.0])
        f = lambda x, n=n: lax.integer_pow(x, n)
        case(f"integer_pow_{n}", f"x^({n}) with a static integer exponent; d1, d2 elementwise derivatives", dict(x=xi),
             dict(value=f(xi), d1=jax.vmap(jax.grad(f))(xi), d2=jax.vmap(jax.grad(jax.grad(f)))(xi)))

    # linear algebra
    As, bs = P(61, (3, 3)) + 2.0 * jnp.eye(3, dtype=F64), P(62, (3,))
    wv = V([1.0, -2.0, 0.5])
    fsol = lambda A, b: jnp.sum(wv * jnp.linalg.solve(A, b))
    g = jax.grad(fsol, (0, 1))(As, bs)
    tA, tb = P(63, (3, 3)), P(64, (3,))
    case("linalg_solve", "f(A,b) = sum(w * solve(A,b)); jvp of solve(A,b) along tA,tb; hess_A shape [3,3,3,3]",
         dict(A=As, b=bs, w=wv, tA=tA, tb=tb),
         dict(value=fsol(As, bs), solution=jnp.linalg.solve(As, bs), grad_A=g[0], grad_b=g[1],
              jvp=jax.jvp(jnp.linalg.solve, (As, bs), (tA, tb))[1], hess_A=jax.hessian(fsol)(As, bs)))
    Bm = P(65, (3, 2))
    wm2 = P(66, (3, 2))
    fsm = lambda A, B: jnp.sum(wm2 * jnp.linalg.solve(A, B))
    g = jax.grad(fsm, (0, 1))(As, Bm)
    case("linalg_solve_matrix", "f(A,B) = sum(w * solve(A,B)), B 3x2", dict(A=As, B=Bm, w=wm2), dict(value=fsm(As, Bm), grad_A=g[0], grad_B=g[1]))
    wi = P(67, (3, 3))
    case("linalg_inv", "f(A) = sum(w * inv(A))", dict(A=As, w=wi),
         dict(value=jnp.sum(wi * jnp.linalg.inv(As)), grad_A=jax.grad(lambda A: jnp.sum(wi * jnp.linalg.inv(A)))(As)))
    case("linalg_logdet", "f(A) = slogdet(A).logabsdet; det = grad of det", dict(A=As),
         dict(value=jnp.linalg.slogdet(As)[1], grad_A=jax.grad(lambda A: jnp.linalg.slogdet(A)[1])(As),
              det=jnp.linalg.det(As), grad_det=jax.grad(jnp.linalg.det)(As)))
    spd = As @ As.T + jnp.eye(3, dtype=F64)
    spd = jnp.round(spd, 4)
    spd = (spd + spd.T) / 2
    case("linalg_cholesky", "f(A) = sum(w * cholesky(A)), A symmetric positive definite (JAX symmetrizes A first)", dict(A=spd, w=wi),
         dict(value=jnp.sum(wi * jnp.linalg.cholesky(spd)), grad_A=jax.grad(lambda A: jnp.sum(wi * jnp.linalg.cholesky(A)))(spd)))

    # slicing, gather, scatter
    v6 = V([0.5, -1.0, 2.0, 3.0, -0.5, 1.5])
    w3 = V([1.0, 10.0, 100.0])
    for nm, st in (("", 2), ("_clamped_high", 5), ("_negative", -2)):
        fds = lambda x, st=st: jnp.sum(w3 * lax.dynamic_slice(x, (jnp.int32(st),), (3,)) ** 2)
        case(f"dynamic_slice{nm}", "f(x) = sum(w * dynamic_slice(x, [start], [3])^2)", dict(x=v6, w=w3, start=jnp.int32(st)),
             dict(value=fds(v6), grad=jax.grad(fds)(v6)))
        u = V([7.0, 8.0, 9.0])
        w6 = V([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
        fdu = lambda x, u, st=st: jnp.sum(w6 * lax.dynamic_update_slice(x, u, (jnp.int32(st),)) ** 2)
        g = jax.grad(fdu, (0, 1))(v6, u)
        case(f"dynamic_update_slice{nm}", "f(x,u) = sum(w * dynamic_update_slice(x, u, [start])^2)",
             dict(x=v6, u=u, w=w6, start=jnp.int32(st)), dict(value=fdu(v6, u), grad_x=g[0], grad_u=g[1]))
    gi = jnp.array([0, 2, 2, 9, -1], I32)
    w5 = V([1.0, 10.0, 100.0, 1000.0, 10000.0])
    ft = lambda x: jnp.sum(w5 * jnp.take(x, gi, mode="clip"))
    case("gather_clip", "f(x) = sum(w * take(x, indices, mode='clip'))", dict(x=v6, indices=gi, w=w5), dict(value=ft(v6), grad=jax.grad(ft)(v6)))
    fi = lambda x: jnp.sum(w5 * jnp.take(x, gi, mode="fill", fill_value=0.0))
    case("gather_fill", "f(x) = sum(w * take(x, indices, mode='fill', fill_value=0)); negative index wraps", dict(x=v6, indices=gi, w=w5),
         dict(value=fi(v6), grad=jax.grad(fi)(v6)))
    sv = V([1.0, 2.0, 3.0, 4.0, 5.0])
    fsa = lambda x, v: jnp.sum(w6 * x.at[gi].add(v) ** 2)
    g = jax.grad(fsa, (0, 1))(v6, sv)
    case("scatter_add", "f(x,v) = sum(w * x.at[indices].add(v)^2); indices duplicate, 9 dropped, -1 wraps",
         dict(x=v6, v=sv, indices=gi, w=w6), dict(value=fsa(v6, sv), grad_x=g[0], grad_v=g[1]))
    gs = jnp.array([0, 2, 9, -1], I32)
    fss = lambda x, v: jnp.sum(w6 * x.at[gs].set(v) ** 2)
    g = jax.grad(fss, (0, 1))(v6, sv[:4])
    case("scatter_set", "f(x,v) = sum(w * x.at[indices].set(v)^2); 9 dropped, -1 wraps",
         dict(x=v6, v=sv[:4], indices=gs, w=w6), dict(value=fss(v6, sv[:4]), grad_x=g[0], grad_v=g[1]))
    fp = lambda x, c: jnp.sum(jnp.arange(1.0, 11.0, dtype=F64) * lax.pad(x, c, ((-1, 2, 1),)))
    px6, pc = V([0.5, -1.0, 2.0, 3.0, -0.5]), V(0.25)
    g = jax.grad(fp, (0, 1))(px6, pc)
    case("pad", "f(x,c) = sum([1..10] * pad(x, c, (low -1, high 2, interior 1))), x of length 5",
         dict(x=px6, c=pc), dict(value=fp(px6, pc), grad_x=g[0], grad_c=g[1]))
    fr = lambda x: jnp.sum(jnp.arange(6.0, dtype=F64).reshape(3, 2) * x.reshape(2, 3).T[::-1] ** 2)
    case("reshape_transpose_rev", "f(x) = sum(arange(6).reshape(3,2) * (rev(transpose(x.reshape(2,3)), axis 0))^2)", dict(x=v6),
         dict(value=fr(v6), grad=jax.grad(fr)(v6)))
    fc = lambda a, b: jnp.sum(w6 * jnp.concatenate([a, b, a]) ** 2)
    ca, cb = V([1.0, -2.0]), V([0.5, 3.0])
    g = jax.grad(fc, (0, 1))(ca, cb)
    case("concatenate", "f(a,b) = sum(w * concatenate([a,b,a])^2)", dict(a=ca, b=cb, w=w6), dict(value=fc(ca, cb), grad_a=g[0], grad_b=g[1]))
    fb = lambda a, b: jnp.sum(jnp.sin(a * b + a))
    ba, bb = P(71, (3, 1)), P(72, (1, 4))
    g = jax.grad(fb, (0, 1))(ba, bb)
    case("broadcast", "f(a,b) = sum(sin(a*b + a)), a [3,1], b [1,4]", dict(a=ba, b=bb), dict(value=fb(ba, bb), grad_a=g[0], grad_b=g[1]))
    fd = lambda a, b: jnp.sum(jnp.sin(jnp.einsum("bij,bjk->bik", a, b)))
    da, db = P(73, (2, 2, 3)), P(74, (2, 3, 2))
    g = jax.grad(fd, (0, 1))(da, db)
    case("batched_matmul", "f(a,b) = sum(sin(matmul(a,b))), a [2,2,3], b [2,3,2]", dict(a=da, b=db), dict(value=fd(da, db), grad_a=g[0], grad_b=g[1]))

    # edges
    e = V([-1.0, -0.0, 0.0, 1.0])
    el = lambda f, x: jax.vmap(jax.grad(f))(x)
    case("abs_edges", "elementwise |x|", dict(x=e), dict(grad=el(jnp.abs, e)))
    case("sign_floor_round_edges", "elementwise grads of sign, floor, round", dict(x=V([-0.5, 0.0, 1.5])),
         dict(sign=el(jnp.sign, V([-0.5, 0.0, 1.5])), floor=el(jnp.floor, V([-0.5, 0.0, 1.5])), round=el(jnp.round, V([-0.5, 0.0, 1.5]))))
    case("relu_edges", "elementwise jax.nn.relu(x) and jnp.maximum(x, 0)", dict(x=e),
         dict(relu=el(jax.nn.relu, e), maximum=el(lambda x: jnp.maximum(x, 0.0), e)))
    s3 = V([0.0, 4.0, -1.0])
    case("sqrt_edges", "elementwise sqrt(x)", dict(x=s3), dict(value=jnp.sqrt(s3), grad=el(jnp.sqrt, s3)))
    l3 = V([0.0, 2.0, -1.0])
    case("log_edges", "elementwise log(x)", dict(x=l3), dict(value=jnp.log(l3), grad=el(jnp.log, l3)))
    bad = lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0)
    safe = lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0)
    w4 = V([4.0, 0.0, -1.0])
    case("where_sqrt", "unsafe(x) = where(x>0, sqrt(x), 0); safe(x) = where(x>0, sqrt(where(x>0, x, 1)), 0); elementwise", dict(x=w4),
         dict(unsafe=bad(w4), grad_unsafe=el(bad, w4), safe=safe(w4), grad_safe=el(safe, w4)))
    ax, ay = V([1.0, 0.0, -2.0, 3.0]), V([2.0, 0.0, 0.5, -1.0])
    g = jax.vmap(jax.grad(jnp.arctan2, (0, 1)))(ax, ay)
    case("atan2", "elementwise atan2(a,b), grads wrt a and b", dict(a=ax, b=ay), dict(value=jnp.arctan2(ax, ay), grad_a=g[0], grad_b=g[1]))
    ra, rb = V([5.5, -5.5, 5.5, -7.0]), V([2.0, 2.0, -2.0, -3.0])
    g1 = jax.vmap(jax.grad(lax.rem, (0, 1)))(ra, rb)
    g2 = jax.vmap(jax.grad(jnp.mod, (0, 1)))(ra, rb)
    case("rem_mod", "elementwise lax.rem(a,b) and jnp.mod(a,b), grads", dict(a=ra, b=rb),
         dict(rem=lax.rem(ra, rb), rem_grad_a=g1[0], rem_grad_b=g1[1], mod=jnp.mod(ra, rb), mod_grad_a=g2[0], mod_grad_b=g2[1]))
    sg = lambda x: x**2 + lax.stop_gradient(jnp.sin(x)) * x
    case("stop_gradient", "f(x) = x^2 + stop_gradient(sin(x))*x", dict(x=V(0.9)), dict(value=sg(V(0.9)), grad=jax.grad(sg)(V(0.9))))
    case("logaddexp", "elementwise logaddexp(a,b); grads", dict(a=V([0.5, -INF, 100.0]), b=V([1.5, -INF, 0.0])),
         (lambda g: dict(value=jnp.logaddexp(V([0.5, -INF, 100.0]), V([1.5, -INF, 0.0])), grad_a=g[0], grad_b=g[1]))(
             jax.vmap(jax.grad(jnp.logaddexp, (0, 1)))(V([0.5, -INF, 100.0]), V([1.5, -INF, 0.0]))))
    sp = V([-1000.0, -1.0, 0.0, 1.0, 1000.0])
    case("softplus", "elementwise softplus(x) and its grad and second derivative", dict(x=sp),
         dict(value=jax.nn.softplus(sp), grad=el(jax.nn.softplus, sp), second=el(jax.grad(jax.nn.softplus), sp)))

    # per-example gradients
    pe = lambda w, b, x, y: (jnp.tanh(jnp.dot(w, x) + b) - y) ** 2
    pw, pb, pX, pY = P(81, (3,)), V(0.1), P(82, (5, 3)), P(83, (5,))
    g = jax.vmap(jax.grad(pe, (0, 1)), (None, None, 0, 0))(pw, pb, pX, pY)
    case("per_example_grad", "loss(w,b,x,y) = (tanh(dot(w,x)+b) - y)^2; vmap(grad wrt w,b) over rows of X and entries of Y",
         dict(w=pw, b=pb, X=pX, Y=pY),
         dict(value=jax.vmap(pe, (None, None, 0, 0))(pw, pb, pX, pY), grad_w=g[0], grad_b=g[1],
              hess_w=jax.vmap(jax.hessian(pe), (None, None, 0, 0))(pw, pb, pX, pY)))
    case("grad_through_vmap", "f(w) = sum_i loss(w,b,X[i],Y[i]) with the loss of per_example_grad, vmap inside grad",
         dict(w=pw, b=pb, X=pX, Y=pY),
         dict(grad_w=jax.grad(lambda w: jnp.sum(jax.vmap(pe, (None, None, 0, 0))(w, pb, pX, pY)))(pw)))

    # derivative tables of the unary functions
    table = {}
    wide = [-2.5, -1.0, -0.3, 1e-8, 0.1, 0.7, 1.0, 2.0, 5.0]
    pos = [1e-8, 0.1, 0.5, 1.0, 2.5, 10.0, 1e5]
    unit = [-0.9, -0.5, -1e-8, 0.0, 0.2, 0.75, 0.99]
    for nm, fn, xs_ in [
        ("exp", jnp.exp, wide), ("expm1", jnp.expm1, wide), ("log", jnp.log, pos), ("log1p", jnp.log1p, pos),
        ("sqrt", jnp.sqrt, pos), ("rsqrt", lax.rsqrt, pos), ("cbrt", jnp.cbrt, pos), ("sin", jnp.sin, wide), ("cos", jnp.cos, wide),
        ("tan", jnp.tan, wide), ("asin", jnp.arcsin, unit), ("acos", jnp.arccos, unit), ("atan", jnp.arctan, wide),
        ("sinh", jnp.sinh, wide), ("cosh", jnp.cosh, wide), ("asinh", jnp.arcsinh, wide),
        ("acosh", jnp.arccosh, [1.01, 1.5, 2.0, 10.0, 1e5]), ("atanh", jnp.arctanh, unit), ("tanh", jnp.tanh, wide),
        ("logistic", lax.logistic, wide), ("erf", lax.erf, wide), ("erfc", lax.erfc, wide), ("erf_inv", lax.erf_inv, unit),
        ("square", lax.square, wide), ("reciprocal", lambda x: 1.0 / x, wide), ("gelu_tanh", jax.nn.gelu, wide), ("silu", jax.nn.silu, wide),
    ]:
        x = V(xs_)
        g1, g2 = jax.grad(fn), jax.grad(jax.grad(fn))
        table[nm] = {"x": flat(x), "d0": flat(fn(x)), "d1": flat(jax.vmap(g1)(x)), "d2": flat(jax.vmap(g2)(x))}
    return {"cases": out, "unary": table}


# ---------------------------------------------------------------- derivatives at special points


def agreed(*results):
    """Elements on which all of JAX's ways to one derivative agree to 1e-9; null on the others."""
    out = []
    for values in zip(*(np.asarray(r, np.float64).ravel() for r in results)):
        first = values[0]
        same = all(
            v == first or (math.isnan(v) and math.isnan(first)) or abs(v - first) <= 1e-9 * abs(first)
            for v in values
        )
        out.append(num(first) if same else None)
    return out


def at_points(f, points):
    """Values, gradients and Hessians of f at each row of points, by every order of modes."""
    each = lambda g: jax.vmap(g)(points)
    fwd, rev = jax.jacfwd, jax.jacrev
    return {
        "value": flat(each(f)),
        "first": agreed(each(fwd(f)), each(rev(f))),
        "second": agreed(each(fwd(rev(f))), each(rev(fwd(f))), each(fwd(fwd(f))), each(rev(rev(f)))),
    }


def record_special_points():
    nn, sp, norm = jax.nn, jax.scipy.special, jnp.linalg.norm
    f64 = lambda x: x.astype(F64)
    unary = {
        "abs": jnp.abs, "acos": jnp.arccos, "acosh": jnp.arccosh, "asin": jnp.arcsin, "asinh": jnp.arcsinh,
        "atan": jnp.arctan, "atanh": jnp.arctanh, "ceil": jnp.ceil, "cos": jnp.cos, "cosh": jnp.cosh, "exp": jnp.exp,
        "exp2": jnp.exp2, "expm1": jnp.expm1, "floor": jnp.floor, "log": jnp.log, "log10": jnp.log10,
        "log1p": jnp.log1p, "log2": jnp.log2, "nanToNum": jnp.nan_to_num, "neg": jnp.negative,
        "reciprocal": jnp.reciprocal, "round": jnp.round, "rsqrt": lax.rsqrt, "sign": jnp.sign, "sin": jnp.sin,
        "sinh": jnp.sinh, "sqrt": jnp.sqrt, "square": jnp.square, "tan": jnp.tan, "tanh": jnp.tanh, "trunc": jnp.trunc,
        "elu": nn.elu, "gelu": nn.gelu, "leakyRelu": nn.leaky_relu, "logSigmoid": nn.log_sigmoid, "relu": nn.relu,
        "relu6": nn.relu6, "sigmoid": nn.sigmoid, "silu": nn.silu, "softplus": nn.softplus,
        "erf": lax.erf, "erfc": lax.erfc, "erfInv": lax.erf_inv, "logit": sp.logit,
        "round to tenths": lambda x: jnp.round(x, 1), "clip to [-1, 1]": lambda x: jnp.clip(x, -1, 1),
        "clip to [0, oo)": lambda x: jnp.clip(x, 0), "astype int32": lambda x: f64(x.astype(I32)),
        "astype bool": lambda x: f64(x.astype(BOOL)), "greater than 1/2": lambda x: f64(x > 0.5),
        "isFinite": lambda x: f64(jnp.isfinite(x)), "floorDivide by 2": lambda x: jnp.floor_divide(x, 2.0),
        "mod -3/4": lambda x: jnp.mod(x, -0.75), "gelu, exact": lambda x: nn.gelu(x, approximate=False),
        **{f"pow {p}": (lambda p: lambda x: jnp.power(x, p))(p) for p in (-2, -1, 0, 0.5, 1, 2, 2.5, 3, 9)},
    }
    points = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0, -2.0, 3.0, 6.0, -3.25, 40.0, -40.0, 800.0, -800.0, INF, -INF, NAN]
    binary = {
        "add": jnp.add, "sub": jnp.subtract, "mul": jnp.multiply, "div": jnp.divide, "floorDivide": jnp.floor_divide,
        "mod": jnp.mod, "rem": lax.rem, "pow": jnp.power, "maximum": jnp.maximum, "minimum": jnp.minimum,
        "hypot": jnp.hypot, "logaddexp": jnp.logaddexp, "atan2": jnp.arctan2, "xlogy": sp.xlogy,
        "where the first is larger": lambda x, y: jnp.where(x > y, x, 3.0 * y),
    }
    axis = [0.0, -0.0, 0.5, 1.0, -1.0, 2.0, -2.0, 3.0, INF, -INF, NAN]
    weights = jnp.array([1.0, -2.0, 0.5])
    summed = lambda f: lambda x: jnp.sum(f(x) * weights)
    matrix = lambda x: jnp.outer(x, x) + jnp.diag(x)
    lanes = {
        "sum": jnp.sum, "prod": jnp.prod, "max": jnp.max, "min": jnp.min, "mean": jnp.mean, "variance": jnp.var,
        "std": jnp.std, "median": jnp.median, "logsumexp": sp.logsumexp, "softmax": summed(nn.softmax),
        "logSoftmax": summed(nn.log_softmax), "cumsum": summed(jnp.cumsum), "cumprod": summed(jnp.cumprod),
        "sort": summed(jnp.sort), "argmax": lambda x: f64(jnp.argmax(x)), "argmin": lambda x: f64(jnp.argmin(x)),
        "any": lambda x: f64(jnp.any(x)), "all": lambda x: f64(jnp.all(x)),
        "countNonzero": lambda x: f64(jnp.count_nonzero(x)), "argsort": summed(lambda x: f64(jnp.argsort(x))),
        "searchsorted": lambda x: f64(jnp.searchsorted(weights * 0 + 1.0, x[0])), "dot": lambda x: jnp.dot(x, x),
        "maximum, running": summed(lax.cummax), "norm": norm,
        **{f"norm {p}": (lambda p: lambda x: norm(x, p))(p) for p in (0, 0.5, 1, 2, 3, INF, -INF)},
        **{f"norm of a matrix, {p}": (lambda p: lambda x: norm(matrix(x), p))(p) for p in (1, -1, INF, -INF, "fro")},
    }
    vectors = [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 2.0, 2.0], [-1.0, 1.0, 1.0], [0.0, 1.0, 2.0], [0.0, 0.0, 2.0],
               [-0.0, 0.0, -2.0], [3.0, -4.0, 0.5], [NAN, 1.0, 2.0], [1.0, NAN, 0.0], [NAN, NAN, 1.0], [INF, 1.0, 2.0],
               [-INF, 1.0, 2.0], [INF, INF, 1.0], [-INF, -INF, -INF], [INF, -INF, 0.0], [NAN, INF, -INF]]
    x, xy, v = jnp.array(points), jnp.array([[a, b] for a in axis for b in axis]), jnp.array(vectors)
    return {
        "points": {"unary": flat(x), "binary": flat(xy), "lanes": flat(v)},
        "unary": {name: at_points(f, x) for name, f in unary.items()},
        "binary": {name: at_points(lambda p, f=f: f(p[0], p[1]), xy) for name, f in binary.items()},
        "lanes": {name: at_points(f, v) for name, f in lanes.items()},
    }


# ------------------------------------------------------------------- limits

BOUNDS = [
    (-2, 3), (0.1, 0.7), (-1e30, 1e30), (-3e38, 3e38), (5, 1), (0, 3), (-5, 0),
    (1, 1.000001), (100, 100.5), (0.3, 1e10), (-0.1, 0.3), (1e-30, 1e-28),
]


def record_uniform():
    """Draws between bounds, which XLA fuses to one rounding."""
    cases = []
    for seed in (0, 7):
        for low, high in BOUNDS:
            for dtype in (F32, F64):
                x = jax.random.uniform(jax.random.key(seed), (12,), dtype, minval=low, maxval=high)
                cases.append({"seed": seed, "min": low, "max": high, "x": arr(x)})
    return cases


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


LIMITS_1 = """abs acos acosh asin asinh atan atanh bitwise_not ceil cos cosh exp exp2 expm1 floor
    isfinite isinf isnan log log10 log1p log2 logical_not nan_to_num negative reciprocal round sign
    sin sinh sqrt square tan tanh trunc""".split()
LIMITS_NN = "elu leaky_relu log_sigmoid relu relu6 sigmoid silu softplus".split()
LIMITS_SPECIAL = "erf erfc erfinv expit logit".split()
LIMITS_2 = """add atan2 bitwise_and bitwise_or bitwise_xor divide equal floor_divide greater
    greater_equal hypot isclose left_shift less less_equal logaddexp logical_and logical_or
    logical_xor maximum minimum mod multiply not_equal power right_shift subtract""".split()


def record_limits():
    """Elementwise functions on both zeros, infinities, NaN and the largest numbers, and on all pairs."""
    one = {name: getattr(jnp, name) for name in LIMITS_1}
    one.update({name: getattr(jax.nn, name) for name in LIMITS_NN})
    one.update({name: getattr(jax.scipy.special, name) for name in LIMITS_SPECIAL})
    one["rsqrt"] = lax.rsqrt
    one["gelu_exact"] = lambda x: jax.nn.gelu(x, approximate=False)
    two = {name: getattr(jnp, name) for name in LIMITS_2}
    two["xlogy"] = jax.scipy.special.xlogy
    out = {}
    for dtype in (F32, F64, I32, U32, BOOL):
        x = np.array(limit_values(dtype), dtype)
        pairs = (np.repeat(x, len(x)), np.tile(x, len(x)))
        table = {"x": arr(x), "unary": {}, "binary": {}}
        for kind, fs, args in (("unary", one, (x,)), ("binary", two, pairs)):
            for name, f in fs.items():
                # Functions of floats choose their own type for what is not.
                if kind == "unary" and dtype not in (F32, F64) and name not in LIMITS_1:
                    continue
                with x64(dtype == F64):
                    try:
                        table[kind][name] = arr(f(*map(jnp.asarray, args)))
                    except (TypeError, ValueError):
                        pass
        out[np.dtype(dtype).name] = table
    return out


# -------------------------------------------------------------------- main


def write(path, body):
    body = {"jax": jax.__version__, **body}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "\n")
    print(os.path.basename(path), len(text) + 1)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else here
    # Fail loudly if the environment changed a default.
    assert jax.config.jax_threefry_partitionable is True
    assert jax.config.jax_enable_x64 is False
    assert jax.config.jax_default_prng_impl == "threefry2x32"
    write(os.path.join(out, "random.json"), record_random())
    write(os.path.join(out, "elementwise.json"), record_elementwise())
    write(os.path.join(out, "structure.json"), record_structure())
    with x64(True):
        write(os.path.join(out, "derivatives.json"), record_derivatives())
        write(os.path.join(out, "special_points.json"), record_special_points())
        uniform = record_uniform()
    write(os.path.join(out, "limits.json"), {"uniform": uniform, "limits": record_limits()})


if __name__ == "__main__":
    main()

"""What the recorders share: numbers in JSON, and the functions of operations.json."""

import contextlib
import json
import math
import os
import re

import jax

jax.config.update("jax_platforms", "cpu")

import jax.numpy as jnp
import jax.scipy.cluster.vq
import jax.scipy.fft
import jax.scipy.interpolate
import jax.scipy.ndimage
import jax.scipy.signal
import jax.scipy.spatial.transform
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


# ---------------------------------------------------------------- the list of operations

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
with open(os.path.join(HERE, "operations.json"), encoding="utf-8") as file:
    OPERATIONS = json.load(file)

def ri(z):
    """A complex array as its real and imaginary parts."""
    return [jnp.real(z), jnp.imag(z)]


NAMES = {
    "ri": ri,
    "jax": jax, "jnp": jnp, "lax": lax, "np": np, "nn": jax.nn, "special": jax.scipy.special,
    "stats": jax.scipy.stats, "linalg": jnp.linalg, "sla": jax.scipy.linalg, "lla": lax.linalg, "random": jax.random, "init": jax.nn.initializers, "F32": F32, "F64": F64, "I32": I32, "U32": U32,
    "BOOL": BOOL, "INF": INF, "NAN": NAN, "I32_MIN": I32_MIN, "I32_MAX": I32_MAX,
}


def name_of(entry):
    """The name of an entry, where it has none of its own: that of the function that it calls here."""
    return entry.get("name") or re.match(r"\w+\.(\w+)\(", entry["here"]).group(1)


def variables(entry, names):
    """Those of some names that an entry's expression reads, in their order."""
    return [n for n in names if re.search(rf"(?<![\w.'])\b{n}\b(?!')", entry["jax"])]


def function(entry, names, more={}):
    """The function of the variables `names` that an entry says in JAX."""
    return eval(f"lambda {', '.join(names)}: {entry['jax']}", {**NAMES, **more})

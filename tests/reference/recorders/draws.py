"""Random numbers, from bits to distributions."""

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np

from .common import F32, F64, I32, I32_MAX, I32_MIN, INF, OPERATIONS, U32_MAX, arr, arrs, flat, function, x64

SEEDS = [0, 1, 42, 2**31 - 1, 123456789]
LOGITS_1D = [0.1, -1.0, 2.0, 0.5, -0.3]
LOGITS_2D = [[0.0, 1.0, 2.0], [2.0, 0.0, -2.0], [-1.0, -INF, 0.5], [5.0, 5.0, 5.0]]


def chain(key):
    """Three keys: key, sub = split(key), three times."""
    subs = []
    for _ in range(3):
        key, sub = jax.random.split(key)
        subs.append(sub)
    return subs


def draws(seed, x64):
    """What the list draws from a key of 32-bit numbers, or what it draws of 64."""
    more = {
        "data": jax.random.key_data,
        "chain": chain,
        "logits1": jnp.array(LOGITS_1D, F32),
        "logits2": jnp.array(LOGITS_2D, F32),
    }
    key = jax.random.key(seed)
    chosen = [e for e in OPERATIONS["random"] if e.get("x64", False) == x64]
    return arrs({e["name"]: function(e, ["key"], more)(key) for e in chosen})


def record_random():
    seeds = {}
    for s in SEEDS:
        with x64(False):
            a = draws(s, False)
        with x64(True):
            b = draws(s, False)
            c = draws(s, True)
        # NaN-free, so plain equality is exact (and arrays carry their dtypes).
        assert a == b, f"32-bit streams depend on jax_enable_x64 (seed {s})"
        seeds[str(s)] = {**a, **c}
    odd = [-1, -5, I32_MIN, 2**31, 2**32 - 1, 2**32 + 5]
    with x64(False):
        off = {str(s): arr(jax.random.key_data(jax.random.key(s))) for s in odd}
        minus1 = draws(-1, False)
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

"""First and second derivatives at special points, where JAX's own modes agree."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from .common import F64, INF, NAN, OPERATIONS, flat, function, name_of, num, variables


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


def at_points(f, points, compiled=False):
    """Values, gradients and Hessians of f at each row of points, by every order of modes."""
    fwd, rev = jax.jacfwd, jax.jacrev
    first, second = (fwd, rev), (lambda g: fwd(rev(g)), lambda g: rev(fwd(g)), lambda g: fwd(fwd(g)), lambda g: rev(rev(g)))
    run = lambda points: [jax.vmap(g)(points) for g in [f, *[d(f) for d in first + second]]]
    value, *derivatives = (jax.jit(run) if compiled else run)(points)
    return {"value": flat(value), "first": agreed(*derivatives[:2]), "second": agreed(*derivatives[2:])}


POINTS = [
    0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0, -2.0, 3.0, 6.0, -3.25, 40.0, -40.0, 800.0, -800.0,
    INF, -INF, NAN,
]
AXIS = [0.0, -0.0, 0.5, 1.0, -1.0, 2.0, -2.0, 3.0, INF, -INF, NAN]
VECTORS = [
    [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 2.0, 2.0], [-1.0, 1.0, 1.0], [0.0, 1.0, 2.0],
    [0.0, 0.0, 2.0], [-0.0, 0.0, -2.0], [3.0, -4.0, 0.5], [NAN, 1.0, 2.0], [1.0, NAN, 0.0],
    [NAN, NAN, 1.0], [INF, 1.0, 2.0], [-INF, 1.0, 2.0], [INF, INF, 1.0], [-INF, -INF, -INF],
    [INF, -INF, 0.0], [NAN, INF, -INF],
]


def number(f):
    """A function whose result is one float: steps as floats, and what has three elements weighted."""

    def g(*args):
        y = f(*args).astype(F64)
        return y if y.ndim == 0 else jnp.sum(y * jnp.array([1.0, -2.0, 0.5]))

    return g


def takes_floats(entry):
    """Whether an operation takes floats at all: not so those of bits."""
    try:
        function(entry, variables(entry, ["x", "y"]))(*[jnp.ones(()) for _ in variables(entry, ["x", "y"])])
        return True
    except TypeError:
        return False


def record_special_points():
    x, xy, v = jnp.array(POINTS), jnp.array([[a, b] for a in AXIS for b in AXIS]), jnp.array(VECTORS)
    out = {
        "points": {"unary": flat(x), "binary": flat(xy), "lanes": flat(v)},
        "unary": {},
        "binary": {},
        "lanes": {},
    }
    for entry in filter(takes_floats, OPERATIONS["elementwise"]):
        names = variables(entry, ["x", "y"])
        f = number(function(entry, names))
        if len(names) == 1:
            out["unary"][name_of(entry)] = at_points(f, x)
        else:
            out["binary"][name_of(entry)] = at_points(lambda p, f=f: f(p[0], p[1]), xy)
    for entry in OPERATIONS["vectors"]:
        out["lanes"][name_of(entry)] = at_points(number(function(entry, ["v"])), v)
    return out

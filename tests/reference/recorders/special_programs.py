"""Random expressions that meet special points of derivatives, with what JAX gives there.

Zeros of either sign, ties, ends of domains and sides that are not chosen: an expression of x and y is kept
where some of its first or second derivatives are infinite, NaN, or not the same in all of JAX's modes.
"""

import random

import jax.numpy as jnp
from jax import lax, nn
from jax.scipy import special

from .common import flat
from .points import at_points

AXIS = [0.0, -0.0, 0.5, 1.0, -1.0, 2.0]
POINTS = [[a, b] for a in AXIS for b in AXIS]

# A function here and in JAX, by how many operands it takes.
FUNCTIONS = {
    1: [
        ("np.sqrt({})", "jnp.sqrt({})"), ("np.sqrt({})", "jnp.sqrt({})"), ("np.square({})", "jnp.square({})"),
        ("np.abs({})", "jnp.abs({})"), ("np.log({})", "jnp.log({})"), ("np.exp({})", "jnp.exp({})"),
        ("np.reciprocal({})", "jnp.reciprocal({})"), ("np.acos({})", "jnp.arccos({})"),
        ("np.asin({})", "jnp.arcsin({})"), ("np.atanh({})", "jnp.arctanh({})"), ("np.log1p({})", "jnp.log1p({})"),
        ("np.cbrt({})", "jnp.cbrt({})"), ("np.tanh({})", "jnp.tanh({})"), ("np.neg({})", "jnp.negative({})"),
        ("np.sin({})", "jnp.sin({})"), ("np.sinc({})", "jnp.sinc({})"), ("np.sign({})", "jnp.sign({})"),
        ("np.floor({})", "jnp.floor({})"), ("nn.relu({})", "nn.relu({})"), ("nn.softplus({})", "nn.softplus({})"),
        ("np.pow({}, 1.5)", "jnp.power({}, 1.5)"), ("np.pow({}, 3)", "lax.integer_pow({}, 3)"),
        ("np.pow({}, -1)", "lax.integer_pow({}, -1)"), ("np.clip({}, -1, 1)", "jnp.clip({}, -1, 1)"),
        ("np.stopGradient({})", "lax.stop_gradient({})"), ("lax.rsqrt({})", "lax.rsqrt({})"),
    ],
    2: [
        ("np.add({}, {})", "jnp.add({}, {})"), ("np.sub({}, {})", "jnp.subtract({}, {})"),
        ("np.mul({}, {})", "jnp.multiply({}, {})"), ("np.mul({}, {})", "jnp.multiply({}, {})"),
        ("np.div({}, {})", "jnp.divide({}, {})"), ("np.div({}, {})", "jnp.divide({}, {})"),
        ("np.maximum({}, {})", "jnp.maximum({}, {})"), ("np.minimum({}, {})", "jnp.minimum({}, {})"),
        ("np.atan2({}, {})", "jnp.arctan2({}, {})"), ("np.hypot({}, {})", "jnp.hypot({}, {})"),
        ("np.fmax({}, {})", "jnp.fmax({}, {})"), ("np.mod({}, {})", "jnp.mod({}, {})"),
        ("np.logaddexp({}, {})", "jnp.logaddexp({}, {})"),
        ("np.max(np.stack([{}, {}]))", "jnp.max(jnp.stack([{}, {}]))"),
        ("linalg.norm(np.stack([{}, {}]))", "jnp.linalg.norm(jnp.stack([{}, {}]))"),
        ("linalg.norm(np.stack([{}, {}]), 1)", "jnp.linalg.norm(jnp.stack([{}, {}]), 1)"),
        ("np.prod(np.stack([{}, {}]))", "jnp.prod(jnp.stack([{}, {}]))"),
        ("np.sort(np.stack([{}, {}])).at(0)", "jnp.sort(jnp.stack([{}, {}]))[0]"),
        ("np.std(np.stack([{}, {}]))", "jnp.std(jnp.stack([{}, {}]))"),
        ("nn.softmax(np.stack([{}, {}])).at(0)", "nn.softmax(jnp.stack([{}, {}]))[0]"),
        ("special.logsumexp(np.stack([{}, {}]))", "special.logsumexp(jnp.stack([{}, {}]))"),
    ],
    3: [
        ("np.where(np.greater({}, 0), {}, {})", "jnp.where(jnp.greater({}, 0), {}, {})"),
        ("np.where(np.greater({}, 0), {}, {})", "jnp.where(jnp.greater({}, 0), {}, {})"),
        ("np.where(np.equal({}, 1), {}, {})", "jnp.where(jnp.equal({}, 1), {}, {})"),
    ],
}
SCOPE = {"jnp": jnp, "nn": nn, "lax": lax, "special": special}


def drawn(r, depth):
    """An expression here and in JAX, of at most so many functions in each other."""
    if depth == 0 or r.random() < 0.1:
        return r.choice([("x", "x"), ("y", "y")])
    arity = r.choices([1, 2, 3], [5, 4, 2])[0]
    here, jax = r.choice(FUNCTIONS[arity])
    parts = [drawn(r, depth - 1) for _ in range(arity)]
    return here.format(*[p[0] for p in parts]), jax.format(*[p[1] for p in parts])


def telling(case):
    """Whether special points are met, JAX's modes agree on half of the rest, and something is defined at all."""
    numbers = case["first"] + case["second"]
    known = [v for v in numbers if v is not None]
    finite = [v for v in known if not isinstance(v, str)]
    special_ = [v for v in known if isinstance(v, str)]
    return 8 <= len(special_) <= len(numbers) / 2 and len(known) > len(numbers) / 2 and len(set(finite)) > 8


def record_special_programs(count=60, seed=5):
    r = random.Random(seed)
    points = jnp.array(POINTS)
    programs, seen = [], set()
    while len(programs) < count:
        here, jax = drawn(r, r.randint(2, 3))
        if jax in seen or "x" not in here or "y" not in here:
            continue
        seen.add(jax)
        f = eval(f"lambda x, y: {jax}", SCOPE)
        case = at_points(lambda p, f=f: f(p[0], p[1]), points, compiled=True)
        if telling(case):
            programs.append({"here": here, "jax": jax, **case})
    return {"points": flat(points), "programs": programs}

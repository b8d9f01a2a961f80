"""Recorder of the values of Flax's NNX in nnx.json.

The tests read the JSON file alone.  Run this only to record it anew:

    python3 -m venv flaxenv
    flaxenv/bin/python -m pip install jax==0.10.2 jaxlib==0.10.2 flax==0.12.8 optax==0.2.8 numpy
    flaxenv/bin/python tests/reference/record_nnx.py [OUT_DIR]

Arrays are nested lists; keys are their two words.  A case has `state`, the arrays of the model before, by
path, `after`, those afterwards, and results under names of their own.
"""

import json
import os
import sys

import jax

jax.config.update("jax_platforms", "cpu")

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

CASES = {}


def plain(x):
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        x = jax.random.key_data(x)
    if isinstance(x, (jax.Array, np.ndarray)):
        return np.asarray(x).tolist()
    return x


def arrays(node):
    """The arrays of a model by path."""
    out = {}
    for path, variable in nnx.to_flat_state(nnx.state(node)):
        # Masks of convolutions are arrays, not variables.
        if hasattr(variable, "get_value"):
            out["/".join(map(str, path))] = plain(variable.get_value())
    return out


def by_path(state):
    out = {}
    for path, variable in nnx.to_flat_state(state):
        value = variable.get_value() if hasattr(variable, "get_value") else variable
        out["/".join(map(str, path))] = plain(value)
    return out


def record(f):
    CASES[f.__name__] = plain(f())
    return f


def batch(shape, seed=0):
    return jax.random.normal(jax.random.key(100 + seed), shape)


@record
def keys():
    rngs = nnx.Rngs(0, params=1)
    drawn = [rngs.params(), rngs(), rngs.dropout(), rngs.params()]
    fork = rngs.fork()
    split = nnx.Rngs(5).split(3)
    backup = nnx.Rngs(9, dropout=4)
    with nnx.split_rngs(backup, splits=2, only="dropout"):
        inside = [backup.dropout.key.get_value(), backup.dropout.count.get_value()]
    return {
        "drawn": drawn,
        "counts": [rngs.params.count.get_value(), rngs.default.count.get_value()],
        "fork": [fork.params(), fork()],
        "split": split.default.key.get_value(),
        "inside": inside,
        "restored": [backup.dropout.key.get_value(), backup.dropout.count.get_value()],
        "after": backup.dropout(),
    }


class Mixed(nnx.Module):
    def __init__(self, rngs):
        self.embed = nnx.Embed(7, 4, rngs=rngs)
        self.first = nnx.Linear(4, 6, rngs=rngs)
        self.norm = nnx.BatchNorm(6, momentum=0.9, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.layer = nnx.LayerNorm(6, rngs=rngs)
        self.second = nnx.Linear(6, 2, use_bias=False, rngs=rngs)

    def __call__(self, i):
        x = nnx.relu(self.norm(self.first(self.embed(i))))
        return self.second(self.layer(self.drop(x)))


@record
def layers():
    model = Mixed(nnx.Rngs(3))
    i = jnp.array([0, 3, 6, 2, 2])
    y = batch((5, 2))
    state = arrays(model)

    def loss(model):
        out = model(i)
        return ((out - y) ** 2).mean(), out

    (value, out), grads = nnx.value_and_grad(loss, has_aux=True)(model)
    after = arrays(model)
    mask = model.drop(jnp.ones((3, 4)))
    model.eval()
    return {
        "state": state, "y": y, "out": out, "loss": value, "grads": by_path(grads), "after": after,
        "mask": mask, "eval": model(i),
    }


@record
def norm_in_loops():
    out = {}
    x = jnp.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]])
    step = lambda m, c: jnp.tanh(m(c) * 1.5 + c)
    new = lambda: nnx.BatchNorm(2, momentum=0.9, rngs=nnx.Rngs(0))

    m = new()
    # The module is part of the carry, so that its statistics go from step to step.
    y = nnx.scan(
        lambda c, _: ((c[0], step(c[0], c[1])), None), in_axes=(nnx.Carry, 0), out_axes=(nnx.Carry, 0)
    )((m, x), jnp.arange(3))[0][1]
    out["scan"] = {"y": y, "after": arrays(m)}

    m = new()
    _, y = nnx.fori_loop(0, 4, lambda i, c: (c[0], step(c[0], c[1]) + 0.1 * i), (m, x))
    out["fori"] = {"y": y, "after": arrays(m)}

    m = new()
    _, y, _ = nnx.while_loop(
        lambda c: c[2] < 3, lambda c: (c[0], step(c[0], c[1]), c[2] + 1), (m, x, jnp.array(0))
    )
    out["while"] = {"y": y, "after": arrays(m)}

    for name, p in (("taken", True), ("untaken", False)):
        m = new()
        y = nnx.cond(p, lambda m, x: step(m, x), lambda m, x: x, m, x)
        out[name] = {"y": y, "after": arrays(m)}

    m = new()
    g = nnx.grad(lambda m, x: nnx.remat(step)(m, x).sum())(m, x)
    out["remat"] = {"grads": by_path(g), "after": arrays(m)}
    return out


@record
def dropout_in_loop():
    m = nnx.Dropout(0.5, rngs=nnx.Rngs(7))
    _, y = nnx.fori_loop(0, 3, lambda i, c: (c[0], c[0](c[1]) + 1), (m, jnp.ones(6)))
    return {"y": y, "after": arrays(m)}


class Block(nnx.Module):
    def __init__(self, rngs):
        self.linear = nnx.Linear(3, 3, rngs=rngs)
        self.norm = nnx.BatchNorm(3, momentum=0.9, rngs=rngs)
        self.drop = nnx.Dropout(0.25, rngs=rngs)

    def __call__(self, x):
        return jnp.tanh(self.drop(self.norm(self.linear(x)))) + x


@record
def stacked():
    @nnx.split_rngs(splits=4)
    @nnx.vmap(in_axes=(0,), out_axes=0)
    def create(rngs):
        return Block(rngs)

    model = create(nnx.Rngs(0, dropout=1))
    state = arrays(model)
    x = batch((5, 3))

    @nnx.scan(in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)
    def forward(x, block):
        return block(x)

    def loss(model):
        return (forward(x, model) ** 2).sum()

    value, grads = nnx.value_and_grad(loss)(model)
    return {"state": state, "x": x, "loss": value, "grads": by_path(grads), "after": arrays(model)}


@record
def ensemble():
    @nnx.split_rngs(splits=3)
    @nnx.vmap(in_axes=(0,), out_axes=0)
    def create(rngs):
        return Block(rngs)

    model = create(nnx.Rngs(2))
    state = arrays(model)
    x = batch((5, 3))
    axes = nnx.StateAxes({...: 0})
    out = nnx.vmap(lambda m, x: m(x), in_axes=(axes, None), out_axes=0)(model, x)
    return {"state": state, "x": x, "out": out, "after": arrays(model)}


@record
def shared_lanes():
    """Lanes that share parameters, with keys of their own."""
    m = nnx.Dropout(0.5, rngs=nnx.Rngs(11))
    with nnx.split_rngs(m, splits=4):
        y = nnx.vmap(lambda m, x: m(x))(m, jnp.ones((4, 3)))
    return {"y": y, "after": arrays(m)}


class Sequence(nnx.Module):
    def __init__(self, cell, rngs):
        self.cell = cell(3, 4, rngs=rngs)

    def __call__(self, xs):
        carry = self.cell.initialize_carry((2, 3), rngs=nnx.Rngs(0))
        return nnx.scan(
            lambda carry, cell, x: cell(carry, x), in_axes=(nnx.Carry, None, 0),
            out_axes=(nnx.Carry, 0),
        )(carry, self.cell, xs)


@record
def cells():
    out = {}
    xs = batch((5, 2, 3))
    for name, cell in (("lstm", nnx.LSTMCell), ("gru", nnx.GRUCell)):
        m = Sequence(cell, nnx.Rngs(4))
        carry, ys = m(xs)
        grads = nnx.grad(lambda m: (m(xs)[1] ** 2).sum())(m)
        out[name] = {
            "state": arrays(m), "xs": xs, "carry": carry, "ys": ys, "grads": by_path(grads)
        }
    return out


@record
def attention():
    m = nnx.MultiHeadAttention(2, 4, qkv_features=6, dropout_rate=0.25, decode=False, deterministic=False,
                               rngs=nnx.Rngs(6))
    x, z = batch((2, 3, 4)), batch((2, 5, 4), 1)
    mask = jnp.tril(jnp.ones((2, 1, 3, 5), bool))
    state = arrays(m)
    dropped = m(x, z, mask=mask)
    out = m(x, z, mask=mask, deterministic=True)
    own = m(x, deterministic=True)
    grads = nnx.grad(lambda m: (m(x, z, mask=mask, deterministic=True) ** 2).sum())(m)
    return {"state": state, "x": x, "z": z, "out": out, "self": own, "dropped": dropped,
            "grads": by_path(grads), "after": arrays(m)}


@record
def decoding():
    """One token at a time, with normalised queries and keys; and all at once under a causal mask."""
    m = nnx.MultiHeadAttention(2, 4, qkv_features=6, decode=True, normalize_qk=True, rngs=nnx.Rngs(7))
    m.init_cache((2, 3, 4))
    x = batch((2, 3, 4), 3)
    state = arrays(m)
    steps = [m(x[:, i:i + 1]) for i in range(3)]
    after = arrays(m)
    whole = m(x, decode=False, mask=nnx.make_causal_mask(x[..., 0]), sow_weights=True)
    (weights,) = m.attention_weights.get_value()
    return {"state": state, "x": x, "steps": steps, "after": after, "whole": whole, "weights": weights}


@record
def norms():
    x = batch((2, 3, 6), 4)
    out = {"x": x}
    made = {
        "rms": nnx.RMSNorm(6, scale_init=nnx.initializers.normal(1.0), rngs=nnx.Rngs(1)),
        "bare": nnx.RMSNorm(6, use_scale=False, epsilon=0.1, rngs=nnx.Rngs(1)),
        "group": nnx.GroupNorm(6, num_groups=3, scale_init=nnx.initializers.normal(1.0), rngs=nnx.Rngs(2)),
        "sized": nnx.GroupNorm(6, num_groups=None, group_size=3, use_bias=False, rngs=nnx.Rngs(2)),
    }
    for name, m in made.items():
        grads = nnx.grad(lambda m: (m(x) ** 3).sum())(m) if jax.tree.leaves(nnx.state(m)) else {}
        out[name] = {"state": arrays(m), "y": m(x), "grads": by_path(grads) if grads else {}}
    return out


@record
def norm_options():
    x = batch((2, 4, 3), 7)
    mask = jnp.array([[[1, 1, 0]], [[1, 0, 1]]], bool)
    out = {"x": x, "mask": mask}
    made = {
        "batch": nnx.BatchNorm(4, axis=1, momentum=0.75, use_fast_variance=False, rngs=nnx.Rngs(1)),
        "layer": nnx.LayerNorm(12, reduction_axes=(1, 2), feature_axes=(1, 2), rngs=nnx.Rngs(2)),
        "rms": nnx.RMSNorm(4, reduction_axes=(0, 2), feature_axes=1, rngs=nnx.Rngs(3)),
        "group": nnx.GroupNorm(3, num_groups=1, epsilon=1e-2, rngs=nnx.Rngs(4)),
        "instance": nnx.InstanceNorm(4, feature_axes=1, use_scale=False, rngs=nnx.Rngs(5)),
    }
    for name, m in made.items():
        y = m(x, mask=mask)
        state = arrays(m)
        dx = nnx.grad(lambda m, x: (m(x, mask=mask) ** 3).sum(), argnums=1)(m, x)
        out[name] = {"state": state, "y": y, "dx": dx}
    return out


@record
def norms_over_lanes():
    x = batch((3, 2, 4), 9)
    out = {"x": x}
    made = {
        "batch": nnx.BatchNorm(4, axis_name="lanes", rngs=nnx.Rngs(1)),
        "layer": nnx.LayerNorm(4, axis_name="lanes", rngs=nnx.Rngs(2)),
        "rms": nnx.RMSNorm(4, axis_name="lanes", rngs=nnx.Rngs(3)),
        "group": nnx.GroupNorm(4, num_groups=2, axis_name="lanes", rngs=nnx.Rngs(4)),
        "instance": nnx.InstanceNorm(4, axis_name="lanes", rngs=nnx.Rngs(5)),
    }
    for name, m in made.items():
        run = nnx.vmap(lambda m, x: m(x), in_axes=(None, 0), axis_name="lanes")
        out[name] = {"y": run(m, x), "state": arrays(m)}
    return out


@record
def weight_norms():
    x = batch((2, 5), 10)
    rngs = nnx.Rngs(3)
    unit = nnx.WeightNorm(nnx.Linear(5, 4, rngs=rngs), epsilon=1e-2, rngs=rngs)
    unit.scales[("kernel",)] = batch((4,), 11)
    whole = nnx.WeightNorm(nnx.Linear(4, 3, rngs=rngs), feature_axes=0, use_scale=False, rngs=rngs)
    spectral = nnx.SpectralNorm(nnx.Linear(3, 2, rngs=rngs), n_steps=2, rngs=rngs)

    def run(layers, x):
        for layer in layers:
            x = layer(x)
        return x

    layers = (unit, whole, spectral)
    y = run(layers, x)
    dx = nnx.grad(lambda layers, x: jnp.sin(run(layers, x)).sum(), argnums=1)(layers, x)
    return {
        "x": x,
        "y": y,
        "dx": dx,
        "scale": unit.scales[("kernel",)],
        "kernels": [m.layer_instance.kernel.get_value() for m in layers],
        "u": spectral.batch_stats[("kernel", "u")].get_value(),
        "sigma": spectral.batch_stats[("kernel", "sigma")].get_value(),
    }


@record
def sequences():
    xs = batch((2, 5, 3), 5)
    lengths = jnp.array([3, 5])
    out = {"xs": xs, "lengths": lengths}
    cells = {
        "simple": nnx.SimpleCell(3, 4, residual=True, rngs=nnx.Rngs(8)),
        "optimized": nnx.OptimizedLSTMCell(3, 4, rngs=nnx.Rngs(8)),
        "gru": nnx.GRUCell(3, 4, rngs=nnx.Rngs(8)),
    }
    for name, cell in cells.items():
        rnn = nnx.RNN(cell, rngs=False)
        call = lambda xs, **options: rnn(xs, rngs=nnx.Rngs(0), **options)
        carry, ys = call(xs, return_carry=True)
        ends, _ = call(xs, return_carry=True, seq_lengths=lengths)
        out[name] = {
            "state": arrays(rnn),
            "ys": ys,
            "carry": carry,
            "ends": ends,
            "major": call(jnp.swapaxes(xs, 0, 1), time_major=True),
            "reverse": call(xs, reverse=True),
            "kept": call(xs, reverse=True, keep_order=True, seq_lengths=lengths),
            "grads": by_path(nnx.grad(lambda m: (m(xs, rngs=nnx.Rngs(0)) ** 2).sum())(rnn)),
        }
    both = nnx.Bidirectional(
        nnx.RNN(cells["gru"], rngs=False), nnx.RNN(nnx.GRUCell(3, 4, rngs=nnx.Rngs(9)), rngs=False), rngs=False)
    carry, ys = both(xs, rngs=nnx.Rngs(0), seq_lengths=lengths, return_carry=True)
    out["both"] = {"state": arrays(both), "ys": ys, "carry": carry}
    return out


class Regressor(nnx.Module):
    def __init__(self, rngs):
        # No bias: after it comes a norm, so that its gradient is rounding alone, which Adam makes large.
        self.a = nnx.Linear(3, 5, use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(5, momentum=0.9, rngs=rngs)
        self.b = nnx.Linear(5, 1, rngs=rngs)

    def __call__(self, x):
        return self.b(jnp.tanh(self.norm(self.a(x))))


@record
def training():
    out = {}
    xs, ys = batch((6, 8, 3)), batch((6, 8, 1), 1)
    for name, tx in (("sgd", optax.sgd(0.1, momentum=0.9)), ("adam", optax.adam(0.05))):
        m = Regressor(nnx.Rngs(8))
        opt = nnx.Optimizer(m, tx, wrt=nnx.Param)
        state = arrays(m)

        def step(carry, xy):
            m, opt = carry
            x, y = xy
            loss, grads = nnx.value_and_grad(lambda m: ((m(x) - y) ** 2).mean())(m)
            opt.update(m, grads)
            return (m, opt), loss

        _, losses = nnx.scan(step, in_axes=(nnx.Carry, 0), out_axes=(nnx.Carry, 0))((m, opt), (xs, ys))
        out[name] = {"state": state, "losses": losses, "after": arrays(m), "step": opt.step[...]}
    return {"xs": xs, "ys": ys, **out}


class Tied(nnx.Module):
    def __init__(self, rngs):
        self.a = nnx.Linear(2, 2, rngs=rngs)
        self.b = self.a

    def __call__(self, x):
        return self.b(jnp.tanh(self.a(x)))


@record
def tied():
    m = Tied(nnx.Rngs(1))
    x = jnp.array([1.0, 2.0])
    value, grads = nnx.value_and_grad(lambda m: m(x).sum())(m)
    return {"state": arrays(m), "loss": value, "grads": by_path(grads)}


@record
def equilibrium():
    m = nnx.Linear(3, 3, kernel_init=nnx.initializers.normal(0.3), rngs=nnx.Rngs(2))
    x = jnp.array([0.3, -0.2, 0.4])

    def solve(m):
        z = jnp.zeros(3)
        for _ in range(200):
            z = jnp.tanh(m(z) + x)
        return z

    grads = nnx.grad(lambda m: (solve(m) ** 2).sum())(m)
    return {"state": arrays(m), "x": x, "value": solve(m), "grads": by_path(grads)}


@record
def convolutions():
    out = {}
    one, two = batch((2, 7, 3), 6), batch((2, 5, 4, 2), 7)
    made = {
        "conv": (two, nnx.Conv(2, 3, (3, 2), rngs=nnx.Rngs(1))),
        "causal": (one, nnx.Conv(3, 2, 3, 2, padding="CAUSAL", kernel_dilation=2, rngs=nnx.Rngs(2))),
        "groups": (
            two,
            nnx.Conv(2, 4, (3, 3), strides=(2, 1), padding="CIRCULAR", feature_group_count=2, use_bias=False,
                     rngs=nnx.Rngs(3)),
        ),
        "pairs": (two, nnx.Conv(2, 3, (2, 3), padding=[1, (0, 2)], input_dilation=2, rngs=nnx.Rngs(4))),
        "masked": (one, nnx.Conv(3, 2, 2, mask=jnp.tril(jnp.ones((2, 3, 2))), rngs=nnx.Rngs(5))),
        "transpose": (two, nnx.ConvTranspose(2, 3, (3, 2), strides=(2, 1), rngs=nnx.Rngs(6))),
        "round": (
            two,
            nnx.ConvTranspose(2, 3, (3, 4), strides=2, padding="CIRCULAR", transpose_kernel=True,
                              bias_init=nnx.initializers.normal(0.5), rngs=nnx.Rngs(7)),
        ),
        "causalTranspose": (one, nnx.ConvTranspose(3, 2, 3, padding=[(2, 0)], kernel_dilation=2, rngs=nnx.Rngs(8))),
        "instance": (two, nnx.InstanceNorm(2, scale_init=nnx.initializers.normal(1.0), rngs=nnx.Rngs(9))),
    }
    for name, (x, m) in made.items():
        grads, dx = nnx.grad(lambda m, x: jnp.sin(m(x)).sum(), argnums=(0, 1))(m, x)
        out[name] = {"x": x, "state": arrays(m), "y": m(x), "grads": by_path(grads), "dx": dx}
    x = batch((2, 5, 4, 3), 8)
    out["pools"] = {
        "x": x,
        "avg": nnx.avg_pool(x, (2, 2), strides=(2, 1)),
        "max": nnx.max_pool(x, (3, 2), padding="SAME"),
        "min": nnx.min_pool(x, (2, 3), padding=((1, 0), (0, 1))),
        "inside": nnx.avg_pool(x, (3, 3), padding="SAME", count_include_pad=False),
    }
    return out


@record
def general():
    out = {}
    two, four = batch((3, 2, 4), 20), batch((2, 3, 4, 5), 21)
    some = nnx.initializers.normal(0.5)
    made = {
        "general": (four, nnx.LinearGeneral((3, 5), (2, 3), axis=(1, -1), bias_init=some, rngs=nnx.Rngs(1))),
        "generalOwn": (
            four,
            nnx.LinearGeneral(4, (2,), axis=2, batch_axis={0: 2, 1: 3}, bias_init=some, rngs=nnx.Rngs(2)),
        ),
        "generalBare": (two, nnx.LinearGeneral(4, 3, use_bias=False, rngs=nnx.Rngs(3))),
        "einsum": (two, nnx.Einsum("nta,hab->nthb", (3, 4, 2), (3, 2), bias_init=some, rngs=nnx.Rngs(4))),
        "einsumDots": (four, nnx.Einsum("...ab,bc->...ca", (5, 2), (2,), bias_init=some, rngs=nnx.Rngs(5))),
        "einsumBare": (two, nnx.Einsum("abc, cd -> da", (4, 3), rngs=nnx.Rngs(6))),
        "lora": (two, nnx.LoRA(4, 2, 3, base_module=nnx.Linear(4, 3, rngs=nnx.Rngs(7)), b_initializer=some,
                               rngs=nnx.Rngs(8))),
        "loraLinear": (two, nnx.LoRALinear(4, 3, lora_rank=2, b_initializer=some, rngs=nnx.Rngs(9))),
        "sequential": (
            two,
            nnx.Sequential(
                nnx.Linear(4, 2, rngs=nnx.Rngs(10)), jnp.sin, lambda x: (x, 2 * x), jnp.add, nnx.PReLU(0.2)
            ),
        ),
    }
    for name, (x, m) in made.items():
        grads, dx = nnx.grad(lambda m, x: jnp.sin(m(x)).sum(), argnums=(0, 1))(m, x)
        out[name] = {"x": x, "state": arrays(m), "y": m(x), "grads": by_path(grads), "dx": dx}
    return out


@record
def metrics():
    values, logits = batch((2, 3, 4), 22), batch((2, 5, 3), 23)
    labels = jnp.array([[0, 1, 2, 0, 1], [1, 1, 0, 2, 2]])
    own = nnx.MultiMetric(
        mean=nnx.metrics.Average(), spread=nnx.metrics.Welford(), right=nnx.metrics.Accuracy()
    )
    masked, yes = nnx.metrics.Average(), nnx.metrics.Accuracy(threshold=0.25)
    after = []
    for i in range(2):
        own.update(values=values[i], logits=logits[i], labels=labels[i])
        masked.update(values=values[i], mask=values[i] > 0)
        yes.update(logits=logits[i, :, 0], labels=labels[i])
        got = own.compute()
        s = got["spread"]
        after.append(
            {
                "mean": got["mean"],
                "right": got["right"],
                "masked": masked.compute(),
                "yes": yes.compute(),
                "spread": [s.mean, s.standard_error_of_mean, s.standard_deviation],
            }
        )
    return {"values": values, "logits": logits, "labels": labels, "after": after}


class Sower(nnx.Module):
    def __init__(self, rngs):
        self.linear = nnx.Linear(3, 3, rngs=rngs)

    def __call__(self, x):
        y = jnp.tanh(self.linear(x))
        self.sow(nnx.Intermediate, "seen", y)
        return y


@record
def sown():
    def made():
        @nnx.split_rngs(splits=4)
        @nnx.vmap(in_axes=(0,), out_axes=0)
        def create(rngs):
            return Sower(rngs)

        return create(nnx.Rngs(3)), Sower(nnx.Rngs(4))

    x, xs = batch((3,), 24), batch((4, 3), 25)
    axes = nnx.StateAxes({nnx.Intermediate: 1, ...: None})
    steps = nnx.scan(lambda x, m: m(x), in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)
    again = nnx.scan(lambda x, m: m(x), in_axes=(nnx.Carry, axes), out_axes=nnx.Carry, length=2)
    lanes = nnx.vmap(lambda m, x: m(x), in_axes=(0, None))
    shared = nnx.vmap(lambda m, x: m(x), in_axes=(axes, 0))
    ways = {
        "scan": lambda many, one: steps(x, many),
        "repeat": lambda many, one: again(x, one),
        "vmap": lambda many, one: lanes(many, x),
        "shared": lambda many, one: shared(one, xs),
        "remat": lambda many, one: nnx.remat(lambda m, x: m(x))(one, x),
        "cond": lambda many, one: nnx.cond(
            x[0] > 100, lambda m, x: m(x), lambda m, x: m(2 * x), one, x
        ),
    }
    out = {}
    for name, way in ways.items():
        many, one = made()
        for _ in range(2):
            way(many, one)
        out[name] = [by_path(nnx.state(m, nnx.Intermediate)) for m in (many, one)]
    return {"x": x, "xs": xs, "after": out}


def main():
    out_dir = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(out_dir, "nnx.json"), "w") as out:
        json.dump(CASES, out, indent=None, separators=(",", ":"))
        out.write("\n")


main()

"""Recorder of flax.json: what flax.linen computes, for tests of adapters/flax.

    jaxenv/bin/python -m pip install flax==0.12.8
    jaxenv/bin/python tests/reference/record_flax.py [OUT_DIR]

The environment is that of record.py, which says how arrays are encoded. Each case has what the test gives
to the model of the same name (variables, inputs, seeds) and what flax gives back. Variables that are drawn
are recorded as drawn, so that a test can compare its own initial values with them, and start from these.
"""

import os
import sys

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp

from record import write
from recorders.common import arr, pseudo

CASES = {}


def f32(seed, shape, scale=1.0):
    return jnp.asarray(pseudo(seed, shape, scale), jnp.float32)


def tree(x):
    if isinstance(x, dict):
        return {k: tree(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [tree(v) for v in x]
    x = jnp.asarray(x)
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        x = jax.random.key_data(x)
    return arr(x)


def case(name, **fields):
    CASES[name] = {k: tree(v) for k, v in fields.items()}


def loss(model, x, **options):
    """Sum of sines of the output, with changed variables as auxiliary output."""

    def f(params, x, rest):
        out = model.apply({"params": params, **rest}, x, **options)
        out, changed = out if "mutable" in options else (out, {})
        return jnp.sum(jnp.sin(out)), (out, changed)

    return f


def trained(name, model, x, seed=0, rest=None, **options):
    """Initial variables; output, changed variables, and gradients by parameters and input."""
    variables = {"params": {}, **model.init(jax.random.key(seed), x)}
    rest = {k: v for k, v in variables.items() if k != "params"} if rest is None else rest
    (_, (out, changed)), (dp, dx) = jax.value_and_grad(
        loss(model, x, **options), argnums=(0, 1), has_aux=True
    )(variables["params"], x, rest)
    case(name, x=x, variables={**variables, **rest}, out=out, changed=changed, grads=dp, dx=dx)


# ------------------------------------------------------------------ keys


class Draws(nn.Module):
    @nn.compact
    def __call__(self):
        def both():
            return [self.make_rng("params"), self.make_rng("noise")]

        return {"first": both(), "inner": Inner()(), "named": Inner(name="ab")(), "again": both()}


class Inner(nn.Module):
    @nn.compact
    def __call__(self):
        return [self.make_rng("noise"), Leaf()(), self.make_rng("other")]


class Leaf(nn.Module):
    @nn.compact
    def __call__(self):
        return [self.make_rng("noise") for _ in range(2)]


case(
    "keys",
    drawn=Draws().apply({}, rngs={"params": jax.random.key(3), "noise": jax.random.key(4)}),
)


class ScanDraws(nn.Module):
    @nn.compact
    def __call__(self):
        def body(mdl, c, _):
            return c, [mdl.make_rng("noise"), Leaf(name="leaf")()]

        _, split = nn.scan(body, split_rngs={"noise": True}, length=3)(self, 0.0, None)
        lanes = nn.vmap(lambda mdl, x: mdl.make_rng("noise"), variable_axes={}, split_rngs={"noise": True})(
            self, jnp.zeros(3)
        )
        shared = nn.vmap(lambda mdl, x: mdl.make_rng("noise"), variable_axes={}, split_rngs={"noise": False})(
            self, jnp.zeros(2)
        )
        remat = nn.remat(lambda mdl: mdl.make_rng("noise"))(self)
        after = self.make_rng("noise")
        branch = nn.cond(True, lambda mdl: mdl.make_rng("noise"), lambda mdl: mdl.make_rng("noise"), self)
        return {"scan": split, "lanes": lanes, "shared": shared, "remat": remat, "branch": branch, "after": after}


case("keys_in_transforms", drawn=ScanDraws().apply({}, rngs={"noise": jax.random.key(4)}))

# ---------------------------------------------------------------- layers


class MLP(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.tanh(nn.Dense(4)(x))
        scale = self.param("scale", nn.initializers.normal(0.5), (4,))
        return nn.Dense(2)(x * scale)


trained("mlp", MLP(), f32(1, (3, 5)))


class Fields(nn.Module):
    def setup(self):
        self.layers = [nn.Dense(4), nn.Dense(3)]
        self.heads = {"a": nn.Dense(2)}
        self.deep = [[nn.Dense(2)]]

    def __call__(self, x):
        return self.heads["a"](x) + self.deep[0][0](x) + self.layers[1](self.layers[0](x))[..., :2]


trained("fields", Fields(), f32(2, (3, 5)))


class Normed(nn.Module):
    training: bool = True

    @nn.compact
    def __call__(self, x):
        x = nn.BatchNorm(use_running_average=not self.training, momentum=0.9)(x)
        return nn.LayerNorm()(nn.Dense(3)(x))


trained("batch_norm", Normed(), f32(3, (6, 4)), mutable=["batch_stats"])
trained(
    "batch_norm_running",
    Normed(training=False),
    f32(3, (6, 4)),
    rest={"batch_stats": {"BatchNorm_0": {"mean": f32(4, (4,)), "var": jnp.abs(f32(5, (4,)))}}},
)


class Dropped(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Dropout(0.3, deterministic=False)(x)
        x = nn.Dense(4)(x)
        return nn.Dropout(0.5, broadcast_dims=(0,))(x, deterministic=False)


trained("dropout", Dropped(), f32(6, (3, 5)), rngs={"dropout": jax.random.key(9)})


class Tokens(nn.Module):
    @nn.compact
    def __call__(self, ids):
        table = nn.Embed(7, 3)
        return table.attend(table(ids))


ids = jnp.array([[1, 6], [3, 3]])
variables = Tokens().init(jax.random.key(0), ids)
case("embed", x=ids, variables=variables, out=Tokens().apply(variables, ids))

case(
    "initializers",
    **{
        name: init(jax.random.key(5), (4, 6), jnp.float32)
        for name, init in {
            "normal": nn.initializers.normal(0.3),
            "truncatedNormal": nn.initializers.truncated_normal(0.3),
            "uniform": nn.initializers.uniform(0.3),
            "lecunNormal": nn.initializers.lecun_normal(),
            "lecunUniform": nn.initializers.lecun_uniform(),
            "heNormal": nn.initializers.he_normal(),
            "heUniform": nn.initializers.he_uniform(),
            "xavierNormal": nn.initializers.xavier_normal(),
            "xavierUniform": nn.initializers.xavier_uniform(),
            "orthogonal": nn.initializers.orthogonal(2.0),
            "constant": nn.initializers.constant(2.5),
            "zeros": nn.initializers.zeros,
            "ones": nn.initializers.ones,
        }.items()
    },
    tall=nn.initializers.orthogonal()(jax.random.key(5), (7, 3), jnp.float32),
    fans=nn.initializers.variance_scaling(2.0, "fan_geo_avg", "normal", in_axis=0, out_axis=(1, 2))(
        jax.random.key(5), (2, 3, 4), jnp.float32
    ),
)

trained("rms_norm", nn.RMSNorm(scale_init=nn.initializers.normal(0.5)), f32(51, (3, 5)))
trained(
    "rms_norm_axes",
    nn.RMSNorm(reduction_axes=(0, 2), feature_axes=(1, 2), epsilon=1e-3),
    f32(52, (3, 2, 4)),
)
trained("group_norm", nn.GroupNorm(num_groups=3, bias_init=nn.initializers.normal(0.5)), f32(53, (2, 3, 6)))
trained("group_norm_size", nn.GroupNorm(num_groups=None, group_size=2, use_fast_variance=False), f32(54, (3, 4)))
trained("instance_norm", nn.InstanceNorm(scale_init=nn.initializers.normal(0.5)), f32(55, (2, 3, 4)))
trained("instance_norm_axes", nn.InstanceNorm(feature_axes=(1,), use_bias=False), f32(56, (2, 3, 4)))

_mask = jnp.asarray(pseudo(57, (3, 1, 4), 1.0) > -0.3)


class Masked(nn.Module):
    norm: nn.Module

    def __call__(self, x):
        return self.norm(x, mask=_mask)


for _name, _norm in {
    "layer": nn.LayerNorm(reduction_axes=(1, 2)),
    "rms": nn.RMSNorm(reduction_axes=(1, 2)),
    "group": nn.GroupNorm(num_groups=2),
}.items():
    trained(f"masked_{_name}", Masked(_norm), f32(58, (3, 2, 4)))
case("norm_mask", mask=_mask)


class Lengths(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.WeightNorm(nn.Dense(4), variable_filter=None, scale_init=nn.initializers.normal(1.0))(x)
        x = nn.WeightNorm(MLP(), feature_axes=None)(x)
        x = nn.WeightNorm(nn.Conv(2, (2,)), feature_axes=(0, 2), epsilon=1e-2)(x)
        return nn.WeightNorm(nn.Dense(2), use_scale=False, feature_axes=0, name="last")(x)


trained("weight_norm", Lengths(), f32(66, (2, 3, 5)))


class Spectral(nn.Module):
    update: bool = True

    @nn.compact
    def __call__(self, x):
        x = nn.SpectralNorm(nn.Dense(4), n_steps=2)(x, update_stats=self.update)
        x = nn.SpectralNorm(MLP(), epsilon=1e-3)(x, update_stats=self.update)
        return nn.SpectralNorm(nn.Conv(2, (2,)), collection_name="power")(x, update_stats=self.update)


trained("spectral_norm", Spectral(), f32(67, (2, 3, 5)), mutable=["batch_stats", "power"])
trained("spectral_norm_kept", Spectral(update=False), f32(68, (2, 3, 5)))

trained("sequential", nn.Sequential([nn.Dense(4), nn.tanh, nn.Dense(2)]), f32(59, (3, 5)))
trained("simple_cell", nn.RNN(nn.SimpleCell(4)), f32(60, (2, 3, 5)))
trained("simple_cell_residual", nn.RNN(nn.SimpleCell(4, residual=True)), f32(61, (2, 3, 5)))
trained("mgu", nn.RNN(nn.MGUCell(4)), f32(62, (2, 3, 5)))
trained("mgu_no_reset", nn.RNN(nn.MGUCell(4, reset_gate=False)), f32(63, (2, 3, 5)))
trained("optimized_lstm", nn.RNN(nn.OptimizedLSTMCell(4)), f32(64, (2, 3, 5)))
trained(
    "bidirectional",
    nn.Bidirectional(nn.RNN(nn.GRUCell(3)), nn.RNN(nn.SimpleCell(2))),
    f32(65, (2, 3, 5)),
)


class DeepStack(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.remat_scan(nn.Dense, lengths=(2, 3))(4)(x)
        return nn.remat_scan(nn.Dense, lengths=(2,))(4)(x)


trained("remat_scan", DeepStack(), f32(66, (3, 4)))

# ------------------------------------------------------------- recurrent

trained("lstm", nn.RNN(nn.LSTMCell(4)), f32(7, (2, 5, 3)))
trained("gru", nn.RNN(nn.GRUCell(4), reverse=True, keep_order=True), f32(8, (2, 5, 3)))
trained("rnn_lengths", nn.RNN(nn.LSTMCell(4), time_major=True), f32(9, (5, 2, 3)))

lengths = jnp.array([2, 5])
rnn = nn.RNN(nn.GRUCell(4), return_carry=True, reverse=True)
variables = rnn.init(jax.random.key(1), f32(8, (2, 5, 3)))
carry, out = rnn.apply(variables, f32(8, (2, 5, 3)), seq_lengths=lengths)
case("rnn_padded", x=f32(8, (2, 5, 3)), lengths=lengths, variables=variables, carry=carry, out=out)

# ------------------------------------------------------------- attention

attention = nn.MultiHeadDotProductAttention(num_heads=2, qkv_features=6, out_features=3)
trained("attention", attention, f32(10, (2, 4, 5)))
mask = nn.make_causal_mask(jnp.ones((2, 4)))
queries, keys = f32(11, (2, 4, 5)), f32(12, (2, 3, 7))
variables = attention.init(jax.random.key(2), queries, keys)
dropping = nn.MultiHeadDotProductAttention(num_heads=2, qkv_features=6, out_features=3, dropout_rate=0.4,
                                           deterministic=False)
case(
    "attention_options",
    queries=queries,
    keys=keys,
    variables=variables,
    cross=attention.apply(variables, queries, keys),
    self_variables=(own := attention.init(jax.random.key(2), queries)),
    causal=attention.apply(own, queries, mask=mask),
    dropped=dropping.apply(own, queries, rngs={"dropout": jax.random.key(3)}),
    weights=attention.apply(own, queries, sow_weights=True, mutable=["intermediates"])[1],
)

decoder = nn.MultiHeadDotProductAttention(num_heads=2, qkv_features=6, decode=True)
variables = decoder.init(jax.random.key(4), queries)
cache, steps = variables["cache"], []
for i in range(3):
    step, changed = decoder.apply({"params": variables["params"], "cache": cache}, queries[:, i : i + 1],
                                  mutable=["cache"])
    cache = changed["cache"]
    steps.append(step)
case("attention_decode", queries=queries, variables=variables, steps=steps, cache=cache)

# ------------------------------------------------------------ transforms


class Block(nn.Module):
    @nn.compact
    def __call__(self, x, _):
        h = nn.tanh(nn.Dense(3)(x))
        h = nn.Dropout(0.25, deterministic=False)(h)
        self.sow("intermediates", "h", h)
        return x + h, jnp.sum(h)


class Layers(nn.Module):
    @nn.compact
    def __call__(self, x):
        stack = nn.scan(
            Block,
            variable_axes={"params": 0, "intermediates": 0},
            split_rngs={"params": True, "dropout": True},
            length=4,
        )()
        y, sums = stack(x, None)
        return y + jnp.sum(sums)


trained("scan_layers", Layers(), f32(13, (2, 3)), rngs={"dropout": jax.random.key(1)}, mutable=["intermediates"])


class Backwards(nn.Module):
    @nn.compact
    def __call__(self, x):
        stack = nn.scan(
            Block,
            variable_axes={"params": 0, "intermediates": 0},
            split_rngs={"params": True, "dropout": True},
            length=3,
            reverse=True,
        )(name="stack")
        y, sums = stack(x, None)
        return y * sums[0] + sums[1]


trained("scan_reverse", Backwards(), f32(26, (2, 3)), rngs={"dropout": jax.random.key(1)}, mutable=["intermediates"])


class Ensemble(nn.Module):
    @nn.compact
    def __call__(self, x):
        members = nn.vmap(
            MLP, variable_axes={"params": 1}, split_rngs={"params": True}, in_axes=None, out_axes=1, axis_size=3
        )()
        return members(x)


trained("vmap_ensemble", Ensemble(), f32(14, (2, 5)))


class Shared(nn.Module):
    """One cell in all steps, with statistics that are carried and a dropout mask for each step."""

    @nn.compact
    def __call__(self, xs):
        class Cell(nn.Module):
            @nn.compact
            def __call__(self, c, x):
                h = nn.BatchNorm(use_running_average=False, momentum=0.5)(nn.Dense(3)(c + x))
                h = nn.Dropout(0.5, deterministic=False)(nn.tanh(h))
                return h, h

        cell = nn.scan(
            Cell,
            variable_broadcast="params",
            variable_carry="batch_stats",
            split_rngs={"params": False, "dropout": True},
            in_axes=1,
            out_axes=1,
        )
        _, ys = cell(name="cell")(jnp.zeros((xs.shape[0], 3)), xs)
        return ys


xs = f32(15, (5, 4, 3))
shared = Shared()
variables = {
    "params": {"cell": {"Dense_0": {"kernel": f32(16, (3, 3), 0.4), "bias": f32(17, (3,))},
                        "BatchNorm_0": {"scale": jnp.ones(3), "bias": jnp.zeros(3)}}},
    "batch_stats": {"cell": {"BatchNorm_0": {"mean": jnp.zeros(3), "var": jnp.ones(3)}}},
}
(_, (out, changed)), (dp, dx) = jax.value_and_grad(
    loss(shared, xs, rngs={"dropout": jax.random.key(2)}, mutable=["batch_stats"]), argnums=(0, 1), has_aux=True
)(variables["params"], xs, {"batch_stats": variables["batch_stats"]})
case("scan_shared", x=xs, variables=variables, out=out, changed=changed, grads=dp, dx=dx)


class Descent(nn.Module):
    """Steps of gradient descent, with momentum, on the parameters of a module, in a scan."""

    @nn.compact
    def __call__(self, x, y):
        dense = nn.Dense(2)

        def step(dense, c, _):
            def f(dense, x):
                return jnp.mean((dense(x) - y) ** 2)

            value, bwd = nn.vjp(f, dense, x)
            grads = bwd(jnp.ones(()))[0]["params"]
            for name in ("kernel", "bias"):
                v = 0.5 * dense.get_variable("velocity", name) + grads[name]
                dense.put_variable("velocity", name, v)
                dense.put_variable("params", name, dense.get_variable("params", name) - 0.1 * v)
            return c, value

        if self.is_initializing():
            dense(x)
            dense.put_variable("velocity", "kernel", jnp.zeros((3, 2)))
            dense.put_variable("velocity", "bias", jnp.zeros((2,)))
            return jnp.zeros(5)
        _, losses = nn.scan(step, variable_carry=["params", "velocity"], length=5)(dense, 0.0, None)
        return losses


x, y = f32(18, (4, 3)), f32(19, (4, 2))
variables = Descent().init(jax.random.key(0), x, y)
losses, changed = Descent().apply(variables, x, y, mutable=["params", "velocity"])
case("descent", x=x, y=y, variables=variables, losses=losses, changed=changed)


class Words(nn.Module):
    """One use of each of the other lifted transforms."""

    @nn.compact
    def __call__(self, x):
        dense = nn.Dense(3)
        out = {"plain": dense(x)}
        y, bwd = nn.vjp(lambda m, x: jnp.sum(m(x) ** 2), dense, x)
        params_t, x_t = bwd(jnp.ones(()))
        out["vjp"] = [y, params_t["params"], x_t]
        tangents = jax.tree.map(jnp.ones_like, dense.variables["params"])
        out["jvp"] = list(nn.jvp(lambda m, x: jnp.sum(m(x) ** 2), dense, (x,), (x * 2,), {"params": tangents}))
        out["remat"] = nn.remat(lambda m, x: jnp.tanh(m(x)))(dense, x)
        out["jit"] = nn.jit(lambda m, x: jnp.tanh(m(x)))(dense, x)
        transpose = lambda vs: jax.tree.map(lambda v: v.T, vs)
        out["map"] = nn.map_variables(lambda m, x: m(x), "params", transpose)(dense, x)

        def rule(f_scale):
            def f(m, x):
                return jnp.sum(m(x) ** 2)

            def fwd(m, x):
                return nn.vjp(f, m, x)

            def bwd(vjp, t):
                params_t, *inputs_t = vjp(t)
                return (jax.tree.map(lambda g: g * f_scale, params_t), *inputs_t)

            return nn.custom_vjp(f, fwd, bwd)

        out["custom"] = rule(10.0)(dense, x)
        n = self.variable("state", "n", lambda: jnp.zeros(()))

        def body(m, c):
            m.put_variable("state", "n", m.get_variable("state", "n") + 1)
            return c * 0.5

        out["while"] = nn.while_loop(
            lambda m, c: m.get_variable("state", "n") < 4, body, self, x, carry_variables="state"
        )

        def count(by):
            def f(m, x):
                m.put_variable("state", "n", m.get_variable("state", "n") + by)
                return x * by

            return f

        out["cond"] = nn.cond(jnp.sum(x) > 100, count(10.0), count(20.0), self, x)
        out["switch"] = nn.switch(2, [count(1.0), count(2.0), count(3.0)], self, x)
        out["n"] = n.value
        return out


x = f32(20, (2, 3))
variables = {"params": {"Dense_0": {"kernel": f32(21, (3, 3)), "bias": f32(22, (3,))}},
             "state": {"n": jnp.zeros(())}}
out, changed = Words().apply(variables, x, mutable=["state"])
grads = jax.grad(lambda p: Words().apply({**variables, "params": p}, x, mutable=["state"])[0]["custom"])(
    variables["params"]
)
case("words", x=x, variables=variables, out=out, changed=changed, custom_grads=grads)


class Tied(nn.Module):
    """An autoencoder whose decoder has the weights of the encoder, transposed."""

    @nn.compact
    def __call__(self, x):
        encoder = nn.Dense(2, use_bias=False, name="encoder")
        transposed = lambda vs: jax.tree.map(lambda v: v.T, vs)

        class Triangle(nn.Module):
            @nn.compact
            def __call__(self, x):
                return nn.map_variables(
                    nn.Dense, "params", lambda vs: jax.tree.map(jnp.triu, vs), init=self.is_initializing()
                )(4, use_bias=False, name="masked")(x)

        h = encoder(Triangle(name="triangle")(x))
        return nn.map_variables(lambda m, h: h @ m.get_variable("params", "kernel"), "params", transposed)(
            encoder, h
        )


trained("tied", Tied(), f32(23, (3, 4)))


class Perturbed(nn.Module):
    @nn.compact
    def __call__(self, x):
        h = self.perturb("h", nn.Dense(3)(x))
        return nn.Dense(2)(jnp.tanh(h))


x = f32(24, (2, 4))
variables = Perturbed().init(jax.random.key(0), x)
grads = jax.grad(lambda v: jnp.sum(Perturbed().apply(v, x) ** 2))(variables)
case("perturb", x=x, variables=variables, grads=grads)


class Lora(nn.Module):
    def setup(self):
        self.child = nn.Dense(2)
        nn.share_scope(self, self.child)

    @nn.compact
    def __call__(self, x):
        a = self.param("A", nn.initializers.normal(1.0), (x.shape[-1], 1))
        b = self.param("B", nn.initializers.normal(1.0), (1, 2))
        return self.child(x) + x @ a @ b


class Adapted(nn.Module):
    @nn.compact
    def __call__(self, x):
        return Lora()(x)


trained("share_scope", Adapted(), f32(25, (3, 4)))

# ---------------------------------------------------------- convolutions

trained("conv", nn.Conv(4, (3, 3)), f32(70, (2, 5, 6, 3)))
trained("conv_one_axis", nn.Conv(4, 3, strides=2, padding="CAUSAL", kernel_dilation=2), f32(71, (2, 7, 3)))
trained("conv_valid", nn.Conv(4, (3, 2), strides=(2, 1), padding="VALID", use_bias=False), f32(72, (2, 6, 5, 3)))
trained("conv_circular", nn.Conv(3, (4, 3), padding="CIRCULAR", kernel_dilation=(1, 2)), f32(73, (1, 5, 6, 2)))
trained("conv_reflect", nn.Conv(3, (3, 4), padding="REFLECT", strides=2), f32(74, (2, 5, 6, 2)))
trained(
    "conv_pairs",
    nn.Conv(3, (3, 2), padding=[1, (0, 2)], input_dilation=(2, 1), bias_init=nn.initializers.normal(0.5)),
    f32(75, (2, 4, 5, 2)),
)
trained("conv_groups", nn.Conv(6, (3,), feature_group_count=2), f32(76, (2, 3, 7, 4)))
trained("conv_no_batch", nn.Conv(2, (2, 2, 3), padding=1), f32(77, (3, 4, 4, 2)))
_weights_mask = jnp.asarray(pseudo(78, (3, 2, 4), 1.0) > 0, jnp.float32)
case("conv_mask", mask=_weights_mask)
trained("conv_masked", nn.Conv(4, (3,), mask=_weights_mask), f32(78, (2, 5, 2)))
trained("conv_local", nn.ConvLocal(3, (3, 2), strides=(2, 1)), f32(79, (2, 5, 4, 2)))
trained("conv_local_valid", nn.ConvLocal(3, (3,), padding="VALID", kernel_dilation=2), f32(80, (2, 2, 8, 2)))
trained(
    "conv_local_pairs", nn.ConvLocal(3, 3, padding=[(1, 2)], input_dilation=2, strides=3), f32(81, (2, 5, 2))
)
trained("conv_transpose", nn.ConvTranspose(4, (3, 3), strides=(2, 2)), f32(82, (2, 4, 3, 2)))
trained("conv_transpose_valid", nn.ConvTranspose(3, (4,), strides=(2,), padding="VALID"), f32(83, (2, 3, 4, 2)))
trained(
    "conv_transpose_kernel",
    nn.ConvTranspose(3, (4, 3), strides=(2, 1), transpose_kernel=True, kernel_dilation=(1, 2)),
    f32(84, (2, 4, 3, 2)),
)
trained("conv_transpose_pairs", nn.ConvTranspose(3, (3,), padding=[(1, 2)], use_bias=False), f32(85, (5, 2)))
trained("conv_transpose_round", nn.ConvTranspose(3, (4, 3), strides=(2, 2), padding="CIRCULAR"), f32(86, (1, 4, 3, 2)))
trained(
    "conv_transpose_round_kernel",
    nn.ConvTranspose(3, (5, 2), strides=(2, 3), padding="CIRCULAR", transpose_kernel=True),
    f32(87, (1, 3, 4, 2)),
)


class Pooled(nn.Module):
    pool: object

    def __call__(self, x):
        return self.pool(x)


for _name, _pool, _shape in [
    ("avg", lambda x: nn.avg_pool(x, (2, 2), strides=(2, 2)), (2, 4, 5, 3)),
    ("avg_same", lambda x: nn.avg_pool(x, (3, 2), strides=(2, 1), padding="SAME"), (2, 4, 5, 3)),
    ("avg_inside", lambda x: nn.avg_pool(x, (3, 2), (2, 1), "SAME", count_include_pad=False), (2, 4, 5, 3)),
    ("avg_pairs", lambda x: nn.avg_pool(x, (3,), padding=((1, 2),), count_include_pad=False), (3, 5, 2)),
    ("max", lambda x: nn.max_pool(x, (3, 2), strides=(2, 2), padding="SAME"), (2, 5, 4, 3)),
    ("max_one", lambda x: nn.max_pool(x, (2, 2)), (4, 5, 3)),
    ("min", lambda x: nn.pooling.min_pool(x, (3,), padding=((1, 0),)), (2, 5, 3)),
]:
    trained(f"pool_{_name}", Pooled(_pool), f32(88, _shape), rest={})

some = nn.initializers.normal(0.5)
trained("einsum", nn.Einsum((5, 3, 2), "abc,cde->abde", bias_init=some), f32(90, (2, 3, 5)))
trained("einsum_dots", nn.Einsum((5, 2), "...ab,bc->...ca", bias_init=some), f32(91, (2, 3, 4, 5)))
trained("einsum_bare", nn.Einsum((4, 3), "abc, cd -> da", use_bias=False), f32(92, (3, 2, 4)))
trained("prelu", nn.PReLU(negative_slope_init=0.2), f32(93, (3, 4)))
trained("conv_lstm", nn.RNN(nn.ConvLSTMCell(3, (3, 2), strides=(1, 1))), f32(94, (2, 3, 4, 5, 2)))
trained(
    "conv_lstm_pairs",
    nn.RNN(nn.ConvLSTMCell(2, (3,), padding=[(2, 0)], use_bias=False, carry_init=some)),
    f32(95, (2, 3, 5, 1)),
)

if __name__ == "__main__":
    out_dir = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    write(os.path.join(out_dir, "flax.json"), {"flax": flax.__version__, "cases": CASES})

"""Recorder of haiku.json: what dm-haiku computes, for tests of adapters/haiku.

    jaxenv/bin/python -m pip install dm-haiku
    jaxenv/bin/python tests/reference/record_haiku.py [OUT_DIR]

The environment is that of record.py, which says how arrays are encoded. The file in the repository was
recorded with dm-haiku at commit f4d858a. Each case has the parameters and the state that the model of the
same name in tests/adapters/haiku_recorded_test.ts starts from, its inputs, and what it gives: outputs, state
after it, and gradients of the sum of the outputs' sines by parameters and inputs. Names are recorded as they
are there; parameters are not those that Haiku draws, but numbers that both sides can hold.
"""

import os
import sys

import haiku as hk
import jax
import jax.numpy as jnp
from haiku._src import initializers as haiku_initializers

from record import write
from recorders.common import arr, pseudo

CASES = {}


def f32(seed, shape, scale=1.0):
    return jnp.asarray(pseudo(seed, shape, scale), jnp.float32)


def tree(x):
    if isinstance(x, dict):
        return {k: tree(v) for k, v in x.items()}
    if hasattr(x, "_asdict"):
        return tree(x._asdict())
    if isinstance(x, (list, tuple)):
        return [tree(v) for v in x]
    return arr(jnp.asarray(x))


def drawn(entries, seed):
    """Entries of the same shapes with numbers of ours: floats by pseudo, positive ones for variances."""
    leaves, treedef = jax.tree.flatten(entries)
    out = [
        f32(seed + i, x.shape, 0.5) if jnp.issubdtype(x.dtype, jnp.floating) else x
        for i, x in enumerate(leaves)
    ]
    return jax.tree.unflatten(treedef, out)


def case(name, f, *inputs, steps=1, init=None, keep_state=True):
    """Runs f with state a few times, and takes gradients of the last."""
    model = hk.transform_with_state(f)
    params, state = (init or model).init(jax.random.PRNGKey(0), *inputs)
    params = drawn(params, 100)
    outs, states = [], [state]

    def loss(params, inputs, state):
        out, state = model.apply(params, state, None, *inputs)
        return sum(jnp.sum(jnp.sin(x)) for x in jax.tree.leaves(out)), (out, state)

    for _ in range(steps):
        by = (0, 1) if all(jnp.issubdtype(x.dtype, jnp.floating) for x in jax.tree.leaves(inputs)) else (0,)
        (_, (out, state)), grads = jax.value_and_grad(loss, by, has_aux=True)(params, inputs, state)
        outs.append(out)
        states.append(state)
    CASES[name] = tree(
        {"params": params, "inputs": list(inputs), "outs": outs, "states": states, "grads": list(grads)}
    )


def initial_values():
    """What initialisers draw with a key: that which the adapter draws first from the key 5, by its own way."""
    key = jnp.array([2724472204, 3573582090], jnp.uint32)
    haiku_initializers.hk.next_rng_key = lambda: key
    hi = hk.initializers
    makers = {
        "constant": (hi.Constant([1.0, 2.0, 3.0]), (2, 3)),
        "identity": (hi.Identity(2.0), (2, 3, 4)),
        "orthogonal": (hi.Orthogonal(2.0), (3, 5)),
        "orthogonal_tall": (hi.Orthogonal(), (5, 3)),
        "orthogonal_square": (hi.Orthogonal(), (4, 4)),
        "orthogonal_axis": (hi.Orthogonal(axis=1), (2, 3, 2)),
        "random_normal": (hi.RandomNormal(0.3, 1.0), (3, 4)),
        "random_uniform": (hi.RandomUniform(-1.0, 2.0), (3, 4)),
        "truncated_normal": (hi.TruncatedNormal(0.3, 1.0), (3, 4)),
        "truncated_normal_bounds": (hi.TruncatedNormal(lower=-1.0, upper=0.5), (7,)),
        "uniform_scaling": (hi.UniformScaling(0.5), (2, 3, 4)),
        "variance_scaling": (hi.VarianceScaling(), (3, 4)),
        "variance_scaling_kernel": (hi.VarianceScaling(2.0, "fan_out", "normal"), (3, 2, 4)),
        "variance_scaling_axes": (hi.VarianceScaling(2.0, "fan_avg", "uniform", [0]), (3, 2, 4)),
        "variance_scaling_list": (hi.VarianceScaling(2.0, "fan_avg", "uniform"), (3,)),
    }
    CASES["initializers"] = {
        name: tree(make(shape, jnp.float32)) for name, (make, shape) in makers.items()
    }
    CASES["initializers"]["key"] = tree(key)
    haiku_initializers.hk.next_rng_key = hk.next_rng_key


def convolutions():
    """Convolution and pooling layers."""
    x1, x2 = f32(30, (2, 7, 4)), f32(31, (2, 5, 4, 2))
    pooled = f32(32, (2, 5, 4, 3))
    mask = jnp.asarray(pseudo(33, (3, 4, 2), 1.0) > 0, jnp.float32)
    CASES["conv_mask"] = tree({"mask": mask})
    case("conv_1d", lambda x: hk.Conv1D(3, 3, stride=2, rate=2)(x), x1)
    case("conv_1d_causal", lambda x: hk.Conv1D(3, 3, padding=hk.pad.causal, data_format="NCW")(x), x1)
    case("conv_1d_masked", lambda x: hk.Conv1D(2, 3, mask=mask)(x), x1)
    case("conv_2d", lambda x: hk.Conv2D(3, (3, 2), stride=(2, 1), padding="VALID")(x), x2)
    case("conv_2d_first", lambda x: hk.Conv2D(10, 3, padding=[(1, 2), (0, 1)], data_format="NCHW", feature_group_count=5)(x), f32(34, (2, 5, 4, 3)))
    case("conv_2d_one", lambda x: hk.Conv2D(3, 2, padding=(0, 1), with_bias=False)(x), f32(35, (4, 3, 2)))
    case("conv_2d_functions", lambda x: hk.Conv2D(3, (3, 2), rate=(1, 2), padding=[hk.pad.full, hk.pad.reverse_causal])(x), x2)
    case("conv_3d", lambda x: hk.Conv3D(2, 2, padding=hk.pad.same)(x), f32(36, (1, 3, 2, 3, 2)))
    case("conv_nd", lambda x: hk.ConvND(2, 3, 2, data_format="channels_first")(x), x2)
    case("conv_1d_transpose", lambda x: hk.Conv1DTranspose(3, 4, stride=2)(x), x1)
    case("conv_1d_transpose_shape", lambda x: hk.Conv1DTranspose(3, 4, stride=2, output_shape=13)(x), x1)
    case("conv_2d_transpose", lambda x: hk.Conv2DTranspose(3, (3, 2), stride=(2, 3), padding="VALID")(x), x2)
    case("conv_2d_transpose_shape", lambda x: hk.Conv2DTranspose(3, 3, stride=(2, 3), padding="VALID", output_shape=(12, 12))(x), x2)
    case("conv_2d_transpose_first", lambda x: hk.Conv2DTranspose(2, 3, padding=[(1, 0), (2, 1)], data_format="NCHW")(x), x2)
    case("conv_3d_transpose", lambda x: hk.Conv3DTranspose(2, 2, stride=2, with_bias=False)(x), f32(36, (1, 3, 2, 3, 2)))
    case("depthwise_1d", lambda x: hk.DepthwiseConv1D(2, 3, stride=2)(x), x1)
    case("depthwise_2d", lambda x: hk.DepthwiseConv2D(2, (3, 2), rate=2)(x), x2)
    case("depthwise_2d_first", lambda x: hk.DepthwiseConv2D(1, 2, data_format="NCHW", padding=[(1, 0), (0, 1)])(x), x2)
    case("depthwise_3d", lambda x: hk.DepthwiseConv3D(1, 2, with_bias=False)(x), f32(36, (1, 3, 2, 3, 2)))
    case("separable", lambda x: hk.SeparableDepthwiseConv2D(2, (3, 2), stride=2)(x), x2)
    case("max_pool", lambda x: hk.max_pool(x, 2, 2, "VALID"), pooled)
    case("max_pool_same", lambda x: hk.MaxPool((3, 2, 1), (2, 1, 1), "SAME")(x), pooled)
    case("max_pool_first", lambda x: hk.max_pool(x, 2, 1, "SAME", channel_axis=1), pooled)
    case("avg_pool", lambda x: hk.AvgPool((2, 2, 1), 2, "VALID")(x), pooled)
    case("avg_pool_same", lambda x: hk.avg_pool(x, (3, 2, 1), (2, 1, 1), "SAME"), pooled)
    case("avg_pool_all", lambda x: hk.avg_pool(x, 2, 1, "SAME", channel_axis=None), pooled)


def main():
    initial_values()
    convolutions()
    w = hk.initializers.RandomNormal(0.3)
    x = f32(1, (5, 4))
    image = f32(2, (2, 2, 3, 6))
    seq = f32(3, (6, 2, 3))

    case("linear", lambda x: hk.Linear(3)(x), x)
    case("mlp", lambda x: hk.nets.MLP([4, 3], activation=jnp.tanh)(x), x)
    case("mlp_final", lambda x: hk.nets.MLP([4, 3], activation=jnp.tanh, activate_final=True)(x), x)
    case("sequential", lambda x: hk.Sequential([hk.Linear(4), jnp.tanh, hk.Linear(2)])(x), x)
    case("bias", lambda x: hk.Bias()(x), image)
    case("bias_dims", lambda x: hk.Bias(bias_dims=[1, 3])(x), image)
    case("bias_last", lambda x: hk.Bias(bias_dims=[-1])(x, multiplier=-2.0), image)
    case("bias_scalar", lambda x: hk.Bias(bias_dims=[])(x), image)
    ids = jnp.asarray([[1, 0], [6, 3]], jnp.int32)
    case("embed", lambda i: hk.Embed(7, 3)(i), ids)
    case("embed_one_hot", lambda i: hk.Embed(7, 3, lookup_style="ONE_HOT")(i), ids)

    case("layer_norm", lambda x: hk.LayerNorm(-1, True, True)(x), x)
    case("layer_norm_axes", lambda x: hk.LayerNorm([1, 2], True, True, param_axis=[2, 3])(x), image)
    case("layer_norm_fast", lambda x: hk.LayerNorm(-1, True, False, use_fast_variance=True)(x), image)
    case("layer_norm_bare", lambda x: hk.LayerNorm(-1, False, False)(x), x)
    case("layer_norm_given", lambda x: hk.LayerNorm(-1, False, False)(x, scale=x, offset=x), x)
    case("instance_norm", lambda x: hk.InstanceNorm(True, True)(x), image)
    case("instance_norm_first", lambda x: hk.InstanceNorm(True, True, data_format="channels_first")(x), image)
    case("group_norm", lambda x: hk.GroupNorm(3)(x), image)
    case("group_norm_first", lambda x: hk.GroupNorm(2, data_format="channels_first")(x), image)
    case("group_norm_space", lambda x: hk.GroupNorm(2, axis=slice(1, 3), create_offset=False)(x), image)
    case("rms_norm", lambda x: hk.RMSNorm(-1)(x), x)
    case("rms_norm_axes", lambda x: hk.RMSNorm([1, 3], eps=1e-3, param_axis=1)(x), image)

    def batch_norm(is_training, **options):
        return lambda x: hk.BatchNorm(True, True, 0.9, **options)(x, is_training)

    case("batch_norm", batch_norm(True), x, steps=3)
    trained = hk.transform_with_state(batch_norm(True))
    case("batch_norm_first", batch_norm(True, data_format="channels_first", eps=1e-3), image, steps=2)
    case("batch_norm_axis", batch_norm(True, axis=[0, 1]), image, steps=2)
    case("batch_norm_test", batch_norm(False), x, init=trained)
    case("batch_norm_bare", lambda x: hk.BatchNorm(False, False, 0.5)(x, True, scale=x, offset=x), x, steps=2)

    case("ema", lambda x: hk.ExponentialMovingAverage(0.75)(x), x, steps=4)
    case("ema_biased", lambda x: hk.ExponentialMovingAverage(0.75, zero_debias=False)(x), x, steps=3)
    warm = lambda x: hk.ExponentialMovingAverage(0.75, zero_debias=False, warmup_length=2)(x)
    case("ema_warmup", warm, x, steps=5)
    case("ema_kept", lambda x: hk.ExponentialMovingAverage(0.75)(x, update_stats=False), x, steps=2)
    grows = lambda x: hk.EMAParamsTree(0.5, ignore_regex=".*/b")({"a/~/b": {"w": x, "b": x}})["a/~/b"]
    case("ema_tree", grows, x, steps=2)

    for name, make, options in [
        ("vanilla_rnn", hk.VanillaRNN, {}),
        ("vanilla_rnn_one_bias", hk.VanillaRNN, {"double_bias": False}),
        ("lstm", hk.LSTM, {}),
        ("gru", hk.GRU, {}),
    ]:

        def unrolled(xs, make=make, options=options, **more):
            core = make(4, **options)
            return hk.dynamic_unroll(core, xs, core.initial_state(2), **more)

        case(name, unrolled, seq)
        case(f"{name}_reversed", lambda xs, f=unrolled: f(xs, reverse=True, return_all_states=True), seq)

    def static(xs):
        core = hk.GRU(4)
        return hk.static_unroll(core, xs, core.initial_state(6), time_major=False)

    case("gru_static", static, seq)

    def deep(xs):
        core = hk.DeepRNN([hk.LSTM(4), jnp.tanh, hk.GRU(3)])
        return hk.dynamic_unroll(core, xs, core.initial_state(2))

    case("deep_rnn", deep, seq)

    def skipping(xs):
        core = hk.deep_rnn_with_skip_connections([hk.LSTM(4), hk.GRU(3)])
        return hk.dynamic_unroll(core, xs, core.initial_state(2))

    case("deep_rnn_skipping", skipping, seq)

    def resetting(xs):
        core = hk.ResetCore(hk.LSTM(4))
        resets = jnp.asarray([[0, 0], [0, 1], [0, 0], [1, 1], [1, 0], [0, 0]], bool)
        return hk.dynamic_unroll(core, (xs, resets), core.initial_state(2))

    case("reset_core", resetting, seq)

    q, kv = f32(4, (2, 3, 5)), f32(5, (2, 4, 6))
    case("attention", lambda q, kv: hk.MultiHeadAttention(2, 3, w_init=w)(q, kv, kv), q, kv)
    mask = jnp.asarray([[[[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 0]]]], bool)
    attend = lambda q, kv: hk.MultiHeadAttention(
        2, 3, w_init=w, value_size=4, model_size=5, with_bias=False)(q, kv, kv, mask)
    case("attention_masked", attend, q, kv)

    # The vector of the power method is drawn: it is what state before the first step holds.
    case("spectral_norm", lambda w: hk.SpectralNorm(n_steps=2)(w), f32(6, (4, 3)), steps=2)
    case("spectral_norm_kernel", lambda w: hk.SpectralNorm()(w), f32(7, (2, 2, 3)), steps=2)

    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else here
    write(os.path.join(out, "haiku.json"), {"haiku": "f4d858a", "cases": CASES})


if __name__ == "__main__":
    main()

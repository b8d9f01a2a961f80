"""Recorder of Equinox reference values: equinox.json in this directory.

The tests read only the JSON file; neither Python nor Equinox is needed to run
them.  To regenerate it, with equinox at commit 9336d82 (June 2026) and jax
0.10.2:

    python tests/reference/record_equinox.py

Arrays are {"shape", "data"}, flat and row-major; all are float32 unless they
hold whole numbers or bools.  Models are made from the keys that are said, so
that initial parameters are compared too.
"""

import json
import os
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

warnings.simplefilter("ignore")


def enc(tree):
    if isinstance(tree, dict):
        return {k: enc(v) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [enc(v) for v in tree]
    x = np.asarray(tree)
    return {"shape": list(x.shape), "data": [float(v) for v in x.ravel()]}


def arange(*shape):
    n = int(np.prod(shape))
    return jnp.sin(jnp.arange(n, dtype=jnp.float32) * 1.3).reshape(shape)


def slopes(model, *args, **kwargs):
    """The gradient of the sum of the outputs' sines, as a list of arrays by field order."""

    def loss(m):
        out = m(*args, **kwargs)
        return sum(jnp.sum(jnp.sin(o)) for o in jax.tree_util.tree_leaves(out))

    return eqx.filter_grad(loss)(model)


def main():
    out = {}
    key = jax.random.key(0)
    x3, x4 = arange(3), arange(4)

    m = eqx.nn.Linear(3, 2, key=key)
    g = slopes(m, x3)
    out["linear"] = {"x": x3, "weight": m.weight, "bias": m.bias, "y": m(x3),
                     "dweight": g.weight, "dbias": g.bias}

    m = eqx.nn.MLP(3, 2, 4, 2, activation=jnp.tanh, key=key)
    g = slopes(m, x3)
    out["mlp"] = {"x": x3, "y": m(x3), "weights": [l.weight for l in m.layers],
                  "dweights": [l.weight for l in g.layers]}

    for name, cls in {"layerNorm": eqx.nn.LayerNorm, "rmsNorm": eqx.nn.RMSNorm}.items():
        m = cls((2, 3))
        m = eqx.tree_at(lambda m: m.weight, m, arange(2, 3) + 2)
        x = arange(2, 3) * 3
        out[name] = {"x": x, "weight": m.weight, "y": m(x), "dweight": slopes(m, x).weight}

    m = eqx.nn.GroupNorm(2, 6, eps=0.01)
    m = eqx.tree_at(lambda m: (m.weight, m.bias), m, (arange(6) + 2, arange(6) * 3))
    x = arange(6, 4) ** 2
    g = slopes(m, x)
    out["groupNorm"] = {"x": x, "weight": m.weight, "bias": m.bias, "y": m(x), "dweight": g.weight,
                        "dbias": g.bias}

    m = eqx.nn.PReLU(arange(4))
    x = arange(3, 4) * 2
    out["prelu"] = {"x": x, "slope": m.negative_slope, "y": m(x), "dslope": slopes(m, x).negative_slope,
                    "first": eqx.nn.PReLU().negative_slope}

    m = eqx.nn.RotaryPositionalEmbedding(6)
    x = arange(5, 6) * 2
    out["rotary"] = {"x": x, "y": m(x), "dx": jax.grad(lambda x: jnp.sin(m(x)).sum())(x)}

    out["weightNorm"] = {}
    for name, (layer, axis, x) in {
        "linear": (eqx.nn.Linear(3, 2, key=key), 0, x3),
        "inputs": (eqx.nn.Linear(3, 2, key=key), 1, x3),
        "all": (eqx.nn.Linear(3, 2, key=key), None, x3),
        "conv": (eqx.nn.Conv1d(2, 3, 2, key=key), 0, arange(2, 5)),
    }.items():
        m = eqx.nn.WeightNorm(layer, axis=axis)
        m = eqx.tree_at(lambda m: m.g, m, m.g * 2 + 1)
        d = slopes(m, x)
        out["weightNorm"][name] = {"x": x, "g": m.g, "y": m(x), "dg": d.g, "dweight": d.layer.weight}

    out["spectralNorm"] = {}
    for name, (layer, steps, x) in {
        "linear": (eqx.nn.Linear(3, 2, key=key), 1, x3),
        "conv": (eqx.nn.Conv1d(2, 3, 2, key=key), 2, arange(2, 5)),
    }.items():
        m, state = eqx.nn.make_with_state(eqx.nn.SpectralNorm)(
            layer, "weight", num_power_iterations=steps, key=jax.random.key(1)
        )
        moved = eqx.tree_at(lambda m: m.layer.weight, m, m.layer.weight + arange(*m.layer.weight.shape))
        first = state.get(m.uv_index)
        leaves, treedef = jax.tree_util.tree_flatten(state)
        fresh = lambda: jax.tree_util.tree_unflatten(treedef, leaves)
        still, _ = moved(x, fresh(), inference=True)
        y, after = moved(x, fresh())
        d = eqx.filter_grad(lambda m: jnp.sin(m(x, fresh())[0]).sum())(moved)
        out["spectralNorm"][name] = {"x": x, "uv": first, "weight": moved.layer.weight, "still": still, "y": y,
                                     "after": after.get(m.uv_index), "dweight": d.layer.weight}

    m = eqx.nn.Embedding(5, 3, key=key)
    out["embedding"] = {"weight": m.weight, "y": m(jnp.array(3))}

    m = eqx.nn.Dropout(0.4)
    out["dropout"] = {"y": m(jnp.ones((20,)), key=jax.random.key(7))}

    m = eqx.nn.GRUCell(3, 4, key=key)
    g = slopes(m, x3, x4)
    out["gru"] = {"x": x3, "h": x4, "y": m(x3, x4), "weightIh": m.weight_ih, "biasN": m.bias_n,
                  "dweightHh": g.weight_hh, "dbiasN": g.bias_n}

    m = eqx.nn.LSTMCell(3, 4, key=key)
    g = slopes(m, x3, (x4, x4 * 0.5))
    out["lstm"] = {"x": x3, "h": x4, "y": list(m(x3, (x4, x4 * 0.5))), "bias": m.bias,
                   "dweightIh": g.weight_ih, "dbias": g.bias}

    m = eqx.nn.MultiheadAttention(2, 4, dropout_p=0.3, key=key)
    x, y = arange(5, 4), arange(3, 4) * 0.7
    mask = jnp.arange(15).reshape(5, 3) % 4 != 1
    plain = eqx.nn.inference_mode(m)
    g = slopes(plain, x, y, y)
    out["attention"] = {
        "query": x, "kv": y, "mask": mask, "y": plain(x, y, y), "masked": plain(x, y, y, mask),
        "dropped": m(x, y, y, key=jax.random.key(5)), "dquery": g.query_proj.weight,
    }
    m = eqx.nn.MultiheadAttention(2, 4, key_size=3, value_size=5, output_size=6, qk_size=2,
                                  vo_size=3, use_query_bias=True, use_key_bias=True,
                                  use_value_bias=True, use_output_bias=True, key=key)
    out["attentionSizes"] = {"q": x, "k": arange(3, 3), "v": arange(3, 5),
                             "y": m(x, arange(3, 3), arange(3, 5))}

    batches = [arange(6, 2) * 2, arange(6, 2) + 1]
    for mode in ("batch", "ema"):
        norm, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(
            2, "b", momentum=0.9, mode=mode)
        run = jax.vmap(norm, axis_name="b", in_axes=(0, None), out_axes=(0, None))
        rows = []
        for x in batches:
            y, state = run(x, state)
            index = norm.batch_state_index if mode == "batch" else norm.ema_state_index
            rows.append({"x": x, "y": y, "hidden": list(state.get(index))})
        still = eqx.nn.inference_mode(norm)
        y, _ = jax.vmap(still, axis_name="b", in_axes=(0, None), out_axes=(0, None))(
            batches[0], state)

        def loss(n, state):
            y, _ = jax.vmap(n, axis_name="b", in_axes=(0, None), out_axes=(0, None))(
                batches[0], state)
            return jnp.sum(jnp.sin(y))

        g = eqx.filter_grad(loss)(norm, state)
        out["batchNorm_" + mode] = {"rows": rows, "inference": y, "dweight": g.weight}

    # A batch norm over images, [batch, channels, height, width].
    norm, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(3, "b", mode="batch")
    x = arange(2, 3, 4, 2)
    y, _ = jax.vmap(norm, axis_name="b", in_axes=(0, None), out_axes=(0, None))(x, state)
    out["batchNormImages"] = {"x": x, "y": y}

    # A network with state and dropout in a row, and an ensemble.
    class Net(eqx.Module):
        a: eqx.nn.Linear
        b: eqx.nn.Linear

        def __init__(self, key):
            k1, k2 = jax.random.split(key)
            self.a = eqx.nn.Linear(3, 4, key=k1)
            self.b = eqx.nn.Linear(4, 1, key=k2)

        def __call__(self, x):
            return self.b(jnp.tanh(self.a(x)))

    nets = eqx.filter_vmap(Net)(jax.random.split(key, 3))
    out["ensemble"] = {"weight": nets.a.weight,
                       "y": eqx.filter_vmap(lambda m, x: m(x), in_axes=(0, None))(nets, x3)}

    # Convolutions and pooling: [channels, ...] without a batch.
    n1, n2, n3 = arange(4, 7), arange(2, 5, 4), arange(2, 3, 2, 3)
    nn = eqx.nn
    convs = {
        "conv1d": (n1, nn.Conv1d(4, 2, 3, stride=2, padding=1, key=key)),
        "conv2d": (n2, nn.Conv2d(2, 4, (3, 2), padding=[(1, 2), (0, 1)], dilation=(1, 2), groups=2, key=key)),
        "conv2dSame": (n2, nn.Conv2d(2, 3, 3, stride=2, padding="SAME", use_bias=False, key=key)),
        "conv2dReflect": (n2, nn.Conv2d(2, 2, 3, padding=(1, 2), padding_mode="REFLECT", key=key)),
        "conv2dReplicate": (n2, nn.Conv2d(2, 2, 2, padding="SAME_LOWER", padding_mode="replicate", key=key)),
        "conv2dRound": (n2, nn.Conv2d(2, 2, 3, padding="SAME", padding_mode="CIRCULAR", key=key)),
        "conv3d": (n3, nn.Conv3d(2, 2, 2, key=key)),
        "convTranspose1d": (n1, nn.ConvTranspose1d(4, 2, 3, stride=2, padding=1, output_padding=1, key=key)),
        "convTranspose2d": (n2, nn.ConvTranspose2d(2, 2, (3, 2), stride=(2, 3), dilation=(2, 1), groups=2, key=key)),
        "convTranspose2dSame": (n2, nn.ConvTranspose2d(2, 3, 4, stride=2, padding="SAME", key=key)),
        "convTranspose2dRound": (n2, nn.ConvTranspose2d(2, 2, 3, padding="SAME_LOWER", padding_mode="CIRCULAR", key=key)),
        "convTranspose3d": (n3, nn.ConvTranspose3d(2, 1, 2, stride=2, use_bias=False, key=key)),
    }
    out["convolutions"] = {}
    for name, (x, m) in convs.items():
        g = slopes(m, x)
        dx = jax.grad(lambda x: jnp.sum(jnp.sin(m(x))))(x)
        row = {"x": x, "weight": m.weight, "y": m(x), "dweight": g.weight, "dx": dx}
        if m.bias is not None:
            row.update({"bias": m.bias, "dbias": g.bias})
        out["convolutions"][name] = row
    pools = {
        "avgPool1d": (n1, nn.AvgPool1d(3, 2, padding=1)),
        "avgPool2d": (n2, nn.AvgPool2d((2, 3), (2, 1), padding=[(1, 0), (0, 2)], use_ceil=True)),
        "avgPool3d": (n3, nn.AvgPool3d(2)),
        "maxPool1d": (n1, nn.MaxPool1d(2, 2)),
        "maxPool2d": (n2, nn.MaxPool2d(3, 2, padding=1, use_ceil=True)),
        "maxPool3d": (n3, nn.MaxPool3d(2)),
        "adaptiveAvgPool1d": (n1, nn.AdaptiveAvgPool1d(3)),
        "adaptiveAvgPool2d": (n2, nn.AdaptiveAvgPool2d((3, 2))),
        "adaptiveAvgPool3d": (n3, nn.AdaptiveAvgPool3d(1)),
        "adaptiveMaxPool1d": (n1, nn.AdaptiveMaxPool1d(2)),
        "adaptiveMaxPool2d": (n2, nn.AdaptiveMaxPool2d(2)),
        "adaptiveMaxPool3d": (n3, nn.AdaptiveMaxPool3d((2, 1, 2))),
    }
    out["pools"] = {
        name: {"x": x, "y": m(x), "dx": jax.grad(lambda x: jnp.sum(jnp.sin(m(x))))(x)}
        for name, (x, m) in pools.items()
    }

    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "equinox.json")
    with open(path, "w") as file:
        json.dump(enc(out), file, indent=None, separators=(",", ":"))
        file.write("\n")


main()

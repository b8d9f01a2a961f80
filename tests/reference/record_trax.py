"""Recorder of Trax reference values: trax.json in this directory.

The tests read only the JSON file; neither Python nor Trax is needed to run
them.  To regenerate it, with trax at commit 7c189c2c (April 2025) on the path
and jax 0.10.2:

    python tests/reference/record_trax.py

Trax imports tensorflow, its data sets and gin, which the layers that are recorded here make
no use of; stand-ins serve.  Arrays are {"shape", "data"}, flat and row-major.
"""

import json
import os
import sys
import types
import warnings
from unittest.mock import MagicMock

warnings.simplefilter("ignore")
for name in [
    "tensorflow", "tensorflow.compat", "tensorflow.compat.v2", "tensorflow.python", "tensorflow_datasets",
    "trax.tf_numpy", "trax.tf_numpy.extensions", "trax.tf_numpy.numpy",
]:
    sys.modules[name] = MagicMock()
sys.modules["tensorflow"].TensorShape = type("TensorShape", (), {})
sys.modules["tensorflow"].DType = type("DType", (), {})


def decorator(*args, **kwargs):
    if args and callable(args[0]):
        return args[0]
    return lambda f: f


gin = types.ModuleType("gin")
gin.config = types.SimpleNamespace()
gin.configurable = decorator
gin.external_configurable = decorator
gin.add_config_file_search_path = lambda *args: None
sys.modules["gin"] = gin

import jax
import jax.numpy as jnp
import numpy as np
import trax.layers as tl
from trax.shapes import signature


def enc(tree):
    if isinstance(tree, dict):
        # Marks of weights that are shared, as the adapter's.
        if any("marker" in k for k in tree):
            return {"shared": []}
        return {k: enc(v) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [enc(v) for v in tree]
    x = np.asarray(tree)
    return {"shape": list(x.shape), "data": [float(v) for v in x.ravel()]}


def wave(*shape):
    n = int(np.prod(shape))
    return jnp.sin(jnp.arange(n, dtype=jnp.float32) * 1.3).reshape(shape)


KEY = jax.random.PRNGKey(0)
RUN = jax.random.PRNGKey(7)


def arrays(tree):
    return [x for x in jax.tree_util.tree_leaves(tree)]


def case(layer, x):
    weights, state = layer.init(signature(x), rng=KEY)
    y, after = layer.pure_fn(x, weights, state, RUN)

    def loss(w):
        out, _ = layer.pure_fn(x, w, state, RUN)
        return sum(jnp.sum(jnp.sin(o)) for o in arrays(out))

    slopes = jax.grad(loss)(weights) if arrays(weights) else ()
    return {"x": x, "weights": weights, "y": y, "state": arrays(after),
            "slopes": arrays(slopes)}


def main():
    x = wave(4, 3)
    seq = wave(2, 5, 3)
    out = {}
    out["dense"] = case(tl.Dense(2), x)
    out["denseNoBias"] = case(tl.Dense(2, use_bias=False), x)
    out["mlp"] = case(tl.Serial(tl.Dense(4), tl.Tanh(), tl.Serial(tl.Dense(5), tl.Dense(2))), x)
    d = tl.Dense(3)
    out["shared"] = case(tl.Serial(d, tl.Tanh(), tl.Dense(3), d), x)
    out["branch"] = case(tl.Serial(tl.Branch(tl.Dense(2), None, [tl.Dense(4), tl.Dense(2)]),
                                   tl.Parallel(None, tl.Dense(2)), tl.Add(), tl.Multiply()), x)
    out["residual"] = case(tl.Residual(tl.Dense(3), tl.Tanh(), shortcut=tl.Dense(3)), x)
    out["layerNorm"] = case(tl.Serial(tl.Dense(3), tl.LayerNorm()), x)
    out["batchNorm"] = case(tl.Serial(tl.Dense(3), tl.BatchNorm(axis=(0,), momentum=0.9)), x)
    out["batchNormImages"] = case(tl.BatchNorm(), wave(2, 3, 2, 4))
    out["dropout"] = case(tl.Serial(tl.Dense(3), tl.Dropout(rate=0.4), tl.Dropout(rate=0.2)), x)
    out["embedding"] = case(tl.Embedding(6, 4), jnp.array([[1, 5], [0, 9]]))
    out["lstmCell"] = case(tl.LSTMCell(4), (x, wave(4, 8)))
    out["gruCell"] = case(tl.GRUCell(4), (x, wave(4, 4)))
    out["lstm"] = case(tl.LSTM(3), seq)
    out["gru"] = case(tl.GRU(3), seq)
    step = tl.Serial(tl.Add(), tl.Dropout(rate=0.5), tl.BatchNorm(axis=(0,), momentum=0.5), tl.Dup())
    out["scan"] = case(tl.Scan(step), (wave(5, 4, 3), x))
    larger = tl.Fn("Larger", lambda x: jnp.sum(x) > 0)
    norm = lambda: tl.Serial(tl.Dense(3), tl.BatchNorm(axis=(0,)))
    out["cond"] = case(tl.Cond(larger, norm(), norm()), (jnp.ones((2,)), x))
    out["condFalse"] = case(tl.Cond(larger, norm(), norm()), (-jnp.ones((2,)), x))
    out["activations"] = {
        name: getattr(tl, name)()(x)
        for name in ["Relu", "LeakyRelu", "Elu", "Gelu", "FastGelu", "Sigmoid", "Tanh",
                     "Softplus", "Swish", "Exp", "Softmax", "LogSoftmax", "Mean"]
    }
    image, words = wave(2, 5, 4, 2), wave(2, 6, 3)
    out["conv"] = case(tl.Conv(3, (3, 2)), image)
    out["convSame"] = case(tl.Conv(3, (3, 2), (2, 1), "SAME", use_bias=False), image)
    out["convFirst"] = case(tl.Conv(3, (2, 2), dimension_numbers=("NCHW", "OIHW", "NCHW")), image)
    out["convBatches"] = case(tl.Conv(2, (2, 2)), wave(2, 3, 4, 3, 2))
    out["conv1d"] = case(tl.Conv1d(4, 3, stride=2, padding="SAME"), words)
    out["causalConv"] = case(tl.CausalConv(2, kernel_width=3), words)
    out["causalDepthwiseConv"] = case(tl.CausalDepthwiseConv(kernel_size=3), words)
    out["maxPool"] = case(tl.MaxPool(), image)
    out["sumPool"] = case(tl.SumPool(pool_size=(3, 2), strides=(2, 1), padding="SAME"), image)
    out["avgPool"] = case(tl.AvgPool(pool_size=(3, 2), padding="SAME"), image)
    key = jax.random.PRNGKey(5)
    out["initializers"] = {
        "normal": tl.RandomNormalInitializer(0.3)((3, 4), key),
        "uniform": tl.RandomUniformInitializer(0.3)((3, 4), key),
        "glorotNormal": tl.GlorotNormalInitializer()((3, 4), key),
        "glorotNormalKernel": tl.GlorotNormalInitializer(0, 1, 2.0)((3, 2, 4), key),
        "glorotUniform": tl.GlorotUniformInitializer()((2, 3, 4), key),
        "leCunNormal": tl.LeCunNormalInitializer()((3, 4), key),
        "leCunUniform": tl.LeCunUniformInitializer()((3, 4), key),
        "kaimingNormal": tl.KaimingNormalInitializer(param=0.5)((3, 4), key),
        "kaimingUniform": tl.KaimingUniformInitializer()((3, 4), key),
        "orthogonal": tl.OrthogonalInitializer(2.0)((2, 2, 3), key),
        "orthogonalWide": tl.OrthogonalInitializer()((3, 5), key),
        "atari": tl.AtariConvInit((3, 2, 2, 3), key),
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trax.json")
    with open(path, "w") as file:
        json.dump(enc(out), file, indent=None, separators=(",", ":"))
        file.write("\n")


main()

"""Recorder of losses.json: values of Optax's losses, and gradients of their sums, in float64.

    python tests/reference/record_losses.py [OUT_DIR]; deno fmt tests/reference/losses.json

Arguments are lists of numbers; those whose name ends in "Labels" of integer classes, and "where", are given
with their dtype. Gradients are with respect to the first argument.
"""

import json
import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

rng = np.random.default_rng(20261128)
X = rng.normal(size=(3, 4)) * 2
Y = rng.normal(size=(3, 4))
P = rng.dirichlet(np.ones(4), size=3)
P[1] = [0, 1, 0, 0]
LOGITS = np.concatenate([X, [[800.0, -800.0, 0.0, 1.0]]])
SIGNS = np.sign(rng.normal(size=(3, 4)))
CLASSES = np.array([2, 0, 3, 1])
MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
CUBE = rng.normal(size=(2, 3, 4))

CASES = [
    ("squaredError", [X, Y], {}),
    ("squaredError", [X], {}),
    ("l2Loss", [X, Y], {}),
    ("huberLoss", [X, Y], {}),
    ("huberLoss", [X, Y[0]], {"delta": 0.3}),
    ("logCosh", [X, Y], {}),
    ("logCosh", [X * 1000], {}),
    ("hingeLoss", [X, SIGNS], {}),
    ("sigmoidBinaryCrossEntropy", [X * 300, P], {}),
    ("sigmoidBinaryCrossEntropy", [X, SIGNS > 0], {}),
    ("softmaxCrossEntropy", [LOGITS, np.concatenate([P, [[0.5, 0.5, 0, 0]]])], {}),
    ("softmaxCrossEntropy", [CUBE, CUBE**2], {"axis": 1}),
    ("softmaxCrossEntropy", [CUBE, CUBE**2], {"axis": (0, 2)}),
    ("softmaxCrossEntropy", [LOGITS[[0, 1, 3]], P], {"where": MASK[[0, 1, 3]]}),
    ("softmaxCrossEntropyWithIntegerLabels", [LOGITS, CLASSES], {}),
    ("softmaxCrossEntropyWithIntegerLabels", [CUBE, np.array([[0, 1, 2, 0], [2, 2, 1, 0]])], {"axis": 1}),
    ("softmaxCrossEntropyWithIntegerLabels", [CUBE, np.array([7, 0, 3])], {"axis": (0, 2)}),
    ("softmaxCrossEntropyWithIntegerLabels", [LOGITS, CLASSES], {"where": MASK}),
    ("softmaxCrossEntropyWithIntegerLabels", [LOGITS, CLASSES], {"where": MASK[:, 0]}),
    ("smoothLabels", [P, 0.1], {}),
    ("smoothLabels", [P, 0.4], {"axis": 0}),
    ("smoothLabels", [P, 0.1], {"where": MASK[[0, 1, 3]]}),
    ("klDivergence", [np.log(P[[0, 2]]), P[[1, 2]]], {}),
    ("klDivergence", [np.log(P[[0, 2]]), P[[1, 2]]], {"axis": 0}),
    ("cosineSimilarity", [X, Y], {}),
    ("cosineSimilarity", [X, Y[0]], {"axis": 0, "epsilon": 1e-3}),
    ("cosineDistance", [X, Y], {"epsilon": 6.0}),
]
NAMES = {"l2Loss": "l2_loss", "logCosh": "log_cosh", "klDivergence": "kl_divergence"}


def snake(name):
    return NAMES.get(name) or "".join("_" + c.lower() if c.isupper() else c for c in name)


def plain(x):
    if np.ndim(x) == 0 and not isinstance(x, np.ndarray):
        return x
    x = np.asarray(x)
    kind = {"b": "bool", "i": "int32", "f": "float64"}[x.dtype.kind]
    return {"dtype": kind, "values": [str(v) if not np.isfinite(v) else v for v in x.ravel().tolist()], "shape": x.shape}


def main(out):
    cases = []
    with jax.enable_x64(True):
        for name, args, options in CASES:
            f = getattr(optax, snake(name))
            own = [jnp.asarray(a) if isinstance(a, np.ndarray) else a for a in args]
            given = {k: jnp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
            value = f(*own, **given)
            slope = jax.grad(lambda x: f(x, *own[1:], **given).sum())(own[0])
            cases.append(
                {
                    "name": name,
                    "args": [plain(a) for a in args],
                    "options": {k: plain(v) if isinstance(v, np.ndarray) else v for k, v in options.items()},
                    "value": plain(np.asarray(value)),
                    "slope": plain(np.asarray(slope)),
                }
            )
    text = {"versions": {"optax": optax.__version__, "jax": jax.__version__}, "cases": cases}
    with open(os.path.join(out, "losses.json"), "w") as file:
        json.dump(text, file)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(__file__))

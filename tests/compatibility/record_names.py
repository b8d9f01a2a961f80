"""Recorder of the public names of JAX, in names.json: what COMPATIBILITY.md is held against.

    python tests/compatibility/record_names.py

The distributions of jax.scipy.stats count by function, as `norm.cdf`.
"""

import inspect
import json
import os
import types

import jax
import jax.flatten_util
import jax.image
import jax.nn.initializers
import jax.numpy.fft
import jax.numpy.linalg
import jax.ops
import jax.scipy.cluster.vq
import jax.scipy.fft
import jax.scipy.integrate
import jax.scipy.interpolate
import jax.scipy.linalg
import jax.scipy.ndimage
import jax.scipy.optimize
import jax.scipy.signal
import jax.scipy.spatial.transform
import jax.scipy.special
import jax.scipy.stats
import jax.test_util
import jax.tree
import jax.tree_util

MODULES = [
    "jax", "jax.flatten_util", "jax.image", "jax.lax", "jax.nn", "jax.nn.initializers",
    "jax.numpy", "jax.numpy.fft", "jax.numpy.linalg", "jax.ops", "jax.random",
    "jax.scipy.cluster.vq", "jax.scipy.fft", "jax.scipy.integrate", "jax.scipy.interpolate",
    "jax.scipy.linalg", "jax.scipy.ndimage", "jax.scipy.optimize", "jax.scipy.signal",
    "jax.scipy.spatial.transform",    "jax.scipy.special", "jax.scipy.stats", "jax.test_util", "jax.tree", "jax.tree_util",
]


def module(path):
    out = jax
    for part in path.split(".")[1:]:
        out = getattr(out, part)
    return out


def is_own(value):
    own = getattr(inspect.unwrap(value) if callable(value) else value, "__module__", None)
    return callable(value) and (own or "").startswith("jax._src.scipy.stats")


def names(path):
    found = []
    for name in dir(module(path)):
        if name.startswith("_"):
            continue
        value = getattr(module(path), name)
        if isinstance(value, types.ModuleType):
            if path == "jax.scipy.stats" and value.__name__.startswith("jax"):
                found += [
                    f"{name}.{n}" for n in dir(value)
                    if not n.startswith("_") and is_own(getattr(value, n))
                ]
            continue
        found.append(name)
    return sorted(found)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    body = {"jax": jax.__version__, "names": {path: names(path) for path in MODULES}}
    with open(os.path.join(here, "names.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(body, indent=0) + "\n")
    print({path: len(found) for path, found in body["names"].items()})


if __name__ == "__main__":
    main()

"""Recorder of what JAX gives for the programs of families/NAME.json.

    python tests/reference/record_families.py NAME [NAME ...]     (--all: every family)

writes families/NAME.values.json.  A family has inputs of its own, nested lists (NaN
and infinities as strings), and programs: "here" is the expression in this library,
"jax" the one in JAX, in the names of recorders/common.py.  With "single" JAX's float32
alone is recorded, since JAX has no other; with "noGradients", a reason, no gradients.
See record.py for the encoding of arrays and for how to install JAX.
"""

import json
import os
import sys

import jax

jax.config.update("jax_platforms", "cpu")

import jax.numpy as jnp
import numpy as np
from recorders.common import F32, F64, HERE, I32, arr, function, variables, x64
from recorders.structure import leaves


def array(values, dtype):
    a = np.array(values)
    if a.dtype.kind == "U" or a.dtype.kind == "O":
        a = np.vectorize(float)(a)
    if a.size == 0:
        a = a.astype(np.float64)
    kinds = {"f": dtype, "i": I32, "b": jnp.bool_}
    return jnp.asarray(a, kinds[a.dtype.kind])


def record(family):
    out = {}
    for dtype, on in ((F32, False), (F64, True)):
        with x64(on):
            inputs = {k: array(v, dtype) for k, v in family["inputs"].items()}
            table = out[np.dtype(dtype).name] = {}
            for entry in family["programs"]:
                if on and entry.get("single"):
                    continue
                try:
                    case = record_program(entry, inputs, dtype, on)
                except Exception as error:
                    raise ValueError(f"{entry['here']} | {entry['jax']}: {error}") from error
                if case is not None:
                    table[entry["here"]] = case
    return out


def record_program(entry, inputs, dtype, on):
    names = variables(entry, inputs)
    args = [inputs[n] for n in names]
    floats = [i for i, x in enumerate(args) if x.dtype == dtype]
    if on and names and not floats:
        return None
    f = function(entry, names)
    ys = leaves(f(*args))
    case = {"outputs": [arr(y) for y in ys]}
    if not on or not floats or entry.get("noGradients") or not any(y.dtype == dtype for y in ys):
        return case

    def weighted(*args):
        total = 0.0
        for y in leaves(f(*args)):
            if y.dtype == dtype:
                total += jnp.sum(y.ravel() / jnp.arange(1.0, y.size + 1))
        return total

    grads = jax.grad(weighted, floats)(*args)
    case["gradients"] = {names[i]: arr(g) for i, g in zip(floats, grads)}
    return case


def main():
    directory = os.path.join(HERE, "families")
    names = sys.argv[1:]
    if names == ["--all"]:
        names = sorted(f[:-5] for f in os.listdir(directory)
                       if f.endswith(".json") and not f.endswith(".values.json"))
    for name in names:
        with open(os.path.join(directory, name + ".json"), encoding="utf-8") as file:
            family = json.load(file)
        body = {"jax": jax.__version__, **record(family)}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
        with open(os.path.join(directory, name + ".values.json"), "w", encoding="utf-8") as file:
            file.write(text + "\n")
        print(name, len(text) + 1)


if __name__ == "__main__":
    main()

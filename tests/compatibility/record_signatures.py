"""Recorder of the parameters of JAX's functions, in signatures.json: what the options are held against.

    python tests/compatibility/record_signatures.py

Of each function the parameters in order: `x` where it must be given, `x?` where it may be left out,
`x?-1` where that is the same as -1, for numbers, flags, names and None.
"""

import inspect
import json
import os

from record_names import MODULES, jax, module, names

LEFT = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def value(path, name):
    out = module(path)
    for part in name.split("."):
        out = getattr(out, part)
    return out


def parameters(function):
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        p.name + ("" if p.default is p.empty else "?" + plainly(p.default)) for p in found
        if p.kind not in LEFT and not p.name.startswith("_")
    ]


def plainly(default):
    """A default as in JSON, where it is plain and without blanks."""
    plain = default is None or isinstance(default, (bool, int, float, str))
    return "" if not plain or " " in str(default) or default in ("", float("inf")) else json.dumps(default)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    body = {"jax": jax.__version__, "signatures": {}}
    for path in MODULES:
        own = {}
        for name in names(path):
            found = value(path, name)
            if not callable(found) or inspect.isclass(found):
                continue
            listed = parameters(found)
            if listed is not None:
                own[name] = " ".join(listed)
        body["signatures"][path] = own
    with open(os.path.join(here, "signatures.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps(body, indent=2) + "\n")
    print({path: len(found) for path, found in body["signatures"].items()})


if __name__ == "__main__":
    main()

"""Recorder of indices drawn at random, and what JAX reads and changes at them.

    python tests/reference/record_indexing.py

writes families/indexing.json, whose values record_families.py indexing records then.
An index is written here as arguments and in JAX between brackets.
"""

import json
import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT = 130
INPUTS = {
    "x": [[[round(0.25 * k * (-1) ** k + 0.5, 2) for k in range(b, b + 4)]
           for b in range(a, a + 12, 4)] for a in (0, 12)],
    "i": [1, 0, 1],
    "j": [[0], [-1]],
    "k": [-1, 2, 0],
    "n": 1,
    "q": [2, 0, 1],
    "o": [5, -7, 1],
    "keep": [[True, False, True], [False, False, True]],
    "rows": [False, True],
    "v": [0.5, -1.5, 2.5],
}


def one(r, n, axis):
    """An index of an axis of length n: here, in JAX, and the axes that it takes."""
    kind = r.choice("issnaaam")
    if kind == "i":
        at = r.randrange(-n, n)
        return f"{at}", f"{at}", 1
    if kind == "s":
        start, stop = (r.choice([None, r.randrange(-n - 1, n + 2)]) for _ in range(2))
        step = r.choice([None, None, 1, 2, -1, -2])
        here = ", ".join("null" if p is None else str(p) for p in (start, stop, step))
        jax = ":".join("" if p is None else str(p) for p in (start, stop, step))
        return f"np.slice({here})", jax, 1
    if kind == "n":
        return "null", "None", 0
    if kind == "m":
        if axis == 0 and n == 2:
            return r.choice([("keep", "KEEP", 2), ("rows", "ROWS", 1)])
        return "k", "k", 1
    name = r.choice("ijkn" if n > 2 else "ijn")
    return name, name, 1


def index(r):
    shape = [2, 3, 4]
    axis, here, jax, masks = 0, [], [], 0
    while axis < 3 and r.random() < 0.85:
        if r.random() < 0.1 and '"..."' not in here:
            here.append('"..."')
            jax.append("...")
            axis = r.randrange(axis, 4)
            continue
        a, b, taken = one(r, shape[min(axis, 2)], axis)
        if axis + taken > 3:
            continue
        here.append(a)
        jax.append(b)
        axis += taken
    return here, jax


def valid(jax, x):
    """Whether NumPy takes it."""
    import numpy as np

    names = {k: np.array(v) for k, v in INPUTS.items()}
    names["KEEP"], names["ROWS"] = names["keep"], names["rows"]
    try:
        return eval(f"x[{', '.join(jax)}]", {**names, "x": x}).size > 0
    except IndexError:
        return False


def main():
    import numpy as np

    r = random.Random(7)
    x = np.array(INPUTS["x"])
    programs, seen = [], set()
    literals = {name.upper(): f"np.array({INPUTS[name]})" for name in ("keep", "rows")}

    def spelled(jax):
        return ", ".join(literals.get(part, part) for part in jax)

    while len(seen) < COUNT:
        here, jax = index(r)
        key = ", ".join(jax)
        if not here or key in seen or not valid(jax, x):
            continue
        seen.add(key)
        programs.append({"here": f"x.at({', '.join(here)})", "jax": f"x[{spelled(jax)}]"})
        how = r.choice(["set", "add", "mul", "min", "max", "sub", "div", "power"])
        name = {"sub": "subtract", "div": "divide", "mul": "multiply"}.get(how, how)
        repeated = any(part in ("i", "j", "k") for part in jax)
        update = {
            "here": f"np.updateAt(x, {', '.join(here)}).{how}(2.5)",
            "jax": f"x.at[{spelled(jax)}].{name}(2.5)",
        }
        if how in ("power", "mul", "div") and repeated:
            update["noGradients"] = "JAX has none of products at positions that may be equal"
        if how == "power":
            update["ulps"] = 4
            update["why"] = "powers of two libraries"
        programs.append(update)
    programs += EDGES
    for p in programs:
        p["here"] = p["here"].replace("keep", "KEEP").replace("rows", "ROWS")
    text = json.dumps({"inputs": {k: v for k, v in INPUTS.items() if k not in ("keep", "rows")},
                       "programs": programs})
    with open(os.path.join(HERE, "families", "indexing.json"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    print(len(programs))


def options(**named):
    return named


DUPLICATES = "JAX has none of products at positions that may be equal"

# Positions out of range, modes, and values that broadcast.
EDGES = [
    {"here": "np.get(x, 0, 0, o)", "jax": "x.at[0, 0, o].get(mode='clip')"},
    {"here": "x.at(0, 0, o)", "jax": "x.at[0, 0, o].get(mode='clip')"},
    {"here": 'x.get(0, 0, o, { mode: "fill" })', "jax": "x.at[0, 0, o].get(mode='fill')"},
    {"here": 'x.get(0, 0, o, { mode: "drop", fillValue: 7 })',
     "jax": "x.at[0, 0, o].get(mode='drop', fill_value=7)"},
    {"here": "x.get(0, 0, o, { fillValue: -2 })",
     "jax": "x.at[0, 0, o].get(mode='fill', fill_value=-2)"},
    {"here": 'x.get(5, { mode: "fill" })', "jax": "x.at[5].get(mode='fill')",
     "noGradients": "none of NaN"},
    {"here": 'x.get(-9, 1, { mode: "clip" })', "jax": "x.at[-9, 1].get(mode='clip')"},
    {"here": 'x.get(0, 1, o, { mode: "fill", wrapNegativeIndices: false })',
     "jax": "x.at[0, 1, o].get(mode='fill', wrap_negative_indices=False)"},
    {"here": 'k.get(o, { mode: "fill" })', "jax": "k.at[o].get(mode='fill')"},
    {"here": "np.updateAt(v, o).set(9)", "jax": "v.at[o].set(9)"},
    {"here": 'np.updateAt(v, o).add(v, { mode: "clip" })', "jax": "v.at[o].add(v, mode='clip')"},
    {"here": "np.updateAt(v, o).get({ fillValue: 4 })", "jax": "v.at[o].get(mode='fill', fill_value=4)"},
    {"here": 'np.updateAt(v, o).max(4, { mode: "drop" })', "jax": "v.at[o].max(4, mode='drop')"},
    {"here": "np.updateAt(v, o).min(-4)", "jax": "v.at[o].min(-4)"},
    {"here": 'np.updateAt(v, 7).set(1, { mode: "drop" })', "jax": "v.at[7].set(1, mode='drop')"},
    {"here": 'np.updateAt(v, n.add(9)).set(1, { mode: "clip" })',
     "jax": "v.at[n + 9].set(1, mode='clip')"},
    {"here": "np.updateAt(v, k, { }).set(v)".replace(", { }", ""), "jax": "v.at[k].set(v)"},
    {"here": "np.updateAt(v, q).mul(v, { uniqueIndices: true })",
     "jax": "v.at[q].multiply(v, unique_indices=True)"},
    {"here": "np.updateAt(v, q).div(v, { uniqueIndices: true, indicesAreSorted: false })",
     "jax": "v.at[q].divide(v, unique_indices=True, indices_are_sorted=False)"},
    {"here": "np.updateAt(v, i).mul(v)", "jax": "v.at[i].multiply(v)", "noGradients": DUPLICATES},
    {"here": "np.updateAt(v, i).min(v)", "jax": "v.at[i].min(v)"},
    {"here": "np.updateAt(v, i).max(v)", "jax": "v.at[i].max(v)"},
    {"here": "np.updateAt(v, i).add(v)", "jax": "v.at[i].add(v)"},
    {"here": "np.updateAt(v, k).apply(np.sin)", "jax": "v.at[k].set(jnp.sin(v[k]))"},
    {"here": "np.updateAt(x, 0, \"...\", np.slice(1, 3)).apply(np.exp)",
     "jax": "x.at[0, ..., 1:3].set(jnp.exp(x[0, ..., 1:3]))"},
    {"here": "np.updateAt(x, \"...\", k).set(v)", "jax": "x.at[..., k].set(v)"},
    {"here": "np.updateAt(x, null, j, np.slice(null, null, 2)).add(v.slice([0], [2]).reshape([2, 1, 1]).at(\"...\", null))",
     "jax": "x.at[None, j, ::2].add(v[:2].reshape(2, 1, 1)[..., None])"},
    {"here": "np.setAt(x, [1, 0], v.at(0))", "jax": "x.at[1, 0].set(v[0])"},
    {"here": "np.addAt(x, [\"...\", np.slice(0, null, 3)], v.at(np.slice(0, 3), null).at(\"...\", [0].length - 1, null))".replace("[0].length - 1", "0"),
     "jax": "x.at[..., 0::3].add(v[:3, None][..., 0, None])"},
    {"here": "np.updateAt(k, i).set(k)", "jax": "k.at[i].set(k)"},
    {"here": "np.updateAt(k, n).div(2)", "jax": "k.at[n].divide(2)"},
    {"here": "np.updateAt(k, i).power(2)", "jax": "k.at[i].power(2)"},
    {"here": "x.at(x.greater(1).at(\"...\", 0))".replace("x.greater(1).at(\"...\", 0)", "KEEP"),
     "jax": "x[np.array([[True, False, True], [False, False, True]])]"},
    {"here": "np.updateAt(x, x.greater(1)).set(0)", "jax": "jnp.where(x > 1, 0, x)"},
    {"here": "np.updateAt(x, x.greater(1)).power(2)", "jax": "jnp.where(x > 1, x ** 2, x)"},
    {"here": "np.updateAt(x, x.greater(1).at(\"...\", 0)).max(v.at(0))",
     "jax": "jnp.where((x[..., 0] > 1)[..., None], jnp.maximum(x, v[0]), x)"},
    {"here": "x.at(np.slice(5, 9))", "jax": "x[5:9]"},
    {"here": "np.updateAt(x, np.slice(5, 9)).set(1)", "jax": "x.at[5:9].set(1)"},
    {"here": "x.at(np.zeros([0], { dtype: \"int32\" }), 1)", "jax": "x[jnp.zeros([0], I32), 1]"},
    {"here": "np.updateAt(x, np.zeros([0], { dtype: \"int32\" })).mul(3)",
     "jax": "x.at[jnp.zeros([0], I32)].multiply(3)", "noGradients": DUPLICATES},
]


if __name__ == "__main__":
    main()

"""Recorder of gathers and scatters with dimension numbers drawn at random.

    python tests/reference/record_places.py

writes families/lax_places.json, whose values record_families.py lax_places records then.
"""

import json
import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPE = (2, 3, 4)
MODES = {"fill": "fill", "drop": "drop", "clip": "clip", "promise": "promise_in_bounds"}


def numbers(r):
    """Axes, sizes of windows, and indices that may lie outside."""
    axes = list(range(3))
    batching = [a for a in axes if r.random() < 0.2]
    mapped = [a for a in axes if a not in batching and r.random() < 0.6]
    r.shuffle(mapped)
    dropped = [a for a in axes if a not in batching and r.random() < 0.4]
    sizes = [1 if a in batching or a in dropped else r.randrange(1, SHAPE[a] + 1) for a in axes]
    places = [r.randrange(1, 4) for _ in range(r.randrange(0, 3))]
    at = []
    for a in batching:
        k = r.randrange(len(places) + 1)
        places.insert(k, SHAPE[a])
        at = [i + (i >= k) for i in at] + [k]
    windows = 3 - len(batching) - len(dropped)
    dims = sorted(r.sample(range(len(places) + windows), windows))
    return batching, at, mapped, dropped, sizes, places, dims


def indices(r, mapped, sizes, places, inside):
    def one():
        return [r.randrange(0, SHAPE[a] - sizes[a] + 1) if inside or r.random() < 0.85
                else r.choice([-1, SHAPE[a]]) for a in mapped]

    def build(shape):
        return one() if not shape else [build(shape[1:]) for _ in range(shape[0])]

    return build(places)


def count(shape):
    n = 1
    for m in shape:
        n *= m
    return n


def main():
    r = random.Random(11)
    inputs = {
        "x": [[[round(0.5 * k * (-1) ** k + 0.3 * b + 0.7, 2) for k in range(4)] for b in range(a, a + 3)]
              for a in (0, 3)],
        "v": [round(1.5 * (-1) ** (k // 2) + 0.07 * k, 2) for k in range(72)],
    }
    programs = []
    while len(programs) < 140:
        batching, at, mapped, dropped, sizes, places, dims = numbers(r)
        if not mapped:
            continue
        mode = r.choice(["fill", "fill", "clip", "drop", "promise"])
        index = indices(r, mapped, sizes, places, mode == "promise")
        shape = places + [len(mapped)]
        here_at = f"np.array({index}, {{ dtype: 'int32' }}).reshape({shape})"
        jax_at = f"jnp.array({index}, I32).reshape({tuple(shape)})"
        gather = (f"{{ offsetDims: {dims}, collapsedSliceDims: {dropped}, startIndexMap: {mapped}, "
                  f"operandBatchingDims: {batching}, startIndicesBatchingDims: {at} }}")
        jax_gather = (f"lax.GatherDimensionNumbers({tuple(dims)}, {tuple(dropped)}, {tuple(mapped)}, "
                      f"{tuple(batching)}, {tuple(at)})")
        fill = r.choice(["", ", fillValue: 9"]) if mode == "fill" else ""
        programs.append({
            "here": f"lax.gather(x, {here_at}, {gather}, {sizes}, {{ mode: '{mode}'{fill} }})",
            "jax": f"lax.gather(x, {jax_at}, {jax_gather}, {tuple(sizes)}, mode='{MODES[mode]}'"
                   f"{', fill_value=9' if fill else ''})",
        })
        window = [s for a, s in enumerate(sizes) if a not in batching and a not in dropped]
        rest, lengths = list(places), list(window)
        update = [lengths.pop(0) if k in dims else rest.pop(0)
                  for k in range(len(places) + len(window))]
        if count(update) > 72:
            continue
        how = r.choice(["", "Add", "Add", "Sub", "Mul", "Min", "Max"])
        put = (f"{{ updateWindowDims: {dims}, insertedWindowDims: {dropped}, "
               f"scatterDimsToOperandDims: {mapped}, operandBatchingDims: {batching}, "
               f"scatterIndicesBatchingDims: {at} }}")
        jax_put = (f"lax.ScatterDimensionNumbers({tuple(dims)}, {tuple(dropped)}, {tuple(mapped)}, "
                   f"{tuple(batching)}, {tuple(at)})")
        name = "scatter" + (f"_{how.lower()}" if how else "")
        program = {
            "here": f"lax.scatter{how}(x, {here_at}, v.slice([0], [{count(update)}]).reshape({update}), "
                    f"{put}, {{ mode: '{mode}' }})",
            "jax": f"lax.{name}(x, {jax_at}, v[:{count(update)}].reshape({tuple(update)}), {jax_put}, "
                   f"mode='{MODES[mode]}')",
        }
        if how == "Mul":
            program["noGradients"] = "JAX has none of products at positions that may be equal"
        programs.append(program)
    programs += [
        {"here": "lax.gather(x.at(0, 0, 0), np.zeros([2, 0], { dtype: 'int32' }), "
                 "{ offsetDims: [], collapsedSliceDims: [], startIndexMap: [] }, [])",
         "jax": "lax.gather(x[0, 0, 0], jnp.zeros((2, 0), I32), "
                "lax.GatherDimensionNumbers((), (), ()), ())",
         "noGradients": "XLA fails on them"},
        {"here": "lax.gather(x, np.zeros([2, 0], { dtype: 'int32' }), "
                 "{ offsetDims: [1, 2, 3], collapsedSliceDims: [], startIndexMap: [] }, [2, 3, 4])",
         "jax": "lax.gather(x, jnp.zeros((2, 0), I32), "
                "lax.GatherDimensionNumbers((1, 2, 3), (), ()), (2, 3, 4))"},
        {"here": "lax.scatterApply(v, np.array([[1], [1], [3], [99]], { dtype: 'int32' }), np.sin, "
                 "{ updateWindowDims: [], insertedWindowDims: [0], scatterDimsToOperandDims: [0] })",
         "jax": "lax.scatter_apply(v, jnp.array([[1], [1], [3], [99]], I32), jnp.sin, "
                "lax.ScatterDimensionNumbers((), (0,), (0,)), update_shape=(4,))",
         "noGradients": "JAX has none of it"},
        {"here": "lax.scatterApply(x, np.array([[1]], { dtype: 'int32' }), np.exp, "
                 "{ updateWindowDims: [1, 2], insertedWindowDims: [0], scatterDimsToOperandDims: [0] }, "
                 "{ updateShape: [1, 3, 4], uniqueIndices: true })",
         "jax": "x.at[1].set(jnp.exp(x[1]))"},
    ]
    text = json.dumps({"inputs": inputs, "programs": programs})
    with open(os.path.join(HERE, "families", "lax_places.json"), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    print(len(programs))


if __name__ == "__main__":
    main()
